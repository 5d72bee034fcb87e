"""The telegram kind against the practice Telegram, and its tables of answers, rights and preview pages."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr, ValidationError

from channels._http import Answer
from channels._telegram_preview import search
from channels.telegram import KIND, TelegramChannel, TelegramOptions, measure
from failover.model import (
    Absent,
    CannotTell,
    Delivered,
    Evidence,
    Finding,
    Found,
    Receipt,
    Refusal,
    Refused,
    Signal,
    Statement,
    Unconfirmed,
    Unreachable,
)
from failover.model import Fault as Whose
from failover.practice._telegram_chat import Origin
from failover.practice.http import Fault, Response
from failover.practice.telegram import TelegramService
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

TOKEN = "123456789:AAAA-nobody-may-see-this-token"
SEND = "/sendMessage"


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramService]:
    async with TelegramService(TOKEN, now=lambda: NOW) as service:
        yield service


@pytest.fixture
async def channel(telegram: TelegramService) -> AsyncIterator[TelegramChannel]:
    async with KIND.open(options(telegram), surroundings()) as opened:
        yield opened  # type: ignore[misc]


@pytest.fixture
async def private(telegram: TelegramService) -> AsyncIterator[TelegramChannel]:
    """A channel without a public page, with an operators' chat."""
    telegram.channel.name = ""
    chats = {"chat": telegram.channel.id, "preview_url": None, "operators_chat": telegram.operators.id}
    async with KIND.open(options(telegram, **chats), surroundings()) as opened:
        yield opened  # type: ignore[misc]


def options(service: TelegramService | None = None, **changes: Any) -> TelegramOptions:
    urls = {"api_url": service.url, "preview_url": service.preview_url()} if service is not None else {}
    return TelegramOptions(**{"chat": "@examplecouncil", "token": SecretStr(TOKEN), **urls, **changes})


def asked(service: TelegramService, method: str) -> list[dict[str, str]]:
    return [request.form() for request in service.requests if request.path.endswith(f"/{method}")]


# --- the ordinary way ---


async def test_a_post_is_plain_text_without_preview_and_its_link_is_known(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    outcome = await channel.send(wording(text="<b>1 < 2</b> _x_ https://example.org (FB-1118-1106)"), Notes())
    assert isinstance(outcome, Delivered)
    assert outcome.receipt == Receipt(remote_id="2", url="https://t.me/examplecouncil/2")
    assert outcome.sighting is not None
    assert outcome.sighting.signal is Signal.UP
    assert telegram.visible() == ["<b>1 < 2</b> _x_ https://example.org (FB-1118-1106)"]
    assert set(asked(telegram, "sendMessage")[0]) == {
        "chat_id",
        "text",
        "disable_notification",
        "link_preview_options",
    }
    assert json.loads(asked(telegram, "sendMessage")[0]["link_preview_options"]) == {"is_disabled": True}


async def test_every_request_names_us(telegram: TelegramService, channel: TelegramChannel) -> None:
    await channel.check()
    assert {request.headers["user-agent"] for request in telegram.requests} == {"failover-tests/1"}


@pytest.mark.parametrize("gone", [False, True], ids=["still there", "deleted since"])
async def test_what_follows_a_statement_answers_it(
    telegram: TelegramService, channel: TelegramChannel, *, gone: bool
) -> None:
    first = await channel.send(HOLDING, Notes())
    assert isinstance(first, Delivered)
    if gone:
        await channel.retract(first.receipt)
    after = wording(statement=Statement.WELCOME_BACK, reference="FB-WB", text="Back (FB-WB)", follows=first.receipt)
    outcome = await channel.send(after, Notes())
    assert isinstance(outcome, Delivered)
    assert telegram.channel.posts[3].reply_to == (None if gone else 2)
    assert await channel.find(after, Notes()) == Found(receipt=outcome.receipt)


async def test_a_holding_statement_is_pinned_and_unpinned_at_the_welcome_back(telegram: TelegramService) -> None:
    async with KIND.open(options(telegram, pin=True), surroundings()) as channel:
        notes = Notes()
        first = await channel.send(HOLDING, notes)
        assert isinstance(first, Delivered)
        assert first.receipt.note == "pinned"
        assert telegram.channel.pinned == [2]
        assert notes.reserved == ["2"]
        back = wording(
            statement=Statement.WELCOME_BACK, text="Back (FB-WB)", reference="FB-WB", follows=first.receipt
        )
        await channel.send(back, Notes())
        assert telegram.channel.pinned == []


async def test_a_pin_that_cannot_be_removed_is_noted(telegram: TelegramService) -> None:
    """The welcome back is out; what is left to a person is told."""
    async with KIND.open(options(telegram, pin=True), surroundings()) as channel:
        first = await channel.send(HOLDING, Notes())
        assert isinstance(first, Delivered)
        telegram.fail(Fault.ERROR_BEFORE, path="/unpinChatMessage")
        back = wording(
            statement=Statement.WELCOME_BACK, text="Back (FB-WB)", reference="FB-WB", follows=first.receipt
        )
        outcome = await channel.send(back, Notes())
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.note == "the holding statement may still be pinned; unpin it by hand"


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.RESET_AFTER, Fault.THROTTLED], ids=lambda f: f.name)
async def test_a_pin_that_fails_leaves_the_post_delivered(telegram: TelegramService, fault: Fault) -> None:
    telegram.fail(fault, path="/pinChatMessage")
    async with KIND.open(options(telegram, pin=True), surroundings()) as channel:
        outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.note == "could not be pinned"


