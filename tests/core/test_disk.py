"""A disk that is full or fails, under the whole core: nothing is lost, nothing is said twice, and it is told once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from failover.audit import broken
from failover.delivery import Phase
from failover.model import State, Statement
from tests.core.stories import GREEN, HEARD_BY_META, MINUTE, RED, World

ONCE = dict.fromkeys(HEARD_BY_META, 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of many small pages (512 bytes), so that nearly everything that is written needs a new one."""
    path = tmp_path / "failover.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA page_size = 512")
        database.execute("VACUUM")
    return path


def fill(world: World, spare: int) -> None:
    """So many pages can still be added to the file, then SQLite says SQLITE_FULL, as on a full disk."""
    pages = world.store._db.execute("PRAGMA page_count").fetchone()["page_count"]
    world.store._db.execute(f"PRAGMA max_page_count = {pages + spare}")


def make_room(world: World) -> None:
    world.store._db.execute("PRAGMA max_page_count = 1000000")


async def is_in_order(world: World) -> None:
    assert world.journal.bugs == []
    assert broken(await world.store.audit(), await world.store.trail.head()) == ""


@pytest.mark.parametrize("spare", range(0, 30, 3))
async def test_whatever_the_disk_has_no_room_for_is_done_later_and_once(file: Path, spare: int) -> None:
    """It fills up at another place each time: at the transition, at an intent, at an outcome, in a notebook."""
    world = World(file)
    await world.start()
    await world.live(MINUTE, {"facebook": GREEN})
    fill(world, spare)
    await world.live(8 * MINUTE, {"facebook": RED})
    told = len(world.journal.said("store_trouble"))
    public = {name for name, count in world.posts().items() if count}
    rows = {row.channel: row.phase for row in await world.store.deliveries("1")}
    assert set(world.posts().values()) <= {1}
    assert all(rows[name] in (Phase.SENDING, Phase.UNSURE, Phase.SENT) for name in public)
    make_room(world)
    await world.live(8 * MINUTE, {"facebook": RED})

    assert world.state() is State.DOWN
    assert world.posts() == ONCE
    assert len(world.journal.said("store_well")) == len(world.journal.said("store_trouble"))
    assert told <= 4, "it is told when it begins, not at every attempt"
    await is_in_order(world)
    world.die()


async def test_a_full_disk_is_in_fact_met(file: Path) -> None:
    """Or the story above would prove nothing."""
    world = World(file)
    await world.start()
    fill(world, 0)
    await world.live(8 * MINUTE, {"facebook": RED})

    trouble = world.journal.said("store_trouble")
    assert trouble[0]["reason"] == "database or disk is full"
    assert len(trouble) < 4
    assert world.posts() == {}
    world.die()


async def test_a_full_disk_that_outlives_the_process_is_still_no_reason_to_repeat(file: Path) -> None:
    world = World(file)
    await world.start()
    await world.fall("facebook", deliver=False)
    fill(world, 1)
    await world.live(4 * MINUTE, {"facebook": RED})
    await world.restart()
    await world.live(8 * MINUTE, {"facebook": RED})

    assert world.posts() == ONCE
    await is_in_order(world)
    world.die()


class Failing(sqlite3.Connection):
    """A disk that fails (EIO) from one statement on for so many; what fails has not happened."""

    done = 0
    first, last = 10**9, 10**9

    def execute(self, *args: Any) -> sqlite3.Cursor:
        if not self.in_transaction or not args[0].startswith("ROLLBACK"):
            self.done += 1
            if self.first <= self.done < self.last:
                raise sqlite3.OperationalError("disk I/O error")
        return super().execute(*args)


async def a_world_on_a_failing_disk(monkeypatch: pytest.MonkeyPatch) -> tuple[World, Failing]:
    world = World(":memory:")
    with monkeypatch.context() as opening:
        opening.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
        await world.start()
    disk = world.store._db
    assert isinstance(disk, Failing)
    return world, disk


@pytest.mark.parametrize("spell", [1, 2, 1000], ids=["once", "twice", "for minutes"])
async def test_wherever_the_disk_fails_for_a_while_all_is_said_and_once(
    spell: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole outage with its welcome back; the failure begins at another statement each time."""
    length, start = 1000, 0
    while start < length:
        world, disk = await a_world_on_a_failing_disk(monkeypatch)
        await world.live(MINUTE, {"facebook": GREEN})
        begun = disk.done
        disk.first, disk.last = begun + start, begun + start + spell
        await world.live(6 * MINUTE, {"facebook": RED})
        disk.first = 10**9
        await world.live(6 * MINUTE, {"facebook": RED})
        await world.rise("facebook")
        await world.live(4 * MINUTE, {"facebook": GREEN})

        assert world.posts() == ONCE, start
        assert world.posts(Statement.WELCOME_BACK) == {**ONCE, "facebook-page": 1}, start
        await is_in_order(world)
        length = disk.done - begun
        start += 13
        world.store.close()


async def test_a_disk_that_fails_from_some_moment_on_says_nothing_that_is_not_written_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the worst one statement is public whose outcome could not be written; never one whose intent could not."""
    for start in range(0, 300, 7):
        world, disk = await a_world_on_a_failing_disk(monkeypatch)
        await world.live(MINUTE, {"facebook": GREEN})
        disk.first = disk.done + start
        await world.live(6 * MINUTE, {"facebook": RED})
        assert set(world.posts().values()) <= {1}, start
        disk.first = 10**9
        rows = {row.channel: row.phase for row in await world.store.deliveries("1")}
        assert all(rows[name] in (Phase.SENDING, Phase.UNSURE, Phase.SENT) for name in world.posts()), start
        assert world.journal.bugs == []
        world.store.close()
