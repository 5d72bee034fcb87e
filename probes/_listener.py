"""A small HTTP/1.1 listener for one path, made to stand behind a reverse proxy; private to this folder.

One request for each connection, POST only, everything bounded: size of head and body, time, and how many at once.
The protocol is h11's.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import h11

LONGEST_HEAD = 8192
LONGEST_BODY = 10_000
AT_ONCE = 32
PATIENCE = 5.0
"""Seconds for one whole conversation."""

ASK_WITHIN = 1.0
BADGE = "x-failover-listener"

_EXPECTED = (OSError, TimeoutError, h11.ProtocolError, asyncio.IncompleteReadError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A status and a line of JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Take = Callable[[Mapping[str, str], bytes], Reply]
"""What is done with a POST to the right path: headers by their names in lower case, and the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen; an IP address, never a name."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """`127.0.0.1:8471` or `[::1]:8471`; port 0 takes any that is free.  Raises ValueError."""
    host, _, port = text.rpartition(":")
    try:
        address = ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
        number = int(port) if port.isascii() and port.isdecimal() else -1
    except ValueError:
        number = -1
    if not 0 <= number < 65536 or (":" in host) != host.startswith("["):
        raise ValueError("expected an IP address with a port, such as 127.0.0.1:8471")
    return Address(host=str(address), port=number)


@asynccontextmanager
async def listen(address: Address, path: str, badge: str, take: Take) -> AsyncIterator[Address]:
    """Listen while the context is open; the address it has become.  Raises OSError where the port is taken.

    At a reload our successor opens before we close, so the port may be shared with a listener of this process that
    wears the same badge, and with no other.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    badge = hashlib.sha256(f"{os.getpid()} {badge}".encode()).hexdigest()[:32]
    if _is_taken(family, address) and await _badge_at(address) != badge:
        raise OSError(f"{address}: another program listens there already, or another probe of this configuration")
    conversations = _Conversations(path, badge, take)
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            door.bind((address.host, address.port))
            server = await asyncio.start_server(conversations.serve, sock=door, limit=LONGEST_BODY)
        except OSError as error:
            raise OSError(f"{address}: cannot listen there ({error.strerror or error})") from None
        try:
            yield Address(host=address.host, port=door.getsockname()[1])
        finally:
            server.close()
            await conversations.stop()


def _is_taken(family: int, address: Address) -> bool:
    """Whether anybody has the port, also one who would share it."""
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address.host, address.port))
        except OSError:
            return True
    return False


async def _badge_at(address: Address) -> str:
    """What the listener there wears; "" for one that is none of ours."""
    try:
        async with asyncio.timeout(ASK_WITHIN):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                writer.write(b"GET / HTTP/1.1\r\nhost: listener\r\nconnection: close\r\n\r\n")
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            finally:
                writer.close()
    except (*_EXPECTED, asyncio.LimitOverrunError):
        return ""
    lines = (line.partition(":") for line in head.split("\r\n"))
    return next((value.strip() for name, _, value in lines if name.lower() == BADGE), "")


class _Conversations:
    """The connections that are open."""

    def __init__(self, path: str, badge: str, take: Take) -> None:
        self._path = path
        self._badge = badge
        self._take = take
        self._open: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from start to end; a client that misbehaves is hung up on."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= AT_ONCE:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._converse(reader, writer)
        except _EXPECTED:
            pass
        except asyncio.CancelledError:  # the listener closes, and nobody waits for this conversation
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def stop(self) -> None:
        """Hang up on everybody."""
        for task in (waiting := [*self._open]):
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
        try:
            reply = await self._reply(connection, reader)
        except h11.RemoteProtocolError as error:
            reply = problem(error.error_status_hint, "this is not proper HTTP")
        writer.write(_raw(connection, reply, self._badge))
        await writer.drain()

    async def _reply(self, connection: h11.Connection, reader: asyncio.StreamReader) -> Reply:
        head = await _next(connection, reader)
        if not isinstance(head, h11.Request):
            return problem(400, "this is not proper HTTP")
        body = b""
        while isinstance(part := await _next(connection, reader), h11.Data):
            body += bytes(part.data)
            if len(body) > LONGEST_BODY:
                return problem(413, f"more than {LONGEST_BODY} bytes")
        if not isinstance(part, h11.EndOfMessage):
            return problem(400, "the request is not complete")
        return self._judge(head, body)

    def _judge(self, head: h11.Request, body: bytes) -> Reply:
        if head.method != b"POST":
            return problem(405, "only POST", {"allow": "POST"})
        if head.target.decode("ascii", "replace") != self._path:
            return problem(404, "there is nothing here")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        return self._take(headers, body)


def problem(status: int, words: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A refusal; `words` are ours and need no quoting."""
    return Reply(status=status, body=b'{"error": "' + words.encode() + b'"}', headers=headers or {})


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    """The next event of the request; a client that waits to be told to go on with its body is told nothing."""
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(LONGEST_BODY))
    return event


def _raw(connection: h11.Connection, reply: Reply, badge: str) -> bytes:
    headers = {
        "content-type": "application/json",
        "content-length": str(len(reply.body)),
        "connection": "close",
        BADGE: badge,
        **reply.headers,
    }
    head = h11.Response(status_code=reply.status, headers=list(headers.items()))
    whole = (head, h11.Data(data=reply.body), h11.EndOfMessage())
    return b"".join(connection.send(event) or b"" for event in whole)
