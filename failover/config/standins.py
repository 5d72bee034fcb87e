"""The section `routes`: who stands in for whom, and whether they can."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from failover.config.entries import Standing
from failover.config.places import Node
from failover.config.problems import KeyPath, Reading, did_you_mean
from failover.config.settings import ChannelSettings, PlatformSettings, Posts, RouteSettings, Text
from failover.config.validation import accept
from failover.contracts import Duration

Names = Annotated[tuple[Text, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backup:
    """A channel that stands in; with `after` only when it lasts so long."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    channel: Text
    after: Duration = 0.0


def _some(value: object) -> object:
    """At least one; pydantic's own rule would also complain where the only one is wrong.  Raises ValueError."""
    if value == []:
        raise ValueError("must not be empty")
    return value


def _spelt_out(value: object) -> object:
    """A name alone is the usual way to write a backup; raises ValueError."""
    if isinstance(value, str) and value:
        return {"channel": value}
    if not isinstance(value, dict):
        raise ValueError("expected the name of a channel, or {channel, after}")  # noqa: TRY004  pydantic's own way
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """One entry of the section `routes`, as it is written."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    primary: Names
    backups: Annotated[tuple[Annotated[_Backup, BeforeValidator(_spelt_out)], ...], BeforeValidator(_some)]
    reach: Annotated[int, Field(ge=1)] | Literal["all"] = "all"
    posts: Posts = "reroute"
    partial: Literal["quiet", "say"] = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Who there is: what is written correctly, and of all that is in the file the names and what it stands on."""

    platforms: Mapping[str, PlatformSettings]
    channels: Mapping[str, ChannelSettings]
    named_platforms: Collection[str]
    named_channels: Collection[str]
    stands: Mapping[str, Standing]
    groups: Mapping[str, str]


def read_routes(node: Node | None, house: House, reading: Reading) -> tuple[RouteSettings, ...]:
    """The routes whose own keys are right; every name in them that cannot be used is a problem."""
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, list):
        reading.wrong(node.place, ("routes",), "expected a list of {primary, backups}")
    routes = (_route(child, ("routes", index), house, reading) for index, child in enumerate(node.items))
    return tuple(route for route in routes if route is not None)


def _route(node: Node, path: KeyPath, house: House, reading: Reading) -> RouteSettings | None:
    entry = accept(RouteEntry, node, path, reading)
    if entry is None:
        return None
    backups = tuple(one.channel for one in entry.backups)
    later = {one.channel: one.after for one in entry.backups if one.after}
    for key, names in (("primary", entry.primary), ("backups", backups)):
        for index, name in enumerate(names):
            why = _unfit_primary(name, house) if key == "primary" else _unfit_backup(name, entry, house)
            why = "given twice" if name in names[:index] else why
            if why:
                reading.wrong(node.mapping[key].items[index].place, (*path, key, index), why)
    at_once = len(backups) - len(later)
    if not at_once:
        reading.wrong(node.mapping["backups"].place, (*path, "backups"), "expected at least one without `after`")
    elif entry.reach != "all" and entry.reach > at_once:
        at_most = f"expected at most {at_once}, for there are no more backups" + (" without `after`" if later else "")
        reading.wrong(node.mapping["reach"].place, (*path, "reach"), at_most)
    return RouteSettings(
        primary=entry.primary,
        platforms=tuple(dict.fromkeys(one for one in _stands_on(entry.primary, house) if one in house.platforms)),
        primary_channels=tuple(name for name in entry.primary if name in house.channels),
        backups=backups,
        after=later,
        reach=None if entry.reach == "all" else entry.reach,
        posts=entry.posts,
        partial=entry.partial,
    )


def _stands_on(names: tuple[str, ...], house: House) -> Iterator[str]:
    """The watched platforms of primaries; a name that is both a channel and a platform is the channel."""
    for name in names:
        stands = house.stands.get(name)
        platform = stands.platform if stands is not None else name
        if platform is not None and platform in house.named_platforms:
            yield platform


def _unfit_primary(name: str, house: House) -> str:
    """Why nobody can stand in for this; "" if somebody can."""
    if name not in house.named_channels:
        known = [*house.named_channels, *house.named_platforms]
        return (
            "" if name in house.named_platforms else f"no channel and no platform '{name}'{did_you_mean(name, known)}"
        )
    channel = house.stands.get(name)
    if channel is None:
        return ""  # what is wrong with it is said where it stands
    if channel.practice:
        return f"'{name}' is a practice channel; it is heard in drills only"
    if channel.platform is None:
        return f"the channel '{name}' names no `platform`, so nothing tells when it is down"
    if channel.platform not in house.named_platforms:
        return f"nobody watches '{channel.platform}', on which '{name}' stands; add it under `platforms`"
    return ""


def _unfit_backup(name: str, entry: RouteEntry, house: House) -> str:
    """Why this cannot stand in for the primaries; "" if it can."""
    if name not in house.named_channels:
        if name in house.named_platforms:
            return f"'{name}' is a platform; expected a channel, where something can be said"
        return f"there is no channel '{name}'{did_you_mean(name, house.named_channels)}"
    if name in entry.primary:
        return f"'{name}' cannot stand in for itself"
    channel = house.stands.get(name)
    if channel is None:
        return ""
    if channel.practice:
        return f"'{name}' is a practice channel; it is heard in drills only"
    return _shared_fate(channel, entry, house)


def _shared_fate(channel: Standing, entry: RouteEntry, house: House) -> str:
    """Rule S3: what has the same owner fails at the same time."""
    for platform in _stands_on(entry.primary, house):
        group = house.groups[platform]
        if channel.group == group:
            return f"shares the fate of {platform} (both belong to '{group}'), so it would be down too"
    return ""
