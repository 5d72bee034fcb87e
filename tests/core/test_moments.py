"""Times as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from failover.moments import EXPECTED, clock_time, length, moment, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=BERLIN).timestamp()
AUTUMN = datetime(2026, 10, 25, 12, 0, tzinfo=BERLIN).timestamp()
"""The day on which 02:30 came twice in Berlin."""


def berlin(*when: int, fold: int = 0) -> float:
    return datetime(*when, tzinfo=BERLIN, fold=fold).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "now", "found"),
    [
        ("2h ago", NOW, NOW - 7200),
        ("1h30m ago", NOW, NOW - 5400),
        ("90s ago", NOW, NOW - 90),
        ("11:29", NOW, berlin(2026, 11, 18, 11, 29)),
        ("9:05", NOW, berlin(2026, 11, 18, 9, 5)),
        ("11:29:30", NOW, berlin(2026, 11, 18, 11, 29, 30)),
        ("12:01", NOW, berlin(2026, 11, 17, 12, 1)),
        ("2026-11-17T17:29", NOW, berlin(2026, 11, 17, 17, 29)),
        ("2026-11-17 17:29", NOW, berlin(2026, 11, 17, 17, 29)),
        ("2026-11-17", NOW, berlin(2026, 11, 17)),
        ("2026-11-17T17:29Z", NOW, datetime(2026, 11, 17, 17, 29, tzinfo=UTC).timestamp()),
        ("02:30", AUTUMN, berlin(2026, 10, 25, 2, 30, fold=1)),
    ],
)
def test_a_time_is_understood_in_the_zone_of_the_organisation(text: str, now: float, found: float) -> None:
    """A time of day is the last one that has been; of an hour that came twice the later one."""
    assert moment(text, now, BERLIN) == found


@pytest.mark.parametrize(
    "text", ["soon", "25:00", "12:60", "yesterday", "ago", "2 moons ago", "2026-13-01", "-1h ago"]
)
def test_what_is_no_time_is_answered_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as"):
        moment(text, NOW, BERLIN)
    assert "17:29" in EXPECTED


def test_nothing_is_known_of_what_is_still_to_come() -> None:
    with pytest.raises(ValueError, match="still to come"):
        moment("2026-11-18T12:01", NOW, BERLIN)


@pytest.mark.parametrize(
    ("at", "zone", "told"),
    [
        (NOW - 60, BERLIN, "11:59"),
        (NOW - 30, BERLIN, "11:59:30"),
        (NOW - 60, UTC, "10:59"),
        (NOW - 86400, BERLIN, "12:00 on 17 November 2026"),
    ],
)
def test_a_time_is_told_with_its_day_only_where_that_is_another(at: float, zone: tzinfo, told: str) -> None:
    assert clock_time(at, NOW, zone) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0s"), (90, "1m30s"), (599, "9m59s"), (754, "12m"), (5405, "1h30m")]
)
def test_a_length_is_told_in_minutes_once_seconds_do_not_matter(seconds: float, told: str) -> None:
    assert length(seconds) == told


def test_a_zone_that_is_none_is_utc() -> None:
    assert zone_of("Mars/Olympus") is UTC
    assert zone_of("") is UTC
    assert zone_of("Europe/Berlin") == BERLIN
