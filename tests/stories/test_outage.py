"""The story the daemon is for: a platform goes dark, people are told elsewhere, and welcomed back."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from failover.practice.internet import SUBSCRIBERS
from tests.stories.town import Town, environment

EVERYWHERE = {
    "telegram", "blog", "statuspage", "press-desk", *(f"email to {one}" for one in SUBSCRIBERS),
}  # fmt: skip


async def test_the_demo_plays_4_october_2021_in_under_a_minute_and_tells_one_incident(tmp_path: Path) -> None:
    """`failover demo` on any machine: exit code 0, one incident, each channel told once and welcomed back once."""
    command = [sys.executable, "-m", "failover", "demo", "--folder", str(tmp_path / "demo")]
    async with asyncio.timeout(60):
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=environment(), stdout=PIPE, stderr=STDOUT
        )
        output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    assert set(re.findall(r"Incident (\d+) is open", output)) == {"1"}
    assert "One incident, told once and welcomed back once on every channel." in output
    assert not re.search(r"Traceback|An error that nobody expected|practice-page-token", output)


async def test_an_outage_is_told_once_on_every_backup_and_so_is_its_end(whole_town: Town) -> None:
    """The whole way: up, suspect, down, told, recovering, up, welcomed back; the primary hears the end only."""
    town = whole_town
    await town.start()
    await town.all_up()
    await town.internet.outage_of_2021()
    await town.until("all have heard", lambda _data: town.heard("1H") == EVERYWHERE)
    await town.internet.recovery()
    await town.over()
    assert town.heard("1W") == EVERYWHERE | {"facebook-page"}
    assert await town.stop() == 0
