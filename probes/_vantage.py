"""What somebody else's monitors see, folded into one sighting; private to this folder (gatus, uptimekuma, upptime).

Such a monitor is a program that looks at the platform from its own place on the network.  So it is evidence of the
class `elsewhere`, whoever runs it: it cannot be wrong for the reason that a vendor's page is wrong (nobody has to
admit anything), and it shares our line only where it stands on this machine or beside it, which makes it `here`.

A monitor can lose its own line like ours: red counts in full only where another monitor of the same instance is green
at the same time, and where it stayed red for several results.  Without that it is doubt, which never votes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal
from urllib.parse import urlsplit

from failover.model import Evidence, Sighting, Signal
from probes._address import is_loopback
from probes._board import fetch_document
from probes._fetch import Fetcher, plain
from probes._official import day, fold, near

Vantage = Literal["elsewhere", "here", "official"]

_WORST_FIRST = (Signal.DOWN, Signal.DEGRADED, Signal.UNKNOWN, Signal.UP)


class Beat(Enum):
    """What one result of a monitor says."""

    UP = "up"
    DOWN = "down"
    SHAKY = "shaky"
    MAINTENANCE = "maintenance"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One monitor with its results, newest first; `at` is when the newest was taken (None: it does not say)."""

    name: str
    key: str = ""
    group: str = ""
    beats: tuple[Beat, ...] = ()
    at: float | None = None

    def is_meant_by(self, wanted: str) -> bool:
        """By its key, its name, or `group/name` where a name is used twice."""
        names = {fold(self.name), fold(f"{self.group}/{self.name}")}
        return bool(self.name) and (wanted == self.key or fold(wanted) in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How much a red needs to be believed: `failures` results in a row, none older than `stale_after` seconds."""

    evidence: Evidence
    now: float
    failures: int
    stale_after: float

    def stale(self, monitor: Monitor) -> bool:
        return monitor.at is not None and self.now - monitor.at > self.stale_after


def evidence_of(vantage: Vantage | None, url: str) -> Evidence:
    """Where nothing is said: `here` for an instance on this machine, else `elsewhere`."""
    if vantage is not None:
        return Evidence(vantage)
    return Evidence.HERE if is_loopback(urlsplit(url).hostname or "") else Evidence.ELSEWHERE


def judge_monitors(monitors: Sequence[Monitor], wanted: Sequence[str], terms: Terms) -> Sighting:
    """The worst of what is seen of the `wanted` monitors; one that is missing keeps it from being "up"."""
    watched = [monitor for monitor in monitors if any(monitor.is_meant_by(name) for name in wanted)]
    others = [monitor for monitor in monitors if monitor not in watched]
    control = any(one.beats[:1] == (Beat.UP,) and not terms.stale(one) for one in others)
    said = [_judge_name(name, monitors, terms, control=control) for name in wanted]
    if not said:
        return Sighting.unknown(terms.evidence, "no monitor is named to be watched")
    return min(said, key=lambda sighting: _WORST_FIRST.index(sighting.signal))


def _judge_name(name: str, monitors: Sequence[Monitor], terms: Terms, *, control: bool) -> Sighting:
    """All that bear the name must agree before it is an outage."""
    exact = [monitor for monitor in monitors if monitor.key and monitor.key == name]
    rows = exact[:1] or [monitor for monitor in monitors if monitor.is_meant_by(name)]
    if not rows:
        others = near(name, (monitor.name for monitor in monitors))
        return Sighting.unknown(terms.evidence, f"the monitoring page does not name {plain(name)} (any more){others}")
    said = [_judge_monitor(row, terms, control=control) for row in rows]
    worst = min(said, key=lambda sighting: _WORST_FIRST.index(sighting.signal))
    if worst.signal is Signal.DOWN and any(sighting.signal is not Signal.DOWN for sighting in said):
        return Sighting.degraded(terms.evidence, f"not all monitors named {plain(name)} see it fail")
    return worst


def _judge_monitor(monitor: Monitor, terms: Terms, *, control: bool) -> Sighting:
    name, newest = plain(monitor.name, 60), monitor.beats[:1]
    if not newest:
        return Sighting.unknown(terms.evidence, f"the monitor of {name} has no result")
    if terms.stale(monitor):
        return Sighting.unknown(terms.evidence, f"the monitor of {name} has not looked since {day(monitor.at)}")
    match newest[0]:
        case Beat.UP:
            return Sighting.up(terms.evidence, f"a monitor sees {name} working")
        case Beat.SHAKY:
            return Sighting.degraded(terms.evidence, f"a monitor sees {name} in difficulty")
        case Beat.MAINTENANCE:
            return Sighting.unknown(terms.evidence, f"announced maintenance of {name}")
        case Beat.DOWN:
            return _judge_red(monitor, name, terms, control=control)
    return Sighting.unknown(terms.evidence, f"the monitor of {name} gives a result that is not known")


def _judge_red(monitor: Monitor, name: str, terms: Terms, *, control: bool) -> Sighting:
    recent = monitor.beats[: terms.failures]
    if monitor.at is None:
        return Sighting.degraded(terms.evidence, f"a monitor sees {name} fail, without saying when")
    if len(recent) < terms.failures or any(beat is not Beat.DOWN for beat in recent):
        return Sighting.degraded(terms.evidence, f"a monitor has just seen {name} fail")
    if not control:
        return Sighting.degraded(
            terms.evidence, f"a monitor sees {name} fail, and nothing beside it that works: its own line may be down"
        )
    return Sighting.down(terms.evidence, f"a monitor sees {name} fail while others work")


async def fetch_seen(fetcher: Fetcher, url: str, evidence: Evidence) -> object:
    """The decoded JSON at `url`, or the Sighting (of the class `evidence`) that says why there is none."""
    document = await fetch_document(fetcher, url)
    return replace(document, evidence=evidence) if isinstance(document, Sighting) else document
