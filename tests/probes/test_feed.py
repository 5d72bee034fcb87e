"""The kind `feed`: what feeds of vendors amount to, as tables, garbage, bombs and a real exchange."""

from __future__ import annotations

import time
from html import escape
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from failover.practice.http import Fault as Breakage
from failover.practice.http import HttpService, Request, Response
from probes._entries import Entry, Feed, NotAFeedError, read_feed
from probes._official import timestamp
from probes.feed import KIND, Options, judge, newest
from tests.probes._garbage import NOW, raw, surroundings

HISTORY = "synthetic_statuspage_history.atom"
INCIDENT_IO = "synthetic_incidentio_feed.rss"
LOGIN = "synthetic_metastatus_open.rss"
GRAPH = "synthetic_metastatus_empty.rss"
STATUSIQ = "synthetic_statusiq_components.rss"
AWS = "rss_aws_history.rss"
AZURE = "rss_azure_empty.xml"


def options(**more: Any) -> Options:
    return Options.model_validate({"url": "https://status.example.net/feed"} | more)


def rss(*items: str, title: str = "Example") -> bytes:
    rows = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"><channel><title>{title}</title>{rows}</channel></rss>'.encode()


def item(
    state: str, at: str | None = "Fri, 20 Nov 2026 10:00:00 GMT", title: str = "Trouble", guid: str = "1"
) -> str:
    date = f"<pubDate>{at}</pubDate>" if at else ""
    return f"<title>{title}</title><guid>{guid}</guid>{date}<description>{state}</description>"


def look_at(body: bytes, chosen: Options, now: float = NOW) -> Sighting:
    return judge(read_feed(body), chosen, now=now)


ON_5_MARCH = {"mode": "open_only", "down_words": ["major disruptions"]}


