"""The x kind against the practice X, and its tables of answers, timelines and lengths."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr, ValidationError

from channels._http import Answer
from channels._x_answers import posted, seen, throttled
from channels.x import KIND, XChannel, XOptions, measure
from failover.model import (
    Absent,
    CannotTell,
    Delivered,
    Evidence,
    Found,
    Receipt,
    Refusal,
    Refused,
    Signal,
    Unconfirmed,
    Unreachable,
)
from failover.model import Fault as Whose
from failover.practice.http import Fault
from failover.practice.x import XService, problem
from tests.channels._house import (
    AFTER,
    BEFORE,
    HOLDING,
    NOW,
    Notes,
    deadline,
    deliver,
    surroundings,
    until,
    wording,
)

KEYS = {
    "consumer_key": "the-consumer-key",
    "consumer_secret": "the-consumer-secret",
    "access_token": "42-the-access-token",
    "access_token_secret": "the-access-token-secret",
}
TWEETS = "/2/tweets"
FIRST = Receipt(remote_id="1990000000000000001", url="https://x.com/i/status/1990000000000000001")
PROBLEMS = "https://api.twitter.com/2/problems/"


@pytest.fixture
async def x() -> AsyncIterator[XService]:
    async with XService(**KEYS, now=lambda: NOW) as service:
        yield service


@pytest.fixture
async def channel(x: XService) -> AsyncIterator[XChannel]:
    async with KIND.open(options(api_url=x.url), surroundings()) as opened:
        yield opened  # type: ignore[misc]


def options(**changes: Any) -> XOptions:
    return XOptions(**{**{name: SecretStr(value) for name, value in KEYS.items()}, **changes})


# --- the ordinary way ---


async def test_a_post_is_signed_and_its_link_is_known(x: XService, channel: XChannel) -> None:
    outcome = await channel.send(HOLDING, Notes())
    assert outcome == Delivered(receipt=FIRST, sighting=outcome.sighting)
    assert outcome.sighting is not None
    assert outcome.sighting.signal is Signal.UP
    assert x.visible() == [HOLDING.text]
    assert x.requests[0].headers["user-agent"] == "failover-tests/1"
    assert x.requests[0].json() == {"text": HOLDING.text}


@pytest.mark.parametrize("name", KEYS)
async def test_a_wrong_key_does_not_sign(x: XService, name: str) -> None:
    async with KIND.open(options(api_url=x.url, **{name: SecretStr("wrong")}), surroundings()) as channel:
        outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.CREDENTIAL
    assert x.visible() == []


# --- every fault ---


@pytest.mark.parametrize("fault", AFTER, ids=lambda fault: fault.name.lower())
async def test_what_was_accepted_but_not_answered_is_unconfirmed_and_then_found(
    x: XService, channel: XChannel, fault: Fault
) -> None:
    x.fail(fault, method="POST", path=TWEETS)
    notes = Notes()
    assert isinstance(await deliver(channel, HOLDING, notes, deadline(x, fault, "POST", TWEETS)), Unconfirmed)
    assert x.visible() == [HOLDING.text]
    assert await channel.find(HOLDING, notes) == Found(receipt=FIRST)


@pytest.mark.parametrize("fault", BEFORE, ids=lambda fault: fault.name.lower())
async def test_what_was_never_accepted_is_unconfirmed_and_then_absent(
    x: XService, channel: XChannel, fault: Fault
) -> None:
    x.fail(fault, method="POST", path=TWEETS)
    notes = Notes()
    assert isinstance(await deliver(channel, HOLDING, notes, deadline(x, fault, "POST", TWEETS)), Unconfirmed)
    assert x.visible() == []
    assert isinstance(await channel.find(HOLDING, notes), Absent)


async def test_what_is_accepted_late_is_absent_first_and_found_later(x: XService, channel: XChannel) -> None:
    x.fail(Fault.LATE, method="POST", path=TWEETS, seconds=0.3)
    outcome = await deliver(channel, HOLDING, Notes(), deadline(x, Fault.LATE, "POST", TWEETS))
    assert isinstance(outcome, Unconfirmed)
    assert isinstance(await channel.find(HOLDING, Notes()), Absent)
    await until(x.visible)
    assert isinstance(await channel.find(HOLDING, Notes()), Found)


async def test_silence_ends_by_itself_and_is_a_vote_from_here(x: XService) -> None:
    x.fail(Fault.HANG_AFTER, method="POST")
    quick = options(api_url=x.url).model_copy(update={"timeout": 0.1})
    async with KIND.open(quick, surroundings()) as channel:
        outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Unconfirmed)
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.evidence) == (Signal.DOWN, Evidence.HERE)


async def test_throttled_is_safe_to_repeat_after_the_reset(x: XService, channel: XChannel) -> None:
    x.fail(Fault.THROTTLED, method="POST")
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == 300.0
    assert x.visible() == []


async def test_a_refused_connection_is_certainly_not_posted(x: XService, channel: XChannel) -> None:
    await x.refuse()
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Unreachable)
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.evidence) == (Signal.DOWN, Evidence.HERE)


async def test_a_repeat_of_what_arrived_is_refused_by_x_and_then_found(x: XService, channel: XChannel) -> None:
    """Two attempts, one post: the refusal of the duplicate proves the first."""
    x.fail(Fault.CLOSE_AFTER, method="POST")
    notes = Notes()
    await deliver(channel, HOLDING, notes)
    again = await deliver(channel, HOLDING, notes)
    assert isinstance(again, Unconfirmed)
    assert again.sighting is not None
    assert again.sighting.signal is Signal.UNKNOWN
    assert x.visible() == [HOLDING.text]
    assert await channel.find(HOLDING, notes) == Found(receipt=FIRST)


async def test_a_duplicate_at_the_first_attempt_is_a_plain_no(x: XService, channel: XChannel) -> None:
    x.publish(HOLDING.text)
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.CONTENT


# --- every answer ---


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx.Headers(named), "…", body)


def said(status: int, detail: str, kind: str = "about:blank", title: str = "Forbidden") -> Answer:
    return answer(status, {"title": title, "detail": detail, "type": kind, "status": status})


REFUSALS = {
    "invalid": (said(400, "One or more parameters is invalid.", f"{PROBLEMS}invalid-request"), Refusal.CONTENT),
    "too long": (said(400, "Your Tweet text is too long. For more information …"), Refusal.CONTENT),
    "too long, forbidden": (said(403, "Your Tweet text is too long."), Refusal.CONTENT),
    "keys": (said(401, "Unauthorized", title="Unauthorized"), Refusal.CREDENTIAL),
    "old keys error": (answer(401, {"errors": [{"code": 89, "message": "Invalid token."}]}), Refusal.CREDENTIAL),
    "credit": (said(402, "No credits.", f"{PROBLEMS}credits", "CreditsDepleted"), Refusal.BILLING),
    "credit, forbidden": (said(403, "No credits.", f"{PROBLEMS}credits", "CreditsDepleted"), Refusal.BILLING),
    "duplicate": (said(403, "You are not allowed to create a Tweet with duplicate content."), Refusal.CONTENT),
    "read only": (said(403, "Your client app …", f"{PROBLEMS}oauth1-permissions"), Refusal.PERMISSION),
    "not enrolled": (said(403, "…", f"{PROBLEMS}client-forbidden"), Refusal.PERMISSION),
    "not permitted": (said(403, "You are not permitted to perform this action."), Refusal.PERMISSION),
    "suspended": (said(403, "The user … is suspended", f"{PROBLEMS}user-suspended"), Refusal.BLOCKED),
    "locked": (answer(403, [{"code": 326, "message": "this account is temporarily locked"}]), Refusal.BLOCKED),
    "automated": (answer(403, {"errors": [{"code": 226, "message": "It might be automated."}]}), Refusal.BLOCKED),
    "day's limit": (
        answer(403, {"errors": [{"code": 185, "message": "User is over daily status update limit."}]}),
        Refusal.QUOTA,
    ),
    "capped": (said(429, "Usage cap exceeded", f"{PROBLEMS}usage-capped", "UsageCapExceeded"), Refusal.QUOTA),
    "capped, forbidden": (said(403, "Usage cap exceeded", f"{PROBLEMS}usage-capped"), Refusal.QUOTA),
    "no such address": (said(404, "Not Found", title="Not Found"), Refusal.CONFIGURATION),
    "a list": (answer(400, ["what", "is", "this"]), Refusal.CONTENT),
}


@pytest.mark.parametrize(("reply", "refusal"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_no_in_xs_own_form_is_a_refusal_and_never_a_vote(reply: Answer, refusal: Refusal) -> None:
    outcome = posted(reply, NOW, repeat=False)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is refusal
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("duplicate", Unconfirmed), ("keys", Refused), ("not permitted", Refused), ("a list", Refused)],
    ids=str,
)
def test_only_the_duplicate_means_something_else_at_a_repeat(name: str, kind: type) -> None:
    assert isinstance(posted(REFUSALS[name][0], NOW, repeat=True), kind)


UNCLEAR = {
    "created without data": (answer(201, {"errors": []}), Signal.UNKNOWN),
    "created without number": (answer(201, {"data": {"text": "…"}}), Signal.UNKNOWN),
    "created with HTML": (answer(201), Signal.UNKNOWN),
    "captive portal": (answer(200), Signal.UNKNOWN),
    "redirect": (answer(302, location="http://portal.example"), Signal.UNKNOWN),
    "forbidden in HTML": (answer(403), Signal.UNKNOWN),
    "unauthorized in HTML": (answer(401), Signal.UNKNOWN),
    "not found in HTML": (answer(404), Signal.UNKNOWN),
    "500": (answer(500, {"title": "Internal Server Error"}), Signal.DOWN),
    "502 in HTML": (answer(502), Signal.DOWN),
    "503": (said(503, "Service Unavailable"), Signal.DOWN),
    "504": (answer(504), Signal.DOWN),
    "500 with a list": (answer(500, []), Signal.DOWN),
}


@pytest.mark.parametrize(("reply", "signal"), UNCLEAR.values(), ids=UNCLEAR.keys())
def test_anything_else_is_unconfirmed(reply: Answer, signal: Signal) -> None:
    """A 5xx is X's own trouble; what is not X's form is nobody's vote."""
    outcome = posted(reply, NOW, repeat=False)
    assert isinstance(outcome, Unconfirmed)
    assert outcome.sighting is not None
    assert outcome.sighting.signal is signal


