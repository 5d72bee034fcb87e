"""Faults of the machine under a running daemon: it is frozen, its disk fails, its journal stops, its clock jumps.

A failing disk is played by strace, which answers the daemon's calls for the database in the kernel's place; a clock
that is set, by libfaketime, so that nobody else's clock is touched.  A full disk: `test_machine.py`; `kill -9`:
`test_crash.py` and `test_sweep.py`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.points import MAIN
from bench.strace import attach, detach, obstacle, threads
from failover.ask import RefusedError
from failover.practice.http import Fault
from tests.stories.town import Town, states

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
DAY = 86400.0


@pytest.fixture(scope="module")
def _tracing() -> None:
    if trouble := obstacle():
        pytest.skip(trouble)


# -- frozen --------------------------------------------------------------------------------------------------


async def test_frozen_for_longer_than_its_deadlines_while_a_channel_accepts(town: Town) -> None:
    """SIGSTOP, SIGCONT: what ran out of time meanwhile is looked for and found, and no platform is taken for down."""
    town.channels("facebook-page", "telegram", "blog")
    town.config["channels"]["telegram"]["timeout"] = "2s"
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.declare("down")
    await town.wait("Telegram has it", lambda: "telegram" in town.heard("1H"))
    town.signal(signal.SIGSTOP)
    await asyncio.sleep(3.5)  # the pause is the story
    town.signal(signal.SIGCONT)
    await town.hears("delivery_found", channel="telegram")
    await town.phases("holding", telegram="sent", blog="sent")
    await town.declare("up")
    await town.over()
    assert town.heard("1W") == {"telegram", "blog", "facebook-page"}
    assert not town.journal("platform_down", platform="telegram")


async def test_frozen_through_a_whole_outage(town: Town) -> None:
    """What went dark and came back while it slept was not seen: nothing is said of it."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    town.signal(signal.SIGSTOP)
    await town.internet.outage_of_2021()
    await asyncio.sleep(3.0)
    await town.internet.recovery()
    town.signal(signal.SIGCONT)
    await town.looks(3)
    assert set(states(await town.status()).values()) == {"up"}
    assert town.silent


# -- a failing disk ------------------------------------------------------------------------------------------


@asynccontextmanager
async def failing_disk(
    town: Town, error: str, calls: str = "pwrite64,fdatasync", *, after: int = 1
) -> AsyncIterator[None]:
    """From the `after`-th call for the database on each one fails so, until the block ends, or the daemon is dead."""
    pid = town._daemon.pid  # type: ignore[union-attr]
    paths = [word for suffix in ("", "-wal") for word in ("-P", f"{town.database}{suffix}")]
    inject = f"inject={calls}:error={error}:when={after}+"
    strace = await attach(threads(pid, MAIN), "-o", "/dev/null", *paths, "-e", f"trace={calls}", "-e", inject)
    try:
        yield
    finally:
        await detach(strace)


