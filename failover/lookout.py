"""Runs the probes: one look at a time per probe, under its deadline, at the speed that the platform's state asks for.

Three speeds (R9): steady while all is well, fast while something is suspected or coming back, in between while it is
down.  A source with a budget is asked more slowly in steady times, so that its month lasts, and not at all when it is
used up.  A vote made from here makes the anchors be asked at once (R3).  What a probe raises is a bug: it is told
once, and the look counts as UNKNOWN.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from failover.budget import month_of, stretched, used_up
from failover.contracts import Cost, Probe
from failover.engine import Engine
from failover.model import Evidence, Sighting, Signal, State

FRESH_ROUNDS = 2.5
"""An answer is stale after this many steady rounds (and one deadline)."""

LONGEST_FRESH = 6 * 3600.0
"""However rarely a budget lets a source be asked, "it works" is stale after this time (seconds)."""

NOTED_EVERY = 60.0
"""Seconds between two notes of how often the sources were asked; other writes take them along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One probe on one platform; durations in seconds.

    At most `budget` looks are made in a month (UTC); `cost` is what they are billed, but for the first `free`.
    """

    platform: str
    name: str
    probe: Probe
    evidence: Evidence
    every: float
    fastest: float
    timeout: float
    on_suspicion: bool = False
    budget: int | None = None
    cost: Cost | None = None
    free: int | None = None

    @property
    def id(self) -> str:
        return f"{self.platform}/{self.name}"

    @property
    def good_for(self) -> float:
        return FRESH_ROUNDS * self.every + self.timeout

    def lasts(self, sighting: Sighting, steady: float) -> float:
        """Seconds for which an answer is fresh.  "It works" is, between steady looks that a budget has spread out."""
        spread = min(FRESH_ROUNDS * steady, LONGEST_FRESH) if sighting.signal is Signal.UP else 0.0
        return max(self.good_for, spread)

    def interval(self, state: State, fast: float, steady: float | None = None) -> float | None:
        """Seconds between two looks in this state; None = not asked now.

        `fast` is `every_when_suspect`, `steady` the steady interval where a budget spreads the looks.
        """
        if self.on_suspicion and state in (State.UP, State.UNKNOWN):
            return None
        hurried = {State.SUSPECT: fast, State.RECOVERING: 2 * fast, State.DOWN: 2 * fast}.get(state)
        if hurried is None:
            return steady or self.every
        return min(self.every, max(hurried, self.fastest))

    def spent(self, looks: int) -> bool:
        return self.budget is not None and looks >= self.budget


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
        self._spread: dict[str, tuple[tuple[str, int], float]] = {}
        self._noted = float("-inf")

    def interval(self, look: Look) -> float | None:
        """How often this look is due at present."""
        standing = self._engine.standings.get(look.platform)
        return look.interval(standing.state if standing else State.UNKNOWN, self._fast, self.steady(look))

    def steady(self, look: Look) -> float:
        """Seconds between two steady looks; the same from one look to the next, since a new pace starts anew."""
        if look.budget is None:
            return look.every
        now = self._now()
        looks = self._engine.usage.looks(look.id, now)
        as_of, seconds = self._spread.get(look.id, (None, 0.0))
        if as_of != (month_of(now), looks):
            seconds = stretched(look.every, look.budget, looks, now)
            self._spread[look.id] = (month_of(now), looks), seconds
        return seconds

    def next_at(self, look: Look, pace: float) -> float:
        """When it looks at a pace that begins now: counted from its last look; at once where that has passed.

        So what was not asked for long is asked in the moment of a suspicion, and no source sooner than it allows.
        """
        seen, now = self._engine.seen.get(look.platform, {}).get(look.name), self._now()
        return now if seen is None else max(now, seen.at + pace)

    async def look(self, look_id: str) -> None:
        """Look once and tell the engine."""
        look = self.looks[look_id]
        began = self._now()
        sighting = await self._afforded(look, began)
        now = self._now()
        lasts = look.lasts(sighting, self.steady(look))
        await self._engine.saw(look.platform, look.name, sighting, now, good_for=lasts, took=now - began)
        if self._engine.line_in_doubt():
            await self.ask_anchors()
        if now - self._noted >= NOTED_EVERY:
            self._noted = now
            await self._engine.note_usage(now)

    async def _afforded(self, look: Look, now: float) -> Sighting:
        """The look, counted before it is made; or none, where the budget of the month is used up."""
        usage = self._engine.usage
        if look.budget is not None and look.spent(usage.looks(look.id, now)):
            return used_up(look.evidence, look.budget, now)
        usage.count(look.id, now)
        return await self._sighting(look)

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
        """Break off a round of the anchors that is under way, and write down what was counted."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._engine.note_usage(self._now())

    async def _round(self) -> None:
        began = self._now()
        anchors = Look(
            platform="", name="anchors", probe=self._anchors, evidence=Evidence.HERE, every=0, fastest=0, timeout=10.0
        )
        sighting = await self._sighting(anchors)
        await self._engine.anchors(sighting, began)
