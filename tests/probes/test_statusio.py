"""The kind `statusio`: what real and broken pages of Status.io amount to."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes._board import judge_board
from probes._official import timestamp
from probes.statusio import KIND, Options, read_board, recognise
from tests.probes._garbage import NOW, anything, sample
from tests.probes._pages import UNREADABLE, look, sound, spoiled

DOCKER, SECURITY, MAINTENANCE = (
    "statusio_docker_partial.json",
    "statusio_gitlab_security.json",
    "statusio_gitlab_maintenance.json",
)
AT = {
    DOCKER: timestamp("2020-07-16T17:30:00Z"),
    SECURITY: timestamp("2020-02-09T19:00:00Z"),
    MAINTENANCE: timestamp("2020-09-05T10:00:00Z"),
}
PAGE = "533c6539221ae15e3f000031"
URL = f"https://api.status.io/1.0/status/{PAGE}"


def judged(document: Any, *components: str, now: float | None = NOW, **more: Any) -> Sighting:
    board, options = read_board(document), Options(page=PAGE, components=components, **more)
    assert board is not None
    assert now is not None
    return sound(judge_board(board, options.components, now=now, forget_after=options.forget_after))


def page(code: Any, *containers: Any, overall: int = 100, updated: str = "2026-11-20T10:00:00Z") -> dict[str, Any]:
    """A page with one component, Chat, that runs in containers of these codes."""
    places = [
        {"id": f"p{i}", "name": "AWS", "updated": updated, "status_code": one} for i, one in enumerate(containers)
    ]
    chat = {"id": "c1", "name": "Chat", "updated": "2026-11-20T10:59:00Z", "status_code": code, "containers": places}
    return {"result": {"status_overall": {"status_code": overall, "status": "so"}, "status": [chat], "incidents": []}}


@pytest.mark.parametrize(
    ("name", "components", "signal", "words"),
    [
        pytest.param(DOCKER, ["Docker Hub Automated Builds"], Signal.DEGRADED, "partial outage", id="partial"),
        pytest.param(DOCKER, ["5342bc9420974b775d000008"], Signal.DEGRADED, "partial outage", id="by id"),
        pytest.param(DOCKER, ["docker  hub REGISTRY"], Signal.UP, "as working", id="green beside others' trouble"),
        pytest.param(DOCKER, ["Docker Hub Registri"], Signal.UNKNOWN, "it names Docker Hub Registry", id="near name"),
        pytest.param(DOCKER, [], Signal.DEGRADED, "as a whole says trouble", id="whole page"),
        pytest.param(SECURITY, ["API"], Signal.UNKNOWN, "security issue of API", id="security is no outage"),
        pytest.param(SECURITY, ["Pages"], Signal.UP, "Pages as working", id="green beside a security issue"),
        pytest.param(SECURITY, [], Signal.UNKNOWN, "no overall state", id="whole page, security"),
        pytest.param(
            MAINTENANCE, ["dashboards.gitlab.com"], Signal.UNKNOWN, "announced maintenance", id="maintenance"
        ),
        pytest.param(
            MAINTENANCE, ["Website"], Signal.DEGRADED, "open incident about it", id="green with an incident"
        ),
        pytest.param(MAINTENANCE, ["API"], Signal.UP, "API as working", id="green, somebody else's incident"),
        pytest.param(MAINTENANCE, [], Signal.UNKNOWN, "announced maintenance", id="whole page, maintenance"),
    ],
)
def test_real_pages(name: str, components: list[str], signal: Signal, words: str) -> None:
    """The named components decide; maintenance and security issues are no outage."""
    seen = judged(sample(name), *components, now=AT[name])
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("code", "containers", "signal"),
    [
        (500, [500], Signal.DOWN),
        (500, [500, 500], Signal.DOWN),
        (500, [500, 100], Signal.DEGRADED),
        (500, [100], Signal.DEGRADED),
        (500, [], Signal.DOWN),
        (400, [400], Signal.DEGRADED),
        (300, [300], Signal.DEGRADED),
        (200, [200], Signal.UNKNOWN),
        (100, [100], Signal.UP),
        (700, [700], Signal.UNKNOWN),
        ("500", ["500"], Signal.UNKNOWN),
        (True, [True], Signal.UNKNOWN),
        (None, [], Signal.UNKNOWN),
    ],
)
def test_codes_of_a_component(code: Any, containers: list[Any], signal: Signal) -> None:
    """A disruption counts in full only where every container agrees; a code that is not known means nothing."""
    assert judged(page(code, *containers), "Chat").signal is signal


def test_forgotten_disruption() -> None:
    """The component's own date changes with the page; the container's tells how old the trouble is."""
    seen = judged(page(500, 500, updated="2026-11-01T10:00:00Z"), "Chat")
    assert (seen.signal, "not believed" in seen.reason) == (Signal.UNKNOWN, True)
    assert judged(page(500, 500, updated="2026-11-01T10:00:00Z"), "Chat", forget_after="60d").signal is Signal.DOWN


@pytest.mark.parametrize(
    ("overall", "code", "signal"),
    [(100, 100, Signal.UP), (500, 500, Signal.DOWN), (500, 400, Signal.DEGRADED), (200, 100, Signal.UNKNOWN)],
)
def test_whole_page(overall: int, code: int, signal: Signal) -> None:
    """The page is the worst of its parts: it is out only where all of them are."""
    assert judged(page(code, code, overall=overall)).signal is signal


@pytest.mark.parametrize(
    ("state", "status", "signal"),
    [(100, 400, Signal.DEGRADED), (200, 500, Signal.DEGRADED), (300, 400, Signal.UP), (400, 400, Signal.UP),
     (100, 200, Signal.UP), (100, 100, Signal.UP), (999, 400, Signal.UP)],
)  # fmt: skip
def test_incident_beside_a_green_component(state: int, status: int, signal: Signal) -> None:
    """The newest message tells the state, wherever it stands; watching a repair is no doubt."""
    document = page(100, 100)
    newest = {"state": state, "status": status, "datetime": "2026-11-20T10:30:00Z"}
    older = {"state": 400, "status": 100, "datetime": "2026-11-20T10:00:00Z"}
    affected = [{"name": "chat", "_id": "c1"}]
    document["result"]["incidents"] = [{"name": "N", "components_affected": affected, "messages": [newest, older]}]
    assert judged(document, "Chat").signal is signal


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (URL, {"page": PAGE}),
        (f"https://status.example.net/1.0/status/{PAGE}", {"page": PAGE, "api_url": "https://status.example.net"}),
        ("https://status.example.net/1.0/status/short", None),
        ("https://status.example.net/", None),
    ],
)
def test_recognise(url: str, options: dict[str, object] | None) -> None:
    """An address with the page's id leads to options that are valid; other JSON there does not."""
    found = recognise(url, sample(DOCKER))
    assert found == options
    assert found is None or Options.model_validate(found)
    assert recognise(url, sample("slack_current_active.json")) is None


