"""From the observation that completes the verdict to the first byte at each of five backup channels on loopback.

    .venv/bin/python bench/latency.py [--rounds 200]

Everything runs in one process: the practice services, the engine with its SQLite file (every commit on the disk), the
courier and the real channels.  `first byte` is when a service has read the first request of a round.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from failover import registry
from failover.assembly import Assembly, assemble
from failover.clock import Clock
from failover.config import parse
from failover.evidence import Line
from failover.model import Evidence, Sighting, Signal
from failover.practice.http import HttpService, Request, Response
from failover.practice.internet import configuration, practice_internet
from failover.standing import Declaration
from failover.store import Store

CHANNELS = ("telegram", "x", "blog", "press-desk", "email")


class Silent:
    """A journal that says nothing."""

    def say(self, name: str, /, **fields: object) -> None: ...

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool:
        return False

    def bug(self, where: str, error: BaseException) -> None:
        raise error


def timed(service: HttpService, arrivals: dict[str, float], name: str) -> None:
    """Note when the first request of a round has been read."""
    answer = service.answer

    async def answering(request: Request) -> Response:
        arrivals.setdefault(name, time.perf_counter())
        return await answer(request)

    service.answer = answering  # type: ignore[method-assign]


async def measure(rounds: int) -> dict[str, list[float]]:
    clock, kicked = Clock(), asyncio.Event()
    found: dict[str, list[float]] = {name: [] for name in CHANNELS}
    arrivals: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with practice_internet(clock.now) as internet:
            settings = parse(configuration(internet, folder), folder / "config.yaml", {}, registry)
            for channel, service in {
                "telegram": internet.telegram,
                "x": internet.x,
                "blog": internet.blog,
                "press-desk": internet.press_desk,
            }.items():
                timed(service, arrivals, channel)
            pick = internet.smtp.pick

            def picked(*phase: object) -> object:
                arrivals.setdefault("email", time.perf_counter())
                return pick(*phase)  # type: ignore[arg-type]

            internet.smtp.pick = picked  # type: ignore[method-assign,assignment]
            store = Store.open(folder / "failover.db")
            async with assemble(settings, registry, store, Silent(), clock.now, kicked.set) as at:
                engine = at.engine
                engine.house = replace(
                    engine.house, calm=replace(engine.house.calm, relapse=0.0, intermittent_after=10**9)
                )
                watch = engine.watches["facebook"]
                engine.watches["facebook"] = replace(watch, rules=replace(watch.rules, confirm_for=0.0))
                for _ in range(rounds):
                    arrivals.clear()
                    kicked.clear()
                    engine.line = Line(good_at=clock.now() + 60)
                    down = Sighting.down(Evidence.HERE, "connection refused")
                    for _ in range(2):
                        await engine.saw("facebook", "web", down, clock.now(), good_for=60)
                    began = time.perf_counter()
                    crowd = Sighting.down(Evidence.CROWD, "9,800 reports")
                    await engine.saw("facebook", "downdetector", crowd, clock.now(), good_for=60)
                    await kicked.wait()
                    await at.courier.deliver()
                    await at.courier.finish()
                    for channel in CHANNELS:
                        found[channel].append((arrivals[channel] - began) * 1000)
                    await _recover(at, clock)
            store.close()
    return found


async def _recover(at: Assembly, clock: Clock) -> None:
    """End the incident by a person's word, and say nothing more about it."""
    engine = at.engine
    up = Sighting.up(Evidence.HERE, "works")
    for probe in ("web", "downdetector"):
        await engine.saw("facebook", probe, up, clock.now(), good_for=60)
    word = Declaration(platform="facebook", signal=Signal.UP, at=clock.now(), by="bench")
    await engine.declare(word)
    await engine.end_declaration("facebook", clock.now(), "the next round begins")
    await at.courier.deliver()
    await at.courier.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    found = asyncio.run(measure(parser.parse_args().rounds))
    everything = sorted(value for values in found.values() for value in values)
    for name, values in found.items():
        values.sort()
        print(f"{name:12} median {statistics.median(values):6.1f} ms   p99 {values[int(len(values) * 0.99)]:6.1f} ms")
    print(
        f"{'all':12} median {statistics.median(everything):6.1f} ms   "
        f"p99 {everything[int(len(everything) * 0.99)]:6.1f} ms   (aim: 50 and 150)"
    )
    print("repeat with: .venv/bin/python bench/latency.py")


if __name__ == "__main__":
    main()
