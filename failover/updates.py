"""Between the first word and the last: those who heard are told again how it stands, each `update_every`, or where
`partial: say` wants it, when a part of the group is back or another platform of it has failed as well (S1).

Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from failover.delivery import Phase
from failover.incidents import HOLDING_KINDS, Incident
from failover.model import State, Statement
from failover.plans import House, Known, Plan
from failover.routing import Route, named, touched, trouble_of
from failover.statements import (
    by_mode,
    next_statement,
    objected,
    speakable,
    unnamed,
    worded_deliveries,
)


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
    return _update_on(_listening(known, states, house, now, capped), incident, known, states, house, now)


def update_on_joined(
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
    *,
    capped: Collection[str] = (),
    wait: float = 0.0,
) -> Plan:
    """Tell those who heard of a part of what is down that more of it is: each platform once in an incident.

    `wait` seconds for more that is about to join.
    """
    platforms = speakable(incident, house, states)
    channels = _listening(known, states, house, now, capped) if _says_parts(incident, house.routes) else []
    uninformed = [name for name in channels if unnamed(name, platforms, known)]
    return _update_on(uninformed, incident, known, states, house, now, wait)


def joined_unsaid(incident: Incident, known: Known, house: House) -> bool:
    """Has somebody who heard of this incident not been told of a platform that is down in it, and should be?"""
    if not _says_parts(incident, house.routes):
        return False
    down = [name for name in named(incident, house.routes) if name in incident.down]
    return any(unnamed(row.channel, down, known) for row in known.holding if row.heard)


def joined_later(incident: Incident, known: Known, routes: Iterable[Route]) -> str:
    """For the administrators: which of what is down nothing that was said speaks of; "" where all is named."""
    said = dict.fromkeys(platform for row in known.deliveries if row.heard for platform in row.platforms)
    later = [name for name in named(incident, routes) if name in incident.down and name not in said]
    if not incident.is_open or not said or not later:
        return ""
    return f"{' and '.join(later)} joined later; what was said names only {' and '.join(said)}"


def _says_parts(incident: Incident, routes: Iterable[Route]) -> bool:
    return any(route.partial for route in touched(incident, routes))


def _listening(
    known: Known, states: Mapping[str, State], house: House, now: float, capped: Collection[str]
) -> list[str]:
    """The channels that heard the holding statement and may hear more."""
    return [
        row.channel
        for row in known.holding
        if row.heard
        and row.channel in house.voices
        and row.channel not in capped
        and not trouble_of(house.voices[row.channel], states, now)
        and not objected(row.channel, HOLDING_KINDS, known, house)
    ]


def _update_on(
    channels: Sequence[str],
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
    wait: float = 0.0,
) -> Plan:
    platforms = speakable(incident, house, states)
    unsaid = {row.statement_id for row in known.updates if row.phase in (Phase.READY, Phase.SENDING, Phase.UNSURE)}
    busy = {row.mode for row in known.statements if row.id in unsaid}
    plan = Plan()
    if not incident.is_open or not platforms:
        return plan
    for mode, names in by_mode(dict.fromkeys(channels), Statement.UPDATE, house).items():
        if mode not in busy:
            statement = next_statement(incident, Statement.UPDATE, plan.on(known), mode, house, now, wait)
            rows = worded_deliveries(
                incident, statement, names, platforms, Phase.READY, house, now, known=known, states=states
            )
            plan += Plan(statements=(statement,), deliveries=rows)
    return plan


def update_due(incident: Incident, known: Known, house: House, now: float) -> bool:
    """Has it lasted so long since anything was last said (or an update was last planned) that a word is due?"""
    if not house.update_every or not incident.is_open:
        return False
    heard = {row.statement_id for row in known.deliveries if row.heard}
    times = [row.created_at for row in known.statements if row.id in heard or row.kind is Statement.UPDATE]
    return bool(heard) and now - max(times, default=now) >= house.update_every
