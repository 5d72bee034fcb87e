"""Who must agree to a statement, to exactly which texts, and who is asked when (rule S5).

Pure.  An approval is bound to what was read: a fingerprint over the statement, its channels and its texts.  Whatever
changes afterwards is not covered by it.  Fingerprints of a drill and of the real thing can never be the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from failover.contracts import format_duration
from failover.delivery import Approval, Delivery, Phase, StatementRow
from failover.incidents import HOLDING_KINDS
from failover.model import Statement

CODE = 8
"""Figures of a fingerprint that people read to each other."""

UNSAID = frozenset({Phase.STANDBY, Phase.READY})

JOURNAL = "journal"
"""The way in which nobody in particular is asked; it is always there, and marks when the waiting began."""

ASK, REMIND = "ask", "remind"

ROOT = "root"
"""Whoever administers this machine."""

_SUDO = re.compile(r"\(sudo by ([^,)]+)")
_TELEGRAM = " (Telegram)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may approve; `user` is their account on this machine, `email` their address."""

    name: str
    group: str = ""
    telegram: int | None = None
    email: str = field(default="", repr=False)
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """The rules of sign-off, as configured; durations in seconds.  `modes` are those of single channels, by kind."""

    modes: Mapping[tuple[str, Statement], str] = field(default_factory=dict)
    two_persons: frozenset[Statement] = frozenset()
    valid_for: float = 7200.0
    people: tuple[Person, ...] = ()
    remind_after: float = 600.0
    escalate_after: float = 1200.0
    if_nobody: str = "expire"

    @property
    def groups(self) -> list[list[Person]]:
        """Those who are asked together; the groups in the order in which they are first named."""
        names = dict.fromkeys(person.group for person in self.people)
        return [[person for person in self.people if person.group == name] for name in names]

    @property
    def nobody_after(self) -> float | None:
        """After so long without an answer it is said all the same; None: never."""
        return self.escalate_after * max(1, len(self.groups)) if self.if_nobody == "release" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One question that is known to have reached one person on one way, or the journal.

    `round` counts the lapses before it, `code` is the short fingerprint of what was asked about.  `message` is how
    the way finds it again, `text` its last part, `shown` what it says of how things stand.  `done`: it says the end.
    """

    id: str
    statement: str
    round: int
    code: str
    approver: str
    way: str
    kind: str
    at: float
    message: str = ""
    text: str = ""
    shown: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody is to be asked, or reminded, on one way.  Without a person it is the journal that says it."""

    person: Person | None
    way: str
    kind: str

    @property
    def name(self) -> str:
        return self.person.name if self.person else ""


# -- modes -----------------------------------------------------------------------------------------------------


def asked_as(kind: Statement) -> Statement:
    """`again` and `intermittent` are signed off like a holding statement."""
    return Statement.HOLDING if kind in HOLDING_KINDS else kind


def by_mode(
    channels: Iterable[str], kind: Statement, usual: Mapping[Statement, str], signing: Signing
) -> dict[str, list[str]]:
    """mode -> its channels in order, the usual mode of this kind first: each becomes a statement of its own."""
    asked = asked_as(kind)
    found: dict[str, list[str]] = {usual.get(asked, "automatic"): []}
    for name in channels:
        found.setdefault(mode_of(name, kind, usual, signing), []).append(name)
    return {mode: names for mode, names in found.items() if names}


def mode_of(channel: str, kind: Statement, usual: Mapping[Statement, str], signing: Signing) -> str:
    """A channel's own mode overrides that of the kind."""
    asked = asked_as(kind)
    return signing.modes.get((channel, asked)) or usual.get(asked, "automatic")


def persons_for(kind: Statement, mode: str, signing: Signing) -> int:
    """How many different people must approve it."""
    return 2 if mode != "automatic" and asked_as(kind) in signing.two_persons else 1


def is_waiting(row: StatementRow, now: float) -> bool:
    """Does it wait for a person: to approve, or to let the time for objections pass?"""
    return row.mode != "automatic" and not row.decision and (row.release_at is None or now < row.release_at)


# -- what was approved -----------------------------------------------------------------------------------------


