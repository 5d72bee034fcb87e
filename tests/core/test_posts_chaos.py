"""Posts in any order of outages, answers, deaths, reloads, pauses: never twice in one place, never lost in silence.

Where posts are re-routed, what stood in and what was meant never both say it.  At rest every post has been heard, or
was refused, came too late or was cancelled by a person, or somebody was told to look.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from failover.delivery import Delivery, Phase, Policy
from failover.hours import Hours
from failover.model import Statement
from failover.posts import is_rerouted
from tests.core.stories import GREEN, HOUR, META, MINUTE, RED, VOICES, Killed, World, X, house
from tests.core.stories import HALF as SUSPICIOUS
from tests.core.test_switched_posting import clock, hand_in

PAGE = "facebook-page"
ANSWERS = ("ok", "lost", "silent", "slow:15", "unreachable", "wait:400", "refused", "die before", "die after")
VIEWS = (GREEN, GREEN, RED, RED, SUSPICIOUS)
TALKERS = (PAGE, "x-account", "telegram", "blog", "email")
PLATFORMS = ("facebook", "x", "telegram")
OVER = {Phase.SENT, Phase.LEFT, Phase.HELD, Phase.REFUSED, Phase.EXPIRED, Phase.CANCELLED}


def some_house(chance: random.Random) -> tuple[object, ...]:
    """Routes and voices as a configuration may say them."""
    backups = tuple(chance.sample(("telegram", "email", "blog"), chance.randint(1, 3)))
    meta = replace(META, backups=backups, reach=chance.choice((None, 1)))
    quiet = {"blog": replace(VOICES["blog"], quiet=Hours(11 * 60, 13 * 60))} if chance.random() < 0.2 else {}
    gone = chance.choice(("", "", "", "telegram", "blog"))
    voices = {name: voice for name, voice in {**VOICES, **quiet}.items() if name != gone}
    routes = [replace(one, backups=tuple(name for name in one.backups if name != gone)) for one in (meta, X)]
    return house(routes=tuple(one for one in routes if one.backups), voices=voices)  # type: ignore[return-value]


async def life(seed: int) -> World:
    """A day of anything, then a day of peace."""
    chance = random.Random(seed)
    policies = {name: Policy(settle=20.0, when_unsure=chance.choice(("hold", "hold", "next"))) for name in VOICES}
    world = World(":memory:", house_=some_house(chance), policies=policies)  # type: ignore[arg-type]
    await world.start()
    views = dict.fromkeys(PLATFORMS, GREEN)
    if chance.random() < 0.7:  # what is hardest: nobody who stands in can say it
        await world.fall("facebook")
        views["facebook"] = RED
        for name in ("telegram", "email", "blog"):
            world.answers[name] += [chance.choice(("refused", "wait:400", "silent", "ok"))] * 2
        await hand_in(world, "Market day", PAGE)
    for _ in range(chance.randint(8, 24)):
        try:
            views = await happening(world, chance, views)
        except Killed:
            await revive(world)
    for answers in world.answers.values():
        answers.clear()
    for channel in world.channels.values():
        channel.findings.clear()
    if world.engine.paused_by:
        await world.desk.resume("ann", world.now)
    await world.live(3 * HOUR, dict.fromkeys(PLATFORMS, GREEN))
    return world


async def happening(world: World, chance: random.Random, views: dict[str, object]) -> dict[str, object]:
    """One thing after another."""
    what = chance.choice(
        ("post", "post", "live", "live", "live", "answer", "view", "view", "reload", "look", "pause")
    )
    if what == "post":
        known = [name for name in TALKERS if name in world.house.voices]
        to = chance.sample(known, chance.randint(1, 2))
        until = {"until": clock(world.now + chance.choice((600, 7200)))} if chance.random() < 0.2 else {}
        await hand_in(world, "Market day", *to, **until)
    elif what == "answer":
        world.answers[chance.choice(TALKERS)] += [chance.choice(ANSWERS)] * chance.randint(1, 3)
    elif what == "view":
        views = {**views, chance.choice(PLATFORMS): chance.choice(VIEWS)}
    elif what == "reload":
        world.house = some_house(chance)  # type: ignore[assignment]
        await world.restart()
    elif what == "look":
        name = chance.choice(TALKERS)
        if name in world.channels:
            world.channels[name].findings += ["cannot"] * chance.randint(1, 20)
    elif what == "pause" and not world.engine.paused_by:
        await world.desk.pause("", "ann", world.now)
    elif what == "pause":
        await world.desk.resume("ann", world.now)
    await world.live(chance.choice((30, 3 * MINUTE, 20 * MINUTE)), views)  # type: ignore[arg-type]
    return views


async def revive(world: World) -> None:
    """A new process on the same database."""
    world.burn(None)
    await world.restart()


def twice(world: World) -> list[tuple[str, str]]:
    said = Counter((name, post.reference) for name, wall in world.walls.items() for post in wall.said(Statement.POST))
    return [place for place, count in said.items() if count > 1]


def told_to_a_person(world: World, rows: list[Delivery]) -> bool:
    """Held for one, or said in the journal of one of its processes."""
    lines = [line for paper in world.papers for line in paper.lines]
    needed = {str(fields["reason"]).split()[1] for event, fields in lines if event == "person_needed"}
    refused = {fields.get("post") for event, fields in lines if event in ("delivery_refused", "post_expired")}
    return rows[0].statement_id in needed | refused or any(row.phase in (Phase.HELD, Phase.LEFT) for row in rows)


@pytest.mark.parametrize("seed", range(20, 34))
async def test_whatever_happens_a_post_is_said_once_or_somebody_is_told(seed: int) -> None:
    world = await life(seed)
    assert not [bug for paper in world.papers for bug in paper.bugs if not isinstance(bug, Killed)]
    assert twice(world) == []
    for post in (await world.store.posts.listing(0, 100))["posts"]:
        rows = await world.store.deliveries_of(post["id"])
        assert {row.phase for row in rows if row.due <= world.now} <= OVER | {Phase.READY}, rows
        for row in rows:
            if row.phase is Phase.READY:  # only what quiet hours, or the line of what is released, keep waiting
                assert row.channel in world.house.voices, row
        if len(post["to"]) == 1:
            assert len({row.position > 0 for row in rows if row.heard}) <= 1, rows
        for row in rows:
            if is_rerouted(row) and not row.attempts and row.channel in world.house.voices and row.latest > world.now:
                assert any(one.heard or one.phase in (Phase.READY, Phase.HELD) for one in rows), rows
        lost = not any(row.heard or row.phase in (Phase.READY, Phase.HELD) for row in rows)
        assert not lost or told_to_a_person(world, rows), rows
    world.store.close()
