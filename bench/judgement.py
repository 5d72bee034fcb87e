"""How well does it judge?  Thousands of variants of every recorded outage and of every calm that looked like one.

    timeout 1h nice .venv/bin/python -m bench.judgement [--count 2000] [--jobs 2] [--out docs/judgement.md]

Each variant is played twice on the same evidence: by `failover replay` to the shipping engine with the built-in
organisation, and to three plain rules.  The number of a variant and the seed give exactly the same variant again:

    .venv/bin/python -m bench.judgement --seed 1 --only 123
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from bench.plain import RULES, Alert, alerts
from bench.variants import Source, agreed, joined, sources, spelled_out, troubled, varied
from bench.verdicts import page
from failover import registry
from failover.config.settings import Settings
from failover.incidents import HOLDING_KINDS
from failover.model import Statement
from failover.replay import library
from failover.replay.run import Record, perform
from failover.replay.scenario import Cast, Scenario

CALM = """
title: A calm day
onset: 2026-02-02T00:00
lasts: 24h
platforms: [facebook, instagram, whatsapp, x, telegram, linkedin]
expect: [{silent: true}]
"""
"""Played beside the shipped scenarios: nothing happens but that sources err."""

ONE_EPISODE = 3600.0
"""Trouble with less than this between it is one outage: a welcome back in it was none."""

GRACE = 900.0
"""So many seconds after the last trouble an alarm is late, but not false."""

USABLE = 600.0
"""A second class that agrees for less than this cannot be asked of anybody to notice."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What there was to be told.  Times in seconds from the onset; no episodes: nothing at all."""

    episodes: tuple[tuple[float, float], ...]
    second_class: float | None
    window: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Score:
    """What one rule made of one variant; delays in seconds."""

    false_alarms: int = 0
    false_recoveries: int = 0
    missed: bool = False
    delay: float | None = None
    after_second: float | None = None
    in_window: bool | None = None
    pairs: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    number: int
    scenario: str
    hours: float
    real: bool
    usable: bool
    scores: dict[str, Score]


@dataclass(frozen=True, slots=True)
class Stuff:
    """A scenario as written and as each probe sees it, the probes, and who watches."""

    scenario: Scenario
    spelled: Scenario
    found: list[Source]
    settings: Settings


@lru_cache(maxsize=1)
def _house() -> tuple[Settings, Cast]:
    settings = library.organisation(None, {})
    return settings, library.cast(settings)


@lru_cache(maxsize=64)
def _stuff(name: str) -> Stuff:
    whole, names = _house()
    scenario = library.read(CALM, name, names) if name == "calm" else library.scenario(name, names)
    settings = library.fitting(whole, scenario)
    spelled = spelled_out(scenario, settings, registry)
    return Stuff(scenario, spelled, sources(scenario, settings, registry), settings)


def truth(scenario: Scenario, spelled: Scenario, variant: Scenario) -> Truth:
    """What happened by the record; `second_class` is when two classes first agreed in the variant."""
    if scenario.over is None:
        return Truth((), None, None)
    episodes = joined(troubled(spelled), ONE_EPISODE)
    expected = next((one for one in scenario.expect if one.holding is not None), None)
    back = expected.welcome_back.from_ if expected and expected.welcome_back else None
    if back is not None:
        episodes[-1] = episodes[-1][0], min(episodes[-1][1], back)
    spans = [span for span in joined(agreed(variant), 1.0) if span[1] - span[0] >= USABLE and span[1] > 0]
    window = expected.holding if expected else None
    within = (window.from_ or 0.0, window.to) if window is not None and window.to is not None else None
    return Truth(tuple(episodes), max(0.0, spans[0][0]) if spans else None, within)


def concerned(scenario: Scenario, settings: Settings) -> set[str]:
    """The groups of platforms of which the file says what is right; in some a neighbour really is down."""
    named = {name for one in scenario.expect for name in one.about or scenario.platforms}
    return {settings.platforms[name].group for name in named if name in settings.platforms}


