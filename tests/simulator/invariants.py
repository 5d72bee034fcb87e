"""What must hold, whatever happens: checked at the moment of speaking, at every commit, after every step, at rest.

Where a rule is about the world ("nothing is said that is not so"), it is held against the true world, not against
what the daemon believes.  The only grace is what nobody could know: a source shows a recovery late.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from failover.audit import sealed
from failover.courier import EVIDENCE_LASTS
from failover.delivery import Delivery, Phase
from failover.engine import REMEMBERED
from failover.incidents import HOLDING_KINDS, Incident
from failover.model import Announcement, State, Statement
from failover.routing import TROUBLED
from tests.simulator.public import Post
from tests.simulator.scenario import Event
from tests.simulator.sky import expected_classes

if TYPE_CHECKING:
    from tests.simulator.life import Life, Process

A_ROUND_LATE = 15.0
"""Seconds by which a look may come later than its interval: another look's deadline, and the tick."""

STUCK_AFTER = 120.0
"""Seconds for which something may be sayable and not said, or due to be looked for and not looked for."""

WELCOME, CORRECTION = Statement.WELCOME_BACK, Statement.CORRECTION

KNOWN: dict[str, str] = {}
"""What the product does against its promises, and is known: counted and told at the end, not a violation.

Kinds: `one class left` (delayed words leave while one class alone still says so), `approved pair` (an approved text
leaves though one of its platforms is recovering), `clock while dead` (the clock was set while dead, and what
is in doubt counts as settled).  All three were found here and are mended; a new one is entered like
`{"one class left": "what it is"}` until it is.
"""


@dataclass(frozen=True)
class Violation:
    """Something that must never be; `kind` is what shrinking keeps."""

    kind: str
    what: str
    at: float


@dataclass(frozen=True)
class Expected:
    """An outage in clear sight: by `deadline` so many backups must have told it."""

    outage: Event
    deadline: float
    wanted: int


