"""What is on its way to people: one errand for each key, and what failed is tried again in a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from failover.asking.ways import Sent, Unsent
from failover.engine import Engine
from failover.schema import StoreError

DEADLINE = 40.0
"""Seconds that one message may take on its way."""

FIRST_RETRY, SLOWEST_RETRY = 2.0, 300.0


class Errands:
    """Runs them beside the rounds; whatever they raise is told, and keeps nothing else from its work."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.busy: dict[str, asyncio.Task[Any]] = {}
        self.failures: dict[str, tuple[int, float]] = {}

    def spawn(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        """Begin, and do not wait for it."""
        task = asyncio.create_task(self.guarded(key, work), name=key)
        self.busy[key] = task
        task.add_done_callback(lambda _task: self.busy.pop(key, None))

    async def guarded(self, where: str, work: Awaitable[None]) -> bool:
        """A bug or a full disk in asking keeps nothing else from its work; False if there was one."""
        try:
            await work
        except StoreError as error:
            self._engine.store_refused(error)
            return False
        except Exception as error:  # noqa: BLE001  told; the next round tries again
            self._engine.journal.bug(where, error)
            return False
        return True

    async def let_go(self) -> None:
        """Break off all of them."""
        tasks = [*self.busy.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def may_try(self, key: str) -> bool:
        """Not what is on its way or has just failed."""
        _count, until = self.failures.get(key, (0, 0.0))
        return key not in self.busy and asyncio.get_running_loop().time() >= until

    def any_for(self, statement: str, way: str, approver: str) -> bool:
        """Is a question about this statement on its way to this person?"""
        return any(key.startswith(f"{statement}/") and key.endswith(f"/{way}/{approver}") for key in self.busy)

    def put_off(self, key: str, why: Unsent) -> None:
        """Later, and ever later."""
        count = self.failures.get(key, (0, 0.0))[0] + 1
        slowing = SLOWEST_RETRY if why.final else min(SLOWEST_RETRY, FIRST_RETRY * 2 ** min(count - 1, 10))
        self.failures[key] = (count, asyncio.get_running_loop().time() + max(slowing, why.wait or 0.0))

    def well(self, key: str) -> None:
        """It went through."""
        self.failures.pop(key, None)

    def forget_old_failures(self) -> None:
        """Nothing grows for ever."""
        long_ago = asyncio.get_running_loop().time() - 2 * SLOWEST_RETRY
        self.failures = {key: found for key, found in self.failures.items() if found[1] > long_ago}


async def in_time(work: Awaitable[Sent | Unsent]) -> Sent | Unsent:
    """What came of it, within the deadline."""
    try:
        async with asyncio.timeout(DEADLINE):
            return await work
    except TimeoutError:
        return Unsent(f"no answer within {DEADLINE:g} s", unsure=True)
