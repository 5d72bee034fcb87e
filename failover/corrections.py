"""The correction after a false alarm: where it is still public and cannot be taken back, it is put right (S9).

Pure.  A person gives the command to take the alarm back; the correction is what that leaves to be said, on every
channel once.  It needs no state of the platform: the person has said that the alarm was false.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from failover.delivery import Delivery, Phase
from failover.incidents import HOLDING_KINDS, Incident
from failover.model import State, Statement
from failover.plans import House, Known, Plan
from failover.statements import by_mode, next_statement, objected, worded_deliveries
from failover.welcome import after_quiet_hours

CORRECTED = frozenset({*HOLDING_KINDS, Statement.UPDATE, Statement.WELCOME_BACK})
"""What a false alarm has said."""

_OPEN = frozenset({Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.HELD})


def correction(
    incident: Incident,
    concerned: Collection[str],
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
) -> Plan:
    """One correction for each of these channels that has none yet and can still speak."""
    channels = [
        name
        for name in dict.fromkeys(concerned)
        if name in house.voices
        and name not in known.corrected
        and not objected(name, {Statement.CORRECTION}, known, house)
        and _said(name, known, house)
    ]
    plan = Plan()
    for mode, names in by_mode(channels, Statement.CORRECTION, house).items():
        plan += _in_mode(mode, names, incident, plan.on(known), states, house, now)
    return plan


def _in_mode(
    mode: str,
    channels: list[str],
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
) -> Plan:
    statement = next_statement(incident, Statement.CORRECTION, known, mode, house, now)
    statement = replace(statement, latest=max(statement.latest, (statement.release_at or now) + house.welcome_latest))
    rows = tuple(
        replace(after_quiet_hours(row, house), position=place)
        for place, name in enumerate(channels)
        for row in worded_deliveries(
            incident,
            statement,
            [name],
            _said(name, known, house),
            Phase.READY,
            house,
            now,
            known=known,
            states=states,
        )
    )
    statement = replace(statement, latest=max([statement.latest, *(row.latest for row in rows)]))
    return Plan(statements=(statement,), deliveries=rows)


def _said(channel: str, known: Known, house: House) -> tuple[str, ...]:
    """The platforms that the channel has spoken of, as far as there is still a name for them."""
    named = (name for row in known.deliveries if row.channel == channel and is_alarm(row) for name in row.platforms)
    return tuple(name for name in dict.fromkeys(named) if name in house.groups)


def is_alarm(row: Delivery) -> bool:
    """Is it a part of the alarm that the public has heard?  What may still turn out unsaid is none yet."""
    return row.heard and row.phase not in _OPEN and row.statement in CORRECTED
