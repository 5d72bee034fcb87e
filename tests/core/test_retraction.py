"""Taking back what was said, statements of an incident and posts alike (rule S9), and what is answered then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover.courier import Outlet
from failover.delivery import Phase, Policy
from failover.desk import RequestError
from failover.model import Outcome, Receipt, Refusal, Refused, Statement, Unconfirmed
from failover.postoffice import Draft, Origin, PostOffice
from failover.posts import POST_ID
from failover.retraction import Retraction
from failover.schema import StoreError
from failover.store import Change
from tests.core.stories import GREEN, HOUR, META, MINUTE, RED, Killed, World, house

PAGE = "facebook-page"
AFTER_NOON = "2026-11-18T12:00:00"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(":memory:", house_=house(routes=(replace(META, reach=1),)))
    await made.start()
    yield made
    assert not made.journal.bugs


async def hand_in(world: World, *to: str, **words: Any) -> str:
    office = PostOffice(world.engine, Path("/nowhere"), "UTC")
    made, _told = await office.accept(Draft(text="Market day", to=to, **words), Origin(by="ann"), world.now)
    assert POST_ID.fullmatch(made.id)
    await world.deliver()
    return made.id


def taking_back(world: World) -> Retraction:
    outlets = {name: Outlet(name=name, channel=channel, policy=Policy()) for name, channel in world.channels.items()}
    return Retraction(world.engine, world.desk, outlets)


async def retract(world: World, what: str, because: str = "a mistake") -> list[str]:
    return (await taking_back(world).retract(what, because, "bob", world.now)).text.splitlines()


async def audited(world: World) -> list[tuple[str, dict[str, Any]]]:
    return [(one.event, json.loads(one.facts)) for one in await world.store.audit()]


def refusing(world: World, *channels: str, reason: str = "a mail cannot be taken back") -> None:
    async def never(_receipt: Receipt) -> Outcome:
        return Refused(reason=reason, refusal=Refusal.CONTENT)

    for name in channels:
        world.channels[name].retract = never  # type: ignore[method-assign]


# -- an incident -------------------------------------------------------------------------------------------------


async def test_a_channel_that_heard_two_statements_is_named_once(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook")
    assert await retract(world, "1") == [
        "telegram (holding, welcome back): taken back",
        "facebook-page (welcome back): taken back",
    ]
    assert await retract(world, "1") == ["Nothing of incident 1 is public."]


async def test_where_it_went_differently_each_statement_of_the_channel_is_named(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook")
    await world.put(await world.row("1H-telegram"), phase=Phase.HELD)
    assert await retract(world, "1") == [
        "telegram (holding): may be public (a person must look, and say so with `failover resolve`)",
        "telegram (welcome back): taken back",
        "facebook-page (welcome back): taken back",
    ]


# -- the correction ----------------------------------------------------------------------------------------------

CORRECTION, WELCOME = Statement.CORRECTION, Statement.WELCOME_BACK
BY_HAND = "delete it by hand: https://example.org/1"
NO_MAIL_BACK = f"email (holding): still public (a mail cannot be taken back); {BY_HAND}"
CORRECTED = f"{NO_MAIL_BACK}; a correction goes out there"


async def a_false_alarm(*channels: str, **changes: Any) -> World:
    """All three have heard it, and these cannot take it back."""
    story = World(":memory:", house_=house(**changes))
    await story.start()
    await story.fall("facebook")
    refusing(story, *channels)
    return story


async def test_where_a_false_alarm_cannot_be_taken_back_a_correction_is_said_once() -> None:
    story = await a_false_alarm("email")
    assert await retract(story, "1", "a false alarm") == [
        "telegram (holding): taken back",
        CORRECTED,
        "blog (holding): taken back",
    ]
    await story.live(5 * MINUTE, {"facebook": RED})
    assert story.posts(CORRECTION) == {"email": 1}
    [said] = story.walls["email"].said(CORRECTION)
    assert said.text.startswith("correction: facebook; ")
    assert said.reference.startswith("F1C-")
    assert await retract(story, "1") == [f"{NO_MAIL_BACK}; the correction has been said there"]
    await story.live(HOUR, {"facebook": RED})
    assert story.posts(CORRECTION) == {"email": 1}
    planned = [facts for event, facts in await audited(story) if event == "statement_planned"]
    assert [one["statement"] for one in planned] == ["1H", "1C"]


async def test_a_real_outage_soon_after_a_false_alarm_is_told() -> None:
    """It is no relapse of something that never was: an incident of its own, and the first of its day."""
    story = await a_false_alarm("email")
    await retract(story, "1")
    await story.rise("facebook")
    await story.live(20 * MINUTE, {"facebook": GREEN})
    await story.fall("facebook")
    await story.live(5 * MINUTE, {"facebook": RED})
    said = {name: [post.incident for post in wall.said(Statement.HOLDING)] for name, wall in story.walls.items()}
    assert {name: one[-1] for name, one in said.items() if one} == {"telegram": "2", "email": "2", "blog": "2"}
    assert [one.ordinal for one in story.engine.recent] == [1, 1]
    again = await story.store.incidents()
    assert [one.taken_back_at is not None for one in again] == [True, False]


@pytest.mark.parametrize("when", ["before the end", "after it"])
async def test_who_is_told_that_the_alarm_was_false_is_not_welcomed_back(when: str) -> None:
    story = await a_false_alarm("email")
    if when == "after it":
        await story.rise("facebook")
        refusing(story, "email")
        await retract(story, "1")
    else:
        await retract(story, "1")
        await story.rise("facebook")
    before = story.posts(WELCOME)
    await story.live(HOUR, {"facebook": GREEN})
    assert story.posts(CORRECTION) == {"email": 1}
    assert story.posts(WELCOME) == before
    assert when == "after it" or before == {}


async def test_a_correction_outlives_the_end_of_its_incident_and_a_crash() -> None:
    story = await a_false_alarm("email")
    await story.desk.pause("", "ann", story.now)
    await retract(story, "1")
    await story.rise("facebook")
    await story.restart()
    assert story.posts(CORRECTION) == {}
    await story.desk.resume("ann", story.now)
    await story.live(HOUR, {"facebook": GREEN})
    assert story.posts(CORRECTION) == {"email": 1}
    assert story.posts(WELCOME) == {}


async def test_a_correction_that_ends_in_doubt_is_looked_for_and_not_said_again() -> None:
    story = await a_false_alarm("email")
    story.answers["email"] += ["lost"]
    await retract(story, "1")
    await story.live(10 * MINUTE, {"facebook": RED})
    assert story.posts(CORRECTION) == {"email": 1}


async def test_an_old_false_alarm_is_corrected_too() -> None:
    story = await a_false_alarm("email")
    await story.rise("facebook")
    await story.live(MINUTE, {"facebook": GREEN})
    story.now += 5 * 24 * HOUR
    await story.restart()
    await story.live(MINUTE, {"facebook": GREEN})
    assert [one.id for one in story.engine.recent] == []
    refusing(story, "email")
    assert (await retract(story, "1"))[1].startswith("email (holding, welcome back): still public")
    await story.live(MINUTE, {"facebook": GREEN})
    assert story.posts(CORRECTION) == {"email": 1}


async def test_what_has_not_answered_is_asked_again_and_not_corrected() -> None:
    story = await a_false_alarm()

    async def lost(_receipt: Receipt) -> Outcome:
        return Unconfirmed(reason="no answer")

    channel = story.channels["blog"]
    real, channel.retract = channel.retract, lost  # type: ignore[method-assign]
    assert (await retract(story, "1"))[-1].startswith("blog (holding): still public (no answer); give the command")
    channel.retract = real  # type: ignore[method-assign]
    assert await retract(story, "1") == ["blog (holding): taken back"]
    await story.live(MINUTE, {"facebook": RED})
    assert story.posts(CORRECTION) == {}


async def test_what_turns_out_public_later_is_corrected_by_the_same_command() -> None:
    story = World(":memory:", house_=house())
    await story.start()
    story.answers["email"] += ["lost"]
    await story.fall("facebook")
    refusing(story, "email")
    assert "email (holding): may be public (it is being looked for" in (await retract(story, "1"))[1]
    await story.live(5 * MINUTE, {"facebook": RED})
    assert story.posts(CORRECTION) == {}
    assert await retract(story, "1") == [CORRECTED]
    await story.deliver()
    assert story.posts(CORRECTION) == {"email": 1}


async def test_a_correction_that_somebody_stopped_is_not_planned_again() -> None:
    story = await a_false_alarm("email")
    await retract(story, "1")
    await story.desk.veto("1C", "", "ann", story.now)
    assert (await retract(story, "1"))[0].endswith("; no correction goes out there, so put it right by hand")
    await story.live(MINUTE, {"facebook": RED})
    assert story.posts(CORRECTION) == {}


async def test_one_that_the_channel_refused_is_planned_again_by_the_same_command() -> None:
    story = await a_false_alarm("email")
    story.answers["email"] += ["refused"]
    await retract(story, "1")
    await story.deliver()
    assert await retract(story, "1") == [CORRECTED]
    await story.deliver()
    assert story.posts(CORRECTION) == {"email": 1}


async def test_while_paused_the_correction_waits_and_the_answer_says_so() -> None:
    story = await a_false_alarm("email")
    await story.desk.pause("", "ann", story.now)
    assert (await retract(story, "1"))[1] == f"{CORRECTED} as soon as somebody says `failover resume`"
    await story.deliver()
    assert story.posts(CORRECTION) == {}
    await story.desk.resume("ann", story.now)
    await story.deliver()
    assert story.posts(CORRECTION) == {"email": 1}


async def test_a_word_that_still_stands_is_named_with_what_ends_it(world: World) -> None:
    await world.desk.declare("facebook", "down", "", "ann", world.now)
    await world.deliver()
    standing = "ann has declared facebook down, and that still counts; `failover declare facebook auto` ends it."
    assert await retract(world, "1") == ["telegram (holding): taken back", standing]
    await world.desk.declare("facebook", "auto", "", "ann", world.now)
    assert await retract(world, "1") == ["Nothing of incident 1 is public."]


async def test_the_channels_on_which_it_stays_public_are_told_apart() -> None:
    story = await a_false_alarm("email")
    assert (await taking_back(story).retract("1", "", "bob", story.now)).public == ("email",)
    story = await a_false_alarm()
    assert (await taking_back(story).retract("1", "", "bob", story.now)).public == ()


@pytest.mark.parametrize("steps", range(0, 24, 2))
async def test_whenever_the_process_dies_a_false_alarm_is_corrected_once(steps: int) -> None:
    story = await a_false_alarm("email")
    story.burn(steps)
    try:
        await retract(story, "1")
        await story.deliver()
    except Killed:
        await story.restart()
    story.burn(None)
    refusing(story, "email")
    await retract(story, "1")
    await story.live(10 * MINUTE, {"facebook": RED})
    await retract(story, "1")
    await story.live(10 * MINUTE, {"facebook": RED})
    assert story.posts(CORRECTION) == {"email": 1}


# -- a post ------------------------------------------------------------------------------------------------------


async def test_a_post_is_taken_back_from_every_channel_and_both_trails_say_so(world: World) -> None:
    post = await hand_in(world, "telegram", "blog")
    assert await retract(world, post) == ["blog: taken back", "telegram: taken back"]

    rows = await world.store.deliveries_of(post)
    assert {row.channel: row.phase for row in rows} == {"telegram": Phase.RETRACTED, "blog": Phase.RETRACTED}
    assert [line["post"] for line in world.journal.said("retracted")] == ["P1", "P1"]
    found = await audited(world)
    assert ("retract_asked", {"post": "P1", "by": "bob", "because": "a mistake"}) in found
    assert [facts["delivery"] for event, facts in found if event == "delivery_retracted"] == [
        "P1-blog",
        "P1-telegram",
    ]
    kept = await world.store.posts.get(post)
    assert kept is not None
    assert kept.cancelled_by == "bob"
    assert await retract(world, post) == ["Nothing of P1 is public."]


async def test_the_wish_is_on_the_disk_before_any_channel_is_asked(world: World) -> None:
    """A process that dies over it leaves a trail; the same command is given again."""
    post = await hand_in(world, "telegram")
    seen: list[bool] = []

    async def asked(receipt: Receipt) -> Outcome:
        seen.append("retract_asked" in [event for event, _facts in await audited(world)])
        return await type(world.channels["telegram"]).retract(world.channels["telegram"], receipt)

    world.channels["telegram"].retract = asked  # type: ignore[method-assign]
    await retract(world, post)
    assert seen == [True]


async def test_a_wish_that_cannot_be_written_asks_nobody(world: World) -> None:
    post = await hand_in(world, "telegram")
    world.store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError):
        await retract(world, post)
    world.store._db.execute("PRAGMA query_only = OFF")
    assert (await world.row("P1-telegram")).phase is Phase.SENT
    assert not world.journal.said("retracted")


async def test_what_a_channel_cannot_take_back_stays_sent_and_says_where_it_is(world: World) -> None:
    """A mail has no place of its own; a page has, and a person finds it there."""
    post = await hand_in(world, "telegram", "blog")
    refusing(world, "blog", reason="the token may not delete")
    await world.put(await world.row("P1-telegram"), receipt=Receipt(remote_id="m"))
    refusing(world, "telegram")
    assert await retract(world, post) == [
        "blog: still public (the token may not delete); delete it by hand: https://example.org/1",
        "telegram: still public (a mail cannot be taken back)",
    ]
    assert (await world.row("P1-blog")).phase is Phase.SENT
    assert [line["post"] for line in world.journal.said("retract_failed")] == ["P1", "P1"]


async def test_what_of_a_post_has_not_gone_out_never_does(world: World) -> None:
    """Neither at its time, nor on another channel when its own platform goes down later."""
    post = await hand_in(world, PAGE, at=AFTER_NOON)
    assert await retract(world, post) == ["Nothing of P1 is public."]
    await world.fall("facebook")
    await world.live(2 * HOUR, {"facebook": RED})
    await world.rise("facebook")
    await world.live(HOUR, {"facebook": GREEN})
    assert (await world.row(f"P1-{PAGE}")).phase is Phase.CANCELLED
    assert all(not [one for one in wall.posts if one.incident == ""] for wall in world.walls.values())
    assert "delivery_cancelled" in [event for event, _facts in await audited(world)]


async def test_where_others_stood_in_it_is_taken_back_too(world: World) -> None:
    await world.fall("facebook")
    post = await hand_in(world, PAGE)
    await world.live(MINUTE, {"facebook": RED})
    assert await retract(world, post) == ["telegram: taken back"]
    await world.rise("facebook")
    await world.live(MINUTE, {"facebook": GREEN})
    rows = await world.store.deliveries_of(post)
    assert {row.channel: row.phase for row in rows} == {PAGE: Phase.CANCELLED, "telegram": Phase.RETRACTED}


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (Phase.SENDING, "give the command again"),
        (Phase.UNSURE, "give the command again when that is decided"),
        (Phase.HELD, "a person must look"),
        (Phase.LEFT, "take it back by hand"),
    ],
)
async def test_what_is_in_doubt_is_named_and_is_never_called_gone(world: World, phase: Phase, words: str) -> None:
    post = await hand_in(world, "telegram", at=AFTER_NOON)
    await world.put(await world.row("P1-telegram"), phase=phase)
    [told] = await retract(world, post)
    assert told.startswith("telegram: may be public (")
    assert words in told


async def test_what_is_found_public_after_all_is_taken_back_by_the_same_command(world: World) -> None:
    """It was in doubt at the first command: it is looked for, not sent again, and then it is taken back."""
    world.answers["telegram"] += ["lost"]
    post = await hand_in(world, "telegram")
    assert (await world.row("P1-telegram")).phase is Phase.UNSURE
    await retract(world, post)
    await world.live(5 * MINUTE)
    assert await retract(world, post) == ["telegram: taken back"]
    assert len(world.walls["telegram"].posts) == 1


async def test_a_channel_that_did_not_answer_may_be_asked_again(world: World) -> None:
    post = await hand_in(world, "blog")

    async def lost(_receipt: Receipt) -> Outcome:
        return Unconfirmed(reason="no answer")

    channel = world.channels["blog"]
    real, channel.retract = channel.retract, lost  # type: ignore[method-assign]
    again = "give the command again, or delete it by hand: https://example.org/1"
    assert await retract(world, post) == [f"blog: still public (no answer); {again}"]
    channel.retract = real  # type: ignore[method-assign]
    assert await retract(world, post) == ["blog: taken back"]


async def test_a_post_that_does_not_exist_cannot_be_taken_back(world: World) -> None:
    with pytest.raises(RequestError, match="there is no post P9; see `failover posts`"):
        await retract(world, "P9")
    assert await audited(world) == []


async def test_who_cancels_what_is_public_is_told_how_to_take_it_back(world: World) -> None:
    post = await hand_in(world, "telegram")
    office = PostOffice(world.engine, Path("/nowhere"), "UTC")
    with pytest.raises(RequestError, match="nothing of P1 is left to be published; `failover retract P1` takes back"):
        await office.cancel(post, "bob", world.now)


async def test_a_channel_is_asked_one_thing_at_a_time(world: World) -> None:
    """One account, one writer (rule D8)."""
    await world.fall("facebook")
    await world.rise("facebook")
    channel, speaking, most = world.channels["telegram"], 0, 0

    async def slow(receipt: Receipt) -> Outcome:
        nonlocal speaking, most
        speaking += 1
        most = max(most, speaking)
        await asyncio.sleep(0)
        speaking -= 1
        return await type(channel).retract(channel, receipt)

    channel.retract = slow  # type: ignore[method-assign]
    await retract(world, "1")
    assert most == 1


async def test_a_disk_that_fails_over_one_channel_is_told_and_the_others_go_on(world: World) -> None:
    post = await hand_in(world, "telegram", "blog")
    real = world.store.record

    async def failing(change: Change) -> None:
        if any(row.channel == "telegram" for row in change.deliveries):
            raise StoreError("the database cannot be written: full")
        await real(change)

    world.store.record = failing  # type: ignore[method-assign]
    assert await retract(world, post) == [
        "blog: taken back",
        "telegram: it is not known what became of it (the database cannot be written: full); give the command again",
    ]
    world.store.record = real  # type: ignore[method-assign]
    assert await retract(world, post) == ["telegram: taken back"]


@pytest.mark.parametrize("steps", range(9))
async def test_whenever_the_process_dies_the_same_command_ends_it_and_nothing_is_said_again(steps: int) -> None:
    world = World(":memory:", house_=house(routes=(replace(META, reach=1),)))
    await world.start()
    post = await hand_in(world, "telegram", "blog")
    world.burn(steps)
    try:
        await retract(world, post)
    except Killed:
        await world.restart()
    world.burn(None)
    await retract(world, post)
    await world.fall("facebook")
    await world.rise("facebook")
    rows = await world.store.deliveries_of(post)
    assert {row.phase for row in rows} == {Phase.RETRACTED}
    said = {name: [one for one in wall.posts if one.incident == ""] for name, wall in world.walls.items()}
    assert {name: len(posts) for name, posts in said.items() if posts} == {"telegram": 1, "blog": 1}
