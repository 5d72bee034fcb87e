"""What the daemon tells of the present and the past when it is asked over the control socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from failover.assembly import Assembly
from failover.audit import Entry
from failover.chronicle import MOST_INCIDENTS
from failover.config.problems import did_you_mean
from failover.control import MisusedError, Request
from failover.desk import RequestError
from failover.moments import zone_of
from failover.report import Names, NoIncidentError, report
from failover.why import asked_moment, unspoken, why_now, why_then

MOST_ENTRIES = 250
MOST_LETTERS = 200_000
"""What one page of the audit trail may hold."""


async def page(at: Assembly, request: Request) -> dict[str, object]:
    """The next entries of the audit trail: few enough that the daemon is not kept from its work (a few ms)."""
    after = request.get("after")
    if not isinstance(after, int | None):
        raise RequestError("`after` is the number of an entry")
    entries = await at.engine.store.trail.after(after, MOST_ENTRIES)
    head = await at.engine.store.trail.head()
    return {
        "timezone": at.settings.organisation.timezone,
        "head": str(head) if head else "",
        "entries": [[one.number, one.at, one.event, one.facts, one.digest] for one in _up_to(entries, MOST_LETTERS)],
    }


async def explained(at: Assembly, request: Request, now: float) -> object:
    """Why a platform stands as it does, at present or at an earlier time."""
    platform, zone = watched(at, request), zone_of(at.settings.organisation.timezone)
    try:
        then = asked_moment(str(request.get("at") or ""), now, zone)
    except ValueError as error:
        raise MisusedError(str(error)) from None
    if then is None:
        found = why_now(at.engine, platform, at.lookout.looks.values(), now, zone)
        return {**found, "sentences": [*found["sentences"], *await unspoken(at.engine, platform)]}
    return await why_then(at.engine.store, platform, at.engine.watches[platform].title, then, zone)


async def incidents(at: Assembly, request: Request, now: float) -> object:
    """The incidents since a time (seconds since the epoch), as a list."""
    told = await at.engine.store.chronicle(since(request), MOST_INCIDENTS)
    return {"now": now, "timezone": at.settings.organisation.timezone, **told}


async def reported(at: Assembly, request: Request, now: float) -> object:
    """Everything about one incident, or about the latest."""
    settings = at.settings
    names = Names(
        organisation=settings.organisation.name,
        timezone=settings.organisation.timezone,
        platforms={name: one.title for name, one in settings.platforms.items()},
        channels={name: one.title for name, one in settings.channels.items()},
    )
    store, asked = at.engine.store, str(request.get("incident") or "")
    incident = await store.incident(asked or await store.latest_incident())
    posts = await at.engine.posts.meanwhile(incident, now) if incident is not None else ()
    try:
        return await report(store, asked, names, now, posts)
    except NoIncidentError as error:
        raise RequestError(str(error)) from None


def watched(at: Assembly, request: Request) -> str:
    """The platform that was named; raises RequestError for one that is not watched."""
    platform = str(request["platform"])
    if platform not in at.engine.watches:
        raise RequestError(f"there is no platform '{platform}'{did_you_mean(platform, at.engine.watches)}")
    return platform


def _up_to(entries: Iterable[Entry], letters: int) -> Iterator[Entry]:
    """At least one entry, and no more of them than have so many letters together."""
    for number, entry in enumerate(entries):
        letters -= len(entry.facts)
        if number and letters < 0:
            return
        yield entry


def since(request: Request) -> float:
    """From when on (seconds since the epoch); everything where nothing is said."""
    found = request.get("since", 0.0)
    if not isinstance(found, int | float):
        raise RequestError("`since` is a time in seconds since the epoch")
    return float(found)
