"""A post as a file: YAML between two lines of `---` (to, and perhaps at, until, title, image, alt), then the text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from failover.config.places import read
from failover.config.problems import Reading
from failover.config.settings import Text
from failover.config.validation import accept
from failover.custody import LONGEST, UnfitFileError
from failover.postoffice import Draft


def _some(value: object) -> object:
    """One name alone, or a list of them."""
    return [value] if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Front:
    """What stands before the text."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    to: Annotated[tuple[Text, ...], BeforeValidator(_some), Field(min_length=1)]
    at: str = ""
    until: str = ""
    title: str = ""
    image: str = ""
    alt: str = ""


def drafted(content: bytes, picture: Callable[[str], bytes]) -> Draft:
    """The post in this file.  Raises UnfitFileError, and what `picture` raises: it gets the name of the picture."""
    if len(content) > LONGEST:
        raise UnfitFileError(f"larger than {LONGEST} bytes")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UnfitFileError("not text in UTF-8") from None
    head, separator, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not separator:
        raise UnfitFileError("expected YAML between two lines of ---, with `to: CHANNEL`, and then the text")
    front = _front(head)
    return Draft(
        text=body,
        to=front.to,
        at=front.at,
        until=front.until,
        title=front.title,
        picture=picture(front.image) if front.image else None,
        alt=front.alt,
    )


def _front(text: str) -> _Front:
    root, problems = read(text, "")
    reading = Reading(file="", base=Path(), env={}, problems=problems)
    if root is not None and not isinstance(root.value, dict):
        raise UnfitFileError("expected `to: CHANNEL` and so on before the text")
    front = accept(_Front, root, (), reading) if root is not None else None
    if reading.problems or front is None:
        told = "; ".join(f"line {one.place.line + 1}: {one.path + ': ' if one.path else ''}{one.text}"
                         for one in reading.problems)  # fmt: skip
        raise UnfitFileError(told or "nothing stands before the text")
    return front
