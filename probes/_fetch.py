"""The polite HTTP client that every probe shares; private to this folder.

Each request opens a connection of its own: a kept-alive one would go on working while new visitors cannot get in,
and one that the server had just closed looks exactly like an outage.  What is remembered between two looks is only
the last good body with its ETag or Last-Modified, and until when a host asked to be left alone (429 with Retry-After;
rule R9); never a cookie.

`get` never raises for anything a server or the network can do: what is not a `Page` is a `Trouble`.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from failover.model import Fault
from probes._page import Page, plain
from probes._trouble import Kind, Trouble, classify, lookup

__all__ = ["Fetcher", "Kind", "Page", "Trouble", "open_fetcher", "plain"]

REDIRECTS = 3
REMEMBERED = 4
LOOKUP_SECONDS = 1.0
LONGEST_PAUSE = 3600.0
"""Seconds; a source that asks for a longer pause is asked again after this one."""

PACKING = 1000
"""Bytes by which a packed body may exceed its contents before it is taken for garbage."""

_EXPECTED = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, LookupError, zlib.error)


class Fetcher:
    """Gets pages for one probe; remembers validators and bodies per URL, at most REMEMBERED of them."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        limit: int,
        seconds: float,
        cut: bool = False,
        remember: bool = True,
        pause: float = LONGEST_PAUSE,
    ) -> None:
        self._client = client
        self._limit = limit
        self._seconds = seconds
        self._cut = cut
        self._remembers = remember
        self._pause = pause
        self._known: dict[str, Page] = {}
        self._paused: dict[str, float] = {}

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        method: str = "GET",
        data: Mapping[str, str] | bytes | None = None,
        follow: bool = True,
        at: str | None = None,
    ) -> Page | Trouble:
        """One exchange.  Redirects are followed on the same host only (http to https is allowed), for GET and HEAD.

        With `follow=False` a redirect is a page like any other.  `data` is a form, or a raw body.  `at` is the IP
        address to ask instead of looking up the name; the certificate must be the name's all the same.
        """
        host = url.partition("://")[2].partition("/")[0]
        left = self._paused.get(host, 0.0) - asyncio.get_running_loop().time()
        if left > 0:
            return Trouble(kind=Kind.THROTTLED, reason=f"it asked us to wait; asked again in {left:.0f} s")
        found = await self._get(url, method, dict(headers or {}), {"auth": auth, **_body(data)}, follow=follow, at=at)
        self._mind(host, found)
        return found

    def _mind(self, host: str, found: Page | Trouble) -> None:
        """A host that is asked too often says so, and often for how long."""
        self._paused.pop(host, None)
        if isinstance(found, Page) and found.status == 429:
            wait = found.headers.get("retry-after", "")
            seconds = float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 10 else 0.0
            self._paused[host] = asyncio.get_running_loop().time() + min(seconds, self._pause)

    async def _get(
        self,
        url: str,
        method: str,
        fields: dict[str, str],
        extra: dict[str, Any],
        *,
        follow: bool,
        at: str | None,
    ) -> Page | Trouble:
        try:
            async with asyncio.timeout(self._seconds):
                if at is not None:
                    return await self._once(method, *_instead(url, at, fields, extra))
                page = await self._once(method, url, fields, extra)
                return await self._follow(page, method, fields, extra) if follow else page
        except TimeoutError:
            return await self._late(url)
        except _EXPECTED as error:
            return classify(error)

    async def _follow(
        self, page: Page | Trouble, method: str, headers: dict[str, str], extra: dict[str, Any]
    ) -> Page | Trouble:
        seen: set[str] = set()
        while isinstance(page, Page) and 300 <= page.status < 400 and "location" in page.headers:
            seen.add(page.url)
            target = httpx.URL(page.url).join(page.headers["location"]).copy_with(fragment=None)
            refusal = _refused_hop(httpx.URL(page.url), target, method, seen)
            if refusal:
                return Trouble(kind=Kind.REDIRECT, reason=refusal)
            page = await self._once(method, str(target), headers, extra)
        return page

    async def _once(self, method: str, url: str, headers: dict[str, str], extra: dict[str, Any]) -> Page | Trouble:
        known = self._known.get(url) if method == "GET" else None
        if known is not None:
            headers = {**headers, **_conditions(known)}
        async with self._client.stream(method, url, headers=headers, **extra) as response:
            peer = _peer(response)  # only an open connection knows where it leads
            if response.status_code == 304 and known is not None:
                return _renewed(known, response.headers, peer)
            body = await _read(response, self._limit)
        if isinstance(body, Trouble):
            return body
        if len(body) > self._limit and not self._cut:
            return _too_large(self._limit)
        page = Page(
            status=response.status_code,
            headers=response.headers,
            body=body[: self._limit],
            url=str(response.url),
            cut=len(body) > self._limit,
            peer=peer,
        )
        if method == "GET" and not extra.keys() & {"data", "content"}:
            self._remember(url, page)
        return page

    def _remember(self, url: str, page: Page) -> None:
        self._known.pop(url, None)
        if self._remembers and page.status == 200 and not page.cut and _conditions(page):
            self._known[url] = page
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    async def _late(self, url: str) -> Trouble:
        """Time ran out.  Where not even the name can be looked up now, that was it, and it is not the far side's."""
        host = httpx.URL(url).host
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                await asyncio.get_running_loop().getaddrinfo(host, None)
        except TimeoutError:
            return lookup(None)
        except (OSError, ValueError) as error:
            return classify(error)
        reason = f"no complete answer within {self._seconds:g} s"
        return Trouble(kind=Kind.TIMEOUT, reason=reason, fault=Fault.PLATFORM)


