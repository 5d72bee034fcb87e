"""What people may do to the daemon: declare, approve, object, pause, decide a doubtful delivery.

Every act is written with who did it, then it takes effect (S5, S6).  A request that makes no sense is answered with
a RequestError, whose text says what is wrong and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from failover.agenda import known_of
from failover.contracts import format_duration
from failover.delivery import OWED, Approval, Delivery, Phase, StatementRow, cancelled, resolved
from failover.engine import Engine
from failover.minutes import of_endings
from failover.model import Signal, State
from failover.posts import place_of
from failover.signoff import CODE, barred, given_by, identity, is_drill, seal, still_good, text_seal, unsaid
from failover.silences import LONGEST, Silence
from failover.standing import Declaration
from failover.store import Change
from failover.updates import joined_later

NOTHING_LEFT = "when nothing of it was left to stop"


class RequestError(Exception):
    """A request that cannot be done; the text is for the person who asked."""


class TooLateError(RequestError):
    """It was done, and changes nothing of what was asked for."""


LONGEST_NAME, LONGEST_REASON = 40, 400
"""Letters of what somebody made up that are kept of a refusal."""


class Desk:
    """The operator's hand on the engine.  `by` is who asks, as the control socket knows them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = engine.store
        self._journal = engine.journal

    async def declare(self, platform: str, word: str, because: str, by: str, now: float) -> str:
        """`down`, `up`, or `auto` to withdraw a declaration."""
        self._known("platform", platform, self._engine.watches)
        if word == "auto":
            if platform not in self._engine.declared:
                raise RequestError(f"nothing is declared about {platform}")
            await self._engine.end_declaration(platform, now, "withdrawn", by)
            return f"The sources alone decide about {platform} again."
        signals = {"down": Signal.DOWN, "up": Signal.UP}
        if word not in signals:
            raise RequestError(f"'{word}' is not down, up or auto")
        await self._engine.declare(
            Declaration(platform=platform, signal=signals[word], at=now, by=by, because=because)
        )
        told = f"{platform} is declared {word}; its state is now {self._state(platform)}."
        told += self._unsaid(platform, now)
        incident = next((one for one in self._engine.recent if platform in one.down), None)
        if incident is None:
            return told
        if not await self._engine.told_as_over(incident):
            later = joined_later(incident, await known_of(self._store, incident), self._engine.house.routes)
            return f"{told} In incident {incident.id} {later}." if later else told
        return f"{told} It is so soon after the welcome back of incident {incident.id} that nothing is said anew."

    async def silence(self, platform: str, seconds: float, because: str, by: str, now: float) -> str:
        """For so long trouble of the platform is no news; 0 ends it before its time."""
        self._known("platform", platform, self._engine.watches)
        if not seconds:
            if not await self._engine.end_silence(platform, by, now):
                raise RequestError(f"{platform} is not silenced")
            return f"Trouble of {platform} is news again."
        if not 0 < seconds <= LONGEST:
            most = format_duration(LONGEST)
            raise RequestError(f"expected at most {most}; else take {platform} out of the configuration")
        silence = Silence(platform=platform, until=now + seconds, by=by, because=because)
        await self._engine.silences.begin(silence, now)
        self._journal.say("silenced", platform=platform, by=by, reason=because or None, until=silence.until)
        told = f"Trouble of {platform} is no news for {format_duration(seconds)}."
        incident = next((one for one in self._engine.recent if platform in one.down), None)
        if incident is None:
            return told
        return (
            f"{told} Incident {incident.id} stays open, and nothing new is said about it meanwhile, unless somebody "
            "declares how it is."
        )

    async def approve(
        self, statement_id: str, by: str, now: float, code: str = "", *, noted: Mapping[str, str] | None = None
    ) -> str:
        """Release a statement that waits for sign-off, with exactly the texts it has now.

        With a `code` only if these are still the texts it was given for.  `noted` are settings that are to be written
        together with the decision, or with the refusal.
        """
        try:
            return await self._approve(statement_id, by, now, code, noted or {})
        except RequestError as error:
            await self.refuse("approval", statement_id, by, str(error), now, noted)
            raise

    async def _approve(self, statement_id: str, by: str, now: float, code: str, noted: Mapping[str, str]) -> str:
        row = await self._waiting(statement_id)
        if why := barred(row, by, self._engine.house.signing.people):
            raise RequestError(why)
        if now > row.latest:
            raise RequestError(f"{statement_id} is too old to be said")
        left = unsaid(row, await self._all(row))
        if not left:
            raise RequestError(f"nothing of {statement_id} is left to be said")
        sealed = seal(row, left)
        _check_code(row, code, sealed)
        given = self._given(row, by, sealed, left, now)
        if len(given) < row.persons:
            return await self._first(replace(row, approvals=given), by, sealed, now, noted)
        approved = replace(
            row,
            decision="approved",
            decided_by=given_by(replace(row, approvals=given)),
            release_at=now,
            approvals=given,
            valid_until=now + self._engine.house.signing.valid_for,
        )
        due = tuple(  # what was tried already keeps its wait: a service may have asked for it
            replace(delivery, due=max(now, delivery.due) if delivery.attempts else now) for delivery in left
        )
        facts = {"statement": row.id, "by": by, "seal": sealed, "texts": {one.channel: one.text for one in due}}
        facts |= {"together_with": [one.by for one in given[:-1]]} if given[:-1] else {}
        audit = (("statement_approved", facts),)
        await self._store.record(Change(at=now, statements=(approved,), deliveries=due, settings=noted, audit=audit))
        self._journal.say(
            "statement_approved",
            incident=row.incident,
            statement=row.kind.value,
            statement_id=row.id,
            by=approved.decided_by,
        )
        when = "as soon as somebody says `failover resume`" if self._engine.paused_by else "now"
        return f"{statement_id} is approved and goes out {when}."

    def _given(
        self, row: StatementRow, by: str, sealed: str, left: Iterable[Delivery], now: float
    ) -> tuple[Approval, ...]:
        """The approvals of these texts with this one; nobody counts twice."""
        signing = self._engine.house.signing
        who, before = identity(by, signing.people), still_good(row, sealed, signing, now)
        if any(one.who == who for one in before):
            raise RequestError(f"{by} is the one who has approved {row.id} already; a second person must approve it")
        texts = tuple(text_seal(one, drill=is_drill(row)) for one in left)
        return (*before, Approval(by=by, who=who, at=now, seal=sealed, texts=texts))

    async def _first(self, row: StatementRow, by: str, sealed: str, now: float, noted: Mapping[str, str]) -> str:
        """One of two has approved: nothing is released yet."""
        code = sealed[:CODE]
        facts = {"statement": row.id, "by": by, "seal": sealed}
        change = Change(at=now, statements=(row,), settings=noted, audit=(("approval_recorded", facts),))
        await self._store.record(change)
        self._journal.say(
            "approval_recorded",
            incident=row.incident,
            statement=row.kind.value,
            statement_id=row.id,
            code=code,
            by=by,
        )
        return f"Your approval of {row.id} is recorded; a second person must say: failover approve {row.id} {code}"

    async def veto(
        self, statement_id: str, because: str, by: str, now: float, *, noted: Mapping[str, str] | None = None
    ) -> str:
        """Stop a statement: what is not public yet is not said.  `noted` as in `approve`.

        Anybody who can reach us may: silence is the safe side.  Raises TooLateError where there was nothing to stop;
        the objection counts all the same for what would have followed.
        """
        try:
            row = await self._not_vetoed(statement_id)
        except RequestError as error:
            await self.refuse("objection", statement_id, by, str(error), now, noted)
            raise
        nothing_left = await self.stop(row, because, by, now, noted=noted)
        after = await self._all(row)
        doubtful = (Phase.SENDING, Phase.UNSURE, Phase.HELD)
        public = [one.channel for one in after if one.heard or one.phase in doubtful]
        if nothing_left:
            raise TooLateError(_too_late(row, public))
        back = f"; `failover retract {row.incident}` takes it back" if not is_drill(row) else ""
        rest = f" It is, or may be, public already on {', '.join(public)}{back}." if public else ""
        return f"{statement_id} is stopped.{rest}"

    async def stop(
        self, row: StatementRow, because: str, by: str, now: float, *, noted: Mapping[str, str] | None = None
    ) -> bool:
        """Object to a statement; True if nothing of it was left to be stopped.  Raises StoreError."""
        owed = await self._of(row)
        stopped = [cancelled(one, f"{by} objected{': ' + because if because else ''}", now) for one in owed]
        vetoed = replace(row, decision="vetoed", decided_by=by, reason=because)
        late = {} if owed else {"late": NOTHING_LEFT}
        facts = {"statement": row.id, "by": by, "because": because, **late}
        audit = (("statement_vetoed", facts), *of_endings(stopped, owed))
        change = Change(at=now, statements=(vetoed,), deliveries=tuple(stopped), settings=noted or {}, audit=audit)
        await self._store.record(change)
        self._journal.say(
            "statement_vetoed",
            incident=row.incident,
            statement=row.kind.value,
            statement_id=row.id,
            by=by,
            reason=because or None,
            **late,
        )
        return not owed

    async def refuse(
        self, what: str, statement_id: str, by: str, reason: str, now: float, noted: Mapping[str, str] | None = None
    ) -> None:
        """Write down that an approval or an objection was not accepted.  Raises StoreError."""
        statement, why = statement_id[:LONGEST_NAME], reason[:LONGEST_REASON]
        facts = {"statement": statement, "by": by, "what": what, "reason": why}
        await self._store.record(Change(at=now, settings=noted or {}, audit=(("approval_refused", facts),)))
        self._journal.say("approval_refused", statement_id=statement, by=by, what=what, reason=why)

    async def resolve(self, delivery_id: str, *, sent: bool, by: str, now: float) -> str:
        """A person looked at the channel and says whether a doubtful delivery is public."""
        row = await self._store.delivery(delivery_id)
        if row is None:
            raise RequestError(f"there is no delivery {delivery_id}; see `failover status`")
        if row.phase is not Phase.HELD:
            why = f" ({row.reason})" if row.reason else ""
            raise RequestError(f"{delivery_id} does not wait for a person: it is {row.phase.value}{why}")
        after = resolved(row, sent=sent, by=by, now=now)
        answer = "public" if sent else "not public"
        facts = {"delivery": row.id, "by": by, "answer": answer}
        await self._store.record(Change(at=now, deliveries=(after,), audit=(("delivery_resolved", facts),)))
        self._journal.say("delivery_resolved", **place_of(row), by=by, answer=answer)
        return f"{delivery_id} is {answer}: {after.reason}."

    async def pause(self, because: str, by: str, now: float) -> str:
        """Nothing is said in public until `resume`; looking and judging go on."""
        if self._engine.paused_by:
            raise RequestError(f"{self._engine.paused_by} has paused it already")
        facts = {"by": by, "because": because}
        await self._store.record(Change(at=now, settings={"paused_by": by}, audit=(("paused", facts),)))
        self._engine.paused_by = by
        self._journal.say("paused", by=by, reason=because or None)
        return "Nothing is said in public until `failover resume`."

    async def resume(self, by: str, now: float) -> str:
        """The daemon may speak again; what has become too late meanwhile is dropped."""
        if not self._engine.paused_by:
            raise RequestError("it is not paused")
        await self._store.record(Change(at=now, settings={"paused_by": ""}, audit=(("resumed", {"by": by}),)))
        self._engine.paused_by = ""
        self._journal.say("resumed", by=by)
        return "The daemon speaks again."

    async def _waiting(self, statement_id: str) -> StatementRow:
        row = await self._known_statement(statement_id)
        if row.decision:
            have = "have" if row.decision == "approved" and len(row.approvals) > 1 else "has"
            raise RequestError(f"{row.decided_by} {have} {row.decision} {statement_id} already")
        if row.mode == "automatic":
            raise RequestError(f"{statement_id} needs no approval")
        return row

    async def _known_statement(self, statement_id: str) -> StatementRow:
        row = await self._store.statement(statement_id)
        if row is None:
            raise RequestError(f"there is no statement {statement_id}; see `failover status`")
        return row

    async def _not_vetoed(self, statement_id: str) -> StatementRow:
        row = await self._known_statement(statement_id)
        if row.decision == "vetoed":
            raise RequestError(f"{row.decided_by} has objected to {statement_id} already")
        return row

    async def _of(self, row: StatementRow) -> list[Delivery]:
        return [one for one in await self._all(row) if one.phase in OWED]

    async def _all(self, row: StatementRow) -> list[Delivery]:
        return [one for one in await self._store.deliveries(row.incident) if one.statement_id == row.id]

    def _unsaid(self, platform: str, now: float) -> str:
        """What a person should know who has just declared something."""
        paused = f" Nothing is said: {self._engine.paused_by} has paused it." if self._engine.paused_by else ""
        silence = self._engine.silences.of(platform, now)
        return paused + (f" It counts although {silence.by} has silenced {platform}." if silence else "")

    def _state(self, platform: str) -> str:
        return self._engine.states().get(platform, State.UNKNOWN).value

    @staticmethod
    def _known(kind: str, name: str, names: Iterable[str]) -> None:
        if name not in names:
            close = difflib.get_close_matches(name, list(names), 1)
            hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(names)}"
            raise RequestError(f"there is no {kind} '{name}'{hint}")


def _check_code(row: StatementRow, code: str, sealed: str) -> None:
    """Raises RequestError where the code is not that of the texts as they stand."""
    if code and len(code) < CODE:
        raise RequestError(f"a code has {CODE} figures; see `failover status`")
    if code and not sealed.startswith(code.lower()):
        raise RequestError(
            f"the texts of {row.id} are not those that {code} stands for; read them again with `failover status`, "
            f"then: failover approve {row.id} {sealed[:CODE]}"
        )


def _too_late(row: StatementRow, public: Sequence[str]) -> str:
    """Nothing could be stopped: why, and what a person can do."""
    if not public:
        return f"there was nothing left to stop: {row.id} has ended, and nobody has heard it"
    back = f" `failover retract {row.incident}` takes it back" if not is_drill(row) else " it was a drill"
    return f"there was nothing left to stop: {row.id} is public already on {', '.join(public)};{back}"
