"""What a channel under test lives in: a notebook in memory, a fixed clock, and the courier's deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from failover.contracts import Channel, Surroundings
from failover.model import Announcement, Organisation, Outcome, Statement, Unconfirmed
from failover.practice.http import Fault, HttpService

NOW = 1_795_000_000.0  # 2026-11-18T11:06:40Z

HOLDING = Announcement(
    key="inc1:holding:channel",
    incident="inc1",
    statement=Statement.HOLDING,
    reference="FB-1118-1106",
    text="Facebook is not working at the moment. You can reach us here. (FB-1118-1106)",
    created_at=NOW,
    subject="Facebook is down",
    platforms=("facebook",),
)

BEFORE = (
    Fault.RESET_HEAD,
    Fault.RESET_BEFORE,
    Fault.CLOSE_BEFORE,
    Fault.HANG_BEFORE,
    Fault.ERROR_BEFORE,
    Fault.HTML_BEFORE,
)
"""Faults in which the service never accepted the request, without saying so in its own words."""

AFTER = tuple(fault for fault in Fault if fault not in (*BEFORE, Fault.LATE, Fault.THROTTLED))
"""Faults in which the service accepted the request, and the client cannot know."""

HANGING = (Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.DRIP_AFTER, Fault.LATE)
"""Faults that only a deadline ends."""


@dataclass
class Notes:
    """A notebook in memory; `reserved` is everything ever reserved, oldest first."""

    repeat: bool = False
    reserved: list[str] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)

    @property
    def draft(self) -> str | None:
        return self.reserved[-1] if self.reserved else None

    async def reserve(self, draft: str) -> None:
        self.reserved.append(draft)

    async def ledger(self) -> Mapping[str, str]:
        return self.lines

    async def heard(self) -> Mapping[str, str] | None:
        return None

    async def told(self) -> Mapping[str, str]:
        return {}

    async def note(self, changes: Mapping[str, str]) -> None:
        self.lines |= changes


def surroundings(now: Callable[[], float] = lambda: NOW) -> Surroundings:
    def no_channel(name: str) -> Channel:
        raise KeyError(name)

    return Surroundings(
        organisation=Organisation(name="Example Borough Council"),
        user_agent="failover-tests/1",
        name="under-test",
        platform="",
        now=now,
        channel=no_channel,
    )


def wording(**changes: object) -> Announcement:
    return replace(HOLDING, **changes)  # type: ignore[arg-type]


async def deliver(
    channel: Channel, announcement: Announcement, notes: Notes, gives_up: Callable[[], object] | None = None
) -> Outcome:
    """Send as the courier does: with an end to patience, and remembering that an unclear attempt may have arrived.

    `gives_up`: cut it off, as the deadline does, shortly after this has become true.
    """
    sending = asyncio.ensure_future(channel.send(announcement, notes))
    if gives_up is not None:
        await until(gives_up)
        await asyncio.sleep(0.05)
        sending.cancel()
    await asyncio.wait({sending}, timeout=10.0)
    outcome = Unconfirmed(reason="the deadline passed") if sending.cancelled() else sending.result()
    notes.repeat = notes.repeat or isinstance(outcome, Unconfirmed)
    return outcome


def deadline(service: HttpService, fault: Fault, method: str, path: str) -> Callable[[], object] | None:
    """When the deadline ends the attempt: after the request that hangs was read; never for the other faults."""
    if fault not in HANGING:
        return None
    return lambda: any(asked.method == method and path in asked.path for asked in service.requests)


async def until(condition: Callable[[], object], seconds: float = 3.0) -> None:
    """Wait for something that the practice internet does a moment later."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the server under test has no event for it
            await asyncio.sleep(0.02)
