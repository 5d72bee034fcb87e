"""Has our post arrived in the chat?  Telegram's two read-backs; private to this folder.

The channel's public preview page comes first.  For a chat without one the message ids that follow our own earlier
post are scanned: each is forwarded silently to `operators_chat`, read, and removed again.  That needs a known
earlier post, so the first statement of an incident in such a chat cannot be looked up, and is said to be so.

Not used: `editMessageText` on the next id as a probe.  It would overwrite whatever post has that id.
"""

from __future__ import annotations

import httpx
from telegram import Bot, ChatFullInfo, Message

from channels._http import Answer, exchange
from channels._telegram_options import TelegramOptions
from channels._telegram_preview import receipt_at, search, unreadable
from channels._telegram_wire import Failure, ask, why
from failover.model import Absent, Announcement, CannotTell, Finding, Found, Receipt

WINDOW, GAP = 30, 12
"""Ids scanned after our own earlier post, and how many unused ones in a row mean "the end" (an album takes ten)."""


class ReadBack:
    """Looks, and publishes nothing."""

    def __init__(self, options: TelegramOptions, bot: Bot, client: httpx.AsyncClient) -> None:
        self._options = options
        self._bot = bot
        self._client = client

    async def find(self, announcement: Announcement) -> Finding:
        """The public page, then the ids after our own earlier post."""
        if not announcement.reference.strip():
            return CannotTell(reason="the text carries no reference that could be looked for")
        finding = await self._on_page(announcement)
        before = announcement.follows
        if isinstance(finding, CannotTell) and before is not None and self._may_scan(before):
            return await self._scan(int(before.remote_id), announcement)
        return finding

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

    def _may_scan(self, before: Receipt) -> bool:
        """Only channels and supergroups count their messages one by one; other chats share one counter."""
        chat = self._options.chat
        counted = isinstance(chat, str) or chat < -(10**12)
        return self._options.operators_chat is not None and counted and before.remote_id.isdecimal()

    async def _scan(self, last: int, announcement: Announcement) -> Finding:
        """Sound because nobody else posts with this bot (rule D8), and our post can only be younger than `last`."""
        if reason := await self._protected():
            return CannotTell(reason=reason)
        unused = 0
        for number in range(last + 1, last + 1 + WINDOW):
            text = await self._text_of(number)
            if isinstance(text, CannotTell):
                return text
            if text is not None and announcement.reference in text:
                return Found(receipt=receipt_at(self._options.place, number))
            unused = unused + 1 if text is None else 0
            if unused == GAP:
                return Absent(reason=f"no message after our earlier one (number {last}) shows it")
        return CannotTell(reason="too many messages were posted since our earlier one")

    async def _protected(self) -> str:
        """Why messages of this chat cannot be forwarded; empty when they can (all but notices, as of a pin)."""
        chat = await ask(ChatFullInfo, self._bot.get_chat(self._options.chat))
        if isinstance(chat, Failure):
            return f"the chat cannot be looked at: {why(chat)}"
        return "the chat forbids forwarding, so nothing can be looked up in it" if chat.has_protected_content else ""

    async def _text_of(self, number: int) -> str | CannotTell | None:
        """The words of message `number`; None where there is none, empty for a notice."""
        operators = self._options.operators_chat
        assert operators is not None
        copy = await ask(
            Message,
            self._bot.forward_message(operators, self._options.chat, number, disable_notification=True),
            {"message to forward not found": None, "message can't be forwarded": ""},
        )
        if copy is None or isinstance(copy, str):
            return copy
        if isinstance(copy, Failure):
            return CannotTell(reason=f"a message could not be shown to the operators: {why(copy)}")
        await ask(bool, self._bot.delete_message(operators, copy.message_id))
        return copy.text or ""
