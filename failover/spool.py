"""The spool folder: any program hands a post in by putting a file there.

A file is `name.md` (`post_file`).  It is left alone while it may still be written (somebody wrote to it in the last
five seconds, or it is called `.…`, `…~`, `….tmp`); so is its picture, and the post waits for it.  Then it is taken
(`custody`) and written down together with a claim on its ticket, so that it is published once, whenever the process
dies.  It lies in `accepted` while it waits, at its end in `sent`; what is no post, or was not published everywhere,
in `failed`, with the reason, and where it is public all the same, in a file beside it.  A file that cannot be moved
is told, and keeps no other waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from failover.custody import Content, Custody, StillWrittenError, Ticket, UnfitFileError
from failover.delivery import Delivery, Phase
from failover.desk import RequestError
from failover.engine import Engine
from failover.pictures import LARGEST, BrokenOffError, PictureError, media_type
from failover.post_file import drafted
from failover.postoffice import Draft, Origin, PostOffice
from failover.posts import asked_instead, is_made_up_for

AT_ONCE = 20
"""Files that one scan takes."""

PATIENCE = 60.0
"""Seconds for which a picture whose end is missing may be one that is still on its way."""


class Spool:
    """One folder."""

    def __init__(self, folder: Path, office: PostOffice, engine: Engine, now: Callable[[], float]) -> None:
        self._custody = Custody(folder)
        self._office = office
        self._engine = engine
        self._store = engine.store
        self._now = now
        self._told: frozenset[str] = frozenset()
        self._stuck: list[str] = []
        self._left = 0

    async def scan(self) -> None:
        """Take in what lies there, and move away what is over.  Raises StoreError."""
        self._stuck = []
        try:
            self._stuck += await asyncio.to_thread(self._custody.take, self._now(), AT_ONCE)
            for ticket in await asyncio.to_thread(self._custody.tickets):
                await self._handle(ticket)
            await self._put_away()
        except OSError as error:
            self._stuck.append(_why(error))
        self._tell()

    def _tell(self) -> None:
        """What is stuck is told once, however long it lies there."""
        news = [why for why in self._stuck if why not in self._told]
        if news:
            more = f" (and {len(news) - 1} more)" if news[1:] else ""
            self._engine.journal.say("spool_trouble", reason=f"{news[0]}{more}")
        self._told = frozenset(self._stuck)

    async def _handle(self, ticket: Ticket) -> None:
        """One that is stuck, or still being written, keeps no other waiting."""
        try:
            post = await self._store.posts.was_claimed(ticket.id) or await self._taken_in(ticket)
            await asyncio.to_thread(self._custody.accept, ticket, post)
        except StillWrittenError:
            return
        except (UnfitFileError, RequestError) as error:
            await self._refuse(ticket, str(error))
        except OSError as error:
            self._stuck.append(_why(error))

    async def _refuse(self, ticket: Ticket, reason: str) -> None:
        try:
            await asyncio.to_thread(self._custody.fail, ticket, reason)
        except OSError as error:
            self._stuck.append(_why(error))
        else:
            self._engine.journal.say("post_refused", file=ticket.name, reason=reason)

    async def _taken_in(self, ticket: Ticket) -> str:
        """The post it became."""
        found, draft = await asyncio.to_thread(self._read, ticket)
        by = f"{found.owner} (spool folder)"
        origin = Origin(
            by=by, source="spool folder", claim=ticket.id, file=ticket.name, handed_in=found.changed
        )  # fmt: skip
        post, _told = await self._office.accept(draft, origin, self._now())
        return post.id

    def _read(self, ticket: Ticket) -> tuple[Content, Draft]:
        """In a thread: post and picture as they lie there at the end.  Raises OSError and what `custody` raises."""
        now = self._now()
        found = [self._custody.read(ticket, now)]

        def picture(name: str) -> bytes:
            found.append(self._custody.picture(ticket, name, now, LARGEST))
            _check_whole(found[-1], now)
            return found[-1].data

        draft = drafted(found[0].data, picture)
        if not all(one.is_unchanged for one in found):
            raise StillWrittenError
        return found[0], draft

    async def _put_away(self) -> None:
        """What is over.  Those that could not be moved the last time are asked for beside the others."""
        over = await self._store.posts.spooled_over(AT_ONCE + self._left)
        done = []
        for claim, post, _file in over:
            reason = _unsaid(await self._store.deliveries_of(post))
            try:
                await asyncio.to_thread(self._custody.put_away, claim, post, reason)
            except OSError as error:
                self._stuck.append(_why(error))
            else:
                done.append(claim)
        self._left = len(over) - len(done)
        if done:
            await self._store.posts.put_away(done)


def _check_whole(picture: Content, now: float) -> None:
    """Raises StillWrittenError, and UnfitFileError for what is no picture."""
    try:
        media_type(picture.data)
    except BrokenOffError as error:
        if now - PATIENCE < picture.changed:
            raise StillWrittenError from None
        raise UnfitFileError(f"image: {error}") from None
    except PictureError as error:
        raise UnfitFileError(f"image: {error}") from None


def _why(error: OSError) -> str:
    return f"{error.filename or 'the folder'}: {error.strerror or error}"


def _unsaid(rows: Sequence[Delivery]) -> str:
    """Why it was not published everywhere it was meant for; "" if it was, or was where the route sent it.

    Where it is public all the same stands first: who hands the file in again says it there twice.
    """
    unsaid = [row for row in rows if not row.heard]
    cancelled = {row.channel: asked_instead(row.reason) for row in unsaid if row.phase is Phase.CANCELLED}
    public = {row.channel: row.position > 0 for row in rows if row.heard}
    if all(row.position or is_made_up_for(row.channel, cancelled, public) for row in unsaid):
        return ""
    return "\n".join([*_published(rows), *(f"{row.channel}: {row.phase.value}: {row.reason}" for row in unsaid)])


def _published(rows: Sequence[Delivery]) -> Iterator[str]:
    told = [f"{_HOW.get(row.phase, 'partly ')}{row.channel}{_place(row)}" for row in rows if row.heard]
    if told:
        yield f"PUBLISHED ALREADY on {', '.join(told)}. Who hands this file in again says it there twice."


_HOW = {Phase.SENT: "", Phase.LEFT: "(perhaps) "}


def _place(row: Delivery) -> str:
    return f" ({row.receipt.url})" if row.receipt and row.receipt.url else ""
