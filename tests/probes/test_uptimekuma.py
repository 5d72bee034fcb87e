"""The kind `uptimekuma`: what the beats of a status page amount to."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes.uptimekuma import KIND, Options, judge, recognise
from tests.probes._garbage import NOW, anything, spoil, surroundings

URL = "https://kuma.example.net"
NAMES: dict[str, Any] = {
    "config": {"slug": "social", "title": "Social networks", "published": True},
    "incident": None,
    "publicGroupList": [
        {"id": 1, "name": "Meta", "weight": 1, "monitorList": [{"id": 7, "name": "Facebook", "sendUrl": 0}]},
        {
            "id": 2,
            "name": "Others",
            "weight": 2,
            "monitorList": [{"id": 8, "name": "Example"}, {"id": 9, "name": "Empty"}],
        },
    ],
    "maintenanceList": [],
}


def beats(*facebook: Any, control: tuple[Any, ...] = (1, 1), at: str = "2026-11-20 10:5{}:30.000") -> dict[str, Any]:
    """Beats in the form of the router, newest last; `0` stands for a bucket without a beat."""

    def rows(states: tuple[Any, ...], times: str) -> list[Any]:
        first = 10 - len(states)
        return [
            {"status": one, "time": times.format(first + place), "msg": "", "ping": None}
            for place, one in enumerate(states)
        ]

    listed = {"7": rows(facebook, at), "8": rows(control, "2026-11-20 10:5{}:30.000"), "9": []}
    return {"heartbeatList": listed, "uptimeList": {"7_24": 0.98}}


def options(*monitors: str, **more: Any) -> Options:
    watched = monitors or ("Facebook",)
    controls = () if {"Example", "8"} & {*watched} else ("Example",)
    return Options.model_validate({"url": URL, "page": "social", "monitors": watched, "controls": controls} | more)


def look_at(names: Any, said: Any, *monitors: str, **more: Any) -> Sighting:
    return judge(names, said, options(*monitors, **more), now=NOW)


@pytest.mark.parametrize(
    ("said", "signal", "words"),
    [
        pytest.param(beats(0, 1), Signal.UP, "working", id="green"),
        pytest.param(beats(1, 0, 0), Signal.DOWN, "while others work", id="red twice"),
        pytest.param(beats(0, 1, 0), Signal.DEGRADED, "just seen", id="red once"),
        pytest.param(beats(0), Signal.DEGRADED, "just seen", id="one beat only"),
        pytest.param(beats(1, 2), Signal.DEGRADED, "in difficulty", id="pending"),
        pytest.param(beats(0, 3), Signal.UNKNOWN, "announced maintenance", id="maintenance"),
        pytest.param(beats(0, 0, control=(0, 0)), Signal.DEGRADED, "own line", id="everything red"),
        pytest.param(beats(0, 0, control=()), Signal.DEGRADED, "own line", id="no control"),
        pytest.param(beats(0, 0, at="2026-11-20 09:5{}:30.000"), Signal.UNKNOWN, "has not looked", id="stale red"),
        pytest.param(beats(1, 1, at="2026-11-19 10:5{}:30.000"), Signal.UNKNOWN, "has not looked", id="stale green"),
        pytest.param(beats(0, 0, at="2026-11-20T10:5{}:30Z"), Signal.UNKNOWN, "not known", id="red bucket of hours"),
        pytest.param(beats(0, 1, at="2026-11-20T10:5{}:30Z"), Signal.UP, "working", id="green bucket of hours"),
        pytest.param(beats(0, 0, at="at some time"), Signal.DEGRADED, "without saying when", id="no date"),
        pytest.param(beats(4, 4), Signal.UNKNOWN, "not known", id="unknown state"),
        pytest.param(beats(True, True), Signal.UNKNOWN, "not known", id="truth value"),
        pytest.param(beats(), Signal.UNKNOWN, "no result", id="no beats"),
        pytest.param({"heartbeatList": {}}, Signal.UNKNOWN, "no result", id="not in the list"),
        pytest.param({"heartbeatList": {"7": [0, 0]}}, Signal.UNKNOWN, "no result", id="empty buckets"),
        pytest.param({"ok": False, "msg": "Status Page Not Found"}, Signal.UNKNOWN, "not that of", id="error"),
        pytest.param([], Signal.UNKNOWN, "not that of", id="a list"),
    ],
)
def test_what_is_seen(said: Any, signal: Signal, words: str) -> None:
    """Down needs two fresh red beats in a row and something beside it that works."""
    seen = look_at(NAMES, said)
    assert (seen.signal, seen.evidence) == (signal, Evidence.ELSEWHERE)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("wanted", "signal"),
    [
        ("facebook", Signal.DOWN),
        ("7", Signal.DOWN),
        ("meta/facebook", Signal.DOWN),
        ("Example", Signal.UP),
        ("8", Signal.UP),
        ("Telegram", Signal.UNKNOWN),
        ("Others/Facebook", Signal.UNKNOWN),
    ],
)
def test_how_a_monitor_is_named(wanted: str, signal: Signal) -> None:
    """By name, id, or group and name."""
    assert look_at(NAMES, beats(0, 0), wanted).signal is signal


def test_missing_monitor_keeps_the_rest_from_being_green() -> None:
    """A renamed monitor is reported with what there is instead."""
    seen = look_at(NAMES, beats(1), "Facebook", "Exampel")
    assert (seen.signal, "it names Example" in seen.reason) == (Signal.UNKNOWN, True)


def test_without_named_controls_a_red_never_votes() -> None:
    """That some monitor of the page is green proves nothing: it may be a router's."""
    seen = look_at(NAMES, beats(0, 0), controls=())
    assert (seen.signal, "no control is named" in seen.reason) == (Signal.DEGRADED, True)
    assert look_at(NAMES, beats(0, 0), controls=("others/example",)).signal is Signal.DOWN


