"""Sign-off (rule S5): which mode holds where, what an approval covers, who two people are, who is asked when."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from failover.clearance import sayable
from failover.delivery import Approval, Delivery, Phase, StatementRow
from failover.desk import RequestError
from failover.holding import call_backups
from failover.incidents import Turn
from failover.model import State, Statement
from failover.plans import Known, Plan
from failover.signoff import (
    ASK,
    JOURNAL,
    REMIND,
    Asking,
    Person,
    Signing,
    barred,
    calls,
    code,
    covers,
    identity,
    is_waiting,
    seal,
    standing,
    text_seal,
    via_telegram,
)
from failover.statements import lapse, objected
from failover.turns import after_turn
from failover.updates import update
from failover.welcome import welcome_back
from tests.core.stories import GREEN, HOUR, MINUTE, NOON, RED, World, delivery, house, incident

H, U, W = Statement.HOLDING, Statement.UPDATE, Statement.WELCOME_BACK
DOWN = {"facebook": State.DOWN}


def own(**modes: str) -> dict[tuple[str, Statement], str]:
    return {(name, kind): mode for name, mode in modes.items() for kind in (H, U, W)}


def row(**changes: Any) -> StatementRow:
    values: dict[str, Any] = {
        "id": "7H",
        "incident": "7",
        "kind": H,
        "created_at": NOON,
        "latest": NOON + 30 * MINUTE,
        "mode": "required",
        **changes,
    }
    return StatementRow(**values)


def opened(usual: str = "automatic", reach: int | None = None, **modes: str) -> tuple[Plan, Any]:
    """The plan for a new incident; backups are telegram, email, blog."""
    rules = house(sign_off={H: usual, W: usual, U: usual}, signing=Signing(modes=own(**modes)))
    rules = replace(rules, routes=[replace(rules.routes[0], reach=reach)])
    return after_turn(Turn.OPENED, incident(), Known(), DOWN, rules, NOON), rules


def shape(plan: Plan) -> dict[str, tuple[str, dict[str, str]]]:
    """statement -> (mode, channel -> phase)."""
    return {
        one.id: (one.mode, {d.channel: d.phase.value for d in plan.deliveries if d.statement_id == one.id})
        for one in plan.statements
    }


# -- modes per channel -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usual", "modes", "wanted"),
    [
        ("veto", {}, {"7H": ("veto", ["telegram", "email", "blog"])}),
        (
            "automatic",
            {"email": "required"},
            {"7H": ("automatic", ["telegram", "blog"]), "7H2": ("required", ["email"])},
        ),
        (
            "automatic",
            {"telegram": "required", "email": "veto"},
            {"7H": ("automatic", ["blog"]), "7H2": ("required", ["telegram"]), "7H3": ("veto", ["email"])},
        ),
        ("required", {"blog": "required"}, {"7H": ("required", ["telegram", "email", "blog"])}),
        (
            "required",
            dict.fromkeys(("telegram", "email", "blog"), "automatic"),
            {"7H": ("automatic", ["telegram", "email", "blog"])},
        ),
    ],
    ids=["none", "one stricter", "three modes", "the same", "all looser"],
)
def test_channels_with_another_mode_have_a_statement_of_their_own(
    usual: str, modes: dict[str, str], wanted: dict[str, tuple[str, list[str]]]
) -> None:
    plan, _rules = opened(usual, **modes)

    assert {name: (mode, [*channels]) for name, (mode, channels) in shape(plan).items()} == wanted
    assert len({one.channel for one in plan.deliveries}) == len(plan.deliveries), "one holding per channel"


def test_who_waits_for_sign_off_is_not_counted_on_while_others_need_none() -> None:
    """One must hear it.  Telegram is first and needs approval, so the next that needs none is asked beside it."""
    plan, rules = opened(reach=1, telegram="required")
    assert shape(plan) == {
        "7H": ("automatic", {"email": "ready", "blog": "standby"}),
        "7H2": ("required", {"telegram": "ready"}),
    }
    assert [reason for _row, reason in plan.called] == ["another backup waits for sign-off"]
    again = call_backups(incident(), plan.on(Known()), DOWN, rules, NOON + 60)
    assert again.deliveries == ()


def test_where_all_wait_nobody_is_asked_beside_them() -> None:
    plan, _rules = opened("required", reach=1)
    assert shape(plan) == {"7H": ("required", {"telegram": "ready", "email": "standby", "blog": "standby"})}


def test_an_objection_in_one_mode_leaves_the_others_alone() -> None:
    plan, rules = opened(email="required")
    vetoed = tuple(replace(one, decision="vetoed") if one.mode == "required" else one for one in plan.statements)
    gone = tuple(replace(one, phase=Phase.CANCELLED) if one.channel == "email" else one for one in plan.deliveries)
    known = Known(statements=vetoed, deliveries=gone)
    again = after_turn(Turn.JOINED, incident(), known, DOWN, rules, NOON + 60)
    assert not [one for one in again.deliveries if one.channel == "email" and one.phase is Phase.READY]
    heard = [
        replace(one, phase=Phase.SENT, ended_at=NOON) if one.phase is Phase.READY else one for one in known.deliveries
    ]
    told = update(incident(), Known(statements=vetoed, deliveries=heard), DOWN, rules, NOON + 600)
    assert {one.channel for one in told.deliveries} == {"telegram", "blog"}


def test_an_objection_counts_for_all_once_no_channel_has_its_mode_any_more() -> None:
    """The configuration was changed after somebody objected: it must not say what they stopped."""
    _plan, rules = opened("automatic")
    known = Known(statements=[row(mode="veto", decision="vetoed", decided_by="ann")])
    assert after_turn(Turn.JOINED, incident(), known, DOWN, rules, NOON) == Plan()


def test_the_welcome_back_and_updates_are_divided_in_the_same_way() -> None:
    plan, rules = opened(email="required")
    heard = tuple(replace(one, phase=Phase.SENT, ended_at=NOON) for one in plan.deliveries)
    known = Known(statements=plan.statements, deliveries=heard)
    told = update(incident(), known, DOWN, rules, NOON + 600)
    assert {name: (mode, [*channels]) for name, (mode, channels) in shape(told).items()} == {
        "7U": ("automatic", ["telegram", "blog"]),
        "7U2": ("required", ["email"]),
    }
    closed = incident(down=(), closed_at=NOON + 900)
    back = welcome_back(closed, known, {}, rules, NOON + 900)
    assert {name: mode for name, (mode, _channels) in shape(back).items()} == {"7W": "automatic", "7W2": "required"}
    assert {one.channel for one in back.deliveries if one.statement_id == "7W2"} == {"email"}
    assert welcome_back(closed, back.on(known), {}, rules, NOON + 901) == Plan()


def test_what_waits_in_one_mode_does_not_keep_the_next_update_from_the_others() -> None:
    plan, rules = opened(email="required")
    known = Known(
        statements=plan.statements,
        deliveries=tuple(replace(one, phase=Phase.SENT, ended_at=NOON) for one in plan.deliveries),
    )
    first = update(incident(), known, DOWN, rules, NOON + 600)
    said = [replace(one, phase=Phase.SENT) if one.channel != "email" else one for one in first.deliveries]
    known = replace(first, deliveries=tuple(said)).on(known)
    assert {one.channel for one in update(incident(), known, DOWN, rules, NOON + 1200).deliveries} == {
        "telegram",
        "blog",
    }


@pytest.mark.parametrize(("if_nobody", "release"), [("expire", None), ("release", NOON + 40 * MINUTE)])
def test_what_happens_when_nobody_answers_is_fixed_when_it_is_planned(if_nobody: str, release: float | None) -> None:
    """After the last group has had its time; the latest time comes after that."""
    people = (Person(name="Ann"), Person(name="Bob", group="deputies"))
    rules = house(sign_off={H: "required"}, signing=Signing(if_nobody=if_nobody, people=people))
    [made] = after_turn(Turn.OPENED, incident(), Known(), DOWN, rules, NOON).statements
    assert made.release_at == release
    assert made.latest == NOON + 70 * MINUTE


# -- what an approval covers -----------------------------------------------------------------------------------

TEXT = delivery()


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"phase": Phase.STANDBY}, True),
        ({"due": NOON + 5, "attempts": 3, "reason": "throttled"}, True),
        ({"text": "facebook works (F7H-181106)"}, False),
        ({"subject": "News"}, False),
        ({"channel": "email"}, False),
        ({"statement_id": "8H"}, False),
    ],
    ids=["nothing", "phase", "progress", "text", "subject", "channel", "statement"],
)
def test_the_seal_is_over_what_people_read_and_where(changes: dict[str, Any], same: bool) -> None:
    other = replace(TEXT, **changes)
    assert (text_seal(other, drill=False) == text_seal(TEXT, drill=False)) is same
    statement = row(id=other.statement_id)
    assert (seal(statement, [other]) == seal(row(), [TEXT])) is same


def test_parts_of_a_text_cannot_pass_for_another_division_of_it() -> None:
    one, other = replace(TEXT, subject="a", text="b c"), replace(TEXT, subject="a b", text="c")
    assert text_seal(one, drill=False) != text_seal(other, drill=False)


def test_a_drill_never_has_the_seal_of_the_real_thing() -> None:
    assert text_seal(TEXT, drill=True) != text_seal(TEXT, drill=False)
    assert len({seal(one, [TEXT]) for one in (row(), row(drill=True), row(kind=Statement.DRILL))}) == 2
    approved = approval(row(drill=True), TEXT)
    assert not covers(replace(approved, drill=False), TEXT, NOON)


def test_the_seal_follows_what_is_still_unsaid_in_a_fixed_order() -> None:
    second = replace(TEXT, id="7H-email", channel="email", position=1)
    assert seal(row(), [TEXT, second]) == seal(row(), [second, TEXT])
    assert seal(row(), [TEXT, second]) != seal(row(), [TEXT, replace(second, phase=Phase.SENT)])


def approval(statement: StatementRow, *texts: Delivery, until: float = NOON + 7200) -> StatementRow:
    seals = tuple(text_seal(one, drill=statement.drill) for one in texts)
    given = Approval(by="ann", who="user ann", at=NOON, seal=seal(statement, texts), texts=seals)
    return replace(
        statement, decision="approved", decided_by="ann", approvals=(given,), release_at=NOON, valid_until=until
    )


@pytest.mark.parametrize(
    ("now", "changes", "may"),
    [
        (NOON + 1, {}, True),
        (NOON + 1, {"text": "something else (F7H-181106)"}, False),
        (NOON + 1, {"channel": "blog"}, False),
        (NOON + 7200, {}, False),
    ],
    ids=["as approved", "another text", "another channel", "too old"],
)
def test_only_what_was_approved_is_said_and_only_while_the_approval_is_good(
    now: float, changes: dict[str, Any], may: bool
) -> None:
    asked = replace(TEXT, latest=NOON + 9000, **changes)
    assert sayable(asked, approval(row(), TEXT), incident(), DOWN, now) is may


def test_an_approval_of_an_older_version_still_holds() -> None:
    """It was written before texts were sealed."""
    old = row(decision="approved", decided_by="ann", release_at=NOON)
    assert sayable(TEXT, old, incident(), DOWN, NOON + 1)
    assert lapse(Known(statements=[old], deliveries=[TEXT]), house(), NOON + 9000) == Plan()


@pytest.mark.parametrize(
    ("now", "text", "phase", "why"),
    [
        (NOON + 60, TEXT.text, Phase.READY, ""),
        (NOON + 7200, TEXT.text, Phase.READY, "it was approved more than 2h ago"),
        (NOON + 7200, TEXT.text, Phase.SENT, ""),
        (NOON + 60, "other words", Phase.STANDBY, "the texts are no longer those that were approved"),
    ],
    ids=["good", "too old", "too old and all is said", "changed"],
)
def test_an_approval_lapses_when_not_all_was_said(now: float, text: str, phase: Phase, why: str) -> None:
    approved = replace(approval(row(), TEXT), latest=NOON + 90_000)
    known = Known(statements=[approved], deliveries=[replace(TEXT, text=text, phase=phase)])
    plan = lapse(known, house(sign_off={H: "required"}), now)
    assert [one.reason for one in plan.statements] == ([why] if why else [])
    for one in plan.statements:
        assert (one.decision, one.approvals, one.release_at, one.lapses) == ("", (), None, 1)
        assert is_waiting(one, now)


# -- who is who ------------------------------------------------------------------------------------------------

PEOPLE = (Person(name="Ann Archer", user="ann"), Person(name="bob", telegram=5))


@pytest.mark.parametrize(
    ("by", "who"),
    [
        ("ann (command line, pts/3)", "approver Ann Archer"),
        ("ann (control socket)", "approver Ann Archer"),
        ("root (sudo by ann, command line, pts/3)", "approver Ann Archer"),
        (via_telegram("Ann Archer"), "approver Ann Archer"),
        ("bob (command line)", "approver bob"),
        ("carl (command line, pts/3)", "user carl"),
        ("root (sudo by carl, command line)", "user carl"),
        ("root (command line)", "user root"),
        ("user 1007 (control socket)", "user user 1007"),
        ("carl", "user carl"),
    ],
)
def test_a_person_is_the_same_however_they_answer(by: str, who: str) -> None:
    assert identity(by, PEOPLE) == who


BOB_AT_HIS_DESK = Person(name="Bob", user="bob")


@pytest.mark.parametrize(
    ("by", "people", "persons", "why"),
    [
        ("carl (command line, pts/3)", (), 1, ""),
        ("carl (command line, pts/3)", (), 2, ""),
        ("root (command line)", (), 1, ""),
        ("root (command line)", (), 2, ""),
        ("root (sudo by carl, command line)", (), 2, ""),
        ("carl (control socket)", PEOPLE, 1, "carl (control socket) is not one of the approvers"),
        ("bob (command line)", PEOPLE, 1, "is not one of the approvers"),  # a name is no account
        ("ann (command line)", PEOPLE, 1, ""),
        ("ann (command line)", PEOPLE, 2, ""),
        ("root (sudo by ann, command line)", PEOPLE, 2, ""),
        (via_telegram("bob"), PEOPLE, 2, ""),
        ("root (command line)", PEOPLE, 1, ""),
        ("root (sudo by carl, command line)", PEOPLE, 1, ""),
        ("root (sudo by carl, command line)", PEOPLE, 2, "is not one of the approvers"),
        ("root (command line)", PEOPLE, 2, "sudo failover approve 7H"),
        ("root (sudo by root, command line)", PEOPLE, 2, "root could be either of them"),
        ("root (command line)", (BOB_AT_HIS_DESK,), 2, ""),
        ("carl (command line)", (BOB_AT_HIS_DESK,), 2, ""),
        ("carl (command line)", (BOB_AT_HIS_DESK,), 1, "is not one of the approvers"),
        ("root (command line)", (BOB_AT_HIS_DESK, Person(name="Root", user="root")), 2, ""),
    ],
)
def test_who_may_approve(by: str, people: tuple[Person, ...], persons: int, why: str) -> None:
    """Where approvers are named only they; root too, where one person is enough; a list of one cannot give two."""
    told = barred(row(persons=persons), by, people)
    assert bool(told) == bool(why)
    assert why in told


async def test_root_is_not_the_second_person_and_whoever_is_not_listed_may_only_object() -> None:
    """Refused, written down, and nothing is said; an objection is the safe side."""
    people = (Person(name="Ann", telegram=1, user="ann"), BOB_AT_HIS_DESK)
    story = await a_world(two_persons=frozenset({H}), people=people)
    await story.fall("facebook")
    await story.desk.approve("1H", via_telegram("Ann"), story.now)
    for by in ("root (command line)", "carl (command line, pts/1)", "www-data (control socket)"):
        with pytest.raises(RequestError):
            await story.desk.approve("1H", by, story.now)
    await story.live(MINUTE, {"facebook": RED})
    assert story.posts() == {}
    refused = [json.loads(one.facts)["by"] for one in await story.store.audit() if one.event == "approval_refused"]
    assert refused == ["root (command line)", "carl (command line, pts/1)", "www-data (control socket)"]
    assert [line["by"] for line in story.journal.said("approval_refused")] == refused
    assert await story.desk.veto("1H", "", "carl (command line, pts/1)", story.now) == "1H is stopped."


@pytest.mark.parametrize("today", ["automatic", "required", "veto"])
def test_what_a_channel_was_kept_from_saying_is_not_said_there_under_another_mode(today: str) -> None:
    """A reload may change how it is signed off, not that somebody objected."""
    kept = delivery(channel="telegram", statement_id="7H", statement=H, phase=Phase.CANCELLED)
    known = Known(statements=[row(decision="vetoed", decided_by="ann")], deliveries=[kept])
    other = house(sign_off={H: "required"}, signing=Signing(modes={("telegram", H): today}))
    assert objected("telegram", {H}, known, other)


# -- who is asked when -----------------------------------------------------------------------------------------

ANN, BOB, CID, DEE = (
    Person(name="Ann", telegram=1),
    Person(name="Bob", telegram=2),
    Person(name="Cid", telegram=3, group="deputies"),
    Person(name="Dee", email="dee@example.org", group="the mayor"),
)
WAYS = {"Ann": ["Telegram"], "Bob": ["Telegram", "e-mail"], "Cid": ["Telegram"], "Dee": ["e-mail"]}
RULES = Signing(people=(ANN, BOB, CID, DEE), remind_after=600, escalate_after=1200)


def asking(name: str, way: str = "Telegram", kind: str = ASK, at: float = NOON, code_: str = "c0de", round_: int = 0):  # type: ignore[no-untyped-def]
    return Asking(
        id=f"{name}{way}{kind}{code_}{round_}",
        statement="7H",
        round=round_,
        code=code_,
        approver=name,
        way=way,
        kind=kind,
        at=at,
    )


BEGUN = asking("", JOURNAL)
THREE = ["ask Ann Telegram", "ask Bob Telegram", "ask Bob e-mail"]
FIRST = [BEGUN, asking("Ann"), asking("Bob"), asking("Bob", "e-mail")]


@pytest.mark.parametrize(
    ("asked", "after", "wanted"),
    [
        ([], 0, ["ask  journal", *THREE]),
        ([BEGUN, asking("Bob")], 5, ["ask Ann Telegram", "ask Bob e-mail"]),
        (FIRST, 599, []),
        (FIRST, 600, ["remind  journal", "remind Ann Telegram", "remind Bob Telegram", "remind Bob e-mail"]),
        (
            [*FIRST, asking("", JOURNAL, REMIND), asking("Ann", kind=REMIND)],
            700,
            ["remind Bob Telegram", "remind Bob e-mail"],
        ),
        (
            [*FIRST, *(asking(one.approver, one.way, REMIND) for one in FIRST)],
            1200,
            ["ask Cid Telegram"],
        ),
        (
            [*FIRST, *(asking(one.approver, one.way, REMIND) for one in FIRST), asking("Cid", at=NOON + 1200)],
            1799,
            [],
        ),
        (
            [*FIRST, *(asking(one.approver, one.way, REMIND) for one in FIRST), asking("Cid", at=NOON + 1200)],
            1800,
            ["remind Cid Telegram"],
        ),
        (
            [*FIRST, *(asking(one.approver, one.way, REMIND) for one in [*FIRST, asking("Cid")]), asking("Cid")],
            2400,
            ["ask Dee e-mail"],
        ),
        ([asking("", JOURNAL, code_="old"), asking("Ann", code_="old")], 60, ["ask  journal", *THREE]),
        ([BEGUN, *(asking(one.approver, one.way, round_=1) for one in FIRST)], 60, THREE),
    ],
    ids=[
        "at once",
        "not those who are known to be asked",
        "nobody twice",
        "a reminder",
        "one reminder each",
        "the next group",
        "the deputy has time",
        "the deputy is reminded",
        "the last group",
        "new texts",
        "another round counts for itself",
    ],
)  # fmt: skip
def test_who_is_asked_when(asked: list[Asking], after: float, wanted: list[str]) -> None:
    found = calls(row(), "c0de", asked, WAYS, RULES, NOON + after)
    assert [f"{one.kind} {one.name} {one.way}" for one in found] == wanted


def test_further_groups_are_asked_at_once_while_too_few_could_answer() -> None:
    """Two must approve: one deputy alone is not enough, and who has approved is not asked again."""
    rules = replace(RULES, people=(ANN, CID, DEE))
    two = row(persons=2)
    first = calls(two, "c0de", [], WAYS, rules, NOON)
    assert [one.name for one in first] == ["", "Ann", "Cid"]
    given = Approval(by="Ann (Telegram)", who="approver Ann", at=NOON, seal="x")
    then = calls(replace(two, approvals=(given,)), "c0de", [BEGUN], WAYS, rules, NOON)
    assert [one.name for one in then] == ["Cid"]


@pytest.mark.parametrize(
    ("changes", "phase", "after", "line", "open_"),
    [
        ({}, Phase.READY, 1, "", True),
        ({"decision": "vetoed", "decided_by": "bob", "reason": "no"}, Phase.CANCELLED, 1, "bob objected: no.", False),
        ({"decision": "approved", "decided_by": "bob"}, Phase.SENT, 1, "bob approved it.", False),
        ({"mode": "veto", "release_at": NOON + 60}, Phase.SENT, 60, "Nobody objected", False),
        ({"mode": "veto", "release_at": NOON + 60}, Phase.READY, 59, "", True),
        ({"release_at": NOON + 60}, Phase.SENT, 61, "Nobody answered", False),
        ({}, Phase.CANCELLED, 1, "It is not needed any more: it is back.", False),
        ({}, Phase.READY, 1800, "It is too late for it.", False),
        ({"lapses": 1}, Phase.READY, 1, "This is out of date", False),
    ],
)
def test_a_question_says_how_it_stands(
    changes: dict[str, Any], phase: Phase, after: float, line: str, open_: bool
) -> None:
    said = replace(TEXT, phase=phase, reason="it is back")
    one = asking("Ann", code_=code(row(**changes), [TEXT]))
    told, still_open = standing(row(**changes), [said], one, NOON + after)
    assert told.startswith(line)
    assert bool(told) is bool(line)
    assert still_open is open_


def test_a_question_about_other_texts_is_out_of_date_and_the_first_of_two_is_named() -> None:
    first = approval(row(persons=2), TEXT)
    half = replace(first, decision="", release_at=None, valid_until=None)
    assert standing(half, [TEXT], asking("Ann", code_=code(half, [TEXT])), NOON) == (
        "ann approved it; a second person must approve it too.",
        True,
    )
    assert standing(half, [replace(TEXT, text="new")], asking("Ann", code_=code(half, [TEXT])), NOON)[1] is False


# -- in the whole of it ----------------------------------------------------------------------------------------


async def a_world(mode: str = "required", **signing: Any) -> World:
    story = World(":memory:", house_=house(sign_off={H: mode, W: "automatic"}, signing=Signing(**signing)))
    await story.start()
    return story


async def code_of(story: World, statement: str = "1H") -> str:
    made = await story.store.statement(statement)
    assert made is not None
    return code(made, await story.store.deliveries("1"))


async def test_an_approval_with_the_code_counts_only_for_those_texts() -> None:
    """Instagram falls too while it waits: the texts change, so the code that was read is refused."""
    story = await a_world()
    await story.fall("facebook")
    before = await code_of(story)
    assert [one["code"] for one in story.journal.said("statement_waiting")] == [before]
    await story.fall("instagram")
    after = await code_of(story)
    assert after != before
    for wrong, reason in (
        (before, f"the texts of 1H are not those that {before} stands for; .* failover approve 1H {after}"),
        (after[:4], "a code has 8 figures"),
    ):
        with pytest.raises(RequestError, match=reason):
            await story.desk.approve("1H", "ann", story.now, wrong)
    await story.live(MINUTE, {"facebook": RED})
    assert story.posts() == {}
    assert (await story.desk.approve("1H", "ann", story.now, after.upper())).startswith("1H is approved")
    await story.deliver()
    assert set(story.posts()) == {"telegram", "email", "blog"}


async def test_what_was_approved_is_said_as_it_was_approved_also_when_another_platform_has_fallen_since() -> None:
    """The blog could not be reached at first; it hears the very text that a person agreed to."""
    story = await a_world()
    story.answers["blog"] += ["unreachable"]
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    await story.deliver()
    await story.fall("instagram")
    assert story.posts() == {"telegram": 1, "email": 1, "blog": 1}
    assert "instagram" not in story.walls["blog"].posts[0].text
    seals = (await story.store.statements("1"))[0].approvals[0].texts
    assert len(seals) == 3


async def test_a_lapsed_approval_is_told_audited_and_asked_for_anew() -> None:
    story = await a_world(valid_for=300.0)
    story.answers["blog"] += ["wait:600"]
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    await story.live(12 * MINUTE, {"facebook": RED})
    assert story.posts() == {"telegram": 1, "email": 1}
    [told] = story.journal.said("approval_lapsed")
    assert told["reason"] == "it was approved more than 5m ago"
    assert [one.event for one in await story.store.audit()].count("approval_lapsed") == 1
    await story.desk.approve("1H", "bob", story.now)
    await story.deliver()
    assert story.posts() == {"telegram": 1, "email": 1, "blog": 1}


async def test_two_persons_are_two_and_the_first_counts_for_the_same_texts_only() -> None:
    story = await a_world(two_persons=frozenset({H}), people=(Person(name="Ann", user="ann"), BOB_AT_HIS_DESK))
    await story.fall("facebook")
    first = await story.desk.approve("1H", "ann (command line, pts/3)", story.now)
    assert (
        first
        == f"Your approval of 1H is recorded; a second person must say: failover approve 1H {await code_of(story)}"
    )
    for same in ("ann (command line, pts/4)", "root (sudo by ann, command line)", via_telegram("Ann")):
        with pytest.raises(RequestError, match="is the one who has approved 1H already; a second person must"):
            await story.desk.approve("1H", same, story.now)
    await story.fall("instagram")
    await story.boot()
    assert (await story.desk.approve("1H", "bob (command line)", story.now)).startswith("Your approval of 1H")
    await story.live(MINUTE, {"facebook": RED, "instagram": RED})
    assert story.posts() == {}
    assert (await story.desk.approve("1H", "ann (command line)", story.now)) == "1H is approved and goes out now."
    both = re.escape("bob (command line) and ann (command line) have approved 1H already")
    with pytest.raises(RequestError, match=both):
        await story.desk.approve("1H", "carl (command line)", story.now)
    await story.deliver()
    assert set(story.posts()) == {"telegram", "email", "blog"}
    entry = [one for one in await story.store.audit() if one.event == "statement_approved"]
    assert '"by":"ann (command line)"' in entry[0].facts.replace(": ", ":")
    assert "bob (command line)" in entry[0].facts


async def test_a_first_approval_that_is_too_old_does_not_count_towards_the_second() -> None:
    story = await a_world(two_persons=frozenset({H}), valid_for=300.0)
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    await story.live(6 * MINUTE, {"facebook": RED})
    assert (await story.desk.approve("1H", "bob", story.now)).startswith("Your approval of 1H is recorded")


@pytest.mark.parametrize("mode", ["required", "veto"])
async def test_that_a_first_approval_has_grown_too_old_is_told_and_people_are_asked_again(mode: str) -> None:
    """The time for objections is as long as it was."""
    story = await a_world(mode, two_persons=frozenset({H}), valid_for=120.0)
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    before = await story.store.statement("1H")
    await story.live(3 * MINUTE, {"facebook": RED})
    [told] = story.journal.said("approval_lapsed")
    assert told["by"] == "ann"
    assert told["reason"] == "it was given more than 2m ago, and nobody else has approved"
    assert [one.event for one in await story.store.audit()].count("approval_lapsed") == 1
    after = await story.store.statement("1H")
    assert before is not None
    assert after is not None
    assert (after.approvals, after.lapses, after.release_at) == ((), 1, before.release_at)


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
async def test_a_clock_that_is_set_makes_a_first_approval_neither_older_nor_younger(seconds: float) -> None:
    story = await a_world(two_persons=frozenset({H}), valid_for=600.0)
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    story.now += seconds
    await story.engine.step(seconds, story.now)
    await story.live(5 * MINUTE, {"facebook": RED})
    assert not story.journal.said("approval_lapsed")
    await story.live(6 * MINUTE, {"facebook": RED})
    assert len(story.journal.said("approval_lapsed")) == 1


async def test_when_nobody_answers_it_is_released_where_that_is_configured() -> None:
    for if_nobody, posts in (("release", {"telegram": 1, "email": 1, "blog": 1}), ("expire", {})):
        story = await a_world(if_nobody=if_nobody, escalate_after=300.0)
        await story.fall("facebook")
        await story.live(4 * MINUTE, {"facebook": RED})
        assert story.posts() == {}
        await story.live(2 * MINUTE, {"facebook": RED})
        assert story.posts() == posts


async def test_through_outage_and_recovery_each_channel_hears_once_whatever_its_mode() -> None:
    story = World(
        ":memory:",
        house_=house(
            sign_off={H: "automatic", W: "automatic"}, signing=Signing(modes=own(email="required", blog="veto"))
        ),
    )
    await story.start()
    await story.fall("facebook")
    assert story.posts() == {"telegram": 1}
    await story.live(6 * MINUTE, {"facebook": RED})
    assert story.posts() == {"telegram": 1, "blog": 1}
    await story.desk.approve("1H2", "ann", story.now)
    await story.deliver()
    assert story.posts() == {"telegram": 1, "blog": 1, "email": 1}
    await story.rise("facebook")
    await story.live(10 * MINUTE, {"facebook": GREEN})
    waiting = await story.store.undecided()
    assert [one.mode for one in waiting] == ["required"]
    await story.desk.approve(waiting[0].id, "ann", story.now)
    await story.deliver()
    assert story.posts(W) == {"telegram": 1, "blog": 1, "email": 1, "facebook-page": 1}
    assert story.posts() == {"telegram": 1, "blog": 1, "email": 1}


async def test_the_database_gives_back_every_field_of_a_sign_off() -> None:
    story = await a_world(two_persons=frozenset({H}))
    await story.fall("facebook")
    await story.desk.approve("1H", "ann", story.now)
    half = await story.store.statement("1H")
    assert half is not None
    assert (half.persons, half.approvals[0].by, half.approvals[0].who) == (2, "ann", "user ann")
    await story.desk.approve("1H", "bob", story.now)
    whole = await story.store.statement("1H")
    assert whole is not None
    assert whole.valid_until == story.now + 7200
    await story.store.step_clock(100.0, ["1"])
    moved = await story.store.statement("1H")
    assert moved is not None
    assert moved.valid_until == whole.valid_until + 100
