"""Kind `dns`: can the platform's name still be looked up, and if not, for whom?

Every server is asked once, at the same time.  One that fails is asked for unrelated names as well (`controls`), and
only if it finds one of those does its failure count: then it works, and the platform's own name servers do not.
Servers of one owner are one voice, for which the encrypted one speaks: nobody on our line can forge its answer.

The judgement, and why:

- SERVFAIL or no answer from three voices or more, and from more than find the name: DOWN.  Evidence ELSEWHERE where
  three encrypted voices *said* SERVFAIL, as those are vantage points that our line cannot speak for; else HERE, since
  one box on our line can answer, or drop, all of plain DNS.
- With two voices configured, both must fail; one alone can never say DOWN.
- NXDOMAIN, no address or a private one, from some of those asked: somebody near us blocks it: UNKNOWN, fault NETWORK.
- Our own resolver fails while others find the name: UNKNOWN, fault NETWORK.
- NXDOMAIN from all: the name may be misspelt: UNKNOWN.
- Otherwise, as soon as one finds it: UP, evidence HERE.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import dns.exception
import dns.name
from pydantic import AfterValidator, Field, model_validator

from failover.contracts import Duration, Options, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Sighting
from probes._fetch import Fetcher, open_fetcher
from probes._resolvers import Question, Said, ask
from probes._servers import Server, parse_server

VOICES = 3
FAILED = (Said.SERVFAIL, Said.SILENT)
HIDDEN = (Said.NXDOMAIN, Said.EMPTY, Said.BLOCKED)

PAUSE = 60.0
"""Seconds for which a resolver that answers 429 with Retry-After is left alone at most."""

DEFAULT_SERVERS = (
    "system",
    "1.1.1.1",
    "8.8.8.8",
    "9.9.9.9",
    "https://cloudflare-dns.com/dns-query",
    "https://dns.google/dns-query",
    "https://dns.quad9.net/dns-query",
)


def _host_name(value: str) -> str:
    try:
        name = dns.name.from_text(value)
    except (dns.exception.DNSException, UnicodeError):
        raise ValueError("expected a host name such as www.facebook.com") from None
    if value.startswith(".") or " " in value or not name.is_absolute() or len(name) < 2:
        raise ValueError("expected a host name such as www.facebook.com")
    return value


def _server(value: str) -> str:
    parse_server(value)
    return value


HostName = Annotated[str, AfterValidator(_host_name)]
ServerName = Annotated[str, AfterValidator(_server)]


class DnsOptions(Options):
    """`private`: the name may live on a private address (an intranet).  `timeout` is for one question."""

    name: HostName
    type: Literal["A", "AAAA"] = "A"
    servers: Annotated[tuple[ServerName, ...], Field(min_length=1)] = DEFAULT_SERVERS
    controls: Annotated[tuple[HostName, ...], Field(min_length=1)] = ("example.com", "wikipedia.org")
    private: bool = False
    timeout: Annotated[Duration, Field(gt=0, le=6)] = 6.0

    @model_validator(mode="after")
    def _controls_are_unrelated(self) -> Self:
        name = dns.name.from_text(self.name)
        for text in self.controls:
            control = dns.name.from_text(text)
            if name.is_subdomain(control) or control.is_subdomain(name):
                raise ValueError(f"controls must have nothing to do with {self.name}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one server said.  `controlled`: it failed, though it does find an unrelated name."""

    server: Server
    said: Said
    controlled: bool = False

    @property
    def fails(self) -> bool:
        return self.said in FAILED and self.controlled


class DnsProbe:
    """Asks every server once per look."""

    def __init__(self, options: DnsOptions, fetcher: Fetcher, seconds: float) -> None:
        self._fetcher = fetcher
        self._seconds = seconds
        self._servers = [parse_server(text) for text in dict.fromkeys(options.servers)]
        self._question = Question(name=options.name, type=options.type, private=options.private)
        self._controls = [Question(name=name) for name in options.controls]

    async def look(self) -> Sighting:
        answers = await asyncio.gather(*(self._consult(server) for server in self._servers))
        return judge(self._question.name, answers)

    async def _consult(self, server: Server) -> Answer:
        """Ask for the name, and for the controls too if it fails or hesitates."""
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(ask(server, self._question, self._fetcher, self._seconds))
            await asyncio.wait({asked}, timeout=self._seconds / 4)
            doubtful = not asked.done() or asked.result() in FAILED
            controlled = doubtful and await self._finds_a_control(server)
        return Answer(server=server, said=asked.result(), controlled=controlled)

    async def _finds_a_control(self, server: Server) -> bool:
        said = await asyncio.gather(*(ask(server, name, self._fetcher, self._seconds) for name in self._controls))
        return Said.FOUND in said


