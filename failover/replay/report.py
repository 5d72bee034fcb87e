"""What `failover replay` prints: lanes, the story minute by minute, what was expected and what came of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from failover.incidents import HOLDING_KINDS
from failover.model import State, Statement
from failover.replay.folding import folded
from failover.replay.judgement import Finding, findings, from_onset
from failover.replay.run import Record
from failover.replay.story import Entry, drawn, entries, states

WIDTH = 100

_GLYPHS = {State.UP: "·", State.UNKNOWN: " ", State.SUSPECT: "▒", State.DOWN: "█", State.RECOVERING: "░"}
_PLAIN = {State.UP: ".", State.UNKNOWN: " ", State.SUSPECT: "?", State.DOWN: "#", State.RECOVERING: "~"}

_VERDICTS = {True: "ok", False: "FAILED", None: "-"}


def text(record: Record, *, plain: bool = False) -> str:
    """The whole report; `plain` keeps to ASCII."""
    found = findings(record)
    parts = [_head(record), _lanes(record, plain=plain), _story(record), _expectations(found)]
    report = "\n\n".join("\n".join(part) for part in parts)
    return report.encode("ascii", "replace").decode() if plain else report


def held(found: Sequence[Finding]) -> bool:
    """Does everything hold that applies?"""
    return all(one.holds is not False for one in found)


def _head(record: Record) -> Iterator[str]:
    scenario = record.scenario
    yield scenario.title
    yield from textwrap.wrap(" ".join(scenario.about.split()), WIDTH)
    onset = datetime.fromtimestamp(scenario.onset, UTC)
    yield f"onset {onset:%A, %d %B %Y %H:%M} UTC; played with {record.settings.path}"
    left_out = [name for name in scenario.platforms if name not in record.watched]
    if left_out:
        yield f"not watched by this configuration: {', '.join(left_out)}"
    if record.settings.sign_off.holding == "required" or record.settings.sign_off.welcome_back == "required":
        wait = record.approve_after
        yield (
            "nobody approves anything"
            if wait is None
            else f"somebody approves {from_onset(wait)[1:]} after being asked"
        )


def _lanes(record: Record, *, plain: bool) -> Iterator[str]:
    names = _interesting(record)
    margin = max([len(name) for name in names] + [4]) + 2
    width = WIDTH - margin
    glyphs = {state.value: letter for state, letter in (_PLAIN if plain else _GLYPHS).items()}
    yield " " * margin + _clock(record, width)
    for name in names:
        yield f"{name:<{margin}}" + drawn(states(record, name), record.begins, record.ends, width, glyphs.__getitem__)
    yield f"{'said':<{margin}}" + _marks(record, width)
    key = "  ".join(f"{letter} {state}" for state, letter in glyphs.items() if letter.strip())
    yield " " * margin + f"{key}  H holding  W welcome back  * anything else said"


def _interesting(record: Record) -> list[str]:
    """The scenario's platforms, and whatever else got into trouble."""
    troubled = {stand.platform for stand in record.stands if stand.state in (State.SUSPECT, State.DOWN)}
    return [*record.watched, *sorted(troubled - {*record.watched})]


def _clock(record: Record, width: int) -> str:
    """The times of a few columns, UTC."""
    line = [" "] * (width + 8)
    for place in range(0, width - 4, max(12, width // 6)):
        at = record.begins + place * (record.ends - record.begins) / width
        line[place : place + 5] = f"{datetime.fromtimestamp(at, UTC):%H:%M}"
    return "".join(line).rstrip()


def _marks(record: Record, width: int) -> str:
    line = [" "] * width
    for post in record.posts:
        place = int((post.at - record.begins) / (record.ends - record.begins) * width)
        letter = "H" if post.statement in HOLDING_KINDS else "W" if post.statement is Statement.WELCOME_BACK else "*"
        line[max(0, min(place, width - 1))] = letter
    return "".join(line).rstrip()


def _story(record: Record) -> Iterator[str]:
    for entry in folded(entries(record)):
        yield from _line(entry, record)


def _line(entry: Entry, record: Record) -> Iterator[str]:
    moment = datetime.fromtimestamp(entry.at, UTC)
    label = f"{from_onset(entry.at - record.scenario.onset):>9}  {moment:%H:%M:%S}  {entry.what:<8}"
    yield from textwrap.wrap(entry.text, WIDTH, initial_indent=label + " ", subsequent_indent=" " * (len(label) + 1))
    if entry.detail:
        indent = " " * (len(label) + 3)
        yield from textwrap.wrap(entry.detail, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _expectations(found: Sequence[Finding]) -> Iterator[str]:
    yield "Expected"
    for one in found:
        label = f"  {_VERDICTS[one.holds]:<7} {one.expected}: "
        yield from textwrap.wrap(one.found, WIDTH, initial_indent=label, subsequent_indent=" " * 10)
    count = sum(one.holds is False for one in found)
    applied = [one for one in found if one.holds is not None]
    yield f"{len(applied) - count} of {len(applied)} hold"


def row(name: str, record: Record) -> tuple[str, ...]:
    """One line of the table of all scenarios."""
    found = findings(record)
    failed = [one for one in found if one.holds is False]
    holding = [post for post in record.posts if post.statement in HOLDING_KINDS]
    welcome = [post for post in record.posts if post.statement is Statement.WELCOME_BACK]
    first = from_onset(holding[0].at - record.scenario.onset) if holding else "-"
    last = from_onset(welcome[-1].at - record.scenario.onset) if welcome else "-"
    told = str(len({post.incident for post in holding}))
    unasked = next((one.found for one in found if one.holds is None), "")
    verdict = "ok" if holding or not unasked else f"not told: {unasked}"
    verdict = f"FAILED: {failed[0].expected}: {failed[0].found}" if failed else verdict
    return name, first, last, told, verdict


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest word."""
    heads = ("scenario", "holding", "welcome back", "told", "expectations")
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()[:200]


def data(record: Record) -> dict[str, Any]:
    """The same for programs; times in seconds from the onset."""
    onset = record.scenario.onset
    return {
        "title": record.scenario.title,
        "onset": onset,
        "configuration": str(record.settings.path),
        "holds": held(findings(record)),
        "expectations": [
            {"expected": one.expected, "holds": one.holds, "found": one.found} for one in findings(record)
        ],
        "states": [
            {"at": stand.at - onset, "platform": stand.platform, "state": stand.state.value}
            for stand in record.stands
        ],
        "posts": [
            {
                "at": post.at - onset,
                "channel": post.channel,
                "statement": post.statement.value,
                "incident": post.incident,
                "reference": post.reference,
                "platforms": list(post.platforms),
                "subject": post.subject,
                "text": post.text,
            }
            for post in record.posts
        ],
        "story": [{"at": entry.at - onset, "what": entry.what, "text": entry.text} for entry in entries(record)],
    }
