"""Hours of the day, over midnight and over the nights in which clocks are set."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from failover.hours import DAYS, Hours, minute_of, parse_hours

SUNDAY, SATURDAY = frozenset({6}), frozenset({5})


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("hours", "now", "over"),
    [
        ((22 * 60, 7 * 60), "2026-11-18T21:59:59", None),
        ((22 * 60, 7 * 60), "2026-11-18T22:00", "2026-11-19T07:00"),
        ((22 * 60, 7 * 60), "2026-11-19T06:59:59", "2026-11-19T07:00"),
        ((22 * 60, 7 * 60), "2026-11-19T07:00", None),
        ((12 * 60, 13 * 60 + 30), "2026-11-18T12:10", "2026-11-18T13:30"),
        ((12 * 60, 13 * 60 + 30), "2026-11-18T13:30", None),
    ],
)
def test_quiet_hours_end_when_they_say(hours: tuple[int, int], now: str, over: str | None) -> None:
    assert Hours(*hours).over_at(at(now)) == (at(over) if over else None)


def test_quiet_hours_are_on_the_organisations_clock_also_in_the_night_it_is_set() -> None:
    """In London the night of 25 October 2026 has an hour more."""
    night = Hours(22 * 60, 7 * 60, "Europe/London")

    assert night.over_at(at("2026-10-24T22:30", "Europe/London")) == at("2026-10-25T07:00", "Europe/London")
    assert night.over_at(at("2026-07-01T21:30")) == at("2026-07-02T06:00")
    assert night.over_at(at("2026-07-01T20:30")) is None


@pytest.mark.parametrize(
    ("days", "now", "over"),
    [
        (SUNDAY, "2026-11-22T23:30", "2026-11-23T01:00"),
        (SUNDAY, "2026-11-23T00:30", "2026-11-23T01:00"),
        (SUNDAY, "2026-11-22T00:30", None),
        (SATURDAY, "2026-11-22T00:30", "2026-11-22T01:00"),
        (frozenset(), "2026-11-22T00:30", None),
    ],
    ids=["in the evening", "after midnight", "that was Saturday's", "Saturday's", "never"],
)
def test_over_midnight_it_belongs_to_the_day_on_which_it_begins(days: frozenset[int], now: str, over: str) -> None:
    assert Hours(23 * 60, 60, days=days).over_at(at(now)) == (at(over) if over else None)
    assert DAYS[6] == "sunday"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22-7",
        "22:00",
        "22:00-22:00",
        "24:00-07:00",
        "22:60-07:00",
        "2:00-07:00",
        "22:00-07:00-08:00",
        "٢٢:00-07:00",
    ],
)
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match="expected hours such as 22:00-07:00"):
        parse_hours(text)


def test_hours_are_minutes_from_midnight() -> None:
    assert parse_hours("22:00-07:30") == (1320, 450)
    assert minute_of("00:00") == 0
    assert minute_of("7:30") is None
