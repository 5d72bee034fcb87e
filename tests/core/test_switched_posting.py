"""Ordinary posts with engine and courier: re-routed, held, released, too late; and deaths at every step."""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from failover.delivery import Phase, Policy
from failover.desk import RequestError
from failover.hours import Hours
from failover.model import Announcement, Measure, State, Statement
from failover.postoffice import Draft, Origin, PostOffice
from failover.posts import Gauge
from tests.core.stories import GREEN, HOUR, META, MINUTE, NOON, RED, VOICES, Killed, World, X, down, house
from tests.core.stories import HALF as SUSPICIOUS

PAGE = "facebook-page"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def world_of(path: Path | str = ":memory:", **changes: Any) -> World:
    """Facebook's route asks one backup."""
    values = {"routes": (replace(META, reach=1),), **changes}
    return World(path, house_=house(**values))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = world_of()
    await made.start()
    await made.look("facebook", GREEN)
    await made.engine.tick(made.now)
    yield made
    assert not made.journal.bugs
    made.store.close()


async def hand_in(
    world: World, text: str = "Market day", *to: str, folder: Path = Path("/nowhere"), **words: Any
) -> str:
    office = PostOffice(world.engine, folder, "UTC")
    draft = Draft(text=text, to=to or (PAGE,), **words)
    found, _told = await office.accept(draft, Origin(by="ann"), world.now)
    return found.id


def clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}"


def seen(world: World) -> dict[str, list[str]]:
    """channel -> the first words of the posts in public there, in their order."""
    walls = {name: wall.said(Statement.POST) for name, wall in world.walls.items()}
    return {name: [post.text.partition(" (")[0] for post in said] for name, said in walls.items() if said}


async def phases(world: World, post: str) -> dict[str, str]:
    return {row.channel: row.phase.value for row in await world.store.deliveries_of(post)}


# -- in ordinary times -----------------------------------------------------------------------------------------


async def test_a_post_goes_out_at_once_and_is_told(world: World) -> None:
    await hand_in(world)
    await world.deliver()

    assert seen(world) == {PAGE: ["Market day"]}
    (sent,) = world.journal.said("delivery_sent")
    assert (sent["post"], sent.get("statement"), sent.get("incident")) == ("P1", None, None)
    assert [entry.event for entry in await world.store.audit() if "P1" in entry.facts] == [
        "post_accepted", "delivery_attempted", "delivery_sent",
    ]  # fmt: skip


async def test_a_scheduled_post_goes_out_at_its_time(world: World) -> None:
    await hand_in(world, at=clock(NOON + HOUR))
    await world.live(50 * MINUTE, {"facebook": GREEN})
    assert seen(world) == {}
    await world.live(11 * MINUTE, {"facebook": GREEN})
    assert seen(world) == {PAGE: ["Market day"]}


async def test_posts_are_numbered_and_never_alike(world: World) -> None:
    assert [await hand_in(world, "The same"), await hand_in(world, "The same")] == ["P1", "P2"]
    await world.live(60, {"facebook": GREEN}, every=5)
    said = world.walls[PAGE].said(Statement.POST)
    assert len({post.reference for post in said}) == len({post.key for post in said}) == 2


async def test_while_somebody_has_paused_us_nothing_goes_out(world: World) -> None:
    await world.desk.pause("", "ann", world.now)
    await hand_in(world)
    await world.live(MINUTE, {"facebook": GREEN})
    assert seen(world) == {}
    await world.desk.resume("ann", world.now)
    await world.deliver()
    assert seen(world) == {PAGE: ["Market day"]}


async def test_the_limit_of_a_day_keeps_the_rest_waiting_and_statements_do_not_count_posts() -> None:
    world = world_of(posts_per_day=2)
    await world.start()
    for number in range(4):
        await hand_in(world, f"Post {number}", "blog")
    await world.live(10 * MINUTE)
    assert len(seen(world)["blog"]) == 2
    assert "limits.posts_per_day" in str(world.journal.said("post_held")[-1]["reason"])
    assert await world.store.said_since(0, world.now) == {}
    await world.live(25 * HOUR, every=600)
    assert len(seen(world)["blog"]) == 4


