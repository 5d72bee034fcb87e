"""The story without what goes to and fro for hours: the first turns, the last, and how many lie between.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from failover.replay.story import Entry

TURNS = 6
"""So many changes of one thing are told, there and back three times, before anything else comes of them."""

WORTH_IT = 3
"""Fewer are not folded away: the line that says so would take their place."""


def folded(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The story to be read; what is said, and every turn of an incident, stays and begins the count anew."""
    stretch: list[Entry] = []
    for entry in entries:
        if entry.topics:
            stretch.append(entry)
        else:
            yield from _fold(stretch)
            stretch = []
            yield entry
    yield from _fold(stretch)


def _fold(stretch: Sequence[Entry]) -> Iterator[Entry]:
    shown = _shown(stretch)
    hidden: dict[str, list[Entry]] = {"seen": [], "decided": []}
    for place, entry in enumerate(stretch):
        if place not in shown:
            hidden[entry.what].append(entry)
    for place, entry in enumerate(stretch):
        away = hidden[entry.what]
        if place in shown or len(away) < WORTH_IT:
            yield entry
        elif entry is away[0]:
            yield replace(entry, text=_summed_up(away))


def _shown(stretch: Sequence[Entry]) -> set[int]:
    """Of each thing that changes the first turns and the last."""
    told: Counter[str] = Counter()
    last: dict[str, int] = {}
    shown = set()
    for place, entry in enumerate(stretch):
        told.update(entry.topics)
        last |= dict.fromkeys(entry.topics, place)
        if any(told[topic] <= TURNS for topic in entry.topics):
            shown.add(place)
    return shown | {*last.values()}


def _summed_up(away: Sequence[Entry]) -> str:
    until = datetime.fromtimestamp(away[-1].at, UTC)
    things = _listed({topic for entry in away for topic in entry.topics})
    return f"... and {len(away)} more times to and fro until {until:%H:%M}: {things}"


def _listed(topics: Collection[str]) -> str:
    """`facebook: api, web; threads: web`; a topic is a platform, or a platform and a probe."""
    parts: dict[str, list[str]] = {}
    for platform, _, probe in (topic.partition("/") for topic in sorted(topics)):
        parts.setdefault(platform, []).append(probe)
    return "; ".join(f"{name}: {', '.join(probes)}" if any(probes) else name for name, probes in parts.items())
