"""What has to be asked of a kind of channel: read off the model of its options and its own example.

Required options are always asked; of the others those that the kind's author thought worth showing in the example.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from failover.config.places import Node, read
from failover.config.problems import Place, Reading
from failover.config.shapes import SECRET_FORMS, alternatives, fields_of, is_secret
from failover.config.validation import accept
from failover.config_schema import told_of
from failover.contracts import AnyChannelKind

_COMMENT = re.compile(r"^\s*(\w+):.*?\s#\s+(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One option: what it is about, and what it may look like."""

    key: str
    annotation: Any = field(repr=False)
    required: bool
    example: str = ""
    about: str = ""

    @property
    def secret(self) -> bool:
        return is_secret(self.annotation)

    @property
    def file(self) -> bool:
        """The name of a file that is read, and must be there."""
        return Path in alternatives(self.annotation) and self.key.endswith("_file")


def wanted_of(kind: AnyChannelKind, *, everything: bool = False) -> list[Wanted]:
    """In the order of the example, then what is required beside, then (if everything is wanted) all the others."""
    shown, comments = _example(kind), dict(_COMMENT.findall(kind.example))
    shape: Any = kind.options
    told, places = told_of(shape), list(shown)
    found: list[tuple[int, Wanted]] = []
    for key, annotation in fields_of(shape).items():
        written = next((name for name in _names(key, annotation) if name in shown), "")
        required = _known(kind, key).is_required()
        if not (written or required or everything):
            continue
        one = Wanted(
            key=key,
            annotation=annotation,
            required=required,
            example="" if is_secret(annotation) else _shown(shown.get(written)),
            about=comments.get(written, "") or told.get(key, ""),
        )
        found.append((places.index(written) if written else len(places), one))
    return [one for _place, one in sorted(found, key=lambda pair: pair[0])]


def platform_of(kind: AnyChannelKind) -> str | None:
    """What the kind stands on, by its own example."""
    platform = _example(kind).get("platform")
    return str(platform) if platform else None


def _example(kind: AnyChannelKind) -> Mapping[str, Any]:
    node, _problems = read(kind.example, "example")
    if node is not None and "kind" not in node.mapping:  # an entry with its name
        node = next(iter(node.mapping.values()), None)
    plain = node.plain() if node is not None else {}
    return plain if isinstance(plain, Mapping) else {}


def _names(key: str, annotation: Any) -> list[str]:
    return [f"{key}_{form}" for form in SECRET_FORMS] if is_secret(annotation) else [key]


def _known(kind: AnyChannelKind, key: str) -> FieldInfo:
    fields: Mapping[str, FieldInfo] = kind.options.model_fields
    return next(known for name, known in fields.items() if key == (known.alias or name))


def _shown(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


# --- from what was typed to YAML ---


def as_yaml(typed: str, annotation: Any) -> str:
    """What was typed as it stands in the file: text stays text, a list may be typed with commas."""
    if _is_list(annotation) and not typed.lstrip().startswith("["):
        return f"[{', '.join(quoted(part.strip()) for part in typed.split(',') if part.strip())}]"
    types = {part for part in alternatives(annotation) if part is not type(None)}
    if types <= {str, Path}:
        return quoted(typed)
    return typed if _value(typed) is not None else quoted(typed)


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) in (tuple, list, frozenset, set) for part in alternatives(annotation))


def quoted(text: str) -> str:
    """The text itself where YAML reads it as this text, else in quotes."""
    if _value(text) == text and not re.search(r"[\[\]{},]", text):
        return text
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in text)
    return f'"{escaped}"'


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _value(written: str) -> object:
    """What YAML makes of it; None where it makes nothing."""
    node, problems = read(f"k: {written}\n", "")
    if problems or node is None or list(node.mapping) != ["k"] or "#" in written or "\n" in written:
        return None
    value: object = node.mapping["k"].plain()
    return value


# --- is it right? ---


def faults(kind: AnyChannelKind, options: Mapping[str, str], secrets: Mapping[str, str]) -> Iterator[str]:
    """What the kind itself finds wrong with these options (as they would be written); no value is quoted."""
    text = "".join(f"{key}: {value}\n" for key, value in options.items())
    node, problems = read(text, "") if text else (None, [])
    node = node or Node({}, Place(1, 1))
    reading = Reading("", Path(), {}, problems)
    accept(kind.options, node, (), reading, data={**node.plain(), **secrets})
    yield from (": ".join(filter(None, (problem.path, problem.text))) for problem in reading.problems)
