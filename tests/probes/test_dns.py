"""The `dns` probe: what each resolver says is told apart; what they say together is one row of the decision table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.edns
import dns.message
import dns.rcode
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Fault, Sighting, Signal
from failover.practice.dns import EVERY, Behaviour, DnsService, DohService, Zone
from failover.practice.http import Fault as Mishap
from probes._fetch import Fetcher, open_fetcher
from probes._resolvers import Question, Said, ask, read
from probes._servers import Server, parse_server, system_servers
from probes.dns import KIND, Answer, DnsOptions, DnsProbe, judge, voices_of

NAME = "www.platform.test"
CONTROL = "control.test"
PUBLIC = "157.240.1.35"
SECONDS = 0.3


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with open_fetcher("failover test", seconds=SECONDS) as made:
        yield made


@dataclass
class Resolvers:
    """Practice resolvers, each with a zone of its own, plain or over HTTP."""

    zones: list[Zone]
    servers: list[str]
    fetcher: Fetcher

    def __iter__(self) -> Any:
        return iter(self.zones)

    async def look(self, **more: Any) -> Sighting:
        fields = {"name": NAME, "servers": self.servers, "controls": [CONTROL, "other.test"], **more}
        return await DnsProbe(KIND.options.model_validate(fields), self.fetcher, SECONDS).look()


@pytest.fixture
async def resolvers(request: pytest.FixtureRequest, fetcher: Fetcher) -> AsyncIterator[Resolvers]:
    """As many as the parameter says, e.g. `plain plain doh`; all find the name and one control."""
    zones, servers = [], []
    async with AsyncExitStack() as stack:
        for word in request.param.split():
            zone = Zone()
            zone.put(NAME, PUBLIC)
            zone.put(CONTROL, "93.184.215.14")
            if word == "doh":
                servers.append((await stack.enter_async_context(DohService(zone))).endpoint)
            else:
                servers.append((await stack.enter_async_context(DnsService(zone))).address)
            zones.append(zone)
        yield Resolvers(zones, servers, fetcher)


def resolving(words: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("resolvers", [words], indirect=True)


def tell(sighting: Sighting) -> tuple[Signal, Evidence, Fault | None]:
    return sighting.signal, sighting.evidence, sighting.fault


# --- one resolver


@pytest.mark.parametrize("words", ["plain", "doh"])
@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (Behaviour.ANSWER, Said.FOUND),
        (Behaviour.TRUNCATED, Said.FOUND),
        (Behaviour.SERVFAIL, Said.SERVFAIL),
        (Behaviour.NXDOMAIN, Said.NXDOMAIN),
        (Behaviour.REFUSED, Said.REFUSED),
        (Behaviour.DROP, Said.SILENT),
        (Behaviour.GARBAGE, Said.UNCLEAR),
    ],
    ids=lambda value: value.name if isinstance(value, Behaviour) else "",
)
async def test_every_kind_of_answer_is_told_apart(
    words: str, behaviour: Behaviour, said: Said, fetcher: Fetcher
) -> None:
    zone = Zone()
    zone.put(NAME, PUBLIC)
    zone.behave(NAME, behaviour)
    async with DnsService(zone) as plain, DohService(zone) as doh:
        server = parse_server(plain.address if words == "plain" else doh.endpoint)
        assert await ask(server, Question(name=NAME), fetcher, SECONDS) is said


@pytest.mark.parametrize(
    ("addresses", "private", "said"),
    [
        ([PUBLIC], False, Said.FOUND),
        ([], False, Said.EMPTY),
        (["2a03:2880::1"], False, Said.EMPTY),
        (["10.1.2.3"], False, Said.BLOCKED),
        (["192.168.1.1", "10.0.0.1"], False, Said.BLOCKED),
        (["127.0.0.1"], False, Said.BLOCKED),
        (["0.0.0.0"], False, Said.BLOCKED),
        (["100.64.0.1"], False, Said.BLOCKED),
        (["10.1.2.3"], True, Said.FOUND),
        (["10.1.2.3", PUBLIC], False, Said.FOUND),
    ],
)
async def test_an_address_counts_when_it_is_public(
    addresses: list[str], private: bool, said: Said, fetcher: Fetcher
) -> None:
    zone = Zone()
    zone.put(NAME, *addresses)
    async with DnsService(zone) as plain:
        question = Question(name=NAME, private=private)
        assert await ask(parse_server(plain.address), question, fetcher, SECONDS) is said


async def test_the_other_type_of_address_can_be_asked_for(fetcher: Fetcher) -> None:
    zone = Zone()
    zone.put(NAME, "2a03:2880::1")
    async with DnsService(zone) as plain:
        question = Question(name=NAME, type="AAAA")
        assert await ask(parse_server(plain.address), question, fetcher, SECONDS) is Said.FOUND


async def test_a_resolver_that_nobody_runs_is_silent_at_once(fetcher: Fetcher) -> None:
    async with DnsService() as plain:
        server = parse_server(plain.address)
    began = time.perf_counter()
    assert await ask(server, Question(name=NAME), fetcher, 5.0) is Said.SILENT
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("mishap", "said"),
    [
        (Mishap.RESET_BEFORE, Said.SILENT),
        (Mishap.HANG_BEFORE, Said.SILENT),
        (Mishap.ERROR_BEFORE, Said.UNCLEAR),
        (Mishap.HTML_BEFORE, Said.UNCLEAR),
        (Mishap.THROTTLED, Said.UNCLEAR),
    ],
    ids=lambda value: value.name,
)
async def test_an_encrypted_resolver_fails_as_any_web_server(mishap: Mishap, said: Said, fetcher: Fetcher) -> None:
    async with DohService() as doh:
        doh.fail(mishap)
        assert await ask(parse_server(doh.endpoint), Question(name=NAME), fetcher, SECONDS) is said


class Chatter(asyncio.DatagramProtocol):
    """Answers with somebody else's message first, as a forger does, and then rightly (or not at all)."""

    def __init__(self, zone: Zone | None) -> None:
        self._zone = zone

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        forged = bytes([data[0] ^ 1]) + data[1:]
        self.transport.sendto(forged, addr)
        right = self._zone.reply(data) if self._zone else None
        if right is not None:
            self.transport.sendto(right, addr)


