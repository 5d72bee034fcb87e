"""What an operator alarms on, in Prometheus' text format, for the textfile collector of node_exporter.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).  Times are seconds since the
epoch, ages seconds; a file that is no longer renewed tells its age by `failover_written_timestamp_seconds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failover.delivery import Phase
from failover.model import State

_ON_ITS_WAY = frozenset({Phase.READY.value, Phase.SENDING.value, Phase.UNSURE.value})

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One family: its name without `failover_`, what it tells, and (labels, value) pairs."""

    name: str
    help: str
    samples: tuple[tuple[Labels, float], ...]

    def lines(self) -> Iterator[str]:
        yield f"# HELP failover_{self.name} {self.help}"
        yield f"# TYPE failover_{self.name} gauge"
        for labels, value in self.samples:
            yield f"failover_{self.name}{_braces(labels)} {value:.15g}"


def exposition(status: Mapping[str, Any]) -> str:
    """The whole file out of what `failover status --json` is told."""
    return "\n".join(line for metric in _metrics(status) for line in metric.lines()) + "\n"


def put_down(file: Path, text: str) -> None:
    """The file is always whole: written beside it, then moved.  Readable for the collector.  Raises OSError."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o644)
    fresh.replace(file)


def _metrics(status: Mapping[str, Any]) -> Iterator[Metric]:
    now = status["now"]
    yield _one("written_timestamp_seconds", "When this was written.", now)
    yield _one(
        "offline", "1 while this machine cannot reach its anchors: nothing is decided.", bool(status["offline"])
    )
    yield _one("paused", "1 while a person has paused all statements.", bool(status["paused_by"]))
    yield from _of_platforms(status["platforms"])
    yield from _of_channels(status["channels"])
    yield from _of_incidents(status["incidents"], now)


def _of_platforms(platforms: list[Mapping[str, Any]]) -> Iterator[Metric]:
    states = [
        ({"platform": one["name"], "state": state.value}, float(one["state"] == state.value))
        for one in platforms
        for state in State
    ]
    yield Metric("platform_state", "1 for the state in which the platform is.", tuple(states))
    quiet = [({"platform": one["name"]}, float(bool(one["maintenance"] or one.get("silenced")))) for one in platforms]
    yield Metric("platform_quiet", "1 during maintenance or a silence: trouble is no news.", tuple(quiet))
    sources = [
        ({"platform": one["name"], "probe": seen["probe"]}, seen) for one in platforms for seen in one["sources"]
    ]
    unknown = [(labels, float(seen["signal"] == "unknown" or seen["stale"])) for labels, seen in sources]
    yield Metric("source_unknown", "1 where a source cannot tell, or has not been heard of.", tuple(unknown))
    ages = [(labels, seen["age"]) for labels, seen in sources]
    yield Metric("source_age_seconds", "How old the last answer of a source is.", tuple(ages))


def _of_channels(channels: list[Mapping[str, Any]]) -> Iterator[Metric]:
    able = [({"channel": one["name"]}, float(one["able"])) for one in channels if one["able"] is not None]
    yield Metric("channel_able", "1 where the channel could post when it was asked last.", tuple(able))
    ends = [({"channel": one["name"]}, one["expires_at"]) for one in channels if one.get("expires_at")]
    yield Metric("credential_expires_timestamp_seconds", "When the channel's credential ends.", tuple(ends))


def _of_incidents(incidents: list[Mapping[str, Any]], now: float) -> Iterator[Metric]:
    rows = [row for incident in incidents for row in incident["deliveries"]]
    open_ = sum(incident["closed_at"] is None for incident in incidents)
    yield _one("incidents_open", "Incidents that are not over.", open_)
    phases = Counter(row["phase"] for row in rows)
    yield Metric(
        "deliveries",
        "Deliveries of incidents that are open or owe something, by phase.",
        tuple(({"phase": phase.value}, float(phases[phase.value])) for phase in Phase),
    )
    waiting = {(one["id"]) for incident in incidents for one in incident["waiting"]}
    overdue = [
        now - row["due"]
        for row in rows
        if row["phase"] in _ON_ITS_WAY and row["id"].partition("-")[0] not in waiting and row["due"] <= now
    ]
    yield _one("oldest_undelivered_seconds", "How long the oldest statement has been due.", max(overdue, default=0.0))
    yield _one("waiting_for_approval", "Statements that wait for sign-off.", len(waiting))


def _one(name: str, text: str, value: float) -> Metric:
    return Metric(name, text, (({}, float(value)),))


def _braces(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
