"""Questions to the name servers that this machine is set up to ask (resolv.conf)."""

from __future__ import annotations

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from failover.mail_domain import Lookup

SECONDS = 8.0
"""For one question, with all its repeats."""


def system_lookup() -> Lookup:
    """As the machine is set up; where it is not, nothing can be looked up."""
    try:
        resolver = dns.asyncresolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        return _nowhere
    resolver.lifetime = SECONDS
    return lookup(resolver)


def lookup(resolver: dns.asyncresolver.Resolver) -> Lookup:
    """Asks this resolver."""

    async def look(name: str, kind: str) -> tuple[str, ...] | None:
        try:
            answer = await resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return ()
        except (dns.exception.DNSException, OSError, UnicodeError):
            return None
        if answer.rdtype == dns.rdatatype.TXT:
            return tuple(b"".join(one.strings).decode("ascii", "replace") for one in answer)
        return tuple(one.to_text() for one in answer)

    return look


async def _nowhere(_name: str, _kind: str) -> None:
    return None
