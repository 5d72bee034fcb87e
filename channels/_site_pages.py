"""The pages of a static site, derived from its statements: index.html, one page each, feed.atom, status.json.  Pure.

The same statements give the same bytes.  The pages need no script, and no second request but for a picture; colours
keep a contrast of 4.5:1 and more in the light and the dark scheme (WCAG 2.2, 1.4.3).  The feed follows RFC 4287, the
tag: URIs in it RFC 4151.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import PurePosixPath
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from jinja2 import Environment, StrictUndefined

from channels._site_said import (
    ALL_CLEAR,
    DISRUPTION,
    NOTHING_OVER,
    Over,
    Said,
    Situation,
    newest_first,
    overall,
    situations,
)
from channels._site_template import INDEX, PAGE
from failover.model import Statement

INDEX_FILE, FEED_FILE, STATUS_FILE = "index.html", "feed.atom", "status.json"
FOLDER = "statements"

LABELS = {
    Statement.HOLDING: "Disruption",
    Statement.AGAIN: "Disruption again",
    Statement.INTERMITTENT: "Intermittent disruption",
    Statement.UPDATE: "Update",
    Statement.WELCOME_BACK: "Back to normal",
    Statement.CORRECTION: "Correction",
    Statement.DRILL: "Drill",
    Statement.POST: "News",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the pages need beside the statements.  `url` has no slash at its end, and may be empty.

    `titles` are the platforms' names for people, by their names in the files.
    """

    organisation: str
    title: str
    url: str = ""
    language: str = "en"
    website: str = ""
    contact: str = ""
    zone: tzinfo = UTC
    titles: Mapping[str, str] = field(default_factory=dict)


class Pages:
    """Statements in, files out."""

    def __init__(self, look: Look) -> None:
        self._look = look
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        environment.filters["when"] = self._when
        environment.filters["iso"] = iso
        environment.filters["title_of"] = lambda name: look.titles.get(name, name)
        environment.globals.update(look=look, labels=LABELS, folder=FOLDER, feed=FEED_FILE)
        self._index, self._page = environment.from_string(INDEX), environment.from_string(PAGE)

    def derived(self, statements: Sequence[Said], over: Over = NOTHING_OVER) -> dict[str, bytes]:
        """The files that speak of all statements, in the order in which they are to be replaced."""
        ordered = newest_first(statements)
        standing = situations(ordered, over)
        return {
            INDEX_FILE: self._index.render(
                statements=ordered,
                disruptions=[one for one in standing if one.state == DISRUPTION],
                ended={one.last.slug: one.ended for one in standing if one.ended is not None},
                all_clear=_all_clear(standing),
                here=f"{FOLDER}/",
            ).encode(),
            FEED_FILE: self._feed(ordered),
            STATUS_FILE: self._status(ordered, standing),
        }

    def page(self, said: Said) -> bytes:
        """The page of one statement."""
        return self._page.render(said=said, here="").encode()

    def address(self, said_slug: str) -> str:
        """Where people find a statement; relative to the site where its address is not known."""
        path = str(PurePosixPath(FOLDER) / f"{said_slug}.html")
        return f"{self._look.url}/{path}" if self._look.url else path

    def entry_id(self, said: Said) -> str:
        """What a feed reader knows a statement by: the same for ever."""
        return self._name(f"{datetime.fromtimestamp(said.created_at, UTC):%Y-%m-%d}", said.slug)

    def _name(self, day: str, specific: str) -> str:
        host = urlsplit(self._look.url).hostname
        if host:
            return f"tag:{host},{day}:{specific}"
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self._look.organisation}/{specific}").urn

    def _when(self, at: float) -> str:
        moment = datetime.fromtimestamp(at, self._look.zone)
        return f"{moment.day} {moment:%B %Y, %H:%M %Z}"

    def _feed(self, ordered: Sequence[Said]) -> bytes:
        feed = Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": self._look.language})
        _add(feed, "id", self._name("2026", "statements"))
        _add(feed, "title", self._look.title)
        _add(feed, "updated", iso(ordered[0].created_at if ordered else 0.0))
        _add(SubElement(feed, "author"), "name", self._look.organisation)
        if self._look.url:
            SubElement(feed, "link", rel="self", type="application/atom+xml", href=f"{self._look.url}/{FEED_FILE}")
            SubElement(feed, "link", rel="alternate", type="text/html", href=f"{self._look.url}/")
        for said in ordered:
            self._entry(feed, said)
        return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(feed, encoding="unicode")}\n'.encode()

    def _entry(self, feed: Element, said: Said) -> None:
        entry = SubElement(feed, "entry")
        _add(entry, "id", self.entry_id(said))
        _add(entry, "title", said.headline or LABELS[said.statement])
        _add(entry, "published", iso(said.created_at))
        _add(entry, "updated", iso(said.created_at))
        SubElement(entry, "link", rel="alternate", type="text/html", href=self.address(said.slug))
        SubElement(entry, "category", term=said.statement.value, label=LABELS[said.statement])
        _add(entry, "content", said.text, type="text")
        if said.picture:
            place = self.address(said.slug).removesuffix(f"{said.slug}.html") + said.picture
            SubElement(entry, "link", rel="enclosure", href=place, title=said.alt)

    def _status(self, ordered: Sequence[Said], standing: Sequence[Situation]) -> bytes:
        status: Mapping[str, object] = {
            "organisation": self._look.organisation,
            "state": overall(standing),
            "updated": iso(ordered[0].created_at) if ordered else None,
            "incidents": [
                {
                    "id": one.incident,
                    "state": one.state,
                    "platforms": list(one.last.platforms),
                    "since": iso(one.since),
                    "updated": iso(one.last.created_at),
                    "reference": one.last.reference,
                    "statement": one.last.slug,
                    "text": one.last.text,
                    "url": self.address(one.last.slug),
                    **({} if one.ended is None else {"ended": iso(one.ended)}),
                }
                for one in standing
            ],
        }
        return (json.dumps(status, ensure_ascii=False, indent=2) + "\n").encode()


def _all_clear(standing: Sequence[Situation]) -> str:
    """The words where nothing lasts; where the latest ended without a word, no more than that is claimed."""
    if overall(standing) != ALL_CLEAR:
        return ""
    return "All clear" if standing and standing[0].ended is None else "No known disruption"


def iso(at: float) -> str:
    """RFC 3339, UTC, whole seconds."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _add(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = text
