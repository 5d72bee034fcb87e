"""tweepy over this folder's own transport; private to this folder.

tweepy knows X's routes, the names of their parameters and which of them need a user's signature.  Its own transport
cannot be used by a daemon: it passes no time-out at all and has the host as a literal.  Its exceptions cannot either:
they fail with AttributeError on an error body that is a JSON list, and 402 has none.

So only the public `request` is replaced, by a coroutine.  With `return_type=requests.Response` tweepy hands through
whatever `request` returns, so `await client.create_tweet(text=…)` gives an `Answer`, or what its absence proves.
No thread is left posting after the caller's deadline, respx and a loopback server can see every request, and the
signature is oauthlib's (RFC 5849; a JSON body is not part of it).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import requests
import tweepy  # type: ignore[import-untyped]
from oauthlib.oauth1 import Client as Signer  # type: ignore[import-untyped]
from pydantic import SecretStr

from channels._http import Answer, exchange
from failover.model import Unconfirmed, Unreachable


class XClient(tweepy.Client):  # type: ignore[misc]
    """tweepy's client for one account, asynchronous; the httpx client belongs to whoever opened it."""

    def __init__(self, http: httpx.AsyncClient, api_url: str, signer: Signer) -> None:
        super().__init__(return_type=requests.Response)
        self._http = http
        self._api_url = api_url
        self._signer = signer

    async def request(
        self,
        method: str,
        route: str,
        params: dict[str, Any] | None = None,
        json: dict[str, Any] | None = None,
        user_auth: bool = True,  # noqa: FBT001, FBT002 - tweepy's own signature
    ) -> Answer | Unreachable | Unconfirmed:
        """One exchange, always signed for the user."""
        assert user_auth, "this account has no application-only token"
        query = f"?{urlencode(sorted(params.items()))}" if params else ""
        url, headers, _body = self._signer.sign(f"{self._api_url}{route}{query}", method)
        return await exchange(self._http, method, url, headers=headers, json=json)

    async def upload(self, name: str, content: bytes, media_type: str) -> Answer | Unreachable | Unconfirmed:
        """A picture in one request; a form with a file in it is no part of the signature (RFC 5849, 3.4.1.3.1)."""
        url, headers, _body = self._signer.sign(f"{self._api_url}/2/media/upload", "POST")
        fields, files = {"media_category": "tweet_image"}, {"media": (name, content, media_type)}
        return await exchange(self._http, "POST", url, headers=headers, data=fields, files=files)

    async def describe(self, media: str, alt: str) -> Answer | Unreachable | Unconfirmed:
        """What the picture shows, for people who cannot see it; X takes 1,000 characters."""
        body = {"id": media, "metadata": {"alt_text": {"text": alt[:1000]}}}
        return await self.request("POST", "/2/media/metadata", json=body)


def signer(consumer_key: SecretStr, consumer_secret: SecretStr, token: SecretStr, token_secret: SecretStr) -> Signer:
    """OAuth 1.0a with HMAC-SHA1 in the Authorization header; such tokens do not expire."""
    key, secret, owner, owner_secret = (
        value.get_secret_value().strip() for value in (consumer_key, consumer_secret, token, token_secret)
    )
    return Signer(key, client_secret=secret, resource_owner_key=owner, resource_owner_secret=owner_secret)
