"""The spool folder: what is taken, what is left alone, what is refused; and deaths between the steps."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover.custody import Custody, UnfitFileError, safe_name
from failover.delivery import Phase
from failover.model import Measure, Statement
from failover.post_file import drafted
from failover.postoffice import PostOffice
from failover.posts import Gauge
from failover.spool import AT_ONCE, Spool
from failover.store import Change
from tests.core.stories import GREEN, META, NOON, RED, Fuse, Killed, World, house
from tests.core.test_switched_posting import PNG, clock

PAGE = "facebook-page"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(":memory:", house_=house(routes=(replace(META, reach=1),)))
    await made.start()
    await made.look("facebook", GREEN)
    await made.engine.tick(made.now)
    yield made
    assert not made.journal.bugs
    made.store.close()


def spool(world: World, folder: Path) -> Spool:
    office = PostOffice(world.engine, folder.parent / "pictures", "UTC")
    return Spool(folder, office, world.engine, lambda: world.now)


def put(folder: Path, name: str, text: str = "---\nto: blog\n---\nMarket day\n", age: float = 10.0) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    os.utime(path, (NOON - age, NOON - age))
    return path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def texts(world: World, channel: str = "blog") -> list[str]:
    return [post.text.partition(" (")[0] for post in world.walls[channel].posts if post.statement.value == "post"]


# -- what a file says ------------------------------------------------------------------------------------------


def no_picture(name: str) -> bytes:
    raise UnfitFileError(f"image: {name} cannot be read")


def test_everything_that_the_command_knows_can_stand_before_the_text() -> None:
    draft = drafted(
        b"---\r\nto: [blog, telegram]\r\nat: 2026-12-01T09:00\nuntil: 2026-12-02T09:00\ntitle: News\n"
        b"image: dot.png\nalt: a dot\n---\nOne.\n\n---\n\nTwo.\n",
        lambda name: name.encode(),
    )
    assert (draft.to, draft.at, draft.until) == (("blog", "telegram"), "2026-12-01T09:00", "2026-12-02T09:00")
    assert (draft.title, draft.alt, draft.picture) == ("News", "a dot", b"dot.png")
    assert draft.text.strip() == "One.\n\n---\n\nTwo."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("Market day", "expected YAML between two lines of ---", id="no front"),
        pytest.param("---\nto: blog\nMarket day", "expected YAML between two lines of ---", id="never closed"),
        pytest.param("---\ntoo: blog\n---\nx", "line 2: too: unknown key; did you mean 'to'?", id="unknown key"),
        pytest.param("---\nat: 2026-12-01\n---\nx", "to: missing", id="nowhere to"),
        pytest.param("---\nto: []\n---\nx", "to: must not be empty", id="an empty list"),
        pytest.param("---\n- blog\n---\nx", "expected `to: CHANNEL`", id="a list"),
        pytest.param("---\nto: blog\nto: x\n---\nx", "line 3: to", id="twice"),
        pytest.param("---\nto: blog\nimage: no.png\n---\nx", "no.png cannot be read", id="no such picture"),
        pytest.param("---\nto: blog\n---\n" + "x" * 1_000_001, "larger than 1000000 bytes", id="huge"),
    ],
)
def test_what_is_no_post_is_said_in_words(text: str, why: str) -> None:
    with pytest.raises(UnfitFileError) as unfit:
        drafted(text.encode(), no_picture)
    assert why in str(unfit.value)


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(UnfitFileError, match="not text in UTF-8"):
        drafted(b"\xff\xfe", no_picture)


# -- what is taken ---------------------------------------------------------------------------------------------


def taken(folder: Path, now: float = NOON, most: int = 100) -> list[str]:
    custody = Custody(folder)
    assert custody.take(now, most) == []
    return [one.name for one in custody.tickets()]


def test_what_may_still_be_written_is_left_alone(tmp_path: Path) -> None:
    """Too young, hidden, a backup of an editor, a rest of a download, another ending."""
    for name in ("ready.md", "LOUD.MD", ".hidden.md", "backup.md~", "rest.md.tmp", "note.txt"):
        put(tmp_path, name)
    put(tmp_path, "young.md", age=4.5)
    assert taken(tmp_path) == ["LOUD.MD", "ready.md"]


def test_the_oldest_are_taken_first_and_not_too_many_at_once(tmp_path: Path) -> None:
    for number in range(30):
        put(tmp_path, f"{number}.md", age=100 - number)
    assert taken(tmp_path, most=AT_ONCE) == [f"{number}.md" for number in range(AT_ONCE)]


def test_a_file_from_the_future_is_taken_when_nobody_has_written_to_it_for_a_while(tmp_path: Path) -> None:
    """Another machine's clock, or ours that was set back."""
    custody = Custody(tmp_path)
    found = []
    path = put(tmp_path, "a.md", age=-3600)
    for age in (0, 4, 8, 12):
        if age == 4:
            path.write_text("longer than before")
            os.utime(path, (NOON + 3600, NOON + 3600))
        custody.take(NOON + age, 1)
        found.append(len(custody.tickets()))
    assert found == [0, 0, 0, 1]


