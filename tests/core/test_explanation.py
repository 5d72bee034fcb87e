"""Why it is what it is, in sentences: who voted, what does not count and why, which timer runs, and what next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from failover.evidence import Around, Line, tally
from failover.explanation import Matter, Quiet, explain, sentence
from failover.model import Evidence, Observation, Signal, State
from failover.standing import Declaration, Rules, Standing
from failover.verdict import judge
from tests.core.stories import (
    CROWD,
    ELSEWHERE,
    HERE,
    MINUTE,
    NOON,
    OFFICIAL,
    OPERATOR,
    SPOKEN,
    account,
    degraded,
    down,
    network,
    seen,
    unknown,
    up,
)

GOOD = Line(good_at=NOON + 1e9)
START = NOON + 20
"""11:07 UTC, a whole minute."""

API = seen(down(SPOKEN, "HTTP 503"), probe="api", at=START, looks=3)
REPORTS = seen(down(CROWD, "many reports"), probe="downdetector", at=START)
GREEN_CROWD = seen(up(CROWD, "no more reports than usual"), probe="downdetector", at=START)
GREEN_API = seen(up(SPOKEN, "it answers"), probe="api", at=START)
BROKEN_PAGE = seen(unknown(OFFICIAL, "HTML instead of JSON"), probe="statuspage", at=START)
PAGE_PARTLY = seen(degraded(OFFICIAL, "partial outage"), probe="statuspage", at=START)
OWN = seen(up(SPOKEN, "it knows us"), probe="account", at=START)
REFUSED = seen(account(SPOKEN, "the token has expired"), probe="account", at=START)


def standing(state: State, since: float = START, **changes: Any) -> Standing:
    values = {"platform": "facebook", "state": state, "since": since, "reason": "because", "upheld": True, **changes}
    return Standing(**values)


def told(state: State, *observations: Observation, **changes: Any) -> list[str]:
    """The sentences; `timers` are those of the standing, `more` goes to the tally, the rest is the matter's."""
    now, line = changes.pop("now", START), changes.pop("line", GOOD)
    values: dict[str, Any] = {
        "title": "Facebook",
        "standing": standing(state, **changes.pop("timers", {})),
        "seen": tally(observations, now, line, **changes.pop("more", {})),
        "rules": Rules(),
        "now": now,
        "line": line,
        **changes,
    }
    return list(explain(Matter(**values)))


def agreed_for(seconds: float) -> dict[str, float]:
    return {"quorum_since": START - seconds, "undisputed_since": START - seconds}


# -- the state and the evidence ----------------------------------------------------------------------------------


def test_it_begins_with_the_state_since_when_and_the_reason_given() -> None:
    first, second, *_ = told(State.DOWN, API, now=START + 12 * MINUTE)

    assert first == "Facebook is DOWN since 11:07, for 12m."
    assert second == "The reason given then: because."


def test_times_are_told_in_the_zone_of_the_organisation_and_with_their_day_where_it_is_another() -> None:
    zone = ZoneInfo("Europe/Berlin")

    assert told(State.UP, GREEN_API, zone=zone)[0] == "Facebook is UP since 12:07."
    assert told(State.UP, GREEN_API, zone=zone, timers={"since": START - 86400})[0] == (
        "Facebook is UP since 12:07 on 17 November 2026, for 1d."
    )


def test_a_silence_and_maintenance_are_told_with_their_ends() -> None:
    """Else nobody understands why a platform that is so clearly down is UP."""
    quiet = (
        Quiet(why="maintenance (the move)", until=START + MINUTE),
        Quiet(why="silenced by ann", until=START + 86400),
    )
    said = told(State.UP, GREEN_API, quiet=quiet)

    assert said[2:5] == [
        "Trouble of it is no news until 11:08: maintenance (the move).",
        "Trouble of it is no news until 11:07 on 19 November 2026: silenced by ann.",
        "Nothing that speaks against it counts before 11:07 on 19 November 2026, unless a person declares how it is.",
    ]


