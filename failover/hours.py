"""Hours of the day and days of the week, on a clock that people read.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begins` to `ends`, minutes from midnight on the clock of `timezone`; over midnight if `ends` is earlier.

    `days` are those on which it begins (0 = Monday).
    """

    begins: int
    ends: int
    timezone: str = "UTC"
    days: frozenset[int] = frozenset(range(7))

    def over_at(self, now: float) -> float | None:
        """When what holds at `now` is over (seconds, UTC); None if it does not hold."""
        local = datetime.fromtimestamp(now, ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        over_midnight = self.ends <= self.begins
        late, early = minute >= self.begins, minute < self.ends
        if not ((late or early) if over_midnight else (late and early)):
            return None
        began_yesterday = over_midnight and not late
        first = local - timedelta(days=1) if began_yesterday else local
        if first.weekday() not in self.days:
            return None
        last = local if began_yesterday or not over_midnight else local + timedelta(days=1)
        hour, minute = divmod(self.ends, 60)
        return last.replace(hour=hour, minute=minute, second=0, microsecond=0).astimezone(UTC).timestamp()


def parse_hours(text: str) -> tuple[int, int]:
    """Minutes from midnight of `22:00-07:00`.  Raises ValueError."""
    first, dash, last = text.partition("-")
    begins, ends = minute_of(first), minute_of(last)
    if not dash or begins is None or ends is None or begins == ends:
        raise ValueError("expected hours such as 22:00-07:00")
    return begins, ends


def minute_of(text: str) -> int | None:
    """Minutes from midnight of `07:30`; None for anything else."""
    hour, colon, minute = text.partition(":")
    shaped = colon and len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdecimal()
    return int(hour) * 60 + int(minute) if shaped and int(hour) < 24 and int(minute) < 60 else None
