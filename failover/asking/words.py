"""What approvers are asked, in words (rule S5).  Pure; private to `asking`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from failover.delivery import Delivery, Phase, StatementRow
from failover.signoff import CODE, REMIND, is_drill, seal, unsaid

ROOM = 3600
"""UTF-16 units of one message: Telegram takes 4096, and how it ended is written over the last one later."""

LINE = 400
"""Letters that may be said of how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One statement as it is put before a person.  `paragraphs` say everything, also the texts of all channels."""

    statement: str
    code: str
    subject: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """One letter that ends a thread: `subject` is that of the first question, `answers` are the letters before it."""

    subject: str
    text: str
    answers: tuple[str, ...]


def question(
    row: StatementRow, deliveries: Iterable[Delivery], kind: str, organisation: str, platforms: str, zone: tzinfo
) -> Question:
    """What is asked, or reminded of; `platforms` are those of the incident, in words."""
    left = unsaid(row, deliveries)
    code = seal(row, left)[:CODE]
    what = f"the {row.kind.value.replace('_', ' ')} statement of incident {row.incident} ({platforms})"
    drill = "DRILL: " if is_drill(row) else ""
    again = "still " if kind == REMIND else ""
    head = f"{drill}{organisation}: {what} {again}waits for your decision."
    foot = f"Statement {row.id}, code {code}."
    return Question(
        statement=row.id,
        code=code,
        subject=f"{drill}{'Reminder: ' if kind == REMIND else ''}please decide about {row.id} ({platforms})",
        paragraphs=(f"{head} {_terms(row, zone)}", *map(_on_channel, left), foot),
    )


def _terms(row: StatementRow, zone: tzinfo) -> str:
    """What happens without an answer, and until when one counts."""
    sooner = " If two different people approve it, it goes out at once." if row.persons > 1 else ""
    if row.mode == "veto" and row.release_at is not None:
        return f"It goes out at {clock(row.release_at, zone)} unless somebody objects.{sooner}"
    if row.release_at is not None:
        return f"If nobody decides, it goes out at {clock(row.release_at, zone)}.{sooner}"
    two = " Two different people must approve it." if row.persons > 1 else ""
    return f"It is said only if it is approved, by {clock(row.latest, zone)} at the latest.{two}"


def clock(at: float, zone: tzinfo) -> str:
    """A time as it is told."""
    return f"{datetime.fromtimestamp(at, zone):%H:%M %Z on %Y-%m-%d}"


def _on_channel(row: Delivery) -> str:
    reserve = ", in reserve" if row.phase is Phase.STANDBY else ""
    subject = f"{row.subject}\n\n" if row.subject else ""
    return f"[{row.channel}{reserve}]\n{subject}{row.text}"


def messages(asked: Question) -> list[str]:
    """The question in as many messages as it needs; a paragraph is divided only where it must be."""
    found = [""]
    for piece in (piece for paragraph in asked.paragraphs for piece in _pieces(paragraph, ROOM)):
        joined = f"{found[-1]}\n\n{piece}" if found[-1] else piece
        if units(joined) <= ROOM:
            found[-1] = joined
        else:
            found.append(piece)
    return found


def units(text: str) -> int:
    """Its length as Telegram counts it: UTF-16 units."""
    return len(text.encode("utf-16-le", "replace")) // 2


def _pieces(text: str, room: int) -> Sequence[str]:
    found, piece, used = [], "", 0
    for letter in text:
        used += units(letter)
        if used > room:
            found.append(piece)
            piece, used = "", units(letter)
        piece += letter
    return [*found, piece]


def shown(text: str, line: str) -> str:
    """A message that was sent, with how it stands now above it."""
    return f"{line[:LINE]}\n\n{text}" if line else text


def letter(asked: Question) -> str:
    """The question as a mail: to be answered by command, because nobody reads what comes back."""
    how = (
        "Answers to this mail are not read. To decide, run one of these on the machine that runs failover:\n\n"
        f"    failover approve {asked.statement} {asked.code}\n"
        f"    failover veto {asked.statement}"
    )
    return "\n\n".join([*asked.paragraphs, how, ""])
