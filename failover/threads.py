"""Threads for what blocks: looking names up, and files.  A process that ends does not wait for them.

The threads of `concurrent.futures` are waited for at the end, whatever they do.  In a DNS outage that is half a
minute, and a stop has five seconds.  What a thread of ours was doing then is like what a `kill -9` cuts off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Job = Callable[[], None]


class Helpers(ThreadPoolExecutor):
    """At most `most` threads, made when needed.  asyncio insists on the base class; its threads are never made."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._most = most
        self._made = 0
        self._idle = threading.Semaphore(0)
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """What `call` gives or raises, later."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = call(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001  whoever waits for the future gets it
                future.set_exception(error)
            else:
                future.set_result(result)

        self._jobs.put(job)
        if not self._idle.acquire(blocking=False) and self._made < self._most:
            self._made += 1
            threading.Thread(target=self._serve, name=f"helper {self._made}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Those who are free go home; nobody waits for the others."""
        for _ in range(self._made):
            self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            self._idle.release()
