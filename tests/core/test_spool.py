"""The spool folder: what is taken, what is left alone, what is refused; and deaths between the steps."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from failover.postoffice import PostOffice
from failover.spool import AT_ONCE, Found, Spool, UnfitFileError, drafted, look
from failover.store import Change
from tests.core.stories import GREEN, META, NOON, RED, Killed, World, house
from tests.core.test_switched_posting import PNG

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


def read(text: str, folder: Path = Path("/nowhere")) -> object:
    return drafted(Found(path=folder / "a.md", claim="", content=text.encode()))


def test_everything_that_the_command_knows_can_stand_before_the_text(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(PNG)
    draft = drafted(
        Found(
            path=tmp_path / "a.md",
            claim="",
            content=b"---\r\nto: [blog, telegram]\r\nat: 2026-12-01T09:00\nuntil: 2026-12-02\ntitle: News\n"
            b"image: dot.png\nalt: a dot\n---\nOne.\n\n---\n\nTwo.\n",
        )
    )
    assert (draft.to, draft.at, draft.until) == (("blog", "telegram"), "2026-12-01T09:00", "2026-12-02")
    assert (draft.title, draft.alt, draft.picture) == ("News", "a dot", PNG)
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
        pytest.param("---\nto: blog\nimage: ../secret.png\n---\nx", "the name of a file that lies beside", id="path"),
        pytest.param("---\nto: blog\nimage: no.png\n---\nx", "no.png cannot be read", id="no such picture"),
        pytest.param("---\nto: blog\n---\n" + "x" * 1_000_001, "larger than 1000000 bytes", id="huge"),
    ],
)
def test_what_is_no_post_is_said_in_words(text: str, why: str) -> None:
    with pytest.raises(UnfitFileError) as unfit:
        read(text)
    assert why in str(unfit.value)


def test_what_is_not_text_is_refused() -> None:
    with pytest.raises(UnfitFileError, match="not text in UTF-8"):
        drafted(Found(path=Path("/nowhere/a.md"), claim="", content=b"\xff\xfe"))


# -- what is taken ---------------------------------------------------------------------------------------------


def test_what_may_still_be_written_is_left_alone(tmp_path: Path) -> None:
    """Too young, hidden, a backup of an editor, a rest of a download, another ending, a folder, a link."""
    put(tmp_path, "ready.md")
    put(tmp_path, "young.md", age=0.5)
    for name in (".hidden.md", "backup.md~", "rest.md.tmp", "note.txt"):
        put(tmp_path, name)
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "link.md").symlink_to(tmp_path / "note.txt")
    assert [one.path.name for one in look(tmp_path, NOON, 10)] == ["ready.md"]


def test_the_oldest_are_taken_first_and_not_too_many_at_once(tmp_path: Path) -> None:
    for number in range(30):
        put(tmp_path, f"{number}.md", age=100 - number)
    assert [one.path.name for one in look(tmp_path, NOON, AT_ONCE)] == [f"{number}.md" for number in range(AT_ONCE)]


def test_a_file_is_known_by_its_name_its_time_and_its_content(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    (first,) = look(tmp_path, NOON, 10)
    (again,) = look(tmp_path, NOON, 10)
    put(tmp_path, "a.md", age=9)
    (later,) = look(tmp_path, NOON, 10)
    assert first.claim == again.claim != later.claim


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


async def test_a_death_between_writing_down_and_moving_posts_once(world: World, tmp_path: Path) -> None:
    """The file lies there still, and is known."""
    folder = tmp_path / "posts"
    path = put(folder, "a.md")
    await spool(world, folder).scan()
    (folder / "accepted/P1-a.md").rename(path)  # as if we had died before the move
    await spool(world, folder).scan()
    await world.live(60, {"facebook": GREEN}, every=10)
    assert texts(world) == ["Market day"]
    assert files(folder) == ["accepted/P1-a.md"]


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
