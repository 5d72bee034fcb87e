"""What `failover kinds` and `failover check` print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from failover import registry
from failover.config import cast_of, channel_kinds, load
from failover.config.kinds import KindError
from failover.config.messages import Length, longest
from failover.config.places import read
from failover.config.problems import ConfigError, Reading, did_you_mean
from failover.config.settings import ChannelSettings, PlatformSettings, RouteSettings, Settings
from failover.config.shapes import SECRET_FORMS, alternatives, is_duration, is_secret
from failover.config.validation import accept
from failover.contracts import (
    AnyChannelKind,
    AnyProbeKind,
    Options,
    ProbeKind,
    format_duration,
)
from failover.model import Announcement, Statement

CONFIGURATION_ERROR = 78
"""EX_CONFIG of sysexits.h."""


def check(path: Path, env: Mapping[str, str]) -> tuple[list[str], int]:
    """The lines that `failover check` prints, and its exit code: 0, or 78 where the daemon would not start."""
    try:
        settings = load(path, env, registry)
    except ConfigError as error:
        count = len(error.problems)
        return [*map(str, error.problems), f"{count} problem{'' if count == 1 else 's'}"], CONFIGURATION_ERROR
    return [f"{path}: ok", "", *_summary(settings), *(f"note: {notice}" for notice in settings.notices)], 0


def _summary(settings: Settings) -> Iterator[str]:
    yield "Platforms and the probes that look at them"
    yield from _columns([_platform_row(platform) for platform in settings.platforms.values()])
    yield "Channels"
    yield from _columns([_channel_row(channel) for channel in settings.channels.values()])
    yield "Routes"
    yield from _columns([_route_row(route) for route in settings.routes])
    yield "Messages at their longest (* the built-in words)"
    yield from _columns([_length_row(lengths) for lengths in _lengths(settings)])


def _platform_row(platform: PlatformSettings) -> list[str]:
    group = f"of {platform.group}" if platform.group != platform.name else ""
    return [
        platform.name,
        group,
        ", ".join(f"{probe.name} ({format_duration(probe.every)})" for probe in platform.probes),
    ]


def _channel_row(channel: ChannelSettings) -> list[str]:
    stands = f"on {channel.platform}" if channel.platform else ""
    return [channel.name, channel.kind, stands, "practice only" if channel.practice else ""]


def _route_row(route: RouteSettings) -> list[str]:
    reach = "all of them" if route.reach is None else f"at least {route.reach} of them"
    return [", ".join(route.primary), f"-> {', '.join(route.backups)}", f"({reach})"]


def _lengths(settings: Settings) -> Iterator[list[Length]]:
    """For each channel how long each statement can get."""
    kinds = channel_kinds(settings, registry)
    cast = cast_of(settings, kinds)
    for channel in settings.channels.values():
        found = [longest(cast, settings.messages, channel, kinds[channel.kind], one) for one in cast.asked(channel)]
        yield [length for length in found if length is not None]


def _length_row(lengths: list[Length]) -> list[str]:
    """`telegram  holding 130, again 122*  of 4096 characters`; a `*` marks the built-in words."""
    if not lengths:
        return []
    limits = dict.fromkeys(f"{length.measure.limit} {length.measure.unit}" for length in lengths)
    said = (f"{one.statement.value} {one.measure.used}{'' if one.source else '*'}" for one in lengths)
    return [lengths[0].channel, ", ".join(said), f"of {' or '.join(limits)}"]


def kinds() -> str:
    """The table that `failover kinds` prints."""
    lines = []
    for folder in (registry.PROBES, registry.CHANNELS):
        lines += [folder.capitalize()]
        lines += _columns([_kind_row(folder, name) for name in registry.names(folder)])
    return "\n".join([*lines, "`failover kinds KIND` shows the options of one."])


def _kind_row(folder: str, name: str) -> list[str]:
    try:
        found = _found(folder, name)
        return [name, _mark(found), registry.summary(folder, name)]
    except KindError as error:
        return [name, "not usable", str(error)]


def _found(folder: str, name: str) -> AnyProbeKind | AnyChannelKind:
    return registry.find_probe(name) if folder == registry.PROBES else registry.find_channel(name)


def _mark(found: AnyProbeKind | AnyChannelKind) -> str:
    """A probe's class of evidence; a channel's limit, where its example is enough to tell."""
    if isinstance(found, ProbeKind):
        return found.evidence.value
    options = example_options(found)
    if options is None:
        return ""
    blank = Announcement(key="", incident="", statement=Statement.HOLDING, reference="", text="x", created_at=0.0)
    measure = found.measure(options, blank)
    return f"{measure.limit} {measure.unit}"


def example_options(found: AnyProbeKind | AnyChannelKind) -> Options | None:
    """The options of a kind's own example, with a made-up secret wherever it names one."""
    node, _problems = read(found.example, "example")
    if node is not None and "kind" not in node.mapping:  # an entry with its name
        node = next(iter(node.mapping.values()), None)
    if node is None:
        return None
    data = {key: value for key, value in node.plain().items() if key not in ("kind", "platform", "every")}
    for name, known in found.options.model_fields.items():
        if is_secret(known.annotation):
            given = [data.pop(f"{name}_{form}", None) for form in SECRET_FORMS]
            data |= {name: "example"} if any(given) else {}
    options: Options | None = accept(found.options, node, (), Reading("example", Path(), {}, example=True), data=data)
    return options


