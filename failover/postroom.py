"""The organisation's posts in the engine's round: too late, re-routed, held, released.

The rules are those of `posts` and `diversion`.  Whatever is decided is one transaction per post, then it is said.
What waits is not written down: that it waits, and why, follows from how things stand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from failover.catchup import Leftover
from failover.delivery import OWED, Delivery, Phase, cancelled, expired
from failover.diversion import Diversion, divert, stands_in, worth_a_look
from failover.incidents import Incident
from failover.minutes import of_endings
from failover.model import State, Statement
from failover.plans import House, orphaned
from failover.posts import GONE, Ground, closed, meanwhile, place_of, waited, why_not
from failover.store import Change, Store

AT_ONCE = 20

IN_DOUBT = 7200.0
"""Seconds before an incident; what fell due earlier than that waited for another reason."""

"""Posts that one round decides about on one channel: it must never keep the daemon from its work."""

REFUSED_LATELY = 3600.0
"""Seconds for which another backup is sought where one refused."""

Write = Callable[[Change], Awaitable[bool]]


class Says(Protocol):
    """Where it is told: the journal."""

    def say(self, name: str, /, **fields: object) -> None: ...


class Postroom:
    """What is decided about posts, between the outbox and the journal."""

    def __init__(self, store: Store, house: House, journal: Says) -> None:
        self._store = store
        self._house = house
        self._journal = journal
        self._held: dict[str, str] = {}
        self._closed_at: dict[str, float] = {}
        self._asked_at = self._asked_since = 0.0

    def ground(self, states: Mapping[str, State], down: Iterable[str], now: float) -> Ground:
        """How things stand, with what the configuration says."""
        return Ground(
            now=now,
            states=states,
            down=frozenset(down),
            voices=self._house.voices,
            gauges=self._house.gauges,
            routes=self._house.routes,
            per_day=self._house.posts_per_day,
            release_every=self._house.release_every,
        )

    async def meanwhile(self, incident: Incident, now: float) -> list[Leftover]:
        """What has become of the posts that were due on its channels while the incident lasted.

        Those too that fell due while it was in doubt, if they were still unsaid when it was beyond doubt.
        """
        voices = self._house.voices.values()
        channels = [one.name for one in voices if one.platform in incident.platforms]
        opened = incident.opened_at
        rows = await self._store.posts.meant(channels, opened - IN_DOUBT, incident.closed_at or now)
        during = [row for row in rows if row.due >= opened or row.phase in OWED or row.ended_at >= opened]
        return [left for row in during if (left := await self._left(row)) is not None]

    async def _left(self, row: Delivery) -> Leftover | None:
        post = await self._store.posts.get(row.statement_id)
        left = meanwhile(row, [one for one in await self._store.deliveries_of(row.statement_id) if one.id != row.id])
        return replace(left, person=False) if left and post and post.cancelled_by and not row.attempts else left

    # -- what becomes of what is due -------------------------------------------------------------------------

    async def round(self, ground: Ground, write: Write) -> None:
        """What is too late is dropped; what is due on a platform that is down goes where its route says."""
        await self._drop_late(ground, write)
        for post_id in await self._stranded(ground):
            await self._divert(post_id, ground, write)
        await self._look_after_orphans(ground, write)

    async def _drop_late(self, ground: Ground, write: Write) -> None:
        late = await self._store.posts.late(ground.now, AT_ONCE)
        ended = tuple(expired(row, ground.now) for row in late)
        if ended and await write(Change(at=ground.now, deliveries=ended, audit=of_endings(ended, late))):
            for row in ended:
                self._journal.say("post_expired", **place_of(row), reason=row.reason)

    async def _stranded(self, ground: Ground) -> list[str]:
        """The posts about which something may have to be done."""
        found = await self._store.posts.refused(ground.now - REFUSED_LATELY, AT_ONCE)
        found += await self._adrift(ground)
        for channel in await self._store.posts.waiting(ground.now):
            if ground.is_down(channel):
                own = worth_a_look(channel, ground)
                found += await self._store.posts.stranded(channel, ground.now, AT_ONCE, own=own)
        return list(dict.fromkeys(found))

    async def _adrift(self, ground: Ground) -> list[str]:
        """Those that were re-routed, and that nobody says who stood in."""
        well = [name for name in ground.voices if ground.is_well(name)]
        beside = [(name, other) for name in ground.voices for other in stands_in(name, ground)]
        return await self._store.posts.adrift(ground.now, well, [*ground.voices], beside, AT_ONCE)

    async def _divert(self, post_id: str, ground: Ground, write: Write) -> None:
        post = await self._store.posts.get(post_id)
        if post is None:
            return
        diversions = divert(post, await self._store.deliveries_of(post_id), ground)
        rows = {row.id: row for one in diversions for row in one.rows}
        audit = tuple((one.event, _facts(one)) for one in diversions)
        if rows and await write(Change(at=ground.now, deliveries=tuple(rows.values()), audit=audit)):
            for one in diversions:
                self._tell(one)

    def _tell(self, one: Diversion) -> None:
        assert one.row is not None
        channels = {"channels": list(one.channels)} if one.channels else {}
        self._journal.say(one.event, **place_of(one.row), **channels, reason=one.reason)

    async def _look_after_orphans(self, ground: Ground, write: Write) -> None:
        """What is owed on a channel that is no longer configured is not said there.

        What may be public is put before a person; so is what should have been said by now and is not.
        """
        await self._drop_orphans(ground, write)
        owed = [row for row in await self._store.owed() if row.phase is Phase.UNSURE]
        owed = [row for row in owed if row.statement is Statement.POST]
        plan = orphaned(owed, ground.voices, ground.now)
        audit = of_endings(plan.deliveries, owed)
        if plan.deliveries and await write(Change(at=ground.now, deliveries=plan.deliveries, audit=audit)):
            for row in plan.deliveries:
                self._journal.say(f"delivery_{row.phase.value}", **place_of(row), reason=row.reason)

    async def _drop_orphans(self, ground: Ground, write: Write) -> None:
        """Only what is due: what is scheduled for later, a mended configuration still says."""
        waiting = await self._store.posts.waiting(ground.now)
        for channel in [name for name in waiting if name not in ground.voices]:
            rows = await self._store.posts.due(channel, ground.now, AT_ONCE)
            ended = tuple(cancelled(row, GONE, ground.now) for row in rows)
            if await write(Change(at=ground.now, deliveries=ended, audit=of_endings(ended, rows))):
                for row in ended:
                    await self._tell_dropped(row)

    async def _tell_dropped(self, row: Delivery) -> None:
        """Where it stood in and another has it, that is all; else a person must know."""
        self._journal.say("delivery_cancelled", **place_of(row), reason=row.reason)
        others = [one for one in await self._store.deliveries_of(row.statement_id) if one.id != row.id]
        if row.position and any(one.heard or one.phase in OWED for one in others):
            return
        told = f"post {row.statement_id} is not published on {row.channel}, which is no longer configured"
        again = "if it should be said after all, hand it in again with `failover post`"
        self._journal.say("person_needed", reason=f"{told}; {again}", channel=row.channel)

    # -- what may leave ----------------------------------------------------------------------------------------

    async def sayable(self, ground: Ground) -> list[Delivery]:
        """For each channel the one post that may leave now; where none may, that is told once."""
        self._note_the_time(ground)
        found = []
        waiting = await self._store.posts.waiting(ground.now)
        for channel, count in waiting.items():
            row, why = await self._next(channel, ground)
            if row is not None:
                found.append(row)
                self._held.pop(channel, None)
            elif self._held.get(channel) != why:
                self._held[channel] = why
                self._journal.say("post_held", channel=channel, count=count, reason=why)
        self._held = {channel: why for channel, why in self._held.items() if channel in waiting}
        return found

    async def _next(self, channel: str, ground: Ground) -> tuple[Delivery | None, str]:
        """The oldest; where that one must let another pass first, one that is on time.

        What fell due while the channel was closed keeps its place behind what is older.
        """
        pace = await self._store.posts.pace(channel, ground.per_day, ground.now)
        if closed(channel, pace, ground):
            self._closed_at[channel] = ground.now
        oldest = await self._store.posts.due(channel, ground.now, 1)
        closed_at = min(self._closed_at.get(channel, self._asked_since), ground.now)
        since, why = max(_on_time(ground), closed_at), ""
        for row in [*oldest, *await self._store.posts.due(channel, ground.now, 1, after=since)]:
            why = why or why_not(row, pace, ground)
            if not why_not(row, pace, ground):
                return row, ""
        return None, why

    def _note_the_time(self, ground: Ground) -> None:
        """A channel of which nothing is known yet was closed, and so were all while nobody asked (a pause)."""
        if not 0 <= ground.now - self._asked_at <= max(ground.release_every, 1.0):
            self._closed_at, self._asked_since = {}, ground.now
        self._asked_at = ground.now

    async def may_say(self, row: Delivery, ground: Ground) -> bool:
        """May it leave at this moment?"""
        if row.phase is not Phase.READY or not row.due <= ground.now < row.latest:
            return False
        return not why_not(row, await self._store.posts.pace(row.channel, ground.per_day, ground.now), ground)

    def left(self, row: Delivery, ground: Ground) -> None:
        """It is about to go out: told where people waited for it."""
        if row.attempts == 0 and waited(row, ground):
            self._journal.say("post_released", **place_of(row), duration=ground.now - row.due)

    async def waits(self, ground: Ground) -> dict[str, str]:
        """channel -> why what is due there does not go out now."""
        found = {}
        for channel in await self._store.posts.waiting(ground.now):
            row, why = await self._next(channel, ground)
            if row is None:
                found[channel] = why
        return found


def _on_time(ground: Ground) -> float:
    return ground.now - max(ground.release_every, 1.0)


def _facts(one: Diversion) -> dict[str, object]:
    assert one.row is not None
    facts: dict[str, object] = {"post": one.row.statement_id, "delivery": one.row.id, "reason": one.reason}
    return facts | ({"channels": list(one.channels)} if one.channels else {})
