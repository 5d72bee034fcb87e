"""The record of a performance as a story: entries in the order of time, and lanes to be drawn.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from failover.drawing import Span, gravest, spans
from failover.model import Signal, State
from failover.replay.run import Record
from failover.replay.stage import Post, Seen

T = TypeVar("T")

_TOLD_OTHERWISE = frozenset({"delivery_sent", "delivery_found", "source_unknown", "source_back", "account_well"})
"""Events of the journal that the story tells in another way: what is public, and what the sources say."""

_TURNS = frozenset(f"platform_{state.value}" for state in State)
"""Events of the journal that say where a platform stands; what comes of it is told in others."""

GRAVITY = (State.UP, State.UNKNOWN, State.RECOVERING, State.SUSPECT, State.DOWN)
"""From the least to the most that a lane must not hide."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story; `what` is seen, decided or said, `at` seconds since the epoch (UTC).

    `topics` are what may go to and fro for hours, `platform` or `platform/probe`; none where something comes of it.
    """

    at: float
    what: str
    text: str
    detail: str = ""
    topics: tuple[str, ...] = ()


def entries(record: Record) -> list[Entry]:
    """What was seen, decided and said."""
    told = [*_seen(record), *_decided(record), *_said(record)]
    order = {"seen": 0, "decided": 1, "said": 2}
    return sorted(told, key=lambda entry: (entry.at, order[entry.what]))


def _seen(record: Record) -> Iterator[Entry]:
    """Sources that change their answer; those that say the same within a minute in one line."""
    later = [seen for seen in record.seen if seen.at >= record.begins + 300]

    def alike(seen: Seen) -> tuple[int, str, str, str]:
        return int((seen.at - record.begins) // 60), seen.probe, seen.sighting.signal.value, seen.sighting.reason

    for _key, group in groupby(sorted(later, key=lambda seen: (*alike(seen), seen.at)), key=alike):
        ones = list(group)
        first, sighting = ones[0], ones[0].sighting
        platforms = [*dict.fromkeys(one.platform for one in ones)]
        fault = f" ({sighting.fault.value})" if sighting.fault and sighting.signal is Signal.UNKNOWN else ""
        signal = {Signal.UNKNOWN: "cannot tell"}.get(sighting.signal, sighting.signal.value)
        yield Entry(
            min(one.at for one in ones),
            "seen",
            f"{', '.join(platforms)}: {first.probe} [{sighting.evidence.value}] {signal}{fault}: {sighting.reason}",
            topics=tuple(f"{platform}/{first.probe}" for platform in platforms),
        )


def _decided(record: Record) -> Iterator[Entry]:
    for line in record.journal:
        if line.event not in _TOLD_OTHERWISE:
            topics = (line.fields.get("platform", ""),) if line.event in _TURNS else ()
            yield Entry(line.at, "decided", line.message, topics=topics)


def _said(record: Record) -> Iterator[Entry]:
    """What the public reads; channels that say the same of the same platforms at the same time in one line."""

    def alike(post: Post) -> tuple[str, str, str, tuple[str, ...]]:
        return post.incident, post.statement.value, post.reference, post.platforms

    for (incident, statement, _reference, _platforms), group in groupby(sorted(record.posts, key=alike), key=alike):
        for at, ones in _close(list(group)):
            channels = ", ".join(one.channel for one in ones)
            title = f"{statement.replace('_', ' ').upper()} of incident {incident} on {channels}"
            yield Entry(at, "said", title, ones[0].text)


def _close(posts: Sequence[Post]) -> Iterator[tuple[float, list[Post]]]:
    """Posts that became public within ten seconds of one another."""
    left = sorted(posts, key=lambda post: post.at)
    while left:
        together = [post for post in left if post.at - left[0].at <= 10]
        yield together[0].at, together
        left = left[len(together) :]


def states(record: Record, platform: str) -> list[Span]:
    """Where a platform stood, from the beginning to the end."""
    turns = [(stand.at, stand.state.value, "") for stand in record.stands if stand.platform == platform]
    return spans([(record.begins, State.UNKNOWN.value, ""), *turns], record.ends)


def evidence(record: Record, platform: str, cls: str) -> list[Span]:
    """What a class of evidence showed of a platform: the gravest answer of its sources."""
    said = [(seen, seen.sighting) for seen in record.seen if seen.platform == platform]
    turns = (
        (seen.at, seen.probe, sighting.signal.value if sighting.evidence.value == cls else "", sighting.reason)
        for seen, sighting in said
    )
    return gravest(turns, record.ends)


def classes(record: Record, platform: str) -> list[str]:
    """The classes of evidence that were seen of a platform, in the order of their first word."""
    return list(dict.fromkeys(seen.sighting.evidence.value for seen in record.seen if seen.platform == platform))


def drawn(lasting: Iterable[Span], begins: float, ends: float, width: int, glyph: Callable[[str], str]) -> str:
    """A lane of so many letters; each shows the gravest state of its share of the time."""
    lasting = list(lasting)
    step = (ends - begins) / width
    gravity = {state.value: place for place, state in enumerate(GRAVITY)}
    letters = []
    for place in range(width):
        left, right = begins + place * step, begins + (place + 1) * step
        inside = [span.value for span in lasting if span.begins < right and span.ends > left]
        worst = max(inside, key=lambda value: gravity.get(value, 0), default=State.UNKNOWN.value)
        letters.append(glyph(worst))
    return "".join(letters)
