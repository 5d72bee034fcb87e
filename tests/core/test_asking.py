"""Asking people: durably, never in the way of anything else, and heard once (rule S5)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

import httpx
import pytest

from failover.asking.answers import Listener
from failover.asking.asker import Asker, Manner
from failover.asking.mail import MailServer, MailWay
from failover.asking.telegram import TelegramWay, open_telegram
from failover.asking.ways import Press, Sent, Unsent
from failover.asking.words import ROOM, Question, letter, messages, question, shown, units
from failover.desk import RequestError
from failover.drill import Drill
from failover.model import Statement
from failover.practice.http import Fault, Response
from failover.practice.smtp import SmtpFault, SmtpService
from failover.practice.telegram import TelegramService
from failover.schema import StoreError
from failover.signoff import ASK, REMIND, Asking, Person, Signing, code, via_telegram
from failover.store import Change
from tests.core.stories import GREEN, MINUTE, NOON, RED, World, delivery, house
from tests.core.test_signoff import row

H = Statement.HOLDING
ANN, BOB, MIA = (
    Person(name="Ann", telegram=111),
    Person(name="Bob", telegram=222),
    Person(name="Mia", email="m@x.org"),
)
MANNER = Manner(organisation="Example Council", titles={"facebook": "our Facebook page"}, zone=UTC)

# -- words -----------------------------------------------------------------------------------------------------


def asked_about(text: str = "facebook does not work (F7H)", **changes: Any) -> Question:
    kind = changes.pop("kind", ASK)
    return question(row(**changes), [delivery(text=text)], kind, "Example Council", "our Facebook page", UTC)


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({}, "It is said only if it is approved, by 11:36 UTC on 2026-11-18 at the latest."),
        (
            {"mode": "veto", "release_at": NOON + 300},
            "It goes out at 11:11 UTC on 2026-11-18 unless somebody objects.",
        ),
        ({"release_at": NOON + 600}, "If nobody decides, it goes out at 11:16 UTC on 2026-11-18."),
        ({"persons": 2}, "Two different people must approve it."),
        (
            {"persons": 2, "mode": "veto", "release_at": NOON + 300},
            "unless somebody objects. If two different people approve it, it goes out at once.",
        ),
        ({"kind_": REMIND}, "still waits for your decision"),
        ({"drill": True}, "DRILL: Example Council"),
    ],
    ids=["required", "veto", "released by itself", "two persons", "veto and two persons", "reminder", "drill"],
)
def test_the_question_says_what_happens_and_until_when(changes: dict[str, Any], terms: str) -> None:
    kind = changes.pop("kind_", ASK)
    whole = "\n".join(asked_about(kind=kind, **changes).paragraphs)
    assert terms in whole
    assert "[telegram]\nfacebook does not work (F7H)" in whole
    assert f"Statement 7H, code {asked_about(**changes).code}." in whole


def test_a_long_question_is_divided_and_loses_nothing() -> None:
    """Telegram counts UTF-16 units, of which a face takes two."""
    long = "ä😀" * 3000
    parts = messages(asked_about(long))
    assert len(parts) > 2
    assert all(0 < units(part) <= ROOM for part in parts)
    assert "".join(parts).replace("\n", "").count("😀") == 3000
    assert parts[-1].endswith(f"Statement 7H, code {asked_about(long).code}.")
    assert units(shown(parts[0], "x" * 1000)) <= 4096


def test_a_mail_says_the_commands_and_that_it_decides_nothing() -> None:
    asked = asked_about()
    assert f"failover approve 7H {asked.code}\n" in letter(asked)
    assert "Answers to this mail are not read." in letter(asked)


# -- who asks, with ways that are made up ----------------------------------------------------------------------


@dataclass
class FakeWay:
    """Keeps what it was given; answers from a script, then well."""

    name: str = "Telegram"
    place: str = "telegram_offset 1"
    answers: list[Unsent] = field(default_factory=list)
    asked: list[tuple[str, Question]] = field(default_factory=list)
    showed: list[tuple[str, str, bool]] = field(default_factory=list)
    replies: list[tuple[str, bool]] = field(default_factory=list)
    inbox: list[Press] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def reaches(self, person: Person) -> bool:
        return person.telegram is not None

    async def ask(self, person: Person, asked: Question) -> Sent | Unsent:
        if self.answers:
            return self.answers.pop(0)
        self.asked.append((person.name, asked))
        return Sent(str(len(self.asked)), asked.paragraphs[-1])

    async def show(self, person: Person, asking: Asking, line: str, *, still_open: bool) -> Sent | Unsent:
        if self.answers:
            return self.answers.pop(0)
        self.showed.append((person.name, line, still_open))
        return Sent(asking.message, asking.text)

    async def presses(self, offset: int) -> list[Press] | Unsent:
        self.offsets.append(offset)
        found = [one for one in self.inbox if one.number >= offset]
        if not found:
            await asyncio.sleep(0.01)
        return found

    async def reply(self, press: Press, text: str, *, alert: bool) -> None:
        self.replies.append((text, alert))


@asynccontextmanager
async def opened(way: FakeWay) -> AsyncIterator[FakeWay]:
    yield way


async def a_world(**signing: Any) -> World:
    rules = Signing(people=(ANN, BOB), **signing)
    story = World(":memory:", house_=house(sign_off={H: "required"}, signing=rules))
    await story.start()
    return story


class Office:
    """An asker in a world whose time the test moves; `look` lets it do all that is due now."""

    def __init__(self, story: World, way: FakeWay) -> None:
        self.story, self.way, self.kicked = story, way, 0
        self.asker = self._made()

    def _made(self) -> Asker:
        story = self.story
        return Asker(story.engine, story.desk, lambda: [opened(self.way)], MANNER, lambda: story.now, self._kick)

    def _kick(self) -> None:
        self.kicked += 1

    async def look(self) -> None:
        self.asker._ways = [self.way]
        await self.asker.round()
        await asyncio.gather(*self.asker._errands.busy.values())

    def dies(self) -> None:
        """Another process takes over; only the database is left."""
        self.asker = self._made()


@pytest.fixture
async def office() -> Office:
    story = await a_world()
    await story.fall("facebook")
    return Office(story, FakeWay())


def names(way: FakeWay) -> list[str]:
    return [name for name, _question in way.asked]


async def test_everybody_is_asked_once_also_by_the_next_process(office: Office) -> None:
    await office.look()
    await office.look()
    office.dies()
    await office.look()
    assert names(office.way) == ["Ann", "Bob"]
    said = office.story.journal.said("approver_asked")
    assert [(one["approver"], one["asked"], one["way"]) for one in said] == [
        ("Ann", "asked", "Telegram"),
        ("Bob", "asked", "Telegram"),
    ]
    facts = [json.loads(one.facts) for one in await office.story.store.audit() if one.event == "approver_asked"]
    assert [one["approver"] for one in facts] == ["Ann", "Bob"]
    assert len(office.story.journal.said("statement_waiting")) == 1
    assert "our Facebook page" in office.way.asked[0][1].subject


async def test_who_is_not_known_to_be_asked_is_asked_again(office: Office) -> None:
    """The process died after it had asked, and before it could write that down."""
    await office.look()
    office.story.store._db.execute("DELETE FROM asking WHERE approver = 'Bob'")
    office.dies()
    await office.look()
    assert names(office.way) == ["Ann", "Bob", "Bob"]


async def test_a_full_disk_after_asking_asks_nobody_twice(office: Office) -> None:
    """Neither while the disk is full, nor when it works again."""
    real = office.story.store.record

    async def refusing(change: Change) -> None:
        if any(one.approver for one in change.askings):
            raise StoreError("the database cannot be written: full")
        await real(change)

    office.story.store.record = refusing  # type: ignore[method-assign]
    await office.look()
    for _ in range(2):
        with pytest.raises(StoreError):
            await office.look()
    office.story.store.record = real  # type: ignore[method-assign]
    await office.look()
    office.dies()
    await office.look()
    assert names(office.way) == ["Ann", "Bob"]


async def test_a_question_that_cannot_be_asked_is_told_once_tried_again_and_keeps_nothing_waiting(
    office: Office,
) -> None:
    office.way.answers += [Unsent("no line"), Unsent("no line"), Unsent("no line")]
    await office.look()
    await office.look()
    assert names(office.way) == []
    assert len(office.story.journal.said("approver_unreachable")) == 2
    assert await office.story.desk.approve("1H", "root", office.story.now) == "1H is approved and goes out now."
    await office.story.deliver()
    assert office.story.posts() == {"telegram": 1, "email": 1, "blog": 1}


async def test_after_a_failure_it_is_tried_again_in_a_while(office: Office) -> None:
    office.way.answers += [Unsent("no line"), Unsent("no line")]
    await office.look()
    errands = office.asker._errands
    errands.failures = {key: (count, 0.0) for key, (count, _until) in errands.failures.items()}
    await office.look()
    assert names(office.way) == ["Ann", "Bob"]


async def test_new_texts_are_asked_about_anew_and_the_old_question_says_so(office: Office) -> None:
    await office.look()
    await office.story.fall("instagram")
    await office.look()
    assert names(office.way) == ["Ann", "Bob", "Ann", "Bob"]
    first, second = office.way.asked[0][1].code, office.way.asked[2][1].code
    assert first != second
    assert [(name, open_) for name, _line, open_ in office.way.showed] == [("Ann", False), ("Bob", False)]
    assert office.way.showed[0][1].startswith("This is out of date")
    assert [one["code"] for one in office.story.journal.said("statement_waiting")] == [first, second]


async def test_after_a_while_everybody_is_reminded_once_and_the_journal_says_it_too(office: Office) -> None:
    await office.look()
    await office.story.live(10 * MINUTE, {"facebook": RED})
    for _ in range(3):
        await office.look()
    assert names(office.way) == ["Ann", "Bob", "Ann", "Bob"]
    assert office.way.asked[2][1].subject.startswith("Reminder: ")
    [overdue] = office.story.journal.said("statement_overdue")
    assert (overdue["statement_id"], overdue["duration"]) == ("1H", 600)


async def test_the_next_group_is_asked_when_its_turn_comes() -> None:
    story = World(
        ":memory:",
        house_=house(sign_off={H: "required"}, signing=Signing(people=(ANN, replace(BOB, group="deputies")))),
    )
    await story.start()
    await story.fall("facebook")
    office = Office(story, FakeWay())
    await office.look()
    assert names(office.way) == ["Ann"]
    await story.live(20 * MINUTE, {"facebook": RED})
    await office.look()
    assert names(office.way) == ["Ann", "Ann", "Bob"]


@pytest.mark.parametrize("way_of_deciding", ["approve", "veto", "the end"])
async def test_every_question_says_how_it_ended_also_after_a_crash(office: Office, way_of_deciding: str) -> None:
    await office.look()
    story = office.story
    if way_of_deciding == "approve":
        await story.desk.approve("1H", "root (sudo by carl, command line)", story.now)
    elif way_of_deciding == "veto":
        await story.desk.veto("1H", "wrong", "carl (command line)", story.now)
    else:
        await story.live(20 * MINUTE, {"facebook": GREEN})
    office.dies()
    for _ in range(2):
        await office.look()
    wanted = {
        "approve": "root (sudo by carl, command line) approved it.",
        "veto": "carl (command line) objected: wrong. It is not said.",
        "the end": "It is not needed any more: the platform has recovered.",
    }
    assert office.way.showed == [("Ann", wanted[way_of_deciding], False), ("Bob", wanted[way_of_deciding], False)]
    assert all(one.done for one in await story.store.askings())


async def test_a_message_that_cannot_be_edited_for_good_is_let_be(office: Office) -> None:
    await office.look()
    await office.story.desk.approve("1H", "root", office.story.now)
    office.way.answers += [Unsent("gone", final=True), Unsent("gone", final=True)]
    await office.look()
    await office.look()
    assert office.way.showed == []
    assert await office.story.store.askings() == []


async def test_a_drill_is_asked_about_as_a_drill_and_its_approval_releases_nothing_else() -> None:
    """The same code for the real statement is refused, and the drill's practice channel hears it once."""
    story = await a_world()
    office = Office(story, FakeWay())
    assert (await Drill(story.engine).begin("facebook", "ann", story.now, full=True))["id"] == "D1"
    await story.fall("facebook")
    await office.look()
    drill = next(asked for _name, asked in office.way.asked if asked.statement == "D1")
    assert drill.paragraphs[0].startswith("DRILL: Example Council: the drill statement of incident D1 (our Facebook")
    with pytest.raises(RequestError, match="the texts of 1H are not those"):
        await story.desk.approve("1H", via_telegram("Ann"), story.now, drill.code)
    await story.desk.approve("D1", via_telegram("Ann"), story.now, drill.code)
    await story.live(MINUTE, {"facebook": RED})
    assert story.posts() == {}
    assert story.posts(Statement.DRILL) == {"rehearsal": 1}


