"""The kind `betterstack`: what good and broken pages of Better Stack amount to."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes._board import judge_board
from probes._json import mapping
from probes._official import fold, word
from probes.betterstack import KIND, Options, read_board, recognise
from tests.probes._garbage import NOW, anything, sample
from tests.probes._pages import UNREADABLE, look, sound, spoiled

SITE = "https://status.example.net"
INDEX = sample("synthetic_betterstack_index.json")


def judged(document: Any, *wanted: str, now: float = NOW, **more: Any) -> Sighting:
    board, options = read_board(document, now=now), Options(url=SITE, components=wanted, **more)
    assert board is not None
    return sound(judge_board(board, options.components, now=now, forget_after=options.forget_after))


def page(status: Any, *reports: dict[str, Any], whole: str = "operational") -> dict[str, Any]:
    """A page with one resource, Chat, and these reports."""
    chat = {"id": "1", "type": "status_page_resource", "attributes": {"public_name": "Chat", "status": status}}
    rows = [{"id": f"r{i}", "type": "status_report", "attributes": report} for i, report in enumerate(reports)]
    about = {"company_name": "Example", "custom_domain": "status.example.net", "aggregate_state": whole}
    return {"data": {"id": "165", "type": "status_page", "attributes": about}, "included": [chat, *rows]}


def report(**more: Any) -> dict[str, Any]:
    affected = [{"status_page_resource_id": 1, "status": "downtime"}]
    begun = {"title": "Chat fails", "starts_at": "2026-11-20T10:00:00Z", "ends_at": None}
    return {**begun, "report_type": "manual", "aggregate_state": "downtime", "affected_resources": affected, **more}


@pytest.mark.parametrize(
    ("components", "signal", "words"),
    [
        pytest.param(["API"], Signal.DOWN, "major outage of API", id="downtime"),
        pytest.param(["12"], Signal.DOWN, "major outage", id="by id"),
        pytest.param(["Messaging"], Signal.DEGRADED, "degraded performance", id="degraded"),
        pytest.param(["Website"], Signal.UP, "Website as working", id="green, reports over or ahead"),
        pytest.param(["Search"], Signal.DEGRADED, "open incident about it", id="green in an open report"),
        pytest.param(["Login"], Signal.UNKNOWN, "announced maintenance of Login", id="maintenance"),
        pytest.param(["Reports"], Signal.UNKNOWN, "not monitored of Reports", id="not monitored"),
        pytest.param(["Serch"], Signal.UNKNOWN, "it names Search", id="near name"),
        pytest.param(["Services"], Signal.UNKNOWN, "does not name Services", id="section is no component"),
        pytest.param([], Signal.DEGRADED, "as a whole says trouble", id="whole page"),
    ],
)
def test_pages(components: list[str], signal: Signal, words: str) -> None:
    """The named resources decide; sections, past and planned reports do not."""
    seen = judged(INDEX, *components)
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        ("operational", Signal.UP),
        ("degraded", Signal.DEGRADED),
        ("downtime", Signal.DOWN),
        ("maintenance", Signal.UNKNOWN),
        ("not_monitored", Signal.UNKNOWN),
        ("resolved", Signal.UNKNOWN),
        ("down", Signal.UNKNOWN),
        (None, Signal.UNKNOWN),
        (3, Signal.UNKNOWN),
    ],
)
def test_words_of_a_resource(status: Any, signal: Signal) -> None:
    """Every documented word has its meaning; a word that is not documented means nothing."""
    assert judged(page(status), "Chat").signal is signal


@pytest.mark.parametrize(
    ("whole", "status", "signal"),
    [
        ("operational", "operational", Signal.UP),
        ("downtime", "downtime", Signal.DOWN),
        ("downtime", "degraded", Signal.DEGRADED),
        ("degraded", "operational", Signal.DEGRADED),
        ("maintenance", "operational", Signal.UNKNOWN),
        ("dire", "downtime", Signal.UNKNOWN),
    ],
)
def test_whole_page(whole: str, status: str, signal: Signal) -> None:
    """The page is the worst of its parts: it is out only where all of them are."""
    assert judged(page(status, whole=whole)).signal is signal


@pytest.mark.parametrize(
    ("more", "signal"),
    [
        ({}, Signal.DEGRADED),
        ({"aggregate_state": "resolved"}, Signal.UP),
        ({"aggregate_state": "operational"}, Signal.UP),
        ({"ends_at": "2026-11-20T10:30:00Z"}, Signal.UP),
        ({"ends_at": "2026-11-20T12:30:00Z"}, Signal.DEGRADED),
        ({"starts_at": "2026-11-20T12:00:00Z"}, Signal.UP),
        ({"starts_at": "2026-11-01T12:00:00Z"}, Signal.UP),
        ({"report_type": "maintenance"}, Signal.UP),
        ({"affected_resources": [{"status_page_resource_id": "2"}]}, Signal.UP),
        ({"affected_resources": []}, Signal.DEGRADED),
        ({"affected_resources": [], "title": "Trouble"}, Signal.UP),
    ],
)
def test_report_beside_a_green_resource(more: dict[str, Any], signal: Signal) -> None:
    """Only a report that is open, fresh, no maintenance and about the resource is doubt."""
    assert judged(page("operational", report(**more)), "Chat").signal is signal


def test_forgotten_downtime() -> None:
    """A resource is as old as the newest report about it; an update makes an old report news again."""
    document = page("downtime", report(starts_at="2026-11-01T10:00:00Z"))
    assert "not believed" in judged(document, "Chat").reason
    written = {"id": "u1", "type": "status_update", "attributes": {"published_at": "2026-11-20T09:00:00Z"}}
    document["included"][1]["relationships"] = {"status_updates": {"data": [{"id": "u1", "type": "status_update"}]}}
    document["included"].append(written)
    assert judged(document, "Chat").signal is Signal.DOWN


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (f"{SITE}/index.json", {"url": SITE}),
        ("https://example.betteruptime.com/index.json", {"url": "https://example.betteruptime.com"}),
        ("https://other.example.org/index.json", {"url": "https://other.example.org", "page": "Example"}),
        (f"{SITE}/", None),
    ],
)
def test_recognise(url: str, options: dict[str, object] | None) -> None:
    """The document leads to the page; other JSON at the same place does not."""
    found = recognise(url, INDEX)
    assert found == options
    assert found is None or Options.model_validate(found)
    assert recognise(url, sample("statuspage_summary_twilio_minor.json")) is None


@given(anything)
@settings(deadline=None, max_examples=100)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing, and never "down"."""
    recognise(f"{SITE}/index.json", document)
    for one in (document, page("operational") | {"included": document}):
        if read_board(one, now=NOW) is not None:
            assert judged(one, "Chat").signal is not Signal.DOWN


