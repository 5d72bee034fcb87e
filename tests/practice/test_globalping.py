"""The practice Globalping speaks like the real API v1."""

from __future__ import annotations

from typing import Any

import httpx

from failover.practice.globalping import GlobalpingService, answered, failed
from failover.practice.http import Fault

ASK = {"type": "http", "target": "www.facebook.com", "limit": 3, "locations": [{"country": c} for c in ("GB", "US")]}


async def ask(service: GlobalpingService, body: dict[str, Any], token: str = "") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return await client.post(f"{service.api_url}/measurements", json=body, headers=headers)


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return await client.get(url)


async def test_a_measurement_is_accepted_and_then_asked_for() -> None:
    """202 with an id and `Location`; in progress first, finished with one row for each vantage point then."""
    async with GlobalpingService() as service:
        service.polls = 1
        made = await ask(service, ASK)
        assert (made.status_code, made.json()["probesCount"]) == (202, 2)
        assert made.headers["location"].endswith(made.json()["id"])
        first, second = [(await get(made.headers["location"])).json() for _ in range(2)]
    assert (first["status"], first["results"][0]["result"]["status"]) == ("in-progress", "in-progress")
    assert second["status"] == "finished"
    assert [(row["probe"]["country"], row["result"]["statusCode"]) for row in second["results"]] == [
        ("GB", 200),
        ("US", 200),
    ]


async def test_vantage_points_find_what_is_set() -> None:
    """One by one, or all of them; a failure says whose it was taken for, or does not."""
    async with GlobalpingService() as service:
        service.everywhere(failed())
        service.set("US", failed(None, "?"))
        rows = (await get((await ask(service, ASK)).headers["location"])).json()["results"]
        assert [row["result"].get("failureSource") for row in rows] == ["target", None]
        service.set("GB", answered(503))
        rows = (await get((await ask(service, ASK)).headers["location"])).json()["results"]
        assert rows[0]["result"]["statusCode"] == 503


async def test_the_quota_counts_vantage_points_and_begins_anew_each_hour() -> None:
    """Headers tell what is left; a measurement that is too large is 429 and costs nothing."""
    now = [0.0]
    async with GlobalpingService(clock=lambda: now[0]) as service:
        service.quota.limit = 5
        made = await ask(service, ASK)
        assert [made.headers[f"x-ratelimit-{name}"] for name in ("consumed", "remaining", "reset")] == [
            "2",
            "3",
            "3600",
        ]
        assert (await ask(service, ASK)).headers["x-ratelimit-remaining"] == "1"
        now[0] = 600.0
        refused = await ask(service, ASK)
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_exceeded")
        assert refused.headers["x-ratelimit-reset"] == "3000"
        now[0] = 3600.0
        assert (await ask(service, ASK)).status_code == 202
        assert service.tests == 6


async def test_what_is_wrong_is_told_in_the_api_s_own_form() -> None:
    """400, 401, 404, 422, 429."""
    async with GlobalpingService(token="practice-token") as service:
        assert (await ask(service, ASK)).status_code == 401
        assert (await ask(service, {**ASK, "target": "facebook"}, "practice-token")).status_code == 400
        nowhere = await ask(service, {**ASK, "locations": [{"country": "AQ"}]}, "practice-token")
        assert (nowhere.status_code, nowhere.json()["error"]["type"]) == (422, "no_probes_found")
        service.fail(Fault.THROTTLED)
        assert (await ask(service, ASK, "practice-token")).json()["error"]["type"] == "rate_limit_exceeded"
    async with GlobalpingService() as service:
        assert (await get(f"{service.api_url}/measurements/none")).status_code == 404