# -- answers ---------------------------------------------------------------------------------------------------


class Hearing:
    def __init__(self, story: World) -> None:
        self.story, self.way, self.acted = story, FakeWay(), 0
        self.listener = self._made()

    def _made(self) -> Listener:
        return Listener(self.way, self.story.engine, self.story.desk, lambda: self.story.now, self._act, self._reply)

    def _act(self) -> None:
        self.acted += 1

    def _reply(self, _key: str, told: Any) -> None:
        asyncio.get_running_loop().create_task(told)

    async def press(self, account: int, data: str, number: int | None = None) -> tuple[str, bool]:
        number = number if number is not None else len(self.way.inbox) + 1
        self.way.inbox.append(Press(number, account, data, f"p{number}"))
        await self.listener.hear()
        await asyncio.sleep(0)
        return self.way.replies[-1]

    def dies(self) -> None:
        self.listener = self._made()


async def hearing(**signing: Any) -> tuple[Hearing, str]:
    story = await a_world(**signing)
    await story.fall("facebook")
    made = await story.store.statement("1H")
    assert made is not None
    return Hearing(story), code(made, await story.store.deliveries("1"))


async def test_a_press_approves_and_how_far_was_heard_is_written_with_it() -> None:
    """One transaction: a restart neither loses nor repeats an answer."""
    room, now_code = await hearing()
    assert await room.press(111, f"approve 1H {now_code}") == ("1H is approved and goes out now.", False)
    assert await room.story.store.setting("telegram_offset 1") == "2"
    assert room.acted == 1
    room.dies()
    await room.listener.hear()
    assert room.way.offsets == [0, 2]
    assert len(room.way.replies) == 1
    [entry] = [one for one in await room.story.store.audit() if one.event == "statement_approved"]
    assert json.loads(entry.facts)["by"] == "Ann (Telegram)"


