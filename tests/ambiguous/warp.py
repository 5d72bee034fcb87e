"""An event loop that never waits for nothing: when only timers are left, its clock jumps to the next one.

Clients and practice servers live in the same process, so bytes that were written are there a moment later; a loop
with nothing to read has nothing to do until its next timer.  A deadline of half a minute passes in milliseconds, in
production's own numbers, and a busy machine cannot make one pass too early.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

GRACE = 0.003
"""Real seconds in which bytes on the loopback must have arrived before the clock may jump."""


class _Jumping(selectors.DefaultSelector):
    """Real events first; where there are none, the time-out counts as over."""

    jumped = 0.0
    threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0 or self.threads:
            return super().select(timeout)
        if found := super().select(min(timeout, GRACE)):
            return found
        self.jumped += timeout
        return []


class WarpLoop(asyncio.SelectorEventLoop):
    """The clock runs as usual, and jumps besides.  While a thread works it does not jump."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return super().time() + self._jumping.jumped

    def run_in_executor(  # type: ignore[override]  # as its type is written, only a copy of it would fit
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        self._jumping.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1
