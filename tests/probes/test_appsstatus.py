"""The kind `appsstatus`: what good and broken dashboards of Google amount to."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes._official import timestamp
from probes.appsstatus import KIND, Options, judge, read_incidents, read_products, recognise
from tests.probes._garbage import NOW, anything, sample
from tests.probes._pages import UNREADABLE, look, sound, spoiled

SITE = "https://www.google.com/appsstatus/dashboard"
PAST, PRODUCTS = sample("google_cloud_incidents_2026-07.json"), sample("synthetic_google_products.json")
THEN = timestamp("2026-07-16T10:00:00Z") or 0.0


def judged(document: Any, *products: str, listed: Any = PRODUCTS, now: float = NOW, **more: Any) -> Sighting:
    incidents = read_incidents(document)
    assert incidents is not None
    return sound(judge(incidents, read_products(listed), Options(products=products, **more), now=now))


def reopened(impact: str = "SERVICE_DISRUPTION", *places: str) -> Any:
    """The real incidents, with the first of them as it may have looked while it was open."""
    document = copy.deepcopy(PAST)
    del document[0]["end"]
    document[0] |= {"status_impact": impact, "modified": "2026-07-16T09:00:00+00:00"}
    document[0]["most_recent_update"] |= {"status": impact, "when": "2026-07-16T09:00:00+00:00"}
    document[0]["currently_affected_locations"] = [{"id": place, "title": place} for place in places]
    return document


def incident(impact: Any, product: str = "Gmail", **more: Any) -> dict[str, Any]:
    at = "2026-11-20T10:00:00+00:00"
    about = {
        "affected_products": [{"title": product, "id": "p1"}],
        "most_recent_update": {"when": at, "status": impact},
    }
    return {
        "id": "i1",
        "begin": at,
        "modified": at,
        "status_impact": impact,
        "external_desc": "Mail waits",
        **about,
        **more,
    }


@pytest.mark.parametrize(
    ("document", "products", "signal", "words"),
    [
        pytest.param(PAST, ["VMWare engine"], Signal.UP, "no trouble", id="all over"),
        pytest.param(PAST, [], Signal.UP, "no trouble", id="all over, any product"),
        pytest.param(PAST, ["YouTube"], Signal.UNKNOWN, "does not name YouTube", id="a product that is not there"),
        pytest.param(PAST, ["Google Mail"], Signal.UNKNOWN, "it names Google", id="near names"),
        pytest.param(reopened(), ["vmware Engine"], Signal.DEGRADED, "disruption", id="disruption"),
        pytest.param(reopened(), ["9H6gWUHvb2ZubeoxzQ1Y"], Signal.DEGRADED, "disruption", id="by id"),
        pytest.param(reopened(), ["Gmail"], Signal.UP, "no trouble", id="another product"),
        pytest.param(reopened("SERVICE_OUTAGE"), ["VMWare engine"], Signal.DOWN, "outage of VMWare", id="outage"),
        pytest.param(
            reopened("SERVICE_OUTAGE"), ["Gmail", "VMWare engine"], Signal.DOWN, "of VMWare", id="of one of two"
        ),
        pytest.param(reopened("SERVICE_OUTAGE"), [], Signal.DEGRADED, "outage of a part", id="outage of any product"),
        pytest.param(reopened("SERVICE_INFORMATION"), ["VMWare engine"], Signal.UP, "no trouble", id="information"),
        pytest.param(reopened("AVAILABLE"), ["VMWare engine"], Signal.UP, "no trouble", id="available again"),
        pytest.param(reopened("SERVICE_MOOD"), ["VMWare engine"], Signal.UNKNOWN, "not known", id="unknown word"),
    ],
)
def test_real_incidents(document: Any, products: list[str], signal: Signal, words: str) -> None:
    """An incident is open without an end; the named products decide, and they must be on the dashboard."""
    seen = judged(document, *products, now=THEN)
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("places", "wanted", "signal"),
    [
        ([], [], Signal.DOWN),
        (["global"], [], Signal.DOWN),
        (["europe-west4"], [], Signal.DEGRADED),
        (["europe-west4"], ["Europe-West4"], Signal.DOWN),
        (["europe-west4", "us-east1"], ["europe-west4"], Signal.DOWN),
        (["europe-west4-a"], ["europe-west4"], Signal.DEGRADED),
        (["europe-west40"], ["europe-west4"], Signal.UP),
        (["us-east1"], ["europe-west4"], Signal.UP),
        (["global", "us-east1"], ["europe-west4"], Signal.DOWN),
        ([], ["europe-west4"], Signal.DOWN),
    ],
)
def test_places(places: list[str], wanted: list[str], signal: Signal) -> None:
    """An outage in one region is no outage of the product, unless that region is the one that matters."""
    seen = judged(reopened("SERVICE_OUTAGE", *places), "VMWare engine", now=THEN, locations=wanted)
    assert seen.signal is signal


@pytest.mark.parametrize(
    "places",
    [
        "europe-west4",
        None,
        {"id": "europe-west4"},
        ["europe-west4"],
        [{"name": "europe-west4"}],
        [{"id": "us-east1"}, {"id": 4}],
    ],
)
@pytest.mark.parametrize("wanted", [[], ["europe-west4"]])
def test_places_in_another_form_are_not_everywhere(places: Any, wanted: list[str]) -> None:
    """That nothing could be read of the places does not mean that it is everywhere, nor that it is not here."""
    document = reopened("SERVICE_OUTAGE")
    document[0]["currently_affected_locations"] = places
    assert judged(document, "VMWare engine", now=THEN, locations=wanted).signal is Signal.DEGRADED


@pytest.mark.parametrize(
    ("newest", "signal"),
    [("SERVICE_OUTAGE", Signal.DOWN), ("SERVICE_DISRUPTION", Signal.DEGRADED), ("SERVICE_INFORMATION", Signal.UP),
     ("", Signal.DOWN), (None, Signal.DOWN)],
)  # fmt: skip
def test_the_newest_update_tells_the_state(newest: Any, signal: Signal) -> None:
    """An outage that has become a disruption is one no longer; without a word of its own the incident's counts."""
    document = [incident("SERVICE_OUTAGE", most_recent_update={"status": newest})]
    assert judged(document, "Gmail").signal is signal