@given(anything)
@settings(deadline=None, max_examples=100)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing, and never "down"."""
    for one in (document, {"result": {"status_overall": {"x": 1}, "status": document, "incidents": document}}):
        recognise(URL, one)
        if read_board(one) is not None:
            assert judged(one, "Chat").signal is not Signal.DOWN


@given(st.randoms(use_true_random=False), st.sampled_from([DOCKER, SECURITY, MAINTENANCE]), st.integers(1, 40))
@settings(deadline=None, max_examples=200)
def test_spoiled_pages_never_invent_an_outage(random: Random, name: str, times: int) -> None:
    """No component of these pages was out, so however they are spoiled, none is."""
    document = spoiled(sample(name), random, times)
    if read_board(document) is not None:
        for watched in (("API",), ("Docker Hub Automated Builds", "Website"), ()):
            assert judged(document, *watched, now=AT[name]).signal is not Signal.DOWN


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_failing_page_is_not_a_failing_platform(answer: Any) -> None:
    """What cannot be read says nothing (rule R4)."""
    seen = await look(KIND, Options(page=PAGE, components=("Chat",)), {URL: answer})
    assert (seen.signal, seen.evidence, seen.fault) == (Signal.UNKNOWN, Evidence.OFFICIAL, None)


async def test_a_look_over_the_wire() -> None:
    """One request to the page's address; what it shows is what is seen."""
    options = Options(page=PAGE, components=("Chat",))
    assert (await look(KIND, options, {URL: page(500, 500)})).signal is Signal.DOWN
    assert (await look(KIND, options, {URL: page(100, 100)})).signal is Signal.UP
    own = Options(page=PAGE, api_url="https://status.example.net/")
    assert (await look(KIND, own, {f"https://status.example.net/1.0/status/{PAGE}": page(100)})).signal is Signal.UP


async def test_a_wrong_id_is_said_as_such() -> None:
    """Status.io answers 200 to an id that it does not know."""
    seen = await look(KIND, Options(page=PAGE), {URL: {"error": "status page not found"}})
    assert (seen.signal, PAGE in seen.reason) == (Signal.UNKNOWN, True)


@pytest.mark.parametrize(
    "wrong", [{}, {"page": "abc"}, {"page": PAGE.upper()}, {"page": PAGE, "components": [""]}, {"page": PAGE, "x": 1}]
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing, or the wrong thing, does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)
