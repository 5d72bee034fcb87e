"""The kind `instatus`: what good and broken pages of Instatus amount to."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes._official import fold, word
from probes.instatus import KIND, Options, judge, read_parts, read_summary, recognise
from tests.probes._garbage import NOW, anything, sample
from tests.probes._pages import UNREADABLE, look, sound, spoiled

SITE = "https://status.example.net"
SUMMARY, COMPONENTS = sample("synthetic_instatus_summary.json"), sample("synthetic_instatus_components.json")


def judged(summary: Any, components: Any, *wanted: str, now: float = NOW, **more: Any) -> Sighting:
    board, parts = read_summary(summary), read_parts(components)
    assert board is not None
    return sound(judge(replace(board, parts=parts or ()), Options(url=SITE, components=wanted, **more), now=now))


def summary(status: str = "UP", *incidents: dict[str, Any]) -> dict[str, Any]:
    return {"page": {"name": "Example", "url": SITE, "status": status}, "activeIncidents": list(incidents)}


def chat(status: Any, **more: Any) -> dict[str, Any]:
    return {"components": [{"id": "c1", "name": "Chat", "status": status, "group": None, **more}]}


@pytest.mark.parametrize(
    ("components", "signal", "words"),
    [
        pytest.param(["API"], Signal.DOWN, "major outage of API", id="outage"),
        pytest.param(["c2"], Signal.DOWN, "major outage", id="by id"),
        pytest.param(["Messaging"], Signal.DEGRADED, "degraded performance", id="degraded"),
        pytest.param(["Website"], Signal.UP, "Website as working", id="green beside others' trouble"),
        pytest.param(["Login"], Signal.UNKNOWN, "announced maintenance of Login", id="maintenance"),
        pytest.param(["Core"], Signal.UNKNOWN, "does not name Core", id="group row is no component"),
        pytest.param(["Web site"], Signal.UNKNOWN, "it names Website", id="near name"),
        pytest.param(["Website", "API"], Signal.DOWN, "API", id="worst of two"),
        pytest.param([], Signal.DEGRADED, "as a whole says trouble", id="whole page"),
    ],
)
def test_pages(components: list[str], signal: Signal, words: str) -> None:
    """The named components decide; groups and other people's trouble do not."""
    seen = judged(SUMMARY, COMPONENTS, *components)
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        ("OPERATIONAL", Signal.UP),
        ("operational", Signal.UP),
        ("UNDERMAINTENANCE", Signal.UNKNOWN),
        ("DEGRADEDPERFORMANCE", Signal.DEGRADED),
        ("PARTIALOUTAGE", Signal.DEGRADED),
        ("MINOROUTAGE", Signal.DEGRADED),
        ("MAJOROUTAGE", Signal.DOWN),
        ("TOTALOUTAGE", Signal.UNKNOWN),
        ("", Signal.UNKNOWN),
        (None, Signal.UNKNOWN),
    ],
)
def test_words_of_a_component(status: Any, signal: Signal) -> None:
    """Every documented word has its meaning; a word that is not documented means nothing."""
    assert judged(summary(), chat(status), "Chat").signal is signal


@pytest.mark.parametrize(
    ("status", "incident", "signal"),
    [
        ("UP", None, Signal.UP),
        ("UP", {"name": "Chat fails", "status": "IDENTIFIED", "impact": "MAJOROUTAGE"}, Signal.DEGRADED),
        ("UP", {"name": "Chat fails", "status": "MONITORING", "impact": "MAJOROUTAGE"}, Signal.UP),
        ("UP", {"name": "Chat", "status": "IDENTIFIED", "impact": "UNDERMAINTENANCE"}, Signal.UP),
        ("UP", {"name": "C", "status": "IDENTIFIED", "started": "2026-11-01T00:00:00Z"}, Signal.UP),
        ("HASISSUES", None, Signal.DEGRADED),
        ("HASISSUES", {"name": "C", "status": "IDENTIFIED", "started": "2026-11-01T00:00:00Z"}, Signal.UNKNOWN),
        ("UNDERMAINTENANCE", None, Signal.UNKNOWN),
        ("SOSO", None, Signal.UNKNOWN),
    ],
)
def test_whole_page(status: str, incident: dict[str, Any] | None, signal: Signal) -> None:
    """The page's own word, which has said `UP` beside an open incident; what is old was left behind."""
    assert judged(summary(status, *([incident] if incident else [])), {}).signal is signal


@pytest.mark.parametrize(("title", "signal"), [("Chat is slow", Signal.DEGRADED), ("Snapchat is slow", Signal.UP)])
def test_incident_beside_a_green_component(title: str, signal: Signal) -> None:
    """An incident concerns the component that its title names."""
    incident = {"name": title, "status": "INVESTIGATING", "impact": "PARTIALOUTAGE"}
    assert judged(summary("UP", incident), chat("OPERATIONAL"), "Chat").signal is signal


