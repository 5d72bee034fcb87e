"""The site kind: pages, feed and status of what was said; every death between two files; nothing said twice."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import feedparser
import pytest
from pydantic import ValidationError

from channels._site_files import Disk, disk_trouble, publish, stage
from channels._site_said import from_json, kept, overall, said_by, situations, slug_of, to_json
from channels._site_template import INDEX
from channels.site import KIND, SiteChannel, SiteOptions, measure
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Found,
    Organisation,
    Receipt,
    Refusal,
    Refused,
    Statement,
    Unconfirmed,
    Unreachable,
)
from tests.channels._house import HOLDING, NOW, Notes, surroundings, wording

NOTES = Notes()
NEEDS_A_MORTAL = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


@asynccontextmanager
async def opened(
    folder: Path, titles: Mapping[str, str] | None = None, **changes: object
) -> AsyncIterator[SiteChannel]:
    options = SiteOptions.model_validate({"folder": folder, "url": "https://status.example.org"} | changes)
    async with KIND.open(options, replace(surroundings(), titles=titles or {})) as channel:
        assert isinstance(channel, SiteChannel)
        yield channel


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[SiteChannel]:
    async with opened(tmp_path / "www") as channel:
        yield channel


@pytest.fixture
def www(tmp_path: Path) -> Path:
    return tmp_path / "www"


def later(statement: Statement, seconds: float, **changes: object) -> Announcement:
    """Something else said of the same incident."""
    fields: dict[str, object] = {
        "key": f"inc1:{statement.value}:site",
        "statement": statement,
        "reference": f"FB-{statement.value}",
        "text": f"This is the {statement.value}.",
        "subject": statement.value,
        "created_at": NOW + seconds,
    }
    return wording(**(fields | changes))


def status(www: Path) -> dict[str, object]:
    found = json.loads((www / "status.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def tree(www: Path) -> dict[str, bytes]:
    return {str(path.relative_to(www)): path.read_bytes() for path in sorted(www.rglob("*")) if path.is_file()}


def written(www: Path) -> dict[str, int]:
    """When each file was last written."""
    return {str(path): path.stat().st_mtime_ns for path in www.rglob("*")}


def modes(www: Path) -> set[tuple[bool, int]]:
    """(is a folder, permissions) of everything there."""
    return {(path.is_dir(), path.stat().st_mode & 0o777) for path in (www, *www.rglob("*"))}


async def test_people_read_the_platforms_titles_and_programs_their_names(www: Path) -> None:
    """Also of a title that came later; what the configuration no longer knows stands under its name."""
    said = wording(platforms=("facebook", "threads"), text="Down.", subject="Down")
    async with opened(www) as site:
        await site.send(said, NOTES)
    async with opened(www, titles={"facebook": "Facebook & Co"}) as site:
        assert await site.show_state({})
        assert "<p>Facebook &amp; Co, threads, since" in (www / "index.html").read_text("utf-8")
        assert "Disruption: Facebook &amp; Co, threads" in (www / "index.html").read_text("utf-8")
        assert status(www)["incidents"][0]["platforms"] == ["facebook", "threads"]  # type: ignore[index]
        assert isinstance(await site.find(said, NOTES), Found)


async def test_a_statement_is_in_all_its_places(site: SiteChannel, www: Path) -> None:
    outcome = await site.send(HOLDING, NOTES)
    address = "https://status.example.org/statements/fb-1118-1106.html"
    assert outcome == Delivered(receipt=Receipt(remote_id="fb-1118-1106", url=address))
    assert tree(www).keys() == {
        "feed.atom",
        "index.html",
        "status.json",
        "statements/fb-1118-1106.html",
        "statements/fb-1118-1106.json",
    }
    for page in ("index.html", "feed.atom", "status.json", "statements/fb-1118-1106.html"):
        assert HOLDING.text in (www / page).read_text("utf-8")
    assert await site.find(HOLDING, NOTES) == Found(receipt=outcome.receipt)


async def test_a_repeat_changes_not_one_byte(site: SiteChannel, www: Path) -> None:
    first = await site.send(HOLDING, NOTES)
    before = tree(www)
    assert await site.send(HOLDING, NOTES) == first
    assert tree(www) == before


async def test_the_web_server_may_read_everything(site: SiteChannel, www: Path) -> None:
    """Whatever the umask is."""
    old = os.umask(0o077)
    try:
        await site.send(HOLDING, NOTES)
    finally:
        os.umask(old)
    assert modes(www) == {(True, 0o755), (False, 0o644)}


async def test_before_anything_was_said_it_is_absent(site: SiteChannel, www: Path) -> None:
    assert isinstance(await site.find(HOLDING, NOTES), Absent)
    assert tree(www.parent) == {}


# -- what the pages say ------------------------------------------------------------------------------------------


async def test_the_story_of_an_incident(site: SiteChannel, www: Path) -> None:
    """Disruption from the first word on, all clear with the last; the newest statement is on top."""
    states = []
    for announcement in (HOLDING, later(Statement.UPDATE, 600), later(Statement.WELCOME_BACK, 1200)):
        await site.send(announcement, NOTES)
        states.append(status(www)["state"])
    assert states == ["disruption", "disruption", "all clear"]
    index = (www / "index.html").read_text("utf-8")
    assert index.index("This is the welcome_back.") < index.index("This is the update.") < index.index(HOLDING.text)
    assert "<strong>All clear</strong>" in index
    assert "<strong>Disruption</strong>" not in index


async def test_status_json_tells_each_incident(site: SiteChannel, www: Path) -> None:
    await site.send(HOLDING, NOTES)
    await site.send(later(Statement.WELCOME_BACK, 60), NOTES)
    other = later(Statement.INTERMITTENT, 30, incident="inc2", reference="X-1", platforms=("x",))
    await site.send(other, NOTES)
    found = status(www)
    incidents = found["incidents"]
    assert isinstance(incidents, list)
    assert found["state"] == "disruption"
    assert [(one["id"], one["state"], one["platforms"]) for one in incidents] == [
        ("inc1", "all clear", ["facebook"]),
        ("inc2", "disruption", ["x"]),
    ]
    assert incidents[0]["since"] == "2026-11-18T11:06:40Z"
    assert incidents[0]["updated"] == "2026-11-18T11:07:40Z"


async def test_an_incident_that_ended_without_a_word_is_not_shown_as_lasting(site: SiteChannel, www: Path) -> None:
    """The page claims no more than that nothing is known, and the statement itself stays as it was said."""
    await site.send(HOLDING, NOTES)
    before = tree(www)
    assert await site.show_state({"inc1": NOW + 3600, "inc2": NOW + 60})
    index = (www / "index.html").read_text("utf-8")
    assert "<strong>Disruption</strong>" not in index
    assert "<strong>No known disruption</strong>" in index
    assert 'Over since <time datetime="2026-11-18T12:06:40Z">' in index
    found = status(www)
    assert found["state"] == "all clear"
    [one] = found["incidents"]  # type: ignore[misc]
    assert (one["state"], one["ended"]) == ("all clear", "2026-11-18T12:06:40Z")
    same = {name for name, content in tree(www).items() if before.get(name) == content}
    assert same == {name for name in before if name.startswith("statements/")} | {"feed.atom"}
    assert isinstance(await site.find(HOLDING, NOTES), Found)
    assert modes(www) == {(True, 0o755), (False, 0o644)}


async def test_to_show_the_end_again_changes_not_one_byte(site: SiteChannel, www: Path) -> None:
    await site.send(HOLDING, NOTES)
    await site.show_state({"inc1": NOW + 3600})
    before = written(www)
    assert await site.show_state({"inc1": NOW + 3600})
    assert written(www) == before


async def test_a_word_after_the_end_counts_again(site: SiteChannel, www: Path) -> None:
    """A relapse that is told; a welcome back that is said late is the last word as ever."""
    await site.send(HOLDING, NOTES)
    await site.show_state({"inc1": NOW + 600})
    await site.send(later(Statement.UPDATE, 900), NOTES)
    assert status(www)["state"] == "disruption"
    await site.show_state({"inc1": NOW + 1200})
    assert status(www)["state"] == "all clear"
    await site.send(later(Statement.WELCOME_BACK, 1300), NOTES)
    assert "<strong>All clear</strong>" in (www / "index.html").read_text("utf-8")


async def test_what_is_open_again_is_shown_as_lasting_though_no_word_is_said(site: SiteChannel, www: Path) -> None:
    """Told twice it changes nothing; another incident stays over, and the next end is shown with its own time."""
    await site.send(HOLDING, NOTES)
    await site.send(later(Statement.HOLDING, 9, incident="inc2", reference="X-1", platforms=("x",)), NOTES)
    await site.show_state({"inc1": NOW + 600, "inc2": NOW + 600})
    assert status(www)["state"] == "all clear"
    assert await site.show_state({"inc1": None, "inc3": None})
    states = {one["id"]: one["state"] for one in status(www)["incidents"]}  # type: ignore[attr-defined]
    assert states == {"inc1": "disruption", "inc2": "all clear"}
    before = written(www)
    assert await site.show_state({"inc1": None})
    assert written(www) == before
    await site.show_state({"inc1": NOW + 1200})
    assert json.loads((www / "over.json").read_bytes())["fb-1118-1106"] == NOW + 1200


async def test_what_is_said_to_be_back_is_not_talked_down_by_a_relapse_without_a_word(
    site: SiteChannel, www: Path
) -> None:
    await site.send(HOLDING, NOTES)
    await site.send(later(Statement.WELCOME_BACK, 60), NOTES)
    await site.show_state({"inc1": None})
    assert status(www)["state"] == "all clear"


async def test_an_end_is_remembered_when_something_else_is_said(site: SiteChannel, www: Path) -> None:
    await site.send(HOLDING, NOTES)
    await site.show_state({"inc1": NOW + 600})
    other = later(Statement.HOLDING, 900, incident="inc2", reference="X-1", platforms=("x",))
    outcome = await site.send(other, NOTES)
    assert isinstance(outcome, Delivered)
    states = {one["id"]: one["state"] for one in status(www)["incidents"]}  # type: ignore[attr-defined]
    assert states == {"inc1": "all clear", "inc2": "disruption"}
    assert isinstance(await site.find(other, NOTES), Found)
    await site.retract(outcome.receipt)
    assert status(www)["state"] == "all clear"


async def test_where_nothing_was_said_no_end_is_shown(site: SiteChannel, www: Path) -> None:
    assert await site.show_state({"inc1": NOW})
    assert tree(www) == {}


async def test_an_end_that_cannot_be_written_is_not_claimed(site: SiteChannel, www: Path) -> None:
    await site.send(HOLDING, NOTES)
    (www / "over.json").mkdir()
    assert not await site.show_state({"inc1": NOW + 600})
    assert status(www)["state"] == "disruption"
    (www / "over.json").rmdir()
    assert await site.show_state({"inc1": NOW + 600})
    assert status(www)["state"] == "all clear"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"fb-1118-1106": "then"}', b"\xff"])
async def test_a_damaged_memory_of_what_is_over_is_made_anew(site: SiteChannel, www: Path, content: bytes) -> None:
    await site.send(HOLDING, NOTES)
    (www / "over.json").write_bytes(content)
    assert isinstance(await site.find(HOLDING, NOTES), Found)
    await site.show_state({"inc1": NOW + 600})
    assert json.loads((www / "over.json").read_bytes()) == {"fb-1118-1106": NOW + 600}


@pytest.mark.parametrize(
    ("platforms", "seconds", "state"),
    [
        (("facebook",), 60, "all clear"),
        (("facebook", "instagram"), 60, "all clear"),
        (("instagram",), 60, "disruption"),
        (("facebook",), -60, "disruption"),
    ],
    ids=["the same platform", "with others", "another one", "before it"],
)
def test_what_is_said_to_be_back_in_a_later_incident_is_back(
    platforms: tuple[str, ...], seconds: float, state: str
) -> None:
    """An incident whose end the site was never told of does not last for ever."""
    back = later(Statement.WELCOME_BACK, seconds, incident="inc2", platforms=platforms)
    standing = situations([said_by(HOLDING), said_by(back)])
    assert overall(standing) == state


STATES = [
    ([], "all clear", {}),
    ([Statement.HOLDING], "disruption", {"inc1": "disruption"}),
    ([Statement.AGAIN], "disruption", {"inc1": "disruption"}),
    ([Statement.INTERMITTENT], "disruption", {"inc1": "disruption"}),
    ([Statement.HOLDING, Statement.WELCOME_BACK], "all clear", {"inc1": "all clear"}),
    ([Statement.HOLDING, Statement.WELCOME_BACK, Statement.AGAIN], "disruption", {"inc1": "disruption"}),
    ([Statement.HOLDING, Statement.CORRECTION], "all clear", {"inc1": "correction"}),
    ([Statement.DRILL], "all clear", {}),
    ([Statement.HOLDING, Statement.DRILL], "disruption", {"inc1": "disruption"}),
]


@pytest.mark.parametrize(("words", "state", "incidents"), STATES)
def test_the_last_word_on_an_incident_is_its_state(
    words: list[Statement], state: str, incidents: dict[str, str]
) -> None:
    said = [said_by(later(statement, seconds)) for seconds, statement in enumerate(words)]
    standing = situations(said)
    assert overall(standing) == state
    assert {one.incident: one.state for one in standing} == incidents


def test_of_two_words_made_at_once_the_one_that_ends_it_counts() -> None:
    said = [said_by(later(statement, 0)) for statement in (Statement.WELCOME_BACK, Statement.HOLDING)]
    assert overall(situations(said)) == "all clear"


async def test_the_feed_is_valid_and_its_ids_never_change(site: SiteChannel, www: Path) -> None:
    """RFC 4287: id, title, updated, author; entries with id, title, updated and a link."""
    await site.send(HOLDING, NOTES)
    before = feedparser.parse((www / "feed.atom").read_bytes())
    await site.send(later(Statement.WELCOME_BACK, 600), NOTES)
    feed = feedparser.parse((www / "feed.atom").read_bytes())
    assert (feed.bozo, feed.version, feed.encoding) == (False, "atom10", "utf-8")
    assert feed.feed.title == "Example Borough Council: service status"
    assert feed.feed.author == "Example Borough Council"
    assert feed.feed.id == before.feed.id == "tag:status.example.org,2026:statements"
    assert feed.feed.updated == "2026-11-18T11:16:40Z"
    assert [entry.id for entry in feed.entries] == [
        "tag:status.example.org,2026-11-18:fb-welcome-back-" + slug_of("FB-welcome_back").rpartition("-")[2],
        before.entries[0].id,
    ]
    entry = feed.entries[1]
    assert (entry.title, entry.updated) == (HOLDING.subject, "2026-11-18T11:06:40Z")
    assert entry.link == "https://status.example.org/statements/fb-1118-1106.html"
    assert entry.content[0].value == HOLDING.text
    assert {link.rel for link in feed.feed.links} == {"self", "alternate"}


async def test_without_an_address_the_feed_still_has_ids(tmp_path: Path) -> None:
    async with opened(tmp_path / "www", url=None) as site:
        outcome = await site.send(HOLDING, NOTES)
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.url == ""
        feed = feedparser.parse((tmp_path / "www" / "feed.atom").read_bytes())
        assert not feed.bozo
        assert feed.entries[0].id.startswith("urn:uuid:")
        assert isinstance(await site.find(HOLDING, NOTES), Found)


EVIL = "<script>alert(\"1\")</script> & 'quoted' ]]> </article> \x00\x0b\ud800"


async def test_nothing_in_a_text_becomes_markup(site: SiteChannel, www: Path) -> None:
    await site.send(wording(text=EVIL, subject=EVIL, platforms=(EVIL,)), NOTES)
    for page in ("index.html", "statements/fb-1118-1106.html"):
        html = (www / page).read_text("utf-8")
        assert "<script" not in html
        assert "&lt;script&gt;" in html
    feed = feedparser.parse((www / "feed.atom").read_bytes())
    assert not feed.bozo
    assert feed.entries[0].title_detail.value.startswith("<script>") or "script" not in feed.entries[0].title
    assert status(www)["state"] == "disruption"


async def test_a_link_in_a_text_can_be_followed(site: SiteChannel, www: Path) -> None:
    await site.send(wording(text='See https://example.org/a?b=1&c="x" now.'), NOTES)
    assert '<a href="https://example.org/a?b=1&amp;c=' in (www / "index.html").read_text("utf-8")


class Outline(HTMLParser):
    """The elements of a page, checked for being closed in order."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def count(self, tag: str) -> int:
        return sum(one == tag for one, _ in self.elements)


