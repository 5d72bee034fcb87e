"""Kind `account`: does the platform still know us, and could we post there right now?

The open channel itself is asked, and what it answers is the sighting: its own table tells the platform's trouble from
ours.  Nothing is ever posted where people could see it.  Where the channel needs a person and cannot speak for the
platform, the fault is our account's, which never votes (rule R2).

Reading can work for hours while posting fails, and only a write shows it (rule R5): with `canary: true` the channel
writes something that nobody sees, reads it back and takes it away again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Self

from pydantic import Field, model_validator

from failover.contracts import Canary, Channel, Duration, Options, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Health, Sighting, Signal

_WORSE = (Signal.UP, Signal.UNKNOWN, Signal.DEGRADED, Signal.DOWN)


class AccountOptions(Options):
    """`channel` is the name of one of the configured channels.

    `canary` has the channel try out, each `canary_every` (at least 5m), whether posting works too; while it does not,
    at each look.  `failover kinds KIND` of the channel says what it writes where, and what that costs.
    """

    channel: Annotated[str, Field(min_length=1)]
    canary: bool = False
    canary_every: Annotated[Duration, Field(ge=300)] = 900.0

    @model_validator(mode="after")
    def _pace_of_something(self) -> Self:
        if "canary_every" in self.model_fields_set and not self.canary:
            raise ValueError("canary_every does nothing without canary: true")
        return self


class Trial:
    """When the channel's canary is due, and what it said last."""

    def __init__(self, every: float, now: Callable[[], float]) -> None:
        self._every = every
        self._now = now
        self._last: Sighting | None = None
        self._at = 0.0

    async def written(self, channel: Canary) -> Sighting | None:
        """What posting is like; None where that was asked lately and worked.

        A platform that failed is asked again at once.  A refused account is not (a service that limits or blocks us
        would do so the longer); what it said is told until the next try.
        """
        now, last = self._now(), self._last
        if last is not None and self._at <= now < self._at + self._every:
            if last.signal is Signal.UP:
                return None
            if last.fault is Fault.ACCOUNT:
                return last
        self._last, self._at = await channel.canary(), now
        return self._last

    def forget(self) -> None:
        """There was other trouble: whether posting works is to be asked as soon as that is over."""
        self._last = None


class AccountProbe:
    """Asks one channel about itself."""

    def __init__(self, name: str, channel: Callable[[str], Channel], trial: Trial | None) -> None:
        self._name = name
        self._channel = channel
        self._trial = trial

    async def look(self) -> Sighting:
        try:
            channel = self._channel(self._name)
        except KeyError:
            return _our_mistake(f"there is no open channel named {self._name}")
        read = judge(await channel.check())
        return read if self._trial is None else await self._tried(self._trial, channel, read)

    async def _tried(self, trial: Trial, channel: Channel, read: Sighting) -> Sighting:
        """Nothing is written where it is plain already that it would fail."""
        if not isinstance(channel, Canary):
            return _our_mistake(f"the channel {self._name} offers no canary")
        if read.signal not in (Signal.UP, Signal.DEGRADED):
            trial.forget()
            return read
        written = await trial.written(channel)
        return read if written is None else worse(read, written)


def judge(health: Health) -> Sighting:
    """What a channel's health says of its platform."""
    sighting = health.sighting
    if health.problems and sighting.signal is Signal.UNKNOWN and sighting.fault is None:
        return replace(sighting, fault=Fault.ACCOUNT)
    return sighting


def worse(read: Sighting, written: Sighting) -> Sighting:
    """Read working while write fails is DOWN for posting (rule R5)."""
    return max(written, read, key=lambda sighting: _WORSE.index(sighting.signal))


def _our_mistake(reason: str) -> Sighting:
    return Sighting.unknown(Evidence.SPOKEN, reason, fault=Fault.ACCOUNT)


def votes(_options: AccountOptions) -> frozenset[Evidence]:
    """No answer at all, or an answer that says no; which of them, the channel tells."""
    return frozenset({Evidence.HERE, Evidence.SPOKEN})


@asynccontextmanager
async def open_account(options: AccountOptions, surroundings: Surroundings) -> AsyncIterator[AccountProbe]:
    """A probe of one of our own accounts."""
    trial = Trial(options.canary_every, surroundings.now) if options.canary else None
    yield AccountProbe(options.channel, surroundings.channel, trial)


KIND = ProbeKind(
    options=AccountOptions,
    open=open_account,
    evidence=Evidence.SPOKEN,
    every=300.0,
    fastest=60.0,
    timeout=60.0,  # a canary takes up to 40 s, whatever hangs, and the account itself is asked before
    votes=votes,
    example="""\
kind: account
channel: facebook-page
""",
)
