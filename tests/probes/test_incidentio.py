"""The kind `incidentio`: what good and broken pages of incident.io amount to, in both of their own forms."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes._board import judge_board
from probes._official import word
from probes.incidentio import KIND, Options, read_board, recognise
from tests.probes._garbage import NOW, anything, sample
from tests.probes._pages import UNREADABLE, look, sound, spoiled

SITE = "https://status.example.net"
PROXY, WIDGET = f"{SITE}/proxy/status.example.net", f"{SITE}/api/v1/summary"
OWN, SMALL = sample("synthetic_incidentio_proxy.json"), sample("synthetic_incidentio_widget.json")


def judged(document: Any, *wanted: str, now: float = NOW, **more: Any) -> Sighting:
    board, options = read_board(document), Options(url=SITE, components=wanted, **more)
    assert board is not None
    return sound(judge_board(board, options.components, now=now, forget_after=options.forget_after))


def page(*affected: Any, incidents: Any = ()) -> dict[str, Any]:
    """A page with one component, Chat."""
    named = [{"id": "c1", "name": "Chat"}]
    return {
        "summary": {"components": named, "affected_components": list(affected), "ongoing_incidents": list(incidents)}
    }


def state(status: Any) -> dict[str, Any]:
    return {"component_id": "c1", "status": status}


def widget(incidents: Any = (), maintenances: Any = ()) -> dict[str, Any]:
    lists = {"ongoing_incidents": list(incidents), "in_progress_maintenances": list(maintenances)}
    return {"page_title": "Example", "page_url": SITE, **lists}


@pytest.mark.parametrize(
    ("components", "signal", "words"),
    [
        pytest.param(["API"], Signal.DOWN, "major outage of API", id="full outage"),
        pytest.param(["c-api"], Signal.DOWN, "major outage", id="by id"),
        pytest.param(["Chat"], Signal.DEGRADED, "degraded performance", id="degraded"),
        pytest.param(["Login"], Signal.UP, "Login as working", id="not affected"),
        pytest.param(["Search"], Signal.DEGRADED, "open incident about it", id="green in an open incident"),
        pytest.param(["Core"], Signal.UNKNOWN, "does not name Core", id="group is no component"),
        pytest.param(["Logins"], Signal.UNKNOWN, "it names Login", id="near name"),
        pytest.param([], Signal.DEGRADED, "as a whole says trouble", id="whole page"),
    ],
)
def test_pages(components: list[str], signal: Signal, words: str) -> None:
    """The named components decide; what is not listed as affected works."""
    seen = judged(OWN, *components)
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("affected", "signal"),
    [
        ([], Signal.UP),
        ([state("operational")], Signal.UP),
        ([state("degraded_performance")], Signal.DEGRADED),
        ([state("partial_outage")], Signal.DEGRADED),
        ([state("full_outage")], Signal.DOWN),
        ([state("major_outage")], Signal.DOWN),
        ([state("under_maintenance")], Signal.UNKNOWN),
        ([state("on_fire")], Signal.UNKNOWN),
        ([state(None)], Signal.UNKNOWN),
        ([state("operational"), state("full_outage")], Signal.DOWN),
        ([state("full_outage"), state("on_fire")], Signal.UNKNOWN),
        ([{"component_id": "c2", "status": "full_outage"}], Signal.UP),
    ],
)
def test_words_of_a_component(affected: list[Any], signal: Signal) -> None:
    """The worst that is said of it counts; a word that is not known could mean anything."""
    assert judged(page(*affected), "Chat").signal is signal


@pytest.mark.parametrize("affected", [None, {}, ["c1"], [{"status": "full_outage"}], [{"component_id": 5}]])
def test_a_list_of_the_affected_that_cannot_be_read(affected: Any) -> None:
    """What is not listed there works, so it must be readable to the last row."""
    document = page()
    document["summary"]["affected_components"] = affected
    assert read_board(document) is None


def test_names_out_of_the_structure_alone() -> None:
    """Some pages name their components only in the structure, with or without groups."""
    document = {"summary": {key: OWN["summary"][key] for key in ("structure", "affected_components")}}
    assert judged(document, "API").signal is Signal.DOWN
    assert judged(document, "Search").signal is Signal.UP


@pytest.mark.parametrize(
    ("touched", "signal"),
    [("2026-11-20T10:00:00Z", Signal.DOWN), ("2026-11-01T10:00:00Z", Signal.UNKNOWN), (None, Signal.DOWN)],
)
def test_forgotten_outage(touched: str | None, signal: Signal) -> None:
    """A component is as old as the newest word of an open incident about it."""
    updates = [{"published_at": touched}]
    incident = {
        "name": "N",
        "status": "identified",
        "updates": updates,
        "component_impacts": [{"component_id": "c1"}],
    }
    assert judged(page(state("full_outage"), incidents=[incident]), "Chat").signal is signal


@pytest.mark.parametrize(
    ("document", "signal"),
    [
        pytest.param(SMALL, Signal.DEGRADED, id="open"),
        pytest.param(widget(), Signal.UP, id="quiet"),
        pytest.param(
            widget([{"status": "monitoring", "current_worst_impact": "full_outage"}]), Signal.UP, id="watched"
        ),
        pytest.param(widget([{"status": "investigating"}]), Signal.DEGRADED, id="without impact"),
        pytest.param(
            widget([{"status": "investigating", "current_worst_impact": "none"}]), Signal.UP, id="no impact"
        ),
        pytest.param(widget([{"status": "odd"}]), Signal.UNKNOWN, id="unknown state"),
        pytest.param(
            widget([{"status": "identified", "last_update_at": "2026-11-01T10:00:00Z"}]),
            Signal.UNKNOWN,
            id="forgotten",
        ),
        pytest.param(widget([], [{"status": "maintenance_in_progress"}]), Signal.UNKNOWN, id="maintenance"),
    ],
)
def test_widget(document: Any, signal: Signal) -> None:
    """It raises doubt about the page as a whole, and never says "down"."""
    assert judged(document).signal is signal


@pytest.mark.parametrize("document", [widget() | {"ongoing_incidents": None}, widget([5]), {"ongoing_incidents": []}])
def test_a_widget_that_cannot_be_read(document: Any) -> None:
    """An empty list is good news, so a list that is missing or odd must not be taken for one."""
    assert read_board(document) is None


@pytest.mark.parametrize(
    ("url", "body", "options"),
    [
        (PROXY, OWN, {"url": SITE}),
        (f"{PROXY}/console", OWN, {"url": f"{SITE}/console"}),
        ("https://other.example.org/proxy/x", OWN, {"url": "https://other.example.org", "page": "Example"}),
        (WIDGET, SMALL, {"url": SITE, "widget": True}),
        (f"{SITE}/console/api/v1/summary", SMALL, {"url": f"{SITE}/console", "widget": True}),
        (f"{SITE}/other", SMALL, None),
        (WIDGET, sample("synthetic_incidentio_summary.json"), None),
    ],
)
def test_recognise(url: str, body: Any, options: dict[str, object] | None) -> None:
    """Either document leads to the page; what is in the form of Statuspage is for that kind."""
    found = recognise(url, body)
    assert found == options
    assert found is None or Options.model_validate(found)


@given(anything)
@settings(deadline=None, max_examples=100)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing, and never "down"."""
    recognise(PROXY, document)
    for one in (
        document,
        {"summary": document},
        page() | {"x": document},
        widget() | {"ongoing_incidents": document},
    ):
        if read_board(one) is not None:
            assert judged(one, "Chat").signal is not Signal.DOWN


