"""The kind `cachet`: what pages of both generations amount to."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Fault, Sighting, Signal
from probes.cachet import KIND, Options, has_more, judge, read_components, read_incidents, recognise
from tests.probes._garbage import NOW, anything, sample, spoil, surroundings

URL = "https://status.example.net"
INCIDENTS = "cachet_v3_incidents.json"
DAY_OF_SAMPLE = 1_730_019_600.0  # 2024-10-27T09:00:00Z


def old(name: str, status: Any, key: int = 1, at: str = "2026-11-20 10:30:00", **more: Any) -> dict[str, Any]:
    """A component as versions 1 and 2 write it."""
    return {"id": key, "name": name, "status": status, "status_name": "…", "group_id": 0, "updated_at": at, **more}


def new(name: str, status: Any, key: int = 1, at: str = "2026-11-20 10:30:00", **more: Any) -> dict[str, Any]:
    """A component as version 3 writes it."""
    fields = {
        "id": key,
        "name": name,
        "status": status,
        "enabled": True,
        "updated": {"human": "…", "string": at},
        **more,
    }
    return {"id": str(key), "type": "components", "attributes": fields}


def listed(*rows: Any, more: bool = False) -> dict[str, Any]:
    if rows and "attributes" in rows[0]:
        return {"data": [*rows], "links": {"next": "https://x" if more else None}, "meta": {"current_page": 1}}
    return {
        "meta": {"pagination": {"total": 1, "links": {"next_page": "https://x" if more else None}}},
        "data": [*rows],
    }


def options(*components: str, **more: Any) -> Options:
    return Options(url=URL, components=components or ("Website",), **more)


def look_at(document: Any, *components: str, incidents: Any = None, now: float = NOW) -> Sighting:
    parts = read_components(document)
    assert parts is not None
    return judge(parts, read_incidents(incidents), options(*components), now=now)


@pytest.mark.parametrize("write", [old, new], ids=["v2", "v3"])
@pytest.mark.parametrize(
    ("status", "signal"),
    [
        (1, Signal.UP),
        ("1", Signal.UP),
        (2, Signal.DEGRADED),
        (3, Signal.DEGRADED),
        (4, Signal.DOWN),
        ({"human": "Major Outage", "value": 4}, Signal.DOWN),
        (5, Signal.UNKNOWN),
        (6, Signal.UNKNOWN),
        (0, Signal.UNKNOWN),
        (7, Signal.UNKNOWN),
        (True, Signal.UNKNOWN),
        (None, Signal.UNKNOWN),
        ("down", Signal.UNKNOWN),
        (4.0, Signal.UNKNOWN),
    ],
)
def test_states(write: Any, status: Any, signal: Signal) -> None:
    """The documented numbers have their meaning in both versions; others mean nothing."""
    seen = look_at(listed(write("Website", status)))
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)


@pytest.mark.parametrize("write", [old, new], ids=["v2", "v3"])
def test_named_components_decide(write: Any) -> None:
    """Others' trouble does not count; a name or id that is gone is not green; old red was left behind."""
    document = listed(write("Website", 1), write("Mail", 4, key=2), write("Old", 4, key=3, at="2026-11-01 10:00:00"))
    assert look_at(document).signal is Signal.UP
    assert look_at(document, "2").signal is Signal.DOWN
    assert look_at(document, "website", "MAIL").signal is Signal.DOWN
    assert "does not name Chat" in look_at(document, "Chat").reason
    assert "not believed" in look_at(document, "Old").reason


@pytest.mark.parametrize("write", [old, new], ids=["v2", "v3"])
def test_disabled_component_is_not_there(write: Any) -> None:
    """What the page does not show says nothing."""
    assert look_at(listed(write("Website", 4, enabled=False))).signal is Signal.UNKNOWN


def test_maintenance_is_no_outage() -> None:
    """Version 3 says so of the component itself."""
    assert "announced maintenance" in look_at(listed(new("Website", 6))).reason


@pytest.mark.parametrize(
    ("name", "signal"), [("Documentation", Signal.DEGRADED), ("DNS Provider", Signal.UP), ("Website", Signal.UP)]
)
def test_documented_incidents(name: str, signal: Signal) -> None:
    """An open incident that names a green component is doubt; a fixed one and another's are not."""
    document = listed(new(name, 1, at="2024-10-01 10:00:00"))
    assert look_at(document, name, incidents=sample(INCIDENTS), now=DAY_OF_SAMPLE).signal is signal


@pytest.mark.parametrize(
    ("incident", "signal"),
    [
        ({"name": "Trouble", "status": 2, "component_id": 1, "updated_at": "2026-11-20 10:00:00"}, Signal.DEGRADED),
        ({"name": "Trouble", "status": 2, "component_id": 9, "updated_at": "2026-11-20 10:00:00"}, Signal.UP),
        (
            {"name": "Website is slow", "status": 1, "component_id": 0, "updated_at": "2026-11-20 10:00:00"},
            Signal.DEGRADED,
        ),
        ({"name": "Website is slow", "status": 3, "component_id": 1, "updated_at": "2026-11-20 10:00:00"}, Signal.UP),
        ({"name": "Website is slow", "status": 0, "component_id": 1, "updated_at": "2026-11-20 10:00:00"}, Signal.UP),
        ({"name": "Website is slow", "status": 1, "component_id": 1, "updated_at": "2026-11-01 10:00:00"}, Signal.UP),
    ],
)
def test_incidents_of_version_2(incident: dict[str, Any], signal: Signal) -> None:
    """By the component's id, else by its name in the title; watched, scheduled and forgotten ones do not count."""
    assert look_at(listed(old("Website", 1)), incidents={"data": [incident]}).signal is signal


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        "x",
        {"data": "Pong!"},
        {"data": {"id": 1}},
        {"data": [1]},
        {"data": [{"name": "a"}]},
        sample(INCIDENTS),
    ],
)
def test_other_json_is_not_cachet(document: Any) -> None:
    """Such as Cachet's own incidents, which have names and states too."""
    assert read_components(document) is None
    assert recognise(f"{URL}/api/components", document) is None


