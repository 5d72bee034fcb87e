"""A status page of any make as one value, and what it amounts to; private to this folder.

The kinds translate their vendor's JSON into a `Board`, with states in the words of `_official.STATES`.  The rules are
those of the kind `statuspage`: named components decide; an open incident about a green one is doubt; what nobody has
touched for long was left behind.  A page as a whole is the worst of its parts, so without named components it is an
outage only where every part that it lists is out.  Whatever the JSON is, reading it raises nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from failover.contracts import Surroundings
from failover.model import Evidence, Sighting, Signal
from probes._document import fetch_document, of_another_form
from probes._fetch import Fetcher, open_fetcher, plain
from probes._official import (
    DEGRADED,
    MAINTENANCE,
    OUTAGE,
    STATES,
    WORKS,
    Dated,
    FirstSeen,
    Part,
    day,
    fold,
    forgotten,
    host_of,
    judge_parts,
)
from probes._statuspage import Incident, StatusPage, last_touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Board(Dated):
    """What was read.  `hosts` are the addresses that the page calls its own; none where it does not say.

    `overall` is WORKS, MAINTENANCE, DEGRADED or OUTAGE; anything else is "could not tell".  `said` is the vendor's
    word for it.  A page as a whole bears no date, so `seen_at` is all that tells how old its trouble is where nothing
    on it has one.
    """

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    overall: str = ""
    said: str = ""
    parts: tuple[Part, ...] = ()
    incidents: tuple[Incident, ...] = ()


PageT = TypeVar("PageT", Board, StatusPage)


def foreign(board: Board, url: str, page: str = "") -> str:
    """Why this is not the page that was meant; empty if it is.

    Without `page` (a name or id) its own address, if it gives one, must be on the host that was asked.
    """
    if page:
        known = fold(page) in {fold(name) for name in board.names}
        return "" if known else f"the answer is not the status page of {page}"
    own = [host for host in board.hosts if host]
    if not own or host_of(url) in own:
        return ""
    return f"the status page says that it belongs to {plain(own[0], 60)}, not to {host_of(url)}"


class Memory:
    """Since when a page has shown what it does not date; one probe's."""

    def __init__(self) -> None:
        self._parts, self._incidents, self._whole = FirstSeen(), FirstSeen(), FirstSeen()

    def date(self, page: PageT, now: float) -> PageT:
        """The page of this look.  When we first saw an incident says nothing of how long its parts are in trouble."""
        [whole] = self._whole.mark([replace(page, parts=())], now)
        return replace(
            page,
            parts=self._parts.date(page.parts, now),
            incidents=self._incidents.mark(page.incidents, now),
            seen_at=whole.seen_at,
        )


def judge_board(board: Board, components: Sequence[str], *, now: float, forget_after: float) -> Sighting:
    """The page as one sighting (class `official`)."""
    if not components:
        return _judge_whole(board, now, forget_after)
    return judge_named(board, components, now=now, forget_after=forget_after)


def judge_named(page: Board | StatusPage, components: Sequence[str], *, now: float, forget_after: float) -> Sighting:
    """What the page says of these components."""
    wanted = {fold(name) for name in components}
    ours = [part.key in components or fold(part.name) in wanted for part in page.parts]
    parts = [_dated(part, page.incidents) if mine else part for part, mine in zip(page.parts, ours, strict=True)]
    watched = [part for part, mine in zip(parts, ours, strict=True) if mine]
    said = judge_parts(parts, components, now=now, forget_after=forget_after)
    doubt = contradicted(page.incidents, watched, now=now, forget_after=forget_after)
    return doubt or said if said.signal is Signal.UP else said


def _dated(part: Part, incidents: Iterable[Incident]) -> Part:
    return replace(part, changed_at=last_touched(part, incidents))