@pytest.mark.parametrize("status", [408, 425], ids=str)
def test_what_x_did_not_take_is_safe_to_repeat(status: int) -> None:
    assert isinstance(posted(said(status, "…"), NOW, repeat=False), Unreachable)


def resets(**after: float) -> dict[str, str]:
    """Rate-limit headers with the reset so many seconds from now; the 24-hour limits are used up."""
    headers: dict[str, str] = {}
    for name, seconds in after.items():
        limit = {"window": "x-rate-limit", "app": "x-app-limit-24hour", "user": "x-user-limit-24hour"}[name]
        headers |= {f"{limit}-remaining": "0", f"{limit}-reset": str(int(NOW + seconds))}
    return headers


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (resets(window=300), 300.0),
        (resets(window=900), 900.0),
        (resets(user=600, window=60), 600.0),
        (resets(window=-5), None),
        ({}, None),
        ({"x-rate-limit-reset": "soon"}, None),
        (resets(window=60) | {"x-user-limit-24hour-remaining": "3", "x-user-limit-24hour-reset": "9999999999"}, 60.0),
    ],
    ids=[
        "window",
        "whole window",
        "the longer one",
        "in the past",
        "not told",
        "nonsense",
        "a day's limit not used up",
    ],
)
def test_throttling_waits_for_the_reset(headers: dict[str, str], expected: float | None) -> None:
    outcome = throttled(headers, NOW)
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == expected


