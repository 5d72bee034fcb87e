"""Any receiver that speaks Standard Webhooks: a press desk, a workflow tool, a home-made display.

Every repeat of a statement carries the same `webhook-id`, by which the receiver knows it again: so a repeat is safe,
and there is nothing to read back.  The standard suggests that receivers remember an id for minutes only; one that is
to hear a statement once, whatever happens, should remember it for a day.

Source: Standard Webhooks specification 1.0.0 (headers, signature scheme, secret format, status codes, size, 15-30 s).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from pydantic import AfterValidator, SecretStr

from channels._http import Answer, open_client
from channels._steps import Trouble, ask, unknown_post, while_publishing
from channels._web import WebAddress, retry_after
from failover.contracts import ChannelKind, Notebook, Options, Surroundings
from failover.model import (
    Absent,
    Announcement,
    Delivered,
    Evidence,
    Fault,
    Finding,
    Health,
    Measure,
    Outcome,
    Receipt,
    Refusal,
    Sighting,
)

LONGEST = 20_000
_PREFIX = "whsec_"
_REFUSALS = {
    401: ("the receiver does not accept the signature", Refusal.CREDENTIAL),
    403: ("the receiver does not accept the signature", Refusal.CREDENTIAL),
    404: ("there is no receiver at this address", Refusal.CONFIGURATION),
    405: ("what is at this address takes no webhooks", Refusal.CONFIGURATION),
    410: ("the receiver wants no more webhooks", Refusal.CONFIGURATION),
}
_BUSY = (408, 425, 429)
_UNPROVEN = "the address answers; that the receiver accepts our secret cannot be proven without posting"


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _well_formed(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value.startswith(_PREFIX) or not 24 <= len(_key(value)) <= 64:
        raise ValueError("expected whsec_ followed by 24 to 64 random bytes in base64")
    return secret


WebhookSecret = Annotated[SecretStr, AfterValidator(_well_formed)]


class WebhookOptions(Options):
    """`previous_secret` signs as well, for as long as the receiver is moving to a new `secret`."""

    url: WebAddress
    secret: WebhookSecret
    previous_secret: WebhookSecret | None = None

    @property
    def secrets(self) -> list[str]:
        """The newest first."""
        both = (self.secret, self.previous_secret)
        return [secret.get_secret_value() for secret in both if secret is not None]


def measure(_options: WebhookOptions, announcement: Announcement) -> Measure:
    """The standard asks for less than 20 kB of body."""
    return Measure(len(body_of(announcement)), LONGEST, "bytes")


def body_of(announcement: Announcement) -> bytes:
    """The very bytes that are signed and sent; the same for every repeat."""
    data = {
        "incident": announcement.incident,
        "statement": announcement.statement.value,
        "reference": announcement.reference,
        "text": announcement.text,
        "subject": announcement.subject,
        "platforms": list(announcement.platforms),
    }
    return _envelope("failover.statement", announcement.created_at, data)


def webhook_id(key: str) -> str:
    """The announcement's key as a header may carry it: ASCII, without the full stops that separate what is signed."""
    return quote(key, safe=":~-_").replace(".", "%2E")


def signature(secrets: Sequence[str], name: str, timestamp: int, body: bytes) -> str:
    """One `v1,<base64>` per secret, separated by spaces: HMAC-SHA256 of `id.timestamp.body`."""
    content = f"{name}.{timestamp}.".encode() + body
    digests = [hmac.new(_key(secret), content, hashlib.sha256).digest() for secret in secrets]
    return " ".join("v1," + base64.b64encode(digest).decode() for digest in digests)


