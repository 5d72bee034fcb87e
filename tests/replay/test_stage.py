"""The stage: which track a probe reads, what silence means, how channels fare."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from failover import registry
from failover.config.settings import ProbeSettings
from failover.model import Evidence, Fault, Signal
from failover.replay.stage import Stage, current
from tests.replay._house import played, scenario, town

ALL_WELL = "{at: +0, says: up}"


def probe(name: str) -> ProbeSettings:
    return next(one for one in town()[0].platforms["facebook"].probes if one.name == name)


def asked(body: str, name: str, at: float = 600.0, *, over: str = "over: +60m", seed: int = 1) -> Callable[[], str]:
    """Ask a probe at this moment: `signal class reason`."""
    told = scenario(body, over=over)
    stage = Stage(told, town()[0], lambda: told.onset + at, seed)
    one = probe(name)

    def answer() -> str:
        sighting = stage.answer(one, registry.find_probe(one.kind).evidence)
        return f"{sighting.signal.value} {sighting.evidence.value} {sighting.reason}"

    return answer


THREE = """\
evidence:
  - {from: here, shows: [{at: +0, says: down, because: class}]}
  - {from: web, shows: [{at: +0, says: down, because: kind}]}
  - {from: web-2, shows: [{at: +20m, says: down, because: name}]}
"""


@pytest.mark.parametrize(
    ("name", "minute", "told"),
    [
        ("web-2", 25, "down here name"),
        ("web-2", 10, "down here kind"),
        ("web", 25, "down here kind"),
        ("account", 25, "down here class"),
        ("dns", 25, "unknown elsewhere nobody has recorded what it showed"),
    ],
)
def test_the_closest_name_wins(name: str, minute: int, told: str) -> None:
    """A probe's own name before its kind before its class; one that says nothing yet leaves it to the next."""
    assert asked(THREE, name, minute * 60.0)() == told


def test_what_is_told_of_a_class_keeps_that_class() -> None:
    """A page that speaks for itself is `spoken`; all is well in the class that the source usually has."""
    body = "evidence:\n  - {from: spoken, shows: [{at: +0, says: down, because: HTTP 503}, {at: +30m, says: up}]}\n"
    assert asked(body, "web", 600.0)() == "down spoken HTTP 503"
    assert asked(body, "web", 2400.0)() == "up here it answers"
    assert asked(body, "account", 2400.0)() == "up spoken it answers"


def test_a_phase_may_name_its_class() -> None:
    body = "evidence:\n  - {from: web, shows: [{at: +0, says: down, because: HTTP 500, class: spoken}]}\n"
    assert asked(body, "web")() == "down spoken HTTP 500"


def test_here_and_spoken_both_tell_of_a_page_and_the_worse_counts() -> None:
    body = (
        f"evidence:\n  - {{from: here, shows: [{ALL_WELL}]}}\n  - {{from: spoken, shows: [{{at: +0, says: down}}]}}\n"
    )
    assert asked(body, "web")() == "down spoken down"


@pytest.mark.parametrize(
    ("says", "signal", "fault"),
    [
        ("up", Signal.UP, None),
        ("degraded", Signal.DEGRADED, Fault.PLATFORM),
        ("down", Signal.DOWN, Fault.PLATFORM),
        ("unknown", Signal.UNKNOWN, None),
        ("account", Signal.UNKNOWN, Fault.ACCOUNT),
        ("network", Signal.UNKNOWN, Fault.NETWORK),
    ],
)
def test_what_can_be_said(says: str, signal: Signal, fault: Fault | None) -> None:
    """The words of a scenario are those of a probe."""
    told = scenario(f"evidence:\n  - {{from: web, shows: [{{at: +0, says: {says}}}]}}\n")
    stage = Stage(told, town()[0], lambda: told.onset + 1, 1)
    sighting = stage.answer(probe("web"), Evidence.HERE)
    assert (sighting.signal, sighting.fault) == (signal, fault)


def test_a_share_of_the_looks() -> None:
    """Half of the looks fail, the others say that all is well; the same seed gives the same ones."""
    body = "evidence:\n  - {from: web, shows: [{at: +0, says: down, share: 0.5}]}\n"

    def fifty(seed: int) -> list[str]:
        ask = asked(body, "web", seed=seed)
        return [ask()[:2] for _look in range(50)]

    assert fifty(1) == fifty(1) != fifty(2)
    assert 10 < fifty(1).count("do") < 40


