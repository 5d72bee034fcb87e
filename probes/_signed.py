"""Standard Webhooks as a receiver sees them: signature, age, and repeats; private to this folder.

Source: Standard Webhooks specification 1.0.0, "Webhook headers" and "Verifying webhook authenticity": HMAC-SHA256 of
`id.timestamp.body`, base64 after `v1,`, several of them apart by spaces; a tolerance for the timestamp; the id is the
same for every repeat of one message.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationInfo

TOLERANCE = 300.0
"""Seconds by which a message may be older or newer than our own clock."""

REMEMBERED = 10_000
"""Ids kept to know repeats by; at one message a second they are forgotten before there are so many."""

LONGEST_ID = 200
_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key in a secret of the standard's form; empty where it has none."""
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _well_formed(secret: SecretStr, info: ValidationInfo) -> SecretStr:
    value = secret.get_secret_value()
    made_up = bool(info.context and info.context.get("example"))
    if not made_up and not (value.startswith(_PREFIX) and 24 <= len(key_of(value)) <= 64):
        raise ValueError("expected whsec_ followed by 24 to 64 random bytes in base64")
    return secret


WebhookSecret = Annotated[SecretStr, AfterValidator(_well_formed)]


class Verdict(str, Enum):
    """What is to be thought of a message."""

    NEW = "new"
    REPEAT = "heard before"
    UNSIGNED = "the signature is wrong"
    UNTIMELY = "the timestamp is too old, too new or missing"
    TOO_MANY = "too many messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The signed part of a request."""

    name: str
    stamp: str
    signatures: str
    body: bytes

    @classmethod
    def of(cls, headers: Mapping[str, str], body: bytes) -> Message:
        """Headers by their names in lower case; one that is missing is empty."""
        name, stamp, signatures = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
        return cls(name=name, stamp=stamp, signatures=signatures, body=body)

    @property
    def sent_at(self) -> int | None:
        known = self.stamp.isascii() and self.stamp.isdecimal() and len(self.stamp) <= 12
        return int(self.stamp) if known else None


def is_signed(message: Message, keys: Sequence[bytes]) -> bool:
    """Whether one of the signatures was made with one of the keys; every one is compared, in constant time."""
    content = f"{message.name}.{message.stamp}.".encode("utf-8", "replace") + message.body
    given = [word.removeprefix("v1,").encode() for word in message.signatures.split(" ") if word.startswith("v1,")]
    wanted = [base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()) for key in keys if key]
    return any([hmac.compare_digest(one, other) for one in wanted for other in given[:10]])  # noqa: C419 - all of them


class Desk:
    """Takes messages and says of each what is to be thought of it.

    What was sent before `opened_at` is refused: its id may have been heard by our predecessor, whose list is gone.
    """

    def __init__(self, keys: Sequence[bytes], opened_at: float) -> None:
        self._keys = keys
        self._opened_at = opened_at
        self._heard: dict[str, float] = {}

    def judge(self, message: Message, now: float) -> Verdict:
        """The signature first: nothing else is told to whoever cannot sign."""
        if not message.name or len(message.name) > LONGEST_ID or not is_signed(message, self._keys):
            return Verdict.UNSIGNED
        sent_at = message.sent_at
        if sent_at is None or abs(now - sent_at) > TOLERANCE or self._is_before_us(sent_at, now):
            return Verdict.UNTIMELY
        if message.name in self._heard:
            return Verdict.REPEAT
        if len(self._heard) >= REMEMBERED:
            self._forget(now)
        if len(self._heard) >= REMEMBERED:
            return Verdict.TOO_MANY
        self._heard[message.name] = float(sent_at)
        return Verdict.NEW

    def _is_before_us(self, sent_at: int, now: float) -> bool:
        """Later than TOLERANCE after the start its age alone decides; a clock that was set back must not lock us."""
        return 0 <= now - self._opened_at <= TOLERANCE and sent_at < int(self._opened_at)

    def _forget(self, now: float) -> None:
        """An id whose message would be refused for its age need not be known any more."""
        self._heard = {name: at for name, at in self._heard.items() if abs(now - at) <= TOLERANCE}
