"""What a failed HTTP exchange proves, as plain values and one pure classification; private to this folder.

The rule: `fault` is PLATFORM only where the far side, or the way to it, failed (refused, no answer, reset, broken
handshake).  It is NETWORK where our own machine, line, resolver or a box that stands between is at fault, and None
where it cannot be told.  A reason names the kind of trouble, never an address with its secrets: messages of the
HTTP library can carry the whole URL, so they are never passed on.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import httpx

from failover.model import Evidence, Fault, Sighting


class Kind(str, Enum):
    """What went wrong."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    RESET = "reset"
    TLS = "tls"
    DNS = "dns"
    TOO_LARGE = "too large"
    REDIRECT = "redirect"
    PROTOCOL = "protocol"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """There is no answer to judge.  `reason` is a plain clause; `fault` as said at the top of this file."""

    kind: Kind
    reason: str
    fault: Fault | None = None

    def as_source_failure(self, evidence: Evidence) -> Sighting:
        """A source that cannot be read says nothing about the platform (rule R4): UNKNOWN, never down."""
        ours = Fault.NETWORK if self.fault is Fault.NETWORK else None
        return Sighting.unknown(evidence, f"the source could not be read: {self.reason}", fault=ours)


LOCAL = frozenset(
    {
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EHOSTUNREACH,
        errno.EPERM,
        errno.EACCES,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
    }
)
"""Errors of connect(2) and socket(2) that our own machine, firewall or line makes, not the far side."""

_CUT_OFF = ("disconnected", "peer closed")
"""Words of httpcore and h11 for an answer that ended too early; every other protocol error is garbage."""


def classify(error: BaseException) -> Trouble:
    """The trouble behind an exception of one exchange; the causes tell more than the outermost error."""
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return certificate(cause.verify_code)
        if isinstance(cause, ssl.SSLError):
            return _handshake(cause)
        if isinstance(cause, socket.gaierror):
            return lookup(cause.errno)
    codes = {cause.errno for cause in chain if isinstance(cause, OSError) and cause.errno is not None}
    return _by_code(codes) or _by_type(error)


def lookup(code: int | None) -> Trouble:
    """The system's resolver gave no address.  Whether the name is gone for everybody is for the `dns` probe to tell:
    glibc says EAI_AGAIN for SERVFAIL and for a dead resolver alike (getaddrinfo(3)).
    """
    if code in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
        return Trouble(kind=Kind.DNS, reason="our resolver knows no such name, or blocks it", fault=Fault.NETWORK)
    return Trouble(kind=Kind.DNS, reason="our resolver could not look up the name", fault=Fault.NETWORK)


def certificate(code: int) -> Trouble:
    """A certificate that does not hold, by its X509_V_ERR code (openssl-verify(1)).

    A wrong name, an unknown issuer and a certificate from the future are what an intercepting box or a wrong clock
    produce.  An expired one may be the platform's own neglect or a clock that runs ahead: it cannot be told.
    """
    match code:
        case 10:
            return Trouble(kind=Kind.TLS, reason="the certificate has expired, or our clock runs ahead")
        case 9:
            reason = "the certificate is not valid yet, so our clock may be wrong"
        case 62 | 63 | 64:
            reason = "the certificate is for another name, as when a box intercepts the line"
        case _:
            reason = "the certificate is from an unknown issuer, as when a box intercepts the line"
    return Trouble(kind=Kind.TLS, reason=reason, fault=Fault.NETWORK)


def _handshake(error: ssl.SSLError) -> Trouble:
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        reason = "something that does not speak TLS answered, as a box on the line does"
        return Trouble(kind=Kind.TLS, reason=reason, fault=Fault.NETWORK)
    return Trouble(kind=Kind.TLS, reason="the secure connection could not be made", fault=Fault.PLATFORM)


def _by_code(codes: set[int]) -> Trouble | None:
    """By errno; one attempt of several that got past our own line shows that the line is not what failed."""
    beyond = codes - LOCAL
    if codes and not beyond:
        return Trouble(kind=Kind.CONNECT, reason=_local_reason(codes), fault=Fault.NETWORK)
    if errno.ECONNREFUSED in beyond:
        return Trouble(kind=Kind.CONNECT, reason="connection refused", fault=Fault.PLATFORM)
    if errno.ETIMEDOUT in beyond:
        return Trouble(kind=Kind.TIMEOUT, reason="no answer to the attempt to connect", fault=Fault.PLATFORM)
    if beyond & {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}:
        return Trouble(kind=Kind.RESET, reason="connection reset", fault=Fault.PLATFORM)
    return None


def _local_reason(codes: set[int]) -> str:
    if codes & {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
        return "this machine has run out of connections, files or memory"
    if codes & {errno.EPERM, errno.EACCES}:
        return "this machine is not allowed to connect there"
    return "this machine has no way to that network"


def _by_type(error: BaseException) -> Trouble:
    match error:
        case httpx.ProxyError():
            return Trouble(kind=Kind.CONNECT, reason="our own proxy did not connect us", fault=Fault.NETWORK)
        case httpx.TimeoutException() | TimeoutError():
            return Trouble(kind=Kind.TIMEOUT, reason="no answer within the time allowed", fault=Fault.PLATFORM)
        case httpx.RemoteProtocolError() if any(words in str(error) for words in _CUT_OFF):
            reason = "connection closed without a complete answer"
            return Trouble(kind=Kind.RESET, reason=reason, fault=Fault.PLATFORM)
        case httpx.ConnectError():
            return Trouble(kind=Kind.CONNECT, reason="no connection could be made", fault=Fault.PLATFORM)
        case httpx.NetworkError():
            return Trouble(kind=Kind.RESET, reason="connection reset", fault=Fault.PLATFORM)
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return Trouble(kind=Kind.PROTOCOL, reason="the address is not a usable http or https address")
        case _:
            return Trouble(kind=Kind.PROTOCOL, reason="the answer is not proper HTTP")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
