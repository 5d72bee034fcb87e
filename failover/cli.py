"""The command line.  Nothing heavy is imported before a command needs it.

Exit codes: 0 done; 1 the daemon refused, this user may not ask it, there is no such platform or incident, something
could not be done, or the audit trail is broken; 2 wrong usage, such as a time that is none; 3 the daemon is not
running; 4 it was asked and died, so that nobody knows whether it was done; 75 the database cannot be used; 78 the
configuration is not usable, or not there.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from failover import __version__
from failover.commands import acting, beginning, posting, telling
from failover.commands.words import Add, Arguments, Command, Options

DEFAULT_CONFIG = Path("/etc/failover/config.yaml")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = sys.argv[1:] if argv is None else [*argv]
    arguments = _parser_for(words).parse_args(words)
    try:
        code: int = arguments.command(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    return code


def _parser_for(words: Sequence[str]) -> argparse.ArgumentParser:
    """With the one command that is asked for, which is quicker; with all where none of them is."""
    names: set[str] = set()
    one = parser(words[0], names) if words else None
    return one if one is not None and words[0] in names else parser()


def parser(only: str = "", names: set[str] | None = None) -> argparse.ArgumentParser:
    """All commands with their help, in its order, or `only` one; their names are added to `names`."""
    top = argparse.ArgumentParser(
        prog="failover",
        description="Tells your public elsewhere when a social platform goes dark, and welcomes them back.",
        epilog="The journal tells everything that happens: journalctl -u failover -x",
        formatter_class=_Help,
    )
    top.add_argument("--version", action="version", version=f"failover {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, command: Command, text: str, *parents: argparse.ArgumentParser) -> Options:
        if names is not None:
            names.add(name)
        if only not in ("", name):
            return _Unasked()
        one = commands.add_parser(name, help=text, description=text, parents=[*parents], formatter_class=_Help)
        one.set_defaults(command=command)
        return one

    config = argparse.ArgumentParser(add_help=False, formatter_class=_Help)
    config.add_argument(
        "-c", "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="default: %(default)s"
    )
    _commands(add, config)
    return top


class _Unasked:
    """Stands for the parser of a command that is not asked for."""

    def add_argument(self, *_names: str, **_how: Any) -> None:
        return None


class _Help(argparse.HelpFormatter):
    """Takes the width as argparse does, but without importing what else `shutil` needs."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    """Of the terminal; COLUMNS counts before it, as everywhere."""
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def _commands(add: Add, config: argparse.ArgumentParser) -> None:
    beginning.running(add, config)
    beginning.writing(add, config)
    beginning.knowing(add)
    beginning.rehearsing(add, config)
    beginning.installing(add)
    _papers(add)
    telling.standing(add, config)
    posting.posting(add, config)
    telling.recording(add, config)
    acting.forgetting(add, config)
    telling.explaining(add, config)
    acting.acting(add, config)


def _papers(add: Add) -> None:
    """Made from the parser itself."""
    manual = add("manual", _manual, "Print a manual page: failover manual | man -l -")
    manual.add_argument("page", nargs="?", choices=["failover", "config"], default="failover")
    completion = add("completion", _completion, "Print what makes a shell complete the commands.")
    completion.add_argument("shell", choices=["bash", "zsh", "fish"])


def _manual(arguments: Arguments) -> int:
    from failover.manual import configuration_manual, manual

    if arguments.page == "failover":
        print(manual(parser(), (__doc__ or "").partition("Exit codes: ")[2]), end="")
        return 0
    from failover.config_schema import known, schema

    print(configuration_manual(schema(known())), end="")
    return 0


def _completion(arguments: Arguments) -> int:
    from failover import registry
    from failover.completion import completion
    from failover.replay.library import shipped

    kinds = sorted({*registry.names(registry.PROBES), *registry.names(registry.CHANNELS)})
    known = {"SCENARIO": shipped(), "KIND": kinds, "cancel": ("cancel",)}
    print(completion(parser(), arguments.shell, known), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