async def test_a_press_that_comes_again_changes_nothing() -> None:
    """The process died between acting and hearing on, and the offset was lost with the disk's last page."""
    room, now_code = await hearing(two_persons=frozenset({H}))
    await room.press(111, f"approve 1H {now_code}")
    room.story.store._db.execute("DELETE FROM meta WHERE name LIKE 'telegram%'")
    room.dies()
    await room.listener.hear()
    await asyncio.sleep(0)
    assert "is the one who has approved 1H already" in room.way.replies[-1][0]
    await room.story.live(MINUTE, {"facebook": RED})
    assert room.story.posts() == {}


@pytest.mark.parametrize(
    ("account", "data", "reply"),
    [
        (
            666,
            "approve 1H CODE",
            "You are not listed as an approver, so nothing has changed. Your account number is 666.",
        ),
        (666, "rubbish", "You are not listed as an approver"),
        (111, "approve 1H 00000000", "The texts of 1H are not those that 00000000 stands for"),
        (111, "approve 9H CODE", "There is no statement 9H"),
        (111, "rubbish", "This button is not known"),
        (111, "approve 1H CODE; drop", "This button is not known"),
    ],
)
async def test_a_press_that_may_not_decide_is_answered_and_nothing_changes(
    account: int, data: str, reply: str
) -> None:
    room, now_code = await hearing()
    text, alert = await room.press(account, data.replace("CODE", now_code))
    assert text.startswith(reply)
    assert alert
    assert await room.story.store.setting("telegram_offset 1") == "2"
    made = await room.story.store.statement("1H")
    assert made is not None
    assert (made.decision, made.approvals) == ("", ())
    [refused] = room.story.journal.said("approval_refused")
    [entry] = [json.loads(one.facts) for one in await room.story.store.audit() if one.event == "approval_refused"]
    assert entry["by"] == refused["by"] == ("Ann (Telegram)" if account == 111 else "somebody not listed (Telegram)")
    assert entry["reason"] == refused["reason"]
    assert "666" not in str(refused) + str(entry)