@pytest.mark.parametrize(
    ("name", "more", "now", "signal", "words"),
    [
        pytest.param(HISTORY, {}, NOW, Signal.DEGRADED, "names an open incident", id="update keeps it identified"),
        pytest.param(HISTORY, {"match": "website"}, NOW, Signal.UP, "no open", id="resolved, title names an outage"),
        pytest.param(HISTORY, {"match": "messaging"}, NOW, Signal.DEGRADED, "open", id="match on a category"),
        pytest.param(HISTORY, {"match": "billing"}, NOW, Signal.UP, "no open", id="match on nothing"),
        pytest.param(HISTORY, {}, NOW + 5 * 86400, Signal.UP, "no open", id="forgotten after days"),
        pytest.param(HISTORY, {"title": "Example Status"}, NOW, Signal.DEGRADED, "open", id="right title"),
        pytest.param(HISTORY, {"title": "Other"}, NOW, Signal.UNKNOWN, "not that of Other", id="wrong title"),
        pytest.param(HISTORY, {"host": "status.example.net"}, NOW, Signal.DEGRADED, "open", id="right host"),
        pytest.param(HISTORY, {"host": "example.org"}, NOW, Signal.UNKNOWN, "not belong", id="wrong host"),
        pytest.param(INCIDENT_IO, {}, NOW, Signal.UP, "no open", id="folded to the newest entry"),
        pytest.param(LOGIN, ON_5_MARCH, NOW, Signal.DOWN, "open outage", id="Meta's gravest words"),
        pytest.param(LOGIN, {"mode": "open_only"}, NOW, Signal.DEGRADED, "open incident", id="doubt by default"),
        pytest.param(LOGIN, {}, NOW, Signal.UNKNOWN, "in a known word", id="an open-only feed read as a log"),
        pytest.param(LOGIN, ON_5_MARCH, NOW + 5 * 86400, Signal.UP, "no open", id="listed for days"),
        pytest.param(GRAPH, ON_5_MARCH, NOW, Signal.UP, "no open", id="nothing open"),
        pytest.param(GRAPH, {}, NOW, Signal.UNKNOWN, "in a known word", id="an empty log"),
        pytest.param(AZURE, {"mode": "open_only"}, NOW, Signal.UP, "no open", id="Azure, nothing open"),
        pytest.param(AWS, {}, NOW, Signal.UNKNOWN, "in a known word", id="AWS writes prose"),
        pytest.param(AWS, {"mode": "open_only"}, timestamp("2026-04-30T08:00:00Z"), Signal.DEGRADED, "open",
                     id="AWS, dates with PDT"),
        pytest.param(AWS, {"mode": "open_only"}, NOW, Signal.UP, "no open", id="AWS, months later"),
    ],
)  # fmt: skip
def test_feeds(name: str, more: dict[str, Any], now: float, signal: Signal, words: str) -> None:
    """The vendor's word in the newest entry of each incident decides, never the title."""
    seen = look_at(raw(name), options(**more), now)
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("names", "signal", "words"),
    [
        (["WordPress.com API"], Signal.UP, "working"),
        (["wordpress.com  api"], Signal.UP, "working"),
        (["Jetpack - Backups"], Signal.DEGRADED, "degraded performance of Jetpack - Backups"),
        (["Mail"], Signal.DOWN, "major outage of Mail"),
        (["Shop"], Signal.UNKNOWN, "announced maintenance"),
        (["Old"], Signal.UNKNOWN, "since 2026-11-02: not believed"),
        (["WordPress.com"], Signal.UNKNOWN, "does not name WordPress.com"),
        (["WordPress.com API", "Mail"], Signal.DOWN, "Mail"),
    ],
)
def test_feed_of_components(names: list[str], signal: Signal, words: str) -> None:
    """One entry per component: its title ends with its state, as on a status page."""
    seen = look_at(raw(STATUSIQ), options(mode="components", components=names))
    assert seen.signal is signal
    assert words in seen.reason


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Status: Investigating\nWe look into it.", Signal.DEGRADED),
        ("<b>Status: Identified</b><br/>x", Signal.DEGRADED),
        ("<p><b>Status:</b> Resolved</p>", Signal.UP),
        ("Status: Resolved.", Signal.UP),
        ("status: monitoring", Signal.UNKNOWN),
        ("Status: Resolvedish", Signal.UNKNOWN),
        ("Status: Puzzled. Earlier we were Investigating", Signal.UNKNOWN),
        ("We say Status: Resolved somewhere in the text", Signal.UNKNOWN),
        ("<strong>Investigating</strong> - x", Signal.DEGRADED),
        ("<p><small>Nov 20</small><br><strong>Resolved</strong> - x</p>", Signal.UP),
        ("<p>\n<small>x</small>\n<br />\n<strong>resolved</strong>\n - x", Signal.UP),
        ("<strong>Completed</strong> - x", Signal.UP),
        ("<strong>Scheduled</strong> - x", Signal.UP),
        ("<strong>In progress</strong> - x", Signal.UNKNOWN),
        ("<strong>Update</strong> - x<p><strong>Identified</strong> - y", Signal.DEGRADED),
        ("<strong>Update</strong> - it is <strong>resolved</strong> - nearly", Signal.UNKNOWN),
        ("<p><strong>Mended</strong> - x</p><p><strong>Investigating</strong> - y</p>", Signal.UNKNOWN),
        ("<p>All is well.</p><p><strong>Investigating</strong> - y</p>", Signal.UNKNOWN),
        ("<p><strong>Update</strong> - x <p>more</p></p><p><strong>Resolved</strong> - y</p>", Signal.UP),
        ("<p>Some of it is <strong>resolved</strong> - nearly</p>", Signal.UNKNOWN),
        ("The website is down.", Signal.UNKNOWN),
        ("", Signal.UNKNOWN),
    ],
)  # fmt: skip
def test_where_the_state_is_written(text: str, signal: Signal) -> None:
    """Only in the vendor's two forms, at their place; a word in the running text is no state."""
    good = item("Status: Resolved", "Thu, 19 Nov 2026 10:00:00 GMT", guid="0")
    assert look_at(rss(good, item(escape(text))), options()).signal is signal


