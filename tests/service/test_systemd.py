"""The datagrams to systemd and its journal, over real sockets on which nobody may be listening."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.systemd import (
    LONGEST_VALUE,
    MOST_LINES,
    JournalSocket,
    ServiceManager,
    encode,
    is_journal,
    watchdog_seconds,
)
from tests.service.listening import Ear, decode, ear


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Ear]:
    with ear(tmp_path, "notify") as listening:
        yield listening


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Ear]:
    with ear(tmp_path) as listening:
        yield listening


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[JournalSocket]:
    socket = JournalSocket(str(tmp_path / "socket"))
    yield socket
    socket.close()


def line(number: int) -> bytes:
    return encode([("MESSAGE", f"line {number}")])


# --- the service manager ---


def test_ready_carries_its_status_in_the_same_datagram(manager: Ear) -> None:
    assert ServiceManager({"NOTIFY_SOCKET": manager.path}).ready("watching 3 platforms")

    assert list(manager.datagrams()) == [b"READY=1\nSTATUS=watching 3 platforms"]


def test_everything_systemd_is_told_is_one_line_each(manager: Ear) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": manager.path})
    service.status("facebook DOWN\nREADY=1")
    service.reloading(12_345)
    service.feed()
    service.stopping()

    assert list(manager.datagrams()) == [
        b"STATUS=facebook DOWN READY=1",
        b"RELOADING=1\nMONOTONIC_USEC=12345",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


def test_abstract_socket_is_understood() -> None:
    """systemd writes the leading zero byte of an abstract name as `@`."""
    listening = Ear(f"\0failover-test-{os.getpid()}")
    try:
        assert ServiceManager({"NOTIFY_SOCKET": f"@failover-test-{os.getpid()}"}).feed()
        assert list(listening.datagrams()) == [b"WATCHDOG=1"]
    finally:
        listening.path = "/nonexistent"
        listening.close()


@pytest.mark.parametrize("path", ["", "/nonexistent/socket", "vsock:2:1234"])
def test_without_a_service_manager_nothing_happens(path: str) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": path})

    assert not service.ready("x")
    assert not service.feed()


def test_ready_is_not_lost_when_systemd_is_busy(manager: Ear) -> None:
    """A READY=1 that got lost would end in a start that times out."""
    service = ServiceManager({"NOTIFY_SOCKET": manager.path})
    begun = time.monotonic()
    while service.feed():
        assert time.monotonic() - begun < 5
    service.status("old")
    assert not service.ready("new")
    list(manager.datagrams())
    assert service.feed()

    assert set(b"".join(manager.datagrams()).splitlines()) == {b"WATCHDOG=1", b"READY=1", b"STATUS=new"}


@pytest.mark.parametrize(
    ("env", "seconds"),
    [
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0, id="ours"),
        pytest.param({"WATCHDOG_USEC": "1500000"}, 1.5, id="nobody named"),
        pytest.param({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None, id="another process"),
        pytest.param({"WATCHDOG_USEC": "0"}, None, id="zero"),
        pytest.param({"WATCHDOG_USEC": "soon"}, None, id="no number"),
        pytest.param({}, None, id="no watchdog"),
    ],
)
def test_watchdog_is_for_the_process_it_names(env: dict[str, str], seconds: float | None) -> None:
    assert watchdog_seconds(env, 7) == seconds


# --- the journal ---


def test_stream_is_the_journal_only_if_device_and_inode_match(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as stream:
        opened = os.fstat(stream.fileno())

        assert is_journal({"JOURNAL_STREAM": f"{opened.st_dev}:{opened.st_ino}"}, stream)
        assert not is_journal({"JOURNAL_STREAM": f"{opened.st_dev}:{opened.st_ino + 1}"}, stream)
        assert not is_journal({}, stream)
    assert not is_journal({"JOURNAL_STREAM": f"{opened.st_dev}:{opened.st_ino}"}, stream), "closed"


@pytest.mark.parametrize(
    ("name", "value", "wire"),
    [
        pytest.param("MESSAGE", "all well", b"MESSAGE=all well\n", id="plain"),
        pytest.param("MESSAGE", "a=b", b"MESSAGE=a=b\n", id="equals sign"),
        pytest.param("T", "a\nb", b"T\n\x03\0\0\0\0\0\0\0a\nb\n", id="newline makes it length-prefixed"),
        pytest.param("failover_who-is it", "x", b"FAILOVER_WHO_IS_IT=x\n", id="a name is made to fit"),
        pytest.param("A" * 70, "x", b"A" * 64 + b"=x\n", id="a long name is cut"),
        pytest.param("T", "ü\ud800", b"T=\xc3\xbc?\n", id="what is no text cannot break it"),
    ],
)
def test_native_protocol(name: str, value: str, wire: bytes) -> None:
    assert encode([(name, value)]) == wire


def test_entry_arrives(journald: Ear, sender: JournalSocket) -> None:
    sender.write(encode([("MESSAGE", "hello"), ("FAILOVER_TRACEBACK", "one\ntwo")]))

    assert journald.entries() == [{"MESSAGE": "hello", "FAILOVER_TRACEBACK": "one\ntwo"}]


def test_entry_too_long_for_a_datagram_arrives_whole_as_a_sealed_file(journald: Ear, sender: JournalSocket) -> None:
    long = {f"FAILOVER_{number}": "x" * LONGEST_VALUE for number in range(80)}
    sender.write(encode([("MESSAGE", "long"), *long.items()]))

    assert journald.entries() == [{"MESSAGE": "long"} | long]
    assert journald.files == 1


def test_hung_journal_never_blocks_and_the_loss_is_counted(journald: Ear, sender: JournalSocket) -> None:
    """The kernel's queue is full, then ours is; the oldest of ours go, and the next line to arrive says how many."""
    begun = time.monotonic()
    for number in range(3 * MOST_LINES):
        sender.write(line(number))
    took = time.monotonic() - begun
    heard = journald.entries()
    while not sender.flush():
        heard += journald.entries()
    heard += journald.entries()
    dropped = sum(int(entry.get("FAILOVER_DROPPED", 0)) for entry in heard)

    assert took < 2
    assert len(heard) + dropped == 3 * MOST_LINES
    assert heard[-1]["MESSAGE"] == f"line {3 * MOST_LINES - 1}"
    assert [entry for entry in heard if "FAILOVER_DROPPED" in entry] == [
        {"MESSAGE": f"line {2 * MOST_LINES}", "FAILOVER_DROPPED": str(dropped)}
    ]


