"""The JSON Schema of the configuration (draft 2020-12), for editors that complete keys and mark slips.

It is read off the very models that the configuration is checked against: the sections' own values, and the options
of every kind.  It knows the shape and no more: whether a message fits, a name is known or a secret is there, only
`failover check` can tell.  Where the two differ, the check is right.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from failover import registry
from failover.config import REQUIRED, SECTIONS, OrganisationEntry
from failover.config.entries import ChannelHead
from failover.config.kinds import CataloguePlatform, KindError
from failover.config.platforms import PlatformHead, ProbeHead
from failover.config.settings import Settings
from failover.config.shapes import SECRET_FORMS, alternatives, fields_of, is_duration, is_secret
from failover.config.standins import RouteEntry
from failover.config.windows import WindowEntry
from failover.contracts import AnyChannelKind, AnyProbeKind, Options, format_duration
from failover.model import Statement

Schema = dict[str, Any]
KindT = TypeVar("KindT")

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DURATION = r"^(?=.)(\d+d)?(\d+h)?(\d+m)?(\d+s)?$"
NAME = r"^(?!default$)\w[\w.-]{0,63}$"

ABOUT = {
    "organisation": "Who is speaking; times in messages are on the clock of its time zone.",
    "control": "The socket on which the daemon listens for commands; the service manager gives it a place.",
    "state": "The database file; the service manager gives it a place.",
    "platforms": "What can go down, and how we look at it. A name in the catalogue brings its usual probes with it.",
    "channels": "Where we can speak. `platform` is what a channel stands on; one in trouble is passed over.",
    "routes": "Who stands in for whom: the backups are asked in this order.",
    "messages": "What is said, by statement: for every channel (default), or for one by its name.",
    "sign_off": "Who must agree first: automatic, veto (after `veto_for`, unless somebody objects) or required.",
    "judgement": "How often we look and when we believe it.",
    "limits": "What would be too late, or too much.",
    "maintenance": "Announced maintenance: trouble of the platform in this time is no news.",
    "heartbeat": "Who watches the watcher: an address that is called for as long as all is well.",
    "metrics": "A file in Prometheus' text format, for the textfile collector of node_exporter.",
    "posts": "A folder into which other programs put posts as files; see `failover post` for the command line.",
}

ABOUT_KEYS = {
    "kind": "One of `failover kinds`.",
    "name": "As messages and records show it.",
    "timezone": "Times in messages are on its clock, such as Europe/London.",
    "website": "An address, for messages that name it.",
    "contact": "Told to the services we ask, so that they can complain.",
    "title": "What your public calls it.",
    "group": "Platforms with one owner share a group: they are one incident and one statement.",
    "catalogue": "Whether the ready-made probes are wanted.",
    "without": "Ready-made probes that are not wanted.",
    "probes": "How we look, beside the ready-made probes.",
    "budget": "So many looks in a month at most.",
    "platform": "The platform it stands on, or is about.",
    "practice": "For drills only: it is never heard in earnest.",
    "when_unsure": "What is done where nobody can tell whether a post went out.",
    "primary": "Channels, or platforms that we watch without a key to post there.",
    "backups": "Channels that stand in, in this order.",
    "reach": "How many backups must have heard it.",
    "from": "Since when, such as 2026-12-24T22:00, on the organisation's clock.",
    "until": "Until when, on the same clock.",
    "why": "For the record.",
}
"""The keys of the house; those of a kind are told by its own docstring."""

_SECRET = {
    "file": "Name of a file that holds it: a credential of the service, or a file here or in the folder `secrets`.",
    "env": "Name of an environment variable that holds it.",
    "plain": "In clear, on purpose.",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The kinds and the platforms that there are; what a kind says of itself is beside it."""

    probes: Mapping[str, tuple[AnyProbeKind, str]]
    channels: Mapping[str, tuple[AnyChannelKind, str]]
    catalogue: Mapping[str, CataloguePlatform]


