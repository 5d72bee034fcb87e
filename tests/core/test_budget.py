"""So many looks a month: spread until its end, something kept for suspicion, and what they cost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from failover.budget import Usage, estimate, is_used_up, month_ends, month_of, stretched, used_up
from failover.contracts import Cost
from failover.model import Fault, Signal
from tests.core.stories import SPOKEN, account

DAY = 86400.0
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


def test_a_month_is_one_of_the_calendar_in_utc() -> None:
    assert month_of(NOVEMBER) == "2026-11"
    assert month_of(NOVEMBER - 1) == "2026-10"
    assert month_ends(NOVEMBER) == DECEMBER
    assert month_ends(DECEMBER) == datetime(2027, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("every", "budget", "looks", "at", "seconds"),
    [
        pytest.param(900, None, 10**6, NOVEMBER, 900, id="no-budget"),
        pytest.param(900, 10_000, 0, NOVEMBER, 900, id="more-than-enough"),
        pytest.param(900, 1000, 0, NOVEMBER, 2880, id="too-little-from-the-start"),
        pytest.param(900, 3300, 3300 - 100, DECEMBER - DAY, 960, id="nearly-used"),
        pytest.param(900, 100, 99, NOVEMBER, 2_880_000, id="the-last-one-is-kept-for-suspicion"),
        pytest.param(900, 100, 100, NOVEMBER, 900, id="used-up"),
        pytest.param(900, 100, 200, NOVEMBER, 900, id="overdrawn"),
    ],
)
def test_the_steady_pace_is_stretched_so_that_it_lasts(
    every: float, budget: int | None, looks: int, at: float, seconds: float
) -> None:
    assert stretched(every, budget, looks, at) == seconds


@pytest.mark.parametrize("budget", [7, 100, 1000, 2500])
@pytest.mark.parametrize("begins", [0.0, 11.3 * DAY])
def test_steady_looks_never_use_it_up_and_use_most_of_it(budget: int, begins: float) -> None:
    """A month of steady looks alone: some are left at its end, and not many more than are kept for suspicion."""
    now, looks = NOVEMBER + begins, 0
    while (now := now + stretched(900, budget, looks, now)) < DECEMBER:
        looks += 1

    assert looks < budget
    assert looks >= min(0.8 * budget - 3, (DECEMBER - NOVEMBER - begins) // 900)


def test_what_may_not_be_asked_tells_nothing_and_the_trouble_is_ours() -> None:
    sighting = used_up(SPOKEN, 1000, NOVEMBER)

    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
    assert sighting.reason == "budget of 1000 looks for November is used up"
    assert is_used_up(sighting)
    assert not is_used_up(account())


LOOK, DAILY = Cost(price=0.005, currency="EUR"), Cost(price=0.01, currency="USD", per="day")


@pytest.mark.parametrize(
    ("cost", "looks", "free", "at", "told"),
    [
        (None, 500, None, NOVEMBER, None),
        (LOOK, 500, None, NOVEMBER, 2.5),
        (LOOK, 500, 400, NOVEMBER, 0.5),
        (LOOK, 300, 400, NOVEMBER, 0.0),
        (DAILY, 500, None, NOVEMBER + 9 * DAY, 0.1),
        (DAILY, 3, None, NOVEMBER + 9 * DAY, 0.03),
    ],
)
def test_what_so_many_looks_cost(
    cost: Cost | None, looks: int, free: int | None, at: float, told: float | None
) -> None:
    """A source that bills a read once a day (X) cannot have billed more days than there have been."""
    assert estimate(cost, looks, free, at) == told


def test_looks_are_counted_by_month_and_written_once() -> None:
    usage = Usage({("x/account", "2026-11"): 5})
    usage.count("x/account", NOVEMBER)
    usage.count("x/web", NOVEMBER)

    pending = usage.unwritten()
    assert pending == {("x/account", "2026-11"): 6, ("x/web", "2026-11"): 1}
    usage.count("x/web", NOVEMBER)
    usage.written(pending)
    assert usage.unwritten() == {("x/web", "2026-11"): 2}, "what was counted while it was written is not on the disk"


def test_a_new_month_begins_at_nought_and_the_old_one_is_forgotten() -> None:
    usage = Usage({("x/account", "2026-11"): 5})
    usage.count("x/account", DECEMBER)

    assert usage.looks("x/account", DECEMBER) == 1
    assert usage.looks("x/account", NOVEMBER) == 0
