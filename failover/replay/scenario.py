"""A scenario: what the sources showed in an outage, minute by minute, and what must have been said by when.

A file in YAML that a person can write; `docs/scenarios.md` explains it.  Times are written from the onset (`+5m`,
`-10m`, `+1h30m`, `+0`) or as an instant (`2021-10-04T15:39`, UTC unless it names an offset); here they are seconds
from the onset.  Every problem is found at once, each with its line and column.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter

from failover.config.places import Node
from failover.config.problems import KeyPath, Reading, did_you_mean
from failover.config.settings import Text
from failover.config.validation import accept
from failover.contracts import format_duration, parse_duration
from failover.events import EVENTS
from failover.replay.repair import mended, rests_on

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)

_AN_INSTANT = 1e8
"""Seconds; what is larger was written as an instant (1973 and later), not from the onset (three years at most)."""

EXPECTED = "expected a mapping with title, platforms, onset, evidence and expect"

LONGEST = 31 * 86400.0
"""Seconds that a replay may take."""

LEAD = 1800.0
"""Seconds before the onset (or before the first thing told, if that is earlier) at which the replay begins."""

ClassName = Literal["here", "spoken", "elsewhere", "official", "crowd"]
Says = Literal["up", "degraded", "down", "unknown", "account", "network"]
CLASSES: tuple[ClassName, ...] = get_args(ClassName)
Answers = Literal["unreachable", "refused", "throttled", "lost", "late"]
Does = Literal["declare", "approve", "veto", "pause", "resume"]


def parse_time(value: object) -> float:
    """Seconds from the onset, or since the epoch for an instant.  Raises ValueError."""
    if value in (0, "+0", "-0") and not isinstance(value, bool):
        return 0.0
    if isinstance(value, str) and value[:1] in ("+", "-"):
        try:
            length = parse_duration(value[1:])
        except ValueError:
            raise ValueError(_EXPECTED_TIME) from None
        if length >= _AN_INSTANT:
            raise ValueError("expected a time nearer to the onset")
        return -length if value[0] == "-" else length
    try:
        return _instant(value)
    except ValueError:
        raise ValueError(_EXPECTED_TIME) from None


def parse_length(value: object) -> float:
    """Seconds of a duration that a replay can take.  Raises ValueError."""
    length = parse_duration(value)
    if not 0 < length <= LONGEST:
        raise ValueError("expected a duration of at most 31d, and more than 0")
    return length


_EXPECTED_INSTANT = "expected an instant such as 2021-10-04T15:39, which is UTC, or 2021-10-04T11:39-04:00"
_EXPECTED_TIME = "expected a time from the onset such as +5m, -10m or +1h30m, or an instant such as 2021-10-04T15:39"


def _instant(value: object) -> float:
    """Seconds since the epoch of an ISO date and time."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and re.search(r"\dT\d", value) else None
    except ValueError:
        moment = None
    if moment is None or moment.year < 1974:
        raise ValueError(_EXPECTED_INSTANT)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _known_event(name: str) -> str:
    if name not in EVENTS:
        raise ValueError(f"there is no event '{name}'{did_you_mean(name, EVENTS)}")
    return name


