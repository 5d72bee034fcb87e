"""Small rules of the web that several kinds share: which address may carry a secret, and what Retry-After says."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator


def web_address(value: str) -> str:
    """An http:// or https:// address, as it was written.  Raises ValueError, in words for the YAML's author."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address that starts with https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected an address without a user name or password in it")
    if parts.fragment:
        raise ValueError("expected an address without a # part")
    return value


def safe_address(value: str) -> str:
    """A base address to which a secret may be sent: https://, or http:// to this machine.  No slash at its end."""
    address = web_address(value).rstrip("/")
    if urlsplit(address).query:
        raise ValueError("expected an address without a ? part")
    if address.startswith("http:") and not _is_loopback(urlsplit(address).hostname or ""):
        raise ValueError("expected https://, because the password or token would cross the network in clear text")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


WebAddress = Annotated[str, AfterValidator(web_address)]
SafeAddress = Annotated[str, AfterValidator(safe_address)]


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by the Retry-After header (RFC 9110, 10.2.3: seconds or a date); None where it says nothing."""
    value = headers.get("retry-after", "").strip()
    if value.replace(".", "", 1).isascii() and value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:  # an HTTP date is always GMT
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)
