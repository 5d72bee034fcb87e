"""Where the audit trail is read from: the daemon while it runs, else the file it left, which is not changed by it."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from failover.ask import NotRunningError, ask, state_file, timezone
from failover.audit import Entry, Head
from failover.schema import APPLICATION_ID, HEAD_SINCE, MIGRATIONS

SHARED_BYTES, SHARED_LENGTH = 0x40000002, 510
"""Where SQLite locks a file against writers (sqlite.org/src, os_unix.c): the daemon holds it all the time."""

MANY = 2000


class UnreadableError(Exception):
    """There is no trail to be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The next entries, and what was noted of the last one at that moment.  The last page is empty.

    `older` says that the file is of a version that noted nothing yet; `file` is where it was read ("": not in one).
    """

    entries: list[Entry]
    head: Head | None
    timezone: str
    older: bool = False
    file: str = ""


def pages(config: Path) -> Iterator[Page]:
    """The whole trail.  Raises UnreadableError, and RefusedError where the daemon says no."""
    try:
        data = ask(config, "audit")
    except NotRunningError as error:
        yield from _of_file(state_file(config), timezone(config), str(error))
        return
    while True:
        page = Page(
            entries=[
                Entry(number=number, at=at, event=event, facts=facts, digest=digest)
                for number, at, event, facts, digest in data["entries"]
            ],
            head=Head.read(data["head"]),
            timezone=data["timezone"],
        )
        yield page
        if not page.entries:
            return
        try:
            data = ask(config, "audit", after=page.entries[-1].number)
        except NotRunningError:
            raise UnreadableError("the daemon has ended meanwhile; ask again") from None


def _of_file(path: Path, zone: str, why: str) -> Iterator[Page]:
    if not path.is_file():
        raise UnreadableError(f"failover is not running ({why}), and there is no database {path}")
    try:
        if _in_use(path):
            raise UnreadableError(f"{path} is in use, and who uses it does not answer ({why}); ask again")
        with _undisturbed(path) as database:
            yield from _of_database(database, path, zone)
        if _in_use(path):
            raise UnreadableError("the daemon has started meanwhile; ask again")
    except OSError as error:
        raise UnreadableError(f"failover is not running ({why}), and {path}: {error.strerror}") from None
    except sqlite3.DatabaseError as error:
        raise UnreadableError(f"{path}: damaged, or not a database ({error})") from None


def _in_use(path: Path) -> bool:
    """Does a daemon hold the file?  Asked of the kernel, because a reader of SQLite's leaves files behind."""
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, SHARED_LENGTH, SHARED_BYTES)
        except (BlockingIOError, PermissionError):
            return True
    return False


@contextmanager
def _undisturbed(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as it lies there.  Where a log was left beside it (kill -9), both are read as a copy."""
    left = [name for name in ("-wal", "-journal") if path.with_name(path.name + name).exists()]
    with TemporaryDirectory(prefix="failover-") as folder:
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        if left:
            copy = Path(folder, path.name)
            for suffix in ("", *left):
                shutil.copyfile(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
            uri = copy.as_uri()
        with closing(sqlite3.connect(uri, uri=True)) as database:
            yield database


def _of_database(database: sqlite3.Connection, path: Path, zone: str) -> Iterator[Page]:
    application, version = (_pragma(database, name) for name in ("application_id", "user_version"))
    if application != APPLICATION_ID or not version:
        raise UnreadableError(f"{path}: not a database of failover")
    if version > len(MIGRATIONS):
        raise UnreadableError(f"{path}: made by a newer version (schema {version}; this one knows {len(MIGRATIONS)})")
    noted = database.execute("SELECT value FROM meta WHERE name = 'audit_head'").fetchone()
    head = Head.read(str(noted[0])) if noted else None
    found = database.execute("SELECT id, at, event, facts, digest FROM audit ORDER BY id")
    while True:
        entries = [
            Entry(number=number, at=at, event=event, facts=facts, digest=digest)
            for number, at, event, facts, digest in found.fetchmany(MANY)
        ]
        yield Page(entries=entries, head=head, timezone=zone, older=version < HEAD_SINCE, file=str(path))
        if not entries:
            return


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])