@given(st.randoms(use_true_random=False), st.integers(1, 60))
@settings(deadline=None, max_examples=200)
def test_spoiled_pages_never_invent_an_outage(random: Random, times: int) -> None:
    """However a page is spoiled: DOWN only where a resource of the watched name really says so."""
    document = spoiled(INDEX, random, times)
    if read_board(document, now=NOW) is None:
        return
    judged(document)
    for watched in ("API", "Messaging"):
        if judged(document, watched).signal is Signal.DOWN:
            about = [mapping(mapping(row).get("attributes")) for row in document["included"]]
            ours = [one for one in about if fold(str(one.get("public_name"))) == fold(watched)]
            assert any(word(one.get("status")) in ("downtime", "major_outage") for one in ours)


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_failing_page_is_not_a_failing_platform(answer: Any) -> None:
    """What cannot be read says nothing (rule R4)."""
    seen = await look(KIND, Options(url=SITE, components=("API",)), {f"{SITE}/index.json": answer})
    assert (seen.signal, seen.evidence, seen.fault) == (Signal.UNKNOWN, Evidence.OFFICIAL, None)


async def test_a_look_over_the_wire() -> None:
    """One request; a page of another company is not believed, unless it is named."""
    assert (await look(KIND, Options(url=f"{SITE}/", components=("API",)), {f"{SITE}/index.json": INDEX})).signal is (
        Signal.DOWN
    )
    moved = {"https://other.example.org/index.json": INDEX}
    seen = await look(KIND, Options(url="https://other.example.org", components=("API",)), moved)
    assert (seen.signal, "belongs to status.example.net" in seen.reason) == (Signal.UNKNOWN, True)
    known = Options(url="https://other.example.org", components=("API",), page="165")
    assert (await look(KIND, known, moved)).signal is Signal.DOWN


@pytest.mark.parametrize("wrong", [{}, {"url": "status.example.net"}, {"url": SITE, "components": [" "]}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)
