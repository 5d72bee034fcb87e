"""SPF and DMARC of the domain that mail comes from: what a person should know, and never a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import dns.asyncresolver
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from failover.clock import Clock
from failover.mail_domain import Lookup, hints
from failover.online import check_online
from failover.practice.dns import Behaviour, DnsService, Zone
from failover.practice.internet import PracticeInternet, configuration, practice_internet
from failover.resolving import lookup, system_lookup

DOMAIN, RELAY, THERE = "council.gov.uk", "smtp.mailhouse.net", "93.184.216.34"
DMARC = {"_dmarc.council.gov.uk TXT": ["v=DMARC1; p=none"]}
PLACE = {f"{RELAY} A": [THERE]}


def records(found: Mapping[str, list[str] | None]) -> Lookup:
    """A resolver that knows these records; of None it gets no answer."""

    async def look(name: str, kind: str) -> tuple[str, ...] | None:
        answer = found.get(f"{name} {kind}", [])
        return None if answer is None else tuple(answer)

    return look


async def spf(record: str | None, relay: str = RELAY, **more: list[str] | None) -> tuple[str, ...]:
    own = {f"{DOMAIN} TXT": None if record is None else [record]} if record != "" else {}
    others = {name.replace("__", " ").replace("_", "."): found for name, found in more.items()}
    return await hints(DOMAIN, relay, records({**DMARC, **PLACE, **own, **others}))


NOT_NAMED = (
    "SPF of council.gov.uk does not look as if it let smtp.mailhouse.net send: it names neither that server nor an "
    "address of it; ask who runs it what belongs into the record"
)
NONE = "council.gov.uk has no SPF record: many receivers hide or refuse mail from it"
UNUSABLE = "SPF of council.gov.uk cannot be used: it needs more than 10 look-ups"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        pytest.param("", [NONE], id="none"),
        pytest.param("google-site-verification=x", [NONE], id="another text"),
        pytest.param("v=spf10 -all", [NONE], id="no such version"),
        pytest.param(None, ["SPF of council.gov.uk could not be looked up"], id="no answer"),
        pytest.param("v=spf1 -all", [NOT_NAMED], id="nobody"),
        pytest.param("v=spf1 ~all", [NOT_NAMED], id="softly nobody"),
        pytest.param("v=spf1", [NOT_NAMED], id="nothing said"),
        pytest.param("v=spf1 +all", [], id="everybody"),
        pytest.param("V=SPF1 IP4:93.184.216.0/24 -ALL", [], id="its network"),
        pytest.param("v=spf1 ip4:93.184.216.35 -all", [NOT_NAMED], id="its neighbour"),
        pytest.param("v=spf1 -ip4:93.184.216.34 +all", [NOT_NAMED], id="shut out"),
        pytest.param("v=spf1 ip6:2001:db8::/32 -all", [NOT_NAMED], id="the other family"),
        pytest.param("v=spf1 a:smtp.mailhouse.net -all", [], id="its name"),
        pytest.param("v=spf1 a:near.council.gov.uk/24//64 -all", [], id="near by"),
        pytest.param("v=spf1 a:near.council.gov.uk -all", [NOT_NAMED], id="near by, but not it"),
        pytest.param("v=spf1 mx -all", [], id="our own mail exchange"),
        pytest.param("v=spf1 a -all", [NOT_NAMED], id="our own web server"),
        pytest.param("v=spf1 include:spf.others.com -all", [], id="included"),
        pytest.param("v=spf1 include:mailhouse.net -all", [], id="the name of its house"),
        pytest.param("v=spf1 include:_spf.mailhouse.net -all", [], id="another name of its house"),
        pytest.param("v=spf1 include:strict.others.com -all", [NOT_NAMED], id="included, and not named there"),
        pytest.param("v=spf1 redirect=spf.others.com", [], id="redirected"),
        pytest.param("v=spf1 redirect=strict.others.com", [NOT_NAMED], id="redirected, and not named there"),
        pytest.param("v=spf1 include:silent.others.com -all", [], id="included, no answer"),
        pytest.param("v=spf1 include:nothing.others.com -all", [], id="included, nothing there"),
        pytest.param("v=spf1 include:loop.others.com -all", [], id="round in circles"),
        pytest.param("v=spf1 exists:%{i}._spf.council.gov.uk -all", [], id="each letter another"),
        pytest.param("v=spf1 exp=why.council.gov.uk -all", [NOT_NAMED], id="an explanation is no sender"),
        pytest.param(
            f"v=spf1 {' '.join(f'a:h{one}.council.gov.uk' for one in range(11))} -all", [UNUSABLE], id="many"
        ),
    ],
)
async def test_spf(record: str | None, told: list[str]) -> None:
    """Only what is plain is told; what depends on each letter, or on a look-up that failed, is none of it."""
    found = await spf(
        record,
        near_council_gov_uk__A=["93.184.216.7"],
        council_gov_uk__MX=["10 mx1.council.gov.uk."],
        mx1_council_gov_uk__A=[THERE],
        council_gov_uk__A=["93.184.1.1"],
        spf_others_com__TXT=["v=spf1 ip4:93.184.0.0/16 ~all"],
        strict_others_com__TXT=["v=spf1 ip4:10.0.0.0/8 -all"],
        silent_others_com__TXT=None,
        loop_others_com__TXT=["v=spf1 include:loop.others.com ~all"],
    )

    assert [*found] == told


@pytest.mark.parametrize("relay", ["127.0.0.1", "10.1.2.3", "::1", "nowhere.mailhouse.net"])
async def test_of_a_mail_server_of_our_own_nobody_knows_by_which_address_it_sends(relay: str) -> None:
    assert await spf("v=spf1 -all", relay) == ()
    assert await spf("", relay) == (NONE,)


async def test_of_two_spf_records_none_counts() -> None:
    two = {f"{DOMAIN} TXT": ["v=spf1 +all", "v=spf1 -all"]}
    told = "council.gov.uk has 2 SPF records: with more than one, none counts"

    assert await hints(DOMAIN, RELAY, records({**DMARC, **two})) == (told,)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        pytest.param({}, ["news.council.gov.uk has no DMARC record (_dmarc.news.council.gov.uk)"], id="none"),
        pytest.param({"_dmarc.news.council.gov.uk TXT": ["v=DMARC1; p=none"]}, [], id="its own"),
        pytest.param({"_dmarc.council.gov.uk TXT": ["v = DMARC1 ; p=reject"]}, [], id="of the domain above"),
        pytest.param({"_dmarc.news.council.gov.uk TXT": None}, ["DMARC of news.council.gov.uk could"], id="silent"),
        pytest.param({"_dmarc.news.council.gov.uk TXT": ["v=spf1 +all"]}, ["news.council.gov.uk has no"], id="other"),
        pytest.param(
            {"_dmarc.news.council.gov.uk TXT": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]},
            ["DMARC of news.council.gov.uk: there are 2 records"],
            id="two",
        ),
        pytest.param({"_dmarc.uk TXT": ["v=DMARC1; p=none"]}, ["news.council.gov.uk has no"], id="of a country"),
    ],
)
async def test_dmarc(found: dict[str, list[str] | None], told: list[str]) -> None:
    known = records({"news.council.gov.uk TXT": ["v=spf1 +all"], **PLACE, **found})
    said = await hints("news.council.gov.uk", RELAY, known)

    assert len(said) == len(told)
    assert all(one.startswith(expected) for one, expected in zip(said, told, strict=True))


@pytest.mark.parametrize("domain", ["example.org", "news.example.com", "council.test", "localhost"])
async def test_of_a_domain_that_belongs_to_nobody_nothing_is_asked(domain: str) -> None:
    async def look(name: str, _kind: str) -> tuple[str, ...] | None:
        raise AssertionError(name)

    assert await hints(domain, RELAY, look) == ()


# -- the whole command, with a name server on loopback ---------------------------------------------------------


class Papers(Zone):
    """A zone that also has texts."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}

    def reply(self, wire: bytes, *, cut: bool = False) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        if question.rdtype != dns.rdatatype.TXT or self.behaviour_of(name) is not Behaviour.ANSWER:
            return super().reply(wire, cut=cut)
        if name not in self.texts:
            return super().reply(wire, cut=cut)
        response = dns.message.make_response(query, recursion_available=True)
        response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *self.texts[name]))
        return response.to_wire()


