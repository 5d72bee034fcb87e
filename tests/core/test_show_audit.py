"""What `failover audit` shows of the trail, and where it reads it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from failover.answers import MOST_LETTERS
from failover.archive import Page, UnreadableError, pages
from failover.ask import timezone
from failover.audit import Entry, Head, Inspection, sealed
from failover.cli import main
from failover.control import whence
from failover.delivery import Phase, Policy
from failover.handlers import handlers
from failover.retraction import Retraction
from failover.schema import MIGRATIONS
from failover.show_audit import SENTENCES, Reading, Wanted, concerns, facts_of, moment, sentence
from failover.store import Change, Store
from tests.core.stories import GREEN, HOUR, NOON, RED, World

BERLIN = ZoneInfo("Europe/Berlin")


def entry(event: str, facts: dict[str, object]) -> Entry:
    return sealed(number=1, at=NOON, event=event, facts=facts, before="")


# -- sentences -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "facts", "told"),
    [
        (
            "operator_declared",
            {"platform": "facebook", "state": "down", "by": "ann (command line, pts/3)", "because": "we see it"},
            "ann (command line, pts/3) declared facebook down: we see it",
        ),
        ("operator_declared", {"platform": "x", "state": "up", "by": "ann", "because": ""}, "ann declared x up"),
        (
            "platform_changed",
            {"platform": "x", "was": "up", "now": "suspect", "reason": "why", "turn": "nothing", "incident": ""},
            "x went from up to suspect: why",
        ),
        (
            "statement_planned",
            {"statement": "7W", "kind": "welcome_back", "mode": "veto", "channels": ["blog", "email"], "further": []},
            "welcome back 7W was planned (veto) for blog, email",
        ),
        ("delivery_sent", {"delivery": "7H-x", "url": "https://x.example/1", "remote_id": "1", "reason": ""},
         "7H-x is public at https://x.example/1, known there as 1"),
        ("delivery_attempted", {"delivery": "7H-x", "attempt": 2, "text": "one\n\x1b[2Jtwo"},
         "7H-x is being sent, attempt 2: “one [2Jtwo”"),
        ("delivery_attempted", {"delivery": "7H-x", "attempt": 1, "text": "x" * 400},
         f"7H-x is being sent, attempt 1: “{'x' * 300}…”"),
        ("resumed", {}, "resumed: {}"),
        ("something_new", {"by": "ann"}, 'something_new: {"by": "ann"}'),
    ],
)  # fmt: skip
def test_an_entry_is_told_in_a_sentence(event: str, facts: dict[str, object], told: str) -> None:
    assert sentence(entry(event, facts)) == told


def test_facts_that_somebody_spoilt_are_shown_as_they_are() -> None:
    spoilt = Entry(number=1, at=NOON, event="resumed", facts='{"by": ', digest="")

    assert sentence(spoilt) == 'resumed: {"by": '


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.SENDING], ids=lambda one: one.value)
def test_however_a_delivery_ends_there_is_a_sentence_for_it(phase: Phase) -> None:
    assert f"delivery_{phase.value}" in SENTENCES


async def an_eventful_day(world: World) -> list[Entry]:
    """Everything that people do, and every turn of an incident; its audit trail."""
    await world.start()
    world.answers["blog"] += ["lost"]
    world.answers["email"] += ["refused"]
    await world.live(180, {"facebook": RED})
    await world.live(HOUR, {"facebook": RED})
    now = world.now
    retraction = Retraction(world.engine, world.desk, world.courier._outlets)
    await world.desk.resolve("1H-blog", sent=True, by="ann", now=now)
    await world.desk.declare("x", "down", "", "ann", now)
    await world.desk.declare("x", "auto", "", "ann", now)
    await world.desk.pause("", "ann", now)
    await world.desk.resume("ann", now)
    await world.live(16 * 60, {"facebook": GREEN})
    await world.live(HOUR, {"facebook": GREEN})
    await world.fall("instagram", deliver=False)
    await world.engine.step(HOUR, world.now + HOUR)
    await retraction.retract("1", "a false alarm", "bob", world.now)
    return await world.store.audit()


async def test_everything_that_is_put_down_has_a_sentence() -> None:
    world = World(":memory:", policies={"blog": Policy(reads_back=False)})
    trail = await an_eventful_day(world)

    assert [one for one in trail if sentence(one).startswith(f"{one.event}: ")] == []
    assert {one.event for one in trail} >= {
        "platform_changed", "statement_planned", "delivery_attempted", "delivery_sent", "delivery_refused",
        "delivery_unsure", "delivery_held", "delivery_resolved", "operator_declared", "declaration_ended", "paused",
        "resumed", "clock_stepped", "retract_asked", "delivery_retracted", "statement_vetoed",
    }  # fmt: skip


async def test_every_act_of_a_person_names_the_person() -> None:
    world = World(":memory:", policies={"blog": Policy(reads_back=False)})
    acts = {
        "operator_declared", "delivery_resolved", "paused", "resumed", "retract_asked", "delivery_retracted",
        "retract_failed", "statement_vetoed", "declaration_ended",
    }  # fmt: skip
    for one in await an_eventful_day(world):
        assert (facts_of(one).get("by") in ("ann", "bob")) is (one.event in acts), one


# -- what is shown ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "so"),
    [
        ({"incident": "7"}, True),
        ({"statement": "7H"}, True),
        ({"delivery": "7W2-telegram"}, True),
        ({"incident": "", "delivery": "7H-x"}, True),
        ({"incident": "17"}, False),
        ({"delivery": "17H-telegram"}, False),
        ({"delivery": "7"}, False),
        ({"by": "7H"}, False),
        ({}, False),
    ],
)
def test_an_entry_is_about_an_incident_when_it_names_it_or_something_of_it(facts: dict[str, Any], so: bool) -> None:
    assert concerns(facts, "7") is so


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("30m", NOON - 1800),
        ("6h", NOON - 6 * HOUR),
        ("2d", NOON - 48 * HOUR),
        ("2026-11-18", 1_794_956_400),
        ("2026-11-18 12:00", 1_794_999_600),
        ("2026-11-18T12:00+00:00", 1_795_003_200),
    ],
)
def test_since_is_ago_or_a_time_where_the_organisation_is(text: str, at: float) -> None:
    assert moment(text, NOON, BERLIN) == at


@pytest.mark.parametrize("text", ["yesterday", "2", "2 d", "-1d", "2026-13-01"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as 17:29"):
        moment(text, NOON, BERLIN)


def a_trail() -> list[Page]:
    store = [entry("resumed", {"by": "ann"})]
    store.append(sealed(number=2, at=NOON + HOUR, event="paused", facts={"by": "bob"}, before=store[0].digest))
    head = Head(number=2, digest=store[1].digest)
    return [
        Page(entries=store[:1], head=head, timezone="Europe/Berlin"),
        Page(entries=store[1:], head=head, timezone="Europe/Berlin"),
        Page(entries=[], head=head, timezone="Europe/Berlin"),
    ]


def read(wanted: Wanted, found: list[Page] | None = None) -> Reading:
    return Reading(found or a_trail(), wanted, NOON + 2 * HOUR, Inspection())


def test_a_whole_trail_is_shown_with_local_times_and_its_verdict() -> None:
    reading = read(Wanted())

    assert [*reading.lines()][:4] == [
        "2026-11-18 12:06:40 CET     1  ann let the daemon speak again",
        "2026-11-18 13:06:40 CET     2  bob paused everything that is said in public",
        "",
        "The audit trail is whole: 2 entries are there and untouched.",
    ]
    assert reading.whole


def test_all_is_verified_also_what_is_not_shown() -> None:
    found = a_trail()
    forged = Entry(number=1, at=NOON, event="resumed", facts='{"by": "eve"}', digest=found[0].entries[0].digest)
    found[0] = Page(entries=[forged], head=None, timezone="Europe/Berlin")
    reading = read(Wanted(since="90m"), found)

    assert [*reading.lines()][:4] == [
        "2026-11-18 13:06:40 CET     2  bob paused everything that is said in public",
        "",
        "THE AUDIT TRAIL IS BROKEN:",
        "  entry 1 was changed (its time: 2026-11-18 12:06:40 CET)",
    ]
    assert not reading.whole


def test_a_time_zone_that_is_not_known_here_is_told_in_utc() -> None:
    found = [Page(entries=one.entries, head=one.head, timezone="Mars/Olympus") for one in a_trail()]

    assert next(read(Wanted(), found).lines()).startswith("2026-11-18 11:06:40 UTC")


def test_for_programs_it_is_data() -> None:
    data = read(Wanted(incident="1")).data()

    assert (data["whole"], data["count"], data["entries"], data["flaws"]) == (True, 2, [], [])
    assert read(Wanted()).data()["entries"][0]["facts"] == {"by": "ann"}


# -- the file of a daemon that does not run --------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text("state: failover.db\ncontrol: control.sock\norganisation:\n  timezone: Europe/Berlin\n")
    return file


def a_database(config: Path, entries: int = 5) -> Path:
    file = config.with_name("failover.db")
    store = Store.open(file)
    facts = {"by": "ann (command line)", "because": "a funeral"}
    asyncio.run(store.record(Change(at=NOON, audit=(("paused", facts),) * entries)))
    store.close()
    return file


def alter(file: Path, change: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(change)


def test_the_file_is_read_and_nothing_about_it_is_changed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = a_database(config)
    before = {one: (one.stat().st_mtime_ns, one.read_bytes()) for one in file.parent.iterdir()}

    assert main(["audit", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "2026-11-18 12:06:40 CET     5  ann (command line) paused everything that is said in public: a fun" in out
    assert f"5 entries are there and untouched (read from {file}; failover is not running)." in out
    assert {one: (one.stat().st_mtime_ns, one.read_bytes()) for one in file.parent.iterdir()} == before


def test_the_log_that_a_killed_daemon_left_is_read_too_and_left_as_it_is(config: Path, tmp_path: Path) -> None:
    living, killed = tmp_path / "failover.db", tmp_path / "killed" / "failover.db"
    killed.parent.mkdir()
    store = Store.open(living)
    asyncio.run(store.record(Change(at=NOON, audit=(("paused", {"by": "ann"}),))))
    for suffix in ("", "-wal"):
        killed.with_name(killed.name + suffix).write_bytes(living.with_name(living.name + suffix).read_bytes())
    store.close()
    config.write_text("state: killed/failover.db\ncontrol: control.sock\n")
    before = {one.name: one.read_bytes() for one in killed.parent.iterdir()}

    assert [one.event for page in pages(config) for one in page.entries] == ["paused"]
    assert {one.name: one.read_bytes() for one in killed.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("sabotage", "verdict"),
    [
        ("UPDATE audit SET facts = '{}' WHERE id = 3", "entry 3 was changed, or entry 2 was and then sealed anew"),
        ("DELETE FROM audit WHERE id > 3", "entries 4 to 5 are missing"),
        ("DELETE FROM audit", "entries 1 to 5 are missing"),
        ("INSERT INTO audit VALUES (6, 0, 'x', '{}', '')", "everything from entry 6 on was put in by somebody else"),
        ("DELETE FROM meta", "the note which entry is the last one is gone from the database"),
    ],
)
def test_a_broken_trail_is_named_and_the_exit_code_is_1(
    config: Path, sabotage: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(a_database(config), sabotage)

    assert main(["audit", "--config", str(config), "--verify-only"]) == 1
    out = capsys.readouterr().out
    assert "THE AUDIT TRAIL IS BROKEN" in out
    assert f"  {verdict}" in out


def test_a_noted_digest_is_looked_for(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_database(config)
    main(["audit", "--config", str(config), "--json"])
    digest = json.loads(capsys.readouterr().out)["last"]["digest"]

    assert main(["audit", "--config", str(config), "--verify-only", "--expect", digest[:16].upper()]) == 0
    assert main(["audit", "--config", str(config), "--verify-only", "--expect", "ab" * 32]) == 1
    assert f"no entry has the digest {'ab' * 32}" in capsys.readouterr().out


def test_a_file_of_the_first_version_has_no_note_of_its_last_entry_and_is_read_all_the_same(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = config.with_name("failover.db")
    with closing(sqlite3.connect(file)) as database:
        sample = Path(__file__).parents[1] / "samples" / "schema_v1.sql"
        database.executescript(sample.read_text(encoding="utf-8"))

    assert main(["audit", "--config", str(config), "--verify-only"]) == 0


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        (f"PRAGMA user_version = {len(MIGRATIONS) + 1}", "made by a newer version"),
        ("PRAGMA application_id = 7", "not a database of failover"),
        ("DROP TABLE audit", "damaged, or not a database"),
    ],
)
def test_a_file_that_cannot_be_read_is_no_verdict(
    config: Path, change: str, trouble: str, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(a_database(config), change)

    assert main(["audit", "--config", str(config)]) == 75
    assert trouble in capsys.readouterr().err


def test_no_daemon_and_no_file_is_said_so(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--config", str(config)]) == 75
    assert "failover is not running" in capsys.readouterr().err
    assert not config.with_name("failover.db").exists()


def test_a_file_that_a_silent_daemon_has_is_not_judged(config: Path) -> None:
    """A daemon that is just starting writes, and what is read meanwhile would look like a broken trail."""
    file = a_database(config)
    holder = "import sys, failover.store; s = failover.store.Store.open(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        daemon.stdout.readline()
        with pytest.raises(UnreadableError, match="is in use, and who uses it does not answer"):
            list(pages(config))
        daemon.communicate("\n")
    assert len(list(pages(config))) == 2


def test_a_question_that_makes_no_sense_is_wrong_usage(config: Path) -> None:
    assert main(["audit", "--config", str(config), "--expect", "abc"]) == 2


def test_an_incident_that_there_never_was_is_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing shown and a whole trail would look like an answer."""
    file = a_database(config)
    with closing(Store.open(file)) as store:
        facts = {"platform": "x", "was": "up", "now": "down", "incident": "4", "turn": "opened", "reason": "why"}
        asyncio.run(store.record(Change(at=NOON, audit=(("platform_changed", facts),))))

    def asked(*words: str) -> tuple[int, str]:
        code = main(["audit", "--config", str(config), *words])
        return code, capsys.readouterr().err

    assert asked("--incident", "NONE") == (1, "failover audit: there is no incident NONE in the record\n")
    assert asked("--incident", "NONE", "--json")[0] == asked("--incident", "NONE", "--verify-only")[0] == 1
    assert asked("--incident", "4") == asked("--incident", "4", "--verify-only") == (0, "")
    assert asked("--incident", "4", "--since", "2d") == (0, "")


