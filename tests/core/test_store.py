"""The database: one transaction per fact, one writer, nothing owed is forgotten.

The first part is a suite for every engine: it stands on the `stores` fixture, which opens the same database again
and again, and on nothing that SQLite alone has.  The second part is about the SQLite file.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover import schema
from failover.audit import Head, broken
from failover.daemon import KEPT
from failover.delivery import OWED, Phase, StatementRow
from failover.engine import REMEMBERED
from failover.model import Receipt, Signal, State, Statement
from failover.schema import MIGRATIONS, StoreBusyError, StoreError, StoreForeignError, set_aside
from failover.standing import Declaration, Standing
from failover.store import Change, Store
from tests.core.stories import (
    CROWD,
    HOUR,
    MINUTE,
    NOON,
    SPOKEN,
    account,
    delivery,
    down,
    incident,
    seen,
    turned,
    unknown,
)

Opener = Callable[[], Store]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "failover.db"


@pytest.fixture(params=["sqlite"])
def stores(request: pytest.FixtureRequest, file: Path) -> Iterator[Opener]:
    """Opens the one database; what was open before is closed first, as by a process that ended."""
    current: list[Store] = []

    def open_() -> Store:
        for old in current:
            old.close()
        current[:] = [Store.open(file)]
        return current[0]

    yield open_
    for old in current:
        old.close()


@pytest.fixture
def store(stores: Opener) -> Store:
    return stores()


def statement(**changes: Any) -> StatementRow:
    values: dict[str, Any] = {
        "id": "7H",
        "incident": "7",
        "kind": Statement.HOLDING,
        "created_at": NOON,
        "latest": NOON + 30 * MINUTE,
        "reference": "F7H-181106",
        "mode": "veto",
        "release_at": NOON + 300,
        **changes,
    }
    return StatementRow(**values)


FULL = delivery(
    text="Ü 🚨 'quoted' \"twice\"\n",
    subject="s",
    platforms=("facebook", "instagram"),
    elsewhere=("email", "blog"),
    position=3,
    attempts=2,
    looks=5,
    began=NOON + 1,
    unsure_since=NOON + 2,
    ended_at=NOON + 3,
    draft="d1",
    receipt=Receipt(remote_id="42", url="https://example.org/42", note="pinned"),
    reason="because",
    epoch=4,
)


def everything(at: float = NOON) -> Change:
    return Change(
        at=at,
        standings=(
            Standing(platform="facebook", state=State.DOWN, since=at, reason="agreed", voted={SPOKEN: at, CROWD: at}),
        ),
        transitions=(replace(turned("facebook", State.DOWN, at), evidence=(seen(down(SPOKEN), at=at),)),),
        observations=(seen(down(SPOKEN), at=at), seen(account(), probe="page", at=at)),
        incidents=(incident(platforms=("facebook", "instagram"), ordinal=2, reason="agreed"),),
        statements=(statement(),),
        deliveries=(FULL, delivery(channel="email")),
        declared=(Declaration(platform="x", signal=Signal.UP, at=at, by="ann", because="ü"),),
        settings={"paused_by": "ann"},
        audit=(("platform_changed", {"platform": "facebook"}), ("paused", {"by": "ann"})),
    )


# == the suite for every engine ================================================================================


async def test_everything_comes_back_after_a_restart_as_it_was_written(stores: Opener) -> None:
    change = everything()
    await stores().record(change)
    store = stores()

    assert await store.incidents() == list(change.incidents)
    assert await store.incident("7") == change.incidents[0]
    assert await store.statements("7") == [await store.statement("7H")] == list(change.statements)
    assert await store.deliveries("7") == sorted(change.deliveries, key=lambda row: row.position)
    assert await store.delivery("7H-telegram") == FULL
    assert await store.declarations() == list(change.declared)
    assert await store.standings() == list(change.standings)
    assert await store.setting("paused_by") == "ann"
    assert [entry.event for entry in await store.audit()] == ["platform_changed", "paused"]


async def test_a_new_database_is_empty_and_knows_nothing(store: Store) -> None:
    nothing: list[Any] = [
        *await store.standings(),
        *await store.declarations(),
        *await store.incidents(),
        *await store.owed(),
        *await store.undecided(),
        *await store.audit(),
    ]
    assert nothing == []
    assert (await store.incident("1"), await store.delivery("1H-x"), await store.statement("1H")) == (None,) * 3
    assert await store.setting("paused_by") == ""
    assert await store.setting("paused_by", "nobody") == "nobody"


async def test_the_timers_of_a_standing_are_not_kept(stores: Opener) -> None:
    """R8: nothing is concluded after a restart from looks made before it; who complained first makes more careful."""
    before = Standing(platform="x", state=State.DOWN, quorum_since=NOON, calm_since=NOON, upheld=True)
    before = replace(before, first=CROWD, first_since=NOON - 60)
    await stores().record(Change(at=NOON, standings=(before,)))

    [after] = await stores().standings()

    assert after == replace(before, quorum_since=None, calm_since=None, upheld=False)


async def test_evidence_comes_back_as_history_that_votes_for_nothing(store: Store) -> None:
    await store.record(everything())

    [moved] = await store.past.transitions("facebook")
    [vote] = moved.evidence
    assert vote == replace(seen(down(SPOKEN)), good_until=NOON, looks=1)
    assert await store.past.transitions("x") == []
    assert await store.past.transitions("facebook", since=NOON + 1) == []


async def test_writing_a_row_again_replaces_it(store: Store) -> None:
    await store.record(Change(at=NOON, deliveries=(FULL,), settings={"a": "1"}))
    await store.record(
        Change(at=NOON, deliveries=(replace(FULL, phase=Phase.SENT, text="new"),), settings={"a": "2"})
    )

    assert [(row.phase, row.text) for row in await store.deliveries("7")] == [(Phase.SENT, "new")]
    assert await store.setting("a") == "2"


async def test_half_a_character_from_a_platform_stops_nothing(store: Store) -> None:
    """An answer may end in the middle of an emoji; what people read then has a question mark there."""
    half = "quota of \ud83d used"
    change = Change(
        at=NOON,
        observations=(seen(replace(down(), reason=half, detail=half)),),
        transitions=(replace(turned("x", State.DOWN), reason=half, evidence=(seen(replace(down(), detail=half)),)),),
        incidents=(incident(reason=half),),
        deliveries=(replace(FULL, reason=half, receipt=Receipt(remote_id="1", note=half)),),
        audit=(("delivery_refused", {"reason": half}),),
    )
    await store.record(change)
    await store.reserve("7H-telegram", half)
    await store.note("7H-telegram", {half: half})

    row = await store.delivery("7H-telegram")
    assert row is not None
    assert row.reason == "quota of ? used"
    assert await store.ledger("7H-telegram") == {"quota of ? used": "quota of ? used"}
    assert broken(await store.audit()) == ""


async def test_a_declaration_is_withdrawn(store: Store) -> None:
    await store.record(everything())
    await store.record(Change(at=NOON, undeclared=("x",)))

    assert await store.declarations() == []


async def test_one_statement_has_one_delivery_per_channel(store: Store) -> None:
    await store.record(Change(at=NOON, deliveries=(FULL,)))

    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.record(Change(at=NOON, deliveries=(replace(FULL, id="another"),), settings={"a": "1"}))
    assert await store.setting("a") == ""


async def test_incidents_that_are_open_or_recent_come_oldest_first(store: Store) -> None:
    old = incident(id="9", opened_at=NOON - 50 * HOUR, closed_at=NOON - 49 * HOUR)
    long = incident(id="10", opened_at=NOON - 90 * HOUR)
    recent = incident(id="11", opened_at=NOON - 60 * HOUR, closed_at=NOON - HOUR)
    await store.record(Change(at=NOON, incidents=(recent, long, old)))

    assert [one.id for one in await store.incidents(since=NOON - 48 * HOUR)] == ["10", "11"]
    assert [one.id for one in await store.incidents()] == ["10", "11", "9"]


async def test_what_is_owed_is_everything_without_an_end_the_first_due_first(store: Store) -> None:
    rows = [delivery(channel=phase.value, phase=phase, due=NOON - place) for place, phase in enumerate(Phase)]
    await store.record(Change(at=NOON, deliveries=tuple(rows)))

    owed = await store.owed()
    assert {row.phase for row in owed} == set(OWED)
    assert [row.due for row in owed] == sorted(row.due for row in owed)


@pytest.mark.parametrize("phase", Phase, ids=lambda one: one.value)
async def test_a_person_may_decide_while_something_of_the_statement_is_unsaid(store: Store, phase: Phase) -> None:
    """Or every statement that ever ran through its veto would wait for an answer for ever."""
    await store.record(Change(at=NOON, statements=(statement(),), deliveries=(delivery(phase=phase),)))

    assert bool(await store.undecided()) is (phase in (Phase.STANDBY, Phase.READY))


@pytest.mark.parametrize("changes", [{"mode": "automatic"}, {"decision": "approved"}, {"decision": "vetoed"}])
async def test_what_needs_no_answer_or_has_one_is_not_undecided(store: Store, changes: dict[str, Any]) -> None:
    await store.record(Change(at=NOON, statements=(statement(**changes),), deliveries=(delivery(),)))

    assert await store.undecided() == []


async def test_numbers_of_incidents_are_never_used_twice(stores: Opener) -> None:
    store = stores()
    first = [await store.fresh_incident_id() for _ in range(3)]
    second = [await stores().fresh_incident_id() for _ in range(2)]

    assert first + second == ["1", "2", "3", "4", "5"]


# -- all or nothing --------------------------------------------------------------------------------------------


class _Unstorable:
    pass


async def has_only_begun(store: Store) -> None:
    nothing: list[list[Any]] = [
        await store.incidents(),
        await store.standings(),
        await store.declarations(),
        await store.owed(),
        await store.statements("7"),
        await store.past.transitions("facebook"),
    ]
    assert nothing == [[]] * 6
    assert [await store.setting(name) for name in ("paused_by", "kept")] == ["", "yes"]
    assert [entry.event for entry in await store.audit()] == ["began"]


@pytest.mark.parametrize(
    "poison",
    [
        {"deliveries": (FULL, replace(FULL, id="another"))},
        {"deliveries": (FULL, delivery(channel="x", due=_Unstorable()))},
        {"settings": {"a": "1", "b": _Unstorable()}},
        {"statements": (statement(), statement(id="7W", latest=None))},
        {"audit": (("said", {}), ("said", {}), (_Unstorable(), {}))},
    ],
    ids=["a second row for a channel", "a delivery", "a setting", "a missing time", "the trail itself"],
)
async def test_a_change_that_fails_anywhere_has_not_happened(stores: Opener, poison: dict[str, Any]) -> None:
    store = stores()
    await store.record(Change(at=NOON, settings={"kept": "yes"}, audit=(("began", {}),)))
    change = replace(everything(), **poison)

    with pytest.raises((sqlite3.Error, ValueError, TypeError)):
        await store.record(change)
    await has_only_begun(store)
    await has_only_begun(stores())


async def test_after_a_change_that_failed_the_next_is_written(store: Store) -> None:
    with pytest.raises(sqlite3.Error):
        await store.record(replace(everything(), deliveries=(FULL, replace(FULL, id="another"))))
    await store.record(everything())

    assert len(await store.owed()) == 2
    assert broken(await store.audit()) == ""


# -- in flight, drafts, ledger ---------------------------------------------------------------------------------


async def test_at_start_what_was_in_flight_is_in_doubt_and_nothing_else_is_touched(store: Store) -> None:
    """What was in doubt before is so from now on: the clock may have been set meanwhile."""
    rows = [delivery(channel=phase.value, phase=phase) for phase in Phase]
    await store.record(Change(at=NOON, deliveries=tuple(rows)))

    [found] = await store.interrupted(NOON + 60)

    assert (found.channel, found.phase, found.due, found.unsure_since) == (
        "sending",
        Phase.UNSURE,
        NOON + 60,
        NOON + 60,
    )
    after = {row.channel: row for row in await store.deliveries("7")}
    assert after["sending"] == found
    doubtful = after["unsure"]
    assert (doubtful.phase, doubtful.unsure_since) == (Phase.UNSURE, NOON + 60)
    others = [row for row in rows if row.phase not in (Phase.SENDING, Phase.UNSURE)]
    assert [after[row.channel] for row in others] == others
    assert [entry.event for entry in await store.audit()] == ["delivery_unsure"]
    assert await store.interrupted(NOON + 61) == []


async def test_a_draft_is_written_down_without_touching_the_rest(stores: Opener) -> None:
    store = stores()
    await store.record(Change(at=NOON, deliveries=(delivery(phase=Phase.SENDING),)))
    await store.reserve("7H-telegram", "d7")

    assert await stores().delivery("7H-telegram") == delivery(phase=Phase.SENDING, draft="d7")


async def test_the_ledger_has_one_line_per_recipient_and_delivery(stores: Opener) -> None:
    store = stores()
    await store.note("7H-email", {"a": "sending", "b": "heard"})
    await store.note("7H-email", {"a": "heard", "c": "refused"})
    await store.note("7W-email", {"a": "sending"})
    await store.note("7W-email", {})

    again = stores()
    assert await again.ledger("7H-email") == {"a": "heard", "b": "heard", "c": "refused"}
    assert await again.ledger("7W-email") == {"a": "sending"}
    assert await again.ledger("8H-email") == {}


# -- pruning ---------------------------------------------------------------------------------------------------

DAY = 24 * HOUR
OLD, CUT = NOON - 100 * HOUR, NOON - 50 * HOUR


async def with_ledger(store: Store, phase: Phase, closed_at: float | None) -> None:
    one = incident(opened_at=OLD, closed_at=closed_at, down=())
    await store.record(Change(at=OLD, incidents=(one,), deliveries=(delivery(channel="email", phase=phase),)))
    await store.note("7H-email", {"a": "heard", "b": "heard"})


async def test_old_looks_and_transitions_are_forgotten_and_young_ones_kept(store: Store) -> None:
    for at in (OLD, NOON):
        await store.record(
            Change(at=at, observations=(seen(unknown(), at=at),), transitions=(turned("x", State.DOWN, at),))
        )

    assert await store.prune(CUT) == 2
    assert [one.at for one in await store.past.transitions("x")] == [NOON]
    assert await store.prune(CUT) == 0


@pytest.mark.parametrize("phase", Phase, ids=lambda one: one.value)
async def test_pruning_never_touches_what_is_owed(store: Store, phase: Phase) -> None:
    await with_ledger(store, phase, closed_at=OLD)
    row = await store.delivery("7H-email")
    await store.prune(CUT)

    assert await store.ledger("7H-email") == ({"a": "heard", "b": "heard"} if phase in OWED else {})
    assert await store.delivery("7H-email") == row
    assert await store.incident("7") is not None


@pytest.mark.parametrize("closed_at", [None, NOON])
async def test_the_ledger_of_an_incident_that_is_open_or_young_is_kept(store: Store, closed_at: float | None) -> None:
    await with_ledger(store, Phase.SENT, closed_at)
    await store.prune(CUT)

    assert len(await store.ledger("7H-email")) == 2


async def test_the_ledger_that_an_owed_welcome_back_needs_is_kept(store: Store) -> None:
    await with_ledger(store, Phase.SENT, closed_at=OLD)
    owed = delivery(channel="email", statement=Statement.WELCOME_BACK, statement_id="7W", phase=Phase.HELD)
    await store.record(Change(at=OLD, deliveries=(owed,)))
    await store.prune(CUT)

    assert len(await store.ledger("7H-email")) == 2


async def test_what_happened_to_a_platform_in_an_incident_that_is_open_is_kept(store: Store) -> None:
    await store.record(Change(at=OLD, incidents=(incident(opened_at=OLD, platforms=("facebook", "x")),)))
    moves = [("facebook", OLD - 1), ("facebook", OLD), ("x", OLD + 1), ("telegram", OLD + 1)]
    await store.record(Change(at=OLD, transitions=tuple(turned(name, State.DOWN, at) for name, at in moves)))

    assert await store.prune(CUT) == 2
    kept = {name: [one.at for one in await store.past.transitions(name)] for name, _ in moves}
    assert kept == {"facebook": [OLD], "x": [OLD + 1], "telegram": []}


TIMES_PRUNED = st.sampled_from([NOON - 200 * DAY, NOON - KEPT - 1, NOON - KEPT, NOON - REMEMBERED, NOON - 60, NOON])


@st.composite
def stored(draw: st.DrawFn, number: int) -> Change:
    """One incident with whatever came of it."""
    opened_at = draw(TIMES_PRUNED)
    closed_at = draw(st.none() | TIMES_PRUNED)
    one = incident(id=str(number), opened_at=opened_at, closed_at=closed_at, down=())
    channels = draw(st.lists(st.sampled_from(["telegram", "email", "blog"]), unique=True))
    rows = [
        delivery(incident=one.id, statement_id=f"{number}H", channel=name, phase=draw(st.sampled_from(Phase)))
        for name in channels
    ]
    moves = [turned(draw(st.sampled_from(["facebook", "x"])), State.DOWN, at) for at in draw(st.lists(TIMES_PRUNED))]
    return Change(
        at=opened_at,
        incidents=(one,),
        statements=(statement(id=f"{number}H", incident=one.id),),
        deliveries=tuple(rows),
        transitions=tuple(moves),
        observations=tuple(seen(unknown(), at=at) for at in draw(st.lists(TIMES_PRUNED))),
        audit=(("said", {"incident": one.id}),),
    )


@settings(max_examples=80, deadline=None)
@given(changes=st.integers(0, 5).flatmap(lambda count: st.tuples(*map(stored, range(1, count + 1)))))
def test_whatever_is_stored_pruning_loses_nothing_that_is_owed_open_or_young(changes: tuple[Change, ...]) -> None:
    """And never a word of what was said: incidents, statements, deliveries and the audit trail stay for good."""
    store = Store.open(":memory:")

    async def story() -> None:
        for change in changes:
            await store.record(change)
            for row in change.deliveries:
                await store.note(row.id, {"a": "heard"})
        before = [await store.incidents(), await store.owed(), await store.undecided(), await store.audit()]
        moves = {name: await store.past.transitions(name) for name in ("facebook", "x")}
        await store.prune(NOON - KEPT)
        assert [await store.incidents(), await store.owed(), await store.undecided(), await store.audit()] == before
        for change in changes:
            [one] = change.incidents
            assert await store.statements(one.id) == list(change.statements)
            said = await store.deliveries(one.id)
            assert {row.id: row for row in said} == {row.id: row for row in change.deliveries}
            needed = (
                one.is_open or one.closed_at >= NOON - KEPT or any(row.phase in OWED for row in change.deliveries)
            )
            ledgers = [await store.ledger(row.id) for row in change.deliveries]
            assert ledgers == [{"a": "heard"} if needed else {}] * len(ledgers)
        for name, found in moves.items():
            since = [one.opened_at for [one] in (change.incidents for change in changes) if one.is_open]
            opened_at = min(since) if since and name == "facebook" else NOON
            assert await store.past.transitions(name) == [
                moved for moved in found if moved.at >= NOON - KEPT or moved.at >= opened_at
            ]

    asyncio.run(story())
    store.close()


def test_what_is_forgotten_is_older_than_anything_that_is_at_hand() -> None:
    assert KEPT > 10 * REMEMBERED


async def test_the_audit_trail_is_never_pruned(store: Store) -> None:
    await store.record(everything(OLD))
    await store.prune(NOON + 1e9)

    assert len(await store.audit()) == 2


# -- the clock -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-HOUR, HOUR])
async def test_when_the_clock_is_set_everything_pending_keeps_its_distance(store: Store, seconds: float) -> None:
    await store.record(everything())
    await store.step_clock(seconds)

    row = await store.delivery("7H-telegram")
    assert row == replace(
        FULL,
        due=FULL.due + seconds,
        latest=FULL.latest + seconds,
        began=FULL.began + seconds,
        unsure_since=FULL.unsure_since + seconds,
    )
    [standing], [one] = await store.standings(), await store.incidents()
    assert (standing.since, one.opened_at) == (NOON + seconds, NOON + seconds)
    said = await store.statement("7H")
    assert said == statement(
        created_at=NOON + seconds, latest=NOON + 30 * MINUTE + seconds, release_at=NOON + 300 + seconds
    )


@pytest.mark.parametrize("decision", ["", "approved"])
async def test_an_approved_statement_keeps_its_distance_too(store: Store, decision: str) -> None:
    await store.record(Change(at=NOON, statements=(statement(decision=decision, release_at=NOON),)))
    await store.step_clock(-HOUR)

    said = await store.statement("7H")
    assert said is not None
    assert (said.release_at, said.latest) == (NOON - HOUR, NOON + 30 * MINUTE - HOUR)


async def test_a_statement_that_waits_for_approval_has_no_time_to_be_moved(store: Store) -> None:
    await store.record(Change(at=NOON, statements=(statement(release_at=None),)))
    await store.step_clock(HOUR)

    said = await store.statement("7H")
    assert said is not None
    assert said.release_at is None


async def test_how_long_ago_a_recent_incident_ended_does_not_change_and_history_stays(store: Store) -> None:
    """Or a clock that is put forward would make a relapse a new incident with a second pair."""
    young = incident(id="11", opened_at=NOON - HOUR, closed_at=NOON, down=())
    old = incident(id="2", opened_at=OLD, closed_at=OLD + 1, down=())
    await store.record(Change(at=NOON, incidents=(young, old)))
    await store.step_clock(HOUR, recent=["11"])

    assert await store.incident("11") == replace(young, opened_at=NOON, closed_at=NOON + HOUR)
    assert await store.incident("2") == old


async def test_what_is_over_is_history_and_keeps_its_times(store: Store) -> None:
    sent = delivery(phase=Phase.SENT, ended_at=NOON)
    await store.record(Change(at=NOON, deliveries=(sent,)))
    await store.step_clock(HOUR)

    assert await store.delivery("7H-telegram") == sent


# -- the audit trail -------------------------------------------------------------------------------------------


async def test_the_trail_is_one_chain_over_restarts(stores: Opener) -> None:
    for number in range(4):
        await stores().record(Change(at=NOON + number, audit=(("said", {"n": number, "text": "Ü\n🚨"}),)))

    entries = await stores().audit()
    assert [entry.number for entry in entries] == [1, 2, 3, 4]
    assert broken(entries) == ""


async def test_a_whole_second_is_no_forgery(stores: Opener) -> None:
    await stores().record(Change(at=1_795_000_000, audit=(("said", {}),)))

    assert broken(await stores().audit()) == ""


async def test_the_trail_comes_in_pages(store: Store) -> None:
    await store.record(Change(at=NOON, audit=(("said", {}),) * 7))

    first, rest = await store.trail.after(None, 5), await store.trail.after(5, 5)
    assert [[one.number for one in page] for page in (first, rest)] == [[1, 2, 3, 4, 5], [6, 7]]
    assert await store.trail.after(7, 5) == []
    assert await store.trail.head() == Head(number=7, digest=rest[-1].digest)


# == the SQLite file ===========================================================================================


def alter(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path)
    with database:
        for one in statements:
            database.execute(one)
    database.close()


def ask(path: Path, question: str) -> Any:
    database = sqlite3.connect(path)
    try:
        return database.execute(question).fetchone()[0]
    finally:
        database.close()


async def a_database(path: Path) -> None:
    store = Store.open(path)
    for _ in range(20):
        await store.record(replace(everything(), declared=(), transitions=everything().transitions * 20))
    store.close()


@pytest.mark.parametrize(
    ("sabotage", "verdict"),
    [
        ("UPDATE audit SET facts = '{}' WHERE id = 2", "entry 2 was changed, or entry 1 was and then sealed anew"),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", "entry 1 was changed"),
        ("DELETE FROM audit WHERE id = 1", "entry 1 is missing, so that entry 2 cannot be checked"),
        ("DELETE FROM audit WHERE id = 20", "entry 20 is missing, so that entry 21 cannot be checked"),
        ("DELETE FROM audit WHERE id >= 39", "entries 39 to 40 are missing"),
        ("DELETE FROM audit", "entries 1 to 40 are missing"),
        (
            "INSERT INTO audit VALUES (41, 0, 'said', '{}', 'abc')",
            "everything from entry 41 on was put in by somebody else",
        ),
        ("INSERT INTO audit VALUES (0, 0, 'said', '{}', 'abc')", "entry 0 was put in by somebody else"),
    ],
)
async def test_who_changes_the_trail_behind_our_back_is_found_out(file: Path, sabotage: str, verdict: str) -> None:
    await a_database(file)
    alter(file, sabotage)
    store = Store.open(file)

    assert broken(await store.audit(), await store.trail.head()) == verdict
    store.close()


async def test_a_head_that_is_gone_is_no_head(file: Path) -> None:
    await a_database(file)
    alter(file, "DELETE FROM meta WHERE name = 'audit_head'")
    store = Store.open(file)

    assert await store.trail.head() is None
    store.close()


@pytest.mark.parametrize(
    ("sabotage", "verdict"),
    [
        ("DELETE FROM audit WHERE id >= 39", "entries 39 to 40 are missing, so that entry 41 cannot be checked"),
        ("DELETE FROM audit", "entries 1 to 40 are missing, so that entry 41 cannot be checked"),
        ("INSERT INTO audit VALUES (41, 0, 'said', '{}', 'abc')", "entry 41 was put in by somebody else"),
    ],
)
async def test_going_on_does_not_paper_over_what_was_done_to_the_end_of_the_trail(
    file: Path, sabotage: str, verdict: str
) -> None:
    await a_database(file)
    alter(file, sabotage)
    store = Store.open(file)
    for _ in range(3):
        await store.record(Change(at=NOON, audit=(("said", {}),)))

    assert broken(await store.audit(), await store.trail.head()) == verdict
    store.close()


# -- one writer ------------------------------------------------------------------------------------------------


def test_a_second_daemon_is_kept_out_with_a_clear_word(store: Store, file: Path) -> None:
    with pytest.raises(StoreBusyError, match="another failover daemon uses it; stop that one, or set `state:`"):
        Store.open(file)


def test_nobody_else_can_read_or_write_while_it_is_open(store: Store, file: Path) -> None:
    database = sqlite3.connect(file, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        database.execute("SELECT * FROM meta")
    database.close()


def test_when_the_first_has_gone_the_second_may_open_it(store: Store, file: Path) -> None:
    store.close()

    Store.open(file).close()


async def test_every_commit_is_on_the_disk_when_the_call_returns(store: Store) -> None:
    [row] = store._db.execute("PRAGMA synchronous").fetchall()
    [mode] = store._db.execute("PRAGMA journal_mode").fetchall()

    assert (row["synchronous"], mode["journal_mode"]) == (2, "wal")


async def test_what_was_committed_survives_a_process_that_never_closed(tmp_path: Path, file: Path) -> None:
    """The files as they lie on the disk at the moment of death, taken elsewhere and opened."""
    store = Store.open(file)
    await store.record(everything())
    (tmp_path / "after").mkdir()
    copy = tmp_path / "after" / file.name
    for suffix in ("", "-wal"):
        copy.with_name(copy.name + suffix).write_bytes(file.with_name(file.name + suffix).read_bytes())
    store.close()

    again = Store.open(copy)
    assert await again.delivery("7H-telegram") == FULL
    again.close()


# -- files that are not ours -----------------------------------------------------------------------------------


def refused(path: Path, error: type[StoreError], match: str) -> None:
    before = path.read_bytes()
    with pytest.raises(error, match=match):
        Store.open(path)
    assert path.read_bytes() == before, "it was touched"
    assert [one for one in path.parent.iterdir() if one != path] == [], "something was left beside it"


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_database_of_another_program_is_refused_and_untouched(file: Path, mode: str) -> None:
    alter(file, f"PRAGMA journal_mode = {mode}", "CREATE TABLE songs (title TEXT)", "INSERT INTO songs VALUES ('x')")

    refused(file, StoreForeignError, "a database of another program; set `state:` to a file of our own")


def test_a_file_that_is_no_database_is_refused_and_untouched(file: Path) -> None:
    file.write_text("Dear diary,\n" * 500, encoding="utf-8")

    refused(file, StoreForeignError, "damaged, or not a database")


async def test_a_newer_version_is_refused_and_untouched(file: Path) -> None:
    await a_database(file)
    alter(file, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

    refused(file, StoreForeignError, f"made by a newer version .schema {len(MIGRATIONS) + 1}; this one knows")


@pytest.mark.parametrize("mode", ["wal", "delete"], ids=["as we left it", "a copy made by other means"])
async def test_a_damaged_database_is_refused_and_untouched(file: Path, mode: str) -> None:
    await a_database(file)
    alter(file, f"PRAGMA journal_mode = {mode}")
    spoil(file)

    refused(file, StoreForeignError, "damaged")


async def test_a_damaged_database_of_ours_is_set_aside_with_all_its_files(file: Path) -> None:
    await a_database(file)
    spoil(file)
    file.with_name("failover.db-wal").write_bytes(b"log")

    assert set_aside(file, NOON + 0.5) == file.with_name("failover.db.damaged-1795000000")
    assert sorted(one.name for one in file.parent.iterdir()) == [
        "failover.db.damaged-1795000000",
        "failover.db.damaged-1795000000-wal",
    ]


def test_a_file_that_is_not_ours_is_not_set_aside(file: Path) -> None:
    assert set_aside(file, NOON) is None
    alter(file, "CREATE TABLE songs (title TEXT)")
    assert set_aside(file, NOON) is None
    assert file.exists()


def spoil(path: Path) -> None:
    """Noise over every page but the first."""
    data = bytearray(path.read_bytes())
    noise = random.Random(7)
    for place in range(4096, len(data), 4096):
        data[place : place + 900] = noise.randbytes(900)
    path.write_bytes(data)


def test_an_empty_file_is_a_new_database(file: Path) -> None:
    file.touch()

    Store.open(file).close()
    assert ask(file, "PRAGMA application_id") == schema.APPLICATION_ID


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is its folder there and writable"):
        Store.open(tmp_path / "nowhere" / "failover.db")


def test_a_folder_in_place_of_the_file_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=str(tmp_path)):
        Store.open(tmp_path)


# -- the disk --------------------------------------------------------------------------------------------------


async def test_a_full_disk_is_told_as_such_nothing_is_half_written_and_later_it_goes_on(store: Store) -> None:
    await store.record(Change(at=NOON, audit=(("began", {}),)))
    pages = store._db.execute("PRAGMA page_count").fetchone()["page_count"]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    much = replace(everything(), transitions=everything().transitions * 200)

    for _ in range(3):
        with pytest.raises(StoreError, match=r"cannot be written: .*full"):
            await store.record(much)
        with pytest.raises(StoreError, match="full"):
            await store.note("7H-email", {f"{number}": "heard" * 50 for number in range(500)})
    assert await store.incidents() == []
    assert await store.owed() == []
    assert await store.ledger("7H-email") == {}
    assert len(await store.audit()) == 1

    store._db.execute("PRAGMA max_page_count = 1000000")
    await store.record(much)
    assert len(await store.owed()) == 2
    assert broken(await store.audit()) == ""


async def until_it_fails(store: Store) -> None:
    for number in range(50):
        await store.record(replace(everything(), transitions=everything().transitions * 50, at=NOON + number))


async def test_a_file_that_spoils_while_it_is_open_is_an_error_that_can_be_told(file: Path) -> None:
    """Reading and writing alike: the daemon says so and goes on; it does not fall over in its every tick."""
    await a_database(file)
    spoil(file)
    database = sqlite3.connect(file, isolation_level=None)
    database.row_factory = schema._named
    store = Store(database)

    with pytest.raises(StoreError, match="the database cannot be read"):
        await store.past.transitions("facebook")
    with pytest.raises(StoreError, match="the database cannot be written"):
        await until_it_fails(store)
    store.close()


def test_an_empty_change_is_known_as_such() -> None:
    assert Change(at=NOON).empty
    assert not Change(at=NOON, settings={"a": "1"}).empty