@pytest.mark.parametrize(("answers", "said"), [(True, Said.FOUND), (False, Said.UNCLEAR)])
async def test_an_answer_with_another_id_is_noise(answers: bool, said: Said, fetcher: Fetcher) -> None:
    zone = Zone()
    zone.put(NAME, PUBLIC)
    made = asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Chatter(zone if answers else None), local_addr=("127.0.0.1", 0)
    )
    transport, _ = await made
    server = parse_server(f"127.0.0.1:{transport.get_extra_info('sockname')[1]}")
    assert await ask(server, Question(name=NAME), fetcher, SECONDS) is said
    transport.close()


def test_a_resolver_that_says_it_is_censored_is_not_failing() -> None:
    """RFC 8914: SERVFAIL or NXDOMAIN with "blocked" is a decision of the resolver, not an outage."""
    query = Question(name=NAME).message()
    answer = dns.message.make_response(query)
    answer.set_rcode(dns.rcode.SERVFAIL)
    answer.use_edns(options=[dns.edns.EDEOption(15)])
    assert read(query, answer.to_wire()) is Said.BLOCKED


def test_an_alias_is_followed_to_its_address() -> None:
    query = Question(name=NAME).message()
    answer = dns.message.make_response(query)
    answer.answer.append(dns.rrset.from_text(NAME + ".", 60, "IN", "CNAME", "star.platform.test."))
    assert read(query, answer.to_wire()) is Said.EMPTY
    answer.answer.append(dns.rrset.from_text("star.platform.test.", 60, "IN", "A", PUBLIC))
    assert read(query, answer.to_wire()) is Said.FOUND


def test_an_answer_to_another_question_is_no_answer() -> None:
    query, other = Question(name=NAME).message(), Question(name=CONTROL).message()
    other.id = query.id
    assert read(query, dns.message.make_response(other).to_wire()) is Said.UNCLEAR
    assert read(query, query.to_wire()) is Said.UNCLEAR


@settings(max_examples=250, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 40), st.binary(max_size=8))
def test_no_answer_whatever_raises(tail: bytes, cut: int, change: bytes) -> None:
    query = Question(name=NAME).message()
    answer = dns.message.make_response(query)
    answer.answer.append(dns.rrset.from_text(NAME + ".", 60, "IN", "A", PUBLIC))
    wire = answer.to_wire()
    for bytes_ in (tail, query.id.to_bytes(2, "big") + tail, wire[:-cut] + tail, wire[:cut] + change + wire[cut:]):
        assert isinstance(read(query, bytes_), Said)


