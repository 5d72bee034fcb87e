"""Would receivers believe mail from this domain?  SPF (RFC 7208) and DMARC (RFC 7489), as hints for people.

Only what is published is looked at.  By which machines a mail server really sends, only its operator knows, and
whether letters are signed (DKIM) cannot be seen from here: so nothing here is ever called wrong.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Protocol

Lookup = Callable[[str, str], Awaitable[tuple[str, ...] | None]]
"""(name, type) -> the records as text, () where there are none, None where it could not be looked up."""

Address = IPv4Address | IPv6Address

MOST_QUESTIONS = 10
"""So many mechanisms that ask the DNS a receiver follows (RFC 7208, 4.6.4)."""

_RESERVED = ("example", "test", "invalid", "localhost", "local", "example.com", "example.net", "example.org")
"""Domains that belong to nobody (RFC 2606, RFC 6761, RFC 6762)."""

_SPF = re.compile(r"v=spf1(\s|$)", re.IGNORECASE)
_DMARC = re.compile(r"v\s*=\s*DMARC1\s*(;|$)")
_TERM = re.compile(r"([+?~-]?)([a-z0-9]+)(?::([^/\s]+))?((?:/\d+)?(?://\d+)?)", re.IGNORECASE)


class Sender(Protocol):
    """Who writes, as far as the DNS knows him."""

    @property
    def domain(self) -> str: ...


class Lets(Enum):
    """Does the SPF record let this mail server send?"""

    YES = "it is named"
    NO = "it is not named"
    UNCLEAR = "who is named depends on each letter, or could not be looked up"
    UNUSABLE = "no receiver can use the record"


async def hints(domain: str, relay: str, look: Lookup) -> tuple[str, ...]:
    """What a person should know of mail from `domain` that is handed in at the host `relay`; () if nothing."""
    if _is_reserved(domain):
        return ()
    return (*[one async for one in _spf(domain, relay, look)], *[one async for one in _dmarc(domain, look)])


def _is_reserved(domain: str) -> bool:
    name = domain.rstrip(".").lower()
    return any(name == one or name.endswith(f".{one}") for one in _RESERVED)


async def _spf(domain: str, relay: str, look: Lookup) -> AsyncIterator[str]:
    records = await _records(domain, _SPF, look)
    if records is None:
        yield f"SPF of {domain} could not be looked up"
    elif not records:
        yield f"{domain} has no SPF record: many receivers hide or refuse mail from it"
    elif len(records) > 1:
        yield f"{domain} has {len(records)} SPF records: with more than one, none counts"
    else:
        walk = _Walk(relay=relay.rstrip(".").lower(), look=look)
        lets = await walk.lets(domain, records[0]) if await walk.find_relay() else Lets.UNCLEAR
        if lets is Lets.NO:
            yield (
                f"SPF of {domain} does not look as if it let {relay} send: it names neither that server nor an "
                "address of it; ask who runs it what belongs into the record"
            )
        if lets is Lets.UNUSABLE:
            yield f"SPF of {domain} cannot be used: it needs more than {MOST_QUESTIONS} look-ups"


async def _dmarc(domain: str, look: Lookup) -> AsyncIterator[str]:
    """At the domain, else at one above it; where the registry begins is not known here, so each is asked."""
    labels = domain.rstrip(".").split(".")
    for names in (labels[place:] for place in range(max(1, len(labels) - 1))):
        records = await _records(f"_dmarc.{'.'.join(names)}", _DMARC, look)
        if records is None:
            yield f"DMARC of {domain} could not be looked up"
            return
        if len(records) > 1:
            yield f"DMARC of {domain}: there are {len(records)} records, and with more than one none counts"
        if records:
            return
    yield f"{domain} has no DMARC record (_dmarc.{domain}): large receivers ask for one"


async def _records(name: str, version: re.Pattern[str], look: Lookup) -> list[str] | None:
    """The TXT records that begin with this version."""
    found = await look(name, "TXT")
    return None if found is None else [one for one in found if version.match(one)]


@dataclass(slots=True)
class _Walk:
    """One SPF record and those that it includes, followed as a receiver would for one mail server."""

    relay: str
    look: Lookup
    addresses: frozenset[Address] = frozenset()
    questions: int = 0
    seen: set[str] = field(default_factory=set)

    async def find_relay(self) -> bool:
        """False where its addresses say nothing of those by which it sends: here, or in a network of our own."""
        try:
            self.addresses = frozenset({ip_address(self.relay)})
        except ValueError:
            self.addresses = frozenset(await self._addresses(self.relay) or ())
        return bool(self.addresses) and not all(one.is_private or one.is_loopback for one in self.addresses)

    async def lets(self, domain: str, record: str) -> Lets:
        """What the terms of the record say, one after the other."""
        unclear, redirect = False, ""
        for term in record.split()[1:]:
            if term.lower().startswith("redirect="):
                redirect = term[len("redirect=") :]
                continue
            match = _TERM.fullmatch(term)
            if match is None or "%" in term:
                unclear = unclear or "=" not in term
                continue
            sign, kind, value, lengths = (part or "" for part in match.groups())
            said = await self._mechanism(kind.lower(), value, lengths, domain)
            if said is Lets.UNUSABLE:
                return said
            if said is Lets.YES:
                return Lets.YES if sign in ("", "+") else Lets.UNCLEAR if unclear else Lets.NO
            unclear = unclear or said is Lets.UNCLEAR
        said = await self._included(redirect) if redirect else Lets.NO
        return Lets.UNCLEAR if said is Lets.NO and unclear else said

    async def _mechanism(self, kind: str, value: str, lengths: str, domain: str) -> Lets:
        """YES: it speaks of our mail server."""
        if kind == "all":
            return Lets.YES
        if kind in ("ip4", "ip6"):
            return _lets(self._within(f"{value}{lengths}"))
        if kind not in ("a", "mx", "include"):
            return Lets.UNCLEAR
        if kind == "include":
            return await self._included(value)
        self.questions += 1
        if self.questions > MOST_QUESTIONS:
            return Lets.UNUSABLE
        return await self._hosts(kind, value or domain, lengths)

    async def _included(self, name: str) -> Lets:
        """Another domain's record; a name that the mail server shares is taken as a good sign."""
        self.questions += 1
        if self.questions > MOST_QUESTIONS:
            return Lets.UNUSABLE
        if self._is_kin(name):
            return Lets.YES
        if "%" in name or name.lower() in self.seen:
            return Lets.UNCLEAR
        self.seen.add(name.lower())
        records = await _records(name, _SPF, self.look)
        return await self.lets(name, records[0]) if records else Lets.UNCLEAR

    async def _hosts(self, kind: str, name: str, lengths: str) -> Lets:
        hosts: Sequence[str] | None = [name]
        if kind == "mx":
            exchanges = await self.look(name, "MX")
            hosts = None if exchanges is None else [one.split()[-1] for one in exchanges]
        if hosts is None:
            return Lets.UNCLEAR
        if any(host.rstrip(".").lower() == self.relay for host in hosts):
            return Lets.YES
        found = [await self._addresses(host) for host in hosts[:MOST_QUESTIONS]]
        if any(self._within(f"{one}{_of_family(one, lengths)}") for group in found for one in group or ()):
            return Lets.YES
        return Lets.UNCLEAR if None in found else Lets.NO

    async def _addresses(self, host: str) -> list[Address] | None:
        answers = [await self.look(host.rstrip("."), kind) for kind in ("A", "AAAA")]
        if all(one is None for one in answers):
            return None
        return [ip_address(text) for answer in answers for text in answer or ()]

    def _within(self, network: str) -> bool:
        try:
            net = ip_network(network, strict=False)
        except ValueError:
            return False
        return any(one in net for one in self.addresses)

    def _is_kin(self, name: str) -> bool:
        """`sendgrid.net` and `smtp.sendgrid.net`: one is the other's, or they share all but their first names."""
        other, above = name.rstrip(".").lower(), self.relay.partition(".")[2]
        above = above if "." in above else self.relay
        return "." in other and (f".{other}".endswith(f".{above}") or f".{above}".endswith(f".{other}"))


def _lets(named: bool) -> Lets:  # noqa: FBT001  a value turned into another
    return Lets.YES if named else Lets.NO


def _of_family(one: Address, lengths: str) -> str:
    """The prefix length that is meant for this address: `/24//64` has one for each family (RFC 7208, 5.6)."""
    four, _, six = lengths.partition("//")
    return four if one.version == 4 else f"/{six}" if six else ""
