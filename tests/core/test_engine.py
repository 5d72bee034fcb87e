"""Stories on the engine: look, judge, decide, store; and what the courier then says in public."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from failover.audit import broken
from failover.delivery import Phase
from failover.engine import REMEMBERED
from failover.model import Sighting, Signal, State, Statement
from failover.routing import Route
from failover.standing import Declaration
from failover.watches import Watch
from tests.core.stories import (
    CROWD,
    GREEN,
    GREY,
    HALF,
    HERE,
    HOUR,
    META,
    MINUTE,
    OFFICIAL,
    RED,
    SPOKEN,
    VOICES,
    World,
    X,
    account,
    degraded,
    down,
    house,
    network,
    unknown,
    up,
    watches,
)

HOLDING, WELCOME, AGAIN = Statement.HOLDING, Statement.WELCOME_BACK, Statement.AGAIN
ONCE = {"telegram": 1, "email": 1, "blog": 1}


@pytest.fixture
async def world() -> World:
    story = World(":memory:")
    await story.start()
    return story


async def a_world(**changes: object) -> World:
    story = World(":memory:", house_=house(**changes))
    await story.start()
    return story


# -- the whole story -------------------------------------------------------------------------------------------


async def test_an_outage_is_told_once_on_every_backup_and_its_end_once_to_those_and_on_the_primary(
    world: World,
) -> None:
    await world.live(5 * MINUTE, {"facebook": GREEN})
    await world.fall("facebook")

    assert world.state() is State.DOWN
    assert world.posts() == ONCE
    assert world.posts(WELCOME) == {}

    await world.live(HOUR, {"facebook": RED})
    await world.rise("facebook")
    await world.live(HOUR, {"facebook": GREEN})

    assert world.state() is State.UP
    assert world.posts() == ONCE
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}
    assert broken(await world.store.audit()) == ""
    assert world.journal.bugs == []


async def test_the_journal_tells_the_story_in_order(world: World) -> None:
    await world.live(MINUTE, {"facebook": GREEN})
    await world.fall("facebook")
    await world.rise("facebook")

    told = [name for name in world.journal.names if not name.startswith("delivery")]
    assert told == [
        "platform_up",
        "platform_suspect",
        "platform_down",
        "incident_opened",
        "statement_planned",
        "platform_recovering",
        "platform_up",
        "incident_closed",
        "statement_planned",
    ]


async def test_a_turn_wakes_the_courier_at_once(world: World) -> None:
    await world.fall("facebook", deliver=False)

    assert world.woken == 2  # suspect, down


async def test_a_transition_is_kept_with_the_evidence_behind_it(world: World) -> None:
    await world.fall("facebook")

    *_, last = await world.store.past.transitions("facebook")
    assert last.now is State.DOWN
    assert {one.sighting.evidence for one in last.evidence} == {SPOKEN, CROWD}


async def test_half_a_character_in_an_answer_stops_no_announcement(world: World) -> None:
    broken_off = {"api": down(SPOKEN, "HTTP 503 \ud83d"), "crowd": down(CROWD, "many reports")}
    await world.live(3 * MINUTE, {"facebook": broken_off})

    assert world.posts() == ONCE


async def test_only_news_is_written_as_an_observation(world: World) -> None:
    await world.live(10 * MINUTE, {"facebook": GREEN})
    rows = world.store._db.execute("SELECT count(*) AS looks FROM observation").fetchone()

    assert rows["looks"] == 2


# -- the first look, restarts ----------------------------------------------------------------------------------


async def test_nothing_is_decided_on_the_first_look_after_a_start(world: World) -> None:
    await world.look("facebook", RED, good_for=9e9)
    await world.live(HOUR)

    assert world.state() is State.SUSPECT
    assert world.posts() == {}


async def test_a_down_known_before_a_restart_is_still_known_after_it(world: World) -> None:
    await world.fall("facebook")
    await world.boot()

    assert world.state() is State.DOWN
    await world.live(MINUTE, {"facebook": RED})
    assert world.posts() == ONCE
    assert [name for name in world.journal.names if name.startswith("incident")] == []


async def test_the_end_of_an_outage_that_outlived_a_restart_is_told(world: World) -> None:
    """The reference of this trade loses the "resolved" after a restart ten times out of ten."""
    await world.fall("facebook")
    await world.boot()
    await world.rise("facebook")

    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}


async def test_what_recovered_while_nobody_watched_is_not_announced_as_down(world: World) -> None:
    """A holding statement that was planned, not said, and has become untrue while the daemon was off."""
    await world.fall("facebook", deliver=False)
    await world.boot()
    world.now += 10 * MINUTE

    await world.deliver()
    assert world.posts() == {}
    await world.live(30 * MINUTE, {"facebook": GREEN})
    assert world.posts() == world.posts(WELCOME) == {}
    assert world.state() is State.UP


async def test_what_is_still_down_after_a_restart_is_announced_once_fresh_evidence_says_so(world: World) -> None:
    await world.fall("facebook", deliver=False)
    await world.boot()

    await world.live(15, {"facebook": RED}, every=15)
    assert world.posts() == {}, "the first look"
    await world.live(15, {"facebook": RED}, every=15)
    assert world.posts() == ONCE


async def test_a_single_class_after_a_restart_does_not_announce_an_old_down(world: World) -> None:
    await world.fall("facebook", deliver=False)
    await world.boot()

    await world.live(10 * MINUTE, {"facebook": HALF})
    assert world.posts() == {}


async def test_a_welcome_back_that_has_become_untrue_while_nobody_watched_is_not_said(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook", deliver=False)
    await world.boot()
    world.now += 10 * MINUTE

    await world.deliver()
    assert world.posts(WELCOME) == {}, "nobody has looked yet"
    await world.live(10 * MINUTE, {"facebook": RED})
    assert world.posts(WELCOME) == {}
    await world.rise("facebook")
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}


async def test_a_welcome_back_planned_before_a_restart_is_said_after_it(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook", deliver=False)
    await world.boot()

    await world.live(MINUTE, {"facebook": GREEN})
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}


async def test_a_restart_does_not_release_recovery_from_a_voter_that_fell_silent(world: World) -> None:
    """Its last vote was long before; how long it has been silent is counted from the start."""
    await world.fall("facebook")
    await world.live(2 * HOUR, {"facebook": RED})
    await world.boot()

    await world.live(20 * MINUTE, {"facebook": {"api": up(SPOKEN), "crowd": unknown(CROWD)}})
    assert world.state() is State.DOWN
    await world.live(30 * MINUTE, {"facebook": {"api": up(SPOKEN), "crowd": unknown(CROWD)}})
    assert world.state() is State.UP


async def test_what_was_in_flight_when_the_process_died_is_looked_for_and_told(world: World) -> None:
    await world.fall("facebook", deliver=False)
    row = await world.row("1H-telegram")
    await world.put(row, phase=Phase.SENDING, attempts=1, began=world.now)
    await world.boot()

    assert (await world.row("1H-telegram")).phase is Phase.UNSURE
    [told] = world.journal.said("delivery_unsure")
    assert told["delivery"] == "1H-telegram"


async def test_a_reload_keeps_what_was_seen_and_how_long_it_has_lasted(world: World) -> None:
    await world.live(90, {"facebook": RED})
    before = world.engine
    await world.boot()
    world.engine.inherit(before, {"facebook": frozenset({"api", "crowd"})})

    await world.live(90, {"facebook": RED})
    assert world.posts() == ONCE


async def test_a_reload_forgets_probes_that_are_gone(world: World) -> None:
    await world.live(90, {"facebook": RED})
    before = world.engine
    await world.boot()
    world.engine.inherit(before, {"facebook": frozenset({"api"})})

    await world.live(10 * MINUTE, {"facebook": {"api": down(SPOKEN)}})
    assert world.state() is State.SUSPECT


# -- our own line ----------------------------------------------------------------------------------------------

FROM_HERE = {"web": down(HERE, "connection reset"), "crowd": down(CROWD, "many reports")}


async def test_an_outage_seen_from_here_and_by_the_crowd_is_down_though_each_look_waits_for_the_anchors(
    world: World,
) -> None:
    for _ in range(16):
        await world.live(15, {"facebook": FROM_HERE}, every=15)
        assert world.engine.line_in_doubt()
        await world.engine.anchors(up(HERE), world.now)
        assert not world.engine.line_in_doubt()

    assert world.state() is State.DOWN
    assert world.journal.names.count("platform_suspect") == 1
    await world.deliver()
    assert world.posts() == ONCE


async def test_our_own_link_dead_for_ten_minutes_is_no_outage(world: World) -> None:
    await world.live(5 * MINUTE, {"facebook": GREEN})
    await world.engine.anchors(network(), world.now)
    seen_from_here = {
        "web": down(HERE, "no route"),
        "api": down(SPOKEN, "HTTP 503 of a proxy"),
        "crowd": unknown(CROWD),
    }
    for _ in range(20):
        await world.live(30, {"facebook": seen_from_here, "x": seen_from_here})
        await world.engine.anchors(network(), world.now)

    assert world.state() is State.UP
    await world.engine.anchors(up(HERE), world.now + 1)
    await world.live(10 * MINUTE, {"facebook": GREEN, "x": GREEN})
    assert world.state() is State.UP
    assert "platform_suspect" not in world.journal.names
    assert world.journal.names.count("went_offline") == world.journal.names.count("came_online") == 1
    assert await world.store.incidents() == []


async def test_votes_made_while_our_line_was_dead_do_not_count_when_it_is_back(world: World) -> None:
    await world.engine.anchors(up(HERE), world.now)
    await world.look("facebook", {"web": down(HERE), "api": down(SPOKEN)}, good_for=9e9)
    await world.engine.anchors(network(), world.now + 1)
    world.now += 30
    await world.look("facebook", {"web": down(HERE), "api": down(SPOKEN)}, good_for=9e9)
    world.now += 30
    await world.engine.anchors(up(HERE), world.now)
    await world.live(10 * MINUTE)

    assert not world.engine.tally("facebook", world.now).votes
    assert world.state() is not State.DOWN


async def test_a_holding_statement_waits_for_fresh_evidence_after_our_line_was_dead(world: World) -> None:
    await world.fall("facebook", deliver=False)
    await world.engine.anchors(network(), world.now)
    world.now += 20 * MINUTE
    await world.deliver()
    await world.engine.anchors(up(HERE), world.now)
    await world.deliver()
    assert world.posts() == {}, "twenty minutes old, and nobody has looked since"

    await world.live(20 * MINUTE, {"facebook": GREEN})
    assert world.state() is State.UP
    assert world.posts() == world.posts(WELCOME) == {}


async def test_after_our_line_was_dead_a_down_that_is_seen_again_is_announced(world: World) -> None:
    await world.fall("facebook", deliver=False)
    await world.engine.anchors(network(), world.now)
    await world.engine.anchors(up(HERE), world.now + 1)
    await world.live(MINUTE, {"facebook": RED})

    assert world.posts() == ONCE


async def test_the_reason_for_being_offline_may_change_without_a_second_line(world: World) -> None:
    await world.engine.anchors(network(HERE, "no anchor answers"), world.now)
    await world.engine.anchors(network(HERE, "a captive portal"), world.now + 30)

    assert world.engine.line.reason == "a captive portal"
    assert world.journal.names == ["went_offline"]
    await world.engine.anchors(up(HERE), world.now + 60)
    assert world.journal.said("came_online") == [{"duration": 60.0}]


# -- evidence that must not become an outage -------------------------------------------------------------------


async def test_an_expired_token_of_ours_is_an_alarm_and_no_outage(world: World) -> None:
    """The likeliest false positive of all."""
    for _ in range(10):
        await world.live(MINUTE, {"facebook": {"page": account(), "crowd": up(CROWD), "status": up(OFFICIAL)}})

    assert world.state() is State.UP
    assert len(world.journal.said("account_trouble")) == 1
    await world.live(MINUTE, {"facebook": {"page": up(SPOKEN)}})
    assert world.journal.said("account_well") == [{"platform": "facebook", "probe": "page"}]


async def test_looks_in_a_row_are_counted_and_another_answer_or_a_gap_begins_anew(world: World) -> None:
    counts = []
    for sighting, wait in ((up(), 30), (up(), 30), (down(), 30), (down(), 30), (down(), 300), (unknown(), 30)):
        world.now += wait
        await world.engine.saw("facebook", "api", sighting, world.now, good_for=100)
        counts.append(world.engine.seen["facebook"]["api"].looks)

    assert counts == [1, 2, 1, 2, 1, 1]


async def test_a_source_is_reported_at_its_third_empty_answer(world: World) -> None:
    told = []
    for _ in range(3):
        await world.live(30, {"facebook": {"status": unknown(OFFICIAL)}}, every=30)
        told.append(len(world.journal.said("source_unknown")))

    assert told == [0, 0, 1]


async def test_a_source_that_tells_nothing_is_reported_once_it_stays_so_and_once_when_it_is_back(
    world: World,
) -> None:
    await world.live(60, {"facebook": {"status": unknown(OFFICIAL)}})
    assert world.journal.said("source_unknown") == []
    await world.live(300, {"facebook": {"status": unknown(OFFICIAL)}})
    assert len(world.journal.said("source_unknown")) == 1

    await world.live(300, {"facebook": {"status": up(OFFICIAL)}})
    assert len(world.journal.said("source_back")) == 1


async def test_sources_are_not_blamed_while_our_own_line_is_dead(world: World) -> None:
    await world.engine.anchors(network(), world.now)
    await world.live(300, {"facebook": {"status": unknown(OFFICIAL)}})

    assert world.journal.said("source_unknown") == []


async def test_a_crowd_that_shouts_about_unrelated_platforms_and_our_own_trouble_to_connect_are_no_outage(
    world: World,
) -> None:
    for _ in range(20):
        await world.live(30, dict.fromkeys(("facebook", "x", "telegram"), FROM_HERE))
        await world.engine.anchors(up(HERE), world.now)

    assert {world.state(name) for name in ("facebook", "x", "telegram")} == {State.SUSPECT}
    assert await world.store.incidents() == []


async def test_it_is_put_before_a_person_whether_the_platforms_or_our_region_fails(world: World) -> None:
    for _ in range(30):
        await world.live(30, dict.fromkeys(("facebook", "x"), FROM_HERE))
        await world.engine.anchors(up(HERE), world.now)

    assert {world.state(name) for name in ("facebook", "x")} == {State.SUSPECT}
    asked = [one["reason"] for one in world.journal.said("person_needed")]
    assert len(asked) == 2
    assert all("`failover declare" in reason and "network" in reason for reason in asked)


async def test_two_platforms_of_one_owner_are_one_spike(world: World) -> None:
    for _ in range(10):
        await world.live(30, dict.fromkeys(("facebook", "instagram"), FROM_HERE))
        await world.engine.anchors(up(HERE), world.now)

    assert world.state("facebook") is State.DOWN


async def test_what_fails_from_here_alone_for_long_is_put_before_a_person_once(world: World) -> None:
    for _ in range(150):
        await world.live(30, {"facebook": {"web": down(HERE, "timed out"), "crowd": up(CROWD)}})
        await world.engine.anchors(up(HERE), world.now)

    [asked] = world.journal.said("person_needed")
    assert "our own way there" in asked["reason"]
    assert await world.store.incidents() == []


async def test_a_platform_that_refuses_most_looks_is_down_though_some_are_answered(world: World) -> None:
    """X, December 2022."""
    answers = [down(SPOKEN, "HTTP 503"), down(SPOKEN, "HTTP 503"), up(SPOKEN, "HTTP 200")]
    for number in range(40):
        await world.live(15, {"facebook": {"api": answers[number % 3], "crowd": down(CROWD)}}, every=15)

    assert world.posts() == ONCE
    assert "of the last" in world.engine.standings["facebook"].reason


async def test_sympathy_reports_alone_are_no_outage(world: World) -> None:
    await world.live(3 * HOUR, {"facebook": {"crowd": down(CROWD), "api": up(SPOKEN)}}, every=300)

    assert world.state() is State.SUSPECT
    assert await world.store.incidents() == []


async def test_a_broken_page_that_was_degraded_for_hours_completes_no_verdict(world: World) -> None:
    await world.live(3 * HOUR, {"facebook": {"status": degraded(OFFICIAL), "crowd": down(CROWD)}}, every=60)

    assert await world.store.incidents() == []


async def test_several_tokens_that_fail_at_once_beside_other_evidence_go_to_a_person() -> None:
    """The exception of 5 March 2024: logged out everywhere, and yet never announced on that alone."""
    story = World(":memory:", watches_=watches(accounts=frozenset({"page", "app"})))
    await story.start()
    view = {"page": account(), "app": account(SPOKEN, "no session"), "crowd": down(CROWD)}

    await story.live(10 * MINUTE, {"facebook": view})

    assert story.state() is State.SUSPECT
    [asked] = story.journal.said("person_needed")
    assert "facebook" in str(asked["reason"])
    assert story.posts() == {}


async def test_one_token_that_fails_beside_other_evidence_is_an_alarm_and_no_question() -> None:
    story = World(":memory:", watches_=watches(accounts=frozenset({"page", "app"})))
    await story.start()

    await story.live(10 * MINUTE, {"facebook": {"page": account(), "crowd": down(CROWD)}})

    assert story.journal.said("person_needed") == []


async def test_a_maintenance_that_was_announced_is_no_outage() -> None:
    around = {name: replace(one, maintenance=((0.0, 9e9, "moving house"),)) for name, one in watches().items()}
    story = World(":memory:", watches_=around)
    await story.start()

    await story.live(30 * MINUTE, {"facebook": RED})

    assert await story.store.incidents() == []


def test_a_maintenance_window_has_a_beginning_and_an_end() -> None:
    watch = Watch(name="x", title="X", group="x", maintenance=((100.0, 200.0, "announced by X"), (300.0, 400.0, "")))

    assert [watch.quiet(now) for now in (99.0, 100.0, 199.0, 200.0, 300.0)] == [
        "",
        "announced by X",
        "announced by X",
        "",
        "announced",
    ]


async def test_a_noisy_class_during_recovery_does_not_announce_what_was_not_announced_yet() -> None:
    """R1: confirmed, on its way back, then one late vote of the crowd: the pending statement stays unsaid."""
    story = await a_world(sign_off={HOLDING: "veto"}, veto_for=10 * MINUTE)
    await story.fall("facebook")
    await story.live(2 * MINUTE, {"facebook": GREEN})
    assert story.state() is State.RECOVERING

    await story.live(15 * MINUTE, {"facebook": HALF})
    assert story.state() is State.DOWN
    assert story.posts() == {}


async def test_a_statement_does_not_leave_while_no_source_says_down_any_more() -> None:
    """One voter works again, the other has fallen silent: still DOWN by the book, and not to be announced."""
    story = await a_world(sign_off={HOLDING: "veto"}, veto_for=5 * MINUTE)
    await story.fall("facebook")
    await story.live(20 * MINUTE, {"facebook": {"api": up(SPOKEN), "crowd": unknown(CROWD)}})

    assert story.state() is State.DOWN
    assert story.posts() == {}


# -- one owner, one incident -----------------------------------------------------------------------------------


async def test_platforms_of_one_owner_that_fall_together_are_one_incident_and_one_statement(world: World) -> None:
    await world.fall("facebook", "instagram")
    await world.live(5 * MINUTE, {"facebook": RED, "instagram": RED})

    [only] = await world.store.incidents()
    assert only.platforms == ("facebook", "instagram")
    assert world.posts() == ONCE
    [post] = world.walls["blog"].posts
    assert "facebook, instagram" in post.text


async def test_the_statement_waits_a_moment_for_a_sibling_that_is_about_to_fall(world: World) -> None:
    await world.live(60, {"facebook": RED})
    await world.live(120, {"facebook": RED, "instagram": RED}, every=15)
    assert world.state("instagram") is State.SUSPECT
    assert world.state("facebook") is State.DOWN
    assert world.posts() == {}

    await world.live(45, {"facebook": RED, "instagram": RED}, every=15)
    [post] = world.walls["blog"].posts
    assert "facebook, instagram" in post.text


async def test_a_sibling_that_falls_later_joins_and_is_not_told_again(world: World) -> None:
    await world.fall("facebook")
    await world.live(180, {"facebook": RED, "instagram": RED})

    [only] = await world.store.incidents()
    assert only.down == ("facebook", "instagram")
    assert world.posts() == ONCE
    assert world.journal.said("incident_joined") == [{"incident": "1", "platform": "instagram"}]


async def test_the_welcome_back_waits_for_the_last_of_the_group(world: World) -> None:
    await world.fall("facebook", "instagram")
    await world.live(20 * MINUTE, {"facebook": RED, "instagram": GREEN})
    assert world.state("instagram") is State.UP
    assert world.posts(WELCOME) == {}

    await world.live(20 * MINUTE, {"facebook": GREEN, "instagram": GREEN})
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1, "instagram-page": 1}
    told = [row.platforms for row in await world.store.deliveries("1") if row.channel == "blog"]
    assert told[0] == told[1], "no more is welcomed back than was said to be down"
    assert "facebook, instagram" in world.walls["instagram-page"].said(WELCOME)[0].text


async def test_platforms_of_different_owners_are_two_incidents(world: World) -> None:
    await world.fall("facebook", "x")
    await world.deliver()

    assert {one.group for one in await world.store.incidents()} == {"meta", "x"}
    assert world.posts() == {"telegram": 2, "email": 1, "blog": 2}


async def test_an_outage_without_a_route_is_said_to_the_administrators() -> None:
    story = await a_world(routes=(X,))
    await story.fall("facebook")

    assert story.journal.said("no_route") == [{"incident": "1", "platforms": ("facebook",)}]
    assert story.posts() == {}


# -- relapse, again, intermittent ------------------------------------------------------------------------------


async def test_a_relapse_within_the_hour_makes_no_second_pair(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(20 * MINUTE, {"facebook": GREEN})
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(2 * HOUR, {"facebook": GREEN})

    assert world.posts() == ONCE
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}
    assert world.journal.names.count("incident_reopened") == 1


async def test_three_waves_in_a_day_are_at_most_two_pairs() -> None:
    """X, 10 March 2025: four hours between the first two waves, an hour between the last two."""
    story = World(":memory:")
    await story.start()
    await story.live(30 * MINUTE, {"x": RED})
    await story.live(210 * MINUTE, {"x": GREEN})
    await story.live(60 * MINUTE, {"x": RED})
    await story.live(30 * MINUTE, {"x": GREEN})
    await story.live(90 * MINUTE, {"x": RED})
    await story.live(8 * HOUR, {"x": GREEN})

    assert story.posts() == {"telegram": 1, "blog": 1}
    assert story.posts(AGAIN) == {"telegram": 1, "blog": 1}
    assert story.posts(WELCOME) == {"telegram": 2, "blog": 2, "x-account": 2}


async def test_the_second_incident_of_a_day_must_stay_well_twice_as_long(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(2 * HOUR, {"facebook": GREEN})
    await world.fall("facebook")
    assert world.posts(AGAIN) == ONCE

    await world.rise("facebook")
    assert world.state() is State.RECOVERING
    await world.rise("facebook")
    assert world.state() is State.UP


async def test_from_the_third_incident_on_it_is_intermittent_until_it_has_been_calm_for_hours(world: World) -> None:
    for _ in range(2):
        await world.fall("facebook")
        await world.live(2 * HOUR, {"facebook": GREEN})
    await world.fall("facebook")
    assert world.posts(Statement.INTERMITTENT) == ONCE

    await world.live(5 * HOUR, {"facebook": GREEN}, every=60)
    await world.fall("facebook")
    await world.live(5 * HOUR, {"facebook": GREEN}, every=60)
    assert world.posts(WELCOME) == {**dict.fromkeys(ONCE, 2), "facebook-page": 2}
    await world.live(2 * HOUR, {"facebook": GREEN}, every=60)
    assert world.posts(WELCOME) == {**dict.fromkeys(ONCE, 3), "facebook-page": 3}
    assert world.posts(Statement.INTERMITTENT) == ONCE


# -- a person's word -------------------------------------------------------------------------------------------


def word(signal: Signal, at: float) -> Declaration:
    return Declaration(platform="facebook", signal=signal, at=at, by="ann")


async def test_a_declared_outage_is_told_at_once(world: World) -> None:
    await world.engine.declare(word(Signal.DOWN, world.now))
    await world.deliver()

    assert world.posts() == ONCE


async def test_a_declared_outage_is_told_after_a_restart_too(world: World) -> None:
    await world.engine.declare(word(Signal.DOWN, world.now))
    await world.boot()
    await world.live(30)

    assert world.posts() == ONCE


async def test_a_word_against_the_sources_outlasts_a_restart_and_a_round_without_answers(world: World) -> None:
    """`declare up` while sources err: it must not lapse because they pause for a moment, and the public be told."""
    await world.live(30, {"facebook": RED})
    await world.engine.declare(word(Signal.UP, world.now))
    await world.live(MINUTE, {"facebook": GREY})
    assert "facebook" in world.engine.declared
    await world.boot()
    await world.look("facebook", GREY)
    await world.look("facebook", {"web": up(HERE)})
    await world.live(30 * MINUTE, {"facebook": RED})

    assert world.state() is State.UP
    assert world.posts() == {}


async def test_a_vote_from_here_that_waits_for_the_anchors_does_not_end_a_word_against_it(world: World) -> None:
    await world.engine.declare(word(Signal.UP, world.now))
    for _ in range(90):
        await world.live(15, {"facebook": {**FROM_HERE, "crowd": up(CROWD)}}, every=15)
        await world.engine.anchors(up(HERE), world.now)

    assert "facebook" in world.engine.declared


async def test_a_declared_up_ends_when_the_sources_have_agreed_for_long_enough(world: World) -> None:
    await world.engine.declare(word(Signal.UP, world.now))
    await world.live(14 * MINUTE, {"facebook": GREEN})
    assert "facebook" in world.engine.declared

    await world.live(2 * MINUTE, {"facebook": GREEN})
    assert "facebook" not in world.engine.declared
    assert await world.store.declarations() == []
    assert len(world.journal.said("declaration_ended")) == 1


async def test_a_declared_down_ends_when_the_sources_agree_so_that_they_can_see_the_recovery(world: World) -> None:
    await world.engine.declare(word(Signal.DOWN, world.now))
    await world.live(MINUTE, {"facebook": RED})
    assert "facebook" in world.engine.declared
    await world.live(150, {"facebook": RED})
    assert "facebook" not in world.engine.declared
    assert world.state() is State.DOWN

    await world.rise("facebook")
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}


async def test_a_declared_down_that_no_source_ever_sees_holds_until_it_is_withdrawn(world: World) -> None:
    await world.engine.declare(word(Signal.DOWN, world.now))
    await world.live(3 * HOUR, {"facebook": GREEN})
    assert world.state() is State.DOWN

    await world.engine.end_declaration("facebook", world.now, "withdrawn", "ann")
    await world.rise("facebook")
    assert world.state() is State.UP


async def test_a_declared_down_that_every_source_contradicts_is_told_after_six_hours_and_then_daily(
    world: World,
) -> None:
    """Forgotten, it would last for ever: told as down, posts diverted, nobody welcomed back."""
    await world.engine.declare(word(Signal.DOWN, world.now))
    declared_at = world.now
    await world.live(5 * HOUR + 50 * MINUTE, {"facebook": GREEN})
    assert world.journal.said("declaration_contradicted") == []

    await world.live(20 * MINUTE, {"facebook": GREEN})
    [told] = world.journal.said("declaration_contradicted")
    assert (told["platform"], told["by"], told["declared_at"]) == ("facebook", "ann", declared_at)
    assert told["duration"] == pytest.approx(6 * HOUR, abs=120)

    await world.live(23 * HOUR, {"facebook": GREEN}, every=300)
    assert len(world.journal.said("declaration_contradicted")) == 1
    await world.live(2 * HOUR, {"facebook": GREEN}, every=300)
    assert len(world.journal.said("declaration_contradicted")) == 2
    assert world.state() is State.DOWN, "a reminder changes nothing"


@pytest.mark.parametrize("view", [HALF, GREY], ids=["a source that still votes", "sources that cannot tell"])
async def test_a_declared_down_that_is_not_contradicted_by_all_is_not_told(
    world: World, view: Mapping[str, Sighting]
) -> None:
    await world.engine.declare(word(Signal.DOWN, world.now))
    await world.live(4 * HOUR, {"facebook": GREEN})
    await world.live(20 * MINUTE, {"facebook": view})
    await world.live(4 * HOUR, {"facebook": GREEN})

    assert world.journal.said("declaration_contradicted") == []


async def test_a_declaration_that_was_withdrawn_in_time_is_told_of_no_more(world: World) -> None:
    await world.engine.declare(word(Signal.DOWN, world.now))
    await world.live(4 * HOUR, {"facebook": GREEN})
    await world.engine.end_declaration("facebook", world.now, "over", "ann")
    await world.live(4 * HOUR, {"facebook": GREEN})

    assert world.journal.said("declaration_contradicted") == []


async def test_a_declared_up_closes_the_incident_at_once(world: World) -> None:
    await world.fall("facebook")
    await world.engine.declare(word(Signal.UP, world.now))
    await world.deliver()

    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}


# -- the database refuses --------------------------------------------------------------------------------------


def refuse(world: World) -> None:
    """From now on the database can be read, and every write fails as on a full disk."""
    world.store._db.execute("PRAGMA query_only = ON")


def accept(world: World) -> None:
    world.store._db.execute("PRAGMA query_only = OFF")


async def test_while_the_database_refuses_nothing_is_believed_and_nothing_is_said(world: World) -> None:
    await world.live(90, {"facebook": RED})
    refuse(world)
    await world.live(10 * MINUTE, {"facebook": RED})

    assert world.state() is State.SUSPECT
    assert await world.store.incidents() == []
    assert world.posts() == {}
    assert len(world.journal.said("store_trouble")) == 1


async def test_when_the_database_can_be_written_again_what_is_due_is_done(world: World) -> None:
    await world.live(90, {"facebook": RED})
    refuse(world)
    await world.live(10 * MINUTE, {"facebook": RED})
    accept(world)
    await world.live(MINUTE, {"facebook": RED})

    assert world.posts() == ONCE
    assert len(world.journal.said("store_well")) == 1
    assert broken(await world.store.audit()) == ""


async def test_trouble_that_only_the_courier_met_is_over_when_it_is_over_and_is_told_when_it_comes_again(
    world: World,
) -> None:
    await world.fall("facebook", deliver=False)
    for _ in range(2):
        refuse(world)
        await world.deliver()
        accept(world)
        await world.engine.saw("x", "api", down(SPOKEN, f"at {world.now}"), world.now, good_for=60)
        world.now += 1

    assert len(world.journal.said("store_trouble")) == len(world.journal.said("store_well")) == 2


# -- the configuration changes in the middle -------------------------------------------------------------------


async def test_a_channel_that_is_no_longer_configured_stops_no_other(world: World) -> None:
    await world.fall("facebook", deliver=False)
    left = {name: voice for name, voice in VOICES.items() if name != "telegram"}
    world.house = house(voices=left, routes=(replace(META, backups=("email", "blog")),))
    await world.boot()
    await world.live(5 * MINUTE, {"facebook": RED})

    assert world.posts() == {"email": 1, "blog": 1}
    assert (await world.row("1H-telegram")).phase is Phase.CANCELLED
    await world.rise("facebook")
    assert world.posts(WELCOME) == {"email": 1, "blog": 1, "facebook-page": 1}


async def test_a_channel_that_heard_and_is_no_longer_configured_is_not_owed_anything(world: World) -> None:
    await world.fall("facebook")
    left = {name: voice for name, voice in VOICES.items() if name != "telegram"}
    world.house = house(voices=left, routes=(replace(META, backups=("email", "blog")),))
    await world.boot()
    await world.rise("facebook")

    assert world.posts(WELCOME) == {"email": 1, "blog": 1, "facebook-page": 1}


async def test_what_may_be_public_on_a_channel_that_is_gone_is_put_before_a_person(world: World) -> None:
    world.answers["telegram"] += ["silent"]
    await world.fall("facebook")
    left = {name: voice for name, voice in VOICES.items() if name != "telegram"}
    world.house = house(voices=left, routes=(replace(META, backups=("email", "blog")),))
    await world.boot()
    await world.live(MINUTE, {"facebook": RED})

    assert (await world.row("1H-telegram")).phase is Phase.HELD
    assert len(world.journal.said("delivery_held")) == 1


async def test_a_platform_that_is_no_longer_watched_is_not_welcomed_back(world: World) -> None:
    """Nobody knows whether it works: its incident ends in silence, and a person is told."""
    await world.fall("facebook")
    world.watches = watches({"x": "x"})
    world.house = house(routes=(X,), groups={"x": "x"})
    await world.boot()
    await world.live(2 * HOUR, {"x": GREEN})

    [only] = await world.store.incidents()
    assert not only.is_open
    assert world.posts(WELCOME) == {}
    assert len(world.journal.said("person_needed")) == 1


async def test_what_is_unsaid_about_a_platform_that_is_no_longer_watched_stays_unsaid(world: World) -> None:
    await world.fall("facebook", deliver=False)
    world.watches = watches({"x": "x"})
    await world.boot()
    await world.live(MINUTE, {"x": GREEN})

    assert world.posts() == {}
    assert {row.phase for row in await world.store.deliveries("1")} <= {Phase.CANCELLED, Phase.EXPIRED}


async def test_a_sibling_that_is_no_longer_watched_does_not_keep_the_incident_open(world: World) -> None:
    await world.fall("facebook", "instagram")
    world.watches = watches({"facebook": "meta"})
    await world.boot()
    await world.rise("facebook")

    [only] = await world.store.incidents()
    assert not only.is_open


async def test_a_platform_that_is_watched_again_is_judged_afresh(world: World) -> None:
    await world.fall("facebook")
    world.watches = watches({"x": "x"})
    await world.boot()
    world.watches = watches()
    await world.boot()
    world.now += 2 * HOUR
    await world.fall("facebook")

    assert [one.platforms for one in await world.store.incidents()] == [("facebook",)] * 2


async def test_an_incident_ends_though_its_group_has_got_another_name(world: World) -> None:
    await world.fall("facebook")
    renamed = {**dict.fromkeys(("facebook", "instagram"), "zuck"), "x": "x", "telegram": "telegram"}
    world.watches = watches(renamed)
    world.house = house(groups=renamed)
    await world.boot()
    await world.rise("facebook")

    [only] = await world.store.incidents()
    assert not only.is_open
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}
    await world.fall("facebook")
    assert world.posts() == ONCE, "a relapse, under whatever name"


async def test_what_was_owed_in_an_incident_long_forgotten_does_not_stay_owed_for_ever(world: World) -> None:
    await world.fall("facebook")
    await world.rise("facebook", deliver=False)
    world.now += REMEMBERED + HOUR
    await world.boot()
    await world.live(MINUTE, {"facebook": GREEN})

    assert await world.store.owed() == []
    assert world.posts(WELCOME) == {}


# -- what is said stays true -----------------------------------------------------------------------------------


async def test_a_statement_that_can_be_sent_again_names_only_what_is_down_by_then(world: World) -> None:
    """It was in doubt while one platform came back; when it is certain that it is not public, it is worded anew."""
    world.answers["telegram"] += ["silent"]
    await world.fall("facebook", "instagram")
    await world.live(30, {"facebook": RED, "instagram": RED})
    assert (await world.row("1H-telegram")).phase is Phase.UNSURE
    await world.put(await world.row("1H-telegram"), due=world.now + 20 * MINUTE)
    await world.live(22 * MINUTE, {"facebook": RED, "instagram": GREEN})

    [post] = world.walls["telegram"].posts
    assert "instagram" not in post.text


async def test_words_that_a_person_approved_are_not_said_when_one_of_the_platforms_is_back() -> None:
    story = await a_world(sign_off={HOLDING: "required"})
    story.answers["telegram"] += ["unreachable"] * 12
    await story.fall("facebook", "instagram")
    await story.desk.approve("1H", "ann", story.now)
    await story.deliver()
    await story.live(25 * MINUTE, {"facebook": RED, "instagram": GREEN})

    assert story.posts() == {"email": 1, "blog": 1}


async def test_words_that_a_person_approved_wait_while_one_of_the_platforms_is_coming_back() -> None:
    """Found by the simulator: half of what they say would be untrue."""
    story = await a_world(sign_off={HOLDING: "required"})
    story.answers["telegram"] += ["wait:600"]
    await story.fall("facebook", "instagram")
    await story.desk.approve("1H", "ann", story.now)
    await story.deliver()
    await story.live(14 * MINUTE, {"facebook": RED, "instagram": GREEN})

    assert story.state("instagram") is State.RECOVERING
    assert story.posts() == {"email": 1, "blog": 1}


async def test_a_late_statement_leaves_only_on_as_much_evidence_as_it_took() -> None:
    """Found by the simulator: the platform works again, and only a slow crowd goes on about it."""
    story = await a_world()
    story.answers["telegram"] += ["wait:600"]
    await story.fall("facebook")
    await story.live(20 * MINUTE, {"facebook": HALF})

    assert story.state() is State.DOWN
    assert story.posts() == {"email": 1, "blog": 1}
    await story.live(2 * MINUTE, {"facebook": RED})
    assert story.posts() == {"email": 1, "blog": 1, "telegram": 1}


async def test_a_clock_that_is_set_loses_no_approved_statement() -> None:
    """Set back by an hour in the minute in which a statement was approved: it still goes out."""
    story = await a_world(sign_off={HOLDING: "required"})
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    story.now -= HOUR
    await story.engine.step(-HOUR)
    await story.live(MINUTE, {"facebook": RED})

    assert story.posts() == ONCE


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
async def test_a_clock_that_is_set_neither_hastens_nor_delays_a_verdict(seconds: float) -> None:
    story = World(":memory:")
    await story.start()
    await story.live(90, {"facebook": RED})
    story.now += seconds
    await story.engine.step(seconds)
    await story.live(60, {"facebook": RED})
    assert story.posts() == {}

    await story.live(30, {"facebook": RED})
    assert story.posts() == ONCE
    await story.rise("facebook")
    assert story.posts(WELCOME) == {**ONCE, "facebook-page": 1}


async def test_votes_made_while_our_line_was_dead_stay_void_when_the_clock_is_set_back(world: World) -> None:
    await world.engine.anchors(network(), world.now)
    await world.look("facebook", {"api": down(SPOKEN)}, good_for=9e9)
    world.now += 30
    await world.engine.anchors(up(HERE), world.now)
    world.now -= HOUR
    await world.engine.step(-HOUR)

    assert not world.engine.tally("facebook", world.now).votes


async def test_a_sibling_on_another_route_is_told_though_the_first_statement_is_long_over() -> None:
    """Hours after Facebook, Instagram falls: its own backups have heard of nothing yet."""
    facebook = Route(platforms=("facebook",), primaries=("facebook-page",), backups=("telegram",))
    instagram = Route(platforms=("instagram",), primaries=("instagram-page",), backups=("blog",))
    story = await a_world(routes=(facebook, instagram))
    await story.fall("facebook")
    await story.live(2 * HOUR, {"facebook": RED, "instagram": GREEN})
    assert story.posts() == {"telegram": 1}

    await story.live(5 * MINUTE, {"facebook": RED, "instagram": RED})
    assert story.posts() == {"telegram": 1, "blog": 1}


async def test_a_welcome_back_is_said_only_where_the_statement_was_heard_and_on_what_recovered(world: World) -> None:
    """Instagram was never down: its page says nothing about Facebook."""
    world.answers["email"] += ["refused"]
    await world.fall("facebook")
    await world.rise("facebook")

    assert world.posts(WELCOME) == {"telegram": 1, "blog": 1, "facebook-page": 1}


# -- who is asked ----------------------------------------------------------------------------------------------


async def test_a_backup_whose_own_platform_is_in_trouble_is_passed_over_and_called_when_it_is_well_again() -> None:
    story = await a_world(routes=(replace(META, reach=1),))
    await story.live(MINUTE, {"telegram": {"api": down(SPOKEN)}})
    await story.live(210, {"facebook": RED, "telegram": {"api": down(SPOKEN)}})

    assert story.posts() == {"email": 1}
    [passed] = story.journal.said("channel_passed_over")
    assert passed["channel"] == "telegram"


async def test_a_welcome_back_waits_for_a_channel_whose_own_platform_has_gone_down_meanwhile(world: World) -> None:
    await world.fall("facebook")
    await world.live(3 * MINUTE, {"facebook": RED, "telegram": RED})
    await world.live(HOUR, {"facebook": GREEN, "telegram": RED})
    assert world.posts(WELCOME) == {"email": 1, "blog": 1, "facebook-page": 1}
    assert len(world.channels["telegram"].asked) == 1

    await world.live(20 * MINUTE, {"facebook": GREEN, "telegram": GREEN})
    assert world.posts(WELCOME) == {**ONCE, "facebook-page": 1}


async def test_the_next_backup_takes_the_place_of_one_that_refused() -> None:
    story = await a_world(routes=(replace(META, reach=1),))
    story.answers["telegram"] += ["refused"]
    await story.fall("facebook")
    await story.live(MINUTE, {"facebook": RED})

    assert story.posts() == {"email": 1}
    [called] = story.journal.said("backup_promoted")
    assert called["channel"] == "email"
    assert called["reason"] == "in place of telegram (no permission)"


async def test_when_too_few_have_heard_and_nobody_is_left_to_ask_a_person_is_told_once(world: World) -> None:
    world.answers["blog"] += ["refused"]
    await world.fall("facebook")
    await world.live(10 * MINUTE, {"facebook": RED})

    assert world.journal.said("reach_missed") == [{"incident": "1", "heard": 2, "wanted": 3}]


async def test_an_objection_is_no_failure_to_reach_anybody(world: World) -> None:
    await world.fall("facebook", deliver=False)
    await world.desk.veto("1H", "", "ann", world.now)
    await world.live(10 * MINUTE, {"facebook": RED})

    assert world.journal.said("reach_missed") == []


async def test_the_next_backup_takes_the_place_of_one_that_asks_for_a_long_wait() -> None:
    """ "Come back in an hour" is no promise: by then the statement is too old for anybody."""
    story = await a_world(routes=(replace(META, reach=1),))
    story.answers["telegram"] += ["wait:3600"]
    await story.fall("facebook")
    await story.live(MINUTE, {"facebook": RED})

    assert story.posts() == {"email": 1}


async def test_a_post_of_our_own_that_the_platform_answered_is_evidence_about_it(world: World) -> None:
    world.channels["telegram"].sighting = down(SPOKEN, "HTTP 502 from Telegram")
    world.answers["telegram"] += ["silent"]
    await world.fall("facebook")

    found = world.engine.tally("telegram", world.now)
    assert [one.probe for votes in found.votes.values() for one in votes] == ["posts to telegram"]


async def test_a_drawn_out_story_with_everything_in_it_keeps_the_trail_unbroken(world: World) -> None:
    world.answers["telegram"] += ["unreachable", "lost"]
    world.answers["email"] += ["silent"]
    world.answers["blog"] += ["refused"]
    await world.fall("facebook", "x")
    await world.boot()
    await world.live(HOUR, {"facebook": RED, "x": GREEN})
    await world.rise("facebook", "x")
    await world.live(HOUR, {"facebook": GREEN, "x": GREEN})

    assert broken(await world.store.audit()) == ""
    assert all(journal.bugs == [] for journal in world.papers)
    assert max(world.posts().values()) <= 2
