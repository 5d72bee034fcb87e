"""YAML text as a tree that knows where each value stands.

The dialect is a strict reading of YAML 1.2: `true` and `false` are the only booleans, so `on`, `off`, `yes`, `no`
stay text; whole numbers are decimal and without leading zeros; times and dates stay text.  Refused: a key given
twice, tags, merge keys (`<<`), more than one document, control characters.  Anchors and aliases work; what they add
up to is bounded, and so are depth and size.  Lines and columns count from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from failover.config.problems import KeyPath, Place, Problem, render

BYTES_AT_MOST = 1_048_576
NODES_AT_MOST = 20_000
DEPTH_AT_MOST = 30

_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

_SYNTAX = (
    ("character '\\t'", "a tab cannot be used for indentation; use spaces"),
    ("character '%'", "text that begins with % must be in quotes"),
    ("character '@'", "text that begins with @ must be in quotes"),
    ("character '`'", "text that begins with ` must be in quotes"),
    ("mapping values are not allowed", "a second `: ` here, or a wrong indentation; put text with a colon in quotes"),
    ("while scanning a quoted scalar", "a quote was opened and never closed"),
    ("unknown escape character", "unknown escape after a backslash; in single quotes a backslash is only itself"),
    ("could not find expected ':'", "expected `key: value`; is a colon missing, or a quote not closed?"),
    ("parsing a flow sequence", "expected a comma or the closing ]"),
    ("parsing a flow mapping", "expected a comma or the closing }; in braces, text with a comma needs quotes"),
    ("expected <block end>", "this line does not line up with the ones before it, or a quote closed too early"),
    ("undefined tag handle", "tags (!) are not supported"),
)
"""What PyYAML says (context and problem), and what a person can do about it; the first that fits counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and its place.  `size` counts the values in it, aliases written out.

    `keys` holds where each key of a mapping stands; `verbatim` is true for a `|` block, whose lines are lines of the
    file.
    """

    value: str | int | float | bool | dict[str, Node] | list[Node] | None
    place: Place
    size: int = 1
    keys: dict[str, Place] = field(default_factory=dict)
    verbatim: bool = False

    @property
    def mapping(self) -> dict[str, Node]:
        """The entries of a mapping; nothing for any other value."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The entries of a list; nothing for any other value."""
        return self.value if isinstance(self.value, list) else []

    def plain(self) -> Any:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def child(self, step: str | int) -> Node | None:
        """The value under a key or index, or None."""
        if isinstance(step, str):
            return self.mapping.get(step)
        return self.items[step] if 0 <= step < len(self.items) else None

    def key(self, name: str) -> Place:
        """Where the key stands; the mapping itself if it has no such key."""
        return self.keys.get(name, self.place)


def planted(value: Any, place: Place) -> Node:
    """A tree out of plain values, all of it at one place."""
    if isinstance(value, Mapping):
        return Node({str(key): planted(entry, place) for key, entry in value.items()}, place)
    if isinstance(value, list | tuple):
        return Node([planted(entry, place) for entry in value], place)
    return Node(value, place)


