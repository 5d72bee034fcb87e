"""Is the platform down?  A pure function of what was seen and of `now`; the machine is one table.

Rules (R1-R8): DOWN needs votes of two independent classes of evidence, without a break for `confirm_for`; a person's
word alone is enough.  Unknown, stale, account and network trouble never vote.  While our own line is dead nothing is
decided at all.  Recovery is slower than alarm: every class that voted must have stopped, for `recover_for`.

This module knows no clock, no storage and no probe: observations in, a standing and perhaps a transition out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from failover.evidence import Tally, with_pending
from failover.model import Evidence, Observation, Signal, State, Transition

LATE = 900.0
"""Seconds: what others tell of the platform, alone with it for so long, has lost some of its credit."""

LATE_FACTOR = 3
"""Then agreement must last so many times longer: one error elsewhere, held good to its next look, is not enough."""

DISPUTED = 900.0
"""Seconds for which classes must agree while our own looks at the platform are answered as they should be."""

_OWN = (Evidence.HERE, Evidence.SPOKEN)

SILENCE_FACTOR = 2
"""A class that voted and then fell silent (neither down nor up) blocks recovery for this many times `recover_for`."""


class Condition(str, Enum):
    """What the evidence amounts to, before the present state is considered."""

    BLIND = "nothing fresh is known"
    WAITING = "a vote from here waits until our own line has been checked, or a verdict for a fresh look"
    CALM = "no vote, and something works"
    DOUBT = "a vote or a degradation, but not enough for a verdict"
    CONFIRMED = "enough independent classes, long enough"
    RECOVERED = "calm for long enough"


TABLE: Mapping[State, Mapping[Condition, State]] = {
    State.UNKNOWN: {
        Condition.CALM: State.UP,
        Condition.RECOVERED: State.UP,
        Condition.DOUBT: State.SUSPECT,
        Condition.CONFIRMED: State.DOWN,
    },
    State.UP: {
        Condition.BLIND: State.UNKNOWN,
        Condition.DOUBT: State.SUSPECT,
        Condition.CONFIRMED: State.DOWN,
    },
    State.SUSPECT: {
        Condition.BLIND: State.UNKNOWN,
        Condition.CALM: State.UP,
        Condition.RECOVERED: State.UP,
        Condition.CONFIRMED: State.DOWN,
    },
    State.DOWN: {
        Condition.CALM: State.RECOVERING,
        Condition.RECOVERED: State.UP,
    },
    State.RECOVERING: {
        Condition.RECOVERED: State.UP,
        Condition.DOUBT: State.DOWN,
        Condition.CONFIRMED: State.DOWN,
    },
}
"""State x condition -> next state; a missing entry means "stay".

DOWN is never left because nothing is known, and WAITING moves nothing at all.
"""


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
    hearsay_since: float | None = None
    """Since when classes say "down" without a break, of which the first was not the platform's own answer to us."""


def judge(
    standing: Standing,
    seen: Tally,
    now: float,
    rules: Rules,
    *,
    offline: str = "",
    declared: Declaration | None = None,
) -> tuple[Standing, Transition | None]:
    """The next standing, and the transition if the state changed.

    While `offline` gives a reason, states freeze and every timer starts anew afterwards; only a person's word counts.
    """
    if offline and declared is None:
        return replace(_untimed(standing), upheld=False), None
    timed = _timed(standing, seen, now, rules, declared)
    condition = _declared_condition(declared) or _condition(timed, seen, now, rules)
    state = TABLE[standing.state].get(condition, standing.state)
    if state is standing.state:
        upheld = timed.upheld or _borne_out(timed, seen, rules, declared)
        return (timed if upheld is timed.upheld else replace(timed, upheld=upheld)), None
    reason = explain(condition, seen, declared, now, timed)
    evidence = tuple(vote for votes in seen.votes.values() for vote in votes) + seen.doubts + seen.works
    moved = replace(
        _entered(timed, state, now, reason, seen, declared), upheld=_says_for_itself(timed, state, condition)
    )
    return moved, Transition(
        platform=standing.platform, at=now, was=standing.state, now=state, reason=reason, evidence=evidence
    )


