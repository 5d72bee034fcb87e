"""The places in public, which outlive every process, and the channels that lead there.

A channel answers as its queue says (used up, also across processes), else as the truth demands: nothing gets through
a dead line or onto a platform that is down, and everything else is accepted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from failover.incidents import HOLDING_KINDS
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Evidence,
    Finding,
    Found,
    Health,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Statement,
    Unconfirmed,
    Unreachable,
)
from tests.simulator.sky import DOWN, UP, Sky


class Killed(BaseException):
    """The process died here."""


@dataclass
class Fuse:
    """Burns down with every step; at the end, and ever after, the process is dead."""

    left: int | None = None
    where: str = ""
    dead: bool = False

    def burn(self, where: str) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0 and not self.dead:
                self.dead, self.where = True, where
        if self.dead:
            raise Killed

    def blow(self, where: str) -> None:
        self.dead, self.where = True, where
        raise Killed


@dataclass
class Post:
    """Something that was accepted; `at` is the true time from which people see it."""

    channel: str
    said: Announcement
    at: float
    retracted: bool = False

    @property
    def sort(self) -> str:
        """Holding, again and intermittent are one thing to say."""
        return "holding" if self.said.statement in HOLDING_KINDS else self.said.statement.value


@dataclass
class Public:
    """All places together, and what each channel will answer next."""

    posts: list[Post] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    findings: dict[str, list[str]] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    def on(self, channel: str, reference: str) -> list[Post]:
        return [one for one in self.posts if one.channel == channel and one.said.reference == reference]

    def about(self, incident: str, sort: str) -> list[Post]:
        return [one for one in self.posts if one.said.incident == incident and one.sort == sort]


@dataclass
class Surroundings:
    """What a channel meets in this world; the callbacks belong to the invariants."""

    sky: Sky
    public: Public
    now: Callable[[], float]
    latency: float
    speaking: Callable[[str, Announcement], Awaitable[None]]
    accepted: Callable[[Post], None]


class Mouth:
    """One channel of one process."""

    def __init__(self, name: str, platform: str | None, world: Surroundings, fuse: Fuse) -> None:
        self.name = name
        self.platform = platform
        self.busy = False
        self._world = world
        self._fuse = fuse

    async def send(self, announcement: Announcement, notebook: Any) -> Outcome:
        await self._world.speaking(self.name, announcement)
        self._fuse.burn("before the bytes leave")
        self.busy = True
        try:
            outcome = self._in_vain() or await self._answer(announcement)
        finally:
            self.busy = False
        self._fuse.burn("after the answer came")
        return outcome

    def _in_vain(self) -> Outcome | None:
        line = self._world.sky.line(self._world.now())
        if line is not None and line.what == "dead":
            self._count("no line")
            return Unreachable(reason="no route to host", sighting=DOWN[Evidence.HERE])
        outage = self._world.sky.outage(self.platform or "", self._world.now())
        if outage is None:
            return None
        self._count(f"own platform down ({outage.what})")
        if outage.what == "hard":
            return Unreachable(reason="connection refused", sighting=DOWN[Evidence.HERE])
        return Unconfirmed(reason="HTTP 503", sighting=DOWN[Evidence.SPOKEN])

    def _count(self, what: str) -> None:
        self._world.public.met[what] += 1

    async def _answer(self, said: Announcement) -> Outcome:
        queue = self._world.public.answers.get(self.name)
        answer = queue.pop(0) if queue else "ok"
        self._count(answer.partition(":")[0])
        kind, _, number = answer.partition(":")
        if kind in _ACCEPTING:
            self._accept(said, float(number or 0) if kind in _LATER else 0.0)
        if kind.startswith("die"):
            self._fuse.blow(f"while it was being sent ({answer})")
        if kind == "bug":
            raise LookupError("a bug of the channel")
        if kind.startswith("hang"):
            await asyncio.Event().wait()
        await asyncio.sleep(float(number) if kind == "slow" else self._world.latency)
        return self._outcome(kind, number, said)

    def _outcome(self, kind: str, number: str, said: Announcement) -> Outcome:
        match kind:
            case "ok" | "slow":
                sighting = UP[Evidence.SPOKEN] if self.platform else None
                return Delivered(receipt=receipt(said), sighting=sighting)
            case "wait":
                return Unreachable(reason="too many requests", retry_after=float(number))
            case "unreachable":
                return Unreachable(reason="connection refused")
            case "refused":
                return Refused(reason="no permission", refusal=Refusal.PERMISSION)
            case _:
                return Unconfirmed(reason="no answer")

    def _accept(self, said: Announcement, later: float) -> None:
        post = Post(self.name, said, self._world.now() + later)
        self._world.public.posts.append(post)
        self._world.accepted(post)

    async def find(self, announcement: Announcement, notebook: Any) -> Finding:
        self._fuse.burn("before looking")
        if self._in_vain() is not None:
            return CannotTell(reason="the read-back failed")
        queue = self._world.public.findings.get(self.name)
        answer = queue.pop(0) if queue else "look"
        self._count(f"find: {answer}")
        match answer:
            case "cannot":
                return CannotTell(reason="the read-back failed")
            case "bug":
                raise LookupError("a bug of the channel")
            case "hang":
                await asyncio.Event().wait()
        self._fuse.burn("after looking")
        there = self._world.public.on(self.name, announcement.reference)
        if any(one.at <= self._world.now() and not one.retracted for one in there):
            return Found(receipt=receipt(announcement))
        return Absent(reason="it is not there")

    async def check(self) -> Health:
        return Health(sighting=UP[Evidence.SPOKEN])

    async def retract(self, receipt_: Receipt) -> Outcome:
        if self._in_vain() is not None:
            return Unconfirmed(reason="no answer")
        for one in self._world.public.posts:
            if one.channel == self.name and receipt(one.said) == receipt_:
                one.retracted = True
        return Delivered(receipt=receipt_)


_LATER = frozenset({"late", "hang late", "die late"})
_ACCEPTING = frozenset({"ok", "slow", "lost", "bug", "hang", "die after"}) | _LATER
ANSWERS = (
    "ok",
    "slow:8",
    "slow:20",
    "lost",
    "silent",
    "late:10",
    "late:50",
    "hang",
    "hang silent",
    "hang late:40",
    "wait:30",
    "wait:200",
    "wait:900",
    "unreachable",
    "refused",
    "bug",
    "die before",
    "die after",
    "die late:30",
)
"""lost, late, hang, bug and die after|late were accepted (late: so many seconds later); the rest were not."""

FINDINGS = ("look", "look", "cannot", "hang", "bug")


def receipt(said: Announcement) -> Receipt:
    return Receipt(remote_id=f"remote {said.reference}", url="https://example.org/1")


WELCOME = Statement.WELCOME_BACK
