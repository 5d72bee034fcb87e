"""A loopback HTTP/1.1 server that can be told to fail in every way a real one does.

A service derives from `HttpService` and implements `answer(request)`: a pure-ish function of its own state, called
exactly once per request that the service *accepted*.  Faults are queued with `fail(...)`; each matching request
uses one up.  What the fault does with the request (was it processed or not?) is the point of each, see `Fault`.

Facts behind the list: which client error each of these produces is in the tests of the channels.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from failover.practice._door import Door


class Fault(str, Enum):
    """What goes wrong with one request.  "Accepted" means that `answer` was called, so the post is public."""

    RESET_HEAD = "reset after the head of the request, before its body: not accepted"
    RESET_BEFORE = "reset before the request was read: not accepted"
    CLOSE_BEFORE = "closed before the request was read: not accepted"
    RESET_AFTER = "accepted, then reset"
    CLOSE_AFTER = "accepted, then closed without an answer"
    HANG_BEFORE = "never answered: not accepted"
    HANG_AFTER = "accepted, never answered"
    LATE = "accepted only some seconds later, never answered"
    ERROR_BEFORE = "answered 503 with HTML: not accepted"
    ERROR_AFTER = "accepted, answered 500"
    GATEWAY_AFTER = "accepted, answered 502 with HTML"
    HTML_AFTER = "accepted, answered 200 with HTML"
    HTML_BEFORE = "answered 200 with HTML: not accepted"
    HALF_AFTER = "accepted, half of the answer, then closed"
    DRIP_AFTER = "accepted, the answer dripping byte by byte"
    THROTTLED = "answered 429 in the service's own form: not accepted"


ACCEPTED = frozenset({Fault.RESET_AFTER, Fault.CLOSE_AFTER, Fault.HANG_AFTER, Fault.HALF_AFTER, Fault.DRIP_AFTER})
"""Faults that spoil the service's own answer."""

