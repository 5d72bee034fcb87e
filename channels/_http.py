"""One HTTP exchange with a service, and what its failure proves; private to this folder.

The rule (measured on httpx 0.28 against a misbehaving server, and the reason for fresh connections): only a
connection that was never made means "certainly not posted".  A reset, a lost reply, a read timeout may follow a
request that was processed, so they are Unconfirmed.  What an *answered* request means is each channel's own table.
"""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx

from failover.model import Evidence, Fault, Sighting, Unconfirmed, Unreachable

BODY_CAP = 1_000_000
"""Bytes of an answer that are read; what is longer is cut (and then does not parse)."""

NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.ProxyError,  # raised only while a proxy is asked for the connection (httpcore's CONNECT and SOCKS)
)
"""httpx errors that prove that not one byte of the request reached the service."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers, text (at most BODY_CAP bytes), and its JSON (None where it is not JSON)."""

    status: int
    headers: httpx.Headers
    text: str
    json: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def field(self, *path: str) -> Any:
        """The value at `path` in nested JSON objects, or None wherever the shape is another."""
        value = self.json
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """One TLS context for all channels: building one costs some 20 ms and a megabyte."""
    return ssl.create_default_context()


def open_client(user_agent: str, base_url: str = "", *, seconds: float = 20.0, **extra: Any) -> httpx.AsyncClient:
    """A client that opens a fresh connection for every request (rule D8), never redirects, and names us.

    A kept-alive connection that the server has closed fails exactly like "posted, then died".  `seconds` limits each
    read; the total deadline is the caller's.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        headers={"user-agent": user_agent, **extra.pop("headers", {})},
        verify=trust(),
        timeout=httpx.Timeout(seconds, connect=min(seconds, 10.0)),
        limits=httpx.Limits(max_connections=4, max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=True,
        **extra,
    )


async def exchange(
    client: httpx.AsyncClient, method: str, url: str, **request: Any
) -> Answer | Unreachable | Unconfirmed:
    """Send one request; the answer, or what its absence proves about a request that publishes."""
    try:
        async with client.stream(method, url, **request) as response:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > BODY_CAP:
                    break
            return _answer(response, bytes(body[:BODY_CAP]))
    except httpx.HTTPError as error:
        return trouble(error)


def trouble(error: httpx.HTTPError | httpx.InvalidURL) -> Unreachable | Unconfirmed:
    """What a transport error proves.  The text names the kind of error only: an httpx message can carry the URL."""
    reason = describe(error)
    sighting = Sighting.down(Evidence.HERE, reason)
    if isinstance(error, httpx.ProxyError) or _is_our_own(error):  # our own network's no, nothing about the platform
        sighting = Sighting.unknown(Evidence.HERE, reason, fault=Fault.NETWORK)
    if isinstance(error, NEVER_LEFT):
        return Unreachable(reason=reason, sighting=sighting)
    return Unconfirmed(reason=f"{reason}; the post may have gone out", sighting=sighting)


def _is_our_own(error: BaseException | None) -> bool:
    """A name that our resolver does not give, or a certificate that does not hold, as when a box is on the line."""
    while error is not None and not isinstance(error, socket.gaierror | ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def describe(error: BaseException) -> str:
    """A short clause for people, without any address in it."""
    words: dict[type[BaseException], str] = {
        httpx.ConnectTimeout: "no connection within the time allowed",
        httpx.ConnectError: "connection refused or host not found",
        httpx.PoolTimeout: "no free connection",
        httpx.ProxyError: "the proxy did not let us through",
        httpx.ReadTimeout: "no answer within the time allowed",
        httpx.WriteTimeout: "the request could not be written in time",
        httpx.ReadError: "connection reset",
        httpx.RemoteProtocolError: "connection closed without a complete answer",
    }
    return words.get(type(error), type(error).__name__)


def _answer(response: httpx.Response, body: bytes) -> Answer:
    text = body.decode("utf-8", "replace")  # JSON is UTF-8 (RFC 8259, 8.1); a charset that lies can hang or raise
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    return Answer(response.status_code, response.headers, text, parsed)
