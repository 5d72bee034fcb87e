"""Practice web sites: pages that can be set to anything, bytes that are no HTTP, and the anchors of rule R3."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from dataclasses import dataclass, field
from typing import Self

from failover.practice.http import Fault, HttpService, Request, Response

LOGIN_PAGE = "<html><head><title>Wi-Fi login</title></head><body>Please log in to use this network.</body></html>"


@dataclass(frozen=True, slots=True)
class _Set:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class WebService(HttpService):
    """A web server of one or more hosts; what was never put is 404.

    A page has an ETag (unless `etag` is off), and 304 is answered to whoever names it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pages: dict[tuple[str, str], _Set] = {}
        self.etag = True

    def put(
        self,
        path: str,
        body: str | bytes = "ok",
        status: int = 200,
        *,
        headers: dict[str, str] | None = None,
        host: str = "",
    ) -> None:
        """From now on `path` (of `host`, or of every host) answers so."""
        content = body.encode() if isinstance(body, str) else body
        fields = {"content-type": "text/html; charset=utf-8", **(headers or {})}
        self._pages[host, path] = _Set(status, content, fields)

    def redirect(self, path: str, to: str, status: int = 302, *, host: str = "") -> None:
        """From now on `path` sends its visitors on."""
        self.put(path, "", status, headers={"location": to}, host=host)

    def remove(self, path: str, *, host: str = "") -> None:
        """From now on `path` is 404 again."""
        self._pages.pop((host, path), None)

    async def answer(self, request: Request) -> Response:
        host = request.headers.get("host", "")
        page = self._pages.get((host, request.path)) or self._pages.get(("", request.path))
        if page is None:
            return Response.html("<h1>Not Found</h1>", 404)
        if page.status != 200 or not self.etag:
            return Response(page.status, page.body, page.headers)
        tag = f'"{hashlib.sha256(page.body).hexdigest()[:16]}"'
        same = request.headers.get("if-none-match") == tag
        return Response(304 if same else 200, b"" if same else page.body, {**page.headers, "etag": tag})


class AnchorsService(HttpService):
    """The three default anchors on one port, each under its own path."""

    ANSWERS = {  # noqa: RUF012 - never written to
        "/generate_204": Response(204),
        "/success.txt": Response(200, b"success\n", {"content-type": "text/plain"}),
        "/connecttest.txt": Response(200, b"Microsoft Connect Test", {"content-type": "text/plain"}),
    }

    def __init__(self) -> None:
        super().__init__()
        self._wrong: dict[str, Response] = {}

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(self.url + path for path in self.ANSWERS)

    def well(self) -> None:
        """All anchors answer as they should again."""
        self._wrong.clear()
        self.heal()

    def captive_portal(self, *paths: str) -> None:
        """These anchors (default: all) redirect to a login page, as the box in a hotel does."""
        self._answer_wrongly(paths, Response(302, b"", {"location": "http://login.invalid/"}))

    def foreign_page(self, *paths: str) -> None:
        """These anchors (default: all) answer 200 with somebody else's page."""
        self._answer_wrongly(paths, Response.html(LOGIN_PAGE))

    def failing(self, *paths: str) -> None:
        """These anchors (default: all) answer 503."""
        self._answer_wrongly(paths, Response.html("<h1>Service Unavailable</h1>", 503))

    def dead(self) -> None:
        """Every connection is reset: the network behind this machine is gone."""
        self.fail_always(Fault.RESET_BEFORE)

    async def answer(self, request: Request) -> Response:
        wrong = self._wrong.get(request.path)
        return wrong or self.ANSWERS.get(request.path) or Response.html("<h1>Not Found</h1>", 404)

    def _answer_wrongly(self, paths: tuple[str, ...], response: Response) -> None:
        self._wrong.update(dict.fromkeys(paths or self.ANSWERS, response))


class RawService:
    """Answers every connection with the same bytes, whatever was asked, and closes it; over TLS if given a context.

    `repeat` says how often the bytes are sent, with `pause` seconds between (0 repeats = for ever).
    """

    def __init__(
        self, answer: bytes, *, repeat: int = 1, pause: float = 0.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.answer = answer
        self.connections = 0
        self._repeat = repeat
        self._pause = pause
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in [*self._open]:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            await reader.read(65536)
            await self._write(writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while not self._repeat or sent < self._repeat:
            writer.write(self.answer)
            await writer.drain()
            await asyncio.sleep(self._pause)
            sent += 1
