"""The kind `metastatus`: what Meta's page about its products for businesses says (https://metastatus.com).

`GET <url>/data/orgs.json` lists products ("orgs"), each with services and their state in words.  The file is not
documented; WhatsApp's own manual sends its customers to the page.  The feeds of the same page, which list only open
events, are read with the kind `feed` (`mode: open_only`).

How much it is worth: little while green, because it has stayed green through outages that the whole world saw, and it
runs at Meta, so it may be gone with the rest.  There is no product for the consumer's Facebook, Instagram or Threads.
Red is worth much: nobody at Meta writes "high disruptions" in jest.

Rules: only words that are known count, and they must be the whole state ("Low disruptions" raises doubt; "High" and
"Major" are an outage, or doubt with `high: degraded`).  Every unknown path answers 200 with a web page, so anything
but the list is "could not tell".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting, Signal
from probes._address import WebAddress
from probes._document import fetch_document, no_empty_name, root_of
from probes._fetch import Fetcher, open_fetcher, plain
from probes._json import identifier, rows, text
from probes._official import FirstSeen, Part, fold, gravest, judge_parts, timestamp, word

PATHS: tuple[str, ...] = ("/data/orgs.json",)

WORDS = {
    "no_known_issues": "operational",
    "resolved": "operational",
    "low_disruptions": "degraded_performance",
    "medium_disruptions": "partial_outage",
    "high_disruptions": "major_outage",
    "major_disruptions": "major_outage",
}
"""The page's words, of which no list is published.  The singular means the plural, other words "could not tell"."""


class Options(contracts.Options):
    """`orgs` are the products by their ids (`graph-api`, `facebook-login`, `messenger`, `whatsapp-business-api`, …).

    `services` picks some of their services by name; without it all count.  `high` says what the gravest words are.
    Bad news that nobody has touched for `forget_after` was left behind.
    """

    orgs: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(no_empty_name)]
    services: Annotated[tuple[str, ...], AfterValidator(no_empty_name)] = ()
    high: Literal["degraded", "down"] = "down"
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)
    url: WebAddress = "https://metastatus.com"


def read_orgs(document: object) -> dict[str, tuple[Part, ...]] | None:
    """Product -> its services, out of any JSON value; None where it is not the list."""
    if not isinstance(document, list) or not document:
        return None
    listed = rows(document)
    if len(listed) < len(document) or not all(isinstance(row.get("services"), list) for row in listed):
        return None
    return {text(row, "id"): tuple(map(_part, rows(row.get("services")))) for row in listed}


def _part(row: Mapping[str, object]) -> Part:
    said = word(row.get("status"))
    known = WORDS.get(said) or WORDS.get(f"{said}s") or f"'{said.replace('_', ' ')}'"
    return Part(name=text(row, "name"), key=identifier(row, "id"), word=known, changed_at=timestamp(row.get("time")))


def judge(orgs: Mapping[str, tuple[Part, ...]] | None, options: Options, *, now: float) -> Sighting:
    """The list as one sighting (class `official`): the worst of the watched services."""
    if orgs is None:
        return _unknown("the answer is not the list of metastatus.com")
    said = gravest(_judge_org(org, orgs, options, now) for org in options.orgs)
    if said.signal is Signal.DOWN and options.high == "degraded":
        return Sighting.degraded(Evidence.OFFICIAL, said.reason, said.detail)
    return said


def _judge_org(org: str, orgs: Mapping[str, tuple[Part, ...]], options: Options, now: float) -> Sighting:
    """Services are judged one by one: two products use the same name for different ones."""
    wanted = {fold(name) for name in options.services}
    parts = [part for part in orgs.get(org, ()) if not wanted or fold(part.name) in wanted]
    if not parts:
        return _unknown(f"metastatus.com does not name {org if org not in orgs else 'the services'} (any more)")
    shown = (replace(part, name=plain(part.name, 60)) for part in parts)
    said = [
        judge_parts([part], [part.name], now=now, forget_after=options.forget_after) for part in shown if part.name
    ]
    worst = gravest(said or [_unknown(f"metastatus.com names no service of {org}")])
    return replace(worst, detail=f"{org}: {worst.detail}".removesuffix(": "))


def _unknown(reason: str) -> Sighting:
    return Sighting.unknown(Evidence.OFFICIAL, reason)


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the list `body` at `url`; None where it is something else."""
    orgs = read_orgs(body)
    if not orgs or not all(isinstance(row.get("rss_file_paths"), list) for row in rows(body)):
        return None
    root = root_of(url, "/data/")
    return {"url": root, "orgs": [org for org in orgs if org]}


class MetastatusProbe:
    """One look is one request."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._seen = {org: FirstSeen() for org in options.orgs}

    async def look(self) -> Sighting:
        document = await fetch_document(self._fetcher, f"{self._options.url.rstrip('/')}{PATHS[0]}")
        if isinstance(document, Sighting):
            return document
        orgs, now = read_orgs(document), self._surroundings.now()
        watched = {org: seen.date(orgs[org], now) for org, seen in self._seen.items() if org in orgs} if orgs else {}
        return judge(orgs and orgs | watched, self._options, now=now)


def votes(options: Options) -> frozenset[Evidence]:
    return frozenset({Evidence.OFFICIAL} if options.high == "down" else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[MetastatusProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield MetastatusProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=300.0,
    fastest=180.0,
    timeout=10.0,
    votes=votes,
    example="""\
kind: metastatus
orgs: [facebook-login]
""",
)
