"""The daemon's clock: wall time that never jumps under anybody's feet.

`now` runs on CLOCK_BOOTTIME (which also counts while the machine sleeps) from the wall time at the start.  When the
wall clock is set, `step` notices the difference, and the caller moves everything that is pending with it.
"""

from __future__ import annotations

import time

TOLERATED = 2.0
"""Seconds by which the wall clock may differ; what NTP slews is never noticed."""


class Clock:
    """Seconds since the epoch (UTC)."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._offset = self._difference()

    def now(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self._offset

    def step(self) -> float:
        """By how many seconds the wall clock has been set since last asked; 0.0 if it was not."""
        difference = self._difference()
        if abs(difference) <= TOLERATED:
            return 0.0
        self._offset += difference
        return difference

    def _difference(self) -> float:
        return time.time() - self.now()  # noqa: TID251  this is the clock
