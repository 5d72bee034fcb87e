"""A timeline drawn as SVG: lanes with bars for what lasts and dots for what happens.  Pure; no script, no colours
without a word (each thing has a title that a pointer or a screen reader finds).

Times are seconds since the epoch; `clock` says how one is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

LEFT, RIGHT = 170.0, 1000.0
"""Where the lanes begin and end, in units of the drawing; the names stand left of them."""

HOLDING, ENDED, OTHER = "#1f4e9c", "#1d7a3a", "#7a5a1d"
"""Colours of what was said: that it is down, that it is over, and anything else."""

SIGNED, OBJECTED = "#5b3a8c", "#b3261e"
"""Colours of a sign-off: somebody agreed, somebody objected."""

Clock = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasts, from and to in seconds since the epoch; `value` is a state or a signal."""

    begins: float
    ends: float
    value: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """Something that happened; `text` says when and what."""

    at: float
    colour: str
    text: str


@dataclass(slots=True)
class Lane:
    """One line of the drawing; a faint one belongs to the one above it."""

    name: str
    size: float = 14
    faint: bool = False
    gap: float = 3
    spans: Sequence[Span] = ()
    dots: list[Dot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scale:
    """Time to place."""

    begins: float
    ends: float

    def x(self, at: float) -> float:
        share = (min(max(at, self.begins), self.ends) - self.begins) / max(self.ends - self.begins, 1e-9)
        return round(LEFT + share * (RIGHT - LEFT), 1)


def spans(turns: Sequence[tuple[float, str, str]], end: float) -> list[Span]:
    """(since, value, text), each until the next one; what has no value is a gap."""
    following = [*(at for at, _value, _text in turns[1:]), end]
    found = [Span(at, until, value, text) for (at, value, text), until in zip(turns, following, strict=True)]
    return [span for span in found if span.ends > span.begins and span.value]


SIGNALS = ("unknown", "up", "degraded", "down")
"""From the least to the gravest that a source can say."""


def gravest(answers: Iterable[tuple[float, str, str, str]], end: float) -> list[Span]:
    """What several sources say, as one: (since, who, signal, text) in the order of time; "" is silence."""
    latest: dict[str, tuple[str, str]] = {}
    turns: list[tuple[float, str, str]] = []
    for at, who, signal, text in answers:
        if signal:
            latest[who] = (signal, f"{who}: {text}")
        elif latest.pop(who, None) is None:
            continue
        worst = max(latest.values(), key=lambda one: SIGNALS.index(one[0]), default=("", ""))
        turns.append((at, *worst))
    return spans(turns, end)


def svg(
    lanes: Sequence[Lane],
    scale: Scale,
    clock: Clock,
    label: str,
    *,
    marks: Sequence[float] = (),
    tick: Clock | None = None,
) -> str:
    """The drawing; `marks` are moments with a line through all lanes, `tick` writes the times along its edge."""
    placed = list(_placed(lanes))
    height = placed[-1][1] + 24 if placed else 40
    lines = (*_ticks(scale, tick or clock, height), *_marks(marks, scale, height))
    shapes = (shape for lane, y in placed for shape in _lane(lane, y, scale, clock))
    head = f'<svg viewBox="0 0 1000 {height:g}" role="img" aria-label="{escape(label)}">'
    return "\n".join([head, *lines, *shapes, "</svg>"])


def _placed(lanes: Iterable[Lane]) -> Iterator[tuple[Lane, float]]:
    y = 22.0
    for lane in lanes:
        yield lane, y
        y += lane.size + lane.gap


def _ticks(scale: Scale, clock: Clock, height: float) -> Iterator[str]:
    for part in range(8):
        at = scale.begins + part * (scale.ends - scale.begins) / 8
        x = scale.x(at)
        yield f'<line x1="{x}" x2="{x}" y1="18" y2="{height - 4:g}" stroke="#eee"/>'
        yield f'<text class="faint" x="{x + 2:g}" y="12">{escape(clock(at))}</text>'


def _marks(marks: Iterable[float], scale: Scale, height: float) -> Iterator[str]:
    for at in marks:
        x = scale.x(at)
        yield f'<line x1="{x}" x2="{x}" y1="18" y2="{height - 4:g}" stroke="#999" stroke-dasharray="3 3"/>'


def _lane(lane: Lane, y: float, scale: Scale, clock: Clock) -> Iterator[str]:
    kind = ' class="faint"' if lane.faint else ""
    yield f'<text x="0" y="{y + lane.size - (1 if lane.faint else 3):g}"{kind}>{escape(lane.name)}</text>'
    for span in lane.spans:
        x = scale.x(span.begins)
        width = round(max(scale.x(span.ends) - x, 0.5), 1)
        told = f"{span.value} from {clock(span.begins)} to {clock(span.ends)}{': ' + span.text if span.text else ''}"
        yield (
            f'<g><title>{escape(told)}</title><rect class="{escape(span.value)}" x="{x}" width="{width}" '
            f'y="{y:g}" height="{lane.size:g}"/></g>'
        )
    for dot in lane.dots:
        yield (
            f"<g><title>{escape(dot.text)}</title>"
            f'<circle cx="{scale.x(dot.at)}" cy="{y + 6:g}" r="5" fill="{dot.colour}"/></g>'
        )


STYLE = """
  body { font: 15px/1.45 system-ui, sans-serif; color: #1c1c1c; }
  body { margin: 2rem auto; max-width: 1060px; padding: 0 1rem; }
  h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  p.about { color: #555; margin-top: 0; } svg { width: 100%; height: auto; display: block; }
  svg text { font: 11px system-ui, sans-serif; fill: #333; } svg text.faint { font-size: 10px; fill: #6b6b6b; }
  .up { fill: #cfe8d5; } .unknown { fill: #e4e4e4; } .suspect, .degraded { fill: #f3c96b; }
  .down { fill: #c0392b; } .recovering { fill: #8fb8de; }
  table { border-collapse: collapse; width: 100%; }
  td, th { padding: .25rem .6rem; text-align: left; vertical-align: top; }
  tr { border-top: 1px solid #e5e5e5; }
  td.time { white-space: nowrap; font-variant-numeric: tabular-nums; color: #555; }
  .ok { color: #1d7a3a; } .failed { color: #b3261e; font-weight: 600; }
  .key span { display: inline-block; margin-right: 1.2rem; }
  .key i { display: inline-block; width: 1em; height: 1em; vertical-align: -2px; margin-right: .3em; }
  .key i.up { background: #cfe8d5; } .key i.unknown { background: #e4e4e4; } .key i.suspect { background: #f3c96b; }
  .key i.down { background: #c0392b; } .key i.recovering { background: #8fb8de; }
"""
"""How a page with such a drawing looks."""

KEY = f"""<p class="key"><span><i class="up"></i>up</span><span><i class="unknown"></i>cannot tell</span>\
<span><i class="suspect"></i>suspect, degraded</span><span><i class="down"></i>down</span>\
<span><i class="recovering"></i>recovering</span><span><b style="color:{HOLDING}">● holding</b></span>\
<span><b style="color:{ENDED}">● welcome back</b></span></p>"""
"""What the colours mean."""
