"""The kind `downforeveryone`: what downforeveryoneorjustme.com says of a site.  Only worth a hint; see below.

It is the question that every guide tells people to ask first, and the answer is worth little to a machine:

- its address for machines (`/api/httpcheck/<domain>`) is documented nowhere, and may change or be closed any day;
- it looks from one place only, at the front page only, so a fault of that place looks like an outage;
- a site that turns robots away looks like one that is down.

So an "is down" is a doubt (degraded), which never votes.  `may_vote: true` makes it a vote of the class `elsewhere`,
for whoever has no better vantage point; `globalping` and nodes of your own (`vantage`) are better.  Asked on
suspicion only.  Answers that are not data, a test for robots or an unknown form are "could not tell".

Source of the form `{statusCode, statusText, isDown, returnedUrl}`: the Python package `downforeveryone`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from pydantic import AfterValidator

from failover import contracts
from failover.contracts import ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._fetch import Fetcher, Page, Trouble, open_fetcher
from probes._names import PublicName

NAME = "downforeveryoneorjustme.com"

_REFUSALS = {
    401: "asks for a login",
    403: "does not let us in",
    404: "no longer answers at this address",
    429: "wants to be asked less often",
}


class Options(contracts.Options):
    """`may_vote` lets a look from this one place count as evidence of an outage."""

    domain: PublicName
    may_vote: bool = False
    api_url: Annotated[WebAddress, AfterValidator(lambda value: value.rstrip("/"))] = f"https://{NAME}/api"


def judge(found: object, *, may_vote: bool = False) -> Sighting:
    """What its answer amounts to."""
    down = found.get("isDown") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(down, bool):
        return Sighting.unknown(Evidence.ELSEWHERE, f"{NAME} answered in an unknown form")
    status = _status(found.get("statusCode"))
    if not down:
        return Sighting.up(Evidence.ELSEWHERE, f"{NAME} gets through{_in_words(status)}")
    if 100 <= status < 500:
        return Sighting.unknown(Evidence.ELSEWHERE, f"{NAME} says down, though it got an answer{_in_words(status)}")
    said = Sighting.down if may_vote else Sighting.degraded
    return said(Evidence.ELSEWHERE, f"{NAME} does not get through from its one place{_in_words(status)}")


def _status(value: object) -> int:
    """An HTTP status; 0 where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 999 else 0


def _in_words(status: int) -> str:
    return f" (HTTP {status})" if status else ""


class DownForEveryoneProbe:
    """One question for each look."""

    def __init__(self, options: Options, fetcher: Fetcher) -> None:
        self._options = options
        self._fetcher = fetcher

    async def look(self) -> Sighting:
        url = f"{self._options.api_url}/httpcheck/{self._options.domain}"
        answer = _parsed(await self._fetcher.get(url, headers={"accept": "application/json"}))
        return answer if isinstance(answer, Sighting) else judge(answer, may_vote=self._options.may_vote)


def _parsed(answer: Page | Trouble) -> Any | Sighting:
    """The JSON of an answer, or why there is none."""
    if isinstance(answer, Trouble):
        return answer.as_source_failure(Evidence.ELSEWHERE)
    if answer.status != 200:
        words = _REFUSALS.get(answer.status, "itself is in trouble")
        return Sighting.unknown(Evidence.ELSEWHERE, f"{NAME} {words} (HTTP {answer.status})")
    try:
        return answer.json()
    except ValueError:
        return Sighting.unknown(Evidence.ELSEWHERE, f"{NAME} answered with a page instead of data")


def votes(options: Options) -> frozenset[Evidence]:
    return frozenset({Evidence.ELSEWHERE} if options.may_vote else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[DownForEveryoneProbe]:
    async with open_fetcher(surroundings.user_agent, limit=100_000) as fetcher:
        yield DownForEveryoneProbe(options, fetcher)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.ELSEWHERE,
    every=300.0,
    fastest=300.0,
    timeout=15.0,
    on_suspicion=True,
    votes=votes,
    example="""\
kind: downforeveryone
domain: www.facebook.com
""",
)
