"""What a turn of an incident makes us say, unsay or word anew; and when it may leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from failover.clearance import rehearsable, sayable
from failover.delivery import Approval, Delivery, Phase, StatementRow
from failover.holding import call_backups
from failover.incidents import Incident, Turn
from failover.model import Receipt, State, Statement
from failover.plans import House, Known, Plan, orphaned, overdue
from failover.routing import Route
from failover.statements import reword
from failover.turns import after_turn, silence
from failover.updates import update
from failover.welcome import welcome_back
from tests.core.stories import HOUR, META, MINUTE, NOON, VOICES, delivery, house, incident

HOLDING, AGAIN, INTERMITTENT = Statement.HOLDING, Statement.AGAIN, Statement.INTERMITTENT
WELCOME = Statement.WELCOME_BACK
DOWN, SUSPECT, BACK, UP, UNKNOWN = State.DOWN, State.SUSPECT, State.RECOVERING, State.UP, State.UNKNOWN

FACEBOOK = {"facebook": DOWN}
BOTH = {"facebook": DOWN, "instagram": DOWN}
OPEN = incident()
OPEN_BOTH = incident(platforms=("facebook", "instagram"), down=("facebook", "instagram"))
OVER = incident(down=(), closed_at=NOON + HOUR)
NOTHING = Known()


def opened(one: Incident = OPEN, states: dict[str, State] = FACEBOOK, house_: House | None = None) -> Plan:
    return after_turn(Turn.OPENED, one, NOTHING, states, house_ or house(), NOON)


def then(plan: Plan, **phases: Phase) -> Known:
    """What is known once the plan is written and its deliveries have got on."""
    rows = [replace(row, phase=phases.get(row.channel, row.phase)) for row in plan.deliveries]
    return Known(statements=plan.statements, deliveries=rows)


def by_channel(plan: Plan) -> dict[str, Delivery]:
    return {row.channel: row for row in plan.deliveries}


def phases(plan: Plan) -> dict[str, Phase]:
    return {row.channel: row.phase for row in plan.deliveries}


def statement(**changes: Any) -> StatementRow:
    values: dict[str, Any] = {
        "id": "7H",
        "incident": "7",
        "kind": HOLDING,
        "created_at": NOON,
        "latest": NOON + 30 * MINUTE,
        "release_at": NOON,
        **changes,
    }
    return StatementRow(**values)


# -- opening ---------------------------------------------------------------------------------------------------


def test_an_incident_opens_with_one_holding_statement_and_a_delivery_for_each_backup() -> None:
    plan = opened()

    [row] = plan.statements
    assert (row.id, row.kind, row.reference, row.latest) == ("7H", HOLDING, "F7H-181106", NOON + 30 * MINUTE)
    assert phases(plan) == dict.fromkeys(META.backups, Phase.READY)
    assert [one.id for one in plan.deliveries] == ["7H-telegram", "7H-email", "7H-blog"]


def test_every_text_names_what_is_down_where_else_we_are_and_its_reference() -> None:
    text = by_channel(opened())["telegram"].text

    assert text == "holding: facebook; see email, blog (F7H-181106)"


def test_a_channel_that_is_not_for_the_public_is_asked_and_not_advertised() -> None:
    route = replace(META, backups=("press-desk", "telegram", "blog"))
    rows = by_channel(opened(house_=house(routes=[route])))

    assert rows["press-desk"].phase is Phase.READY
    assert "press-desk" not in rows["telegram"].text


@pytest.mark.parametrize(("ordinal", "kind"), [(1, HOLDING), (2, AGAIN), (3, INTERMITTENT)])
def test_the_incident_decides_which_holding_statement_it_is(ordinal: int, kind: Statement) -> None:
    [row] = opened(incident(ordinal=ordinal)).statements

    assert (row.kind, row.id) == (kind, "7H")


def test_reach_asks_some_and_keeps_the_rest_on_standby() -> None:
    plan = opened(house_=house(routes=[replace(META, reach=1)]))

    assert phases(plan) == {"telegram": Phase.READY, "email": Phase.STANDBY, "blog": Phase.STANDBY}
    assert plan.called == ()


def test_a_backup_in_trouble_of_its_own_is_passed_over_with_the_reason() -> None:
    plan = opened(states={**FACEBOOK, "telegram": SUSPECT}, house_=house(routes=[replace(META, reach=1)]))

    assert phases(plan) == {"telegram": Phase.STANDBY, "email": Phase.READY, "blog": Phase.STANDBY}
    assert by_channel(plan)["telegram"].reason == "telegram itself is suspect"
    assert [(row.channel, why) for row, why in plan.called] == [
        ("email", "in place of telegram (telegram itself is suspect)")
    ]


def test_who_would_have_been_asked_anyway_takes_nobodys_place() -> None:
    plan = opened(states={**FACEBOOK, "telegram": SUSPECT})

    assert phases(plan) == {"telegram": Phase.STANDBY, "email": Phase.READY, "blog": Phase.READY}
    assert plan.called == ()


def test_of_two_that_are_wanted_only_the_third_takes_a_place() -> None:
    plan = opened(states={**FACEBOOK, "telegram": SUSPECT}, house_=house(routes=[replace(META, reach=2)]))

    assert [(row.channel, why) for row, why in plan.called] == [
        ("blog", "in place of telegram (telegram itself is suspect)")
    ]


def test_channels_that_share_the_fate_and_practice_channels_are_never_asked() -> None:
    route = replace(META, backups=("instagram-page", "rehearsal", "facebook-page", "blog"))

    assert list(phases(opened(house_=house(routes=[route])))) == ["blog"]


@pytest.mark.parametrize(
    "changes",
    [{"routes": ()}, {"routes": [replace(META, backups=())]}, {"routes": [replace(META, backups=("rehearsal",))]}],
    ids=["no route", "no backup", "practice only"],
)
def test_where_nobody_stands_in_nothing_is_planned(changes: dict[str, Any]) -> None:
    assert opened(house_=house(**changes)) == Plan()


def test_where_nothing_is_down_in_fact_nothing_is_planned() -> None:
    assert opened(states={"facebook": BACK}) == Plan()


def test_a_platform_without_a_stand_in_is_not_named() -> None:
    plan = opened(
        incident(platforms=("whatsapp", "facebook"), down=("whatsapp", "facebook")), {"whatsapp": DOWN, **FACEBOOK}
    )

    assert by_channel(plan)["blog"].platforms == ("facebook",)


# -- sign-off --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "release"), [("automatic", NOON), ("veto", NOON + 300), ("required", None)], ids=str
)
def test_sign_off_decides_when_it_may_leave(mode: str, release: float | None) -> None:
    plan = opened(house_=house(sign_off={HOLDING: mode}))

    [row] = plan.statements
    assert (row.mode, row.release_at) == (mode, release)
    assert row.latest == (release or NOON) + 30 * MINUTE
    assert {one.due for one in plan.deliveries} == {release or NOON}


@pytest.mark.parametrize("ordinal", [1, 2, 3])
def test_again_and_intermittent_need_the_sign_off_of_a_holding_statement(ordinal: int) -> None:
    [row] = opened(incident(ordinal=ordinal), house_=house(sign_off={HOLDING: "required"})).statements

    assert row.mode == "required"


@pytest.mark.parametrize("wait", [0.0, 12.0])
def test_it_waits_for_those_that_are_about_to_fall_too(wait: float) -> None:
    [row] = after_turn(Turn.OPENED, OPEN, NOTHING, FACEBOOK, house(), NOON, wait=wait).statements

    assert row.release_at == NOON + wait


# -- joining ---------------------------------------------------------------------------------------------------


def joined(known: Known, at: float = NOON + 20, house_: House | None = None) -> Plan:
    return after_turn(Turn.JOINED, OPEN_BOTH, known, BOTH, house_ or house(), at)


def test_what_is_unsaid_when_a_sibling_joins_names_both() -> None:
    plan = joined(then(opened()))

    assert {row.platforms for row in plan.deliveries} == {("facebook", "instagram")}
    assert "facebook, instagram" in by_channel(plan)["blog"].text
    assert {row.id for row in plan.deliveries} == {"7H-telegram", "7H-email", "7H-blog"}


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.UNSURE, Phase.SENT, Phase.HELD, Phase.LEFT])
def test_what_may_be_public_is_neither_worded_anew_nor_said_again(phase: Phase) -> None:
    assert joined(then(opened(), telegram=phase, email=phase, blog=phase)) == Plan()


@pytest.mark.parametrize(
    "changes", [{"draft": "d1"}, {"receipt": Receipt(remote_id="1")}], ids=["a draft on a service", "partly heard"]
)
def test_words_that_have_left_the_house_are_not_changed(changes: dict[str, Any]) -> None:
    known = then(opened())
    known = replace(known, deliveries=[replace(row, **changes) for row in known.deliveries])

    assert joined(known) == Plan()


def test_what_a_person_approved_is_not_worded_anew() -> None:
    plan = opened()
    approved = replace(plan, statements=tuple(replace(row, decision="approved") for row in plan.statements))

    assert joined(then(approved)) == Plan()


def test_a_sibling_brings_its_own_backups_under_the_same_statement_while_that_may_still_be_said() -> None:
    facebook = replace(META, platforms=("facebook",), backups=("telegram",))
    instagram = Route(platforms=("instagram",), primaries=("instagram-page",), backups=("telegram", "blog"))
    both = house(routes=[facebook, instagram])
    plan = joined(then(opened(house_=both), telegram=Phase.SENT), house_=both)

    assert [row.id for row in plan.statements] == ["7H"]
    assert phases(plan) == {"blog": Phase.READY}


@pytest.mark.parametrize(
    ("mode", "changes", "at", "expected"),
    [
        ("automatic", {}, NOON + 20, "7H"),
        ("automatic", {}, NOON + 31 * MINUTE, "7H2"),
        ("veto", {}, NOON + 299, "7H"),
        ("veto", {}, NOON + 300, "7H2"),
        ("required", {}, NOON + 20, "7H"),
        ("required", {"decision": "approved", "release_at": NOON}, NOON + 20, "7H2"),
    ],
    ids=["automatic", "too old", "veto runs", "veto is over", "waits for approval", "approved"],
)
def test_a_sibling_on_another_route_needs_a_statement_that_may_still_be_said_and_signed_off(
    mode: str, changes: dict[str, Any], at: float, expected: str
) -> None:
    """Nobody has approved the words for its audience; and what is too old would never be said there."""
    facebook = replace(META, platforms=("facebook",), backups=("telegram",))
    instagram = Route(platforms=("instagram",), primaries=(), backups=("blog",))
    both = house(routes=[facebook, instagram], sign_off={HOLDING: mode})
    first = opened(house_=both)
    first = replace(first, statements=tuple(replace(row, **changes) for row in first.statements))

    plan = joined(then(first, telegram=Phase.SENT), at, both)

    [row] = plan.statements
    assert row.id == expected
    assert row.latest > at
    assert row.mode == mode
    assert [(one.channel, one.statement_id) for one in plan.deliveries] == [("blog", expected)]


def test_a_veto_stops_everything_of_the_incident_also_for_those_who_join_later() -> None:
    plan = opened()
    vetoed = Known(statements=[replace(plan.statements[0], decision="vetoed")])

    assert joined(vetoed) == Plan()
    assert after_turn(Turn.REOPENED, OPEN, vetoed, FACEBOOK, house(), NOON + HOUR) == Plan()


def test_one_platform_back_and_the_other_not_is_worded_so_where_it_is_unsaid() -> None:
    known = then(opened(OPEN_BOTH, BOTH), telegram=Phase.SENT)
    rest = replace(OPEN_BOTH, down=("instagram",))

    plan = after_turn(Turn.PARTLY_RECOVERED, rest, known, {"facebook": UP, "instagram": DOWN}, house(), NOON + 60)

    assert {row.channel: row.platforms for row in plan.deliveries} == dict.fromkeys(("email", "blog"), ("instagram",))


def test_what_names_the_right_platforms_already_is_left_alone() -> None:
    """Or every tick would write every row again."""
    assert reword(OPEN, then(opened()), FACEBOOK, house(), NOON + 60) == Plan()


def test_words_for_a_channel_that_is_gone_are_not_looked_for() -> None:
    known = Known(deliveries=[delivery(channel="carrier-pigeon")])

    assert reword(OPEN_BOTH, known, BOTH, house(), NOON + 60) == Plan()


def test_who_refused_a_statement_is_not_asked_for_the_same_one_again() -> None:
    known = then(opened(), telegram=Phase.REFUSED, email=Phase.SENT, blog=Phase.SENT)

    assert joined(known) == Plan()


def test_what_is_on_its_way_back_is_not_named_where_it_is_unsaid() -> None:
    plan = reword(OPEN_BOTH, then(opened(OPEN_BOTH, BOTH)), {"facebook": DOWN, "instagram": BACK}, house(), NOON + 60)

    assert {row.platforms for row in plan.deliveries} == {("facebook",)}


def test_while_nothing_is_down_in_fact_words_stay_as_they_are() -> None:
    known = then(opened(OPEN_BOTH, BOTH))

    assert reword(OPEN_BOTH, known, {"facebook": BACK, "instagram": BACK}, house(), NOON + 60) == Plan()


# -- where people are sent -------------------------------------------------------------------------------------

TELEGRAM_ILL = {**FACEBOOK, "telegram": SUSPECT}


def place_names(plan: Plan) -> dict[str, tuple[str, ...]]:
    """channel -> the other places that its text names."""
    return {row.channel: row.elsewhere for row in plan.deliveries}


@pytest.mark.parametrize("state", [DOWN, SUSPECT, BACK])
def test_nobody_is_sent_to_a_channel_whose_own_platform_is_in_trouble(state: State) -> None:
    """`Reach us on Telegram`, said seconds before `Telegram is not working`, is worse than no hint at all."""
    rows = by_channel(opened(states={**FACEBOOK, "telegram": state}))

    assert rows["email"].text == "holding: facebook; see blog (F7H-181106)"
    assert rows["blog"].text == "holding: facebook; see email (F7H-181106)"


@pytest.mark.parametrize("state", [UNKNOWN, UP])
def test_a_channel_of_whose_platform_nothing_bad_is_known_is_named(state: State) -> None:
    assert place_names(opened(states={**FACEBOOK, "telegram": state}))["email"] == ("telegram", "blog")


def test_where_no_other_place_is_left_none_is_named() -> None:
    route = replace(META, backups=("telegram", "email"))

    assert place_names(opened(states=TELEGRAM_ILL, house_=house(routes=[route])))["email"] == ()


@pytest.mark.parametrize(
    "failing",
    [
        delivery(phase=Phase.REFUSED, attempts=1),
        delivery(phase=Phase.EXPIRED, attempts=3),
        delivery(phase=Phase.READY, attempts=2),
    ],
    ids=["refused", "expired after attempts", "not reached twice"],
)
def test_nobody_is_sent_to_a_channel_that_gave_up(failing: Delivery) -> None:
    known = then(opened(), email=Phase.SENT)
    known = Known(statements=known.statements, deliveries=[failing, *known.deliveries[1:]])

    plan = update(OPEN, known, FACEBOOK, house(), NOON + HOUR)

    assert place_names(plan) == {"email": ("blog",)}


def test_a_channel_that_nobody_had_time_to_approve_for_is_still_a_place_to_go() -> None:
    known = then(opened(), telegram=Phase.EXPIRED, email=Phase.SENT)

    assert place_names(update(OPEN, known, FACEBOOK, house(), NOON + HOUR)) == {"email": ("telegram", "blog")}


def test_an_unsaid_text_no_longer_names_a_place_that_has_got_into_trouble() -> None:
    known = then(opened(), blog=Phase.SENT)

    plan = reword(OPEN, known, TELEGRAM_ILL, house(), NOON + 60)

    assert {row.channel: row.text for row in plan.deliveries} == {"email": "holding: facebook; see blog (F7H-181106)"}
    assert reword(OPEN, plan.on(known), TELEGRAM_ILL, house(), NOON + 90) == Plan()


def test_a_place_that_is_well_again_is_not_put_back_into_a_text() -> None:
    """Or a person who is to approve would be asked about another text at every flicker."""
    known = then(opened(states=TELEGRAM_ILL))

    assert reword(OPEN, known, FACEBOOK, house(), NOON + 60) == Plan()


def test_what_was_approved_or_lies_as_a_draft_keeps_its_words_wherever_it_sends_people() -> None:
    known = then(opened())
    approved = replace(known, statements=[replace(known.statements[0], decision="approved")])
    drafts = replace(known, deliveries=[replace(row, draft="12") for row in known.deliveries])

    first = Approval(by="ann", who="user ann", at=NOON, seal="1")
    half = replace(known, statements=[replace(known.statements[0], approvals=(first,), persons=2)])
    assert reword(OPEN, approved, TELEGRAM_ILL, house(), NOON + 60) == Plan()
    assert reword(OPEN, half, TELEGRAM_ILL, house(), NOON + 60) == Plan()
    assert reword(OPEN, drafts, TELEGRAM_ILL, house(), NOON + 60) == Plan()


def test_a_welcome_back_sends_nobody_to_a_place_in_trouble_either() -> None:
    heard = then(opened(), telegram=Phase.SENT, email=Phase.SENT, blog=Phase.SENT)
    plan = welcome_back(OVER, heard, {"telegram": DOWN}, house(), NOON + HOUR)

    assert place_names(plan)["email"] == ("blog",)


# -- the end ---------------------------------------------------------------------------------------------------


def closed(known: Known, at: float = NOON + HOUR, one: Incident = OVER, **changes: Any) -> Plan:
    return after_turn(Turn.CLOSED, one, known, {}, house(**changes), at)


def test_recovery_cancels_what_is_unsaid_and_welcomes_back_who_heard_and_the_primary() -> None:
    plan = closed(then(opened(), telegram=Phase.SENT, email=Phase.REFUSED))

    assert {row.id: row.phase for row in plan.deliveries} == {
        "7H-blog": Phase.CANCELLED,
        "7W-telegram": Phase.READY,
        "7W-facebook-page": Phase.READY,
    }
    [row] = plan.statements
    assert (row.id, row.kind, row.latest) == ("7W", WELCOME, NOON + HOUR + 12 * HOUR)


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.UNSURE, Phase.HELD])
def test_what_may_be_public_is_looked_for_and_its_audience_is_welcomed_back_once_it_is_found(phase: Phase) -> None:
    plan = closed(then(opened(), telegram=phase, email=Phase.REFUSED, blog=Phase.REFUSED), NOON + MINUTE)
    assert plan.statements == ()
    assert [(row.phase, row.latest) for row in plan.deliveries] == [(phase, NOON + MINUTE)]

    found = Known(deliveries=[replace(row, phase=Phase.SENT) for row in plan.deliveries])
    late = welcome_back(OVER, found, {}, house(), NOON + 2 * HOUR)
    assert sorted(row.channel for row in late.deliveries) == ["facebook-page", "telegram"]


def test_one_that_is_found_later_is_welcomed_back_with_the_others_words() -> None:
    first = closed(then(opened(), telegram=Phase.SENT, email=Phase.UNSURE, blog=Phase.REFUSED))
    known = first.on(then(opened(), telegram=Phase.SENT, email=Phase.SENT, blog=Phase.REFUSED))
    known = replace(
        known,
        deliveries=[row if row.id != "7H-email" else replace(row, phase=Phase.SENT) for row in known.deliveries],
    )

    late = welcome_back(OVER, known, {}, house(), NOON + 2 * HOUR)

    assert [(row.statement_id, row.channel) for row in late.deliveries] == [("7W", "email")]
    assert welcome_back(OVER, late.on(known), {}, house(), NOON + 2 * HOUR) == Plan()


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"latest": NOON + HOUR}, NOON + 2 * HOUR),
        ({"mode": "veto", "release_at": NOON + HOUR}, NOON + 2 * HOUR),
        ({"mode": "required", "decision": "approved"}, NOON + 2 * HOUR),
    ],
    ids=["too old", "veto is over", "approved"],
)
def test_one_that_is_found_later_gets_a_statement_of_its_own_where_the_first_takes_no_more(
    changes: dict[str, Any], at: float
) -> None:
    first = closed(then(opened(), telegram=Phase.SENT, email=Phase.REFUSED, blog=Phase.REFUSED))
    known = first.on(then(opened(), telegram=Phase.SENT, email=Phase.SENT, blog=Phase.REFUSED))
    known = replace(
        known,
        statements=[replace(row, **changes) if row.id == "7W" else row for row in known.statements],
        deliveries=[replace(row, phase=Phase.SENT) if row.id == "7H-email" else row for row in known.deliveries],
    )

    [late] = welcome_back(OVER, known, {}, house(), at).deliveries

    assert (late.statement_id, late.channel) == ("7W2", "email")
    assert late.latest > at


def test_where_nobody_heard_nobody_is_welcomed_back() -> None:
    plan = closed(then(opened()))

    assert plan.statements == ()
    assert set(phases(plan).values()) == {Phase.CANCELLED}


def test_a_primary_that_was_not_down_and_a_practice_primary_say_nothing() -> None:
    voices = {**VOICES, "facebook-page": replace(VOICES["facebook-page"], practice=True)}
    plan = closed(then(opened(), telegram=Phase.SENT), voices=voices)

    assert [row.channel for row in plan.deliveries if row.statement is WELCOME] == ["telegram"]


def test_a_welcome_back_that_somebody_objected_to_is_planned_no_more() -> None:
    known = Known(
        statements=[statement(id="7W", kind=WELCOME, decision="vetoed")], deliveries=[delivery(phase=Phase.SENT)]
    )

    assert welcome_back(OVER, known, {}, house(), NOON + HOUR) == Plan()


def test_twelve_hours_after_the_end_a_welcome_back_is_not_begun() -> None:
    known = Known(deliveries=[delivery(phase=Phase.SENT)])

    assert welcome_back(OVER, known, {}, house(), NOON + 13 * HOUR).deliveries
    assert welcome_back(OVER, known, {}, house(), NOON + 13 * HOUR + 1) == Plan()


def test_while_the_incident_is_open_nobody_is_welcomed_back() -> None:
    assert welcome_back(OPEN, Known(deliveries=[delivery(phase=Phase.SENT)]), {}, house(), NOON) == Plan()


def welcomed(known: Known) -> dict[str, tuple[str, ...]]:
    """channel -> the platforms that are said to work again, where two were down."""
    over = replace(OPEN_BOTH, down=(), closed_at=NOON + HOUR)
    plan = closed(known, one=over)
    assert len({row.statement_id for row in plan.deliveries}) == 1
    assert [row.position for row in plan.deliveries] == [*range(len(plan.deliveries))]
    return {row.channel: row.platforms for row in plan.deliveries}


def test_a_welcome_back_names_what_the_channel_was_told_of_and_nothing_else() -> None:
    """Instagram joined later, and where nobody was told of it, nobody has missed it; its own page tells of it."""
    known = then(opened(), telegram=Phase.SENT, email=Phase.SENT, blog=Phase.CANCELLED)
    joined_ = delivery(
        channel="email", statement=Statement.UPDATE, statement_id="7U", phase=Phase.SENT, platforms=("instagram",)
    )
    known = replace(known, deliveries=[*known.deliveries, joined_])

    both = ("facebook", "instagram")
    assert welcomed(known) == {
        "telegram": ("facebook",), "email": both, "facebook-page": both, "instagram-page": both,
    }  # fmt: skip


def test_what_nobody_heard_there_is_not_welcomed_back() -> None:
    known = then(opened(), telegram=Phase.SENT, email=Phase.SENT, blog=Phase.SENT)
    unsaid = delivery(statement=Statement.UPDATE, statement_id="7U", phase=Phase.EXPIRED, platforms=("instagram",))

    assert welcomed(replace(known, deliveries=[*known.deliveries, unsaid]))["telegram"] == ("facebook",)


def test_where_what_was_told_of_is_no_longer_routed_the_rest_is_named() -> None:
    known = Known(deliveries=[delivery(phase=Phase.SENT, platforms=("threads",))])

    assert welcomed(known)["telegram"] == ("facebook", "instagram")


# -- relapse ---------------------------------------------------------------------------------------------------


def test_a_relapse_cancels_an_unsaid_welcome_back_and_makes_no_second_pair() -> None:
    heard = then(opened(), telegram=Phase.SENT, email=Phase.SENT, blog=Phase.SENT)
    known = closed(heard).on(heard)

    plan = after_turn(Turn.REOPENED, OPEN, known, FACEBOOK, house(), NOON + 90 * MINUTE)

    assert plan.statements == ()
    assert {row.statement: row.phase for row in plan.deliveries} == {WELCOME: Phase.CANCELLED}


def test_after_a_relapse_only_who_was_not_welcomed_back_yet_is_at_the_end() -> None:
    heard = then(opened(), telegram=Phase.SENT, email=Phase.SENT, blog=Phase.SENT)
    first = closed(heard)
    said = replace(
        first,
        deliveries=tuple(
            replace(row, phase=Phase.SENT if row.channel == "telegram" else Phase.CANCELLED)
            for row in first.deliveries
        ),
    ).on(heard)

    again = closed(said, NOON + 3 * HOUR, replace(OVER, closed_at=NOON + 3 * HOUR))

    assert [row.id for row in again.deliveries] == ["7W2-email", "7W2-blog", "7W2-facebook-page"]


def test_after_a_relapse_who_had_not_heard_is_told_and_nobody_else() -> None:
    known = then(opened(), telegram=Phase.SENT, email=Phase.CANCELLED, blog=Phase.EXPIRED)

    plan = after_turn(Turn.REOPENED, OPEN, known, FACEBOOK, house(), NOON + 90 * MINUTE)

    [row] = plan.statements
    assert row.id == "7H2"
    assert phases(plan) == {"email": Phase.READY, "blog": Phase.READY}


def test_a_quick_relapse_tells_who_was_cancelled_though_the_first_statement_is_still_young() -> None:
    known = then(opened(), telegram=Phase.SENT, email=Phase.CANCELLED, blog=Phase.CANCELLED)

    plan = after_turn(Turn.REOPENED, OPEN, known, FACEBOOK, house(), NOON + 10 * MINUTE)

    assert [row.id for row in plan.deliveries] == ["7H2-email", "7H2-blog"]


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.UNSURE, Phase.HELD])
def test_what_is_in_doubt_at_a_relapse_is_wanted_again_and_not_planned_twice(phase: Phase) -> None:
    """Where it turns out unsaid, its audience would otherwise never hear of the relapse at all."""
    heard = then(opened(), telegram=phase, email=Phase.SENT, blog=Phase.SENT)
    known = closed(heard).on(heard)

    plan = after_turn(Turn.REOPENED, OPEN, known, FACEBOOK, house(), NOON + 2 * HOUR)

    [row] = [row for row in plan.deliveries if row.statement is HOLDING]
    assert (row.id, row.phase, row.latest) == ("7H-telegram", phase, NOON + 2 * HOUR + 30 * MINUTE)


def test_what_is_in_doubt_and_was_objected_to_is_not_wanted_again() -> None:
    known = Known(
        statements=[statement(decision="vetoed")], deliveries=[delivery(phase=Phase.UNSURE, latest=NOON + 1)]
    )

    assert after_turn(Turn.REOPENED, OPEN, known, FACEBOOK, house(), NOON + HOUR) == Plan()


# -- backups ---------------------------------------------------------------------------------------------------


def test_a_backup_steps_back_when_its_platform_fails_and_is_called_when_it_is_well() -> None:
    known = then(opened())
    ill = call_backups(OPEN, known, {**FACEBOOK, "telegram": DOWN}, house(), NOON)
    assert [(row.channel, row.phase, row.reason) for row in ill.deliveries] == [
        ("telegram", Phase.STANDBY, "telegram itself is down")
    ]

    well = call_backups(OPEN, ill.on(known), {**FACEBOOK, "telegram": UP}, house(), NOON)
    assert phases(well) == {"telegram": Phase.READY}


def test_calling_backups_twice_changes_nothing() -> None:
    states = {**FACEBOOK, "telegram": DOWN}
    known = then(opened(states=states, house_=house(routes=[replace(META, reach=1)])))

    assert call_backups(OPEN, known, states, house(routes=[replace(META, reach=1)]), NOON) == Plan()


def test_nobody_is_called_after_the_end() -> None:
    assert call_backups(OVER, then(opened(), telegram=Phase.STANDBY), {}, house(), NOON) == Plan()


def test_what_is_owed_on_a_channel_that_is_gone_is_dropped_or_put_before_a_person() -> None:
    rows = [delivery(channel=phase.value, phase=phase) for phase in Phase] + [delivery(phase=Phase.READY)]

    plan = orphaned(rows, VOICES, NOON)

    assert phases(plan) == {"standby": Phase.CANCELLED, "ready": Phase.CANCELLED, "unsure": Phase.HELD}


def test_a_silenced_incident_says_nothing_more_not_even_that_it_is_over() -> None:
    known = then(opened(), telegram=Phase.SENT, email=Phase.UNSURE)
    plan = silence(OVER, known, "facebook is no longer watched", NOON + MINUTE)

    assert phases(plan) == {"email": Phase.UNSURE, "blog": Phase.CANCELLED}
    assert by_channel(plan)["email"].latest == NOON + MINUTE
    assert welcome_back(OVER, plan.on(known), {}, house(), NOON + HOUR) == Plan()


def test_silence_takes_nothing_back_that_was_said_before() -> None:
    """The welcome back of before a relapse keeps its number."""
    known = Known(statements=[statement(), statement(id="7W", kind=WELCOME)])

    assert [row.id for row in silence(OVER, known, "facebook is no longer watched", NOON).statements] == ["7W2"]


# -- may it leave now? -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", Phase, ids=lambda one: one.value)
def test_what_is_unsaid_after_its_latest_time_expires(phase: Phase) -> None:
    late = delivery(phase=phase, latest=NOON - 1)

    ends = {Phase.STANDBY: [Phase.CANCELLED], Phase.READY: [Phase.EXPIRED]}
    assert [row.phase for row in overdue([late], NOON).deliveries] == ends.get(phase, [])
    assert overdue([replace(late, latest=NOON)], NOON) == Plan()


def test_a_backup_that_was_passed_over_to_the_end_has_not_been_able_to_say_it() -> None:
    late = delivery(phase=Phase.STANDBY, latest=NOON - 1, reason="telegram itself is down")

    [row] = overdue([late], NOON).deliveries
    assert row.phase is Phase.EXPIRED


def may_leave(
    row: Delivery | None = None,
    said: StatementRow | None = None,
    one: Incident = OPEN,
    now: float = NOON,
    **states: State,
) -> bool:
    return sayable(row or delivery(), said or statement(), one, states, now)


@pytest.mark.parametrize(
    ("changes", "now", "leaves"),
    [
        ({}, NOON, True),
        ({"release_at": None}, NOON, False),
        ({"release_at": NOON + 1}, NOON, False),
        ({"release_at": NOON + 1}, NOON + 1, True),
        ({"decision": "vetoed"}, NOON, False),
        ({"decision": "approved"}, NOON, True),
    ],
    ids=["released", "waits for approval", "veto runs", "veto is over", "vetoed", "approved"],
)
def test_it_leaves_only_signed_off(changes: dict[str, Any], now: float, leaves: bool) -> None:
    assert may_leave(said=statement(**changes), now=now, facebook=DOWN) is leaves


@pytest.mark.parametrize(
    ("now", "leaves"), [(NOON - 1, False), (NOON, True), (NOON + 1799, True), (NOON + 1800, False)]
)
def test_it_leaves_neither_before_it_is_due_nor_when_it_is_too_late(now: float, leaves: bool) -> None:
    assert may_leave(said=statement(release_at=0.0), now=now, facebook=DOWN) is leaves


@pytest.mark.parametrize("state", State, ids=lambda one: one.value)
def test_a_holding_statement_leaves_only_while_its_platform_is_down_in_fact(state: State) -> None:
    assert may_leave(facebook=state) is (state is DOWN)


def test_a_holding_statement_does_not_leave_when_its_incident_is_over() -> None:
    assert not may_leave(one=OVER, facebook=DOWN)
    assert not may_leave(one=OVER)


@pytest.mark.parametrize(
    ("down", "states", "leaves"),
    [
        (("facebook", "instagram"), BOTH, True),
        (("facebook", "instagram"), {"facebook": DOWN, "instagram": BACK}, False),
        (("facebook",), {"facebook": DOWN, "instagram": UP}, False),
        (("facebook", "instagram"), {"facebook": BACK, "instagram": BACK}, False),
    ],
    ids=["both down", "one on its way", "one is back", "both on their way"],
)
def test_words_that_name_a_platform_that_is_back_do_not_leave(
    down: tuple[str, ...], states: dict[str, State], leaves: bool
) -> None:
    one = replace(OPEN_BOTH, down=down)

    assert sayable(delivery(platforms=("facebook", "instagram")), statement(), one, states, NOON) is leaves


@pytest.mark.parametrize("state", State, ids=lambda one: one.value)
def test_a_welcome_back_leaves_only_while_nothing_is_in_trouble_again(state: State) -> None:
    row = delivery(statement=WELCOME, statement_id="7W", latest=NOON + 12 * HOUR)
    said = statement(id="7W", kind=WELCOME)

    assert may_leave(row, said, OVER, facebook=state) is (state in (UP, UNKNOWN))
    assert not may_leave(row, said, OPEN, facebook=state)


def test_of_two_plans_for_one_row_the_later_counts() -> None:
    first, second = Plan(deliveries=(delivery(text="a"),)), Plan(deliveries=(delivery(text="b"),))

    assert [row.text for row in (first + second).deliveries] == ["b"]
    assert [row.text for row in second.on(Known(deliveries=[delivery()])).deliveries] == ["b"]


def test_a_mailing_that_the_recovery_cut_off_goes_on_after_a_relapse() -> None:
    """Those whom it had not reached know nothing yet; the others are in its ledger."""
    cut = delivery(channel="email", phase=Phase.CANCELLED, receipt=Receipt(remote_id="m1"), ended_at=NOON)
    never = delivery(channel="blog", phase=Phase.CANCELLED, ended_at=NOON)
    known = Known(statements=[statement()], deliveries=[cut, never])
    plan = after_turn(Turn.REOPENED, OPEN, known, FACEBOOK, house(), NOON + 10 * MINUTE)
    rows = {row.id: row for row in plan.deliveries}

    assert (rows["7H-email"].phase, rows["7H-email"].due) == (Phase.READY, NOON + 10 * MINUTE)
    assert rows["7H-email"].latest == NOON + 40 * MINUTE
    assert "7H-blog" not in rows
    vetoed = Known(statements=[statement(decision="vetoed")], deliveries=[cut])
    assert after_turn(Turn.REOPENED, OPEN, vetoed, FACEBOOK, house(), NOON + 10 * MINUTE) == Plan()


# -- a drill -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "changes", "now", "leaves"),
    [
        ("rehearsal", {}, NOON, True),
        ("telegram", {}, NOON, False),
        ("press-desk", {}, NOON, False),
        ("facebook-page", {}, NOON, False),
        ("gone", {}, NOON, False),
        ("rehearsal", {"decision": "vetoed"}, NOON, False),
        ("rehearsal", {"release_at": None}, NOON, False),
        ("rehearsal", {}, NOON + 30 * MINUTE, False),
    ],
    ids=["practice", "public", "not public", "primary", "not configured", "vetoed", "waits for approval", "too late"],
)
def test_a_drill_leaves_for_practice_channels_only(
    channel: str, changes: dict[str, Any], now: float, leaves: bool
) -> None:
    row = delivery(channel=channel, statement=Statement.DRILL, statement_id="D1", incident="D1")
    said = statement(id="D1", incident="D1", kind=Statement.DRILL, drill=True, **changes)
    assert rehearsable(row, said, VOICES.get(channel), now) is leaves


# -- a false alarm ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phases", "welcomed"),
    [
        ({"telegram": Phase.RETRACTED, "email": Phase.RETRACTED, "blog": Phase.RETRACTED}, set()),
        ({"telegram": Phase.RETRACTED, "email": Phase.SENT, "blog": Phase.RETRACTED}, {"email"}),
        ({"telegram": Phase.RETRACTED, "email": Phase.LEFT, "blog": Phase.REFUSED}, {"email"}),
        (
            {"telegram": Phase.SENT, "email": Phase.SENT, "blog": Phase.REFUSED},
            {"telegram", "email", "facebook-page"},
        ),
    ],
    ids=["all taken back", "a mail stays", "one that nobody can tell of", "nothing taken back"],
)
def test_where_it_was_taken_back_and_on_the_primary_nobody_is_welcomed_back(
    phases: dict[str, Phase], welcomed: set[str]
) -> None:
    plan = closed(then(opened(), **phases))
    assert {row.channel for row in plan.deliveries if row.statement is WELCOME} == welcomed


def test_an_update_that_could_not_be_taken_back_is_followed_by_a_welcome_back() -> None:
    """Something still stands there that says it is down."""
    said = replace(statement(id="7U", kind=Statement.UPDATE), place=1)
    known = Known(
        statements=[statement(), said],
        deliveries=[
            delivery(phase=Phase.RETRACTED),
            delivery(phase=Phase.SENT, statement=Statement.UPDATE, statement_id="7U"),
        ],
    )
    assert {row.channel for row in welcome_back(OVER, known, {}, house(), NOON + HOUR).deliveries} == {"telegram"}
