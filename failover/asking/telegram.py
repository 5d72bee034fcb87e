"""Asking approvers by a Telegram bot, with two buttons; private to `asking`.

A bot may write only to people who have written to it once.  Answers come by long polling (`getUpdates`, only
`callback_query`); whoever confirms an update by a higher offset never sees it again, and what nobody confirms is kept
for 24 hours.  Only one program may poll with one bot: the server answers 409 to the others.
Sources: https://core.telegram.org/bots/api#getupdates, #callbackquery, #editmessagetext
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, TelegramError
from telegram.request import BaseRequest, RequestData

from failover.asking.ways import Press, Sent, Unsent, Way
from failover.asking.words import Question, messages, shown
from failover.signoff import Asking, Person

POLL = 25
"""Seconds that the server waits for something to tell."""

PATIENCE = 15.0
"""Seconds that a connection or an answer may take beside that."""

ANSWER = 190
"""Letters of an answer to a press; Telegram takes 200."""

BODY = 1_000_000
"""Bytes of an answer that are read; what is longer does not parse."""

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
"""What the library raises on an answer that is not what was asked for."""


class _WireError(TelegramError):
    """No answer of the Bot API; `wait` is how long it asks us to leave it alone (seconds)."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Wire(BaseRequest):
    """The library's transport, over our own client: the errors of its own one warn, or say too little."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @property
    def read_timeout(self) -> float | None:
        return PATIENCE

    async def initialize(self) -> None:
        """Nothing to do."""

    async def shutdown(self) -> None:
        """Nothing to do."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        *_timeouts: Any,
        **_more: Any,
    ) -> tuple[int, bytes]:
        """One exchange.  Raises _WireError, whose text never holds the address: the token is in it."""
        patience = read_timeout if isinstance(read_timeout, int | float) else PATIENCE
        timeout = httpx.Timeout(PATIENCE, read=patience)
        fields = request_data.json_parameters if request_data else None
        try:
            async with self._client.stream(method, url, data=fields, timeout=timeout) as answer:
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece[: BODY - len(body)]
        except httpx.HTTPError as error:
            raise _WireError(_transport(error)) from None
        return _checked(answer.status_code, bytes(body))


def _transport(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return "Telegram cannot be reached"
    return "no answer from Telegram in time" if isinstance(error, httpx.TimeoutException) else "the connection broke"


def _checked(status: int, body: bytes) -> tuple[int, bytes]:
    """An answer in the form of the Bot API.  Raises _WireError for any other, and where we are to wait."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or "ok" not in told or status >= 500:
        raise _WireError(f"something else than Telegram's answer came (HTTP {status})")
    parameters = told.get("parameters")
    wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if status == 429 or wait is not None:
        raise _WireError("Telegram asks us to slow down", float(wait) if isinstance(wait, int) else 30.0)
    return status, body


def _why(error: TelegramError) -> Unsent:
    """A clause for people; none of the library's own texts, which may quote the address."""
    match error:
        case _WireError():
            return Unsent(error.message, error.wait)
        case InvalidToken():
            return Unsent("Telegram does not accept the bot's token", final=True)
        case Forbidden():
            return Unsent("they have not written to the bot yet, or have blocked it", final=True)
        case Conflict():
            return Unsent("another program listens with the same bot", 10.0)
        case BadRequest() if "chat not found" in error.message.lower():
            return Unsent("they have not written to the bot yet", final=True)
        case BadRequest():
            return Unsent("Telegram refused the message", final=True)
        case _:
            return Unsent("Telegram's answer could not be read")


class TelegramWay:
    """One bot that asks, and hears."""

    name = "Telegram"

    def __init__(self, bot: Bot, place: str) -> None:
        self._bot = bot
        self.place = place

    def reaches(self, person: Person) -> bool:
        return person.telegram is not None

    async def ask(self, person: Person, asked: Question) -> Sent | Unsent:
        """Everything to be read, the buttons under the last of it."""
        *first, last = messages(asked)
        for text in first:
            sent = await _result(self._write(person, text, None))
            if isinstance(sent, Unsent):
                return sent
        sent = await _result(self._write(person, last, _buttons(asked.statement, asked.code)))
        if isinstance(sent, Unsent):
            return sent
        return Sent(str(sent.message_id), last) if isinstance(sent, Message) else Unsent("the answer is no message")

    async def _write(self, person: Person, text: str, buttons: InlineKeyboardMarkup | None) -> Message:
        assert person.telegram is not None
        preview = LinkPreviewOptions(is_disabled=True)
        return await self._bot.send_message(person.telegram, text, reply_markup=buttons, link_preview_options=preview)

    async def show(self, person: Person, asking: Asking, line: str, *, still_open: bool) -> Sent | Unsent:
        """How it stands, above what was asked; the buttons go when there is nothing to decide any more."""
        buttons = _buttons(asking.statement, asking.code) if still_open else None
        edit = self._bot.edit_message_text(
            shown(asking.text, line),
            chat_id=person.telegram,
            message_id=int(asking.message),
            reply_markup=buttons,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        found = await _result(edit)
        return found if isinstance(found, Unsent) else Sent(asking.message, asking.text)

    async def presses(self, offset: int) -> list[Press] | Unsent:
        """What was pressed, from this update on."""
        found = await _result(
            self._bot.get_updates(offset=offset, timeout=POLL, allowed_updates=[Update.CALLBACK_QUERY])
        )
        if isinstance(found, Unsent):
            return found
        return [_press(update) for update in found]

    async def reply(self, press: Press, text: str, *, alert: bool) -> None:
        if press.id:
            await _result(self._bot.answer_callback_query(press.id, text[:ANSWER], show_alert=alert))


def _press(update: Update) -> Press:
    """Anything else than a press has no account that anybody is listed with."""
    query = update.callback_query
    if query is None:
        return Press(update.update_id, 0, "", "")
    return Press(update.update_id, query.from_user.id, query.data or "", query.id)


def _buttons(statement: str, code: str) -> InlineKeyboardMarkup:
    """What they carry is at most 64 bytes."""
    words = {"Approve": "approve", "Object": "veto"}
    row = [InlineKeyboardButton(word, callback_data=f"{verb} {statement} {code}") for word, verb in words.items()]
    return InlineKeyboardMarkup([row])


async def _result(call: Awaitable[Any]) -> Any:
    """What came of a call, or why nothing did."""
    try:
        return await call
    except TelegramError as error:
        return _why(error)
    except UNREADABLE:
        return Unsent("Telegram's answer could not be read")


@asynccontextmanager
async def open_telegram(token: str, api_url: str, user_agent: str) -> AsyncIterator[Way]:
    """The bot of this token; nothing is asked of Telegram yet."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=0)
    async with httpx.AsyncClient(headers={"user-agent": user_agent}, limits=limits, follow_redirects=False) as client:
        wire = _Wire(client)
        bot = Bot(token, base_url=f"{api_url.rstrip('/')}/bot", request=wire, get_updates_request=wire)
        yield TelegramWay(bot, f"telegram_offset {token.partition(':')[0]}")
