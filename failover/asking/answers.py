"""Hearing what approvers press, and acting on it (rule S5); private to `asking`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from failover.asking.ways import Ear, Press, Unsent
from failover.desk import Desk, RequestError
from failover.engine import Engine
from failover.schema import StoreError
from failover.signoff import Person, via_telegram

SLOWEST_POLL = 30.0
"""Seconds to wait at most before it is tried again to hear."""

_PRESSED = re.compile(r"(approve|veto) (\w{1,24}) ([0-9a-f]{8})")


class Listener:
    """Listens on one way.  `acted` is called when something was pressed, `reply` is handed what tells it to them."""

    def __init__(
        self,
        ear: Ear,
        engine: Engine,
        desk: Desk,
        now: Callable[[], float],
        acted: Callable[[], None],
        reply: Callable[[str, Coroutine[Any, Any, None]], None],
    ) -> None:
        self._ear = ear
        self._engine = engine
        self._store = engine.store
        self._journal = engine.journal
        self._desk = desk
        self._now = now
        self._acted = acted
        self._reply = reply
        self._heard_to = -1
        self._deafness = 0

    async def hear(self) -> None:
        """Wait for answers once.  How far we have heard is written down together with what it led to."""
        if self._heard_to < 0:
            self._heard_to = int(await self._store.setting(self._ear.place, "0"))
        found = await self._ear.presses(self._heard_to)
        if isinstance(found, Unsent):
            return await self._deaf(found)
        if self._deafness > 1:
            self._journal.say_on_change(f"hearing/{self._ear.name}", "answers_heard", way=self._ear.name)
        self._deafness = 0
        for press in found:
            self._heard_to = press.number + 1
            if press.id:
                await self._heard(press, {self._ear.place: str(self._heard_to)})
        return None

    async def _deaf(self, why: Unsent) -> None:
        """A first failure may be a connection that was closed on us; it is told from the second on."""
        self._deafness += 1
        if self._deafness > 1:
            way = self._ear.name
            self._journal.say_on_change(f"hearing/{way}", "answers_unheard", way=way, reason=why.reason)
        slowing = SLOWEST_POLL if why.final else min(SLOWEST_POLL, 0.5 * 2 ** min(self._deafness, 8))
        await asyncio.sleep(max(slowing, why.wait or 0.0))

    async def _heard(self, press: Press, noted: Mapping[str, str]) -> None:
        """Act on one answer, and tell who gave it."""
        try:
            text, alert = await self._answer(press, noted)
        except StoreError as error:
            self._engine.store_refused(error)
            text, alert = "this could not be written down, so nothing has changed; please press again", True
        self._acted()
        told = self._ear.reply(press, text[:1].upper() + text[1:], alert=alert)
        self._reply(f"reply {press.id}", told)

    async def _answer(self, press: Press, noted: Mapping[str, str]) -> tuple[str, bool]:
        """What is to be told, and whether loudly.  Raises StoreError."""
        person = next((one for one in self._engine.house.signing.people if one.telegram == press.account), None)
        pressed = _PRESSED.fullmatch(press.data)
        if person is None:
            return await self._turned_away(press, pressed, noted), True
        try:
            return await self._decide(person, pressed, noted), False
        except RequestError as error:  # the desk has written down the refusal, and how far we have heard
            return str(error), True

    async def _decide(self, person: Person, pressed: re.Match[str] | None, noted: Mapping[str, str]) -> str:
        """Raises RequestError and StoreError."""
        by, now = via_telegram(person.name), self._now()
        if pressed is None:
            unknown = "this button is not known"
            await self._desk.refuse("decision", "something", by, unknown, now, noted)
            raise RequestError(unknown)
        verb, statement, code = pressed.groups()
        if verb == "veto":
            return await self._desk.veto(statement, "", by, now, noted=noted)
        return await self._desk.approve(statement, by, now, code, noted=noted)

    async def _turned_away(self, press: Press, pressed: re.Match[str] | None, noted: Mapping[str, str]) -> str:
        """Somebody who is not listed.  Only they are told their number."""
        what = {"approve": "approval", "veto": "objection"}[pressed[1]] if pressed else "decision"
        statement, stranger = pressed[2] if pressed else "something", "somebody not listed (Telegram)"
        why = "only the accounts under `sign_off: approvers:` may decide there"
        await self._desk.refuse(what, statement, stranger, why, self._now(), noted)
        return f"You are not listed as an approver, so nothing has changed. Your account number is {press.account}."
