"""The kind `cachet`: what a status page made with Cachet says.

Version 3 answers at `/api`, versions 1 and 2 at `/api/v1`.  Components are 1 operational, 2 performance issues, 3
partial outage, 4 major outage, and in version 3 also 5 unknown and 6 under maintenance; incidents are 1
investigating, 2 identified, 3 watching, 4 fixed (docs.cachethq.io, "Component statuses" and "Incident statuses").
Reading is public unless the page is protected.

Rules: those of the kind `statuspage`, for named components only.  The API does not say whose page it is, so the names
of the components are what a foreign page is known by.  Times name no zone and are taken as UTC.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting, Signal
from probes._address import WebAddress
from probes._board import Board, judge_board
from probes._document import fetch_document, no_empty_name
from probes._fetch import Fetcher, open_fetcher
from probes._json import identifier, mapping, rows, text
from probes._official import FirstSeen, Part, fold, timestamp
from probes._statuspage import Incident

PATHS: tuple[str, ...] = ("/api/components?per_page=100", "/api/v1/components?per_page=100")

PAGES = 5
"""Pages of 100 components that are read."""

WORDS = {
    "1": "operational",
    "2": "degraded_performance",
    "3": "partial_outage",
    "4": "major_outage",
    "5": "unknown",
    "6": "under_maintenance",
}
INCIDENT_WORDS = {"1": "investigating", "2": "identified", "3": "monitoring", "4": "resolved"}

Row = Mapping[str, object]


class Options(contracts.Options):
    """`url` is the address of the page itself; `version` that of Cachet (2 is for 1 and 2).

    Bad news that nobody has touched for `forget_after` was left behind.
    """

    url: WebAddress
    version: Literal[2, 3] = 3
    components: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(no_empty_name)]
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)


def read_components(document: object) -> tuple[Part, ...] | None:
    """The components out of any JSON value, of either version; None where it lists something else."""
    listed = mapping(document).get("data")
    if not isinstance(listed, list):
        return None
    found = [_attributes(row, "components") for row in rows(listed)]
    if len(found) < len(listed) or not all(row and "name" in row and "status" in row for row in found):
        return None
    return tuple(_part(row) for row in found if row.get("enabled") not in (False, 0))


def _attributes(row: Row, kind: str) -> Row:
    """A row of version 3 keeps its fields in `attributes`, beside its type; one of version 2 is the fields."""
    if "attributes" not in row:
        return row
    inner = mapping(row.get("attributes"))
    return {"id": row.get("id"), **inner} if row.get("type") == kind else {}


def _part(row: Row) -> Part:
    word = WORDS.get(_code(row), "")
    return Part(name=text(row, "name"), key=identifier(row, "id"), word=word, changed_at=_changed_at(row))


def _code(row: Row) -> str:
    """A status is a number, or in version 3 also `{human, value}`."""
    value = mapping(row.get("status")).get("value", row.get("status"))
    return identifier({"value": value}, "value")


def _changed_at(row: Row) -> float | None:
    return timestamp(mapping(row.get("updated")).get("string")) or timestamp(row.get("updated_at"))


def read_incidents(document: object) -> tuple[Incident, ...]:
    """The incidents out of any JSON value, of either version."""
    found = (_attributes(row, "incidents") for row in rows(mapping(document).get("data")))
    return tuple(_incident(row) for row in found if row)


def _incident(row: Row) -> Incident:
    component = identifier(row, "component_id")
    return Incident(
        name=text(row, "name"),
        state=INCIDENT_WORDS.get(_code(row), ""),
        impact="",
        changed_at=_changed_at(row),
        concerns=frozenset({component} - {"", "0"}),
    )


def has_more(document: object) -> bool:
    """Whether another page follows this one."""
    inner = mapping(mapping(mapping(document).get("meta")).get("pagination"))
    return bool(mapping(mapping(document).get("links")).get("next") or mapping(inner.get("links")).get("next_page"))


def lists_all(parts: Iterable[Part], names: Iterable[str]) -> bool:
    """Whether every wanted name or id is among the components."""
    listed = {mark for part in parts for mark in (part.key, fold(part.name))}
    return all(name in listed or fold(name) in listed for name in names)


def judge(parts: Iterable[Part], incidents: Iterable[Incident], options: Options, *, now: float) -> Sighting:
    """Components and incidents as one sighting (class `official`)."""
    board = Board(parts=tuple(parts), incidents=tuple(incidents))
    return judge_board(board, options.components, now=now, forget_after=options.forget_after)


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the page that answered `body` at `url`; None where it is something else."""
    parts, listed = read_components(body), rows(mapping(body).get("data"))
    newer = all("attributes" in row for row in listed)
    if not parts or not (newer or all("status_name" in row or "group_id" in row for row in listed)):
        return None
    root = urlsplit(url)._replace(path=urlsplit(url).path.rpartition("/api/")[0], query="", fragment="").geturl()
    names = list(dict.fromkeys(part.name for part in parts if part.name))
    return {"url": root, "version": 3 if newer else 2, "components": names} if names else None


class CachetProbe:
    """One look is a request per hundred components until all watched ones are found, and one for the incidents."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._parts, self._incidents = FirstSeen(), FirstSeen()

    async def look(self) -> Sighting:
        listed = await self._components()
        if isinstance(listed, Sighting):
            return listed
        now = self._surroundings.now()
        parts = self._parts.date(listed, now)
        said = judge(parts, (), self._options, now=now)
        if said.signal is not Signal.UP:
            return said
        incidents = self._incidents.mark(await self._newest_incidents(), now)
        return judge(parts, incidents, self._options, now=now)

    async def _components(self) -> list[Part] | Sighting:
        parts: list[Part] = []
        for page in range(1, PAGES + 1):
            document = await fetch_document(self._fetcher, self._url(f"components?per_page=100&page={page}"))
            if isinstance(document, Sighting):
                return document
            found = read_components(document)
            if found is None:
                return Sighting.unknown(Evidence.OFFICIAL, "the answer is not that of Cachet")
            parts += found
            if lists_all(parts, self._options.components) or not has_more(document):
                break
        return parts

    async def _newest_incidents(self) -> tuple[Incident, ...]:
        """The newest; they can only spoil a green page, so that they cannot be read changes nothing."""
        newest = "sort=-id" if self._options.version == 3 else "sort=id&order=desc"
        return read_incidents(await fetch_document(self._fetcher, self._url(f"incidents?{newest}&per_page=20")))

    def _url(self, rest: str) -> str:
        return f"{self._options.url.rstrip('/')}/api/{'v1/' if self._options.version == 2 else ''}{rest}"


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[CachetProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield CachetProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=60.0,
    fastest=60.0,
    timeout=30.0,
    example="""\
kind: cachet
url: https://status.example.net
components: [Website]
""",
)
