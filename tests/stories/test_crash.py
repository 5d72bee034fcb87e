"""kill -9 at the worst moments: nothing is lost, nothing is said twice (rules D2 and D7)."""

from __future__ import annotations

import asyncio
import random
import signal
import time

from failover.practice.http import Fault
from failover.practice.internet import SUBSCRIBERS
from failover.practice.smtp import SmtpFault
from tests.stories.town import Fields, Town, phases

MAILS = {f"email to {one}" for one in SUBSCRIBERS}
PROMPT = {"statuspage", "press-desk", *MAILS}
"""Where a look tells at once whether something is public; elsewhere it may appear late, and is looked for longer."""


async def test_killed_right_after_the_channel_accepted_it_is_found_and_not_sent_again(town: Town) -> None:
    """Telegram has the post, the daemon dies before it hears so: read-back finds it; one welcome back follows."""
    town.channels("facebook-page", "telegram", "blog", "statuspage")
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.internet.outage_of_2021()
    await town.phases("holding", telegram="sending", blog="sent", statuspage="sent")
    assert "telegram" in town.heard("1H")
    await town.kill()
    await town.start()
    await town.hears("delivery_found", channel="telegram")
    await town.phases("holding", telegram="sent", blog="sent", statuspage="sent")
    await town.internet.recovery()
    await town.over()
    assert town.heard("1W") == {"telegram", "blog", "statuspage", "facebook-page"}


async def test_killed_while_every_channel_has_accepted_and_none_has_answered(town: Town) -> None:
    """All of them at once; a mail in doubt is not repeated, and its reader is welcomed back like the others."""
    town.channels("facebook-page", "telegram", "email", "blog", "press-desk")
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    town.internet.blog.fail(Fault.HANG_AFTER, method="POST", path="/posts/")
    town.internet.press_desk.fail(Fault.HANG_AFTER, method="POST")
    town.internet.smtp.fail(SmtpFault.DOT_HANG, recipient=SUBSCRIBERS[1])
    await town.declare("down")
    await town.wait("all have accepted", lambda: town.heard("1H") >= {"telegram", "blog", "press-desk"} | MAILS)
    await town.kill()
    await town.start()
    await town.phases("holding", telegram="sent", blog="sent", email="sent", press_desk="sent")
    await town.declare("up")
    await town.over()
    assert town.heard("1W") == {"telegram", "blog", "press-desk", "facebook-page"} | MAILS
    assert town.internet.press_desk.received == 3  # the holding statement twice with one id, the welcome back


async def test_killed_between_the_incident_and_its_deliveries(town: Town) -> None:
    """The incident and the promise to tell are one transaction: the next start keeps the promise, once."""
    town.channels("facebook-page", "blog", "statuspage", "press-desk")
    town.config["sign_off"] = {"holding": "veto", "veto_for": "3s"}
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.hears("incident_opened")
    await town.kill()
    assert town.silent
    await town.start()
    await town.phases("holding", blog="sent", statuspage="sent", press_desk="sent")
    assert [one["incident"] for one in town.journal("incident_opened")] == ["1"]


async def test_killed_during_the_welcome_back(town: Town) -> None:
    """Facebook and the blog have the welcome back, the daemon dies before it hears so: it is found, not repeated."""
    town.channels("facebook-page", "telegram", "blog", "statuspage")
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", telegram="sent", blog="sent", statuspage="sent")
    town.internet.blog.fail(Fault.HANG_AFTER, method="POST", path="/posts/")
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.declare("up")
    await town.wait("the welcome back is out", lambda: town.heard("1W") >= {"blog", "telegram"})
    await town.kill()
    await town.start()
    await town.over()
    assert town.heard("1W") == {"telegram", "blog", "statuspage", "facebook-page"}


