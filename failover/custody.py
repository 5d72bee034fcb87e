"""The folders of the spool and the files in them.  Blocking: call from a thread.

A file is taken before it is read: it is moved into the folder `taking`, under a ticket of its own that no other file
ever gets.  The ticket is what a post claims, so neither the name nor the content nor another file under the same name
can make two posts of one file, or one post of two.  What lies in `taking` is gone through at every scan; it leaves by
its claim to `accepted`, or with a reason to `failed`, the post itself always after its picture.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import pwd
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

TAKING, ACCEPTED, SENT, FAILED = "taking", "accepted", "sent", "failed"

SETTLED = 5.0
"""Seconds for which nobody has written to a file that is whole."""

LONGEST = 1_000_000
"""Bytes of a post."""

LONGEST_NAME = 120
"""Bytes; a ticket and the ending of a reason must find room beside them on every file system."""

MOST_ASKED = 200
"""So many files at most are asked whether they too want a picture."""

NO_SUCH_FILE = (errno.ENOENT, errno.ENAMETOOLONG)
"""No file has this name, or can have it: waiting does not help."""

_TAKEN = re.compile(r"([0-9a-f]{16})-(.+)", re.DOTALL)


class UnfitFileError(Exception):
    """No post; the text says why."""


class StillWrittenError(Exception):
    """Somebody may be at it; it is looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A file that was taken; `name` is what it was called, as far as that can be shown."""

    id: str
    path: Path
    name: str


Sign = tuple[int, ...]
"""What changes when somebody writes to a file, or puts another one in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file as it was read; `changed` (seconds, UTC) is when it was last written, `owner` who put it there."""

    path: Path
    data: bytes
    sign: Sign
    changed: float
    owner: str = ""

    @property
    def is_unchanged(self) -> bool:
        """Nobody has written to it since."""
        try:
            return _sign(self.path.lstat()) == self.sign
        except FileNotFoundError:
            return False


def is_post(name: str) -> bool:
    """By what it is called."""
    return name.lower().endswith(".md") and not name.startswith(".")


class Custody:
    """The folders of one spool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ahead: dict[Path, tuple[Sign, float]] = {}

    # -- taking ------------------------------------------------------------------------------------------------

    def take(self, now: float, most: int) -> list[str]:
        """Take what has settled, the oldest first; returns what could not be taken and why.  Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / TAKING).mkdir(mode=0o700, exist_ok=True)
        for name in (ACCEPTED, SENT, FAILED):
            (self._folder / name).mkdir(exist_ok=True)
        stuck: list[str] = []
        taken = 0
        for name in self._settled(now):
            if taken == most:
                break
            try:
                (self._folder / name).rename(self._place(secrets.token_hex(8), name))
                taken += 1
            except FileNotFoundError:  # it has just gone
                continue
            except OSError as error:
                stuck.append(f"{safe_name(name)} cannot be taken: {error.strerror}")
        if taken:
            self._sync(TAKING)
        return stuck

    def _place(self, ticket: str, name: str) -> Path:
        return self._folder / TAKING / f"{ticket}-{safe_name(name)}"

    def _settled(self, now: float) -> list[str]:
        found = []
        for name in filter(is_post, _names(self._folder)):
            try:
                status = os.lstat(self._folder / name)
            except FileNotFoundError:  # it has just gone
                continue
            found.append((status.st_mtime, name, self._has_settled(self._folder / name, status, now)))
        self._ahead = {path: seen for path, seen in self._ahead.items() if os.path.lexists(path)}
        return [name for _changed, name, settled in sorted(found) if settled]

    def _has_settled(self, path: Path, status: os.stat_result, now: float) -> bool:
        """By its time; where that lies ahead (another clock, or ours was set back), by what we saw ourselves."""
        if status.st_mtime <= now:
            return status.st_mtime <= now - SETTLED
        sign, since = self._ahead.get(path, ((), 0.0))
        if sign != _sign(status) or since > now:
            self._ahead[path] = (_sign(status), now)
            return False
        return since <= now - SETTLED

    # -- what was taken ----------------------------------------------------------------------------------------

    def tickets(self) -> list[Ticket]:
        """The posts that were taken and are not filed, the oldest first.  Raises OSError."""
        found: dict[str, list[str]] = {}
        for name in _names(self._folder / TAKING):
            if taken := _TAKEN.fullmatch(name):
                found.setdefault(taken[1], []).append(taken[2])
        posts = []
        for ticket, names in found.items():
            path = self._folder / TAKING / f"{ticket}-{min(names, key=lambda name: not is_post(name))}"
            if is_post(path.name):
                posts.append(Ticket(id=ticket, path=path, name=path.name.removeprefix(f"{ticket}-")))
            else:
                with contextlib.suppress(OSError):  # it is tried again, and keeps no post waiting
                    self._leave(path, names)
        return sorted(posts, key=lambda one: (_changed(one.path), one.name))

    def _leave(self, path: Path, names: list[str]) -> None:
        """We died between a post that failed and its picture."""
        ticket = path.name.partition("-")[0]
        for name in names:
            _move(self._folder / TAKING / f"{ticket}-{name}", _free(self._folder / FAILED, name))

    def read(self, ticket: Ticket, now: float) -> Content:
        """The post.  Raises UnfitFileError, StillWrittenError and OSError."""
        return self._read(ticket.path, LONGEST, now)

    def picture(self, ticket: Ticket, name: str, now: float, most: int) -> Content:
        """The picture that lies beside it, which from now on goes with it.  Raises the same.

        Only what lies in the spool folder itself: nobody publishes another file of this machine by its name.
        """
        if "/" in name or name.startswith(".") or is_post(name) or not name.isprintable():
            raise UnfitFileError("image: expected the name of a file that lies beside this one")
        own = self._place(ticket.id, name)
        try:
            if not os.path.lexists(own):
                own = self._brought(ticket, name, own, now)
            return self._read(own, most, now)
        except UnfitFileError as error:
            raise UnfitFileError(f"image: {name}: {error}") from None
        except OSError as error:
            if error.errno not in NO_SUCH_FILE:
                raise
            raise UnfitFileError(f"image: {safe_name(name)} cannot be read ({error.strerror})") from None

    def _brought(self, ticket: Ticket, name: str, own: Path, now: float) -> Path:
        """Where it lies; it stays where another post wants it too, or where it cannot be moved."""
        path = self._folder / name
        status = path.lstat()
        if not self._has_settled(path, status, now):
            raise StillWrittenError
        if not stat.S_ISREG(status.st_mode) or self._is_wanted(name.encode(), ticket):
            return path
        try:
            path.rename(own)
        except PermissionError:
            return path
        self._sync(TAKING)
        return own

    def _is_wanted(self, name: bytes, ticket: Ticket) -> bool:
        """By another post that has not been read yet; where there are too many to be asked, it may be."""
        others = [path for path in self._folder.iterdir() if is_post(path.name)]
        others += [path for path in (self._folder / TAKING).iterdir() if is_post(path.name) and path != ticket.path]
        return len(others) > MOST_ASKED or any(name in _glance(path) for path in others)

    def _read(self, path: Path, most: int, now: float) -> Content:
        if kind := _other_kind(path.lstat().st_mode):
            raise UnfitFileError(f"it is {kind}; put the file itself there")
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except PermissionError as error:
            raise UnfitFileError(f"it cannot be read ({error.strerror})") from None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not self._has_settled(path, status, now):
                raise StillWrittenError
            data = file.read(most + 1)
            if _sign(os.fstat(handle)) != _sign(status):
                raise StillWrittenError
        owner = _user(status.st_uid)
        return Content(path=path, data=data, sign=_sign(status), changed=status.st_mtime, owner=owner)

    # -- filing ------------------------------------------------------------------------------------------------

    def accept(self, ticket: Ticket, post: str) -> None:
        """It became this post, and waits.  Raises OSError."""
        for path in self._taken(ticket.id):
            name = path.name.removeprefix(f"{ticket.id}-")
            _move(path, _free(self._folder / ACCEPTED, f"{post}-{name}"))

    def fail(self, ticket: Ticket, reason: str) -> None:
        """It is no post; the reason first: a file without one would leave everybody guessing.  Raises OSError."""
        failed = self._folder / FAILED
        *others, path = self._taken(ticket.id) or [ticket.path]
        places = {other: _free(failed, other.name.removeprefix(f"{ticket.id}-")) for other in others}
        called = [place.name for other, place in places.items() if not other.name.endswith(f"-{place.name}")]
        reason = "\n".join([reason, *(f"Its picture lies beside it as {name}." for name in called)])
        place = _free(failed, ticket.name, reason)
        _explain(place, reason)
        _move(path, place)
        for other, there in places.items():
            _move(other, there)

    def put_away(self, ticket: str, post: str, reason: str) -> None:
        """Its post is over: to `sent`, or with the reason why it is not public to `failed`.  Raises OSError."""
        there = [(path, path.name.removeprefix(f"{ticket}-")) for path in self._taken(ticket)]
        named = [(path, name if name.startswith(f"{post}-") else f"{post}-{name}") for path, name in there]
        for path, name in [*named, *((one, one.name) for one in _beginning(self._folder / ACCEPTED, f"{post}-"))]:
            explained = reason if is_post(name) else ""
            place = _free(self._folder / (FAILED if reason else SENT), name, explained)
            if explained:
                _explain(place, explained)
            _move(path, place)
        for folder in (SENT, FAILED):
            self._sync(folder)

    def _taken(self, ticket: str) -> list[Path]:
        """What goes under this ticket; the post itself last."""
        return _beginning(self._folder / TAKING, f"{ticket}-")

    def _sync(self, name: str) -> None:
        """What was moved stays moved, also when the power fails."""
        for folder in (self._folder / name, self._folder):
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def safe_name(name: str) -> str:
    """The name in letters that can be shown and stored, and not too long for a mark before it."""
    shown = os.fsencode(name).decode("utf-8", "replace")
    shown = "".join(letter if letter.isprintable() else "_" for letter in shown)
    stem, dot, ending = shown.rpartition(".")
    if not stem or len(ending.encode()) > 10:
        stem, dot, ending = shown, "", ""
    room = LONGEST_NAME - len(f"{dot}{ending}".encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + ending


def _free(folder: Path, name: str, reason: str = "") -> Path:
    """A name that nothing has there; one whose reason we wrote before we died is ours."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    for number in itertools.count(1):
        path = folder / (name if number == 1 else f"{stem}-{number}{dot}{ending}")
        if not os.path.lexists(path) and _is_free(_reason_of(path), reason):
            return path
    raise AssertionError


def _is_free(path: Path, reason: str) -> bool:
    return not os.path.lexists(path) or (bool(reason) and path.is_file() and _glance(path) == _encoded(reason))


def _reason_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.reason")


def _encoded(reason: str) -> bytes:
    return f"{reason}\n".encode("utf-8", "backslashreplace")


def _explain(path: Path, reason: str) -> None:
    _reason_of(path).write_bytes(_encoded(reason))


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _beginning(folder: Path, prefix: str) -> list[Path]:
    """What begins like this; posts last."""
    names = [name for name in _names(folder) if name.startswith(prefix)]
    return [folder / name for name in sorted(names, key=lambda name: (is_post(name), name))]


def _move(path: Path, place: Path) -> None:
    """What is gone has been moved by a person."""
    try:
        path.rename(place)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise


def _sign(status: os.stat_result) -> Sign:
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # whoever reads it says why
        return 0.0


def _glance(path: Path) -> bytes:
    """What it says; nothing where that cannot be known."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(LONGEST) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    except OSError:
        return b""


def _other_kind(mode: int) -> str:
    """What it is, if it is no ordinary file."""
    if stat.S_ISREG(mode):
        return ""
    return "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "no ordinary file"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
