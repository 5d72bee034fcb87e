"""Manual pages and completion scripts: everything that the help knows, in forms that the tools accept."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from failover.cli import parser
from failover.completion import SHELLS, completion
from failover.config_schema import known, schema
from failover.manual import Part, commands_of, configuration_manual, manual

needs_man = pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed (apt install man-db)")
PAGES = {
    "failover": lambda: manual(parser(), "0 done; 1 not done."),
    "config": lambda: configuration_manual(schema(known())),
}


@pytest.fixture(scope="module", params=["failover", "config"])
def page(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]()


def shown(page: str) -> str:
    done = subprocess.run(
        ["man", "-l", "-"],
        input=page,
        capture_output=True,
        text=True,
        check=True,
        env={"MANWIDTH": "500", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    return done.stdout


# --- manual pages ---


@needs_man
def test_man_shows_every_command_with_its_options() -> None:
    text = shown(PAGES["failover"]())
    _own, commands = commands_of(parser())

    assert len(commands) > 15
    for command in commands:
        assert f"failover {command.name}" in text
        for part in command.options:
            assert ", ".join(part.flags) in text or part.flags == ("-h", "--help")
    assert "0 done; 1 not done." in text


@needs_man
def test_man_shows_every_section_and_every_kind_of_the_configuration() -> None:
    text = shown(PAGES["config"]())

    for name in schema(known())["properties"]:
        assert f"\n{name.upper()}\n" in text
    for kind in ("telegram", "downdetector"):
        assert f"\n   {kind}\n" in text
    assert "token_file" in text
    assert "duration (default 20s)" in " ".join(text.split())


@needs_man
def test_man_has_nothing_to_complain_of(page: str) -> None:
    """(That a long word leaves a line short is no fault.)"""
    done = subprocess.run(
        ["man", "--warnings", "-l", "-"],
        input=page,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )

    assert [line for line in done.stderr.splitlines() if "cannot adjust line" not in line] == []


def test_no_line_of_text_is_taken_for_a_request(page: str) -> None:
    known_requests = (".TH", ".SH", ".SS", ".PP", ".TP", ".B ", ".I ", ".BR", ".RI", ".br")

    for line in page.splitlines():
        assert not line.startswith((".", "'")) or line.startswith(known_requests)


def test_a_hyphen_that_people_copy_stays_one() -> None:
    """man(7): a bare `-` may be shown as a typographic hyphen, which no shell understands."""
    assert r"\fB\-\-config\fR" in PAGES["failover"]()


def test_the_same_source_gives_the_same_page(page: str) -> None:
    assert page in [make() for make in PAGES.values()]


# --- completion ---


def small() -> argparse.ArgumentParser:
    """A program with one of everything."""
    top = argparse.ArgumentParser(prog="failover", description="It's [small]: really.")
    top.add_argument("--version", action="version", version="1")
    commands = top.add_subparsers()
    one = commands.add_parser("tell", description="Say it's so.")
    one.add_argument("-c", "--config", type=Path, help="a file")
    one.add_argument("--log", choices=["journal", "json"], help="where")
    one.add_argument("--secret", help=argparse.SUPPRESS)
    one.add_argument("--to", metavar="NAME", action="append", help="whom: [anybody]")
    one.add_argument("state", choices=["down", "up"])
    commands.add_parser("other", description="Nothing.")
    return top


def test_everything_the_parser_knows_is_known_but_what_it_hides() -> None:
    _own, (tell, other) = commands_of(small())

    assert [part.flags for part in tell.options] == [("-h", "--help"), ("-c", "--config"), ("--log",), ("--to",)]
    assert tell.options[1].files
    assert tell.options[3].repeated
    assert tell.words == [
        Part(flags=(), shown="down | up", text="", choices=("down", "up"), files=False, optional=False)
    ]
    assert other.name == "other"


def completed(line: str, script: str, folder: Path) -> list[str]:
    """What bash offers at the end of the line."""
    (folder / "completion").write_text(script)
    words = line.split(" ")
    ask = (
        f"source {folder}/completion; COMP_WORDS=({' '.join(repr(word) for word in words)}); "
        f'COMP_CWORD={len(words) - 1}; _failover; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", ask],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("failover te", ["tell"], id="a command"),
        pytest.param("failover ", ["tell", "other", "-h", "--help", "--version"], id="all commands"),
        pytest.param("failover tell --l", ["--log"], id="an option of the command"),
        pytest.param("failover tell --log j", ["journal", "json"], id="a choice of the option"),
        pytest.param("failover tell --config fi", ["file.yaml"], id="a file"),
        pytest.param("failover tell --to fi", [], id="a value that nobody knows"),
        pytest.param("failover tell ", ["down", "up"], id="a choice of the word that follows"),
        pytest.param("failover tell --log json u", ["up"], id="after an option"),
        pytest.param("failover other --l", [], id="not the option of another command"),
    ],
)
def test_bash_completes(line: str, offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "file.yaml").touch()

    assert completed(line, completion(small(), "bash"), tmp_path) == offered


def test_bash_completes_the_real_commands(tmp_path: Path) -> None:
    script = completion(parser(), "bash")

    assert completed("failover decl", script, tmp_path) == ["declare"]
    assert completed("failover declare facebook d", script, tmp_path) == ["down"]
    assert completed("failover declare --because x facebook d", script, tmp_path) == ["down"]
    assert completed("failover completion ", script, tmp_path) == [*SHELLS]


def test_bash_offers_the_platforms_where_one_is_named(tmp_path: Path) -> None:
    """A name of a state in its place would be declared of nothing."""
    script = completion(parser(), "bash", {"SCENARIO": ["meta-2021"]})
    config = tmp_path / "config.yaml"
    config.write_text("platforms:\n  facebook: {}\n  x:\n    probes: []\nchannels:\n  blog: {}\n")

    assert completed(f"failover declare -c {config} ", script, tmp_path) == ["facebook", "x"]
    assert completed(f"failover declare -c {config} x ", script, tmp_path) == ["down", "up", "auto"]
    assert completed("failover declare -c /nowhere d", script, tmp_path) == []
    assert completed("failover replay meta", script, tmp_path) == ["meta-2021"]


ZSH = """\
_arguments() { : }
compadd() { print -l -- ${(P)argv[-1]} }
words=(declare %s) CURRENT=$(( $#words + 1 ))
source %s >/dev/null
_failover_platforms
"""


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("option", "offered"), [("-c", ["facebook", "x"]), ("--config", ["facebook", "x"]), ("", [])]
)
def test_other_shells_offer_the_platforms_too(shell: str, option: str, offered: list[str], tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed (apt install {shell})")
    config, script = tmp_path / "config.yaml", tmp_path / "script"
    config.write_text("platforms:\n  facebook: {}\n  x:\n    probes: []\nchannels:\n  blog: {}\n")
    script.write_text(completion(parser(), shell))
    named = f"{option} {config}" if option else "-c /nowhere"
    asked = {
        "fish": ["--no-config", "-c", f"source {script}; complete -C 'failover explain {named} '"],
        "zsh": ["-f", "-c", ZSH % (named, script)],
    }
    done = subprocess.run(
        [shell, *asked[shell]],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
    )
    assert (done.stdout.split(), done.stderr) == (offered, "")


def test_zsh_asks_for_platforms_where_one_is_named() -> None:
    script = completion(parser(), "zsh")
    for command in ("declare", "silence", "drill", "explain"):
        _before, _head, rest = script.partition(f"            {command})\n")
        assert "':PLATFORM:_failover_platforms'" in rest.partition(";;")[0]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_in_the_script(shell: str) -> None:
    script = completion(parser(), shell)
    _own, commands = commands_of(parser())

    for command in commands:
        assert command.name in script
        for part in command.options:
            assert part.flags[-1].lstrip("-") in script
    assert script == completion(parser(), shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_accepts_its_script(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed (apt install {shell})")
    for name, one in (("small", small()), ("real", parser())):
        (tmp_path / name).write_text(completion(one, shell))
        done = subprocess.run([shell, "-n", str(tmp_path / name)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