def test_lines_for_a_hung_journal_take_bounded_memory(journald: Ear, sender: JournalSocket) -> None:
    for number in range(200):
        sender.write(encode([("MESSAGE", str(number)), ("FAILOVER_X", "x" * 100_000)]))

    assert 7 * 1024 * 1024 < sender.kept <= 8 * 1024 * 1024


def test_journal_that_was_absent_gets_its_lines_when_it_comes(tmp_path: Path, sender: JournalSocket) -> None:
    sender.write(line(1))
    with ear(tmp_path) as listening:
        sender.write(line(2))

        assert [entry["MESSAGE"] for entry in listening.entries()] == ["line 1", "line 2"]


def test_journal_that_was_restarted_is_found_again(tmp_path: Path, sender: JournalSocket) -> None:
    with ear(tmp_path) as listening:
        sender.write(line(1))
        assert len(listening.entries()) == 1
    with ear(tmp_path) as listening:
        sender.write(line(2))
        assert len(listening.entries()) == 1


def test_close_waits_for_the_journal_to_read_but_not_for_long(journald: Ear, tmp_path: Path) -> None:
    """journald asks the kernel whose line it is; a sender that is gone has no unit."""
    begun = time.monotonic()
    read = JournalSocket(journald.path)
    read.write(line(1))
    list(journald.datagrams())
    read.close()
    at_once = time.monotonic() - begun
    unread = JournalSocket(journald.path)
    unread.write(line(2))
    unread.close()
    waited = time.monotonic() - begun - at_once

    assert at_once < 0.3
    assert 0.4 < waited < 2
    assert [decode(data)["MESSAGE"] for data in journald.datagrams()] == ["line 2"]


def test_writing_after_close_is_harmless(sender: JournalSocket) -> None:
    sender.close()
    for number in itertools.repeat(1, 3):
        sender.write(line(number))
    sender.close()
