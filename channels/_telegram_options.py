"""What can be configured of a Telegram channel, and what its links look like; private to this folder."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from channels._web import SafeAddress, WebAddress
from failover.contracts import Duration, Options


def _chat(value: object) -> object:
    """`"@name"` stays, a numeric id becomes an int.  Raises ValueError for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value, re.ASCII):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"@[A-Za-z]\w{3,31}", value, re.ASCII):
        return value
    raise ValueError('expected "@name" of a public chat or a numeric chat id such as -1001234567890')


Chat = Annotated[int | str, BeforeValidator(_chat)]


SUPERGROUPS = -(10**12)
"""The ids of supergroups and channels are below this."""


class TelegramOptions(Options):
    """`chat` is "@name" of a public channel, or a numeric id.  `token` is the bot's, from @BotFather.

    `preview_url` is the page that read-back looks at; by default `https://t.me/s/<name>` for an "@name".
    `operators_chat` is the numeric id of a private chat; only needed for read-back in a chat without such a page.
    `canary_chat` is the numeric id of another private group, made for an account probe's `canary` and nothing else.
    `pin` pins the holding statement, and unpins it at the welcome back.  `silent` posts without a notification.
    `withdrawn_text` takes the place of a post that is to be taken back and is too old to delete.
    `api_url` is another Bot API server.  `timeout` is the longest silence while an answer is awaited.
    """

    chat: Chat
    token: SecretStr = Field(min_length=1)
    api_url: SafeAddress = "https://api.telegram.org"
    preview_url: WebAddress | None = None
    operators_chat: Chat | None = None
    canary_chat: int | None = None
    pin: bool = False
    silent: bool = False
    withdrawn_text: str = Field(default="(withdrawn)", min_length=1)
    timeout: Duration = 20.0

    @field_validator("operators_chat")
    @classmethod
    def _elsewhere(cls, value: int | str | None, info: ValidationInfo) -> int | str | None:
        """Read-back forwards to it, so it must be another chat, and not one with a public name."""
        if isinstance(value, str):
            raise ValueError("expected the numeric id of a private chat of the operators")  # noqa: TRY004 - pydantic's
        if value is not None and value == info.data.get("chat"):
            raise ValueError("expected another chat than the one we post in")
        return value

    @field_validator("canary_chat")
    @classmethod
    def _nobody_reads_it(cls, value: int | None, info: ValidationInfo) -> int | None:
        """Only channels and supergroups number their messages one by one, which cleaning up needs."""
        if value is not None and value > SUPERGROUPS:
            raise ValueError("expected the numeric id of a private group or channel of ours, such as -1001234567890")
        if value is not None and value in (info.data.get("chat"), info.data.get("operators_chat")):
            raise ValueError("expected another chat than the one we post in and the operators' one")
        return value

    @property
    def page(self) -> str | None:
        """Where the public can read this chat without an account; None where it cannot."""
        if self.preview_url is None and isinstance(self.chat, str):
            return f"https://t.me/s/{self.chat.removeprefix('@')}"
        return self.preview_url

    @property
    def place(self) -> str:
        """The chat's part of a t.me link: its name, or `c/` and the id without -100; empty for small groups."""
        if self.page is not None:
            return self.page.rsplit("/", 1)[-1]
        bare = str(self.chat)
        return f"c/{bare[4:]}" if bare.startswith("-100") else ""
