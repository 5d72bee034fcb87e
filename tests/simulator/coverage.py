"""How often each edge of the shipping state tables was taken: by counting copies of the tables, put in their place.

Nothing of the product knows about it: `verdict.TABLE` and `delivery.EDGES` are asked as ever, and `engine.follow`
is called as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from failover import delivery, engine, verdict
from failover.incidents import Turn

Counts = Counter[tuple[str, ...]]


class _Row(dict[Any, Any]):
    """A row of a table that counts what is asked of it."""

    def __init__(self, row: Mapping[Any, Any], name: str, origin: str, counts: Counts) -> None:
        super().__init__(row)
        self._keys = {key: (name, origin, key.value) for key in row}
        self._counts = counts

    def get(self, key: Any, default: Any = None) -> Any:
        found = super().get(key)
        if found is None:
            return default
        self._counts[self._keys[key]] += 1
        return found

    def __contains__(self, key: object) -> bool:
        there = super().__contains__(key)
        if there:
            self._counts[self._keys[key]] += 1
        return there


@contextmanager
def counting(counts: Counts) -> Iterator[None]:
    """Count into `counts` while this lasts."""
    table, edges, follow = verdict.TABLE, delivery.EDGES, engine.follow

    def followed(*args: Any) -> Any:
        turn, incident = follow(*args)
        counts["turn", "", turn.value] += 1
        return turn, incident

    verdict.TABLE = {state: _Row(row, "verdict", state.value, counts) for state, row in table.items()}
    delivery.EDGES = {phase: _Row(row, "delivery", phase.value, counts) for phase, row in edges.items()}
    engine.follow = followed
    try:
        yield
    finally:
        verdict.TABLE, delivery.EDGES, engine.follow = table, edges, follow


def edges() -> list[tuple[tuple[str, ...], str]]:
    """Every edge there is, with where it leads."""
    states = [
        (("verdict", state.value, condition.value), after.value)
        for state, row in verdict.TABLE.items()
        for condition, after in row.items()
    ]
    phases = [
        (("delivery", phase.value, after.value), after.value)
        for phase, row in delivery.EDGES.items()
        for after in row
    ]
    return states + phases + [(("turn", "", turn.value), turn.value) for turn in Turn]


def table(counts: Counts) -> Iterator[str]:
    """One line per edge, those never taken marked."""
    names = {one.value: one.name.lower() for one in verdict.Condition}
    for key, after in edges():
        name, origin, cause = key
        mark = "" if counts[key] else "   <- never taken"
        how = {
            "verdict": f"verdict   {origin:<10} + {names.get(cause, ''):<9} -> {after}",
            "delivery": f"delivery  {origin:<10} {'':<11} -> {after}",
            "turn": f"incident  {cause}",
        }[name]
        yield f"  {how:<52}{counts[key]:>10,}{mark}"


def never(counts: Counts) -> list[tuple[str, ...]]:
    """The edges that were not taken."""
    return [key for key, _after in edges() if not counts[key]]
