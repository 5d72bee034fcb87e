"""`failover explain` and `failover sources`: the same answers from the running daemon and from the file it left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from failover import cli, schema
from failover.contracts import Cost
from failover.control import Control
from failover.handlers import handlers
from failover.hindsight import Chapter, Past, recall
from failover.hours import Hours
from failover.lookout import Look, Lookout
from failover.model import Evidence, Signal, State
from failover.schema import MIGRATIONS, StoreBusyError, StoreError, open_read_only
from failover.show_sources import sources_lines
from failover.sources import last_sources, sources
from failover.standing import Declaration
from failover.store import Change, Store
from failover.why import why_now, why_then
from tests.core.stories import (
    CROWD,
    GREEN,
    HOUR,
    MINUTE,
    NOON,
    OFFICIAL,
    RED,
    SPOKEN,
    World,
    account,
    down,
    seen,
    turned,
    unknown,
    up,
)

BERLIN = ZoneInfo("Europe/Berlin")
UNEASY = {"api": down(SPOKEN), "crowd": up(CROWD, "no reports")}


async def a_world(path: Path | str = ":memory:") -> World:
    world = World(path)
    await world.start()
    return world


# -- stored with the transition ----------------------------------------------------------------------------------


async def test_every_transition_is_kept_with_its_explanation_and_told_with_it() -> None:
    """The line keeps its short reason; the whole text is a field of the entry."""
    world = await a_world()
    await world.live(MINUTE, {"facebook": GREEN})
    await world.fall("facebook", deliver=False)
    chapter, later = await world.store.past.chapters("facebook", world.now)

    assert chapter is not None
    assert later is None
    assert chapter.transition.now is State.DOWN
    first, second, *others = chapter.explanation
    assert first == "Facebook is DOWN since 11:10:40."
    assert second.startswith("The reason given then: crowd and spoken agree for 2m")
    assert "Votes against it: spoken (api) says HTTP 503, in 6 looks running." in others
    (line,) = world.journal.said("platform_down")
    assert line["explanation"] == " ".join(chapter.explanation)
    assert line["reason"] == chapter.transition.reason


async def test_the_explanation_of_a_second_incident_tells_the_stricter_calm() -> None:
    """R6: the incident that this very transition opens counts already."""
    world = await a_world()
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(2 * HOUR, {"facebook": GREEN})
    await world.fall("facebook")
    chapter, _later = await world.store.past.chapters("facebook", world.now)

    assert chapter is not None
    assert any("have been well for 30m" in told for told in chapter.explanation)


async def test_nothing_is_explained_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs something: per transition, never per look."""
    from failover import engine

    made: list[object] = []
    monkeypatch.setattr(engine, "explain", lambda matter: made.append(matter) or ("Because.",))
    world = await a_world()
    await world.live(HOUR, {"facebook": GREEN})

    assert len(made) == len(world.journal.said("platform_up")) == 1


async def test_a_database_of_an_older_version_has_transitions_without_explanation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "failover.db"
    monkeypatch.setattr(schema, "MIGRATIONS", MIGRATIONS[:-1])
    old = Store.open(file)
    await old.record(Change(at=NOON, transitions=(turned("facebook", State.DOWN),)))
    old.close()

    kept = Store(open_read_only(str(file)))
    assert await kept.past.chapters("facebook", NOON) == (Chapter(transition=turned("facebook", State.DOWN)), None)
    kept.close()
    monkeypatch.undo()
    store = Store.open(file)
    assert await store.past.chapters("facebook", NOON) == (Chapter(transition=turned("facebook", State.DOWN)), None)
    assert await store.usage("2026-11") == {}
    store.close()


