"""The kind `vantage`: who is believed, what a majority is, and what a listener must put up with."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import probes.vantage
from channels.webhook import signature
from failover.contracts import Surroundings
from failover.model import Evidence, Fault, Signal
from probes._listener import AT_ONCE, LONGEST_BODY, parse_address
from probes._signed import REMEMBERED, Desk, Message, Verdict, key_of
from probes.vantage import KIND, MOST_NODES, Options, Report, VantageProbe, judge, open_vantage, read_report
from tests.probes._garbage import NOW, anything, surroundings

SECRET = "whsec_cHJhY3RpY2UtcHJhY3RpY2UtcHJhY3RpY2UtMTIz"
OTHER = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcjEyMzQ="
DOWN = {"node": "oslo", "platform": "example", "signal": "down", "reason": "connection refused"}


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


def opened(clock: Callable[[], float] | None = None, **more: Any) -> AbstractAsyncContextManager[VantageProbe]:
    given = {"listen": "127.0.0.1:0", "secret": SECRET} | more
    return open_vantage(Options.model_validate(given), surroundings(clock or Clock()))


def signed(body: bytes, *, name: str = "one", at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    """The headers as the house's own channel `webhook` makes them."""
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": signature([secret], name, int(at), body),
    }


def encoded(**more: Any) -> bytes:
    return json.dumps(DOWN | more).encode()


async def post(probe: VantageProbe, body: bytes, headers: dict[str, str], path: str = "/vantage") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return await client.post(f"http://{probe.address}{path}", content=body, headers=headers)


def told(probe: VantageProbe, name: str, at: float = NOW, **more: Any) -> int:
    """A report straight to the probe; the status of the reply."""
    body = encoded(**more)
    return probe.take(signed(body, name=name, at=at), body).status


# -- reports ---------------------------------------------------------------------------------------------------


def reports(text: str) -> list[Report]:
    """`a- b+ c? d-@600 e!`: node, what it says, and how many seconds ago; `!` is down for the first time."""
    signals = {"-": Signal.DOWN, "!": Signal.DOWN, "+": Signal.UP, "?": Signal.UNKNOWN}
    words = (word.partition("@") for word in text.split())
    return [
        Report(node=head[0], signal=signals[head[1]], words="", at=NOW - float(ago or 0), repeated=head[1] != "!")
        for head, _, ago in words
    ]


