"""Ordinary posts through the real daemon: handed in both ways, in an outage, and over deaths."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from failover.clock import Clock
from failover.practice.http import Fault
from tests.stories.town import Town

PAGE = "facebook-page"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def spool(town: Town, name: str, text: str) -> Path:
    """Put a file there as a careful program does: hidden at first, then with its name; it is a minute old."""
    folder = town.folder / "posts"
    folder.mkdir(exist_ok=True)
    hidden, path = folder / f".{name}", folder / name
    hidden.write_text(text, encoding="utf-8")
    os.utime(hidden, (Clock().now() - 60,) * 2)
    hidden.rename(path)
    return path


def prepare(town: Town, **route: Any) -> None:
    town.channels(PAGE, "telegram", "blog")
    town.config["routes"][0] |= {"reach": 1, **route}
    town.config["posts"] = {"folder": "posts", "every": "1s"}
    town.config["limits"] = {"release_every": "1s"}


def shown(town: Town, text: str) -> dict[str, int]:
    """channel -> how often this can be seen there."""
    visible = town.internet.visible(town.folder / "site", ())
    counts = {name: sum(text in one for one in texts) for name, texts in visible.items()}
    return {name: count for name, count in counts.items() if count}


async def listed(town: Town) -> dict[str, Any]:
    """post -> what `failover posts --json` says of it."""
    told = await town.command("posts", "--json")
    return {one["id"]: one for one in json.loads(told.out)["posts"]}


async def test_what_is_handed_in_at_the_command_line_and_in_the_folder_is_published(town: Town) -> None:
    prepare(town)
    await town.start()
    await town.all_up()
    told = await town.command("post", "Market day", "--to", PAGE, "--to", "blog", "--title", "News")
    assert told.out.startswith("P1 goes out now.\n  facebook-page: "), told
    assert "of 63206 characters" in told.out
    spool(town, "bins.md", "---\nto: telegram\n---\nThe bins are collected on Friday.\n")
    await town.wait("both are out", lambda: shown(town, "Market day") == {PAGE: 1, "blog": 1})
    await town.wait("the other too", lambda: shown(town, "The bins") == {"telegram": 1})
    await town.wait("it is put away", (town.folder / "posts/sent/P2-bins.md").exists)

    posts = await listed(town)
    assert {name: one["state"] for name, one in posts.items()} == {"P1": "published", "P2": "published"}
    later = await town.command(
        "post", "Later", "--to", PAGE, "--at", "2035-12-01T09:00", "--until", "2035-12-02T09:00"
    )
    assert later.out.startswith("P3 goes out at 09:00 on 1 December 2035, until 09:00 on 2 December 2035.")
    assert "P3  scheduled for 2035-12-01 09:00:00 GMT" in (await town.command("posts")).out
    assert (await town.command("posts", "cancel", "P3")).out == "P3 is cancelled.\n"
    assert "Posts:" not in (await town.command("status")).out


async def test_what_is_published_is_taken_back_where_that_can_be_done(town: Town) -> None:
    """Everywhere by its remote id; the same command after a crash finds nothing left to do."""
    prepare(town)
    await town.start()
    await town.all_up()
    await town.command("post", "Market day", "--to", PAGE, "--to", "telegram", "--to", "blog")
    await town.wait("all are out", lambda: shown(town, "Market day") == {PAGE: 1, "telegram": 1, "blog": 1})
    nothing_left = await town.command("posts", "cancel", "P1")
    assert "`failover retract P1` takes back what is public" in nothing_left.err
    told = await town.command("retract", "P1", "--because", "the wrong date")
    assert sorted(told.out.splitlines()) == ["blog: taken back", "facebook-page: taken back", "telegram: taken back"]
    assert shown(town, "Market day") == {}
    assert (await listed(town))["P1"]["state"] == "taken back"
    assert "asked to take back everything in post P1: the wrong date" in (await town.command("audit")).out
    await town.kill()
    await town.start()
    assert (await town.command("retract", "P1")).out == "Nothing of P1 is public.\n"
    assert "there is no post P9" in (await town.command("retract", "P9")).err
    assert [line["post"] for line in town.journal("retracted")] == ["P1", "P1", "P1"]


async def test_a_person_named_in_a_post_is_forgotten_and_the_answer_says_where_they_still_stand(town: Town) -> None:
    prepare(town)
    await town.start()
    await town.all_up()
    spool(town, "ada.md", "---\nto: telegram\n---\nAsk ada@example.org for a stall.\n")
    await town.wait("it is out", lambda: shown(town, "for a stall") == {"telegram": 1})
    await town.wait("it is put away", (town.folder / "posts/sent/P1-ada.md").exists)
    told = await town.command("forget", "Ada@Example.org")
    assert "It stood in post P1, which is over, and is gone from our record of it." in told.out
    assert "P1 is public with it: telegram (" in told.out
    assert "posts/sent/P1-ada.md: remove it there too." in told.out
    assert "the entries of the audit trail" in told.out
    text = (await listed(town))["P1"]["text"]
    assert "ada@" not in text
    assert "for a stall" in text
    assert shown(town, "ada@example.org") == {"telegram": 1}, "what is public stays until somebody takes it back"
    assert (await town.command("audit", "--verify-only")).code == 0


async def test_a_picture_travels_with_the_post_and_outlives_its_file(town: Town) -> None:
    """Two channels that carry one; a third that cannot refuses beforehand."""
    prepare(town)
    town.channels(PAGE, "telegram", "blog", "press-desk")
    picture = town.folder / "dot.png"
    picture.write_bytes(PNG)
    await town.start()
    await town.all_up()
    words = ("--image", str(picture), "--alt", "a dot")
    refused = await town.command("post", "Look", "--to", "press-desk", *words)
    assert refused.err == "failover post: press-desk: it cannot carry a picture\n"
    told = await town.command("post", "Look", "--to", PAGE, "--to", "blog", *words)
    picture.unlink()
    assert told.code == 0, told
    assert "It could not be re-routed to press-desk: it cannot carry a picture" in told.out
    await town.wait("it is out", lambda: shown(town, "Look") == {PAGE: 1, "blog": 1})
    assert list(town.internet.graph.photos.values()) == [(PNG, "a dot")]
    assert list(town.internet.blog.media.values()) == [PNG]
    assert len(list((town.folder / "pictures").iterdir())) == 1


async def test_what_cannot_be_published_is_refused_in_a_sentence(town: Town) -> None:
    prepare(town)
    await town.start()
    for words, reason in (
        (("x", "--to", "facebok-page"), "there is no channel 'facebok-page'; did you mean 'facebook-page'?"),
        (("x",), "say on which channels; there are facebook-page, telegram, blog"),
        (("x" * 5000, "--to", "telegram"), "telegram: too long (5012 of 4096 characters (UTF-16))"),
        (("caf\udce9", "--to", PAGE), "text: not text in UTF-8"),
        (("\x1b[31mred", "--to", PAGE), "text: line 1 holds a control character that nobody can see (U+001B)"),
        (("x", "--to", PAGE, "--until", "2035-12-24"), "until: 2035-12-24 is a day; say the time too"),
        (("x", "--to", PAGE, "--image", "no.png", "--alt", "a dot"), "no.png: cannot be read"),
        (("x", "--to", PAGE, "--image", "config.yaml", "--alt", "a dot"), "this is no picture"),
    ):
        told = await town.command("post", *words)
        assert (told.code, reason in told.err) == (1, True), told
    late = await town.command("post", "x", "--to", PAGE, "--at", "2020-01-01T09:00")
    assert (late.code, late.err) == (2, "failover post: --at: 2020-01-01T09:00 is past\n")
    spool(town, "a.md", "---\nto: blogg\n---\nx\n")
    await town.wait("it is refused", (town.folder / "posts/failed/a.md.reason").exists)
    assert await listed(town) == {}


async def test_in_an_outage_a_post_goes_to_the_backup_once_and_never_to_the_page(town: Town) -> None:
    prepare(town)
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", telegram="sent")
    told = await town.command("post", "Market day", "--to", PAGE)
    assert "facebook is down, so it goes to telegram instead" in told.out
    await town.wait("it is out", lambda: shown(town, "Market day") == {"telegram": 1})
    await town.hears("post_rerouted", channel=PAGE)
    await town.declare("up")
    await town.over()
    assert shown(town, "Market day") == {"telegram": 1}
    assert (await listed(town))["P1"]["state"] == "published"


async def test_what_is_held_comes_out_in_its_order_when_it_is_over_also_after_deaths(town: Town) -> None:
    """Held over a `kill -9` in the outage, and another one after it."""
    prepare(town, posts="hold")
    await town.start()
    await town.all_up()
    await town.declare("down")
    await town.phases("holding", telegram="sent")
    for number in range(3):
        await town.command("post", f"News {number}", "--to", PAGE)
    assert "facebook-page waits: facebook is down" in (await town.command("status")).out
    await town.kill()
    await town.start()
    await town.declare("up")
    await town.wait("the first is out", lambda: bool(shown(town, "News 0")))
    await town.kill()
    await town.start()
    await town.wait("all are out", lambda: bool(shown(town, "News 2")))
    texts = [text.partition(" (")[0] for text in town.internet.graph.visible() if "News" in text]
    assert texts == ["News 0", "News 1", "News 2"]


async def test_killed_while_it_is_being_sent_it_is_looked_for_and_said_once(town: Town) -> None:
    """The platform took it and we never heard."""
    prepare(town)
    await town.start()
    await town.all_up()
    town.internet.telegram.fail_always(Fault.HANG_AFTER)
    await town.command("post", "Market day", "--to", "telegram")
    await town.wait("it is there", lambda: shown(town, "Market day") == {"telegram": 1})
    await town.kill()
    town.internet.telegram.heal()
    await town.start()
    await town.until("it is found", lambda data: data["posts"]["waiting"] == 0)
    await town.hears("delivery_found", post="P1")
    assert shown(town, "Market day") == {"telegram": 1}


async def test_killed_again_and_again_while_a_folder_is_taken_in_each_is_said_once(town: Town) -> None:
    prepare(town)
    town.config["limits"] |= {"posts_per_day": 100}
    await town.start()
    for number in range(6):
        spool(town, f"{number:02}.md", f"---\nto: blog\n---\nItem {number:02}.\n")
    for _ in range(2):
        reached = len(town.internet.blog.visible()) + 2
        await town.wait("some are out", lambda reached=reached: len(town.internet.blog.visible()) >= reached)  # type: ignore[misc]
        await town.kill()
        await town.start()
    await town.wait("all are out", lambda: len(town.internet.blog.visible()) == 6)
    await town.wait("all are put away", lambda: len(list((town.folder / "posts/sent").iterdir())) == 6)
    assert all(shown(town, f"Item {number:02}.") == {"blog": 1} for number in range(6))
