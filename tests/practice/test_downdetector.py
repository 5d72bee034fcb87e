"""The practice Downdetector speaks like the real API v2."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from failover.practice.downdetector import Company, DowndetectorService
from failover.practice.http import Fault

ROW = {"id": 7, "name": "Facebook", "slug": "facebook", "country_iso": "GB"}


async def token(service: DowndetectorService, secret: str = "practice-secret", **query: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=False, auth=("practice-id", secret)) as client:
        params = {"grant_type": "client_credentials"} | query
        return await client.post(f"{service.api_url}/tokens", params=params)


async def call(service: DowndetectorService, path: str, bearer: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return await client.get(f"{service.api_url}{path}", headers={"authorization": f"Bearer {bearer}"})


async def test_token_has_the_form_of_a_jwt() -> None:
    """Three parts; the middle one says when it ends."""
    async with DowndetectorService(clock=lambda: 1000.0) as service:
        answer = (await token(service)).json()
    middle = answer["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    assert (answer["token_type"], claims["iat"], claims["exp"]) == ("Bearer", 1000.0, 4600.0)


@pytest.mark.parametrize(
    ("secret", "query", "status"),
    [("wrong", {}, 401), ("practice-secret", {"grant_type": "password"}, 400), ("practice-secret", {}, 200)],
)
async def test_credentials_are_checked(secret: str, query: dict[str, str], status: int) -> None:
    """HTTP Basic and the grant type."""
    async with DowndetectorService() as service:
        assert (await token(service, secret, **query)).status_code == status


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/companies/7/status", "danger"),
        ("/companies/7/last_15", 9800),
        ("/companies/7/baseline/current", 44),
        ("/companies/search?slug=face&country=GB", [ROW]),
        ("/companies/search?slug=face&country=US", []),
    ],
)  # fmt: skip
async def test_answers(path: str, value: Any) -> None:
    """Bare JSON values, as the real ones; the search finds parts of a slug."""
    async with DowndetectorService(Company(7, "facebook", "GB")) as service:
        service.set("danger", last_15=9800)
        bearer = (await token(service)).json()["access_token"]
        assert (await call(service, path, bearer)).json() == value


async def test_tokens_end_and_can_be_revoked() -> None:
    """Without a valid token every call is 401."""
    now = [0.0]
    async with DowndetectorService(clock=lambda: now[0]) as service:
        path = f"/companies/{service.companies[0].key}/status"
        assert (await call(service, path, "guess")).status_code == 401
        bearer = (await token(service)).json()["access_token"]
        assert (await call(service, path, bearer)).status_code == 200
        now[0] = 3600.0
        assert (await call(service, path, bearer)).status_code == 401
        bearer = (await token(service)).json()["access_token"]
        service.revoke()
        assert (await call(service, path, bearer)).status_code == 401
        assert service.calls == {"tokens": 2, "refused": 3, "status": 1}


async def test_unknown_things_and_throttling() -> None:
    """404 for what is not there, 429 in the API's own form."""
    async with DowndetectorService() as service:
        bearer = (await token(service)).json()["access_token"]
        assert (await call(service, "/companies/1/status", bearer)).status_code == 404
        assert (await call(service, f"/companies/{service.companies[0].key}/events", bearer)).status_code == 404
        assert (await call(service, "/sites", bearer)).status_code == 404
        service.fail(Fault.THROTTLED)
        answer = await call(service, "/sites", bearer)
        assert (answer.status_code, answer.json()["statusCode"]) == (429, 429)
