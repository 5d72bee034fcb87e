"""A mailing under test: a list of people, a ledger that can die, and the rule that nobody is written to twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from channels.email import KIND, EmailChannel, EmailOptions
from failover.practice.smtp import SmtpService
from tests.channels._house import NOW, surroundings

ANN, BOB, CID, DAN = (f"{name}@example.net" for name in ("ann", "bob", "cid", "dan"))
TRIO = (ANN, BOB, CID)


class DiedError(Exception):
    """The process is no more: nothing is written after this."""


@dataclass
class Ledger:
    """A durable ledger.  `die_at`: the process dies in that call of `note`, before or after the commit."""

    lines: dict[str, str] = field(default_factory=dict)
    before: Mapping[str, str] | None = None
    die_at: int = 0
    commits_first: bool = False
    notes: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    dead: bool = False
    already: dict[str, str] = field(default_factory=dict)
    draft: str | None = None
    repeat: bool = False

    async def reserve(self, draft: str) -> None:
        raise NotImplementedError

    async def ledger(self) -> Mapping[str, str]:
        return dict(self.lines)

    async def heard(self) -> Mapping[str, str] | None:
        return self.before

    async def told(self) -> Mapping[str, str]:
        return self.already

    async def note(self, changes: Mapping[str, str]) -> None:
        self.notes += 1
        self.begun.set()
        dies = self.notes == self.die_at
        if not self.dead and (not dies or self.commits_first):
            self.lines |= changes
        self.dead = self.dead or dies
        if self.dead:
            raise DiedError

    def survivor(self) -> Ledger:
        """What the next process finds."""
        return Ledger(dict(self.lines), self.before)


def people(count: int) -> tuple[str, ...]:
    return tuple(f"person{number}@example.net" for number in range(count))


def write_list(folder: Path, *addresses: str) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(["email", *addresses, ""]), "utf-8")
    return path


def options(home: Path, service: SmtpService | None = None, **changes: object) -> EmailOptions:
    """Options for the practice server, with time-outs that a test can wait for."""
    short = {name: changes.pop(name, 0.3) for name in ("timeout", "answer_timeout")}
    where = {"host": service.host, "port": service.port, "security": "none"} if service is not None else {}
    fixed = {
        "sender": "Example Borough Council <news@example.org>",
        "recipients_file": home / "list.csv",
        "connections": 1,
    }
    return EmailOptions.model_validate(fixed | where | changes).model_copy(update=short)


@asynccontextmanager
async def opened(
    home: Path,
    service: SmtpService | None = None,
    alarms: list[str] | None = None,
    now: float = NOW,
    **changes: object,
) -> AsyncIterator[EmailChannel]:
    house = replace(surroundings(lambda: now), alarm=(alarms if alarms is not None else []).append)
    async with KIND.open(options(home, service, **changes), house) as channel:
        assert isinstance(channel, EmailChannel)
        yield channel


def nobody_twice_nobody_forgotten(service: SmtpService, lines: Mapping[str, str], everybody: tuple[str, ...]) -> None:
    """The invariant: at most one copy each, and who has none is refused or openly in doubt."""
    copies = service.by_recipient()
    for person in everybody:
        state = lines[person].partition(":")[0]
        assert copies[person] <= 1, f"{copies[person]} copies, {state}"
        if copies[person] == 0:
            assert state in ("refused", "doubt"), state
        else:
            assert state in ("sent", "doubt"), state