async def test_the_platform_recovers_while_the_daemon_is_dead(town: Town) -> None:
    """Telegram had heard, nobody else had: Telegram alone is welcomed back, the others hear nothing of it at all."""
    town.channels("facebook-page", "telegram", "blog", "statuspage")
    town.config["routes"][0]["reach"] = 1
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.internet.outage_of_2021()
    await town.wait("Telegram has it", lambda: "telegram" in town.heard("1H"))
    await town.kill()
    await town.internet.recovery()
    await town.start()
    await town.over()
    assert town.heard("1H") == {"telegram"}
    assert town.heard("1W") == {"telegram", "facebook-page"}


async def test_ten_kills_at_random_moments_of_an_incident(town: Town) -> None:
    """Five before everybody has heard, five before the welcome back: nothing twice, and nobody is forgotten."""
    dice = random.Random(20211004)
    town.channels("facebook-page", "telegram", "email", "blog", "statuspage", "press-desk")
    town.internet.telegram.fail_always(Fault.DRIP_AFTER, path="sendMessage", seconds=0.001)
    town.internet.blog.fail_always(Fault.DRIP_AFTER, method="POST", seconds=0.001)
    await town.start()
    await town.all_up()
    await town.internet.outage_of_2021()
    await _killed_now_and_then(town, dice)
    await town.until("everybody has heard", lambda data: _settled(phases(data, "holding")))
    await town.internet.recovery()
    await town.hears("platform_recovering", platform="facebook")
    await _killed_now_and_then(town, dice)
    number = town.told()["statuspage"][0].removesuffix("H")  # a number that was taken and not used is not taken again
    holding, welcome = f"{number}H", f"{number}W"
    data = await town.until(
        "everybody is welcomed back",
        lambda data: _settled(phases(data, "welcome_back")) or (not data["incidents"] and bool(town.heard(welcome))),
    )
    assert town.heard(welcome) >= PROMPT, "lost"
    for late in ("telegram", "blog", "facebook-page"):
        decided = {one["channel"] for one in town.journal("delivery_cancelled")}
        assert late in town.heard(welcome) | _owed(data) | decided, f"{late} is forgotten"
    assert town.heard(welcome) - {"facebook-page"} <= town.heard(holding)
    assert {mark for told in town.told().values() for mark in told} <= {holding, welcome}


async def _killed_now_and_then(town: Town, dice: random.Random) -> None:
    for _ in range(5):
        started = len(town.journal("daemon_started"))
        await asyncio.sleep(dice.uniform(0.0, 1.8))  # the moment is the story
        await town.kill()
        await town.start(ready=False)
        await town.hears("daemon_started", times=started + 1)


def _settled(found: dict[str, str]) -> bool:
    """Nobody is ready or being told: heard, or (where a post may appear late) looked for up to two minutes."""
    prompt = {found.get(name) for name in ("email", "statuspage", "press-desk")}
    return prompt == {"sent"} and set(found.values()) <= {"sent", "unsure"}


def _owed(data: Fields) -> set[str]:
    """Where something is still looked for; who is looked for is not forgotten."""
    return {row["channel"] for one in data["incidents"] for row in one["deliveries"] if row["phase"] == "unsure"}


async def test_sigterm_while_a_channel_hangs_ends_within_five_seconds_and_the_next_start_finishes(town: Town) -> None:
    """Orderly: exit code 0 in time although Telegram never answers; what was cut off is looked for at the start."""
    town.channels("facebook-page", "telegram", "blog", "statuspage")
    await town.start()
    await town.all_up()
    town.internet.telegram.fail(Fault.HANG_AFTER, path="sendMessage")
    await town.declare("down")
    await town.phases("holding", telegram="sending", blog="sent", statuspage="sent")
    asked = time.monotonic()
    assert await town.stop(5.0) == 0
    assert time.monotonic() - asked < 5.0
    await town.start()
    await town.hears("delivery_found", channel="telegram")
    town.signal(signal.SIGINT)
    assert await town.ended() == 0
