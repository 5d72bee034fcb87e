"""The kind `globalping`: the quorum, whose failure counts, and what is spent."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.contracts import Probe
from failover.lookout import Look
from failover.model import Evidence, Fault, Signal, State
from failover.practice.globalping import GlobalpingService, answered, failed
from failover.practice.http import Fault as Breakage
from probes._budget import Budget
from probes._views import Reach, View, judge_views
from probes.globalping import KIND, Options, judge_refusal, question, views_of
from tests.probes._garbage import NOW, anything, spoil, surroundings

TOKEN = "practice-token-1234567890"


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


def options(service: GlobalpingService | None = None, **more: Any) -> Options:
    address = {"api_url": service.api_url} if service else {}
    return Options.model_validate({"target": "www.facebook.com", **address, **more})


def opened(service: GlobalpingService, clock: Clock | None = None, **more: Any) -> AbstractAsyncContextManager[Probe]:
    return KIND.open(options(service, **more), surroundings(clock or Clock()))


def views(text: str) -> list[View]:
    """`1GB+ 2US- 3DE?`: network, country, and works, fails or cannot tell."""
    reach = {"+": Reach.WORKS, "-": Reach.FAILS, "?": Reach.CANNOT_TELL}
    return [
        View(network=word[:-3], country=word[-3:-1], reach=reach[word[-1]], words="practice") for word in text.split()
    ]


@pytest.mark.parametrize(
    ("seen", "signal", "words"),
    [
        pytest.param("1GB- 2US- 3DE-", Signal.DOWN, "from 3 of 3 networks in 3 countries", id="just enough"),
        pytest.param("1GB- 2GB- 3DE-", Signal.DOWN, "in 2 countries", id="two countries are enough"),
        pytest.param("1GB- 2GB- 3GB- 4GB-", Signal.UNKNOWN, "4 networks in 1 country", id="one country"),
        pytest.param("1GB- 2US-", Signal.UNKNOWN, "only 2 networks", id="two networks"),
        pytest.param("1GB- 1US- 1DE- 1JP-", Signal.UNKNOWN, "only 1 network in", id="one network in four countries"),
        pytest.param("1GB- 2US- 3DE- 4JP+", Signal.DOWN, "from 3 of 4", id="one gets through"),
        pytest.param("1GB- 2US- 3DE- 4JP+ 5CA+", Signal.DEGRADED, "from 3 of 5", id="two of five get through"),
        pytest.param("1GB- 2US- 3DE+", Signal.DEGRADED, "from 2 of 3", id="failing networks are no quorum"),
        pytest.param("1GB- 2GB- 3GB- 4US+", Signal.DEGRADED, "from 3 of 4", id="failing ones all in one country"),
        pytest.param("1GB- 2US+ 3DE+", Signal.UP, "from 2 of 3 networks", id="a lone failure"),
        pytest.param("1GB+ 2US+ 3DE+ 4JP?", Signal.UP, "from 3 of 3", id="works"),
        pytest.param("1GB+ 2US+", Signal.UNKNOWN, "too few", id="up needs the quorum as well"),
        pytest.param(
            "1GB- 1GB+ 2US- 3DE-", Signal.DEGRADED, "from 2 of 3", id="one machine of a network gets through"
        ),
        pytest.param("1GB- 2US- 3DE? 4JP?", Signal.UNKNOWN, "only 2 networks", id="vantage trouble does not count"),
        pytest.param("1GB- 2US- 3CN- 4IR- 5RU-", Signal.UNKNOWN, "only 2", id="countries that block do not count"),
        pytest.param("1GB+ 2US+ 3CN+", Signal.UP, "from 3 of 3", id="getting through from there does"),
        pytest.param("GB- 2US- 3DE-", Signal.UNKNOWN, "only 2", id="an unknown network does not count"),
        pytest.param("", Signal.UNKNOWN, "only 0 networks", id="nothing"),
    ],
)
def test_the_quorum(seen: str, signal: Signal, words: str) -> None:
    """Three networks in two countries must be able to tell, and twice as many must fail as get through."""
    said = judge_views(views(seen))
    assert (said.signal, said.evidence) == (signal, Evidence.ELSEWHERE)
    assert words in said.reason


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["GB", "US", "DE", "CN"]), st.sampled_from("+-?"))))
@settings(deadline=None, max_examples=100)
def test_no_down_without_three_failing_networks_in_two_countries(rows: list[tuple[int, str, str]]) -> None:
    """Whatever is mixed."""
    seen = views(" ".join(f"{network or ''}{country}{sign}" for network, country, sign in rows))
    if judge_views(seen).signal is Signal.DOWN:
        failing = [view for view in seen if view.reach is Reach.FAILS and view.country != "CN" and view.network]
        assert len({view.network for view in failing}) >= 3
        assert len({view.country for view in failing}) >= 2


PLACE = {"country": "GB", "asn": 2856}


@pytest.mark.parametrize(
    ("result", "reach"),
    [
        pytest.param(answered(200), Reach.WORKS, id="200"),
        pytest.param(answered(301), Reach.WORKS, id="redirect"),
        pytest.param(answered(403), Reach.WORKS, id="403 proves the edge"),
        pytest.param(answered(429), Reach.WORKS, id="429 is the platform turning a robot away"),
        pytest.param(answered(500), Reach.FAILS, id="500"),
        pytest.param(answered(503), Reach.FAILS, id="503"),
        pytest.param(answered(522), Reach.FAILS, id="522 of an edge"),
        pytest.param(answered(511), Reach.CANNOT_TELL, id="a login page on the way"),
        pytest.param(answered(407), Reach.CANNOT_TELL, id="a proxy on the way"),
        pytest.param(answered(503, tls={"authorized": False}), Reach.CANNOT_TELL, id="a box in between"),
        pytest.param(answered(200, tls={"authorized": False}), Reach.CANNOT_TELL, id="a box that says fine"),
        pytest.param(answered(503, headers={"cf-mitigated": "challenge"}), Reach.CANNOT_TELL, id="a test for robots"),
        pytest.param(answered(503, tls=None), Reach.FAILS, id="no word about the certificate"),
        pytest.param({"status": "finished", "statusCode": None}, Reach.CANNOT_TELL, id="no status"),
        pytest.param({"status": "finished", "statusCode": True}, Reach.CANNOT_TELL, id="status of another type"),
        pytest.param(failed("target"), Reach.FAILS, id="target"),
        pytest.param(failed("target", "Request timeout."), Reach.FAILS, id="target in silence"),
        pytest.param(failed("resolver"), Reach.CANNOT_TELL, id="the vantage point's resolver"),
        pytest.param(failed("internal"), Reach.CANNOT_TELL, id="the vantage point itself"),
        pytest.param(failed(None), Reach.CANNOT_TELL, id="no source is named"),
        pytest.param(failed("someone"), Reach.CANNOT_TELL, id="a source that is not known"),
        pytest.param(failed("target", "queryA ENOTFOUND www.x.com"), Reach.CANNOT_TELL, id="no such name there"),
        pytest.param(failed("target", "Private IP ranges are not allowed."), Reach.CANNOT_TELL, id="filtered there"),
        pytest.param({"status": "in-progress"}, Reach.CANNOT_TELL, id="not finished"),
        pytest.param({"status": "offline"}, Reach.CANNOT_TELL, id="offline"),
        pytest.param({"status": "failed", "failureSource": ["target"], "rawOutput": 5}, Reach.CANNOT_TELL, id="odd"),
        pytest.param({}, Reach.CANNOT_TELL, id="empty"),
        pytest.param(None, Reach.CANNOT_TELL, id="nothing"),
    ],
)
def test_what_one_vantage_point_found(result: Any, reach: Reach) -> None:
    """Only the target's own failure counts against it."""
    (seen,) = views_of([{"probe": PLACE, "result": result}])
    assert (seen.reach, seen.network, seen.country) == (reach, "AS2856", "GB")


