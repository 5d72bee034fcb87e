"""The configuration changes, is wrong, or is wrong after a crash (rules O1 and O3)."""

from __future__ import annotations

import asyncio
import re
import signal

from failover.practice.http import Fault
from tests.stories.town import Town, states

PLACE = re.compile(r"config\.yaml:\d+:\d+: ")


def _break(town: Town) -> None:
    """Three mistakes, as people make them."""
    town.write()
    text = town.file.read_text().replace("kind: wordpress", "kind: wordpres").replace("every: 1s", "every: 1 s", 1)
    town.file.write_text(text + "chanels: {}\n")


async def test_a_wrong_configuration_changes_nothing_and_a_right_one_is_in_force(town: Town) -> None:
    """`failover reload` fails with every place and the old one stays; then a new channel is used.  So does SIGHUP."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    town.channels("facebook-page", "blog", "statuspage")
    _break(town)
    told = await town.command("reload")
    assert told.code == 1
    assert told.err.startswith("failover reload: the old configuration stays in force:\n")
    assert len(PLACE.findall(told.err)) == 3, told.err
    assert "did you mean" in told.err
    town.signal(signal.SIGHUP)
    await town.hears("config_rejected", times=2)
    assert [one["name"] for one in (await town.status())["channels"]] == ["facebook-page", "blog"]
    town.write()
    told = await town.command("reload")
    assert (told.code, told.out) == (0, f"{town.file} is in force.\n")
    town.channels("facebook-page", "blog", "statuspage", "press-desk")
    town.write()
    town.signal(signal.SIGHUP)
    await town.hears("config_loaded", times=2)
    await town.declare("down")
    await town.phases("holding", blog="sent", statuspage="sent", press_desk="sent")


async def test_a_reload_in_the_middle_of_an_outage_neither_forgets_nor_repeats(town: Town) -> None:
    """While a channel hangs and looks hang: what was under way is found, and there is one incident, not two."""
    town.channels("facebook-page", "telegram", "blog")
    town.config["judgement"]["confirm"] = {"for": "4s"}
    await town.start()
    await town.all_up()
    await town.hang(town.internet.fronts["facebook"])
    town.internet.crowd.set("danger", last_15=98_000)
    await town.internet.graph.refuse()
    await town.state("facebook", "suspect")
    assert (await town.command("reload")).code == 0
    assert not town.journal("incident_opened")
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.phases("holding", telegram="sending", blog="sent")
    assert (await town.command("reload")).code == 0
    await town.hears("delivery_found", channel="telegram")
    await town.phases("holding", telegram="sent", blog="sent")
    assert not town.journal("went_offline")
    await town.kill()
    town.internet.fronts["facebook"].heal()
    await town.internet.graph.start()
    town.internet.crowd.set("success")
    await town.start()
    await town.over()
    assert [one["incident"] for one in town.journal("incident_opened")] == ["1"]
    assert town.heard("1W") == {"telegram", "blog", "facebook-page"}


async def test_told_to_stop_in_the_middle_of_a_reload(town: Town) -> None:
    """And told to reload many times at once before: no look meets what is gone, and the end is in time and quiet."""
    town.channels("facebook-page", "telegram", "blog")
    await town.start()
    await town.all_up()
    for times in range(1, 21):
        town.signal(signal.SIGHUP)
        await town.hears("config_loaded", times=times)
    assert not town.journal("went_offline")
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.declare("down")
    await town.phases("holding", telegram="sending", blog="sent")
    answer, line = await asyncio.open_unix_connection(town.config["control"])
    line.write(b'{"do": "reload"}\n')
    await town.looks(1)
    assert await town.stop(5.0) == 0
    assert b"the daemon is about to stop" in await answer.readline()
    line.close()


async def test_a_wrong_configuration_at_the_start_is_told_whole_and_nothing_starts(town: Town) -> None:
    """Exit code 78, every problem on a line of its own with its place, no traceback, no database."""
    _break(town)
    checked = await town.command("check")
    assert checked.code == 78
    await town.launch_run()
    assert await town.ended() == 78
    problems = [one["message"] for one in town.journal("config_problem")]
    assert len(problems) == 3
    assert all(PLACE.search(problem) for problem in problems)
    assert len(PLACE.findall(checked.err)) == 3
    assert not town.database.exists()


async def test_after_a_crash_the_last_good_configuration_keeps_watch(town: Town) -> None:
    """Twice in a row, for who crashes once often crashes again; after an orderly stop it does not start."""
    state = town.folder / "state"
    state.mkdir()
    town.env["STATE_DIRECTORY"] = str(state)
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    _break(town)
    for times in (1, 2):
        await town.kill()
        await town.launch_run()
        await town.hears("last_good_config_used", times=times)
        await town.until("it watches", lambda data: states(data)["facebook"] == "up")
    await town.declare("down")
    await town.phases("holding", blog="sent")
    assert (await town.command("reload")).code == 1
    assert await town.stop() == 0
    await town.launch_run()
    assert await town.ended() == 78
    assert len(town.journal("last_good_config_used")) == 2
