"""One case of the crash sweep: a whole incident with the real daemon, which is killed at one system call of it.

The daemon (`failover run`) works against the practice internet.  Once it has seen that all is well, strace is attached
to it and kills it with SIGKILL on entry to the n-th call of a kind: the call is not made.  What the kernel and the
services hold changes only through the calls of CALLS; a death between two of them is therefore the same as a death on
entry to the later one.  The daemon is then started again without strace, the incident is brought to its end, and the
services say what they show.

`where` says which threads are counted: `main`; `helpers` (they write the pages of the site and read the mailing
list); `restart` (every thread, from the start of a daemon whose forerunner died while all channels had accepted the
holding statement and none had answered); `any moment` (no strace: three kills by the clock, `number` is the seed).
`EIO` and `ENOSPC` kill nobody: from the n-th call on the database on each one fails so, until the daemon has noticed
and has lived with it for a second.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.nursery import nursery
from failover.ask import NotRunningError, RefusedError
from failover.practice.http import Fault
from failover.practice.internet import SUBSCRIBERS
from failover.practice.smtp import SmtpFault
from tests.stories.town import Fields, StuckError, Town, a_town, phases, states

CALLS = {
    "pwrite64": "a page of the database, or of its log, is written",
    "fdatasync": "a commit of the database is made durable",
    "fsync": "a page of the site, or its folder, is made durable",
    "ftruncate": "a file is cut",
    "openat": "a file is made or opened",
    "write": "a page of the site, a line of the journal, a wake-up of another thread",
    "rename": "a page of the site takes the place of the one before",
    "unlink": "a file that was only for the moment is removed",
    "mkdir": "a folder of the site is made",
    "chmod": "a file is made readable for the web server",
    "fchmod": "the same",
    "socket": "a connection is prepared",
    "connect": "a connection is made",
    "accept4": "a command is listened to (control socket)",
    "sendto": "bytes leave for a service",
    "sendmsg": "the same",
    "sendmmsg": "the same",
    "recvfrom": "an answer is read",
    "recvmsg": "the same",
    "shutdown": "a connection is ended",
    "close": "a connection or a file is let go",
}
"""Every call of an incident by which anything outside of the process changes, or is learned from a service."""

BACKUPS = ("telegram", "x", "email", "blog", "statuspage", "press-desk")
PRIMARY = "facebook-page"
MAILS = tuple(f"email to {one}" for one in SUBSCRIBERS)
PLACES = tuple(name for name in BACKUPS if name != "email") + MAILS

THREE_MINUTES = 180.0
"""Longer than any channel of the sweep waits before it believes that a post is not there (rule D5)."""

ANY_MOMENT = "any moment"
ERRORS = ("EIO", "ENOSPC")

_LINE = re.compile(r"^(?:(\d+) +)?(\w+)\(")
_BUSY = "looking whether it is public"


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """Where the daemon is killed: on entry to the `number`-th `call` of the threads `where`."""

    where: str
    call: str
    number: int


@dataclass(slots=True)
class Result:
    """What became of one case.

    `failed` is 1 where the database refused; `public` counts what could be seen when it died; `waits` how often three minutes were let pass for a channel that
    may show a post late; `doubts` are mails whose fate nobody can know, `unheard` those of them that did not arrive.
    """

    point: Point
    died: int = 0
    failed: int = 0
    public: int = 0
    restarts: int = 0
    waits: int = 0
    doubles: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    doubts: int = 0
    unheard: list[str] = field(default_factory=list)
    trouble: str = ""
    seconds: float = 0.0

    @property
    def reached(self) -> bool:
        """Was it struck where it should be?  (Before a restart that is struck it has died once already.)"""
        if self.point.where in ERRORS:
            return self.failed > 0
        return self.died > (self.point.where == "restart")

    @property
    def clean(self) -> bool:
        return not (self.doubles or self.losses or self.held or self.trouble)

    def as_fields(self) -> dict[str, Any]:
        return asdict(self)


def obstacle() -> str:
    """Why no process can be traced here; "" if one can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt install strace)"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=PIPE) as child:
        strace = ["strace", "-o", "/dev/null", "-p", str(child.pid)]
        with subprocess.Popen(strace, stdout=DEVNULL, stderr=PIPE) as tracer:
            assert tracer.stderr is not None
            attached = b"attached" in tracer.stderr.readline()
            tracer.terminate()
        child.kill()
    return "" if attached else "here no process may trace another one (ptrace)"