async def test_a_deadline_during_the_pin_does_not_lose_the_post(telegram: TelegramService) -> None:
    """The number is written down before the pin, so that read-back need not ask Telegram."""
    telegram.fail(Fault.HANG_BEFORE, path="/pinChatMessage")
    async with KIND.open(options(telegram, pin=True), surroundings()) as channel:
        notes = Notes()
        cut_off = deadline(telegram, Fault.HANG_BEFORE, "POST", "/pinChatMessage")
        assert isinstance(await deliver(channel, HOLDING, notes, cut_off), Unconfirmed)
        receipt = Receipt(remote_id="2", url="https://t.me/examplecouncil/2")
        assert await channel.find(HOLDING, notes) == Found(receipt=receipt)
    assert telegram.visible() == [HOLDING.text]


async def test_what_a_person_has_seen_missing_is_posted_and_its_old_number_forgotten(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    notes = Notes(reserved=["77"])
    telegram.fail(Fault.CLOSE_BEFORE, path=SEND)
    assert isinstance(await channel.send(HOLDING, notes), Unconfirmed)
    assert isinstance(await channel.find(HOLDING, notes), Absent)
    assert isinstance(await channel.send(HOLDING, notes), Delivered)
    assert telegram.visible() == [HOLDING.text]


# --- every fault ---


@pytest.mark.parametrize("fault", AFTER, ids=lambda fault: fault.name.lower())
async def test_what_was_accepted_but_not_answered_is_unconfirmed_and_then_found(
    telegram: TelegramService, channel: TelegramChannel, fault: Fault
) -> None:
    telegram.fail(fault, path=SEND)
    notes = Notes()
    assert isinstance(await deliver(channel, HOLDING, notes, deadline(telegram, fault, "POST", SEND)), Unconfirmed)
    assert telegram.visible() == [HOLDING.text]
    found = Found(receipt=Receipt(remote_id="2", url="https://t.me/examplecouncil/2"))
    assert await channel.find(HOLDING, notes) == found


@pytest.mark.parametrize("fault", BEFORE, ids=lambda fault: fault.name.lower())
async def test_what_was_never_accepted_is_unconfirmed_and_then_absent(
    telegram: TelegramService, channel: TelegramChannel, fault: Fault
) -> None:
    telegram.fail(fault, path=SEND)
    notes = Notes()
    assert isinstance(await deliver(channel, HOLDING, notes, deadline(telegram, fault, "POST", SEND)), Unconfirmed)
    assert telegram.visible() == []
    assert isinstance(await channel.find(HOLDING, notes), Absent)


async def test_what_is_accepted_late_is_absent_first_and_found_later(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    telegram.fail(Fault.LATE, path=SEND, seconds=0.3)
    cut_off = deadline(telegram, Fault.LATE, "POST", SEND)
    assert isinstance(await deliver(channel, HOLDING, Notes(), cut_off), Unconfirmed)
    assert isinstance(await channel.find(HOLDING, Notes()), Absent)
    await until(telegram.visible)
    assert isinstance(await channel.find(HOLDING, Notes()), Found)


async def test_silence_ends_by_itself_and_is_a_vote_from_here(telegram: TelegramService) -> None:
    telegram.fail(Fault.HANG_AFTER, path=SEND)
    quick = options(telegram).model_copy(update={"timeout": 0.1})
    async with KIND.open(quick, surroundings()) as channel:
        outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Unconfirmed)
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.evidence) == (Signal.DOWN, Evidence.HERE)


