"""What can be asked over the control socket, and who answers."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Protocol

from failover.assembly import Assembly
from failover.audit import Entry
from failover.chronicle import MOST_INCIDENTS
from failover.config.problems import did_you_mean
from failover.contracts import parse_duration
from failover.control import Handler, Request
from failover.desk import RequestError
from failover.erasure import forget
from failover.moments import zone_of
from failover.postoffice import Draft, Origin
from failover.report import Names, NoIncidentError, report
from failover.sources import sources
from failover.why import asked_moment, why_now, why_then

MOST_ENTRIES = 250
MOST_LETTERS = 200_000
"""What one page of the audit trail may hold."""


class Answerer(Protocol):
    """The daemon, as far as requests need it."""

    @property
    def at(self) -> Assembly: ...

    def now(self) -> float: ...

    async def reload(self, by: str) -> str: ...

    async def status(self) -> object: ...

    def kick(self) -> None:
        """Deliver what is due at once."""
        ...


def handlers(daemon: Answerer) -> dict[str, Handler]:
    """request name -> handler."""
    acts: dict[str, Callable[[Request, str], Awaitable[str]]] = {
        "reload": lambda _request, by: daemon.reload(by),
        "declare": lambda request, by: daemon.at.desk.declare(
            str(request["platform"]), str(request["state"]), _because(request), by, daemon.now()
        ),
        "approve": lambda request, by: daemon.at.desk.approve(
            str(request["statement"]), by, daemon.now(), str(request.get("code") or "")
        ),
        "veto": lambda request, by: daemon.at.desk.veto(
            str(request["statement"]), _because(request), by, daemon.now()
        ),
        "retract": lambda request, by: daemon.at.retraction.retract(
            str(request["incident"]), _because(request), by, daemon.now()
        ),
        "resolve": lambda request, by: daemon.at.desk.resolve(
            str(request["delivery"]), sent=_answer(request), by=by, now=daemon.now()
        ),
        "silence": lambda request, by: daemon.at.desk.silence(
            str(request["platform"]), _length(request), _because(request), by, daemon.now()
        ),
        "pause": lambda request, by: daemon.at.desk.pause(_because(request), by, daemon.now()),
        "resume": lambda _request, by: daemon.at.desk.resume(by, daemon.now()),
        "forget": lambda request, by: forget(
            daemon.at.engine, daemon.at.courier, daemon.at.settings, str(request["address"]), by, daemon.now()
        ),
    }

    async def drill(request: Request, by: str) -> object:
        begun = await daemon.at.drill.begin(
            str(request["platform"]), by, daemon.now(), full=bool(request.get("full"))
        )
        daemon.kick()
        return begun

    async def drill_end(request: Request, by: str) -> object:
        ended = await daemon.at.drill.end(str(request["drill"]), str(request["platform"]), by, daemon.now())
        daemon.kick()
        return ended

    async def drill_result(request: Request, _by: str) -> object:
        return await daemon.at.drill.result(str(request["statement"]))

    async def status(_request: Request, _by: str) -> object:
        return await daemon.status()

    async def audit(request: Request, _by: str) -> object:
        return await _page(daemon.at, request)

    async def explain(request: Request, _by: str) -> object:
        return await _explained(daemon.at, request, daemon.now())

    async def asked_sources(_request: Request, _by: str) -> object:
        return await sources(daemon.at.engine, daemon.at.lookout, daemon.now())

    async def incidents(request: Request, _by: str) -> object:
        return await _incidents(daemon.at, request, daemon.now())

    async def asked_report(request: Request, _by: str) -> object:
        return await _reported(daemon.at, request, daemon.now())

    asked: dict[str, Handler] = {"status": status, "audit": audit, "explain": explain, "sources": asked_sources}
    asked |= {"incidents": incidents, "report": asked_report}
    asked |= _of_posts(daemon)
    asked |= {"drill": drill, "drill_end": drill_end, "drill_result": drill_result}
    return asked | {name: _kicking(daemon, act) for name, act in acts.items()}


def _of_posts(daemon: Answerer) -> dict[str, Handler]:
    """The organisation's own content: handed in, listed, cancelled."""

    async def post(request: Request, by: str) -> object:
        handed_in, told = await daemon.at.posts.accept(_draft(request), Origin(by=by), daemon.now())
        daemon.kick()
        return {"post": handed_in.id, "told": told}

    async def posts(request: Request, _by: str) -> object:
        return await daemon.at.posts.listing(_since(request), daemon.now())

    async def cancel(request: Request, by: str) -> object:
        return await daemon.at.posts.cancel(str(request["post"]), by, daemon.now())

    return {"post": post, "posts": posts, "posts_cancel": cancel}


