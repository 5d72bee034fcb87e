"""The kind `checkhost`: can an address be reached from the nodes of check-host.net?  Asked on suspicion only.

Its API is described at https://check-host.net/about/api: GET /check-http starts a check and names the nodes that
take part (country, city, IP address, autonomous system), GET /check-result/{id} gives one entry for each node, and
`null` for one that is at work.  Results take 5 to 30 s.  Neither limits nor terms for machines are published, so this
is a second opinion and no poller: few nodes, few looks an hour, and `globalping` is the better choice.

An entry is `[1, seconds, message, status, address]`, or begins with 0 for what the service takes for a failure; that
is also a 404, so an HTTP status, where there is one, is judged by our own table.  The service does not say whose
fault a failure was.  So before a "down" counts, the nodes that failed are sent to `control`, an unrelated page: those
that do not get there either are in trouble themselves and do not count.  The quorum is in `_views.py`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, Field

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Sighting, Signal
from probes._address import WebAddress
from probes._budget import Budget
from probes._fetch import Fetcher, Page, open_fetcher, plain
from probes._service import Service, settled
from probes._views import Reach, View, judge_views, status_view

PAUSE, LONGEST_PAUSE = 1.0, 4.0
"""Seconds between two questions for a result."""

FAILED = re.compile(r"timed? ?out|refused|reset by peer|unreachable|no route to host|broken pipe", re.IGNORECASE)
"""Messages of connections that failed; every other (a name that is not found, a certificate) cannot tell."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NODE = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")
_ASN = re.compile(r"AS[0-9]{1,10}")
_STATUS = re.compile(r"[1-9][0-9]{2}")

_REFUSALS = {
    400: ("does not accept the request", Fault.ACCOUNT),
    403: ("does not let us in", None),
    404: ("knows no such check", None),
    429: ("wants to be asked less often", Fault.ACCOUNT),
}


class Options(contracts.Options):
    """`nodes` of them look at `url`, and those that fail at `control`.  `per_hour` limits the looks; `within` is how
    long the nodes may take, each time.
    """

    url: WebAddress
    nodes: int = Field(default=6, ge=3, le=20)
    control: WebAddress = "https://www.wikipedia.org/"
    per_hour: int = Field(default=12, ge=1, le=60)
    within: Annotated[Duration, Field(ge=1, le=30)] = 30.0
    api_url: Annotated[WebAddress, AfterValidator(lambda value: value.rstrip("/"))] = "https://check-host.net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check that was started: its id, and network and country of each node that takes part."""

    key: str
    nodes: Mapping[str, tuple[str, str]]


def read_check(started: Mapping[str, Any]) -> Check | Sighting:
    """What the service answers to the start of a check."""
    key, nodes = started.get("request_id"), started.get("nodes")
    if started.get("ok") != 1 or not isinstance(key, str) or not _ID.fullmatch(key) or not isinstance(nodes, dict):
        return Sighting.unknown(Evidence.ELSEWHERE, "check-host.net did not start the check")
    return Check(key=key, nodes={name: _place(told) for name, told in nodes.items() if _NODE.fullmatch(name)})


def _place(told: object) -> tuple[str, str]:
    """Network and country out of `[cc, country, city, ip, asn]`; empty where they are not as documented."""
    listed = told if isinstance(told, list) and len(told) >= 5 else [""] * 5
    row = [value if isinstance(value, str) else "" for value in listed]
    network, country = row[4].upper(), row[0].upper()
    return network if _ASN.fullmatch(network) else "", country if re.fullmatch(r"[A-Z]{2}", country) else ""


def views_of(check: Check, results: Mapping[str, Any]) -> dict[str, View]:
    """What each node found; whatever is not as documented cannot tell."""
    return {name: _view(place, results.get(name)) for name, place in check.nodes.items()}


