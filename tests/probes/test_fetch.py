"""The fetcher that all HTTP probes share: whatever a server does, the answer is a Page or a Trouble, in time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import json
import socket
import ssl
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.model import Evidence, Fault, Signal
from failover.practice.http import Fault as Mishap
from failover.practice.web import RawService, WebService
from probes._fetch import Fetcher, Kind, Page, Trouble, open_fetcher, plain, trust
from probes._trouble import certificate, classify, lookup

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture
async def web() -> AsyncIterator[WebService]:
    async with WebService() as service:
        yield service


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with open_fetcher("failover test", seconds=0.4, limit=100_000) as opened:
        yield opened


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """A certificate authority that the fetcher trusts during one test."""
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


async def page_of(fetcher: Fetcher, url: str) -> Page:
    answer = await fetcher.get(url)
    assert isinstance(answer, Page), answer
    return answer


async def trouble_of(fetcher: Fetcher, url: str) -> Trouble:
    answer = await fetcher.get(url)
    assert isinstance(answer, Trouble), answer
    return answer


# --- manners


async def test_it_names_us_and_asks_for_gzip_only(web: WebService, fetcher: Fetcher) -> None:
    web.put("/")
    await fetcher.get(web.url)
    assert web.requests[0].headers["user-agent"] == "failover test"
    assert web.requests[0].headers["accept-encoding"] == "gzip"


async def test_an_organisation_with_umlauts_and_a_line_break_can_still_ask(web: WebService) -> None:
    web.put("/")
    async with open_fetcher("Stadt Köln\r\nEvil: yes") as fetcher:
        await page_of(fetcher, web.url)
    assert web.requests[0].headers["user-agent"] == "Stadt K?ln Evil: yes"


async def test_an_unchanged_page_is_given_again_with_newer_headers(web: WebService, fetcher: Fetcher) -> None:
    web.put("/", "first", headers={"x-look": "1"})
    first = await page_of(fetcher, web.url)
    web.put("/", "first", headers={"x-look": "2"})
    second = await page_of(fetcher, web.url)
    assert (first.unchanged, second.unchanged) == (False, True)
    assert (second.status, second.body, second.headers["x-look"]) == (200, b"first", "2")


@pytest.mark.parametrize("odd", ["\u0663".encode(), b"K\xf6ln"], ids=["utf-8", "latin-1"])
async def test_newer_headers_may_be_in_another_encoding(fetcher: Fetcher, odd: bytes) -> None:
    """What is not ASCII in a 304 can be read like the rest; headers have no encoding that holds for all."""
    async with RawService(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nX-Look: 1\r\nContent-Length: 1\r\n\r\n1') as raw:
        await page_of(fetcher, raw.url)
        raw.answer = b"HTTP/1.1 304 Not Modified\r\nX-Look: 2\r\nX-Place: " + odd + b"\r\n\r\n"
        page = await page_of(fetcher, raw.url)
    assert (page.unchanged, page.body, page.headers["x-look"], page.headers.get("etag")) == (True, b"1", "2", '"1"')
    assert "x-place" in page.headers
    assert page.headers["x-place"]


async def test_a_changed_page_replaces_what_was_remembered(web: WebService, fetcher: Fetcher) -> None:
    for text in ("first", "second", "second"):
        web.put("/", text)
        page = await page_of(fetcher, web.url)
        assert page.body == text.encode()
    assert page.unchanged


async def test_who_asks_us_to_wait_is_not_asked_before(web: WebService, fetcher: Fetcher) -> None:
    """429 with Retry-After (RFC 9110, 10.2.3; RFC 6585, 4): rule R9."""
    web.put("/busy", "later", status=429, headers={"Retry-After": "60"})
    first, second = await fetcher.get(f"{web.url}/busy"), await fetcher.get(f"{web.url}/other")

    assert isinstance(first, Page)
    assert isinstance(second, Trouble)
    assert (second.kind, second.fault) == (Kind.THROTTLED, None)
    assert "asked again in 60 s" in second.reason
    assert len(web.requests) == 1


@pytest.mark.parametrize(("wait", "pause", "words"), [("3600", 60.0, "in 60 s"), ("20", 60.0, "in 20 s")])
async def test_nobody_keeps_us_away_for_longer_than_the_probe_allows(
    web: WebService, wait: str, pause: float, words: str
) -> None:
    """An hour's silence may suit a source; of a platform or an anchor it would hide an outage."""
    web.put("/busy", "later", status=429, headers={"Retry-After": wait})
    async with open_fetcher("x", pause=pause) as fetcher:
        await fetcher.get(f"{web.url}/busy")
        again = await fetcher.get(f"{web.url}/busy")
    assert isinstance(again, Trouble)
    assert words in again.reason


