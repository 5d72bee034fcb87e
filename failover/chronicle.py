"""The incidents as a list, read straight from the database: `failover incidents` must answer at once.

Little is imported: a daemon that does not run is read by the command itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from failover.catchup import left_over, not_taken_back
from failover.rows import to_delivery, to_incident, to_statement

Fields = dict[str, Any]

MOST_INCIDENTS = 500
"""As many are told of in one answer."""

HOLDING = frozenset({"holding", "again", "intermittent"})
_OWED = frozenset({"standby", "ready", "sending", "unsure"})


def chronicle(database: sqlite3.Connection, since: float = 0.0, most: int = MOST_INCIDENTS) -> Fields:
    """The incidents that were open at or after `since` (seconds, UTC), oldest first; at most so many, the latest.

    `earlier` counts those that are left out by `most`.  Of each: what was down, from when to when, where it was told
    (`told`), where that was taken back (`retracted`), where it should have been and was not (`untold`), who was
    welcomed back, which deliveries wait for a person (`held`), which statements wait for sign-off (`waiting`), how
    many things a person must see to (`left`; `report` says which), and how many deliveries are still under way.
    The rows must be mappings (`schema.open_database`).
    """
    which = "closed_at IS NULL OR closed_at >= :since OR opened_at >= :since"
    count = database.execute(f"SELECT count(*) AS count FROM incident WHERE {which}", {"since": since})  # noqa: S608
    found = database.execute(
        f"SELECT * FROM incident WHERE {which} ORDER BY opened_at DESC, CAST(id AS INTEGER) DESC LIMIT :most",  # noqa: S608
        {"since": since, "most": most},
    ).fetchall()
    earlier = count.fetchone()["count"] - len(found)
    rows, waiting = _deliveries(database, found), _waiting(database)
    left = _left(database, found, rows)
    incidents = [
        {**_incident(one, rows.get(one["id"], []), waiting.get(one["id"], [])), "left": left[one["id"]]}
        for one in reversed(found)
    ]
    return {"earlier": earlier, "incidents": incidents}


def _deliveries(database: sqlite3.Connection, incidents: list[Fields]) -> dict[str, list[Fields]]:
    """incident -> its deliveries."""
    return _by_incident(
        database.execute(
            "SELECT *, receipt IS NOT NULL AS received FROM delivery "
            "WHERE incident IN (SELECT value FROM json_each(?)) ORDER BY created_at, position",
            (json.dumps([one["id"] for one in incidents]),),
        )
    )


def _by_incident(rows: Iterable[Fields]) -> dict[str, list[Fields]]:
    found: dict[str, list[Fields]] = {}
    for row in rows:
        found.setdefault(row["incident"], []).append(row)
    return found


def _left(database: sqlite3.Connection, incidents: list[Fields], deliveries: Mapping[str, list[Fields]]) -> Fields:
    """incident -> how many things are left of it for a person (`catchup`); posts have their own list."""
    wanted = json.dumps([one["id"] for one in incidents])
    said = "SELECT * FROM statement WHERE incident IN (SELECT value FROM json_each(?)) ORDER BY created_at, id"
    statements = _by_incident(database.execute(said, (wanted,)))
    tried = database.execute(
        "SELECT event, facts FROM audit WHERE at >= ? AND event IN ('retract_failed', 'delivery_retracted') "
        "ORDER BY id",
        (min((one["opened_at"] for one in incidents), default=0.0),),
    )
    kept = not_taken_back((row["event"], json.loads(row["facts"])) for row in tried)
    found = {}
    for one in incidents:
        rows_of = [to_delivery(_without(row, "received")) for row in deliveries.get(one["id"], [])]
        said_of = [to_statement(row) for row in statements.get(one["id"], [])]
        found[one["id"]] = sum(left.person for left in left_over(to_incident(one), said_of, rows_of, (), kept))
    return found


def _without(row: Fields, name: str) -> Fields:
    return {key: value for key, value in row.items() if key != name}


def _waiting(database: sqlite3.Connection) -> dict[str, list[str]]:
    """incident -> statements that a person may still approve or veto."""
    found: dict[str, list[str]] = {}
    for row in database.execute(
        "SELECT incident, id FROM statement WHERE decision = '' AND mode != 'automatic' AND EXISTS (SELECT 1 "
        "FROM delivery WHERE statement_id = statement.id AND phase IN ('standby', 'ready')) ORDER BY created_at"
    ):
        found.setdefault(row["incident"], []).append(row["id"])
    return found


def _incident(one: Fields, rows: list[Fields], waiting: list[str]) -> Fields:
    holding = [row for row in rows if row["statement"] in HOLDING]
    told = _channels(row for row in holding if _heard(row))
    back = _channels(row for row in holding if row["phase"] == "retracted" and row["channel"] not in told)
    asked = _channels(row for row in holding if row["phase"] not in ("standby", "cancelled"))
    return {
        "id": one["id"],
        "group": one["grp"],
        "platforms": json.loads(one["platforms"]),
        "down": json.loads(one["down"]),
        "opened_at": one["opened_at"],
        "closed_at": one["closed_at"],
        "told": told,
        "retracted": back,
        "untold": [name for name in asked if name not in (*told, *back)],
        "welcomed": _channels(row for row in rows if row["statement"] == "welcome_back" and _heard(row)),
        "held": [row["id"] for row in rows if row["phase"] == "held"],
        "waiting": waiting,
        "under_way": sum(row["phase"] in _OWED for row in rows),
    }


def _heard(row: Fields) -> bool:
    """As `Delivery.heard` has it."""
    return row["phase"] != "retracted" and bool(row["received"] or row["phase"] in ("sent", "left"))


def _channels(rows: Iterator[Fields]) -> list[str]:
    return list(dict.fromkeys(row["channel"] for row in rows))
