"""What the command line answers where it was used wrongly, and how it breaks lines on a terminal."""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from failover.cli import main
from failover.commands.words import identifier, show
from failover.control import Control
from failover.folding import folded
from failover.handlers import handlers
from tests.core.stories import NOON, World

# -- without a configuration -----------------------------------------------------------------------------------

TOLD_FROM_THE_FILE = [["explain", "x"], ["sources"], ["incidents"], ["audit"], ["posts"], ["report"]]


@pytest.mark.parametrize("words", TOLD_FROM_THE_FILE, ids=lambda words: words[0])
def test_without_a_configuration_the_missing_file_is_named(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not a database, of which whoever mistyped the name knows nothing; the exit code is that of `check`."""
    missing = tmp_path / "confg.yaml"

    assert main([*words, "-c", str(missing)]) == main(["check", "-c", str(missing)]) == 78
    said = capsys.readouterr().err
    assert f"failover {words[0]}: there is no configuration file {missing}; name one with -c\n" in said


def test_a_configuration_that_is_not_ours_to_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["posts", "-c", str(tmp_path)]) == 78
    assert f"the configuration file {tmp_path} cannot be read (Is a directory)" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["status"], ["pause"]], ids=lambda words: words[0])
def test_who_asks_a_daemon_that_does_not_run_hears_of_the_missing_file_too(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "confg.yaml"

    assert main([*words, "-c", str(missing)]) == 3
    said = capsys.readouterr().err
    assert said.startswith("failover is not running: nobody answers at ")
    assert f"There is no configuration file {missing}; name one with -c.\n" in said


# -- times -----------------------------------------------------------------------------------------------------

WRONG = [
    pytest.param(["explain", "x", "--at", "soon"], "expected a time such as 17:29", id="explain"),
    pytest.param(["incidents", "--since", "soon"], "expected a time such as 17:29", id="incidents"),
    pytest.param(["audit", "--since", "soon"], "expected a time such as 17:29", id="audit"),
    pytest.param(["posts", "--since", "soon"], "expected a time such as 17:29", id="posts"),
    pytest.param(["post", "hello", "--at", "soon"], "expected a time such as 2026-12-01T09:00", id="post at"),
    pytest.param(["post", "hello", "--until", "2h"], "expected a time such as 2026-12-01T09:00", id="post until"),
    pytest.param(["silence", "x", "--for", "long"], "expected a length such as 90s, 30m, 2h", id="silence"),
    pytest.param(["silence", "x", "--for", "0s"], "expected a length such as 90s, 30m, 2h", id="silence for nothing"),
]


@pytest.mark.parametrize(("words", "told"), WRONG)
def test_what_is_no_time_is_wrong_usage_and_what_is_understood_is_said(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


async def never(_draft: object, _key: str) -> None:
    """No call of the command line has been made before."""


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Path]:
    """A daemon that answers at its socket, whose organisation is in Berlin; its configuration."""
    config = tmp_path / "config.yaml"
    config.write_text("state: failover.db\ncontrol: control.sock\norganisation:\n  timezone: Europe/Berlin\n")
    world = World(tmp_path / "failover.db")
    await world.start()
    organisation = SimpleNamespace(timezone="Europe/Berlin")
    at = SimpleNamespace(
        engine=world.engine,
        desk=world.desk,
        lookout=SimpleNamespace(looks={}),
        settings=SimpleNamespace(organisation=organisation),
        posts=SimpleNamespace(repeated=never),
    )
    answerer: Any = SimpleNamespace(at=at, now=lambda: NOON, kick=lambda: None)
    control = Control(tmp_path / "control.sock", handlers(answerer))
    await control.start()
    yield config
    await control.stop()


async def run(config: Path, *words: str) -> int:
    return await asyncio.to_thread(main, [*words, "-c", str(config)])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["explain", "facebook", "--at", "2199-01-01"], "2199-01-01 is still to come"),
        (["explain", "facebook", "--at", "2026-03-29 02:30"], "there is no 02:30 on 29 March 2026 in Europe/Berlin"),
        (
            ["incidents", "--since", "2026-10-25 02:30"],
            "this hour comes twice in Europe/Berlin; say 2026-",
        ),
        (["post", "hello", "--at", "2026-01-01"], "--at: 2026-01-01 is past"),
        (["post", "hello", "--until", "2027-03-28T02:30"], "--until: there is no 02:30 on 28 March 2027"),
        (["silence", "facebook", "--for", "15d"], "--for: at most 14d; else take facebook out of the configuration"),
        (["silence", "facebook"], "say for how long, such as --for 2h, or --end"),
    ],
)
async def test_a_time_that_is_none_on_the_clock_of_the_organisation_is_wrong_usage(
    daemon: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever finds out: the command line, or the daemon."""
    assert await run(daemon, *words) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("further", [[], ["--for", "15d"], ["--for", "1h"], ["--end"]], ids=" ".join)
async def test_that_a_platform_is_not_known_is_said_before_its_silence_is_asked_about(
    daemon: Path, further: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(daemon, "silence", "facebok", *further) == 1
    assert "there is no platform 'facebok'; did you mean 'facebook'?" in capsys.readouterr().err


# -- lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "width", "lines"),
    [
        pytest.param("short", 40, ["short"], id="short"),
        pytest.param("one two three", 9, ["one two", "    three"], id="between words"),
        pytest.param("  one two three", 11, ["  one two", "      three"], id="deeper than the line"),
        pytest.param(
            "name  state  a long reason", 20, ["name  state  a long", " " * 13 + "reason"], id="last column"
        ),
        pytest.param("name             state  why so", 25, ["name             state", "    why so"], id="far column"),
        pytest.param("ab cdefgh ij", 8, ["ab", "    cdefgh", "    ij"], id="not one letter too long"),
        pytest.param("see https://example.org/x/y/z", 12, ["see", "    https://example.org/x/y/z"], id="no gap"),
        pytest.param("https://example.org/x/y/z now", 12, ["https://example.org/x/y/z", "    now"], id="gap later"),
    ],
)
def test_a_long_line_is_cut_between_words_and_goes_on_deeper(line: str, width: int, lines: list[str]) -> None:
    assert folded(line, width) == lines


LONG = f"facebook  up  2h  {'because of this and that ' * 8}"


def test_lines_for_a_file_are_never_folded() -> None:
    """One fact, one line: for grep, and for whatever else reads them."""
    file = io.StringIO()
    show([LONG], file)

    assert file.getvalue() == f"{LONG}\n"


def test_lines_on_a_terminal_are_folded_to_its_width() -> None:
    inner, outer = pty.openpty()
    fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    with os.fdopen(outer, "w") as terminal:
        show([LONG], terminal)
        terminal.write("END\n")
        terminal.flush()
        read = b""
        while not read.endswith(b"END\r\n"):
            read += os.read(inner, 10_000)
    os.close(inner)
    shown = read.decode().replace("\r\n", "\n").removesuffix("END\n")

    assert max(map(len, shown.splitlines())) <= 60
    assert shown.splitlines()[1].startswith(" " * 18 + "a")
    assert " ".join(shown.split()) == " ".join(LONG.split())


# -- names of things ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"), [("7h", "7H"), ("12w2", "12W2"), ("p3", "P3"), ("7h-my-blog", "7H-my-blog"), ("7", "7")]
)
def test_small_letters_name_the_same_statement(written: str, meant: str) -> None:
    """Numbers are typed in a hurry; the name of a channel stays as it is."""
    assert identifier(written) == meant


@pytest.mark.parametrize("words", [["posts", "P3"], ["posts", "cancel"]])
def test_what_was_meant_with_posts_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "-c", "/nowhere/config.yaml"]) == 2
    assert "`failover posts cancel` with the number of a post, such as P12" in capsys.readouterr().err
