"""Between the first word and the last: those who heard are told again how it stands, each `update_every` or when a
part of the group is back (S1).

Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from failover.delivery import Phase
from failover.incidents import HOLDING_KINDS, Incident
from failover.model import State, Statement
from failover.plans import House, Known, Plan
from failover.routing import trouble_of
from failover.statements import by_mode, next_statement, objected, speakable, worded_deliveries


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
        and not objected(row.channel, HOLDING_KINDS, known, house)
    ]
    platforms = speakable(incident, house, states)
    unsaid = {row.statement_id for row in known.updates if row.phase in (Phase.READY, Phase.SENDING, Phase.UNSURE)}
    busy = {row.mode for row in known.statements if row.id in unsaid}
    plan = Plan()
    if not incident.is_open or not platforms:
        return plan
    for mode, names in by_mode(dict.fromkeys(channels), Statement.UPDATE, house).items():
        if mode not in busy:
            statement = next_statement(incident, Statement.UPDATE, plan.on(known), mode, house, now)
            rows = worded_deliveries(incident, statement, names, platforms, Phase.READY, house, now)
            plan += Plan(statements=(statement,), deliveries=rows)
    return plan


def update_due(incident: Incident, known: Known, house: House, now: float) -> bool:
    """Has it lasted so long since anything was last said (or an update was last planned) that a word is due?"""
    if not house.update_every or not incident.is_open:
        return False
    heard = {row.statement_id for row in known.deliveries if row.heard}
    times = [row.created_at for row in known.statements if row.id in heard or row.kind is Statement.UPDATE]
    return bool(heard) and now - max(times, default=now) >= house.update_every