async def test_a_late_press_is_refused_and_the_trail_says_who_and_why() -> None:
    room, now_code = await hearing()
    await room.press(111, f"approve 1H {now_code}")
    text, alert = await room.press(222, f"approve 1H {now_code}")
    assert (text, alert) == ("Ann (Telegram) has approved 1H already", True)
    [entry] = [json.loads(one.facts) for one in await room.story.store.audit() if one.event == "approval_refused"]
    assert entry == {
        "statement": "1H",
        "by": "Bob (Telegram)",
        "what": "approval",
        "reason": "Ann (Telegram) has approved 1H already",
    }
    assert await room.story.store.setting("telegram_offset 1") == "3"


async def test_an_objection_by_button_to_what_is_public_says_what_takes_it_back() -> None:
    room, now_code = await hearing()
    await room.press(111, f"approve 1H {now_code}")
    await room.story.deliver()
    text, alert = await room.press(222, f"veto 1H {now_code}")
    assert text.startswith("There was nothing left to stop: 1H is public already on telegram, email, blog; `failover")
    assert alert
    assert await room.story.store.setting("telegram_offset 1") == "3"


async def test_an_objection_by_button_stops_it() -> None:
    room, now_code = await hearing()
    assert (await room.press(222, f"veto 1H {now_code}"))[0] == "1H is stopped."
    await room.story.live(MINUTE, {"facebook": RED})
    assert room.story.posts() == {}