# -- one case ------------------------------------------------------------------------------------------------


def play(point: Point, folder: Path) -> Result:
    """Play the case in an empty folder."""
    return asyncio.run(played(point, folder))


async def played(point: Point, folder: Path) -> Result:
    """The same in a loop that runs already."""
    result, began = Result(point), time.monotonic()
    try:
        await _play(result, folder)
    except (AssertionError, NotRunningError) as error:  # StuckError is one of the former
        result.trouble = str(error) or type(error).__name__
    result.seconds = round(time.monotonic() - began, 2)
    return result


async def _play(result: Result, folder: Path) -> None:
    async with a_town(folder) as town:
        case = Case(town, result)
        try:
            await case.play()
        except (AssertionError, NotRunningError) as error:
            result.trouble = str(error) or type(error).__name__
        finally:
            if town.running:
                await town.kill()
            case.judge()


class Case:
    """One incident in one town, and what strikes it."""

    def __init__(self, town: Town, result: Result) -> None:
        self.town = town
        self.result = result
        self.strace: Process | None = None
        furnish(town)
        if result.point.where != ANY_MOMENT:
            town.launch = self._bear  # type: ignore[method-assign]

    async def _bear(self, command: list[str]) -> None:
        """What `Town.launch` does, without the second that Python needs to read the modules."""
        at_home = nursery(*sorted(self.town.environment().items()))
        daemon = await at_home.bear(command[command.index("run") :], self.town.folder)
        self.town._daemon = daemon  # type: ignore[assignment]  # noqa: SLF001
        self.town._reading = asyncio.create_task(self.town._read(daemon))  # type: ignore[arg-type]  # noqa: SLF001

    async def play(self) -> None:
        point = self.result.point
        if point.where == ANY_MOMENT:
            return await self._at_any_moment(random.Random(point.number))
        if point.where == "restart":
            await self._die_with_everything_in_the_air()
            await self.town.start(ready=False)
            await self._attach()
            await self._until_heard("holding", BACKUPS)
        else:
            await self._begin()
            await self._attach()
            for state, statement, channels in STAGES:
                if self.town.running and not self._in_trouble():
                    await self._say(state)
                    await self._until_heard(statement, channels)
        if self._in_trouble():
            self.result.failed = 1
            await asyncio.sleep(1.0)  # a tick and more of a disk that fails
        await self._detach()
        await self._note_death()
        return await self.end()

    async def _begin(self) -> None:
        await self.town.start()
        await self.town.all_up()
        await self.town.asked()

    async def _attach(self) -> None:
        point = self.result.point
        whom = threads(self.town, point.where)
        inject, paths = f"inject={point.call}:signal=SIGKILL:when={point.number}", []
        if point.where in ERRORS:
            inject = f"inject={point.call}:error={point.where}:when={point.number}+"
            paths = [word for suffix in ("", "-wal") for word in ("-P", f"{self.town.database}{suffix}")]
        self.strace = await attach(whom, "-o", "/dev/null", *paths, "-e", f"trace={point.call}", "-e", inject)

    async def _detach(self) -> None:
        if self.strace is not None:
            with suppress(ProcessLookupError):
                os.kill(self.strace.pid, signal.SIGTERM)  # asyncio's own way reaps what its watcher waits for
            await self.strace.wait()

    async def _say(self, state: str) -> None:
        """As a person does it; the daemon may die of it."""
        with suppress(NotRunningError, RefusedError):
            await self.town.declare(state)

    async def _until_heard(self, statement: str, channels: Collection[str]) -> None:
        """Until the journal has told that every one of them has it, or the daemon is dead, or its database."""

        def heard() -> set[str]:
            sent = self.town.journal("delivery_sent", statement=statement)
            return {one["channel"] for one in sent + self.town.journal("delivery_found", statement=statement)}

        await self.town.wait(
            f"{statement} is out, or it is struck",
            lambda: not self.town.running or self._in_trouble() or heard() >= {*channels},
        )

    def _in_trouble(self) -> bool:
        return bool(self.town.journal("store_trouble"))

    async def _note_death(self) -> None:
        if not self.town.running:
            await self.town.ended()
            self.result.died += 1
            self.result.public = sum(map(len, self.town.told().values()))

    async def _die_with_everything_in_the_air(self) -> None:
        internet = self.town.internet
        await self._begin()
        internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
        internet.x.fail(Fault.HANG_AFTER, method="POST")
        internet.blog.fail(Fault.HANG_AFTER, method="POST", path="/posts/")
        internet.press_desk.fail(Fault.HANG_AFTER, method="POST")
        internet.smtp.fail(SmtpFault.DOT_HANG, recipient=SUBSCRIBERS[1])
        await self.town.declare("down")
        await self.town.wait("all have accepted", lambda: self.town.heard("1H") >= {*PLACES})
        await self.town.kill()
        await self._note_death()

    async def _at_any_moment(self, dice: random.Random) -> None:
        """Three kills by the clock: while it is told, while it is told that it is over, and while it starts."""
        await self._begin()
        for state, seconds in (("down", 0.2), ("up", 0.2)):
            speaking = asyncio.create_task(self._say(state))
            await asyncio.sleep(dice.uniform(0.0, seconds))
            await self._strike()
            await speaking
            await self.town.start(ready=False)
            if state == "down":
                await asyncio.sleep(dice.uniform(0.3, 1.6))
                await self._strike()
                await self.reach_holding()
        await self.end()

    async def _strike(self) -> None:
        await self.town.kill()
        self.result.restarts += self.result.died > 0
        await self._note_death()

    # -- to the end ------------------------------------------------------------------------------------------

    async def reach_holding(self) -> None:
        """Whatever happened: the daemon runs, the outage is declared, and every backup has heard."""
        data = await self._running()
        if _is_welcomed(self.town, data):
            return
        if states(data)["facebook"] != "down":
            await self.town.declare("down")
        await self._settled(lambda data: _all_ended(data, "holding", BACKUPS) or _is_welcomed(self.town, data))

    async def end(self) -> None:
        """Whatever happened: outage and recovery are declared, and nothing is owed any more."""
        await self.reach_holding()
        if not _is_welcomed(self.town, await self._running()):
            await self.town.declare("up")
        await self._settled(lambda data: set(states(data).values()) == {"up"} and data["incidents"] == [])

    async def _running(self) -> Fields:
        if not self.town.running:
            await self.town.start()
            self.result.restarts += 1
        return await self.town.until("it answers", lambda _data: True)

    async def _settled(self, so: Callable[[Fields], bool]) -> None:
        """Wait until it is so; where only a channel's settling time is waited for, let that time pass."""
        for _ in range(8):
            data = await self.town.until("it is so, or waits", lambda data: so(data) or _only_waits(data))
            if so(data):
                return
            await self.town.kill()
            self._later(THREE_MINUTES)
            self.result.waits += 1
            await self.town.start()
        raise StuckError(f"still not so after {self.result.waits} times three minutes")

    def _later(self, seconds: float) -> None:
        """As if the last look had been so long ago; no daemon runs."""
        with closing(sqlite3.connect(self.town.database)) as database, database:
            moves = ", ".join(f"{time} = {time} - {seconds}" for time in ("due", "began", "unsure_since"))
            database.execute(f"UPDATE delivery SET {moves} WHERE phase IN ('ready', 'unsure')")

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
        """What the daemon itself says that a person must look at; the letters of which it says that nobody can tell."""
        held = self.town.query("SELECT channel, statement, reason FROM delivery WHERE phase IN ('held', 'left')")
        self.result.held = [f"{row['statement']} on {row['channel']}: {row['reason']}" for row in held]
        letters = self.town.query("SELECT delivery, recipient FROM ledger WHERE state LIKE 'doubt%'")
        return {f"{one['delivery'].partition('-')[0]} on email to {one['recipient']}" for one in letters}


