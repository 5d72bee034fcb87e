"""Coverage-guided fuzzing of everything that reads a source's answer.

    python -m pip install atheris        # Linux; not among the development packages
    python -m bench.fuzz [--minutes 5] [KIND …]

Each kind of probe is opened with its own example and with options that fit a sample, and looks through a transport
that answers with garbage: bytes out of thin air, and good answers that were spoiled.  Whatever comes, a look ends
with a sighting, not with an exception.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]
import dns.message
import httpx

with atheris.instrument_imports(include=["probes", "failover.model"]):
    from failover import registry

    for _name in registry.names("probes"):
        registry.find_probe(_name)

    from probes._resolvers import Question, read
    from probes.vantage import read_report

from bench.fuzz_documents import SITE, fitting_options, spoiled
from failover.contracts import Surroundings
from failover.model import Evidence, Organisation, Sighting, Signal
from failover.replay.virtual import VirtualLoop

THREADED = frozenset({"appsstatus", "feed"})
"""These parse in a thread, for which virtual time does not wait."""

NOT_HTTP = frozenset({"account", "dns", "vantage"})
SAMPLES = sorted((Path(__file__).parents[1] / "tests" / "samples").glob("*.*"))
STATUSES = (*[200] * 16, 204, 301, 304, 400, 401, 403, 404, 429, 500, 503)
TYPES = (*["application/json"] * 6, "text/html", "application/rss+xml", "text/plain; charset=latin-1", "")
NUMBERS = ("0", "7", "-1", "1e9", "9" * 400, "nan", "\u0663")
PLACES = ("/other", "http://[", "//x:99999999/", "https://example.org/", "\x00", "?" * 3000, "mailto:a")


LOOKS = 50
"""Looks after which a probe is opened anew, with the next of the options that suit it."""

NOW = 1_795_172_400.0  # 2026-11-20T11:00:00Z


class Answers(httpx.AsyncBaseTransport):
    """Answers every request out of the fuzzer's bytes."""

    def __init__(self) -> None:
        self.data: Any = None
        self.bodies: list[Any] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        data = self.data
        status = STATUSES[data.ConsumeIntInRange(0, len(STATUSES) - 1)]
        headers = {"content-type": TYPES[data.ConsumeIntInRange(0, len(TYPES) - 1)]}
        if data.ConsumeProbability() > 0.9:
            headers |= {"etag": '"a"', "date": "Fri, 20 Nov 2026 11:00:00 GMT"}
        if data.ConsumeProbability() > 0.9:
            number = NUMBERS[data.ConsumeIntInRange(0, len(NUMBERS) - 1)]
            odd = dict.fromkeys(("retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"), number)
            headers |= odd | {"location": PLACES[data.ConsumeIntInRange(0, len(PLACES) - 1)]}
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        return httpx.Response(status, headers=sent, stream=httpx.ByteStream(self.body()), request=request)

    def body(self) -> bytes:
        data = self.data
        if data.ConsumeProbability() > 0.9:
            return bytes(data.ConsumeBytes(data.ConsumeIntInRange(0, 4096)))
        body = self.bodies[data.ConsumeIntInRange(0, len(self.bodies) - 1)]
        seed, times = data.ConsumeIntInRange(0, 2**32), data.ConsumeIntInRange(0, 6)
        return spoiled(body, random.Random(seed), times)


class Clock:
    """Goes on between two looks, by minutes or by days."""

    def __init__(self) -> None:
        self.at = NOW