@pytest.mark.parametrize("page", ["index.html", "statements/fb-1118-1106.html"])
async def test_the_pages_are_whole_accessible_and_need_nothing_else(tmp_path: Path, page: str) -> None:
    async with opened(tmp_path / "www", language="en-GB") as site:
        await site.send(HOLDING, NOTES)
        await site.send(later(Statement.UPDATE, 60), NOTES)
    html = (tmp_path / "www" / page).read_text("utf-8")
    outline = Outline(html)
    assert html.startswith("<!doctype html>")
    assert outline.elements[0] == ("html", {"lang": "en-GB"})
    for landmark in ("main", "header", "footer", "h1", "title"):
        assert outline.count(landmark) == 1, landmark
    assert outline.count("script") == outline.count("img") == outline.count("form") == 0
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    sources = [
        attributes[name] for _, attributes in outline.elements for name in ("src", "data") if name in attributes
    ]
    assert sources == []
    assert 'name="viewport"' in html
    assert "prefers-color-scheme: dark" in html


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ("ink", "paper"),
        ("faint", "paper"),
        ("link", "paper"),
        ("warn", "warn-paper"),
        ("good", "good-paper"),
        ("ink", "warn-paper"),
        ("ink", "good-paper"),
    ],
)
def test_every_colour_can_be_read(scheme: int, ink: str, paper: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    shades = [re.findall(rf"--{name}: (#[0-9a-f]{{6}})", INDEX)[scheme] for name in (ink, paper)]
    dark, light = sorted(map(luminance, shades))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


# -- death between two files -------------------------------------------------------------------------------------

ORDER = (
    "statements/fb-1118-1106.json",
    "statements/fb-1118-1106.html",
    "index.html",
    "feed.atom",
    "status.json",
)


def put_back(www: Path, files: dict[str, bytes], names: Iterable[str]) -> None:
    for name in names:
        (www / name).write_bytes(files[name]) if name in files else (www / name).unlink()


@pytest.mark.parametrize("written", range(5), ids=[f"before-{name.rpartition('/')[2]}" for name in ORDER])
@pytest.mark.parametrize("wanted", [True, False], ids=["repeated", "cancelled"])
async def test_a_death_between_two_files(tmp_path: Path, written: int, wanted: bool) -> None:
    """The process died when so many files had taken their place.  At the next start it is looked for: what is not
    whole is gone, so that it can be repeated, or left unsaid when it is no longer wanted."""
    www = tmp_path / "www"
    async with opened(www) as site:
        await site.send(later(Statement.WELCOME_BACK, -600), NOTES)
        before = tree(www)
        await site.send(HOLDING, NOTES)
        put_back(www, before, ORDER[written:])
    async with opened(www) as site:
        found = await site.find(HOLDING, NOTES)
        assert isinstance(found, Absent)
        assert tree(www) == before
        if wanted:
            assert isinstance(await site.send(HOLDING, NOTES), Delivered)
            assert status(www)["state"] == "disruption"
        else:
            await site.send(later(Statement.WELCOME_BACK, 900, incident="inc2", reference="later"), NOTES)
            assert isinstance(await site.find(HOLDING, NOTES), Absent)
            assert status(www)["state"] == "all clear"


async def test_the_files_take_their_places_in_that_order(www: Path) -> None:
    """The statement's own file first: the others follow from it."""
    order: list[str] = []

    def watching(path: Path) -> None:
        order.append(str(path.relative_to(www)))
        publish(path)

    site = SiteChannel(SiteOptions(folder=www), surroundings().organisation, Disk(publish=watching))
    await site.send(HOLDING, NOTES)
    assert tuple(order) == ORDER


@pytest.mark.parametrize("blocked", ["index.html", "feed.atom", "status.json"])
async def test_a_write_that_fails_is_undone(site: SiteChannel, www: Path, blocked: str) -> None:
    """A folder stands where a file should be: nothing of the statement stays, so "not posted" is true."""
    await site.send(later(Statement.WELCOME_BACK, -600), NOTES)
    (www / blocked).unlink()
    (www / blocked).mkdir()
    outcome = await site.send(HOLDING, NOTES)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "a folder stands where a file should be"
    assert outcome.refusal is Refusal.CONFIGURATION
    assert not any(HOLDING.text.encode() in content for content in tree(www).values())
    (www / blocked).rmdir()
    assert isinstance(await site.find(HOLDING, NOTES), Absent)
    assert isinstance(await site.send(HOLDING, NOTES), Delivered)


async def test_what_can_be_neither_finished_nor_undone_is_unconfirmed(site: SiteChannel, www: Path) -> None:
    """The index is out, the feed is not, and then the disk takes nothing any more."""
    done: list[Path] = []

    def failing(path: Path) -> None:
        done.append(path)
        if len(done) > 3:
            raise OSError(5, "Input/output error")
        publish(path)

    dying = SiteChannel(SiteOptions(folder=www), surroundings().organisation, Disk(publish=failing))
    outcome = await dying.send(HOLDING, NOTES)
    assert isinstance(outcome, Unconfirmed)
    assert "EIO" in outcome.reason
    assert isinstance(await dying.find(HOLDING, NOTES), CannotTell)
    assert isinstance(await site.find(HOLDING, NOTES), Absent)


@pytest.mark.parametrize("room", range(5))
async def test_a_full_disk_changes_nothing_that_people_see(site: SiteChannel, www: Path, room: int) -> None:
    """Everything is written under hidden names before anything takes its place."""
    await site.send(later(Statement.WELCOME_BACK, -600), NOTES)
    before = tree(www)
    staged: list[Path] = []

    def filling(path: Path, content: bytes, mode: int) -> None:
        staged.append(path)
        if len(staged) > room:
            raise OSError(28, "No space left on device")
        stage(path, content, mode)

    full = SiteChannel(SiteOptions(folder=www), surroundings().organisation, Disk(stage=filling))
    outcome = await full.send(HOLDING, NOTES)
    assert isinstance(outcome, Unreachable)
    assert outcome.reason == "the disk is full"
    assert tree(www) == before


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (28, Unreachable, "the disk is full"),
        (122, Unreachable, "the disk is full"),
        (5, Unreachable, "the disk reports an error (EIO)"),
        (13, Refused, "no permission"),
        (30, Refused, "cannot be written"),
        (20, Refused, "a file stands where"),
        (21, Refused, "a folder stands where"),
        (2, Refused, "not there"),
        (36, Refused, "too long"),
    ],
)
def test_what_a_disk_error_means(number: int, kind: type, words: str) -> None:
    outcome = disk_trouble(OSError(number, "x"))
    assert isinstance(outcome, kind)
    assert words in outcome.reason


