"""How the configuration asks for kinds of probes and channels, without knowing who keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from failover.contracts import AnyChannelKind, AnyProbeKind


class KindError(LookupError):
    """A kind that cannot be used; the text is a clause for people that names the kind or its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePlatform:
    """What the catalogue knows of a platform; `probes` maps a probe's name to its entry as in the configuration."""

    title: str
    group: str
    probes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


class Kinds(Protocol):
    """Where kinds are looked up: `registry`, or a fake in tests.  Every lookup may raise KindError."""

    def find_probe(self, name: str) -> AnyProbeKind: ...

    def find_channel(self, name: str) -> AnyChannelKind: ...

    def catalogue(self) -> Mapping[str, CataloguePlatform]: ...
