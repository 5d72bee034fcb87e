"""Where a platform stands: the values that `verdict` and `credit` judge by.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from failover.model import Evidence, Signal, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The thresholds of one platform; durations in seconds."""

    classes: int = 2
    confirm_for: float = 120.0
    recover_for: float = 900.0
    accounts: frozenset[str] = frozenset()
    """Names of the probes that watch an account of our own: it must work before the platform counts as recovered."""
    pages: frozenset[str] = frozenset()
    """Names of the probes that read what a stranger is shown (kind `web`)."""
    lookups: frozenset[str] = frozenset()
    """Names of the probes that only ask for its name (kind `dns`): a name that is found disputes no vote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A person's word on a platform (class `operator`); it holds until withdrawn or until it is true by itself."""

    platform: str
    signal: Signal
    at: float
    by: str
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a platform stands, and the timers of its machine.

    `since` is when the state was entered.  `quorum_since`/`calm_since` run while the condition holds without a break,
    `undisputed_since` while enough classes agree and no looks of our own dispute it.
    `voted` are the classes that made it DOWN with the time of their last vote.  `upheld` says that the state has been
    borne out by a person, or by evidence as strong as a verdict needs, since this process started and since our line
    last failed: nothing is said in public on the strength of an older or a weaker one (R1, R8, S2).
    """

    platform: str
    state: State = State.UNKNOWN
    since: float = 0.0
    reason: str = "not looked at yet"
    quorum_since: float | None = None
    undisputed_since: float | None = None
    calm_since: float | None = None
    voted: Mapping[Evidence, float] = field(default_factory=dict)
    voters: Mapping[Evidence, frozenset[str]] = field(default_factory=dict)
    """The probes that cast those votes, where all of them are known: not for a class that voted before a restart."""
    upheld: bool = False
    first: Evidence | None = None
    first_since: float | None = None
    first_at: float | None = None
    """The class that was the first to say "down", since when, and when last."""
    weak: bool = False
    """Has what is said against it lost some of its credit (`credit.is_weak`)?"""


def shifted(standing: Standing, seconds: float) -> Standing:
    """The same standing after the wall clock was set by `seconds`: what has lasted has still lasted so long."""
    return replace(
        standing,
        since=standing.since + seconds,
        quorum_since=_moved(standing.quorum_since, seconds),
        undisputed_since=_moved(standing.undisputed_since, seconds),
        calm_since=_moved(standing.calm_since, seconds),
        first_since=_moved(standing.first_since, seconds),
        first_at=_moved(standing.first_at, seconds),
        voted={evidence: at + seconds for evidence, at in standing.voted.items()},
    )


def _moved(since: float | None, seconds: float) -> float | None:
    return None if since is None else since + seconds
