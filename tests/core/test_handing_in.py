"""What is checked of every post, whichever way it comes in; and what `failover post` reads and `posts` shows."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from failover.cli import main
from failover.control import Handler
from failover.desk import RequestError
from failover.handlers import handlers
from failover.model import Measure
from failover.postoffice import Draft, Origin, PostOffice
from failover.posts import Gauge
from failover.schema import StoreError
from failover.show_posts import posts_lines
from tests.core.stories import HOUR, NOON, World
from tests.core.test_show_posts import listed, post, row
from tests.core.test_switched_posting import PNG, clock, world_of


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = world_of()
    await made.start()
    yield made
    assert not made.journal.bugs
    made.store.close()


async def accepted(world: World, folder: Path, handed_in: float | None = None, **words: Any) -> Any:
    draft = Draft(**{"text": "Market day", "to": ("blog",), **words})
    found, _told = await PostOffice(world.engine, folder, "UTC").accept(
        draft, Origin(by="ann", handed_in=handed_in), world.now
    )
    return found


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param({"text": "caf\udce9"}, "text: not text in UTF-8", id="not UTF-8"),
        pytest.param({"title": "caf\udce9"}, "title: not text in UTF-8", id="a title that is not"),
        pytest.param({"picture": PNG, "alt": "caf\udce9"}, "alt: not text in UTF-8", id="a description that is not"),
        pytest.param({"to": ("bl\udce9g",)}, "to: not text in UTF-8", id="a channel that is not"),
        pytest.param({"text": "one\ntwo\x00"}, "text: line 2 holds a control character", id="NUL"),
        pytest.param({"text": "\x1b[31mred"}, "nobody can see (U+001B); remove it", id="escape"),
        pytest.param({"text": "\u202eyad tekram"}, "(U+202E)", id="text turned round"),
        pytest.param({"text": "a\u0085b"}, "(U+0085)", id="a control character of the other half"),
        pytest.param({"text": "a\uffff"}, "(U+FFFF)", id="no character"),
        pytest.param({"picture": PNG, "alt": "a\x07"}, "alt: line 1 holds a control character", id="a bell"),
        pytest.param({"until": "2026-12-24"}, "until: 2026-12-24 is a day; say the time too", id="a day"),
        pytest.param({"until": "20261224"}, "such as 2026-12-24T18:00", id="a day without dashes"),
    ],
)
async def test_what_nobody_can_read_or_mean_is_refused(
    world: World, tmp_path: Path, words: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RequestError) as refused:
        await accepted(world, tmp_path, **words)
    assert reason in str(refused.value)
    str(refused.value).encode()
    assert (await world.store.posts.listing(0, 10))["posts"] == []


async def test_ordinary_text_of_all_the_world_is_taken(world: World, tmp_path: Path) -> None:
    """Tabs, ends of lines of every system, joined emoji, right-to-left with its isolates."""
    found = await accepted(
        world, tmp_path, text="a\tb\r\nc\rd 👩‍👩‍👧 \u2067שלם\u2069 می‌خواهم", until="2026-12-24T18:00"
    )
    assert found.text == "a\tb\nc\nd 👩‍👩‍👧 \u2067שלם\u2069 می‌خواهم"


@pytest.mark.parametrize(
    ("at", "handed_in", "is_taken"),
    [
        pytest.param(NOON - 60, NOON - 120, True, id="it has passed since"),
        pytest.param(NOON - 60, NOON - 60, False, id="it had passed"),
        pytest.param(NOON - 60, None, False, id="handed in now"),
        pytest.param(NOON - 60, NOON + HOUR, False, id="a clock that is ahead"),
    ],
)
async def test_a_time_that_passed_after_it_was_handed_in_means_at_once(
    world: World, tmp_path: Path, at: float, handed_in: float | None, *, is_taken: bool
) -> None:
    if not is_taken:
        with pytest.raises(RequestError, match="is past"):
            await accepted(world, tmp_path, handed_in, at=clock(at))
        return
    found = await accepted(world, tmp_path, handed_in, at=clock(at))
    assert found.at is None
    later = await accepted(world, tmp_path, NOON - HOUR, at=clock(NOON + 60))
    assert later.at == NOON + 60


def test_a_list_shows_no_control_characters() -> None:
    """An old post, a service's reason: neither can move the cursor, nor make text read backwards."""
    one = post(row("refused", reason="no\x1b[2J \u202eoops"), text="a\x1b]0;b\x07 caf\udce9 👩‍👧")
    text = "\n".join(posts_lines(listed(one, waits={"blog": "\x9bred"})))
    assert text.replace("\u200d", "").replace("\n", "").isprintable()
    assert "👩‍👧" in text
    text.encode()


