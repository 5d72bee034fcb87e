"""The kind `downdetector`: what the crowd's words amount to, what a look costs, and that no secret gets out."""

from __future__ import annotations

import base64
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from failover.contracts import Probe
from failover.model import Evidence, Fault, Sighting, Signal
from failover.practice.downdetector import Company, DowndetectorService
from failover.practice.http import Fault as Breakage
from failover.practice.http import Request, Response
from probes.downdetector import (
    KIND,
    Options,
    describe_spike,
    judge_refusal,
    judge_status,
    lifetime,
    pick_company,
)
from tests.probes._garbage import NOW, anything, surroundings

SECRET = "practice-secret"


@dataclass
class Clock:
    at: float = NOW

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize(
    ("said", "signal", "fault"),
    [
        ("danger", Signal.DOWN, Fault.PLATFORM),
        ("warning", Signal.DEGRADED, Fault.PLATFORM),
        ("success", Signal.UP, None),
        ("DANGER", Signal.UNKNOWN, None),
        ("danger ", Signal.UNKNOWN, None),
        ("", Signal.UNKNOWN, None),
        (None, Signal.UNKNOWN, None),
        (["danger"], Signal.UNKNOWN, None),
        ({"status": "danger"}, Signal.UNKNOWN, None),
    ],
)
def test_words(said: object, signal: Signal, fault: Fault | None) -> None:
    """Only `danger` votes; `warning` is doubt; what is not one of the three documented words says nothing."""
    seen = judge_status(said)
    assert (seen.signal, seen.evidence, seen.fault) == (signal, Evidence.CROWD, fault)


@pytest.mark.parametrize(
    ("status", "fault"),
    [(400, Fault.ACCOUNT), (401, Fault.ACCOUNT), (402, Fault.ACCOUNT), (403, Fault.ACCOUNT), (404, Fault.ACCOUNT),
     (429, Fault.ACCOUNT), (500, None), (502, None), (503, None), (301, None), (418, None)],
)  # fmt: skip
def test_refusals(status: int, fault: Fault | None) -> None:
    """Our contract, quota and request are the account's trouble; Downdetector's own is nobody's; none ever votes."""
    seen = judge_refusal(status)
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, fault)
    assert str(status) in seen.reason


FACEBOOK = {"id": 1, "slug": "facebook", "country_iso": "US"}


@pytest.mark.parametrize(
    ("found", "country", "picked"),
    [
        pytest.param([FACEBOOK], None, "1", id="only one"),
        pytest.param([FACEBOOK | {"slug": "facebook-messenger"}, FACEBOOK | {"id": 2}], None, "2", id="exact slug"),
        pytest.param([FACEBOOK, FACEBOOK | {"id": 2, "country_iso": "GB"}], "GB", "2", id="by country"),
        pytest.param([FACEBOOK, FACEBOOK], "US", "1", id="the same twice"),
        pytest.param(
            [FACEBOOK, FACEBOOK | {"id": 2, "country_iso": "GB"}], None, "several countries", id="ambiguous"
        ),
        pytest.param([FACEBOOK], "GB", "no company facebook in GB", id="not in that country"),
        pytest.param([], None, "no company facebook", id="none"),
        pytest.param([FACEBOOK | {"id": "1"}], None, "no company", id="id of another type"),
        pytest.param([FACEBOOK | {"id": True}], None, "no company", id="id that is a truth value"),
        pytest.param([FACEBOOK | {"id": -1}], None, "no company", id="id below zero"),
        pytest.param([None, 5, "facebook"], None, "no company", id="rows of another type"),
        pytest.param({"companies": [FACEBOOK]}, None, "unknown form", id="another form"),
    ],
)
def test_picking_a_company(found: object, country: str | None, picked: str) -> None:
    """Exactly one site must be left; otherwise a person has to say which."""
    seen = pick_company(found, "facebook", country)
    if isinstance(seen, Sighting):
        assert seen.signal is Signal.UNKNOWN
        assert picked in seen.reason
    else:
        assert seen == picked


def jwt(claims: Any) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{middle}.sig"


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (jwt({"iat": 1000, "exp": 2800}), 1800.0),
        (jwt({"iat": 1000, "exp": 4600}), 3600.0),
        (jwt({"iat": 1000, "exp": 99999999}), 3600.0),
        (jwt({"iat": 2000, "exp": 1000}), 3600.0),
        (jwt({"exp": 1000}), 3600.0),
        (jwt([]), 3600.0),
        (jwt({"iat": "x", "exp": None}), 3600.0),
        ("opaque", 3600.0),
        ("a.b.c", 3600.0),
        ("a.\u20ac.c", 3600.0),
        ("..", 3600.0),
    ],
)
def test_lifetime_of_a_token(token: str, seconds: float) -> None:
    """From its own two times, so that a wrong clock of ours does not matter; an hour where it does not say."""
    assert lifetime(token) == seconds


