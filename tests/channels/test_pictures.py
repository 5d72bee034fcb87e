"""Posts with a picture on every kind of channel that carries one: it is seen once, with what it shows in words."""

from __future__ import annotations

import base64
import email
from collections.abc import AsyncIterator
from dataclasses import replace
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from channels import email as mail
from channels import facebook, site, telegram, wordpress, x
from channels._picture import picture_of
from failover import registry
from failover.model import Absent, Announcement, Delivered, Found, Image, Refused, Statement, Unreachable
from failover.practice.graph import GraphService
from failover.practice.http import Fault
from failover.practice.telegram import TelegramService
from failover.practice.wordpress import WordPressService
from failover.practice.x import XService
from tests.channels._house import NOW, Notes, deliver, surroundings, wording

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
ALT = "A map with <two> roads & “one” closed"
TEXT = "Two roads are open. (P12-181106)"


@pytest.fixture
def post(tmp_path: Path) -> Announcement:
    path = tmp_path / "kept" / "0123.png"
    path.parent.mkdir()
    path.write_bytes(PNG)
    image = Image(path=path, alt=ALT, media_type="image/png", size=len(PNG))
    words = {"key": "P12-x-1", "incident": "", "statement": Statement.POST, "reference": "P12-181106", "text": TEXT}
    return wording(**words, subject="Roads", platforms=(), images=(image,))


def gone(post: Announcement) -> Announcement:
    return replace(post, images=(replace(post.images[0], path=Path("/nowhere/x.png")),))


def test_the_kinds_that_carry_a_picture() -> None:
    kinds = {name: registry.find_channel(name).images for name in registry.names(registry.CHANNELS)}
    assert {name for name, images in kinds.items() if images} == {
        "email", "facebook", "site", "telegram", "wordpress", "x",
    }  # fmt: skip


async def test_only_a_copy_that_is_gone_is_refused_for_good(tmp_path: Path, post: Announcement) -> None:
    """Whatever else keeps it from being read may pass; nothing was sent."""
    assert isinstance(await picture_of(gone(post)), Refused)
    unreadable = replace(post, images=(replace(post.images[0], path=tmp_path),))
    assert isinstance(await picture_of(unreadable), Unreachable)
    for kind, options in (
        (site.KIND, site.SiteOptions(folder=tmp_path / "site", url="https://status.example.org")),
        (mail.KIND, mail.EmailOptions(folder=tmp_path, sender="News <n@example.org>", recipients=["a@example.net"])),
    ):
        async with kind.open(options, surroundings()) as channel:
            assert isinstance(await channel.send(unreadable, Notes()), Unreachable)


# -- site --------------------------------------------------------------------------------------------------------


async def test_a_site_shows_it_on_the_page_and_in_the_list(tmp_path: Path, post: Announcement) -> None:
    folder = tmp_path / "site"
    options = site.SiteOptions(folder=folder, url="https://status.example.org")
    async with site.KIND.open(options, surroundings()) as channel:
        assert isinstance(await channel.send(post, Notes()), Delivered)
        assert isinstance(await channel.find(post, Notes()), Found)
        shown = "A map with &lt;two&gt; roads &amp; “one” closed"
        assert (folder / "statements/p12-181106.png").read_bytes() == PNG
        assert f'src="p12-181106.png" alt="{shown}"' in (folder / "statements/p12-181106.html").read_text()
        assert f'src="statements/p12-181106.png" alt="{shown}"' in (folder / "index.html").read_text()
        assert "https://status.example.org/statements/p12-181106.png" in (folder / "feed.atom").read_text()
        assert '"incidents": []' in (folder / "status.json").read_text()

        (folder / "statements/p12-181106.png").unlink()
        assert isinstance(await channel.find(post, Notes()), Absent)
        assert sorted(path.name for path in (folder / "statements").iterdir()) == []
        assert isinstance(await channel.send(gone(post), Notes()), Refused)


# -- email -------------------------------------------------------------------------------------------------------