async def test_a_post_waits_for_the_end_of_quiet_hours() -> None:
    quiet = replace(VOICES["blog"], quiet=Hours(11 * 60, 12 * 60))
    world = world_of(voices={**VOICES, "blog": quiet})
    await world.start()
    await hand_in(world, "Market day", "blog")
    await world.live(50 * MINUTE)
    assert seen(world) == {}
    assert world.journal.said("post_held")[0]["reason"] == "these are its quiet hours"
    await world.live(10 * MINUTE)
    assert seen(world) == {"blog": ["Market day"]}


# -- an outage -------------------------------------------------------------------------------------------------


async def test_while_the_platform_is_down_a_post_goes_to_the_backup_and_not_to_the_page_later(world: World) -> None:
    await world.fall("facebook")
    await hand_in(world)
    await world.live(2 * MINUTE, {"facebook": RED})

    assert seen(world) == {"telegram": ["Market day"]}
    assert await phases(world, "P1") == {PAGE: "cancelled", "telegram": "sent"}
    (told,) = world.journal.said("post_rerouted")
    assert (told["post"], told["channel"], told["channels"]) == ("P1", PAGE, ["telegram"])
    await world.rise("facebook")
    await world.live(10 * MINUTE, {"facebook": GREEN})
    assert seen(world) == {"telegram": ["Market day"]}


async def test_what_is_scheduled_for_later_stays_where_it_was_meant_to_go(world: World) -> None:
    await hand_in(world, at=clock(NOON + 3 * HOUR))
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(3 * HOUR, {"facebook": GREEN})
    assert seen(world) == {PAGE: ["Market day"]}


async def test_a_backup_that_refuses_is_followed_by_the_next(world: World) -> None:
    await world.fall("facebook")
    world.answers["telegram"].append("refused")
    await hand_in(world)
    await world.live(2 * MINUTE, {"facebook": RED})
    assert await phases(world, "P1") == {PAGE: "cancelled", "telegram": "refused", "email": "sent"}


async def test_a_second_channel_that_goes_down_later_is_stood_in_for_too() -> None:
    """Though somebody stands in for the first one already."""
    world = world_of(routes=(replace(META, reach=1), replace(X, backups=("blog",))))
    await world.start()
    await world.fall("facebook")
    await world.live(MINUTE, {"facebook": RED, "x": RED})
    await hand_in(world, "Market day", PAGE, "x-account")
    await world.live(5 * MINUTE, {"facebook": RED, "x": RED})
    assert await phases(world, "P1") == {
        PAGE: "cancelled", "x-account": "cancelled", "telegram": "sent", "blog": "sent",
    }  # fmt: skip


async def test_both_says_it_on_the_backup_and_later_on_the_page() -> None:
    world = world_of(routes=(replace(META, reach=1, posts="both"),))
    await world.start()
    await world.fall("facebook")
    await hand_in(world)
    await world.live(5 * MINUTE, {"facebook": RED})
    assert seen(world) == {"telegram": ["Market day"]}
    await world.rise("facebook")
    await world.live(5 * MINUTE, {"facebook": GREEN})
    assert seen(world) == {"telegram": ["Market day"], PAGE: ["Market day"]}


async def test_drop_says_it_nowhere_and_tells() -> None:
    world = world_of(routes=(replace(META, posts="drop"),))
    await world.start()
    await world.fall("facebook")
    await hand_in(world)
    await world.live(5 * MINUTE, {"facebook": RED})
    await world.rise("facebook")
    assert seen(world) == {}
    assert [told["post"] for told in world.journal.said("post_dropped")] == ["P1"]


@pytest.fixture
async def holding() -> AsyncIterator[World]:
    """A world whose route holds posts."""
    made = world_of(routes=(replace(META, posts="hold"),))
    await made.start()
    yield made
    assert not made.journal.bugs
    made.store.close()


async def test_what_was_held_is_released_spaced_out_the_oldest_first(holding: World) -> None:
    await holding.fall("facebook")
    for number in range(3):
        await hand_in(holding, f"Post {number}")
        await holding.live(5 * MINUTE, {"facebook": RED})
    assert seen(holding) == {}
    assert [told["reason"] for told in holding.journal.said("post_held")] == ["facebook is down"]

    await holding.rise("facebook")
    await holding.live(10 * MINUTE, {"facebook": GREEN}, every=10)

    assert seen(holding) == {PAGE: ["Post 0", "Post 1", "Post 2"]}
    times = [post.at for post in holding.walls[PAGE].said(Statement.POST)]
    assert all(later - earlier >= 2 * MINUTE for earlier, later in itertools.pairwise(times)), times
    assert len(holding.journal.said("post_released")) == 3


