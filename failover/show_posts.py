"""`failover post` and `failover posts`: handing a post in, and what has become of all of them.

With `--json` a list is printed as {"running", "now", "timezone", "paused_by", "waits", "left_out", "posts": […]}: of
each post `id`, `over` (true when nothing of it is under way), `state` (see `state_of`), `text`, `title`, `picture`
(its description), `to`, `at`, `until`, `created_at`, `by`, `source`, `cancelled_by` and its `deliveries`; those that
are due first at the head, then what is over, the latest first.  `waits` says for a channel why what is due there does
not go out now.  Times are ISO 8601 with offset, in the organisation's time zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any

from failover.ask import NotRunningError, ask, state_file, timezone
from failover.wallclock import dated, local, moment, span, zone_of

TIMES = ("now", "at", "until", "created_at", "due", "ended_at")
LATELY = 7 * 86400.0
"""Seconds; what has been over for longer is shown when it is asked for (`--since`)."""

_PUBLIC = frozenset({"sent", "left"})

LARGEST_PICTURE = 10_000_000
MOST_SHOWN = 60
"""Letters of a text in the list."""

Fields = dict[str, Any]


class UnknownError(Exception):
    """There is nothing that could be told; the text says why."""


class PictureError(Exception):
    """The picture cannot be read; the text says why."""


def hand_in(config: Path, text: str, to: list[str], image: str = "", **words: str) -> Fields:
    """The daemon's answer: `post` (its id) and `told`.  Raises NotRunningError, RefusedError and PictureError."""
    picture = {"image": _picture(Path(image))} if image else {}
    answer: Fields = ask(config, "post", text=text, to=to, **picture, **words)
    return answer


def _picture(path: Path) -> str:
    """In base64: the daemon is another user, and may not read what we may."""
    from base64 import b64encode  # noqa: PLC0415  the list does without

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_PICTURE + 1)
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > LARGEST_PICTURE:
        raise PictureError(f"{path}: larger than {LARGEST_PICTURE:,} bytes")
    return b64encode(content).decode()


def posts(config: Path, since: str, now: float) -> Fields:
    """The daemon's answer, else what its file tells.  Raises RefusedError, UnknownError and ValueError (`since`)."""
    begins = moment(since, now, zone_of(timezone(config))) if since else now - LATELY
    try:
        found = {"running": True, **ask(config, "posts", since=begins)}
    except NotRunningError as error:
        found = {"running": False, **_of_file(config, begins, now, str(error))}
    for one in found["posts"]:
        one["state"] = state_of(one, found["now"])
    return found


def _of_file(config: Path, since: float, now: float, nobody: str) -> Fields:
    import sqlite3  # noqa: PLC0415  a daemon that runs is asked without them
    from contextlib import closing  # noqa: PLC0415

    from failover.post_list import post_list  # noqa: PLC0415
    from failover.schema import StoreError, open_read_only  # noqa: PLC0415

    try:
        with closing(open_read_only(str(state_file(config)))) as database:
            facts = {"now": now, "timezone": timezone(config), "paused_by": "", "waits": {}}
            return {**facts, **post_list(database, since)}
    except (StoreError, sqlite3.DatabaseError) as error:
        raise UnknownError(f"failover is not running ({nobody}), and its file tells nothing: {error}") from None


def state_of(one: Fields, now: float) -> str:
    """How far it has come, in a word or two.

    scheduled, waiting, going out, held (for a person), published, partly published, taken back, cancelled or not
    published.
    """
    phases = {row["phase"] for row in one["deliveries"]}
    heard = [row for row in one["deliveries"] if row["phase"] in _PUBLIC]
    if "held" in phases:
        return "held"
    if phases & {"sending", "unsure"}:
        return "going out"
    if "ready" in phases:
        later = all(row["due"] > now for row in one["deliveries"] if row["phase"] == "ready")
        return "scheduled" if later and not heard else "waiting"
    if "retracted" in phases and not heard:
        return "taken back"
    if one["cancelled_by"] and not heard:
        return "cancelled"
    if not heard:
        return "not published"
    return "published" if all(map(_is_done, [one] * len(one["to"]), one["to"])) else "partly published"


def _is_done(one: Fields, channel: str) -> bool:
    """It is public there, or was re-routed from there and is public where others stood in for this channel."""
    rows = {row["channel"]: row for row in one["deliveries"]}
    meant = rows.get(channel, {"phase": ""})
    if meant["phase"] != "cancelled":
        return meant["phase"] in _PUBLIC
    from failover.posts import asked_instead, is_made_up_for  # noqa: PLC0415  most lists do without

    cancelled = {name: asked_instead(row["reason"]) for name, row in rows.items() if row["phase"] == "cancelled"}
    public = {name: row["stands_in"] for name, row in rows.items() if row["phase"] in _PUBLIC}
    return is_made_up_for(channel, cancelled, public)


def posts_data(data: Fields) -> Fields:
    """For programs; see above."""
    found: Fields = dated(data, TIMES, zone_of(data["timezone"]))
    return found


def posts_lines(data: Fields) -> Iterator[str]:
    """For a terminal."""
    zone = zone_of(data["timezone"])
    if not data["running"]:
        yield from ("failover is not running; this is what it left in its file.", "")
    if data["paused_by"]:
        yield from (f"PAUSED by {data['paused_by']}: nothing goes out until `failover resume`.", "")
    yield from (f"{channel} waits: {_visible(why)}" for channel, why in data["waits"].items())
    if data["waits"]:
        yield ""
    for one in data["posts"]:
        yield from _post(one, zone, data["now"])
    if data["left_out"]:
        yield from ("", f"{data['left_out']} more are left out.")
    if not data["posts"]:
        yield "There are no posts. Hand one in with `failover post`."


def _post(one: Fields, zone: tzinfo, now: float) -> Iterator[str]:
    text = _visible(" ".join(one["text"].split()))
    shown = f"{text[:MOST_SHOWN]}…" if len(text) > MOST_SHOWN else text
    yield f"{one['id']}  {one['state']}{_when(one, zone, now)}: {shown}"
    for row in one["deliveries"]:
        yield f"      {row['channel']}: {row['phase']}{_where(row)}"
        if row["phase"] == "held":
            yield f"      a person must look: failover resolve {row['id']} sent|not-sent"


def _when(one: Fields, zone: tzinfo, now: float) -> str:
    until = f", until {local(one['until'], zone)}" if one["until"] and not one["over"] else ""
    if one["state"] == "scheduled":
        return f" for {local(one['at'] or one['created_at'], zone)}{until}"
    if one["state"] == "waiting":
        return f" since {span(now - min(row['due'] for row in one['deliveries']))}{until}"
    return until


def _where(row: Fields) -> str:
    told = row["reason"] if row["phase"] == "retracted" else row["url"] or row["reason"]
    return f", {_visible(told)}" if told else ""


def _visible(text: str) -> str:
    """Foreign text cannot move the cursor of whoever reads it; what joins the parts of an emoji or a word stays."""
    return "".join(letter if letter.isprintable() or letter in "\u200c\u200d" else "\ufffd" for letter in text)
