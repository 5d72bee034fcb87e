"""`failover forget`: a person's address leaves the database, and that it did so is put down without it.

A mailing that would go on to write to that person is broken off first (it goes on a moment later, without them; the
one or two letters under way in that very moment are in doubt then, and never repeated).  A hash of an address is
still personal data, so the mark in its place is random; where one stands, a count stays right and nobody is written
to: a mark is on no list.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from failover.config.settings import ChannelSettings, Settings
from failover.courier import Courier
from failover.desk import RequestError
from failover.engine import Engine
from failover.forgetting import spellings, stands_in
from failover.schema import StoreError, was_set_aside
from failover.store import Change, Erasure


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
    told = [*_found(erased, mark), *await _scoured(engine)]
    lists = await asyncio.to_thread(lambda: [*_lists(settings.channels, forms)])
    return "\n".join([*told, *(lists or _no_list(settings)), *_aside(settings.state)])


def _found(erased: Erasure, mark: str) -> Iterator[str]:
    if not erased.lines and not erased.mentions:
        yield "The database knows no such address."
    if erased.lines:
        lines = "1 line" if erased.lines == 1 else f"{erased.lines} lines"
        yield f"Forgotten: {lines} of the record of who was written to now bear the mark {mark}."
    if erased.mentions:
        yield f"It stood in {erased.mentions} reasons or answers of a service, and is gone from there."
    yield from (f"It stays in {place}, which cannot be changed afterwards." for place in erased.kept)


async def _scoured(engine: Engine) -> list[str]:
    try:
        await engine.store.scour()
    except StoreError as error:
        return [f"Traces may be left in unused parts of the file ({error}): give the command again later."]
    return []


def _lists(channels: Mapping[str, ChannelSettings], forms: Sequence[str]) -> Iterator[str]:
    """Where the address still stands in what a channel is configured with: the operator's own, never written to."""
    for channel in channels.values():
        for name in type(channel.options).model_fields:
            value = getattr(channel.options, name)
            if isinstance(value, Path):
                yield from _in_file(channel.name, value, forms)
            elif isinstance(value, tuple | list) and any(stands_in(str(one), forms) for one in value):
                yield f"It still stands in the configuration of {channel.name} (`{name}`): {_REMOVE}"


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


def _no_list(settings: Settings) -> list[str]:
    return [f"It is in no list that {settings.path} names; if it is in a file elsewhere, remove it there too."]


def _aside(state: Path) -> Iterator[str]:
    """Databases that were damaged are kept as they are, and so are copies that somebody made."""
    yield from (f"{state.with_name(name)} was set aside, and is not searched." for name in was_set_aside(state))
