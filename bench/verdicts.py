"""What the judgement bench found, as a page of Markdown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.judgement import Result, Score

TITLES = {
    "ours": "failover",
    "gatus": "three failures in a row (Gatus)",
    "kuma": "first failure (Uptime Kuma)",
    "official": "official page only",
}

A_YEAR = 8766.0
"""Hours."""


def page(results: Sequence[Result], command: str, seed: int) -> str:
    """The whole page but for the remarks, which stand in it by hand."""
    return "\n".join([*_head(results, command), *_rules(results), *_scenarios(results), *_odd(results, seed), ""])


def _head(results: Sequence[Result], command: str) -> list[str]:
    real = [one for one in results if one.real]
    hours = sum(one.hours for one in results)
    return [
        "# How well it judges",
        "",
        f"{len(results):,} variants: {len(real):,} of outages, {len(results) - len(real):,} in which nothing is to",
        f"be said; together {hours / A_YEAR:.2f} simulated years of one organisation.",
        "",
        f"- command: `{command}`",
        f"- date: {time.strftime('%Y-%m-%d', time.gmtime())}",
        "",
    ]


_HEADS = (
    "", "delay, median", "p90", "from the second class, median", "p90", "within the window", "false alarms a year",
    "missed", "false recoveries", "alarms per outage",
)  # fmt: skip

_OWN_HEADS = (
    "scenario", "variants", "delay, median", "p90", "within the window", "false alarms", "missed", "false recoveries",
)  # fmt: skip


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)] + [""]


def _rules(results: Sequence[Result]) -> list[str]:
    return _table(_HEADS, [_rule(results, rule) for rule in TITLES])


def _rule(results: Sequence[Result], rule: str) -> list[str]:
    real = [one for one in results if one.real]
    scores = [one.scores[rule] for one in real]
    usable = [one.scores[rule] for one in real if one.usable]
    years = sum(one.hours for one in results) / A_YEAR
    alarms = sum(one.scores[rule].false_alarms for one in results)
    told = [one for one in scores if not one.missed]
    missed, blind = sum(one.missed for one in usable), sum(one.missed for one in scores)
    return [
        TITLES[rule],
        *_delays(one.delay for one in scores),
        *_delays(one.after_second for one in usable),
        _share([one.in_window for one in scores]),
        f"{alarms / years:.1f} ({alarms})",
        f"{missed} of {len(usable)}; of those without a second class {blind - missed} of {len(scores) - len(usable)}",
        f"{sum(one.false_recoveries for one in scores)}",
        f"{statistics.mean(one.pairs for one in told):.1f}" if told else "-",
    ]


def _delays(delays: Iterable[float | None]) -> tuple[str, str]:
    known = sorted(one for one in delays if one is not None)
    if not known:
        return "-", "-"
    return _minutes(statistics.median(known)), _minutes(known[min(len(known) - 1, int(0.9 * len(known)))])


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


def _share(held: Iterable[bool | None]) -> str:
    applies = [one for one in held if one is not None]
    return f"{100 * sum(applies) / len(applies):.0f} %" if applies else "-"


def _scenarios(results: Sequence[Result]) -> list[str]:
    names = sorted({one.scenario for one in results})
    rows = [_scenario(name, [one.scores["ours"] for one in results if one.scenario == name]) for name in names]
    return ["## By scenario (failover)", "", *_table(_OWN_HEADS, rows)]


def _scenario(name: str, scores: Sequence[Score]) -> list[str]:
    return [
        name,
        str(len(scores)),
        *_delays(one.delay for one in scores),
        _share([one.in_window for one in scores]),
        str(sum(one.false_alarms for one in scores)),
        str(sum(one.missed for one in scores)),
        str(sum(one.false_recoveries for one in scores)),
    ]


def _odd(results: Sequence[Result], seed: int) -> list[str]:
    """Where to look for what went wrong."""
    kinds: dict[str, Callable[[Result], object]] = {
        "False alarms": lambda one: one.scores["ours"].false_alarms,
        "Missed though two classes agreed": lambda one: one.usable and one.scores["ours"].missed,
        "False recoveries": lambda one: one.scores["ours"].false_recoveries,
    }
    lines = [f"## Variants to look at (`--seed {seed} --only NUMBER`)", ""]
    for title, wrong in kinds.items():
        found = [f"{one.number} ({one.scenario})" for one in results if wrong(one)]
        more = f" and {len(found) - 15} more" if len(found) > 15 else ""
        lines.append(f"- {title}: {', '.join(found[:15]) or 'none'}{more}")
    return lines
