"""Every ambiguous answer: the steps of every channel's protocol, the faults that each can meet, how often, and when
the process dies over it.  `python -m tests.ambiguous` counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from failover.model import Statement
from failover.practice.http import Fault
from failover.practice.smtp import Act, Phase, Then


class Times(str, Enum):
    """How long the trouble lasts."""

    ONCE = "once"
    PERSISTENT = "for minutes"


class Death(str, Enum):
    """When the process is killed."""

    NEVER = "lives"
    AT_ONCE = "killed at that moment"
    UNWRITTEN = "killed before it is written down"


class Connecting(str, Enum):
    """What goes wrong before a byte of the step's request can leave."""

    REFUSED = "connection refused"
    STUCK = "connection never made"


class DiskFault(str, Enum):
    """What a file system may say."""

    FULL = "no space left"
    FAILING = "input or output error"
    READ_ONLY = "read-only file system"


AnyFault = Fault | Act | Connecting | DiskFault

LATE = 45.0
"""Seconds after which a platform publishes what it did not answer; within every channel's settling time."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a channel's protocol.

    `after`: the request (method, path) before it; `doubt`: the request whose answer is lost first, since this step is
    only taken when there is a doubt.  `{held}` in a path is the number of the holding statement.
    """

    name: str
    method: str = ""
    path: str = ""
    after: tuple[str, str] | None = None
    doubt: tuple[str, str] | None = None
    statement: Statement = Statement.HOLDING


_SEND, _CREATED = ("POST", "/sendMessage"), ("POST", "/2/tweets$")
_DRAFTED, _PUBLISHED = ("POST", "/wp/v2/posts$"), ("POST", "/wp/v2/posts/")
_RESERVED, _SHOWN = ("POST", "/feed$"), ("POST", "/1234567890_")
_BACK = Statement.WELCOME_BACK

STEPS: dict[str, tuple[Step, ...]] = {
    "telegram": (
        Step("send", *_SEND),
        Step("pin", "POST", "/pinChatMessage", after=_SEND),
        Step("look at the page", "GET", "/s/", doubt=_SEND),
        Step("send welcome back", *_SEND, statement=_BACK),
        Step("unpin", "POST", "/unpinChatMessage", after=_SEND, statement=_BACK),
    ),
    "telegram-private": (
        Step("send", *_SEND),
        Step("pin", "POST", "/pinChatMessage", after=_SEND),
        Step("look at the chat", "POST", "/getChat", doubt=_SEND),
        Step("look at a message", "POST", "/forwardMessage", after=("POST", "/getChat"), doubt=_SEND),
        Step("tidy up", "POST", "/deleteMessage", after=("POST", "/forwardMessage"), doubt=_SEND),
        Step("send welcome back", *_SEND, statement=_BACK),
    ),
    "telegram-blind": (Step("send", *_SEND),),
    "x": (
        Step("create", *_CREATED),
        Step("look up the account", "GET", "/2/users/me", doubt=_CREATED),
        Step("read the timeline", "GET", "/tweets$", after=("GET", "/2/users/me"), doubt=_CREATED),
    ),
    "wordpress": (
        Step("look first", "GET", "/wp/v2/posts$"),
        Step("draft", *_DRAFTED, after=("GET", "/wp/v2/posts$")),
        Step("publish", *_PUBLISHED, after=_DRAFTED),
        Step("read back", "GET", "/wp/v2/posts/", doubt=_PUBLISHED),
        Step("unpin", "POST", "/posts/{held}$", after=_PUBLISHED, statement=_BACK),
    ),
    "facebook": (
        Step("reserve", *_RESERVED),
        Step("publish", *_SHOWN, after=_RESERVED),
        Step("see that it shows", "GET", "/1234567890_", after=_SHOWN),
        Step("read back", "GET", "/1234567890_", doubt=_SHOWN),
    ),
    "webhook": (Step("post", "POST", "/in"),),
    "email": tuple(Step(phase.value) for phase in Phase if phase is not Phase.AUTH),
    "email-one": (Step(Phase.DOT.value), Step(Phase.QUIT.value)),
    "site": (
        *(Step("stage", path=str(count)) for count in (1, 5)),  # the first and the last file that is written
        *(Step("publish", path=str(count)) for count in range(1, 6)),  # every file that takes its place
    ),
}

_SMTP_OK = {Phase.GREETING: "220 hello", Phase.DATA: "354 go ahead", Phase.QUIT: "221 bye"}


def _smtp(phase: Phase) -> dict[str, Act]:
    """What a mail server may do at this step; nothing of it takes the message, but at the final dot."""
    well = _SMTP_OK.get(phase, "250 2.0.0 OK")
    spoilt = {
        "hang": ("", Then.HANG),
        "reset": ("", Then.RESET),
        "half": (well, Then.HALF),
        "drip": (well, Then.DRIP),
        "garbage": ("<html>what?</html>", Then.GO_ON),
        "not now": ("451 4.3.0 try again later", Then.GO_ON),
        "closing": ("421 4.3.2 shutting down", Then.CLOSE),
    }
    acts = {name: Act(phase, reply, then=then, seconds=200.0) for name, (reply, then) in spoilt.items()}
    if phase is not Phase.DOT:
        return acts
    taken = {
        f"accepted, {name}": Act(phase, act.reply, accepted=True, then=act.then, seconds=200.0)
        for name, act in acts.items()
        if name not in ("not now", "closing")
    }
    return acts | taken | {"late": Act(phase, accepted=True, then=Then.HANG, late=LATE)}


def faults(channel: str, step: Step) -> dict[str, AnyFault]:
    """What can go wrong at this step, by name."""
    if channel == "site":
        return {fault.name.lower(): fault for fault in DiskFault}
    first = step.name == Phase.GREETING.value or not channel.startswith("email")
    connecting: dict[str, AnyFault] = {one.name.lower(): one for one in Connecting} if first else {}
    if channel.startswith("email"):
        return connecting | _smtp(Phase(step.name))
    return connecting | {fault.name.lower(): fault for fault in Fault}


CROSSED = (
    (Times.ONCE, Death.NEVER),
    (Times.PERSISTENT, Death.NEVER),
    (Times.ONCE, Death.AT_ONCE),
    (Times.PERSISTENT, Death.AT_ONCE),
    (Times.ONCE, Death.UNWRITTEN),
)


@dataclass(frozen=True, slots=True)
class Case:
    channel: str
    step: Step
    fault: str
    times: Times
    death: Death

    def __str__(self) -> str:
        return f"{Group(self.channel, self.step, self.times, self.death)}: {self.fault}"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that are played side by side."""

    channel: str
    step: Step
    times: Times
    death: Death

    def __str__(self) -> str:
        where = f"{self.step.name} {self.step.path}" if self.channel == "site" else self.step.name
        return f"{self.channel}: {where}, {self.times.value}, {self.death.value}"

    def cases(self) -> Iterator[Case]:
        for fault in faults(self.channel, self.step):
            yield Case(self.channel, self.step, fault, self.times, self.death)


def groups() -> Iterator[Group]:
    for channel, steps in STEPS.items():
        for step in steps:
            for times, death in CROSSED:
                yield Group(channel, step, times, death)