def known() -> Known:
    """All that can be used here; `failover kinds` names the others."""
    return Known(
        probes=dict(_usable(registry.PROBES, registry.find_probe)),
        channels=dict(_usable(registry.CHANNELS, registry.find_channel)),
        catalogue=registry.catalogue(),
    )


def _usable(folder: str, find: Callable[[str], KindT]) -> Iterator[tuple[str, tuple[KindT, str]]]:
    for name in registry.names(folder):
        try:
            yield name, (find(name), registry.summary(folder, name))
        except KindError:
            continue


def text() -> str:
    """What `failover schema` prints: the same for the same kinds."""
    return json.dumps(schema(known()), indent=1, ensure_ascii=False) + "\n"


def schema(there_is: Known) -> Schema:
    """The whole schema."""
    probes = {name: _Kind(name, kind.options, told, ProbeHead) for name, (kind, told) in there_is.probes.items()}
    channels = {
        name: _Kind(name, kind.options, told, ChannelHead) for name, (kind, told) in there_is.channels.items()
    }
    return {
        "$schema": DIALECT,
        "title": "Configuration of failover",
        "description": "What the daemon watches, where it speaks and what it says. Durations are written 15s, 2m, 6h "
        "or 1d; secrets stand in files that are named here.",
        "type": "object",
        "required": [*REQUIRED],
        "additionalProperties": False,
        "properties": {name: {**_section(name, there_is), **_about(name)} for name in SECTIONS},
        "$defs": {
            "platform": _platform(None),
            "probe": _by_kind(probes, "probes"),
            "channel": _by_kind(channels, "channels"),
            **{f"probes.{name}": one.schema() for name, one in probes.items()},
            **{f"channels.{name}": one.schema() for name, one in channels.items()},
        },
    }


def _about(name: str) -> Schema:
    return {"description": ABOUT[name]} if name in ABOUT else {}


def _section(name: str, there_is: Known) -> Schema:
    simple: Mapping[str, Callable[[], Schema]] = {
        "organisation": lambda: _mapping(OrganisationEntry),
        "platforms": lambda: _platforms(there_is.catalogue),
        "channels": lambda: _named({"$ref": "#/$defs/channel"}),
        "messages": _messages,
        "routes": lambda: {"type": ["array", "null"], "items": _mapping(RouteEntry)},
        "maintenance": lambda: {"type": ["array", "null"], "items": _mapping(WindowEntry)},
    }
    if name in simple:
        return simple[name]()
    shape = next((part for part in alternatives(fields_of(Settings)[name]) if fields_of(part)), None)
    if shape is None:
        return {"type": ["string", "null"], "title": "path"}
    told = " ".join((shape.__doc__ or "").partition("\n\n")[0].split())
    return {"description": told, **_mapping(shape), "type": ["object", "null"]}


def _named(entry: Schema) -> Schema:
    return {"type": "object", "minProperties": 1, "propertyNames": {"pattern": NAME}, "additionalProperties": entry}


def _platforms(catalogue: Mapping[str, CataloguePlatform]) -> Schema:
    """Those of the catalogue by name, with the ready-made probes that can be left out; others say all themselves."""
    ready = {name: _platform(platform) for name, platform in catalogue.items()}
    return {**_named({"$ref": "#/$defs/platform"}), "properties": ready}


def _platform(ready: CataloguePlatform | None) -> Schema:
    one = _mapping(PlatformHead)
    one["type"] = ["object", "null"]
    one["properties"]["probes"]["items"] = {"$ref": "#/$defs/probe"}
    if ready is None:
        return one
    one["properties"]["without"]["items"] = {"enum": [*ready.probes]}
    return {"description": f"{ready.title}: {', '.join(ready.probes)}", **one}


def _messages() -> Schema:
    template = {
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "required": ["text"],
                "additionalProperties": False,
                "properties": {"subject": {"type": "string"}, "text": {"type": "string", "minLength": 1}},
            },
        ]
    }
    by_channel = {"type": ["object", "null"], "additionalProperties": template, "properties": {"default": template}}
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {one.value: by_channel for one in Statement if one is not Statement.POST},
    }


