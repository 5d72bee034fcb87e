"""Resident memory after an hour's worth of ticks: the daemon's own loop, 3600 ticks and 60 rounds of every probe.

    .venv/bin/python bench/memory.py

Two processes: the practice internet here, the measured one as a child that does nothing else.  Measured twice: the
core with `site` and `email`, and with `telegram` and `x` as well.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from pathlib import Path

HOUR, MINUTES = 3600, 60
CORE = ("email", "statuspage")


def resident() -> float:
    """Megabytes of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


async def child(config: Path) -> None:
    """The measured process."""
    import os

    from failover import registry
    from failover.assembly import assemble
    from failover.clock import Clock
    from failover.config import load
    from failover.daemon import Daemon  # noqa: F401  what the service has in memory
    from failover.journal import open_journal
    from failover.store import Store

    settings = load(config, os.environ, registry)
    clock = Clock()
    with open_journal("json", env={}, stream=Path(os.devnull).open("w")) as journal:
        store = Store.open(settings.state)
        async with assemble(settings, registry, store, journal, clock.now, lambda: None) as at:
            await at.engine.load(clock.now())
            for tick in range(HOUR):
                if tick % (HOUR // MINUTES) == 0:
                    await at.lookout.ask_anchors()
                    await asyncio.gather(*(at.lookout.look(look) for look in at.lookout.looks))
                if tick == HOUR // 10:
                    print(f"after six minutes: {resident():.1f} MB")
                await at.engine.tick(clock.now())
                await at.courier.deliver()
        store.close()
    print(f"after an hour:     {resident():.1f} MB")


async def main() -> None:
    from failover.clock import Clock
    from failover.practice.internet import configuration, practice_internet

    for name, channels in (
        ("core with site and email (aim: 50)", CORE),
        ("with telegram and x (aim: 85)", (*CORE, "telegram", "x")),
    ):
        with tempfile.TemporaryDirectory() as folder:
            async with practice_internet(Clock().now) as internet:
                config = Path(folder, "config.yaml")
                config.write_text(_only(configuration(internet, Path(folder)), channels), encoding="utf-8")
                print(name, flush=True)
                process = await asyncio.create_subprocess_exec(sys.executable, __file__, "--child", str(config))
                await process.wait()
    print("repeat with: .venv/bin/python bench/memory.py")


def _only(text: str, channels: tuple[str, ...]) -> str:
    """The configuration with these channels alone."""
    import yaml

    whole = yaml.safe_load(text)
    whole["channels"] = {name: one for name, one in whole["channels"].items() if name in channels}
    whole["routes"] = [{"primary": ["facebook", "instagram", "whatsapp"], "backups": list(channels)}]
    whole["messages"]["holding"] = {"default": "{{ platforms }} {{ is_are }} down. We are on {{ elsewhere }}."}
    for platform in whole["platforms"].values():
        platform["probes"] = [probe for probe in platform["probes"] if probe["kind"] != "account"]
    if "telegram" not in channels:
        del whole["platforms"]["telegram"]
    return yaml.safe_dump(whole)


if __name__ == "__main__":
    asyncio.run(child(Path(sys.argv[2])) if "--child" in sys.argv else main())
