"""The shipping engine, courier and lookout on the stage, in virtual time.

What APScheduler does for the daemon (each look at the speed that its platform's state asks for, a tick) is done here
by a queue in virtual time.  A tick comes each second while a timer runs or something is owed, and more rarely in
calm: nothing can happen then that a look does not bring about.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from failover.assembly import Assembly, assemble
from failover.config.kinds import Kinds
from failover.config.settings import Settings
from failover.contracts import format_duration
from failover.delivery import Phase
from failover.desk import RequestError
from failover.lines import look_up, to_texts
from failover.lookout import Look
from failover.model import Evidence, State
from failover.replay.scenario import Act, Scenario
from failover.replay.stage import Post, Seen, Stage, StagedKinds
from failover.replay.virtual import run
from failover.store import Store

BUSY, OPEN, CALM = 1.0, 30.0, 60.0
"""Seconds between two ticks: something is about to happen; an incident is open; nothing is the matter."""

ANCHORS_EVERY = 30.0

SETTLED = 3
"""After this many looks with one answer, a source that will not change its answer soon is looked at rarely."""

RARELY = 1800.0
"""Seconds at most between two looks whose answers are known beforehand; what a source said is held good so long."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the daemon's journal, as `journalctl` would show it."""

    at: float
    event: str
    message: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Stand:
    """Since when a platform stands how."""

    at: float
    platform: str
    state: State


@dataclass
class Record:
    """Everything that was seen, decided and said; times in seconds since the epoch (UTC)."""

    scenario: Scenario
    settings: Settings
    begins: float
    ends: float
    approve_after: float | None
    seen: list[Seen] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    journal: list[Line] = field(default_factory=list)
    stands: list[Stand] = field(default_factory=list)
    evidence: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    """(platform, probe) -> the class that the probe's answers usually have."""

    @property
    def watched(self) -> tuple[str, ...]:
        """The scenario's platforms that the configuration watches."""
        return tuple(name for name in self.scenario.platforms if name in self.settings.platforms)


class _Scribe:
    """A journal that only remembers."""

    def __init__(self, record: Record, stage: Stage) -> None:
        self._record = record
        self._stage = stage
        self._said: dict[str, tuple[str, object]] = {}

    def say(self, name: str, /, **fields: object) -> None:
        line = look_up(None, "", to_texts(None, "", {"event": name, "level": None, "fields": fields}))
        at = self._stage.at + self._record.scenario.onset
        self._record.journal.append(Line(at, name, line["message"], line["fields"]))

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool:
        news = self._said.get(key) != (name, fields.get("reason"))
        if news:
            self._said[key] = (name, fields.get("reason"))
            self.say(name, **fields)
        return news

    def bug(self, where: str, error: BaseException) -> None:
        raise RuntimeError(f"a bug in {where}") from error


def perform(
    scenario: Scenario,
    settings: Settings,
    kinds: Kinds,
    *,
    seed: int = 1,
    approve_after: float | None = None,
    thinned: bool = True,
) -> Record:
    """Play the scenario.  `approve_after` seconds after it was asked, a person approves; None: nobody answers.

    `thinned` leaves out looks whose answers are known and could change nothing (a test holds the two together).
    """
    record = Record(
        scenario=scenario,
        settings=settings,
        begins=scenario.onset + scenario.begins,
        ends=scenario.onset + scenario.ends,
        approve_after=approve_after,
    )
    run(_performed(record, kinds, seed, thinned=thinned))
    return record


async def _performed(record: Record, kinds: Kinds, seed: int, *, thinned: bool) -> None:
    loop = asyncio.get_running_loop()
    stage = Stage(record.scenario, record.settings, lambda: record.begins + loop.time(), seed)
    kicked = asyncio.Event()
    store = Store.open(":memory:")
    try:
        staged = StagedKinds(kinds, stage)
        scribe = _Scribe(record, stage)
        async with assemble(record.settings, staged, store, scribe, _clock(record), kicked.set) as at:
            record.evidence = {(look.platform, look.name): look.evidence for look in at.lookout.looks.values()}
            await at.engine.load(record.begins)
            await _Play(stage, record, at, kicked, seed, thinned=thinned).run()
            await at.lookout.stop()
            await at.courier.stop()
    finally:
        store.close()
    record.seen, record.posts = stage.seen, sorted(stage.posts, key=lambda post: post.at)


def _clock(record: Record) -> Callable[[], float]:
    loop = asyncio.get_running_loop()
    return lambda: record.begins + loop.time()


