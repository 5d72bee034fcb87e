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
