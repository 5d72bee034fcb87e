"""For how long must classes of evidence agree before they are believed?  Pure.

Two independent classes are enough (rule R1), but some pairs have been wrong together: this is what they must outlast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from failover.evidence import Tally
from failover.model import Evidence, Observation, State
from failover.standing import Rules, Standing
from failover.unsteady import is_unsteady

PATIENCE: Mapping[Evidence, float] = {
    Evidence.HERE: 900.0,
    Evidence.SPOKEN: 900.0,
    Evidence.ELSEWHERE: 300.0,
    Evidence.OFFICIAL: 300.0,
    Evidence.CROWD: 300.0,
}
"""Seconds for which a class may be alone with it before it loses credit: in five minutes every source was asked.

What the platform itself answers us loses none as long as it answers nothing else (in March 2019 only posting failed,
and the crowd came late).
"""

UNSEEN = 480.0
"""Seconds instead where the crowd has nothing to complain about (it takes some minutes, and is asked each five)."""

WEAK_FACTOR = 3
"""Then agreement must last so many times longer: one error elsewhere, held good to its next look, is not enough."""

LONELY = 3600.0
"""Seconds for which a platform may fail from here alone: then it is our own way there, and no class of evidence."""

DISPUTED = 900.0
"""Seconds for which classes must agree while our own looks at the platform are answered as they should be."""

_OWN = (Evidence.HERE, Evidence.SPOKEN)


def first_of(before: Evidence | None, seen: Tally) -> Evidence | None:
    """The class that has said "down" for longest; None: nobody does, or the platform itself refuses every look.

    Of several that begin at once, the one that may be alone with it for longest.
    """
    voting = {*seen.votes, *(one.sighting.evidence for one in seen.pending)}
    if before in voting:
        return before
    if not voting or any(not is_unsteady(one) for one in seen.votes.get(Evidence.SPOKEN, ())):
        return None
    return max(sorted(voting), key=lambda kind: PATIENCE.get(kind, 0.0))


def is_lonely(standing: Standing, now: float) -> bool:
    """Has it failed from here for so long, with nobody else to say so, that the trouble must be our own?"""
    if standing.state in (State.DOWN, State.RECOVERING) or standing.quorum_since is not None:
        return False
    return standing.alone is Evidence.HERE and now - (standing.alone_since or now) >= LONELY


def is_torn(standing: Standing, seen: Tally, now: float) -> bool:
    """Do what fails from here and the crowd agree for long, and count as one: is it the platform, or our region?"""
    both = Evidence.HERE in seen.votes and Evidence.CROWD in seen.votes
    since = standing.alone_since
    return both and standing.state is State.SUSPECT and seen.independent == 1 and now - (since or now) >= UNSEEN


def classes_needed(standing: Standing, seen: Tally, rules: Rules, now: float) -> int:
    """How many independent classes must vote; a lonely one is none of them."""
    return rules.classes + (Evidence.HERE in seen.votes and is_lonely(standing, now))


def is_weak(first: Evidence | None, alone_for: float, seen: Tally) -> bool:
    """Has what is said against it lost some of its credit?

    A page that is red by mistake, or a crowd that blames everybody, would otherwise need only one small error
    anywhere else: so where one class has been `first`, and alone, for long.
    """
    if first is not None:
        calm = any(work.sighting.evidence is Evidence.CROWD for work in seen.works)
        patience = PATIENCE.get(first, 0.0)
        if alone_for >= (min(UNSEEN, patience) if calm else patience):
            return True
    return set(seen.votes) == {Evidence.HERE, Evidence.CROWD} and seen.around.is_doubtful


def is_disputed(seen: Tally, rules: Rules, *, weak: bool) -> bool:
    """Do our own looks give the lie to the classes that agree?  (Ties count: one page fails, another is shown.)

    A page that is shown vetoes nothing (rule R5), but then a part of the platform fails at most, or one of our looks
    errs, and it costs nobody anything to wait for a while (`DISPUTED`).  More classes than are needed are disputed by
    nothing; what nobody but we ourselves have seen, by any answer.
    """
    failing, working = looks_of_ours(seen, rules)
    if not working or seen.independent > rules.classes:
        return False
    if seen.votes.keys() <= set(_OWN):
        return True
    pages = sum(one.probe in rules.pages for one in failing)
    refused = len(failing) > pages or len(seen.votes.get(Evidence.SPOKEN, ())) >= len(working)
    return len(working) >= pages and (weak or not (refused and _is_told(seen)))


def _is_told(seen: Tally) -> bool:
    """Does the crowd or a status page tell of it?

    Beside these, an error with which the platform answers our account, a post of ours or half of our looks is
    disputed by no page shown to strangers, unless what they told had lost its credit before: in March 2019 and March
    2024 every page was shown and nobody could post, or log in.
    """
    return Evidence.CROWD in seen.votes or Evidence.OFFICIAL in seen.votes


def looks_of_ours(seen: Tally, rules: Rules) -> tuple[Sequence[Observation], Sequence[Observation]]:
    """What was seen from this machine: what fails, and what is answered as it should be (not merely its name)."""
    failing = [one for evidence in _OWN for one in seen.votes.get(evidence, ())]
    failing += [one for one in seen.pending if one not in failing]
    working = [one for one in seen.works if one.sighting.evidence in _OWN and one.probe not in rules.lookups]
    return failing, working


def needed(standing: Standing, rules: Rules) -> float:
    """Seconds for which classes must agree, disputes apart."""
    return rules.confirm_for * (WEAK_FACTOR if standing.weak else 1)


def due(standing: Standing, rules: Rules) -> float | None:
    """When the classes that agree will have agreed for long enough (seconds since the epoch); None: they do not."""
    if standing.quorum_since is None:
        return None
    lasts = needed(standing, rules)
    disputed = standing.quorum_since + max(DISPUTED, lasts)
    return disputed if standing.undisputed_since is None else min(disputed, standing.undisputed_since + lasts)
