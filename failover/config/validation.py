"""From what is written to a checked value, or to sentences that say what was expected.

pydantic checks; this module puts its findings into plain words and finds their places.  What was written is never
quoted unless it is a word out of a known list: it may be a secret in the wrong place.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from failover.config.places import Node
from failover.config.problems import ALIKE, KeyPath, Place, Reading, did_you_mean
from failover.config.shapes import SECRET_FORMS, alternatives, at, is_duration, is_secret, keys_of, mistaken
from failover.contracts import format_duration

T = TypeVar("T")


def accept(
    shape: type[T],
    node: Node,
    path: KeyPath,
    reading: Reading,
    *,
    data: object = None,
    skip: Collection[str] = (),
    also: Collection[str] = (),
) -> T | None:
    """The value of this shape that the node describes; None (and problems) if there is none.

    `data` stands in for the node's own value (house keys taken out, secrets filled in).  The keys in `skip` could not
    be had; nothing more is said of them, nor of what follows from their absence.  `also` are further keys that may be
    meant.
    """
    said: dict[KeyPath, list[str]] = {}
    for where, text in mistaken(shape, node):
        said[where] = [text]
    said_before = {*said}
    value = None
    try:
        value = _validated(shape, node.plain() if data is None else data, reading)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            where, text = _explained(shape, node, detail, also)
            follows = skip and (not detail["loc"] or detail["loc"][0] in skip)
            if not follows and where not in said_before and text not in said.setdefault(where, []):
                said[where].append(text)
    except OSError as error:  # a kind's own check of a file it was given
        said[()] = [f"{error.filename or 'a file'} cannot be read: {os.strerror(error.errno or 0)}"]
    for where, texts in said.items():
        reading.wrong(_place(node, where), (*path, *where), _one_sentence(texts))
    return None if said or skip else value


@lru_cache(maxsize=64)
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _validated(shape: type[T], data: object, reading: Reading) -> T:
    context = {
        "base": reading.base,
        "output": reading.output,
        "credentials": reading.credentials,
        "example": reading.example,
    }
    if issubclass(shape, BaseModel):
        return shape.model_validate(data, context=context)
    dataclass: Any = shape
    value: T = _adapter(dataclass).validate_python(data, context=context)
    return value


def _place(node: Node, path: KeyPath) -> Place:
    """Where a path stands: its value; for an unknown key the key; for a missing one the mapping it is missing in."""
    for step in path:
        child = node.child(step)
        if child is None:
            return node.key(step) if isinstance(step, str) else node.place
        node = child
    return node.place


def _one_sentence(texts: list[str]) -> str:
    """Several findings about one value are alternatives: `expected a whole number or 'all'`."""
    if len(texts) > 1 and all(text.startswith("expected ") for text in texts):
        return "expected " + " or ".join(text.removeprefix("expected ") for text in texts)
    return "; ".join(texts)


def _explained(shape: Any, node: Node, detail: ErrorDetails, also: Collection[str]) -> tuple[KeyPath, str]:
    """The path as it is written (pydantic's own also names the members of unions), and the words."""
    path: KeyPath = ()
    for step in detail["loc"]:
        for key in (step, *(f"{step}_{form}" for form in SECRET_FORMS)):
            child = node.child(key)
            if child is not None:
                node, path = child, (*path, key)
                break
    if detail["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return _missing(shape, path, str(detail["loc"][-1]))
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        known = [*_keys_at(at(shape, path[:-1])), *(also if len(path) == 1 else ())]
        return path, f"unknown key{did_you_mean(str(path[-1]), known)}"
    return path, _in_plain_words(detail, node.value, at(shape, path))


def _keys_at(annotation: Any) -> list[str]:
    """The keys of the first alternative that has any."""
    return next((keys for keys in map(keys_of, alternatives(annotation)) if keys), [])


def _missing(shape: Any, path: KeyPath, name: str) -> tuple[KeyPath, str]:
    if is_secret(at(shape, (*path, name))):
        file, env, _plain = (f"{name}_{form}" for form in SECRET_FORMS)
        return (*path, file), f"missing; write the secret to a file and name it here (or use {env})"
    return (*path, name), "missing"


_EXPECTED = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping (key: value)",
    "mapping_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "dataclass_type": "a mapping (key: value)",
    "none_required": "nothing",
    "path_type": "a path",
    "url_type": "an address such as https://www.example.org",
    "url_parsing": "an address such as https://www.example.org",
    "url_scheme": "an address such as https://www.example.org",
    "ip_any_address": "an IP address",
}


def _in_plain_words(detail: ErrorDetails, value: object, annotation: Any) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "string_type" and isinstance(value, int | float):
        return "expected text; put it in quotes"
    if kind == "string_pattern_mismatch":
        return f"expected text of the form {context.get('pattern')}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}"
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "not a value that can be used"))
    if kind in ("literal_error", "enum"):
        return _one_of(str(context.get("expected", "")), value)
    return _about_size(kind, context, annotation) or _lowered(detail["msg"])


def _one_of(expected: str, value: object) -> str:
    """`'a', 'b' or 'c'` is pydantic's own list."""
    words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    close = difflib.get_close_matches(value, words, 1, ALIKE) if isinstance(value, str) else []
    return f"expected {expected}" + (f"; did you mean '{close[0]}'?" if close else "")


def _about_size(kind: str, context: Mapping[str, Any], annotation: Any) -> str:
    for name, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if name in context:
            bound = context[name]
            return f"expected {words} {format_duration(bound) if is_duration(annotation) else bound}"
    things = (
        "entries" if {list, tuple, dict} & {get_origin(part) for part in alternatives(annotation)} else "characters"
    )
    if kind in ("too_short", "string_too_short"):
        fewest = context["min_length"]
        return "must not be empty" if fewest == 1 else f"expected at least {fewest} {things}"
    if kind in ("too_long", "string_too_long"):
        return f"expected at most {context['max_length']} {things}"
    return ""


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