async def test_throttled_is_safe_to_repeat_after_the_stated_time(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    telegram.fail(Fault.THROTTLED, path=SEND)
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == 7.0
    assert telegram.visible() == []


@pytest.mark.parametrize("setting", ["", "1"], ids=["seconds", "timedelta"])
async def test_throttling_reads_the_same_whatever_ptb_is_told_about_timedelta(
    telegram: TelegramService, channel: TelegramChannel, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", setting)
    telegram.fail(Fault.THROTTLED, path=SEND)
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == 7.0


async def test_a_refused_connection_is_certainly_not_posted(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    await telegram.refuse()
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Unreachable)
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.evidence) == (Signal.DOWN, Evidence.HERE)
    assert isinstance(await channel.find(HOLDING, Notes()), CannotTell)


# --- every answer, by respx ---

API = "https://api.telegram.org"


def envelope(status: int, description: str, **parameters: Any) -> httpx.Response:
    body = {"ok": False, "error_code": status, "description": description}
    return httpx.Response(status, json=body | ({"parameters": parameters} if parameters else {}))


REFUSALS: list[tuple[httpx.Response, Refusal]] = [
    (envelope(400, "Bad Request: chat not found"), Refusal.CONFIGURATION),
    (envelope(400, "Bad Request: not enough rights to send text messages to the chat"), Refusal.PERMISSION),
    (envelope(400, "Bad Request: need administrator rights in the channel chat"), Refusal.PERMISSION),
    (envelope(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), Refusal.PERMISSION),
    (envelope(400, "Bad Request: message is too long"), Refusal.CONTENT),
    (envelope(400, "Bad Request: something new"), Refusal.CONTENT),
    (envelope(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100987), Refusal.CONFIGURATION),
    (envelope(401, "Unauthorized"), Refusal.CREDENTIAL),
    (envelope(404, "Not Found"), Refusal.CREDENTIAL),
    (envelope(403, "Forbidden: bot was kicked from the channel chat"), Refusal.PERMISSION),
    (envelope(409, "Conflict: terminated by other getUpdates request"), Refusal.CONFIGURATION),
    (envelope(413, "Request Entity Too Large"), Refusal.CONTENT),
]


async def sent(answer: httpx.Response) -> Any:
    with respx.mock:
        route = respx.post(f"{API}/bot{TOKEN}/sendMessage").mock(return_value=answer)
        async with KIND.open(options(), surroundings()) as channel:
            outcome = await channel.send(HOLDING, Notes())
        assert route.call_count == 1
    return outcome


@pytest.mark.parametrize(("answer", "refusal"), REFUSALS, ids=lambda value: getattr(value, "text", "")[-60:])
async def test_a_no_in_telegrams_own_form_is_a_refusal_and_never_a_vote(
    answer: httpx.Response, refusal: Refusal
) -> None:
    outcome = await sent(answer)
    assert isinstance(outcome, Refused)
    assert outcome.refusal is refusal
    assert outcome.sighting is not None
    assert (outcome.sighting.signal, outcome.sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)


async def test_the_new_id_of_a_migrated_group_is_told() -> None:
    outcome = await sent(envelope(400, "Bad Request: group chat was upgraded", migrate_to_chat_id=-100987))
    assert "-100987" in outcome.reason


@pytest.mark.parametrize(
    ("answer", "signal"),
    [
        (httpx.Response(500, json={"ok": False, "error_code": 500, "description": "Internal"}), Signal.DOWN),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), Signal.DOWN),
        (httpx.Response(503, text=""), Signal.DOWN),
        (httpx.Response(500, json=["a", "list"]), Signal.DOWN),
        (httpx.Response(200, html="<h1>Welcome to the hotel</h1>"), Signal.UNKNOWN),
        (httpx.Response(200, json={"ok": True}), Signal.UNKNOWN),
        (httpx.Response(200, json={"ok": False, "description": "?"}), Signal.UNKNOWN),
        (httpx.Response(200, json={"ok": True, "result": {"no": "message"}}), Signal.UNKNOWN),
        (httpx.Response(200, json={"ok": True, "result": True}), Signal.UNKNOWN),
        (httpx.Response(200, json=["a", "list"]), Signal.UNKNOWN),
        (httpx.Response(302, headers={"location": "http://portal.example"}), Signal.UNKNOWN),
        (httpx.Response(401, html="<h1>Proxy login</h1>"), Signal.UNKNOWN),
        (httpx.Response(403, html="<h1>Blocked</h1>"), Signal.UNKNOWN),
        (httpx.Response(404, html="<h1>nginx</h1>"), Signal.UNKNOWN),
        (httpx.Response(400, json=["a", "list"]), Signal.UNKNOWN),
        (httpx.Response(403, json={"error": "blocked by the proxy"}), Signal.UNKNOWN),
        (httpx.Response(200, json={"ok": False, "result": {"message_id": 7}}), Signal.UNKNOWN),
        (httpx.Response(400, json={"ok": False, "description": 7}), Signal.UNKNOWN),
        (httpx.Response(400, json={"ok": False, "parameters": "x"}), Signal.UNKNOWN),
    ],
    ids=lambda value: f"{value.status_code} {value.text[:40]}" if isinstance(value, httpx.Response) else value.value,
)
async def test_anything_else_is_unconfirmed(answer: httpx.Response, signal: Signal) -> None:
    """A 5xx is Telegram's own trouble; what is not Telegram's form is nobody's vote."""
    outcome = await sent(answer)
    assert isinstance(outcome, Unconfirmed)
    assert outcome.sighting is not None
    assert outcome.sighting.signal is signal


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (envelope(429, "Too Many Requests: retry after 31", retry_after=31), 31.0),
        (httpx.Response(429, html="<h1>slow down</h1>", headers={"retry-after": "5"}), 5.0),
        (httpx.Response(429, text=""), None),
        (envelope(400, "Bad Request: flood", retry_after=3), 3.0),
    ],
    ids=["in the body", "in the header", "not told", "in a 400"],
)
async def test_throttling_says_how_long(answer: httpx.Response, seconds: float | None) -> None:
    outcome = await sent(answer)
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == seconds


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError, Unreachable),
        (httpx.ConnectTimeout, Unreachable),
        (httpx.PoolTimeout, Unreachable),
        (httpx.ReadTimeout, Unconfirmed),
        (httpx.WriteTimeout, Unconfirmed),
        (httpx.ReadError, Unconfirmed),
        (httpx.WriteError, Unconfirmed),
        (httpx.RemoteProtocolError, Unconfirmed),
    ],
    ids=lambda value: value.__name__,
)
async def test_only_a_connection_never_made_is_certainly_not_posted(error: type[Exception], expected: type) -> None:
    with respx.mock:
        respx.post(f"{API}/bot{TOKEN}/sendMessage").mock(side_effect=error)
        async with KIND.open(options(), surroundings()) as channel:
            outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, expected)
    assert TOKEN not in repr(outcome)


