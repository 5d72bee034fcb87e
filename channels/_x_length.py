"""How long X thinks a text is: twitter-text's weighted length, by twitter-text-parser; private to this folder.

Importing this module costs some 170 ms (the parser builds a pattern of all emoji), so it is imported where a text is
measured.

twitter-text-parser 3.0.0 reads one data file through `pkg_resources`, which setuptools no longer has (since 82).
While the parser is imported, a stand-in with that one function takes its place.
"""

from __future__ import annotations

import sys
from importlib import import_module, resources
from types import ModuleType
from typing import Any

LIMIT = 280


def weighted_length(text: str) -> int:
    """Any link counts 23, also a bare domain; an emoji 2; Latin letters 1; NFC comes first."""
    return int(_parser.parse_tweet(text).weightedLength)


def _read(module: str, name: str) -> bytes:
    return resources.files(module.rpartition(".")[0]).joinpath(name).read_bytes()


def _import_parser() -> Any:
    if "pkg_resources" in sys.modules:
        return import_module("twitter_text")
    stand_in = ModuleType("pkg_resources")
    stand_in.__dict__["resource_string"] = _read
    sys.modules["pkg_resources"] = stand_in
    try:
        return import_module("twitter_text")
    finally:
        del sys.modules["pkg_resources"]


_parser = _import_parser()
