"""What becomes of an ordinary post: tables of the pure rules (`failover.posts`, `failover.diversion`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover.delivery import Delivery, Phase
from failover.diversion import divert, outlook, worth_a_look
from failover.hours import Hours
from failover.model import Announcement, Image, Measure, Receipt, State
from failover.posts import (
    NEVER,
    Gauge,
    Ground,
    Pace,
    Post,
    deliveries,
    delivery_to,
    meanwhile,
    misfits,
    referenced,
    waited,
    why_not,
)
from failover.routing import Route
from tests.core.stories import HOUR, META, MINUTE, NOON, VOICES, X

PAGE = "facebook-page"


def post(**changes: Any) -> Post:
    values: dict[str, Any] = {"id": "P12", "text": "Market day", "to": (PAGE,), "created_at": NOON, **changes}
    return Post(**values)


def route(**changes: Any) -> Route:
    return replace(META, **changes)


def ground(**changes: Any) -> Ground:
    values: dict[str, Any] = {"now": NOON, "voices": VOICES, "routes": (META, X), **changes}
    return Ground(**values)


LONELY = replace(META, backups=("telegram",))
DOWN = {"states": {"facebook": State.DOWN}, "down": frozenset({"facebook"})}


def limited(limit: int, images: int = 0) -> Gauge:
    def measure(announcement: Announcement) -> Measure:
        return Measure(len(announcement.text), limit, "characters")

    return Gauge(measure=measure, images=images)


# -- the rows and their words ----------------------------------------------------------------------------------


def test_a_post_is_one_row_of_the_outbox_for_each_channel() -> None:
    """Due at its time, wanted until its `until`, with the reference that read-back looks for in its text."""
    rows = deliveries(post(to=(PAGE, "telegram"), at=NOON + HOUR, until=NOON + 2 * HOUR, title="News"), NOON)

    assert [row.id for row in rows] == ["P12-facebook-page", "P12-telegram"]
    first = rows[0]
    assert (first.phase, first.due, first.latest) == (Phase.READY, NOON + HOUR, NOON + 2 * HOUR)
    assert (first.incident, first.statement.value, first.statement_id) == ("", "post", "P12")
    assert (first.reference, first.subject) == ("P12-181106", "News")
    assert first.text == "Market day (P12-181106)"


def test_without_times_it_is_due_at_once_and_good_for_ever() -> None:
    (row,) = deliveries(post(), NOON)
    assert (row.due, row.latest) == (NOON, NEVER)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("One line", "One line (P1-181106)", id="behind a line"),
        pytest.param("Two\nlines", "Two\nlines\n\n(P1-181106)", id="on a line of its own"),
        pytest.param("Ask for P1-181106", "Ask for P1-181106", id="it is there already"),
    ],
)
def test_every_text_shows_its_reference(text: str, told: str) -> None:
    assert referenced(text, "P1-181106") == told


# -- what is refused beforehand --------------------------------------------------------------------------------

PICTURE = Image(path=Path("/x.png"), alt="a red square", media_type="image/png")


@pytest.mark.parametrize(
    ("gauges", "targets", "further"),
    [
        pytest.param({PAGE: limited(100)}, [], [], id="it fits everywhere"),
        pytest.param({PAGE: limited(10)}, [PAGE], [], id="too long for the channel itself"),
        pytest.param({"telegram": limited(10)}, [], ["telegram"], id="too long for one that stands in: told"),
        pytest.param(
            {name: limited(10) for name in ("telegram", "email", "blog")},
            [PAGE],
            ["telegram", "email", "blog"],
            id="too long for all that stand in: refused",
        ),
    ],
)
def test_what_does_not_fit_is_known_beforehand(
    gauges: Mapping[str, Gauge], targets: list[str], further: list[str]
) -> None:
    here, elsewhere = misfits(post(), ground(gauges=gauges))
    assert (list(here), list(elsewhere)) == (targets, further)


def test_the_reference_is_part_of_the_length() -> None:
    text = "x" * 85
    here, _ = misfits(post(text=text), ground(gauges={PAGE: limited(90)}))
    assert here == {PAGE: f"{len(text) + len(' (P12-181106)')} of 90 characters"}


def test_a_channel_that_carries_no_picture_says_so() -> None:
    here, _ = misfits(post(images=(PICTURE,)), ground(gauges={PAGE: limited(100)}))
    assert here == {PAGE: "it cannot carry a picture"}
    here, _ = misfits(post(images=(PICTURE,)), ground(gauges={PAGE: limited(100, images=1)}))
    assert here == {}


def test_where_the_route_holds_nobody_else_need_be_able_to_say_it() -> None:
    gauges = {name: limited(10) for name in ("telegram", "email", "blog")}
    assert misfits(post(), ground(gauges=gauges, routes=(route(posts="hold"),))) == ({}, {})


# -- what falls due while a platform is down -------------------------------------------------------------------


def outcome(rows: Sequence[Delivery], where: Ground, one: Post | None = None) -> dict[str, str]:
    """channel -> phase, after the decision."""
    found = {row.channel: row for row in rows}
    for diversion in divert(one or post(), rows, where):
        found |= {row.channel: row for row in diversion.rows}
    return {name: row.phase.value for name, row in found.items()}


@pytest.mark.parametrize(
    ("posts", "reach", "expected"),
    [
        pytest.param(
            "reroute", None, {PAGE: "cancelled", "telegram": "ready", "email": "ready", "blog": "ready"}, id="reroute"
        ),
        pytest.param("reroute", 1, {PAGE: "cancelled", "telegram": "ready"}, id="as many as `reach` asks for"),
        pytest.param("both", 1, {PAGE: "ready", "telegram": "ready"}, id="both"),
        pytest.param("hold", None, {PAGE: "ready"}, id="hold"),
        pytest.param("drop", None, {PAGE: "cancelled"}, id="drop"),
    ],
)
def test_the_route_says_where_it_goes(posts: str, reach: int | None, expected: dict[str, str]) -> None:
    where = ground(routes=(route(posts=posts, reach=reach),), **DOWN)
    assert outcome(deliveries(post(), NOON), where) == expected


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(ground(), id="nothing is known"),
        pytest.param(ground(states={"facebook": State.SUSPECT}, down=frozenset({"facebook"})), id="a suspicion"),
        pytest.param(ground(states={"facebook": State.RECOVERING}, down=frozenset({"facebook"})), id="recovering"),
        pytest.param(ground(states={"facebook": State.DOWN}), id="down, and no incident is open for it"),
        pytest.param(ground(routes=(), **DOWN), id="no route"),
        pytest.param(ground(routes=(X,), **DOWN), id="a route of another channel"),
        pytest.param(replace(ground(**DOWN), now=NOON - 1), id="it is not due yet"),
    ],
)
def test_otherwise_nothing_is_changed(where: Ground) -> None:
    assert divert(post(), deliveries(post(), NOON), where) == []


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        pytest.param(
            {"states": {**DOWN["states"], "telegram": State.SUSPECT}}, ["email"], id="its platform is in doubt"
        ),
        pytest.param({"gauges": {"telegram": limited(5)}}, ["email"], id="it does not fit there"),
        pytest.param(
            {"voices": {**VOICES, "telegram": replace(VOICES["telegram"], quiet=Hours(0, 1439))}},
            ["email"],
            id="its quiet hours",
        ),
        pytest.param({"routes": (route(reach=1, after={"telegram": 60.0}),)}, ["email"], id="it is asked later only"),
    ],
)
def test_a_backup_that_cannot_is_passed_over(changes: dict[str, Any], asked: list[str]) -> None:
    where = ground(**{**DOWN, "routes": (route(reach=1),), **changes})
    (diversion,) = divert(post(), deliveries(post(), NOON), where)
    assert list(diversion.channels) == asked


def test_where_no_backup_is_well_it_waits() -> None:
    """Nothing is cancelled unless somebody else says it."""
    states = {**DOWN["states"], "telegram": State.DOWN}
    where = ground(states=states, down=frozenset({"facebook"}), routes=(route(backups=("telegram",)),))
    assert divert(post(), deliveries(post(), NOON), where) == []
    assert worth_a_look(PAGE, where) == "none"


def test_a_backup_that_is_a_target_already_is_not_asked_twice() -> None:
    one = post(to=(PAGE, "telegram"))
    where = ground(routes=(route(backups=("telegram",)),), **DOWN)
    (diversion,) = divert(one, deliveries(one, NOON), where)
    assert [row.id for row in diversion.rows] == ["P12-facebook-page"]
    assert diversion.channels == ("telegram",)


def test_two_channels_of_one_owner_ask_each_backup_once() -> None:
    one = post(to=(PAGE, "instagram-page"))
    where = ground(
        states={"facebook": State.DOWN, "instagram": State.DOWN}, down=frozenset({"facebook", "instagram"})
    )
    rows = [row for diversion in divert(one, deliveries(one, NOON), where) for row in diversion.rows]
    assert sorted(row.channel for row in rows if row.phase is Phase.READY) == ["blog", "email", "telegram"]
    assert {row.channel for row in rows if row.phase is Phase.CANCELLED} == {PAGE, "instagram-page"}


def rerouted(phase: Phase, **changes: Any) -> list[Delivery]:
    """The page's row is cancelled, telegram has it."""
    (own,) = deliveries(post(), NOON)
    copy = replace(delivery_to("telegram", post(), NOON, position=1), phase=phase, **changes)
    return [replace(own, phase=Phase.CANCELLED, reason="re-routed to telegram: facebook is down"), copy]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(rerouted(Phase.SENT), {"telegram": "sent"}, id="it was said: enough"),
        pytest.param(rerouted(Phase.UNSURE), {"telegram": "unsure"}, id="it may be public: enough"),
        pytest.param(rerouted(Phase.HELD), {"telegram": "held"}, id="a person must look: enough"),
        pytest.param(rerouted(Phase.REFUSED), {"telegram": "refused", "email": "ready"}, id="refused: the next"),
    ],
)
def test_another_takes_the_place_of_a_backup_that_failed(rows: list[Delivery], expected: dict[str, str]) -> None:
    where = ground(routes=(route(reach=1),), **DOWN)
    assert outcome(rows, where) == {PAGE: "cancelled", **expected}


