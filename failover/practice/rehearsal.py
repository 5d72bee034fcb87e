"""A drill on the practice internet: the shipping engine, courier, asker and channels, with nothing real to speak to.

One outage of one platform, told by sources that are made up, goes through judgement, sign-off, the outbox and every
channel's own protocol.  What is waited for (that the sources agree, that nobody objects, a route's `after`) is
skipped on the drill's own clock while nothing is under way; so what is under way takes as long as it takes.  The
database is in memory and there is no socket: no answer that is given here can release anything else.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from failover.assembly import Assembly, assemble
from failover.config.kinds import Kinds
from failover.config.settings import Settings
from failover.delivery import Delivery, Phase, StatementRow
from failover.incidents import Incident
from failover.model import Evidence, Sighting, Statement
from failover.practice._backstage import DrillStore, Scribe, Timer
from failover.practice.casting import Cast, cast
from failover.practice.people import ANSWERS_AFTER, Asked, People, Unasked
from failover.practice.players import Service
from failover.routing import patience
from failover.store import Store

STRIDE = 10.0
"""Seconds of the drill's clock that are skipped at once where nothing is known to be due sooner."""

LONGEST = 12 * 3600.0
"""Seconds of the drill's clock for which no act is waited longer."""

CLASSES = (Evidence.SPOKEN, Evidence.ELSEWHERE, Evidence.OFFICIAL, Evidence.CROWD, Evidence.HERE)
"""Which sources tell of the outage, as many of them as the configuration wants to agree."""

UNDER_WAY = frozenset({Phase.READY, Phase.SENDING, Phase.UNSURE})


