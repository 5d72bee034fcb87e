"""The spool folder: any program hands a post in by putting a file there.

A file is `name.md`: YAML between two lines of `---` (to, and perhaps at, until, title, image, alt), then the text.
It is left alone while it may still be written (younger than a second, or called `.…`, `…~`, `….tmp`).  What is taken
is written down together with a claim on this very file (its name, its time and its content), so that it is published
once, whenever the process dies.  Then it is moved: to `accepted` while it waits, at its end to `sent`; what is no
post, or was not published everywhere, to `failed`, with the reason in a file beside it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from failover.config.places import read
from failover.config.problems import Reading
from failover.config.settings import Text
from failover.config.validation import accept
from failover.delivery import Delivery, Phase
from failover.desk import RequestError
from failover.engine import Engine
from failover.pictures import LARGEST
from failover.postoffice import Draft, Origin, PostOffice

AT_ONCE = 20
"""Files that one scan takes in."""

YOUNGEST = 1.0
LONGEST = 1_000_000
"""Bytes of a file."""

ACCEPTED, SENT, FAILED = "accepted", "sent", "failed"


class UnfitFileError(Exception):
    """No post; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that lies there for long enough; `claim` is the same for as long as nobody changes it.

    `owner` is who put it there; `trouble` says why it cannot be read.
    """

    path: Path
    claim: str
    content: bytes
    owner: str = ""
    trouble: str = ""


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


class Spool:
    """One folder."""

    def __init__(self, folder: Path, office: PostOffice, engine: Engine, now: Callable[[], float]) -> None:
        self._folder = folder
        self._office = office
        self._engine = engine
        self._store = engine.store
        self._now = now
        self._trouble = ""

    async def scan(self) -> None:
        """Take in what lies there, and move away what is over.  Raises StoreError."""
        try:
            found = await asyncio.to_thread(look, self._folder, self._now(), AT_ONCE)
            stuck = [why for one in found if (why := await self._tried(one))]
            await self._put_away()
        except OSError as error:
            stuck = [_why(error)]
        if stuck and stuck[0] != self._trouble:
            self._engine.journal.say("spool_trouble", reason=stuck[0])
        self._trouble = stuck[0] if stuck else ""

    async def _tried(self, one: Found) -> str:
        """Why it could not be moved away; one that is stuck keeps no other waiting."""
        try:
            await self._take(one)
        except OSError as error:
            return _why(error)
        return ""

    async def _take(self, one: Found) -> None:
        post_id = await self._store.posts.was_claimed(one.claim)
        try:
            if not post_id:
                draft = await asyncio.to_thread(drafted, one)
                by = f"{one.owner} (spool folder)"
                origin = Origin(by=by, source="spool folder", claim=one.claim, file=one.path.name)
                post, _told = await self._office.accept(draft, origin, self._now())
                post_id = post.id
        except (UnfitFileError, RequestError) as error:
            await asyncio.to_thread(_fail, self._folder, one.path, one.path.name, str(error))
            self._engine.journal.say("post_refused", file=one.path.name, reason=str(error))
        else:
            await asyncio.to_thread(_move, one.path, self._folder / ACCEPTED, _called(post_id, one.path.name))

    async def _put_away(self) -> None:
        done = []
        for claim, post_id, name in await self._store.posts.spooled_over(AT_ONCE):
            reason = _unsaid(await self._store.deliveries_of(post_id))
            path = self._folder / ACCEPTED / _called(post_id, name)
            if reason:
                await asyncio.to_thread(_fail, self._folder, path, path.name, reason)
            else:
                await asyncio.to_thread(_move, path, self._folder / SENT, path.name)
            done.append(claim)
        if done:
            await self._store.posts.put_away(done)


def _why(error: OSError) -> str:
    return f"{error.filename or 'the folder'}: {error.strerror or error}"


def look(folder: Path, now: float, most: int) -> list[Found]:
    """The files that can be taken, the oldest first.  Raises OSError."""
    for name in ("", ACCEPTED, SENT, FAILED):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with os.scandir(folder) as entries:
        there = [(_changed(entry), entry.name) for entry in entries if _is_ours(entry)]
    ready = sorted((at, name) for at, name in there if not now - YOUNGEST < at <= now + YOUNGEST)
    found = [_found(folder / name) for _at, name in ready[:most]]
    return [one for one in found if one is not None]


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:  # it has just gone, and is not found below
        return 0.0


def _is_ours(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".md") and not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)


def _found(path: Path) -> Found | None:
    """None where it has just gone."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Found(path=path, claim=path.name, content=b"", trouble=f"it cannot be read: {error.strerror}")
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        content = file.read(LONGEST + 1) if stat.S_ISREG(status.st_mode) else b""
    digest = hashlib.sha256(f"{path.name}\0{status.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    digest.update(content)
    return Found(path=path, claim=digest.hexdigest(), content=content, owner=_user(status.st_uid))


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def drafted(one: Found) -> Draft:
    """The post in this file.  Raises UnfitFileError; the picture is read from the folder of the file."""
    path, content = one.path, one.content
    if one.trouble:
        raise UnfitFileError(one.trouble)
    if len(content) > LONGEST:
        raise UnfitFileError(f"larger than {LONGEST} bytes")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UnfitFileError("not text in UTF-8") from None
    head, separator, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not separator:
        raise UnfitFileError("expected YAML between two lines of ---, with `to: CHANNEL`, and then the text")
    front = _front(head, path)
    return Draft(
        text=body,
        to=front.to,
        at=front.at,
        until=front.until,
        title=front.title,
        picture=_picture(path.parent, front.image) if front.image else None,
        alt=front.alt,
    )


def _front(text: str, path: Path) -> _Front:
    root, problems = read(text, path.name)
    reading = Reading(file=path.name, base=path.parent, env={}, problems=problems)
    if root is not None and not isinstance(root.value, dict):
        raise UnfitFileError("expected `to: CHANNEL` and so on before the text")
    front = accept(_Front, root, (), reading) if root is not None else None
    if reading.problems or front is None:
        told = "; ".join(f"line {one.place.line + 1}: {one.path + ': ' if one.path else ''}{one.text}"
                         for one in reading.problems)  # fmt: skip
        raise UnfitFileError(told or "nothing stands before the text")
    return front


def _picture(folder: Path, name: str) -> bytes:
    """Only what lies in the spool folder itself: nobody publishes another file of this machine by its name."""
    if "/" in name or name.startswith("."):
        raise UnfitFileError("image: expected the name of a file that lies beside this one")
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise UnfitFileError(f"image: {name} cannot be read ({error.strerror})") from None


def _called(post_id: str, name: str) -> str:
    return f"{post_id}-{name}"


def _unsaid(rows: Sequence[Delivery]) -> str:
    """Why it was not published everywhere it was meant for; "" if it was, or was where the route sent it."""
    unsaid = [row for row in rows if not row.heard]
    stood_in = any(row.position and row.heard for row in rows)
    lost = [row for row in unsaid if not row.position and not (stood_in and row.phase is Phase.CANCELLED)]
    return "\n".join(f"{row.channel}: {row.phase.value}: {row.reason}" for row in unsaid) if lost else ""


def _fail(folder: Path, path: Path, name: str, reason: str) -> None:
    """The reason first: a file without one would leave everybody guessing."""
    (folder / FAILED / f"{name}.reason").write_text(f"{reason}\n", encoding="utf-8")
    _move(path, folder / FAILED, name)


def _move(path: Path, folder: Path, name: str) -> None:
    """Where it has been moved already (we died in between), nothing is left to do."""
    try:
        path.rename(folder / name)
    except FileNotFoundError:
        return
