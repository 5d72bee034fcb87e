"""Pictures of posts: what they are, and our own copies of them, which outlive the file that was handed in.

A copy is named by its content, so the same picture handed in twice is kept once, and a copy that was made for a post
that then did not come about is harmless; `sweep` removes it later.  One at a time keeps or sweeps (a lock on the
folder): what is handed in once more at that moment is there afterwards.  Blocking: call from a thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

LARGEST = 10_000_000
"""Bytes; what every service that takes pictures at all takes."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_SIGNS = ((_PNG, "image/png", "png"), (_JPEG, "image/jpeg", "jpg"))
"""How a file begins, its media type and the ending of its name: the two sorts that every service takes."""

_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""In JPEG: what is no byte of the picture itself, nor one of its restarts."""

_END = 0xD9


class PictureError(Exception):
    """Not a picture that can be published; the text says why."""


class BrokenOffError(PictureError):
    """Its end is missing: perhaps it is being written."""


def media_type(content: bytes) -> str:
    """By the first bytes, whatever the file is called.  Raises PictureError."""
    media, _ending = _sort(content)
    if not (_has_end_of_png if media == "image/png" else _has_end_of_jpeg)(content):
        raise BrokenOffError("the picture breaks off: its end is missing")
    return media


def keep(content: bytes, folder: Path) -> Path:
    """A durable copy.  Raises PictureError and OSError."""
    _media, ending = _sort(content)
    path = folder / f"{hashlib.sha256(content).hexdigest()}.{ending}"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder) as handle:
        if path.exists():
            os.utime(path)  # not to be swept away before its post is written down
            return path
        hidden = path.with_name(f".{path.name}.tmp")
        with hidden.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        hidden.rename(path)
        os.fsync(handle)
    return path


def sweep(folder: Path, wanted: Collection[str], before: float) -> int:
    """Remove what no post has (any more) and what is older than this time; returns how many.  Raises OSError."""
    if not folder.is_dir():
        return 0
    with _alone(folder):
        gone = [one for one in folder.iterdir() if one.name not in wanted and one.stat().st_mtime < before]
        for one in gone:
            one.unlink(missing_ok=True)
    return len(gone)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """The folder (a file descriptor), with nobody else at it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _sort(content: bytes) -> tuple[str, str]:
    if len(content) > LARGEST:
        raise PictureError(f"the picture has {len(content):,} bytes; {LARGEST:,} are the most")
    for sign, media, ending in _SIGNS:
        if content.startswith(sign):
            return media, ending
    raise PictureError("this is no picture that can be published: expected PNG or JPEG")


def _has_end_of_png(content: bytes) -> bool:
    """Chunks of length, name, data and checksum up to IEND (W3C, PNG Specification, section 5); more may follow."""
    at = len(_PNG)
    while at + 12 <= len(content):
        is_last = content[at + 4 : at + 8] == b"IEND"
        at += 12 + int.from_bytes(content[at : at + 4])
        if is_last:
            return at <= len(content)
    return False


def _has_end_of_jpeg(content: bytes) -> bool:
    """Segments with their lengths, scans, and other markers up to EOI (ITU-T T.81, annex B); more may follow.

    The ends of small pictures within a segment are no ends of this one.
    """
    at = 2
    while marker := _MARKER.search(content, at):
        at, kind = marker.end(), content[marker.end() - 1]
        if kind == _END:
            return True
        if kind != 0x01:  # the one other marker without a length
            at += int.from_bytes(content[at : at + 2])
    return False
