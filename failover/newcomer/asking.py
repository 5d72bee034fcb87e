"""One question at a time, until the answer can be used; what a flag has said is not asked.

Where nobody can be asked, whatever is missing is an error that names the flag.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from failover.config.problems import did_you_mean
from failover.newcomer.placing import RefusedError


class Talk(Protocol):
    """The person at the terminal."""

    def tell(self, text: str) -> None: ...

    def ask(self, question: str) -> str: ...

    def ask_secret(self, question: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What was said on the command line; None, or nothing, where it was not.

    `options` and `secrets` are by `channel.option`; the latter name files, "-" is the standard input.
    """

    organisation: str | None = None
    timezone: str | None = None
    website: str | None = None
    platforms: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """`talk` is None where nobody can be asked."""

    talk: Talk | None

    def tell(self, *lines: str) -> None:
        for line in lines:
            if self.talk is not None:
                self.talk.tell(line)

    def one(
        self,
        question: str,
        flag: str,
        said: str | None,
        usual: str | None = None,
        check: Callable[[str], object] = lambda text: text,
    ) -> str:
        """What was said, else what is answered, else the usual.  `check` raises ValueError.  Raises RefusedError."""
        if said is not None:
            return _checked(said, check, flag)
        if self.talk is None:
            if usual is None:
                raise RefusedError(f"{flag} is missing: {question}")
            return _checked(usual, check, flag)
        while True:
            answer = self.talk.ask(f"{question}{f' [{usual}]' if usual else ''}: ").strip() or usual
            if answer is None:
                self.tell("  This one is needed.")
                continue
            try:
                return _checked(answer, check, "")
            except RefusedError as error:
                self.tell(f"  {error}")

    def several(
        self,
        question: str,
        flag: str,
        said: Sequence[str],
        usual: Sequence[str],
        known: Collection[str],
        of: Callable[[str], str] = lambda word: word,
    ) -> tuple[str, ...]:
        """Names out of a list, with commas or spaces between them; `of` is the part of a word that must be known."""

        def check(text: str) -> None:
            for word in words(text):
                if of(word) not in known:
                    raise ValueError(f"there is no '{of(word)}'{did_you_mean(of(word), known)}")

        given = " ".join(said) or None
        return tuple(dict.fromkeys(words(self.one(question, flag, given, ", ".join(usual), check))))

    def insist(self, asked: Callable[[str], str], question: str, *, required: bool) -> str:
        """The answer; once more where there must be one."""
        while True:
            answer = asked(question).strip()
            if answer or not required:
                return answer
            self.tell("  This one is needed.")


def words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _checked(text: str, check: Callable[[str], object], flag: str) -> str:
    try:
        check(text)
    except ValueError as error:
        raise RefusedError(f"{flag}: {error}" if flag else str(error)) from None
    if not text.isprintable():
        raise RefusedError(f"{flag or 'this'}: a control character is hidden in it")
    return text
