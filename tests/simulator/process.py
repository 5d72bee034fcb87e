"""One process: the shipping parts wired as `assembly` wires them, on a store whose every commit may be the last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from failover.courier import Courier, Outlet
from failover.delivery import Delivery, Policy
from failover.desk import Desk
from failover.engine import Engine
from failover.events import mistakes
from failover.incidents import Calm
from failover.lookout import Look, Lookout
from failover.model import Evidence, Statement
from failover.plans import House, Saying
from failover.retraction import Retraction
from failover.routing import Route, Voice
from failover.store import Store
from failover.watches import Watch
from tests.simulator.public import Fuse, Killed, Mouth
from tests.simulator.scenario import BEGINNING, GROUPS, Config, Setup
from tests.simulator.sky import Eye

if TYPE_CHECKING:
    from tests.simulator.life import Life

DEADLINE = 30.0
PLATFORM_OF = {"facebook-page": "facebook", "x-account": "x", "telegram": "telegram"}
READS_BACK = {"blog": False}


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


def assemble(life: Life, config: Config, fuse: Fuse) -> Process:
    journal = Diary(life)
    engine = Engine(life.store, house(life.setup, config), watches(life, config), journal, _woken)
    mouths = {name: Mouth(name, PLATFORM_OF.get(name), life.world, fuse) for name in config.channels}
    outlets = {
        name: Outlet(name=name, channel=mouth, policy=policy(life, name, config), platform=PLATFORM_OF.get(name))
        for name, mouth in mouths.items()
    }
    looks = [look(life, source) for source in life.setup.sources if source.platform in config.platforms]
    desk = Desk(engine)
    return Process(
        config=config,
        fuse=fuse,
        engine=engine,
        courier=Courier(engine, outlets, life.now),
        desk=desk,
        retraction=Retraction(engine, desk, outlets),
        lookout=Lookout(engine, looks, Eye(life.sky.anchors, life.true_now), life.now, fast=life.setup.fast),
        mouths=mouths,
        offset=life.offset,
    )


def policy(life: Life, name: str, config: Config) -> Policy:
    reads_back = READS_BACK.get(name, True)
    when_unsure = "hold" if reads_back else config.when_unsure
    return Policy(settle=life.setup.settle, deadline=DEADLINE, reads_back=reads_back, when_unsure=when_unsure)


def look(life: Life, source: Any) -> Look:
    return Look(
        platform=source.platform,
        name=source.name,
        probe=Eye(life.sky.timelines[source.id], life.true_now),
        evidence=Evidence(source.evidence),
        every=life.setup.every,
        fastest=life.setup.fast,
        timeout=10.0,
        on_suspicion=source.on_suspicion,
    )


def watches(life: Life, config: Config) -> dict[str, Watch]:
    windows = [(name, BEGINNING + start, BEGINNING + until) for name, start, until in config.maintenance]
    accounts = {source.platform for source in life.setup.sources if source.name == "account"}
    return {
        name: Watch(
            name=name,
            title=name.title(),
            group=GROUPS[name],
            rules=replace(life.rules[name], accounts=frozenset({"account"} if name in accounts else ())),
            maintenance=tuple((start, until, "announced") for one, start, until in windows if one == name),
        )
        for name in config.platforms
    }


def _woken() -> None:
    """The engine asks for a delivery: every step ends with one."""


def words(statement: Statement, channel: str, saying: Saying) -> tuple[str, str]:
    """Names and the reference are all that matters here."""
    return "", f"{statement.value}: {', '.join(saying.platforms)} ({saying.reference})"


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
