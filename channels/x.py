"""X (Twitter), through the v2 API with OAuth 1.0a: tokens that do not expire and are never refreshed.

One post per statement, never a thread, since X restricts programmatic replies (changelog of 23 February 2026).
X has no idempotency key, but refuses a text that it has seen; see `posted` for what that proves.  Read-back is the
account's own timeline.  A post costs money, so does every read: https://docs.x.com/x-api/getting-started/pricing
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pydantic import Field, SecretStr

from channels._http import Answer, open_client
from channels._picture import file_name, picture_of
from channels._web import SafeAddress
from channels._x_answers import deleted, failed, health, posted, seen, why
from channels._x_client import XClient, signer
from failover.contracts import ChannelKind, Cost, Duration, Notebook, Options, Surroundings
from failover.model import (
    Announcement,
    CannotTell,
    Finding,
    Health,
    Image,
    Measure,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Unconfirmed,
    Unreachable,
)

LARGEST_PICTURE = 5_000_000
PAGE = 20  # posts read back at once; each costs $0.001


class XOptions(Options):
    """The consumer key and secret are the app's, the access token and its secret the account's (OAuth 1.0a).

    `api_url` is another server.  `timeout` is the longest silence while an answer is awaited.
    """

    consumer_key: SecretStr = Field(min_length=1)
    consumer_secret: SecretStr = Field(min_length=1)
    access_token: SecretStr = Field(min_length=1)
    access_token_secret: SecretStr = Field(min_length=1)
    api_url: SafeAddress = "https://api.x.com"
    timeout: Duration = 20.0


class XChannel:
    """One account."""

    def __init__(self, client: XClient, now: Callable[[], float]) -> None:
        self._client = client
        self._now = now
        self._account: str | None = None  # its number, once known: it cannot change under the same token

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:
        picture = await picture_of(announcement)
        if isinstance(picture, Refused | Unreachable):
            return picture
        media = await self._upload(*picture) if picture else None
        if not isinstance(media, str | None):
            return media
        reply = await self._client.create_tweet(text=announcement.text, media_ids=[media] if media else None)
        return posted(reply, self._now(), repeat=notebook.repeat)

    async def _upload(self, image: Image, content: bytes) -> str | Outcome:
        """The number of the picture, with its description; nobody sees it, and X forgets it after a day.

        So each attempt uploads its own, and whatever fails here has published nothing.
        POST /2/media/upload and /2/media/metadata: https://docs.x.com/x-api/media/quickstart/media-upload-chunked
        """
        reply = await self._client.upload(file_name(image), content, image.media_type)
        number = reply.field("data", "id") if isinstance(reply, Answer) and reply.ok else None
        if not isinstance(number, str) or not number.isdecimal():
            return _unsaid(failed(reply, self._now()))
        described = await self._client.describe(number, image.alt)
        if not isinstance(described, Answer) or not described.ok:
            return _unsaid(failed(described, self._now()))
        return number

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:  # noqa: ARG002 - needs no notes
        account = await self._number()
        if isinstance(account, CannotTell):
            return account
        reply = await self._client.get_users_tweets(
            account, max_results=PAGE, tweet_fields=["created_at"], user_auth=True
        )
        return seen(reply, announcement, self._now())

    async def _number(self) -> str | CannotTell:
        if self._account is None:
            reply = await self._client.get_me()
            number = reply.field("data", "id") if isinstance(reply, Answer) and reply.ok else None
            if not isinstance(number, str) or not number.isdecimal():
                return CannotTell(reason=f"the account cannot be read: {why(failed(reply, self._now()))}")
            self._account = number
        return self._account

    async def check(self) -> Health:
        return health(await self._client.get_me(), self._now())

    async def retract(self, receipt: Receipt) -> Outcome:
        if not receipt.remote_id.isdecimal():
            reason = "the number of the post is not known; it must be removed by hand"
            return Refused(reason=reason, refusal=Refusal.CONFIGURATION)
        return deleted(await self._client.delete_tweet(receipt.remote_id), receipt, self._now())


def _unsaid(failure: Outcome) -> Outcome:
    """The same, of a request that can have published nothing."""
    if isinstance(failure, Unconfirmed):
        return Unreachable(reason=why(failure), sighting=failure.sighting)
    return failure


def measure(_options: XOptions, announcement: Announcement) -> Measure:
    """X's own weights.  The parser is imported here, and only here, because that takes 170 ms."""
    if announcement.images and announcement.images[0].size > LARGEST_PICTURE:
        return Measure(announcement.images[0].size, LARGEST_PICTURE, "bytes of the picture")
    from channels._x_length import LIMIT, weighted_length  # noqa: PLC0415 - see the docstring

    return Measure(weighted_length(announcement.text), LIMIT, "weighted characters")


@asynccontextmanager
async def open_x(options: XOptions, surroundings: Surroundings) -> AsyncIterator[XChannel]:
    keys = signer(options.consumer_key, options.consumer_secret, options.access_token, options.access_token_secret)
    async with open_client(surroundings.user_agent, seconds=options.timeout) as http:
        yield XChannel(XClient(http, options.api_url, keys), surroundings.now)


EXAMPLE = """
x:
  kind: x
  platform: x
  consumer_key_file: x-key                  # the app's key and secret; the app needs "read and write"
  consumer_secret_file: x-secret
  access_token_file: x-token                # the account's token and secret, made after that was set
  access_token_secret_file: x-token-secret
"""

# Deadline: up to 10 s to connect and 20 s of silence.  Settle: in incidents of X posts have shown up in timelines
# late; two minutes, and behind them stands the refusal of duplicates.  A check is one user read, and reads of one
# thing are billed once a day (pricing, see above); it need not be repeated more often than each 15 minutes.
KIND = ChannelKind(
    XOptions,
    open_x,
    measure,
    EXAMPLE,
    deadline=30.0,
    settle=120.0,
    images=1,
    check_cost=Cost(price=0.01, currency="USD", per="day"),
    check_every=900.0,
)
