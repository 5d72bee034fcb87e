"""The practice Graph API is strict where it matters."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from failover.practice.graph import GraphService, graph_error

PAGE, TOKEN = "1234567890", "practice-page-token"


@pytest.fixture
async def graph() -> AsyncIterator[GraphService]:
    async with GraphService(now=lambda: 1000.0) as service:
        yield service


async def ask(graph: GraphService, method: str, path: str, **request: Any) -> Any:
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=graph.url, headers=headers) as client:
        return (await client.request(method, path, **request)).json()


async def test_an_unpublished_post_is_seen_by_nobody_until_it_is_published(graph: GraphService) -> None:
    made = await ask(graph, "POST", f"/v26.0/{PAGE}/feed", data={"message": "hello", "published": "false"})
    assert graph.visible() == []
    assert await ask(graph, "GET", f"/v26.0/{PAGE}/feed") == {"data": []}
    for _again in range(2):
        assert await ask(graph, "POST", f"/v26.0/{made['id']}", data={"is_published": "true"}) == {"success": True}
    assert graph.visible() == ["hello"]
    listed = await ask(graph, "GET", f"/v26.0/{PAGE}/feed", params={"fields": "id,message", "since": "900"})
    assert listed == {"data": [{"id": made["id"], "message": "hello"}]}
    assert await ask(graph, "GET", f"/v26.0/{PAGE}/feed", params={"since": "1001"}) == {"data": []}
    assert await ask(graph, "DELETE", f"/v26.0/{made['id']}") == {"success": True}
    assert graph.visible() == []


@pytest.mark.parametrize(
    ("method", "path", "request_", "code"),
    [
        ("GET", f"/v26.0/{PAGE}?access_token={TOKEN}", {}, 100),
        ("GET", f"/v26.0/debug_token?input_token={TOKEN}", {}, 100),
        ("GET", f"/v19.0/{PAGE}", {}, 2500),
        ("GET", f"/{PAGE}", {}, 2500),
        ("GET", f"/v26.0/{PAGE}", {"params": {"fields": "colour"}}, 100),
        ("GET", "/v26.0/5_5", {}, 100),
        ("POST", f"/v26.0/{PAGE}/feed", {"data": {"mesage": "x"}}, 100),
        ("POST", f"/v26.0/{PAGE}/feed", {"data": {"message": "x", "access_token": "wrong"}}, 190),
    ],
)
async def test_mistakes_are_errors(
    graph: GraphService, method: str, path: str, request_: dict[str, Any], code: int
) -> None:
    assert (await ask(graph, method, path, **request_))["error"]["code"] == code


async def test_the_same_text_twice_in_a_row_is_a_duplicate(graph: GraphService) -> None:
    await ask(graph, "POST", f"/v26.0/{PAGE}/feed", data={"message": "hello"})
    again = await ask(graph, "POST", f"/v26.0/{PAGE}/feed", data={"message": "hello"})
    assert (again["error"]["code"], graph.visible()) == (506, ["hello"])


async def test_a_batch_answers_each_question(graph: GraphService) -> None:
    questions = [{"method": "GET", "relative_url": url} for url in (f"debug_token?input_token={TOKEN}", "5_5")]
    first, second = await ask(graph, "POST", "/v26.0/", data={"batch": json.dumps(questions)})
    assert (first["code"], json.loads(first["body"])["data"]["is_valid"]) == (200, True)
    assert (second["code"], json.loads(second["body"])["error"]["error_subcode"]) == (400, 33)


async def test_trouble_is_the_answer_to_everything(graph: GraphService) -> None:
    graph.trouble = graph_error(2, "Service temporarily unavailable", transient=True, status=500)
    assert (await ask(graph, "GET", f"/v26.0/{PAGE}"))["error"]["is_transient"] is True