@pytest.mark.parametrize(
    "probe",
    [None, {}, {"asn": 1}, {"country": "GB"}, {"asn": "2856", "country": "GB"}, {"asn": True, "country": "GB"},
     {"asn": 0, "country": "GB"}, {"asn": 2856, "country": "gb"}, {"asn": 2856, "country": "Britain"}],
)  # fmt: skip
def test_a_vantage_point_that_does_not_say_where_it_is_counts_for_nothing(probe: Any) -> None:
    (seen,) = views_of([{"probe": probe, "result": failed()}])
    assert not seen.tells


@given(anything, st.lists(anything, max_size=6))
@settings(deadline=None, max_examples=60)
def test_garbage_never_votes(value: Any, rows: list[Any]) -> None:
    """Random JSON in any place raises nothing and is never "down"."""
    for results in (value, rows, [{"probe": PLACE, "result": row} for row in rows]):
        assert judge_views(views_of(results)).signal is Signal.UNKNOWN


@given(st.randoms(use_true_random=False), st.integers(1, 6))
@settings(deadline=None, max_examples=60)
def test_spoilt_answers_never_make_a_working_platform_fail(random: Random, times: int) -> None:
    """Good answers with parts left out, exchanged or doubled: nothing is raised, and nothing votes."""
    good = [{"probe": {"country": c, "asn": n}, "result": answered()} for c, n in (("GB", 1), ("US", 2), ("DE", 3))]
    assert judge_views(views_of(spoil(good, random, times))).signal in (Signal.UP, Signal.UNKNOWN)