def _untimed(standing: Standing) -> Standing:
    return replace(standing, quorum_since=None, undisputed_since=None, calm_since=None, hearsay_since=None)


def _timed(standing: Standing, seen: Tally, now: float, rules: Rules, declared: Declaration | None) -> Standing:
    """The standing with its timers; most looks change none of them."""
    counted = seen if standing.quorum_since is None else with_pending(seen)
    agreed = _has_quorum(counted, rules)
    timers = (
        _since(standing.quorum_since, now, holds=agreed),
        _since(standing.undisputed_since, now, holds=agreed and not is_disputed(counted, rules)),
        _since(standing.calm_since, now, holds=_is_calm(standing, seen, now, rules)),
        _since(standing.hearsay_since, now, holds=_is_hearsay(standing, seen)),
    )
    voted, voters = _voted(standing, seen, now, declared), _voters(standing, seen)
    before = (standing.quorum_since, standing.undisputed_since, standing.calm_since, standing.hearsay_since)
    if before == timers and (standing.voted, standing.voters) == (voted, voters):
        return standing
    quorum, undisputed, calm, hearsay = timers
    return replace(
        standing,
        quorum_since=quorum,
        undisputed_since=undisputed,
        calm_since=calm,
        hearsay_since=hearsay,
        voted=voted,
        voters=voters,
    )


def is_disputed(seen: Tally, rules: Rules) -> bool:
    """Do our own looks give the lie to the classes that agree?  (Ties count: one page fails, another is shown.)

    A page that is shown vetoes nothing (rule R5), but then a part of the platform fails at most, or one of our looks
    errs, and it costs nobody anything to wait for a while (`DISPUTED`).  Where our own account or a post of ours is
    answered with an error, a page shown to strangers disputes neither it nor the crowd and the status page beside it:
    in March 2019 and March 2024 every page was shown and nobody could post, or log in.
    """
    failing, working = looks_of_ours(seen, rules)
    pages = [one for one in failing if one.probe in rules.pages]
    if not working or len(working) < len(pages):
        return False
    told = Evidence.CROWD in seen.votes or Evidence.OFFICIAL in seen.votes
    return not (told and len(failing) > len(pages))


def looks_of_ours(seen: Tally, rules: Rules) -> tuple[Sequence[Observation], Sequence[Observation]]:
    """What was seen from this machine: what fails, and what is answered as it should be (not merely its name)."""
    failing = [one for evidence in _OWN for one in seen.votes.get(evidence, ())]
    failing += [one for one in seen.pending if one not in failing]
    working = [one for one in seen.works if one.sighting.evidence in _OWN and one.probe not in rules.lookups]
    return failing, working


def _is_hearsay(standing: Standing, seen: Tally) -> bool:
    if not seen.votes and not seen.pending:
        return False
    return standing.hearsay_since is not None or Evidence.SPOKEN not in seen.votes


def needed(standing: Standing, rules: Rules) -> float:
    """Seconds for which classes must agree: longer where one of them has long been alone with it.

    A page that is red by mistake, or a crowd that blames everybody, would otherwise need only one small error
    anywhere else.  Not so where the platform itself has refused us all the while (in March 2019 only posting failed).
    """
    agreed, alone = standing.quorum_since, standing.hearsay_since
    late = agreed is not None and alone is not None and agreed - alone >= LATE
    return rules.confirm_for * (LATE_FACTOR if late else 1)


def due(standing: Standing, rules: Rules) -> float | None:
    """When the classes that agree will have agreed for long enough (seconds since the epoch); None: they do not."""
    if standing.quorum_since is None:
        return None
    lasts = needed(standing, rules)
    disputed = standing.quorum_since + max(DISPUTED, lasts)
    return disputed if standing.undisputed_since is None else min(disputed, standing.undisputed_since + lasts)


