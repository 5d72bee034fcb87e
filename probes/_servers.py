"""Which resolvers to ask: how they are written in YAML, and which of them are one voice; private to this folder."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.resolver
import httpx

from probes._address import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A resolver.  `owner` runs it: two servers of one owner are one voice.  `url` is set for DNS over HTTPS."""

    label: str
    owner: str
    address: str = ""
    port: int = 53
    url: str = ""

    @property
    def system(self) -> bool:
        return not self.address and not self.url


_OWNERS = {
    "1.1.1.1": "Cloudflare",
    "1.0.0.1": "Cloudflare",
    "cloudflare-dns.com": "Cloudflare",
    "one.one.one.one": "Cloudflare",
    "8.8.8.8": "Google",
    "8.8.4.4": "Google",
    "dns.google": "Google",
    "9.9.9.9": "Quad9",
    "149.112.112.112": "Quad9",
    "dns.quad9.net": "Quad9",
    "208.67.222.222": "OpenDNS",
    "208.67.220.220": "OpenDNS",
    "doh.opendns.com": "OpenDNS",
}


def parse_server(text: str) -> Server:
    """`system`, an IP address with or without port, or a DNS-over-HTTPS URL.  Raises ValueError for anything else."""
    if text == "system":
        return Server(label="our own resolver", owner="system")
    return _parse_url(text) if "://" in text else _parse_address(text)


def _parse_url(text: str) -> Server:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError("expected an address such as https://dns.google/dns-query") from None
    if url.userinfo or not url.host or url.scheme not in ("https", "http"):
        raise ValueError("expected an address such as https://dns.google/dns-query")
    if url.scheme == "http" and not is_loopback(url.host):
        raise ValueError("DNS over HTTPS needs https:// (http:// only to this machine)")
    label = url.netloc.decode("ascii")
    return Server(label=label, owner=_OWNERS.get(url.host, label), url=text)


def _parse_address(text: str) -> Server:
    host, port = text, "53"
    if text.startswith("[") and "]:" in text:
        host, _, port = text[1:].rpartition("]:")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address = str(ip_address(host))
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number < 65536 or not port.isascii():
        raise ValueError("expected `system`, an IP address (with :port if not 53) or an https:// URL") from None
    label = address if number == 53 else f"{address} port {number}"
    return Server(label=label, owner=_OWNERS.get(address, label), address=address, port=number)


def system_servers(path: str = "/etc/resolv.conf") -> tuple[Server, ...]:
    """What resolv.conf(5) names now, at most three as in glibc; empty where it names none."""
    resolver = dns.resolver.Resolver(configure=False)
    try:
        resolver.read_resolv_conf(path)
    except (dns.exception.DNSException, OSError, ValueError):
        return ()
    names = [str(name) for name in resolver.nameservers][:3]
    return tuple(Server(label="our own resolver", owner="system", address=name) for name in names)
