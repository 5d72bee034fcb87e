"""What becomes of a post whose channel's platform is down: re-routed, held, said on both, dropped (switched posting).

Pure.  While a platform is down beyond doubt, what falls due there goes where the route says (`posts:`); in doubt it
waits.  Only what is due is touched; what is scheduled for later stays where it was meant to go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from failover.delivery import Delivery, Phase, cancelled
from failover.posts import Ground, Post, delivery_to, stand_ins, unfit
from failover.routing import Route

MAY_BE_PUBLIC = frozenset({Phase.SENDING, Phase.UNSURE, Phase.SENT, Phase.HELD, Phase.LEFT})


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
    fit = [name for name in line if not unfit(post, name, ground)]
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
