"""Pictures of posts: what they are, and our own copies of them, which outlive the file that was handed in.

A copy is named by its content, so the same picture handed in twice is kept once, and a copy that was made for a post
that then did not come about is harmless; `sweep` removes it later.  Blocking: call from a thread.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

LARGEST = 10_000_000
"""Bytes; what every service that takes pictures at all takes."""

_SIGNS = ((b"\x89PNG\r\n\x1a\n", "image/png", "png"), (b"\xff\xd8\xff", "image/jpeg", "jpg"))
"""How a file begins, its media type and the ending of its name: the two sorts that every service takes."""


class PictureError(Exception):
    """Not a picture that can be published; the text says why."""


def media_type(content: bytes) -> str:
    """By the first bytes, whatever the file is called.  Raises PictureError."""
    return _sort(content)[0]


def keep(content: bytes, folder: Path) -> Path:
    """A durable copy.  Raises PictureError and OSError."""
    _media, ending = _sort(content)
    path = folder / f"{hashlib.sha256(content).hexdigest()}.{ending}"
    if path.exists():
        os.utime(path)  # not to be swept away before its post is written down
        return path
    folder.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f".{path.name}.tmp")
    with hidden.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    hidden.rename(path)
    _sync(folder)
    return path


def sweep(folder: Path, wanted: Collection[str], before: float) -> int:
    """Remove what no post has (any more) and what is older than this time; returns how many."""
    if not folder.is_dir():
        return 0
    gone = [one for one in folder.iterdir() if one.name not in wanted and one.stat().st_mtime < before]
    for one in gone:
        one.unlink(missing_ok=True)
    return len(gone)


def _sort(content: bytes) -> tuple[str, str]:
    if len(content) > LARGEST:
        raise PictureError(f"the picture has {len(content):,} bytes; {LARGEST:,} are the most")
    for sign, media, ending in _SIGNS:
        if content.startswith(sign):
            return media, ending
    raise PictureError("this is no picture that can be published: expected PNG or JPEG")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