@dataclasses.dataclass(frozen=True, slots=True)
class _Kind:
    """A kind's options, what it says of itself, and the house keys that stand beside them."""

    name: str
    options: type[Options]
    told: str
    head: type

    def schema(self) -> Schema:
        own, house = _mapping(self.options), _mapping(self.head)
        own["description"] = self.told
        own["properties"] = {**house["properties"], **own["properties"], "kind": {"const": self.name}}
        own["required"] = ["kind", *own.get("required", ())]
        return own


def _by_kind(kinds: Mapping[str, _Kind], folder: str) -> Schema:
    """`kind` picks the schema of the rest."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"enum": [*kinds], "enumDescriptions": [kind.told for kind in kinds.values()]}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{folder}.{name}"},
            }
            for name in kinds
        ],
    }


# --- one model ---


def _mapping(shape: Any) -> Schema:
    """A model or a dataclass as a mapping with exactly its keys."""
    defaults = dict(_defaults(shape))
    told = {**({} if _is_kind(shape) else ABOUT_KEYS), **told_of(shape)}
    properties: Schema = {}
    required: list[str] = []
    choices: list[Schema] = []
    for key, annotation in fields_of(shape).items():
        if is_secret(annotation):
            forms = _secret(key, told.get(key, ""))
            properties |= forms
            if key not in defaults:
                choices.append({"oneOf": [{"required": [form]} for form in forms]})
            continue
        properties[key] = _described(annotation, told.get(key, ""), defaults.get(key))
        if key not in defaults:
            required.append(key)
    found: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return found | ({"required": required} if required else {}) | ({"allOf": choices} if choices else {})


def _is_kind(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def _secret(key: str, told: str) -> Schema:
    first = f"{told} " if told else ""
    return {
        f"{key}_{form}": {"type": "string", "minLength": 1, "description": f"{first}{_SECRET[form]}"}
        for form in SECRET_FORMS
    }


def _described(annotation: Any, told: str, default: object) -> Schema:
    one = _of(annotation)
    if told:
        one = {"description": told, **one}
    written = _written(default, annotation)
    return one if written is None else {**one, "default": written}


def _defaults(shape: Any) -> Iterator[tuple[str, object]]:
    """Key -> default, of what need not be written."""
    if _is_kind(shape):
        for name, field in shape.model_fields.items():
            if not field.is_required():
                yield field.alias or name, field.get_default(call_default_factory=True)
        return
    keys = list(fields_of(shape))
    for key, field in zip(keys, dataclasses.fields(shape), strict=True):
        if field.default is not dataclasses.MISSING and not isinstance(field.default, FieldInfo):
            yield key, field.default
        elif field.default_factory is not dataclasses.MISSING:
            yield key, field.default_factory()


def _written(value: object, annotation: Any) -> object:
    """A default as it would be written; None where there is nothing to show."""
    if value is None or value in ("", (), [], {}) or value is PydanticUndefined:
        return None
    if isinstance(value, float) and is_duration(annotation):
        return format_duration(value)
    if isinstance(value, tuple):
        return [*value]
    return value if isinstance(value, str | int | float | bool) else None


# --- one value ---

_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Path: {"type": "string", "minLength": 1, "title": "path"},
    SecretStr: {"type": "string"},
    type(None): {"type": "null"},
}


def _of(annotation: Any) -> Schema:
    """What may be written for a value of this type."""
    if is_duration(annotation):
        return _duration(annotation)
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        rules = [part for rule in extra for part in _parts(rule)]
        return _bounded(_with_short_forms(_of(inner), inner, rules), rules)
    if get_origin(annotation) in (Union, UnionType):
        return _any_of([_of(part) for part in get_args(annotation)])
    return _single(annotation)


def _with_short_forms(one: Schema, annotation: Any, rules: list[Any]) -> Schema:
    """A validator that sees what was written may take more than the type says: what it declares, else text."""
    before = [rule for rule in rules if isinstance(rule, BeforeValidator)]
    declared = [
        rule.json_schema_input_type for rule in before if rule.json_schema_input_type is not PydanticUndefined
    ]
    if declared:
        return _any_of([_of(part) for part in declared])
    a_list = get_origin(annotation) in (tuple, list) and ... in get_args(annotation)
    takes_text = a_list or {str, Path} & {part for part in alternatives(annotation) if isinstance(part, type)}
    return _any_of([one, {"type": "string", "minLength": 1}]) if before and not takes_text else one


def _duration(annotation: Any) -> Schema:
    """(`0` is the one duration that needs no unit.)"""
    one = {"type": "string", "pattern": DURATION, "title": "duration"}
    least = [part.ge for part in _rules(annotation) if isinstance(part, Ge)]
    more = [part for part in _rules(annotation) if isinstance(part, Gt)]
    nothing = [] if more or any(float(str(bound)) > 0 for bound in least) else [{"const": 0, "title": "0"}]
    null = [{"type": "null"}] if type(None) in alternatives(annotation) else []
    return _any_of([one, *nothing, *null])


def _rules(annotation: Any) -> list[Any]:
    return [part for rule in getattr(annotation, "__metadata__", ()) for part in _parts(rule)]


def _any_of(schemas: list[Schema]) -> Schema:
    null = {"type": "null"}
    others = [one for one in schemas if one != null]
    if len(others) == 1 and "enum" in others[0]:
        return {"enum": [*others[0]["enum"], None]} if null in schemas else others[0]
    if len(others) == 1 and isinstance(others[0].get("type"), str):
        return {**others[0], "type": [others[0]["type"], "null"]} if null in schemas else others[0]
    if all(set(one) == {"type"} and isinstance(one["type"], str) for one in schemas):
        return {"type": [one["type"] for one in schemas]}
    return {"anyOf": schemas} if len(schemas) > 1 else schemas[0]


def _single(annotation: Any) -> Schema:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return {"enum": [*arguments]}
    if origin in (tuple, list, frozenset, set):
        return {"type": "array", "items": _of(arguments[0])}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1])}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {"enum": [one.value for one in annotation]}
    if annotation in _PLAIN:
        return dict(_PLAIN[annotation])
    return _mapping(annotation) if fields_of(annotation) else {}


def _parts(rule: Any) -> Iterator[Any]:
    """pydantic keeps some rules in a `Field` of their own."""
    yield from (part for inner in rule.metadata for part in _parts(inner)) if isinstance(rule, FieldInfo) else (rule,)


_BOUNDS = {
    Ge: ("ge", "minimum"),
    Gt: ("gt", "exclusiveMinimum"),
    Le: ("le", "maximum"),
    Lt: ("lt", "exclusiveMaximum"),
}


def _bounded(one: Schema, rules: list[Any]) -> Schema:
    listed = one.get("type") == "array"
    for rule in rules:
        if type(rule) in _BOUNDS:
            name, keyword = _BOUNDS[type(rule)]
            one = {**one, keyword: getattr(rule, name)}
        elif isinstance(rule, MinLen):
            one = {**one, "minItems" if listed else "minLength": rule.min_length}
        elif isinstance(rule, MaxLen):
            one = {**one, "maxItems" if listed else "maxLength": rule.max_length}
        elif isinstance(getattr(rule, "pattern", None), str):
            one = {**one, "pattern": rule.pattern}
        if getattr(rule, "coerce_numbers_to_str", None) and one.get("type") == "string":
            one = {**one, "type": ["string", "integer"]}
    return one


# --- what the models say of their keys ---

_SENTENCE = re.compile(r"(?<=[.;])\s+(?=`)")
_NAMED = re.compile(r"`(\w+)(?:: \w+)?`")


def told_of(shape: Any) -> Mapping[str, str]:
    """Key -> the sentence of the docstring that begins with it, or, for want of one, that names it first."""
    doc = shape.__doc__ or ""
    if doc == Options.__doc__ or doc.startswith(f"{shape.__name__}("):
        return {}
    found: dict[str, str] = {}
    for sentence in _SENTENCE.split(" ".join(doc.split())):
        first = _NAMED.match(sentence)
        if first is not None:
            found.setdefault(first[1], _capital(sentence.rstrip(";")))
    return found


def _capital(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."
