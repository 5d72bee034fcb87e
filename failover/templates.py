"""The bounded part of Jinja2 that messages are written in.

Pure.  There are variables, `{% if %}`, comparisons and a few filters; no loops, calls, assignments or attributes.  So
a template cannot run away, and what was rendered when the configuration was loaded renders again at four in the
morning.  An unknown variable is an error, never an empty space.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import jinja2
from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

LETTERS_AT_MOST = 10_000
"""Characters of one template."""

DEPTH_AT_MOST = 25
"""Levels of nesting in one template; Jinja2 would meet a limit of Python's at about a hundred."""


_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


class WordingError(ValueError):
    """A template that cannot be used; `line` counts from 1 within the template."""

    def __init__(self, reason: str, line: int = 1) -> None:
        self.line = line
        super().__init__(reason)


def faults(text: str, known: Collection[str]) -> list[WordingError]:
    """Everything that can be seen to be wrong with a template without values for its variables (`known`)."""
    try:
        parts = list(_walk(_parsed(text)))
    except WordingError as error:
        return [error]
    return [*_forbidden(parts)[:1], *_unknown(parts, known)]


def rendered(text: str, values: Mapping[str, object]) -> str:
    """The template with its variables filled in.  Raises WordingError for whatever keeps it from being so."""
    try:
        filled = _compiled(text, tuple(values)).render(values)
    except (TypeError, jinja2.TemplateError) as error:
        raise WordingError(f"cannot be worded: {error}") from None
    except (SyntaxError, RecursionError, MemoryError):  # Python's compiler, on hundreds of branches
        raise WordingError("too complicated to be worded") from None
    if _UNPRINTABLE.search(filled):  # Jinja2 reads escapes such as "\\x00" in its own strings
        raise WordingError("a control character comes out in the text")
    return filled


def _one_value(value: object) -> object:
    """What `{{ … }}` may show: a list has no form of its own."""
    if isinstance(value, tuple | list):
        raise TypeError("a list cannot be shown; write platform_names|join(', ')")
    return value


def _join(names: object, between: str = ", ") -> str:
    if not isinstance(names, tuple):
        raise TypeError("join needs platform_names or elsewhere_names")
    return between.join(names)


_FILTERS = ("capitalize", "default", "length", "lower", "title", "trim", "upper")

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter, nodes.Concat, nodes.Tuple, nodes.List,
)  # fmt: skip

_REFUSED: Mapping[type[nodes.Node], str] = MappingProxyType(
    {
        nodes.For: "loops ({% for %}) cannot be used in messages; platform_names|join(', ') writes a list",
        nodes.Assign: "{% set %} cannot be used in messages",
        nodes.Call: "calls cannot be used in messages; write {{ platforms|upper }}, not {{ platforms.upper() }}",
        nodes.Getattr: "a variable has no parts; write {{ organisation }}, not {{ organisation.name }}",
        nodes.Getitem: "a variable has no parts",
        nodes.BinExpr: "arithmetic cannot be used in messages",
        nodes.UnaryExpr: "arithmetic cannot be used in messages",
        nodes.Test: "`is` cannot be used in messages; ask {% if website %} or {% if platform_count == 1 %}",
    }
)


@lru_cache(maxsize=1)
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # plain text; each channel escapes for its own format
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_one_value,
    )
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS} | {"join": _join}
    environment.tests = {}
    return environment


def _parsed(text: str) -> nodes.Template:
    if len(text) > LETTERS_AT_MOST:
        raise WordingError(f"longer than {LETTERS_AT_MOST} characters")
    try:
        return _environment().parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise WordingError(f"not a readable template: {error.message}", error.lineno) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; thousands of brackets
        raise WordingError("not a readable template") from None


def _walk(node: nodes.Node, depth: int = 0) -> Iterator[nodes.Node]:
    if depth > DEPTH_AT_MOST:
        raise WordingError(f"nested more than {DEPTH_AT_MOST} levels deep", node.lineno)
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child, depth + 1)


def _forbidden(parts: Iterable[nodes.Node]) -> list[WordingError]:
    """What is outside the bounded part of the language."""
    found = []
    for node in parts:
        if isinstance(node, nodes.Filter) and node.name not in (*_FILTERS, "join"):
            known = ", ".join((*_FILTERS, "join"))
            found.append(WordingError(f"unknown filter '{node.name}'; there are {known}", node.lineno))
        elif not isinstance(node, _ALLOWED):
            reasons = (reason for kind, reason in _REFUSED.items() if isinstance(node, kind))
            reason = next(reasons, f"{type(node).__name__} cannot be used in messages")
            found.append(WordingError(reason, node.lineno))
    return found


def _unknown(parts: Sequence[nodes.Node], known: Collection[str]) -> list[WordingError]:
    """Variables that nobody fills, each once."""
    found: dict[str, WordingError] = {}
    names = [node for node in parts if isinstance(node, nodes.Name)]
    filled = {*known, *(node.name for node in names if node.ctx != "load")}
    for node in names:
        if node.name not in filled and node.name not in found:
            close = difflib.get_close_matches(node.name, known, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(known)}"
            found[node.name] = WordingError(f"unknown variable '{node.name}'; {hint}", node.lineno)
    return list(found.values())


@lru_cache(maxsize=256)
def _compiled(text: str, known: tuple[str, ...]) -> jinja2.Template:
    wrong = faults(text, known)
    if wrong:
        raise wrong[0]
    return _environment().from_string(text)