def classify(answer: Answer, now: float) -> Trouble | None:
    """What is wrong with this answer; None for a 2xx.

    The standard leaves the body of a 2xx open, but a whole web page is a sign-in or parking page, no receiver.
    """
    status = answer.status
    if answer.ok and not answer.text.lstrip().lower().startswith(("<!doctype", "<html")):
        return None
    if answer.ok:
        reason = "a web page came back instead of a receiver's answer"
        return Trouble(reason=reason, certain=False, sighting=Sighting.unknown(Evidence.SPOKEN, reason))
    if status >= 500:
        reason = f"HTTP {status} from the receiver"
        return Trouble(reason=reason, certain=False, sighting=Sighting.down(Evidence.SPOKEN, reason))
    if status in _BUSY:
        reason = f"the receiver is too busy for us at the moment (HTTP {status})"
        sighting = Sighting.unknown(Evidence.SPOKEN, reason, fault=Fault.ACCOUNT)
        return Trouble(reason=reason, retry_after=retry_after(answer.headers, now), sighting=sighting)
    moved = ("the receiver has moved to another address", Refusal.CONFIGURATION)
    other = ("the receiver does not accept the statement", Refusal.CONTENT)
    words, refusal = moved if status < 400 else _REFUSALS.get(status, other)
    reason = f"{words} (HTTP {status})"
    sighting = Sighting.unknown(Evidence.SPOKEN, reason, fault=Fault.ACCOUNT)
    return Trouble(reason=reason, refusal=refusal, sighting=sighting)


class Webhook:
    """One receiver."""

    def __init__(self, options: WebhookOptions, client: httpx.AsyncClient, now: Callable[[], float]) -> None:
        self._options = options
        self._client = client
        self._now = now

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:  # noqa: ARG002 - needs no notes
        """Post it; a 2xx is the receiver's receipt, and our id is the proof."""
        name = webhook_id(announcement.key)
        return await self._post(Receipt(remote_id=name), name, body_of(announcement))

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:  # noqa: ARG002
        """There is nothing to read; "absent" lets the courier repeat it, which the receiver recognises."""
        return Absent(
            reason="it cannot be looked for, but a repeat carries the same webhook-id and is not heard twice"
        )

    async def check(self) -> Health:
        """Ask for the allowed methods, which posts nothing: any answer proves the host and its certificate."""
        answer = await ask(self._client, "OPTIONS", self._options.url)
        if isinstance(answer, Trouble):
            return Health(sighting=answer.sighting, problems=(answer.reason,))
        trouble = classify(answer, self._now())
        if trouble is not None and (
            answer.status in (404, 410) or answer.status >= 500 or 300 <= answer.status < 400
        ):
            return Health(sighting=trouble.sighting, problems=(trouble.reason,))
        allowed = [method.strip().upper() for method in answer.headers.get("allow", "POST").split(",")]
        warnings = () if "POST" in allowed else ("the receiver does not list POST among what it allows",)
        sighting = Sighting.up(Evidence.SPOKEN, "the receiver's address answers")
        return Health(sighting=sighting, warnings=warnings, facts={"proof": _UNPROVEN})

    async def retract(self, receipt: Receipt) -> Outcome:
        """Tell the receiver to take it back; what it does then is its own affair."""
        if not receipt.remote_id:
            return unknown_post(receipt)
        body = _envelope("failover.retraction", self._now(), {"remote_id": receipt.remote_id})
        return await self._post(receipt, f"{receipt.remote_id}-retraction", body)

    async def _post(self, receipt: Receipt, name: str, body: bytes) -> Outcome:
        now = self._now()
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(now)),
            "webhook-signature": signature(self._options.secrets, name, int(now), body),
        }
        answer = await ask(self._client, "POST", self._options.url, content=body, headers=headers)
        trouble = classify(answer, now) if isinstance(answer, Answer) else answer
        if trouble is not None:
            return while_publishing(trouble)
        return Delivered(receipt=receipt, sighting=Sighting.up(Evidence.SPOKEN, "the receiver took a statement"))


def _envelope(kind: str, at: float, data: dict[str, Any]) -> bytes:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    whole = {"type": kind, "timestamp": moment, "data": data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


@asynccontextmanager
async def open_webhook(options: WebhookOptions, surroundings: Surroundings) -> AsyncIterator[Webhook]:
    """The receiver, with a client of its own."""
    async with open_client(surroundings.user_agent) as client:
        yield Webhook(options, client, surroundings.now)


KIND = ChannelKind(
    WebhookOptions,
    open_webhook,
    measure,
    example="{kind: webhook, url: https://hooks.example.org/in, secret_file: webhook-secret}",
    settle=0.0,
    reads_back=False,
    when_unsure="resend",  # the receiver knows the webhook-id again
    public=False,
)
