"""The kind `gatus`: what a monitor at another place amounts to."""

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
from probes.gatus import KIND, Options, judge, read_endpoints, recognise
from tests.probes._garbage import NOW, anything, spoil, surroundings

URL = "https://gatus.example.net"
TIMES = [f"2026-11-20T10:5{minute}:30.123456789Z" for minute in range(10)]


def endpoint(name: str, *success: Any, group: str = "social", times: list[str] | None = None) -> dict[str, Any]:
    """An endpoint in the form of Gatus's own tests; results oldest first, the last half a minute old."""
    rows = [
        {
            "status": 200 if good else 0,
            "hostname": "example.org",
            "duration": 150000000,
            "success": good,
            "timestamp": at,
        }
        for good, at in zip(success[::-1], (times or TIMES)[::-1], strict=False)
    ]
    return {"name": name, "group": group, "key": f"{group}_{name}", "results": rows[::-1]}


def options(*endpoints: str, **more: Any) -> Options:
    more = {"url": URL, "controls": ("control",)} | more
    return Options(endpoints=endpoints or ("facebook",), **more)


def look_at(rows: Any, *endpoints: str, **more: Any) -> Sighting:
    return judge(rows, options(*endpoints, **more), now=NOW)


WORKS = endpoint("control", True, group="other")


@pytest.mark.parametrize(
    ("rows", "signal", "words"),
    [
        pytest.param([endpoint("facebook", False, True), WORKS], Signal.UP, "sees facebook working", id="green"),
        pytest.param([endpoint("facebook", False, False), WORKS], Signal.DOWN, "while others work", id="red"),
        pytest.param([endpoint("facebook", True, False), WORKS], Signal.DEGRADED, "just", id="red once"),
        pytest.param([endpoint("facebook", False), WORKS], Signal.DEGRADED, "just", id="only one result"),
        pytest.param([endpoint("facebook", False, False)], Signal.DEGRADED, "own line", id="alone"),
        pytest.param(
            [endpoint("facebook", False, False), endpoint("router", True)],
            Signal.DEGRADED,
            "own line",
            id="green, but no control",
        ),
        pytest.param(
            [endpoint("facebook", True), endpoint("contrl", True)],
            Signal.UNKNOWN,
            "does not name control (any more); it names contrl",
            id="control gone",
        ),
        pytest.param(
            [endpoint("facebook", False, False), endpoint("control", False)],
            Signal.DEGRADED,
            "own line",
            id="all red",
        ),
        pytest.param(
            [endpoint("facebook", False, False), endpoint("control", True, times=["2026-11-20T09:00:00Z"])],
            Signal.DEGRADED,
            "own line",
            id="old control",
        ),
        pytest.param(
            [endpoint("facebook", False, False, times=["2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"]), WORKS],
            Signal.UNKNOWN,
            "has not looked since 2026-11-20",
            id="stale red",
        ),
        pytest.param(
            [endpoint("facebook", True, times=["2026-11-18T09:00:00Z"]), WORKS],
            Signal.UNKNOWN,
            "has not looked",
            id="stale green",
        ),
        pytest.param([endpoint("facebook"), WORKS], Signal.UNKNOWN, "no result", id="no result"),
        pytest.param([endpoint("facebook", None, None), WORKS], Signal.UNKNOWN, "not known", id="odd result"),
        pytest.param([WORKS], Signal.UNKNOWN, "does not name facebook (any more); it names control", id="gone"),
        pytest.param([], Signal.UNKNOWN, "does not name", id="empty"),
        pytest.param({"error": "x"}, Signal.UNKNOWN, "not that of Gatus", id="an object"),
        pytest.param([{"name": "facebook"}], Signal.UNKNOWN, "not that of Gatus", id="another list"),
    ],
)
def test_what_is_seen(rows: Any, signal: Signal, words: str) -> None:
    """Down needs two fresh failures in a row and something beside it that works."""
    seen = look_at(rows)
    assert (seen.signal, seen.evidence) == (signal, Evidence.ELSEWHERE)
    assert words in seen.reason


def test_order_of_results_is_by_their_times() -> None:
    """Which end of the list is the newest is no promise."""
    row = endpoint("facebook", True, False, False)
    row["results"].reverse()
    assert look_at([row, WORKS]).signal is Signal.DOWN


@pytest.mark.parametrize(
    ("wanted", "signal"),
    [
        ("facebook", Signal.DEGRADED),
        ("EU/Facebook", Signal.DOWN),
        ("us/facebook", Signal.UP),
        ("eu_facebook", Signal.DOWN),
    ],
)
def test_names_repeat_across_groups(wanted: str, signal: Signal) -> None:
    """A bare name is down only where all that bear it agree; a group or a key picks one."""
    rows = [endpoint("facebook", False, False, group="eu"), endpoint("facebook", True, True, group="us")]
    assert look_at([*rows, WORKS], wanted).signal is signal


