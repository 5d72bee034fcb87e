"""`failover check --online`: could every channel post, and does every source answer?  Nothing is posted.

What the daemon does every day (rule S8) and at every look, done once while somebody is there who can put right what
is missing.  Everything is asked at the same time, and who has not answered by the end of the time has not answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from failover import registry
from failover.assembly import ANCHORS, user_agent
from failover.clock import Clock
from failover.config import load
from failover.config.kinds import Kinds
from failover.config.problems import ConfigError
from failover.config.settings import PlatformSettings, Settings
from failover.contracts import Channel, Cost, Options, Probe, Surroundings
from failover.model import Evidence, Fault, Health, Sighting, Signal
from failover.redaction import Redactor

PATIENCE = 45.0
"""Seconds for the whole; the slowest source is made of several questions."""

SOON = 90 * 86400.0
DAY = 86400.0
CONFIGURATION_ERROR = 78

T = TypeVar("T")


class Mark(str, Enum):
    """How one thing came out.  Only WRONG is for a person to put right before the daemon can be relied upon."""

    GOOD = "ok"
    NOTE = "note"
    WRONG = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `more` are further lines below it."""

    mark: Mark
    name: str
    text: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was heard from the anchors, from each channel, and from each probe of each platform."""

    line: Sighting
    healths: Mapping[str, Health]
    sightings: Mapping[tuple[str, str], Sighting]
    alarms: Sequence[str] = ()


def check_online(path: Path, env: Mapping[str, str], patience: float = PATIENCE) -> tuple[list[str], int]:
    """The lines to print and the exit code: 0, 1 where something must be put right, 78 for a broken configuration."""
    try:
        settings = load(path, env, registry)
    except ConfigError as error:
        return [*map(str, error.problems)], CONFIGURATION_ERROR
    now = Clock().now
    trial = asyncio.run(attempt(settings, registry, now, patience))
    lines, well = report(settings, registry, trial, now())
    return lines, 0 if well else 1


# --- asking ---


async def attempt(settings: Settings, kinds: Kinds, now: Callable[[], float], patience: float) -> Trial:
    """Ask every channel and every source once, all of them within `patience` seconds."""
    async with AsyncExitStack() as stack:
        house = await _opened(settings, kinds, now, stack)
        tasks = {key: asyncio.ensure_future(one) for key, one in _questions(house)}
        await asyncio.wait(tasks.values(), timeout=patience)
        late = [task for task in tasks.values() if not task.done()]
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


async def _guarded(asked: Awaitable[Health | Sighting]) -> Health | Sighting:
    try:
        return await asked
    except Exception as error:  # noqa: BLE001  the same guard as around every plug-in
        return Sighting.unknown(Evidence.HERE, f"the check failed unexpectedly ({type(error).__name__})")


def _as_health(answer: Health | Sighting) -> Health:
    return Health(sighting=answer, problems=(answer.reason,)) if isinstance(answer, Sighting) else answer


def _as_sighting(answer: Health | Sighting) -> Sighting:
    return answer.sighting if isinstance(answer, Health) else answer


# --- telling (pure) ---


def report(settings: Settings, kinds: Kinds, trial: Trial, now: float) -> tuple[list[str], bool]:
    """The table, in which no secret is quoted, and whether nothing need be put right."""
    parts = {
        "Our own line": [_line_row(trial.line)],
        "Channels (nothing was posted)": [_channel_row(name, one, now) for name, one in trial.healths.items()],
        "Sources": [
            row
            for platform in settings.platforms.values()
            for row in _platform_rows(platform, settings, kinds, trial)
        ],
    }
    rows = [row for part in parts.values() for row in part]
    lines = [line for title, part in parts.items() for line in (title, *_table(part), "")]
    lines += [f"note: {text}" for text in (*trial.alarms, *_bills(settings, kinds))]
    wrong = sum(row.mark is Mark.WRONG for row in rows)
    last = "Everything answers as it should." if not wrong else f"{wrong} to put right; see each PROBLEM above."
    redact = Redactor(settings.secrets)
    return [redact(line) for line in (*lines, last)], not wrong


def _line_row(line: Sighting) -> Row:
    if line.signal is Signal.UP:
        return Row(Mark.GOOD, "anchors", line.reason)
    return Row(Mark.WRONG, "anchors", f"this machine does not reach the internet as it should: {line.reason}")


def _channel_row(name: str, health: Health, now: float) -> Row:
    left = None if health.expires_at is None else health.expires_at - now
    ending = () if left is None or left > SOON else (f"something of it ends in {max(0, int(left / DAY))} days",)
    if health.problems:
        first, *others = health.problems
        return Row(Mark.WRONG, name, first, (*others, *health.warnings, *ending))
    facts = ", ".join(f"{key} {value}" for key, value in health.facts.items())
    said = f"could post now ({facts})" if facts else "could post now"
    notes = (*health.warnings, *ending)
    return Row(Mark.NOTE if notes else Mark.GOOD, name, said, notes)


def _platform_rows(platform: PlatformSettings, settings: Settings, kinds: Kinds, trial: Trial) -> Iterator[Row]:
    classes = set()
    for one in platform.probes:
        sighting = trial.sightings[platform.name, one.name]
        yield _probe_row(f"{platform.name}/{one.name}", sighting)
        if sighting.signal is not Signal.UNKNOWN:
            classes.add(kinds.find_probe(one.kind).evidence)
    needed = settings.judgement.confirm.classes
    if len(classes) < needed and trial.line.signal is Signal.UP:
        text = f"{len(classes)} of the {needed} independent kinds of evidence answered that an outage needs"
        yield Row(Mark.WRONG, platform.name, text)


def _probe_row(name: str, sighting: Sighting) -> Row:
    """Bad news from a source that works is no problem of ours; a key that it does not take is."""
    if sighting.signal is Signal.UNKNOWN:
        mark = Mark.WRONG if sighting.fault is Fault.ACCOUNT else Mark.NOTE
        return Row(mark, name, f"could not tell: {sighting.reason}")
    mark = Mark.GOOD if sighting.signal is Signal.UP else Mark.NOTE
    return Row(mark, name, f"{sighting.signal.value}: {sighting.reason}")


def _bills(settings: Settings, kinds: Kinds) -> Iterator[str]:
    """What this trial has cost."""
    costs = [(one.name, kinds.find_channel(one.kind).check_cost) for one in settings.channels.values()]
    for platform in settings.platforms.values():
        costs += [(f"{platform.name}/{one.name}", one.cost) for one in platform.probes]
    yield from (f"{name}: {_bill(cost)}" for name, cost in costs if cost is not None)


def _bill(cost: Cost) -> str:
    return f"this one question is billed {cost.price:g} {cost.currency}" + (" a day" if cost.per == "day" else "")


def _table(rows: Sequence[Row]) -> Iterator[str]:
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        yield f"  {row.mark.value:<7}  {row.name:<{width}}  {row.text}"
        yield from (f"  {'':<7}  {'':<{width}}  {text}" for text in row.more)
