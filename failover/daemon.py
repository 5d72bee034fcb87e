"""One run of the daemon: scheduler, signals, the service manager, reload, and an orderly end.

Two ticks drive everything, both from APScheduler: look (one job per probe) and tick (judge, then deliver).  Beside
them runs the pulse, which is what the watchdog listens to: it is fed only while both ticks make progress (O5).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from failover import __version__, registry
from failover.assembly import Assembly, assemble, pictures_of, user_agent
from failover.checkup import A_DAY, Checkup
from failover.clock import TOLERATED, Clock
from failover.config import load
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.control import Control
from failover.courier import Courier
from failover.desk import RequestError
from failover.engine import REMEMBERED, Engine
from failover.handlers import handlers
from failover.journal import Journal
from failover.lastgood import LastGood
from failover.metrics import exposition, put_down
from failover.pictures import sweep
from failover.schema import StoreError
from failover.silences import Silences
from failover.status import status, summary
from failover.store import Change, Store
from failover.systemd import ServiceManager, watchdog_seconds
from failover.threads import Helpers

TICK = 1.0
PULSE = 1.0
KEPT = 90 * A_DAY
LOOKUPS = 32
"""Threads for looking names up: in a DNS outage many hang at once, and sends must not wait for them."""

ALIVE = "alive_at"
ALIVE_EVERY = 60.0
"""Seconds between two notes that we are watching; a gap much longer than this is told at the next start (rule O6)."""

GRACE = 2.0
"""Seconds that deliveries under way are given at a stop; what is cut off is looked for at the next start."""

CHECK_AGAIN = 5
"""Steady rounds after which a channel that could not post is asked again."""

RELOAD_GRACE = 8.0
"""The same at a reload; well below what the watchdog tolerates."""


class Daemon:
    """One run of the daemon, from start to stop; answers requests (`handlers.Answerer`)."""

    def __init__(self, settings: Settings, journal: Journal, store: Store, env: Mapping[str, str]) -> None:
        self._settings = settings
        self._journal = journal
        self._store = store
        self._env = env
        self._clock = Clock()
        self._manager = ServiceManager(env)
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # a look still under way is no news
        self._stack = AsyncExitStack()
        self._at: Assembly
        self._checkup: Checkup
        self._kicked = asyncio.Event()
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._hangups: set[asyncio.Task[None]] = set()
        self._dormant: set[str] = set()
        self._why = "stopped"
        self._ticked = time.monotonic()
        self._starved = False
        self._ahead = 0.0  # seconds by which the wall clock was set that are not adopted, when the jobs were made

    async def run(self) -> int:
        """Watch until told to stop; the exit code."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(Helpers(LOOKUPS))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, signal.Signals(number).name)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        await self._mend_the_past()
        await self._assemble(self._settings)
        control = Control(self._settings.control, handlers(self), self._settings.path)
        try:
            await control.start()
        except OSError as error:
            await self._stack.aclose()
            raise OSError(f"{error}; see `control:` in {self._settings.path}") from error
        tasks = [asyncio.create_task(self._pulse()), asyncio.create_task(self._postman())]
        self._scheduler.start()
        await self._put_down("daemon_started", version=__version__, config=str(self._settings.path))
        await self._started()
        await self._tell_gap()
        try:
            await self._stopping.wait()
        finally:
            await self._wind_down(control, tasks)
        return 0

    async def _started(self) -> None:
        self._journal.say(
            "daemon_started",
            version=__version__,
            platforms=list(self._settings.platforms),
            channels=list(self._settings.channels),
            state_file=str(self._settings.state),
            audit_digest=await self._digest(),
        )
        for notice in self._settings.notices:
            self._journal.say("config_notice", reason=notice)
        self._manager.ready(await self._line())

    def _stop(self, why: str) -> None:
        self._why = why
        self._stopping.set()

    async def _wind_down(self, control: Control, tasks: list[asyncio.Task[None]]) -> None:
        """End within the 5 s that are promised; what is cut off is looked for at the next start."""
        self._manager.stopping()
        self._scheduler.pause()
        await control.stop()
        await self._break_off()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._let_finish(self._at.courier, GRACE)
        async with self._reloading:  # a reload that was under way has given up by now
            self._scheduler.shutdown(wait=False)
            await self._stack.aclose()
        await self._note_alive()
        await self._put_down("daemon_stopped", reason=self._why)
        self._journal.say("daemon_stopped", reason=self._why, audit_digest=await self._digest())

    async def _put_down(self, event: str, **facts: object) -> None:
        """A fact about the daemon itself, into the audit trail."""
        try:
            await self._store.record(Change(at=self._clock.now(), audit=((event, facts),)))
        except StoreError as error:
            self._at.engine.store_refused(error)

    async def _digest(self) -> str | None:
        """Of the last entry of the audit trail: noted in the journal, it shows a trail that was made anew."""
        try:
            head = await self._store.trail.head()
        except StoreError:  # it is told when something must be written
            return None
        return head.digest or None if head else None

    async def _let_finish(self, courier: Courier, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await courier.finish()
        except TimeoutError:
            await courier.stop()

    # -- what requests need ----------------------------------------------------------------------------------

    @property
    def at(self) -> Assembly:
        return self._at

    def now(self) -> float:
        return self._clock.now()

    def kick(self) -> None:
        self._kicked.set()

    async def status(self) -> object:
        return await status(self._at.engine, self._checkup.healths, self._clock.now())

    # -- one configuration at work -------------------------------------------------------------------------

    async def _assemble(self, settings: Settings) -> None:
        """Everything of this configuration is open, or nothing is."""
        async with AsyncExitStack() as opening:
            at = await opening.enter_async_context(
                assemble(settings, registry, self._store, self._journal, self._clock.now, self._kicked.set)
            )
            await at.engine.load(self._clock.now())
            stack = opening.pop_all()
        self._stack, self._at, self._settings = stack, at, settings
        self._checkup = Checkup(at.channels, self._journal, self._clock.now)
        stack.push_async_callback(at.asker.stop)
        at.asker.start()
        self._schedule()

    def _schedule(self) -> None:
        """(Re)make every job.  Starts are spread, so that sources are not asked in one burst."""
        self._scheduler.remove_all_jobs()
        self._dormant.clear()
        every = self._settings.judgement.every
        self._add("tick", self._tick, TICK)
        self._add("anchors", self._at.lookout.ask_anchors, every / 2, first=0.0)
        for look in self._at.lookout.looks.values():
            first = random.uniform(0.2, min(5.0, every / 4))  # noqa: S311  spreading, no secret
            self._add(f"look {look.id}", self._look, look.every, first=first, args=[look.id])
        for name in self._at.channels:
            first = random.uniform(1.0, min(10.0, 1.0 + every))  # noqa: S311
            self._add(f"check {name}", self._check, A_DAY, first=first, args=[name])
        self._add("prune", self._prune, A_DAY, first=60.0)
        self._add("alive", self._note_alive, ALIVE_EVERY)
        if self._settings.heartbeat is not None:
            self._add("heartbeat", self._beat, self._settings.heartbeat.every)
        if self._settings.posts is not None:
            self._add("spool", self._spool, self._settings.posts.every, first=0.5)
        if self._settings.metrics is not None:
            self._add("metrics", self._measure, self._settings.metrics.every, first=1.0)

    def _add(self, name: str, function: Any, every: float, *, first: float | None = None, args: Any = ()) -> None:
        jitter = every * 0.1 if every > TICK else None
        job = self._scheduler.add_job(
            self._guarded, "interval", seconds=every, jitter=jitter, id=name, args=[name, function, *args]
        )
        if first is not None:
            job.modify(next_run_time=self._on_the_wall(self._clock.now() + first))

    async def _guarded(self, name: str, function: Any, *args: Any) -> None:
        """One run of a job.  To be broken off is no error, and an error is told in our own words."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await function(*args)
        except asyncio.CancelledError:
            return
        except Exception as error:  # noqa: BLE001  a bug in one job must not silence the others
            self._journal.bug(name, error)
        finally:
            self._running.discard(task)

    async def _break_off(self) -> None:
        """No look and no check that is under way may end on a configuration that is no longer in force.

        To be called while the scheduler pauses.
        """
        await asyncio.sleep(0)  # what was started in this very moment begins
        running = [*self._running]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._at.lookout.stop()
        await self._at.asker.stop()

    # -- the two ticks ---------------------------------------------------------------------------------------

    async def _look(self, look_id: str) -> None:
        look = self._at.lookout.looks.get(look_id)
        if look is None or self._at.lookout.interval(look) is None:
            return
        await self._at.lookout.look(look_id)
        self._retune()

    async def _tick(self) -> None:
        await self._at.engine.tick(self._clock.now())
        self._kicked.set()
        self._retune()

    def _retune(self) -> None:
        """Every look at the speed that its platform's state asks for; those that sleep in calm times wake up."""
        for look in self._at.lookout.looks.values():
            interval = self._at.lookout.interval(look)
            roused = interval is not None and look.id in self._dormant
            job_id, pace = f"look {look.id}", look.every if interval is None else interval
            if self._pace(job_id, pace) or roused:
                spread = random.uniform(0.0, 0.1 * pace)  # noqa: S311  no secret
                self._not_before(job_id, self._at.lookout.next_at(look, pace) + spread)
            if interval is None:
                self._dormant.add(look.id)
            else:
                self._dormant.discard(look.id)

    def _pace(self, job_id: str, seconds: float) -> bool:
        """From now on this job runs so often; False if it did before."""
        job = self._scheduler.get_job(job_id)
        if job is None or job.trigger.interval.total_seconds() == seconds:
            return False
        job.reschedule("interval", seconds=seconds, jitter=seconds * 0.1)
        return True

    def _not_before(self, job_id: str, at: float) -> None:
        """Its next run, at this time."""
        job = self._scheduler.get_job(job_id)
        if job is not None:
            job.modify(next_run_time=self._on_the_wall(at))

    def _on_the_wall(self, at: float) -> datetime:
        """The scheduler goes by the wall clock, also while what it was set by is not adopted."""
        return datetime.fromtimestamp(at + self._clock.look(), UTC)

    async def _check(self, name: str) -> None:
        """Once a day (S8); a channel that could not post is asked again soon, so that `status` stays true."""
        await self._checkup.check(name)
        _at, health = self._checkup.healths[name]
        self._pace(f"check {name}", A_DAY if health.able else CHECK_AGAIN * self._settings.judgement.every)

    async def _postman(self) -> None:
        """Deliver when kicked: by the tick, and at once by a turn of an incident."""
        while True:
            await self._kicked.wait()
            self._kicked.clear()
            async with self._reloading:  # nothing new leaves while the configuration changes
                await self._deliver()
            self._at.asker.wake()
            self._ticked = time.monotonic()

    async def _deliver(self) -> None:
        try:
            await self._at.courier.deliver()
        except Exception as error:  # noqa: BLE001  a bug must not silence the daemon; the rows are still owed
            self._journal.bug("the courier", error)

    # -- the pulse -------------------------------------------------------------------------------------------

    async def _pulse(self) -> None:
        """Feed the watchdog while there is progress, keep the status line true, notice a clock that was set."""
        line = ""
        while True:
            await asyncio.sleep(PULSE)
            await self._mind_the_clock()
            self._journal.flush()
            if self._progress():
                self._manager.feed()
            line = await self._show(line)

    async def _show(self, before: str) -> str:
        """The line that `systemctl status` shows, when it has changed."""
        line = await self._line()
        if line != before:
            self._manager.status(line)
        return line

    async def _line(self) -> str:
        """How everything stands; what is wrong with the database is part of it."""
        try:
            return await summary(self._at.engine, self._clock.now())
        except StoreError as error:
            return str(error)

    async def _mind_the_clock(self) -> None:
        """The jobs follow the wall clock at once (and once: it must not start them anew at each pulse)."""
        seconds = self._clock.look()
        if abs(seconds - self._ahead) > TOLERATED:
            self._schedule()
            self._ahead = seconds
        if await keep_up(self._clock, self._at.engine):
            self._ahead = 0.0

    def _progress(self) -> bool:
        """Did the ticks tick?  Never asks how a platform or the network is (rule O5)."""
        limit = (watchdog_seconds(self._env, os.getpid()) or 30.0) / 2
        late = time.monotonic() - self._ticked
        if late > limit and not self._starved:
            self._journal.say("watchdog_starved", reason=f"no tick for {late:.0f} s")
        self._starved = late > limit
        return not self._starved

    # -- beside the ticks ----------------------------------------------------------------------------------

    async def _prune(self) -> None:
        try:
            now = self._clock.now()
            known_for = max(self._settings.limits.keep_recipients, self._settings.judgement.relapse)
            await self._store.prune(now - KEPT, now - known_for)
            wanted = await self._store.posts.pictures()
            await asyncio.to_thread(sweep, pictures_of(self._settings), wanted, now - A_DAY)
        except StoreError as error:
            self._at.engine.store_refused(error)
        except OSError as error:
            self._journal.say_on_change("pictures", "spool_trouble", reason=f"pictures: {error.strerror}")

    async def _note_alive(self) -> None:
        now = self._clock.now()
        try:
            await self._store.record(Change(at=now, settings={ALIVE: repr(now)}))
        except StoreError as error:
            self._at.engine.store_refused(error)

    async def _mend_the_past(self) -> None:
        """Where the clock was set back while no daemon ran, what is pending would lie too far ahead."""
        now = self._clock.now()
        ahead = float(await self._store.setting(ALIVE, repr(now))) - now
        if ahead > 2 * ALIVE_EVERY:
            recent = [one.id for one in await self._store.incidents(since=now - REMEMBERED)]
            silences = Silences(self._store)
            await silences.load(self._settings.platforms, now + ahead)
            settings = {**silences.moved(-ahead), ALIVE: repr(now)}  # once: the next start shall not do it again
            await self._store.step_clock(-ahead, recent, now=now, settings=settings)
            self._journal.say("clock_stepped", seconds=-ahead)

    async def _tell_gap(self) -> None:
        """Nobody knows what happened while nobody watched, and nobody shall think otherwise."""
        gap = self._clock.now() - float(await self._store.setting(ALIVE, repr(self._clock.now())))
        if gap > 2 * ALIVE_EVERY:
            await self._put_down("gap_noticed", seconds=round(gap), reason="the daemon was not running")
            self._journal.say("gap_noticed", duration=gap, reason="the daemon was not running")
        await self._note_alive()

    async def _beat(self) -> None:
        if self._settings.heartbeat is not None and self._progress():
            await self._checkup.beat(self._settings.heartbeat, user_agent(self._settings))

    async def _spool(self) -> None:
        """Take in the posts that other programs handed in; cut off at any moment, it goes on with the next scan."""
        if self._at.spool is None:
            return
        try:
            await self._at.spool.scan()
        except StoreError as error:
            self._at.engine.store_refused(error)
        self._kicked.set()

    async def _measure(self) -> None:
        """What others alarm on, for as long as there is progress: a file that is not renewed says so by its age."""
        if self._settings.metrics is None or not self._progress():
            return
        text = exposition(await status(self._at.engine, self._checkup.healths, self._clock.now()))
        try:
            await asyncio.to_thread(put_down, self._settings.metrics.file, text)
        except OSError as error:
            self._journal.say_on_change("metrics", "metrics_failed", reason=str(error))

    # -- reload ----------------------------------------------------------------------------------------------

    def _hung_up(self) -> None:
        """SIGHUP asks for a reload, and has nobody to answer: what is wrong is said in the journal."""
        task = asyncio.get_running_loop().create_task(self._reload_unasked())
        self._hangups.add(task)
        task.add_done_callback(self._hangups.discard)

    async def _reload_unasked(self) -> None:
        try:
            await self.reload("whoever sent the signal SIGHUP")
        except RequestError:
            return  # said by the reload itself
        except StoreError as error:
            self._at.engine.store_refused(error)
        except Exception as error:  # noqa: BLE001  the old configuration goes on
            self._journal.bug("the reload", error)

    async def reload(self, by: str) -> str:
        """The new configuration, or the old one and a RequestError that lists every problem (rule O3)."""
        async with self._reloading:
            self._manager.reloading(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
            try:
                return await self._reload(by)
            finally:
                self._manager.ready(await self._line())

    async def _reload(self, by: str) -> str:
        try:
            settings = load(self._settings.path, self._env, registry)
        except ConfigError as error:
            tell_rejected(self._journal, error, str(self._settings.path))
            problems = "\n".join(map(str, error.problems))
            raise RequestError(f"the old configuration stays in force:\n{problems}") from None
        if (settings.state, settings.control) != (self._settings.state, self._settings.control):
            reason = "`state` and `control` cannot be changed by a reload; restart the daemon"
            self._journal.say("config_rejected", path=str(settings.path), problems_count=1, reason=reason)
            raise RequestError(reason)
        self._journal.hide(settings.secrets)
        await self._let_finish(self._at.courier, RELOAD_GRACE)
        if self._stopping.is_set():
            raise RequestError("the daemon is about to stop; the next start reads the new configuration")
        self._scheduler.pause()
        try:
            await self._exchange(settings)
        except OSError as error:
            reason = f"the old configuration stays in force: {error}"
            self._journal.say("config_rejected", path=str(settings.path), problems_count=1, reason=reason)
            raise RequestError(reason) from None
        finally:
            self._at.asker.start()  # also where the old one goes on
            if not self._stopping.is_set():
                self._scheduler.resume()
        LastGood(self._env).keep(settings.path)
        await self._put_down("config_loaded", path=str(settings.path), by=by)
        self._journal.say("config_loaded", path=str(settings.path))
        for notice in settings.notices:
            self._journal.say("config_notice", reason=notice)
        return f"{settings.path} is in force."

    async def _exchange(self, settings: Settings) -> None:
        """The new configuration takes the place of the old one, and what was seen goes with it."""
        await self._break_off()
        old, old_stack = self._at, self._stack
        await self._assemble(settings)
        probes = {name: frozenset(p.name for p in one.probes) for name, one in settings.platforms.items()}
        self._at.engine.inherit(old.engine, probes)
        await old_stack.aclose()


async def keep_up(clock: Clock, engine: Engine) -> bool:
    """Where the wall clock was set, everything pending moves, then our clock; did they?

    If the disk refuses, neither does, and it is tried again: with the clock alone, what is owed would expire unsaid.
    """
    seconds = clock.look()
    if not seconds:
        return True
    try:
        await engine.step(seconds, clock.now() + seconds)
    except StoreError as error:
        engine.store_refused(error)
        return False
    clock.adopt(seconds)
    return True


def tell_rejected(journal: Journal, error: ConfigError, path: str) -> None:
    """Every problem on a line of its own, then the verdict."""
    for problem in error.problems:
        journal.say("config_problem", problem=str(problem))
    count = len(error.problems)
    journal.say("config_rejected", path=path, problems_count=count, reason=str(error.problems[0]))