async def test_a_missing_parent_and_a_file_in_the_way_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "no" / "www", tmp_path / "file", tmp_path / "file" / "www"):
        async with opened(folder) as site:
            outcome = await site.send(HOLDING, NOTES)
            assert isinstance(outcome, Refused)
            assert outcome.refusal is Refusal.CONFIGURATION
            assert not (await site.check()).able


@NEEDS_A_MORTAL
async def test_a_folder_that_may_not_be_written_is_refused(site: SiteChannel, www: Path) -> None:
    await site.send(later(Statement.WELCOME_BACK, -600), NOTES)
    (www / "statements").chmod(0o555)
    outcome = await site.send(HOLDING, NOTES)
    (www / "statements").chmod(0o755)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "no permission to write in the folder"


async def test_a_cancelled_send_finishes_before_anybody_looks(site: SiteChannel, www: Path) -> None:
    """The thread goes on when its caller is cut off; the next call waits for it."""
    sending = asyncio.ensure_future(site.send(HOLDING, NOTES))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    sending.cancel()
    await asyncio.wait([sending])
    found = await site.find(HOLDING, NOTES)
    assert isinstance(found, Found if (www / "status.json").exists() else Absent)
    assert isinstance(await site.send(HOLDING, NOTES), Delivered)


async def test_a_damaged_file_does_not_silence_the_site(site: SiteChannel, www: Path) -> None:
    await site.send(later(Statement.WELCOME_BACK, -600), NOTES)
    (www / "statements" / "broken.json").write_bytes(b"{")
    (www / "statements" / "foreign.json").write_bytes(b'{"slug": "../../etc/passwd"}')
    assert isinstance(await site.send(HOLDING, NOTES), Delivered)
    health = await site.check()
    assert health.able
    assert health.warnings == ("2 files in the folder `statements` cannot be understood and are passed over",)


