"""The kind `downforeveryone`: a hint, which votes only for those who ask for it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from pydantic import ValidationError

from failover.contracts import Probe
from failover.describe import kind
from failover.model import Evidence, Fault, Signal
from probes.downforeveryone import KIND, Options, judge
from tests.probes._garbage import anything, surroundings

URL = "https://downforeveryoneorjustme.com/api/httpcheck/www.facebook.com"
UP = {"statusCode": 200, "statusText": "OK", "isDown": False, "returnedUrl": "https://www.facebook.com/"}
DOWN = {"statusCode": 503, "statusText": "Service Unavailable", "isDown": True, "returnedUrl": ""}


def opened(**more: Any) -> AbstractAsyncContextManager[Probe]:
    return KIND.open(Options.model_validate({"domain": "www.facebook.com"} | more), surroundings())


@pytest.mark.parametrize(
    ("found", "signal", "vote"),
    [
        pytest.param(UP, Signal.UP, Signal.UP, id="up"),
        pytest.param(DOWN, Signal.DEGRADED, Signal.DOWN, id="down with 503"),
        pytest.param({"isDown": True}, Signal.DEGRADED, Signal.DOWN, id="down without a status"),
        pytest.param(DOWN | {"statusCode": 0}, Signal.DEGRADED, Signal.DOWN, id="down with status 0"),
        pytest.param(DOWN | {"statusCode": 403}, Signal.UNKNOWN, Signal.UNKNOWN, id="a bot wall"),
        pytest.param(DOWN | {"statusCode": 429}, Signal.UNKNOWN, Signal.UNKNOWN, id="turned away"),
        pytest.param(DOWN | {"statusCode": 200}, Signal.UNKNOWN, Signal.UNKNOWN, id="contradicts itself"),
        pytest.param(DOWN | {"isDown": "true"}, Signal.UNKNOWN, Signal.UNKNOWN, id="word instead of truth value"),
        pytest.param(DOWN | {"isDown": 1}, Signal.UNKNOWN, Signal.UNKNOWN, id="number instead of truth value"),
        pytest.param({"error": "no"}, Signal.UNKNOWN, Signal.UNKNOWN, id="another form"),
        pytest.param([DOWN], Signal.UNKNOWN, Signal.UNKNOWN, id="a list"),
        pytest.param(None, Signal.UNKNOWN, Signal.UNKNOWN, id="nothing"),
    ],
)
def test_what_an_answer_is_worth(found: Any, signal: Signal, vote: Signal) -> None:
    """One place is no quorum: without `may_vote` it is a doubt at most."""
    assert (judge(found).signal, judge(found).evidence) == (signal, Evidence.ELSEWHERE)
    assert judge(found, may_vote=True).signal is vote


@given(anything)
@settings(deadline=None, max_examples=60)
def test_garbage_never_votes(value: Any) -> None:
    """Only a plain `true` for `isDown` can, and only where that was asked for."""
    assert judge(value, may_vote=True).signal is Signal.UNKNOWN
    for found in ({"isDown": value}, {"isDown": value, "statusCode": value}):
        assert judge(found).signal is not Signal.DOWN
        assert value is True or judge(found, may_vote=True).signal is not Signal.DOWN


@respx.mock
async def test_a_look_is_one_honest_request() -> None:
    """Our own User-Agent, no borrowed Referer or Origin."""
    route = respx.get(URL).mock(return_value=httpx.Response(200, json=UP))
    async with opened() as probe:
        assert (await probe.look()).signal is Signal.UP
    (call,) = route.calls
    assert call.request.headers["user-agent"].startswith("failover-tests")
    assert not {"referer", "origin", "cookie"} & set(call.request.headers)


@respx.mock
@pytest.mark.parametrize(("may_vote", "signal"), [(False, Signal.DEGRADED), (True, Signal.DOWN)])
async def test_its_down_votes_only_where_asked_for(may_vote: bool, signal: Signal) -> None:
    respx.get(URL).mock(return_value=httpx.Response(200, json=DOWN))
    async with opened(may_vote=may_vote) as probe:
        seen = await probe.look()
    assert seen.signal is signal
    assert "from its one place (HTTP 503)" in seen.reason


@respx.mock
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(200, html="<html>Just a moment...</html>"), "a page instead of data"),
        (httpx.Response(200, content=b"\xff\xfe"), "a page instead of data"),
        (httpx.Response(403, html="<html>"), "does not let us in (HTTP 403)"),
        (httpx.Response(404), "no longer answers at this address (HTTP 404)"),
        (httpx.Response(429), "asked less often (HTTP 429)"),
        (httpx.Response(503, json=DOWN), "itself is in trouble (HTTP 503)"),
        (httpx.Response(302, headers={"location": "https://example.org/"}), "could not be read"),
        (httpx.Response(200, json=DOWN | {"x": "y" * 200_000}), "could not be read"),
        (httpx.ConnectError("refused"), "could not be read"),
    ],
    ids=["html", "garbage", "403", "404", "429", "503", "elsewhere", "too large", "refused"],
)
async def test_a_failing_source_is_not_a_failing_platform(answer: Any, words: str) -> None:
    """Rule R4; nor is it anybody's account."""
    respx.get(URL).mock(side_effect=[answer])
    async with opened(may_vote=True) as probe:
        seen = await probe.look()
    assert seen.signal is Signal.UNKNOWN
    assert seen.fault is not Fault.ACCOUNT
    assert words in seen.reason


def test_what_it_is_worth_is_told_where_kinds_are_listed() -> None:
    assert "Only worth a hint" in kind("downforeveryone")
    assert KIND.on_suspicion


@pytest.mark.parametrize(
    "domain",
    ["https://x.com", "x", "x.com/../y", "x.com?y", "-x.com", "x..com", "192.0.2.1", "x.com\n", "a" * 64 + ".com"],
)
def test_wrong_domains_are_refused(domain: str) -> None:
    with pytest.raises(ValidationError, match="without https://"):
        Options(domain=domain)
