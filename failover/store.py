"""The database: standings, incidents, statements, the outbox, the ledger and the audit trail, in one SQLite file.

Rules held here: a transition, its incident, its statements and all their deliveries are one transaction (D1); one
connection, locked exclusively, is the only one there is (D6: SQLite up to 3.51.2 can corrupt a write-ahead log that
two connections write); every commit is on the disk when the call returns (synchronous=FULL).

The methods are coroutines that never suspend: a commit cannot be cancelled half way, and a second engine that does
suspend can take this one's place (rule O8).  `tests/core/test_store.py` is the suite such an engine must pass.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from failover import rows
from failover.audit import Entry, Head, sealed, whole
from failover.budget import month_of
from failover.chronicle import chronicle
from failover.delivery import OWED, Delivery, Phase, StatementRow, doubted_anew, found_in_flight
from failover.forgetting import blanked
from failover.hindsight import Chapter
from failover.incidents import Incident
from failover.model import Observation, Transition
from failover.post_list import post_list
from failover.posts import Pace, Post
from failover.schema import StoreError, open_database
from failover.signoff import Asking
from failover.verdict import Declaration, Standing

AUDIT_HEAD = "audit_head"
"""Where the head of the audit trail is noted, among the settings."""

BEFORE_ALL = -(2**63)
"""No entry has this number, nor a smaller one, not even one that somebody else put in."""

FOREIGN_WORDS = (
    ("observation", "reason"), ("observation", "detail"),
    ("transition", "reason"), ("transition", "evidence"), ("transition", "explanation"),
    ("standing", "reason"), ("incident", "reason"), ("statement", "reason"),
    ("delivery", "reason"), ("delivery", "draft"), ("delivery", "receipt"),
)  # fmt: skip
"""(table, column) that may hold the words of a service, which should quote no address and might."""

_WORDS_THAT_STAY = {
    "the public text of": "SELECT id AS place FROM delivery WHERE instr(lower(text || ' ' || subject), lower(?))",
    "the entries of the audit trail": "SELECT id AS place FROM audit WHERE instr(lower(facts), lower(?))",
}

_OWED = ",".join(f"'{phase.value}'" for phase in sorted(OWED))

_A_POST_THAT_WAITS = "statement = 'post' AND phase = 'ready'"
"""Posts that are scheduled or held may be thousands: they are found by an index of their own (`schema`)."""


_A_POST_AND_THE_CLOCK = (
    f"UPDATE delivery SET began = began + :by, unsure_since = unsure_since + :by, "  # noqa: S608
    "due = CASE WHEN attempts = 0 AND due > created_at THEN due ELSE due + :by END "
    f"WHERE phase IN ({_OWED}) AND statement = 'post'"
)
"""A post that is scheduled for nine o'clock goes out at nine by the clock as it is set now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Everything one decision wants written, together or not at all.  `audit` is (event, facts) pairs.

    `explanation` is that of its transitions, in sentences; `usage` is (source, month) -> looks so far; `settled` are
    incidents of which it is told now that they are (`catchup`).  `claims` are (claim, post, name of the file), of
    what was taken out of the spool folder.
    """

    at: float
    standings: tuple[Standing, ...] = ()
    transitions: tuple[Transition, ...] = ()
    observations: tuple[Observation, ...] = ()
    incidents: tuple[Incident, ...] = ()
    statements: tuple[StatementRow, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    explanation: tuple[str, ...] = ()
    declared: tuple[Declaration, ...] = ()
    undeclared: tuple[str, ...] = ()
    usage: Mapping[tuple[str, str], int] = field(default_factory=dict)
    settled: tuple[str, ...] = ()
    askings: tuple[Asking, ...] = ()
    posts: tuple[Post, ...] = ()
    claims: tuple[tuple[str, str, str], ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    audit: tuple[tuple[str, Mapping[str, object]], ...] = ()

    @property
    def empty(self) -> bool:
        return not any(getattr(self, one.name) for one in fields(self) if one.name != "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was found of an address: `lines` of the ledger, `mentions` elsewhere, and where it had to stay."""

    lines: int
    mentions: int
    kept: tuple[str, ...] = ()


