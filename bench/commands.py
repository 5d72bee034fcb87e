"""How long the commands take: `status` beside bare Python, and `check` on the example configuration.

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
            await asyncio.sleep(3)
            bare = await asyncio.to_thread(median, [sys.executable, "-c", "pass"])
            status = await asyncio.to_thread(median, [*FAILOVER, "status", "-c", str(config)])
            daemon.terminate()
            await daemon.wait()
    check = median([*FAILOVER, "check", "-c", str(HERE / "config.example.yaml")])
    print(f"python -c pass   {bare:5.0f} ms")
    print(f"failover status  {status:5.0f} ms, {status - bare:.0f} ms more (aim: 60 more)")
    print(f"failover check   {check:5.0f} ms on the example (aim: 600)")
    print("repeat with: .venv/bin/python bench/commands.py")


FAILOVER = [str(Path(sys.executable).parent / "failover")]


def median(command: list[str]) -> float:
    """Milliseconds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


if __name__ == "__main__":
    asyncio.run(main())