# -- retract, keep, check ----------------------------------------------------------------------------------------


async def test_a_false_alarm_is_taken_back(site: SiteChannel, www: Path) -> None:
    await site.send(later(Statement.WELCOME_BACK, -600), NOTES)
    before = tree(www)
    outcome = await site.send(HOLDING, NOTES)
    assert isinstance(outcome, Delivered)
    for _ in range(2):  # gone, or gone before
        assert await site.retract(outcome.receipt) == Delivered(receipt=outcome.receipt)
        assert tree(www) == before
    assert isinstance(await site.find(HOLDING, NOTES), Absent)


async def test_taking_back_the_only_statement_leaves_an_empty_site(site: SiteChannel, www: Path) -> None:
    outcome = await site.send(HOLDING, NOTES)
    assert isinstance(outcome, Delivered)
    await site.retract(outcome.receipt)
    assert "No known disruption" in (www / "index.html").read_text("utf-8")
    assert status(www) == {
        "organisation": "Example Borough Council",
        "state": "all clear",
        "updated": None,
        "incidents": [],
    }
    assert not feedparser.parse((www / "feed.atom").read_bytes()).bozo


@pytest.mark.parametrize("remote_id", ["", "../index", "a/b", ".", "A"])
async def test_only_our_own_statements_are_taken_back(site: SiteChannel, remote_id: str) -> None:
    assert isinstance(await site.retract(Receipt(remote_id=remote_id)), Refused)