def unsaid(row: StatementRow, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """What of this statement is still to be said and certainly not public, in a stable order."""
    mine = [one for one in deliveries if one.statement_id == row.id and one.phase in UNSAID]
    return sorted(mine, key=lambda one: (one.created_at, one.position, one.channel))


def seal(row: StatementRow, deliveries: Iterable[Delivery]) -> str:
    """The fingerprint of all that is still to be said of this statement: SHA-256, in hex."""
    texts = [text_seal(one, drill=is_drill(row)) for one in unsaid(row, deliveries)]
    return _sha("statement", is_drill(row), row.id, row.mode, *texts)


def text_seal(delivery: Delivery, *, drill: bool) -> str:
    """The fingerprint of one text on one channel."""
    return _sha("text", drill, delivery.statement_id, delivery.channel, delivery.subject, delivery.text)


def is_drill(row: StatementRow) -> bool:
    return row.drill or row.kind is Statement.DRILL


def _sha(kind: str, drill: bool, *parts: str) -> str:  # noqa: FBT001  the domain: never the same for a drill
    domain = f"failover {kind} {'drill' if drill else 'in earnest'}"
    return hashlib.sha256(json.dumps([domain, *parts]).encode()).hexdigest()


def code(row: StatementRow, deliveries: Iterable[Delivery]) -> str:
    """The first figures of the seal."""
    return seal(row, deliveries)[:CODE]


def covers(row: StatementRow, delivery: Delivery, now: float) -> bool:
    """Is exactly this text approved, and the approval still good?  (One without texts is of an older version.)"""
    if not row.approvals:
        return True
    in_time = row.valid_until is None or now < row.valid_until
    return in_time and text_seal(delivery, drill=is_drill(row)) in row.approvals[-1].texts


def still_good(row: StatementRow, now_sealed: str, signing: Signing, now: float) -> tuple[Approval, ...]:
    """The approvals so far that are of what stands there now, and not too old."""
    return tuple(one for one in row.approvals if one.seal == now_sealed and now - one.at < signing.valid_for)


def lapse(row: StatementRow, deliveries: Iterable[Delivery], signing: Signing, now: float) -> str:
    """Why an approval no longer holds, though not all has been said; "" if it does, or nothing is left to say."""
    left = unsaid(row, deliveries)
    if row.decision == "vetoed" or not row.approvals or not left or now >= row.latest:
        return ""
    if row.decision != "approved":  # the first of two
        too_old = now - row.approvals[-1].at >= signing.valid_for
        since = f"it was given more than {format_duration(signing.valid_for)} ago"
        return f"{since}, and nobody else has approved" if too_old and is_waiting(row, now) else ""
    if row.valid_until is not None and now >= row.valid_until:
        return f"it was approved more than {format_duration(signing.valid_for)} ago"
    return "" if all(covers(row, one, now) for one in left) else "the texts are no longer those that were approved"


def lapsed(row: StatementRow, why: str, release_at: float | None) -> StatementRow:
    """It waits again, as if nobody had approved.  Where it was not released yet, it goes on waiting for as long."""
    if not row.decision:
        release_at = row.release_at
    return replace(
        row,
        decision="",
        decided_by="",
        approvals=(),
        valid_until=None,
        release_at=release_at,
        lapses=row.lapses + 1,
        reason=why,
    )


def given_by(row: StatementRow) -> str:
    """Who has approved so far."""
    return " and ".join(one.by for one in row.approvals)


# -- who is who ------------------------------------------------------------------------------------------------


def via_telegram(name: str) -> str:
    """How an approver who pressed a button is shown."""
    return f"{name}{_TELEGRAM}"


def identity(by: str, people: Iterable[Person]) -> str:
    """What tells two people apart, however they answer.

    At the command line it is the user, behind `sudo` the one who stands there; a user who is an approver's is that
    approver.
    """
    if by.endswith(_TELEGRAM):
        return f"approver {by.removesuffix(_TELEGRAM)}"
    user = _account(by)
    person = next((one for one in people if user in (one.user, one.name)), None)
    return f"approver {person.name}" if person else f"user {user}"


def listed(by: str, people: Iterable[Person]) -> bool:
    """Is it an approver, by their Telegram account or by the account of this machine that is theirs?"""
    if by.endswith(_TELEGRAM):
        return any(by == via_telegram(one.name) for one in people)
    return any(_account(by) == one.user for one in people)


def barred(row: StatementRow, by: str, people: Sequence[Person]) -> str:
    """Why they may not approve this statement; "" if they may.

    Where approvers are named, only they may; root may too where one person is enough.  Where two people are needed
    and one approver is named, the second is whoever else can reach the control socket.
    """
    if not people or listed(by, people) or (row.persons < 2 and _user(by) == ROOT) or 1 == len(people) < row.persons:
        return ""
    if _account(by) == ROOT:
        return (
            f"{row.id} needs two different people, and root could be either of them; say it from your own account, "
            f"or with sudo from there: sudo failover approve {row.id}"
        )
    return f"{by} is not one of the approvers; `user` under `sign_off: approvers:` says which accounts are theirs"


def _user(by: str) -> str:
    """The account that the kernel names."""
    return by.partition(" (")[0]


def _account(by: str) -> str:
    """The account that somebody has for themselves: behind `sudo` the one who stands there."""
    behind = _SUDO.search(by)
    return behind[1] if behind else _user(by)


# -- who is asked when -----------------------------------------------------------------------------------------


def calls(
    row: StatementRow, now_code: str, asked: Sequence[Asking], ways: Mapping[str, Sequence[str]], signing: Signing,
    now: float,
) -> list[Call]:  # fmt: skip
    """Whom to ask or remind at this moment; `ways` is approver -> ways, `asked` what is known to have been asked.

    Each approver is asked once about the same texts, and reminded once in each round.
    """
    mine = [one for one in asked if one.statement == row.id and one.round == row.lapses]
    begun = min((one.at for one in mine), default=now)
    done = {(one.approver, one.way, one.kind, one.code) for one in mine}
    found = [] if ("", JOURNAL, ASK, now_code) in done else [Call(None, JOURNAL, ASK)]
    reminded = {(one.approver, one.way) for one in mine if one.kind == REMIND}
    if now - begun >= signing.remind_after and ("", JOURNAL) not in reminded:
        found.append(Call(None, JOURNAL, REMIND))
    for person in _people(row, now - begun, signing):
        for way in ways.get(person.name, ()):
            first = min((one.at for one in mine if (one.approver, one.way) == (person.name, way)), default=now)
            if (person.name, way, ASK, now_code) not in done:
                found.append(Call(person, way, ASK))
            elif now - first >= signing.remind_after and (person.name, way) not in reminded:
                found.append(Call(person, way, REMIND))
    return found


def _people(row: StatementRow, waited: float, signing: Signing) -> list[Person]:
    """Who has their turn and has not approved; further groups at once while too few could answer."""
    approved = {one.who for one in row.approvals}
    groups = signing.groups
    due = 1 + int(waited // signing.escalate_after)
    found: list[Person] = []
    for number, group in enumerate(groups):
        if number >= due and len(found) >= row.persons - len(row.approvals):
            break
        found += [person for person in group if f"approver {person.name}" not in approved]
    return found


def standing(
    row: StatementRow | None, deliveries: Sequence[Delivery], asking: Asking, now: float
) -> tuple[str, bool]:
    """What a question that was asked shows now, and whether it can still be answered."""
    if row is None:
        return "It is gone.", False
    if row.decision == "vetoed":
        return f"{row.decided_by} objected{f': {row.reason}' if row.reason else ''}. It is not said.", False
    if row.decision == "approved":
        return f"{row.decided_by} approved it.", False
    left = unsaid(row, deliveries)
    if row.release_at is not None and now >= row.release_at:
        return ("Nobody objected, so it was released." if row.mode == "veto" else "Nobody answered, so it was "
                "released, as configured."), False  # fmt: skip
    if not left:
        why = next((one.reason for one in deliveries if one.statement_id == row.id and one.reason), "it has ended")
        return f"It is not needed any more: {why}.", False
    if now >= row.latest:
        return "It is too late for it.", False
    if (asking.round, asking.code) != (row.lapses, code(row, deliveries)):
        return "This is out of date; a newer question has the texts as they are now.", False
    given = [one.by for one in row.approvals if one.seal == seal(row, deliveries)]
    return (f"{given[0]} approved it; a second person must approve it too." if given else ""), True
