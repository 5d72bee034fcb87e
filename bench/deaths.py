"""One case of the crash sweep: a whole incident with the real daemon, which is struck at one point of it.

The daemon (`failover run`) works against the practice internet.  Once it has seen that all is well, strace is
attached to it and kills it with SIGKILL on entry to the n-th call of a kind: the call is not made.  What the kernel
and the services hold changes only through the calls of CALLS; a death between two of them is therefore the same as a
death on entry to the later one.  The daemon is then started again without strace, the incident is brought to its end,
and the services say what they show.
"""

from __future__ import annotations

import asyncio
import random
import time
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from bench.nursery import nursery
from bench.points import ANY_MOMENT, BACKUPS, CALLS, ERRORS, MAILS, PLACES, PRIMARY, RESTART, STAGES, Point, Result
from bench.strace import attach, counted, detach, threads
from failover.ask import NotRunningError, RefusedError, UncertainError
from failover.practice.http import Fault
from failover.practice.internet import SUBSCRIBERS
from failover.practice.smtp import SmtpFault
from tests.stories.town import Fields, Town, a_town, phases, states

ENDED = frozenset({"sent", "refused", "held", "left", "cancelled", "expired"})


def play(point: Point, folder: Path) -> Result:
    """Play the case in an empty folder."""
    return asyncio.run(played(point, folder))


async def played(point: Point, folder: Path) -> Result:
    """The same in a loop that runs already."""
    result, began = Result(point), time.monotonic()
    try:
        await _play(result, folder)
    except (AssertionError, NotRunningError, RefusedError, UncertainError) as error:  # StuckError is one of the first
        result.trouble = str(error) or type(error).__name__
    result.seconds = round(time.monotonic() - began, 2)
    return result


async def _play(result: Result, folder: Path) -> None:
    async with a_town(folder) as town:
        case = Case(town, result)
        try:
            await case.play()
        except (AssertionError, NotRunningError, RefusedError, UncertainError) as error:
            result.trouble = str(error) or type(error).__name__
        finally:
            if town.running:
                await town.kill()
            case.judge()


def record(where: str, folder: Path) -> dict[str, int]:
    """How often each call is made in an incident in which nothing is struck, by the busiest of these threads."""
    return asyncio.run(_record(where, folder))


async def _record(where: str, folder: Path) -> dict[str, int]:
    async with a_town(folder) as town:
        case = Case(town, Result(Point(where, "none", 0)))
        await case.lead_up()
        await case.attach("-o", str(folder / "calls"), "-e", f"trace={','.join(CALLS)}")
        await case.through()
        await case.let_go()
        await town.kill()
    return counted(folder / "calls")


