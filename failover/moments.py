"""Times as people write and read them: `2h ago`, `17:29`, `2026-11-18 17:29`; in one time zone.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from failover.contracts import format_duration, parse_duration

EXPECTED = "expected a time such as 17:29, 2026-11-18T17:29 or `2h ago`"

_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


def zone_of(name: str) -> tzinfo:
    """The time zone of this name; UTC where there is none such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment(text: str, now: float, zone: tzinfo) -> float:
    """Seconds since the epoch; a time of day is the last one that has been.  Raises ValueError in plain words."""
    words = text.strip()
    if words.endswith("ago"):
        found = _ago(words, now)
    elif _CLOCK.fullmatch(words):
        found = _last(words, now, zone)
    else:
        found = _written(words, zone)
    if found > now:
        raise ValueError(f"{text} is still to come")
    return found


def _ago(words: str, now: float) -> float:
    try:
        return now - parse_duration(words.removesuffix("ago").replace(" ", ""))
    except ValueError:
        raise ValueError(EXPECTED) from None


def _last(words: str, now: float, zone: tzinfo) -> float:
    try:
        clock = time.fromisoformat(words.zfill(5) if words.count(":") == 1 else words.zfill(8))
    except ValueError:
        raise ValueError(EXPECTED) from None
    return next(found for found in _earlier(clock, datetime.fromtimestamp(now, zone).date(), zone) if found <= now)


def _earlier(clock: time, today: date, zone: tzinfo) -> Iterator[float]:
    """Today's, then yesterday's; an hour that comes twice (the end of summer time) comes later first."""
    for days in (0, 1, 2):
        day = today - timedelta(days=days)
        for fold in (1, 0):
            yield datetime.combine(day, clock.replace(fold=fold), zone).timestamp()


def _written(words: str, zone: tzinfo) -> float:
    try:
        found = datetime.fromisoformat(words)
        return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(EXPECTED) from None


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
