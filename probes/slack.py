"""The kind `slack`: what Slack says of itself in its Status API.

`GET https://slack-status.com/api/v2.0.0/current`, no authentication, once a minute at most (Slack's documentation,
"Slack Status API").  The answer is `ok`, or `active` with the incidents that are open.  An incident's type is
`outage` (people cannot use it), `incident` (it works badly or for some) or `notice`.

The answer names only the services in trouble, so the names of all of them are kept here, as documented; a name that
is neither among them nor in the answer is watched by nobody and is "could not tell".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice

from pydantic import Field, field_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._board import latest
from probes._document import fetch_document, no_empty_name, of_another_form, site_of
from probes._fetch import Fetcher, open_fetcher, plain
from probes._json import mapping, rows, text
from probes._official import Dated, FirstSeen, fold, forgotten, near, timestamp, word
from probes._statuspage import INCIDENTS

PATHS: tuple[str, ...] = ("/api/v2.0.0/current",)

SERVICES = (
    "Login/SSO",
    "Connectivity",
    "Messaging",
    "Files",
    "Notifications",
    "Huddles",
    "Search",
    "Apps/Integrations/APIs",
    "Workspace/Org Administration",
    "Workflows",
    "Canvases",
)
"""As documented.  What was `Connections`, `Calls` or `Posts/Files` has another name now."""

OUTAGE, INCIDENT, NOTICE, MAINTENANCE = "outage", "incident", "notice", "maintenance"
OVER = frozenset({"resolved", "scheduled", "completed", "cancelled", "canceled"})


class Options(contracts.Options):
    """`services` are those of Slack's services that matter; with an empty list all do, and nothing is an outage."""

    url: WebAddress = "https://slack-status.com"
    services: tuple[str, ...] = ("Login/SSO", "Connectivity", "Messaging")
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    _names = field_validator("services")(no_empty_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Dated):
    """One that Slack lists and that is not over."""

    title: str
    kind: str
    state: str
    services: tuple[str, ...]

    def concerns(self, wanted: Iterable[str]) -> bool:
        """One that names no service may be about any of them."""
        return not self.services or bool({fold(name) for name in wanted} & {fold(name) for name in self.services})


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    word: str
    incidents: tuple[Incident, ...] = ()


def read_status(document: object) -> Status | None:
    """Slack's state out of any JSON value; None where it is something else."""
    answer = mapping(document)
    listed = answer.get("active_incidents", [])
    if not text(answer, "status") or "date_updated" not in answer or not _is_list(listed):
        return None
    return Status(word=word(answer["status"]), incidents=tuple(islice(_incidents(listed), INCIDENTS)))


def _is_list(listed: object) -> bool:
    return isinstance(listed, list) and len(rows(listed)) == len(listed)


def _incidents(listed: object) -> Iterable[Incident]:
    for row in rows(listed):
        if word(row.get("status")) in OVER:
            continue
        notes = (timestamp(note.get("date_created")) for note in rows(row.get("notes")))
        touched = (timestamp(row.get(name)) for name in ("date_created", "date_updated"))
        yield Incident(
            title=text(row, "title"),
            kind=word(row.get("type")),
            state=word(row.get("status")),
            services=tuple(_named(row)),
            changed_at=latest([*notes, *touched]),
        )


def _named(row: Mapping[str, object]) -> Iterable[str]:
    listed = row.get("services")
    return (one for one in listed if isinstance(one, str) and one.strip()) if isinstance(listed, list) else ()


def judge(status: Status, options: Options, *, now: float) -> Sighting:
    """Slack's state as one sighting (class `official`)."""
    if status.word not in ("ok", "active") or (status.word == "ok") is bool(status.incidents):
        return _unknown("Slack's status contradicts itself or is in a word that is not known", status.word)
    fresh = [one for one in status.incidents if not forgotten(one.told_at, now, options.forget_after)]
    ours = [one for one in fresh if not options.services or one.concerns(options.services)]
    if worst := _worst(ours, options):
        return worst
    known = [*SERVICES, *(name for incident in status.incidents for name in incident.services)]
    if strange := [name for name in options.services if fold(name) not in set(map(fold, known))]:
        return _unknown(f"Slack's status is not known to have a service {strange[0]}{near(strange[0], known)}")
    return _calm(ours, len(status.incidents) - len(fresh))


def _worst(ours: Sequence[Incident], options: Options) -> Sighting | None:
    """The gravest that is said of what is watched; None where nothing is in trouble."""
    active = [one for one in ours if one.state == "active"]
    for incident in sorted(active, key=lambda one: one.kind != OUTAGE):
        about = ", ".join(plain(name, 40) for name in incident.services[:3]) or "no service in particular"
        if incident.kind == OUTAGE and options.services and incident.services:
            return Sighting.down(Evidence.OFFICIAL, f"Slack's status says outage of {about}", plain(incident.title))
        if incident.kind in (OUTAGE, INCIDENT):
            return Sighting.degraded(
                Evidence.OFFICIAL, f"Slack's status says trouble of {about}", plain(incident.title)
            )
    odd = [one for one in ours if one.state != "active" or one.kind not in (NOTICE, MAINTENANCE)]
    return _unknown("Slack's status lists an incident of an unknown kind or state", odd[0].title) if odd else None


def _calm(ours: Sequence[Incident], left_out: int) -> Sighting:
    planned = next((one for one in ours if one.kind == MAINTENANCE), None)
    if planned is not None:
        return _unknown("announced maintenance", planned.title)
    note = plain(ours[0].title) if ours else ""
    forgot = f"taken as forgotten: {left_out}" if left_out else ""
    return Sighting.up(Evidence.OFFICIAL, "Slack's status shows no trouble of what is watched", note or forgot)


def _unknown(reason: str, detail: str = "") -> Sighting:
    return Sighting.unknown(Evidence.OFFICIAL, reason, plain(detail))


def recognise(url: str, body: object) -> dict[str, object] | None:
    """The options where this is Slack's document; its own address is the default."""
    status, site = read_status(body), site_of(url, PATHS[0])
    if status is None or not site:
        return None
    return {} if site == Options().url else {"url": site}


class SlackProbe:
    """One look is one request."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._seen = FirstSeen()

    async def look(self) -> Sighting:
        document = await fetch_document(self._fetcher, self._options.url.rstrip("/") + PATHS[0])
        if isinstance(document, Sighting):
            return document
        status = read_status(document)
        if status is None:
            return of_another_form()
        now = self._surroundings.now()
        return judge(replace(status, incidents=self._seen.mark(status.incidents, now)), self._options, now=now)


def votes(options: Options) -> frozenset[Evidence]:
    """Without services nothing is an outage."""
    return frozenset({Evidence.OFFICIAL} if options.services else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[SlackProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield SlackProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=60.0,
    fastest=60.0,
    timeout=15.0,
    votes=votes,
    example="""\
kind: slack
services: [Login/SSO, Connectivity, Messaging]
""",
)
