"""The one connection: transactions, and rows in and out of it; private to the store and its parts.

Raises StoreError where the disk or the file fails; a mistake of ours stays what it is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from failover.audit import whole
from failover.delivery import OWED
from failover.schema import StoreError

OWED_PHASES = ",".join(f"'{phase.value}'" for phase in sorted(OWED))
"""As SQL lists them."""

Row = dict[str, Any]


class Database:
    """Shared by all parts of the store, so that what they write together is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing.  Raises StoreError when the disk refuses."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:  # a full disk may have rolled it back already
                with suppress(sqlite3.DatabaseError):  # a failing disk: the next transaction tries again
                    self.connection.execute("ROLLBACK")
            if _is_trouble(error):
                raise StoreError(f"the database cannot be written: {error}") from error
            raise

    def read(self, question: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows.  Raises StoreError when the disk or the file fails."""
        try:
            return self.connection.execute(question, values).fetchall()
        except sqlite3.DatabaseError as error:
            if _is_trouble(error):
                raise StoreError(f"the database cannot be read: {error}") from error
            raise

    def read_one(self, question: str, values: Sequence[object] = ()) -> Row | None:
        """The first row, if there is one."""
        return next(iter(self.read(question, values)), None)

    def change(self, order: str, values: Sequence[object] | Mapping[str, object] = ()) -> int:
        """Within a transaction; how many rows it concerned."""
        found = values if isinstance(values, Mapping) else _storable(values)
        return self.connection.execute(order, found).rowcount

    def change_each(self, order: str, rows: Iterable[Sequence[object]]) -> None:
        """The same order for each of these."""
        self.connection.executemany(order, [_storable(row) for row in rows])

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        """A new row."""
        marks = ",".join("?" * len(row))
        self.change(f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks})", [*row.values()])  # noqa: S608

    def upsert(self, table: str, row: Mapping[str, object]) -> None:
        """A new row, or this one as it is now; the first column is the key."""
        key, *others = row
        marks = ",".join("?" * len(row))
        update = ",".join(f"{name} = excluded.{name}" for name in others)
        self.change(
            f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks}) "  # noqa: S608
            f"ON CONFLICT ({key}) DO UPDATE SET {update}",
            [*row.values()],
        )


def _is_trouble(error: BaseException) -> bool:
    """Is it the disk or the file (full, failing, damaged, locked), and not a mistake of ours?"""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _storable(values: Iterable[object]) -> list[object]:
    """Texts from outside may end in the middle of a character; half of one must not keep the rest from the disk."""
    return [whole(value) if isinstance(value, str) else value for value in values]
