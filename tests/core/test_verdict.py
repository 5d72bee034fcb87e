"""Is it down?  The table, the evidence, and every way in which a single fault must not become a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from failover.credit import DISPUTED, LONELY, PATIENCE, RESTORED, UNSEEN, WEAK_FACTOR, is_lonely, is_torn
from failover.evidence import ALONE, Around, Line, Tally, tally
from failover.model import Evidence, Observation, Sighting, Signal, State
from failover.standing import Declaration, Rules, Standing, shifted
from failover.verdict import SILENCE_FACTOR, TABLE, Condition, judge
from tests.core.stories import (
    CROWD,
    ELSEWHERE,
    HERE,
    HOUR,
    NOON,
    OFFICIAL,
    SPOKEN,
    account,
    degraded,
    down,
    network,
    seen,
    unknown,
    up,
)

RULES = Rules()
GOOD = Line(good_at=NOON + 1e9)
CONFIRM, RECOVER = RULES.confirm_for, RULES.recover_for

U, OK, SUSPECT, DOWN, BACK = State.UNKNOWN, State.UP, State.SUSPECT, State.DOWN, State.RECOVERING
BLIND, WAITING, CALM, DOUBT = Condition.BLIND, Condition.WAITING, Condition.CALM, Condition.DOUBT
CONFIRMED, RECOVERED = Condition.CONFIRMED, Condition.RECOVERED


def standing(state: State = OK, **changes: object) -> Standing:
    return replace(Standing(platform="facebook", state=state, since=NOON), **changes)  # type: ignore[arg-type]


def sorted_(*observations: Observation, now: float = NOON, line: Line = GOOD, **more: object) -> Tally:
    return tally(observations, now, line, **more)  # type: ignore[arg-type]


def agreed_for(seconds: float) -> dict[str, Any]:
    """The timers of a standing in which classes have agreed for so long, and nothing of ours disputed it."""
    return {"quorum_since": NOON - seconds, "undisputed_since": NOON - seconds}


def declared(signal: Signal, because: str = "") -> Declaration:
    return Declaration(platform="facebook", signal=signal, at=NOON, by="ann", because=because)


class Case:
    """One platform over time: `at` seconds after noon these observations are the latest of their probes."""

    def __init__(self, state: State = OK, rules: Rules = RULES, **changes: object) -> None:
        self.standing = standing(state, **changes)
        self.rules = rules
        self.reasons: list[str] = []

    def at(
        self,
        seconds: float,
        *observations: Observation | Sighting,
        line: Line = GOOD,
        around: Around = ALONE,
        **more: object,
    ) -> State:
        now = NOON + seconds
        fresh = [one if isinstance(one, Observation) else seen(one, at=now) for one in observations]
        found = tally(fresh, now, line, around=around, quiet=str(more.pop("quiet", "")))
        self.standing, transition = judge(self.standing, found, now, self.rules, **more)  # type: ignore[arg-type]
        if transition is not None:
            self.reasons.append(transition.reason)
        return self.standing.state


# -- the table -------------------------------------------------------------------------------------------------

EDGES = [
    # state, blind, waiting, calm, doubt, confirmed, recovered
    (U, U, U, OK, SUSPECT, DOWN, OK),
    (OK, U, OK, OK, SUSPECT, DOWN, OK),
    (SUSPECT, U, SUSPECT, OK, SUSPECT, DOWN, OK),
    (DOWN, DOWN, DOWN, BACK, DOWN, DOWN, OK),
    (BACK, BACK, BACK, BACK, DOWN, DOWN, OK),
]


each_edge = pytest.mark.parametrize(
    ("state", "condition", "then"),
    [
        pytest.param(state, condition, then, id=f"{state.value}-{condition.name}")
        for state, *row in EDGES
        for condition, then in zip(Condition, row, strict=True)
    ],
)


@each_edge
def test_every_state_under_every_condition_leads_where_the_table_says(
    state: State, condition: Condition, then: State
) -> None:
    assert TABLE[state].get(condition, state) is then


@each_edge
def test_evidence_for_a_condition_takes_every_state_along_its_edge(
    state: State, condition: Condition, then: State
) -> None:
    """The same table, driven through `judge` by evidence alone."""
    voted = {SPOKEN: NOON} if state in (DOWN, BACK) else {}
    cases: dict[Condition, tuple[list[Sighting], dict[str, Any]]] = {
        BLIND: ([unknown()], {}),
        WAITING: ([down(HERE)], {}),
        CALM: ([up(SPOKEN)], {}),
        DOUBT: ([down(SPOKEN)], {}),
        CONFIRMED: ([down(SPOKEN), down(CROWD)], agreed_for(CONFIRM)),
        RECOVERED: ([up(SPOKEN)], {"calm_since": NOON - RECOVER}),
    }
    evidence, timers = cases[condition]

    assert Case(state, voted=voted, **timers).at(0, *evidence, line=Line(good_at=NOON - 1)) is then


def test_a_transition_carries_what_was_believed_and_a_reason_for_people() -> None:
    found = sorted_(seen(down(SPOKEN), probe="api"), seen(down(CROWD, "many reports")), seen(up(OFFICIAL, "green")))

    _, transition = judge(standing(OK, **agreed_for(150)), found, NOON, RULES)

    assert transition is not None
    assert (transition.was, transition.now, transition.at) == (OK, DOWN, NOON)
    assert transition.reason == ("crowd and spoken agree for 2m30s: crowd says many reports; api says HTTP 503")
    assert {one.sighting.evidence for one in transition.evidence} == {SPOKEN, CROWD, OFFICIAL}


@pytest.mark.parametrize(
    ("state", "observations", "timers", "reason"),
    [
        (OK, [unknown()], {}, "no source can tell at the moment"),
        (OK, [down(SPOKEN), up(OFFICIAL)], {}, "only spoken so far: spoken says HTTP 503"),
        (OK, [degraded(OFFICIAL), up(SPOKEN)], {}, "degraded: official says partial outage"),
        (U, [up(SPOKEN), unknown(CROWD)], {}, "spoken says it answers"),
        (DOWN, [up(SPOKEN)], {}, "spoken says it answers"),
        (BACK, [up(SPOKEN)], {"calm_since": NOON - 930}, "well for 15m30s: spoken says it answers"),
        (BACK, [down(SPOKEN), down(CROWD)], agreed_for(3725), "crowd and spoken agree for 1h2m5s: "),
    ],
    ids=["blind", "one class", "degraded", "works", "comes back", "has come back", "for hours"],
)
def test_every_change_has_a_reason_that_a_person_can_read(
    state: State, observations: list[Sighting], timers: dict[str, Any], reason: str
) -> None:
    case = Case(state, **timers)
    case.at(0, *observations)

    assert len(case.reasons) == 1
    assert case.reasons[0].startswith(reason)


# -- R1: two independent classes, sustained --------------------------------------------------------------------


def test_two_classes_for_two_minutes_are_down_and_not_a_second_earlier() -> None:
    case = Case()

    assert case.at(0, down(SPOKEN), down(CROWD)) is SUSPECT
    assert case.at(CONFIRM - 1, down(SPOKEN), down(CROWD)) is SUSPECT
    assert case.at(CONFIRM, down(SPOKEN), down(CROWD)) is DOWN


@pytest.mark.parametrize("evidence", [HERE, SPOKEN, ELSEWHERE, OFFICIAL, CROWD], ids=lambda one: one.value)
def test_one_class_alone_is_never_more_than_suspect(evidence: Evidence) -> None:
    """However many probes of that class agree, and however long."""
    case = Case()

    for minute in range(0, 24 * 60, 5):
        now = NOON + minute * 60
        votes = [seen(down(evidence), probe=name, at=now, looks=99) for name in ("one", "two", "three")]
        assert case.at(minute * 60, *votes) is SUSPECT


WEAK, HOURS = WEAK_FACTOR * CONFIRM, 3 * HOUR


@pytest.mark.parametrize(
    ("first", "alone", "second", "lasts"),
    [
        pytest.param([down(OFFICIAL)], PATIENCE[OFFICIAL], HERE, WEAK, id="a page red by mistake"),
        pytest.param([down(CROWD)], PATIENCE[CROWD], HERE, WEAK, id="a crowd that grumbles"),
        pytest.param([down(CROWD)], PATIENCE[CROWD] - 60, HERE, CONFIRM, id="not so long"),
        pytest.param(
            [down(HERE)], PATIENCE[HERE] - 60, CROWD, CONFIRM, id="what we see ourselves is believed longer"
        ),
        pytest.param([down(HERE)], PATIENCE[HERE], CROWD, WEAK, id="but not for ever"),
        pytest.param([down(HERE), up(CROWD)], UNSEEN, OFFICIAL, WEAK, id="nor where the crowd sees nothing"),
        pytest.param([down(HERE), up(CROWD)], UNSEEN - 60, OFFICIAL, CONFIRM, id="which may take some minutes"),
        pytest.param([down(SPOKEN)], HOURS, CROWD, CONFIRM, id="the platform itself refused us"),
        pytest.param([down(SPOKEN), down(CROWD)], HOURS, HERE, None, id="agreed long ago"),
    ],
)
def test_who_was_long_alone_needs_more_than_one_small_error_elsewhere(
    first: list[Sighting], alone: float, second: Evidence, lasts: float | None
) -> None:
    """What others tell loses credit with time; what the platform itself answers us does not."""
    case, line = Case(), Line(good_at=NOON + 9 * HOUR)
    for passed in range(0, int(alone), 60):
        case.at(passed, *first, line=line)
    if lasts is None:
        assert case.standing.state is DOWN
        return
    for passed in range(0, int(lasts), 30):
        assert case.at(alone + passed, *first, down(second), line=line) is SUSPECT

    assert case.at(alone + lasts, *first, down(second), line=line) is DOWN


def test_a_source_that_fails_by_turns_all_day_needs_more_than_one_small_error_elsewhere() -> None:
    """It refuses every other look for hours, and everybody else is well."""
    case, long = Case(), PATIENCE[SPOKEN]

    def refused(passed: float) -> Observation:
        before = ((NOON + passed - 30, down(SPOKEN)), (NOON + passed - 15, up(SPOKEN)))
        return replace(seen(down(SPOKEN), at=NOON + passed), lately=before)

    for passed in range(0, int(long), 60):
        case.at(passed, refused(passed), up(CROWD))
    for passed in range(int(long), int(long + WEAK), 30):
        assert case.at(passed, refused(passed), down(CROWD)) is SUSPECT


def test_credit_is_given_back_when_the_crowd_complains_as_well() -> None:
    case, line = Case(), Line(good_at=NOON + 9 * HOUR)
    for passed in range(0, int(UNSEEN), 60):
        case.at(passed, down(HERE), up(CROWD), line=line)
    for passed in range(0, 240, 30):
        assert case.at(UNSEEN + passed, down(HERE), down(OFFICIAL), up(CROWD), line=line) is SUSPECT

    assert case.at(UNSEEN + 240, down(HERE), down(OFFICIAL), down(CROWD), line=line) is DOWN


def test_a_calm_of_some_minutes_gives_the_credit_back() -> None:
    case, long = Case(), int(PATIENCE[CROWD])
    for passed in range(0, long, 60):
        case.at(passed, down(CROWD))
    for passed in range(long, long + int(RESTORED) + 60, 60):
        case.at(passed, up(CROWD))
    begins = long + RESTORED + 60
    case.at(begins, down(CROWD))

    case.at(begins + 60, down(CROWD), down(SPOKEN))
    assert case.at(begins + 60 + CONFIRM, down(CROWD), down(SPOKEN)) is DOWN


@pytest.mark.parametrize(
    ("answers", "offline", "lasts"),
    [
        pytest.param([down(CROWD)], "no route to host", WEAK, id="our line was dead"),
        pytest.param([unknown(CROWD)], "", WEAK, id="it could not tell"),
        pytest.param([up(CROWD)], "", WEAK, id="it was well once"),
    ],
)
def test_a_moment_in_which_nobody_can_tell_gives_no_credit_back(
    answers: list[Sighting | Observation], offline: str, lasts: float
) -> None:
    case, long = Case(), 3 * HOUR
    for passed in range(0, int(long), 60):
        case.at(passed, down(CROWD), up(SPOKEN))
    case.at(long, *answers, offline=offline)
    told = next(
        passed for passed in range(30, 1800, 30) if case.at(long + 30 + passed, down(CROWD), down(SPOKEN)) is DOWN
    )
    assert told == 30 + lasts


def test_what_fails_by_turns_from_here_is_remembered_for_longer() -> None:
    """A source that refuses every other look all day is well for some looks now and then."""
    case, lately = Case(), ((NOON, down(SPOKEN)), (NOON + 1, up(SPOKEN)))
    for passed in range(0, 3600, 60):
        fails = passed % 600 == 0
        one = seen(down(SPOKEN) if fails else up(SPOKEN), at=NOON + passed)
        case.at(passed, replace(one, lately=tuple((at + passed, said) for at, said in lately)))

    assert (case.standing.first, case.standing.first_since) == (SPOKEN, NOON)


# -- from here alone -------------------------------------------------------------------------------------------


def test_what_has_failed_from_here_for_an_hour_and_for_nobody_else_is_our_own_way_there() -> None:
    """A firewall that lets the anchors pass; days later the crowd grumbles, and that is no outage."""
    case, line = Case(), Line(good_at=NOON + 9 * HOUR)
    for passed in range(0, int(LONELY) + 60, 60):
        case.at(passed, down(HERE), up(CROWD), line=line)
        assert is_lonely(case.standing, NOON + passed) == (passed >= LONELY)

    for passed in range(0, int(HOUR), 30):
        assert case.at(LONELY + 60 + passed, down(HERE), down(CROWD), line=line) is SUSPECT
    case.at(3 * HOUR, down(HERE), down(CROWD), down(OFFICIAL), line=line)
    assert case.at(3 * HOUR + WEAK, down(HERE), down(CROWD), down(OFFICIAL), line=line) is DOWN


def test_an_outage_that_lasts_is_not_taken_for_our_own_way_there() -> None:
    case, line = Case(), Line(good_at=NOON + 9 * HOUR)
    for passed in range(0, int(2 * HOUR), 60):
        case.at(passed, down(HERE), down(CROWD) if passed >= 300 else up(CROWD), line=line)

    assert case.standing.state is DOWN
    assert not is_lonely(case.standing, NOON + 2 * HOUR)


def test_a_break_in_the_quorum_starts_the_two_minutes_anew() -> None:
    case = Case()
    case.at(0, down(SPOKEN), down(CROWD))
    case.at(100, down(SPOKEN), up(CROWD))

    assert case.at(130, down(SPOKEN), down(CROWD)) is SUSPECT
    assert case.at(130 + CONFIRM - 1, down(SPOKEN), down(CROWD)) is SUSPECT
    assert case.at(130 + CONFIRM, down(SPOKEN), down(CROWD)) is DOWN


def test_time_in_which_nobody_looked_completes_no_verdict() -> None:
    """The machine was asleep: slow sources are still good when it wakes, and nobody has looked for longer."""
    case = Case()
    asleep = [seen(down(CROWD), good_for=760), seen(down(OFFICIAL), good_for=310)]
    case.at(5, *asleep)

    assert case.at(200, *asleep) is SUSPECT
    assert case.at(201, asleep[0], down(OFFICIAL)) is DOWN


def test_time_in_which_nobody_looked_completes_no_recovery() -> None:
    case = Case(DOWN, voted={CROWD: NOON, OFFICIAL: NOON})
    asleep = [seen(up(CROWD), good_for=2000), seen(up(OFFICIAL), good_for=2000)]
    case.at(5, *asleep)

    assert case.at(5 + RECOVER, *asleep) is BACK
    assert case.at(6 + RECOVER, asleep[0], up(OFFICIAL)) is OK


def test_the_configuration_may_ask_for_three_classes() -> None:
    case = Case(rules=Rules(classes=3))
    case.at(0, down(SPOKEN), down(CROWD))

    assert case.at(900, down(SPOKEN), down(CROWD)) is SUSPECT
    case.at(901, down(SPOKEN), down(CROWD), down(OFFICIAL))
    assert case.at(901 + CONFIRM, down(SPOKEN), down(CROWD), down(OFFICIAL)) is DOWN


def test_a_green_official_page_vetoes_nothing() -> None:
    """R5: a page lags, and a landing page may work while posting fails."""
    case = Case()
    evidence = (down(SPOKEN), down(CROWD), up(OFFICIAL), up(HERE))
    case.at(0, *evidence)

    assert case.at(CONFIRM, *evidence) is DOWN


def test_degraded_never_completes_a_verdict() -> None:
    case = Case()

    for second in range(0, 3600, 30):
        assert case.at(second, down(CROWD), degraded(OFFICIAL), degraded(SPOKEN)) is SUSPECT


def test_degraded_alone_is_suspect() -> None:
    assert Case().at(0, degraded(OFFICIAL), up(SPOKEN)) is SUSPECT


# -- R2, R4: who never votes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sighting",
    [account(), network(), unknown(), account(CROWD), network(OFFICIAL), unknown(ELSEWHERE)],
    ids=lambda one: f"{one.evidence.value}-{one.fault.value if one.fault else 'unknown'}",
)
def test_account_network_and_unknown_never_vote(sighting: Sighting) -> None:
    case = Case()

    for second in range(0, 1800, 30):
        assert (
            case.at(second, sighting, seen(sighting, probe="another", at=NOON + second), down(OFFICIAL)) is not DOWN
        )


def test_account_trouble_beside_one_class_stays_with_people() -> None:
    """Several tokens failing at once with other evidence is for a person, never for the public."""
    case = Case()
    evidence = [seen(account(), probe=name, at=NOON) for name in ("page", "app", "bot")]

    assert case.at(0, *evidence, down(CROWD)) is SUSPECT
    assert case.at(1800, *[replace(one, good_until=NOON + 9e9) for one in evidence], down(CROWD)) is SUSPECT


def test_a_vote_that_has_grown_stale_is_none() -> None:
    old = seen(down(CROWD), good_for=60)
    case = Case()
    case.at(0, down(SPOKEN), old)

    assert case.at(60, down(SPOKEN), old) is SUSPECT
    assert case.at(CONFIRM, down(SPOKEN), old) is SUSPECT


def test_an_answer_is_good_up_to_its_last_second() -> None:
    vote = seen(down(SPOKEN), good_for=60)

    assert sorted_(vote, now=NOON + 60).votes
    assert not sorted_(vote, now=NOON + 60.1).votes


def test_every_source_stale_is_unknown_and_not_down() -> None:
    case = Case()

    assert case.at(0, up(SPOKEN)) is OK
    assert case.at(900, seen(up(SPOKEN), good_for=60)) is U


# -- R3: our own line ------------------------------------------------------------------------------------------


def test_a_vote_from_here_counts_only_when_the_anchors_answered_after_it() -> None:
    vote = seen(down(HERE))

    assert not sorted_(vote, line=Line(good_at=NOON - 1)).votes
    assert sorted_(vote, line=Line(good_at=NOON)).votes.keys() == {HERE}


def test_what_works_from_here_needs_no_anchors() -> None:
    assert sorted_(seen(up(HERE)), line=Line(good_at=NOON - 1)).works


@pytest.mark.parametrize("evidence", [SPOKEN, ELSEWHERE, OFFICIAL, CROWD], ids=lambda one: one.value)
def test_other_votes_do_not_wait_for_the_anchors(evidence: Evidence) -> None:
    assert sorted_(seen(down(evidence)), line=Line()).votes.keys() == {evidence}


def test_votes_from_here_that_wait_for_the_anchors_neither_confirm_nor_break_what_has_lasted() -> None:
    """Each look from here is asked about anew; the two minutes go on meanwhile, and end only with an answer."""
    case = Case()
    for second in range(0, 120, 15):
        case.at(second, down(HERE), down(CROWD), line=Line(good_at=NOON + second - 10))
        case.at(second + 1, seen(down(HERE), at=NOON + second), down(CROWD), line=Line(good_at=NOON + second + 1))
        assert case.standing.state is SUSPECT

    waiting = case.at(125, down(HERE), down(CROWD), line=Line(good_at=NOON + 106))
    assert waiting is SUSPECT, "a verdict needs votes that count at this moment"
    assert case.at(126, seen(down(HERE), at=NOON + 125), down(CROWD), line=Line(good_at=NOON + 126)) is DOWN


def test_a_vote_that_waits_for_the_anchors_does_not_start_the_two_minutes() -> None:
    case = Case()
    case.at(0, down(HERE), down(CROWD), line=Line(good_at=NOON - 1))
    case.at(100, down(HERE), down(CROWD))

    assert case.at(CONFIRM, down(HERE), down(CROWD)) is SUSPECT
    assert case.at(100 + CONFIRM, down(HERE), down(CROWD)) is DOWN


@pytest.mark.parametrize("others", [[], [up(OFFICIAL)]], ids=["alone", "beside a green page"])
def test_a_suspicion_from_here_does_not_flicker_while_each_look_waits_for_the_anchors(others: list[Sighting]) -> None:
    case = Case()
    case.at(0, down(HERE), *others)

    for second in range(15, 120, 15):
        assert case.at(second, down(HERE), *others, line=Line(good_at=NOON + second - 14)) is SUSPECT
        assert case.at(second + 1, seen(down(HERE), at=NOON + second), *others) is SUSPECT


def test_down_does_not_recover_while_a_vote_from_here_waits_for_the_anchors() -> None:
    case = Case(DOWN, voted={HERE: NOON, CROWD: NOON})
    works = (up(CROWD), seen(up(HERE), probe="landing page"))

    assert case.at(30, down(HERE), *works, line=Line(good_at=NOON)) is DOWN


def test_offline_freezes_every_state_and_starts_every_timer_anew() -> None:
    for state in State:
        case = Case(state, **agreed_for(119), calm_since=NOON - 899, voted={SPOKEN: NOON})

        assert case.at(1, down(SPOKEN), down(CROWD), offline="no anchor answers") is state
        assert case.at(2, up(SPOKEN), offline="no anchor answers") is state
        assert case.standing.quorum_since is None
        assert case.standing.undisputed_since is None
        assert case.standing.calm_since is None


def test_all_votes_made_while_our_line_was_dead_are_void_for_good() -> None:
    """A proxy's error page may look like the platform's own; looks made before the line came back tell nothing."""
    back = Line(good_at=NOON + 60, since=NOON + 60)
    votes = [seen(down(evidence)) for evidence in (HERE, SPOKEN, ELSEWHERE, OFFICIAL, CROWD)]

    assert not tally(votes, NOON + 61, back).votes
    assert tally([seen(down(SPOKEN), at=NOON + 60)], NOON + 61, back).votes.keys() == {SPOKEN}


def test_a_degradation_seen_while_our_line_was_dead_is_void_too() -> None:
    assert not tally([seen(degraded(SPOKEN))], NOON + 61, Line(good_at=NOON + 60, since=NOON + 60)).doubts


def test_a_persons_word_counts_while_we_are_offline() -> None:
    assert Case().at(0, offline="no anchor answers", declared=declared(Signal.DOWN)) is DOWN


# -- R6: recovery ----------------------------------------------------------------------------------------------


def test_recovery_is_slower_than_alarm() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})

    assert case.at(0, up(SPOKEN), up(CROWD)) is BACK
    assert case.at(RECOVER - 1, up(SPOKEN), up(CROWD)) is BACK
    assert case.at(RECOVER, up(SPOKEN), up(CROWD)) is OK


def test_a_relapse_while_recovering_is_down_again_and_the_quarter_of_an_hour_starts_anew() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})
    case.at(0, up(SPOKEN), up(CROWD))

    assert case.at(600, down(SPOKEN), up(CROWD)) is DOWN
    assert case.at(601, up(SPOKEN), up(CROWD)) is BACK
    assert case.at(601 + RECOVER - 1, up(SPOKEN), up(CROWD)) is BACK
    assert case.at(601 + RECOVER, up(SPOKEN), up(CROWD)) is OK


def test_a_gap_in_what_is_known_makes_the_quarter_of_an_hour_start_anew() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})
    case.at(0, up(SPOKEN), up(CROWD))

    assert case.at(600, unknown(SPOKEN), unknown(CROWD)) is BACK
    case.at(630, up(SPOKEN), up(CROWD))
    assert case.at(RECOVER + 1, up(SPOKEN), up(CROWD)) is BACK
    assert case.at(630 + RECOVER, up(SPOKEN), up(CROWD)) is OK


def test_every_class_that_voted_must_have_stopped() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})

    for second in range(0, 3600, 30):
        assert case.at(second, up(SPOKEN), down(CROWD)) is DOWN


def test_a_page_that_went_from_down_to_degraded_has_not_stopped() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, OFFICIAL: NOON})

    assert case.at(0, up(SPOKEN), degraded(OFFICIAL)) is DOWN


def test_a_class_that_voted_must_not_be_half_well() -> None:
    """Two official sources, and one of them still speaks of trouble."""
    case = Case(DOWN, voted={OFFICIAL: NOON})

    assert case.at(0, seen(up(OFFICIAL), probe="page"), seen(degraded(OFFICIAL), probe="feed")) is DOWN


def test_a_voter_that_falls_silent_during_recovery_makes_it_start_anew() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})
    case.at(0, up(SPOKEN), up(CROWD))

    for second in (60.0, RECOVER, SILENCE_FACTOR * RECOVER, (SILENCE_FACTOR + 1) * RECOVER - 1):
        assert case.at(second, up(SPOKEN), unknown(CROWD)) is BACK
    assert case.at((SILENCE_FACTOR + 1) * RECOVER, up(SPOKEN), unknown(CROWD)) is OK


def test_only_the_classes_of_this_outage_must_have_stopped() -> None:
    """A crowd that was noisy before it, and has fallen silent since, has nothing to do with it."""
    case = Case()
    case.at(0, up(SPOKEN), down(CROWD))
    case.at(30, down(SPOKEN), down(OFFICIAL))
    assert case.at(30 + CONFIRM, down(SPOKEN), down(OFFICIAL)) is DOWN

    assert case.at(300, up(SPOKEN), up(OFFICIAL), unknown(CROWD)) is BACK


def test_a_class_that_voted_before_the_quorum_came_about_is_not_waited_for() -> None:
    case = Case()
    case.at(0, down(CROWD), down(SPOKEN))
    case.at(30, unknown(CROWD), down(SPOKEN), down(OFFICIAL))
    case.at(30 + CONFIRM, unknown(CROWD), down(SPOKEN), down(OFFICIAL))
    assert case.standing.voted.keys() == {SPOKEN, OFFICIAL}

    assert case.at(300, up(SPOKEN), up(OFFICIAL), unknown(CROWD)) is BACK


def test_a_degradation_of_a_class_that_never_voted_does_not_block_recovery() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})

    assert case.at(0, up(SPOKEN), up(CROWD), degraded(OFFICIAL)) is BACK
    assert case.at(RECOVER, up(SPOKEN), up(CROWD), degraded(OFFICIAL)) is OK


def test_a_voter_that_fell_silent_blocks_recovery_and_then_releases_it() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})
    silent_for = SILENCE_FACTOR * RECOVER

    for second in (0.0, RECOVER, silent_for - 1):
        assert case.at(second, up(SPOKEN), unknown(CROWD)) is DOWN
    assert case.at(silent_for, up(SPOKEN), unknown(CROWD)) is BACK
    assert case.at(silent_for + RECOVER, up(SPOKEN), unknown(CROWD)) is OK


def test_a_class_that_joins_later_must_stop_too() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})
    case.at(0, down(SPOKEN), down(CROWD), down(OFFICIAL))

    assert case.at(30, up(SPOKEN), up(CROWD)) is DOWN
    assert case.at(60, up(SPOKEN), up(CROWD), up(OFFICIAL)) is BACK


def test_nothing_known_is_no_recovery() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON})

    for second in range(0, 12 * 3600, 600):
        assert case.at(second, unknown(SPOKEN)) is DOWN


def test_our_own_account_must_work_where_it_is_watched() -> None:
    case = Case(DOWN, rules=Rules(accounts=frozenset({"page"})), voted={SPOKEN: NOON})
    landing = up(SPOKEN)

    assert case.at(0, landing, seen(unknown(SPOKEN), probe="page")) is DOWN
    assert case.at(30, landing, seen(up(SPOKEN), probe="page", at=NOON + 30)) is BACK


def test_one_of_several_watched_accounts_is_enough() -> None:
    case = Case(DOWN, rules=Rules(accounts=frozenset({"page", "bot"})), voted={SPOKEN: NOON})

    assert case.at(0, seen(up(SPOKEN), probe="page"), seen(unknown(SPOKEN), probe="bot")) is BACK


def test_an_account_with_trouble_of_its_own_does_not_block_recovery() -> None:
    """An expired token says nothing about the platform, neither down nor up."""
    case = Case(DOWN, rules=Rules(accounts=frozenset({"page"})), voted={CROWD: NOON})

    assert case.at(0, up(CROWD), seen(account(), probe="page")) is BACK


# -- R7: crowds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("around", "after"),
    [
        pytest.param(Around(blamed=1, unreached=1), CONFIRM, id="this one only"),
        pytest.param(Around(blamed=2, unreached=1), WEAK, id="the crowd blames another"),
        pytest.param(Around(blamed=1, unreached=2), WEAK, id="another fails from here"),
        pytest.param(Around(blamed=2, unreached=2), None, id="both"),
        pytest.param(Around(blamed=3, unreached=1), None, id="the crowd blames three"),
        pytest.param(Around(blamed=1, unreached=3), None, id="three fail from here"),
        pytest.param(Around(blamed=1, unreached=1, kin_answers=True), None, id="its kin fails from here only"),
    ],
)
def test_the_crowd_and_what_fails_from_here_may_have_one_cause(around: Around, after: float | None) -> None:
    """A firewall, a provider, a region."""
    case, told = Case(), None
    for passed in range(0, 1800, 10):
        if case.at(passed, down(CROWD), down(HERE), around=around) is DOWN:
            told = passed
            break
    assert told == after
    assert is_torn(case.standing, sorted_(seen(down(CROWD)), seen(down(HERE)), around=around), NOON + 1800) == (
        after is None
    )


@pytest.mark.parametrize(
    "evidence",
    [
        (down(CROWD), down(HERE), down(OFFICIAL)),
        (down(CROWD), down(SPOKEN)),
        (down(HERE), down(SPOKEN)),
        (down(OFFICIAL), down(SPOKEN)),
    ],
    ids=["a third class", "crowd and spoken", "here and spoken", "neither"],
)
def test_spikes_everywhere_do_not_weaken_other_evidence(evidence: tuple[Sighting, ...]) -> None:
    case = Case()
    case.at(0, *evidence, around=Around(blamed=5))

    assert case.at(CONFIRM, *evidence, around=Around(blamed=5)) is DOWN


# -- R8: the first look ----------------------------------------------------------------------------------------


def test_the_first_look_after_a_start_never_suffices() -> None:
    case = Case(U)
    first = [seen(down(evidence), looks=1, good_for=9e9) for evidence in (SPOKEN, CROWD, OFFICIAL, ELSEWHERE)]

    for second in range(0, 3600, 30):
        assert case.at(second, *first) is SUSPECT


def test_from_the_second_look_on_the_two_minutes_count() -> None:
    case = Case(U)
    case.at(0, seen(down(SPOKEN), looks=1), seen(down(CROWD), looks=1))
    case.at(15, down(SPOKEN), seen(down(CROWD), looks=1))

    assert case.at(CONFIRM, down(SPOKEN), seen(down(CROWD), looks=1)) is SUSPECT
    assert case.at(15 + CONFIRM, down(SPOKEN), seen(down(CROWD), looks=1)) is DOWN


# -- what this run has borne out -------------------------------------------------------------------------------


def test_a_verdict_of_this_run_is_borne_out() -> None:
    case = Case()
    case.at(0, down(SPOKEN), down(CROWD))
    assert not case.standing.upheld

    case.at(CONFIRM, down(SPOKEN), down(CROWD))
    assert case.standing.upheld


def test_a_state_of_an_earlier_run_is_borne_out_by_evidence_as_strong_as_a_verdict_needs() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})

    case.at(0, seen(down(SPOKEN), looks=1), seen(down(CROWD), looks=1))
    assert not case.standing.upheld, "a first look"
    case.at(15, down(SPOKEN))
    assert not case.standing.upheld, "one class"
    case.at(30, down(SPOKEN), down(CROWD))
    assert case.standing.upheld


def test_a_relapse_on_one_vote_is_not_borne_out() -> None:
    """R1: one class alone says nothing in public, not even while the platform is recovering."""
    case = Case(BACK, voted={SPOKEN: NOON, CROWD: NOON}, upheld=True)

    assert case.at(0, up(SPOKEN), down(CROWD)) is DOWN
    assert not case.standing.upheld
    case.at(30, down(SPOKEN), down(CROWD))
    assert case.standing.upheld


def test_a_degradation_while_recovering_is_not_borne_out() -> None:
    case = Case(BACK, voted={SPOKEN: NOON, OFFICIAL: NOON}, upheld=True)

    assert case.at(0, up(SPOKEN), degraded(OFFICIAL)) is DOWN
    assert not case.standing.upheld


def test_a_platform_that_works_again_is_borne_out_by_a_calm_look() -> None:
    case = Case(OK)
    case.at(0, unknown(SPOKEN))
    assert not case.standing.upheld

    case.at(30, up(SPOKEN))
    assert case.standing.upheld


def test_a_state_that_works_and_is_in_question_is_not_borne_out() -> None:
    case = Case(OK)
    case.at(0, down(HERE), line=Line(good_at=NOON - 1))

    assert (case.standing.state, case.standing.upheld) == (OK, False)


def test_what_was_borne_out_once_stays_so_while_sources_pause() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})
    case.at(0, down(SPOKEN), down(CROWD))
    case.at(30, down(SPOKEN), unknown(CROWD))

    assert case.standing.upheld


def test_nothing_from_before_our_line_died_is_borne_out_after_it() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON}, upheld=True)

    case.at(0, offline="no anchor answers")

    assert not case.standing.upheld


@pytest.mark.parametrize("signal", [Signal.UP, Signal.DOWN])
def test_a_persons_word_bears_itself_out(signal: Signal) -> None:
    case = Case(U)
    case.at(0, declared=declared(signal))

    assert case.standing.upheld


# -- a person's word -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", State, ids=lambda one: one.value)
def test_a_persons_word_alone_is_enough_at_once(state: State) -> None:
    assert Case(state).at(0, up(SPOKEN), up(CROWD), declared=declared(Signal.DOWN)) is DOWN
    assert Case(state).at(0, down(SPOKEN), down(CROWD), declared=declared(Signal.UP)) is OK


def test_the_reason_names_who_declared_it_and_why() -> None:
    case = Case()
    case.at(0, declared=declared(Signal.DOWN, "I see it on three phones"))

    assert case.reasons == ["ann declared it down: I see it on three phones"]


def test_after_a_declared_down_is_withdrawn_the_sources_decide_the_recovery() -> None:
    case = Case()
    case.at(0, up(SPOKEN), declared=declared(Signal.DOWN))

    assert case.at(60, up(SPOKEN)) is BACK
    assert case.at(60 + RECOVER, up(SPOKEN)) is OK


def test_after_a_declared_up_is_withdrawn_two_minutes_of_quorum_are_down() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})

    assert case.at(0, down(SPOKEN), down(CROWD), declared=declared(Signal.UP)) is OK
    assert case.at(60, down(SPOKEN), down(CROWD)) is SUSPECT
    assert case.at(CONFIRM, down(SPOKEN), down(CROWD)) is DOWN


# -- maintenance -----------------------------------------------------------------------------------------------


def test_no_vote_counts_during_announced_maintenance() -> None:
    case = Case()

    for second in range(0, 1800, 30):
        state = case.at(second, down(SPOKEN), down(OFFICIAL), degraded(CROWD), up(HERE), quiet="announced by X")
        assert state is OK


def test_a_down_known_before_maintenance_recovers_only_by_what_works() -> None:
    case = Case(DOWN, voted={SPOKEN: NOON, CROWD: NOON})

    assert case.at(0, down(SPOKEN), down(CROWD), quiet="announced by X") is DOWN


@pytest.mark.parametrize(
    ("voted", "back"),
    [
        pytest.param(down(SPOKEN), up(HERE), id="a-page-that-failed-with-an-error-is-right-again"),
        pytest.param(down(ELSEWHERE), up(HERE), id="a-name-that-no-resolver-found-is-found"),
        pytest.param(down(HERE), up(SPOKEN), id="an-account-that-could-not-be-reached-answers"),
    ],
)
def test_a_voter_that_works_again_has_stopped_whatever_class_that_is_of(voted: Sighting, back: Sighting) -> None:
    case = Case()

    def at(second: float, own: Sighting, official: Sighting) -> State:
        now = NOON + second
        return case.at(second, seen(own, probe="a", at=now), seen(official, probe="page", at=now))

    at(0, voted, down(OFFICIAL))
    assert at(CONFIRM, voted, down(OFFICIAL)) is DOWN
    assert at(300, back, up(OFFICIAL)) is BACK
    assert at(300 + RECOVER, back, up(OFFICIAL)) is OK


def test_one_voter_that_works_again_does_not_speak_for_another_of_its_class() -> None:
    """R5: a landing page that works says nothing of posts that fail."""
    case = Case()

    def at(second: float, web: Sighting, posts: Sighting, page: Sighting) -> State:
        said = {"web": web, "posts": posts, "page": page}
        return case.at(second, *(seen(one, probe=name, at=NOON + second) for name, one in said.items()))

    at(0, down(SPOKEN), down(SPOKEN), down(OFFICIAL))
    assert at(CONFIRM, down(SPOKEN), down(SPOKEN), down(OFFICIAL)) is DOWN
    assert at(300, up(HERE), unknown(SPOKEN), up(OFFICIAL)) is DOWN
    assert at(CONFIRM + SILENCE_FACTOR * RECOVER, up(HERE), unknown(SPOKEN), up(OFFICIAL)) is BACK


def test_who_voted_before_a_restart_is_not_known() -> None:
    """So one that votes again afterwards does not speak for the others."""
    case = Case(DOWN, voted={SPOKEN: NOON})
    case.at(0, seen(down(SPOKEN), probe="web"))

    assert case.at(60, seen(up(HERE), probe="web")) is DOWN


# -- disputed: our own looks say otherwise -----------------------------------------------------------------------

WATCHED = Rules(pages=frozenset({"web", "api"}), accounts=frozenset({"account"}), lookups=frozenset({"dns"}))
"""As the catalogue watches a platform: two pages, an account of ours, its name."""


def at_once(*observations: tuple[str, Sighting]) -> float | None:
    """After how many seconds of agreement it is DOWN, looked at every ten seconds; None: not within half an hour."""
    case = Case(OK, rules=WATCHED)
    for passed in range(0, 1801, 10):
        if case.at(passed, *(seen(one, probe=name, at=NOON + passed) for name, one in observations)) is DOWN:
            return passed
    return None


WEB_FAILS, API_FAILS, SURGE = ("web", down(HERE)), ("api", down(SPOKEN)), ("downdetector", down(CROWD))
WEB_WORKS, API_WORKS, LOGGED_IN = ("web", up(HERE)), ("api", up(HERE)), ("account", up(SPOKEN))
REFUSED, RED, FOUND = ("account", down(SPOKEN)), ("status", down(OFFICIAL)), ("dns", up(HERE))
NO_NAME, FAR_AWAY = ("dns", down(ELSEWHERE)), ("globalping", down(ELSEWHERE))
REACHED = ("globalping", up(ELSEWHERE))


@pytest.mark.parametrize(
    ("observations", "after"),
    [
        pytest.param([WEB_FAILS, API_FAILS, SURGE], CONFIRM, id="everything of ours fails"),
        pytest.param([WEB_FAILS, API_FAILS, LOGGED_IN, SURGE], CONFIRM, id="most of ours fails"),
        pytest.param([("api", down(HERE)), WEB_WORKS, SURGE], DISPUTED, id="one fails and one is answered"),
        pytest.param([API_FAILS, WEB_WORKS, SURGE], CONFIRM, id="one is refused and one is answered"),
        pytest.param([API_FAILS, WEB_WORKS, FAR_AWAY], DISPUTED, id="one is refused, and nobody tells of it"),
        pytest.param([API_FAILS, WEB_WORKS, LOGGED_IN, RED], DISPUTED, id="most of ours is answered"),
        pytest.param([API_FAILS, WEB_WORKS, LOGGED_IN, RED, SURGE], CONFIRM, id="a third class ends the dispute"),
        pytest.param([WEB_WORKS, SURGE, RED], DISPUTED, id="others say so and we see nothing"),
        pytest.param([WEB_WORKS, NO_NAME, SURGE], DISPUTED, id="the name is gone and the page is shown"),
        pytest.param([SURGE, RED], CONFIRM, id="we do not look ourselves"),
        pytest.param([("web", unknown(HERE)), SURGE, RED], CONFIRM, id="our look cannot tell"),
        pytest.param([FOUND, WEB_FAILS, SURGE], CONFIRM, id="a name that is found disputes nothing"),
        pytest.param([WEB_WORKS, API_WORKS, REFUSED, SURGE], CONFIRM, id="pages are shown and posting fails (2019)"),
        pytest.param([WEB_WORKS, API_WORKS, REFUSED, RED], CONFIRM, id="pages are shown and logging in fails (2024)"),
        pytest.param([WEB_WORKS, REFUSED, NO_NAME], DISPUTED, id="the account and the name, and the page is shown"),
        pytest.param([WEB_FAILS, API_FAILS], CONFIRM, id="our own looks, and none is answered"),
        pytest.param([WEB_FAILS, API_FAILS, LOGGED_IN], DISPUTED, id="our own looks alone, and one is answered"),
        pytest.param([WEB_WORKS, REFUSED, API_FAILS], None, id="our own looks alone: one class"),
        pytest.param([WEB_FAILS, FAR_AWAY, SURGE], CONFIRM, id="neither from here nor from elsewhere"),
        pytest.param([WEB_FAILS, REACHED, SURGE], None, id="a region: here and the crowd, but not elsewhere"),
        pytest.param([WEB_FAILS, REACHED, SURGE, RED], CONFIRM, id="from here and on the status page"),
    ],
)
def test_what_our_own_looks_dispute_must_last_longer(
    observations: list[tuple[str, Sighting]], after: float | None
) -> None:
    assert at_once(*observations) == after


def test_a_page_that_was_long_red_by_itself_and_one_refusal_are_disputed() -> None:
    """In 2019 our account was refused first; here a page has been red for an hour while everybody could post."""
    case, red = Case(OK, rules=WATCHED), seen(down(OFFICIAL), probe="status", good_for=9e9)
    works = [seen(up(HERE), probe=name, good_for=9e9) for name in ("web", "api")]
    for passed in range(0, 3600, 60):
        case.at(passed, red, *works, seen(up(SPOKEN), probe="account", at=NOON + passed))
    for passed in range(3600, 3600 + int(DISPUTED), 30):
        fresh = [replace(one, at=NOON + passed) for one in (red, *works)]
        assert case.at(passed, *fresh, seen(down(SPOKEN), probe="account", at=NOON + passed)) is SUSPECT


def test_as_soon_as_our_own_looks_fail_as_well_the_ordinary_time_is_enough() -> None:
    case = Case(OK, rules=WATCHED)
    works, fails = seen(up(HERE), probe="web", at=NOON), seen(down(HERE), probe="web", at=NOON + 300)
    for passed in range(0, 300, 10):
        assert case.at(passed, down(CROWD), down(OFFICIAL), replace(works, at=NOON + passed)) is SUSPECT
    for passed in range(300, 300 + int(CONFIRM), 10):
        assert case.at(passed, down(CROWD), down(OFFICIAL), replace(fails, at=NOON + passed)) is SUSPECT
    assert case.at(300 + CONFIRM, down(CROWD), down(OFFICIAL), replace(fails, at=NOON + 300 + CONFIRM)) is DOWN


def test_a_look_that_is_answered_in_between_begins_the_ordinary_time_anew() -> None:
    """A page that fails every other time, beside an error elsewhere that lasts for minutes."""
    case = Case(OK, rules=WATCHED)
    for passed in range(0, int(DISPUTED), 60):
        answer = down(HERE) if passed % 120 == 0 else up(HERE)
        assert (
            case.at(passed, down(ELSEWHERE), down(OFFICIAL), seen(answer, probe="web", at=NOON + passed)) is SUSPECT
        )


def test_that_its_name_is_found_elsewhere_is_not_that_it_answers_there() -> None:
    found = [seen(up(ELSEWHERE), probe="dns")]

    assert not sorted_(*found, lookups=frozenset({"dns"})).reached
    assert sorted_(*found).reached


def test_a_vote_that_waits_for_our_line_is_counted_once() -> None:
    """One page fails and one is shown: disputed, whether or not the anchors have answered since the last look."""
    case = Case(OK, rules=WATCHED)
    for passed in range(0, 300, 10):
        now = NOON + passed
        fails, works = seen(down(HERE), probe="web", at=now), seen(up(HERE), probe="api", at=now)
        line = Line(good_at=now - 5 if passed % 20 else now + 1)
        assert case.at(passed, down(CROWD), fails, works, line=line) is SUSPECT


# -- the clock -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_clock_that_is_set_changes_nothing_that_has_lasted(seconds: float) -> None:
    timers = {
        "quorum_since": NOON - 5,
        "undisputed_since": NOON - 4,
        "calm_since": NOON - 7,
        "first_since": NOON - 8,
        "first_at": NOON - 3,
    }
    before = standing(DOWN, **timers, voted={SPOKEN: NOON - 9})

    after = shifted(before, seconds)

    later = {name: at + seconds for name, at in timers.items()}
    assert after == standing(DOWN, **later, since=NOON + seconds, voted={SPOKEN: NOON - 9 + seconds})
    assert shifted(standing(), seconds).quorum_since is None


# -- the decision table: which observation votes, row by row ---------------------------------------------------

VOTES, DOUBTS, WORKS, NOTHING, FOR_A_PERSON = "votes", "doubts", "works", "nothing", "account"

DECISIONS = [
    ("no default route", network(HERE), NOTHING),
    ("anchors fail or redirect (the sighting of a probe)", network(HERE, "captive portal"), NOTHING),
    ("the system's resolver fails, others do not", network(HERE, "our resolver"), NOTHING),
    ("SERVFAIL on three public resolvers", down(ELSEWHERE, "SERVFAIL everywhere"), VOTES),
    ("NXDOMAIN on one resolver only", network(HERE, "blocked by a resolver"), NOTHING),
    ("connection reset, one vantage", down(HERE, "connection reset"), VOTES),
    ("connections fail from three networks in two countries", down(ELSEWHERE, "5 of 6 probes fail"), VOTES),
    ("connections fail here, others pass", network(HERE, "only our route"), NOTHING),
    ("wrong certificate on several hosts", network(HERE, "interception"), NOTHING),
    ("HTTP 451, challenge page, HTML with 200", unknown(SPOKEN, "HTML where JSON was expected"), NOTHING),
    ("HTTP 503 of the API", down(SPOKEN, "HTTP 503"), VOTES),
    ("Graph 2 or WhatsApp 131016", down(SPOKEN, "Graph error 2"), VOTES),
    ("Graph 341", unknown(SPOKEN, "Graph error 341"), NOTHING),
    ("429, usage capped", account(SPOKEN, "quota used up"), FOR_A_PERSON),
    ("401, Graph 190", account(SPOKEN, "the token has expired"), FOR_A_PERSON),
    ("403, Graph 200", account(SPOKEN, "a permission is missing"), FOR_A_PERSON),
    ("Graph 368, suspended", account(SPOKEN, "the account is blocked"), FOR_A_PERSON),
    ("400, version sunset", account(SPOKEN, "our request is wrong"), FOR_A_PERSON),
    ("official page: major outage", down(OFFICIAL, "major outage"), VOTES),
    ("official page: partial outage", degraded(OFFICIAL, "partial outage"), DOUBTS),
    ("official page: all green", up(OFFICIAL, "all green"), WORKS),
    ("official page unreachable, component missing", unknown(OFFICIAL, "no such component"), NOTHING),
    ("Downdetector: danger", down(CROWD, "danger"), VOTES),
    ("Downdetector: warning", unknown(CROWD, "warning"), NOTHING),
    ("Downdetector itself fails", unknown(CROWD, "HTTP 502"), NOTHING),
    ("write accepted, read-back missing", degraded(SPOKEN, "our post does not appear"), DOUBTS),
]


@pytest.mark.parametrize(("sighting", "counts_as"), [row[1:] for row in DECISIONS], ids=[row[0] for row in DECISIONS])
def test_what_an_observation_counts_as(sighting: Sighting, counts_as: str) -> None:
    found = sorted_(seen(sighting))

    kinds = {VOTES: bool(found.votes), DOUBTS: found.doubts, WORKS: found.works, FOR_A_PERSON: found.account}
    assert [kind for kind, there in kinds.items() if there] == ([] if counts_as == NOTHING else [counts_as])