async def test_taking_back_where_nothing_was_said_makes_no_site(site: SiteChannel, www: Path) -> None:
    assert isinstance(await site.retract(Receipt(remote_id="x")), Delivered)
    assert tree(www.parent) == {}


def test_a_thousand_statements_stay_bounded() -> None:
    """The newest stay, and the last word on what is not over, but of those no more than as many again."""
    said = [
        said_by(
            later(Statement.HOLDING, at, incident=f"inc{at}", reference=f"r{at}", key=f"k{at}", platforms=(f"p{at}",))
        )
        for at in range(1000)
    ]
    left = kept(said, 50)
    assert len(left) == 50
    assert left[0].slug == "r999"
    over = [replace(one, statement=Statement.WELCOME_BACK, slug=f"{one.slug}-end") for one in said[100:]]
    left = kept([*said, *over], 50)
    assert len(left) == 100
    assert [one.slug for one in left[50:]] == [f"r{at}" for at in range(99, 49, -1)]


async def test_old_statements_leave_the_folder(tmp_path: Path) -> None:
    www = tmp_path / "www"
    async with opened(www, keep=3) as site:
        for at in range(12):
            ended = later(Statement.WELCOME_BACK, at, incident=f"inc{at}", reference=f"r{at}", key=f"k{at}")
            await site.send(ended, NOTES)
    assert sorted(path.name for path in (www / "statements").iterdir()) == [
        f"r{at}.{kind}" for at in (10, 11, 9) for kind in ("html", "json")
    ]
    assert len(feedparser.parse((www / "feed.atom").read_bytes()).entries) == 3