@pytest.mark.parametrize(
    ("said", "nodes", "signal", "words"),
    [
        pytest.param("a-", 1, Signal.DOWN, "1 of 1 of our vantage points say that it is down", id="one is enough"),
        pytest.param("a!", 1, Signal.DEGRADED, "has not said so twice", id="once is doubt"),
        pytest.param("a- b! c+", 1, Signal.DEGRADED, "not all of them twice", id="majority, but for one"),
        pytest.param("a- b- c!", 1, Signal.DOWN, "3 of 3", id="majority without the new one"),
        pytest.param("a! b+ c+", 1, Signal.UP, "2 of 3", id="a new minority"),
        pytest.param("a+", 1, Signal.UP, "1 of 1", id="one works"),
        pytest.param("a?", 1, Signal.UNKNOWN, "could tell", id="one cannot tell"),
        pytest.param("", 1, Signal.UNKNOWN, "none of our vantage points reported within 5m", id="none"),
        pytest.param("a-@301", 1, Signal.UNKNOWN, "none of our vantage points", id="stale"),
        pytest.param("a-@300", 1, Signal.DOWN, "1 of 1", id="just fresh"),
        pytest.param("a-@-301", 1, Signal.UNKNOWN, "none", id="from long after a clock was set back"),
        pytest.param("a-", 2, Signal.UNKNOWN, "2 are needed", id="too few"),
        pytest.param("a- b-@900", 2, Signal.UNKNOWN, "2 are needed", id="too few that are fresh"),
        pytest.param("a- b-", 2, Signal.DOWN, "2 of 2", id="two"),
        pytest.param("a- b+", 2, Signal.DEGRADED, "only 1 of 2", id="half is no majority"),
        pytest.param("a- b?", 2, Signal.DEGRADED, "only 1 of 2", id="one that cannot tell is no vote"),
        pytest.param("a- b- c+", 2, Signal.DOWN, "2 of 3", id="majority"),
        pytest.param("a- b+ c+", 2, Signal.UP, "2 of 3 of our vantage points say that it works", id="minority"),
        pytest.param("a- b+ c+@900", 1, Signal.DEGRADED, "only 1 of 2", id="the stale one does not count"),
        pytest.param("a+ b? c?", 1, Signal.UNKNOWN, "too few of 3", id="too few could tell"),
    ],
)
def test_the_majority(said: str, nodes: int, signal: Signal, words: str) -> None:
    seen = judge(reports(said), NOW, nodes=nodes, stale_after=300.0)
    assert (seen.signal, seen.evidence) == (signal, Evidence.ELSEWHERE)
    assert words in seen.reason


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param(encoded(), Signal.DOWN, id="down"),
        pytest.param(encoded(signal="up"), Signal.UP, id="up"),
        pytest.param(encoded(signal="unknown"), Signal.UNKNOWN, id="unknown"),
        pytest.param(encoded(fault="platform"), Signal.DOWN, id="the platform's fault"),
        pytest.param(encoded(fault="account"), Signal.UNKNOWN, id="the node's account"),
        pytest.param(encoded(fault="network"), Signal.UNKNOWN, id="the node's line"),
        pytest.param(encoded(fault={}), Signal.UNKNOWN, id="an odd fault"),
        pytest.param(encoded(signal="degraded"), "a signal that is up, down or unknown", id="another word"),
        pytest.param(encoded(signal=["down"]), "a signal that is up, down or unknown", id="another type"),
        pytest.param(encoded(platform="facebook"), "another platform", id="another platform"),
        pytest.param(encoded(node=" \n\x00"), "the name of a node", id="no name"),
        pytest.param(encoded(node=5), "expected an object", id="number for a name"),
        pytest.param(b"[]", "expected an object", id="a list"),
        pytest.param(b"down", "not JSON", id="no JSON"),
        pytest.param(b"[" * 9000, "not JSON", id="nested"),
        pytest.param(b"\xff", "not JSON", id="bytes"),
    ],
)
def test_reading_a_report(body: bytes, outcome: Signal | str) -> None:
    """The platform must be ours, and an account's trouble is nobody's vote."""
    read = read_report(body, "example", NOW)
    if isinstance(read, Report):
        assert read.signal is outcome
    else:
        assert isinstance(outcome, str)
        assert outcome in read


def test_words_of_a_node_are_cleaned() -> None:
    """One line, printable, short: they come to stand in the journal."""
    read = read_report(encoded(node="os\nlo\x1b[31m" + "x" * 99, reason="a\r\nb" + "y" * 999), "example", NOW)
    assert isinstance(read, Report)
    seen = judge([read], NOW, nodes=1, stale_after=300.0)
    assert seen.detail.isprintable()
    assert (len(read.node), len(read.words)) == (40, 80)


@given(st.dictionaries(st.sampled_from([*DOWN, "fault"]), anything), anything)
@settings(deadline=None, max_examples=60)
def test_garbage_never_votes(some: dict[str, Any], value: Any) -> None:
    """Random JSON, or a good report with random parts: at most what a good report would be."""
    assert isinstance(read_report(json.dumps(value).encode(), "example", NOW), str)
    read = read_report(json.dumps(DOWN | {"signal": "up"} | some).encode(), "example", NOW)
    assert isinstance(read, str) or read.signal is not Signal.DOWN


# -- who is believed -------------------------------------------------------------------------------------------


def desk(*secrets: str, at: float = NOW - 3600) -> Desk:
    return Desk([key_of(secret) for secret in secrets or (SECRET,)], at)


def message(body: bytes = b"{}", **more: Any) -> Message:
    return Message.of(signed(body, **more), body)


