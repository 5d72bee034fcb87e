"""What asking needs of a way to a person, and what comes of it; private to `asking`."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from failover.asking.words import Ending, Question
from failover.signoff import Asking, Person


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived.  `message` is how the way finds it again, `text` what the message that can be edited says."""

    message: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unsent:
    """It did not arrive, and why.

    `wait` is what was asked of us (seconds); `final`: it never will; `unsure`: it may have arrived all the same.
    """

    reason: str
    wait: float | None = None
    final: bool = False
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A person pressed a button: `number` orders what came, `account` is who, `data` what the button carries."""

    number: int
    account: int
    data: str
    id: str


class Way(Protocol):
    """One way to a person."""

    @property
    def name(self) -> str:
        """As it is kept and told: `Telegram`, `e-mail`."""
        ...

    def reaches(self, person: Person) -> bool: ...

    async def ask(self, person: Person, asked: Question) -> Sent | Unsent:
        """Put the question before them."""
        ...


@runtime_checkable
class Edits(Way, Protocol):
    """A way on which what was asked can be written over, as often as one likes."""

    async def show(self, person: Person, asking: Asking, line: str, *, still_open: bool) -> Sent | Unsent:
        """Write over a question how it stands."""
        ...


@runtime_checkable
class Closes(Way, Protocol):
    """A way on which an end is a message of its own, which must not come twice."""

    async def close(self, person: Person, ending: Ending) -> Sent | Unsent:
        """Say that nothing is left to decide."""
        ...


@runtime_checkable
class Ear(Way, Protocol):
    """A way on which answers come back.  `place` names where it is kept how far we have heard."""

    @property
    def place(self) -> str: ...

    async def presses(self, offset: int) -> list[Press] | Unsent:
        """What came, from `offset` on; waits for it."""
        ...

    def reply(self, press: Press, text: str, *, alert: bool) -> Coroutine[Any, Any, None]:
        """Tell who pressed; nothing depends on it."""
        ...
