"""What the author of a probe or a channel needs, and nothing else.

A kind is one file in `probes/` or `channels/`; the file name is the kind's name in YAML.  Its last line is

    KIND = ProbeKind(Options, open_probe, …)        or        KIND = ChannelKind(Options, open_channel, …)

`Options` is a frozen pydantic model that forbids unknown keys (derive it from `Options` below).  A field of type
`SecretStr` named `token` is written in YAML as `token_file:`, `token_env:` or `token_plain:`; the kind sees only
the secret.  `open_…(options, surroundings)` is an async context manager: clients are made and closed there, and
nowhere else.

A probe or a channel makes ONE attempt, never retries, and never raises for expected trouble: that is a value.
The caller sets the deadline (cancellation); whatever is raised nevertheless is a bug that the caller records as
UNKNOWN (probe) or Unconfirmed (channel).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationInfo

from failover.model import (
    Announcement,
    Evidence,
    Finding,
    Health,
    Measure,
    Organisation,
    Outcome,
    Receipt,
    Sighting,
)

_DURATION = re.compile(r"^(?:(\d{1,12})d)?(?:(\d{1,12})h)?(?:(\d{1,12})m)?(?:(\d{1,12})s)?$")

LONGEST = 365_000 * 86400.0
"""Seconds of the longest duration, a thousand years: what is added to the present must still be a date."""


def parse_duration(value: object) -> float:
    """Seconds of `15s`, `2m`, `6h`, `1d` or `1h30m`; `0` is allowed.  Raises ValueError for anything else."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    match = _DURATION.match(value) if isinstance(value, str) and value else None
    if match is None or not any(match.groups()):
        raise ValueError("expected a duration such as 15s, 2m, 6h or 1d")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if total > LONGEST:
        raise ValueError("expected a duration of a thousand years at most, such as 15s, 2m, 6h or 1d")
    return total


def format_duration(seconds: float) -> str:
    """`90.0` -> `1m30s`; the inverse of `parse_duration` for whole seconds."""
    left = int(seconds)
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0"


def _beside_configuration(value: object, info: ValidationInfo) -> Path:
    """A relative path is taken from the folder of the configuration file (given as validation context).

    Where there is none, a bare name is looked for among the service's credentials and in `secrets`: a list of people
    is no less private than a password.  `LoadCredential=failover:FOLDER` puts `failover_` before each name.
    """
    beside = _from("base", value, info)
    if not isinstance(value, str) or beside.exists():
        return beside
    if "/" in value:
        return _existing(beside, info)
    credentials = (info.context or {}).get("credentials")
    private = [] if credentials is None else [Path(credentials, value), Path(credentials, f"failover_{value}")]
    found = [path for path in (*private, beside.parent / "secrets" / value) if path.is_file()]
    return found[0] if found else _existing(beside, info)


def _existing(path: Path, info: ValidationInfo) -> Path:
    """What a configuration names must be there when it is read, not only at four in the morning."""
    if info.context and not info.context.get("example") and not path.exists():
        raise ValueError("there is no such file")
    return path


def _where_it_may_write(value: object, info: ValidationInfo) -> Path:
    """A relative path is taken from the service's own state directory; where there is none, as above."""
    return _from("output", value, info)


