"""The kind `globalping`: can a name be reached from other networks and countries?  Asked on suspicion only.

Globalping (jsDelivr) runs thousands of probes in other people's networks; one measurement asks some of them at once.
Its API is described at https://globalping.io/docs/api.globalping.io (source of the description: jsdelivr/globalping,
`public/v1/spec.yaml`): POST /measurements gives 202 and an id, GET /measurements/{id} is asked again 500 ms after the
last answer while it says `in-progress`.  The service ends a measurement after 30 s.

What counts, and what does not (the quorum is in `_views.py`):

- An HTTP answer proves the way there, unless it is the site's own "we cannot" (5xx).  That is a weak "up" (rule R5).
- A failure counts only where Globalping itself says that its source was the `target`; a failing resolver, a failing
  probe, an unknown source, a certificate that does not hold and a name that is not known there do not.
- 429, a used-up quota, a refusal or garbage from Globalping is "could not tell" (rule R4).

The budget: without a token 250 tests an hour are free for one address, with one 500; each probe asked is one test.
So every entry of this kind keeps to its own `per_hour`, stops when the service says that too little is left, and
never spends credits on purpose.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Sighting
from probes._address import WebAddress, unforgeable
from probes._budget import Budget
from probes._fetch import Fetcher, Page, open_fetcher, plain
from probes._names import PublicName
from probes._service import Answer, Service, settled
from probes._views import BLOCKING, COUNTRIES, Reach, View, judge_views, status_view

PAUSE, LONGEST_PAUSE = 0.5, 3.0
"""Seconds between two questions for a result: the shortest that is allowed, and where we get to."""

NOT_THE_TARGET = re.compile(r"\b(ENOTFOUND|ENODATA)\b|private ip", re.IGNORECASE)
"""A name that is not known there, or leads to a private address, as with a filter.  Globalping counts both as
failures of the target.  The raw output is not meant for machines, so it is only ever used to be less sure.
"""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_REFUSALS = {
    400: ("does not accept the request; is `target` a public name?", Fault.ACCOUNT),
    401: ("does not accept the token", Fault.ACCOUNT),
    403: ("does not let us in", Fault.ACCOUNT),
    404: ("knows no such measurement", None),
    422: ("has no vantage points there at the moment", None),
    429: ("says that its free quota for us is used up", Fault.ACCOUNT),
}


def _keeps_tokens(value: str) -> str:
    if not unforgeable(value):
        raise ValueError("expected an address that begins with https://")
    return value.rstrip("/")


Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Options(contracts.Options):
    """`probes` vantage points are spread over `countries` (two letters each), and `per_hour` limits the tests: one
    for each of them at each look.  `within` is how long they may take.  `token` is optional.
    """

    target: PublicName
    path: str = Field(default="/", pattern=r"^/[!-~]*$")
    method: Literal["HEAD", "GET"] = "HEAD"
    countries: tuple[Country, ...] = ("CA", "DE", "GB", "JP", "US")
    probes: int = Field(default=5, ge=3, le=50)
    per_hour: int = Field(default=100, ge=3, le=500)
    token: SecretStr | None = None
    within: Annotated[Duration, Field(ge=1, le=35)] = 35.0
    api_url: Annotated[WebAddress, AfterValidator(_keeps_tokens)] = "https://api.globalping.io/v1"

    @model_validator(mode="after")
    def _can_be_enough(self) -> Self:
        if len(set(self.countries)) < 2:
            raise ValueError("countries: expected at least two, or the vantage points can never be enough")
        if self.per_hour < self.probes:
            raise ValueError("per_hour: expected at least as many as `probes`")
        return self


def question(options: Options) -> dict[str, Any]:
    """The body that creates a measurement."""
    path, _, query = options.path.partition("?")
    request = {"method": options.method, "path": path, **({"query": query} if query else {})}
    return {
        "type": "http",
        "target": options.target,
        "limit": options.probes,
        "locations": [{"country": country} for country in dict.fromkeys(options.countries)],
        "measurementOptions": {"protocol": "HTTPS", "request": request},
    }


def judge_refusal(status: int) -> Sighting:
    """An answer that is no success: trouble of ours with Globalping, or its own; never the platform's."""
    words, fault = _REFUSALS.get(status, ("itself is in trouble", None))
    return Sighting.unknown(Evidence.ELSEWHERE, f"Globalping {words} (HTTP {status})", fault=fault)


def views_of(results: object) -> list[View]:
    """What each vantage point found; whatever is not as documented cannot tell."""
    rows = results if isinstance(results, list) else []
    return [_view(row) for row in rows if isinstance(row, dict)]


