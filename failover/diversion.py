"""What becomes of a post whose channel's platform is down: re-routed, held, said on both, dropped (switched posting).

Pure.  While a platform is down beyond doubt, what falls due there goes where the route says (`posts:`); in doubt it
waits.  Only what is due is touched; what is scheduled for later stays where it was meant to go.  What was re-routed
and is said by nobody who stood in goes back to the channel that it was meant for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from failover.delivery import Delivery, Phase, cancelled, owed_again
from failover.posts import (
    REROUTED,
    Ground,
    Pace,
    Post,
    closed,
    deliveries,
    delivery_to,
    is_rerouted,
    stand_ins,
    unfit,
)
from failover.routing import Route

MAY_BE_PUBLIC = frozenset({Phase.SENDING, Phase.UNSURE, Phase.SENT, Phase.HELD, Phase.LEFT, Phase.RETRACTED})
"""Nobody else says it: it is public, or may be, or was and a person took it back."""


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


def divert(post: Post, rows: Sequence[Delivery], ground: Ground) -> list[Diversion]:
    """What becomes of each channel of this post that is down now, or was; `rows` are all its deliveries."""
    found: list[Diversion] = []
    for target in post.to if not post.cancelled_by else ():
        known = {row.id: row for row in (*rows, *(row for one in found for row in one.rows))}
        by_channel = {row.channel: row for row in known.values()}
        row, route = by_channel.get(target), ground.route(target)
        if row is None or target not in ground.voices or (row.phase is Phase.READY and row.due > ground.now):
            continue
        down = route is not None and ground.is_down(target)
        diversion = _diverted(post, row, by_channel, route, ground) if route is not None and down else None
        diversion = diversion or _given_back(row, by_channel, ground)
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
    made = _replaced(post, line, by_channel, route, ground) if _concerned(row) else ()
    said_by = [
        name for name in line if _counts({**by_channel, **{one.channel: one for one in made}}.get(name), ground)
    ]
    if route.posts == "reroute" and row.phase is Phase.READY and said_by:
        gone = cancelled(row, f"{REROUTED}{', '.join(said_by)}: {platform} is down", ground.now)
        made = (gone, *made)
    elif not made:
        return None
    asked = tuple(one.channel for one in made if one.phase is Phase.READY and one.channel != row.channel)
    return Diversion(
        rows=made, event="post_rerouted", row=row, channels=asked or tuple(said_by), reason=f"{platform} is down"
    )


def _concerned(row: Delivery) -> bool:
    """It is owed here, or it was re-routed already and one of those who stand in may have failed."""
    return row.phase is Phase.READY or is_rerouted(row)


def _given_back(row: Delivery, by_channel: Mapping[str, Delivery], ground: Ground) -> Diversion | None:
    """The channel itself owes it again where nobody who stands in has said it, may have, or is likely to.

    Only what it never attempted: the rest is for a person (`catchup`).  Those who cannot now are relieved of it.
    """
    if not is_rerouted(row) or row.attempts or ground.now >= row.latest:
        return None
    beside = stands_in(row.channel, ground)
    others = [one for one in by_channel.values() if one.channel != row.channel]
    others = [one for one in others if one.position or one.channel in beside]
    if any(one.heard or one.phase in MAY_BE_PUBLIC or _hopeful(one, row, ground) for one in others):
        return None
    reason = "nobody who stood in for it has said it"
    stuck = [one for one in others if one.position and one.phase is Phase.READY]
    relieved = [cancelled(one, f"{row.channel} has it again", ground.now) for one in stuck]
    again = owed_again(row, f"given back: {reason}", ground.now)
    failed = (stuck or others or [row])[-1]
    return Diversion(
        rows=(*relieved, again), event="post_rerouted", row=failed, channels=(row.channel,), reason=reason
    )


def stands_in(channel: str, ground: Ground) -> tuple[str, ...]:
    """Who may have said a post in the place of this channel, whatever its row says.

    Where the route asks nobody (any more), it may have been anybody.
    """
    return stand_ins(channel, ground.route(channel), ground.voices) or tuple(ground.voices)


def _hopeful(one: Delivery, meant: Delivery, ground: Ground) -> bool:
    """It is likely to go out there, sooner than on the channel that it was meant for."""
    if one.phase is not Phase.READY or one.channel not in ground.voices:
        return False
    return ground.is_well(one.channel) or not ground.is_well(meant.channel)


def _replaced(
    post: Post, line: Sequence[str], by_channel: Mapping[str, Delivery], route: Route, ground: Ground
) -> tuple[Delivery, ...]:
    """The rows for the next backups, as many as `reach` still asks for; those they replace are cancelled."""
    fit = [name for name in line if not unfit(post, name, ground)]
    missing = route.wanted(len(fit)) - sum(_counts(by_channel.get(name), ground) for name in fit)
    well = [name for name in fit if _untried(by_channel.get(name)) and ground.is_well(name)]
    called = [
        _called(by_channel.get(name), delivery_to(name, post, ground.now, position=1 + line.index(name)), ground.now)
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


def _untried(row: Delivery | None) -> bool:
    """Was it never asked, or relieved of it before it could try?"""
    relieved = row is not None and row.phase is Phase.CANCELLED and row.position > 0
    return row is None or (relieved and not row.attempts and row.receipt is None)


def _called(before: Delivery | None, anew: Delivery, now: float) -> Delivery:
    return replace(anew, reason="re-routed") if before is None else owed_again(before, "re-routed", now)


def _counts(row: Delivery | None, ground: Ground) -> bool:
    """Is it public there, may it be, or will it be soon?"""
    if row is None:
        return False
    return row.phase in MAY_BE_PUBLIC or (row.phase is Phase.READY and not ground.is_down(row.channel))


# -- what will happen, in words --------------------------------------------------------------------------------


def outlook(post: Post, paces: Mapping[str, Pace], ground: Ground) -> dict[str, str]:
    """channel -> what keeps this post from going out there now, and what happens instead; "" where it goes out."""
    diverted = {one.row.channel: one for one in divert(post, deliveries(post, ground.now), ground) if one.row}
    return {name: _foreseen(name, diverted.get(name), paces.get(name, Pace()), ground) for name in post.to}


def _foreseen(channel: str, diversion: Diversion | None, pace: Pace, ground: Ground) -> str:
    platform, route = ground.voices[channel].platform, ground.route(channel)
    if diversion is None:
        why = closed(channel, pace, ground)
        return f"{why}, so it waits" if why else ""
    if diversion.event == "post_dropped":
        return f"{diversion.reason}: it is not published there"
    there = f"{diversion.reason}, so it goes to {', '.join(diversion.channels)}"
    both = route is not None and route.posts == "both"
    return f"{there} now, and here when {platform} is back" if both else f"{there} instead"
