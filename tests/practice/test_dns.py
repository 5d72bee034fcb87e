"""The practice resolvers speak real DNS: asked here with dnspython's own client."""

from __future__ import annotations

import base64

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import httpx
import pytest

from failover.practice.dns import EVERY, MIME, Behaviour, DnsService, DohService, Zone

NAME = "www.platform.test"


@pytest.fixture
def zone() -> Zone:
    made = Zone()
    made.put(NAME, "157.240.1.35", "157.240.1.36", "2a03:2880::1")
    made.put("empty.test")
    return made


async def ask(server: DnsService, name: str = NAME, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    how = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await how(dns.message.make_query(name, kind), "127.0.0.1", port=server.port, timeout=0.3)


def addresses(answer: dns.message.Message) -> list[str]:
    return sorted(str(record) for rrset in answer.answer for record in rrset)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_records_are_answered_by_type(zone: Zone, tcp: bool) -> None:
    async with DnsService(zone) as server:
        assert addresses(await ask(server, tcp=tcp)) == ["157.240.1.35", "157.240.1.36"]
        assert addresses(await ask(server, kind="AAAA", tcp=tcp)) == ["2a03:2880::1"]
        assert addresses(await ask(server, kind="MX", tcp=tcp)) == []
    assert zone.questions == [(NAME, "A"), (NAME, "AAAA"), (NAME, "MX")]


async def test_names_are_known_empty_or_unknown(zone: Zone) -> None:
    async with DnsService(zone) as server:
        empty, unknown = await ask(server, "EMPTY.test"), await ask(server, "unknown.test")
    assert (empty.rcode(), empty.answer) == (dns.rcode.NOERROR, [])
    assert unknown.rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("behaviour", [Behaviour.SERVFAIL, Behaviour.NXDOMAIN, Behaviour.REFUSED])
async def test_rcodes_as_asked_for(zone: Zone, behaviour: Behaviour, tcp: bool) -> None:
    zone.behave(NAME, behaviour)
    async with DnsService(zone) as server:
        assert dns.rcode.to_text((await ask(server, tcp=tcp)).rcode()) == behaviour.name


async def test_a_dropped_question_is_never_answered(zone: Zone) -> None:
    zone.behave(EVERY, Behaviour.DROP)
    zone.behave("empty.test", Behaviour.ANSWER)
    async with DnsService(zone) as server:
        with pytest.raises(dns.exception.Timeout):
            await ask(server)
        assert (await ask(server, "empty.test")).rcode() == dns.rcode.NOERROR


async def test_a_cut_answer_is_whole_over_tcp(zone: Zone) -> None:
    zone.behave(NAME, Behaviour.TRUNCATED)
    async with DnsService(zone) as server:
        cut = await ask(server)
        assert cut.flags & dns.flags.TC
        assert not cut.answer
        assert len(addresses(await ask(server, tcp=True))) == 2


async def test_garbage_is_no_message(zone: Zone) -> None:
    zone.behave(NAME, Behaviour.GARBAGE)
    async with DnsService(zone) as server:
        with pytest.raises(dns.exception.DNSException):
            await ask(server)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_the_same_over_http(zone: Zone, method: str) -> None:
    query = dns.message.make_query(NAME, "A")
    wire = query.to_wire()
    async with DohService(zone) as doh, httpx.AsyncClient(trust_env=False) as client:
        if method == "POST":
            response = await client.post(doh.endpoint, content=wire, headers={"content-type": MIME})
        else:
            text = base64.urlsafe_b64encode(wire).decode().rstrip("=")
            response = await client.get(doh.endpoint, params={"dns": text})
    assert response.headers["content-type"] == MIME
    answer = dns.message.from_wire(response.content)
    assert query.is_response(answer)
    assert len(addresses(answer)) == 2


async def test_what_is_no_question_is_a_bad_request(zone: Zone) -> None:
    async with DohService(zone) as doh, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(doh.endpoint)).status_code == 400
        assert (await client.get(doh.endpoint, params={"dns": "!"})).status_code == 400
        assert (await client.post(doh.endpoint, content=b"x")).status_code == 400
        assert (await client.get(f"{doh.url}/other")).status_code == 404
