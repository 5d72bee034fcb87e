"""The section `messages`, and the promise that every message fits every channel that may have to say it (rule S4).

Each template is rendered with the longest facts that this configuration makes plausible, and measured by the
channel's own rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from failover.config.places import Node
from failover.config.problems import KeyPath, Place, Reading, did_you_mean
from failover.config.settings import ChannelSettings, PlatformSettings, RouteSettings
from failover.contracts import AnyChannelKind
from failover.model import Announcement, Measure, Organisation, Statement
from failover.templates import WordingError
from failover.wording import (
    LONGEST_REFERENCE,
    Facts,
    Messages,
    Template,
    faults,
    joined,
    variations,
    word,
    worst_case,
)

TO_PRIMARIES = frozenset({Statement.WELCOME_BACK, Statement.CORRECTION})
"""What is said on a primary channel that stands in for nobody: it was down for everything else."""


def read_messages(node: Node | None, channels: Collection[str], reading: Reading) -> Messages:
    """The templates as written; those with a fault are left out."""
    known = [statement.value for statement in Statement if statement is not Statement.POST]
    written: dict[Statement, dict[str, Template]] = {}
    for name, child in _entries(node, ("messages",), reading):
        if name not in known:
            assert node is not None
            reading.wrong(node.key(name), ("messages", name), f"unknown statement{did_you_mean(name, known)}")
            continue
        for channel, entry in _entries(child, ("messages", name), reading):
            path = ("messages", name, channel)
            if channel not in {"default", *channels}:
                hint = did_you_mean(channel, ["default", *channels])
                reading.wrong(child.key(channel), path, f"there is no channel '{channel}'{hint}")
            if template := _template(entry, path, reading):
                written.setdefault(Statement(name), {})[channel] = template
    return Messages(written)


def _entries(node: Node | None, path: KeyPath, reading: Reading) -> list[tuple[str, Node]]:
    if node is None or node.value is None:
        return []
    if not isinstance(node.value, dict):
        expected = "`default`, or the names of channels" if len(path) > 1 else "the names of statements"
        reading.wrong(node.place, path, f"expected a mapping whose keys are {expected}")
    return list(node.mapping.items())


def _template(node: Node, path: KeyPath, reading: Reading) -> Template | None:
    """Text, or `{subject, text}`."""
    if not isinstance(node.value, dict):
        text = _sound(node, path, reading)
        return Template(text) if text is not None else None
    for key in node.mapping:
        if key not in ("subject", "text"):
            reading.wrong(node.key(key), (*path, key), f"unknown key{did_you_mean(key, ('subject', 'text'))}")
    parts = {key: _sound(child, (*path, key), reading) for key, child in node.mapping.items()}
    if "text" not in parts:
        reading.wrong(node.place, (*path, "text"), "missing")
    text, subject = parts.get("text"), parts.get("subject", "")
    return Template(text, subject) if text is not None and subject is not None else None


def _sound(node: Node, path: KeyPath, reading: Reading) -> str | None:
    """The text of a template without a fault in it; None, and where the faults are."""
    if not isinstance(node.value, str) or not node.value.strip():
        reading.wrong(node.place, path, "expected text, or a mapping of `subject` and `text`")
        return None
    found = faults(node.value)
    for fault in found:
        reading.wrong(_line(node, fault.line), path, str(fault))
    return None if found else node.value


def _line(node: Node, line: int) -> Place:
    """The line of the file; in anything but a `|` block, lines of the text are not lines of the file."""
    return Place(node.place.line + line, 1) if node.verbatim else node.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who may have to say what: the part of the configuration that decides how long a text can get."""

    organisation: Organisation
    platforms: Mapping[str, PlatformSettings]
    channels: Mapping[str, ChannelSettings]
    routes: tuple[RouteSettings, ...]
    public: frozenset[str]
    """The channels that the audience can be sent to."""

    def asked(self, channel: ChannelSettings) -> list[Statement]:
        """The statements that this channel can be asked to say."""
        stands_in = any(channel.name in route.backups for route in self.routes)
        is_primary = any(channel.name in route.primary_channels for route in self.routes)
        return [
            statement
            for statement in Statement
            if statement is not Statement.POST  # its words are handed in, and measured then
            and (statement is not Statement.DRILL or channel.practice)
            and (statement in TO_PRIMARIES or stands_in or not is_primary)
        ]

    def cases(self, channel: ChannelSettings) -> Iterator[Facts]:
        """The longest facts, once per group of platforms that can go down together, and what may vary in them."""
        routed = {platform for route in self.routes for platform in route.platforms} or {*self.platforms}
        for group in dict.fromkeys(platform.group for platform in self.platforms.values()):
            down = [name for name, known in self.platforms.items() if known.group == group and name in routed]
            touched = [route for route in self.routes if {*route.platforms} & {*down}]
            others = dict.fromkeys(name for route in touched for name in route.backups if name in self.public)
            if down and (channel.practice or not touched or self._speaks(channel, touched)):
                yield from variations(
                    worst_case(
                        self.organisation,
                        [self.platforms[name].title for name in down],
                        [self.channels[name].title for name in others if name != channel.name],
                        channel.title,
                        drill=channel.practice,
                    )
                )

    def _speaks(self, channel: ChannelSettings, routes: list[RouteSettings]) -> bool:
        everywhere = {name for route in self.routes for name in (*route.backups, *route.primary_channels)}
        here = {name for route in routes for name in (*route.backups, *route.primary_channels)}
        return channel.name in here or channel.name not in everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a statement can get on a channel.

    `source` says whose words they are: a channel's, "default", or "" for the built-in ones.
    """

    statement: Statement
    channel: str
    source: str
    measure: Measure


def longest(
    cast: Cast, messages: Messages, channel: ChannelSettings, kind: AnyChannelKind, statement: Statement
) -> Length | None:
    """The longest this statement can get on this channel.  Raises WordingError where it cannot be worded."""
    measures = []
    for facts in cast.cases(channel):
        try:
            wording = word(messages, statement, channel.name, facts)
        except WordingError as error:
            others = "other channels to name" if facts.elsewhere else "no other channel to name"
            case = f"for instance with {joined(facts.platforms)} down and {others}"
            raise WordingError(f"{error} ({case})", error.line) from None
        announcement = Announcement(
            key=f"{facts.incident}/{statement.value}/{channel.name}",
            incident=facts.incident,
            statement=statement,
            reference=LONGEST_REFERENCE,
            text=wording.text,
            subject=wording.subject,
            created_at=facts.now,
            platforms=facts.platforms,
        )
        measures.append(kind.measure(channel.options, announcement))
    if not measures:
        return None
    most = max(measures, key=lambda measure: measure.used - measure.limit)
    return Length(
        statement=statement, channel=channel.name, source=messages.source(statement, channel.name), measure=most
    )


def check_lengths(
    cast: Cast, messages: Messages, kinds: Mapping[str, AnyChannelKind], root: Node, reading: Reading
) -> None:
    """Say of every message that does not fit, or cannot be worded, where it stands."""
    for channel in cast.channels.values():
        for statement in cast.asked(channel):
            source = messages.source(statement, channel.name)
            path, node = _where(root, statement, source, channel.name)
            try:
                length = longest(cast, messages, channel, kinds[channel.kind], statement)
            except WordingError as error:
                reading.wrong(node.place, path, str(error))
                continue
            if length is not None and not length.measure.fits:
                reading.wrong(node.place, path, _too_long(length))


def _where(root: Node, statement: Statement, source: str, channel: str) -> tuple[KeyPath, Node]:
    """Where the template stands that is used; for a built-in one the channel that it does not fit."""
    path: KeyPath = ("messages", statement.value, source) if source else ("channels", channel)
    node = root
    for step in path:
        node = node.child(step) or node
    return path, node


def _too_long(length: Length) -> str:
    used = f"{length.measure.used} {length.measure.unit} where {length.measure.limit} are allowed"
    if length.source:
        return f"too long for {length.channel} with the longest facts: {used}"
    key = f"messages.{length.statement.value}.{length.channel}"
    return (
        f"the built-in wording of `{length.statement.value}` is too long here: {used}; write a shorter one as {key}"
    )