async def test_an_objection_to_older_texts_stops_the_new_ones_too() -> None:
    room, now_code = await hearing()
    await room.story.fall("instagram")
    assert (await room.press(222, f"veto 1H {now_code}"))[0] == "1H is stopped."


async def test_a_press_that_cannot_be_written_down_is_asked_for_again() -> None:
    room, now_code = await hearing()
    room.story.store._db.execute("PRAGMA query_only = ON")
    text, alert = await room.press(111, f"approve 1H {now_code}")
    assert text == "This could not be written down, so nothing has changed; please press again"
    assert alert
    room.story.store._db.execute("PRAGMA query_only = OFF")
    assert (await room.press(111, f"approve 1H {now_code}"))[0] == "1H is approved and goes out now."


# -- Telegram itself -------------------------------------------------------------------------------------------

TOKEN = "123456789:practice"


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramService]:
    async with TelegramService(TOKEN) as service:
        service.add_chat(111, kind="private", title="Ann")
        yield service


@asynccontextmanager
async def bot(telegram: TelegramService) -> AsyncIterator[TelegramWay]:
    async with open_telegram(TOKEN, telegram.url, "failover/test") as way:
        assert isinstance(way, TelegramWay)
        yield way


def asking(message: str, text: str) -> Asking:
    return Asking(
        id="a", statement="7H", round=0, code="c0dec0de", approver="Ann", way="Telegram", kind=ASK, at=NOON,
        message=message, text=text,
    )  # fmt: skip


async def test_telegram_is_asked_with_buttons_under_the_last_part_only_and_edited(telegram: TelegramService) -> None:
    asked = asked_about("long " * 1500)
    async with bot(telegram) as way:
        sent = await way.ask(ANN, asked)
        assert isinstance(sent, Sent)
        posts = [post for post in telegram.chats[111].posts.values() if not post.service]
        assert len(posts) == len(messages(asked)) > 1
        assert [bool(post.buttons) for post in posts] == [*([False] * (len(posts) - 1)), True]
        assert posts[-1].buttons == {"Approve": f"approve 7H {asked.code}", "Object": f"veto 7H {asked.code}"}
        assert int(sent.message) == posts[-1].number
        mine = asking(sent.message, sent.text)
        assert isinstance(await way.show(ANN, mine, "Bob approved it; a second must.", still_open=True), Sent)
        assert posts[-1].text == f"Bob approved it; a second must.\n\n{sent.text}"
        assert posts[-1].buttons
        assert isinstance(await way.show(ANN, mine, "Bob approved it.", still_open=False), Sent)
        assert posts[-1].buttons == {}


async def test_a_press_is_heard_at_once_and_only_presses_are_asked_for(telegram: TelegramService) -> None:
    asked = asked_about()
    async with bot(telegram) as way:
        await way.ask(ANN, asked)
        waiting = asyncio.create_task(way.presses(0))
        while telegram.listeners == 0:  # noqa: ASYNC110  the practice service knows nothing of who waits for it
            await asyncio.sleep(0.01)
        telegram.press(111, [*telegram.chats[111].posts.values()][-1], "Approve")
        async with asyncio.timeout(2):
            [press] = await waiting  # type: ignore[misc]
        assert (press.account, press.data) == (111, f"approve 7H {asked.code}")
        await way.reply(press, "x" * 500, alert=True)
        assert len(telegram.answered[0]["text"]) == 190
        form = dict(
            httpx.QueryParams(next(r for r in telegram.requests if r.path.endswith("getUpdates")).body.decode())
        )
        assert (form["allowed_updates"], form["timeout"]) == ('["callback_query"]', "25")


