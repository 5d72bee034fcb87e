"""The performance as one self-contained page with a drawn timeline: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources

from jinja2 import Environment, StrictUndefined

from failover.incidents import HOLDING_KINDS
from failover.replay.judgement import findings, from_onset
from failover.replay.run import Record
from failover.replay.story import Span, classes, entries, evidence, states

LEFT, RIGHT = 170.0, 1000.0
"""Where the lanes begin and end, in units of the drawing; the names stand left of them."""

_MARKS = {True: ("ok", "holds"), False: ("failed", "FAILED"), None: ("", "does not apply")}


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    colour: str
    text: str


@dataclass(slots=True)
class Lane:
    name: str
    y: float
    size: float
    faint: bool = False
    bars: list[Bar] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)


def page(record: Record) -> str:
    """The whole page as HTML."""
    template = resources.files("failover.replay").joinpath("page.html").read_text(encoding="utf-8")
    lanes = list(_lanes(record))
    scenario = record.scenario
    return (
        Environment(autoescape=True, undefined=StrictUndefined)
        .from_string(template)
        .render(
            title=scenario.title,
            about=scenario.about,
            sources=[source for source in scenario.sources if source.startswith("http")],
            onset=f"{datetime.fromtimestamp(scenario.onset, UTC):%A, %d %B %Y %H:%M}",
            configuration=str(record.settings.path),
            height=lanes[-1].y + 24 if lanes else 40,
            onset_x=_x(scenario.onset, record),
            ticks=list(_ticks(record)),
            lanes=lanes,
            expectations=[
                {"mark": mark, "verdict": verdict, "expected": one.expected, "found": one.found}
                for one in findings(record)
                for mark, verdict in (_MARKS[one.holds],)
            ],
            story=[
                {
                    "what": entry.what,
                    "text": entry.text,
                    "detail": entry.detail,
                    "from_onset": from_onset(entry.at - scenario.onset),
                    "clock": f"{datetime.fromtimestamp(entry.at, UTC):%H:%M:%S}",
                }
                for entry in entries(record)
            ],
        )
    )


def _lanes(record: Record) -> Iterator[Lane]:
    """A platform's state, below it a thin lane for each class of evidence; at the end a lane for each channel."""
    y = 22.0
    for platform in record.watched:
        yield Lane(platform, y, 14, bars=_bars(states(record, platform), record))
        y += 17
        for one in classes(record, platform):
            yield Lane(f"   {one}", y, 8, faint=True, bars=_bars(evidence(record, platform, one), record))
            y += 11
        y += 8
    for channel in dict.fromkeys(post.channel for post in record.posts):
        yield Lane(f"on {channel}", y, 12, dots=list(_dots(record, channel)))
        y += 16


def _bars(spans: list[Span], record: Record) -> list[Bar]:
    bars = []
    for span in spans:
        x = _x(span.begins, record)
        text = (
            f"{span.value} from {_clock(span.begins)} to {_clock(span.ends)}{': ' + span.text if span.text else ''}"
        )
        bars.append(Bar(x, round(max(_x(span.ends, record) - x, 0.5), 1), span.value, text))
    return bars


def _dots(record: Record, channel: str) -> Iterator[Dot]:
    for post in record.posts:
        if post.channel == channel:
            colour = "#1f4e9c" if post.statement in HOLDING_KINDS else "#1d7a3a"
            yield Dot(_x(post.at, record), colour, f"{_clock(post.at)} {post.text}")


def _ticks(record: Record) -> Iterator[dict[str, object]]:
    for part in range(8):
        at = record.begins + part * (record.ends - record.begins) / 8
        yield {"x": _x(at, record), "text": _clock(at)}


def _x(at: float, record: Record) -> float:
    share = (at - record.begins) / (record.ends - record.begins)
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"
