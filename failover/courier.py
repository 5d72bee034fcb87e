"""Due deliveries -> channel -> outcome -> store; and the look before anything doubtful is repeated.

The order is the protocol (D2): the intent is committed, then the channel is called under a total deadline (D8), then
what it answered is committed.  Whatever happens in between, also the death of this process, leaves a row that says
"in flight", and such a row is only ever looked for.  One delivery at a time per channel; what a channel's answer
says about its platform is evidence like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from failover.boards import Board, Boards
from failover.contracts import Channel
from failover.delivery import Delivery, Phase, Policy, after_find, after_send, begin, found_in_flight
from failover.engine import Engine
from failover.incidents import HOLDING_KINDS
from failover.model import CannotTell, Finding, Found, Outcome, Receipt, Sighting, Signal, Statement, Unconfirmed
from failover.posts import place_of
from failover.schema import StoreError
from failover.store import Change, Store

EVIDENCE_LASTS = 300.0
"""Seconds for which what a post of our own met counts as evidence about its platform."""

LOOK_DEADLINE = 20.0
"""Seconds one look (read-back) may take."""

LONG = 60.0
"""An attempt that may take longer than this (seconds) is a mailing: one recipient after the other, with a ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """An open channel with what the courier must know of it."""

    name: str
    channel: Channel
    policy: Policy
    platform: str | None = None


class StoredNotebook:
    """`contracts.Notebook` over the store: every `await` returns after the commit."""

    def __init__(self, store: Store, delivery: Delivery, heard: str | None, told: Sequence[str] = ()) -> None:
        self._store = store
        self._delivery = delivery
        self._heard = heard
        self._told = told
        self.draft = delivery.draft
        self.repeat = delivery.attempts > 1

    async def reserve(self, draft: str) -> None:
        await self._store.reserve(self._delivery.id, draft)
        self.draft = draft

    async def ledger(self) -> Mapping[str, str]:
        return await self._store.ledger(self._delivery.id)

    async def heard(self) -> Mapping[str, str] | None:
        return await self._store.ledger(self._heard) if self._heard else None

    async def told(self) -> Mapping[str, str]:
        return {who: how for one in self._told for who, how in (await self._store.ledger(one)).items()}

    async def note(self, changes: Mapping[str, str]) -> None:
        await self._store.note(self._delivery.id, changes)