def test_a_backup_that_goes_down_too_is_replaced() -> None:
    states = {"facebook": State.DOWN, "telegram": State.DOWN}
    where = ground(states=states, down=frozenset(states), routes=(route(reach=1),))
    assert outcome(rerouted(Phase.READY), where) == {PAGE: "cancelled", "telegram": "cancelled", "email": "ready"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(rerouted(Phase.REFUSED), {PAGE: "ready", "telegram": "refused"}, id="refused"),
        pytest.param(rerouted(Phase.EXPIRED), {PAGE: "ready", "telegram": "expired"}, id="too late there"),
        pytest.param(rerouted(Phase.CANCELLED), {PAGE: "ready", "telegram": "cancelled"}, id="cancelled there"),
        pytest.param(rerouted(Phase.READY), {PAGE: "cancelled", "telegram": "ready"}, id="it goes out there soon"),
        *(
            pytest.param(rerouted(phase), {PAGE: "cancelled", "telegram": phase.value}, id=phase.value)
            for phase in (Phase.SENDING, Phase.UNSURE, Phase.HELD, Phase.SENT, Phase.LEFT, Phase.RETRACTED)
        ),
        pytest.param(
            rerouted(Phase.REFUSED, receipt=Receipt(remote_id="1")),
            {PAGE: "cancelled", "telegram": "refused"},
            id="a part of its audience has heard it",
        ),
    ],
)
@pytest.mark.parametrize("page", [State.UP, State.RECOVERING, State.DOWN], ids=lambda one: one.value)
def test_what_nobody_who_stood_in_has_said_goes_back_to_its_channel(
    rows: list[Delivery], expected: dict[str, str], page: State
) -> None:
    """As soon as nobody else may say it; what may be public there is never said here."""
    down = frozenset({"facebook"}) if page is State.DOWN else frozenset()
    nobody_else = {name: limited(5) for name in ("email", "blog")}
    where = ground(states={"facebook": page}, down=down, routes=(route(reach=1),), gauges=nobody_else)
    if page is State.DOWN and rows[1].phase is Phase.CANCELLED:
        expected = {PAGE: "cancelled", "telegram": "ready"}  # who was relieved of it may be asked again
    assert outcome(rows, where) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        pytest.param(State.UP, {PAGE: "ready", "telegram": "cancelled"}, id="the page is well"),
        pytest.param(State.RECOVERING, {PAGE: "cancelled", "telegram": "ready"}, id="neither of them is"),
    ],
)
def test_a_backup_that_cannot_say_it_is_relieved_of_it_when_the_channel_itself_can(
    page: State, expected: dict[str, str]
) -> None:
    where = ground(states={"facebook": page, "telegram": State.SUSPECT})
    assert outcome(rerouted(Phase.READY, attempts=1), where) == expected


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"attempts": 1}, id="it was attempted: for a person"),
        pytest.param({"latest": NOON}, id="it is too late"),
        pytest.param({"reason": "facebook is down, and the route drops what falls due meanwhile"}, id="dropped"),
        pytest.param({"reason": "this channel is no longer configured"}, id="its channel was gone"),
    ],
)
def test_what_is_not_given_back(changes: dict[str, Any]) -> None:
    own, copy = rerouted(Phase.REFUSED)
    rows = [replace(own, **changes), copy]
    assert divert(post(), rows, ground(routes=(route(backups=("telegram",)),))) == []


