"""Has our post arrived in the chat?  Telegram's two read-backs; private to this folder.

The channel's public preview page comes first.  For a chat without one, messages are looked at by their numbers: each
is forwarded silently to `operators_chat`, read, and removed again.  The look begins after our own earlier post; for
the first statement of an incident, after a message that is older than the statement.  Such a one is searched for by
the dates that forwarded messages carry: numbers and dates rise together.

Not used: `editMessageText` on the next id as a probe.  It would overwrite whatever post has that id.
Sources: Bot API, forwardMessage and MessageOrigin (`date`: when it was sent originally); error texts of its server.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from telegram import Bot, ChatFullInfo, Message

from channels._http import Answer, exchange
from channels._telegram_options import TelegramOptions
from channels._telegram_preview import MARGIN, receipt_at, search, unreadable
from channels._telegram_wire import Failure, ask, why
from failover.model import Absent, Announcement, CannotTell, Finding, Found

WINDOW, GAP = 30, 20
"""Messages read at most, and how many unused numbers in a row mean "the end": people delete whole albums (ten)."""

SKIP, NEAR = 4, 6
"""The search for an old message looks past so many unused numbers, and ends when it is so near."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A message: its words (none: a notice), and when it was sent (None: not told)."""

    text: str = ""
    at: float | None = None


class ReadBack:
    """Looks, and publishes nothing."""

    def __init__(self, options: TelegramOptions, bot: Bot, client: httpx.AsyncClient) -> None:
        self._options = options
        self._bot = bot
        self._client = client
        self._old = 0  # the newest message known to be older than every statement looked for so far

    async def find(self, announcement: Announcement) -> Finding:
        """The public page, then the numbers after our own earlier post, or after an old message."""
        if not announcement.reference.strip():
            return CannotTell(reason="the text carries no reference that could be looked for")
        finding = await self._on_page(announcement)
        if not isinstance(finding, CannotTell) or not self._may_scan():
            return finding
        if reason := await self._protected():
            return CannotTell(reason=reason)
        last = await self._beginning(announcement)
        return last if isinstance(last, CannotTell) else await self._scan(last, announcement)

    async def trouble(self) -> str:
        """Why the public page could not be used right now; empty when it could, or when there is none to use."""
        if self._options.page is None:
            return ""
        page = await self._fetch(self._options.page)
        return page if isinstance(page, str) else unreadable(page, self._options.place)

    async def _on_page(self, announcement: Announcement) -> Finding:
        if self._options.page is None:
            return CannotTell(reason="this chat has no public page to look at")
        page = await self._fetch(self._options.page)
        if isinstance(page, str):
            return CannotTell(reason=page)
        return search(page, self._options.place, announcement)

    async def _fetch(self, url: str) -> Answer | str:
        page = await exchange(self._client, "GET", url, headers={"cache-control": "no-cache"})
        return page if isinstance(page, Answer) else f"the public page cannot be read: {why(page)}"

    def _may_scan(self) -> bool:
        """Only channels and supergroups count their messages one by one; other chats share one counter."""
        chat = self._options.chat
        counted = isinstance(chat, str) or chat < -(10**12)
        return self._options.operators_chat is not None and counted

    async def _protected(self) -> str:
        """Why messages of this chat cannot be forwarded; empty when they can (all but notices, as of a pin)."""
        chat = await ask(ChatFullInfo, self._bot.get_chat(self._options.chat))
        if isinstance(chat, Failure):
            return f"the chat cannot be looked at: {why(chat)}"
        return "the chat forbids forwarding, so nothing can be looked up in it" if chat.has_protected_content else ""

    async def _beginning(self, announcement: Announcement) -> int | CannotTell:
        """A number below that of our post, and near it."""
        before = announcement.follows
        if before is not None and before.remote_id.isdecimal():
            return int(before.remote_id)
        return await self._search(announcement.created_at - MARGIN)

    async def _search(self, limit: float) -> int | CannotTell:
        """The newest message, or nearly, from before `limit` (seconds since the epoch); 0 where there is none.

        Ever wider steps upwards, then halves.  What was seen to be old stays so: a search that is cut short (Telegram
        allows some twenty messages a minute to a group) goes on from there.  Deleted messages can make it stop too
        early, never too late.
        """
        step = 1
        while (number := await self._older(self._old + step, limit)) is not None:
            if isinstance(number, CannotTell):
                return number
            self._old, step = number, step * 2
        end = self._old + step
        while end - self._old > NEAR:
            middle = (self._old + end) // 2
            number = await self._older(middle, limit)
            if isinstance(number, CannotTell):
                return number
            self._old, end = (self._old, middle) if number is None else (number, end)
        return self._old

    async def _older(self, number: int, limit: float) -> int | CannotTell | None:
        """The number of the first message from `number` on that has a date, if that is before `limit`."""
        for tried in range(number, number + SKIP):
            seen = await self._glimpse(tried)
            if isinstance(seen, CannotTell):
                return seen
            if seen is not None and seen.at is not None:
                return tried if seen.at < limit else None
        return None

    async def _scan(self, last: int, announcement: Announcement) -> Finding:
        """Sound because nobody else posts with this bot (rule D8), and our post can only be younger than `last`."""
        read = unused = 0
        number = last
        while unused < GAP:
            number += 1
            seen = await self._glimpse(number)
            if isinstance(seen, CannotTell):
                return seen
            if seen is not None and announcement.reference in seen.text:
                return Found(receipt=receipt_at(self._options.place, number))
            read, unused = (read, unused + 1) if seen is None else (read + 1, 0)
            if read > WINDOW:
                return CannotTell(reason="too many messages were posted since the last one that is older than ours")
        return Absent(reason=f"no message after number {last} shows it")

    async def _glimpse(self, number: int) -> Glimpse | CannotTell | None:
        """Message `number`; None where there is none."""
        operators = self._options.operators_chat
        assert operators is not None
        copy = await ask(
            Message,
            self._bot.forward_message(operators, self._options.chat, number, disable_notification=True),
            {"message to forward not found": None, "message can't be forwarded": Glimpse()},
        )
        if copy is None or isinstance(copy, Glimpse):
            return copy
        if isinstance(copy, Failure):
            return CannotTell(reason=f"a message could not be shown to the operators: {why(copy)}")
        await ask(bool, self._bot.delete_message(operators, copy.message_id))
        origin = copy.forward_origin
        return Glimpse(copy.text or copy.caption or "", origin.date.timestamp() if origin is not None else None)