class Courier:
    """Carries what is due; keeps one task per busy channel."""

    def __init__(self, engine: Engine, outlets: Mapping[str, Outlet], now: Callable[[], float]) -> None:
        self._engine = engine
        self._store = engine.store
        self._journal = engine.journal
        self._outlets = dict(outlets)
        self._now = now
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._carried: dict[str, Delivery] = {}
        self._boards = Boards(engine)

    @property
    def busy(self) -> frozenset[str]:
        """Channels that are being spoken to at this moment."""
        return frozenset(self._busy)

    async def deliver(self) -> None:
        """Start whatever is due on a channel that is free."""
        await self._mind_the_sending()
        for delivery in await self._engine.due(self._now()):
            self._make_way(delivery)
            if delivery.channel in self._outlets and delivery.channel not in self._busy:
                task = asyncio.create_task(self._carry(delivery), name=_task_name(delivery.id))
                self._busy[delivery.channel] = task
                self._carried[delivery.channel] = delivery
                task.add_done_callback(self._free(delivery.channel))
        await self._mind_the_boards()

    async def _mind_the_boards(self) -> None:
        """What is over is shown so, also where nothing more is said of it; one writer per channel (D8)."""
        now = self._now()
        for name, outlet in self._outlets.items():
            board = outlet.channel
            if name in self._busy or not isinstance(board, Board):
                continue
            try:
                ended = await self._boards.outdated(name, now)
            except StoreError as error:
                self._engine.store_refused(error)
                return
            if ended:
                task = asyncio.create_task(self._boards.show(name, board, ended, outlet.policy.deadline, now))
                self._busy[name] = task
                task.add_done_callback(self._free(name))

    def _make_way(self, delivery: Delivery) -> None:
        """A mailing of a post that takes minutes keeps no statement waiting: it goes on afterwards (ledger)."""
        carried = self._carried.get(delivery.channel)
        if carried is None or delivery.statement is Statement.POST or carried.statement is not Statement.POST:
            return
        if carried.phase is Phase.READY and self._outlets[delivery.channel].policy.deadline > LONG:
            self._busy[delivery.channel].cancel()

    def _free(self, channel: str) -> Callable[[asyncio.Task[None]], None]:
        def freed(task: asyncio.Task[None]) -> None:
            self._busy.pop(channel, None)
            self._carried.pop(channel, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._journal.bug(f"the courier to {channel}", error)

        return freed

    async def finish(self) -> None:
        """Wait for what is under way."""
        while self._busy:
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def stop(self) -> None:
        """Cut off what is under way; its rows stay "in flight" and are looked for at the next start."""
        for task in self._busy.values():
            task.cancel()
        await self.finish()

    def carrying(self, deliveries: Collection[str]) -> list[str]:
        """Those of them that are under way at this moment."""
        names = {task.get_name() for task in self._busy.values()}
        return [one for one in deliveries if _task_name(one) in names]

    async def break_off(self, deliveries: Collection[str]) -> None:
        """Cut these off; their rows stay "in flight" and are looked for in the next round."""
        names = {_task_name(one) for one in deliveries}
        tasks = [task for task in self._busy.values() if task.get_name() in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _mind_the_sending(self) -> None:
        """What is in flight: a row that nobody carries is looked for (its answer could not be written, or it was
        broken off); an attempt that takes minutes is broken off as soon as it is no longer wanted.
        """
        now = self._now()
        try:
            for row in [row for row in await self._store.owed() if row.phase is Phase.SENDING]:
                if row.channel not in self._busy:
                    await self._settle(row, found_in_flight(row, now))
                elif self._outlets[row.channel].policy.deadline > LONG and self._is_unwanted(row, now):
                    self._busy[row.channel].cancel()
        except StoreError:
            return  # said already by whoever failed first; the row stays as it is

    def _is_unwanted(self, row: Delivery, now: float) -> bool:
        """A person objected or paused us, the platform is back, or it has become too late (rules S2, S5)."""
        return bool(self._engine.paused_by) or now >= row.latest

    async def _carry(self, delivery: Delivery) -> None:
        outlet = self._outlets[delivery.channel]
        try:
            if delivery.phase is Phase.UNSURE:
                await self._look(delivery, outlet)
            else:
                await self._send(delivery, outlet)
        except StoreError as error:
            self._engine.store_refused(error)

    async def _claim(self, delivery_id: str) -> Delivery | None:
        """Make the intent durable, if it may still be said: since it was found due, a person may have objected."""
        now = self._now()
        row = await self._store.delivery(delivery_id)
        if row is None or not await self._engine.may_say(row, now):
            return None
        sending = begin(row, now, epoch=0)
        facts = {"delivery": sending.id, "attempt": sending.attempts, "text": sending.text}
        await self._store.record(Change(at=now, deliveries=(sending,), audit=(("delivery_attempted", facts),)))
        if row.statement is Statement.POST:
            self._engine.posts.left(row, self._engine.ground(now))
        return sending

    async def _send(self, delivery: Delivery, outlet: Outlet) -> None:
        sending = await self._claim(delivery.id)
        if sending is None:
            return
        outcome = await self._attempt(sending, outlet)
        current = await self._store.delivery(sending.id)
        if current is not None and current.phase is Phase.SENDING:
            await self._settle(current, after_send(current, outcome, self._now()))
        await self._observe(outlet, outcome.sighting)

    async def _attempt(self, delivery: Delivery, outlet: Outlet) -> Outcome:
        """One call of the channel, under its total deadline.  An exception is a bug, and may have posted."""
        notebook, follows = await self._surrounded(delivery)
        try:
            async with asyncio.timeout(outlet.policy.deadline):
                return await outlet.channel.send(delivery.announcement(follows), notebook)
        except TimeoutError:
            return Unconfirmed(reason=f"no answer within {outlet.policy.deadline:g} s")
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  the one guard around every channel
            self._journal.bug(f"channel {outlet.name}", error)
            return Unconfirmed(reason=f"the channel failed unexpectedly ({type(error).__name__})")

    async def _look(self, delivery: Delivery, outlet: Outlet) -> None:
        finding = await self._find(delivery, outlet)
        current = await self._store.delivery(delivery.id)
        if current is not None and current.phase is Phase.UNSURE:
            await self._settle(current, after_find(current, finding, self._now(), outlet.policy))
            await self._clear(outlet, finding)

    async def _find(self, delivery: Delivery, outlet: Outlet) -> Finding:
        if not outlet.policy.reads_back:
            return CannotTell(reason="this channel cannot be read back")
        notebook, follows = await self._surrounded(delivery)
        try:
            async with asyncio.timeout(LOOK_DEADLINE):
                return await outlet.channel.find(delivery.announcement(follows), notebook)
        except TimeoutError:
            return CannotTell(reason=f"no answer within {LOOK_DEADLINE:g} s while looking")
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  the same guard for reading back
            self._journal.bug(f"channel {outlet.name}", error)
            return CannotTell(reason=f"looking failed unexpectedly ({type(error).__name__})")

    async def _surrounded(self, delivery: Delivery) -> tuple[StoredNotebook, Receipt | None]:
        """Its notebook, and what it follows: what the same channel heard before, for threads and for "who heard"."""
        if delivery.statement in HOLDING_KINDS or delivery.statement in (Statement.DRILL, Statement.POST):
            return StoredNotebook(self._store, delivery, None), None
        said = [
            row
            for row in await self._store.deliveries(delivery.incident)
            if row.channel == delivery.channel and row.heard and row.id != delivery.id
        ]
        holding = next((row for row in said if row.statement in HOLDING_KINDS), None)
        if holding is None:
            return StoredNotebook(self._store, delivery, None), None
        places = {row.id: row.place for row in await self._store.statements(delivery.incident)}
        notebook = StoredNotebook(self._store, delivery, holding.id, _said_already(delivery, said, places))
        return notebook, holding.receipt or Receipt(remote_id="")

    async def _settle(self, before: Delivery, after: Delivery) -> None:
        """Commit what became of it, then say so."""
        now = self._now()
        facts = {"delivery": after.id, "phase": after.phase.value, "reason": after.reason}
        if after.receipt is not None:
            facts |= {"remote_id": after.receipt.remote_id, "url": after.receipt.url}
        silent = before.phase is Phase.UNSURE and after.phase is Phase.UNSURE
        audit = () if silent else ((f"delivery_{after.phase.value}", facts),)
        await self._store.record(Change(at=now, deliveries=(after,), audit=audit))
        self._engine.store_works()
        if not silent:
            self._tell(before, after, now)

    def _tell(self, before: Delivery, after: Delivery, now: float) -> None:
        place = place_of(after)
        match after.phase:
            case Phase.SENT:
                event = "delivery_found" if before.phase is Phase.UNSURE else "delivery_sent"
                late = before.phase is Phase.UNSURE or after.statement is Statement.POST
                dwell = {} if late else {"dwell": now - after.created_at}
                url = after.receipt.url if after.receipt else ""
                self._journal.say(event, **place, url=url or None, **dwell)
            case Phase.READY:
                self._journal.say_on_change(
                    f"delayed/{after.id}", "delivery_delayed", **place, reason=after.reason, again_at=after.due
                )
            case _:
                self._journal.say(f"delivery_{after.phase.value}", **place, reason=after.reason)

    async def _observe(self, outlet: Outlet, sighting: Sighting | None) -> None:
        if sighting is None or outlet.platform is None or outlet.platform not in self._engine.watches:
            return
        await self._engine.saw(outlet.platform, _own_posts(outlet), sighting, self._now(), good_for=EVIDENCE_LASTS)

    async def _clear(self, outlet: Outlet, finding: Finding) -> None:
        """A slow answer speaks against the platform no longer once its post is found: it was taken all the same."""
        met = self._engine.seen.get(outlet.platform or "", {}).get(_own_posts(outlet))
        if met is None or not isinstance(finding, Found) or self._now() > met.good_until:
            return
        if met.sighting.signal is not Signal.UP:
            await self._observe(outlet, Sighting.up(met.sighting.evidence, "the post without an answer was found"))


def _own_posts(outlet: Outlet) -> str:
    """The probe as which posts of our own are evidence about their platform."""
    return f"posts to {outlet.name}"


def _task_name(delivery_id: str) -> str:
    return f"deliver {delivery_id}"


def _said_already(delivery: Delivery, said: Sequence[Delivery], places: Mapping[str, int]) -> list[str]:
    """Earlier welcomes back of this incident that still hold: nothing to the contrary was said after them."""
    if delivery.statement is not Statement.WELCOME_BACK:
        return []
    contrary = max((places[row.statement_id] for row in said if row.statement is Statement.UPDATE), default=-1)
    return [row.id for row in said if row.statement is Statement.WELCOME_BACK and places[row.statement_id] > contrary]
