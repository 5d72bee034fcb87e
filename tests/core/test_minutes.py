"""Nothing happens to a statement or a delivery that is not in the audit trail: one entry per fact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from failover.audit import broken, facts_of
from failover.delivery import Phase, Policy
from failover.minutes import of_endings, of_plan
from failover.plans import Known, Plan
from tests.core.stories import GREEN, HOUR, MINUTE, NOON, RED, World, delivery, house, watches


async def is_complete(world: World) -> None:
    """Every statement was put down when it was planned, and every delivery's end when it ended, once each."""
    trail = [(one.event, facts_of(one)) for one in await world.store.audit()]
    ends = Counter((event, facts["delivery"]) for event, facts in trail if "delivery" in facts)
    planned = Counter(facts["statement"] for event, facts in trail if event == "statement_planned")
    incidents = {facts["incident"] for event, facts in trail if event == "platform_changed"}
    for incident in await world.store.incidents():
        assert incident.id in incidents
        for statement in await world.store.statements(incident.id):
            assert planned.pop(statement.id) == 1
        for row in await world.store.deliveries(incident.id):
            if row.phase not in (Phase.STANDBY, Phase.READY, Phase.SENDING):
                assert ends[f"delivery_{row.phase.value}", row.id] == 1, row
            assert ends["delivery_attempted", row.id] == row.attempts
    assert not planned
    assert broken(await world.store.audit(), await world.store.trail.head()) == ""


async def an_outage(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook")


async def a_recovery_before_anything_was_said(world: World) -> None:
    world.answers["email"] += ["unreachable"] * 50
    await world.fall("facebook", deliver=False)
    await world.rise("facebook", deliver=False)
    await world.live(MINUTE, {"facebook": GREEN})


async def too_late_for_all(world: World) -> None:
    await world.desk.pause("", "ann", world.now)
    await world.fall("facebook")
    await world.live(HOUR, {"facebook": RED})


async def too_late_while_it_was_off(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook", deliver=False)
    world.now += 100 * HOUR
    await world.boot()
    await world.live(MINUTE, {"facebook": GREEN})


async def a_veto(world: World) -> None:
    await world.fall("facebook", deliver=False)
    await world.desk.veto("1H", "", "ann", world.now)


async def a_platform_is_dropped(world: World) -> None:
    await world.fall("facebook", deliver=False)
    world.watches = watches({"x": "x"})
    await world.boot()


async def every_sort_of_answer(world: World) -> None:
    world.answers["telegram"] += ["refused"]
    world.answers["email"] += ["lost"]
    world.answers["blog"] += ["unreachable"] * 3 + ["lost"]
    await world.fall("facebook")
    await world.live(20 * MINUTE, {"facebook": RED})


async def two_groups_at_once(world: World) -> None:
    await world.fall("facebook", "x", "telegram")
    await world.rise("facebook", "x", "telegram")


@pytest.mark.parametrize(
    "story",
    [
        an_outage, a_recovery_before_anything_was_said, too_late_for_all, too_late_while_it_was_off, a_veto,
        a_platform_is_dropped, every_sort_of_answer, two_groups_at_once,
    ],
)  # fmt: skip
async def test_the_trail_is_complete_after(story: Callable[[World], Awaitable[None]]) -> None:
    world = World(":memory:", policies={"email": Policy(when_unsure="next", reads_back=False, settle=5)})
    await world.start()
    await world.live(MINUTE, {"facebook": GREEN, "x": GREEN, "telegram": GREEN})
    await story(world)

    assert await world.store.incidents() != []
    await is_complete(world)


async def test_a_backup_that_is_called_and_one_that_is_passed_over_are_put_down_with_the_reason() -> None:
    routes = tuple(
        type(route)(**{**{name: getattr(route, name) for name in route.__slots__}, "reach": 1})
        for route in house().routes
    )
    world = World(":memory:", house_=house(routes=routes))
    await world.start()
    world.answers["telegram"] += ["refused"]
    await world.live(MINUTE, {"facebook": GREEN, "telegram": GREEN})
    await world.fall("facebook")
    await world.live(5 * MINUTE, {"facebook": RED, "telegram": GREEN})

    trail = [(one.event, facts_of(one)) for one in await world.store.audit()]
    [called] = [facts for event, facts in trail if event == "backup_called"]
    assert called["delivery"] == "1H-email"
    assert called["reason"]
    await is_complete(world)


def test_what_had_ended_before_or_goes_on_is_no_news() -> None:
    rows = [delivery(channel=phase.value, phase=phase) for phase in Phase]

    assert of_endings(rows, rows) == ()
    assert [facts["delivery"] for _, facts in of_endings(rows, [])] == ["7H-held", "7H-cancelled", "7H-expired"]


def test_the_reason_for_passing_over_is_put_down_once_until_it_changes() -> None:
    row = delivery(phase=Phase.STANDBY, reason="its platform is down", due=NOON)
    facts = {"incident": "7", "delivery": "7H-telegram", "reason": "its platform is down"}

    assert of_plan(Plan(deliveries=(row,)), Known()) == (("channel_passed_over", facts),)
    assert of_plan(Plan(deliveries=(row,)), Known(deliveries=(row,))) == ()
