"""From a platform's transition to what it means for the public: open, join, reopen, close an incident (R6, S1).

Pure.  An incident belongs to a group of platforms with one owner: platforms of a group that fail together are one
incident, told once.  A relapse within `relapse` reopens the same incident and never makes a second pair of
statements; the second incident of a group within a day is told as "again", the third as "intermittent".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from failover.model import State, Statement, Transition

A_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """From the first confirmed DOWN of a group to its confirmed recovery.

    `platforms` were down at some time in it, in the order they fell; `down` still are.  `ordinal` counts the
    incidents of this group within a day (1 = the first).  `taken_back_at`: a person has said that it was a false
    alarm.  Times are seconds since the epoch (UTC).
    """

    id: str
    group: str
    platforms: tuple[str, ...]
    down: tuple[str, ...]
    opened_at: float
    closed_at: float | None = None
    ordinal: int = 1
    reason: str = ""
    taken_back_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """How long a group must stay well before its incident is over; durations in seconds."""

    recover_for: float = 900.0
    relapse: float = 3600.0
    intermittent_after: int = 3
    intermittent_for: float = 21600.0


class Turn(str, Enum):
    """What a transition did to the group's incident."""

    NOTHING = "nothing"
    OPENED = "opened"
    JOINED = "joined"
    REOPENED = "reopened"
    PARTLY_RECOVERED = "partly recovered"
    CLOSED = "closed"


def follow(
    transition: Transition, group: str, recent: Sequence[Incident], new_id: str, calm: Calm
) -> tuple[Turn, Incident | None]:
    """What the transition means, given the group's incidents (any order); `new_id` is used only when one opens."""
    latest = max(recent, key=lambda incident: incident.opened_at, default=None)
    if transition.now is State.DOWN:
        return _fell(transition, group, latest, recent, new_id, calm)
    if transition.now is State.UP and latest is not None and transition.platform in latest.down:
        return _recovered(transition, latest)
    return Turn.NOTHING, None


def _fell(
    transition: Transition,
    group: str,
    latest: Incident | None,
    recent: Iterable[Incident],
    new_id: str,
    calm: Calm,
) -> tuple[Turn, Incident | None]:
    platform, now = transition.platform, transition.at
    if latest is not None and latest.is_open:
        if platform in latest.down:
            return Turn.NOTHING, None
        return Turn.JOINED, _with(latest, platform)
    # after a false alarm the next outage is the first of which anybody hears
    if latest is not None and latest.taken_back_at is None and now - (latest.closed_at or now) < calm.relapse:
        return Turn.REOPENED, replace(_with(latest, platform), closed_at=None)
    within_a_day = [one for one in recent if now - one.opened_at < A_DAY and one.taken_back_at is None]
    return Turn.OPENED, Incident(
        id=new_id,
        group=group,
        platforms=(platform,),
        down=(platform,),
        opened_at=now,
        ordinal=len(within_a_day) + 1,
        reason=transition.reason,
    )


def _with(incident: Incident, platform: str) -> Incident:
    platforms = incident.platforms if platform in incident.platforms else (*incident.platforms, platform)
    return replace(incident, platforms=platforms, down=(*incident.down, platform))


def _recovered(transition: Transition, incident: Incident) -> tuple[Turn, Incident]:
    still_down = tuple(platform for platform in incident.down if platform != transition.platform)
    if still_down:
        return Turn.PARTLY_RECOVERED, replace(incident, down=still_down)
    return Turn.CLOSED, replace(incident, down=(), closed_at=transition.at)


def recovery_time(incident: Incident | None, calm: Calm) -> float:
    """Seconds a platform must be well before it counts as recovered (rule R6: each incident of a day is stricter)."""
    if incident is None or incident.ordinal == 1:
        return calm.recover_for
    if incident.ordinal < calm.intermittent_after:
        return 2 * calm.recover_for
    return max(calm.intermittent_for, 2 * calm.recover_for)


def opening_statement(incident: Incident, calm: Calm) -> Statement:
    """Which of the three holding statements an incident opens with."""
    if incident.ordinal == 1:
        return Statement.HOLDING
    return Statement.AGAIN if incident.ordinal < calm.intermittent_after else Statement.INTERMITTENT


HOLDING_KINDS = frozenset({Statement.HOLDING, Statement.AGAIN, Statement.INTERMITTENT})

_LETTERS = {
    Statement.HOLDING: "H",
    Statement.AGAIN: "H",
    Statement.INTERMITTENT: "H",
    Statement.UPDATE: "U",
    Statement.WELCOME_BACK: "W",
    Statement.CORRECTION: "C",
    Statement.DRILL: "D",
}


def statement_id(incident: Incident, statement: Statement, number: int) -> str:
    """`7H` is the first holding statement of incident 7, `7H2` the second."""
    return f"{incident.id}{_LETTERS[statement]}{'' if number == 1 else number}"


def reference(incident: Incident, statement: Statement, number: int) -> str:
    """The short mark people see in each statement and read-back looks for, such as `F7H-041554`.

    Incident number, kind of statement (and its number from the second on), then day, hour and minute (UTC) of the
    incident: unique to the statement, without a dot or a hash that a platform would turn into a link.
    """
    return f"F{statement_id(incident, statement, number)}-{datetime.fromtimestamp(incident.opened_at, UTC):%d%H%M}"
