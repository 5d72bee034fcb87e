"""What `failover sources` is told: every probe's last answer, its pace, and what it costs, as plain data."""

from __future__ import annotations

from typing import Any

from failover.budget import estimate, month_of
from failover.engine import Engine
from failover.lookout import Look, Lookout
from failover.model import Observation, Signal, State
from failover.store import Store

Fields = dict[str, Any]

_SPEEDS = {State.SUSPECT: "fast", State.DOWN: "down", State.RECOVERING: "down"}


async def sources(engine: Engine, lookout: Lookout, now: float) -> Fields:
    """By platform; times in seconds since the epoch (UTC), ages and intervals in seconds."""
    unknown = await engine.store.past.unknown_since()
    return {
        "now": now,
        "month": month_of(now),
        "platforms": [
            {
                "name": platform,
                "state": _state(engine, platform).value,
                "sources": [
                    _source(engine, lookout, look, unknown.get((platform, look.name)), now)
                    for look in sorted(lookout.looks.values(), key=lambda look: look.name)
                    if look.platform == platform
                ],
            }
            for platform in engine.watches
        ],
    }


def _state(engine: Engine, platform: str) -> State:
    standing = engine.standings.get(platform)
    return standing.state if standing else State.UNKNOWN


def _source(engine: Engine, lookout: Lookout, look: Look, unknown: float | None, now: float) -> Fields:
    seen = engine.seen[look.platform].get(look.name)
    interval = lookout.interval(look)
    looks = engine.usage.looks(look.id, now)
    cost = estimate(look.cost, looks, look.free, now)
    silent = seen is not None and seen.sighting.signal is Signal.UNKNOWN
    return {
        **_answer(seen, look, now),
        "unknown_since": (unknown or (seen.at if seen else None)) if silent else None,
        "interval": interval,
        "next": max(0.0, seen.at + interval - now) if seen is not None and interval is not None else None,
        "speed": _speed(look, _state(engine, look.platform), interval, looks),
        "looks": looks,
        "cost": cost,
        "currency": look.cost.currency if look.cost else "",
        "budget": look.budget,
        "left": None if look.budget is None else max(0, look.budget - looks),
    }


def _answer(seen: Observation | None, look: Look, now: float) -> Fields:
    if seen is None:
        return {"probe": look.name, "evidence": look.evidence.value, "signal": None, "reason": "", "age": None}
    return {
        "probe": look.name,
        "evidence": seen.sighting.evidence.value,
        "signal": seen.sighting.signal.value,
        "reason": seen.sighting.reason,
        "age": now - seen.at,
        "stale": now > seen.good_until,
    }


def _speed(look: Look, state: State, interval: float | None, looks: int) -> str:
    """steady, fast (suspicion), down; slow where a budget spreads the looks; waits or spent where it is not asked."""
    if interval is None:
        return "waits"
    if look.spent(looks):
        return "spent"
    return _SPEEDS.get(state) or ("slow" if interval > look.every else "steady")


async def last_sources(store: Store, now: float) -> Fields:
    """The same from the file of a daemon that does not run, as far as it is kept there."""
    states = {one.platform: one.state for one in await store.standings()}
    unknown, usage = await store.past.unknown_since(), await store.usage(month_of(now))
    platforms: dict[str, list[Fields]] = {}
    for seen in await store.past.last_words(now):
        source = (f"{seen.platform}/{seen.probe}", month_of(now))
        platforms.setdefault(seen.platform, []).append(
            {
                "probe": seen.probe,
                "evidence": seen.sighting.evidence.value,
                "signal": seen.sighting.signal.value,
                "reason": seen.sighting.reason,
                "said_since": seen.at,
                "unknown_since": unknown.get((seen.platform, seen.probe)),
                "looks": usage.get(source, 0),
            }
        )
    return {
        "now": now,
        "month": month_of(now),
        "platforms": [
            {"name": name, "state": states.get(name, State.UNKNOWN).value, "sources": found}
            for name, found in platforms.items()
        ],
    }