def score(said: Sequence[Alert], known: Truth) -> Score:
    """Measure one rule by what there was to be told."""
    falls = [one.at for one in said if one.down]
    backs = [one.at for one in said if not one.down]
    if not known.episodes:
        return Score(false_alarms=len(falls), pairs=len(falls))
    inside = [at for at in falls if any(begin <= at <= end + GRACE for begin, end in known.episodes)]
    first = inside[0] if inside else None
    return Score(
        false_alarms=len(falls) - len(inside),
        false_recoveries=sum(any(begin <= at < end for begin, end in known.episodes) for at in backs if inside),
        missed=first is None,
        delay=first,
        after_second=first - known.second_class if first is not None and known.second_class is not None else None,
        in_window=_within(first, known.window),
        pairs=len(falls),
    )


def _within(at: float | None, window: tuple[float, float] | None) -> bool | None:
    return None if window is None else at is not None and at <= window[1]


def ours(record: Record) -> list[Alert]:
    """What the public read: the first channel that said it counts, once for each statement."""
    told: dict[str, Alert] = {}
    for post in record.posts:
        if post.statement in HOLDING_KINDS or post.statement is Statement.WELCOME_BACK:
            group = record.settings.platforms[post.platforms[0]].group
            alert = Alert(post.at - record.scenario.onset, group, post.statement in HOLDING_KINDS)
            told.setdefault(post.reference, alert)
    return sorted(told.values(), key=lambda one: one.at)


def variant(number: int, seed: int, names: Sequence[str]) -> tuple[str, Scenario]:
    """The scenario of this number, and its variant."""
    name = names[number % len(names)]
    stuff = _stuff(name)
    return name, varied(stuff.spelled, stuff.found, random.Random(f"{seed}/{number}"))


def measure(number: int, seed: int, names: Sequence[str]) -> Result:
    """One variant, by our rules and by the plain ones."""
    name, played = variant(number, seed, names)
    stuff = _stuff(name)
    known = truth(stuff.scenario, stuff.spelled, played)
    told = {"ours": ours(perform(played, stuff.settings, registry, seed=number, approve_after=120.0))}
    told |= {rule: alerts(rule, played, stuff.settings, stuff.found, number) for rule in RULES}
    judged = concerned(stuff.scenario, stuff.settings)
    return Result(
        number=number,
        scenario=name,
        hours=(played.ends - played.begins) / 3600,
        real=bool(known.episodes),
        usable=known.second_class is not None,
        scores={rule: score([one for one in said if one.group in judged], known) for rule, said in told.items()},
    )


def _measured(work: tuple[int, int, Sequence[str]]) -> Result:
    return measure(*work)


def run(numbers: Sequence[int], seed: int, names: Sequence[str], jobs: int, keep: Path | None) -> Iterator[Result]:
    """One by one; what is done is written to `keep`, and what stands there is not done again."""
    known = kept(keep)
    yield from known.values()
    left = [(number, seed, names) for number in numbers if number not in known]
    with ProcessPoolExecutor(jobs) as pool:
        for result in pool.map(_measured, left, chunksize=4):
            if keep is not None:
                with keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
            yield result


def kept(file: Path | None) -> dict[int, Result]:
    """What an earlier run has written down."""
    if file is None or not file.exists():
        return {}
    values = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    told = [{**one, "scores": {rule: Score(**given) for rule, given in one["scores"].items()}} for one in values]
    return {one["number"]: Result(**one) for one in told}


def _show(number: int, seed: int, names: Sequence[str]) -> None:
    """One variant in full, for whoever looks for the reason."""
    from failover.replay import report

    name, played = variant(number, seed, names)
    print(name, measure(number, seed, names))
    print(report.text(perform(played, _stuff(name).settings, registry, seed=number, approve_after=120.0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="write results there, and go on from them (JSON lines)"
    )
    parser.add_argument("--only", type=int, metavar="NUMBER", help="show one variant in full")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the page there as well")
    arguments = parser.parse_args()
    names = [*library.shipped(), "calm", "calm", "calm"]
    if arguments.only is not None:
        _show(arguments.only, arguments.seed, names)
        return
    results = list(run(range(arguments.count), arguments.seed, names, arguments.jobs, arguments.keep))
    command = f"python -m bench.judgement --count {len(results)} --seed {arguments.seed}"
    text = page(results, command, arguments.seed)
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
