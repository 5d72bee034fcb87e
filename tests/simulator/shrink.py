"""Make a failing scenario small: leave events out, then shorten and simplify what is left, as long as it still fails.

The failure that is kept is of the same kind (the invariant), not necessarily at the same time.  A candidate that
leaves what is assumed of the world is no candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from tests.simulator.scenario import Config, Event, Scenario, Setup, within_assumptions

Fails = Callable[[Scenario], bool]

MOST_RUNS = 600


def shrink(scenario: Scenario, fails: Fails, *, most: int = MOST_RUNS) -> Scenario:
    """The smallest that was found within so many runs."""
    budget = _Budget(fails, most)
    scenario = _fewer_events(scenario, budget)
    while not budget.spent:
        simpler = _simpler(scenario, budget)
        if simpler is None:
            break
        scenario = _fewer_events(simpler, budget)
    return scenario


class _Budget:
    """Asks whether a candidate fails, so many times."""

    def __init__(self, fails: Fails, most: int) -> None:
        self._fails = fails
        self._left = most

    @property
    def spent(self) -> bool:
        return self._left <= 0

    def fails(self, scenario: Scenario) -> bool:
        if self.spent or within_assumptions(scenario):
            return False
        self._left -= 1
        return self._fails(scenario)


def _fewer_events(scenario: Scenario, budget: _Budget) -> Scenario:
    """Delta debugging (Zeller's ddmin): without ever smaller parts of the events."""
    parts = 2
    while scenario.events:
        size = max(1, -(-len(scenario.events) // parts))
        smaller = _without_one_part(scenario, size, budget)
        if smaller is not None:
            scenario, parts = smaller, max(2, parts - 1)
        elif size == 1:
            break
        else:
            parts = min(len(scenario.events), 2 * parts)
    return scenario


def _without_one_part(scenario: Scenario, size: int, budget: _Budget) -> Scenario | None:
    for start in range(0, len(scenario.events), size):
        candidate = replace(scenario, events=scenario.events[:start] + scenario.events[start + size :])
        if budget.fails(candidate):
            return candidate
    return None


def _simpler(scenario: Scenario, budget: _Budget) -> Scenario | None:
    """The first simplification that still fails; None if there is none."""
    for candidate in _candidates(scenario):
        if budget.fails(candidate):
            return candidate
    return None


def _candidates(scenario: Scenario) -> Iterator[Scenario]:
    for setup in _simpler_setups(scenario.setup):
        yield replace(scenario, setup=setup)
    yield from _earlier(scenario)
    for place, event in enumerate(scenario.events):
        for simpler in _simpler_events(event):
            yield replace(scenario, events=_put(scenario.events, place, simpler))


def _put(events: Sequence[Event], place: int, event: Event) -> tuple[Event, ...]:
    return (*events[:place], event, *events[place + 1 :])


def _earlier(scenario: Scenario) -> Iterator[Scenario]:
    """Begin at once: everything is moved, to the next full hour or to ten minutes after the beginning."""
    first = min((one.at for one in scenario.events), default=0.0)
    for by in (first - 600, (first - 600) // 3600 * 3600):
        if by > 0:
            events = tuple(replace(one, at=round(one.at - by, 1)) for one in scenario.events)
            yield replace(scenario, events=events, hours=scenario.hours - by // 3600)


def _simpler_events(event: Event) -> Iterator[Event]:
    if event.kind in ("channel", "find") and "," in event.what:
        answers = event.what.split(",")
        yield replace(event, what=",".join(answers[:-1]))
        yield replace(event, what=",".join(answers[1:]))
    if event.kind == "lie" and event.number:
        yield replace(event, number=0.0)
    for grain in (600.0, 60.0, 10.0, 1.0):
        if event.lasts > grain and event.lasts % grain:
            yield replace(event, lasts=event.lasts // grain * grain)
        if event.at % grain and event.at > grain:
            yield replace(event, at=event.at // grain * grain)
    if event.lasts > 120:
        yield replace(event, lasts=event.lasts // 2)


def _simpler_setups(setup: Setup) -> Iterator[Setup]:
    for place in range(len(setup.configs) - 1, 0, -1):
        yield replace(setup, configs=setup.configs[:place] + setup.configs[place + 1 :])
    if setup.configs[0] != Config():
        yield replace(setup, configs=(Config(), *setup.configs[1:]))
    for place in range(len(setup.sources)):
        yield replace(setup, sources=setup.sources[:place] + setup.sources[place + 1 :])
    for place, source in enumerate(setup.sources):
        for plain in (replace(source, lag_down=0.0), replace(source, lag_up=0.0), replace(source, phase=0.0)):
            if plain != source:
                yield replace(setup, sources=(*setup.sources[:place], plain, *setup.sources[place + 1 :]))
