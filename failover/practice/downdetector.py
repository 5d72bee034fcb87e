"""A practice Downdetector: the API v2 (https://downdetectorapi.com/v2/docs/) with a status that can be set.

`/v2/tokens` checks HTTP Basic and gives out tokens of the JWT form that end after `lifetime` seconds of the service's
own clock; every other call needs one.  What was called is counted, because the real API is billed.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from failover.practice.http import HttpService, Request, Response


@dataclass(slots=True)
class Company:
    """One company on the site of one country; ids differ between sites."""

    key: int
    slug: str
    country: str
    status: str = "success"
    last_15: int = 40
    usual: int = 44

    def row(self) -> dict[str, Any]:
        return {"id": self.key, "name": self.slug.title(), "slug": self.slug, "country_iso": self.country}


class DowndetectorService(HttpService):
    """`clock` stands for the service's own; `calls` counts requests by what they asked for."""

    def __init__(
        self,
        *companies: Company,
        client_id: str = "practice-id",
        client_secret: str = "practice-secret",  # noqa: S107 - a practice value
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__()
        self.companies = list(companies) or [Company(10001, "facebook", "GB")]
        self.calls: Counter[str] = Counter()
        self.lifetime = 3600.0
        self._basic = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._clock = clock
        self._valid: dict[str, float] = {}

    @property
    def api_url(self) -> str:
        return f"{self.url}/v2"

    def set(self, status: str, *, last_15: int = 40, slug: str = "facebook") -> None:
        """Give a company this status on every site."""
        for company in self.companies:
            if company.slug == slug:
                company.status, company.last_15 = status, last_15

    def revoke(self) -> None:
        """Forget every token that was given out."""
        self._valid.clear()

    async def answer(self, request: Request) -> Response:
        if request.path == "/v2/tokens":
            return self._token(request)
        if not self._is_known(request.headers.get("authorization", "").removeprefix("Bearer ")):
            self.calls["refused"] += 1
            return _problem(401, "Unauthorized")
        if request.path == "/v2/companies/search":
            return self._search(request)
        return self._about(request.path)

    def _token(self, request: Request) -> Response:
        self.calls["tokens"] += 1
        if request.method != "POST" or request.form().get("grant_type") != "client_credentials":
            return _problem(400, "unsupported grant type")
        if request.headers.get("authorization") != f"Basic {self._basic}":
            return _problem(401, "invalid client")
        token = _jwt({"iss": "api", "iat": self._clock(), "exp": self._clock() + self.lifetime}, self.calls["tokens"])
        self._valid[token] = self._clock() + self.lifetime
        return Response.json({"access_token": token, "token_type": "Bearer"})

    def _is_known(self, token: str) -> bool:
        return self._clock() < self._valid.get(token, float("-inf"))

    def _search(self, request: Request) -> Response:
        self.calls["search"] += 1
        slug, country = request.query.get("slug", ""), request.query.get("country")
        found = [row for row in self.companies if slug in row.slug and country in (None, row.country)]
        return Response.json([company.row() for company in found])

    def _about(self, path: str) -> Response:
        """`/v2/companies/{id}/…`"""
        _, _, key, what = path.removeprefix("/v2").split("/", 3) if path.count("/") >= 4 else ("", "", "", "")
        company = next((company for company in self.companies if str(company.key) == key), None)
        self.calls[what] += 1
        if company is None:
            return _problem(404, "no such company")
        answers = {"status": company.status, "last_15": company.last_15, "baseline/current": company.usual}
        return Response.json(answers[what]) if what in answers else _problem(404, "no such call")

    def throttled(self) -> Response:
        return _problem(429, "Too Many Requests")


def _problem(status: int, message: str) -> Response:
    return Response.json({"error": True, "message": message, "statusCode": status}, status)


def _jwt(claims: dict[str, Any], number: int) -> str:
    """Three parts like a signed token; the last is no signature, it only makes each token another."""
    parts = [{"alg": "HS512", "typ": "JWT"}, claims, {"practice": number}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