# -- asking the daemon -----------------------------------------------------------------------------------------


class FakeDaemon:
    """As much of the daemon as a page of the trail needs."""

    class Settings:
        class organisation:  # noqa: N801
            timezone = "Europe/Berlin"

    def __init__(self, store: Store) -> None:
        self.at = self
        self.engine = self
        self.settings = self.Settings
        self.store = store


@pytest.fixture
def store() -> Iterator[Store]:
    found = Store.open(":memory:")
    yield found
    found.close()


async def all_pages(store: Store) -> tuple[list[int], float]:
    """Every page as the socket sends it: sizes in bytes, and the processor's seconds that the slowest took."""
    page = handlers(FakeDaemon(store))["audit"]  # type: ignore[arg-type]
    after, sizes, slowest = None, [], 0.0
    while True:
        begun = time.process_time()
        data: Any = await page({"after": after}, "ann")
        sizes.append(len(json.dumps(data)))
        slowest = max(slowest, time.process_time() - begun)
        if not data["entries"]:
            return sizes, slowest
        after = data["entries"][-1][0]


async def test_a_trail_of_a_hundred_thousand_entries_never_keeps_the_daemon_long(store: Store) -> None:
    facts = json.dumps({"delivery": "7H-x", "text": "Facebook is down. " * 12})
    store._db.execute(
        "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 100000) "
        "INSERT INTO audit SELECT id, 0.0, 'delivery_attempted', ?, hex(zeroblob(32)) FROM n",
        (facts,),
    )
    sizes, slowest = await all_pages(store)

    assert len(sizes) > 100_000 / 251
    assert max(sizes) < 500_000
    assert slowest < 0.05


