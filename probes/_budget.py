"""What a probe may spend at a free service, by its own count and by what the service says; private to this folder."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

HOUR = 3600.0
RESET = 600.0
"""Seconds to stay away after a "too many" that does not say for how long."""


class Budget:
    """At most `per_hour` in any hour.  Times are those of the daemon's clock; one that was set forgives old spending.

    The headers are those of Globalping (globalping.io/docs/api.globalping.io): X-RateLimit-Remaining, -Reset in
    seconds, and Retry-After.
    """

    def __init__(self, per_hour: int) -> None:
        self._per_hour = per_hour
        self._spent: deque[tuple[float, int]] = deque()
        self._closed: tuple[float, float] | None = None
        self._left: int | None = None

    def refusal(self, now: float, cost: int) -> str:
        """Why `cost` must not be spent now; "" where it may."""
        while self._spent and not 0 <= now - self._spent[0][0] < HOUR:
            self._spent.popleft()
        if self._closed is not None and not self._closed[0] <= now < self._closed[1]:
            self._closed, self._left = None, None
        if self._closed is not None and (self._left is None or self._left < cost):
            return "its free quota for this address is used up for now"
        if sum(spent for _at, spent in self._spent) + cost > self._per_hour:
            return f"our own limit of {self._per_hour} an hour is used up for now"
        return ""

    def book(self, now: float, cost: int) -> None:
        """To be called before asking: what nobody answers may have been counted all the same."""
        self._spent.append((now, cost))

    def refund(self) -> None:
        """The last booking was refused, and cost nothing."""
        self._spent.pop()

    def heard(self, now: float, headers: Mapping[str, str], *, refused: bool = False) -> None:
        """What an answer says of the quota; `refused` for a 429."""
        left, reset = _number(headers.get("x-ratelimit-remaining")), _number(headers.get("x-ratelimit-reset"))
        if refused:
            wait = reset or _number(headers.get("retry-after")) or RESET
            self._left, self._closed = None, (now, now + min(wait, HOUR))
        elif left is not None and reset is not None:
            self._left, self._closed = left, (now, now + min(reset, HOUR))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
