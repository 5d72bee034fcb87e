"""March 2019: for half a day the Page could be read, and nothing could be posted (rule R5)."""

from __future__ import annotations

from failover.practice.graph import graph_error
from tests.stories.town import Town, sources, states


async def test_reading_works_and_posting_does_not(town: Town) -> None:
    """The test post fails in the platform's own words: a vote of its own class, and no recovery while it lasts."""
    (account,) = [one for one in town.config["platforms"]["facebook"]["probes"] if one["kind"] == "account"]
    account["canary"] = True
    graph = town.internet.graph
    graph.write_trouble = graph_error(2, "Service temporarily unavailable", transient=True, status=500)
    await town.start()

    data = await town.state("facebook", "suspect")
    seen = sources(data, "facebook")["account"]
    assert (seen["signal"], seen["evidence"]) == ("down", "spoken")
    assert "a test post could not be made" in seen["reason"]
    assert town.silent

    town.internet.crowd.set("danger", last_15=98_000)
    await town.until("the backups have heard", lambda _data: "telegram" in town.heard("1H"))
    town.internet.crowd.set("success")
    await town.looks(2)
    assert states(await town.status())["facebook"] == "down"

    graph.write_trouble = None
    await town.over()
    assert all("Test of the failover service" not in text for text in graph.visible())
    assert not [post for post in graph.posts.values() if not post.is_published]