# --- the token ---


async def test_the_token_appears_nowhere(telegram: TelegramService, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the other side echoes it.  (httpx logs addresses at INFO: the house keeps it at WARNING.)"""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.WARNING, logger=name)
    telegram.trouble = Response.json({"ok": False, "description": f"Bad Request: no {TOKEN}"}, 400)
    async with KIND.open(options(telegram), surroundings()) as channel:
        said = [repr(await channel.send(HOLDING, Notes())), repr(await channel.check()), repr(channel)]
        await telegram.refuse()
        said += [repr(await channel.send(HOLDING, Notes())), repr(await channel.check())]
    assert "***" in said[0]
    assert TOKEN not in " ".join(said) + caplog.text + repr(options(telegram))


# --- read-back: the preview page ---


def block(number: int, words: str, *, at: str = "2026-11-18T11:06:40+00:00", name: str = "examplecouncil") -> str:
    return (
        f'<div class="tgme_widget_message_wrap"><div class="tgme_widget_message" data-post="{name}/{number}">{words}'
        f'<time class="message_video_duration">0:29</time><time datetime="{at}" class="time">11:06</time></div></div>'
    )


def words(text: str) -> str:
    return f'<div class="tgme_widget_message_text js-message_text" dir="auto">{text}</div>'


def page(*blocks: str, status: int = 200, **headers: str) -> Answer:
    text = f"<html><head><title>FB-1118-1106</title></head><body>{''.join(blocks)}<p>FB-1118-1106</p></body></html>"
    return Answer(status, httpx.Headers(headers), text, None)


OLD = block(5, words("an older post"), at="2026-11-18T10:00:00+00:00")
OURS = f"Facebook is not working. ({HOLDING.reference})"

FOUND = {
    "plain": block(6, words(OURS)),
    "in an album": block(6, words(words(OURS))),
    "after a part of its own": block(6, words(f"<div>Down.</div> ({HOLDING.reference})")),
    "across markup": block(6, words("Down. (<b>FB-</b>1118<a href='#'>-1106</a>)")),
    "another spelling of the name": block(6, words(OURS), name="ExampleCouncil"),
    "and quoted later": block(6, words(OURS)) + block(7, words(f"As we said: {OURS}")),
    "on a page from a cache": block(6, words(OURS)),
}


@pytest.mark.parametrize("blocks", FOUND.values(), ids=FOUND.keys())
def test_the_oldest_post_that_shows_the_reference_is_ours(blocks: str) -> None:
    found = Found(receipt=Receipt(remote_id="6", url="https://t.me/examplecouncil/6"))
    assert search(page(OLD, blocks, age="30"), "examplecouncil", HOLDING) == found


NOT_OURS = {
    "nothing": "",
    "a pin notice": block(6, words(f"Council pinned «{OURS}»")).replace('message"', 'message service_message"'),
    "a quotation": block(6, words(OURS).replace("js-message_text", "js-message_reply_text") + words("Back!")),
    "a link preview": block(6, words("See") + f'<a class="tgme_widget_message_link_preview"><div>{OURS}</div></a>'),
    "another channel": block(6, words(OURS), name="someoneelse"),
    "no channel": block(6, words(OURS), name="examplecouncil2"),
}


@pytest.mark.parametrize("blocks", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_only_the_own_words_of_an_own_post_count(blocks: str) -> None:
    assert isinstance(search(page(OLD, blocks), "examplecouncil", HOLDING), Absent)


def test_a_line_break_and_an_entity_in_the_text_are_read_as_people_see_them() -> None:
    asked_for = wording(reference="A & B 12:30")
    found = search(page(OLD, block(6, words("Down.<br/>A &amp; B<br/>12:30"))), "examplecouncil", asked_for)
    assert isinstance(found, Found)


EMPTY = '<div class="tgme_widget_message_centered"><div class="tme_no_messages_found">No posts found</div></div>'
AFTER_POST_5 = wording(follows=Receipt(remote_id="5"))
UNSURE = {
    "no page": (page(status=404), HOLDING),
    "no preview": (page(OLD, status=302), HOLDING),
    "no posts, as t.me says under load": (page(EMPTY), HOLDING),
    "only pictures": (page(block(5, "", at="2026-11-18T10:00:00+00:00")), HOLDING),
    "an unknown markup": (page(OLD.replace("js-message_text", "text-2027")), HOLDING),
    "another channel": (page(OLD.replace("examplecouncil", "someoneelse")), HOLDING),
    "cut off": (Answer(200, httpx.Headers(), f"<html><body>{OLD}", None), HOLDING),
    "from a cache": (page(OLD, age="30"), HOLDING),
    "not far enough back": (page(block(9, words("a"), at="2026-11-18T11:00:00+00:00")), HOLDING),
    "no times": (page(block(9, words("a"), at="today")), HOLDING),
    "older than our own earlier post": (page(block(4, words("a"), at="2026-11-18T10:00:00+00:00")), AFTER_POST_5),
}


@pytest.mark.parametrize(("answer", "announcement"), UNSURE.values(), ids=UNSURE.keys())
def test_a_page_that_could_have_missed_it_proves_nothing(answer: Answer, announcement: Any) -> None:
    assert isinstance(search(answer, "examplecouncil", announcement), CannotTell)


ENOUGH = {
    "an older post": (OLD, HOLDING),
    "the first message of the chat": (block(1, words("Channel created")), HOLDING),
    "our own earlier post": (block(5, words("a")) + block(6, words("b")), AFTER_POST_5),
}


@pytest.mark.parametrize(("blocks", "announcement"), ENOUGH.values(), ids=ENOUGH.keys())
def test_a_page_that_reaches_back_far_enough_proves_absence(blocks: str, announcement: Any) -> None:
    assert isinstance(search(page(blocks), "examplecouncil", announcement), Absent)


async def test_more_posts_than_the_page_holds_are_no_proof(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    await channel.send(HOLDING, Notes())
    for number in range(20):
        telegram.somebody_posts(f"post {number}")
    assert isinstance(await channel.find(HOLDING, Notes()), CannotTell)


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.HTML_BEFORE, Fault.CLOSE_BEFORE, Fault.HALF_AFTER])
async def test_a_page_that_cannot_be_had_proves_nothing(
    telegram: TelegramService, channel: TelegramChannel, fault: Fault
) -> None:
    telegram.fail(fault, path="/s/")
    assert isinstance(await channel.find(HOLDING, Notes()), CannotTell)


async def test_without_a_reference_nothing_can_be_looked_for(channel: TelegramChannel) -> None:
    assert isinstance(await channel.find(wording(reference=" "), Notes()), CannotTell)


# --- read-back: the ids after our own earlier post ---


async def test_without_a_public_page_the_first_statement_is_found_after_the_last_old_message(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    _a_past(telegram, 100)
    assert isinstance(await private.find(HOLDING, Notes()), Absent)
    telegram.fail(Fault.CLOSE_AFTER, path=SEND)
    assert isinstance(await private.send(HOLDING, Notes()), Unconfirmed)
    assert await private.find(HOLDING, Notes()) == Found(
        receipt=Receipt(remote_id="102", url="https://t.me/c/1234567890/102")
    )
    assert [post.text for post in telegram.operators.posts.values()] == ["Supergroup created"]


@pytest.mark.parametrize("gaps", [(2,), (4, 5, 6), (16, 17), (32,), (63, 64, 65), range(98, 102), range(90, 100)])
async def test_messages_that_were_deleted_hide_nothing(
    telegram: TelegramService, private: TelegramChannel, gaps: Iterable[int]
) -> None:
    _a_past(telegram, 100)
    for number in gaps:
        del telegram.channel.posts[number]
    assert isinstance(await private.find(HOLDING, Notes()), Absent)
    await private.send(HOLDING, Notes())
    assert isinstance(await private.find(HOLDING, Notes()), Found)


async def test_a_first_statement_in_a_chat_without_a_past_is_found_and_never_absent(private: TelegramChannel) -> None:
    """Nothing old is there to begin after, as in a chat that was cleaned."""
    assert isinstance(await private.find(HOLDING, Notes()), CannotTell)
    await private.send(HOLDING, Notes())
    assert isinstance(await private.find(HOLDING, Notes()), Found)


async def test_a_chat_whose_old_messages_are_all_gone_proves_nothing(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    """Auto-delete, or somebody cleaned it: only the last ten are left, and ours after them."""
    _a_past(telegram, 198)
    await private.send(HOLDING, Notes())
    for number in range(1, 190):
        del telegram.channel.posts[number]
    assert isinstance(await private.find(HOLDING, Notes()), CannotTell)


@pytest.mark.parametrize("follows", [None, Receipt(remote_id="95")], ids=["first", "later"])
async def test_a_chat_that_deletes_its_messages_by_itself_proves_nothing(
    telegram: TelegramService, private: TelegramChannel, follows: Receipt | None
) -> None:
    """What is from before that was switched on stays; ours may be far beyond, or gone by now."""
    telegram.channel.deletes_after = 86400
    _a_past(telegram, 300)
    for number in range(101, 290):
        del telegram.channel.posts[number]
    assert isinstance(await private.find(wording(follows=follows), Notes()), CannotTell)


async def test_a_large_hole_is_no_end_and_the_next_look_goes_on_behind_it(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    _a_past(telegram, 698)
    await private.send(HOLDING, Notes())
    for number in range(505, 540):
        del telegram.channel.posts[number]
    assert isinstance(await private.find(HOLDING, Notes()), CannotTell)
    assert await private.find(HOLDING, Notes()) == Found(
        receipt=Receipt(remote_id="700", url="https://t.me/c/1234567890/700")
    )


@pytest.mark.parametrize("gone", [20, 35, 60])
async def test_a_hole_after_our_earlier_post_is_no_end(
    telegram: TelegramService, private: TelegramChannel, gone: int
) -> None:
    _a_past(telegram, 99)
    for number in range(gone):
        telegram.somebody_posts(f"picture {number}")
    for number in range(40):
        telegram.somebody_posts(f"after it {number}")
    for number in range(101, 101 + gone):
        del telegram.channel.posts[number]
    assert isinstance(await private.find(wording(follows=Receipt(remote_id="100")), Notes()), CannotTell)


@pytest.mark.parametrize("where", [2, 3, 4, 12])
@pytest.mark.parametrize("elsewhere", [True, False], ids=["from elsewhere", "from this chat"])
async def test_an_old_message_that_somebody_reposts_after_ours_is_not_taken_for_an_old_one(
    telegram: TelegramService, private: TelegramChannel, where: int, *, elsewhere: bool
) -> None:
    """A forward carries the date of its origin, which may be years back (Bot API, MessageOrigin)."""
    _a_past(telegram, 498)
    await private.send(HOLDING, Notes())
    source = telegram.add_chat(-1005550001111, name="elsewhere") if elsewhere else telegram.channel
    for number in range(15):
        origin = Origin(source, 7, NOW - 9e5) if number + 1 >= where else None
        telegram.channel.add("comment", NOW + 10, origin=origin)
    assert await private.find(HOLDING, Notes()) == Found(
        receipt=Receipt(remote_id="500", url="https://t.me/c/1234567890/500")
    )


@pytest.mark.parametrize("where", range(1, 14, 3))
async def test_in_a_group_the_first_statement_is_found_or_nothing_is_proven(
    telegram: TelegramService, where: int
) -> None:
    """The messages of people name no number of origin, so a repost cannot be told from an old message there."""
    group = telegram.add_chat(-1001222333444, kind="supergroup")
    for number in range(99):
        group.add(f"old {number}", NOW - 86400.0)
    chats: dict[str, Any] = {"chat": group.id, "preview_url": None, "operators_chat": telegram.operators.id}
    async with KIND.open(options(telegram, **chats), surroundings()) as channel:
        assert isinstance(await channel.find(HOLDING, Notes()), CannotTell)
        await channel.send(HOLDING, Notes())
        assert isinstance(await channel.find(HOLDING, Notes()), Found)
    for number in range(1, 15):
        origin = Origin(telegram.operators, 7, NOW - 9e5) if number == where else None
        group.add("comment", NOW + 10, origin=origin)
    async with KIND.open(options(telegram, **chats), surroundings()) as channel:
        assert not isinstance(await channel.find(HOLDING, Notes()), Absent)


async def test_an_older_statement_is_looked_for_behind_an_older_message(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    """What was old for the statement before need not be old for this one."""
    for number in range(60):
        telegram.channel.add(f"{number}", NOW - 86400.0 + number * 1000.0)
    telegram.channel.posts[30].text = "an older one (FB-1117-1900)"
    older = wording(reference="FB-1117-1900", created_at=telegram.channel.posts[30].at - 1.0)
    assert isinstance(await private.find(wording(created_at=NOW - 25000.0), Notes()), Absent)
    assert await private.find(older, Notes()) == Found(
        receipt=Receipt(remote_id="30", url="https://t.me/c/1234567890/30")
    )


async def test_a_search_that_is_cut_short_goes_on_where_it_was(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    """Telegram allows some twenty messages a minute to a group."""
    _a_past(telegram, 3000)
    await private.send(HOLDING, Notes())
    looks = 0
    finding: Finding = CannotTell(reason="not looked yet")
    while isinstance(finding, CannotTell) and looks < 5:
        before = len(asked(telegram, "forwardMessage"))
        telegram.told = _throttle_after(telegram, before + 20)
        finding = await private.find(HOLDING, Notes())
        telegram.heal()
        looks += 1
    assert isinstance(finding, Found)
    assert looks > 1


async def test_new_messages_beyond_the_window_are_no_proof(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    _a_past(telegram, 20)
    for number in range(31):
        telegram.somebody_posts(f"post {number}")
    assert isinstance(await private.find(HOLDING, Notes()), CannotTell)


async def test_without_a_chat_of_the_operators_nothing_can_be_looked_up(telegram: TelegramService) -> None:
    chats = {"chat": telegram.channel.id, "preview_url": None}
    async with KIND.open(options(telegram, **chats), surroundings()) as blind:
        assert isinstance(await blind.find(HOLDING, Notes()), CannotTell)
    assert telegram.requests == []


def _a_past(telegram: TelegramService, messages: int) -> None:
    """As many messages of yesterday; number 1 is the notice of the channel's creation."""
    for number in range(messages):
        telegram.channel.add(f"old {number}", NOW - 86400.0)


def _throttle_after(telegram: TelegramService, count: int) -> Callable[[Any, Any], None]:
    def told(_request: Any, _fault: Any) -> None:
        if len(asked(telegram, "forwardMessage")) >= count:
            telegram.fail_always(Fault.THROTTLED, path="/forwardMessage")

    return told


async def test_without_a_public_page_a_later_statement_is_found_after_the_earlier(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    first = await private.send(HOLDING, Notes())
    assert isinstance(first, Delivered)
    assert first.receipt.url == "https://t.me/c/1234567890/2"
    telegram.somebody_posts("between")
    back = wording(text="Welcome back (FB-WB)", reference="FB-WB", follows=first.receipt)
    assert isinstance(await private.find(back, Notes()), Absent)
    telegram.fail(Fault.CLOSE_AFTER, path=SEND)
    assert isinstance(await private.send(back, Notes()), Unconfirmed)
    assert await private.find(back, Notes()) == Found(
        receipt=Receipt(remote_id="4", url="https://t.me/c/1234567890/4")
    )
    assert [post.text for post in telegram.operators.posts.values()] == ["Supergroup created"]


@pytest.mark.parametrize("path", ["/getChat", "/forwardMessage"])
@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.HTML_BEFORE, Fault.CLOSE_BEFORE, Fault.THROTTLED])
async def test_a_scan_that_fails_proves_nothing(
    telegram: TelegramService, private: TelegramChannel, fault: Fault, path: str
) -> None:
    telegram.fail(fault, path=path)
    assert isinstance(await private.find(wording(follows=Receipt(remote_id="1")), Notes()), CannotTell)