@pytest.mark.parametrize(
    ("over", "minute", "told"),
    [
        ("over: +60m", -5, "up elsewhere it answers"),
        ("over: +60m", 5, "unknown elsewhere nobody has recorded what it showed"),
        ("over: +60m", 65, "up elsewhere it answers"),
        ("lasts: 3h", 5, "up elsewhere it answers"),
    ],
    ids=["before", "in the outage", "after it", "no outage at all"],
)
def test_a_source_of_which_nothing_is_recorded(over: str, minute: int, told: str) -> None:
    """Nobody knows what it showed in the outage; otherwise it was well."""
    assert asked("evidence: []\n", "dns", minute * 60.0, over=over)() == told


def test_between_its_phases_a_recorded_source_is_well() -> None:
    body = "evidence:\n  - {from: dns, shows: [{at: +0, until: +5m, says: down}, {at: +20m, says: down}]}\n"
    assert [asked(body, "dns", minute * 60.0)()[:2] for minute in (4, 10, 25)] == ["do", "up", "do"]


def test_a_cut_line_answers_in_everybodys_place() -> None:
    """From here that looks like an outage of everybody; other sources cannot be asked."""
    body = f"line: [{{at: +5m, until: +15m, because: no route}}]\nevidence:\n  - {{from: web, shows: [{ALL_WELL}]}}\n"
    assert asked(body, "web")() == "down here cannot be reached (no route)"
    assert asked(body, "dns")() == "unknown elsewhere cannot be asked (no route)"
    assert asked(body, "web", 1000.0)() == "up here it answers"


def test_which_phase_holds() -> None:
    phases = scenario("line: [{at: +5m, until: +10m}, {at: +20m}]\n").line
    assert [current(phases, at) for at in (0, 299, 600, 900)] == [None] * 4
    assert current(phases, 300) is phases[0]
    assert current(phases, 90000) is phases[1]


def test_how_long_a_source_will_say_the_same() -> None:
    """Until its own next change, or one of the line; not at all while it answers by chance."""
    told = scenario(
        "line: [{at: +40m, until: +41m}]\nevidence:\n"
        "  - {from: web, shows: [{at: +10m, says: down}, {at: +30m, says: down, share: 0.5}]}\n"
        "  - {from: dns, shows: [{at: +12m, says: down}]}\n"
    )
    now = 0.0
    stage = Stage(told, town()[0], lambda: told.onset + now, 1)
    assert stage.quiet_for("facebook", "web", Evidence.HERE) == 600.0
    assert stage.quiet_for("facebook", "dns", Evidence.ELSEWHERE) == 720.0
    assert stage.line_quiet_for() == 2400.0
    now = 1800.0
    assert stage.quiet_for("facebook", "web", Evidence.HERE) == 0.0
    assert stage.quiet_for("facebook", "dns", Evidence.ELSEWHERE) == 600.0


OUTAGE = """\
evidence:
  - {from: here, shows: [{at: +0, says: down, class: here}, {at: +60m, says: up}]}
  - {from: dns, shows: [{at: +0, says: down}, {at: +60m, says: up}]}
"""


@pytest.mark.parametrize(
    ("answers", "until", "earliest"),
    [
        ("unreachable", "+10m", 600),
        ("throttled", "+5m", 300),
        ("late", "+10m", 150),
        ("lost", "+10m", 120),
        ("refused", "+10m", None),
    ],
)
def test_the_troubles_of_a_channel(answers: str, until: str, earliest: int | None) -> None:
    """Once at most whatever the channel answers; refused is never; the other channel is not held up."""
    body = f"{OUTAGE}channels: [{{of: telegram, at: +0, until: {until}, answers: {answers}}}]\n"
    record = played(body, expect="[{pairs: 1}]")
    told = [
        (post.channel, post.at - record.scenario.onset) for post in record.posts if post.statement.value == "holding"
    ]
    on_telegram = [at for channel, at in told if channel == "telegram"]
    assert len([at for channel, at in told if channel == "blog"]) == 1
    if earliest is None:
        assert on_telegram == []
    else:
        assert len(on_telegram) == 1
        assert earliest <= on_telegram[0] < earliest + 900


def test_a_channel_fares_as_its_platform_does() -> None:
    """The page on the platform that is down says nothing before it is back, and then the welcome."""
    record = played(OUTAGE, expect="[{pairs: 1}]")
    on_page = [post.statement.value for post in record.posts if post.channel == "page"]
    assert on_page == ["welcome_back"]
