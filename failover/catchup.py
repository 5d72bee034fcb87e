"""What an incident has left behind, so that recovery forgets nothing: one line per thing, with its reason.  Pure.

Some of it a person must see to: what nobody knows to be public, what was refused or came too late, who heard of the
outage and not of its end, what is still pinned.  The rest is only good to know: what was not said because it was no
longer needed.  Everything is read from the incident's own rows; a post of the organisation's that was re-routed or
held is handed in as it is (`posts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from failover.delivery import Delivery, Phase, StatementRow
from failover.incidents import HOLDING_KINDS, Incident
from failover.model import Statement


class Matter(str, Enum):
    """What kind of thing is left."""

    HELD = "held"  # may be public, and a person must look
    DOUBTFUL = "doubtful"  # may be public; by configuration nobody was asked
    PARTLY = "partly"  # a part of the audience has heard it, the rest will not
    UNSAID = "unsaid"  # was not said there
    UNWELCOMED = "unwelcomed"  # heard of the outage and not of its end
    PUBLIC = "public"  # was to be taken back, and could not be
    PINNED = "pinned"  # still stands on top, though it is over
    POST = "post"  # ordinary content that waits, or never came out


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One thing; `reason` is a sentence, `person` says that somebody must see to it."""

    matter: Matter
    reason: str
    channel: str = ""
    delivery: str = ""
    person: bool = True


ENDED_UNSAID = frozenset({Phase.REFUSED, Phase.EXPIRED, Phase.CANCELLED})
UNDER_WAY = frozenset({Phase.STANDBY, Phase.READY, Phase.SENDING, Phase.UNSURE})
"""Phases in which an incident has not settled yet; HELD waits for a person, and is told as such."""

MOST_TOLD = 5

_ENDS = frozenset({Statement.WELCOME_BACK, Statement.CORRECTION})


def left_over(
    incident: Incident,
    statements: Sequence[StatementRow],
    deliveries: Sequence[Delivery],
    posts: Iterable[Leftover] = (),
    kept: Mapping[str, str] | None = None,
) -> tuple[Leftover, ...]:
    """Everything that is left, what a person must see to first; `kept` is what `not_taken_back` finds."""
    over = () if incident.is_open else (*_unwelcomed(statements, deliveries), *_pinned(deliveries))
    found = (*_doubtful(deliveries), *_public(deliveries, kept or {}), *_unsaid(deliveries), *over, *posts)
    return tuple(sorted(found, key=lambda one: not one.person))


