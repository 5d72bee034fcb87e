"""One question to one resolver, over UDP and TCP (RFC 1035) or HTTPS (RFC 8484); private to this folder.

One attempt each; nothing here raises for what a resolver or the network does.  What was said is told apart finely,
because each rcode means something else for a verdict: see `dns.py`.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Any

import dns.edns
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from failover.model import Fault
from probes._fetch import Fetcher, Trouble
from probes._servers import Server, system_servers
from probes._trouble import LOCAL

PAYLOAD = 1232
"""Largest answer over UDP that no path fragments (dnsflagday.net/2020)."""


TRUNCATED = 0x02
"""The TC bit in the third byte of a message."""

BLOCKING = frozenset({15, 16, 17, 18})
"""Extended errors of a resolver that will not say (RFC 8914): blocked, censored, filtered, prohibited."""


class Said(str, Enum):
    """What a resolver said of a name."""

    FOUND = "an address"
    EMPTY = "no address of this type"
    NXDOMAIN = "no such name"
    SERVFAIL = "SERVFAIL"
    SILENT = "no answer"
    BLOCKED = "blocked, or an address that is not public"
    REFUSED = "refused to answer"
    UNCLEAR = "an answer that makes no sense"
    UNASKED = "could not be asked"


_RCODES = {
    dns.rcode.NXDOMAIN: Said.NXDOMAIN,
    dns.rcode.SERVFAIL: Said.SERVFAIL,
    dns.rcode.REFUSED: Said.REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`private`: the name may live on an address that is not public."""

    name: str
    type: str = "A"
    private: bool = False

    def message(self) -> dns.message.Message:
        """A query with a random id."""
        return dns.message.make_query(self.name, self.type, use_edns=0, payload=PAYLOAD)


async def ask(server: Server, question: Question, fetcher: Fetcher, seconds: float) -> Said:
    """One question, one answer; SILENT after `seconds`."""
    if server.system:
        return await _ask_system(question, fetcher, seconds)
    query = question.message()
    try:
        async with asyncio.timeout(seconds) as deadline:
            if server.url:
                answer = await _over_https(server.url, query, fetcher)
            else:
                answer = await _over_udp(server, query, deadline.when())
    except TimeoutError:
        return Said.SILENT
    except (OSError, asyncio.IncompleteReadError) as error:
        return Said.UNASKED if getattr(error, "errno", None) in LOCAL else Said.SILENT
    return answer if isinstance(answer, Said) else read(query, answer, private=question.private)


async def _ask_system(question: Question, fetcher: Fetcher, seconds: float) -> Said:
    """As the C library does: the first server in the list that answers counts."""
    said = await asyncio.gather(*(ask(server, question, fetcher, seconds) for server in system_servers()))
    answered = [word for word in said if word not in (Said.SILENT, Said.UNASKED)]
    return [*answered, *said, Said.UNASKED][0]


async def _over_https(url: str, query: dns.message.Message, fetcher: Fetcher) -> bytes | Said:
    mime = "application/dns-message"
    headers = {"content-type": mime, "accept": mime}
    page = await fetcher.get(url, method="POST", data=query.to_wire(), headers=headers)
    if isinstance(page, Trouble):
        silent = Said.SILENT if page.fault is Fault.PLATFORM else Said.UNCLEAR
        return Said.UNASKED if page.fault is Fault.NETWORK else silent
    right = page.status == 200 and page.headers.get("content-type", "").startswith(mime)
    return page.body if right else Said.UNCLEAR


async def _over_udp(server: Server, query: dns.message.Message, deadline: float | None) -> bytes | Said:
    """UDP, and TCP where the answer was cut.  What bears another id is noise: the true answer may still come."""
    where = (server.address, server.port)
    loop = asyncio.get_running_loop()
    transport, waiting = await loop.create_datagram_endpoint(lambda: _Waiting(query.id), remote_addr=where)
    try:
        transport.sendto(query.to_wire())
        async with asyncio.timeout_at(None if deadline is None else deadline - 0.05):
            wire = await waiting.answer
    except TimeoutError:
        return Said.UNCLEAR if waiting.noise else Said.SILENT
    finally:
        transport.close()
    return await _over_tcp(where, query) if wire[2] & TRUNCATED else wire


class _Waiting(asyncio.DatagramProtocol):
    def __init__(self, number: int) -> None:
        self._number = number.to_bytes(2, "big")
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.noise = False

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:  # noqa: ARG002
        if len(data) < 12 or data[:2] != self._number or self.answer.done():
            self.noise = True
        else:
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _over_tcp(where: tuple[str, int], query: dns.message.Message) -> bytes:
    """Two bytes of length before each message (RFC 1035, 4.2.2)."""
    reader, writer = await asyncio.open_connection(*where)
    try:
        wire = query.to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)
    finally:
        writer.close()


def read(query: dns.message.Message, wire: bytes, *, private: bool = False) -> Said:
    """What the answer `wire` to `query` says."""
    try:
        answer = dns.message.from_wire(wire)
        if not query.is_response(answer) or not isinstance(answer, dns.message.QueryMessage):
            return Said.UNCLEAR
        return _said(answer, private=private)
    except (dns.exception.DNSException, ValueError, struct.error):
        return Said.UNCLEAR


def _said(answer: dns.message.QueryMessage, *, private: bool) -> Said:
    if any(isinstance(option, dns.edns.EDEOption) and option.code in BLOCKING for option in answer.options):
        return Said.BLOCKED
    if answer.rcode() != dns.rcode.NOERROR:
        return _RCODES.get(answer.rcode(), Said.UNCLEAR)
    found = answer.resolve_chaining().answer
    addresses = [ip_address(record.address) for record in found or ()]
    if not addresses:
        return Said.EMPTY
    usable = any(address.is_global or (private and address.is_private) for address in addresses)
    return Said.FOUND if usable else Said.BLOCKED
