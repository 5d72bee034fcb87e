"""Times as a command line takes them: one way of reading them for all commands."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from failover.wallclock import EXPECTED, later, length_of, moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 12, 0, tzinfo=BERLIN).timestamp()
SPRING = datetime(2026, 3, 29, 12, 0, tzinfo=BERLIN).timestamp()
"""The day on which Berlin had no 02:30."""


def berlin(*when: int, fold: int = 0) -> float:
    return datetime(*when, tzinfo=BERLIN, fold=fold).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "now", "found"),
    [
        pytest.param("2d", NOW, NOW - 2 * 86400, id="days"),
        pytest.param("1h30m", NOW, NOW - 5400, id="hours and minutes"),
        pytest.param("90s ago", NOW, NOW - 90, id="with its ago"),
        pytest.param("9:05", NOW, berlin(2026, 11, 18, 9, 5), id="of today"),
        pytest.param("12:01", NOW, berlin(2026, 11, 17, 12, 1), id="of yesterday"),
        pytest.param("2026-11-20", NOW, berlin(2026, 11, 20), id="a day"),
        pytest.param("2026-11-20 14:00", NOW, berlin(2026, 11, 20, 14), id="its zone"),
        pytest.param(
            "2026-11-20T14:00Z", NOW, datetime(2026, 11, 20, 14, tzinfo=UTC).timestamp(), id="its own offset"
        ),
        pytest.param(
            "02:30", berlin(2026, 10, 25, 12), berlin(2026, 10, 25, 2, 30, fold=1), id="of a double hour the later"
        ),
        pytest.param(
            "02:30",
            berlin(2026, 10, 25, 2, 45),
            berlin(2026, 10, 25, 2, 30),
            id="of a double hour the one that has been",
        ),
        pytest.param(
            "2026-10-25T02:30+01:00", NOW, berlin(2026, 10, 25, 2, 30, fold=1), id="a double hour, told apart"
        ),
        pytest.param(
            "02:30", berlin(2026, 3, 29, 1), berlin(2026, 3, 28, 2, 30), id="before the hour that is skipped"
        ),
    ],
)
def test_a_time_is_read_on_the_clock_of_the_zone(text: str, now: float, found: float) -> None:
    assert moment(text, now, BERLIN) == found


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "12:60", "ago", "2", "-1h", "2026-13-01", "999999d", "0001-01-01"]
)
def test_what_is_no_time_is_answered_with_what_is_understood(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a time such as") as caught:
        moment(text, NOW, BERLIN)
    assert str(caught.value) == EXPECTED


@pytest.mark.parametrize("text", ["2026-03-29 02:30", "02:30"])
def test_an_hour_that_the_clock_skipped_is_none(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^there is no 02:30 on 29 March 2026 in Europe/Berlin: the clocks go forward"
    ):
        moment(text, SPRING, BERLIN)


@pytest.mark.parametrize("read", [moment, later])
def test_of_an_hour_that_comes_twice_both_are_offered(read: object) -> None:
    """Each as it can be written."""
    both = "^this hour comes twice in Europe/Berlin; say 2026-10-25T02:30[+]02:00 or 2026-10-25T02:30[+]01:00$"
    with pytest.raises(ValueError, match=both):
        read("2026-10-25 02:30", SPRING, BERLIN)  # type: ignore[operator]


def test_what_is_to_come_is_not_past() -> None:
    assert later("2026-11-18T12:01", NOW, BERLIN) == NOW + 60
    with pytest.raises(ValueError, match="2026-11-18T12:00 is past"):
        later("2026-11-18T12:00", NOW, BERLIN)
    with pytest.raises(ValueError, match="expected a time such as 2026-12-01T09:00"):
        later("2h", NOW, BERLIN)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("1d12h", 129600.0), ("30m", 1800.0), ("", None), ("2", None), ("h", None), ("1h 2m", None)],
)
def test_a_length_of_time(text: str, seconds: float | None) -> None:
    assert length_of(text) == seconds
