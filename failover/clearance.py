"""May this delivery leave at this very moment?

Pure.  Asked last, right before the intent to send is written: what was planned may have become untrue meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping

from failover.delivery import Delivery, StatementRow
from failover.incidents import Incident
from failover.model import State, Statement
from failover.routing import Voice, is_quiet
from failover.signoff import covers


def sayable(
    delivery: Delivery, statement: StatementRow, incident: Incident, states: Mapping[str, State], now: float
) -> bool:
    """May it be said at this moment?  Signed off, in time, and still true.

    A holding statement only while each platform that it names is down in fact (not while it is recovering); a welcome
    back only while none is in trouble again.
    """
    if not _is_released(delivery, statement, now):
        return False
    if delivery.statement is Statement.WELCOME_BACK:
        return not incident.is_open and all(
            states.get(platform, State.UP) in (State.UP, State.UNKNOWN) for platform in incident.platforms
        )
    if any(platform not in incident.down for platform in delivery.platforms):
        return False
    return incident.is_open and all(states.get(platform) is State.DOWN for platform in delivery.platforms)


def rehearsable(delivery: Delivery, statement: StatementRow, voice: Voice | None, now: float) -> bool:
    """A drill asks for no outage; it is signed off, in time, and only for practice channels (rule S10)."""
    return voice is not None and voice.practice and _is_released(delivery, statement, now)


def correctable(delivery: Delivery, statement: StatementRow, voice: Voice | None, now: float) -> bool:
    """A correction waits for no state of the platform: a person has said that the alarm was false (rule S9)."""
    return voice is not None and not is_quiet(voice, now) and _is_released(delivery, statement, now)


def _is_released(delivery: Delivery, statement: StatementRow, now: float) -> bool:
    """Signed off, exactly as it stands there, and in time."""
    if statement.decision == "vetoed" or statement.release_at is None or now < statement.release_at:
        return False
    if statement.decision == "approved" and not covers(statement, delivery, now):
        return False
    return delivery.due <= now < delivery.latest
