"""What `failover drill` does and prints: the plan, then the practice channels as they are heard."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from failover.ask import ask

Fields = dict[str, Any]

PATIENCE = 120.0
"""Seconds for which the practice channels are waited for where nobody must agree first."""

MODES = {
    "automatic": "nobody is asked first",
    "veto": "goes out unless somebody objects",
    "required": "somebody must approve first",
}


def drill(config: Path, platform: str, *, full: bool, as_json: bool) -> int:
    """Rehearse; 0 when every practice channel was heard.  Raises ask.NotRunningError and ask.RefusedError."""
    begun = ask(config, "drill", platform=platform, full=full)
    stages = [_followed(config, begun["id"], begun["mode"], as_json=as_json, plan=begun["plan"])]
    if full and any(one["phase"] == "sent" for one in stages[0]["channels"]):
        ended = ask(config, "drill_end", drill=begun["id"], platform=platform)
        stages.append(_followed(config, ended["id"], ended["mode"], as_json=as_json))
    if as_json:
        print(json.dumps({"plan": begun["plan"], "stages": stages}, indent=2))
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