@pytest.mark.usefixtures("_tracing")
async def test_a_disk_that_takes_nothing(town: Town) -> None:
    """What cannot be written down is not said, and the trouble is told once; then the disk is well, and so are we."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    async with failing_disk(town, "EIO"):
        with pytest.raises(RefusedError, match="nothing was changed"):
            await town.declare("down")
        await town.internet.outage_of_2021()
        await town.hears("store_trouble")
        await town.looks(2)
        assert town.silent
    await town.phases("holding", blog="sent")
    assert len(town.journal("store_trouble")) == len(town.journal("store_well")) == 1
    await town.internet.recovery()
    await town.over()
    assert town.told()["blog"] == ["1H", "1W"]


@pytest.mark.usefixtures("_tracing")
@pytest.mark.parametrize(("error", "after"), [("EIO", 5), ("ENOSPC", 9)])
async def test_the_disk_fails_in_the_middle_of_an_incident(town: Town, error: str, after: int) -> None:
    """Some intents and outcomes are written, others are not: in the end everybody has heard, once."""
    town.channels("facebook-page", "email", "statuspage", "press-desk")
    await town.start()
    await town.all_up()
    async with failing_disk(town, error, "fdatasync", after=after):
        await town.declare("down")
        await town.hears("store_trouble")
    await town.phases("holding", email="sent", statuspage="sent", press_desk="sent")
    await town.declare("up")
    await town.over()
    number = town.told()["statuspage"][0].removesuffix("H")
    assert town.heard(f"{number}H") == town.heard(f"{number}W") - {"facebook-page"}


@pytest.mark.usefixtures("_tracing")
async def test_killed_while_the_disk_fails(town: Town) -> None:
    """A commit that failed may be found whole after a death, or not at all: either way everybody hears, once."""
    town.channels("facebook-page", "email", "statuspage", "press-desk")
    await town.start()
    await town.all_up()
    async with failing_disk(town, "EIO", "fdatasync", after=7):
        await town.declare("down")
        await town.hears("store_trouble")
        await town.kill()
    await town.start()
    await town.phases("holding", email="sent", statuspage="sent", press_desk="sent")
    await town.declare("up")
    await town.over()
    assert town.heard("1W") == town.heard("1H") | {"facebook-page"}


@pytest.mark.usefixtures("_tracing")
async def test_started_on_a_disk_without_room(town: Town) -> None:
    """It says so and ends with 75, so that systemd tries again; what was owed is told when there is room."""
    town.channels("facebook-page", "blog")
    town.config["sign_off"] = {"holding": "veto", "veto_for": "2s"}
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.kill()
    full = [word for suffix in ("", "-wal", "-journal") for word in ("-P", f"{town.database}{suffix}")]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", *full, "-e", "inject=pwrite64:error=ENOSPC"]
    await town.launch([*strace, sys.executable, "-m", "failover", "run", "--config", str(town.file), "--log", "json"])
    assert await town.ended() == 75
    assert "full" in town.journal("store_trouble")[-1]["reason"]
    assert town.silent
    await town.start()
    await town.phases("holding", blog="sent")
    await town.stop()


# -- a stopped journal ---------------------------------------------------------------------------------------

HUNG = """\
import os, socket, sys
os.makedirs("/run/systemd/journal")
deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
deaf.bind("/run/systemd/journal/socket")
deaf.set_inheritable(True)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Becomes the daemon, and keeps open a socket of the journal that nobody reads."""


@pytest.mark.root
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can give it a journal of its own"
)
async def test_a_journal_that_does_not_read(town: Town) -> None:
    """O5: outage and recovery are told as ever, `status` answers, and the stop is prompt."""
    town.channels("facebook-page", "blog", "statuspage")
    town.write()
    alone = ["unshare", "--mount", "--", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh"]
    daemon = ["-m", "failover", "run", "--config", str(town.file), "--log", "journal"]
    await town.launch([*alone, sys.executable, "-c", HUNG, *daemon])
    await town.all_up()
    await town.internet.outage_of_2021()
    await town.phases("holding", blog="sent", statuspage="sent")
    await town.internet.recovery()
    await town.over()
    assert town.heard("1W") == {"blog", "statuspage", "facebook-page"}
    assert await town.stop(5.0) == 0


# -- a clock that is set -------------------------------------------------------------------------------------


@pytest.mark.skipif(not FAKETIME.exists(), reason="libfaketime is not installed (Debian: apt install faketime)")
@pytest.mark.parametrize("seconds", [DAY, -DAY], ids=["a day ahead", "a day back"])
async def test_the_wall_clock_is_set_in_the_middle_of_an_incident(town: Town, seconds: float) -> None:
    """Once while people may still object, once back again while Telegram is silent: all goes on as before.

    Nothing leaves early or becomes too late, nothing is said again, and a row in doubt is looked for.
    """
    town.channels("facebook-page", "telegram", "statuspage", "press-desk")
    town.config["channels"]["telegram"]["timeout"] = "2s"
    town.config["sign_off"] = {"holding": "veto", "veto_for": "3s"}
    clock = town.folder / "clock"
    clock.write_text("+0\n")
    town.env |= {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.internet.outage_of_2021()
    await town.hears("statement_waiting")
    clock.write_text(f"{seconds:+.0f}\n")
    stepped = await town.hears("clock_stepped")
    assert abs(float(stepped["seconds"]) - seconds) < 5.0
    assert town.silent
    await town.phases("holding", telegram="sending", statuspage="sent", press_desk="sent")
    clock.write_text("+0\n")
    await town.hears("clock_stepped", times=2)
    await town.hears("delivery_found", channel="telegram")
    assert town.heard("1H") == {"telegram", "statuspage", "press-desk"}
    await town.internet.recovery()
    await town.over()
    assert town.heard("1W") == {"telegram", "statuspage", "press-desk", "facebook-page"}
    assert len(town.journal("incident_opened")) == len(town.journal("incident_closed")) == 1
    assert await town.stop() == 0
