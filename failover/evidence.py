"""What the sources say at one moment, sorted: who votes, who doubts, who works, whose vote is void and why.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter

from failover.model import Evidence, Fault, Observation, Signal
from failover.unsteady import steadied

MANY = 3
"""Trouble of this many unrelated platforms at once, by the crowd or from here, points at a network (rule R7)."""

SEVERAL = 2
"""So does that of this many, by the crowd and from here."""

_MAINTENANCE = "maintenance: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Our own network: `good_at` is when the anchors last answered as expected; `reason` is set while OFFLINE.

    `since` is when the line came back last (0 = it has not failed): what was seen before then is void (rule R3).
    """

    good_at: float = 0.0
    reason: str = ""
    since: float = 0.0

    @property
    def offline(self) -> bool:
        return bool(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else fails at the same time, as numbers of unrelated groups of platforms, this one's included."""

    blamed: int = 0
    """So many does the crowd report."""
    unreached: int = 0
    """So many fail from here."""
    kin_answers: bool = False
    """Another platform of its owner fails from here as well, and answers elsewhere."""

    @property
    def is_regional(self) -> bool:
        """Is it rather a network or a region that fails (rule R7)?"""
        return max(self.blamed, self.unreached) >= MANY or min(self.blamed, self.unreached) >= SEVERAL

    @property
    def is_doubtful(self) -> bool:
        """May it be?"""
        return max(self.blamed, self.unreached) >= SEVERAL


ALONE = Around()
"""Nothing else fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The evidence sorted: who votes, who doubts, who works, whose vote is void and why.

    `pending` are votes from here that count as soon as the anchors have answered after them; `silent` could not tell.
    """

    votes: Mapping[Evidence, tuple[Observation, ...]] = field(default_factory=dict)
    pending: tuple[Observation, ...] = ()
    doubts: tuple[Observation, ...] = ()
    works: tuple[Observation, ...] = ()
    void: tuple[tuple[Observation, str], ...] = ()
    account: tuple[Observation, ...] = ()
    around: Around = ALONE
    reached: bool = False
    """It answers elsewhere: what fails from here, and what the crowd tells, may be the trouble of our region."""
    muted: tuple[Observation, ...] = ()
    """Those that would vote or doubt, were it not for a time in which trouble is no news."""
    silent: tuple[Observation, ...] = ()

    @property
    def independent(self) -> int:
        """How many classes vote that cannot be wrong for the same reason (rule R7: a regional fault moves two).

        One is suspected where unrelated platforms fail at once, or where the platform answers elsewhere, or another
        of its owner does that fails from here as well.
        """
        count = len(self.votes)
        both = Evidence.HERE in self.votes and Evidence.CROWD in self.votes
        return count - 1 if both and (self.reached or self.around.kin_answers or self.around.is_regional) else count

    @property
    def repeated(self) -> bool:
        """Rule R8: at least one voter has said so in two looks running; a first look alone decides nothing."""
        return any(vote.looks >= 2 for votes in self.votes.values() for vote in votes)


def tally(
    observations: Iterable[Observation],
    now: float,
    line: Line,
    *,
    around: Around = ALONE,
    quiet: str = "",
    lookups: frozenset[str] = frozenset(),
) -> Tally:
    """Sort the latest observation of each probe.

    `quiet` names a maintenance window: no vote counts then.  `lookups` as in `Rules`.
    """
    votes: dict[Evidence, list[Observation]] = {}
    pending, doubts, works, account, silent = [], [], [], [], []
    void: list[tuple[Observation, str]] = []
    muted: list[Observation] = []
    for seen in sorted((steadied(one, now) if one.lately else one for one in observations), key=_by_probe):
        reason = _why_void(seen, now, line, quiet)
        if reason:
            void.append((seen, reason))
            if reason.startswith(_MAINTENANCE):
                muted.append(seen)
        elif seen.votes_down and seen.sighting.evidence is Evidence.HERE and line.good_at < seen.at:
            pending.append(seen)
        elif seen.votes_down:
            votes.setdefault(seen.sighting.evidence, []).append(seen)
        elif seen.sighting.signal is Signal.DEGRADED:
            doubts.append(seen)
        elif seen.sighting.signal is Signal.UP:
            works.append(seen)
        elif seen.sighting.fault is Fault.ACCOUNT:
            account.append(seen)
        else:
            silent.append(seen)
    return Tally(
        votes={evidence: tuple(seen) for evidence, seen in votes.items()},
        pending=tuple(pending),
        doubts=tuple(doubts),
        works=tuple(works),
        void=tuple(void),
        account=tuple(account),
        around=around,
        reached=any(reaches(one, lookups) for one in works),
        silent=tuple(silent),
        muted=tuple(muted),
    )


_by_probe = attrgetter("probe")


def reaches(seen: Observation, lookups: frozenset[str]) -> bool:
    """Do other vantage points reach the platform, and not only find its name?"""
    works = seen.sighting.signal is Signal.UP and seen.sighting.evidence is Evidence.ELSEWHERE
    return works and seen.probe not in lookups


def _why_void(seen: Observation, now: float, line: Line, quiet: str) -> str:
    if now > seen.good_until:
        return "stale"
    if seen.sighting.signal not in (Signal.DOWN, Signal.DEGRADED):
        return ""
    if seen.at < line.since:
        return "our own line was dead, or was not known to work"
    return f"{_MAINTENANCE}{quiet}" if quiet else ""


def with_pending(seen: Tally) -> Tally:
    """As if our own line had been checked: asked whether agreement was broken off, never whether there is any.

    Each new look from here waits for the anchors anew; that alone must not start the clock again.
    """
    here = (*seen.votes.get(Evidence.HERE, ()), *seen.pending)
    return replace(seen, votes={**seen.votes, Evidence.HERE: here}) if seen.pending else seen