@pytest.mark.parametrize(
    "headers",
    [resets(user=7200), resets(app=7200, window=60), resets(window=3600)],
    ids=["user's day", "app's day", "long window"],
)
def test_a_limit_that_lasts_longer_than_a_window_is_a_quota(headers: dict[str, str]) -> None:
    outcome = throttled(headers, NOW)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.QUOTA


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.ConnectTimeout, Unreachable),
        (httpx.PoolTimeout, Unreachable),
        (httpx.ProxyError, Unreachable),
        (httpx.ReadTimeout, Unconfirmed),
        (httpx.ReadError, Unconfirmed),
        (httpx.RemoteProtocolError, Unconfirmed),
    ],
    ids=lambda value: value.__name__,
)
async def test_only_a_connection_never_made_is_certainly_not_posted(error: type[Exception], expected: type) -> None:
    with respx.mock:
        route = respx.post("https://api.x.com/2/tweets").mock(side_effect=error)
        async with KIND.open(options(), surroundings()) as channel:
            outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, expected)
    assert route.call_count == 1


async def test_a_proxy_that_refuses_is_our_own_network_and_no_vote() -> None:
    with respx.mock:
        respx.post("https://api.x.com/2/tweets").mock(side_effect=httpx.ProxyError)
        async with KIND.open(options(), surroundings()) as channel:
            outcome = await channel.send(HOLDING, Notes())
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.fault) == (Signal.UNKNOWN, Whose.NETWORK)


# --- secrets ---


