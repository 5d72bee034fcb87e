"""Every ambiguous answer, at every step of every channel: never lost, never twice, and a person only where nobody
else can tell.  `python -m tests.ambiguous` prints how many cases there are.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ambiguous.cases import STEPS, Case, Group, groups
from tests.ambiguous.expected import CERTAIN, FOUND, HELD, NOT_TAKEN, REFUSED, TABLE, TAKEN, expected, in_doubt
from tests.ambiguous.scene import Ending, Scene
from tests.ambiguous.warp import WarpLoop


@pytest.mark.timeout(300)  # some twenty cases side by side, on a machine that may have other things to do
@pytest.mark.parametrize("group", [*groups()], ids=str)
def test_it_is_public_exactly_once_and_ends_as_it_must(group: Group, tmp_path: Path) -> None:
    cases = [*group.cases()]
    with asyncio.Runner(loop_factory=WarpLoop) as runner:
        endings = runner.run(_side_by_side(cases, tmp_path))
    complaints = [
        f"{case.fault}: {what}" for case, ending in zip(cases, endings, strict=True) for what in _amiss(case, ending)
    ]
    assert not complaints, "\n".join(complaints)


async def _side_by_side(cases: list[Case], home: Path) -> list[Ending]:
    async def play(number: int, case: Case) -> Ending:
        own = home / str(number)
        own.mkdir()
        return await Scene(case, own).play()

    return await asyncio.gather(*(play(number, case) for number, case in enumerate(cases)))


def _amiss(case: Case, ending: Ending) -> list[str]:
    """What is not as it must be."""
    found = [*dict.fromkeys(ending.wrong)]
    if ending.end != expected(case):
        found.append(f"ended {ending.end} instead of {expected(case)} ({ending.reason})")
    if ending.doubt != in_doubt(case):
        found.append(f"in doubt about {len(ending.doubt)} instead of {len(in_doubt(case))} recipients")
    missing = {person for person, copies in ending.copies.items() if copies == 0}
    if ending.end not in (HELD, REFUSED) and missing - ending.doubt:
        found.append("it ended as sent, and is not there")
    if ending.end == FOUND and ending.attempts > 1:
        found.append(f"{ending.attempts} attempts at what was there after the first")
    if ending.end == REFUSED and any(ending.copies.values()):
        found.append("it ended as refused, and is there")
    return found


def test_the_table_knows_every_step_and_every_fault() -> None:
    steps = {(name, step.name) for name, steps in STEPS.items() for step in steps}
    assert steps - {step for step in steps if step[0] in ("email", "email-one", "site")} == set(TABLE)
    known = {*CERTAIN, *NOT_TAKEN, *TAKEN}
    met = {case.fault for group in groups() if (group.channel, group.step.name) in TABLE for case in group.cases()}
    assert met == known
