"""A seed in, a scenario out: days of calm, and now and then an episode in which everything goes wrong at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from tests.simulator.public import ANSWERS, FINDINGS
from tests.simulator.scenario import GROUPS, Config, Event, Scenario, Setup, Source, within_assumptions

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
TALKERS = ("telegram", "email", "blog", "x-account", "facebook-page")
EPILOGUE = 40 * HOUR
"""Calm at the end, long enough for everything to come to its end."""


def generate(seed: int, *, dense: float = 1.0) -> Scenario:
    """The same scenario for the same seed, for ever; `dense` is how many episodes there are per usual one."""
    dice = random.Random(seed)
    setup = _setup(dice)
    episodes = 1 + int(dice.random() * 5 * dense)
    events: list[Event] = []
    begins = dice.uniform(2 * HOUR, 3 * DAY)
    for _ in range(episodes):
        found = [one for one in _episode(dice, setup, begins) if one.at > 600]
        events += [replace(one, at=round(one.at, 1), lasts=round(one.lasts, 1)) for one in found]
        begins = max((one.end for one in found), default=begins) + _pause(dice, setup)
    kept = _admissible(setup, sorted(events, key=lambda one: one.at))
    end = max((one.end for one in kept), default=0.0) + EPILOGUE
    return Scenario(seed=seed, setup=setup, events=tuple(kept), hours=round(end / HOUR + 1))


def _pause(dice: random.Random, setup: Setup) -> float:
    """Until the next episode: mostly days, sometimes within the time of a relapse."""
    near = dice.choice((5 * MINUTE, 30 * MINUTE, 2 * HOUR, 8 * HOUR))
    return near if dice.random() < 0.25 else dice.uniform(1 * DAY, 30 * DAY)


def _admissible(setup: Setup, events: list[Event]) -> list[Event]:
    """Without what the daemon does not promise to withstand."""
    kept: list[Event] = []
    for event in events:
        trial = Scenario(seed=0, setup=setup, events=(*kept, event), hours=0)
        if event.kind not in ("lie", "regional", "line", "blind") or not within_assumptions(trial):
            kept.append(event)
    return kept


# -- the house ---------------------------------------------------------------------------------------------------


def _setup(dice: random.Random) -> Setup:
    together = dice.random() < 0.8
    sources = tuple(source for name in GROUPS for source in _sources(dice, name, together=together))
    first = _config(dice)
    configs = (first, *(_other(dice, first) for _ in range(dice.choice((0, 1, 2)))))
    return Setup(
        sources=sources,
        configs=configs,
        confirm_for=dice.choice((120.0, 120.0, 60.0, 300.0)),
        recover_for=dice.choice((900.0, 900.0, 300.0)),
        intermittent_for=dice.choice((6 * HOUR, 1 * HOUR)),
        veto_for=dice.choice((300.0, 60.0)),
        holding_latest=dice.choice((1800.0, 600.0)),
        welcome_latest=dice.choice((12 * HOUR, 1 * HOUR)),
        latency=dice.choice((0.2, 0.7, 2.5)),
        fraction=round(dice.uniform(0.05, 0.95), 2),
    )


def _sources(dice: random.Random, platform: str, *, together: bool) -> Iterator[Source]:
    phases = (0.0,) if together else (0.0, 7.0, 20.0, 41.0)

    def source(name: str, evidence: str, down: float, up: float, *, on_suspicion: bool = False) -> Source:
        return Source(platform, name, evidence, round(down), round(up), dice.choice(phases), on_suspicion)

    yield source("api", "spoken", 0, dice.choice((0, 0, 30)))
    yield source("crowd", "crowd", dice.uniform(30, 240), dice.uniform(30, 400))
    if dice.random() < 0.5:
        yield source("web", "here", 0, 0)
    if dice.random() < 0.5:
        yield source("official", "official", dice.uniform(120, 1500), dice.uniform(60, 1200))
    if dice.random() < 0.3:
        yield source("elsewhere", "elsewhere", dice.uniform(0, 30), dice.uniform(0, 60), on_suspicion=True)
    if dice.random() < 0.2:
        yield source("account", "spoken", 0, 0)


def _config(dice: random.Random) -> Config:
    meta = dice.choice((("telegram", "email", "blog"), ("x-account", "telegram", "email"), ("email", "blog")))
    modes = ("automatic", "automatic", "automatic", "veto", "required")
    everyone = ("facebook", "instagram", "x", "telegram")
    few = (("facebook", "x"), ("facebook", "instagram", "telegram"), ("facebook", "instagram", "x"))
    return Config(
        platforms=dice.choice((everyone, *few)),
        meta_backups=meta,
        x_backups=dice.choice((("telegram", "blog"), ("email", "telegram"))),
        reach=dice.choice((0, 0, 1, 2)),
        holding=dice.choice(modes),
        welcome=dice.choice(modes),
        when_unsure=dice.choice(("hold", "hold", "next", "resend")),
    )


def _other(dice: random.Random, first: Config) -> Config:
    """What somebody makes of it later."""
    changed = _config(dice)
    match dice.randrange(5):
        case 0:
            gone = dice.choice(("telegram", "email", "x-account"))
            return replace(first, channels=tuple(name for name in first.channels if name != gone))
        case 1:
            gone = dice.choice(("instagram", "x", "facebook"))
            return replace(first, platforms=tuple(name for name in first.platforms if name != gone))
        case 2:
            return replace(first, meta_backups=changed.meta_backups, reach=changed.reach)
        case 3:
            return replace(first, holding=changed.holding, welcome=changed.welcome)
        case _:
            return replace(first, x_backups=changed.x_backups, when_unsure=first.when_unsure)


# -- an episode ----------------------------------------------------------------------------------------------------


def _episode(dice: random.Random, setup: Setup, at: float) -> list[Event]:
    """An outage with all that may go with it, or a false alarm."""
    if dice.random() < 0.25:
        return [*_false_alarm(dice, at)]
    outages = [*_outages(dice, at)]
    moments = _moments(dice, setup, outages)
    events = [*outages, *_moods(dice, at)]
    if dice.random() < 0.2:  # a source that goes on about it when all is well
        begins = outages[0].end - dice.uniform(30, 120)
        events.append(Event(begins, "lie", outages[0].who, dice.choice(("crowd:down", "official:down")), 2 * HOUR))
    for _ in range(dice.choice((0, 0, 1, 2, 3, 5))):
        events += _disturbance(dice, dice.choice(moments), outages[0].who)
    events += _people(dice, setup, outages)
    return events


def _outages(dice: random.Random, at: float) -> Iterator[Event]:
    lasts = dice.choice((90.0, 5 * MINUTE, 12 * MINUTE, 40 * MINUTE, 2 * HOUR, 6 * HOUR)) * dice.uniform(0.7, 1.3)
    what = dice.choice(("soft", "hard", "unofficial"))
    fallen = dice.choice(
        (("facebook",), ("facebook", "instagram"), ("x",), ("telegram",), ("x", "telegram"), ("facebook", "telegram"))
    )
    for name in fallen:
        shorter = dice.choice((1.0, 1.0, 0.3))
        yield Event(at + dice.choice((0, 20, 200, 2000)) * dice.random(), "outage", name, what, lasts * shorter)
    after = at + lasts
    for _ in range(dice.choice((0, 0, 0, 1, 1, 3))):  # relapses, and flaps
        after += dice.choice((MINUTE, 10 * MINUTE, 20 * MINUTE, 50 * MINUTE, 90 * MINUTE)) * dice.uniform(0.8, 1.5)
        lasts = dice.choice((MINUTE, 6 * MINUTE, 20 * MINUTE)) * dice.uniform(0.8, 1.5)
        yield Event(after, "outage", fallen[0], what, lasts)
        after += lasts


def _moods(dice: random.Random, at: float) -> Iterator[Event]:
    """What the channels will answer; most answer well."""
    if dice.random() < 0.4:
        return
    for name in TALKERS:
        if dice.random() < 0.35:
            answers = ",".join(dice.choice(ANSWERS) for _ in range(dice.choice((1, 1, 2, 4))))
            yield Event(max(at - 30, 601), "channel", name, answers)
        if dice.random() < 0.2:
            yield Event(max(at - 30, 601), "find", name, ",".join(dice.choices(FINDINGS, k=dice.choice((1, 4)))))


def _moments(dice: random.Random, setup: Setup, outages: list[Event]) -> list[float]:
    """When it matters: about the fall, the verdict, the sending, the recovery, the welcome back."""
    one = dice.choice(outages)
    verdict = one.at + setup.confirm_for + dice.uniform(30, 330)
    over = one.end + setup.recover_for + dice.uniform(0, 120)
    return [
        one.at + dice.uniform(-60, 60),
        verdict,
        verdict + dice.uniform(0, 5),
        verdict + dice.uniform(0, 300),
        one.end + dice.uniform(-30, 60),
        over + dice.uniform(-10, 10),
        over + dice.uniform(0, 400),
        dice.uniform(one.at, one.end + setup.recover_for + 600),
    ]


def _disturbance(dice: random.Random, at: float, fallen: str) -> Iterator[Event]:
    match dice.choices(range(2, 9), (3, 4, 2, 2, 1, 1, 2))[0]:
        case 2:
            yield Event(at, "crash", lasts=dice.choice((1.0, 5.0, 60.0, 15 * MINUTE, 3 * HOUR)))
        case 3:
            yield Event(at, "fuse", lasts=dice.choice((1.0, 20.0, 600.0)), number=float(dice.randrange(25)))
        case 4:
            yield from _lies(dice, at, fallen)
        case 5:
            lasts = dice.choice((60.0, 5 * MINUTE, 30 * MINUTE))
            yield Event(at, "line", what=dice.choice(("dead", "captive")), lasts=lasts)
        case 6:
            yield Event(at, "clock", number=float(dice.choice((-3600, -300, -5, 5, 300, 3600))))
        case 7:
            yield Event(at, "disk", lasts=dice.choice((5.0, 60.0, 600.0)))
        case _:
            yield Event(at, "reload", number=float(dice.randrange(3)))


def _lies(dice: random.Random, at: float, fallen: str = "") -> Iterator[Event]:
    platform = fallen if fallen and dice.random() < 0.6 else dice.choice(tuple(GROUPS))
    lasts = dice.choice((120.0, 10 * MINUTE, 1 * HOUR, 3 * HOUR))
    if dice.random() < 0.4:
        what = dice.choice(("unknown", "hang", "bug", "account"))
        source = dice.choice((platform, f"{platform}/api", f"{platform}/crowd"))
        yield Event(at, "blind", source, what, lasts)
        return
    evidence = dice.choice(("crowd", "crowd", "official", "spoken", "here", "elsewhere"))
    signal = dice.choice(("down", "down", "up", "degraded"))
    flap = dice.choice((0.0, 0.0, 0.0, 90.0, 200.0))
    yield Event(at, "lie", platform, f"{evidence}:{signal}", lasts, flap if lasts <= 10 * MINUTE else 0.0)


def _false_alarm(dice: random.Random, at: float) -> Iterator[Event]:
    """Nothing is down in truth."""
    lasts = dice.choice((5 * MINUTE, 30 * MINUTE, 3 * HOUR))
    match dice.randrange(6):
        case 0:
            yield Event(at, "regional", lasts=lasts)
        case 5:  # nobody can tell, or one class alone speaks against it, and a person decides
            platform = dice.choice(tuple(GROUPS))
            if dice.random() < 0.6:
                yield Event(at, "blind", platform, "unknown", lasts)
            else:
                yield Event(at, "lie", platform, "crowd:down", lasts)
            yield Event(at + lasts * 0.8, "declare", platform, dice.choice(("up", "down")))
            yield Event(at + lasts + HOUR, "declare", platform, "auto")
        case 1:
            yield Event(at, "line", what=dice.choice(("dead", "captive")), lasts=lasts)
            for _ in range(2):
                yield from _lies(dice, at + dice.uniform(-300, 300))
        case 2:
            platform = dice.choice(tuple(GROUPS))
            yield Event(at, "declare", platform, "down")
            yield Event(at + lasts, "declare", platform, dice.choice(("up", "auto")))
            yield Event(at + lasts + HOUR, "declare", platform, "auto")
            if dice.random() < 0.5:
                yield Event(at + dice.uniform(200, lasts), "retract", number=-1.0)
        case _:
            for _ in range(3):
                yield from _lies(dice, at + dice.uniform(0, lasts))
            if dice.random() < 0.5:
                yield Event(at + dice.uniform(0, lasts), "crash", lasts=5.0)


def _people(dice: random.Random, setup: Setup, outages: list[Event]) -> Iterator[Event]:
    one = dice.choice(outages)
    first = one.at + setup.confirm_for + dice.uniform(60, 900)
    last = one.end + setup.recover_for + dice.uniform(60, 900)
    signing = any("required" in (config.holding, config.welcome) for config in setup.configs)
    if signing or dice.random() < 0.2:
        for at in (first, first + dice.uniform(1, 3000), last, last + dice.uniform(1, 600)):
            if dice.random() < 0.8:
                yield Event(at, dice.choice(("approve",) * 5 + ("veto",)), number=float(dice.randrange(3)))
    if dice.random() < 0.12:
        yield Event(first, "veto", number=0.0)
    if dice.random() < 0.12:
        at = dice.choice((one.at, first, last - 300))
        yield Event(at, "pause", lasts=dice.choice((60.0, 20 * MINUTE, 2 * HOUR)))
    if dice.random() < 0.15:
        yield Event(dice.choice((first, last)), "declare", one.who, dice.choice(("down", "up")))
        yield Event(last + dice.uniform(0, 3600), "declare", one.who, "auto")
    if dice.random() < 0.06:
        yield Event(dice.choice((first + 60, last + 60)), "retract", number=-1.0)