@asynccontextmanager
async def open_fetcher(
    user_agent: str,
    *,
    limit: int = 2_000_000,
    seconds: float = 8.0,
    cut: bool = False,
    remember: bool = True,
    pause: float = LONGEST_PAUSE,
) -> AsyncIterator[Fetcher]:
    """A fetcher for one probe.

    `limit`: bytes of a body, before and after unpacking; what is longer is TOO_LARGE, or cut there if `cut`.
    `seconds`: the whole of one `get`, redirects included; only the check of the name after that may add a second.
    `remember=False`: every request is unconditional.
    `pause`: seconds for which a 429 with Retry-After is heeded at most.  Long suits a source, of which others stand
    beside it; what is itself looked at (a platform, an anchor, a resolver) must not be able to send us away.
    """
    headers = {"user-agent": _header_safe(user_agent), "accept-encoding": "gzip"}
    async with httpx.AsyncClient(
        headers=headers,
        verify=trust(),
        timeout=None,  # noqa: S113 - `seconds` limits the whole, which limits each part
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=0),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        trust_env=True,
    ) as client:
        yield Fetcher(client, limit=limit, seconds=seconds, cut=cut, remember=remember, pause=pause)


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """One TLS context for all probes: building one costs some 20 ms and a megabyte."""
    return ssl.create_default_context()


async def _read(response: httpx.Response, limit: int) -> bytes | Trouble:
    """The unpacked body, at most `limit` + 1 bytes of it: unpacking is bounded at each step."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("gzip", "x-gzip", "identity", ""):
        return Trouble(kind=Kind.PROTOCOL, reason="the answer is packed in a way we did not ask for")
    unpack = zlib.decompressobj(wbits=31) if "gzip" in coding else None
    body = bytearray()
    received = 0
    async for piece in response.aiter_raw():
        received += len(piece)
        body += unpack.decompress(piece, limit + 1 - len(body)) if unpack else piece
        if len(body) > limit:
            return bytes(body[: limit + 1])
        if received > limit + PACKING:
            return _too_large(limit)
    if unpack and received and not unpack.eof:
        return Trouble(kind=Kind.PROTOCOL, reason="the packed answer is incomplete")
    return bytes(body)


def _too_large(limit: int) -> Trouble:
    return Trouble(kind=Kind.TOO_LARGE, reason=f"the answer is larger than {limit} bytes")


def _refused_hop(here: httpx.URL, target: httpx.URL, method: str, seen: set[str]) -> str:
    """Why a redirect is not followed; empty where it is."""
    if target.host != here.host:
        return f"sent on to another host ({plain(target.host, 60)})"
    upgrade = (here.scheme, target.scheme) == ("http", "https")
    if not upgrade and (here.scheme, here.port) != (target.scheme, target.port):
        return "sent on to another port or to a connection that is not secure"
    if method not in ("GET", "HEAD"):
        return "sent on instead of answered"
    if str(target) in seen:
        return "redirects in a circle"
    return f"more than {REDIRECTS} redirects" if len(seen) > REDIRECTS else ""


def _renewed(known: Page, headers: httpx.Headers, peer: str | None) -> Page:
    """What was known, as confirmed by a 304: its headers replace those of the same name (RFC 9111, 3.2)."""
    renewed = {name.lower() for name, _value in headers.raw}
    kept = [(name, value) for name, value in known.headers.raw if name.lower() not in renewed]
    merged = httpx.Headers([*kept, *headers.raw])  # `update` would read the new ones in the encoding of the old
    return replace(known, headers=merged, unchanged=True, peer=peer)


def _conditions(page: Page) -> dict[str, str]:
    names = {"etag": "if-none-match", "last-modified": "if-modified-since"}
    return {ask: page.headers[name] for name, ask in names.items() if page.headers.get(name)}


def _peer(response: httpx.Response) -> str | None:
    """Where the connection led.  Behind a proxy that is the proxy, which the port gives away."""
    stream = response.extensions.get("network_stream")
    address = stream.get_extra_info("server_addr") if stream is not None else None
    url = response.url
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    return str(address[0]) if isinstance(address, tuple) and address[1] == port else None


def _instead(
    url: str, at: str, headers: dict[str, str], extra: dict[str, Any]
) -> tuple[str, dict[str, str], dict[str, Any]]:
    """The same request, sent to the IP address `at`: Host and the name in the TLS handshake stay those of `url`."""
    named = httpx.URL(url)
    moved = str(named.copy_with(host=at))
    names = {"sni_hostname": named.host}
    return moved, {**headers, "host": named.netloc.decode("ascii")}, {**extra, "extensions": names}


def _body(data: Mapping[str, str] | bytes | None) -> dict[str, Any]:
    if data is None:
        return {}
    return {"content": data} if isinstance(data, bytes) else {"data": dict(data)}


def _header_safe(text: str) -> str:
    """A header value may hold ASCII on one line only; an organisation's name may hold anything."""
    return plain(text, 300).encode("ascii", "replace").decode()
