"""The practice mail server: what it takes, what it refuses, and every way in which it can fail."""

from __future__ import annotations

import asyncio
import ssl

import aiosmtplib
import pytest
import trustme

from failover.practice.smtp import SmtpFault, SmtpService

LETTER = b"From: a@example.org\r\nSubject: hello\r\n\r\nFirst line\r\n..and a dot\r\n"
ANN, BOB = "ann@example.net", "bob@example.net"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def client_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def client(service: SmtpService, **how: object) -> aiosmtplib.SMTP:
    settings: dict[str, object] = {
        "hostname": service.host,
        "port": service.port,
        "timeout": 0.3,
        "start_tls": False,
        "local_hostname": "example.org",
    }
    return aiosmtplib.SMTP(**(settings | how))  # type: ignore[arg-type]


async def post(service: SmtpService, *recipients: str, **how: object) -> str:
    """Hand in one letter; the code of the refusal, the name of the exception, or nothing."""
    smtp = client(service, **how)
    try:
        async with smtp:
            await smtp.sendmail("a@example.org", recipients or [ANN], LETTER)
    except aiosmtplib.SMTPRecipientsRefused as refused:
        return str(refused.recipients[0].code)
    except aiosmtplib.SMTPResponseException as refused:
        return str(refused.code)
    except aiosmtplib.SMTPException as error:
        return type(error).__name__
    return ""


async def test_accepted_letters_are_in_the_books_with_their_envelope() -> None:
    async with SmtpService() as service:
        await post(service, ANN, BOB)
        assert service.by_recipient() == {ANN: 1, BOB: 1}
        recipient, message = service.messages[0]
        assert (recipient, message["Subject"]) == (ANN, "hello")
        assert service.visible() == ["First line\n..and a dot"] * 2


FAULTS = [
    (SmtpFault.GREETING_HANG, "SMTPConnectTimeoutError", 0),
    (SmtpFault.GREETING_421, "421", 0),
    (SmtpFault.GREETING_554, "554", 0),
    (SmtpFault.AUTH_535, "535", 0),
    (SmtpFault.AUTH_454, "454", 0),
    (SmtpFault.MAIL_451, "451", 0),
    (SmtpFault.MAIL_550, "550", 0),
    (SmtpFault.RCPT_450, "450", 0),
    (SmtpFault.RCPT_550, "550", 0),
    (SmtpFault.RCPT_POLICY, "550", 0),
    (SmtpFault.RCPT_421, "421", 0),
    (SmtpFault.RCPT_DROP, "SMTPServerDisconnected", 0),
    (SmtpFault.DATA_451, "451", 0),
    (SmtpFault.DATA_DROP, "SMTPServerDisconnected", 0),
    (SmtpFault.DOT_451, "451", 0),
    (SmtpFault.DOT_552, "552", 0),
    (SmtpFault.DOT_554, "554", 0),
    (SmtpFault.DOT_421, "421", 0),
    (SmtpFault.DOT_HANG, "SMTPReadTimeoutError", 1),
    (SmtpFault.DOT_DROP, "SMTPServerDisconnected", 1),
    (SmtpFault.DOT_GARBAGE, "-1", 1),
    (SmtpFault.DOT_LOST, "SMTPServerDisconnected", 0),
]


def test_the_table_of_faults_is_complete() -> None:
    assert [fault for fault, _, _ in FAULTS] == list(SmtpFault)


@pytest.mark.parametrize(("fault", "seen", "accepted"), FAULTS, ids=lambda value: getattr(value, "name", value))
async def test_a_fault_strikes_once_and_accepts_what_it_says(fault: SmtpFault, seen: str, accepted: int) -> None:
    async with SmtpService(auth=("comms", "sesame")) as service:
        service.fail(fault)
        assert await post(service, username="comms", password="sesame") == seen
        assert len(service.accepted) == accepted
        assert await post(service, username="comms", password="sesame") == ""
        assert len(service.accepted) == accepted + 1


async def test_a_fault_for_one_recipient_leaves_the_others_alone() -> None:
    async with SmtpService() as service:
        service.fail_always(SmtpFault.RCPT_550, recipient=BOB)
        assert [await post(service, one) for one in (ANN, BOB, BOB)] == ["", "550", "550"]
        service.heal()
        assert await post(service, BOB) == ""


async def test_421_comes_after_so_many_messages_on_one_connection() -> None:
    async with SmtpService(per_connection=2) as service, client(service) as smtp:
        for _ in range(2):
            await smtp.sendmail("a@example.org", [ANN], LETTER)
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
            await smtp.sendmail("a@example.org", [ANN], LETTER)
        assert refused.value.code == 421
        assert await post(service) == ""


@pytest.mark.parametrize(
    ("given", "seen"),
    [(("comms", "sesame"), ""), (("comms", "wrong"), "535"), (None, "530")],
    ids=["right", "wrong password", "no login"],
)
async def test_a_login_is_wanted_where_one_is_known(given: tuple[str, str] | None, seen: str) -> None:
    async with SmtpService(auth=("comms", "sesame")) as service:
        login = {"username": given[0], "password": given[1]} if given else {}
        assert await post(service, **login) == seen


async def test_starttls_is_offered_and_works(server_side: ssl.SSLContext, client_side: ssl.SSLContext) -> None:
    async with SmtpService(starttls=server_side) as service:
        assert await post(service, start_tls=True, tls_context=client_side) == ""
        assert len(service.accepted) == 1


async def test_tls_from_the_first_byte_works(server_side: ssl.SSLContext, client_side: ssl.SSLContext) -> None:
    async with SmtpService(tls=server_side) as service:
        assert await post(service, use_tls=True, tls_context=client_side) == ""


async def test_without_tls_or_login_neither_is_offered() -> None:
    async with SmtpService() as service, client(service) as smtp:
        await smtp.ehlo()
        assert not smtp.supports_extension("starttls")
        assert not smtp.supports_extension("auth")


async def test_a_stopped_server_refuses_and_comes_back_on_the_same_port() -> None:
    async with SmtpService() as service:
        port = service.port
        await service.refuse()
        assert await post(service) == "SMTPConnectError"
        await service.start()
        assert service.port == port
        assert await post(service) == ""


async def test_stopping_ends_conversations_that_hang() -> None:
    async with SmtpService() as service:
        service.fail(SmtpFault.DOT_HANG)
        posting = asyncio.ensure_future(post(service, timeout=5.0))
        while not service.accepted:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        await service.stop()
        assert await posting == "SMTPServerDisconnected"