async def test_a_silence_and_maintenance_that_hold_now_are_told_with_their_ends() -> None:
    """11:00 to 12:00 UTC each day; a window that is over, and one that comes, are no news."""
    world = await a_world()
    windows = (
        (NOON, NOON + 2 * HOUR, "the move"),
        (NOON - HOUR, NOON, "past"),
        (NOON + HOUR, NOON + 2 * HOUR, "soon"),
    )
    watch = replace(world.engine.watches["facebook"], maintenance=windows, recurring=((Hours(11 * 60, 12 * 60), ""),))
    world.engine.watches = {**world.engine.watches, "facebook": watch}
    await world.live(MINUTE, {"facebook": RED})
    await world.desk.silence("facebook", HOUR, "we know", "ann", world.now)
    data = why_now(world.engine, "facebook", [], world.now, BERLIN)

    assert data["quiet"] == [
        {"why": "maintenance", "until": NOON - 400 + HOUR},
        {"why": "silenced by ann: we know", "until": world.now + HOUR},
        {"why": "maintenance (the move)", "until": NOON + 2 * HOUR},
    ]
    assert "Trouble of it is no news until 13:00: maintenance." in data["sentences"]
    assert why_now(world.engine, "x", [], world.now, BERLIN)["quiet"] == []


# -- at an earlier time ------------------------------------------------------------------------------------------

CHAPTER = Chapter(
    transition=turned("facebook", State.DOWN),
    explanation=("Facebook is DOWN since 11:06:40.", "The reason given then: …", "Votes against it: spoken (api)."),
)
LATER = Chapter(transition=turned("facebook", State.RECOVERING, NOON + HOUR, State.DOWN))
SAID = (
    seen(down(SPOKEN, "HTTP 503"), probe="api", at=NOON - MINUTE),
    seen(unknown(OFFICIAL, "HTML"), probe="statuspage", at=NOON + MINUTE),
)


def recalled(**changes: object) -> list[str]:
    values: dict[str, object] = {"title": "Facebook", "at": NOON + 10 * MINUTE, "zone": BERLIN, **changes}
    return list(recall(Past(**values)))  # type: ignore[arg-type]


def test_the_past_is_told_with_the_words_of_then_what_was_said_since_and_what_came_next() -> None:
    assert recalled(before=CHAPTER, after=LATER, said=SAID) == [
        "At 12:16:40 on 18 November 2026 (Europe/Berlin) Facebook was DOWN since 12:06:40, for 10m.",
        "It had been SUSPECT before, and became DOWN for this reason: spoken and crowd agree.",
        "At 12:06:40: votes against it: spoken (api).",
        "From 12:07:40 on, official (statuspage) said unknown: HTML.",
        "By 12:16:40: votes against it: spoken (api) says HTTP 503.",
        "By 12:16:40: could not tell: official (statuspage), HTML.",
        "It became RECOVERING at 13:06:40: spoken and crowd agree.",
    ]


def test_before_anything_was_kept_nothing_is_known() -> None:
    assert recalled() == [
        "At 12:16:40 on 18 November 2026 (Europe/Berlin) nothing had been decided about Facebook, as far as is kept."
    ]


async def test_what_was_believed_at_a_time_is_found_again() -> None:
    """Three moments of one outage, each with the words that were the last ones then."""
    world = await a_world()
    await world.live(MINUTE, {"facebook": GREEN})
    await world.live(MINUTE, {"facebook": UNEASY})
    suspect = world.now
    await world.fall("facebook", deliver=False)
    fallen = world.now
    await world.rise("facebook", deliver=False)

    calm, doubt, outage, over = [
        await why_then(world.store, "facebook", "Facebook", at, BERLIN)
        for at in (NOON + 45, suspect, fallen, world.now)
    ]
    assert [one["state"] for one in (calm, doubt, outage, over)] == ["up", "suspect", "down", "up"]
    assert [[said["probe"] for said in one["evidence"]["votes"]] for one in (calm, doubt, outage, over)] == [
        [],
        ["api"],
        ["api", "crowd"],
        [],
    ]
    assert (calm["next"]["state"], outage["next"]["state"], over["next"]) == ("suspect", "recovering", None)
    assert any(told.startswith("At 12:08:10: it becomes DOWN if a second class") for told in doubt["sentences"])