async def test_a_mail_has_it_as_a_file_and_says_in_words_what_it_shows(tmp_path: Path, post: Announcement) -> None:
    """The same bytes at every attempt."""
    letters = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        options = mail.EmailOptions(
            folder=tmp_path / name, sender="News <news@example.org>", recipients=["ann@example.net"]
        )
        async with mail.KIND.open(options, surroundings()) as channel:
            assert isinstance(await channel.send(post, Notes()), Delivered)
        letters += [path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert letters[0] == letters[1]
    letter = email.message_from_bytes(letters[0], policy=default)
    text, picture = letter.iter_parts()  # type: ignore[attr-defined]
    assert text.get_content().replace("\r\n", "\n") == f"{TEXT}\n\n[{ALT}]\n"
    assert (picture.get_content(), picture.get_content_type()) == (PNG, "image/png")
    assert (picture["Content-Description"], picture.get_filename()) == (ALT, "picture.png")


# -- telegram ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def chat() -> AsyncIterator[TelegramService]:
    async with TelegramService(now=lambda: NOW) as service:
        yield service


def telegram_options(chat: TelegramService) -> telegram.TelegramOptions:
    return telegram.TelegramOptions(
        chat="@examplecouncil", token=SecretStr(chat.token), api_url=chat.url, preview_url=chat.preview_url()
    )


async def test_telegram_shows_it_with_the_text_under_it(chat: TelegramService, post: Announcement) -> None:
    async with telegram.KIND.open(telegram_options(chat), surroundings()) as channel:
        outcome = await channel.send(post, Notes())
        assert isinstance(outcome, Delivered), outcome
        (shown,) = [one for one in chat.channel.posts.values() if not one.service]
        assert (shown.text, shown.photo) == (TEXT, PNG)
        assert isinstance(await channel.find(post, Notes()), Found)
        assert isinstance(await channel.send(gone(post), Notes()), Refused)


def test_a_caption_is_shorter_than_a_message(chat: TelegramService, post: Announcement) -> None:
    long = replace(post, text="x" * 1025)
    assert not telegram.measure(telegram_options(chat), long).fits
    assert telegram.measure(telegram_options(chat), replace(long, images=())).fits


# -- wordpress ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def blog() -> AsyncIterator[WordPressService]:
    async with WordPressService() as service:
        yield service


def wordpress_options(blog: WordPressService) -> wordpress.WordPressOptions:
    return wordpress.WordPressOptions(url=blog.url, username=blog.username, password=SecretStr(blog.password))


async def test_wordpress_uploads_it_and_shows_it_in_the_post(blog: WordPressService, post: Announcement) -> None:
    async with wordpress.KIND.open(wordpress_options(blog), surroundings()) as channel:
        assert isinstance(await channel.send(post, Notes()), Delivered)
        ((number, content),) = blog.media.items()
        (shown,) = blog.posts.values()
        assert content == PNG
        assert f'class="wp-image-{number}"' in shown.content
        assert 'alt="A map with &lt;two&gt; roads &amp; “one” closed"' in shown.content
        assert "/wp-content/uploads/p12-181106-picture.png" in shown.content
        assert isinstance(await channel.find(post, Notes()), Found)


async def test_wordpress_uploads_it_once_also_when_the_draft_fails(
    blog: WordPressService, post: Announcement
) -> None:
    """The number of the upload is noted; what no post shows yet is not looked for as one."""
    notes = Notes()
    async with wordpress.KIND.open(wordpress_options(blog), surroundings()) as channel:
        blog.fail(Fault.ERROR_BEFORE, method="POST", path="/posts")
        assert isinstance(await deliver(channel, post, notes), Unreachable)
        assert (notes.draft or "").startswith("picture ")
        assert isinstance(await channel.find(post, notes), Absent)
        assert isinstance(await deliver(channel, post, notes), Delivered)
    assert len(blog.media) == 1
    assert len(blog.visible()) == 1


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.GATEWAY_AFTER])
async def test_wordpress_an_upload_in_doubt_leaves_at_worst_a_file_nobody_sees(
    blog: WordPressService, post: Announcement, fault: Fault
) -> None:
    notes = Notes()
    async with wordpress.KIND.open(wordpress_options(blog), surroundings()) as channel:
        blog.fail(fault, method="POST", path="/media")
        assert isinstance(await deliver(channel, post, notes), Unreachable)
        assert isinstance(await deliver(channel, post, notes), Delivered)
    assert len(blog.visible()) == 1


