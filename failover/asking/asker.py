"""Asking people whether a statement may go out, and hearing their answers (rule S5).

Beside the two ticks, and never in their way: whatever fails here is told and tried again, and a statement keeps to
its own rule.  Who is asked when is decided by `signoff.calls`; what is known to have been asked is in the database,
so that after a crash nobody is asked twice unless nobody knows that they were asked.  How it ended is shown by
`showing`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import tzinfo

from failover.asking.answers import Listener
from failover.asking.errands import Errands, in_time
from failover.asking.showing import Shower
from failover.asking.ways import Ear, Unsent, Way
from failover.asking.words import question
from failover.delivery import Delivery, StatementRow
from failover.desk import Desk
from failover.engine import Engine
from failover.signoff import ASK, REMIND, Asking, Call, calls, code, is_waiting
from failover.store import Change

EVERY = 1.0
"""Seconds between two looks at what waits, where nothing wakes us earlier."""

AFTER_A_BUG = 10.0

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
        self._unwritten: dict[str, Asking] = {}
        self._errands = Errands(engine)
        self._shower = Shower(engine, self._errands, lambda: self._ways, manner.zone, now)

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
                await self._errands.guarded("a way to ask", self._open(door, stack))
            stack.push_async_callback(self._errands.let_go)
            for way in self._ways:
                if isinstance(way, Ear):
                    self._errands.spawn(f"hear {way.name}", self._listen(way))
            while True:
                self._woken.clear()
                await self._errands.guarded("asking", self.round())
                try:
                    async with asyncio.timeout(EVERY):
                        await self._woken.wait()
                except TimeoutError:
                    pass

    async def _open(self, door: AbstractAsyncContextManager[Way], stack: AsyncExitStack) -> None:
        self._ways.append(await stack.enter_async_context(door))

    async def _listen(self, ear: Ear) -> None:
        """Fetch answers for ever."""
        listener = Listener(ear, self._engine, self._desk, self._now, self._acted, self._errands.spawn)
        while True:
            if not await self._errands.guarded(f"hearing {ear.name}", listener.hear()):
                await asyncio.sleep(AFTER_A_BUG)

    def _acted(self) -> None:
        """Somebody decided: it goes out, and shows, at once."""
        self._kick()
        self.wake()

    # -- asking --------------------------------------------------------------------------------------------

    async def round(self) -> None:
        """Look once at what waits and at what was asked, and do what is due.  Raises StoreError."""
        await self._write_down()
        self._errands.forget_old_failures()
        asked, now = await self._store.askings(), self._now()
        for row in await self._store.undecided():
            if is_waiting(row, now) and now < row.latest:
                await self._ask_about(row, asked, now)
        await self._shower.round(asked, now)

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
            elif asking.id not in self._unwritten and self._errands.may_try(asking.id):
                self._errands.spawn(asking.id, self._ask(call, row, asking, deliveries))

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
        found = await in_time(way.ask(call.person, asked))
        if isinstance(found, Unsent):
            return self._failed(asking, found)
        self._errands.well(asking.id)
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

    def _failed(self, asking: Asking, why: Unsent) -> None:
        self._errands.put_off(asking.id, why)
        self._journal.say_on_change(
            f"asking/{asking.way}/{asking.approver}",
            "approver_unreachable",
            approver=asking.approver,
            way=asking.way,
            reason=why.reason,
        )

    def _way(self, name: str) -> Way | None:
        return next((way for way in self._ways if way.name == name), None)
