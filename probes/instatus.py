"""The kind `instatus`: what a status page hosted by Instatus says.

`GET <url>/summary.json` for the page and its open incidents, and `<url>/v2/components.json` (on newer pages
`/v3/components.json`) for the components; no authentication.

Pages have said `UP` while an incident was open, so the components and the incidents are read, not only the page's own
word.  The summary does not tell which components an incident concerns: that is taken from its title.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice

from pydantic import Field, field_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._board import Board, Memory, foreign, judge_board, latest
from probes._document import fetch_document, no_empty_name, of_another_form, site_of
from probes._fetch import Fetcher, open_fetcher
from probes._json import mapping, rows, text
from probes._official import DEGRADED, MAINTENANCE, WORKS, Part, host_of, timestamp, word
from probes._statuspage import INCIDENTS, Incident

PATHS: tuple[str, ...] = ("/summary.json",)
LISTS = ("/v2/components.json", "/v3/components.json")

WORDS = {
    "operational": "operational",
    "undermaintenance": "under_maintenance",
    "degradedperformance": "degraded_performance",
    "partialoutage": "partial_outage",
    "minoroutage": "partial_outage",
    "majoroutage": "major_outage",
}
OVERALL = {"up": WORKS, "hasissues": DEGRADED, "undermaintenance": MAINTENANCE}
IMPACTS = {"operational": "none", "undermaintenance": "maintenance"}


class Options(contracts.Options):
    """`url` is the address of the page itself; `page` its name where it says that it lives on another host."""

    url: WebAddress
    components: tuple[str, ...] = ()
    page: str = ""
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    _names = field_validator("components")(no_empty_name)


def read_summary(document: object) -> Board | None:
    """The page without its components, out of any JSON value; None where it is something else."""
    page = mapping(mapping(document).get("page"))
    if not text(page, "name") or not word(page.get("status")):
        return None
    return Board(
        names=(text(page, "name"),),
        hosts=(host_of(page.get("url")),),
        overall=OVERALL.get(word(page.get("status")), ""),
        said=text(page, "status"),
        incidents=tuple(islice(_incidents(mapping(document).get("activeIncidents")), INCIDENTS)),
    )


def _incidents(listed: object) -> Iterable[Incident]:
    for row in rows(listed):
        impact = word(row.get("impact"))
        yield Incident(
            name=text(row, "name"),
            state=word(row.get("status")),
            impact=IMPACTS.get(impact, impact),
            changed_at=latest([timestamp(row.get("started")), timestamp(row.get("updatedAt"))]),
            concerns=frozenset(),
        )


def read_parts(document: object) -> tuple[Part, ...] | None:
    """The components out of any JSON value; None where it is something else.  Group rows repeat their members."""
    listed = mapping(document).get("components")
    if not isinstance(listed, list):
        return None
    groups = {text(mapping(row.get("group")), "id") for row in rows(listed)}
    own = [row for row in rows(listed) if text(row, "name") and text(row, "id") not in groups - {""}]
    return tuple(
        Part(
            name=text(row, "name"),
            key=text(row, "id"),
            word=WORDS.get(word(row.get("status")), word(row.get("status"))),
            changed_at=timestamp(row.get("updatedAt")),
        )
        for row in own
    )


def judge(board: Board, options: Options, *, now: float) -> Sighting:
    """The page as one sighting."""
    return judge_board(dated(board), options.components, now=now, forget_after=options.forget_after)


def dated(board: Board) -> Board:
    """A component without a date is as old as the last word of any open incident."""
    spoken = latest(incident.changed_at for incident in board.incidents)
    parts = (part if part.changed_at is not None else replace(part, changed_at=spoken) for part in board.parts)
    return replace(board, parts=tuple(parts))


def recognise(url: str, body: object) -> dict[str, object] | None:
    """The options for the page whose summary this is."""
    board, site = read_summary(body), site_of(url, PATHS[0])
    if board is None or not site or not board.overall:
        return None
    return {"url": site, "page": board.names[0]} if foreign(board, site) else {"url": site}


class InstatusProbe:
    """One look is one request, or two where components are named (three on pages of the newer form)."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._memory = Memory()

    async def look(self) -> Sighting:
        document = await self._get(PATHS[0])
        if isinstance(document, Sighting):
            return document
        board = read_summary(document)
        if board is None:
            return of_another_form()
        if why := foreign(board, self._options.url, self._options.page):
            return Sighting.unknown(Evidence.OFFICIAL, why)
        parts = await self._parts() if self._options.components else ()
        if isinstance(parts, Sighting):
            return parts
        now, board = self._surroundings.now(), dated(replace(board, parts=parts))
        return judge(self._memory.date(board, now), self._options, now=now)

    async def _parts(self) -> tuple[Part, ...] | Sighting:
        """The components, where they are to be had; else the reason why the first list could not be read."""
        failure: Sighting | None = None
        for path in LISTS:
            document = await self._get(path)
            parts = None if isinstance(document, Sighting) else read_parts(document)
            if parts is not None:
                return parts
            failure = failure or (document if isinstance(document, Sighting) else of_another_form())
        return failure or of_another_form()

    async def _get(self, path: str) -> object:
        return await fetch_document(self._fetcher, self._options.url.rstrip("/") + path)


def votes(options: Options) -> frozenset[Evidence]:
    """The page as a whole, read without its components, is doubt."""
    return frozenset({Evidence.OFFICIAL} if options.components else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[InstatusProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield InstatusProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=60.0,
    fastest=60.0,
    timeout=30.0,
    votes=votes,
    example="""\
kind: instatus
url: https://status.example.net
components: [Messaging]
""",
)
