"""One attempt at a mailing: several connections, one ledger, nobody twice.

The order that makes a death harmless, for each recipient: the envelope up to the server's 354, then the commit of
`sending`, then the text and the dot, then the outcome.  The outcome of one and the intent of the next share a commit.
Whoever is found `sending` by a later attempt is in doubt and is never written to again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from channels._mail_clerk import Clerk
from channels._mail_ledger import PENDING, SENDING
from channels._mail_letter import Letter
from channels._mail_list import Recipient
from channels._mail_replies import Fate, Mark, after_dot, before_dot, broken_off
from channels._mail_session import Session
from failover.contracts import Notebook
from failover.model import Refused, Unreachable

PATIENCE = {Mark.UNCLEAR: 25, Mark.OURS: 3, Mark.CUT: 3}
"""How many failures of a kind, with no letter accepted between them, end an attempt: going on would only cost more
recipients their letter, or leave them in doubt."""

Connect = Callable[[], Awaitable[Session | Refused | Unreachable]]


class Mailing:
    """The attempt as a whole.  `states` is the ledger as it is (or is about to be) on the disk."""

    def __init__(
        self,
        letter: Letter,
        recipients: Sequence[Recipient],
        states: dict[str, str],
        notebook: Notebook,
        until: float,
    ) -> None:
        self.letter, self.states, self.clerk = letter, states, Clerk(notebook)
        self.trouble: Refused | Unreachable | None = None
        self._queue = deque(recipients)
        self._until = until
        self._halted = False
        self._streak: list[tuple[str, Mark]] = []

    async def run(self, connect: Connect, connections: int) -> None:
        """Write to everybody who waits, until all are served, the time is up, or it makes no sense to go on."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(connections, len(self._queue))):
                    group.create_task(_Worker(self, connect).work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # the ledger's own error, as the caller knows it

    @property
    def more(self) -> bool:
        """There is something to do in this attempt."""
        return bool(self._queue) and not self._halted

    def take(self) -> Recipient | None:
        """The next recipient, or None when there is nothing more to do in this attempt."""
        if not self.more:
            return None
        if asyncio.get_running_loop().time() >= self._until:
            self.halt(Unreachable(reason="the rest follows at once", retry_after=1.0))
            return None
        return self._queue.popleft()

    def give_back(self, recipient: Recipient) -> None:
        self._queue.appendleft(recipient)

    def halt(self, why: Refused | Unreachable) -> None:
        """Nobody takes another recipient.  The first reason is kept."""
        self._halted = True
        self.trouble = self.trouble or why

    def judge(self, key: str, fate: Fate) -> dict[str, str]:
        """What this fate says about the mailing; returns lines of the ledger that it puts in another light.

        Recipients who were refused in a row of failures that ends the attempt were hardly the reason: they wait.
        """
        if fate.halt is not None:
            self.halt(fate.halt)
        elif fate.mark is Mark.GOOD:
            self._streak.clear()
        elif fate.mark in PATIENCE and not fate.again:
            self._streak.append((key, fate.mark))
        alike = [one for one, mark in self._streak if mark is fate.mark]
        if fate.halt is not None or len(alike) < PATIENCE.get(fate.mark, 1):
            return {}
        self.halt(broken_off(fate.mark, fate.state))
        return {one: self.states[one].replace("refused: ", "retry: ", 1) for one in alike}


class _Worker:
    """One connection's worth of work; a new connection when the old one is gone."""

    def __init__(self, mailing: Mailing, connect: Connect) -> None:
        self._mailing, self._connect = mailing, connect
        self._session: Session | None = None
        self._unsaved: dict[str, str] = {}

    async def work(self) -> None:
        self._mailing.clerk.connections += 1
        try:
            await self._serve_all()
            await self._save()
            if self._session is not None:
                await self._session.close()
        finally:
            self._mailing.clerk.connections -= 1
            if self._session is not None:
                self._session.drop()
            await self._save()

    async def _serve_all(self) -> None:
        while self._mailing.more and (session := await self._connected()) is not None:
            if (recipient := self._mailing.take()) is not None:
                await self._serve(recipient, session)

    async def _connected(self) -> Session | None:
        if self._session is None or self._session.gone:
            opened = await self._connect()
            if not isinstance(opened, Session):
                self._mailing.trouble = self._mailing.trouble or opened
                return None
            self._session = opened
        return self._session

    async def _serve(self, recipient: Recipient, session: Session) -> None:
        turned_down = await session.offer(recipient.address)
        if turned_down is None:
            await self._intend(recipient.key)
            fate = after_dot(await session.hand_over(self._mailing.letter.to(recipient)))
        else:
            fate = before_dot(*turned_down, used=session.used)
        if fate.again:
            self._mailing.give_back(recipient)
        await self._settle(recipient.key, fate)

    async def _intend(self, key: str) -> None:
        """Commit the intent.  If we are stopped while doing so the text has not left, and the ledger is put right."""
        lines = {**self._unsaved, key: SENDING}
        self._unsaved[key] = PENDING
        await self._mailing.clerk.note(lines)
        self._unsaved.clear()

    async def _settle(self, key: str, fate: Fate) -> None:
        """A good outcome may wait for the next commit, any other is written at once."""
        self._mailing.states[key] = self._unsaved[key] = fate.state
        corrections = self._mailing.judge(key, fate)
        self._mailing.states.update(corrections)
        self._unsaved.update(corrections)
        if fate.mark is not Mark.GOOD:
            await self._save()

    async def _save(self) -> None:
        if self._unsaved:
            await self._mailing.clerk.note(dict(self._unsaved))
            self._unsaved.clear()
