"""Entries that name a kind, and the section `channels`, which is made of them.

An entry's house keys are the same for every kind; everything else in it is the kind's own options.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ConfigDict

from failover.config.kinds import CataloguePlatform, KindError, Kinds
from failover.config.places import Node
from failover.config.problems import KeyPath, Reading
from failover.config.secrets import MADE_UP, resolve
from failover.config.settings import ChannelSettings, Text, WhenUnsure
from failover.config.shapes import keys_of
from failover.config.validation import accept
from failover.contracts import AnyChannelKind, AnyProbeKind, Options
from failover.hours import parse_hours

HeadT = TypeVar("HeadT")
KindT = TypeVar("KindT", AnyProbeKind, AnyChannelKind)

_NAME = re.compile(r"\w[\w.-]{0,63}")
_ADDRESS = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9]+\.[0-9.]+)(?::\d+)?|([0-9A-Fa-f]*:[0-9A-Fa-f:.]+)")
"""An IP address with or without a port; version 6 with a port in brackets."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[HeadT, KindT]):
    """One entry, read: its house keys, its kind and the kind's options."""

    head: HeadT
    kind: KindT
    options: Options


def read_entry(
    shape: type[HeadT], find: Callable[[str], KindT], node: Node, path: KeyPath, reading: Reading
) -> Entry[HeadT, KindT] | None:
    """The entry whose house keys have this shape; None (and problems) if it cannot be used."""
    head, kind, options = read_parts(shape, find, node, path, reading)
    return None if head is None or kind is None or options is None else Entry(head, kind, options)


def read_parts(
    shape: type[HeadT], find: Callable[[str], KindT], node: Node, path: KeyPath, reading: Reading
) -> tuple[HeadT | None, KindT | None, Options | None]:
    """House keys, kind and options, each by itself; None (and problems) for what cannot be used."""
    house = keys_of(shape)
    data = {key: node.mapping[key].plain() for key in house if key in node.mapping}
    head = accept(shape, node, path, reading, data=data)
    kind = _kind(find, node, path, reading)
    if kind is None:
        return head, None, None
    data, failed = resolve(kind.options, node, path, reading)
    for key in house:
        data.pop(key, None)
    if reading.example:
        data = _of_a_form_that_fits(kind.options, node, data, reading)
    options = accept(kind.options, node, path, reading, data=data, skip=failed, also=house)
    return head, kind, options


def _of_a_form_that_fits(shape: type[Options], node: Node, data: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """The made-up secrets of an example, in the first form that the kind takes."""
    for made_up in MADE_UP:
        tried = {key: made_up if value == MADE_UP[0] else value for key, value in data.items()}
        spare = replace(reading, problems=[])
        if accept(shape, node, (), spare, data=tried) is not None:
            return tried
    return data


def _kind(find: Callable[[str], KindT], node: Node, path: KeyPath, reading: Reading) -> KindT | None:
    written = node.child("kind")
    if written is None or not isinstance(written.value, str) or not written.value:
        return None  # said already, by the shape of the house keys
    try:
        return find(written.value)
    except KindError as error:
        reading.wrong(written.place, (*path, "kind"), str(error))
        return None


def named(node: Node, section: str, reading: Reading) -> Iterator[tuple[str, Node]]:
    """The entries of a section; their names go into journals, addresses and messages, so they are plain."""
    for name, entry in node.mapping.items():
        if name == "default" or not _NAME.fullmatch(name):
            expected = "expected a name of letters, digits, - . and _ (and not `default`)"
            reading.wrong(node.key(name), (section, name), expected)
        elif isinstance(entry.value, dict):
            yield name, entry
        elif entry.value is None:
            yield name, Node({}, node.key(name))
        else:
            reading.wrong(entry.place, (section, name), "expected a mapping (key: value)")


def titled(name: str) -> str:
    """`facebook-page` as people would write it: `Facebook page`."""
    words = name.replace("-", " ").replace("_", " ").strip() or name
    return words[:1].upper() + words[1:]


def quiet_hours(value: object) -> tuple[int, int]:
    """Minutes from midnight of `22:00-07:00`; raises ValueError."""
    return parse_hours(value if isinstance(value, str) else "")


QuietHours = Annotated[tuple[int, int], BeforeValidator(quiet_hours)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHead:
    """What the house knows of a channel, whatever its kind, as it is written."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: Text
    platform: Text | None = None
    title: Text | None = None
    practice: bool = False
    when_unsure: WhenUnsure | None = None
    quiet: QuietHours | None = None


def read_channels(
    node: Node,
    kinds: Kinds,
    catalogue: Mapping[str, CataloguePlatform],
    groups: Mapping[str, str],
    reading: Reading,
) -> dict[str, ChannelSettings]:
    """Every channel that is written correctly; `groups` says which platforms share an owner."""
    found = {}
    places: dict[str, Place] = {}
    for name, child in named(node, "channels", reading):
        head, kind, options = read_parts(ChannelHead, kinds.find_channel, child, ("channels", name), reading)
        if kind is not None and options is not None:
            _check_twins(name, (kind, options), places, child, reading)
            places[name] = (kind, options)
        if head is None or kind is None or options is None:
            continue
        platform = head.platform
        known = catalogue.get(platform or "")
        found[name] = ChannelSettings(
            name=name,
            title=head.title or (known.title if known else titled(name)),
            kind=head.kind,
            platform=platform,
            group=groups.get(platform, platform) if platform else "",
            practice=head.practice,
            quiet=head.quiet,
            when_unsure=head.when_unsure or cast("WhenUnsure", kind.when_unsure),
            deadline=kind.deadline,
            settle=kind.settle,
            reads_back=kind.reads_back,
            options=options,
        )
    return found


Place = tuple[AnyChannelKind, Options]


def _check_twins(name: str, place: Place, others: Mapping[str, Place], node: Node, reading: Reading) -> None:
    """Two names for one place would say everything twice, and a drill in earnest."""
    for other, theirs in others.items():
        if theirs[0] is place[0] and theirs[1] == place[1]:
            path = ("channels", name)
            reading.wrong(node.place, path, f"the same place as '{other}', so it would be heard twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """On what a channel stands, and whether it is for drills: as it is written, whatever else is wrong with it."""

    platform: str | None
    group: str
    practice: bool


def standings(node: Node, groups: Mapping[str, str]) -> dict[str, Standing]:
    """Of every channel whose `platform` can be read."""
    found = {}
    for name, entry in node.mapping.items():
        platform, practice = (_plain(entry, key) for key in ("platform", "practice"))
        if platform is None or isinstance(platform, str):
            group = groups.get(platform, platform) if platform else ""
            found[name] = Standing(platform=platform, group=group, practice=practice is True)
    return found


def _plain(node: Node, key: str) -> object:
    child = node.child(key)
    return None if child is None else child.value


def on_this_machine(options: Options) -> bool:
    """Every address in these options is a loopback one, so no source elsewhere sets a limit to how often we ask."""
    hosts = [host for host in map(_host, _words(options.model_dump())) if host]
    return bool(hosts) and all(map(_is_loopback, hosts))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (word for part in value.values() for word in _words(part))
    elif isinstance(value, list | tuple | frozenset):
        yield from (word for part in value for word in _words(part))


def _host(word: str) -> str:
    """The host of an address, or nothing where the word is none."""
    if word.startswith(("http://", "https://")):
        return urlsplit(word).hostname or ""
    match = _ADDRESS.fullmatch(word)
    return next(filter(None, match.groups()), "") if match else ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