@pytest.mark.parametrize(
    ("trouble", "reason", "final"),
    [
        (Response.json({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401), "token", True),
        (
            Response.json({"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked"}, 403),
            "blocked",
            True,
        ),
        (Response.json({"ok": False, "error_code": 400, "description": "Bad Request: x"}, 400), "refused", True),
        (Response.json({"ok": False, "error_code": 409, "description": "Conflict"}, 409), "another program", False),
        (
            Response.json(
                {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": 7}}, 429
            ),
            "slow down",
            False,
        ),
        (Response.html("<h1>captive</h1>"), "something else", False),
        (Response.json(["a", "list"]), "something else", False),
        (Response.json({"ok": True, "result": {"message_id": "x"}}), "could not be read", False),
        (Response.json({"ok": False}, 502), "something else", False),
    ],
    ids=["token", "blocked", "refused", "conflict", "throttled", "page", "list", "no message", "502"],
)
async def test_telegrams_trouble_is_a_reason_that_holds_no_token(
    telegram: TelegramService, trouble: Response, reason: str, final: bool
) -> None:
    telegram.trouble = trouble
    async with bot(telegram) as way:
        for found in (await way.ask(ANN, asked_about()), await way.presses(0)):
            assert isinstance(found, Unsent)
            assert TOKEN.partition(":")[2] not in found.reason
            if reason not in ("no message", "could not be read"):
                assert reason in found.reason
                assert found.final is final
        throttled = await way.ask(ANN, asked_about())
        assert isinstance(throttled, Unsent)
        assert throttled.wait == (7.0 if reason == "slow down" else 10.0 if reason == "another program" else None)


async def test_who_never_wrote_to_the_bot_cannot_be_asked_and_a_dead_host_is_told(telegram: TelegramService) -> None:
    async with bot(telegram) as way:
        assert await way.ask(BOB, asked_about()) == Unsent("they have not written to the bot yet", final=True)
        telegram.fail(Fault.RESET_AFTER)
        assert await way.ask(ANN, asked_about()) == Unsent("the connection broke")
        telegram.shut()
        assert await way.ask(ANN, asked_about()) == Unsent("Telegram cannot be reached")


async def test_a_second_listener_with_the_same_bot_is_told(telegram: TelegramService) -> None:
    async with bot(telegram) as way, bot(telegram) as other:
        first = asyncio.create_task(way.presses(0))
        while telegram.listeners == 0:  # noqa: ASYNC110  the practice service knows nothing of who waits for it
            await asyncio.sleep(0.01)
        second = asyncio.create_task(other.presses(0))
        assert await first == Unsent("another program listens with the same bot", 10.0)
        second.cancel()


# -- mail itself -----------------------------------------------------------------------------------------------


def by_mail(smtp: SmtpService) -> MailWay:
    return MailWay(
        MailServer(
            host="127.0.0.1", port=smtp.port, security="none", sender_name="Example Council", sender="n@example.org",
            timeout=2.0,
        )
    )  # fmt: skip


async def test_a_mail_carries_the_texts_and_the_commands() -> None:
    async with SmtpService() as smtp:
        sent = await by_mail(smtp).ask(MIA, asked_about("Füße kalt (F7H)"))
        [(to, mail)] = smtp.messages
    assert sent == Sent(mail["Message-ID"], "please decide about 7H (our Facebook page)")
    assert to == "m@x.org"
    assert mail["Subject"] == "please decide about 7H (our Facebook page)"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Füße kalt (F7H)" in mail.get_content()


async def test_a_mail_that_is_not_taken_is_a_reason_without_any_address() -> None:
    async with SmtpService() as smtp:
        smtp.fail(SmtpFault.RCPT_550)
        refused = await by_mail(smtp).ask(MIA, asked_about())
        smtp.fail(SmtpFault.DATA_451)
        later = await by_mail(smtp).ask(MIA, asked_about())
        way = by_mail(smtp)
    gone = await way.ask(MIA, asked_about())
    for found in (refused, later, gone):
        assert isinstance(found, Unsent)
        assert "@" not in found.reason
    assert gone == Unsent("the mail server cannot be reached")
