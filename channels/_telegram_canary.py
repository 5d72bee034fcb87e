"""The canary of a Telegram channel: a silent message in a private group of ours; private to this folder.

A bot cannot read a chat, so it is the deletion that shows that the message was there.  One whose number was never
learned (a crash, an unclear attempt) is looked for below the number of the next one: each message there is forwarded
to the same group, read, and its copy taken away again.  Only what has the very words of a test post is deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from telegram import Bot, Message

from channels._canary import ASIDE_SECONDS, WRITE_SECONDS, Seen, is_ours
from channels._telegram_wire import Failure, ask, why
from failover.model import Evidence, Sighting, Unconfirmed

LOOK_BACK, ELSE = 20, 3
"""Messages looked at in one flight, and how many in a row of other people's (or unused numbers) end the search."""


class ChatCanary:
    """What `_canary.Flight` asks of a chat."""

    def __init__(self, bot: Bot, chat: int) -> None:
        self._bot = bot
        self._chat = chat
        self._untidy = True  # an earlier process, or an unclear attempt, may have left something below it

    async def leftovers(self) -> Sequence[str]:
        """They have the numbers below that of the next message, so nothing can be found before it is sent."""
        return ()

    async def write(self, text: str) -> str | Sighting:
        before, self._untidy = self._untidy, True  # should we be cut off now, its number is never learned
        sent = self._bot.send_message(self._chat, text, disable_notification=True)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                message = await ask(Message, sent)
        except TimeoutError:
            return Sighting.down(Evidence.HERE, f"no answer from Telegram within {WRITE_SECONDS:g} s")
        self._untidy = before or isinstance(message, Unconfirmed)
        return _trouble(message) if isinstance(message, Failure) else str(message.message_id)

    async def read(self, post: str, text: str) -> Seen:  # noqa: ARG002 - a bot cannot read
        return Seen.HIDDEN

    async def remove(self, post: str) -> bool | Sighting:
        removed = await self._delete(int(post))
        if removed is True and self._untidy:
            with suppress(TimeoutError):
                async with asyncio.timeout(ASIDE_SECONDS):
                    self._untidy = not await self._look_back(int(post))
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
        """Take away what earlier attempts left below this number; False where there may be more."""
        others = 0
        for below in range(number - 1, max(number - 1 - LOOK_BACK, 0), -1):
            ours = await self._is_ours(below)
            if ours is None or (ours and isinstance(await self._delete(below), Sighting)):
                return False
            others = 0 if ours else others + 1
            if others >= ELSE:
                return True
        return number <= LOOK_BACK + 1

    async def _is_ours(self, number: int) -> bool | None:
        """None where it cannot be told."""
        copy = await ask(
            Message,
            self._bot.forward_message(self._chat, self._chat, number, disable_notification=True),
            {"message to forward not found": False, "message can't be forwarded": False},
        )
        if isinstance(copy, bool):
            return copy
        if isinstance(copy, Failure) or isinstance(await self._delete(copy.message_id), Sighting):
            return None
        return is_ours(copy.text)


def _trouble(failure: Failure) -> Sighting:
    return failure.sighting or Sighting.unknown(Evidence.SPOKEN, why(failure))
