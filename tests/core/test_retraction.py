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
from failover.model import Outcome, Receipt, Refusal, Refused, Unconfirmed
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
    return (await taking_back(world).retract(what, because, "bob", world.now)).splitlines()


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
    assert await retract(world, "1") == ["telegram: taken back", "facebook-page: taken back"]
    assert await retract(world, "1") == ["Nothing of incident 1 is public."]


async def test_where_it_went_differently_each_statement_of_the_channel_is_named(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook")
    await world.put(await world.row("1H-telegram"), phase=Phase.HELD)
    assert await retract(world, "1") == [
        "telegram: 1H may be public (a person must look, and say so with `failover resolve`); 1W taken back",
        "facebook-page: taken back",
    ]


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