async def test_a_lasting_disruption_is_not_talked_away(tmp_path: Path) -> None:
    www = tmp_path / "www"
    async with opened(www, keep=2) as site:
        await site.send(HOLDING, NOTES)
        for at in range(4):
            fields = {"incident": f"o{at}", "reference": f"r{at}", "key": f"k{at}", "platforms": ("x",)}
            await site.send(later(Statement.WELCOME_BACK, at + 1, **fields), NOTES)
    assert status(www)["state"] == "disruption"


async def test_a_statement_made_earlier_but_sent_late_is_still_published(tmp_path: Path) -> None:
    async with opened(tmp_path / "www", keep=1) as site:
        await site.send(later(Statement.WELCOME_BACK, 60, incident="inc2", reference="newer"), NOTES)
        await site.send(later(Statement.CORRECTION, 0), NOTES)
        assert isinstance(await site.find(later(Statement.CORRECTION, 0), NOTES), Found)


async def test_a_healthy_folder_is_made_and_nothing_is_left_in_it(site: SiteChannel, www: Path) -> None:
    health = await site.check()
    assert health.able
    assert tree(www) == {}
    assert "free" in health.facts


# -- values and options ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "slug"),
    [
        ("F7H-041554", "f7h-041554"),
        ("plain", "plain"),
        ("a b", "a-b-"),
        ("../../etc/passwd", "etc-passwd-"),
        ("Übel", "bel-"),
        ("…", ""),
        ("-x-", "x-"),
        ("y" * 200, "y" * 80 + "-"),
    ],
)
def test_a_reference_becomes_part_of_an_address(reference: str, slug: str) -> None:
    found = slug_of(reference)
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*[a-z0-9]", found)
    assert found == slug if not slug.endswith("-") and slug else found.startswith(slug)


