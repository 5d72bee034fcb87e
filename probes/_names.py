"""Names of hosts as options; private to this folder."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.IGNORECASE)


def _public_name(value: str) -> str:
    labels = value.split(".")
    known = len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and labels[-1][0].isalpha()
    if not known or len(value) > 253:
        raise ValueError("expected a name such as www.facebook.com, without https://")
    return value


PublicName = Annotated[str, AfterValidator(_public_name)]
"""A full host name, not an address and not a URL; names in other scripts in their ASCII form (xn--)."""
