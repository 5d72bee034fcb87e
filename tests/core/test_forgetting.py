"""A person is forgotten: gone from the bytes of every file, written to no more, and put down without a name."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from failover import erasure
from failover.audit import broken, facts_of
from failover.config.settings import Limits
from failover.contracts import Options
from failover.delivery import Phase, Policy
from failover.desk import RequestError
from failover.forgetting import blanked, spellings, stands_in
from failover.model import Announcement, Image, Receipt, Signal
from failover.posts import Post, deliveries
from failover.signoff import Asking
from failover.standing import Declaration
from failover.store import Change, Store
from tests.core.stories import HOUR, NOON, RED, World, delivery, down, incident, seen

ADA, GRACE = "ada@example.org", "grace@example.org"
DAY = 24 * HOUR
MARK = "forgotten-0123456789abcdef"
LONG = Policy(deadline=600.0, settle=0.0)


# -- spellings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "ledger"),
    [
        (ADA, ADA),
        ("  <Ada@Example.ORG> ", ADA),
        ("ada+news@example.org", "ada+news@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_found_however_it_is_typed(typed: str, ledger: str) -> None:
    assert ledger in spellings(typed)


@pytest.mark.parametrize(
    "typed", ["", "ada", "@example.org", "ada@", "a b@example.org", "ada@example.org, bob@x.org"]
)
def test_what_is_no_address_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^that is no e-mail address$"):
        spellings(typed)


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("550 <ada@example.org> unknown", f"550 <{MARK}> unknown"),
        ("ADA@EXAMPLE.ORG.", f"{MARK}."),
        ('{"reason": "no ada@example.org here"}', f'{{"reason": "no {MARK} here"}}'),
        ("nevada@example.org", "nevada@example.org"),
        ("x.ada@example.org", "x.ada@example.org"),
        ("ada@example.organisation", "ada@example.organisation"),
        ("ada@example.org.uk", "ada@example.org.uk"),
    ],
)
def test_only_this_address_is_blanked_and_not_one_that_contains_it(text: str, then: str) -> None:
    assert blanked(text, spellings(ADA), MARK) == then
    assert stands_in(text, spellings(ADA)) is (text != then)


# -- the file ----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "failover.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = Store.open(file)
    yield opened
    opened.close()


def bytes_of(file: Path) -> bytes:
    """All that lies there: the database, its log, and whatever else was left beside it."""
    return b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*")).lower()


async def a_mailing(store: Store, number: str, closed_at: float | None, count: int = 3000) -> None:
    """An incident whose holding statement went to so many people, in the order in which a server took them."""
    one = incident(id=number, opened_at=NOON, closed_at=closed_at, down=() if closed_at else ("facebook",))
    row = delivery(
        channel="email", incident=number, statement_id=f"{number}H", phase=Phase.SENT, receipt=Receipt(remote_id="m")
    )
    await store.record(Change(at=NOON, incidents=(one,), deliveries=(row,)))
    people = [f"reader{place * 7919 % count}@list{number}.example" for place in range(count)]
    for start in range(0, count, 50):
        await store.note(row.id, dict.fromkeys(people[start : start + 50], "sending"))
        await store.note(row.id, dict.fromkeys(people[start : start + 50], "sent"))


async def test_a_forgotten_address_is_in_no_byte_of_any_file_and_every_count_stays(store: Store, file: Path) -> None:
    await a_mailing(store, "7", None)
    await store.note("7H-email", {ADA: "sent"})
    assert ADA.encode() in bytes_of(file)
    change = Change(at=NOON, audit=(("recipient_forgotten", {"by": "ann", "mark": MARK}),))
    found = await store.forget(spellings(ADA), MARK, change)
    await store.scour()

    assert (found.lines, found.mentions, found.kept) == (1, 0, ())
    assert ADA.encode() not in bytes_of(file)
    assert await store.ledger_counts("7") == {"7H-email": {"sent": 3001}}
    assert (await store.ledger("7H-email"))[MARK] == "sent"
    [entry] = await store.audit()
    assert facts_of(entry) == {"by": "ann", "mark": MARK, "lines": 1, "mentions": 0, "posts": []}
    assert broken(await store.audit(), await store.trail.head()) == ""


async def test_what_a_service_quoted_is_blanked_and_what_must_stay_is_named(store: Store, file: Path) -> None:
    quoting = seen(down(reason=f"550 {ADA} unknown"))
    row = delivery(phase=Phase.REFUSED, reason=f"no {ADA.upper()}", text=f"write to {ADA}")
    await store.record(Change(at=NOON, observations=(quoting,), deliveries=(row,), audit=(("said", {"to": ADA}),)))
    found = await store.forget(spellings(ADA), MARK, Change(at=NOON))

    assert (found.lines, found.mentions) == (0, 2)
    assert found.kept == ("the public text of 7H-telegram", "the entries of the audit trail 1")
    [said] = await store.past.last_words(NOON)
    assert said.sighting.reason == f"550 {MARK} unknown"
    assert broken(await store.audit(), await store.trail.head()) == ""


def a_post(number: int, phase: Phase, **words: Any) -> Change:
    """Post P<number> on telegram; the address stands in all its words."""
    values = {"text": f"Write to {ADA}", "title": f"Ask {ADA.title()}", "source": f"{ADA}.md", **words}
    picture = Image(path=Path("/p/x.png"), alt=f"a card with {ADA}", media_type="image/png")
    post = Post(id=f"P{number}", to=("telegram",), created_at=NOON, images=(picture,), by="ann", **values)
    receipt = Receipt(remote_id="5", url=f"https://t.example/{number}") if phase is Phase.SENT else None
    rows = [replace(row, phase=phase, receipt=receipt, ended_at=NOON) for row in deliveries(post, NOON)]
    return Change(at=NOON, posts=(post,), deliveries=tuple(rows))


async def test_a_post_that_is_over_keeps_no_address_in_any_of_its_words(store: Store, file: Path) -> None:
    """What was published is public; our own record of it need not name anybody."""
    await store.record(a_post(3, Phase.SENT))
    await store.record(a_post(4, Phase.CANCELLED))
    found = await store.forget(spellings(ADA), MARK, Change(at=NOON, audit=(("recipient_forgotten", {}),)))
    await store.scour()

    assert (found.posts, found.unfinished, found.kept) == (("P3", "P4"), (), ())
    post = await store.posts.get("P3")
    assert post is not None
    assert (post.text, post.title, post.source) == (f"Write to {MARK}", f"Ask {MARK}", f"{MARK}.md")
    assert post.images[0].alt == f"a card with {MARK}"
    [row] = await store.deliveries_of("P3")
    assert (row.text, row.subject) == (f"Write to {MARK} (P3-181106)", f"Ask {MARK}")
    assert row.images == post.images
    assert row.phase is Phase.SENT
    assert ADA.encode() not in bytes_of(file)
    [entry] = await store.audit()
    assert facts_of(entry)["posts"] == ["P3", "P4"]


@pytest.mark.parametrize("phase", [Phase.READY, Phase.SENDING, Phase.UNSURE, Phase.HELD])
async def test_a_post_that_is_owed_stays_as_it_was_written_and_is_named(store: Store, phase: Phase) -> None:
    """Nothing is published that nobody wrote, and what may be public is looked for by its words."""
    await store.record(a_post(3, phase))
    found = await store.forget(spellings(ADA), MARK, Change(at=NOON))
    assert (found.posts, found.unfinished, found.kept) == ((), ("P3",), ())
    [row] = await store.deliveries_of("P3")
    assert ADA in row.text


async def test_what_people_wrote_down_is_blanked_too(store: Store, file: Path) -> None:
    """A reason for a declaration, and the words of a question that was asked."""
    word = Declaration(platform="facebook", signal=Signal.DOWN, at=NOON, by="ann", because=f"{ADA} rang")
    asked = Asking(
        id="a", statement="7H", round=0, code="c", approver="Ann", way="Telegram", kind="ask", at=NOON,
        text=f"write to {ADA}", shown=f"{ADA} objected",
    )  # fmt: skip
    await store.record(Change(at=NOON, declared=(word,), askings=(asked,)))
    await store.forget(spellings(ADA), MARK, Change(at=NOON))
    await store.scour()
    assert ADA.encode() not in bytes_of(file)


async def test_an_address_with_other_letters_is_found_in_what_is_kept_as_json(store: Store, file: Path) -> None:
    """There an ö is written as six letters."""
    row = delivery(phase=Phase.SENT, receipt=Receipt(remote_id="1", note="for zoë@example.org"))
    await store.record(Change(at=NOON, deliveries=(row,), audit=(("said", {"to": "zoë@example.org"}),)))
    found = await store.forget(spellings("zoë@example.org"), MARK, Change(at=NOON))
    assert (found.mentions, found.kept) == (1, ("the entries of the audit trail 1",))
    kept = await store.delivery(row.id)
    assert kept is not None
    assert kept.receipt == Receipt(remote_id="1", note=f"for {MARK}")


async def test_recipients_expire_from_the_ledger_and_from_every_byte(store: Store, file: Path) -> None:
    """Thirty days after the incident, long before the rest of it is forgotten; not those of an open one."""
    await a_mailing(store, "7", NOON)
    await a_mailing(store, "8", None, count=40)
    await store.record(Change(at=NOON, observations=(seen(down()),)))
    assert await store.prune(NOON - DAY, NOON - DAY) == 0
    assert b"@list7.example" in bytes_of(file)
    assert await store.prune(NOON - DAY, NOON + DAY) == 3000

    assert b"@list7.example" not in bytes_of(file)
    assert len(await store.ledger("8H-email")) == 40
    assert len(await store.past.last_words(NOON)) == 1
    assert await store.prune(NOON - DAY, NOON + DAY) == 0


async def test_who_is_owed_a_welcome_back_is_not_forgotten_by_time_alone(store: Store) -> None:
    await a_mailing(store, "7", NOON, count=40)
    owed = delivery(channel="email", statement_id="7W", phase=Phase.READY)
    await store.record(Change(at=NOON, deliveries=(owed,)))
    assert await store.prune(NOON + DAY, NOON + DAY) == 0
    assert len(await store.ledger("7H-email")) == 40


async def test_what_an_earlier_version_left_in_free_pages_is_cleaned_away_too(file: Path) -> None:
    """It deleted without overwriting."""
    Store.open(file).close()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("PRAGMA secure_delete = OFF")
        lines = [("1H-email", f"reader{number}@old.example", "sent") for number in range(2000)]
        database.executemany("INSERT INTO ledger VALUES (?, ?, ?)", lines)
        database.execute("DELETE FROM ledger")
    assert b"@old.example" in bytes_of(file)
    store = Store.open(file)
    await store.scour()
    store.close()
    assert b"@old.example" not in bytes_of(file)


async def test_what_belongs_to_no_incident_is_forgotten_when_it_has_ended_so_long_ago(store: Store) -> None:
    """Posts of our own, and drills."""
    for number, phase in (("a", Phase.SENT), ("b", Phase.READY)):
        row = delivery(channel="email", incident="", statement_id=number, phase=phase, ended_at=NOON)
        await store.record(Change(at=NOON, deliveries=(row,)))
        await store.note(row.id, {ADA: "sent"})
    assert await store.prune(NOON - DAY, NOON) == 0
    assert await store.prune(NOON - DAY, NOON + DAY) == 1
    assert await store.ledger("b-email") == {ADA: "sent"}


async def test_deleted_cells_are_overwritten_also_without_cleaning_up(file: Path) -> None:
    """The setting is there when the file is opened, so that a crash before the cleaning leaves little."""
    store = Store.open(file)
    [found] = store._db.execute("PRAGMA secure_delete").fetchall()
    store.close()
    assert found == {"secure_delete": 1}


# -- through the daemon ------------------------------------------------------------------------------------------


class ListOptions(Options):
    """As a channel with a list has them."""

    recipients_file: Path | None = None
    recipients: tuple[str, ...] = ()
    password: SecretStr = SecretStr("secret")


def settings(tmp_path: Path, *, spool: Path | None = None, approvers: tuple[Any, ...] = (), **lists: Any) -> Any:
    return SimpleNamespace(
        path=tmp_path / "config.yaml",
        state=tmp_path / "failover.db",
        channels={"email": SimpleNamespace(name="email", options=ListOptions(**lists))},
        posts=SimpleNamespace(folder=spool) if spool else None,
        sign_off=SimpleNamespace(approvers=approvers),
    )


async def forget(world: World, config: Any, address: str = ADA) -> str:
    return await erasure.forget(world.engine, world.courier, config, address, "ann (command line)", world.now)


@pytest.fixture
async def world(tmp_path: Path) -> World:
    made = World(tmp_path / "failover.db", policies={"email": LONG})
    await made.start()
    return made


async def test_the_answer_the_journal_and_the_trail_tell_that_it_was_done_and_not_whom(
    world: World, tmp_path: Path
) -> None:
    await world.fall("facebook")
    await world.store.note("1H-email", {ADA: "sent", GRACE: "sent"})
    listed = tmp_path / "list.csv"
    listed.write_text(f"name;email\nAda;{ADA.title()}\n", encoding="utf-8")
    told = await forget(world, settings(tmp_path, recipients_file=listed))

    assert re.search(r"1 line of the record .* now bear the mark forgotten-[0-9a-f]{16}", told)
    assert f"It still stands in {listed} (of email): remove it there too" in told
    assert ADA not in told.lower()
    assert world.journal.said("recipient_forgotten") == [{"by": "ann (command line)", "count": 1}]
    assert not [entry for entry in await world.store.audit() if "ada@" in entry.facts.lower()]
    assert sorted(await world.store.ledger("1H-email")) == sorted([re.findall(r"forgotten-\w+", told)[0], GRACE])
    assert ADA.encode() not in bytes_of(tmp_path / "failover.db")
    world.die()


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ({"recipients": (GRACE, "Ada@example.org")}, "It still stands in the configuration of email (`recipients`)"),
        ({"recipients": (GRACE,)}, "It is in no list that"),
        ({"recipients_file": Path("/nowhere/list.csv")}, "It is in no list that"),
    ],
)
async def test_where_it_must_be_removed_by_hand_is_said(
    world: World, tmp_path: Path, lists: dict[str, Any], words: str
) -> None:
    (tmp_path / "failover.db.damaged-1").write_bytes(b"")
    told = await forget(world, settings(tmp_path, **lists))
    assert words in told
    assert "The database knows no such address." in told
    assert "failover.db.damaged-1 was set aside, and is not searched." in told
    world.die()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_a_list_is_read_as_spreadsheets_write_it(world: World, tmp_path: Path, encoding: str) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(f"name;email\r\nZoë;{ADA}\r\n", encoding=encoding)
    assert "It still stands in" in await forget(world, settings(tmp_path, recipients_file=listed))
    world.die()


async def test_what_is_no_address_is_told_and_nothing_is_put_down(world: World, tmp_path: Path) -> None:
    before = len(await world.store.audit())
    with pytest.raises(RequestError, match="that is no e-mail address"):
        await forget(world, settings(tmp_path), "Ada")
    assert len(await world.store.audit()) == before
    world.die()


async def test_the_answer_names_posts_what_is_public_and_what_must_be_cancelled_first(
    world: World, tmp_path: Path
) -> None:
    await world.store.record(a_post(3, Phase.SENT))
    await world.store.record(a_post(4, Phase.READY))
    told = (await forget(world, settings(tmp_path))).splitlines()
    assert "It stood in post P3, which is over, and is gone from our record of it." in told
    assert (
        "P3 is public with it: telegram (https://t.example/3). `failover retract P3` takes it back where that can be "
        "done." in told
    )
    assert (
        "Post P4 still contains it and is not over: cancel it (`failover posts cancel P4`) or let it end, then "
        "give this command again." in told
    )
    assert "The database knows no such address." not in told
    world.die()


async def test_files_of_the_spool_folder_that_hold_it_are_named_and_left_alone(world: World, tmp_path: Path) -> None:
    """They belong to whoever put them there."""
    folder = tmp_path / "spool"
    held = [
        folder / name
        for name in ("new.md", "taking/0-e.md", "accepted/P1-a.md", "sent/P2-b.md", "failed/c.md.reason")
    ]
    for path in held:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\nto: x\n---\nWrite to {ADA.upper()}", encoding="utf-8")
    (folder / "sent" / "P3-d.md").write_text(f"Write to {GRACE}", encoding="utf-8")
    (folder / f"{ADA}.md").write_text("nothing", encoding="utf-8")
    told = await forget(world, settings(tmp_path, spool=folder))
    for path in held:
        assert f"It still stands in {path}: remove it there too." in told
    assert "P3-d.md" not in told
    assert f"It still stands in a file of {folder}, which is called by it: remove it there too." in told
    assert ADA not in told.lower()
    assert all(path.exists() for path in held)
    world.die()


async def test_of_very_many_files_the_rest_is_counted(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    (folder / "sent").mkdir(parents=True)
    for number in range(23):
        (folder / "sent" / f"P{number}-a.md").write_text(ADA, encoding="utf-8")
    told = await forget(world, settings(tmp_path, spool=folder))
    assert told.count("It still stands in") == 20
    assert f"And in 3 more files of {folder}." in told
    world.die()


async def test_an_approver_s_own_address_is_named_where_it_must_be_removed(world: World, tmp_path: Path) -> None:
    people = (SimpleNamespace(name="Ada", email=ADA.title()), SimpleNamespace(name="Bob", email=None))
    told = await forget(world, settings(tmp_path, approvers=people))
    assert "It still stands in the configuration (`sign_off.approvers`)" in told
    world.die()


async def test_a_mailing_under_way_is_broken_off_and_does_not_bring_the_address_back(
    world: World, tmp_path: Path
) -> None:
    """It goes on with the ledger as it is then: whoever is forgotten is on no list, and not in its memory either."""
    served: list[list[str]] = []

    async def mail(_announcement: Announcement, notebook: Any) -> None:
        """As a mailing does: note whom it is for, then serve them; it hangs at the first attempt."""
        states = dict(await notebook.ledger()) or {ADA: "pending", GRACE: "pending"}
        served.append(sorted(states))
        try:
            await notebook.note(states)
            if len(served) == 1:
                await asyncio.Event().wait()
        finally:
            await notebook.note(dict.fromkeys(states, "sent" if len(served) > 1 else "pending"))

    world.channels["email"].before_send = mail
    await world.fall("facebook", deliver=False)
    await world.courier.deliver()
    await _until_noted(world)
    told = await forget(world, settings(tmp_path))
    [mark] = re.findall(r"forgotten-\w+", told)
    await world.live(HOUR / 60, {"facebook": RED}, every=5)

    assert served == [[ADA, GRACE], sorted([mark, GRACE])]
    assert await world.store.ledger("1H-email") == {mark: "sent", GRACE: "sent"}
    assert ADA.encode() not in bytes_of(tmp_path / "failover.db")
    world.die()


async def _until_noted(world: World) -> None:
    async with asyncio.timeout(5):
        while not await world.store.ledger("1H-email"):  # noqa: ASYNC110  the store tells nobody of a change
            await asyncio.sleep(0)


async def test_a_disk_that_refuses_the_cleaning_is_told_and_the_address_is_gone_from_the_rows(
    world: World, tmp_path: Path
) -> None:
    await world.fall("facebook")
    await world.store.note("1H-email", {ADA: "sent"})
    world.store._db.set_authorizer(
        lambda action, *_rest: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK
    )
    told = await forget(world, settings(tmp_path))
    world.store._db.set_authorizer(None)
    assert "Traces may be left in unused parts of the file" in told
    assert ADA not in await world.store.ledger("1H-email")
    world.die()


@pytest.mark.parametrize(("written", "seconds"), [(None, 30 * DAY), ("1d", DAY), ("90d", 90 * DAY)])
def test_how_long_recipients_are_kept_is_a_key_of_the_configuration(written: str | None, seconds: float) -> None:
    data = {} if written is None else {"keep_recipients": written}
    assert TypeAdapter(Limits).validate_python(data).keep_recipients == seconds


def test_less_than_a_day_is_refused() -> None:
    """A relapse must still find who heard."""
    with pytest.raises(ValidationError):
        TypeAdapter(Limits).validate_python({"keep_recipients": "12h"})