def test_each_channel_that_was_stood_in_for_gets_it_back() -> None:
    one = post(to=(PAGE, "instagram-page", "press-desk"))
    page, instagram, press = deliveries(one, NOON)
    gone = {"phase": Phase.CANCELLED, "reason": "re-routed to telegram: facebook is down"}
    copy = replace(delivery_to("telegram", one, NOON, position=1), phase=Phase.REFUSED)
    rows = [replace(page, **gone), replace(instagram, **gone), replace(press, phase=Phase.SENT), copy]
    assert outcome(rows, ground(), one) == {
        PAGE: "ready", "instagram-page": "ready", "press-desk": "sent", "telegram": "refused",
    }  # fmt: skip


def test_where_the_route_asks_nobody_any_more_whoever_has_it_may_have_stood_in() -> None:
    one = post(to=(PAGE, "telegram"))
    page, copy = deliveries(one, NOON)
    gone = replace(page, phase=Phase.CANCELLED, reason="re-routed to telegram: facebook is down")
    rows = [gone, replace(copy, phase=Phase.SENT)]
    assert divert(one, rows, ground(routes=())) == divert(one, rows, ground()) == []


@pytest.mark.parametrize(
    ("rows", "told", "person"),
    [
        pytest.param(rerouted(Phase.SENT), "was not published there (re-routed", False, id="others said it"),
        pytest.param(rerouted(Phase.UNSURE), "was not published there (re-routed", False, id="others may have"),
        pytest.param(rerouted(Phase.REFUSED), "was not published there, nor anywhere else", True, id="nobody has"),
    ],
)
def test_a_post_that_was_published_nowhere_is_for_a_person(rows: list[Delivery], told: str, person: bool) -> None:
    left = meanwhile(rows[0], rows[1:])
    assert left is not None
    assert (told in left.reason, left.person) == (True, person)


