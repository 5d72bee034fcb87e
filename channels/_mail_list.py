"""The recipients file: text in, recipients and complaints out.  Pure; complaints name lines, never people.

Accepted are CSV with a header (a column `email`, `e-mail` or `address`; optional `name` and `unsubscribe`; comma,
semicolon or tab, as spreadsheets write them) and plain lists with one address per line.  Blank lines and lines that
begin with # are passed over.  A bad line costs only itself: a typing error must not silence the list.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

ADDRESS_COLUMNS = frozenset({"email", "e-mail", "mail", "address", "email address", "e-mail address"})
SHOWN = 5
"""How many bad lines a complaint names; the rest is counted."""

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE | re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE | re.ASCII)
_LINE_END = re.compile(r"\r\n|\n|\r")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person.  `address` is what the mail server is told; the name and the link may be empty."""

    address: str
    name: str = ""
    unsubscribe: str = ""

    @property
    def key(self) -> str:
        """Two spellings of one address are one recipient."""
        return self.address.casefold()


@dataclass(frozen=True, slots=True)
class MailingList:
    """`recipients` by their key, in the order of the file; `complaints` are sentences about lines."""

    recipients: dict[str, Recipient]
    complaints: tuple[str, ...] = ()


class BadAddressError(ValueError):
    """Not an address that mail can be sent to."""


def has_control(text: str) -> bool:
    """True for text that could end a header line or hide something."""
    return _CONTROL.search(text) is not None


def clean_address(text: str) -> str:
    """The address with its domain in lower case and in ASCII (IDNA).  Raises BadAddressError.

    Only the plain form of RFC 5321 is taken: quoted local parts, address literals and local parts outside ASCII
    (SMTPUTF8) are not.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise BadAddressError("not an e-mail address") from None
    labels = ascii_domain.split(".")
    dotted = len(labels) > 1 or ascii_domain == "localhost"
    if not at or not dotted or len(local) > 64 or len(ascii_domain) > 253:
        raise BadAddressError("not an e-mail address")
    if not _LOCAL.fullmatch(local) or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddressError("not an e-mail address")
    return f"{local}@{ascii_domain}"


def is_unsubscribe_link(link: str) -> bool:
    """https: or mailto:, on one line and without the characters that would end it in a header."""
    if has_control(link) or any(mark in link for mark in '<>," ') or not link.isascii():
        return False
    parts = urlsplit(link)
    return (parts.scheme == "https" and bool(parts.hostname)) or (parts.scheme == "mailto" and "@" in parts.path)


def decode(raw: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with one, else Windows-1252 (in which every address reads the same)."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def parse(text: str) -> MailingList:
    """Every recipient once, at the first place where the file has it."""
    found: dict[str, Recipient] = {}
    bad: dict[str, list[int]] = {}
    columns = _Columns()
    for position, (line, cells) in enumerate(_rows(text)):
        if position == 0 and (header := _Columns.of(cells)) is not None:
            columns = header
            continue
        try:
            recipient = columns.read(cells, line, bad)
        except BadAddressError:
            what = (
                "not an e-mail address" if position else "neither an e-mail address nor a header with `email` in it"
            )
            bad.setdefault(what, []).append(line)
        else:
            found.setdefault(recipient.key, recipient)
    return MailingList(found, tuple(f"{_lines(lines)}: {what}" for what, lines in bad.items()))


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each thing stands in a row; without a header only the address, in the first place."""

    address: int = 0
    name: int | None = None
    unsubscribe: int | None = None

    @classmethod
    def of(cls, cells: Sequence[str]) -> _Columns | None:
        """The columns that a header names, or None if the row is no header."""
        names = [cell.strip().casefold() for cell in cells]
        place = next((index for index, name in enumerate(names) if name in ADDRESS_COLUMNS), None)
        if place is None:
            return None
        return cls(place, *(names.index(word) if word in names else None for word in ("name", "unsubscribe")))

    def read(self, cells: Sequence[str], line: int, bad: dict[str, list[int]]) -> Recipient:
        """One recipient.  Raises BadAddressError; a bad name or link is left out, with a complaint."""
        address = clean_address(_cell(cells, self.address))
        name, link = _cell(cells, self.name), _cell(cells, self.unsubscribe)
        if has_control(name):
            bad.setdefault("the name has a line break or control character in it and is left out", []).append(line)
            name = ""
        if link and not is_unsubscribe_link(link):
            bad.setdefault("the unsubscribe link is neither https:// nor mailto: and is left out", []).append(line)
            link = ""
        return Recipient(address, name, link)


def _cell(cells: Sequence[str], place: int | None) -> str:
    return cells[place].strip() if place is not None and place < len(cells) else ""


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each line that says something.

    Each line is read by itself, though CSV lets a quoted cell run over several: a quote that somebody forgot to
    close would otherwise swallow every address below it.
    """
    lines = [(number, line) for number, line in enumerate(_LINE_END.split(text), 1) if _says_something(line)]
    delimiter = max(",;\t", key=lines[0][1].count) if lines else ","
    for number, line in lines:
        yield number, next(csv.reader([line], delimiter=delimiter)) if len(line) < 10_000 else [line]


def _says_something(line: str) -> bool:
    return bool(line.strip(" \t,;")) and not line.lstrip().startswith("#")


def _lines(lines: Sequence[int]) -> str:
    named = ", ".join(str(line) for line in lines[:SHOWN])
    more = f" and {len(lines) - SHOWN:,} more" if len(lines) > SHOWN else ""
    return f"line{'s' if len(lines) > 1 else ''} {named}{more}"
