"""Look -> judge -> decide -> store, one straight line.

The engine holds what was seen last and where every platform stands, asks the pure floor what follows, writes it in
one transaction (D1), and only then believes it: when the database refuses, nothing has happened and nothing is said.
It never sleeps, reads no clock and opens no connection; `now` (seconds since the epoch, UTC) is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from typing import Protocol

from failover.budget import Usage, is_used_up, month_of
from failover.catchup import in_short, left_over
from failover.delivery import Delivery, Phase, StatementRow
from failover.explanation import Matter, explain
from failover.hours import Hours
from failover.incidents import A_DAY, Incident, Turn, follow, recovery_time
from failover.minutes import of_plan
from failover.model import Evidence, Fault, Observation, Sighting, Signal, State, Statement, Transition
from failover.plans import (
    House,
    Known,
    Plan,
    after_turn,
    call_backups,
    lapse,
    orphaned,
    overdue,
    reword,
    sayable,
    silence,
    update,
    update_due,
    welcome_back,
)
from failover.postroom import Postroom
from failover.posts import Ground, place_of
from failover.routing import is_quiet, missed, touched
from failover.schema import StoreError
from failover.signoff import code, covers
from failover.silences import Silences
from failover.store import Change, Store
from failover.verdict import Declaration, Line, Rules, Standing, Tally, come_true, judge, shifted, tally, with_pending

REMEMBERED = 2 * 86400.0
"""Seconds for which closed incidents are kept at hand (relapse, "again", late welcome back)."""


_WELL = {
    "account_trouble": "account_well",
    "source_unknown": "source_back",
    "source_budget_spent": "source_back",
    "store_trouble": "store_well",
}


_ENDED = frozenset({Phase.CANCELLED, Phase.EXPIRED, Phase.HELD})


class Says(Protocol):
    """Where the engine's facts are said: the journal."""

    def say(self, name: str, /, **fields: object) -> None: ...

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool: ...

    def bug(self, where: str, error: BaseException) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One platform: its title for people, group, thresholds, maintenance windows (from, until, why), and those that
    come again (hours, why).

    Times in explanations are told in `zone`.
    """

    name: str
    title: str
    group: str
    rules: Rules = field(default_factory=Rules)
    maintenance: tuple[tuple[float, float, str], ...] = ()
    recurring: tuple[tuple[Hours, str], ...] = ()
    zone: tzinfo = UTC

    def quiet(self, now: float) -> str:
        """The maintenance that is going on now; "" if none."""
        going_on = [why for start, end, why in self.maintenance if start <= now < end]
        going_on += [why for hours, why in self.recurring if hours.over_at(now) is not None]
        return next((why or "announced" for why in going_on), "")


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
        self._troubles: dict[str, str] = {}

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
        down = tuple(platform for platform in incident.down if platform in self.watches)
        kept = replace(incident, down=down, closed_at=None if down else now)
        known = await self._known(incident)
        plan = Plan() if down else silence(kept, known, reason, now)
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
        self.standings = {name: shifted(standing, seconds) for name, standing in self.standings.items()}
        self.line = replace(self.line, good_at=self.line.good_at + seconds, since=self.line.since + seconds)
        self.offline_since += seconds
        self.seen = {
            name: {
                probe: replace(one, at=one.at + seconds, good_until=one.good_until + seconds)
                for probe, one in latest.items()
            }
            for name, latest in self.seen.items()
        }
        self.recent = [_later(one, seconds) for one in self.recent]
        self.journal.say("clock_stepped", seconds=seconds)

    def inherit(self, before: Engine, probes: Mapping[str, frozenset[str]]) -> None:
        """After a reload: keep what was seen by probes that are still there, and the timers of their platforms."""
        self.line, self.offline_since, self.usage = before.line, before.offline_since, before.usage
        sources = {f"{platform}/{name}" for platform, names in probes.items() for name in names}
        self._troubles = {key: event for key, event in before._troubles.items() if key in {"store", *sources}}
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
        same = before is not None and before.sighting.signal is sighting.signal and now <= before.good_until
        seen = Observation(
            platform=platform,
            probe=probe,
            at=now,
            good_until=now + good_for,
            sighting=sighting,
            took=took,
            looks=before.looks + 1 if same and before is not None else 1,
        )
        self.seen[platform][probe] = seen
        if before is None or before.sighting != sighting:
            await self._write(Change(at=now, observations=(seen,)), [])
        self._tell_source(seen)
        await self._judge(platform, now)

    def _tell_source(self, seen: Observation) -> None:
        """R2 and R4: trouble with an account or a source is said once, and once when it is over."""
        sighting, key = seen.sighting, f"{seen.platform}/{seen.probe}"
        place = {"platform": seen.platform, "probe": seen.probe}
        if is_used_up(sighting):
            self._trouble(key, "source_budget_spent", **place, reason=sighting.reason)
        elif sighting.fault is Fault.ACCOUNT:
            self._trouble(key, "account_trouble", **place, reason=sighting.reason)
        elif sighting.signal is Signal.UNKNOWN and not self.line.offline:
            if seen.looks >= 3:
                self._trouble(key, "source_unknown", **place, reason=sighting.reason)
        elif sighting.signal is not Signal.UNKNOWN:
            self._well(key, **place)

    async def anchors(self, sighting: Sighting, now: float) -> None:
        """What the anchors say of our own line (rule R3)."""
        if sighting.signal is Signal.UP:
            was = self.line
            self.line = Line(good_at=now, since=now if was.offline else was.since)
            if was.offline:
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
        return any(
            seen.sighting.evidence is Evidence.HERE and seen.votes_down and self.line.good_at < seen.at
            for latest in self.seen.values()
            for seen in latest.values()
        )

    # -- judge ---------------------------------------------------------------------------------------------

    async def tick(self, now: float) -> None:
        """Time has passed: votes have lasted or grown stale.  A platform that was not looked at yet is no news."""
        for platform in self.silences.expired(now):
            await self.end_silence(platform, "", now)
        spikes = self._spikes(now)
        for platform in self.watches:
            if self.seen[platform] or platform in self.declared:
                await self._judge(platform, now, spikes)

    def tally(self, platform: str, now: float, spikes: int | None = None) -> Tally:
        """The evidence on one platform, sorted; `spikes` where the caller has counted them already."""
        quiet = self.quiet(platform, now)
        spikes = self._spikes(now) if spikes is None else spikes
        return tally(self.seen[platform].values(), now, self.line, spikes=spikes, quiet=quiet)

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

    def _spikes(self, now: float) -> int:
        """How many unrelated groups the crowd reports at once (rule R7)."""
        groups = {
            self.watches[platform].group
            for platform, latest in self.seen.items()
            for seen in latest.values()
            if seen.sighting.evidence is Evidence.CROWD and seen.votes_down and now <= seen.good_until
        }
        return len(groups)

    async def _judge(self, platform: str, now: float, spikes: int | None = None) -> None:
        standing = self.standings.get(platform) or Standing(platform=platform, since=now)
        seen, declared = self.tally(platform, now, spikes), self.declared.get(platform)
        moved, transition = judge(
            standing, seen, now, self._rules(platform), offline=self.line.reason, declared=declared
        )
        if transition is None:
            self.standings[platform] = moved
        elif await self._turn(transition, moved):
            self._wake()
        if declared is not None and not self.line.offline and come_true(declared, moved, now, self._rules(platform)):
            await self.end_declaration(platform, now, f"by every source it is {declared.signal.value}")
        self._ask_about_accounts(platform, seen)

    def _rules(self, platform: str) -> Rules:
        """The thresholds that hold at present: each incident of a day is stricter (rule R6)."""
        incident = next((one for one in self._related(platform) if one.is_open), None)
        rules, recover_for = self.watches[platform].rules, recovery_time(incident, self.house.calm)
        return rules if rules.recover_for == recover_for else replace(rules, recover_for=recover_for)

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

    def _related(self, platform: str) -> list[Incident]:
        """The incidents that matter for it: the one it is down in; else those of its group, as it is named today."""
        group = self.watches[platform].group
        down = [one for one in self.recent if platform in one.down]
        return down or [one for one in self.recent if one.group == group or platform in one.platforms]

    def _ask_about_accounts(self, platform: str, seen: Tally) -> None:
        """R2: several accounts of ours refused at once while something else speaks against the platform."""
        accounts = self.watches[platform].rules.accounts
        refused = [one.probe for one in seen.account if one.probe in accounts and not is_used_up(one.sighting)]
        if len(refused) > 1 and seen.votes:
            reason = f"{', '.join(refused)} are refused by {platform} at once; is it down, or are we locked out?"
            self.journal.say_on_change(f"accounts/{platform}", "person_needed", reason=reason, platform=platform)

    # -- decide --------------------------------------------------------------------------------------------

    async def _turn(self, transition: Transition, standing: Standing) -> bool:
        """Write a transition with all that follows from it; True when it is written."""
        group = self.watches[transition.platform].group
        now = transition.at
        states = {**self.states(), transition.platform: transition.now}
        try:
            turn, incident = follow(transition, group, self._related(transition.platform), "", self.house.calm)
            if incident is not None and turn is Turn.OPENED:
                incident = replace(incident, id=await self.store.fresh_incident_id())
            plan, known = Plan(), Known()
            if incident is not None:
                known = await self._known(incident)
                capped = await self._capped(now) if turn is Turn.PARTLY_RECOVERED else ()
                plan = after_turn(turn, incident, known, states, self.house, now, capped=capped)
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
        self._tell_transition(transition, told)
        if incident is not None:
            self._tell_turn(turn, incident, transition, plan)
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
        rules = self.watches[transition.platform].rules
        return replace(rules, recover_for=recovery_time(incident, self.house.calm))

    async def _known(self, incident: Incident) -> Known:
        return Known(
            statements=await self.store.statements(incident.id), deliveries=await self.store.deliveries(incident.id)
        )

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

    async def note_usage(self, now: float) -> None:
        """Write down how often the sources were asked, where no other write took it along."""
        if self.usage.unwritten():
            await self._write(Change(at=now), [])

    def store_refused(self, error: StoreError) -> None:
        """Told once, until it works again."""
        self._trouble("store", "store_trouble", reason=str(error).removeprefix("the database cannot be written: "))

    def store_works(self) -> None:
        """Something was written."""
        self._well("store")

    def states(self) -> dict[str, State]:
        """Where every watched platform stands."""
        return {name: standing.state for name, standing in self.standings.items() if name in self.watches}

    # -- what is due -----------------------------------------------------------------------------------------

    async def due(self, now: float) -> list[Delivery]:
        """Deliveries to be sent or looked for now, after backups were called and late ones dropped."""
        self.recent = [one for one in self.recent if one.is_open or now - (one.closed_at or now) < REMEMBERED]
        try:
            for incident in self.recent:
                await self._guarded(incident, now)
            await self._drop_forgotten(now)
            await self._tell_settled(now)
            return await self._sayable(now)
        except StoreError as error:
            self.store_refused(error)
            return []

    async def _guarded(self, incident: Incident, now: float) -> None:
        """A bug that shows in one incident must not silence the others."""
        try:
            await self._advance(incident, now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  told, and tried again at the next tick
            self.journal.bug(f"incident {incident.id}", error)

    async def _advance(self, incident: Incident, now: float) -> None:
        known, states = await self._known(incident), self.states()
        plan = overdue(known.deliveries, now)
        plan += lapse(plan.on(known), self.house, now)
        plan += orphaned(plan.on(known).deliveries, self.house.voices, now)
        if incident.is_open:
            plan += reword(incident, plan.on(known), self._tellable(incident, now), self.house, now)
            plan += await self._update(incident, plan.on(known), now)
        plan += call_backups(incident, plan.on(known), states, self.house, now)
        plan += welcome_back(incident, plan.on(known), self.house, now)
        self._tell_reach(incident, plan.on(known))
        if not plan.deliveries and not plan.statements:
            return
        audit = (*of_plan(plan, known), *_of_lapses(plan, known))
        change = Change(at=now, statements=plan.statements, deliveries=plan.deliveries, audit=audit)
        if await self._write(change, []):
            before = {row.id: row for row in known.deliveries}
            self._tell_plan(incident, plan, before, known)

    async def _update(self, incident: Incident, known: Known, now: float) -> Plan:
        """Those who heard are told again how it stands, where that is asked for and due."""
        if not update_due(incident, known, self.house, now):
            return Plan()
        states = {**self.states(), **self._tellable(incident, now)}
        return update(incident, known, states, self.house, now, capped=await self._capped(now))

    async def _capped(self, now: float) -> list[str]:
        """The channels that have said enough in the last 24 hours."""
        said = await self.store.said_since(now - A_DAY)
        return [name for name, count in said.items() if count >= self.house.posts_per_day]

    def _tell_reach(self, incident: Incident, known: Known) -> None:
        """Too few have heard, and nobody is left to ask: a person must speak, unless one has just objected to it."""
        vetoed = any(row.decision == "vetoed" for row in known.statements)
        found = missed(incident, known.holding, self.house.routes) if incident.is_open and not vetoed else None
        if found is not None:
            heard, wanted = found
            self.journal.say_on_change(
                f"reach/{incident.id}/{heard}", "reach_missed", incident=incident.id, heard=heard, wanted=wanted
            )

    async def _drop_forgotten(self, now: float) -> None:
        """What is owed in incidents that are no longer at hand (we were off for days) ends like all the rest."""
        at_hand = {incident.id for incident in self.recent}
        owed = [row for row in await self.store.owed() if row.incident not in at_hand]
        late = overdue(owed, now)
        change = Change(at=now, deliveries=late.deliveries, audit=of_plan(late, Known(deliveries=owed)))
        if late.deliveries and await self._write(change, []):
            for row in late.deliveries:
                self._tell_delivery(f"delivery_{row.phase.value}", row)

    async def _tell_settled(self, now: float) -> None:
        """An incident is over and nothing of it is under way: what it leaves behind is told once (`catchup`)."""
        for incident in await self.store.unsettled():
            known = await self._known(incident)
            posts = await self.posts.meanwhile(incident, now)
            left = left_over(incident, known.statements, known.deliveries, posts)
            count, reason = sum(one.person for one in left), in_short(left)
            facts = {"incident": incident.id, "count": count, "left": [one.reason for one in left if one.person]}
            change = Change(at=now, settled=(incident.id,), audit=(("incident_settled", facts),))
            if not await self._write(change, []):
                return
            rest = {"count": count, "reason": reason} if count else {}
            event = "catch_up" if count else "incident_settled"
            self.journal.say(event, incident=incident.id, platforms=incident.platforms, **rest)

    async def _sayable(self, now: float) -> list[Delivery]:
        owed = await self.store.owed()
        looks = [row for row in owed if row.phase is Phase.UNSURE and row.due <= now]
        said = [row for row in owed if row.phase is Phase.READY and await self.may_say(row, now)]
        return looks + said + await self._posts(now)

    async def _posts(self, now: float) -> list[Delivery]:
        """The posts that may leave now; a bug there must not silence what incidents have to say."""
        ground = self.ground(now)
        try:
            await self.posts.round(ground, lambda change: self._write(change, []))
            return [] if self.paused_by else await self.posts.sayable(ground)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  told, and tried again at the next tick
            self.journal.bug("posts", error)
            return []

    def ground(self, now: float) -> Ground:
        """How things stand for posts: a DOWN that nothing fresh bears out is a suspicion only (R8)."""
        states = {
            name: State.SUSPECT if state is State.DOWN and not self._is_fresh(name, now) else state
            for name, state in self.states().items()
        }
        down = {platform for incident in self.recent if incident.is_open for platform in incident.down}
        return self.posts.ground(states, down, now)

    async def may_say(self, delivery: Delivery, now: float) -> bool:
        """May it leave at this moment: owed, signed off, in time, still true, and nobody has paused us?"""
        if delivery.statement is Statement.POST:
            return not self.paused_by and await self.posts.may_say(delivery, self.ground(now))
        incident = next((one for one in self.recent if one.id == delivery.incident), None)
        statement = await self.store.statement(delivery.statement_id)
        if delivery.phase is not Phase.READY or self.paused_by or statement is None:
            return False
        if delivery.statement is Statement.DRILL:
            return self._may_rehearse(delivery, statement, now)
        if incident is None:
            return False
        voice = self.house.voices.get(delivery.channel)
        if voice is not None and is_quiet(voice, now):
            return False
        if not incident.is_open and self._is_down(delivery.channel):
            return False
        return sayable(delivery, statement, incident, self._tellable(incident, now), now)

    def _may_rehearse(self, delivery: Delivery, statement: StatementRow, now: float) -> bool:
        """A drill asks for no outage; it is signed off, in time, and only for practice channels (rule S10)."""
        voice = self.house.voices.get(delivery.channel)
        released = statement.release_at is not None and now >= statement.release_at
        in_time = delivery.due <= now < delivery.latest
        if statement.decision == "vetoed" or (
            statement.decision == "approved" and not covers(statement, delivery, now)
        ):
            return False
        return voice is not None and voice.practice and released and in_time

    def _is_down(self, channel: str) -> bool:
        """Does the channel itself stand on a platform that is down (by now)?  A welcome back can wait for it (S3)."""
        voice = self.house.voices.get(channel)
        return voice is not None and self.states().get(voice.platform or "") is State.DOWN

    def _tellable(self, incident: Incident, now: float) -> dict[str, State]:
        """The states as far as they may be told: what nothing fresh bears out is only a suspicion (R8, S2)."""
        states = {name: state for name, state in self.states().items() if name in incident.platforms}
        return {name: state if self._is_fresh(name, now) else State.SUSPECT for name, state in states.items()}

    def _is_fresh(self, platform: str, now: float) -> bool:
        """Borne out in this run, and at this moment a person still says so, or as many classes as it takes (R1)."""
        standing, seen = self.standings[platform], self.tally(platform, now)
        if platform in self.declared:
            return standing.upheld
        if standing.state is State.DOWN:
            return standing.upheld and with_pending(seen).independent >= self.watches[platform].rules.classes
        return standing.upheld and not seen.votes

    async def told_as_over(self, incident: Incident) -> bool:
        """Has the welcome back of an incident that is open again been said?  A relapse is not told anew (R6)."""
        rows = await self.store.deliveries(incident.id) if incident.is_open else []
        places = {row.id: row.place for row in await self.store.statements(incident.id)}
        said = sorted((row for row in rows if row.heard), key=lambda row: places.get(row.statement_id, 0))
        return bool(said) and said[-1].statement is Statement.WELCOME_BACK

    # -- a person's word -----------------------------------------------------------------------------------

    async def declare(self, word: Declaration) -> None:
        """A person says how a platform is; it counts at once (rule R1).  Raises StoreError."""
        facts = {"platform": word.platform, "state": word.signal.value, "by": word.by, "because": word.because}
        await self.store.record(Change(at=word.at, declared=(word,), audit=(("operator_declared", facts),)))
        self.declared[word.platform] = word
        self.journal.say(
            "operator_declared",
            platform=word.platform,
            state=word.signal.value,
            by=word.by,
            reason=word.because or None,
        )
        await self._judge(word.platform, word.at)

    async def end_declaration(self, platform: str, now: float, reason: str, by: str = "") -> None:
        """The evidence alone decides again."""
        facts = {"platform": platform, "reason": reason, "by": by}
        change = Change(at=now, undeclared=(platform,), audit=(("declaration_ended", facts),))
        if platform in self.declared and await self._write(change, []):
            del self.declared[platform]
            self.journal.say("declaration_ended", platform=platform, by=by or None, reason=reason)

    # -- say it in the journal -----------------------------------------------------------------------------

    def _trouble(self, key: str, event: str, **fields: object) -> None:
        self._troubles[key] = event
        self.journal.say_on_change(key, event, **fields)

    def _well(self, key: str, **fields: object) -> None:
        """Said only where the trouble was said before."""
        event = self._troubles.pop(key, "")
        if event:
            self.journal.say_on_change(key, _WELL[event], **fields)

    def _tell_transition(self, moved: Transition, told: tuple[str, ...]) -> None:
        self.journal.say(
            f"platform_{moved.now.value}",
            platform=moved.platform,
            was=moved.was.value,
            reason=moved.reason,
            evidence=sorted({seen.sighting.evidence.value for seen in moved.evidence}),
            explanation=" ".join(told),
        )

    def _tell_turn(self, turn: Turn, incident: Incident, moved: Transition, plan: Plan) -> None:
        fields: dict[str, object] = {"incident": incident.id}
        match turn:
            case Turn.OPENED:
                fields |= {"platforms": incident.platforms, "reason": moved.reason}
            case Turn.REOPENED:
                fields |= {"platform": moved.platform, "reason": moved.reason}
            case Turn.CLOSED:
                fields |= {"platforms": incident.platforms, "duration": moved.at - incident.opened_at}
            case Turn.JOINED | Turn.PARTLY_RECOVERED:
                fields |= {"platform": moved.platform}
            case _:
                return
        self.journal.say(f"incident_{turn.value.replace(' ', '_')}", **fields)
        if turn in (Turn.OPENED, Turn.JOINED) and not touched(incident, self.house.routes):
            self.journal.say_on_change(
                f"route/{incident.id}", "no_route", incident=incident.id, platforms=incident.platforms
            )
        self._tell_plan(incident, plan, {}, Known())

    def _tell_plan(self, incident: Incident, plan: Plan, before: Mapping[str, Delivery], known: Known) -> None:
        self._tell_lapses(plan, known)
        for statement in plan.statements:
            if statement.id in {row.id for row in known.statements}:
                continue
            rows = [row for row in plan.deliveries if row.statement_id == statement.id]
            fields = {"incident": incident.id, "statement": statement.kind.value, "statement_id": statement.id}
            asked = [row.channel for row in rows if row.phase is Phase.READY]
            self.journal.say("statement_planned", **fields, channels=asked or ["nobody yet"])
            if statement.mode != "automatic":
                self.journal.say(
                    "statement_waiting", **fields, mode=statement.mode, until=statement.release_at,
                    code=code(statement, rows),
                )  # fmt: skip
        for row, reason in plan.called:
            self.journal.say("backup_promoted", incident=incident.id, channel=row.channel, reason=reason)
        for row in plan.deliveries:
            was = before.get(row.id)
            if row.phase is Phase.STANDBY and row.reason and (was is None or was.reason != row.reason):
                self.journal.say("channel_passed_over", incident=incident.id, channel=row.channel, reason=row.reason)
            elif row.phase in _ENDED and (was is None or was.phase is not row.phase):
                self._tell_delivery(f"delivery_{row.phase.value}", row)

    def _tell_lapses(self, plan: Plan, known: Known) -> None:
        for before, after in _lapses(plan, known):
            self.journal.say(
                "approval_lapsed",
                incident=after.incident,
                statement=after.kind.value,
                statement_id=after.id,
                by=before.decided_by,
                reason=after.reason,
            )

    def _tell_delivery(self, event: str, row: Delivery) -> None:
        self.journal.say(event, **place_of(row), reason=row.reason)


def _afresh(standing: Standing, now: float) -> Standing:
    """As after a start: how long a voter has been silent counts from now on, like every other timer (rule R8)."""
    return replace(standing, voted=dict.fromkeys(standing.voted, now))


def _later(incident: Incident, seconds: float) -> Incident:
    closed_at = None if incident.closed_at is None else incident.closed_at + seconds
    return replace(incident, opened_at=incident.opened_at + seconds, closed_at=closed_at)


def _lapses(plan: Plan, known: Known) -> list[tuple[StatementRow, StatementRow]]:
    """The statements, before and after, whose approval no longer holds."""
    before = {row.id: row for row in known.statements}
    return [
        (before[row.id], row) for row in plan.statements if row.id in before and row.lapses > before[row.id].lapses
    ]


def _of_lapses(plan: Plan, known: Known) -> list[tuple[str, Mapping[str, object]]]:
    return [
        ("approval_lapsed", {"statement": after.id, "by": before.decided_by, "reason": after.reason})
        for before, after in _lapses(plan, known)
    ]


def _audited(moved: Transition, turn: Turn, incident: Incident | None) -> tuple[str, Mapping[str, object]]:
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
