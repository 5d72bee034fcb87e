"""The organisation's posts in the database: what waits, what falls due, the claims of the spool folder.

A part of the store, over its one connection: what is written here by others (`Store.record`) is in their transaction.
Posts that are scheduled or held may be thousands, so they are found by indexes of their own (`schema`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from failover import rows
from failover.database import OWED_PHASES, Database
from failover.delivery import Delivery
from failover.forgetting import blanked, blanked_name
from failover.post_list import post_list
from failover.posts import REROUTED, Pace, Post
from failover.schema import StoreError

_OF_ONE = "SELECT * FROM delivery WHERE statement_id = ?"
_A_POST_THAT_WAITS = "statement = 'post' AND phase = 'ready'"

SOUGHT_FOR = 7 * 86400.0
"""Seconds after which a post that was re-routed is not given back to its channel any more."""


class PostStore:
    """The posts."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def get(self, post_id: str) -> Post | None:
        row = self._db.read_one("SELECT * FROM post WHERE id = ?", (post_id,))
        return rows.to_post(row) if row else None

    async def waiting(self, now: float) -> dict[str, int]:
        """channel -> how many posts are due there by now and have not left."""
        found = self._db.read(
            "SELECT channel, count(*) AS waiting FROM delivery INDEXED BY delivery_post "  # noqa: S608
            f"WHERE {_A_POST_THAT_WAITS} AND due <= ? GROUP BY channel",
            (now,),
        )
        return {row["channel"]: row["waiting"] for row in found}

    async def counts(self, now: float) -> dict[str, int]:
        """How many are `scheduled` for later, and `waiting` though they are due; each on each of its channels."""
        found = self._db.read(
            "SELECT due > ? AS later, count(*) AS count FROM delivery "  # noqa: S608
            f"INDEXED BY delivery_post WHERE {_A_POST_THAT_WAITS} GROUP BY later",
            (now,),
        )
        counts = {row["later"]: row["count"] for row in found}
        return {"scheduled": counts.get(1, 0), "waiting": counts.get(0, 0)}

    async def due(self, channel: str, now: float, most: int, *, after: float = 0.0) -> list[Delivery]:
        """The posts that fell due on a channel (after that time), the oldest first; at most so many."""
        found = self._db.read(
            f"SELECT * FROM delivery WHERE {_A_POST_THAT_WAITS} AND channel = ? AND due > ? AND due <= ? "  # noqa: S608
            "ORDER BY due, created_at, statement_id LIMIT ?",
            (channel, after, now, most),
        )
        return [rows.to_delivery(row) for row in found]

    async def stranded(self, channel: str, now: float, most: int, *, own: str) -> list[str]:
        """Posts that are due on a channel by now, the oldest first; at most so many.

        Those for which it stands in itself, and of its `own` all, none, or those for which nobody stands in yet
        ("all", "none", "new").
        """
        found = self._db.read(
            f"SELECT statement_id FROM delivery WHERE {_A_POST_THAT_WAITS} AND channel = ?1 AND due <= ?2 AND "  # noqa: S608
            "(position > 0 OR ?3 = 'all' OR ?3 = 'new' AND NOT EXISTS (SELECT 1 FROM delivery AS copy WHERE "
            "copy.statement_id = delivery.statement_id AND copy.position > 0)) "
            "ORDER BY due, created_at, statement_id LIMIT ?4",
            (channel, now, own, most),
        )
        return [row["statement_id"] for row in found]

    async def refused(self, since: float, most: int) -> list[str]:
        """Posts that a channel refused, at or after `since`, the latest first: of those another was to say.

        A channel stands in for another also with what it is to say itself.
        """
        found = self._db.read(
            "SELECT DISTINCT statement_id FROM delivery WHERE statement = 'post' AND phase = 'refused' "
            "AND ended_at >= ? AND EXISTS (SELECT 1 FROM delivery AS meant WHERE "
            "meant.statement_id = delivery.statement_id AND meant.position = 0 "
            "AND meant.phase IN ('ready', 'cancelled')) ORDER BY ended_at DESC LIMIT ?",
            (since, most),
        )
        return [row["statement_id"] for row in found]

    async def adrift(
        self, now: float, well: Sequence[str], channels: Sequence[str], beside: Iterable[tuple[str, str]], most: int
    ) -> list[str]:
        """Posts that were re-routed (`posts.is_rerouted`) in the last days, and nobody says them: at most so many.

        Nobody: no delivery that stands in (or is one of the pairs `beside` it) may be public, or waits where it can
        go out sooner than on the channel that it was meant for.  `channels` are all there are, `well` those that
        could say something now.
        """
        found = self._db.read(
            "SELECT DISTINCT statement_id FROM delivery AS meant INDEXED BY delivery_post_over "
            "WHERE statement = 'post' AND ended_at > 0 AND ended_at >= ?1 AND phase = 'cancelled' "
            "AND position = 0 AND attempts = 0 AND latest > ?2 AND reason LIKE ?3 "
            "AND channel IN (SELECT value FROM json_each(?4)) "
            "AND EXISTS (SELECT 1 FROM post WHERE post.id = meant.statement_id AND cancelled_by = '') "
            "AND NOT EXISTS (SELECT 1 FROM delivery AS other WHERE other.statement_id = meant.statement_id "
            "AND other.channel != meant.channel AND (other.position > 0 "
            "OR meant.channel || ' ' || other.channel IN (SELECT value FROM json_each(?6))) "
            "AND (other.phase NOT IN ('ready', 'refused', 'cancelled', 'expired') OR other.receipt IS NOT NULL "
            "OR other.phase = 'ready' AND other.channel IN (SELECT value FROM json_each(?4)) "
            "AND (other.channel IN (SELECT value FROM json_each(?5)) "
            "OR meant.channel NOT IN (SELECT value FROM json_each(?5))))) LIMIT ?7",
            (
                now - SOUGHT_FOR,
                now,
                f"{REROUTED}%",
                json.dumps([*channels]),
                json.dumps([*well]),
                json.dumps([f"{meant} {other}" for meant, other in beside]),
                most,
            ),
        )
        return [row["statement_id"] for row in found]

    async def meant(self, channels: Sequence[str], since: float, until: float) -> list[Delivery]:
        """The posts that were meant for these channels and due in this time, the oldest first."""
        found = self._db.read(
            "SELECT * FROM delivery WHERE statement = 'post' AND position = 0 AND due >= ? AND due <= ? "
            "AND channel IN (SELECT value FROM json_each(?)) ORDER BY due, created_at",
            (since, until, json.dumps([*channels])),
        )
        return [rows.to_delivery(row) for row in found]

    async def late(self, now: float, most: int) -> list[Delivery]:
        """Posts that are still unsaid at their latest time."""
        found = self._db.read(
            "SELECT * FROM delivery INDEXED BY delivery_post_late "  # noqa: S608
            f"WHERE {_A_POST_THAT_WAITS} AND latest <= ? LIMIT ?",
            (now, most),
        )
        return [rows.to_delivery(row) for row in found]

    async def pace(self, channel: str, per_day: int, now: float) -> Pace:
        """When a post was last begun on a channel, and since when so many things have been said there.

        What has a time that is still to come was said under a clock that was wrong, and counts for nothing.
        """
        began = self._db.read_one(
            "SELECT max(began) AS began FROM delivery WHERE statement = 'post' AND attempts > 0 AND channel = ? "
            "AND began <= ?",
            (channel, now),
        )
        full = self._db.read_one(
            "SELECT ended_at FROM delivery WHERE phase = 'sent' AND channel = ? AND ended_at <= ? "
            "ORDER BY ended_at DESC LIMIT 1 OFFSET ?",
            (channel, now, max(per_day - 1, 0)),
        )
        last = began["began"] if began and began["began"] is not None else 0.0
        return Pace(last_began=last, full_since=full["ended_at"] if full else None)

    async def listing(self, since: float, most: int) -> Mapping[str, Any]:
        """The posts as a list, see `post_list`."""
        try:
            return post_list(self._db.connection, since, most)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the database cannot be read: {error}") from error

    async def was_claimed(self, claim: str) -> str:
        """The post that a file of the spool folder, or a call of the command line, became; "" if it is none yet."""
        row = self._db.read_one("SELECT post FROM spooled WHERE claim = ?", (claim,))
        return str(row["post"]) if row else ""

    async def spooled_over(self, most: int) -> list[tuple[str, str, str]]:
        """(claim, post, file) of posts out of the spool folder that are over, and whose file lies there still."""
        found = self._db.read(
            f"SELECT claim, post, file FROM spooled WHERE NOT done AND NOT EXISTS (SELECT 1 FROM delivery "  # noqa: S608
            f"WHERE statement_id = spooled.post AND phase IN ({OWED_PHASES})) LIMIT ?",
            (most,),
        )
        return [(row["claim"], row["post"], row["file"]) for row in found]

    async def put_away(self, claims: Iterable[str]) -> None:
        """These files lie where they belong."""
        with self._db.transaction():
            self._db.change_each("UPDATE spooled SET done = 1 WHERE claim = ?", ((claim,) for claim in claims))

    async def pictures(self) -> set[str]:
        """The names of the files that posts have as their pictures."""
        found = self._db.read("SELECT images FROM post WHERE images != '[]'")
        return {Path(one["path"]).name for row in found for one in json.loads(row["images"])}

    # -- within a transaction of the store ---------------------------------------------------------------------

    def write(self, posts: Iterable[Post], claims: Iterable[tuple[str, str, str]]) -> None:
        """Posts as they are now, and new claims: (claim, post, name of the file, "" where there is none to move)."""
        for post in posts:
            self._db.upsert("post", rows.from_post(post))
        for claim, post_id, file in claims:
            row = {"claim": claim, "post": post_id, "file": file, "done": 0 if file else 1}
            self._db.insert("spooled", row)

    def redact(self, addresses: Sequence[str], mark: str) -> tuple[list[str], list[str]]:
        """The mark for these spellings of an address in the words of posts; (those changed, those that are not over).

        What is owed stays: nothing is published that nobody wrote, and what may be public is found by its words.
        """
        redacted, unfinished = [], []
        for row in self._db.read("SELECT * FROM post"):
            post = rows.to_post(row)
            if (clean := without(post, addresses, mark)) == post:
                continue
            if self._is_owed(post.id):
                unfinished.append(post.id)
                continue
            redacted.append(post.id)
            self._db.upsert("post", rows.from_post(clean))
            if clean.source != post.source:
                self._db.change("UPDATE spooled SET file = ? WHERE post = ?", (clean.source, post.id))
            for said in map(rows.to_delivery, self._db.read(_OF_ONE, (post.id,))):
                text = blanked(said.text, addresses, mark)
                said_so = replace(said, text=text, subject=clean.title, images=clean.images)
                self._db.upsert("delivery", rows.from_delivery(said_so))
        return redacted, unfinished

    def _is_owed(self, post_id: str) -> bool:
        question = f"SELECT 1 FROM delivery WHERE statement_id = ? AND phase IN ({OWED_PHASES})"  # noqa: S608
        return self._db.read_one(question, (post_id,)) is not None

    def prune(self, before: float) -> int:
        """Forget posts that ended before that time, with their deliveries; returns how many posts."""
        over = (
            f"SELECT id FROM post WHERE created_at < ?1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE "  # noqa: S608
            f"statement_id = post.id AND (phase IN ({OWED_PHASES}) OR ended_at >= ?1))"
        )
        found = [row["id"] for row in self._db.read(over, (before,))]
        for post in found:
            self._db.change(
                "DELETE FROM ledger WHERE delivery IN (SELECT id FROM delivery WHERE statement_id = ?)", (post,)
            )
            self._db.change("DELETE FROM delivery WHERE statement_id = ?", (post,))
            self._db.change("DELETE FROM spooled WHERE post = ? AND done", (post,))
            self._db.change("DELETE FROM post WHERE id = ?", (post,))
        return len(found)


def without(post: Post, addresses: Sequence[str], mark: str) -> Post:
    """The post with the mark for the address, in all its words and in the name of its file."""
    return replace(
        post,
        text=blanked(post.text, addresses, mark),
        title=blanked(post.title, addresses, mark),
        source=blanked_name(post.source, addresses, mark),
        images=tuple(replace(one, alt=blanked(one.alt, addresses, mark)) for one in post.images),
    )