def test_vendors_own_words() -> None:
    """Another language, or other words, are options."""
    words = {"open_words": ["Störung"], "closed_words": ["behoben"], "down_words": ["Totalausfall"]}
    assert look_at(rss(item("Status: störung")), options(**words)).signal is Signal.DEGRADED
    assert look_at(rss(item("Status: Behoben")), options(**words)).signal is Signal.UP
    assert look_at(rss(item("Status: Störung", title="Totalausfall!")), options(**words)).signal is Signal.DOWN


@pytest.mark.parametrize(
    ("title", "at", "signal"),
    [
        ("Major outage", "Fri, 20 Nov 2026 10:00:00 GMT", Signal.DOWN),
        ("MAJOR  OUTAGE: login", "2026-11-20T10:00:00Z", Signal.DOWN),
        ("Major outages", "Fri, 20 Nov 2026 10:00:00 GMT", Signal.DEGRADED),
        ("Partial outage", "Fri, 20 Nov 2026 10:00:00 GMT", Signal.DEGRADED),
        ("Major outage", None, Signal.DEGRADED),
        ("Major outage", "yesterday", Signal.DEGRADED),
        ("Major outage", "Fri, 30 Oct 2026 10:00:00 GMT", Signal.UP),
    ],
)
def test_an_outage_needs_the_words_and_a_date(title: str, at: str | None, signal: Signal) -> None:
    """Open and called an outage, not too long ago; what bears no date cannot be told from old news."""
    assert look_at(rss(item("Status: Investigating", at, title)), options()).signal is signal


def test_old_words_in_the_text_of_a_log_are_no_outage() -> None:
    """The text of a log tells the whole story, also what is over."""
    text = "Status: Identified. It was a major outage this morning."
    assert look_at(rss(item(text)), options()).signal is Signal.DEGRADED
    assert look_at(rss(item(text)), options(mode="open_only")).signal is Signal.DOWN


def test_open_only_feed_may_say_that_it_is_over() -> None:
    """A listed event whose own word is "resolved" is not open."""
    assert look_at(rss(item("Status: Resolved")), options(mode="open_only")).signal is Signal.UP


def test_what_was_forgotten_is_on_record() -> None:
    """An open incident that is not believed any more is named in the detail."""
    seen = look_at(rss(item("Status: Investigating", "Mon, 02 Nov 2026 10:00:00 GMT", "Slow mail")), options())
    assert (seen.signal, seen.detail) == (Signal.UP, "taken as forgotten: Slow mail")


def test_folding() -> None:
    """One entry per id, the newest by its date wherever it stands; without dates the first."""
    said = [("a", "old", 1.0), ("a", "new", 2.0), ("b", "first", None), ("b", "second", None), ("a", "older", 0.5)]
    entries = [Entry(key=key, title=title, changed_at=at) for key, title, at in said]
    assert [entry.title for entry in newest(entries)] == ["new", "first"]


def test_reading_atom_and_rss() -> None:
    """Ids, dates, categories and text of both forms; nested and foreign elements are passed over."""
    atom = read_feed(raw(HISTORY))
    assert (atom.title, atom.link) == ("Example Status - Incident History", "https://status.example.net")
    first = atom.entries[0]
    assert (first.key, first.categories) == ("tag:status.example.net,2005:Incident/3", ("Messaging",))
    assert first.changed_at == timestamp("2026-11-20T10:20:00Z")
    assert "<strong>Update</strong>" in first.text
    aws = read_feed(raw(AWS))
    assert [entry.changed_at for entry in aws.entries] == [
        timestamp("2026-04-30T07:25:54Z"),
        timestamp("2026-03-03T16:40:00Z"),
    ]


