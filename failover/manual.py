"""Manual pages, made from what `--help` is made from: the parser of the command line.  See also `completion`.

Nothing is written twice: a command or an option that is added there is in all of these.  The same parser gives the
same text, without a date.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failover import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One option (it has `flags`) or one word that follows a command (it has none).

    `shown` is how the value is called in the help, "" for a switch; `files` says that it is the name of a file.
    """

    flags: tuple[str, ...]
    shown: str
    text: str
    choices: tuple[str, ...] = ()
    files: bool = False
    optional: bool = True
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command as the help knows it; the program itself is one without a name."""

    name: str
    text: str
    parts: tuple[Part, ...]

    @property
    def options(self) -> list[Part]:
        return [part for part in self.parts if part.flags]

    @property
    def words(self) -> list[Part]:
        return [part for part in self.parts if not part.flags]


def commands_of(parser: argparse.ArgumentParser) -> tuple[Command, list[Command]]:
    """The program's own options, and every command in the order of the help."""
    nested = [one for one in _actions(parser) if isinstance(one, argparse._SubParsersAction)]  # noqa: SLF001
    parsers = nested[0].choices if nested else {}
    own = Command(name="", text=parser.description or "", parts=_parts(parser))
    return own, [Command(name=name, text=one.description or "", parts=_parts(one)) for name, one in parsers.items()]


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001  argparse has no other way to be asked what it knows


def _parts(parser: argparse.ArgumentParser) -> tuple[Part, ...]:
    return tuple(
        _part(one)
        for one in _actions(parser)
        if not isinstance(one, argparse._SubParsersAction) and one.help is not argparse.SUPPRESS  # noqa: SLF001
    )


def _part(action: argparse.Action) -> Part:
    takes = action.nargs != 0
    choices = tuple(map(str, action.choices or ()))
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return Part(
        flags=tuple(action.option_strings),
        shown=(" | ".join(choices) or name) if takes else "",
        text=(action.help or "") % {"default": action.default, "prog": "failover"},
        choices=choices,
        files=action.type is Path,
        optional=bool(action.option_strings and not action.required) or action.nargs == "?",
        repeated=isinstance(action, argparse._AppendAction),  # noqa: SLF001
    )


# --- manual pages (man(7)) ---


def manual(parser: argparse.ArgumentParser, codes: str) -> str:
    """failover(1).  `codes` says what the exit codes mean."""
    own, commands = commands_of(parser)
    lines = [
        *_head("failover", 1, own.text),
        ".SH SYNOPSIS",
        *(_synopsis(command) for command in commands),
        ".SH DESCRIPTION",
        *_prose(own.text),
        *_prose(parser.epilog or ""),
        ".SH COMMANDS",
    ]
    for command in commands:
        lines += [f".SS {_quoted(command.name)}", *_prose(command.text), *_items(command.parts)]
    lines += [".SH OPTIONS", *_items(own.parts), ".SH EXIT STATUS", *_prose(codes), ".SH FILES"]
    for path, text in FILES.items():
        lines += [".TP", f".I {_plain(path)}", *_prose(text, first=True)]
    return "\n".join([*lines, ".SH SEE ALSO", r".BR failover\-config (5),", r".BR journalctl (1)", ""])


FILES = {
    "/etc/failover/config.yaml": "The configuration; see failover-config(5).",
    "/etc/failover/secrets": "Tokens and passwords, one per file, for root only.",
    "/etc/failover/alert.env": "Who is told when the daemon itself has given up.",
    "/var/lib/failover/failover.db": "What was seen, decided and said.",
}


def configuration_manual(schema: Mapping[str, Any]) -> str:
    """failover-config(5), out of the JSON Schema of the configuration."""
    lines = [
        *_head("failover-config", 5, "the configuration of failover"),
        ".SH DESCRIPTION",
        *_prose(str(schema["description"])),
    ]
    for name, section in schema["properties"].items():
        if name.startswith("$"):
            continue
        lines += [f".SH {_quoted(name.upper())}", *_prose(str(section.get("description", "")))]
        lines += _keys(_entry(section, schema))
    for folder, definitions in _kinds(schema):
        house = set.intersection(*(set(one["properties"]) for one in definitions.values()))
        lines += [f".SH {_quoted(f'KINDS OF {folder.upper()}')}", *_prose("Every one of them knows these keys:")]
        lines += _keys(next(iter(definitions.values())), only=house)
        for kind, definition in definitions.items():
            lines += [f".SS {_quoted(kind)}", *_prose(str(definition.get("description", "")))]
            lines += _keys(definition, only={*definition["properties"]} - house)
    return "\n".join([*lines, ".SH SEE ALSO", ".BR failover (1)", ""])


