"""A test post that nobody sees: written, read back, taken away again; private to this folder.

Reading can work for hours while posting fails, and then only a write shows it.  What is left over (a crash, a
deadline, a deletion that failed) is cleaned up at the next flight.  While that fails as well, only so much more is
written that a service which refuses every change can be told from one that only refuses to delete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from failover.model import Evidence, Fault, Sighting, Signal

MOST = 3
"""Test posts that may lie about at once, where the service does not let them be taken away."""

WRITE_SECONDS = 15.0
"""Time for the write; with `ASIDE_SECONDS` for the other steps an answer comes within an account probe's deadline."""

ASIDE_SECONDS = 5.0

_WORDS = "Test of the failover service, {:%Y-%m-%d %H:%M:%S} UTC: nobody should see this, and it may be deleted."
_OURS = re.compile(
    r"Test of the failover service, [-\d]{10} [:\d]{8} UTC: nobody should see this, and it may be deleted\."
)


class Seen(Enum):
    """What reading back shows."""

    HIDDEN = "it is there, and nobody sees it"
    MISSING = "it is not there"
    PUBLIC = "everybody can see it"


class Hand(Protocol):
    """What a channel does for its canary.  A Sighting says what went wrong, by the channel's own table."""

    async def leftovers(self) -> Sequence[str] | Sighting:
        """What earlier flights left and can be found; a Sighting where nothing must be written without knowing."""
        ...

    async def write(self, text: str) -> str | Sighting:
        """Write it where nobody sees it; its id."""
        ...

    async def read(self, post: str, text: str) -> Seen | Sighting: ...

    async def remove(self, post: str) -> bool | Sighting:
        """Take it away for good; False where it was not there."""
        ...


class Flight:
    """The order of things, and the memory of what is still there."""

    def __init__(self, hand: Hand, now: Callable[[], float]) -> None:
        self._hand = hand
        self._now = now
        self._left: dict[str, None] = {}
        self._stopped: Sighting | None = None

    async def fly(self) -> Sighting:
        """Once.  A test post that turned out to be public was the last one until the next start."""
        if self._stopped is not None:
            return self._stopped
        found = await self._hand.leftovers()
        if isinstance(found, Sighting):
            return replace(found, reason=f"whether a test post is left over could not be seen: {found.reason}")
        kept = await self._tidy(found)
        if kept is not None and (len(self._left) >= MOST or kept.fault is Fault.ACCOUNT):
            return kept
        text = words(self._now())
        post = await self._hand.write(text)
        if isinstance(post, Sighting):
            return replace(post, reason=f"a test post could not be made: {post.reason}")
        self._left[post] = None
        seen = await self._hand.read(post, text)
        removed = await self._remove(post)
        if seen is Seen.PUBLIC:
            self._stopped = _exposed(removed)
            return self._stopped
        return _judged(seen, removed)

    async def _tidy(self, found: Sequence[str]) -> Sighting | None:
        """Take away what is left over; what stood in the way, if anything did."""
        self._left |= dict.fromkeys(found)
        for post in [*self._left]:
            removed = await self._remove(post)
            if isinstance(removed, Sighting):
                return at_most_degraded(removed, "an earlier test post could not be taken away")
        return None

    async def _remove(self, post: str) -> bool | Sighting:
        removed = await self._hand.remove(post)
        if not isinstance(removed, Sighting):
            self._left.pop(post, None)
        return removed


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