async def test_of_a_time_before_the_first_look_nothing_is_known() -> None:
    world = await a_world()
    await world.live(MINUTE, {"facebook": GREEN})
    found = await why_then(world.store, "facebook", "Facebook", NOON - HOUR, BERLIN)

    assert (found["state"], found["since"], found["next"]["state"]) == ("unknown", None, "up")


# -- at present --------------------------------------------------------------------------------------------------


class Never:
    async def look(self) -> object:
        raise AssertionError("an answer asks no source")


def looks(*names: str, **changes: object) -> list[Look]:
    values = {"every": 300.0, "fastest": 60.0, "timeout": 30.0, "evidence": SPOKEN, **changes}
    return [Look(platform="facebook", name=name, probe=Never(), **values) for name in names]  # type: ignore[arg-type]


async def test_the_present_is_told_with_the_sources_that_have_said_nothing_yet() -> None:
    world = await a_world()
    await world.live(MINUTE, {"facebook": UNEASY})
    found = why_now(
        world.engine, "facebook", looks("api", "globalping", evidence=Evidence.ELSEWHERE), world.now, BERLIN
    )

    assert found["state"] == "suspect"
    assert found["unasked"] == {"globalping": "elsewhere"}
    assert [one["probe"] for one in found["evidence"]["votes"]] == ["api"]
    assert any("elsewhere (globalping) has not been asked yet" in told for told in found["sentences"])
    assert found["sentences"][0] == "Facebook is SUSPECT since 12:07:10, for 30s."
    json.dumps(found)


async def test_who_declared_it_is_told_as_data_too() -> None:
    world = await a_world()
    word = Declaration(platform="facebook", signal=Signal.DOWN, at=world.now, by="ann")
    await world.engine.declare(word)

    found = why_now(world.engine, "facebook", [], world.now, BERLIN)
    assert found["declared"] == {"by": "ann", "state": "down", "at": world.now}


async def sourced(world: World, *their: Look) -> dict[str, object]:
    lookout = Lookout(world.engine, their, Never(), lambda: world.now, fast=15.0)  # type: ignore[arg-type]
    data = await sources(world.engine, lookout, world.now)
    json.dumps(data)
    by_name = {one["name"]: one for one in data["platforms"]}
    return {one["probe"]: one for one in by_name["facebook"]["sources"]}


async def test_each_source_is_told_with_its_pace_its_use_and_its_price() -> None:
    world = await a_world()
    await world.live(MINUTE, {"facebook": GREEN})
    for _ in range(3):
        world.engine.usage.count("facebook/api", world.now)
    world.now += 100
    found = await sourced(
        world,
        *looks("api", budget=10_000, cost=Cost(price=0.01, currency="USD")),
        *looks("crowd"),
        *looks("globalping", on_suspicion=True),
    )

    assert found["api"] == {
        "probe": "api",
        "evidence": "spoken",
        "signal": "up",
        "reason": "it answers",
        "age": 100,
        "stale": False,
        "unknown_since": None,
        "interval": 300,
        "next": 200,
        "speed": "steady",
        "looks": 3,
        "cost": 0.03,
        "currency": "USD",
        "budget": 10_000,
        "left": 9997,
    }
    assert (found["crowd"]["cost"], found["crowd"]["budget"], found["crowd"]["left"]) == (None, None, None)
    assert (found["globalping"]["speed"], found["globalping"]["next"], found["globalping"]["signal"]) == (
        "waits",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("views", "budget", "used", "speed"),
    [
        (GREEN, None, 0, "steady"),
        (GREEN, 100, 10, "slow"),
        (UNEASY, 100, 10, "fast"),
        (RED, 100, 10, "down"),
        (GREEN, 10, 10, "spent"),
    ],
)
async def test_the_speed_has_a_name(views: dict[str, object], budget: int | None, used: int, speed: str) -> None:
    world = await a_world()
    await world.live(3 * MINUTE, {"facebook": views})  # type: ignore[dict-item]
    for _ in range(used):
        world.engine.usage.count("facebook/api", world.now)

    found = await sourced(world, *looks("api", budget=budget))
    assert found["api"]["speed"] == speed


