"""`failover check --online` against the practice internet: what is well, and what is missing in plain words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from failover import registry
from failover.cli import main
from failover.clock import Clock
from failover.config import load
from failover.config.settings import Settings
from failover.contracts import ChannelKind, Cost, Options, Surroundings
from failover.model import Announcement, Evidence, Health, Measure, Sighting, Signal
from failover.model import Fault as Whose
from failover.online import PATIENCE, Trial, attempt, check_online, report
from failover.practice.http import Fault
from failover.practice.internet import PracticeInternet, configuration, practice_internet

UP = Sighting.up(Evidence.HERE, "3 of 3 anchors answer")


@pytest.fixture
async def internet() -> AsyncIterator[PracticeInternet]:
    async with practice_internet(Clock().now) as services:
        yield services


@pytest.fixture
def config(internet: PracticeInternet, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(configuration(internet, tmp_path))
    return path


async def tried(config: Path, patience: float = 10.0) -> tuple[dict[str, str], int]:
    """Name -> mark and text (further lines joined), and the exit code; as the command line does it."""
    lines, code = await asyncio.to_thread(check_online, config, {}, patience)
    rows: dict[str, str] = {}
    name = ""
    for line in lines:
        if line.startswith("  ") and line[2] != " ":
            mark, name, text = line.split(maxsplit=2)
            rows[name] = f"{mark} {text}"
        elif line.startswith("   "):
            rows[name] += f"; {line.strip()}"
    return rows, code


async def test_where_all_is_well_every_channel_could_post_and_every_source_answers(
    config: Path, internet: PracticeInternet
) -> None:
    rows, code = await tried(config)

    assert code == 0, rows
    assert {row.split()[0] for row in rows.values()} <= {"ok", "note"}
    assert rows["telegram"].startswith("ok could post now (bot @")
    assert rows["facebook/account"].startswith("ok up:")
    assert rows["anchors"].startswith("ok ")
    assert {name for name in rows if "/" not in name} == {
        "anchors", "facebook-page", "telegram", "x", "email", "blog", "statuspage", "press-desk"
    }  # fmt: skip


async def test_nothing_is_posted(config: Path, internet: PracticeInternet, tmp_path: Path) -> None:
    await tried(config)

    assert [texts for texts in internet.visible(tmp_path / "site").values() if texts] == []


@pytest.fixture
def with_canary(config: Path) -> Path:
    before, plain = config.read_text(), "kind: account, channel: facebook-page"
    assert plain in before
    config.write_text(before.replace(plain, f"{plain}, canary: true"))
    return config


async def test_no_canary_is_written(with_canary: Path, internet: PracticeInternet) -> None:
    """Not even where the daemon itself does so: it might be left over."""
    rows, _code = await tried(with_canary)

    assert rows["facebook/account"].startswith("ok up:")
    assert not [one.path for one in internet.graph.requests if one.path.endswith("/feed")]


async def test_what_is_missing_is_said_in_plain_words(
    config: Path, internet: PracticeInternet, tmp_path: Path
) -> None:
    internet.telegram.channel.status = "member"
    (tmp_path / "wordpress-password").write_text("wrong-password-nobody-may-see\n")
    (tmp_path / "subscribers.csv").write_text("email\n")
    rows, code = await tried(config)

    assert code == 1
    assert rows["telegram"] == "PROBLEM the bot is not an administrator of @examplecouncil who may post"
    assert rows["blog"].startswith("PROBLEM ")
    assert rows["email"].startswith("PROBLEM the recipients file names nobody")
    assert rows["statuspage"].startswith("ok ")
    assert "wrong-password-nobody-may-see" not in str(rows)


async def test_a_dead_line_of_our_own_is_one_problem_and_not_one_of_each_platform(
    config: Path, internet: PracticeInternet
) -> None:
    for service in (*internet.anchors, *internet.fronts.values(), *internet.resolvers, internet.metastatus):
        await service.refuse()
    await internet.crowd.refuse()
    rows, code = await tried(config)

    assert code == 1
    assert rows["anchors"].startswith("PROBLEM this machine does not reach the internet")
    assert "instagram" not in rows


async def test_a_platform_of_which_too_little_is_seen_is_a_problem(config: Path, internet: PracticeInternet) -> None:
    """Rule R1: one kind of evidence can suspect, and never confirm."""
    for service in (*internet.resolvers, internet.metastatus, internet.crowd):
        await service.refuse()
    rows, code = await tried(config)

    assert code == 1
    assert rows["instagram"] == "PROBLEM 1 of the 2 independent kinds of evidence answered that an outage needs"


async def test_bad_news_from_a_source_that_works_is_no_problem(config: Path, internet: PracticeInternet) -> None:
    internet.fronts["facebook"].put("/", "gone", status=503)
    rows, _code = await tried(config)

    assert rows["facebook/web"].startswith("note down:")


async def test_who_never_answers_does_not_hold_up_the_rest(config: Path, internet: PracticeInternet) -> None:
    """The whole has one limit, whatever each source's own patience is."""
    internet.graph.fail_always(Fault.HANG_BEFORE)
    begun = time.monotonic()
    rows, code = await tried(config, 1.5)

    assert time.monotonic() - begun < 8
    assert code == 1
    assert rows["facebook-page"] == "PROBLEM no answer within 1.5 s"
    assert rows["statuspage"].startswith("ok ")