# -- what will happen, in words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "pace", "told"),
    [
        pytest.param({}, Pace(), "", id="it goes out"),
        pytest.param(DOWN, Pace(), "facebook is down, so it goes to telegram instead", id="reroute"),
        pytest.param(
            {**DOWN, "routes": (route(posts="both", reach=1),)},
            Pace(),
            "facebook is down, so it goes to telegram now, and here when facebook is back",
            id="both",
        ),
        pytest.param({**DOWN, "routes": (route(posts="hold"),)}, Pace(), "facebook is down, so it waits", id="hold"),
        pytest.param(
            {**DOWN, "routes": (route(posts="drop"),)},
            Pace(),
            "facebook is down, and the route drops what falls due meanwhile: it is not published there",
            id="drop",
        ),
        pytest.param(
            {**DOWN, "states": {"facebook": State.DOWN, "telegram": State.SUSPECT}, "routes": (LONELY,)},
            Pace(),
            "facebook is down, so it waits",
            id="nobody who stands in can",
        ),
        pytest.param(
            {"states": {"facebook": State.SUSPECT}}, Pace(), "facebook is suspect, so it waits", id="in doubt"
        ),
        pytest.param(
            {},
            Pace(full_since=NOON - HOUR),
            "12 things were said there within 24 hours (limits.posts_per_day), so it waits",
            id="enough for a day",
        ),
    ],
)
def test_it_is_said_truly_what_will_happen(changes: dict[str, Any], pace: Pace, told: str) -> None:
    where = ground(**{"routes": (route(reach=1),), **changes})
    assert outlook(post(), {PAGE: pace}, where) == {PAGE: told}


