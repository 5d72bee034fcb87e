"""Letters per second to a mail server on this machine, with the real ledger on the disk.

    .venv/bin/python -m bench.mail [recipients] [connections]

The server is a practice server in a process of its own.  The ledger is the daemon's store: each letter is committed
before its final dot and after the answer, and connections share commits where the disk is slow.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from channels.email import KIND, EmailOptions
from failover.contracts import Channel, Surroundings
from failover.model import Announcement, Delivered, Organisation, Statement
from failover.practice.smtp import SmtpService
from failover.store import Store

ANNOUNCEMENT = Announcement(
    key="bench:holding:email",
    incident="bench",
    statement=Statement.HOLDING,
    reference="FB-BENCH",
    text="Facebook is not working at the moment. You can still reach us here and on our website. " * 4,
    created_at=1_795_000_000.0,
    subject="Facebook is down: where to find us",
)


class Ledger:
    """`contracts.Notebook` over the daemon's own store."""

    draft = None
    repeat = False

    def __init__(self, store: Store) -> None:
        self._store = store
        self.commits = 0

    async def reserve(self, draft: str) -> None: ...

    async def ledger(self) -> Mapping[str, str]:
        return await self._store.ledger(ANNOUNCEMENT.key)

    async def heard(self) -> Mapping[str, str] | None:
        return None

    async def told(self) -> Mapping[str, str]:
        return {}

    async def note(self, changes: Mapping[str, str]) -> None:
        self.commits += 1
        await self._store.note(ANNOUNCEMENT.key, changes)


async def sink() -> None:
    """Take mail until stdin ends, then say how many copies and how many recipients there were."""
    async with SmtpService() as service:
        print(service.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(len(service.accepted), len(service.by_recipient()), flush=True)


async def measure(recipients: int, connections: int, folder: Path) -> str:
    people = "".join(f"person{number}@example.net,Person Nº {number}\n" for number in range(recipients))
    (folder / "list.csv").write_text(f"email,name\n{people}", "utf-8")
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.mail", "--sink", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    options = EmailOptions.model_validate(
        {
            "host": "127.0.0.1",
            "port": int(await server.stdout.readline()),
            "security": "none",
            "sender": "Example Borough Council <news@example.org>",
            "recipients_file": folder / "list.csv",
            "list_id": "news.example.org",
            "connections": connections,
        }
    )
    store = Store.open(folder / "bench.db")
    ledger = Ledger(store)
    async with KIND.open(options, surroundings()) as channel:
        began = time.perf_counter()
        outcome = await channel.send(ANNOUNCEMENT, ledger)
        took = time.perf_counter() - began
    store.close()
    said, _ = await server.communicate(b"")
    copies, people_reached = map(int, said.split())
    assert isinstance(outcome, Delivered), outcome
    assert copies == people_reached == recipients
    return (
        f"{recipients:,} letters in {took:.1f} s = {recipients / took:,.0f}/s over {connections} connections, "
        f"{ledger.commits:,} durable commits; repeat: "
        f".venv/bin/python -m bench.mail {recipients} {connections}"
    )


def surroundings() -> Surroundings:
    def no_channel(name: str) -> Channel:
        raise KeyError(name)

    organisation = Organisation(name="Example Borough Council")
    return Surroundings(
        organisation=organisation, user_agent="bench", name="email", platform="", now=time.time, channel=no_channel
    )


def main() -> None:
    if "--sink" in sys.argv:
        asyncio.run(sink())
        return
    parser = argparse.ArgumentParser(description="Letters per second to a mail server on this machine.")
    parser.add_argument("recipients", nargs="?", type=int, default=10_000)
    parser.add_argument("connections", nargs="?", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        print(asyncio.run(measure(given.recipients, given.connections, Path(folder))))


if __name__ == "__main__":
    main()
