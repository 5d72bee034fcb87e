"""RSS 2.0, RSS 1.0 and Atom as plain entries; private to this folder.

Read by expat through defusedxml, in one pass and in time proportional to the size of the document.  The document is
not trusted: document type definitions (and so every entity bomb and every reference to a file or a server) are
refused, and depth and number of entries are limited.  feedparser is not used: some of its patterns take quadratic
time (20 kB of one author's name cost 1.5 s in 6.0.14), which would stop the whole daemon, and given bytes it first
tries to open a file of that name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

import defusedxml.sax

from probes._official import Dated, plausible, timestamp

DEPTH = 50
ENTRIES = 2000

_HEAD = {("rss", "channel"), ("feed",), ("rdf:RDF", "channel")}
_ENTRY = {("rss", "channel", "item"), ("feed", "entry"), ("rdf:RDF", "item")}
_ROOTS = {path[0] for path in _ENTRY}
_FIELDS = {
    "id": "key",
    "guid": "key",
    "title": "title",
    "link": "link",
    "pubDate": "published",
    "published": "published",
    "dc:date": "published",
    "updated": "updated",
    "atom:updated": "updated",
    "a10:updated": "updated",
    "description": "summary",
    "summary": "summary",
    "content": "content",
    "content:encoded": "content",
    "category": "category",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Dated):
    """One entry; `text` is HTML, `changed_at` the last time the vendor touched it, where it gives a usable date."""

    key: str
    title: str = ""
    text: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    title: str = ""
    link: str = ""
    entries: tuple[Entry, ...] = ()


class NotAFeedError(ValueError):
    """The answer is something else; the message says what, for people."""


def read_feed(body: bytes) -> Feed:
    """The feed in `body`.  Raises NotAFeedError for everything else."""
    reader = _Reader()
    try:
        defusedxml.sax.parseString(body, reader, forbid_dtd=True)
    except defusedxml.DTDForbidden as error:
        page = str(error.name).lower() == "html"
        raise NotAFeedError(
            "a web page" if page else "a document with definitions of its own, which are refused"
        ) from None
    except SAXException:
        raise NotAFeedError("no proper XML") from None
    except NotAFeedError:
        raise
    except (LookupError, ValueError):
        raise NotAFeedError("in an encoding that cannot be read") from None
    return Feed(
        title=_first(reader.head, "title"),
        link=_first(reader.head, "link"),
        entries=tuple(_entry(row) for row in reader.rows),
    )


Row = dict[str, list[str]]


def _entry(row: Row) -> Entry:
    published, updated = _date(_first(row, "published")), _date(_first(row, "updated"))
    return Entry(
        key=_first(row, "key") or _first(row, "link") or _first(row, "title"),
        title=_first(row, "title"),
        text=_first(row, "content") or _first(row, "summary"),
        categories=tuple(row.get("category", ())),
        changed_at=published if updated is None else updated,
    )


def _first(row: Row, name: str) -> str:
    return next(iter(row.get(name, ())), "")


def _date(text: str) -> float | None:
    """Unix seconds of an RFC 822 or ISO 8601 date; American zone names are known, others are taken as UTC."""
    if (seconds := timestamp(text)) is not None or not 0 < len(text) < 64:
        return seconds
    try:
        return plausible(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


@dataclass
class _Open:
    """The field that is being read: `depth` is that of its element, markup inside it is kept as text."""

    name: str
    depth: int
    row: Row
    pieces: list[str] = field(default_factory=list)


class _Reader(ContentHandler):
    """Collects the direct children of the feed and of each entry; everything else is passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.head: Row = {}
        self.rows: list[Row] = []
        self._path: list[str] = []
        self._open: _Open | None = None

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's own name
        self._check(name)
        self._path.append(name)
        if self._open is not None:
            self._open.pieces.append(f"<{name}>")
        elif tuple(self._path) in _ENTRY:
            self.rows.append({})
        elif (row := self._row()) is not None and name in _FIELDS:
            self._begin(_FIELDS[name], row, dict(attrs.items()))

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's own name
        if self._open is not None and self._open.depth == len(self._path):
            if text := "".join(self._open.pieces).strip():
                self._open.row.setdefault(self._open.name, []).append(text)
            self._open = None
        elif self._open is not None:
            self._open.pieces.append(f"</{name}>")
        self._path.pop()

    def characters(self, content: str) -> None:
        if self._open is not None:
            self._open.pieces.append(content)

    def _check(self, name: str) -> None:
        if not self._path and name not in _ROOTS:
            raise NotAFeedError("some other document")
        if len(self._path) >= DEPTH or len(self.rows) > ENTRIES:
            raise NotAFeedError("too large or too deep to be one")

    def _row(self) -> Row | None:
        """Where the element just begun belongs: the newest entry, the head of the feed, or nowhere."""
        above = tuple(self._path[:-1])
        if above in _ENTRY:
            return self.rows[-1]
        return self.head if above in _HEAD else None

    def _begin(self, name: str, row: Row, attributes: dict[str, str]) -> None:
        """Atom says some things in attributes: the address of a link, the name of a category."""
        said = attributes.get("href") or attributes.get("term") or attributes.get("label")
        if said and (name == "category" or (name == "link" and attributes.get("rel", "alternate") == "alternate")):
            row.setdefault(name, []).append(said)
        self._open = _Open(name, len(self._path), row)