def test_what_a_person_declared_counts_also_in_a_silence() -> None:
    word = Declaration(platform="facebook", signal=Signal.DOWN, at=START, by="ann")
    said = told(State.DOWN, API, quiet=(Quiet(why="silenced by bob", until=START + MINUTE),), declared=word)

    assert "Trouble of it is no news until 11:08: silenced by bob." in said
    assert not any(line.startswith("Nothing that speaks against it counts") for line in said)


@pytest.mark.parametrize(
    ("observations", "more", "said"),
    [
        pytest.param([API], {}, "Votes against it: spoken (api) says HTTP 503, in 3 looks running.", id="vote"),
        pytest.param(
            [replace(API, looks=1)],
            {},
            "Votes against it: spoken (api) says HTTP 503, in one look only.",
            id="vote-once",
        ),
        pytest.param(
            [replace(API, looks=1)],
            {},
            "No vote has been repeated yet, and a first look alone decides nothing.",
            id="first-look-only",
        ),
        pytest.param(
            [GREEN_CROWD], {}, "Says that it works: crowd (downdetector) says no more reports than usual.", id="works"
        ),
        pytest.param([BROKEN_PAGE], {}, "Could not tell: official (statuspage), HTML instead of JSON.", id="silent"),
        pytest.param(
            [seen(network(), probe="web", at=START)],
            {},
            "Could not tell: here (web), no route to host.",
            id="network",
        ),
        pytest.param(
            [PAGE_PARTLY], {}, "Doubts it, which is no vote: official (statuspage) says partial outage.", id="doubt"
        ),
        pytest.param(
            [REFUSED],
            {},
            "Does not count, because the trouble is our own account's: spoken (account) says the token has expired.",
            id="account",
        ),
        pytest.param(
            [seen(down(CROWD, "many"), probe="d", at=START - 360)],
            {},
            "Does not count (stale): crowd (d) said many at 11:01.",
            id="stale",
        ),
        pytest.param(
            [API],
            {"quiet": "moving house"},
            "Does not count (maintenance: moving house): spoken (api) said HTTP 503 at 11:07.",
            id="maintenance",
        ),
        pytest.param([], {}, "No source has answered yet.", id="nothing"),
    ],
)
def test_what_was_said_is_told_by_what_it_counts_as(
    observations: list[Observation], more: dict[str, Any], said: str
) -> None:
    assert said in told(State.SUSPECT, *observations, more=more)


def test_a_vote_from_before_our_own_line_failed_is_void_and_why_is_told() -> None:
    line = Line(good_at=START + 1, since=START + 1)

    assert (
        "Does not count (our own line was dead, or was not known to work): here (web) said refused at 11:07."
        in told(State.UP, seen(down(HERE, "refused"), probe="web", at=START), line=line)
    )


def test_a_vote_from_here_waits_for_our_own_line() -> None:
    web = seen(down(HERE, "refused"), probe="web", at=START)

    assert "Waits until our own line has been checked: here (web) says refused." in told(
        State.UP, web, line=Line(good_at=START - 1)
    )


def test_spikes_of_a_region_count_as_one_class_and_that_is_told() -> None:
    web = seen(down(HERE, "refused"), probe="web", at=START)
    said = told(State.SUSPECT, web, REPORTS, more={"around": Around(blamed=3)})

    assert any(one.startswith("Unrelated platforms fail at once") for one in said)
    alone = "no source here gives one, so that only a person can say it (`failover declare`)"
    assert f"It becomes DOWN if a second class of evidence agrees for 2m; {alone}." in said


def test_an_answer_elsewhere_makes_one_class_of_here_and_the_crowd() -> None:
    web = seen(down(HERE, "refused"), probe="web", at=START)
    reached = seen(up(ELSEWHERE, "can be reached from three networks"), probe="globalping", at=START)

    said = told(State.SUSPECT, web, REPORTS, reached)

    assert "The platform answers elsewhere, so the crowd counts as one with what is seen from here." in said


