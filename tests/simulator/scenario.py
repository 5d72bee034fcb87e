"""A simulated life as plain values: who is there, and what happens when.

Everything that the run of a scenario depends on is in here, so that a failing one can be cut down by leaving out
and shortening.  Times are seconds of true time since the beginning; nothing here draws a random number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

BEGINNING = 1_795_000_000.0
"""The wall clock at the beginning: 2026-11-18T11:06:40Z."""

GROUPS = {"facebook": "meta", "instagram": "meta", "x": "x", "telegram": "telegram"}
HERE_SOURCES = frozenset({"api", "web"})
"""Sources whose transport fails as a HERE vote: what goes wrong with our road to the platform shows in both."""

CROWD_LINGERS = 240.0
"""Seconds for which the crowd goes on about a regional fault after it can no longer be seen from here."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to the daemon.  What `who`, `what`, `lasts` and `number` mean is the kind's affair."""

    at: float
    kind: str
    who: str = ""
    what: str = ""
    lasts: float = 0.0
    number: float = 0.0

    @property
    def end(self) -> float:
        return self.at + self.lasts


@dataclass(frozen=True, slots=True)
class Source:
    """One way of looking.  It shows a fall `lag_down` seconds after it, and a recovery `lag_up` after that."""

    platform: str
    name: str
    evidence: str
    lag_down: float = 0.0
    lag_up: float = 0.0
    phase: float = 0.0
    on_suspicion: bool = False

    @property
    def id(self) -> str:
        return f"{self.platform}/{self.name}"


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration that may be loaded."""

    platforms: tuple[str, ...] = ("facebook", "instagram", "x", "telegram")
    channels: tuple[str, ...] = ("facebook-page", "x-account", "telegram", "email", "blog", "rehearsal")
    meta_backups: tuple[str, ...] = ("telegram", "email", "blog")
    x_backups: tuple[str, ...] = ("telegram", "blog")
    reach: int = 0
    holding: str = "automatic"
    welcome: str = "automatic"
    when_unsure: str = "hold"
    maintenance: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """The house and its surroundings, which do not change while it lives; durations in seconds."""

    sources: tuple[Source, ...]
    configs: tuple[Config, ...]
    confirm_for: float = 120.0
    recover_for: float = 900.0
    relapse: float = 3600.0
    intermittent_for: float = 21600.0
    veto_for: float = 300.0
    holding_latest: float = 1800.0
    welcome_latest: float = 43200.0
    settle: float = 60.0
    latency: float = 0.7
    fraction: float = 0.4
    """When within its second the daemon ticks."""
    every: float = 60.0
    fast: float = 15.0
    person_looks_after: float = 900.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """`events` in the order of time; the life ends `hours` after its beginning, the calm epilogue included."""

    seed: int
    setup: Setup
    events: tuple[Event, ...]
    hours: float


# -- what is assumed of the world ------------------------------------------------------------------------------


def within_assumptions(scenario: Scenario) -> str:
    """What the daemon does not promise to withstand, if the scenario has it; "" if it has none.

    One class of evidence at a time is wrong about a platform (a dead line of our own comes on top of that); a fault
    of our region counts as one, for it shows in the crowd of three groups; our own line does not flutter.
    """
    for name in GROUPS:
        spans = sorted((one.at, _wrong_until(one), one.what) for one in _wrongs(scenario.events, name))
        for (_start, end, _what), (start, _end, _other) in pairwise(spans):
            if start < end + CROWD_LINGERS:
                return f"two classes are wrong about {name} at {start:.0f} s"
    line = sorted((one.at, one.end) for one in scenario.events if one.kind == "line")
    if any(one.kind == "regional" and not _shows_as_one(scenario, one) for one in scenario.events):
        return "a fault of our region that the crowd of three groups does not show"
    if any(start < end + 300 for (_from, end), (start, _until) in pairwise(line)):
        return "our own line flutters"
    return ""


def _wrongs(events: Sequence[Event], platform: str) -> Iterator[Event]:
    for event in events:
        if (event.kind == "lie" and event.who == platform) or event.kind == "regional":
            yield event


def _shows_as_one(scenario: Scenario, regional: Event) -> bool:
    """Rule R7 needs three unrelated groups to tell a region from its platforms; with fewer nobody could."""
    watched = set.intersection(*(set(config.platforms) for config in scenario.setup.configs))
    crowds = {one.platform for one in scenario.setup.sources if one.evidence == "crowd"} & watched
    blind = {
        one.who.partition("/")[0]
        for one in scenario.events
        if one.kind == "blind" and one.at < regional.end + CROWD_LINGERS and one.end > regional.at - CROWD_LINGERS
    }
    return len({GROUPS[name] for name in crowds - blind}) >= 3


def _wrong_until(event: Event) -> float:
    return event.end + (CROWD_LINGERS if event.kind == "regional" else 0.0)
