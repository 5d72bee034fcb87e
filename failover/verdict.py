"""Is the platform down?  A pure function of what was seen and of `now`; the machine is one table.

Rules (R1-R8): DOWN needs votes of two independent classes of evidence, without a break for `confirm_for`; a person's
word alone is enough.  Unknown, stale, account and network trouble never vote.  While our own line is dead nothing is
decided at all.  Recovery is slower than alarm: every class that voted must have stopped, for `recover_for`.

This module knows no clock, no storage and no probe: observations in, a standing and perhaps a transition out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from failover.credit import counting, due, first_of, is_disputed, is_weak
from failover.evidence import Tally, with_pending
from failover.model import Evidence, Observation, Signal, State, Transition
from failover.standing import Declaration, Rules, Standing

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
    return replace(standing, quorum_since=None, undisputed_since=None, calm_since=None)


def _timed(standing: Standing, seen: Tally, now: float, rules: Rules, declared: Declaration | None) -> Standing:
    """The standing with its timers; most looks change none of them."""
    counted = counting(standing, seen if standing.quorum_since is None else with_pending(seen), now)
    agreed = _has_quorum(counted, rules)
    quorum = _since(standing.quorum_since, now, holds=agreed)
    voting = {*seen.votes, *(one.sighting.evidence for one in seen.pending)}
    first = first_of(standing, voting, now)
    first_since = _since(standing.first_since if first is standing.first else None, now, holds=first is not None)
    weak = is_weak(first, (quorum or now) - (first_since or now), counted)
    undisputed = agreed and not is_disputed(counted, rules, weak=weak)
    timers: dict[str, Any] = {
        "quorum_since": quorum,
        "undisputed_since": _since(standing.undisputed_since, now, holds=undisputed),
        "calm_since": _since(standing.calm_since, now, holds=_is_calm(standing, seen, now, rules)),
        "first": first,
        "first_since": first_since,
        "first_at": now if first in voting else standing.first_at if first is not None else None,
        "weak": weak,
        "voted": _voted(standing, seen, now, declared),
        "voters": _voters(standing, seen),
    }
    if all(getattr(standing, name) == value for name, value in timers.items()):
        return standing
    return replace(standing, **timers)


def come_true(word: Declaration, standing: Standing, now: float, rules: Rules) -> bool:
    """Do the sources say by themselves what a person said, for as long as they would have needed to say it first?"""
    if word.signal is Signal.DOWN:
        end = due(standing, rules)
    else:
        end = None if standing.calm_since is None else standing.calm_since + rules.recover_for
    return end is not None and now >= end


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
        agreed = _has_quorum(counting(timed, seen, now), rules) and _looked_lately(votes, now, rules)
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