def test_looks_of_ours_that_are_answered_are_named_with_what_they_cost() -> None:
    page = seen(down(OFFICIAL, "major outage"), probe="statuspage", at=START)
    disputed = "Our own looks at it are answered as they should be (account): until they fail as well, classes of "

    said = told(State.SUSPECT, page, REPORTS, OWN, timers={"quorum_since": START - 60})

    assert f"{disputed}evidence must agree for 15m." in said
    assert "Enough classes of evidence agree since 11:06: it becomes DOWN at 11:21 if they still do." in said
    assert not any("as they should be" in one for one in told(State.SUSPECT, page, REPORTS, timers=agreed_for(60)))
    assert "It becomes DOWN if a second class of evidence agrees for 15m" in " ".join(told(State.SUSPECT, page, OWN))


def test_lost_credit_is_told_with_its_reason_and_its_price() -> None:
    first = {"first": CROWD, "first_since": START - 3600, "weak": True}
    price = "so what is said has lost credit: classes of evidence must agree for 6m."

    said = told(State.SUSPECT, REPORTS, timers=first)
    assert f"Crowd was the first to speak against it, and alone for 1h, {price}" in said
    assert any(one.startswith("It becomes DOWN if a second class of evidence agrees for 6m") for one in said)

    said = told(State.SUSPECT, REPORTS, timers={**first, "first_since": START - 30})
    assert f"Unrelated platforms fail at the same time, {price}" in said
    assert not any(price in one for one in told(State.SUSPECT, REPORTS, timers={**first, "weak": False}))


def test_what_fails_from_here_alone_is_told_as_our_own_way_there() -> None:
    web = seen(down(HERE, "refused"), probe="web", at=START)
    alone = {"first": HERE, "first_since": START - 7200, "weak": True}
    ours = "What fails from here has failed since 09:07: that is our own way there, and no class of evidence."

    said = told(State.SUSPECT, web, timers=alone)
    assert ours in said
    assert any(one.startswith("It becomes DOWN if 2 more classes of evidence agree") for one in said)
    said = told(State.SUSPECT, web, REPORTS, timers=alone)
    assert ours in said
    assert any(one.startswith("It becomes DOWN if a second class of evidence agrees") for one in said)


def test_a_source_that_fails_by_turns_is_not_said_to_fail_in_looks_running() -> None:
    lately = tuple((START + number, down(SPOKEN, "HTTP 503") if number % 4 else up(SPOKEN)) for number in range(9))
    api = replace(seen(up(SPOKEN), probe="api", at=START), lately=lately)

    assert "Votes against it: spoken (api) says HTTP 503 (6 of the last 9 looks failed)." in told(
        State.SUSPECT, api, now=START + 8
    )


def test_a_down_that_nothing_bears_out_is_told_as_such() -> None:
    said = "Nothing as strong as a verdict bears it out at present, so nothing is said in public because of it."

    assert said in told(State.DOWN, API, timers={"upheld": False})
    assert said not in told(State.DOWN, API)


def test_a_dead_line_decides_nothing_and_nothing_is_promised() -> None:
    said = told(State.UP, GREEN_API, line=Line(reason="no anchor answers"))

    assert said[2] == (
        "Our own line is dead (no anchor answers), so the sources decide nothing, and every timer "
        "starts anew when it works again."
    )
    assert said[-1] == "Nothing changes before our own line works again, unless a person declares how it is."
    assert not any("becomes" in one for one in said)


# -- a person's word ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signal", "timers", "ends"),
    [
        (Signal.DOWN, {}, "the same for 2m."),
        (Signal.DOWN, {"quorum_since": START - 60}, "the same for 2m, as they do since 11:06."),
        (Signal.UP, {}, "the same for 15m."),
        (Signal.UP, {"calm_since": START - 120}, "the same for 15m, as they do since 11:05."),
    ],
    ids=["down", "down-agreeing", "up", "up-agreeing"],
)
def test_who_declared_it_and_how_that_ends(signal: Signal, timers: dict[str, float], ends: str) -> None:
    word = Declaration(platform="facebook", signal=signal, at=START - 300, by="ann", because="I see it")
    said = told(State.DOWN, GREEN_CROWD, declared=word, timers=timers)

    assert f"Ann declared it {signal.value} at 11:02 (I see it)." in said
    assert "While that word holds, the sources decide nothing about it." in said
    assert any("`failover declare facebook auto`" in one and one.endswith(ends) for one in said)
    assert not any(one.startswith("It becomes") for one in said)


