"""The organisation's ordinary posts: the rows they become, who could say them, and when one may leave.

Pure.  A post is one row of the outbox per channel, like a statement, so everything that keeps a statement from being
lost or said twice keeps a post.  What becomes of one whose platform is down is decided in `diversion`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from failover.catchup import Leftover, Matter
from failover.delivery import Delivery, Phase
from failover.incidents import A_DAY
from failover.model import Announcement, Image, Measure, State, Statement
from failover.routing import TROUBLED, Route, Voice, is_quiet, trouble_of

NEVER = 253_402_300_799.0
"""The latest time of a post that stays good for ever: the end of the year 9999."""

REROUTED, GONE = "re-routed to ", "this channel is no longer configured"
"""How the reason begins of a delivery that was cancelled because others were to say it, or because it could not."""

POST_ID = re.compile(r"P[1-9][0-9]*")


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
        due=min(post.due, now) if post.at is None else post.at,  # the clock may have been set back since
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


def misfits(post: Post, ground: Ground) -> tuple[dict[str, str], dict[str, str]]:
    """What could go wrong with it one day: (channels that it is for, channels it could be re-routed to) -> why not.

    A channel whose stand-ins can none of them say it stands among the first: it must not be found out in an outage.
    """
    targets: dict[str, str] = {}
    further: dict[str, str] = {}
    for channel in post.to:
        targets[channel] = unfit(post, channel, ground)
        line = stand_ins(channel, ground.route(channel), ground.voices)
        reasons = {name: unfit(post, name, ground) for name in line}
        if line and all(reasons.values()) and not targets[channel]:
            named = "; ".join(f"{name}: {why}" for name, why in reasons.items())
            targets[channel] = f"no channel that stands in for it could say it ({named})"
        further |= {name: why for name, why in reasons.items() if why}
    return {name: why for name, why in targets.items() if why}, further


def unfit(post: Post, channel: str, ground: Ground) -> str:
    """Why this channel cannot say it; "" if it can."""
    return ground.unfit(delivery_to(channel, post, post.created_at).announcement(), channel)


# -- when one may leave ----------------------------------------------------------------------------------------


def why_not(row: Delivery, pace: Pace, ground: Ground) -> str:
    """Why this post, though it is due, does not go out on its channel at this moment; "" if it does."""
    if why := closed(row.channel, pace, ground):
        return why
    if waited(row, ground) and ground.now < pace.last_began + ground.release_every:
        return "what had to wait goes out one by one (limits.release_every)"
    return ""


def closed(channel: str, pace: Pace, ground: Ground) -> str:
    """Why no post at all goes out on this channel at this moment; "" if one may."""
    voice = ground.voices.get(channel)
    if voice is None:
        return GONE
    state = ground.states.get(voice.platform or "", State.UNKNOWN)
    if state in TROUBLED:
        return f"{voice.platform} is {state.value}"
    if is_quiet(voice, ground.now):
        return "these are its quiet hours"
    if _is_full(pace, ground):
        return f"{ground.per_day} things were said there within 24 hours (limits.posts_per_day)"
    return ""


def waited(row: Delivery, ground: Ground) -> bool:
    """Is it late, whatever the reason?  What is late is spaced out; what is on time goes at once."""
    return ground.now - row.due > max(ground.release_every, 1.0)


def _is_full(pace: Pace, ground: Ground) -> bool:
    return ground.per_day == 0 or (pace.full_since is not None and ground.now < pace.full_since + A_DAY)


def is_rerouted(row: Delivery) -> bool:
    """Others were to say it in the place of the channel that it was meant for."""
    return row.phase is Phase.CANCELLED and not row.position and row.reason.startswith(REROUTED)


def asked_instead(reason: str) -> frozenset[str]:
    """The channels that were asked first to say it in the place of another, by why it was cancelled there; or none.

    Who was asked when they failed is not named.
    """
    if not reason.startswith(REROUTED):
        return frozenset()
    names, _colon, _why = reason.removeprefix(REROUTED).partition(": ")
    return frozenset(names.split(", "))


def is_made_up_for(channel: str, instead: Mapping[str, frozenset[str]], public: Mapping[str, bool]) -> bool:
    """Have others said it in the place of this very channel?

    `instead` is who was asked first for each channel it was re-routed from; `public` where it is public, and whether
    it was said there for another channel only: by whom nobody asked first, it was said for any of them.
    """
    mine = instead.get(channel, frozenset())
    others = {name for one, names in instead.items() if one != channel for name in names}
    return bool(mine) and any(name in mine or (stood_in and name not in others) for name, stood_in in public.items())


def meanwhile(row: Delivery, others: Iterable[Delivery] = ()) -> Leftover | None:
    """What has become of a post that was due on a channel while its platform was down; None if it is public there.

    `others` are its deliveries to other channels: where it was re-routed and none of them has said it or still may,
    a person must know.  So must they where the channel has gone.
    """
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
    lost = row.phase is Phase.CANCELLED and row.reason.startswith((REROUTED, GONE)) and not any(map(_alive, others))
    nowhere = ", nor anywhere else" if lost else ""
    return Leftover(
        matter=Matter.POST,
        reason=f"post {row.statement_id} for {row.channel} {told[row.phase]}{nowhere}{because}",
        channel=row.channel,
        delivery=row.id,
        person=lost or row.phase in (Phase.HELD, Phase.LEFT, Phase.REFUSED, Phase.EXPIRED),
    )


def _alive(row: Delivery) -> bool:
    """It was said there, may have been, or may still be; or a person took it back."""
    return row.heard or row.phase in (Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.HELD, Phase.RETRACTED)


def place_of(row: Delivery) -> dict[str, str]:
    """How the journal names a delivery: a statement of an incident, or a post."""
    where = {"channel": row.channel, "delivery": row.id}
    if row.statement is Statement.POST:
        return {"post": row.statement_id, **where}
    return {"incident": row.incident, "statement": row.statement.value, **where}
