"""The email kind against the practice mail server: every fault, every death, who hears, and who sees what."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from channels._mail_ledger import LEFT
from channels._mail_letter import write
from channels._mail_list import Recipient
from channels._mail_run import Mailing
from channels.email import DEADLINE, KIND, EmailOptions, measure
from failover.contracts import Notebook
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Found,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Signal,
    Statement,
    Unconfirmed,
    Unreachable,
)
from failover.practice.smtp import SmtpFault, SmtpService
from tests.channels._house import HOLDING, NOW, wording
from tests.channels._mail_house import (
    ANN,
    BOB,
    CID,
    DAN,
    TRIO,
    DiedError,
    Ledger,
    nobody_twice_nobody_forgotten,
    opened,
    options,
    people,
    write_list,
)

LOGIN = {"username": "comms", "password": "sesame"}


async def send(folder: Path, service: SmtpService, ledger: Ledger, **changes: object) -> Outcome:
    async with opened(folder, service, **changes) as channel:
        return await channel.send(HOLDING, ledger)


async def test_everybody_on_the_list_gets_one_letter(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service:
        ledger = Ledger()
        outcome = await send(tmp_path, service, ledger)
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.note == "3 sent"
        assert service.by_recipient() == dict.fromkeys(TRIO, 1)
        assert service.visible() == [HOLDING.text] * 3
        assert set(ledger.lines.values()) == {"sent"}
        assert ledger.notes == 5  # the audience, an intent each (with the outcome before it), the last outcome
        assert outcome.sighting is not None
        assert outcome.sighting.signal is Signal.UP


# Which fault strikes Bob (between Ann and Cid, on one connection); the outcome, Bob's line and copies; and whether a
# second attempt finds something to do.
FAULTS = [
    (SmtpFault.RCPT_450, "2 sent, 1 waiting", "retry: 450 4.2.1", 0, True),
    (SmtpFault.RCPT_550, "2 sent, 1 refused", "refused: 550 5.1.1", 0, False),
    (SmtpFault.RCPT_POLICY, "2 sent, 1 refused", "refused: 550 5.7.1", 0, False),
    (SmtpFault.RCPT_421, "3 sent", "sent", 1, False),
    (SmtpFault.RCPT_DROP, "3 sent", "sent", 1, False),
    (SmtpFault.DATA_451, "2 sent, 1 waiting", "retry: 451 4.3.0", 0, True),
    (SmtpFault.DATA_DROP, "2 sent, 1 in doubt", "doubt: connection lost after the final dot", 0, False),
    (SmtpFault.DOT_451, "2 sent, 1 waiting", "retry: 451 4.3.0", 0, True),
    (SmtpFault.DOT_552, "2 sent, 1 refused", "refused: 552 5.2.2", 0, False),
    (SmtpFault.DOT_554, "2 sent, 1 refused", "refused: 554 5.7.1", 0, False),
    (SmtpFault.DOT_421, "2 sent, 1 waiting", "retry: 421 4.3.2", 0, True),
    (SmtpFault.DOT_HANG, "2 sent, 1 in doubt", "doubt: no answer in time after the final dot", 1, False),
    (SmtpFault.DOT_DROP, "2 sent, 1 in doubt", "doubt: connection lost after the final dot", 1, False),
    (SmtpFault.DOT_GARBAGE, "2 sent, 1 in doubt", "doubt: garbled answer after the final dot", 1, False),
    (SmtpFault.DOT_LOST, "2 sent, 1 in doubt", "doubt: connection lost after the final dot", 0, False),
]


@pytest.mark.parametrize(("fault", "note", "line", "copies", "again"), FAULTS, ids=[row[0].name for row in FAULTS])
async def test_a_fault_at_one_recipient(
    tmp_path: Path, fault: SmtpFault, note: str, line: str, copies: int, again: bool
) -> None:
    """One recipient's trouble costs nobody else a letter, and a repeat reaches only who certainly has none."""
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service:
        service.fail(fault, recipient=BOB)
        ledger = Ledger()
        async with opened(tmp_path, service) as channel:
            outcome = await channel.send(HOLDING, ledger)
            found = await channel.find(HOLDING, ledger)
            assert ledger.lines == {ANN: "sent", BOB: line, CID: "sent"}
            assert service.by_recipient()[BOB] == copies
            receipt = outcome.receipt if isinstance(outcome, Delivered) else getattr(outcome, "partly", None)
            assert receipt is not None
            assert receipt.note == note
            assert isinstance(outcome, Unreachable if again else Delivered)
            assert found == (Absent(reason=note, partly=receipt) if again else Found(receipt=receipt))

            second = await channel.send(HOLDING, ledger.survivor())
            assert isinstance(second, Delivered)
            assert service.by_recipient() == {ANN: 1, CID: 1} | ({BOB: 1} if copies or again else {})


