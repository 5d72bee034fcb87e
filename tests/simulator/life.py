"""One life of the daemon in virtual time: the shipping engine, courier, lookout, desk and store, event by event.

Between two things that can matter (a look, a timer of a platform, a delivery that falls due, an event) nothing is
done.  Where every source has said the same for three rounds and nothing is pending before the next of these, the
rounds between are left out: what was seen is moved to where the last of them would have put it, and the last rounds
before the next thing that matters are looked at in earnest.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from failover.courier import Courier, Outlet
from failover.delivery import Delivery, Phase, Policy
from failover.desk import Desk, RequestError
from failover.engine import Engine, Watch
from failover.events import mistakes
from failover.incidents import Calm
from failover.lookout import Look, Lookout
from failover.model import Evidence, State, Statement
from failover.plans import House, Saying
from failover.replay.virtual import VirtualLoop
from failover.retraction import Retraction
from failover.routing import Route, Voice
from failover.schema import StoreError
from failover.store import Store
from failover.verdict import SILENCE_FACTOR, Rules, Standing
from tests.simulator.invariants import Watcher
from tests.simulator.public import Fuse, Killed, Mouth, Public, Surroundings
from tests.simulator.scenario import GROUPS, Config, Event, Scenario, Setup
from tests.simulator.sky import Eye, Sky

BEGINNING = 1_795_000_000.0
"""The wall clock at the beginning: 2026-11-18T11:06:40Z."""

DAY = 86400.0
KEPT = 3 * DAY
"""Seconds for which history is kept; 90 days in the daemon, which is more than a simulated life lasts."""

DEADLINE = 30.0
RELOAD_GRACE = 8.0
PLATFORM_OF = {"facebook-page": "facebook", "x-account": "x", "telegram": "telegram"}
READS_BACK = {"blog": False}

ROUNDS_ALIKE = 3
"""So many rounds in which every source said the same make calm; one more is looked at before the next thing."""

NEVER = float("inf")

MOVING = (
    "standings",
    "transitions",
    "observations",
    "incidents",
    "statements",
    "deliveries",
    "declared",
    "undeclared",
    "settings",
)
"""The parts of a change after which something may be due."""


class SimStore(Store):
    """A store whose every commit may be the last step of the process, and is seen by the invariants."""

    fuse: Fuse
    life: Life

    async def record(self, change: Any) -> None:
        self.fuse.burn("before a commit")
        await super().record(change)
        self.life.written(change)
        self.fuse.burn("after a commit")

    async def fresh_incident_id(self) -> str:
        self.fuse.burn("before a number is drawn")
        found = await super().fresh_incident_id()
        self.fuse.burn("after a number was drawn")
        return found

    async def interrupted(self, now: float) -> list[Delivery]:
        self.fuse.burn("before what was in flight is marked")
        found = await super().interrupted(now)
        self.life.touched()
        self.fuse.burn("after what was in flight is marked")
        return found


def words(statement: Statement, channel: str, saying: Saying) -> tuple[str, str]:
    """Names and the reference are all that matters here."""
    return "", f"{statement.value}: {', '.join(saying.platforms)} ({saying.reference})"


class Diary:
    """The journal: refuses what the table of events does not know, and keeps lines only for a story."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._said: dict[str, tuple[str, object]] = {}

    def say(self, name: str, /, **fields: object) -> None:
        self._life.said[name] += 1
        wrong = mistakes(name, fields)
        if wrong:
            self._life.watcher.complain("journal", wrong)
        if self._life.lines is not None:
            self._life.tell_event(name, fields)

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool:
        news = self._said.get(key) != (name, fields.get("reason"))
        self._said[key] = (name, fields.get("reason"))
        if news:
            self.say(name, **fields)
        return news

    def bug(self, where: str, error: BaseException) -> None:
        if isinstance(error, Killed):
            self._life.killed()
        elif not isinstance(error, LookupError):
            self._life.watcher.complain("bug", f"{where}: {error!r}")


