"""One life of the daemon in virtual time: the shipping engine, courier, lookout, desk and store, event by event.

Between two things that can matter (a look, a timer of a platform, a delivery that falls due, an event) nothing is
done.  Where every source has said the same for three rounds and nothing is pending before the next of these, the
rounds between are left out: what was seen is moved to where the last of them would have put it, and the last rounds
before the next thing that matters are looked at in earnest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from failover.delivery import Delivery, Phase
from failover.lookout import Look
from failover.model import Evidence, Sighting
from failover.replay.virtual import VirtualLoop
from failover.schema import StoreError
from failover.standing import Rules
from tests.simulator.calm import NEVER, ROUNDS_ALIKE, next_timer, skip
from tests.simulator.happenings import ask, happen
from tests.simulator.invariants import Watcher
from tests.simulator.process import Diary, Process, SimStore, assemble
from tests.simulator.public import Fuse, Killed, Public, Surroundings
from tests.simulator.scenario import BEGINNING, GROUPS, Config, Event, Scenario, Setup
from tests.simulator.sky import Sky

DAY = 86400.0
KEPT = 3 * DAY
"""Seconds for which history is kept; 90 days in the daemon, which is more than a simulated life lasts."""

RELOAD_GRACE = 8.0

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
        self.noted = 0
        self.offset = 0.0
        self.config = scenario.setup.configs[0]
        self.watcher = Watcher(self)
        self.process: Process | None = None
        self.restart_at = 0.0
        self.rules = dict.fromkeys(
            GROUPS, Rules(confirm_for=self.setup.confirm_for, recover_for=self.setup.recover_for)
        )
        self.owed: list[Delivery] = []
        self.held_since: dict[str, float] = {}
        self.events = sorted(scenario.events, key=lambda one: one.at)
        self.place = 0
        self.ends: list[tuple[float, Event]] = []
        self.disk_full = False
        self.dirty = True
        self.changed_at = 0.0
        self._alarm: asyncio.Future[None] | None = None
        self._next_prune = DAY
        self._carried_at = 0.0
        self._earnest = True
        self.downtime = 5.0
        self.ended_at = max((one.end for one in scenario.events), default=0.0) + 60.0
        self.epilogue = False
        self.store = SimStore.open(":memory:")
        self.store.life = self
        self.store.fuse = Fuse()
        self.world = Surroundings(
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
            await self.die("the end")
            self.store.close()

    async def _step(self, end: float) -> None:
        before = self.true_now()
        await self._sleep(min(self._next(), end))
        passed = self.true_now() - before
        if self.process is None:
            self.hours.dead += passed
        else:
            self.hours.stepped += passed
            self.hours.incident += passed if self.in_incident() else 0.0
        try:
            await happen(self)
            await self._work()
        except Killed:
            await self.die(f"killed {self.store.fuse.where}")
        except StoreError as error:
            self.tell(f"a request failed: {error}")
        if self.process is not None and self.store.fuse.dead:
            await self.die(f"killed {self.store.fuse.where}")
        await self.watcher.after_step()
        if self.process is not None:
            skip(self, self.process)

    def in_incident(self) -> bool:
        return self.process is not None and any(one.is_open for one in self.process.engine.recent)

    def _next(self) -> float:
        """When something can matter next (true time)."""
        times = [self.events[self.place].at if self.place < len(self.events) else NEVER]
        times += [time for time, _event in self.ends]
        if self.process is None:
            return min([*times, self.restart_at])
        times += [self.process.next_anchors, *self.process.next_look.values()]
        times.append(next_timer(self) + self.setup.fraction)
        if not self.epilogue:
            times.append(self.ended_at)
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
        self.dirty = True
        self.changed_at = self.true_now()
        if self._alarm is not None:
            self.loop.call_later(self.setup.fraction, self._ring)

    def written(self, change: Any) -> None:
        """Something was committed.  How often a source was asked moves nothing."""
        if any(getattr(change, name) for name in MOVING):
            self.touched()
        self.watcher.written(change)

    def killed(self) -> None:
        self._ring()

    # -- the process ---------------------------------------------------------------------------------------

    async def boot(self) -> None:
        """A new process on the old database."""
        self.store.fuse = Fuse()
        process = assemble(self, self.config, self.store.fuse)
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

    def _schedule(self, process: Process) -> None:
        now = self.true_now()
        process.next_anchors = now
        for source in self.setup.sources:
            if source.id in process.lookout.looks:
                process.next_look[source.id] = now + source.phase % self.setup.every
        process.intervals = {one: process.lookout.looks[one].every for one in process.next_look}

    def _woken(self) -> None:
        """The engine asks for a delivery: every step ends with one."""

    async def die(self, how: str) -> None:
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
        self.restart_at = self.true_now() + max(self.downtime, 0.1)
        self.downtime = 5.0
        self.watcher.died()

    async def reload(self, config: Config) -> None:
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
        new = assemble(self, config, process.fuse)
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
                await self.boot()
            return
        process = self.process
        await self._look_at_all(process, now)
        if now >= process.next_anchors - 0.5:
            process.next_anchors += self.setup.every / 2
            await process.lookout.ask_anchors()  # ends with a tick
        else:
            await process.engine.tick(self.now())
        if self.dirty:
            self._retune(process)
        if self._may_be_due(process):
            self._carried_at, self._earnest = now, False
            await process.courier.deliver()
            await asyncio.sleep(0)
        if now >= self._next_prune:
            self._next_prune = now + DAY
            with suppress(StoreError):
                await self.store.prune(self.now() - KEPT)
                await self.watcher.pruned(self.now() - KEPT)
        await self.mind_the_owed(process)

    def _may_be_due(self, process: Process) -> bool:
        """Where nothing was written, no timer ran out and no source said anything new, asking changes nothing."""
        if self.dirty or self._earnest or process.courier.busy or self.true_now() - self._carried_at > 300:
            return True
        now, waiting = self.now(), (Phase.READY, Phase.UNSURE)
        return any(row.latest <= now or (row.phase in waiting and row.due <= now) for row in self.owed)

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
        answer = eye.timeline.at(self.true_now())
        if isinstance(answer, str):  # it takes its time
            task = asyncio.create_task(process.lookout.look(look_id))
            process.looking[look_id] = task
            self._earnest = True
            task.add_done_callback(lambda done: self._looked(process, look_id, done))
        elif not self._is_old_news(process, process.lookout.looks[look_id], answer):
            self._earnest = True
            await process.lookout.look(look_id)

    def _is_old_news(self, process: Process, look: Look, answer: Sighting) -> bool:
        """The same again after three times the same: noted as `Engine.saw` would, and left to the tick to judge.

        A vote from here is always looked at in earnest, for the anchors must be asked after it.
        """
        latest, now = process.engine.seen[look.platform], self.now()
        before = latest.get(look.name)
        if before is None or before.looks < ROUNDS_ALIKE or before.sighting is not answer or now > before.good_until:
            return False
        if answer.evidence is Evidence.HERE and before.votes_down:
            return False
        latest[look.name] = replace(before, at=now, good_until=now + look.good_for, looks=before.looks + 1)
        self.noted += 1
        return True

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

    async def mind_the_owed(self, process: Process) -> None:
        """Keep the rows at hand for their timers; a person looks at what is held, in time, and tells the truth."""
        if self.dirty:
            self.dirty = False
            self.owed = await self.store.owed()
            held = {row.id for row in self.owed if row.phase is Phase.HELD}
            self.held_since = {name: self.held_since.get(name, self.now()) for name in held}
        for row in self.owed:
            if row.id in self.held_since and self.now() >= self.held_since[row.id] + self.setup.person_looks_after:
                there = bool(self.public.on(row.channel, row.reference))
                self.held_since[row.id] = self.now()
                self.tell(f"a person looks at {row.channel} for {row.reference}: {'it is there' if there else 'no'}")
                await ask(self, process.desk.resolve(row.id, sent=there, by="ann", now=self.now()))

    # -- the story -----------------------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        if self.lines is not None:
            self.lines.append((self.true_now(), text))

    def tell_event(self, name: str, fields: Mapping[str, object]) -> None:
        shown = ", ".join(
            f"{key}={value}" for key, value in fields.items() if value not in (None, "") and key != "url"
        )
        self.tell(f"    {name.replace('_', ' ')}: {shown}")


class LeapingLoop(VirtualLoop):
    """A virtual loop whose clock can be put forward while nothing is pending."""

    def leap(self, seconds: float) -> None:
        self._leaping.elapsed += seconds
