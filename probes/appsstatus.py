"""The kind `appsstatus`: what one of Google's status dashboards says (Workspace, Cloud, Firebase, Play, Ads).

`GET <url>/incidents.json` for the incidents of years, `<url>/products.json` for the names; no authentication (their
form: https://status.cloud.google.com/incidents.schema.json).  The first is large: it is read in a thread, and an ETag
saves most of it.

An incident is open while it has no `end` and its newest update is not AVAILABLE.  SERVICE_OUTAGE of a named product
is an outage, where it is said of no place in particular, of the whole world, or of a place among `locations`; in
other places, or where the places cannot be read, it is a degradation.  A product that the dashboard does not list, as
YouTube is none of Workspace, would be green for ever: it is "could not tell".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import Field, field_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._board import latest
from probes._document import document_of, no_empty_name, of_another_form, site_of
from probes._fetch import Fetcher, Trouble, open_fetcher, plain
from probes._json import mapping, rows, text
from probes._official import DEGRADED, OUTAGE, WORKS, fold, forgotten, host_of, near, timestamp

INCIDENTS, PRODUCTS = "/incidents.json", "/products.json"
PATHS: tuple[str, ...] = ("/appsstatus/dashboard/incidents.json", INCIDENTS)
LARGEST = 8_000_000

MEANING = {
    "SERVICE_OUTAGE": OUTAGE,
    "SERVICE_DISRUPTION": DEGRADED,
    "SERVICE_INFORMATION": WORKS,
    "AVAILABLE_INFORMATION": WORKS,
    "AVAILABLE": WORKS,
}


class Options(contracts.Options):
    """`url` is the dashboard's address; `products` are names or ids on it, `locations` ids such as `europe-west4`.

    Without products any incident counts, as a degradation at most.
    """

    url: WebAddress = "https://www.google.com/appsstatus/dashboard"
    products: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    _names = field_validator("products", "locations")(no_empty_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An open one.  `products` holds ids and folded names, `places` folded ids; `state` is empty where not known.

    `located`: the places could be read; else it may be anywhere, which is neither everywhere nor elsewhere.
    """

    title: str
    state: str
    products: frozenset[str]
    places: frozenset[str]
    located: bool
    changed_at: float | None

    def concerns(self, wanted: Iterable[str]) -> bool:
        return any(name in self.products or fold(name) in self.products for name in wanted)

    def everywhere(self, locations: Sequence[str]) -> bool:
        """Whether it hits the product as a whole, or at one of these places."""
        hit = not self.places or "global" in self.places or any(fold(place) in self.places for place in locations)
        return self.located and hit

    def elsewhere(self, locations: Sequence[str]) -> bool:
        """Whether it hits none of these places; a zone (`europe-west4-a`) lies in its region."""
        if not locations or not self.located or self.everywhere(locations):
            return False
        return not any(place.startswith(f"{fold(wanted)}-") for place in self.places for wanted in locations)


def read_incidents(document: object) -> tuple[Incident, ...] | None:
    """The open incidents out of any JSON value; None where it, or any row of it, is something else."""
    if not isinstance(document, list) or not all(_is_incident(row) for row in document):
        return None
    return tuple(_incident(row) for row in rows(document) if _is_open(row))


def _is_incident(row: object) -> bool:
    about = mapping(row)
    return bool(text(about, "id") and timestamp(about.get("begin"))) and "status_impact" in about


def _is_open(row: Mapping[str, object]) -> bool:
    newest = mapping(row.get("most_recent_update"))
    return timestamp(row.get("end")) is None and newest.get("status") != "AVAILABLE"


def _incident(row: Mapping[str, object]) -> Incident:
    """The state is that of the newest update: an outage that has become a disruption is one no longer."""
    newest = mapping(row.get("most_recent_update"))
    said = text(newest, "status") or text(row, "status_impact")
    products = [
        (text(one, "id"), text(one, "title"), text(one, "current_title"))
        for one in rows(row.get("affected_products"))
    ]
    own = (text(row, "service_key"), text(row, "service_name"))
    listed = row.get("currently_affected_locations", [])
    places = [fold(text(place, "id")) for place in rows(listed)]
    return Incident(
        title=text(row, "external_desc"),
        state=MEANING.get(said, ""),
        products=frozenset(
            filter(None, (mark for marks in (*products, own) for name in marks for mark in (name, fold(name))))
        ),
        places=frozenset(places) - {""},
        located=isinstance(listed, list) and len(listed) == len(list(filter(None, places))),
        changed_at=latest(timestamp(one) for one in (row.get("begin"), row.get("modified"), newest.get("when"))),
    )


