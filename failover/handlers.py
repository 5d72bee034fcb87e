"""What can be asked over the control socket, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from failover.assembly import Assembly
from failover.control import Handler, Request
from failover.desk import RequestError


class Answerer(Protocol):
    """The daemon, as far as requests need it."""

    @property
    def at(self) -> Assembly: ...

    def now(self) -> float: ...

    async def reload(self) -> str: ...

    async def status(self) -> object: ...

    def kick(self) -> None:
        """Deliver what is due at once."""
        ...


def handlers(daemon: Answerer) -> dict[str, Handler]:
    """request name -> handler."""
    acts: dict[str, Callable[[Request, str], Awaitable[str]]] = {
        "reload": lambda _request, _by: daemon.reload(),
        "declare": lambda request, by: daemon.at.desk.declare(
            str(request["platform"]), str(request["state"]), _because(request), by, daemon.now()
        ),
        "approve": lambda request, by: daemon.at.desk.approve(str(request["statement"]), by, daemon.now()),
        "veto": lambda request, by: daemon.at.desk.veto(
            str(request["statement"]), _because(request), by, daemon.now()
        ),
        "retract": lambda request, by: daemon.at.retraction.retract(
            str(request["incident"]), _because(request), by, daemon.now()
        ),
        "resolve": lambda request, by: daemon.at.desk.resolve(
            str(request["delivery"]), sent=_answer(request), by=by, now=daemon.now()
        ),
        "pause": lambda request, by: daemon.at.desk.pause(_because(request), by, daemon.now()),
        "resume": lambda _request, by: daemon.at.desk.resume(by, daemon.now()),
    }

    async def status(_request: Request, _by: str) -> object:
        return await daemon.status()

    return {"status": status} | {name: _kicking(daemon, act) for name, act in acts.items()}


def _kicking(daemon: Answerer, act: Callable[[Request, str], Awaitable[str]]) -> Handler:
    async def handled(request: Request, by: str) -> object:
        answer = await act(request, by)
        daemon.kick()
        return answer

    return handled


def _because(request: Request) -> str:
    return str(request.get("because") or "")


def _answer(request: Request) -> bool:
    answers = {"sent": True, "not-sent": False}
    answer = str(request["answer"])
    if answer not in answers:
        raise RequestError("say `sent` or `not-sent`")
    return answers[answer]
