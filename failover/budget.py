"""How often a source may be asked in a month, how its looks are spread over it, and what they cost.  Pure.

A month is a calendar month in UTC, as those who bill reads count it.  A look is counted before it is made: one that
nobody answers may be billed all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from failover.contracts import Cost
from failover.model import Evidence, Fault, Sighting

RESERVE = 0.1
"""This part of what is left is kept from the steady looks: suspicion may need it."""

USED_UP = "the budget of this source"
"""The detail of a sighting that was not made, for want of a budget."""

Counts = Mapping[tuple[str, str], int]
"""(source, month) -> looks; a source is `platform/probe`, a month `2026-11`."""


class Usage:
    """How often each source was asked this month, and which of these numbers are not on the disk yet."""

    def __init__(self, counts: Counts | None = None) -> None:
        self._counts = dict(counts or {})
        self._unwritten: set[tuple[str, str]] = set()

    def count(self, source: str, now: float) -> None:
        """One look more; months that are over are forgotten."""
        key = (source, month_of(now))
        if key not in self._counts:
            self._counts = {other: looks for other, looks in self._counts.items() if other[1] == key[1]}
        self._counts[key] = self._counts.get(key, 0) + 1
        self._unwritten.add(key)

    def looks(self, source: str, now: float) -> int:
        return self._counts.get((source, month_of(now)), 0)

    def unwritten(self) -> Counts:
        return {key: self._counts[key] for key in self._unwritten if key in self._counts}

    def written(self, counts: Counts) -> None:
        """These numbers are on the disk; what was counted meanwhile is not."""
        self._unwritten -= {key for key, looks in counts.items() if self._counts.get(key, looks) == looks}


def month_of(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m}"


def month_ends(now: float) -> float:
    """When the next month begins."""
    today = datetime.fromtimestamp(now, UTC)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()


def stretched(every: float, budget: int | None, looks: int, now: float) -> float:
    """Seconds between two steady looks, so that what is left of the budget lasts until the month's end.

    Whole seconds where it is not `every`.  With nothing left it is `every` again: nobody is asked any more.
    """
    if budget is None or looks >= budget:
        return every
    share = (month_ends(now) - now) / ((budget - looks) * (1 - RESERVE))
    return every if share <= every else float(math.ceil(share))


def used_up(evidence: Evidence, budget: int, now: float) -> Sighting:
    """What a source says that may not be asked any more: nothing, and the trouble is ours (rules R2 and R4)."""
    reason = f"budget of {budget} looks for {datetime.fromtimestamp(now, UTC):%B} is used up"
    return Sighting.unknown(evidence, reason, USED_UP, fault=Fault.ACCOUNT)


def is_used_up(sighting: Sighting) -> bool:
    return sighting.fault is Fault.ACCOUNT and sighting.detail == USED_UP


def estimate(cost: Cost | None, looks: int, free: int | None, now: float) -> float | None:
    """What so many looks cost this month; None where the source names no price.  `free` looks cost nothing."""
    if cost is None:
        return None
    billed = max(0, looks - (free or 0))
    if cost.per == "day":
        billed = min(billed, datetime.fromtimestamp(now, UTC).day)
    return round(billed * cost.price, 4)
