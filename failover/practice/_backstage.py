"""Behind the stage of a drill: its clock, its database, which marks every text, and its journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from failover.clock import Clock
from failover.store import Change, Store


class Timer:
    """The drill's clock: it runs like every other, and can be put forward."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._skipped = 0.0
        self.resumed_at = self.now()
        """When it last began to run: what is under way has begun since."""

    def now(self) -> float:
        return self._clock.now() + self._skipped

    def skip_to(self, at: float) -> None:
        self._skipped += max(0.0, at - self.now())
        self.resumed_at = self.now()


class DrillStore(Store):
    """Whatever is planned, is planned for a drill: every text says so (rule S10), whoever worded it.

    The questions about a statement say so too, and its seal is never that of a real one.
    """

    async def record(self, change: Change) -> None:
        await super().record(
            replace(
                change,
                statements=tuple(replace(row, drill=True) for row in change.statements),
                deliveries=tuple(
                    replace(row, text=marked(row.text), subject=marked(row.subject)) for row in change.deliveries
                ),
            )
        )


class Scribe:
    """A journal that somebody listens to, and that keeps what should not have happened."""

    def __init__(self, trouble: Callable[[str], None]) -> None:
        self._trouble = trouble
        self._listeners: dict[str, Callable[[dict[str, object]], None]] = {}

    def listen(self, event: str, heard: Callable[[dict[str, object]], None]) -> None:
        self._listeners[event] = heard

    def say(self, name: str, /, **fields: object) -> None:
        if name in self._listeners:
            self._listeners[name](fields)
        elif name in ("person_needed", "store_trouble"):
            self._trouble(str(fields.get("reason", name)))

    def say_on_change(self, _key: str, name: str, /, **fields: object) -> bool:
        self.say(name, **fields)
        return True

    def bug(self, where: str, error: BaseException) -> None:
        self._trouble(f"a bug in {where} ({type(error).__name__})")


def marked(text: str) -> str:
    """With DRILL before it, where it does not say so already."""
    return text if "DRILL" in text else f"DRILL: {text}"