@pytest.mark.parametrize(
    ("touched", "signal"),
    [("2026-11-20T10:00:00Z", Signal.DOWN), ("2026-11-01T10:00:00Z", Signal.UNKNOWN), (None, Signal.DOWN)],
)
def test_forgotten_outage(touched: str | None, signal: Signal) -> None:
    """Red beside incidents that nobody writes to was left behind; without any date it is news."""
    incident = {"name": "Trouble", "status": "IDENTIFIED", "updatedAt": touched}
    assert judged(summary("HASISSUES", incident), chat("MAJOROUTAGE"), "Chat").signal is signal
    assert judged(summary("HASISSUES"), chat("MAJOROUTAGE", updatedAt=touched), "Chat").signal is signal


def test_a_component_without_an_id() -> None:
    """Only a row that some other one names as its group is a group."""
    components = {"components": [{"name": "Chat", "status": "MAJOROUTAGE", "group": None}, *COMPONENTS["components"]]}
    assert judged(summary(), components, "Chat").signal is Signal.DOWN


def test_recognise() -> None:
    """The summary leads to the page; where that lives elsewhere by its own word, it is known by its name."""
    assert recognise(f"{SITE}/summary.json", SUMMARY) == {"url": SITE}
    moved = "https://example.instatus.com"
    assert recognise(f"{moved}/summary.json", SUMMARY) == {"url": moved, "page": "Example"}
    assert recognise(f"{SITE}/other.json", SUMMARY) is None
    assert recognise(f"{SITE}/summary.json", COMPONENTS) is None
    assert recognise(f"{SITE}/summary.json", sample("statuspage_summary_twilio_minor.json")) is None


@given(anything)
@settings(deadline=None, max_examples=100)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing, and never "down"."""
    wrapped = summary() | {"activeIncidents": document}
    recognise(f"{SITE}/summary.json", document)
    for one, parts in ((document, document), (wrapped, {"components": document})):
        if read_summary(one) is not None:
            assert judged(one, parts, "Chat").signal is not Signal.DOWN


@given(st.randoms(use_true_random=False), st.integers(1, 40))
@settings(deadline=None, max_examples=200)
def test_spoiled_pages_never_invent_an_outage(random: Random, times: int) -> None:
    """However a page is spoiled: DOWN only where a row of the watched name really says so."""
    document, components = spoiled(SUMMARY, random, times), spoiled(COMPONENTS, random, times)
    if read_summary(document) is None:
        return
    assert judged(document, {}).signal is not Signal.DOWN
    for watched in ("API", "Messaging"):
        if judged(document, components, watched).signal is Signal.DOWN:
            rows = [row for row in components["components"] if isinstance(row, dict)]
            ours = [row for row in rows if fold(str(row.get("name"))) == fold(watched)]
            assert any(word(row.get("status")) in ("majoroutage", "major_outage") for row in ours)


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("failing", ["summary", "components"])
async def test_a_failing_page_is_not_a_failing_platform(answer: Any, failing: str) -> None:
    """What cannot be read says nothing (rule R4), whichever of the two documents it is."""
    lists = dict.fromkeys((f"{SITE}/v2/components.json", f"{SITE}/v3/components.json"), COMPONENTS)
    good = {f"{SITE}/summary.json": SUMMARY, **lists}
    bad = {url: answer if failing in url else document for url, document in good.items()}
    seen = await look(KIND, Options(url=SITE, components=("API",)), bad)
    assert (seen.signal, seen.evidence, seen.fault) == (Signal.UNKNOWN, Evidence.OFFICIAL, None)


async def test_a_look_over_the_wire() -> None:
    """The components are asked for only where some are named, at the older address first, then at the newer."""
    old, new = {f"{SITE}/v2/components.json": COMPONENTS}, {f"{SITE}/v3/components.json": COMPONENTS}
    base = {f"{SITE}/summary.json": SUMMARY}
    assert (await look(KIND, Options(url=f"{SITE}/"), base)).signal is Signal.DEGRADED
    assert (await look(KIND, Options(url=SITE, components=("API",)), base | old)).signal is Signal.DOWN
    gone = {f"{SITE}/v2/components.json": httpx.Response(404)}
    assert (await look(KIND, Options(url=SITE, components=("API",)), base | gone | new)).signal is Signal.DOWN


async def test_a_foreign_page() -> None:
    """A page of another host is believed only where it is the one that is named."""
    moved = {"https://example.instatus.com/summary.json": SUMMARY}
    seen = await look(KIND, Options(url="https://example.instatus.com"), moved)
    assert (seen.signal, "belongs to status.example.net" in seen.reason) == (Signal.UNKNOWN, True)
    assert (
        await look(KIND, Options(url="https://example.instatus.com", page="example"), moved)
    ).signal is Signal.DEGRADED
    wrong = await look(KIND, Options(url="https://example.instatus.com", page="Other"), moved)
    assert (wrong.signal, "not the status page of Other" in wrong.reason) == (Signal.UNKNOWN, True)


@pytest.mark.parametrize("wrong", [{}, {"url": "status.example.net"}, {"url": SITE, "components": [" "]}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)
