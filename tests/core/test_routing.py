"""Who is asked, in what order, and who is not: shared fate, trouble of one's own, reach, and who is owed an end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.delivery import A_LONG_WAIT, PATIENCE, Delivery, Phase
from failover.model import Receipt, State, Statement
from failover.routing import (
    Route,
    Voice,
    candidates,
    missed,
    named,
    owed_welcome,
    promote,
    stand_back,
    touched,
    trouble_of,
    unplanned,
)
from tests.core.stories import META, NOON, VOICES, X, delivery, incident

ROUTES = (META, X)
WELL: dict[str, State] = {}
RECEIPT = Receipt(remote_id="1")


def asked(channel: str, phase: Phase = Phase.STANDBY, **changes: object) -> Delivery:
    return delivery(channel=channel, phase=phase, **changes)


def line(*phases: Phase) -> list[Delivery]:
    return [asked(name, phase) for name, phase in zip(META.backups, phases, strict=True)]


def called(deliveries: list[Delivery], reach: int | None = None, states: dict[str, State] = WELL) -> list[str]:
    found = promote(incident(), deliveries, [replace(META, reach=reach)], VOICES, states, NOON)
    return [row.channel for row, _why in found]


# -- which routes, which platforms -----------------------------------------------------------------------------


def test_an_incident_touches_the_routes_that_stand_in_for_one_of_its_platforms() -> None:
    assert touched(incident(), ROUTES) == [META]
    assert touched(incident(platforms=("whatsapp",)), ROUTES) == []


def test_a_statement_names_the_platforms_that_have_a_stand_in_in_the_order_of_the_routes() -> None:
    three = incident(platforms=("whatsapp", "instagram", "facebook"))

    assert named(three, ROUTES) == ("facebook", "instagram")


# -- candidates ------------------------------------------------------------------------------------------------


def test_backups_are_asked_in_the_order_of_the_route_each_once() -> None:
    twice = (META, replace(X, platforms=("facebook",)))

    assert candidates(incident(), twice, VOICES) == ["telegram", "email", "blog"]


def test_a_channel_of_the_same_owner_shares_the_fate_of_what_is_down() -> None:
    """Facebook is down: Instagram is no backup."""
    route = replace(META, backups=("instagram-page", "telegram"))

    assert candidates(incident(), [route], VOICES) == ["telegram"]


def test_a_channel_on_a_platform_of_the_incident_is_no_backup_whatever_its_group_is_called_today() -> None:
    renamed = {**VOICES, "facebook-page": Voice(name="facebook-page", platform="facebook", group="zuck")}
    route = replace(META, backups=("facebook-page", "telegram"))

    assert candidates(incident(), [route], renamed) == ["telegram"]


def test_a_practice_channel_never_speaks_in_earnest() -> None:
    route = replace(META, backups=("rehearsal", "telegram"))

    assert candidates(incident(), [route], VOICES) == ["telegram"]


def test_channels_without_a_platform_share_no_fate_with_each_other() -> None:
    assert candidates(incident(group=""), [META], VOICES) == ["telegram", "email", "blog"]


@pytest.mark.parametrize("phase", Phase, ids=lambda one: one.value)
def test_who_neither_heard_nor_is_asked_is_unplanned(phase: Phase) -> None:
    gone = phase in (Phase.CANCELLED, Phase.EXPIRED, Phase.REFUSED)

    assert unplanned(["telegram"], [asked("telegram", phase)]) == (["telegram"] if gone else [])


def test_what_a_person_had_taken_back_is_not_said_again() -> None:
    assert unplanned(["telegram"], [asked("telegram", Phase.RETRACTED, receipt=RECEIPT)]) == []


def test_an_audience_that_heard_in_part_is_not_told_afresh() -> None:
    assert unplanned(["email"], [asked("email", Phase.CANCELLED, receipt=RECEIPT)]) == []


# -- trouble of one's own --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        (State.UNKNOWN, ""),
        (State.UP, ""),
        (State.SUSPECT, "telegram itself is suspect"),
        (State.DOWN, "telegram itself is down"),
        (State.RECOVERING, "telegram itself is recovering"),
    ],
)
def test_a_channel_is_passed_over_while_its_own_platform_is_in_trouble(state: State, trouble: str) -> None:
    assert trouble_of(VOICES["telegram"], {"telegram": state}, NOON) == trouble
    assert trouble_of(VOICES["email"], {"telegram": state}, NOON) == ""


def test_a_delivery_steps_back_while_its_platform_is_in_trouble_unless_it_has_been_tried() -> None:
    states = {"telegram": State.DOWN}
    fresh, tried = asked("telegram", Phase.READY), asked("telegram", Phase.READY, attempts=1)

    assert [row for row, _why in stand_back([fresh, asked("email", Phase.READY)], VOICES, states, NOON)] == [fresh]
    assert stand_back([tried], VOICES, states, NOON) == []


def test_a_delivery_on_a_channel_that_is_no_longer_configured_disturbs_nobody() -> None:
    gone = asked("carrier-pigeon", Phase.READY)

    assert stand_back([gone, asked("telegram", Phase.READY)], VOICES, {"telegram": State.UP}, NOON) == []
    assert called([gone, *line(*[Phase.STANDBY] * 3)]) == list(META.backups)


# -- reach -----------------------------------------------------------------------------------------------------

STANDBY, READY, SENDING, UNSURE, SENT = Phase.STANDBY, Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.SENT
REFUSED, HELD, LEFT, EXPIRED = Phase.REFUSED, Phase.HELD, Phase.LEFT, Phase.EXPIRED


@pytest.mark.parametrize(
    ("reach", "first"),
    [(None, ["telegram", "email", "blog"]), (1, ["telegram"]), (2, ["telegram", "email"]), (9, list(META.backups))],
)
def test_as_many_are_called_as_must_have_heard(reach: int | None, first: list[str]) -> None:
    assert called(line(STANDBY, STANDBY, STANDBY), reach) == first


@pytest.mark.parametrize(
    ("phases", "then"),
    [
        ((READY, STANDBY, STANDBY), []),
        ((SENDING, STANDBY, STANDBY), []),
        ((SENT, STANDBY, STANDBY), []),
        ((LEFT, STANDBY, STANDBY), []),
        ((REFUSED, STANDBY, STANDBY), ["email"]),
        ((UNSURE, STANDBY, STANDBY), ["email"]),
        ((HELD, STANDBY, STANDBY), ["email"]),
        ((EXPIRED, STANDBY, STANDBY), ["email"]),
        ((REFUSED, REFUSED, STANDBY), ["blog"]),
        ((REFUSED, REFUSED, REFUSED), []),
    ],
    ids=lambda phases: "-".join(one.value for one in phases) if isinstance(phases, tuple) else None,
)
def test_the_next_takes_the_place_of_one_that_cannot_be_relied_on(phases: tuple[Phase, ...], then: list[str]) -> None:
    assert called(line(*phases), 1) == then


def test_the_next_is_called_after_two_failed_attempts() -> None:
    rest = line(STANDBY, STANDBY, STANDBY)[1:]

    assert called([asked("telegram", READY, attempts=PATIENCE - 1, began=NOON), *rest], 1) == []
    assert called([asked("telegram", READY, attempts=PATIENCE, began=NOON), *rest], 1) == ["email"]


@pytest.mark.parametrize(("wait", "then"), [(A_LONG_WAIT, []), (A_LONG_WAIT + 1, ["email"]), (3600.0, ["email"])])
def test_the_next_is_called_at_once_when_one_asks_for_a_long_wait(wait: float, then: list[str]) -> None:
    throttled = asked("telegram", READY, attempts=1, began=NOON, due=NOON + wait)

    assert called([throttled, *line(STANDBY, STANDBY, STANDBY)[1:]], 1) == then


def test_a_delivery_that_waits_for_sign_off_is_as_good_as_any() -> None:
    waiting = asked("telegram", READY, due=NOON + 3600)

    assert called([waiting, *line(STANDBY, STANDBY, STANDBY)[1:]], 1) == []


def test_one_in_trouble_of_its_own_is_passed_over_and_the_reason_is_given() -> None:
    rows = line(STANDBY, STANDBY, STANDBY)
    rows[0] = replace(rows[0], reason="telegram itself is down")

    [(row, why)] = promote(incident(), rows, [replace(META, reach=1)], VOICES, {"telegram": State.DOWN}, NOON)

    assert row.channel == "email"
    assert why == "in place of telegram (telegram itself is down)"


def test_the_reason_names_the_one_whose_place_is_taken() -> None:
    rows = line(SENT, REFUSED, STANDBY)
    rows[1] = replace(rows[1], reason="no permission")

    assert promote(incident(), rows, [replace(META, reach=2)], VOICES, WELL, NOON) == [
        (rows[2], "in place of email (no permission)")
    ]
    assert [why for _row, why in promote(incident(), line(SENT, STANDBY, STANDBY), [META], VOICES, WELL, NOON)] == [
        "",
        "",
    ]


def test_of_two_deliveries_to_one_channel_the_later_counts() -> None:
    """Before a relapse it was cancelled, after it stands by again."""
    before, after = asked("telegram", Phase.CANCELLED), asked("telegram", STANDBY, id="7H2-telegram")

    assert called([before, after], 1) == ["telegram"]


def test_who_stood_by_before_a_relapse_and_is_asked_already_is_not_called_again() -> None:
    """The earlier delivery is still on standby; the later one is under way."""
    before, after = asked("telegram"), asked("telegram", READY, id="7H2-telegram", attempts=PATIENCE)

    assert called([before, after], 1) == []


def test_two_routes_each_have_their_own_reach() -> None:
    routes = [replace(META, backups=("telegram",), reach=1), replace(META, backups=("telegram", "blog"), reach=2)]
    rows = [asked("telegram"), asked("blog")]

    assert [row.channel for row, _why in promote(incident(), rows, routes, VOICES, WELL, NOON)] == [
        "telegram",
        "blog",
    ]


@pytest.mark.parametrize(
    ("reach", "phases", "found"),
    [
        (None, (SENT, SENT, SENT), None),
        (None, (SENT, LEFT, READY), None),
        (None, (SENT, STANDBY, UNSURE), None),
        (None, (SENT, SENT, REFUSED), (2, 3)),
        (2, (SENT, REFUSED, SENDING), None),
        (2, (SENT, REFUSED, HELD), (1, 2)),
        (1, (EXPIRED, REFUSED, HELD), (0, 1)),
    ],
)
def test_reach_is_missed_when_too_few_have_heard_and_nobody_is_left(
    reach: int | None, phases: tuple[Phase, ...], found: tuple[int, int] | None
) -> None:
    assert missed(incident(), line(*phases), [replace(META, reach=reach)]) == found


def test_who_has_heard_in_part_and_is_tried_again_is_counted_once() -> None:
    rows = [asked("telegram", READY, receipt=RECEIPT), asked("email", REFUSED), asked("blog", REFUSED)]

    assert missed(incident(), rows, [replace(META, reach=2)]) == (1, 2)


def test_reach_is_not_missed_where_nobody_was_to_be_reached() -> None:
    assert missed(incident(), [], ROUTES) is None


# -- the welcome back ------------------------------------------------------------------------------------------


def owed(holding: list[Delivery], welcome: list[Delivery] | None = None, **changes: object) -> list[str]:
    return owed_welcome(incident(**changes), holding, welcome or [], ROUTES, VOICES)


def greeting(channel: str, phase: Phase) -> Delivery:
    return delivery(channel=channel, phase=phase, statement=Statement.WELCOME_BACK, statement_id="7W")


def test_the_welcome_back_is_owed_to_who_heard_then_to_the_primary_that_recovered() -> None:
    assert owed(line(SENT, REFUSED, LEFT)) == ["telegram", "blog", "facebook-page"]


@pytest.mark.parametrize("phase", [STANDBY, READY, SENDING, UNSURE, REFUSED, HELD, EXPIRED, Phase.CANCELLED])
def test_where_nobody_heard_nobody_is_welcomed_back(phase: Phase) -> None:
    assert owed(line(phase, phase, phase)) == []


def test_who_heard_in_part_is_owed_it_too() -> None:
    assert owed([asked("email", Phase.CANCELLED, receipt=RECEIPT)]) == ["email", "facebook-page"]


def test_a_primary_that_was_not_down_has_nothing_to_say() -> None:
    both = incident(platforms=("facebook", "instagram"))

    assert "instagram-page" not in owed(line(SENT, SENT, SENT))
    assert "instagram-page" in owed_welcome(both, line(SENT, SENT, SENT), [], ROUTES, VOICES)


def test_a_practice_primary_is_not_spoken_to_in_earnest() -> None:
    voices = {**VOICES, "facebook-page": replace(VOICES["facebook-page"], practice=True)}

    assert owed_welcome(incident(), line(SENT, SENT, SENT), [], ROUTES, voices) == list(META.backups)


def test_nothing_is_owed_to_a_channel_that_is_no_longer_configured() -> None:
    left = {name: voice for name, voice in VOICES.items() if name not in ("telegram", "facebook-page")}

    assert owed_welcome(incident(), line(SENT, SENT, SENT), [], ROUTES, left) == ["email", "blog"]


@pytest.mark.parametrize("phase", Phase, ids=lambda one: one.value)
def test_one_welcome_back_per_channel_and_a_cancelled_one_does_not_count(phase: Phase) -> None:
    again = "telegram" in owed(line(SENT, SENT, SENT), [greeting("telegram", phase)])

    assert again is (phase is Phase.CANCELLED)


def test_a_route_wants_no_more_than_there_are() -> None:
    assert Route(platforms=(), primaries=(), backups=(), reach=3).wanted(2) == 2
    assert Route(platforms=(), primaries=(), backups=()).wanted(2) == 2