async def test_a_pause_of_nothing_is_none(web: WebService) -> None:
    web.put("/busy", "later", status=429, headers={"Retry-After": "3600"})
    async with open_fetcher("x", pause=0.0) as fetcher:
        for _ in range(2):
            assert isinstance(await fetcher.get(f"{web.url}/busy"), Page)


@pytest.mark.parametrize("wait", ["", "soon", "-5", "0"])
async def test_who_does_not_say_how_long_is_asked_at_the_usual_pace(
    web: WebService, fetcher: Fetcher, wait: str
) -> None:
    web.put("/busy", "later", status=429, headers={"Retry-After": wait} if wait else {})

    for _ in range(2):
        assert isinstance(await fetcher.get(f"{web.url}/busy"), Page)


async def test_last_modified_is_a_validator_too(web: WebService, fetcher: Fetcher) -> None:
    web.etag = False
    web.put("/", headers={"last-modified": "Tue, 04 Nov 2025 08:00:00 GMT"})
    await fetcher.get(web.url)
    await fetcher.get(web.url)
    assert web.requests[1].headers["if-modified-since"] == "Tue, 04 Nov 2025 08:00:00 GMT"


async def test_without_memory_every_request_is_unconditional(web: WebService) -> None:
    web.put("/")
    async with open_fetcher("x", remember=False) as fetcher:
        await fetcher.get(web.url)
        assert not (await page_of(fetcher, web.url)).unchanged
    assert "if-none-match" not in web.requests[1].headers


async def test_only_a_few_urls_are_remembered(web: WebService, fetcher: Fetcher) -> None:
    for number in range(6):
        web.put(f"/{number}")
        await fetcher.get(f"{web.url}/{number}")
    assert not (await page_of(fetcher, f"{web.url}/0")).unchanged
    assert (await page_of(fetcher, f"{web.url}/5")).unchanged


async def test_a_304_that_nobody_asked_for_is_an_answer_like_any_other(fetcher: Fetcher) -> None:
    async with RawService(b"HTTP/1.1 304 Not Modified\r\n\r\n") as raw:
        page = await page_of(fetcher, raw.url)
    assert (page.status, page.body, page.unchanged) == (304, b"", False)


async def test_no_cookie_is_ever_kept(web: WebService, fetcher: Fetcher) -> None:
    web.put("/", headers={"set-cookie": "id=1; Path=/"})
    await fetcher.get(web.url)
    await fetcher.get(web.url)
    assert "cookie" not in web.requests[1].headers


