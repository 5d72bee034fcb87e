"""The incidents as a list, read straight from the database: `failover incidents` must answer at once.

Standard library only, and little of it: a daemon that does not run is read by the command itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

Fields = dict[str, Any]

MOST_INCIDENTS = 500
"""As many are told of in one answer."""

HOLDING = frozenset({"holding", "again", "intermittent"})
_OWED = frozenset({"standby", "ready", "sending", "unsure"})


def chronicle(database: sqlite3.Connection, since: float = 0.0, most: int = MOST_INCIDENTS) -> Fields:
    """The incidents that were open at or after `since` (seconds, UTC), oldest first; at most so many, the latest.

    `earlier` counts those that are left out by `most`.  Of each: what was down, from when to when, where it was told
    (`told`), where it should have been and was not (`untold`), who was welcomed back, which deliveries wait for a
    person (`held`), which statements wait for sign-off (`waiting`), and how many deliveries are still under way.
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
    incidents = [_incident(one, rows.get(one["id"], []), waiting.get(one["id"], [])) for one in reversed(found)]
    return {"earlier": earlier, "incidents": incidents}


def _deliveries(database: sqlite3.Connection, incidents: list[Fields]) -> dict[str, list[Fields]]:
    """incident -> its deliveries, without their texts."""
    found: dict[str, list[Fields]] = {}
    for row in database.execute(
        "SELECT incident, id, channel, statement, phase, receipt IS NOT NULL AS received FROM delivery "
        "WHERE incident IN (SELECT value FROM json_each(?)) ORDER BY created_at, position",
        (json.dumps([one["id"] for one in incidents]),),
    ):
        found.setdefault(row["incident"], []).append(row)
    return found


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
    asked = _channels(row for row in holding if row["phase"] not in ("standby", "cancelled"))
    return {
        "id": one["id"],
        "group": one["grp"],
        "platforms": json.loads(one["platforms"]),
        "down": json.loads(one["down"]),
        "opened_at": one["opened_at"],
        "closed_at": one["closed_at"],
        "told": told,
        "untold": [name for name in asked if name not in told],
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