def read(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """The tree of one YAML document, and what is wrong with it.  No tree: nothing more can be said.

    Never raises for any text.
    """
    builder = _Builder(file)
    try:
        return builder.document(text), builder.problems
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        builder.wrong(place, (), f"a character that YAML does not allow (U+{ord(text[error.position]):04X})")
    except yaml.MarkedYAMLError as error:
        unclosed = error.context_mark if error.problem == "found unexpected end of stream" else None
        builder.wrong(_place(unclosed or error.problem_mark or error.context_mark), (), _in_plain_words(error))
    except _TooMuchError as error:
        builder.wrong(error.place, (), str(error))
    except (ValueError, OverflowError):  # PyYAML on an escape such as "\\UFFFFFFFF", without a place
        before = re.split(r"\\U(?!000|0010)", text)[0]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        builder.wrong(place, (), "an escape after a backslash names no character")
    return None, builder.problems


class _TooMuchError(Exception):
    def __init__(self, place: Place, text: str) -> None:
        self.place = place
        super().__init__(text)


class _Builder:
    """Builds the tree from the parser's events, keeping count."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._anchors: dict[str, Node] = {}
        self._events: Iterator[yaml.Event] = iter(())

    def wrong(self, place: Place, path: KeyPath, text: str) -> None:
        self.problems.append(Problem(place, render(path), text, self.file))

    def document(self, text: str) -> Node | None:
        self._events = yaml.parse(text, Loader=yaml.SafeLoader)
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.wrong(_place(event.start_mark), (), "a second document begins here; expected only one")
                    break
                root = self._node(next(self._events), (), 0)
        if root is None or root.value is None:
            self.wrong(Place(1, 1), (), "the file is empty; expected at least organisation, platforms and channels")
            return None
        return root

    def _node(self, event: yaml.Event, path: KeyPath, depth: int) -> Node:
        place = _place(event.start_mark)
        if depth > DEPTH_AT_MOST:
            raise _TooMuchError(place, f"nested more than {DEPTH_AT_MOST} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place, path)
        if getattr(event, "tag", None) not in (None, "!"):
            self.wrong(place, path, "tags (!) are not supported")
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(place, path, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(place, path, depth)
        else:
            node = self._scalar(event, place, path)
        if node.size > NODES_AT_MOST:
            raise _TooMuchError(place, f"more than {NODES_AT_MOST} values, aliases written out")
        if anchor := getattr(event, "anchor", None):
            self._anchors[anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent, place: Place, path: KeyPath) -> Node:
        if event.anchor in self._anchors:
            return self._anchors[event.anchor]
        self.wrong(place, path, f"*{event.anchor} stands for nothing: no &{event.anchor} was finished before it")
        return Node(None, place)

    def _mapping(self, place: Place, path: KeyPath, depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        size = 1
        for event in iter(lambda: next(self._events), None):
            if isinstance(event, yaml.MappingEndEvent):
                break
            at = _place(event.start_mark)
            key = self._key(event, path, depth)
            node = self._node(next(self._events), (*path, key), depth + 1)
            size = self._counted(size, node)
            if key == "<<":
                self.wrong(at, path, "merge keys (<<) are not supported; write the keys out")
            elif key in entries:
                self.wrong(at, (*path, key), f"this key was given before, in line {keys[key].line}")
            else:
                entries[key], keys[key] = node, at
        return Node(entries, place, size, keys)

    def _key(self, event: yaml.Event, path: KeyPath, depth: int) -> str:
        """Keys are text, however they look; anything but a plain word is a problem."""
        if isinstance(event, yaml.ScalarEvent):
            if _UNPRINTABLE.search(event.value):
                self.wrong(_place(event.start_mark), path, "a key with a control character in it")
                return _UNPRINTABLE.sub("?", event.value)
            return str(event.value)
        self._node(event, path, depth + 1)
        self.wrong(
            _place(event.start_mark), path, "expected a word as key; text that begins with { must be in quotes"
        )
        return ""

    def _sequence(self, place: Place, path: KeyPath, depth: int) -> Node:
        entries: list[Node] = []
        size = 1
        for event in iter(lambda: next(self._events), None):
            if isinstance(event, yaml.SequenceEndEvent):
                break
            entries.append(self._node(event, (*path, len(entries)), depth + 1))
            size = self._counted(size, entries[-1])
        return Node(entries, place, size)

    def _counted(self, size: int, node: Node) -> int:
        if size + node.size > NODES_AT_MOST:
            raise _TooMuchError(node.place, f"more than {NODES_AT_MOST} values, aliases written out")
        return size + node.size

    def _scalar(self, event: yaml.Event, place: Place, path: KeyPath) -> Node:
        assert isinstance(event, yaml.ScalarEvent)
        text = event.value
        if _UNPRINTABLE.search(text):
            self.wrong(place, path, "a control character is hidden in this text")
            text = _UNPRINTABLE.sub("?", text)
        if event.style is None and event.tag is None:
            return Node(_resolve(text), place)
        return Node(text, place, verbatim=event.style == "|")


def _resolve(text: str) -> str | int | float | bool | None:
    """What a value without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)


def _in_plain_words(error: yaml.MarkedYAMLError) -> str:
    said = f"{error.context or ''} {error.problem or ''}"
    for part, words in _SYNTAX:
        if part in said:
            return words
    return f"not readable as YAML: {(error.problem or error.context or 'unknown error').strip()}"
