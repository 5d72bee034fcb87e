"""What goes to and fro for hours is folded in the report to be read; everything else stays."""

from __future__ import annotations

from failover.replay import report
from failover.replay.folding import TURNS, WORTH_IT, folded
from failover.replay.story import Entry, entries
from tests.replay._house import played

NOON = 1_795_003_200.0
"""2026-11-18T12:00:00Z."""


def seen(at: float, *topics: str) -> Entry:
    return Entry(NOON + at, "seen", f"at {at:g}", topics=topics or ("x/web",))


def decided(at: float, topic: str = "x") -> Entry:
    return Entry(NOON + at, "decided", f"at {at:g}", topics=(topic,))


def said(at: float) -> Entry:
    return Entry(NOON + at, "said", f"at {at:g}")


def texts(*told: Entry) -> list[str]:
    return [entry.text for entry in folded(told)]


def minutes(count: int, begin: int = 0) -> list[Entry]:
    return [seen(60.0 * n) for n in range(begin, begin + count)]


def test_the_first_turns_and_the_last_are_told_and_how_many_lie_between() -> None:
    assert texts(*minutes(20)) == [
        *(f"at {60 * n}" for n in range(TURNS)),
        "... and 13 more times to and fro until 12:18: x: web",
        "at 1140",
    ]


def test_a_few_more_are_not_worth_a_line() -> None:
    few = minutes(TURNS + WORTH_IT)
    assert texts(*few) == [entry.text for entry in few]


def test_what_comes_of_it_is_always_told_and_begins_the_count_anew() -> None:
    before, after = minutes(TURNS), minutes(TURNS, begin=10)
    assert texts(*before, said(400), *after) == [entry.text for entry in [*before, said(400), *after]]


def test_each_source_is_counted_for_itself() -> None:
    told = [*minutes(TURNS), seen(500, "x/dns"), *minutes(5, begin=10)]
    assert texts(*told)[TURNS] == "at 500"


def test_a_line_about_several_platforms_stays_while_it_is_news_of_one() -> None:
    told = [*minutes(TURNS), seen(500, "x/web", "y/web"), *minutes(5, begin=10)]
    assert texts(*told)[TURNS] == "at 500"


def test_what_is_seen_and_what_is_decided_of_it_are_folded_apart() -> None:
    told = [one for n in range(20) for one in (seen(60.0 * n), decided(60.0 * n + 1))]
    folds = [text for text in texts(*told) if text.startswith("...")]
    assert folds == [
        "... and 13 more times to and fro until 12:18: x: web",
        "... and 13 more times to and fro until 12:18: x",
    ]


FLAPPING = (
    "evidence:\n  - {from: here, shows: ["
    + ", ".join(f"{{at: +{8 * n}m, until: +{8 * n + 4}m, says: down, class: here}}" for n in range(30))
    + "]}\n"
)


def test_a_report_of_hours_is_short_and_the_data_are_whole() -> None:
    """Nobody reads nine hundred lines of "may be in trouble" and "works"; programs get all of them."""
    record = played(FLAPPING, expect="[{silent: true}]")
    report_ = report.text(record)
    assert "more times to and fro until" in report_
    assert report_.count("may be in trouble") < 10
    assert len(report.data(record)["story"]) == len(entries(record)) > 100