class Case:
    """One incident in one town, and what strikes it.

    Two platforms are watched by one source each (a person declares the outage), seven channels speak.
    """

    def __init__(self, town: Town, result: Result) -> None:
        self.town = town
        self.result = result
        self.strace: Process | None = None
        self._written: set[str] = set()
        town.channels(PRIMARY, *BACKUPS)
        town.primaries = (PRIMARY, *MAILS)  # a letter in doubt may be one that nobody got
        for platform in town.config["platforms"]:
            town.probes(platform, "web")
            town.config["platforms"][platform]["probes"][0]["every"] = "30s"
        town.launch = self._bear  # type: ignore[method-assign]

    async def _bear(self, command: list[str]) -> None:
        """What `Town.launch` does, without the second that Python needs to read the modules."""
        self.result.restarts += self.result.died > 0
        at_home = nursery(*sorted(self.town.environment().items()))
        daemon = await at_home.bear(command[command.index("run") :], self.town.folder)
        self.town._daemon = daemon  # type: ignore[assignment]  # noqa: SLF001
        self.town._reading = asyncio.create_task(self.town._read(daemon))  # type: ignore[arg-type]  # noqa: SLF001

    async def play(self) -> None:
        if self.result.point.where == ANY_MOMENT:
            await self._at_any_moment(random.Random(self.result.point.number))
        else:
            await self.lead_up()
            await self.attach("-o", "/dev/null", *self._blow())
            await self.through()
            if self._in_trouble():
                self.result.failed = 1
                await asyncio.sleep(1.0)  # a tick and more of a disk that fails
            await self.let_go()
            await self._note_death()
        await self.end()

    # -- up to the blow ---------------------------------------------------------------------------------------

    async def lead_up(self) -> None:
        """Until all is well; or, before a restart, until everything is in the air and the next daemon begins."""
        await self.town.start()
        await self.town.all_up()
        await self.town.asked()
        if self.result.point.where == RESTART:
            await self._die_in_mid_air()
            await self.town.start(ready=False)

    async def _die_in_mid_air(self) -> None:
        internet = self.town.internet
        internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
        internet.x.fail(Fault.HANG_AFTER, method="POST")
        internet.blog.fail(Fault.HANG_AFTER, method="POST", path="/posts/")
        internet.press_desk.fail(Fault.HANG_AFTER, method="POST")
        internet.smtp.fail(SmtpFault.DOT_HANG, recipient=SUBSCRIBERS[1])
        await self.town.declare("down")
        await self.town.wait("all have accepted", lambda: self.town.heard("1H") >= {*PLACES})
        await self.town.kill()
        await self._note_death()
        sent = self.town.query("SELECT channel FROM delivery WHERE phase = 'sent'")
        self._written = {row["channel"] for row in sent}  # the journal need not know: it died before it could say so

    async def attach(self, *arguments: str) -> None:
        pid = self.town._daemon.pid  # type: ignore[union-attr]  # noqa: SLF001  nobody else needs it
        self.strace = await attach(threads(pid, self.result.point.where), *arguments)

    async def let_go(self) -> None:
        if self.strace is not None:
            await detach(self.strace)

    def _blow(self) -> list[str]:
        """What strace does to the daemon."""
        point = self.result.point
        only = ["-e", f"trace={point.call}"]
        if point.where not in ERRORS:
            return [*only, "-e", f"inject={point.call}:signal=SIGKILL:when={point.number}"]
        paths = [word for suffix in ("", "-wal") for word in ("-P", f"{self.town.database}{suffix}")]
        return [*paths, *only, "-e", f"inject={point.call}:error={point.where}:when={point.number}+"]

    async def through(self) -> None:
        """What the strace sees: the whole incident, or what a restart has to put in order."""
        if self.result.point.where == RESTART:
            await self._until_heard("holding", BACKUPS)
            return
        for state, statement, channels in STAGES:
            if self.town.running and not self._in_trouble():
                await self._say(state)
                await self._until_heard(statement, channels)

    async def _say(self, state: str) -> None:
        """As a person does it; the daemon may die of it, or refuse."""
        with suppress(NotRunningError, UncertainError):
            try:
                await self.town.declare(state)
            except RefusedError:
                self.result.failed = 1

    async def _until_heard(self, statement: str, channels: Collection[str]) -> None:
        """Until the journal has told that each of them has it, or the daemon is dead, or its database is."""

        def heard() -> set[str]:
            sent = self.town.journal("delivery_sent", statement=statement)
            return self._written | {one["channel"] for one in sent + self._found(statement)}

        await self.town.wait(
            f"{statement} is out, or it is struck",
            lambda: not self.town.running or self._in_trouble() or heard() >= {*channels},
        )

    def _found(self, statement: str) -> list[Fields]:
        return self.town.journal("delivery_found", statement=statement)

    def _in_trouble(self) -> bool:
        return self.result.failed > 0 or bool(self.town.journal("store_trouble"))

    async def _note_death(self) -> None:
        if not self.town.running:
            await self.town.ended()
            self.result.died += 1
            self.result.public = sum(map(len, self.town.told().values()))

    async def _at_any_moment(self, dice: random.Random) -> None:
        """Three kills by the clock: while it is told, while it starts, and while it is told that it is over."""
        await self.lead_up()
        for state in ("down", "up"):
            speaking = asyncio.create_task(self._say(state))
            await asyncio.sleep(dice.uniform(0.0, 0.2))
            await self._strike()
            await speaking
            await self.town.start(ready=False)
            if state == "down":
                await asyncio.sleep(dice.uniform(0.3, 1.6))
                await self._strike()
                await self._reach_holding()

    async def _strike(self) -> None:
        await self.town.kill()
        await self._note_death()

    # -- to the end --------------------------------------------------------------------------------------------

    async def end(self) -> None:
        """Whatever happened: outage and recovery are declared, and nothing is owed any more."""
        await self._reach_holding()
        if not _is_welcomed(self.town, await self._running()):
            await self.town.declare("up")
        await self.town.over()

    async def _reach_holding(self) -> None:
        """Whatever happened: the daemon runs, the outage is declared, and every backup has heard."""
        data = await self._running()
        if _is_welcomed(self.town, data):
            return
        if states(data)["facebook"] != "down":
            await self.town.declare("down")
        await self.town.until(
            "every backup has heard",
            lambda data: _all_ended(data, "holding", BACKUPS) or _is_welcomed(self.town, data),
        )

    async def _running(self) -> Fields:
        if not self.town.running:
            await self.town.start()
        return await self.town.until("it answers", lambda _data: True)

    def judge(self) -> None:
        """Compare what can be seen with what should be: one holding statement and one welcome back, everywhere."""
        result, told = self.result, self.town.told()
        doubtful = self._read_the_book() if self.town.database.exists() else set()
        result.doubts = len(doubtful)
        numbers = Counter(mark.rstrip("HW") for marks in told.values() for mark in marks)
        number = max(numbers, key=lambda one: numbers[one], default="1")
        for place in (*PLACES, PRIMARY):
            marks = Counter(told.get(place, []))
            wanted = [f"{number}W"] if place == PRIMARY else [f"{number}H", f"{number}W"]
            strange = {mark: count for mark, count in marks.items() if count > 1 or mark not in wanted}
            result.doubles += [f"{mark} x{count} on {place}" for mark, count in strange.items()]
            missing = {f"{mark} on {place}" for mark in wanted if mark not in marks}
            result.unheard += sorted(missing & doubtful)
            result.losses += sorted(missing - doubtful)

    def _read_the_book(self) -> set[str]:
        """What the daemon leaves to a person, and the letters of which it says that nobody can tell."""
        held = self.town.query("SELECT channel, statement, reason FROM delivery WHERE phase IN ('held', 'left')")
        self.result.held = [f"{row['statement']} on {row['channel']}: {row['reason']}" for row in held]
        letters = self.town.query("SELECT delivery, recipient FROM ledger WHERE state LIKE 'doubt%'")
        return {f"{one['delivery'].partition('-')[0]} on email to {one['recipient']}" for one in letters}


def _is_welcomed(town: Town, data: Fields) -> bool:
    """The recovery was noticed, and the welcome back is planned or out (it is planned in the same transaction)."""
    seen = any("W" in mark for marks in town.told().values() for mark in marks)
    return seen or bool(phases(data, "welcome_back"))


def _all_ended(data: Fields, statement: str, channels: Collection[str]) -> bool:
    found = phases(data, statement)
    return found.keys() >= {*channels} and all(found[name] in ENDED for name in channels)
