"""The practice receiver of Standard Webhooks believes nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from failover.practice.hooks import HooksService

# The example of the Standard Webhooks libraries, with the signature that goes with it.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1a,other v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


class Listening(HooksService):
    """Takes the standard's example, which is no statement of ours."""

    def _hear(self, request: object) -> None:
        self.received += 1


@pytest.fixture
async def hooks() -> AsyncIterator[HooksService]:
    async with Listening(SECRET, now=lambda: 1614265330 + 299) as service:
        yield service


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, BODY, 202),
        ({}, BODY + b" ", 401),
        ({"webhook-id": "another"}, BODY, 401),
        ({"webhook-timestamp": "1614265331"}, BODY, 401),
        ({"webhook-timestamp": "soon"}, BODY, 401),
        ({"webhook-signature": "v1,AAAA"}, BODY, 401),
        ({"webhook-signature": ""}, BODY, 401),
    ],
)
async def test_only_the_right_signature_is_taken(
    hooks: HooksService, headers: dict[str, str], body: bytes, status: int
) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(hooks.hook, content=body, headers={**HEADERS, **headers})
    assert (answer.status_code, hooks.received) == (status, 1 if status == 202 else 0)


async def test_an_old_timestamp_is_not_taken() -> None:
    async with HooksService(SECRET, now=lambda: 1614265330 + 301) as hooks, httpx.AsyncClient() as client:
        assert (await client.post(hooks.hook, content=BODY, headers=HEADERS)).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"), [("OPTIONS", "/in", 204), ("GET", "/in", 405), ("POST", "/elsewhere", 404)]
)
async def test_other_requests(hooks: HooksService, method: str, path: str, status: int) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.request(method, hooks.url + path)).status_code == status


async def test_a_receiver_that_is_gone_says_410(hooks: HooksService) -> None:
    hooks.gone = True
    async with httpx.AsyncClient() as client:
        answer = await client.post(hooks.hook, content=BODY, headers=HEADERS)
    assert (answer.status_code, json.loads(answer.content)) == (410, {"error": "no more, please"})
