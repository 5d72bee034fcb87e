"""The kind `metastatus`: what the words of Meta's page amount to."""

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
from probes.metastatus import KIND, Options, judge, read_orgs, recognise
from tests.probes._garbage import NOW, anything, spoil, surroundings


def service(key: int, name: str, status: Any, at: Any = "2026-11-20T10:00:00Z") -> dict[str, Any]:
    return {"id": key, "name": name, "status": status, "time": at}


def org(key: str, *services: dict[str, Any]) -> dict[str, Any]:
    """A product in the form described for `orgs.json`; no capture is published."""
    feed = f"outage-events-feed-{key}.rss"
    return {"id": key, "name": key.title(), "services": [*services], "rss_file_paths": [feed]}


def page(login: Any, at: Any = "2026-11-20T10:00:00Z") -> list[dict[str, Any]]:
    return [
        org(
            "facebook-login",
            service(1, "Facebook Login", login, at),
            service(2, "Login for Devices", "No known issues"),
        ),
        org("graph-api", service(1, "Platform Status", "High disruptions")),
    ]


def look_at(document: Any, *orgs: str, **more: Any) -> Sighting:
    return judge(read_orgs(document), Options(orgs=orgs or ("facebook-login",), **more), now=NOW)


@pytest.mark.parametrize("name", ["9" * 5000, "a\u202eb\nc", "\ud800x"], ids=["endless", "unprintable", "half"])
def test_a_service_is_named_in_a_few_printable_words(name: str) -> None:
    """The reason is shown to people, and the page may say anything."""
    said = look_at([org("chat", service(1, name, "High disruptions"))], "chat")
    assert said.signal is Signal.DOWN
    assert said.reason.isprintable()
    assert len(said.reason) < 120


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        ("No known issues", Signal.UP),
        ("Resolved", Signal.UP),
        ("no KNOWN issues", Signal.UP),
        ("Low disruptions", Signal.DEGRADED),
        ("Medium disruptions", Signal.DEGRADED),
        ("Medium disruption", Signal.DEGRADED),
        ("High disruptions", Signal.DOWN),
        ("High disruption", Signal.DOWN),
        ("Major disruptions", Signal.DOWN),
        ("No high disruptions", Signal.UNKNOWN),
        ("Disruptions", Signal.UNKNOWN),
        ("major_outage", Signal.UNKNOWN),
        ("operational", Signal.UNKNOWN),
        ("", Signal.UNKNOWN),
        (None, Signal.UNKNOWN),
        (4, Signal.UNKNOWN),
    ],
)
def test_words(status: Any, signal: Signal) -> None:
    """Only the words that were seen on the page count, and only as the whole state."""
    seen = look_at(page(status))
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)


def test_only_the_watched_products_and_services_count() -> None:
    """The Graph API's outage is not that of the login; a service picks itself out."""
    assert look_at(page("No known issues")).signal is Signal.UP
    assert look_at(page("No known issues"), "facebook-login", "graph-api").signal is Signal.DOWN
    assert look_at(page("High disruptions"), services=("Login for devices",)).signal is Signal.UP
    assert look_at(page("High disruptions"), services=("facebook login",)).signal is Signal.DOWN


@pytest.mark.parametrize(
    ("orgs", "services"), [(["messenger"], []), (["graph-api"], ["Login"]), (["facebook-login", "x"], [])]
)
def test_what_is_gone_is_not_green(orgs: list[str], services: list[str]) -> None:
    """A product or service that is not on the list (any more) is reported, not taken as well."""
    document = [org("facebook-login", service(1, "Facebook Login", "No known issues"))]
    seen = look_at(document, *orgs, services=tuple(services))
    assert (seen.signal, "does not name" in seen.reason) == (Signal.UNKNOWN, True)


def test_red_can_be_made_doubt() -> None:
    """Where the product watched is only near to what the public sees."""
    seen = look_at(page("High disruptions"), high="degraded")
    assert (seen.signal, seen.detail) == (Signal.DEGRADED, "facebook-login")
    assert "major outage of Facebook Login" in seen.reason


@pytest.mark.parametrize(
    ("at", "signal"),
    [
        ("2026-11-01T10:00:00Z", Signal.UNKNOWN),
        ("2026-11-19T10:00:00Z", Signal.DOWN),
        (None, Signal.DOWN),
        (5, Signal.DOWN),
    ],
)
def test_forgotten_outage(at: Any, signal: Signal) -> None:
    """Red that nobody touched for days was left behind; green may be as old as it likes."""
    assert look_at(page("High disruptions", at)).signal is signal
    assert look_at(page("No known issues", at)).signal is Signal.UP


@pytest.mark.parametrize("document", [None, [], {}, "x", [1], [{"id": "facebook-login"}], {"data": page("Resolved")}])
def test_other_json_is_not_the_list(document: Any) -> None:
    """Nothing is made of anything else."""
    assert "not the list" in look_at(document).reason
    assert recognise("https://metastatus.com/data/orgs.json", document) is None


def test_recognised() -> None:
    """The address of the page and its products."""
    found = recognise("https://metastatus.com/data/orgs.json", page("Resolved"))
    assert found == {"url": "https://metastatus.com", "orgs": ["facebook-login", "graph-api"]}
    assert Options.model_validate(found)


@given(anything)
@settings(deadline=None, max_examples=150)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing."""
    for wrapped in (document, [document], [{"id": "facebook-login", "services": document}], page(document)):
        assert look_at(wrapped).signal is not Signal.DOWN
        recognise("https://metastatus.com/data/orgs.json", wrapped)


@given(st.randoms(use_true_random=False), st.integers(1, 30))
@settings(deadline=None, max_examples=300)
def test_spoiled_lists_never_invent_an_outage(random: Random, times: int) -> None:
    """Without a service that says high disruptions nothing is down."""
    document = spoil([org("facebook-login", service(1, "Facebook Login", "Low disruptions"))], random, times)
    assert look_at(document).signal is not Signal.DOWN


@pytest.mark.parametrize(
    "wrong", [{"orgs": []}, {"orgs": [""]}, {"high": "up"}, {"services": [" "]}, {"url": "metastatus.com"}]
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate({"orgs": ["a"]} | wrong)


async def look(answer: Any) -> Sighting:
    with respx.mock:
        respx.get("https://metastatus.com/data/orgs.json").mock(side_effect=[answer])
        async with KIND.open(Options(orgs=("facebook-login",)), surroundings()) as probe:
            return await probe.look()


async def test_a_look_over_the_wire() -> None:
    """One request; what the page says is what is seen."""
    seen = await look(httpx.Response(200, json=page("High disruptions")))
    assert (seen.signal, seen.fault) == (Signal.DOWN, Fault.PLATFORM)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<!doctype html><title>Meta Status</title>"),
        httpx.Response(500),
        httpx.Response(403),
        httpx.ConnectError("refused"),
        httpx.Response(200, text=""),
    ],
)
async def test_a_failing_page_is_not_a_failing_platform(answer: Any) -> None:
    """The page runs at Meta: that it is gone too proves nothing (rule R4)."""
    seen = await look(answer)
    assert (seen.signal, seen.evidence) == (Signal.UNKNOWN, Evidence.OFFICIAL)
