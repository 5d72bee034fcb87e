"""Times as a command line takes and shows them, in one time zone; lengths of time.  Standard library only, quickly.

`moments` has the words of `explain`; this is for what must answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EXPECTED = "expected a time such as 17:29, 2026-11-18T17:29, 2026-11-18 or '2h ago'"
EXPECTED_LATER = "expected a time such as 2026-12-01T09:00"
EXPECTED_LENGTH = "expected a length such as 90s, 30m, 2h or 1d12h"

_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_LENGTH = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def zone_of(name: str) -> tzinfo:
    """The time zone of that name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def local(at: float, zone: tzinfo) -> str:
    """The time as people there read it, with its zone."""
    try:
        return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M:%S %Z}"
    except (OverflowError, ValueError, OSError, TypeError):  # no time of this calendar; somebody has changed it
        return str(at)


def iso(at: float, zone: tzinfo) -> str:
    """ISO 8601 with offset, to the second: 2026-11-18T12:06:40+01:00."""
    try:
        return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError, TypeError):
        return str(at)


def moment(text: str, now: float, zone: tzinfo) -> float:
    """Seconds since the epoch of a time that has been; a time of day is the last one that has been.

    `2h`, `1h30m ago`, `17:29`, `2026-11-20`, `2026-11-20 14:00` there, or with an offset of its own.  Raises
    ValueError in plain words: also for an hour that the clock of the zone skipped, or showed twice.
    """
    words = text.strip()
    ago = length_of(words.removesuffix("ago").replace(" ", "") if words.endswith("ago") else words)
    if ago is not None and ago <= now:
        return now - ago
    if _CLOCK.fullmatch(words):
        return _last(words, now, zone)
    return _dated(words, zone, EXPECTED)


def later(text: str, now: float, zone: tzinfo) -> float:
    """The same of a time that is still to come.  Raises ValueError in plain words."""
    found = _dated(text.strip(), zone, EXPECTED_LATER)
    if found <= now:
        raise ValueError(f"{text} is past")
    return found


def length_of(text: str) -> float | None:
    """Seconds of `90s`, `30m`, `2h` or `1d12h`; None for anything else."""
    found = _LENGTH.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    return float(sum(int(count or 0) * size for count, (size, _unit) in zip(found.groups(), _UNITS, strict=True)))


def _last(words: str, now: float, zone: tzinfo) -> float:
    """Today's, else yesterday's; of an hour that came twice the later one.  Raises ValueError."""
    try:
        clock = time.fromisoformat(words.zfill(5) if words.count(":") == 1 else words.zfill(8))
    except ValueError:
        raise ValueError(EXPECTED) from None
    today = datetime.fromtimestamp(now, zone).date()
    for days in (0, 1, 2):
        there = datetime.combine(today - timedelta(days=days), clock)
        found = max((one for one in _readings(there, zone) if one <= now), default=None)
        if found is not None:
            return found
        if not _readings(there, zone) and datetime.fromtimestamp(now, zone).replace(tzinfo=None) > there:
            raise ValueError(_skipped(there, zone))
    raise ValueError(EXPECTED)


def _dated(words: str, zone: tzinfo, expected: str) -> float:
    try:
        there = datetime.fromisoformat(words)
        found = {there.timestamp()} if there.tzinfo else _readings(there, zone)
    except (ValueError, OverflowError):
        raise ValueError(expected) from None
    if not found:
        raise ValueError(_skipped(there, zone))
    if len(found) > 1:
        first, second = (datetime.fromtimestamp(one, zone).isoformat(timespec="minutes") for one in sorted(found))
        raise ValueError(f"this hour comes twice in {zone}; say {first} or {second}")
    return next(iter(found))


def _readings(there: datetime, zone: tzinfo) -> set[float]:
    """When the clock of the zone shows this: once, twice (the clocks go back) or never (they go forward)."""
    both = {there.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)}
    return {one for one in both if datetime.fromtimestamp(one, zone).replace(tzinfo=None) == there}


def _skipped(there: datetime, zone: tzinfo) -> str:
    return f"there is no {there:%H:%M} on {_day(there.date())} in {zone}: the clocks go forward then"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def span(seconds: float) -> str:
    """The two greatest units: `42s`, `14m59s`, `2h3m`, `31d`."""
    left, parts = max(0, int(seconds)), []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return "".join(parts) or "0s"


def dated(data: Any, names: Iterable[str], zone: tzinfo) -> Any:
    """The same data with every number under one of these names as a time in ISO 8601; in lists and mappings too."""
    wanted = frozenset(names)
    if isinstance(data, list):
        return [dated(one, wanted, zone) for one in data]
    if not isinstance(data, dict):
        return data
    return {
        name: iso(value, zone) if name in wanted and isinstance(value, int | float) else dated(value, wanted, zone)
        for name, value in data.items()
    }
