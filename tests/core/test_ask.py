"""The command line's end of the control socket where no answer comes: what may have been heard is not asked twice."""

from __future__ import annotations

import asyncio
import grp
import json
import os
import pwd
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest

from failover import ask as asking
from failover.ask import ForbiddenError, NotRunningError, RefusedError, UncertainError, ask
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


@contextmanager
def barred(path: Path, *, group: int) -> Iterator[None]:
    """A daemon listens there, and only its group may speak to it; root is nobody for a while."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        os.chown(path, -1, group)
        path.chmod(0o060)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)


@pytest.fixture
def seen_by_all() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "config.yaml").write_text("control: s.sock\n")
        yield Path(folder)


def test_who_may_not_speak_to_the_daemon_is_told_who_may(
    seen_by_all: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not called stopped: it may well run."""
    group = grp.getgrgid(1 if os.geteuid() == 0 else os.getgid())
    config, path = seen_by_all / "config.yaml", seen_by_all / "s.sock"
    with barred(path, group=group.gr_gid):
        me = pwd.getpwuid(os.geteuid()).pw_name
        codes = [main([*words, "-c", str(config)]) for words in (["status"], ["pause"], ["report"])]
        told = capsys.readouterr()
        code = main(["status", "--json", "-c", str(config)])
    words = f"{me} may not talk to {path}: only root and the group {group.gr_name} may; try it with sudo"
    assert codes == [1, 1, 1]
    assert told.err.splitlines() == [f"failover {name}: {words}" for name in ("status", "pause", "report")]
    assert (code, json.loads(capsys.readouterr().out)) == (1, {"running": None, "reason": words})


def test_where_the_folder_bars_us_its_group_is_named(seen_by_all: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a folder that its owner may not enter and another group may")
    folder = seen_by_all / "run"
    folder.mkdir()
    (seen_by_all / "config.yaml").write_text("control: run/s.sock\n")
    with barred(folder / "s.sock", group=2):
        pass
    os.chown(folder, -1, 1)
    folder.chmod(0o750)
    os.seteuid(65534)
    try:
        with pytest.raises(ForbiddenError, match=f"only root and the group {grp.getgrgid(1).gr_name} may"):
            ask(seen_by_all / "config.yaml", "status")
    finally:
        os.seteuid(0)


def test_who_reads_the_file_anyway_is_not_kept_from_it_by_the_daemon_of_others(seen_by_all: Path) -> None:
    (seen_by_all / "failover.db").write_text("")
    (seen_by_all / "failover.db").chmod(0o644)
    gid = 1 if os.geteuid() == 0 else os.getgid()
    with barred(seen_by_all / "s.sock", group=gid), pytest.raises(NotRunningError, match="may not talk to"):
        ask(seen_by_all / "config.yaml", "report")


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
