"""Asking people whether a statement may go out, and hearing their answers (rule S5).

Beside the two ticks, and never in their way: whatever fails here is told and tried again, and a statement keeps to
its own rule.  Who is asked when is decided by `signoff.calls`; what is known to have been asked is in the database,
so that after a crash nobody is asked twice unless nobody knows that they were asked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Protocol, runtime_checkable

from failover._asking_words import Question, question
from failover.delivery import Delivery, StatementRow
from failover.desk import Desk, RequestError
from failover.engine import Engine
from failover.schema import StoreError
from failover.signoff import (
    ASK,
    REMIND,
    Asking,
    Call,
    Person,
    calls,
    code,
    is_waiting,
    standing,
    via_telegram,
)
from failover.store import Change

EVERY = 1.0
"""Seconds between two looks at what waits, where nothing wakes us earlier."""

DEADLINE = 40.0
"""Seconds that one question may take on its way."""

FIRST_RETRY, SLOWEST_RETRY = 2.0, 300.0
SLOWEST_POLL = 30.0
GIVEN_UP = 2 * 86400.0
"""After so many seconds a message that cannot be edited stays as it is."""

_PRESSED = re.compile(r"(approve|veto) (\w{1,24}) ([0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived.  `message` is how the way finds it again, `text` what the message that can be edited says."""

    message: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unsent:
    """It did not arrive, and why; `wait` is what was asked of us (seconds); `final`: it never will."""

    reason: str
    wait: float | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A person pressed a button: `number` orders what came, `account` is who, `data` what the button carries."""

    number: int
    account: int
    data: str
    id: str


class Way(Protocol):
    """One way to a person."""

    @property
    def name(self) -> str:
        """As it is kept and told: `Telegram`, `e-mail`."""
        ...

    def reaches(self, person: Person) -> bool: ...

    async def ask(self, person: Person, asked: Question) -> Sent | Unsent:
        """Put the question before them."""
        ...

    async def show(self, person: Person, asking: Asking, line: str, *, still_open: bool) -> Sent | Unsent:
        """Write over a question how it stands."""
        ...


@runtime_checkable
class Ear(Way, Protocol):
    """A way on which answers come back.  `place` names where it is kept how far we have heard."""

    @property
    def place(self) -> str: ...

    async def presses(self, offset: int) -> list[Press] | Unsent:
        """What came, from `offset` on; waits for it."""
        ...

    async def reply(self, press: Press, text: str, *, alert: bool) -> None:
        """Tell who pressed; nothing depends on it."""
        ...


Doors = Callable[[], Sequence[AbstractAsyncContextManager[Way]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What the words need: who speaks, how platforms are called, whose clock."""

    organisation: str
    titles: Mapping[str, str]
    zone: tzinfo