@dataclass
class Process:
    """One run of the daemon."""

    config: Config
    fuse: Fuse
    engine: Engine
    courier: Courier
    desk: Desk
    retraction: Retraction
    lookout: Lookout
    mouths: Mapping[str, Mouth]
    next_look: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, float] = field(default_factory=dict)
    next_anchors: float = 0.0
    looking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    offset: float = 0.0


@dataclass
class Hours:
    """What the time was spent on, in seconds of true time."""

    skipped: float = 0.0
    stepped: float = 0.0
    dead: float = 0.0
    incident: float = 0.0
    incident_skipped: float = 0.0


class Life:
    """Runs one scenario to its end, or to the first thing that must never be."""

    def __init__(self, scenario: Scenario, loop: VirtualLoop, *, story: bool = False) -> None:
        self.scenario = scenario
        self.setup: Setup = scenario.setup
        self.loop = loop
        self.sky = Sky(scenario)
        self.public = Public()
        self.lines: list[tuple[float, str]] | None = [] if story else None
        self.said: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.hours = Hours()
        self.offset = 0.0
        self.config = scenario.setup.configs[0]
        self.watcher = Watcher(self)
        self.process: Process | None = None
        self.restart_at = 0.0
        self.rules = dict.fromkeys(GROUPS, Rules(confirm_for=self.setup.confirm_for, recover_for=self.setup.recover_for))
        self.owed: list[Delivery] = []
        self.held_since: dict[str, float] = {}
        self._events = sorted(scenario.events, key=lambda one: one.at)
        self._place = 0
        self._ends: list[tuple[float, Event]] = []
        self.disk_full = False
        self._dirty = True
        self._changed_at = 0.0
        self._alarm: asyncio.Future[None] | None = None
        self._next_prune = DAY
        self._carried_at = 0.0
        self._downtime = 5.0
        self._ended_at = max((one.end for one in scenario.events), default=0.0) + 60.0
        self._epilogue = False
        self._store = SimStore.open(":memory:")
        self._store.life = self
        self._store.fuse = Fuse()
        self._world = Surroundings(
            sky=self.sky,
            public=self.public,
            now=self.true_now,
            latency=self.setup.latency,
            speaking=self.watcher.speaking,
            accepted=self.watcher.accepted,
        )

    # -- time ----------------------------------------------------------------------------------------------

    def true_now(self) -> float:
        """Seconds of true time since the beginning."""
        return self.loop.time()

    def now(self) -> float:
        """What the process believes: its clock follows the wall clock only when it has noticed that it was set."""
        offset = self.process.offset if self.process else self.offset
        return BEGINNING + self.loop.time() + offset

    async def run(self) -> None:
        """Live."""
        end = self.scenario.hours * 3600
        try:
            while self.true_now() < end and not self.watcher.violations:
                await self._step(end)
            if not self.watcher.violations:
                await self.watcher.at_rest()
        finally:
            await self._die("the end")
            self._store.close()

    async def _step(self, end: float) -> None:
        before = self.true_now()
        await self._sleep(min(self._next(), end))
        passed = self.true_now() - before
        if self.process is None:
            self.hours.dead += passed
        else:
            self.hours.stepped += passed
            self.hours.incident += passed if self._in_incident() else 0.0
        try:
            await self._happen()
            await self._work()
        except Killed:
            await self._die(f"killed {self._store.fuse.where}")
        except StoreError as error:
            self.tell(f"a request failed: {error}")
        if self.process is not None and self._store.fuse.dead:
            await self._die(f"killed {self._store.fuse.where}")
        await self.watcher.after_step()
        if self.process is not None:
            self._skip(self.process)

    def _in_incident(self) -> bool:
        return self.process is not None and any(one.is_open for one in self.process.engine.recent)

    def _next(self) -> float:
        """When something can matter next (true time)."""
        times = [self._events[self._place].at if self._place < len(self._events) else NEVER]
        times += [time for time, _event in self._ends]
        if self.process is None:
            return min([*times, self.restart_at])
        times += [self.process.next_anchors, *self.process.next_look.values()]
        times.append(self._next_timer() + self.setup.fraction)
        if not self._epilogue:
            times.append(self._ended_at)
        return max(min(times), self.true_now() + 0.01)

    async def _sleep(self, until: float) -> None:
        """Until then, or until something was written by a delivery under way."""
        self._alarm = self.loop.create_future()
        handle = self.loop.call_at(until, self._ring)
        await self._alarm
        handle.cancel()
        self._alarm = None

    def _ring(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)

    def touched(self) -> None:
        """The database changed."""
        self._dirty = True
        self._changed_at = self.true_now()
        if self._alarm is not None:
            self.loop.call_later(self.setup.fraction, self._ring)

    def written(self, change: Any) -> None:
        """Something was committed.  How often a source was asked moves nothing."""
        if any(getattr(change, name) for name in MOVING):
            self.touched()
        self.watcher.written(change)

    def killed(self) -> None:
        self._ring()

    # -- timers --------------------------------------------------------------------------------------------

    def _next_timer(self) -> float:
        """The next time (true) at which the same looks would be judged differently, or a row falls due."""
        assert self.process is not None
        engine, now = self.process.engine, self.now()
        times = [time for row in self.owed for time in (row.due, row.latest)]
        times += [at + self.setup.person_looks_after for at in self.held_since.values()]
        for platform, standing in engine.standings.items():
            if platform in engine.watches:
                times += self._timers_of(engine, platform, standing)
        soon = min((time for time in times if time > now), default=NEVER)
        stale = self._stale_at(engine, now)
        return min(soon, stale) - self.process.offset - BEGINNING

    def _timers_of(self, engine: Engine, platform: str, standing: Standing) -> list[float]:
        times = []
        if standing.quorum_since is not None:
            times.append(standing.quorum_since + self.setup.confirm_for)
        watched = standing.state in (State.DOWN, State.RECOVERING) or platform in engine.declared
        if watched:
            recover_for = engine._rules(platform).recover_for
            if standing.calm_since is not None:
                times.append(standing.calm_since + recover_for)
            times += [at + SILENCE_FACTOR * recover_for for at in standing.voted.values()]
        return times + [time for _name, start, until in self._windows(platform) for time in (start, until)]

    def _windows(self, platform: str) -> list[tuple[str, float, float]]:
        windows = self.process.config.maintenance if self.process else ()
        return [(name, BEGINNING + start, BEGINNING + until) for name, start, until in windows if name == platform]

    def _stale_at(self, engine: Engine, now: float) -> float:
        """When the next answer grows stale that no look renews before."""
        assert self.process is not None
        looks = self.process.next_look
        shift = self.process.offset + BEGINNING
        times = [
            seen.good_until
            for platform, latest in engine.seen.items()
            for name, seen in latest.items()
            if now <= seen.good_until < looks.get(f"{platform}/{name}", NEVER) + shift
        ]
        return min(times, default=NEVER) + 0.001

    # -- what happens --------------------------------------------------------------------------------------

    async def _happen(self) -> None:
        now = self.true_now()
        for due in [one for one in self._ends if one[0] <= now]:
            self._ends.remove(due)
            await self._end(due[1])
        while self._place < len(self._events) and self._events[self._place].at <= now:
            event = self._events[self._place]
            self._place += 1
            self.done[event.kind] += 1
            await self._begin(event)
        if not self._epilogue and now >= self._ended_at:
            self._epilogue = True
            await self._all_is_over()

    async def _begin(self, event: Event) -> None:
        process, now = self.process, self.now()
        self.tell(describe(event))
        if event.kind in ("line", "outage") and event.lasts:
            self._ends.append((event.end, event))
        match event.kind:
            case "outage":
                self.watcher.outage_begins(event)
            case "channel":
                self.public.answers.setdefault(event.who, []).extend(event.what.split(","))
            case "find":
                self.public.findings.setdefault(event.who, []).extend(event.what.split(","))
            case "crash":
                self._downtime = event.lasts
                await self._die("kill -9")
            case "fuse":
                self._downtime = event.lasts
                self._store.fuse.left = int(event.number)
            case "clock":
                await self._set_clock(event.number)
            case "disk":
                self._fill_disk(full=True)
                self._ends.append((event.end, event))
            case "reload":
                await self._reload(self.setup.configs[int(event.number) % len(self.setup.configs)])
            case _ if process is None:
                self.tell("  (nobody is there to be asked)")
            case "declare":
                await self._ask(process.desk.declare(event.who, event.what, "", "ann", now))
            case "pause":
                await self._ask(process.desk.pause("", "ann", now))
                self._ends.append((event.end, event))
            case "approve" | "veto":
                await self._decide(process.desk, event)
            case "retract":
                await self._take_back(process, event)

    async def _end(self, event: Event) -> None:
        if event.kind == "disk":
            self._fill_disk(full=False)
            self.tell("the disk has room again")
        elif event.kind == "pause" and self.process is not None:
            await self._ask(self.process.desk.resume("ann", self.now()))
        elif event.kind == "line":
            self.tell("our own line is back")
        elif event.kind == "outage":
            self.tell(f"{event.who} WORKS AGAIN")

    async def _all_is_over(self) -> None:
        """The trouble has ended: people take back what they said, and the daemon lives on in peace."""
        self.tell("all trouble is over; declarations are withdrawn, a pause is ended")
        self._fill_disk(full=False)
        self._store.fuse.left = None
        if self.process is None:
            await self._boot()
        if self.process is None:  # the database refuses still: it cannot
            return
        for platform in list(self.process.engine.declared):
            await self._ask(self.process.desk.declare(platform, "auto", "", "ann", self.now()))
        await self._ask(self.process.desk.resume("ann", self.now()))
        self.public.answers.clear()
        self.public.findings.clear()

    def _fill_disk(self, *, full: bool) -> None:
        self.disk_full = full
        self._store._db.execute(f"PRAGMA query_only = {'ON' if full else 'OFF'}")

    async def _ask(self, request: Any) -> None:
        try:
            answer = await request
        except (RequestError, StoreError) as error:
            self.tell(f"  answer: {error}")
        else:
            self.tell(f"  answer: {answer}")

    async def _decide(self, desk: Desk, event: Event) -> None:
        with suppress(StoreError):
            waiting = await self._store.undecided()
            if waiting:
                row = waiting[int(event.number) % len(waiting)]
                self.tell(f"  it is {row.id} ({row.kind.value})")
                now = self.now()
                await self._ask(
                    desk.approve(row.id, "ann", now) if event.kind == "approve" else desk.veto(row.id, "", "ann", now)
                )

    async def _take_back(self, process: Process, event: Event) -> None:
        if process.engine.recent:
            incident = process.engine.recent[int(event.number) % len(process.engine.recent)]
            await self._ask(process.retraction.retract(incident.id, "", "ann", self.now()))

    async def _set_clock(self, seconds: float) -> None:
        self.offset += seconds
        if self.process is not None:
            self.process.offset += seconds
            try:
                await self.process.engine.step(seconds)
            except StoreError as error:
                self.process.engine.store_refused(error)
            self.held_since = {name: at + seconds for name, at in self.held_since.items()}
            self.touched()

    # -- the process ---------------------------------------------------------------------------------------

    async def _boot(self) -> None:
        """A new process on the old database."""
        self._store.fuse = Fuse()
        process = self._assemble(self.config, self._store.fuse)
        self.process = process
        try:
            await process.engine.load(self.now())
        except StoreError:
            self.process = None
            self.restart_at = self.true_now() + 10.0
            return
        self._schedule(process)
        self.touched()
        self.tell("the daemon starts")

    def _assemble(self, config: Config, fuse: Fuse) -> Process:
        journal = Diary(self)
        engine = Engine(self._store, house(self.setup, config), self._watches(config), journal, self._woken)
        mouths = {name: Mouth(name, PLATFORM_OF.get(name), self._world, fuse) for name in config.channels}
        outlets = {
            name: Outlet(name=name, channel=mouth, policy=self._policy(name, config), platform=PLATFORM_OF.get(name))
            for name, mouth in mouths.items()
        }
        looks = [self._look(source) for source in self.setup.sources if source.platform in config.platforms]
        desk = Desk(engine)
        return Process(
            config=config,
            fuse=fuse,
            engine=engine,
            courier=Courier(engine, outlets, self.now),
            desk=desk,
            retraction=Retraction(engine, desk, outlets),
            lookout=Lookout(engine, looks, Eye(self.sky.anchors, self.true_now), self.now, fast=self.setup.fast),
            mouths=mouths,
            offset=self.offset,
        )

    def _policy(self, name: str, config: Config) -> Policy:
        reads_back = READS_BACK.get(name, True)
        when_unsure = "hold" if reads_back else config.when_unsure
        return Policy(
            settle=self.setup.settle, deadline=DEADLINE, reads_back=reads_back, when_unsure=when_unsure
        )

    def _look(self, source: Any) -> Look:
        return Look(
            platform=source.platform,
            name=source.name,
            probe=Eye(self.sky.timelines[source.id], self.true_now),
            evidence=Evidence(source.evidence),
            every=self.setup.every,
            fastest=self.setup.fast,
            timeout=10.0,
            on_suspicion=source.on_suspicion,
        )

    def _watches(self, config: Config) -> dict[str, Watch]:
        windows = [(name, BEGINNING + start, BEGINNING + until) for name, start, until in config.maintenance]
        accounts = {source.platform for source in self.setup.sources if source.name == "account"}
        return {
            name: Watch(
                name=name,
                title=name.title(),
                group=GROUPS[name],
                rules=replace(self.rules[name], accounts=frozenset({"account"} if name in accounts else ())),
                maintenance=tuple((start, until, "announced") for one, start, until in windows if one == name),
            )
            for name in config.platforms
        }

    def _schedule(self, process: Process) -> None:
        now = self.true_now()
        process.next_anchors = now
        for source in self.setup.sources:
            if source.id in process.lookout.looks:
                process.next_look[source.id] = now + source.phase % self.setup.every
        process.intervals = {one: process.lookout.looks[one].every for one in process.next_look}

    def _woken(self) -> None:
        """The engine asks for a delivery: every step ends with one."""

    async def _die(self, how: str) -> None:
        """The process is gone; what it committed stays."""
        process, self.process = self.process, None
        if process is None:
            return
        process.fuse.dead = True
        self.tell(f"the daemon dies: {how}")
        tasks = [*process.looking.values(), *process.courier._busy.values()]
        if process.lookout._asking is not None:
            tasks.append(process.lookout._asking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.restart_at = self.true_now() + max(self._downtime, 0.1)
        self._downtime = 5.0
        self.watcher.died()

    async def _reload(self, config: Config) -> None:
        """As the daemon does it: what is under way may end, then the new takes the place of the old."""
        self.config = config
        process = self.process
        if process is None:
            return
        try:
            async with asyncio.timeout(RELOAD_GRACE):
                await process.courier.finish()
        except TimeoutError:
            await process.courier.stop()
        for task in process.looking.values():
            task.cancel()
        await asyncio.gather(*process.looking.values(), return_exceptions=True)
        await process.lookout.stop()
        if self.process is not process or process.fuse.dead:
            raise Killed
        new = self._assemble(config, process.fuse)
        new.offset = process.offset
        await new.engine.load(self.now())
        probes = {
            name: frozenset(one.name for one in new.lookout.looks.values() if one.platform == name)
            for name in config.platforms
        }
        new.engine.inherit(process.engine, probes)
        self._schedule(new)
        self.process = new
        self.watcher.died()
        self.touched()

    # -- work ----------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        now = self.true_now()
        if self.process is None:
            if now >= self.restart_at:
                await self._boot()
            return
        process = self.process
        await self._look_at_all(process, now)
        if now >= process.next_anchors - 0.5:
            process.next_anchors += self.setup.every / 2
            await process.lookout.ask_anchors()  # ends with a tick
        else:
            await process.engine.tick(self.now())
        if self._dirty:
            self._retune(process)
        if self._may_be_due(process):
            self._carried_at = now
            await process.courier.deliver()
            await asyncio.sleep(0)
        if now >= self._next_prune:
            self._next_prune = now + DAY
            with suppress(StoreError):
                await self._store.prune(self.now() - KEPT)
                await self.watcher.pruned(self.now() - KEPT)
        await self._mind_the_owed(process)

    def _may_be_due(self, process: Process) -> bool:
        """Where nothing is owed, no incident is open and nothing was written, asking changes nothing."""
        if self._dirty or self.owed or process.courier.busy or self.true_now() - self._carried_at > 600:
            return True
        return any(one.is_open for one in process.engine.recent)

    async def _look_at_all(self, process: Process, now: float) -> None:
        for look_id, at in list(process.next_look.items()):
            if at > now + 0.5:
                continue
            look = process.lookout.looks[look_id]
            interval = process.lookout.interval(look)
            process.next_look[look_id] = at + (interval or look.every)
            if interval is not None and look_id not in process.looking:
                await self._look_once(process, look_id)

    async def _look_once(self, process: Process, look_id: str) -> None:
        eye: Any = process.lookout.looks[look_id].probe
        if isinstance(eye.timeline.at(self.true_now()), str):  # it takes its time
            task = asyncio.create_task(process.lookout.look(look_id))
            process.looking[look_id] = task
            task.add_done_callback(lambda done: self._looked(process, look_id, done))
        else:
            await process.lookout.look(look_id)

    def _looked(self, process: Process, look_id: str, task: asyncio.Task[None]) -> None:
        process.looking.pop(look_id, None)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, StoreError):
            Diary(self).bug(look_id, error)
        self._ring()

    def _retune(self, process: Process) -> None:
        """Every look at the speed that its platform's state asks for."""
        now = self.true_now()
        for look_id, look in process.lookout.looks.items():
            interval = process.lookout.interval(look) or look.every
            if interval != process.intervals[look_id]:
                process.intervals[look_id] = interval
                process.next_look[look_id] = now + interval - (now - process.next_look[look_id]) % interval

    async def _mind_the_owed(self, process: Process) -> None:
        """Keep the rows at hand for their timers; a person looks at what is held, in time, and tells the truth."""
        if self._dirty:
            self._dirty = False
            self.owed = await self._store.owed()
            held = {row.id for row in self.owed if row.phase is Phase.HELD}
            self.held_since = {name: self.held_since.get(name, self.now()) for name in held}
        for row in self.owed:
            if row.id in self.held_since and self.now() >= self.held_since[row.id] + self.setup.person_looks_after:
                there = bool(self.public.on(row.channel, row.reference))
                self.held_since[row.id] = self.now()
                self.tell(f"a person looks at {row.channel} for {row.reference}: {'it is there' if there else 'no'}")
                await self._ask(process.desk.resolve(row.id, sent=there, by="ann", now=self.now()))

    # -- calm ----------------------------------------------------------------------------------------------

    def _skip(self, process: Process) -> None:
        """Leave out rounds in which nothing can change."""
        if process.courier.busy or process.looking or self._dirty:
            return
        now = self.true_now()
        one = max((process.intervals[one] for one in process.next_look), default=self.setup.every)
        if now - max(self._changed_at, self.sky.last_change(now)) < ROUNDS_ALIKE * one or not self._settled(process):
            return
        events = self._events[self._place].at if self._place < len(self._events) else NEVER
        ends = [time for time, _event in self._ends] + ([] if self._epilogue else [self._ended_at])
        until = min(events, self.sky.next_change(now), self._next_timer(), *ends, self.scenario.hours * 3600)
        rounds = math.floor((until - now) / one) - 1
        if rounds > 1:
            self._leap(process, rounds * one)

    def _settled(self, process: Process) -> bool:
        return all(
            process.engine.seen[look.platform][look.name].looks >= ROUNDS_ALIKE
            for look in process.lookout.looks.values()
            if process.lookout.interval(look) is not None and look.name in process.engine.seen[look.platform]
        )

    def _leap(self, process: Process, seconds: float) -> None:
        """As if every source had been asked all that time, and had said the same."""
        engine = process.engine
        for look in process.lookout.looks.values():
            seen = engine.seen[look.platform].get(look.name)
            interval = process.lookout.interval(look)
            if seen is not None and interval is not None:
                engine.seen[look.platform][look.name] = replace(
                    seen,
                    at=seen.at + seconds,
                    good_until=seen.good_until + seconds,
                    looks=seen.looks + int(seconds / interval),
                )
        if not engine.line.offline:
            engine.line = replace(engine.line, good_at=engine.line.good_at + seconds)
        process.next_look = {one: at + seconds for one, at in process.next_look.items()}
        process.next_anchors += seconds
        self.hours.skipped += seconds
        if self._in_incident():
            self.hours.incident_skipped += seconds
        self.loop.leap(seconds)

    # -- the story -----------------------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        if self.lines is not None:
            self.lines.append((self.true_now(), text))

    def tell_event(self, name: str, fields: Mapping[str, object]) -> None:
        shown = ", ".join(f"{key}={value}" for key, value in fields.items() if value not in (None, "") and key != "url")
        self.tell(f"    {name.replace('_', ' ')}: {shown}")


