"""Taking back what was said, in a false alarm or in a post (rule S9): by its remote id, on every channel that can.

The wish is written first, then the channels are asked, then what each answered is written.  Asking twice is harmless:
a channel answers that it is gone also when it was gone before, so after a crash the same command is given again.
Where a false alarm stays public, a correction follows it, once (`corrections`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from failover.agenda import known_of
from failover.corrections import correction, is_alarm
from failover.courier import Outlet
from failover.delivery import OWED, Delivery, Phase, cancelled, moved
from failover.desk import Desk, RequestError
from failover.engine import Engine
from failover.incidents import Incident
from failover.minutes import of_endings, of_plan
from failover.model import Delivered, Outcome, Refusal, Refused, Signal, Statement, Unconfirmed
from failover.plans import Known
from failover.posts import POST_ID
from failover.schema import StoreError
from failover.store import Change
from failover.telling import tell_plan

DOUBTFUL = {
    Phase.SENDING: "it is being sent at this moment; give the command again",
    Phase.UNSURE: "it is being looked for; give the command again when that is decided",
    Phase.HELD: "a person must look, and say so with `failover resolve`",
    Phase.LEFT: "nobody can tell; look, and take it back by hand",
}
"""What may be public and has left no id that could be taken back, and what a person can do about it."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of it, in lines; and the channels on which something of it is, or may be, public."""

    text: str
    public: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of one delivery.  `final`: giving the command again takes nothing more back there."""

    row: Delivery
    told: str
    gone: bool = False
    final: bool = False


class Retraction:
    """Asks the channels to take back the statements of one incident, or one post."""

    def __init__(self, engine: Engine, desk: Desk, outlets: Mapping[str, Outlet]) -> None:
        self._engine = engine
        self._store = engine.store
        self._desk = desk
        self._outlets = outlets
        self._one_at_a_time = asyncio.Lock()

    async def retract(self, what: str, because: str, by: str, now: float) -> TakenBack:
        """What is not public yet is stopped, what is public is taken back or, in an incident, corrected.

        `what` is the number of an incident, or of a post (`P12`).  Raises RequestError and StoreError.
        """
        async with self._one_at_a_time:
            if POST_ID.fullmatch(what):
                await self._stop_post(what, because, by, now)
                return await self._take_back_all(what, await self._store.deliveries_of(what), by, now)
            incident = await self._stop_incident(what, because, by, now)
            rows = [row for row in await self._store.deliveries(what) if row.statement is not Statement.CORRECTION]
            return await self._take_back_all(f"incident {what}", rows, by, now, incident)

    async def _stop_incident(self, number: str, because: str, by: str, now: float) -> Incident:
        """Nothing more of the alarm goes out.  A correction of it does."""
        incident = await self._store.incident(number)
        if incident is None:
            raise RequestError(f"there is no incident {number}; see `failover status`")
        facts = {"incident": number, "by": by, "because": because}
        incident = replace(incident, taken_back_at=incident.taken_back_at or now)
        await self._store.record(Change(at=now, incidents=(incident,), audit=(("retract_asked", facts),)))
        self._engine.taken_back(incident)
        for statement in await self._store.statements(number):
            if statement.decision != "vetoed" and statement.kind is not Statement.CORRECTION:
                await self._desk.stop(statement, because or "a false alarm", by, now)
        return incident

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

    async def _take_back_all(
        self, named: str, rows: Iterable[Delivery], by: str, now: float, incident: Incident | None = None
    ) -> TakenBack:
        """Every channel is asked, and each is told about."""
        concerned = [row for row in rows if row.heard or row.phase in DOUBTFUL]
        channels = [[row for row in concerned if row.channel == name] for name in _channels(concerned)]
        found = await asyncio.gather(*(self._on_channel(same, by, now) for same in channels))
        notes = await self._correct(incident, [one for fates in found for one in fates], now) if incident else {}
        lines = [line for fates in found for line in _lines(fates, notes)]
        public = tuple(fates[0].row.channel for fates in found if not all(one.gone for one in fates))
        standing = self._standing(incident) if incident else []
        return TakenBack("\n".join([*(lines or [f"Nothing of {named} is public."]), *standing]), public)

    async def _on_channel(self, rows: Sequence[Delivery], by: str, now: float) -> list[_Fate]:
        """What one channel said, one thing after the other (rule D8)."""
        found = []
        for row in rows:
            try:
                found.append(await self._take_back(row, by, now))
            except StoreError as error:  # the other channels are asked all the same
                told = f"it is not known what became of it ({error}); give the command again"
                found.append(_Fate(row, told))
        return found

    async def _take_back(self, row: Delivery, by: str, now: float) -> _Fate:
        outcome = await self._ask(row)
        place = {**_place(row), "by": by}
        if not isinstance(outcome, Delivered):
            failed = {"delivery": row.id, "by": by, "reason": outcome.reason}
            await self._store.record(Change(at=now, audit=(("retract_failed", failed),)))
            self._engine.journal.say("retract_failed", **place, reason=outcome.reason)
            known = "still public" if row.phase is Phase.SENT else "may be public"
            final = isinstance(outcome, Refused) or row.phase is not Phase.SENT
            return _Fate(row, f"{known} ({outcome.reason}){_what_to_do(row, outcome)}", final=final)
        gone = moved(row, Phase.RETRACTED, f"taken back by {by}", ended_at=now)
        facts = {"delivery": row.id, "by": by}
        await self._store.record(Change(at=now, deliveries=(gone,), audit=(("delivery_retracted", facts),)))
        self._engine.journal.say("retracted", **place)
        return _Fate(row, "taken back", gone=True)

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

    # -- what stays public -----------------------------------------------------------------------------------

    async def _correct(self, incident: Incident, fates: Iterable[_Fate], now: float) -> dict[str, str]:
        """Plan the correction where the alarm cannot be taken back; channel -> how it stands there, in a clause."""
        left = dict.fromkeys(one.row.channel for one in fates if one.final and is_alarm(one.row))
        try:
            known = await known_of(self._store, incident)
            plan = correction(incident, left, known, self._engine.states(), self._engine.house, now)
            if plan.statements:
                audit = of_plan(plan, known)
                change = Change(at=now, statements=plan.statements, deliveries=plan.deliveries, audit=audit)
                await self._store.record(change)
                tell_plan(self._engine.journal, incident, plan, known)
        except StoreError as error:
            why = f"a correction could not be written down ({error}); give the command again"
            return dict.fromkeys(left, why)
        return {name: self._corrected(name, plan.on(known)) for name in left}

    def _corrected(self, channel: str, known: Known) -> str:
        """How the correction of one channel stands."""
        if channel not in known.corrected:
            return "no correction goes out there, so put it right by hand"
        rows = [row for row in known.deliveries if row.statement is Statement.CORRECTION and row.channel == channel]
        if any(row.heard for row in rows):
            return "the correction has been said there"
        mode = next((one.mode for one in known.statements if one.id == rows[-1].statement_id), "automatic")
        waits = f" when it is signed off ({rows[-1].statement_id})" if mode != "automatic" else ""
        paused = " as soon as somebody says `failover resume`" if self._engine.paused_by else ""
        return f"a correction goes out there{waits}{paused}"

    def _standing(self, incident: Incident) -> list[str]:
        """Who took the alarm back may have forgotten the word that it began with."""
        words = [self._engine.declared[name] for name in incident.platforms if name in self._engine.declared]
        return [
            f"{word.by} has declared {word.platform} down, and that still counts; `failover declare {word.platform} "
            "auto` ends it."
            for word in words
            if word.signal is Signal.DOWN
        ]


def _channels(rows: Sequence[Delivery]) -> list[str]:
    return [*dict.fromkeys(row.channel for row in rows)]


def _lines(fates: Sequence[_Fate], notes: Mapping[str, str]) -> list[str]:
    """What of one channel had the same fate is one line."""
    found = []
    for told in dict.fromkeys(one.told for one in fates):
        alike = [one for one in fates if one.told == told]
        note = notes.get(alike[0].row.channel) if any(one.final and is_alarm(one.row) for one in alike) else None
        found.append(f"{_named([one.row for one in alike])}: {told}{f'; {note}' if note else ''}")
    return found


def _named(rows: Sequence[Delivery]) -> str:
    """The channel, and which statements of an incident are meant."""
    kinds = dict.fromkeys(row.statement.value.replace("_", " ") for row in rows if row.incident)
    return f"{rows[0].channel} ({', '.join(kinds)})" if kinds else rows[0].channel


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
