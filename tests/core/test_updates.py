"""Long outages: updates in between, further channels after a time, hours in which a channel is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from failover.delivery import Delivery, Phase, StatementRow
from failover.holding import call_backups
from failover.hours import Hours
from failover.incidents import Calm, Turn
from failover.model import State, Statement
from failover.plans import Known, Plan, Saying
from failover.routing import Voice, patience, promote, trouble_of
from failover.status import summary
from failover.turns import after_turn
from failover.updates import update, update_due
from failover.welcome import welcome_back
from failover.why import unspoken
from tests.core.stories import (
    GREEN,
    GROUPS,
    HOUR,
    META,
    MINUTE,
    NOON,
    RED,
    VOICES,
    World,
    delivery,
    house,
    incident,
    watches,
)

FACEBOOK = {"facebook": State.DOWN}
BOTH = {"facebook": State.DOWN, "instagram": State.DOWN}
OPEN = incident()
TALKATIVE = house(update_every=HOUR)
LATER = replace(META, backups=("telegram", "email", "blog"), after={"blog": HOUR})
SENT = {"phase": Phase.SENT, "ended_at": NOON}


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def heard(*channels: str, **changes: Any) -> list[Delivery]:
    return [delivery(channel=name, **{**SENT, **changes}) for name in channels]


def said(place: int, kind: Statement = Statement.HOLDING, at: float = NOON, **changes: Any) -> StatementRow:
    letter = {Statement.HOLDING: "H", Statement.UPDATE: "U", Statement.WELCOME_BACK: "W"}[kind]
    values: dict[str, Any] = {"created_at": at, "latest": at + HOUR, "place": place, "release_at": at, **changes}
    return StatementRow(**{"id": f"7{letter}", "incident": "7", "kind": kind, **values})


def planned(known: Known, now: float, states: dict[str, State] = FACEBOOK, **changes: Any) -> dict[str, str]:
    found = update(changes.pop("one", OPEN), known, states, house(update_every=HOUR), now, **changes)
    return {row.channel: row.statement_id for row in found.deliveries}


# -- quiet hours -----------------------------------------------------------------------------------------------


def test_in_its_quiet_hours_a_channel_is_passed_over_and_the_next_takes_its_place() -> None:
    midnight = at("2026-11-18T00:10")
    voices = VOICES | {"telegram": replace(VOICES["telegram"], quiet=Hours(22 * 60, 7 * 60))}
    night = house(voices=voices, routes=[replace(META, reach=1)])
    plan = after_turn(Turn.OPENED, incident(opened_at=midnight), Known(), FACEBOOK, night, midnight)
    rows = {row.channel: (row.phase, row.reason) for row in plan.deliveries}

    assert rows["telegram"] == (Phase.STANDBY, "these are its quiet hours")
    assert rows["email"][0] is Phase.READY
    assert trouble_of(voices["telegram"], {}, at("2026-11-18T07:00")) == ""


async def test_a_holding_statement_waits_for_the_end_of_the_quiet_hours() -> None:
    """An outage of the night that lasts into the day is told in the morning."""
    quiet = Hours(11 * 60, 15 * 60)
    voices = {name: replace(voice, quiet=quiet) for name, voice in VOICES.items()}
    world = World(":memory:", house_=house(voices=voices))
    await world.start()
    await world.fall("facebook")
    await world.live(3 * HOUR, {"facebook": RED}, every=120)
    assert world.posts() == {}
    await world.live(HOUR, {"facebook": RED}, every=120)
    assert world.posts() == {"telegram": 1, "email": 1, "blog": 1}


async def test_a_channel_in_whose_way_the_quiet_hours_come_is_replaced() -> None:
    """It failed once at five to twelve; at noon the next backup takes its place."""
    voices = VOICES | {"telegram": replace(VOICES["telegram"], quiet=Hours(11 * 60 + 11, 15 * 60))}
    world = World(":memory:", house_=house(voices=voices, routes=[replace(META, reach=1)]))
    world.answers["telegram"] += ["unreachable"] * 9
    await world.start()
    await world.fall("facebook")
    await world.live(10 * MINUTE, {"facebook": RED}, every=30)

    assert world.posts() == {"email": 1}


async def test_what_is_owed_in_quiet_hours_waits_until_they_are_over() -> None:
    """The welcome back too: nobody is woken to hear that all is well."""
    voices = VOICES | {"email": replace(VOICES["email"], quiet=Hours(13 * 60, 14 * 60))}
    world = World(":memory:", house_=house(voices=voices))
    await world.start()
    await world.fall("facebook")
    assert world.posts() == {"telegram": 1, "email": 1, "blog": 1}
    await world.live(100 * MINUTE, {"facebook": RED})
    await world.rise("facebook")  # at ten past one
    assert world.posts(Statement.WELCOME_BACK).keys() == {"telegram", "blog", "facebook-page"}
    await world.live(60 * MINUTE, {"facebook": GREEN})
    assert world.posts(Statement.WELCOME_BACK).keys() == {"telegram", "blog", "facebook-page", "email"}


# -- further channels after a time -------------------------------------------------------------------------------


def test_a_backup_with_a_time_is_asked_when_it_lasts_in_addition_to_reach() -> None:
    rows = [*heard("telegram", "email"), delivery(channel="blog", phase=Phase.STANDBY)]
    route = replace(LATER, reach=2)

    assert promote(OPEN, rows, [route], VOICES, {}, NOON + HOUR - 1) == []
    assert promote(OPEN, rows, [route], VOICES, {}, NOON + HOUR) == [(rows[2], "")]


def test_before_its_time_it_takes_nobodys_place() -> None:
    rows = [
        delivery(channel="telegram", phase=Phase.REFUSED),
        delivery(channel="email", phase=Phase.REFUSED),
        delivery(channel="blog", phase=Phase.STANDBY),
    ]

    assert promote(OPEN, rows, [LATER], VOICES, {}, NOON) == []


def test_it_may_be_said_as_long_after_its_time_as_the_others_after_the_opening() -> None:
    plan = after_turn(Turn.OPENED, OPEN, Known(), FACEBOOK, house(routes=[LATER]), NOON)
    latest = {row.channel: row.latest for row in plan.deliveries}

    assert latest == {"telegram": NOON + 30 * MINUTE, "email": NOON + 30 * MINUTE, "blog": NOON + 90 * MINUTE}
    assert patience("blog", OPEN, [LATER]) == HOUR
    assert patience("blog", OPEN, [LATER, META]) == 0.0


async def test_the_whole_of_it() -> None:
    world = World(":memory:", house_=house(routes=[LATER]))
    await world.start()
    await world.fall("facebook")
    await world.live(50 * MINUTE, {"facebook": RED})
    assert world.posts() == {"telegram": 1, "email": 1}
    await world.live(15 * MINUTE, {"facebook": RED})
    assert world.posts() == {"telegram": 1, "email": 1, "blog": 1}
    await world.rise("facebook")
    assert world.posts(Statement.WELCOME_BACK).keys() == {"telegram", "email", "blog", "facebook-page"}


# -- updates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "every", "due"),
    [
        (heard("telegram"), HOUR, True),
        (heard("telegram"), HOUR + 1, False),
        (heard("telegram"), 0.0, False),
        ([delivery(phase=Phase.REFUSED)], HOUR, False),
    ],
    ids=["an hour is over", "not yet", "never", "nobody has heard"],
)
def test_an_update_is_due_so_long_after_anything_was_said(rows: list[Delivery], every: float, due: bool) -> None:
    known = Known(statements=[said(0)], deliveries=rows)

    assert update_due(OPEN, known, house(update_every=every), NOON + HOUR) is due


def test_after_an_update_was_planned_the_next_waits_as_long() -> None:
    before = Known(statements=[said(0)], deliveries=heard("telegram"))
    known = update(OPEN, before, FACEBOOK, TALKATIVE, NOON + HOUR).on(before)

    assert not update_due(OPEN, known, TALKATIVE, NOON + 2 * HOUR - 1)
    assert update_due(OPEN, known, TALKATIVE, NOON + 2 * HOUR)


def test_those_who_heard_are_told_and_nobody_else() -> None:
    rows = [*heard("telegram", "email"), delivery(channel="blog", phase=Phase.REFUSED)]

    assert planned(Known(deliveries=rows), NOON + HOUR) == {"telegram": "7U", "email": "7U"}


def test_who_has_said_enough_today_or_is_in_trouble_is_left_out() -> None:
    known = Known(deliveries=heard("telegram", "email", "blog"))
    states = FACEBOOK | {"telegram": State.DOWN}

    assert planned(known, NOON + HOUR, states, capped=["blog"]) == {"email": "7U"}


def test_nothing_is_added_while_the_last_update_is_unsaid_or_nothing_is_down() -> None:
    known = Known(deliveries=heard("telegram"))
    waiting = update(OPEN, known, FACEBOOK, TALKATIVE, NOON + HOUR).on(known)

    assert planned(waiting, NOON + 3 * HOUR) == {}
    assert planned(known, NOON + HOUR, {"facebook": State.RECOVERING}) == {}
    assert planned(known, NOON + HOUR, one=incident(down=(), closed_at=NOON)) == {}


async def test_a_day_of_it_is_told_each_six_hours_and_its_end_once() -> None:
    world = World(":memory:", house_=house(update_every=6 * HOUR))
    await world.start()
    await world.fall("facebook")
    await world.live(25 * HOUR, {"facebook": RED}, every=240)
    updates = [post.reference.partition("-")[0] for post in world.walls["telegram"].said(Statement.UPDATE)]
    assert updates == ["F1U", "F1U2", "F1U3", "F1U4"]
    await world.rise("facebook")
    assert world.posts() == {"telegram": 1, "email": 1, "blog": 1}
    assert world.posts(Statement.WELCOME_BACK)["telegram"] == 1


async def test_no_more_than_so_much_a_day() -> None:
    """The holding statement is the first of the three."""
    world = World(":memory:", house_=house(update_every=HOUR, posts_per_day=3))
    await world.start()
    await world.fall("facebook")
    await world.live(20 * HOUR, {"facebook": RED}, every=240)

    assert world.posts(Statement.UPDATE) == {"telegram": 2, "email": 2, "blog": 2}


async def test_after_a_welcome_back_a_relapse_that_lasts_is_told_by_an_update_and_so_is_its_end() -> None:
    """Without updates it is told nowhere (rule R6): the status page would say "all clear" for hours."""
    calm = Calm(recover_for=300)
    world = World(":memory:", house_=house(update_every=HOUR, calm=calm), watches_=watches(recover_for=300))
    await world.start()
    await world.fall("facebook")
    await world.live(20 * MINUTE, {"facebook": GREEN})
    assert world.posts(Statement.WELCOME_BACK)["blog"] == 1
    await world.fall("facebook")
    await world.live(HOUR, {"facebook": RED}, every=30)
    assert [post.statement for post in world.walls["blog"].posts][-1] is Statement.UPDATE
    [one] = [one for one in world.engine.recent if one.is_open]
    assert not await world.engine.told_as_over(one)
    await world.live(20 * MINUTE, {"facebook": GREEN})
    said = [post.reference.partition("-")[0] for post in world.walls["blog"].posts]
    assert said == ["F1H", "F1W", "F1U", "F1W2"]


def test_where_it_is_asked_for_those_who_heard_are_told_that_a_part_is_back() -> None:
    both = incident(platforms=("facebook", "instagram"), down=("facebook",))
    rows = heard("telegram", platforms=("facebook", "instagram"))
    states = {"facebook": State.DOWN, "instagram": State.UP}
    quiet = after_turn(Turn.PARTLY_RECOVERED, both, Known(deliveries=rows), states, house(), NOON)
    partial = replace(META, partial=True)
    told = after_turn(Turn.PARTLY_RECOVERED, both, Known(deliveries=rows), states, house(routes=[partial]), NOON)

    assert quiet == Plan()
    [row] = told.deliveries
    assert (row.statement, row.platforms) == (Statement.UPDATE, ("facebook",))


def test_an_update_not_said_before_the_recovery_is_never_said() -> None:
    known = Known(deliveries=heard("telegram"))
    known = update(OPEN, known, FACEBOOK, TALKATIVE, NOON + HOUR).on(known)
    over = incident(down=(), closed_at=NOON + HOUR)
    plan = after_turn(Turn.CLOSED, over, known, {"facebook": State.UP}, TALKATIVE, NOON + HOUR)

    assert {row.id: row.phase for row in plan.deliveries if row.statement is Statement.UPDATE} == {
        "7U-telegram": Phase.CANCELLED
    }


def test_an_update_heard_before_the_welcome_back_asks_for_no_second_one() -> None:
    over = incident(down=(), closed_at=NOON + 2 * HOUR)
    rows = [
        *heard("telegram"),
        *heard("telegram", statement=Statement.UPDATE, statement_id="7U", created_at=NOON + HOUR),
        *heard("telegram", statement=Statement.WELCOME_BACK, statement_id="7W", created_at=NOON + 2 * HOUR),
        *heard("facebook-page", statement=Statement.WELCOME_BACK, statement_id="7W", created_at=NOON + 2 * HOUR),
    ]

    statements = [said(0), said(1, Statement.UPDATE), said(2, Statement.WELCOME_BACK)]

    assert welcome_back(over, Known(statements=statements, deliveries=rows), {}, house(), NOON + 2 * HOUR) == Plan()


def relapsed(*more: Delivery) -> dict[str, str]:
    """channel -> the words of an update, where telegram was welcomed back before the relapse and email was not."""
    rows = [
        *heard("telegram", "email"),
        *heard("telegram", statement=Statement.WELCOME_BACK, statement_id="7W"),
        *more,
    ]
    known = Known(statements=[said(0), said(1, Statement.WELCOME_BACK)], deliveries=rows)
    found = update(OPEN, known, FACEBOOK, house(update_every=HOUR), NOON + 2 * HOUR)
    return {row.channel: row.text.partition(":")[0] for row in found.deliveries if row.statement is Statement.UPDATE}


def test_who_was_welcomed_back_is_told_that_it_fails_again_and_not_that_it_still_does() -> None:
    """`Still not working (since 09:07)` an hour after `is working again` is a contradiction in public."""
    assert relapsed() == {"telegram": "again", "email": "update"}


def test_every_later_update_after_a_welcome_back_says_so_too() -> None:
    """There is no time since when it has failed all along."""
    assert relapsed(*heard("telegram", statement=Statement.UPDATE, statement_id="7U"))["telegram"] == "again"


def test_a_welcome_back_that_nobody_read_changes_no_words() -> None:
    unread = delivery(channel="email", statement=Statement.WELCOME_BACK, statement_id="7W", phase=Phase.CANCELLED)
    assert relapsed(unread)["email"] == "update"


async def test_a_clock_that_is_set_back_after_an_update_makes_no_second_welcome_back() -> None:
    """Found in a review: what was planned after what is no question for a clock."""
    world = World(":memory:", house_=house(update_every=HOUR))
    await world.start()
    await world.fall("facebook")
    await world.live(70 * MINUTE, {"facebook": RED}, every=60)
    assert world.posts(Statement.UPDATE)["telegram"] == 1
    world.now -= 3 * HOUR
    await world.engine.step(-3 * HOUR, world.now)
    await world.rise("facebook")
    await world.live(30 * MINUTE, {"facebook": GREEN})

    assert world.posts(Statement.WELCOME_BACK) == dict.fromkeys(("telegram", "email", "blog", "facebook-page"), 1)


def test_an_update_about_what_is_back_is_dropped_when_it_falls_again() -> None:
    """Found in a review: approved words said "Instagram is back"."""
    both = incident(platforms=("facebook", "instagram"), down=("facebook",))
    rows = heard("telegram", platforms=("facebook", "instagram"))
    partial = house(routes=[replace(META, partial=True)])
    states = {"facebook": State.DOWN, "instagram": State.UP}
    known = Known(statements=[said(0)], deliveries=rows)
    known = after_turn(Turn.PARTLY_RECOVERED, both, known, states, partial, NOON).on(known)
    again = replace(both, down=("facebook", "instagram"))
    plan = after_turn(Turn.JOINED, again, known, BOTH, partial, NOON + MINUTE)

    assert {row.id: row.phase for row in plan.deliveries}["7U-telegram"] is Phase.CANCELLED


def test_a_part_that_comes_and_goes_is_not_told_on_channels_that_have_said_enough() -> None:
    both = incident(platforms=("facebook", "instagram"), down=("facebook",))
    known = Known(statements=[said(0)], deliveries=heard("telegram", "email"))
    partial = house(routes=[replace(META, partial=True)])
    states = {"facebook": State.DOWN, "instagram": State.UP}
    plan = after_turn(Turn.PARTLY_RECOVERED, both, known, states, partial, NOON, capped=["email"])

    assert [row.channel for row in plan.deliveries] == ["telegram"]


async def test_an_update_passes_over_a_channel_whose_own_platform_is_ill() -> None:
    world = World(":memory:", house_=house(update_every=HOUR))
    await world.start()
    await world.fall("facebook")
    await world.live(55 * MINUTE, {"facebook": RED}, every=60)
    await world.live(15 * MINUTE, {"facebook": RED, "telegram": RED}, every=60)

    assert world.posts(Statement.UPDATE).keys() == {"email", "blog"}


def test_a_channel_of_no_platform_has_no_trouble() -> None:
    assert trouble_of(Voice(name="email"), FACEBOOK, NOON) == ""
    assert call_backups(incident(closed_at=NOON), Known(), {}, house(), NOON) == Plan()


# -- another platform joins -----------------------------------------------------------------------------------------

SAYING_PARTS = replace(META, partial=True)
ALL_THREE = {"telegram": 1, "email": 1, "blog": 1}
UPDATE = Statement.UPDATE


async def joined(**changes: Any) -> World:
    """Instagram has been announced everywhere; twenty minutes later Facebook fails as well."""
    world = World(":memory:", house_=house(**{"routes": [SAYING_PARTS], **changes}))
    await world.start()
    await world.fall("instagram")
    assert world.posts() == ALL_THREE
    await world.live(20 * MINUTE, {"instagram": RED})
    return world


async def fails_too(world: World) -> None:
    await world.live(5 * MINUTE, {"instagram": RED, "facebook": RED})


async def test_where_parts_are_told_who_heard_is_told_once_of_a_platform_that_joins() -> None:
    world = await joined()
    await fails_too(world)
    assert world.posts(UPDATE) == ALL_THREE
    assert "facebook, instagram" in world.walls["blog"].said(UPDATE)[0].text

    await world.live(HOUR, {"instagram": RED, "facebook": RED})
    await world.live(20 * MINUTE, {"instagram": RED, "facebook": GREEN})
    assert world.posts(UPDATE) == {"telegram": 2, "email": 2, "blog": 2}  # that it is back
    await world.live(20 * MINUTE, {"instagram": RED, "facebook": RED})
    assert world.posts(UPDATE) == {"telegram": 2, "email": 2, "blog": 2}, "each platform joins once in public"
    assert world.posts() == ALL_THREE


async def test_otherwise_nothing_is_said_of_it_and_the_status_says_so() -> None:
    world = await joined(routes=[META])
    await fails_too(world)
    assert world.posts(UPDATE) == {}
    expected = "incident 1: told on 3 of 3 channels, but facebook joined later; what was said names only instagram"
    assert expected in await summary(world.engine, world.now)
    [told] = await unspoken(world.engine, "facebook")
    assert told == "In incident 1 facebook joined later; what was said names only instagram."
    assert await unspoken(world.engine, "x") == ()


async def test_where_it_was_told_the_status_has_nothing_to_add() -> None:
    world = await joined()
    await fails_too(world)
    assert "joined later" not in await summary(world.engine, world.now)
    assert await unspoken(world.engine, "facebook") == ()


async def test_a_statement_that_was_on_its_way_when_the_platform_joined_is_followed_by_it() -> None:
    """Nobody could say at that moment whether Telegram had heard; once it is found, its readers are told the rest."""
    world = World(":memory:", house_=house(routes=[SAYING_PARTS]))
    await world.start()
    world.answers["telegram"].append("lost")
    world.channels["telegram"].findings += ["cannot"] * 8
    await world.fall("instagram")
    await world.live(4 * MINUTE, {"instagram": RED, "facebook": RED})
    assert world.posts(UPDATE) == {"email": 1, "blog": 1}
    await world.live(10 * MINUTE, {"instagram": RED, "facebook": RED})
    assert world.posts(UPDATE) == ALL_THREE


async def test_an_objection_to_such_an_update_is_for_good() -> None:
    world = await joined(sign_off={UPDATE: "required"})
    await fails_too(world)
    [made] = [row for row in await world.store.statements("1") if row.kind is UPDATE]
    await world.desk.veto(made.id, "", "ann", world.now)
    await world.live(HOUR, {"instagram": RED, "facebook": RED})
    assert [row.id for row in await world.store.statements("1") if row.kind is UPDATE] == [made.id]


async def test_nor_is_it_asked_about_again_when_nobody_answered_in_time() -> None:
    world = await joined(sign_off={UPDATE: "required"})
    await fails_too(world)
    await world.live(3 * HOUR, {"instagram": RED, "facebook": RED})
    assert len([row for row in await world.store.statements("1") if row.kind is UPDATE]) == 1


async def test_a_channel_that_has_said_enough_today_is_not_told_of_it() -> None:
    world = await joined(posts_per_day=1)
    await fails_too(world)
    assert world.posts(UPDATE) == {}


async def test_siblings_that_join_together_are_one_update() -> None:
    groups = {**GROUPS, "threads": "meta"}
    route = replace(SAYING_PARTS, platforms=("facebook", "instagram", "threads"))
    world = World(":memory:", house_=house(routes=[route], groups=groups), watches_=watches(groups))
    await world.start()
    await world.fall("instagram")
    await world.live(20 * MINUTE, {"instagram": RED})
    await world.live(20, {"threads": RED}, every=10)
    await world.live(5 * MINUTE, {"instagram": RED, "facebook": RED, "threads": RED}, every=10)
    assert world.posts(UPDATE) == ALL_THREE
    assert "facebook, instagram, threads" in world.walls["email"].said(UPDATE)[0].text


async def test_a_relapse_with_another_platform_is_told_and_one_with_the_same_is_not() -> None:
    for platform, told in (("facebook", ALL_THREE), ("instagram", {})):
        world = await joined()
        await world.rise("instagram")
        assert world.posts(Statement.WELCOME_BACK) == {**ALL_THREE, "instagram-page": 1}
        await world.live(15 * MINUTE, {platform: RED})
        assert world.posts(UPDATE) == told


def test_an_update_tells_a_channel_apart_what_is_new_to_it() -> None:
    asked: dict[str, tuple[str, ...]] = {}

    def note(statement: Statement, channel: str, saying: Saying) -> tuple[str, str]:
        asked[channel] = saying.also
        return "", statement.value

    rows = [
        *heard("telegram", platforms=("facebook",)),
        *heard("email", platforms=("facebook", "instagram")),
    ]
    both = incident(platforms=("facebook", "instagram"), down=("facebook", "instagram"))
    update(both, Known(statements=[said(0)], deliveries=rows), BOTH, house(word=note), NOON + HOUR)
    assert asked == {"telegram": ("instagram",), "email": ()}