def test_a_broken_configuration_is_not_tried(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("organisation: {name: A}\n")

    assert check_online(tmp_path / "c.yaml", {})[1] == 78


async def test_the_command_checks_first_and_then_asks(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = await asyncio.to_thread(main, ["check", "--online", "--config", str(config)])

    said = capsys.readouterr().out
    assert code == 0
    assert said.startswith(f"{config}: ok\n")
    assert said.rstrip().endswith("Everything answers as it should.")


def test_the_time_is_bounded() -> None:
    assert PATIENCE <= 60


# --- what is told of an answer ---


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "c.yaml").write_text(
        "organisation: {name: A}\nplatforms: {x: {}}\nchannels: {site: {kind: site, folder: public}}\n"
    )
    return load(tmp_path / "c.yaml", {}, registry)


def told(settings: Settings, health: Health, sighting: Sighting = UP, **more: Any) -> tuple[list[str], bool]:
    sightings = {("x", probe.name): sighting for probe in settings.platforms["x"].probes}
    trial = Trial(**{"line": UP, "healths": {"site": health}, "sightings": sightings, **more})
    lines, well = report(settings, registry, trial, 1_000_000.0)
    return [" ".join(line.split()) for line in lines], well


def test_warnings_and_ends_are_notes(settings: Settings) -> None:
    health = Health(sighting=UP, warnings=("the folder is nearly full",), expires_at=1_000_000.0 + 3.5 * 86400)
    lines, well = told(settings, health)

    assert well
    at = lines.index("note site could post now")
    assert lines[at + 1 : at + 3] == ["the folder is nearly full", "something of it ends in 3 days"]


def test_every_problem_of_a_channel_is_told(settings: Settings) -> None:
    lines, well = told(settings, Health(sighting=UP, problems=("first", "second"), warnings=("third",)))

    assert not well
    at = lines.index("PROBLEM site first")
    assert lines[at + 1 : at + 3] == ["second", "third"]
    assert lines[-1] == "1 to put right; see each PROBLEM above."


def test_no_secret_is_quoted_from_an_answer(settings: Settings) -> None:
    knowing = replace(settings, secrets=frozenset({"hunter2-hunter2"}))
    lines, _well = told(knowing, Health(sighting=UP, problems=("the server said: hunter2-hunter2 is wrong",)))

    assert "PROBLEM site the server said: *** is wrong" in lines


def test_a_key_that_a_source_does_not_take_is_a_problem(settings: Settings) -> None:
    refused = Sighting.unknown(Evidence.CROWD, "the key was not taken", fault=Whose.ACCOUNT)
    lines, well = told(settings, Health(sighting=UP), refused)

    assert not well
    assert "PROBLEM x/web could not tell: the key was not taken" in lines


@pytest.mark.parametrize("signal", [Signal.DOWN, Signal.DEGRADED])
def test_news_of_the_platform_is_a_note(settings: Settings, signal: Signal) -> None:
    lines, well = told(
        settings, Health(sighting=UP), Sighting(signal=signal, evidence=Evidence.HERE, reason="HTTP 503")
    )

    assert well
    assert f"note x/web {signal.value}: HTTP 503" in lines


# --- kinds that misbehave ---


@dataclass
class _Odd:
    """Channels of one made-up kind; everything else is the registry's."""

    open_: Callable[[Options, Surroundings], AbstractAsyncContextManager[Any]]
    cost: Cost | None = None

    def find_channel(self, _name: str) -> ChannelKind[Options]:
        def measure(_options: Options, _one: Announcement) -> Measure:
            return Measure(1, 2, "x")

        return ChannelKind(Options, self.open_, measure, "", check_cost=self.cost)

    def find_probe(self, name: str) -> Any:
        return registry.find_probe(name)

    def catalogue(self) -> Any:
        return registry.catalogue()


class _Broken:
    async def check(self) -> Health:
        raise KeyError("a bug")


@pytest.fixture
def one_channel(config: Path) -> Settings:
    text = config.read_text()
    head, rest = text.partition("\nplatforms:")[::2]
    web = f"  facebook: {{catalogue: false, probes: [{rest[rest.index('{kind: web') : rest.index('}') + 1]}]}}\n"
    judgement = text[text.index("\njudgement:") :]
    config.write_text(f"{head}\nplatforms:\n{web}channels: {{odd: {{kind: site, folder: public}}}}\n{judgement}")
    return load(config, {}, registry)


async def test_a_bug_in_a_channel_is_said_and_spoils_nothing_else(one_channel: Settings) -> None:
    @asynccontextmanager
    async def opened(_options: Options, _surroundings: Surroundings) -> AsyncIterator[Any]:
        yield _Broken()

    trial = await attempt(one_channel, _Odd(opened), Clock().now, 5.0)

    assert trial.healths["odd"].problems == ("the check failed unexpectedly (KeyError)",)
    assert trial.line.signal is Signal.UP


async def test_what_cannot_be_opened_is_said_and_spoils_nothing_else(one_channel: Settings) -> None:
    """A port that is taken, because the daemon itself listens there."""

    @asynccontextmanager
    async def opened(_options: Options, _surroundings: Surroundings) -> AsyncIterator[Any]:
        raise OSError("127.0.0.1:8471: another program listens there already")
        yield

    kinds = _Odd(opened, Cost(price=0.01, currency="USD"))
    trial = await attempt(one_channel, kinds, Clock().now, 5.0)
    lines, well = report(one_channel, kinds, trial, 0.0)

    assert trial.healths["odd"].problems == ("127.0.0.1:8471: another program listens there already",)
    assert trial.sightings["facebook", "web"].signal is Signal.UP
    assert not well
    assert "note: odd: this one question is billed 0.01 USD" in lines