LAUGHS = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 50}">' for i in range(25))
BOMB = f'<!DOCTYPE rss [<!ENTITY a "ha">{LAUGHS}]><rss><channel><title>&z;</title></channel></rss>'.encode()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<!DOCTYPE html><html><body>down</body></html>", id="web page"),
        pytest.param(b"<html><body>major outage</body></html>", id="web page that is XML"),
        pytest.param(b'{"status": "major_outage"}', id="JSON"),
        pytest.param(bytes(range(256)) * 10, id="bytes"),
        pytest.param(b"<rss><channel><item>", id="cut off"),
        pytest.param(b'<?xml version="1.0" encoding="martian"?><rss/>', id="unknown encoding"),
        pytest.param(b'<?xml version="1.0" encoding="euc-jp"?><rss/>', id="encoding that expat lacks"),
        pytest.param(BOMB, id="billion laughs"),
        pytest.param(b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd"><rss/>', id="external definitions"),
        pytest.param(b"<rss><channel>" + b"<a>" * 400_000, id="very deep"),
        pytest.param(rss(*["<title>x</title>"] * 60_000), id="very many"),
        pytest.param(b"<rss><channel><item><title " + b"a" * 1_000_000 + b"</item></channel></rss>", id="long name"),
    ],
)
def test_what_is_not_a_feed_is_refused_quickly(body: bytes) -> None:
    """Pages, garbage and bombs end at once, with a reason, and are never read as news."""
    began = time.monotonic()
    with pytest.raises(NotAFeedError, match=r"."):
        read_feed(body)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(rss("<title " + " ".join(f"a{i}='x'" for i in range(100_000)) + ">t</title>"), id="attributes"),
        pytest.param(rss(f"<author>{'a' * 1_500_000}</author>"), id="long author"),
        pytest.param(rss(item("&lt;strong&gt;" * 100_000)), id="many open marks"),
        pytest.param(rss(item("&lt;br" + " " * 1_500_000)), id="blanks in a mark"),
        pytest.param(rss(item("Status:" + "&lt;b&gt; " * 100_000)), id="marks after the word"),
        pytest.param(rss(item("", "1" * 1_000_000)), id="long date"),
        pytest.param(rss(*[item("", None, "t" * 500, str(i)) for i in range(1900)]), id="many entries"),
    ],
)
def test_hostile_feeds_cost_little(body: bytes) -> None:
    """Reading and judging takes time in proportion to the size: no pattern runs away."""
    began = time.monotonic()
    assert look_at(body, options(mode="open_only")).signal in (Signal.DEGRADED, Signal.UNKNOWN)
    assert time.monotonic() - began < 2


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(deadline=None, max_examples=100)
def test_any_bytes_are_refused_or_read(body: bytes) -> None:
    """Nothing but the one exception that means "not a feed"."""
    for wrapped in (body, b"<rss><channel><item>" + body + b"</item></channel></rss>"):
        try:
            assert look_at(wrapped, options()).signal is Signal.UNKNOWN
        except NotAFeedError as error:
            assert str(error)  # noqa: PT017 - either outcome is right


@given(st.randoms(use_true_random=False), st.sampled_from([HISTORY, INCIDENT_IO, LOGIN, STATUSIQ, AWS]))
@settings(deadline=None, max_examples=200)
def test_spoiled_feeds_never_invent_an_outage(random: Random, name: str) -> None:
    """Bytes cut out, doubled or exchanged: DOWN only where the words for it are still there."""
    body = bytearray(raw(name))
    for _ in range(random.randrange(1, 6)):
        start = random.randrange(len(body))
        end = start + random.randrange(1, 40)
        body[start:end] = random.choice([b"", bytes(body[start:end]) * 2, b"resolved", b"<b>", b"&lt;strong&gt;"])
    try:
        feed = read_feed(bytes(body))
    except NotAFeedError:
        return
    if judge(feed, options(), now=NOW).signal is Signal.DOWN:
        assert b"All is well." not in body
    if judge(feed, options(**ON_5_MARCH), now=NOW).signal is Signal.DOWN:
        assert b"major disruptions" in bytes(body).lower()
    watched = options(mode="components", components=["Mail", "WordPress.com API"])
    if judge(feed, watched, now=NOW).signal is Signal.DOWN:
        assert any(" - major outage" in " ".join(entry.title.lower().split()) for entry in feed.entries)


