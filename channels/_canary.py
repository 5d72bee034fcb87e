"""A test post that nobody sees: written, read back, taken away again; private to this folder.

Reading can work for hours while posting fails, and then only a write shows it.  What is left over (a crash, a
deadline, a deletion that failed) is cleaned up at the next flight.  While that fails as well, only so much more is
written that a service which refuses every change can be told from one that only refuses to delete.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol, TypeVar

from failover.model import Evidence, Fault, Sighting, Signal

MOST = 3
"""Test posts that may lie about at once, where the service does not let them be taken away, or not be looked for."""

PAUSE = 900.0
"""Seconds between two writes after that, where it cannot be seen what the unclear ones left."""

WRITE_SECONDS, ASIDE_SECONDS = 14.0, 4.0
"""Longest silences in the write and in each other call; `Patience` ends whatever goes on in spite of them."""

_WORDS = "Test of the failover service, {:%Y-%m-%d %H:%M:%S} UTC: nobody should see this, and it may be deleted."
_OURS = re.compile(
    r"Test of the failover service, [-\d]{10} [:\d]{8} UTC: nobody should see this, and it may be deleted\."
)

T = TypeVar("T")


class Seen(Enum):
    """What reading back shows."""

    HIDDEN = "it is there, and nobody sees it"
    MISSING = "it is not there"
    PUBLIC = "everybody can see it"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for the write and for each other step; twice that for the last, which may also look for leftovers."""

    write: float = 15.0
    aside: float = 5.0

    @property
    def whole(self) -> float:
        """What a flight takes at the very most.  A look that is cut off would be no vote."""
        return self.write + 5 * self.aside


class Hand(Protocol):
    """What a channel does for its canary.  A Sighting says what went wrong, by the channel's own table."""

    async def leftovers(self) -> Sequence[str] | Sighting | None:
        """What earlier flights left.

        None where that cannot be listed; a Sighting where nothing may be written now.
        """
        ...

    async def write(self, text: str) -> str | Sighting:
        """Write it where nobody sees it; its id.  Only a fault of our account means that nothing was written."""
        ...

    async def read(self, post: str, text: str) -> Seen | Sighting: ...

    async def remove(self, post: str) -> bool | Sighting:
        """Take it away for good; False where it was not there."""
        ...


class Flight:
    """The order of things, and the memory of what is still there."""

    def __init__(self, hand: Hand, now: Callable[[], float], patience: Patience | None = None) -> None:
        self._hand = hand
        self._now = now
        self._patience = patience or Patience()
        self._left: dict[str, None] = {}
        self._unclear = 0  # writes whose outcome, and so whose id, was never learned; since the last look at them
        self._tried = 0.0
        self._stopped: Sighting | None = None

    async def fly(self) -> Sighting:
        """Once.  A test post that turned out to be public was the last one until the next start."""
        if self._stopped is not None:
            return self._stopped
        reason = await self._prepared()
        if reason is not None:
            return reason
        text = words(self._now())
        post = await self._write(text)
        if isinstance(post, Sighting):
            return replace(post, reason=f"a test post could not be made: {post.reason}")
        self._left[post] = None
        seen = await _within(self._patience.aside, self._hand.read(post, text))
        removed = await self._remove(post, 2 * self._patience.aside)
        if seen is Seen.PUBLIC:
            self._stopped = _exposed(removed)
            return self._stopped
        return _judged(seen, removed)

    async def _prepared(self) -> Sighting | None:
        """Clean up; why nothing more may be written, if so."""
        found = await _within(self._patience.aside, self._hand.leftovers())
        if isinstance(found, Sighting):
            return found
        if found is not None:
            self._unclear = 0
        kept = await self._tidy(found or ())
        if kept is not None and (len(self._left) >= MOST or kept.fault is Fault.ACCOUNT):
            return kept
        if self._unclear >= MOST and self._tried <= self._now() < self._tried + PAUSE:
            reason = f"{self._unclear} test posts may be left over that cannot be looked for; the next is made later"
            return Sighting.unknown(Evidence.HERE, reason)
        return None

    async def _write(self, text: str) -> str | Sighting:
        """Unclear until it is known to be otherwise: a look may be cut off at any moment."""
        self._unclear, self._tried = self._unclear + 1, self._now()
        post = await _within(self._patience.write, self._hand.write(text))
        if isinstance(post, str):
            self._unclear = 0
        elif post.fault is Fault.ACCOUNT:
            self._unclear -= 1
        return post

    async def _tidy(self, found: Sequence[str]) -> Sighting | None:
        """Take away what is left over; what stood in the way, if anything did."""
        self._left |= dict.fromkeys(found)
        removed = await _within(self._patience.aside, self._remove_all())
        return at_most_degraded(removed, "an earlier test post could not be taken away") if removed else None

    async def _remove_all(self) -> Sighting | None:
        for post in [*self._left]:
            removed = await self._remove(post, self._patience.aside)
            if isinstance(removed, Sighting):
                return removed
        return None

    async def _remove(self, post: str, seconds: float) -> bool | Sighting:
        removed = await _within(seconds, self._hand.remove(post))
        if not isinstance(removed, Sighting):
            self._left.pop(post, None)
        return removed


async def _within(seconds: float, step: Awaitable[T]) -> T | Sighting:
    """What a step says; silence is a vote from here alone."""
    try:
        async with asyncio.timeout(seconds):
            return await step
    except TimeoutError:
        return Sighting.down(Evidence.HERE, f"no answer within {seconds:g} s")


def words(now: float) -> str:
    """Never twice the same within a second: services refuse repeated texts."""
    return _WORDS.format(datetime.fromtimestamp(now, UTC))


def is_ours(text: object) -> bool:
    """Is this the text of a test post?  Nothing else is ever cleaned up."""
    return isinstance(text, str) and _OURS.fullmatch(text) is not None


def at_most_degraded(sighting: Sighting, what: str) -> Sighting:
    """Posting worked, so trouble with what comes after it is no outage."""
    reason = f"{what}: {sighting.reason}"
    if sighting.signal is Signal.DOWN:
        return Sighting.degraded(sighting.evidence, reason, sighting.detail)
    return replace(sighting, reason=reason)


def _judged(seen: Seen | Sighting, removed: bool | Sighting) -> Sighting:  # noqa: FBT001 - an answer, not a switch
    if isinstance(seen, Sighting):
        return at_most_degraded(seen, "a test post was made, but could not be read")
    if isinstance(removed, Sighting):
        return at_most_degraded(removed, "a test post was made, but could not be taken away")
    if seen is Seen.MISSING or removed is False:
        return Sighting.degraded(Evidence.SPOKEN, "a test post was accepted, but it is not there")
    return Sighting.up(Evidence.SPOKEN, "a test post was made, read and taken away")


def _exposed(removed: bool | Sighting) -> Sighting:  # noqa: FBT001
    gone = "it could not be taken away, remove it by hand" if isinstance(removed, Sighting) else "it was taken away"
    reason = f"a test post that nobody should see was public; {gone}, and no more are made until the next start"
    return Sighting.unknown(Evidence.SPOKEN, reason, fault=Fault.ACCOUNT)
