"""What a shape (a pydantic model or a dataclass) expects, key by key, as it is written in YAML.

pydantic tells what is wrong, but not which keys there are, and it takes `yes` or 1 for true.  Both matter to people
who write configurations, so the annotations are read here once more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from failover.config.places import Node
from failover.config.problems import KeyPath
from failover.contracts import parse_duration

SECRET_FORMS = ("file", "env", "plain")
"""A secret named `token` is written as `token_file`, `token_env` or `token_plain` (rule O2)."""

_OLD_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})


@lru_cache(maxsize=256)
def fields_of(shape: Any) -> Mapping[str, Any]:
    """Key in YAML -> annotation, of a model or a dataclass; nothing for any other type."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return {known.alias or name: _whole(known) for name, known in shape.model_fields.items()}
    if isinstance(shape, type) and dataclasses.is_dataclass(shape):
        hints = get_type_hints(shape, include_extras=True)
        return {_alias(hints[known.name]) or known.name: hints[known.name] for known in dataclasses.fields(shape)}
    return {}


def _whole(known: FieldInfo) -> Any:
    """The annotation with the rules that pydantic has taken off it."""
    return Annotated[known.annotation, *known.metadata] if known.metadata else known.annotation


def _alias(annotation: Any) -> str | None:
    metadata = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((part.alias for part in metadata if isinstance(part, FieldInfo) and part.alias), None)


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The types that an annotation admits, without `Annotated` and with unions taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(part for argument in get_args(annotation) for part in alternatives(argument))
    return (annotation,)


def is_secret(annotation: Any) -> bool:
    return SecretStr in alternatives(annotation)


def keys_of(shape: Any) -> list[str]:
    """Every key that may be written, secrets in each of their forms."""
    keys: list[str] = []
    for name, annotation in fields_of(shape).items():
        keys += [f"{name}_{form}" for form in SECRET_FORMS] if is_secret(annotation) else [name]
    return keys


def inside(annotation: Any, step: str | int) -> Any:
    """The annotation of what stands under a key or index; Any where it cannot be told."""
    for part in alternatives(annotation):
        origin, arguments = get_origin(part), get_args(part)
        if isinstance(step, str) and step in fields_of(part):
            return fields_of(part)[step]
        if isinstance(step, str) and isinstance(origin, type) and issubclass(origin, Mapping):
            return arguments[1]
        if isinstance(step, int) and origin in (tuple, list, frozenset, set) and arguments:
            return arguments[0]
    return Any


def at(shape: Any, path: KeyPath) -> Any:
    """The annotation of what stands at a path."""
    for step in path:
        shape = inside(shape, step)
    return shape


def mistaken(annotation: Any, node: Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Where something else is written for true or false, or true or false for something else."""
    for key, child in node.mapping.items():
        yield from mistaken(inside(annotation, key), child, (*path, key))
    for index, child in enumerate(node.items):
        yield from mistaken(inside(annotation, index), child, (*path, index))
    if not node.mapping and not node.items and not _decides_itself(annotation):
        said = _about_booleans(set(_hashable(alternatives(annotation))), node.value)
        if said:
            yield path, said


def is_duration(annotation: Any) -> bool:
    return any(getattr(part, "func", None) is parse_duration for part in _rules(annotation))


def _decides_itself(annotation: Any) -> bool:
    """A validator of its own (a duration's, a path's) sees what was written and says what it expects."""
    return any(isinstance(part, BeforeValidator) for part in _rules(annotation))


def _rules(annotation: Any) -> Iterator[Any]:
    """What `Annotated` adds, in any member of a union."""
    yield from getattr(annotation, "__metadata__", ())
    if get_origin(annotation) in (Union, UnionType):
        yield from (rule for part in get_args(annotation) for rule in _rules(part))


def _hashable(parts: tuple[Any, ...]) -> Iterator[Any]:
    for part in parts:
        yield from (type(value) for value in get_args(part)) if get_origin(part) is Literal else (part,)


def _about_booleans(types: set[Any], value: object) -> str:
    if isinstance(value, bool):
        wants_a_number = types & {int, float} and not types & {bool, object, Any}
        return "expected a number, not true or false" if wants_a_number else ""
    if bool not in types or str in types or Any in types or value is None:
        return ""
    if isinstance(value, str) and value.lower() in _OLD_BOOLEANS:
        return f"expected true or false; here '{value}' is only a word"
    if isinstance(value, int | float) and types & {int, float}:
        return ""
    return "expected true or false"