# Faults that concern the whole mailing, before anybody was written to.
WHOLE = [
    (SmtpFault.GREETING_HANG, Unreachable, None),
    (SmtpFault.GREETING_421, Unreachable, None),
    (SmtpFault.GREETING_554, Refused, Refusal.BLOCKED),
    (SmtpFault.AUTH_535, Refused, Refusal.CREDENTIAL),
    (SmtpFault.AUTH_454, Unreachable, None),
    (SmtpFault.MAIL_451, Unreachable, None),
    (SmtpFault.MAIL_550, Refused, Refusal.PERMISSION),
]


@pytest.mark.parametrize(("fault", "kind", "refusal"), WHOLE, ids=[row[0].name for row in WHOLE])
async def test_a_fault_before_anybody_was_written_to(
    tmp_path: Path, fault: SmtpFault, kind: type[Outcome], refusal: Refusal | None
) -> None:
    """Nobody has heard, so the first trouble is the outcome, and everybody still waits."""
    write_list(tmp_path, *TRIO)
    async with SmtpService(auth=("comms", "sesame")) as service:
        service.fail(fault)
        ledger = Ledger()
        outcome = await send(tmp_path, service, ledger, **LOGIN)
        assert isinstance(outcome, kind)
        assert getattr(outcome, "refusal", None) == refusal
        assert getattr(outcome, "partly", None) is None
        assert set(ledger.lines.values()) == {"pending"}
        assert not service.accepted
        assert isinstance(await send(tmp_path, service, ledger, **LOGIN), Delivered)
        assert service.by_recipient() == dict.fromkeys(TRIO, 1)


def test_every_fault_is_in_one_of_the_two_tables() -> None:
    assert {row[0] for row in FAULTS} | {row[0] for row in WHOLE} == set(SmtpFault)


