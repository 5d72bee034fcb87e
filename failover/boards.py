"""A channel that shows how things stand, not only what was said: it shows an incident as over though nothing more is
said of it there (its welcome back was objected to, came too late, or is owed to nobody).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from failover.delivery import Phase
from failover.engine import Engine

AGAIN = 60.0
"""Seconds after which a board that could not be changed is tried again."""

_UNDER_WAY = frozenset({Phase.READY, Phase.SENDING, Phase.UNSURE})


@runtime_checkable
class Board(Protocol):
    """A channel such as a status page."""

    async def show_ended(self, incidents: Mapping[str, float]) -> bool:
        """These incidents are over since then (seconds, UTC): show none of them as lasting; False = could not.

        Asked again at any time, also for what was never said there; publishes no text.
        """
        ...


class Boards:
    """What each board is not known to show as over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shown: dict[str, frozenset[tuple[str, float]]] = {}
        self._not_before: dict[str, float] = {}

    async def outdated(self, name: str, now: float) -> dict[str, float]:
        """Incident -> its end, where nothing more is to be said of it on this channel.  Raises StoreError.

        What waits there for sign-off is not anticipated.
        """
        if self._engine.paused_by or now < self._not_before.get(name, now):
            return {}
        shown = self._shown.get(name, frozenset())
        ended = [(one.id, one.closed_at) for one in self._engine.recent if one.closed_at is not None]
        found = {}
        for incident, closed_at in ended:
            if (incident, closed_at) not in shown:
                rows = await self._engine.store.deliveries(incident)
                if not any(row.channel == name and row.phase in _UNDER_WAY for row in rows):
                    found[incident] = closed_at
        return found

    async def show(self, name: str, board: Board, ended: Mapping[str, float], deadline: float, now: float) -> None:
        """Change it, once; what went wrong is tried again after a while."""
        self._not_before[name] = now + AGAIN
        try:
            async with asyncio.timeout(deadline):
                done = await board.show_ended(ended)
        except TimeoutError:
            return
        if done:
            recent = {one.id for one in self._engine.recent}
            still = {pair for pair in self._shown.get(name, ()) if pair[0] in recent}
            self._shown[name] = frozenset(still | set(ended.items()))
            del self._not_before[name]
