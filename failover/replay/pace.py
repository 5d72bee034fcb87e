"""Which looks and ticks of a replay are worth making.

Hours pass in which every source says the same again and again.  A look is left out where its answer is known
beforehand and no timer runs that it could bear upon; a tick, where nothing can happen merely because time has passed.
A test holds the thinned performance against the whole one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

from failover.assembly import Assembly
from failover.credit import due
from failover.delivery import Delivery, Phase
from failover.incidents import recovery_time
from failover.lookout import Look
from failover.model import State
from failover.replay.stage import Stage
from failover.unsteady import is_unsteady
from failover.verdict import SILENCE_FACTOR

BUSY, PATIENT, WHOLE, OPEN = 1.0, 10.0, 15.0, 120.0
"""Seconds between two ticks at most: something is about to happen; something waits for a person or a platform;
nothing is left out; an incident is open."""

ANCHORS_EVERY = 30.0

SETTLED = 3
"""After this many looks with one answer, a source that will not change its answer soon is looked at rarely."""

RARELY = 7200.0
"""Seconds at most between two looks whose answers are known; what a source said is held good so long."""

OVERDUE = 300.0
"""For so many seconds a timer that has run out is believed to be about to bring something about."""

_ACTIVE = frozenset({Phase.READY, Phase.SENDING, Phase.UNSURE})

Pulse = tuple[State, bool, bool, bool, float]


class Pace:
    """How long one can wait, given what the stage will answer and where the engine stands."""

    def __init__(self, stage: Stage, at: Assembly, *, thinned: bool) -> None:
        self._stage = stage
        self._at = at
        self._thinned = thinned

    def rest(self, look: Look, now: float) -> float:
        """Seconds in which looking again could tell nothing new; 0.0 where that is not known."""
        seen = self._at.engine.seen[look.platform].get(look.name)
        if not self._thinned or seen is None or seen.looks < SETTLED or is_unsteady(seen) or look.budget is not None:
            return 0.0
        quiet = min(self._stage.quiet_for(look.platform, look.name, look.evidence), self.timer(look.platform, now))
        return min(quiet - SETTLED * look.every, RARELY)

    def pulse(self, platform: str) -> Pulse | None:
        """What the looks at a platform must keep up with: where this changes, none of them rests any longer."""
        standing, line = self._at.engine.standings.get(platform), self._at.engine.line
        if standing is None:
            return None
        timers = standing.quorum_since is None, standing.undisputed_since is None, standing.calm_since is None
        return standing.state, *timers, line.since

    def timer(self, platform: str, now: float) -> float:
        """Seconds until the platform's state may change merely because time has passed."""
        return min((max(0.0, end - now) for end in self._timers(platform) if end > now - OVERDUE), default=inf)

    def _timers(self, platform: str) -> Iterator[float]:
        engine = self._at.engine
        standing, rules = engine.standings.get(platform), engine.watches[platform].rules
        if standing is None:
            return
        agreed = due(standing, rules)
        if agreed is not None and (standing.state is not State.DOWN or platform in engine.declared):
            yield agreed
        if standing.state not in (State.DOWN, State.RECOVERING):
            return
        incident = next((one for one in engine.recent if one.is_open and platform in one.down), None)
        recover_for = recovery_time(incident, engine.house.calm)
        if standing.calm_since is not None:
            yield standing.calm_since + recover_for
        yield from (last + SILENCE_FACTOR * recover_for for last in standing.voted.values())

    def anchors(self) -> float:
        """Seconds until the anchors are worth asking again; a vote from here asks them by itself."""
        if not self._thinned or self._at.engine.line.offline:
            return ANCHORS_EVERY
        return max(ANCHORS_EVERY, min(RARELY, self._stage.line_quiet_for() - 2 * ANCHORS_EVERY))

    def tick(self, owed: Iterable[Delivery], now: float) -> float:
        """Seconds to the next tick."""
        return max(BUSY, min(self._usual(), *self._soon(now), *_pressing(owed, now)))

    def _usual(self) -> float:
        if not self._thinned:
            return WHOLE
        if any(one.is_open for one in self._at.engine.recent):
            return OPEN
        return OPEN / 2 if self._at.settings.maintenance else RARELY

    def _soon(self, now: float) -> Iterator[float]:
        """Timers, and answers that will be stale."""
        for platform, latest in self._at.engine.seen.items():
            yield self.timer(platform, now)
            yield from (seen.good_until + 0.1 - now for seen in latest.values() if seen.good_until >= now)


def _pressing(owed: Iterable[Delivery], now: float) -> Iterator[float]:
    for row in owed:
        if row.phase in _ACTIVE:
            yield min(PATIENT, row.due - now) if row.due > now or now < row.due + 60 else PATIENT
        yield max(0.0, row.latest - now)
