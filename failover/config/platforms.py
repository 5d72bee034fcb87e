"""The section `platforms`: what can go down, and the probes that look at it.

A platform that the catalogue knows brings its usual probes with it; `without` leaves some out, `catalogue: false` all
of them, `probes` adds to them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from failover.config.entries import Entry, named, on_this_machine, read_entry, titled
from failover.config.kinds import CataloguePlatform, Kinds
from failover.config.places import Node, planted
from failover.config.problems import KeyPath, Reading, did_you_mean
from failover.config.settings import ChannelSettings, Judgement, PlatformSettings, ProbeSettings, Text, Wait
from failover.config.validation import accept
from failover.contracts import AnyProbeKind, Cost, format_duration

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformHead:
    """A platform as it is written."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    title: Text | None = None
    group: Text | None = None
    catalogue: bool = True
    without: tuple[Text, ...] = ()
    probes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeHead:
    """What the house knows of a probe, whatever its kind, as it is written."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    kind: Text
    every: Wait | None = None
    budget: Annotated[int, Field(ge=1)] | None = None


def read_groups(node: Node, catalogue: Mapping[str, CataloguePlatform]) -> dict[str, str]:
    """Platform -> group, of all that are watched or known: who shares whose fate."""
    groups = {name: platform.group for name, platform in catalogue.items()}
    for name, entry in node.mapping.items():
        written = entry.child("group")
        said = written.value if written is not None else None
        groups[name] = said if isinstance(said, str) and said else groups.get(name, name)
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What the platforms are read with.  `channels` are those that are written correctly, `named` all of them."""

    kinds: Kinds
    catalogue: Mapping[str, CataloguePlatform]
    groups: Mapping[str, str]
    judgement: Judgement
    channels: Mapping[str, ChannelSettings]
    named: Collection[str]
    reading: Reading


def read_platforms(node: Node, watching: Watching) -> dict[str, PlatformSettings]:
    """The platforms; where something is wrong with one, so much of it as could be read."""
    found = {}
    for name, entry in named(node, "platforms", watching.reading):
        head = accept(PlatformHead, entry, ("platforms", name), watching.reading) or PlatformHead()
        known = watching.catalogue.get(name)
        found[name] = PlatformSettings(
            name=name,
            title=head.title or (known.title if known else titled(name)),
            group=watching.groups[name],
            probes=_probes(name, head, entry, watching),
        )
    return found


def _probes(name: str, head: PlatformHead, node: Node, watching: Watching) -> tuple[ProbeSettings, ...]:
    """The catalogue's probes that are wanted, then the ones written here; each under a name of its own."""
    written = node.child("probes")
    entries: dict[str, tuple[KeyPath, Node]] = {
        probe: (("platforms", name, "catalogue", probe), planted(entry, node.place))
        for probe, entry in _wanted(name, head, node, watching).items()
    }
    for index, child in enumerate(written.items if written else ()):
        if not isinstance(child.value, dict):
            continue  # said already, by the platform's own shape
        entries[_free(child, entries)] = (("platforms", name, "probes", index), child)
    if not entries:
        watching.reading.wrong(node.place, ("platforms", name), _nothing_to_look_with(name, watching))
    probes = (_probe(name, probe, child, path, watching) for probe, (path, child) in entries.items())
    return tuple(probe for probe in probes if probe is not None)


def _wanted(name: str, head: PlatformHead, node: Node, watching: Watching) -> dict[str, Mapping[str, object]]:
    known = watching.catalogue.get(name) if head.catalogue else None
    usual = dict(known.probes) if known else {}
    unwanted = node.child("without")
    for index, child in enumerate(unwanted.items if unwanted else ()):
        if usual.pop(str(child.value), None) is None:
            hint = did_you_mean(str(child.value), known.probes if known else ())
            path = ("platforms", name, "without", index)
            watching.reading.wrong(child.place, path, f"there is no such ready-made probe here{hint}")
    return usual