class LeapingLoop(VirtualLoop):
    """A virtual loop whose clock can be put forward while nothing is pending."""

    def leap(self, seconds: float) -> None:
        self._leaping.elapsed += seconds


def house(setup: Setup, config: Config) -> House:
    """What planning needs to know, as `assembly.house` makes it of settings."""
    channels = set(config.channels)
    voices = {
        name: Voice(
            name=name,
            platform=PLATFORM_OF.get(name),
            group=GROUPS.get(PLATFORM_OF.get(name, ""), ""),
            practice=name == "rehearsal",
            public=name != "rehearsal",
        )
        for name in config.channels
    }
    reach = config.reach or None
    meta = tuple(name for name in ("facebook", "instagram") if name in config.platforms)
    routes = [
        Route(
            platforms=meta,
            primaries=tuple(name for name in ("facebook-page",) if name in channels),
            backups=tuple(name for name in config.meta_backups if name in channels),
            reach=reach,
        ),
        Route(
            platforms=tuple(name for name in ("x",) if name in config.platforms),
            primaries=tuple(name for name in ("x-account",) if name in channels),
            backups=tuple(name for name in config.x_backups if name in channels),
            reach=reach,
        ),
    ]
    return House(
        word=words,
        voices=voices,
        groups={name: GROUPS[name] for name in config.platforms},
        routes=[one for one in routes if one.platforms and one.backups],
        calm=Calm(recover_for=setup.recover_for, relapse=setup.relapse, intermittent_for=setup.intermittent_for),
        sign_off={Statement.HOLDING: config.holding, Statement.WELCOME_BACK: config.welcome},
        veto_for=setup.veto_for,
        holding_latest=setup.holding_latest,
        welcome_latest=setup.welcome_latest,
        gather=2 * setup.fast,
    )


