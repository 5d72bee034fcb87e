"""The kind `statuspage`: what a vendor's status page says, in the JSON of Atlassian Statuspage and its look-alikes.

`GET <url>/api/v2/summary.json`, and `components.json` where the summary leaves out a component (summaries are cut
on large pages); no authentication (the page `/api` of any hosted status page documents both).  incident.io serves
the same form, sometimes without `incidents`.

Rules: the components named in the options decide, not the roll-up.  The page must be the one that was meant.
Whatever keeps us from reading it is "could not tell", never "down".  Green is a weak "up": pages lag by many minutes.
`page.updated_at` is the time of the last change, not of the last check, so it never makes a green page stale; it and
the times of the components only tell which bad news was left behind and forgotten.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from pydantic import Field, field_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting, Signal
from probes._address import WebAddress
from probes._board import Memory, contradicted, judge_named, latest
from probes._fetch import Fetcher, Page, Trouble, open_fetcher, plain
from probes._official import day, fold, forgotten, host_of, refusal
from probes._statuspage import StatusPage, read_page

PATHS: tuple[str, ...] = ("/api/v2/summary.json",)

INDICATORS = {"minor": Signal.DEGRADED, "major": Signal.DEGRADED, "critical": Signal.DOWN}


class Options(contracts.Options):
    """`url` is the address of the page itself; `page` its id or name where its own address is on another host."""

    url: WebAddress
    components: tuple[str, ...] = ()
    page: str = ""
    major: Literal["degraded", "down"] = "degraded"
    forget_after: Duration = Field(default=3 * 86400.0, gt=0)

    @field_validator("components")
    @classmethod
    def _no_empty_name(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() for name in names):
            raise ValueError("expected names or ids of components, without empty ones")
        return names


def foreign(page: StatusPage, options: Options) -> str:
    """Why this is not the page that was meant; empty if it is.

    Without `page` in the options its own address, if it gives one, must be on the host that was asked: unclaimed
    and moved pages are answered by somebody else's.
    """
    if options.page:
        known = options.page == page.key or fold(options.page) == fold(page.name)
        return "" if known else f"the answer is not the status page of {options.page}"
    own, asked = host_of(page.url), host_of(options.url)
    return f"the status page says that it belongs to {plain(own)}, not to {asked}" if own and own != asked else ""


def missing(page: StatusPage, options: Options) -> list[str]:
    """The wanted components that this answer does not list."""
    listed = {part.key for part in page.parts} | {fold(part.name) for part in page.parts}
    return [name for name in options.components if name not in listed and fold(name) not in listed]


def judge(page: StatusPage, options: Options, *, now: float) -> Sighting:
    """The page as one sighting (class `official`)."""
    if not options.components:
        return _judge_rollup(page, options, now)
    return judge_named(page, options.components, now=now, forget_after=options.forget_after)


def _judge_rollup(page: StatusPage, options: Options, now: float) -> Sighting:
    """The page as a whole, where no component is named."""
    if page.indicator == "none":
        green = Sighting.up(Evidence.OFFICIAL, "the status page shows no trouble")
        return contradicted(page.incidents, now=now, forget_after=options.forget_after) or green
    if page.indicator == "maintenance":
        return Sighting.unknown(Evidence.OFFICIAL, "announced maintenance")
    signal = INDICATORS.get(page.indicator)
    if signal is None:
        reason = "the status page shows no overall state that is known"
        return Sighting.unknown(Evidence.OFFICIAL, reason, plain(page.indicator, 40))
    if page.indicator == "major" and options.major == "down":
        signal = Signal.DOWN
    dated = latest([page.changed_at, *(incident.changed_at for incident in page.incidents)])
    touched = page.seen_at if dated is None else dated
    if forgotten(touched, now, options.forget_after):
        return Sighting.unknown(
            Evidence.OFFICIAL, f"the status page has said {page.indicator} trouble since {day(touched)}: not believed"
        )
    tell = Sighting.down if signal is Signal.DOWN else Sighting.degraded
    return tell(Evidence.OFFICIAL, f"the status page as a whole says {page.indicator} trouble", page.description)


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the page whose summary `body` was found at `url`; None where it is something else."""
    page, (site, found, _query) = read_page(body), url.partition(PATHS[0])
    if page is None or not found or not (page.indicator or page.parts):
        return None
    return {
        "url": site,
        "page": page.key or page.name,
        "components": [*dict.fromkeys(part.name for part in page.parts)],
    }


class StatuspageProbe:
    """One look is one request, or two where the summary leaves out a wanted component."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings
        self._memory = Memory()

    async def look(self) -> Sighting:
        page = await self._read("summary")
        if isinstance(page, StatusPage) and missing(page, self._options):
            rest = await self._read("components")
            page = replace(page, parts=rest.parts) if isinstance(rest, StatusPage) else page
        if isinstance(page, Sighting):
            return page
        now = self._surroundings.now()
        return judge(self._memory.date(page, now), self._options, now=now)

    async def _read(self, name: str) -> StatusPage | Sighting:
        url = f"{self._options.url.rstrip('/')}/api/v2/{name}.json"
        answer = await self._fetcher.get(url, headers={"accept": "application/json"})
        if isinstance(answer, Trouble):
            return answer.as_source_failure(Evidence.OFFICIAL)
        page = _page(answer)
        if isinstance(page, StatusPage) and (why := foreign(page, self._options)):
            return Sighting.unknown(Evidence.OFFICIAL, why)
        return page


def _page(answer: Page) -> StatusPage | Sighting:
    """The answer as a page; anything but JSON of the known form is a source that failed."""
    if refused := refusal(answer):
        return refused
    if "json" not in answer.headers.get("content-type", "").lower():
        return Sighting.unknown(Evidence.OFFICIAL, "the status page answered with a web page instead of data")
    try:
        page = read_page(answer.json())
    except ValueError:
        return Sighting.unknown(Evidence.OFFICIAL, "the status page answered with broken data")
    return page or Sighting.unknown(Evidence.OFFICIAL, "the answer is not that of a status page")


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[StatuspageProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield StatuspageProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=60.0,
    fastest=60.0,
    timeout=20.0,
    example="""\
kind: statuspage
url: https://status.example.net
components: [Messaging]
""",
)