@given(st.text() | anything.map(jwt))
@settings(deadline=None, max_examples=100)
def test_any_token_has_a_lifetime(token: str) -> None:
    """Whatever stands in a token, it is kept for a positive time of at most an hour."""
    assert 0 < lifetime(token) <= 3600


@given(anything)
@settings(deadline=None, max_examples=100)
def test_garbage_never_votes(value: Any) -> None:
    """Random JSON in the place of each answer raises nothing and is never "down"."""
    assert judge_status(value).signal is Signal.UNKNOWN or value in ("danger", "warning", "success")
    assert isinstance(pick_company(value, "facebook", None), Sighting)
    assert isinstance(describe_spike(value, value), str)


@pytest.mark.parametrize(
    ("reports", "usual", "words"),
    [
        (9800, 44, "9,800 reports in 15 minutes, usually 44"),
        (9800.4, None, "9,800 reports in 15 minutes"),
        (None, 44, ""),
        (True, 44, ""),
        (-1, 44, ""),
        (float("inf"), 44, ""),
    ],
)
def test_numbers_of_a_spike(reports: object, usual: object, words: str) -> None:
    """As much as there are numbers."""
    assert describe_spike(reports, usual) == words


def options(service: DowndetectorService, **more: Any) -> Options:
    given = {"company": "facebook", "country": "GB", "client_id": "practice-id", "client_secret": SECRET} | more
    return Options.model_validate({"api_url": service.api_url} | given)


def opened(service: DowndetectorService, clock: Clock, **more: Any) -> AbstractAsyncContextManager[Probe]:
    return KIND.open(options(service, **more), surroundings(clock))


@pytest.mark.parametrize(
    ("status", "signal", "words"),
    [
        ("success", Signal.UP, "no more reports than usual"),
        ("warning", Signal.DEGRADED, "possible problems"),
        ("danger", Signal.DOWN, "reports problems: 9,800 reports in 15 minutes, usually 44"),
    ],
)
async def test_a_look(status: str, signal: Signal, words: str) -> None:
    """The status that is set is the status that is seen."""
    async with DowndetectorService() as service:
        service.set(status, last_15=9800)
        async with opened(service, Clock()) as probe:
            seen = await probe.look()
    assert (seen.signal, seen.evidence) == (signal, Evidence.CROWD)
    assert words in seen.reason


async def test_a_steady_look_is_one_billed_call() -> None:
    """Token and id are asked for once; a spike's numbers once per spike, and then its reason stays the same."""
    async with DowndetectorService() as service, opened(service, Clock()) as probe:
        for _ in range(3):
            await probe.look()
        assert service.calls == {"tokens": 1, "search": 1, "status": 3}
        service.set("danger", last_15=9800)
        reasons = {(await probe.look()).reason for _ in range(3)}
        assert len(reasons) == 1
        assert service.calls == {"tokens": 1, "search": 1, "status": 6, "last_15": 1, "baseline/current": 1}
        service.set("success")
        await probe.look()
        service.set("danger", last_15=500)
        assert "500 reports" in (await probe.look()).reason


async def test_token_and_id_are_renewed_in_time() -> None:
    """The token five minutes before its hour ends, the id after a day."""
    clock = Clock()
    async with DowndetectorService(clock=clock) as service, opened(service, clock) as probe:
        await probe.look()
        clock.at += 3299
        await probe.look()
        assert service.calls["tokens"] == 1
        clock.at += 2
        await probe.look()
        assert (service.calls["tokens"], service.calls["refused"]) == (2, 0)
        clock.at += 86400
        await probe.look()
        assert service.calls["search"] == 2


async def test_a_kept_token_that_is_refused_is_renewed_once() -> None:
    """Revoked in between: one new token and the call again; the look succeeds."""
    async with DowndetectorService() as service, opened(service, Clock()) as probe:
        await probe.look()
        service.revoke()
        assert (await probe.look()).signal is Signal.UP
        assert (service.calls["tokens"], service.calls["refused"]) == (2, 1)


class Unwilling(DowndetectorService):
    """Gives out tokens, and accepts none of them."""

    async def answer(self, request: Request) -> Response:
        response = await super().answer(request)
        self.revoke()
        return response


