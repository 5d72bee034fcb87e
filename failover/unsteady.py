"""A source that fails one time and answers the next: so an overloaded platform looks, and it is down for most.  Pure.

By its latest answer alone each look would take back what the one before it said, and nothing would ever last.  One
error that passes is another matter: it ends with the first good answer.
"""

from __future__ import annotations

from dataclasses import replace

from failover.model import Observation, Sighting, Signal

LOOKS = 20
"""How many looks are remembered: enough to see two failures with answers in between, where most looks fail."""

WITHIN = 300.0
"""Seconds after which a look is forgotten."""

SHARE = 0.6
"""So many of them must have failed: a source that fails as often as not tells nothing."""

TIMES = 2
"""So often it must have begun to fail."""


def lately(seen: Observation, before: Observation | None) -> tuple[tuple[float, Sighting], ...]:
    """The last looks that could tell, `seen` included, oldest first; nothing while all is well."""
    told = before.lately if before is not None else ()
    if seen.sighting.signal is Signal.UNKNOWN or not (told or seen.votes_down):
        return told
    fresh = tuple((at, one) for at, one in told if seen.at - at <= WITHIN)
    looks = (*fresh, (seen.at, seen.sighting))[-LOOKS:]
    return looks if any(_fails(one) for _at, one in looks) else ()


def steadied(seen: Observation, now: float) -> Observation:
    """What its last looks amount to: the last failure, where it keeps failing and answering in between.

    `looks` are then those that failed, also where it has just failed once more.
    """
    if len(seen.lately) <= TIMES or seen.sighting.signal is Signal.UNKNOWN:
        return seen
    looks = [(at, one) for at, one in seen.lately if now - at <= WITHIN]
    failed = [(at, one) for at, one in looks if _fails(one)]
    if seen.votes_down:
        return replace(seen, looks=len(failed)) if len(failed) > seen.looks else seen
    begun = sum(_fails(one) and (i == 0 or not _fails(looks[i - 1][1])) for i, (_at, one) in enumerate(looks))
    if begun < TIMES or len(failed) < SHARE * len(looks):
        return seen
    at, last = failed[-1]
    reason = f"{last.reason} ({len(failed)} of the last {len(looks)} looks failed)"
    return replace(seen, at=at, sighting=replace(last, reason=reason), looks=len(failed))


def is_unsteady(seen: Observation) -> bool:
    """Have its last looks told one thing and the other?"""
    return len({_fails(one) for at, one in seen.lately if seen.at - at <= WITHIN}) > 1


def _fails(sighting: Sighting) -> bool:
    return sighting.signal is Signal.DOWN
