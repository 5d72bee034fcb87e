"""Evidence that may have one cause, over hours: a firewall, a provider, a crowd that grumbles, a dead line."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from failover.model import Sighting, Signal, State, Statement
from failover.silences import Silence
from failover.standing import Declaration
from tests.core.stories import (
    CROWD,
    ELSEWHERE,
    HERE,
    HOUR,
    MINUTE,
    OFFICIAL,
    RED,
    SPOKEN,
    World,
    down,
    house,
    network,
    unknown,
    up,
)

ONCE = {"telegram": 1, "email": 1, "blog": 1}
FAILS, WORKS = down(HERE, "timed out"), up(HERE)
GRUMBLES, CALM = down(CROWD, "many reports"), up(CROWD)
BLOCKED = {"web": FAILS, "crowd": CALM}
BOTH = {"web": FAILS, "crowd": GRUMBLES}
WELL = {"web": WORKS, "crowd": CALM}
GRUMBLING = {"web": WORKS, "crowd": GRUMBLES}


@pytest.fixture
async def world() -> World:
    town = World(":memory:")
    await town.start()
    return town


Views = Mapping[str, Mapping[str, Sighting]]


async def lives(world: World, seconds: float, views: Views, *, every: float = 30.0, line: Sighting = WORKS) -> None:
    """So much time passes; after every look our own line is checked."""
    until = world.now + seconds
    while world.now < until:
        world.now += every
        for platform, view in views.items():
            await world.look(platform, view)
        await world.engine.anchors(line, world.now)
        await world.deliver()


def asked(world: World) -> list[str]:
    return [one["reason"] for one in world.journal.said("person_needed")]


# -- lost credit stays lost --------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", ["a silent source", "a dead line", "a restart", "one good look"])
async def test_a_crowd_that_has_long_grumbled_is_not_believed_at_once_after_a_gap(world: World, gap: str) -> None:
    await lives(world, 3 * HOUR, {"facebook": GRUMBLING})
    match gap:
        case "a silent source":
            await lives(world, 60, {"facebook": {"web": WORKS, "crowd": unknown(CROWD, "HTTP 403")}})
        case "a dead line":
            await lives(world, 60, {"facebook": GRUMBLING}, line=network(HERE, "no anchor answers"))
        case "a restart":
            await world.restart()
        case _:
            await lives(world, 30, {"facebook": WELL})
    await lives(world, 4 * MINUTE, {"facebook": BOTH})
    assert world.posts() == {}
    assert world.state() is State.SUSPECT


@pytest.mark.parametrize("gap", ["a restart", "one good look", "a red page for a minute"])
async def test_what_our_firewall_blocks_is_no_outage_after_a_gap_either(world: World, gap: str) -> None:
    await lives(world, 3 * HOUR, {"facebook": BLOCKED})
    match gap:
        case "a restart":
            await world.restart()
        case "one good look":
            await lives(world, 30, {"facebook": WELL})
            await lives(world, 3 * MINUTE, {"facebook": BLOCKED})
        case _:
            await lives(world, 60, {"facebook": {**BOTH, "page": down(OFFICIAL)}})
    await lives(world, 20 * MINUTE, {"facebook": {**BOTH, "page": up(OFFICIAL)}})
    assert world.posts() == {}


# -- what counts for nothing leaves nothing behind ---------------------------------------------------------------


async def test_looks_made_while_our_line_was_dead_do_not_come_back_as_votes(world: World) -> None:
    await lives(world, 5 * MINUTE, {"facebook": WELL}, every=20)
    await lives(world, 5 * MINUTE, {"facebook": {"web": FAILS}}, every=20, line=network(HERE, "no anchor answers"))
    for letter in "uDuuDuuuuuuu":
        await lives(world, 20, {"facebook": {"web": FAILS if letter == "D" else WORKS, "crowd": GRUMBLES}}, every=20)

    assert world.posts() == {}


async def test_neither_do_those_of_a_quiet_time(world: World) -> None:
    silence = Silence(platform="facebook", until=world.now + 10 * MINUTE, by="ann", because="works")
    await world.engine.silences.begin(silence, world.now)
    await lives(world, 10 * MINUTE, {"facebook": {"web": FAILS}}, every=20)
    for letter in "uDuuDuuuuuuu":
        await lives(world, 20, {"facebook": {"web": FAILS if letter == "D" else WORKS, "crowd": GRUMBLES}}, every=20)

    assert world.posts() == {}


# -- others that fail --------------------------------------------------------------------------------------------


async def test_a_confirmed_outage_is_told_though_another_platform_fails_before_it_is_public() -> None:
    """Somebody may object for ten minutes; in that time the other one begins to fail, from here and by the crowd."""
    world = World(":memory:", house_=house(sign_off={Statement.HOLDING: "veto"}, veto_for=10 * MINUTE))
    await world.start()
    await lives(world, 5 * MINUTE, {"facebook": BOTH})
    assert (world.state(), world.posts()) == (State.DOWN, {})

    await lives(world, HOUR, {"facebook": BOTH, "x": BOTH})
    assert world.posts() == ONCE


async def test_what_has_long_been_blocked_keeps_no_outage_secret(world: World) -> None:
    await lives(world, 5 * HOUR, {"x": BLOCKED, "telegram": BLOCKED}, every=60)
    assert len(asked(world)) == 2

    await lives(world, 5 * MINUTE, {"x": BLOCKED, "telegram": BLOCKED, "facebook": BOTH})
    assert world.state("facebook") is State.DOWN


async def test_nor_does_a_platform_that_is_known_to_be_down(world: World) -> None:
    await lives(world, 20 * MINUTE, {"x": {**BOTH, "page": down(OFFICIAL)}})
    await lives(world, 5 * MINUTE, {"x": {**BOTH, "page": down(OFFICIAL)}, "facebook": BOTH})

    assert world.state("facebook") is State.DOWN


# -- what a person is asked --------------------------------------------------------------------------------------


async def test_the_same_is_asked_once_a_day_whatever_the_line_and_the_clock_do(world: World) -> None:
    for _ in range(5):
        await lives(world, 2 * HOUR, {"facebook": BLOCKED}, every=60)
        await lives(world, 60, {"facebook": BLOCKED}, every=60, line=network(HERE, "no anchor answers"))
        await world.engine.step(45, world.now + 45)
        world.now += 45
    assert len(asked(world)) == 1
    await lives(world, 17 * HOUR, {"facebook": BLOCKED}, every=60)
    assert len(asked(world)) == 2


async def test_nobody_is_told_that_it_fails_only_from_here_while_the_crowd_complains(world: World) -> None:
    await lives(world, 75 * MINUTE, {"facebook": {**BOTH, "globalping": up(ELSEWHERE)}})

    [reason] = asked(world)
    assert "`failover declare facebook down`" in reason


async def test_when_the_crowd_joins_what_was_our_own_way_a_person_is_asked_again(world: World) -> None:
    await lives(world, 2 * HOUR, {"facebook": BLOCKED})
    await lives(world, 20 * MINUTE, {"facebook": BOTH})

    first, second = asked(world)
    assert "our own way there" in first
    assert "the crowd complains" in second


async def test_one_error_from_here_beside_an_old_complaint_of_the_crowd_is_asked_of_nobody(world: World) -> None:
    seen = {"globalping": up(ELSEWHERE)}
    await lives(world, 3 * HOUR, {"facebook": {**GRUMBLING, **seen}})
    await lives(world, 30, {"facebook": {**BOTH, **seen}})

    assert asked(world) == []


# -- what a person declared --------------------------------------------------------------------------------------


async def test_a_clock_that_is_set_makes_no_reminder(world: World) -> None:
    await world.engine.declare(Declaration(platform="facebook", signal=Signal.DOWN, at=world.now, by="ann"))
    await lives(world, 10 * MINUTE, {"facebook": WELL})
    world.now += 6 * HOUR
    await world.engine.step(6 * HOUR, world.now)
    await lives(world, 2 * MINUTE, {"facebook": WELL})

    assert world.journal.said("declaration_contradicted") == []


async def test_one_look_that_fails_does_not_put_a_reminder_off(world: World) -> None:
    await world.engine.declare(Declaration(platform="facebook", signal=Signal.DOWN, at=world.now, by="ann"))
    await lives(world, 3 * HOUR, {"facebook": WELL}, every=60)
    await lives(world, 60, {"facebook": {"api": down(SPOKEN, "HTTP 503"), **WELL}}, every=60)
    await lives(world, 200 * MINUTE, {"facebook": {"api": up(SPOKEN), **WELL}}, every=60)

    assert len(world.journal.said("declaration_contradicted")) == 1


# -- updates -----------------------------------------------------------------------------------------------------


async def test_only_the_first_word_after_a_welcome_back_says_that_it_fails_again() -> None:
    world = World(":memory:", house_=house(update_every=HOUR))
    await world.start()
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(4 * HOUR, {"facebook": RED})

    first, *later = [post.text for post in world.walls["email"].posts if post.statement is Statement.UPDATE]
    assert first.startswith("again")
    assert later
    assert not any(text.startswith("again") for text in later)
