"""Why a platform's state was what it was at an earlier time, from what was kept.  Pure.

Kept are the transitions, each with the explanation of its moment, and every change of what a source said.  Not kept
is whether a source was asked in between, so what it said last is told with the time at which it began to say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from failover.evidence import Line, Tally, tally
from failover.explanation import evidence, sentence
from failover.model import Observation, Transition
from failover.moments import clock_time, full_date, length

FOR_EVER = float("inf")

STANDING_AND_REASON = 2
"""So many sentences at the head of an explanation tell the state and the reason, which are told here in the past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A transition, and how it was explained when it happened; () for one that an older version wrote."""

    transition: Transition
    explanation: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is kept about one platform at the time `at`; times are told in `zone`.

    `before` is the last transition up to then, `after` the first one later; `said` the last word of each probe by
    then.
    """

    title: str
    at: float
    zone: tzinfo
    before: Chapter | None = None
    after: Chapter | None = None
    said: Sequence[Observation] = ()


def recall(past: Past) -> tuple[str, ...]:
    """What it was, how that was explained when it began, what the sources said by then, and what came next."""
    return tuple(map(sentence, (*_was(past), *_began(past), *_said(past), *_came(past))))


def believed(past: Past) -> Tally:
    """What had been said by then, sorted as if every word was fresh and our own line worked."""
    kept = [replace(one, good_until=FOR_EVER, looks=2) for one in past.said]
    return tally(kept, past.at, Line(good_at=FOR_EVER))


def _was(past: Past) -> Iterator[str]:
    then = f"at {clock_time(past.at, past.at, past.zone)} on {full_date(past.at, past.zone)} ({_zone(past)})"
    if past.before is None:
        yield f"{then} nothing had been decided about {past.title}, as far as is kept"
        return
    moved = past.before.transition
    lasted = past.at - moved.at
    span = f", for {length(lasted)}" if lasted >= 1 else ""
    yield f"{then} {past.title} was {moved.now.name} since {clock_time(moved.at, past.at, past.zone)}{span}"


def _began(past: Past) -> Iterator[str]:
    if past.before is None:
        return
    moved, told = past.before.transition, past.before.explanation
    yield f"it had been {moved.was.name} before, and became {moved.now.name} for this reason: {moved.reason}"
    if told:
        moment = clock_time(moved.at, past.at, past.zone)
        yield from (f"at {moment}: {_inner(one)}" for one in told[STANDING_AND_REASON:])


def _inner(told: str) -> str:
    return f"{told[:1].lower()}{told[1:]}"


def _said(past: Past) -> Iterator[str]:
    since = [one for one in past.said if past.before is None or one.at > past.before.transition.at]
    for one in sorted(since, key=lambda one: one.at):
        clock = clock_time(one.at, past.at, past.zone)
        who = f"{one.sighting.evidence.value} ({one.probe})"
        yield f"from {clock} on, {who} said {one.sighting.signal.value}: {one.sighting.reason}"
    if past.said:
        moment = clock_time(past.at, past.at, past.zone)
        yield from (f"by {moment}: {words}" for words in evidence(believed(past), past.at, past.zone, looks=False))


def _came(past: Past) -> Iterator[str]:
    if past.after is not None:
        moved = past.after.transition
        yield f"it became {moved.now.name} at {clock_time(moved.at, past.at, past.zone)}: {moved.reason}"


def _zone(past: Past) -> str:
    return str(past.zone)