GOOD = message()


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        pytest.param(GOOD, Verdict.NEW, id="good"),
        pytest.param(replace(GOOD, body=b"{ }"), Verdict.UNSIGNED, id="another body"),
        pytest.param(replace(GOOD, name="two"), Verdict.UNSIGNED, id="another id"),
        pytest.param(replace(GOOD, stamp=str(int(NOW) + 1)), Verdict.UNSIGNED, id="another time"),
        pytest.param(replace(GOOD, signatures=""), Verdict.UNSIGNED, id="no signature"),
        pytest.param(replace(GOOD, signatures="v1,"), Verdict.UNSIGNED, id="empty signature"),
        pytest.param(replace(GOOD, signatures=GOOD.signatures[3:]), Verdict.UNSIGNED, id="no version"),
        pytest.param(replace(GOOD, signatures=f"v2{GOOD.signatures[2:]}"), Verdict.UNSIGNED, id="another version"),
        pytest.param(replace(GOOD, signatures="v1,\u20ac"), Verdict.UNSIGNED, id="not ASCII"),
        pytest.param(replace(GOOD, signatures=f"v1,eA== {GOOD.signatures}"), Verdict.NEW, id="one of several"),
        pytest.param(message(secret=OTHER), Verdict.UNSIGNED, id="another secret"),
        pytest.param(message(name=""), Verdict.UNSIGNED, id="no id"),
        pytest.param(message(name="x" * 201), Verdict.UNSIGNED, id="long id"),
        pytest.param(message(at=NOW - 300), Verdict.NEW, id="five minutes old"),
        pytest.param(message(at=NOW - 301), Verdict.UNTIMELY, id="too old"),
        pytest.param(message(at=NOW + 300), Verdict.NEW, id="a clock ahead"),
        pytest.param(message(at=NOW + 301), Verdict.UNTIMELY, id="too new"),
        pytest.param(message(at=-5), Verdict.UNTIMELY, id="no time"),
    ],
)
def test_signature_and_age(given: Message, verdict: Verdict) -> None:
    """HMAC over id, time and body; five minutes either way."""
    assert desk().judge(given, NOW) is verdict


def test_both_secrets_are_good_while_the_nodes_move() -> None:
    both = desk(OTHER, SECRET)
    assert both.judge(message(name="a"), NOW) is Verdict.NEW
    assert both.judge(message(name="b", secret=OTHER), NOW) is Verdict.NEW


def test_an_empty_key_opens_nothing() -> None:
    """A secret that is none must not become the key that everybody has."""
    assert Desk([b""], NOW).judge(message(secret="whsec_"), NOW) is Verdict.UNSIGNED


def test_a_repeat_is_known_and_what_was_sent_before_we_opened_is_refused() -> None:
    """A recorded request is worth nothing, not even after a restart that lost the list of ids."""
    here = desk()
    assert [here.judge(message(), NOW) for _ in range(2)] == [Verdict.NEW, Verdict.REPEAT]
    restarted = desk(at=NOW + 10)
    assert restarted.judge(message(), NOW + 12) is Verdict.UNTIMELY
    assert restarted.judge(message(name="two", at=NOW + 11), NOW + 12) is Verdict.NEW


def test_a_clock_that_was_set_back_does_not_lock_the_door() -> None:
    """We had opened an hour ahead of the true time."""
    assert desk(at=NOW + 3600).judge(message(), NOW) is Verdict.NEW


def test_the_list_of_ids_is_bounded_and_forgets_only_what_is_too_old() -> None:
    here = desk()
    for number in range(REMEMBERED):
        assert here.judge(message(name=str(number)), NOW) is Verdict.NEW
    assert here.judge(message(name="more"), NOW) is Verdict.TOO_MANY
    assert here.judge(message(name="0"), NOW) is Verdict.REPEAT
    assert here.judge(message(name="later", at=NOW + 301), NOW + 301) is Verdict.NEW


# -- the probe over loopback -----------------------------------------------------------------------------------


async def test_a_node_reports_and_the_look_says_so() -> None:
    """Down, up again, and nothing at all after a while; never anybody's account."""
    clock = Clock()
    async with opened(clock) as probe:
        assert (await probe.look()).signal is Signal.UNKNOWN
        body = encoded()
        answer = await post(probe, body, signed(body))
        assert (answer.status_code, answer.json()) == (202, {"ok": True})
        assert (await probe.look()).signal is Signal.DEGRADED
        clock.at += 60
        await post(probe, body, signed(body, name="again", at=clock.at))
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.DOWN, Fault.PLATFORM)
        assert seen.detail == "oslo: down (connection refused)"
        clock.at += 60
        body = encoded(signal="up", reason="")
        await post(probe, body, signed(body, name="two", at=clock.at))
        assert (await probe.look()).signal is Signal.UP
        clock.at += 301
        seen = await probe.look()
        assert (seen.signal, seen.fault) == (Signal.UNKNOWN, None)


