"""Letting every question that was asked say how it ended (rule S5); private to `asking`.

What can be written over shows how things stand all the while, and is written over again after a crash.  What cannot,
a letter, is followed by one short letter when nothing is left to decide.  That one is written down before it leaves:
a crash in between may lose it, and never sends it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo

from failover.asking.errands import Errands, in_time
from failover.asking.matter import Matter, Thread, closing
from failover.asking.ways import Closes, Edits, Unsent, Way
from failover.asking.words import Ending
from failover.engine import Engine
from failover.signoff import Asking, Person
from failover.store import Change

GIVEN_UP = 2 * 86400.0
"""After so many seconds a message that cannot be edited stays as it is, and nobody is told of an end any more."""


class Shower:
    """Shows how questions ended, through the ways that are open."""

    def __init__(
        self,
        engine: Engine,
        errands: Errands,
        ways: Callable[[], Sequence[Way]],
        zone: tzinfo,
        now: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._errands = errands
        self._ways = ways
        self._zone = zone
        self._now = now

    async def round(self, asked: Iterable[Asking], now: float) -> None:
        """Whatever does not show its end yet.  Raises StoreError."""
        for thread in _threads(one for one in asked if not one.done):
            way, person = self._way(thread[0].way), self._person(thread[0].approver)
            row = await self._store.statement(thread[0].statement)
            deliveries = await self._store.deliveries(row.incident) if row else []
            matter = Matter(thread=thread, row=row, deliveries=deliveries, now=now)
            if way is None or person is None or now - thread[-1].at > GIVEN_UP:
                await self._let_be(matter)
            elif isinstance(way, Edits):
                self._refresh(matter, way, person)
            elif isinstance(way, Closes) and not matter.is_open:
                await self._end(matter, way, person)

    async def _let_be(self, matter: Matter) -> None:
        """Nobody can be told any more."""
        over = [one for one in matter.thread if not matter.standing(one)[1] or matter.now - one.at > GIVEN_UP]
        if over:
            await self._store.record(Change(at=matter.now, askings=tuple(replace(one, done=True) for one in over)))

    # -- what can be written over ------------------------------------------------------------------------------

    def _refresh(self, matter: Matter, way: Edits, person: Person) -> None:
        for asking in matter.thread:
            line, still_open = matter.standing(asking)
            key = f"show {asking.id}"
            if (line != asking.shown or not still_open) and self._errands.may_try(key):
                shown = replace(asking, shown=line, done=not still_open)
                self._errands.spawn(key, self._show(key, way, person, shown))

    async def _show(self, key: str, way: Edits, person: Person, asking: Asking) -> None:
        found = await in_time(way.show(person, asking, asking.shown, still_open=not asking.done))
        if isinstance(found, Unsent) and not found.final:
            self._errands.put_off(key, found)
            return
        self._errands.well(key)
        await self._store.record(Change(at=self._now(), askings=(asking,)))

    # -- letters -----------------------------------------------------------------------------------------------

    async def _end(self, matter: Matter, way: Closes, person: Person) -> None:
        """One letter for the whole thread; not while another question of it is on its way."""
        first = matter.thread[0]
        key = f"close {first.statement}/{first.way}/{first.approver}"
        if self._errands.may_try(key) and not self._errands.any_for(first.statement, first.way, first.approver):
            ending = closing(matter, self._zone)
            ended = tuple(replace(one, shown=matter.line, done=True) for one in matter.thread)
            await self._store.record(Change(at=matter.now, askings=ended))
            self._errands.spawn(key, self._close(key, way, person, matter.thread, ending))

    async def _close(self, key: str, way: Closes, person: Person, thread: Thread, ending: Ending) -> None:
        """What has certainly not left is owed again."""
        found = await in_time(way.close(person, ending))
        if isinstance(found, Unsent) and not found.unsure and not found.final:
            self._errands.put_off(key, found)
            await self._store.record(Change(at=self._now(), askings=thread))
            return
        self._errands.well(key)

    def _way(self, name: str) -> Way | None:
        return next((way for way in self._ways() if way.name == name), None)

    def _person(self, name: str) -> Person | None:
        return next((one for one in self._engine.house.signing.people if one.name == name), None)


def _threads(asked: Iterable[Asking]) -> list[Thread]:
    """What belongs together, in the order in which it was asked."""
    found: dict[tuple[str, str, str], list[Asking]] = {}
    for one in asked:
        found.setdefault((one.statement, one.way, one.approver), []).append(one)
    return [tuple(thread) for thread in found.values()]
