"""Taking back what was said in a false alarm (rule S9): by its remote id, on every channel that can.

The wish is written first, then the channels are asked, then what each answered is written.  Asking twice is harmless:
a channel answers that it is gone also when it was gone before, so after a crash the same command is given again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from failover.courier import Outlet
from failover.delivery import Delivery, Phase, moved
from failover.desk import Desk, RequestError
from failover.engine import Engine
from failover.model import Delivered, Outcome, Unconfirmed
from failover.store import Change

DOUBTFUL = {
    Phase.SENDING: "it is being sent at this moment; give the command again",
    Phase.UNSURE: "it is being looked for; give the command again when that is decided",
    Phase.HELD: "a person must look, and say so with `failover resolve`",
    Phase.LEFT: "nobody can tell; look, and take it back by hand",
}
"""What may be public and has left no id that could be taken back, and what a person can do about it."""


class Retraction:
    """Asks the channels to take back the statements of one incident."""

    def __init__(self, engine: Engine, desk: Desk, outlets: Mapping[str, Outlet]) -> None:
        self._engine = engine
        self._desk = desk
        self._outlets = outlets

    async def retract(self, incident: str, because: str, by: str, now: float) -> str:
        """What is not public yet is stopped, what is public is taken back; the answer names every channel."""
        if await self._engine.store.incident(incident) is None:
            raise RequestError(f"there is no incident {incident}; see `failover status`")
        facts = {"incident": incident, "by": by, "because": because}
        await self._engine.store.record(Change(at=now, audit=(("retract_asked", facts),)))
        for statement in await self._engine.store.statements(incident):
            if statement.decision != "vetoed":
                await self._desk.veto(statement.id, because or "a false alarm", by, now)
        rows = [row for row in await self._engine.store.deliveries(incident) if row.heard or row.phase in DOUBTFUL]
        found = await asyncio.gather(*(self._take_back(row, by, now) for row in rows), return_exceptions=True)
        answers = [
            f"{row.channel}: it is not known what became of it ({answer}); give the command again"
            if isinstance(answer, BaseException)
            else answer
            for row, answer in zip(rows, found, strict=True)
        ]
        return "\n".join(answers) or f"Nothing of incident {incident} is public."

    async def _take_back(self, row: Delivery, by: str, now: float) -> str:
        outcome = await self._ask(row)
        place = {"incident": row.incident, "channel": row.channel, "statement": row.statement.value, "by": by}
        if not isinstance(outcome, Delivered):
            failed = {"delivery": row.id, "by": by, "reason": outcome.reason}
            await self._engine.store.record(Change(at=now, audit=(("retract_failed", failed),)))
            self._engine.journal.say("retract_failed", **place, reason=outcome.reason)
            known = "still public" if row.phase is Phase.SENT else "may be public"
            return f"{row.channel}: {known} ({outcome.reason})"
        gone = moved(row, Phase.RETRACTED, f"taken back by {by}", ended_at=now)
        facts = {"delivery": row.id, "by": by}
        await self._engine.store.record(Change(at=now, deliveries=(gone,), audit=(("delivery_retracted", facts),)))
        self._engine.journal.say("retracted", **place)
        return f"{row.channel}: taken back"

    async def _ask(self, row: Delivery) -> Outcome:
        if row.phase is not Phase.SENT:
            return Unconfirmed(reason=DOUBTFUL.get(row.phase, "some have heard it, and it is not known whom to tell"))
        outlet = self._outlets.get(row.channel)
        if outlet is None or row.receipt is None:
            return Unconfirmed(reason="this channel is no longer configured, or has left no id")
        try:
            async with asyncio.timeout(outlet.policy.deadline):
                return await outlet.channel.retract(row.receipt)
        except TimeoutError:
            return Unconfirmed(reason=f"no answer within {outlet.policy.deadline:g} s")
        except Exception as error:  # noqa: BLE001  the same guard as around every send
            self._engine.journal.bug(f"channel {row.channel}", error)
            return Unconfirmed(reason=f"the channel failed unexpectedly ({type(error).__name__})")
