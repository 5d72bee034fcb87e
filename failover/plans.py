"""What has to be said because of a turn in an incident, on which channels, in what words (S1-S3, S5).

Pure.  Incident, what was planned so far, the platforms' states and `now` go in; new or changed statements and
deliveries come out, to be written in the same transaction as the turn itself (rule D1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from failover import signoff
from failover.delivery import Delivery, Phase, StatementRow, cancelled, expired, moved, resumed
from failover.incidents import HOLDING_KINDS, Calm, Incident, Turn, opening_statement, reference, statement_id
from failover.model import State, Statement
from failover.posts import Gauge
from failover.routing import (
    Route,
    Voice,
    candidates,
    named,
    owed_welcome,
    patience,
    promote,
    stand_back,
    touched,
    trouble_of,
    unplanned,
)
from failover.signoff import Signing, covers, is_waiting, mode_of, persons_for

THE_CONFIGURATION = "the configuration"
"""Who has "objected" where nothing may be said because the configuration has changed."""


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
    """How long a holding statement waits while further platforms of the group are suspect: one incident, one word."""


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


def after_turn(
    turn: Turn,
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
    *,
    capped: Collection[str] = (),
) -> Plan:
    """Everything to be planned, re-worded or cancelled because of `turn`; `capped` channels hear no updates."""
    match turn:
        case Turn.OPENED | Turn.JOINED | Turn.REOPENED:
            plan = _cancel(known.welcome, "the platform failed again", now)
            plan += _cancel(known.updates, "another platform has failed meanwhile", now)
            if turn is Turn.REOPENED:
                plan += _want_again(known, house, now)
            plan += reword(incident, plan.on(known), states, house, now)
            return plan + _hold(turn, incident, plan.on(known), states, house, now)
        case Turn.PARTLY_RECOVERED:
            plan = reword(incident, known, states, house, now)
            if any(route.partial for route in touched(incident, house.routes)):
                plan += update(incident, plan.on(known), states, house, now, capped=capped)
            return plan
        case Turn.CLOSED:
            unsaid = [row for row in known.deliveries if row.statement is not Statement.WELCOME_BACK]
            plan = _cancel(unsaid, "the platform has recovered", now)
            return plan + welcome_back(incident, plan.on(known), house, now)
        case _:
            return Plan()


def _cancel(deliveries: Iterable[Delivery], reason: str, now: float) -> Plan:
    pending = frozenset({Phase.STANDBY, Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.HELD})
    return Plan(deliveries=tuple(cancelled(row, reason, now) for row in deliveries if row.phase in pending))


def _want_again(known: Known, house: House, now: float) -> Plan:
    """After a relapse, what is still in doubt is wanted again: where it turns out unsaid, it is said.

    So is a mailing that the recovery cut off: those whom it had not reached know nothing yet.
    """
    vetoed = {row.id for row in known.statements if row.decision == "vetoed"}
    wanted = [row for row in known.holding if row.statement_id not in vetoed]
    latest = now + house.holding_latest
    doubtful = (Phase.SENDING, Phase.UNSURE, Phase.HELD)
    in_doubt = [replace(row, latest=latest) for row in wanted if row.phase in doubtful]
    why = "it is down again; the rest of its audience follows"
    cut_off = [
        resumed(row, why, now, latest)
        for row in wanted
        if row.phase is Phase.CANCELLED and row.receipt is not None and row.channel in house.voices
    ]
    return Plan(deliveries=(*in_doubt, *cut_off))


def silence(incident: Incident, known: Known, reason: str, now: float) -> Plan:
    """Nothing more is said about this incident, not even its end: nobody knows how it ends."""
    number = 1 + sum(row.kind is Statement.WELCOME_BACK for row in known.statements)
    stopped = StatementRow(
        id=statement_id(incident, Statement.WELCOME_BACK, number),
        incident=incident.id,
        kind=Statement.WELCOME_BACK,
        created_at=now,
        latest=now,
        reference=reference(incident, Statement.WELCOME_BACK, number),
        decision="vetoed",
        decided_by=THE_CONFIGURATION,
        reason=reason,
    )
    return Plan(statements=(stopped,)) + _cancel(known.deliveries, reason, now)


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


def _hold(
    turn: Turn, incident: Incident, known: Known, states: Mapping[str, State], house: House, now: float
) -> Plan:
    """The holding statement for every backup that has neither heard it nor has it planned.

    Channels with another sign-off than the rest have a statement of their own: what waits there keeps nobody else.
    """
    platforms = _speakable(incident, house, states)
    channels = [
        name
        for name in unplanned(candidates(incident, house.routes, house.voices), known.holding)
        if not _objected(name, HOLDING_KINDS, known, house)
    ]
    plan = Plan()
    for mode, names in _by_mode(channels, Statement.HOLDING, house).items() if platforms else ():
        plan += _hold_in(mode, names, turn, incident, plan.on(known), states, house, now)
    return plan + call_backups(incident, plan.on(known), states, house, now) if plan.deliveries else Plan()


def _hold_in(  # noqa: PLR0913, PLR0917  one group of what `_hold` looks at
    mode: str,
    channels: Sequence[str],
    turn: Turn,
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
) -> Plan:
    """For the channels of one mode of sign-off."""
    alike = [row for row in known.statements if row.kind in HOLDING_KINDS and row.mode == mode]
    statement = alike[-1] if alike and turn is Turn.JOINED and _takes_more(alike[-1], now) else None
    if statement is not None:
        tried = {row.channel for row in known.deliveries if row.statement_id == statement.id}
        channels = [name for name in channels if name not in tried]
    if not channels:
        return Plan()
    if statement is None:
        kind, wait = opening_statement(incident, house.calm), _gather(incident, states, house)
        statement = _statement(incident, kind, known, mode, house, now, wait)
    rows = _deliveries(incident, statement, channels, _speakable(incident, house, states), Phase.STANDBY, house, now)
    rows = tuple(_standing_by(row, incident, states, house, now) for row in rows)
    statement = replace(statement, latest=max([statement.latest, *(row.latest for row in rows)]))
    return Plan(statements=(statement,), deliveries=rows)


def _by_mode(channels: Iterable[str], kind: Statement, house: House) -> dict[str, list[str]]:
    return signoff.by_mode(channels, kind, house.sign_off, house.signing)


def _objected(channel: str, kinds: Collection[Statement], known: Known, house: House) -> bool:
    """Has somebody objected to this being said on channels that are signed off like this one?

    An objection in a mode that no channel has any more, and one of the configuration, counts for all of them.
    """
    vetoed = [row for row in known.statements if row.kind in kinds and row.decision == "vetoed"]
    kind = Statement.HOLDING if Statement.HOLDING in kinds else next(iter(kinds))
    used = {mode_of(name, kind, house.sign_off, house.signing) for name in house.voices}
    mode = mode_of(channel, kind, house.sign_off, house.signing)
    return any(row.mode == mode or row.mode not in used or row.decided_by == THE_CONFIGURATION for row in vetoed)


def _standing_by(
    row: Delivery, incident: Incident, states: Mapping[str, State], house: House, now: float
) -> Delivery:
    """Until it is called: why it is passed over, if it is; one that is asked later may be said later."""
    asked_at = incident.opened_at + patience(row.channel, incident, house.routes)
    quiet = house.voices[row.channel].quiet
    asked_at = (quiet.over_at(asked_at) if quiet is not None else None) or asked_at
    latest = max(row.latest, asked_at + house.holding_latest)
    return replace(row, latest=latest, reason=trouble_of(house.voices[row.channel], states, now))


def _takes_more(statement: StatementRow, now: float) -> bool:
    """May further deliveries hang on it?  Not when it is too old, nor after a person decided on other words (S5)."""
    if now >= statement.latest:
        return False
    return statement.mode == "automatic" or is_waiting(statement, now)


def _gather(incident: Incident, states: Mapping[str, State], house: House) -> float:
    """Wait a little while others of the same owner are about to fall too: one incident is told once."""
    falling = any(
        states.get(platform) is State.SUSPECT and group == incident.group for platform, group in house.groups.items()
    )
    return house.gather if falling else 0.0


def _speakable(incident: Incident, house: House, states: Mapping[str, State]) -> tuple[str, ...]:
    """The platforms a holding statement names: those that are down right now and have a stand-in."""
    return tuple(
        platform
        for platform in named(incident, house.routes)
        if platform in incident.down and states.get(platform) is State.DOWN
    )


def _release(mode: str, house: House, now: float, wait: float = 0.0) -> float | None:
    """From when it may be said where nobody decides otherwise; None: never."""
    nobody = house.signing.nobody_after
    required = now + nobody if nobody is not None else None
    return {"automatic": now + wait, "veto": now + house.veto_for, "required": required}[mode]


def _statement(
    incident: Incident, kind: Statement, known: Known, mode: str, house: House, now: float, wait: float = 0.0
) -> StatementRow:
    """The next one of its kind."""
    alike = HOLDING_KINDS if kind in HOLDING_KINDS else {kind}
    number = 1 + sum(row.kind in alike for row in known.statements)
    release = _release(mode, house, now, wait)
    lasts = house.welcome_latest if kind is Statement.WELCOME_BACK else house.holding_latest
    return StatementRow(
        id=statement_id(incident, kind, number),
        incident=incident.id,
        kind=kind,
        created_at=now,
        latest=max(now, release or now) + lasts,
        reference=reference(incident, kind, number),
        mode=mode,
        release_at=release,
        persons=persons_for(kind, mode, house.signing),
        place=len(known.statements),
    )


def _deliveries(
    incident: Incident,
    statement: StatementRow,
    channels: Iterable[str],
    platforms: tuple[str, ...],
    phase: Phase,
    house: House,
    now: float,
) -> tuple[Delivery, ...]:
    """One worded row per channel."""
    blank = Delivery(
        id="",
        incident=incident.id,
        statement_id=statement.id,
        statement=statement.kind,
        channel="",
        phase=phase,
        due=statement.release_at or now,
        latest=statement.latest,
        created_at=now,
        reference=statement.reference,
        text="",
    )
    rows = (
        replace(blank, id=f"{statement.id}-{channel}", channel=channel, position=place)
        for place, channel in enumerate(channels)
    )
    return tuple(_worded(row, incident, platforms, house, now) for row in rows)


def _worded(delivery: Delivery, incident: Incident, platforms: tuple[str, ...], house: House, now: float) -> Delivery:
    others = [
        name
        for name in candidates(incident, house.routes, house.voices)
        if name != delivery.channel and house.voices[name].public
    ]
    saying = Saying(
        incident=incident.id,
        platforms=platforms,
        back=tuple(name for name in named(incident, house.routes) if name not in incident.down),
        elsewhere=tuple(others),
        opened_at=incident.opened_at,
        now=now,
        reference=delivery.reference,
    )
    subject, text = house.word(delivery.statement, delivery.channel, saying)
    return replace(delivery, subject=subject, text=text, platforms=platforms)


def reword(incident: Incident, known: Known, states: Mapping[str, State], house: House, now: float) -> Plan:
    """Holding statements that are certainly not public yet name the platforms that are down now.

    Not what a person has approved, and not what already lies as a draft on a service: `sayable` stops those that
    have become untrue.
    """
    approved = {row.id for row in known.statements if row.decision == "approved"}
    platforms = _speakable(incident, house, states)
    if not platforms:
        return Plan()
    return Plan(
        deliveries=tuple(
            _worded(row, incident, platforms, house, now)
            for row in (*known.holding, *known.updates)
            if row.phase in (Phase.STANDBY, Phase.READY)
            and row.channel in house.voices
            and row.draft is None
            and row.receipt is None
            and row.statement_id not in approved
            and row.platforms != platforms
        )
    )


def call_backups(incident: Incident, known: Known, states: Mapping[str, State], house: House, now: float) -> Plan:
    """Who is asked now: standbys are called until `reach` is met, and those whose platform is ill step back."""
    if not incident.is_open:
        return Plan()
    back = [
        moved(row, Phase.STANDBY, trouble) for row, trouble in stand_back(known.holding, house.voices, states, now)
    ]
    plan = Plan(deliveries=tuple(back))
    plan += _called(promote(incident, plan.on(known).holding, house.routes, house.voices, states, now))
    waiting = {row.id for row in known.statements if is_waiting(row, now)}
    if waiting:  # what waits for a person is not counted on: those who need no waiting are asked beside it
        free = [row for row in plan.on(known).holding if row.statement_id not in waiting]
        plan += _called(
            (row, reason or "another backup waits for sign-off")
            for row, reason in promote(incident, free, house.routes, house.voices, states, now)
        )
    return plan


def _called(called: Iterable[tuple[Delivery, str]]) -> Plan:
    found = [(moved(row, Phase.READY, reason or "asked"), reason) for row, reason in called]
    return Plan(
        deliveries=tuple(row for row, _reason in found),
        called=tuple((row, reason) for row, reason in found if reason),
    )


def welcome_back(incident: Incident, known: Known, house: House, now: float) -> Plan:
    """The welcome back for every channel that is owed one and has none; may be asked again at any time (S1)."""
    if incident.is_open:
        return Plan()
    places = {row.id: row.place for row in known.statements}
    owed = owed_welcome(incident, known.holding, known.welcome, house.routes, house.voices, known.updates, places)
    channels = [name for name in owed if not _objected(name, {Statement.WELCOME_BACK}, known, house)]
    if not channels or now - (incident.closed_at or now) > house.welcome_latest:
        return Plan()
    platforms = named(incident, house.routes) or tuple(one for one in incident.platforms if one in house.groups)
    if not platforms:  # neither routed nor watched any more: there is no name for it
        return Plan()
    plan = Plan()
    for mode, names in _by_mode(channels, Statement.WELCOME_BACK, house).items():
        statement = _welcome_statement(incident, names, mode, plan.on(known), house, now)
        rows = _deliveries(incident, statement, names, platforms, Phase.READY, house, now)
        plan += Plan(statements=(statement,), deliveries=rows)
    return plan


def _welcome_statement(
    incident: Incident, channels: Sequence[str], mode: str, known: Known, house: House, now: float
) -> StatementRow:
    """The one there is, for a channel that turned out later to have heard; a new one after a relapse."""
    alike = [row for row in known.statements if row.kind is Statement.WELCOME_BACK and row.mode == mode]
    contrary = max((row.place for row in known.statements if row.kind is Statement.UPDATE), default=-1)
    if alike and alike[-1].place > contrary:
        taken = {row.channel for row in known.welcome if row.statement_id == alike[-1].id}
        if not taken & set(channels) and _takes_more(alike[-1], now):
            return alike[-1]
    return _statement(incident, Statement.WELCOME_BACK, known, mode, house, now)


def update(
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
    *,
    capped: Collection[str] = (),
) -> Plan:
    """Tell those who heard the holding statement how it stands; not the channels that have said enough today."""
    channels = [
        row.channel
        for row in known.holding
        if row.heard
        and row.channel in house.voices
        and row.channel not in capped
        and not trouble_of(house.voices[row.channel], states, now)
        and not _objected(row.channel, HOLDING_KINDS, known, house)
    ]
    platforms = _speakable(incident, house, states)
    unsaid = {row.statement_id for row in known.updates if row.phase in (Phase.READY, Phase.SENDING, Phase.UNSURE)}
    busy = {row.mode for row in known.statements if row.id in unsaid}
    plan = Plan()
    if not incident.is_open or not platforms:
        return plan
    for mode, names in _by_mode(dict.fromkeys(channels), Statement.UPDATE, house).items():
        if mode not in busy:
            statement = _statement(incident, Statement.UPDATE, plan.on(known), mode, house, now)
            rows = _deliveries(incident, statement, names, platforms, Phase.READY, house, now)
            plan += Plan(statements=(statement,), deliveries=rows)
    return plan


def update_due(incident: Incident, known: Known, house: House, now: float) -> bool:
    """Has it lasted so long since anything was last said (or an update was last planned) that a word is due?"""
    if not house.update_every or not incident.is_open:
        return False
    heard = {row.statement_id for row in known.deliveries if row.heard}
    times = [row.created_at for row in known.statements if row.id in heard or row.kind is Statement.UPDATE]
    return bool(heard) and now - max(times, default=now) >= house.update_every


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


def lapse(known: Known, house: House, now: float) -> Plan:
    """Approvals that no longer hold, though not all has been said: a person is asked again."""
    found = [(row, signoff.lapse(row, known.deliveries, house.signing, now)) for row in known.statements]
    return Plan(
        statements=tuple(signoff.lapsed(row, why, _release(row.mode, house, now)) for row, why in found if why)
    )


def sayable(
    delivery: Delivery, statement: StatementRow, incident: Incident, states: Mapping[str, State], now: float
) -> bool:
    """May it be said at this moment?  Signed off, in time, and still true.

    A holding statement only while each platform that it names is down in fact (not while it is recovering); a welcome
    back only while none is in trouble again.
    """
    if statement.decision == "vetoed" or statement.release_at is None or now < statement.release_at:
        return False
    if statement.decision == "approved" and not covers(statement, delivery, now):
        return False
    if not delivery.due <= now < delivery.latest:
        return False
    if delivery.statement is Statement.WELCOME_BACK:
        return not incident.is_open and all(
            states.get(platform, State.UP) in (State.UP, State.UNKNOWN) for platform in incident.platforms
        )
    if any(platform not in incident.down for platform in delivery.platforms):
        return False
    return incident.is_open and all(states.get(platform) is State.DOWN for platform in delivery.platforms)
