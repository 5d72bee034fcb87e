"""A failing life, told so that a person can follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.simulator.scenario import Config, Scenario, Setup
from tests.simulator.simulate import Result, simulate


def story(scenario: Scenario) -> str:
    """Run it once more, and write everything down."""
    return "\n".join(_lines(simulate(scenario, story=True)))


def _lines(result: Result) -> Iterator[str]:
    scenario = result.scenario
    if result.violation is None:
        yield f"Seed {scenario.seed}: nothing is violated."
    else:
        yield f"VIOLATED: {result.violation.kind}: {result.violation.what}"
        yield f"(seed {scenario.seed}, {len(scenario.events)} events left, at {_clock(result.violation.at)})"
    yield ""
    yield from _house(scenario.setup)
    yield ""
    yield from _told(result.lines)


def _house(setup: Setup) -> Iterator[str]:
    yield (
        f"The house: agreement for {setup.confirm_for:g} s, recovery after {setup.recover_for:g} s, veto for "
        f"{setup.veto_for:g} s, settling {setup.settle:g} s, holding at the latest after {setup.holding_latest:g} s."
    )
    for source in setup.sources:
        lags = f"shows a fall {source.lag_down:g} s late, a recovery {source.lag_up:g} s late"
        yield f"  source {source.id} ({source.evidence}): {lags}"
    for number, config in enumerate(setup.configs):
        yield f"  configuration {number}: {_differences(config) or 'the usual one'}"


def _differences(config: Config) -> str:
    usual = Config()
    names = ("platforms", "channels", "meta_backups", "x_backups", "reach", "holding", "welcome", "when_unsure")
    return ", ".join(
        f"{name} {_said(getattr(config, name))}" for name in names if getattr(config, name) != getattr(usual, name)
    )


def _said(value: object) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _told(lines: Iterable[tuple[float, str]]) -> Iterator[str]:
    for at, text in lines:
        yield f"{_clock(at)}  {text}"


def _clock(seconds: float) -> str:
    """Day and time since the beginning."""
    whole = int(seconds)
    days, rest = divmod(whole, 86400)
    return f"d{days} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
