"""Virtual time: nothing waits, everything happens in order, and a program that would wait for ever is told so."""

from __future__ import annotations

import asyncio
import time

import pytest

from failover.replay.virtual import StuckError, run


def test_a_day_passes_in_no_time() -> None:
    """`time()` counts virtual seconds from 0."""

    async def day() -> float:
        await asyncio.sleep(86400.0)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run(day()) == pytest.approx(86400.0)
    assert time.monotonic() - began < 5.0


def test_timers_go_off_in_order() -> None:
    """Two tasks that sleep see each other's steps in the order of virtual time."""
    seen: list[tuple[str, float]] = []

    async def walk(name: str, pace: float) -> None:
        for _step in range(3):
            await asyncio.sleep(pace)
            seen.append((name, asyncio.get_running_loop().time()))

    async def both() -> None:
        await asyncio.gather(walk("slow", 10.0), walk("fast", 4.0))

    run(both())
    assert seen == [("fast", 4.0), ("fast", 8.0), ("slow", 10.0), ("fast", 12.0), ("slow", 20.0), ("slow", 30.0)]


async def test_time_outs_work_in_virtual_time() -> None:
    """A deadline ends what takes longer, exactly when it is due."""

    async def late() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(7.0):
                await asyncio.sleep(3600.0)
        return asyncio.get_running_loop().time()

    assert await asyncio.to_thread(lambda: run(late())) == pytest.approx(7.0)


def test_who_waits_for_nothing_is_told() -> None:
    """No timer, no task that could go on: an error instead of a program that hangs."""

    async def for_ever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError, match="nothing will ever happen"):
        run(for_ever())


def test_what_is_raised_comes_out() -> None:
    async def fails() -> None:
        await asyncio.sleep(1.0)
        raise LookupError("found nothing")

    with pytest.raises(LookupError, match="found nothing"):
        run(fails())
