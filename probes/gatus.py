"""The kind `gatus`: what a Gatus instance at another place sees of a platform.

`GET <url>/api/v1/endpoints/statuses` gives every endpoint with its latest results, newest last, without
authentication unless the instance is protected (TwiN/gatus, `api/endpoint_status.go`).  Times carry their zone.

Rules: the class of evidence is `elsewhere` (`here` for an instance on this machine or our own network, or where
`vantage` says so).  An endpoint is down where its last results all failed while one of the `controls`, endpoints of
something unrelated, works; without controls a red is doubt and never votes.  Old results, an endpoint that is gone,
and what is not Gatus's JSON are "could not tell".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._document import no_empty_name, root_of
from probes._fetch import Fetcher, open_fetcher
from probes._json import rows, text
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

PATHS: tuple[str, ...] = ("/api/v1/endpoints/statuses",)

RESULTS = 10
"""Results per endpoint that are asked for."""


class Options(contracts.Options):
    """`url` is the address of the instance; `endpoints` are names, `group/name`, or keys (`group_name`).

    `controls` name other endpoints of it, of sites that have nothing to do with the platform nor with the network of
    the instance (no router, no NAS): while none of them works, or none is named, a red is doubt and never votes.
    `failures` results in a row make a red; a newest result older than `stale_after` says nothing.  `vantage` is the
    class of evidence: `here` where the instance shares our line, `official` where the platform's owner runs it.
    """

    url: WebAddress
    endpoints: tuple[str, ...] = Field(min_length=1)
    controls: Annotated[tuple[str, ...], AfterValidator(no_empty_name)] = ()
    failures: int = Field(default=2, ge=1, le=RESULTS)
    stale_after: Duration = Field(default=900.0, gt=0)
    vantage: Vantage | None = None

    @model_validator(mode="after")
    def _controls_are_unrelated(self) -> Self:
        require_apart(self.controls, self.endpoints)
        return self


def read_endpoints(document: object) -> list[Monitor] | None:
    """The endpoints out of any JSON value; None where it is not Gatus's list."""
    if not isinstance(document, list) or not all(isinstance(row, dict) and "results" in row for row in document):
        return None
    return [_monitor(row) for row in rows(document)]


def _monitor(row: dict[str, object]) -> Monitor:
    """Results are put in order by their own times: which end is the newest is no promise of the interface."""
    dated = [(timestamp(result.get("timestamp")), result.get("success")) for result in rows(row.get("results"))]
    results = sorted((pair for pair in dated if pair[0] is not None), key=lambda pair: pair[0] or 0.0, reverse=True)
    return Monitor(
        name=text(row, "name"),
        key=text(row, "key"),
        group=text(row, "group"),
        beats=tuple(_beat(success) for _at, success in results),
        at=results[0][0] if results else None,
    )


def _beat(success: object) -> Beat:
    if not isinstance(success, bool):
        return Beat.UNCLEAR
    return Beat.UP if success else Beat.DOWN


def judge(document: object, options: Options, *, now: float) -> Sighting:
    """The instance's answer as one sighting."""
    monitors = read_endpoints(document)
    if monitors is None:
        return Sighting.unknown(evidence_of(options.vantage, options.url), "the answer is not that of Gatus")
    return judge_monitors(monitors, options.endpoints, terms_of(options, now))


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the instance that answered `body` at `url`; None where it is something else."""
    monitors = read_endpoints(body)
    if not monitors or not all(monitor.name and monitor.key for monitor in monitors):
        return None
    root = root_of(url, "/api/v1/")
    names = [f"{one.group}/{one.name}" if one.group else one.name for one in monitors]
    return {"url": root, "endpoints": list(dict.fromkeys(names))}


class GatusProbe:
    """One look is one request."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings

    async def look(self) -> Sighting:
        evidence = evidence_of(self._options.vantage, self._options.url)
        url = f"{self._options.url.rstrip('/')}{PATHS[0]}?page=1&pageSize={RESULTS}"
        document = await fetch_seen(self._fetcher, url, evidence)
        if isinstance(document, Sighting):
            return document
        return judge(document, self._options, now=self._surroundings.now())


def votes(options: Options) -> frozenset[Evidence]:
    return votes_of(evidence_of(options.vantage, options.url), options.controls)


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[GatusProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield GatusProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.ELSEWHERE,
    every=60.0,
    fastest=30.0,
    timeout=10.0,
    votes=votes,
    example="""\
kind: gatus
url: https://gatus.example.net
endpoints: [social/facebook]
controls: [other/wikipedia]
""",
)
