"""What must never be told: our own dead line, our own expired token, one noisy source (rules R1 to R4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from failover.practice.graph import graph_error
from failover.practice.statuspage import Mode, StatuspageService
from failover.practice.web import LOGIN_PAGE, RawService, WebService
from tests.stories.town import Town, sources, states


async def test_our_own_line_is_dead_and_comes_back(town: Town) -> None:
    """Everything refuses, the anchors too: OFFLINE, no word anywhere, then all is up again and still no word."""
    await town.start()
    await town.all_up()
    for service in town.internet.services:
        await service.refuse()  # type: ignore[attr-defined]
    data = await town.until("it is offline", lambda data: data["offline"])
    assert data["line"].startswith("OFFLINE, the sources decide nothing")
    await town.looks(4)
    shown = await town.command("status")
    assert "OFFLINE: 0 of 3 anchors answer. The sources decide nothing until our own line works." in shown.out
    for service in town.internet.services:
        await service.start()  # type: ignore[attr-defined]
    await town.hears("came_online")
    await town.all_up()
    await town.looks(4)
    assert town.silent
    assert not town.journal("platform_down")
    assert not town.journal("incident_opened")


@pytest.mark.parametrize("portal", ["captive_portal", "foreign_page"])
async def test_a_login_page_stands_between_us_and_the_internet(town: Town, portal: str) -> None:
    """The box of a hotel answers for everybody: whatever is seen from here is worthless while the anchors say so."""
    await town.start()
    await town.all_up()
    for anchors in town.internet.anchors:
        getattr(anchors, portal)()
    town.internet.fronts["facebook"].put("/", LOGIN_PAGE, 503)
    town.internet.graph.trouble = graph_error(2, "Service temporarily unavailable", transient=True, status=503)
    town.internet.crowd.set("danger", last_15=98_000)
    await town.until("it is offline", lambda data: "login page" in data["offline"])
    await town.looks(4)
    assert states(await town.status())["facebook"] in ("up", "suspect")
    town.internet.graph.trouble = None
    town.internet.crowd.set("success")
    town.internet.fronts["facebook"].put("/", "<html><body>Log in</body></html>")
    for anchors in town.internet.anchors:
        anchors.well()
    await town.hears("came_online")
    await town.all_up()
    assert town.silent
    assert not town.journal("incident_opened")


async def test_our_own_token_has_expired(town: Town) -> None:
    """Graph error 190: an alarm about the account, once, and not a word about Facebook to anybody."""
    await town.start()
    await town.all_up()
    town.internet.graph.trouble = graph_error(190, "Error validating access token: Session has expired", 463)
    alarm = await town.hears("account_trouble", platform="facebook")
    assert "token" in alarm["reason"]
    await town.looks(4)
    assert len(town.journal("account_trouble")) == 1
    assert states(await town.status())["facebook"] == "up"
    assert not town.journal("platform_suspect")
    town.internet.graph.trouble = None
    await town.hears("account_well")
    assert town.silent


async def test_our_own_tokens_were_never_right(town: Town) -> None:
    """What the services answer quotes the wrong token: told is the trouble, never the token (rules R2 and S7)."""
    town.channels("facebook-page", "telegram", "blog", "press-desk")
    for name in ("facebook-token", "telegram-token", "wordpress-password"):
        file = town.folder / name
        file.write_text(f"{file.read_text().strip()}-of-last-year\n")
    await town.start()
    await town.hears("account_trouble", platform="facebook")
    for channel in ("facebook-page", "telegram", "blog"):
        await town.hears("channel_unable", channel=channel)
    await town.command("status")
    await town.command("check")
    assert states(await town.status())["facebook"] == "up"
    assert town.silent


async def test_one_noisy_source_alone_is_a_suspicion(town: Town) -> None:
    """Downdetector for everybody at once, then the status page alone: SUSPECT, more looks, and nothing is said."""
    await town.start()
    await town.all_up()
    for slug in ("facebook", "instagram", "whatsapp"):
        town.internet.crowd.set("danger", last_15=98_000, slug=slug)
    await town.state("facebook", "suspect")
    await town.looks(4)
    assert states(await town.status())["facebook"] == "suspect"
    town.internet.crowd.set("success")
    await town.state("facebook", "up")
    town.internet.metastatus.set("facebook", "major_outage")
    await town.state("facebook", "suspect")
    await town.looks(4)
    assert states(await town.status())["facebook"] == "suspect"
    town.internet.metastatus.set("facebook", "operational")
    await town.state("facebook", "up")
    assert town.silent
    assert not town.journal("incident_opened")


@asynccontextmanager
async def _misbehaving_pages() -> AsyncIterator[dict[str, str]]:
    """What can stand at the address of a status page, by the word for it."""
    garbage = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"page": \xff'
    drip = RawService(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{" + b" ", repeat=0, pause=0.3)
    async with AsyncExitStack() as stack:
        marketing = await stack.enter_async_context(StatuspageService(["facebook"]))
        marketing.mode = Mode.MARKETING
        somebody = await stack.enter_async_context(StatuspageService(["Messaging"]))
        blocked, loop = [await stack.enter_async_context(WebService()) for _ in range(2)]
        blocked.put("/api/v2/summary.json", "<h1>Checking your browser</h1>", 403)
        loop.redirect("/api/v2/summary.json", "/api/v2/summary.json")
        raw = await stack.enter_async_context(RawService(garbage))
        dripping = await stack.enter_async_context(drip)
        yield {
            "a page of marketing": marketing.url,
            "no such component": somebody.url,
            "403": blocked.url,
            "a redirect loop": loop.url,
            "garbage": raw.url,
            "a slow drip": dripping.url,
        }


async def test_a_status_page_that_turns_into_something_else_tells_nothing(town: Town) -> None:
    """HTML, 403, garbage, a drip, a redirect loop, another's page: unknown, reported once, and never a vote."""
    async with _misbehaving_pages() as pages:
        town.probes("facebook", "web")
        for url in pages.values():
            probe = {"kind": "statuspage", "url": url, "components": ["facebook"], "every": "1s"}
            town.config["platforms"]["facebook"]["probes"].append(probe)
        names = ["statuspage", *(f"statuspage-{number}" for number in range(2, len(pages) + 1))]
        await town.start()
        await town.until("all have been looked at", lambda data: set(names) <= sources(data, "facebook").keys())
        prompt = [name for name, page in zip(names, pages, strict=True) if page != "a slow drip"]
        for name in prompt:
            await town.hears("source_unknown", probe=name)
        found = sources(await town.status(), "facebook")
        assert {found[name]["signal"] for name in names} == {"unknown"}
        assert states(await town.status())["facebook"] == "up"
        assert [len(town.journal("source_unknown", probe=name)) for name in prompt] == [1] * len(prompt)
        assert town.silent
