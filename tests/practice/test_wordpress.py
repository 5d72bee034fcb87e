"""The practice WordPress behaves as WordPress 6.1 was seen to behave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from failover.practice.wordpress import WordPressService


@pytest.fixture
async def blog() -> AsyncIterator[WordPressService]:
    async with WordPressService() as service:
        yield service


async def ask(blog: WordPressService, method: str, path: str, *, password: str = "", **request: Any) -> Any:
    auth = (blog.username, password or blog.password)
    async with httpx.AsyncClient(base_url=f"{blog.url}/wp-json/wp/v2/", auth=auth) as client:
        return (await client.request(method, path, **request)).json()


async def draft(blog: WordPressService, text: str = "hello") -> Any:
    return await ask(blog, "POST", "posts", json={"slug": "a-1", "content": f"<p>{text}</p>", "status": "draft"})


async def test_slugs_are_numbered_drafts_are_invisible_and_publishing_twice_is_publishing_once(
    blog: WordPressService,
) -> None:
    first, second = await draft(blog), await draft(blog)
    assert (first["slug"], second["slug"], blog.visible()) == ("a-1", "a-1-2", [])
    for _again in range(2):
        shown = await ask(blog, "POST", f"posts/{first['id']}", json={"status": "publish", "sticky": True})
    assert (shown["link"], blog.visible(), blog.pinned()) == (f"{blog.url}/a-1/", ["hello"], ["hello"])
    async with httpx.AsyncClient() as reader:
        assert "hello" in (await reader.get(shown["link"])).text
        assert "hello" in (await reader.get(blog.url)).text
        assert (await reader.get(f"{blog.url}/a-1-2/")).status_code == 404


async def test_the_trash_frees_the_slug_and_unpins(blog: WordPressService) -> None:
    post = await draft(blog)
    await ask(blog, "POST", f"posts/{post['id']}", json={"status": "publish", "sticky": True})
    trashed = await ask(blog, "DELETE", f"posts/{post['id']}")
    assert (trashed["status"], trashed["slug"], trashed["sticky"]) == ("trash", "a-1__trashed", False)
    assert (await ask(blog, "DELETE", f"posts/{post['id']}"))["code"] == "rest_already_trashed"
    assert (await draft(blog))["slug"] == "a-1"


async def test_drafts_are_listed_for_us_only(blog: WordPressService) -> None:
    await draft(blog)
    query = {"slug": "a-1,a-1-2", "status": "any"}
    assert [post["slug"] for post in await ask(blog, "GET", "posts", params=query)] == ["a-1"]
    assert await ask(blog, "GET", "posts", params={"slug": "a-1"}) == []
    stranger = await ask(blog, "GET", "posts", params=query, password="wrong")
    assert stranger["data"]["details"]["status"]["data"]["status"] == 401


@pytest.mark.parametrize(
    ("method", "path", "request_", "code"),
    [
        ("GET", "users/me", {"password": "wrong"}, "rest_not_logged_in"),
        ("POST", "posts", {"password": "wrong", "json": {}}, "rest_cannot_create"),
        ("GET", "posts/99", {}, "rest_post_invalid_id"),
        ("POST", "posts", {"json": {"status": "nope"}}, "rest_invalid_param"),
        ("GET", "categories/99", {}, "rest_term_invalid"),
        ("GET", "nonsense", {}, "rest_no_route"),
    ],
)
async def test_errors_have_wordpress_form(
    blog: WordPressService, method: str, path: str, request_: dict[str, Any], code: str
) -> None:
    assert (await ask(blog, method, path, **request_))["code"] == code


async def test_with_plain_permalinks_the_pretty_address_is_a_page() -> None:
    async with WordPressService(pretty=False) as blog, httpx.AsyncClient() as client:
        page = await client.get(f"{blog.url}/wp-json/wp/v2/posts")
        data = await client.get(blog.url, params={"rest_route": "/wp/v2/posts"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert data.json() == []
