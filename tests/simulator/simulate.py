"""Run one scenario, and what is to be known of it afterwards."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field

from tests.simulator.invariants import Violation
from tests.simulator.life import Hours, LeapingLoop, Life
from tests.simulator.scenario import Scenario


@dataclass
class Result:
    """How one life went."""

    scenario: Scenario
    violation: Violation | None
    hours: Hours
    lines: list[tuple[float, str]] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    posts: Counter[str] = field(default_factory=Counter)


def simulate(scenario: Scenario, *, story: bool = False) -> Result:
    """Live it, in virtual time."""
    loop = LeapingLoop()
    try:
        life = Life(scenario, loop, story=story)
        try:
            loop.run_until_complete(life.run())
        except Exception as error:  # noqa: BLE001  a bug of the product (or of ours) is a finding like any other
            last = traceback.extract_tb(error.__traceback__)[-1]
            life.watcher.complain("bug", f"{error!r} in {last.name}, line {last.lineno}")
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
    return Result(
        scenario=scenario,
        violation=next(iter(life.watcher.violations), None),
        hours=life.hours,
        lines=life.lines or [],
        events=life.done,
        answers=life.public.met,
        checks=life.watcher.checks,
        known=life.watcher.known,
        posts=Counter(one.said.statement.value for one in life.public.posts),
    )
