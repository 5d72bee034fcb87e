"""Who was asked by mail is told once how it ended, also over a crash, and never twice (rule S5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC

import pytest

from failover.asking.asker import Asker, Manner
from failover.asking.mail import MailServer, MailWay
from failover.asking.matter import Matter, closing
from failover.asking.ways import Sent, Unsent
from failover.asking.words import Ending, Question
from failover.delivery import Approval, Phase
from failover.model import Statement
from failover.practice.smtp import SmtpFault, SmtpService
from failover.schema import StoreError
from failover.signoff import Asking, Person, Signing
from failover.store import Change
from tests.core.stories import GREEN, HOUR, MINUTE, NOON, RED, World, delivery, house
from tests.core.test_signoff import row

H = Statement.HOLDING
MIA, TOM = Person(name="Mia", email="mia@x.org", user="carl"), Person(name="Tom", email="tom@x.org", user="mark")
MANNER = Manner(organisation="Example Council", titles={"facebook": "our Facebook page"}, zone=UTC)


@dataclass
class FakePost:
    """A way that cannot write over what it sent; answers from a script, then well."""

    name: str = "e-mail"
    answers: list[Unsent] = field(default_factory=list)
    asked: list[tuple[str, Question]] = field(default_factory=list)
    closed: list[tuple[str, Ending]] = field(default_factory=list)
    dies: bool = False

    def reaches(self, person: Person) -> bool:
        return bool(person.email)

    async def ask(self, person: Person, asked: Question) -> Sent | Unsent:
        self.asked.append((person.name, asked))
        return Sent(f"<{len(self.asked)}@x.org>", asked.subject)

    async def close(self, person: Person, ending: Ending) -> Sent | Unsent:
        if self.dies:
            raise asyncio.CancelledError
        if self.answers:
            return self.answers.pop(0)
        self.closed.append((person.name, ending))
        return Sent()


@asynccontextmanager
async def opened(way: FakePost) -> AsyncIterator[FakePost]:
    yield way


class Office:
    """An asker in a world whose time the test moves; `look` lets it do all that is due now."""

    def __init__(self, story: World) -> None:
        self.story, self.way = story, FakePost()
        self.asker = self._made()

    def _made(self) -> Asker:
        story = self.story
        return Asker(story.engine, story.desk, lambda: [opened(self.way)], MANNER, lambda: story.now, lambda: None)

    async def look(self, times: int = 2) -> None:
        for _ in range(times):
            self.asker._ways = [self.way]
            await self.asker.round()
            await asyncio.gather(*self.asker._errands.busy.values(), return_exceptions=True)

    def dies(self) -> None:
        """Another process takes over; only the database is left."""
        self.asker = self._made()

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(name, ending.text.splitlines()[0]) for name, ending in self.way.closed]


@pytest.fixture
async def office() -> Office:
    rules = Signing(people=(MIA, TOM))
    story = World(":memory:", house_=house(sign_off={H: "required"}, signing=rules))
    await story.start()
    await story.fall("facebook")
    made = Office(story)
    await made.look()
    return made


async def decide(office: Office, how: str) -> None:
    story = office.story
    match how:
        case "approved":
            await story.desk.approve("1H", "carl (command line)", story.now)
        case "vetoed":
            await story.desk.veto("1H", "wrong", "carl (command line)", story.now)
        case "recovered":
            await story.live(20 * MINUTE, {"facebook": GREEN})
        case "expired":
            await story.live(60 * MINUTE, {"facebook": RED})


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("approved", "Settled: carl (command line) approved it (11:09 UTC on 2026-11-18). Nothing more to do."),
        (
            "vetoed",
            "Settled: carl (command line) objected: wrong. It is not said (11:09 UTC on 2026-11-18).",
        ),
        ("recovered", "Settled: It is not needed any more: the platform has recovered (11:2"),
        ("expired", "Settled: It is not needed any more: too late to be said (12:0"),
    ],
)
async def test_everybody_who_was_asked_is_told_once_how_it_ended(office: Office, how: str, line: str) -> None:
    await decide(office, how)
    await office.look(3)
    office.dies()
    await office.look(3)
    assert [name for name, _first in office.told] == ["Mia", "Tom"]
    assert all(first.startswith(line) for _name, first in office.told), office.told
    assert all(one.done for one in await office.story.store.askings())


async def test_it_answers_the_first_mail_and_names_every_other_in_the_thread(office: Office) -> None:
    """Asked, reminded, asked anew with other texts: one thread, one end."""
    await office.story.live(10 * MINUTE, {"facebook": RED})
    await office.look()
    await office.story.fall("instagram")
    await office.look()
    asked = [name for name, _question in office.way.asked]
    assert asked.count("Mia") == 3
    await decide(office, "approved")
    await office.look()
    [ending] = [ending for name, ending in office.way.closed if name == "Mia"]
    mine = [f"<{number}@x.org>" for number, name in enumerate(asked, 1) if name == "Mia"]
    assert ending.answers == tuple(mine)
    assert ending.subject == office.way.asked[asked.index("Mia")][1].subject


async def test_newer_texts_and_the_first_of_two_approvals_end_nothing(office: Office) -> None:
    await office.story.fall("instagram")
    await office.look()
    made = await office.story.store.statement("1H")
    assert made is not None
    await office.story.store.record(Change(at=NOON, statements=(replace(made, persons=2),)))
    assert "a second person must say" in await office.story.desk.approve("1H", "carl", office.story.now)
    await office.look()
    assert office.way.closed == []
    await office.story.desk.approve("1H", "mark", office.story.now)
    await office.look()
    assert [name for name, _first in office.told] == ["Mia", "Tom"]


async def test_while_a_question_is_on_its_way_the_end_waits(office: Office) -> None:
    """Else it would look as if one more question had to be ended."""
    await office.story.live(10 * MINUTE, {"facebook": RED})
    hold = asyncio.Event()
    real = office.way.ask

    async def slow(person: Person, asked: Question) -> Sent | Unsent:
        await hold.wait()
        return await real(person, asked)

    office.way.ask = slow  # type: ignore[method-assign]
    await office.asker.round()
    await asyncio.sleep(0)
    await decide(office, "approved")
    await office.asker.round()
    assert office.told == []
    hold.set()
    await asyncio.gather(*office.asker._errands.busy.values())
    await office.look(3)
    assert [name for name, _first in office.told] == ["Mia", "Tom"]


async def test_after_a_crash_between_writing_down_and_sending_nobody_is_told_twice(office: Office) -> None:
    """Whether it left cannot be known; a person who is not told can still look."""
    await decide(office, "approved")
    office.way.dies = True
    await office.look(1)
    office.way.dies = False
    office.dies()
    await office.look()
    assert office.told == []


async def test_a_crash_before_that_loses_nothing(office: Office) -> None:
    await decide(office, "approved")
    office.dies()
    await office.look()
    assert len(office.told) == 2


async def test_what_certainly_did_not_leave_is_tried_again(office: Office) -> None:
    office.way.answers += [Unsent("the mail server cannot be reached")] * 2
    await decide(office, "approved")
    await office.look(1)
    assert office.told == []
    await office.look()
    assert office.told == [], "not at once"
    office.dies()
    await office.look()
    assert len(office.told) == 2


@pytest.mark.parametrize("why", [Unsent("no answer", unsure=True), Unsent("no such person", final=True)])
async def test_what_may_have_left_or_never_will_is_let_be(office: Office, why: Unsent) -> None:
    office.way.answers += [why, why]
    await decide(office, "approved")
    await office.look()
    office.dies()
    await office.look()
    assert office.told == []


async def test_a_full_disk_tells_nobody_before_it_is_written_down(office: Office) -> None:
    await decide(office, "approved")
    real = office.story.store.record

    async def refusing(change: Change) -> None:
        raise StoreError("the database cannot be written: full")

    office.story.store.record = refusing  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        await office.look()
    assert office.told == []
    office.story.store.record = real  # type: ignore[method-assign]
    await office.look()
    assert len(office.told) == 2


async def test_an_approval_that_lapsed_is_asked_about_anew_and_ends_anew(office: Office) -> None:
    await decide(office, "approved")
    await office.look()
    assert len(office.told) == 2
    made = await office.story.store.statement("1H")
    assert made is not None
    again = replace(made, decision="", decided_by="", approvals=(), release_at=None, lapses=1)
    rows = [replace(one, phase=Phase.READY) for one in await office.story.store.deliveries("1")]
    await office.story.store.record(Change(at=NOON, statements=(again,), deliveries=tuple(rows)))
    await office.look()
    assert len(office.told) == 2
    await office.story.desk.veto("1H", "", "carl", office.story.now)
    await office.look()
    assert len(office.told) == 4


async def test_of_what_was_asked_days_ago_nobody_is_told(office: Office) -> None:
    """The daemon did not run meanwhile."""
    await decide(office, "approved")
    office.story.now += 49 * HOUR
    await office.look()
    assert office.told == []
    assert await office.story.store.askings() == []


# -- words and wire ----------------------------------------------------------------------------------------------


def test_the_time_is_that_of_the_decision_and_not_of_the_letter() -> None:
    given = Approval(by="ann", who="user ann", at=NOON + 120, seal="s")
    decided = row(decision="approved", decided_by="ann", approvals=(given,))
    asked = Asking(
        id="a", statement="7H", round=0, code="c", approver="Mia", way="e-mail", kind="ask", at=NOON, message="<1@x>"
    )
    ending = closing(Matter(thread=(asked,), row=decided, deliveries=[delivery()], now=NOON + HOUR), UTC)
    assert ending.text.startswith("Settled: ann approved it (11:08 UTC on 2026-11-18). Nothing more to do.")
    assert "Statement 7H" in ending.text


async def test_a_closing_letter_is_in_the_thread_of_the_question() -> None:
    ending = Ending(subject="please decide about 7H", text="Settled: Bob approved it.\n", answers=("<1@x>", "<2@x>"))
    async with SmtpService() as smtp:
        assert isinstance(await by_mail(smtp).close(MIA, ending), Sent)
        [(to, mail)] = smtp.messages
    assert to == "mia@x.org"
    assert mail["Subject"] == "Re: please decide about 7H"
    assert mail["In-Reply-To"] == "<1@x>"
    assert mail["References"].split() == ["<1@x>", "<2@x>"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Bob approved it." in mail.get_content()


@pytest.mark.parametrize(
    ("fault", "unsure", "final"),
    [
        (SmtpFault.GREETING_421, False, False),
        (SmtpFault.RCPT_450, False, False),
        (SmtpFault.RCPT_550, False, True),
        (SmtpFault.DOT_451, False, False),
        (SmtpFault.DOT_554, False, True),
        (SmtpFault.DOT_HANG, True, False),
        (SmtpFault.DOT_DROP, True, False),
        (SmtpFault.DOT_GARBAGE, True, False),
        (SmtpFault.DOT_LOST, True, False),
    ],
    ids=lambda value: value.name if isinstance(value, SmtpFault) else str(value),
)
async def test_whether_a_letter_may_have_left_is_known(fault: SmtpFault, unsure: bool, final: bool) -> None:
    async with SmtpService() as smtp:
        smtp.fail(fault)
        found = await by_mail(smtp, timeout=0.5).close(MIA, Ending(subject="x", text="y", answers=("<1@x>",)))
    assert isinstance(found, Unsent)
    assert (found.unsure, found.final) == (unsure, final)
    assert "@" not in found.reason


async def test_a_server_that_is_not_there_has_taken_nothing() -> None:
    async with SmtpService() as smtp:
        way = by_mail(smtp)
    found = await way.close(MIA, Ending(subject="x", text="y", answers=("<1@x>",)))
    assert found == Unsent("the mail server cannot be reached")


def by_mail(smtp: SmtpService, timeout: float = 2.0) -> MailWay:
    server = MailServer(
        host="127.0.0.1", port=smtp.port, security="none", sender_name="Example Council", sender="n@example.org",
        timeout=timeout,
    )  # fmt: skip
    return MailWay(server)
