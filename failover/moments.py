"""Times as people write and read them: `2h ago`, `17:29`, `2026-11-18 17:29`; in one time zone.  Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo

from failover import wallclock
from failover.contracts import format_duration
from failover.wallclock import EXPECTED, zone_of

__all__ = ["EXPECTED", "clock_time", "full_date", "length", "moment", "zone_of"]


def moment(text: str, now: float, zone: tzinfo) -> float:
    """As `wallclock.moment`, of what is known already: nothing that is still to come.  Raises ValueError."""
    found = wallclock.moment(text, now, zone)
    if found > now:
        raise ValueError(f"{text} is still to come")
    return found


def clock_time(at: float, now: float, zone: tzinfo) -> str:
    """`17:29`, with seconds where they are not nought, and with its day where that is not the day of `now`."""
    then = datetime.fromtimestamp(at, zone)
    clock = f"{then:%H:%M:%S}" if then.second else f"{then:%H:%M}"
    if then.date() == datetime.fromtimestamp(now, zone).date():
        return clock
    return f"{clock} on {full_date(at, zone)}"


def full_date(at: float, zone: tzinfo) -> str:
    """`18 November 2026`."""
    then = datetime.fromtimestamp(at, zone)
    return f"{then.day} {then:%B %Y}"


def length(seconds: float) -> str:
    """`4m`, `1h30m`; whole seconds below ten minutes, whole minutes from there on."""
    return format_duration(seconds if seconds < 600 else seconds // 60 * 60) if seconds >= 1 else "0s"