# -- facebook ----------------------------------------------------------------------------------------------------

TOKEN = "EAApractice0token0of0the0page0that0nobody0may0see"


@pytest.fixture
async def graph() -> AsyncIterator[GraphService]:
    async with GraphService(token=TOKEN, now=lambda: NOW) as service:
        yield service


def facebook_options(graph: GraphService, **changes: Any) -> facebook.FacebookOptions:
    values = {"page": graph.page, "token": SecretStr(TOKEN), "api_url": graph.url, **changes}
    return facebook.FacebookOptions(**values)


async def test_facebook_uploads_it_unseen_and_attaches_it(graph: GraphService, post: Announcement) -> None:
    async with facebook.KIND.open(facebook_options(graph, link="https://www.example.org"), surroundings()) as channel:
        assert isinstance(await channel.send(post, Notes()), Delivered)
        assert graph.visible() == [TEXT]
        assert graph.attached == {next(iter(graph.posts)): "700"}
        assert graph.photos == {"700": (PNG, ALT)}
        assert isinstance(await channel.find(post, Notes()), Found)


async def test_facebook_uploads_it_once_also_when_the_post_fails(graph: GraphService, post: Announcement) -> None:
    notes = Notes()
    async with facebook.KIND.open(facebook_options(graph), surroundings()) as channel:
        graph.fail(Fault.ERROR_BEFORE, method="POST", path="/feed")
        assert isinstance(await deliver(channel, post, notes), Unreachable)
        assert isinstance(await channel.find(post, notes), Absent)
        assert isinstance(await deliver(channel, post, notes), Delivered)
    assert len(graph.photos) == len(graph.visible()) == 1


# -- x -----------------------------------------------------------------------------------------------------------

KEYS = {
    "consumer_key": "the-consumer-key",
    "consumer_secret": "the-consumer-secret",
    "access_token": "42-the-access-token",
    "access_token_secret": "the-access-token-secret",
}


@pytest.fixture
async def account() -> AsyncIterator[XService]:
    async with XService(**KEYS, now=lambda: NOW) as service:
        yield service


def x_options(account: XService) -> x.XOptions:
    return x.XOptions(**{name: SecretStr(value) for name, value in KEYS.items()}, api_url=account.url)


async def test_x_shows_it_with_its_description(account: XService, post: Announcement) -> None:
    async with x.KIND.open(x_options(account), surroundings()) as channel:
        outcome = await channel.send(post, Notes())
        assert isinstance(outcome, Delivered), outcome
    ((number, kept),) = account.media.items()
    assert kept == (PNG, ALT)
    assert account.attached == {next(iter(account.posts)): number}


@pytest.mark.parametrize("path", ["/2/media/upload", "/2/media/metadata"])
async def test_x_says_nothing_without_its_picture(account: XService, post: Announcement, path: str) -> None:
    """Whatever fails before the post itself has published nothing."""
    async with x.KIND.open(x_options(account), surroundings()) as channel:
        account.fail(Fault.RESET_AFTER, method="POST", path=path)
        assert isinstance(await channel.send(post, Notes()), Unreachable)
        assert account.visible() == []
        assert isinstance(await channel.send(post, Notes()), Delivered)


def test_x_takes_no_picture_that_is_too_large(account: XService, post: Announcement) -> None:
    large = replace(post, images=(replace(post.images[0], size=5_000_001),))
    measure = x.measure(x_options(account), large)
    assert (measure.used, measure.limit, measure.unit) == (5_000_001, 5_000_000, "bytes of the picture")
