"""What becomes of a platform, an incident and its plan, said in the journal: one event per fact, once written (O4).

See `events` for the sentences, `minutes` for what the audit trail keeps of the same facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from failover.delivery import Delivery, Phase, StatementRow
from failover.incidents import Incident, Turn
from failover.model import Transition
from failover.plans import Known, Plan
from failover.posts import place_of
from failover.routing import Route, missed, touched
from failover.signoff import code, given_by
from failover.standing import Declaration

_ENDED = frozenset({Phase.CANCELLED, Phase.EXPIRED, Phase.HELD})


class Says(Protocol):
    """Where the engine's facts are said: the journal."""

    def say(self, name: str, /, **fields: object) -> None: ...

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool: ...

    def bug(self, where: str, error: BaseException) -> None: ...


def tell_transition(journal: Says, moved: Transition, told: Sequence[str]) -> None:
    """`told` is the explanation, in sentences."""
    journal.say(
        f"platform_{moved.now.value}",
        platform=moved.platform,
        was=moved.was.value,
        reason=moved.reason,
        evidence=sorted({seen.sighting.evidence.value for seen in moved.evidence}),
        explanation=" ".join(told),
    )


def tell_turn(
    journal: Says, turn: Turn, incident: Incident, moved: Transition, plan: Plan, routes: Sequence[Route]
) -> None:
    """What the transition did to the incident, and all that is planned because of it."""
    fields = _fields(turn, incident, moved)
    if not fields:
        return
    journal.say(f"incident_{turn.value.replace(' ', '_')}", incident=incident.id, **fields)
    if turn in (Turn.OPENED, Turn.JOINED) and not touched(incident, routes):
        journal.say_on_change(f"route/{incident.id}", "no_route", incident=incident.id, platforms=incident.platforms)
    tell_plan(journal, incident, plan, Known())


def _fields(turn: Turn, incident: Incident, moved: Transition) -> dict[str, object]:
    match turn:
        case Turn.OPENED:
            return {"platforms": incident.platforms, "reason": moved.reason}
        case Turn.REOPENED:
            return {"platform": moved.platform, "reason": moved.reason}
        case Turn.CLOSED:
            return {"platforms": incident.platforms, "duration": moved.at - incident.opened_at}
        case Turn.JOINED | Turn.PARTLY_RECOVERED:
            return {"platform": moved.platform}
        case _:
            return {}


def tell_plan(journal: Says, incident: Incident, plan: Plan, known: Known) -> None:
    """What is new in `plan` against what was `known` before it."""
    _tell_lapses(journal, plan, known)
    old = {row.id for row in known.statements}
    for statement in plan.statements:
        if statement.id not in old:
            _tell_planned(journal, statement, [row for row in plan.deliveries if row.statement_id == statement.id])
    for row, reason in plan.called:
        journal.say("backup_promoted", incident=incident.id, channel=row.channel, reason=reason)
    _tell_deliveries(journal, plan.deliveries, known)


def _tell_lapses(journal: Says, plan: Plan, known: Known) -> None:
    for before, after in plan.lapses(known):
        journal.say(
            "approval_lapsed",
            incident=after.incident,
            statement=after.kind.value,
            statement_id=after.id,
            by=given_by(before),
            reason=after.reason,
        )


def _tell_planned(journal: Says, statement: StatementRow, rows: Sequence[Delivery]) -> None:
    fields = {"incident": statement.incident, "statement": statement.kind.value, "statement_id": statement.id}
    asked = [row.channel for row in rows if row.phase is Phase.READY]
    journal.say("statement_planned", **fields, channels=asked or ["nobody yet"])
    if statement.mode != "automatic":
        waiting = {"mode": statement.mode, "until": statement.release_at, "code": code(statement, rows)}
        journal.say("statement_waiting", **fields, **waiting)


def _tell_deliveries(journal: Says, rows: Iterable[Delivery], known: Known) -> None:
    """Rule S3, which channel does not get its turn, and why; and what will not be said (any more)."""
    before = {row.id: row for row in known.deliveries}
    for row in rows:
        was = before.get(row.id)
        if row.phase is Phase.STANDBY and row.reason and (was is None or was.reason != row.reason):
            journal.say("channel_passed_over", incident=row.incident, channel=row.channel, reason=row.reason)
        elif row.phase in _ENDED and (was is None or was.phase is not row.phase):
            tell_ended(journal, row)


def tell_ended(journal: Says, row: Delivery) -> None:
    """It will not be said, or only a person can tell."""
    journal.say(f"delivery_{row.phase.value}", **place_of(row), reason=row.reason)


def tell_reach(journal: Says, incident: Incident, known: Known, routes: Iterable[Route]) -> None:
    """Too few have heard, and nobody is left to ask: a person must speak, unless one has just objected to it."""
    vetoed = any(row.decision == "vetoed" for row in known.statements)
    found = missed(incident, known.holding, routes) if incident.is_open and not vetoed else None
    if found is not None:
        heard, wanted = found
        journal.say_on_change(
            f"reach/{incident.id}/{heard}", "reach_missed", incident=incident.id, heard=heard, wanted=wanted
        )


def tell_declared(journal: Says, word: Declaration) -> None:
    """A person says how a platform is."""
    journal.say(
        "operator_declared", platform=word.platform, state=word.signal.value, by=word.by, reason=word.because or None
    )


def tell_locked_out(journal: Says, platform: str, accounts: Sequence[str]) -> None:
    """R2: several accounts of ours are refused at once; that goes to a person, never straight to the public."""
    if accounts:
        reason = f"{', '.join(accounts)} are refused by {platform} at once; is it down, or are we locked out?"
        journal.say_on_change(f"accounts/{platform}", "person_needed", reason=reason, platform=platform)
