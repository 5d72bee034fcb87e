"""A loopback mail server that can be told to fail at every step of the conversation.

It is aiosmtpd's protocol on this event loop, not a thread.  "Accepted" always means that the server has taken the
message into its books, whatever the client was told; `messages` and `by_recipient()` are those books.  Faults are
planned with `fail(...)`, for one recipient or for anybody, and each use takes one away.

Facts behind the list: RFC 5321 sections 3.8 and 4.2 (replies, 421), 4.5.3.2.6 and RFC 1047 (what a lost answer to the
final dot means), RFC 4954 (AUTH), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP

from failover.practice._door import Door
from failover.practice._smtp_faults import ACTS, FULL, Act, Phase, SmtpFault, Then

__all__ = ["Act", "Phase", "SmtpFault", "SmtpService", "Then"]


@dataclass(slots=True)
class _Planned:
    act: Act
    recipient: str

    def matches(self, phase: Phase, recipient: str) -> bool:
        return self.act.phase is phase and self.recipient.casefold() in ("", recipient.casefold())


class SmtpService:
    """One mail server on 127.0.0.1; use as `async with SmtpService() as smtp: … smtp.port`.

    `auth` is the one user name and password it knows (None: it offers no login); `starttls` and `tls` are server
    contexts, for an upgrade on request or for TLS from the first byte; `per_connection` is how many messages it takes
    before it says 421.  `told`, where set, is called at every step, with its fault (None = it is well), when the
    server has done what it does, and before a byte of the reply leaves.
    """

    def __init__(
        self,
        *,
        auth: tuple[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        per_connection: int | None = None,
    ) -> None:
        self.auth, self.starttls, self.per_connection = auth, starttls, per_connection
        self.accepted: list[tuple[str, bytes]] = []
        self.connections = 0
        self.told: Callable[[Phase, Act | None], None] | None = None
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._door = Door()
        self._late: set[asyncio.TimerHandle] = set()
        self._planned: list[_Planned] = []
        self._always: list[_Planned] = []
        self._open: set[_Conversation | _Mute] = set()

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def port(self) -> int:
        return self._door.port

    @property
    def messages(self) -> list[tuple[str, EmailMessage]]:
        """Every accepted copy, as (recipient of the envelope, message), in the order of acceptance."""
        return [(recipient, _parsed(content)) for recipient, content in self.accepted]

    def visible(self) -> list[str]:
        """The texts of all accepted copies."""
        return [_text(message) for _, message in self.messages]

    def by_recipient(self) -> Counter[str]:
        """How many copies each recipient was promised."""
        return Counter(recipient for recipient, _ in self.accepted)

    def fail(self, fault: SmtpFault | Act, *, recipient: str = "", times: int = 1) -> None:
        """Plan `fault` for the next `times` matching steps; faults up to MAIL (and at QUIT) know no recipient."""
        self._planned += [_Planned(_act(fault), recipient) for _ in range(times)]

    def fail_always(self, fault: SmtpFault | Act, *, recipient: str = "") -> None:
        """Every matching step fails so, until `heal`."""
        self._always.append(_Planned(_act(fault), recipient))

    def heal(self) -> None:
        """Forget all planned faults."""
        self._planned.clear()
        self._always.clear()

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one and keeps it for later restarts."""
        loop = asyncio.get_running_loop()
        # The door names its protocol, so asyncio turns Nagle's algorithm off: several lines would cost 40 ms else.
        self._server = await loop.create_server(self._welcome, sock=self._door.opened(port), ssl=self._tls)

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
        """Stop listening and hang up: connections are refused until `start` is called again (same port)."""
        self.shut()
        await asyncio.gather(*(one.hang_up() for one in [*self._open]), return_exceptions=True)
        self._open.clear()

    async def stop(self) -> None:
        await self.refuse()
        for handle in self._late:
            handle.cancel()
        self._door.let_go()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    def pick(self, phase: Phase, recipient: str = "") -> Act | None:
        """The fault planned for this step, if any; a planned one is used up."""
        for planned in self._planned:
            if planned.matches(phase, recipient):
                self._planned.remove(planned)
                return planned.act
        return next((planned.act for planned in self._always if planned.matches(phase, recipient)), None)

    def tell(self, phase: Phase, act: Act | None) -> None:
        if self.told is not None:
            self.told(phase, act)

    def take(self, recipients: list[str], content: bytes, late: float) -> None:
        """Into the books, now or later."""
        copies = [(recipient, content) for recipient in recipients]
        if late:
            self._late.add(asyncio.get_running_loop().call_later(late, self.accepted.extend, copies))
        else:
            self.accepted += copies

    def forget(self, connection: _Conversation | _Mute) -> None:
        self._open.discard(connection)

    def _welcome(self) -> asyncio.Protocol:
        self.connections += 1
        act = self.pick(Phase.GREETING)
        self.tell(Phase.GREETING, act)
        connection = _Conversation(self) if act is None else _Mute(self, act)
        self._open.add(connection)
        return connection


