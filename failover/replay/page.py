"""The performance as one self-contained page with a drawn timeline: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources

from jinja2 import Environment, StrictUndefined

from failover.drawing import ENDED, HOLDING, KEY, STYLE, Dot, Lane, Scale, svg
from failover.incidents import HOLDING_KINDS
from failover.replay.judgement import findings, from_onset
from failover.replay.run import Record
from failover.replay.story import classes, entries, evidence, states

LABEL = "Timeline of evidence, states and statements"

_MARKS = {True: ("ok", "holds"), False: ("failed", "FAILED"), None: ("", "does not apply")}


def page(record: Record) -> str:
    """The whole page as HTML."""
    template = resources.files("failover.replay").joinpath("page.html").read_text(encoding="utf-8")
    scenario, scale = record.scenario, Scale(record.begins, record.ends)
    drawing = svg([*_lanes(record)], scale, _clock, LABEL, marks=[scenario.onset])
    return (
        Environment(autoescape=True, undefined=StrictUndefined)
        .from_string(template)
        .render(
            title=scenario.title,
            about=scenario.about,
            sources=[source for source in scenario.sources if source.startswith("http")],
            onset=f"{datetime.fromtimestamp(scenario.onset, UTC):%A, %d %B %Y %H:%M}",
            configuration=str(record.settings.path),
            drawing=drawing,
            style=STYLE,
            key=KEY,
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
    for platform in record.watched:
        kinds = classes(record, platform)
        yield Lane(platform, gap=3 if kinds else 11, spans=states(record, platform))
        for place, one in enumerate(kinds, 1):
            gap = 11 if place == len(kinds) else 4
            yield Lane(f"   {one}", 8, faint=True, gap=gap, spans=evidence(record, platform, one))
    for channel in dict.fromkeys(post.channel for post in record.posts):
        yield Lane(f"on {channel}", 12, gap=4, dots=list(_dots(record, channel)))


def _dots(record: Record, channel: str) -> Iterator[Dot]:
    for post in record.posts:
        if post.channel == channel:
            colour = HOLDING if post.statement in HOLDING_KINDS else ENDED
            yield Dot(post.at, colour, f"{_clock(post.at)} {post.text}")


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M}"
