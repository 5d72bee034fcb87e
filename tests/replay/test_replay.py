"""`failover replay` as a whole: every shipped scenario holds, the command's exit codes, what it prints and draws."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from failover import registry
from failover.replay import library
from failover.replay.command import replay
from failover.replay.judgement import findings
from failover.replay.page import page
from failover.replay.report import data, text
from failover.replay.run import Record, perform
from tests.replay._house import SMALL, house, played, scenario

pytestmark = pytest.mark.timeout(180)  # seconds of computing on a quiet machine, and machines are not always quiet

OUTAGES = [name for name in library.shipped() if not name.startswith("null-")]
PLAYED = [(name, 1) for name in library.shipped()] + [
    (name, 2) for name in OUTAGES if not name.startswith("meta-2019")
]


@pytest.mark.parametrize(("name", "seed"), PLAYED, ids=str)
def test_a_shipped_scenario_holds(name: str, seed: int) -> None:
    """Whatever the jitter: right statements within their windows, once; none at all where nothing is to be said."""
    settings, names = house()
    told = library.scenario(name, names)
    record = perform(told, library.fitting(settings, told), registry, seed=seed, approve_after=120.0)
    found = findings(record)
    assert [f"{one.expected}: {one.found}" for one in found if one.holds is False] == []
    assert any(one.holds for one in found[:-1])
    if name.startswith("null-") and all(expected.about is None for expected in record.scenario.expect):
        assert record.posts == []


def statements(record: Record) -> dict[tuple[str, str], list[float]]:
    """(channel, statement) -> when it was said."""
    said: dict[tuple[str, str], list[float]] = defaultdict(list)
    for post in record.posts:
        said[post.channel, post.statement.value].append(post.at)
    return said


@pytest.mark.parametrize("name", ["dies-with-its-page", "declared-by-a-person", "backups-in-trouble"])
def test_what_is_left_out_changes_nothing(name: str) -> None:
    """Thinned or whole, the same statements on the same channels, a minute apart at most.

    Jitter moves each look by some seconds; sources that are asked every five minutes would move a statement by more.
    """
    settings, names = house()
    told = library.scenario(name, names)
    fitting = library.fitting(settings, told)
    quick = {
        key: replace(one, probes=tuple(replace(probe, every=min(probe.every, 60.0)) for probe in one.probes))
        for key, one in fitting.platforms.items()
    }
    small = replace(fitting, platforms=quick)
    thin, whole = (
        statements(perform(told, small, registry, approve_after=120.0, thinned=thinned)) for thinned in (True, False)
    )
    assert thin.keys() == whole.keys()
    for key, times in thin.items():
        assert times == pytest.approx(whole[key], abs=60.0), key


def test_the_same_seed_gives_the_same_performance() -> None:
    """An expectation that fails can be looked into."""
    body = "evidence:\n  - {from: web, shows: [{at: +0, until: +60m, says: down, share: 0.5}]}\n"
    assert data(played(body, seed=3)) == data(played(body, seed=3))
    assert data(played(body, seed=3)) != data(played(body, seed=4))


def run(name: str | None, config: Path | None = None, **options: object) -> int:
    given: dict[str, object] = {
        "every": False, "as_json": False, "html": None, "approve_after": "2m", "seed": 1, **options,
    }  # fmt: skip
    return replay(name, config, {}, **given)  # type: ignore[arg-type]


MINE = """\
title: A <b>small</b> & "bad" day
about: <script>alert(1)</script>
sources: ["https://www.example.org/?a=1&b=2", "javascript:alert(1)"]
onset: 2026-01-01T10:00
over: +60m
platforms: [facebook]
evidence:
  - {from: here, shows: [{at: +0, says: down, because: "<img src=x>", class: here}, {at: +60m, says: up}]}
  - {from: dns, shows: [{at: +0, says: down}, {at: +60m, says: up}]}
expect:
  - holding: {to: +10m}
    pairs: 1
"""


def test_the_built_in_organisation_watches_what_matters_and_mine_stays_whole(files: tuple[str, Path]) -> None:
    """Only where nobody's own configuration is tried may platforms be left out."""
    settings, names = house()
    told = library.scenario("null-noisy-source", names)
    assert set(library.fitting(settings, told).platforms) == {"x", "facebook", "telegram"}
    mine = library.organisation(files[1], {})
    assert library.fitting(mine, told) is mine


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, Path]:
    """A scenario and a configuration, whose secrets are nowhere."""
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "town.yaml").write_text(SMALL)
    return str(tmp_path / "mine.yaml"), tmp_path / "town.yaml"