class Target:
    """One kind, opened again from time to time so that what it remembers is fuzzed too, and not for ever."""

    def __init__(self, name: str, answers: Answers) -> None:
        self.name, self.kind, self._answers = name, registry.find_probe(name), answers
        self.looks = 0
        self.seen: Counter[str] = Counter()
        self._fitting = list(fitting_options(name))
        self._bodies = self._fitting[0][1]
        self._recognise: Any = next((one.recognise for one in registry.recognisers() if one.kind == name), None)
        self._clock = Clock()
        self._loop: asyncio.AbstractEventLoop = VirtualLoop()
        self._stack: contextlib.AsyncExitStack | None = None
        self._probe: Any = None

    def look(self) -> None:
        self._answers.bodies = self._bodies
        data = self._answers.data
        if self._recognise is not None and data.ConsumeProbability() > 0.9:
            self._read(data)
            return
        if self.looks % LOOKS == 0:
            self._begin_anew()
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._look())

    def _begin_anew(self) -> None:
        """Virtual time must not grow for ever: after some months a loop cannot tell it from the next moment."""
        if self._stack is not None:
            self._loop.run_until_complete(self._stack.aclose())
        self._loop.close()
        self._loop = asyncio.new_event_loop() if self.name in THREADED else VirtualLoop()
        self._stack = contextlib.AsyncExitStack()
        self._loop.run_until_complete(self._open(self._stack))

    def _read(self, data: Any) -> None:
        """A page that a newcomer's address led to."""
        body = self._answers.body()
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            document = body.decode("utf-8", "replace")
        found = self._recognise(f"{SITE}/{data.ConsumeUnicodeNoSurrogates(20)}", document)
        assert found is None or isinstance(found, dict)
        self.seen["read"] += 1

    async def _look(self) -> None:
        data = self._answers.data
        self._clock.at += (60.0, 60.0, 60.0, 60.0, 900.0, 90_000.0)[data.ConsumeIntInRange(0, 5)]
        if self.name not in THREADED:
            await asyncio.sleep(3600.0)  # what asked us to wait has been waited for
        self.looks += 1
        try:
            async with asyncio.timeout(self.kind.timeout):
                sighting = await self._probe.look()
        except TimeoutError:
            self.seen["late"] += 1
            return
        check(sighting)
        self.seen[sighting.signal.value] += 1

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        options, self._bodies = self._fitting[self.looks // LOOKS % len(self._fitting)]
        self._answers.bodies, self._clock.at = self._bodies, NOW
        self._probe = await stack.enter_async_context(self.kind.open(options, _surroundings(self._clock)))


def check(sighting: Any) -> None:
    """What everybody who gets a sighting relies on."""
    assert isinstance(sighting, Sighting), sighting
    assert sighting.reason, "no reason"
    assert sighting.reason.isprintable(), repr(sighting.reason)
    assert len(sighting.reason) < 1000, len(sighting.reason)
    assert len(sighting.detail) <= 1000, len(sighting.detail)
    (sighting.reason + sighting.detail).encode()
    if sighting.signal is Signal.DOWN:
        assert sighting.evidence is not Evidence.OPERATOR


def _surroundings(clock: Clock) -> Surroundings:
    def no_channel(name: str) -> Any:
        raise KeyError(name)

    organisation = Organisation(name="Example Council")
    return Surroundings(
        organisation=organisation, user_agent="fuzz", name="fuzz", platform="example", now=lambda: clock.at,
        channel=no_channel,
    )  # fmt: skip


def read_wire(data: Any) -> None:
    """What comes over other ways than HTTP: answers of name servers, reports of other machines."""
    query = Question(name="www.example.org").message()
    answer = bytearray(dns.message.make_response(query).to_wire())
    answer[3:3] = data.ConsumeBytes(data.ConsumeIntInRange(0, 3))
    read(query, bytes(answer) + data.ConsumeBytes(data.ConsumeIntInRange(0, 200)))
    report = {"node": "a", "platform": "example", "signal": "down", "reason": "x", "fault": "platform"}
    seed = random.Random(data.ConsumeIntInRange(0, 2**32))
    read_report(spoiled(report, seed, data.ConsumeIntInRange(0, 6)), "example", 0.0)


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
        number = answers.data.ConsumeIntInRange(0, len(targets))
        read_wire(answers.data) if number == len(targets) else targets[number].look()
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