Told = Callable[["Request", Fault | None], None]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def form(self) -> dict[str, str]:
        """The fields of a form body (urlencoded), or of the query where there is no body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True)) or self.query


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """A JSON answer."""
        fields = {"content-type": "application/json; charset=utf-8", **(headers or {})}
        return cls(status, json.dumps(value).encode(), fields)

    @classmethod
    def html(cls, text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """A page."""
        return cls(status, text.encode(), {"content-type": "text/html; charset=utf-8", **(headers or {})})


@dataclass(slots=True)
class _Planned:
    fault: Fault
    method: str
    path: str
    seconds: float

    def matches(self, request: Request, *, head: bool) -> bool:
        early = self.fault is Fault.RESET_HEAD
        there = request.path.endswith(self.path[:-1]) if self.path.endswith("$") else self.path in request.path
        return early is head and self.method in ("", request.method) and there


class _BrokenOffError(Exception):
    """The connection is to be reset in the middle of a request."""


class HttpService:
    """One practice service on 127.0.0.1; use as `async with XService() as x: … x.url`.

    `told`, where set, is called with every request and its fault (None = it is well) when the service has dealt with
    it, and before a byte of the answer leaves: the moment at which a death of the client is worst.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.told: Told | None = None
        self._server: asyncio.Server | None = None
        self._door = Door()
        self._planned: list[_Planned] = []
        self._always: _Planned | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Task[None]] = set()

    async def answer(self, request: Request) -> Response:
        """Accept the request: change the service's state and say so."""
        raise NotImplementedError

    def throttled(self) -> Response:
        """The service's own form of 429; override where it has one."""
        return Response.json({"error": "too many requests"}, 429, {"retry-after": "7"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._door.port}"

    @property
    def port(self) -> int:
        return self._door.port

    def fail(self, fault: Fault, *, method: str = "", path: str = "", times: int = 1, seconds: float = 1.0) -> None:
        """Plan `fault` for the next `times` requests whose method is `method` and whose path contains `path`.

        A `$` at the end of `path` stands for the end of the request's.  `seconds` is the delay of LATE, and the pause
        between the bytes of DRIP_AFTER.
        """
        self._planned += [_Planned(fault, method, path, seconds) for _ in range(times)]

    def fail_always(self, fault: Fault, *, method: str = "", path: str = "", seconds: float = 1.0) -> None:
        """Every matching request fails so, until `heal`."""
        self._always = _Planned(fault, method, path, seconds)

    def heal(self) -> None:
        """Forget all planned faults."""
        self._planned.clear()
        self._always = None

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one and keeps it for later restarts."""
        self._server = await asyncio.start_server(self._serve, sock=self._door.opened(port))

    def shut(self) -> None:
        """New connections are refused until `start` is called again (same port); those that are open go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._door.shut()

    def stick(self) -> None:
        """New connections are never made, as by a dead host, until `start` is called again."""
        self.shut()
        self._door.stick()

    async def refuse(self) -> None:
        """Hang up, and refuse connections until `start` is called again (same port)."""
        self.shut()
        for task in [*self._open]:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def stop(self) -> None:
        await self.refuse()
        for task in [*self._late]:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        self._door.let_go()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    def _pick(self, request: Request, *, head: bool = False) -> _Planned | None:
        """The fault for this request; `head`: only its head has been read."""
        for planned in self._planned:
            if planned.matches(request, head=head):
                self._planned.remove(planned)
                return planned
        if self._always is not None and self._always.matches(request, head=head):
            return self._always
        return None

    def _break_off(self, request: Request) -> bool:
        """Is it the head alone that is read of this request?"""
        if self._pick(request, head=True) is None:
            return False
        self.requests.append(request)
        self._tell(request, Fault.RESET_HEAD)
        return True

    def _tell(self, request: Request, fault: Fault | None) -> None:
        if self.told is not None:
            self.told(request, fault)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._converse(reader, writer)
        except _BrokenOffError:
            _reset(writer)
        except (ConnectionError, asyncio.CancelledError, h11.RemoteProtocolError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while (request := await _read(connection, reader, self._break_off)) is not None:
            self.requests.append(request)
            planned = self._pick(request)
            if planned is None:
                response = await self._answer(request)
                self._tell(request, None)
                await _write(connection, writer, response)
            elif not await self._misbehave(planned, request, connection, writer):
                return
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()

    async def _misbehave(
        self, planned: _Planned, request: Request, connection: h11.Connection, writer: asyncio.StreamWriter
    ) -> bool:
        """Play the fault; True when the connection may go on."""
        fault = planned.fault
        if fault is Fault.LATE:
            self._accept_later(planned.seconds, request)
        response = await (self._answer(request) if fault in ACCEPTED else self._wrong_answer(fault, request))
        self._tell(request, fault)
        match fault:
            case Fault.RESET_BEFORE | Fault.RESET_AFTER:
                _reset(writer)
            case Fault.CLOSE_BEFORE | Fault.CLOSE_AFTER:
                return False
            case Fault.HANG_BEFORE | Fault.HANG_AFTER | Fault.LATE:
                await asyncio.sleep(3600)
            case Fault.HALF_AFTER | Fault.DRIP_AFTER:
                await _trickle(writer, _raw(connection, response), planned)
            case _:
                await _write(connection, writer, response)
                return True
        return False

    async def _answer(self, request: Request) -> Response:
        """The service's own answer; without its body where HTTP allows none."""
        response = await self.answer(request)
        bodiless = request.method == "HEAD" or response.status in (204, 304)
        return replace(response, body=b"") if bodiless else response

    async def _wrong_answer(self, fault: Fault, request: Request) -> Response:
        page = "<html><body><h1>Something went wrong</h1></body></html>"
        match fault:
            case Fault.THROTTLED:
                return self.throttled()
            case Fault.ERROR_BEFORE:
                return Response.html(page, 503)
            case Fault.HTML_BEFORE:
                return Response.html(page)
            case Fault.HTML_AFTER:
                await self.answer(request)
                return Response.html(page)
            case Fault.GATEWAY_AFTER:
                await self.answer(request)
                return Response.html(page, 502)
            case Fault.ERROR_AFTER:
                await self.answer(request)
                return Response.json({"error": "internal"}, 500)
            case _:
                return Response()

    def _accept_later(self, seconds: float, request: Request) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            await self.answer(request)

        task = asyncio.ensure_future(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)


async def _read(
    connection: h11.Connection, reader: asyncio.StreamReader, break_off: Callable[[Request], bool]
) -> Request | None:
    """The next request, if there is one.  Raises _BrokenOffError where only its head is to be read."""
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            head = event
            if break_off(_request(head, b"")):
                raise _BrokenOffError
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, body)
        else:
            return None


def _request(head: h11.Request, body: bytes) -> Request:
    parts = urlsplit(head.target.decode("ascii", "replace"))
    return Request(
        method=head.method.decode(),
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={name.decode().lower(): value.decode("latin-1") for name, value in head.headers},
        body=body,
    )


def _phrase(status: int) -> str:
    """520 and its like are nobody's standard."""
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "Unknown"


def _raw(connection: h11.Connection, response: Response) -> bytes:
    headers = {"content-length": str(len(response.body)), **response.headers}
    head = h11.Response(status_code=response.status, headers=list(headers.items()), reason=_phrase(response.status))
    raw = connection.send(head) or b""
    if response.body:
        raw += connection.send(h11.Data(data=response.body)) or b""
    return raw + (connection.send(h11.EndOfMessage()) or b"")


async def _write(connection: h11.Connection, writer: asyncio.StreamWriter, response: Response) -> None:
    writer.write(_raw(connection, response))
    await writer.drain()


async def _trickle(writer: asyncio.StreamWriter, raw: bytes, planned: _Planned) -> None:
    if planned.fault is Fault.HALF_AFTER:
        writer.write(raw[: len(raw) // 2])
        await writer.drain()
        return
    for byte in raw:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(planned.seconds)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
