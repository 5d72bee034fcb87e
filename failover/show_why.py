"""What `failover explain` prints: the daemon's own words while it runs, else those that it left in its file."""

from __future__ import annotations

import asyncio
import textwrap
from contextlib import closing
from pathlib import Path
from typing import Any

from failover.ask import NotRunningError, ask, state_file, timezone
from failover.moments import zone_of
from failover.schema import StoreError, open_read_only
from failover.store import Store
from failover.why import asked_moment, why_then

WIDTH = 100


class NothingKnownError(Exception):
    """There is nothing to be told; the text says why."""


def why(config: Path, platform: str, at: str, now: float) -> dict[str, Any]:
    """The answer.  Raises RefusedError, NothingKnownError, and ValueError for a time that is none."""
    try:
        return {"running": True, **ask(config, "explain", platform=platform, at=at)}
    except NotRunningError as error:
        return {"running": False, **_from_file(config, platform, at, now, str(error))}


def _from_file(config: Path, platform: str, at: str, now: float, nobody: str) -> dict[str, Any]:
    zone, path = zone_of(timezone(config)), state_file(config)
    then = asked_moment(at, now, zone)
    try:
        with closing(Store(open_read_only(str(path)))) as store:
            found = asyncio.run(why_then(store, platform, platform, now if then is None else then, zone))
    except StoreError as error:
        raise NothingKnownError(f"failover is not running ({nobody}), and its file tells nothing: {error}") from None
    if found["since"] is None and not any(found["evidence"].values()):
        raise NothingKnownError(f"failover is not running ({nobody}), and nothing is kept about {platform} in {path}")
    return found


def why_lines(data: dict[str, Any]) -> list[str]:
    """One sentence each, for a terminal."""
    head = [] if data["running"] else ["failover is not running; this is what it left in its file.", ""]
    return head + [line for told in data["sentences"] for line in textwrap.wrap(told, WIDTH, subsequent_indent="  ")]