def _view(row: dict[str, Any]) -> View:
    network, country = _place(row.get("probe"))
    result = row.get("result")
    result = result if isinstance(result, dict) else {}
    status = result.get("statusCode")
    match result.get("status"):
        case "finished" if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 999:
            why_not = _why_not(result)
            if not why_not:
                return status_view(network, country, status)
            words = f"HTTP {status}, but {why_not}"
        case "failed":
            return _failed(network, country, result)
        case "in-progress":
            words = "not finished"
        case "offline":
            words = "offline"
        case _:
            words = "an answer of an unknown form"
    return View(network=network, country=country, reach=Reach.CANNOT_TELL, words=words)


def _failed(network: str, country: str, result: dict[str, Any]) -> View:
    """Only what Globalping lays at the door of the target, and what is not a name that is unknown or hidden there."""
    raw, source = result.get("rawOutput"), result.get("failureSource")
    said = plain(raw, 60) if isinstance(raw, str) else ""
    if source == "target" and not NOT_THE_TARGET.search(raw if isinstance(raw, str) else ""):
        return View(network=network, country=country, reach=Reach.FAILS, words=said or "failed")
    whose = {"target": "its name", "resolver": "its resolver", "internal": "itself"}
    blame = whose.get(source if isinstance(source, str) else "", "unknown source")
    words = f"trouble of the vantage point ({blame}): {said}"
    return View(network=network, country=country, reach=Reach.CANNOT_TELL, words=words)


def _why_not(result: dict[str, Any]) -> str:
    """Why an HTTP answer may not be the site's own; "" where nothing speaks against it."""
    tls, headers = result.get("tls"), result.get("headers")
    if isinstance(tls, dict) and tls.get("authorized") is False:
        return "the certificate does not hold"
    if isinstance(headers, dict) and headers.get("cf-mitigated") == "challenge":
        return "a test for robots stands before the page"
    return ""


def _place(probe: object) -> tuple[str, str]:
    """Network and country; empty where they are not as documented."""
    known = probe if isinstance(probe, dict) else {}
    asn, country = known.get("asn"), known.get("country")
    is_asn = isinstance(asn, int) and not isinstance(asn, bool) and 0 < asn < 2**32
    is_country = isinstance(country, str) and re.fullmatch(r"[A-Z]{2}", country)
    return f"AS{asn}" if is_asn else "", country if isinstance(country, str) and is_country else ""


class GlobalpingProbe:
    """One measurement for each look, while the budget lasts."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._now = surroundings.now
        self._budget = Budget(options.per_hour)
        token = options.token.get_secret_value() if options.token else ""
        self._headers = {"accept": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}

    async def look(self) -> Sighting:
        short = self._budget.refusal(self._now(), self._options.probes)
        if short:
            return Sighting.unknown(Evidence.ELSEWHERE, f"Globalping was not asked: {short}")
        key = await self._create()
        if isinstance(key, Sighting):
            return key
        results = await self._results(key)
        return results if isinstance(results, Sighting) else judge_views(views_of(results))

    async def _create(self) -> str | Sighting:
        """The id of a new measurement."""
        self._budget.book(self._now(), self._options.probes)
        headers = {**self._headers, "content-type": "application/json"}
        body = json.dumps(question(self._options)).encode()
        url = f"{self._options.api_url}/measurements"
        answer = await self._fetcher.get(url, method="POST", data=body, headers=headers)
        if isinstance(answer, Page):
            self._budget.heard(self._now(), answer.headers, refused=answer.status == 429)
            if 400 <= answer.status < 500:
                self._budget.refund()
        made = SERVICE.record(answer)
        if isinstance(made, Sighting):
            return made
        key = made.get("id")
        if not isinstance(key, str) or not _ID.fullmatch(key):
            return Sighting.unknown(Evidence.ELSEWHERE, "Globalping answered without the id of a measurement")
        return key

    async def _results(self, key: str) -> object | Sighting:
        """The results when all are in, or as many as there are when time is up."""
        found = await settled(
            lambda: self._measurement(key),
            lambda found: found.get("status") != "in-progress",
            within=self._options.within,
            pause=PAUSE,
            longest_pause=LONGEST_PAUSE,
        )
        return found if isinstance(found, Sighting) else found.get("results")

    async def _measurement(self, key: str) -> Answer:
        url = f"{self._options.api_url}/measurements/{key}"
        return SERVICE.record(await self._fetcher.get(url, headers=self._headers))


SERVICE = Service(name="Globalping", evidence=Evidence.ELSEWHERE, refusal=judge_refusal, good=range(200, 300))


def votes(options: Options) -> frozenset[Evidence]:
    """Where failing is the usual state of things, only what gets through counts."""
    return frozenset({Evidence.ELSEWHERE} if len({*options.countries} - BLOCKING) >= COUNTRIES else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[GlobalpingProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield GlobalpingProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.ELSEWHERE,
    every=180.0,
    fastest=180.0,
    timeout=60.0,
    on_suspicion=True,
    votes=votes,
    example="""\
kind: globalping
target: www.facebook.com
""",
)
