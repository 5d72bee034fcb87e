"""The welcome back: for every channel that heard that it was down, once (S1).

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from failover.delivery import Delivery, Phase, StatementRow
from failover.incidents import Incident
from failover.model import State, Statement
from failover.plans import House, Known, Plan
from failover.routing import named, owed_welcome
from failover.statements import by_mode, next_statement, objected, takes_more, worded_deliveries

WELCOME_BACK = Statement.WELCOME_BACK


def welcome_back(incident: Incident, known: Known, states: Mapping[str, State], house: House, now: float) -> Plan:
    """The welcome back for every channel that is owed one and has none; may be asked again at any time (S1)."""
    if incident.is_open:
        return Plan()
    channels = [name for name in _owed(incident, known, house) if not objected(name, {WELCOME_BACK}, known, house)]
    if not channels or now - (incident.closed_at or now) > house.welcome_latest:
        return Plan()
    platforms = named(incident, house.routes) or tuple(one for one in incident.platforms if one in house.groups)
    if not platforms:  # neither routed nor watched any more: there is no name for it
        return Plan()
    plan = Plan()
    for mode, names in by_mode(channels, WELCOME_BACK, house).items():
        statement = _welcome_statement(incident, names, mode, plan.on(known), house, now)
        rows = tuple(
            replace(after_quiet_hours(row, house), position=place)
            for place, name in enumerate(names)
            for row in worded_deliveries(
                incident,
                statement,
                [name],
                _told(name, platforms, known),
                Phase.READY,
                house,
                now,
                known=known,
                states=states,
            )
        )
        statement = replace(statement, latest=max([statement.latest, *(row.latest for row in rows)]))
        plan += Plan(statements=(statement,), deliveries=rows)
    return plan


def _told(channel: str, platforms: tuple[str, ...], known: Known) -> tuple[str, ...]:
    """Of the platforms that are well again those that were heard of there; all on a channel that was itself down."""
    rows = (row for row in (*known.holding, *known.updates) if row.channel == channel and row.heard)
    told = {platform for row in rows for platform in row.platforms}
    return tuple(platform for platform in platforms if platform in told) or platforms


def _owed(incident: Incident, known: Known, house: House) -> list[str]:
    """Who still stands there saying that it is down.  Where a part was taken back as a false alarm, nobody else.

    Nor who is told that the alarm was false.
    """
    places = {row.id: row.place for row in known.statements}
    told = [*known.holding, *known.updates]
    owed = owed_welcome(incident, told, known.welcome, house.routes, house.voices, known.updates, places)
    if not known.corrected and all(row.phase is not Phase.RETRACTED for row in told):
        return owed
    standing = {row.channel for row in told if row.heard} - known.corrected
    return [name for name in owed if name in standing]


def after_quiet_hours(row: Delivery, house: House) -> Delivery:
    """Who was told that it is down hears the end of it, however long the quiet hours: its time begins after them."""
    quiet, latest = house.voices[row.channel].quiet, row.latest
    begins = quiet.over_at(row.due) if quiet is not None else None
    if begins is not None:
        latest = max(latest, begins + house.welcome_latest)
    over_at = quiet.over_at(latest) if quiet is not None else None
    return replace(row, latest=latest if over_at is None else over_at + house.holding_latest)


def _welcome_statement(
    incident: Incident, channels: Sequence[str], mode: str, known: Known, house: House, now: float
) -> StatementRow:
    """The one there is, for a channel that turned out later to have heard; a new one after a relapse."""
    alike = [row for row in known.statements if row.kind is WELCOME_BACK and row.mode == mode]
    contrary = max((row.place for row in known.statements if row.kind is Statement.UPDATE), default=-1)
    if alike and alike[-1].place > contrary:
        taken = {row.channel for row in known.welcome if row.statement_id == alike[-1].id}
        if not taken & set(channels) and takes_more(alike[-1], now):
            return alike[-1]
    return next_statement(incident, WELCOME_BACK, known, mode, house, now)
