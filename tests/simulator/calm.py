"""When can something change next; and the rounds of looks in which nothing can, left out.

Where every source has said the same for three rounds, and no delivery, timer or event comes before, what was seen is
moved to where all those rounds would have put it.  At least one round before the next thing is looked at in earnest.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from failover.credit import due
from failover.engine import Engine
from failover.model import State
from failover.standing import Standing
from failover.verdict import SILENCE_FACTOR
from tests.simulator.scenario import BEGINNING

if TYPE_CHECKING:
    from tests.simulator.life import Life
    from tests.simulator.process import Process

ROUNDS_ALIKE = 3
"""So many rounds in which every source said the same make calm; one more is looked at before the next thing."""

NEVER = float("inf")


def next_timer(life: Life) -> float:
    """The next time (true) at which the same looks would be judged differently, or a row falls due."""
    assert life.process is not None
    engine, now = life.process.engine, life.now()
    times = [time for row in life.owed for time in (row.due, row.latest)]
    times += [at + life.setup.person_looks_after for at in life.held_since.values()]
    for platform, standing in engine.standings.items():
        if platform in engine.watches:
            times += timers_of(life, engine, platform, standing)
    soon = min((time for time in times if time > now), default=NEVER)
    stale = stale_at(life, engine, now)
    return min(soon, stale) - life.process.offset - BEGINNING


def timers_of(life: Life, engine: Engine, platform: str, standing: Standing) -> list[float]:
    times = []
    agreed = due(standing, engine._rules(platform))
    if agreed is not None:
        times.append(agreed)
    watched = standing.state in (State.DOWN, State.RECOVERING) or platform in engine.declared
    if watched:
        recover_for = engine._rules(platform).recover_for
        if standing.calm_since is not None:
            times.append(standing.calm_since + recover_for)
        times += [at + SILENCE_FACTOR * recover_for for at in standing.voted.values()]
    return times + [time for _name, start, until in windows(life, platform) for time in (start, until)]


def windows(life: Life, platform: str) -> list[tuple[str, float, float]]:
    windows = life.process.config.maintenance if life.process else ()
    return [(name, BEGINNING + start, BEGINNING + until) for name, start, until in windows if name == platform]


def stale_at(life: Life, engine: Engine, now: float) -> float:
    """When the next answer grows stale that no look renews before."""
    assert life.process is not None
    looks = life.process.next_look
    shift = life.process.offset + BEGINNING
    times = [
        seen.good_until
        for platform, latest in engine.seen.items()
        for name, seen in latest.items()
        if now <= seen.good_until < looks.get(f"{platform}/{name}", NEVER) + shift
    ]
    return min(times, default=NEVER) + 0.001


def skip(life: Life, process: Process) -> None:
    """Leave out rounds in which nothing can change."""
    if process.courier.busy or process.looking or life.dirty:
        return
    now = life.true_now()
    one = max((process.intervals[one] for one in process.next_look), default=life.setup.every)
    if now - max(life.changed_at, life.sky.last_change(now)) < ROUNDS_ALIKE * one or not settled(life, process):
        return
    events = life.events[life.place].at if life.place < len(life.events) else NEVER
    ends = [time for time, _event in life.ends] + ([] if life.epilogue else [life.ended_at])
    until = min(events, life.sky.next_change(now), next_timer(life), *ends, life.scenario.hours * 3600)
    rounds = math.floor((until - now) / one) - 1
    if rounds > 1:
        leap(life, process, rounds * one)


def settled(life: Life, process: Process) -> bool:
    return all(
        process.engine.seen[look.platform][look.name].looks >= ROUNDS_ALIKE
        for look in process.lookout.looks.values()
        if process.lookout.interval(look) is not None and look.name in process.engine.seen[look.platform]
    )


def leap(life: Life, process: Process, seconds: float) -> None:
    """As if every source had been asked all that time, and had said the same."""
    engine = process.engine
    for look in process.lookout.looks.values():
        seen = engine.seen[look.platform].get(look.name)
        interval = process.lookout.interval(look)
        if seen is not None and interval is not None:
            engine.seen[look.platform][look.name] = replace(
                seen,
                at=seen.at + seconds,
                good_until=seen.good_until + seconds,
                looks=seen.looks + int(seconds / interval),
            )
    if not engine.line.offline:
        engine.line = replace(engine.line, good_at=engine.line.good_at + seconds)
    process.next_look = {one: at + seconds for one, at in process.next_look.items()}
    process.next_anchors += seconds
    life.hours.skipped += seconds
    if life.in_incident():
        life.hours.incident_skipped += seconds
    life.loop.leap(seconds)
