"""The command line's end of the control socket where no answer comes: what may have been heard is not asked twice."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from failover import ask as asking
from failover.ask import NotRunningError, RefusedError, UncertainError, ask
from failover.cli import main
from failover.control import Control
from failover.handlers import handlers
from failover.postoffice import PostOffice
from tests.core.stories import NOON, World

Play = Callable[[socket.socket, list[bytes]], None]


def dies_after_reading(line: socket.socket, heard: list[bytes]) -> None:
    with line.makefile("rb") as file:
        heard.append(file.readline())


def dies_in_the_middle_of_its_answer(line: socket.socket, heard: list[bytes]) -> None:
    dies_after_reading(line, heard)
    line.sendall(b'{"ok": tr')


def dies_before_it_has_read_all(line: socket.socket, heard: list[bytes]) -> None:
    heard.append(line.recv(10))


@contextmanager
def daemon(path: Path, play: Play) -> Iterator[list[bytes]]:
    """Takes one call and plays; what it has heard."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            line, _peer = server.accept()
            with line:
                play(line, heard)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield heard
        thread.join(10)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "c.yaml"
    file.write_text("control: s.sock\n")
    return file


@pytest.mark.parametrize(
    "play",
    [dies_after_reading, dies_in_the_middle_of_its_answer, dies_before_it_has_read_all],
    ids=lambda one: one.__name__,
)
def test_a_daemon_that_dies_after_it_was_asked_may_have_done_it(config: Path, play: Play) -> None:
    with daemon(config.parent / "s.sock", play) as heard, pytest.raises(UncertainError):
        ask(config, "post", text="x" * 1_000_000, to=["blog"])
    assert len(heard) == 1


def test_it_is_not_asked_of_another_daemon_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket beside the configuration comes first, that of the service is not knocked at any more."""
    here, service = tmp_path / "control.sock", tmp_path / "service.sock"
    monkeypatch.setattr(asking, "SERVICE_SOCKET", service)
    (tmp_path / "c.yaml").write_text("organisation: {name: X}\n")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(service))
        other.listen()
        other.setblocking(False)
        with daemon(here, dies_after_reading), pytest.raises(UncertainError):
            ask(tmp_path / "c.yaml", "pause")
        with pytest.raises(BlockingIOError):
            other.accept()


async def test_what_is_meant_for_the_daemon_of_another_configuration_is_refused(tmp_path: Path) -> None:
    """A rehearsal's `declare` must not be done by the service, whose socket is knocked at where no other answers."""
    done: list[str] = []

    async def declare(_request: Any, by: str) -> str:
        done.append(by)
        return "done"

    ours, other = tmp_path / "ours.yaml", tmp_path / "rehearsal.yaml"
    for file in (ours, other):
        file.write_text("control: s.sock\n")
    (tmp_path / "link.yaml").symlink_to(ours)
    control = Control(tmp_path / "s.sock", {"declare": declare, "status": declare}, ours)
    await control.start()
    try:
        with pytest.raises(RefusedError, match=r"was meant for that of .*rehearsal"):
            await asyncio.to_thread(ask, other, "declare")
        assert done == []
        assert await asyncio.to_thread(ask, other, "status") == "done"
        for name in (ours, tmp_path / "link.yaml"):
            assert await asyncio.to_thread(ask, name, "declare") == "done"
    finally:
        await control.stop()


def test_a_question_that_changes_nothing_was_just_not_answered(config: Path) -> None:
    """`failover posts` reads the file instead."""
    with daemon(config.parent / "s.sock", dies_after_reading), pytest.raises(NotRunningError):
        ask(config, "posts", since=0.0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["post", "x", "--to", "blog", "--key", "k1"], "or say the same again with --key k1", id="post"),
        pytest.param(["pause"], "it is not known whether this was done: the daemon closed the line", id="pause"),
    ],
)
def test_the_exit_code_tells_that_nobody_knows(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with daemon(config.parent / "s.sock", dies_after_reading):
        assert main([*words, "-c", str(config)]) == 4
    assert told in capsys.readouterr().err


async def test_what_is_handed_in_again_with_the_same_key_is_the_same_post() -> None:
    """Without a key, two calls are two posts."""
    world = World(":memory:")
    await world.start()
    at = SimpleNamespace(
        engine=world.engine,
        posts=PostOffice(world.engine, Path("/nowhere"), "UTC"),
        settings=SimpleNamespace(organisation=SimpleNamespace(timezone="UTC")),
    )
    answerer: Any = SimpleNamespace(at=at, now=lambda: NOON, kick=lambda: None)
    post = handlers(answerer)["post"]

    async def hand_in(key: str) -> object:
        answer: Any = await post({"text": "Market day", "to": ["blog"], "key": key}, "ann")
        return answer["post"]

    assert [await hand_in(key) for key in ("k1", "k1", "k2", "", "")] == ["P1", "P1", "P2", "P3", "P4"]
    assert await world.store.posts.spooled_over(10) == []
    world.store.close()
