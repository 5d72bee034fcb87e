"""The database file: its tables, its versions, and how it is opened.

StoreError
 ├─ StoreBusyError       another daemon has the file
 └─ StoreForeignError    the file is not ours, is damaged, or is from a newer version
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

APPLICATION_ID = 0x0FA11043
"""SQLite's application_id of our files: anything else is somebody else's database."""

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE standing (
        platform TEXT PRIMARY KEY, state TEXT NOT NULL, since REAL NOT NULL, reason TEXT NOT NULL, voted TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE declaration (
        platform TEXT PRIMARY KEY, signal TEXT NOT NULL, at REAL NOT NULL, by TEXT NOT NULL, because TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE observation (
        id INTEGER PRIMARY KEY, platform TEXT NOT NULL, probe TEXT NOT NULL, at REAL NOT NULL, signal TEXT NOT NULL,
        evidence TEXT NOT NULL, fault TEXT, reason TEXT NOT NULL, detail TEXT NOT NULL, took REAL NOT NULL,
        node TEXT NOT NULL
    );
    CREATE INDEX observation_at ON observation (at);
    CREATE TABLE transition (
        id INTEGER PRIMARY KEY, platform TEXT NOT NULL, at REAL NOT NULL, was TEXT NOT NULL, now TEXT NOT NULL,
        reason TEXT NOT NULL, evidence TEXT NOT NULL
    );
    CREATE INDEX transition_at ON transition (at);
    CREATE TABLE incident (
        id TEXT PRIMARY KEY, grp TEXT NOT NULL, platforms TEXT NOT NULL, down TEXT NOT NULL, opened_at REAL NOT NULL,
        closed_at REAL, ordinal INTEGER NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE statement (
        id TEXT PRIMARY KEY, incident TEXT NOT NULL, kind TEXT NOT NULL, created_at REAL NOT NULL,
        latest REAL NOT NULL, reference TEXT NOT NULL, mode TEXT NOT NULL, release_at REAL,
        decided_by TEXT NOT NULL, decision TEXT NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE delivery (
        id TEXT PRIMARY KEY, incident TEXT NOT NULL, statement_id TEXT NOT NULL, statement TEXT NOT NULL,
        channel TEXT NOT NULL, phase TEXT NOT NULL, due REAL NOT NULL, latest REAL NOT NULL, created_at REAL NOT NULL,
        reference TEXT NOT NULL, text TEXT NOT NULL, subject TEXT NOT NULL, platforms TEXT NOT NULL,
        position INTEGER NOT NULL, attempts INTEGER NOT NULL, looks INTEGER NOT NULL, began REAL NOT NULL,
        unsure_since REAL NOT NULL, ended_at REAL NOT NULL, draft TEXT, receipt TEXT, reason TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        UNIQUE (statement_id, channel)
    ) WITHOUT ROWID;
    CREATE INDEX delivery_phase ON delivery (phase, due);
    CREATE INDEX delivery_incident ON delivery (incident);
    CREATE TABLE ledger (
        delivery TEXT NOT NULL, recipient TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (delivery, recipient)
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, event TEXT NOT NULL, facts TEXT NOT NULL, digest TEXT NOT NULL
    );
    """,
    # Which audit entry is the last one, apart from the trail (`audit.Head`): its end cannot be cut off unnoticed.
    """
    INSERT OR REPLACE INTO meta SELECT 'audit_head', coalesce(max(id) || ' ' || digest, '0 ') FROM audit
    """,
    # Why each transition happened, in sentences; and how often each source was asked in a month (`budget`).
    """
    ALTER TABLE transition ADD COLUMN explanation TEXT NOT NULL DEFAULT '[]';
    CREATE TABLE usage (
        source TEXT NOT NULL, month TEXT NOT NULL, looks INTEGER NOT NULL, PRIMARY KEY (source, month)
    ) WITHOUT ROWID
    """,
    # Of which incidents it was told that they are settled and what they have left behind (`catchup`): not twice.
    """
    CREATE TABLE settled (incident TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
    INSERT INTO settled SELECT id, closed_at FROM incident WHERE closed_at IS NOT NULL AND id NOT IN (
        SELECT incident FROM delivery WHERE phase IN ('standby', 'ready', 'sending', 'unsure'))
    """,
    # Who has approved which texts, and who is known to have been asked about which (`signoff`).
    """
    ALTER TABLE statement ADD COLUMN drill INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE statement ADD COLUMN persons INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE statement ADD COLUMN approvals TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE statement ADD COLUMN valid_until REAL;
    ALTER TABLE statement ADD COLUMN lapses INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE asking (
        id TEXT PRIMARY KEY, statement TEXT NOT NULL, round INTEGER NOT NULL, code TEXT NOT NULL,
        approver TEXT NOT NULL, way TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL, message TEXT NOT NULL,
        text TEXT NOT NULL, shown TEXT NOT NULL, done INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX asking_open ON asking (done, statement)
    """,
    # The organisation's own posts (`posts`), what was taken out of the spool folder, and how both are found at once.
    """
    CREATE TABLE post (
        id TEXT PRIMARY KEY, text TEXT NOT NULL, title TEXT NOT NULL, channels TEXT NOT NULL, at REAL, until REAL,
        images TEXT NOT NULL, by TEXT NOT NULL, source TEXT NOT NULL, created_at REAL NOT NULL,
        cancelled_by TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE spooled (
        claim TEXT PRIMARY KEY, post TEXT NOT NULL, file TEXT NOT NULL, done INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX spooled_open ON spooled (done, post);
    ALTER TABLE delivery ADD COLUMN images TEXT NOT NULL DEFAULT '[]';
    CREATE INDEX delivery_post ON delivery (channel, due, created_at, statement_id)
        WHERE statement = 'post' AND phase = 'ready';
    CREATE INDEX delivery_post_due ON delivery (due, created_at, statement_id)
        WHERE statement = 'post' AND phase = 'ready';
    CREATE INDEX delivery_post_over ON delivery (ended_at, statement_id) WHERE statement = 'post' AND ended_at > 0;
    CREATE INDEX delivery_post_late ON delivery (latest) WHERE statement = 'post' AND phase = 'ready';
    CREATE INDEX delivery_owed ON delivery (due, created_at, position)
        WHERE phase IN ('held', 'ready', 'sending', 'standby', 'unsure')
        AND NOT (statement = 'post' AND phase = 'ready');
    CREATE INDEX delivery_begun ON delivery (channel, began) WHERE statement = 'post' AND attempts > 0;
    CREATE INDEX delivery_said ON delivery (channel, ended_at) WHERE phase = 'sent';
    CREATE INDEX delivery_refused ON delivery (ended_at) WHERE statement = 'post' AND phase = 'refused'
    """,
    # Which statement of an incident was planned after which.
    "ALTER TABLE statement ADD COLUMN place INTEGER NOT NULL DEFAULT 0",
    # When a person said of an incident that it was a false alarm.
    "ALTER TABLE incident ADD COLUMN taken_back_at REAL",
    # Which other channels a text names as places to look: it is worded anew when one of them is in trouble.
    "ALTER TABLE delivery ADD COLUMN elsewhere TEXT NOT NULL DEFAULT '[]'",
    # Who was the first to complain: credit that was lost stays lost over a restart.
    """
    ALTER TABLE standing ADD COLUMN first TEXT;
    ALTER TABLE standing ADD COLUMN first_since REAL
    """,
)
"""One script per schema version: a file of version n is brought forward by those after n, in one transaction.

A script that has been released is never changed.  `tests/samples/schema_v1.sql` is a file of the first version.
"""