def _view(place: tuple[str, str], said: object) -> View:
    network, country = place
    if said is None:
        return View(network=network, country=country, reach=Reach.CANNOT_TELL, words="not finished")
    first = said[0] if isinstance(said, list) and said else None
    row = [*first, None, None, None, None] if isinstance(first, list) else [None] * 4
    message, status = row[2], str(row[3]) if isinstance(row[3], str | int) else ""
    if _STATUS.fullmatch(status):
        return status_view(network, country, int(status))
    words = plain(message, 60) if isinstance(message, str) else "an answer of an unknown form"
    failed = row[0] == 0 and row[0] is not False and FAILED.search(words)
    return View(network=network, country=country, reach=Reach.FAILS if failed else Reach.CANNOT_TELL, words=words)


def without_the_troubled(views: Mapping[str, View], control: Mapping[str, View]) -> list[View]:
    """The failures of nodes that did not reach the control page either are their own."""
    return [
        view if view.reach is not Reach.FAILS or _reaches(control.get(name)) else _troubled(view)
        for name, view in views.items()
    ]


def _reaches(view: View | None) -> bool:
    return view is not None and view.reach is Reach.WORKS


def _troubled(view: View) -> View:
    return replace(view, reach=Reach.CANNOT_TELL, words=f"trouble of the vantage point: {view.words}")


class CheckHostProbe:
    """One check for each look, and a second one where the first says "down"."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._now = surroundings.now
        self._budget = Budget(options.per_hour)

    async def look(self) -> Sighting:
        short = self._budget.refusal(self._now(), 1)
        if short:
            return Sighting.unknown(Evidence.ELSEWHERE, f"check-host.net was not asked: {short}")
        self._budget.book(self._now(), 1)
        views = await self._check(self._options.url)
        if isinstance(views, Sighting):
            return views
        said = judge_views([*views.values()])
        return await self._confirmed(views) if said.signal is Signal.DOWN else said

    async def _confirmed(self, views: Mapping[str, View]) -> Sighting:
        failing = [name for name, view in views.items() if view.reach is Reach.FAILS]
        control = await self._check(self._options.control, failing)
        if isinstance(control, Sighting):
            return replace(control, reason=f"cannot be reached, but the control look failed: {control.reason}")
        return judge_views(without_the_troubled(views, control))

    async def _check(self, url: str, nodes: Sequence[str] = ()) -> dict[str, View] | Sighting:
        """One check from start to end, by these nodes or by any."""
        chosen = "".join(f"&node={node}" for node in nodes) or f"&max_nodes={self._options.nodes}"
        started = await self._get(f"/check-http?host={quote(url, safe='')}{chosen}")
        check = started if isinstance(started, Sighting) else read_check(started)
        if isinstance(check, Sighting):
            return check
        results = await self._results(check.key, check.nodes)
        return results if isinstance(results, Sighting) else views_of(check, results)

    async def _results(self, key: str, nodes: Collection[str]) -> dict[str, Any] | Sighting:
        """The results when all are in, or as many as there are when time is up."""
        return await settled(
            lambda: self._get(f"/check-result/{key}"),
            lambda found: all(found.get(node) is not None for node in nodes),
            within=self._options.within,
            pause=PAUSE,
            longest_pause=LONGEST_PAUSE,
        )

    async def _get(self, path: str) -> dict[str, Any] | Sighting:
        answer = await self._fetcher.get(f"{self._options.api_url}{path}", headers={"accept": "application/json"})
        if isinstance(answer, Page):
            self._budget.heard(self._now(), answer.headers, refused=answer.status == 429)
        return SERVICE.record(answer)


def judge_refusal(status: int) -> Sighting:
    """An answer that is no success; never the platform's trouble."""
    words, fault = _REFUSALS.get(status, ("itself is in trouble", None))
    return Sighting.unknown(Evidence.ELSEWHERE, f"check-host.net {words} (HTTP {status})", fault=fault)


SERVICE = Service(name="check-host.net", evidence=Evidence.ELSEWHERE, refusal=judge_refusal)


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[CheckHostProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield CheckHostProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.ELSEWHERE,
    every=300.0,
    fastest=300.0,
    timeout=105.0,
    on_suspicion=True,
    example="""\
kind: checkhost
url: https://www.facebook.com/
""",
)