def test_patience() -> None:
    """How many beats make a red is for the operator to say."""
    assert look_at(NAMES, beats(1, 0), failures=1).signal is Signal.DOWN
    assert look_at(NAMES, beats(1, 0, 0), failures=3).signal is Signal.DEGRADED


def test_recognised() -> None:
    """Options that are valid, with all that the page names."""
    found = recognise(f"{URL}/api/status-page/social", NAMES)
    assert found == {"url": URL, "page": "social", "monitors": ["Facebook", "Example", "Empty"]}
    assert Options.model_validate(found)
    for other in ([], None, "text", {"config": {"slug": "a"}}, {"publicGroupList": []}, beats(1)):
        assert recognise(f"{URL}/api/status-page/social", other) is None


@given(anything)
@settings(deadline=None, max_examples=150)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing."""
    groups = {"publicGroupList": [{"name": document, "monitorList": document}], "config": document}
    for names, said in (
        (document, document),
        (NAMES, {"heartbeatList": {"7": document, "8": document}}),
        (groups, beats(0, 0)),
    ):
        assert look_at(names, said).signal is not Signal.DOWN
        recognise(URL, names)


@given(st.randoms(use_true_random=False), st.integers(1, 30))
@settings(deadline=None, max_examples=300)
def test_spoiled_answers_never_invent_an_outage(random: Random, times: int) -> None:
    """Down only where a list of beats really has two red ones."""
    document = spoil({"names": NAMES, "beats": beats(1, 0, 1)}, random, times)
    document = document if isinstance(document, dict) else {}
    said = document.get("beats")
    if look_at(document.get("names"), said).signal is Signal.DOWN:
        lists = [rows for rows in said["heartbeatList"].values() if isinstance(rows, list)]
        assert any(sum(isinstance(row, dict) and row.get("status") in (0, "0") for row in rows) > 1 for rows in lists)


@pytest.mark.parametrize(
    "wrong", [{"page": "a/../b"}, {"page": ""}, {"monitors": []}, {"failures": 0}, {"url": "kuma"}, {"slug": "x"}]
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing, or leave the page's place, does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate({"url": URL, "monitors": ["a"]} | wrong)


async def look(names: Any, said: Any) -> Sighting:
    with respx.mock(assert_all_called=False) as web:
        web.get(f"{URL}/api/status-page/social").mock(side_effect=[names])
        web.get(f"{URL}/api/status-page/heartbeat/social").mock(side_effect=[said])
        async with KIND.open(options(), surroundings()) as probe:
            return await probe.look()


async def test_a_look_over_the_wire() -> None:
    """Two requests: the names and the beats."""
    assert (await look(httpx.Response(200, json=NAMES), httpx.Response(200, json=beats(0, 0)))).signal is Signal.DOWN


@pytest.mark.parametrize("broken", ["names", "beats"])
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html></html>"),
        httpx.Response(404, json={"ok": False}),
        httpx.Response(500),
        httpx.ConnectError("refused"),
        httpx.Response(200, json=[]),
    ],
)
async def test_a_failing_instance_is_not_a_failing_platform(broken: str, answer: Any) -> None:
    """Whichever of the two answers is broken, it says nothing (rule R4)."""
    good = {"names": httpx.Response(200, json=NAMES), "beats": httpx.Response(200, json=beats(0, 0))}
    seen = await look(
        **{"names": good["names"], "said": good["beats"]} | {{"names": "names", "beats": "said"}[broken]: answer}
    )
    assert (seen.signal, seen.evidence) == (Signal.UNKNOWN, Evidence.ELSEWHERE)
