"""What is due: every incident at hand is carried on, and what may leave at this moment is handed out.

Each incident's changes are one transaction, then they are told.  Whether a word may leave is asked of the world as it
is believed after the last wait for the database: what was true before it may be untrue after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from failover.audit import facts_of
from failover.catchup import in_short, left_over, not_taken_back
from failover.clearance import correctable, rehearsable, sayable
from failover.delivery import Delivery, Phase
from failover.evidence import Tally
from failover.holding import call_backups, keep_approved
from failover.incidents import A_DAY, Incident
from failover.minutes import Minute, of_plan
from failover.model import State, Statement
from failover.plans import House, Known, Plan, orphaned, overdue
from failover.postroom import Postroom
from failover.posts import Ground
from failover.reminders import Reminders
from failover.routing import is_quiet
from failover.schema import StoreError
from failover.signoff import given_by
from failover.standing import Declaration
from failover.statements import lapse, reword
from failover.store import Change, Store
from failover.telling import Says, tell_ended, tell_plan, tell_reach
from failover.updates import joined_unsaid, update, update_due, update_on_joined
from failover.welcome import welcome_back

Write = Callable[[Change], Awaitable[bool]]


class Belief(Protocol):
    """How the world stands at this very moment."""

    @property
    def recent(self) -> Sequence[Incident]:
        """The incidents at hand."""

    @property
    def paused_by(self) -> str:
        """Who has paused everything; "" if nobody has."""

    @property
    def declared(self) -> Mapping[str, Declaration]:
        """platform -> what a person has said of it, and not withdrawn."""

    def states(self) -> dict[str, State]:
        """Where every watched platform stands."""

    def tally(self, platform: str, now: float) -> Tally:
        """The evidence on one platform, sorted."""

    def gathering(self, incident: Incident, now: float) -> float:
        """Seconds for which a word about it waits for others of its group that are about to fall."""

    def is_fresh(self, platform: str, now: float) -> bool:
        """Does what is known at this moment bear out where it stands?"""


class Agenda:
    """What incidents have to say, between the outbox and the journal; see `postroom` for posts."""

    def __init__(
        self, belief: Belief, store: Store, house: House, journal: Says, posts: Postroom, write: Write
    ) -> None:
        self._belief = belief
        self._store = store
        self._house = house
        self._journal = journal
        self._posts = posts
        self._write = write
        self._reminders = Reminders()

    # -- what becomes of what is owed ------------------------------------------------------------------------

    async def due(self, now: float) -> list[Delivery]:
        """Deliveries to be sent or looked for now, after backups were called and late ones dropped.

        Raises StoreError.
        """
        for incident in self._belief.recent:
            await self._guarded(incident, now)
        await self._drop_forgotten(now)
        await self._tell_settled(now)
        self._remind(now)
        return await self._sayable(now)

    async def _guarded(self, incident: Incident, now: float) -> None:
        """A bug that shows in one incident must not silence the others."""
        try:
            await self._advance(incident, now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  told, and tried again at the next tick
            self._journal.bug(f"incident {incident.id}", error)

    async def _advance(self, incident: Incident, now: float) -> None:
        known, states = await known_of(self._store, incident), self._belief.states()
        plan = overdue(known.deliveries, now)
        plan += keep_approved(incident, plan.on(known), self._house, now)
        plan += lapse(plan.on(known), self._house, now)
        plan += orphaned(plan.on(known).deliveries, self._house.voices, now)
        if incident.is_open:
            tellable = {**states, **self._tellable(incident, now)}
            plan += reword(incident, plan.on(known), tellable, self._house, now)
            plan += await self._update(incident, plan.on(known), now)
        plan += call_backups(incident, plan.on(known), states, self._house, now)
        plan += welcome_back(incident, plan.on(known), states, self._house, now)
        tell_reach(self._journal, incident, plan.on(known), self._house.routes)
        if not plan.deliveries and not plan.statements:
            return
        audit = (*of_plan(plan, known), *_of_lapses(plan, known))
        change = Change(at=now, statements=plan.statements, deliveries=plan.deliveries, audit=audit)
        if await self._write(change):
            tell_plan(self._journal, incident, plan, known)

    async def _update(self, incident: Incident, known: Known, now: float) -> Plan:
        """Those who heard are told again how it stands, where that is asked for and due, or what else has failed."""
        due = update_due(incident, known, self._house, now)
        if not due and not joined_unsaid(incident, known, self._house):
            return Plan()
        states = {**self._belief.states(), **self._tellable(incident, now)}
        capped = await self.capped(now)
        if due:
            return update(incident, known, states, self._house, now, capped=capped)
        wait = self._belief.gathering(incident, now)
        return update_on_joined(incident, known, states, self._house, now, capped=capped, wait=wait)

    async def capped(self, now: float) -> list[str]:
        """The channels that have said enough in the last 24 hours.  Raises StoreError."""
        said = await self._store.said_since(now - A_DAY, now)
        return [name for name, count in said.items() if count >= self._house.posts_per_day]

    async def _drop_forgotten(self, now: float) -> None:
        """What is owed in incidents that are no longer at hand (we were off for days) ends like all the rest."""
        at_hand = {incident.id for incident in self._belief.recent}
        owed = [row for row in await self._store.owed() if row.incident not in at_hand]
        late = overdue(owed, now)
        change = Change(at=now, deliveries=late.deliveries, audit=of_plan(late, Known(deliveries=owed)))
        if late.deliveries and await self._write(change):
            for row in late.deliveries:
                tell_ended(self._journal, row)

    def step(self, seconds: float) -> None:
        """The wall clock was set by `seconds`."""
        self._reminders.step(seconds)

    def _remind(self, now: float) -> None:
        """Of an outage that a person declared and that is to be seen nowhere any more: only their word ends it."""
        watched = self._belief.states()
        words = [word for word in self._belief.declared.values() if word.platform in watched]
        self._reminders.kept([word.platform for word in words])
        for word in words:
            lasted = self._reminders.due(word, self._belief.tally(word.platform, now), now)
            if lasted is not None:
                facts = {"platform": word.platform, "by": word.by, "declared_at": word.at, "duration": lasted}
                self._journal.say("declaration_contradicted", **facts)

    async def _tell_settled(self, now: float) -> None:
        """An incident is over and nothing of it is under way: what it leaves behind is told once (`catchup`)."""
        for incident in await self._store.unsettled():
            known = await known_of(self._store, incident)
            posts = await self._posts.meanwhile(incident, now)
            left = left_over(incident, known.statements, known.deliveries, posts, await self._kept(incident, now))
            count = sum(one.person for one in left)
            facts = {"incident": incident.id, "count": count, "left": [one.reason for one in left if one.person]}
            change = Change(at=now, settled=(incident.id,), audit=(("incident_settled", facts),))
            if not await self._write(change):
                return
            place = {"incident": incident.id, "platforms": incident.platforms}
            if count:
                self._journal.say("catch_up", **place, count=count, reason=in_short(left))
            else:
                self._journal.say("incident_settled", **place, reason=_how_it_ended(incident))

    async def _kept(self, incident: Incident, now: float) -> dict[str, str]:
        """What of a false alarm its channels did not take back: delivery -> why."""
        if incident.taken_back_at is None:
            return {}
        tried = await self._store.trail.of(("retract_failed", "delivery_retracted"), incident.opened_at, now)
        return not_taken_back((one.event, facts_of(one)) for one in tried)

    # -- what may leave --------------------------------------------------------------------------------------

    async def _sayable(self, now: float) -> list[Delivery]:
        owed = await self._store.owed()
        looks = [row for row in owed if row.phase is Phase.UNSURE and row.due <= now]
        said = [row for row in owed if row.phase is Phase.READY and await self.may_say(row, now)]
        return looks + said + await self._sayable_posts(now)

    async def _sayable_posts(self, now: float) -> list[Delivery]:
        """The posts that may leave now; a bug there must not silence what incidents have to say."""
        ground = self.ground(now)
        try:
            await self._posts.round(ground, self._write)
            return [] if self._belief.paused_by else await self._posts.sayable(ground)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  told, and tried again at the next tick
            self._journal.bug("posts", error)
            return []

    def ground(self, now: float) -> Ground:
        """How things stand for posts: a DOWN that nothing fresh bears out is a suspicion only (R8)."""
        states = {
            name: State.SUSPECT if state is State.DOWN and not self._belief.is_fresh(name, now) else state
            for name, state in self._belief.states().items()
        }
        down = {platform for incident in self._belief.recent if incident.is_open for platform in incident.down}
        return self._posts.ground(states, down, now)

    async def may_say(self, delivery: Delivery, now: float) -> bool:
        """May it leave at this moment: owed, signed off, in time, still true, and nobody has paused us?

        Raises StoreError.
        """
        if delivery.statement is Statement.POST:
            return not self._belief.paused_by and await self._posts.may_say(delivery, self.ground(now))
        incident = next((one for one in self._belief.recent if one.id == delivery.incident), None)
        statement = await self._store.statement(delivery.statement_id)
        if delivery.phase is not Phase.READY or self._belief.paused_by or statement is None:
            return False
        voice = self._house.voices.get(delivery.channel)
        if delivery.statement is Statement.DRILL:
            return rehearsable(delivery, statement, voice, now)
        if delivery.statement is Statement.CORRECTION:
            return correctable(delivery, statement, voice, now) and not self._is_down(delivery.channel)
        if incident is None:
            return False
        if voice is not None and is_quiet(voice, now):
            return False
        if not incident.is_open and self._is_down(delivery.channel):
            return False
        return sayable(delivery, statement, incident, self._tellable(incident, now), now)

    def _is_down(self, channel: str) -> bool:
        """Does the channel itself stand on a platform that is down (by now)?  A welcome back can wait for it (S3)."""
        voice = self._house.voices.get(channel)
        return voice is not None and self._belief.states().get(voice.platform or "") is State.DOWN

    def _tellable(self, incident: Incident, now: float) -> Mapping[str, State]:
        """The states as far as they may be told: what nothing fresh bears out is only a suspicion (R8, S2)."""
        states = {name: state for name, state in self._belief.states().items() if name in incident.platforms}
        return {name: state if self._belief.is_fresh(name, now) else State.SUSPECT for name, state in states.items()}

    async def told_as_over(self, incident: Incident) -> bool:
        """Has the welcome back of an incident that is open again been said?  A relapse is not told anew (R6)."""
        rows = await self._store.deliveries(incident.id) if incident.is_open else []
        places = {row.id: row.place for row in await self._store.statements(incident.id)}
        said = sorted((row for row in rows if row.heard), key=lambda row: places.get(row.statement_id, 0))
        return bool(said) and said[-1].statement is Statement.WELCOME_BACK


def _how_it_ended(incident: Incident) -> str:
    """For whoever heard of it."""
    if incident.taken_back_at is None:
        return "whoever heard of it was welcomed back"
    return "it was a false alarm, and was taken back or put right wherever it had been said"


async def known_of(store: Store, incident: Incident) -> Known:
    """What is planned so far.  Raises StoreError."""
    return Known(statements=await store.statements(incident.id), deliveries=await store.deliveries(incident.id))


def _of_lapses(plan: Plan, known: Known) -> list[Minute]:
    return [
        ("approval_lapsed", {"statement": after.id, "by": given_by(before), "reason": after.reason})
        for before, after in plan.lapses(known)
    ]
