"""The frozen values everybody in this house speaks in; standard library only.

Times are `float` seconds since the Unix epoch (UTC); durations are `float` seconds.  Facts are named in the
past tense, and a value that says something is wrong carries a `reason` that a person can read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path


class Signal(str, Enum):
    """What one look says of a platform.  UNKNOWN means "I could not tell" and never votes."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Evidence(str, Enum):
    """Class of evidence, named by what could make it wrong; two classes are independent of each other."""

    HERE = "here"  # a transport failure seen from this machine
    SPOKEN = "spoken"  # the platform itself answered with an error of its own
    ELSEWHERE = "elsewhere"  # other vantage points
    OFFICIAL = "official"  # a status page
    CROWD = "crowd"  # Downdetector and the like
    OPERATOR = "operator"  # a person said so


class Fault(str, Enum):
    """Whose trouble it is.  Only PLATFORM can vote; ACCOUNT alarms the operator; NETWORK is our own line."""

    PLATFORM = "platform"
    ACCOUNT = "account"
    NETWORK = "network"


class State(str, Enum):
    """Where a platform stands."""

    UNKNOWN = "unknown"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    RECOVERING = "recovering"


class Statement(str, Enum):
    """The kinds of thing an incident lets us say.  AGAIN and INTERMITTENT stand in for HOLDING (rule R6).

    POST is none of them: the organisation's ordinary content, which belongs to no incident.
    """

    HOLDING = "holding"
    AGAIN = "again"
    INTERMITTENT = "intermittent"
    UPDATE = "update"
    WELCOME_BACK = "welcome_back"
    CORRECTION = "correction"
    DRILL = "drill"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a probe (or a channel's answer) has to say, before anybody adds who, when and how long.

    `reason` is one short clause for people ("HTTP 503 from the Graph API"); `detail` may quote the answer and is
    never shown to the public.  Neither may contain a secret or a person's address.
    """

    signal: Signal
    evidence: Evidence
    reason: str
    fault: Fault | None = None
    detail: str = ""

    @classmethod
    def up(cls, evidence: Evidence, reason: str, detail: str = "") -> Sighting:
        return cls(signal=Signal.UP, evidence=evidence, reason=reason, detail=detail)

    @classmethod
    def degraded(cls, evidence: Evidence, reason: str, detail: str = "") -> Sighting:
        return cls(signal=Signal.DEGRADED, evidence=evidence, fault=Fault.PLATFORM, reason=reason, detail=detail)

    @classmethod
    def down(cls, evidence: Evidence, reason: str, detail: str = "") -> Sighting:
        return cls(signal=Signal.DOWN, evidence=evidence, fault=Fault.PLATFORM, reason=reason, detail=detail)

    @classmethod
    def unknown(cls, evidence: Evidence, reason: str, detail: str = "", *, fault: Fault | None = None) -> Sighting:
        """Could not tell; `fault` says whose trouble it was where that is known (ACCOUNT, NETWORK)."""
        return cls(signal=Signal.UNKNOWN, evidence=evidence, fault=fault, reason=reason, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A sighting of one platform by one probe at one time.

    `at` is when the look ended, `took` its length, `good_until` when it is stale.  `looks` counts how many looks
    in a row gave this same signal, this one included.  `node` is the vantage point (rule O8).  `lately` are the last
    looks that could tell, with their times, as long as one of them said "down".
    """

    platform: str
    probe: str
    at: float
    good_until: float
    sighting: Sighting
    took: float = 0.0
    looks: int = 1
    node: str = "here"
    lately: tuple[tuple[float, Sighting], ...] = ()

    @property
    def votes_down(self) -> bool:
        return self.sighting.signal is Signal.DOWN and self.sighting.fault is Fault.PLATFORM


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A platform changed its state, and why.  `evidence` is what was believed at that moment."""

    platform: str
    at: float
    was: State
    now: State
    reason: str
    evidence: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture that goes with a post: our own copy of the file, what it shows in words, and what sort it is.

    `media_type` is image/png or image/jpeg; `size` in bytes.
    """

    path: Path
    alt: str
    media_type: str
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A statement worded for one channel: what `Channel.send` is asked to publish, and `Channel.find` to look for.

    `key` is stable over repeats and restarts and unique per (incident, statement, channel): the idempotency key
    where a service takes one.  `reference` stands in the text where people can see it, is unique to the statement,
    and is the needle for read-back.  `created_at` is frozen when the statement is made and never changes.
    `follows` is the receipt of the holding statement on the same channel (threading), where there is one.
    `images` are at most as many as the channel's kind can carry; only posts have any.
    """

    key: str
    incident: str
    statement: Statement
    reference: str
    text: str
    created_at: float
    subject: str = ""
    platforms: tuple[str, ...] = ()
    follows: Receipt | None = None
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that something was published: the remote id, where people can see it, and a short note."""

    remote_id: str
    url: str = ""
    note: str = ""


class Refusal(str, Enum):
    """Why a platform formed a "no".  All but CONTENT also alarm the operator: a person must act."""

    CONTENT = "content"
    CREDENTIAL = "credential"
    PERMISSION = "permission"
    QUOTA = "quota"
    BILLING = "billing"
    BLOCKED = "blocked"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The platform's own id (or other proof) was read."""

    receipt: Receipt
    sighting: Sighting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The platform said no.  Never repeated as it is; the next backup takes its place."""

    reason: str
    refusal: Refusal
    sighting: Sighting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """Certainly not posted, safe to repeat: never connected, or throttled for `retry_after` seconds.

    For a channel with a ledger, a repeat reaches only those who have not heard; `partly` is the receipt if some have.
    """

    reason: str
    retry_after: float | None = None
    partly: Receipt | None = None
    sighting: Sighting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """May be public already: it must be looked for before anything else happens to it."""

    reason: str
    sighting: Sighting | None = None


Outcome = Delivered | Refused | Unreachable | Unconfirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Read-back saw the statement in public (or knows for certain that it was accepted)."""

    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Read-back worked and the statement is not there.  Believed only after the channel's settling time (D5).

    For a channel with a ledger it means "not yet to all", and `partly` is the receipt if some have heard.
    """

    reason: str
    partly: Receipt | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """Read-back failed, or this channel has none."""

    reason: str


Finding = Found | Absent | CannotTell


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Could this channel post right now (rule S8)?  The answer of `Channel.check`, which never posts.

    `problems` need a person (empty = it could post); `warnings` will need one later.  `expires_at` is the
    earliest known end of a credential or API version.  `sighting` is the same answer as evidence about the platform.
    """

    sighting: Sighting
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    expires_at: float | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def able(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class Measure:
    """How long a text is by a channel's own rule; `unit` names what is counted."""

    used: int
    limit: int
    unit: str

    @property
    def fits(self) -> bool:
        return self.used <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """Who is speaking."""

    name: str
    timezone: str = "UTC"
    website: str = ""
    contact: str = ""
