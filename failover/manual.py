"""Manual pages and shell completion, made from what `--help` is made from: the parser of the command line.

Nothing is written twice: a command or an option that is added there is in all of these.  The same parser gives the
same text, without a date.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from failover import __version__

SHELLS = ("bash", "zsh", "fish")


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


# --- completion ---


def _known(part: Part, known: Mapping[str, Sequence[str]]) -> Part:
    return part if part.choices else replace(part, choices=tuple(known.get(part.shown, ())))


def completion(parser: argparse.ArgumentParser, shell: str, known: Mapping[str, Sequence[str]] | None = None) -> str:
    """The completion script for one of SHELLS; `known` are the words that can stand for a name in the help."""
    own, found = commands_of(parser)
    commands = [replace(one, parts=tuple(_known(part, known or {}) for part in one.parts)) for one in found]
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](own, commands)


def _bash(own: Command, commands: Sequence[Command]) -> str:
    names = [command.name for command in commands]
    cases = [line for command in commands for line in _bash_case(command)]
    valued = [
        f"{command.name}/{flag}"
        for command in commands
        for part in command.options
        if part.shown
        for flag in part.flags
    ]
    return "\n".join([
        "# bash completion of failover, made by `failover completion bash`",
        "_failover_platforms() {",
        "    local index config=/etc/failover/config.yaml",
        "    for ((index = 1; index < COMP_CWORD; index++)); do",
        "        case ${COMP_WORDS[index]} in -c|--config) config=${COMP_WORDS[index+1]} ;; esac",
        "    done",
        "    sed -n '/^platforms:/,/^[a-z]/s/^  \\([A-Za-z0-9_.-]*\\):.*/\\1/p' \"$config\" 2>/dev/null",
        "}",
        "_failover() {",
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= words= index place=0",
        "    for ((index = 1; index < COMP_CWORD; index++)); do",
        f"        case ${{COMP_WORDS[index]}} in {'|'.join(names)}) command=${{COMP_WORDS[index]}}; break ;; esac",
        "    done",
        "    for ((index += 1; index < COMP_CWORD; index++)); do",
        f"        case $command/${{COMP_WORDS[index]}} in {'|'.join(valued) or '//'}) ((index += 1)) ;;",
        "            */-*) ;; *) ((place += 1)) ;; esac",
        "    done",
        "    case $command/$before in",
        *cases,
        "    esac",
        "    if [[ -z $words ]]; then",
        "        case $command in",
        f"        '') words='{' '.join([*names, *_flags(own)])}' ;;",
        *(f"        {command.name}) words='{' '.join(_flags(command))}' ;;" for command in commands),
        "        esac",
        "        case $command/$place/$word in",
        "        */*/-*) ;;",
        *(
            f"        {command.name}/{place}/*) words={_bash_words(word)} ;;"
            for command in commands
            for place, word in enumerate(command.words)
            if word.choices or word.shown == PLATFORM
        ),
        "        esac",
        "    fi",
        '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")',
        "}",
        "complete -o filenames -o bashdefault -F _failover failover",
        "",
    ])  # fmt: skip


PLATFORM = "PLATFORM"


def _bash_words(word: Part) -> str:
    """What is known, or the platforms of the configuration, as far as a glance tells."""
    return f"'{' '.join(word.choices)}'" if word.choices else '"$(_failover_platforms) "'


def _bash_case(command: Command) -> Iterator[str]:
    """What follows an option that takes a value."""
    for part in command.options:
        if not part.shown:
            continue
        pattern = "|".join(f"{command.name}/{flag}" for flag in part.flags)
        if part.choices:
            yield f"    {pattern}) words='{' '.join(part.choices)}' ;;"
        elif part.files:
            yield f'    {pattern}) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;'
        else:
            yield f"    {pattern}) return ;;"


def _flags(command: Command) -> list[str]:
    return [flag for part in command.options for flag in part.flags]


def _zsh(own: Command, commands: Sequence[Command]) -> str:
    described = [f"        {_shell(f'{one.name}:{one.text}')}" for one in commands]
    cases = []
    for one in commands:
        specs = " \\\n                ".join(_zsh_spec(part) for part in one.parts)
        cases += [f"            {one.name})", f"                _arguments {specs} ;;"]
    return "\n".join([
        "#compdef failover",
        "# zsh completion of failover, made by `failover completion zsh`",
        "_failover() {",
        "    local context state line",
        "    local -a commands=(",
        *described,
        "    )",
        f"    _arguments -C {' '.join(_zsh_spec(part) for part in own.options)} '1: :->command' '*:: :->rest'",
        "    case $state in",
        "        command) _describe -t commands command commands ;;",
        "        rest) case $words[1] in",
        *cases,
        "        esac ;;",
        "    esac",
        "}",
        '_failover "$@"',
        "",
    ])  # fmt: skip


def _zsh_spec(part: Part) -> str:
    values = f"({' '.join(part.choices)})" if part.choices else "_files" if part.files else " "
    if not part.flags:
        return _shell(f":{part.shown.replace(':', ' ')}:{values}")
    text = re.sub(r"([\[\]:\\])", r"\\\1", part.text)
    value = f":{part.shown.replace(':', ' ')}:{values}" if part.shown else ""
    rest = _shell(f"[{text}]{value}")
    star = "*" if part.repeated else ""
    if len(part.flags) == 1:
        return _shell(f"{star}{part.flags[0]}[{text}]{value}")
    exclusive = star or f"({' '.join(part.flags)})"
    return f"{_shell(exclusive)}{{{','.join(part.flags)}}}{rest}"


def _fish(own: Command, commands: Sequence[Command]) -> str:
    lines = ["# fish completion of failover, made by `failover completion fish`", "complete -c failover -f"]
    lines += [_fish_line("__fish_use_subcommand", part) for part in own.options]
    for one in commands:
        lines.append(f"complete -c failover -n __fish_use_subcommand -a {one.name} -d {_fish_text(one.text)}")
        here = f"__fish_seen_subcommand_from {one.name}"
        lines += [_fish_line(here, part) for part in one.options]
        lines += [
            f"complete -c failover -n {_fish_text(here)} -a {_fish_text(' '.join(word.choices))}"
            for word in one.words
            if word.choices
        ]
    return "\n".join([*lines, ""])


def _fish_line(condition: str, part: Part) -> str:
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in part.flags)
    value = ""
    if part.choices:
        value = f" -x -a {_fish_text(' '.join(part.choices))}"
    elif part.shown:
        value = " -r -F" if part.files else " -x"
    return f"complete -c failover -n {_fish_text(condition)} {flags}{value} -d {_fish_text(part.text)}"


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
