"""Sockets that listen like systemd and its journal do, and what arrives at them."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Entry = dict[str, str]


class Ear:
    """A datagram socket at `path` that hears only when it is asked to."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.files = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)

    def datagrams(self) -> Iterator[bytes]:
        """What has arrived since; a datagram of a descriptor is read from its file."""
        while True:
            try:
                data, descriptors, _flags, _sender = socket.recv_fds(self._socket, 1 << 24, 1)
            except BlockingIOError:
                return
            for descriptor in descriptors:
                data += Path(f"/proc/self/fd/{descriptor}").read_bytes()
                os.close(descriptor)
                self.files += 1
            yield data

    def entries(self) -> list[Entry]:
        return [decode(data) for data in self.datagrams()]

    def close(self) -> None:
        self._socket.close()
        Path(self.path).unlink(missing_ok=True)


def decode(data: bytes) -> Entry:
    """One entry of the native journal protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""
    entry: Entry = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, found, value = line.partition(b"=")
        if not found:
            (length,) = struct.unpack("<Q", data[:8])
            value, data = data[8 : 8 + length], data[8 + length + 1 :]
        entry[name.decode()] = value.decode()
    return entry


@contextmanager
def ear(folder: Path, name: str = "socket") -> Iterator[Ear]:
    listening = Ear(str(folder / name))
    try:
        yield listening
    finally:
        listening.close()
