"""A channel that shows how things stand shows the end of an incident, whatever became of its welcome back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from failover.boards import AGAIN, Board
from failover.courier import Courier, Outlet
from failover.delivery import Policy
from failover.engine import Engine
from failover.model import Statement
from tests.core.stories import GREEN, HOUR, MINUTE, RED, FakeChannel, World, house

LASTS: dict[str, float | None] = {"1": None}
WELCOME = {Statement.WELCOME_BACK: "required"}


@dataclass
class Page:
    """A channel that notes what it was told to show as over, or as lasting (None); `answers` first, then True."""

    inner: FakeChannel
    told: list[dict[str, float | None]] = field(default_factory=list)
    answers: list[bool] = field(default_factory=list)
    slow: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def show_state(self, incidents: Mapping[str, float | None]) -> bool:
        assert self.inner.speaking == 0
        self.told.append(dict(incidents))
        if self.slow:
            await asyncio.Event().wait()
        return self.answers.pop(0) if self.answers else True


def page_in(world: World) -> Page:
    """The blog is a board from now on, and a new courier carries."""
    page = Page(world.channels["blog"])
    outlets = {
        name: Outlet(name=name, channel=channel, policy=Policy(deadline=0.2))
        for name, channel in {**world.channels, "blog": page}.items()
    }
    world.courier = Courier(world.engine, outlets, lambda: world.now)
    return page


async def an_outage(**changes: Any) -> tuple[World, Page]:
    world = World(":memory:", house_=house(**changes))
    await world.start()
    page = page_in(world)
    assert isinstance(page, Board)
    assert not isinstance(world.channels["blog"], Board)
    await world.fall("facebook")
    await world.deliver()
    assert page.told == [LASTS]
    page.told.clear()
    return world, page


def reloaded(world: World, *platforms: str) -> Engine:
    """An engine that watches only these from now on."""
    watches = {name: watch for name, watch in world.engine.watches.items() if name in platforms}
    return Engine(world.store, world.house, watches, world.journal, lambda: None)


async def reload(world: World, engine: Engine) -> Page:
    await engine.load(world.now)
    world.engine = engine
    page = page_in(world)
    await world.live(MINUTE)
    return page


def over(world: World) -> dict[str, float | None]:
    [one] = world.engine.recent
    assert one.closed_at is not None
    return {"1": one.closed_at}


async def test_the_end_is_shown_once_after_the_welcome_back_was_said() -> None:
    world, page = await an_outage()
    await world.rise("facebook")
    await world.live(HOUR, {"facebook": GREEN})
    assert page.told == [over(world)]
    assert world.posts(Statement.WELCOME_BACK)["blog"] == 1


async def test_an_objection_to_the_welcome_back_hides_no_end() -> None:
    world, page = await an_outage(sign_off=WELCOME)
    await world.rise("facebook")
    assert page.told == [], "what waits for sign-off is not anticipated"
    await world.desk.veto("1W", "", "ann", world.now)
    await world.live(MINUTE, {"facebook": GREEN})
    assert page.told == [over(world)]
    assert world.posts(Statement.WELCOME_BACK) == {}


async def test_a_welcome_back_that_nobody_approved_in_time_hides_no_end() -> None:
    world, page = await an_outage(sign_off=WELCOME)
    await world.rise("facebook")
    await world.live(13 * HOUR, {"facebook": GREEN}, every=600)
    assert page.told == [over(world)]


async def test_a_relapse_and_its_end_are_two() -> None:
    world, page = await an_outage()
    await world.rise("facebook")
    first = over(world)
    await world.live(5 * MINUTE, {"facebook": RED})
    await world.rise("facebook")
    assert page.told == [first, LASTS, over(world)]
    assert first != over(world)


async def test_after_a_restart_it_is_shown_again() -> None:
    """Nobody knows whether the dead process came so far."""
    world, page = await an_outage()
    await world.rise("facebook")
    await world.restart()
    page = page_in(world)
    await world.live(MINUTE)
    assert page.told == [over(world)]


@pytest.mark.parametrize("slow", [False, True], ids=["cannot", "hangs"])
async def test_what_could_not_be_shown_is_tried_again_after_a_while(slow: bool) -> None:
    world, page = await an_outage()
    page.answers, page.slow = [False], slow
    await world.rise("facebook", deliver=False)
    await world.deliver()
    await world.deliver()
    assert page.told == [over(world)]
    world.now += AGAIN - 1
    await world.deliver()
    assert page.told == [over(world)]
    page.slow = False
    world.now += 1
    await world.deliver()
    await world.deliver()
    assert page.told == [over(world)] * 2
    assert world.journal.bugs == []


async def test_while_we_are_paused_no_page_is_changed() -> None:
    world, page = await an_outage()
    await world.rise("facebook", deliver=False)
    await world.desk.pause("", "ann", world.now)
    await world.live(MINUTE, {"facebook": GREEN})
    assert page.told == []
    await world.desk.resume("ann", world.now)
    await world.live(MINUTE, {"facebook": GREEN})
    assert page.told == [over(world)]


async def test_a_relapse_after_an_objection_is_shown_as_lasting_also_after_a_restart() -> None:
    """No new word is said of it, so nothing else would take the end from the page."""
    world, page = await an_outage(sign_off=WELCOME)
    await world.rise("facebook")
    await world.desk.veto("1W", "", "ann", world.now)
    await world.live(MINUTE, {"facebook": GREEN})
    ended = over(world)
    await world.fall("facebook")
    await world.deliver()
    assert page.told == [ended, LASTS]
    await world.restart()
    page = page_in(world)
    await world.live(MINUTE)
    assert page.told == [LASTS]


async def test_what_the_configuration_dropped_is_not_over_until_it_is_seen_well() -> None:
    """Nobody knows how it ended: named again it may be down still."""
    world, _ = await an_outage()
    everything = Engine(world.store, world.house, world.engine.watches, world.journal, lambda: None)
    others = [name for name in world.engine.watches if name != "facebook"]
    page = await reload(world, reloaded(world, *others))
    assert not world.engine.recent[0].is_open
    assert page.told == []
    page = await reload(world, everything)
    assert page.told == []
    await world.fall("facebook")
    await world.deliver()
    assert page.told == [LASTS]
    await world.rise("facebook")
    assert page.told == [LASTS, over(world)]
