"""What the ledger's lines mean, and what a mailing as a whole has come to.  Pure.

One line per recipient: `pending` (not tried), `sending` (the intent is durable, the text may have left), `sent`
(the server took it: 250), `refused: …`, `retry: …` (a "not now"), `doubt: …` (nobody can tell; never repeated),
`left: …` (no longer on the list).  The words after the colon are codes of the server's, never its text: that may
quote the address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from failover.model import (
    Absent,
    CannotTell,
    Delivered,
    Finding,
    Found,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Unconfirmed,
    Unreachable,
)

PENDING, SENDING, SENT = "pending", "sending", "sent"
LEFT = "left: no longer on the list"
DIED = "doubt: stopped while it was being sent"

RETRY_AFTER = 60.0
"""Seconds until those who were told "not now" are asked again: greylisting waits are 1 to 5 minutes."""


def word(state: str) -> str:
    """The first word of a line, by which lines are counted."""
    return state.partition(":")[0]


def waits(state: str) -> bool:
    """A repeat may still reach this recipient."""
    return word(state) in (PENDING, "retry")


def heard(state: str) -> bool:
    """This recipient has the letter, or may have it."""
    return word(state) in (SENT, SENDING, "doubt")


def opening(
    states: Mapping[str, str], intended: Iterable[str], listed: Container[str], *, exact: bool
) -> dict[str, str]:
    """The lines to write before an attempt: whom the mailing is for is settled by the first one, once and for all.

    Nobody who joins the list later is written to; whoever has left it meanwhile is passed over (unless they come
    back: the file may have been read half written).  `exact`: what became of a letter found `sending` can be seen;
    otherwise it is in doubt.
    """
    lines = {}
    for key in states or intended:
        was = states.get(key, "")
        now = PENDING if was in ("", LEFT) else was
        if waits(now) and key not in listed:
            now = LEFT
        elif now == SENDING and not exact:
            now = DIED
        if now != was:
            lines[key] = now
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How a mailing stands."""

    sent: int = 0
    refused: int = 0
    doubt: int = 0
    left: int = 0
    waiting: int = 0
    usual: str = ""

    @property
    def total(self) -> int:
        return self.sent + self.refused + self.doubt + self.left + self.waiting

    @property
    def begun(self) -> bool:
        """Somebody has the letter, or may have it."""
        return self.sent + self.doubt > 0

    def __str__(self) -> str:
        parts = (
            (self.sent, "sent"),
            (self.refused, "refused"),
            (self.doubt, "in doubt"),
            (self.left, "no longer on the list"),
            (self.waiting, "waiting"),
        )
        return ", ".join(f"{count:,} {what}" for count, what in parts if count) or "nobody to write to"


def tally(states: Iterable[str]) -> Tally:
    """Count the lines; `usual` is the commonest refusal.  A `sending` line is in doubt."""
    lines = Counter(states)
    words: Counter[str] = Counter()
    for state, count in lines.items():
        words[word(state)] += count
    refusals = {state: count for state, count in lines.items() if word(state) == "refused"}
    return Tally(
        sent=words[SENT],
        refused=words["refused"],
        doubt=words["doubt"] + words[SENDING],
        left=words["left"],
        waiting=words[PENDING] + words["retry"],
        usual=max(refusals, key=lambda state: refusals[state]).partition(": ")[2] if refusals else "",
    )


def conclude(states: Mapping[str, str], mailing: str, trouble: Refused | Unreachable | None) -> Outcome:
    """What an attempt has come to; `mailing` is the receipt's remote id, `trouble` what stopped the attempt."""
    count = tally(states.values())
    receipt = Receipt(remote_id=mailing, note=str(count))
    if count.waiting or (trouble is not None and not states):
        return _unfinished(count, receipt, trouble)
    if count.sent:
        return Delivered(receipt=receipt)
    if count.doubt:
        return Unconfirmed(reason=f"{count}: the mail server's last word was lost")
    if not count.refused:
        return Refused(reason=f"no letter was sent: {count}", refusal=Refusal.CONFIGURATION)
    refusal = Refusal.BLOCKED if is_policy(count.usual) else Refusal.CONFIGURATION
    return Refused(reason=f"all {count.refused:,} recipients were refused ({count.usual})", refusal=refusal)


def look(states: Mapping[str, str], mailing: str) -> Finding:
    """What the ledger alone tells of an earlier attempt."""
    count = tally(states.values())
    receipt = Receipt(remote_id=mailing, note=str(count))
    if not states:
        return Absent(reason="no letter was ever begun")
    if count.waiting:
        return Absent(reason=str(count), partly=receipt if count.begun else None)
    if count.sent:
        return Found(receipt=receipt)
    if count.doubt:
        return CannotTell(reason=f"{count}: only the recipients can tell")
    return Absent(reason=str(count))


def is_policy(answer: str) -> bool:
    """A refusal that is about us or the text, not about this recipient (RFC 3463: X.7.x; bare 554)."""
    code, _, status = answer.partition(" ")
    return status.startswith(("5.7.", "4.7.")) or (code in ("530", "535", "554") and not status)


def _unfinished(count: Tally, receipt: Receipt, trouble: Refused | Unreachable | None) -> Outcome:
    """Some still wait.  Once anybody has the letter, the rest is worth a repeat whatever the trouble is."""
    if trouble is not None and not count.begun:
        return trouble
    reason = f"{count}; {trouble.reason}" if trouble is not None else f"{count}: the mail server said not now"
    retry_after = trouble.retry_after if isinstance(trouble, Unreachable) else RETRY_AFTER
    sighting = trouble.sighting if trouble is not None else None
    return Unreachable(
        reason=reason, retry_after=retry_after, partly=receipt if count.begun else None, sighting=sighting
    )
