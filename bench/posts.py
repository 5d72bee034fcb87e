"""A thousand scheduled posts and a spool folder of five thousand files: how late are ticks, how quick are lists?

    .venv/bin/python bench/posts.py [--files 5000] [--scheduled 1000] [--seconds 120]

The daemon runs in a process of its own, against the practice internet.  A tick is late by what it begins after its
second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from failover.ask import NotRunningError, ask

ROUNDS = 21
FAILOVER = [str(Path(sys.executable).parent / "failover")]


async def main(files: int, scheduled: int, seconds: float) -> None:
    from failover.clock import Clock
    from failover.practice.internet import configuration, practice_internet

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with practice_internet(Clock().now) as internet:
            config = folder / "config.yaml"
            text = configuration(internet, folder) + '\nposts: {folder: posts, every: "1s"}\n'
            config.write_text(text, encoding="utf-8")
            spool(folder / "posts", files)
            daemon = await asyncio.create_subprocess_exec(
                sys.executable, __file__, "--daemon", str(config), str(folder / "ticks.json")
            )
            await answers(config)
            began = time.perf_counter()
            await asyncio.to_thread(schedule, config, scheduled)
            print(f"{scheduled} posts handed in: {(time.perf_counter() - began) / scheduled * 1000:.1f} ms each")
            await asyncio.sleep(seconds)
            bare = await asyncio.to_thread(times, [sys.executable, "-c", "pass"])
            posts = await asyncio.to_thread(times, [*FAILOVER, "posts", "-c", str(config)])
            status = await asyncio.to_thread(times, [*FAILOVER, "status", "-c", str(config)])
            counts = ask(config, "status")["posts"]
            daemon.terminate()
            await daemon.wait()
            left = len(list((folder / "posts").glob("*.md")))
            late = json.loads((folder / "ticks.json").read_text())
    print(f"{counts['scheduled']} scheduled, {counts['waiting']} waiting, {left} files left in the folder")
    usual, worst = (f"{each(late) * 1000:.0f} ms" for each in (statistics.median, max))
    print(f"{len(late)} ticks, late by {usual}, at the worst by {worst} (aim: 1000 ms)")
    for name, took in (("posts", posts), ("status", status)):
        usual, best = (each(took) - each(bare) for each in (statistics.median, min))
        print(f"failover {name:6} {usual:4.0f} ms more than bare Python, at the best {best:.0f} ms (aim: 60)")


async def answers(config: Path) -> None:
    """Wait until the daemon does."""
    for _ in range(100):
        try:
            await asyncio.to_thread(ask, config, "status")
        except NotRunningError:
            await asyncio.sleep(0.3)
        else:
            return


def spool(folder: Path, files: int) -> None:
    """As programs put them there, a minute ago."""
    folder.mkdir()
    before = time.time() - 60
    for number in range(files):
        path = folder / f"{number:05}.md"
        path.write_text(f"---\nto: [statuspage, telegram]\n---\nItem {number} of the day's news.\n")
        os.utime(path, (before, before))


def schedule(config: Path, scheduled: int) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 60))
    for number in range(scheduled):
        ask(config, "post", text=f"Scheduled {number}", to=["statuspage"], at=at)


def times(command: list[str]) -> list[float]:
    """Milliseconds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took.append((time.perf_counter() - began) * 1000)
    return took


def daemon(config: Path, out: Path) -> None:
    """The daemon as it is shipped, but for a note of when each tick began."""
    from failover import registry
    from failover.config import load
    from failover.daemon import TICK, Daemon
    from failover.journal import open_journal
    from failover.store import Store

    late: list[float] = []

    class Timed(Daemon):
        async def _tick(self) -> None:
            now = time.monotonic()
            if late:
                late.append(max(0.0, now - self.last - TICK))
            else:
                late.append(0.0)
            self.last = now
            await super()._tick()

    with Path(os.devnull).open("w") as nowhere, open_journal("json", env={}, stream=nowhere) as journal:
        store = Store.open(load(config, os.environ, registry).state)
        asyncio.run(Timed(load(config, os.environ, registry), journal, store, os.environ).run())
    out.write_text(json.dumps(late[3:]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--daemon"]:
        daemon(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("--files", type=int, default=5000)
        parser.add_argument("--scheduled", type=int, default=1000)
        parser.add_argument("--seconds", type=float, default=120)
        given = parser.parse_args()
        asyncio.run(main(given.files, given.scheduled, given.seconds))