def _from(folder: str, value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError("expected a path")
    base = (info.context or {}).get(folder)
    return Path(base) / value if base is not None else Path(value)


Duration = Annotated[float, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
ConfigPath = Annotated[Path, BeforeValidator(_beside_configuration)]
OutputPath = Annotated[Path, BeforeValidator(_where_it_may_write)]
"""A file to read, and a folder to write into: a service may write only where its manager lets it."""


class Options(BaseModel):
    """The base of every kind's options: frozen, strict about unknown keys, silent about the values it was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a kind may know of the house it lives in.

    `channel` gives the open channel of that name (for the `account` probe) and raises KeyError for an unknown one.
    `now` is the daemon's clock.  `titles` are the platforms as the public calls them, by their names; a name that is
    not among them (an incident may be older than the configuration) stands for itself.
    """

    organisation: Organisation
    user_agent: str
    name: str
    platform: str
    now: Callable[[], float]
    channel: Callable[[str], Channel]
    alarm: Callable[[str], None] = lambda _reason: None
    titles: Mapping[str, str] = field(default_factory=dict)


class Probe(Protocol):
    """One way of looking at one platform."""

    async def look(self) -> Sighting:
        """Look once."""
        ...


class Notebook(Protocol):
    """What a channel may write down durably while it speaks; every `await` returns after the commit.

    `draft` is the remote id of something reserved and still invisible (a WordPress draft, an unpublished post),
    from this attempt or an earlier one.  `ledger` is one line per recipient for channels that speak to many.
    """

    @property
    def draft(self) -> str | None: ...

    @property
    def repeat(self) -> bool:
        """True when an earlier attempt of this same delivery may have reached the platform."""
        ...

    async def reserve(self, draft: str) -> None: ...

    async def ledger(self) -> Mapping[str, str]:
        """recipient -> state, of this delivery."""
        ...

    async def heard(self) -> Mapping[str, str] | None:
        """The ledger of the holding statement that this one follows; None if it follows none."""
        ...

    async def told(self) -> Mapping[str, str]:
        """The ledgers of earlier statements that said this same thing (a welcome back that a relapse cut off).

        Whoever heard one of them has heard this one too.
        """
        ...

    async def note(self, changes: Mapping[str, str]) -> None:
        """Insert or replace these ledger lines, in one transaction."""
        ...


class Channel(Protocol):
    """One place where the organisation can speak."""

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:
        """Publish, once."""
        ...

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:
        """Is it there already (read-back)?  Publishes nothing."""
        ...

    async def check(self) -> Health:
        """Could we post right now?  Publishes nothing."""
        ...

    async def retract(self, receipt: Receipt) -> Outcome:
        """Take back what was published, as far as the service allows.  Delivered = it is gone, or was gone before."""
        ...


@runtime_checkable
class Canary(Protocol):
    """A channel that can try out whether posting works, where nobody sees it (see `ChannelKind.canary`)."""

    async def canary(self) -> Sighting:
        """Write something invisible, read it back, take it away again, and clean up what an earlier try left.

        UP: all three worked.  DOWN: the service itself failed the write.  DEGRADED: it took the write, but then did
        not show it or did not take it away.  Never raises for expected trouble; may be cancelled at any moment.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a source bills: `price` in `currency` (ISO 4217), for each look or once for all looks of a day (UTC)."""

    price: float
    currency: str
    per: Literal["look", "day"] = "look"


OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class ProbeKind(Generic[OptionsT]):
    """`every` is the shortest steady interval the source tolerates (seconds); `fastest` the shortest when it matters.

    `evidence` is the class its votes usually have (shown by `failover kinds`).  Where that depends on the options,
    `votes` gives every class that a vote of the probe can have, one at a time: none where it never says "down".
    `timeout` is the deadline of one look.
    `on_suspicion` sources are asked only while the platform is not UP.  `cost` is what the source bills; `per_month`
    the looks of a month (UTC) that are free: where there is no price, no more than these are made.
    """

    options: type[OptionsT]
    open: Callable[[OptionsT, Surroundings], AbstractAsyncContextManager[Probe]]
    evidence: Evidence
    example: str
    every: float = 60.0
    fastest: float = 15.0
    timeout: float = 10.0
    on_suspicion: bool = False
    cost: Cost | None = None
    per_month: int | None = None
    votes: Callable[[OptionsT], frozenset[Evidence]] | None = None

    def votes_as(self, options: OptionsT) -> frozenset[Evidence]:
        """Every class that a vote of a probe with these options can have; a vote has one of them."""
        return frozenset({self.evidence}) if self.votes is None else self.votes(options)


@dataclass(frozen=True)
class ChannelKind(Generic[OptionsT]):
    """`measure` gives the length of an announcement by this channel's own rule (pure, no I/O).

    `deadline` is the total time one send may take; `settle` how long after an unconfirmed send "absent" is not yet
    believed (rule D5).  `reads_back` says whether `find` can ever answer Found or Absent, and `when_unsure` what is
    done where nobody can tell, unless the configuration says otherwise (`hold`, `resend`, `next`).  The audience can
    be sent to a `public` channel ("we are on …").  `check_cost` is what one `check` is billed, and `check_every` the
    shortest steady interval (seconds) for a probe that makes it (kind `account`).  `images` is how many pictures it
    can carry with a post; a post with more is refused when it is handed in.

    A channel that is a `Canary` says in `canary`, in one sentence, what it writes where and what that costs ("" =
    this kind offers none); `canary_needs` names the option without which it cannot.
    """

    options: type[OptionsT]
    open: Callable[[OptionsT, Surroundings], AbstractAsyncContextManager[Channel]]
    measure: Callable[[OptionsT, Announcement], Measure]
    example: str
    deadline: float = 30.0
    settle: float = 60.0
    reads_back: bool = True
    when_unsure: str = "hold"
    public: bool = True
    check_cost: Cost | None = None
    check_every: float = 0.0
    canary: str = ""
    canary_needs: str = ""
    images: int = 0


AnyProbeKind = ProbeKind[Any]
AnyChannelKind = ChannelKind[Any]
