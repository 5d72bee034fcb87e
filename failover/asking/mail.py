"""Asking approvers by mail, through the mail server of an email channel; private to `asking`.

Mail asks and never decides: who wrote a mail cannot be known.  The answer is given by command.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid

import aiosmtplib

from failover.asking.ways import Sent, Unsent, Way
from failover.asking.words import Question, letter
from failover.signoff import Asking, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in, and who writes; `timeout` in seconds for each answer."""

    host: str
    port: int
    security: str
    sender_name: str
    sender: str = field(repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    timeout: float = 30.0


class MailWay:
    """One letter for each question."""

    name = "e-mail"

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def reaches(self, person: Person) -> bool:
        return bool(person.email)

    async def ask(self, person: Person, asked: Question) -> Sent | Unsent:
        """Sent when the server has taken it."""
        server = self._server
        try:
            await aiosmtplib.send(
                _mail(server, person.email, asked),
                hostname=server.host,
                port=server.port,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=ssl.create_default_context(cafile=server.ca_file) if server.security != "none" else None,
                username=server.username,
                password=server.password,
                timeout=server.timeout,
            )
        except aiosmtplib.SMTPException as error:
            return Unsent(_why(error))
        except (OSError, ValueError):
            return Unsent("the mail server cannot be used as it is configured")
        return Sent()

    async def show(self, person: Person, asking: Asking, line: str, *, still_open: bool) -> Sent | Unsent:  # noqa: ARG002
        """A letter cannot be written over."""
        return Sent()


def _mail(server: MailServer, to: str, asked: Question) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(server.sender_name, addr_spec=server.sender)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = " ".join(asked.subject.split())
    mail["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter(asked))
    return mail


def _why(error: aiosmtplib.SMTPException) -> str:
    """A clause for people; the server's own words may hold an address."""
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return "no answer from the mail server in time"
    if isinstance(error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected):
        return "the mail server cannot be reached"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return "the mail server does not accept the password"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the mail server refused the letter ({error.code})"
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "the mail server does not take letters for this address"
    return "the mail server cannot be used as it is configured"


@asynccontextmanager
async def open_mail(server: MailServer) -> AsyncIterator[Way]:
    """Connections are made letter by letter."""
    yield MailWay(server)
