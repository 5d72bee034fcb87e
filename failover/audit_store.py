"""The audit trail in the database: each entry is sealed onto the one before it (rule S6), and none is ever changed.

A part of the store, over its one connection: an entry is appended in the transaction of the fact it tells of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from failover.audit import Entry, Head, sealed
from failover.database import Database

AUDIT_HEAD = "audit_head"
"""Where the head of the trail is noted, among the settings."""

BEFORE_ALL = -(2**63)
"""No entry has this number, nor a smaller one, not even one that somebody else put in."""


class AuditStore:
    """The trail."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def entries(self) -> list[Entry]:
        """The whole trail, oldest first."""
        found = self._db.read("SELECT id AS number, at, event, facts, digest FROM audit ORDER BY id")
        return [Entry(**row) for row in found]

    async def after(self, number: int | None, most: int) -> list[Entry]:
        """The next entries after this one, or from the first (None); at most so many."""
        found = self._db.read(
            "SELECT id AS number, at, event, facts, digest FROM audit WHERE id > ? ORDER BY id LIMIT ?",
            (BEFORE_ALL if number is None else number, most),
        )
        return [Entry(**row) for row in found]

    async def since(self, at: float, mentioning: str = "") -> list[Entry]:
        """Entries of this time or later in whose facts this stands, oldest first."""
        found = self._db.read(
            "SELECT id AS number, at, event, facts, digest FROM audit WHERE at >= ? AND instr(facts, ?) ORDER BY id",
            (at, mentioning),
        )
        return [Entry(**row) for row in found]

    async def of(self, events: Iterable[str], since: float, until: float) -> list[Entry]:
        """Entries of these kinds in this time, oldest first."""
        found = self._db.read(
            "SELECT id AS number, at, event, facts, digest FROM audit WHERE at >= ? AND at <= ? "
            "AND event IN (SELECT value FROM json_each(?)) ORDER BY id",
            (since, until, json.dumps([*events])),
        )
        return [Entry(**row) for row in found]

    async def head(self) -> Head | None:
        """Which entry is the last one, as it is noted apart from the trail; None if that note is gone."""
        return self._noted()

    def append(self, at: float, event: str, facts: Mapping[str, object]) -> None:
        """Onto the last entry that we wrote.  What somebody took away or put in behind it stays to be seen."""
        last = self._db.read_one("SELECT id, digest FROM audit ORDER BY id DESC LIMIT 1")
        there = Head(number=last["id"], digest=last["digest"]) if last else Head()
        head = self._noted() or there
        number = max(head.number, there.number) + 1
        entry = sealed(number=number, at=at, event=event, facts=facts, before=head.digest)
        self._db.change("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", (number, at, event, entry.facts, entry.digest))
        self._db.upsert("meta", {"name": AUDIT_HEAD, "value": str(Head(number=number, digest=entry.digest))})

    def _noted(self) -> Head | None:
        row = self._db.read_one("SELECT value FROM meta WHERE name = ?", (AUDIT_HEAD,))
        return Head.read(row["value"]) if row else None