def _free(node: Node, taken: Collection[str]) -> str:
    """A probe written here is called by its kind; the second of a kind `kind-2`."""
    written = node.child("kind")
    kind = str(written.value) if written is not None else "probe"
    names = [kind, *(f"{kind}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _nothing_to_look_with(name: str, watching: Watching) -> str:
    if name in watching.catalogue:
        return "no probe is left to look with; add one under `probes`"
    hint = did_you_mean(name, watching.catalogue)
    return f"not in the catalogue, so say under `probes` how to look at it{hint}"


def _probe(platform: str, name: str, node: Node, path: KeyPath, watching: Watching) -> ProbeSettings | None:
    entry = read_entry(ProbeHead, watching.kinds.find_probe, node, path, watching.reading)
    if entry is None:
        return None
    channel = _spoken_through(platform, entry, node, path, watching)
    local = on_this_machine(channel.options if channel is not None else entry.options)
    steady, fastest, cost = (0.0, 0.0, None) if local else _limits(entry.kind, channel, watching.kinds)
    every = entry.head.every
    if every is not None and every < steady:
        tolerated = f"this source tolerates one look each {format_duration(steady)} and no more"
        watching.reading.wrong((node.child("every") or node).place, (*path, "every"), tolerated)
    every = every or max(watching.judgement.every, steady)
    return ProbeSettings(
        name=name,
        platform=platform,
        kind=entry.head.kind,
        every=every,
        fastest=min(every, max(watching.judgement.every_when_suspect, fastest)),
        timeout=entry.kind.timeout,
        options=entry.options,
        on_suspicion=entry.kind.on_suspicion,
        budget=entry.head.budget or (entry.kind.per_month if cost is None and not local else None),
        cost=cost,
        free=entry.kind.per_month,
    )


def _limits(kind: AnyProbeKind, channel: ChannelSettings | None, kinds: Kinds) -> tuple[float, float, Cost | None]:
    """The shortest steady interval, the shortest of all, and the price; through a channel that of its own service."""
    if channel is None:
        return kind.every, kind.fastest, kind.cost
    through = kinds.find_channel(channel.kind)
    return max(kind.every, through.check_every), kind.fastest, through.check_cost or kind.cost


def _spoken_through(
    platform: str, entry: Entry[ProbeHead, AnyProbeKind], node: Node, path: KeyPath, watching: Watching
) -> ChannelSettings | None:
    """The channel that a probe looks through: an option called `channel` names it.

    It must stand on the probe's own platform, or it would give evidence about another.
    """
    wanted = getattr(entry.options, "channel", None)
    if not isinstance(wanted, str):
        return None
    channel = watching.channels.get(wanted)
    place, path = (node.child("channel") or node).place, (*path, "channel")
    if wanted not in watching.named:
        watching.reading.wrong(place, path, f"there is no channel '{wanted}'{did_you_mean(wanted, watching.named)}")
    elif channel is not None and channel.platform != platform:
        stands = f"stands on {channel.platform}" if channel.platform else "names no platform"
        watching.reading.wrong(
            place, path, f"the channel '{wanted}' {stands}; expected one with `platform: {platform}`"
        )
    if channel is not None and getattr(entry.options, "canary", False):
        _check_canary(channel, node, (*path[:-1], "canary"), watching)
    return channel


def _check_canary(channel: ChannelSettings, node: Node, path: KeyPath, watching: Watching) -> None:
    """A probe's option `canary` has the channel write something: some kinds cannot do that unseen, or not as is."""
    kind, place = watching.kinds.find_channel(channel.kind), (node.child("canary") or node).place
    if not kind.canary:
        watching.reading.wrong(
            place, path, f"the channel '{channel.name}' (kind {channel.kind}) offers no canary; expected false"
        )
    elif kind.canary_needs and getattr(channel.options, kind.canary_needs, None) is None:
        watching.reading.wrong(
            place, path, f"the channel '{channel.name}' offers a canary only with `{kind.canary_needs}`"
        )
