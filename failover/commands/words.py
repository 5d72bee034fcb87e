"""What all commands share: exit codes, the sentences for what went wrong, how times are taken.  Imports little."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any, Protocol

REFUSED = 1
MISUSED = 2
NOT_RUNNING = 3
UNCERTAIN = 4
STORE_ERROR = 75
CONFIGURATION_ERROR = 78

SEEN_IN = {"post": "posts", "posts": "posts"}
"""Where a person sees whether a command was done, though no answer came; of the others, in `status`."""

Arguments = argparse.Namespace
Command = Callable[[Arguments], int]


class Options(Protocol):
    """What takes the options and the words of a command."""

    def add_argument(self, *names: str, **how: Any) -> Any: ...


Add = Callable[..., Options]
"""Makes a command: (name, what it does, its help, parsers whose options it has too)."""

_FAR = 4e10
"""Seconds; every time of day has been before it."""


def past(text: str) -> str:
    """For argparse: the text of a time that has been.  On whose clock, who knows the time zone must say."""
    from failover.wallclock import moment

    return text if text.strip() in ("", "now") else _meant(text, lambda: moment(text, _FAR, _utc()))


def coming(text: str) -> str:
    """For argparse: the text of a time that may still be to come."""
    from failover.wallclock import later

    return text if not text.strip() else _meant(text, lambda: later(text, -_FAR, _utc()))


def identifier(text: str) -> str:
    """For argparse: `7h-blog` is 7H-blog; the name of a channel stays as it is."""
    number, dash, channel = text.strip().partition("-")
    return f"{number.upper()}{dash}{channel}"


def length(text: str) -> str:
    """For argparse: the text of a length of time, as the daemon reads it."""
    from failover.wallclock import EXPECTED_LENGTH, length_of

    if text and not length_of(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no length of time; {EXPECTED_LENGTH}")
    return text


def _utc() -> Any:
    from datetime import UTC

    return UTC


def _meant(text: str, read: Callable[[], object]) -> str:
    try:
        read()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no time; {error}") from None
    return text


def told(name: str, arguments: Arguments, act: Callable[[], int]) -> int:
    """What `act` returns; where it raised, its sentence on standard error and the exit code that belongs to it."""
    from failover.ask import MisusedError, NoConfigurationError, NotRunningError, RefusedError, UncertainError

    try:
        return act()
    except NotRunningError as error:
        not_running(error, arguments)
        return NOT_RUNNING
    except UncertainError as error:
        seen = SEEN_IN.get(name, "status")
        complain(name, f"it is not known whether this was done: {error}. See `failover {seen}`.")
        return UNCERTAIN
    except NoConfigurationError as error:
        complain(name, error)
        return CONFIGURATION_ERROR
    except MisusedError as error:
        complain(name, error)
        return MISUSED
    except RefusedError as error:
        complain(name, error)
        return REFUSED


Lines = Callable[[Any], Iterable[str]]
Data = Callable[[Any], Any] | None


def tell(
    name: str,
    arguments: Arguments,
    asked: Callable[[], Any],
    shown: tuple[Lines, Data],
    *,
    nothing: tuple[type[Exception], int],
    stopped: int = 0,
) -> int:
    """Print what the daemon, or the file that it left, knows: as lines, or as data with `--json`.

    `nothing` is raised where not even the file tells anything, and the exit code of that; `stopped` the exit code of
    what is told without a daemon.
    """

    def act() -> int:
        unknown, code = nothing
        try:
            found = asked()
        except unknown as error:
            complain(name, error)
            return code
        except ValueError as error:  # a time that is none on the clock of the organisation
            complain(name, error)
            return MISUSED
        lines, data = shown
        if arguments.json:
            as_json(data(found) if data else found)
        else:
            show(lines(found))
        return 0 if found["running"] else stopped

    return told(name, arguments, act)


def complain(name: str, error: object) -> None:
    """On standard error, on lines of its own width."""
    show([f"failover {name}: {error}"], sys.stderr)


def not_running(error: Any, arguments: Arguments) -> None:
    """Where we knocked, and what to do."""
    from failover.ask import missing

    places = ", ".join(str(path) for path in error.paths)
    show([f"failover is not running: nobody answers at {places} ({error})."], sys.stderr)
    if why := missing(arguments.config):
        show([f"{why[:1].upper()}{why[1:]}."], sys.stderr)
    print("Start it with `systemctl start failover`, or `failover run --config FILE`.", file=sys.stderr)


def show(lines: Iterable[str], to: Any = None) -> None:
    """Print lines: on a terminal folded to its width, elsewhere as they are."""
    stream = sys.stdout if to is None else to
    width = _width(stream)
    for line in lines:
        if width is None or len(line) <= width:
            print(line, file=stream)
        else:
            from failover.folding import folded

            print(*folded(line, width), sep="\n", file=stream)


def _width(stream: Any) -> int | None:
    """Columns of the terminal; None where it is none."""
    import os

    try:
        return max(40, os.get_terminal_size(stream.fileno()).columns) if stream.isatty() else None
    except (OSError, ValueError, AttributeError):
        return None


def as_json(data: Any, *, ascii_only: bool = False) -> None:
    """For programs."""
    print(json.dumps(data, indent=2, ensure_ascii=ascii_only))
