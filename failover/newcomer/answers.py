"""What somebody has answered: frozen, and without a secret in its repr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking:
    """One channel.  `options` are as they stand in the file, those that name a secret's file among them.

    `secrets` are the new files of credentials by name, `copies` files of the administrator that are put beside them.
    """

    name: str
    kind: str
    platform: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    copies: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One route: platforms that can go down, and the channels that then speak, in this order."""

    platforms: tuple[str, ...]
    backups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that is needed to write a configuration."""

    organisation: str
    timezone: str
    website: str
    platforms: tuple[str, ...]
    channels: tuple[Speaking, ...]
    routes: tuple[StandIn, ...]


def usual_routes(platforms: Mapping[str, str], channels: Mapping[str, str]) -> tuple[StandIn, ...]:
    """For each platform the channels that do not share its fate (rule S3); platforms with the same ones together.

    Both map names to groups; a channel that stands on no platform is of the group "".
    """
    found: dict[tuple[str, ...], list[str]] = {}
    for platform, group in platforms.items():
        backups = tuple(name for name, stands in channels.items() if stands != group)
        if backups:
            found.setdefault(backups, []).append(platform)
    return tuple(StandIn(platforms=tuple(names), backups=backups) for backups, names in found.items())