# --- the table, over sockets


@resolving("plain plain plain")
async def test_found_everywhere_is_up_and_no_control_is_asked(resolvers: Resolvers) -> None:
    assert tell(await resolvers.look()) == (Signal.UP, Evidence.HERE, None)
    assert [zone.questions for zone in resolvers] == [[(NAME, "A")]] * 3


@resolving("plain plain plain")
@pytest.mark.parametrize("behaviour", [Behaviour.SERVFAIL, Behaviour.DROP], ids=lambda value: value.name)
async def test_three_plain_resolvers_failing_with_good_controls_is_down_here(
    resolvers: Resolvers, behaviour: Behaviour
) -> None:
    for zone in resolvers:
        zone.behave(NAME, behaviour)
    sighting = await resolvers.look()
    assert tell(sighting) == (Signal.DOWN, Evidence.HERE, Fault.PLATFORM)
    assert sighting.reason == f"3 of 3 independent resolvers cannot look up {NAME}"


@resolving("doh doh doh")
async def test_three_encrypted_resolvers_saying_servfail_is_down_elsewhere(resolvers: Resolvers) -> None:
    for zone in resolvers:
        zone.behave(NAME, Behaviour.SERVFAIL)
    assert tell(await resolvers.look()) == (Signal.DOWN, Evidence.ELSEWHERE, Fault.PLATFORM)


@resolving("doh doh doh")
async def test_silence_is_never_evidence_from_elsewhere(resolvers: Resolvers) -> None:
    for zone in resolvers:
        zone.behave(NAME, Behaviour.SERVFAIL)
    resolvers.zones[2].behave(NAME, Behaviour.DROP)
    assert tell(await resolvers.look()) == (Signal.DOWN, Evidence.HERE, Fault.PLATFORM)


@resolving("plain plain plain")
@pytest.mark.parametrize("behaviour", [Behaviour.SERVFAIL, Behaviour.DROP], ids=lambda value: value.name)
async def test_when_the_controls_fail_too_it_is_our_own_network(resolvers: Resolvers, behaviour: Behaviour) -> None:
    for zone in resolvers:
        zone.behave(EVERY, behaviour)
    assert tell(await resolvers.look()) == (Signal.UNKNOWN, Evidence.HERE, Fault.NETWORK)


@resolving("plain plain plain")
async def test_one_control_that_resolves_is_enough(resolvers: Resolvers) -> None:
    """`other.test` exists nowhere here: an unrelated name may have trouble of its own."""
    for zone in resolvers:
        zone.behave(NAME, Behaviour.SERVFAIL)
    assert (await resolvers.look()).signal is Signal.DOWN
    assert ("other.test", "A") in resolvers.zones[0].questions


@resolving("plain plain plain plain")
async def test_three_failing_of_four_is_down_and_two_is_up(resolvers: Resolvers) -> None:
    for zone in resolvers.zones[:2]:
        zone.behave(NAME, Behaviour.SERVFAIL)
    assert (await resolvers.look()).signal is Signal.UP
    resolvers.zones[2].behave(NAME, Behaviour.SERVFAIL)
    assert (await resolvers.look()).signal is Signal.DOWN


@resolving("plain plain plain plain plain plain")
async def test_three_failing_of_six_is_no_majority_and_not_down(resolvers: Resolvers) -> None:
    for zone in resolvers.zones[:3]:
        zone.behave(NAME, Behaviour.SERVFAIL)
    assert (await resolvers.look()).signal is Signal.UP


@resolving("plain plain plain")
@pytest.mark.parametrize("behaviour", [Behaviour.NXDOMAIN, None], ids=["NXDOMAIN", "a private address"])
async def test_hidden_by_one_resolver_only_is_blocking(resolvers: Resolvers, behaviour: Behaviour | None) -> None:
    if behaviour:
        resolvers.zones[0].behave(NAME, behaviour)
    else:
        resolvers.zones[0].put(NAME, "10.0.0.1")
    sighting = await resolvers.look()
    assert tell(sighting) == (Signal.UNKNOWN, Evidence.HERE, Fault.NETWORK)
    assert "blocked" in sighting.reason


@resolving("plain plain plain")
async def test_unknown_to_all_may_be_our_own_misspelling(resolvers: Resolvers) -> None:
    for zone in resolvers:
        zone.behave(NAME, Behaviour.NXDOMAIN)
    sighting = await resolvers.look()
    assert tell(sighting) == (Signal.UNKNOWN, Evidence.HERE, None)
    assert "misspelt" in sighting.reason


