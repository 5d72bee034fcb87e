"""What was seen and judged, in the database: transitions with their explanations, and what each probe said.

A part of the store, over its one connection; it only reads.
"""

from __future__ import annotations

from failover import rows
from failover.database import Database
from failover.hindsight import Chapter
from failover.model import Observation, Transition


class PastStore:
    """Observations and transitions."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def transitions(self, platform: str, since: float = 0.0) -> list[Transition]:
        """What happened to a platform, oldest first, with the evidence that was believed then."""
        found = self._db.read(
            "SELECT platform, at, was, now, reason, evidence FROM transition "
            "WHERE platform = ? AND at >= ? ORDER BY id",
            (platform, since),
        )
        return [rows.to_transition(row) for row in found]

    async def chapters(self, platform: str, at: float) -> tuple[Chapter | None, Chapter | None]:
        """The last transition of a platform up to this time, and the first one after it."""
        found = [
            self._db.read_one(f"SELECT * FROM transition WHERE platform = ? AND {which} LIMIT 1", (platform, at))  # noqa: S608
            for which in ("at <= ? ORDER BY at DESC, id DESC", "at > ? ORDER BY at, id")
        ]
        before, after = (rows.to_chapter(row) if row else None for row in found)
        return before, after

    async def history(self, platform: str, since: float, until: float) -> list[Chapter]:
        """The transitions of a platform in this time, with their explanations, after the last one before it."""
        before, _after = await self.chapters(platform, since)
        found = self._db.read(
            "SELECT * FROM transition WHERE platform = ? AND at > ? AND at <= ? ORDER BY at, id",
            (platform, since, until),
        )
        return [*([before] if before else []), *(rows.to_chapter(row) for row in found)]

    async def answers(self, platform: str, since: float, until: float, most: int) -> list[Observation]:
        """Each change of what a probe said of a platform in this time (its words may have varied in between)."""
        found = self._db.read(
            "SELECT platform, probe, at, signal, evidence, fault, reason, detail, took, node FROM (SELECT *, "
            "lag(signal || coalesce(fault, '')) OVER (PARTITION BY probe ORDER BY id) AS before FROM observation "
            "WHERE platform = ? AND at > ? AND at <= ?) "
            "WHERE before IS NULL OR before != signal || coalesce(fault, '') ORDER BY id LIMIT ?",
            (platform, since, until, most),
        )
        return [rows.to_observation(row) for row in found]

    async def last_words(self, at: float, platform: str = "") -> list[Observation]:
        """What each probe (of one platform, or of all) said last by this time, since when it said so."""
        found = self._db.read(
            "SELECT platform, probe, at, signal, evidence, fault, reason, detail, took, node FROM observation "
            "WHERE id IN (SELECT max(id) FROM observation WHERE at <= ?1 AND ?2 IN ('', platform) "
            "GROUP BY platform, probe) ORDER BY platform, probe",
            (at, platform),
        )
        return [rows.to_observation(row) for row in found]

    async def unknown_since(self) -> dict[tuple[str, str], float]:
        """(platform, probe) -> since when it cannot tell, for every probe whose last word was that."""
        found = self._db.read(
            "WITH told AS (SELECT platform, probe, max(id) AS last FROM observation WHERE signal != 'unknown' "
            "GROUP BY platform, probe) "
            "SELECT one.platform, one.probe, min(one.at) AS since FROM observation AS one "
            "LEFT JOIN told ON told.platform = one.platform AND told.probe = one.probe "
            "WHERE one.signal = 'unknown' AND one.id > coalesce(told.last, 0) GROUP BY one.platform, one.probe"
        )
        return {(row["platform"], row["probe"]): row["since"] for row in found}
