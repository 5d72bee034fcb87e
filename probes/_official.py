"""What a vendor's own page says of named parts, folded into one sighting; private to this folder.

Wording of the states: Statuspage (https://developer.statuspage.io, "components") and StatusIQ use the same words.
Nothing here raises, whatever the page says: unknown words, odd types and absurd dates are "could not tell".
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

from failover.model import Evidence, Sighting, Signal
from probes._fetch import Page, plain

WORKS, MAINTENANCE, DEGRADED, OUTAGE, OTHER = "works", "maintenance", "degraded", "outage", "other"

STATES = {
    "operational": WORKS,
    "degraded_performance": DEGRADED,
    "partial_outage": DEGRADED,
    "major_outage": OUTAGE,
    "under_maintenance": MAINTENANCE,
    "informational": WORKS,
    "security_issue": OTHER,
    "not_monitored": OTHER,
}
"""A vendor's word for the state of one part -> what it means; a word that is not here is "could not tell".

OTHER is a known word that says nothing of whether the part works.
"""

NAMES = 500
"""Names of a page that are compared with one that is missing; a page with more of them is garbage."""

_WORST_FIRST = (Signal.DOWN, Signal.DEGRADED, Signal.UNKNOWN, Signal.UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One row of a status page: `word` is its state as `STATES` spells it, `changed_at` when it was last touched."""

    name: str
    word: str
    key: str = ""
    changed_at: float | None = None

    @property
    def lacks_date(self) -> bool:
        """It is in trouble, and nobody says since when."""
        return self.changed_at is None and STATES.get(self.word) in (DEGRADED, OUTAGE)

    @property
    def mark(self) -> tuple[str, str, str]:
        """What makes it the same part in the same trouble."""
        return self.key, fold(self.name), self.word


def gravest(said: Iterable[Sighting]) -> Sighting:
    """The worst of what is said, the first of equals.  Raises ValueError where nothing is."""
    return min(said, key=lambda sighting: _WORST_FIRST.index(sighting.signal))


def judge_parts(parts: Sequence[Part], wanted: Iterable[str], *, now: float, forget_after: float) -> Sighting:
    """The worst of what is said of the `wanted` names or ids; a name that is missing keeps it from being "up"."""
    said = [
        _judge_name(name, rows, now, forget_after) if (rows := _named(parts, name)) else _unnamed(name, parts)
        for name in wanted
    ]
    if not said:
        return Sighting.unknown(Evidence.OFFICIAL, "no component is named to be watched")
    return gravest(said)


def _named(parts: Sequence[Part], name: str) -> list[Part]:
    """An id picks one row exactly; a name picks every row that bears it (pages repeat names across regions)."""
    exact = [part for part in parts if part.key and part.key == name]
    return exact[:1] or [part for part in parts if fold(part.name) == fold(name)]


def _unnamed(name: str, parts: Sequence[Part]) -> Sighting:
    others = near(name, (part.name for part in parts))
    return Sighting.unknown(Evidence.OFFICIAL, f"the status page does not name {name} (any more){others}")


def _judge_name(name: str, rows: Sequence[Part], now: float, forget_after: float) -> Sighting:
    """One wanted name: an outage counts in full only where all the rows that bear the name agree on it."""
    said = [_judge_row(name, row, now, forget_after) for row in rows]
    worst = gravest(said)
    if worst.signal is Signal.DOWN and any(sighting.signal is not Signal.DOWN for sighting in said):
        out = sum(sighting.signal is Signal.DOWN for sighting in said)
        return Sighting.degraded(
            Evidence.OFFICIAL, f"the status page says major outage for {out} of {len(said)} parts named {name}"
        )
    return worst


