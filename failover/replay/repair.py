"""A scenario with mistakes of shape, mended so far that the rest of it can be checked too: all mistakes in one go.

Pure.  What cannot be read gives way to something harmless, or is left out where it may be missing.  What is then
found there, or in comparison with it, is no finding: `rests_on` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from pydantic import ValidationError

from failover.config.problems import KeyPath

TIMES = frozenset({"at", "until", "over", "lasts", "onset"})

_ROUNDS = 50
"""Each mends every mistake that is visible at that time; what hides behind them comes up in the next."""


def mended(
    data: dict[str, Any], reads: Callable[[dict[str, Any]], object], platforms: Collection[str]
) -> tuple[dict[str, Any], list[KeyPath]] | None:
    """The scenario as far as it can be read, and the places that were mended; None where that is too little.

    `reads` raises ValidationError for what it cannot read.  Where the scenario does not say which platforms it is
    about, it is about all that there are.
    """
    gone: list[KeyPath] = []
    for _ in range(_ROUNDS):
        try:
            reads(data)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            gone += [_mend(data, one["loc"], platforms) for one in found]
        else:
            return data, gone
    return None


def rests_on(path: KeyPath, gone: Collection[KeyPath]) -> bool:
    """Would a finding here be about what was mended, or about what it is compared with?"""
    if path and path[-1] in ("from", "lasts") and any(one and one[-1] in TIMES for one in gone):
        return True  # the length of the whole follows from every time in it
    return any(_concerns(path, one) for one in gone)


def _concerns(path: KeyPath, gone: KeyPath) -> bool:
    if path[: len(gone)] == gone or gone[: len(path)] == path:
        return True
    if gone == ("onset",):
        return path[-1] in {*TIMES, "to"}
    return gone[-1] in TIMES and path[-1] in TIMES and path[: len(gone) - 2] == gone[:-2]  # beside it in its list


def _mend(data: dict[str, Any], location: tuple[int | str, ...], platforms: Collection[str]) -> KeyPath:
    """Mend what stands there, or the whole list that it stands in; its path."""
    steps = _steps(data, location)
    while steps and isinstance(steps[-1][1], int):
        steps.pop()
    path: KeyPath = tuple(step for _parent, step in steps)
    if steps:
        parent, key = steps[-1]
        harmless = sorted(platforms) if path == ("platforms",) else _harmless(path)
        if harmless is None or parent.get(key) == harmless:
            parent.pop(key, None)
        else:
            parent[key] = harmless
    return path


def _steps(data: dict[str, Any], location: tuple[int | str, ...]) -> list[tuple[Any, int | str]]:
    """(where, which key or index) from the top down; pydantic's location also names the members of unions."""
    found: list[tuple[Any, int | str]] = []
    place: Any = data
    for step in location:
        if isinstance(place, dict) and isinstance(step, str):
            found.append((place, step))
            place = place.get(step)
        elif isinstance(place, list) and isinstance(step, int) and step < len(place):
            found.append((place, step))
            place = place[step]
    return found


def _harmless(path: KeyPath) -> Any:
    """What stands in for it; None for what may be missing.  No two stand-ins for a name are the same."""
    match path:
        case ("title",):
            return "untitled"
        case ("onset",):
            return "2000-01-01T00:00"
        case ("expect",):
            return [{"silent": True}]
        case ("evidence", int(index), "from" | "of" as key) | ("channels", int(index), "of" as key):
            return f"?{key}{index}"
        case ("evidence", int(), "shows"):
            return [{"at": "+0", "says": "unknown"}]
        case (*_, "says"):
            return "unknown"
        case (*_, "answers"):
            return "lost"
        case (*_, "does"):
            return "pause"
        case (*_, "at"):
            return "+0"
        case _:
            return None
