"""What `failover status` is told: the daemon's whole state as plain data, and the one line for systemd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from failover.agenda import known_of
from failover.chronicle import MOST_INCIDENTS
from failover.contracts import format_duration
from failover.delivery import OWED, Delivery, Phase, StatementRow
from failover.engine import REMEMBERED, Engine
from failover.incidents import HOLDING_KINDS, Incident
from failover.model import Health, State, Statement
from failover.signoff import CODE, Asking, seal, still_good, unsaid
from failover.standing import Standing
from failover.updates import joined_later

Fields = dict[str, Any]


async def status(engine: Engine, healths: Mapping[str, tuple[float, Health]], now: float) -> Fields:
    """Everything a person may want to know at a glance; times in seconds since the epoch (UTC)."""
    incidents = []
    for incident in engine.recent:
        deliveries = await engine.store.deliveries(incident.id)
        if incident.is_open or any(row.phase in OWED for row in deliveries):
            incidents.append(await _incident(engine, incident, deliveries, now))
    return {
        "now": now,
        "line": await summary(engine, now),
        "offline": engine.line.reason,
        "paused_by": engine.paused_by,
        "platforms": [_platform(engine, name, now) for name in engine.watches],
        "channels": [_channel(engine, name, healths.get(name)) for name in engine.house.voices],
        "incidents": incidents,
        "left": await _left(engine, now),
        "posts": await _posts(engine, now),
    }


async def _left(engine: Engine, now: float) -> list[Fields]:
    """How many things of which incident a person must see to; `failover report` says which."""
    found = (await engine.store.chronicle(now - REMEMBERED, MOST_INCIDENTS))["incidents"]
    return [{"incident": one["id"], "count": one["left"]} for one in found if one["left"]]


async def _posts(engine: Engine, now: float) -> Fields:
    """How many posts wait, why, and which of them a person must look at."""
    held = [
        row.id for row in await engine.store.owed() if row.statement is Statement.POST and row.phase is Phase.HELD
    ]
    waits = await engine.posts.waits(engine.ground(now))
    return {**await engine.store.posts.counts(now), "waits": waits, "held": held}


async def summary(engine: Engine, now: float) -> str:
    """One line: trouble first, else that all is well."""
    parts = ["OFFLINE, the sources decide nothing"] if engine.line.offline else []
    parts += ["paused"] if engine.paused_by else []
    for name in engine.watches:
        standing = engine.standings.get(name)
        if standing and standing.state in (State.DOWN, State.SUSPECT, State.RECOVERING):
            minutes = int(now - standing.since) // 60 * 60
            parts.append(f"{name} {standing.state.value.upper()} {format_duration(minutes) if minutes else '<1m'}")
    parts += [await _told(engine, incident) for incident in engine.recent if incident.is_open]
    if parts:
        return "; ".join(parts)
    silenced = [name for name in engine.watches if engine.silences.of(name, now)]
    known = sum(1 for name in engine.watches if _state(engine, name) is State.UP)
    plural = "" if len(engine.watches) == 1 else "s"
    line = f"watching {len(engine.watches)} platform{plural}, {known} known to work"
    return f"{line}; silenced: {', '.join(silenced)}" if silenced else line


async def _told(engine: Engine, incident: Incident) -> str:
    """How far the holding statement of an incident has got."""
    rows = [row for row in await engine.store.deliveries(incident.id) if row.statement in HOLDING_KINDS]
    asked = [row for row in rows if row.phase is not Phase.STANDBY]
    heard = sum(row.heard for row in asked)
    held = [row.channel for row in rows if row.phase is Phase.HELD]
    if not rows:
        return f"incident {incident.id}: there is no channel to tell it on"
    if await engine.told_as_over(incident):
        return f"incident {incident.id}: open again, and nothing is said since the welcome back"
    told = f"incident {incident.id}: told on {heard} of {len(asked)} channels" + (
        f", {', '.join(held)} {'waits' if len(held) == 1 else 'wait'} for a person" if held else ""
    )
    later = joined_later(incident, await known_of(engine.store, incident), engine.house.routes)
    return f"{told}, but {later}" if later else told


def _state(engine: Engine, name: str) -> State:
    standing = engine.standings.get(name)
    return standing.state if standing else State.UNKNOWN


def _platform(engine: Engine, name: str, now: float) -> Fields:
    standing = engine.standings.get(name)
    watch = engine.watches[name]
    declared = engine.declared.get(name)
    return {
        "name": name,
        "title": watch.title,
        "group": watch.group,
        "state": _state(engine, name).value,
        "since": standing.since if standing else None,
        "reason": _why(engine, standing),
        "declared": f"{declared.signal.value} by {declared.by}" if declared else "",
        "maintenance": watch.quiet(now),
        "silenced": _silenced(engine, name, now),
        "sources": [
            {
                "probe": seen.probe,
                "signal": seen.sighting.signal.value,
                "evidence": seen.sighting.evidence.value,
                "fault": seen.sighting.fault.value if seen.sighting.fault else "",
                "reason": seen.sighting.reason,
                "age": now - seen.at,
                "stale": now > seen.good_until,
            }
            for seen in sorted(engine.seen[name].values(), key=lambda seen: seen.probe)
        ],
    }


def _silenced(engine: Engine, name: str, now: float) -> Fields | None:
    silence = engine.silences.of(name, now)
    if silence is None:
        return None
    return {"until": silence.until, "by": silence.by, "because": silence.because}


def _why(engine: Engine, standing: Standing | None) -> str:
    if standing is not None:
        return standing.reason
    return "our own line is dead, so nothing can be told" if engine.line.offline else "not looked at yet"


def _channel(engine: Engine, name: str, checked: tuple[float, Health] | None) -> Fields:
    """`able` is what was found when it was asked; `platform` and its `state` say what has become of that since."""
    platform = engine.house.voices[name].platform
    stands = {"platform": platform, "state": _state(engine, platform).value if platform else None}
    if checked is None:
        return {"name": name, **stands, "able": None, "reason": "not asked yet"}
    at, health = checked
    return {
        "name": name,
        **stands,
        "able": health.able,
        "reason": "; ".join(health.problems or health.warnings),
        "asked_at": at,
        "expires_at": health.expires_at,
    }


def _waits(row: StatementRow, left: list[Delivery], asked: list[Asking], engine: Engine, now: float) -> Fields:
    """A statement that waits for sign-off, with all that an approver must read; `left` is what is unsaid of it."""
    sealed = seal(row, left)
    return {
        "id": row.id,
        "statement": row.kind.value,
        "mode": row.mode,
        "release_at": row.release_at,
        "code": sealed[:CODE],
        "persons": row.persons,
        "approved_by": [one.by for one in still_good(row, sealed, engine.house.signing, now)],
        "asked": [{"approver": one.approver, "way": one.way, "at": one.at} for one in asked],
        "texts": [{"channel": one.channel, "subject": one.subject, "text": one.text} for one in left],
    }


async def _incident(engine: Engine, incident: Incident, deliveries: list[Delivery], now: float) -> Fields:
    asked = await engine.store.askings()
    waiting = [
        row for row in await engine.store.statements(incident.id) if row.mode != "automatic" and not row.decision
    ]
    return {
        "id": incident.id,
        "platforms": list(incident.platforms),
        "down": list(incident.down),
        "opened_at": incident.opened_at,
        "closed_at": incident.closed_at,
        "heard": sum(row.heard for row in deliveries if row.statement in HOLDING_KINDS),
        "waiting": [
            _waits(row, left, [one for one in asked if one.statement == row.id and one.approver], engine, now)
            for row in waiting
            if (left := unsaid(row, deliveries))
        ],
        "deliveries": [
            {
                "id": row.id,
                "statement": row.statement.value,
                "channel": row.channel,
                "phase": row.phase.value,
                "attempts": row.attempts,
                "due": row.due,
                "reason": row.reason,
                "url": row.receipt.url if row.receipt else "",
                "text": row.text,
            }
            for row in deliveries
        ],
    }