async def _page(at: Assembly, request: Request) -> dict[str, object]:
    """The next entries of the audit trail: few enough that the daemon is not kept from its work (a few ms)."""
    after = request.get("after")
    if not isinstance(after, int | None):
        raise RequestError("`after` is the number of an entry")
    entries = await at.engine.store.audit_after(after, MOST_ENTRIES)
    head = await at.engine.store.audit_head()
    return {
        "timezone": at.settings.organisation.timezone,
        "head": str(head) if head else "",
        "entries": [[one.number, one.at, one.event, one.facts, one.digest] for one in _up_to(entries, MOST_LETTERS)],
    }


async def _explained(at: Assembly, request: Request, now: float) -> object:
    """Why a platform stands as it does, at present or at an earlier time."""
    platform, zone = str(request["platform"]), zone_of(at.settings.organisation.timezone)
    watch = at.engine.watches.get(platform)
    if watch is None:
        raise RequestError(f"there is no platform '{platform}'{did_you_mean(platform, at.engine.watches)}")
    try:
        then = asked_moment(str(request.get("at") or ""), now, zone)
    except ValueError as error:
        raise RequestError(str(error)) from None
    if then is None:
        return why_now(at.engine, platform, at.lookout.looks.values(), now, zone)
    return await why_then(at.engine.store, platform, watch.title, then, zone)


async def _incidents(at: Assembly, request: Request, now: float) -> object:
    """The incidents since a time (seconds since the epoch), as a list."""
    told = await at.engine.store.chronicle(_since(request), MOST_INCIDENTS)
    return {"now": now, "timezone": at.settings.organisation.timezone, **told}


async def _reported(at: Assembly, request: Request, now: float) -> object:
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


def _up_to(entries: Iterable[Entry], letters: int) -> Iterator[Entry]:
    """At least one entry, and no more of them than have so many letters together."""
    for number, entry in enumerate(entries):
        letters -= len(entry.facts)
        if number and letters < 0:
            return
        yield entry


def _since(request: Request) -> float:
    since = request.get("since", 0.0)
    if not isinstance(since, int | float):
        raise RequestError("`since` is a time in seconds since the epoch")
    return float(since)


def _draft(request: Request) -> Draft:
    """A post as a program hands it in; the picture travels in base64."""
    to, picture = request["to"], request.get("image")
    if not isinstance(to, list):
        raise RequestError("`to` is a list of channels")
    try:
        image = base64.b64decode(picture, validate=True) if isinstance(picture, str) else None
    except ValueError:
        raise RequestError("`image` is a picture in base64") from None
    words = {name: str(request.get(name) or "") for name in ("at", "until", "title", "alt")}
    return Draft(text=str(request["text"]), to=tuple(map(str, to)), picture=image, **words)


def _kicking(daemon: Answerer, act: Callable[[Request, str], Awaitable[str]]) -> Handler:
    async def handled(request: Request, by: str) -> object:
        answer = await act(request, by)
        daemon.kick()
        return answer

    return handled


def _length(request: Request) -> float:
    """Seconds of `for`; 0 where a silence shall end."""
    if request.get("end"):
        return 0.0
    if not request.get("for"):
        raise RequestError("say for how long, such as --for 2h, or --end")
    try:
        return parse_duration(request.get("for"))
    except ValueError as error:
        raise RequestError(f"--for: {error}") from None


def _because(request: Request) -> str:
    return str(request.get("because") or "")


def _answer(request: Request) -> bool:
    answers = {"sent": True, "not-sent": False}
    answer = str(request["answer"])
    if answer not in answers:
        raise RequestError("say `sent` or `not-sent`")
    return answers[answer]
