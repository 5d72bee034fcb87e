"""What `failover explain` is told: why a platform stands as it does, now or at an earlier time, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from failover.agenda import known_of
from failover.engine import Engine
from failover.evidence import Tally
from failover.explanation import Quiet, explain, sentence
from failover.hindsight import Past, believed, recall
from failover.lookout import Look
from failover.model import Observation, State
from failover.moments import moment
from failover.plans import Known
from failover.store import Store
from failover.updates import joined_later

Fields = dict[str, Any]


def why_now(engine: Engine, platform: str, looks: Iterable[Look], now: float, zone: tzinfo) -> Fields:
    """As the daemon believes it at this moment."""
    asked = engine.seen[platform]
    unasked = {look.name: look.evidence for look in looks if look.platform == platform and look.name not in asked}
    quiet = quiet_of(engine, platform, now)
    matter = replace(engine.matter(platform, now), unasked=unasked, zone=zone, quiet=quiet)
    standing, rules, word = matter.standing, matter.rules, matter.declared
    return {
        "platform": platform,
        "at": now,
        "state": standing.state.value,
        "since": standing.since,
        "reason": standing.reason,
        "declared": {"by": word.by, "state": word.signal.value, "at": word.at} if word else None,
        "quiet": [{"why": one.why, "until": one.until} for one in quiet],
        "offline": matter.line.reason,
        "agreed_since": standing.quorum_since,
        "confirm_for": rules.confirm_for,
        "calm_since": standing.calm_since,
        "recover_for": rules.recover_for,
        "evidence": counted(matter.seen),
        "unasked": {probe: kind.value for probe, kind in unasked.items()},
        "sentences": list(explain(matter)),
    }


async def unspoken(engine: Engine, platform: str) -> tuple[str, ...]:
    """Where it is down and nothing that was said speaks of it: that the public does not know.  Raises StoreError."""
    for incident in engine.recent:
        known = await known_of(engine.store, incident) if platform in incident.down else Known()
        later = joined_later(incident, known, engine.house.routes)
        if later:
            return (sentence(f"in incident {incident.id} {later}"),)
    return ()


def quiet_of(engine: Engine, platform: str, now: float) -> tuple[Quiet, ...]:
    """What keeps trouble of the platform from being news now, what ends first at the head."""
    watch, silence = engine.watches[platform], engine.silences.of(platform, now)
    found = [(until, why) for start, until, why in watch.maintenance if start <= now < until]
    found += [(until, why) for hours, why in watch.recurring if (until := hours.over_at(now)) is not None]
    quiet = [Quiet(why=f"maintenance{f' ({why})' if why else ''}", until=until) for until, why in found]
    if silence is not None:
        quiet.append(Quiet(why=engine.silences.why(platform, now), until=silence.until))
    return tuple(sorted(quiet, key=lambda one: one.until))


async def why_then(store: Store, platform: str, title: str, at: float, zone: tzinfo) -> Fields:
    """As it is kept in the database."""
    before, after = await store.past.chapters(platform, at)
    said = await store.past.last_words(at, platform)
    past = Past(title=title, at=at, zone=zone, before=before, after=after, said=said)
    return {
        "platform": platform,
        "at": at,
        "state": (before.transition.now if before else State.UNKNOWN).value,
        "since": before.transition.at if before else None,
        "reason": before.transition.reason if before else "",
        "explanation": list(before.explanation) if before else [],
        "evidence": counted(believed(past)),
        "next": {"state": after.transition.now.value, "at": after.transition.at} if after else None,
        "sentences": list(recall(past)),
    }


def asked_moment(text: str, now: float, zone: tzinfo) -> float | None:
    """The time that was asked for; None for now.  Raises ValueError in plain words."""
    return None if text.strip() in ("", "now") else moment(text, now, zone)


def counted(seen: Tally) -> Mapping[str, list[Fields]]:
    """The observations by what they count as."""
    groups: Mapping[str, Sequence[Observation]] = {
        "votes": [one for votes in seen.votes.values() for one in votes],
        "pending": seen.pending,
        "doubts": seen.doubts,
        "works": seen.works,
        "silent": seen.silent,
        "account": seen.account,
    }
    void = [{**_observation(one), "void": why} for one, why in seen.void]
    return {**{name: [_observation(one) for one in group] for name, group in groups.items()}, "void": void}


def _observation(one: Observation) -> Fields:
    return {
        "probe": one.probe,
        "evidence": one.sighting.evidence.value,
        "signal": one.sighting.signal.value,
        "reason": one.sighting.reason,
        "at": one.at,
    }
