"""The practice web sites do what they say, so that what is tested against them means something."""

from __future__ import annotations

import httpx
import pytest

from failover.practice.web import AnchorsService, RawService, WebService


async def get(url: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, headers=headers)


async def test_a_page_is_what_was_put_and_everything_else_is_not_found() -> None:
    async with WebService() as web:
        web.put("/a", "hello", 418, headers={"x-y": "z"})
        response = await get(f"{web.url}/a")
        assert (response.status_code, response.text, response.headers["x-y"]) == (418, "hello", "z")
        web.remove("/a")
        assert (await get(f"{web.url}/a")).status_code == 404


async def test_hosts_have_pages_of_their_own() -> None:
    async with WebService() as web:
        web.put("/", "any")
        web.put("/", "one", host="one.test")
        assert (await get(web.url, host="one.test")).text == "one"
        assert (await get(web.url, host="two.test")).text == "any"


async def test_a_page_is_not_sent_again_to_who_has_it() -> None:
    async with WebService() as web:
        web.put("/", "first")
        tag = (await get(web.url)).headers["etag"]
        again = await get(web.url, **{"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")
        web.put("/", "second")
        assert (await get(web.url, **{"if-none-match": tag})).text == "second"


async def test_a_redirect_names_its_target() -> None:
    async with WebService() as web:
        web.redirect("/", "http://elsewhere.test/", 307)
        response = await get(web.url)
        assert (response.status_code, response.headers["location"]) == (307, "http://elsewhere.test/")


async def test_the_anchors_answer_as_the_real_ones() -> None:
    async with AnchorsService() as anchors:
        answers = [await get(url) for url in anchors.urls]
    assert [(answer.status_code, answer.content) for answer in answers] == [
        (204, b""),
        (200, b"success\n"),
        (200, b"Microsoft Connect Test"),
    ]


async def test_anchors_fail_together_or_one_by_one_and_recover() -> None:
    async with AnchorsService() as anchors:

        async def statuses() -> list[int]:
            return [(await get(url)).status_code for url in anchors.urls]

        anchors.captive_portal()
        assert await statuses() == [302, 302, 302]
        anchors.foreign_page("/generate_204")
        assert await statuses() == [200, 302, 302]
        anchors.well()
        anchors.failing("/success.txt")
        assert await statuses() == [204, 503, 200]
        anchors.dead()
        with pytest.raises(httpx.ReadError):
            await statuses()
        anchors.well()
        assert await statuses() == [204, 200, 200]


async def test_raw_bytes_go_out_as_they_are() -> None:
    async with RawService(b"HTTP/1.1 299 Odd\r\ncontent-length: 1\r\n\r\nx") as raw:
        assert (await get(raw.url)).status_code == 299
        assert raw.connections == 1
