"""The kind `feed`: a vendor's RSS or Atom feed about its incidents.

A feed is a log of updates, so entries are folded by their id to the newest.  What it says is the vendor's own word
for the state (`<strong>Resolved</strong> - …` in Statuspage's feeds, `Status: Resolved` in those of incident.io),
never the title: the title of a resolved incident still names the outage.  Three kinds of feed (`mode`):

    log         every incident, open or over, with its state in a word
    open_only   only what is open is listed; an empty feed is good news (metastatus.com, Azure)
    components  one entry per component, titled `Name - State` (Site24x7 StatusIQ, automatticstatus.com)

What cannot be read, or is not the feed that was meant, is "could not tell", never "down".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from pydantic import Field, field_validator, model_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._entries import Entry, Feed, NotAFeedError, read_feed
from probes._fetch import Fetcher, Trouble, open_fetcher, plain
from probes._official import STATES, FirstSeen, Part, fold, forgotten, host_of, judge_parts, refusal, word

PATHS: tuple[str, ...] = ("/history.atom", "/history.rss", "/feed.atom", "/feed.rss", "/rss", "/rss.xml")

OPEN, WATCHED, CLOSED, MAINTENANCE, UNREADABLE = "open", "watched", "closed", "maintenance", "unreadable"

_MAINTENANCE = {"in progress": MAINTENANCE, "verifying": MAINTENANCE, "scheduled": CLOSED}
_READ = 20_000
_DECLARATION = re.compile(r"^\s*<\?xml[^<>]{0,200}\?>")
_PARAGRAPH = re.compile(r"<p(?: [^<>]{0,200})?>")
_LABEL = re.compile(
    r"(?:<small>.{0,300}?</small> ?)?(?:<br ?/?> ?)?<strong> ?([^<>]{1,40}?) ?</strong> ?[-\u2013\u2014]"
)
_NO_STATE = "update"
_STATUS_LINE = re.compile(r"(?:<[^<>]{1,99}>| )*status:(?:<[^<>]{1,99}>| )*")


class Options(contracts.Options):
    """`match` keeps only entries with this text in the title or a category; `title` and `host` say whose feed it is.

    An open entry is a degradation; with one of `down_words` in it, it is an outage.  `components` are the names
    watched in mode `components`.  An entry that nobody has touched for `forget_after` was left behind.
    """

    url: WebAddress
    mode: Literal["log", "open_only", "components"] = "log"
    components: tuple[str, ...] = ()
    match: str = ""
    title: str = ""
    host: str = ""
    open_words: tuple[str, ...] = ("investigating", "identified")
    watched_words: tuple[str, ...] = ("monitoring",)
    closed_words: tuple[str, ...] = ("resolved", "completed", "postmortem")
    down_words: tuple[str, ...] = ("major outage",)
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    @field_validator("components", "open_words", "watched_words", "closed_words", "down_words")
    @classmethod
    def _no_empty_word(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if not all(said.strip() for said in words):
            raise ValueError("expected words, without empty ones")
        return words

    @model_validator(mode="after")
    def _names_go_with_their_mode(self) -> Options:
        if (self.mode == "components") != bool(self.components):
            raise ValueError("`components` and `mode: components` need each other")
        return self

    @property
    def states(self) -> dict[str, str]:
        """The vendor's word, folded -> what it means."""
        said = {WATCHED: self.watched_words, CLOSED: self.closed_words, OPEN: self.open_words}
        return _MAINTENANCE | {fold(name): state for state, names in said.items() for name in names}


def judge(feed: Feed, options: Options, *, now: float) -> Sighting:
    """The feed as one sighting (class `official`)."""
    if why := foreign(feed, options):
        return _unknown(why)
    entries = newest(feed.entries)
    if options.mode == "components":
        parts = [_part(entry) for entry in entries]
        return judge_parts(parts, options.components, now=now, forget_after=options.forget_after)
    if options.mode == "log" and all(state_of(entry, options) == UNREADABLE for entry in entries):
        return _unknown("no entry of the feed, not even an old one, says its state in a known word")
    concerned = [entry for entry in entries if _matches(entry, options.match)]
    return _judge_incidents(concerned, options, now)


def foreign(feed: Feed, options: Options) -> str:
    """Why this is not the feed that was meant; empty if it is."""
    if options.title and fold(options.title) not in fold(feed.title):
        return f"the feed is not that of {options.title}"
    if options.host and host_of(feed.link) != host_of(f"https://{options.host}"):
        return f"the feed does not belong to {options.host}"
    return ""


def newest(entries: Iterable[Entry]) -> list[Entry]:
    """One entry per id: the newest by its date; without dates the one that stands first."""
    kept: dict[str, Entry] = {}
    for entry in entries:
        known = kept.get(entry.key)
        if known is None or (entry.changed_at or 0.0) > (known.changed_at or 0.0):
            kept[entry.key] = entry
    return list(kept.values())


def state_of(entry: Entry, options: Options) -> str:
    """What the vendor's own word says; in a feed that lists only what is open, that it is listed is the word."""
    said = _said(" ".join(entry.text[:_READ].split()).lower(), options.states)
    if said == UNREADABLE and options.mode == "open_only":
        return OPEN
    return said


