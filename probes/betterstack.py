"""The kind `betterstack`: what a status page hosted by Better Stack (formerly Better Uptime) says.

`GET <url>/index.json`, no authentication; JSON:API (Better Stack's documentation, "JSON API status").  Every other
path of such a page is answered with 200 and HTML.

A resource is what this house calls a component; its `downtime` is found by the vendor's own monitors or set by hand.
Reports, past and planned ones too, are listed beside the resources with their start and end.  A resource bears no
date of its own, so how fresh its trouble is is told by the reports that name it, else by when we first saw it.
Each brings 90 days of history with it: a page of more than some 200 resources is larger than what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import islice

from pydantic import Field, field_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence
from probes._address import WebAddress
from probes._board import Board, BoardProbe, Source, foreign, latest, newest_about, open_board
from probes._document import no_empty_name, site_of
from probes._json import identifier, mapping, rows, text
from probes._official import DEGRADED, MAINTENANCE, OUTAGE, WORKS, Part, host_of, timestamp, word
from probes._statuspage import INCIDENTS, Incident

PATHS: tuple[str, ...] = ("/index.json",)
WORDS = {
    "operational": "operational",
    "degraded": "degraded_performance",
    "downtime": "major_outage",
    "maintenance": "under_maintenance",
    "not_monitored": "not_monitored",
}
OVERALL = {"operational": WORKS, "degraded": DEGRADED, "downtime": OUTAGE, "maintenance": MAINTENANCE}
_HOSTED = "betteruptime.com"


class Options(contracts.Options):
    """`url` is the address of the page itself; `components` are its resources by public name or id.

    `page` is its company's name, its subdomain or its id, where it says that it lives on another host.
    """

    url: WebAddress
    components: tuple[str, ...] = ()
    page: str = ""
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    _names = field_validator("components")(no_empty_name)


def read_board(document: object, *, now: float) -> Board | None:
    """The page out of any JSON value; None where it is something else.  Reports over or ahead are left out."""
    data = mapping(mapping(document).get("data"))
    about = mapping(data.get("attributes"))
    if data.get("type") != "status_page" or not about:
        return None
    included = rows(mapping(document).get("included"))
    updates = {identifier(row, "id"): _published(row) for row in included if row.get("type") == "status_update"}
    reports = (row for row in included if row.get("type") == "status_report")
    incidents = tuple(islice(_incidents(reports, updates, now), INCIDENTS))
    resources = (row for row in included if row.get("type") == "status_page_resource")
    return Board(
        names=tuple(filter(None, (text(about, "company_name"), text(about, "subdomain"), identifier(data, "id")))),
        hosts=_hosts(about),
        overall=OVERALL.get(word(about.get("aggregate_state")), ""),
        said=text(about, "aggregate_state"),
        parts=tuple(newest_about(part, incidents) for part in map(_part, resources) if part.name),
        incidents=incidents,
    )


def _hosts(about: Mapping[str, object]) -> tuple[str, ...]:
    own, subdomain = text(about, "custom_domain"), text(about, "subdomain")
    return tuple(
        filter(None, (host_of(f"https://{own}"), host_of(f"https://{subdomain}.{_HOSTED}") if subdomain else ""))
    )


def _published(row: Mapping[str, object]) -> float | None:
    return timestamp(mapping(row.get("attributes")).get("published_at"))


def _part(row: Mapping[str, object]) -> Part:
    about = mapping(row.get("attributes"))
    said = word(about.get("status"))
    return Part(name=text(about, "public_name"), key=identifier(row, "id"), word=WORDS.get(said, said))


def _incidents(
    reports: Iterable[Mapping[str, object]], updates: Mapping[str, float | None], now: float
) -> Iterable[Incident]:
    for row in reports:
        about = mapping(row.get("attributes"))
        begun, over = timestamp(about.get("starts_at")), timestamp(about.get("ends_at"))
        said = word(about.get("aggregate_state"))
        if said == "resolved" or (over is not None and over <= now) or (begun is not None and begun > now):
            continue
        planned = word(about.get("report_type")) == "maintenance" or said == "maintenance"
        links = rows(mapping(mapping(row.get("relationships")).get("status_updates")).get("data"))
        concerned = (identifier(one, "status_page_resource_id") for one in rows(about.get("affected_resources")))
        yield Incident(
            name=text(about, "title"),
            state="investigating",
            impact="maintenance" if planned else "none" if said == "operational" else said,
            changed_at=latest([begun, *(updates.get(identifier(link, "id")) for link in links)]),
            concerns=frozenset(filter(None, concerned)),
        )


def recognise(url: str, body: object) -> dict[str, object] | None:
    """The options for the page whose document this is."""
    board, site = read_board(body, now=0.0), site_of(url, PATHS[0])
    if board is None or not site:
        return None
    return {"url": site, "page": board.names[0]} if foreign(board, site) and board.names else {"url": site}


def open_probe(options: Options, surroundings: Surroundings) -> AbstractAsyncContextManager[BoardProbe]:
    source = Source(
        address=options.url.rstrip("/") + PATHS[0],
        read=lambda document, now: read_board(document, now=now),
        site=options.url,
        page=options.page,
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
kind: betterstack
url: https://status.example.net
components: [Messaging]
""",
)
