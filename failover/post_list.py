"""The posts as a list, read straight from the database: `failover posts` must answer at once.

Standard library only, and little of it: a daemon that does not run is read by the command itself.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

Fields = dict[str, Any]

MOST_POSTS = 200
"""As many that are not over are told of in one answer; of the others as many again."""

_OWED = "('standby', 'ready', 'sending', 'unsure', 'held')"


def post_list(database: sqlite3.Connection, since: float = 0.0, most: int = MOST_POSTS) -> Fields:
    """Posts that are not over yet, then those handed in at or after `since` (seconds, UTC) that are.

    Of each kind at most so many: those that are due first, and those that were handed in last.  `left_out` counts
    the others.  The rows must be mappings (`schema.open_database`).
    """
    owed = [row["id"] for row in database.execute(
        f"SELECT statement_id AS id FROM delivery WHERE statement = 'post' AND phase IN {_OWED} "  # noqa: S608
        "GROUP BY statement_id ORDER BY min(due), length(statement_id), statement_id"
    )]  # fmt: skip
    over = [row["id"] for row in database.execute(
        "SELECT id FROM post WHERE created_at >= ? AND id NOT IN (SELECT value FROM json_each(?)) "
        "ORDER BY created_at DESC, length(id) DESC, id DESC", (since, json.dumps(owed)),
    )]  # fmt: skip
    shown = [*owed[:most], *over[:most]]
    rows = _deliveries(database, shown)
    posts = {row["id"]: row for row in database.execute(
        "SELECT * FROM post WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(shown),)
    )}  # fmt: skip
    return {
        "left_out": len(owed) + len(over) - len(shown),
        "posts": [_post(posts[one], rows.get(one, []), over=one in over) for one in shown if one in posts],
    }


def _deliveries(database: sqlite3.Connection, posts: list[str]) -> dict[str, list[Fields]]:
    """post -> its deliveries, without their texts."""
    found: dict[str, list[Fields]] = {}
    for row in database.execute(
        "SELECT id, statement_id, channel, phase, due, ended_at, position, receipt, reason FROM delivery "
        "WHERE statement_id IN (SELECT value FROM json_each(?)) ORDER BY position, created_at, id",
        (json.dumps(posts),),
    ):
        found.setdefault(row["statement_id"], []).append(_delivery(row))
    return found


def _delivery(row: Fields) -> Fields:
    receipt = json.loads(row["receipt"]) if row["receipt"] else {}
    return {
        "id": row["id"],
        "channel": row["channel"],
        "stands_in": bool(row["position"]),
        "phase": row["phase"],
        "due": row["due"],
        "ended_at": row["ended_at"] or None,
        "url": receipt.get("url", ""),
        "reason": row["reason"],
    }


def _post(one: Fields, rows: list[Fields], *, over: bool) -> Fields:
    images = json.loads(one["images"])
    return {
        "id": one["id"],
        "over": over,
        "text": one["text"],
        "title": one["title"],
        "picture": images[0]["alt"] if images else "",
        "to": json.loads(one["channels"]),
        "at": one["at"],
        "until": one["until"],
        "created_at": one["created_at"],
        "by": one["by"],
        "source": one["source"],
        "cancelled_by": one["cancelled_by"],
        "deliveries": rows,
    }
