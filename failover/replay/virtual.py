"""Virtual time: an event loop that never waits.

Where nothing is ready to run, the clock jumps to the next timer.  All that asyncio offers (tasks, time-outs, sleeps)
works as ever, so that the shipping courier and lookout run as they are, hours in milliseconds and every time alike.
Nothing may wait for the world outside: neither sockets nor threads.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class StuckError(RuntimeError):
    """Everything waits, and no timer will ever wake anything."""


class _Leaping(selectors.BaseSelector):
    """A selector without files: to wait is to move the clock."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._files: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._files[number] = selectors.SelectorKey(fileobj, number, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StuckError("everything waits, and nothing will ever happen")
        self.elapsed += max(timeout, 0.0)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._files


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` begins at 0 and counts virtual seconds."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.elapsed


def run(main: Coroutine[Any, Any, ResultT]) -> ResultT:
    """`asyncio.run` in virtual time.  Raises StuckError when nothing can happen any more."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
