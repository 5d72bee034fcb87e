"""The audit trail: each entry carries the hash of the one before it (rule S6).  Pure.

What the chain proves: whoever changes, removes or adds an entry without making every later digest anew is found out,
and the entry is named.  The number and digest of the last entry are noted apart from the trail (`Head`), so that a
trail whose end was cut off is found out too.  What it cannot prove: there is no secret in it, so who may write the
file can make the whole trail anew, head and all.  Only a digest that was noted elsewhere (the journal has one of
every start and stop) shows that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

AS_FAR_BACK = 8
"""So many entries that were put in one after the other are known for what they are; more are told as changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact or human act.  `facts` is canonical JSON; `digest` covers this entry and the digest before it."""

    number: int
    at: float
    event: str
    facts: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry, as it was noted apart from the trail; number 0 when there is none."""

    number: int = 0
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.number} {self.digest}"

    @classmethod
    def read(cls, text: str) -> Head | None:
        """The inverse of `str`; None where nobody could have written that."""
        number, _, digest = text.partition(" ")
        return cls(number=int(number), digest=digest) if number.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something is wrong with the trail.  `number` is the (first) entry it is about, `at` its time if it is there."""

    what: str
    number: int | None = None
    at: float | None = None


def sealed(*, number: int, at: float, event: str, facts: Mapping[str, object], before: str) -> Entry:
    """A new entry, chained to the one whose digest is `before` ("" for the first)."""
    text = whole(json.dumps(facts, sort_keys=True, ensure_ascii=False, default=str))
    return Entry(number=number, at=at, event=event, facts=text, digest=_digest(number, at, event, text, before))


def broken(entries: Iterable[Entry], head: Head | None = None) -> str:
    """The first thing that is wrong with the trail, naming the entry; "" if every entry is there and untouched."""
    inspection = Inspection()
    for entry in entries:
        inspection.read(entry)
    if head is not None:
        inspection.end(head)
    return next((flaw.what for flaw in inspection.flaws), "")


def facts_of(entry: Entry) -> dict[str, Any]:
    """Whoever changed an entry may have left no JSON in it."""
    try:
        found = json.loads(entry.facts)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def concerns(facts: Mapping[str, Any], incident: str) -> bool:
    """Is it about this incident?  Statements and deliveries carry its number: 7H, 7W2, 7H-telegram."""
    named = (str(facts.get(name, "")) for name in ("statement", "delivery"))
    return facts.get("incident") == incident or any(re.match(rf"{re.escape(incident)}[A-Z]", one) for one in named)


def whole(text: str) -> str:
    """The text with a question mark for every half of a character (a lone surrogate), so that it can be stored."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(slots=True)
class Inspection:
    """Reads a trail from its first entry to its last, as it comes in, and names everything that is wrong with it.

    `expect` is (the beginning of) a digest that was noted earlier: an entry must have it.
    """

    expect: str = ""
    flaws: list[Flaw] = field(default_factory=list)
    count: int = 0
    last: Entry | None = None
    _met: bool = False
    _earlier: deque[tuple[Entry | None, frozenset[str]]] = field(
        default_factory=lambda: deque([(None, frozenset({""}))], maxlen=AS_FAR_BACK + 1)
    )
    _shift: int = 0

    def read(self, entry: Entry) -> None:
        """The next entry, in the order of their numbers."""
        self.count += 1
        self._met = self._met or entry.digest.startswith(self.expect)
        expected = self.last.number + 1 if self.last else 1
        if entry.number < expected:
            self.flaws.append(_put_in(entry))
            return
        digests = {entry.digest}
        if entry.number > expected:
            self.flaws.append(_missing(expected, entry.number - 1, entry))
        elif not self._follows(entry):
            self.flaws.append(_changed(entry))
            digests |= {_as_sealed(entry, entry.number - self._shift, before) for before in self._earlier[-1][1]}
        self._earlier.append((entry, frozenset(digests)))
        self.last = entry

    def _follows(self, entry: Entry) -> bool:
        """Is it sealed onto the one before it; or onto one earlier, where others were put in or taken out between?"""
        for back, (_, digests) in enumerate(reversed(self._earlier)):
            for shift in sorted({self._shift, self._shift + back, self._shift - 1}, reverse=True):
                if any(_as_sealed(entry, entry.number - shift, before) == entry.digest for before in digests):
                    self._name_put_in(back)
                    self._shift = shift
                    return True
        return False

    def _name_put_in(self, count: int) -> None:
        strangers = [one for one, _ in [*self._earlier][len(self._earlier) - count :] if one is not None]
        numbers = {one.number for one in strangers}
        self.flaws = [flaw for flaw in self.flaws if flaw.number not in numbers]
        self.flaws += [_put_in(one) for one in strangers]

    def end(self, head: Head | None) -> None:
        """The trail has ended; `head` is what was noted apart from it (None: that note is gone)."""
        number = self.last.number if self.last else 0
        if head is None:
            self.flaws.append(Flaw(what="the note which entry is the last one is gone from the database"))
        elif number < head.number:
            self.flaws.append(_missing(number + 1, head.number))
        elif number > head.number:
            self.flaws = [flaw for flaw in self.flaws if flaw.number is None or flaw.number <= head.number]
            what = f"everything from entry {head.number + 1} on was put in by somebody else"
            self.flaws.append(Flaw(what=what, number=head.number + 1))
        elif self.last and self.last.digest != head.digest and number not in {flaw.number for flaw in self.flaws}:
            self.flaws.append(Flaw(what=f"entry {number} was changed", number=number, at=self.last.at))
        if self.expect and not self._met:
            what = f"no entry has the digest {self.expect}: since it was noted, the trail was changed or cut off"
            self.flaws.append(Flaw(what=what))


def _changed(entry: Entry) -> Flaw:
    """An entry that was changed and sealed anew fits by itself, and the next one is the first that does not."""
    or_else = f", or entry {entry.number - 1} was and then sealed anew" if entry.number > 1 else ""
    return Flaw(what=f"entry {entry.number} was changed{or_else}", number=entry.number, at=entry.at)


def _put_in(entry: Entry) -> Flaw:
    return Flaw(what=f"entry {entry.number} was put in by somebody else", number=entry.number, at=entry.at)


def _missing(first: int, last: int, after: Entry | None = None) -> Flaw:
    """What comes after a gap has nothing to be checked against."""
    which = f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
    rest = f", so that entry {after.number} cannot be checked" if after else ""
    return Flaw(what=f"{which}{rest}", number=first, at=None)


def _as_sealed(entry: Entry, number: int, before: str) -> str:
    return _digest(number, entry.at, entry.event, entry.facts, before)


def _digest(number: int, at: float, event: str, facts: str, before: str) -> str:
    return hashlib.sha256(json.dumps([number, repr(float(at)), event, facts, before]).encode()).hexdigest()