class Watcher:
    """Watches one life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.violations: list[Violation] = []
        self.checks: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._audited = (0, "")
        self._expected: list[Expected] = []
        self._sayable_since: dict[str, float] = {}
        self._steps = 0
        self._doubtful: set[str] = set()

    def complain(self, kind: str, what: str) -> None:
        violation = Violation(kind, what, self.life.true_now())
        if not self.violations:
            self.life.tell(f"!!! {kind}: {what}")
        self.violations.append(violation)

    def must(self, holds: object, kind: str, what: str) -> None:
        self.checks[kind] += 1
        if not holds:
            self.complain(kind, what)

    # -- at the moment of speaking -------------------------------------------------------------------------

    async def speaking(self, channel: str, said: Announcement) -> None:
        """A channel was asked to publish this, now."""
        process = self.life.process
        if process is None or process.fuse.dead:
            return
        self.life.tell(f"  -> {channel}: {said.text}")
        engine, store = process.engine, self.life.store
        row = await store.delivery(said.key.rpartition("-")[0])
        incident = await store.incident(said.incident)
        assert row is not None
        assert incident is not None
        statement = await store.statement(row.statement_id)
        assert statement is not None
        where = f"{said.reference} on {channel}"
        self.must(row.phase is Phase.SENDING, "D2 intent first", f"{where} leaves while it is {row.phase.value}")
        self.must(not process.mouths[channel].busy, "one at a time", f"{where}: the channel is being spoken to")
        self.must(not engine.paused_by, "paused", f"{where} leaves while {engine.paused_by} has paused everything")
        self.must(statement.decision != "vetoed", "S5 sign-off", f"{where} leaves after a veto")
        signed = statement.mode == "automatic" or statement.decision == "approved"
        waited = statement.mode == "veto" and (statement.release_at or 0.0) <= self.life.now()
        self.must(signed or waited, "S5 sign-off", f"{where} leaves without its sign-off ({statement.mode})")
        self.must(self.life.now() < row.latest, "S2 too late", f"{where} leaves after its latest time")
        self.must(channel != "rehearsal", "S10 practice", f"{where}: a practice channel speaks in earnest")
        self._line(process, said, where)
        if said.statement in HOLDING_KINDS:
            self._holding(process, channel, said, row, incident)
        elif said.statement is CORRECTION:
            await self._correction(channel, said)
        else:
            await self._welcome(process, channel, said, incident)

    def _line(self, process: Process, said: Announcement, where: str) -> None:
        """Never 1: with a dead line of our own nothing is said, but for what a person has declared."""
        line, now = self.life.sky.line(self.life.true_now()), self.life.true_now()
        declared = any(name in process.engine.declared for name in said.platforms)
        known = line is not None and now - line.at > self.life.setup.every / 2 + A_ROUND_LATE
        self.must(not known or declared, "R3 our own line", f"{where} leaves while our own line is dead")

    def _holding(self, process: Process, channel: str, said: Announcement, row: Delivery, incident: Incident) -> None:
        engine, where = process.engine, f"{said.reference} on {channel}"
        self.must(incident.is_open, "S2 after recovery", f"{where} leaves after incident {incident.id} has ended")
        for name in said.platforms:
            so = self._is_so(process, name) or self._is_known(process, name)
            self.must(so, "never say what is not so", f"{where}: {name} works")
        voice = engine.house.voices.get(channel)
        own = engine.states().get(voice.platform or "", State.UNKNOWN) if voice else State.UNKNOWN
        self.must(
            row.attempts > 1 or own not in TROUBLED, "S3 own platform", f"{where}: its own platform is {own.value}"
        )
        same = voice is not None and voice.group != "" and voice.group == incident.group
        self.must(not same, "S3 same fate", f"{where}: it shares the fate of what is down")

    def _is_so(self, process: Process, platform: str) -> bool:
        """It is down; or was until so lately that a source may still show it; or a person says so."""
        if platform in process.engine.declared:
            return True
        now = self.life.true_now()
        return self.life.sky.was_down(platform, now - self.grace(platform), now)

    def _is_known(self, process: Process, platform: str) -> bool:
        """Said though it is not so, in a way that is known."""
        engine, kind = process.engine, ""
        if engine.states().get(platform) is State.RECOVERING:
            kind = "approved pair"
        elif len(engine.tally(platform, self.life.now()).votes) == 1:
            kind = "one class left"
        if kind not in KNOWN:
            return False
        self.known[kind] += 1
        return True

    def grace(self, platform: str) -> float:
        """How long after a recovery some honest source, or what our own post met, may still say "down"."""
        setup = self.life.setup
        lag = max((one.lag_up for one in setup.sources if one.platform == platform), default=0.0)
        own = EVIDENCE_LASTS if platform in ("telegram", "x", "facebook") else 0.0
        return max(lag, own) + setup.every + A_ROUND_LATE

    async def _welcome(self, process: Process, channel: str, said: Announcement, incident: Incident) -> None:
        where, now = f"{said.reference} on {channel}", self.life.true_now()
        engine = process.engine
        self.must(said.statement is WELCOME, "S1 only these", f"{where} is a {said.statement.value}")
        self.must(not incident.is_open, "S1 welcome", f"{where} leaves while incident {incident.id} is open")
        for name in incident.platforms:
            known = name not in engine.declared and self._plainly_down(name, now)
            self.must(not known, "never say what is not so", f"{where}: {name} is down again, and it could be seen")
        rows = [row for row in await self.life.store.deliveries(said.incident) if row.statement in HOLDING_KINDS]
        heard = {row.channel for row in rows if row.heard}
        voice = engine.house.voices.get(channel)
        primary = voice is not None and voice.platform in incident.platforms
        self.must(heard, "S1 welcome", f"{where}: nobody has heard that anything was wrong")
        self.must(channel in heard or primary, "S1 welcome", f"{where}: this channel has never heard of it")

        corrected = [row for row in await self._corrections(said.incident) if row.channel == channel and row.heard]
        self.must(not corrected, "S9 correction", f"{where}: it was told that the alarm was false")

    async def _correction(self, channel: str, said: Announcement) -> None:
        where, audit = f"{said.reference} on {channel}", await self.life.store.audit()
        asked = [json.loads(one.facts)["incident"] for one in audit if one.event == "retract_asked"]
        self.must(said.incident in asked, "S9 correction", f"{where}: nobody has said that the alarm was false")
        rows = [row for row in await self.life.store.deliveries(said.incident) if row.statement is not CORRECTION]
        heard = {row.channel for row in rows if row.heard}
        self.must(channel in heard, "S9 correction", f"{where}: nothing of the alarm is public there")

    async def _corrections(self, incident: str) -> list[Delivery]:
        return [row for row in await self.life.store.deliveries(incident) if row.statement is CORRECTION]

    def _plainly_down(self, platform: str, now: float) -> bool:
        """In truth, and a source that is always asked has said so for two rounds."""
        since = now - 2 * self.life.setup.every - A_ROUND_LATE
        sky = self.life.sky
        return any(one.at <= since and now < one.end for one in sky.outages.get(platform, ())) and any(
            sky.timelines[source.id].says_down(since, now)
            for source in self.life.setup.sources
            if source.platform == platform and not source.on_suspicion and sky.line(now) is None
        )

    # -- at every acceptance and every commit --------------------------------------------------------------

    def accepted(self, post: Post) -> None:
        """Never 2: the same thing on the same channel twice."""
        self.life.tell(f"     PUBLIC on {post.channel}: {post.said.text}{self._when(post)}")
        key = (post.channel, post.said.incident, post.sort)
        self._counts[key] += 1
        twice = self._counts[key] > 1 and not self._may_double(post.channel)
        twice = twice and not self._is_known_doubt(post.said.key.rpartition("-")[0])
        self.must(
            not twice, "never twice", f"{post.sort} of incident {post.said.incident} is on {post.channel} twice"
        )

    def _when(self, post: Post) -> str:
        late = post.at - self.life.true_now()
        return f" (people will see it in {late:.0f} s)" if late > 0 else ""

    def _may_double(self, channel: str) -> bool:
        """Somebody configured it so: it cannot be read back, and what is in doubt is sent again."""
        return channel == "blog" and any(one.when_unsure == "resend" for one in self.life.setup.configs)

    def written(self, change: Any) -> None:
        """What the database now believes of a delivery must be so in public."""
        for row in change.deliveries:
            public = bool(self.life.public.on(row.channel, row.reference))
            if row.phase is Phase.SENT:
                self.must(public, "never lost", f"{row.id} counts as sent and is not public")
            elif row.phase in _CERTAINLY_NOT and not self._may_double(row.channel):
                believed = f"{row.id} counts as {row.phase.value} ({row.reason})"
                so = public and not self._is_known_doubt(row.id)
                self.must(not so, "never twice", f"{believed}, and it is or will be public")

    def clock_set_while_dead(self) -> None:
        """What was in doubt then may be taken for settled."""
        self._doubtful |= {row.id for row in self.life.owed if row.phase is Phase.UNSURE}

    def _is_known_doubt(self, delivery: str) -> bool:
        if delivery not in self._doubtful or "clock while dead" not in KNOWN:
            return False
        self.known["clock while dead"] += 1
        return True

    # -- after every step ----------------------------------------------------------------------------------

    async def after_step(self) -> None:
        """Everything that is about a state, not about a moment."""
        self._steps += 1
        self._trail()
        process = self.life.process
        if process is None:
            return
        self._told_in_time()
        await self._stuck(process)
        if self._steps % 20 == 0:
            self._bounded(process)

    def _trail(self) -> None:
        """S6, entry by entry as they come."""
        number, before = self._audited
        found = self.life.store._db.execute(
            "SELECT id, at, event, facts, digest FROM audit WHERE id > ? ORDER BY id", (number,)
        )
        for row in found.fetchall():
            entry = sealed(
                number=row["id"], at=row["at"], event=row["event"], facts=json.loads(row["facts"]), before=before
            )
            whole = row["id"] == number + 1 and entry.digest == row["digest"]
            self.must(whole, "S6 audit trail", f"entry {row['id']} does not follow from entry {number}")
            number, before = row["id"], row["digest"]
        self._audited = (number, before)

    def died(self) -> None:
        """Another process, or another configuration: it may take its time anew."""
        self._sayable_since.clear()

    async def _stuck(self, process: Process) -> None:
        """Nothing owed is lost: what may be said is said, what is in doubt is looked for."""
        now, waits = self.life.now(), {}
        for row in self.life.owed:
            if row.channel in process.courier.busy or row.channel not in process.mouths or row.due > now:
                continue
            if self.life.disk_full:
                continue
            if row.phase is Phase.UNSURE or (row.phase is Phase.READY and await process.engine.may_say(row, now)):
                waits[row.id] = self._sayable_since.get(row.id, self.life.true_now())
                late = self.life.true_now() - waits[row.id]
                self.must(late < STUCK_AFTER, "owed and left", f"{row.id} ({row.phase.value}) waits for {late:.0f} s")
        self._sayable_since = waits

    def _bounded(self, process: Process) -> None:
        """O7: nothing grows without bound."""
        engine = process.engine
        closed = [one for one in engine.recent if not one.is_open]
        old = [one for one in closed if self.life.now() - (one.closed_at or 0.0) > REMEMBERED + 3600]
        self.must(not old or engine.line.offline, "O7 bounded", f"{len(old)} old incidents are kept at hand")
        sources = len(self.life.setup.sources) + len(process.mouths)
        self.must(len(engine._troubles) <= sources + 1, "O7 bounded", f"{len(engine._troubles)} troubles are kept")
        seen = sum(map(len, engine.seen.values()))
        self.must(seen <= sources, "O7 bounded", f"{seen} answers are kept of {sources} sources")
        tasks = len(asyncio.all_tasks())
        self.must(tasks <= sources + 3, "O7 bounded", f"{tasks} tasks are running")

    async def pruned(self, before: float) -> None:
        """After pruning, nothing is left of what was to go; how an open incident began is not to go."""
        for table in ("observation", "transition"):
            found = self.life.store._db.execute(f"SELECT platform FROM {table} WHERE at < ?", (before,)).fetchall()
            still = {name for one in await self.life.store.incidents() if one.is_open for name in one.platforms}
            old = [row for row in found if table == "observation" or row["platform"] not in still]
            self.must(not old, "O7 bounded", f"{len(old)} lines of {table} outlived their time")

    # -- what must have been told by now -------------------------------------------------------------------

    def outage_begins(self, outage: Event) -> None:
        """If nothing else is the matter, it is known by when it must be told."""
        deadline = self._deadline(outage)
        process = self.life.process
        if deadline is None or process is None or not self._is_clear(process, outage, deadline):
            return
        routes = [one for one in process.engine.house.routes if outage.who in one.platforms]
        fates = {name for name, voice in process.engine.house.voices.items() if voice.group and _same(voice, outage)}
        usable = [len([one for one in route.backups if one not in fates]) for route in routes]
        if routes:
            self._expected.append(Expected(outage, deadline, min(routes[0].wanted(usable[0]), usable[0])))

    def _deadline(self, outage: Event) -> float | None:
        setup = self.life.setup
        lags = sorted(expected_classes(setup.sources, outage).values())
        mode = self.life.config.holding
        if len(lags) < 2 or mode == "required":
            return None
        wait = setup.veto_for if mode == "veto" else 2 * setup.fast
        rounds = 2 * (setup.every + A_ROUND_LATE)
        deadline = outage.at + lags[1] + rounds + setup.confirm_for + wait + 30.0
        return deadline if deadline < outage.end else None

    def _is_clear(self, process: Process, outage: Event, deadline: float) -> bool:
        engine, events = process.engine, self.life.scenario.events
        disturbed = any(one is not outage and one.at < deadline and one.end > outage.at - 1800 for one in events)
        waiting = any(self.life.public.answers.values()) or any(self.life.public.findings.values())
        group = engine.watches[outage.who].group if outage.who in engine.watches else ""
        lately = [
            one
            for one in engine.recent
            if one.group == group and (one.is_open or self.life.now() - (one.closed_at or 0) < 2 * 3600)
        ]
        well = all(state is State.UP for state in engine.states().values())
        quiet = engine.watches[outage.who].quiet(self.life.now()) if group else "not watched"
        armed = process.fuse.left is not None
        return not (
            disturbed or waiting or lately or engine.declared or engine.paused_by or quiet or armed or not well
        )

    def _told_in_time(self) -> None:
        now = self.life.true_now()
        for one in [one for one in self._expected if one.deadline <= now]:
            self._expected.remove(one)
            told = {
                post.channel
                for post in self.life.public.posts
                if post.sort == "holding"
                and one.outage.at <= post.at <= now
                and one.outage.who in post.said.platforms
            }
            what = f"{one.outage.who} is down, {len(told)} of {one.wanted} backups have told it"
            self.must(len(told) >= one.wanted, "never lost", f"{what} after {now - one.outage.at:.0f} s")

    # -- at rest -------------------------------------------------------------------------------------------

    async def at_rest(self) -> None:
        """All trouble is over for long: everything has come to its end."""
        process, store = self.life.process, self.life.store
        if process is None:
            self.complain("at rest", "nobody is there any more")
            return
        states = {name: state.value for name, state in process.engine.states().items()}
        self.must(set(states.values()) <= {"up"}, "at rest", f"they do not come back: {states}")
        left = [row for row in await store.owed() if row.phase is not Phase.HELD]
        self.must(not left, "at rest", f"still owed: {', '.join(f'{row.id} ({row.phase.value})' for row in left)}")
        for incident in await store.incidents():
            self.must(not incident.is_open, "at rest", f"incident {incident.id} never ends")
            if not incident.is_open:
                await self._welcomed(process, incident)

    async def _welcomed(self, process: Process, incident: Incident) -> None:
        """S1: everybody who has heard that it was down has heard that it is back, or a person did not want it."""
        rows = await self.life.store.deliveries(incident.id)
        stopped = any(
            one.decision == "vetoed" for one in await self.life.store.statements(incident.id) if one.kind is WELCOME
        )
        planned = {row.channel for row in rows if row.statement in (WELCOME, CORRECTION)}
        for row in rows:
            if row.statement not in HOLDING_KINDS or not row.heard or stopped:
                continue
            known_too_late = row.ended_at > (incident.closed_at or 0.0) + self.life.setup.welcome_latest
            excused = known_too_late or not self._always_there(row.channel)
            what = f"{row.channel} has heard of incident {incident.id} and is never welcomed back"
            self.must(row.channel in planned or excused, "never lost", what)

    def _always_there(self, channel: str) -> bool:
        return all(channel in one.channels for one in self.life.setup.configs)


_CERTAINLY_NOT = frozenset({Phase.READY, Phase.CANCELLED, Phase.EXPIRED, Phase.REFUSED})


def _same(voice: Any, outage: Event) -> bool:
    from tests.simulator.scenario import GROUPS

    return bool(voice.group == GROUPS[outage.who])
