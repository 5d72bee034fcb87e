"""The organisation's ordinary posts: where each of them goes now, what waits and why (switched posting).

Pure.  A post is one row of the outbox per channel, like a statement, so everything that keeps a statement from being
lost or said twice keeps a post.  What is decided here is only which rows there are: while the platform of a channel
is down beyond doubt, what falls due there goes where the route says (`posts: reroute | hold | both | drop`); in doubt
it waits.  Only what is due is touched; what is scheduled for later stays where it was meant to go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from failover.catchup import Leftover, Matter
from failover.delivery import OWED, Delivery, Phase, cancelled
from failover.incidents import A_DAY
from failover.model import Announcement, Image, Measure, State, Statement
from failover.routing import TROUBLED, Route, Voice, is_quiet, trouble_of

NEVER = 253_402_300_799.0
"""The latest time of a post that stays good for ever: the end of the year 9999."""

POST_ID = re.compile(r"P[1-9][0-9]*")

MAY_BE_PUBLIC = frozenset({Phase.SENDING, Phase.UNSURE, Phase.SENT, Phase.HELD, Phase.LEFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What was handed in: one text for one or more channels.  Times are seconds since the epoch (UTC).

    `at` is when it goes out (None: at once), `until` when it is stale (None: never).  `by` is who handed it in and
    `source` how (`command line`, or the name of a file in the spool folder).
    """

    id: str
    text: str
    to: tuple[str, ...]
    created_at: float
    title: str = ""
    at: float | None = None
    until: float | None = None
    images: tuple[Image, ...] = ()
    by: str = ""
    source: str = ""
    cancelled_by: str = ""

    @property
    def reference(self) -> str:
        """The short mark people see in it and read-back looks for, such as `P12-181106`: number, day, hour, minute.

        The time (UTC, of the handing in) makes it unique also where numbers begin anew.
        """
        return f"{self.id}-{datetime.fromtimestamp(self.created_at, UTC):%d%H%M}"

    @property
    def due(self) -> float:
        return self.created_at if self.at is None else self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """What one channel can carry: the length of a text by its own rule, and so many pictures."""

    measure: Callable[[Announcement], Measure]
    images: int = 0

    def unfit(self, announcement: Announcement) -> str:
        """Why it cannot say this; "" if it can."""
        if len(announcement.images) > self.images:
            return "it cannot carry a picture" if not self.images else f"it carries {self.images} pictures at most"
        measure = self.measure(announcement)
        return "" if measure.fits else f"{measure.used} of {measure.limit} {measure.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What there is to decide on: who speaks where, how the platforms stand, and which are down beyond doubt.

    `states` are as far as they may be believed: what nothing fresh bears out is a suspicion only.  `down` are the
    platforms of open incidents.  At most `per_day` things are said on a channel in 24 hours, and what had to wait
    goes out one each `release_every` seconds.
    """

    now: float
    states: Mapping[str, State] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    voices: Mapping[str, Voice] = field(default_factory=dict)
    gauges: Mapping[str, Gauge] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    per_day: int = 12
    release_every: float = 120.0

    def is_down(self, channel: str) -> bool:
        """Beyond doubt, with an incident open for it."""
        voice = self.voices.get(channel)
        platform = voice.platform if voice is not None else None
        return platform is not None and platform in self.down and self.states.get(platform) is State.DOWN

    def is_well(self, channel: str) -> bool:
        """Could it say something now?"""
        return not trouble_of(self.voices[channel], self.states, self.now)

    def route(self, channel: str) -> Route | None:
        """The first route that says who stands in for this channel, by its own name or by its platform's."""
        voice = self.voices.get(channel)
        if voice is None:
            return None
        for route in self.routes:
            if channel in route.primaries or (voice.platform in route.platforms and channel not in route.backups):
                return route
        return None

    def unfit(self, announcement: Announcement, channel: str) -> str:
        """Why this channel cannot say it; "" if it can."""
        gauge = self.gauges.get(channel)
        return gauge.unfit(announcement) if gauge is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diversion:
    """What becomes of a post whose channel is down.

    `rows` are to be written, new and changed alike.  `event` says what happened to `row`, the delivery that was
    meant ("" where nothing did), `channels` where it goes instead.
    """

    rows: tuple[Delivery, ...] = ()
    event: str = ""
    row: Delivery | None = None
    channels: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What was said on a channel lately: when the last post was begun, and when the day's limit was reached.

    `full_since` is when the oldest of the last `per_day` things was said there; None while there are fewer.
    """

    last_began: float = 0.0
    full_since: float | None = None


# -- making ----------------------------------------------------------------------------------------------------


def referenced(text: str, reference: str) -> str:
    """The text with its reference, on a line of its own where it has paragraphs."""
    if reference in text:
        return text
    return f"{text}{chr(10) * 2 if chr(10) in text else ' '}({reference})"


def deliveries(post: Post, now: float) -> tuple[Delivery, ...]:
    """One row for each of its channels."""
    return tuple(delivery_to(channel, post, now) for channel in post.to)


def delivery_to(channel: str, post: Post, now: float, *, position: int = 0) -> Delivery:
    """The post on one channel; `position` counts from 1 where the channel stands in for another."""
    return Delivery(
        id=f"{post.id}-{channel}",
        incident="",
        statement_id=post.id,
        statement=Statement.POST,
        channel=channel,
        phase=Phase.READY,
        due=post.due,
        latest=NEVER if post.until is None else post.until,
        created_at=now,
        reference=post.reference,
        text=referenced(post.text, post.reference),
        subject=post.title,
        position=position,
        images=post.images,
    )


def stand_ins(channel: str, route: Route | None, voices: Mapping[str, Voice]) -> tuple[str, ...]:
    """The channels that a post for this one may be re-routed to, in order: the backups that are asked at once."""
    own = voices[channel]
    if route is None or route.posts not in ("reroute", "both"):
        return ()
    found = [voices[name] for name in route.at_once if name in voices]
    return tuple(one.name for one in found if not one.practice and not _shares_fate(one, own))


def _shares_fate(one: Voice, own: Voice) -> bool:
    return one.name == own.name or (one.group != "" and one.group == own.group)


def worth_a_look(channel: str, ground: Ground) -> str:
    """About which posts that are due on this channel something can be done now: "all", "none", or "new" ones.

    What is said on the channel too (`both`) stays owed there when others have it: those are not looked at again.
    """
    route = ground.route(channel)
    if route is None or not ground.is_down(channel):
        return "none"
    if route.posts == "drop":
        return "all"
    able = any(map(ground.is_well, stand_ins(channel, route, ground.voices)))
    return ("new" if route.posts == "both" else "all") if able else "none"


def misfits(post: Post, ground: Ground) -> tuple[dict[str, str], dict[str, str]]:
    """What could go wrong with it one day: (channels that it is for, channels it could be re-routed to) -> why not.

    A channel whose stand-ins can none of them say it stands among the first: it must not be found out in an outage.
    """
    targets: dict[str, str] = {}
    further: dict[str, str] = {}
    for channel in post.to:
        targets[channel] = _unfit(post, channel, ground)
        line = stand_ins(channel, ground.route(channel), ground.voices)
        reasons = {name: _unfit(post, name, ground) for name in line}
        if line and all(reasons.values()) and not targets[channel]:
            named = "; ".join(f"{name}: {why}" for name, why in reasons.items())
            targets[channel] = f"no channel that stands in for it could say it ({named})"
        further |= {name: why for name, why in reasons.items() if why}
    return {name: why for name, why in targets.items() if why}, further


def _unfit(post: Post, channel: str, ground: Ground) -> str:
    return ground.unfit(delivery_to(channel, post, post.created_at).announcement(), channel)


# -- what falls due while a platform is down -------------------------------------------------------------------


def divert(post: Post, rows: Sequence[Delivery], ground: Ground) -> list[Diversion]:
    """What becomes of each channel of this post that is down now; `rows` are all its deliveries."""
    found: list[Diversion] = []
    for target in post.to if not post.cancelled_by else ():
        known = {row.id: row for row in (*rows, *(row for one in found for row in one.rows))}
        by_channel = {row.channel: row for row in known.values()}
        row, route = by_channel.get(target), ground.route(target)
        if row is None or route is None or not ground.is_down(target) or row.due > ground.now:
            continue
        diversion = _diverted(post, row, by_channel, route, ground)
        if diversion is not None:
            found.append(diversion)
    return found


def _diverted(
    post: Post, row: Delivery, by_channel: Mapping[str, Delivery], route: Route, ground: Ground
) -> Diversion | None:
    platform = ground.voices[row.channel].platform
    if route.posts == "drop" and row.phase is Phase.READY:
        reason = f"{platform} is down, and the route drops what falls due meanwhile"
        gone = cancelled(row, reason, ground.now)
        return Diversion(rows=(gone,), event="post_dropped", row=gone, reason=reason)
    line = stand_ins(row.channel, route, ground.voices)
    made = _replaced(post, line, by_channel, route, ground) if _concerned(row, by_channel, line) else ()
    said_by = [
        name for name in line if _counts({**by_channel, **{one.channel: one for one in made}}.get(name), ground)
    ]
    if route.posts == "reroute" and row.phase is Phase.READY and said_by:
        gone = cancelled(row, f"re-routed to {', '.join(said_by)}: {platform} is down", ground.now)
        made = (gone, *made)
    elif not made:
        return None
    asked = tuple(one.channel for one in made if one.phase is Phase.READY and one.channel != row.channel)
    return Diversion(
        rows=made, event="post_rerouted", row=row, channels=asked or tuple(said_by), reason=f"{platform} is down"
    )


def _concerned(row: Delivery, by_channel: Mapping[str, Delivery], line: Iterable[str]) -> bool:
    """It is owed here, or it was re-routed already and one of those who stand in may have failed."""
    return row.phase is Phase.READY or any(by_channel[name].position for name in line if name in by_channel)


def _replaced(
    post: Post, line: Sequence[str], by_channel: Mapping[str, Delivery], route: Route, ground: Ground
) -> tuple[Delivery, ...]:
    """The rows for the next backups, as many as `reach` still asks for; those they replace are cancelled."""
    fit = [name for name in line if not _unfit(post, name, ground)]
    missing = route.wanted(len(fit)) - sum(_counts(by_channel.get(name), ground) for name in fit)
    well = [name for name in fit if name not in by_channel and ground.is_well(name)]
    called = [
        replace(delivery_to(name, post, ground.now, position=1 + line.index(name)), reason="re-routed")
        for name in well[: max(missing, 0)]
    ]
    if not called:
        return ()
    names = ", ".join(one.channel for one in called)
    stuck = [
        cancelled(row, f"{ground.voices[row.channel].platform} is down too; {names} has it instead", ground.now)
        for name in line
        if (row := by_channel.get(name)) is not None
        and row.position
        and row.phase is Phase.READY
        and ground.is_down(name)
    ]
    return (*stuck, *called)


def _counts(row: Delivery | None, ground: Ground) -> bool:
    """Is it public there, may it be, or will it be soon?"""
    if row is None:
        return False
    return row.phase in MAY_BE_PUBLIC or (row.phase is Phase.READY and not ground.is_down(row.channel))


# -- when one may leave ----------------------------------------------------------------------------------------


def why_not(row: Delivery, pace: Pace, ground: Ground) -> str:
    """Why this post, though it is due, does not go out on its channel at this moment; "" if it does."""
    voice = ground.voices.get(row.channel)
    if voice is None:
        return "this channel is no longer configured"
    state = ground.states.get(voice.platform or "", State.UNKNOWN)
    if state in TROUBLED:
        return f"{voice.platform} is {state.value}"
    if is_quiet(voice, ground.now):
        return "these are its quiet hours"
    if _is_full(pace, ground):
        return f"{ground.per_day} things were said there within 24 hours (limits.posts_per_day)"
    if waited(row, ground) and ground.now < pace.last_began + ground.release_every:
        return "what had to wait goes out one by one (limits.release_every)"
    return ""


def waited(row: Delivery, ground: Ground) -> bool:
    """Is it late, whatever the reason?  What is late is spaced out; what is on time goes at once."""
    return ground.now - row.due > max(ground.release_every, 1.0)


def _is_full(pace: Pace, ground: Ground) -> bool:
    return ground.per_day == 0 or (pace.full_since is not None and ground.now < pace.full_since + A_DAY)


def meanwhile(row: Delivery) -> Leftover | None:
    """What has become of a post that was due on a channel while its platform was down; None if it is public there."""
    told = {
        Phase.READY: "waits, and goes out when it can",
        Phase.SENDING: "is being sent",
        Phase.UNSURE: "is being looked for",
        Phase.HELD: f"may be public: look, then run `failover resolve {row.id} sent|not-sent`",
        Phase.LEFT: "may be public, and nobody knows",
        Phase.REFUSED: "was refused",
        Phase.EXPIRED: "was not published in time",
        Phase.CANCELLED: "was not published there",
    }
    if row.phase not in told:
        return None
    because = f" ({row.reason})" if row.reason else ""
    return Leftover(
        matter=Matter.POST,
        reason=f"post {row.statement_id} for {row.channel} {told[row.phase]}{because}",
        channel=row.channel,
        delivery=row.id,
        person=row.phase in (Phase.HELD, Phase.LEFT, Phase.REFUSED, Phase.EXPIRED),
    )


def is_over(rows: Iterable[Delivery]) -> bool:
    """Has every delivery of a post come to an end, or before a person?"""
    return not any(row.phase in OWED for row in rows)


def place_of(row: Delivery) -> dict[str, str]:
    """How the journal names a delivery: a statement of an incident, or a post."""
    where = {"channel": row.channel, "delivery": row.id}
    if row.statement is Statement.POST:
        return {"post": row.statement_id, **where}
    return {"incident": row.incident, "statement": row.statement.value, **where}
