"""What is wrong with a configuration, and where; the lines and columns count from 1.

ConfigError    the configuration cannot be used; it carries every problem that was found
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from failover.redaction import Redactor

KeyPath = tuple[str | int, ...]
"""The way to a value: keys of mappings and indexes of lists."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line and a column, both from 1; line 0 is the file as a whole."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: `file:line:column: path: what is wrong`."""

    place: Place
    path: str
    text: str
    file: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.place.line}:{self.place.column}" if self.place.line else self.file
        return ": ".join(part for part in (where, self.path, self.text) if part)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` are all of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


_WORD = re.compile(r"[\w-]+")


def render(path: KeyPath) -> str:
    """`("routes", 0, "primary")` as people write it: `routes[0].primary`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            word = step if _WORD.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{word}" if text else word
    return text


ALIKE = 0.7
"""How alike a word must be to one that is known (difflib's ratio) to be taken for a slip of it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or what there is, or nothing."""
    known = list(known)
    close = difflib.get_close_matches(name, known, 1, ALIKE)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; there are {', '.join(known)}" if 0 < len(known) <= 25 else ""


@dataclass
class Reading:
    """One reading of a configuration: where it is from, and what was found so far."""

    file: str
    base: Path
    env: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    example: bool = False  # nobody real is asked: files and secrets that it names need not be there

    @property
    def output(self) -> Path:
        """Where relative folders that are written to begin: a service's state directory, else beside the file."""
        state = self.env.get("STATE_DIRECTORY", "").partition(":")[0]
        return Path(state) if state else self.base

    @property
    def serves(self) -> bool:
        """Does a service manager give a directory for what is written?"""
        return bool(self.env.get("STATE_DIRECTORY"))

    @property
    def credentials(self) -> Path | None:
        """The service manager's credentials directory."""
        folder = self.env.get("CREDENTIALS_DIRECTORY", "")
        return Path(folder) if folder else None

    def wrong(self, place: Place, path: KeyPath, text: str) -> None:
        self.problems.append(Problem(place, render(path), text, self.file))

    def note(self, path: KeyPath, text: str) -> None:
        self.notices.append(f"{render(path)}: {text}" if path else text)

    def finish(self) -> None:
        """Raise ConfigError if anything was wrong; no secret, no address is in what it says."""
        if self.problems:
            redact = Redactor(self.secrets)
            raise ConfigError(
                Problem(problem.place, problem.path, redact(problem.text), problem.file) for problem in self.problems
            )