async def test_what_was_handed_in_just_before_the_recovery_does_not_overtake_what_is_older(holding: World) -> None:
    await holding.fall("facebook")
    for number in range(3):
        await hand_in(holding, f"Old {number}")
    await holding.live(15 * MINUTE, {"facebook": GREEN})
    while holding.state() is not State.UP:
        await hand_in(holding, "Late")
        await holding.live(10, {"facebook": GREEN}, every=10)
    await holding.live(6 * MINUTE, {"facebook": GREEN}, every=10)
    assert seen(holding)[PAGE][:3] == ["Old 0", "Old 1", "Old 2"]


async def test_what_was_handed_in_in_a_pause_does_not_overtake_what_is_older(holding: World) -> None:
    await holding.desk.pause("", "ann", holding.now)
    for text in ("Old 0", "Old 1"):
        await hand_in(holding, text)
    await holding.live(10 * MINUTE, {"facebook": GREEN})
    await hand_in(holding, "Late")
    await holding.desk.resume("ann", holding.now)
    await holding.live(10 * MINUTE, {"facebook": GREEN}, every=10)
    assert seen(holding)[PAGE] == ["Old 0", "Old 1", "Late"]


async def test_a_fresh_post_does_not_queue_behind_what_is_released(holding: World) -> None:
    await holding.fall("facebook")
    for number in range(3):
        await hand_in(holding, f"Old {number}")
    await holding.live(5 * MINUTE, {"facebook": RED})
    await holding.rise("facebook")
    await holding.live(MINUTE, {"facebook": GREEN}, every=10)
    await hand_in(holding, "Fresh")
    await holding.live(20, {"facebook": GREEN}, every=10)
    assert seen(holding)[PAGE][-1] == "Fresh"


async def test_what_is_past_its_until_is_not_released(holding: World) -> None:
    await holding.fall("facebook")
    await hand_in(holding, "Tonight only", until=clock(holding.now + 10 * MINUTE))
    await hand_in(holding, "Always")
    await holding.live(11 * MINUTE, {"facebook": RED})
    await holding.rise("facebook")
    await holding.live(10 * MINUTE, {"facebook": GREEN})
    assert seen(holding) == {PAGE: ["Always"]}
    assert [told["post"] for told in holding.journal.said("post_expired")] == ["P1"]


async def test_what_was_lost_in_the_outage_is_told_when_it_is_over(holding: World) -> None:
    """The catch-up names what a person must see to: not what only waits."""
    await holding.fall("facebook")
    await hand_in(holding, "Tonight only", until=clock(holding.now + 10 * MINUTE))
    await hand_in(holding, "Always")
    await holding.live(11 * MINUTE, {"facebook": RED})
    await holding.rise("facebook")
    await holding.live(5 * MINUTE, {"facebook": GREEN})
    (told,) = holding.journal.said("catch_up")
    assert told["count"] == 1
    assert "post P1 for facebook-page was not published in time" in str(told["reason"])


async def test_in_doubt_it_waits(world: World) -> None:
    """One class alone is a suspicion: nothing is re-routed, nothing is tried."""
    await world.live(2 * MINUTE, {"facebook": SUSPICIOUS})
    assert world.state() is State.SUSPECT
    await hand_in(world)
    await world.live(5 * MINUTE, {"facebook": SUSPICIOUS})
    assert seen(world) == {}
    await world.live(20 * MINUTE, {"facebook": GREEN})
    assert seen(world) == {PAGE: ["Market day"]}


async def test_a_down_that_is_only_remembered_re_routes_nothing(world: World) -> None:
    """After a restart it must be borne out anew (R8)."""
    await world.fall("facebook")
    await world.restart()
    await hand_in(world)
    await world.live(2 * MINUTE)
    assert seen(world) == {}
    await world.live(4 * MINUTE, {"facebook": RED})
    assert seen(world) == {"telegram": ["Market day"]}


async def test_what_a_post_meets_is_evidence_about_the_platform(world: World) -> None:
    world.channels[PAGE].sighting = down()
    await hand_in(world)
    await world.deliver()
    assert world.engine.seen["facebook"][f"posts to {PAGE}"].votes_down


