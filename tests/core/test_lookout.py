"""One look: at its pace, within its budget, counted durably and never with a write of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from failover.budget import month_of
from failover.lookout import LONGEST_FRESH, Look, Lookout
from failover.model import Sighting, State
from failover.standing import Rules
from failover.store import Change, Store
from tests.core.stories import GREEN, NOON, RED, SPOKEN, World, account, down, unknown, up

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


class Probe:
    """Answers with `answer`; counts how often it was asked."""

    def __init__(self, answer: Sighting) -> None:
        self.answer = answer
        self.asked = 0

    async def look(self) -> Sighting:
        self.asked += 1
        return self.answer


def a_look(probe: Probe, name: str = "api", **changes: Any) -> Look:
    values: dict[str, Any] = {"every": 60.0, "fastest": 15.0, "timeout": 10.0, "evidence": SPOKEN, **changes}
    return Look(platform="facebook", name=name, probe=probe, **values)


class House:
    """A world with a lookout, whose clock the test moves; `writes` are the changes that were committed."""

    def __init__(self, *looks: Look, path: Path | str = ":memory:") -> None:
        self.looks = looks
        self.world = World(path)
        self.writes: list[Change] = []
        self.anchors = Probe(up())

    async def start(self) -> Lookout:
        await self.world.start()
        self.lookout = Lookout(self.world.engine, self.looks, self.anchors, lambda: self.world.now, fast=15.0)
        return self.lookout

    async def look(self, times: int = 1, every: float = 1.0, name: str = "api") -> None:
        for _ in range(times):
            await self.lookout.look(f"facebook/{name}")
            self.world.now += every

    def used(self, name: str = "api") -> int:
        return self.world.engine.usage.looks(f"facebook/{name}", self.world.now)


async def a_house(*looks: Look, path: Path | str = ":memory:") -> House:
    house = House(*looks, path=path)
    await house.start()
    return house


# -- the pace ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "steady", "seconds"),
    [
        (State.UP, None, 60),
        (State.UP, 600.0, 600),
        (State.UNKNOWN, 600.0, 600),
        (State.SUSPECT, None, 20),
        (State.SUSPECT, 600.0, 20),
        (State.DOWN, 600.0, 30),
        (State.RECOVERING, 600.0, 30),
    ],
)
def test_only_the_steady_pace_is_stretched(state: State, steady: float | None, seconds: float) -> None:
    """On suspicion the source is asked as fast as ever, within what is left."""
    assert a_look(Probe(up()), fastest=20.0).interval(state, 15.0, steady) == seconds


@pytest.mark.parametrize(("passed", "waits"), [(50.0, 0.0), (15.0, 0.0), (4.0, 11.0)], ids=str)
async def test_a_new_pace_counts_from_the_last_look(passed: float, waits: float) -> None:
    """What has not been asked for long is asked in the moment of a suspicion; no source sooner than it allows."""
    look = a_look(Probe(up()))
    house = await a_house(look)
    assert house.lookout.next_at(look, 15.0) == house.world.now
    await house.look(every=passed)

    assert house.lookout.next_at(look, 15.0) == house.world.now + waits


async def test_the_pace_stays_the_same_from_one_look_to_the_next() -> None:
    """A job that is given a new pace starts anew: one that changed each second would never come to its end."""
    house = await a_house(a_look(Probe(up()), budget=51))
    look = house.lookout.looks["facebook/api"]
    await house.look()
    paces = set()
    for _ in range(300):
        house.world.now += 1
        paces.add(house.lookout.interval(look))

    assert len(paces) == 1
    assert paces.pop() == pytest.approx((DECEMBER - NOON) / (50 * 0.9), abs=1)


async def test_a_new_month_brings_the_old_pace_back() -> None:
    house = await a_house(a_look(Probe(up()), budget=100_000))
    house.world.engine.usage.count("facebook/api", house.world.now)
    for _ in range(99_998):
        house.world.engine.usage.count("facebook/api", house.world.now)
    look = house.lookout.looks["facebook/api"]

    assert house.lookout.interval(look) > 86400  # type: ignore[operator]
    house.world.now = DECEMBER
    assert house.lookout.interval(look) == 60


@pytest.mark.parametrize(
    ("sighting", "steady", "seconds"),
    [
        (up(), 60, 160),
        (up(), 600, 1500),
        (up(), 10**6, LONGEST_FRESH),
        (down(), 600, 160),
        (unknown(), 600, 160),
    ],
    ids=["as-ever", "stretched", "not-for-ever", "votes-are-not", "nothing-is-not"],
)
def test_it_works_is_fresh_until_the_next_stretched_look_and_a_vote_is_not(
    sighting: Sighting, steady: float, seconds: float
) -> None:
    """Else a source with a budget would be stale most of the time; an old vote must never decide."""
    assert a_look(Probe(up())).lasts(sighting, steady) == seconds


# -- the budget --------------------------------------------------------------------------------------------------


async def test_what_is_used_up_is_not_asked_and_told_once_and_is_no_vote() -> None:
    probe = Probe(up())
    house = await a_house(a_look(probe, budget=3))
    await house.look(times=10)

    assert probe.asked == 3
    seen = house.world.engine.tally("facebook", house.world.now)
    assert [one.sighting.reason for one in seen.account] == ["budget of 3 looks for November is used up"]
    assert (seen.votes, seen.works, seen.doubts) == ({}, (), ())
    told = house.world.journal.said("source_budget_spent")
    assert told == [{"platform": "facebook", "probe": "api", "reason": "budget of 3 looks for November is used up"}]
    assert house.world.journal.said("source_unknown") == []
    assert house.world.journal.said("account_trouble") == []


async def test_on_suspicion_it_is_asked_within_what_is_left() -> None:
    probe = Probe(down())
    house = await a_house(a_look(probe, budget=20))
    await house.look()
    assert house.world.state() is State.SUSPECT
    assert house.lookout.interval(house.lookout.looks["facebook/api"]) == 15

    await house.look(times=40, every=15)
    assert probe.asked == 20


async def test_a_vote_whose_source_may_not_be_asked_any_more_ends() -> None:
    """Nobody must be held down by a voice that cannot take it back."""
    house = await a_house(a_look(Probe(down()), budget=2))
    await house.look(times=3)

    assert house.world.engine.tally("facebook", house.world.now).votes == {}


async def test_it_is_asked_again_when_the_next_month_begins_and_that_is_told() -> None:
    probe = Probe(up())
    house = await a_house(a_look(probe, budget=2))
    await house.look(times=4)
    house.world.now = DECEMBER
    await house.look()

    assert probe.asked == 3
    assert len(house.world.journal.said("source_back")) == 1


async def test_two_accounts_without_a_budget_left_are_not_two_that_are_refused() -> None:
    """R2 asks a person when several accounts are refused at once; here nobody refused anything."""
    first, second = a_look(Probe(up()), "account", budget=1), a_look(Probe(up()), "account-2", budget=1)
    house = House(first, second)
    watched = frozenset({"account", "account-2"})
    house.world.watches["facebook"] = replace(house.world.watches["facebook"], rules=Rules(accounts=watched))
    await house.start()
    for name in ("account", "account-2"):
        await house.look(times=2, name=name)
    await house.world.look("facebook", {"crowd": down()})
    assert house.world.journal.said("person_needed") == []

    await house.world.look("facebook", {"account": account(), "account-2": account()})
    await house.world.look("facebook", {"crowd": down()})
    assert len(house.world.journal.said("person_needed")) == 1


async def test_recovery_does_not_wait_for_an_account_that_may_not_be_asked() -> None:
    """Else an outage would last until the month ends."""
    house = House(a_look(Probe(up()), "account", budget=1))
    rules = Rules(accounts=frozenset({"account"}))
    house.world.watches["facebook"] = replace(house.world.watches["facebook"], rules=rules)
    await house.start()
    for views in [RED] * 6 + [GREEN] * 34:
        await house.look(every=30, name="account")
        await house.world.look("facebook", views)

    assert house.world.state() is State.UP


# -- counted durably ---------------------------------------------------------------------------------------------


class Counting(Store):
    """Keeps what was committed."""

    written: list[Change] = []  # noqa: RUF012  emptied by the test

    async def record(self, change: Change) -> None:
        await super().record(change)
        self.written.append(change)


async def counting(house: House) -> list[Change]:
    await house.start()
    Counting.written = []
    house.world.engine.store = Counting(house.world.store._db)
    return Counting.written


async def test_a_look_never_costs_a_write_of_its_own_and_a_minute_at_most_one() -> None:
    house = House(a_look(Probe(up())), a_look(Probe(up()), "crowd"))
    writes = await counting(house)
    for _ in range(600):
        await house.look(every=0.5)
        await house.look(every=0.5, name="crowd")

    alone = [change for change in writes if change.usage and not (change.observations or change.transitions)]
    assert len(alone) in range(8, 12), "ten minutes"
    assert (house.used(), house.used("crowd")) == (600, 600)


async def test_what_is_on_the_disk_is_not_written_again() -> None:
    house = House(a_look(Probe(up())))
    writes = await counting(house)
    await house.look(times=3)
    await house.lookout.stop()
    before = len(writes)
    await house.lookout.stop()

    assert [change.usage for change in writes if change.usage][-1] == {("facebook/api", "2026-11"): 3}
    assert len(writes) == before


async def test_the_first_look_after_a_start_is_on_the_disk_at_once(tmp_path: Path) -> None:
    """A daemon that dies again and again within the minute asks, and pays, each time."""
    house = House(a_look(Probe(up()), budget=3), path=tmp_path / "failover.db")
    for _ in range(5):
        await house.start()
        await house.look()
        house.world.die()
        house.world.now += 10

    await house.start()
    assert house.used() == 3


async def test_what_was_counted_is_on_the_disk_after_an_orderly_end(tmp_path: Path) -> None:
    house = await a_house(a_look(Probe(up())), path=tmp_path / "failover.db")
    await house.look(times=7)
    await house.lookout.stop()
    await house.world.restart()

    assert house.used() == 7


async def test_a_reload_goes_on_counting_though_nothing_could_be_written() -> None:
    house = await a_house(a_look(Probe(up())))
    await house.look(times=7)
    before = house.world.engine
    await house.world.boot()
    house.world.engine.inherit(before, {})

    assert house.used() == 7


async def test_months_long_past_are_forgotten() -> None:
    house = await a_house()
    usage = {("facebook/api", month): 5 for month in ("2026-05", "2026-11")}
    await house.world.store.record(Change(at=NOON, usage=usage))

    await house.world.store.prune(NOON - 90 * 86400)
    assert await house.world.store.usage("2026-05") == {}
    assert await house.world.store.usage(month_of(NOON)) == {("facebook/api", "2026-11"): 5}
