"""What `failover check --online` prints of what it was answered.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from failover.config.crosschecks import at_once
from failover.config.kinds import Kinds
from failover.config.settings import PlatformSettings, Settings
from failover.contracts import Cost
from failover.model import Fault, Health, Sighting, Signal
from failover.redaction import Redactor

SOON = 90 * 86400.0
DAY = 86400.0


class Mark(str, Enum):
    """How one thing came out.  Only WRONG is for a person to put right before the daemon can be relied upon."""

    GOOD = "ok"
    NOTE = "note"
    WRONG = "PROBLEM"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `more` are further lines below it."""

    mark: Mark
    name: str
    text: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What was heard from the anchors, from each channel, and from each probe of each platform."""

    line: Sighting
    healths: Mapping[str, Health]
    sightings: Mapping[tuple[str, str], Sighting]
    hints: Mapping[str, Sequence[str]] = field(default_factory=dict)
    alarms: Sequence[str] = ()


def report(settings: Settings, kinds: Kinds, trial: Trial, now: float) -> tuple[list[str], bool]:
    """The table, in which no secret is quoted, and whether nothing need be put right."""
    parts = {
        "Our own line": [_line_row(trial.line)],
        "Channels (nothing was posted)": [
            _channel_row(name, one, now, trial.hints.get(name, ())) for name, one in trial.healths.items()
        ],
        "Sources": [
            row
            for platform in settings.platforms.values()
            for row in _platform_rows(platform, settings, kinds, trial)
        ],
    }
    rows = [row for part in parts.values() for row in part]
    lines = [line for title, part in parts.items() for line in (title, *_table(part), "")]
    lines += [f"note: {text}" for text in (*trial.alarms, *_bills(settings, kinds))]
    wrong = sum(row.mark is Mark.WRONG for row in rows)
    last = "Everything answers as it should." if not wrong else f"{wrong} to put right; see each PROBLEM above."
    redact = Redactor(settings.secrets)
    return [redact(line) for line in (*lines, last)], not wrong


def _line_row(line: Sighting) -> Row:
    if line.signal is Signal.UP:
        return Row(Mark.GOOD, "anchors", line.reason)
    return Row(Mark.WRONG, "anchors", f"this machine does not reach the internet as it should: {line.reason}")


def _channel_row(name: str, health: Health, now: float, hinted: Sequence[str] = ()) -> Row:
    left = None if health.expires_at is None else health.expires_at - now
    ending = () if left is None or left > SOON else (f"something of it ends in {max(0, int(left / DAY))} days",)
    if health.problems:
        first, *others = health.problems
        return Row(Mark.WRONG, name, first, (*others, *health.warnings, *ending, *hinted))
    facts = ", ".join(f"{key} {value}" for key, value in health.facts.items())
    said = f"could post now ({facts})" if facts else "could post now"
    notes = (*health.warnings, *ending, *hinted)
    return Row(Mark.NOTE if notes else Mark.GOOD, name, said, notes)


def _platform_rows(platform: PlatformSettings, settings: Settings, kinds: Kinds, trial: Trial) -> Iterator[Row]:
    answered = []
    for one in platform.probes:
        sighting = trial.sightings[platform.name, one.name]
        yield _probe_row(f"{platform.name}/{one.name}", sighting)
        if sighting.signal is not Signal.UNKNOWN:
            answered.append(kinds.find_probe(one.kind).votes_as(one.options))
    needed, classes = settings.judgement.confirm.classes, at_once(answered)
    if classes < needed and trial.line.signal is Signal.UP:
        text = f"{classes} of the {needed} independent kinds of evidence answered that an outage needs"
        yield Row(Mark.WRONG, platform.name, text)


def _probe_row(name: str, sighting: Sighting) -> Row:
    """Bad news from a source that works is no problem of ours; a key that it does not take is."""
    if sighting.signal is Signal.UNKNOWN:
        mark = Mark.WRONG if sighting.fault is Fault.ACCOUNT else Mark.NOTE
        return Row(mark, name, f"could not tell: {sighting.reason}")
    mark = Mark.GOOD if sighting.signal is Signal.UP else Mark.NOTE
    return Row(mark, name, f"{sighting.signal.value}: {sighting.reason}")


def _bills(settings: Settings, kinds: Kinds) -> Iterator[str]:
    """What this trial has cost."""
    costs = [(one.name, kinds.find_channel(one.kind).check_cost) for one in settings.channels.values()]
    for platform in settings.platforms.values():
        costs += [(f"{platform.name}/{one.name}", one.cost) for one in platform.probes]
    yield from (f"{name}: {_bill(cost)}" for name, cost in costs if cost is not None)


def _bill(cost: Cost) -> str:
    return f"this one question is billed {cost.price:g} {cost.currency}" + (" a day" if cost.per == "day" else "")


def _table(rows: Sequence[Row]) -> Iterator[str]:
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        yield f"  {row.mark.value:<7}  {row.name:<{width}}  {row.text}"
        yield from (f"  {'':<7}  {'':<{width}}  {text}" for text in row.more)
