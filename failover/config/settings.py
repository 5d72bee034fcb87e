"""The configuration as the house uses it: frozen values, complete, checked.

Durations are seconds, times seconds since the epoch (UTC).  The sections that stand alone in the file (judgement,
limits, sign-off, heartbeat) are read straight into the values below: their annotations are the rules the file is
held to, their field names (or aliases) its keys.  The others are put together in `config.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field

from failover.contracts import Cost, Duration, Options, OutputPath
from failover.model import Organisation, Statement
from failover.wording import Messages

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


def web_address(value: str) -> str:
    """An http or https address with a host; raises ValueError."""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets without an IPv6 address, a port that is no number
        usable = False
    if not usable or any(letter.isspace() for letter in value):
        raise ValueError("expected an address such as https://www.example.org")
    return value


def _unrelated(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Rule R3: our own line is judged by at least three hosts that cannot fail together."""
    hosts = [urlsplit(address).netloc for address in addresses]
    if len(set(hosts)) < 3 or len(set(hosts)) < len(hosts):
        raise ValueError("expected at least three addresses, each on another host: they tell our own line's failure")
    return addresses


Wait = Annotated[Duration, Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]
WebAddress = Annotated[str, AfterValidator(web_address)]
Mode = Literal["automatic", "veto", "required"]
WhenUnsure = Literal["hold", "resend", "next"]
Posts = Literal["reroute", "hold", "both", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """One probe; `name` is unique within its platform.

    It looks each `every` seconds, each `fastest` when there is suspicion, and has `timeout` for one look.  At most
    `budget` looks are made in a month (UTC); `cost` is what they are billed, but for the first `free` of them.
    """

    name: str
    platform: str
    kind: str
    every: float
    fastest: float
    timeout: float
    options: Options
    on_suspicion: bool = False
    budget: int | None = None
    cost: Cost | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """One platform; `group` is its own name unless it shares an owner with others."""

    name: str
    title: str
    group: str
    probes: tuple[ProbeSettings, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One channel; `group` is that of its platform, "" where it stands on none."""

    name: str
    title: str
    kind: str
    platform: str | None
    group: str
    practice: bool
    when_unsure: WhenUnsure
    deadline: float
    settle: float
    reads_back: bool
    options: Options
    quiet: tuple[int, int] | None = None
    """From and to, in minutes from midnight on the organisation's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSettings:
    """Who stands in for whom.  `primary` are names of channels or platforms, as written.

    `platforms` are what the primaries stand on, `primary_channels` those of them that we can post to; `reach` None
    means all.
    """

    primary: tuple[str, ...]
    platforms: tuple[str, ...]
    primary_channels: tuple[str, ...]
    backups: tuple[str, ...]
    reach: int | None = None
    after: Mapping[str, float] = field(default_factory=dict)
    """backup -> seconds of the incident after which it is asked, in addition to `reach`."""
    posts: Posts = "reroute"
    partial: Literal["quiet", "say"] = "quiet"


def _one_address(value: str) -> str:
    """Raises ValueError; the mail server knows the rest."""
    if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", value):
        raise ValueError("expected an e-mail address")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Somebody who may approve or veto.

    `telegram` is the number of their Telegram account; they must have written to the bot once.  `email` is where they
    are asked by mail; they answer by command.  `user` is their account on this machine: whoever approves with it is
    they.  `group` names those who are asked together; the groups are asked one after the other, as they come here.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Text
    telegram: Annotated[int, Field(ge=1)] | None = None
    email: Annotated[str, AfterValidator(_one_address)] | None = field(default=None, repr=False)
    user: Text | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelModes:
    """What holds for one channel instead of the mode of the kind; what is left out does not differ."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    holding: Mode | None = None
    update: Mode | None = None
    welcome_back: Mode | None = None


SIGNED = (Statement.HOLDING, Statement.UPDATE, Statement.WELCOME_BACK)
"""The kinds that sign-off is configured for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """Who must agree before something is said (rule S5): automatic, veto or required, for each kind of statement.

    `channels` gives single channels a mode of their own, or one for each kind.  `veto_for` is the time to object in.
    `two_persons` asks for two different people, for all kinds or for those listed.  `valid_for` is how long an
    approval is good.  `remind_after` is when everybody who was asked and has not answered is reminded, once.
    `escalate_after` is when the next group of approvers is asked too.  `if_nobody` says what becomes of a statement
    when every group had its time: it waits until it is too late (expire), or it goes out (release).  `ask_by` names
    the telegram and the email channel whose bot and whose mail server carry the questions; else the first of each.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    holding: Mode = "automatic"
    update: Mode = "automatic"
    welcome_back: Mode = "automatic"
    channels: Mapping[Text, Mode | ChannelModes] = field(default_factory=dict)
    veto_for: Wait = 300.0
    two_persons: bool | tuple[Literal["holding", "update", "welcome_back"], ...] = False
    valid_for: Wait = 7200.0
    remind_after: Wait = 600.0
    escalate_after: Wait = 1200.0
    if_nobody: Literal["expire", "release"] = "expire"
    ask_by: tuple[Text, ...] = ()
    approvers: tuple[Approver, ...] = ()

    def mode(self, statement: Statement, channel: str = "") -> Mode:
        """`again` and `intermittent` are holding statements; a person asks for corrections and drills."""
        match statement:
            case Statement.HOLDING | Statement.AGAIN | Statement.INTERMITTENT:
                kind: Literal["holding", "update", "welcome_back"] = "holding"
            case Statement.UPDATE:
                kind = "update"
            case Statement.WELCOME_BACK:
                kind = "welcome_back"
            case _:
                return "automatic"
        own = self.channels.get(channel)
        own = getattr(own, kind) if isinstance(own, ChannelModes) else own
        usual: Mode = getattr(self, kind)
        return own or usual

    def needs_two(self, statement: Statement) -> bool:
        """Must two different people approve this kind?"""
        if isinstance(self.two_persons, bool):
            return self.two_persons
        return statement.value in self.two_persons


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Rule R1: so many independent classes of evidence, for so long."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    classes: Annotated[int, Field(ge=2, le=5)] = 2
    for_: Annotated[Wait, Field(alias="for")] = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Rule R6: so long without trouble."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    for_: Annotated[Wait, Field(alias="for")] = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intermittent:
    """Rule R6: from this incident of a day on the group is intermittent, until it has been calm for so long."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    after: Annotated[int, Field(ge=2)] = 3
    calm: Wait = 21600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How often we look and when we believe it (rules R1 to R9)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    every: Wait = 60.0
    every_when_suspect: Wait = 15.0
    confirm: Confirm = Confirm()
    recover: Recover = Recover()
    relapse: Wait = 3600.0
    intermittent: Intermittent = Intermittent()
    anchors: Annotated[tuple[WebAddress, ...], AfterValidator(_unrelated)] = (
        "https://www.gstatic.com/generate_204",
        "http://detectportal.firefox.com/success.txt",
        "http://www.msftconnecttest.com/connecttest.txt",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is too late or too much: latest times count from the statement's making; 0 updates means none."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    holding_latest: Wait = 1800.0
    welcome_latest: Wait = 43200.0
    update_every: Annotated[Duration, Field(ge=0)] = 0.0
    posts_per_day: Annotated[int, Field(ge=0)] = 12
    """How much a channel says in 24 hours before it hears no updates, and before ordinary posts wait."""
    release_every: Annotated[Duration, Field(ge=0)] = 120.0
    """Posts that had to wait go out one by one, so long after each other."""
    keep_recipients: Annotated[Duration, Field(ge=86400)] = 2592000.0
    """Who was written to is forgotten so long after the incident; at least a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Maintenance that was announced: trouble of `platform` from `start` to `until` is no news."""

    platform: str
    start: float
    until: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """Maintenance at the same hours of certain days (0 = Monday), minutes from midnight, the organisation's clock."""

    platform: str
    hours: tuple[int, int]
    days: frozenset[int]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Who watches the watcher (rule O6): the address is called each `every` seconds."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    url: WebAddress
    every: Wait = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """A file in Prometheus' text format, written anew each `every` seconds; its folder must be there."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    file: OutputPath
    every: Wait = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """Other programs hand posts in by putting a file into `folder`, which is looked through each `every` seconds."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    folder: OutputPath
    every: Wait = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the daemon needs to know.

    `notices` are true and worth knowing, and keep nobody from starting.  `secrets` are for the journal to redact.
    """

    organisation: Organisation
    path: Path
    control: Path
    state: Path
    platforms: Mapping[str, PlatformSettings]
    channels: Mapping[str, ChannelSettings]
    routes: tuple[RouteSettings, ...]
    messages: Messages
    sign_off: SignOff
    judgement: Judgement
    limits: Limits
    maintenance: tuple[Window | Recurring, ...]
    heartbeat: Heartbeat | None
    metrics: Metrics | None = None
    posts: SpoolSettings | None = None
    notices: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def asks_by(self, kind: Literal["telegram", "email"]) -> ChannelSettings | None:
        """The channel whose bot, or whose mail server, asks the approvers: the one named, else the first there is."""
        fit = [one for one in self.channels.values() if one.kind == kind and can_ask(one)]
        named = [one for one in fit if one.name in self.sign_off.ask_by]
        return next(iter(named if self.sign_off.ask_by else fit), None)


def can_ask(channel: ChannelSettings) -> bool:
    """Has it a bot, or a mail server?  Letters that are put into a folder reach nobody in time."""
    return channel.kind == "telegram" or (
        channel.kind == "email" and getattr(channel.options, "host", None) is not None
    )