async def test_since_when_a_source_cannot_tell_outlasts_a_change_of_words_and_a_restart() -> None:
    world = await a_world()
    for earlier in (unknown(), up()):
        await world.look("facebook", {"api": earlier})
        world.now += MINUTE
    began = world.now
    for words in ("HTML", "HTTP 403", "HTML"):
        await world.look("facebook", {"api": unknown(reason=words)})
        world.now += MINUTE
    await world.boot()
    await world.look("facebook", {"api": account()})

    found = await sourced(world, *looks("api"))
    assert found["api"]["unknown_since"] == began
    await world.look("facebook", {"api": up()})
    assert (await sourced(world, *looks("api")))["api"]["unknown_since"] is None


def test_the_table_fits_100_columns_whatever_stands_in_it() -> None:
    source = {
        "probe": "a-very-long-name-of-a-probe-that-nobody-would-give",
        "evidence": "elsewhere",
        "signal": "degraded",
        "reason": "words " * 60,
        "age": 86399.0,
        "stale": True,
        "unknown_since": 0.0,
        "interval": 2_880_000.0,
        "next": 2_879_999.0,
        "speed": "steady",
        "looks": 99_999,
        "cost": 999.994,
        "currency": "USD",
        "budget": 100_000,
        "left": 99_999,
    }
    data = {
        "running": True,
        "now": NOON,
        "month": "2026-11",
        "platforms": [{"name": "facebook", "state": "recovering", "sources": [source, {**source, "signal": None}]}],
    }
    lines = sources_lines(data)

    assert max(map(len, lines)) <= 100
    assert "999.99 USD" in lines[3]
    assert " ".join(" ".join(lines).split()).count("words") == 120, "nothing is cut off"


# -- over the socket, and from the file --------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        "organisation:\n  name: Example\n  timezone: Europe/Berlin\nstate: failover.db\ncontrol: socket\n"
    )
    return path


@asynccontextmanager
async def running(world: World, config: Path) -> AsyncIterator[None]:
    """A daemon, as far as these requests need it."""
    lookout = Lookout(world.engine, looks("api", "crowd"), Never(), lambda: world.now, fast=15.0)  # type: ignore[arg-type]
    settings = SimpleNamespace(organisation=SimpleNamespace(timezone="Europe/Berlin"))
    at = SimpleNamespace(engine=world.engine, lookout=lookout, settings=settings)
    daemon = SimpleNamespace(at=at, now=lambda: world.now, kick=lambda: None)
    control = Control(config.parent / "socket", handlers(daemon))  # type: ignore[arg-type]
    await control.start()
    try:
        yield
    finally:
        await control.stop()


