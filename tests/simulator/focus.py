"""Short lives about one danger each: what a protection is for happens in every other of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulator.generator import HOUR, MINUTE
from tests.simulator.scenario import Config, Event, Scenario, Setup, Source

BEGINS = 1200.0
WATCHED = ("facebook", "x", "telegram")


def crashes(dice: random.Random) -> Iterator[Event]:
    """The process dies at any step about the verdict."""
    answers = ("ok", "die after", "hang", "die late:30", "lost", "die before")
    for channel in ("telegram", "email"):
        yield Event(BEGINS - 60, "channel", channel, dice.choice(answers))
    yield Event(BEGINS, "outage", "facebook", "soft", 40 * MINUTE)
    yield Event(BEGINS + 100, "fuse", lasts=dice.choice((1.0, 20.0)), number=float(dice.randrange(4, 20)))


def late(dice: random.Random) -> Iterator[Event]:
    """Platforms that accept late, within the settling time."""
    for channel in ("telegram", "email"):
        yield Event(BEGINS - 60, "channel", channel, dice.choice(("late:10", "late:50", "hang late:40", "lost")))
    yield Event(BEGINS, "outage", "facebook", "soft", 40 * MINUTE)


def recovery(dice: random.Random) -> Iterator[Event]:
    """A holding statement waits until the platform is back."""
    for channel in ("telegram", "email", "blog"):
        yield Event(BEGINS - 60, "channel", channel, ",".join(["wait:300"] * dice.randrange(2, 6)))
    yield Event(BEGINS, "outage", "facebook", "soft", dice.uniform(4, 7) * MINUTE)


def lies(dice: random.Random) -> Iterator[Event]:
    """One class of evidence is wrong."""
    what = dice.choice(("crowd:down", "spoken:down", "here:down"))
    yield Event(BEGINS, "lie", dice.choice(("facebook", "x")), what, dice.uniform(5, 30) * MINUTE)


def line(dice: random.Random) -> Iterator[Event]:
    """Our own line is dead, and a status page is red by mistake as well (the crowd would not count beside it)."""
    lasts = dice.uniform(5, 30) * MINUTE
    yield Event(BEGINS, "line", what=dice.choice(("dead", "captive")), lasts=lasts)
    yield Event(BEGINS + dice.uniform(-300, 60), "lie", dice.choice(("facebook", "x")), "official:down", lasts)


Danger = Callable[[random.Random], Iterator[Event]]


def about(danger: Danger, seed: int) -> Scenario:
    """A life of a few hours about this danger."""
    dice = random.Random(seed)
    sources = tuple(
        Source(platform, name, evidence, lag_down, lag_up)
        for platform in WATCHED
        for name, evidence, lag_down, lag_up in (
            ("api", "spoken", 0.0, 0.0),
            ("web", "here", 0.0, 0.0),
            ("crowd", "crowd", float(dice.randrange(60)), float(dice.randrange(60))),
            ("page", "official", 0.0, 0.0),
        )
    )
    config = Config(platforms=WATCHED, holding=dice.choice(("automatic", "automatic", "veto")))
    setup = Setup(sources=sources, configs=(config,), recover_for=300.0, veto_for=60.0, welcome_latest=HOUR)
    events = tuple(sorted(danger(dice), key=lambda one: one.at))
    end = max(one.end for one in events)
    return Scenario(
        seed=seed,
        setup=replace(setup, fraction=round(dice.uniform(0.1, 0.9), 2)),
        events=tuple(replace(one, at=round(one.at, 1), lasts=round(one.lasts, 1)) for one in events),
        hours=round(end / HOUR + 3),
    )
