"""Secrets and people's addresses leave no trace in what is logged (rule S7).  Pure.

Configured secrets are known by their very letters and in the forms they take on the wire: percent-encoded, base64
(at any offset, as in `Authorization: Basic`), quoted in JSON or in Python.  E-mail addresses, telephone numbers and
what looks like a credential are hidden whether they are configured or not.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST_SECRET = 4
"""A shorter one would garble every line and is no secret."""

SHORTEST_FORM = 6
SHORTEST_LINE = 16
"""From this length on, each line of a secret of several lines (a private key) is hidden by itself."""

_ALWAYS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 " + MASK),
    (re.compile(r"\b(bot)?\d{6,}:[\w-]{30,}"), r"\g<1>" + MASK),  # core.telegram.org/bots/api, "Authorizing your bot"
    (re.compile(r"(?i)\b(access_token|client_secret|api_key|password|signature)=[^&\s\"']+"), r"\1=" + MASK),
    (re.compile(r"(://)[^/\s@]+@"), r"\1" + MASK + "@"),  # user and password in a URL
    (re.compile(r"(?<![\w.+@/-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), MASK + "@" + MASK),
    (re.compile(r"(?<![\w:.])\+\d{8,15}(?!\w)"), MASK),  # E.164
)


class Redactor:
    """Replaces every form of every secret it knows, and what must never be told anyhow, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Know these too; a secret that was replaced stays known, for it may still be quoted somewhere."""
        self._secrets = self._secrets.union(secrets)
        known = {form for secret in self._secrets for form in forms(secret)}
        longest_first = sorted(known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def __call__(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        for pattern, instead in _ALWAYS:
            text = pattern.sub(instead, text)
        return text


def forms(secret: str) -> set[str]:
    """The ways in which a secret can appear in a text; none for what is too short to be one."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    other = {*_encoded(secret), *_base64(secret.encode("utf-8", "surrogatepass"))}
    lines = {line.strip() for line in secret.splitlines() if len(line.strip()) >= SHORTEST_LINE}
    return {secret, *lines, *(form for form in other if len(form) >= SHORTEST_FORM)}


def _encoded(secret: str) -> Iterator[str]:
    for percent in (
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        quote_plus(secret, errors="replace"),
    ):
        yield percent
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), percent)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]


def _base64(secret: bytes) -> Iterator[str]:
    """What base64 makes of the secret wherever it begins in a longer text, without the letters neighbours share."""
    for offset, shared in ((0, 0), (1, 2), (2, 3)):
        text = base64.b64encode(b"\0" * offset + secret).decode().rstrip("=")
        own = text[shared:] if (offset + len(secret)) % 3 == 0 else text[shared:-1]
        yield own
        yield own.replace("+", "-").replace("/", "_")
