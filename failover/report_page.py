"""The report as one self-contained page with a drawn timeline: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

from failover.drawing import (
    ENDED,
    HOLDING,
    KEY,
    OBJECTED,
    OTHER,
    SIGNED,
    STYLE,
    Clock,
    Dot,
    Lane,
    Scale,
    Span,
    gravest,
    spans,
    svg,
)
from failover.report_words import HOLDING as HOLDING_KINDS
from failover.report_words import (
    answer,
    by_class,
    channel_title,
    clock_of,
    deliveries,
    explained,
    failures,
    fate,
    kind,
    listed,
    platform_title,
    signed,
    summary,
    texts,
    title,
)
from failover.wallclock import local, zone_of

LABEL = "Timeline of evidence, states and statements"

SIGNS = (
    f'<p class="key"><span><b style="color:{OTHER}">● anything else that was said</b></span>'
    f'<span><b style="color:{SIGNED}">● approved</b></span>'
    f'<span><b style="color:{OBJECTED}">● objected</b></span></p>'
)
"""What the other dots of a report mean."""

A_QUARTER, A_DAY = 900.0, 86400.0

Fields = dict[str, Any]


def page(data: Fields) -> str:
    """The whole page as HTML; what was written by others is escaped."""
    template = resources.files("failover").joinpath("report.html").read_text(encoding="utf-8")
    zone = zone_of(data["timezone"])
    clock = clock_of(data, zone)
    incident = data["incident"]
    scale = Scale(data["window"]["from"], data["window"]["until"])
    marks = [at for at in (incident["opened_at"], incident["closed_at"]) if at is not None]
    return (
        Environment(autoescape=True, undefined=StrictUndefined)
        .from_string(template)
        .render(
            style=STYLE,
            key=KEY + SIGNS,
            drawing=svg([*_lanes(data, clock)], scale, clock, LABEL, marks=marks, tick=_tick(scale, zone)),
            title=title(data),
            organisation=data["organisation"],
            made=local(data["now"], zone),
            timezone=data["timezone"],
            summary=summary(data, zone),
            states=[
                {"platform": platform_title(data, name), "turns": [_turn(one, clock) for one in told]}
                for name, told in data["states"].items()
            ],
            answers=[*_answers(data, clock)],
            statements=[_statement(one, data, clock) for one in data["statements"]],
            failures=[{"at": clock(at), "what": what} for at, what in failures(data)],
            audit=[{**one, "at": clock(one["at"])} for one in data["audit"]],
            posts=data["posts"],
            wanted=[one["reason"] for one in data["catch_up"] if one["person"]],
            known=[one["reason"] for one in data["catch_up"] if not one["person"]],
            over=incident["closed_at"] is not None,
        )
    )


def _tick(scale: Scale, zone: tzinfo) -> Clock:
    """Short times along the edge."""
    length = scale.ends - scale.begins
    form = "%H:%M:%S" if length < A_QUARTER else "%H:%M" if length < A_DAY else "%d %b %H:%M"
    return lambda at: f"{datetime.fromtimestamp(at, zone):{form}}"


def _turn(one: Fields, clock: Clock) -> Fields:
    return {**one, "at": clock(one["at"]), "explained": explained(one)}


def _answers(data: Fields, clock: Clock) -> Iterator[Fields]:
    """A table for each class of evidence, as far as it is still kept."""
    for name in data["answers"]:
        for evidence, found in by_class(data, name):
            lines = [
                {"at": "before" if one["at"] < data["window"]["from"] else clock(one["at"]), "text": answer(one)}
                for one in found
            ]
            more = data["answers"][name]["more"]
            yield {"platform": platform_title(data, name), "evidence": evidence, "lines": lines, "more": more}


def _statement(one: Fields, data: Fields, clock: Clock) -> Fields:
    return {
        "id": one["id"],
        "kind": kind(one),
        "mode": one["mode"],
        "at": clock(one["created_at"]),
        "signed": signed(one, clock),
        "texts": [{"to": listed(names), "subject": subject, "text": text} for names, subject, text in texts(one)],
        "deliveries": [
            {
                "channel": channel_title(data, row["channel"]),
                "fate": fate(row, clock),
                "url": row["url"] if row["url"].startswith(("https://", "http://")) else "",
                "well": row["phase"] == "sent",
            }
            for row in one["deliveries"]
        ],
    }


# -- the drawing ------------------------------------------------------------------------------------------------


def _lanes(data: Fields, clock: Clock) -> Iterator[Lane]:
    """A platform's state, a thin lane below it for each class of evidence; sign-offs; a lane for each channel."""
    for name in data["states"]:
        kinds = [evidence for evidence, _found in by_class(data, name)]
        yield Lane(platform_title(data, name), gap=3 if kinds else 11, spans=_states(data, name))
        for place, one in enumerate(kinds, 1):
            gap = 11 if place == len(kinds) else 4
            yield Lane(f"   {one}", 8, faint=True, gap=gap, spans=_evidence(data, name, one))
    signs = [*_signs(data, clock)]
    if signs:
        yield Lane("signed off", 12, gap=4, dots=signs)
    for channel in dict.fromkeys(row["channel"] for _one, row in deliveries(data) if row["phase"] == "sent"):
        yield Lane(f"on {channel}", 12, gap=4, dots=[*_dots(data, channel, clock)])


def _states(data: Fields, name: str) -> list[Span]:
    begins, ends = data["window"]["from"], data["window"]["until"]
    turns = [(max(one["at"], begins), one["now"], one["reason"]) for one in data["states"][name] if one["at"] < ends]
    return spans(turns, ends)


def _evidence(data: Fields, name: str, cls: str) -> list[Span]:
    """The gravest answer of a class; what a probe says in another class ends what it said in this one."""
    begins, ends, answers = data["window"]["from"], data["window"]["until"], data["answers"][name]
    told = (
        (max(one["at"], begins), one["probe"], one["signal"] if one["evidence"] == cls else "", one["reason"])
        for one in (*answers["before"], *answers["changes"])
    )
    return gravest(told, ends)


def _signs(data: Fields, clock: Clock) -> Iterator[Dot]:
    for one in data["statements"]:
        if one["decided_at"] is not None:
            text = f"{clock(one['decided_at'])} {one['id']}: {signed(one, clock)}"
            yield Dot(one["decided_at"], OBJECTED if one["decision"] == "vetoed" else SIGNED, text)


def _dots(data: Fields, channel: str, clock: Clock) -> Iterator[Dot]:
    colours = {**dict.fromkeys(HOLDING_KINDS, HOLDING), "welcome_back": ENDED}
    for statement, row in deliveries(data):
        if row["channel"] == channel and row["phase"] == "sent":
            colour = colours.get(statement["kind"], OTHER)
            yield Dot(row["ended_at"], colour, f"{clock(row['ended_at'])} {kind(statement)}: {row['text']}")
