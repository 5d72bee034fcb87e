"""A practice name server on 127.0.0.1, over UDP, TCP and HTTPS-style POST and GET (RFC 1035, RFC 8484).

One `Zone` holds what is said of each name; several servers may share it, or each have its own.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from enum import Enum
from typing import Any, Self

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from failover.practice.http import HttpService, Request, Response

MIME = "application/dns-message"
EVERY = "*"


class Behaviour(Enum):
    """What happens to a question about a name."""

    ANSWER = "the records, or NXDOMAIN where there are none"
    SERVFAIL = "the platform's own name servers do not answer this resolver"
    NXDOMAIN = "no such name"
    REFUSED = "this resolver does not serve us"
    DROP = "no answer, ever"
    TRUNCATED = "cut over UDP, whole over TCP"
    GARBAGE = "bytes that are no DNS message"


_RCODES = {
    Behaviour.SERVFAIL: dns.rcode.SERVFAIL,
    Behaviour.NXDOMAIN: dns.rcode.NXDOMAIN,
    Behaviour.REFUSED: dns.rcode.REFUSED,
}


class Zone:
    """What is said of each name.  Keeps every question asked, as (name, type)."""

    def __init__(self) -> None:
        self.questions: list[tuple[str, str]] = []
        self._records: dict[str, tuple[str, ...]] = {}
        self._behaviours: dict[str, Behaviour] = {}

    def put(self, name: str, *addresses: str) -> None:
        """`name` has these IPv4 and IPv6 addresses; none at all means that it exists without any."""
        self._records[name] = addresses

    def behave(self, name: str, behaviour: Behaviour) -> None:
        """From now on questions about `name` (or about EVERY name without a behaviour of its own) go so."""
        self._behaviours[name] = behaviour

    def behaviour_of(self, name: str) -> Behaviour:
        return self._behaviours.get(name, self._behaviours.get(EVERY, Behaviour.ANSWER))

    def reply(self, wire: bytes, *, cut: bool = False) -> bytes | None:
        """The answer to one message, None where there is none; `cut`: it goes out over UDP."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if not query.question:
            return None
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.questions.append((name, dns.rdatatype.to_text(question.rdtype)))
        match self.behaviour_of(name):
            case Behaviour.DROP:
                return None
            case Behaviour.GARBAGE:
                return wire[:2] + b"\xff\xff garbage"
            case Behaviour.TRUNCATED if cut:
                return _truncated(query)
            case behaviour:
                return self._answer(query, name, behaviour)

    def _answer(self, query: dns.message.Message, name: str, behaviour: Behaviour) -> bytes:
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        if behaviour in _RCODES or name not in self._records:
            response.set_rcode(_RCODES.get(behaviour, dns.rcode.NXDOMAIN))
            return response.to_wire()
        wanted = [text for text in self._records[name] if (":" in text) == (question.rdtype == dns.rdatatype.AAAA)]
        if wanted and question.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype, *wanted))
        return response.to_wire()


def _truncated(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.TC
    return response.to_wire()


class DnsService:
    """UDP and TCP on one port; use as `async with DnsService(zone) as server: … server.address`."""

    def __init__(self, zone: Zone | None = None) -> None:
        self.zone = zone or Zone()
        self._tcp: asyncio.Server | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def address(self) -> str:
        """As the `dns` probe takes it."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Take a port that is free for both."""
        loop = asyncio.get_running_loop()
        while self._udp is None:
            self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self.zone), local_addr=("127.0.0.1", self.port)
                )
            except OSError:  # the same number is taken for UDP
                self._tcp.close()

    async def stop(self) -> None:
        """Stop listening; open conversations end."""
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        if self._tcp is not None:
            self._tcp.close()
        for task in [*self._open]:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                answer = self.zone.reply(await reader.readexactly(length))
                if answer is not None:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        answer = self._zone.reply(data, cut=True)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


class DohService(HttpService):
    """The same over HTTP: POST /dns-query with a message, or GET with `dns=` in base64url."""

    def __init__(self, zone: Zone | None = None) -> None:
        super().__init__()
        self.zone = zone or Zone()

    @property
    def endpoint(self) -> str:
        """As the `dns` probe takes it."""
        return f"{self.url}/dns-query"

    async def answer(self, request: Request) -> Response:
        if request.path != "/dns-query":
            return Response.html("<h1>Not Found</h1>", 404)
        wire = _message(request)
        if wire is None:
            return Response.html("<h1>Bad Request</h1>", 400)
        answer = self.zone.reply(wire)
        if answer is None:
            await asyncio.sleep(3600)
        return Response(200, answer or b"", {"content-type": MIME, "cache-control": "max-age=60"})


def _message(request: Request) -> bytes | None:
    if request.method == "POST":
        return request.body if request.headers.get("content-type") == MIME else None
    text = request.query.get("dns", "")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) or None
    except binascii.Error:
        return None
