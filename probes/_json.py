"""What a JSON answer holds, as values of the types that were meant; private to this folder.

Whatever the JSON is, nothing here raises: a field that is missing or of another type is empty.
"""

from __future__ import annotations

from collections.abc import Mapping


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, object]]:
    """The objects in a JSON array; none where it is something else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def text(row: Mapping[str, object], name: str) -> str:
    """A text field without blanks around it; empty where it is missing or of another type."""
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def identifier(row: Mapping[str, object], name: str) -> str:
    """An id, which some vendors write as a text here and as a number there."""
    value = row.get(name)
    number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
    return str(value) if number else text(row, name)
