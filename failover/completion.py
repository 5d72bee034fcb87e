"""Shell completion, made from the parser of the command line as the manual pages are.

Where a platform is to be named, its names are read from the configuration when they are asked for, by a glance.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from failover.manual import Command, Part, commands_of

SHELLS = ("bash", "zsh", "fish")

PLATFORM = "PLATFORM"
"""How the help calls the name of a platform."""

_NAMES = "'/^platforms:/,/^[a-z]/s/^  \\([A-Za-z0-9_.-]*\\):.*/\\1/p'"
"""What sed is told to print of a configuration."""


def completion(parser: argparse.ArgumentParser, shell: str, known: Mapping[str, Sequence[str]] | None = None) -> str:
    """The completion script for one of SHELLS; `known` are the words that can stand for a name in the help."""
    own, found = commands_of(parser)
    commands = [replace(one, parts=tuple(_known(part, known or {}) for part in one.parts)) for one in found]
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](own, commands)


def _known(part: Part, known: Mapping[str, Sequence[str]]) -> Part:
    return part if part.choices else replace(part, choices=tuple(known.get(part.shown, ())))


def _flags(command: Command) -> list[str]:
    return [flag for part in command.options for flag in part.flags]


# --- bash ---

_BASH_PLATFORMS = f"""\
_failover_platforms() {{
    local index config=/etc/failover/config.yaml
    for ((index = 1; index < COMP_CWORD; index++)); do
        case ${{COMP_WORDS[index]}} in -c|--config) config=${{COMP_WORDS[index+1]}} ;; esac
    done
    sed -n {_NAMES} "$config" 2>/dev/null
}}"""

_BASH_OFFER = """\
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -o bashdefault -F _failover failover
"""


def _bash(own: Command, commands: Sequence[Command]) -> str:
    return "\n".join([
        "# bash completion of failover, made by `failover completion bash`",
        _BASH_PLATFORMS,
        "_failover() {",
        *_bash_place(commands),
        "    case $command/$before in",
        *(line for command in commands for line in _bash_case(command)),
        "    esac",
        "    if [[ -z $words ]]; then",
        *_bash_offered(own, commands),
        "    fi",
        _BASH_OFFER,
    ])  # fmt: skip


def _bash_place(commands: Sequence[Command]) -> Iterator[str]:
    """Which command it is, and how many words follow it already: an option's value is none of them."""
    names = "|".join(command.name for command in commands)
    valued = "|".join(
        f"{command.name}/{flag}"
        for command in commands
        for part in command.options
        if part.shown
        for flag in part.flags
    )
    yield "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= words= index place=0"
    yield "    for ((index = 1; index < COMP_CWORD; index++)); do"
    yield f"        case ${{COMP_WORDS[index]}} in {names}) command=${{COMP_WORDS[index]}}; break ;; esac"
    yield "    done"
    yield "    for ((index += 1; index < COMP_CWORD; index++)); do"
    yield f"        case $command/${{COMP_WORDS[index]}} in {valued or '//'}) ((index += 1)) ;;"
    yield "            */-*) ;; *) ((place += 1)) ;; esac"
    yield "    done"


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


def _bash_offered(own: Command, commands: Sequence[Command]) -> Iterator[str]:
    """The command's options, or in its place the word that is known there."""
    yield "        case $command in"
    yield f"        '') words='{' '.join([*(command.name for command in commands), *_flags(own)])}' ;;"
    for command in commands:
        yield f"        {command.name}) words='{' '.join(_flags(command))}' ;;"
    yield "        esac"
    yield "        case $command/$place/$word in"
    yield "        */*/-*) ;;"
    for command in commands:
        for place, word in enumerate(command.words):
            if word.choices or word.shown == PLATFORM:
                yield f"        {command.name}/{place}/*) words={_bash_words(word)} ;;"
    yield "        esac"


def _bash_words(word: Part) -> str:
    """What is known, or the platforms of the configuration, as far as a glance tells."""
    return f"'{' '.join(word.choices)}'" if word.choices else '"$(_failover_platforms) "'


# --- zsh ---

_ZSH_PLATFORMS = f"""\
_failover_platforms() {{
    local config=/etc/failover/config.yaml index
    for ((index = 1; index < CURRENT; index++)); do
        case $words[index] in (-c|--config) config=${{(Q)words[index+1]}} ;; esac
    done
    local -a names=(${{(f)"$(sed -n {_NAMES} "$config" 2>/dev/null)"}})
    compadd -a names
}}"""


def _zsh(own: Command, commands: Sequence[Command]) -> str:
    described = [f"        {_shell(f'{one.name}:{one.text}')}" for one in commands]
    cases = []
    for one in commands:
        specs = " \\\n                ".join(_zsh_spec(part) for part in one.parts)
        cases += [f"            {one.name})", f"                _arguments {specs} ;;"]
    return "\n".join([
        "#compdef failover",
        "# zsh completion of failover, made by `failover completion zsh`",
        _ZSH_PLATFORMS,
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
    if not part.flags:
        return _shell(f":{part.shown.replace(':', ' ')}:{_zsh_values(part)}")
    text = re.sub(r"([\[\]:\\])", r"\\\1", part.text)
    value = f":{part.shown.replace(':', ' ')}:{_zsh_values(part)}" if part.shown else ""
    rest = _shell(f"[{text}]{value}")
    star = "*" if part.repeated else ""
    if len(part.flags) == 1:
        return _shell(f"{star}{part.flags[0]}[{text}]{value}")
    exclusive = star or f"({' '.join(part.flags)})"
    return f"{_shell(exclusive)}{{{','.join(part.flags)}}}{rest}"


def _zsh_values(part: Part) -> str:
    if part.choices:
        return f"({' '.join(part.choices)})"
    if part.shown == PLATFORM:
        return "_failover_platforms"
    return "_files" if part.files else " "


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- fish ---


_FISH_PLATFORMS = f"""\
function __fish_failover_platforms
    set -l config /etc/failover/config.yaml
    set -l before
    for word in (commandline -opc)
        contains -- "$before" -c --config; and set config $word
        set before $word
    end
    sed -n {_NAMES} $config 2>/dev/null
end"""


def _fish(own: Command, commands: Sequence[Command]) -> str:
    """Of a command's words all are offered at each place: fish does not count them."""
    lines = ["# fish completion of failover, made by `failover completion fish`", _FISH_PLATFORMS]
    lines += ["complete -c failover -f", *(_fish_line("__fish_use_subcommand", part) for part in own.options)]
    for one in commands:
        lines.append(f"complete -c failover -n __fish_use_subcommand -a {one.name} -d {_fish_text(one.text)}")
        here = f"__fish_seen_subcommand_from {one.name}"
        lines += [_fish_line(here, part) for part in one.options]
        lines += [f"complete -c failover -n {_fish_text(here)} -a {_fish_text(words)}" for words in _fish_words(one)]
    return "\n".join([*lines, ""])


def _fish_words(command: Command) -> Iterator[str]:
    for word in command.words:
        if word.choices:
            yield " ".join(word.choices)
        elif word.shown == PLATFORM:
            yield "(__fish_failover_platforms)"


def _fish_line(condition: str, part: Part) -> str:
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in part.flags)
    value = ""
    if part.choices:
        value = f" -x -a {_fish_text(' '.join(part.choices))}"
    elif part.shown:
        value = " -r -F" if part.files else " -x"
    return f"complete -c failover -n {_fish_text(condition)} {flags}{value} -d {_fish_text(part.text)}"


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