def _judge_row(name: str, row: Part, now: float, forget_after: float) -> Sighting:
    state = STATES.get(row.word)
    words = row.word.replace("_", " ")
    if state is None:
        return Sighting.unknown(
            Evidence.OFFICIAL, f"the status page uses an unknown word for {name}", plain(row.word, 40)
        )
    if state == MAINTENANCE:
        return Sighting.unknown(Evidence.OFFICIAL, f"announced maintenance of {name}")
    if state == OTHER:
        reason = f"the status page says {words} of {name}, which does not tell whether it works"
        return Sighting.unknown(Evidence.OFFICIAL, reason)
    if state == WORKS:
        return Sighting.up(Evidence.OFFICIAL, f"the status page shows {name} as working")
    if forgotten(row.changed_at, now, forget_after):
        return Sighting.unknown(
            Evidence.OFFICIAL, f"the status page has said {words} of {name} since {day(row.changed_at)}: not believed"
        )
    reason = f"the status page says {words} of {name}"
    return (Sighting.down if state == OUTAGE else Sighting.degraded)(Evidence.OFFICIAL, reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """What a vendor says, and when it was last touched; where it bears no date, `seen_at` is that of `FirstSeen`."""

    changed_at: float | None = None
    seen_at: float | None = None

    @property
    def told_at(self) -> float | None:
        """How old it is, for `forgotten`."""
        return self.seen_at if self.changed_at is None else self.changed_at


DatedT = TypeVar("DatedT", bound=Dated)


class FirstSeen:
    """Since when what bears no date has been seen as it is; one probe's memory of one sort of thing.

    It is gone after a restart: then the same trouble is news once more.
    """

    def __init__(self) -> None:
        self._since: dict[Hashable, float] = {}

    def date(self, parts: Iterable[Part], now: float) -> tuple[Part, ...]:
        """The parts of this look, where red ones without a date get that of the first look that saw them so."""
        parts = tuple(parts)
        since = self._looked([part.mark for part in parts if part.lacks_date], now)
        return tuple(replace(part, changed_at=since[part.mark]) if part.lacks_date else part for part in parts)

    def mark(self, things: Iterable[DatedT], now: float) -> tuple[DatedT, ...]:
        """What this look found, with the time of the first look that found it the same, where it bears no date."""
        things = tuple(things)
        since = self._looked([thing for thing in things if thing.changed_at is None], now)
        return tuple(replace(thing, seen_at=since.get(thing)) for thing in things)

    def _looked(self, marks: Iterable[Hashable], now: float) -> Mapping[Hashable, float]:
        known, self._since = self._since, {}
        for mark in marks:
            self._since[mark] = min(known.get(mark, now), now)
        return self._since


def near(name: str, names: Iterable[str]) -> str:
    """What the page names instead, for whoever must correct a name: the nearest ones, else the first few."""
    known = {fold(shown): shown for shown in (plain(one, 40) for one in islice(names, NAMES)) if shown}
    close = get_close_matches(fold(plain(name, 40)), known, n=3, cutoff=0.5)
    if close:
        return f"; it names {', '.join(known[one] for one in close)}"
    first = list(known.values())[:3]
    more = f" and {len(known) - len(first)} more" if len(known) > len(first) else ""
    return f"; it names {', '.join(first)}{more}" if first else ""


def forgotten(changed_at: float | None, now: float, forget_after: float) -> bool:
    """Bad news that nobody has touched for this long was left behind; without a date it is taken as news.

    For what bears none, `FirstSeen` gives one.
    """
    return changed_at is not None and now - changed_at > forget_after


def day(at: float | None) -> str:
    return datetime.fromtimestamp(at or 0.0, UTC).strftime("%Y-%m-%d")


def timestamp(value: object) -> float | None:
    """Unix seconds of an ISO 8601 date and time (UTC where it names no zone); None for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return plausible(seconds)


def plausible(seconds: float) -> float | None:
    """`seconds` if a status page can have been written then (1970 to 2100), else None."""
    return seconds if 0 < seconds < 4_102_444_800 else None


def word(value: object) -> str:
    """A state as `STATES` spells it: lower case, underscores for blanks; empty where it is no text."""
    return "_".join(value.lower().split()) if isinstance(value, str) else ""


def refusal(answer: Page) -> Sighting | None:
    """Every status but 200 is a source that failed, in words; None for 200."""
    words = {
        401: "the status page is inactive",
        403: "the status page does not let us in",
        404: "there is no status page of this kind at that address",
        429: "the status page wants to be asked less often",
    }
    if answer.status == 200:
        return None
    reason = words.get(answer.status, "the status page itself is in trouble")
    return Sighting.unknown(Evidence.OFFICIAL, f"{reason} (HTTP {answer.status})")


def fold(name: str) -> str:
    """For comparing names: case and runs of blanks do not matter."""
    return " ".join(name.split()).casefold()


def host_of(url: object) -> str:
    """The host of a URL in lower case without a leading `www.`; empty where it has none."""
    try:
        host = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return ""
    return re.sub(r"^www\.", "", host or "")
