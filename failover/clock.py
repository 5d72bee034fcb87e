"""The daemon's clock: wall time that never jumps under anybody's feet.

`now` runs on CLOCK_BOOTTIME (which also counts while the machine sleeps) from the wall time at the start.  When the
wall clock is set, `look` notices the difference; the caller moves everything that is pending, and then adopts it.
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

    def look(self) -> float:
        """By how many seconds the wall clock has been set, as long as that is not adopted; 0.0 if it was not."""
        difference = self._difference()
        return 0.0 if abs(difference) <= TOLERATED else difference

    def adopt(self, seconds: float) -> None:
        """Everything that is pending has been moved by so many seconds, and so is `now`."""
        self._offset += seconds

    def _difference(self) -> float:
        return time.time() - self.now()  # noqa: TID251  this is the clock