@resolving("plain plain plain")
async def test_a_private_address_everywhere_is_up_only_where_it_is_expected(resolvers: Resolvers) -> None:
    for zone in resolvers:
        zone.put(NAME, "10.0.0.1")
    assert tell(await resolvers.look()) == (Signal.UNKNOWN, Evidence.HERE, Fault.NETWORK)
    assert (await resolvers.look(private=True)).signal is Signal.UP


@resolving("plain plain plain")
@pytest.mark.parametrize("behaviour", [Behaviour.REFUSED, Behaviour.GARBAGE], ids=lambda value: value.name)
async def test_refusals_and_nonsense_never_vote(resolvers: Resolvers, behaviour: Behaviour) -> None:
    for zone in resolvers:
        zone.behave(NAME, behaviour)
    assert (await resolvers.look()).signal is Signal.UNKNOWN


@resolving("plain plain")
async def test_two_resolvers_must_agree(resolvers: Resolvers) -> None:
    resolvers.zones[0].behave(NAME, Behaviour.SERVFAIL)
    assert (await resolvers.look()).signal is Signal.UP
    resolvers.zones[1].behave(NAME, Behaviour.SERVFAIL)
    assert tell(await resolvers.look()) == (Signal.DOWN, Evidence.HERE, Fault.PLATFORM)


@resolving("plain")
@pytest.mark.parametrize("behaviour", [Behaviour.SERVFAIL, Behaviour.DROP], ids=lambda value: value.name)
async def test_one_resolver_alone_can_never_say_down(resolvers: Resolvers, behaviour: Behaviour) -> None:
    resolvers.zones[0].behave(NAME, behaviour)
    assert (await resolvers.look()).signal is Signal.UNKNOWN


@resolving("plain plain plain")
async def test_a_look_at_silent_resolvers_is_over_in_time(resolvers: Resolvers) -> None:
    for zone in resolvers:
        zone.behave(EVERY, Behaviour.DROP)
    began = time.perf_counter()
    await resolvers.look()
    assert time.perf_counter() - began < SECONDS * 1.25 + 0.3


# --- the table, as values


def heard(where: str, said: Said, *, controlled: bool = True) -> Answer:
    return Answer(server=parse_server(where), said=said, controlled=controlled)


DOH = ("https://cloudflare-dns.com/dns-query", "https://dns.google/dns-query", "https://dns.quad9.net/dns-query")
UDP = ("1.1.1.1", "8.8.8.8", "9.9.9.9")


@pytest.mark.parametrize("said", [Said.SERVFAIL, Said.SILENT, Said.UNASKED])
def test_our_own_resolver_failing_alone_is_our_own_network(said: Said) -> None:
    answers = [heard("system", said, controlled=False), *(heard(where, Said.FOUND) for where in UDP)]
    sighting = judge(NAME, answers)
    assert tell(sighting) == (Signal.UNKNOWN, Evidence.HERE, Fault.NETWORK)
    assert sighting.reason == f"our own resolver fails, while others find {NAME}"


def test_two_servers_of_one_owner_are_one_voice() -> None:
    """1.1.1.1 and Cloudflare's encrypted service can be wrong for the same reason."""
    answers = [heard(where, Said.SERVFAIL) for where in ("1.1.1.1", "1.0.0.1", DOH[0])]
    assert judge(NAME, answers).signal is Signal.UNKNOWN
    assert len(voices_of(answers)) == 1


def test_the_encrypted_server_speaks_for_its_owner() -> None:
    """One box on our line can answer SERVFAIL in the name of all plain resolvers at once."""
    answers = [*(heard(where, Said.SERVFAIL) for where in UDP), *(heard(where, Said.FOUND) for where in DOH)]
    assert judge(NAME, answers).signal is Signal.UP


def test_plain_servers_speak_where_the_encrypted_ones_cannot_be_reached() -> None:
    silent = [heard(where, Said.UNASKED, controlled=False) for where in DOH]
    answers = [*(heard(where, Said.SERVFAIL) for where in UDP), *silent]
    assert tell(judge(NAME, answers)) == (Signal.DOWN, Evidence.HERE, Fault.PLATFORM)


