"""What `failover sources` prints: a table by platform, at most 100 columns wide, each source's words below it."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from failover.ask import NotRunningError, ask, state_file
from failover.contracts import format_duration
from failover.schema import StoreError, open_read_only
from failover.show import MARKS
from failover.show_why import NothingKnownError
from failover.sources import last_sources
from failover.store import Store

WIDTH = 100
LONGEST_NAME = 22
HEAD = ("source", "says", "class", "age", "next", "pace", "looks", "left", "cost")


def known_sources(config: Path, now: float) -> dict[str, Any]:
    """The daemon's answer, else what its file tells.  Raises RefusedError and NothingKnownError."""
    try:
        return {"running": True, **ask(config, "sources")}
    except NotRunningError as error:
        nobody = str(error)
    try:
        with closing(Store(open_read_only(str(state_file(config))))) as store:
            return {"running": False, **asyncio.run(last_sources(store, now))}
    except StoreError as error:
        raise NothingKnownError(f"failover is not running ({nobody}), and its file tells nothing: {error}") from None


def sources_lines(data: dict[str, Any]) -> list[str]:
    """Grouped by platform; looks, what is left of them and costs are those of this month (UTC)."""
    rows = [[_row(one, data["now"]) for one in platform["sources"]] for platform in data["platforms"]]
    widths = [max(map(len, column)) for column in zip(HEAD, *(row for group in rows for row in group), strict=True)]
    lines = [] if data["running"] else ["failover is not running; this is what it left in its file.", ""]
    head = HEAD if data["running"] else tuple("since" if name == "age" else name for name in HEAD)
    lines.append(_line(head, widths))
    for platform, group in zip(data["platforms"], rows, strict=True):
        lines += ["", f"{platform['name']}: {MARKS[platform['state']]}"]
        for one, row in zip(platform["sources"], group, strict=True):
            lines += [_line(row, widths), *_words(one, data["now"])]
    return [*lines, "", f"looks, left and cost: of {data['month']} (UTC); a cost is an estimate"]


def _row(one: dict[str, Any], now: float) -> list[str]:
    interval = one.get("interval")
    pace = f"{_span(interval)} {one['speed']}" if interval is not None else one.get("speed", "-")
    age = one.get("age") if "age" in one else now - one["said_since"]
    cost = one.get("cost")
    return [
        _short(one["probe"]),
        one["signal"] or "-",
        one["evidence"],
        _span(age),
        _span(one.get("next")),
        pace,
        str(one["looks"]),
        "-" if one.get("left") is None else str(one["left"]),
        "-" if cost is None else f"{cost:.2f} {one['currency']}",
    ]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"  {cells}".rstrip()[:WIDTH]


def _words(one: dict[str, Any], now: float) -> Iterator[str]:
    since = one["unknown_since"]
    told = one["reason"] or "not asked yet"
    stale = "stale: " if one.get("stale") else ""
    silent = f"cannot tell for {_span(now - since)}: " if since is not None else ""
    indent = " " * 6
    yield from textwrap.wrap(f"{stale}{silent}{told}", WIDTH, initial_indent=indent, subsequent_indent=indent)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _span(seconds: float | None) -> str:
    """The two greatest units: `14m59s`, `2h3m`, `31d`."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    for above, unit in ((86400, 3600), (3600, 60)):
        if whole >= above:
            whole = whole // unit * unit
            break
    return format_duration(whole) if whole else "0s"
