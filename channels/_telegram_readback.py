"""Has our post arrived in the chat?  Telegram's two read-backs; private to this folder.

The channel's public preview page comes first.  For a chat without one, messages are looked at by their numbers: each
is forwarded silently to `operators_chat`, read, and removed again.  The look begins after our own earlier post; for
the first statement of an incident, after a message that is older than the statement.  Such a one is searched for by
the dates that forwarded messages carry: numbers and dates rise together.

A forward of a forward carries the date of its first origin, which may be years back.  In a channel the origin is
named by chat and number, so a date counts only where that is the very message.  In a group nothing tells the two
apart: a statement can be found there by such dates, and never be proven absent.  Absence is not believed either where
messages go by themselves (auto-delete), or where anything comes after a hole in the numbers: a person decides.

Not used: `editMessageText` on the next id as a probe.  It would overwrite whatever post has that id.
Sources: Bot API, forwardMessage, MessageOriginChannel (`chat`, `message_id`, `date`: when it was sent originally) and
ChatFullInfo (`message_auto_delete_time`); error texts of its server.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from telegram import Bot, ChatFullInfo, Message, MessageOriginChannel
from telegram.constants import ChatType

from channels._http import Answer, exchange
from channels._telegram_options import TelegramOptions
from channels._telegram_preview import MARGIN, receipt_at, search, unreadable
from channels._telegram_wire import Failure, ask, why
from failover.model import Absent, Announcement, CannotTell, Finding, Found, Receipt

WINDOW, GAP = 30, 20
"""Messages read at most, and how many unused numbers in a row are a hole or the end: people delete albums (ten)."""

BEYOND = tuple(round(1.5**power) for power in range(2, 17))
"""Steps (numbers) in which it is looked beyond them, some two thousand in all: at the end nothing comes any more."""

SKIP, NEAR = 4, 6
"""The search for an old message looks past so many unused numbers, and ends when it is so near."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A message: its words (none: a notice), and when it was sent (None: not told)."""

    text: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Old:
    """The newest message that is known to be from before a moment; number 0: none is known."""

    number: int = 0
    at: float = 0.0