class _Mute(asyncio.Protocol):
    """A server that says at most one line."""

    def __init__(self, service: SmtpService, act: Act) -> None:
        self._service, self._act = service, act
        self._transport: asyncio.Transport | None = None
        self._playing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._playing = asyncio.ensure_future(_perform(self._act, transport))

    def connection_lost(self, _error: Exception | None) -> None:
        self._service.forget(self)
        if self._playing is not None:
            self._playing.cancel()

    async def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class _Conversation(SMTP):
    """One connection."""

    def __init__(self, service: SmtpService) -> None:
        # Only PLAIN is offered, and handled below: aiosmtpd's own way logs a deprecation at every login.
        super().__init__(
            _Handler(service),
            hostname="localhost",
            ident="practice mail server",
            tls_context=service.starttls,
            auth_require_tls=False,
            auth_exclude_mechanism=["LOGIN"],
            loop=asyncio.get_running_loop(),
        )
        self.service = service
        self.taken = 0

    def connection_lost(self, error: Exception | None) -> None:
        self.service.forget(self)
        super().connection_lost(error)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd finds commands by name
        if (act := self.pick(Phase.EHLO)) is None:
            await super().smtp_EHLO(hostname)
        else:
            await self.push(await self.play(act))

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        if (act := self.pick(Phase.QUIT)) is None:
            await super().smtp_QUIT(arg)
        else:
            await self.push(await self.play(act))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        recipients = self.envelope.rcpt_tos if self.envelope is not None else []
        act = self.pick(Phase.DATA, recipients[0]) if recipients else None
        if act is None:
            await super().smtp_DATA(arg)
        elif act.reply or act.then is not Then.CLOSE:
            await self.push(await self.play(act))
        else:
            await self.push("354 go ahead")
            await self._reader.readline()
            await self.play(act)

    def pick(self, phase: Phase, recipient: str = "") -> Act | None:
        """The fault planned for this step, if any; the service tells of it."""
        act = self.service.pick(phase, recipient)
        self.service.tell(phase, act)
        return act

    async def play(self, act: Act) -> str:
        """The reply to give; or hang, or hang up, in which case this never returns."""
        if act.then is Then.GO_ON:
            return act.reply
        transport = self.transport or self._original_transport
        assert isinstance(transport, asyncio.WriteTransport)
        await _perform(act, transport)
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never  # cancelled when the connection is lost

    def _cut(self) -> None:
        transport = self.transport or self._original_transport
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    async def hang_up(self) -> None:
        self._cut()
        if self._handler_coroutine is not None:
            await asyncio.gather(self._handler_coroutine, return_exceptions=True)


class _Handler:
    """aiosmtpd's hooks: the methods are found by their names."""

    def __init__(self, service: SmtpService) -> None:
        self._service = service

    async def handle_EHLO(  # noqa: N802
        self, _server: _Conversation, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in responses if self._service.auth or not line.startswith("250-AUTH")]

    async def handle_AUTH(  # noqa: N802
        self, server: _Conversation, session: Any, _envelope: Any, args: list[str]
    ) -> str:
        said = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        act = server.pick(Phase.AUTH)
        if act is not None:
            return await server.play(act)
        known = "\0".join(self._service.auth or ()).encode()
        if not isinstance(said, bytes) or not known or said.partition(b"\0")[2] != known:
            return ACTS[SmtpFault.AUTH_535].reply
        session.authenticated = True
        return "235 2.7.0 authentication successful"

    async def handle_MAIL(  # noqa: N802
        self, server: _Conversation, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        full = self._service.per_connection is not None and server.taken >= self._service.per_connection
        act = FULL if full else server.pick(Phase.MAIL)
        if act is not None:
            return await server.play(act)
        if self._service.auth and not session.authenticated:
            return "530 5.7.0 authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: _Conversation, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        act = server.pick(Phase.RCPT, address)
        if act is not None:
            return await server.play(act)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: _Conversation, _session: Any, envelope: Any
    ) -> str:
        act = self._service.pick(Phase.DOT, envelope.rcpt_tos[0])
        server.taken += 1
        if act is None or act.accepted:
            self._service.take(envelope.rcpt_tos, envelope.content, act.late if act else 0.0)
        self._service.tell(Phase.DOT, act)
        return "250 2.0.0 queued" if act is None else await server.play(act)


async def _perform(act: Act, transport: asyncio.WriteTransport) -> None:
    """The reply, and what follows it; returns at once where that is silence."""
    line = act.reply.encode() + b"\r\n" if act.reply else b""
    if act.then is Then.DRIP:
        for byte in line:
            transport.write(bytes([byte]))
            await asyncio.sleep(act.seconds)
        return
    transport.write(line[: len(line) // 2] if act.then is Then.HALF else line)
    if act.then is Then.RESET:
        _reset(transport)
    elif act.then is Then.CLOSE and not line:
        transport.abort()
    elif act.then in (Then.CLOSE, Then.HALF):
        transport.close()


def _reset(transport: asyncio.WriteTransport) -> None:
    """RST instead of FIN."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _act(fault: SmtpFault | Act) -> Act:
    return fault if isinstance(fault, Act) else ACTS[fault]


def _parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n").rstrip("\n") if body is not None else ""
