"""Maintenance windows, on the organisation's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from failover.config.windows import known_timezone, moment


@pytest.mark.parametrize(
    ("written", "timezone", "utc"),
    [
        ("2026-12-24T22:00", "Europe/London", "2026-12-24T22:00"),
        ("2026-07-01T02:00", "Europe/London", "2026-07-01T01:00"),
        ("2026-07-01T02:00", "Asia/Kolkata", "2026-06-30T20:30"),
        ("2026-07-01T02:00Z", "Asia/Kolkata", "2026-07-01T02:00"),
        ("2026-07-01T02:00+02:00", "Europe/London", "2026-07-01T00:00"),
        ("2026-07-01", "Europe/London", "2026-06-30T23:00"),
        ("2026-10-25T01:30+01:00", "Europe/London", "2026-10-25T00:30"),
        ("2026-10-25T01:30+00:00", "Europe/London", "2026-10-25T01:30"),
        ("2026-03-29T02:00", "Europe/London", "2026-03-29T01:00"),
    ],
)
def test_moments(written: str, timezone: str, utc: str) -> None:
    """Without an offset it is the organisation's clock, in summer and in winter."""
    assert moment(written, timezone) == datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("written", "timezone", "said"),
    [
        ("2026-03-29T01:30", "Europe/London", "there is no such hour"),
        ("2026-03-08T02:15", "America/New_York", "there is no such hour"),
        ("2026-10-25T01:30", "Europe/London", "comes twice .* such as 2026-10-25T01:30[+]00:00"),
        ("2026-11-01T01:30", "America/New_York", "comes twice .* such as 2026-11-01T01:30-05:00"),
        ("tomorrow", "UTC", "expected a time such as"),
        ("2026-02-30", "UTC", "expected a time such as"),
        ("", "UTC", "expected a time such as"),
    ],
)
def test_no_moment(written: str, timezone: str, said: str) -> None:
    """An hour that is skipped or shown twice is refused, not guessed."""
    with pytest.raises(ValueError, match=said):
        moment(written, timezone)


@pytest.mark.parametrize("name", ["UTC", "Europe/London", "America/Argentina/Buenos_Aires"])
def test_time_zones(name: str) -> None:
    assert known_timezone(name) == name


@pytest.mark.parametrize(
    "name", ["Europe", "Europe/Londn", "../../etc/passwd", "/etc/localtime", "", "x" * 500, "a\nb"]
)
def test_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        known_timezone(name)