@pytest.mark.parametrize(
    ("later", "signal"),
    [
        pytest.param([(60, "down")], Signal.DOWN, id="twice"),
        pytest.param([(0, "down")], Signal.DEGRADED, id="twice in one second is one measurement"),
        pytest.param([(301, "down")], Signal.DEGRADED, id="the first was stale by then"),
        pytest.param([(60, "up"), (120, "down")], Signal.DEGRADED, id="not in a row"),
        pytest.param([(60, "unknown"), (120, "down")], Signal.DEGRADED, id="could not tell between"),
        pytest.param([(60, "down"), (60, "down")], Signal.DOWN, id="a third in the second of the second"),
        pytest.param([(60, "down"), (120, "up"), (180, "down"), (240, "down")], Signal.DOWN, id="twice once more"),
    ],
)
async def test_down_needs_two_measurements_of_a_node(later: list[tuple[float, str]], signal: Signal) -> None:
    """One report is read again at each look for as long as it is fresh: it must not look like a lasting outage."""
    clock = Clock()
    async with opened(clock) as probe:
        assert told(probe, "first") == 202
        for number, (after, said) in enumerate(later):
            clock.at = NOW + after
            assert told(probe, f"later {number}", clock.at, signal=said) == 202
        assert (await probe.look()).signal is signal


async def test_a_replayed_or_overtaken_report_changes_nothing() -> None:
    """The repeat is answered like the first; what is older than what we have is not news."""
    clock = Clock()
    async with opened(clock) as probe:
        assert told(probe, "one") == 202
        clock.at += 60
        assert told(probe, "two", clock.at, signal="up") == 202
        assert told(probe, "one") == 202
        assert told(probe, "three", NOW + 1) == 202
        assert (await probe.look()).signal is Signal.UP


async def test_age_counts_from_the_report_s_own_time_and_never_from_the_future() -> None:
    """A report that took four minutes is stale a minute later; one of a clock ahead does not stay longer."""
    clock = Clock()
    clock.at += 240
    async with opened(clock) as probe:
        clock.at += 301
        assert told(probe, "one", clock.at - 240) == 202
        clock.at += 61
        assert (await probe.look()).signal is Signal.UNKNOWN
        assert told(probe, "two", clock.at + 290) == 202
        clock.at += 301
        assert (await probe.look()).signal is Signal.UNKNOWN


async def test_no_more_nodes_than_anybody_has() -> None:
    """Names that nobody uses any more make room."""
    clock = Clock()
    async with opened(clock) as probe:
        for number in range(MOST_NODES):
            assert told(probe, f"id{number}", node=f"node {number}") == 202
        assert told(probe, "one more", node="one more") == 429
        assert told(probe, "known", node="node 0") == 202
        clock.at += 301
        assert told(probe, "later", clock.at, node="one more") == 202
        assert "1 of 1" in (await probe.look()).reason


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param({"webhook-signature": "v1,AAAA"}, 401, id="signature"),
        pytest.param({"webhook-id": ""}, 401, id="id"),
        pytest.param({"webhook-timestamp": str(int(NOW) - 999)}, 401, id="time"),
    ],
)
async def test_who_cannot_sign_is_told_nothing_and_changes_nothing(change: dict[str, str], status: int) -> None:
    async with opened() as probe:
        body = encoded()
        answer = await post(probe, body, signed(body) | change)
        assert (answer.status_code, SECRET in answer.text) == (status, False)
        assert (await probe.look()).signal is Signal.UNKNOWN


