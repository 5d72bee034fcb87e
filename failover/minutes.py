"""What goes into the audit trail of a plan: one entry per fact, as (event, facts) pairs.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from failover.delivery import Delivery, Phase, StatementRow
from failover.plans import Known, Plan

Minute = tuple[str, Mapping[str, object]]

_ENDED = frozenset({Phase.CANCELLED, Phase.EXPIRED, Phase.HELD})
"""What a plan may end a delivery in; how a send ends is put down by the courier."""


def of_plan(plan: Plan, known: Known) -> tuple[Minute, ...]:
    """What is new in `plan` against what was `known` before it."""
    before = {row.id: row for row in known.deliveries}
    old = {statement.id for statement in known.statements}
    planned = [_planned(one, plan) for one in plan.statements if one.id not in old]
    called: list[Minute] = [("backup_called", {**_of(row), "reason": reason}) for row, reason in plan.called]
    return (*planned, *called, *_passed_over(plan, before), *of_endings(plan.deliveries, known.deliveries))


def of_endings(after: Iterable[Delivery], before: Iterable[Delivery]) -> tuple[Minute, ...]:
    """Deliveries that will not be sent (any more), where they were owed before."""
    phases = {row.id: row.phase for row in before}
    ended = [row for row in after if row.phase in _ENDED and phases.get(row.id) is not row.phase]
    return tuple((f"delivery_{row.phase.value}", {**_of(row), "reason": row.reason}) for row in ended)


def _planned(statement: StatementRow, plan: Plan) -> Minute:
    rows = [row for row in plan.deliveries if row.statement_id == statement.id]
    facts = {
        "incident": statement.incident,
        "statement": statement.id,
        "kind": statement.kind.value,
        "reference": statement.reference,
        "mode": statement.mode,
        "channels": [row.channel for row in rows if row.phase is Phase.READY],
        "further": [row.channel for row in rows if row.phase is Phase.STANDBY],
    }
    return "statement_planned", facts


def _passed_over(plan: Plan, before: Mapping[str, Delivery]) -> list[Minute]:
    """Rule S3: which channel did not get its turn, and why."""
    waiting = [row for row in plan.deliveries if row.phase is Phase.STANDBY and row.reason]
    news = [row for row in waiting if row.id not in before or before[row.id].reason != row.reason]
    return [("channel_passed_over", {**_of(row), "reason": row.reason}) for row in news]


def _of(row: Delivery) -> dict[str, object]:
    return {"incident": row.incident, "delivery": row.id}
