"""What `failover status` prints.  Standard library only, and little of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

MARKS = {"up": "ok", "down": "DOWN", "suspect": "suspect", "recovering": "recovering", "unknown": "unknown"}


def status_lines(data: dict[str, Any]) -> list[str]:
    """The daemon's answer as a table for people."""
    now = data["now"]
    lines = [data["line"]]
    if data["offline"]:
        lines += ["", f"OFFLINE: {data['offline']}. The sources decide nothing until our own line works."]
    if data["paused_by"]:
        lines += ["", f"PAUSED by {data['paused_by']}: nothing is said in public until `failover resume`."]
    lines += ["", *_table(["platform", "state", "since", "why"], [_platform(one, now) for one in data["platforms"]])]
    lines += [
        "",
        *_table(["channel", "could post", "asked", "note"], [_channel(one, now) for one in data["channels"]]),
    ]
    for incident in data["incidents"]:
        lines += ["", *_incident(incident, now)]
    return [*lines, *_left(data.get("left") or []), *_posts(data.get("posts") or {})]


def _left(left: list[dict[str, Any]]) -> list[str]:
    """What only a person can see to, also of what is over."""
    lines = [
        f"{'one thing' if one['count'] == 1 else str(one['count']) + ' things'} of incident {one['incident']} "
        f"{'is' if one['count'] == 1 else 'are'} left for a person: failover report {one['incident']}"
        for one in left
    ]
    return ["", *(f"{line[:1].upper()}{line[1:]}" for line in lines)] if lines else []


def _posts(posts: dict[str, Any]) -> list[str]:
    """Only where there is something to tell."""
    counts = [
        f"{posts[name]} {word}" for name, word in (("scheduled", "scheduled"), ("waiting", "due")) if posts.get(name)
    ]
    lines = ["", f"Posts: {', '.join(counts)}; see `failover posts`."] if counts else []
    lines += [f"  {channel} waits: {why}" for channel, why in posts.get("waits", {}).items()]
    return lines + [f"  a person must look: failover resolve {name} sent|not-sent" for name in posts.get("held", [])]


def _platform(one: dict[str, Any], now: float) -> list[str]:
    state = MARKS[one["state"]] + (f" (declared {one['declared']})" if one["declared"] else "")
    since = _ago(now - one["since"]) if one["since"] else "-"
    return [one["name"], state, since, "; ".join([*_quiet(one, now), one["reason"]])]


def _quiet(one: dict[str, Any], now: float) -> list[str]:
    """Why trouble of it is no news at present."""
    silence = one.get("silenced")
    told = [f"maintenance: {one['maintenance']}"] if one["maintenance"] else []
    if silence:
        because = f" ({silence['because']})" if silence["because"] else ""
        told.append(f"silenced by {silence['by']}{because} for {_ago(silence['until'] - now)} more")
    return told


def _channel(one: dict[str, Any], now: float) -> list[str]:
    """What it said when it was asked counts no longer once its platform is down."""
    able = {True: "yes", False: "NO", None: "?"}[one["able"]]
    asked = f"{_ago(now - one['asked_at'])} ago" if one.get("asked_at") else "-"
    down = one.get("state") == "down"
    why = [f"{one['platform']} is down", *(["it could when it was asked"] if one["able"] else [])] if down else []
    return [one["name"], "not now" if down else able, asked, "; ".join([*why, *filter(None, [one["reason"]])])]


def _incident(incident: dict[str, Any], now: float) -> list[str]:
    over = f", over since {_ago(now - incident['closed_at'])}" if incident["closed_at"] else ""
    length = (incident["closed_at"] or now) - incident["opened_at"]
    lines = [f"Incident {incident['id']}: {', '.join(incident['platforms'])}, for {_ago(length)}{over}"]
    for row in incident["waiting"]:
        lines += _waiting(row, now)
    rows = [
        [f"  {row['statement']}", row["channel"], row["phase"], row["url"] or row["reason"]]
        for row in incident["deliveries"]
    ]
    held = [row["id"] for row in incident["deliveries"] if row["phase"] == "held"]
    lines += _table(["  statement", "channel", "phase", "where or why"], rows) if rows else []
    return lines + [f"  a person must look: failover resolve {name} sent|not-sent" for name in held]


def _waiting(row: dict[str, Any], now: float) -> list[str]:
    """What waits for sign-off: how to decide, who was asked, and the very texts."""
    given = "".join(f"; {by} has approved it, a second person must" for by in row["approved_by"])
    asked = {f"{one['approver']} by {one['way']} {_ago(now - one['at'])} ago": None for one in row["asked"]}
    decide = f"failover approve {row['id']} (or: veto {row['id']})"
    lines = [f"  {row['id']} waits for sign-off ({row['mode']}): {decide}; code {row['code']}{given}"]
    lines += [f"    asked: {', '.join(asked)}"] if asked else []
    for one in row["texts"]:
        words = " / ".join(part for part in (one["subject"], *one["text"].splitlines()) if part.strip())
        lines.append(f"    on {one['channel']}: {words}")
    return lines


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]


def _ago(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def last_known(state: Path) -> list[str]:
    """What the database says while no daemon runs: the state of the past, and so it is told."""
    import sqlite3  # noqa: PLC0415  a daemon that runs is asked without it

    try:
        with sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=0.2) as database:
            standings = database.execute("SELECT platform, state, since, reason FROM standing ORDER BY 1").fetchall()
            owed = database.execute(
                "SELECT id, phase, reason FROM delivery WHERE phase IN ('standby','ready','sending','unsure','held') "
                "AND NOT (statement = 'post' AND phase = 'ready')"  # of those there is `failover posts`
            ).fetchall()
    except sqlite3.Error:
        return []
    now = time.time()  # noqa: TID251  a command for people, not the daemon
    rows = [[name, MARKS[state], f"{_ago(now - since)} ago", reason] for name, state, since, reason in standings]
    lines = ["", "When it stopped:", *_table(["platform", "state", "since", "why"], rows)] if rows else []
    return lines + [f"still owed: {name} ({phase}: {reason})" for name, phase, reason in owed]
