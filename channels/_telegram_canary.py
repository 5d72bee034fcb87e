"""The canary of a Telegram channel: a silent message in a private group of ours; private to this folder.

A bot cannot read a chat, so it is the deletion that shows that the message was there.  One whose number was never
learned (a crash, an unclear attempt) is looked for below the number of the next one: each message there is forwarded
to the same group, read, and its copy taken away again.  Only what has the very words of a test post is deleted.

That the chat is no public one is asked before the first message, and told with each that was sent (Bot API,
ChatFullInfo and Chat).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum

from telegram import Bot, ChatFullInfo, Message

from channels._canary import ASIDE_SECONDS, Seen, is_ours
from channels._telegram_wire import Failure, ask, why
from failover.model import Evidence, Fault, Sighting, Unconfirmed

LOOK_BACK = 20
"""Messages looked at in one flight."""

OTHERS, UNUSED = 3, 45
"""How many in a row of other people's messages, or of unused numbers, end the search.

A process that dies in the midst of it leaves unused numbers, those of its copies: `LOOK_BACK` of them in each flight.
"""


class Below(Enum):
    """What was seen at a number below that of our message."""

    OURS = "a test post, or a copy that we made"
    OTHER = "somebody's message, or a notice"
    NOTHING = "no message"


class ChatCanary:
    """What `_canary.Flight` asks of a chat."""

    def __init__(self, bot: Bot, chat: int) -> None:
        self._bot = bot
        self._chat = chat
        self._private = False  # so it was seen to be
        self._unfit: Sighting | None = None  # or else why not; until the next start
        self._public = False
        self._untidy = True  # an earlier process, or an unclear attempt, may have left something below it
        self._looked: dict[int, Below] = {}  # in earlier flights, until all is tidy

    async def leftovers(self) -> Sighting | None:
        """None can be found before the next message is sent: their numbers are below its number."""
        if self._private or self._unfit is not None:
            return self._unfit
        chat = await ask(ChatFullInfo, self._bot.get_chat(self._chat))
        if isinstance(chat, Failure):
            return _trouble(chat)
        if reason := _unfit(chat):
            self._unfit = Sighting.unknown(Evidence.SPOKEN, reason, fault=Fault.ACCOUNT)
        self._private = not reason
        return self._unfit

    async def write(self, text: str) -> str | Sighting:
        before, self._untidy = self._untidy, True  # should we be cut off now, its number is never learned
        message = await ask(Message, self._bot.send_message(self._chat, text, disable_notification=True))
        self._untidy = before or isinstance(message, Unconfirmed)
        if isinstance(message, Failure):
            return _trouble(message)
        self._public = bool(message.chat.username)
        return str(message.message_id)

    async def read(self, post: str, text: str) -> Seen:  # noqa: ARG002 - a bot cannot read
        return Seen.PUBLIC if self._public else Seen.HIDDEN

    async def remove(self, post: str) -> bool | Sighting:
        removed = await self._delete(int(post))
        if removed is True and self._untidy:
            with suppress(TimeoutError):
                async with asyncio.timeout(ASIDE_SECONDS):
                    self._untidy = not await self._look_back(int(post))
        if not self._untidy:
            self._looked.clear()
        return removed

    async def _delete(self, number: int) -> bool | Sighting:
        gone = {"message to delete not found": False}
        try:
            async with asyncio.timeout(ASIDE_SECONDS):
                done = await ask(bool, self._bot.delete_message(self._chat, number), gone)
        except TimeoutError:
            return Sighting.unknown(Evidence.HERE, f"no answer from Telegram within {ASIDE_SECONDS:g} s")
        return _trouble(done) if isinstance(done, Failure) else done

    async def _look_back(self, number: int) -> bool:
        """Take away what earlier attempts left below this number; False where there may be more.

        What an earlier flight looked at is not looked at again, so each gets further down.
        """
        looks = others = unused = 0
        for below in range(number - 1, 0, -1):
            if below not in self._looked:
                looks += 1
                if looks > LOOK_BACK or not await self._look(below):
                    return False
            seen = self._looked[below]
            others = others + 1 if seen is Below.OTHER else 0 if seen is Below.OURS else others
            unused = unused + 1 if seen is Below.NOTHING else 0
            if others >= OTHERS or unused >= UNUSED:
                return True
        return True

    async def _look(self, number: int) -> bool:
        """See what this number is, and delete it if it is ours; False where that could not be done."""
        copy = await ask(
            Message,
            self._bot.forward_message(self._chat, self._chat, number, disable_notification=True),
            {"message to forward not found": Below.NOTHING, "message can't be forwarded": Below.OTHER},
        )
        if isinstance(copy, Below):
            self._looked[number] = copy
            return True
        if isinstance(copy, Failure) or isinstance(await self._delete(copy.message_id), Sighting):
            return False
        self._looked[copy.message_id] = Below.OURS
        ours = is_ours(copy.text)
        if ours and isinstance(await self._delete(number), Sighting):
            return False
        self._looked[number] = Below.OURS if ours else Below.OTHER
        return True


def _unfit(chat: ChatFullInfo) -> str:
    """Why somebody else might read what is written in this chat; empty where it is private."""
    if chat.username or chat.active_usernames or chat.location is not None:
        found = "is public"
    elif chat.linked_chat_id is not None:
        found = "is linked with another chat"
    else:
        return ""
    return f"canary_chat {found}; make a private group for it alone, configure its id and restart"


def _trouble(failure: Failure) -> Sighting:
    return failure.sighting or Sighting.unknown(Evidence.SPOKEN, why(failure))
