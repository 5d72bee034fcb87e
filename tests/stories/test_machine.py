"""The machine it runs on: a second daemon, no daemon, a damaged file, a full disk, no internet at all."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from failover.control import Control, Request
from failover.practice.http import Fault
from failover.practice.web import WebService
from tests.stories.town import HOUSE, Town


async def test_a_second_daemon_gives_way(town: Town) -> None:
    """The same database, or another one but the same socket: exit code 75 and why; the first notices nothing."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    second = await town.command("run", "--log", "console")
    assert second.code == 75
    assert "another failover daemon uses it; stop that one, or set `state:` for this one" in second.err
    assert "Traceback" not in second.err
    other = town.folder / "other.yaml"
    other.write_text(town.file.read_text().replace("failover.db", "other.db"))
    third = await town.command("run", "--log", "console", config=other)
    assert third.code == 75
    assert "another failover daemon listens there; see `control:` in" in third.err
    await town.declare("down")
    await town.phases("holding", blog="sent")


@pytest.mark.parametrize(
    ("state", "control"),
    [("data/failover.db # here", None), ("sqlite:data/failover.db", "data/speak.sock")],
    ids=["beside the state", "where it is told"],
)
async def test_the_daemon_is_found_from_any_folder(town: Town, state: str, control: str | None) -> None:
    """Relative paths are taken from the folder of the configuration, by the commands as by the daemon."""
    (town.folder / "data").mkdir()
    town.channels("facebook-page", "blog")
    for name in ("state", "control"):
        del town.config[name]
    town.write()
    lines = [f"state: {state}", *([f"control: {control}"] if control else []), town.file.read_text()]
    town.file.write_text("\n".join(lines))
    town.config["state"] = str(town.folder / "data" / "failover.db")
    await town.launch_run()
    await town.hears("platform_up")
    elsewhere = town.folder / "elsewhere"
    elsewhere.mkdir()
    assert (await town.command("status", folder=elsewhere)).code == 0
    assert await town.stop() == 0
    stopped = await town.command("status", folder=elsewhere)
    assert stopped.code == 3
    assert "When it stopped:" in stopped.out


async def test_a_folder_that_is_not_there_is_told_in_one_sentence(town: Town) -> None:
    """Neither for the database nor for the socket: exit code 75 and where to look, no traceback."""
    town.config["state"] = str(town.folder / "missing" / "failover.db")
    await town.start(ready=False)
    assert await town.ended() == 75
    assert "is its folder there and writable?" in town.journal("store_trouble")[0]["reason"]
    town.config["state"] = str(town.folder / "failover.db")
    town.config["control"] = str(town.folder / "missing" / "control.sock")
    await town.start(ready=False)
    assert await town.ended() == 75
    reason = town.journal("person_needed")[0]["reason"]
    assert "missing/control.sock" in reason
    assert f"see `control:` in {town.file}" in reason


async def test_status_of_a_daemon_that_is_not_running(town: Town) -> None:
    """Useful words and exit code 3: never started, killed in the middle of an outage, stopped in order."""
    town.channels("facebook-page", "blog")
    town.write()
    never = await town.command("status")
    assert never.code == 3
    assert never.err.startswith("failover is not running: nobody answers at ")
    assert "failover run --config FILE" in never.err
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", blog="sent")
    await town.kill()
    dead = await town.command("status")
    assert dead.code == 3
    assert "When it stopped:" in dead.out
    assert "facebook  DOWN" in dead.out
    assert (await town.command("status", "--json")).out.startswith('{"running": false')
    assert (await town.command("pause")).code == 3
    await town.start()
    await town.state("facebook", "down")
    assert await town.stop() == 0
    assert "facebook  DOWN" in (await town.command("status")).out


