"""What only a person can tell: asked in the journal, and again a day later; the public hears nothing of it."""

from __future__ import annotations

from typing import Protocol

AGAIN = 86400.0
"""Seconds before the same is asked again."""

QUESTIONS = {
    "only_here": (
        "{platform} has failed from here for more than an hour, and nobody else says so: probably our own way there "
        "(firewall, proxy, provider); what fails from here does not count until it works again"
    ),
    "torn": (
        "{platform} fails from here and the crowd complains, but both may be the trouble of a network or region; if "
        "it is down, say so: `failover declare {platform} down`"
    ),
}
"""Rule R7, and what rule R3 cannot see: the anchors answer, and something else stands in our way."""


class Says(Protocol):
    """Where it is asked: the journal."""

    def say(self, name: str, /, **fields: object) -> None: ...


class Questions:
    """(platform, question) -> when it was asked last.  After a restart everything may be asked again."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], float] = {}

    def ask(self, journal: Says, platform: str, question: str, now: float) -> None:
        """Ask, unless that was done within a day."""
        asked = self._asked.get((platform, question))
        if asked is None or not 0 <= now - asked < AGAIN:
            self._asked[platform, question] = now
            journal.say("person_needed", reason=QUESTIONS[question].format(platform=platform), platform=platform)

    def inherit(self, before: Questions) -> None:
        """After a reload."""
        self._asked = dict(before._asked)

    def step(self, seconds: float) -> None:
        """The wall clock was set."""
        self._asked = {key: at + seconds for key, at in self._asked.items()}