@given(st.lists(st.builds(Entry, key=st.text(max_size=3), title=st.text(max_size=30), text=st.text(max_size=60),
                          changed_at=st.none() | st.floats(0, 4e9))))  # fmt: skip
@settings(deadline=None, max_examples=100)
def test_any_entries_are_judged(entries: list[Entry]) -> None:
    """Random entries raise nothing, and without the vendor's words nothing is down."""
    for more in ({}, {"mode": "open_only"}, {"mode": "components", "components": ["Mail"]}):
        assert judge(Feed(entries=tuple(entries)), options(**more), now=NOW).signal is not Signal.DOWN


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "feed.xml"},
        {"mode": "components"},
        {"components": ["Mail"]},
        {"mode": "components", "components": [""]},
        {"down_words": [" "]},
        {"mode": "all"},
        {"forget_after": "3 days"},
        {"words": []},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start."""
    with pytest.raises(ValidationError):
        options(**wrong)


class FeedService(HttpService):
    """Serves one document; everything else is noted as well."""

    def __init__(self, body: bytes, *, status: int = 200) -> None:
        super().__init__()
        self.body = body
        self.status = status

    async def answer(self, request: Request) -> Response:
        headers = {"content-type": "application/xml", "etag": '"1"'}
        if request.headers.get("if-none-match") == '"1"':
            return Response(304, headers=headers)
        return Response(self.status, self.body, headers)


async def look_once(service: FeedService, **more: Any) -> Sighting:
    async with KIND.open(options(url=f"{service.url}/feed", **more), surroundings()) as probe:
        return await probe.look()


async def test_a_look_over_the_wire() -> None:
    """One request; unchanged feeds cost a 304 and say the same."""
    async with FeedService(raw(HISTORY)) as service:
        async with KIND.open(options(url=f"{service.url}/feed"), surroundings()) as probe:
            assert [(await probe.look()).signal for _ in range(2)] == [Signal.DEGRADED] * 2
        assert [request.headers.get("if-none-match") for request in service.requests] == [None, '"1"']


async def test_a_feed_cannot_make_us_fetch_anything() -> None:
    """References to other documents are not followed: the one request is ours."""
    async with FeedService(b"") as service:
        service.body = (
            f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{service.url}/stolen"><!ENTITY % y SYSTEM "{service.url}/dtd">%y;]>'
            f"<rss><channel><title>&x;</title></channel></rss>"
        ).encode()
        seen = await look_once(service)
        assert [request.path for request in service.requests] == ["/feed"]
    assert seen.signal is Signal.UNKNOWN
    assert "definitions" in seen.reason


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"<html>", 200, "not a feed"),
        (b"<!DOCTYPE html><html></html>", 200, "it is a web page"),
        (b"", 200, "not a feed"),
        (b"<rss/>", 503, "HTTP 503"),
        (b"<rss/>", 403, "does not let us in"),
        (b"<rss/>", 404, "HTTP 404"),
        (rss(item("x" * 2_100_000)), 200, "could not be read"),
    ],
    ids=["html", "web page", "empty", "503", "403", "404", "too large"],
)
async def test_a_source_that_fails_says_nothing(body: bytes, status: int, words: str) -> None:
    """Rule R4: with a reason, and never down."""
    async with FeedService(body, status=status) as service:
        seen = await look_once(service)
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, None)
    assert words in seen.reason


@pytest.mark.parametrize("breakage", [Breakage.RESET_BEFORE, Breakage.HALF_AFTER, Breakage.HTML_BEFORE])
async def test_a_broken_exchange_says_nothing(breakage: Breakage) -> None:
    """Also half a feed, although its first half may name an outage."""
    async with FeedService(raw(LOGIN)) as service:
        service.fail(breakage)
        assert (await look_once(service, **ON_5_MARCH)).signal is Signal.UNKNOWN
