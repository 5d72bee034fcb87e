"""The true world: which platform really works when, what each source makes of it, and whether our own line is alive.

Everything is worked out beforehand from the scenario's events: each source has a timeline of answers.  The
invariants ask here what is so; the daemon only ever meets the answers.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from failover.model import Evidence, Fault, Sighting
from tests.simulator.scenario import CROWD_LINGERS, GROUPS, HERE_SOURCES, Event, Scenario, Source

UP = {one: Sighting.up(one, "it answers") for one in Evidence}
DOWN = {
    Evidence.HERE: Sighting.down(Evidence.HERE, "connection refused"),
    Evidence.SPOKEN: Sighting.down(Evidence.SPOKEN, "HTTP 503"),
    Evidence.ELSEWHERE: Sighting.down(Evidence.ELSEWHERE, "no answer in 5 of 6 places"),
    Evidence.OFFICIAL: Sighting.down(Evidence.OFFICIAL, "major outage"),
    Evidence.CROWD: Sighting.down(Evidence.CROWD, "many reports"),
    Evidence.OPERATOR: Sighting.down(Evidence.OPERATOR, "somebody said so"),
}
DEGRADED = {one: Sighting.degraded(one, "partial trouble") for one in Evidence}
UNKNOWN = {one: Sighting.unknown(one, "HTML instead of JSON") for one in Evidence}
ACCOUNT = {one: Sighting.unknown(one, "the token has expired", fault=Fault.ACCOUNT) for one in Evidence}
NO_LINE = {one: Sighting.unknown(one, "no route to host", fault=Fault.NETWORK) for one in Evidence}
HANG, BUG = "hang", "bug"
"""Answers that are none: the source says nothing before the deadline, or raises."""

Answer = Sighting | str
SIGNALS: Mapping[str, Mapping[Evidence, Answer]] = {"down": DOWN, "up": UP, "degraded": DEGRADED}
BLIND: Mapping[str, Mapping[Evidence, Answer]] = {
    "unknown": UNKNOWN,
    "account": ACCOUNT,
    HANG: dict.fromkeys(Evidence, HANG),
    BUG: dict.fromkeys(Evidence, BUG),
}

Span = tuple[float, float]


@dataclass(frozen=True)
class Timeline:
    """What holds from each time on, until the next."""

    times: Sequence[float]
    answers: Sequence[Answer]

    def at(self, time: float) -> Answer:
        return self.answers[bisect_right(self.times, time) - 1]

    def says_down(self, since: float, until: float) -> bool:
        """Does it say "down" all that time?"""
        first, last = bisect_right(self.times, since) - 1, bisect_right(self.times, until) - 1
        return all(self.answers[one] in _VOTES for one in range(max(first, 0), last + 1))


_VOTES = frozenset(DOWN.values())


@dataclass
class Sky:
    """Everything that is so, by true time (seconds since the beginning)."""

    scenario: Scenario
    timelines: dict[str, Timeline] = field(init=False)
    anchors: Timeline = field(init=False)
    changes: list[float] = field(init=False)
    outages: dict[str, list[Event]] = field(init=False)
    dead: list[Event] = field(init=False)

    def __post_init__(self) -> None:
        events = self.scenario.events
        self.outages = {name: [one for one in events if one.kind == "outage" and one.who == name] for name in GROUPS}
        self.dead = [one for one in events if one.kind == "line"]
        self.timelines = {source.id: _timeline(source, events) for source in self.scenario.setup.sources}
        self.anchors = _anchors(self.dead)
        times = {time for line in (*self.timelines.values(), self.anchors) for time in line.times}
        self.changes = sorted(times | {time for one in events if one.kind == "outage" for time in (one.at, one.end)})

    def next_change(self, time: float) -> float:
        """When any answer changes next."""
        place = bisect_right(self.changes, time)
        return self.changes[place] if place < len(self.changes) else float("inf")

    def last_change(self, time: float) -> float:
        place = bisect_right(self.changes, time)
        return self.changes[place - 1] if place else 0.0

    def outage(self, platform: str, time: float) -> Event | None:
        """The outage that is going on."""
        return next((one for one in self.outages.get(platform, ()) if one.at <= time < one.end), None)

    def was_down(self, platform: str, since: float, until: float) -> bool:
        """Was it down at any time between these two?"""
        return any(one.at <= until and one.end >= since for one in self.outages.get(platform, ()))

    def line(self, time: float) -> Event | None:
        """What is wrong with our own line."""
        return next((one for one in self.dead if one.at <= time < one.end), None)


@dataclass
class Eye:
    """A probe: answers what its timeline says now."""

    timeline: Timeline
    now: Callable[[], float]

    async def look(self) -> Sighting:
        answer = self.timeline.at(self.now())
        if isinstance(answer, Sighting):
            return answer
        if answer == BUG:
            raise LookupError("a bug of the probe")
        await asyncio.Event().wait()
        raise AssertionError("never")


def _anchors(dead: Iterable[Event]) -> Timeline:
    times: list[float] = [-1.0]
    answers: list[Answer] = [UP[Evidence.HERE]]
    for one in sorted(dead, key=lambda one: one.at):
        reason = "a captive portal" if one.what == "captive" else "no anchor answers"
        times += [one.at, one.end]
        answers += [Sighting.unknown(Evidence.HERE, reason, fault=Fault.NETWORK), UP[Evidence.HERE]]
    return Timeline(times, answers)


def _timeline(source: Source, events: Sequence[Event]) -> Timeline:
    relevant = [one for one in events if _concerns(one, source)]
    times = sorted({-1.0, *(time for one in relevant for time in _edges(one, source))})
    found: list[float] = []
    answers: list[Answer] = []
    for time in times:
        answer = _answer(source, relevant, time)
        if not answers or answers[-1] != answer:
            found.append(time)
            answers.append(answer)
    return Timeline(found, answers)


def _concerns(event: Event, source: Source) -> bool:
    match event.kind:
        case "outage":
            return event.who == source.platform
        case "blind":
            return event.who in (source.platform, source.id)
        case "lie":
            return event.who == source.platform and _class_of(event, source)
        case "line":
            return True
        case "regional":
            return source.evidence == "crowd" or source.name in HERE_SOURCES
        case _:
            return False


def _class_of(lie: Event, source: Source) -> bool:
    """`what` of a lie is `class:signal`; a broken road (class here) shows in every source of ours that takes it."""
    evidence = lie.what.partition(":")[0]
    return source.evidence == evidence or (evidence == "here" and source.name in HERE_SOURCES)


def _edges(event: Event, source: Source) -> list[float]:
    match event.kind:
        case "outage":
            return [event.at + source.lag_down, event.end + source.lag_up]
        case "regional":
            return [event.at, event.end + CROWD_LINGERS if source.evidence == "crowd" else event.end]
        case "lie" if event.number:
            steps = int(event.lasts / event.number)
            return [event.at + step * event.number for step in range(steps + 1)] + [event.end]
        case _:
            return [event.at, event.end]


def _answer(source: Source, events: Sequence[Event], time: float) -> Answer:
    """The strongest of what bears on it: blind, our own line, a lie, and last the truth (late)."""
    evidence = Evidence(source.evidence)
    active = [one for one in events if _edges(one, source)[0] <= time < _edges(one, source)[-1]]
    by_kind: dict[str, Event] = {one.kind: one for one in reversed(active)}
    if blind := by_kind.get("blind"):
        return BLIND[blind.what][evidence]
    if line := by_kind.get("line"):
        if source.name in HERE_SOURCES:
            return DOWN[Evidence.HERE]
        if line.what != "captive":
            return NO_LINE[evidence]
    if "regional" in by_kind:
        return DOWN[Evidence.CROWD if evidence is Evidence.CROWD else Evidence.HERE]
    lie = by_kind.get("lie")
    if lie is not None and not (lie.number and int((time - lie.at) / lie.number) % 2):
        said, _, signal = lie.what.partition(":")
        return SIGNALS[signal][Evidence(said)]
    outage = by_kind.get("outage")
    return _seen(source, evidence, outage) if outage else UP[evidence]


def _seen(source: Source, evidence: Evidence, outage: Event) -> Answer:
    """`soft`: it answers with errors of its own, its landing page works; `hard`: nothing answers."""
    if source.name in HERE_SOURCES:
        if outage.what == "hard":
            return DOWN[Evidence.HERE]
        return DOWN[Evidence.SPOKEN] if source.name == "api" else UP[evidence]
    if evidence is Evidence.OFFICIAL and outage.what == "unofficial":
        return UP[evidence]
    return DOWN[evidence]


def expected_classes(sources: Iterable[Source], outage: Event) -> dict[Evidence, float]:
    """Which classes of evidence will show this outage if nothing else is wrong, and after how many seconds."""
    found: dict[Evidence, float] = {}
    for source in sources:
        if source.platform == outage.who:
            answer = _seen(source, Evidence(source.evidence), outage)
            if isinstance(answer, Sighting) and answer in _VOTES:
                found[answer.evidence] = min(found.get(answer.evidence, source.lag_down), source.lag_down)
    return found