def _some(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    if not entries:
        raise ValueError("must not be empty")
    return entries


Time = Annotated[float, BeforeValidator(parse_time)]
Instant = Annotated[float, BeforeValidator(_instant)]
Length = Annotated[float, BeforeValidator(parse_length)]
Names = Annotated[
    tuple[Text, ...], AfterValidator(_some), BeforeValidator(lambda v: [v] if isinstance(v, str) else v)
]
EventName = Annotated[str, AfterValidator(_known_event)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """From `at` to `until` (None = to the next phase) a source says this; in `share` of the looks, if not in all.

    `class_` is the class of evidence of the answer where it is not the one the source usually has.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    at: Time
    until: Time | None = None
    says: Says
    because: str = ""
    class_: Annotated[ClassName | None, Field(alias="class")] = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What sources show: `from_` names classes of evidence, kinds of probes or probes; the closest name wins."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    from_: Annotated[Names, Field(alias="from")]
    of: Names | None = None
    shows: Annotated[tuple[Phase, ...], AfterValidator(_some)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Our own line is dead, or a portal answers in everybody's place."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    at: Time
    until: Time | None = None
    because: str = "no way out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How channels answer for a while; `of` are names, kinds or platforms of channels."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    of: Names
    at: Time
    until: Time | None = None
    answers: Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person does; `declare` needs platform and state, the others are about whatever waits."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    at: Time
    does: Does
    platform: Text | None = None
    state: Literal["down", "up", "auto"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The earliest and the latest time."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    from_: Annotated[Time | None, Field(alias="from")] = None
    to: Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must hold of some platforms.  `pairs` counts the incidents told; `never_on` are platforms of channels."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    about: Names | None = None
    holding: Window | None = None
    welcome_back: Window | None = None
    pairs: Annotated[int, Field(ge=0)] | None = None
    pairs_at_most: Annotated[int, Field(ge=0)] | None = None
    silent: bool = False
    never_on: Names | None = None
    journal: tuple[EventName, ...] = ()
    journal_never: tuple[EventName, ...] = ()
    when_watched_by: Names | None = None
    """Holds only where all of these sources (as in `from`) are among the configuration's probes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole file.  Times in seconds from the onset, which is in seconds since the epoch (UTC)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    title: Text
    about: str = ""
    sources: tuple[Text, ...] = ()
    platforms: Names
    onset: Instant
    over: Time | None = None
    lasts: Length | None = None
    evidence: tuple[Track, ...] = ()
    line: tuple[Cut, ...] = ()
    channels: tuple[Trouble, ...] = ()
    people: tuple[Act, ...] = ()
    expect: Annotated[tuple[Expectation, ...], AfterValidator(_some)]

    @property
    def begins(self) -> float:
        """Seconds from the onset: all is calm before anything is told."""
        return min([0.0, *self._told()]) - LEAD

    @property
    def ends(self) -> float:
        """Seconds from the onset: as written, or two hours after the last thing told."""
        return self.lasts if self.lasts is not None else max([0.0, *self._told()]) + 7200.0

    def _told(self) -> Iterator[float]:
        yield from (self.over,) if self.over is not None else ()
        yield from (time for track in self.evidence for phase in track.shows for time in _ends(phase))
        yield from (time for cut in self.line for time in _ends(cut))
        yield from (time for trouble in self.channels for time in _ends(trouble))
        yield from (act.at for act in self.people)


_SHAPE = TypeAdapter(Scenario)


def _ends(span: Phase | Cut | Trouble) -> Iterator[float]:
    yield span.at
    if span.until is not None:
        yield span.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """What there is: platforms, probes (classes, kinds, names) and channels (names, kinds, platforms)."""

    platforms: Collection[str]
    probes: Collection[str]
    channels: Collection[str]


def read_scenario(root: Node, names: Cast, reading: Reading) -> Scenario | None:
    """The scenario in this tree; None where `reading` has problems now."""
    if not isinstance(root.value, dict):
        reading.wrong(root.place, (), EXPECTED)
        return None
    scenario = accept(Scenario, root, (), reading)
    if scenario is None:
        _check_the_rest(root, names, reading)
        return None
    moved = _from_onset(scenario)
    before = len(reading.problems)
    _Checks(root, moved, names, reading).run()
    return moved if len(reading.problems) == before else None


def _check_the_rest(root: Node, names: Cast, reading: Reading) -> None:
    """There are mistakes of shape; what can be told of names, order and overlaps all the same."""
    found = mended(root.plain(), _SHAPE.validate_python, names.platforms)
    if found is not None:
        data, gone = found
        _Checks(root, _from_onset(_SHAPE.validate_python(data)), names, reading, gone).run()


def _from_onset(scenario: Scenario) -> Scenario:
    """Every instant as seconds from the onset."""

    def moved(value: Any) -> Any:
        if isinstance(value, float):
            return value - scenario.onset if value > _AN_INSTANT else value
        if isinstance(value, tuple):
            return tuple(map(moved, value))
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{one.name: moved(getattr(value, one.name)) for one in fields(value)})
        return value

    told = {one.name: moved(getattr(scenario, one.name)) for one in fields(scenario) if one.name != "onset"}
    return replace(scenario, **told)


_HINTS = {
    "source": f"; expected a class ({', '.join(CLASSES)}), a kind of probe or the name of one",
    "platform": "; expected one of the configuration or of the catalogue",
    "channel": "; expected the name, the kind or the platform of a channel",
}

_ANY_OTHER = (
    "; to play any other, name it under `platforms` in a configuration (-c), with `catalogue: false` and probes"
)


class _Checks:
    """What the shape alone cannot tell: names, order, overlaps."""

    def __init__(
        self, root: Node, scenario: Scenario, names: Cast, reading: Reading, gone: Collection[KeyPath] = ()
    ) -> None:
        self._root = root
        self._gone = gone
        self._scenario = scenario
        self._names = names
        self._reading = reading

    def run(self) -> None:
        self._known(("platforms",), self._scenario.platforms, self._names.platforms, "platform", _ANY_OTHER)
        self._tracks()
        self._spans(("line",), self._scenario.line)
        self._troubles()
        for index, act in enumerate(self._scenario.people):
            self._act(("people", index), act)
        for index, expectation in enumerate(self._scenario.expect):
            self._expectation(("expect", index), expectation)
        self._length()

    def _wrong(self, path: KeyPath, text: str) -> None:
        if rests_on(path, self._gone):
            return
        node = self._root
        for step in path:
            child = node.child(step)
            if child is None:
                break
            node = child
        self._reading.wrong(node.place, path, text)

    def _known(self, path: KeyPath, given: Sequence[str], known: Collection[str], what: str, else_: str = "") -> None:
        for index, name in enumerate(given):
            if name not in known:
                hint = did_you_mean(name, sorted(known)) or _HINTS.get(what, "")
                more = "" if "did you mean" in hint else else_
                self._wrong((*path, index), f"unknown {what} '{name}'{hint}{more}")
            elif name in given[:index]:
                self._wrong((*path, index), f"'{name}' is given twice")

    def _mine(self, path: KeyPath, given: Sequence[str] | None) -> None:
        """Names among the scenario's own platforms."""
        self._known(path, given or (), self._scenario.platforms, "platform")

    def _tracks(self) -> None:
        told: dict[tuple[str, str], int] = {}
        for index, track in enumerate(self._scenario.evidence):
            path = ("evidence", index)
            self._known((*path, "from"), track.from_, self._names.probes, "source")
            self._mine((*path, "of"), track.of)
            self._spans((*path, "shows"), track.shows)
            for platform in track.of or self._scenario.platforms:
                for source in track.from_:
                    first = told.setdefault((platform, source), index)
                    if first != index:
                        again = f"what {source} shows of {platform} is told already in evidence[{first}]"
                        self._wrong(path, again)

    def _troubles(self) -> None:
        """What a channel answers is told once for each moment."""
        for index, trouble in enumerate(self._scenario.channels):
            path = ("channels", index)
            self._known((*path, "of"), trouble.of, self._names.channels, "channel")
            self._span(path, trouble)
            for other, before in enumerate(self._scenario.channels[:index]):
                both = [name for name in trouble.of if name in before.of]
                if both and _overlap(before, trouble):
                    self._wrong((*path, "at"), f"overlaps with what channels[{other}] tells of {both[0]}")

    def _spans(self, path: KeyPath, spans: Sequence[Phase | Cut]) -> None:
        """In order of time, none reaching into the next."""
        for index, span in enumerate(spans):
            self._span((*path, index), span)
        for index, (one, following) in enumerate(pairwise(spans), 1):
            if following.at <= one.at:
                self._wrong((*path, index, "at"), "out of order: expected a time after that of the entry before")
            elif one.until is not None and one.until > following.at:
                self._wrong((*path, index, "at"), "overlaps with the entry before, whose `until` is later than this")

    def _span(self, path: KeyPath, span: Phase | Cut | Trouble) -> None:
        if span.until is not None and span.until <= span.at:
            self._wrong((*path, "until"), "expected a time after `at`")
        self._near((*path, "at"), span.at)
        self._near((*path, "until"), span.until or 0.0)

    def _near(self, path: KeyPath, time: float) -> None:
        if abs(time) > LONGEST:
            self._wrong(path, "more than 31 days from the onset; is it in another month or year?")

    def _act(self, path: KeyPath, act: Act) -> None:
        if act.does == "declare" and (act.platform is None or act.state is None):
            self._wrong(path, "`declare` needs `platform` and `state`")
        elif act.does != "declare" and (act.platform or act.state):
            self._wrong(path, f"`{act.does}` takes neither `platform` nor `state`")
        if act.platform is not None and act.platform not in self._scenario.platforms:
            mine = did_you_mean(act.platform, self._scenario.platforms)
            self._wrong((*path, "platform"), f"unknown platform '{act.platform}'{mine}")
        self._near((*path, "at"), act.at)

    def _expectation(self, path: KeyPath, expected: Expectation) -> None:
        self._mine((*path, "about"), expected.about)
        self._known((*path, "never_on"), expected.never_on or (), self._names.platforms, "platform")
        self._known((*path, "when_watched_by"), expected.when_watched_by or (), self._names.probes, "source")
        if expected == Expectation(about=expected.about, when_watched_by=expected.when_watched_by):
            self._wrong(path, "expects nothing; say holding, welcome_back, pairs, silent, never_on or journal")
        spoken = (expected.holding, expected.welcome_back, expected.pairs or None, expected.pairs_at_most or None)
        if expected.silent and any(one is not None for one in spoken):
            self._wrong((*path, "silent"), "contradicts the statements that are expected beside it")
        for key, window in (("holding", expected.holding), ("welcome_back", expected.welcome_back)):
            if window is not None and None not in (window.from_, window.to) and window.from_ > window.to:  # type: ignore[operator]
                self._wrong((*path, key, "to"), "expected a time not before `from`")
            if window is not None and (window.from_ or 0.0) > self._scenario.ends:
                ends = format_duration(self._scenario.ends)
                self._wrong((*path, key, "from"), f"the replay ends at +{ends}; say `lasts` if it shall go on")

    def _length(self) -> None:
        scenario = self._scenario
        if scenario.over is not None:
            self._near(("over",), scenario.over)
            if scenario.over <= 0:
                self._wrong(("over",), "expected a time after the onset")
            elif scenario.over > scenario.ends:
                self._wrong(("lasts",), "ends before it is `over`")


def _overlap(one: Trouble, other: Trouble) -> bool:
    return one.at < (inf if other.until is None else other.until) and other.at < (
        inf if one.until is None else one.until
    )
