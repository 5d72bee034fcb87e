"""The practice Telegram speaks the Bot API's own form, and its public page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from failover.practice.telegram import TelegramService

TOKEN = "123456789:practice"
CHAT = {"chat_id": "@examplecouncil"}


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramService]:
    async with TelegramService(TOKEN) as service:
        yield service


async def call(telegram: TelegramService, method: str, token: str = TOKEN, **request: Any) -> tuple[int, Any]:
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.post(f"{telegram.url}/bot{token}/{method}", **request)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("how", ["data", "json", "params"])
async def test_parameters_come_as_a_form_as_json_or_in_the_address(telegram: TelegramService, how: str) -> None:
    status, body = await call(telegram, "sendMessage", **{how: CHAT | {"text": "hello"}})
    assert (status, body["ok"], body["result"]["message_id"]) == (200, True, 2)
    assert telegram.visible() == ["hello"]


@pytest.mark.parametrize(
    ("method", "fields", "status", "description"),
    [
        ("sendMessage", {"chat_id": "@nobody", "text": "x"}, 400, "Bad Request: chat not found"),
        ("sendMessage", CHAT | {"text": " "}, 400, "Bad Request: message text is empty"),
        ("sendMessage", CHAT | {"text": "x" * 4097}, 400, "Bad Request: message is too long"),
        ("sendMessage", CHAT | {"txt": "x"}, 400, "Bad Request: practice: sendMessage has no parameter txt"),
        ("deleteMessage", CHAT | {"message_id": 9}, 400, "Bad Request: message to delete not found"),
        ("unpinChatMessage", CHAT | {"message_id": 9}, 400, "Bad Request: message to unpin not found"),
        ("sendMassage", CHAT, 404, "Not Found"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_refusal_has_telegrams_form(
    telegram: TelegramService, method: str, fields: dict[str, Any], status: int, description: str
) -> None:
    refusal = {"ok": False, "error_code": status, "description": description}
    assert await call(telegram, method, data=fields) == (status, refusal)
    assert telegram.visible() == []


@pytest.mark.parametrize(("token", "status"), [("123456789:other", 401), ("nonsense", 404)])
async def test_a_wrong_token_opens_nothing(telegram: TelegramService, token: str, status: int) -> None:
    assert (await call(telegram, "getMe", token))[0] == status


async def test_the_public_page_shows_what_the_channel_says(telegram: TelegramService) -> None:
    await call(telegram, "sendMessage", data=CHAT | {"text": "a < b\nc"})
    async with httpx.AsyncClient(verify=False) as client:
        page = await client.get(telegram.preview_url())
        private = await client.get(telegram.preview_url("operators"))
    assert 'data-post="examplecouncil/2"' in page.text
    assert "a &lt; b<br/>c" in page.text
    assert (private.status_code, private.headers["location"]) == (302, "https://t.me/operators")


async def test_each_chat_counts_its_own_messages(telegram: TelegramService) -> None:
    telegram.add_chat(-1005550001111, name="rehearsal")
    await call(telegram, "sendMessage", data=CHAT | {"text": "real"})
    _, body = await call(telegram, "sendMessage", data={"chat_id": "@rehearsal", "text": "DRILL"})
    assert body["result"]["message_id"] == 2
    assert (telegram.visible(), telegram.visible("rehearsal")) == (["real"], ["DRILL"])


# -- buttons and what is pressed -------------------------------------------------------------------------------

KEYS = {"inline_keyboard": [[{"text": "Approve", "callback_data": "approve 1H c0dec0de"}]]}


async def test_a_press_comes_to_whoever_polls_until_it_is_confirmed(telegram: TelegramService) -> None:
    """A higher offset confirms; before that the same update comes again, as after a crash of the client."""
    ann = telegram.add_chat(111, kind="private", title="Ann")
    _, body = await call(telegram, "sendMessage", json={"chat_id": 111, "text": "may it?", "reply_markup": KEYS})
    assert body["result"]["reply_markup"] == KEYS
    press = telegram.press(111, ann.posts[body["result"]["message_id"]], "Approve")
    for _ in range(2):
        _, body = await call(telegram, "getUpdates", json={"offset": 0, "timeout": 0})
        [update] = body["result"]
        assert (update["callback_query"]["data"], update["callback_query"]["from"]["id"]) == (
            "approve 1H c0dec0de",
            111,
        )
    _, body = await call(telegram, "getUpdates", json={"offset": update["update_id"] + 1, "timeout": 0})
    assert body["result"] == []
    assert (await call(telegram, "answerCallbackQuery", data={"callback_query_id": press, "text": "done"}))[0] == 200
    assert [one["text"] for one in telegram.answered] == ["done"]
    assert (await call(telegram, "answerCallbackQuery", data={"callback_query_id": "press-9"}))[0] == 400


async def test_an_edit_without_buttons_takes_them_away(telegram: TelegramService) -> None:
    _, body = await call(telegram, "sendMessage", json=CHAT | {"text": "may it?", "reply_markup": KEYS})
    post = telegram.channel.posts[body["result"]["message_id"]]
    edit = CHAT | {"message_id": post.number, "text": "may it?"}
    assert (await call(telegram, "editMessageText", json=edit))[0] == 200
    assert post.buttons == {}
    assert (await call(telegram, "editMessageText", json=edit))[1]["description"].startswith(
        "Bad Request: message is not modified"
    )
