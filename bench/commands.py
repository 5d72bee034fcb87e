"""How long the commands take: those that a person waits for beside bare Python, and `check` on the example.

.venv/bin/python bench/commands.py
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 21
HERE = Path(__file__).parent.parent


async def main() -> None:
    from failover.clock import Clock
    from failover.practice.internet import configuration, practice_internet

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with practice_internet(Clock().now) as internet:
            config = folder / "config.yaml"
            config.write_text(configuration(internet, folder), encoding="utf-8")
            daemon = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "failover", "run", "-c", str(config), stderr=asyncio.subprocess.DEVNULL
            )
            try:
                async with asyncio.timeout(30):
                    while not (folder / "control.sock").exists():
                        await asyncio.sleep(0.1)
                asked = [[*FAILOVER, name, "-c", str(config)] for name in AT_ONCE]
                bare, *took = await asyncio.to_thread(medians, [sys.executable, "-c", "pass"], *asked)
            finally:
                daemon.terminate()
                await daemon.wait()
    (check,) = medians([*FAILOVER, "check", "-c", str(HERE / "config.example.yaml")])
    print(f"python -c pass      {bare:5.0f} ms")
    for name, took_in_all in zip(AT_ONCE, took, strict=True):
        print(f"failover {name:<10} {took_in_all:5.0f} ms, {took_in_all - bare:.0f} ms more (aim: 60 more)")
    print(f"failover check      {check:5.0f} ms on the example (aim: 600)")
    print("repeat with: .venv/bin/python bench/commands.py")


AT_ONCE = ("status", "posts", "incidents")
"""A daemon that runs answers these."""

FAILOVER = [str(Path(sys.executable).parent / "failover")]


def medians(*commands: list[str]) -> list[float]:
    """Milliseconds; in turn, so that whatever else the machine does meets all of them."""
    took: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS):
        for place, command in enumerate(commands):
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            took[place].append((time.perf_counter() - began) * 1000)
    return [statistics.median(one) for one in took]


if __name__ == "__main__":
    asyncio.run(main())
