"""What `failover drill` does and prints: the plan, then the practice channels as they are heard.

Where no channel is kept for drills, or where it is asked for, the drill is one on the practice internet instead: it
needs no daemon, and nobody hears it.
"""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from failover import registry
from failover.ask import NotRunningError, RefusedError, ask, missing
from failover.config import parse
from failover.config.paths import text_of
from failover.config.problems import ConfigError, did_you_mean
from failover.config.settings import Settings

Fields = dict[str, Any]

PATIENCE = 120.0
"""Seconds for which the practice channels are waited for where nobody must agree first."""

MODES = {
    "automatic": "nobody is asked first",
    "veto": "goes out unless somebody objects",
    "required": "somebody must approve first",
}


def drill(
    config: Path, platform: str, env: Mapping[str, str], *, full: bool, as_json: bool, practice_internet: bool
) -> int:
    """Rehearse; 0 when everybody was heard.

    Raises ConfigError, ask.NotRunningError and ask.RefusedError.
    """
    try:
        settings = parse(text_of(config), config, env, registry, example=True)
    except ConfigError as error:
        if practice_internet:
            raise
        return _of_a_broken_file(error, config, platform, full=full, as_json=as_json)
    practice = [one.name for one in settings.channels.values() if one.practice]
    if practice_internet or not practice:
        why = "" if practice else "No channel is marked `practice: true`, so nobody could hear another one."
        return _on_practice_internet(settings, platform, why, full=full, as_json=as_json)
    return _on_practice_channels(config, platform, full=full, as_json=as_json)


def _of_a_broken_file(error: ConfigError, config: Path, platform: str, *, full: bool, as_json: bool) -> int:
    """A daemon that runs has a configuration that is good."""
    try:
        return _on_practice_channels(config, platform, full=full, as_json=as_json)
    except NotRunningError:
        if missing(config):
            raise
        raise error from None


def _on_practice_internet(settings: Settings, platform: str, why: str, *, full: bool, as_json: bool) -> int:
    if platform not in settings.platforms:
        known = ", ".join(settings.platforms)
        hint = did_you_mean(platform, settings.platforms) or f"; there are {known}"
        raise RefusedError(f"there is no platform '{platform}'{hint}")
    from failover.practice.confinement import confine  # noqa: PLC0415  heavy, and for this kind of drill only
    from failover.practice.rehearsal import rehearse  # noqa: PLC0415
    from failover.show_rehearsal import show  # noqa: PLC0415

    confine()
    return show(rehearse(settings, registry, platform, full=full), registry, why, as_json=as_json)


def _on_practice_channels(config: Path, platform: str, *, full: bool, as_json: bool) -> int:
    begun = ask(config, "drill", platform=platform, full=full)
    stages = [_followed(config, begun["id"], begun["mode"], as_json=as_json, plan=begun["plan"])]
    if full and any(one["phase"] == "sent" for one in stages[0]["channels"]):
        ended = ask(config, "drill_end", drill=begun["id"], platform=platform)
        stages.append(_followed(config, ended["id"], ended["mode"], as_json=as_json))
    if as_json:
        print(json.dumps({"drill": "practice channels", "plan": begun["plan"], "stages": stages}, indent=2))
    return 0 if all(one["phase"] == "sent" for stage in stages for one in stage["channels"]) else 1


def _followed(config: Path, statement: str, mode: str, *, as_json: bool, plan: Fields | None = None) -> Fields:
    """Wait for a statement of the drill and show it."""
    if not as_json:
        print(*(_plan(plan) if plan else ()), *_head(statement, mode), sep="\n", flush=True)
    until = time.monotonic() + PATIENCE
    result: Fields = ask(config, "drill_result", statement=statement)
    while not result["settled"] and (mode != "automatic" or time.monotonic() < until):
        time.sleep(0.2)
        result = ask(config, "drill_result", statement=statement)
    if not as_json:
        print(*_heard(result), sep="\n", flush=True)
    return {"id": statement, **result}


def _plan(plan: Fields) -> Iterator[str]:
    yield "This is a drill on the practice channels: they hear it, and nobody else does."
    yield ""
    yield f"If {plan['platform']} went down now, this would be said:"
    if not plan["statements"]:
        yield "  nothing: there is no route for it, or no channel of it could speak"
    for one in plan["statements"]:
        when = f", after {one['after']:.0f} s" if one["after"] else ""
        yield f"  {one['statement'].replace('_', ' ')}: {MODES[one['mode']]}{when}"
        for channel in one["channels"]:
            if channel["asked"]:
                yield f"    {channel['channel']}"
                yield from textwrap.wrap(channel["text"], 100, initial_indent="      ", subsequent_indent="      ")
            else:
                yield f"    {channel['channel']} stands by{': ' + channel['reason'] if channel['reason'] else ''}"
    yield ""


def _head(statement: str, mode: str) -> Iterator[str]:
    yield f"Drill {statement} on the practice channels ({MODES[mode]}):"
    if mode != "automatic":
        yield f"  waiting; failover approve {statement}, or failover veto {statement}; Ctrl-C to stop watching"


def _heard(result: Fields) -> Iterator[str]:
    if result["decided_by"]:
        yield f"  decided by {result['decided_by']}"
    for one in result["channels"]:
        took = f"after {one['after']:.1f} s" if one["after"] is not None else "not yet"
        where = one["url"] or (one["reason"] if one["phase"] != "sent" else "")
        yield f"  {one['channel']}: {one['phase']}, {took}{' - ' + where if where else ''}"
        yield from textwrap.wrap(one["text"], 100, initial_indent="      ", subsequent_indent="      ")
    yield ""