class Store:
    """The one connection.  Make with `Store.open`; close with `close`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Open (or make) the file, check it, bring it forward, and keep everybody else out.

        Raises StoreError, StoreBusyError or StoreForeignError; the file has not been changed then.
        """
        return cls(open_database(str(path)))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # -- what was known before -----------------------------------------------------------------------------

    async def standings(self) -> list[Standing]:
        found = self._read("SELECT platform, state, since, reason, voted FROM standing ORDER BY platform")
        return [rows.to_standing(row) for row in found]

    async def declarations(self) -> list[Declaration]:
        found = self._read("SELECT platform, signal, at, by, because FROM declaration ORDER BY platform")
        return [rows.to_declaration(row) for row in found]

    async def setting(self, name: str, default: str = "") -> str:
        row = self._read_one("SELECT value FROM meta WHERE name = ?", (name,))
        return str(row["value"]) if row else default

    async def incidents(self, since: float = 0.0) -> list[Incident]:
        """Incidents that are open, or were opened or closed at or after `since`, oldest first."""
        found = self._read(
            "SELECT * FROM incident WHERE closed_at IS NULL OR closed_at >= ? OR opened_at >= ? "
            "ORDER BY opened_at, CAST(id AS INTEGER)",
            (since, since),
        )
        return [rows.to_incident(row) for row in found]

    async def incident(self, incident: str) -> Incident | None:
        row = self._read_one("SELECT * FROM incident WHERE id = ?", (incident,))
        return rows.to_incident(row) if row else None

    async def unsettled(self) -> list[Incident]:
        """Incidents that are over, with nothing under way any more, of which that was not told yet."""
        found = self._read(
            "SELECT * FROM incident WHERE closed_at IS NOT NULL AND id NOT IN (SELECT incident FROM settled) "
            "AND id NOT IN (SELECT incident FROM delivery WHERE phase IN ('standby', 'ready', 'sending', 'unsure')) "
            "ORDER BY closed_at"
        )
        return [rows.to_incident(row) for row in found]

    async def latest_incident(self) -> str:
        """The number of the incident that was opened last; "" if there was none."""
        row = self._read_one("SELECT id FROM incident ORDER BY opened_at DESC, CAST(id AS INTEGER) DESC LIMIT 1", ())
        return str(row["id"]) if row else ""

    async def chronicle(self, since: float, most: int) -> Mapping[str, Any]:
        """The incidents as a list, see `chronicle`."""
        try:
            return chronicle(self._db, since, most)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the database cannot be read: {error}") from error

    async def statements(self, incident: str) -> list[StatementRow]:
        found = self._read("SELECT * FROM statement WHERE incident = ? ORDER BY place, created_at, id", (incident,))
        return [rows.to_statement(row) for row in found]

    async def undecided(self) -> list[StatementRow]:
        """Statements that a person may still approve or veto: something of them is unsaid."""
        found = self._read(
            "SELECT * FROM statement WHERE decision = '' AND mode != 'automatic' AND EXISTS (SELECT 1 FROM delivery "
            "WHERE statement_id = statement.id AND phase IN ('standby', 'ready')) ORDER BY created_at"
        )
        return [rows.to_statement(row) for row in found]

    async def askings(self) -> list[Asking]:
        """The questions that do not show their end yet, and all that were ever asked about what is undecided."""
        found = self._read(
            "SELECT * FROM asking WHERE done = 0 OR statement IN (SELECT id FROM statement WHERE decision = '' "
            "AND id IN (SELECT statement_id FROM delivery WHERE phase IN ('standby', 'ready'))) ORDER BY at, id"
        )
        return [rows.to_asking(row) for row in found]

    async def statement(self, statement_id: str) -> StatementRow | None:
        row = self._read_one("SELECT * FROM statement WHERE id = ?", (statement_id,))
        return rows.to_statement(row) if row else None

    async def deliveries(self, incident: str) -> list[Delivery]:
        found = self._read(
            "SELECT * FROM delivery WHERE incident = ? ORDER BY created_at, statement_id, position", (incident,)
        )
        return [rows.to_delivery(row) for row in found]

    async def delivery(self, delivery_id: str) -> Delivery | None:
        row = self._read_one("SELECT * FROM delivery WHERE id = ?", (delivery_id,))
        return rows.to_delivery(row) if row else None

    async def owed(self) -> list[Delivery]:
        """Every delivery that still asks for something, the one due first at the head; not posts that wait."""
        found = self._read(
            "SELECT * FROM delivery INDEXED BY delivery_owed "  # noqa: S608
            f"WHERE phase IN ({_OWED}) AND NOT ({_A_POST_THAT_WAITS}) ORDER BY due, created_at, position"
        )
        return [rows.to_delivery(row) for row in found]

    async def said_since(self, since: float) -> dict[str, int]:
        """channel -> how many statements became public there at or after `since` (seconds, UTC); no posts."""
        found = self._read(
            "SELECT channel, count(*) AS said FROM delivery WHERE phase = 'sent' AND statement != 'post' "
            "AND ended_at >= ? GROUP BY channel",
            (since,),
        )
        return {row["channel"]: row["said"] for row in found}

    # -- posts -------------------------------------------------------------------------------------------------

    async def post(self, post_id: str) -> Post | None:
        row = self._read_one("SELECT * FROM post WHERE id = ?", (post_id,))
        return rows.to_post(row) if row else None

    async def deliveries_of(self, statement_id: str) -> list[Delivery]:
        """Of one statement or post, in their order."""
        found = self._read(
            "SELECT * FROM delivery WHERE statement_id = ? ORDER BY position, created_at, id", (statement_id,)
        )
        return [rows.to_delivery(row) for row in found]

    async def posts_waiting(self, now: float) -> dict[str, int]:
        """channel -> how many posts are due there by now and have not left."""
        found = self._read(
            "SELECT channel, count(*) AS waiting FROM delivery INDEXED BY delivery_post "  # noqa: S608
            f"WHERE {_A_POST_THAT_WAITS} AND due <= ? GROUP BY channel",
            (now,),
        )
        return {row["channel"]: row["waiting"] for row in found}

    async def post_counts(self, now: float) -> dict[str, int]:
        """How many are `scheduled` for later, and `waiting` though they are due; each on each of its channels."""
        found = self._read(
            "SELECT due > ? AS later, count(*) AS count FROM delivery "  # noqa: S608
            f"INDEXED BY delivery_post WHERE {_A_POST_THAT_WAITS} GROUP BY later",
            (now,),
        )
        counts = {row["later"]: row["count"] for row in found}
        return {"scheduled": counts.get(1, 0), "waiting": counts.get(0, 0)}

    async def posts_due(self, channel: str, now: float, most: int, *, after: float = 0.0) -> list[Delivery]:
        """The posts that fell due on a channel (at or after that time), the oldest first; at most so many."""
        found = self._read(
            f"SELECT * FROM delivery WHERE {_A_POST_THAT_WAITS} AND channel = ? AND due >= ? AND due <= ? "  # noqa: S608
            "ORDER BY due, created_at, statement_id LIMIT ?",
            (channel, after, now, most),
        )
        return [rows.to_delivery(row) for row in found]

    async def posts_stranded(self, channel: str, now: float, most: int, *, own: str) -> list[str]:
        """Posts that are due on a channel by now, the oldest first; at most so many.

        Those for which it stands in itself, and of its `own` all, none, or those for which nobody stands in yet
        ("all", "none", "new").
        """
        found = self._read(
            f"SELECT statement_id FROM delivery WHERE {_A_POST_THAT_WAITS} AND channel = ?1 AND due <= ?2 AND "  # noqa: S608
            "(position > 0 OR ?3 = 'all' OR ?3 = 'new' AND NOT EXISTS (SELECT 1 FROM delivery AS copy WHERE "
            "copy.statement_id = delivery.statement_id AND copy.position > 0)) "
            "ORDER BY due, created_at, statement_id LIMIT ?4",
            (channel, now, own, most),
        )
        return [row["statement_id"] for row in found]

    async def posts_refused(self, since: float, most: int) -> list[str]:
        """Posts that a channel refused which stood in for another, at or after `since`."""
        found = self._read(
            "SELECT DISTINCT statement_id FROM delivery WHERE statement = 'post' AND phase = 'refused' "
            "AND ended_at >= ? AND position > 0 LIMIT ?",
            (since, most),
        )
        return [row["statement_id"] for row in found]

    async def posts_meant(self, channels: Sequence[str], since: float, until: float) -> list[Delivery]:
        """The posts that were meant for these channels and due in this time, the oldest first."""
        found = self._read(
            "SELECT * FROM delivery WHERE statement = 'post' AND position = 0 AND due >= ? AND due <= ? "
            "AND channel IN (SELECT value FROM json_each(?)) ORDER BY due, created_at",
            (since, until, json.dumps([*channels])),
        )
        return [rows.to_delivery(row) for row in found]

    async def posts_late(self, now: float, most: int) -> list[Delivery]:
        """Posts that are still unsaid at their latest time."""
        found = self._read(
            "SELECT * FROM delivery INDEXED BY delivery_post_late "  # noqa: S608
            f"WHERE {_A_POST_THAT_WAITS} AND latest <= ? LIMIT ?",
            (now, most),
        )
        return [rows.to_delivery(row) for row in found]

    async def pace(self, channel: str, per_day: int) -> Pace:
        """When a post was last begun on a channel, and since when so many things have been said there."""
        began = self._read_one(
            "SELECT max(began) AS began FROM delivery WHERE statement = 'post' AND attempts > 0 AND channel = ?",
            (channel,),
        )
        full = self._read_one(
            "SELECT ended_at FROM delivery WHERE phase = 'sent' AND channel = ? ORDER BY ended_at DESC "
            "LIMIT 1 OFFSET ?",
            (channel, max(per_day - 1, 0)),
        )
        last = began["began"] if began and began["began"] is not None else 0.0
        return Pace(last_began=last, full_since=full["ended_at"] if full else None)

    async def post_list(self, since: float, most: int) -> Mapping[str, Any]:
        """The posts as a list, see `post_list`."""
        try:
            return post_list(self._db, since, most)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the database cannot be read: {error}") from error

    async def was_claimed(self, claim: str) -> str:
        """The post that a file of the spool folder became; "" if it is none yet."""
        row = self._read_one("SELECT post FROM spooled WHERE claim = ?", (claim,))
        return str(row["post"]) if row else ""

    async def spooled_over(self, most: int) -> list[tuple[str, str, str]]:
        """(claim, post, file) of posts out of the spool folder that are over, and whose file lies there still."""
        found = self._read(
            f"SELECT claim, post, file FROM spooled WHERE NOT done AND NOT EXISTS (SELECT 1 FROM delivery "  # noqa: S608
            f"WHERE statement_id = spooled.post AND phase IN ({_OWED})) LIMIT ?",
            (most,),
        )
        return [(row["claim"], row["post"], row["file"]) for row in found]

    async def put_away(self, claims: Iterable[str]) -> None:
        """These files lie where they belong."""
        with self._transaction():
            self._db.executemany("UPDATE spooled SET done = 1 WHERE claim = ?", [(claim,) for claim in claims])

    async def pictures(self) -> set[str]:
        """The names of the files that posts have as their pictures."""
        found = self._read("SELECT images FROM post WHERE images != '[]'")
        return {Path(one["path"]).name for row in found for one in json.loads(row["images"])}

    async def transitions(self, platform: str, since: float = 0.0) -> list[Transition]:
        """What happened to a platform, oldest first, with the evidence that was believed then."""
        found = self._read(
            "SELECT platform, at, was, now, reason, evidence FROM transition "
            "WHERE platform = ? AND at >= ? ORDER BY id",
            (platform, since),
        )
        return [rows.to_transition(row) for row in found]

    async def chapters(self, platform: str, at: float) -> tuple[Chapter | None, Chapter | None]:
        """The last transition of a platform up to this time, and the first one after it."""
        found = [
            self._read_one(f"SELECT * FROM transition WHERE platform = ? AND {which} LIMIT 1", (platform, at))  # noqa: S608
            for which in ("at <= ? ORDER BY at DESC, id DESC", "at > ? ORDER BY at, id")
        ]
        before, after = (rows.to_chapter(row) if row else None for row in found)
        return before, after

    async def history(self, platform: str, since: float, until: float) -> list[Chapter]:
        """The transitions of a platform in this time, with their explanations, after the last one before it."""
        before, _after = await self.chapters(platform, since)
        found = self._read(
            "SELECT * FROM transition WHERE platform = ? AND at > ? AND at <= ? ORDER BY at, id",
            (platform, since, until),
        )
        return [*([before] if before else []), *(rows.to_chapter(row) for row in found)]

    async def answers(self, platform: str, since: float, until: float, most: int) -> list[Observation]:
        """Each change of what a probe said of a platform in this time (its words may have varied in between)."""
        found = self._read(
            "SELECT platform, probe, at, signal, evidence, fault, reason, detail, took, node FROM (SELECT *, "
            "lag(signal || coalesce(fault, '')) OVER (PARTITION BY probe ORDER BY id) AS before FROM observation "
            "WHERE platform = ? AND at > ? AND at <= ?) "
            "WHERE before IS NULL OR before != signal || coalesce(fault, '') ORDER BY id LIMIT ?",
            (platform, since, until, most),
        )
        return [rows.to_observation(row) for row in found]

    async def last_words(self, at: float, platform: str = "") -> list[Observation]:
        """What each probe (of one platform, or of all) said last by this time, since when it said so."""
        found = self._read(
            "SELECT platform, probe, at, signal, evidence, fault, reason, detail, took, node FROM observation "
            "WHERE id IN (SELECT max(id) FROM observation WHERE at <= ?1 AND ?2 IN ('', platform) "
            "GROUP BY platform, probe) ORDER BY platform, probe",
            (at, platform),
        )
        return [rows.to_observation(row) for row in found]

    async def unknown_since(self) -> dict[tuple[str, str], float]:
        """(platform, probe) -> since when it cannot tell, for every probe whose last word was that."""
        found = self._read(
            "WITH told AS (SELECT platform, probe, max(id) AS last FROM observation WHERE signal != 'unknown' "
            "GROUP BY platform, probe) "
            "SELECT one.platform, one.probe, min(one.at) AS since FROM observation AS one "
            "LEFT JOIN told ON told.platform = one.platform AND told.probe = one.probe "
            "WHERE one.signal = 'unknown' AND one.id > coalesce(told.last, 0) GROUP BY one.platform, one.probe"
        )
        return {(row["platform"], row["probe"]): row["since"] for row in found}

    async def usage(self, month: str) -> dict[tuple[str, str], int]:
        """(source, month) -> looks, of this month."""
        found = self._read("SELECT source, month, looks FROM usage WHERE month = ?", (month,))
        return {(row["source"], row["month"]): row["looks"] for row in found}

    # -- writing -------------------------------------------------------------------------------------------

    async def fresh_incident_id(self) -> str:
        """A number never used before, even if nothing comes of it."""
        last = int(await self.setting("last_incident", "0")) + 1
        with self._transaction():
            self._upsert("meta", {"name": "last_incident", "value": str(last)})
        return str(last)

    async def record(self, change: Change) -> None:
        """Write all of `change`, or nothing (rule D1)."""
        with self._transaction():
            self._write_judgement(change)
            self._write_incidents(change)
            for statement in change.statements:
                self._upsert("statement", rows.from_statement(statement))
            for delivery in change.deliveries:
                self._upsert("delivery", rows.from_delivery(delivery))
            for asking in change.askings:
                self._upsert("asking", rows.from_asking(asking))
            self._write_posts(change)
            for name, value in change.settings.items():
                self._upsert("meta", {"name": name, "value": value})
            for event, facts in change.audit:
                self._append(change.at, event, facts)

    def _write_incidents(self, change: Change) -> None:
        for incident in change.incidents:
            self._upsert("incident", rows.from_incident(incident))
            if incident.is_open:  # after a relapse there is another end, with another rest
                self._db.execute("DELETE FROM settled WHERE incident = ?", (incident.id,))
        for settled in change.settled:
            self._upsert("settled", {"incident": settled, "at": change.at})

    def _write_posts(self, change: Change) -> None:
        for post in change.posts:
            self._upsert("post", rows.from_post(post))
        for claim, post_id, file in change.claims:
            self._insert("spooled", {"claim": claim, "post": post_id, "file": file, "done": 0})

    def _write_judgement(self, change: Change) -> None:
        for standing in change.standings:
            self._upsert("standing", rows.from_standing(standing))
        for seen in change.observations:
            self._insert("observation", rows.from_observation(seen))
        told = {"explanation": json.dumps(change.explanation)} if change.explanation else {}
        for moved in change.transitions:
            self._insert("transition", {**rows.from_transition(moved), **told})
        for (source, month), looks in change.usage.items():
            self._db.execute(
                "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET looks = excluded.looks",
                (source, month, looks),
            )
        for word in change.declared:
            self._upsert("declaration", rows.from_declaration(word))
        for platform in change.undeclared:
            self._db.execute("DELETE FROM declaration WHERE platform = ?", (platform,))

    async def interrupted(self, now: float) -> list[Delivery]:
        """At start: what was in flight when the last process died becomes UNSURE (rule D2), in one transaction.

        What was UNSURE before is in doubt from now on.
        """
        with self._transaction():
            found = self._db.execute(
                "SELECT * FROM delivery WHERE phase IN (?, ?)", (Phase.SENDING.value, Phase.UNSURE.value)
            ).fetchall()
            left = [rows.to_delivery(row) for row in found]
            for delivery in left:
                if delivery.phase is Phase.UNSURE:
                    self._upsert("delivery", rows.from_delivery(doubted_anew(delivery, now)))
            unsure = [found_in_flight(delivery, now) for delivery in left if delivery.phase is Phase.SENDING]
            for delivery in unsure:
                self._upsert("delivery", rows.from_delivery(delivery))
                self._append(now, "delivery_unsure", {"delivery": delivery.id, "reason": delivery.reason})
        return unsure

    async def reserve(self, delivery_id: str, draft: str) -> None:
        """Write down the remote id of something reserved and still invisible."""
        with self._transaction():
            self._db.execute("UPDATE delivery SET draft = ? WHERE id = ?", _storable([draft, delivery_id]))

    async def ledger(self, delivery_id: str) -> dict[str, str]:
        """recipient -> state of one delivery."""
        found = self._read("SELECT recipient, state FROM ledger WHERE delivery = ?", (delivery_id,))
        return {row["recipient"]: row["state"] for row in found}

    async def note(self, delivery_id: str, changes: Mapping[str, str]) -> None:
        """Insert or replace ledger lines, in one transaction."""
        with self._transaction():
            self._db.executemany(
                "INSERT INTO ledger VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
                [_storable([delivery_id, recipient, state]) for recipient, state in changes.items()],
            )

    async def ledger_counts(self, incident: str) -> dict[str, dict[str, int]]:
        """delivery -> first word of the state -> how many recipients; who they are is not told."""
        found = self._read(
            "SELECT delivery, substr(state, 1, instr(state || ':', ':') - 1) AS word, count(*) AS count FROM ledger "
            "WHERE delivery IN (SELECT id FROM delivery WHERE incident = ?) "
            "GROUP BY delivery, word ORDER BY delivery, count DESC",
            (incident,),
        )
        counts: dict[str, dict[str, int]] = {}
        for row in found:
            counts.setdefault(row["delivery"], {})[row["word"]] = row["count"]
        return counts

    async def holders(self, addresses: Sequence[str]) -> list[str]:
        """The deliveries in whose ledger one of these stands."""
        asked = json.dumps([*addresses])
        found = self._read(
            "SELECT DISTINCT delivery FROM ledger WHERE recipient IN (SELECT value FROM json_each(?))", (asked,)
        )
        return [row["delivery"] for row in found]

    async def forget(self, addresses: Sequence[str], mark: str, change: Change) -> Erasure:
        """Put `mark` in the place of these spellings of one address, everywhere but in texts and the audit trail.

        `change` is written in the same transaction; the facts of its audit entries also get what was found (`lines`
        of the ledger, `mentions` elsewhere).  Texts for the public stay as they were signed off, and an entry of the
        trail cannot be changed: where the address stands in one of them, that is told (`kept`).
        """
        with self._transaction():
            lines = 0
            for place, address in enumerate(addresses):
                found = self._db.execute(
                    "UPDATE ledger SET recipient = ? WHERE recipient = ?",
                    (f"{mark}-{place}" if place else mark, address),
                )
                lines += found.rowcount
            mentions = sum(self._blank(table, column, addresses, mark) for table, column in FOREIGN_WORDS)
            for event, facts in change.audit:
                self._append(change.at, event, {**facts, "lines": lines, "mentions": mentions})
        return Erasure(lines=lines, mentions=mentions, kept=tuple(self._kept(addresses)))

    def _blank(self, table: str, column: str, addresses: Sequence[str], mark: str) -> int:
        """Where a service's own words quoted the address."""
        self._db.create_function("blanked", 1, lambda text: blanked(text, addresses, mark), deterministic=True)
        changed = 0
        for address in addresses:
            question = f"UPDATE {table} SET {column} = blanked({column}) WHERE instr(lower({column}), lower(?))"  # noqa: S608
            changed += self._db.execute(f"{question} AND blanked({column}) != {column}", (address,)).rowcount
        return changed

    def _kept(self, addresses: Sequence[str]) -> Iterator[str]:
        for what, question in _WORDS_THAT_STAY.items():
            for address in addresses:
                found = [row["place"] for row in self._read(question, (address,))]
                if found:
                    yield f"{what} {', '.join(map(str, found))}"

    async def scour(self) -> None:
        """What was deleted is gone from the file: it is written anew without its free space, and its log emptied.

        Deleted cells are overwritten at once (`secure_delete`); but copies of them may lie in the unused part of a
        page, and in a file that an earlier version wrote.  Takes a second for 50 MB.
        """
        try:
            self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the database cannot be written: {error}") from error

    async def step_clock(
        self,
        seconds: float,
        recent: Iterable[str] = (),
        *,
        now: float | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """The wall clock was set by `seconds`: everything still pending keeps its distance from now.

        `recent` are incidents that may be over and still matter: how long ago they ended decides about a relapse.
        `now`, by the new clock, is for the audit trail; without it the step is not put down there.  `settings` are
        written with it.
        """
        values = {"by": seconds, "recent": json.dumps([*recent])}
        over = "id IN (SELECT value FROM json_each(:recent))"
        with self._transaction():
            self._db.execute(_A_POST_AND_THE_CLOCK, values)
            for table, times, which in (
                (
                    "delivery",
                    ("due", "latest", "began", "unsure_since"),
                    f"phase IN ({_OWED}) AND statement != 'post'",
                ),
                ("standing", ("since",), "true"),
                ("incident", ("opened_at", "closed_at"), f"closed_at IS NULL OR {over}"),
                ("statement", ("release_at", "latest", "valid_until"), "true"),
                ("statement", ("created_at",), "incident IN (SELECT id FROM incident WHERE closed_at IS NULL)"),
                ("asking", ("at",), "true"),
            ):
                moves = ", ".join(f"{time} = {time} + :by" for time in times)
                self._db.execute(f"UPDATE {table} SET {moves} WHERE {which}", values)  # noqa: S608
            for name, value in (settings or {}).items():
                self._upsert("meta", {"name": name, "value": value})
            if now is not None:
                self._append(now, "clock_stepped", {"seconds": seconds})

    async def prune(self, before: float, recipients_before: float | None = None) -> int:
        """Forget observations, transitions and ledgers older than `before`; returns how many rows.

        Who was written to is personal data, and may be forgotten earlier (`recipients_before`); then nothing is left
        of it in the file.  Never what is owed, nor what an open incident has met with.

        What grows with time is forgotten (rule O7).  What stays for good grows only with what happened and was said:
        incidents, statements and deliveries (about 1 kB a row, so 20 kB for an incident told on ten channels), and
        the audit trail (250 bytes an entry, more where a text stands in it; about 50 entries for such an incident, a
        few dozen on a day without one, mostly suspicions that come and go).  That is 5 MB in an ordinary year; at the
        very worst, with a source that changes its mind at every look, 1 MB a day for that platform.  Nothing reads
        all of it but `failover audit` and the check of the file at the start (a tenth of a second per 50 MB).
        """
        with self._transaction():
            removed = self._db.execute("DELETE FROM observation WHERE at < ?", (before,)).rowcount
            removed += self._db.execute(
                """
                DELETE FROM transition WHERE at < ? AND NOT EXISTS (
                    SELECT 1 FROM incident, json_each(incident.platforms) AS hit
                    WHERE closed_at IS NULL AND opened_at <= transition.at AND hit.value = transition.platform)
                """,
                (before,),
            ).rowcount
            removed += self._db.execute("DELETE FROM usage WHERE month < ?", (month_of(before),)).rowcount
            removed += self._db.execute("DELETE FROM asking WHERE at < ?", (before,)).rowcount
            removed += self._prune_posts(before)
            recipients = self._db.execute(
                f"""
                DELETE FROM ledger WHERE delivery IN (
                    SELECT delivery.id FROM delivery JOIN incident ON incident.id = delivery.incident
                    WHERE incident.closed_at < ? AND incident.id NOT IN (
                        SELECT incident FROM delivery WHERE phase IN ({_OWED})))
                """,  # noqa: S608
                (before if recipients_before is None else max(before, recipients_before),),
            ).rowcount
            recipients += self._db.execute(  # posts and drills belong to no incident
                "DELETE FROM ledger WHERE delivery IN (SELECT id FROM delivery WHERE incident NOT IN "  # noqa: S608
                f"(SELECT id FROM incident) AND ended_at < ? AND phase NOT IN ({_OWED}))",
                (before if recipients_before is None else max(before, recipients_before),),
            ).rowcount
        if recipients:
            await self.scour()
        return removed + recipients

    def _prune_posts(self, before: float) -> int:
        """Posts that ended before that time, with their deliveries; returns how many posts."""
        over = (
            f"SELECT id FROM post WHERE created_at < :before AND NOT EXISTS (SELECT 1 FROM delivery WHERE "  # noqa: S608
            f"statement_id = post.id AND (phase IN ({_OWED}) OR ended_at >= :before))"
        )
        values = {"before": before}
        found = [row["id"] for row in self._db.execute(over, values).fetchall()]
        for post in found:
            self._db.execute(
                "DELETE FROM ledger WHERE delivery IN (SELECT id FROM delivery WHERE statement_id = ?)", (post,)
            )
            self._db.execute("DELETE FROM delivery WHERE statement_id = ?", (post,))
            self._db.execute("DELETE FROM spooled WHERE post = ? AND done", (post,))
            self._db.execute("DELETE FROM post WHERE id = ?", (post,))
        return len(found)

    # -- the audit trail -----------------------------------------------------------------------------------

    async def audit(self) -> list[Entry]:
        """The whole trail, oldest first."""
        found = self._read("SELECT id AS number, at, event, facts, digest FROM audit ORDER BY id")
        return [Entry(**row) for row in found]

    async def audit_after(self, number: int | None, most: int) -> list[Entry]:
        """The next entries after this one, or from the first (None); at most so many."""
        found = self._read(
            "SELECT id AS number, at, event, facts, digest FROM audit WHERE id > ? ORDER BY id LIMIT ?",
            (BEFORE_ALL if number is None else number, most),
        )
        return [Entry(**row) for row in found]

    async def audit_since(self, at: float, mentioning: str = "") -> list[Entry]:
        """Entries of this time or later in whose facts this stands, oldest first."""
        found = self._read(
            "SELECT id AS number, at, event, facts, digest FROM audit WHERE at >= ? AND instr(facts, ?) ORDER BY id",
            (at, mentioning),
        )
        return [Entry(**row) for row in found]

    async def audit_of(self, events: Iterable[str], since: float, until: float) -> list[Entry]:
        """Entries of these kinds in this time, oldest first."""
        found = self._read(
            "SELECT id AS number, at, event, facts, digest FROM audit WHERE at >= ? AND at <= ? "
            "AND event IN (SELECT value FROM json_each(?)) ORDER BY id",
            (since, until, json.dumps([*events])),
        )
        return [Entry(**row) for row in found]

    async def audit_head(self) -> Head | None:
        """Which entry is the last one, as it is noted apart from the trail; None if that note is gone."""
        return Head.read(await self.setting(AUDIT_HEAD))

    def _append(self, at: float, event: str, facts: Mapping[str, object]) -> None:
        """Onto the last entry that we wrote.  What somebody took away or put in behind it stays to be seen."""
        last = self._db.execute("SELECT id, digest FROM audit ORDER BY id DESC LIMIT 1").fetchone()
        there = Head(number=last["id"], digest=last["digest"]) if last else Head()
        noted = self._db.execute("SELECT value FROM meta WHERE name = ?", (AUDIT_HEAD,)).fetchone()
        head = (Head.read(noted["value"]) if noted else None) or there
        number = max(head.number, there.number) + 1
        entry = sealed(number=number, at=at, event=event, facts=facts, before=head.digest)
        self._db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", (number, at, event, entry.facts, entry.digest))
        self._upsert("meta", {"name": AUDIT_HEAD, "value": str(Head(number=number, digest=entry.digest))})

    # -- rows ----------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing.  Raises StoreError when the disk refuses."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:  # a full disk may have rolled it back already
                with suppress(sqlite3.DatabaseError):  # a failing disk: the next transaction tries again
                    self._db.execute("ROLLBACK")
            if _is_trouble(error):
                raise StoreError(f"the database cannot be written: {error}") from error
            raise

    def _read(self, question: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        """All rows.  Raises StoreError when the disk or the file fails."""
        try:
            return self._db.execute(question, values).fetchall()
        except sqlite3.DatabaseError as error:
            if _is_trouble(error):
                raise StoreError(f"the database cannot be read: {error}") from error
            raise

    def _read_one(self, question: str, values: Sequence[object]) -> dict[str, Any] | None:
        return next(iter(self._read(question, values)), None)

    def _insert(self, table: str, row: rows.Columns) -> None:
        marks = ",".join("?" * len(row))
        self._db.execute(f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks})", _storable(row.values()))  # noqa: S608

    def _upsert(self, table: str, row: rows.Columns) -> None:
        """The first column is the key."""
        key, *others = row
        marks = ",".join("?" * len(row))
        update = ",".join(f"{name} = excluded.{name}" for name in others)
        self._db.execute(
            f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks}) "  # noqa: S608
            f"ON CONFLICT ({key}) DO UPDATE SET {update}",
            _storable(row.values()),
        )


def _is_trouble(error: BaseException) -> bool:
    """Is it the disk or the file (full, failing, damaged, locked), and not a mistake of ours?"""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _storable(values: Iterable[object]) -> list[object]:
    """Texts from outside may end in the middle of a character; half of one must not keep the rest from the disk."""
    return [whole(value) if isinstance(value, str) else value for value in values]
