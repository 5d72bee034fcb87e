"""A platform as it is watched: its thresholds and windows, its incidents, and how far what is believed may be told.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from failover.budget import is_used_up
from failover.evidence import Line, Tally, with_pending
from failover.hours import Hours
from failover.incidents import Calm, Incident, recovery_time
from failover.model import Evidence, Observation, State
from failover.verdict import Rules, Standing, due

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


def counted(seen: Observation, before: Observation | None) -> Observation:
    """With how many looks running have said so: since the one before was of another signal, or had gone stale."""
    same = before is not None and before.sighting.signal is seen.sighting.signal and seen.at <= before.good_until
    return replace(seen, looks=before.looks + 1 if same and before is not None else 1)


def spikes(seen: Seen, watches: Mapping[str, Watch], now: float) -> int:
    """How many unrelated groups the crowd reports at once (rule R7)."""
    groups = {
        watches[platform].group
        for platform, latest in seen.items()
        for one in latest.values()
        if one.sighting.evidence is Evidence.CROWD and one.votes_down and now <= one.good_until
    }
    return len(groups)


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
    if standing.state is State.DOWN:
        return standing.upheld and with_pending(seen).independent >= rules.classes
    return standing.upheld and not seen.votes


def locked_out(seen: Tally, rules: Rules) -> Sequence[str]:
    """R2: the accounts of ours that are refused at once while something else speaks against the platform."""
    refused = [one.probe for one in seen.account if one.probe in rules.accounts and not is_used_up(one.sighting)]
    return refused if len(refused) > 1 and seen.votes else ()