async def test_a_statement_does_not_wait_for_a_long_mailing_of_a_post() -> None:
    """The mailing is cut off, the statement goes out, then the mailing is looked for like anything in doubt."""
    long = Policy(deadline=600.0)
    world = World(":memory:", house_=house(routes=(replace(META, backups=("email",)),)), policies={"email": long})
    await world.start()
    await world.look("facebook", GREEN)
    world.answers["email"].append("hang")
    await hand_in(world, "A long letter", "email")
    await world.courier.deliver()
    await asyncio.sleep(0)
    await world.live(180, {"facebook": RED}, deliver=False)
    for _ in range(3):
        await world.courier.deliver()
        await asyncio.sleep(0.01)
    await world.live(3 * MINUTE, {"facebook": RED})
    assert [post.statement.value for post in world.walls["email"].posts] == ["post", "holding"]
    assert await phases(world, "P1") == {"email": "sent"}


# -- who stood in does not say it ------------------------------------------------------------------------------


@pytest.fixture
async def lonely() -> AsyncIterator[World]:
    """A world where only telegram stands in."""
    made = world_of(routes=(replace(META, reach=1, backups=("telegram",)),))
    await made.start()
    await made.look("facebook", GREEN)
    await made.engine.tick(made.now)
    yield made
    assert not made.journal.bugs
    made.store.close()


async def test_a_channel_that_stands_in_and_refuses_what_was_meant_for_it_too_is_followed_by_the_next(
    world: World,
) -> None:
    await world.fall("facebook")
    world.answers["telegram"].append("refused")
    await hand_in(world, "Market day", PAGE, "telegram")
    await world.live(5 * MINUTE, {"facebook": RED})
    assert await phases(world, "P1") == {PAGE: "cancelled", "telegram": "refused", "email": "sent"}


async def test_what_the_only_backup_refuses_is_said_on_the_page_later(lonely: World) -> None:
    """And nothing of it is left for a person."""
    await lonely.fall("facebook")
    await lonely.live(MINUTE, {"facebook": RED})
    lonely.answers["telegram"].append("refused")
    await hand_in(lonely)
    await lonely.live(MINUTE, {"facebook": RED})
    assert await phases(lonely, "P1") == {PAGE: "ready", "telegram": "refused"}
    assert lonely.journal.said("post_rerouted")[-1]["channels"] == [PAGE]
    await lonely.rise("facebook")
    await lonely.live(5 * MINUTE, {"facebook": GREEN})
    assert seen(lonely) == {PAGE: ["Market day"]}
    assert not lonely.journal.said("catch_up")


async def test_what_the_only_backup_refuses_after_the_recovery_is_said_on_the_page(lonely: World) -> None:
    await lonely.fall("facebook")
    lonely.answers["telegram"] += ["unreachable"] * 5 + ["refused"]
    await hand_in(lonely)
    await lonely.live(MINUTE, {"facebook": RED})
    await lonely.rise("facebook")
    await lonely.live(HOUR, {"facebook": GREEN})
    assert seen(lonely) == {PAGE: ["Market day"]}


async def test_the_page_says_it_when_the_backup_has_fallen_meanwhile(lonely: World) -> None:
    """Not three hours later, when it is stale."""
    await lonely.fall("facebook")
    lonely.answers["telegram"].append("wait:400")
    await hand_in(lonely, until=clock(lonely.now + 3 * HOUR))
    await lonely.live(MINUTE, {"facebook": RED})
    await lonely.live(30 * MINUTE, {"facebook": GREEN, "telegram": RED})
    assert seen(lonely) == {PAGE: ["Market day"]}
    await lonely.live(HOUR, {"facebook": GREEN, "telegram": GREEN})
    assert seen(lonely) == {PAGE: ["Market day"]}


@pytest.mark.parametrize("answer", ["lost", "silent"])
async def test_what_may_be_public_on_the_backup_is_never_said_on_the_page(lonely: World, answer: str) -> None:
    """The backup falls while it is in doubt, and the page is well: it is looked for, and said once."""
    await lonely.fall("facebook")
    lonely.answers["telegram"].append(answer)
    lonely.channels["telegram"].findings += ["cannot"] * 100
    await hand_in(lonely)
    await lonely.live(MINUTE, {"facebook": RED})
    await lonely.live(40 * MINUTE, {"facebook": GREEN, "telegram": RED})
    assert await phases(lonely, "P1") == {PAGE: "cancelled", "telegram": "held"}
    assert PAGE not in seen(lonely)
    await lonely.desk.resolve("P1-telegram", sent=answer == "lost", by="ann", now=lonely.now)
    await lonely.live(5 * MINUTE, {"facebook": GREEN, "telegram": RED})
    assert seen(lonely) == ({"telegram": ["Market day"]} if answer == "lost" else {PAGE: ["Market day"]})


