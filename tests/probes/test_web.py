"""The `web` probe: the rows of the decision table that a page can show, each over a real socket where it can be."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import yaml
from pydantic import ValidationError

from failover.contracts import Surroundings
from failover.model import Evidence, Fault, Organisation, Sighting, Signal
from failover.practice.http import Fault as Mishap
from failover.practice.web import RawService, WebService
from probes._fetch import Fetcher, Kind, Page, Trouble, open_fetcher, trust
from probes.web import KIND, Expect, WebOptions, WebProbe, judge, judge_trouble


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


def surroundings(clock: Clock | None = None) -> Surroundings:
    return Surroundings(
        organisation=Organisation(name="Test"),
        user_agent="failover test",
        name="web",
        platform="p",
        now=clock or Clock(),
        channel={}.__getitem__,
    )


def opened(url: str, **more: Any) -> AbstractAsyncContextManager[WebProbe]:
    return KIND.open(KIND.options.model_validate({"url": url, **more}), surroundings())


async def look(url: str, **more: Any) -> Sighting:
    async with opened(url, **more) as probe:
        return await probe.look()


@pytest.fixture
async def web() -> AsyncIterator[WebService]:
    async with WebService() as service:
        yield service


async def test_a_site_that_throttles_us_is_looked_at_again_within_the_minute(web: WebService) -> None:
    """An overload often begins with 429; an hour's silence of ours would cover the outage that follows."""
    web.put("/", "later", status=429, headers={"Retry-After": "3600"})
    async with opened(web.url) as probe:
        await probe.look()
        seen = await probe.look()
    assert (seen.signal, "asked again in 60 s" in seen.reason) == (Signal.UNKNOWN, True)


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with open_fetcher("failover test", seconds=0.3) as made:
        yield made


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """A certificate authority that probes trust during one test."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    trust.cache_clear()
    yield made
    trust.cache_clear()


def tls(cert: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


# --- the platform answers


async def test_a_page_as_expected_is_a_weak_up(web: WebService) -> None:
    web.put("/health", "all ok here")
    sighting = await look(f"{web.url}/health", expect={"status": 200, "text": "ok"})
    assert (sighting.signal, sighting.evidence, sighting.fault) == (Signal.UP, Evidence.HERE, None)


async def test_an_unchanged_page_is_up_as_before(web: WebService) -> None:
    web.put("/", "ok")
    async with opened(web.url, expect={"text": "ok"}) as probe:
        assert [(await probe.look()).signal for _ in range(2)] == [Signal.UP, Signal.UP]
    assert "if-none-match" in web.requests[1].headers


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_error_that_the_platform_formed_is_down_and_spoken(web: WebService, status: int) -> None:
    web.put("/", "<h1>oops</h1>", status)
    sighting = await look(web.url)
    assert (sighting.signal, sighting.evidence, sighting.fault) == (Signal.DOWN, Evidence.SPOKEN, Fault.PLATFORM)
    assert str(status) in sighting.reason


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 418, 422, 429, 451, 501])
async def test_other_refusals_say_nothing_of_the_platform(web: WebService, status: int) -> None:
    web.put("/", "", status)
    sighting = await look(web.url)
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, None)
    assert f"HTTP {status}" in sighting.reason


@pytest.mark.parametrize("status", [407, 511])
async def test_a_login_before_our_own_network_is_our_own_trouble(web: WebService, status: int) -> None:
    web.put("/", "", status)
    sighting = await look(web.url)
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Fault.NETWORK)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (503, "<title>Just a moment...</title>", {}),
        (403, "", {"cf-mitigated": "challenge"}),
        (503, "", {"cf-mitigated": "challenge"}),
        (202, "", {"x-amzn-waf-action": "challenge"}),
        (200, "<script src='https://geo.captcha-delivery.com/x.js'>", {}),
    ],
)
@pytest.mark.parametrize("expect", [{}, {"text": "Log in"}], ids=["anything", "a text"])
async def test_a_test_for_robots_is_neither_up_nor_down(
    web: WebService, status: int, body: str, headers: dict[str, str], expect: dict[str, str]
) -> None:
    web.put("/", body, status, headers=headers)
    sighting = await look(web.url, expect=expect)
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, None)
    assert "robots" in sighting.reason


async def test_a_missing_text_is_degraded_and_never_votes(web: WebService) -> None:
    web.put("/health", "database: gone")
    sighting = await look(f"{web.url}/health", expect={"status": 200, "text": "ok"})
    assert sighting.signal is Signal.DEGRADED
    assert "“ok”" in sighting.reason


async def test_a_text_that_must_be_absent_is_the_platform_saying_so(web: WebService) -> None:
    web.put("/", "Sorry, something went wrong.")
    sighting = await look(web.url, expect={"absent": "something went wrong"})
    assert (sighting.signal, sighting.evidence) == (Signal.DOWN, Evidence.SPOKEN)
    web.put("/", "Welcome")
    assert (await look(web.url, expect={"absent": "something went wrong"})).signal is Signal.UP


async def test_a_long_page_without_the_text_in_its_first_part_is_unknown(web: WebService) -> None:
    web.put("/", "x" * 1_100_000 + "ok")
    assert (await look(web.url, expect={"text": "ok"})).signal is Signal.UNKNOWN
    assert (await look(web.url)).signal is Signal.UP


async def test_a_status_that_was_asked_for_is_up_even_where_others_would_be_down(web: WebService) -> None:
    web.put("/", "", 503)
    assert (await look(web.url, expect={"status": [200, 503]})).signal is Signal.UP


async def test_another_status_than_asked_for_is_unknown(web: WebService) -> None:
    web.put("/", "", 204)
    assert (await look(web.url, expect={"status": 200})).signal is Signal.UNKNOWN


async def test_head_asks_for_no_body(web: WebService) -> None:
    web.put("/")
    assert (await look(web.url, method="HEAD")).signal is Signal.UP
    assert web.requests[0].method == "HEAD"


async def test_a_redirect_on_the_same_host_is_followed_to_its_end(web: WebService) -> None:
    web.redirect("/", "/home")
    web.put("/home", "welcome")
    assert (await look(web.url, expect={"text": "welcome"})).signal is Signal.UP


async def test_a_redirect_to_another_host_is_unknown_and_says_where(web: WebService) -> None:
    web.redirect("/", "https://login.example/")
    sighting = await look(web.url)
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, None)
    assert "login.example" in sighting.reason


async def test_a_redirect_that_is_expected_is_not_followed(web: WebService) -> None:
    web.redirect("/", "https://login.example/")
    assert (await look(web.url, expect={"status": 302})).signal is Signal.UP


async def test_a_redirect_without_end_is_unknown(web: WebService) -> None:
    web.redirect("/", "/")
    assert (await look(web.url)).signal is Signal.UNKNOWN


def answer(url: str, status: int, body: bytes = b"") -> Page:
    return Page(status=status, headers=httpx.Headers(), body=body, url=url)


@pytest.mark.parametrize(
    ("url", "evidence"),
    [
        ("https://www.platform.example/", Evidence.SPOKEN),
        ("http://www.platform.example/", Evidence.HERE),
        ("http://10.0.0.1/", Evidence.HERE),
        ("http://127.0.0.1:8080/", Evidence.SPOKEN),
        ("http://localhost/", Evidence.SPOKEN),
        ("http://[::1]/", Evidence.SPOKEN),
        ("http://localhost.platform.example/", Evidence.HERE),
    ],
)
def test_over_plain_http_a_box_on_the_way_may_have_spoken(url: str, evidence: Evidence) -> None:
    assert judge(answer(url, 503), Expect()).evidence is evidence
    assert judge(answer(url, 200, b"broken"), Expect(absent="broken")).evidence is evidence


@pytest.mark.parametrize("status", [520, 521, 522, 523, 524, 525, 526])
def test_an_edge_that_gets_no_answer_from_the_site_is_down(status: int) -> None:
    assert judge(answer("https://x/", status), Expect()).signal is Signal.DOWN


@pytest.mark.parametrize("status", [505, 508, 527, 530, 599, 999])
def test_statuses_of_no_agreed_meaning_are_unknown(status: int) -> None:
    assert judge(answer("https://x/", status), Expect()).signal is Signal.UNKNOWN


# --- the platform does not answer


@pytest.mark.parametrize("mishap", [Mishap.RESET_BEFORE, Mishap.CLOSE_BEFORE, Mishap.HALF_AFTER, Mishap.HANG_BEFORE])
async def test_a_failing_transport_is_down_as_seen_from_here(
    web: WebService, fetcher: Fetcher, mishap: Mishap
) -> None:
    web.put("/", "x" * 500)
    web.fail(mishap)
    sighting = await WebProbe(WebOptions(url=web.url), fetcher, Clock()).look()
    assert (sighting.signal, sighting.evidence, sighting.fault) == (Signal.DOWN, Evidence.HERE, Fault.PLATFORM)


async def test_a_refused_connection_is_down_as_seen_from_here(web: WebService) -> None:
    await web.refuse()
    sighting = await look(web.url)
    assert (sighting.signal, sighting.evidence) == (Signal.DOWN, Evidence.HERE)
    assert sighting.reason == "connection refused"


async def test_a_handshake_that_fails_is_down_as_seen_from_here() -> None:
    async with RawService(b"") as raw:
        sighting = await look(raw.url.replace("http:", "https:"))
    assert (sighting.signal, sighting.evidence) == (Signal.DOWN, Evidence.HERE)


async def test_bytes_that_are_no_http_are_unknown() -> None:
    async with RawService(b"HTTP/1.1 nonsense\r\n\r\n") as raw:
        assert (await look(raw.url)).signal is Signal.UNKNOWN


async def test_a_certificate_of_somebody_else_is_our_own_network() -> None:
    async with RawService(b"", tls=tls(trustme.CA().issue_cert("127.0.0.1"))) as raw:
        sighting = await look(raw.url)
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Fault.NETWORK)


@pytest.mark.parametrize(
    ("trouble", "signal", "fault"),
    [
        (Trouble(kind=Kind.CONNECT, reason="no way", fault=Fault.NETWORK), Signal.UNKNOWN, Fault.NETWORK),
        (Trouble(kind=Kind.DNS, reason="no name", fault=Fault.NETWORK), Signal.UNKNOWN, Fault.NETWORK),
        (Trouble(kind=Kind.TLS, reason="expired"), Signal.UNKNOWN, None),
        (Trouble(kind=Kind.TIMEOUT, reason="slow", fault=Fault.PLATFORM), Signal.DOWN, Fault.PLATFORM),
    ],
)
def test_only_the_far_sides_trouble_is_down(trouble: Trouble, signal: Signal, fault: Fault | None) -> None:
    sighting = judge_trouble(trouble)
    assert (sighting.signal, sighting.fault, sighting.evidence) == (signal, fault, Evidence.HERE)


# --- the name cannot be looked up


class Names:
    """A resolver that knows every name as this machine, until it fails."""

    def __init__(self) -> None:
        self.failing = False

    def __call__(self, host: Any, port: Any, *_args: Any, **_more: Any) -> list[Any]:
        if self.failing:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port or 0))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    made = Names()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


async def test_a_resolver_that_fails_is_our_own_network(names: Names) -> None:
    names.failing = True
    sighting = await look("http://platform.test/")
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Fault.NETWORK)


async def test_a_name_that_is_gone_while_its_last_address_works_is_no_vote(names: Names, web: WebService) -> None:
    web.put("/")
    async with opened(f"http://platform.test:{web.port}/") as probe:
        assert (await probe.look()).signal is Signal.UP
        names.failing = True
        sighting = await probe.look()
    assert (sighting.signal, sighting.fault) == (Signal.UNKNOWN, Fault.NETWORK)
    assert "last address" in sighting.reason


async def test_a_name_that_is_gone_and_a_last_address_that_fails_too_is_down(names: Names, web: WebService) -> None:
    web.put("/")
    async with opened(f"http://platform.test:{web.port}/") as probe:
        await probe.look()
        names.failing = True
        await web.refuse()
        sighting = await probe.look()
    assert (sighting.signal, sighting.evidence) == (Signal.DOWN, Evidence.HERE)


async def test_an_error_from_the_last_address_counts_only_as_the_names_own(
    authority: trustme.CA, names: Names
) -> None:
    """Over TLS the certificate must still be the platform's: addresses find new owners."""
    ok, error = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n"
    async with (
        RawService(ok, tls=tls(authority.issue_cert("platform.test"))) as raw,
        opened(f"https://platform.test:{raw.port}/") as probe,
    ):
        assert (await probe.look()).signal is Signal.UP
        names.failing = True
        raw.answer = error
        sighting = await probe.look()
    assert (sighting.signal, sighting.evidence) == (Signal.DOWN, Evidence.SPOKEN)


