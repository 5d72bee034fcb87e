"""Variants of a recorded outage: the same evidence later, partly missing, and with sources that err by themselves.

Pure: a scenario and a source of chance in, another scenario out.  The strengths are assumptions, written down here;
they are the same for every scenario, and no rule of judgement was made for them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from failover.config.kinds import Kinds
from failover.config.settings import ProbeSettings, Settings
from failover.model import Evidence
from failover.replay.scenario import Phase, Says, Scenario, Track
from failover.replay.stage import Stage, class_name, current

Phases = tuple[Phase, ...]
RowT = TypeVar("RowT", bound=tuple[float, object] | tuple[float, int, int])

LAG = {"here": 30.0, "spoken": 30.0, "elsewhere": 45.0, "official": 300.0, "crowd": 180.0}
"""Mean of the seconds by which a class of evidence shows a change later than in the record (exponential)."""

LOST, INTERRUPTED = 0.05, 0.15
"""How often a source is silent through the whole variant; how often for ten to ninety minutes of it."""

BLIP_EVERY = 86400.0
"""Mean seconds between two errors of one source."""

BLIP_LENGTHS = ((0.6, 20, 90), (0.35, 90, 300), (0.05, 300, 900))
"""(share, shortest, longest): how long an error of a source lasts, in seconds."""

ERRORS: dict[str, tuple[tuple[float, Says], ...]] = {
    "here": ((0.5, "down"), (0.5, "unknown")),
    "spoken": ((0.3, "down"), (0.3, "account"), (0.4, "unknown")),
    "elsewhere": ((0.3, "down"), (0.7, "unknown")),
    "official": ((0.05, "down"), (0.15, "degraded"), (0.8, "unknown")),
    "crowd": ((0.3, "down"), (0.7, "unknown")),
}
"""What a source says when it errs, by its class of evidence."""


@dataclass(frozen=True, slots=True)
class Source:
    """One probe of the configuration, and the class of evidence that it usually has."""

    settings: ProbeSettings
    evidence: Evidence


def sources(scenario: Scenario, settings: Settings, kinds: Kinds) -> list[Source]:
    """Every probe of the configuration that watches a platform of the scenario."""
    watched = [settings.platforms[name] for name in scenario.platforms if name in settings.platforms]
    return [Source(probe, kinds.find_probe(probe.kind).evidence) for platform in watched for probe in platform.probes]


def spelled_out(scenario: Scenario, settings: Settings, kinds: Kinds) -> Scenario:
    """The same scenario with a track of its own for every probe, without gaps; the channels' platforms fare as
    their accounts do.
    """
    told = tuple(_spelled(scenario, settings, source) for source in sources(scenario, settings, kinds))
    return replace(scenario, evidence=told, lasts=scenario.ends)


def _spelled(scenario: Scenario, settings: Settings, source: Source) -> Track:
    shows: list[Phase] = []
    moment = scenario.onset
    stage = Stage(scenario, settings, lambda: moment, 0)
    for turn in sorted({scenario.begins, *stage.turns(source.settings, source.evidence)}):
        moment = scenario.onset + turn
        phase = replace(stage.shown(source.settings, source.evidence), at=turn, until=None)
        if not shows or replace(phase, at=shows[-1].at) != shows[-1]:
            shows.append(phase)
    return Track(from_=(source.settings.name,), of=(source.settings.platform,), shows=tuple(shows))


def varied(spelled: Scenario, found: Sequence[Source], chance: random.Random) -> Scenario:
    """One variant of a scenario that is spelled out for these sources."""
    lags = {name: chance.expovariate(1 / mean) for name, mean in LAG.items()}
    tracks = []
    for track, source in zip(spelled.evidence, found, strict=True):
        shows = delayed(track.shows, lags, chance)
        shows = lost(shows, source.evidence, spelled.begins, spelled.ends, chance)
        tracks.append(replace(track, shows=erring(shows, source.evidence, spelled.begins, spelled.ends, chance)))
    return replace(spelled, evidence=tuple(tracks))


def delayed(shows: Phases, lags: dict[str, float], chance: random.Random) -> Phases:
    """Every change comes later, by the lag of its class: half as much again, or half as little."""
    later = [shows[0]]
    for phase in shows[1:]:
        lag = lags[phase.class_ or "here"] * chance.uniform(0.5, 1.5)
        later.append(replace(phase, at=max(phase.at + lag, later[-1].at + 1)))
    return tuple(later)


def lost(shows: Phases, evidence: Evidence, begins: float, ends: float, chance: random.Random) -> Phases:
    """Perhaps the source is silent all the time, perhaps for a while."""
    draw = chance.random()
    if draw < LOST:
        return (_silence(begins, None, evidence),)
    if draw < LOST + INTERRUPTED:
        at = chance.uniform(begins, ends)
        return painted(shows, _silence(at, at + chance.uniform(600, 5400), evidence))
    return shows


def _silence(at: float, until: float | None, evidence: Evidence) -> Phase:
    return Phase(at=at, until=until, says="unknown", because="it does not answer", class_=class_name(evidence))


def erring(shows: Phases, evidence: Evidence, begins: float, ends: float, chance: random.Random) -> Phases:
    """The source says something wrong now and then."""
    at = begins + chance.expovariate(1 / BLIP_EVERY)
    while at < ends:
        _share, shortest, longest = _drawn(BLIP_LENGTHS, chance)
        until = at + chance.uniform(shortest, longest)
        _weight, says = _drawn(ERRORS[evidence.value], chance)
        error = Phase(at=at, until=until, says=says, because="an error of its own", class_=class_name(evidence))
        shows = painted(shows, error)
        at = until + chance.expovariate(1 / BLIP_EVERY)
    return shows


def _drawn(table: Sequence[RowT], chance: random.Random) -> RowT:
    """One row, by the weights in its first column."""
    return chance.choices(table, [row[0] for row in table])[0]


def painted(shows: Phases, over: Phase) -> Phases:
    """`over` instead of whatever is told in its time; afterwards it goes on as before, or as it begins."""
    assert over.until is not None
    before = [phase for phase in shows if phase.at < over.at]
    after = [phase for phase in shows if phase.at > over.until]
    resumed = [phase for phase in shows if phase.at <= over.until] or [shows[0]]
    again = [replace(resumed[-1], at=over.until)]
    return (*before, replace(over, until=None), *again, *after)


def agreed(spelled: Scenario) -> Iterator[tuple[float, float]]:
    """(from, to): while two independent classes say that one and the same platform is down, by what is told here."""
    for platform in spelled.platforms:
        tracks = [track for track in spelled.evidence if track.of == (platform,)]
        turns = sorted({phase.at for track in tracks for phase in track.shows} | {spelled.ends})
        for begin, end in pairwise(turns):
            voting = {
                one.class_ for one in (current(track.shows, begin) for track in tracks) if one and one.says == "down"
            }
            if len(voting) >= 2:
                yield begin, end


def troubled(spelled: Scenario) -> Iterator[tuple[float, float]]:
    """(from, to): while any source says that a platform is down, by what is told here."""
    for track in spelled.evidence:
        ends = [*(phase.at for phase in track.shows[1:]), spelled.ends]
        yield from ((one.at, end) for one, end in zip(track.shows, ends, strict=True) if one.says == "down")


def joined(spans: Iterable[tuple[float, float]], gap: float = 0.0) -> list[tuple[float, float]]:
    """Spans in order of time; those with less than `gap` seconds between them are one."""
    whole: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if whole and begin <= whole[-1][1] + gap:
            whole[-1] = whole[-1][0], max(whole[-1][1], end)
        else:
            whole.append((begin, end))
    return whole