async def test_a_look_creates_one_measurement_and_asks_for_it() -> None:
    """The target, over HTTPS, from five countries; one test for each."""
    async with GlobalpingService() as service, opened(service) as probe:
        service.polls = 1
        seen = await probe.look()
        assert (seen.signal, seen.reason) == (Signal.UP, "can be reached from 5 of 5 networks in 5 countries")
        assert (service.calls["POST"], service.calls["GET"], service.tests) == (1, 2, 5)
    (asked,) = service.asked
    assert (asked["type"], asked["target"], asked["limit"]) == ("http", "www.facebook.com", 5)
    assert [place["country"] for place in asked["locations"]] == ["CA", "DE", "GB", "JP", "US"]
    assert asked["measurementOptions"]["request"] == {"method": "HEAD", "path": "/"}


def test_a_path_with_a_query_is_asked_for_in_two_parts() -> None:
    asked = question(options(path="/health?full=1", method="GET"))
    assert asked["measurementOptions"]["request"] == {"method": "GET", "path": "/health", "query": "full=1"}


async def test_an_outage_and_its_end() -> None:
    """Everybody fails, then nobody; the reason stays the same from look to look."""
    async with GlobalpingService() as service, opened(service) as probe:
        service.everywhere(failed())
        first, second = await probe.look(), await probe.look()
        assert (first.signal, first.fault) == (Signal.DOWN, Fault.PLATFORM)
        assert first == second
        assert "GB/AS2856: connect ETIMEDOUT" in first.detail
        service.everywhere(answered())
        assert (await probe.look()).signal is Signal.UP


@pytest.mark.parametrize("source", ["internal", "resolver", None])
async def test_failing_vantage_points_are_not_a_failing_platform(source: str | None) -> None:
    async with GlobalpingService() as service, opened(service) as probe:
        service.everywhere(failed(source))
        seen = await probe.look()
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, None)


async def test_time_is_up_before_all_are_in() -> None:
    """What is in by then counts: enough of it is a verdict, too little is none."""
    async with GlobalpingService() as service, opened(service, within="1s") as probe:
        service.polls = 1000
        service.set("GB", failed())
        assert (await probe.look()).signal is Signal.UNKNOWN
        service.results = dict.fromkeys(("GB", "US", "DE"), failed())
        assert (await probe.look()).signal is Signal.DOWN


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    "breakage",
    [Breakage.RESET_BEFORE, Breakage.CLOSE_AFTER, Breakage.ERROR_BEFORE, Breakage.HTML_BEFORE, Breakage.HALF_AFTER],
)
async def test_a_failing_globalping_is_not_a_failing_platform(method: str, breakage: Breakage) -> None:
    """Rule R4."""
    async with GlobalpingService() as service, opened(service) as probe:
        service.everywhere(failed())
        service.fail(breakage, method=method)
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, None)
        assert (await probe.look()).signal is Signal.DOWN


@pytest.mark.parametrize(
    ("status", "fault"),
    [(400, Fault.ACCOUNT), (401, Fault.ACCOUNT), (403, Fault.ACCOUNT), (429, Fault.ACCOUNT), (404, None), (422, None),
     (500, None), (503, None), (302, None)],
)  # fmt: skip
def test_refusals(status: int, fault: Fault | None) -> None:
    """Our token, our request and our quota are ours; nothing of it is the platform's."""
    seen = judge_refusal(status)
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, fault)
    assert str(status) in seen.reason


async def test_too_many_is_never_down_and_we_stay_away_until_the_hour_is_over() -> None:
    """429: could not tell; nothing is asked until the time that the service named."""
    clock = Clock()
    async with GlobalpingService(clock=clock) as service, opened(service, clock) as probe:
        service.everywhere(failed())
        service.quota.limit, service.quota.used, service.quota.ends = 250, 248, NOW + 1200
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
        assert "HTTP 429" in seen.reason
        clock.at += 1190
        seen = await probe.look()
        assert (seen.signal, seen.reason) == (
            Signal.UNKNOWN,
            "Globalping was not asked: its free quota for this address is used up for now",
        )
        assert service.calls["POST"] == 1
        clock.at += 11
        assert (await probe.look()).signal is Signal.DOWN


async def test_the_headers_say_when_too_little_is_left() -> None:
    """Others on this machine spend from the same quota: a measurement that would be refused is not asked for."""
    clock = Clock()
    async with GlobalpingService(clock=clock) as service, opened(service, clock) as probe:
        service.quota.limit = 9
        assert (await probe.look()).signal is Signal.UP
        assert "free quota" in (await probe.look()).reason
        assert service.calls["POST"] == 1


