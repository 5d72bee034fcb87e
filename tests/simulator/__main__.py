"""`python -m tests.simulator --hours H`: so many daemon-hours of random life; exit 1 with a story if one goes wrong.

python -m tests.simulator --hours 100000 --processes 2
python -m tests.simulator --story 4711                  # tell one seed
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.simulator import coverage
from tests.simulator.generator import generate
from tests.simulator.invariants import KNOWN
from tests.simulator.scenario import Scenario
from tests.simulator.shrink import shrink
from tests.simulator.simulate import simulate
from tests.simulator.story import story

SEEDS_AT_A_TIME = 20

BEGIN, END = "<!-- figures: begin (make simulate FIGURES=docs/simulator.md) -->", "<!-- figures: end -->"


@dataclass
class Tally:
    """What a number of lives came to.  Times are seconds; `busy` is processor time."""

    seeds: int = 0
    hours: Counter[str] = field(default_factory=Counter)
    busy: float = 0.0
    edges: coverage.Counts = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    posts: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.seeds += other.seeds
        self.busy += other.busy
        for name in ("hours", "edges", "events", "answers", "checks", "posts", "known"):
            getattr(self, name).update(getattr(other, name))
        self.failed += other.failed

    @property
    def lived(self) -> float:
        """Daemon-hours."""
        return (self.hours["skipped"] + self.hours["stepped"] + self.hours["dead"]) / 3600


def lives(seeds: range, dense: float) -> Tally:
    """Live these seeds, one after the other, until one goes wrong."""
    tally, began = Tally(), time.process_time()
    with coverage.counting(tally.edges):
        for seed in seeds:
            result = simulate(generate(seed, dense=dense))
            tally.seeds += 1
            tally.hours.update(vars(result.hours))
            for name in ("events", "answers", "checks", "posts", "known"):
                getattr(tally, name).update(getattr(result, name))
            if result.violation is not None:
                tally.failed.append(seed)
                break
    tally.busy = time.process_time() - began
    return tally


def campaign(first: int, hours: float, processes: int, dense: float) -> Tally:
    """From this seed on, until so many hours are lived or a seed goes wrong."""
    total = Tally()
    if processes == 1:
        for seeds in _portions(first):
            total.add(lives(seeds, dense))
            if total.failed or total.lived >= hours:
                return total
    with ProcessPoolExecutor(processes) as pool:
        portions = _portions(first)
        running: set[Future[Tally]] = {pool.submit(lives, next(portions), dense) for _ in range(2 * processes)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in done:
                total.add(one.result())
            if not total.failed and total.lived < hours:
                running |= {pool.submit(lives, next(portions), dense) for _ in done}
    return total


def _portions(first: int) -> Iterator[range]:
    return (range(start, start + SEEDS_AT_A_TIME) for start in count(first, SEEDS_AT_A_TIME))


def report(tally: Tally, wall: float) -> Iterator[str]:
    """What was lived, how fast, and what of the tables was covered."""
    hours = {name: seconds / 3600 for name, seconds in tally.hours.items()}
    yield f"{tally.lived:,.0f} daemon-hours in {tally.seeds:,} lives, {wall:.0f} s ({tally.busy:.0f} s of processor)"
    yield f"  {tally.lived / tally.busy:,.0f} daemon-hours per second of one core"
    yield f"  {hours.get('skipped', 0):,.0f} h left out as calm, {hours.get('stepped', 0):,.0f} h lived step by step,"
    yield f"  {hours.get('dead', 0):,.0f} h between two processes"
    incident = hours.get("incident", 0) + hours.get("incident_skipped", 0)
    yield (
        f"  {incident:,.0f} h with an open incident, {hours.get('incident', 0):,.0f} h of them step by step: "
        f"{incident / tally.busy:,.1f} incident-hours per second"
    )
    yield _counted("what happened", tally.events)
    yield _counted("what channels met", tally.answers)
    yield _counted("what was said", tally.posts)
    yield f"  {sum(tally.checks.values()):,} checks: " + _list(tally.checks)
    yield "Edges of the state tables:"
    yield from coverage.table(tally.edges)
    never = coverage.never(tally.edges)
    yield f"  {len(coverage.edges()) - len(never)} of {len(coverage.edges())} edges were taken"
    yield "Known, and not counted as a violation:" if KNOWN else "Known, and not counted as a violation: nothing"
    for name, what in KNOWN.items():
        yield f"  {tally.known[name]:>6,} x {what}"


def _counted(title: str, counts: Counter[str]) -> str:
    return f"  {title}: {_list(counts)}"


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.most_common())


def smallest(seed: int, dense: float) -> Scenario:
    """The failing life of this seed, made small."""
    scenario = generate(seed, dense=dense)
    first = simulate(scenario).violation
    if first is None:
        return scenario

    def fails(candidate: Scenario) -> bool:
        found = simulate(candidate).violation
        return found is not None and found.kind == first.kind

    return shrink(scenario, fails)


def _put_figures(page: Path, told: str) -> None:
    """Renew what stands between the two marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n```text\n{told}\n```\n\n{END}{after}")


def main() -> int:
    """0: nothing was violated; 1: something was, and its story is printed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--hours", type=float, default=20_000, help="daemon-hours to live (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="the first seed (default: a random one)")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--dense", type=float, default=1.0, help="episodes per usual episode")
    parser.add_argument("--figures", type=Path, metavar="PAGE", help="write the figures into this page")
    parser.add_argument("--story", type=int, default=None, metavar="SEED", help="tell one seed, and nothing else")
    parser.add_argument("--whole", action="store_true", help="with --story: do not make it small")
    asked = parser.parse_args()
    if asked.story is not None:
        chosen = generate(asked.story, dense=asked.dense) if asked.whole else smallest(asked.story, asked.dense)
        print(story(chosen))
        return 0
    first = random.SystemRandom().randrange(10**9) if asked.seed is None else asked.seed
    print(f"seeds from {first} on", flush=True)
    began = time.monotonic()
    tally = campaign(first, asked.hours, asked.processes, asked.dense)
    told = "\n".join(report(tally, time.monotonic() - began))
    print(told, flush=True)
    if asked.figures is not None:
        _put_figures(asked.figures, f"seeds from {first} on\n{told}")
    for seed in tally.failed[:1]:
        print(f"\nSeed {seed} goes wrong; made small:\n\n{story(smallest(seed, asked.dense))}")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
