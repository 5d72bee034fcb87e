"""The clock when the wall clock is set: everything pending moves with it, or it is not believed yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from failover.clock import Clock
from failover.daemon import keep_up
from failover.schema import StoreError
from tests.core.stories import GREEN, HOUR, World, house


class Walls:
    """The two clocks of a machine, as the module `time` shows them."""

    CLOCK_BOOTTIME = 7

    def __init__(self, wall: float) -> None:
        self.boot, self.wall = 50.0, wall

    def time(self) -> float:
        return self.wall

    def clock_gettime(self, _which: int) -> float:
        return self.boot


@pytest.fixture
def walls(monkeypatch: pytest.MonkeyPatch) -> Walls:
    found = Walls(1_000_000.0)
    monkeypatch.setattr("failover.clock.time", found)
    return found


def test_a_clock_that_was_set_is_believed_when_it_is_adopted(walls: Walls) -> None:
    """Until then it is noticed again each time."""
    clock = Clock()
    walls.wall += 1.5
    assert clock.look() == 0.0
    walls.wall += HOUR
    assert clock.look() == clock.look() == HOUR + 1.5
    assert clock.now() == 1_000_000.0
    clock.adopt(clock.look())
    assert (clock.now(), clock.look()) == (walls.wall, 0.0)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
async def test_where_the_disk_refuses_the_clock_is_believed_once_it_does_not(walls: Walls, seconds: float) -> None:
    """What is owed does not expire unsaid meanwhile, and is moved once."""
    world = World(":memory:", house_=house())
    walls.wall = world.now
    clock: Any = Clock()
    await world.start()
    await world.look("facebook", GREEN)
    await world.engine.tick(world.now)
    await world.fall("facebook", deliver=False)
    walls.boot += world.now - walls.wall
    walls.wall = world.now
    before = {row.id: row.latest - clock.now() for row in await world.store.deliveries("1")}
    assert before

    async def refuse(*_words: object, **_more: object) -> None:
        raise StoreError("the database cannot be written: disk full")

    walls.wall += seconds
    broken: Any = SimpleNamespace(step=refuse, store_refused=world.engine.store_refused)
    assert not await keep_up(clock, broken)
    assert {row.id: row.latest - clock.now() for row in await world.store.deliveries("1")} == before
    for _pulse in range(2):
        assert await keep_up(clock, world.engine)
        assert clock.now() == walls.wall
        assert {row.id: row.latest - clock.now() for row in await world.store.deliveries("1")} == before
    assert len(world.journal.said("store_trouble")) == 1
    world.store.close()
