"""The practice status page speaks like a real one."""

from __future__ import annotations

import httpx
import pytest

from failover.practice.statuspage import Incident, Mode, StatuspageService


async def get(service: StatuspageService, name: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return await client.get(f"{service.url}/api/v2/{name}.json", headers=headers)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("summary", {"page", "status", "components", "incidents", "scheduled_maintenances"}),
        ("status", {"page", "status"}),
        ("components", {"page", "components"}),
        ("incidents", {"page", "incidents"}),
    ],
)
async def test_documents(name: str, keys: set[str]) -> None:
    """Each document has the members of the real one, and says whose page it is."""
    async with StatuspageService() as service:
        answer = await get(service, name)
        assert set(answer.json()) == keys
        assert answer.json()["page"]["url"] == service.url
        assert "application/json" in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("state", "indicator"),
    [
        ("operational", "none"),
        ("degraded_performance", "minor"),
        ("partial_outage", "major"),
        ("major_outage", "critical"),
        ("under_maintenance", "maintenance"),
    ],
)
async def test_states_make_the_roll_up(state: str, indicator: str) -> None:
    """The worst component sets the indicator, unless it is set by hand."""
    async with StatuspageService(["A", "B"]) as service:
        service.set("B", state)
        assert (await get(service, "status")).json()["status"]["indicator"] == indicator
        service.indicator = "minor"
        assert (await get(service, "status")).json()["status"]["indicator"] == "minor"


async def test_etag() -> None:
    """Unchanged is 304 without a body; a change is a new tag."""
    async with StatuspageService() as service:
        first = await get(service, "summary")
        again = await get(service, "summary", **{"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        service.set("Messaging", "major_outage")
        changed = await get(service, "summary", **{"if-none-match": first.headers["etag"]})
        assert (changed.status_code, changed.headers["etag"] == first.headers["etag"]) == (200, False)


async def test_cut_summary_and_incidents() -> None:
    """A large page leaves components out of the summary only; an incident lists what it concerns."""
    async with StatuspageService(["A", "B"]) as service:
        service.summary_limit = 1
        service.open_incident(Incident("Trouble", components=("B",)))
        assert [row["name"] for row in (await get(service, "summary")).json()["components"]] == ["A"]
        assert len((await get(service, "components")).json()["components"]) == 2
        assert [row["name"] for row in (await get(service, "incidents")).json()["incidents"][0]["components"]] == [
            "B"
        ]


@pytest.mark.parametrize(
    ("mode", "status", "text"),
    [
        (Mode.INACTIVE, 401, "Your page is inactive"),
        (Mode.MARKETING, 200, "<html>"),
        (Mode.FOREIGN, 200, "Somebody Else"),
    ],
)
async def test_what_an_address_turns_into(mode: Mode, status: int, text: str) -> None:
    """Retired, never claimed, or another's."""
    async with StatuspageService() as service:
        service.mode = mode
        answer = await get(service, "summary")
        assert (answer.status_code, text in answer.text) == (status, True)


async def test_unknown_paths_are_not_found() -> None:
    """Only the documents exist."""
    async with StatuspageService() as service:
        assert (await get(service, "subscribers")).status_code == 404