def test_what_a_person_cancelled_is_not_begun_anew() -> None:
    where = ground(routes=(route(reach=1),), **DOWN)
    assert divert(post(cancelled_by="Ann"), rerouted(Phase.REFUSED), where) == []


# -- when one may leave ----------------------------------------------------------------------------------------

QUIET = {**VOICES, PAGE: replace(VOICES[PAGE], quiet=Hours(0, 1439))}


@pytest.mark.parametrize(
    ("changes", "pace", "why"),
    [
        pytest.param({}, Pace(), "", id="now"),
        pytest.param({"states": {"facebook": State.UNKNOWN}}, Pace(), "", id="nothing is known: it may try"),
        pytest.param({"states": {"facebook": State.SUSPECT}}, Pace(), "facebook is suspect", id="in doubt"),
        pytest.param({"states": {"facebook": State.DOWN}}, Pace(), "facebook is down", id="down"),
        pytest.param({"states": {"facebook": State.RECOVERING}}, Pace(), "facebook is recovering", id="recovering"),
        pytest.param({"voices": QUIET}, Pace(), "these are its quiet hours", id="quiet hours"),
        pytest.param({"voices": {}}, Pace(), "this channel is no longer configured", id="gone"),
        pytest.param({}, Pace(last_began=NOON - 1), "", id="on time: not spaced"),
        pytest.param({}, Pace(full_since=NOON - HOUR), "limits.posts_per_day", id="enough for a day"),
        pytest.param({}, Pace(full_since=NOON - 25 * HOUR), "", id="that was yesterday"),
    ],
)
def test_why_a_post_that_is_due_does_not_go_out(changes: dict[str, Any], pace: Pace, why: str) -> None:
    (row,) = deliveries(post(), NOON)
    told = why_not(row, pace, ground(**changes))
    assert why in told
    assert bool(why) is bool(told)


@pytest.mark.parametrize(
    ("since", "late", "goes"),
    [
        pytest.param(30, HOUR, False, id="the last one went out just now"),
        pytest.param(120, HOUR, True, id="the last one was long enough ago"),
        pytest.param(30, 60, True, id="not late"),
    ],
)
def test_what_is_late_is_spaced_out(since: float, late: float, goes: bool) -> None:
    """Whatever made it late: an outage, quiet hours, a pause, or that we were off."""
    (row,) = deliveries(post(created_at=NOON - late), NOON - late)
    where = ground(release_every=2 * MINUTE)
    assert waited(row, where) is (late > 120)
    assert (why_not(row, Pace(last_began=NOON - since), where) == "") is goes
