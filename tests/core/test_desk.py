"""What people may do, who did it, and what they are told when it makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from failover.delivery import Phase, Policy
from failover.desk import RequestError, TooLateError
from failover.model import Announcement, Signal, State, Statement
from failover.schema import StoreError
from tests.core.stories import GREEN, HOUR, MINUTE, RED, SPOKEN, World, down, house, up

HOLDING, WELCOME = Statement.HOLDING, Statement.WELCOME_BACK
ONCE = {"telegram": 1, "email": 1, "blog": 1}


async def a_world(mode: str = "automatic", statement: Statement = HOLDING, **policies: Policy) -> World:
    story = World(":memory:", house_=house(sign_off={statement: mode}), policies=policies)
    await story.start()
    return story


@pytest.fixture
async def world() -> World:
    return await a_world()


async def audited(story: World, event: str) -> list[dict[str, Any]]:
    return [json.loads(entry.facts) for entry in await story.store.audit() if entry.event == event]


# -- declare ---------------------------------------------------------------------------------------------------


async def test_a_declaration_takes_effect_at_once_and_is_written_with_who_and_why(world: World) -> None:
    answer = await world.desk.declare("facebook", "down", "three phones agree", "ann", world.now)

    assert answer == "facebook is declared down; its state is now down."
    assert await audited(world, "operator_declared") == [
        {"platform": "facebook", "state": "down", "by": "ann", "because": "three phones agree"}
    ]
    await world.deliver()
    assert world.posts() == ONCE


async def test_who_declares_one_that_joins_hears_that_nothing_said_names_it(world: World) -> None:
    await world.desk.declare("instagram", "down", "", "ann", world.now)
    await world.live(2 * MINUTE)
    answer = await world.desk.declare("facebook", "down", "", "ann", world.now)

    later = "In incident 1 facebook joined later; what was said names only instagram."
    assert answer == f"facebook is declared down; its state is now down. {later}"


async def test_the_last_word_counts(world: World) -> None:
    await world.desk.declare("facebook", "down", "", "ann", world.now)
    await world.desk.declare("facebook", "up", "", "bob", world.now)

    assert world.state() is State.UP
    assert (world.engine.declared["facebook"].signal, world.engine.declared["facebook"].by) == (Signal.UP, "bob")


async def test_a_word_is_withdrawn(world: World) -> None:
    await world.desk.declare("facebook", "down", "", "ann", world.now)
    answer = await world.desk.declare("facebook", "auto", "", "bob", world.now)

    assert answer == "The sources alone decide about facebook again."
    assert await world.store.declarations() == []
    assert await audited(world, "declaration_ended") == [{"platform": "facebook", "reason": "withdrawn", "by": "bob"}]


@pytest.mark.parametrize(
    ("platform", "word", "reason"),
    [
        ("facebok", "down", "there is no platform 'facebok'; did you mean facebook?"),
        ("zzz", "down", "there is no platform 'zzz'; there are facebook, instagram, x, telegram"),
        ("facebook", "broken", "'broken' is not down, up or auto"),
        ("facebook", "auto", "nothing is declared about facebook"),
    ],
)
async def test_a_declaration_that_makes_no_sense_is_answered(
    world: World, platform: str, word: str, reason: str
) -> None:
    with pytest.raises(RequestError) as caught:
        await world.desk.declare(platform, word, "", "ann", world.now)
    assert str(caught.value) == reason
    assert await world.store.audit() == []


async def test_a_declaration_that_cannot_be_written_has_not_happened(world: World) -> None:
    world.store._db.execute("PRAGMA query_only = ON")

    with pytest.raises(StoreError):
        await world.desk.declare("facebook", "down", "", "ann", world.now)
    assert world.engine.declared == {}
    assert world.state() is State.UNKNOWN


# -- approve ---------------------------------------------------------------------------------------------------


async def test_what_needs_approval_waits_for_it_and_then_goes_out_as_it_was_approved() -> None:
    story = await a_world("required")
    await story.fall("facebook")
    await story.live(10 * MINUTE, {"facebook": RED})
    assert story.posts() == {}
    [asked] = story.journal.said("statement_waiting")
    assert (asked["statement_id"], asked["mode"]) == ("1H", "required")

    assert await story.desk.approve("1H", "ann", story.now) == "1H is approved and goes out now."
    await story.deliver()
    assert story.posts() == ONCE
    [fact] = await audited(story, "statement_approved")
    assert fact["by"] == "ann"
    assert fact["texts"]["blog"] == story.walls["blog"].posts[0].text


async def test_an_approval_outlasts_a_restart() -> None:
    story = await a_world("required")
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    await story.boot()
    await story.live(MINUTE, {"facebook": RED})

    assert story.posts() == ONCE


async def test_during_the_time_for_objections_an_approval_sends_at_once_and_silence_sends_in_the_end() -> None:
    for approve in (True, False):
        story = await a_world("veto")
        await story.fall("facebook")
        await story.live(4 * MINUTE, {"facebook": RED})
        assert story.posts() == {}
        if approve:
            await story.desk.approve("1H", "ann", story.now)
            await story.deliver()
        else:
            await story.live(MINUTE, {"facebook": RED})
        assert story.posts() == ONCE


async def test_a_channel_on_standby_is_approved_with_the_others() -> None:
    story = await a_world("required", telegram=Policy())
    await story.live(3 * MINUTE, {"facebook": RED, "telegram": {"api": down(SPOKEN)}})
    await story.desk.approve("1H", "ann", story.now)
    await story.live(MINUTE, {"facebook": RED, "telegram": {"api": down(SPOKEN)}})
    assert story.posts() == {"email": 1, "blog": 1}
    await story.live(MINUTE, {"facebook": RED, "telegram": {"api": up(SPOKEN)}})

    assert story.posts() == ONCE


@pytest.mark.parametrize("mode", ["automatic", "veto", "required"])
async def test_approving_what_makes_no_sense_is_answered(mode: str) -> None:
    story = await a_world(mode)
    await story.fall("facebook")
    reasons = {
        "automatic": "1H needs no approval",
        "veto": "ann has approved 1H already",
        "required": "ann has approved 1H already",
    }
    if mode != "automatic":
        await story.desk.approve("1H", "ann", story.now)

    for name, reason in (("1H", reasons[mode]), ("9W", "there is no statement 9W; see `failover status`")):
        with pytest.raises(RequestError) as caught:
            await story.desk.approve(name, "bob", story.now)
        assert str(caught.value) == reason


async def test_what_is_too_old_cannot_be_approved() -> None:
    story = await a_world("required")
    await story.fall("facebook")
    await story.live(31 * MINUTE, {"facebook": RED})

    with pytest.raises(RequestError, match="1H is too old to be said"):
        await story.desk.approve("1H", "ann", story.now)


async def test_approving_what_nobody_wants_any_more_is_not_answered_with_a_promise() -> None:
    story = await a_world("required")
    await story.fall("facebook")
    await story.rise("facebook")

    with pytest.raises(RequestError, match="nothing of 1H is left to be said"):
        await story.desk.approve("1H", "ann", story.now)


async def test_an_approved_statement_still_has_to_be_true() -> None:
    """The approval came a moment after the platform began to come back."""
    story = await a_world("required")
    await story.fall("facebook")
    await story.look("facebook", GREEN)
    await story.desk.approve("1H", "ann", story.now)
    await story.rise("facebook")

    assert story.posts() == story.posts(WELCOME) == {}


# -- veto ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["automatic", "veto", "required"])
async def test_an_objection_stops_what_is_unsaid_for_good(mode: str) -> None:
    story = await a_world(mode)
    await story.fall("facebook", deliver=False)
    answer = await story.desk.veto("1H", "we know better", "ann", story.now)

    assert answer == "1H is stopped."
    assert await audited(story, "statement_vetoed") == [{"statement": "1H", "by": "ann", "because": "we know better"}]
    await story.live(HOUR, {"facebook": RED, "instagram": RED})
    await story.boot()
    await story.live(HOUR, {"facebook": RED, "instagram": RED})
    await story.rise("facebook", "instagram")
    await story.fall("facebook")
    assert story.posts() == story.posts(WELCOME) == {}
    rows = await story.store.deliveries("1")
    assert {(row.phase, row.reason) for row in rows} == {(Phase.CANCELLED, "ann objected: we know better")}


async def test_an_objection_after_an_approval_is_heard() -> None:
    story = await a_world("required")
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    await story.desk.veto("1H", "", "bob", story.now)
    await story.deliver()

    assert story.posts() == {}


async def test_an_objection_that_comes_too_late_says_where_it_is_public(world: World) -> None:
    world.answers["email"] += ["unreachable"]
    world.answers["blog"] += ["silent"]
    await world.fall("facebook")

    answer = await world.desk.veto("1H", "", "ann", world.now)

    assert answer.startswith("1H is stopped.")
    assert "blog" in answer
    assert "telegram" in answer
    assert "email" not in answer
    await world.live(10 * MINUTE, {"facebook": RED})
    assert world.posts() == {"telegram": 1}


async def test_an_objection_to_what_is_wholly_public_says_what_takes_it_back_and_stops_what_would_follow(
    world: World,
) -> None:
    await world.fall("facebook")
    with pytest.raises(TooLateError) as caught:
        await world.desk.veto("1H", "", "ann", world.now)
    assert str(caught.value) == (
        "there was nothing left to stop: 1H is public already on telegram, email, blog; "
        "`failover retract 1` takes it back"
    )
    assert await audited(world, "approval_refused") == []
    late = "when nothing of it was left to stop"
    assert await audited(world, "statement_vetoed") == [{"statement": "1H", "by": "ann", "because": "", "late": late}]
    assert [one["late"] for one in world.journal.said("statement_vetoed")] == [late]
    await world.fall("instagram")
    assert world.posts() == ONCE


async def test_an_objection_to_what_has_expired_is_told_that_nobody_heard_it() -> None:
    story = await a_world("required")
    await story.fall("facebook")
    await story.live(2 * HOUR, {"facebook": RED})
    with pytest.raises(TooLateError, match="there was nothing left to stop: 1H has ended, and nobody has heard it"):
        await story.desk.veto("1H", "", "ann", story.now)


async def test_what_is_refused_at_the_command_line_is_in_the_trail() -> None:
    story = await a_world("required")
    await story.fall("facebook")
    by = "bob (command line, pts/1)"
    for act in (
        lambda: story.desk.approve("9H" * 999, by, story.now),
        lambda: story.desk.approve("1H", by, story.now, "00000000"),
        lambda: story.desk.veto("9H", "", by, story.now),
    ):
        with pytest.raises(RequestError):
            await act()
    found = await audited(story, "approval_refused")
    assert [(one["statement"], one["what"], one["by"]) for one in found] == [
        (("9H" * 20), "approval", by),
        ("1H", "approval", by),
        ("9H", "objection", by),
    ]
    assert all(len(one["reason"]) <= 400 for one in found)
    assert [line["reason"] for line in story.journal.said("approval_refused")] == [one["reason"] for one in found]


async def test_after_an_objection_who_has_heard_is_still_welcomed_back(world: World) -> None:
    world.answers["email"] += ["unreachable"] * 9
    await world.fall("facebook")
    await world.desk.veto("1H", "", "ann", world.now)
    await world.rise("facebook")

    assert world.posts(WELCOME) == {"telegram": 1, "blog": 1, "facebook-page": 1}


async def test_an_objection_to_the_welcome_back_stops_it_for_good() -> None:
    story = await a_world("veto", WELCOME)
    await story.fall("facebook")
    await story.rise("facebook")
    assert story.posts(WELCOME) == {}
    await story.desk.veto("1W", "", "ann", story.now)
    await story.live(13 * HOUR, {"facebook": GREEN})

    assert story.posts() == ONCE
    assert story.posts(WELCOME) == {}


async def test_objecting_to_what_makes_no_sense_is_answered(world: World) -> None:
    await world.fall("facebook", deliver=False)
    await world.desk.veto("1H", "", "ann", world.now)

    for name, reason in (
        ("1H", "ann has objected to 1H already"),
        ("9H", "there is no statement 9H; see `failover status`"),
    ):
        with pytest.raises(RequestError) as caught:
            await world.desk.veto(name, "", "bob", world.now)
        assert str(caught.value) == reason


# -- resolve ---------------------------------------------------------------------------------------------------


async def held(answer: str = "lost") -> World:
    story = await a_world(telegram=Policy(reads_back=False))
    story.answers["telegram"] += [answer]
    await story.fall("facebook")
    await story.live(MINUTE, {"facebook": RED})
    assert (await story.row("1H-telegram")).phase is Phase.HELD
    return story


async def test_a_person_saw_it_and_it_is_never_sent_again() -> None:
    story = await held()
    answer = await story.desk.resolve("1H-telegram", sent=True, by="ann", now=story.now)
    await story.live(MINUTE, {"facebook": RED})

    assert answer == "1H-telegram is public: ann saw it."
    assert await audited(story, "delivery_resolved") == [{"delivery": "1H-telegram", "by": "ann", "answer": "public"}]
    assert story.posts() == ONCE


async def test_a_person_saw_that_it_is_not_there_and_it_is_sent() -> None:
    story = await held("silent")
    await story.desk.resolve("1H-telegram", sent=False, by="ann", now=story.now)
    await story.deliver()

    assert story.posts() == ONCE


async def test_what_a_person_found_after_the_end_is_welcomed_back_then() -> None:
    story = await held()
    await story.rise("facebook")
    assert story.posts(WELCOME) == {"email": 1, "blog": 1, "facebook-page": 1}
    await story.desk.resolve("1H-telegram", sent=True, by="ann", now=story.now)
    await story.live(MINUTE, {"facebook": GREEN})

    assert story.posts(WELCOME) == {**ONCE, "facebook-page": 1}


async def test_what_a_person_did_not_find_after_the_end_is_not_said_any_more() -> None:
    story = await held("silent")
    await story.rise("facebook")
    answer = await story.desk.resolve("1H-telegram", sent=False, by="ann", now=story.now)
    await story.live(MINUTE, {"facebook": GREEN})

    assert answer.endswith("it is no longer wanted.")
    assert "telegram" not in story.posts()
    assert "telegram" not in story.posts(WELCOME)


async def test_in_doubt_at_the_end_and_not_there_after_a_relapse_it_is_said_then() -> None:
    story = await held("silent")
    await story.rise("facebook")
    await story.fall("facebook")
    await story.desk.resolve("1H-telegram", sent=False, by="ann", now=story.now)
    await story.live(MINUTE, {"facebook": RED})

    assert story.posts() == ONCE


async def test_resolving_what_makes_no_sense_is_answered(world: World) -> None:
    await world.fall("facebook")

    with pytest.raises(RequestError, match="there is no delivery 9H-x; see `failover status`"):
        await world.desk.resolve("9H-x", sent=True, by="ann", now=world.now)
    with pytest.raises(RequestError, match="1H-blog does not wait for a person: it is sent"):
        await world.desk.resolve("1H-blog", sent=True, by="ann", now=world.now)


# -- pause -----------------------------------------------------------------------------------------------------


async def test_while_paused_nothing_is_said_and_everything_is_watched_also_after_a_restart(world: World) -> None:
    await world.desk.pause("a funeral", "ann", world.now)
    await world.fall("facebook")
    await world.boot()
    await world.live(MINUTE, {"facebook": RED})
    assert world.state() is State.DOWN
    assert world.posts() == {}

    assert await world.desk.resume("bob", world.now) == "The daemon speaks again."
    await world.deliver()
    assert world.posts() == ONCE
    assert await audited(world, "paused") == [{"by": "ann", "because": "a funeral"}]
    assert await audited(world, "resumed") == [{"by": "bob"}]


async def test_what_has_become_stale_during_a_pause_is_not_said_after_it(world: World) -> None:
    await world.desk.pause("", "ann", world.now)
    await world.fall("facebook")
    await world.live(40 * MINUTE, {"facebook": RED})
    await world.desk.resume("ann", world.now)
    await world.live(MINUTE, {"facebook": RED})

    assert world.posts() == {}


async def test_pausing_twice_and_resuming_what_runs_is_answered(world: World) -> None:
    with pytest.raises(RequestError, match="it is not paused"):
        await world.desk.resume("ann", world.now)
    await world.desk.pause("", "ann", world.now)
    with pytest.raises(RequestError, match="ann has paused it already"):
        await world.desk.pause("", "bob", world.now)


@pytest.mark.parametrize("act", ["pause", "veto", "approve", "resolve"])
async def test_an_act_that_cannot_be_written_has_not_happened(act: str) -> None:
    story = await a_world("required", telegram=Policy(reads_back=False))
    await story.fall("facebook")
    await story.put(await story.row("1H-telegram"), phase=Phase.HELD)
    story.store._db.execute("PRAGMA query_only = ON")
    acts = {
        "pause": lambda: story.desk.pause("", "ann", story.now),
        "veto": lambda: story.desk.veto("1H", "", "ann", story.now),
        "approve": lambda: story.desk.approve("1H", "ann", story.now),
        "resolve": lambda: story.desk.resolve("1H-telegram", sent=True, by="ann", now=story.now),
    }

    with pytest.raises(StoreError):
        await acts[act]()
    assert story.engine.paused_by == ""
    [row] = await story.store.statements("1")
    assert row.decision == ""
    assert (await story.row("1H-telegram")).phase is Phase.HELD
    assert not {"paused", "statement_vetoed", "statement_approved", "delivery_resolved"} & set(story.journal.names)


async def test_a_veto_during_the_very_call_of_the_channel_names_it(world: World) -> None:
    await world.fall("facebook", deliver=False)
    answers: list[str] = []

    async def object_now(_announcement: Announcement, _notebook: Any) -> None:
        answers.append(await world.desk.veto("1H", "", "ann", world.now))

    world.channels["telegram"].before_send = object_now
    await world.deliver()

    assert "telegram" in answers[0]
