"""The posts as a list, read straight from the database: `failover posts` must answer at once.

Standard library only, and little of it: a daemon that does not run is read by the command itself.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

Fields = dict[str, Any]

MOST_POSTS = 100
"""As many that are not over are told of in one answer; of the others as many again."""

CHANNELS = 4
"""So many rows are read for each post that is to be shown: usually a post is for no more channels."""


def post_list(database: sqlite3.Connection, since: float = 0.0, most: int = MOST_POSTS) -> Fields:
    """Posts that are not over yet, then those that ended at or after `since` (seconds, UTC).

    Of each kind at most so many: those that are due first, and those that ended last.  `left_out` counts the others
    of the first kind.  The rows must be mappings (`schema.open_database`).
    """
    owed, left_out = _owed(database, most)
    over = _over(database, since, most)
    shown = [*owed, *(one for one in over if one not in owed)]
    rows = _deliveries(database, shown)
    posts = {row["id"]: row for row in database.execute(
        "SELECT * FROM post WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(shown),)
    )}  # fmt: skip
    return {
        "left_out": left_out,
        "posts": [_post(posts[one], rows.get(one, []), over=one not in owed) for one in shown if one in posts],
    }


def _owed(database: sqlite3.Connection, most: int) -> tuple[list[str], int]:
    """Those that are due first, and how many more there are; thousands may wait, so the index has their order."""
    waiting = database.execute(
        "SELECT due, created_at, statement_id AS id FROM delivery INDEXED BY delivery_post_due "
        "WHERE statement = 'post' AND phase = 'ready' ORDER BY due, created_at, statement_id LIMIT ?",
        (most * CHANNELS,),
    ).fetchall()
    others = database.execute(
        "SELECT due, created_at, statement_id AS id FROM delivery WHERE statement = 'post' "
        "AND phase IN ('standby', 'sending', 'unsure', 'held')"
    ).fetchall()
    ordered = sorted((row["due"], row["created_at"], row["id"]) for row in (*waiting, *others))
    posts = [*dict.fromkeys(one for _due, _created, one in ordered)]
    if len(posts) <= most and len(waiting) < most * CHANNELS:
        return posts, 0
    (counted,) = database.execute(
        "SELECT count(DISTINCT statement_id) AS count FROM delivery INDEXED BY delivery_post_due "
        "WHERE statement = 'post' AND phase = 'ready'"
    )
    return posts[:most], max(0, counted["count"] - most)


def _over(database: sqlite3.Connection, since: float, most: int) -> list[str]:
    """Those that ended last."""
    ended = database.execute(
        "SELECT statement_id AS id FROM delivery INDEXED BY delivery_post_over WHERE statement = 'post' "
        "AND ended_at > 0 AND ended_at >= ? AND NOT EXISTS (SELECT 1 FROM delivery AS other WHERE "
        "other.statement_id = delivery.statement_id AND other.phase IN "
        "('standby', 'ready', 'sending', 'unsure', 'held')) ORDER BY ended_at DESC LIMIT ?",
        (since, most * CHANNELS),
    )
    return [*dict.fromkeys(row["id"] for row in ended)][:most]


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
