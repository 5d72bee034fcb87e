"""One connection to the mail server, driven step by step so that before and after the final dot are told apart.

aiosmtplib's own `data()` does both in one call, and raises the same exceptions for both.  Here the envelope and the
text are two calls: `offer` goes up to the server's 354, `hand_over` sends the text and the dot.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiosmtplib import SMTP, SMTPException

from channels._mail_replies import Lost, Reply, Step, connecting, lost, missing
from failover.model import Refusal, Refused, Unreachable

GOODBYE = 2.0
"""Seconds that QUIT may take; nothing depends on its answer."""

_LINE_START_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where mail is handed in, and how.  `timeout` is for each answer, `answer_timeout` for that to the final dot."""

    host: str
    port: int
    security: str
    hello: str
    username: str | None = None
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout: float = 30.0
    answer_timeout: float = 120.0


class Session:
    """An open connection.  `used` once it has carried a letter; `gone` once it can carry no more."""

    def __init__(self, smtp: SMTP, server: Server, sender: str) -> None:
        self._smtp, self._server, self._sender = smtp, server, sender
        self._untidy = False
        self.used = False

    @property
    def gone(self) -> bool:
        return not self._smtp.is_connected

    async def offer(self, address: str) -> tuple[Step, Reply | Lost] | None:
        """The envelope for one recipient, up to the point where the server waits for the text (None)."""
        step = Step.MAIL
        try:
            if self._untidy:
                await self._smtp.execute_command(b"RSET")
            self._untidy = True
            for step, expected, words in _envelope(self._sender, address):
                response = await self._smtp.execute_command(*words)
                if response.code not in expected:
                    return step, Reply.of(response.code, response.message)
        except (SMTPException, OSError) as error:
            self.drop()
            return step, lost(error)
        return None

    async def hand_over(self, letter: bytes) -> Reply | Lost:
        """The text and the final dot.  Cancelled or Lost, the letter may have been accepted."""
        protocol = self._smtp.protocol
        if protocol is None or not protocol.is_connected:
            return Lost("connection lost")
        self.used, self._untidy = True, False
        try:
            protocol.write(_LINE_START_DOT.sub(b"..", letter) + b".\r\n")
            response = await protocol.read_response(timeout=self._server.answer_timeout)
        except (SMTPException, OSError) as error:
            self.drop()
            return replace(lost(error), left=True)
        if response.code == 421:
            self.drop()
        return Reply.of(response.code, response.message)

    async def noop(self) -> Reply | Lost:
        """Is anybody there?"""
        try:
            response = await self._smtp.execute_command(b"NOOP")
        except (SMTPException, OSError) as error:
            return lost(error)
        return Reply.of(response.code, response.message)

    def certificate_ends(self) -> float | None:
        """When the server's certificate expires (seconds since the epoch, UTC); None without TLS."""
        certificate = self._smtp.get_transport_info("peercert") if self._smtp.is_connected else None
        return float(ssl.cert_time_to_seconds(certificate["notAfter"])) if certificate else None

    async def close(self) -> None:
        """Say goodbye where anybody listens."""
        try:
            if self._smtp.is_connected:
                await self._smtp.quit(timeout=GOODBYE)
        except (SMTPException, OSError):
            pass
        finally:
            self.drop()

    def drop(self) -> None:
        """End the connection without a word; a message without its final dot is then discarded (RFC 5321 4.1.1.4)."""
        self._smtp.close()


async def connect(server: Server, sender: str) -> Session | Refused | Unreachable:
    """Connect, encrypt, log in.  Never falls back to a weaker security than configured."""
    try:
        trust = await asyncio.to_thread(_trust, server.ca_file) if server.security != "none" else None
    except OSError:  # ssl.SSLError is one
        return Refused(reason="the file of `ca_file` holds no readable certificate", refusal=Refusal.CONFIGURATION)
    smtp = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.security == "tls",
        start_tls=False,
        tls_context=trust,
        timeout=server.timeout,
        local_hostname=server.hello,
    )
    try:
        trouble = await _introduce(smtp, server)
    except (SMTPException, OSError, ValueError) as error:  # ValueError: a challenge that is not base64
        smtp.close()
        return connecting(error)
    except asyncio.CancelledError:
        smtp.close()
        raise
    if trouble is not None:
        smtp.close()
        return trouble
    return Session(smtp, server, sender)


async def _introduce(smtp: SMTP, server: Server) -> Refused | None:
    """Everything before the first envelope.  Raises SMTPException, OSError and ValueError."""
    await smtp.connect()
    await smtp.ehlo()
    if server.security == "starttls":
        if not smtp.supports_extension("starttls"):
            return missing("STARTTLS")
        await smtp.starttls()
        await smtp.ehlo()
    if server.username is not None:
        if not smtp.supported_auth_methods:
            return missing("login that we know")
        await smtp.login(server.username, server.password)
    return None


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """The system's authorities, or only those of `ca_file`.  Raises OSError."""
    return ssl.create_default_context(cafile=ca_file)


def _envelope(sender: str, address: str) -> tuple[tuple[Step, frozenset[int], tuple[bytes, ...]], ...]:
    return (
        (Step.MAIL, frozenset({250}), (b"MAIL", f"FROM:<{sender}>".encode("ascii"))),
        (Step.RCPT, frozenset({250, 251}), (b"RCPT", f"TO:<{address}>".encode("ascii"))),
        (Step.DATA, frozenset({354}), (b"DATA",)),
    )