async def test_a_refused_connection_is_unreachable_and_is_evidence_from_here(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service:
        await service.refuse()
        outcome = await send(tmp_path, service, Ledger())
        assert isinstance(outcome, Unreachable)
        assert outcome.reason == "the mail server refused the connection"
        assert outcome.sighting is not None
        assert outcome.sighting.signal is Signal.DOWN


async def test_a_wrong_password_later_does_not_forget_who_has_heard(tmp_path: Path) -> None:
    """Refused would say "nobody heard"; so it is Unreachable with what was reached, and the operator is told."""
    write_list(tmp_path, *TRIO)
    alarms: list[str] = []
    async with SmtpService(auth=("comms", "sesame")) as service:
        service.fail(SmtpFault.RCPT_450, recipient=BOB)
        ledger = Ledger()
        await send(tmp_path, service, ledger, **LOGIN)
        outcome = await send(tmp_path, service, ledger, alarms=alarms, username="comms", password="changed")
        assert isinstance(outcome, Unreachable)
        assert outcome.partly is not None
        assert outcome.partly.note == "2 sent, 1 waiting"
        assert alarms == ["the mail server refused our user name or password (535 5.7.8)"]


@pytest.mark.parametrize(
    ("fault", "asked", "kind", "refusal"),
    [
        (SmtpFault.RCPT_POLICY, 3, Refused, Refusal.BLOCKED),
        (SmtpFault.DOT_554, 3, Refused, Refusal.BLOCKED),
        (SmtpFault.DOT_552, 3, Refused, Refusal.CONTENT),
        (SmtpFault.RCPT_450, 25, Unreachable, None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_a_row_of_failures_ends_the_attempt(
    tmp_path: Path, fault: SmtpFault, asked: int, kind: type[Outcome], refusal: Refusal | None
) -> None:
    """Our mail as such is not wanted: going on would only spoil the list.  Those asked so far may be asked again."""
    everybody = people(40)
    write_list(tmp_path, *everybody)
    async with SmtpService() as service:
        service.fail_always(fault)
        ledger = Ledger()
        outcome = await send(tmp_path, service, ledger)
        assert isinstance(outcome, kind)
        assert getattr(outcome, "refusal", None) == refusal
        assert sum(line.startswith("retry: ") for line in ledger.lines.values()) == asked
        assert sum(line == "pending" for line in ledger.lines.values()) == 40 - asked
        service.heal()
        assert isinstance(await send(tmp_path, service, ledger), Delivered)
        assert service.by_recipient() == dict.fromkeys(everybody, 1)


async def test_dead_addresses_never_end_an_attempt(tmp_path: Path) -> None:
    """550 5.1.1 is the server's own word about one address."""
    everybody = people(40)
    write_list(tmp_path, *everybody)
    async with SmtpService() as service:
        for person in everybody[:39]:
            service.fail(SmtpFault.RCPT_550, recipient=person)
        outcome = await send(tmp_path, service, Ledger())
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.note == "1 sent, 39 refused"


async def test_a_server_that_loses_its_answers_leaves_few_in_doubt(tmp_path: Path) -> None:
    """After three losses in a row the attempt ends: going on would leave the whole list in doubt."""
    everybody = people(40)
    write_list(tmp_path, *everybody)
    async with SmtpService() as service:
        service.fail_always(SmtpFault.DOT_DROP)
        ledger = Ledger()
        outcome = await send(tmp_path, service, ledger)
        assert isinstance(outcome, Unreachable)
        assert outcome.partly is not None
        assert outcome.partly.note == "3 in doubt, 37 waiting"
        service.heal()
        last = await send(tmp_path, service, ledger)
        assert isinstance(last, Delivered)
        assert last.receipt.note == "37 sent, 3 in doubt"
        nobody_twice_nobody_forgotten(service, ledger.lines, everybody)


async def test_all_refused_is_refused(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service:
        service.fail_always(SmtpFault.RCPT_550)
        outcome = await send(tmp_path, service, Ledger())
        assert outcome == Refused(reason="all 3 recipients were refused (550 5.1.1)", refusal=Refusal.CONFIGURATION)


async def test_nobody_but_in_doubt_is_unconfirmed_and_cannot_be_read_back(tmp_path: Path) -> None:
    """A list of one address (itself a list, say): the operator's `when_unsure` decides."""
    write_list(tmp_path, ANN)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        service.fail(SmtpFault.DOT_HANG)
        ledger = Ledger()
        assert isinstance(await channel.send(HOLDING, ledger), Unconfirmed)
        assert isinstance(await channel.find(HOLDING, ledger), CannotTell)
        assert isinstance(await channel.send(HOLDING, ledger), Unconfirmed)
        assert service.by_recipient() == {ANN: 1}


async def test_421_after_so_many_messages_is_only_a_new_connection(tmp_path: Path) -> None:
    everybody = people(11)
    write_list(tmp_path, *everybody)
    async with SmtpService(per_connection=3) as service:
        outcome = await send(tmp_path, service, Ledger())
        assert isinstance(outcome, Delivered)
        assert service.by_recipient() == dict.fromkeys(everybody, 1)
        assert service.connections == 4


async def test_several_connections_share_the_list(tmp_path: Path) -> None:
    everybody = people(60)
    write_list(tmp_path, *everybody)
    async with SmtpService() as service:
        outcome = await send(tmp_path, service, Ledger(), connections=4)
        assert isinstance(outcome, Delivered)
        assert service.by_recipient() == dict.fromkeys(everybody, 1)
        assert service.connections == 4


async def test_a_connection_that_is_not_let_in_holds_nobody_up(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service:
        service.fail(SmtpFault.GREETING_421)
        outcome = await send(tmp_path, service, Ledger(), connections=2)
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.note == "3 sent"


async def test_when_the_time_is_up_no_further_letter_is_begun(tmp_path: Path) -> None:
    """The deadline then cuts off nothing, and the next attempt goes on."""
    ledger = Ledger()
    letter = write(HOLDING, options(tmp_path, host="localhost", security="none").parsed_sender())
    mailing = Mailing(letter, [Recipient(ANN)], {ANN: "pending"}, ledger, until=0.0)
    assert mailing.take() is None
    assert isinstance(mailing.trouble, Unreachable)
    assert mailing.trouble.retry_after == 1.0


# -- death -------------------------------------------------------------------------------------------------------


async def carry_through(folder: Path, service: SmtpService, ledger: Ledger) -> Ledger:
    """What the courier does after a start: look, and repeat while it is absent."""
    survivor = ledger.survivor()
    async with opened(folder, service, connections=2) as channel:
        for _ in range(5):
            if not isinstance(await channel.find(HOLDING, survivor), Absent):
                break
            await channel.send(HOLDING, survivor)
        assert isinstance(await channel.find(HOLDING, survivor), Found)
    return survivor


@pytest.mark.parametrize("commits_first", [False, True], ids=["before-commit", "after-commit"])
@pytest.mark.parametrize("die_at", range(1, 17))
async def test_a_death_at_any_commit(tmp_path: Path, die_at: int, commits_first: bool) -> None:
    """The process dies in its n-th commit, nothing is written after it: nobody twice, doubts are listed."""
    everybody = people(12)
    write_list(tmp_path, *everybody)
    async with SmtpService() as service:
        ledger = Ledger(die_at=die_at, commits_first=commits_first)
        try:
            await send(tmp_path, service, ledger, connections=2)
        except DiedError:
            assert ledger.dead
        survivor = await carry_through(tmp_path, service, ledger)
        nobody_twice_nobody_forgotten(service, survivor.lines, everybody)
        assert sum(line.startswith("doubt") for line in survivor.lines.values()) <= 2


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("steps", range(0, 150, 5))
async def test_a_stop_at_any_moment(tmp_path: Path, steps: int, killed: bool) -> None:
    """Cancelled after so many steps of the event loop; killed means that not even a last word is written."""
    everybody = people(12)
    write_list(tmp_path, *everybody)
    async with SmtpService() as service:
        ledger = Ledger()
        sending = asyncio.ensure_future(send(tmp_path, service, ledger, connections=2))
        await ledger.begun.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        ledger.dead = killed
        sending.cancel()
        await asyncio.wait([sending])
        sending.cancelled() or sending.exception()
        survivor = await carry_through(tmp_path, service, ledger)
        nobody_twice_nobody_forgotten(service, survivor.lines, everybody)
        assert sum(line.startswith("doubt") for line in survivor.lines.values()) <= 2


async def test_a_stop_before_the_text_has_left_leaves_nobody_in_doubt(tmp_path: Path) -> None:
    """The intent is taken back when we are stopped while committing it."""
    write_list(tmp_path, ANN)

    class Slow(Ledger):
        async def note(self, changes: Mapping[str, str]) -> None:
            await super().note(changes)
            if "sending" in changes.values():
                sending.cancel()
                await asyncio.sleep(0)

    async with SmtpService() as service:
        ledger = Slow()
        sending = asyncio.ensure_future(send(tmp_path, service, ledger))
        await asyncio.wait([sending])
        assert sending.cancelled()
        assert ledger.lines == {ANN: "pending"}
        assert not service.accepted


async def test_a_connection_that_ends_before_the_text_has_left_leaves_nobody_in_doubt(tmp_path: Path) -> None:
    """The server hangs up while the intent is being committed: nothing has been said yet."""
    write_list(tmp_path, ANN)

    class Slow(Ledger):
        async def note(self, changes: Mapping[str, str]) -> None:
            await super().note(changes)
            if "sending" in changes.values():
                await service.refuse()
                await asyncio.sleep(0.05)

    async with SmtpService() as service:
        ledger = Slow()
        outcome = await send(tmp_path, service, ledger)
        assert isinstance(outcome, Unreachable)
        assert outcome.partly is None
        assert ledger.lines == {ANN: "retry: connection lost"}


async def test_a_hanging_answer_that_is_cut_off_is_in_doubt_and_counted(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service:
        service.fail(SmtpFault.DOT_HANG, recipient=BOB)
        ledger = Ledger()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await send(tmp_path, service, ledger, answer_timeout=30.0)
        assert ledger.lines[BOB] == "sending"
        outcome = await send(tmp_path, service, ledger)
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.note == "2 sent, 1 in doubt"
        assert ledger.lines[BOB] == "doubt: stopped while it was being sent"
        assert service.by_recipient() == dict.fromkeys(TRIO, 1)


async def test_the_ledgers_own_trouble_reaches_the_caller_as_it_is(tmp_path: Path) -> None:
    """The courier tells a failing store from a failing channel by its type."""
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service:
        with pytest.raises(DiedError):
            await send(tmp_path, service, Ledger(die_at=2), connections=2)


async def test_nothing_is_found_where_nothing_was_begun(tmp_path: Path) -> None:
    write_list(tmp_path, ANN)
    async with opened(tmp_path, host="localhost", security="none") as channel:
        assert isinstance(await channel.find(HOLDING, Ledger()), Absent)


# -- who hears ---------------------------------------------------------------------------------------------------

WELCOME = wording(key="inc1:welcome:channel", statement=Statement.WELCOME_BACK, subject="Facebook is back")


def following(receipt: Receipt) -> Announcement:
    return wording(key=WELCOME.key, statement=WELCOME.statement, subject=WELCOME.subject, follows=receipt)


async def test_a_follow_up_goes_to_those_who_heard_and_is_threaded(tmp_path: Path) -> None:
    """Sent or in doubt: yes.  Refused, later subscribers: no.  It answers the first letter to the same person."""
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        service.fail(SmtpFault.DOT_DROP, recipient=BOB)
        service.fail(SmtpFault.RCPT_550, recipient=CID)
        first = Ledger()
        outcome = await channel.send(HOLDING, first)
        assert isinstance(outcome, Delivered)
        write_list(tmp_path, *TRIO, DAN)
        second = Ledger(before=first.lines)
        assert isinstance(await channel.send(following(outcome.receipt), second), Delivered)
        assert second.lines == {ANN: "sent", BOB: "sent"}
        said: dict[str, list[tuple[str | None, str | None]]] = {}
        for person, message in service.messages:
            said.setdefault(person, []).append((message["Message-ID"], message["In-Reply-To"]))
        assert said.keys() == {ANN, BOB}
        for (first_id, none), (second_id, answered) in said.values():
            assert (none, answered) == (None, first_id)
            assert second_id != first_id


async def test_a_letter_left_sending_by_a_death_counts_as_heard(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        ledger = Ledger(before={ANN: "sent", BOB: "sending", CID: "pending"})
        await channel.send(following(Receipt(remote_id="")), ledger)
        assert service.by_recipient() == {ANN: 1, BOB: 1}


async def test_who_has_heard_the_same_thing_before_is_not_written_to_again(tmp_path: Path) -> None:
    """A relapse cut off the first welcome back: the second one is for the rest."""
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        before = dict.fromkeys(TRIO, "sent")
        ledger = Ledger(before=before, already={ANN: "sent", BOB.upper(): "sending", CID: "pending"})
        await channel.send(following(Receipt(remote_id="")), ledger)
        assert service.by_recipient() == {CID: 1}


async def test_who_has_left_the_list_meanwhile_is_not_written_to(tmp_path: Path) -> None:
    write_list(tmp_path, ANN)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        ledger = Ledger(before={ANN: "sent", BOB: "sent"})
        outcome = await channel.send(following(Receipt(remote_id="")), ledger)
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.note == "1 sent, 1 no longer on the list"
        assert ledger.lines[BOB] == LEFT


async def test_whom_a_mailing_is_for_is_settled_by_the_first_attempt(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        service.fail(SmtpFault.RCPT_450, recipient=BOB)
        ledger = Ledger()
        await channel.send(HOLDING, ledger)
        write_list(tmp_path, *TRIO, DAN)
        assert isinstance(await channel.send(HOLDING, ledger), Delivered)
        assert service.by_recipient() == dict.fromkeys(TRIO, 1)


async def test_a_list_that_is_found_empty_later_drops_nobody(tmp_path: Path) -> None:
    """Somebody is writing the file anew at this moment."""
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        service.fail(SmtpFault.RCPT_450, recipient=BOB)
        ledger = Ledger()
        await channel.send(HOLDING, ledger)
        write_list(tmp_path)
        outcome = await channel.send(HOLDING, ledger)
        assert isinstance(outcome, Unreachable)
        assert "the recipients file names nobody" in outcome.reason
        write_list(tmp_path, *TRIO)
        assert isinstance(await channel.send(HOLDING, ledger), Delivered)
        assert service.by_recipient() == dict.fromkeys(TRIO, 1)


@pytest.mark.parametrize(
    ("ledger", "announcement", "reason"),
    [
        (Ledger(before={ANN: "refused: 550"}), following(Receipt(remote_id="")), "nobody on the list heard"),
        (Ledger(), following(Receipt(remote_id="x")), "it is not known who heard"),
    ],
    ids=["nobody-heard", "unknown"],
)
async def test_a_follow_up_without_an_audience_is_refused(
    tmp_path: Path, ledger: Ledger, announcement: Announcement, reason: str
) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        outcome = await channel.send(announcement, ledger)
        assert isinstance(outcome, Refused)
        assert reason in outcome.reason
        assert not service.accepted


@pytest.mark.parametrize("there", [True, False], ids=["empty", "missing"])
async def test_no_list_is_refused(tmp_path: Path, there: bool) -> None:
    if there:
        write_list(tmp_path)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert outcome.refusal is Refusal.CONFIGURATION


# -- who sees what -----------------------------------------------------------------------------------------------


async def test_no_recipient_sees_another_and_no_report_names_one(tmp_path: Path) -> None:
    """Rule S7, over a mailing in which everything happens."""
    everybody = people(6)
    write_list(tmp_path, *everybody, "not an address")
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        faults = (SmtpFault.RCPT_450, SmtpFault.RCPT_550, SmtpFault.DOT_DROP, SmtpFault.DOT_552)
        for person, fault in zip(everybody, faults, strict=False):
            service.fail(fault, recipient=person)
        ledger = Ledger()
        said = [await channel.send(HOLDING, ledger), await channel.find(HOLDING, ledger), await channel.check()]
        for recipient, content in service.accepted:
            others = [one for one in everybody if one != recipient]
            assert recipient.encode() in content
            assert not any(one.encode() in content for one in others)
        assert "example.net" not in repr(said)
        assert "example.net" not in repr(list(ledger.lines.values()))


async def test_the_password_is_in_no_report(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService(auth=("comms", "sesame")) as service:
        given = options(tmp_path, service, username="comms", password="Tr0ub4dor")
        async with opened(tmp_path, service, username="comms", password="Tr0ub4dor") as channel:
            said = [await channel.send(HOLDING, Ledger()), await channel.check(), given, given.server("example.org")]
            assert "Tr0ub4dor" not in repr(said)


@pytest.mark.parametrize("subject", ["one\r\nBcc: eve@example.com", "one\ntwo", "one\x00", "one\u2028two"])
async def test_a_subject_that_would_end_its_header_is_refused(tmp_path: Path, subject: str) -> None:
    write_list(tmp_path, ANN)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        announcement = wording(subject=subject)
        outcome = await channel.send(announcement, Ledger())
        assert isinstance(outcome, Refused)
        assert outcome.refusal is Refusal.CONTENT
        assert not service.accepted
        assert not measure(options(tmp_path, service), announcement).fits


async def test_the_text_arrives_as_it_was_written(tmp_path: Path) -> None:
    text = ".\n..\nÜber uns · 🚧\n\n.hidden" + " long" * 400
    write_list(tmp_path, ANN)
    async with SmtpService() as service, opened(tmp_path, service) as channel:
        await channel.send(wording(text=text), Ledger())
        assert service.visible() == [text]


async def test_the_headers_say_that_a_machine_wrote_to_a_list(tmp_path: Path) -> None:
    write_list(tmp_path, ANN)
    how = {"list_id": "news.example.org", "unsubscribe": "mailto:leave@example.org"}
    async with SmtpService() as service, opened(tmp_path, service, **how) as channel:
        await channel.send(HOLDING, Ledger())
        message = service.messages[0][1]
        assert str(message["From"]) == "Example Borough Council <news@example.org>"
        assert str(message["To"]) == ANN
        assert message["Subject"] == HOLDING.subject
        assert message["Date"].datetime == datetime.fromtimestamp(NOW, UTC)
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Precedence"] == "bulk"
        assert message["List-Id"] == "<news.example.org>"
        assert message["List-Unsubscribe"] == "<mailto:leave@example.org>"
        assert message["List-Unsubscribe-Post"] is None


# -- options, measure, retract -----------------------------------------------------------------------------------

MINIMAL = {"host": "smtp.example.org", "sender": "news@example.org", "recipients_file": "list.csv"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": None}, "expected either host"),
        ({"folder": "out"}, "expected either host"),
        ({"recipients_file": None}, "expected either recipients_file"),
        ({"recipients": ["ann@example.net"]}, "expected either recipients_file"),
        ({"recipients_file": None, "recipients": ["ann"]}, "expected an e-mail address"),
        ({"security": "none"}, "in clear text"),
        ({"security": "ssl"}, "starttls"),
        ({"username": "comms"}, "belong together"),
        ({"password": "sesame"}, "belong together"),
        ({"host": "smtp://smtp.example.org"}, "without smtp://"),
        ({"host": "smtp.example.org\r\nQUIT"}, "without smtp://"),
        ({"sender": "Example"}, "expected Name <address>"),
        ({"sender": "A\nB <news@example.org>"}, "expected Name <address>"),
        ({"sender": "A <news@example.org> <b@example.org>"}, "expected Name <address>"),
        ({"list_id": "<x>"}, "expected an identifier"),
        ({"unsubscribe": "http://example.org/leave"}, "https://"),
        ({"unsubscribe": "https://example.org/{who}"}, "https://"),
        ({"unsubscribe": "https://example.org/{token}"}, "unsubscribe_secret"),
        ({"connections": 0}, "greater than or equal to 1"),
        ({"connections": 9}, "less than or equal to 8"),
        ({"answer_timeout": "10m"}, "expected between"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"to": "x"}, "Extra inputs"),
    ],
    ids=lambda value: next(iter(value), None) if isinstance(value, dict) else "",
)
def test_wrong_options_are_refused_in_plain_words(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        EmailOptions.model_validate(MINIMAL | changes)
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "port"),
    [
        ({}, 587),
        ({"security": "tls"}, 465),
        ({"security": "none", "host": "localhost"}, 25),
        ({"security": "none", "host": "::1"}, 25),
        ({"port": 2525}, 2525),
    ],
)
def test_the_port_follows_the_security(changes: dict[str, object], port: int) -> None:
    server = EmailOptions.model_validate(MINIMAL | changes).server("example.org")
    assert server is not None
    assert server.port == port


async def test_a_few_recipients_may_stand_in_the_configuration(tmp_path: Path) -> None:
    how = {"recipients_file": None, "recipients": [ANN, BOB]}
    async with SmtpService() as service, opened(tmp_path, service, **how) as channel:
        assert isinstance(await channel.send(HOLDING, Ledger()), Delivered)
        assert service.by_recipient() == {ANN: 1, BOB: 1}
        assert (await channel.check()).facts == {"recipients": "2"}


def test_paths_are_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "list.csv").touch()

    given = EmailOptions.model_validate(MINIMAL, context={"base": str(tmp_path)})

    assert given.recipients_file == tmp_path / "list.csv"


def test_a_list_that_is_not_there_is_found_when_the_configuration_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="there is no such file"):
        EmailOptions.model_validate(MINIMAL, context={"base": str(tmp_path)})


@pytest.mark.parametrize(
    ("announcement", "used", "fits"),
    [
        (wording(text="x" * 100_000), 100_000, True),
        (wording(text="x" * 100_001), 100_001, False),
        (wording(subject="x" * 200), len(HOLDING.text), True),
        (wording(subject="x" * 201), 201, False),
    ],
)
def test_text_and_subject_are_measured(announcement: Announcement, used: int, fits: bool) -> None:
    measured = measure(EmailOptions.model_validate(MINIMAL), announcement)
    assert (measured.used, measured.fits) == (used, fits)


def test_the_kind_promises_what_the_courier_needs() -> None:
    assert KIND.reads_back
    assert KIND.settle == 0.0
    assert KIND.deadline == DEADLINE >= 600.0


async def test_mail_cannot_be_taken_back(tmp_path: Path) -> None:
    write_list(tmp_path, ANN)
    async with opened(tmp_path, host="localhost", security="none") as channel:
        outcome = await channel.retract(Receipt(remote_id="x@example.org"))
        assert isinstance(outcome, Refused)
        assert "cannot be taken back" in outcome.reason


def test_the_ledger_in_these_tests_is_a_notebook() -> None:
    notebook: Notebook = Ledger()
    assert not notebook.repeat
