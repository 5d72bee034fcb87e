"""A status page of any make as one value, and what it amounts to; private to this folder.

The kinds translate their vendor's JSON into a `Board`, with states in the words of `_official.STATES`.  The rules are
those of the kind `statuspage`: named components decide; an open incident about a green one is doubt; what nobody has
touched for long was left behind.  A page as a whole is the worst of its parts, so without named components it is an
outage only where every part that it lists is out.  Whatever the JSON is, reading it raises nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from failover.model import Evidence, Sighting, Signal
from probes._fetch import Fetcher, Page, Trouble, plain
from probes._official import (
    DEGRADED,
    MAINTENANCE,
    OUTAGE,
    STATES,
    WORKS,
    Part,
    day,
    fold,
    forgotten,
    host_of,
    judge_parts,
    refusal,
)
from probes._statuspage import Incident, last_touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What was read.  `hosts` are the addresses that the page calls its own; none where it does not say.

    `overall` is WORKS, MAINTENANCE, DEGRADED or OUTAGE; anything else is "could not tell".  `said` is the vendor's
    word for it.
    """

    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    overall: str = ""
    said: str = ""
    parts: tuple[Part, ...] = ()
    incidents: tuple[Incident, ...] = ()


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


def judge_board(board: Board, components: Sequence[str], *, now: float, forget_after: float) -> Sighting:
    """The page as one sighting (class `official`)."""
    if not components:
        return _judge_whole(board, now, forget_after)
    wanted = {fold(name) for name in components}
    ours = [part.key in components or fold(part.name) in wanted for part in board.parts]
    parts = [_dated(part, board) if mine else part for part, mine in zip(board.parts, ours, strict=True)]
    watched = [part for part, mine in zip(parts, ours, strict=True) if mine]
    said = judge_parts(parts, components, now=now, forget_after=forget_after)
    return (_contradicted(board, now, forget_after, watched) if said.signal is Signal.UP else None) or said


def _dated(part: Part, board: Board) -> Part:
    return replace(part, changed_at=last_touched(part, board.incidents))


def _contradicted(board: Board, now: float, forget_after: float, watched: Sequence[Part] | None) -> Sighting | None:
    for incident in board.incidents:
        ours = watched is None or any(incident.names(part) for part in watched)
        if ours and incident.tells_trouble and not forgotten(incident.changed_at, now, forget_after):
            reason = "the status page is green but has an open incident about it"
            return Sighting.degraded(Evidence.OFFICIAL, reason, plain(incident.name))
    return None


def _judge_whole(board: Board, now: float, forget_after: float) -> Sighting:
    if board.overall == WORKS:
        green = Sighting.up(Evidence.OFFICIAL, "the status page shows no trouble")
        return _contradicted(board, now, forget_after, None) or green
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
    """The newest date of anything that is in trouble."""
    ill = (part.changed_at for part in board.parts if STATES.get(part.word) in (DEGRADED, OUTAGE))
    dates = [at for at in (*ill, *(incident.changed_at for incident in board.incidents)) if at is not None]
    return max(dates, default=None)


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


async def fetch_document(fetcher: Fetcher, url: str) -> object:
    """The decoded JSON at `url`, or the Sighting that says why there is none."""
    answer = await fetcher.get(url, headers={"accept": "application/json"})
    if isinstance(answer, Trouble):
        return answer.as_source_failure(Evidence.OFFICIAL)
    return document_of(answer)


def document_of(answer: Page) -> object:
    """The answer's decoded JSON, or the Sighting that says why it is none."""
    if refused := refusal(answer):
        return refused
    if "html" in answer.headers.get("content-type", "").lower():
        return Sighting.unknown(Evidence.OFFICIAL, "the status page answered with a web page instead of data")
    try:
        return answer.json()
    except ValueError:
        return Sighting.unknown(Evidence.OFFICIAL, "the status page answered with broken data")


def of_another_form() -> Sighting:
    return Sighting.unknown(Evidence.OFFICIAL, "the answer is not that of a status page of this kind")


def site_of(url: str, path: str) -> str:
    """The address of the site, where `url` is that of its document at `path`; empty if it is not."""
    address = url.partition("#")[0].partition("?")[0]
    return address.removesuffix(path).rstrip("/") if address.endswith(path) else ""


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, object]]:
    """The objects in a JSON array; none where it is something else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def text(row: Mapping[str, object], name: str) -> str:
    """A text field without blanks around it; empty where it is missing or of another type."""
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def identifier(row: Mapping[str, object], name: str) -> str:
    """An id, which some vendors write as a text here and as a number there."""
    value = row.get(name)
    return (
        str(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
        else text(row, name)
    )


def latest(dates: Iterable[float | None]) -> float | None:
    return max((at for at in dates if at is not None), default=None)


def no_empty_name(names: tuple[str, ...]) -> tuple[str, ...]:
    """For options: an empty name would watch nothing.  Raises ValueError."""
    if not all(name.strip() for name in names):
        raise ValueError("expected names or ids, without empty ones")
    return names
