"""Kind `anchors`: can this machine reach the internet at all?

Every anchor is asked at the same time, over a connection of its own and without any memory: a kept-alive connection
would go on working after the way out is gone.  An anchor counts when it answers exactly as its owner makes it answer.

- One anchor that redirects, or answers with a body that is not its own: a captive portal or a box stands on the line,
  so whatever else was seen from here is worthless.  UNKNOWN, fault NETWORK.
- Not more than half of them answer: UNKNOWN, fault NETWORK.  Otherwise UP.

What the known anchors answer: the connectivity checks of Android, Firefox and Windows; a 4xx or 5xx is the anchor's
own trouble and only fails to count.  No answer, not even a 429 with Retry-After, keeps us from asking again: any box
on the line can write one for an anchor of plain http.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Annotated

import httpx
from pydantic import AfterValidator, Field

from failover.contracts import Options, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Sighting
from probes._address import WebAddress
from probes._fetch import Fetcher, Kind, Page, Trouble, open_fetcher

SECONDS = 5.0

DEFAULT_URLS = (
    "https://www.gstatic.com/generate_204",
    "http://detectportal.firefox.com/success.txt",
    "http://www.msftconnecttest.com/connecttest.txt",
)


class Reply(Enum):
    """What became of one question to an anchor."""

    RIGHT = "answers"
    FOREIGN = "answers with something foreign"
    FAILED = "does not answer"


_OWN: dict[str, Callable[[Page], bool]] = {
    "generate_204": lambda page: page.status == 204 and not page.body,
    "success.txt": lambda page: page.status == 200 and page.body.strip() == b"success",
    "connecttest.txt": lambda page: page.status == 200 and page.body.strip() == b"Microsoft Connect Test",
    "ncsi.txt": lambda page: page.status == 200 and page.body.strip() == b"Microsoft NCSI",
}
"""Last part of an anchor's path -> whether the answer is its owner's own."""


def _different(urls: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(urls)) < len(urls):
        raise ValueError("each anchor may be named only once")
    return urls


class AnchorsOptions(Options):
    """At least three addresses whose owners have nothing to do with each other, nor with a watched platform."""

    urls: Annotated[tuple[WebAddress, ...], Field(min_length=3), AfterValidator(_different)] = DEFAULT_URLS


class AnchorsProbe:
    """Asks all anchors once per look."""

    def __init__(self, urls: Sequence[str], fetcher: Fetcher) -> None:
        self._urls = tuple(urls)
        self._fetcher = fetcher

    async def look(self) -> Sighting:
        answers = await asyncio.gather(*(self._fetcher.get(url, follow=False) for url in self._urls))
        replies = [reply_of(url, answer) for url, answer in zip(self._urls, answers, strict=True)]
        return judge(self._urls, replies)


def reply_of(url: str, answer: Page | Trouble) -> Reply:
    """Whether this answer to a question to the anchor `url` is its own, foreign, or none."""
    if isinstance(answer, Trouble):
        return Reply.FOREIGN if answer.kind is Kind.TOO_LARGE else Reply.FAILED
    if answer.status == 511 or 300 <= answer.status < 400:
        return Reply.FOREIGN
    if not 200 <= answer.status < 300:
        return Reply.FAILED
    own = _OWN.get(httpx.URL(url).path.rpartition("/")[2])
    return Reply.RIGHT if own is None or own(answer) else Reply.FOREIGN


def judge(urls: Sequence[str], replies: Sequence[Reply]) -> Sighting:
    """Online, or why not."""
    right = replies.count(Reply.RIGHT)
    detail = "; ".join(f"{httpx.URL(url).host} {reply.value}" for url, reply in zip(urls, replies, strict=True))
    count = f"{right} of {len(replies)} anchors answer"
    if Reply.FOREIGN in replies:
        reason = f"a login page or a proxy stands between this machine and the internet ({count} as they should)"
        return Sighting.unknown(Evidence.HERE, reason, detail, fault=Fault.NETWORK)
    if right * 2 <= len(replies):
        return Sighting.unknown(Evidence.HERE, f"only {count}" if right else count, detail, fault=Fault.NETWORK)
    return Sighting.up(Evidence.HERE, count, detail)


def votes(_options: AnchorsOptions) -> frozenset[Evidence]:
    """Our own line is nobody's outage."""
    return frozenset()


@asynccontextmanager
async def open_anchors(options: AnchorsOptions, surroundings: Surroundings) -> AsyncIterator[AnchorsProbe]:
    """A probe of our own way to the internet."""
    async with open_fetcher(
        surroundings.user_agent, limit=10_000, seconds=SECONDS, remember=False, pause=0.0
    ) as fetcher:
        yield AnchorsProbe(options.urls, fetcher)


KIND = ProbeKind(
    options=AnchorsOptions,
    open=open_anchors,
    evidence=Evidence.HERE,
    every=30.0,
    fastest=15.0,
    votes=votes,
    example="""\
kind: anchors
urls: [https://www.gstatic.com/generate_204, http://detectportal.firefox.com/success.txt, http://www.msftconnecttest.com/connecttest.txt]
""",
)