async def test_path_method_size_and_form() -> None:
    async with opened(path="/in") as probe:
        body = encoded()
        assert (await post(probe, body, signed(body), "/vantage")).status_code == 404
        assert (await post(probe, body, signed(body), "/in?x")).status_code == 404
        large = encoded(reason="x" * LONGEST_BODY)
        assert (await post(probe, large, signed(large), "/in")).status_code == 413
        odd = encoded(platform="facebook")
        answer = await post(probe, odd, signed(odd), "/in")
        assert (answer.status_code, answer.json()["error"]) == (
            422,
            "this listener takes reports on another platform",
        )
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            for method in ("GET", "PUT", "DELETE", "OPTIONS"):
                answer = await client.request(method, f"http://{probe.address}/in")
                assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert (await post(probe, body, signed(body), "/in")).status_code == 202


async def raw(probe: VantageProbe, sent: bytes, *, close: bool = True) -> bytes:
    reader, writer = await asyncio.open_connection(probe.address.host, probe.address.port)
    writer.write(sent)
    if close and writer.can_write_eof():
        writer.write_eof()
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400", id="TLS"),
        pytest.param(b"POST /vantage HTTP/1.1\r\n\r\n", b"400", id="no host"),
        pytest.param(b"POST /vantage HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{", b"400", id="half a body"),
        pytest.param(b"POST /vantage HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", b"400", id="odd length"),
        pytest.param(b"POST / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 20_000 + b"\r\n\r\n", b"431", id="long head"),
        pytest.param(
            b"POST /vantage HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + b"fff\r\n" + b"x" * 4095
            + b"\r\nfff\r\n" + b"x" * 4095 + b"\r\nfff\r\n" + b"x" * 4095 + b"\r\n0\r\n\r\n", b"413", id="chunks",
        ),
    ],
)  # fmt: skip
async def test_what_is_not_proper_http_is_refused(sent: bytes, status: bytes) -> None:
    """And the listener goes on."""
    async with opened() as probe:
        answer = await raw(probe, sent)
        assert answer.startswith(b"HTTP/1.1 " + status) or (status == b"413" and not answer)
        body = encoded()
        assert (await post(probe, body, signed(body))).status_code == 202


@given(st.lists(st.binary(max_size=200), max_size=4).map(b"".join), st.booleans())
@settings(deadline=None, max_examples=40)
def test_garbage_on_the_line_never_stops_the_listener(sent: bytes, posted: bool) -> None:
    async def once() -> None:
        async with opened() as probe:
            start = b"POST /vantage HTTP/1.1\r\nhost: x\r\n" if posted else b""
            answer = await raw(probe, start + sent)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
            assert (await probe.look()).signal is Signal.UNKNOWN

    asyncio.run(once())


