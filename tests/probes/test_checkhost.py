"""The kind `checkhost`: what a node's entry is worth, and the control look before a "down"."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.contracts import Probe
from failover.model import Evidence, Fault, Sighting, Signal
from failover.practice.http import Fault as Breakage
from failover.practice.http import HttpService, Request, Response
from probes._views import Reach, View, judge_views
from probes.checkhost import KIND, Check, Options, judge_refusal, read_check, views_of, without_the_troubled
from tests.probes._garbage import anything, surroundings

URL, CONTROL = "https://www.facebook.com/", "https://www.wikipedia.org/"

NODES = {
    "de1.node.check-host.net": ["de", "Germany", "Nuremberg", "192.0.2.1", "AS24940"],
    "us1.node.check-host.net": ["us", "USA", "Los Angeles", "192.0.2.2", "AS18978"],
    "jp1.node.check-host.net": ["jp", "Japan", "Tokyo", "192.0.2.3", "AS2516"],
    "ch1.node.check-host.net": ["ch", "Switzerland", "Zurich", "192.0.2.4", "AS50837"],
}
WORKS = [[1, 0.134, "OK", "200", "157.240.0.35"]]
FAILS = [[0, 20.0, "Connection timed out", None, None]]


class CheckHostService(HttpService):
    """The calls that are used; `found` is what every node finds at a URL, `odd` what one finds wherever it looks.

    `slow` answers in which nobody is ready come first.  All nodes take part in every check.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Any] = {URL: WORKS, CONTROL: WORKS}
        self.odd: dict[str, Any] = {}
        self.slow = 0
        self.checks: list[str] = []

    async def answer(self, request: Request) -> Response:
        if request.headers.get("accept") != "application/json":
            return Response.html("<html>check-host</html>")
        if request.path == "/check-http":
            self.checks.append(request.query["host"])
            key = str(len(self.checks))
            return Response.json({"ok": 1, "request_id": key, "permanent_link": "", "nodes": NODES})
        number = int(request.path.removeprefix("/check-result/"))
        self.slow -= 1
        if self.slow >= 0:
            return Response.json(dict.fromkeys(NODES))
        found = self.found[self.checks[number - 1]]
        return Response.json({name: self.odd.get(name, found) for name in NODES})


def opened(service: CheckHostService, **more: Any) -> AbstractAsyncContextManager[Probe]:
    return KIND.open(Options.model_validate({"url": URL, "api_url": service.url} | more), surroundings())


CHECK = Check(key="1", nodes={"de1": ("AS24940", "DE")})


@pytest.mark.parametrize(
    ("entry", "reach"),
    [
        pytest.param(WORKS, Reach.WORKS, id="200"),
        pytest.param([[1, 0.13, "Moved Permanently", "301"]], Reach.WORKS, id="without an address"),
        pytest.param([[0, 0.17, "Not Found", "404", "192.0.2.9"]], Reach.WORKS, id="404 is called a failure there"),
        pytest.param([[0, 0.17, "Forbidden", "403", "192.0.2.9"]], Reach.WORKS, id="403 as well"),
        pytest.param([[0, 0.17, "Service Unavailable", "503", "192.0.2.9"]], Reach.FAILS, id="503"),
        pytest.param([[1, 0.17, "Service Unavailable", 503, "192.0.2.9"]], Reach.FAILS, id="503 as a number"),
        pytest.param(FAILS, Reach.FAILS, id="timed out"),
        pytest.param([[0, 0.1, "Connection refused", None, None]], Reach.FAILS, id="refused"),
        pytest.param([[0, 0.1, "Connection reset by peer", None, None]], Reach.FAILS, id="reset"),
        pytest.param([[0, 0.1, "Name or service not known", None, None]], Reach.CANNOT_TELL, id="no such name"),
        pytest.param([[0, 0.1, "certificate verify failed", None, None]], Reach.CANNOT_TELL, id="certificate"),
        pytest.param([[1, 0.1, "Connection timed out", None, None]], Reach.CANNOT_TELL, id="contradicts itself"),
        pytest.param([[False, 0.1, "Connection timed out", None, None]], Reach.CANNOT_TELL, id="of another type"),
        pytest.param([None, [{"message": "node is down"}]], Reach.CANNOT_TELL, id="trouble of the node"),
        pytest.param([[None]], Reach.CANNOT_TELL, id="nothing found"),
        pytest.param([], Reach.CANNOT_TELL, id="empty"),
        pytest.param(None, Reach.CANNOT_TELL, id="not finished"),
        pytest.param("OK", Reach.CANNOT_TELL, id="text"),
    ],
)
def test_what_one_node_found(entry: Any, reach: Reach) -> None:
    """An HTTP status decides where there is one; else only words that speak of a failed connection."""
    assert views_of(CHECK, {"de1": entry})["de1"].reach is reach


@pytest.mark.parametrize(
    ("started", "words"),
    [
        ({"ok": 0, "error": "limit_exceeded"}, "did not start"),
        ({"ok": 1, "request_id": "../x", "nodes": {}}, "did not start"),
        ({"ok": 1, "request_id": 5, "nodes": {}}, "did not start"),
        ({"ok": 1, "request_id": "a"}, "did not start"),
        ({}, "did not start"),
    ],
)
def test_a_check_that_did_not_start(started: dict[str, Any], words: str) -> None:
    said = read_check(started)
    assert isinstance(said, Sighting)
    assert said.signal is Signal.UNKNOWN
    assert words in said.reason


