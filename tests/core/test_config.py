"""The configuration: what is wrong with it, and what comes of it when nothing is."""

from __future__ import annotations

import os
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from failover import registry
from failover.config import SECTIONS, load, parse
from failover.config.entries import on_this_machine
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.contracts import Options
from failover.model import Organisation, Statement
from tests.core.fake_kinds import FakeKinds

HERE = Path(__file__).parents[1]
ROOT = HERE.parent
BAD = sorted((HERE / "configs" / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "configs" / "good").glob("*.yaml"))
EXAMPLE = ROOT / "config.example.yaml"
ENV = {"GOOD_TOKEN": "tok-secret-1", "EMPTY": ""}

MINIMAL = (HERE / "configs" / "good" / "minimal.yaml").read_text(encoding="utf-8")


def read(text: str, env: dict[str, str] | None = None, path: Path = Path("/nowhere/config.yaml")) -> Settings:
    return parse(text, path, ENV if env is None else env, FakeKinds())


def problems(text: str) -> list[str]:
    """What is said of a text, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [str(problem).removeprefix("/nowhere/config.yaml:") for problem in caught.value.problems]


def good(name: str) -> Settings:
    path = HERE / "configs" / "good" / f"{name}.yaml"
    return load(path, ENV, FakeKinds())


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_gives_exactly_the_problems_it_begins_with(path: Path) -> None:
    """All problems at once, each with line, column, path, what is wrong and what was expected."""
    first = path.read_text(encoding="utf-8").splitlines()
    expected = [line.removeprefix("#! ") for line in first if line.startswith("#! ")]
    assert expected

    with pytest.raises(ConfigError) as caught:
        load(path, ENV, FakeKinds())

    said = [str(problem) for problem in caught.value.problems]
    assert all(line.startswith(f"{path}:") for line in said)
    assert [line.removeprefix(f"{path}:").replace(str(path.parent), "FOLDER") for line in said] == expected


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_secret_is_in_what_is_said(path: Path) -> None:
    """Secrets in the wrong place, or in the right one beside other problems, are never quoted."""
    with pytest.raises(ConfigError) as caught:
        load(path, ENV, FakeKinds())

    for secret in ("hunter2", "tok-secret-1", "12345678"):
        assert secret not in str(caught.value) + repr(caught.value.problems)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_accepted(path: Path) -> None:
    assert isinstance(load(path, ENV, FakeKinds()), Settings)


class TestWholeFiles:
    """What the good files come to."""

    def test_the_minimal_file_gets_every_default(self) -> None:
        """Organisation, one platform by name, two channels, one route are enough."""
        settings = good("minimal")

        assert settings.organisation == Organisation(name="Example Borough Council", timezone="UTC")
        assert (settings.state, settings.control) == (
            HERE / "configs" / "good" / "failover.db",
            HERE / "configs" / "good" / "control.sock",
        )
        assert settings.judgement.confirm.classes == 2
        assert settings.judgement.confirm.for_ == 120
        assert settings.judgement.recover.for_ == 900
        assert settings.judgement.relapse == 3600
        assert len(settings.judgement.anchors) == 3
        assert (settings.limits.holding_latest, settings.limits.welcome_latest) == (1800, 43200)
        assert {settings.sign_off.mode(statement) for statement in Statement} == {"automatic"}
        assert settings.heartbeat is None
        assert settings.maintenance == ()
        route = settings.routes[0]
        assert (route.platforms, route.primary_channels, route.backups, route.reach) == (
            ("facebook",),
            ("facebook-page",),
            ("board",),
            None,
        )

    def test_every_written_value_arrives(self) -> None:
        settings = good("full")

        assert settings.state == Path("/var/lib/failover/failover.db")
        assert settings.control == Path("/run/failover/control.sock")
        assert settings.judgement.every == 90
        assert settings.judgement.confirm.classes == 3
        assert (settings.judgement.intermittent.after, settings.judgement.intermittent.calm) == (4, 28800)
        assert settings.limits.posts_per_day == 5
        assert settings.sign_off.veto_for == 420
        assert [approver.telegram for approver in settings.sign_off.approvers] == [111222333, None]
        assert settings.heartbeat is not None
        assert settings.heartbeat.every == 30
        assert settings.secrets == {"tok-secret-1"}

    def test_sign_off_of_holding_covers_again_and_intermittent(self) -> None:
        sign_off = good("full").sign_off

        modes = {statement: sign_off.mode(statement) for statement in Statement}

        assert modes[Statement.AGAIN] == modes[Statement.INTERMITTENT] == modes[Statement.HOLDING] == "veto"
        assert modes[Statement.UPDATE] == modes[Statement.WELCOME_BACK] == "required"
        assert modes[Statement.CORRECTION] == modes[Statement.DRILL] == "automatic"

    def test_channels(self) -> None:
        channels = good("full").channels

        assert {name: channel.title for name, channel in channels.items()} == {
            "facebook-page": "Facebook",
            "chat": "our chat",
            "board": "Board",
            "mail": "Mail",
            "press-desk": "Press desk",
            "rehearsal": "Rehearsal",
        }
        assert (channels["facebook-page"].group, channels["chat"].group, channels["mail"].group) == (
            "meta",
            "mastodon",
            "",
        )
        assert (channels["chat"].deadline, channels["chat"].settle) == (45, 90)
        assert (channels["mail"].reads_back, channels["mail"].when_unsure) == (False, "resend")
        assert [name for name, channel in channels.items() if channel.practice] == ["rehearsal"]
        assert channels["board"].options.folder == HERE / "configs" / "good" / "public"  # type: ignore[attr-defined]

    def test_routes_know_what_they_stand_in_for(self) -> None:
        """A channel stands on its platform; a name that is only a platform is watched without a key."""
        first, second = good("full").routes

        assert (first.primary, first.platforms, first.primary_channels) == (
            ("facebook-page", "threads"),
            ("facebook", "threads"),
            ("facebook-page",),
        )
        assert (first.reach, first.posts, second.reach, second.partial) == (2, "hold", None, "say")

    def test_notices_say_what_is_true_and_worth_knowing(self) -> None:
        (only,) = good("minimal").notices
        assert only.startswith("platforms.facebook: its probes give evidence of one class only (here)")
        assert not [notice for notice in good("full").notices if "does not act on it yet" in notice]
        assert "there are no routes: outages are seen and recorded, and nothing is said" in good("no-routes").notices

    def test_settings_cannot_be_changed(self) -> None:
        with pytest.raises(FrozenInstanceError):
            good("minimal").state = Path("/elsewhere")  # type: ignore[misc]

    def test_no_secret_shows_in_the_settings(self) -> None:
        assert "tok-secret-1" not in repr(good("full"))


class TestProbes:
    """Which probes a platform gets, under which names, and how often they look."""

    def test_the_catalogue_s_come_first_and_names_are_unique(self) -> None:
        platforms = good("full").platforms

        assert {name: [probe.name for probe in platform.probes] for name, platform in platforms.items()} == {
            "facebook": ["web", "crowd", "account", "account-2"],
            "threads": ["web"],
            "x": ["web"],
            "intranet": ["web"],
        }

    def test_groups_and_titles(self) -> None:
        platforms = good("full").platforms

        assert [(platform.group, platform.title) for platform in platforms.values()] == [
            ("meta", "our Facebook page"),
            ("meta", "Threads"),
            ("x-corp", "X"),
            ("intranet", "our intranet"),
        ]

    @pytest.mark.parametrize(
        ("judgement", "entry", "expected"),
        [
            ("{}", "{kind: web, url: 'https://a.example.org'}", (60, 15)),
            ("{every: 5m}", "{kind: web, url: 'https://a.example.org'}", (300, 15)),
            ("{every: 10s}", "{kind: web, url: 'https://a.example.org'}", (30, 15)),
            ("{every_when_suspect: 2m}", "{kind: web, url: 'https://a.example.org'}", (60, 60)),
            ("{}", "{kind: web, url: 'https://a.example.org', every: 30s}", (30, 15)),
            ("{}", "{kind: crowd, company: x, client_secret_env: GOOD_TOKEN}", (300, 120)),
            ("{}", "{kind: crowd, company: x, client_secret_env: GOOD_TOKEN, every: 1h}", (3600, 120)),
            ("{every: 2s, every_when_suspect: 1s}", "{kind: web, url: 'http://127.0.0.1:1/'}", (2, 1)),
            ("{every: 2s, every_when_suspect: 1s}", "{kind: web, url: 'http://localhost:1/'}", (2, 1)),
            ("{every: 2s, every_when_suspect: 1s}", "{kind: web, url: 'http://[::1]:1/'}", (2, 1)),
            ("{}", "{kind: web, url: 'http://127.0.0.1:1/', every: 1s}", (1, 1)),
            ("{every: 2s}", "{kind: web, url: 'http://127.0.0.1.example.org/'}", (30, 15)),
        ],
        ids=[
            "default",
            "the file's own steady pace",
            "never below what the source tolerates",
            "suspicion is not slower than the steady pace",
            "as often as tolerated",
            "a source with a slow limit",
            "slower than that",
            "this machine sets no limit",
            "localhost",
            "IPv6 loopback",
            "even once a second",
            "only looks like loopback",
        ],
    )
    def test_pace(self, judgement: str, entry: str, expected: tuple[float, float]) -> None:
        """Steady and fast interval, from the entry, the judgement and what the source tolerates."""
        text = MINIMAL.replace("{facebook: {}}", "{facebook: {catalogue: false, probes: [ENTRY]}}").replace(
            "ENTRY", entry
        )

        probe = read(f"{text}judgement: {judgement}\n").platforms["facebook"].probes[0]

        assert (probe.every, probe.fastest) == expected

    def test_a_probe_through_a_channel_of_this_machine_has_no_limit(self) -> None:
        text = MINIMAL.replace(
            "{facebook: {}}", "{facebook: {probes: [{kind: account, channel: facebook-page, every: 1s}]}}"
        )

        assert problems(text)[0].startswith("2:")
        local = text.replace('chat: "@page"', 'chat: "@page", api_url: "http://127.0.0.1:1"')
        assert read(local).platforms["facebook"].probes[-1].every == 1


class Several(Options):
    """Options with more than one address."""

    url: str = "http://127.0.0.1:1/"
    servers: tuple[str, ...] = ()
    headers: dict[str, str] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("options", "local"),
    [
        (Several(), True),
        (Several(servers=("127.0.0.1:53", "[::1]:53", "::1")), True),
        (Several(servers=("system", "facebook.com")), True),
        (Several(servers=("127.0.0.1:53", "9.9.9.9")), False),
        (Several(headers={"referer": "https://www.example.org/"}), False),
        (Several(url="no address"), False),
        (Several(url="http://localhost.example.org/"), False),
    ],
)
def test_on_this_machine(options: Options, local: bool) -> None:
    """Every address there is must be a loopback one, and there must be one."""
    assert on_this_machine(options) is local


class TestState:
    """Where the database and the socket are."""

    @pytest.mark.parametrize(
        ("written", "env", "expected"),
        [
            ("", {}, "/nowhere/failover.db"),
            ("", {"STATE_DIRECTORY": "/var/lib/failover"}, "/var/lib/failover/failover.db"),
            ("", {"STATE_DIRECTORY": "/var/lib/failover:/var/lib/other"}, "/var/lib/failover/failover.db"),
            ("state: /srv/x.db", {"STATE_DIRECTORY": "/var/lib/failover"}, "/srv/x.db"),
            ("state: sqlite:///srv/x.db", {}, "/srv/x.db"),
            ("state: sqlite:////srv/x.db", {}, "/srv/x.db"),
            ("state: sqlite:x.db", {}, "/nowhere/x.db"),
            ("state: data/x.db", {}, "/nowhere/data/x.db"),
        ],
    )
    def test_state(self, written: str, env: dict[str, str], expected: str) -> None:
        assert read(f"{MINIMAL}{written}\n", ENV | env).state == Path(expected)

    @pytest.mark.parametrize(
        ("written", "env", "expected"),
        [
            ("", {}, "/nowhere/control.sock"),
            ("", {"STATE_DIRECTORY": "/var/lib/failover"}, "/var/lib/failover/control.sock"),
            (
                "",
                {"RUNTIME_DIRECTORY": "/run/failover", "STATE_DIRECTORY": "/var/lib/f"},
                "/run/failover/control.sock",
            ),
            ("state: /srv/x.db", {}, "/srv/control.sock"),
            ("control: /tmp/s", {"RUNTIME_DIRECTORY": "/run/failover"}, "/tmp/s"),
            ("control: s", {}, "/nowhere/s"),
        ],
    )
    def test_control(self, written: str, env: dict[str, str], expected: str) -> None:
        assert read(f"{MINIMAL}{written}\n", ENV | env).control == Path(expected)

    @pytest.mark.parametrize("written", ["'sqlite:'", "sqlite://x.db", "sqlite:///", "/srv/", "mysql:x", '""'])
    def test_no_database_file(self, written: str) -> None:
        assert "expected the path of a database file" in problems(f"{MINIMAL}state: {written}\n")[0]


class TestMessages:
    """What is measured for whom (rule S4)."""

    LONG = "messages: {holding: {default: '%s'}, welcome_back: {default: '%s'}}\n"

    def test_a_channel_that_only_is_down_is_not_asked_for_holding_statements(self) -> None:
        """The primary says welcome back; a holding statement that would not fit there harms nobody."""
        holding, welcome = "x" * 300, "x" * 300

        assert read(MINIMAL + self.LONG % (holding, "short"))
        assert len(problems(MINIMAL + self.LONG % (holding, welcome))) == 1

    def test_the_longest_facts_are_all_platforms_of_a_group_and_all_other_public_channels(self) -> None:
        text = MINIMAL.replace("{facebook: {}}", "{facebook: {}, threads: {}}").replace(
            "[facebook-page], backups: [board]", "[facebook-page, threads], backups: [board, desk, mail]"
        ).replace("  board:", "  desk: {kind: desk}\n  mail: {kind: mail, title: the list}\n  board:")  # fmt: skip
        template = "messages: {holding: {mail: '%s'}}\n"

        names = '{% if platforms == "Facebook and Threads" and elsewhere == "Board" %}' + "x" * 300 + "{% endif %}-"

        assert "too long for mail" in problems(text + template % names)[0]
        assert read(text + template % names.replace("Board", "Board and Desk"))

    def test_practice_channels_are_measured_with_the_mark_of_a_drill(self) -> None:
        text = MINIMAL.replace("  board:", "  rehearsal: {kind: mail, practice: true}\n  board:")
        fits = "x" * (280 - len(" (Ref F9999U99-312359)") - len("DRILL: "))

        assert read(f"{text}messages: {{holding: {{rehearsal: {fits}}}}}\n")
        assert "too long for rehearsal" in problems(f"{text}messages: {{holding: {{rehearsal: {fits}x}}}}\n")[0]

    def test_where_no_words_are_written_the_built_in_ones_are_used(self) -> None:
        messages = good("full").messages

        assert messages.source(Statement.HOLDING, "mail") == "mail"
        assert messages.source(Statement.HOLDING, "chat") == "default"
        assert messages.source(Statement.AGAIN, "chat") == ""


class TestFiles:
    """A file that cannot be read is one clear problem."""

    def problem(self, path: Path) -> str:
        with pytest.raises(ConfigError) as caught:
            load(path, ENV, FakeKinds())
        assert len(caught.value.problems) == 1
        return str(caught.value)

    def test_missing(self, tmp_path: Path) -> None:
        assert self.problem(tmp_path / "x.yaml") == f"{tmp_path}/x.yaml: there is no such file"

    def test_a_folder(self, tmp_path: Path) -> None:
        assert self.problem(tmp_path) == f"{tmp_path}: this is a folder; expected a configuration file"

    def test_a_file_in_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "x").touch()
        assert self.problem(tmp_path / "x" / "y.yaml") == f"{tmp_path}/x/y.yaml: cannot be read: Not a directory"

    def test_a_pipe_does_not_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "not a regular file" in self.problem(tmp_path / "pipe")

    def test_too_large(self, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").write_bytes(b"#" * 1_048_577)
        assert "larger than 1 MiB" in self.problem(tmp_path / "x.yaml")

    def test_not_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").write_bytes(b"organisation:\n  name: K\xf6ln\n")
        assert self.problem(tmp_path / "x.yaml") == f"{tmp_path}/x.yaml:2:10: not text in UTF-8; save it as UTF-8"

    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").touch()
        assert "the file is empty" in self.problem(tmp_path / "x.yaml")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_unreadable(self, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").touch(mode=0o000)
        assert "cannot be read: Permission denied" in self.problem(tmp_path / "x.yaml")

    def test_a_byte_order_mark_is_no_harm(self, tmp_path: Path) -> None:
        (tmp_path / "x.yaml").write_text(MINIMAL, encoding="utf-8-sig")
        assert load(tmp_path / "x.yaml", ENV, FakeKinds()).organisation.name == "Example Borough Council"


class TestExample:
    """config.example.yaml is complete, works as it stands, and so does everything in it that is commented out."""

    def test_the_packaged_copy_is_the_same(self) -> None:
        """The wheel carries failover/config.example.yaml; after a change: cp config.example.yaml failover/."""
        assert (ROOT / "failover" / "config.example.yaml").read_bytes() == EXAMPLE.read_bytes()

    def test_it_works_without_any_account(self) -> None:
        settings = load(EXAMPLE, {}, registry)

        assert [*settings.platforms] == ["facebook", "instagram", "whatsapp", "x"]
        assert [*settings.channels] == ["statuspage", "letters"]
        assert settings.notices == ()
        assert settings.secrets == frozenset()

    def test_it_works_with_everything_switched_on(self, tmp_path: Path) -> None:
        """Take away each # that stands before a setting."""
        text = re.sub(r"^( *)#(?=\S)", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name in re.findall(r"_file: ([a-z.-]+)\b", text, flags=re.MULTILINE):
            secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" if "webhook" in name else f"12345678:{'k' * 35}"
            (tmp_path / name).touch(mode=0o600)
            (tmp_path / name).write_text(f"{secret}\n")
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")

        settings = load(tmp_path / "config.yaml", {}, registry)

        assert {channel.kind for channel in settings.channels.values()} == set(registry.names("channels"))
        assert settings.heartbeat is not None
        assert len(settings.maintenance) == 2


def _mutations(text: str) -> st.SearchStrategy[str]:
    """The text with one piece cut out, doubled, or replaced by something else that YAML has a use for."""
    words = ["yes", "true", "null", "0", "-1", "1e9", "kind", "facebook", "board", "default", "9" * 20]
    marks = ["", ": ", "- ", "\n", "  ", *"{}[]#|'\"\t~", "*a", "&a ", "!x ", "<<", "{{", "}}", "{% if %}"]
    pieces = st.sampled_from([*words, *marks, "é", "\x00", "\ud83d"])
    spans = st.tuples(st.integers(0, len(text)), st.integers(0, 40), pieces | st.text(max_size=8))
    return st.lists(spans, min_size=1, max_size=4).map(lambda changes: _changed(text, changes))


def _changed(text: str, changes: list[tuple[int, int, str]]) -> str:
    for start, length, piece in changes:
        text = text[:start] + piece + text[start + length :]
    return text


def outcome(text: str) -> Settings | ConfigError:
    try:
        return read(text)
    except ConfigError as error:
        return error


class TestAnyText:
    """Whatever is in the file: settings, or problems with their places.  Nothing else, and never a traceback."""

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        assert isinstance(outcome(text), ConfigError)

    @pytest.mark.parametrize("name", ["full", "aliases"])
    def test_a_good_file_with_slips(self, name: str) -> None:
        text = (HERE / "configs" / "good" / f"{name}.yaml").read_text(encoding="utf-8")

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(changed=_mutations(text))
        def check(changed: str) -> None:
            result = outcome(changed)
            if isinstance(result, ConfigError):
                assert result.problems
                assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in result.problems)
                assert "tok-secret-1" not in str(result)

        check()

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        value=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
            max_leaves=6,
        ),
        section=st.sampled_from(SECTIONS),
    )
    def test_any_value_in_any_section(self, value: Any, section: str) -> None:
        import json

        text = "\n".join(line for line in MINIMAL.splitlines() if not line.startswith(section))

        assert isinstance(outcome(f"{text}\n{section}: {json.dumps(value)}\n"), Settings | ConfigError)
