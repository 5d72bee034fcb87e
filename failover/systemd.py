"""What systemd and its journal understand, spoken in plain datagrams; no library of systemd is needed.

Nothing here ever blocks or raises because the other side is hung, stopped or absent: a journal that hangs must never
hang the daemon (rule O5), and the daemon may run without systemd at all.
Sources: sd_notify(3), sd_watchdog_enabled(3) and "Native Journal Protocol" on systemd.io.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import re
import socket
import struct
import termios
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import IO

JOURNAL_SOCKET = "/run/systemd/journal/socket"
MOST_LINES = 1000
MOST_BYTES = 8 * 1024 * 1024
"""How much is kept for a journal that does not listen; the oldest goes first."""

FAREWELL = 0.5
LONGEST_VALUE = 256 * 1024
LONGEST_NAME = 64
_NAME = re.compile(r"[^A-Z0-9_]")
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_NOT_NOW = (BlockingIOError, FileNotFoundError, ConnectionRefusedError)


class ServiceManager:
    """The socket on which the service manager hears how we are; silent where there is none.

    Lines that could not be sent (its queue was full) are kept and go out with the next ones.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._address = _address(env.get("NOTIFY_SOCKET", ""))
        self._owed: dict[str, str] = {}

    @property
    def present(self) -> bool:
        return self._address is not None

    def notify(self, **lines: str | int) -> bool:
        """Tell `NAME=value` lines; True when they were taken."""
        self._owed |= {name: _one_line(str(value)) for name, value in lines.items()}
        if self._address is None or not self._owed:
            self._owed.clear()
            return False
        message = "\n".join(f"{name}={value}" for name, value in self._owed.items()).encode("utf-8", "replace")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.sendto(message, socket.MSG_DONTWAIT, self._address)
        except OSError:
            return False
        self._owed.clear()
        return True

    def ready(self, status: str = "") -> bool:
        """The daemon watches, or a reload is over."""
        return self.notify(READY=1, **({"STATUS": status} if status else {}))

    def status(self, text: str) -> bool:
        """The one line that `systemctl status` shows."""
        return self.notify(STATUS=text)

    def reloading(self, monotonic_usec: int) -> bool:
        """A reload began at this CLOCK_MONOTONIC time in microseconds; `ready` ends it."""
        return self.notify(RELOADING=1, MONOTONIC_USEC=monotonic_usec)

    def stopping(self) -> bool:
        return self.notify(STOPPING=1)

    def feed(self) -> bool:
        """Keep the watchdog quiet.  Only for real progress, never for a platform's health (rule O5)."""
        return self.notify(WATCHDOG=1)


def watchdog_seconds(env: Mapping[str, str], pid: int) -> float | None:
    """The watchdog's interval where it watches this process, else None; feed it three times as often."""
    if env.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    usec = env.get("WATCHDOG_USEC", "")
    return int(usec) / 1_000_000 if usec.isdecimal() and int(usec) > 0 else None


def is_journal(env: Mapping[str, str], stream: IO[str]) -> bool:
    """Is this stream (our stderr) the one that systemd connected to the journal?"""
    try:
        opened = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return env.get("JOURNAL_STREAM") == f"{opened.st_dev}:{opened.st_ino}"


class JournalSocket:
    """The journal's native socket.  What it does not take now is kept and tried again with the next line or `flush`.

    When more is kept than MOST_LINES or MOST_BYTES, the oldest lines are dropped, and the next line that arrives says
    how many in FAILOVER_DROPPED.  Safe to use from several threads.
    """

    def __init__(self, path: str = JOURNAL_SOCKET) -> None:
        self._path = path
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._dropped = 0
        self._lock = threading.RLock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_BYTES)

    def write(self, datagram: bytes) -> None:
        """Send one encoded entry, or keep it for later."""
        with self._lock:
            self._waiting.append(datagram)
            self._bytes += len(datagram)
            self.flush()
            while len(self._waiting) > MOST_LINES or self._bytes > MOST_BYTES:
                self._bytes -= len(self._waiting.popleft())
                self._dropped += 1

    def flush(self) -> bool:
        """Send what waits, as far as the journal takes it; True when nothing waits any more."""
        with self._lock:
            while self._waiting:
                try:
                    self._send(self._waiting[0] + self._loss())
                    self._dropped = 0
                except _NOT_NOW:
                    return False
                except OSError:  # this one will never go: do not let it stop the rest
                    self._dropped += 1
                self._bytes -= len(self._waiting.popleft())
        return True

    @property
    def kept(self) -> int:
        """Bytes that wait here for a journal that does not listen."""
        return self._bytes

    def unread(self) -> int:
        """Bytes that the journal has been sent and has not read yet."""
        with self._lock:
            count = array.array("i", [0])
            with suppress(OSError, ValueError):
                fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, count)
            return count[0]

    def close(self) -> None:
        """Close, once the journal has read what it was sent, or after FAREWELL seconds.

        The journal learns the unit of a line by asking the kernel about its sender, who must still be there.
        """
        patience = time.monotonic() + FAREWELL
        while not (self.flush() and self.unread() == 0) and time.monotonic() < patience:
            time.sleep(0.005)
        with self._lock:
            self._socket.close()

    def _loss(self) -> bytes:
        return b"FAILOVER_DROPPED=%d\n" % self._dropped if self._dropped else b""

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.sendto(datagram, socket.MSG_DONTWAIT, self._path)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            self._send_as_file(datagram)

    def _send_as_file(self, datagram: bytes) -> None:
        """What is too long for a datagram travels as a sealed file in memory, by its descriptor."""
        descriptor = os.memfd_create("failover-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor has no path
            file.write(datagram)
            file.flush()
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            self._socket.sendmsg([b""], rights, socket.MSG_DONTWAIT, self._path)


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """One entry in the native protocol; names are made to fit, very long values are cut."""
    return b"".join(_field(name, value) for name, value in fields)


def _field(name: str, value: str) -> bytes:
    key = _NAME.sub("_", name.upper())[:LONGEST_NAME].encode()
    data = value[:LONGEST_VALUE].encode("utf-8", "replace")
    if b"\n" in data:
        return key + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
    return key + b"=" + data + b"\n"


def _address(path: str) -> str | None:
    """A path, or an abstract name that systemd writes with a leading `@`."""
    if path.startswith("@"):
        return "\0" + path[1:]
    return path if path.startswith("/") else None


def _one_line(text: str) -> str:
    return " ".join(text.split())
