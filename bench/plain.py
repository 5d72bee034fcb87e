"""Three plain rules on the same evidence, to judge ours by.  Pure but for the stage that answers.

gatus      Gatus' defaults: an endpoint is down after three failures in a row and well after two successes.
kuma       Uptime Kuma's default (no retries): an endpoint is down after one failure, well after one success.
official   The platform's own page alone: in trouble while it shows anything but green; no answer changes nothing.

The endpoints of the first two are what an organisation would enter there: the platform's pages and our own account
(probes of the kinds `web` and `account`).  A failure is any answer but a good one: such a tool does not tell an
expired token, a foreign page or a dead line from an outage.  A group of platforms is down while one of its endpoints
is.  All are looked at as often as our probes are in calm times.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.variants import Source
from failover.config.settings import Settings
from failover.model import Evidence, Sighting, Signal
from failover.replay.scenario import Scenario
from failover.replay.stage import Stage

RULES = {"gatus": (3, 2), "kuma": (1, 1), "official": (1, 1)}
"""Rule -> failures in a row until it alarms, successes in a row until it says that all is well."""

SAME = 3
"""After so many equal answers in a row none of these rules learns anything from another one."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule says that a group of platforms is down, or is back; `at` in seconds from the onset."""

    at: float
    group: str
    down: bool


def alerts(rule: str, scenario: Scenario, settings: Settings, found: Iterable[Source], seed: int) -> list[Alert]:
    """Everything that the rule says, in order of time."""
    failures, successes = RULES[rule]
    watching = [source for source in found if _concerns(rule, source)]
    turns = sorted(
        (at, settings.platforms[source.settings.platform].group, index, down)
        for index, source in enumerate(watching)
        for at, down in _endpoint(answers(scenario, settings, source, seed + index), rule, failures, successes)
    )
    return list(_grouped(turns))


def _concerns(rule: str, source: Source) -> bool:
    if rule == "official":
        return source.evidence is Evidence.OFFICIAL
    return source.settings.kind in ("web", "account")


def answers(scenario: Scenario, settings: Settings, source: Source, seed: int) -> Iterator[tuple[float, Sighting]]:
    """(seconds from the onset, answer) at the steady pace, but for what is certain to be said again."""
    chance = random.Random(seed)
    every, probe = source.settings.every, source.settings
    now = scenario.begins + chance.uniform(0, every)
    stage = Stage(scenario, settings, lambda: scenario.onset + now, seed)
    same, latest = 0, None
    while now <= scenario.ends:
        sighting = stage.answer(probe, source.evidence)
        yield now, sighting
        same, latest = (same + 1 if sighting == latest else 1), sighting
        steps = 1
        if same >= SAME:
            quiet = min(stage.quiet_for(probe.platform, probe.name, source.evidence), scenario.ends - now + every)
            steps = max(1, int(quiet // every))
        now += steps * every


def _endpoint(
    seen: Iterable[tuple[float, Sighting]], rule: str, failures: int, successes: int
) -> Iterator[tuple[float, bool]]:
    """(when, is it down now?) each time that an endpoint turns."""
    down, against = False, 0
    for at, sighting in seen:
        if rule == "official" and sighting.signal is Signal.UNKNOWN:
            continue
        against = against + 1 if (sighting.signal is not Signal.UP) is not down else 0
        if against >= (successes if down else failures):
            down, against = not down, 0
            yield at, down


def _grouped(turns: Sequence[tuple[float, str, int, bool]]) -> Iterator[Alert]:
    """A group is down while one of its endpoints is."""
    down: dict[str, set[int]] = {}
    for at, group, index, failing in turns:
        ones = down.setdefault(group, set())
        before = bool(ones)
        (ones.add if failing else ones.discard)(index)
        if bool(ones) is not before:
            yield Alert(at, group, bool(ones))
