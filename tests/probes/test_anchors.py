"""The `anchors` probe: can this machine reach the internet (rule R3)?"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from failover.contracts import Surroundings
from failover.model import Evidence, Fault, Organisation, Sighting, Signal
from failover.practice.http import Fault as Mishap
from failover.practice.web import AnchorsService, WebService
from probes._fetch import open_fetcher
from probes.anchors import DEFAULT_URLS, KIND, AnchorsProbe, Reply, judge

SURROUNDINGS = Surroundings(
    organisation=Organisation(name="Test"),
    user_agent="failover test",
    name="anchors",
    platform="",
    now=lambda: 0.0,
    channel={}.__getitem__,
)


@pytest.fixture
async def anchors() -> AsyncIterator[AnchorsService]:
    async with AnchorsService() as service:
        yield service


async def look(*urls: str) -> Sighting:
    async with KIND.open(KIND.options.model_validate({"urls": urls}), SURROUNDINGS) as probe:
        return await probe.look()


def offline(sighting: Sighting) -> bool:
    return (sighting.signal, sighting.evidence, sighting.fault) == (Signal.UNKNOWN, Evidence.HERE, Fault.NETWORK)


async def test_when_all_answer_as_their_owners_make_them_we_are_online(anchors: AnchorsService) -> None:
    sighting = await look(*anchors.urls)
    assert (sighting.signal, sighting.evidence) == (Signal.UP, Evidence.HERE)
    assert sighting.reason == "3 of 3 anchors answer"


async def test_a_way_out_that_is_gone_and_comes_back_is_seen_at_once(anchors: AnchorsService) -> None:
    async with KIND.open(KIND.options.model_validate({"urls": anchors.urls}), SURROUNDINGS) as probe:
        assert (await probe.look()).signal is Signal.UP
        anchors.dead()
        assert offline(await probe.look())
        anchors.well()
        assert (await probe.look()).signal is Signal.UP


async def test_nothing_is_remembered_between_two_looks() -> None:
    async with WebService() as web:
        for path in ("/a", "/b", "/c"):
            web.put(path)
        urls = [web.url + path for path in ("/a", "/b", "/c")]
        async with KIND.open(KIND.options.model_validate({"urls": urls}), SURROUNDINGS) as probe:
            await probe.look()
            await probe.look()
        assert len(web.requests) == 6
        assert not [request for request in web.requests if "if-none-match" in request.headers]


async def test_an_anchor_that_throttles_us_is_asked_again_at_once() -> None:
    """A box on the line can answer 429 for an anchor: that must not keep us offline for as long as it likes."""
    async with WebService() as web:
        urls = [f"{web.url}/{name}" for name in "abc"]
        for name in "abc":
            web.put(f"/{name}", status=429, headers={"Retry-After": "3600"})
        async with KIND.open(KIND.options.model_validate({"urls": urls}), SURROUNDINGS) as probe:
            assert offline(await probe.look())
            for name in "abc":
                web.put(f"/{name}")
            assert (await probe.look()).signal is Signal.UP


async def test_a_majority_is_enough(anchors: AnchorsService) -> None:
    anchors.failing("/success.txt")
    sighting = await look(*anchors.urls)
    assert (sighting.signal, sighting.reason) == (Signal.UP, "2 of 3 anchors answer")


async def test_less_than_a_majority_is_offline(anchors: AnchorsService) -> None:
    anchors.failing("/success.txt", "/generate_204")
    sighting = await look(*anchors.urls)
    assert offline(sighting)
    assert sighting.reason == "only 1 of 3 anchors answer"


async def test_half_is_no_majority(anchors: AnchorsService) -> None:
    anchors.failing("/success.txt", "/generate_204")
    async with WebService() as web:
        web.put("/")
        assert offline(await look(*anchors.urls, web.url))


async def test_with_our_own_line_down_we_are_offline(anchors: AnchorsService) -> None:
    await anchors.refuse()
    sighting = await look(*anchors.urls)
    assert offline(sighting)
    assert sighting.reason == "0 of 3 anchors answer"


@pytest.mark.parametrize("paths", [(), ("/success.txt",), ("/generate_204",), ("/connecttest.txt",)], ids=str)
@pytest.mark.parametrize("how", ["captive_portal", "foreign_page"])
async def test_even_one_foreign_answer_is_a_captive_portal(
    anchors: AnchorsService, how: str, paths: tuple[str, ...]
) -> None:
    getattr(anchors, how)(*paths)
    sighting = await look(*anchors.urls)
    assert offline(sighting)
    assert "login page" in sighting.reason


@pytest.mark.parametrize(
    ("status", "body", "location", "signal"),
    [
        (200, "anything", "", Signal.UP),
        (204, "", "", Signal.UP),
        (301, "", "/elsewhere", Signal.UNKNOWN),
        (511, "", "", Signal.UNKNOWN),
        (500, "", "", Signal.UP),
        (404, "", "", Signal.UP),
    ],
)
async def test_an_anchor_of_ones_own_answers_anything_but_a_redirect(
    anchors: AnchorsService, status: int, body: str, location: str, signal: Signal
) -> None:
    async with WebService() as web:
        web.put("/own", body, status, headers={"location": location} if location else {})
        assert (await look(*anchors.urls, f"{web.url}/own")).signal is signal


async def test_generate_204_with_a_status_of_200_is_foreign_even_when_empty(anchors: AnchorsService) -> None:
    async with WebService() as web:
        web.put("/generate_204", "")
        assert offline(await look(*anchors.urls, f"{web.url}/generate_204"))


async def test_a_login_page_of_megabytes_is_foreign_too(anchors: AnchorsService) -> None:
    async with WebService() as web:
        web.put("/success.txt", "x" * 3_000_000)
        assert offline(await look(*anchors.urls, f"{web.url}/success.txt"))


async def test_anchors_that_hang_are_not_waited_for(anchors: AnchorsService) -> None:
    anchors.fail_always(Mishap.HANG_BEFORE, path="/success.txt")
    began = time.perf_counter()
    async with open_fetcher("x", seconds=0.3) as fetcher:
        assert (await AnchorsProbe(anchors.urls, fetcher).look()).signal is Signal.UP
    assert time.perf_counter() - began < 1.5


async def test_the_detail_names_hosts_and_nothing_more(anchors: AnchorsService) -> None:
    assert (await look(*anchors.urls)).detail == "; ".join(["127.0.0.1 answers"] * 3)


RIGHT, FOREIGN, FAILED = Reply.RIGHT, Reply.FOREIGN, Reply.FAILED


@pytest.mark.parametrize(
    ("replies", "signal"),
    [
        ([RIGHT, RIGHT, RIGHT], Signal.UP),
        ([RIGHT, RIGHT, FAILED], Signal.UP),
        ([RIGHT, FAILED, FAILED], Signal.UNKNOWN),
        ([FAILED, FAILED, FAILED], Signal.UNKNOWN),
        ([RIGHT, RIGHT, FOREIGN], Signal.UNKNOWN),
        ([RIGHT, RIGHT, FAILED, FAILED], Signal.UNKNOWN),
        ([RIGHT, RIGHT, RIGHT, FAILED, FAILED], Signal.UP),
    ],
    ids=str,
)
def test_the_rule_as_a_table(replies: list[Reply], signal: Signal) -> None:
    urls = [f"http://{number}.test/" for number in range(len(replies))]
    assert judge(urls, replies).signal is signal


def test_the_example_names_the_defaults() -> None:
    example = yaml.safe_load(KIND.example)
    assert example.pop("kind") == "anchors"
    assert KIND.options.model_validate(example).urls == DEFAULT_URLS == KIND.options().urls


@pytest.mark.parametrize(
    "urls",
    [[], ["http://a.test/", "http://b.test/"], ["http://a.test/"] * 3, ["a", "b", "c"]],
    ids=["none", "two", "one thrice", "no addresses"],
)
def test_three_different_addresses_are_needed(urls: list[Any]) -> None:
    with pytest.raises(ValidationError):
        KIND.options.model_validate({"urls": urls})
