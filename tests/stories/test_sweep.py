"""A slice of the crash sweep: killed on entry to a system call, at twelve of the hundreds of places there are.

The whole sweep is `make crash`; what a case is, and what counts, stands in `bench/deaths.py`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.deaths import played
from bench.points import Point
from bench.strace import obstacle

SLICE = {
    "while it is told": [Point("main", "fdatasync", 6), Point("main", "sendto", 20), Point("main", "recvfrom", 24)],
    "while it is over": [Point("main", "pwrite64", 300), Point("main", "sendto", 55), Point("main", "fdatasync", 34)],
    "pages of the site": [Point("helpers", "mkdir", 1), Point("helpers", "fsync", 3), Point("helpers", "rename", 4)],
    "at the next start": [
        Point("restart", "fdatasync", 4), Point("restart", "pwrite64", 40), Point("restart", "sendto", 9),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def _tracing() -> None:
    if trouble := obstacle():
        pytest.skip(trouble)


@pytest.mark.usefixtures("_tracing")
@pytest.mark.parametrize("points", SLICE.values(), ids=SLICE)
async def test_killed_at_a_system_call(points: list[Point], tmp_path: Path) -> None:
    """D7: after the next start everybody has heard both statements once, and nothing waits for a person."""
    folders = [tmp_path / str(number) for number, _ in enumerate(points)]
    for folder in folders:
        folder.mkdir()
    results = await asyncio.gather(*map(played, points, folders))
    assert [one for one in results if not one.clean] == []
    assert any(one.reached for one in results), "nothing died: the slice no longer lies within an incident"
