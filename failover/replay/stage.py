"""The stage: every probe and channel of the user's configuration, played from a scenario.

The kinds keep their options, limits, intervals and deadlines; only what they open is exchanged.  A probe answers what
the scenario tells of its source, a channel accepts what it is given, unless the scenario says that it could not.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from math import inf
from typing import Any, TypeVar

from failover.config.kinds import CataloguePlatform, Kinds
from failover.config.settings import ChannelSettings, ProbeSettings, Settings
from failover.contracts import AnyChannelKind, AnyProbeKind, Channel, Notebook, Probe, Surroundings
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Evidence,
    Fault,
    Finding,
    Found,
    Health,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Sighting,
    Signal,
    Statement,
    Unconfirmed,
    Unreachable,
)
from failover.replay.scenario import CLASSES, Answers, ClassName, Cut, Phase, Scenario, Track, Trouble

ANCHORS = "anchors"

SPEAKING = 0.8
"""Seconds that a channel takes to accept a statement."""

LATE = 30.0
"""Seconds after which a channel publishes what it accepts late."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Seen:
    """A source gave another answer than the time before; `at` in seconds since the epoch."""

    at: float
    platform: str
    probe: str
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Post:
    """Something that the public can see; `at` is since when."""

    at: float
    channel: str
    statement: Statement
    incident: str
    reference: str
    subject: str
    text: str
    platforms: tuple[str, ...]


class Stage:
    """One performance: what the sources show by the clock, and what was said."""

    def __init__(self, scenario: Scenario, settings: Settings, now: Clock, seed: int) -> None:
        self.scenario = scenario
        self.seen: list[Seen] = []
        self.posts: list[Post] = []
        self._settings = settings
        self._now = now
        self._chance = random.Random(seed)  # noqa: S311  noise that can be repeated, no secret
        self._last: dict[tuple[str, str], Sighting] = {}
        self._cached: dict[tuple[str, str], Sequence[Track]] = {}
        self._turns: dict[tuple[str, str], list[float]] = {}
        self._probes = {(one.platform, one.name): one for two in settings.platforms.values() for one in two.probes}

    @property
    def at(self) -> float:
        """Seconds from the onset."""
        return self._now() - self.scenario.onset

    def cut(self) -> Cut | None:
        """What is the matter with our own line at this moment."""
        return current(self.scenario.line, self.at)

    def answer(self, probe: ProbeSettings, evidence: Evidence) -> Sighting:
        """What this probe is told at this moment."""
        sighting = self._answer(probe, evidence)
        key = (probe.platform, probe.name)
        if self._last.get(key) != sighting:
            self._last[key] = sighting
            self.seen.append(Seen(self._now(), probe.platform, probe.name, sighting))
        return sighting

    def _answer(self, probe: ProbeSettings, evidence: Evidence) -> Sighting:
        cut = self.cut()
        if cut is not None:
            return _cut_off(cut, evidence)
        shown = self.shown(probe, evidence)
        holds = shown.share == 1.0 or self._chance.random() < shown.share
        return _as_told(shown, Evidence(shown.class_)) if holds else _well(evidence)

    def shown(self, probe: ProbeSettings, evidence: Evidence) -> Phase:
        """What the scenario tells of this probe at this moment; the class of its evidence is always in it."""
        for names in _names(probe, evidence):
            found = self._found(probe.platform, names)
            if found is not None:
                name, phase = found
                return replace(phase, class_=_class(phase, name, evidence))
        return self._unrecorded(probe, evidence)

    def _found(self, platform: str, names: Iterable[str]) -> tuple[str, Phase] | None:
        """What the tracks of these names tell at this moment; the worst where they differ."""
        phases = [(name, current(track.shows, self.at)) for name in names for track in self._tracks(platform, name)]
        told = [(name, phase) for name, phase in phases if phase is not None]
        return next((one for one in told if one[1].says == "down"), told[0] if told else None)

    def _tracks(self, platform: str, name: str) -> Sequence[Track]:
        found = self._cached.get((platform, name))
        if found is None:
            concerned = self.scenario.platforms
            found = self._cached[platform, name] = [
                track
                for track in self.scenario.evidence
                if name in track.from_ and platform in (track.of or concerned)
            ]
        return found

    def _unrecorded(self, probe: ProbeSettings, evidence: Evidence) -> Phase:
        """Where the record is silent all is well; but not in an outage, for a source of which it tells nothing."""
        over, own = self.scenario.over, class_name(evidence)
        told = any(self._tracks(probe.platform, name) for names in _names(probe, evidence) for name in names)
        concerned = probe.platform in self.scenario.platforms
        if over is None or told or not concerned or not 0 <= self.at < over:
            return Phase(at=self.at, says="up", class_=own)
        return Phase(at=self.at, says="unknown", because="nobody has recorded what it showed", class_=own)

    def quiet_for(self, platform: str, probe: str, evidence: Evidence) -> float:
        """Seconds for which this probe will say the same; 0.0 while it answers by chance."""
        settings = self._probes[platform, probe]
        if self.shown(settings, evidence).share < 1:
            return 0.0
        turns = self._turns.get((platform, probe))
        if turns is None:
            turns = self._turns[platform, probe] = self.turns(settings, evidence)
        return _until_next(turns, self.at)

    def turns(self, probe: ProbeSettings, evidence: Evidence) -> list[float]:
        """When this probe may begin to say something else, in seconds from the onset."""
        return sorted({*self._changes(probe, evidence)})

    def line_quiet_for(self) -> float:
        """Seconds until something happens to our own line."""
        return _until_next(sorted({0.0, *(time for cut in self.scenario.line for time in _times(cut))}), self.at)

    def _changes(self, probe: ProbeSettings, evidence: Evidence) -> Iterator[float]:
        yield 0.0
        yield from (self.scenario.over,) if self.scenario.over is not None else ()
        yield from (time for cut in self.scenario.line for time in _times(cut))
        for names in _names(probe, evidence):
            for name in names:
                for track in self._tracks(probe.platform, name):
                    yield from (time for phase in track.shows for time in _times(phase))

    def trouble(self, channel: ChannelSettings) -> Answers | None:
        """How the channel answers at this moment; None = as it should."""
        names = {channel.name, channel.kind, channel.platform}
        for one in self.scenario.channels:
            if names & {*one.of} and _holds(one, self.at):
                return one.answers
        return self._platform_trouble(channel.platform)

    def _platform_trouble(self, platform: str | None) -> Answers | None:
        """A channel fares as its platform does."""
        if self.cut() is not None:
            return "unreachable"
        if platform is None or platform not in self.scenario.platforms:
            return None
        found = self._found(platform, (Evidence.SPOKEN.value, Evidence.HERE.value, "account"))
        return "unreachable" if found is not None and found[1].says == "down" else None

    def publish(self, channel: str, announcement: Announcement, delay: float) -> None:
        """It becomes public so many seconds from now."""
        self.posts.append(
            Post(
                self._now() + delay, channel, announcement.statement, announcement.incident,
                announcement.reference, announcement.subject, announcement.text, announcement.platforms,
            )
        )  # fmt: skip

    def visible(self, channel: str, reference: str) -> bool:
        """Can it be read back now?"""
        return any(
            post.channel == channel and post.reference == reference and post.at <= self._now() for post in self.posts
        )

    def settings_of(self, surroundings: Surroundings) -> ProbeSettings:
        """The probe that is being opened."""
        return self._probes[surroundings.platform, surroundings.name]

    def channel_of(self, surroundings: Surroundings) -> ChannelSettings:
        return self._settings.channels[surroundings.name]