@pytest.fixture
async def names() -> AsyncIterator[DnsService]:
    async with DnsService(Papers()) as server:
        yield server


def asking(server: DnsService, seconds: float) -> Lookup:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], server.port, seconds
    return lookup(resolver)


@pytest.fixture
async def internet() -> AsyncIterator[PracticeInternet]:
    async with practice_internet(Clock().now) as services:
        yield services


@pytest.fixture
def config(internet: PracticeInternet, tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(configuration(internet, tmp_path).replace("news@example.org", f"news@{DOMAIN}"))
    return path


async def checked(
    config: Path, names: DnsService, *, patience: float = 10.0, seconds: float = 5.0
) -> tuple[list[str], int]:
    """The lines about the channel `email`, and the exit code."""

    def run() -> tuple[list[str], int]:
        return check_online(config, {}, patience, asking(names, seconds))

    lines, code = await asyncio.to_thread(run)
    first = next(place for place, line in enumerate(lines) if line.split()[1:2] == ["email"])
    more = next(place for place, line in enumerate(lines[first + 1 :]) if not line.startswith(" " * 9))
    return [" ".join(line.split()) for line in lines[first : first + 1 + more]], code


async def test_what_is_missing_is_a_note_and_no_failure(config: Path, names: DnsService) -> None:
    names.zone.put(DOMAIN, THERE)
    lines, code = await checked(config, names)

    assert code == 0
    assert lines[0].startswith("note email could post now")
    assert lines[1:] == [
        "council.gov.uk has no SPF record: many receivers hide or refuse mail from it",
        "council.gov.uk has no DMARC record (_dmarc.council.gov.uk): large receivers ask for one",
    ]


async def test_where_both_are_there_nothing_is_said(config: Path, names: DnsService) -> None:
    """A long text comes in pieces (RFC 7208, 3.3)."""
    assert isinstance(names.zone, Papers)
    names.zone.texts[DOMAIN] = ['"v=spf1 a:mail.coun" "cil.gov.uk -all"']
    names.zone.texts[f"_dmarc.{DOMAIN}"] = ['"v=DMARC1; p=none"']
    lines, _code = await checked(config, names)

    assert [line.split(maxsplit=2)[:2] for line in lines] == [["ok", "email"]]


async def test_only_the_domain_of_the_sender_is_asked_about(config: Path, names: DnsService) -> None:
    await checked(config, names)

    assert {name for name, _kind in names.zone.questions} == {DOMAIN, f"_dmarc.{DOMAIN}", "_dmarc.gov.uk"}


@pytest.mark.parametrize("behaviour", [Behaviour.SERVFAIL, Behaviour.REFUSED, Behaviour.GARBAGE])
async def test_a_name_server_that_does_not_tell_is_no_record_that_is_missing(
    config: Path, names: DnsService, behaviour: Behaviour
) -> None:
    for name in (DOMAIN, f"_dmarc.{DOMAIN}"):
        names.zone.behave(name, behaviour)
    lines, code = await checked(config, names, seconds=0.5)

    assert code == 0
    assert lines[1:] == [
        "SPF of council.gov.uk could not be looked up",
        "DMARC of council.gov.uk could not be looked up",
    ]


async def test_a_name_server_that_is_silent_holds_up_nothing(config: Path, names: DnsService) -> None:
    names.zone.behave("*", Behaviour.DROP)
    lines, code = await checked(config, names, patience=2.0, seconds=60.0)

    assert code == 0
    assert lines[1:] == ["SPF and DMARC of its domain could not be looked up in time"]


def test_the_machines_own_resolver_is_asked() -> None:
    """Nothing is asked here: it can be made wherever this runs, with a resolv.conf or without."""
    assert callable(system_lookup())
