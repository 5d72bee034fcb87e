"""The variants and plain rules of the judgement bench: pure, repeatable, and true to what they say of themselves."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from bench.judgement import Score, Truth, kept, score, truth
from bench.plain import Alert, alerts
from bench.variants import agreed, delayed, erring, joined, lost, painted, sources, spelled_out, varied
from failover import registry
from failover.model import Evidence
from failover.replay.run import perform
from failover.replay.scenario import Phase, Scenario
from tests.replay._house import scenario, town

OUTAGE = """\
evidence:
  - {from: here, shows: [{at: +0, says: down, class: here}, {at: +60m, says: up}]}
  - {from: dns, shows: [{at: +5m, says: down}, {at: +60m, says: up}]}
"""
EXPECT = "[{holding: {from: +2m, to: +10m}, welcome_back: {from: +70m}}]"


def spelled() -> Scenario:
    return spelled_out(scenario(OUTAGE, expect=EXPECT), town()[0], registry)


def phases(*told: tuple[float, str]) -> tuple[Phase, ...]:
    return tuple(Phase(at=at, says=says, class_="here") for at, says in told)  # type: ignore[arg-type]


def short(shows: tuple[Phase, ...]) -> list[tuple[float, str]]:
    return [(phase.at, phase.says) for phase in shows]


def test_spelled_out_every_probe_has_a_track() -> None:
    """The same answers, by name: what was told of a class is told of each of its probes."""
    told = {track.from_[0]: short(track.shows) for track in spelled().evidence}
    assert told["web"] == told["web-2"] == [(-1800, "up"), (0, "down"), (3600, "up")]
    assert told["dns"] == [(-1800, "up"), (300, "down"), (3600, "up")]
    assert told["account"] == [(-1800, "up"), (0, "down"), (3600, "up")]


def test_spelling_out_changes_no_verdict() -> None:
    """The engine says the same things at the same times."""
    first = perform(scenario(OUTAGE, expect=EXPECT), town()[0], registry)
    second = perform(spelled(), town()[0], registry)
    assert [post.statement for post in first.posts] == [post.statement for post in second.posts]
    assert [post.at for post in first.posts] == pytest.approx([post.at for post in second.posts], abs=60)


def test_delays_keep_the_order() -> None:
    """Every change is later, by its class; none overtakes another."""
    lags = {"here": 600.0}
    later = delayed(phases((-1800, "up"), (0, "down"), (60, "up"), (90, "down")), lags, random.Random(1))
    times = [phase.at for phase in later]
    assert times == sorted(times)
    assert times[0] == -1800
    assert 300 <= times[1] <= 900
    assert [phase.says for phase in later] == ["up", "down", "up", "down"]


def test_painting_over() -> None:
    """What was told goes on afterwards as if nothing had been."""
    shows = phases((-1800, "up"), (0, "down"), (600, "up"))
    error = Phase(at=300, until=900, says="unknown", class_="here")
    assert short(painted(shows, error)) == [(-1800, "up"), (0, "down"), (300, "unknown"), (900, "up")]
    early = Phase(at=-600, until=-500, says="down", class_="here")
    assert short(painted(shows, early)) == [(-1800, "up"), (-600, "down"), (-500, "up"), (0, "down"), (600, "up")]
    before = Phase(at=-2400, until=-2300, says="down", class_="here")
    assert short(painted(shows, before))[:3] == [(-2400, "down"), (-2300, "up"), (-1800, "up")]


def test_losses_and_errors_come_as_often_as_they_say() -> None:
    """One source in twenty is silent all the time; a source errs about once a day."""
    calm = phases((-1800, "up"))
    silent = sum(
        short(lost(calm, Evidence.HERE, -1800, 86400, random.Random(seed))) == [(-1800, "unknown")]
        for seed in range(400)
    )
    assert 8 <= silent <= 36
    errors = [erring(calm, Evidence.HERE, 0, 10 * 86400, random.Random(seed)) for seed in range(30)]
    assert 7 <= sum(len(shows) // 2 for shows in errors) / 30 <= 13


def test_a_variant_can_be_had_again() -> None:
    """The number and the seed are all that it depends on; another one is another variant."""
    found = sources(scenario(OUTAGE), town()[0], registry)
    one, same, other = (varied(spelled(), found, random.Random(seed)) for seed in ("1/7", "1/7", "1/8"))
    assert one == same != other
    assert one.platforms == spelled().platforms
    assert one.ends == spelled().ends


def test_when_two_classes_agree() -> None:
    assert joined(agreed(spelled())) == [(300.0, 3600.0)]
    assert joined([(0, 1), (5, 9), (2, 3)], gap=1) == [(0, 3), (5, 9)]


def test_the_truth_of_a_variant() -> None:
    """Episodes by the record, the second class by the variant, the window by the file."""
    written = scenario(OUTAGE, expect=EXPECT)
    assert truth(written, spelled(), spelled()) == Truth(((0.0, 3600.0),), 300.0, (120.0, 600.0))
    calm = scenario("evidence: []\n", over="lasts: 2h")
    assert truth(calm, calm, calm) == Truth((), None, None)


KNOWN = Truth(((0.0, 3600.0),), 300.0, (120.0, 600.0))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], Score(missed=True, in_window=False)),
        ([(400, True), (3700, False)], Score(delay=400, after_second=100, in_window=True, pairs=1)),
        ([(700, True)], Score(delay=700, after_second=400, in_window=False, pairs=1)),
        ([(-900, True), (-800, False)], Score(false_alarms=1, missed=True, in_window=False, pairs=1)),
        (
            [(400, True), (900, False), (1200, True)],
            Score(delay=400, after_second=100, in_window=True, false_recoveries=1, pairs=2),
        ),
        ([(9000, True)], Score(false_alarms=1, missed=True, in_window=False, pairs=1)),
    ],
    ids=["missed", "right", "late", "before", "back too early", "long after"],
)
def test_scores(said: list[tuple[float, bool]], expected: Score) -> None:
    assert score([Alert(at, "g", down) for at, down in said], KNOWN) == expected


def test_in_a_calm_every_alarm_is_false() -> None:
    assert score([Alert(5, "g", True), Alert(6, "g", False)], Truth((), None, None)) == Score(false_alarms=1, pairs=1)


FAILS_TWICE = (
    "evidence:\n  - {from: web, shows: [{at: +0, until: +2m, says: down}, {at: +20m, until: +40m, says: down}]}\n"
)


@pytest.mark.parametrize(
    ("rule", "body", "falls"),
    [
        ("kuma", FAILS_TWICE, 2),
        ("gatus", FAILS_TWICE, 1),
        ("official", FAILS_TWICE, 0),
        ("kuma", "evidence:\n  - {from: account, shows: [{at: +0, says: account}]}\n", 1),
        ("gatus", "evidence:\n  - {from: account, shows: [{at: +0, says: account}]}\n", 1),
        ("gatus", "line: [{at: +0, until: +10m}]\n", 1),
        ("gatus", "evidence: []\n", 0),
    ],
)
def test_the_plain_rules(rule: str, body: str, falls: int) -> None:
    """Three failures in a row, or one; an expired token and a dead line are outages to them; a page is not asked."""
    told = scenario(body, over="lasts: 3h")
    said = alerts(rule, told, town()[0], sources(told, town()[0], registry), 1)
    assert sum(one.down for one in said) == falls
    assert all(one.down is not other.down for one, other in pairwise(said))


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    """A run that was broken off goes on where it was."""
    line = (
        '{"number": 3, "scenario": "calm", "hours": 24.5, "real": false, "usable": false, '
        '"scores": {"ours": {"false_alarms": 1}}}\n'
    )
    (tmp_path / "kept.jsonl").write_text(line)
    assert kept(tmp_path / "kept.jsonl")[3].scores["ours"] == Score(false_alarms=1)
    assert kept(None) == kept(tmp_path / "none") == {}