async def said(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = await asyncio.to_thread(cli.main, argv)
    out = capsys.readouterr()
    return code, out.out, out.err


async def test_while_it_runs_the_daemon_itself_explains(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = await a_world(tmp_path / "failover.db")
    await world.live(MINUTE, {"facebook": UNEASY})
    async with running(world, config):
        now = await said(capsys, "explain", "facebook", "-c", str(config))
        then = await said(capsys, "explain", "facebook", "-c", str(config), "--at", "2026-11-18T12:06:50", "--json")
        wrong = await said(capsys, "explain", "facebok", "-c", str(config))
        soon = await said(capsys, "explain", "facebook", "-c", str(config), "--at", "2036-01-01")
        table = await said(capsys, "sources", "-c", str(config))
        data = await said(capsys, "sources", "-c", str(config), "--json")
    world.store.close()

    assert (now[0], now[1].splitlines()[0]) == (0, "Facebook is SUSPECT since 12:07:10, for 30s.")
    assert max(map(len, now[1].splitlines())) <= 100
    assert (then[0], json.loads(then[1])["state"]) == (0, "unknown")
    assert wrong == (1, "", "failover explain: there is no platform 'facebok'; did you mean 'facebook'?\n")
    assert soon == (2, "", "failover explain: 2036-01-01 is still to come\n")
    assert table[0] == 0
    assert "facebook: suspect" in table[1]
    assert json.loads(data[1])["running"] is True


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir()}


async def test_while_it_does_not_run_its_file_explains_and_is_not_touched(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = await a_world(tmp_path / "failover.db")
    await world.live(MINUTE, {"facebook": UNEASY})
    world.engine.usage.count("facebook/api", world.now)
    await world.engine.note_usage(world.now)
    world.store.close()
    before = contents(tmp_path)

    now = await said(capsys, "explain", "facebook", "-c", str(config))
    then = await said(capsys, "explain", "facebook", "-c", str(config), "--at", "2026-11-18T12:07:10", "--json")
    table = await said(capsys, "sources", "-c", str(config))
    unheard = await said(capsys, "explain", "myspace", "-c", str(config))
    wrong = await said(capsys, "explain", "facebook", "-c", str(config), "--at", "2036-01-01")

    assert now[0] == 3
    assert now[1].startswith("failover is not running; this is what it left in its file.\n\nAt ")
    assert "facebook was SUSPECT since 12:07:10" in now[1]
    assert json.loads(then[1])["explanation"][0] == "Facebook is SUSPECT since 11:07:10."
    assert (table[0], "facebook: suspect" in table[1]) == (3, True)
    assert unheard[0] == 3
    assert "nothing is kept about myspace" in unheard[2]
    assert (wrong[0], wrong[2]) == (2, "failover explain: 2036-01-01 is still to come\n")
    assert contents(tmp_path) == before


async def test_the_file_tells_what_each_source_said_last_and_how_often_it_was_asked(tmp_path: Path) -> None:
    world = await a_world(tmp_path / "failover.db")
    await world.live(MINUTE, {"facebook": GREEN})
    world.engine.usage.count("facebook/api", world.now)
    await world.engine.note_usage(world.now)
    world.store.close()

    store = Store(open_read_only(str(tmp_path / "failover.db")))
    (platform,) = (await last_sources(store, world.now))["platforms"]
    store.close()
    assert (platform["name"], platform["state"]) == ("facebook", "up")
    assert [(one["probe"], one["signal"], one["looks"]) for one in platform["sources"]] == [
        ("api", "up", 1),
        ("crowd", "up", 0),
    ]


async def test_a_file_that_is_in_use_foreign_or_not_there_is_not_read(tmp_path: Path) -> None:
    used = tmp_path / "failover.db"
    store = Store.open(used)
    with pytest.raises(StoreBusyError):
        open_read_only(str(used))
    store.close()
    foreign = tmp_path / "other.db"
    foreign.write_text("no database")
    for path in (foreign, tmp_path / "nowhere.db", tmp_path):
        with pytest.raises(StoreError):
            open_read_only(str(path))


async def test_a_down_before_a_restart_is_still_explained_by_its_own_words() -> None:
    """After a start the evidence is gone, and what is kept says why (rule R8)."""
    world = await a_world()
    await world.fall("facebook", deliver=False)
    await world.boot()
    await world.look("facebook", {"api": replace(up(), reason="it answers")})

    told = why_now(world.engine, "facebook", [], world.now, BERLIN)["sentences"]
    assert told[1].startswith("The reason given then: crowd and spoken agree for 2m")
    assert any(one.startswith("Nothing as strong as a verdict bears it out at present") for one in told)
