"""What was asked of one person about one statement, and how that stands; pure, private to `asking`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from failover.asking.words import Ending, clock
from failover.delivery import Delivery, Phase, StatementRow
from failover.signoff import Asking, code, standing

Thread = tuple[Asking, ...]
"""All that was asked of one person about one statement on one way, the first question at the head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One thread, and the statement it is about as it is now (None: it is gone)."""

    thread: Thread
    row: StatementRow | None
    deliveries: Sequence[Delivery]
    now: float

    def standing(self, asking: Asking) -> tuple[str, bool]:
        """What one question of it shows now, and whether it can still be answered."""
        return standing(self.row, self.deliveries, asking, self.now)

    @property
    def is_open(self) -> bool:
        """Can the statement still be decided about, by whatever question?"""
        return self.standing(self._newest)[1]

    @property
    def line(self) -> str:
        """How the statement stands; that one question of many is out of date is no end."""
        return self.standing(self._newest)[0]

    @property
    def _newest(self) -> Asking:
        if self.row is None:
            return self.thread[-1]
        return replace(self.thread[-1], round=self.row.lapses, code=code(self.row, self.deliveries))

    @property
    def settled_at(self) -> float:
        """When it was decided or came to its end, as far as that is known."""
        row = self.row
        if row is not None and row.decision == "approved" and row.approvals:
            return row.approvals[-1].at
        if row is not None and not row.decision and row.release_at is not None and self.now >= row.release_at:
            return row.release_at
        stopped = (Phase.CANCELLED, Phase.EXPIRED)
        mine = [one for one in self.deliveries if row is not None and one.statement_id == row.id]
        return max((one.ended_at for one in mine if one.phase in stopped), default=self.now)


def closing(matter: Matter, zone: tzinfo) -> Ending:
    """The letter that ends a thread."""
    first = matter.thread[0]
    when = clock(matter.settled_at, zone)
    return Ending(
        subject=first.text,
        text=f"Settled: {matter.line.removesuffix('.')} ({when}). Nothing more to do.\n\n"
        f"Statement {first.statement}. Answers to this mail are not read.\n",
        answers=tuple(one.message for one in matter.thread),
    )
