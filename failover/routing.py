"""Who stands in for whom: which channels are asked to say a statement, in what order (S1, S3).

Pure.  Backups are asked in the order of the route.  A channel that shares the fate of what is down is left out; one
whose own platform is not well waits on standby, and the next takes its place.  `reach` says how many must have
heard; the rest stand by and are called when one of the first cannot be relied on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from failover.delivery import Delivery, Phase
from failover.hours import Hours
from failover.incidents import Incident
from failover.model import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A channel as routing sees it.  `group` is the group of its platform ("" for a channel of no platform).

    `public` channels are named to the audience as places to look; a webhook to the press desk is not.  In its `quiet`
    hours a channel is passed over, and what it is owed waits.
    """

    name: str
    platform: str | None = None
    group: str = ""
    practice: bool = False
    public: bool = True
    quiet: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`platforms` are what the primaries stand on, `primaries` those of them that we can post to.

    A backup in `after` is asked only when the incident has lasted so long (seconds), and then in addition to `reach`.
    `partial` says that the audience is told when a part of the group is back.  `posts` says what becomes of ordinary
    posts meanwhile: reroute, hold, both or drop.
    """

    platforms: tuple[str, ...]
    primaries: tuple[str, ...]
    backups: tuple[str, ...]
    reach: int | None = None
    after: Mapping[str, float] = field(default_factory=dict)
    partial: bool = False
    posts: str = "reroute"

    @property
    def at_once(self) -> tuple[str, ...]:
        """The backups that are asked as soon as there is an incident."""
        return tuple(name for name in self.backups if not self.after.get(name))

    def wanted(self, available: int) -> int:
        """How many backups must have heard, of those that can be asked at all."""
        return available if self.reach is None else min(self.reach, available)


TROUBLED = frozenset({State.SUSPECT, State.DOWN, State.RECOVERING})
"""States of its own platform in which a channel is passed over.  Where nothing is known (UNKNOWN) it may try."""


def touched(incident: Incident, routes: Iterable[Route]) -> list[Route]:
    """The routes that the incident concerns."""
    return [route for route in routes if set(route.platforms) & set(incident.platforms)]


def named(incident: Incident, routes: Iterable[Route]) -> tuple[str, ...]:
    """The platforms a statement speaks of: those in the incident for which somebody stands in, as the routes go."""
    routed = dict.fromkeys(platform for route in touched(incident, routes) for platform in route.platforms)
    return tuple(platform for platform in routed if platform in incident.platforms)


def trouble_of(voice: Voice, states: Mapping[str, State], now: float) -> str:
    """Why this channel cannot be relied on now: its own platform, or its quiet hours; "" if it can."""
    state = states.get(voice.platform or "", State.UNKNOWN)
    if state in TROUBLED:
        return f"{voice.platform} itself is {state.value}"
    return "these are its quiet hours" if is_quiet(voice, now) else ""


def is_quiet(voice: Voice, now: float) -> bool:
    """Is this channel left alone at this hour?"""
    return voice.quiet is not None and voice.quiet.over_at(now) is not None


def patience(name: str, incident: Incident, routes: Iterable[Route]) -> float:
    """Seconds of the incident after which this backup is asked at all: what the most hurried route says."""
    return min(
        (route.after.get(name, 0.0) for route in touched(incident, routes) if name in route.backups), default=0
    )


def candidates(incident: Incident, routes: Iterable[Route], voices: Mapping[str, Voice]) -> list[str]:
    """The backups of all routes that the incident concerns, each once, in order."""
    names = [name for route in touched(incident, routes) for name in route.backups]
    return [name for name in dict.fromkeys(names) if not _excluded(voices[name], incident)]


def offered(
    incident: Incident,
    holding: Iterable[Delivery],
    routes: Iterable[Route],
    voices: Mapping[str, Voice],
    states: Mapping[str, State],
) -> list[str]:
    """Where people can be sent: the public backups, but none whose own platform is in trouble or that itself fails.

    Of several deliveries to one channel (after a relapse) the last one counts.
    """
    last = {delivery.channel: delivery for delivery in holding}
    return [
        name
        for name in candidates(incident, routes, voices)
        if voices[name].public
        and states.get(voices[name].platform or "") not in TROUBLED
        and not (name in last and last[name].fails)
    ]


def unplanned(names: Iterable[str], holding: Iterable[Delivery]) -> list[str]:
    """The candidates that have neither heard the holding statement of this incident nor have it planned."""
    gone = frozenset({Phase.CANCELLED, Phase.EXPIRED, Phase.REFUSED})  # not RETRACTED: a person took that back
    planned = {delivery.channel for delivery in holding if delivery.heard or delivery.phase not in gone}
    return [name for name in names if name not in planned]


def _excluded(voice: Voice, incident: Incident) -> bool:
    """Practice channels never speak in earnest; a channel of the same owner shares the fate of what is down."""
    same_owner = voice.group != "" and voice.group == incident.group
    return voice.practice or same_owner or voice.platform in incident.platforms


def promote(
    incident: Incident,
    deliveries: Sequence[Delivery],
    routes: Sequence[Route],
    voices: Mapping[str, Voice],
    states: Mapping[str, State],
    now: float,
) -> list[tuple[Delivery, str]]:
    """The backups on standby that must now be asked, each with the reason, given the holding deliveries so far.

    Of several deliveries to one channel (after a relapse) the last one counts.
    """
    by_channel = {delivery.channel: delivery for delivery in deliveries}
    able = {
        delivery.channel
        for delivery in by_channel.values()
        if delivery.phase is Phase.STANDBY and not trouble_of(voices[delivery.channel], states, now)
    }
    called: dict[str, tuple[Delivery, str]] = {}
    for route in touched(incident, routes):
        line = [by_channel[name] for name in route.at_once if name in by_channel]
        wanted = route.wanted(len(line))
        missing = wanted - sum(delivery.promising for delivery in line)
        for delivery in [delivery for delivery in line if delivery.channel in able][: max(missing, 0)]:
            called[delivery.channel] = (delivery, "" if delivery in line[:wanted] else _why(line))
        for name, after in route.after.items():
            if name in able and name not in called and now - incident.opened_at >= after:
                called[name] = (by_channel[name], "")
    return list(called.values())


def _why(line: Iterable[Delivery]) -> str:
    """Whose place is taken, and why."""
    for delivery in line:
        if not delivery.promising and (delivery.phase is not Phase.STANDBY or delivery.reason):
            return f"in place of {delivery.channel} ({delivery.reason})"
    return ""


def missed(incident: Incident, deliveries: Sequence[Delivery], routes: Iterable[Route]) -> tuple[int, int] | None:
    """(heard, wanted) of the first route that told too few and has nobody left to try; None while there is hope."""
    hopeful = frozenset({Phase.STANDBY, Phase.READY, Phase.SENDING, Phase.UNSURE})
    by_channel = {delivery.channel: delivery for delivery in deliveries}
    for route in touched(incident, routes):
        line = [by_channel[name] for name in route.at_once if name in by_channel]
        heard = sum(delivery.heard for delivery in line)
        left = sum(delivery.phase in hopeful and not delivery.heard for delivery in line)
        if not left and heard < route.wanted(len(line)):
            return heard, route.wanted(len(line))
    return None


def stand_back(
    deliveries: Iterable[Delivery], voices: Mapping[str, Voice], states: Mapping[str, State], now: float
) -> list[tuple[Delivery, str]]:
    """Deliveries not yet attempted whose own platform has got into trouble meanwhile: they go back to standby.

    So do those in whose way the quiet hours came.
    """
    found = []
    for delivery in deliveries:
        voice = voices.get(delivery.channel)
        if voice is None or delivery.phase is not Phase.READY:
            continue
        if delivery.attempts == 0 or (is_quiet(voice, now) and delivery.receipt is None and delivery.draft is None):
            trouble = trouble_of(voice, states, now)
            if trouble:
                found.append((delivery, trouble))
    return found


def owed_welcome(
    incident: Incident,
    holding: Iterable[Delivery],
    welcome: Iterable[Delivery],
    routes: Sequence[Route],
    voices: Mapping[str, Voice],
    updates: Iterable[Delivery] = (),
    places: Mapping[str, int] | None = None,
) -> list[str]:
    """The channels that are owed a welcome back and have none planned: those that heard, then what recovered.

    Nobody who did not hear the holding statement is welcomed back, and where nobody heard it, not even the primary.
    A primary whose own platform was not down has nothing to say about it.  Who was told after a welcome back that it
    does not work after all (an update in a relapse) is owed another one.  `places` tells which statement was planned
    after which: no clock does.
    """
    places = places or {}
    updated: dict[str, int] = {}
    for row in updates:
        if row.heard:
            updated[row.channel] = max(updated.get(row.channel, -1), places.get(row.statement_id, -1))
    planned = {
        delivery.channel
        for delivery in welcome
        if delivery.phase is not Phase.CANCELLED
        and places.get(delivery.statement_id, 0) > updated.get(delivery.channel, -1)
    }
    heard = [delivery.channel for delivery in holding if delivery.heard]
    if not heard:
        return []
    primaries = [name for route in touched(incident, routes) for name in route.primaries]
    recovered = [name for name in primaries if name in voices and voices[name].platform in incident.platforms]
    return [
        name
        for name in dict.fromkeys([*heard, *recovered])
        if name in voices and not voices[name].practice and name not in planned
    ]
