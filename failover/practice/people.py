"""The people of a drill: who is asked, on the practice internet, and the answers that the drill gives for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from failover.assembly import Assembly
from failover.delivery import StatementRow
from failover.desk import RequestError
from failover.practice.casting import Cast
from failover.practice.telegram import TelegramService
from failover.signoff import Person, calls, code, is_waiting

ANSWERS_AFTER = 120.0
"""Seconds after which the drill approves what must be approved."""

PATIENCE = 10.0
"""Seconds that asking, or hearing an answer, may take before the drill goes on without."""

TELEGRAM, MAIL = "Telegram", "e-mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody was asked (or reminded) about a statement, by Telegram or by mail, in at most `took` seconds."""

    at: float
    took: float
    statement: str
    person: str
    way: str
    reminder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """Somebody could not be asked in this way."""

    at: float
    person: str
    way: str
    reason: str


class People:
    """Those who sign off."""

    def __init__(self, cast: Cast, at: Assembly, now: Callable[[], float], trouble: Callable[[str], None]) -> None:
        self._at = at
        self._store = at.engine.store
        self._now = now
        self._trouble = trouble
        self._patient = True
        self.asked: list[Asked] = []
        self.unasked: list[Unasked] = []
        bot, server = cast.settings.asks_by("telegram"), cast.settings.asks_by("email")
        service = cast.players[bot.name].service if bot is not None else None
        self._bot = service if isinstance(service, TelegramService) else None
        self._ways = {
            one.name: [
                *([TELEGRAM] if one.telegram is not None and self._bot is not None else []),
                *([MAIL] if one.email and server is not None else []),
            ]
            for one in at.engine.house.signing.people
        }

    def heard(self, fields: dict[str, object], since: float) -> None:
        """The journal tells that somebody was asked; nothing of it began before `since`."""
        statement, person, way = (str(fields[name]) for name in ("statement_id", "approver", "way"))
        self.asked.append(
            Asked(
                at=self._now(),
                took=self._now() - since,
                statement=statement,
                person=person,
                way=way,
                reminder=fields["asked"] != "asked",
            )
        )

    def missed(self, fields: dict[str, object]) -> None:
        """The journal tells that somebody could not be asked in one way; with no other one, nobody asks them."""
        person, way = str(fields["approver"]), str(fields["way"])
        self._ways[person] = [one for one in self._ways.get(person, ()) if one != way]
        self.unasked.append(Unasked(at=self._now(), person=person, way=way, reason=str(fields["reason"])))
        if not self._ways[person] and all(one.person != person for one in self.asked):
            self._trouble(f"{person} could not be asked")

    async def ask(self) -> None:
        """Until everybody whose turn it is has been asked."""
        try:
            async with asyncio.timeout(PATIENCE):
                while self._patient and await self._is_owed():
                    self._at.asker.wake()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            self._patient = False
            self._trouble("not everybody could be asked")

    async def _is_owed(self) -> bool:
        """Is there anybody still to be asked at this moment?"""
        now, asked, signing = self._now(), await self._store.askings(), self._at.engine.house.signing
        for row in await self._waiting(now):
            seal = code(row, await self._store.deliveries(row.incident))
            if any(call.person is not None for call in calls(row, seal, asked, self._ways, signing, now)):
                return True
        return False

    async def _waiting(self, now: float) -> list[StatementRow]:
        return [row for row in await self._store.undecided() if is_waiting(row, now) and now < row.latest]

    async def answer(self) -> None:
        """What must be approved is, in time; to what may be objected to nobody objects."""
        for row in await self._waiting(self._now()):
            if row.mode != "required" or self._now() - row.created_at < ANSWERS_AFTER:
                continue
            for person in self._who(row):
                try:
                    await self._approve(row, person)
                except RequestError as error:
                    self._trouble(str(error))

    def _who(self, row: StatementRow) -> list[Person]:
        """As many as are needed, those who were asked first; somebody made up where too few were."""
        given = {one.who for one in row.approvals}
        asked = dict.fromkeys(one.person for one in self.asked if one.statement == row.id and not one.reminder)
        people = [one for one in self._at.engine.house.signing.people if one.name in asked]
        people = [one for one in people if f"approver {one.name}" not in given]
        made_up = [Person(name=name) for name in ("somebody", "somebody else")]
        return [*people, *made_up][: row.persons - len(row.approvals)]

    async def _approve(self, row: StatementRow, person: Person) -> None:
        """By the button under the question where there is one, else by command."""
        seal = code(row, await self._store.deliveries(row.incident))
        if self._pressed(person, f"approve {row.id} {seal}"):
            await self._answered(row)
        else:
            await self._at.desk.approve(row.id, f"{person.name} (played by the drill)", self._now(), seal)

    def _pressed(self, person: Person, carried: str) -> bool:
        """Press the button that carries this, if they have been asked with one."""
        bot, account = self._bot, person.telegram
        if bot is None or account is None:
            return False
        questions = bot.chats[account].posts.values()
        found = [(post, word) for post in questions for word, carries in post.buttons.items() if carries == carried]
        for post, word in found[-1:]:
            bot.press(account, post, word)
        return bool(found)

    async def _answered(self, before: StatementRow) -> None:
        """Until the press has been heard."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (row := await self._store.statement(before.id)) is not None:
                    if row.decision or len(row.approvals) > len(before.approvals):
                        return
                    await asyncio.sleep(0.01)
        except TimeoutError:
            self._trouble(f"an answer about {before.id} was not heard")