def contradicted(
    incidents: Iterable[Incident], watched: Sequence[Part] | None = None, *, now: float, forget_after: float
) -> Sighting | None:
    """All green beside an open incident is doubt: pages are known to open one and leave the lights as they were."""
    for incident in incidents:
        ours = watched is None or any(incident.names(part) for part in watched)
        if ours and incident.tells_trouble and not forgotten(incident.told_at, now, forget_after):
            reason = "the status page is green but has an open incident about it"
            return Sighting.degraded(Evidence.OFFICIAL, reason, plain(incident.name))
    return None


def _judge_whole(board: Board, now: float, forget_after: float) -> Sighting:
    if board.overall == WORKS:
        green = Sighting.up(Evidence.OFFICIAL, "the status page shows no trouble")
        return contradicted(board.incidents, now=now, forget_after=forget_after) or green
    if board.overall == MAINTENANCE:
        return Sighting.unknown(Evidence.OFFICIAL, "announced maintenance")
    if board.overall not in (DEGRADED, OUTAGE):
        reason = "the status page shows no overall state that is known"
        return Sighting.unknown(Evidence.OFFICIAL, reason, plain(board.said, 40))
    touched = _touched(board)
    if forgotten(touched, now, forget_after):
        return Sighting.unknown(
            Evidence.OFFICIAL, f"the status page has shown trouble since {day(touched)}: not believed"
        )
    if board.parts and all(STATES.get(part.word) == OUTAGE for part in board.parts):
        return Sighting.down(Evidence.OFFICIAL, "the status page says outage of all that it lists")
    return Sighting.degraded(Evidence.OFFICIAL, "the status page as a whole says trouble", plain(board.said))


def _touched(board: Board) -> float | None:
    """The newest date of anything that is in trouble; where nothing has one, when we first saw the page so."""
    ill = (part.changed_at for part in board.parts if STATES.get(part.word) in (DEGRADED, OUTAGE))
    told = latest((*ill, *(incident.changed_at for incident in board.incidents)))
    return board.told_at if told is None else told


def newest_about(part: Part, incidents: Iterable[Incident]) -> Part:
    """The part with the date of the newest open incident about it, for pages that date only their incidents."""
    dates = [
        incident.changed_at for incident in incidents if incident.changed_at is not None and incident.names(part)
    ]
    return replace(part, changed_at=max(dates)) if part.changed_at is None and dates else part


def worst(words: Iterable[str]) -> str:
    """The overall state that a list of words of parts amounts to."""
    said = {STATES.get(word, "") for word in words}
    return next((state for state in (OUTAGE, DEGRADED, MAINTENANCE) if state in said), WORKS)


Reader = Callable[[object, float], Board | Sighting | None]
"""Makes a Board of a decoded document and the time; None where it is something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A page that is one document: where it is, how it is read, and what of it is watched.

    `site` is the address of the page itself, `page` its name or id where it says that it lives on another host.
    """

    address: str
    read: Reader
    site: str
    page: str = ""
    components: tuple[str, ...]
    forget_after: float


class BoardProbe:
    """One look is one request."""

    def __init__(self, source: Source, fetcher: Fetcher, now: Callable[[], float]) -> None:
        self._source = source
        self._fetcher = fetcher
        self._now = now
        self._memory = Memory()

    async def look(self) -> Sighting:
        document = await fetch_document(self._fetcher, self._source.address)
        return document if isinstance(document, Sighting) else self._judge(document, self._now())

    def _judge(self, document: object, now: float) -> Sighting:
        source, board = self._source, self._source.read(document, now)
        if isinstance(board, Sighting):
            return board
        if board is None:
            return of_another_form()
        if why := foreign(board, source.site, source.page):
            return Sighting.unknown(Evidence.OFFICIAL, why)
        board = self._memory.date(board, now)
        return judge_board(board, source.components, now=now, forget_after=source.forget_after)


@asynccontextmanager
async def open_board(source: Source, surroundings: Surroundings) -> AsyncIterator[BoardProbe]:
    """A probe of one page."""
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield BoardProbe(source, fetcher, surroundings.now)


def latest(dates: Iterable[float | None]) -> float | None:
    return max((at for at in dates if at is not None), default=None)
