"""The kind `uptimekuma`: what an Uptime Kuma at another place sees of a platform, by one of its status pages.

`GET <url>/api/status-page/<page>` names the monitors (kept by the instance for 5 minutes), `…/heartbeat/<page>` gives
their last beats (kept for 1 minute), newest last; both are public (louislam/uptime-kuma,
`server/routers/status-page-router.js`).  A beat is 0 down, 1 up, 2 pending (it is being repeated), 3 maintenance, and
its time is UTC without a zone.

A page that shows days instead of beats sums up hours in one, and one failure colors the whole: those times are ISO
8601 with a `T`, and a red one says that something was wrong today, not that it is now: "could not tell".

Rules: the class of evidence is `elsewhere`, also where our own organisation runs the instance at another site (`here`
on this machine or our own network, or where `vantage` says so).  Down needs several red beats while one of the
`controls`, monitors of something unrelated, is green; without controls a red is doubt and never votes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._document import no_empty_name, root_of
from probes._fetch import Fetcher, open_fetcher
from probes._json import identifier, mapping, rows, text
from probes._official import timestamp
from probes._vantage import (
    Beat,
    Monitor,
    Vantage,
    evidence_of,
    fetch_seen,
    judge_monitors,
    require_apart,
    terms_of,
    votes_of,
)

PATHS: tuple[str, ...] = ("/api/status-page/{last}",)
"""`{last}` is the last part of the address that a person gave: a page is `<url>/status/<page>`."""

BEATS = {"0": Beat.DOWN, "1": Beat.UP, "2": Beat.SHAKY, "3": Beat.MAINTENANCE}


class Options(contracts.Options):
    """`url` is the address of the instance, `page` the last part of its status page's; `monitors` are names or ids.

    `controls` name other monitors of the page, of sites that have nothing to do with the platform nor with the
    network of the instance (no router, no NAS): while none of them works, or none is named, a red is doubt and never
    votes.  `failures` beats in a row make a red; a newest beat older than `stale_after` says nothing.  `vantage` is
    the class of evidence: `here` where the instance shares our line, `official` where the platform's owner runs it.
    """

    url: WebAddress
    page: str = Field(default="default", pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,99}$")
    monitors: tuple[str, ...] = Field(min_length=1)
    controls: Annotated[tuple[str, ...], AfterValidator(no_empty_name)] = ()
    failures: int = Field(default=2, ge=1, le=50)
    stale_after: Duration = Field(default=900.0, gt=0)
    vantage: Vantage | None = None

    @model_validator(mode="after")
    def _controls_are_unrelated(self) -> Self:
        require_apart(self.controls, self.monitors)
        return self


def read_monitors(names: object, beats: object) -> list[Monitor] | None:
    """The monitors of a page with their beats; None where one of the two answers is something else."""
    groups, listed = mapping(names).get("publicGroupList"), mapping(beats).get("heartbeatList")
    if not isinstance(groups, list) or not isinstance(listed, dict):
        return None
    return [
        _monitor(row, text(group, "name"), listed) for group in rows(groups) for row in rows(group.get("monitorList"))
    ]


def _monitor(row: Mapping[str, object], group: str, listed: Mapping[str, object]) -> Monitor:
    key = identifier(row, "id")
    newest_first = rows(listed.get(key))[::-1]
    return Monitor(
        name=text(row, "name"),
        key=key,
        group=group,
        beats=tuple(map(_beat, newest_first)),
        at=timestamp(newest_first[0].get("time")) if newest_first else None,
    )


def _beat(row: Mapping[str, object]) -> Beat:
    beat = BEATS.get(identifier(row, "status"), Beat.UNCLEAR)
    return Beat.UNCLEAR if beat is not Beat.UP and "T" in text(row, "time") else beat


def judge(names: object, beats: object, options: Options, *, now: float) -> Sighting:
    """The two answers as one sighting."""
    monitors = read_monitors(names, beats)
    if monitors is None:
        return Sighting.unknown(evidence_of(options.vantage, options.url), "the answer is not that of Uptime Kuma")
    return judge_monitors(monitors, options.monitors, terms_of(options, now))


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the status page that answered `body` at `url`; None where it is something else."""
    page = text(mapping(mapping(body).get("config")), "slug")
    monitors = read_monitors(body, {"heartbeatList": {}})
    if not page or not monitors:
        return None
    root = root_of(url, "/api/")
    return {"url": root, "page": page, "monitors": list(dict.fromkeys(one.name for one in monitors if one.name))}


class UptimeKumaProbe:
    """One look is two requests: the names, and the beats."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings

    async def look(self) -> Sighting:
        evidence = evidence_of(self._options.vantage, self._options.url)
        pages = f"{self._options.url.rstrip('/')}/api/status-page"
        names = await fetch_seen(self._fetcher, f"{pages}/{self._options.page}", evidence)
        if isinstance(names, Sighting):
            return names
        beats = await fetch_seen(self._fetcher, f"{pages}/heartbeat/{self._options.page}", evidence)
        if isinstance(beats, Sighting):
            return beats
        return judge(names, beats, self._options, now=self._surroundings.now())


def votes(options: Options) -> frozenset[Evidence]:
    return votes_of(evidence_of(options.vantage, options.url), options.controls)


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[UptimeKumaProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield UptimeKumaProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.ELSEWHERE,
    every=60.0,
    fastest=60.0,
    timeout=20.0,
    votes=votes,
    example="""\
kind: uptimekuma
url: https://kuma.example.net
page: social
monitors: [Facebook]
controls: [Wikipedia]
""",
)
