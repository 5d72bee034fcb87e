"""The kind `statusgator`: what the monitors of a board amount to, and whose evidence that is."""

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
from probes.statusgator import KIND, Options, has_more, judge, read_monitors
from tests.probes._garbage import NOW, anything, spoil, surroundings

URL = "https://statusgator.com/api/v3/boards/AbCd/monitors"
TOKEN = "sg-Tr0ub4dor"


def monitor(
    status: Any = "up", *, kind: str = "ServiceMonitor", name: str = "Facebook", **more: Any
) -> dict[str, Any]:
    """In the form of the tests of a public client."""
    fields = {
        "id": f"id-{name}",
        "display_name": name,
        "monitor_type": kind,
        "filtered_status": status,
        "paused_at": None,
    }
    return (
        fields
        | {"unfiltered_status": status, "checked_at": "2026-11-20T10:55:00Z", "early_warning_signal": False}
        | more
    )


def board(*rows: Any, following: int | None = None) -> dict[str, Any]:
    return {
        "success": True,
        "data": [*rows],
        "pagination": {"current_page": 1, "per_page": 25, "next_page": following},
    }


def options(*monitors: str, **more: Any) -> Options:
    return Options.model_validate({"board": "AbCd", "monitors": monitors or ("Facebook",), "token": TOKEN} | more)


def look_at(document: Any, *monitors: str, **more: Any) -> Sighting:
    found = read_monitors(document)
    assert found is not None
    return judge(found, options(*monitors, **more), now=NOW)


@pytest.mark.parametrize(
    ("row", "signal", "words"),
    [
        pytest.param(monitor("up"), Signal.UP, "as working", id="up"),
        pytest.param(monitor("warn"), Signal.DEGRADED, "warns of", id="warn"),
        pytest.param(monitor("down"), Signal.DOWN, "as down", id="down"),
        pytest.param(monitor("DOWN"), Signal.DOWN, "as down", id="down in capitals"),
        pytest.param(monitor("maintenance"), Signal.UNKNOWN, "announced maintenance", id="maintenance"),
        pytest.param(monitor("unknown"), Signal.UNKNOWN, "does not know", id="unknown"),
        pytest.param(monitor(None), Signal.UNKNOWN, "does not know", id="no status"),
        pytest.param(monitor("major_outage"), Signal.UNKNOWN, "does not know", id="other word"),
        pytest.param(monitor("down", paused_at="2026-11-20T10:00:00Z"), Signal.UNKNOWN, "paused", id="paused"),
        pytest.param(monitor("down", checked_at="2026-11-20T09:00:00Z"), Signal.UNKNOWN, "of late", id="stale red"),
        pytest.param(monitor("up", checked_at="2026-11-20T09:00:00Z"), Signal.UNKNOWN, "of late", id="stale green"),
        pytest.param(monitor("down", checked_at=None), Signal.DEGRADED, "as down", id="red without a date"),
        pytest.param(monitor("down", early_warning_signal=True), Signal.DEGRADED, "as down", id="early warning"),
        pytest.param(monitor("down", kind="CustomMonitor"), Signal.DEGRADED, "as down", id="set by somebody"),
        pytest.param(monitor("down", kind="NewMonitor"), Signal.DEGRADED, "as down", id="unknown type"),
        pytest.param(
            monitor("down", name="Other"), Signal.UNKNOWN, "does not name Facebook; it names Other", id="gone"
        ),
    ],
)
def test_what_a_monitor_says(row: dict[str, Any], signal: Signal, words: str) -> None:
    """A red that is fresh, dated and of a known kind of monitor is an outage."""
    seen = look_at(board(row))
    assert seen.signal is signal
    assert words in seen.reason


@pytest.mark.parametrize(
    ("kind", "evidence"),
    [
        ("ServiceMonitor", Evidence.OFFICIAL),
        ("WebsiteMonitor", Evidence.ELSEWHERE),
        ("PingMonitor", Evidence.ELSEWHERE),
    ],
)
def test_class_of_evidence(kind: str, evidence: Evidence) -> None:
    """A repeated status page is no second witness beside that page; a look from elsewhere is one."""
    seen = look_at(board(monitor("down", kind=kind)))
    assert (seen.signal, seen.evidence) == (Signal.DOWN, evidence)


