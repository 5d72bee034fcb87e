"""Kind `account`: does the platform still know us, and could we post there right now (rule S8)?

The open channel itself is asked, and what it answers is the sighting: its own table tells the platform's trouble from
ours.  Nothing is ever posted.  Where the channel needs a person and cannot speak for the platform, the fault is our
account's, which never votes (rule R2).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from failover.contracts import Channel, Options, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Health, Sighting, Signal


class AccountOptions(Options):
    """`channel` is the name of one of the configured channels."""

    channel: Annotated[str, Field(min_length=1)]


class AccountProbe:
    """Asks one channel about itself."""

    def __init__(self, name: str, channel: Callable[[str], Channel]) -> None:
        self._name = name
        self._channel = channel

    async def look(self) -> Sighting:
        try:
            channel = self._channel(self._name)
        except KeyError:
            return Sighting.unknown(
                Evidence.SPOKEN, f"there is no open channel named {self._name}", fault=Fault.ACCOUNT
            )
        return judge(await channel.check())


def judge(health: Health) -> Sighting:
    """What a channel's health says of its platform."""
    sighting = health.sighting
    if health.problems and sighting.signal is Signal.UNKNOWN and sighting.fault is None:
        return replace(sighting, fault=Fault.ACCOUNT)
    return sighting


@asynccontextmanager
async def open_account(options: AccountOptions, surroundings: Surroundings) -> AsyncIterator[AccountProbe]:
    """A probe of one of our own accounts."""
    yield AccountProbe(options.channel, surroundings.channel)


KIND = ProbeKind(
    options=AccountOptions,
    open=open_account,
    evidence=Evidence.SPOKEN,
    every=300.0,
    fastest=60.0,
    timeout=30.0,
    example="""\
kind: account
channel: facebook-page
""",
)
