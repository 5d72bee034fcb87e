"""What a mail server's answer means for one recipient, and for the mailing as a whole.  Pure tables.

The line that matters is the final dot (RFC 5321 4.2.5): before it nothing was accepted, whatever happens; after it
only an answer that the server formed tells, and a lost one leaves the recipient in doubt (RFC 1047).
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from enum import Enum

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPResponseException,
    SMTPTimeoutError,
)

from channels._mail_ledger import PENDING, RETRY_AFTER, SENT, is_policy
from failover.model import Evidence, Fault, Refusal, Refused, Sighting, Unreachable

_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\d)")


class Step(str, Enum):
    """The steps of the envelope."""

    MAIL = "sender"
    RCPT = "recipient"
    DATA = "text"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its code, and its enhanced status (RFC 3463) where it has one.  Not its text."""

    code: int
    status: str = ""

    @classmethod
    def of(cls, code: int, text: str) -> Reply:
        status = _STATUS.match(text.lstrip())
        return cls(code, status[1] if status and status[1][0] == str(code)[0] else "")

    @property
    def kind(self) -> int:
        """2, 3, 4 or 5; 0 for something that is no SMTP answer."""
        return self.code // 100 if 200 <= self.code < 600 else 0

    def __str__(self) -> str:
        return f"{self.code} {self.status}".rstrip()


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer: the connection ended, or stayed silent too long.  `left`: the final dot may have reached them."""

    reason: str
    left: bool = False


class Mark(str, Enum):
    """What a fate says about the mailing as a whole."""

    GOOD = "the server takes our mail"
    PERSONAL = "a matter of this recipient's address or mailbox, by the server's own words"
    UNCLEAR = "a matter of this recipient, or of the server"
    OURS = "a matter of us or of the text"
    CUT = "the connection is gone"


@dataclass(frozen=True, slots=True)
class Fate:
    """The recipient's line in the ledger, and what it says about the mailing.

    `again`: not tried, to be offered once more on a fresh connection.  `halt`: the whole mailing ends with this.
    """

    state: str
    mark: Mark
    again: bool = False
    halt: Refused | Unreachable | None = None


def before_dot(step: Step, answer: Reply | Lost, *, used: bool) -> Fate:
    """Certainly not accepted.  `used`: the connection had carried a letter before, so its end is not about this one.

    421 means that the server closes the connection (RFC 5321 3.8); many say it after so many messages.
    """
    if isinstance(answer, Lost) or answer.code == 421:
        state = f"retry: {answer.reason if isinstance(answer, Lost) else answer}"
        return Fate(PENDING, Mark.CUT, again=True) if used else Fate(state, Mark.CUT)
    if step is Step.MAIL:
        return Fate(PENDING, Mark.OURS, halt=_sender_trouble(answer))
    if answer.kind != 5:
        return Fate(f"retry: {answer}", Mark.UNCLEAR)
    if step is Step.DATA or is_policy(str(answer)):
        return Fate(f"refused: {answer}", Mark.OURS)
    personal = answer.status.startswith(("5.1.", "5.2."))  # RFC 3463: addressing status, mailbox status
    return Fate(f"refused: {answer}", Mark.PERSONAL if personal else Mark.UNCLEAR)


def after_dot(answer: Reply | Lost) -> Fate:
    """Accepted, not accepted, or nobody can tell."""
    if isinstance(answer, Lost):
        return Fate(
            f"doubt: {answer.reason} after the final dot" if answer.left else f"retry: {answer.reason}", Mark.CUT
        )
    match answer.kind:
        case 2:
            return Fate(SENT, Mark.GOOD)
        case 4:
            return Fate(f"retry: {answer}", Mark.CUT if answer.code == 421 else Mark.UNCLEAR)
        case 5:
            return Fate(f"refused: {answer}", Mark.OURS)
        case _:
            return Fate("doubt: garbled answer after the final dot", Mark.CUT)


def broken_off(mark: Mark, state: str) -> Refused | Unreachable:
    """Why a mailing is ended after several failures in a row, of which `state` is the last."""
    answer = state.partition(": ")[2]
    if mark is Mark.OURS:
        refusal = Refusal.BLOCKED if is_policy(answer) else Refusal.CONTENT
        reason = f"the mail server refuses our mail to one recipient after the other ({answer})"
        return Refused(reason=reason, refusal=refusal, sighting=_unknown(reason))
    if mark is Mark.CUT:
        reason = f"the mail server failed us several times in a row ({answer})"
        return Unreachable(reason=reason, retry_after=RETRY_AFTER, sighting=Sighting.down(Evidence.HERE, reason))
    reason = f"the mail server turns away one recipient after the other ({answer})"
    return Unreachable(reason=reason, retry_after=RETRY_AFTER, sighting=Sighting.unknown(Evidence.SPOKEN, reason))


def lost(error: Exception) -> Lost:
    """What an exception in the middle of the conversation says; a response that aiosmtplib raises is garbled."""
    if isinstance(error, SMTPResponseException):
        return Lost("garbled answer")
    return Lost("no answer in time" if isinstance(error, TimeoutError) else "connection lost")


def connecting(error: Exception) -> Refused | Unreachable:
    """What a failure before the first envelope means: nothing was sent to anybody.

    A certificate that does not verify is Refused: it will not heal within minutes, a person must act, and the next
    backup should take over at once.  A handshake that merely broke is Unreachable.
    """
    cause = error.__cause__ or error
    if isinstance(error, SMTPResponseException):
        return _turned_away(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _misconfigured(f"the mail server's certificate is not trusted ({cause.verify_message})")
    if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
        return _misconfigured("the mail server does not speak TLS on this port; is `security: starttls` meant?")
    return _unreachable(_describe(error, cause))


def missing(what: str) -> Refused:
    """The server does not offer what the configuration asks for."""
    return _misconfigured(f"the mail server offers no {what} on this port")


def _turned_away(error: SMTPResponseException) -> Refused | Unreachable:
    answer = Reply.of(error.code, error.message)
    if isinstance(error, SMTPAuthenticationError):
        return _credential(answer)
    if answer.kind == 5:
        reason = f"the mail server turned us away ({answer})"
        door = isinstance(error, SMTPConnectResponseError)
        refusal = Refusal.BLOCKED if door else Refusal.CONFIGURATION
        return Refused(reason=reason, refusal=refusal, sighting=_unknown(reason))
    if answer.kind == 0:
        return _unreachable("what answers there is no mail server")
    reason = f"the mail server takes no mail at the moment ({answer})"
    return Unreachable(reason=reason, retry_after=RETRY_AFTER, sighting=Sighting.down(Evidence.SPOKEN, reason))


def _credential(answer: Reply) -> Refused | Unreachable:
    """RFC 4954 6: 454 is temporary; 535, 534 and 530 need a person."""
    if answer.kind == 4:
        reason = f"the mail server cannot check our password at the moment ({answer})"
        return Unreachable(reason=reason, retry_after=RETRY_AFTER, sighting=Sighting.down(Evidence.SPOKEN, reason))
    reason = f"the mail server refused our user name or password ({answer})"
    return Refused(reason=reason, refusal=Refusal.CREDENTIAL, sighting=_unknown(reason))


def _sender_trouble(answer: Reply) -> Refused | Unreachable:
    """An answer to MAIL is about us, so it holds for every recipient."""
    if answer.kind != 5:
        reason = f"the mail server asks us to wait ({answer})"
        return Unreachable(reason=reason, retry_after=RETRY_AFTER, sighting=Sighting.down(Evidence.SPOKEN, reason))
    if answer.code == 530:
        reason = f"the mail server wants a user name and password ({answer})"
        return Refused(reason=reason, refusal=Refusal.CREDENTIAL, sighting=_unknown(reason))
    reason = f"the mail server does not take mail from our sender address ({answer})"
    return Refused(reason=reason, refusal=Refusal.PERMISSION, sighting=_unknown(reason))


def _describe(error: Exception, cause: BaseException) -> str:
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return "the mail server did not answer in time"
    if isinstance(cause, socket.gaierror):
        return "the mail server's name is not found"
    if isinstance(cause, ConnectionRefusedError):
        return "the mail server refused the connection"
    if isinstance(cause, ssl.SSLError):
        return "the secure connection to the mail server broke off"
    if isinstance(error, SMTPException) and not isinstance(error, ConnectionError):
        return "the mail server broke off the conversation"
    return "no connection to the mail server"


def _unreachable(reason: str) -> Unreachable:
    return Unreachable(reason=reason, sighting=Sighting.down(Evidence.HERE, reason))


def _misconfigured(reason: str) -> Refused:
    return Refused(reason=reason, refusal=Refusal.CONFIGURATION, sighting=_unknown(reason))


def _unknown(reason: str) -> Sighting:
    return Sighting.unknown(Evidence.SPOKEN, reason, fault=Fault.ACCOUNT)
