"""From when until when a statement may be said: nobody who is owed it is forgotten because a time passed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from failover.delivery import StatementRow
from failover.hours import Hours
from failover.incidents import Turn
from failover.model import State, Statement
from failover.plans import Known
from failover.signoff import JOURNAL, Asking, Person, Signing, calls, code, is_waiting
from failover.turns import after_turn
from tests.core.stories import GREEN, HOUR, META, MINUTE, NOON, RED, VOICES, World, house, incident

REQUIRED = {Statement.HOLDING: "required"}
ANN = "root (command line)"
THREE = tuple(
    Person(name=f"p{n}", group=f"g{n}", email=f"p{n}@example.org", user=user)
    for n, user in enumerate(("ann", "ben", "cat"))
)
TELEGRAM = replace(META, backups=("telegram",))


async def a_world(**changes: Any) -> World:
    world = World(":memory:", house_=house(**changes))
    await world.start()
    return world


async def statement(world: World, name: str = "1H") -> StatementRow:
    found = await world.store.statement(name)
    assert found is not None
    return found


# -- an approval that has become too old in a relapse ------------------------------------------------------------


async def in_doubt_over_a_relapse(world: World) -> None:
    """Approved, sent without an answer, over, down again after the approval has become too old: it is not there."""
    await world.fall("facebook")
    world.answers["telegram"].append("silent")
    world.channels["telegram"].findings += ["cannot"] * 5000
    await world.desk.approve("1H", ANN, world.now)
    await world.deliver()
    await world.live(90 * MINUTE, {"facebook": RED})
    await world.rise("facebook")
    await world.live(30 * MINUTE, {"facebook": GREEN})
    await world.fall("facebook")
    world.channels["telegram"].findings.clear()
    await world.desk.resolve("1H-telegram", sent=False, by="ann", now=world.now)


async def test_what_was_approved_long_ago_is_asked_about_again_after_a_relapse_and_then_said() -> None:
    world = await a_world(routes=(TELEGRAM,), sign_off=REQUIRED)
    await in_doubt_over_a_relapse(world)
    await world.live(5 * MINUTE, {"facebook": RED})
    assert (await statement(world)).lapses == 1
    assert len(world.journal.said("approval_lapsed")) == 1
    assert world.posts() == {}

    await world.desk.approve("1H", ANN, world.now)
    await world.deliver()
    assert world.posts() == {"telegram": 1}


async def test_after_a_relapse_every_group_has_its_time_to_answer() -> None:
    world = await a_world(routes=(TELEGRAM,), sign_off=REQUIRED, signing=Signing(people=THREE))
    await in_doubt_over_a_relapse(world)
    await world.live(65 * MINUTE, {"facebook": RED})
    row = await statement(world)
    assert row.lapses == 1
    assert is_waiting(row, world.now)
    assert world.now < row.latest


# -- the time that people have to answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "people", "latest"),
    [
        ("automatic", THREE, 30 * MINUTE),
        ("veto", THREE, 35 * MINUTE),
        ("required", (), 30 * MINUTE),
        ("required", THREE[:1], 50 * MINUTE),
        ("required", THREE, 90 * MINUTE),
    ],
    ids=["automatic", "veto", "nobody to ask", "one group", "three groups"],
)
def test_how_long_it_may_be_said_counts_from_when_everybody_has_had_time_to_answer(
    mode: str, people: tuple[Person, ...], latest: float
) -> None:
    rules = house(sign_off={Statement.HOLDING: mode}, signing=Signing(people=people))
    plan = after_turn(Turn.OPENED, incident(), Known(), {"facebook": State.DOWN}, rules, NOON)
    assert {row.latest for row in (*plan.statements, *plan.deliveries)} == {NOON + latest}


async def test_the_last_group_is_asked_while_it_can_still_be_said() -> None:
    signing = Signing(people=THREE)
    world = await a_world(sign_off=REQUIRED, signing=signing)
    await world.fall("facebook")
    ways, log = {one.name: ["e-mail"] for one in THREE}, list[Asking]()
    for _ in range(80):
        row = await statement(world)
        if is_waiting(row, world.now) and world.now < row.latest:
            log += _asked(row, code(row, await world.store.deliveries("1")), log, ways, signing, world.now)
        await world.live(MINUTE, {"facebook": RED})
    assert {one.approver for one in log if one.way != JOURNAL} == {"p0", "p1", "p2"}


def _asked(
    row: StatementRow, figures: str, log: list[Asking], ways: dict[str, list[str]], signing: Signing, now: float
) -> list[Asking]:
    return [
        Asking(
            id=f"{len(log)}-{number}",
            statement=row.id,
            round=row.lapses,
            code=figures,
            approver=call.name,
            way=call.way,
            kind=call.kind,
            at=now,
        )
        for number, call in enumerate(calls(row, figures, log, ways, signing, now))
    ]


# -- a channel whose turn comes later ----------------------------------------------------------------------------


@pytest.mark.parametrize("valid_for", [10 * MINUTE, 2 * HOUR], ids=["ten minutes", "two hours"])
async def test_an_approval_is_good_for_a_backup_that_is_asked_hours_later(valid_for: float) -> None:
    route = replace(META, backups=("telegram", "email"), after={"email": 3 * HOUR})
    world = await a_world(routes=(route,), sign_off=REQUIRED, signing=Signing(valid_for=valid_for))
    await world.fall("facebook")
    await world.desk.approve("1H", ANN, world.now)
    await world.live(HOUR, {"facebook": RED})
    assert world.posts() == {"telegram": 1}
    await world.live(150 * MINUTE, {"facebook": RED})

    assert world.posts() == {"telegram": 1, "email": 1}
    assert world.journal.said("approval_lapsed") == []


async def test_an_approval_is_good_for_a_channel_that_sleeps() -> None:
    """Whoever approves in the evening has read that the list hears it in the morning."""
    voices = VOICES | {"email": replace(VOICES["email"], quiet=Hours(11 * 60, 16 * 60))}
    route = replace(META, backups=("telegram", "email"))
    world = await a_world(routes=(route,), voices=voices, sign_off=REQUIRED)
    await world.fall("facebook")
    await world.desk.approve("1H", ANN, world.now)
    await world.live(5 * HOUR, {"facebook": RED})

    assert world.posts() == {"telegram": 1, "email": 1}
    assert world.journal.said("approval_lapsed") == []


async def test_what_could_have_been_said_at_once_is_not_approved_for_longer() -> None:
    route = replace(META, backups=("telegram", "email"), reach=1)
    world = await a_world(routes=(route,), sign_off=REQUIRED, signing=Signing(valid_for=10 * MINUTE))
    world.answers["telegram"].append("wait:900")
    world.answers["email"].append("wait:900")
    await world.fall("facebook")
    await world.desk.approve("1H", ANN, world.now)
    await world.live(14 * MINUTE, {"facebook": RED})
    assert (await statement(world)).lapses == 1


# -- quiet hours -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begins", "ends"), [(18 * 60, 8 * 60), (18 * 60 + 10, 8 * 60)], ids=["they have begun", "they begin at once"]
)
async def test_the_end_is_told_after_quiet_hours_that_are_longer_than_a_welcome_back_waits(
    begins: int, ends: int
) -> None:
    voices = VOICES | {"email": replace(VOICES["email"], quiet=Hours(begins, ends))}
    world = await a_world(routes=(replace(META, backups=("email",)),), voices=voices)
    world.now = NOON + 6 * HOUR + 20 * MINUTE  # 17:26
    await world.fall("facebook")
    await world.live(22 * MINUTE, {"facebook": RED})
    assert world.posts() == {"email": 1}
    world.answers["email"] += ["unreachable"] * 6  # also where it begins with trouble
    await world.rise("facebook")  # at 18:06
    await world.live(16 * HOUR, {"facebook": GREEN}, every=300)
    assert world.posts(Statement.WELCOME_BACK).get("email") == 1