def test_an_incident_with_an_end_is_over() -> None:
    """Whatever its newest update says; and an end that is no date is none."""
    assert judged([incident("SERVICE_OUTAGE", end="2026-11-20T10:30:00+00:00")], "Gmail").signal is Signal.UP
    assert judged([incident("SERVICE_OUTAGE", end="")], "Gmail").signal is Signal.DOWN


def test_forgotten_incident() -> None:
    """An incident that nobody touched for days was left open by mistake, and is said to be left out."""
    at = "2026-11-01T10:00:00+00:00"
    document = [incident("SERVICE_OUTAGE", begin=at, modified=at, most_recent_update={"status": "SERVICE_OUTAGE"})]
    seen = judged(document, "Gmail")
    assert (seen.signal, seen.detail) == (Signal.UP, "taken as forgotten: Mail waits")
    assert judged(document, "Gmail", forget_after="60d").signal is Signal.DOWN


def test_names_with_blanks_and_old_names() -> None:
    """The dashboard for Ads writes names with a blank before them; renamed products bear both names."""
    assert judged([incident("SERVICE_OUTAGE", " Gmail ")], "gmail").signal is Signal.DOWN
    old = [incident("SERVICE_OUTAGE", affected_products=[{"title": "Mail", "id": "p", "current_title": "Gmail"}])]
    assert judged(old, "Gmail").signal is Signal.DOWN


