"""For how long must classes of evidence agree before they are believed?  Pure.

Two independent classes are enough (rule R1), but some pairs have been wrong together: this is what they must outlast.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

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
"""Seconds for which a class may complain alone before it loses credit: in five minutes every source was asked.

What the platform itself answers us loses none as long as it answers nothing else (in March 2019 only posting failed,
and the crowd came late).
"""

UNSEEN = 480.0
"""Seconds instead where the crowd has nothing to complain about (it takes some minutes, and is asked each five)."""

RESTORED = 300.0
"""Seconds without a complaint after which a class has not been the first any more; what fails from here by turns does
so for hours, and is remembered as long as it may be alone (`PATIENCE`)."""

WEAK_FACTOR = 3
"""Then agreement must last so many times longer: one error elsewhere, held good to its next look, is not enough."""

LONELY = 3600.0
"""Seconds for which a platform may fail from here alone: then it is our own way there, and no class of evidence."""

DISPUTED = 900.0
"""Seconds for which classes must agree while our own looks at the platform are answered as they should be."""

_OWN = (Evidence.HERE, Evidence.SPOKEN)


def first_of(standing: Standing, voting: Collection[Evidence], now: float) -> Evidence | None:
    """The class that was the first to say "down"; None: nobody does.

    Who was first stays so for some minutes in which it says nothing: a source that is silent or well for a moment, or
    a dead line, gives no credit back.  Of several that begin at once, the one that is believed for longest.
    """
    first, last = standing.first, standing.first_at
    if first is not None and (first in voting or now - (last or now) < _restored(first)):
        return first
    return max(voting, key=lambda kind: (kind is Evidence.SPOKEN, PATIENCE.get(kind, 0.0), kind), default=None)


def _restored(first: Evidence) -> float:
    return PATIENCE[first] if first in _OWN else RESTORED


def is_lonely(standing: Standing, now: float) -> bool:
    """Was what fails from here the first to fail, and nothing else has made an outage of it for very long?"""
    if standing.state in (State.DOWN, State.RECOVERING) or standing.first is not Evidence.HERE:
        return False
    return now - (standing.first_since or now) >= LONELY


def counting(standing: Standing, seen: Tally, now: float) -> Tally:
    """The votes that count: what is our own way to the platform is no class of evidence."""
    if Evidence.HERE not in seen.votes or not is_lonely(standing, now):
        return seen
    return replace(seen, votes={kind: votes for kind, votes in seen.votes.items() if kind is not Evidence.HERE})


def is_torn(standing: Standing, seen: Tally, now: float) -> bool:
    """Does it fail from here while the crowd complains, both repeatedly, and is that only one class of evidence?"""
    here, crowd = seen.votes.get(Evidence.HERE, ()), seen.votes.get(Evidence.CROWD, ())
    if standing.state is not State.SUSPECT or counting(standing, seen, now).independent != 1:
        return False
    return any(one.looks >= 2 for one in here) and any(one.looks >= 2 for one in crowd)


def was_alone(first: Evidence | None, lasted: float, seen: Tally) -> bool:
    """Was the first class alone for so long that what is said has lost some of its credit?

    A page that is red by mistake, or a crowd that blames everybody, would otherwise need only one small error
    anywhere else.
    """
    if first is None or (first is Evidence.SPOKEN and not any(map(is_unsteady, seen.votes.get(first, ())))):
        return False
    calm = any(work.sighting.evidence is Evidence.CROWD for work in seen.works)
    patience = PATIENCE.get(first, 0.0)
    return lasted >= (min(UNSEEN, patience) if calm else patience)


def is_weak(first: Evidence | None, lasted: float, seen: Tally) -> bool:
    """Has what is said against it lost some of its credit?"""
    pair = set(seen.votes) == {Evidence.HERE, Evidence.CROWD}
    return was_alone(first, lasted, seen) or (pair and seen.around.is_doubtful)


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
