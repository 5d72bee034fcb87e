"""Web addresses as options: what is accepted, and what can be told from one; private to this folder."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

import httpx
from pydantic import AfterValidator


def _web_address(value: str) -> str:
    try:
        url = httpx.URL(value)
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError("expected an address that begins with https:// or http://") from None
    if url.scheme not in ("http", "https") or not url.host or any(char.isspace() for char in value):
        raise ValueError("expected an address that begins with https:// or http://")
    if url.userinfo:
        raise ValueError("an address must not contain a user name or a password")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An http(s) address without credentials in it."""


HOME = (".local", ".lan", ".internal", ".home.arpa", ".home", ".localhost")
"""Ends of names that exist on somebody's own network only (RFC 6762, RFC 8375, RFC 6761; ICANN for `.internal`)."""


def is_near(host: str) -> bool:
    """Whether `host` is on this machine or a network of our own by its very name; no name is looked up.

    Addresses that are not of the public internet (private, link-local, shared by a provider, unspecified), names
    without a dot, and names that only a house's own resolver knows.
    """
    name = host.rstrip(".").lower()
    try:
        address = ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(HOME)
    return not (getattr(address, "ipv4_mapped", None) or address).is_global


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its very name; no name is looked up."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def unforgeable(url: str) -> bool:
    """Whether an answer from `url` was formed by its owner: over TLS, or without leaving this machine.

    Anything on the way may have formed an answer over plain http.
    """
    parsed = httpx.URL(url)
    return parsed.scheme == "https" or is_loopback(parsed.host)