def not_taken_back(events: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """delivery -> why its channel did not take it back, by the entries of the audit trail in their order."""
    found: dict[str, str] = {}
    for event, facts in events:
        if event == "retract_failed":
            found[str(facts.get("delivery", ""))] = str(facts.get("reason", ""))
        elif event == "delivery_retracted":
            found.pop(str(facts.get("delivery", "")), None)
    return found


def settled(incident: Incident, deliveries: Iterable[Delivery]) -> bool:
    """Is it over, and has everything that was to be said come to an end or before a person?"""
    return not incident.is_open and not any(row.phase in UNDER_WAY for row in deliveries)


def in_short(left: Sequence[Leftover]) -> str:
    """What a person must see to, on one line."""
    wanted = [one.reason for one in left if one.person]
    more = f"; and {len(wanted) - MOST_TOLD} more" if len(wanted) > MOST_TOLD else ""
    return "; ".join(wanted[:MOST_TOLD]) + more


def _doubtful(deliveries: Iterable[Delivery]) -> Iterator[Leftover]:
    for row in deliveries:
        if row.phase is Phase.HELD:
            what = f"look whether the {_kind(row)} is public on {row.channel}, then run `failover resolve {row.id}"
            yield _left(row, Matter.HELD, f"{what} sent|not-sent` ({row.reason})")
        elif row.phase is Phase.LEFT:
            what = f"nobody knows whether the {_kind(row)} is public on {row.channel}"
            yield _left(row, Matter.DOUBTFUL, f"{what} ({row.reason})")


def _public(deliveries: Sequence[Delivery], kept: Mapping[str, str]) -> Iterator[Leftover]:
    """What is in doubt, and was to be taken back as well, is told as that; where it was corrected, that will do."""
    corrected = {row.channel for row in deliveries if row.statement is Statement.CORRECTION and row.heard}
    for row in deliveries:
        if row.id in kept and row.phase is Phase.SENT:
            place = f" ({row.receipt.url})" if row.receipt and row.receipt.url else ""
            what = f"the {_kind(row)} is still public on {row.channel}{place}, though it was to be taken back"
            if row.channel in corrected:
                yield _left(row, Matter.PUBLIC, f"{what} ({kept[row.id]}); the correction is there", person=False)
            else:
                yield _left(row, Matter.PUBLIC, f"{what} ({kept[row.id]}): take it back by hand")


def _left(row: Delivery, matter: Matter, reason: str, *, person: bool = True) -> Leftover:
    return Leftover(matter=matter, reason=reason, channel=row.channel, delivery=row.id, person=person)


def _unsaid(deliveries: Sequence[Delivery]) -> Iterator[Leftover]:
    """Once per channel and kind: what was said there after all is not missed.  The welcome back has its own rule.

    Nor is a correction missed where nothing of the alarm stands any more.
    """
    standing = {row.channel for row in deliveries if row.heard and row.statement is not Statement.CORRECTION}
    told = {(row.channel, _sort(row)) for row in deliveries if row.phase not in ENDED_UNSAID}
    last = {(row.channel, _sort(row)): row for row in deliveries if row.phase in ENDED_UNSAID}
    for key, row in last.items():
        if row.receipt is not None:
            heard = f": {row.receipt.note}" if row.receipt.note else ""
            reason = f"only a part of {row.channel} has the {_kind(row)}{heard} ({row.reason})"
            yield _left(row, Matter.PARTLY, reason)
        elif row.statement is Statement.CORRECTION and row.channel not in standing:
            continue
        elif key not in told and row.statement is not Statement.WELCOME_BACK:
            reason = f"the {_kind(row)} was not said on {row.channel} ({row.phase.value}: {row.reason})"
            yield _left(row, Matter.UNSAID, reason, person=_is_missed(row))


def _is_missed(row: Delivery) -> bool:
    """What was cancelled was no longer wanted, and an update that did not come out is made good by the next word."""
    return row.phase is not Phase.CANCELLED and row.statement is not Statement.UPDATE


def _unwelcomed(statements: Iterable[StatementRow], deliveries: Sequence[Delivery]) -> Iterator[Leftover]:
    """Rule S1: who heard the holding statement hears the welcome back; and what recovered says it too.

    Who heard that the alarm was false waits for no end of it.
    """
    said = [row for row in deliveries if row.statement is Statement.WELCOME_BACK]
    cancelled = {row.channel: row for row in said if row.phase is Phase.CANCELLED}  # by a relapse: another came later
    welcome = cancelled | {row.channel: row for row in said if row.phase is not Phase.CANCELLED}
    vetoed = [row for row in statements if row.kind is Statement.WELCOME_BACK and row.decision == "vetoed"]
    heard = [row.channel for row in deliveries if row.statement in HOLDING_KINDS and row.heard]
    corrected = {row.channel for row in deliveries if row.statement is Statement.CORRECTION and row.heard}
    owed = [name for name in dict.fromkeys((*heard, *welcome)) if name not in corrected]
    waits = [row for name in owed if (row := welcome.get(name)) and row.phase in UNDER_WAY and not row.heard]
    yield from _waiting(waits)
    for channel in owed:
        row = welcome.get(channel)
        known = row is not None and (row.heard or row in waits or row.phase in (Phase.HELD, Phase.RETRACTED))
        if not known:
            who = f"{channel} heard of the outage and has" if channel in heard else f"{channel} has"
            reason = f"{who} no welcome back ({_why(row, vetoed)})"
            delivery = row.id if row is not None else ""
            yield Leftover(matter=Matter.UNWELCOMED, reason=reason, channel=channel, delivery=delivery)


def _waiting(rows: Iterable[Delivery]) -> Iterator[Leftover]:
    """One thing for each statement, to however many channels it is still to go."""
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        found.setdefault(row.statement_id, []).append(row)
    for name, those in found.items():
        alone = those[0] if len(those) == 1 else None
        why = "; ".join(dict.fromkeys(row.reason or "it waits" for row in those))
        yield Leftover(
            matter=Matter.UNWELCOMED,
            reason=f"the welcome back {name} is not said yet on {', '.join(row.channel for row in those)} ({why})",
            channel=alone.channel if alone else "",
            delivery=alone.id if alone else "",
        )


def _why(row: Delivery | None, vetoed: Sequence[StatementRow]) -> str:
    if row is not None:
        return f"{row.phase.value}: {row.reason}" if row.reason else row.phase.value
    if vetoed:
        because = f": {vetoed[-1].reason}" if vetoed[-1].reason else ""
        return f"{vetoed[-1].decided_by} stopped it{because}"
    return "none was planned: it is too long ago, or the channel is no longer configured"


def _pinned(deliveries: Sequence[Delivery]) -> Iterator[Leftover]:
    """As far as the channels say: their receipts note a pin, and one that could not be removed."""
    said = [row for row in deliveries if row.phase is Phase.SENT]
    for row in said:
        note = row.receipt.note if row.receipt else ""
        if row.statement in HOLDING_KINDS and (note == "pinned" or "unpinned in time" in note):
            ended = any(later.channel == row.channel and later.statement in _ENDS for later in said)
        else:
            ended = not (row.statement in _ENDS and "unpin" in note)
        if not ended:
            may = "is still" if note == "pinned" else "may still be"
            place = f" ({row.receipt.url})" if row.receipt and row.receipt.url and note == "pinned" else ""
            reason = f"the holding statement {may} pinned on {row.channel}{place}: unpin it by hand"
            yield _left(row, Matter.PINNED, reason)


def _sort(row: Delivery) -> str:
    return "holding" if row.statement in HOLDING_KINDS else row.statement.value


def _kind(row: Delivery) -> str:
    return f"{_sort(row).replace('_', ' ')}{'' if row.statement in _ENDS else ' statement'}"
