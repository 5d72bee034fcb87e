"""`failover demo`: 4 October 2021 on the practice internet, with the real daemon, in under a minute.

The daemon runs as a process of its own and knows nothing of the demo.  What each channel shows at the end is asked
of the practice services themselves; the demo fails if any of them shows anything but one holding statement and one
welcome back.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

from failover.ask import NotRunningError, ask
from failover.clock import Clock
from failover.practice.internet import PracticeInternet, configuration, practice_internet

MARK = "made-by-failover-demo"
PATIENCE = 25.0
"""Seconds that any one act of the demo may take."""

PRIMARY = "facebook-page"


class StuckError(Exception):
    """The daemon did not do what the demo waits for."""


def demo(folder: Path) -> int:
    """Play it; 0 if every channel shows what it should."""
    folder = folder.absolute()
    if not _made_ready(folder):
        print(
            f"failover demo: {folder} is not empty and not of an earlier demo; choose another --folder",
            file=sys.stderr,
        )
        return 1
    try:
        return asyncio.run(_play(folder))
    except StuckError as error:
        print(f"failover demo: {error}", file=sys.stderr)
        return 1


def _made_ready(folder: Path) -> bool:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            return False
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    return True


async def _play(folder: Path) -> int:
    config = folder / "config.yaml"
    async with practice_internet(Clock().now) as internet:
        config.write_text(configuration(internet, folder), encoding="utf-8")
        _head(
            "The daemon starts: three Meta platforms and Telegram are watched, six channels can stand in for Meta's"
        )
        print(
            "  (its own lines, by the clock of now:  * a change  ? worth reading  ! trouble  !! a person is needed)\n"
        )
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "failover", "run", "--config", str(config), stderr=PIPE
        )
        shown = asyncio.create_task(_show(daemon))
        try:
            await _acts(internet, config, daemon)
        finally:
            if daemon.returncode is None:
                daemon.terminate()
            await daemon.wait()
            await shown
        _save_mails(internet, folder / "mails")
        return _table(internet, folder)


async def _acts(internet: PracticeInternet, config: Path, daemon: Process) -> None:
    await _until(config, daemon, "everything is seen to work", lambda data: _all(data, "up") and _asked(data))
    _head("As on 4 October 2021, 15:39 UTC: Facebook, Instagram and WhatsApp vanish, and their status page with them")
    await internet.outage_of_2021()
    await _until(
        config, daemon, "the holding statement is out on every backup", lambda data: _told(data, "holding", 6)
    )
    _head("All backups have spoken. `failover status` says:")
    await _print_status(config)
    _head("As at 22:45 UTC: Meta is back")
    await internet.recovery()
    await _until(config, daemon, "everybody is welcomed back", _is_over)


async def _until(config: Path, daemon: Process, what: str, done: Callable[[dict[str, object]], bool]) -> None:
    """Ask the daemon over its control socket, as `failover status` does, until it is so."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                if daemon.returncode is not None:
                    raise StuckError(f"the daemon ended with code {daemon.returncode}")
                try:
                    if done(await asyncio.to_thread(ask, config, "status")):
                        return
                except NotRunningError:
                    pass
                await asyncio.sleep(0.25)
    except TimeoutError:
        raise StuckError(f"waited {PATIENCE:g} s until {what}") from None


def _all(data: dict[str, object], state: str) -> bool:
    return all(one["state"] == state for one in data["platforms"])  # type: ignore[attr-defined]


def _asked(data: dict[str, object]) -> bool:
    return all(one["able"] for one in data["channels"])  # type: ignore[attr-defined]


def _told(data: dict[str, object], statement: str, count: int) -> bool:
    rows = [row for incident in data["incidents"] for row in incident["deliveries"]]  # type: ignore[attr-defined]
    return len([row for row in rows if row["phase"] == "sent" and row["statement"] == statement]) == count


def _is_over(data: dict[str, object]) -> bool:
    """No incident is open and nothing is owed (then `status` lists none)."""
    return _all(data, "up") and data["incidents"] == []


async def _show(daemon: Process) -> None:
    """The daemon's own lines, as they come."""
    assert daemon.stderr is not None
    async for line in daemon.stderr:
        print("  " + line.decode("utf-8", "replace").rstrip(), flush=True)


async def _print_status(config: Path) -> None:
    command = [sys.executable, "-m", "failover", "status", "--config", str(config)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    output, _ = await process.communicate()
    print("\n".join("  " + line for line in output.decode().splitlines()), flush=True)


def _head(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def _save_mails(internet: PracticeInternet, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for number, (recipient, content) in enumerate(internet.smtp.accepted, 1):
        (folder / f"{number:02d}-{recipient}.eml").write_bytes(content)


def _table(internet: PracticeInternet, folder: Path) -> int:
    """What the public saw, channel by channel, and whether it is what it should be."""
    _head("What each channel shows its public now")
    wrong = []
    for channel, texts in internet.visible(folder / "site").items():
        expected = 1 if channel == PRIMARY else 2
        if len(texts) != expected:
            wrong.append(f"{channel} shows {len(texts)} statements, not {expected}")
        print(f"  {channel}")
        for text in texts:
            print(f"    - {' '.join(text.split())}")
    print(f"\n  The status page: {folder / 'site' / 'index.html'}")
    print(f"  The mails:       {folder / 'mails'}")
    print(f"  The record:      {folder / 'failover.db'}\n")
    print(
        "\n".join(f"  WRONG: {one}" for one in wrong)
        or "  One incident, told once and welcomed back once on every channel."
    )
    return 1 if wrong else 0
