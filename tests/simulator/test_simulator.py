"""Some hundred days of simulated life; and the simulator itself: repeatable, able to fail, able to make small."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from failover import agenda, engine
from tests.simulator import coverage
from tests.simulator.__main__ import lives, report
from tests.simulator.focus import about, lies, recovery
from tests.simulator.generator import generate
from tests.simulator.scenario import Config, Event, Scenario, Source, within_assumptions
from tests.simulator.shrink import shrink
from tests.simulator.simulate import simulate
from tests.simulator.story import story

FIXED = range(1, 13)
TODAY = int(os.environ.get("SIMULATOR_SEED") or datetime.now(UTC).strftime("%Y%m%d"))  # noqa: TID251  a seed, no time


def run(seed: int) -> None:
    result = simulate(generate(seed))
    if result.violation is not None:
        pytest.fail(f"SIMULATOR_SEED={seed}: {result.violation}\n{story(result.scenario)[-6000:]}")


@pytest.mark.parametrize("seed", FIXED)
def test_nothing_that_must_never_be(seed: int) -> None:
    """Days of random life with these seeds."""
    run(seed)


def test_nothing_that_must_never_be_with_the_seed_of_today() -> None:
    """Another one every day; SIMULATOR_SEED repeats it."""
    run(TODAY)


def test_the_same_seed_is_the_same_life() -> None:
    """All that is random comes from the seed."""
    first, second = (story(generate(3)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("seed", range(200, 230))
def test_the_generator_keeps_within_what_is_assumed(seed: int) -> None:
    """One class of evidence is wrong at a time, and the like."""
    assert within_assumptions(generate(seed)) == ""


def test_two_classes_wrong_at_a_time_are_outside_of_it() -> None:
    """Nobody could tell that from an outage."""
    scenario = about(lies, 1)
    two = (Event(1000, "lie", "x", "crowd:down", 900), Event(1300, "lie", "x", "official:down", 900))
    assert "two classes" in within_assumptions(replace(scenario, events=two))


DELAYED, SHORT = Event(1140, "channel", "telegram", "wait:1200"), Event(1200, "outage", "facebook", "soft", 420)
LONG = Event(1200, "outage", "facebook", "soft", 7200)
LATE, DEAD = Event(1140, "channel", "telegram", "late:50"), Event(1390, "crash", lasts=10)


@pytest.mark.parametrize(
    ("events", "holding"),
    [
        ((DELAYED, SHORT, Event(1500, "lie", "facebook", "crowd:down", 5400)), "automatic"),
        ((DELAYED, LONG, Event(1205, "outage", "instagram", "soft", 600), Event(1500, "approve")), "required"),
        ((LATE, LONG, DEAD, Event(1395, "clock", number=300)), "automatic"),
        ((LATE, LONG, DEAD, Event(1395, "clock", number=3600)), "automatic"),
    ],
    ids=["one class left", "approved pair", "clock set while dead", "clock set far while dead"],
)
def test_what_the_simulator_has_found_is_mended(events: tuple[Event, ...], holding: str) -> None:
    """Delayed words leave on as much evidence as they took and only while all of it is so; doubt begins anew."""
    scenario = about(recovery, 2)
    sources = (Source("instagram", "api", "spoken"), Source("instagram", "crowd", "crowd"))
    setup = replace(scenario.setup, sources=scenario.setup.sources + sources, recover_for=900.0)
    setup = replace(setup, configs=(Config(holding=holding),))
    result = simulate(replace(scenario, events=events, hours=9, setup=setup))
    assert result.violation is None, story(result.scenario)


def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug: what a person has stopped is said nevertheless."""
    may_say = agenda.Agenda.may_say

    async def deaf(self: Any, row: Any, now: float) -> bool:
        belief, paused = self._belief, self._belief.paused_by
        belief.paused_by = ""
        try:
            return await may_say(self, row, now)
        finally:
            belief.paused_by = paused

    monkeypatch.setattr(agenda.Agenda, "may_say", deaf)


def _busy_life() -> Scenario:
    events = (
        Event(700, "channel", "email", "unreachable,lost"),
        Event(1200, "outage", "facebook", "soft", 2400),
        Event(1210, "pause", lasts=1800),
        Event(1500, "crash", lasts=5),
        Event(2000, "lie", "x", "crowd:down", 600),
        Event(2500, "clock", number=300),
        Event(4000, "outage", "x", "soft", 77),
    )
    return replace(about(lies, 1), events=events, hours=2)


def test_a_failing_life_is_made_small_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of seven events the two that matter are left, and the story names the violation and what led to it."""
    _planted(monkeypatch)
    scenario = _busy_life()
    first = simulate(scenario).violation
    assert first is not None
    assert first.kind == "paused"

    small = shrink(
        scenario, lambda one: (found := simulate(one).violation) is not None and found.kind == "paused", most=60
    )

    assert {one.kind for one in small.events} == {"outage", "pause"}
    told = story(small)
    assert told.startswith("VIOLATED: paused")
    assert "facebook FAILS in truth" in told
    assert "ann pauses the daemon" in told


def test_the_report_names_every_edge() -> None:
    """Hours, speed, and each edge of the tables with how often it was taken."""
    tally = lives(range(1, 3), dense=1.0)
    told = "\n".join(report(tally, 1.0))
    assert "daemon-hours per second of one core" in told
    assert told.count("->") >= len(coverage.edges()) - 6
    assert tally.edges["verdict", "suspect", "enough independent classes, long enough"] > 0


def test_counting_leaves_the_tables_as_they_were() -> None:
    """What is counted for one campaign is not counted in the next."""
    before = engine.follow
    counts: coverage.Counts = Counter()
    with coverage.counting(counts):
        assert engine.follow is not before
    assert engine.follow is before
