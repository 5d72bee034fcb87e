"""The kind `upptime`: what an Upptime repository on GitHub sees of a platform.

`history/summary.json` lists the sites with their state (up, degraded, down), and `history/<slug>.yml` says when one
was last looked at (upptime.js.org; upptime/upptime).  Both are read as raw files, which GitHub keeps for some 5
minutes.

Rules: the checks run on GitHub's machines, so the class of evidence is `elsewhere` even on a vendor's own page.  A
site is down only while one of the `controls`, unrelated sites of the list, is up; without controls a red is doubt and
never votes.  Its own file must have been written to within `stale_after`: Upptime renews it daily, and a repository
whose workflows were switched off stays as it was for ever.  A red that was written more than three hours ago is
doubt.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Sighting
from probes._address import WebAddress
from probes._document import no_empty_name
from probes._fetch import Fetcher, Page, open_fetcher
from probes._json import rows, text
from probes._official import timestamp, word
from probes._vantage import Beat, Monitor, Terms, fetch_seen, judge_monitors, require_apart, votes_of

PATHS: tuple[str, ...] = ("{path}/raw/HEAD/history/summary.json",)
"""`{path}` is the path of the address that a person gave: a repository is `https://github.com/<owner>/<name>`."""

RED_FOR = 3 * 3600.0
"""Seconds for which the one failure that a file tells of counts in full."""

BEATS = {"up": Beat.UP, "degraded": Beat.SHAKY, "down": Beat.DOWN}

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LINE = re.compile(r"^(status|lastUpdated): (\S{1,40})[ \t\r]*$", re.MULTILINE)
_RAW = re.compile(r"/([\w.-]+/[\w.-]+)/(?:refs/heads/)?([\w.-]+)/history/summary\.json")


class Options(contracts.Options):
    """`repository` is `owner/name` on GitHub; `sites` are names or slugs of its list.

    `controls` name other sites of the list that have nothing to do with the platform: while none of them is up, or
    none is named, a red is doubt and never votes.
    """

    repository: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$")
    branch: str = Field(default="HEAD", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    sites: tuple[str, ...] = Field(min_length=1, max_length=5)
    controls: Annotated[tuple[str, ...], AfterValidator(no_empty_name)] = ()
    stale_after: Duration = Field(default=2 * 86400.0, gt=0)
    api_url: WebAddress = "https://raw.githubusercontent.com"

    @model_validator(mode="after")
    def _controls_are_unrelated(self) -> Self:
        require_apart(self.controls, self.sites)
        return self


def read_sites(document: object) -> list[Monitor] | None:
    """The sites of a `summary.json`; None where it is something else."""
    if not isinstance(document, list) or not all(isinstance(row, dict) and "slug" in row for row in document):
        return None
    return [
        Monitor(
            name=text(row, "name"), key=text(row, "slug"), beats=(BEATS.get(word(row.get("status")), Beat.UNCLEAR),)
        )
        for row in rows(document)
    ]


def read_history(body: str) -> tuple[Beat, float | None]:
    """State and time out of a site's own file."""
    lines = dict(_LINE.findall(body[:5000]))
    return BEATS.get(word(lines.get("status")), Beat.UNCLEAR), timestamp(lines.get("lastUpdated"))


def judge(document: object, histories: Mapping[str, str], options: Options, *, now: float) -> Sighting:
    """The list and the files of the watched sites (slug -> text) as one sighting.

    What a site's own file says counts; a site whose file is missing or has no date is not known.
    """
    sites = read_sites(document)
    if sites is None:
        return _unknown("the answer is not the list of an Upptime repository")
    terms = Terms(
        evidence=Evidence.ELSEWHERE,
        now=now,
        controls=options.controls,
        failures=1,
        stale_after=options.stale_after,
        red_for=RED_FOR,
    )
    return judge_monitors([_dated(site, histories, options) for site in sites], options.sites, terms)


def _dated(site: Monitor, histories: Mapping[str, str], options: Options) -> Monitor:
    if not any(site.is_meant_by(name) for name in options.sites):
        return site
    beat, at = read_history(histories.get(site.key, ""))
    return replace(site, beats=(Beat.UNCLEAR if at is None else beat,), at=at)


def _unknown(reason: str) -> Sighting:
    return Sighting.unknown(Evidence.ELSEWHERE, reason)


def recognise(url: str, body: object) -> dict[str, object] | None:
    """Options for the repository whose list is `body`; None where it is something else."""
    raw = _RAW.fullmatch(urlsplit(url).path)
    sites = read_sites(body)
    if raw is None or not sites or not all(site.name and site.key for site in sites):
        return None
    branch = {} if raw[2] == "HEAD" else {"branch": raw[2]}
    return {"repository": raw[1], **branch, "sites": list(dict.fromkeys(site.name for site in sites))}


class UpptimeProbe:
    """One look is one request, and one more for each watched site."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings

    async def look(self) -> Sighting:
        options = self._options
        folder = f"{options.api_url.rstrip('/')}/{options.repository}/{options.branch}/history"
        document = await fetch_seen(self._fetcher, f"{folder}/summary.json", Evidence.ELSEWHERE)
        if isinstance(document, Sighting):
            return document
        sites = [site for site in read_sites(document) or [] if any(site.is_meant_by(name) for name in options.sites)]
        slugs = [site.key for site in sites if _SLUG.fullmatch(site.key)][: 2 * len(options.sites)]
        histories = {slug: await self._history(f"{folder}/{slug}.yml") for slug in slugs}
        return judge(document, histories, options, now=self._surroundings.now())

    async def _history(self, url: str) -> str:
        answer = await self._fetcher.get(url)
        return answer.text if isinstance(answer, Page) and answer.status == 200 else ""


def votes(options: Options) -> frozenset[Evidence]:
    return votes_of(Evidence.ELSEWHERE, options.controls)


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[UpptimeProbe]:
    async with open_fetcher(surroundings.user_agent, seconds=5.0) as fetcher:
        yield UpptimeProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.ELSEWHERE,
    every=300.0,
    fastest=120.0,
    timeout=60.0,
    votes=votes,
    example="""\
kind: upptime
repository: example/upptime
sites: [Facebook]
controls: [Wikipedia]
""",
)
