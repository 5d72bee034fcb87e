"""The kind `xstatus`: what X says of its developer platform (https://docs.x.com/status, read as `status.md`).

The page is text in Mintlify's Markdown: one `<Card title="…">` per service with a `<Tooltip tip="…">` that says its
state, then a history of incidents.  X's documentation offers the `.md` form to programs, without describing it.

How much it is worth: little.  It tells of the interfaces for developers, not of the app; it carries no date, so a
forgotten word is only known by how long we have seen it; its history is known to keep incidents open that are over,
so it is not read.  Its gravest word is doubt, unless `major: down` is set by somebody who posts through the
interface.

Rules: a state that is not one of the known words, or a page without cards, is "could not tell".
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting, Signal
from probes._address import WebAddress
from probes._document import no_empty_name
from probes._fetch import Fetcher, Trouble, open_fetcher, plain
from probes._official import FirstSeen, Part, judge_parts, refusal, word

PATHS: tuple[str, ...] = ("/status.md",)

WORDS = {
    "operational": "operational",
    "normal": "operational",
    "all_systems_operational": "operational",
    "degraded": "degraded_performance",
    "degraded_performance": "degraded_performance",
    "partial_outage": "partial_outage",
    "outage": "partial_outage",
    "down": "partial_outage",
    "major_outage": "major_outage",
    "maintenance": "under_maintenance",
    "under_maintenance": "under_maintenance",
}
"""What a tip says -> a state; "outage" and "down" without "major" are taken as the lesser."""

CARDS = 100
_READ = 200_000
_HISTORY = re.compile(r"^#{1,3} incident history", re.IGNORECASE | re.MULTILINE)
_TITLE = re.compile(r"[^<>]{0,400}?\btitle=\"([^\"<>]{1,80})\"")
_TIP = re.compile(r"<Tooltip\b[^<>]{0,200}?\btip=\"([^\"<>]{1,80})\"")


class Options(contracts.Options):
    """`components` are titles of cards; without them all count.  `major` says what a major outage is.

    Bad news that we have seen unchanged for `forget_after` was left behind.
    """

    components: Annotated[tuple[str, ...], Field(max_length=CARDS), AfterValidator(no_empty_name)] = ()
    major: Literal["degraded", "down"] = "degraded"
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)
    url: WebAddress = "https://docs.x.com/status.md"


def read_cards(page: str) -> tuple[Part, ...]:
    """The cards above the history; none where the page is something else."""
    present = _HISTORY.split(page[:_READ])[0]
    return tuple(part for piece in present.split("<Card")[1 : CARDS + 1] for part in _card(piece))


def _card(piece: str) -> list[Part]:
    title, tip = _TITLE.match(piece), _TIP.search(piece[:5000])
    if title is None or tip is None:
        return []
    said = word(tip[1])
    return [Part(name=plain(title[1]), word=WORDS.get(said) or f"'{said.replace('_', ' ')}'")]


def judge(cards: Sequence[Part], options: Options, *, now: float) -> Sighting:
    """The page's cards as one sighting (class `official`)."""
    if not cards:
        return Sighting.unknown(Evidence.OFFICIAL, "the answer is not the status page of X that is known")
    wanted = options.components or tuple(dict.fromkeys(card.name for card in cards))
    said = judge_parts(cards, wanted, now=now, forget_after=options.forget_after)
    if said.signal is Signal.DOWN and options.major == "degraded":
        return Sighting.degraded(Evidence.OFFICIAL, said.reason, said.detail)
    return said


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the page `body` at `url`; None where it is something else."""
    cards = read_cards(body) if isinstance(body, str) else ()
    return {"url": url, "components": list(dict.fromkeys(card.name for card in cards))} if cards else None


class XStatusProbe:
    """One look is one request."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._seen = FirstSeen()

    async def look(self) -> Sighting:
        answer = await self._fetcher.get(self._options.url, headers={"accept": "text/markdown, text/plain"})
        if isinstance(answer, Trouble):
            return answer.as_source_failure(Evidence.OFFICIAL)
        if refused := refusal(answer):
            return refused
        now = self._surroundings.now()
        return judge(self._seen.date(read_cards(answer.text), now), self._options, now=now)


def votes(options: Options) -> frozenset[Evidence]:
    return frozenset({Evidence.OFFICIAL} if options.major == "down" else ())


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[XStatusProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield XStatusProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=120.0,
    fastest=120.0,
    timeout=10.0,
    votes=votes,
    example="""\
kind: xstatus
components: [X API v2]
""",
)