class Asker:
    """Asks, reminds, hears and shows, from `start` to `stop`."""

    def __init__(
        self,
        engine: Engine,
        desk: Desk,
        doors: Doors,
        manner: Manner,
        now: Callable[[], float],
        kick: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._journal = engine.journal
        self._desk = desk
        self._doors = doors
        self._manner = manner
        self._now = now
        self._kick = kick
        self._ways: list[Way] = []
        self._woken = asyncio.Event()
        self._main: asyncio.Task[None] | None = None
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._unwritten: dict[str, Asking] = {}
        self._failures: dict[str, tuple[int, float]] = {}

    # -- from start to stop --------------------------------------------------------------------------------

    def start(self) -> None:
        """Only one may run: a bot has one listener."""
        if self._main is None:
            self._main = asyncio.create_task(self._run(), name="asking")

    async def stop(self) -> None:
        """Break off; what was not written down is asked again by whoever comes next."""
        main, self._main = self._main, None
        if main is not None:
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)
        self._ways.clear()

    def wake(self) -> None:
        """Something may have to be asked, or shown, at once."""
        self._woken.set()

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            for door in self._doors():
                await self._guarded("a way to ask", self._open(door, stack))
            stack.push_async_callback(self._let_go)
            for way in self._ways:
                if isinstance(way, Ear):
                    self._spawn(f"hear {way.name}", self._listen(way))
            while True:
                self._woken.clear()
                await self._guarded("asking", self.round())
                try:
                    async with asyncio.timeout(EVERY):
                        await self._woken.wait()
                except TimeoutError:
                    pass

    async def _open(self, door: AbstractAsyncContextManager[Way], stack: AsyncExitStack) -> None:
        self._ways.append(await stack.enter_async_context(door))

    async def _let_go(self) -> None:
        tasks = [*self._busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(key, work), name=key)
        self._busy[key] = task
        task.add_done_callback(lambda _task: self._busy.pop(key, None))

    async def _guarded(self, where: str, work: Awaitable[None]) -> None:
        """A bug or a full disk in asking keeps nothing else from its work."""
        try:
            await work
        except StoreError as error:
            self._engine.store_refused(error)
        except Exception as error:  # noqa: BLE001  told; the next round tries again
            self._journal.bug(where, error)

    # -- asking --------------------------------------------------------------------------------------------

    async def round(self) -> None:
        """Look once at what waits and at what was asked, and do what is due.  Raises StoreError."""
        await self._write_down()
        asked, now = await self._store.askings(), self._now()
        for row in await self._store.undecided():
            if is_waiting(row, now) and now < row.latest:
                await self._ask_about(row, asked, now)
        for asking in asked:
            if not asking.done:
                await self._refresh(asking, now)

    async def _write_down(self) -> None:
        """What reached people while the disk was full."""
        if self._unwritten:
            await self._store.record(Change(at=self._now(), askings=tuple(self._unwritten.values())))
            self._unwritten.clear()

    async def _ask_about(self, row: StatementRow, asked: Sequence[Asking], now: float) -> None:
        deliveries = await self._store.deliveries(row.incident)
        signing = self._engine.house.signing
        ways = {person.name: [way.name for way in self._ways if way.reaches(person)] for person in signing.people}
        now_code = code(row, deliveries)
        for call in calls(row, now_code, asked, ways, signing, now):
            asking = Asking(
                id="/".join([row.id, str(row.lapses), now_code, call.kind, call.way, call.name]),
                statement=row.id,
                round=row.lapses,
                code=now_code,
                approver=call.name,
                way=call.way,
                kind=call.kind,
                at=now,
            )
            if call.person is None:
                await self._say(row, asking, asked)
            elif self._may_try(asking.id):
                self._spawn(asking.id, self._ask(call, row, asking, deliveries))

    async def _say(self, row: StatementRow, asking: Asking, asked: Sequence[Asking]) -> None:
        """In the journal; that it waits at all was said there by whoever planned it."""
        before = [one for one in asked if one.statement == row.id]
        await self._store.record(Change(at=asking.at, askings=(replace(asking, done=True),)))
        fields = {"incident": row.incident, "statement": row.kind.value, "statement_id": row.id, "code": asking.code}
        if asking.kind == REMIND:
            begun = min((one.at for one in before), default=asking.at)
            self._journal.say("statement_overdue", **fields, duration=asking.at - begun)
        elif before:
            self._journal.say("statement_waiting", **fields, mode=row.mode, until=row.release_at)

    async def _ask(self, call: Call, row: StatementRow, asking: Asking, deliveries: Sequence[Delivery]) -> None:
        incident = await self._store.incident(row.incident)
        names = (
            incident.platforms if incident else dict.fromkeys(name for one in deliveries for name in one.platforms)
        )
        titles = [self._manner.titles.get(name, name) for name in names]
        asked = question(row, deliveries, call.kind, self._manner.organisation, ", ".join(titles), self._manner.zone)
        way = self._way(call.way)
        assert way is not None
        assert call.person is not None
        found = await _in_time(way.ask(call.person, asked))
        if isinstance(found, Unsent):
            return self._failed(asking, found)
        self._failures.pop(asking.id, None)
        asking = replace(asking, message=found.message, text=found.text, done=not found.message)
        self._unwritten[asking.id] = asking
        facts = {"statement": row.id, "approver": asking.approver, "way": asking.way, "code": asking.code}
        await self._store.record(Change(at=asking.at, askings=(asking,), audit=(("approver_asked", facts),)))
        self._unwritten.pop(asking.id, None)
        self._journal.say(
            "approver_asked",
            incident=row.incident,
            statement=row.kind.value,
            statement_id=row.id,
            approver=asking.approver,
            asked="asked" if asking.kind == ASK else "reminded",
            way=asking.way,
            code=asking.code,
        )
        return None

    def _may_try(self, key: str) -> bool:
        """Not what is on its way or has just failed, nor what is known here to have arrived."""
        _count, until = self._failures.get(key, (0, 0.0))
        return key not in self._busy and key not in self._unwritten and asyncio.get_running_loop().time() >= until

    def _failed(self, asking: Asking, why: Unsent) -> None:
        self._put_off(asking.id, why)
        self._journal.say_on_change(
            f"asking/{asking.way}/{asking.approver}",
            "approver_unreachable",
            approver=asking.approver,
            way=asking.way,
            reason=why.reason,
        )

    def _put_off(self, key: str, why: Unsent) -> None:
        count = self._failures.get(key, (0, 0.0))[0] + 1
        slowing = SLOWEST_RETRY if why.final else min(SLOWEST_RETRY, FIRST_RETRY * 2 ** min(count - 1, 10))
        self._failures[key] = (count, asyncio.get_running_loop().time() + max(slowing, why.wait or 0.0))

    def _way(self, name: str) -> Way | None:
        return next((way for way in self._ways if way.name == name), None)

    def _person(self, name: str) -> Person | None:
        return next((one for one in self._engine.house.signing.people if one.name == name), None)

    # -- showing how it stands -----------------------------------------------------------------------------

    async def _refresh(self, asking: Asking, now: float) -> None:
        """Let a question that was asked say how things stand."""
        row = await self._store.statement(asking.statement)
        deliveries = await self._store.deliveries(row.incident) if row else []
        line, still_open = standing(row, deliveries, asking, now)
        way, person = self._way(asking.way), self._person(asking.approver)
        key = f"show {asking.id}"
        if line == asking.shown and still_open:
            return
        if way is None or person is None or now - asking.at > GIVEN_UP:
            await self._store.record(Change(at=now, askings=(replace(asking, done=True),)))
        elif self._may_try(key):
            self._spawn(key, self._show(key, way, person, replace(asking, shown=line, done=not still_open)))

    async def _show(self, key: str, way: Way, person: Person, asking: Asking) -> None:
        found = await _in_time(way.show(person, asking, asking.shown, still_open=not asking.done))
        if isinstance(found, Unsent) and not found.final:
            return self._put_off(key, found)
        self._failures.pop(key, None)
        await self._store.record(Change(at=self._now(), askings=(asking,)))
        return None

    # -- hearing -------------------------------------------------------------------------------------------

    async def _listen(self, ear: Ear) -> None:
        """Fetch answers for ever.  How far we have heard is written down together with what it led to."""
        failures, offset = 0, -1
        while True:
            try:
                offset = int(await self._store.setting(ear.place, "0")) if offset < 0 else offset
                found = await ear.presses(offset)
                if isinstance(found, Unsent):
                    failures += 1
                    await self._deaf(ear, found, failures)
                    continue
                if failures > 1:
                    self._journal.say_on_change(f"hearing/{ear.name}", "answers_heard", way=ear.name)
                failures = 0
                for press in found:
                    offset = press.number + 1
                    await self._heard(ear, press, {ear.place: str(offset)})
            except StoreError as error:
                self._engine.store_refused(error)
                await asyncio.sleep(FIRST_RETRY)

    async def _deaf(self, ear: Ear, why: Unsent, failures: int) -> None:
        """A first failure may be a connection that was closed on us; it is told from the second on."""
        if failures > 1 or why.final:
            self._journal.say_on_change(f"hearing/{ear.name}", "answers_unheard", way=ear.name, reason=why.reason)
        await asyncio.sleep(max(min(SLOWEST_POLL, 0.5 * 2 ** min(failures, 8)), why.wait or 0.0))

    async def _heard(self, ear: Ear, press: Press, noted: Mapping[str, str]) -> None:
        """Act on one answer, and tell who gave it."""
        try:
            text, alert = await self._decide(press, noted)
        except RequestError as error:
            await self._store.record(Change(at=self._now(), settings=noted))
            text, alert = str(error), True
        except StoreError as error:
            self._engine.store_refused(error)
            text, alert = "This could not be written down, so nothing has changed; please press again.", True
        self._kick()
        self.wake()
        self._spawn(f"reply {press.id}", ear.reply(press, text[:1].upper() + text[1:], alert=alert))

    async def _decide(self, press: Press, noted: Mapping[str, str]) -> tuple[str, bool]:
        """What is to be told, and whether loudly.  Raises RequestError and StoreError."""
        pressed, now = _PRESSED.fullmatch(press.data), self._now()
        person = next((one for one in self._engine.house.signing.people if one.telegram == press.account), None)
        if person is None:
            statement = pressed[2] if pressed else "something"
            audit = (("approval_refused", {"statement": statement, "by": "somebody not listed (Telegram)"}),)
            await self._store.record(Change(at=now, settings=noted, audit=audit))
            self._journal.say("approval_refused", statement_id=statement)
            number = f"Your account number is {press.account}."
            return f"You are not listed as an approver, so nothing has changed. {number}", True
        if pressed is None:
            raise RequestError("this button is not known")
        verb, statement, now_code = pressed.groups()
        by = via_telegram(person.name)
        if verb == "veto":
            return await self._desk.veto(statement, "", by, now, noted=noted), False
        return await self._desk.approve(statement, by, now, now_code, noted=noted), False


async def _in_time(work: Awaitable[Sent | Unsent]) -> Sent | Unsent:
    try:
        async with asyncio.timeout(DEADLINE):
            return await work
    except TimeoutError:
        return Unsent(f"no answer within {DEADLINE:g} s")
