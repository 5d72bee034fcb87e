"""What the last looks of a source amount to."""

from __future__ import annotations

import pytest

from failover.model import Observation, Sighting
from failover.unsteady import LOOKS, WITHIN, is_unsteady, lately, steadied
from tests.core.stories import CROWD, NOON, SPOKEN, account, degraded, down, seen, unknown, up

SAYS = {"D": down(SPOKEN, "HTTP 503"), "u": up(SPOKEN), "d": degraded(SPOKEN), "?": unknown(SPOKEN), "a": account()}


def looked(story: str, every: float = 15.0) -> Observation:
    """The last of so many looks, each a letter: D down, u up, d degraded, ? could not tell, a our account's."""
    last: Observation | None = None
    for number, letter in enumerate(story):
        fresh = seen(SAYS[letter], at=NOON + number * every)
        last = Observation(
            platform=fresh.platform,
            probe=fresh.probe,
            at=fresh.at,
            good_until=fresh.good_until,
            sighting=fresh.sighting,
            lately=lately(fresh, last),
        )
    assert last is not None
    return last


@pytest.mark.parametrize(
    ("story", "fails"),
    [
        ("uuuuuu", False),
        ("uuuuuD", True),
        ("DDDDDu", False),
        ("uDDDuu", False),
        ("DuDu", False),
        ("DDuDDu", True),
        ("DuDuu", False),
        ("uuuuDDuDu", True),
        ("DDdDd", True),
        ("D?D?u", False),
        ("DuDD?u", True),
        ("DuuDDDuDu", False),
        ("DuD?", False),
        ("DuDa", False),
        ("DuDu" + "u" * LOOKS, False),
    ],
)
def test_who_fails_and_answers_by_turns_fails(story: str, fails: bool) -> None:
    """Three looks in five, and begun twice; one error that passes is over with the first good answer."""
    last = looked(story)

    assert steadied(last, last.at).votes_down is fails


def test_it_is_told_as_the_last_failure_with_its_share() -> None:
    last = looked("DDuDu")
    found = steadied(last, last.at)

    assert found.sighting.reason == "HTTP 503 (3 of the last 5 looks failed)"
    assert (found.at, found.looks, found.good_until) == (NOON + 45, 3, last.good_until)


def test_what_is_long_ago_is_forgotten() -> None:
    last = looked("DuDDu")

    assert steadied(last, last.at).votes_down
    assert not steadied(last, last.at + WITHIN).votes_down
    assert not steadied(looked("DDuDDu", every=200.0), NOON + 1000).votes_down


@pytest.mark.parametrize(
    ("story", "kept"), [("uuu", 0), ("D", 1), ("uDu", 2), ("D" + "u" * LOOKS, 0), ("D" * 99, LOOKS)]
)
def test_no_more_is_remembered_than_is_needed(story: str, kept: int) -> None:
    assert len(looked(story).lately) == kept


@pytest.mark.parametrize(("story", "mixed"), [("uu", False), ("DDD", False), ("DDu", True), ("uD?", False)])
def test_a_source_is_unsteady_while_its_last_looks_differ(story: str, mixed: bool) -> None:
    assert is_unsteady(looked(story)) is mixed


def test_a_source_that_is_asked_rarely_is_taken_at_its_word() -> None:
    """The crowd, each five minutes."""
    told: Observation | None = None
    for number, says in enumerate([down(CROWD), up(CROWD), down(CROWD), up(CROWD)]):
        fresh = seen(says, at=NOON + 300 * number)
        told = Observation(
            platform="x", probe="crowd", at=fresh.at, good_until=9e12, sighting=says, lately=lately(fresh, told)
        )
    assert told is not None
    assert steadied(told, told.at).sighting == up(CROWD)


def test_a_sighting_is_passed_through_unchanged_where_nothing_failed() -> None:
    calm: Sighting = up(SPOKEN)
    one = seen(calm)

    assert steadied(one, NOON) is one