@pytest.mark.parametrize(
    ("kind", "evidence"), [("ServiceMonitor", Evidence.CROWD), ("WebsiteMonitor", Evidence.ELSEWHERE)]
)
def test_a_service_without_a_page_stands_on_its_users(kind: str, evidence: Evidence) -> None:
    """Then it is no second witness beside Downdetector; what looks for itself still does."""
    for status, signal in (("down", Signal.DOWN), ("up", Signal.UP), ("warn", Signal.DEGRADED)):
        seen = look_at(board(monitor(status, kind=kind)), evidence="crowd")
        assert (seen.signal, seen.evidence) == (signal, evidence)


def test_worst_of_several_by_name_or_id() -> None:
    """Others' trouble does not count."""
    document = board(monitor("down", name="X"), monitor("up"), monitor("warn", name="Instagram"))
    assert look_at(document).signal is Signal.UP
    assert look_at(document, "facebook", "INSTAGRAM").signal is Signal.DEGRADED
    assert look_at(document, "id-X").signal is Signal.DOWN


@given(anything)
@settings(deadline=None, max_examples=150)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing."""
    for wrapped in (
        document,
        {"data": document},
        {"data": [document]},
        board(monitor(document)),
        {"pagination": document},
    ):
        found = read_monitors(wrapped)
        assert found is None or judge(found, options(), now=NOW).signal is not Signal.DOWN
        has_more(wrapped)


@given(st.randoms(use_true_random=False), st.integers(1, 30))
@settings(deadline=None, max_examples=300)
def test_spoiled_boards_never_invent_an_outage(random: Random, times: int) -> None:
    """Without a monitor that says down nothing is down."""
    found = read_monitors(spoil(board(monitor("warn"), monitor("up", name="X")), random, times))
    assert found is None or judge(found, options("Facebook", "X"), now=NOW).signal is not Signal.DOWN


@pytest.mark.parametrize(
    "wrong",
    [
        {"board": "a/b"},
        {"monitors": []},
        {"token": ""},
        {"api_url": "http://statusgator.example/api/v3"},
        {"api_url": "x"},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing, or send the token over an open line, does not start."""
    with pytest.raises(ValidationError) as caught:
        options(**wrong)
    assert TOKEN not in str(caught.value)


async def look(*answers: Any) -> tuple[Sighting, list[httpx.Request]]:
    with respx.mock:
        respx.get(url__startswith=URL).mock(side_effect=[*answers])
        async with KIND.open(options(), surroundings()) as probe:
            seen = await probe.look()
        return seen, [call.request for call in respx.calls]


async def test_a_look_over_the_wire() -> None:
    """One request with the token; another page only while a monitor is missing."""
    seen, asked = await look(httpx.Response(200, json=board(monitor("down"), following=2)))
    assert (seen.signal, seen.fault) == (Signal.DOWN, Fault.PLATFORM)
    assert [request.headers["authorization"] for request in asked] == [f"Bearer {TOKEN}"]
    first = httpx.Response(200, json=board(monitor("up", name="X"), following=2))
    seen, asked = await look(first, httpx.Response(200, json=board(monitor("warn"))))
    assert (seen.signal, [request.url.params["page"] for request in asked]) == (Signal.DEGRADED, ["1", "2"])


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (httpx.Response(401, json={"error": "Access denied"}), Fault.ACCOUNT),
        (httpx.Response(403), Fault.ACCOUNT),
        (httpx.Response(404), Fault.ACCOUNT),
        (httpx.Response(429), Fault.ACCOUNT),
        (httpx.Response(500), None),
        (httpx.Response(302, headers={"location": "https://statusgator.com/login"}), None),
        (httpx.Response(200, html="<html></html>"), None),
        (httpx.Response(200, json=[]), None),
        (httpx.ConnectError(f"refused {TOKEN}"), None),
    ],
)
async def test_our_account_and_their_trouble_never_vote(answer: Any, fault: Fault | None) -> None:
    """A refused token is the account's trouble (rule R2), a broken answer nobody's; neither shows the token."""
    seen, _asked = await look(answer)
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, fault)
    assert TOKEN not in repr(seen)