def _said(text: str, states: dict[str, str]) -> str:
    """The state that the newest update is labelled with.

    It must be written where the vendors write it: further down are older states and running text.  An update that is
    labelled `Update` leaves the state as it was; any other label that is not known could mean anything.
    """
    if line := _STATUS_LINE.match(text):
        rest = text[line.end() :]
        known = (name for name in sorted(states, key=len, reverse=True) if _begins(rest, name))
        return states.get(next(known, ""), UNREADABLE)
    paragraphs = filter(None, (part.strip() for part in _PARAGRAPH.split(text)))
    labels = [_LABEL.match(part) for part in paragraphs]
    if not labels or labels[0] is None:
        return UNREADABLE
    said = (fold(label.group(1)) for label in labels if label is not None)
    return states.get(next((name for name in said if name != _NO_STATE), ""), UNREADABLE)


def _begins(text: str, name: str) -> bool:
    return text.startswith(name) and not text[len(name) : len(name) + 1].isalnum()


def _judge_incidents(entries: Sequence[Entry], options: Options, now: float) -> Sighting:
    """The worst entry that is not forgotten; one that cannot be read keeps the feed from being good news."""
    by_state: dict[str, list[Entry]] = {}
    for entry in (entry for entry in entries if not forgotten(entry.told_at, now, options.forget_after)):
        by_state.setdefault(state_of(entry, options), []).append(entry)
    if OPEN in by_state:
        return _judge_open(by_state[OPEN], options)
    for state, reason in _DOUBT.items():
        if state in by_state:
            return _unknown(reason, by_state[state][0].title)
    forgot = _left_out(entries, options, now)
    return Sighting.up(Evidence.OFFICIAL, "the status feed names no open incident", forgot)


_DOUBT = {
    UNREADABLE: "the status feed has a new entry whose state cannot be read",
    WATCHED: "the vendor says that it is watching a repair",
    MAINTENANCE: "announced maintenance",
}


def _judge_open(entries: Sequence[Entry], options: Options) -> Sighting:
    worst = next((entry for entry in entries if _is_outage(entry, options)), None)
    if worst is not None:
        return Sighting.down(Evidence.OFFICIAL, "the status feed names an open outage", plain(worst.title))
    return Sighting.degraded(Evidence.OFFICIAL, "the status feed names an open incident", plain(entries[0].title))


def _is_outage(entry: Entry, options: Options) -> bool:
    """In a log the text tells the whole story, also what is over, so only title and categories count there.

    An entry without a date cannot be told from an old one and is never an outage.
    """
    text = entry.text[:_READ] if options.mode == "open_only" else ""
    said = fold(" | ".join((entry.title, *entry.categories, text)))
    return entry.changed_at is not None and any(_has_word(said, fold(name)) for name in options.down_words)


def _has_word(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _left_out(entries: Sequence[Entry], options: Options, now: float) -> str:
    """Which open incidents were taken as forgotten, for the record."""
    old = (entry for entry in entries if forgotten(entry.told_at, now, options.forget_after))
    titles = [plain(entry.title, 60) for entry in old if state_of(entry, options) == OPEN]
    return f"taken as forgotten: {'; '.join(titles[:3])}" if titles else ""


def _matches(entry: Entry, words: str) -> bool:
    return fold(words) in fold(" | ".join((entry.title, *entry.categories)))


def _part(entry: Entry) -> Part:
    name, _, state = entry.title.rpartition(" - ")
    return Part(name=name, word=word(state), changed_at=entry.told_at)


def _unknown(reason: str, detail: str = "") -> Sighting:
    return Sighting.unknown(Evidence.OFFICIAL, reason, plain(detail))


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the feed whose text is `body`; None where it is none, or no entry of it says a state.

    A feed without an entry is taken for one that lists only what is open: at worst that costs a weak "up".
    """
    try:
        feed = read_feed(_DECLARATION.sub("", body, count=1).encode()) if isinstance(body, str) else None
    except NotAFeedError:
        return None
    if feed is None:
        return None
    found: dict[str, object] = {"url": url, **({"title": plain(feed.title)} if feed.title else {})}
    if not feed.entries:
        return found | {"mode": "open_only"}
    parts = [_part(entry) for entry in newest(feed.entries)]
    if all(part.name and part.word in STATES for part in parts):
        return found | {"mode": "components", "components": list(dict.fromkeys(part.name for part in parts))}
    known = Options(url="https://localhost/")
    return found if any(state_of(entry, known) != UNREADABLE for entry in feed.entries) else None


class FeedProbe:
    """One look is one request; the document is read in a thread, because a large one takes a while."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._seen = FirstSeen()

    async def look(self) -> Sighting:
        accept = {"accept": "application/atom+xml, application/rss+xml, application/xml, text/xml"}
        answer = await self._fetcher.get(self._options.url, headers=accept)
        if isinstance(answer, Trouble):
            return answer.as_source_failure(Evidence.OFFICIAL)
        if refused := refusal(answer):
            return refused
        try:
            feed = await asyncio.to_thread(read_feed, answer.body)
        except NotAFeedError as error:
            return _unknown(f"the answer is not a feed: it is {error}")
        now = self._surroundings.now()
        return judge(replace(feed, entries=self._seen.mark(feed.entries, now)), self._options, now=now)


def votes(options: Options) -> frozenset[Evidence]:
    """Without words for an outage every open entry is doubt."""
    return frozenset({Evidence.OFFICIAL} if options.mode == "components" or options.down_words else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[FeedProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield FeedProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=120.0,
    fastest=60.0,
    timeout=15.0,
    votes=votes,
    example="""\
kind: feed
url: https://status.example.net/history.atom
""",
)
