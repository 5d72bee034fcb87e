"""The promise to say one statement on one channel, and the table of what may become of it (rules D1-D5).

Pure: a delivery and what happened go in, the next delivery comes out, always with a reason.  The store keeps what
this module returns; the courier does what it says.  The order that makes a crash harmless is the courier's:
the edge READY -> SENDING is committed before the first byte leaves, and a delivery found SENDING at start has gone
to UNSURE before anything else is done, so that it is looked for and never blindly repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Finding,
    Found,
    Image,
    Outcome,
    Receipt,
    Refused,
    Statement,
    Unconfirmed,
    Unreachable,
)


class Phase(str, Enum):
    """Where a delivery stands."""

    STANDBY = "standby"  # a further backup, not needed (yet)
    READY = "ready"  # owed; certainly not public
    SENDING = "sending"  # the intent is durable, bytes may be on their way
    UNSURE = "unsure"  # may be public: look before anything else
    SENT = "sent"  # public, with a receipt
    REFUSED = "refused"  # the platform said no
    HELD = "held"  # may be public, and only a person can tell
    LEFT = "left"  # may be public; by configuration nobody is asked
    CANCELLED = "cancelled"  # no longer wanted, certainly not public
    EXPIRED = "expired"  # its latest time passed, certainly not public
    RETRACTED = "retracted"  # was public, and a person had it taken back


EDGES: Mapping[Phase, Mapping[Phase, str]] = {
    Phase.STANDBY: {
        Phase.READY: "another backup could not be relied on, or its own platform is well again",
        Phase.CANCELLED: "the incident ended, a person objected, or it was not needed",
        Phase.EXPIRED: "its latest time passed",
    },
    Phase.READY: {
        Phase.SENDING: "due; the intent is committed before the first byte leaves",
        Phase.STANDBY: "its own platform is in trouble, another backup takes its place",
        Phase.CANCELLED: "the incident ended or a person objected",
        Phase.EXPIRED: "its latest time passed",
    },
    Phase.SENDING: {
        Phase.SENT: "the platform's own id was read",
        Phase.READY: "certainly not posted: never connected, or throttled",
        Phase.UNSURE: "no certain answer, or found in flight after a restart",
        Phase.REFUSED: "the platform formed a no",
    },
    Phase.UNSURE: {
        Phase.UNSURE: "not there yet, and the settling time is not over; or the look failed",
        Phase.SENT: "read-back found it",
        Phase.READY: "absent after the settling time, or `when_unsure: resend`",
        Phase.HELD: "nobody but a person can tell",
        Phase.LEFT: "`when_unsure: next`, or `resend` and no longer wanted",
        Phase.CANCELLED: "absent after the settling time and no longer wanted",
    },
    Phase.HELD: {
        Phase.SENT: "a person saw it",
        Phase.READY: "a person saw that it is not there, and it is still wanted",
        Phase.CANCELLED: "a person saw that it is not there, and it is no longer wanted",
    },
    Phase.CANCELLED: {
        Phase.READY: "a part of its audience has heard it, and after a relapse it is true again for the rest; "
        "or a post that was never attempted there, and nobody else has said it",
    },
    Phase.SENT: {
        Phase.RETRACTED: "a person had it taken back (rule S9)",
    },
}
"""Every edge with its reason.  REFUSED, LEFT, EXPIRED, RETRACTED are ends; CANCELLED and SENT are, but for that."""

OWED = frozenset({Phase.STANDBY, Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.HELD})
"""Phases that still ask for something; never pruned."""


FIRST_RETRY, SLOWEST_RETRY = 5.0, 300.0
FIRST_LOOK, SLOWEST_LOOK = 2.0, 120.0
PATIENCE = 2
"""After this many failed attempts a backup is no longer counted on (it goes on trying beside the next one)."""
A_LONG_WAIT = 60.0
"""Nor is one that asks for a longer wait than this (seconds)."""
LONGEST_WAIT = 86400.0
"""Seconds; no statement is still wanted after so long, and a service may ask for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the channel promises: `settle` seconds before "absent" is believed, and what if nobody can tell."""

    when_unsure: str = "hold"
    settle: float = 60.0
    deadline: float = 30.0
    reads_back: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the outbox.  Times are seconds since the epoch (UTC).

    `due` is the earliest time of the next attempt or look, `latest` the time after which it must not be said.
    `began` is when the last attempt was made durable; `attempts` and `looks` count.  `epoch` is the writer's.
    A `receipt` on a delivery that is not SENT says that a part of its audience has heard it.  `elsewhere` are the
    channels that the text may name as other places to look.

    A post of the organisation's is a delivery too (Statement.POST): it belongs to no incident (""), and its
    `statement_id` is the post's.
    """

    id: str
    incident: str
    statement_id: str
    statement: Statement
    channel: str
    phase: Phase
    due: float
    latest: float
    created_at: float
    reference: str
    text: str
    subject: str = ""
    platforms: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    position: int = 0
    attempts: int = 0
    looks: int = 0
    began: float = 0.0
    unsure_since: float = 0.0
    ended_at: float = 0.0
    draft: str | None = None
    receipt: Receipt | None = None
    reason: str = ""
    epoch: int = 0
    images: tuple[Image, ...] = ()

    def announcement(self, follows: Receipt | None = None) -> Announcement:
        """What the channel is asked to publish: the same bytes at every attempt.

        The key also carries the time: numbers of incidents begin anew when a damaged database was set aside, and a
        receiver may remember the old ones.
        """
        return Announcement(
            key=f"{self.id}-{self.created_at:.0f}",
            incident=self.incident,
            statement=self.statement,
            reference=self.reference,
            text=self.text,
            subject=self.subject,
            created_at=self.created_at,
            platforms=self.platforms,
            follows=follows,
            images=self.images,
        )

    @property
    def heard(self) -> bool:
        """The audience has heard it, or may have; with a ledger: at least one recipient has."""
        if self.phase is Phase.RETRACTED:
            return False
        return self.receipt is not None or self.phase in (Phase.SENT, Phase.LEFT)

    @property
    def promising(self) -> bool:
        """Heard already, or likely to be heard soon: counts towards `reach`."""
        if self.phase in (Phase.SENT, Phase.LEFT):
            return True
        if self.phase is Phase.READY and self.attempts and self.due - self.began > A_LONG_WAIT:
            return False
        under_way = self.attempts < PATIENCE or self.receipt is not None
        return self.phase in (Phase.READY, Phase.SENDING) and under_way

    @property
    def fails(self) -> bool:
        """It was tried, and this channel cannot be relied on: it said no, or could not be reached."""
        if self.phase is Phase.READY:
            return self.attempts > 0 and not self.promising
        return self.phase is Phase.REFUSED or (self.phase is Phase.EXPIRED and self.attempts > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes to exactly these texts.

    `by` is how the record shows them, `who` what tells two people apart.  `seal` is the fingerprint of the whole
    statement at that moment, `texts` those of its deliveries one by one (see `signoff`).
    """

    by: str
    who: str
    at: float
    seal: str
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One thing to say, on however many channels.

    `mode` is the sign-off (automatic, veto, required); `release_at` the time from which it may be said (None while a
    person must approve); `decision` is "", "approved" or "vetoed", by `decided_by`.  `persons` must approve it, and
    `approvals` have; what was approved may be said until `valid_until`.  `lapses` counts how often an approval was
    lost again.  `place` is its place among the statements of its incident: which was planned after which, whatever
    the clock has done meanwhile.
    """

    id: str
    incident: str
    kind: Statement
    created_at: float
    latest: float
    reference: str = ""
    mode: str = "automatic"
    release_at: float | None = None
    decided_by: str = ""
    decision: str = ""
    reason: str = ""
    drill: bool = False
    persons: int = 1
    approvals: tuple[Approval, ...] = ()
    valid_until: float | None = None
    lapses: int = 0
    place: int = 0


class IllegalEdgeError(Exception):
    """A step that the table does not know: a bug of ours, and the delivery stays as it was."""


def moved(delivery: Delivery, phase: Phase, reason: str, **changes: object) -> Delivery:
    """The delivery in its next phase.  Raises IllegalEdgeError when EDGES has no such edge."""
    if phase not in EDGES.get(delivery.phase, {}):
        raise IllegalEdgeError(f"{delivery.id}: {delivery.phase.value} -> {phase.value} ({reason})")
    return replace(delivery, phase=phase, reason=reason, **changes)  # type: ignore[arg-type]


def begin(delivery: Delivery, now: float, epoch: int) -> Delivery:
    """The intent to send; to be committed before the first byte leaves."""
    return moved(delivery, Phase.SENDING, "sending", attempts=delivery.attempts + 1, began=now, looks=0, epoch=epoch)


def found_in_flight(delivery: Delivery, now: float) -> Delivery:
    """An attempt was cut off (as when the process died), so nobody knows how it ended."""
    reason = "it was cut off while it was being sent; looking whether it is public"
    return moved(delivery, Phase.UNSURE, reason, due=now, unsure_since=now)


def doubted_anew(delivery: Delivery, now: float) -> Delivery:
    """In doubt since before a start: how long ago that was, a clock that may have been set meanwhile cannot tell.

    So the settling time begins again (rule D5), and the next look is due at once.
    """
    return replace(delivery, unsure_since=now, due=min(delivery.due, now))


def after_send(delivery: Delivery, outcome: Outcome, now: float) -> Delivery:
    """What an attempt leads to."""
    match outcome:
        case Delivered(receipt=receipt):
            return moved(delivery, Phase.SENT, receipt.note, receipt=receipt, ended_at=now)
        case Refused(reason=reason):
            return moved(delivery, Phase.REFUSED, reason, ended_at=now)
        case Unreachable(reason=reason, retry_after=retry_after, partly=partly):
            progress = partly is not None and partly != delivery.receipt  # a long mailing goes on, it does not fail
            slowing = FIRST_LOOK if progress else _slowing(FIRST_RETRY, SLOWEST_RETRY, delivery.attempts)
            wait = max(min(retry_after or 0.0, LONGEST_WAIT), slowing)
            return moved(delivery, Phase.READY, reason, due=now + wait, receipt=partly or delivery.receipt)
        case Unconfirmed(reason=reason):
            return moved(delivery, Phase.UNSURE, reason, due=now + FIRST_LOOK, unsure_since=now)
        case _:
            assert_never(outcome)


def after_find(delivery: Delivery, finding: Finding, now: float, policy: Policy) -> Delivery:
    """What a look leads to.  Absence is believed only `settle` seconds after the attempt ended (rule D5)."""
    settled = now - delivery.unsure_since >= policy.settle
    match finding:
        case Found(receipt=receipt):
            return moved(delivery, Phase.SENT, "found by looking", receipt=receipt, ended_at=now)
        case Absent(reason=reason) if not settled:
            return _look_again(delivery, f"{reason}; it may still appear", now, policy)
        case Absent(reason=reason, partly=partly):
            delivery = replace(delivery, receipt=partly or delivery.receipt)
            return _not_public(
                delivery, f"{reason}, {_seconds(policy.settle)} after the attempt", now, _retry(delivery)
            )
        case CannotTell(reason=reason) if policy.reads_back and now < _patience_ends(delivery, policy):
            return _look_again(delivery, reason, now, policy)
        case CannotTell(reason=reason):
            return _undecided(delivery, reason, now, policy)
        case _:
            assert_never(finding)


def resolved(delivery: Delivery, *, sent: bool, by: str, now: float) -> Delivery:
    """A person looked and says whether it is public (`failover resolve`)."""
    if sent:
        receipt = Receipt(remote_id=delivery.draft or "", note=f"seen by {by}")
        return moved(delivery, Phase.SENT, f"{by} saw it", receipt=receipt, ended_at=now)
    return _not_public(delivery, f"{by} saw that it is not there", now, now)


def cancelled(delivery: Delivery, reason: str, now: float) -> Delivery:
    """No longer wanted (rule S2).  What may be public already is still looked for, but never sent again."""
    if delivery.phase in (Phase.STANDBY, Phase.READY):
        return moved(delivery, Phase.CANCELLED, reason, ended_at=now)
    return replace(delivery, latest=min(delivery.latest, now))


def resumed(delivery: Delivery, reason: str, now: float, latest: float) -> Delivery:
    """A mailing that was broken off as no longer wanted goes on to the rest of its audience.

    Only where a ledger knows who has it; what was cancelled whole is never said.  Raises IllegalEdgeError.
    """
    if delivery.receipt is None:
        raise IllegalEdgeError(f"{delivery.id}: nothing of it was ever said ({reason})")
    return moved(delivery, Phase.READY, reason, due=now, latest=latest, ended_at=0.0)


def owed_again(delivery: Delivery, reason: str, now: float) -> Delivery:
    """A post that others were to say goes out here after all: they have not.

    Only what was never attempted on this channel.  Its time stays, so that it keeps its place among what waits.
    Raises IllegalEdgeError.
    """
    if delivery.statement is not Statement.POST or delivery.attempts or delivery.receipt is not None:
        raise IllegalEdgeError(f"{delivery.id}: no post, or attempted already ({reason})")
    return moved(delivery, Phase.READY, reason, due=min(delivery.due, now), ended_at=0.0)


def expired(delivery: Delivery, now: float) -> Delivery:
    """Its latest time has passed unsaid."""
    last = f"; the last trouble was: {delivery.reason}" if delivery.attempts else ""
    return moved(delivery, Phase.EXPIRED, f"too late to be said{last}", ended_at=now)


def _not_public(delivery: Delivery, reason: str, now: float, due: float) -> Delivery:
    if now >= delivery.latest:
        return moved(delivery, Phase.CANCELLED, f"{reason}, and it is no longer wanted", ended_at=now)
    return moved(delivery, Phase.READY, f"{reason}; sending it again", due=max(now, due))


def _retry(delivery: Delivery) -> float:
    """Every repeat comes later than the one before, also where each one ends in doubt."""
    return delivery.began + _slowing(FIRST_RETRY, SLOWEST_RETRY, delivery.attempts)


def _look_again(delivery: Delivery, reason: str, now: float, policy: Policy) -> Delivery:
    wait = _slowing(FIRST_LOOK, SLOWEST_LOOK, delivery.looks + 1)
    settled_at = delivery.unsure_since + policy.settle
    due = min(now + wait, settled_at) if now < settled_at else now + wait
    return moved(delivery, Phase.UNSURE, reason, due=due, looks=delivery.looks + 1)


def _undecided(delivery: Delivery, reason: str, now: float, policy: Policy) -> Delivery:
    match policy.when_unsure:
        case "resend" if now < delivery.latest:
            because = f"{reason}; this channel is configured to send again"
            return _not_public(delivery, because, now, _retry(delivery))
        case "resend":  # nobody knows that it is not public, so it is not CANCELLED: its audience may have heard
            return moved(delivery, Phase.LEFT, f"{reason}, and it is no longer wanted", ended_at=now)
        case "next":
            return moved(delivery, Phase.LEFT, f"{reason}; left in doubt as configured", ended_at=now)
        case _:
            return moved(delivery, Phase.HELD, f"{reason}; a person must look", ended_at=now)


def _patience_ends(delivery: Delivery, policy: Policy) -> float:
    """How long a channel that can be read back is asked again before a person is.

    It counts from the attempt, also over restarts: a clock set meanwhile only brings the person in sooner.
    """
    return delivery.began + max(4 * policy.settle, 600.0)


def _slowing(first: float, slowest: float, count: int) -> float:
    """first, 2 x first, 4 x first, … up to slowest (seconds)."""
    return float(min(slowest, first * 2 ** min(max(count - 1, 0), 16)))


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"