async def test_after_a_relapse_who_was_relieved_of_it_is_asked_again(lonely: World) -> None:
    await lonely.desk.pause("", "ann", lonely.now)
    await lonely.fall("facebook")
    await hand_in(lonely)
    await lonely.live(MINUTE, {"facebook": RED})
    await lonely.live(20 * MINUTE, {"facebook": GREEN, "telegram": RED})
    assert await phases(lonely, "P1") == {PAGE: "ready", "telegram": "cancelled"}
    await lonely.live(30 * MINUTE, {"facebook": RED, "telegram": GREEN})
    await lonely.desk.resume("ann", lonely.now)
    await lonely.live(MINUTE, {"facebook": RED, "telegram": GREEN})
    assert seen(lonely) == {"telegram": ["Market day"]}


# -- channels that leave the configuration ---------------------------------------------------------------------

WITHOUT_TELEGRAM = {name: voice for name, voice in VOICES.items() if name != "telegram"}


async def test_when_the_channel_that_stands_in_leaves_the_configuration_the_next_has_it(world: World) -> None:
    await world.fall("facebook")
    world.answers["telegram"] += ["unreachable"] * 3
    await hand_in(world)
    await world.live(30, {"facebook": RED})
    assert await phases(world, "P1") == {PAGE: "cancelled", "telegram": "ready"}
    routes = (replace(META, reach=1, backups=("email", "blog")),)
    world.house = house(voices=WITHOUT_TELEGRAM, routes=routes)
    await world.restart()
    await world.live(10 * MINUTE, {"facebook": RED})
    assert await phases(world, "P1") == {PAGE: "cancelled", "telegram": "cancelled", "email": "sent"}
    assert not world.journal.said("person_needed")


async def test_a_post_for_a_channel_that_left_the_configuration_is_cancelled_and_a_person_is_told(
    world: World,
) -> None:
    """When it falls due: until then a mended configuration still says it."""
    await hand_in(world, "Now", "telegram", "blog", at=clock(NOON + HOUR))
    await hand_in(world, "Tomorrow", "telegram", at=clock(NOON + 24 * HOUR))
    world.house = house(voices=WITHOUT_TELEGRAM, routes=())
    await world.restart()
    await world.live(50 * MINUTE)
    assert not world.journal.said("person_needed")
    await world.live(20 * MINUTE)
    assert await phases(world, "P1") == {"telegram": "cancelled", "blog": "sent"}
    assert await phases(world, "P2") == {"telegram": "ready"}
    (told,) = world.journal.said("person_needed")
    assert told["channel"] == "telegram"
    assert "post P1 is not published on telegram, which is no longer configured" in str(told["reason"])


async def test_what_was_checked_before_a_reload_and_written_after_it_ends_the_same_way(world: World) -> None:
    """A picture is kept in a thread of its own; meanwhile the channel may leave the configuration."""
    office = PostOffice(world.engine, Path("/nowhere"), "UTC")
    world.house = house(voices=WITHOUT_TELEGRAM, routes=())
    await world.boot()
    await office.accept(Draft(text="Market day", to=("telegram",)), Origin(by="ann"), world.now)
    await world.live(MINUTE)
    assert await phases(world, "P1") == {"telegram": "cancelled"}
    assert len(world.journal.said("person_needed")) == 1


# -- people ----------------------------------------------------------------------------------------------------


async def test_a_cancelled_post_is_not_published(world: World) -> None:
    post = await hand_in(world, at=clock(NOON + HOUR))
    told = await PostOffice(world.engine, Path("/nowhere"), "UTC").cancel(post, "ben", world.now)
    await world.live(2 * HOUR, {"facebook": GREEN})
    assert (told, seen(world)) == ("P1 is cancelled.", {})


