"""An HTTP answer as a value; private to this folder.  Whatever was sent, reading it costs a ValueError at most."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any, Never

import httpx

_NOT_CHARSETS = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape", "unicode_escape", "undefined"})
"""Python codecs that are no charset of a page; punycode takes quadratic time."""

FAILING = frozenset({500, 502, 503, 504, *range(520, 527)})
"""Statuses by which a site says "we cannot".  520 to 526 are Cloudflare's own for a site that does not answer its
edge (developers.cloudflare.com, "Cloudflare 5xx errors").
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer.  `unchanged`: the server said 304, and this is what it had said before (with newer headers).

    `cut`: the body is longer than the limit and only its first part is here (only where cutting was asked for).
    `peer` is the IP address that the connection led to, where it was that of the URL's own port.
    """

    status: int
    headers: httpx.Headers
    body: bytes
    url: str
    unchanged: bool = False
    cut: bool = False
    peer: str | None = None

    @property
    def text(self) -> str:
        """The body by its declared charset; an unknown or wrong one costs characters, never an exception."""
        try:
            charset = self._charset()
            known = codecs.lookup(charset).name not in _NOT_CHARSETS
            return self.body.decode(charset if known else "utf-8", "replace").removeprefix("\ufeff")
        except (LookupError, ValueError):
            return self.body.decode("utf-8", "replace")

    def _charset(self) -> str:
        head = Message()
        head["content-type"] = self.headers.get("content-type", "")[:200]
        return head.get_content_charset("utf-8")

    def json(self) -> Any:
        """The parsed body.  Raises ValueError for anything that is not strict JSON, however deep or long it is."""
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def plain(text: object, limit: int = 120) -> str:
    """Foreign text made fit for a reason or detail: one line, printable characters only, at most `limit` of them."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")