def test_my_configuration_without_its_secrets(files: tuple[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """A replay asks nobody real, so no secret need be there; the report names my file and my channels."""
    assert run(*files) == 0
    printed = capsys.readouterr().out
    assert "played with" in printed
    assert "town.yaml" in printed
    assert "HOLDING of incident 1 on telegram, blog" in printed
    assert "3 of 3 hold" in printed


def test_an_expectation_that_fails(files: tuple[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and the report says which and what was found."""
    file = Path(files[0])
    file.write_text(MINE.replace("{to: +10m}", "{to: +1m}"))
    assert run(*files) == 1
    assert re.search(r"FAILED +the first holding statement by \+1m: \+\dm", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("old", "new", "code", "told"),
    [
        ("says: down, b", "says: dwon, b", 78, "mine.yaml:8:41: evidence[0].shows[0].says: expected 'up'"),
        ("[facebook]", "[linkedin]", 2, "watches facebook, and none of linkedin"),
    ],
    ids=["a mistake", "none watched"],
)
def test_what_cannot_be_played(
    files: tuple[str, Path], capsys: pytest.CaptureFixture[str], old: str, new: str, code: int, told: str
) -> None:
    Path(files[0]).write_text(MINE.replace(old, new))
    assert run(*files) == code
    assert told in capsys.readouterr().err


def test_names_and_options(files: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No name: what there is. An unknown name, wait or file, a broken configuration: each has its code."""
    assert run(None) == 2
    assert "meta-2021-10-04" in capsys.readouterr().out
    assert run("meta-2021-10-05") == 2
    assert "did you mean 'meta-2021-10-04'?" in capsys.readouterr().err
    assert run("meta-2021-10-04", approve_after="soon") == 2
    assert "--approve-after: expected a duration" in capsys.readouterr().err
    assert run(str(tmp_path / "none.yaml")) == 2
    assert f"{tmp_path / 'none.yaml'}: there is no such file; `failover replay` names" in capsys.readouterr().err
    assert run(str(tmp_path / "meta-2021-10-04.yaml")) == 2
    assert "there is no such file; a shipped one is called meta-2021-10-04" in capsys.readouterr().err
    (tmp_path / "large.yaml").write_bytes(b"#" * 1_048_577)
    assert run(str(tmp_path / "large.yaml")) == 78
    assert "large.yaml: larger than 1 MiB, and a scenario is a few kB" in capsys.readouterr().err
    (tmp_path / "latin.yaml").write_bytes(b"title: K\xf6ln\n")
    assert run(str(tmp_path / "latin.yaml")) == 78
    assert "latin.yaml:1:9: not text in UTF-8; save it as UTF-8" in capsys.readouterr().err
    assert run(str(tmp_path)) == 2
    assert f"{tmp_path} is a folder; expected a scenario" in capsys.readouterr().err
    files[1].write_text("organisation: 5\n")
    assert run(*files) == 78


def test_json(files: tuple[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Everything for programs, in seconds from the onset."""
    assert run(*files, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is True
    assert {one["statement"] for one in told["posts"]} == {"holding", "welcome_back"}
    assert 120 <= told["posts"][0]["at"] <= 600
    assert [one["holds"] for one in told["expectations"]] == [True, True, True]
    assert {"at", "platform", "state"} == set(told["states"][0])


class Page(HTMLParser):
    """Which tags there are, what they load, and whether they are closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.loaded: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [f"{tag} {name}" for name, _value in attrs if name in ("src", "srcset", "data", "action")]
        self.links += [value or "" for name, value in attrs if name in ("href", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page(files: tuple[str, Path], tmp_path: Path) -> None:
    """Self-contained: no script, nothing loaded; foreign text stays text; only web addresses become links."""
    assert run(*files, html=tmp_path / "page.html") == 0
    written = (tmp_path / "page.html").read_text(encoding="utf-8")
    parsed = Page()
    parsed.feed(written)
    assert parsed.open == []
    assert {"svg", "rect", "circle", "table"} <= parsed.tags
    assert not {"script", "link", "img", "iframe", "object", "base"} & parsed.tags
    assert parsed.loaded == []
    assert parsed.links == ["https://www.example.org/?a=1&b=2"]
    assert "@import" not in written
    assert "url(" not in written
    assert "<b>small</b>" not in written
    assert "A &lt;b&gt;small&lt;/b&gt; &amp;" in written


def test_the_page_and_the_text_of_a_calm_day() -> None:
    """Nothing said, nothing drawn on any channel; plain text keeps to ASCII."""
    record = played("evidence: []\n", over="lasts: 2h")
    assert "<circle" not in page(record)
    assert text(record, plain=True).isascii()
    assert "2 of 2 hold" in text(record)


def test_all_prints_a_table(
    monkeypatch: pytest.MonkeyPatch, files: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line for each scenario; those of which nothing is watched are named below."""
    monkeypatch.setattr(library, "shipped", lambda: ["null-own-line", "lying-status-page"])
    assert run(None, files[1], every=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["scenario", "null-own-line"]
    assert lines[-1] == "left out, for none of their platforms is watched: lying-status-page"


def test_people_in_the_scenario(files: tuple[str, Path]) -> None:
    """A veto silences; a pause holds everything back until somebody resumes."""
    strict = files[1].read_text() + "sign_off: {holding: required}\n"
    files[1].write_text(strict)
    settings = library.organisation(files[1], {})
    body = MINE.partition("evidence:")[2].partition("expect:")[0]
    for acts, wait, count in (("", None, 0), ("", 60.0, 2), ("people: [{at: +6m, does: veto}]\n", 3600.0, 0)):
        told = scenario(f"evidence:{body}{acts}", expect="[{pairs_at_most: 1}]")
        record = perform(told, settings, registry, approve_after=wait)
        assert len([post for post in record.posts if post.statement.value == "holding"]) == count, (acts, wait)
