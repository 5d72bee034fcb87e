"""Asking approvers by mail, through the mail server of an email channel; private to `asking`.

Mail asks and never decides: who wrote a mail cannot be known.  The answer is given by command.  Threads: RFC 5322,
section 3.6.4 (`In-Reply-To`, `References`).
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid

import aiosmtplib

from failover.asking.ways import Sent, Unsent, Way
from failover.asking.words import Ending, Question, letter
from failover.signoff import Person


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
    """One letter for each question, and one for the end of them all."""

    name = "e-mail"

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def reaches(self, person: Person) -> bool:
        return bool(person.email)

    async def ask(self, person: Person, asked: Question) -> Sent | Unsent:
        """Sent when the server has taken it; the end answers this letter."""
        mail = _mail(self._server, person.email, " ".join(asked.subject.split()), letter(asked))
        found = await self._hand_in(mail)
        if found is not None:
            return replace(found, final=False)  # a question matters too much to be given up
        return Sent(mail["Message-ID"], mail["Subject"])

    async def close(self, person: Person, ending: Ending) -> Sent | Unsent:
        """In the thread of the question."""
        mail = _mail(self._server, person.email, f"Re: {ending.subject}", ending.text)
        mail["In-Reply-To"] = ending.answers[0]
        mail["References"] = " ".join(ending.answers)
        return await self._hand_in(mail) or Sent(mail["Message-ID"], mail["Subject"])

    async def _hand_in(self, mail: EmailMessage) -> Unsent | None:
        """None when the server has taken it."""
        server, greeted = self._server, False
        try:
            client = aiosmtplib.SMTP(
                hostname=server.host,
                port=server.port,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                tls_context=ssl.create_default_context(cafile=server.ca_file) if server.security != "none" else None,
                username=server.username,
                password=server.password,
                timeout=server.timeout,
            )
            async with client:
                greeted = True
                await client.send_message(mail)
        except aiosmtplib.SMTPException as error:
            return Unsent(_why(error), final=_is_final(error), unsure=greeted and _may_have_left(error))
        except (OSError, ValueError):
            return Unsent("the mail server cannot be used as it is configured", unsure=greeted)
        return None


def _mail(server: MailServer, to: str, subject: str, text: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(server.sender_name, addr_spec=server.sender)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = subject
    mail["Message-ID"] = make_msgid(domain=server.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


def _may_have_left(error: aiosmtplib.SMTPException) -> bool:
    """No answer, or none that can be read; a "no" of the server is one."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPNotSupported):
        return False
    return not isinstance(error, aiosmtplib.SMTPResponseException) or not 400 <= error.code < 600


def _is_final(error: aiosmtplib.SMTPException) -> bool:
    """This letter, or this person, is not wanted there; what ails the server itself may be mended."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(one.code >= 500 for one in error.recipients)
    return isinstance(error, aiosmtplib.SMTPDataError) and 500 <= error.code < 600


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
