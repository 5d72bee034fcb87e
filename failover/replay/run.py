"""The shipping engine, courier and lookout on the stage, in virtual time.

What APScheduler does for the daemon (each look at the speed that its platform's state asks for, a tick) is done here
by a queue in virtual time.  `pace.py` says which looks and ticks are left out.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from failover.assembly import Assembly, assemble
from failover.config.kinds import Kinds
from failover.config.settings import Settings
from failover.contracts import format_duration
from failover.desk import RequestError
from failover.lines import look_up, to_texts
from failover.model import Evidence, State
from failover.replay.pace import BUSY, Pace, Pulse
from failover.replay.scenario import Act, Scenario
from failover.replay.stage import Post, Seen, Stage, StagedKinds
from failover.replay.virtual import run
from failover.store import Store


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
        self._at = at
        self._pace = Pace(stage, at, thinned=thinned)
        self._kicked = kicked
        self._chance = random.Random(seed)  # noqa: S311  jitter that can be repeated
        self._now = _clock(record)
        self._paces: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._queue: list[tuple[float, str]] = []
        self._acts = sorted(record.scenario.people, key=lambda act: act.at)
        self._states: dict[str, State] = {}
        self._pulses: dict[str, Pulse | None] = {}
        self._dormant: set[str] = set()
        self._told = 0

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
            self._put(name, self._now() + self._pace.anchors())
        elif name.startswith("act "):
            await self._act(self._acts[int(name[4:])])
        else:
            await self._look(name)
        self._follow(name)
        if self._kicked.is_set():
            self._kicked.clear()
            await self._at.courier.deliver()
            await asyncio.sleep(0)
            self._hurry()

    async def _look(self, name: str) -> None:
        look = self._at.lookout.looks[name]
        if self._at.lookout.interval(look) is not None:
            await self._at.lookout.look(name)
        now, pace = self._now(), self._spread(self._paces[name])
        rest = self._pace.rest(look, now)
        if rest > pace:
            latest = self._at.engine.seen[look.platform]
            latest[look.name] = replace(latest[look.name], good_until=now + rest + look.good_for)
        self._put(name, now + max(pace, rest))

    def _follow(self, name: str) -> None:
        """What the daemon does after every job: each look at the speed that its platform's state asks for."""
        if len(self._stage.seen) > self._told:
            self._told = len(self._stage.seen)
            self._hurry()
        if self._note_states():
            self._retune()
        look = self._at.lookout.looks.get(name)
        self._rouse([look.platform] if look else self._at.engine.watches)

    def _rouse(self, platforms: Iterable[str]) -> None:
        """Where something begins or ends, nobody rests: each looks when it would have looked without the rest."""
        for platform in platforms:
            pulse = self._pace.pulse(platform)
            if self._pulses.get(platform) == pulse:
                continue
            self._pulses[platform] = pulse
            for name, look in self._at.lookout.looks.items():
                if look.platform == platform and self._due[name] > 1.1 * self._paces[name] + self._now():
                    self._put(name, self._looked(name, self._paces[name]) + self._paces[name])

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + self._chance.uniform(-0.1, 0.1))

    def _looked(self, name: str, pace: float) -> float:
        """When this source was asked last, or would have been had it not rested."""
        look = self._at.lookout.looks[name]
        seen = self._at.engine.seen[look.platform].get(look.name)
        return self._now() - (self._now() - seen.at) % pace if seen is not None else self._now()

    def _retune(self) -> None:
        """As the daemon does it: a new pace counts from the last look; what is asked on suspicion only wakes up."""
        for name, look in self._at.lookout.looks.items():
            interval, before = self._at.lookout.interval(look), self._paces[name]
            pace = interval or look.every
            if interval is not None and name in self._dormant:
                self._put(name, self._at.lookout.next_at(look, pace))
            elif pace != before:
                self._put(name, max(self._now(), self._looked(name, before) + self._spread(pace)))
            self._paces[name] = pace
            if interval is None:
                self._dormant.add(name)
            else:
                self._dormant.discard(name)

    async def _tick(self) -> None:
        await self._at.engine.tick(self._now())
        await self._approve()
        self._kicked.clear()
        await self._at.courier.deliver()
        self._put("tick", self._now() + self._pace.tick(await self._at.engine.store.owed(), self._now()))

    def _hurry(self) -> None:
        if self._due["tick"] > self._now() + BUSY:
            self._put("tick", self._now() + BUSY)

    async def _approve(self) -> None:
        wait = self._record.approve_after
        for row in await self._at.engine.store.undecided() if wait is not None else ():
            if row.mode == "required" and wait is not None and self._now() - row.created_at >= wait:
                how = f"(assumed, {format_duration(wait) if wait else 'at once'} after being asked)"
                for who in ("somebody", "somebody else")[: row.persons - len(row.approvals)]:
                    await self._at.desk.approve(row.id, f"{who} {how}", self._now())

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
        states = self._at.engine.states()
        changed = [
            Stand(self._now(), name, state) for name, state in states.items() if self._states.get(name) != state
        ]
        self._states = states
        self._record.stands += changed
        return bool(changed)