HEAD_SINCE = 2
"""The first schema version that notes the head of the audit trail."""


class StoreError(Exception):
    """The database cannot be used; the message says what to do."""


class StoreBusyError(StoreError):
    """Another daemon has the file."""


class StoreForeignError(StoreError):
    """The file is not ours, is damaged, or is from a newer version."""


def open_database(path: str) -> sqlite3.Connection:
    """Open (or make) the file, check it, bring it forward, and keep everybody else out."""
    try:
        if path != ":memory:":
            _begin_private(path)
        database = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened ({error.strerror}); is its folder there and writable?") from None
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path}: cannot be opened ({error}); is its folder there and writable?") from None
    try:
        _prepare(database, path)
    except sqlite3.DatabaseError as error:
        database.close()
        raise _opening_trouble(path, error) from None
    except StoreError:
        database.close()
        raise
    if path != ":memory:":
        _keep_private(path)
    return database


def _begin_private(path: str) -> None:
    """A new file is for its owner alone, since the addresses of recipients are in it; SQLite makes its log likewise.

    Raises OSError.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _keep_private(path: str) -> None:
    """The same for one that an earlier version made for all to read; it is not opened for that (fcntl(2): locks)."""
    for part in (Path(path), Path(f"{path}-wal")):
        with suppress(OSError):  # there is none, or it is somebody else's to decide
            part.chmod(0o600)


def open_read_only(path: str) -> sqlite3.Connection:
    """Open the file of a daemon that does not run, and change nothing in it.

    Raises StoreError: also for a file that a running daemon has, and for one of another program or a newer version.
    Where a daemon runs, or was killed, a log lies beside the file; where none does, SQLite need not leave one either.
    """
    still = "" if Path(f"{path}-wal").exists() else "&immutable=1"
    uri = f"file:{quote(path)}?mode=ro{still}"
    try:
        database = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=0.2)
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path}: cannot be opened ({error})") from None
    database.row_factory = _named
    try:
        _identify(database, path)
    except sqlite3.DatabaseError as error:
        database.close()
        raise _opening_trouble(path, error) from None
    except StoreError:
        database.close()
        raise
    return database


def _opening_trouble(path: str, error: sqlite3.DatabaseError) -> StoreError:
    if "locked" in str(error):
        return StoreBusyError(f"{path}: another failover daemon uses it; stop that one, or set `state:` for this one")
    if isinstance(error, sqlite3.OperationalError):
        return StoreError(f"{path}: {error}")
    return StoreForeignError(f"{path}: damaged, or not a database ({error})")


def _prepare(database: sqlite3.Connection, path: str) -> None:
    """Lock, identify, check, migrate.  Raises StoreForeignError and sqlite3.DatabaseError."""
    database.row_factory = _named
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = _identify(database, path)
    problems = [row["integrity_check"] for row in database.execute("PRAGMA integrity_check(5)")]
    if problems != ["ok"]:
        raise StoreForeignError(f"{path}: damaged ({'; '.join(map(str, problems))})")
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("BEGIN IMMEDIATE")
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    database.execute("COMMIT")


def _identify(database: sqlite3.Connection, path: str) -> int:
    """The schema version of a file that is ours (0 = new); reads only."""
    tables = database.execute("SELECT count(*) AS tables FROM sqlite_master").fetchone()["tables"]
    version = _pragma(database, "user_version")
    if tables and _pragma(database, "application_id") != APPLICATION_ID:
        raise StoreForeignError(f"{path}: a database of another program; set `state:` to a file of our own")
    if version > len(MIGRATIONS):
        raise StoreForeignError(
            f"{path}: made by a newer version (schema {version}; this one knows {len(MIGRATIONS)})"
        )
    return version


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[name])


def _named(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, object]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def set_aside(path: Path, now: float) -> Path | None:
    """Rename a damaged database of ours (with its log), so that nothing is guessed from it; None if it is not ours.

    A file of another program, or of a newer version, is left alone.
    """
    if not _ours_but_damaged(path):
        return None
    aside = path.with_name(f"{path.name}.damaged-{int(now)}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def was_set_aside(path: Path) -> list[str]:
    """The damaged forerunners of this database that lie beside it."""
    beside = (other.name for other in path.parent.iterdir())
    return sorted(name for name in beside if name.startswith(f"{path.name}.damaged-"))


def _ours_but_damaged(path: Path) -> bool:
    """By the header: application id in bytes 68-71, schema version in 60-63 (sqlite.org/fileformat2.html)."""
    header = path.read_bytes()[:100] if path.is_file() else b""
    version = int.from_bytes(header[60:64], "big")
    return header[68:72] == APPLICATION_ID.to_bytes(4, "big") and version <= len(MIGRATIONS)
