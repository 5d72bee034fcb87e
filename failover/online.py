"""`failover check --online`: could every channel post, and does every source answer?  Nothing is posted.

What the daemon does every day (rule S8) and at every look, done once while somebody is there who can put right what
is missing.  Everything is asked at the same time, and who has not answered by the end of the time has not answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from failover import registry
from failover.assembly import ANCHORS, user_agent
from failover.clock import Clock
from failover.config import load
from failover.config.kinds import Kinds
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.contracts import Channel, Options, Probe, Surroundings
from failover.mail_domain import Lookup, Sender, hints
from failover.model import Evidence, Health, Sighting
from failover.online_report import Trial, report
from failover.resolving import system_lookup

PATIENCE = 45.0
"""Seconds for the whole; the slowest source is made of several questions."""

CONFIGURATION_ERROR = 78

T = TypeVar("T")


def check_online(
    path: Path, env: Mapping[str, str], patience: float = PATIENCE, look: Lookup | None = None
) -> tuple[list[str], int]:
    """The lines to print and the exit code: 0, 1 where something must be put right, 78 for a broken configuration.

    `look` asks the DNS; by default the machine's own resolver.
    """
    try:
        settings = load(path, env, registry)
    except ConfigError as error:
        return [*map(str, error.problems)], CONFIGURATION_ERROR
    now = Clock().now
    trial = asyncio.run(attempt(settings, registry, now, patience, look or system_lookup()))
    lines, well = report(settings, registry, trial, now())
    return lines, 0 if well else 1


# --- asking ---


async def attempt(
    settings: Settings, kinds: Kinds, now: Callable[[], float], patience: float, look: Lookup | None = None
) -> Trial:
    """Ask every channel and every source once, and with `look` what is published about each that sends mail.

    All of it within `patience` seconds.
    """
    async with AsyncExitStack() as stack:
        house = await _opened(settings, kinds, now, stack)
        tasks = {key: asyncio.ensure_future(one) for key, one in _questions(house)}
        mail = {name: asyncio.ensure_future(one) for name, one in _of_mail(settings, look)}
        await asyncio.wait([*tasks.values(), *mail.values()], timeout=patience)
        late = [task for task in (*tasks.values(), *mail.values()) if not task.done()]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    silent = Sighting.unknown(Evidence.HERE, f"no answer within {patience:g} s")
    heard = {key: silent if task.cancelled() else task.result() for key, task in tasks.items()} | house.shut
    return Trial(
        line=_as_sighting(heard[LINE]),
        healths={name: _as_health(heard[CHANNEL, name]) for name in settings.channels},
        sightings={
            (platform.name, probe.name): _as_sighting(heard[platform.name, probe.name])
            for platform in settings.platforms.values()
            for probe in platform.probes
        },
        hints={name: _LATE if task.cancelled() else task.result() for name, task in mail.items()},
        alarms=tuple(dict.fromkeys(house.alarms)),
    )


Key = tuple[str, str]
CHANNEL, LINE = " channel", (" line", "")
"""Keys that no platform can have."""


@dataclass(frozen=True, slots=True)
class _House:
    """What could be opened, and why the rest could not (a port that is taken)."""

    channels: dict[str, Channel] = field(default_factory=dict)
    probes: dict[Key, Probe] = field(default_factory=dict)
    shut: dict[Key, Sighting] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)

    async def enter(
        self, stack: AsyncExitStack, key: Key, place: dict[Any, T], one: AbstractAsyncContextManager[T]
    ) -> None:
        """Open one; into its place, or among what is shut."""
        try:
            place[key[1] if key[0] == CHANNEL else key] = await stack.enter_async_context(one)
        except OSError as error:
            self.shut[key] = Sighting.unknown(Evidence.HERE, str(error))


async def _opened(settings: Settings, kinds: Kinds, now: Callable[[], float], stack: AsyncExitStack) -> _House:
    """Everything that the configuration names, as the daemon opens it."""
    house = _House()

    def surroundings(name: str, platform: str) -> Surroundings:
        return Surroundings(
            organisation=settings.organisation,
            user_agent=user_agent(settings),
            name=name,
            platform=platform,
            now=now,
            channel=house.channels.__getitem__,
            alarm=lambda reason: house.alarms.append(f"{name}: {reason}"),
            titles={one.name: one.title for one in settings.platforms.values()},
        )

    for channel in settings.channels.values():
        speaks = kinds.find_channel(channel.kind)
        opening = speaks.open(channel.options, surroundings(channel.name, channel.platform or ""))
        await house.enter(stack, (CHANNEL, channel.name), house.channels, opening)
    for platform in settings.platforms.values():
        for probe in platform.probes:
            looks = kinds.find_probe(probe.kind)
            opening_probe = looks.open(_unwritten(probe.options), surroundings(probe.name, platform.name))
            await house.enter(stack, (platform.name, probe.name), house.probes, opening_probe)
    anchors = kinds.find_probe(ANCHORS)
    options = anchors.options.model_validate({"urls": list(settings.judgement.anchors)})
    await house.enter(stack, LINE, house.probes, anchors.open(options, surroundings(ANCHORS, "")))
    return house


def _unwritten(options: Options) -> Options:
    """The same without a canary: this command writes nothing, not even what nobody would see."""
    return options.model_copy(update={"canary": False}) if getattr(options, "canary", False) else options


def _questions(house: _House) -> Iterator[tuple[Key, Coroutine[Any, Any, Health | Sighting]]]:
    for name, channel in house.channels.items():
        yield (CHANNEL, name), _guarded(channel.check())
    for key, probe in house.probes.items():
        yield key, _guarded(probe.look())


_LATE = ("SPF and DMARC of its domain could not be looked up in time",)


@runtime_checkable
class _SendsMail(Protocol):
    """Options of a kind that sends mail; `host` is None where it only writes files."""

    host: str | None

    def parsed_sender(self) -> Sender: ...


def _of_mail(settings: Settings, look: Lookup | None) -> Iterator[tuple[str, Coroutine[Any, Any, tuple[str, ...]]]]:
    """A hint is not worth a failure, and asks nobody but the DNS."""
    for name, channel in settings.channels.items():
        options: object = channel.options
        if look is not None and isinstance(options, _SendsMail) and options.host:
            yield name, hints(options.parsed_sender().domain, options.host, look)


async def _guarded(asked: Awaitable[Health | Sighting]) -> Health | Sighting:
    try:
        return await asked
    except Exception as error:  # noqa: BLE001  the same guard as around every plug-in
        return Sighting.unknown(Evidence.HERE, f"the check failed unexpectedly ({type(error).__name__})")


def _as_health(answer: Health | Sighting) -> Health:
    return Health(sighting=answer, problems=(answer.reason,)) if isinstance(answer, Sighting) else answer


def _as_sighting(answer: Health | Sighting) -> Sighting:
    return answer.sighting if isinstance(answer, Health) else answer
