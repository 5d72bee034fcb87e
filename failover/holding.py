"""The holding statement: who is to hear it, and which backup is called in whose place (S1, S3).

Pure.  See `routing` for the order in which backups are asked, `statements` for how a statement is worded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from failover.delivery import Delivery, Phase, moved
from failover.incidents import HOLDING_KINDS, Incident, Turn, opening_statement
from failover.model import State, Statement
from failover.plans import House, Known, Plan
from failover.routing import candidates, patience, promote, stand_back, trouble_of, unplanned
from failover.signoff import is_waiting, unsaid
from failover.statements import (
    by_mode,
    next_statement,
    objected,
    speakable,
    takes_more,
    worded_deliveries,
)


def hold(
    turn: Turn,
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
    *,
    wait: float = 0.0,
) -> Plan:
    """The holding statement for every backup that has neither heard it nor has it planned; `wait` seconds for more.

    Channels with another sign-off than the rest have a statement of their own: what waits there keeps nobody else.
    """
    platforms = speakable(incident, house, states)
    channels = [
        name
        for name in unplanned(candidates(incident, house.routes, house.voices), known.holding)
        if not objected(name, HOLDING_KINDS, known, house)
    ]
    plan = Plan()
    for mode, names in by_mode(channels, Statement.HOLDING, house).items() if platforms else ():
        plan += _hold_in(mode, names, turn, incident, plan.on(known), states, house, now, wait)
    return plan + call_backups(incident, plan.on(known), states, house, now) if plan.deliveries else Plan()


def _hold_in(  # noqa: PLR0913, PLR0917  one group of what `hold` looks at
    mode: str,
    channels: Sequence[str],
    turn: Turn,
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
    wait: float,
) -> Plan:
    """For the channels of one mode of sign-off."""
    alike = [row for row in known.statements if row.kind in HOLDING_KINDS and row.mode == mode]
    statement = alike[-1] if alike and turn is Turn.JOINED and takes_more(alike[-1], now) else None
    if statement is not None:
        tried = {row.channel for row in known.deliveries if row.statement_id == statement.id}
        channels = [name for name in channels if name not in tried]
    if not channels:
        return Plan()
    if statement is None:
        kind = opening_statement(incident, house.calm)
        statement = next_statement(incident, kind, known, mode, house, now, wait)
    platforms = speakable(incident, house, states)
    rows = worded_deliveries(
        incident, statement, channels, platforms, Phase.STANDBY, house, now, known=known, states=states
    )
    rows = tuple(_standing_by(row, incident, states, house, now) for row in rows)
    statement = replace(statement, latest=max([statement.latest, *(row.latest for row in rows)]))
    return Plan(statements=(statement,), deliveries=rows)


def _standing_by(
    row: Delivery, incident: Incident, states: Mapping[str, State], house: House, now: float
) -> Delivery:
    """Until it is called: why it is passed over, if it is; one that is asked later may be said later."""
    latest = max(row.latest, _turn_of(row.channel, incident, house) + house.holding_latest)
    return replace(row, latest=latest, reason=trouble_of(house.voices[row.channel], states, now))


def _turn_of(channel: str, incident: Incident, house: House) -> float:
    """From when on it is asked at all: when the incident has lasted so long, and its quiet hours are over."""
    asked_at = incident.opened_at + patience(channel, incident, house.routes)
    quiet = house.voices[channel].quiet
    return (quiet.over_at(asked_at) if quiet is not None else None) or asked_at


def keep_approved(incident: Incident, known: Known, house: House, now: float) -> Plan:
    """Who approved has read that some channels hear it hours later: the approval is good until these have."""
    longer = []
    for row in known.statements:
        if row.decision == "approved" and row.valid_until is not None and now < row.valid_until:
            later = [one.latest for one in unsaid(row, known.deliveries) if _waits_for_its_turn(one, incident, house)]
            if max(later, default=row.valid_until) > row.valid_until:
                longer.append(replace(row, valid_until=max(later)))
    return Plan(statements=tuple(longer))


def _waits_for_its_turn(row: Delivery, incident: Incident, house: House) -> bool:
    if row.phase is not Phase.STANDBY or row.statement not in HOLDING_KINDS or row.channel not in house.voices:
        return False
    return _turn_of(row.channel, incident, house) > row.created_at


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