def test_two_references_never_share_an_address() -> None:
    references = ["a-b", "a b", "a_b", "a.b", "a--b", "ä-b", "…", "!"]
    assert len({slug_of(reference) for reference in references}) == len(references)


def test_a_statement_survives_its_file() -> None:
    said = said_by(wording(text="Ünicode 🚧\nand lines"))
    assert from_json(to_json(said)) == said


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b"null", b"\xff", b"[" * 100_000, to_json(said_by(HOLDING)).replace(b"holding", b"x")]
)
def test_what_is_no_statement_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any message will do
        from_json(raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "status.example.org"},
        {"url": "ftp://status.example.org"},
        {"url": "https://status.example.org/?x=1"},
        {"url": "https://u:p@status.example.org"},
        {"keep": 0},
        {"language": "english please"},
        {"colour": "red"},
    ],
    ids=str,
)
def test_wrong_options_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SiteOptions.model_validate({"folder": "/var/www/status"} | changes)


def test_a_relative_folder_is_where_the_service_may_write() -> None:
    options = SiteOptions.model_validate({"folder": "www"}, context={"output": "/var/lib/failover"})
    assert options.folder == Path("/var/lib/failover/www")


def test_the_text_is_measured_in_characters() -> None:
    options = SiteOptions.model_validate({"folder": "www"})
    assert measure(options, wording(text="ü" * 10_000)).fits
    assert not measure(options, wording(text="ü" * 10_001)).fits


@pytest.mark.parametrize(("zone", "shown"), [("Europe/London", "11:06 GMT"), ("No/Where", "11:06 UTC")])
async def test_times_are_shown_where_the_organisation_is(tmp_path: Path, zone: str, shown: str) -> None:
    house = replace(surroundings(), organisation=Organisation(name="Example", timezone=zone))
    async with KIND.open(SiteOptions.model_validate({"folder": tmp_path / "www"}), house) as site:
        await site.send(HOLDING, NOTES)
    assert f"18 November 2026, {shown}" in (tmp_path / "www" / "index.html").read_text("utf-8")