def come_true(word: Declaration, standing: Standing, now: float, rules: Rules) -> bool:
    """Do the sources say by themselves what a person said, for as long as they would have needed to say it first?"""
    if word.signal is Signal.DOWN:
        end = due(standing, rules)
    else:
        end = None if standing.calm_since is None else standing.calm_since + rules.recover_for
    return end is not None and now >= end


def shifted(standing: Standing, seconds: float) -> Standing:
    """The same standing after the wall clock was set by `seconds`: what has lasted has still lasted so long."""
    return replace(
        standing,
        since=standing.since + seconds,
        quorum_since=_moved(standing.quorum_since, seconds),
        undisputed_since=_moved(standing.undisputed_since, seconds),
        calm_since=_moved(standing.calm_since, seconds),
        hearsay_since=_moved(standing.hearsay_since, seconds),
        voted={evidence: at + seconds for evidence, at in standing.voted.items()},
    )


def _moved(since: float | None, seconds: float) -> float | None:
    return None if since is None else since + seconds


def _since(before: float | None, now: float, *, holds: bool) -> float | None:
    if not holds:
        return None
    return now if before is None else before


def _says_for_itself(timed: Standing, state: State, condition: Condition) -> bool:
    """Was the new state entered on evidence that may be told?  A relapse on one vote was not (rule R1)."""
    if state is State.UNKNOWN:
        return timed.upheld
    return state is State.UP or (state is State.DOWN and condition is Condition.CONFIRMED)


def _borne_out(timed: Standing, seen: Tally, rules: Rules, declared: Declaration | None) -> bool:
    """Does the evidence of this moment, or a person, carry the present state all by itself?"""
    if declared is not None:
        return True
    if timed.state is State.DOWN:
        return _has_quorum(seen, rules)
    return timed.state is State.UP and timed.calm_since is not None


def _has_quorum(seen: Tally, rules: Rules) -> bool:
    return seen.independent >= rules.classes and seen.repeated


def _is_calm(standing: Standing, seen: Tally, now: float, rules: Rules) -> bool:
    """Nothing votes, something works, and (after a DOWN) every class that voted has really stopped."""
    if seen.votes or seen.pending or not seen.works:
        return False
    if standing.state not in (State.DOWN, State.RECOVERING):
        return not seen.doubts
    if seen.muted:  # trouble that is no news is no end of it either
        return False
    if any(doubt.sighting.evidence in standing.voted for doubt in seen.doubts):
        return False
    return _account_works(seen, rules) and all(
        has_stopped(evidence, standing, seen, now, rules) for evidence in standing.voted
    )


def _account_works(seen: Tally, rules: Rules) -> bool:
    """Where our own account is watched and is not in trouble of its own, it must work (rule R6)."""
    watched = rules.accounts - {observation.probe for observation in seen.account}
    working = {observation.probe for observation in seen.works}
    return not watched or bool(watched & working)


def has_stopped(evidence: Evidence, standing: Standing, seen: Tally, now: float, rules: Rules) -> bool:
    """A class has stopped when it says "works", or when all who voted in it do; after a long silence in any case.

    A page that failed with an error of the platform's own (`spoken`) and is right again says so as `here`.
    """
    if evidence is Evidence.OPERATOR or any(work.sighting.evidence is evidence for work in seen.works):
        return True
    voters, working = standing.voters.get(evidence), {work.probe for work in seen.works}
    if voters and voters <= working:
        return True
    return now - standing.voted[evidence] >= SILENCE_FACTOR * rules.recover_for


def _voters(standing: Standing, seen: Tally) -> Mapping[Evidence, frozenset[str]]:
    if standing.state not in (State.DOWN, State.RECOVERING):
        return {}
    renewed = {
        evidence: standing.voters.get(evidence, frozenset()) | {vote.probe for vote in votes}
        for evidence, votes in seen.votes.items()
        if evidence in standing.voters or evidence not in standing.voted
    }
    return {**standing.voters, **renewed}