async def test_long_texts_make_shorter_pages_and_the_longest_still_comes(store: Store) -> None:
    texts = ["x" * 90_000] * 5 + ["y" * 3 * MOST_LETTERS]
    await store.record(Change(at=NOON, audit=tuple(("said", {"text": text}) for text in texts)))
    sizes, _ = await all_pages(store)

    assert [size // 90_000 for size in sizes] == [2, 2, 1, 6, 0]


# -- who asks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uid", "claim", "told"),
    [
        (1000, {"terminal": "pts/3", "sudo": ""}, "ann (command line, pts/3)"),
        (1000, {"terminal": "", "sudo": ""}, "ann (command line)"),
        (0, {"terminal": "pts/3", "sudo": "bob"}, "ann (sudo by bob, command line, pts/3)"),
        (1000, {"terminal": "", "sudo": "bob"}, "ann (command line)"),
        (0, {"terminal": "no\nway", "sudo": "a), root ("}, "ann (command line)"),
        (0, {"terminal": 7, "sudo": ["x"]}, "ann (command line, 7)"),
        (0, None, "ann (control socket)"),
        (0, "root", "ann (control socket)"),
    ],
)
def test_who_asks_is_the_kernels_word_and_from_where_is_told_where_it_can_be_believed(
    uid: int, claim: object, told: str
) -> None:
    assert whence("ann", uid, claim) == told


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("organisation:\n  name: X\n  timezone: Europe/Berlin  # there\n", "Europe/Berlin"),
        ("organisation: {name: X, timezone: 'America/Port-au-Prince'}\n", "America/Port-au-Prince"),
        ('organisation:\n  timezone: "UTC"\n', "UTC"),
        ("# timezone: Mars\norganisation:\n  timezone: Etc/GMT+5\n", "Etc/GMT+5"),
        ("organisation:\n  name: X\n", "UTC"),
        ("", "UTC"),
    ],
)
def test_the_time_zone_is_found_by_a_glance_at_the_configuration(config: Path, text: str, zone: str) -> None:
    config.write_text(text)

    assert timezone(config) == zone
    assert timezone(config.with_name("nowhere.yaml")) == "UTC"