STAGES = (("down", "holding", BACKUPS), ("up", "welcome_back", (*BACKUPS, PRIMARY)))
"""What a person declares, what follows, and who hears it."""


def furnish(town: Town) -> None:
    """One source for each of two platforms (a person declares the outage), and seven channels."""
    town.channels(PRIMARY, *BACKUPS)
    town.primaries = (PRIMARY, *MAILS)  # a letter in doubt may be one that nobody got
    for platform in town.config["platforms"]:
        town.probes(platform, "web")
        for probe in town.config["platforms"][platform]["probes"]:
            probe["every"] = "30s"


def _is_welcomed(town: Town, data: Fields) -> bool:
    """The recovery was noticed, and the welcome back is planned or out (it is planned in the same transaction)."""
    seen = any("W" in mark for marks in town.told().values() for mark in marks)
    return seen or bool(phases(data, "welcome_back"))


def _only_waits(data: Fields) -> bool:
    """Everything that is owed waits for a time that is not near, and what was in flight has been looked for once."""
    owed = [row for one in data["incidents"] for row in one["deliveries"] if row["phase"] not in ENDED]
    return bool(owed) and all(
        row["phase"] in ("unsure", "ready") and row["due"] > data["now"] + 1.0 and _BUSY not in row["reason"]
        for row in owed
    )