# -- what would change it ----------------------------------------------------------------------------------------


def test_on_suspicion_the_other_classes_are_named_with_what_they_say() -> None:
    said = told(State.SUSPECT, API, GREEN_CROWD, BROKEN_PAGE, unasked={"globalping": ELSEWHERE, "api-2": SPOKEN})

    others = "crowd (downdetector) says up, official (statuspage) could not tell, elsewhere (globalping) has not been"
    assert said[-2:] == [
        f"It becomes DOWN if a second class of evidence agrees for 2m: of those, {others} asked yet.",
        "It becomes UP as soon as none votes against it or doubts it and a source says that it works.",
    ]


@pytest.mark.parametrize(
    ("state", "observations", "changes", "said"),
    [
        pytest.param(
            State.UP, [GREEN_API], {}, "It becomes DOWN if 2 independent classes of evidence agree for 2m.", id="up"
        ),
        pytest.param(
            State.UP, [GREEN_API], {}, "It becomes UNKNOWN when no source can tell any more.", id="up-blind"
        ),
        pytest.param(
            State.UNKNOWN,
            [BROKEN_PAGE],
            {},
            "It becomes UP as soon as a source says that it works and none speaks against it.",
            id="unknown",
        ),
        pytest.param(
            State.SUSPECT,
            [API],
            {"rules": Rules(classes=3)},
            "It becomes DOWN if 2 more classes of evidence agree for 2m; no source here gives one, "
            "so that only a person can say it (`failover declare`).",
            id="two-missing",
        ),
        pytest.param(
            State.SUSPECT,
            [API, REPORTS],
            {"timers": agreed_for(60)},
            "Enough classes of evidence agree since 11:06: it becomes DOWN at 11:08 if they still do.",
            id="quorum-runs",
        ),
        pytest.param(
            State.SUSPECT,
            [API, REPORTS],
            {"timers": agreed_for(180)},
            "Enough classes of evidence agree since 11:04: the verdict waits for a fresh look.",
            id="quorum-waits",
        ),
        pytest.param(
            State.SUSPECT,
            [replace(API, looks=1), replace(REPORTS, looks=1)],
            {},
            "It becomes DOWN if the votes are repeated and last for 2m.",
            id="quorum-not-repeated",
        ),
    ],
)
def test_what_would_move_it(
    state: State, observations: list[Observation], changes: dict[str, Any], said: str
) -> None:
    assert said in told(state, *observations, **changes)


BOTH = {SPOKEN: START - 60, CROWD: START - 60}