async def test_those_who_say_nothing_do_not_keep_others_out_for_ever() -> None:
    """So many at once and no more; a place that is left is free again."""
    async with opened() as probe:
        silent = [await asyncio.open_connection(probe.address.host, probe.address.port) for _ in range(AT_ONCE)]
        await asyncio.sleep(0)
        assert await raw(probe, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", close=False) == b""
        for _, writer in silent:
            writer.close()
        for _ in range(500):
            answer = await raw(probe, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", close=False)
            if answer:
                break
            await asyncio.sleep(0.01)
        assert answer.startswith(b"HTTP/1.1 405")


# -- start and reload ------------------------------------------------------------------------------------------


def named(name: str, platform: str = "example") -> Surroundings:
    return replace(surroundings(), name=name, platform=platform)


def at(address: object) -> Options:
    return Options.model_validate({"listen": str(address), "secret": SECRET})


async def test_a_port_that_is_taken_is_an_error_at_the_start() -> None:
    """It names the probe and the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match=f"the probe example/status: {address}: another program listens there"):
            async with open_vantage(at(address), surroundings()):
                pass


@pytest.mark.parametrize("other", [named("status", "facebook"), named("vantage-2")], ids=["platform", "name"])
async def test_two_probes_never_share_a_port(other: Surroundings) -> None:
    """Each report would reach one of them by chance."""
    async with open_vantage(at("127.0.0.1:0"), named("status")) as first:
        with pytest.raises(OSError, match="or another probe of this configuration"):
            async with open_vantage(at(first.address), other):
                pass
        body = encoded()
        assert (await post(first, body, signed(body))).status_code == 202


async def test_a_reload_takes_over_from_the_same_probe() -> None:
    """The successor opens before the predecessor closes; then it is the one that hears."""
    stack = open_vantage(at("127.0.0.1:0"), named("status"))
    old = await stack.__aenter__()
    async with open_vantage(at(old.address), named("status")) as new:
        assert new.address == old.address
        await stack.__aexit__(None, None, None)
        body = encoded()
        assert (await post(new, body, signed(body))).status_code == 202
        assert (await new.look()).signal is Signal.DEGRADED
    with pytest.raises(httpx.ConnectError):
        await post(new, body, signed(body))


async def test_an_error_that_is_not_the_listener_s_is_not_blamed_on_it() -> None:
    with pytest.raises(OSError, match=r"^the disk is full$"):
        async with opened():
            raise OSError("the disk is full")


async def test_ipv6() -> None:
    try:
        async with opened(listen="[::1]:0") as probe:
            body = encoded()
            assert (await post(probe, body, signed(body))).status_code == 202
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")


@pytest.mark.parametrize("text", ["127.0.0.1:8471", "[::1]:8471", "0.0.0.0:1", "127.0.0.1:0"])
def test_addresses(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"listen": "localhost:8471"}, "an IP address with a port"),
        ({"listen": "127.0.0.1"}, "an IP address with a port"),
        ({"listen": "::1:8471"}, "an IP address with a port"),
        ({"listen": "127.0.0.1:65536"}, "an IP address with a port"),
        ({"listen": "[127.0.0.1]:80"}, "an IP address with a port"),
        ({"listen": ":8471"}, "an IP address with a port"),
        ({"secret": "hunter2"}, "whsec_ followed by"),
        ({"secret": "whsec_c2hvcnQ="}, "whsec_ followed by"),
        ({"previous_secret": "whsec_???"}, "whsec_ followed by"),
        ({"nodes": 0}, "greater than or equal to 1"),
        ({"stale_after": "5s"}, "greater than or equal to 10"),
        ({"path": "vantage"}, "pattern"),
        ({"path": "/a?b"}, "pattern"),
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], words: str) -> None:
    """With a word on what is expected, and without the secret."""
    with pytest.raises(ValidationError, match=words) as caught:
        Options.model_validate({"secret": SECRET} | wrong)
    assert "hunter2" not in str(caught.value)


async def test_the_secret_shows_nowhere() -> None:
    chosen = at("127.0.0.1:0")
    async with open_vantage(chosen, surroundings()) as probe:
        shown = repr((chosen, probe, await probe.look()))
    assert SECRET[6:] not in shown


def test_a_report_is_fresh_for_longer_than_a_look_takes() -> None:
    assert KIND.every < Options(secret=SECRET).stale_after
    assert not KIND.on_suspicion


# -- the sender of the documentation ---------------------------------------------------------------------------


def example() -> str:
    """The program in the docstring of the kind."""
    doc = inspect.getdoc(probes.vantage) or ""
    start = doc.index("    import base64")
    return textwrap.dedent(doc[start : doc.index("\nSource of headers")])


async def test_the_documented_sender_is_understood() -> None:
    """The very lines that people will copy, run as a program of their own with the true time."""
    import time

    async with opened(time.time) as probe:  # noqa: TID251 - the sender's clock is the true one
        url = f"http://{probe.address}/vantage"
        sender = await asyncio.create_subprocess_exec(
            sys.executable, "-c", example(), url, "oslo", "example", "down", "connection refused",
            env={"VANTAGE_SECRET": SECRET, "no_proxy": "127.0.0.1"}, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, trouble = await sender.communicate()
        assert (sender.returncode, trouble) == (0, b"")
        assert (await probe.look()).detail == "oslo: down (connection refused)"


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the specification's own libraries: this secret, id, time and body give this signature."""
    body = b'{"test": 2432232314}'
    given = Message(
        name="msg_p5jXN8AQM9LWM0D4loKWxJek",
        stamp="1614265330",
        signatures="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        body=body,
    )
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert base64.b64decode("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    assert Desk([key_of(key)], 0.0).judge(given, 1614265330.0) is Verdict.NEW