def _entry(section: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of the section's own keys, or of each of the things in it."""
    if "properties" in section and not isinstance(section.get("additionalProperties"), Mapping):
        return section
    inner = section.get("additionalProperties") or section.get("items") or {}
    return schema["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner


def _kinds(schema: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in ("probes", "channels"):
        yield (
            folder,
            {name.partition(".")[2]: one for name, one in schema["$defs"].items() if name.startswith(f"{folder}.")},
        )


def _keys(thing: Mapping[str, Any], only: Collection[str] | None = None) -> Iterator[str]:
    needed = thing.get("required", ())
    for key, one in thing.get("properties", {}).items():
        if "const" in one or (only is not None and key not in only):
            continue
        default = f" (default {_yaml(one['default'])})" if "default" in one else ""
        yield from (".TP", f".B {_plain(key)}")
        must = "Required." if key in needed else ""
        said = " ".join(filter(None, (str(one.get("description", "")), must)))
        yield from _prose(f"{_in_words(one)}{default}. {said}".strip(), first=True)


_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping"}


def _in_words(one: Mapping[str, Any]) -> str:
    """A schema as people who write YAML think of it; that it may be left empty goes without saying."""
    if "enum" in one:
        return " | ".join(_yaml(value) for value in one["enum"] if value is not None)
    if "anyOf" in one:
        return " or ".join(
            dict.fromkeys(
                _in_words(part) for part in one["anyOf"] if part != {"type": "null"} and "const" not in part
            )
        )
    if "title" in one:
        return str(one["title"])
    if "$ref" in one:
        return str(one["$ref"].rpartition("/")[2])
    if one.get("type") == "array":
        return f"list of {_in_words(one.get('items', {}))}"
    types = one.get("type", "anything")
    types = [types] if isinstance(types, str) else [kind for kind in types if kind != "null"]
    return " or ".join(_WORDS.get(kind, kind) for kind in types)


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_yaml, value))}]" if isinstance(value, list) else str(value)


def _head(name: str, section: int, text: str) -> list[str]:
    title = f'.TH "{name.upper()}" {section} "" "failover {__version__}" "failover"'
    short = text[:1].lower() + text[1:].partition(". ")[0].rstrip(".")
    return [_plain_hyphens(title), ".SH NAME", f"{_plain(name)} \\- {_plain(short)}"]


def _synopsis(command: Command) -> str:
    """One line: the words that must follow, and whether there are options."""
    words = "".join(f" [{word.shown}]" if word.optional else f" {word.shown}" for word in command.words)
    options = " [OPTIONS]" if any(part.flags != ("-h", "--help") for part in command.options) else ""
    return f'.B failover {_plain(command.name)}\n.RI "{_plain(options + words).strip()}"\n.br'


def _items(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if part.flags == ("-h", "--help"):
            continue
        flags = ", ".join(rf"\fB{_plain(flag)}\fR" for flag in part.flags)
        value = rf"\fI{_plain(part.shown)}\fR" if part.shown else ""
        yield from (".TP", " ".join(filter(None, (flags, value))))
        yield from _prose(
            part.text + (" (may be given again)" if part.repeated and "given again" not in part.text else ""),
            first=True,
        )


def _prose(text: str, *, first: bool = False) -> Iterator[str]:
    """A paragraph; a macro at the beginning of a line would swallow it."""
    if not text:
        if first:
            yield r"\&"
        return
    if not first:
        yield ".PP"
    for line in textwrap.wrap(" ".join(text.split()), 100, break_on_hyphens=False, break_long_words=False):
        yield _plain(line)


def _plain(text: str) -> str:
    escaped = text.replace("\\", r"\e")
    return re.sub(r"^([.'])", r"\\&\1", _plain_hyphens(escaped))


def _plain_hyphens(text: str) -> str:
    """A hyphen that people copy into a shell stays what it is."""
    return text.replace("-", r"\-")


def _quoted(text: str) -> str:
    return f'"{_plain(text)}"'