class ReadBack:
    """Looks, and publishes nothing."""

    def __init__(self, options: TelegramOptions, bot: Bot, client: httpx.AsyncClient) -> None:
        self._options = options
        self._bot = bot
        self._client = client
        self._old = Old()

    async def find(self, announcement: Announcement) -> Finding:
        """The public page, then the numbers after our own earlier post, or after an old message."""
        if not announcement.reference.strip():
            return CannotTell(reason="the text carries no reference that could be looked for")
        finding = await self._on_page(announcement)
        if not isinstance(finding, CannotTell) or not self._may_scan():
            return finding
        chat = await self._described()
        if isinstance(chat, CannotTell):
            return chat
        last = await self._beginning(chat, announcement)
        if isinstance(last, CannotTell):
            return last
        finding = await self._scan(chat, last, announcement)
        doubt = _doubt(chat, last, announcement) if isinstance(finding, Absent) else ""
        return CannotTell(reason=doubt) if doubt else finding

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

    async def _described(self) -> ChatFullInfo | CannotTell:
        """The chat, where its messages can be forwarded (all but notices, as of a pin)."""
        chat = await ask(ChatFullInfo, self._bot.get_chat(self._options.chat))
        if isinstance(chat, Failure):
            return CannotTell(reason=f"the chat cannot be looked at: {why(chat)}")
        if chat.has_protected_content:
            return CannotTell(reason="the chat forbids forwarding, so nothing can be looked up in it")
        return chat

    async def _beginning(self, chat: ChatFullInfo, announcement: Announcement) -> int | CannotTell:
        """A number below that of our post, and near it."""
        before = _number(announcement.follows)
        return before if before is not None else await self._search(chat, _limit(announcement))

    async def _search(self, chat: ChatFullInfo, limit: float) -> int | CannotTell:
        """The newest message, or nearly, from before `limit` (seconds since the epoch); 0 where none was seen.

        Ever wider steps upwards, then halves.  What was seen to be old stays so, unless an older statement is looked
        for: a search that is cut short (Telegram allows some twenty messages a minute to a group) goes on from there.
        Deleted messages can make it stop too early; in a channel nothing makes it stop too late.
        """
        if self._old.at >= limit:
            self._old = Old()
        step = 1
        while (old := await self._older(chat, self._old.number + step, limit)) is not None:
            if isinstance(old, CannotTell):
                return old
            self._old, step = old, step * 2
        end = self._old.number + step
        while end - self._old.number > NEAR:
            middle = (self._old.number + end) // 2
            old = await self._older(chat, middle, limit)
            if isinstance(old, CannotTell):
                return old
            self._old, end = (self._old, middle) if old is None else (old, end)
        return self._old.number

    async def _older(self, chat: ChatFullInfo, number: int, limit: float) -> Old | CannotTell | None:
        """The first message from `number` on that has a date, if that is before `limit`."""
        for tried in range(number, number + SKIP):
            seen = await self._glimpse(chat, tried)
            if isinstance(seen, CannotTell):
                return seen
            if seen is not None and seen.at is not None:
                return Old(tried, seen.at) if seen.at < limit else None
        return None

    async def _scan(self, chat: ChatFullInfo, last: int, announcement: Announcement) -> Finding:
        """Sound because nobody else posts with this bot (rule D8), and our post can only be younger than `last`."""
        read = unused = 0
        number = last
        while unused < GAP:
            number += 1
            seen = await self._glimpse(chat, number)
            if isinstance(seen, CannotTell):
                return seen
            if seen is not None and announcement.reference in seen.text:
                return Found(receipt=receipt_at(self._options.place, number))
            read, unused = (read, unused + 1) if seen is None else (read + 1, 0)
            if read > WINDOW:
                return CannotTell(reason="too many messages were posted since the last one that is older than ours")
        doubt = await self._beyond(chat, number, _limit(announcement))
        return doubt or Absent(reason=f"no message after number {last} shows it")

    async def _beyond(self, chat: ChatFullInfo, number: int, limit: float) -> CannotTell | None:
        """Is this a hole, and not the end?  An old message behind it is where the next search begins."""
        for step in BEYOND:
            number += step
            seen = await self._glimpse(chat, number)
            if isinstance(seen, CannotTell):
                return seen
            if seen is not None:
                if seen.at is not None and seen.at < limit:
                    self._old = Old(number, seen.at)
                return CannotTell(reason="many messages were deleted where ours may be, so it cannot be looked up")
        return None

    async def _glimpse(self, chat: ChatFullInfo, number: int) -> Glimpse | CannotTell | None:
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
        return Glimpse(copy.text or copy.caption or "", _sent_at(copy, chat, number))


def _sent_at(copy: Message, chat: ChatFullInfo, number: int) -> float | None:
    """When message `number` of the chat was sent; in a group perhaps when that was which it is a repost of."""
    origin = copy.forward_origin
    if origin is None:
        return None
    itself = isinstance(origin, MessageOriginChannel) and (origin.chat.id, origin.message_id) == (chat.id, number)
    return origin.date.timestamp() if itself or chat.type != ChatType.CHANNEL else None


def _doubt(chat: ChatFullInfo, last: int, announcement: Announcement) -> str:
    """Why it proves nothing that no message after `last` shows it; empty where it does prove it."""
    if chat.to_dict().get("message_auto_delete_time"):  # the attribute itself issues a deprecation warning
        return "messages of this chat are deleted by themselves, so ours may have been there"
    if _number(announcement.follows) is not None:
        return ""
    if last == 0:
        return "no message was seen that is older than ours, after which it could be looked for"
    if chat.type != ChatType.CHANNEL:
        return "in a group an old message cannot be told from a later repost of one, and ours was not seen"
    return ""


def _number(before: Receipt | None) -> int | None:
    """Of our own earlier post; a statement that a person saw has none."""
    return int(before.remote_id) if before is not None and before.remote_id.isdecimal() else None


def _limit(announcement: Announcement) -> float:
    """What was sent before this moment (seconds since the epoch) is surely older than the statement."""
    return announcement.created_at - MARGIN
