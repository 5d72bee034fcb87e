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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from failover import rows, upkeep
from failover.audit import Entry
from failover.audit_store import AuditStore
from failover.chronicle import chronicle
from failover.database import OWED_PHASES, Database
from failover.delivery import Delivery, Phase, StatementRow, doubted_anew, found_in_flight
from failover.incidents import Incident
from failover.model import Observation, Transition
from failover.past_store import PastStore
from failover.post_store import PostStore
from failover.posts import Post
from failover.schema import StoreError, open_database
from failover.signoff import Asking
from failover.standing import Declaration, Standing


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
    """What was found of an address: `lines` of the ledger, `mentions` in passing, `posts` whose words it stood in.

    It had to stay in posts that are `unfinished`, and where `kept` says.
    """

    lines: int
    mentions: int
    posts: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


class Store:
    """The one connection.  Make with `Store.open`; close with `close`.

    `past`, `posts` and `trail` are parts of it: what was seen and judged, the organisation's posts, the audit trail.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._base = Database(connection)
        self.past = PastStore(self._base)
        self.posts = PostStore(self._base)
        self.trail = AuditStore(self._base)

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
        found = self._base.read(
            "SELECT platform, state, since, reason, voted, first, first_since FROM standing ORDER BY platform"
        )
        return [rows.to_standing(row) for row in found]

    async def declarations(self) -> list[Declaration]:
        found = self._base.read("SELECT platform, signal, at, by, because FROM declaration ORDER BY platform")
        return [rows.to_declaration(row) for row in found]

    async def setting(self, name: str, default: str = "") -> str:
        row = self._base.read_one("SELECT value FROM meta WHERE name = ?", (name,))
        return str(row["value"]) if row else default

    async def incidents(self, since: float = 0.0) -> list[Incident]:
        """Incidents that are open, or were opened or closed at or after `since`, oldest first."""
        found = self._base.read(
            "SELECT * FROM incident WHERE closed_at IS NULL OR closed_at >= ? OR opened_at >= ? "
            "ORDER BY opened_at, CAST(id AS INTEGER)",
            (since, since),
        )
        return [rows.to_incident(row) for row in found]

    async def incident(self, incident: str) -> Incident | None:
        row = self._base.read_one("SELECT * FROM incident WHERE id = ?", (incident,))
        return rows.to_incident(row) if row else None

    async def unsettled(self) -> list[Incident]:
        """Incidents that are over, with nothing under way any more, of which that was not told yet."""
        found = self._base.read(
            "SELECT * FROM incident WHERE closed_at IS NOT NULL AND id NOT IN (SELECT incident FROM settled) "
            "AND id NOT IN (SELECT incident FROM delivery WHERE phase IN ('standby', 'ready', 'sending', 'unsure')) "
            "ORDER BY closed_at"
        )
        return [rows.to_incident(row) for row in found]

    async def latest_incident(self) -> str:
        """The number of the incident that was opened last; "" if there was none."""
        row = self._base.read_one("SELECT id FROM incident ORDER BY opened_at DESC, CAST(id AS INTEGER) DESC LIMIT 1")
        return str(row["id"]) if row else ""

    async def chronicle(self, since: float, most: int) -> Mapping[str, Any]:
        """The incidents as a list, see `chronicle`."""
        try:
            return chronicle(self._db, since, most)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the database cannot be read: {error}") from error

    async def statements(self, incident: str) -> list[StatementRow]:
        found = self._base.read(
            "SELECT * FROM statement WHERE incident = ? ORDER BY place, created_at, id", (incident,)
        )
        return [rows.to_statement(row) for row in found]

    async def undecided(self) -> list[StatementRow]:
        """Statements that a person may still approve or veto: something of them is unsaid."""
        found = self._base.read(
            "SELECT * FROM statement WHERE decision = '' AND mode != 'automatic' AND EXISTS (SELECT 1 FROM delivery "
            "WHERE statement_id = statement.id AND phase IN ('standby', 'ready')) ORDER BY created_at"
        )
        return [rows.to_statement(row) for row in found]

    async def askings(self) -> list[Asking]:
        """The questions that do not show their end yet, and all that were ever asked about what is undecided."""
        found = self._base.read(
            "SELECT * FROM asking WHERE done = 0 OR statement IN (SELECT id FROM statement WHERE decision = '' "
            "AND id IN (SELECT statement_id FROM delivery WHERE phase IN ('standby', 'ready'))) ORDER BY at, id"
        )
        return [rows.to_asking(row) for row in found]

    async def statement(self, statement_id: str) -> StatementRow | None:
        row = self._base.read_one("SELECT * FROM statement WHERE id = ?", (statement_id,))
        return rows.to_statement(row) if row else None

    async def deliveries(self, incident: str) -> list[Delivery]:
        found = self._base.read(
            "SELECT * FROM delivery WHERE incident = ? ORDER BY created_at, statement_id, position", (incident,)
        )
        return [rows.to_delivery(row) for row in found]

    async def deliveries_of(self, statement_id: str) -> list[Delivery]:
        """Of one statement or post, in their order."""
        found = self._base.read(
            "SELECT * FROM delivery WHERE statement_id = ? ORDER BY position, created_at, id", (statement_id,)
        )
        return [rows.to_delivery(row) for row in found]

    async def delivery(self, delivery_id: str) -> Delivery | None:
        row = self._base.read_one("SELECT * FROM delivery WHERE id = ?", (delivery_id,))
        return rows.to_delivery(row) if row else None

    async def owed(self) -> list[Delivery]:
        """Every delivery that still asks for something, the one due first at the head; not posts that wait."""
        found = self._base.read(
            "SELECT * FROM delivery INDEXED BY delivery_owed "  # noqa: S608
            f"WHERE phase IN ({OWED_PHASES}) AND NOT (statement = 'post' AND phase = 'ready') "
            "ORDER BY due, created_at, position"
        )
        return [rows.to_delivery(row) for row in found]

    async def said_since(self, since: float, now: float) -> dict[str, int]:
        """channel -> how many statements became public there from `since` until `now` (seconds, UTC); no posts.

        What has a time that is still to come was said under a clock that was wrong, and is not counted.
        """
        found = self._base.read(
            "SELECT channel, count(*) AS said FROM delivery WHERE phase = 'sent' AND statement != 'post' "
            "AND ended_at >= ? AND ended_at <= ? GROUP BY channel",
            (since, now),
        )
        return {row["channel"]: row["said"] for row in found}

    async def usage(self, month: str) -> dict[tuple[str, str], int]:
        """(source, month) -> looks, of this month."""
        found = self._base.read("SELECT source, month, looks FROM usage WHERE month = ?", (month,))
        return {(row["source"], row["month"]): row["looks"] for row in found}

    # -- writing -------------------------------------------------------------------------------------------

    async def fresh_incident_id(self) -> str:
        """A number never used before, even if nothing comes of it."""
        last = int(await self.setting("last_incident", "0")) + 1
        with self._base.transaction():
            self._base.upsert("meta", {"name": "last_incident", "value": str(last)})
        return str(last)

    async def record(self, change: Change) -> None:
        """Write all of `change`, or nothing (rule D1)."""
        with self._base.transaction():
            self._write_judgement(change)
            self._write_incidents(change)
            for statement in change.statements:
                self._base.upsert("statement", rows.from_statement(statement))
            for delivery in change.deliveries:
                self._base.upsert("delivery", rows.from_delivery(delivery))
            for asking in change.askings:
                self._base.upsert("asking", rows.from_asking(asking))
            self.posts.write(change.posts, change.claims)
            for name, value in change.settings.items():
                self._base.upsert("meta", {"name": name, "value": value})
            for event, facts in change.audit:
                self.trail.append(change.at, event, facts)

    def _write_incidents(self, change: Change) -> None:
        for incident in change.incidents:
            self._base.upsert("incident", rows.from_incident(incident))
            if incident.is_open:  # after a relapse there is another end, with another rest
                self._base.change("DELETE FROM settled WHERE incident = ?", (incident.id,))
        for settled in change.settled:
            self._base.upsert("settled", {"incident": settled, "at": change.at})

    def _write_judgement(self, change: Change) -> None:
        for standing in change.standings:
            self._base.upsert("standing", rows.from_standing(standing))
        for seen in change.observations:
            self._base.insert("observation", rows.from_observation(seen))
        told = {"explanation": json.dumps(change.explanation)} if change.explanation else {}
        for moved in change.transitions:
            self._base.insert("transition", {**rows.from_transition(moved), **told})
        for (source, month), looks in change.usage.items():
            self._base.change(
                "INSERT INTO usage VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET looks = excluded.looks",
                (source, month, looks),
            )
        for word in change.declared:
            self._base.upsert("declaration", rows.from_declaration(word))
        for platform in change.undeclared:
            self._base.change("DELETE FROM declaration WHERE platform = ?", (platform,))

    async def interrupted(self, now: float) -> list[Delivery]:
        """At start: what was in flight when the last process died becomes UNSURE (rule D2), in one transaction.

        What was UNSURE before is in doubt from now on.
        """
        with self._base.transaction():
            found = self._base.read(
                "SELECT * FROM delivery WHERE phase IN (?, ?)", (Phase.SENDING.value, Phase.UNSURE.value)
            )
            left = [rows.to_delivery(row) for row in found]
            for delivery in left:
                if delivery.phase is Phase.UNSURE:
                    self._base.upsert("delivery", rows.from_delivery(doubted_anew(delivery, now)))
            unsure = [found_in_flight(delivery, now) for delivery in left if delivery.phase is Phase.SENDING]
            for delivery in unsure:
                self._base.upsert("delivery", rows.from_delivery(delivery))
                self.trail.append(now, "delivery_unsure", {"delivery": delivery.id, "reason": delivery.reason})
        return unsure

    async def reserve(self, delivery_id: str, draft: str) -> None:
        """Write down the remote id of something reserved and still invisible."""
        with self._base.transaction():
            self._base.change("UPDATE delivery SET draft = ? WHERE id = ?", (draft, delivery_id))

    async def ledger(self, delivery_id: str) -> dict[str, str]:
        """recipient -> state of one delivery."""
        found = self._base.read("SELECT recipient, state FROM ledger WHERE delivery = ?", (delivery_id,))
        return {row["recipient"]: row["state"] for row in found}

    async def note(self, delivery_id: str, changes: Mapping[str, str]) -> None:
        """Insert or replace ledger lines, in one transaction."""
        with self._base.transaction():
            self._base.change_each(
                "INSERT INTO ledger VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
                ((delivery_id, recipient, state) for recipient, state in changes.items()),
            )

    async def ledger_counts(self, incident: str) -> dict[str, dict[str, int]]:
        """delivery -> first word of the state -> how many recipients; who they are is not told."""
        found = self._base.read(
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
        found = self._base.read(
            "SELECT DISTINCT delivery FROM ledger WHERE recipient IN (SELECT value FROM json_each(?))", (asked,)
        )
        return [row["delivery"] for row in found]

    # -- upkeep --------------------------------------------------------------------------------------------

    async def forget(self, addresses: Sequence[str], mark: str, change: Change) -> Erasure:
        """Put `mark` in the place of these spellings of one address, wherever it may be taken away.

        `change` is written in the same transaction; the facts of its audit entries also get what was found (`lines`
        of the ledger, `mentions` in passing, `posts`).  Statements stay as they were signed off, a post as long as it
        is owed, and an entry of the trail cannot be changed: where the address stands there, that is told.
        """
        with self._base.transaction():
            lines = upkeep.unlist(self._base, addresses, mark)
            mentions = upkeep.blank(self._base, addresses, mark)
            posts, unfinished = self.posts.redact(addresses, mark)
            for event, facts in change.audit:
                found = {"lines": lines, "mentions": mentions, "posts": posts}
                self.trail.append(change.at, event, {**facts, **found})
        return Erasure(
            lines=lines,
            mentions=mentions,
            posts=tuple(posts),
            unfinished=tuple(unfinished),
            kept=tuple(upkeep.kept(self._base, addresses)),
        )

    async def scour(self) -> None:
        """See `upkeep.scour`."""
        upkeep.scour(self._base)

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
        with self._base.transaction():
            upkeep.step_clock(self._base, seconds, recent)
            for name, value in (settings or {}).items():
                self._base.upsert("meta", {"name": name, "value": value})
            if now is not None:
                self.trail.append(now, "clock_stepped", {"seconds": seconds})

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
        with self._base.transaction():
            removed = upkeep.prune(self._base, before) + self.posts.prune(before)
            written_to = before if recipients_before is None else max(before, recipients_before)
            recipients = upkeep.prune_recipients(self._base, written_to)
        if recipients:
            await self.scour()
        return removed + recipients

    async def audit(self) -> list[Entry]:
        """The whole trail, oldest first."""
        return await self.trail.entries()
