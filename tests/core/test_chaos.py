"""Anything in any order: looks, lies, time, deaths, objections, relapses, a full disk, a clock that is set.

Whatever happens, each channel hears an incident at most once and its end at most once, nothing is said that is not
so at that moment, and once the trouble is over everything comes to its end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from failover.audit import broken
from failover.config.settings import SIGNED
from failover.delivery import Phase, Policy, StatementRow
from failover.desk import RequestError
from failover.incidents import HOLDING_KINDS, Calm
from failover.model import Announcement, State, Statement
from failover.schema import StoreError
from failover.signoff import Signing
from tests.core.stories import (
    GREEN,
    GREY,
    HALF,
    HERE,
    HOUR,
    META,
    RED,
    VOICES,
    Killed,
    World,
    X,
    house,
    network,
    up,
    watches,
)

PLATFORMS = ("facebook", "instagram", "x")
TALKERS = ("telegram", "email", "blog", "facebook-page", "x-account")
SETTLE = 20.0
WELCOME_LATEST = 1200.0
ANSWERS = ("ok", "lost", "silent", "slow:15", "unreachable", "wait:30", "refused", "bug", "die before", "die after")
MODES = ("automatic", "veto", "required")
CALM = Calm(recover_for=200, relapse=900, intermittent_for=800)

platforms = st.sampled_from(PLATFORMS)
views = st.sampled_from([RED, RED, GREEN, GREEN, GREY, HALF])
lies = st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3)


class Chaos(RuleBasedStateMachine):
    """The world, and what must hold of it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.views: dict[str, Any] = {}
        self.world = World(":memory:")

    def build(self, holding: str, welcome: str, reach: int, own: dict[str, str], two: bool) -> None:
        policies = {name: Policy(settle=SETTLE, reads_back=name != "blog") for name in VOICES}
        self.world = World(
            ":memory:",
            house_=house(
                calm=CALM,
                routes=[replace(META, reach=reach), X],
                sign_off={Statement.HOLDING: holding, Statement.WELCOME_BACK: welcome},
                veto_for=100.0,
                signing=Signing(
                    modes={(name, kind): mode for name, mode in own.items() for kind in SIGNED},
                    two_persons=frozenset(SIGNED if two else ()),
                    valid_for=300.0,
                ),
                welcome_latest=WELCOME_LATEST,
            ),
            watches_=watches(recover_for=200),
            policies=policies,
        )
        self.do(self.world.start())
        self.listen()

    def do(self, act: Coroutine[Any, Any, Any]) -> Any:
        """Let it happen; if the process dies of it, another one starts."""
        found = None
        with suppress(Killed):
            found = self.loop.run_until_complete(act)
        died = self.world.fuse.blown or any(isinstance(bug, Killed) for bug in self.world.journal.bugs)
        if died:
            self.restart()
        return found

    def restart(self) -> None:
        self.world.store._db.execute("PRAGMA query_only = OFF")
        self.loop.run_until_complete(self.world.restart())
        self.listen()

    def listen(self) -> None:
        for name, channel in self.world.channels.items():
            channel.before_send = self.checker(name)

    # -- at the moment of speaking -------------------------------------------------------------------------

    def checker(self, name: str) -> Any:
        async def check(said: Announcement, _notebook: Any) -> None:
            world = self.world
            assert not world.engine.paused_by
            one = await world.store.incident(said.incident)
            statement_id = said.key.split("-")[0]
            statement = await world.store.statement(statement_id)
            assert one is not None
            assert statement is not None
            assert statement.decision != "vetoed"
            assert statement.mode != "required" or statement.decision == "approved"
            self.is_signed(statement, said)
            if said.statement in HOLDING_KINDS:
                self.is_true(said, one.is_open)
            else:
                await self.is_owed(said, name, one.is_open)

        return check

    def is_signed(self, statement: StatementRow, said: Announcement) -> None:
        """What a person has approved is said to the letter, and by as many people as it needs."""
        if statement.decision == "approved":
            people = {one.who for one in statement.approvals}
            assert len(people) == len(statement.approvals) == statement.persons
            assert statement.valid_until is not None
            assert self.world.now < statement.valid_until
            assert len({one.seal for one in statement.approvals}) == 1

    def is_true(self, said: Announcement, is_open: bool) -> None:
        engine, now = self.world.engine, self.world.now
        assert is_open
        assert any(engine.states()[name] is State.DOWN for name in said.platforms), "not down"
        assert not any(engine.states()[name] is State.UP for name in said.platforms), "one of them works"
        assert any(name in engine.declared or engine.tally(name, now).votes for name in said.platforms), (
            "nobody says so at this moment"
        )

    async def is_owed(self, said: Announcement, name: str, is_open: bool) -> None:
        assert said.statement is Statement.WELCOME_BACK
        assert not is_open
        assert not any(self.world.engine.states().get(one) is State.DOWN for one in said.platforms)
        rows = [row for row in await self.world.store.deliveries(said.incident) if row.statement in HOLDING_KINDS]
        heard = {row.channel for row in rows if row.heard}
        assert heard, "nobody has heard that anything was wrong"
        assert name in heard or VOICES[name].platform in said.platforms

    # -- what may happen -----------------------------------------------------------------------------------

    @initialize(
        holding=st.sampled_from(MODES),
        welcome=st.sampled_from(MODES),
        reach=st.integers(1, 3),
        own=st.dictionaries(st.sampled_from(TALKERS), st.sampled_from(MODES), max_size=2),
        two=st.booleans(),
        lies=st.dictionaries(st.sampled_from(TALKERS), lies, max_size=4),
        first=st.sets(platforms),
    )
    def begins(
        self,
        holding: str,
        welcome: str,
        reach: int,
        own: dict[str, str],
        two: bool,
        lies: dict[str, list[str]],
        first: set[str],
    ) -> None:
        self.build(holding, welcome, reach, own, two)
        for channel, answers in lies.items():
            self.world.answers[channel] += answers
        if first:
            self.an_outage(first)

    @rule(platform=platforms, view=views)
    def changes(self, platform: str, view: Any) -> None:
        self.views[platform] = view

    @rule(seconds=st.sampled_from([5.0, 30.0, 90.0, 240.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.world.live(seconds, self.views, every=min(seconds, 30.0)))

    @rule(platforms_=st.sets(platforms, min_size=1))
    def an_outage(self, platforms_: set[str]) -> None:
        """So that much of what happens happens in one."""
        self.views |= dict.fromkeys(platforms_, RED)
        self.do(self.world.live(200, self.views, every=25.0))

    @rule(platforms_=st.sets(platforms, min_size=1))
    def a_recovery(self, platforms_: set[str]) -> None:
        self.views |= dict.fromkeys(platforms_, GREEN)
        self.do(self.world.live(400, self.views, every=50.0))

    @rule(channel=st.sampled_from(TALKERS), answers=lies)
    def a_channel_lies(self, channel: str, answers: list[str]) -> None:
        self.world.answers[channel] += answers

    @rule(steps=st.integers(0, 12))
    def will_die(self, steps: int) -> None:
        self.world.burn(steps)

    @rule()
    def dies_now(self) -> None:
        self.restart()

    @rule(seconds=st.sampled_from([5.0, 60.0, 400.0]))
    def loses_its_line(self, seconds: float) -> None:
        self.do(self.world.engine.anchors(network(), self.world.now))
        self.do(self.world.live(seconds, every=50.0))
        self.do(self.world.engine.anchors(up(HERE), self.world.now))

    @rule(platform=platforms, word=st.sampled_from(["down", "up", "auto"]))
    def somebody_declares(self, platform: str, word: str) -> None:
        self.ask(self.world.desk.declare(platform, word, "", "ann", self.world.now))

    @rule(
        act=st.sampled_from(["approve", "approve", "approve", "veto"]),
        by=st.sampled_from(["ann", "bob"]),
        choice=st.integers(0, 9),
    )
    def somebody_decides(self, act: str, by: str, choice: int) -> None:
        waiting = self.loop.run_until_complete(self.world.store.undecided())
        if waiting:
            name = waiting[choice % len(waiting)].id
            desk, now = self.world.desk, self.world.now
            self.ask(desk.approve(name, by, now) if act == "approve" else desk.veto(name, "", by, now))

    @rule()
    def somebody_looks(self) -> None:
        """A person tells truly what is to be seen, once whatever comes late must have come."""
        owed = self.loop.run_until_complete(self.world.store.owed())
        for row in [row for row in owed if row.phase is Phase.HELD and self.world.now > row.began + SETTLE]:
            there = any(post.reference == row.reference for post in self.world.walls[row.channel].posts)
            self.ask(self.world.desk.resolve(row.id, sent=there, by="ann", now=self.world.now))

    @rule(seconds=st.sampled_from([5.0, 200.0]))
    def somebody_pauses(self, seconds: float) -> None:
        self.ask(self.world.desk.pause("", "ann", self.world.now))
        self.do(self.world.live(seconds, self.views, every=25.0))
        self.ask(self.world.desk.resume("ann", self.world.now))

    @rule(seconds=st.sampled_from([5.0, 60.0, 200.0]), also_dies=st.booleans())
    def the_disk_is_full(self, seconds: float, also_dies: bool) -> None:
        self.world.store._db.execute("PRAGMA query_only = ON")
        self.do(self.world.live(seconds, self.views, every=25.0))
        self.world.store._db.execute("PRAGMA query_only = OFF")
        if also_dies:
            self.restart()

    @rule(seconds=st.sampled_from([-HOUR, -300.0, 300.0, HOUR]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.world.now += seconds
        for wall in self.world.walls.values():
            wall.posts = [replace(post, at=post.at + seconds) for post in wall.posts]
        self.do(self.world.engine.step(seconds))

    def ask(self, request: Coroutine[Any, Any, Any]) -> None:
        async def asked() -> None:
            with suppress(RequestError, StoreError):
                await request

        self.do(asked())

    # -- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_said_twice(self) -> None:
        for name, wall in self.world.walls.items():
            kinds = Counter(
                (post.incident, "holding" if post.statement in HOLDING_KINDS else post.statement.value)
                for post in wall.posts
            )
            assert set(kinds.values()) <= {1}, (name, kinds)

    @invariant()
    def nobody_met_a_bug(self) -> None:
        unexpected = [
            bug
            for paper in self.world.papers
            for bug in paper.bugs
            if not isinstance(bug, Killed | LookupError)  # `Killed` and what a lying channel raises
        ]
        assert unexpected == []

    def teardown(self) -> None:
        """The trouble is over: everything comes to its end, and the record is whole."""
        try:
            self.restart()
            for answers in self.world.answers.values():
                answers.clear()
            for platform in PLATFORMS:
                self.ask(self.world.desk.declare(platform, "auto", "", "ann", self.world.now))
            self.ask(self.world.desk.resume("ann", self.world.now))
            self.views = dict.fromkeys(PLATFORMS, GREEN)
            self.do(self.world.live(2600, self.views, every=100))
            self.loop.run_until_complete(self.at_rest())
        finally:
            with suppress(AttributeError):  # it never began
                self.world.store.close()
            self.loop.close()

    async def at_rest(self) -> None:
        store = self.world.store
        assert broken(await store.audit()) == ""
        assert {row.phase for row in await store.owed()} <= {Phase.HELD}
        for one in await store.incidents():
            assert not one.is_open, one
            rows = await store.deliveries(one.id)
            silenced = any(
                row.decision == "vetoed"
                for row in await store.statements(one.id)
                if row.kind is Statement.WELCOME_BACK
            )
            welcomed = {row.channel for row in rows if row.statement is Statement.WELCOME_BACK}
            for row in rows:
                known_too_late = row.ended_at > (one.closed_at or 0.0) + WELCOME_LATEST  # a person took their time
                if row.statement in HOLDING_KINDS and row.heard and not silenced and not known_too_late:
                    assert row.channel in welcomed, (row.id, "has heard and is never welcomed back")
                if row.phase in (Phase.CANCELLED, Phase.EXPIRED, Phase.REFUSED):
                    there = [post for post in self.world.walls[row.channel].posts if post.reference == row.reference]
                    assert there == [], (row.id, row.phase, "is public, and we believe it is not")


TestChaos = Chaos.TestCase
TestChaos.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