async def test_a_notice_is_passed_over_in_a_scan(telegram: TelegramService, private: TelegramChannel) -> None:
    telegram.channel.add("somebody pinned something", NOW, service=True)
    follows_first = wording(follows=Receipt(remote_id="1"))
    assert isinstance(await private.find(follows_first, Notes()), Absent)
    await private.send(follows_first, Notes())
    assert isinstance(await private.find(follows_first, Notes()), Found)


async def test_a_scan_begins_right_after_our_own_earlier_post(private: TelegramChannel) -> None:
    directly_after = wording(follows=Receipt(remote_id="1"))
    await private.send(directly_after, Notes())
    assert isinstance(await private.find(directly_after, Notes()), Found)


async def test_a_scan_passes_over_a_deleted_album(telegram: TelegramService, private: TelegramChannel) -> None:
    for number in range(10):
        telegram.somebody_posts(f"picture {number}")
    after_all = wording(follows=Receipt(remote_id="1"))
    await private.send(after_all, Notes())
    for number in range(2, 12):
        del telegram.channel.posts[number]
    assert isinstance(await private.find(after_all, Notes()), Found)


async def test_a_scan_of_a_protected_chat_proves_nothing(telegram: TelegramService, private: TelegramChannel) -> None:
    telegram.channel.protected = True
    assert isinstance(await private.find(wording(follows=Receipt(remote_id="1")), Notes()), CannotTell)