async def test_our_own_limit_holds_within_any_hour() -> None:
    """`per_hour` tests, by our own count, whatever the service would still give."""
    clock = Clock()
    async with GlobalpingService(clock=clock) as service, opened(service, clock, per_hour=10) as probe:
        for minutes in (0, 30):
            clock.at = NOW + 60 * minutes
            assert (await probe.look()).signal is Signal.UP
        clock.at = NOW + 60 * 59
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, None)
        assert "our own limit of 10 an hour" in seen.reason
        clock.at = NOW + 60 * 60
        assert (await probe.look()).signal is Signal.UP
        assert "our own limit" in (await probe.look()).reason
        assert service.tests == 15


async def test_a_refused_measurement_costs_nothing_and_an_unanswered_one_does() -> None:
    """What was never answered may have been counted."""
    clock = Clock()
    async with GlobalpingService(clock=clock) as service, opened(service, clock, per_hour=5) as probe:
        service.probes = {}
        assert "no vantage points there" in (await probe.look()).reason
        service.fail(Breakage.CLOSE_AFTER, method="POST")
        assert "could not be read" in (await probe.look()).reason
        assert "our own limit" in (await probe.look()).reason


def test_a_clock_that_was_set_back_does_not_lock_the_budget() -> None:
    budget = Budget(5)
    budget.book(NOW, 5)
    budget.heard(NOW, {"x-ratelimit-reset": "3000"}, refused=True)
    assert budget.refusal(NOW + 1, 5)
    assert not budget.refusal(NOW - 86400, 5)


@pytest.mark.parametrize("seconds", ["7200", "999999999", "-5", "soon", ""])
def test_no_answer_locks_us_out_for_more_than_an_hour(seconds: str) -> None:
    budget = Budget(100)
    budget.heard(NOW, {"x-ratelimit-reset": seconds, "retry-after": seconds}, refused=True)
    assert budget.refusal(NOW + 599, 5)
    assert not budget.refusal(NOW + 3600, 5)


@given(st.dictionaries(st.sampled_from(["x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"]), st.text()))
@settings(deadline=None, max_examples=100)
def test_any_headers_keep_us_away_for_an_hour_at_most(headers: dict[str, str]) -> None:
    budget = Budget(100)
    for refused in (True, False):
        budget.heard(NOW, headers, refused=refused)
        assert not budget.refusal(NOW + 3601, 5)


async def test_the_token_goes_to_the_service_and_shows_nowhere() -> None:
    async with GlobalpingService(token=TOKEN) as service:
        chosen = options(service, token=TOKEN)
        async with KIND.open(chosen, surroundings()) as probe:
            seen = await probe.look()
            assert TOKEN not in repr((chosen, seen, probe))
        async with opened(service, token="wrong") as probe:
            refused = await probe.look()
    assert seen.signal is Signal.UP
    assert (refused.fault, refused.reason) == (Fault.ACCOUNT, "Globalping does not accept the token (HTTP 401)")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"target": "https://www.facebook.com/"}, "without https://"),
        ({"target": "facebook"}, "without https://"),
        ({"target": "192.0.2.1"}, "without https://"),
        ({"target": "a..b"}, "without https://"),
        ({"countries": ["GB"]}, "at least two"),
        ({"countries": ["GB", "GB"]}, "at least two"),
        ({"countries": ["gb", "us"]}, "pattern"),
        ({"probes": 2}, "greater than or equal to 3"),
        ({"probes": 51}, "less than or equal to 50"),
        ({"per_hour": 4}, "at least as many"),
        ({"api_url": "http://api.globalping.io/v1"}, "begins with https://"),
        ({"path": "health"}, "pattern"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], words: str) -> None:
    """With a word on what is expected."""
    with pytest.raises(ValidationError, match=words):
        options(**wrong)


def test_it_is_asked_on_suspicion_only_and_within_the_free_quota() -> None:
    """Never while all is well; at its fastest it spends less than half of what is free for one address."""
    look = Look(
        platform="x",
        name="globalping",
        probe=None,  # type: ignore[arg-type]
        evidence=KIND.evidence,
        every=KIND.every,
        fastest=KIND.fastest,
        timeout=KIND.timeout,
        on_suspicion=KIND.on_suspicion,
    )
    assert {state for state in State if look.interval(state, 15.0) is None} == {State.UP, State.UNKNOWN}
    chosen = options()
    fastest = min(look.interval(state, 15.0) or 3600.0 for state in State)
    assert 3600 / fastest * chosen.probes <= chosen.per_hour <= 125
    assert KIND.timeout > chosen.within + 2 * 9
    assert json.dumps(question(chosen))