@dataclass
class Record:
    """What came of a drill.  Times are on its clock, seconds since the epoch (UTC); `onset` is the first sign.

    `incident` is None where the sources never agreed.  `back` is when the platform worked again, None where that was
    not rehearsed.  `shown` is what each channel's practice service shows at the end; a channel that is not in it was
    rendered only.  `troubles` are what should not have happened.
    """

    settings: Settings
    platform: str
    onset: float = 0.0
    back: float | None = None
    incident: Incident | None = None
    statements: list[StatementRow] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    unasked: list[Unasked] = field(default_factory=list)
    shown: dict[str, list[str]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def rehearse(settings: Settings, kinds: Kinds, platform: str, *, full: bool) -> Record:
    """An outage of this platform until everybody has heard of it; `full`: and until they are welcomed back."""
    return asyncio.run(_rehearsed(Record(settings=settings, platform=platform), kinds, full=full))


async def _rehearsed(record: Record, kinds: Kinds, *, full: bool) -> Record:
    timer = Timer()
    store = DrillStore.open(":memory:")
    try:
        with tempfile.TemporaryDirectory(prefix="failover-drill-") as folder:
            async with cast(record.settings, kinds, Path(folder), timer.now) as played:
                await _played(record, played, store, timer, full=full)
                record.shown = {name: player.shows() for name, player in played.players.items()}
    finally:
        store.close()
    return record


async def _played(record: Record, played: Cast, store: Store, timer: Timer, *, full: bool) -> None:
    journal = Scribe(record.troubles.append)
    async with assemble(played.settings, played.kinds, store, journal, timer.now, lambda: None) as at:
        people = People(played, at, timer.now, record.troubles.append)
        journal.listen("approver_asked", lambda fields: people.heard(fields, timer.resumed_at))
        journal.listen("approver_unreachable", people.missed)
        await at.engine.load(timer.now())
        at.asker.start()
        try:
            await _Play(record, played, at, people, timer).run(full=full)
        finally:
            await at.asker.stop()
            await at.courier.stop()
            await at.lookout.stop()
        record.asked, record.unasked = people.asked, people.unasked


class _Play:
    """The acts, one after the other."""

    def __init__(self, record: Record, played: Cast, at: Assembly, people: People, timer: Timer) -> None:
        self._record = record
        self._played = played
        self._at = at
        self._people = people
        self._timer = timer
        self._shows: Callable[[Evidence, str], Sighting] = Sighting.up
        self._look_at = 0.0

    async def run(self, *, full: bool) -> None:
        """All is well; the platform goes dark; everybody is told; it is back."""
        for name in self._at.engine.watches:
            await self._look(name, Sighting.up)
        await self._round()
        await self._go_dark()
        self._record.onset = self._turn(Sighting.down)
        if not await self._until(self._is_told):
            self._record.troubles.append("not everything was said in time")
        if full and self._incident() is not None:
            await self._come_back()
        await self._write_down()

    async def _come_back(self) -> None:
        if self._at.engine.house.update_every and not await self._until(self._is_updated):
            self._record.troubles.append("the update was not said in time")
        for service in self._services():
            await service.start()
        self._record.back = self._turn(Sighting.up)
        if not await self._until(self._is_over):
            self._record.troubles.append("the welcome back was not said in time")

    async def _go_dark(self) -> None:
        """Who stands on the platform cannot be reached either."""
        for service in self._services():
            await service.refuse()

    def _services(self) -> list[Service]:
        mine = [one for one in self._played.settings.channels.values() if one.platform == self._record.platform]
        found = [self._played.players[one.name].service for one in mine if one.name in self._played.players]
        return [one for one in found if one is not None]

    def _turn(self, how: Callable[[Evidence, str], Sighting]) -> float:
        """From now on (the answer) its sources show something else, and are looked at at once."""
        self._shows, self._look_at = how, self._timer.now()
        return self._look_at

    async def _look(self, platform: str, how: Callable[[Evidence, str], Sighting]) -> None:
        """What its sources show now."""
        classes = self._record.settings.judgement.confirm.classes
        for evidence in CLASSES[:classes]:
            sighting, now = how(evidence, "(so the drill has it)"), self._timer.now()
            await self._at.engine.saw(platform, evidence.value, sighting, now, good_for=4 * LONGEST)

    # -- time ----------------------------------------------------------------------------------------------

    async def _until(self, done: Callable[[], Awaitable[bool]]) -> bool:
        """Go on until it is so; False where it did not come to be."""
        latest = self._timer.now() + LONGEST
        while self._timer.now() < latest:
            await self._round()
            if await done():
                return True
            self._timer.skip_to(await self._next())
        return False

    async def _round(self) -> None:
        """Look, judge, ask, answer, deliver; afterwards nothing is under way."""
        if self._timer.now() >= self._look_at:
            await self._look(self._record.platform, self._shows)
            self._look_at = self._timer.now() + self._record.settings.judgement.every_when_suspect
        await self._at.engine.anchors(Sighting.up(Evidence.HERE, "our own line works"), self._timer.now())
        await self._people.ask()
        await self._people.answer()
        await self._at.courier.deliver()
        await self._at.courier.finish()
        await self._people.ask()  # an update is planned while things are delivered

    async def _next(self) -> float:
        """When something is due again, as far as that is known."""
        now, signing = self._timer.now(), self._at.engine.house.signing
        found = [now + STRIDE, *self._turns()]
        found += [row.due for row in await self._deliveries() if row.phase in UNDER_WAY]
        found += [self._asked_at(row) for row in await self._deliveries() if row.phase is Phase.STANDBY]
        for row in await self._statements():
            waits = (ANSWERS_AFTER, signing.remind_after, signing.escalate_after)
            found += [row.created_at + wait for wait in waits]
            found += [row.release_at] if row.release_at is not None else []
        return min(at for at in found if at > now)

    def _turns(self) -> list[float]:
        """When the judgement may turn: at the next look, and when its timers have run."""
        judgement, standing = self._record.settings.judgement, self._at.engine.standings[self._record.platform]
        timers = ((standing.quorum_since, judgement.confirm.for_), (standing.calm_since, judgement.recover.for_))
        return [self._look_at, *(since + length for since, length in timers if since is not None)]

    # -- how it stands -------------------------------------------------------------------------------------

    def _incident(self) -> Incident | None:
        return next((one for one in self._at.engine.recent if self._record.platform in one.platforms), None)

    async def _deliveries(self) -> list[Delivery]:
        incident = self._incident()
        return await self._at.engine.store.deliveries(incident.id) if incident else []

    async def _statements(self) -> list[StatementRow]:
        incident = self._incident()
        return await self._at.engine.store.statements(incident.id) if incident else []

    def _asked_at(self, row: Delivery) -> float:
        """When this backup is asked at the earliest."""
        incident = self._incident()
        assert incident is not None
        return incident.opened_at + patience(row.channel, incident, self._at.engine.house.routes)

    async def _is_told(self) -> bool:
        """Nothing is under way, and nobody is asked later only because it lasts."""
        rows, now = await self._deliveries(), self._timer.now()
        later = [row for row in rows if row.phase is Phase.STANDBY and self._asked_at(row) >= now]
        return self._incident() is not None and not later and not any(row.phase in UNDER_WAY for row in rows)

    async def _is_updated(self) -> bool:
        said = [row for row in await self._deliveries() if row.statement is Statement.UPDATE]
        heard = any(row.heard for row in await self._deliveries())
        return await self._is_told() and (bool(said) or not heard)

    async def _is_over(self) -> bool:
        incident = self._incident()
        return incident is not None and not incident.is_open and await self._is_told()

    async def _write_down(self) -> None:
        self._record.incident = self._incident()
        self._record.statements = await self._statements()
        self._record.deliveries = await self._deliveries()
