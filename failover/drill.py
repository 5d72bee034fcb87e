"""A drill: the whole plan is gone through, and only practice channels hear of it (rule S10).

What would happen if a platform went down at this moment is planned by the shipping rules and told to who asked;
nothing of it is written.  What the practice channels are to hear goes through the same outbox as everything else:
signed off, sent once, looked for when in doubt.  Every text says DRILL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from failover.delivery import OWED, Delivery, Phase, StatementRow
from failover.desk import RequestError
from failover.engine import Engine
from failover.incidents import Incident, Turn
from failover.model import State, Statement
from failover.plans import Known, Plan, Saying
from failover.signoff import code, persons_for
from failover.statements import answered_by, released_at
from failover.store import Change
from failover.turns import after_turn

Fields = dict[str, Any]

_LAST = "last_drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """One of the statements of a drill: its id, what it rehearses, since when it lasts in the exercise."""

    id: str
    kind: Statement
    platform: str
    opened_at: float
    mode: str


class Drill:
    """Rehearses an outage of one platform."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store

    async def begin(self, platform: str, by: str, now: float, *, full: bool) -> Fields:
        """What would be said, and the id of the drill whose statement is on its way to the practice channels.

        `full` has them hear the holding statement itself, signed off like a real one, and later the welcome back;
        otherwise they hear that this is an exercise.  Raises RequestError and StoreError.
        """
        if platform not in self._engine.watches:
            known = ", ".join(self._engine.watches)
            raise RequestError(f"there is no platform '{platform}'; there are {known}")
        if self._engine.paused_by:
            raise RequestError(f"{self._engine.paused_by} has paused everything; `failover resume` first")
        channels = self._practice_channels()
        number = int(await self._store.setting(_LAST, "0")) + 1
        kind = Statement.HOLDING if full else Statement.DRILL
        mode = self._engine.house.sign_off.get(Statement.HOLDING, "automatic") if full else "automatic"
        stage = _Stage(id=f"D{number}", kind=kind, platform=platform, opened_at=now, mode=mode)
        facts = {"drill": stage.id, "platform": platform, "by": by, "channels": channels, "full": full}
        await self._say(stage, channels, ("drill_begun", facts), now, {_LAST: str(number)})
        self._engine.journal.say("drill_begun", platform=platform, by=by, drill=stage.id, channels=channels)
        return {"id": stage.id, "mode": mode, "plan": self._plan(platform, now)}

    async def end(self, drill: str, platform: str, by: str, now: float) -> Fields:
        """The second half of a full drill: those who heard are welcomed back.  Raises RequestError and StoreError."""
        before = await self._store.statement(drill)
        if before is None or before.kind is not Statement.DRILL:
            raise RequestError(f"there is no drill {drill}")
        if await self._store.statement(f"{drill}W") is not None:
            raise RequestError(f"drill {drill} has been ended already")
        heard = [row.channel for row in await self._rows(drill) if row.heard]
        if not heard:
            raise RequestError(f"nobody heard drill {drill}, so nobody is welcomed back")
        mode = self._engine.house.sign_off.get(Statement.WELCOME_BACK, "automatic")
        stage = _Stage(
            id=f"{drill}W", kind=Statement.WELCOME_BACK, platform=platform, opened_at=before.created_at, mode=mode
        )
        await self._say(stage, heard, ("drill_ended", {"drill": drill, "by": by}), now, {})
        return {"id": stage.id, "mode": mode}

    async def result(self, statement: str) -> Fields:
        """How far a statement of a drill has got; times in seconds since it was made.  Raises RequestError."""
        made = await self._store.statement(statement)
        if made is None or made.kind is not Statement.DRILL:
            raise RequestError(f"there is no drill {statement}")
        rows = await self._rows(statement)
        return {
            "settled": not any(row.phase in OWED - {Phase.HELD} for row in rows),
            "decided_by": made.decided_by,
            "channels": [
                {
                    "channel": row.channel,
                    "phase": row.phase.value,
                    "reason": row.reason,
                    "url": row.receipt.url if row.receipt else "",
                    "text": row.text,
                    "after": row.ended_at - made.created_at if row.ended_at else None,
                    "attempts": row.attempts,
                }
                for row in rows
            ],
        }

    def _practice_channels(self) -> list[str]:
        channels = [voice.name for voice in self._engine.house.voices.values() if voice.practice]
        if not channels:
            raise RequestError(
                "no channel is marked `practice: true`, so nobody could hear a drill; add one, or say "
                "--practice-internet, where nothing leaves the machine"
            )
        return channels

    async def _rows(self, statement: str) -> list[Delivery]:
        rows = await self._store.deliveries(statement.rstrip("W"))
        return [row for row in rows if row.statement_id == statement]

    async def _say(
        self,
        stage: _Stage,
        channels: list[str],
        fact: tuple[str, Fields],
        now: float,
        settings: dict[str, str],
    ) -> None:
        house = self._engine.house
        release = released_at(stage.mode, house, now)
        statement = StatementRow(
            id=stage.id,
            incident=stage.id.rstrip("W"),
            kind=Statement.DRILL,
            created_at=now,
            latest=answered_by(stage.mode, house, now) + house.holding_latest,
            reference=f"F{stage.id}-{datetime.fromtimestamp(now, UTC):%d%H%M}",
            mode=stage.mode,
            release_at=release,
            drill=True,
            persons=persons_for(stage.kind, stage.mode, house.signing),
        )
        rows = tuple(self._delivery(statement, stage, channel, place, now) for place, channel in enumerate(channels))
        change = Change(at=now, statements=(statement,), deliveries=rows, settings=settings, audit=(fact,))
        await self._store.record(change)
        if stage.mode != "automatic":
            self._engine.journal.say(
                "statement_waiting",
                incident=statement.incident,
                statement=statement.kind.value,
                statement_id=statement.id,
                mode=stage.mode,
                until=release,
                code=code(statement, rows),
            )

    def _delivery(self, statement: StatementRow, stage: _Stage, channel: str, place: int, now: float) -> Delivery:
        saying = Saying(
            incident=statement.incident,
            platforms=(stage.platform,),
            elsewhere=tuple(name for name, voice in self._engine.house.voices.items() if voice.public),
            opened_at=stage.opened_at,
            now=now,
            reference=statement.reference,
        )
        subject, text = self._engine.house.word(stage.kind, channel, saying)
        return Delivery(
            id=f"{statement.id}-{channel}",
            incident=statement.incident,
            statement_id=statement.id,
            statement=Statement.DRILL,
            channel=channel,
            phase=Phase.READY,
            due=statement.release_at or now,
            latest=statement.latest,
            created_at=now,
            reference=statement.reference,
            text=text,
            subject=subject,
            platforms=(stage.platform,),
            position=place,
        )

    def _plan(self, platform: str, now: float) -> Fields:
        """What the shipping rules would plan if the platform were found to be down at this moment."""
        engine = self._engine
        watch = engine.watches[platform]
        incident = Incident(
            id="0", group=watch.group, platforms=(platform,), down=(platform,), opened_at=now, reason="drill"
        )
        states = {**engine.states(), platform: State.DOWN}
        plan = after_turn(Turn.OPENED, incident, Known(), states, engine.house, now)
        return {"platform": watch.title, "statements": [_statement(row, plan, now) for row in plan.statements]}


def _statement(row: StatementRow, plan: Plan, now: float) -> Fields:
    return {
        "statement": row.kind.value,
        "mode": row.mode,
        "after": None if row.release_at is None else row.release_at - now,
        "channels": [
            {"channel": one.channel, "asked": one.phase is Phase.READY, "reason": one.reason, "text": one.text}
            for one in plan.deliveries
            if one.statement_id == row.id
        ],
    }
