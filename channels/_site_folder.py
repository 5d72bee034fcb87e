"""The folder of a static site on the disk: statements in it, and the pages that follow from them.

The statement's own file comes first, the pages after it; everything is written under hidden names before anything
takes its place, so a full disk changes nothing that people see.  A death between two files leaves a part of a
statement, which `presence` sees and `withdraw` removes; whatever is written next puts the pages right.

Blocking: call from a thread.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from channels._picture import ENDINGS
from channels._site_files import Disk, discard, hidden, make_folder, sync_folder, try_to_write
from channels._site_pages import FEED_FILE, FOLDER, INDEX_FILE, STATUS_FILE, Pages
from channels._site_said import Over, Said, from_json, kept, over_by, over_from_json, over_to_json, to_json

OVER_FILE = "over.json"
"""Which incidents are over though nothing more was said of them here; missing where there is none."""

FOLDER_MODE, FILE_MODE = 0o755, 0o644
"""The web server, another user, reads them."""


class Presence(Enum):
    """How much of a statement is on the site."""

    WHOLE = "in its own file, its page, the index and the feed; and status.json is up to date"
    PART = "in some of these, or named in status.json"
    NONE = "in none of these"


class SiteFolder:
    """The site.  One thread at a time, also when an attempt was cut off and its thread goes on."""

    def __init__(self, folder: Path, pages: Pages, keep: int, disk: Disk | None = None) -> None:
        self._folder, self._pages, self._keep, self._disk = folder, pages, keep, disk or Disk()
        self._lock = threading.Lock()

    def publish(self, said: Said, picture: bytes = b"") -> None:
        """Add (or repeat) a statement.  Raises OSError, and then `presence` tells how far it came."""
        with self._lock:
            self._make_folders()
            self._sweep()
            known, _ = self._read()
            statements = kept([*(known | {said.slug: said}).values()], self._keep, said.slug, self._over())
            files = {self._folder / FOLDER / said.picture: picture} if said.picture else {}
            files |= {self._statement(said.slug): to_json(said)}
            for one in statements:
                if one.slug == said.slug or not self._page(one.slug).exists():
                    files[self._page(one.slug)] = self._pages.page(one)
            self._replace(files | self._derived(statements))
            self._remove(known.keys() - {one.slug for one in statements})

    def withdraw(self, slug: str) -> None:
        """Remove a statement, or what there is of it.  Raises OSError."""
        with self._lock:
            if not self._folder.is_dir():
                return
            self._make_folders()
            known, _ = self._read()
            rest = [one for one in known.values() if one.slug != slug]
            files = self._derived(kept(rest, self._keep, over=self._over()))
            self._stage(files)
            self._remove({slug})
            self._take_places(files)

    def show(self, incidents: Mapping[str, float | None]) -> None:
        """These are over since then (seconds since the epoch, UTC), or last (None), whatever was said.

        Raises OSError.

        The pages are put right where they are not; a site on which nothing was said is left alone.
        """
        with self._lock:
            known, _ = self._read()
            if not known:
                return
            over = over_by(incidents, known.values(), self._over())
            files = {self._folder / OVER_FILE: over_to_json(over)} if over or self._over() else {}
            files |= self._derived([*known.values()], over)
            if any(_content(path) != content for path, content in files.items()):
                self._replace(files)

    def presence(self, slug: str, entry_id: str, picture: str = "") -> Presence:
        """How much of a statement is to be seen.  Raises OSError where that cannot be told."""
        with self._lock:
            status = _content(self._folder / STATUS_FILE)
            places = (
                self._statement(slug).is_file(),
                self._page(slug).is_file(),
                f'id="s-{slug}"'.encode() in _content(self._folder / INDEX_FILE),
                f"<id>{entry_id}</id>".encode() in _content(self._folder / FEED_FILE),
                *([(self._folder / FOLDER / picture).is_file()] if picture else []),
            )
            if not any(places) and slug not in _last_words(status):
                return Presence.NONE
            up_to_date = self._pages.derived([*self._read()[0].values()], self._over())[STATUS_FILE] == status
            return Presence.WHOLE if all(places) and up_to_date else Presence.PART

    def try_out(self) -> int:
        """Prove that everything could be written; returns how many statements are unreadable.  Raises OSError."""
        with self._lock:
            self._make_folders()
            try_to_write(self._folder)
            try_to_write(self._folder / FOLDER)
            return self._read()[1]

    def _make_folders(self) -> None:
        make_folder(self._folder, FOLDER_MODE)
        make_folder(self._folder / FOLDER, FOLDER_MODE)

    def _sweep(self) -> None:
        """Hidden rests of an attempt that died; the folder of statements is ours alone."""
        for path in (self._folder / FOLDER).glob(".*.tmp"):
            discard(path)

    def _read(self) -> tuple[dict[str, Said], int]:
        """What the folder remembers, by slug, and how many files in it could not be understood."""
        found, bad = {}, 0
        for path in sorted((self._folder / FOLDER).glob("*.json")):
            try:
                said = from_json(path.read_bytes())
            except (ValueError, OSError):  # one damaged file must not silence the site; `try_out` reports it
                bad += 1
            else:
                found[said.slug] = said
        return found, bad

    def _over(self) -> dict[str, float]:
        """What is over though its last word does not say so."""
        return over_from_json(_content(self._folder / OVER_FILE))

    def _derived(self, statements: list[Said], over: Over | None = None) -> dict[Path, bytes]:
        pages = self._pages.derived(statements, self._over() if over is None else over)
        return {self._folder / name: content for name, content in pages.items()}

    def _replace(self, files: Mapping[Path, bytes]) -> None:
        self._stage(files)
        self._take_places(files)

    def _stage(self, files: Mapping[Path, bytes]) -> None:
        staged: list[Path] = []
        try:
            for path, content in files.items():
                self._disk.stage(path, content, FILE_MODE)
                staged.append(path)
        except OSError:
            for path in staged:
                discard(hidden(path))
            raise

    def _take_places(self, files: Mapping[Path, bytes]) -> None:
        try:
            for path in files:
                self._disk.publish(path)
        finally:
            for path in files:
                discard(hidden(path))
        self._sync()

    def _remove(self, slugs: set[str]) -> None:
        """The statement's own file first: it is what the next pages are made from."""
        for slug in slugs:
            self._statement(slug).unlink(missing_ok=True)
        for slug in slugs:
            self._page(slug).unlink(missing_ok=True)
            for ending in ENDINGS.values():
                self._page(slug).with_suffix(f".{ending}").unlink(missing_ok=True)
        if slugs:
            self._sync()

    def _sync(self) -> None:
        sync_folder(self._folder / FOLDER)
        sync_folder(self._folder)

    def _statement(self, slug: str) -> Path:
        return self._folder / FOLDER / f"{slug}.json"

    def _page(self, slug: str) -> Path:
        return self._folder / FOLDER / f"{slug}.html"


def _content(path: Path) -> bytes:
    """What the file says; nothing if there is no such file, or something else stands in its place."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return b""


def _last_words(status: bytes) -> frozenset[str]:
    """The statements that status.json names; none if it is not one of ours."""
    try:
        return frozenset(str(one["statement"]) for one in json.loads(status)["incidents"])
    except (ValueError, KeyError, TypeError):
        return frozenset()
