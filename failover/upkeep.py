"""What is done to the whole database now and then: forgetting with time, moving with the clock, blanking a person.

Orders over the one connection, to be given within a transaction of the store (but for `scour`, which is one itself).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from failover.budget import month_of
from failover.database import OWED_PHASES, Database
from failover.forgetting import blanked, in_json
from failover.schema import StoreError

PASSING_WORDS = (
    ("observation", "reason"), ("observation", "detail"),
    ("transition", "reason"), ("transition", "evidence"), ("transition", "explanation"),
    ("standing", "reason"), ("incident", "reason"), ("statement", "reason"),
    ("delivery", "reason"), ("delivery", "draft"), ("delivery", "receipt"),
    ("declaration", "because"), ("asking", "text"), ("asking", "shown"), ("meta", "value"),
)  # fmt: skip
"""(table, column) that may hold what a service or a person said in passing; it should quote no address, and might."""

_WORDS_THAT_STAY = {
    "the public text of": "SELECT id AS place FROM delivery WHERE statement != 'post' "
    "AND instr(lower(text || ' ' || subject), lower(?))",
    "the entries of the audit trail": "SELECT id AS place FROM audit WHERE instr(lower(facts), lower(?))",
}

_A_POST_AND_THE_CLOCK = (
    f"UPDATE delivery SET began = began + :by, unsure_since = unsure_since + :by, "  # noqa: S608
    "due = CASE WHEN attempts = 0 AND due IN (SELECT post.at FROM post WHERE post.id = statement_id "
    "AND post.at > post.created_at) THEN due ELSE due + :by END "
    f"WHERE phase IN ({OWED_PHASES}) AND statement = 'post'"
)
"""A post that is scheduled for nine o'clock goes out at nine by the clock as it is set now.

Whether it is scheduled was said when it was handed in: after a step the times of the others tell nothing.
"""

_FIRST_APPROVALS_AND_THE_CLOCK = """
    UPDATE statement SET approvals = (
        SELECT json_group_array(json(moved)) FROM (
            SELECT json_set(one.value, '$.at', json_extract(one.value, '$.at') + :by) AS moved
            FROM json_each(statement.approvals) AS one ORDER BY one.key))
    WHERE decision = '' AND approvals != '[]'
"""
"""The approval that waits for a second one grows old when it would have; one that was acted on is history."""


# -- with time -------------------------------------------------------------------------------------------------


def prune(database: Database, before: float) -> int:
    """Forget observations, transitions, questions and bills older than this; returns how many rows.

    Not the transitions of platforms that an open incident has met with.
    """
    removed = database.change("DELETE FROM observation WHERE at < ?", (before,))
    removed += database.change(
        """
        DELETE FROM transition WHERE at < ? AND NOT EXISTS (
            SELECT 1 FROM incident, json_each(incident.platforms) AS hit
            WHERE closed_at IS NULL AND opened_at <= transition.at AND hit.value = transition.platform)
        """,
        (before,),
    )
    removed += database.change("DELETE FROM usage WHERE month < ?", (month_of(before),))
    return removed + database.change("DELETE FROM asking WHERE at < ?", (before,))


def prune_recipients(database: Database, before: float) -> int:
    """Forget who was written to in what was over by then: incidents, posts, drills; returns how many rows."""
    removed = database.change(
        f"""
        DELETE FROM ledger WHERE delivery IN (
            SELECT delivery.id FROM delivery JOIN incident ON incident.id = delivery.incident
            WHERE incident.closed_at < ? AND incident.id NOT IN (
                SELECT incident FROM delivery WHERE phase IN ({OWED_PHASES})))
        """,  # noqa: S608
        (before,),
    )
    return removed + database.change(  # posts and drills belong to no incident
        "DELETE FROM ledger WHERE delivery IN (SELECT id FROM delivery WHERE incident NOT IN "  # noqa: S608
        f"(SELECT id FROM incident) AND ended_at < ? AND phase NOT IN ({OWED_PHASES}))",
        (before,),
    )


def scour(database: Database) -> None:
    """What was deleted is gone from the file: it is written anew without its free space, and its log emptied.

    Deleted cells are overwritten at once (`secure_delete`); but copies of them may lie in the unused part of a
    page, and in a file that an earlier version wrote.  Takes a second for 50 MB.
    """
    try:
        database.connection.execute("VACUUM")
        database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the database cannot be written: {error}") from error


# -- with the clock --------------------------------------------------------------------------------------------


def step_clock(database: Database, seconds: float, recent: Iterable[str]) -> None:
    """Everything still pending keeps its distance from now; and so do these incidents, though they may be over."""
    values = {"by": seconds, "recent": json.dumps([*recent])}
    over = "id IN (SELECT value FROM json_each(:recent))"
    database.change(_A_POST_AND_THE_CLOCK, values)
    for table, times, which in (
        (
            "delivery",
            ("due", "latest", "began", "unsure_since"),
            f"phase IN ({OWED_PHASES}) AND statement != 'post'",
        ),
        ("standing", ("since", "first_since"), "true"),
        ("incident", ("opened_at", "closed_at"), f"closed_at IS NULL OR {over}"),
        ("statement", ("release_at", "latest", "valid_until"), "true"),
        ("statement", ("created_at",), "incident IN (SELECT id FROM incident WHERE closed_at IS NULL)"),
        ("asking", ("at",), "true"),
    ):
        moves = ", ".join(f"{time} = {time} + :by" for time in times)
        database.change(f"UPDATE {table} SET {moves} WHERE {which}", values)  # noqa: S608
    database.change(_FIRST_APPROVALS_AND_THE_CLOCK, values)


# -- a person --------------------------------------------------------------------------------------------------


def unlist(database: Database, addresses: Sequence[str], mark: str) -> int:
    """The mark for these spellings of one address in every ledger; returns how many lines."""
    return sum(
        database.change(
            "UPDATE ledger SET recipient = ? WHERE recipient = ?", (f"{mark}-{place}" if place else mark, address)
        )
        for place, address in enumerate(addresses)
    )


def blank(database: Database, addresses: Sequence[str], mark: str) -> int:
    """The mark where the address was said in passing; returns in how many places."""
    forms = in_json(addresses)
    database.connection.create_function("blanked", 1, lambda text: blanked(text, forms, mark), deterministic=True)
    return sum(_blank(database, table, column, forms) for table, column in PASSING_WORDS)


def _blank(database: Database, table: str, column: str, forms: Sequence[str]) -> int:
    changed = 0
    for address in forms:
        question = f"UPDATE {table} SET {column} = blanked({column}) WHERE instr(lower({column}), lower(?))"  # noqa: S608
        changed += database.change(f"{question} AND blanked({column}) != {column}", (address,))
    return changed


def kept(database: Database, addresses: Sequence[str]) -> Iterator[str]:
    """Where the address stands in words that cannot be changed."""
    for what, question in _WORDS_THAT_STAY.items():
        found = [row["place"] for address in in_json(addresses) for row in database.read(question, (address,))]
        if found:
            yield f"{what} {', '.join(map(str, dict.fromkeys(found)))}"
