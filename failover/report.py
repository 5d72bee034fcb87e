"""Everything that is known of one incident, as plain data: for a head of communications, an auditor, a program.

Read from the database alone, so that a daemon that does not run is told about in the same words.  Of recipients there
are counts and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from failover.audit import Entry, concerns, facts_of
from failover.catchup import Leftover, left_over, not_taken_back
from failover.delivery import Delivery, Phase, StatementRow
from failover.hindsight import Chapter
from failover.incidents import Incident
from failover.model import Observation, State
from failover.signoff import given_by
from failover.store import Store

Fields = dict[str, Any]

AROUND, LEAST_AROUND, MOST_AROUND = 0.1, 60.0, 1800.0
"""What is told before the first sign and after the last word: a share of the incident's length, in seconds."""

LEAD = 7200.0
"""A suspicion that began longer ago than this (seconds) before the incident is not told as its beginning."""

MOST_ANSWERS = 1000
"""Changes of what was said of one platform; more are left out, and counted."""

ALL_ALONG = (
    "daemon_started", "daemon_stopped", "config_loaded", "gap_noticed", "clock_stepped", "operator_declared",
    "declaration_ended", "paused", "resumed",
)  # fmt: skip
"""Entries of the audit trail that are about no incident, and matter for one while it lasts."""


class NoIncidentError(LookupError):
    """There is no such incident, or none at all; the text says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How things are called: titles by name of platform and channel; a name without a title stands for itself."""

    organisation: str = ""
    timezone: str = "UTC"
    platforms: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)


async def report(store: Store, asked: str, names: Names, now: float, posts: Sequence[Leftover] = ()) -> Fields:
    """The incident of this number, or the latest ("").  Raises NoIncidentError and StoreError.

    Times are seconds since the epoch (UTC), lengths seconds.  `window` is what the timeline shows.  `states` are the
    transitions of each platform (the first may be older than the window), `answers` what each probe said and every
    change of it; `statements` have the deliveries they came to; `audit` are the entries about it; `posts` and
    `catch_up` what is left (see `catchup`), `posts` being empty where nothing was re-routed or held.
    """
    number = asked or await store.latest_incident()
    incident = await store.incident(number) if number else None
    if incident is None:
        raise NoIncidentError(f"there is no incident {asked}; see `failover incidents`" if asked else _NONE)
    statements, deliveries = await store.statements(number), await store.deliveries(number)
    chapters = {name: await store.past.history(name, incident.opened_at - LEAD, now) for name in incident.platforms}
    begins, ends = window(incident, chapters, deliveries, now)
    audit = await _audit(store, incident, begins, ends)
    kept = not_taken_back((one.event, facts_of(one)) for one in audit)
    counts = await store.ledger_counts(number)
    return {
        "now": now,
        "organisation": names.organisation,
        "timezone": names.timezone,
        "titles": {
            "platforms": {name: names.platforms.get(name, name) for name in incident.platforms},
            "channels": {row.channel: names.channels.get(row.channel, row.channel) for row in deliveries},
        },
        "incident": {**_incident(incident, now), **_taken_back(incident, audit)},
        "window": {"from": begins, "until": ends},
        "states": {
            name: [_chapter(one) for one in told if one.transition.at <= ends] or _from_audit(audit, name)
            for name, told in chapters.items()
        },
        "answers": {name: await _answers(store, name, begins, ends) for name in incident.platforms},
        "statements": [_statement(one, deliveries, counts, audit, incident) for one in statements],
        "audit": [_entry(one) for one in audit],
        "posts": [_left(one) for one in posts],
        "catch_up": [_left(one) for one in left_over(incident, statements, deliveries, posts, kept)],
    }


_NONE = "there has been no incident yet"


def window(
    incident: Incident, chapters: Mapping[str, Sequence[Chapter]], deliveries: Iterable[Delivery], now: float
) -> tuple[float, float]:
    """From shortly before the first sign to shortly after the last word."""
    first = min((_first_sign(told, incident.opened_at) for told in chapters.values()), default=incident.opened_at)
    around = min(max(AROUND * ((incident.closed_at or now) - first), LEAST_AROUND), MOST_AROUND)
    if incident.closed_at is None:
        return first - around, max(now, first)
    said = [row.ended_at for row in deliveries if row.phase in (Phase.SENT, Phase.RETRACTED)]
    return first - around, max(min(max([incident.closed_at, *said]) + around, now), incident.closed_at)


def _first_sign(chapters: Sequence[Chapter], opened_at: float) -> float:
    """Since when it was not well, as far as that led to the incident."""
    since = opened_at
    for one in reversed(chapters):
        moved = one.transition
        if moved.at > opened_at:
            continue
        if moved.now in (State.UP, State.UNKNOWN) or moved.at < opened_at - LEAD:
            break
        since = moved.at
    return since


