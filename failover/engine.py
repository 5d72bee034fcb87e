"""Look -> judge -> decide -> store, one straight line.

The engine holds what was seen last and where every platform stands, asks the pure floor what follows, writes it in
one transaction (D1), and only then believes it: when the database refuses, nothing has happened and nothing is said.
It never sleeps, reads no clock and opens no connection; `now` (seconds since the epoch, UTC) is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from failover.agenda import Agenda, known_of
from failover.budget import Usage, month_of
from failover.credit import is_lonely, is_torn
from failover.delivery import Delivery
from failover.evidence import Line, Tally, tally
from failover.explanation import Matter, explain
from failover.incidents import Incident, Turn, follow
from failover.minutes import Minute, of_plan
from failover.model import Evidence, Observation, Sighting, Signal, State, Transition
from failover.plans import House, Known, Plan
from failover.postroom import Postroom
from failover.posts import Ground, place_of
from failover.questions import Questions
from failover.schema import StoreError
from failover.silences import Silences
from failover.standing import Declaration, Rules, Standing, shifted
from failover.stepping import incident_later, line_later, seen_later
from failover.store import Change, Store
from failover.telling import (
    Says,
    tell_declared,
    tell_locked_out,
    tell_transition,
    tell_turn,
)
from failover.troubles import Troubles
from failover.turns import after_turn, without
from failover.verdict import come_true, judge
from failover.watches import (
    Failing,
    View,
    Watch,
    around,
    counted,
    forgetful,
    gathering,
    groups_that_fail,
    in_doubt,
    is_borne_out,
    locked_out,
)

REMEMBERED = 2 * 86400.0
"""Seconds for which closed incidents are kept at hand (relapse, "again", late welcome back)."""


class Engine:
    """The state of the world as the daemon believes it."""

    def __init__(
        self, store: Store, house: House, watches: Mapping[str, Watch], journal: Says, wake: Callable[[], None]
    ) -> None:
        self.store = store
        self.house = house
        self.watches = dict(watches)
        self.journal = journal
        self._wake = wake
        self.standings: dict[str, Standing] = {}
        self.seen: dict[str, dict[str, Observation]] = {name: {} for name in watches}
        self.declared: dict[str, Declaration] = {}
        self.recent: list[Incident] = []
        self.line = Line()
        self.offline_since = 0.0
        self.paused_by = ""
        self.silences = Silences(store)
        self.posts = Postroom(store, house, journal)
        self.usage = Usage()
        self._troubles = Troubles()
        self._questions = Questions()
        self._agenda = Agenda(self, store, house, journal, self.posts, self._write_alone)

    # -- start ---------------------------------------------------------------------------------------------

    async def load(self, now: float) -> None:
        """What was known before the restart: a DOWN stays DOWN, the timers start anew (rule R8)."""
        self.standings = {one.platform: _afresh(one, now) for one in await self.store.standings()}
        self.declared = {word.platform: word for word in await self.store.declarations()}
        self.recent = await self.store.incidents(since=now - REMEMBERED)
        self.paused_by = await self.store.setting("paused_by")
        await self.silences.load(self.watches, now)
        self.usage = Usage(await self.store.usage(month_of(now)))
        for delivery in await self.store.interrupted(now):
            self.journal.say("delivery_unsure", **place_of(delivery), reason=delivery.reason)
        for incident in [incident for incident in self.recent if incident.is_open]:
            await self._drop_unwatched(incident, now)

    async def _drop_unwatched(self, incident: Incident, now: float) -> None:
        """A platform that the configuration no longer names can never recover: no word of it is said any more."""
        gone = [platform for platform in incident.down if platform not in self.watches]
        if not gone:
            return
        reason = f"{', '.join(gone)} is no longer watched"
        known = await known_of(self.store, incident)
        kept, plan = without(gone, incident, known, reason, now)
        forgotten = tuple(Standing(platform=platform, since=now, reason="no longer watched") for platform in gone)
        change = Change(
            at=now,
            incidents=(kept,),
            standings=forgotten,
            statements=plan.statements,
            deliveries=plan.deliveries,
            audit=(("platform_dropped", {"platforms": gone, "incident": incident.id}), *of_plan(plan, known)),
        )
        if await self._write(change, [kept]):
            self.standings |= {one.platform: one for one in forgotten}
            reason = f"{reason}; nothing more is said about it in incident {incident.id}"
            self.journal.say("person_needed", reason=reason, incident=incident.id)

    async def step(self, seconds: float, now: float | None = None) -> None:
        """The wall clock was set by `seconds`: every pending time keeps its distance from now.  Raises StoreError.

        `now` is the new time, for the audit trail.
        """
        recent, settings = [one.id for one in self.recent], self.silences.moved(seconds)
        await self.store.step_clock(seconds, recent, now=now, settings=settings)
        self.silences.step(seconds)
        self._questions.step(seconds)
        self._agenda.step(seconds)
        self.standings = {name: shifted(standing, seconds) for name, standing in self.standings.items()}
        self.line, self.offline_since = line_later(self.line, seconds), self.offline_since + seconds
        self.seen = seen_later(self.seen, seconds)
        self.recent = [incident_later(one, seconds) for one in self.recent]
        self.journal.say("clock_stepped", seconds=seconds)

    def inherit(self, before: Engine, probes: Mapping[str, frozenset[str]]) -> None:
        """After a reload: keep what was seen by probes that are still there, and the timers of their platforms."""
        self.line, self.offline_since, self.usage = before.line, before.offline_since, before.usage
        sources = {f"{platform}/{name}" for platform, names in probes.items() for name in names}
        self._troubles.inherit(before._troubles, {"store", *sources})
        self._questions.inherit(before._questions)
        for platform, names in probes.items():
            latest = before.seen.get(platform, {})
            self.seen[platform] = {probe: seen for probe, seen in latest.items() if probe in names}
            if platform in before.standings:
                self.standings[platform] = before.standings[platform]

    # -- look ----------------------------------------------------------------------------------------------

    async def saw(
        self, platform: str, probe: str, sighting: Sighting, now: float, *, good_for: float, took: float = 0.0
    ) -> None:
        """One look ended.  `good_for` seconds from now on its answer is stale."""
        before = self.seen[platform].get(probe)
        seen = Observation(
            platform=platform, probe=probe, at=now, good_until=now + good_for, sighting=sighting, took=took
        )
        void = self.line.offline or bool(self.quiet(platform, now))
        seen = self.seen[platform][probe] = counted(seen, before, void=void)
        if before is None or before.sighting != sighting:
            await self._write(Change(at=now, observations=(seen,)), [])
        self._troubles.looked(self.journal, seen, offline=self.line.offline)
        await self._judge(platform, now)

    async def anchors(self, sighting: Sighting, now: float) -> None:
        """What the anchors say of our own line (rule R3)."""
        if sighting.signal is Signal.UP:
            was = self.line
            self.line = Line(good_at=now, since=now if was.offline else was.since)
            if was.offline:
                self.seen = forgetful(self.seen)
                self.journal.say("came_online", duration=now - self.offline_since)
        elif not self.line.offline:
            self.offline_since = now
            self.line = replace(self.line, reason=sighting.reason)
            self.journal.say("went_offline", reason=sighting.reason)
        else:
            self.line = replace(self.line, reason=sighting.reason)
        await self.tick(now)

    def line_in_doubt(self) -> bool:
        """A vote made from here waits until the anchors have been asked again."""
        return in_doubt(self.line, self.seen)

    # -- judge ---------------------------------------------------------------------------------------------

    async def tick(self, now: float) -> None:
        """Time has passed: votes have lasted or grown stale.  A platform that was not looked at yet is no news."""
        for platform in self.silences.expired(now):
            await self.end_silence(platform, "", now)
        failing = groups_that_fail(self._view(now))
        for platform in self.watches:
            if self.seen[platform] or platform in self.declared:
                await self._judge(platform, now, failing)

    def tally(self, platform: str, now: float, failing: Failing | None = None) -> Tally:
        """The evidence on one platform, sorted; `failing` where the caller knows already what else fails."""
        view = self._view(now)
        beside = around(platform, groups_that_fail(view) if failing is None else failing, view)
        lookups, quiet = self.watches[platform].rules.lookups, self.quiet(platform, now)
        return tally(self.seen[platform].values(), now, self.line, around=beside, quiet=quiet, lookups=lookups)

    def _view(self, now: float) -> View:
        return View(
            seen=self.seen,
            watches=self.watches,
            standings=self.standings,
            line=self.line,
            now=now,
            quiet=lambda platform: self.quiet(platform, now),
        )

    def quiet(self, platform: str, now: float) -> str:
        """Why trouble of this platform is no news now: maintenance, or a person's wish; "" if it is news."""
        return self.watches[platform].quiet(now) or self.silences.why(platform, now)

    async def end_silence(self, platform: str, by: str, now: float) -> bool:
        """At its time, or before it by a person; False if there is none."""
        try:
            ended = await self.silences.end(platform, by, now)
        except StoreError as error:
            self.store_refused(error)
            return False
        if ended:
            self.journal.say("silence_ended", platform=platform, by=by or None)
        return ended

    async def _judge(self, platform: str, now: float, failing: Failing | None = None) -> None:
        standing = self.standings.get(platform) or Standing(platform=platform, since=now)
        seen, declared = self.tally(platform, now, failing), self.declared.get(platform)
        moved, transition = judge(
            standing, seen, now, self._rules(platform), offline=self.line.reason, declared=declared
        )
        if transition is None:
            self.standings[platform] = moved
        elif await self._turn(transition, moved):
            self._wake()
        if declared is not None and not self.line.offline and come_true(declared, moved, now, self._rules(platform)):
            await self.end_declaration(platform, now, f"by every source it is {declared.signal.value}")
        tell_locked_out(self.journal, platform, locked_out(seen, self.watches[platform].rules))
        if not self.line.offline:
            self._ask(platform, moved, seen, now)

    def _ask(self, platform: str, standing: Standing, seen: Tally, now: float) -> None:
        """What only a person can tell: is it the platform, our own way there, or our region?"""
        if is_torn(standing, seen, now):
            self._questions.ask(self.journal, platform, "torn", now)
        elif is_lonely(standing, now) and seen.votes.keys() == {Evidence.HERE}:
            self._questions.ask(self.journal, platform, "only_here", now)

    def _rules(self, platform: str) -> Rules:
        """The thresholds that hold at present: each incident of a day is stricter (rule R6)."""
        watch = self.watches[platform]
        return watch.rules_in(watch.related(self.recent), self.house.calm)

    def matter(self, platform: str, now: float) -> Matter:
        """Everything that explains why the platform stands as it does."""
        watch = self.watches[platform]
        return Matter(
            title=watch.title,
            standing=self.standings.get(platform) or Standing(platform=platform, since=now),
            seen=self.tally(platform, now),
            rules=self._rules(platform),
            now=now,
            line=self.line,
            declared=self.declared.get(platform),
            zone=watch.zone,
        )

    def states(self) -> dict[str, State]:
        """Where every watched platform stands."""
        return {name: standing.state for name, standing in self.standings.items() if name in self.watches}

    def gathering(self, incident: Incident, now: float) -> float:
        """Seconds for which a word about it waits for others of its group that are about to fall."""
        others = [name for name, watch in self.watches.items() if watch.group == incident.group]
        standings = [self.standings[name] for name in others if name in self.standings and name not in incident.down]
        suspects = [(one, self._rules(one.platform)) for one in standings if one.state is State.SUSPECT]
        return gathering(suspects, now, self.house.gather)

    def is_fresh(self, platform: str, now: float) -> bool:
        """Borne out in this run, and at this moment a person still says so, or as many classes as it takes (R1)."""
        standing, rules, declared = self.standings[platform], self.watches[platform].rules, platform in self.declared
        return is_borne_out(standing, self.tally(platform, now), rules, declared=declared)

    # -- decide --------------------------------------------------------------------------------------------

    async def _turn(self, transition: Transition, standing: Standing) -> bool:
        """Write a transition with all that follows from it; True when it is written."""
        watch, now = self.watches[transition.platform], transition.at
        states = {**self.states(), transition.platform: transition.now}
        try:
            turn, incident = follow(transition, watch.group, watch.related(self.recent), "", self.house.calm)
            if incident is not None and turn is Turn.OPENED:
                incident = replace(incident, id=await self.store.fresh_incident_id())
            plan, known = Plan(), Known()
            if incident is not None:
                known = await known_of(self.store, incident)
                capped = await self._agenda.capped(now) if turn is Turn.PARTLY_RECOVERED else ()
                wait = self.gathering(incident, now)
                plan = after_turn(turn, incident, known, states, self.house, now, capped=capped, wait=wait)
        except StoreError as error:
            self.store_refused(error)
            return False
        touched_incidents = [incident] if incident is not None else []
        told = self._explained(transition, standing, incident)
        change = Change(
            at=now,
            standings=(standing,),
            transitions=(transition,),
            explanation=told,
            incidents=tuple(touched_incidents),
            statements=plan.statements,
            deliveries=plan.deliveries,
            audit=(_audited(transition, turn, incident), *of_plan(plan, known)),
        )
        if not await self._write(change, touched_incidents):
            return False
        self.standings[transition.platform] = standing
        tell_transition(self.journal, transition, told)
        if incident is not None:
            tell_turn(self.journal, turn, incident, transition, plan, self.house.routes)
        return True

    def _explained(self, transition: Transition, standing: Standing, incident: Incident | None) -> tuple[str, ...]:
        """In sentences; a bug in one of them must not keep the transition itself from being written."""
        try:
            matter = self.matter(transition.platform, transition.at)
            return explain(replace(matter, standing=standing, rules=self._rules_in(transition, incident)))
        except Exception as error:  # noqa: BLE001
            self.journal.bug("the explanation", error)
            return ()

    def _rules_in(self, transition: Transition, incident: Incident | None) -> Rules:
        """The thresholds from this transition on, when its incident is not written yet."""
        if incident is None or not incident.is_open:
            return self._rules(transition.platform)
        return self.watches[transition.platform].rules_in([incident], self.house.calm)

    async def _write(self, change: Change, incidents: Iterable[Incident]) -> bool:
        """Commit, then believe; False (and said once) when the database refuses.  Counted looks go with it."""
        usage = self.usage.unwritten()
        try:
            await self.store.record(replace(change, usage=usage) if usage else change)
        except StoreError as error:
            self.store_refused(error)
            return False
        self.usage.written(usage)
        self.store_works()
        for incident in incidents:
            self.recent = [*(one for one in self.recent if one.id != incident.id), incident]
        return True

    async def _write_alone(self, change: Change) -> bool:
        return await self._write(change, [])

    async def note_usage(self, now: float) -> None:
        """Write down how often the sources were asked, where no other write took it along."""
        if self.usage.unwritten():
            await self._write(Change(at=now), [])

    def store_refused(self, error: StoreError) -> None:
        """Told once, until it works again."""
        reason = str(error).removeprefix("the database cannot be written: ")
        self._troubles.began(self.journal, "store", "store_trouble", reason=reason)

    def store_works(self) -> None:
        """Something was written."""
        self._troubles.ended(self.journal, "store")

    # -- what is due (see `agenda`) ------------------------------------------------------------------------

    async def due(self, now: float) -> list[Delivery]:
        """Deliveries to be sent or looked for now, after backups were called and late ones dropped."""
        self.recent = [one for one in self.recent if one.is_open or now - (one.closed_at or now) < REMEMBERED]
        try:
            return await self._agenda.due(now)
        except StoreError as error:
            self.store_refused(error)
            return []

    async def may_say(self, delivery: Delivery, now: float) -> bool:
        """May it leave at this moment: owed, signed off, in time, still true, and nobody has paused us?"""
        return await self._agenda.may_say(delivery, now)

    def ground(self, now: float) -> Ground:
        """How things stand for posts."""
        return self._agenda.ground(now)

    async def told_as_over(self, incident: Incident) -> bool:
        """Has the welcome back of an incident that is open again been said?"""
        return await self._agenda.told_as_over(incident)

    def taken_back(self, incident: Incident) -> None:
        """It is written down that this was a false alarm: the next outage is an incident of its own."""
        self.recent = [incident if one.id == incident.id else one for one in self.recent]

    # -- a person's word -----------------------------------------------------------------------------------

    async def declare(self, word: Declaration) -> None:
        """A person says how a platform is; it counts at once (rule R1).  Raises StoreError."""
        facts = {"platform": word.platform, "state": word.signal.value, "by": word.by, "because": word.because}
        await self.store.record(Change(at=word.at, declared=(word,), audit=(("operator_declared", facts),)))
        self.declared[word.platform] = word
        tell_declared(self.journal, word)
        await self._judge(word.platform, word.at)

    async def end_declaration(self, platform: str, now: float, reason: str, by: str = "") -> None:
        """The evidence alone decides again."""
        facts = {"platform": platform, "reason": reason, "by": by}
        change = Change(at=now, undeclared=(platform,), audit=(("declaration_ended", facts),))
        if platform in self.declared and await self._write(change, []):
            del self.declared[platform]
            self.journal.say("declaration_ended", platform=platform, by=by or None, reason=reason)


def _afresh(standing: Standing, now: float) -> Standing:
    """As after a start: how long a voter has been silent counts from now on, like every other timer (rule R8)."""
    return replace(standing, voted=dict.fromkeys(standing.voted, now), first_at=now if standing.first else None)


def _audited(moved: Transition, turn: Turn, incident: Incident | None) -> Minute:
    return (
        "platform_changed",
        {
            "platform": moved.platform,
            "was": moved.was.value,
            "now": moved.now.value,
            "reason": moved.reason,
            "turn": turn.value,
            "incident": incident.id if incident else "",
        },
    )
