"""The practice X verifies signatures, refuses duplicates, and counts as X counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from oauthlib.oauth1 import Client as Signer

from failover.practice.x import XService, coarse_length

NOW = 1_795_000_000.0
KEYS = {"client_secret": "cs", "resource_owner_key": "42-token", "resource_owner_secret": "ts"}


@pytest.fixture
async def x() -> AsyncIterator[XService]:
    keys = {"consumer_key": "ck", "consumer_secret": "cs", "access_token": "42-token", "access_token_secret": "ts"}
    async with XService(**keys, now=lambda: NOW) as service:
        yield service


async def call(x: XService, method: str, route: str, body: Any = None, **keys: str) -> httpx.Response:
    url, headers, _ = Signer("ck", **(KEYS | keys)).sign(x.url + route, method)
    async with httpx.AsyncClient(verify=False) as client:
        return await client.request(method, url, headers=headers, json=body)


async def test_a_post_is_public_until_it_is_deleted(x: XService) -> None:
    created = await call(x, "POST", "/2/tweets", {"text": "A & B https://example.org"})
    number = created.json()["data"]["id"]
    assert (created.status_code, x.visible()) == (201, ["A & B https://example.org"])
    shown = (await call(x, "GET", f"/2/tweets/{number}")).json()
    assert shown["data"]["text"] == "A &amp; B https://t.co/abcdefghij"
    assert (await call(x, "DELETE", f"/2/tweets/{number}")).json() == {"data": {"deleted": True}}
    assert x.visible() == []
    missing = await call(x, "GET", f"/2/tweets/{number}")
    assert (missing.status_code, list(missing.json())) == (200, ["errors"])


@pytest.mark.parametrize("name", KEYS)
async def test_a_wrong_key_is_unauthorized(x: XService, name: str) -> None:
    assert (await call(x, "GET", "/2/users/me", **{name: "wrong"})).status_code == 401


async def test_a_signature_serves_once_and_for_one_address(x: XService) -> None:
    url, headers, _ = Signer("ck", **KEYS).sign(f"{x.url}/2/users/42/tweets?max_results=5", "GET")
    async with httpx.AsyncClient(verify=False) as client:
        other = await client.get(f"{x.url}/2/users/42/tweets?max_results=6", headers=headers)
    assert other.status_code == 401
    url, headers, _ = Signer("ck", **KEYS).sign(f"{x.url}/2/users/42/tweets?max_results=5", "GET")
    async with httpx.AsyncClient(verify=False) as client:
        first, second = await client.get(url, headers=headers), await client.get(url, headers=headers)
    assert (first.status_code, second.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"text": "said before"}, 403), ({"text": "x" * 281}, 403), ({"text": ""}, 400), ({"txt": "x"}, 400)],
    ids=["duplicate", "too long", "empty", "unknown field"],
)
async def test_what_x_would_not_take_is_refused(x: XService, body: dict[str, str], status: int) -> None:
    x.publish("said before")
    assert (await call(x, "POST", "/2/tweets", body)).status_code == status
    assert x.visible() == ["said before"]


async def test_the_limit_of_a_window_is_told_and_kept(x: XService) -> None:
    answers = [await call(x, "GET", "/2/users/me") for _ in range(76)]
    assert [answer.status_code for answer in answers] == [200] * 75 + [429]
    assert [int(answer.headers["x-rate-limit-remaining"]) for answer in answers[:2]] == [74, 73]
    assert int(answers[0].headers["x-rate-limit-reset"]) > NOW


@pytest.mark.parametrize(("text", "length"), [("abc", 3), ("日本", 4), ("see https://example.org/long/path", 27)])
def test_length_is_counted_coarsely_as_x_counts(text: str, length: int) -> None:
    assert coarse_length(text) == length
