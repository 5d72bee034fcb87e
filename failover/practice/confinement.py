"""A process that speaks to this machine only.

A drill on the practice internet opens nothing real; this is the second lock on the same door.  It is an audit hook
(PEP 578), so it also sees what a library does, and it cannot be taken away again: for a process that does nothing but
the drill.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from typing import Any

_CALLS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class ConfinedError(ConnectionRefusedError):
    """Something wanted to leave this machine."""

    def __init__(self) -> None:
        super().__init__("a drill on the practice internet speaks to this machine only")


def confine() -> None:
    """From now on, and until it ends, this process connects to and looks up nothing but this machine; no proxy."""
    for name in ("NO_PROXY", "no_proxy"):  # what goes to a proxy does not go to the practice service
        os.environ[name] = "*"
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _CALLS:
        line, address = arguments[:2]
        if getattr(line, "family", None) in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
            raise ConfinedError
    elif event in _LOOKUPS and not is_here(arguments[0]):
        raise ConfinedError


def is_here(host: object) -> bool:
    """A loopback name or address, or none (a socket that is to listen)."""
    if host is None or host == "":
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