@pytest.mark.parametrize(
    ("observations", "timers", "rules", "said"),
    [
        pytest.param(
            [API, REPORTS],
            {},
            Rules(),
            "crowd and spoken have been well for 15m; still against it: spoken (api) says HTTP 503; "
            "crowd (downdetector) says many reports.",
            id="votes",
        ),
        pytest.param(
            [GREEN_API, GREEN_CROWD],
            {"calm_since": START - 240},
            Rules(),
            "crowd and spoken have been well for 15m: 4m are over, so at 11:18 at the earliest.",
            id="calm",
        ),
        pytest.param(
            [GREEN_API, GREEN_CROWD],
            {"calm_since": START - 960},
            Rules(),
            "crowd and spoken have been well for 15m: that time is over, and a fresh look is awaited.",
            id="calm-over",
        ),
        pytest.param(
            [GREEN_CROWD],
            {},
            Rules(),
            "crowd and spoken have been well for 15m; still against it: spoken has not said that it "
            "works again (its silence counts as an end at 11:36).",
            id="silent-class",
        ),
        pytest.param(
            [GREEN_API, GREEN_CROWD],
            {},
            Rules(accounts=frozenset({"account"})),
            "crowd, spoken and our own account have been well for 15m; still against it: our own "
            "account (account) has not worked again.",
            id="account",
        ),
        pytest.param(
            [GREEN_API, GREEN_CROWD, REFUSED],
            {"calm_since": START - 60},
            Rules(accounts=frozenset({"account"})),
            "crowd and spoken have been well for 15m: 1m are over, so at 11:21 at the earliest.",
            id="account-in-trouble-is-not-waited-for",
        ),
        pytest.param(
            [],
            {},
            Rules(recover_for=1800),
            "crowd and spoken have been well for 30m; still against it: no source says that it "
            "works; crowd has not said that it works again (its silence counts as an end at 12:06); "
            "spoken has not said that it works again (its silence counts as an end at 12:06).",
            id="second-incident-and-nothing-known",
        ),
        pytest.param(
            [GREEN_CROWD],
            {"voted": {OPERATOR: START}, "calm_since": START - 60},
            Rules(),
            "a source has said that it works, and none has voted against it, for 15m: 1m are over, "
            "so at 11:21 at the earliest.",
            id="only-a-person",
        ),
    ],
)
def test_what_its_recovery_waits_for(
    observations: list[Observation], timers: dict[str, Any], rules: Rules, said: str
) -> None:
    assert f"It counts as recovered when {said}" in told(
        State.DOWN, *observations, timers={"voted": BOTH, **timers}, rules=rules
    )


def test_a_recovery_can_be_lost() -> None:
    assert told(State.RECOVERING, GREEN_API, timers={"voted": BOTH})[-1] == (
        "It becomes DOWN again as soon as a class of evidence votes against it."
    )


@pytest.mark.parametrize("state", [State.DOWN, State.RECOVERING])
@pytest.mark.parametrize(
    "voted", [BOTH, {OFFICIAL: START - 7200}, {OPERATOR: START}], ids=["both", "long-ago", "ann"]
)
@pytest.mark.parametrize("signals", ["ddd", "dud", "uuu", "udu", "guu", "?uu", "uu?", "???", "ugu"])
def test_something_is_against_it_exactly_while_the_calm_has_not_begun(
    state: State, voted: dict[Evidence, float], signals: str
) -> None:
    """The explanation and the machine cannot drift apart: what `judge` holds for calm has nothing against it."""
    make = {"d": down, "u": up, "g": degraded, "?": unknown}
    views = [
        seen(make[letter](kind), probe=kind.value, at=START)
        for letter, kind in zip(signals, (SPOKEN, OFFICIAL, CROWD), strict=True)
    ]
    found = tally(views, START, GOOD)
    moved, _transition = judge(standing(state, voted=voted), found, START, Rules())
    matter = Matter(title="F", standing=moved, seen=found, rules=Rules(), now=START)
    recovery = [one for one in explain(matter) if one.startswith("It counts as recovered")]

    assert len(recovery) == 1
    assert ("still against it" in recovery[0]) is (moved.calm_since is None)
    assert "nothing that is known" not in recovery[0]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("signals", ["d", "u", "g", "?", "a"])
def test_every_sentence_is_whole_and_on_one_line(state: State, signals: str) -> None:
    make = {"d": down, "u": up, "g": degraded, "?": unknown, "a": account}
    views = [seen(make[letter](SPOKEN, "two\nlines \x1b[31m."), at=START) for letter in signals]

    for one in told(state, *views):
        assert one[0].isupper()
        assert one.endswith(".")
        assert not one.endswith("..")
        assert one.isprintable()


@pytest.mark.parametrize(
    ("text", "whole"),
    [("it works", "It works."), ("it works.", "It works."), ("why?", "Why?"), (" a \n b ;", "A b.")],
)
def test_a_foreign_reason_becomes_a_sentence(text: str, whole: str) -> None:
    assert sentence(text) == whole
