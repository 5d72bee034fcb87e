"""What has to be said, re-worded or cancelled because of a turn in an incident (S1, S2, R6).

Pure.  What comes out is written in the same transaction as the turn itself (rule D1).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from failover.delivery import Phase, StatementRow, resumed
from failover.holding import hold
from failover.incidents import Incident, Turn, reference, statement_id
from failover.model import State, Statement
from failover.plans import House, Known, Plan, cancel
from failover.routing import touched
from failover.statements import THE_CONFIGURATION, answered_by, reword
from failover.updates import update
from failover.welcome import welcome_back

_AFTER_THE_END = frozenset({Statement.WELCOME_BACK, Statement.CORRECTION})
"""What the end of an incident does not make untrue."""


def after_turn(  # noqa: PLR0913  a turn, and the world it happens in
    turn: Turn,
    incident: Incident,
    known: Known,
    states: Mapping[str, State],
    house: House,
    now: float,
    *,
    capped: Collection[str] = (),
    wait: float = 0.0,
) -> Plan:
    """Everything to be planned, re-worded or cancelled because of `turn`.

    `capped` channels hear no updates; a holding statement waits `wait` seconds for others that are about to fall.
    """
    match turn:
        case Turn.OPENED | Turn.JOINED | Turn.REOPENED:
            plan = cancel(known.welcome, "the platform failed again", now)
            plan += cancel(known.updates, "another platform has failed meanwhile", now)
            if turn is Turn.REOPENED:
                plan += _want_again(known, house, now)
            plan += reword(incident, plan.on(known), states, house, now)
            return plan + hold(turn, incident, plan.on(known), states, house, now, wait=wait)
        case Turn.PARTLY_RECOVERED:
            plan = reword(incident, known, states, house, now)
            if any(route.partial for route in touched(incident, house.routes)):
                plan += update(incident, plan.on(known), states, house, now, capped=capped)
            return plan
        case Turn.CLOSED:
            unsaid = [row for row in known.deliveries if row.statement not in _AFTER_THE_END]
            plan = cancel(unsaid, "the platform has recovered", now)
            return plan + welcome_back(incident, plan.on(known), states, house, now)
        case _:
            return Plan()


def _want_again(known: Known, house: House, now: float) -> Plan:
    """After a relapse, what is still in doubt is wanted again: where it turns out unsaid, it is said.

    So is a mailing that the recovery cut off: those whom it had not reached know nothing yet.
    """
    vetoed = {row.id for row in known.statements if row.decision == "vetoed"}
    wanted = [row for row in known.holding if row.statement_id not in vetoed]
    latest = {row.id: _asked_anew(row, house, now) + house.holding_latest for row in known.statements}
    doubtful = (Phase.SENDING, Phase.UNSURE, Phase.HELD)
    in_doubt = [replace(row, latest=latest[row.statement_id]) for row in wanted if row.phase in doubtful]
    why = "it is down again; the rest of its audience follows"
    cut_off = [
        resumed(row, why, now, latest[row.statement_id])
        for row in wanted
        if row.phase is Phase.CANCELLED and row.receipt is not None and row.channel in house.voices
    ]
    concerned = {row.statement_id for row in (*in_doubt, *cut_off)}
    longer = (replace(row, latest=max(row.latest, latest[row.id])) for row in known.statements if row.id in concerned)
    return Plan(statements=tuple(longer), deliveries=(*in_doubt, *cut_off))


def _asked_anew(statement: StatementRow, house: House, now: float) -> float:
    """When it is known whether it may be said: an approval may have become too old, and then people are asked."""
    return answered_by(statement.mode, house, now) if statement.mode == "required" else now


def without(
    gone: Collection[str], incident: Incident, known: Known, reason: str, now: float
) -> tuple[Incident, Plan]:
    """Platforms that are no longer watched can never recover; once no other is down, no word is said any more."""
    down = tuple(platform for platform in incident.down if platform not in gone)
    kept = replace(incident, down=down, closed_at=None if down else now)
    return kept, Plan() if down else silence(kept, known, reason, now)


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
    unsaid = [row for row in known.deliveries if row.statement is not Statement.CORRECTION]
    return Plan(statements=(stopped,)) + cancel(unsaid, reason, now)
