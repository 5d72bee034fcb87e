"""Which kinds of probes and channels there are: the files of the two folders, each imported only when asked for.

The file's name is the kind's name; files that begin with `_` are private to their folder.  No list is kept anywhere,
and nothing of the house imports a plug-in by name.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from failover.config.kinds import CataloguePlatform, KindError
from failover.config.places import read
from failover.config.problems import did_you_mean
from failover.contracts import AnyChannelKind, AnyProbeKind, ChannelKind, ProbeKind

PROBES, CHANNELS = "probes", "channels"


def names(folder: str) -> list[str]:
    """The kinds of a folder (`probes`, `channels`), without importing any."""
    package = importlib.import_module(folder)
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_")


def find_probe(name: str) -> AnyProbeKind:
    """The kind of probe of that name.  Raises KindError."""
    kind = _kind(PROBES, name)
    if not isinstance(kind, ProbeKind):
        raise KindError(f"probes/{name}.py does not end with KIND = ProbeKind(…)")
    return kind


def find_channel(name: str) -> AnyChannelKind:
    """The kind of channel of that name.  Raises KindError."""
    kind = _kind(CHANNELS, name)
    if not isinstance(kind, ChannelKind):
        raise KindError(f"channels/{name}.py does not end with KIND = ChannelKind(…)")
    return kind


def summary(folder: str, name: str) -> str:
    """What the file says of itself: the first paragraph of its docstring, on one line.  Raises KindError."""
    _kind(folder, name)
    first = (inspect.getdoc(importlib.import_module(f"{folder}.{name}")) or "").partition("\n\n")[0]
    said = re.sub(r"^(the )?kind `?\w+`?: ", "", " ".join(first.split()), flags=re.IGNORECASE)
    return said[:1].upper() + said[1:]


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A kind of probe that knows its own documents.

    `paths` is where a site keeps one.  `recognise` takes the final address and the decoded body (a text where it is
    no JSON), and gives the options of a probe without `kind`, or None.
    """

    kind: str
    paths: tuple[str, ...]
    recognise: Callable[[str, object], dict[str, object] | None]


def recognisers() -> list[Recogniser]:
    """All kinds of probes that have a `recognise`; one that cannot be used is passed over (`kinds` names it)."""
    found = []
    for name in names(PROBES):
        try:
            find_probe(name)
        except KindError:
            continue
        module = importlib.import_module(f"{PROBES}.{name}")
        if recognise := getattr(module, "recognise", None):
            found.append(Recogniser(name, tuple(getattr(module, "PATHS", ())), recognise))
    return found


def _kind(folder: str, name: str) -> object:
    known = names(folder)
    if name not in known:
        other = CHANNELS if folder == PROBES else PROBES
        hint = f"; '{name}' is one of {other}" if name in names(other) else did_you_mean(name, known)
        raise KindError(f"unknown kind '{name}'{hint}")
    file = f"{folder}/{name}.py"
    try:
        return getattr(importlib.import_module(f"{folder}.{name}"), "KIND", None)
    except ModuleNotFoundError as error:
        raise KindError(f"{file} needs the Python module '{error.name}', which is not installed") from error
    except (ImportError, SyntaxError) as error:
        raise KindError(f"{file} cannot be imported: {error}") from error


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, CataloguePlatform]:
    """The platforms with ready-made probes, out of `probes/catalogue.yaml`.  Raises KindError."""
    try:
        text = resources.files(PROBES).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise KindError("probes/catalogue.yaml is missing from this installation") from None
    root, problems = read(text, "probes/catalogue.yaml")
    if root is None or problems:
        raise KindError("; ".join(map(str, problems)))
    return MappingProxyType({name: _platform(name, node.plain()) for name, node in root.mapping.items()})


def _platform(name: str, entry: Mapping[str, object] | None) -> CataloguePlatform:
    entry = entry or {}
    probes = entry.get("probes") or {}
    assert isinstance(probes, Mapping)
    return CataloguePlatform(
        title=str(entry.get("title", name)), group=str(entry.get("group", name)), probes=MappingProxyType(probes)
    )
