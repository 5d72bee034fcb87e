"""Lines that are too long for a terminal, on several, each further one indented.  Pure."""

from __future__ import annotations

import re

DEEPER = 4

_LEAST = 1 / 3
"""Of the width must be left where a table's last column goes on below itself; else it goes on a little deeper."""

_COLUMN = re.compile(r"\S {2,}(?=\S)")


def folded(line: str, width: int) -> list[str]:
    """The line on several of at most `width` columns, cut between words; what has no gap in it stays whole."""
    indent = _indent(line, width)
    lines, rest = [], line
    while len(rest) > width:
        margin = len(rest) - len(rest.lstrip())
        cut = rest.rfind(" ", margin + 1, width + 1)
        if cut < 0:
            cut = rest.find(" ", width)
        if cut < 0:
            break
        lines.append(rest[:cut].rstrip())
        rest = " " * indent + rest[cut:].lstrip()
    return [*lines, rest.rstrip()]


def _indent(line: str, width: int) -> int:
    """Where the last column of a table begins, or a little deeper than the line itself."""
    columns = [found.end() for found in _COLUMN.finditer(line) if found.end() <= width * (1 - _LEAST)]
    return columns[-1] if columns else len(line) - len(line.lstrip()) + DEEPER
