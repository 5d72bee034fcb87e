"""Where scenarios and the organisation of a replay come from: files, or what is shipped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path

from failover import registry
from failover.config import parse, places
from failover.config.paths import text_of
from failover.config.places import BYTES_AT_MOST
from failover.config.problems import ConfigError, Place, Problem, Reading, did_you_mean
from failover.config.settings import Settings
from failover.replay.scenario import CLASSES, EXPECTED, Cast, Scenario, read_scenario

BUILT_IN = "the built-in organisation"


_SHIPPED_ONES = "; `failover replay` names the scenarios that are shipped"


class NoScenarioError(LookupError):
    """There is no such scenario; the text says what there is."""


def shipped() -> list[str]:
    """The names of the scenarios that come with the product."""
    folder = resources.files("failover.replay").joinpath("scenarios")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def organisation(config: Path | None, env: Mapping[str, str]) -> Settings:
    """The configuration to be tried; no secret is read.  Raises ConfigError."""
    if config is not None:
        return parse(text_of(config), config, env, registry, example=True)
    text = resources.files("failover.replay").joinpath("house.yaml").read_text(encoding="utf-8")
    return parse(text, Path(BUILT_IN), {}, registry, example=True)


def limited(settings: Settings, platforms: Collection[str]) -> Settings:
    """The same organisation, watching only these platforms."""
    return replace(settings, platforms={name: one for name, one in settings.platforms.items() if name in platforms})


def fitting(settings: Settings, played: Scenario) -> Settings:
    """The built-in organisation watches everything, so that any outage can be played; here, only what matters to this
    one: its platforms, and those that the organisation speaks on.  A configuration of somebody's own stays whole.
    """
    if settings.path != Path(BUILT_IN):
        return settings
    return limited(settings, {*played.platforms, *(one.platform or "" for one in settings.channels.values())})


def scenario(name: str, names: Cast) -> Scenario:
    """The scenario in this file, or the shipped one of this name.  Raises ConfigError or NoScenarioError."""
    file, text = _text(name)
    return read(text, file, names)


def read(text: str, file: str, names: Cast) -> Scenario:
    """The scenario in this text.  Raises ConfigError with everything that is wrong."""
    root, problems = places.read(text, file)
    reading = Reading(file=file, base=Path(), env={}, problems=[_of_a_scenario(one) for one in problems])
    found = read_scenario(root, names, reading) if root is not None else None
    reading.finish()
    assert found is not None
    return found


def _of_a_scenario(problem: Problem) -> Problem:
    """What is told of an empty file is meant for a configuration."""
    if not problem.text.startswith("the file is empty"):
        return problem
    return replace(problem, text=f"the file is empty; {EXPECTED}")


def _text(name: str) -> tuple[str, str]:
    """(what to call it, its text)."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or "/" in name:
        return name, _text_of(path)
    known = shipped()
    if name not in known:
        raise NoScenarioError(f"there is no scenario '{name}'{did_you_mean(name, known)} (a file ends in .yaml)")
    return f"{name}.yaml", resources.files("failover.replay").joinpath("scenarios", f"{name}.yaml").read_text("utf-8")


def _text_of(path: Path) -> str:
    """As of a configuration, but it is a scenario that is missing.  Raises ConfigError or NoScenarioError."""
    if not path.exists():
        shipped_too = f"; a shipped one is called {path.stem}" if path.stem in shipped() else ""
        raise NoScenarioError(f"{path}: there is no such file{shipped_too or _SHIPPED_ONES}")
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no regular file"
        raise NoScenarioError(f"{path} is {what}; expected a scenario, such as {path / 'outage.yaml'}")
    if path.stat().st_size > BYTES_AT_MOST:
        text = "larger than 1 MiB, and a scenario is a few kB; is it another file?"
        raise ConfigError([Problem(Place(), "", text, str(path))])
    return text_of(path)


def cast(settings: Settings) -> Cast:
    """The names a scenario may use: those of the configuration, of the catalogue and of the built-in organisation."""
    catalogue = registry.catalogue()
    house = organisation(None, {})
    probes = {
        name
        for one in (settings, house)
        for platform in one.platforms.values()
        for probe in platform.probes
        for name in (probe.name, probe.kind)
    }
    channels = {
        name
        for one in (settings, house)
        for channel in one.channels.values()
        for name in (channel.name, channel.kind, channel.platform)
        if name
    }
    from_catalogue = {name for platform in catalogue.values() for name in platform.probes}
    return Cast(
        platforms={*settings.platforms, *house.platforms, *catalogue},
        probes={*CLASSES, *probes, *from_catalogue, *registry.names("probes")},
        channels=channels | {*registry.names("channels")},
    )
