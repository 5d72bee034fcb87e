"""The kind `statusio`: what a status page hosted by Status.io says.

`GET https://api.status.io/1.0/status/<page id>`, no authentication.  The id stands in the page's own HTTP answers as
`x-status-page-id`.  An id that does not exist is answered with 200 and an `error`, so the status code proves nothing.

Codes: 100 operational, 200 maintenance, 300 degraded, 400 partial disruption, 500 disruption, 600 security issue,
which says nothing of whether a service works.  A component runs in containers (regions, providers): its disruption
counts in full only where all of them are disrupted.  The `updated` of a component changes with anything on the page,
that of a container only with itself; so the containers tell which bad news was left behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import islice

from pydantic import Field, field_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._board import Board, BoardProbe, Source, latest, open_board
from probes._document import no_empty_name
from probes._json import mapping, rows, text
from probes._official import DEGRADED, MAINTENANCE, OUTAGE, WORKS, Part, fold, timestamp
from probes._statuspage import INCIDENTS, Incident

API = "https://api.status.io"
PATHS: tuple[str, ...] = ()
"""Nothing can be asked for without the page's id: `recognise` knows only an address that has it."""

WORDS = {
    100: "operational",
    200: "under_maintenance",
    300: "degraded_performance",
    400: "partial_outage",
    500: "major_outage",
    600: "security_issue",
}
OVERALL = {100: WORKS, 200: MAINTENANCE, 300: DEGRADED, 400: DEGRADED, 500: OUTAGE}
STEPS = {100: "investigating", 200: "identified", 300: "monitoring", 400: "resolved"}
IMPACTS = {100: "none", 200: "maintenance"}

_ADDRESS = re.compile(r"(https?://[^/?#]+)/1\.0/status/([0-9a-f]{24})/?(?:[?#].*)?")


class Options(contracts.Options):
    """`page` is the id of the page, 24 hexadecimal digits (its answers carry it as `x-status-page-id`)."""

    page: str = Field(pattern=r"^[0-9a-f]{24}$")
    components: tuple[str, ...] = ()
    api_url: WebAddress = API
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    _names = field_validator("components")(no_empty_name)


def read_board(document: object) -> Board | None:
    """The page out of any JSON value; None where it is something else, such as the answer to a wrong id."""
    result = mapping(mapping(document).get("result"))
    overall = mapping(result.get("status_overall"))
    if not overall or not isinstance(result.get("status"), list):
        return None
    return Board(
        overall=OVERALL.get(_code(overall.get("status_code")), ""),
        said=text(overall, "status"),
        parts=tuple(_part(row) for row in rows(result["status"]) if text(row, "name")),
        incidents=tuple(islice(_incidents(result.get("incidents")), INCIDENTS)),
    )


def _code(value: object) -> int:
    """A state's number; 0, which means nothing, for everything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _part(row: Mapping[str, object]) -> Part:
    code = _code(row.get("status_code"))
    places = rows(row.get("containers"))
    ill = [place for place in places if _code(place.get("status_code")) == code]
    if code == 500 and len(ill) < len(places):
        code = 400
    changed_at = latest(timestamp(place.get("updated")) for place in ill)
    return Part(
        name=text(row, "name"),
        key=text(row, "id"),
        word=WORDS.get(code, text(row, "status") or "none"),
        changed_at=timestamp(row.get("updated")) if changed_at is None else changed_at,
    )


def _incidents(listed: object) -> Iterable[Incident]:
    """Only what is open is listed; the newest message tells the state."""
    for row in rows(listed):
        messages = sorted(rows(row.get("messages")), key=lambda message: timestamp(message.get("datetime")) or 0.0)
        last = messages[-1] if messages else {}
        affected = rows(row.get("components_affected"))
        yield Incident(
            name=text(row, "name"),
            state=STEPS.get(_code(last.get("state")), ""),
            impact=IMPACTS.get(_code(last.get("status")), "some"),
            changed_at=latest([timestamp(row.get("datetime_open")), timestamp(last.get("datetime"))]),
            concerns=frozenset(
                filter(None, (mark for one in affected for mark in (text(one, "_id"), fold(text(one, "name")))))
            ),
        )


def recognise(url: str, body: object) -> dict[str, object] | None:
    """The options for the page whose document this is."""
    address = _ADDRESS.fullmatch(url)
    if address is None or read_board(body) is None:
        return None
    site, page = address.groups()
    return {"page": page} if site == API else {"page": page, "api_url": site}


def _unheard_of(document: object, page: str) -> Sighting | None:
    known = "error" not in mapping(document)
    return None if known else Sighting.unknown(Evidence.OFFICIAL, f"Status.io knows no page {page}")


def open_probe(options: Options, surroundings: Surroundings) -> AbstractAsyncContextManager[BoardProbe]:
    source = Source(
        address=f"{options.api_url.rstrip('/')}/1.0/status/{options.page}",
        read=lambda document, _now: _unheard_of(document, options.page) or read_board(document),
        site=options.api_url,
        components=options.components,
        forget_after=options.forget_after,
    )
    return open_board(source, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=60.0,
    fastest=60.0,
    timeout=20.0,
    example="""\
kind: statusio
page: 0123456789abcdef01234567
components: [Messaging]
""",
)