async def test_a_service_that_refuses_every_token_is_not_asked_in_circles() -> None:
    """A token that was fetched in this look is not renewed in it: two requests, and an alarm."""
    async with Unwilling() as service, opened(service, Clock()) as probe:
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
        assert len(service.requests) == 2
        await probe.look()
        assert len(service.requests) == 4


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"client_secret": "wrong"}, "does not accept the credentials (HTTP 401)"),
        ({"client_id": "wrong"}, "does not accept the credentials (HTTP 401)"),
        ({"company": "facebok"}, "no company facebok in GB"),
        ({"country": "US"}, "no company facebook in US"),
    ],
)
async def test_trouble_of_our_own_account(more: dict[str, Any], words: str) -> None:
    """Wrong credentials or names need a person, and never vote."""
    async with DowndetectorService() as service, opened(service, Clock(), **more) as probe:
        service.set("danger")
        seen = await probe.look()
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
    assert words in seen.reason


@pytest.mark.parametrize("path", ["tokens", "search", "status"])
async def test_quota(path: str) -> None:
    """429 at any call is our quota."""
    async with DowndetectorService() as service, opened(service, Clock()) as probe:
        service.fail(Breakage.THROTTLED, path=path)
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
        assert "quota" in seen.reason
        assert (await probe.look()).signal is Signal.UP


@pytest.mark.parametrize("path", ["tokens", "search", "status"])
@pytest.mark.parametrize(
    "breakage",
    [Breakage.RESET_BEFORE, Breakage.CLOSE_AFTER, Breakage.ERROR_BEFORE, Breakage.HTML_BEFORE, Breakage.HALF_AFTER],
)
async def test_a_failing_downdetector_is_not_a_failing_platform(path: str, breakage: Breakage) -> None:
    """On 18 November 2025 it went down together with what it watches: that is "could not tell" (rule R4)."""
    async with DowndetectorService() as service, opened(service, Clock()) as probe:
        service.set("danger")
        service.fail(breakage, path=path)
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, None)
        assert (await probe.look()).signal is Signal.DOWN


@pytest.mark.parametrize("path", ["last_15", "baseline"])
async def test_the_vote_stands_without_its_numbers(path: str) -> None:
    """The numbers are for the reason only."""
    async with DowndetectorService() as service, opened(service, Clock()) as probe:
        service.set("danger", last_15=9800)
        service.fail_always(Breakage.ERROR_BEFORE, path=path)
        assert (await probe.look()).signal is Signal.DOWN


async def test_a_company_that_moved_is_looked_up_again() -> None:
    """An id that is unknown all at once is forgotten, and found anew at the next look."""
    async with DowndetectorService() as service, opened(service, Clock()) as probe:
        await probe.look()
        service.companies = [Company(20002, "facebook", "GB", "danger")]
        assert (await probe.look()).signal is Signal.UNKNOWN
        assert (await probe.look()).signal is Signal.DOWN


async def test_the_secret_is_sent_for_the_token_only_and_shows_nowhere() -> None:
    """Neither sighting nor printed value carries it; only `/tokens` receives it, and never in the address."""
    async with DowndetectorService() as service:
        chosen = options(service)
        async with KIND.open(chosen, surroundings()) as probe:
            seen = await probe.look()
            service.fail(Breakage.RESET_BEFORE, path="status")
            troubled = await probe.look()
            shown = repr((chosen, seen, troubled, vars(probe), probe))
            token = json.loads((await service.answer(service.requests[0])).body)["access_token"]
        basic = base64.b64encode(f"practice-id:{SECRET}".encode()).decode()
        first, *rest = service.requests
    assert first.headers["authorization"] == f"Basic {basic}"
    assert not any(basic in str(request) for request in rest)
    assert not any(SECRET in request.path or SECRET in str(request.query) for request in service.requests)
    for hidden in (SECRET, basic, token.split(".")[1][:20]):
        assert hidden not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"company": "Face book"},
        {"company": "../tokens"},
        {"company": ""},
        {"country": "gb"},
        {"country": "GBR"},
        {"client_secret": ""},
        {"api_url": "http://downdetectorapi.com/v2"},
        {"api_url": "https://id:secret@downdetectorapi.com/v2"},
        {"token": "x"},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """Also an address to which the credentials would travel in the open; the message does not repeat a secret."""
    right = {"company": "facebook", "client_id": SecretStr("id"), "client_secret": SecretStr(SECRET)}
    Options.model_validate(right)
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(right | wrong)
    assert SECRET not in str(caught.value)