def test_places_of_nodes() -> None:
    """Country and network out of the row; a row of another form leaves them open, and a strange name is left out."""
    rows = {"de1": NODES["de1.node.check-host.net"], "x": ["de"], "y": None, "z": [1, 2, 3, 4, 5], "&node=evil": []}
    check = read_check({"ok": 1, "request_id": "a", "nodes": rows})
    assert isinstance(check, Check)
    assert check.nodes == {"de1": ("AS24940", "DE"), "x": ("", ""), "y": ("", ""), "z": ("", "")}


@given(anything, st.dictionaries(st.sampled_from([*NODES]), anything))
@settings(deadline=None, max_examples=60)
def test_garbage_never_votes(value: Any, results: dict[str, Any]) -> None:
    """Random JSON in the place of each answer raises nothing and is never "down"."""
    assert isinstance(read_check({"ok": 1, "request_id": "a", "nodes": value}), Check | Sighting)
    check = read_check({"ok": 1, "request_id": "a", "nodes": NODES})
    assert isinstance(check, Check)
    assert judge_views([*views_of(check, results).values()]).signal is Signal.UNKNOWN


def test_only_failures_are_checked_against_the_control() -> None:
    """A node that did not reach the control page either, or was not heard of, is in trouble itself."""
    view = View(network="AS1", country="DE", reach=Reach.FAILS, words="timed out")
    fine = View(network="AS2", country="US", reach=Reach.WORKS, words="HTTP 200")
    seen = without_the_troubled({"a": view, "b": view, "c": view, "d": fine}, {"a": fine, "b": view})
    assert [one.reach for one in seen] == [Reach.FAILS, Reach.CANNOT_TELL, Reach.CANNOT_TELL, Reach.WORKS]


async def test_a_look_while_all_is_well() -> None:
    """One check, no control."""
    async with CheckHostService() as service, opened(service) as probe:
        seen = await probe.look()
        assert (seen.signal, seen.evidence) == (Signal.UP, Evidence.ELSEWHERE)
        assert service.checks == [URL]
        assert service.requests[0].query["max_nodes"] == "6"


async def test_down_is_said_after_the_control_look_only() -> None:
    """The nodes that failed are sent to the control page by their names."""
    async with CheckHostService() as service, opened(service) as probe:
        service.found[URL] = FAILS
        service.odd = {"ch1.node.check-host.net": WORKS}
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.DOWN, Fault.PLATFORM)
        assert "3 of 4 networks in 4 countries" in seen.reason
        assert service.checks == [URL, CONTROL]
        assert service.requests[2].query["node"] == "jp1.node.check-host.net"
        assert "max_nodes" not in service.requests[2].query


async def test_nodes_that_reach_nothing_at_all_do_not_count() -> None:
    async with CheckHostService() as service, opened(service) as probe:
        service.found |= {URL: FAILS, CONTROL: FAILS}
        assert (await probe.look()).signal is Signal.UNKNOWN
        service.found |= {CONTROL: WORKS}
        service.odd = dict.fromkeys([*NODES][:2], FAILS)
        seen = await probe.look()
    assert seen.signal is Signal.UNKNOWN
    assert "only 2 networks" in seen.reason
    assert "trouble of the vantage point" in seen.detail


async def test_a_control_look_that_fails_is_no_down() -> None:
    async with CheckHostService() as service, opened(service) as probe:
        service.found[URL] = FAILS
        service.fail(Breakage.ERROR_BEFORE, path="/check-result/2")
        seen = await probe.look()
    assert seen.signal is Signal.UNKNOWN
    assert "the control look failed" in seen.reason


async def test_results_are_waited_for_as_long_as_is_said() -> None:
    """Asked again while nodes are at work; when time is up, what is in counts."""
    async with CheckHostService() as service, opened(service, within="2s") as probe:
        service.slow = 1
        assert (await probe.look()).signal is Signal.UP
    async with CheckHostService() as service, opened(service, within="1s") as probe:
        service.slow = 10
        seen = await probe.look()
    assert seen.signal is Signal.UNKNOWN
    assert "not finished" in seen.detail


@pytest.mark.parametrize("path", ["/check-http", "/check-result"])
@pytest.mark.parametrize(
    "breakage", [Breakage.RESET_BEFORE, Breakage.CLOSE_AFTER, Breakage.ERROR_BEFORE, Breakage.HTML_BEFORE]
)
async def test_a_failing_service_is_not_a_failing_platform(path: str, breakage: Breakage) -> None:
    """Rule R4."""
    async with CheckHostService() as service, opened(service) as probe:
        service.found[URL] = FAILS
        service.fail(breakage, path=path)
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, None)
        assert (await probe.look()).signal is Signal.DOWN


async def test_too_many_and_our_own_limit() -> None:
    """429 keeps us away; and so does our own count, since the service names no limit."""
    async with CheckHostService() as service, opened(service) as probe:
        service.fail(Breakage.THROTTLED)
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
        assert "was not asked" in (await probe.look()).reason
        assert len(service.requests) == 1
    async with CheckHostService() as service, opened(service, per_hour=2) as probe:
        for _ in range(2):
            assert (await probe.look()).signal is Signal.UP
        assert "our own limit of 2 an hour" in (await probe.look()).reason


@pytest.mark.parametrize(
    ("status", "fault"), [(400, Fault.ACCOUNT), (403, None), (404, None), (500, None), (302, None)]
)
def test_refusals(status: int, fault: Fault | None) -> None:
    seen = judge_refusal(status)
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, fault)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "www.facebook.com"},
        {"nodes": 2},
        {"nodes": 21},
        {"control": "ftp://x"},
        {"per_hour": 0},
        {"target": "x"},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"url": URL} | wrong)


def test_both_looks_fit_into_the_deadline() -> None:
    """Each of the two: a start, the wait, and one last answer."""
    assert KIND.on_suspicion
    assert KIND.timeout >= 2 * (Options(url=URL).within + 2 * 9)