async def test_every_request_has_a_connection_of_its_own(fetcher: Fetcher) -> None:
    """The server here would gladly go on with the first one."""
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.read(65536):
            writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    for _ in range(3):
        await page_of(fetcher, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert len(connections) == 3
    server.close()


async def test_forms_raw_bodies_and_basic_auth_are_sent_as_given(web: WebService, fetcher: Fetcher) -> None:
    web.put("/token")
    await fetcher.get(f"{web.url}/token", method="POST", data={"grant_type": "x"}, auth=("me", "secret"))
    await fetcher.get(f"{web.url}/token", method="POST", data=b"\x00raw", headers={"content-type": "a/b"})
    form, raw = web.requests
    assert (form.form(), form.headers["authorization"]) == ({"grant_type": "x"}, "Basic bWU6c2VjcmV0")
    assert (raw.body, raw.headers["content-type"]) == (b"\x00raw", "a/b")


async def test_the_name_is_kept_when_an_address_is_asked_instead(web: WebService, fetcher: Fetcher) -> None:
    web.put("/", "by name", host=f"platform.test:{web.port}")
    page = await fetcher.get(f"http://platform.test:{web.port}/", at="127.0.0.1")
    assert isinstance(page, Page)
    assert page.body == b"by name"


# --- redirects


async def test_a_redirect_on_the_same_host_is_followed(web: WebService, fetcher: Fetcher) -> None:
    web.redirect("/", "/there#part")
    web.put("/there", "arrived")
    page = await page_of(fetcher, web.url)
    assert (page.body, page.url) == (b"arrived", f"{web.url}/there")


async def test_http_may_send_us_on_to_https_of_the_same_host(authority: trustme.CA, web: WebService) -> None:
    async with (
        RawService(OK, tls=tls(authority.issue_cert("127.0.0.1"))) as safe,
        open_fetcher("x", seconds=2) as fetcher,
    ):
        web.redirect("/", safe.url)
        assert (await page_of(fetcher, web.url)).url == safe.url


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("http://elsewhere.test/", "another host (elsewhere.test)"),
        ("//evil.test/", "another host"),
        ("http://127.0.0.1:1/", "another port"),
        ("ftp://127.0.0.1/", "another port or to a connection that is not secure"),
        ("/", "circle"),
        ("http://127.0.0.1:abc/", "not proper HTTP"),
        ("http://xn--.test/\x7f", ""),
    ],
)
async def test_other_redirects_are_trouble_and_never_followed(
    web: WebService, fetcher: Fetcher, to: str, why: str
) -> None:
    web.redirect("/", to)
    trouble = await trouble_of(fetcher, web.url + "/")
    assert trouble.kind in (Kind.REDIRECT, Kind.PROTOCOL)
    assert why in trouble.reason
    assert trouble.fault is None
    assert len(web.requests) == 1


async def test_two_pages_that_point_at_each_other_are_a_circle(web: WebService, fetcher: Fetcher) -> None:
    web.redirect("/a", "/b")
    web.redirect("/b", "/a")
    assert "circle" in (await trouble_of(fetcher, f"{web.url}/a")).reason


async def test_three_redirects_are_followed_and_four_are_not(web: WebService, fetcher: Fetcher) -> None:
    for number in range(4):
        web.redirect(f"/{number}", f"/{number + 1}")
    web.put("/4")
    assert (await page_of(fetcher, f"{web.url}/1")).status == 200
    assert "more than 3" in (await trouble_of(fetcher, f"{web.url}/0")).reason


async def test_a_form_is_never_sent_twice(web: WebService, fetcher: Fetcher) -> None:
    web.redirect("/", "/there", 307)
    answer = await fetcher.get(web.url + "/", method="POST", data={"a": "b"})
    assert isinstance(answer, Trouble)
    assert answer.kind is Kind.REDIRECT
    assert len(web.requests) == 1


async def test_a_redirect_is_a_page_where_it_is_not_to_be_followed(web: WebService, fetcher: Fetcher) -> None:
    web.redirect("/", "http://login.test/")
    page = await fetcher.get(web.url, follow=False)
    assert isinstance(page, Page)
    assert page.status == 302


# --- size, packing, time


async def test_a_body_beyond_the_limit_is_trouble(web: WebService, fetcher: Fetcher) -> None:
    web.put("/exact", b"x" * 100_000)
    web.put("/more", b"x" * 100_001)
    web.put("/megabytes", b"x" * 5_000_000)
    assert len((await page_of(fetcher, f"{web.url}/exact")).body) == 100_000
    assert (await trouble_of(fetcher, f"{web.url}/more")).kind is Kind.TOO_LARGE
    assert (await trouble_of(fetcher, f"{web.url}/megabytes")).kind is Kind.TOO_LARGE