def test_the_outage_of_4_october_2021_is_seen_from_elsewhere() -> None:
    answers = [heard(where, Said.SERVFAIL) for where in ("system", *UDP, *DOH)]
    sighting = judge("facebook.com", answers)
    assert tell(sighting) == (Signal.DOWN, Evidence.ELSEWHERE, Fault.PLATFORM)
    assert "dns.google: SERVFAIL" in sighting.detail


def test_our_own_resolver_is_no_public_voice() -> None:
    answers = [heard("system", Said.SERVFAIL), heard("1.1.1.1", Said.SERVFAIL)]
    assert judge(NAME, answers).signal is Signal.UNKNOWN


def test_behind_a_firewall_our_own_resolver_is_enough_for_up() -> None:
    blocked = [heard(where, Said.SILENT, controlled=False) for where in (*UDP, *DOH)]
    assert judge(NAME, [heard("system", Said.FOUND), *blocked]).signal is Signal.UP


def test_failures_and_nonsense_together_are_too_little() -> None:
    answers = [heard("1.1.1.1", Said.SERVFAIL), heard("8.8.8.8", Said.UNCLEAR), heard("9.9.9.9", Said.REFUSED)]
    assert tell(judge(NAME, answers)) == (Signal.UNKNOWN, Evidence.HERE, None)


# --- how servers are written


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("9.9.9.9", Server(label="9.9.9.9", owner="Quad9", address="9.9.9.9")),
        (
            "127.0.0.1:5353",
            Server(label="127.0.0.1 port 5353", owner="127.0.0.1 port 5353", address="127.0.0.1", port=5353),
        ),
        ("2620:fe::fe", Server(label="2620:fe::fe", owner="2620:fe::fe", address="2620:fe::fe")),
        ("[::1]:54", Server(label="::1 port 54", owner="::1 port 54", address="::1", port=54)),
        ("system", Server(label="our own resolver", owner="system")),
        (DOH[1], Server(label="dns.google", owner="Google", url=DOH[1])),
        (
            "http://127.0.0.1:81/dns-query",
            Server(label="127.0.0.1:81", owner="127.0.0.1:81", url="http://127.0.0.1:81/dns-query"),
        ),
    ],
)
def test_servers_as_they_are_written(text: str, server: Server) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.google",
        "1.1.1",
        "1.1.1.1:0",
        "1.1.1.1:x",
        "1.1.1.1:70000",
        "1.1.1.1:²",
        "[::1]:",
        "http://dns.google/dns-query",
        "https://me:secret@dns.google/",
        "tls://1.1.1.1",
        "https://",
    ],
)
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|needs https") as caught:
        parse_server(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("nameserver 10.0.0.1\nsearch example.org\n", ["10.0.0.1"]),
        ("# none\n", []),
        ("nameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n", None),
        ("nameserver not-an-address\n", []),
    ],
)
def test_our_own_resolvers_are_those_of_the_system(tmp_path: Path, text: str, addresses: list[str] | None) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(text)
    found = [server.address for server in system_servers(str(path))]
    assert len(found) == 3 if addresses is None else found == addresses
    assert system_servers(str(tmp_path / "missing")) == ()


# --- options


def test_the_example_is_valid_and_asks_three_owners_twice() -> None:
    example = yaml.safe_load(KIND.example)
    assert example.pop("kind") == "dns"
    options = KIND.options.model_validate(example)
    assert len({parse_server(text).owner for text in options.servers}) == 4


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"name": ""},
        {"name": "."},
        {"name": "a b"},
        {"name": "x" * 64 + ".com"},
        {"name": NAME, "servers": []},
        {"name": NAME, "servers": ["nonsense"]},
        {"name": NAME, "controls": []},
        {"name": NAME, "controls": [NAME]},
        {"name": NAME, "controls": ["platform.test"]},
        {"name": NAME, "type": "MX"},
        {"name": NAME, "timeout": "7s"},
        {"name": NAME, "colour": "blue"},
    ],
    ids=str,
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KIND.options.model_validate(options)


def test_a_look_ends_before_its_deadline() -> None:
    """The controls start at the latest after a quarter of the time for the name, or when it fails."""
    assert DnsOptions(name=NAME).timeout * 1.25 + 1.0 < KIND.timeout


@resolving("plain plain")
async def test_a_server_named_twice_is_asked_once(resolvers: Resolvers) -> None:
    resolvers.servers *= 2
    await resolvers.look()
    assert [len(zone.questions) for zone in resolvers] == [1, 1]