async def test_a_scan_among_too_many_messages_proves_nothing(
    telegram: TelegramService, private: TelegramChannel
) -> None:
    for number in range(31):
        telegram.somebody_posts(f"post {number}")
    assert isinstance(await private.find(wording(follows=Receipt(remote_id="1")), Notes()), CannotTell)


# --- could we post? ---


async def test_an_administrator_who_may_post_is_able(telegram: TelegramService, channel: TelegramChannel) -> None:
    health = await channel.check()
    assert health.able
    assert health.warnings == ()
    assert health.sighting.signal is Signal.UP
    assert health.facts == {"bot": "@practice_failover_bot"}
    assert telegram.visible() == []


@pytest.mark.parametrize(
    ("changes", "words_of_it"),
    [
        ({"may_post": False}, "may not post"),
        ({"status": "member"}, "not an administrator"),
        ({"status": "left"}, "removed from this chat"),
        ({"status": "kicked"}, "removed from this chat"),
        ({"migrated_to": -100987}, "-100987"),
        ({"kind": "supergroup", "status": "member", "may_post": False}, "not an administrator"),
    ],
    ids=str,
)
async def test_a_missing_right_is_a_problem_of_ours(
    telegram: TelegramService, channel: TelegramChannel, changes: dict[str, Any], words_of_it: str
) -> None:
    for name, value in changes.items():
        setattr(telegram.channel, name, value)
    health = await channel.check()
    assert not health.able
    assert words_of_it in health.problems[0]
    assert (health.sighting.signal, health.sighting.fault) == (Signal.UNKNOWN, Whose.ACCOUNT)