def classes_of(evidence: Evidence) -> tuple[str, ...]:
    """The classes that a source of this class can show: what is reached from here may also speak for itself."""
    if evidence is Evidence.HERE:
        return (Evidence.HERE.value, Evidence.SPOKEN.value)
    if evidence is Evidence.SPOKEN:
        return (Evidence.SPOKEN.value, Evidence.HERE.value)
    return (evidence.value,)


def _names(probe: ProbeSettings, evidence: Evidence) -> tuple[tuple[str, ...], ...]:
    """By what a track may name this probe, the closest first."""
    return (probe.name,), (probe.kind,), classes_of(evidence)


def _times(span: Phase | Cut) -> Iterator[float]:
    yield span.at
    yield from (span.until,) if span.until is not None else ()


def _until_next(turns: Sequence[float], at: float) -> float:
    place = bisect_right(turns, at)
    return turns[place] - at if place < len(turns) else inf


SpanT = TypeVar("SpanT", Phase, Cut)


def current(spans: Iterable[SpanT], at: float) -> SpanT | None:
    """The phase that holds at this time, or None."""
    latest = None
    for span in spans:
        if span.at > at:
            break
        latest = span
    return latest if latest is not None and _holds(latest, at) else None


def _holds(span: Phase | Cut | Trouble, at: float) -> bool:
    return span.at <= at and (span.until is None or at < span.until)


def _class(phase: Phase, name: str, evidence: Evidence) -> ClassName:
    """As written; else the class that the track is named by; else the probe's own, as when all is well."""
    named = next((one for one in CLASSES if one == name and phase.says != "up"), None)
    return phase.class_ or named or class_name(evidence)


def class_name(evidence: Evidence) -> ClassName:
    """The same, as scenarios write it; no source has the class `operator`."""
    return next(one for one in CLASSES if one == evidence.value)