@pytest.mark.parametrize(
    ("path", "write", "version"), [("/api/components?per_page=100", new, 3), ("/sub/api/v1/components", old, 2)]
)
def test_recognised(path: str, write: Any, version: int) -> None:
    """The version, the address of the page and what it names; the options are valid."""
    found = recognise(f"{URL}{path}", listed(write("Website", 1), write("Mail", 4)))
    assert found == {"url": URL + path.partition("/api/")[0], "version": version, "components": ["Website", "Mail"]}
    assert Options.model_validate(found)


def test_another_list_of_names_is_not_recognised() -> None:
    """Rows of version 2 are known by more than a name and a state."""
    assert recognise(f"{URL}/api/v1/components", {"data": [{"name": "a", "status": 1}]}) is None


@given(anything)
@settings(deadline=None, max_examples=150)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing."""
    for wrapped in (document, {"data": document}, {"data": [document]}, listed(new("Website", document))):
        parts = read_components(wrapped)
        if parts is not None and document != 4:
            assert judge(parts, read_incidents(wrapped), options(), now=NOW).signal is not Signal.DOWN or "4" in repr(
                document
            )
        has_more(wrapped)
        recognise(URL, wrapped)


@given(st.randoms(use_true_random=False), st.sampled_from([old, new]), st.integers(1, 30))
@settings(deadline=None, max_examples=300)
def test_spoiled_pages_never_invent_an_outage(random: Random, write: Any, times: int) -> None:
    """Without a row that says 4 nothing is down."""
    document = spoil(listed(write("Website", 1, key=7), write("Mail", 3, key=8)), random, times)
    parts = read_components(document)
    if parts is not None:
        assert judge(parts, read_incidents(document), options("Website", "8"), now=NOW).signal is not Signal.DOWN


@pytest.mark.parametrize(
    "wrong", [{"components": []}, {"components": [" "]}, {"version": 1}, {"url": "x"}, {"page": "x"}]
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate({"url": URL, "components": ["a"]} | wrong)


async def look(version: int, components: list[Any], incidents: Any, *wanted: str) -> tuple[Sighting, list[str]]:
    base = f"{URL}/api/v1" if version == 2 else f"{URL}/api"
    with respx.mock(assert_all_called=False) as web:
        web.get(url__startswith=f"{base}/components").mock(side_effect=components)
        web.get(url__startswith=f"{base}/incidents").mock(side_effect=[incidents])
        async with KIND.open(options(*wanted, version=version), surroundings()) as probe:
            seen = await probe.look()
        return seen, [call.request.url.path for call in web.calls]


NONE = httpx.Response(200, json={"data": []})


@pytest.mark.parametrize(("version", "write"), [(2, old), (3, new)])
async def test_a_look_over_the_wire(version: int, write: Any) -> None:
    """Red needs one request; green is checked against the incidents."""
    seen, asked = await look(version, [httpx.Response(200, json=listed(write("Website", 4)))], NONE)
    assert (seen.signal, seen.fault, len(asked)) == (Signal.DOWN, Fault.PLATFORM, 1)
    seen, asked = await look(version, [httpx.Response(200, json=listed(write("Website", 1)))], NONE)
    assert (seen.signal, len(asked)) == (Signal.UP, 2)


async def test_incidents_that_cannot_be_read_change_nothing() -> None:
    """They could only spoil a green page."""
    seen, _asked = await look(3, [httpx.Response(200, json=listed(new("Website", 1)))], httpx.Response(500))
    assert seen.signal is Signal.UP


@pytest.mark.parametrize(("version", "write"), [(2, old), (3, new)])
async def test_long_lists_are_read_to_the_wanted_one(version: int, write: Any) -> None:
    """And no further, at most five pages."""
    first = httpx.Response(200, json=listed(write("Mail", 1, key=2), more=True))
    second = httpx.Response(200, json=listed(write("Website", 4), more=True))
    seen, asked = await look(version, [first, second], NONE)
    assert (seen.signal, len(asked)) == (Signal.DOWN, 2)
    seen, asked = await look(
        version, [httpx.Response(200, json=listed(write("Mail", 1, key=2), more=True))] * 9, NONE
    )
    assert (seen.signal, len(asked)) == (Signal.UNKNOWN, 5)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html></html>"),
        httpx.Response(401, json={}),
        httpx.Response(404),
        httpx.Response(500),
        httpx.Response(200, json={"data": "Pong!"}),
        httpx.ConnectError("refused"),
    ],
)
async def test_a_failing_page_is_not_a_failing_platform(answer: Any) -> None:
    """The page's own trouble says nothing (rule R4)."""
    seen, _asked = await look(3, [answer], NONE)
    assert (seen.signal, seen.evidence) == (Signal.UNKNOWN, Evidence.OFFICIAL)
