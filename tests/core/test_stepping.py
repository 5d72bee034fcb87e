"""The clock was set: what is believed keeps its distance from now."""

from __future__ import annotations

from dataclasses import replace

from failover.stepping import seen_later
from tests.core.stories import NOON, SPOKEN, down, seen, up


def test_the_looks_that_are_remembered_move_with_the_clock() -> None:
    one = replace(seen(up(SPOKEN)), lately=((NOON - 30, down(SPOKEN)), (NOON, up(SPOKEN))))

    moved = seen_later({"facebook": {"api": one}}, -3600.0)["facebook"]["api"]

    assert (moved.at, moved.good_until) == (one.at - 3600, one.good_until - 3600)
    assert [at for at, _said in moved.lately] == [NOON - 3630, NOON - 3600]