async def _audit(store: Store, incident: Incident, begins: float, ends: float) -> list[Entry]:
    """What is about this incident (whenever it was put down), and what happened to all of it meanwhile."""
    found = await store.trail.since(incident.opened_at - LEAD, f'"{incident.id}')
    own = [one for one in found if concerns(facts_of(one), incident.id)]
    around = await store.trail.of(ALL_ALONG, begins, ends)
    general = [one for one in around if facts_of(one).get("platform", incident.platforms[0]) in incident.platforms]
    return sorted({one.number: one for one in (*own, *general)}.values(), key=lambda one: one.number)


async def _answers(store: Store, platform: str, begins: float, ends: float) -> Fields:
    found = await store.past.answers(platform, begins, ends, MOST_ANSWERS + 1)
    return {
        "before": [_answer(one) for one in await store.past.last_words(begins, platform)],
        "changes": [_answer(one) for one in found[:MOST_ANSWERS]],
        "more": len(found) > MOST_ANSWERS,
    }


def _answer(one: Observation) -> Fields:
    seen = one.sighting
    return {
        "at": one.at,
        "probe": one.probe,
        "evidence": seen.evidence.value,
        "signal": seen.signal.value,
        "fault": seen.fault.value if seen.fault else "",
        "reason": seen.reason,
    }


def _incident(incident: Incident, now: float) -> Fields:
    return {
        "id": incident.id,
        "group": incident.group,
        "platforms": list(incident.platforms),
        "down": list(incident.down),
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "lasted": (incident.closed_at or now) - incident.opened_at,
        "ordinal": incident.ordinal,
        "reason": incident.reason,
    }


def _taken_back(incident: Incident, audit: Iterable[Entry]) -> Fields:
    """When a person first said that it was a false alarm, who that was, and why."""
    asked = [facts_of(one) for one in audit if one.event == "retract_asked"] if incident.taken_back_at else []
    first = asked[0] if asked else {}
    return {
        "taken_back_at": incident.taken_back_at,
        "taken_back_by": first.get("by", ""),
        "taken_back_because": first.get("because", ""),
    }


def _chapter(one: Chapter) -> Fields:
    moved = one.transition
    return {
        "at": moved.at,
        "was": moved.was.value,
        "now": moved.now.value,
        "reason": moved.reason,
        "explanation": list(one.explanation),
        "evidence": [_answer(seen) for seen in moved.evidence],
    }


def _from_audit(audit: Iterable[Entry], platform: str) -> list[Fields]:
    """After a season the transitions are forgotten with their evidence; the trail keeps what they were."""
    told = [(one.at, facts_of(one)) for one in audit if one.event == "platform_changed"]
    return [
        {
            "at": at,
            **{name: facts.get(name, "") for name in ("was", "now", "reason")},
            "explanation": [],
            "evidence": [],
        }
        for at, facts in told
        if facts.get("platform") == platform
    ]


def _statement(
    row: StatementRow,
    deliveries: Iterable[Delivery],
    counts: Mapping[str, Mapping[str, int]],
    audit: Iterable[Entry],
    incident: Incident,
) -> Fields:
    """One thing that was to be said: who signed it off and when, and what came of it on each channel."""
    decisions = [one for one in audit if one.event in ("statement_approved", "statement_vetoed")]
    decided = [one.at for one in decisions if facts_of(one).get("statement") == row.id]
    return {
        "id": row.id,
        "kind": row.kind.value,
        "reference": row.reference,
        "created_at": row.created_at,
        "mode": row.mode,
        "release_at": row.release_at,
        "decision": row.decision,
        "decided_by": row.decided_by,
        "approved_by": given_by(row),
        "decided_at": decided[-1] if decided else None,
        "because": row.reason,
        "deliveries": [
            _delivery(one, counts.get(one.id, {}), incident) for one in deliveries if one.statement_id == row.id
        ],
    }


def _delivery(row: Delivery, recipients: Mapping[str, int], incident: Incident) -> Fields:
    """`took` is how long after the statement was made it was public, `after_opening` after the incident began."""
    public = row.phase in (Phase.SENT, Phase.RETRACTED)
    receipt = row.receipt
    return {
        "id": row.id,
        "channel": row.channel,
        "phase": row.phase.value,
        "heard": row.heard,
        "attempts": row.attempts,
        "ended_at": row.ended_at or None,
        "took": row.ended_at - row.created_at if row.phase is Phase.SENT else None,
        "after_opening": row.ended_at - incident.opened_at if row.phase is Phase.SENT else None,
        "subject": row.subject,
        "text": row.text,
        "url": receipt.url if receipt and public else "",
        "remote_id": receipt.remote_id if receipt and public else "",
        "note": receipt.note if receipt else "",
        "reason": row.reason,
        "recipients": dict(recipients),
    }


def _left(one: Leftover) -> Fields:
    return {
        "matter": one.matter.value,
        "channel": one.channel,
        "delivery": one.delivery,
        "reason": one.reason,
        "person": one.person,
    }


def _entry(one: Entry) -> Fields:
    return {"number": one.number, "at": one.at, "event": one.event, "facts": facts_of(one), "digest": one.digest}
