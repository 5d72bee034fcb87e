"""`failover init`: what is asked, what is written, and that nothing half is left behind."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from failover import registry
from failover.config import load
from failover.config.settings import Settings
from failover.newcomer.answers import StandIn, usual_routes
from failover.newcomer.asking import Flags
from failover.newcomer.command import OK, REFUSED, STOPPED, init, local_timezone
from failover.newcomer.options import as_yaml, quoted, wanted_of
from failover.service.install import configuration_text

TOKEN = "123456:AAAA-nobody-may-see-this-token"
ORGANISATION = "Example Borough Council"
CTRL_C = "\x03"


class Person:
    """Answers by the beginning of the question; what is not foreseen is answered by Enter."""

    def __init__(self, **answers: str | list[str]) -> None:
        self.answers = {key.replace("_", " "): value for key, value in answers.items()}
        self.heard: list[str] = []

    def tell(self, text: str) -> None:
        self.heard.append(text)

    def ask(self, question: str) -> str:
        self.heard.append(question)
        for begins, answer in self.answers.items():
            if question.strip().replace("_", " ").startswith(begins):
                return answer.pop(0) if isinstance(answer, list) else answer
        return "n" if "[Y/n]" in question else ""

    def ask_secret(self, question: str) -> str:
        return self.ask(question)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "config.yaml"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return file


def with_flags(token: Path, **changes: object) -> Flags:
    """A Telegram channel and a static site, by flags alone."""
    usual: dict[str, object] = {
        "organisation": ORGANISATION,
        "timezone": "Europe/London",
        "platforms": ("facebook", "x", "telegram"),
        "channels": ("telegram", "site"),
        "options": {"telegram.chat": "@examplecouncil", "site.folder": "./public"},
        "secrets": {"telegram.token": str(token)},
    }
    return Flags(**{**usual, **changes})  # type: ignore[arg-type]


def begin(target: Path, flags: Flags, talk: Person | None = None) -> int:
    return init(target, flags, {}, talk, online=False)


def read(target: Path) -> Settings:
    return load(target, {}, registry)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# --- what is written ---


def test_flags_alone_write_a_configuration_that_the_daemon_takes(
    target: Path, token: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begin(target, with_flags(token)) == OK

    settings = read(target)
    said = capsys.readouterr()
    assert settings.organisation.name == ORGANISATION
    assert list(settings.platforms) == ["facebook", "x", "telegram"]
    assert settings.channels["telegram"].platform == "telegram"
    assert [(route.primary, route.backups) for route in settings.routes] == [
        (("facebook", "x"), ("telegram", "site")),
        (("telegram",), ("site",)),
    ]
    assert "account" in [probe.kind for probe in settings.platforms["telegram"].probes]
    assert f"{target}: ok" in said.out
    assert TOKEN not in said.out + said.err


def test_secrets_lie_in_files_of_their_own_that_nobody_else_can_read(target: Path, token: Path) -> None:
    begin(target, with_flags(token))

    folder = target.parent / "secrets"
    assert (mode(folder), mode(folder / "telegram-token"), mode(target)) == (0o700, 0o600, 0o644)
    assert (folder / "telegram-token").read_text() == f"{TOKEN}\n"
    assert "token_file: telegram-token" in target.read_text()
    assert TOKEN not in target.read_text()


def test_modes_are_right_whatever_the_umask_is(target: Path, token: Path) -> None:
    before = os.umask(0)
    try:
        begin(target, with_flags(token))
    finally:
        os.umask(before)

    folder = target.parent / "secrets"
    assert (mode(folder), mode(folder / "telegram-token"), mode(target)) == (0o700, 0o600, 0o644)


def test_only_what_was_chosen_is_there_and_it_is_explained(target: Path, token: Path) -> None:
    begin(target, with_flags(token))

    text = target.read_text()
    assert text.startswith("# yaml-language-server: $schema=config.schema.json\n")
    assert (target.parent / "config.schema.json").is_file()
    assert "# from @BotFather; the bot must be an administrator who may post" in text
    assert "wordpress" not in text
    assert max(map(len, text.splitlines())) <= 118


def test_what_messages_call_a_channel_stands_there_to_be_put_right(target: Path, token: Path) -> None:
    """The public reads it; and it is what it would be if it stood nowhere."""
    begin(target, with_flags(token, channels=("telegram", "our-page=site"), options={
        "telegram.chat": "@examplecouncil", "our-page.folder": "./public",
    }))  # fmt: skip
    text = target.read_text("utf-8")

    assert re.search(r'    title: Our page +# how messages call it: "… we are here and on Our page"\n', text)
    assert [one.title for one in read(target).channels.values()] == ["Telegram", "Our page"]
    target.write_text("\n".join(line for line in text.splitlines() if "title:" not in line), "utf-8")
    assert [one.title for one in read(target).channels.values()] == ["Telegram", "Our page"]


def test_every_kind_of_channel_can_be_begun_with(target: Path, tmp_path: Path, token: Path) -> None:
    """No list of kinds but the registry's: what is asked is what each kind's example shows."""
    (tmp_path / "list.csv").write_text("a@example.org\n")
    (tmp_path / "webhook").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    kinds = registry.names("channels")
    options, secrets = {}, {}
    for kind in kinds:
        for one in wanted_of(registry.find_channel(kind)):
            if one.secret:
                secrets[f"{kind}.{one.key}"] = str(tmp_path / "webhook" if kind == "webhook" else token)
            elif one.example:
                options[f"{kind}.{one.key}"] = str(tmp_path / "list.csv") if one.file else one.example

    assert begin(target, with_flags(token, channels=tuple(kinds), options=options, secrets=secrets)) == OK
    assert sorted(channel.kind for channel in read(target).channels.values()) == kinds


def test_a_list_of_people_is_kept_as_private_as_a_secret(target: Path, tmp_path: Path, token: Path) -> None:
    """The service reads it as a credential; where it lay before, it could not."""
    (tmp_path / "list.csv").write_text("a@example.org\n")
    options = {
        "email.sender": "News <news@example.org>",
        "email.folder": "./outbox",
        "email.recipients_file": str(tmp_path / "list.csv"),
    }

    assert begin(target, with_flags(token, channels=("email",), options=options, secrets={})) == OK
    assert mode(target.parent / "secrets" / "email-list.csv") == 0o600
    assert "recipients_file: email-list.csv" in target.read_text()


def test_two_lists_that_are_called_alike_stay_apart(target: Path, tmp_path: Path, token: Path) -> None:
    """What is meant for the parents must never go to the press, and the other way round."""
    options = {}
    for channel, who in (("parents", "parent"), ("press", "editor")):
        (tmp_path / channel).mkdir()
        (tmp_path / channel / "list.csv").write_text(f"{who}@example.org\n")
        options |= {
            f"{channel}.sender": f"News <{channel}@example.org>",
            f"{channel}.folder": f"./{channel}",
            f"{channel}.recipients_file": str(tmp_path / channel / "list.csv"),
        }

    code = begin(target, with_flags(token, channels=("parents=email", "press=email"), options=options, secrets={}))

    assert code == OK
    channels = read(target).channels
    assert channels["parents"].options.recipients_file.read_text() == "parent@example.org\n"
    assert channels["press"].options.recipients_file.read_text() == "editor@example.org\n"


def test_two_channels_never_share_a_file_by_accident(target: Path, tmp_path: Path, token: Path) -> None:
    """Names that meet all the same (`a` with `b-list`, `a-b` with `list`) are refused, and nothing is written."""
    options = {}
    for channel, file in (("a", "b-list.csv"), ("a-b", "list.csv")):
        (tmp_path / file).write_text(f"{channel}@example.org\n")
        options |= {
            f"{channel}.sender": f"News <{channel}@example.org>",
            f"{channel}.folder": f"./{channel}",
            f"{channel}.recipients_file": str(tmp_path / file),
        }

    code = begin(target, with_flags(token, channels=("a=email", "a-b=email"), options=options, secrets={}))

    assert code == REFUSED
    assert not target.exists()


def test_a_secret_that_is_in_its_place_already_is_only_named(target: Path, token: Path) -> None:
    folder = target.parent / "secrets"
    folder.mkdir(parents=True, mode=0o700)
    shutil.copy(token, folder / "bot")

    assert begin(target, with_flags(token, secrets={"telegram.token": str(folder / "bot")})) == OK
    assert "token_file: bot" in target.read_text()
    assert everything(folder) == {"bot"}


def test_the_untouched_example_gives_way(target: Path, token: Path) -> None:
    """`install-service` and the package put it there; nothing of anybody's is lost."""
    target.parent.mkdir()
    target.write_text(configuration_text())

    assert begin(target, with_flags(token)) == OK
    assert read(target).organisation.name == ORGANISATION
    assert "telegram" in read(target).channels