def test_standard_input_is_read_as_utf_8_and_what_is_none_is_left_to_the_daemon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    def hand_in(_config: Path, text: str, *_to: object, **_words: object) -> dict[str, str]:
        said.append(text)
        json.dumps(text).encode()
        return {"told": "P1 goes out now."}

    monkeypatch.setattr("failover.show_posts.hand_in", hand_in)
    for raw in ("\ufeffgrün\n".encode(), b"caf\xe9"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="ascii"))
        assert main(["post", "-", "--to", "blog"]) == 0
    assert said == ["grün\n", "caf\udce9"]


# -- how it is answered ----------------------------------------------------------------------------------------


async def test_what_cannot_be_foretold_is_not_taken(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error is an answer only where nothing was taken: who hears of it hands it in again."""

    async def refuse(*_words: object) -> None:
        raise StoreError("the database cannot be read: disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(world.store.posts, "pace", refuse)
        with pytest.raises(StoreError):
            await accepted(world, tmp_path)
    assert (await world.store.posts.listing(0, 10))["posts"] == []
    assert (await accepted(world, tmp_path)).id == "P1"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("name", ["at", "until"])
@pytest.mark.parametrize("written", ["9999-12-31T23:59", "9999-12-31T23:59:59-12:00"])
async def test_a_time_at_the_end_of_the_calendar_is_refused_in_words(
    world: World, tmp_path: Path, zone: str, name: str, written: str
) -> None:
    """No clock can show it in every zone."""
    when: Any = {name: written}
    draft = Draft(text="Market day", to=("blog",), **when)
    with pytest.raises(RequestError, match=f"^{name}: .* too far off"):
        await PostOffice(world.engine, tmp_path, zone).accept(draft, Origin(by="ann"), world.now)
    assert (await world.store.posts.listing(0, 10))["posts"] == []


# -- the same key ----------------------------------------------------------------------------------------------


def asking(world: World, folder: Path) -> Handler:
    """The request `post` of a daemon."""
    at = SimpleNamespace(
        engine=world.engine,
        posts=PostOffice(world.engine, folder, "UTC"),
        settings=SimpleNamespace(organisation=SimpleNamespace(timezone="UTC")),
    )
    answerer: Any = SimpleNamespace(at=at, now=lambda: world.now, kick=lambda: None)
    return handlers(answerer)["post"]


MARKET: dict[str, Any] = {"text": "Market day", "to": ["blog", "telegram"], "key": "k1"}


async def test_what_is_handed_in_twice_at_once_with_one_key_is_one_post(tmp_path: Path) -> None:
    """Also while its picture is being written."""
    gauge = Gauge(measure=lambda _one: Measure(1, 9, "characters"), images=1)
    world = world_of(gauges=dict.fromkeys(MARKET["to"], gauge))
    await world.start()
    post = asking(world, tmp_path)
    request = {**MARKET, "image": base64.b64encode(PNG).decode(), "alt": "a dot"}
    answers: list[Any] = await asyncio.gather(*(post(request, "ann") for _call in range(3)))
    assert [one["post"] for one in answers] == ["P1", "P1", "P1"]
    assert sum("was handed in with this key already" in one["told"] for one in answers) == 2
    assert len((await world.store.posts.listing(0, 10))["posts"]) == 1
    world.store.close()


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        pytest.param({"text": "Market day is off"}, "another text", id="another text"),
        pytest.param({"to": ["blog"]}, "other channels", id="other channels"),
        pytest.param({"text": "x", "to": ["blog"]}, "another text and other channels", id="both"),
    ],
)
async def test_a_key_stands_for_one_post_only(
    world: World, tmp_path: Path, other: dict[str, Any], differs: str
) -> None:
    """What was never taken must not be answered like what was."""
    post = asking(world, tmp_path)
    await post(MARKET, "ann")
    with pytest.raises(RequestError, match=f"P1 was handed in with this key, and it has {differs}; "):
        await post({**MARKET, **other}, "ann")
    assert len((await world.store.posts.listing(0, 10))["posts"]) == 1


async def test_the_same_post_may_be_written_a_little_differently(world: World, tmp_path: Path) -> None:
    """Ends of lines, blanks around it, channels in another order; and its `at` may have passed since."""
    post = asking(world, tmp_path)
    first = {**MARKET, "text": "One\nTwo", "at": clock(world.now + 60)}
    await post(first, "ann")
    world.now += HOUR
    again: Any = await post({**first, "text": " One\r\nTwo\n", "to": ["telegram", "blog", "blog"]}, "ann")
    assert again["post"] == "P1"
