"""The webhook kind against the practice receiver, the standard's own test vector, and its table of answers."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr, ValidationError

from channels._http import Answer
from channels._steps import while_publishing
from channels.webhook import KIND, Webhook, WebhookOptions, body_of, classify, measure, signature, webhook_id
from failover.model import Absent, Delivered, Receipt, Refusal, Refused, Signal, Unconfirmed, Unreachable
from failover.practice.hooks import HooksService
from failover.practice.http import Fault
from tests.channels._house import AFTER, BEFORE, HOLDING, NOW, Notes, deadline, deliver, surroundings, until, wording

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXIt"


@pytest.fixture
async def hooks() -> AsyncIterator[HooksService]:
    async with HooksService(SECRET, now=lambda: NOW) as service:
        yield service


@pytest.fixture
async def desk(hooks: HooksService) -> AsyncIterator[Webhook]:
    async with KIND.open(options(url=hooks.hook), surroundings()) as channel:
        yield channel  # type: ignore[misc]


def options(**changes: Any) -> WebhookOptions:
    return WebhookOptions(**{"url": "https://hooks.example.org/in", "secret": SecretStr(SECRET), **changes})


# --- the standard ---


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    signed = signature([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_body_is_typed_dated_in_utc_and_the_same_every_time() -> None:
    body = body_of(wording(text="“Grüße” 🙂"))
    assert body == body_of(wording(text="“Grüße” 🙂"))
    assert json.loads(body) == {
        "type": "failover.statement",
        "timestamp": "2026-11-18T11:06:40.000Z",
        "data": {
            "incident": "inc1",
            "statement": "holding",
            "reference": "FB-1118-1106",
            "text": "“Grüße” 🙂",
            "subject": "Facebook is down",
            "platforms": ["facebook"],
        },
    }


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("inc1:holding:press-desk", "inc1:holding:press-desk"),
        ("a.b", "a%2Eb"),
        ("é x\n", "%C3%A9%20x%0A"),
        ("a%2Eb", "a%252Eb"),
    ],
)
def test_any_key_fits_a_header_and_no_two_become_one(key: str, name: str) -> None:
    assert webhook_id(key) == name


# --- the ordinary way ---


async def test_a_statement_is_heard_with_our_key_as_its_id(hooks: HooksService, desk: Webhook) -> None:
    outcome = await desk.send(HOLDING, Notes())
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.remote_id == "inc1:holding:channel"
    assert hooks.visible() == [HOLDING.text]
    assert hooks.requests[0].headers["webhook-id"] == "inc1:holding:channel"
    assert hooks.requests[0].headers["webhook-timestamp"] == "1795000000"


@pytest.mark.parametrize("known", [SECRET, OTHER], ids=["new", "previous"])
async def test_while_rotating_receivers_with_either_secret_accept_it(known: str) -> None:
    config = {"secret": SecretStr(SECRET), "previous_secret": SecretStr(OTHER)}
    async with HooksService(known) as hooks, KIND.open(options(url=hooks.hook, **config), surroundings()) as channel:
        assert isinstance(await channel.send(HOLDING, Notes()), Delivered)


async def test_another_secret_is_a_credential_problem(hooks: HooksService) -> None:
    async with KIND.open(options(url=hooks.hook, secret=SecretStr(OTHER)), surroundings()) as channel:
        outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.CREDENTIAL
    assert hooks.visible() == []


async def test_a_repeat_carries_the_time_of_the_attempt(hooks: HooksService) -> None:
    times = iter((NOW - 100, NOW + 100))
    async with KIND.open(options(url=hooks.hook), surroundings(lambda: next(times))) as channel:
        await channel.send(HOLDING, Notes())
        await channel.send(HOLDING, Notes())
    first, second = hooks.requests
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert len(hooks.visible()) == 1


async def test_retract_is_a_webhook_of_its_own_that_names_the_first(hooks: HooksService, desk: Webhook) -> None:
    outcome = await desk.send(HOLDING, Notes())
    assert isinstance(outcome, Delivered)
    assert isinstance(await desk.retract(outcome.receipt), Delivered)
    assert isinstance(await desk.retract(outcome.receipt), Delivered)
    assert (hooks.visible(), hooks.types) == ([], ["failover.statement", "failover.retraction"])


async def test_what_has_no_id_can_only_be_taken_back_by_hand(hooks: HooksService, desk: Webhook) -> None:
    assert isinstance(await desk.retract(Receipt(remote_id="")), Refused)
    assert hooks.requests == []


async def test_the_address_is_used_as_it_was_written() -> None:
    async with KIND.open(options(url="https://hooks.example.org/in/?desk=1"), surroundings()) as channel:
        with respx.mock(assert_all_mocked=True) as web:
            route = web.post("https://hooks.example.org/in/?desk=1").respond(204)
            assert isinstance(await channel.send(HOLDING, Notes()), Delivered)
    assert route.called


# --- every fault ---


@pytest.mark.parametrize("fault", [*AFTER, *BEFORE], ids=lambda fault: fault.name.lower())
async def test_an_unclear_attempt_is_repeated_and_heard_once(
    hooks: HooksService, desk: Webhook, fault: Fault
) -> None:
    notes = Notes()
    hooks.fail(fault, method="POST")
    assert isinstance(await deliver(desk, HOLDING, notes, deadline(hooks, fault, "POST", "/in")), Unconfirmed)
    assert len(hooks.visible()) == (1 if fault in AFTER else 0)
    assert isinstance(await desk.find(HOLDING, notes), Absent)
    assert isinstance(await deliver(desk, HOLDING, notes), Delivered)
    assert len(hooks.visible()) == 1


async def test_an_attempt_that_is_accepted_after_its_repeat_is_heard_once(hooks: HooksService, desk: Webhook) -> None:
    notes = Notes()
    hooks.fail(Fault.LATE, method="POST", seconds=0.3)
    assert isinstance(await deliver(desk, HOLDING, notes, deadline(hooks, Fault.LATE, "POST", "/in")), Unconfirmed)
    assert isinstance(await deliver(desk, HOLDING, notes), Delivered)
    await until(lambda: hooks.received == 2)
    assert len(hooks.visible()) == 1


async def test_a_throttle_waits_as_long_as_the_receiver_says(hooks: HooksService, desk: Webhook) -> None:
    hooks.fail(Fault.THROTTLED, method="POST")
    outcome = await deliver(desk, HOLDING, Notes())
    assert isinstance(outcome, Unreachable)
    assert (outcome.retry_after, hooks.visible()) == (7.0, [])
    assert isinstance(await deliver(desk, HOLDING, Notes()), Delivered)


async def test_a_refused_connection_is_not_posted(hooks: HooksService, desk: Webhook) -> None:
    await hooks.refuse()
    assert isinstance(await deliver(desk, HOLDING, Notes()), Unreachable)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectTimeout("x"), Unreachable),
        (httpx.ReadTimeout("x"), Unconfirmed),
        (httpx.WriteError("x"), Unconfirmed),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
async def test_what_a_transport_error_proves(error: httpx.TransportError, outcome: type) -> None:
    async with KIND.open(options(), surroundings()) as channel:
        with respx.mock(assert_all_mocked=True) as web:
            web.post("https://hooks.example.org/in").mock(side_effect=error)
            assert isinstance(await channel.send(HOLDING, Notes()), outcome)


# --- the table of answers ---


@pytest.mark.parametrize(
    ("status", "headers", "meaning", "wait"),
    [
        (200, {}, None, None),
        (204, {}, None, None),
        (299, {}, None, None),
        (301, {"location": "/new"}, Refusal.CONFIGURATION, None),
        (308, {"location": "/new"}, Refusal.CONFIGURATION, None),
        (400, {}, Refusal.CONTENT, None),
        (401, {}, Refusal.CREDENTIAL, None),
        (403, {}, Refusal.CREDENTIAL, None),
        (404, {}, Refusal.CONFIGURATION, None),
        (405, {}, Refusal.CONFIGURATION, None),
        (408, {}, Unreachable, None),
        (410, {}, Refusal.CONFIGURATION, None),
        (413, {}, Refusal.CONTENT, None),
        (425, {"retry-after": "3"}, Unreachable, 3.0),
        (429, {"retry-after": "120"}, Unreachable, 120.0),
        (429, {"retry-after": "Wed, 18 Nov 2026 11:07:10 GMT"}, Unreachable, 30.0),
        (429, {"retry-after": "later"}, Unreachable, None),
        (500, {}, Unconfirmed, None),
        (502, {}, Unconfirmed, None),
        (503, {"retry-after": "60"}, Unconfirmed, None),
        (504, {}, Unconfirmed, None),
    ],
)
def test_each_answer_has_one_meaning(
    status: int, headers: dict[str, str], meaning: object, wait: float | None
) -> None:
    trouble = classify(Answer(status, httpx.Headers(headers), "ok", None), NOW)
    if meaning is None:
        assert trouble is None
        return
    assert trouble is not None
    outcome = while_publishing(trouble)
    assert (outcome.refusal if isinstance(outcome, Refused) else type(outcome)) == meaning
    assert trouble.retry_after == wait


@pytest.mark.parametrize(
    ("text", "accepted"),
    [("", True), ("OK", True), ('{"ok":true}', True), (" <!DOCTYPE html><title>Sign in", False), ("<HTML>", False)],
)
def test_a_web_page_is_no_receipt(text: str, accepted: bool) -> None:
    assert (classify(Answer(200, httpx.Headers(), text, None), NOW) is None) is accepted


# --- could we post? ---


async def test_a_check_posts_nothing_and_says_what_it_cannot_prove(hooks: HooksService, desk: Webhook) -> None:
    health = await desk.check()
    assert (health.problems, health.warnings) == ((), ())
    assert "cannot be proven without posting" in health.facts["proof"]
    assert health.sighting.signal is Signal.UP
    assert [request.method for request in hooks.requests] == ["OPTIONS"]


@pytest.mark.parametrize(
    ("status", "headers", "able", "warned"),
    [
        (204, {"allow": "OPTIONS, post"}, True, False),
        (200, {"allow": "GET, HEAD"}, True, True),
        (405, {}, True, False),
        (405, {"allow": "GET"}, True, True),
        (400, {}, True, False),
        (401, {}, True, False),
        (403, {}, True, False),
        (429, {}, True, False),
        (301, {}, False, False),
        (404, {}, False, False),
        (410, {}, False, False),
        (503, {}, False, False),
    ],
)
async def test_what_an_answer_to_the_check_proves(
    status: int, headers: dict[str, str], able: bool, warned: bool
) -> None:
    async with KIND.open(options(), surroundings()) as channel:
        with respx.mock(assert_all_mocked=True) as web:
            web.options("https://hooks.example.org/in").respond(status, headers=headers)
            health = await channel.check()
    assert (health.able, bool(health.warnings)) == (able, warned)


async def test_an_address_that_cannot_be_reached_is_a_problem(hooks: HooksService, desk: Webhook) -> None:
    await hooks.refuse()
    health = await desk.check()
    assert not health.able
    assert health.sighting.evidence.value == "here"


async def test_a_receiver_that_is_gone_is_a_problem(hooks: HooksService, desk: Webhook) -> None:
    hooks.gone = True
    assert not (await desk.check()).able
    assert isinstance(await desk.send(HOLDING, Notes()), Refused)


# --- secrets, options, length ---


async def test_the_secret_is_in_no_log_or_message(
    hooks: HooksService, desk: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[object] = [await desk.send(HOLDING, Notes()), await desk.check(), options()]
    hooks.secret = OTHER
    seen.append(await desk.send(HOLDING, Notes()))
    assert SECRET[6:] not in repr(seen)
    assert SECRET[6:] not in caplog.text


@pytest.mark.parametrize(
    "secret",
    [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=",
        "whsec_not/base64!MfKQ9r8GKYqrTwjUPD8ILPZ",
        "whsec_eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=",
    ],
    ids=["prefix", "empty", "short", "base64", "long"],
)
@pytest.mark.parametrize("name", ["secret", "previous_secret"])
def test_a_malformed_secret_is_refused_without_being_shown(name: str, secret: str) -> None:
    with pytest.raises(ValidationError, match="whsec_ followed by 24 to 64 random bytes") as caught:
        options(**{name: SecretStr(secret)})
    assert secret not in str(caught.value).replace("whsec_ followed", "")


@pytest.mark.parametrize(
    "url", ["hooks.example.org/in", "ftp://hooks.example.org", "https://me:pw@hooks.example.org/in"]
)
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        options(url=url)


def test_length_is_that_of_the_body() -> None:
    empty = measure(options(), wording(text="")).used
    assert measure(options(), wording(text="é" * ((20_000 - empty) // 2))).fits
    assert not measure(options(), wording(text="é" * (20_000 - empty))).fits
