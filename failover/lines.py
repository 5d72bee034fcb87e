"""How an event becomes a line: the steps of the structlog chain, each a plain function.

The line on its way is a dict with `event`, `level` (None = the table's), `fields`; `look_up` adds `message` and
`message_id`, and one of the last steps makes it an entry of the journal, a sentence for a terminal or flat JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum

from structlog.dev import BRIGHT, CYAN, DIM, RED, RED_BACK, RESET_ALL, YELLOW, Column, ConsoleRenderer
from structlog.typing import EventDict

from failover.contracts import format_duration
from failover.events import EVENTS, INSTANTS, SPANS, Level, compose
from failover.systemd import encode


def to_texts(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Every value as text; what is None is left out."""
    fields: Mapping[str, object] = line["fields"]
    line["fields"] = {name: _text(name, value) for name, value in fields.items() if value is not None}
    return line


def _text(name: str, value: object) -> str:
    """How a value is written in its field."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float() | int() if name in INSTANTS:
            return _instant(value)
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case Enum():
            return str(value.value)
        case Mapping():
            return ", ".join(f"{key}: {_text('', item)}" for key, item in value.items())
        case list() | tuple() | set() | frozenset():
            return ", ".join(_text("", item) for item in value)
        case _:
            return str(value)


def _instant(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):  # no time of this calendar
        return str(seconds)


def look_up(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Level, MESSAGE_ID and sentence, from the table of events."""
    fields = {name: text if name == "traceback" else _one_line(text) for name, text in line["fields"].items()}
    event = EVENTS.get(line["event"])
    told = {name: _as_told(name, text) for name, text in fields.items()}
    line["fields"] = fields
    line["level"] = line["level"] or (event.level if event else Level.ERROR)
    line["message_id"] = event.message_id.hex if event else ""
    line["message"] = compose(event, told) if event else f"{line['event']}: {_text('', fields)}"
    return line


def _as_told(name: str, text: str) -> str:
    """How a field reads in the sentence: `welcome_back` as words, 842.5 seconds as `14m2s`."""
    if name == "statement":
        return text.replace("_", " ")
    return _span(text) if name in SPANS else text


def _span(text: str) -> str:
    try:
        seconds = float(text)
    except ValueError:
        return text
    length = format_duration(abs(seconds)) if abs(seconds) >= 1 else f"{abs(seconds):.1f}s"
    return f"-{length}" if seconds < 0 else length


def _one_line(text: str) -> str:
    """Foreign text cannot begin a line of its own, nor move the cursor of whoever reads it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def to_entry(_logger: object, _method: str, line: EventDict) -> bytes:
    """The fields of a journal entry; see systemd.journal-fields(7)."""
    entry = {
        "MESSAGE": line["message"],
        "PRIORITY": str(line["level"].value),
        "SYSLOG_IDENTIFIER": "failover",
        "FAILOVER_EVENT": line["event"],
    }
    if line["message_id"]:
        entry["MESSAGE_ID"] = line["message_id"]
    return encode([*entry.items(), *((f"FAILOVER_{name}", text) for name, text in line["fields"].items())])


def flatten(_logger: object, _method: str, line: EventDict) -> EventDict:
    """One flat object for machines."""
    own = {"event": line["event"], "level": line["level"].word, "message": line["message"]}
    return {**line["fields"], **own}


def to_sentence(_logger: object, _method: str, line: EventDict) -> EventDict:
    """What a terminal shows: level, sentence, and the traceback where there is one."""
    shown = {"level": line["level"], "message": line["message"]}
    trace = line["fields"].get("traceback")
    return {**shown, "exception": trace.rstrip()} if trace else shown


_MARKS = {
    Level.CRITICAL: ("!!", RED_BACK + BRIGHT),
    Level.ERROR: ("! ", RED + BRIGHT),
    Level.WARNING: ("? ", YELLOW),
    Level.NOTICE: ("* ", CYAN),
    Level.INFO: ("  ", DIM),
}


def console(*, colours: bool) -> ConsoleRenderer:
    """Short lines: time, mark of the level, sentence."""

    def styled(text: str, style: str) -> str:
        return f"{style}{text}{RESET_ALL}" if colours and text.strip() else text

    columns = [
        Column("timestamp", lambda _key, value: styled(str(value), DIM)),
        Column("level", lambda _key, value: styled(*_MARKS[value])),
        Column("message", lambda _key, value: str(value)),
        Column("", lambda _key, value: str(value)),
    ]
    return ConsoleRenderer(columns=columns)
