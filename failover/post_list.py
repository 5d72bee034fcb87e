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


def post_list(database: sqlite3.Connection, since: float = 0.0, most: int = MOST_POSTS) -> Fields:
    """Posts that are not over yet, then those handed in at or after `since` (seconds, UTC) that are.

    Of each kind at most so many: those that are due first, and those that were handed in last.  `left_out` counts
    the others of the first kind.  The rows must be mappings (`schema.open_database`).
    """
    count, owed = _owed(database, most)
    over = [row["id"] for row in database.execute(
        "SELECT id FROM post WHERE created_at >= ? AND NOT EXISTS (SELECT 1 FROM delivery WHERE "
        "statement_id = post.id AND phase IN ('standby', 'ready', 'sending', 'unsure', 'held')) "
        "ORDER BY created_at DESC LIMIT ?", (since, most),
    )]  # fmt: skip
    shown = [*owed, *over]
    rows = _deliveries(database, shown)
    posts = {row["id"]: row for row in database.execute(
        "SELECT * FROM post WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(shown),)
    )}  # fmt: skip
    return {
        "left_out": count - len(owed),
        "posts": [_post(posts[one], rows.get(one, []), over=one not in owed) for one in shown if one in posts],
    }


def _owed(database: sqlite3.Connection, most: int) -> tuple[int, list[str]]:
    """How many posts are not over, and those that are due first; they may be thousands, so both are indexed."""
    both = (
        "SELECT due, created_at, statement_id FROM delivery INDEXED BY delivery_post "
        "WHERE statement = 'post' AND phase = 'ready' UNION ALL SELECT due, created_at, statement_id FROM delivery "
        "WHERE statement = 'post' AND phase IN ('standby', 'sending', 'unsure', 'held')"
    )
    (counted,) = database.execute(f"SELECT count(DISTINCT statement_id) AS count FROM ({both})")  # noqa: S608
    first = database.execute(
        f"SELECT statement_id AS id FROM ({both}) GROUP BY id ORDER BY min(due), min(created_at), id LIMIT ?",  # noqa: S608
        (most,),
    )
    return counted["count"], [row["id"] for row in first]


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