async def test_where_cutting_is_asked_for_the_first_part_is_given(web: WebService) -> None:
    web.put("/", b"x" * 2_000)
    async with open_fetcher("x", limit=1_000, cut=True) as fetcher:
        page = await page_of(fetcher, web.url)
    assert (len(page.body), page.cut) == (1_000, True)


async def test_a_packed_page_is_unpacked(web: WebService, fetcher: Fetcher) -> None:
    web.put("/", gzip.compress(b"hello"), headers={"content-encoding": "gzip"})
    assert (await page_of(fetcher, web.url)).body == b"hello"


async def test_a_bomb_is_refused_before_it_unfolds(web: WebService, fetcher: Fetcher) -> None:
    web.put("/", gzip.compress(bytes(80_000_000)), headers={"content-encoding": "gzip"})
    tracemalloc.start()
    trouble = await trouble_of(fetcher, web.url)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert trouble.kind is Kind.TOO_LARGE
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        pytest.param(b"not packed at all", "gzip", id="not gzip"),
        pytest.param(gzip.compress(b"x" * 500)[:-12], "gzip", id="half of it"),
        pytest.param(b"x", "br", id="a packing we did not ask for"),
        pytest.param(gzip.compress(gzip.compress(b"x")), "gzip, gzip", id="packed twice"),
    ],
)
async def test_a_badly_packed_page_is_trouble(web: WebService, fetcher: Fetcher, body: bytes, coding: str) -> None:
    web.put("/", body, headers={"content-encoding": coding})
    assert (await trouble_of(fetcher, web.url)).kind is Kind.PROTOCOL


async def test_a_packed_answer_that_never_ends_is_cut_off(fetcher: Fetcher) -> None:
    stored = gzip.compress(b"", mtime=0)[:10] + b"\x00\x00\x00\xff\xff" * 30_000
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"
    async with RawService(head + stored) as raw:
        assert (await trouble_of(fetcher, raw.url)).kind is Kind.TOO_LARGE


@pytest.mark.parametrize(
    ("answer", "repeat", "pause"),
    [
        pytest.param(b"H", 0, 0.02, id="a status line dripping"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", 0, 0.0, id="interim answers for ever"),
        pytest.param(OK[:-2], 1, 30, id="a body that does not come"),
    ],
)
async def test_time_is_limited_as_a_whole(fetcher: Fetcher, answer: bytes, repeat: int, pause: float) -> None:
    began = time.perf_counter()
    async with RawService(answer, repeat=repeat, pause=pause) as raw:
        trouble = await trouble_of(fetcher, raw.url)
    assert (trouble.kind, trouble.fault) == (Kind.TIMEOUT, Fault.PLATFORM)
    assert trouble.reason == "no complete answer within 0.4 s"
    assert time.perf_counter() - began < 1.5


async def test_when_time_runs_out_because_of_our_resolver_that_is_what_is_said(
    web: WebService, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(*_args: object, **_more: object) -> object:
        time.sleep(0.6)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    trouble = await trouble_of(fetcher, "http://platform.test/")
    assert (trouble.kind, trouble.fault) == (Kind.DNS, Fault.NETWORK)


async def test_cancellation_by_the_caller_is_not_swallowed(web: WebService) -> None:
    web.fail(Mishap.HANG_BEFORE)
    async with open_fetcher("x") as fetcher:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await fetcher.get(web.url)


# --- what goes wrong on the way


@pytest.mark.parametrize(
    ("mishap", "kind"),
    [
        (Mishap.RESET_BEFORE, Kind.RESET),
        (Mishap.CLOSE_BEFORE, Kind.RESET),
        (Mishap.HALF_AFTER, Kind.RESET),
        (Mishap.HANG_BEFORE, Kind.TIMEOUT),
        (Mishap.DRIP_AFTER, Kind.TIMEOUT),
    ],
    ids=lambda value: value.name,
)
async def test_a_failing_server_is_the_far_side(
    web: WebService, fetcher: Fetcher, mishap: Mishap, kind: Kind
) -> None:
    web.put("/", "x" * 500)
    web.fail(mishap)
    trouble = await trouble_of(fetcher, web.url)
    assert (trouble.kind, trouble.fault) == (kind, Fault.PLATFORM)


async def test_a_refused_connection_is_the_far_side(web: WebService, fetcher: Fetcher) -> None:
    await web.refuse()
    trouble = await trouble_of(fetcher, web.url)
    assert (trouble.kind, trouble.reason, trouble.fault) == (Kind.CONNECT, "connection refused", Fault.PLATFORM)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="a status that is no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", id="a header without colon"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000 + b"\r\n\r\n", id="a header without end"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx", id="two lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", id="a chunk of no size"),
    ],
)
async def test_what_is_not_http_cannot_be_judged(fetcher: Fetcher, answer: bytes) -> None:
    async with RawService(answer) as raw:
        trouble = await trouble_of(fetcher, raw.url)
    assert (trouble.kind, trouble.fault) == (Kind.PROTOCOL, None)


