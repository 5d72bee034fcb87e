"""What a plan is made of: what planning knows of the configuration and of an incident, and the rows it puts down.

Pure.  Incident, what was planned so far, the platforms' states and `now` go in; new or changed statements and
deliveries come out, to be written in the same transaction as the turn itself (rule D1).  What is planned because of
a turn is in `turns`; the statements themselves are in `holding`, `updates` and `welcome`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from failover.delivery import Delivery, Phase, StatementRow, cancelled, expired, moved
from failover.incidents import HOLDING_KINDS, Calm
from failover.model import Statement
from failover.posts import Gauge
from failover.routing import Route, Voice
from failover.signoff import Signing


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What the words are made of: names as in the configuration, times in UTC seconds."""

    incident: str
    platforms: tuple[str, ...]
    elsewhere: tuple[str, ...]
    opened_at: float
    now: float
    reference: str
    back: tuple[str, ...] = ()
    """Platforms of this incident that are well again while others are not."""
    also: tuple[str, ...] = ()
    """Those of `platforms` that joined the incident after this channel had spoken."""


Word = Callable[[Statement, str, Saying], tuple[str, str]]
"""(statement, channel, saying) -> (subject, text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What planning needs to know of the configuration; durations in seconds."""

    word: Word
    voices: Mapping[str, Voice] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    calm: Calm = field(default_factory=Calm)
    sign_off: Mapping[Statement, str] = field(default_factory=dict)
    veto_for: float = 300.0
    signing: Signing = field(default_factory=Signing)
    holding_latest: float = 1800.0
    welcome_latest: float = 43200.0
    update_every: float = 0.0
    """How often those who heard are told that it still lasts; 0: never."""
    posts_per_day: int = 12
    """How much a channel says in 24 hours before it hears no further updates, and before posts wait."""
    release_every: float = 120.0
    """How long after the last post one goes out that had to wait."""
    gauges: Mapping[str, Gauge] = field(default_factory=dict)
    """channel -> what it can carry."""
    gather: float = 30.0
    """How long a statement waits at most for others of the group that are about to fall: one incident, one word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is planned so far for one incident."""

    statements: Sequence[StatementRow] = ()
    deliveries: Sequence[Delivery] = ()

    @property
    def holding(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.statement in HOLDING_KINDS]

    @property
    def updates(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.statement is Statement.UPDATE]

    @property
    def welcome(self) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.statement is Statement.WELCOME_BACK]

    @property
    def corrected(self) -> frozenset[str]:
        """The channels on which it was, or is to be, said that the alarm was false."""
        unsaid = (Phase.REFUSED, Phase.CANCELLED, Phase.EXPIRED, Phase.RETRACTED)
        rows = (row for row in self.deliveries if row.statement is Statement.CORRECTION)
        return frozenset(row.channel for row in rows if row.phase not in unsaid or row.heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Rows to write (new and changed alike), and which backups were called in whose place."""

    statements: tuple[StatementRow, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    called: tuple[tuple[Delivery, str], ...] = ()

    def __add__(self, later: Plan) -> Plan:
        """Both; where both have the same row, the later one counts."""
        statements = {row.id: row for row in (*self.statements, *later.statements)}
        deliveries = {row.id: row for row in (*self.deliveries, *later.deliveries)}
        return Plan(
            statements=tuple(statements.values()),
            deliveries=tuple(deliveries.values()),
            called=(*self.called, *later.called),
        )

    def on(self, known: Known) -> Known:
        """What is planned once this plan is written."""
        statements = {row.id: row for row in (*known.statements, *self.statements)}
        deliveries = {row.id: row for row in (*known.deliveries, *self.deliveries)}
        return Known(statements=[*statements.values()], deliveries=[*deliveries.values()])

    def lapses(self, known: Known) -> list[tuple[StatementRow, StatementRow]]:
        """The statements, before and after, whose approval no longer holds."""
        before = {row.id: row for row in known.statements}
        return [
            (before[row.id], row)
            for row in self.statements
            if row.id in before and row.lapses > before[row.id].lapses
        ]


def cancel(deliveries: Iterable[Delivery], reason: str, now: float) -> Plan:
    """What has not come to an end is no longer wanted (S2); what may be public is looked for, and not sent again."""
    pending = frozenset({Phase.STANDBY, Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.HELD})
    return Plan(deliveries=tuple(cancelled(row, reason, now) for row in deliveries if row.phase in pending))


def orphaned(deliveries: Iterable[Delivery], voices: Mapping[str, Voice], now: float) -> Plan:
    """What is owed on channels that the configuration no longer names: dropped, or put before a person."""
    reason = "this channel is no longer configured"
    gone = [row for row in deliveries if row.channel not in voices]
    dropped = [cancelled(row, reason, now) for row in gone if row.phase in (Phase.STANDBY, Phase.READY)]
    doubtful = [
        moved(row, Phase.HELD, f"{reason}; a person must look", ended_at=now)
        for row in gone
        if row.phase is Phase.UNSURE
    ]
    return Plan(deliveries=(*dropped, *doubtful))


def overdue(deliveries: Iterable[Delivery], now: float) -> Plan:
    """What has become too late to be said (rule S2).  A backup that nobody ever had to call was not needed."""
    late = [row for row in deliveries if row.phase in (Phase.STANDBY, Phase.READY) and now > row.latest]
    return Plan(
        deliveries=tuple(
            cancelled(row, "it was not needed", now)
            if row.phase is Phase.STANDBY and not row.reason
            else expired(row, now)
            for row in late
        )
    )
