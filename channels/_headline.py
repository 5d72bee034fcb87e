"""A headline for a statement that has none; private to this folder."""

from __future__ import annotations

import re

LIMIT = 78

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s|[\r\n]")


def headline(subject: str, text: str) -> str:
    """The subject; where there is none, the text's first sentence, cut at a word after some 78 characters."""
    if subject:
        return subject
    sentence = " ".join(_SENTENCE_END.split(text.strip(), maxsplit=1)[0].split())
    if len(sentence) <= LIMIT:
        return sentence
    cut = sentence[:LIMIT]
    return (cut.rpartition(" ")[0] or cut) + "…"