async def test_a_group_where_members_may_write_is_fine(telegram: TelegramService, channel: TelegramChannel) -> None:
    telegram.channel.kind, telegram.channel.status = "supergroup", "member"
    health = await channel.check()
    assert health.able
    assert "could not be looked up" in health.warnings[0]


@pytest.mark.parametrize("token", ["123456789:wrong", "nonsense"], ids=["another", "malformed"])
async def test_a_wrong_token_is_a_problem_of_ours(telegram: TelegramService, token: str) -> None:
    async with KIND.open(options(telegram, token=SecretStr(token)), surroundings()) as channel:
        health = await channel.check()
    assert health.problems == ("Telegram does not accept the bot's token",)
    assert health.sighting.fault is Whose.ACCOUNT


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
@pytest.mark.parametrize("method", ["getMe", "getChat", "getChatMember"])
async def test_a_check_that_fails_says_whose_trouble_it_is(
    telegram: TelegramService,
    channel: TelegramChannel,
    method: str,
    fault: Fault,
    signal: Signal,
    evidence: Evidence,
) -> None:
    telegram.fail(fault, path=f"/{method}")
    health = await channel.check()
    assert not health.able
    assert (health.sighting.signal, health.sighting.evidence) == (signal, evidence)
    assert "gone out" not in health.problems[0]