class _Play:
    """The queue of what is due: looks, ticks, the anchors, people."""

    def __init__(
        self, stage: Stage, record: Record, at: Assembly, kicked: asyncio.Event, seed: int, *, thinned: bool
    ) -> None:
        self._stage = stage
        self._record = record
        self._thinned = thinned
        self._at = at
        self._kicked = kicked
        self._chance = random.Random(seed)  # noqa: S311  jitter that can be repeated
        self._now = _clock(record)
        self._paces: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []
        self._acts = sorted(record.scenario.people, key=lambda act: act.at)
        self._states: dict[str, State] = {}

    async def run(self) -> None:
        """To the end of the scenario."""
        begins = self._record.begins
        self._put("anchors", begins)
        self._put("tick", begins + BUSY)
        for name, look in self._at.lookout.looks.items():
            self._paces[name] = look.every
            self._put(name, begins + self._chance.uniform(0.2, min(5.0, look.every / 4)))
        for index, act in enumerate(self._acts):
            self._put(f"act {index}", self._record.scenario.onset + act.at)
        while self._queue and self._queue[0][0] <= self._record.ends:
            due, name = heapq.heappop(self._queue)
            if self._due.get(name) != due:
                continue  # put forward or off meanwhile
            await asyncio.sleep(max(0.0, due - self._now()))
            await self._happens(name)

    def _put(self, name: str, due: float) -> None:
        self._due[name] = due
        heapq.heappush(self._queue, (due, name))

    async def _happens(self, name: str) -> None:
        if name == "tick":
            await self._tick()
        elif name == "anchors":
            await self._at.lookout.ask_anchors()
            calm = all(state is State.UP for state in self._states.values()) and not self._at.engine.line.offline
            self._put(name, self._now() + (10 if calm else 1) * ANCHORS_EVERY)
        elif name.startswith("act "):
            await self._act(self._acts[int(name[4:])])
        else:
            await self._look(name)
        if self._note_states():
            self._retune()
        if self._kicked.is_set():
            self._kicked.clear()
            await self._at.courier.deliver()
            await asyncio.sleep(0)
            self._hurry()

    async def _look(self, name: str) -> None:
        look = self._at.lookout.looks[name]
        if self._at.lookout.interval(look) is not None:
            await self._at.lookout.look(name)
        pace = self._spread(self._paces[name])
        rest = self._rest(look) if self._thinned else 0.0
        if rest > pace:
            latest = self._at.engine.seen[look.platform]
            latest[look.name] = replace(latest[look.name], good_until=self._now() + rest + look.good_for)
        self._put(name, self._now() + max(pace, rest))

    def _rest(self, look: Look) -> float:
        """Seconds in which looking again could tell nothing new; 0.0 where that is not known."""
        seen = self._at.engine.seen[look.platform].get(look.name)
        settled = self._states.get(look.platform) in (State.UP, State.DOWN)
        if seen is None or seen.looks < SETTLED or not settled or self._stage.noisy(look.platform):
            return 0.0
        return min(self._stage.quiet_for(look.platform) - SETTLED * look.every, RARELY)

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + self._chance.uniform(-0.1, 0.1))

    def _retune(self) -> None:
        for name, look in self._at.lookout.looks.items():
            pace = self._at.lookout.interval(look) or look.every
            if pace != self._paces[name]:
                self._paces[name] = pace
                self._put(name, self._now() + self._spread(pace))

    async def _tick(self) -> None:
        await self._at.engine.tick(self._now())
        await self._approve()
        self._kicked.clear()
        await self._at.courier.deliver()
        self._put("tick", self._now() + await self._gap())

    def _hurry(self) -> None:
        if self._due["tick"] > self._now() + BUSY:
            self._put("tick", self._now() + BUSY)

    async def _gap(self) -> float:
        """Seconds to the next tick."""
        if any(row.phase in (Phase.READY, Phase.SENDING, Phase.UNSURE) for row in await self._at.engine.store.owed()):
            return BUSY
        left = list(self._timers())
        soon = min(left, default=CALM)
        usual = OPEN if any(one.is_open for one in self._at.engine.recent) else CALM
        return max(BUSY, min(usual, soon))

    def _timers(self) -> Iterator[float]:
        """Seconds until a state may change merely because time has passed."""
        engine, now = self._at.engine, self._now()
        for name, standing in engine.standings.items():
            rules = engine.watches[name].rules
            if standing.quorum_since is not None and standing.state is not State.DOWN:
                yield max(0.0, standing.quorum_since + rules.confirm_for - now)
            if standing.calm_since is not None and standing.state is not State.UP:
                yield max(0.0, standing.calm_since + rules.recover_for - now)

    async def _approve(self) -> None:
        wait = self._record.approve_after
        for row in await self._at.engine.store.undecided() if wait is not None else ():
            if row.mode == "required" and wait is not None and self._now() - row.created_at >= wait:
                who = f"somebody (assumed, {format_duration(wait) if wait else 'at once'} after being asked)"
                await self._at.desk.approve(row.id, who, self._now())

    async def _act(self, act: Act) -> None:
        """Somebody does something; where it makes no sense any more, nothing happens."""
        desk, now, by = self._at.desk, self._now(), "somebody (in the scenario)"
        waiting = await self._at.engine.store.undecided()
        try:
            match act.does:
                case "declare" if act.platform in self._at.engine.watches:
                    await desk.declare(str(act.platform), str(act.state), "", by, now)
                case "approve":
                    for row in waiting:
                        await desk.approve(row.id, by, now)
                case "veto":
                    for row in waiting:
                        await desk.veto(row.id, "", by, now)
                case "pause":
                    await desk.pause("", by, now)
                case "resume":
                    await desk.resume(by, now)
        except RequestError:
            return
        finally:
            self._kicked.set()

    def _note_states(self) -> bool:
        """True when a platform has changed its state."""
        changed = [
            (name, state) for name, state in self._at.engine.states().items() if self._states.get(name) != state
        ]
        self._states.update(changed)
        self._record.stands += [Stand(self._now(), name, state) for name, state in changed]
        return bool(changed)