@pytest.mark.parametrize(
    "document",
    [None, {}, 5, [5], [{}], [{"id": "i", "begin": "2026-11-20T10:00:00Z"}], PRODUCTS,
     sample("statuspage_summary_twilio_minor.json"), [*PAST, None]],
)  # fmt: skip
def test_other_json_is_no_list_of_incidents(document: Any) -> None:
    """An incident that cannot be read might be ours, so one odd row spoils the whole."""
    assert read_incidents(document) is None


@pytest.mark.parametrize("document", [None, [], {}, {"products": []}, {"products": [{"id": 5, "title": "A shirt"}]}])
def test_other_json_is_no_list_of_products(document: Any) -> None:
    """Without the names, green could be the green of a product that is not there."""
    assert read_products(document) is None
    assert judged([], "Gmail", listed=document).signal is Signal.UNKNOWN
    assert judged([incident("SERVICE_OUTAGE")], "Gmail", listed=document).signal is Signal.DOWN


@pytest.mark.parametrize(
    ("url", "body", "options"),
    [
        (f"{SITE}/incidents.json", PAST, {"url": SITE}),
        (f"{SITE}/incidents.json", [], {"url": SITE}),
        ("https://status.example.net/incidents.json", PAST, {"url": "https://status.example.net"}),
        ("https://status.example.net/incidents.json", [], None),
        (f"{SITE}/products.json", PRODUCTS, None),
        (f"{SITE}/incidents.json", {"incidents": []}, None),
    ],
)
def test_recognise(url: str, body: Any, options: dict[str, object] | None) -> None:
    """The incidents lead to the dashboard; an empty list could be anybody's."""
    assert recognise(url, body) == options


@given(anything)
@settings(deadline=None, max_examples=100)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing, and never "down"."""
    recognise(f"{SITE}/incidents.json", document)
    odd = incident("SERVICE_OUTAGE", "Chat") | {
        "affected_products": document,
        "currently_affected_locations": document,
    }
    for one in (document, [odd], [incident(document)]):
        if read_incidents(one) is not None:
            assert judged(one, "Gmail", listed=document).signal is not Signal.DOWN


@given(st.randoms(use_true_random=False), st.integers(1, 40))
@settings(deadline=None, max_examples=200)
def test_spoiled_dashboards_never_invent_an_outage(random: Random, times: int) -> None:
    """No incident here was an outage, so however they are spoiled, none is."""
    document, listed = spoiled(reopened(), random, times), spoiled(PRODUCTS, random, times)
    if read_incidents(document) is not None:
        for products in (("VMWare engine", "Gmail"), ()):
            assert judged(document, *products, listed=listed, now=THEN).signal is not Signal.DOWN


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("failing", ["incidents", "products"])
async def test_a_failing_page_is_not_a_failing_platform(answer: Any, failing: str) -> None:
    """What cannot be read says nothing (rule R4), whichever of the two documents it is."""
    good = {f"{SITE}/incidents.json": [], f"{SITE}/products.json": PRODUCTS}
    bad = {url: answer if failing in url else document for url, document in good.items()}
    seen = await look(KIND, Options(products=("Gmail",)), bad)
    assert (seen.signal, seen.evidence, seen.fault) == (Signal.UNKNOWN, Evidence.OFFICIAL, None)


async def test_a_look_over_the_wire() -> None:
    """The names are asked for only where products are named; an outage needs no list of names to be one."""
    incidents, products = f"{SITE}/incidents.json", f"{SITE}/products.json"
    outage = [incident("SERVICE_OUTAGE")]
    assert (await look(KIND, Options(), {incidents: outage})).signal is Signal.DEGRADED
    named = Options(products=("Gmail",))
    assert (await look(KIND, named, {incidents: [], products: PRODUCTS})).signal is Signal.UP
    assert (await look(KIND, named, {incidents: outage, products: UNREADABLE["gone"]})).signal is Signal.DOWN


@pytest.mark.parametrize("wrong", [{"url": "x"}, {"products": [""]}, {"locations": [" "]}, {"components": ["Gmail"]}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing, or the wrong thing, does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)