def _voted(standing: Standing, seen: Tally, now: float, declared: Declaration | None) -> Mapping[Evidence, float]:
    if standing.state not in (State.DOWN, State.RECOVERING):
        return {}
    renewed = dict.fromkeys(seen.votes, now)
    if declared is not None and declared.signal is Signal.DOWN:
        renewed[Evidence.OPERATOR] = now
    return {**standing.voted, **renewed}


def _entered(
    timed: Standing, state: State, now: float, reason: str, seen: Tally, declared: Declaration | None
) -> Standing:
    moved = replace(timed, state=state, since=now, reason=reason)
    if state is State.DOWN:
        return replace(moved, calm_since=None, voted=_voted(moved, seen, now, declared), voters=_voters(moved, seen))
    if state is State.RECOVERING:
        return moved
    return replace(moved, voted={}, voters={})


def _declared_condition(declared: Declaration | None) -> Condition | None:
    if declared is None:
        return None
    return Condition.CONFIRMED if declared.signal is Signal.DOWN else Condition.RECOVERED


def _condition(timed: Standing, seen: Tally, now: float, rules: Rules) -> Condition:
    end = due(timed, rules)
    if end is not None and now >= end:
        votes = [vote for votes in seen.votes.values() for vote in votes]
        agreed = _has_quorum(seen, rules) and _looked_lately(votes, now, rules)
        return Condition.CONFIRMED if agreed else Condition.WAITING
    if timed.calm_since is not None:
        settled = now - timed.calm_since >= rules.recover_for and _looked_lately(seen.works, now, rules)
        return Condition.RECOVERED if settled else Condition.CALM
    if seen.votes:
        return Condition.DOUBT
    if seen.pending:
        return Condition.WAITING
    if any(
        timed.state not in (State.DOWN, State.RECOVERING) or doubt.sighting.evidence in timed.voted
        for doubt in seen.doubts
    ):
        return Condition.DOUBT
    return Condition.BLIND


def _looked_lately(observations: Iterable[Observation], now: float, rules: Rules) -> bool:
    """Time in which nobody looked (the machine was asleep) is not time in which it lasted."""
    return any(now - seen.at <= rules.confirm_for for seen in observations)


def explain(condition: Condition, seen: Tally, declared: Declaration | None, now: float, timed: Standing) -> str:
    """One sentence for a person: why the state is what it has just become."""
    if declared is not None:
        because = f": {declared.because}" if declared.because else ""
        return f"{declared.by} declared it {declared.signal.value}{because}"
    if condition is Condition.CONFIRMED:
        length = _length(now - (timed.quorum_since or now))
        return f"{_classes(seen)} agree for {length}: {_reasons(seen)}"
    if condition is Condition.DOUBT and seen.votes:
        return f"only {_classes(seen)} so far: {_reasons(seen)}"
    if condition is Condition.DOUBT:
        return "degraded: " + "; ".join(_quote(doubt) for doubt in seen.doubts)
    if condition is Condition.BLIND:
        return "no source can tell at the moment"
    works = "; ".join(_quote(work) for work in seen.works[:3])
    if condition is Condition.RECOVERED and timed.calm_since is not None and now > timed.calm_since:
        return f"well for {_length(now - timed.calm_since)}: {works}"
    return works


def _classes(seen: Tally) -> str:
    *first, last = sorted(evidence.value for evidence in seen.votes)
    return f"{', '.join(first)} and {last}" if first else last


def _reasons(seen: Tally) -> str:
    return "; ".join(_quote(vote) for evidence in sorted(seen.votes) for vote in seen.votes[evidence])


def _quote(seen: Observation) -> str:
    return f"{seen.probe} says {seen.sighting.reason}"


def _length(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if rest else ""]
    return "".join(parts) or "0s"
