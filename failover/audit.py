"""The audit trail: each entry carries the hash of the one before it (rule S6).  Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact or human act.  `facts` is canonical JSON; `digest` covers this entry and the digest before it."""

    number: int
    at: float
    event: str
    facts: str
    digest: str


def sealed(*, number: int, at: float, event: str, facts: Mapping[str, object], before: str) -> Entry:
    """A new entry, chained to the one whose digest is `before` ("" for the first)."""
    text = whole(json.dumps(facts, sort_keys=True, ensure_ascii=False, default=str))
    return Entry(number=number, at=at, event=event, facts=text, digest=_digest(number, at, event, text, before))


def broken(entries: Iterable[Entry]) -> str:
    """What is wrong with the trail, naming the entry; "" if every entry is there and untouched."""
    before, expected = "", 1
    for entry in entries:
        if entry.number != expected:
            return f"entry {expected} is missing"
        if entry.digest != _digest(entry.number, entry.at, entry.event, entry.facts, before):
            return f"entry {entry.number} was changed"
        before, expected = entry.digest, expected + 1
    return ""


def whole(text: str) -> str:
    """The text with a question mark for every half of a character (a lone surrogate), so that it can be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _digest(number: int, at: float, event: str, facts: str, before: str) -> str:
    return hashlib.sha256(json.dumps([number, repr(float(at)), event, facts, before]).encode()).hexdigest()
