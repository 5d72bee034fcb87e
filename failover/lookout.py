"""Runs the probes: one look at a time per probe, under its deadline, at the speed that the platform's state asks for.

Three speeds (R9): steady while all is well, fast while something is suspected or coming back, in between while it is
down.  A vote made from here makes the anchors be asked at once (R3).  What a probe raises is a bug: it is told once,
and the look counts as UNKNOWN.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from failover.contracts import Probe
from failover.engine import Engine
from failover.model import Evidence, Sighting, State

FRESH_ROUNDS = 2.5
"""An answer is stale after this many steady rounds (and one deadline)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One probe on one platform; durations in seconds."""

    platform: str
    name: str
    probe: Probe
    evidence: Evidence
    every: float
    fastest: float
    timeout: float
    on_suspicion: bool = False

    @property
    def id(self) -> str:
        return f"{self.platform}/{self.name}"

    @property
    def good_for(self) -> float:
        return FRESH_ROUNDS * self.every + self.timeout

    def interval(self, state: State, fast: float) -> float | None:
        """Seconds between two looks in this state; None = not asked now.  `fast` is `every_when_suspect`."""
        if self.on_suspicion and state in (State.UP, State.UNKNOWN):
            return None
        hurried = {State.SUSPECT: fast, State.RECOVERING: 2 * fast, State.DOWN: 2 * fast}.get(state, self.every)
        return min(self.every, max(hurried, self.fastest))


class Lookout:
    """All looks and the anchors."""

    def __init__(
        self, engine: Engine, looks: Sequence[Look], anchors: Probe, now: Callable[[], float], *, fast: float
    ) -> None:
        self.looks = {look.id: look for look in looks}
        self._engine = engine
        self._anchors = anchors
        self._now = now
        self._fast = fast
        self._asking: asyncio.Task[None] | None = None

    def interval(self, look: Look) -> float | None:
        """How often this look is due at present."""
        standing = self._engine.standings.get(look.platform)
        return look.interval(standing.state if standing else State.UNKNOWN, self._fast)

    async def look(self, look_id: str) -> None:
        """Look once and tell the engine."""
        look = self.looks[look_id]
        began = self._now()
        sighting = await self._sighting(look)
        now = self._now()
        await self._engine.saw(look.platform, look.name, sighting, now, good_for=look.good_for, took=now - began)
        if self._engine.line_in_doubt():
            await self.ask_anchors()

    async def _sighting(self, look: Look) -> Sighting:
        try:
            async with asyncio.timeout(look.timeout):
                return await look.probe.look()
        except TimeoutError:
            return Sighting.unknown(look.evidence, f"no answer within {look.timeout:g} s")
        except Exception as error:  # noqa: BLE001  the one guard around every probe
            self._engine.journal.bug(f"probe {look.id}", error)
            return Sighting.unknown(look.evidence, f"the probe failed unexpectedly ({type(error).__name__})")

    async def ask_anchors(self) -> None:
        """Ask the anchors now; several callers share one round."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._round(), name="anchors")
        await asyncio.shield(self._asking)

    async def stop(self) -> None:
        """Break off a round of the anchors that is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _round(self) -> None:
        began = self._now()
        anchors = Look(
            platform="", name="anchors", probe=self._anchors, evidence=Evidence.HERE, every=0, fastest=0, timeout=10.0
        )
        sighting = await self._sighting(anchors)
        await self._engine.anchors(sighting, began)
