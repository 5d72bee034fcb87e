"""Files that are either whole or not there, whatever happens in between; and what a disk's error means in words.

A file is written beside its place under a hidden name, made durable, and then takes its place in one step
(rename(2)); the folder is made durable last.  Blocking: call from a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from failover.model import Evidence, Fault, Refusal, Refused, Sighting, Unreachable

_FULL = {errno.ENOSPC, errno.EDQUOT}
_WORDS = {
    errno.EROFS: "the folder is on a disk that cannot be written",
    errno.EACCES: "no permission to write in the folder",
    errno.EPERM: "no permission to write in the folder",
    errno.ENOENT: "the folder is not there, and neither is the one it should be made in",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EISDIR: "a folder stands where a file should be",
    errno.EEXIST: "a file stands where a folder should be",
    errno.ENOTEMPTY: "a folder stands where a file should be",
    errno.ELOOP: "a link leads in a circle, or stands where a file should be",
    errno.ENAMETOOLONG: "the path is too long",
}
"""Errors that stay until a person does something."""


def disk_trouble(error: OSError) -> Refused | Unreachable:
    """What a failed write means, where nothing has become visible."""
    if error.errno in _WORDS:
        reason = _WORDS[error.errno]
        return Refused(reason=reason, refusal=Refusal.CONFIGURATION, sighting=_own_fault(reason))
    code = errno.errorcode.get(error.errno or 0, "unknown")
    reason = "the disk is full" if error.errno in _FULL else f"the disk reports an error ({code})"
    return Unreachable(reason=reason, retry_after=30.0, sighting=_own_fault(reason))


def make_folder(folder: Path, mode: int) -> None:
    """Make it if it is missing; its parent must be there.  Raises OSError."""
    try:
        folder.mkdir(mode)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(mode)  # whatever the umask is
        sync_folder(folder.parent)


def hidden(path: Path) -> Path:
    """Where a file waits until it takes its place."""
    return path.with_name(f".{path.name}.tmp")


def stage(path: Path, content: bytes, mode: int) -> None:
    """Write `content` durably to the hidden name.  Raises OSError, and leaves nothing behind then."""
    waiting = hidden(path)
    try:
        target = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(target, "wb") as file:
            os.fchmod(target, mode)
            file.write(content)
            file.flush()
            os.fsync(target)
    except OSError:
        discard(waiting)
        raise


def publish(path: Path) -> None:
    """The staged file takes its place.  Raises OSError."""
    hidden(path).replace(path)


@dataclass(frozen=True, slots=True)
class Disk:
    """How a file is written and takes its place."""

    stage: Callable[[Path, bytes, int], None] = stage
    publish: Callable[[Path], None] = publish


def discard(path: Path) -> None:
    """Remove a hidden rest, if it can be removed; otherwise it is harmless, and overwritten by the next attempt."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames and removals durable.  Raises OSError."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def try_to_write(folder: Path) -> None:
    """Prove that a file can be written and removed there.  Raises OSError."""
    probe = folder / "writable"
    stage(probe, b"?", 0o600)
    hidden(probe).unlink()


def _own_fault(reason: str) -> Sighting:
    return Sighting.unknown(Evidence.HERE, reason, fault=Fault.ACCOUNT)