async def test_a_post_in_doubt_is_looked_for_and_never_repeated(world: World) -> None:
    world.answers[PAGE].append("lost")
    await hand_in(world)
    await world.live(2 * MINUTE, {"facebook": GREEN}, every=5)
    assert seen(world) == {PAGE: ["Market day"]}
    assert await phases(world, "P1") == {PAGE: "sent"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param({"text": "  "}, "the text is empty", id="no text"),
        pytest.param({"to": ("facebok-page",)}, "did you mean 'facebook-page'?", id="no such channel"),
        pytest.param({"to": ()}, "say on which channels", id="no channel"),
        pytest.param({"to": ("rehearsal",)}, "practice channel", id="a practice channel"),
        pytest.param({"at": "2020-01-01T09:00"}, "at: 2020-01-01T09:00 is past", id="past"),
        pytest.param({"at": "tomorrow"}, "at: expected a time such as", id="no time"),
        pytest.param({"at": "2026-12-02", "until": "2026-12-01T09:00"}, "`until` is not later", id="until before at"),
        pytest.param({"alt": "a dog"}, "without a picture", id="a description alone"),
        pytest.param({"picture": PNG}, "needs a description", id="a picture without a description"),
        pytest.param({"picture": b"GIF", "alt": "a dog"}, "this is no picture", id="no picture"),
        pytest.param({"picture": PNG + b"x" * 10_000_000, "alt": "a dog"}, "10,000,000 are the most", id="huge"),
    ],
)
async def test_what_cannot_be_published_is_refused_in_words(
    world: World, tmp_path: Path, words: dict[str, Any], reason: str
) -> None:
    draft = Draft(**{"text": "Market day", "to": (PAGE,), **words})
    with pytest.raises(RequestError) as refused:
        await PostOffice(world.engine, tmp_path, "UTC").accept(draft, Origin(by="ann"), world.now)
    assert reason in str(refused.value)
    assert (await world.store.posts.listing(0, 10))["posts"] == []


async def test_too_long_is_refused_with_its_count(world: World) -> None:
    def measure(announcement: Announcement) -> Measure:
        return Measure(len(announcement.text), 20, "characters")

    world.engine.posts._house = replace(world.house, gauges={PAGE: Gauge(measure=measure)})
    with pytest.raises(RequestError, match=r"facebook-page: too long \(22 of 20 characters\)"):
        await hand_in(world, "Market day")


async def test_a_picture_is_copied_and_goes_with_every_row(tmp_path: Path) -> None:
    """The original may vanish; a copy is named by its content."""
    gauge = Gauge(measure=lambda _one: Measure(1, 2, "x"), images=1)
    world = world_of(gauges={"blog": gauge})
    await world.start()
    asked = world.channels["blog"].asked
    await hand_in(world, "Look", "blog", folder=tmp_path / "kept", picture=PNG, alt="a dot")
    await world.deliver()
    (image,) = asked[0].images
    assert (image.path.read_bytes(), image.alt, image.media_type) == (PNG, "a dot", "image/png")
    assert await world.store.posts.pictures() == {image.path.name}


# -- the clock and forgetting ----------------------------------------------------------------------------------


async def test_a_clock_that_is_set_moves_what_is_due_now_and_not_what_is_scheduled(world: World) -> None:
    soon, later = await hand_in(world, "Now"), await hand_in(world, "At nine", at=clock(NOON + HOUR))
    await world.engine.step(-600, world.now - 600)
    rows = {post: (await world.store.deliveries_of(post))[0].due for post in (soon, later)}
    assert rows == {soon: NOON - 600, later: NOON + HOUR}


@pytest.mark.parametrize("first", [HOUR, -HOUR], ids=["ahead and back", "back and ahead"])
async def test_a_clock_that_is_set_twice_delays_nothing(world: World, first: float) -> None:
    """What goes out at once is no scheduled post because it was moved."""
    soon, later = await hand_in(world, "Now"), await hand_in(world, "At nine", at=clock(NOON + 9 * HOUR))
    await world.engine.step(first, world.now + first)
    await world.engine.step(-first, world.now)
    rows = {post: (await world.store.deliveries_of(post))[0].due for post in (soon, later)}
    assert rows == {soon: NOON, later: NOON + 9 * HOUR}


async def test_who_stands_in_after_the_clock_was_set_back_speaks_at_once(world: World) -> None:
    """The time of the handing in is one of the old clock."""
    await world.desk.pause("", "ann", world.now)
    post = await hand_in(world, "Now")
    await world.engine.step(-HOUR, world.now - HOUR)
    world.now -= HOUR
    await world.desk.resume("ann", world.now)
    await world.fall("facebook")
    await world.live(MINUTE, {"facebook": RED})
    rows = await world.store.deliveries_of(post)
    assert "Now" in [text for texts in seen(world).values() for text in texts], rows


