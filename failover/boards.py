"""A channel that shows how things stand, not only what was said: it shows an incident as over though nothing more is
said of it there (its welcome back was objected to, came too late, or is owed to nobody), and no longer as over once
it is open again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from failover.delivery import Phase
from failover.engine import Engine
from failover.incidents import Incident
from failover.model import State
from failover.statements import THE_CONFIGURATION

AGAIN = 60.0
"""Seconds after which a board that could not be changed is tried again."""

_UNDER_WAY = frozenset({Phase.READY, Phase.SENDING, Phase.UNSURE})


@runtime_checkable
class Board(Protocol):
    """A channel such as a status page."""

    async def show_state(self, incidents: Mapping[str, float | None]) -> bool:
        """These are over since then (seconds, UTC), or last (None): show none as the other; False = could not.

        Asked again at any time, also for what was never said there; publishes no text.
        """
        ...


class Boards:
    """What each board is not known to show as it is."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shown: dict[str, dict[str, float | None]] = {}
        self._not_before: dict[str, float] = {}

    async def outdated(self, name: str, now: float) -> dict[str, float | None]:
        """Incident -> its end, where nothing more is to be said of it on this channel; None: it lasts.

        What waits there for sign-off is not anticipated.  Raises StoreError.
        """
        if self._engine.paused_by or now < self._not_before.get(name, now):
            return {}
        shown = self._shown.get(name, {})
        changed = [one for one in self._engine.recent if one.id not in shown or shown[one.id] != one.closed_at]
        return {one.id: one.closed_at for one in changed if await self._may_be_shown(one, name)}

    async def _may_be_shown(self, incident: Incident, name: str) -> bool:
        if incident.is_open:
            return incident.taken_back_at is None
        rows = await self._engine.store.deliveries(incident.id)
        if any(row.channel == name and row.phase in _UNDER_WAY for row in rows):
            return False
        return not await self._ended_unseen(incident)

    async def _ended_unseen(self, incident: Incident) -> bool:
        """The configuration has dropped it while it was down: nobody knows its end until all of it is seen well."""
        standings = [self._engine.standings.get(platform) for platform in incident.platforms]
        if all(one is not None and one.state is State.UP for one in standings):
            return False
        statements = await self._engine.store.statements(incident.id)
        return any(row.decision == "vetoed" and row.decided_by == THE_CONFIGURATION for row in statements)

    async def show(
        self, name: str, board: Board, incidents: Mapping[str, float | None], deadline: float, now: float
    ) -> None:
        """Change it, once; what went wrong is tried again after a while."""
        self._not_before[name] = now + AGAIN
        try:
            async with asyncio.timeout(deadline):
                done = await board.show_state(incidents)
        except TimeoutError:
            return
        if done:
            recent = {one.id for one in self._engine.recent}
            still = {one: at for one, at in self._shown.get(name, {}).items() if one in recent}
            self._shown[name] = still | dict(incidents)
            del self._not_before[name]