async def test_a_page_that_cannot_be_read_is_a_warning_in_time(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    telegram.fail(Fault.ERROR_BEFORE, path="/s/")
    health = await channel.check()
    assert health.able
    assert "could not be looked up" in health.warnings[0]


# --- taking it back ---


async def test_a_retracted_post_is_gone_and_may_be_retracted_again(
    telegram: TelegramService, channel: TelegramChannel
) -> None:
    outcome = await channel.send(HOLDING, Notes())
    assert isinstance(outcome, Delivered)
    for _ in range(2):
        assert await channel.retract(outcome.receipt) == Delivered(receipt=outcome.receipt)
        assert telegram.visible() == []


async def test_what_is_too_old_to_delete_becomes_a_note_and_is_unpinned(telegram: TelegramService) -> None:
    async with KIND.open(options(telegram, pin=True), surroundings()) as channel:
        outcome = await channel.send(HOLDING, Notes())
        assert isinstance(outcome, Delivered)
        telegram.channel.posts[2].at -= 3 * 86400
        for _ in range(2):
            assert isinstance(await channel.retract(outcome.receipt), Delivered)
            assert telegram.visible() == ["(withdrawn)"]
        assert telegram.channel.pinned == []


@pytest.mark.parametrize("path", ["/deleteMessage", "/editMessageText"])
async def test_an_unclear_retraction_says_so(telegram: TelegramService, channel: TelegramChannel, path: str) -> None:
    telegram.somebody_posts("old")
    telegram.channel.posts[2].at -= 3 * 86400
    telegram.fail(Fault.ERROR_BEFORE, path=path)
    outcome = await channel.retract(Receipt(remote_id="2"))
    assert isinstance(outcome, Unconfirmed)
    assert outcome.reason.endswith("may still be public")


async def test_a_receipt_without_a_number_must_be_removed_by_hand(channel: TelegramChannel) -> None:
    assert isinstance(await channel.retract(Receipt(remote_id="by hand")), Refused)


# --- length and options ---


@pytest.mark.parametrize(
    ("text", "used"), [("abc", 3), ("é", 1), ("😀", 2), ("x" * 4096, 4096), ("👩‍🚒", 5)], ids=lambda v: str(v)[:5]
)
def test_length_is_counted_in_utf16_units(text: str, used: int) -> None:
    length = measure(options(), wording(text=text))
    assert (length.used, length.limit, length.fits) == (used, 4096, used <= 4096)


@pytest.mark.parametrize(
    ("chat", "kept"),
    [("@examplecouncil", "@examplecouncil"), (-1001234567890, -1001234567890), ("-1001234567890", -1001234567890)],
    ids=str,
)
def test_a_chat_is_a_name_or_a_number(chat: object, kept: object) -> None:
    assert options(chat=chat).chat == kept


@pytest.mark.parametrize(
    "changes",
    [
        {"chat": "examplecouncil"},
        {"chat": "https://t.me/examplecouncil"},
        {"chat": True},
        {"token": ""},
        {"api_url": "ftp://example.org"},
        {"api_url": "http://api.example.org"},
        {"preview_url": "t.me/s/examplecouncil"},
        {"operators_chat": "@operators"},
        {"chat": -1001, "operators_chat": -1001},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_a_wrong_option_is_an_error(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        options(**changes)


def test_the_public_page_and_the_links_follow_from_the_chat() -> None:
    assert options().page == "https://t.me/s/examplecouncil"
    assert (options(chat=-1001234567890).page, options(chat=-1001234567890).place) == (None, "c/1234567890")
    assert options(chat=-1001234567890, preview_url="https://t.me/s/other").place == "other"
    assert options(chat=-77).place == ""
