"""From a person's yes to the first byte at a backup channel on loopback, with the daemon as a process of its own.

    timeout 10m .venv/bin/python -m bench.approval [--rounds 100]

Each round is an incident of its own whose holding statement waits for approval.  It is approved at the command line's
own socket (the time includes the connection, the commit and the answer's way) or by a button in a practice Telegram
(the time includes the long poll's answer).  `first byte` is when the receiver has read the request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL
from pathlib import Path
from typing import Any

import yaml

from failover.ask import NotRunningError, ask
from failover.clock import Clock
from failover.practice.hooks import HooksService
from failover.practice.http import Request, Response
from failover.practice.telegram import TelegramService
from failover.practice.web import AnchorsService

APPROVER = 111

BATCH = 10
"""Incidents for each daemon: nobody has a hundred of them at once."""


def configuration(
    rounds: int, folder: Path, desk: HooksService, telegram: TelegramService, anchors: list[Any]
) -> str:
    """As many platforms as there are rounds: each goes down once, by a person's word."""
    for name, secret in {"hook": desk.secret, "token": telegram.token}.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(secret)
    paths = ("generate_204", "success.txt", "connecttest.txt")
    urls = [f"{one.url}/{path}" for one, path in zip(anchors, paths, strict=True)]
    platforms = {
        f"p{number}": {"catalogue": False, "probes": [{"kind": "web", "url": urls[0], "every": "1d"}]}
        for number in range(rounds)
    }
    config = {
        "organisation": {"name": "Example Council"},
        "control": str(folder / "control.sock"),
        "state": f"sqlite://{folder}/failover.db",
        "platforms": platforms,
        "channels": {
            "press-desk": {"kind": "webhook", "url": desk.hook, "secret_file": "hook"},
            "bot": {
                "kind": "telegram", "practice": True, "chat": -1009876543210, "token_file": "token",
                "api_url": telegram.url,
            },
        },
        "routes": [{"primary": [*platforms], "backups": ["press-desk"]}],
        "sign_off": {"holding": "required", "approvers": [{"name": "Ann", "telegram": APPROVER}]},
        "judgement": {"anchors": urls},
    }  # fmt: skip
    return yaml.safe_dump(config, sort_keys=False)


async def measure(rounds: int) -> dict[str, list[float]]:
    """Milliseconds, by way of approving."""
    found: dict[str, list[float]] = {"command line": [], "Telegram": []}
    for left in range(rounds, 0, -BATCH):
        await _batch(min(left, BATCH), found)
    return found


async def _batch(rounds: int, found: dict[str, list[float]]) -> None:
    """One daemon on an empty database."""
    arrived = asyncio.Event()
    clock = Clock().now
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        anchors = [AnchorsService() for _ in range(3)]
        desk, telegram = HooksService(), TelegramService(now=clock)
        for service in (desk, telegram, *anchors):
            await service.start()
        chat = telegram.add_chat(APPROVER, kind="private", title="Ann")
        answer, at = desk.answer, [0.0]

        async def answering(request: Request) -> Response:
            if request.method == "POST":
                at[0] = time.perf_counter()
                arrived.set()
            return await answer(request)

        desk.answer = answering  # type: ignore[method-assign]
        file = folder / "config.yaml"
        file.write_text(configuration(rounds, folder, desk, telegram, anchors))
        command = [sys.executable, "-m", "failover", "run", "--config", str(file), "--log", "json"]
        daemon = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
        try:
            await _answers(file)
            for number in range(rounds):
                arrived.clear()
                questions = len(chat.posts)
                await asyncio.to_thread(ask, file, "declare", platform=f"p{number}", state="down")
                while len(chat.posts) == questions:
                    await asyncio.sleep(0.01)
                way = "Telegram" if number % 2 else "command line"
                began = time.perf_counter()
                if way == "Telegram":
                    telegram.press(APPROVER, [*chat.posts.values()][-1], "Approve")
                else:
                    await asyncio.to_thread(ask, file, "approve", statement=f"{number + 1}H")
                async with asyncio.timeout(30):
                    await arrived.wait()
                found[way].append((at[0] - began) * 1000)
                await asyncio.to_thread(ask, file, "declare", platform=f"p{number}", state="auto")
        finally:
            daemon.terminate()
            await daemon.wait()
            for service in (desk, telegram, *anchors):
                await service.stop()


async def _answers(file: Path) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                data = await asyncio.to_thread(ask, file, "status")
            except NotRunningError:
                await asyncio.sleep(0.1)
                continue
            if all(one["sources"] for one in data["platforms"]):
                return
            await asyncio.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    found = asyncio.run(measure(parser.parse_args().rounds))
    if parser.parse_args().json:
        print(json.dumps(found))
        return
    print(f"{'approved by':>14}  median     p99   (ms, first byte at the channel)")
    for way, times in found.items():
        p99 = statistics.quantiles(times, n=100, method="inclusive")[98]
        print(f"{way:>14}  {statistics.median(times):6.1f}  {p99:6.1f}   of {len(times)}")


if __name__ == "__main__":
    main()
