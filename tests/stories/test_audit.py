"""`failover audit`: who did and said what, while the daemon runs and after it, and what was done to the record."""

from __future__ import annotations

import asyncio
import getpass
import json
import signal
import sqlite3
import time
from contextlib import closing
from typing import Any

from failover.audit import Head, sealed
from failover.store import Store
from tests.stories.town import Town


async def trail(town: Town, *words: str) -> dict[str, Any]:
    told = await town.command("audit", "--json", *words)
    found: dict[str, Any] = json.loads(told.out)
    assert told.code == (0 if found["whole"] else 1), told.err
    return found


def tamper(town: Town, change: str) -> None:
    with closing(sqlite3.connect(town.database)) as database, database:
        database.execute(change)


async def test_every_fact_and_every_act_of_a_day_is_in_the_trail_with_who_and_from_where(town: Town) -> None:
    """Asked of the daemon, and read from the file when it is off: the same trail, whole both times."""
    town.channels("facebook-page", "blog", "statuspage")
    town.config["sign_off"] = {"holding": "required"}
    town.config["organisation"]["timezone"] = "Europe/Berlin"
    await town.start()
    await town.all_up()
    await town.command("pause", "--because", "rehearsal")
    await town.command("resume")
    await town.command("reload")
    town.signal(signal.SIGHUP)
    await town.hears("config_loaded", times=2)
    await town.command("declare", "facebook", "down", "--because", "our page shows nothing")
    await town.hears("statement_waiting", statement_id="1H")
    await town.command("approve", "1H")
    await town.phases("holding", blog="sent", statuspage="sent")
    await town.command("veto", "1H", "--because", "wrong words")
    shown = await town.command("audit", "--incident", "1")
    assert shown.code == 0, shown.out
    assert "1H-blog is being sent, attempt 1: “" in shown.out
    assert "was planned (required)" in shown.out
    assert " CET " in shown.out or " CEST " in shown.out
    assert "rehearsal" not in shown.out
    assert "The audit trail is whole: " in shown.out
    await town.command("retract", "1", "--because", "a false alarm")
    running = await trail(town)
    await town.stop()
    stopped = await trail(town)

    assert stopped["entries"][:-1] == running["entries"]
    events = [one["event"] for one in stopped["entries"]]
    for event in (
        "paused", "resumed", "operator_declared", "statement_planned", "statement_approved", "statement_vetoed",
        "retract_asked", "daemon_started", "daemon_stopped",
    ):  # fmt: skip
        assert events.count(event) == 1, event
    assert events.count("delivery_attempted") == events.count("delivery_sent") == 2
    assert events.count("delivery_retracted") + events.count("retract_failed") == 2
    by = [one["facts"]["by"] for one in stopped["entries"] if "by" in one["facts"]]
    people = {one.partition(",")[0].rstrip(")") for one in by}  # on a terminal, that stands behind the comma
    assert people == {f"{getpass.getuser()} (command line", "whoever sent the signal SIGHUP"}


async def test_the_digest_that_the_journal_has_of_every_start_and_stop_is_found_in_the_trail(town: Town) -> None:
    """Whoever makes the whole trail anew, head and all, is found out by what he could not reach."""
    town.channels("facebook-page", "blog")
    await town.start()
    started = (await town.hears("daemon_started"))["audit_digest"]
    await town.stop()
    stopped = (await town.hears("daemon_stopped"))["audit_digest"]
    for digest in (started, stopped):
        assert (await town.command("audit", "--verify-only", "--expect", digest)).code == 0
    kept = (await trail(town))["last"]
    assert kept["digest"] == stopped
    make_anew(town)

    assert (await town.command("audit", "--verify-only")).code == 0
    told = await town.command("audit", "--verify-only", "--expect", stopped)
    assert told.code == 1
    assert f"no entry has the digest {stopped}: since it was noted, the trail was changed or cut off" in told.out


def make_anew(town: Town) -> None:
    """A perfect forgery, as far as the file goes."""
    with closing(sqlite3.connect(town.database)) as database, database:
        one = sealed(number=1, at=1.0, event="daemon_started", facts={}, before="")
        database.execute("DELETE FROM audit")
        database.execute("INSERT INTO audit VALUES (1, 1.0, ?, ?, ?)", (one.event, one.facts, one.digest))
        head = str(Head(number=1, digest=one.digest))
        database.execute("UPDATE meta SET value = ? WHERE name = 'audit_head'", (head,))


async def test_what_was_cut_off_while_it_was_off_is_named_for_ever(town: Town) -> None:
    """By the command on the file, by the running daemon, and after a further stop; the daemon works all the same."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    await town.command("pause", "--because", "not to be known")
    await town.kill()
    last = (await trail(town))["last"]["number"]
    tamper(town, "DELETE FROM audit WHERE event = 'paused'")
    cut = await trail(town)
    assert [one["what"] for one in cut["flaws"]] == [f"entry {last} is missing"]
    await town.start()
    await town.all_up()
    assert (await town.status())["paused_by"]
    told = await town.command("audit")
    assert told.code == 1
    assert f"entry {last} is missing, so that entry {last + 1} cannot be checked" in told.out
    await town.stop()
    assert not (await trail(town, "--verify-only"))["whole"]
    town.database.unlink()  # the town looks at the trail of every story, and this one is broken on purpose


async def test_a_long_trail_is_read_from_a_running_daemon_that_goes_on_answering(town: Town) -> None:
    """Many thousand entries, in pages; meanwhile nobody waits for the daemon, and its watchdog is fed."""
    town.channels("facebook-page", "blog")
    town.write()
    Store.open(town.database).close()
    grow(town, 20_000)
    await town.start()
    reading = asyncio.create_task(town.command("audit", "--verify-only"))
    slowest, asked = 0.0, 0
    while not reading.done():
        begun = time.monotonic()
        await town.status()
        slowest, asked = max(slowest, time.monotonic() - begun), asked + 1
    told = await reading
    assert told.code == 0, told
    assert int(told.out.split()[5]) > 20_000
    assert asked > 10
    assert slowest < 5
    assert not town.journal("watchdog_starved")


def grow(town: Town, count: int) -> None:
    """So many entries, well sealed."""
    rows, before = [], ""
    for number in range(1, count + 1):
        one = sealed(number=number, at=1.0, event="said", facts={"text": "Facebook is down. " * 10}, before=before)
        before = one.digest
        rows.append((number, 1.0, one.event, one.facts, one.digest))
    with closing(sqlite3.connect(town.database)) as database, database:
        database.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", rows)
        head = str(Head(number=count, digest=before))
        database.execute("UPDATE meta SET value = ? WHERE name = 'audit_head'", (head,))


async def test_a_database_that_was_set_aside_is_the_first_thing_that_the_new_trail_tells(town: Town) -> None:
    """Or the new trail would look like the first day of a new daemon."""
    town.channels("facebook-page", "blog")
    town.database.with_name(town.database.name + ".damaged-1795000000").write_bytes(b"what was left of it")
    await town.start()
    found = (await trail(town))["entries"]

    assert [one["event"] for one in found[:3]] == ["database_set_aside", "paused", "daemon_started"]
    assert found[0]["facts"] == {"files": [town.database.name + ".damaged-1795000000"]}
