"""What can be asked over the control socket, and who answers."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from typing import Protocol

from failover import answers
from failover.assembly import Assembly
from failover.contracts import format_duration, parse_duration
from failover.control import Handler, MisusedError, Request
from failover.desk import RequestError
from failover.erasure import forget
from failover.moments import zone_of
from failover.postoffice import Draft, Origin
from failover.silences import LONGEST
from failover.sources import sources
from failover.wallclock import later

LONGEST_KEY = 100

Act = Callable[[Request, str], Awaitable[str]]
"""A handler that changes something, and says in a sentence what."""


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
    acts = {**_of_service(daemon), **_of_desk(daemon)}
    kicking = {name: _kicking(daemon, act) for name, act in acts.items()}
    given = {**_of_present(daemon), **_of_past(daemon), **_of_posts(daemon), **_of_drills(daemon)}
    return {**given, **_of_retraction(daemon), **kicking}


def _of_present(daemon: Answerer) -> dict[str, Handler]:
    """How things stand, and why."""

    async def status(_request: Request, _by: str) -> object:
        return await daemon.status()

    async def explain(request: Request, _by: str) -> object:
        return await answers.explained(daemon.at, request, daemon.now())

    async def asked_sources(_request: Request, _by: str) -> object:
        return await sources(daemon.at.engine, daemon.at.lookout, daemon.now())

    return {"status": status, "explain": explain, "sources": asked_sources}


def _of_past(daemon: Answerer) -> dict[str, Handler]:
    """What has been."""

    async def audit(request: Request, _by: str) -> object:
        return await answers.page(daemon.at, request)

    async def incidents(request: Request, _by: str) -> object:
        return await answers.incidents(daemon.at, request, daemon.now())

    async def asked_report(request: Request, _by: str) -> object:
        return await answers.reported(daemon.at, request, daemon.now())

    return {"audit": audit, "incidents": incidents, "report": asked_report}


def _of_service(daemon: Answerer) -> dict[str, Act]:
    """What an administrator does."""

    async def reload(_request: Request, by: str) -> str:
        return await daemon.reload(by)

    async def asked_forget(request: Request, by: str) -> str:
        at = daemon.at
        return await forget(at.engine, at.courier, at.settings, str(request["address"]), by, daemon.now())

    return {"reload": reload, "forget": asked_forget}


def _of_retraction(daemon: Answerer) -> dict[str, Handler]:
    """Taking back; `public` are the channels on which something of it is, or may be, public."""

    async def retract(request: Request, by: str) -> object:
        what = str(request["incident"])
        found = await daemon.at.retraction.retract(what, _because(request), by, daemon.now())
        daemon.kick()
        return {"told": found.text, "public": found.public}

    return {"retract": retract}


def _of_desk(daemon: Answerer) -> dict[str, Act]:
    """What people decide."""

    async def declare(request: Request, by: str) -> str:
        platform, state = str(request["platform"]), str(request["state"])
        return await daemon.at.desk.declare(platform, state, _because(request), by, daemon.now())

    async def approve(request: Request, by: str) -> str:
        code = str(request.get("code") or "")
        return await daemon.at.desk.approve(str(request["statement"]), by, daemon.now(), code)

    async def veto(request: Request, by: str) -> str:
        return await daemon.at.desk.veto(str(request["statement"]), _because(request), by, daemon.now())

    async def resolve(request: Request, by: str) -> str:
        sent = _answer(request)
        return await daemon.at.desk.resolve(str(request["delivery"]), sent=sent, by=by, now=daemon.now())

    async def silence(request: Request, by: str) -> str:
        platform = answers.watched(daemon.at, request)
        return await daemon.at.desk.silence(platform, _length(request), _because(request), by, daemon.now())

    async def pause(request: Request, by: str) -> str:
        return await daemon.at.desk.pause(_because(request), by, daemon.now())

    async def resume(_request: Request, by: str) -> str:
        return await daemon.at.desk.resume(by, daemon.now())

    return {
        "declare": declare,
        "approve": approve,
        "veto": veto,
        "resolve": resolve,
        "silence": silence,
        "pause": pause,
        "resume": resume,
    }


def _of_drills(daemon: Answerer) -> dict[str, Handler]:
    """The rehearsal of an outage."""

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

    return {"drill": drill, "drill_end": drill_end, "drill_result": drill_result}


def _of_posts(daemon: Answerer) -> dict[str, Handler]:
    """The organisation's own content: handed in, listed, cancelled."""

    async def post(request: Request, by: str) -> object:
        key = _key(request)
        draft = _draft(request)
        if key and (taken := await daemon.at.posts.repeated(draft, key)):
            return {"post": taken[0].id, "told": taken[1]}
        _timely(draft, daemon.now(), zone_of(daemon.at.settings.organisation.timezone))
        handed_in, told = await daemon.at.posts.accept(draft, Origin(by=by, claim=key), daemon.now())
        daemon.kick()
        return {"post": handed_in.id, "told": told}

    async def posts(request: Request, _by: str) -> object:
        return await daemon.at.posts.listing(answers.since(request), daemon.now())

    async def cancel(request: Request, by: str) -> object:
        return await daemon.at.posts.cancel(str(request["post"]), by, daemon.now())

    return {"post": post, "posts": posts, "posts_cancel": cancel}


def _key(request: Request) -> str:
    """The claim of a call of the command line: what is repeated with the same key is the same post."""
    key = str(request.get("key") or "")
    if len(key) > LONGEST_KEY:
        raise MisusedError(f"--key: {LONGEST_KEY} letters at most")
    return f"key {key}" if key else ""


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


def _kicking(daemon: Answerer, act: Act) -> Handler:
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
        raise MisusedError("say for how long, such as --for 2h, or --end")
    try:
        seconds = parse_duration(request.get("for"))
    except ValueError as error:
        raise MisusedError(f"--for: {error}") from None
    if not 0 < seconds <= LONGEST:
        most = format_duration(LONGEST)
        raise MisusedError(f"--for: at most {most}; else take {request['platform']} out of the configuration")
    return seconds


def _timely(draft: Draft, now: float, zone: tzinfo) -> None:
    """Raises MisusedError for a time that is past, or none on the clock of the zone."""
    for name in ("at", "until"):
        written = getattr(draft, name)
        try:
            if written:
                later(written, now, zone)
        except ValueError as error:
            raise MisusedError(f"--{name}: {error}") from None


def _because(request: Request) -> str:
    return str(request.get("because") or "")


def _answer(request: Request) -> bool:
    answers = {"sent": True, "not-sent": False}
    answer = str(request["answer"])
    if answer not in answers:
        raise RequestError("say `sent` or `not-sent`")
    return answers[answer]
