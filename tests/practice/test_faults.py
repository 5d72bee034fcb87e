"""The ways of failing that every practice service shares: doors, broken requests, and who is told of it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from failover.practice.hooks import HooksService
from failover.practice.http import Fault, Request
from failover.practice.smtp import Act, Phase, SmtpService, Then


async def post(url: str, seconds: float = 2.0) -> int:
    async with httpx.AsyncClient(timeout=seconds, trust_env=False) as client:
        return (await client.post(url, content=b"x" * 1000)).status_code


async def test_a_shut_door_refuses_and_a_stuck_one_never_answers_on_the_same_port() -> None:
    async with HooksService() as service:
        service.shut()
        with pytest.raises(httpx.ConnectError):
            await post(service.hook)
        await service.start()
        assert await post(service.hook) == 401
        service.stick()
        with pytest.raises(httpx.ConnectTimeout):
            await post(service.hook, 0.2)
        await service.start()
        assert await post(service.hook) == 401


async def test_a_request_can_be_reset_after_its_head() -> None:
    async with HooksService() as service:
        service.fail(Fault.RESET_HEAD)
        with pytest.raises(httpx.HTTPError):
            await post(service.hook)
        assert [request.body for request in service.requests] == [b""]
        assert await post(service.hook) == 401


async def test_a_path_can_be_meant_to_its_end() -> None:
    async with HooksService() as service:
        service.fail(Fault.ERROR_BEFORE, path="/in$")
        assert await post(f"{service.hook}/further") == 404
        assert await post(service.hook) == 503


async def test_whoever_listens_is_told_before_the_answer_leaves() -> None:
    async with HooksService() as service:
        told: list[tuple[str, Fault | None]] = []

        def listen(request: Request, fault: Fault | None) -> None:
            told.append((request.path, fault))

        service.told = listen
        service.fail(Fault.CLOSE_AFTER)
        with pytest.raises(httpx.RemoteProtocolError):
            await post(service.hook)
        await post(service.hook)
        assert told == [("/in", Fault.CLOSE_AFTER), ("/in", None)]


async def spoken(service: SmtpService, *lines: bytes) -> bytes:
    """What the mail server says until it hangs up or falls silent."""
    reader, writer = await asyncio.open_connection(service.host, service.port)
    heard = b""
    try:
        async with asyncio.timeout(0.3):
            for line in (b"", *lines):
                writer.write(line)
                heard += await reader.read(1000)
            heard += await reader.read()
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return heard


@pytest.mark.parametrize(
    ("then", "heard"),
    [(Then.HALF, b"250 "), (Then.RESET, b""), (Then.HANG, b""), (Then.DRIP, b"2"), (Then.GO_ON, b"250 fine\r\n")],
    ids=lambda value: value.name if isinstance(value, Then) else "",
)
async def test_a_mail_server_misbehaves_at_a_step(then: Then, heard: bytes) -> None:
    async with SmtpService() as smtp:
        reply = "" if then in (Then.RESET, Then.HANG) else "250 fine"
        smtp.fail(Act(Phase.EHLO, reply, then=then, seconds=60.0))
        said = await spoken(smtp, b"EHLO example.org\r\n")
    assert said.partition(b"\r\n")[2].startswith(heard) if heard else said.count(b"\n") <= 1


async def test_a_mail_server_can_be_shut_and_stuck() -> None:
    async with SmtpService() as smtp:
        smtp.shut()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(smtp.host, smtp.port)
        smtp.stick()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.open_connection(smtp.host, smtp.port)
        await smtp.start()
        assert (await spoken(smtp)).startswith(b"220 ")
