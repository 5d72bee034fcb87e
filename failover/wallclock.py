"""Times as a command line takes and shows them, in one time zone; lengths of time.  Standard library only, quickly.

`moments` has the words of `explain`; this is for lists, which must answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_AGO = re.compile(r"(\d+)([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
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
    """`2d`, `6h` or `30m` ago; `2026-11-20` or `2026-11-20 14:00` there.  Raises ValueError for anything else."""
    ago = _AGO.fullmatch(text)
    if ago:
        return now - int(ago[1]) * _SECONDS[ago[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no time; say for example 2d, 6h, 2026-11-20 or '2026-11-20 14:00'") from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()


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
