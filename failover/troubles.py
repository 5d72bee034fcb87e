"""Trouble that is ours or a source's, not the platform's: said once, and once when it is over (R2, R4)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from failover.budget import is_used_up
from failover.model import Fault, Observation, Signal

OFTEN = 3
"""After so many looks running in which a source could not tell, that is trouble of its own."""

_WELL = {
    "account_trouble": "account_well",
    "source_unknown": "source_back",
    "source_budget_spent": "source_back",
    "store_trouble": "store_well",
}


class Says(Protocol):
    """Where it is said: the journal."""

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool: ...


def trouble_with(seen: Observation, *, offline: bool) -> str | None:
    """The event that tells what is wrong with this source; "" if it is well, None where this look tells neither."""
    sighting = seen.sighting
    if is_used_up(sighting):
        return "source_budget_spent"
    if sighting.fault is Fault.ACCOUNT:
        return "account_trouble"
    if sighting.signal is not Signal.UNKNOWN:
        return ""
    return "source_unknown" if seen.looks >= OFTEN and not offline else None


class Troubles:
    """key -> the event that told of trouble which is not over: the name of a source, or `store`."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._told)

    def looked(self, journal: Says, seen: Observation, *, offline: bool) -> None:
        """What this look says of its source, or of our account there."""
        key, place = f"{seen.platform}/{seen.probe}", {"platform": seen.platform, "probe": seen.probe}
        event = trouble_with(seen, offline=offline)
        if event:
            self.began(journal, key, event, **place, reason=seen.sighting.reason)
        elif event is not None:
            self.ended(journal, key, **place)

    def began(self, journal: Says, key: str, event: str, **fields: object) -> None:
        """Said again only when the reason changes."""
        self._told[key] = event
        journal.say_on_change(key, event, **fields)

    def ended(self, journal: Says, key: str, **fields: object) -> None:
        """Said only where the trouble was said before."""
        event = self._told.pop(key, "")
        if event:
            journal.say_on_change(key, _WELL[event], **fields)

    def inherit(self, before: Troubles, keys: Collection[str]) -> None:
        """After a reload: what is over is still said of those that are still there."""
        self._told = {key: event for key, event in before._told.items() if key in keys}
