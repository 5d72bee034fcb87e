"""When a person is reminded of a word of theirs: a declared outage of which nothing is to be seen any more.

Nothing here sleeps or reads a clock.  Times are seconds since the epoch (UTC).  After a restart or a reload the time
counts anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from failover.evidence import Tally
from failover.model import Signal
from failover.standing import Declaration

AFTER = 6 * 3600.0
"""For so long every source that can tell has said that it works."""

AGAIN = 24 * 3600.0
"""So much later the reminder is given again."""

GAP = 900.0
"""Nobody could tell for so long (the machine slept, our line was dead): that is no time in which it worked."""


@dataclass(frozen=True, slots=True)
class _Calm:
    """`since` when nothing but "works" is said, lately at `seen`, while this word stands; and when it was told."""

    word: Declaration
    since: float
    seen: float
    told: float | None = None


class Reminders:
    """What was declared down, and since when every source says otherwise."""

    def __init__(self) -> None:
        self._calm: dict[str, _Calm] = {}

    def kept(self, platforms: Collection[str]) -> None:
        """Only about these is anything declared."""
        self._calm = {name: calm for name, calm in self._calm.items() if name in platforms}

    def due(self, word: Declaration, seen: Tally, now: float) -> float | None:
        """For how long (seconds) every source has contradicted it, where that is to be told now."""
        calm = _followed(self._calm.pop(word.platform, None), word, seen, now)
        if calm is None:
            return None
        self._calm[word.platform] = calm
        first = now - calm.since >= AFTER if calm.told is None else now - calm.told >= AGAIN
        if not first or not seen.works:
            return None
        self._calm[word.platform] = replace(calm, told=now)
        return now - calm.since

    def step(self, seconds: float) -> None:
        """The wall clock was set: what has lasted has still lasted so long."""
        self._calm = {name: _later(calm, seconds) for name, calm in self._calm.items()}


def _later(calm: _Calm, seconds: float) -> _Calm:
    told = None if calm.told is None else calm.told + seconds
    return replace(calm, since=calm.since + seconds, seen=calm.seen + seconds, told=told)


def _followed(calm: _Calm | None, word: Declaration, seen: Tally, now: float) -> _Calm | None:
    """Trouble that is repeated, a long time in which nobody could tell, or another word, and it begins anew."""
    if word.signal is not Signal.DOWN or (seen.votes and seen.repeated) or seen.doubts or seen.muted:
        return None
    if calm is not None and (calm.word != word or not calm.seen <= now or (not seen.works and now - calm.seen > GAP)):
        calm = None
    if not seen.works:
        return calm
    return replace(calm, seen=now) if calm is not None else _Calm(word, now, now)