async def test_a_last_address_of_long_ago_is_not_asked(names: Names, web: WebService) -> None:
    web.put("/")
    clock = Clock()
    url = f"http://platform.test:{web.port}/"
    async with KIND.open(WebOptions(url=url), surroundings(clock)) as probe:
        await probe.look()
        names.failing = True
        await web.refuse()
        clock.at += 3601
        assert (await probe.look()).signal is Signal.UNKNOWN


# --- options


def test_the_example_is_valid() -> None:
    example = yaml.safe_load(KIND.example)
    assert example.pop("kind") == "web"
    KIND.options.model_validate(example)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "ftp://x/"},
        {"url": "www.facebook.com"},
        {"url": "https://"},
        {"url": "https://me:secret@x/"},
        {"url": "https://x/ y"},
        {"url": "https://x/", "method": "POST"},
        {"url": "https://x/", "timeout": "9s"},
        {"url": "https://x/", "timeout": 0},
        {"url": "https://x/", "expect": {"status": 99}},
        {"url": "https://x/", "expect": {"status": True}},
        {"url": "https://x/", "expect": {"text": ""}},
        {"url": "https://x/", "expect": {"words": "x"}},
        {"url": "https://x/", "method": "HEAD", "expect": {"text": "ok"}},
        {"url": "https://x/", "colour": "blue"},
    ],
    ids=str,
)
def test_impossible_options_are_refused_without_repeating_secrets(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        KIND.options.model_validate(options)
    assert "secret" not in str(caught.value)


def test_a_look_ends_before_its_deadline() -> None:
    """Else the engine would cut it off, and what was seen would be lost."""
    assert WebOptions(url="https://x/").timeout + 1.0 < KIND.timeout