def judge(name: str, answers: Sequence[Answer]) -> Sighting:
    """The verdict of this file's first page on what all servers said."""
    voices = voices_of(answers)
    failing = [voice for voice in voices if voice.fails]
    finding = [voice for voice in voices if voice.said is Said.FOUND]
    detail = "; ".join(f"{answer.server.label}: {answer.said.value}" for answer in answers)
    needed = max(2, min(VOICES, len(voices)))
    if len(failing) >= needed and len(failing) > len(finding):
        reason = f"{len(failing)} of {len(voices)} independent resolvers cannot look up {name}"
        return Sighting.down(_evidence(failing), reason, detail)
    found = [answer for answer in answers if answer.said is Said.FOUND]
    return _judge_found(name, answers, detail) if found else _judge_not_found(name, answers, detail)


def _judge_found(name: str, answers: Sequence[Answer], detail: str) -> Sighting:
    if any(answer.server.system and answer.said in (*FAILED, Said.UNASKED) for answer in answers):
        reason = f"our own resolver fails, while others find {name}"
        return Sighting.unknown(Evidence.HERE, reason, detail, fault=Fault.NETWORK)
    hiding = [answer.server.label for answer in answers if answer.said in HIDDEN]
    if hiding:
        reason = f"{name} is blocked or hidden by some resolvers ({', '.join(hiding)}), while others find it"
        return Sighting.unknown(Evidence.HERE, reason, detail, fault=Fault.NETWORK)
    found = sum(answer.said is Said.FOUND for answer in answers)
    return Sighting.up(Evidence.HERE, f"{found} of {len(answers)} resolvers find {name}", detail)


def _judge_not_found(name: str, answers: Sequence[Answer], detail: str) -> Sighting:
    said = {answer.said for answer in answers}
    if Said.BLOCKED in said:
        reason = f"{name} is blocked, or leads to an address that is not public"
        return Sighting.unknown(Evidence.HERE, reason, detail, fault=Fault.NETWORK)
    if said <= {Said.NXDOMAIN, Said.EMPTY}:
        return Sighting.unknown(Evidence.HERE, f"no resolver knows {name}: it may be misspelt", detail)
    if not any(answer.fails or answer.said in HIDDEN for answer in answers):
        reason = "no resolver gives an answer, not even for unrelated names"
        return Sighting.unknown(Evidence.HERE, reason, detail, fault=Fault.NETWORK)
    return Sighting.unknown(Evidence.HERE, f"too few resolvers could tell whether {name} exists", detail)


def voices_of(answers: Sequence[Answer]) -> list[Answer]:
    """One answer per owner, our own resolver aside: the encrypted one where it spoke, else the best that was said."""
    voices: dict[str, Answer] = {}
    for answer in sorted(answers, key=_weight):
        if not answer.server.system:
            voices.setdefault(answer.server.owner, answer)
    return list(voices.values())


def _weight(answer: Answer) -> tuple[bool, int]:
    spoke = bool(answer.server.url) and answer.said not in (Said.SILENT, Said.UNASKED, Said.UNCLEAR)
    return not spoke, 0 if answer.said is Said.FOUND else 1 if answer.fails else 2


def _evidence(failing: Sequence[Answer]) -> Evidence:
    proven = [answer for answer in failing if answer.server.url and answer.said is Said.SERVFAIL]
    return Evidence.ELSEWHERE if len(proven) >= VOICES else Evidence.HERE


def votes(options: DnsOptions) -> frozenset[Evidence]:
    """By how many voices there are, and how many of them are encrypted; one alone never says "down"."""
    servers = [server for server in map(parse_server, options.servers) if not server.system]
    voices, encrypted = {server.owner for server in servers}, {server.owner for server in servers if server.url}
    if len(voices) < 2:
        return frozenset()
    return frozenset({Evidence.HERE, Evidence.ELSEWHERE} if len(encrypted) >= VOICES else {Evidence.HERE})


@asynccontextmanager
async def open_dns(options: DnsOptions, surroundings: Surroundings) -> AsyncIterator[DnsProbe]:
    """A probe of one name."""
    async with open_fetcher(surroundings.user_agent, limit=65_535, seconds=options.timeout, pause=PAUSE) as fetcher:
        yield DnsProbe(options, fetcher, options.timeout)


KIND = ProbeKind(
    options=DnsOptions,
    open=open_dns,
    evidence=Evidence.ELSEWHERE,
    votes=votes,
    example="""\
kind: dns
name: www.facebook.com
""",
)
