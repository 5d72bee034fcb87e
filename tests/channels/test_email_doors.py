"""The ways out of a mailing list: TLS in all its states, the daily check, the folder, and the shared ledger pen."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from channels._mail_clerk import Clerk
from channels._mail_folder import Pickup
from channels._mail_letter import Sender, write
from channels._mail_list import Recipient
from failover.model import Absent, Delivered, Found, Health, Refusal, Refused, Signal, Unreachable
from failover.practice.smtp import SmtpFault, SmtpService
from tests.channels._house import HOLDING
from tests.channels._mail_house import ANN, BOB, CID, TRIO, DiedError, Ledger, opened, people, write_list

AUTHORITY = trustme.CA()


def server_side(*names: str, **dates: datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*(names or ("localhost", "127.0.0.1")), **dates).configure_cert(context)
    return context


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    write_list(tmp_path, *TRIO)
    return path


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_and_password_go_over_tls(tmp_path: Path, ca_file: Path, security: str) -> None:
    how = {"security": security, "ca_file": ca_file, "username": "comms", "password": "sesame"}
    door = {"starttls": server_side()} if security == "starttls" else {"tls": server_side()}
    async with SmtpService(auth=("comms", "sesame"), **door) as service, opened(tmp_path, service, **how) as channel:
        assert isinstance(await channel.send(HOLDING, Ledger()), Delivered)
        assert service.by_recipient() == dict.fromkeys(TRIO, 1)


CERTIFICATES = {
    "another-name": (server_side("mail.example.org"), "127.0.0.1"),
    "expired": (server_side("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)), "expired"),
}


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(("context", "words"), CERTIFICATES.values(), ids=CERTIFICATES.keys())
async def test_a_certificate_that_does_not_verify_is_refused(
    tmp_path: Path, ca_file: Path, security: str, context: ssl.SSLContext, words: str
) -> None:
    """It will not heal by itself: a person must act, and the next backup takes over."""
    door = {"starttls": context} if security == "starttls" else {"tls": context}
    async with (
        SmtpService(**door) as service,
        opened(tmp_path, service, security=security, ca_file=ca_file) as channel,
    ):
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert outcome.refusal is Refusal.CONFIGURATION
        assert words in outcome.reason
        assert not service.accepted


async def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService(tls=server_side()) as service, opened(tmp_path, service, security="tls") as channel:
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert "certificate is not trusted" in outcome.reason


async def test_without_starttls_nothing_is_sent_in_clear(tmp_path: Path, ca_file: Path) -> None:
    how = {"security": "starttls", "ca_file": ca_file, "username": "comms", "password": "sesame"}
    async with SmtpService(auth=("comms", "sesame")) as service, opened(tmp_path, service, **how) as channel:
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert outcome.reason == "the mail server offers no STARTTLS on this port"
        assert not service.accepted


async def test_tls_to_a_port_that_speaks_plain_is_refused(tmp_path: Path, ca_file: Path) -> None:
    async with SmtpService() as service, opened(tmp_path, service, security="tls", ca_file=ca_file) as channel:
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert "does not speak TLS on this port" in outcome.reason


async def test_a_silent_port_is_unreachable(tmp_path: Path, ca_file: Path) -> None:
    """As with `security: starttls` on a port that waits for a TLS greeting."""
    async with (
        SmtpService(tls=server_side()) as service,
        opened(tmp_path, service, security="starttls", ca_file=ca_file) as channel,
    ):
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Unreachable)
        assert outcome.reason == "the mail server did not answer in time"


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "empty"])
async def test_a_useless_ca_file_is_refused(tmp_path: Path, content: str | None) -> None:
    write_list(tmp_path, *TRIO)
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    async with SmtpService() as service, opened(tmp_path, service, security="tls", ca_file=path) as channel:
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert "ca_file" in outcome.reason


async def test_a_login_where_none_is_offered_is_refused(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    how = {"username": "comms", "password": "sesame"}
    async with SmtpService() as service, opened(tmp_path, service, **how) as channel:
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert outcome.refusal is Refusal.CONFIGURATION


# -- check -------------------------------------------------------------------------------------------------------


async def check(folder: Path, service: SmtpService, **how: object) -> Health:
    async with opened(folder, service, **how) as channel:
        return await channel.check()


async def test_a_healthy_way_out_sends_nothing(tmp_path: Path) -> None:
    write_list(tmp_path, *people(4321))
    async with SmtpService(auth=("comms", "sesame")) as service:
        health = await check(tmp_path, service, username="comms", password="sesame")
        assert health.able
        assert health.warnings == ()
        assert health.facts == {"recipients": "4,321"}
        assert health.sighting.signal is Signal.UP
        assert service.connections == 1
        assert not service.accepted


async def test_a_certificate_near_its_end_is_a_warning_with_its_date(tmp_path: Path, ca_file: Path) -> None:
    ends = datetime(2999, 1, 1, tzinfo=UTC).timestamp()
    context = server_side("127.0.0.1", not_after=datetime(2999, 1, 1, tzinfo=UTC))
    async with SmtpService(tls=context) as service:
        how = {"security": "tls", "ca_file": ca_file}
        soon = await check(tmp_path, service, now=ends - 10.5 * 86_400, **how)
        assert soon.able
        assert soon.expires_at == ends
        assert soon.warnings == ("the mail server's certificate ends in 10 days",)
        later = await check(tmp_path, service, now=ends - 22 * 86_400, **how)
        assert (later.expires_at, later.warnings) == (ends, ())


async def test_bad_lines_are_a_warning(tmp_path: Path) -> None:
    write_list(tmp_path, ANN, "bob", BOB)
    async with SmtpService() as service:
        health = await check(tmp_path, service)
        assert health.able
        assert health.warnings == ("recipients file, line 3: not an e-mail address",)


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (None, ("the recipients file is not there",)),
        ([], ("the recipients file names nobody",)),
        (["x"], ("the recipients file names nobody", "recipients file, line 2: not an e-mail address")),
    ],
    ids=["missing", "empty", "nothing-usable"],
)
async def test_a_useless_list_is_a_problem(
    tmp_path: Path, lines: list[str] | None, problems: tuple[str, ...]
) -> None:
    if lines is not None:
        write_list(tmp_path, *lines)
    async with SmtpService() as service:
        assert (await check(tmp_path, service)).problems == problems


@pytest.mark.parametrize(
    ("fault", "words", "signal"),
    [
        (SmtpFault.AUTH_535, "refused our user name or password (535 5.7.8)", Signal.UNKNOWN),
        (SmtpFault.GREETING_554, "turned us away (554 5.7.1)", Signal.UNKNOWN),
        (SmtpFault.GREETING_421, "takes no mail at the moment (421 4.3.2)", Signal.DOWN),
        (SmtpFault.GREETING_HANG, "did not answer in time", Signal.DOWN),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_a_door_that_stays_shut_is_a_problem(
    tmp_path: Path, fault: SmtpFault, words: str, signal: Signal
) -> None:
    write_list(tmp_path, *TRIO)
    async with SmtpService(auth=("comms", "sesame")) as service:
        service.fail(fault)
        health = await check(tmp_path, service, username="comms", password="sesame")
        assert words in health.problems[0]
        assert health.sighting.signal is signal


# -- folder ------------------------------------------------------------------------------------------------------


async def test_a_folder_gets_one_file_per_recipient(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    out = tmp_path / "out"
    async with opened(tmp_path, folder=out) as channel:
        ledger = Ledger()
        outcome = await channel.send(HOLDING, ledger)
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.note == "3 sent"
        assert isinstance(await channel.find(HOLDING, ledger), Found)
        files = sorted(out.iterdir())
        assert len(files) == 3
        assert all(path.suffix == ".eml" for path in files)
        texts = [path.read_bytes() for path in files]
        assert sorted(person for person in TRIO for text in texts if person.encode() in text) == sorted(TRIO)
        assert all(path.stat().st_mode & 0o777 == 0o640 for path in files)


@pytest.mark.parametrize("taken", [False, True], ids=["files-stay", "files-are-taken-away"])
@pytest.mark.parametrize("commits_first", [False, True], ids=["before-commit", "after-commit"])
@pytest.mark.parametrize("die_at", range(1, 7))
async def test_a_death_in_the_folder_leaves_no_doubt(
    tmp_path: Path, die_at: int, commits_first: bool, taken: bool
) -> None:
    """Whatever a program that takes the files has taken is never written again, and nothing is left out."""
    everybody = [Recipient(person) for person in people(7)]
    letter = write(HOLDING, Sender("", "news@example.org"))
    seen: list[str] = []
    pickup = Pickup(tmp_path / "out", batch=3)
    ledger = Ledger({one.key: "pending" for one in everybody}, die_at=die_at, commits_first=commits_first)
    with pytest.raises(DiedError):
        await pickup.deliver(letter, everybody, dict(ledger.lines), ledger)
    for path in (tmp_path / "out").glob("*.eml") if taken else ():
        seen.append(path.name)
        path.unlink()
    survivor = ledger.survivor()
    left = [one for one in everybody if survivor.lines[one.key] != "sent"]
    assert await pickup.deliver(letter, left, dict(survivor.lines), survivor) is None
    assert set(survivor.lines.values()) == {"sent"}
    seen += [path.name for path in (tmp_path / "out").iterdir()]
    assert len(seen) == len(set(seen)) == 7


async def test_a_folder_mailing_that_was_cut_off_is_absent_until_it_is_whole(tmp_path: Path) -> None:
    write_list(tmp_path, *people(3))
    async with opened(tmp_path, folder=tmp_path / "out") as channel:
        ledger = Ledger(die_at=3)
        with pytest.raises(DiedError):
            await channel.send(HOLDING, ledger)
        survivor = ledger.survivor()
        assert set(survivor.lines.values()) == {"sending"}
        assert isinstance(await channel.find(HOLDING, survivor), Absent)
        outcome = await channel.send(HOLDING, survivor)
        assert isinstance(outcome, Delivered)
        assert outcome.receipt.note == "3 sent"
        assert len(list((tmp_path / "out").iterdir())) == 3


async def test_a_folder_that_cannot_be_written_is_refused_and_known_to_the_check(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    (tmp_path / "out").write_text("a file")
    async with opened(tmp_path, folder=tmp_path / "out") as channel:
        outcome = await channel.send(HOLDING, Ledger())
        assert isinstance(outcome, Refused)
        assert outcome.reason == "a file stands where a folder should be"
        assert (await channel.check()).problems == ("a file stands where a folder should be",)


async def test_the_check_of_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    write_list(tmp_path, *TRIO)
    async with opened(tmp_path, folder=tmp_path / "out") as channel:
        assert (await channel.check()).able
        assert list((tmp_path / "out").iterdir()) == []


# -- the shared pen ----------------------------------------------------------------------------------------------


class SlowLedger(Ledger):
    """Each commit takes a moment; `pages` are the commits."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[dict[str, str]] = []

    async def note(self, changes: Mapping[str, str]) -> None:
        await asyncio.sleep(0.02)
        self.pages.append(dict(changes))
        await super().note(changes)