def kind(name: str) -> str:
    """What `failover kinds KIND` prints.  Raises KindError for one that there is not, or that cannot be used."""
    folders = [folder for folder in (registry.PROBES, registry.CHANNELS) if name in registry.names(folder)]
    if not folders:
        known = [*registry.names(registry.PROBES), *registry.names(registry.CHANNELS)]
        raise KindError(f"unknown kind '{name}'{did_you_mean(name, known)}")
    return "\n\n".join("\n".join(_portrait(folder, name)) for folder in folders)


def _portrait(folder: str, name: str) -> Iterator[str]:
    found = _found(folder, name)
    yield f"{name} ({folder.removesuffix('s')}): {registry.summary(folder, name)}"
    yield from _terms(found)
    yield ""
    yield "Options"
    yield from _columns(
        [row for key, known in found.options.model_fields.items() for row in _option_rows(key, known)]
    )
    if found.options.__doc__ and found.options.__doc__ != Options.__doc__:
        yield from (f"  {line.strip()}".rstrip() for line in found.options.__doc__.strip().splitlines())
        yield ""
    yield "Example"
    yield from (f"  {line}" for line in found.example.strip().splitlines())


def _terms(found: AnyProbeKind | AnyChannelKind) -> Iterator[str]:
    if isinstance(found, ProbeKind):
        pace = f"each {format_duration(found.every)} at most, {format_duration(found.fastest)} on suspicion"
        yield f"evidence: {found.evidence.value}; looks {pace}"
    else:
        limit = _mark(found) or "depends on the options"
        yield f"limit: {limit}; deadline of one send: {format_duration(found.deadline)}"
        read_back = "can be" if found.reads_back else "cannot be"
        yield f"{read_back} looked for after a doubtful send{'' if found.reads_back else ': see `when_unsure`'}"
        if found.canary:
            yield f"canary of an account probe (off by default): {found.canary}"


def _option_rows(key: str, known: FieldInfo) -> Iterator[list[str]]:
    keys = [f"{key}_{form}" for form in SECRET_FORMS[:2]] if is_secret(known.annotation) else [known.alias or key]
    default = "required" if known.is_required() else _in_yaml(known.get_default(call_default_factory=True), known)
    yield [" or ".join(keys), in_words(known.annotation, known.metadata), default, known.description or ""]


def in_words(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> str:
    """A type as people who write YAML think of it."""
    if is_duration(Annotated[annotation, *metadata] if metadata else annotation):
        return "duration"
    parts = [part for part in alternatives(annotation) if part is not type(None)]
    return " or ".join(dict.fromkeys(map(_part_in_words, parts)))


_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret",
}


def _part_in_words(part: Any) -> str:
    origin, arguments = get_origin(part), get_args(part)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin in (tuple, list, frozenset, set):
        return f"list of {in_words(arguments[0])}"
    if isinstance(part, type) and issubclass(part, BaseModel):
        return f"mapping of {', '.join(part.model_fields)}"
    return _WORDS.get(part, "mapping" if origin is dict else getattr(part, "__name__", str(part)))


def _in_yaml(value: object, known: FieldInfo) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, float) and in_words(known.annotation, known.metadata) == "duration":
        return format_duration(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, BaseModel):
        return "{}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _columns(rows: list[list[str]]) -> list[str]:
    """The rows under each other, indented; then an empty line."""
    rows = [row for row in rows if row]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [*(f"  {line.rstrip()}" for line in lines or ["none"]), ""]