# --- questions ---


def test_a_person_is_asked_until_the_answer_can_be_used(
    target: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    person = Person(
        Who=["", ORGANISATION],
        Time=["Europe/Londn", "Europe/London"],
        Your_website=["www.example.org", "https://www.example.org"],
        Platforms=["facebok", "facebook instagram"],
        Channels="news=telegram, site",
        chat=["", "examplecouncil", "@examplecouncil"],
        token=["", TOKEN, TOKEN],
        folder="./public",
        When_facebook_or_instagram="site",
    )

    assert begin(target, Flags(), person) == OK
    settings = read(target)
    told = "\n".join(person.heard)
    assert settings.organisation.website == "https://www.example.org"
    assert settings.routes[0].backups == ("site",)
    assert (target.parent / "secrets" / "news-token").read_text() == f"{TOKEN}\n"
    assert "did you mean 'Europe/London'" in told
    assert "did you mean 'facebook'" in told
    assert 'expected "@name" of a public chat' in told
    assert TOKEN not in told + "".join(capsys.readouterr())


def test_a_flag_is_not_asked_again(target: Path, token: Path) -> None:
    person = Person()

    assert begin(target, with_flags(token, website="https://www.example.org"), person) == OK
    asked = [line for line in person.heard if line.endswith(": ")]
    assert not any(line.startswith(("Who", "Time", "Your", "Platforms", "Channels", "  chat")) for line in asked)


@pytest.mark.parametrize("answer", [KeyboardInterrupt(), EOFError()], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("question", ["Who", "  chat", "  token", "When"])
def test_stopping_at_any_question_leaves_nothing(
    target: Path, question: str, answer: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stopping(Person):
        def ask(self, asked: str) -> str:
            if asked.startswith(question):
                raise answer
            return super().ask(asked)

    person = Stopping(Who=ORGANISATION, Channels="telegram", chat="@examplecouncil", token=TOKEN)

    assert begin(target, Flags(), person) == STOPPED
    assert not target.parent.exists()
    assert "nothing was written" in capsys.readouterr().err


# --- refusals ---


def test_nothing_is_overwritten(target: Path, token: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target.parent.mkdir()
    target.write_text("mine: true\n")
    person = Person()

    assert begin(target, with_flags(token), person) == REFUSED
    assert target.read_text() == "mine: true\n"
    assert everything(target.parent) == {"config.yaml"}
    assert person.heard == [], "it is said before anything is asked"
    assert "is there already and is not overwritten" in capsys.readouterr().err


def test_no_secret_is_overwritten(target: Path, token: Path) -> None:
    (target.parent / "secrets").mkdir(parents=True)
    (target.parent / "secrets" / "telegram-token").write_text("old")

    assert begin(target, with_flags(token)) == REFUSED
    assert (target.parent / "secrets" / "telegram-token").read_text() == "old"
    assert everything(target.parent) == {"secrets", "secrets/telegram-token"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"organisation": None}, "--organisation is missing", id="no name"),
        pytest.param({"timezone": "Europe/Londn"}, "did you mean 'Europe/London'", id="time zone"),
        pytest.param({"website": "example"}, "--website: expected an address", id="website"),
        pytest.param({"platforms": ("facebok",)}, "did you mean 'facebook'", id="platform"),
        pytest.param({"channels": ("telegramm",)}, "did you mean 'telegram'", id="kind"),
        pytest.param({"options": {"site.folder": "./public"}}, "--set telegram.chat=… is missing", id="option"),
        pytest.param({"secrets": {}}, "--secret telegram.token=FILE is missing", id="secret"),
        pytest.param({"options": {"blog.url": "x"}}, "there is no channel 'blog'", id="option of no channel"),
        pytest.param(
            {"options": {"telegram.chat": "@examplecouncil", "telegram.pinn": "true", "site.folder": "x"}},
            "did you mean 'pin'",
            id="no such option",
        ),
        pytest.param(
            {"options": {"telegram.chat": "examplecouncil", "site.folder": "x"}},
            'channels.telegram: chat: expected "@name"',
            id="a value that the kind refuses",
        ),
        pytest.param({"routes": ("facebook",)}, "expected PLATFORMS=CHANNELS", id="route"),
        pytest.param({"routes": ("facebook=sit",)}, "did you mean 'site'", id="route to nowhere"),
        pytest.param({"routes": ("telegram=telegram",)}, "cannot stand in for itself", id="found by the loader"),
        pytest.param({"secrets": {"telegram.token": "/nowhere"}}, "cannot be read", id="no such file"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_left(
    target: Path, token: Path, changes: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert begin(target, with_flags(token, **changes)) == REFUSED
    assert said in capsys.readouterr().err
    assert not target.parent.exists()


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(
    target: Path, token: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"telegram.chat": "@examplecouncil", "telegram.token": TOKEN, "site.folder": "x"}

    assert begin(target, with_flags(token, options=options)) == REFUSED
    said = "".join(capsys.readouterr())
    assert "every user of this machine can read a command line" in said
    assert TOKEN not in said


@pytest.mark.parametrize("stage", ["secrets", "schema", "configuration"])
def test_a_failure_while_moving_takes_everything_back(
    target: Path, token: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(A full disk, say: the move itself is made to fail.)"""
    names = {"secrets": "telegram-token", "schema": "config.schema.json", "configuration": "config.yaml"}

    def failing(path: Path) -> bool:
        return path.parent.name in ("etc", "secrets") and path.name == names[stage]

    rename, replace, opened = Path.rename, Path.replace, os.open

    def broken_open(path: str | Path, *rest: int, **more: int) -> int:
        if stage == "schema" and failing(Path(path)):
            raise OSError(28, "No space left on device")
        return opened(path, *rest, **more)  # type: ignore[arg-type]

    def broken(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def move(self: Path, to: Path) -> Path:
            if failing(Path(to)):
                raise OSError(28, "No space left on device")
            return real(self, to)

        return move

    monkeypatch.setattr(Path, "rename", broken(rename))
    monkeypatch.setattr(Path, "replace", broken(replace))
    monkeypatch.setattr(os, "open", broken_open)

    assert begin(target, with_flags(token)) == REFUSED
    assert not target.parent.exists()


# --- the command itself ---


@pytest.fixture
def home() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_secret_comes_over_the_standard_input(target: Path, home: dict[str, str]) -> None:
    command = [
        sys.executable, "-m", "failover", "init", "--config", str(target), "--organisation", ORGANISATION,
        "--channel", "telegram", "--set", "telegram.chat=@examplecouncil", "--secret", "telegram.token=-",
    ]  # fmt: skip
    done = subprocess.run(command, input=f"{TOKEN}\n", capture_output=True, text=True, check=False, env=home)

    assert (done.returncode, done.stderr) == (0, "")
    assert (target.parent / "secrets" / "telegram-token").read_text() == f"{TOKEN}\n"
    assert TOKEN not in done.stdout


def on_a_terminal(target: Path, env: dict[str, str], answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run it on a terminal of its own: when this is shown, that is typed.

    Ctrl-C is typed again: between showing a question and waiting for the answer Python notices it at the next key.
    """
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored by what a script starts in the background
        os.execve(sys.executable, [sys.executable, "-m", "failover", "init", "-c", str(target)], env)
    shown, typed, patience = "", "", time.monotonic() + 40
    try:
        while time.monotonic() < patience:
            if not select.select([terminal], [], [], 0.3)[0]:
                os.write(terminal, CTRL_C.encode() if typed == CTRL_C else b"")
                continue
            try:
                shown += os.read(terminal, 4096).decode()
            except OSError:  # the other side has closed: it has ended
                break
            if answers and answers[0][0] in shown.rpartition("\r\n\r\n")[2]:
                typed = answers.pop(0)[1]
                os.write(terminal, typed.encode())
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown


def test_on_a_terminal_a_secret_is_not_shown(target: Path, home: dict[str, str]) -> None:
    answers = [
        ("organisation's name: ", f"{ORGANISATION}\r"), ("Time zone", "Europe/London\r"), ("website", "\r"),
        ("Platforms to watch", "facebook\r"), ("Channels [", "telegram\r"), ("  chat (", "@examplecouncil\r"),
        ("not shown): ", f"{TOKEN}\r"), ("  pin (", "true\r"), ("  operators_chat", "\r"), ("speak on", "\r"),
        ("[Y/n]", "n\r"),
    ]  # fmt: skip
    code, shown = on_a_terminal(target, home, answers)

    assert code == 0, shown
    assert answers == []
    assert TOKEN not in shown
    assert (target.parent / "secrets" / "telegram-token").read_text() == f"{TOKEN}\n"
    assert "pin: true" in target.read_text()


def test_ctrl_c_on_a_terminal_leaves_nothing(target: Path, home: dict[str, str]) -> None:
    answers = [("organisation's name: ", f"{ORGANISATION}\r"), ("Time zone", CTRL_C)]
    code, shown = on_a_terminal(target, home, answers)

    assert code in (128 + signal.SIGINT, 120)  # 120: Python, when the terminal is gone before its last words
    assert "nothing was written" in shown
    assert not target.parent.exists()


# --- small things ---


@pytest.mark.parametrize(
    ("typed", "annotation", "written"),
    [
        pytest.param("Council", str, "Council", id="plain"),
        pytest.param("@council", str, '"@council"', id="a sign of YAML's"),
        pytest.param("12", str, '"12"', id="text that looks like a number"),
        pytest.param("yes: no", str, '"yes: no"', id="a colon"),
        pytest.param('say "hi" \\', str, 'say "hi" \\', id="quotes inside"),
        pytest.param('"x', str, '"\\"x"', id="quotes at the beginning"),
        pytest.param("a # b", str, '"a # b"', id="what looks like a comment"),
        pytest.param("-100123", int | str, "-100123", id="a number where text would do"),
        pytest.param("@name", int | str, '"@name"', id="text where a number would do"),
        pytest.param("true", bool, "true", id="true"),
        pytest.param("a, b@c.d", tuple[str, ...], "[a, b@c.d]", id="a list"),
        pytest.param("[a, b]", tuple[str, ...], "[a, b]", id="a list as YAML writes it"),
    ],
)
def test_what_is_typed_is_what_yaml_reads(typed: str, annotation: object, written: str) -> None:
    assert as_yaml(typed, annotation) == written


@pytest.mark.parametrize("text", ["a\nb", 'a"b\\', "ü €", "null", "", " x", "{}", "x]", "*a", "- a"])
def test_quoted_text_comes_back(text: str) -> None:
    from failover.config.places import read as parse

    node, problems = parse(f"list: [{quoted(text)}]\nkey: {quoted(text)}\n", "")

    assert problems == []
    assert node is not None
    assert node.plain() == {"list": [text], "key": text}


def test_nobody_stands_in_for_what_shares_their_fate() -> None:
    groups = {"facebook": "meta", "instagram": "meta", "x": "x"}

    assert usual_routes(groups, {"page": "meta", "x": "x", "site": ""}) == (
        StandIn(platforms=("facebook", "instagram"), backups=("x", "site")),
        StandIn(platforms=("x",), backups=("page", "site")),
    )
    assert usual_routes({"x": "x"}, {"x": "x"}) == ()


def test_the_time_zone_is_that_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "zoneinfo" / "Europe").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "Europe" / "London").touch()
    (tmp_path / "localtime").symlink_to(tmp_path / "zoneinfo" / "Europe" / "London")

    assert local_timezone(tmp_path / "localtime") == "Europe/London"
    assert local_timezone(tmp_path / "nothing") == "UTC"
