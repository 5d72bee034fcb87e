"""`failover forget`: a person's address leaves the database, and that it did so is put down without it.

A mailing that would go on to write to that person is broken off first (it goes on a moment later, without them; the
one or two letters under way in that very moment are in doubt then, and never repeated).  A hash of an address is
still personal data, so the mark in its place is random; where one stands, a count stays right and nobody is written
to: a mark is on no list.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from failover.config.settings import Settings
from failover.courier import Courier
from failover.custody import ACCEPTED, FAILED, LONGEST, SENT, TAKING
from failover.delivery import Delivery
from failover.desk import RequestError
from failover.engine import Engine
from failover.forgetting import blanked_name, spellings, stands_in
from failover.schema import StoreError, was_set_aside
from failover.store import Change, Erasure

MOST_FILES = 20
"""As many are named in one answer."""


async def forget(engine: Engine, courier: Courier, settings: Settings, address: str, by: str, now: float) -> str:
    """What was found and done, without the address.  Raises RequestError for what is none."""
    try:
        forms = spellings(address)
    except ValueError as error:
        raise RequestError(str(error)) from None
    while under_way := courier.carrying(await engine.store.holders(forms)):
        await courier.break_off(under_way)
    mark = f"forgotten-{secrets.token_hex(8)}"
    change = Change(at=now, audit=(("recipient_forgotten", {"by": by, "mark": mark}),))
    erased = await engine.store.forget(forms, mark, change)
    engine.journal.say("recipient_forgotten", by=by, count=erased.lines)
    told = [*_found(erased, mark), *await _posts(engine, erased), *await _scoured(engine)]
    lists = await asyncio.to_thread(lambda: [*_lists(settings, forms)])
    files = await asyncio.to_thread(lambda: [*_spooled(settings.posts.folder, forms)] if settings.posts else [])
    return "\n".join([*told, *(lists or _no_list(settings)), *files, *_aside(settings.state)])


def _found(erased: Erasure, mark: str) -> Iterator[str]:
    if not any((erased.lines, erased.mentions, erased.posts, erased.unfinished, erased.kept)):
        yield "The database knows no such address."
    if erased.lines:
        lines = "1 line" if erased.lines == 1 else f"{erased.lines} lines"
        yield f"Forgotten: {lines} of the record of who was written to now bear the mark {mark}."
    if erased.mentions:
        yield f"It stood in {erased.mentions} reasons, questions or answers of a service, and is gone from there."
    yield from (f"It stays in {place}, which cannot be changed afterwards." for place in erased.kept)


async def _posts(engine: Engine, erased: Erasure) -> list[str]:
    """What became of the words of posts, and what a person must do about those that are not ours to change."""
    told = []
    if erased.posts:
        which, them = ("post", "it") if len(erased.posts) == 1 else ("posts", "them")
        over = "which is over, and is" if len(erased.posts) == 1 else "which are over, and is"
        told.append(f"It stood in {which} {', '.join(erased.posts)}, {over} gone from our record of {them}.")
    for post in erased.posts:
        rows = [row for row in await engine.store.deliveries_of(post) if row.heard]
        if rows:
            told.append(
                f"{post} is public with it: {', '.join(map(_where, rows))}. `failover retract {post}` takes it back "
                "where that can be done."
            )
    told += [
        f"Post {post} still contains it and is not over: cancel it (`failover posts cancel {post}`) or let it "
        "end, then give this command again."
        for post in erased.unfinished
    ]
    return told


def _where(row: Delivery) -> str:
    return f"{row.channel} ({row.receipt.url})" if row.receipt and row.receipt.url else row.channel


async def _scoured(engine: Engine) -> list[str]:
    try:
        await engine.store.scour()
    except StoreError as error:
        return [f"Traces may be left in unused parts of the file ({error}): give the command again later."]
    return []


def _lists(settings: Settings, forms: Sequence[str]) -> Iterator[str]:
    """Where the address still stands in what is configured: the operator's own, never written to."""
    if any(stands_in(one.email or "", forms) for one in settings.sign_off.approvers):
        yield f"It still stands in the configuration (`sign_off.approvers`) of {settings.path}: remove it there too."
    for channel in settings.channels.values():
        for name in type(channel.options).model_fields:
            value = getattr(channel.options, name)
            if isinstance(value, Path):
                yield from _in_file(channel.name, value, forms)
            elif isinstance(value, tuple | list) and any(stands_in(str(one), forms) for one in value):
                yield f"It still stands in the configuration of {channel.name} (`{name}`): {_REMOVE}"


_FOLDERS = ("", TAKING, ACCEPTED, SENT, FAILED)
_REMOVE = "remove it there too, or the next outage is told to it again."


def _in_file(channel: str, path: Path, forms: Sequence[str]) -> Iterator[str]:
    try:
        raw = path.read_bytes() if path.is_file() else b""
    except OSError as error:
        yield f"Whether it stands in {path} (of {channel}) could not be seen: {error.strerror}."
        return
    text = raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")
    if stands_in(text, forms):
        yield f"It still stands in {path} (of {channel}): {_REMOVE}"


def _spooled(folder: Path, forms: Sequence[str]) -> Iterator[str]:
    """The files of posts that hold it: whoever put them there may still need them, so they are only named."""
    found = [path for name in _FOLDERS for path in _files(folder / name) if _holds(path, forms)]
    for path in found[:MOST_FILES]:
        yield f"It still stands in {_named(path, forms)}: remove it there too."
    if found[MOST_FILES:]:
        yield f"And in {len(found) - MOST_FILES} more files of {folder}."


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.md*") if path.is_file()) if folder.is_dir() else []


def _holds(path: Path, forms: Sequence[str]) -> bool:
    """One that cannot be read may hold it, and is named too."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST).decode("utf-8", "replace")
    except OSError:
        return True
    return stands_in(text, forms) or _named(path, forms) != str(path)


def _named(path: Path, forms: Sequence[str]) -> str:
    """Its path, unless that would repeat the address."""
    name = path.name.removesuffix(".reason")
    is_called = blanked_name(name, forms, "") != name
    return f"a file of {path.parent}, which is called by it" if is_called else str(path)


def _no_list(settings: Settings) -> list[str]:
    return [f"It is in no list that {settings.path} names; if it is in a file elsewhere, remove it there too."]


def _aside(state: Path) -> Iterator[str]:
    """Databases that were damaged are kept as they are, and so are copies that somebody made."""
    yield from (f"{state.with_name(name)} was set aside, and is not searched." for name in was_set_aside(state))
