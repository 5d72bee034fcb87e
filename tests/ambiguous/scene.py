"""One case from its beginning to its end: the shipping engine, courier, store and channel, in a world that lies.

Nothing is scripted but the practice service's fault.  Time is the event loop's (see `warp`), so deadlines, waits and
settling times are those of production.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failover.contracts import Surroundings
from failover.courier import Courier, Outlet
from failover.delivery import Delivery, Phase, Policy
from failover.engine import Engine
from failover.model import Organisation, Signal, Statement
from failover.plans import House, Saying
from failover.practice.hooks import HooksService
from failover.practice.http import Fault, HttpService, Request
from failover.practice.smtp import Act, SmtpService
from failover.practice.smtp import Phase as Mail
from failover.routing import Route, Voice
from failover.standing import Declaration
from failover.store import Change, Store
from failover.watches import Watch
from tests.ambiguous.cases import LATE, Case, Connecting, Death, DiskFault, Step, Times, faults
from tests.ambiguous.places import BOB, Place, place_of
from tests.core.stories import NOON, Killed, Paper

PERSISTS, PATIENCE, AFTERMATH = 200.0, 7200.0, 300.0
"""Seconds: how long a persistent fault lasts, when a case must have come to its end, and what is waited for then."""

ENDS = {Phase.SENT, Phase.REFUSED, Phase.HELD, Phase.LEFT, Phase.CANCELLED, Phase.EXPIRED}
ERRNO = {DiskFault.FULL: errno.ENOSPC, DiskFault.FAILING: errno.EIO, DiskFault.READ_ONLY: errno.EROFS}


@dataclass(slots=True)
class Ending:
    """What became of it.  `copies` per audience; `attempts` and `looks` as the courier made them.

    `doubt`: recipients of whom the ledger says that nobody can tell.  `wrong`: promises that were broken on the way.
    """

    end: str = ""
    reason: str = ""
    copies: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    looks: int = 0
    struck: int = 0
    deaths: int = 0
    doubt: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


class MortalStore(Store):
    """Tells the scene of every commit, before and after; the scene may kill the process there."""

    scene: Scene

    async def record(self, change: Change) -> None:
        self.scene.writes()
        await super().record(change)
        self.scene.wrote(change)

    async def reserve(self, delivery_id: str, draft: str) -> None:
        self.scene.writes()
        await super().reserve(delivery_id, draft)

    async def note(self, delivery_id: str, changes: Mapping[str, str]) -> None:
        self.scene.writes()
        await super().note(delivery_id, changes)


def words(statement: Statement, _channel: str, saying: Saying) -> tuple[str, str]:
    return "An outage", f"{statement.value}: {', '.join(saying.platforms)} ({saying.reference})"


HOUSE = House(
    word=words,
    voices={"under-test": Voice(name="under-test")},
    groups={"whatsapp": "meta"},
    routes=(Route(platforms=("whatsapp",), primaries=(), backups=("under-test",)),),
    holding_latest=PATIENCE,
)
WATCHES = {"whatsapp": Watch(name="whatsapp", title="WhatsApp", group="meta")}


class Scene:
    """The world that outlives the process, and the process."""

    def __init__(self, case: Case, home: Path) -> None:
        self.case, self.home = case, home
        self.fault = faults(case.channel, case.step)[case.fault]
        self.ending = Ending()
        self.papers: list[Paper] = []
        self.dead = False
        self.doubted = False
        self.armed = False  # the fault is set
        self.lifts_at: float | None = None
        self.opens_after: int | None = None  # the round after which a door opens again
        self.rounds = 0
        self.shut = False
        self.doomed = False  # the next thing to be written is not
        self.was_unsure = False
        self._loop = asyncio.get_running_loop()  # the disk's faults are met in other threads
        self._began = self._loop.time()
        self.place: Place
        self.store: MortalStore

    def now(self) -> float:
        return NOON + self._loop.time() - self._began

    @property
    def step(self) -> Step:
        return self.case.step

    # -- the process ---------------------------------------------------------------------------------------

    async def boot(self, stack: AsyncExitStack) -> None:
        path = ":memory:" if self.case.death is Death.NEVER else self.home / "failover.db"
        self.store = MortalStore.open(path)  # type: ignore[assignment]
        self.store._db.execute("PRAGMA synchronous = OFF")  # the process dies, not the machine
        self.store.scene = self
        stack.callback(self.store.close)
        paper = Paper()
        self.papers.append(paper)
        self.dead = self.doomed = False
        self.engine = Engine(self.store, HOUSE, WATCHES, paper, lambda: None)
        channel = await stack.enter_async_context(self.place.open(self._surroundings()))
        kind = self.place.kind
        policy = Policy(
            when_unsure=kind.when_unsure, settle=kind.settle, deadline=kind.deadline, reads_back=kind.reads_back
        )
        outlet = Outlet(name="under-test", channel=channel, policy=policy)
        self.courier = Courier(self.engine, {"under-test": outlet}, self.now)
        await self.engine.load(self.now())

    def _surroundings(self) -> Surroundings:
        def no_channel(name: str) -> Any:
            raise KeyError(name)

        return Surroundings(
            organisation=Organisation(name="Example Borough Council"),
            user_agent="failover-tests/1",
            name="under-test",
            platform="",
            now=self.now,
            channel=no_channel,
        )

    def kill(self) -> None:
        """From here on nothing is written, and nothing more is sent than has left."""
        if not self.dead:
            self.dead = True
            self.ending.deaths += 1
            self._stopping = asyncio.ensure_future(self.courier.stop())

    def writes(self) -> None:
        if self.doomed and not self.dead:
            self.kill()
        if self.dead:
            raise Killed

    def wrote(self, change: Change) -> None:
        for row in change.deliveries:
            self.was_unsure = self.was_unsure or row.phase is Phase.UNSURE
            if row.phase is Phase.SENDING and self.armed and self.shut and not self.ending.struck:
                self.strike()
                if self.dead:
                    raise Killed

    # -- the fault -----------------------------------------------------------------------------------------

    def strike(self) -> None:
        """The fault is there, at this moment."""
        self.ending.struck += 1
        if self.ending.struck == 1:
            self.lifts_at = self.now() + PERSISTS if self.case.times is Times.PERSISTENT else None
            if self.case.death is Death.AT_ONCE:
                self.kill()
            self.doomed = self.case.death is Death.UNWRITTEN

    def plan(self, held: str) -> None:
        """Set the fault, and the doubt before it."""
        self.armed = True
        service, path = self.place.service, self.step.path.replace("{held}", held)
        always = self.case.times is Times.PERSISTENT
        if self.place.disk is not None:
            self.place.disk.counts.clear()
            self.place.disk.struck = self._disk_step
        elif isinstance(service, SmtpService):
            service.told = self._mail_step
            if isinstance(self.fault, Act):
                recipient = BOB if self.fault.phase in (Mail.RCPT, Mail.DATA, Mail.DOT) else ""
                (service.fail_always if always else service.fail)(self.fault, recipient=recipient)
        else:
            assert isinstance(service, HttpService)
            service.told = self._request
            if self.step.doubt is not None:
                method, where = self.step.doubt
                service.fail(Fault.CLOSE_AFTER, method=method, path=where)
            if isinstance(self.fault, Fault):
                seconds = LATE if self.fault is Fault.LATE else 5.0
                plan: Callable[..., None] = service.fail_always if always else service.fail
                plan(self.fault, method=self.step.method, path=path, seconds=seconds)
        if isinstance(self.fault, Connecting) and self.step.after is None and self.step.doubt is None:
            self.shut_door(rounds=0)

    def shut_door(self, rounds: int) -> None:
        service = self.place.service
        assert service is not None
        self.shut = True
        self.opens_after = self.rounds + rounds
        (service.shut if self.fault is Connecting.REFUSED else service.stick)()

    def _request(self, request: Request, fault: Fault | None) -> None:
        """The practice service has dealt with a request."""
        if fault is Fault.CLOSE_AFTER and self.step.doubt is not None and not self.doubted:
            self.doubted = True
            if isinstance(self.fault, Connecting) and self.step.after is None:
                self.shut_door(rounds=1)
                self.strike()
        elif fault is not None:
            self.strike()
        elif (
            isinstance(self.fault, Connecting)
            and self.step.after is not None
            and not self.ending.struck
            and (self.doubted or self.step.doubt is None)
            and _is(request, self.step.after)
        ):
            self.shut_door(rounds=0)
            self.strike()

    def _mail_step(self, _phase: Mail, act: Act | None) -> None:
        if act is not None:
            self.strike()

    def _disk_step(self, name: str, count: int) -> None:
        """In a thread of the channel."""
        over = self.lifts_at is not None and self.now() >= self.lifts_at
        persistent = self.case.times is Times.PERSISTENT and count > int(self.step.path) and not over
        if name != self.step.name or not (count == int(self.step.path) or persistent):
            return
        first = not self.ending.struck
        self.ending.struck += 1
        if first:
            self.lifts_at = self.now() + PERSISTS
            self.doomed = self.case.death is Death.UNWRITTEN
            if self.case.death is Death.AT_ONCE:
                self.dead = True
                self.ending.deaths += 1
                raise Killed
        assert isinstance(self.fault, DiskFault)
        raise OSError(ERRNO[self.fault], "practice")

    async def lift(self) -> None:
        """The trouble ends, where its time is over."""
        over = self.lifts_at is not None and self.now() >= self.lifts_at
        once = self.case.times is Times.ONCE and self.opens_after is not None and self.rounds > self.opens_after
        if over and isinstance(self.place.service, HttpService | SmtpService):
            self.place.service.heal()
        if self.shut and (over or once):
            assert self.place.service is not None
            self.shut = False
            await self.place.service.start()

    # -- the story -----------------------------------------------------------------------------------------

    async def play(self) -> Ending:
        async with AsyncExitStack() as world:
            self.place = await world.enter_async_context(place_of(self.case.channel, self.now, self.home))
            process = await world.enter_async_context(AsyncExitStack())
            await self.boot(process)
            await self._declare(Signal.DOWN)
            held = ""
            if self.step.statement is Statement.WELCOME_BACK:
                held = await self._said_in_peace()
                await self._declare(Signal.UP)
                self.was_unsure = False
            self.plan(held)
            row = await self._until_the_end(process)
            await asyncio.sleep(AFTERMATH)
            await self._conclude(row)
        return self.ending

    async def _declare(self, signal: Signal) -> None:
        await self.engine.declare(Declaration(platform="whatsapp", signal=signal, at=self.now(), by="ann"))

    async def _said_in_peace(self) -> str:
        """The holding statement goes out without any trouble; its number."""
        await self.courier.deliver()
        await self.courier.finish()
        [row] = await self.store.deliveries("1")
        assert row.receipt is not None, row
        return row.receipt.remote_id

    async def _row(self) -> Delivery:
        rows = await self.store.deliveries("1")
        return next(row for row in rows if row.statement is self.step.statement)

    async def _until_the_end(self, process: AsyncExitStack) -> Delivery:
        began = self.now()
        while self.now() < began + PATIENCE:
            await self._round(process)
            row = await self._row()
            self._never_twice(row)
            if row.phase in ENDS:
                return row
            await asyncio.sleep(self._pause(row.due))
        self.ending.wrong.append(f"it never came to an end: {row.phase.value}, {row.reason}")
        return row

    def _pause(self, due: float) -> float:
        """Until something is due, or the trouble ends."""
        now, lifts_at = self.now(), self.lifts_at or 0.0
        until_due = due - now if due > now else 1.0
        return min(until_due, lifts_at - now if lifts_at > now else until_due) + 0.01

    async def _round(self, process: AsyncExitStack) -> None:
        """One round of the courier, to its end; and a new process where the old one died."""
        await self.lift()
        self.rounds += 1
        before = await self._row()
        await self.engine.tick(self.now())
        await self.courier.deliver()
        await self.courier.finish()
        if self.dead:
            await process.aclose()
            await self.boot(process)
            await self.lift()
            await self.engine.tick(self.now())
        after = await self._row()
        self.ending.attempts = after.attempts
        self.ending.looks += before.phase is Phase.UNSURE
        self.was_unsure = self.was_unsure or after.phase is Phase.UNSURE

    # -- what must hold ------------------------------------------------------------------------------------

    def _never_twice(self, row: Delivery) -> None:
        for audience, texts in self.place.visible().items():
            count = sum(row.reference in text for text in texts)
            self.ending.copies[audience] = count
            if count > 1:
                self.ending.wrong.append(f"{count} copies for {audience or 'the public'}")

    async def _conclude(self, row: Delivery) -> None:
        self._never_twice(row)
        self.ending.end, self.ending.reason = self._end(row), row.reason
        lines = await self.store.ledger(row.id)
        self.ending.doubt = {person for person, state in lines.items() if state.startswith("doubt")}
        self._a_person_was_told(row)
        self._one_webhook_id()
        bugs = [bug for paper in self.papers for bug in paper.bugs if not _is_death(bug)]
        self.ending.wrong += [f"a bug: {bug!r}" for bug in bugs]
        if not self.ending.struck:
            self.ending.wrong.append("the fault never struck")
        if self.ending.deaths != (self.case.death is not Death.NEVER):
            self.ending.wrong.append(f"{self.ending.deaths} deaths")

    def _a_person_was_told(self, row: Delivery) -> None:
        """Once, and with a reason, where it was refused or is held."""
        told = [said for paper in self.papers for said in paper.said(f"delivery_{row.phase.value}")]
        if row.phase is not Phase.SENT and [said["reason"] for said in told] != [row.reason]:
            self.ending.wrong.append(f"told a person {told} about {row.reason}")

    def _one_webhook_id(self) -> None:
        """The receiver knows a repeat by it."""
        if isinstance(self.place.service, HooksService):
            names = {request.headers["webhook-id"] for request in self.place.service.requests}
            if len(names) != 1:
                self.ending.wrong.append(f"{len(names)} webhook ids")

    def _end(self, row: Delivery) -> str:
        if row.phase is not Phase.SENT:
            return str(row.phase.value)
        if row.reason == "found by looking":
            return "found"
        return "sent again" if self.was_unsure else "sent"


def _is_death(bug: BaseException) -> bool:
    if isinstance(bug, BaseExceptionGroup):
        return all(map(_is_death, bug.exceptions))
    return isinstance(bug, Killed)


def _is(request: Request, wanted: tuple[str, str]) -> bool:
    method, path = wanted
    there = request.path.endswith(path[:-1]) if path.endswith("$") else path in request.path
    return request.method == method and there
