"""What somebody else's monitors see, folded into one sighting; private to this folder (gatus, uptimekuma, upptime).

Such a monitor is a program that looks at the platform from its own place on the network.  So it is evidence of the
class `elsewhere`, whoever runs it: it cannot be wrong for the reason that a vendor's page is wrong (nobody has to
admit anything), and it shares our line only where it stands on this machine or on our own network, which makes it
`here`.

A monitor can lose its own line like ours: red counts in full only where a control, another monitor of the same
instance, is green at the same time, and where it stayed red for several results.  Without that it is doubt, which
never votes.  Controls are named by people: that the router or a NAS beside the monitor is green proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, Protocol
from urllib.parse import urlsplit

from failover.model import Evidence, Sighting, Signal
from probes._address import is_near
from probes._document import fetch_document
from probes._fetch import Fetcher, plain
from probes._official import day, fold, gravest, near

Vantage = Literal["elsewhere", "here", "official"]


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
    """How much a red needs to be believed: `failures` results in a row, and one of the `controls` that is green.

    Results older than `stale_after` seconds say nothing; a red older than `red_for` is doubt.
    """

    evidence: Evidence
    now: float
    controls: Sequence[str]
    failures: int
    stale_after: float
    red_for: float = math.inf

    def stale(self, monitor: Monitor) -> bool:
        return monitor.at is not None and self.now - monitor.at > self.stale_after


class Judged(Protocol):
    """What the options of a kind say of how much a red needs to be believed."""

    @property
    def url(self) -> str: ...
    @property
    def controls(self) -> tuple[str, ...]: ...
    @property
    def failures(self) -> int: ...
    @property
    def stale_after(self) -> float: ...
    @property
    def vantage(self) -> Vantage | None: ...


def terms_of(options: Judged, now: float) -> Terms:
    return Terms(
        evidence=evidence_of(options.vantage, options.url),
        now=now,
        controls=options.controls,
        failures=options.failures,
        stale_after=options.stale_after,
    )


def evidence_of(vantage: Vantage | None, url: str) -> Evidence:
    """Where nothing is said: `here` for an instance on this machine or our own network, else `elsewhere`."""
    if vantage is not None:
        return Evidence(vantage)
    return Evidence.HERE if is_near(urlsplit(url).hostname or "") else Evidence.ELSEWHERE


def votes_of(evidence: Evidence, controls: Sequence[str]) -> frozenset[Evidence]:
    """For `ProbeKind.votes`: without controls a red is doubt."""
    return frozenset({evidence} if controls else ())


def require_apart(controls: Sequence[str], wanted: Sequence[str]) -> None:
    """For options.  Raises ValueError where a control is watched itself."""
    both = {fold(name) for name in controls} & {fold(name) for name in wanted}
    if both:
        raise ValueError("controls must have nothing to do with what is watched")


def judge_monitors(monitors: Sequence[Monitor], wanted: Sequence[str], terms: Terms) -> Sighting:
    """The worst of what is seen of the `wanted` monitors; one (or a control) that is missing keeps it from "up"."""
    if not wanted:
        return Sighting.unknown(terms.evidence, "no monitor is named to be watched")
    others = [monitor for monitor in monitors if not any(monitor.is_meant_by(name) for name in wanted)]
    controls = [one for one in others if any(one.is_meant_by(name) for name in terms.controls)]
    control = any(one.beats[:1] == (Beat.UP,) and not terms.stale(one) for one in controls)
    said = [_judge_name(name, monitors, terms, control=control) for name in wanted]
    lost = [name for name in terms.controls if not any(one.is_meant_by(name) for one in controls)]
    return gravest([*said, *(_unnamed(name, monitors, terms) for name in lost)])


def _unnamed(name: str, monitors: Sequence[Monitor], terms: Terms) -> Sighting:
    others = near(name, (monitor.name for monitor in monitors))
    return Sighting.unknown(terms.evidence, f"the monitoring page does not name {plain(name)} (any more){others}")


def _judge_name(name: str, monitors: Sequence[Monitor], terms: Terms, *, control: bool) -> Sighting:
    """All that bear the name must agree before it is an outage."""
    exact = [monitor for monitor in monitors if monitor.key and monitor.key == name]
    rows = exact[:1] or [monitor for monitor in monitors if monitor.is_meant_by(name)]
    if not rows:
        return _unnamed(name, monitors, terms)
    said = [_judge_monitor(row, terms, control=control) for row in rows]
    worst = gravest(said)
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
    if terms.now - monitor.at > terms.red_for:
        return Sighting.degraded(
            terms.evidence, f"a monitor saw {name} fail when it last wrote about it, which is too old to count"
        )
    if not terms.controls:
        reason = f"a monitor sees {name} fail, and no control is named that shows whether its own line works"
        return Sighting.degraded(terms.evidence, reason)
    if not control:
        return Sighting.degraded(
            terms.evidence, f"a monitor sees {name} fail, and no control that works: its own line may be down"
        )
    return Sighting.down(terms.evidence, f"a monitor sees {name} fail while others work")


async def fetch_seen(fetcher: Fetcher, url: str, evidence: Evidence) -> object:
    """The decoded JSON at `url`, or the Sighting (of the class `evidence`) that says why there is none."""
    document = await fetch_document(fetcher, url)
    return replace(document, evidence=evidence) if isinstance(document, Sighting) else document