def describe(event: Event) -> str:
    """One line of the story."""
    minutes = f"{event.lasts / 60:.0f} min" if event.lasts >= 120 else f"{event.lasts:.0f} s"
    match event.kind:
        case "outage":
            return f"{event.who} FAILS in truth ({event.what}, for {minutes})"
        case "lie":
            flaps = f", every {event.number:.0f} s on and off" if event.number else ""
            return f"a source is wrong about {event.who}: {event.what} ({minutes}{flaps})"
        case "blind":
            return f"{event.who} cannot be seen: {event.what} ({minutes})"
        case "regional":
            return f"a fault of our region: from here and for the crowd everything seems down ({minutes})"
        case "line":
            return f"our own line is {event.what} ({minutes})"
        case "channel":
            return f"{event.who} will answer: {event.what}"
        case "find":
            return f"{event.who}, when read back, will answer: {event.what}"
        case "crash":
            return f"the process is killed; the next one starts in {minutes}"
        case "fuse":
            return f"the process will be killed {event.number:.0f} steps from now; the next one starts in {minutes}"
        case "clock":
            return f"somebody sets the wall clock by {event.number:+.0f} s"
        case "disk":
            return f"the disk is full ({minutes})"
        case "declare":
            return f"ann declares {event.who} {event.what}"
        case "pause":
            return f"ann pauses the daemon ({minutes})"
        case _:
            return f"{event.kind} {event.who}{event.what} {event.number:g}"