async def test_several_connections_share_a_commit() -> None:
    ledger = SlowLedger()
    clerk = Clerk(ledger)
    clerk.connections = 3
    for round_ in ("one", "two"):
        await asyncio.gather(*(clerk.note({person: round_}) for person in TRIO))
    assert ledger.pages == [dict.fromkeys(TRIO, "one"), dict.fromkeys(TRIO, "two")]
    assert ledger.lines == dict.fromkeys(TRIO, "two")


async def test_a_page_whose_writer_is_cut_off_is_committed_by_the_next() -> None:
    ledger = SlowLedger()
    clerk = Clerk(ledger)
    clerk.connections = 2
    first = asyncio.ensure_future(clerk.note({ANN: "sent"}))
    second = asyncio.ensure_future(clerk.note({BOB: "sent"}))
    await asyncio.sleep(0.01)
    first.cancel()
    await second
    assert first.cancelled()
    assert ledger.lines == {ANN: "sent", BOB: "sent"}


async def test_every_writer_hears_of_a_commit_that_failed() -> None:
    clerk = Clerk(Ledger(die_at=1))
    results = await asyncio.gather(*(clerk.note({one: "sent"}) for one in (ANN, BOB, CID)), return_exceptions=True)
    assert [type(result) for result in results] == [DiedError] * 3
