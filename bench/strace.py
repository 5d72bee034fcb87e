"""strace: may it be used here, whom does it hold, what has it counted."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bench.points import HELPERS, RESTART
from tests.stories.town import StuckError

_LINE = re.compile(r"^(?:(\d+) +)?(\w+)\(")


def obstacle() -> str:
    """Why no process can be traced here; "" if one can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian: apt install strace)"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=PIPE) as child:
        strace = ["strace", "-o", "/dev/null", "-p", str(child.pid)]
        with subprocess.Popen(strace, stdout=DEVNULL, stderr=PIPE) as tracer:
            assert tracer.stderr is not None
            attached = b"attached" in tracer.stderr.readline()
            tracer.terminate()
        child.kill()
    return "" if attached else "here no process may trace another one (ptrace)"


def threads(pid: int, where: str) -> list[str]:
    """The arguments that name to strace whom it shall watch.  It counts the calls of each thread by itself."""
    if where == RESTART:
        return ["-f", "-p", str(pid)]
    if where != HELPERS:
        return ["-p", str(pid)]
    others = sorted(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid))
    return [word for other in others for word in ("-p", str(other))]


async def attach(whom: Iterable[str], *arguments: str) -> Process:
    """A running strace that has taken hold of every process named with -p."""
    whom = list(whom)
    strace = await asyncio.create_subprocess_exec("strace", *whom, *arguments, stdout=DEVNULL, stderr=PIPE)
    assert strace.stderr is not None
    for _ in range(whom.count("-p")):
        line = await strace.stderr.readline()
        if b"attached" not in line:
            raise StuckError(f"strace did not attach: {line.decode().strip()}")
    return strace


async def detach(strace: Process) -> None:
    """Let go of whoever it still holds."""
    with suppress(ProcessLookupError):
        os.kill(strace.pid, signal.SIGTERM)  # asyncio's own way reaps what its watcher waits for
    await strace.wait()


def counted(trace: Path) -> dict[str, int]:
    """How often each call was made by the busiest thread, as written by strace."""
    lines = [_LINE.match(line) for line in trace.read_text(errors="replace").splitlines()]
    most: Counter[str] = Counter()
    for (_thread, call), count in Counter((found[1], found[2]) for found in lines if found is not None).items():
        most[call] = max(most[call], count)
    return dict(most)
