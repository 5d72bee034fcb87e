"""Taking back what was said, in a false alarm or in a post (rule S9): by its remote id, on every channel that can.

The wish is written first, then the channels are asked, then what each answered is written.  Asking twice is harmless:
a channel answers that it is gone also when it was gone before, so after a crash the same command is given again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from failover.courier import Outlet
from failover.delivery import OWED, Delivery, Phase, cancelled, moved
from failover.desk import Desk, RequestError
from failover.engine import Engine
from failover.minutes import of_endings
from failover.model import Delivered, Outcome, Refusal, Refused, Statement, Unconfirmed
from failover.posts import POST_ID
from failover.schema import StoreError
from failover.store import Change

DOUBTFUL = {
    Phase.SENDING: "it is being sent at this moment; give the command again",
    Phase.UNSURE: "it is being looked for; give the command again when that is decided",
    Phase.HELD: "a person must look, and say so with `failover resolve`",
    Phase.LEFT: "nobody can tell; look, and take it back by hand",
}
"""What may be public and has left no id that could be taken back, and what a person can do about it."""


class Retraction:
    """Asks the channels to take back the statements of one incident, or one post."""

    def __init__(self, engine: Engine, desk: Desk, outlets: Mapping[str, Outlet]) -> None:
        self._engine = engine
        self._store = engine.store
        self._desk = desk
        self._outlets = outlets

    async def retract(self, what: str, because: str, by: str, now: float) -> str:
        """What is not public yet is stopped, what is public is taken back; the answer names every channel once.

        `what` is the number of an incident, or of a post (`P12`).  Raises RequestError and StoreError.
        """
        if POST_ID.fullmatch(what):
            await self._stop_post(what, because, by, now)
            rows = await self._store.deliveries_of(what)
        else:
            await self._stop_incident(what, because, by, now)
            rows = await self._store.deliveries(what)
        concerned = [row for row in rows if row.heard or row.phase in DOUBTFUL]
        channels = [[row for row in concerned if row.channel == name] for name in _channels(concerned)]
        answers = await asyncio.gather(*(self._take_back_all(same, by, now) for same in channels))
        named = f"incident {what}" if not POST_ID.fullmatch(what) else what
        return "\n".join(answers) or f"Nothing of {named} is public."

    async def _stop_incident(self, incident: str, because: str, by: str, now: float) -> None:
        if await self._store.incident(incident) is None:
            raise RequestError(f"there is no incident {incident}; see `failover status`")
        facts = {"incident": incident, "by": by, "because": because}
        await self._store.record(Change(at=now, audit=(("retract_asked", facts),)))
        for statement in await self._store.statements(incident):
            if statement.decision != "vetoed":
                await self._desk.veto(statement.id, because or "a false alarm", by, now)

    async def _stop_post(self, post_id: str, because: str, by: str, now: float) -> None:
        """The wish, and that nothing more of it goes out on any channel, are one transaction."""
        post = await self._store.posts.get(post_id)
        if post is None:
            raise RequestError(f"there is no post {post_id}; see `failover posts`")
        owed = [row for row in await self._store.deliveries_of(post_id) if row.phase in OWED]
        stopped = tuple(cancelled(row, f"{by} had the post taken back", now) for row in owed)
        facts = {"post": post_id, "by": by, "because": because}
        audit = (("retract_asked", facts), *of_endings(stopped, owed))
        ended = replace(post, cancelled_by=post.cancelled_by or by)
        await self._store.record(Change(at=now, posts=(ended,), deliveries=stopped, audit=audit))

    async def _take_back_all(self, rows: Sequence[Delivery], by: str, now: float) -> str:
        """What one channel said, one thing after the other (rule D8); told apart only where it went differently."""
        told = []
        for row in rows:
            try:
                told.append(await self._take_back(row, by, now))
            except StoreError as error:  # the other channels are asked all the same
                told.append(f"it is not known what became of it ({error}); give the command again")
        if len({*told}) == 1:
            return f"{rows[0].channel}: {told[0]}"
        named = [f"{row.statement_id} {one}" for row, one in zip(rows, told, strict=True)]
        return f"{rows[0].channel}: {'; '.join(named)}"

    async def _take_back(self, row: Delivery, by: str, now: float) -> str:
        outcome = await self._ask(row)
        place = {**_place(row), "by": by}
        if not isinstance(outcome, Delivered):
            failed = {"delivery": row.id, "by": by, "reason": outcome.reason}
            await self._store.record(Change(at=now, audit=(("retract_failed", failed),)))
            self._engine.journal.say("retract_failed", **place, reason=outcome.reason)
            known = "still public" if row.phase is Phase.SENT else "may be public"
            return f"{known} ({outcome.reason}){_what_to_do(row, outcome)}"
        gone = moved(row, Phase.RETRACTED, f"taken back by {by}", ended_at=now)
        facts = {"delivery": row.id, "by": by}
        await self._store.record(Change(at=now, deliveries=(gone,), audit=(("delivery_retracted", facts),)))
        self._engine.journal.say("retracted", **place)
        return "taken back"

    async def _ask(self, row: Delivery) -> Outcome:
        if row.phase is not Phase.SENT:
            return Unconfirmed(reason=DOUBTFUL.get(row.phase, "some have heard it, and it is not known whom to tell"))
        outlet = self._outlets.get(row.channel)
        if outlet is None or row.receipt is None:
            reason = "this channel is no longer configured, or has left no id"
            return Refused(reason=reason, refusal=Refusal.CONFIGURATION)
        try:
            async with asyncio.timeout(outlet.policy.deadline):
                return await outlet.channel.retract(row.receipt)
        except TimeoutError:
            return Unconfirmed(reason=f"no answer within {outlet.policy.deadline:g} s")
        except Exception as error:  # noqa: BLE001  the same guard as around every send
            self._engine.journal.bug(f"channel {row.channel}", error)
            return Unconfirmed(reason=f"the channel failed unexpectedly ({type(error).__name__})")


def _channels(rows: Sequence[Delivery]) -> list[str]:
    return [*dict.fromkeys(row.channel for row in rows)]


def _place(row: Delivery) -> dict[str, str]:
    if row.statement is Statement.POST:
        return {"post": row.statement_id, "channel": row.channel}
    return {"incident": row.incident, "channel": row.channel, "statement": row.statement.value}


def _what_to_do(row: Delivery, outcome: Outcome) -> str:
    """What a person can do about what is still public; what is in doubt says so itself."""
    if row.phase is not Phase.SENT:
        return ""
    ways = [] if isinstance(outcome, Refused) else ["give the command again"]
    ways += [f"delete it by hand: {row.receipt.url}"] if row.receipt and row.receipt.url else []
    return f"; {', or '.join(ways)}" if ways else ""
