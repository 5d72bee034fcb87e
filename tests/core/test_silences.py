"""A platform is kept quiet for a while: by a person, or by maintenance that comes again each week."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from failover.desk import RequestError
from failover.hours import Hours
from failover.model import State, Statement
from failover.silences import LONGEST, Silences
from tests.core.stories import GREEN, HOUR, MINUTE, NOON, RED, World, watches


async def world_on(path: Path | str = ":memory:") -> World:
    world = World(path)
    await world.start()
    await world.live(120, {"facebook": GREEN})
    return world


async def test_trouble_of_a_silenced_platform_is_no_news_and_is_news_again_afterwards() -> None:
    world = await world_on()
    told = await world.desk.silence("facebook", HOUR, "we are moving offices", "ann", world.now)
    await world.live(55 * MINUTE, {"facebook": RED})

    assert told == "Trouble of facebook is no news for 1h."
    assert world.posts() == {}
    assert world.state() is not State.DOWN
    await world.live(10 * MINUTE, {"facebook": RED})
    assert world.posts() == {"telegram": 1, "email": 1, "blog": 1}
    assert world.journal.names.count("silenced") == world.journal.names.count("silence_ended") == 1


async def test_a_person_can_end_it_before_its_time_once() -> None:
    world = await world_on()
    await world.desk.silence("facebook", HOUR, "", "ann", world.now)
    await world.desk.silence("facebook", 0, "", "bob", world.now)

    assert world.journal.said("silence_ended") == [{"platform": "facebook", "by": "bob"}]
    with pytest.raises(RequestError, match="facebook is not silenced"):
        await world.desk.silence("facebook", 0, "", "bob", world.now)


async def test_it_outlives_the_process_and_ends_in_the_next_one(tmp_path: Path) -> None:
    world = await world_on(tmp_path / "failover.db")
    await world.desk.silence("facebook", HOUR, "", "ann", world.now)
    await world.restart()

    silence = world.engine.silences.of("facebook", world.now)
    assert silence is not None
    assert silence.by == "ann"
    await world.live(HOUR, {"facebook": GREEN})
    assert world.engine.silences.of("facebook", world.now) is None
    await world.restart()
    assert world.engine.silences.expired(world.now) == []
    events = [entry.event for entry in await world.store.audit()]
    assert events.count("silenced") == events.count("silence_ended") == 1


async def test_a_set_clock_does_not_shorten_it() -> None:
    world = await world_on()
    await world.desk.silence("facebook", HOUR, "", "ann", world.now)
    world.now += 10 * HOUR
    await world.engine.step(10 * HOUR, world.now)

    assert world.engine.silences.of("facebook", world.now + HOUR - 1) is not None


async def test_of_an_open_incident_nothing_new_is_said_and_it_stays_open() -> None:
    world = await world_on()
    await world.fall("facebook")
    told = await world.desk.silence("facebook", HOUR, "", "ann", world.now)

    assert "Incident 1 stays open" in told
    await world.live(30 * MINUTE, {"facebook": RED})
    assert world.state() is State.DOWN


@pytest.mark.parametrize("green", ["crowd", "api"])
async def test_a_silence_is_no_recovery_while_the_sources_go_on_saying_down(green: str) -> None:
    """Found in a review: a green status page beside muted votes looked like the end of it."""
    world = await world_on()
    await world.fall("facebook")
    await world.desk.silence("facebook", 4 * HOUR, "", "ann", world.now)
    await world.live(2 * HOUR, {"facebook": {**RED, green: GREEN[green]}})

    assert world.state() in (State.DOWN, State.RECOVERING)
    assert world.posts(Statement.WELCOME_BACK) == {}
    await world.live(HOUR, {"facebook": GREEN})
    assert world.posts(Statement.WELCOME_BACK)["telegram"] == 1


async def test_not_for_ever_and_not_for_what_nobody_watches() -> None:
    world = await world_on()
    with pytest.raises(RequestError, match="expected at most 14d"):
        await world.desk.silence("facebook", LONGEST + 1, "", "ann", world.now)
    with pytest.raises(RequestError, match="did you mean facebook"):
        await world.desk.silence("facebok", HOUR, "", "ann", world.now)


async def test_of_a_platform_that_is_no_longer_watched_nothing_is_remembered() -> None:
    world = await world_on()
    await world.desk.silence("facebook", HOUR, "", "ann", world.now)
    others = Silences(world.store)
    await others.load(["x"], world.now)

    assert others.why("facebook", world.now) == ""


async def test_a_clock_that_was_far_ahead_leaves_no_silence_for_a_year() -> None:
    world = await world_on()
    world.now += 366 * 24 * HOUR
    await world.desk.silence("facebook", HOUR, "", "ann", world.now)
    again = Silences(world.store)
    await again.load(["facebook"], world.now - 366 * 24 * HOUR)

    silence = again.of("facebook", world.now - 366 * 24 * HOUR)
    assert silence is not None
    assert silence.until <= world.now - 366 * 24 * HOUR + LONGEST


async def test_maintenance_that_comes_again_is_no_outage() -> None:
    """11:06 to 12:00 on a Wednesday, and the Thursday after."""
    weekly = (Hours(11 * 60, 12 * 60, days=frozenset({2})), "the weekly update")
    names = watches()
    names["facebook"] = replace(names["facebook"], recurring=(weekly,))

    assert names["facebook"].quiet(NOON) == "the weekly update"
    assert names["facebook"].quiet(NOON + HOUR) == ""
    assert names["facebook"].quiet(NOON + 24 * HOUR) == ""
    world = World(":memory:", watches_=names)
    await world.start()
    await world.live(40 * MINUTE, {"facebook": RED})
    assert world.posts() == {}