@pytest.mark.parametrize(
    "url", ["http://", "gopher://x/", "http://a b/", "http://[::1", "", "http://x:99999/", "http://\x00"]
)
async def test_an_impossible_address_is_trouble_and_not_an_exception(fetcher: Fetcher, url: str) -> None:
    assert (await trouble_of(fetcher, url)).fault is not Fault.PLATFORM


async def test_impossible_headers_are_trouble_and_not_an_exception(web: WebService, fetcher: Fetcher) -> None:
    for value in ("ü€", "a\r\nb: c"):
        answer = await fetcher.get(web.url, headers={"x": value})
        assert isinstance(answer, Trouble)


async def test_our_own_proxy_that_refuses_is_our_own_trouble(
    monkeypatch: pytest.MonkeyPatch, web: WebService
) -> None:
    async with RawService(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with open_fetcher("x", seconds=2) as fetcher:
            trouble = await trouble_of(fetcher, "https://127.0.0.1:1/")
    assert (trouble.reason, trouble.fault) == ("our own proxy did not connect us", Fault.NETWORK)


# --- certificates


async def test_a_certificate_of_an_unknown_issuer_is_a_box_on_the_line(fetcher: Fetcher) -> None:
    async with RawService(OK, tls=tls(trustme.CA().issue_cert("127.0.0.1"))) as raw:
        trouble = await trouble_of(fetcher, raw.url)
    assert (trouble.kind, trouble.fault) == (Kind.TLS, Fault.NETWORK)
    assert "unknown issuer" in trouble.reason


async def test_a_certificate_for_another_name_is_a_box_on_the_line(authority: trustme.CA) -> None:
    async with (
        RawService(OK, tls=tls(authority.issue_cert("other.test"))) as raw,
        open_fetcher("x", seconds=2) as fetcher,
    ):
        trouble = await trouble_of(fetcher, raw.url)
    assert (trouble.kind, trouble.fault) == (Kind.TLS, Fault.NETWORK)
    assert "another name" in trouble.reason


async def test_an_expired_certificate_cannot_be_told_from_a_fast_clock(authority: trustme.CA) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    leaf = authority.issue_cert("127.0.0.1", not_before=long_ago, not_after=long_ago.replace(year=2021))
    async with RawService(OK, tls=tls(leaf)) as raw, open_fetcher("x", seconds=2) as fetcher:
        trouble = await trouble_of(fetcher, raw.url)
    assert (trouble.kind, trouble.fault) == (Kind.TLS, None)


async def test_the_certificate_must_be_the_names_even_when_an_address_is_asked(authority: trustme.CA) -> None:
    leaf = authority.issue_cert("platform.test")
    async with RawService(OK, tls=tls(leaf)) as raw, open_fetcher("x", seconds=2) as fetcher:
        named = await fetcher.get(f"https://platform.test:{raw.port}/", at="127.0.0.1")
        other = await fetcher.get(f"https://other.test:{raw.port}/", at="127.0.0.1")
    assert isinstance(named, Page)
    assert isinstance(other, Trouble)


async def test_plain_text_where_tls_should_be_is_a_box_on_the_line(fetcher: Fetcher) -> None:
    async with RawService(b"HTTP/1.1 302 Found\r\nlocation: http://login.test/\r\n\r\n") as raw:
        trouble = await trouble_of(fetcher, raw.url.replace("http:", "https:"))
    assert (trouble.kind, trouble.fault) == (Kind.TLS, Fault.NETWORK)


async def test_a_handshake_that_is_cut_off_is_the_far_side(fetcher: Fetcher) -> None:
    async with RawService(b"") as raw:
        trouble = await trouble_of(fetcher, raw.url.replace("http:", "https:"))
    assert trouble.fault is Fault.PLATFORM
    assert trouble.kind in (Kind.TLS, Kind.RESET)


# --- the classification as a table


def chained(*causes: BaseException) -> httpx.ConnectError:
    """As httpx raises it: the errors of all attempts hang below."""
    error = httpx.ConnectError("All connection attempts failed for https://user:secret@host/")
    error.__cause__ = causes[0] if len(causes) == 1 else ExceptionGroup("attempts", [*causes])  # type: ignore[type-var]
    return error


@pytest.mark.parametrize(
    ("error", "kind", "fault"),
    [
        (chained(OSError(errno.ENETUNREACH, "")), Kind.CONNECT, Fault.NETWORK),
        (chained(OSError(errno.EHOSTUNREACH, "")), Kind.CONNECT, Fault.NETWORK),
        (chained(OSError(errno.EPERM, "")), Kind.CONNECT, Fault.NETWORK),
        (chained(OSError(errno.EMFILE, "")), Kind.CONNECT, Fault.NETWORK),
        (chained(OSError(errno.ECONNREFUSED, "")), Kind.CONNECT, Fault.PLATFORM),
        (chained(OSError(errno.ETIMEDOUT, "")), Kind.TIMEOUT, Fault.PLATFORM),
        (chained(OSError(errno.ENETUNREACH, ""), OSError(errno.ECONNREFUSED, "")), Kind.CONNECT, Fault.PLATFORM),
        (chained(OSError(errno.ENETUNREACH, ""), OSError(errno.ETIMEDOUT, "")), Kind.TIMEOUT, Fault.PLATFORM),
        (chained(OSError(errno.ENETUNREACH, ""), OSError(errno.EPERM, "")), Kind.CONNECT, Fault.NETWORK),
        (chained(socket.gaierror(socket.EAI_AGAIN, "")), Kind.DNS, Fault.NETWORK),
        (chained(socket.gaierror(socket.EAI_NONAME, "")), Kind.DNS, Fault.NETWORK),
        (httpx.ConnectTimeout("x"), Kind.TIMEOUT, Fault.PLATFORM),
        (httpx.ReadError("x"), Kind.RESET, Fault.PLATFORM),
        (httpx.ProxyError("x"), Kind.CONNECT, Fault.NETWORK),
        (httpx.UnsupportedProtocol("x"), Kind.PROTOCOL, None),
        (UnicodeError("x"), Kind.PROTOCOL, None),
    ],
)
def test_classification(error: BaseException, kind: Kind, fault: Fault | None) -> None:
    trouble = classify(error)
    assert (trouble.kind, trouble.fault) == (kind, fault)
    assert "secret" not in trouble.reason


@pytest.mark.parametrize(
    ("code", "words", "fault"),
    [
        (9, "not valid yet", Fault.NETWORK),
        (10, "expired", None),
        (18, "unknown issuer", Fault.NETWORK),
        (20, "unknown issuer", Fault.NETWORK),
        (62, "another name", Fault.NETWORK),
    ],
)
def test_certificates_by_their_error(code: int, words: str, fault: Fault | None) -> None:
    assert words in certificate(code).reason
    assert certificate(code).fault is fault


@pytest.mark.parametrize("trouble", [classify(httpx.ReadError("x")), lookup(None), certificate(10)])
def test_a_source_that_fails_is_never_down(trouble: Trouble) -> None:
    sighting = trouble.as_source_failure(Evidence.OFFICIAL)
    assert (sighting.signal, sighting.evidence) == (Signal.UNKNOWN, Evidence.OFFICIAL)
    assert sighting.fault is not Fault.PLATFORM
    assert trouble.reason in sighting.reason


# --- reading a page


def page(body: bytes, content_type: str = "text/html") -> Page:
    return Page(status=200, headers=httpx.Headers({"content-type": content_type}), body=body, url="http://x/")


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("schön".encode(), "text/html", "schön"),
        ("schön".encode("latin-1"), "text/html; charset=iso-8859-1", "schön"),
        (b"\xef\xbb\xbfok", "text/html", "ok"),
        (b"a\xffb", "text/html", "a\ufffdb"),
        (b"ok", "text/html; charset=klingon", "ok"),
        (b"ok", "text/html; charset=base64", "ok"),
        (b"ok", "text/html; charset=punycode", "ok"),
        (b"\\d", "text/html; charset=unicode_escape", "\\d"),
        (b"ok", "text/html; charset=\x00", "ok"),
    ],
)
def test_text_is_always_readable(body: bytes, content_type: str, text: str) -> None:
    assert page(body, content_type).text == text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="a hundred thousand brackets"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep and well formed"),
        pytest.param(b'{"a":' * 100_000, id="deep objects"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"a": NaN}', id="not a number"),
        pytest.param(b"\xff\xfe\xfa", id="no text"),
        pytest.param(b"9" * 5_000, id="a number without end"),
    ],
)
def test_what_is_not_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        page(body).json()


