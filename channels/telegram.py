"""A Telegram channel or group, through a bot that is an administrator there.

Posts are plain text without link preview, so no markup can fail to parse.  Telegram has no idempotency key; the
read-back is in `_telegram_readback`.  Bot API: https://core.telegram.org/bots/api
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telegram import Bot, ChatFullInfo, ChatMember, InputFile, LinkPreviewOptions, Message, ReplyParameters, User
from telegram.constants import ChatType

from channels._canary import Flight
from channels._http import open_client
from channels._picture import file_name, picture_of
from channels._telegram_canary import ChatCanary
from channels._telegram_options import TelegramOptions
from channels._telegram_preview import receipt_at
from channels._telegram_readback import ReadBack
from channels._telegram_rights import obstacle
from channels._telegram_wire import Failure, Wire, ask, why
from failover.contracts import ChannelKind, Notebook, Surroundings
from failover.model import (
    Announcement,
    Delivered,
    Evidence,
    Fault,
    Finding,
    Found,
    Health,
    Image,
    Measure,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Sighting,
    Statement,
    Unconfirmed,
    Unreachable,
)

TEXT_LIMIT = 4096
"""sendMessage: "1-4096 characters after entities parsing"; Telegram counts offsets in UTF-16 units."""

CAPTION_LIMIT = 1024
"""sendPhoto: "Photo caption, 0-1024 characters after entities parsing"."""

PIN_SECONDS = 5.0
PINNED = frozenset({Statement.HOLDING, Statement.AGAIN, Statement.INTERMITTENT})
UNPINNED = frozenset({Statement.WELCOME_BACK, Statement.CORRECTION})


class TelegramChannel:
    """One chat, one bot."""

    def __init__(self, options: TelegramOptions, bot: Bot, read_back: ReadBack, flight: Flight | None) -> None:
        self._options = options
        self._bot = bot
        self._read_back = read_back
        self._flight = flight

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:
        """Post once.

        A number that is written down already was found (`find`) unless a person has said that it is not there, so
        here it is out of date; left standing, it would pass for this attempt's.
        """
        if self._written_down(notebook) is not None:
            await notebook.reserve("")
        picture = await picture_of(announcement)
        if isinstance(picture, Refused | Unreachable):
            return picture
        message = await (self._send(announcement) if picture is None else self._send_photo(announcement, *picture))
        if isinstance(message, Failure):
            return message
        note = await self._afterwards(announcement, message.message_id, notebook)
        receipt = receipt_at(self._options.place, message.message_id, note)
        return Delivered(receipt=receipt, sighting=Sighting.up(Evidence.SPOKEN, "Telegram took a post"))

    async def _send(self, announcement: Announcement) -> Message | Failure:
        return await ask(
            Message,
            self._bot.send_message(
                self._options.chat,
                announcement.text,
                disable_notification=self._options.silent,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_parameters=_thread(announcement.follows),
            ),
        )

    async def _send_photo(self, announcement: Announcement, image: Image, content: bytes) -> Message | Failure:
        """The text is the caption.  The Bot API has no field for what a photo shows."""
        return await ask(
            Message,
            self._bot.send_photo(
                self._options.chat,
                InputFile(content, filename=file_name(image)),
                caption=announcement.text,
                disable_notification=self._options.silent,
            ),
        )

    def _written_down(self, notebook: Notebook) -> Receipt | None:
        """The message that Telegram accepted, where we were stopped while pinning it."""
        number = notebook.draft
        return receipt_at(self._options.place, int(number)) if number is not None and number.isdecimal() else None

    async def _afterwards(self, announcement: Announcement, number: int, notebook: Notebook) -> str:
        """Pin a holding statement, unpin it when it is over; whatever comes of that, the post is out.

        The id is written down first: a deadline that ends the pinning must not lose it.
        """
        chat, before = self._options.chat, announcement.follows
        if not self._options.pin or announcement.statement not in PINNED | UNPINNED:
            return ""
        await notebook.reserve(str(number))
        try:
            async with asyncio.timeout(PIN_SECONDS):
                if announcement.statement in PINNED:
                    done = await ask(bool, self._bot.pin_chat_message(chat, number, disable_notification=True))
                    return "pinned" if done is True else "could not be pinned"
                if before is not None and not await self._unpin(before.remote_id):
                    return "the holding statement may still be pinned; unpin it by hand"
        except TimeoutError:
            return "could not be pinned or unpinned in time"
        return ""

    async def _unpin(self, number: str) -> bool:
        """True when it is not pinned (any more); a statement that a person saw has no number."""
        if not number.isdecimal():
            return False
        call = self._bot.unpin_chat_message(self._options.chat, int(number))
        return await ask(bool, call, {"message to unpin not found": True}) is True

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:
        """What was written down, else what can be read in the chat."""
        if (known := self._written_down(notebook)) is not None:
            return Found(receipt=known)
        return await self._read_back.find(announcement)

    async def check(self) -> Health:
        """Who are we, is the chat there, may we post in it, can its public page be read?  Three calls and a page."""
        me = await ask(User, self._bot.get_me())
        if isinstance(me, Failure):
            return _unable(me)
        chat = await ask(ChatFullInfo, self._bot.get_chat(self._options.chat))
        if isinstance(chat, Failure):
            return _unable(chat)
        if chat.type == ChatType.PRIVATE:
            return await self._health(f"@{me.username}", obstacle(chat, None))
        member = await ask(ChatMember, self._bot.get_chat_member(self._options.chat, me.id))
        if isinstance(member, Failure):
            return _unable(member)
        return await self._health(f"@{me.username}", obstacle(chat, member))

    async def _health(self, bot: str, problem: str) -> Health:
        facts = {"bot": bot}
        if problem:
            sighting = Sighting.unknown(Evidence.SPOKEN, problem, fault=Fault.ACCOUNT)
            return Health(sighting=sighting, problems=(problem,), facts=facts)
        sighting = Sighting.up(Evidence.SPOKEN, "Telegram answers, and the bot may post")
        blind = await self._read_back.trouble()
        warnings = (f"{blind}, so an unclear send could not be looked up there",) if blind else ()
        return Health(sighting=sighting, warnings=warnings, facts=facts)

    async def canary(self) -> Sighting:
        """A message in the chat that is there for it, sent and deleted."""
        if self._flight is None:
            return Sighting.unknown(Evidence.SPOKEN, "no canary_chat is configured", fault=Fault.ACCOUNT)
        return await self._flight.fly()

    async def retract(self, receipt: Receipt) -> Outcome:
        """Delete; where Telegram no longer allows that (48 hours), leave a note in its place and unpin it."""
        if not receipt.remote_id.isdecimal():
            reason = "the number of the message is not known; it must be removed by hand"
            return Refused(reason=reason, refusal=Refusal.CONFIGURATION)
        chat, number = self._options.chat, int(receipt.remote_id)
        gone = Delivered(receipt=receipt)
        done = await ask(
            bool,
            self._bot.delete_message(chat, number),
            {"message to delete not found": gone, "can't be deleted": None},
        )
        if done is not None:
            return gone if isinstance(done, bool) else _perhaps_public(done)
        edited = await ask(
            Message,
            self._bot.edit_message_text(self._options.withdrawn_text, chat, number),
            {"message is not modified": gone, "message to edit not found": gone},
        )
        if isinstance(edited, Failure):
            return _perhaps_public(edited)
        await ask(bool, self._bot.unpin_chat_message(chat, number))
        return Delivered(receipt=receipt_at(self._options.place, number, "replaced by a note"))


def _perhaps_public(outcome: Outcome) -> Outcome:
    """The same outcome of a withdrawal, in words that fit one."""
    if isinstance(outcome, Unconfirmed):
        return Unconfirmed(reason=f"{why(outcome)}; the post may still be public", sighting=outcome.sighting)
    return outcome


def _unable(failure: Failure) -> Health:
    sighting = failure.sighting or Sighting.unknown(Evidence.SPOKEN, failure.reason)
    return Health(sighting=sighting, problems=(why(failure),))


def _thread(before: Receipt | None) -> ReplyParameters | None:
    """A reply to the statement this one follows; that one being deleted is no reason not to post."""
    if before is None or not before.remote_id.isdecimal():
        return None
    return ReplyParameters(message_id=int(before.remote_id), allow_sending_without_reply=True)


def measure(_options: TelegramOptions, announcement: Announcement) -> Measure:
    """UTF-16 units: an emoji counts two or more, which is never less than what Telegram counts."""
    length = len(announcement.text.encode("utf-16-le")) // 2
    if announcement.images:
        return Measure(length, CAPTION_LIMIT, "characters (UTF-16) under a picture")
    return Measure(length, TEXT_LIMIT, "characters (UTF-16)")


@asynccontextmanager
async def open_telegram(options: TelegramOptions, surroundings: Surroundings) -> AsyncIterator[TelegramChannel]:
    """PTB's own start-up call (getMe) is not made: a channel opens even while Telegram is down."""
    token = options.token.get_secret_value().strip()
    async with open_client(surroundings.user_agent, seconds=options.timeout) as client:
        wire = Wire(client, token)
        bot = Bot(token, base_url=f"{options.api_url}/bot", request=wire, get_updates_request=wire)
        chat = options.canary_chat
        flight = Flight(ChatCanary(bot, chat), surroundings.now) if chat is not None else None
        yield TelegramChannel(options, bot, ReadBack(options, bot, client), flight)


EXAMPLE = """
telegram:
  kind: telegram
  platform: telegram
  chat: "@examplecouncil"         # or a numeric id such as -1001234567890 for a private chat
  token_file: telegram-token      # from @BotFather; the bot must be an administrator who may post
  pin: true                       # pin the holding statement, unpin it at the welcome back
  operators_chat: -1009876543210  # only needed for read-back in a chat without a public page
"""

# Deadline: up to 10 s to connect, 20 s of silence and 5 s for the pin.  Settle: Telegram takes a post within seconds
# or not at all, and t.me shows it some seconds later; two minutes leave room for both under load.
KIND = ChannelKind(
    TelegramOptions,
    open_telegram,
    measure,
    EXAMPLE,
    deadline=45.0,
    settle=120.0,
    images=1,
    canary=(
        "sends a silent message to canary_chat, a private group of ours, and deletes it: two calls each time, one "
        "more at the start, and whoever looks at that group in this very second sees it"
    ),
    canary_needs="canary_chat",
)
