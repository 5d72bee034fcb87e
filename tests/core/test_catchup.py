"""Recovery with nothing forgotten: what an incident leaves behind, and that it is told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from failover.audit import facts_of
from failover.catchup import MOST_TOLD, Leftover, Matter, in_short, left_over, not_taken_back, settled
from failover.courier import Outlet
from failover.delivery import OWED, Delivery, Phase, Policy, StatementRow
from failover.model import Outcome, Receipt, Statement, Unconfirmed
from failover.retraction import Retraction
from tests.core.stories import GREEN, HOUR, MINUTE, NOON, RED, World, delivery, incident

OVER = incident(closed_at=NOON + HOUR, down=())
PINNED = Receipt(remote_id="2", url="https://t.example/2", note="pinned")
BLIND = Policy(reads_back=False)


def sent(statement: Statement = Statement.HOLDING, channel: str = "telegram", **changes: Any) -> Delivery:
    number = {Statement.HOLDING: "7H", Statement.WELCOME_BACK: "7W", Statement.CORRECTION: "7C"}[statement]
    values: dict[str, Any] = {"phase": Phase.SENT, "receipt": Receipt(remote_id="1"), "statement_id": number}
    return delivery(channel=channel, statement=statement, **{**values, **changes})


def welcome(**changes: Any) -> Delivery:
    return sent(Statement.WELCOME_BACK, **changes)


def unsaid(phase: Phase, reason: str = "because", **changes: Any) -> Delivery:
    return sent(phase=phase, receipt=None, reason=reason, **changes)


CASES: dict[str, tuple[list[Delivery], list[tuple[Matter, bool]]]] = {
    "all went well": ([sent(), welcome()], []),
    "nothing was ever said": ([], []),
    "a person must look": ([unsaid(Phase.HELD), welcome()], [(Matter.HELD, True)]),
    "nobody knows, as configured": ([unsaid(Phase.LEFT), welcome()], [(Matter.DOUBTFUL, True)]),
    "refused": ([unsaid(Phase.REFUSED)], [(Matter.UNSAID, True)]),
    "too late": ([unsaid(Phase.EXPIRED)], [(Matter.UNSAID, True)]),
    "no longer needed": ([unsaid(Phase.CANCELLED)], [(Matter.UNSAID, False)]),
    "refused, and said after a relapse": (
        [unsaid(Phase.REFUSED), sent(statement_id="7H2"), welcome()],
        [],
    ),
    "a part of the list": (
        [sent(phase=Phase.EXPIRED, receipt=Receipt(remote_id="m", note="2 sent, 1 waiting")), welcome()],
        [(Matter.PARTLY, True)],
    ),
    "heard, and no welcome back planned": ([sent()], [(Matter.UNWELCOMED, True)]),
    "heard, and the welcome back came too late": (
        [sent(), welcome(phase=Phase.EXPIRED, receipt=None)],
        [(Matter.UNWELCOMED, True)],
    ),
    "heard, and the welcome back may be public": (
        [sent(), welcome(phase=Phase.HELD, receipt=None)],
        [(Matter.HELD, True)],
    ),
    "the primary has no welcome back": (
        [sent(), welcome(), welcome(channel="facebook-page", phase=Phase.REFUSED, receipt=None)],
        [(Matter.UNWELCOMED, True)],
    ),
    "a welcome back cancelled by a relapse, then said": (
        [sent(), welcome(phase=Phase.CANCELLED, receipt=None), welcome(statement_id="7W2")],
        [],
    ),
    "said, relapsed, and the second welcome back cancelled": (
        [sent(), welcome(), welcome(statement_id="7W2", phase=Phase.CANCELLED, receipt=None)],
        [],
    ),
    "taken back": ([sent(phase=Phase.RETRACTED)], []),
    "taken back after the correction was refused": (
        [sent(phase=Phase.RETRACTED), sent(Statement.CORRECTION, phase=Phase.REFUSED, receipt=None)],
        [],
    ),
    "pinned and unpinned": ([sent(receipt=PINNED), welcome()], []),
    "pinned, and nothing came after it": (
        [sent(receipt=PINNED)],
        [(Matter.UNWELCOMED, True), (Matter.PINNED, True)],
    ),
    "pinned, and the correction took it down": (
        [sent(receipt=PINNED), sent(Statement.CORRECTION)],
        [],
    ),
    "the pin could not be removed": (
        [sent(receipt=PINNED), welcome(receipt=Receipt(remote_id="3", note="it may be pinned; unpin it by hand"))],
        [(Matter.PINNED, True)],
    ),
    "it could not be pinned at all": (
        [sent(receipt=Receipt(remote_id="2", note="could not be pinned")), welcome()],
        [],
    ),
}


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES)
def test_what_is_left_of_an_incident_that_is_over(rows: list[Delivery], expected: list[tuple[Matter, bool]]) -> None:
    found = left_over(OVER, [], rows)

    assert [(one.matter, one.person) for one in found] == expected
    for one in found:
        assert one.channel in one.reason
        assert one.reason == one.reason.strip()


def test_while_it_is_open_nobody_misses_a_welcome_back_and_a_pin_is_right() -> None:
    assert left_over(incident(), [], [sent(receipt=PINNED)]) == ()
    [held] = left_over(incident(), [], [unsaid(Phase.HELD)])
    assert "failover resolve 7H-telegram sent|not-sent" in held.reason


def test_a_welcome_back_that_waits_is_one_thing_and_not_one_for_each_channel() -> None:
    """Of two statements it is two; what one of them said already is not missed."""
    names = ["telegram", "email", "blog", "x"]
    waits = [welcome(channel=name, phase=Phase.READY, receipt=None) for name in names[:2]]
    other = welcome(channel="blog", phase=Phase.UNSURE, receipt=None, statement_id="7W2", reason="no answer")
    rows = [*(sent(channel=name) for name in names), *waits, other, welcome(channel="x")]

    found = left_over(OVER, [], rows)

    assert [(one.matter, one.channel, one.delivery) for one in found] == [
        (Matter.UNWELCOMED, "", ""),
        (Matter.UNWELCOMED, "blog", other.id),
    ]
    assert [one.reason for one in found] == [
        "the welcome back 7W is not said yet on telegram, email (it waits)",
        "the welcome back 7W2 is not said yet on blog (no answer)",
    ]


def test_who_stopped_the_welcome_back_is_named() -> None:
    row = StatementRow(
        id="7W", incident="7", kind=Statement.WELCOME_BACK, created_at=NOON, latest=NOON, decision="vetoed",
        decided_by="ann", reason="not yet",
    )  # fmt: skip
    [one] = left_over(OVER, [row], [sent()])
    assert one.reason == "telegram heard of the outage and has no welcome back (ann stopped it: not yet)"


def test_posts_of_our_own_are_part_of_it_and_what_a_person_must_see_to_comes_first() -> None:
    post = Leftover(matter=Matter.POST, reason="post 3 waits for facebook-page", person=True)
    found = left_over(OVER, [], [unsaid(Phase.CANCELLED)], [post])
    assert [one.matter for one in found] == [Matter.POST, Matter.UNSAID]
    assert in_short(found) == "post 3 waits for facebook-page"


def test_in_short_many_things_are_few_words() -> None:
    many = [Leftover(matter=Matter.HELD, reason=f"thing {number}") for number in range(MOST_TOLD + 2)]
    assert in_short(many).endswith("thing 4; and 2 more")


@pytest.mark.parametrize("phase", Phase, ids=lambda one: one.value)
def test_it_has_settled_when_nothing_is_under_way_or_only_a_person_is_waited_for(phase: Phase) -> None:
    assert settled(OVER, [delivery(phase=phase)]) is (phase not in OWED or phase is Phase.HELD)
    assert not settled(incident(), [])


# -- told once ---------------------------------------------------------------------------------------------------


async def a_world(path: Path | str = ":memory:", **changes: Any) -> World:
    world = World(path, **changes)
    await world.start()
    return world


async def facts(world: World) -> list[dict[str, Any]]:
    return [facts_of(one) for one in await world.store.audit() if one.event == "incident_settled"]


async def test_an_incident_that_left_nothing_says_so_once(tmp_path: Path) -> None:
    """Also after a restart, and after a death before the word was out: the mark is on the disk with its record."""
    world = await a_world(tmp_path / "failover.db")
    await world.fall("facebook")
    assert await facts(world) == []
    await world.rise("facebook")
    await world.live(5 * MINUTE, {"facebook": GREEN})
    assert [one["incident"] for one in world.journal.said("incident_settled")] == ["1"]
    await world.restart()
    await world.live(5 * MINUTE, {"facebook": GREEN})

    assert world.journal.said("incident_settled") == []
    assert world.journal.said("catch_up") == []
    assert await facts(world) == [{"incident": "1", "count": 0, "left": []}]


async def taken_back(world: World, *, stays_on: str = "") -> None:
    """The false alarm of incident 1; one channel gives no answer when it is asked to take it back."""

    async def silence(_receipt: Receipt) -> Outcome:
        return Unconfirmed(reason="no answer")

    if stays_on:
        world.channels[stays_on].retract = silence  # type: ignore[method-assign]
    outlets = {name: Outlet(name=name, channel=channel, policy=Policy()) for name, channel in world.channels.items()}
    await Retraction(world.engine, world.desk, outlets).retract("1", "", "bob", world.now)


async def test_a_false_alarm_that_was_taken_back_is_not_said_to_have_been_welcomed_back() -> None:
    world = await a_world()
    await world.fall("facebook")
    await taken_back(world)
    await world.rise("facebook")
    await world.live(MINUTE, {"facebook": GREEN})

    [told] = world.journal.said("incident_settled")
    assert str(told["reason"]).startswith("it was a false alarm, and was taken back")


async def test_a_false_alarm_that_still_stands_somewhere_is_not_settled() -> None:
    world = await a_world()
    await world.fall("facebook")
    await taken_back(world, stays_on="blog")
    await world.rise("facebook")
    await world.live(MINUTE, {"facebook": GREEN})

    assert world.journal.said("incident_settled") == []
    [told] = world.journal.said("catch_up")
    assert "the holding statement is still public on blog" in str(told["reason"])


async def test_it_waits_for_the_last_welcome_back_and_then_tells_what_is_left() -> None:
    """Telegram cannot be reached for a while: nothing is told before its welcome back has come to an end."""
    world = await a_world(policies={"email": BLIND})
    world.answers["email"] += ["lost"]
    await world.fall("facebook")
    world.answers["telegram"] += ["unreachable"] * 3
    await world.rise("facebook", deliver=False)
    await world.deliver()
    assert world.journal.said("catch_up") == []
    await world.live(10 * MINUTE, {"facebook": GREEN})

    [told] = world.journal.said("catch_up")
    assert told["count"] == 1
    assert "failover resolve 1H-email sent|not-sent" in str(told["reason"])
    assert [one["count"] for one in await facts(world)] == [1]


async def test_after_a_relapse_its_second_end_is_told_too() -> None:
    world = await a_world()
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(MINUTE, {"facebook": GREEN})
    await world.fall("facebook")
    assert len(world.journal.said("incident_settled")) == 1
    await world.rise("facebook")
    await world.live(MINUTE, {"facebook": GREEN})

    assert len(world.journal.said("incident_settled")) == 2
    assert [one["incident"] for one in await facts(world)] == ["1", "1"]


async def test_what_was_dropped_while_we_were_off_for_days_is_told_as_well() -> None:
    world = await a_world()
    await world.fall("facebook")
    await world.rise("facebook", deliver=False)
    world.now += 100 * HOUR
    await world.boot()
    await world.live(MINUTE, {"facebook": GREEN})

    [told] = world.journal.said("catch_up")
    assert told["count"] == 4  # telegram, email, blog and the primary have no welcome back
    assert world.engine.recent == []


async def test_a_database_that_cannot_be_written_is_no_end_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be put down is not told; it is when it can be."""
    world = await a_world()
    await world.fall("facebook")
    await world.live(2 * MINUTE, {"facebook": RED})
    await world.rise("facebook")
    world.store._db.execute("DELETE FROM settled")
    world.store._db.execute("PRAGMA query_only = ON")
    await world.deliver()
    before = len(world.journal.said("incident_settled"))
    world.store._db.execute("PRAGMA query_only = OFF")
    await world.deliver()
    assert len(world.journal.said("incident_settled")) == before + 1


def test_what_could_not_be_taken_back_is_left_for_a_person_unless_it_was_corrected_there() -> None:
    """A mail never can be: whoever had it has had the correction too."""
    said = sent()
    kept = not_taken_back([("retract_failed", {"delivery": said.id, "reason": "it is a mail"})])

    [left] = left_over(incident(), [], [said], (), kept)
    assert (left.matter, left.delivery, left.person) == (Matter.PUBLIC, said.id, True)
    assert "(it is a mail): take it back by hand" in left.reason

    correction = sent(id="1C", statement=Statement.CORRECTION)
    [left] = left_over(incident(), [], [said, correction], (), kept)
    assert (left.person, left.reason.endswith("; the correction is there")) == (False, True)

    gone = ("delivery_retracted", {"delivery": said.id})
    assert not_taken_back([("retract_failed", {"delivery": said.id, "reason": "no"}), gone]) == {}
