"""Who stands in for whom while it happens: reach, refusals, shared fates, recovery in between, relapse."""

from __future__ import annotations

from failover.practice.graph import graph_error
from failover.practice.http import Fault, Response
from tests.stories.town import Town, phases, rows, states


async def test_a_backup_that_refuses_is_replaced_by_the_next(town: Town) -> None:
    """reach 1: Telegram does not know our token any more, so the blog is called in its place, and nobody else."""
    town.channels("facebook-page", "telegram", "blog", "statuspage")
    town.config["routes"][0]["reach"] = 1
    await town.start()
    await town.all_up()
    town.internet.telegram.token = "123456789:another-token"
    await town.declare("down")
    await town.phases("holding", telegram="refused", blog="sent", statuspage="standby")
    called = await town.hears("backup_promoted", channel="blog")
    assert "telegram" in called["message"]
    await town.declare("up")
    await town.over()
    assert town.heard("1H") == {"blog"}
    assert town.heard("1W") == {"blog", "facebook-page"}


async def test_a_backup_of_the_same_owner_is_never_asked(town: Town) -> None:
    """What belongs to the same owner is refused where it is written down, so it can never be asked."""
    town.config["platforms"]["telegram"]["group"] = "meta"
    town.write()
    checked = await town.command("check")
    assert checked.code == 78
    assert "routes[0].backups[0]: shares the fate of facebook (both belong to 'meta')" in checked.err
    await town.start(ready=False)
    assert await town.ended() == 78


async def test_a_backup_whose_own_platform_is_down_is_passed_over(town: Town) -> None:
    """reach 1 with Telegram first: it is down itself, so the blog is asked, and the reason is told."""
    town.channels("facebook-page", "telegram", "blog")
    town.config["routes"][0]["reach"] = 1
    await town.start()
    await town.all_up()
    await town.command("declare", "telegram", "down")
    await town.state("telegram", "down")
    await town.declare("down")
    data = await town.phases("holding", telegram="standby", blog="sent")
    assert rows(data, "holding")["telegram"]["reason"] == "telegram itself is down"
    await town.declare("up")
    await town.until("the welcome back is out", lambda _data: town.heard("2W") == {"blog", "facebook-page"})
    assert town.told()["telegram"] == []


async def test_what_was_not_said_in_time_is_never_said(town: Town) -> None:
    """Telegram asks us to wait for an hour; Facebook recovers first: no holding statement later, no welcome back."""
    town.channels("facebook-page", "telegram", "blog")
    await town.start()
    await town.all_up()
    wait = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after 3600"}
    wait["parameters"] = {"retry_after": 3600}
    town.internet.telegram.throttled = lambda: Response.json(wait, 429)  # type: ignore[method-assign]
    town.internet.telegram.fail(Fault.THROTTLED, path="sendMessage")
    await town.declare("down")
    await town.phases("holding", telegram="ready", blog="sent")
    await town.hears("delivery_delayed", channel="telegram")
    await town.declare("up")
    await town.hears("delivery_cancelled", channel="telegram", reason="the platform has recovered")
    await town.over()
    assert town.heard("1W") == {"blog", "facebook-page"}
    assert town.told()["telegram"] == []


async def test_a_relapse_within_the_hour_is_the_same_incident(town: Town) -> None:
    """Down, well, down, well: one holding statement, one welcome back that waits for the last recovery."""
    town.channels("facebook-page", "blog", "statuspage")
    town.config["sign_off"] = {"welcome_back": "veto", "veto_for": "3s"}
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", blog="sent", statuspage="sent")
    await town.declare("up")
    await town.hears("incident_closed")
    await town.declare("down")
    await town.hears("incident_reopened", incident="1")
    await town.declare("up")
    await town.over()
    assert town.heard("1H") == {"blog", "statuspage"}
    assert town.told()["blog"] == ["1H", "1W2"]
    assert town.told()["facebook-page"] == ["1W2"]
    assert len(town.journal("incident_opened")) == 1


async def test_a_relapse_makes_no_second_pair_and_a_second_outage_of_the_day_says_again(town: Town) -> None:
    """Welcomed back, and down again soon: the same incident, told no second time.  Two hours later: "again"."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", blog="sent")
    await town.declare("up")
    await town.over()
    await town.declare("down")
    await town.hears("incident_reopened", incident="1")
    await town.looks(2)
    await town.declare("up")
    await town.over()
    assert [one for one in town.told()["blog"] if "H" in one] == ["1H"]
    await town.stop()
    town.later(7200)
    town.internet.blog.posts.clear()
    await town.start()
    await town.declare("down")
    await town.phases("again", blog="sent")
    await town.declare("up")
    await town.over()
    number = town.journal("incident_opened")[1]["incident"]
    assert town.told()["blog"] == [f"{number}H", f"{number}W"]
    assert "again" in town.internet.blog.visible()[0]


async def test_writing_fails_while_reading_works(town: Town) -> None:
    """R5: the pages are fine, but the Graph API takes no post and the crowd complains: down for posting, and told."""
    town.channels("facebook-page", "blog")
    await town.start()
    await town.all_up()
    town.internet.graph.trouble = graph_error(2, "Service temporarily unavailable", transient=True, status=503)
    town.internet.crowd.set("danger", last_15=98_000)
    data = await town.phases("holding", blog="sent")
    assert states(data)["facebook"] == "down"
    assert phases(data, "holding") == {"blog": "sent"}
