"""What a reader with fresh eyes asked: what if the process dies, or the file changes, just there?"""

from __future__ import annotations

import signal

from tests.stories.town import Town


async def test_what_a_reload_cannot_change_is_refused_and_said_though_nobody_waits_for_an_answer(town: Town) -> None:
    """SIGHUP has nobody to answer: the journal must say that the old configuration stays in force (rule O3)."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    text = town.file.read_text()
    before = str(town.config["state"])
    town.file.write_text(text.replace(before, before + ".new"))
    town.signal(signal.SIGHUP)
    said = await town.hears("config_rejected")
    assert "cannot be changed by a reload" in said["reason"]
    town.file.write_text(text)
    assert (await town.command("reload")).code == 0


async def test_killed_right_after_a_damaged_database_was_set_aside_it_still_begins_paused(town: Town) -> None:
    """The old file has its new name, the new one is there and empty, and nobody knows what was said."""
    town.channels("facebook-page", "blog")
    aside = town.database.with_name(town.database.name + ".damaged-1795000000")
    aside.write_bytes(b"what was left of it")
    await town.start()
    assert (await town.status())["paused_by"] == "failover (the database was damaged)"
    await town.hears("person_needed")
    assert (await town.command("resume")).code == 0
    await town.stop()
    await town.start()
    assert (await town.status())["paused_by"] == ""