@pytest.mark.parametrize("kind", ["a link", "a folder", "no ordinary file"])
async def test_what_is_no_file_lies_in_failed_and_is_told(world: World, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "posts"
    path = put(folder, "note.txt").with_name("x.md")
    if kind == "a link":
        path.symlink_to(folder / "note.txt")
    elif kind == "a folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    os.utime(path, (NOON - 9, NOON - 9), follow_symlinks=False)
    await spool(world, folder).scan()
    assert "x.md" in [path.name for path in (folder / "failed").iterdir()]
    assert f"it is {kind}" in (folder / "failed/x.md.reason").read_text()
    assert [one["file"] for one in world.journal.said("post_refused")] == ["x.md"]


async def test_another_file_put_in_its_place_is_another_post(world: World, tmp_path: Path) -> None:
    """A program hands in one post after another under one name; the second comes while the first is noted."""
    folder = tmp_path / "posts"
    put(folder, "news.md")

    class Slow(PostOffice):
        async def accept(self, *words: Any) -> Any:
            found = await super().accept(*words)
            if "Market day" in words[0].text:
                put(folder, ".news.md", "---\nto: blog\n---\nSecond post\n").rename(folder / "news.md")
            return found

    one = Spool(folder, Slow(world.engine, tmp_path / "kept", "UTC"), world.engine, lambda: world.now)
    for _ in range(3):
        await one.scan()
        await world.live(300)
    assert texts(world) == ["Market day", "Second post"]
    assert files(folder) == ["sent/P1-news.md", "sent/P2-news.md"]


async def test_who_goes_on_writing_to_a_file_that_was_taken_is_waited_for(world: World, tmp_path: Path) -> None:
    """An open file can be written to wherever it is moved; it is read when that has stopped."""
    folder = tmp_path / "posts"
    path = put(folder, "a.md", "---\nto: blog\n---\nHalf a sen")
    one = spool(world, folder)
    with path.open("a") as file:
        custody = Custody(folder)
        custody.take(NOON, 1)
        file.write("tence.\n")
        file.flush()
        os.utime(file.fileno(), (NOON, NOON))
        await one.scan()
        assert [name.partition("/")[0] for name in files(folder)] == ["taking"]
    await world.live(30)
    await one.scan()
    await world.deliver()
    assert texts(world) == ["Half a sentence."]


def test_what_is_written_to_after_it_was_read_is_seen(tmp_path: Path) -> None:
    """In place, with its time set back, and replaced by another."""
    put(tmp_path, "a.md")
    custody = Custody(tmp_path)
    custody.take(NOON, 1)
    (ticket,) = custody.tickets()
    read = custody.read(ticket, NOON)
    assert read.is_unchanged
    with ticket.path.open("a") as file:
        file.write("x")
    os.utime(ticket.path, (NOON - 10, NOON - 10))
    assert not read.is_unchanged
    read = custody.read(ticket, NOON)
    put(tmp_path, "b.md").rename(ticket.path)
    assert not read.is_unchanged
    ticket.path.unlink()
    assert not read.is_unchanged


async def test_what_is_written_to_between_reading_and_the_claim_is_waited_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md", "---\nto: blog\n---\nHalf a sen")
    with monkeypatch.context() as patch:

        def read(content: bytes, picture: Any) -> Any:
            (path,) = (folder / "taking").iterdir()
            with path.open("ab") as file:
                file.write(b"tence.")
            os.utime(path, (NOON, NOON))
            return drafted(content, picture)

        patch.setattr("failover.spool.drafted", read)
        await spool(world, folder).scan()
    assert await world.store.deliveries_of("P1") == []
    await world.live(30)
    await spool(world, folder).scan()
    await world.deliver()
    assert texts(world) == ["Half a sentence."]


# -- pictures --------------------------------------------------------------------------------------------------


WITH_PICTURE = "---\nto: blog\nimage: dot.png\nalt: a dot\n---\nLook\n"


def gallery_world() -> World:
    """The blog carries pictures."""
    return World(":memory:", house_=house(gauges={"blog": Gauge(measure=lambda _one: Measure(1, 2, "x"), images=1)}))


@pytest.fixture
async def gallery() -> AsyncIterator[World]:
    made = gallery_world()
    await made.start()
    yield made
    assert not made.journal.bugs
    made.store.close()


def lay(folder: Path, content: bytes = PNG, age: float = 10.0, name: str = "dot.png") -> Path:
    path = put(folder, name)
    path.write_bytes(content)
    os.utime(path, (NOON - age, NOON - age))
    return path


def shown(world: World) -> list[bytes]:
    return [image.path.read_bytes() for one in world.channels["blog"].asked for image in one.images]


async def test_a_picture_goes_with_its_post(gallery: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md", WITH_PICTURE)
    lay(folder)
    await spool(gallery, folder).scan()
    assert files(folder) == ["accepted/P1-a.md", "accepted/P1-dot.png"]
    await gallery.deliver()
    await spool(gallery, folder).scan()
    assert files(folder) == ["sent/P1-a.md", "sent/P1-dot.png"]
    assert shown(gallery) == [PNG]


async def test_a_picture_that_two_posts_want_goes_with_the_last(gallery: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    lay(folder)
    put(folder, "a.md", WITH_PICTURE, age=20)
    put(folder, "b.md", WITH_PICTURE, age=10)
    for _ in range(3):
        await spool(gallery, folder).scan()
        await gallery.live(300)
    assert shown(gallery) == [PNG, PNG]
    assert files(folder) == ["sent/P1-a.md", "sent/P2-b.md", "sent/P2-dot.png"]


@pytest.mark.parametrize(("content", "age"), [(PNG, 1), (PNG[:20], 1), (PNG[:-4], 30)])
async def test_a_picture_that_is_still_written_is_waited_for(
    gallery: World, tmp_path: Path, content: bytes, age: float
) -> None:
    """Too young, or its end is missing."""
    folder = tmp_path / "posts"
    put(folder, "a.md", WITH_PICTURE)
    lay(folder, content, age)
    one = spool(gallery, folder)
    await one.scan()
    await gallery.deliver()
    assert texts(gallery) == []
    assert not any("failed" in name for name in files(folder))
    (path,) = folder.rglob("*dot.png")
    path.write_bytes(PNG)
    os.utime(path, (NOON, NOON))
    await gallery.live(10)
    await one.scan()
    await gallery.deliver()
    assert shown(gallery) == [PNG]


async def test_a_picture_whose_end_never_comes_is_refused(gallery: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md", WITH_PICTURE)
    lay(folder, PNG[:-4], age=100)
    await spool(gallery, folder).scan()
    assert "its end is missing" in (folder / "failed/a.md.reason").read_text()
    assert (folder / "failed/dot.png").exists()


@pytest.mark.parametrize(
    "name",
    [
        *("../secret.png", ".hidden.png", "b.md", '"\\0.png"', '"\\ud800.png"'),
        pytest.param("x" * 300 + ".png", id="longer than any file's"),
    ],
)
async def test_only_what_lies_beside_a_post_can_be_its_picture(gallery: World, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "posts"
    put(tmp_path, "secret.png")
    put(folder, "a.md", f"---\nto: blog\nimage: {name}\nalt: a dot\n---\nLook\n")
    await spool(gallery, folder).scan()
    assert files(folder) == ["failed/a.md", "failed/a.md.reason"]
    assert "a.md" in [one["file"] for one in gallery.journal.said("post_refused")]


async def test_a_picture_that_is_a_link_is_never_followed(gallery: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md", WITH_PICTURE)
    (folder / "dot.png").symlink_to(lay(tmp_path, name="secret.png"))
    os.utime(folder / "dot.png", (NOON - 9, NOON - 9), follow_symlinks=False)
    await spool(gallery, folder).scan()
    assert "dot.png: it is a link" in (folder / "failed/a.md.reason").read_text()


# -- what becomes of them --------------------------------------------------------------------------------------


async def test_a_file_becomes_a_post_and_lies_in_sent_when_it_is_public(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    put(folder, "market.md")
    await spool(world, folder).scan()
    assert files(folder) == ["accepted/P1-market.md"]
    await world.deliver()
    await spool(world, folder).scan()
    assert files(folder) == ["sent/P1-market.md"]
    assert texts(world) == ["Market day"]
    (accepted,) = world.journal.said("post_accepted")
    assert accepted["file"] == "market.md"


async def test_what_was_re_routed_lies_in_sent_too(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    await world.fall("facebook")
    put(folder, "market.md", f"---\nto: {PAGE}\n---\nMarket day\n")
    await spool(world, folder).scan()
    await world.live(120, {"facebook": RED})
    await spool(world, folder).scan()
    assert files(folder) == ["sent/P1-market.md"]


async def test_what_is_refused_lies_in_failed_with_its_reason(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md", "---\nto: blogg\n---\nMarket day\n")
    put(folder, "b.md", "no post")
    await spool(world, folder).scan()
    assert files(folder) == ["failed/a.md", "failed/a.md.reason", "failed/b.md", "failed/b.md.reason"]
    assert "did you mean 'blog'?" in (folder / "failed/a.md.reason").read_text()
    assert [one["file"] for one in world.journal.said("post_refused")] == ["a.md", "b.md"]


async def test_what_the_platform_refused_lies_in_failed_with_its_reason(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    world.answers["blog"].append("refused")
    put(folder, "a.md")
    await spool(world, folder).scan()
    await world.deliver()
    await spool(world, folder).scan()
    assert files(folder) == ["failed/P1-a.md", "failed/P1-a.md.reason"]
    assert (folder / "failed/P1-a.md.reason").read_text() == "blog: refused: no permission\n"


async def test_where_a_post_is_public_all_the_same_its_reason_says_so_first(world: World, tmp_path: Path) -> None:
    """Nobody should put the file there again and publish it twice."""
    folder = tmp_path / "posts"
    world.answers["blog"].append("refused")
    put(folder, "a.md", "---\nto: [blog, telegram]\n---\nMarket day\n")
    await spool(world, folder).scan()
    await world.deliver()
    await spool(world, folder).scan()
    assert files(folder) == ["failed/P1-a.md", "failed/P1-a.md.reason"]
    (post,) = world.walls["telegram"].said(Statement.POST)
    first, second = (folder / "failed/P1-a.md.reason").read_text().splitlines()
    assert re.fullmatch(
        r"PUBLISHED ALREADY on telegram( \(\S+\))?\. Who hands this file in again says it there twice\.", first
    )
    assert second == "blog: refused: no permission"
    assert post.text.startswith("Market day")


async def test_what_was_re_routed_for_one_channel_is_not_made_up_for_by_the_copy_of_another(
    world: World, tmp_path: Path
) -> None:
    """Each was to stand in for one; one of them said it."""
    folder = tmp_path / "posts"
    put(folder, "a.md", f"---\nto: [{PAGE}, blog]\n---\nMarket day\n")
    await spool(world, folder).scan()
    rows = {row.channel: row for row in await world.store.deliveries_of("P1")}
    away = {
        "facebook-page": "re-routed to telegram: facebook is down",
        "blog": "re-routed to email: wordpress is down",
    }
    ended = [replace(rows[name], phase=Phase.CANCELLED, reason=why, ended_at=world.now) for name, why in away.items()]
    copies = [
        replace(rows["blog"], id=f"P1-{name}", channel=name, position=1, phase=phase, ended_at=world.now, reason="no")
        for name, phase in (("telegram", Phase.SENT), ("email", Phase.REFUSED))
    ]
    await world.store.record(Change(at=world.now, deliveries=(*ended, *copies)))
    await spool(world, folder).scan()
    assert "failed/P1-a.md" in files(folder)


@pytest.mark.parametrize("step", [1, 2])
async def test_a_death_while_writing_down_posts_once(world: World, tmp_path: Path, step: int) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md")
    world.burn(step - 1)
    with pytest.raises(Killed):
        await spool(world, folder).scan()
    world.burn(None)
    await world.boot()
    await spool(world, folder).scan()
    await world.live(60, {"facebook": GREEN}, every=10)
    await spool(world, folder).scan()
    assert texts(world) == ["Market day"]
    assert files(folder) == ["sent/P1-a.md"]


async def test_a_death_before_the_end_is_noted_moves_it_once_more(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md")
    await spool(world, folder).scan()
    await world.deliver()
    (folder / "accepted/P1-a.md").rename(folder / "sent/P1-a.md")
    await spool(world, folder).scan()
    assert files(folder) == ["sent/P1-a.md"]
    assert await world.store.posts.spooled_over(10) == []


async def test_a_death_at_any_step_posts_once_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A post and what is none, each with a picture; we die around the n-th move, reason, commit or sending."""
    fuse = Fuse()
    for name in ("rename", "write_bytes"):
        monkeypatch.setattr(Path, name, fused(getattr(Path, name), lambda: fuse))
    for step in itertools.count():
        world = gallery_world()
        await world.start()
        folder = tmp_path / f"{step}" / "posts"
        folder.parent.mkdir()
        put(folder, "a.md", WITH_PICTURE, age=20)
        put(folder, "b.md", "---\nto: blogg\nimage: cat.png\nalt: a cat\n---\nLook\n")
        lay(folder)
        lay(folder, name="cat.png")
        world.burn(step)
        fuse = world.fuse
        deaths = 0
        for _ in range(5):
            with contextlib.suppress(Killed):
                await spool(world, folder).scan()
                await world.live(300)
            if world.fuse.blown:
                deaths += 1
                world.burn(None)
                fuse = world.fuse
                await world.boot()
        assert (texts(world), step) == (["Look"], step)
        assert (files(folder), step) == (
            ["failed/b.md", "failed/b.md.reason", "failed/cat.png", "sent/P1-a.md", "sent/P1-dot.png"], step,
        )  # fmt: skip
        world.store.close()
        if not deaths:
            break
    assert step > 20, "as many steps there are at least"


def fused(plain: Any, fuse: Callable[[], Fuse]) -> Any:
    """The process may die before it, or when it is on the disk."""

    def step(path: Path, *words: Any) -> Any:
        fuse().burn()
        found = plain(path, *words)
        fuse().burn()
        return found

    return step


async def test_what_was_over_before_it_was_filed_is_put_away(world: World, tmp_path: Path) -> None:
    """We died between the claim and the move, and older files come first after it."""
    folder = tmp_path / "posts"
    put(folder, "a.md")
    custody = Custody(folder)
    custody.take(NOON, 1)
    (ticket,) = custody.tickets()
    await spool(world, folder).scan()
    await world.deliver()
    (folder / "accepted/P1-a.md").rename(ticket.path)
    for number in range(25):
        put(folder, f"b{number}.md", "---\nto: blog\nat: 2027-01-01T00:00\n---\nLater\n", age=100)
    for _ in range(3):
        await spool(world, folder).scan()
    assert "sent/P1-a.md" in files(folder)
    assert len([name for name in files(folder) if name.startswith("accepted/")]) == 25


# -- what is stuck ---------------------------------------------------------------------------------------------


def forbid(monkeypatch: pytest.MonkeyPatch, *, out_of: Path | None = None, into: str = "", name: str = "") -> None:
    """As a folder with the sticky bit does, or one that is not ours."""
    plain = Path.rename

    def rename(path: Path, place: Path) -> Path:
        there = out_of is None or path.parent == out_of
        if there and place.parent.name.startswith(into) and name in path.name:
            raise PermissionError(1, "Operation not permitted", str(path))
        return plain(path, place)

    monkeypatch.setattr(Path, "rename", rename)


async def test_what_cannot_be_taken_is_told_once_and_keeps_nothing_waiting(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "posts"
    for number in range(AT_ONCE + 5):
        put(folder, f"stuck{number:02}.md", age=100)
    put(folder, "fresh.md", "---\nto: blog\n---\nFresh\n")
    forbid(monkeypatch, out_of=folder, name="stuck")
    one = spool(world, folder)
    for _ in range(3):
        await one.scan()
        await world.live(120)
    assert texts(world) == ["Fresh"]
    (told,) = world.journal.said("spool_trouble")
    assert told["reason"] == "stuck00.md cannot be taken: Operation not permitted (and 24 more)"


async def test_what_cannot_be_filed_is_published_once_however_long_it_lies_there(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is over is forgotten after 90 days; what was published is not news again."""
    folder = tmp_path / "posts"
    put(folder, "a.md")
    with monkeypatch.context() as patch:
        forbid(patch, out_of=folder / "taking")
        for _ in range(2):
            await spool(world, folder).scan()
            await world.live(120)
        world.now += 91 * 86400
        await world.store.prune(world.now - 90 * 86400)
        await spool(world, folder).scan()
        await world.live(120)
    await spool(world, folder).scan()
    assert texts(world) == ["Market day"]
    assert files(folder) == ["sent/P1-a.md"]


async def test_many_that_cannot_be_put_away_keep_no_other_waiting(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many as one scan handles; in which order the database names them is chance."""
    folder = tmp_path / "posts"
    one = spool(world, folder)
    for number in range(3 * AT_ONCE):
        name = "fine" if number < AT_ONCE else "stuck"
        put(folder, f"{number}-{name}.md", f"---\nto: blog\nat: {clock(NOON + 3600)}\n---\nLater\n")
    for _ in range(3):
        await one.scan()
    office = PostOffice(world.engine, tmp_path / "kept", "UTC")
    for number in range(1, 3 * AT_ONCE + 1):
        await office.cancel(f"P{number}", "ann", world.now)
    forbid(monkeypatch, into="failed", name="stuck")
    for _ in range(8):
        await one.scan()
    assert len(list((folder / "failed").glob("*fine.md"))) == AT_ONCE


@pytest.mark.parametrize("name", ["y" * 250 + ".md", "\x1b[31m.md", os.fsdecode(b"\xff\xfe.md")])
async def test_no_name_is_too_strange(world: World, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "posts"
    put(folder, name)
    put(folder, f"2{name[1:]}", "no post")
    for _ in range(3):
        await spool(world, folder).scan()
        await world.live(300)
    assert texts(world) == ["Market day"]
    assert [one.partition("/")[0] for one in files(folder)] == ["failed", "failed", "sent"]
    assert world.journal.said("spool_trouble") == []


def test_a_name_is_shown_and_stored_in_few_letters() -> None:
    assert safe_name("market day.md") == "market day.md"
    assert safe_name("a\nb\x1b.md") == "a_b_.md"
    assert safe_name(os.fsdecode(b"\xff.md")) == "\ufffd.md"
    assert len(safe_name("ä" * 120 + ".md").encode()) <= 120
    assert safe_name("y" * 250 + ".md") == "y" * 117 + ".md"


async def test_what_failed_under_a_name_stays_when_the_next_one_fails(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    for text in ("First", "Second"):
        put(folder, "news.md", f"---\nto: blog-{text}\nimage: dot.png\nalt: a dot\n---\n{text}\n")
        lay(folder)
        await spool(world, folder).scan()
    failed = folder / "failed"
    assert files(failed) == [
        "dot-2.png", "dot.png", "news-2.md", "news-2.md.reason", "news.md", "news.md.reason",
    ]  # fmt: skip
    assert "First" in (failed / "news.md").read_text()
    assert "blog-First" in (failed / "news.md.reason").read_text()
    assert (failed / "news-2.md.reason").read_text().endswith("Its picture lies beside it as dot-2.png.\n")


# -- its times -------------------------------------------------------------------------------------------------


async def test_what_was_handed_in_before_its_time_goes_out_though_we_saw_it_later(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "posts"
    put(folder, "a.md", f"---\nto: blog\nat: {clock(NOON + 60)}\n---\nMarket day\n")
    put(folder, "b.md", f"---\nto: blog\nat: {clock(NOON - 60)}\n---\nYesterday\n")
    put(folder, "c.md", f"---\nto: blog\nat: {clock(NOON + 60)}\nuntil: {clock(NOON + 90)}\n---\nGone\n")
    world.now += 120  # nobody was there
    await spool(world, folder).scan()
    await world.deliver()
    assert texts(world) == ["Market day"]
    reasons = {path.name: path.read_text() for path in (folder / "failed").glob("*.reason")}
    assert {name: reason.rpartition(" ")[2] for name, reason in reasons.items()} == {
        "b.md.reason": "past\n", "c.md.reason": "past\n",
    }  # fmt: skip


async def test_a_folder_that_cannot_be_used_is_told_once(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "posts"
    folder.write_text("a file stands in its place")
    one = spool(world, folder)
    await one.scan()
    await one.scan()
    (told,) = world.journal.said("spool_trouble")
    assert "posts" in str(told["reason"])


async def test_claims_survive_the_store(world: World) -> None:
    await world.store.record(Change(at=NOON, claims=(("c", "P9", "a.md"),)))
    assert await world.store.posts.was_claimed("c") == "P9"
    assert await world.store.posts.was_claimed("d") == ""
