"""A platform as it is watched: its thresholds and windows, its incidents, and how far what is believed may be told.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from failover.budget import is_used_up
from failover.credit import due, is_lonely
from failover.evidence import ALONE, Around, Line, Tally, reaches, with_pending
from failover.hours import Hours
from failover.incidents import Calm, Incident, recovery_time
from failover.model import Evidence, Observation, State
from failover.standing import Rules, Standing
from failover.unsteady import lately, steadied

Failing = Mapping[Evidence, frozenset[str]]
"""class of evidence -> the groups of platforms that it speaks against."""

A_MOMENT = 2.0
"""Seconds from when agreement has lasted long enough to when it has been judged: a tick, and the anchors' answer."""

Seen = Mapping[str, Mapping[str, Observation]]
"""platform -> probe -> its latest observation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One platform: its title for people, group, thresholds, maintenance windows (from, until, why), and those that
    come again (hours, why).

    Times in explanations are told in `zone`.
    """

    name: str
    title: str
    group: str
    rules: Rules = field(default_factory=Rules)
    maintenance: tuple[tuple[float, float, str], ...] = ()
    recurring: tuple[tuple[Hours, str], ...] = ()
    zone: tzinfo = UTC

    def quiet(self, now: float) -> str:
        """The maintenance that is going on now; "" if none."""
        going_on = [why for start, end, why in self.maintenance if start <= now < end]
        going_on += [why for hours, why in self.recurring if hours.over_at(now) is not None]
        return next((why or "announced" for why in going_on), "")

    def related(self, recent: Sequence[Incident]) -> list[Incident]:
        """The incidents that matter for it: the one it is down in; else those of its group, as it is named today."""
        down = [one for one in recent if self.name in one.down]
        return down or [one for one in recent if one.group == self.group or self.name in one.platforms]

    def rules_in(self, incidents: Iterable[Incident], calm: Calm) -> Rules:
        """The thresholds that hold while the first open one of these lasts: each of a day is stricter (rule R6)."""
        recover_for = recovery_time(next((one for one in incidents if one.is_open), None), calm)
        return self.rules if self.rules.recover_for == recover_for else replace(self.rules, recover_for=recover_for)


def counted(seen: Observation, before: Observation | None, *, void: bool = False) -> Observation:
    """With how many looks running have said so: since the one before was of another signal, or had gone stale.

    What is seen in a time in which it counts for nothing (`void`) is not remembered either.
    """
    same = before is not None and before.sighting.signal is seen.sighting.signal and seen.at <= before.good_until
    looks = before.looks + 1 if same and before is not None else 1
    return replace(seen, looks=looks, lately=() if void else lately(seen, before))


def forgetful(seen: Seen) -> dict[str, dict[str, Observation]]:
    """After our own line was dead: what was seen last, without what was seen before (rule R3)."""
    return {name: {probe: replace(one, lately=()) for probe, one in latest.items()} for name, latest in seen.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that is seen and believed at this moment, for whoever compares platforms."""

    seen: Seen
    watches: Mapping[str, Watch]
    standings: Mapping[str, Standing]
    line: Line
    now: float
    quiet: Callable[[str], str]
    """Why trouble of a platform is no news now; "" if it is."""

    def votes(self, platform: str) -> Iterator[Observation]:
        """What speaks against it and counts: nothing from before our line came back, and nothing in a quiet time."""
        against = [one for one in self.seen[platform].values() if one.lately or one.votes_down]
        if against and not self.quiet(platform):
            for one in against:
                vote = steadied(one, self.now)
                if vote.votes_down and self.line.since <= vote.at and self.now <= vote.good_until:
                    yield vote

    def is_our_way(self, platform: str) -> bool:
        """Does it fail from here alone, for long?"""
        standing = self.standings.get(platform)
        return standing is not None and is_lonely(standing, self.now)

    def is_known(self, platform: str) -> bool:
        """Is it down by the word of more than those whom a region could fool?  Then it is no sign of another."""
        standing = self.standings.get(platform)
        if standing is None or standing.state not in (State.DOWN, State.RECOVERING):
            return False
        return bool(standing.voted.keys() - {Evidence.HERE, Evidence.CROWD})


def groups_that_fail(view: View) -> Failing:
    """class of evidence -> the groups that it speaks against at this moment, as far as that is news."""
    failing: dict[Evidence, set[str]] = {}
    for platform, watch in view.watches.items():
        if view.seen[platform] and not view.is_known(platform):
            for vote in view.votes(platform):
                if vote.sighting.evidence is not Evidence.HERE or not view.is_our_way(platform):
                    failing.setdefault(vote.sighting.evidence, set()).add(watch.group)
    return {kind: frozenset(groups) for kind, groups in failing.items()}


def around(platform: str, failing: Failing, view: View) -> Around:
    """What else fails while this platform does (rule R7)."""
    if not failing:
        return ALONE
    group, here = view.watches[platform].group, failing.get(Evidence.HERE, frozenset())
    kin = (name for name, watch in view.watches.items() if watch.group == group and name != platform)
    return Around(
        blamed=len(failing.get(Evidence.CROWD, ())),
        unreached=len(here),
        kin_answers=group in here and any(_answers_elsewhere(name, view) for name in kin),
    )


def _answers_elsewhere(platform: str, view: View) -> bool:
    """It fails from here since lately, and other vantage points reach it."""
    if view.is_our_way(platform) or all(one.sighting.evidence is not Evidence.HERE for one in view.votes(platform)):
        return False
    fresh = (one for one in view.seen[platform].values() if view.now <= one.good_until)
    return any(reaches(one, view.watches[platform].rules.lookups) for one in fresh)


def in_doubt(line: Line, seen: Seen) -> bool:
    """A vote made from here waits until the anchors have been asked again."""
    return any(
        one.sighting.evidence is Evidence.HERE and one.votes_down and line.good_at < one.at
        for latest in seen.values()
        for one in latest.values()
    )


def gathering(suspects: Iterable[tuple[Standing, Rules]], now: float, most: float) -> float:
    """Seconds worth waiting for those that fall within the next `most`: what belongs together is told once.

    When that will be is known where classes agree; a suspicion of another sort cannot become a verdict so soon.
    """
    ends = (due(standing, rules) for standing, rules in suspects)
    soon = [max(end - now, 0.0) for end in ends if end is not None and end - now <= most]
    return max(soon) + A_MOMENT if soon else 0.0


def is_borne_out(standing: Standing, seen: Tally, rules: Rules, *, declared: bool) -> bool:
    """Borne out in this run, and at this moment a person still says so, or as many classes as it takes (R1)."""
    if declared:
        return standing.upheld
    if standing.state is State.DOWN:  # whether other platforms fail as well was weighed when it went down
        return standing.upheld and len(with_pending(seen).votes) >= rules.classes
    return standing.upheld and not seen.votes


def locked_out(seen: Tally, rules: Rules) -> Sequence[str]:
    """R2: the accounts of ours that are refused at once while something else speaks against the platform."""
    refused = [one.probe for one in seen.account if one.probe in rules.accounts and not is_used_up(one.sighting)]
    return refused if len(refused) > 1 and seen.votes else ()
