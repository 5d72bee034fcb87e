"""Where posts are handed in, taken back and listed; what cannot be published is refused here, beforehand.

A post with its deliveries and its line of the audit trail is one transaction; so is the claim on the file it came
from (`spool`).  A RequestError says what is wrong and what would be right.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from failover.config.problems import did_you_mean
from failover.config.windows import moment
from failover.delivery import OWED, Delivery, Phase, cancelled
from failover.desk import RequestError
from failover.diversion import outlook
from failover.engine import Engine
from failover.incidents import A_DAY
from failover.minutes import of_endings
from failover.model import Image
from failover.moments import clock_time, zone_of
from failover.pictures import PictureError, keep, media_type
from failover.post_list import MOST_POSTS
from failover.posts import NEVER, POST_ID, Ground, Post, deliveries, misfits, referenced
from failover.store import Change

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Control characters (tabs and ends of lines are none), what turns the direction of other text, and no characters.

The isolates of writing from right to left are allowed: they end with their paragraph.
"""

LAST_POST = "last_post"
"""Where the number of the last post is noted, among the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A post as it is handed in; times as they are written, the picture as it is."""

    text: str
    to: tuple[str, ...]
    at: str = ""
    until: str = ""
    title: str = ""
    picture: bytes | None = None
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who hands it in and how; `claim` and `file` are those of the spool folder.

    `handed_in` (seconds, UTC) is when, if that was before we saw it: its `at` may have passed since then.
    """

    by: str
    source: str = "command line"
    claim: str = ""
    file: str = ""
    handed_in: float | None = None


class PostOffice:
    """Takes posts in."""

    def __init__(self, engine: Engine, pictures: Path, timezone: str) -> None:
        self._engine = engine
        self._store = engine.store
        self._pictures = pictures
        self._timezone = timezone

    async def accept(self, draft: Draft, origin: Origin, now: float) -> tuple[Post, str]:
        """Check it and write it down; the post, and what happens with it in words.  Raises RequestError."""
        _check_words(draft)
        images = await self._images(draft)
        if origin.claim and not origin.file and (taken := await self.repeated(draft, origin.claim)):
            return taken
        number = int(await self._store.setting(LAST_POST, "0")) + 1
        post = replace(self._post(draft, origin, now), id=f"P{number}", images=images)
        ground = self._engine.ground(now)
        targets, further = misfits(post, ground)
        if targets:
            raise RequestError("; ".join(f"{name}: {_too_much(why)}" for name, why in targets.items()))
        # Whatever can fail comes before: an answer that it failed must mean that the post was not taken.
        told = self._told(post, ground, further, await self._outlook(post, ground))
        await self._store.record(_handed_in(post, origin, now))
        facts = {"due": post.at, "file": origin.file or None}
        self._engine.journal.say("post_accepted", post=post.id, channels=list(post.to), by=post.by, **facts)
        return post, told

    async def repeated(self, draft: Draft, claim: str) -> tuple[Post, str] | None:
        """The post that was handed in with this claim before; None if none was.

        Raises RequestError where that was another: what was never taken must not be answered like what was.
        """
        post = await self._store.posts.get(await self._store.posts.was_claimed(claim))
        if post is None:
            return None
        differs = ["another text"] if post.text != _lines(draft.text).strip() else []
        differs += ["other channels"] if set(post.to) != set(draft.to) else []
        if differs:
            what = " and ".join(differs)
            raise RequestError(f"{post.id} was handed in with this key, and it has {what}; a new post needs its own")
        return post, f"{post.id} was handed in with this key already; see `failover posts`."

    async def cancel(self, post_id: str, by: str, now: float) -> str:
        """What of it is not public yet is not published."""
        post = await self._store.posts.get(post_id) if POST_ID.fullmatch(post_id) else None
        if post is None:
            raise RequestError(f"there is no post {post_id}; see `failover posts`")
        rows = await self._store.deliveries_of(post_id)
        owed = [row for row in rows if row.phase in OWED]
        if not owed:
            back = (
                f"; `failover retract {post_id}` takes back what is public" if any(row.heard for row in rows) else ""
            )
            raise RequestError(f"nothing of {post_id} is left to be published{back}")
        stopped = tuple(cancelled(row, f"{by} cancelled the post", now) for row in owed)
        public = [row.channel for row in rows if row.heard or row.phase in (Phase.SENDING, Phase.UNSURE, Phase.HELD)]
        audit = (("post_cancelled", {"post": post_id, "by": by}), *of_endings(stopped, owed))
        change = Change(at=now, posts=(replace(post, cancelled_by=by),), deliveries=stopped, audit=audit)
        await self._store.record(change)
        self._engine.journal.say("post_cancelled", post=post_id, by=by, channels=public or None)
        rest = f" It is, or may be, public already on {', '.join(public)}: see `failover retract`." if public else ""
        return f"{post_id} is cancelled.{rest}"

    async def listing(self, since: float, now: float) -> dict[str, Any]:
        """What `failover posts` shows; see `post_list`."""
        waits = await self._engine.posts.waits(self._engine.ground(now))
        return {
            "now": now,
            "timezone": self._timezone,
            "paused_by": self._engine.paused_by,
            "waits": waits,
            **await self._store.posts.listing(since, MOST_POSTS),
        }

    # -- checking ----------------------------------------------------------------------------------------------

    async def _images(self, draft: Draft) -> tuple[Image, ...]:
        if draft.picture is None:
            if draft.alt:
                raise RequestError("a description (alt) without a picture (image)")
            return ()
        if not draft.alt.strip():
            raise RequestError("a picture needs a description for people who cannot see it: give it with alt")
        try:
            media = media_type(draft.picture)
            path = await asyncio.to_thread(keep, draft.picture, self._pictures)
        except PictureError as error:
            raise RequestError(str(error)) from None
        except OSError as error:
            raise RequestError(f"the picture cannot be kept in {self._pictures}: {error.strerror}") from None
        alt, size = " ".join(draft.alt.split()), len(draft.picture)
        return (Image(path=path.absolute(), alt=alt, media_type=media, size=size),)

    def _post(self, draft: Draft, origin: Origin, now: float) -> Post:
        """The post without its number and its picture; raises RequestError."""
        text = _lines(draft.text).strip()
        if not text:
            raise RequestError("the text is empty")
        self._check_channels(draft.to)
        _check_until(draft.until)
        at = self._time("at", draft.at, now if origin.handed_in is None else min(now, origin.handed_in))
        at = at if at is None or at > now else None
        until = self._time("until", draft.until, now)
        if until is not None and until <= (now if at is None else at):
            raise RequestError("`until` is not later than the time at which it is to go out")
        return Post(
            id="",
            text=text,
            to=tuple(dict.fromkeys(draft.to)),
            created_at=now,
            title=" ".join(draft.title.split()),
            at=at,
            until=until,
            by=origin.by,
            source=origin.file or origin.source,
        )

    def _check_channels(self, names: tuple[str, ...]) -> None:
        voices = self._engine.house.voices
        if not names:
            raise RequestError(f"say on which channels; there are {', '.join(voices)}")
        for name in names:
            if name not in voices:
                raise RequestError(f"there is no channel '{name}'{did_you_mean(name, voices)}")
            if voices[name].practice:
                raise RequestError(f"'{name}' is a practice channel; it is heard in drills only")
        if self._engine.house.posts_per_day == 0:
            raise RequestError("limits.posts_per_day is 0, so nothing is posted")

    def _time(self, key: str, written: str, now: float) -> float | None:
        """When; `now` is the time before which it is past."""
        if not written:
            return None
        try:
            found = moment(written, self._timezone)
        except (ValueError, OverflowError) as error:
            raise RequestError(f"{key}: {error}") from None
        if found <= now:
            raise RequestError(f"{key}: {written} is past")
        if found > NEVER - A_DAY:
            raise RequestError(f"{key}: {written} is too far off; say a time before 9999-12-30")
        return found

    # -- telling -----------------------------------------------------------------------------------------------

    def _told(self, post: Post, ground: Ground, further: Mapping[str, str], kept: Mapping[str, str]) -> str:
        """What happens with it, and how long it is; `kept` says what keeps it from going out."""
        lines = [f"{post.id} {self._when(post, ground.now, kept)}."]
        rows = {row.channel: row for row in deliveries(post, ground.now)}
        for name, row in rows.items():
            gauge = ground.gauges.get(name)
            measure = gauge.measure(row.announcement()) if gauge is not None else None
            length = f"{measure.used} of {measure.limit} {measure.unit}" if measure is not None else ""
            lines.append(f"  {name}: {'; '.join(filter(None, (length, kept[name])))}")
        lines += [f"  It could not be re-routed to {name}: {_too_much(why)}" for name, why in further.items()]
        return "\n".join(lines)

    def _when(self, post: Post, now: float, kept: Mapping[str, str]) -> str:
        zone = zone_of(self._timezone)
        when = "is handed in" if all(kept.values()) else "goes out now"
        when = f"{when}, but not everywhere" if any(kept.values()) and not all(kept.values()) else when
        when = when if post.at is None else f"goes out at {clock_time(post.at, now, zone)}"
        return when if post.until is None else f"{when}, until {clock_time(post.until, now, zone)}"

    async def _outlook(self, post: Post, ground: Ground) -> Mapping[str, str]:
        """channel -> what keeps it from going out there at once, or will if things stay as they are."""
        if self._engine.paused_by:
            return dict.fromkeys(post.to, f"{self._engine.paused_by} has paused everything, so it waits")
        if post.at is not None:
            return dict.fromkeys(post.to, "")
        store, now = self._store.posts, ground.now
        return outlook(post, {name: await store.pace(name, ground.per_day, now) for name in post.to}, ground)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_words(draft: Draft) -> None:
    """Nothing that nobody can see, or that is no text, is published.  Raises RequestError."""
    words = {"text": draft.text, "title": draft.title, "alt": draft.alt, "to": " ".join(draft.to)}
    for name, text in words.items():
        found = _UNSEEN.search(_lines(text))
        if found is None:
            continue
        if "\ud800" <= found[0] <= "\udfff":
            raise RequestError(f"{name}: not text in UTF-8")
        line = _lines(text).count("\n", 0, found.start()) + 1
        raise RequestError(
            f"{name}: line {line} holds a control character that nobody can see (U+{ord(found[0]):04X}); remove it"
        )


def _check_until(written: str) -> None:
    """The first minute of a day is not what a day means here, and its last may not be.  Raises RequestError."""
    try:
        day = date.fromisoformat(written.strip())
    except ValueError:
        return
    raise RequestError(f"until: {written} is a day; say the time too, such as {day.isoformat()}T18:00")


def _handed_in(post: Post, origin: Origin, now: float) -> Change:
    rows: tuple[Delivery, ...] = deliveries(post, now)
    facts: dict[str, object] = {
        "post": post.id,
        "by": post.by,
        "channels": list(post.to),
        "text": referenced(post.text, post.reference),
        "reference": post.reference,
    }
    facts |= {name: value for name, value in (("at", post.at), ("until", post.until)) if value is not None}
    facts |= {"file": origin.file} if origin.file else {}
    facts |= {"pictures": [{"sha256": one.path.stem, "alt": one.alt} for one in post.images]} if post.images else {}
    return Change(
        at=now,
        posts=(post,),
        deliveries=rows,
        claims=((origin.claim, post.id, origin.file),) if origin.claim else (),
        settings={LAST_POST: post.id.removeprefix("P")},
        audit=(("post_accepted", facts),),
    )


def _too_much(why: str) -> str:
    """`312 of 280 characters` is too long; anything else speaks for itself."""
    if not why[:1].isdigit():
        return why
    return f"too large ({why})" if "bytes" in why else f"too long ({why})"
