"""The kind `incidentio`: what a status page hosted by incident.io says, in the forms that are its own.

The page itself reads `GET <site>/proxy/<host>`, which lists every component and every open incident; it needs no
credential and nobody promises that it stays.  The Widget API, `GET <url>/api/v1/summary` (`widget: true`; see
incident.io's documentation, "Widget API"; the vendor must have enabled it), lists only what is wrong, so a component
that it does not name may as well be gone: no component can be watched there.  The same pages answer in the form of
Statuspage (kind `statuspage`), often without their incidents, and have a feed (kind `feed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import islice
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence
from probes._address import WebAddress
from probes._board import Board, BoardProbe, Source, foreign, latest, newest_about, open_board, worst
from probes._document import no_empty_name, site_of
from probes._json import mapping, rows, text
from probes._official import DEGRADED, MAINTENANCE, WORKS, Part, fold, host_of, timestamp, word
from probes._statuspage import INCIDENTS, OPEN, Incident

WIDGET = "/api/v1/summary"
PROXY = "/proxy/"
PATHS: tuple[str, ...] = ("/proxy/{host}", WIDGET)
"""`{host}` is the host of the address that a person gave."""

WORDS = {"full_outage": "major_outage"}
"""Where incident.io's word differs from Statuspage's."""

_SEVERITY = ("operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")


class Options(contracts.Options):
    """`url` is the address of the page itself; `page` its name or id where it says that it lives on another host.

    `widget: true` asks the documented interface, which can raise doubt about the page as a whole and nothing more.
    """

    url: WebAddress
    components: tuple[str, ...] = ()
    page: str = ""
    widget: bool = False
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    _names = field_validator("components")(no_empty_name)

    @model_validator(mode="after")
    def _widget_has_no_components(self) -> Options:
        if self.widget and self.components:
            raise ValueError(
                "`components` cannot be watched with `widget: true`, which lists only what is in trouble"
            )
        return self

    @property
    def address(self) -> str:
        """Where the document is."""
        site = self.url.rstrip("/")
        if self.widget:
            return site + WIDGET
        parts = urlsplit(site)
        return f"{parts.scheme}://{parts.netloc}{PROXY}{parts.hostname or ''}{parts.path}"


def read_board(document: object) -> Board | None:
    """The page out of either of its documents, or of any JSON value; None where it is something else."""
    return _read_widget(document) or _read_summary(mapping(document).get("summary"))


def _read_summary(value: object) -> Board | None:
    """The page's own data.  What is not listed as affected works, so that list must be readable to the last row."""
    summary = mapping(value)
    affected = summary.get("affected_components")
    names = dict(_names(summary))
    if not names or not isinstance(affected, list) or not all(text(mapping(row), "component_id") for row in affected):
        return None
    states = _states(rows(affected))
    incidents = tuple(islice(_incidents(summary.get("ongoing_incidents")), INCIDENTS))
    parts = (Part(name=name, key=key, word=states.get(key, "operational")) for key, name in names.items())
    return Board(
        names=tuple(filter(None, (text(summary, "name"), text(summary, "id")))),
        hosts=(host_of(summary.get("public_url")),),
        overall=_overall(states.values()),
        said=", ".join(sorted(set(states.values()))),
        parts=tuple(newest_about(part, incidents) for part in parts),
        incidents=incidents,
    )


def _names(summary: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """id -> name, out of the list of components and of the page's structure, with or without groups."""
    for one in rows(summary.get("components")):
        if text(one, "id") and text(one, "name"):
            yield text(one, "id"), text(one, "name")
    for item in rows(mapping(summary.get("structure")).get("items")):
        for row in (mapping(item.get("component")), *rows(mapping(item.get("group")).get("components"))):
            if text(row, "component_id") and text(row, "name"):
                yield text(row, "component_id"), text(row, "name")


def _states(affected: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """id -> the worst that is said of it; a word that is not known is worse than all, for it could mean anything."""
    states: dict[str, str] = {}
    for row in affected:
        said = word(row.get("status"))
        key, said = text(row, "component_id"), WORDS.get(said, said)
        states[key] = max(states.get(key, "operational"), said, key=_grade)
    return states


def _grade(said: str) -> int:
    return _SEVERITY.index(said) if said in _SEVERITY else len(_SEVERITY)


def _overall(states: Iterable[str]) -> str:
    said = set(states)
    return worst(said) if all(one in _SEVERITY for one in said) else ""


def _read_widget(document: object) -> Board | None:
    """The Widget API.  An incident that is only watched any more, and one without impact, is no trouble."""
    answer = mapping(document)
    lists = [answer.get(name) for name in ("ongoing_incidents", "in_progress_maintenances")]
    if not all(isinstance(listed, list) and len(listed) == len(rows(listed)) for listed in lists):
        return None
    incidents = tuple(islice(_incidents(answer["ongoing_incidents"]), INCIDENTS))
    trouble = [incident for incident in incidents if incident.tells_trouble]
    unclear = any(incident.state not in OPEN | {"monitoring", "resolved"} for incident in incidents)
    calm = MAINTENANCE if answer["in_progress_maintenances"] else WORKS
    return Board(
        names=(text(answer, "page_title"),),
        hosts=(host_of(answer.get("page_url")),),
        overall=DEGRADED if trouble else "" if unclear else calm,
        said=trouble[0].name if trouble else "an incident in an unknown state" if unclear else "",
        incidents=tuple(trouble),
    )


def _incidents(listed: object) -> Iterable[Incident]:
    for row in rows(listed):
        updates = (timestamp(update.get("published_at")) for update in rows(row.get("updates")))
        touched = (timestamp(row.get(name)) for name in ("last_update_at", "published_at"))
        concerned = [*rows(row.get("affected_components")), *rows(row.get("component_impacts"))]
        marks = (
            mark
            for one in concerned
            for mark in (text(one, "component_id"), text(one, "id"), fold(text(one, "name")))
        )
        yield Incident(
            name=text(row, "name"),
            state=word(row.get("status")),
            impact=word(row.get("current_worst_impact")),
            changed_at=latest([*updates, *touched]),
            concerns=frozenset(filter(None, marks)),
        )


def recognise(url: str, body: object) -> dict[str, object] | None:
    """The options for the page whose document this is, of either form."""
    board = read_board(body)
    address = urlsplit(url)
    if board is None:
        return None
    if site := site_of(url, WIDGET):
        found: dict[str, object] = {"url": site, "widget": True}
    elif address.path.startswith(PROXY):
        path = address.path.removeprefix(PROXY).partition("/")[2].rstrip("/")
        site = f"{address.scheme}://{address.netloc}/{path}".rstrip("/")
        found = {"url": site}
    else:
        return None
    return {**found, "page": board.names[0]} if foreign(board, site) and board.names else found


def _in_form(board: Board | None, options: Options) -> Board | None:
    """Only the page's own data lists components; the other document at the address is another form."""
    return board if board is not None and bool(board.parts) is not options.widget else None


def votes(options: Options) -> frozenset[Evidence]:
    """The widget lists no components, so what it says of the page as a whole is doubt."""
    return frozenset(() if options.widget else {Evidence.OFFICIAL})


def open_probe(options: Options, surroundings: Surroundings) -> AbstractAsyncContextManager[BoardProbe]:
    source = Source(
        address=options.address,
        read=lambda document, _now: _in_form(read_board(document), options),
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
    votes=votes,
    example="""\
kind: incidentio
url: https://status.example.net
components: [Messaging]
""",
)
