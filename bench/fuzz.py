"""Coverage-guided fuzzing of everything that reads a source's answer.

    python -m pip install atheris        # Linux; not among the development packages
    python -m bench.fuzz [--minutes 5] [KIND …]

Each kind of probe is opened with its own example and looks through a transport that answers with garbage: bytes out
of thin air, and good answers that were spoiled.  Whatever comes, a look ends with a sighting, not with an exception.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]
import httpx

with atheris.instrument_imports(include=["probes", "failover.model"]):
    from failover import registry
    from failover.describe import example_options

    for _name in registry.names("probes"):
        registry.find_probe(_name)

from failover.contracts import Surroundings
from failover.model import Evidence, Organisation, Sighting, Signal
from failover.replay.virtual import VirtualLoop
from tests.probes._garbage import spoil

THREADED = frozenset({"appsstatus", "feed"})
"""These parse in a thread, for which virtual time does not wait."""

NOT_HTTP = frozenset({"account", "dns", "vantage"})
SAMPLES = sorted((Path(__file__).parents[1] / "tests" / "samples").glob("*.*"))
STATUSES = (200, 200, 200, 200, 204, 301, 304, 400, 401, 403, 404, 429, 500, 503)
TYPES = ("application/json", "text/html", "application/rss+xml", "text/plain; charset=latin-1", "")


class Answers(httpx.AsyncBaseTransport):
    """Answers every request out of the fuzzer's bytes."""

    def __init__(self) -> None:
        self.data: Any = None
        self.kind = ""
        self.names: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        data = self.data
        status = STATUSES[data.ConsumeIntInRange(0, len(STATUSES) - 1)]
        headers = {"content-type": TYPES[data.ConsumeIntInRange(0, len(TYPES) - 1)]}
        if data.ConsumeProbability() < 0.1:
            headers |= {"etag": '"a"', "date": "Fri, 20 Nov 2026 11:00:00 GMT", "retry-after": "7"}
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(self._body()), request=request)

    def _body(self) -> bytes:
        data = self.data
        if data.ConsumeProbability() < 0.2:
            return bytes(data.ConsumeBytes(data.ConsumeIntInRange(0, 4096)))
        fitting = [one for one in SAMPLES if self.kind.removesuffix("status") in one.name] or SAMPLES
        several = fitting if data.ConsumeProbability() < 0.9 else SAMPLES
        body = _spoiled(data, several[data.ConsumeIntInRange(0, len(several) - 1)])
        return _renamed(body, self.names, data)


def _renamed(body: bytes, names: list[str], data: Any) -> bytes:
    """One of the names in it is one that is looked for."""
    found = [*re.finditer(rb'"(?:name|title|service_name|label|slug)": "([^"]*)"', body)]
    if not found or not names:
        return body
    match = found[data.ConsumeIntInRange(0, len(found) - 1)]
    return body.replace(match[1], names[data.ConsumeIntInRange(0, len(names) - 1)].encode()) if match[1] else body


def _spoiled(data: Any, sample: Path) -> bytes:
    seed, times = data.ConsumeIntInRange(0, 2**32), data.ConsumeIntInRange(0, 6)
    if sample.suffix == ".json":
        return json.dumps(spoil(json.loads(sample.read_text("utf-8")), random.Random(seed), times)).encode()
    raw = bytearray(sample.read_bytes())
    chance = random.Random(seed)
    for _ in range(times if raw else 0):
        place = chance.randrange(len(raw))
        raw[place : place + chance.randrange(1, 30)] = bytes(data.ConsumeBytes(chance.randrange(0, 12)))
    return bytes(raw)


def _words(value: Any) -> list[str]:
    if isinstance(value, list | tuple | set | frozenset):
        return [word for part in value for word in _words(part)]
    return [value] if isinstance(value, str) else []


class Target:
    """One kind, opened again from time to time so that what it remembers is fuzzed too, and not for ever."""

    def __init__(self, name: str, answers: Answers) -> None:
        self.name, self.kind, self._answers = name, registry.find_probe(name), answers
        self.options: Any = example_options(self.kind)
        self.looks = 0
        self.seen: Counter[str] = Counter()
        self._names = [name for value in self.options.model_dump().values() for name in _words(value)]
        self._loop = asyncio.new_event_loop() if name in THREADED else VirtualLoop()
        self._stack: contextlib.AsyncExitStack | None = None
        self._probe: Any = None

    def look(self) -> None:
        self._answers.kind, self._answers.names = self.name, self._names
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._look())

    async def _look(self) -> None:
        if self.looks % 200 == 0:
            if self._stack is not None:
                await self._stack.aclose()
            self._stack = contextlib.AsyncExitStack()
            self._probe = await self._stack.enter_async_context(self.kind.open(self.options, _surroundings()))
        self.looks += 1
        try:
            async with asyncio.timeout(self.kind.timeout):
                sighting = await self._probe.look()
        except TimeoutError:
            self.seen["late"] += 1
            return
        assert isinstance(sighting, Sighting), sighting
        assert sighting.reason, "no reason"
        assert sighting.reason.isprintable(), repr(sighting.reason)
        assert len(sighting.reason) < 1000, len(sighting.reason)
        if sighting.signal is Signal.DOWN:
            assert sighting.evidence is not Evidence.OPERATOR
        self.seen[sighting.signal.value] += 1


def _surroundings() -> Surroundings:
    def no_channel(name: str) -> Any:
        raise KeyError(name)

    organisation = Organisation(name="Example Council")
    return Surroundings(
        organisation=organisation, user_agent="fuzz", name="fuzz", platform="example", now=lambda: 1_795_172_400.0,
        channel=no_channel,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the probes.")
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--minutes", type=float, default=5.0)
    given = parser.parse_args()
    answers = Answers()
    plain = httpx.AsyncClient.__init__

    def through_us(self: httpx.AsyncClient, *args: Any, **kwargs: Any) -> None:
        plain(self, *args, **{**kwargs, "transport": answers, "trust_env": False})

    httpx.AsyncClient.__init__ = through_us  # type: ignore[method-assign]
    targets = [Target(name, answers) for name in given.kinds or registry.names("probes") if name not in NOT_HTTP]
    began = time.monotonic()

    def one(raw: bytes) -> None:
        answers.data = atheris.FuzzedDataProvider(raw)
        targets[answers.data.ConsumeIntInRange(0, len(targets) - 1)].look()
        if time.monotonic() - began > 60 * given.minutes:
            report(targets, time.monotonic() - began)
            os._exit(0)

    with tempfile.TemporaryDirectory(prefix="failover-fuzz-") as corpus:
        chance = random.Random(1)
        for number in range(300):
            Path(corpus, str(number)).write_bytes(chance.randbytes(chance.randrange(40, 1200)))
        options = ["-max_len=4096", "-len_control=0", "-rss_limit_mb=2048", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, corpus], one)
        atheris.Fuzz()


def report(targets: list[Target], seconds: float) -> None:
    print(f"{sum(target.looks for target in targets):,} looks in {seconds / 60:.1f} minutes, no exception")
    for target in targets:
        print(f"  {target.name:<16} {target.looks:>8,}  {dict(target.seen)}", flush=True)


if __name__ == "__main__":
    main()
