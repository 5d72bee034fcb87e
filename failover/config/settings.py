"""The configuration as the house uses it: frozen values, complete, checked.

Durations are seconds, times seconds since the epoch (UTC).  The sections that stand alone in the file (judgement,
limits, sign-off, heartbeat) are read straight into the values below: their annotations are the rules the file is
held to, their field names (or aliases) its keys.  The others are put together in `config.py`.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Somebody who may approve or veto; `telegram` is the number of their Telegram account."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Text
    telegram: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """Who must agree before something is said (rule S5)."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    holding: Mode = "automatic"
    update: Mode = "automatic"
    welcome_back: Mode = "automatic"
    veto_for: Wait = 300.0
    approvers: tuple[Approver, ...] = ()

    def mode(self, statement: Statement) -> Mode:
        """`again` and `intermittent` are holding statements; a person asks for corrections and drills."""
        match statement:
            case Statement.HOLDING | Statement.AGAIN | Statement.INTERMITTENT:
                return self.holding
            case Statement.UPDATE:
                return self.update
            case Statement.WELCOME_BACK:
                return self.welcome_back
            case _:
                return "automatic"


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
    notices: tuple[str, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
