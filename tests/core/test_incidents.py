"""Open, join, reopen, close: one incident per owner, one pair of statements, stricter each time it returns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.incidents import (
    A_DAY,
    Calm,
    Incident,
    Turn,
    follow,
    opening_statement,
    recovery_time,
    reference,
    statement_id,
)
from failover.model import State, Statement
from tests.core.stories import HOUR, NOON, incident, turned

CALM = Calm()


def happens(platform: str, now: State, recent: list[Incident], at: float = NOON) -> tuple[Turn, Incident | None]:
    return follow(turned(platform, now, at), "meta", recent, "8", CALM)


def over(closed_at: float, **changes: object) -> Incident:
    return incident(down=(), closed_at=closed_at, **changes)


def test_the_first_down_opens_an_incident_with_its_reason() -> None:
    turn, opened = happens("facebook", State.DOWN, [])

    assert turn is Turn.OPENED
    assert opened == Incident(
        id="8",
        group="meta",
        platforms=("facebook",),
        down=("facebook",),
        opened_at=NOON,
        ordinal=1,
        reason="spoken and crowd agree",
    )


def test_a_sibling_joins_the_open_incident() -> None:
    turn, joined = happens("instagram", State.DOWN, [incident()], NOON + HOUR)

    assert turn is Turn.JOINED
    assert joined == incident(platforms=("facebook", "instagram"), down=("facebook", "instagram"))


def test_a_platform_that_is_in_it_already_changes_nothing() -> None:
    """DOWN, RECOVERING, DOWN again: the incident never ended."""
    assert happens("facebook", State.DOWN, [incident()]) == (Turn.NOTHING, None)


@pytest.mark.parametrize("state", [State.SUSPECT, State.RECOVERING, State.UNKNOWN])
def test_only_down_and_up_are_turns(state: State) -> None:
    assert happens("facebook", state, [incident()]) == (Turn.NOTHING, None)


def test_up_without_an_incident_is_no_turn() -> None:
    assert happens("facebook", State.UP, []) == (Turn.NOTHING, None)
    assert happens("instagram", State.UP, [incident()]) == (Turn.NOTHING, None)
    assert happens("facebook", State.UP, [over(NOON)]) == (Turn.NOTHING, None)


def test_while_another_is_down_a_recovery_is_partial() -> None:
    both = incident(platforms=("facebook", "instagram"), down=("facebook", "instagram"))

    turn, rest = happens("facebook", State.UP, [both], NOON + HOUR)

    assert turn is Turn.PARTLY_RECOVERED
    assert rest == replace(both, down=("instagram",))


def test_the_last_recovery_closes_it() -> None:
    turn, closed = happens("facebook", State.UP, [incident()], NOON + HOUR)

    assert turn is Turn.CLOSED
    assert closed == incident(down=(), closed_at=NOON + HOUR)


def test_one_that_recovered_and_falls_again_joins_again_without_being_listed_twice() -> None:
    rest = incident(platforms=("facebook", "instagram"), down=("instagram",))

    turn, joined = happens("facebook", State.DOWN, [rest])

    assert turn is Turn.JOINED
    assert joined == replace(rest, down=("instagram", "facebook"))


@pytest.mark.parametrize(("later", "turn"), [(0.0, Turn.REOPENED), (3599.0, Turn.REOPENED), (3600.0, Turn.OPENED)])
def test_a_relapse_within_the_hour_reopens_the_same_incident(later: float, turn: Turn) -> None:
    closed = over(NOON)

    became, after = happens("facebook", State.DOWN, [closed], NOON + later)

    assert became is turn
    assert after is not None
    assert after.id == ("7" if turn is Turn.REOPENED else "8")
    assert after.is_open


def test_a_relapse_of_a_sibling_reopens_it_too() -> None:
    turn, after = happens("instagram", State.DOWN, [over(NOON)], NOON + 60)

    assert turn is Turn.REOPENED
    assert after is not None
    assert (after.platforms, after.down) == (("facebook", "instagram"), ("instagram",))


def test_the_latest_incident_decides_whatever_the_order() -> None:
    old, young = over(NOON - 5 * HOUR, id="6", opened_at=NOON - 6 * HOUR), incident(id="7")

    assert happens("facebook", State.UP, [young, old])[0] is Turn.CLOSED
    assert happens("facebook", State.UP, [old, young])[0] is Turn.CLOSED


@pytest.mark.parametrize(("before", "ordinal"), [(0, 1), (1, 2), (2, 3), (5, 6)])
def test_incidents_of_a_group_within_a_day_are_counted(before: int, ordinal: int) -> None:
    recent = [over(NOON - (3 * n + 2) * HOUR, id=str(n), opened_at=NOON - (3 * n + 3) * HOUR) for n in range(before)]

    _, opened = happens("facebook", State.DOWN, recent)

    assert opened is not None
    assert opened.ordinal == ordinal


def test_an_incident_of_yesterday_is_not_counted() -> None:
    _, opened = happens("facebook", State.DOWN, [over(NOON - 2 * HOUR, opened_at=NOON - A_DAY)])

    assert opened is not None
    assert opened.ordinal == 1


@pytest.mark.parametrize(
    ("ordinal", "statement", "calm"),
    [
        (1, Statement.HOLDING, 900.0),
        (2, Statement.AGAIN, 1800.0),
        (3, Statement.INTERMITTENT, 21600.0),
        (7, Statement.INTERMITTENT, 21600.0),
    ],
)
def test_each_further_incident_of_a_day_is_worded_and_judged_more_strictly(
    ordinal: int, statement: Statement, calm: float
) -> None:
    assert opening_statement(incident(ordinal=ordinal), CALM) is statement
    assert recovery_time(incident(ordinal=ordinal), CALM) == calm


def test_without_an_incident_the_ordinary_recovery_time_holds() -> None:
    assert recovery_time(None, CALM) == 900.0


def test_the_recovery_time_never_shrinks_from_one_incident_to_the_next() -> None:
    """Also where people configure a long `recover` and a short `calm`."""
    odd = Calm(recover_for=7200.0, intermittent_for=3600.0)
    times = [recovery_time(incident(ordinal=ordinal), odd) for ordinal in range(1, 6)]

    assert times == sorted(times)


def test_references_are_unique_over_incidents_statements_and_numbers_and_none_contains_another() -> None:
    """They are what read-back looks for: a shorter one inside a longer one would be found in the wrong post."""
    kinds = [Statement.HOLDING, Statement.UPDATE, Statement.WELCOME_BACK, Statement.CORRECTION, Statement.DRILL]
    found = [
        reference(incident(id=str(number), opened_at=NOON), kind, n)
        for number in (1, 2, 11, 12, 21, 111, 112)
        for kind in kinds
        for n in (1, 2, 3, 11, 12)
    ]

    assert len(set(found)) == len(found)
    assert not [(one, other) for one in found for other in found if one != other and one in other]


def test_a_reference_reads_like_this() -> None:
    assert reference(incident(), Statement.HOLDING, 1) == "F7H-181106"
    assert reference(incident(), Statement.HOLDING, 2) == "F7H2-181106"
    assert statement_id(incident(), Statement.WELCOME_BACK, 1) == "7W"


def test_a_reference_does_not_change_when_the_incident_goes_on() -> None:
    before, after = incident(), incident(platforms=("facebook", "instagram"), closed_at=NOON + HOUR, ordinal=2)

    assert reference(before, Statement.HOLDING, 1) == reference(after, Statement.HOLDING, 1)