def read_products(document: object) -> dict[str, str] | None:
    """id -> name of the products out of any JSON value; None where it is something else."""
    listed = mapping(document).get("products")
    found = {text(row, "id"): text(row, "title") for row in rows(listed) if text(row, "id") and text(row, "title")}
    return found or None


def judge(
    incidents: Sequence[Incident], products: Mapping[str, str] | Sighting | None, options: Options, *, now: float
) -> Sighting:
    """The dashboard as one sighting; `products` is the list of them, or why there is none."""
    fresh = [one for one in incidents if not forgotten(one.changed_at, now, options.forget_after)]
    ours = [one for one in fresh if not options.products or one.concerns(options.products)]
    near_us = [one for one in ours if not one.elsewhere(options.locations)]
    return (
        _trouble(near_us, options)
        or _unlisted(products, options)
        or _calm(near_us, [one for one in incidents if one not in fresh])
    )


def _trouble(ours: Sequence[Incident], options: Options) -> Sighting | None:
    for incident in ours:
        if incident.state == OUTAGE and options.products and incident.everywhere(options.locations):
            about = ", ".join(name for name in options.products if incident.concerns([name]))
            return Sighting.down(Evidence.OFFICIAL, f"Google says outage of {about}", plain(incident.title))
    for incident in ours:
        if incident.state in (OUTAGE, DEGRADED):
            where = f" in {', '.join(sorted(incident.places)[:3])}" if incident.places else ""
            reason = (
                f"Google says {'outage of a part' if incident.state == OUTAGE else 'disruption'}{plain(where, 80)}"
            )
            return Sighting.degraded(Evidence.OFFICIAL, reason, plain(incident.title))
    odd = next((one for one in ours if not one.state), None)
    return _unknown("Google has an open incident in a word that is not known", odd.title) if odd else None


def _unlisted(products: Mapping[str, str] | Sighting | None, options: Options) -> Sighting | None:
    """Why it cannot be told whether the products that are watched are on the dashboard at all."""
    if not options.products or isinstance(products, Sighting):
        return products if options.products and isinstance(products, Sighting) else None
    if products is None:
        return of_another_form()
    listed = {*products, *map(fold, products.values())}
    for name in options.products:
        if name not in listed and fold(name) not in listed:
            return _unknown(f"Google's dashboard does not name {name} (any more){near(name, products.values())}")
    return None


def _calm(ours: Sequence[Incident], left_out: Sequence[Incident]) -> Sighting:
    note = plain(ours[0].title) if ours else ""
    forgot = f"taken as forgotten: {plain(left_out[0].title)}" if left_out else ""
    return Sighting.up(Evidence.OFFICIAL, "Google's dashboard shows no trouble of what is watched", note or forgot)


def _unknown(reason: str, detail: str = "") -> Sighting:
    return Sighting.unknown(Evidence.OFFICIAL, reason, plain(detail))


def recognise(url: str, body: object) -> dict[str, object] | None:
    """The options for the dashboard whose incidents these are.  An empty list is only believed of Google itself."""
    site = site_of(url, INCIDENTS)
    if not site or read_incidents(body) is None:
        return None
    return {"url": site} if body or host_of(site).endswith("google.com") else None


class AppsstatusProbe:
    """One look is one request, or two where products are named."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings

    async def look(self) -> Sighting:
        document = await self._get(INCIDENTS)
        if isinstance(document, Sighting):
            return document
        incidents = read_incidents(document)
        if incidents is None:
            return of_another_form()
        listed = await self._get(PRODUCTS) if self._options.products else None
        products = listed if isinstance(listed, Sighting) else read_products(listed)
        return judge(incidents, products, self._options, now=self._surroundings.now())

    async def _get(self, path: str) -> object:
        answer = await self._fetcher.get(self._options.url.rstrip("/") + path, headers={"accept": "application/json"})
        if isinstance(answer, Trouble):
            return answer.as_source_failure(Evidence.OFFICIAL)
        return await asyncio.to_thread(document_of, answer)


def votes(options: Options) -> frozenset[Evidence]:
    """Without products every incident is doubt."""
    return frozenset({Evidence.OFFICIAL} if options.products else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[AppsstatusProbe]:
    async with open_fetcher(surroundings.user_agent, limit=LARGEST, seconds=12.0) as fetcher:
        yield AppsstatusProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=120.0,
    fastest=120.0,
    timeout=30.0,
    votes=votes,
    example="""\
kind: appsstatus
products: [Gmail, Google Groups]
""",
)
