"""Files of earlier versions are brought forward with everything in them, or left as they were."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from failover import schema
from failover.audit import broken
from failover.delivery import OWED, Phase
from failover.model import Signal
from failover.schema import MIGRATIONS, StoreError, StoreForeignError
from failover.store import Change, Store
from tests.core.stories import NOON, World

SAMPLE = Path(__file__).parents[1] / "samples" / "schema_v1.sql"

Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A file of the first version, as it lay on the disk: with a write-ahead log as its journal."""
    file = tmp_path / "failover.db"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(SAMPLE.read_text(encoding="utf-8"))
        database.execute("PRAGMA journal_mode = WAL")
    return file


def contents(path: Path) -> Rows:
    """Every row of every table there was in the first version."""
    with closing(sqlite3.connect(path)) as database:
        return {
            table: sorted(database.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
            for table, columns in COLUMNS.items()
        }


def ask(path: Path, question: str) -> Any:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(question).fetchone()[0]


COLUMNS = {
    "meta": "name, value",
    "standing": "platform, state, since, reason, voted",
    "declaration": "platform, signal, at, by, because",
    "observation": "id, platform, probe, at, signal, evidence, fault, reason, detail, took, node",
    "transition": "id, platform, at, was, now, reason, evidence",
    "incident": "id, grp, platforms, down, opened_at, closed_at, ordinal, reason",
    "statement": "id, incident, kind, created_at, latest, reference, mode, release_at, decided_by, decision, reason",
    "delivery": "id, incident, statement_id, statement, channel, phase, due, latest, created_at, reference, text, "
    "subject, platforms, position, attempts, looks, began, unsure_since, ended_at, draft, receipt, reason, epoch",
    "ledger": "delivery, recipient, state",
    "audit": "id, at, event, facts, digest",
}


def without_news(rows: Rows) -> Rows:
    """Without what later versions add: the note of the last audit entry."""
    return {**rows, "meta": [row for row in rows["meta"] if row[0] != "audit_head"]}


def test_the_sample_is_a_file_of_the_first_version_with_something_in_every_table(first: Path) -> None:
    rows = contents(first)

    assert ask(first, "PRAGMA user_version") == 1
    assert ask(first, "PRAGMA application_id") == schema.APPLICATION_ID
    assert [table for table, found in rows.items() if not found] == []
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(MIGRATIONS[0])
        assert tables(database) == tables_of(first), "a released script was changed"


def tables(database: sqlite3.Connection) -> set[tuple[str, str]]:
    found = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {(name, " ".join(sql.split())) for name, sql in found}


def tables_of(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        return tables(database)


async def test_a_file_of_the_first_version_is_brought_forward_with_every_row(first: Path) -> None:
    before = contents(first)
    store = Store.open(first)
    assert broken(await store.audit(), await store.trail.head()) == ""
    store.close()

    assert without_news(contents(first)) == before
    assert ask(first, "PRAGMA user_version") == len(MIGRATIONS)


async def test_what_was_owed_and_open_before_is_so_afterwards(first: Path) -> None:
    """Read by today's program: the open incident, the doubtful delivery, the ledger, the word and the pause."""
    store = Store.open(first)

    assert [(one.id, one.is_open) for one in await store.incidents()] == [("1", False), ("2", True), ("3", True)]
    assert [(row.id, row.phase) for row in await store.owed()] == [("2H-telegram", Phase.UNSURE)]
    assert await store.ledger("1H-email") == {"one@example.org": "heard", "zwei@example.org": "refused"}
    assert [(word.platform, word.signal) for word in await store.declarations()] == [("x", Signal.DOWN)]
    assert await store.setting("paused_by") == "bob"
    assert await store.fresh_incident_id() == "4"
    assert {row.phase for row in await store.owed()} <= OWED
    store.close()


async def test_the_daemon_goes_on_with_it(first: Path) -> None:
    """What was in doubt is found, nothing is said twice, and the trail goes on as one chain."""
    world = World(first)
    world.now = NOON + 10_000
    await world.start()
    await world.desk.resume("ann", world.now)
    await world.live(60, {"instagram": {}})

    assert broken(await world.store.audit(), await world.store.trail.head()) == ""
    assert len(await world.store.audit()) > 36
    world.die()


async def test_bringing_it_forward_twice_changes_nothing_more(first: Path) -> None:
    Store.open(first).close()
    once = contents(first)
    Store.open(first).close()

    assert contents(first) == once


# -- death in the middle ---------------------------------------------------------------------------------------

LATER: Sequence[str] = (
    *MIGRATIONS,
    """
    CREATE TABLE note (text TEXT NOT NULL); INSERT INTO note SELECT value FROM meta WHERE name = 'paused_by';
    UPDATE incident SET reason = 'unknown'
    """,
    "ALTER TABLE meta ADD COLUMN since REAL NOT NULL DEFAULT 0; DELETE FROM ledger",
)
"""Today's versions and two more, so that a death can fall between statements that write much."""


class Filmed(sqlite3.Connection):
    """Before and after every statement the files are copied as they lie there: what a kill -9 would leave."""

    def __init__(self, *args: Any, folder: Path, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file = Path(args[0])
        self._folder = folder

    def execute(self, *args: Any) -> sqlite3.Cursor:
        self._film()
        try:
            return super().execute(*args)
        finally:
            self._film()

    def _film(self) -> None:
        frame = self._folder / f"{len([*self._folder.iterdir()]):03}"
        frame.mkdir()
        for suffix in ("", "-wal", "-journal"):
            part = self._file.with_name(self._file.name + suffix)
            if part.exists():
                shutil.copyfile(part, frame / part.name)


async def test_a_death_at_any_moment_of_it_leaves_the_old_version_or_the_new_one_complete(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(first)
    film = tmp_path / "film"
    film.mkdir()
    monkeypatch.setattr(schema, "MIGRATIONS", LATER)
    with monkeypatch.context() as filming:
        filming.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=partial(Filmed, folder=film)))
        schema.open_database(str(first)).close()

    versions = []
    for frame in sorted(film.iterdir()):
        copy = frame / first.name
        versions.append(ask(copy, "PRAGMA user_version"))
        found = contents(copy)
        if versions[-1] == 1:
            assert found == before, frame
            assert ask(copy, "SELECT count(*) FROM sqlite_master WHERE name = 'note'") == 0
        Store.open(copy).close()
        assert ask(copy, "PRAGMA user_version") == len(LATER)
        assert ask(copy, "SELECT text FROM note") == "bob"
    assert set(versions) == {1, len(LATER)}
    assert len(versions) > 20


@pytest.mark.parametrize("trouble", ["a mistake", "a full disk"])
async def test_a_migration_that_fails_leaves_the_old_version_as_it_was(
    first: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(first)
    scripts = {
        "a mistake": "CREATE TABLE note (text TEXT); INSERT INTO nowhere VALUES (1)",
        "a full disk": "CREATE TABLE note (text TEXT); PRAGMA max_page_count = 1; "
        "INSERT INTO note SELECT hex(zeroblob(100000)) FROM audit",
    }
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, scripts[trouble]))

    with pytest.raises(StoreError, match=r"nowhere|full"):
        Store.open(first)
    assert contents(first) == before
    assert ask(first, "PRAGMA user_version") == 1
    assert ask(first, "SELECT count(*) FROM sqlite_master WHERE name = 'note'") == 0
    monkeypatch.undo()
    Store.open(first).close()
    assert without_news(contents(first)) == before


# -- from the future -------------------------------------------------------------------------------------------


def test_a_newer_version_is_refused_in_so_many_words_and_not_touched(first: Path) -> None:
    with closing(sqlite3.connect(first)) as database:
        database.execute("CREATE TABLE marvel (of TEXT)")
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        database.commit()
    before = first.read_bytes()

    with pytest.raises(StoreForeignError, match=rf"made by a newer version .schema {len(MIGRATIONS) + 1}; this one"):
        Store.open(first)
    assert first.read_bytes() == before
    assert schema.set_aside(first, NOON) is None
    assert [one.name for one in first.parent.iterdir()] == [first.name]


def test_every_version_notes_the_head_of_the_trail_from_its_first_entry_on(tmp_path: Path) -> None:
    Store.open(tmp_path / "new.db").close()

    assert ask(tmp_path / "new.db", "SELECT value FROM meta WHERE name = 'audit_head'") == "0 "


async def test_a_record_on_an_old_file_is_put_down_in_the_new_form(first: Path) -> None:
    store = Store.open(first)
    await store.record(Change(at=NOON, audit=(("said", {}),)))
    [*_, last] = await store.audit()

    assert str(await store.trail.head()) == f"37 {last.digest}"
    store.close()
