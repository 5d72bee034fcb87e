"""The wall clock was set by so many seconds: what is believed keeps its distance from now; see `verdict.shifted` too.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from failover.evidence import Line
from failover.incidents import Incident
from failover.model import Observation


def line_later(line: Line, seconds: float) -> Line:
    return replace(line, good_at=line.good_at + seconds, since=line.since + seconds)


def seen_later(seen: Mapping[str, Mapping[str, Observation]], seconds: float) -> dict[str, dict[str, Observation]]:
    """platform -> probe -> its latest observation, which grows stale when it would have."""
    return {
        platform: {probe: _later(one, seconds) for probe, one in latest.items()} for platform, latest in seen.items()
    }


def _later(one: Observation, seconds: float) -> Observation:
    lately = tuple((at + seconds, sighting) for at, sighting in one.lately)
    return replace(one, at=one.at + seconds, good_until=one.good_until + seconds, lately=lately)


def incident_later(incident: Incident, seconds: float) -> Incident:
    closed_at = None if incident.closed_at is None else incident.closed_at + seconds
    return replace(incident, opened_at=incident.opened_at + seconds, closed_at=closed_at)