async def test_a_damaged_database_is_set_aside_and_nothing_is_said_before_a_person_has_looked(town: Town) -> None:
    """Nobody knows any more what was said: the new file begins paused, also through an outage, until `resume`."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", blog="sent")
    await town.declare("up")
    await town.over()
    await town.stop()
    with town.database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 8192)
    await town.start()
    assert [path.name.rpartition("-")[0] for path in town.folder.glob("failover.db.*")] == ["failover.db.damaged"]
    await town.hears("person_needed")
    before = town.told()
    await town.internet.outage_of_2021()
    data = await town.state("facebook", "down")
    assert data["paused_by"] == "failover (the database was damaged)"
    await town.looks(2)
    assert town.told() == before
    town.internet.blog.posts.clear()  # a person has looked, and made room
    assert (await town.command("resume")).code == 0
    await town.phases("holding", blog="sent")


async def test_somebody_elses_database_is_left_alone(town: Town) -> None:
    """A file of another program: exit code 75, a clear word, and not a byte of it is changed."""
    with closing(sqlite3.connect(town.database)) as theirs:
        theirs.execute("CREATE TABLE theirs (x)")
    before = town.database.read_bytes()
    await town.start(ready=False)
    assert await town.ended() == 75
    assert "a database of another program" in town.journal("store_trouble")[0]["reason"]
    assert town.database.read_bytes() == before
    town.database.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB: room enough for the write-ahead log, which is 4 MB before SQLite begins anew."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.root
async def test_a_full_disk_silences_it_loudly_and_it_speaks_when_there_is_room_again(
    small_disk: Path, town: Town
) -> None:
    """What cannot be written down is not sent: the trouble is told once, and the outage when it can be written."""
    town.channels("facebook-page", "blog")
    town.config["state"] = str(small_disk / "failover.db")
    await town.start()
    await town.all_up()
    ballast = small_disk / "ballast"
    _fill(ballast)
    await town.internet.outage_of_2021()
    await town.hears("store_trouble")
    await town.looks(2)
    assert town.silent
    assert len(town.journal("store_trouble")) == 1
    ballast.unlink()
    await town.phases("holding", blog="sent")
    assert len(town.journal("store_well")) == 1
    await town.internet.recovery()
    await town.over()
    await town.stop()


@pytest.mark.root
async def test_the_disk_is_full_when_the_answer_should_be_written_down(small_disk: Path, town: Town) -> None:
    """Telegram has it and the outcome is lost: when there is room again, it is looked for and not sent again."""
    town.channels("facebook-page", "telegram")
    town.config["channels"]["telegram"]["timeout"] = "2s"
    town.config["state"] = str(small_disk / "failover.db")
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.declare("down")
    await town.wait("Telegram has it", lambda: "telegram" in town.heard("1H"))
    ballast = small_disk / "ballast"
    _fill(ballast)
    await town.hears("store_trouble")
    await town.looks(2)
    ballast.unlink()
    await town.hears("delivery_found", channel="telegram")
    await town.declare("up")
    await town.over()
    await town.stop()


def _fill(file: Path) -> None:
    """To the last block that a database page could need."""
    with file.open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"\0" * 65536)


@pytest.mark.root
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can make a network of its own"
)
async def test_the_example_configuration_on_a_machine_without_internet(town: Town) -> None:
    """As it is in the repository: OFFLINE, nothing is announced, it goes on, and ends in order."""
    shutil.copy(HOUSE / "config.example.yaml", town.file)
    daemon = [sys.executable, "-m", "failover", "run", "--config", str(town.file), "--log", "json"]
    await town.launch(["unshare", "--net", "--", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *daemon])
    await town.hears("went_offline", reason="0 of 3 anchors answer")
    shown = await town.command("status")
    assert shown.code == 0
    assert shown.out.startswith("OFFLINE, the sources decide nothing")
    assert not town.journal("incident_opened")
    second = await town.command("status", "--json")
    assert not [one for one in json.loads(second.out)["platforms"] if one["state"] != "unknown"]
    assert not list((town.folder / "public").glob("statements/*"))
    assert await town.stop(5.0) == 0


async def test_a_source_that_hangs_is_told_once_and_disturbs_nobody(town: Town) -> None:
    """Two sources never answer: the others go on, an outage is told in time, the stop is prompt and clean."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    await town.hang(town.internet.fronts["facebook"])
    await town.hang(town.internet.metastatus)
    town.internet.crowd.set("danger", last_15=98_000)
    await town.internet.graph.refuse()
    await town.phases("holding", blog="sent")
    assert await town.stop(5.0) == 0
    assert not town.journal("library_spoke")


async def test_the_heartbeat_is_told_only_when_it_fails_and_when_it_is_back(town: Town) -> None:
    """O6: the address is called while all is well; its trouble is told once, its end once, at the start nothing."""
    town.channels("facebook-page", "blog")
    async with WebService() as watcher:
        watcher.put("/ping")
        town.config["heartbeat"] = {"url": f"{watcher.url}/ping", "every": "1s"}
        await town.start()
        await town.wait("it beats", lambda: len(watcher.requests) >= 2)
        assert not town.journal("heartbeat_back")
        watcher.put("/ping", "no", 500)
        await town.hears("heartbeat_failed")
        watcher.put("/ping")
        await town.hears("heartbeat_back")
    assert len(town.journal("heartbeat_failed")) == 1


async def test_a_channel_that_could_not_post_is_asked_again_soon(town: Town) -> None:
    """What `status` says of a channel is not left from an outage that is over; told is each change, once."""
    town.channels("facebook-page", "blog")
    await town.internet.blog.refuse()
    await town.start()
    await town.hears("channel_unable", channel="blog")
    assert "blog           NO" in (await town.command("status")).out
    await town.internet.blog.start()
    await town.hears("channel_able", channel="blog")
    assert len(town.journal("channel_unable", channel="blog")) == 1


async def test_who_talks_nonsense_to_the_socket_disturbs_nobody(town: Town) -> None:
    """Nothing, garbage, too much, too little: each is answered or cut off, and the end is prompt and quiet."""
    town.channels("facebook-page", "blog")
    await town.start()
    sayings = (b"", b"garbage\n", b"x" * 2_000_000, b'{"do": "declare"}\n', b"[1]\n")
    callers = [await asyncio.open_unix_connection(town.config["control"]) for _ in sayings]
    for said, (_, line) in zip(sayings, callers, strict=True):
        line.write(said)
    answers = [await callers[number][0].readline() for number in (1, 3, 4)]
    for answer, words in zip(answers, ("not a line of JSON", "the request lacks", "unknown request"), strict=True):
        assert words in answer.decode()
    assert await town.stop(5.0) == 0
    for _, line in callers:
        line.close()


async def test_who_asks_for_what_fails_unexpectedly_is_told_so(tmp_path: Path) -> None:
    """A bug behind the control socket is an answer to who asked and a trace in the journal, never a dropped line."""
    traces: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: traces.append(context))

    async def fails(_request: Request, _by: str) -> object:
        return 1 / 0

    control = Control(tmp_path / "control.sock", {"divide": fails})
    await control.start()
    answer, line = await asyncio.open_unix_connection(tmp_path / "control.sock")
    line.write(b'{"do": "divide"}\n')
    told = json.loads(await answer.readline())
    assert told == {"ok": False, "text": "this failed unexpectedly (ZeroDivisionError); see the journal"}
    assert isinstance(traces[0]["exception"], ZeroDivisionError)
    line.close()
    await control.stop()