ENDED = frozenset({"sent", "refused", "held", "left", "cancelled", "expired"})


def _all_ended(data: Fields, statement: str, channels: Collection[str]) -> bool:
    found = phases(data, statement)
    return found.keys() >= {*channels} and all(found[name] in ENDED for name in channels)


# -- strace ----------------------------------------------------------------------------------------------------


def threads(town: Town, where: str) -> list[str]:
    """The arguments that name to strace whom it shall watch."""
    pid = town._daemon.pid  # noqa: SLF001  the harness has no other use for it
    if where == "restart":
        return ["-f", "-p", str(pid)]
    if where in ("main", *ERRORS):
        return ["-p", str(pid)]
    others = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid))
    return [word for other in others for word in ("-p", str(other))]


async def attach(whom: Iterable[str], *arguments: str) -> Process:
    """A running strace that has taken hold of every process named with -p."""
    whom = list(whom)
    strace = await asyncio.create_subprocess_exec("strace", *whom, *arguments, stdout=DEVNULL, stderr=PIPE)
    assert strace.stderr is not None
    for _ in range(whom.count("-p")):
        line = await strace.stderr.readline()
        if b"attached" not in line:
            raise StuckError(f"strace did not attach: {line.decode().strip()}")
    return strace


def record(where: str, folder: Path) -> dict[str, int]:
    """How often each call is made in an incident that nothing strikes, by the busiest of these threads."""
    return asyncio.run(_record(where, folder))


async def _record(where: str, folder: Path) -> dict[str, int]:
    trace = folder / "calls"
    async with a_town(folder) as town:
        case = Case(town, Result(Point("main", "none", 0)))
        if where == "restart":
            await case._die_with_everything_in_the_air()
            await town.start(ready=False)
        else:
            await case._begin()
        whom, calls = threads(town, where), ",".join(CALLS)
        case.strace = await attach(whom, "-o", str(trace), "-e", f"trace={calls}")
        if where == "restart":
            await case._until_heard("holding", BACKUPS)
        else:
            for state, statement, channels in STAGES:
                await town.declare(state)
                await case._until_heard(statement, channels)
        await case._detach()
        await town.stop()
    lines = [_LINE.match(line) for line in trace.read_text(errors="replace").splitlines()]
    counted = Counter((found[1], found[2]) for found in lines if found is not None)
    most: Counter[str] = Counter()
    for (_thread, call), count in counted.items():
        most[call] = max(most[call], count)
    return dict(most)