@pytest.mark.parametrize(
    ("url", "vantage", "evidence"),
    [
        (URL, None, Evidence.ELSEWHERE),
        ("http://127.0.0.1:8080", None, Evidence.HERE),
        ("http://localhost:8080", None, Evidence.HERE),
        ("http://localhost:8080", "elsewhere", Evidence.ELSEWHERE),
        ("http://192.168.1.5:3001", None, Evidence.HERE),
        ("http://10.0.0.3", None, Evidence.HERE),
        ("http://172.16.0.9", None, Evidence.HERE),
        ("http://169.254.7.7", None, Evidence.HERE),
        ("http://100.64.0.1", None, Evidence.HERE),
        ("http://0.0.0.0:3001", None, Evidence.HERE),
        ("http://[fd00::1]:3001", None, Evidence.HERE),
        ("http://[fe80::1]", None, Evidence.HERE),
        ("http://[::]", None, Evidence.HERE),
        ("http://[::ffff:192.168.1.5]", None, Evidence.HERE),
        ("http://kuma:3001", None, Evidence.HERE),
        ("http://NAS.local:3001", None, Evidence.HERE),
        ("http://nas.local.", None, Evidence.HERE),
        ("http://nas.lan", None, Evidence.HERE),
        ("http://kuma.corp.internal", None, Evidence.HERE),
        ("http://kuma.home.arpa", None, Evidence.HERE),
        ("http://kuma.home", None, Evidence.HERE),
        ("http://10.0.0.3", "elsewhere", Evidence.ELSEWHERE),
        ("https://93.184.215.14", None, Evidence.ELSEWHERE),
        ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]", None, Evidence.ELSEWHERE),
        ("https://[::ffff:93.184.215.14]", None, Evidence.ELSEWHERE),
        ("https://local.example.net", None, Evidence.ELSEWHERE),
        ("https://mylan", None, Evidence.HERE),
        ("https://kuma.mylan.net", None, Evidence.ELSEWHERE),
        (URL, "here", Evidence.HERE),
        (URL, "official", Evidence.OFFICIAL),
    ],
)
def test_class_of_evidence(url: str, vantage: Any, evidence: Evidence) -> None:
    """What shares our line is wrong when we are, so an instance on our own network is not another vantage point."""
    assert look_at([endpoint("facebook", True)], url=url, vantage=vantage).evidence is evidence


def test_without_named_controls_a_red_never_votes() -> None:
    """Any green would do otherwise: that of a router or a NAS proves nothing of the line behind it."""
    seen = look_at([endpoint("facebook", False, False), WORKS], controls=())
    assert (seen.signal, "no control is named" in seen.reason) == (Signal.DEGRADED, True)
    assert look_at([endpoint("facebook", True)], controls=()).signal is Signal.UP


def test_recognised() -> None:
    """Options that are valid, with all that the instance names; other lists are left alone."""
    found = recognise(f"{URL}/sub/api/v1/endpoints/statuses?page=1", [endpoint("facebook", True), WORKS])
    assert found == {"url": f"{URL}/sub", "endpoints": ["social/facebook", "other/control"]}
    assert Options.model_validate(found)
    for other in ([], {}, None, "text", [{"name": "a"}], [{"results": []}]):
        assert recognise(URL, other) is None


@given(anything)
@settings(deadline=None, max_examples=150)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing."""
    for wrapped in (document, [document], [{"name": "facebook", "results": document}]):
        assert look_at(wrapped).signal is not Signal.DOWN
        recognise(URL, wrapped)


@given(st.randoms(use_true_random=False), st.integers(1, 30))
@settings(deadline=None, max_examples=300)
def test_spoiled_answers_never_invent_an_outage(random: Random, times: int) -> None:
    """Down only where the named endpoint really says two failures."""
    document = spoil([endpoint("facebook", True, False, True), endpoint("twitter", True, True), WORKS], random, times)
    if look_at(document, "facebook").signal is Signal.DOWN:
        rows = [row for row in document if row["name"] == "facebook"]
        assert all(
            sum(one.get("success") is False for one in row["results"] if isinstance(one, dict)) > 1 for row in rows
        )
    read_endpoints(document)


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoints": ["a"]},
        {"url": URL},
        {"url": URL, "endpoints": []},
        {"url": URL, "endpoints": ["a"], "failures": 0},
        {"url": "x", "endpoints": ["a"]},
        {"url": URL, "endpoints": ["a"], "vantage": "moon"},
        {"url": URL, "endpoints": ["a"], "controls": ["A"]},
        {"url": URL, "endpoints": ["a"], "controls": [" "]},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


async def look(answer: httpx.Response | Exception) -> Sighting:
    with respx.mock:
        respx.get(url__startswith=f"{URL}/api/v1/endpoints/statuses").mock(side_effect=[answer])
        async with KIND.open(options(), surroundings()) as probe:
            return await probe.look()


async def test_a_look_over_the_wire() -> None:
    """One request; what the instance shows is what is seen."""
    seen = await look(httpx.Response(200, json=[endpoint("facebook", False, False), WORKS]))
    assert (seen.signal, seen.fault) == (Signal.DOWN, Fault.PLATFORM)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html>Gatus</html>"),
        httpx.Response(200, text="[{"),
        httpx.Response(401),
        httpx.Response(404),
        httpx.Response(503),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
    ],
)
async def test_a_failing_instance_is_not_a_failing_platform(answer: Any) -> None:
    """The instance's own trouble says nothing (rule R4), in its own class of evidence."""
    seen = await look(answer)
    assert (seen.signal, seen.evidence) == (Signal.UNKNOWN, Evidence.ELSEWHERE)
