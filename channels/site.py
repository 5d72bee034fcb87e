"""Static pages and an Atom feed in a folder that a web server shows; needs no account and no service.

The path is the key: the same statement has the same file at every attempt, so a repeat changes nothing.  A failed
attempt is undone, so that "not posted" is true; what can be neither finished nor undone is Unconfirmed.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from channels._picture import picture_of
from channels._site_files import Disk, disk_trouble
from channels._site_folder import Presence, SiteFolder
from channels._site_pages import Look, Pages
from channels._site_said import SLUG, Said, printable, said_by
from failover.contracts import ChannelKind, Notebook, Options, OutputPath, Surroundings
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Evidence,
    Finding,
    Found,
    Health,
    Measure,
    Organisation,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Sighting,
    Unconfirmed,
    Unreachable,
)

__all__ = ["KIND", "SiteChannel", "SiteOptions", "open_site"]

TEXT_LIMIT = 10_000
NO_TITLES: Mapping[str, str] = MappingProxyType({})

ROOM_NEEDED, ROOM_WANTED = 10_000_000, 100_000_000
"""Bytes free on the disk: less is a problem, or a warning."""


def _base_address(value: str) -> str:
    parts = urlsplit(value)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or any(c.isspace() for c in value):
        raise ValueError("expected the public address of the folder, such as https://status.example.org")
    return value.rstrip("/")


class SiteOptions(Options):
    """`folder` is what the web server shows at `url`; its parent must exist.  `keep` statements stay on the site.

    `language` is that of the statements (a BCP 47 tag, for screen readers); the few fixed words are English.
    """

    folder: OutputPath
    url: Annotated[str, AfterValidator(_base_address)] | None = None
    heading: Annotated[str, Field(max_length=200)] = ""
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    keep: Annotated[int, Field(ge=1, le=1000)] = 50


class SiteChannel:
    """One site."""

    def __init__(
        self,
        options: SiteOptions,
        organisation: Organisation,
        disk: Disk | None = None,
        titles: Mapping[str, str] = NO_TITLES,
    ) -> None:
        self._options = options
        self._pages = Pages(_look(options, organisation, titles))
        self._folder = SiteFolder(options.folder, self._pages, options.keep, disk)

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:  # noqa: ARG002
        """Write the statement and the pages; on trouble, take back what was written."""
        said, picture = said_by(announcement), await picture_of(announcement)
        if isinstance(picture, Refused | Unreachable):
            return picture
        try:
            await asyncio.to_thread(self._folder.publish, said, picture[1] if picture else b"")
        except OSError as error:
            return await self._after_trouble(said, disk_trouble(error))
        return Delivered(receipt=self._receipt(said))

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:  # noqa: ARG002
        """Is it in all its places?  The rest of an attempt that was cut off is removed, so that absent is absent."""
        said = said_by(announcement)
        presence = await self._presence(said)
        if presence is Presence.WHOLE:
            return Found(receipt=self._receipt(said))
        if presence is None:
            return CannotTell(reason="the folder cannot be read")
        if presence is Presence.PART and not await self._withdrawn(said):
            return CannotTell(reason="a part of the pages shows it and cannot be changed")
        return Absent(reason="the site does not have it")

    async def show_state(self, incidents: Mapping[str, float | None]) -> bool:
        """The pages show none of these as lasting that is over, nor as over that lasts (None), whatever is said."""
        try:
            await asyncio.to_thread(self._folder.show, incidents)
        except OSError:  # `check` says what is wrong with the disk
            return False
        return True

    async def check(self) -> Health:
        """Could the pages be written?  Nothing that people see is touched."""
        try:
            unreadable = await asyncio.to_thread(self._folder.try_out)
            room = (await asyncio.to_thread(shutil.disk_usage, self._options.folder)).free
        except OSError as error:
            trouble = disk_trouble(error)
            return Health(sighting=_sighting(trouble), problems=(trouble.reason,))
        damaged = f"{unreadable} files in the folder `statements` cannot be understood and are passed over"
        warned = {"the disk is filling up": ROOM_NEEDED <= room < ROOM_WANTED, damaged: unreadable > 0}
        return Health(
            sighting=Sighting.up(Evidence.HERE, "the pages can be written"),
            problems=("the disk is almost full",) if room < ROOM_NEEDED else (),
            warnings=tuple(what for what, so in warned.items() if so),
            facts={"free": f"{room // 1_000_000:,} MB"},
        )

    async def retract(self, receipt: Receipt) -> Outcome:
        """Remove the statement and make the pages anew."""
        slug = receipt.remote_id
        if not SLUG.fullmatch(slug):
            return Refused(reason="this is not a statement of this site", refusal=Refusal.CONTENT)
        try:
            await asyncio.to_thread(self._folder.withdraw, slug)
        except OSError as error:
            reason = f"{disk_trouble(error).reason}; a part of the pages may still show the statement"
            return Unconfirmed(reason=reason, sighting=_sighting(disk_trouble(error)))
        return Delivered(receipt=receipt)

    async def _after_trouble(self, said: Said, trouble: Refused | Unreachable) -> Outcome:
        """Public already, not public, or (undone where possible) nobody can tell."""
        presence = await self._presence(said)
        if presence is Presence.WHOLE:
            return Delivered(receipt=self._receipt(said))
        if presence is Presence.NONE or (presence is Presence.PART and await self._withdrawn(said)):
            return trouble
        reason = f"{trouble.reason}; a part of the pages may show the statement"
        return Unconfirmed(reason=reason, sighting=trouble.sighting)

    async def _presence(self, said: Said) -> Presence | None:
        """How much of it is to be seen; None where that cannot be told."""
        try:
            return await asyncio.to_thread(self._folder.presence, said.slug, self._pages.entry_id(said), said.picture)
        except OSError:
            return None

    async def _withdrawn(self, said: Said) -> bool:
        """Take back a part of a statement; True if nothing of it is left."""
        with suppress(OSError):  # what it leaves behind is looked at next
            await asyncio.to_thread(self._folder.withdraw, said.slug)
        return await self._presence(said) is Presence.NONE

    def _receipt(self, said: Said) -> Receipt:
        url = self._pages.address(said.slug) if self._options.url else ""
        return Receipt(remote_id=said.slug, url=url)


def measure(options: SiteOptions, announcement: Announcement) -> Measure:  # noqa: ARG001
    """Characters."""
    return Measure(len(announcement.text), TEXT_LIMIT, "characters")


def _look(options: SiteOptions, organisation: Organisation, titles: Mapping[str, str]) -> Look:
    return Look(
        organisation=organisation.name,
        title=options.heading or f"{organisation.name}: service status",
        url=options.url or "",
        language=options.language,
        website=organisation.website,
        contact=organisation.contact,
        zone=_zone(organisation.timezone),
        titles={name: printable(title) for name, title in titles.items()},
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC  # a machine without time zone data: the time stays right, and says UTC


def _sighting(trouble: Refused | Unreachable) -> Sighting:
    assert trouble.sighting is not None
    return trouble.sighting


@asynccontextmanager
async def open_site(options: SiteOptions, surroundings: Surroundings) -> AsyncIterator[SiteChannel]:
    """Nothing is kept open."""
    yield SiteChannel(options, surroundings.organisation, titles=surroundings.titles)


KIND = ChannelKind(
    options=SiteOptions,
    open=open_site,
    measure=measure,
    settle=0.0,
    images=1,
    example="""\
kind: site
folder: /var/www/status
url: https://status.example.org
""",
)