def _as_told(phase: Phase, evidence: Evidence) -> Sighting:
    because = phase.because
    match phase.says:
        case "up":
            return Sighting.up(evidence, because) if because else _well(evidence)
        case "degraded":
            return Sighting.degraded(evidence, because or "degraded")
        case "down":
            return Sighting.down(evidence, because or "down")
        case "account":
            return Sighting.unknown(evidence, because or "our account is refused", fault=Fault.ACCOUNT)
        case "network":
            return Sighting.unknown(evidence, because or "no way there", fault=Fault.NETWORK)
        case _:
            return Sighting.unknown(evidence, because or "it cannot tell")


def _well(evidence: Evidence) -> Sighting:
    return Sighting.up(evidence, "it answers")


def _cut_off(cut: Cut, evidence: Evidence) -> Sighting:
    """Without a line nothing is reached: from here that looks like an outage of everybody."""
    if evidence is Evidence.HERE:
        return Sighting.down(evidence, f"cannot be reached ({cut.because})")
    return Sighting.unknown(evidence, f"cannot be asked ({cut.because})", fault=Fault.NETWORK)


class StagedKinds:
    """The registry's kinds with everything they open exchanged for the stage's."""

    def __init__(self, kinds: Kinds, stage: Stage) -> None:
        self._kinds = kinds
        self._stage = stage
        self._probes: dict[str, AnyProbeKind] = {}
        self._channels: dict[str, AnyChannelKind] = {}

    def find_probe(self, name: str) -> AnyProbeKind:
        if name not in self._probes:
            kind = self._kinds.find_probe(name)
            opened = _anchors if name == ANCHORS else _probe
            self._probes[name] = replace(
                kind, open=lambda _options, around: opened(self._stage, around, kind.evidence)
            )
        return self._probes[name]

    def find_channel(self, name: str) -> AnyChannelKind:
        if name not in self._channels:
            kind = self._kinds.find_channel(name)
            self._channels[name] = replace(kind, open=lambda _options, around: _channel(self._stage, around))
        return self._channels[name]

    def catalogue(self) -> Mapping[str, CataloguePlatform]:
        return self._kinds.catalogue()


def _probe(stage: Stage, around: Surroundings, evidence: Evidence) -> AbstractAsyncContextManager[Probe]:
    settings = stage.settings_of(around)
    return _opened(_StagedProbe(lambda: stage.answer(settings, evidence)))


def _anchors(stage: Stage, _around: Surroundings, evidence: Evidence) -> AbstractAsyncContextManager[Probe]:
    def answer() -> Sighting:
        cut = stage.cut()
        if cut is None:
            return Sighting.up(evidence, "the anchors answer")
        return Sighting.unknown(evidence, cut.because, fault=Fault.NETWORK)

    return _opened(_StagedProbe(answer))


def _channel(stage: Stage, around: Surroundings) -> AbstractAsyncContextManager[Channel]:
    return _opened(_StagedChannel(stage, stage.channel_of(around)))


@asynccontextmanager
async def _opened(one: Any) -> AsyncIterator[Any]:
    yield one


class _StagedProbe:
    def __init__(self, answer: Callable[[], Sighting]) -> None:
        self._answer = answer

    async def look(self) -> Sighting:
        return self._answer()


class _StagedChannel:
    """Accepts what it is given, or answers as the scenario has it."""

    def __init__(self, stage: Stage, settings: ChannelSettings) -> None:
        self._stage = stage
        self._settings = settings

    async def send(self, announcement: Announcement, _notebook: Notebook) -> Outcome:
        await asyncio.sleep(SPEAKING)
        name, trouble = self._settings.name, self._stage.trouble(self._settings)
        match trouble:
            case None:
                self._stage.publish(name, announcement, 0.0)
                return Delivered(receipt=_receipt(announcement))
            case "lost" | "late":
                self._stage.publish(name, announcement, LATE if trouble == "late" else 0.0)
                return Unconfirmed(reason="no answer")
            case "throttled":
                return Unreachable(reason="too many requests", retry_after=30.0)
            case "refused":
                return Refused(reason="not permitted", refusal=Refusal.PERMISSION)
            case _:
                return Unreachable(reason="cannot be reached")

    async def find(self, announcement: Announcement, _notebook: Notebook) -> Finding:
        await asyncio.sleep(SPEAKING)
        if self._stage.trouble(self._settings) == "unreachable":
            return CannotTell(reason="cannot be reached")
        if self._stage.visible(self._settings.name, announcement.reference):
            return Found(receipt=_receipt(announcement))
        return Absent(reason="not there")

    async def check(self) -> Health:
        return Health(sighting=Sighting(signal=Signal.UP, evidence=Evidence.SPOKEN, reason="it answers"))

    async def retract(self, receipt: Receipt) -> Outcome:
        return Delivered(receipt=receipt)


def _receipt(announcement: Announcement) -> Receipt:
    return Receipt(remote_id=announcement.reference, url="")
