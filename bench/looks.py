"""How many `web` probes one core makes, beside Debian's prometheus-blackbox-exporter on the same pages.

    apt-get install --no-install-recommends prometheus-blackbox-exporter
    .venv/bin/python bench/looks.py [--seconds 4] [--rounds 3] [--at-once 4]

(-P, because this file has the name of a package.)

Both look at the same loopback server (a process of its own), check status 200 and a word in the body, and open a new
connection for every look.  The exporter is asked over its /probe endpoint, as Prometheus does, by a client in another
process.  Rounds alternate, and the median is printed.  The cost is CPU time of the measured process alone, so the
rate of one core is 1000 / CPU-ms; `seen` is what this machine made of it, with everything else running on it.
Without the exporter only our own numbers are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import quote

from failover.contracts import Channel, Surroundings
from failover.model import Organisation, Signal
from probes.web import KIND

EXPORTER = "prometheus-blackbox-exporter"
PAGES = 20
BODY = b"<html><body>" + b"<p>a front page of some size</p>\n" * 60 + b"ok</body></html>"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)

MODULE = """\
modules:
  page:
    prober: http
    timeout: 8s
    http:
      valid_status_codes: [200]
      fail_if_body_not_matches_regexp: ["ok</body>"]
      preferred_ip_protocol: ip4
"""


@dataclass(frozen=True)
class Round:
    """What one round came to."""

    looks: int
    seconds: float
    cpu: float

    @property
    def cost(self) -> float:
        return 1000 * self.cpu / self.looks


class Site(asyncio.Protocol):
    """The page that is looked at: as little work as possible."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        if self._seen.endswith(b"\r\n\r\n"):
            self._seen = b""
            self._transport.write(ANSWER)


def serve(report: Connection) -> None:
    """The process of the site."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Site, "127.0.0.1", 0, backlog=1000)
        report.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def started(target: Callable[..., None], *arguments: object) -> tuple[multiprocessing.Process, Connection]:
    """A child process, and the end of a pipe it reports to."""
    here, there = multiprocessing.Pipe()
    child = multiprocessing.Process(target=target, args=(*arguments, there), daemon=True)
    child.start()
    return child, here


def no_channel(name: str) -> Channel:
    raise KeyError(name)


async def ours(urls: list[str], seconds: float, at_once: int) -> Round:
    """Look with real probes, opened as the daemon opens them."""
    surroundings = Surroundings(
        organisation=Organisation(name="Bench"),
        user_agent="failover bench",
        name="web",
        platform="p",
        now=time.monotonic,
        channel=no_channel,
    )
    expect = {"status": 200, "text": "ok</body>"}
    async with AsyncExitStack() as stack:
        kinds = [KIND.options.model_validate({"url": url, "expect": expect}) for url in urls]
        probes = [await stack.enter_async_context(KIND.open(options, surroundings)) for options in kinds]
        looks, began, cpu = 0, time.perf_counter(), time.process_time()

        async def keep_looking(mine: int) -> None:
            nonlocal looks
            while time.perf_counter() - began < seconds:
                sighting = await probes[mine % len(probes)].look()
                assert sighting.signal is Signal.UP, sighting
                looks += 1
                mine += at_once

        await asyncio.gather(*(keep_looking(number) for number in range(at_once)))
        return Round(looks, time.perf_counter() - began, time.process_time() - cpu)


def drive(port: int, urls: list[str], seconds: float, at_once: int, report: Connection) -> None:
    """The process that asks the exporter; reports how often it was answered `probe_success 1`, and in what time."""

    async def keep_asking(mine: int, began: float) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0
        while time.perf_counter() - began < seconds:
            path = f"/probe?module=page&target={quote(urls[mine % len(urls)], safe='')}"
            writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b"content-length: " in head:
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
            else:
                chunks = await reader.readuntil(b"\r\n0\r\n\r\n")
                body = b"".join(chunks.split(b"\r\n")[1::2])
            assert b"probe_success 1" in body, body
            count += 1
            mine += at_once
        writer.close()
        return count

    async def main() -> None:
        began = time.perf_counter()
        counts = await asyncio.gather(*(keep_asking(number, began) for number in range(at_once)))
        report.send((sum(counts), time.perf_counter() - began))

    asyncio.run(main())


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the exporter did not start")


def theirs(pid: int, port: int, urls: list[str], seconds: float, at_once: int) -> Round:
    before = cpu_of(pid)
    child, report = started(drive, port, urls, seconds, at_once)
    looks, took = report.recv()
    child.join()
    return Round(looks, took, cpu_of(pid) - before)


def show(name: str, rounds: list[Round]) -> None:
    cost = statistics.median(each.cost for each in rounds)
    seen = statistics.median(each.looks / each.seconds for each in rounds)
    print(f"{name:32} {1000 / cost:8.0f} probes/s of one core   {cost:6.2f} CPU-ms each   seen {seen:6.0f}/s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=4)
    chosen = parser.parse_args()
    site, report = started(serve)
    where = f"http://127.0.0.1:{report.recv()}"
    urls = [f"{where}/{number}" for number in range(PAGES)]
    exporter = shutil.which(EXPORTER)
    here: list[Round] = []
    there: list[Round] = []
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "blackbox.yml"
        config.write_text(MODULE)
        port = free_port()
        command = [exporter or "", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL) if exporter else None
        try:
            for _ in range(chosen.rounds):
                here.append(asyncio.run(ours(urls, chosen.seconds, chosen.at_once)))
                if running is not None:
                    wait_for(port)
                    there.append(theirs(running.pid, port, urls, chosen.seconds, chosen.at_once))
        finally:
            if running is not None:
                running.terminate()
                running.wait()
            site.terminate()
    show("web probe", here)
    if there:
        show(EXPORTER, there)
    else:
        print(f"{EXPORTER} is not installed")


if __name__ == "__main__":
    main()
