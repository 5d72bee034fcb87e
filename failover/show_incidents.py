"""What `failover incidents` prints: what there has been, who was told, and what still asks for somebody.

With `--json` a list is printed as {"running", "now", "timezone", "earlier", "incidents": […]}, oldest first; of each
incident: `id`, `group`, `platforms`, `down` (those that still are), `opened_at`, `closed_at` (null while it is open),
`lasted` (seconds, up to now while it is open), `told`, `retracted`, `untold` and `welcomed` (channels), `held`
(deliveries that wait for a person), `waiting` (statements that wait for sign-off), `left` (how many things a person
must see to, as `failover report` lists them), `under_way` (deliveries).  Times are ISO 8601 with offset, in the
organisation's time zone; `earlier` counts those that are left out because there are so many.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any

from failover.ask import NotRunningError, ask, state_file, timezone
from failover.wallclock import dated, local, moment, span, zone_of

TIMES = ("now", "opened_at", "closed_at")

Fields = dict[str, Any]


class UnknownError(Exception):
    """There is nothing that could be told; the text says why."""


def incidents(config: Path, since: str, now: float) -> Fields:
    """The daemon's answer, else what its file tells.  Raises RefusedError, UnknownError and ValueError (`since`)."""
    begins = moment(since, now, zone_of(timezone(config))) if since else 0.0
    try:
        found = {"running": True, **ask(config, "incidents", since=begins)}
    except NotRunningError as error:
        found = {"running": False, **_of_file(config, begins, now, str(error))}
    for one in found["incidents"]:
        one["lasted"] = (one["closed_at"] or found["now"]) - one["opened_at"]
    return found


def _of_file(config: Path, since: float, now: float, nobody: str) -> Fields:
    import sqlite3  # noqa: PLC0415  a daemon that runs is asked without them
    from contextlib import closing  # noqa: PLC0415

    from failover.chronicle import chronicle  # noqa: PLC0415
    from failover.schema import StoreError, open_read_only  # noqa: PLC0415

    try:
        with closing(open_read_only(str(state_file(config)))) as database:
            return {"now": now, "timezone": timezone(config), **chronicle(database, since)}
    except (StoreError, sqlite3.DatabaseError) as error:
        raise UnknownError(f"failover is not running ({nobody}), and its file tells nothing: {error}") from None


def incidents_data(data: Fields) -> Fields:
    """For programs; see above."""
    found: Fields = dated(data, TIMES, zone_of(data["timezone"]))
    return found


def incidents_lines(data: Fields) -> Iterator[str]:
    """For a terminal, the latest at the end."""
    zone = zone_of(data["timezone"])
    if not data["running"]:
        yield from ("failover is not running; this is what it left in its file.", "")
    if data["earlier"]:
        yield from (f"{data['earlier']} earlier ones are left out; see --since.", "")
    for place, one in enumerate(data["incidents"]):
        yield from ([""] if place else [])
        yield from _incident(one, zone)
    if not data["incidents"]:
        yield "There has been no incident."
    else:
        yield from ("", "`failover report NUMBER` tells all of one.")


def _incident(one: Fields, zone: tzinfo) -> Iterator[str]:
    state = "over" if one["closed_at"] else "OPEN"
    until = f" to {local(one['closed_at'], zone)}" if one["closed_at"] else ""
    yield f"Incident {one['id']}: {', '.join(one['platforms'])}, {state}, {span(one['lasted'])}"
    yield f"  {local(one['opened_at'], zone)}{until}"
    untold = f"; not on {', '.join(one['untold'])}" if one["untold"] else ""
    told = [f"{word} on {', '.join(one[name])}" for name, word in _WORDS.items() if one.get(name)]
    yield f"  {'; '.join(told) or 'told nowhere'}{untold}"
    if one["welcomed"]:
        yield f"  welcomed back on {', '.join(one['welcomed'])}"
    elif one["closed_at"] and one["told"]:
        yield "  welcomed back nowhere"
    yield from (f"  {name} waits for sign-off: failover approve {name} (or: veto {name})" for name in one["waiting"])
    yield from (f"  a person must look: failover resolve {name} sent|not-sent" for name in one["held"])
    if one.get("left"):
        things = "one thing is" if one["left"] == 1 else f"{one['left']} things are"
        yield f"  {things} left for a person: failover report {one['id']}"


_WORDS = {"told": "told", "retracted": "taken back"}
