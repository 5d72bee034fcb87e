"""A person's address and its spellings: how it is found again, and what is put in its place.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_POST = re.compile(r"P[1-9][0-9]*-")
_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")


def spellings(text: str) -> tuple[str, ...]:
    """The forms in which an address may have been written down; in small letters it is the ledger's.

    The domain also in ASCII (IDNA), as mail needs it.  Raises ValueError for what is no address.
    """
    address = text.strip().removeprefix("<").removesuffix(">")
    if not _ADDRESS.fullmatch(address):
        raise ValueError("that is no e-mail address")
    local, _, domain = address.rpartition("@")
    forms = [address.casefold(), address]
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
        forms += [f"{local}@{ascii_domain}".casefold(), f"{local}@{ascii_domain}"]
    except UnicodeError:
        pass  # no mail can have been sent there, and what was written down is what was typed
    return tuple(dict.fromkeys(forms))


def in_json(addresses: Sequence[str]) -> tuple[str, ...]:
    """These spellings as they stand in texts, and as they stand in JSON, where an ö is six letters."""
    return tuple(dict.fromkeys([*addresses, *(json.dumps(one)[1:-1] for one in addresses)]))


def blanked_name(name: str, addresses: Sequence[str], mark: str) -> str:
    """The name of a file with the mark in it; there `.md` is no part of an address, nor is the `P12-` of a post."""
    head = _POST.match(name)
    rest = name[head.end() :] if head else name
    stem, dot, ending = rest.rpartition(".")
    return (head[0] if head else "") + (blanked(stem, addresses, mark) if dot else "") + dot + ending


def blanked(text: str, addresses: Sequence[str], mark: str) -> str:
    """The text with the mark for each of the addresses; a longer address that contains one is another's."""
    return _pattern(addresses).sub(mark, text)


def stands_in(text: str, addresses: Sequence[str]) -> bool:
    """Is one of the addresses in the text, as an address of its own?"""
    return _pattern(addresses).search(text) is not None


def _pattern(addresses: Sequence[str]) -> re.Pattern[str]:
    either = "|".join(map(re.escape, sorted(addresses, key=len, reverse=True)))
    begins = r"(?:(?<![\w.!#$%&*+/=?^`{|}~-])|(?<=\\[nrt]))"  # also behind the end of a line as JSON writes it
    return re.compile(rf"{begins}(?:{either})(?![\w-]|\.\w)", re.IGNORECASE)