def test_json_is_read_whatever_its_content_type() -> None:
    assert page(b'\xef\xbb\xbf{"a": [1]}', "text/plain").json() == {"a": [1]}


@given(st.text())
def test_foreign_words_become_one_short_printable_line(text: str) -> None:
    line = plain(text, 40)
    assert len(line) <= 40
    assert line.isprintable()
    line.encode()


# --- anything at all

HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["content-length", "content-encoding", "transfer-encoding", "location", "content-type", "x"]),
        st.one_of(
            st.sampled_from(
                [
                    "gzip",
                    "chunked",
                    "-1",
                    "5",
                    "99999999999999999999",
                    "/",
                    "//",
                    "http://[",
                    "text/html; charset=\xff",
                ]
            ),
            st.text(max_size=20),
        ),
    ),
    max_size=5,
)
RESPONSES = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda status, fields, body: (
            f"HTTP/1.1 {status} X\r\n".encode()
            + b"".join(f"{name}: {value}\r\n".encode() for name, value in fields)
            + b"\r\n"
            + body
        ),
        st.one_of(st.integers(0, 1200), st.sampled_from([200, 204, 301, 304, 503])),
        HEADERS,
        st.one_of(st.binary(max_size=100), st.just(gzip.compress(b"x" * 99)), st.just(json.dumps([1]).encode())),
    ),
)


@settings(max_examples=150, deadline=None)
@given(RESPONSES)
def test_no_answer_whatever_raises_or_hangs(raw: bytes) -> None:
    async def ask() -> None:
        async with RawService(raw) as server, open_fetcher("x", seconds=2, limit=1000) as fetcher:
            answer = await fetcher.get(server.url)
        assert isinstance(answer, Page | Trouble)
        if isinstance(answer, Page):
            assert isinstance(answer.text, str)
            with contextlib.suppress(ValueError):
                answer.json()
        else:
            assert answer.kind is not Kind.TIMEOUT
            answer.reason.encode()

    asyncio.run(ask())