@given(st.randoms(use_true_random=False), st.integers(1, 40))
@settings(deadline=None, max_examples=200)
def test_spoiled_pages_never_invent_an_outage(random: Random, times: int) -> None:
    """However a page is spoiled: DOWN only where an outage of something is really listed."""
    document = spoiled(OWN, random, times)
    if read_board(document) is None:
        return
    for watched in (("API",), ("Chat",), ()):
        if judged(document, *watched).signal is Signal.DOWN:
            listed = document["summary"]["affected_components"]
            assert any(word(row.get("status")) in ("full_outage", "major_outage") for row in listed)


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_failing_page_is_not_a_failing_platform(answer: Any) -> None:
    """What cannot be read says nothing (rule R4)."""
    for options, url in ((Options(url=SITE, components=("API",)), PROXY), (Options(url=SITE, widget=True), WIDGET)):
        seen = await look(KIND, options, {url: answer})
        assert (seen.signal, seen.evidence, seen.fault) == (Signal.UNKNOWN, Evidence.OFFICIAL, None)


async def test_a_look_over_the_wire() -> None:
    """One request to the document that the options name; the other form there is not believed."""
    assert (await look(KIND, Options(url=f"{SITE}/", components=("API",)), {PROXY: OWN})).signal is Signal.DOWN
    assert (await look(KIND, Options(url=SITE, widget=True), {WIDGET: SMALL})).signal is Signal.DEGRADED
    assert (await look(KIND, Options(url=SITE, widget=True), {WIDGET: OWN})).signal is Signal.UNKNOWN
    assert (await look(KIND, Options(url=SITE), {PROXY: widget()})).signal is Signal.UNKNOWN


async def test_a_foreign_page() -> None:
    """A page of another host is believed only where it is the one that is named."""
    url = {"https://other.example.org/proxy/other.example.org": OWN}
    seen = await look(KIND, Options(url="https://other.example.org", components=("API",)), url)
    assert (seen.signal, "belongs to status.example.net" in seen.reason) == (Signal.UNKNOWN, True)
    known = Options(url="https://other.example.org", components=("API",), page="01JEXAMPLE")
    assert (await look(KIND, known, url)).signal is Signal.DOWN


@pytest.mark.parametrize(
    "wrong",
    [{}, {"url": "x"}, {"url": SITE, "components": [" "]}, {"url": SITE, "widget": True, "components": ["API"]}],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start: the widget cannot tell a working component from a missing one."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)
