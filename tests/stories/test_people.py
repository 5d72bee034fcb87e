"""What people say counts: declare, sign off, object, pause, and decide what nobody else can."""

from __future__ import annotations

import pytest

from failover.practice.http import Fault
from tests.stories.town import Town, marks, rows, states


async def test_a_person_declares_how_it_is(town: Town) -> None:
    """A word alone is enough to tell, whatever the sources say; `auto` leaves it to them again, `up` ends it."""
    town.channels("facebook-page", "blog", "statuspage")
    await town.start()
    await town.all_up()
    slip = await town.command("declare", "facebok", "down")
    assert (slip.code, slip.err) == (1, "failover declare: there is no platform 'facebok'; did you mean facebook?\n")
    none = await town.command("declare", "facebook", "auto")
    assert (none.code, none.err) == (1, "failover declare: nothing is declared about facebook\n")
    said = await town.command("declare", "facebook", "down", "--because", "our page shows nothing")
    assert (said.code, said.out) == (0, "facebook is declared down; its state is now down.\n")
    await town.phases("holding", blog="sent", statuspage="sent")
    assert (await town.command("status")).out.count("declared down by") == 1
    entry = town.journal("operator_declared")[0]
    assert entry["by"]
    assert entry["reason"] == "our page shows nothing"
    assert (await town.command("declare", "facebook", "auto")).code == 0
    await town.over()
    assert town.heard("1W") == {"blog", "statuspage", "facebook-page"}


async def test_a_person_declares_it_up_although_the_sources_say_otherwise(town: Town) -> None:
    """`up` ends an outage at once, for good, and without a second word while the sources still complain."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    await town.internet.outage_of_2021()
    await town.phases("holding", blog="sent")
    said = await town.command("declare", "facebook", "up")
    assert (said.code, said.out) == (0, "facebook is declared up; its state is now up.\n")
    await town.looks(3)
    assert states(await town.status())["facebook"] == "up"
    assert town.heard("1W") <= {"blog", "facebook-page"}
    await town.internet.recovery()
    await town.hears("declaration_ended")
    await town.until("all are welcomed back", lambda _data: town.heard("1W") == {"blog", "facebook-page"})


async def test_nothing_is_said_while_paused_and_what_is_still_true_is_said_afterwards(town: Town) -> None:
    """A pause outlives a restart; the outage is watched all the same."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    assert (await town.command("pause", "--because", "rehearsal")).code == 0
    assert (await town.command("pause")).code == 1
    await town.internet.outage_of_2021()
    await town.state("facebook", "down")
    await town.looks(3)
    await town.kill()
    await town.start()
    data = await town.until("the outage is seen anew", lambda data: states(data)["facebook"] == "down")
    assert data["paused_by"]
    await town.looks(3)
    assert town.silent
    assert "nothing is said in public until `failover resume`" in (await town.command("status")).out
    assert (await town.command("resume")).out == "The daemon speaks again.\n"
    await town.phases("holding", blog="sent")
    assert (await town.command("resume")).err == "failover resume: it is not paused\n"


async def test_nothing_goes_out_before_somebody_has_approved(town: Town) -> None:
    """sign_off required: it waits, the status tells the very command, and the approval releases it."""
    town.channels("facebook-page", "blog", "statuspage")
    town.config["sign_off"] = {"holding": "required"}
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.hears("statement_waiting", statement="holding", statement_id="1H")
    await town.looks(3)
    assert town.silent
    shown = (await town.command("status")).out
    assert "1H waits for sign-off (required): failover approve 1H (or: veto 1H)" in shown
    assert (await town.command("approve", "2H")).err.startswith("failover approve: there is no statement 2H")
    assert (await town.command("approve", "1H")).out == "1H is approved and goes out now.\n"
    await town.phases("holding", blog="sent", statuspage="sent")
    assert (await town.command("approve", "1H")).code == 1
    late = await town.command("veto", "1H", "--because", "wrong words")
    assert late.code == 1
    assert "1H is public already on blog, statuspage; `failover retract 1` takes it back" in late.err


async def test_an_approval_that_comes_after_the_recovery_says_nothing(town: Town) -> None:
    """sign_off required: the outage is over before somebody approves, and who approves then is told so."""
    town.channels("facebook-page", "blog")
    town.config["sign_off"] = {"holding": "required"}
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.hears("statement_waiting", statement_id="1H")
    await town.declare("up")
    await town.over()
    late = await town.command("approve", "1H")
    assert late.code == 1
    assert late.err == "failover approve: nothing of 1H is left to be said\n"
    assert town.silent


async def test_an_objection_in_time_stops_a_statement_for_good(town: Town) -> None:
    """sign_off veto: somebody objects before the delay is over, so nothing is said, neither now nor at the end."""
    town.channels("facebook-page", "blog", "statuspage")
    town.config["sign_off"] = {"holding": "veto", "veto_for": "1m"}
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.hears("statement_waiting", mode="veto")
    assert (await town.command("veto", "1H", "--because", "it is our own fault")).out == "1H is stopped.\n"
    assert (await town.command("veto", "1H")).code == 1
    await town.looks(3)
    await town.declare("up")
    await town.over()
    assert town.silent
    assert town.journal("statement_vetoed")[0]["reason"] == "it is our own fault"


async def test_without_an_objection_it_goes_out_after_the_delay(town: Town) -> None:
    """sign_off veto: silence is consent, once the time is over."""
    town.channels("facebook-page", "blog")
    town.config["sign_off"] = {"holding": "veto", "veto_for": "2s"}
    await town.start()
    await town.all_up()
    await town.declare("down")
    waiting = await town.hears("statement_waiting", mode="veto")
    assert waiting["until"].endswith(" UTC")
    assert town.silent
    await town.phases("holding", blog="sent")


@pytest.mark.parametrize(
    ("fault", "answer"), [(Fault.HANG_AFTER, "sent"), (Fault.HANG_BEFORE, "not-sent")], ids=["sent", "not-sent"]
)
async def test_a_person_decides_where_nobody_else_can_tell(town: Town, fault: Fault, answer: str) -> None:
    """A private chat cannot be read back: an unclear send is held for a person, and their word is acted upon once."""
    town.channels("facebook-page", "telegram", "blog")
    town.config["routes"][0]["reach"] = 1
    chat = town.config["channels"]["telegram"]
    del chat["preview_url"]
    chat["timeout"] = "1s"
    chat["chat"] = town.internet.telegram.operators.id
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(fault, path="sendMessage")
    await town.declare("down")
    await town.phases("holding", telegram="unsure", blog="sent")
    await town.kill()
    town.later(700)
    await town.start()
    held = rows(await town.phases("holding", telegram="held"), "holding")["telegram"]
    shown = await town.command("status")
    assert f"a person must look: failover resolve {held['id']} sent|not-sent" in shown.out
    assert (await town.command("resolve", "1H-blog", "sent")).code == 1
    assert (await town.command("resolve", held["id"], answer)).code == 0
    await town.phases("holding", telegram="sent")
    await town.declare("up")
    await town.over()
    posts = [post.text for post in town.internet.telegram.operators.posts.values() if not post.service]
    assert [marks(post) for post in posts] == [["1H"], ["1W"]]
