"""Who plays a channel on the practice internet: a practice service of its kind, or a folder that is thrown away.

A player keeps what the user's options say of the message (its link, its language, what is pinned, how long is waited)
and exchanges everything that says where to, for whom and with which key: what is exchanged is made up here, so the
user's own addresses, keys and lists of people are nowhere in what a channel is opened with.
"""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import SecretStr

from failover.contracts import Options
from failover.practice.graph import GraphService
from failover.practice.hooks import HooksService
from failover.practice.http import HttpService
from failover.practice.internet import SUBSCRIBERS
from failover.practice.smtp import SmtpService
from failover.practice.telegram import TelegramService
from failover.practice.wordpress import WordPressService
from failover.practice.x import XService

OptionsT = TypeVar("OptionsT", bound=Options)

Service = HttpService | SmtpService


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What a player may know: an empty folder of its own, who speaks, whose Telegram is asked, the clock."""

    folder: Path
    organisation: str
    accounts: tuple[int, ...]
    now: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """One channel's stand-in.

    `service` must listen before `changes` are asked for: the options that are exchanged.  `shows` are the texts that
    the public would see there now.
    """

    changes: Callable[[], Mapping[str, object]]
    shows: Callable[[], list[str]]
    service: Service | None = field(default=None)

    def dressed(self, options: OptionsT) -> OptionsT:
        """The user's options, with everything exchanged that is not to be real.

        Raises LookupError where the options have none of that name: then something real might have stayed in them.
        """
        changes = self.changes()
        unknown = {*changes} - {*type(options).model_fields}
        if unknown:
            raise LookupError(f"there is no option {min(unknown)}")
        return options.model_copy(update=dict(changes))


def _facebook(options: Any, cue: Cue) -> Player:
    graph = GraphService(options.page, name=cue.organisation, version=options.version, now=cue.now)
    return Player(
        service=graph,
        changes=lambda: {"token": SecretStr(graph.token), "api_url": graph.url},
        shows=graph.visible,
    )


def _telegram(options: Any, cue: Cue) -> Player:
    """The chat has its own name or number; whoever is asked by the bot has written to it once."""
    named = isinstance(options.chat, str)
    place = options.chat.removeprefix("@") if named else (options.preview_url or "").rpartition("/")[2]
    service = TelegramService(name=place if named else "practice", now=cue.now)
    chat = service.channel
    if not named:
        chat = service.add_chat(options.chat, kind="channel" if place else "supergroup", name=place)
    if options.operators_chat is not None:
        service.add_chat(options.operators_chat, kind="supergroup", title="Operators")
    for account in cue.accounts:
        service.add_chat(account, kind="private", title="An approver")
    return Player(
        service=service,
        changes=lambda: {
            "token": SecretStr(service.token),
            "api_url": service.url,
            "preview_url": service.preview_url(place) if place else None,
            "canary_chat": None,
        },
        shows=lambda: [post.text for post in chat.posts.values() if not post.service],
    )


def _x(_options: Any, cue: Cue) -> Player:
    keys = {
        "consumer_key": "practice-drill-key",
        "consumer_secret": "practice-drill-secret",
        "access_token": "42-practice-drill-token",
        "access_token_secret": "practice-drill-token-secret",
    }
    service = XService(**keys, now=cue.now)
    secrets = {name: SecretStr(key) for name, key in keys.items()}
    return Player(service=service, changes=lambda: {**secrets, "api_url": service.url}, shows=service.visible)


def _email(options: Any, cue: Cue) -> Player:
    """The letters go to made-up people, through a practice mail server or into the folder, as the options have it."""
    people: dict[str, object] = {
        "recipients": SUBSCRIBERS,
        "recipients_file": None,
        "ca_file": None,
        "username": None,
        "password": None,
    }
    if options.unsubscribe_secret is not None:
        people["unsubscribe_secret"] = SecretStr("practice-drill-secret")
    if options.host is None:
        return Player(changes=lambda: {**people, "folder": cue.folder}, shows=lambda: _letters(cue.folder))
    smtp = SmtpService()
    return Player(
        service=smtp,
        changes=lambda: {**people, "host": smtp.host, "port": smtp.port, "security": "none"},
        shows=lambda: [
            text for (to, _), text in zip(smtp.accepted, smtp.visible(), strict=True) if to == SUBSCRIBERS[0]
        ],
    )


def _letters(folder: Path) -> list[str]:
    """What the letters in this folder say."""
    found = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in sorted(folder.rglob("*.eml"))
    ]
    bodies = [letter.get_body(("plain",)) for letter in found]
    return [str(body.get_content()) for body in bodies if body is not None]


def _wordpress(options: Any, _cue: Cue) -> Player:
    blog = WordPressService(options.username, pretty=not options.rest_route)
    return Player(
        service=blog,
        changes=lambda: {"url": blog.url, "api_url": blog.url, "password": SecretStr(blog.password)},
        shows=blog.visible,
    )


def _webhook(_options: Any, cue: Cue) -> Player:
    hooks = HooksService(now=cue.now)
    return Player(
        service=hooks,
        changes=lambda: {"url": hooks.hook, "secret": SecretStr(hooks.secret), "previous_secret": None},
        shows=hooks.visible,
    )


def _site(_options: Any, cue: Cue) -> Player:
    """`url` stays: it stands on the pages, and nobody calls it."""
    return Player(changes=lambda: {"folder": cue.folder / "site"}, shows=lambda: _pages(cue.folder / "site"))


def _pages(folder: Path) -> list[str]:
    """The texts on the pages of this site."""
    return [json.loads(file.read_text(encoding="utf-8"))["text"] for file in sorted(folder.glob("statements/*.json"))]


PLAYERS: Mapping[str, Callable[[Any, Cue], Player]] = MappingProxyType({
    "facebook": _facebook,
    "telegram": _telegram,
    "x": _x,
    "email": _email,
    "wordpress": _wordpress,
    "webhook": _webhook,
    "site": _site,
})  # fmt: skip
"""kind -> how it is played; a kind that is not here is rendered only."""
