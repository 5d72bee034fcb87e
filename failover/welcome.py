"""The welcome back: for every channel that heard that it was down, once (S1).

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.delivery import Phase, StatementRow
from failover.incidents import Incident
from failover.model import Statement
from failover.plans import House, Known, Plan
from failover.routing import named, owed_welcome
from failover.statements import by_mode, next_statement, objected, takes_more, worded_deliveries


def welcome_back(incident: Incident, known: Known, house: House, now: float) -> Plan:
    """The welcome back for every channel that is owed one and has none; may be asked again at any time (S1)."""
    if incident.is_open:
        return Plan()
    places = {row.id: row.place for row in known.statements}
    owed = owed_welcome(incident, known.holding, known.welcome, house.routes, house.voices, known.updates, places)
    channels = [name for name in owed if not objected(name, {Statement.WELCOME_BACK}, known, house)]
    if not channels or now - (incident.closed_at or now) > house.welcome_latest:
        return Plan()
    platforms = named(incident, house.routes) or tuple(one for one in incident.platforms if one in house.groups)
    if not platforms:  # neither routed nor watched any more: there is no name for it
        return Plan()
    plan = Plan()
    for mode, names in by_mode(channels, Statement.WELCOME_BACK, house).items():
        statement = _welcome_statement(incident, names, mode, plan.on(known), house, now)
        rows = worded_deliveries(incident, statement, names, platforms, Phase.READY, house, now)
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
        if not taken & set(channels) and takes_more(alike[-1], now):
            return alike[-1]
    return next_statement(incident, Statement.WELCOME_BACK, known, mode, house, now)
