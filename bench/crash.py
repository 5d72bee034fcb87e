"""The crash sweep: the real daemon is killed at every durable and network system call of an incident.

    make crash                                    the whole sweep, and its report in docs/crash-sweep.md
    .venv/bin/python -m bench.crash --quick 40    forty points, evenly spread; nothing is written
    .venv/bin/python -m bench.crash --resume      go on where a stopped sweep ended; what went wrong is played again

Needs strace and the right to trace one's own processes.  What a case is stands in `bench/deaths.py`, where it
strikes in `bench/points.py`.  Results are
kept as lines of JSON in build/crash-sweep.jsonl; the exit code is 1 when anything was said twice or not at all.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from bench.deaths import play, record
from bench.points import ANY_MOMENT, CALLS, HELPERS, MAIN, RESTART, Point, Result
from bench.report import report
from bench.strace import obstacle

HOUSE = Path(__file__).parents[1]
RESULTS = HOUSE / "build" / "crash-sweep.jsonl"
REPORT = HOUSE / "docs" / "crash-sweep.md"

TRACED = (MAIN, HELPERS, RESTART)
RECORDINGS = 2
ATTEMPTS = 3
"""The helper threads share the work as they come, so that a number may be reached by none of them."""

NOT_AT_A_START = frozenset({"openat", "close", "socket"})
"""While a daemon starts, these are Python looking for its modules, by the thousand."""

EVERY_WRITE = 8
"""A commit writes so many pages and more, and it fails whichever of them does not go to the disk."""

Counts = Mapping[str, Mapping[str, int]]


def points(counts: Counts, random_kills: int) -> list[Point]:
    """Every point there is: each call of each kind, and so many moments by the clock."""
    traced = [
        Point(where, call, number)
        for where, calls in counts.items()
        for call in CALLS
        if not (where == RESTART and call in NOT_AT_A_START)
        for number in range(1, calls.get(call, 0) + 1)
    ]
    main = counts[MAIN]
    failing = [Point("EIO", "fdatasync", number) for number in range(1, main["fdatasync"] + 1)]
    failing += [Point("ENOSPC", "pwrite64", number) for number in range(1, main["pwrite64"] + 1, EVERY_WRITE)]
    return traced + failing + [Point(ANY_MOMENT, "kill", seed) for seed in range(1, random_kills + 1)]


def spread(everything: list[Point], count: int, seed: int) -> list[Point]:
    """So many of them at even distances; the seed says where the first lies."""
    step = len(everything) / count
    first = random.Random(seed).uniform(0, step)
    return [everything[int(first + number * step)] for number in range(count)]


def measure() -> dict[str, dict[str, int]]:
    """How many calls there are: record some incidents in which nothing dies; the most of each counts."""
    most: dict[str, dict[str, int]] = {}
    for where in TRACED:
        calls = most.setdefault(where, {})
        for _ in range(RECORDINGS):
            with tempfile.TemporaryDirectory(prefix="crash-") as folder:
                for call, count in record(where, Path(folder)).items():
                    calls[call] = max(calls.get(call, 0), count)
    return most


def case(point: Point) -> Result:
    """One case, in a folder of its own that is kept where something went wrong."""
    for _ in range(ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix="crash-"))
        result = play(point, folder)
        if result.clean:
            shutil.rmtree(folder, ignore_errors=True)
        if result.reached or not result.clean:
            break
    return result


def played(cases: Iterable[Point], jobs: int) -> Iterator[Result]:
    """The results as they come."""
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        for future in as_completed([pool.submit(case, one) for one in cases]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Book:
    """The results so far, a line of JSON each; the first line holds the counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counts = {}
        self.results: dict[Point, Result] = {}

    def read(self) -> None:
        """What is there.  What went wrong is forgotten, to be played again."""
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        self.counts = lines[0]["counts"]
        found = [Result(**line | {"point": Point(**line["point"])}) for line in lines[1:]]
        self.results = {one.point: one for one in found if one.clean}

    def begin(self, counts: Counts) -> None:
        self.counts = counts
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [{"counts": counts}, *(one.as_fields() for one in self.results.values())]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def add(self, result: Result) -> None:
        self.results[result.point] = result
        with self.path.open("a") as file:
            file.write(json.dumps(result.as_fields()) + "\n")


def tell(result: Result, number: int, of: int) -> None:
    """One line of progress; every case that is not clean in full."""
    point = result.point
    if number % 10 == 0 or not result.clean:
        print(f"{number:5} of {of}  {point.where} {point.call} {point.number}  {result.seconds:.1f} s", flush=True)
    if not result.clean:
        print(f"      {json.dumps(asdict(result))}", flush=True)


def sweep(wanted: list[Point], book: Book, jobs: int) -> list[Result]:
    """Play what has not been played; all results."""
    left = [point for point in wanted if point not in book.results]
    random.Random(1).shuffle(left)  # a sweep that is stopped half way has seen something of everything
    print(f"{len(wanted)} points, {len(left)} of them to be played", flush=True)
    for number, result in enumerate(played(left, jobs), 1):
        book.add(result)
        tell(result, number, len(left))
    return [book.results[point] for point in wanted]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", type=int, metavar="K", help="only K points, evenly spread; no report is written")
    parser.add_argument("--seed", type=int, default=1, help="where the first of the quick points lies")
    parser.add_argument("--random", type=int, default=100, metavar="N", help="incidents with kills at any moment")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--resume", action="store_true", help="go on with a sweep that was stopped")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", type=Path, default=REPORT)
    asked = parser.parse_args()
    if trouble := obstacle():
        print(f"crash sweep: {trouble}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is under way ends, and the results are kept
    results = asked.results.with_suffix(".quick.jsonl") if asked.quick else asked.results
    book = Book(results)
    if asked.resume and results.exists():
        book.read()
    counts = book.counts or measure()
    book.begin(counts)
    everything = points(counts, asked.random)
    wanted = spread(everything, asked.quick, asked.seed) if asked.quick else everything
    found = sweep(wanted, book, asked.jobs)
    text = report(found, asked.jobs, shlex.join(["python", "-m", "bench.crash", *sys.argv[1:]]))
    if asked.quick:
        print(text)
    else:
        asked.report.parent.mkdir(exist_ok=True)
        asked.report.write_text(text, encoding="utf-8")
        print(f"the report: {asked.report}")
    return 0 if all(one.clean for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