@pytest.mark.parametrize("running", [True, False], ids=["while we ran", "while we were off"])
async def test_a_clock_that_was_a_year_ahead_keeps_no_post_waiting_once_it_is_set_right(
    world: World, running: bool
) -> None:
    year = 365 * 24 * HOUR
    world.now += year
    await hand_in(world, "While the clock was wrong", "blog")
    await world.deliver()
    world.now -= year
    if running:
        await world.engine.step(-year, world.now)
    else:
        await world.restart()
    await world.desk.pause("", "ann", world.now)
    await hand_in(world, "Held", "blog")
    await world.live(10 * MINUTE)
    await world.desk.resume("ann", world.now)
    await world.live(10 * MINUTE)
    assert "Held" in seen(world)["blog"]


async def test_what_was_said_under_a_wrong_clock_does_not_fill_the_day() -> None:
    world = world_of(posts_per_day=2)
    await world.start()
    world.now += 365 * 24 * HOUR
    for number in range(2):
        await hand_in(world, f"Post {number}", "blog")
        await world.deliver()
    await world.engine.step(-365 * 24 * HOUR, world.now - 365 * 24 * HOUR)
    world.now -= 365 * 24 * HOUR
    await hand_in(world, "Fresh", "blog")
    await world.deliver()
    assert "Fresh" in seen(world)["blog"]


async def test_what_is_over_is_forgotten_and_what_is_owed_is_kept(world: World) -> None:
    await hand_in(world, "Over")
    await world.deliver()
    await hand_in(world, "Later", at=clock(NOON + 90 * 24 * HOUR))
    await world.store.prune(NOON + 10)
    listed = (await world.store.posts.listing(0, 10))["posts"]
    assert [one["id"] for one in listed] == ["P2"]
    assert await world.store.deliveries_of("P1") == []


# -- deaths ----------------------------------------------------------------------------------------------------


async def day(world: World) -> None:
    """One post before an outage, one in it, one that is held, and the time after it."""
    await world.start()
    await world.look("facebook", GREEN)
    await hand_in_once(world, "Before", PAGE)
    await world.live(MINUTE, {"facebook": GREEN})
    await world.fall("facebook")
    await hand_in_once(world, "Within", PAGE, "press-desk")
    await world.live(3 * MINUTE, {"facebook": RED})
    await world.rise("facebook")
    await world.live(6 * MINUTE, {"facebook": GREEN})


async def hand_in_once(world: World, text: str, *to: str) -> None:
    """As the spool does: a claim is written together with the post."""
    if not await world.store.posts.was_claimed(text):
        office = PostOffice(world.engine, Path("/nowhere"), "UTC")
        await office.accept(Draft(text=text, to=to), Origin(by="spool", claim=text, file=text), world.now)


async def steps() -> int:
    world = world_of()
    await day(world)
    return world.fuse.burnt


async def test_a_death_at_any_step_loses_nothing_and_doubles_nothing() -> None:
    """The process dies after the n-th commit or call, for every n; then the day goes on, and all is said once.

    Each has a step before and one after it, and a death before one is a death after the one before: half of them do.
    """
    count = await steps()
    assert count > 30
    for step in range(1, count, 2):
        world = world_of()
        world.channels, world.store = {}, None  # type: ignore[assignment]
        try:
            world.fuse.steps = step
            await day(world)
        except Killed:
            pass
        world.burn(None)
        await finish(world)
        told = seen(world)
        assert told[PAGE] == ["Before"], (step, told)
        assert told.get("telegram", []) + told.get("email", []) == ["Within"], (step, told)
        assert told["press-desk"] == ["Within"], (step, told)


async def finish(world: World) -> None:
    """The same day again, by a new process, with what the old one left."""
    if world.store is None:  # type: ignore[comparison-overlap]
        await world.start()
    else:
        await world.boot()
    await world.live(5 * MINUTE, {"facebook": GREEN})
    await hand_in_once(world, "Before", PAGE)
    await world.live(5 * MINUTE, {"facebook": GREEN})
    if not await world.store.posts.was_claimed("Within"):
        await world.fall("facebook")
        await hand_in_once(world, "Within", PAGE, "press-desk")
    elif (await phases(world, "P2"))[PAGE] == Phase.READY.value:
        await world.fall("facebook")
    await world.live(5 * MINUTE, {"facebook": RED})
    await world.rise("facebook")
    await world.live(10 * MINUTE, {"facebook": GREEN})
