"""The configuration: YAML text -> frozen settings, or every problem with its place (rules O1 and O2).

The environment is an argument: `STATE_DIRECTORY`, `RUNTIME_DIRECTORY`, `CREDENTIALS_DIRECTORY` and the variables that
hold secrets are looked up in it.  Relative paths are taken from the folder of the configuration file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, TypeVar

from pydantic import AfterValidator, ConfigDict

from failover.config import places
from failover.config.crosschecks import check_whole, missing_folders, notices
from failover.config.entries import read_channels, standings
from failover.config.kinds import CataloguePlatform, KindError, Kinds
from failover.config.messages import Cast, check_lengths, read_messages
from failover.config.paths import read_control, read_state, text_of
from failover.config.places import Node
from failover.config.platforms import Watching, read_groups, read_platforms
from failover.config.problems import Place, Reading, did_you_mean
from failover.config.settings import (
    Heartbeat,
    Judgement,
    Limits,
    Metrics,
    Settings,
    SignOff,
    SpoolSettings,
    Text,
    WebAddress,
)
from failover.config.standins import House, read_routes
from failover.config.validation import accept
from failover.config.windows import known_timezone, read_windows
from failover.contracts import AnyChannelKind
from failover.model import Organisation

T = TypeVar("T")

SECTIONS = (
    "organisation", "control", "state", "platforms", "channels", "routes", "messages", "sign_off", "judgement",
    "limits", "maintenance", "heartbeat", "metrics", "posts",
)  # fmt: skip

REQUIRED = {
    "organisation": "who is speaking",
    "platforms": "what can go down",
    "channels": "where you can speak",
}


def load(path: Path, env: Mapping[str, str], kinds: Kinds) -> Settings:
    """The settings in this file.  Raises ConfigError with everything that is wrong."""
    return parse(text_of(path), path, env, kinds)


def parse(text: str, path: Path, env: Mapping[str, str], kinds: Kinds, *, example: bool = False) -> Settings:
    """The settings in this text; `path` is where it came from.  Raises ConfigError with everything that is wrong.

    For an `example` (or a replay), in which nobody real is asked, no secret is read and no file need be there.
    """
    root, problems = places.read(text, str(path))
    reading = Reading(file=str(path), base=path.parent, env=env, problems=problems, example=example)
    if root is None:
        reading.finish()
    assert root is not None
    settings = _settings(root, path, kinds, reading)
    reading.finish()
    return settings


def _settings(root: Node, path: Path, kinds: Kinds, reading: Reading) -> Settings:
    """Everything that could be read; where something could not, there is a problem, and this is not used."""
    catalogue = _catalogue(kinds, root, reading)
    settings = _read(_sections(root, reading), root, path, (kinds, catalogue), reading)
    check_whole(settings, root, kinds, catalogue, reading)
    used = channel_kinds(settings, kinds)
    check_lengths(cast_of(settings, used), settings.messages, used, root, reading)
    return replace(
        settings,
        notices=(
            *reading.notices,
            *notices(settings, kinds),
            *(() if reading.example else missing_folders(settings)),
        ),
        secrets=frozenset(reading.secrets),
    )


Known = tuple[Kinds, Mapping[str, CataloguePlatform]]


def _read(sections: Mapping[str, Node], root: Node, path: Path, known: Known, reading: Reading) -> Settings:
    """Each section by itself, in the order in which one needs another."""
    organisation = _organisation(sections.get("organisation"), reading)
    judgement = _section(Judgement(), sections, "judgement", reading)
    house = _house(sections, known, judgement, reading)
    state = read_state(sections.get("state"), reading)
    return Settings(
        organisation=organisation,
        path=path,
        state=state,
        control=read_control(sections.get("control"), state, root, reading),
        platforms=house.platforms,
        channels=house.channels,
        routes=read_routes(sections.get("routes"), house, reading),
        messages=read_messages(sections.get("messages"), house.named_channels, reading),
        sign_off=_section(SignOff(), sections, "sign_off", reading),
        judgement=judgement,
        limits=_section(Limits(), sections, "limits", reading),
        maintenance=read_windows(sections.get("maintenance"), house.named_platforms, organisation.timezone, reading),
        heartbeat=_optional(Heartbeat, sections, "heartbeat", reading),
        metrics=_optional(Metrics, sections, "metrics", reading),
        posts=_optional(SpoolSettings, sections, "posts", reading),
    )


def _house(sections: Mapping[str, Node], known: Known, judgement: Judgement, reading: Reading) -> House:
    """Platforms and channels: each may name the other."""
    kinds, catalogue = known
    nothing = Node({}, Place(1, 1))
    channel_node, platform_node = sections.get("channels", nothing), sections.get("platforms", nothing)
    groups = read_groups(platform_node, catalogue)
    channels = read_channels(channel_node, kinds, catalogue, groups, reading)
    watching = Watching(
        kinds=kinds,
        catalogue=catalogue,
        groups=groups,
        judgement=judgement,
        channels=channels,
        named=channel_node.mapping.keys(),
        reading=reading,
    )
    return House(
        platforms=read_platforms(platform_node, watching),
        channels=channels,
        named_platforms=platform_node.mapping.keys(),
        named_channels=channel_node.mapping.keys(),
        stands=standings(channel_node, groups),
        groups=groups,
    )


def cast_of(settings: Settings, kinds: Mapping[str, AnyChannelKind]) -> Cast:
    """Who may have to say what; `kinds` are those of its channels."""
    return Cast(
        organisation=settings.organisation,
        platforms=settings.platforms,
        channels=settings.channels,
        routes=settings.routes,
        public=frozenset(name for name, channel in settings.channels.items() if kinds[channel.kind].public),
    )


def channel_kinds(settings: Settings, kinds: Kinds) -> dict[str, AnyChannelKind]:
    """The kinds that the channels are of."""
    return {channel.kind: kinds.find_channel(channel.kind) for channel in settings.channels.values()}


def _sections(root: Node, reading: Reading) -> dict[str, Node]:
    """The sections that are there and say something."""
    if not isinstance(root.value, dict):
        reading.wrong(root.place, (), f"expected a mapping with {', '.join(REQUIRED)} and so on")
        return {}
    for name in root.mapping:
        if name not in SECTIONS:
            reading.wrong(root.key(name), (name,), f"unknown key{did_you_mean(name, SECTIONS)}")
    for name, meaning in REQUIRED.items():
        node = root.child(name)
        if node is None:
            reading.wrong(root.place, (name,), f"missing: {meaning}")
        elif not isinstance(node.value, dict) or not node.value:
            reading.wrong(root.key(name), (name,), f"expected a mapping that says {meaning}")
    return {name: node for name, node in root.mapping.items() if name in SECTIONS and node.value is not None}


def _catalogue(kinds: Kinds, root: Node, reading: Reading) -> Mapping[str, CataloguePlatform]:
    try:
        return kinds.catalogue()
    except KindError as error:
        reading.wrong(root.place, ("platforms",), str(error))
        return {}


def _section(default: T, sections: Mapping[str, Node], name: str, reading: Reading) -> T:
    """A section that can be left out."""
    node = sections.get(name)
    value = accept(type(default), node, (name,), reading) if node is not None else None
    return default if value is None else value


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationEntry:
    """The section `organisation`, as it is written."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Text
    timezone: Annotated[str, AfterValidator(known_timezone)] = "UTC"
    website: WebAddress = ""
    contact: str = ""


def _organisation(node: Node | None, reading: Reading) -> Organisation:
    entry = accept(OrganisationEntry, node, ("organisation",), reading) if node is not None and node.mapping else None
    if entry is None:
        return Organisation(name="?")
    return Organisation(name=entry.name, timezone=entry.timezone, website=entry.website, contact=entry.contact)


def _optional(shape: type[T], sections: Mapping[str, Node], name: str, reading: Reading) -> T | None:
    """A section without which there is nothing of the kind."""
    node = sections.get(name)
    return accept(shape, node, (name,), reading) if node is not None else None