async def test_no_key_appears_anywhere(x: XService, caplog: pytest.LogCaptureFixture) -> None:
    """tweepy's and httpx's own logging included; oauthlib at DEBUG is for the house to silence."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="oauthlib")
    async with KIND.open(options(api_url=x.url), surroundings()) as channel:
        told = [repr(await channel.send(HOLDING, Notes())), repr(await channel.check()), repr(channel)]
        await x.refuse()
        told += [repr(await channel.send(HOLDING, Notes())), repr(await channel.find(HOLDING, Notes()))]
    everything = " ".join(told) + caplog.text + repr(options())
    assert [key for key in KEYS.values() if key in everything] == []


# --- read-back ---


def timeline(*posts: tuple[int, str, float], more: bool = False, **extra: Any) -> Answer:
    """Posts as (number, text, seconds before the announcement), newest first."""
    data = [
        {"id": str(number), "text": text, "created_at": as_x_writes(HOLDING.created_at - before)}
        for number, text, before in posts
    ]
    meta: dict[str, Any] = {"result_count": len(data)} | ({"next_token": "n"} if more else {})
    return answer(200, {"meta": meta, **({"data": data} if data else {}), **extra})


def as_x_writes(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


OURS = f"Facebook is not working. ({HOLDING.reference})"


@pytest.mark.parametrize(
    "reply",
    [
        timeline((7, OURS, -5)),
        timeline((9, f"RT @examplecouncil: {OURS}", -9), (8, "something", -8), (7, OURS, -5), more=True),
        timeline((7, OURS, -5), errors=[{"title": "Not Found Error"}]),
    ],
    ids=["alone", "reposted since", "with errors beside it"],
)
def test_the_oldest_post_with_the_reference_is_ours(reply: Answer) -> None:
    assert seen(reply, HOLDING, NOW) == Found(receipt=Receipt(remote_id="7", url="https://x.com/i/status/7"))


def test_escaped_signs_are_read_as_people_see_them() -> None:
    reply = timeline((7, "Down (A &amp; B &lt;1&gt;) https://t.co/abc", -5))
    assert isinstance(seen(reply, wording(reference="A & B <1>"), NOW), Found)


FOLLOWING_5 = wording(follows=Receipt(remote_id="5"))


@pytest.mark.parametrize(
    ("reply", "announcement"),
    [
        (timeline(), HOLDING),
        (timeline(errors=[{"title": "…"}]), HOLDING),
        (timeline((3, "a", 60)), HOLDING),
        (timeline((3, "a", 60), (2, "b", 7200), more=True), HOLDING),
        (timeline((6, "a", 60), (5, "b", 90)), FOLLOWING_5),
    ],
    ids=["nothing yet", "nothing, with errors", "whole timeline", "far enough back", "our own earlier post"],
)
def test_a_timeline_that_could_not_miss_it_proves_absence(reply: Answer, announcement: Any) -> None:
    assert isinstance(seen(reply, announcement, NOW), Absent)


@pytest.mark.parametrize(
    ("reply", "announcement"),
    [
        (answer(200, {"errors": [{"title": "Not Found Error"}]}), HOLDING),
        (answer(200, {"errors": [{"title": "…"}], "meta": {"result_count": 2}}), HOLDING),
        (timeline((3, "a", 60), errors=[{"title": "…"}]), HOLDING),
        (answer(200, {"data": [], "meta": {}}), HOLDING),
        (timeline((3, "a", 60), more=True), HOLDING),
        (timeline((4, "a", 7200)), FOLLOWING_5),
        (timeline(), FOLLOWING_5),
        (timeline((3, "a", 60)), wording(reference="")),
        (answer(200), HOLDING),
        (said(402, "…"), HOLDING),
        (answer(503), HOLDING),
        (Unreachable(reason="no connection"), HOLDING),
    ],
    ids=[
        "errors instead of data",
        "errors instead of data that is counted",
        "errors beside data",
        "no count",
        "not far enough back",
        "older than our own earlier post",
        "empty although we have posted",
        "no reference",
        "no JSON",
        "no credit",
        "down",
        "no connection",
    ],
)
def test_a_timeline_that_could_have_missed_it_proves_nothing(reply: Any, announcement: Any) -> None:
    assert isinstance(seen(reply, announcement, NOW), CannotTell)


@pytest.mark.parametrize("path", ["/2/users/me", "/2/users/42/tweets"])
@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.HTML_BEFORE, Fault.CLOSE_BEFORE, Fault.THROTTLED])
async def test_a_read_back_that_fails_proves_nothing(x: XService, channel: XChannel, path: str, fault: Fault) -> None:
    x.fail(fault, path=path)
    finding = await channel.find(HOLDING, Notes())
    assert isinstance(finding, CannotTell)
    assert "gone out" not in finding.reason


async def test_the_accounts_number_is_asked_for_once(x: XService, channel: XChannel) -> None:
    for _ in range(3):
        await channel.find(HOLDING, Notes())
    assert [request.path for request in x.requests].count("/2/users/me") == 1


# --- could we post? ---


@pytest.mark.parametrize("access", ["read-write", "read-write-directmessages"])
async def test_a_token_that_may_write_is_able(x: XService, channel: XChannel, access: str) -> None:
    x.access = access
    health = await channel.check()
    assert health.able
    assert health.sighting.signal is Signal.UP
    assert health.facts == {"account": "@examplecouncil", "access": access}
    assert x.visible() == []


async def test_a_token_that_may_only_read_is_a_problem_of_ours(x: XService, channel: XChannel) -> None:
    x.access = "read"
    health = await channel.check()
    assert not health.able
    assert "only read" in health.problems[0]
    assert (health.sighting.signal, health.sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)


async def test_an_unknown_access_level_is_a_warning(x: XService, channel: XChannel) -> None:
    x.access = ""
    health = await channel.check()
    assert health.able
    assert health.warnings == ("X did not say whether this token may post",)


async def test_no_credit_is_a_problem_of_ours(x: XService, channel: XChannel) -> None:
    x.credit = False
    assert (await channel.check()).problems == ("the X developer account has no credit left",)
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.BILLING


@pytest.mark.parametrize(
    ("fault", "signal", "evidence"),
    [
        (Fault.ERROR_BEFORE, Signal.DOWN, Evidence.SPOKEN),
        (Fault.CLOSE_BEFORE, Signal.DOWN, Evidence.HERE),
        (Fault.HTML_BEFORE, Signal.UNKNOWN, Evidence.SPOKEN),
        (Fault.THROTTLED, Signal.UNKNOWN, Evidence.SPOKEN),
    ],
    ids=lambda value: value.name,
)
async def test_a_check_that_fails_says_whose_trouble_it_is(
    x: XService, channel: XChannel, fault: Fault, signal: Signal, evidence: Evidence
) -> None:
    x.fail(fault)
    health = await channel.check()
    assert not health.able
    assert (health.sighting.signal, health.sighting.evidence) == (signal, evidence)
    assert "gone out" not in health.problems[0]


async def test_a_suspended_account_is_a_problem_of_ours(x: XService, channel: XChannel) -> None:
    x.trouble = problem(403, "Forbidden", "The user is suspended", f"{PROBLEMS}user-suspended")
    health = await channel.check()
    assert health.problems == ("X has suspended the account or the app",)
    assert health.sighting.fault is Whose.ACCOUNT


# --- taking it back ---


async def test_a_retracted_post_is_gone_and_may_be_retracted_again(x: XService, channel: XChannel) -> None:
    await channel.send(HOLDING, Notes())
    for _ in range(2):
        assert await channel.retract(FIRST) == Delivered(receipt=FIRST)
        assert x.visible() == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault.ERROR_BEFORE, Unconfirmed), (Fault.HTML_BEFORE, Unconfirmed), (Fault.THROTTLED, Unreachable)],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
async def test_an_unclear_retraction_says_so(x: XService, channel: XChannel, fault: Fault, kind: type) -> None:
    await channel.send(HOLDING, Notes())
    x.fail(fault, method="DELETE")
    outcome = await channel.retract(FIRST)
    assert isinstance(outcome, kind)
    assert "gone out" not in outcome.reason  # type: ignore[union-attr]


async def test_a_receipt_without_a_number_must_be_removed_by_hand(channel: XChannel) -> None:
    assert isinstance(await channel.retract(Receipt(remote_id="by hand")), Refused)


# --- length and options ---


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("abc", 3),
        ("e\N{COMBINING ACUTE ACCENT}", 1),
        ("日本", 4),
        ("👩‍🚒", 2),
        ("https://www.example.org/a/very/long/path?with=a&long=query", 23),
        ("example.org is down", 31),
        ("x" * 280, 280),
        ("x" * 281, 281),
    ],
    ids=lambda value: str(value)[:12],
)
def test_length_is_weighted_as_x_weighs_it(text: str, used: int) -> None:
    """Reference values of twitter-text v3's documentation."""
    length = measure(options(), wording(text=text))
    assert (length.used, length.limit, length.fits) == (used, 280, used <= 280)


@pytest.mark.parametrize(
    "changes",
    [{"consumer_key": SecretStr("")}, {"api_url": "api.x.com"}, {"api_url": "http://api.x.com"}, {"colour": "blue"}],
    ids=str,
)
def test_a_wrong_option_is_an_error(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        options(**changes)
