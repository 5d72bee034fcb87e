"""What the author of a plug-in builds upon: durations, and the classes that a probe's votes can have."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.contracts import LONGEST, Options, ProbeKind, format_duration, parse_duration
from failover.model import Evidence


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        pytest.param("15s", 15.0, id="seconds"),
        pytest.param("1h30m", 5400.0, id="two-units"),
        pytest.param("1d2h3m4s", 93784.0, id="all-units"),
        pytest.param("0s", 0.0, id="none"),
        pytest.param(0, 0.0, id="zero-needs-no-unit"),
        pytest.param("365000d", LONGEST, id="the-longest"),
    ],
)
def test_a_duration_is_a_number_of_seconds(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("", id="empty"),
        pytest.param("15", id="no-unit"),
        pytest.param(15, id="a-number"),
        pytest.param(False, id="no"),
        pytest.param(float("nan"), id="not-a-number"),
        pytest.param("-15s", id="negative"),
        pytest.param("1.5h", id="a-fraction"),
        pytest.param("30m1h", id="the-wrong-way-round"),
        pytest.param("365001d", id="a-day-too-long"),
        pytest.param("365000d1s", id="a-second-too-long"),
        pytest.param("9" * 400 + "s", id="more-than-a-float-holds"),
        pytest.param("9" * 400 + "d", id="in-days"),
        pytest.param("9" * 13 + "m", id="thirteen-digits"),
        pytest.param("9" * 400 + "d" + "9" * 400 + "s", id="in-two-units"),
        pytest.param("9" * 5000 + "s", id="more-digits-than-python-reads"),
    ],
)
def test_anything_else_is_refused_in_words_for_people(written: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a duration .*such as 15s, 2m, 6h or 1d$"):
        parse_duration(written)


def test_the_longest_duration_from_now_is_still_a_date() -> None:
    assert datetime.fromtimestamp(1_795_172_400.0 + LONGEST, UTC).year == 3026


@given(st.integers(0, int(LONGEST)))
def test_what_is_written_is_read_as_it_was(seconds: int) -> None:
    written = format_duration(seconds)
    assert parse_duration(0 if written == "0" else written) == seconds


class _Options(Options):
    loud: bool = True


def _never(_options: object, _surroundings: object) -> object:
    raise AssertionError


def _by_options(options: _Options) -> frozenset[Evidence]:
    return frozenset({Evidence.SPOKEN, Evidence.HERE}) if options.loud else frozenset()


def test_a_kind_votes_in_its_class_unless_its_options_say_otherwise() -> None:
    plain = ProbeKind(_Options, _never, Evidence.CROWD, "")  # type: ignore[arg-type]
    told = ProbeKind(_Options, _never, Evidence.CROWD, "", votes=_by_options)  # type: ignore[arg-type]

    assert plain.votes_as(_Options()) == {Evidence.CROWD}
    assert told.votes_as(_Options()) == {Evidence.SPOKEN, Evidence.HERE}
    assert told.votes_as(_Options(loud=False)) == frozenset()
