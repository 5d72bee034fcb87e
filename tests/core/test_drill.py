"""A drill goes through the outbox to practice channels only, says DRILL, and tells what would be said in earnest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from failover.delivery import Phase
from failover.desk import RequestError
from failover.drill import Drill
from failover.model import State, Statement
from failover.plans import Saying
from tests.core.stories import GREEN, NOON, RED, VOICES, World, house, words


def marked(statement: Statement, channel: str, saying: Saying) -> tuple[str, str]:
    subject, text = words(statement, channel, saying)
    return subject, f"DRILL: {text}" if VOICES[channel].practice else text


async def world_with(**changes: Any) -> tuple[World, Drill]:
    world = World(":memory:", house_=house(word=marked, **changes))
    await world.start()
    await world.live(120, {"facebook": GREEN})
    return world, Drill(world.engine)


async def heard(world: World) -> dict[str, list[str]]:
    await world.deliver()
    return {name: [post.text for post in wall.posts] for name, wall in world.walls.items() if wall.posts}


async def test_only_practice_channels_hear_it_and_every_text_says_drill() -> None:
    world, drill = await world_with()
    begun = await drill.begin("facebook", "ann", world.now, full=False)

    said = await heard(world)
    assert list(said) == ["rehearsal"]
    assert said["rehearsal"][0].startswith("DRILL: drill: facebook")
    assert begun["id"] == "D1"
    assert world.engine.recent == []
    statement = await world.store.statement("D1")
    assert statement is not None
    assert statement.drill
    result = await drill.result("D1")
    assert result["settled"]
    assert [(one["channel"], one["phase"]) for one in result["channels"]] == [("rehearsal", "sent")]


async def test_the_plan_is_what_the_shipping_rules_would_say_now() -> None:
    world, drill = await world_with(sign_off={Statement.HOLDING: "veto"}, veto_for=300.0)
    await world.live(60, {"telegram": RED})
    begun = await drill.begin("facebook", "ann", world.now, full=False)

    [statement] = begun["plan"]["statements"]
    assert (statement["statement"], statement["mode"], statement["after"]) == ("holding", "veto", 300.0)
    rows = {one["channel"]: one for one in statement["channels"]}
    assert rows["email"]["asked"]
    assert not rows["telegram"]["asked"]
    assert rows["telegram"]["reason"] == "telegram itself is suspect"
    assert "DRILL" not in rows["email"]["text"]
    assert await world.store.incidents() == []


async def test_a_full_drill_speaks_the_real_words_signed_off_and_welcomes_back() -> None:
    world, drill = await world_with(sign_off={Statement.HOLDING: "required"})
    await drill.begin("facebook", "ann", world.now, full=True)
    assert await heard(world) == {}
    assert not (await drill.result("D1"))["settled"]
    await world.desk.approve("D1", "bob", world.now)
    said = await heard(world)
    assert said["rehearsal"][0].startswith("DRILL: holding: facebook")
    ended = await drill.end("D1", "facebook", "ann", world.now)
    assert ended["id"] == "D1W"
    assert (await heard(world))["rehearsal"][1].startswith("DRILL: welcome_back: facebook")
    references = [post.reference for post in world.walls["rehearsal"].posts]
    assert references == ["FD1-181108", "FD1W-181108"]


async def test_a_vetoed_drill_is_not_heard_and_has_no_end() -> None:
    world, drill = await world_with(sign_off={Statement.HOLDING: "required"})
    await drill.begin("facebook", "ann", world.now, full=True)
    await world.desk.veto("D1", "not today", "bob", world.now)

    assert await heard(world) == {}
    with pytest.raises(RequestError, match="nobody heard drill D1"):
        await drill.end("D1", "facebook", "ann", world.now)


async def test_a_drill_that_a_death_cut_off_is_heard_once(tmp_path: Path) -> None:
    world = World(tmp_path / "failover.db", house_=house(word=marked))
    await world.start()
    await Drill(world.engine).begin("facebook", "ann", world.now, full=False)
    world.answers["rehearsal"] += ["lost"]
    await world.deliver()
    await world.restart()
    await world.live(300, {"facebook": GREEN})

    assert len(world.walls["rehearsal"].posts) == 1
    row = await world.row("D1-rehearsal")
    assert row.phase is Phase.SENT


async def test_a_drill_is_no_outage_and_an_outage_during_one_is_told() -> None:
    world, drill = await world_with()
    await drill.begin("facebook", "ann", world.now, full=True)
    await world.deliver()
    assert world.state() is State.UP
    await world.fall("facebook")

    assert world.posts() == {"telegram": 1, "email": 1, "blog": 1}
    [one] = world.engine.recent
    assert one.ordinal == 1


async def test_while_paused_not_even_a_drill_is_said() -> None:
    world, drill = await world_with()
    await world.desk.pause("", "ann", world.now)

    with pytest.raises(RequestError, match="ann has paused everything; `failover resume` first"):
        await drill.begin("facebook", "ann", world.now, full=False)
    assert await heard(world) == {}


@pytest.mark.parametrize(
    ("platform", "changes", "error"),
    [
        ("myspace", {}, "there is no platform 'myspace'; there are facebook"),
        (
            "facebook",
            {"voices": {name: voice for name, voice in VOICES.items() if not voice.practice}},
            "no channel is marked `practice: true`",
        ),
    ],
    ids=["nobody watches it", "nobody could hear it"],
)
async def test_what_cannot_be_rehearsed(platform: str, changes: dict[str, Any], error: str) -> None:
    world, drill = await world_with(**changes)

    with pytest.raises(RequestError, match=error):
        await drill.begin(platform, "ann", world.now, full=False)
    assert [entry.event for entry in await world.store.audit() if "drill" in entry.event] == []


async def test_what_is_no_drill_has_no_result() -> None:
    world, drill = await world_with()
    await world.fall("facebook")

    for name in ("1H", "D7"):
        with pytest.raises(RequestError, match=f"there is no drill {name}"):
            await drill.result(name)
    with pytest.raises(RequestError, match="there is no drill 1H"):
        await drill.end("1H", "facebook", "ann", NOON)
