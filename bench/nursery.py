"""Daemons that are born with their modules: a process imports what `failover run` needs, and forks for each start.

A start takes a fraction of the second of processor time that it takes otherwise.  Each daemon is a process of its own
that runs the command as `python -m failover` does; only reading the modules from the disk is left out.

The channels whose posts may appear late settle in two seconds instead of one or two minutes (rule D5): the practice
services show at once what they have accepted.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from asyncio import StreamReader, StreamReaderProtocol
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

MODULES = (
    "failover.cli", "failover.app", "channels.telegram", "channels.x", "channels._x_length", "channels.wordpress",
    "channels.facebook", "channels.email", "channels.site", "channels.webhook", "probes.web", "probes.anchors",
    "anyio._backends._asyncio", "httpcore._async.connection_pool", "httpcore._backends.auto",
    "apscheduler.executors.asyncio", "apscheduler.triggers.interval",
)  # fmt: skip


SETTLING = ("channels.telegram", "channels.x", "channels.wordpress", "channels.facebook")
SETTLE = 2.0


class Nursery:
    """The forking process; ends with the one that made it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno(), env=env)
        theirs.close()
        self._lock = threading.Lock()
        atexit.register(self.close)

    def close(self) -> None:
        """Nobody is born any more, and whoever lives is killed."""
        self._line.close()
        self._process.wait()

    async def bear(self, command: Sequence[str], folder: Path) -> Born:
        """A new process: `failover` with these words, in this folder."""
        ours, theirs = os.pipe()
        order = json.dumps({"command": [*command], "folder": str(folder)}).encode()
        pid = await asyncio.to_thread(self._order, order, theirs)
        os.close(theirs)
        stdout = StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: StreamReaderProtocol(stdout), os.fdopen(ours, "rb")
        )
        return Born(pid, stdout)

    def _order(self, order: bytes, stdout: int) -> int:
        with self._lock:
            socket.send_fds(self._line, [order], [stdout])
            return int(self._line.recv(32))


class Born:
    """As much of `asyncio.subprocess.Process` as a town needs; how it ended only its own mother knows."""

    def __init__(self, pid: int, stdout: StreamReader) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._dead = asyncio.Event()
        try:
            self._handle = os.pidfd_open(pid)
        except ProcessLookupError:  # gone already
            self._handle = -1
            self._ended()
        else:
            asyncio.get_running_loop().add_reader(self._handle, self._ended)

    def _ended(self) -> None:
        self.returncode = 0
        self._dead.set()
        if self._handle >= 0:
            asyncio.get_running_loop().remove_reader(self._handle)
            os.close(self._handle)
            self._handle = -1

    async def wait(self) -> int:
        await self._dead.wait()
        return 0

    def send_signal(self, number: int) -> None:
        if self._handle >= 0:
            signal.pidfd_send_signal(self._handle, number)


@cache
def nursery(*env: tuple[str, str]) -> Nursery:
    """The one of this process for daemons with this environment."""
    return Nursery(dict(env))


def main() -> None:
    """Import, then fork at every order; each child is given its output, its folder and its command."""
    for name in MODULES:
        importlib.import_module(name)
    for name in SETTLING:
        module = importlib.import_module(name)
        module.KIND = replace(module.KIND, settle=SETTLE)  # type: ignore[attr-defined]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    with socket.socket(fileno=0) as line:
        for pid in [*_children(line)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _children(line: socket.socket) -> Iterator[int]:
    """One for each order, until nobody is left to give any."""
    while True:
        order, handles, _flags, _address = socket.recv_fds(line, 65536, 1)
        if not order:
            return
        pid = os.fork()
        if pid == 0:
            line.detach()
            _live(json.loads(order), handles[0])
        os.close(handles[0])
        line.send(str(pid).encode())
        yield pid


def _live(order: dict[str, object], stdout: int) -> None:
    from failover.cli import main as failover

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, number in ((nothing, 0), (stdout, 1), (stdout, 2)):
        os.dup2(handle, number)
    os.close(nothing)
    os.close(stdout)
    os.chdir(str(order["folder"]))
    sys.argv = ["failover", *map(str, order["command"])]  # type: ignore[call-overload]
    sys.exit(failover())


if __name__ == "__main__":
    main()
