"""The channels under test, each with the practice service that it speaks to and what the public sees there."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from channels import email, facebook, site, telegram, webhook, wordpress, x
from channels._site_files import Disk, publish, stage
from channels._telegram_options import TelegramOptions
from failover.contracts import Channel, ChannelKind, Surroundings
from failover.practice.graph import GraphService
from failover.practice.hooks import HooksService
from failover.practice.http import HttpService
from failover.practice.smtp import SmtpService
from failover.practice.telegram import TelegramService
from failover.practice.wordpress import WordPressService
from failover.practice.x import XService

PEOPLE = ("ann@example.net", "bob@example.net", "cid@example.net")
ANN, BOB = PEOPLE[:2]

Clock = Callable[[], float]


@dataclass(slots=True, kw_only=True)
class Place:
    """`visible` are the texts in public, one per copy; several `audiences` count one by one, by name."""

    kind: ChannelKind[Any]
    options: Any
    service: HttpService | SmtpService | None = None
    visible: Callable[[], dict[str, list[str]]]
    disk: FaultyDisk | None = None

    def open(self, surroundings: Surroundings) -> AbstractAsyncContextManager[Channel]:
        if self.disk is not None:
            return _on_faulty_disk(self.options, surroundings, self.disk)
        return self.kind.open(self.options, surroundings)


@dataclass(slots=True)
class FaultyDisk:
    """Counts what is written (`stage`) and what takes its place (`publish`); `struck` may raise at any of them."""

    struck: Callable[[str, int], None] = lambda _step, _count: None
    counts: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, name: str) -> None:
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            self.struck(name, self.counts[name])

    def disk(self) -> Disk:
        def staging(path: Path, content: bytes, mode: int) -> None:
            self.step("stage")
            stage(path, content, mode)

        def publishing(path: Path) -> None:
            self.step("publish")
            publish(path)

        return Disk(stage=staging, publish=publishing)


@asynccontextmanager
async def _on_faulty_disk(
    options: site.SiteOptions, surroundings: Surroundings, disk: FaultyDisk
) -> AsyncIterator[Channel]:
    yield site.SiteChannel(options, surroundings.organisation, disk.disk())


@asynccontextmanager
async def place_of(channel: str, now: Clock, home: Path) -> AsyncIterator[Place]:
    """Open the service of that channel."""
    if channel == "site":
        yield _site(home)
        return
    service, place = _PLACES[channel](now)
    async with service:
        yield place(service)


Made = tuple[Any, Callable[[Any], Place]]


def _public_chat(now: Clock) -> Made:
    def place(service: TelegramService) -> Place:
        options = TelegramOptions(
            chat="@examplecouncil",
            token=SecretStr(service.token),
            api_url=service.url,
            preview_url=service.preview_url(),
            pin=True,
        )
        return Place(
            kind=telegram.KIND,
            options=options,
            service=service,
            visible=lambda: {"": service.visible()},
        )

    return TelegramService(now=now), place


GROUP = -1001222333444


def _private_group(now: Clock) -> Made:
    """A private channel with a past: some of its messages are a day old, some were deleted."""

    def place(service: TelegramService) -> Place:
        group = service.add_chat(GROUP, title="Press list")
        for number in range(20):
            group.add(f"message {number}", now() - 86400.0)
        for number in (4, 8, 15, 16, 17):
            del group.posts[number]
        options = TelegramOptions(
            chat=GROUP,
            token=SecretStr(service.token),
            api_url=service.url,
            operators_chat=service.operators.id,
            pin=True,
        )
        visible = lambda: {"": [post.text for post in group.posts.values() if not post.service]}  # noqa: E731
        return Place(kind=telegram.KIND, options=options, service=service, visible=visible)

    return TelegramService(now=now), place


def _blind_group(now: Clock) -> Made:
    """The same without a chat of the operators: nothing can be read back."""
    service, group = _private_group(now)

    def place(service: TelegramService) -> Place:
        made = group(service)
        made.options = made.options.model_copy(update={"operators_chat": None})
        return made

    return service, place


def _x(now: Clock) -> Made:
    def place(service: XService) -> Place:
        options = x.XOptions(
            consumer_key=SecretStr("practice-consumer-key"),
            consumer_secret=SecretStr("practice-consumer-secret"),
            access_token=SecretStr("42-practice-access-token"),
            access_token_secret=SecretStr("practice-access-secret"),
            api_url=service.url,
        )
        return Place(kind=x.KIND, options=options, service=service, visible=lambda: {"": service.visible()})

    return XService(now=now), place


def _wordpress(_now: Clock) -> Made:
    def place(service: WordPressService) -> Place:
        options = wordpress.WordPressOptions(
            url=service.url, username=service.username, password=SecretStr(service.password)
        )
        return Place(kind=wordpress.KIND, options=options, service=service, visible=lambda: {"": service.visible()})

    return WordPressService(), place


def _facebook(now: Clock) -> Made:
    def place(service: GraphService) -> Place:
        options = facebook.FacebookOptions(
            page=service.page, token=SecretStr(service.token), version=service.version, api_url=service.url
        )
        return Place(kind=facebook.KIND, options=options, service=service, visible=lambda: {"": service.visible()})

    return GraphService(now=now), place


def _webhook(now: Clock) -> Made:
    def place(service: HooksService) -> Place:
        options = webhook.WebhookOptions(url=service.hook, secret=SecretStr(service.secret))
        return Place(kind=webhook.KIND, options=options, service=service, visible=lambda: {"": service.visible()})

    return HooksService(now=now), place


def _mailing(recipients: tuple[str, ...]) -> Callable[[Clock], Made]:
    def made(_now: Clock) -> Made:
        def place(service: SmtpService) -> Place:
            options = email.EmailOptions(
                host=service.host,
                port=service.port,
                security="none",
                sender="Example Borough Council <news@example.org>",
                recipients=recipients,
                connections=1,
            )
            return Place(
                kind=email.KIND,
                options=options,
                service=service,
                visible=lambda: {person: _letters(service, person) for person in recipients},
            )

        return SmtpService(), place

    return made


def _letters(service: SmtpService, person: str) -> list[str]:
    return [content.decode() for recipient, content in service.accepted if recipient == person]


def _site(home: Path) -> Place:
    folder = home / "www"
    options = site.SiteOptions(folder=folder, url="https://status.example.org")

    def visible() -> dict[str, list[str]]:
        pages = [path.read_text("utf-8") for path in (folder / "statements").glob("*.html")]
        feed = folder / "feed.atom"
        listed = feed.read_text("utf-8") if feed.exists() else ""
        return {"pages": pages, "feed": listed.split("<entry>")[1:]}

    return Place(kind=site.KIND, options=options, visible=visible, disk=FaultyDisk())


_PLACES: dict[str, Callable[[Clock], Made]] = {
    "telegram": _public_chat,
    "telegram-private": _private_group,
    "telegram-blind": _blind_group,
    "x": _x,
    "wordpress": _wordpress,
    "facebook": _facebook,
    "webhook": _webhook,
    "email": _mailing(PEOPLE),
    "email-one": _mailing(PEOPLE[1:2]),
}
