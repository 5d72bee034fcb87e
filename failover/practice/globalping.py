"""A practice Globalping: measurements that take a while, vantage points that fail, and an hourly quota.

It speaks what https://globalping.io/docs/api.globalping.io describes: POST /v1/measurements answers 202 with an id
and the rate-limit headers, GET /v1/measurements/{id} says `in-progress` for as many questions as `polls`, then
`finished`; a quota that is used up is 429.  What a vantage point finds is set by its country; `everywhere` sets them
all.  While a measurement runs, only what was set is in yet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from failover.practice.http import HttpService, Request, Response

HOUR = 3600.0

PROBES = {"CA": 852, "DE": 3320, "GB": 2856, "JP": 2516, "US": 7922, "FR": 3215, "BR": 28573}
"""One vantage point in each country: the number of its network."""


def answered(status: int = 200, **more: Any) -> dict[str, Any]:
    """The result of a vantage point that got an answer."""
    tls = {"authorized": True, "protocol": "TLSv1.3"}
    return {
        "status": "finished",
        "resolvedAddress": "192.0.2.1",
        "headers": {"content-type": "text/html"},
        "statusCode": status,
        "statusCodeName": "",
        "rawHeaders": "content-type: text/html",
        "rawBody": None,
        "rawOutput": f"HTTP/1.1 {status}",
        "truncated": False,
        "tls": tls,
        **more,
    }


def failed(source: str | None = "target", said: str = "connect ETIMEDOUT 192.0.2.1:443") -> dict[str, Any]:
    """The result of a vantage point that got none; `source` is whose failure Globalping takes it for."""
    blame = {} if source is None else {"failureSource": source}
    return {"status": "failed", **blame, "statusCode": None, "headers": {}, "tls": None, "rawOutput": said}


@dataclass(slots=True)
class Measurement:
    """One that was asked for; `polls` questions are still answered with `in-progress`."""

    target: str
    places: list[str]
    polls: int


@dataclass(slots=True)
class Quota:
    """The tests of one address in one hour, by the service's own clock."""

    limit: int = 250
    used: int = 0
    ends: float = field(default=-math.inf)


class GlobalpingService(HttpService):
    """`tests` counts what was run; `token`, if set, must be sent with every request."""

    def __init__(self, *, clock: Callable[[], float] = lambda: 0.0, token: str = "") -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []
        self.polls = 0
        self.probes = dict(PROBES)
        self.results: dict[str, dict[str, Any]] = {}
        self.quota = Quota()
        self.calls: Counter[str] = Counter()
        self.tests = 0
        self._clock = clock
        self._token = token
        self._known: dict[str, Measurement] = {}

    @property
    def api_url(self) -> str:
        return f"{self.url}/v1"

    def set(self, country: str, result: dict[str, Any]) -> None:
        """What the vantage point of that country finds from now on."""
        self.results[country] = result

    def everywhere(self, result: dict[str, Any]) -> None:
        """What all of them find from now on."""
        self.results = dict.fromkeys(self.probes, result)

    async def answer(self, request: Request) -> Response:
        self.calls[request.method] += 1
        if self._token and request.headers.get("authorization") != f"Bearer {self._token}":
            return _problem(401, "unauthorized", "The token is wrong.")
        if (request.method, request.path) == ("POST", "/v1/measurements"):
            return self._create(request)
        key = request.path.removeprefix("/v1/measurements/")
        return self._show(key) if key in self._known else _problem(404, "not_found", "There is no such measurement.")

    def throttled(self) -> Response:
        return self._too_many()

    def _create(self, request: Request) -> Response:
        body = request.json()
        self.asked.append(body)
        if body.get("type") != "http" or "." not in body.get("target", ""):
            return _problem(400, "validation_error", "Parameter validation failed.")
        wanted = [place.get("country") for place in body.get("locations", [])] or list(self.probes)
        places = [country for country in wanted if country in self.probes][: body.get("limit", 1)]
        if not places:
            return _problem(422, "no_probes_found", "No matching IPv4 probes available.")
        if not self._spend(len(places)):
            return self._too_many()
        key = f"practice{len(self._known):08}"
        self._known[key] = Measurement(body["target"], places, self.polls)
        headers = {**self._rates(len(places)), "location": f"{self.api_url}/measurements/{key}"}
        return Response.json({"id": key, "probesCount": len(places)}, 202, headers)

    def _spend(self, tests: int) -> bool:
        quota = self.quota
        if self._clock() >= quota.ends:
            quota.used, quota.ends = 0, self._clock() + HOUR
        if quota.used + tests > quota.limit:
            return False
        quota.used += tests
        self.tests += tests
        return True

    def _rates(self, consumed: int) -> dict[str, str]:
        quota = self.quota
        return {
            "x-ratelimit-limit": str(quota.limit),
            "x-ratelimit-consumed": str(consumed),
            "x-ratelimit-remaining": str(quota.limit - quota.used),
            "x-ratelimit-reset": str(max(1, math.ceil(quota.ends - self._clock()))) if quota.used else "3600",
        }

    def _too_many(self) -> Response:
        words = "This measurement exceeds the remaining hourly rate limit for your IP address."
        return _problem(429, "rate_limit_exceeded", words, self._rates(0))

    def _show(self, key: str) -> Response:
        measurement = self._known[key]
        running = measurement.polls > 0
        measurement.polls -= 1
        rows = [self._row(country, running=running) for country in measurement.places]
        status = "in-progress" if running else "finished"
        about = {"id": key, "type": "http", "target": measurement.target, "probesCount": len(rows)}
        return Response.json({**about, "status": status, "results": rows})

    def _row(self, country: str, *, running: bool) -> dict[str, Any]:
        place = {"continent": "EU", "country": country, "city": "Practice", "asn": self.probes[country]}
        probe = {**place, "network": "Practice network", "tags": [], "resolvers": ["private"]}
        otherwise = {"status": "in-progress", "rawOutput": ""} if running else answered()
        return {"probe": probe, "result": self.results.get(country, otherwise)}


def _problem(status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response.json({"error": {"type": kind, "message": message}}, status, headers)
