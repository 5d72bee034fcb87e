"""Kind `web`: does a page of the platform answer as it should?

The judgement, and why:

- No connection, no answer, a reset: DOWN, evidence HERE.  The caller voids it when our own anchors fail as well.
- Our machine, line or resolver failed, or a certificate does not hold: UNKNOWN (see `_trouble.py`).  A name that our
  resolver cannot look up is asked once more at its last known address: where that fails too, it is not our resolver.
- A 5xx that means "we cannot": DOWN, evidence SPOKEN; over plain http a box on the way may have said it, so HERE.
- What refuses us as a visitor (401, 403, 429, 451, a challenge page), a wrong address (404, 410) and a redirect to
  another host: UNKNOWN.
- `expect.absent` was found: the page itself says that it is broken, so DOWN like a 5xx.  `expect.text` is missing:
  DEGRADED, which never votes; a redesigned page loses its words too, and that is no outage to be announced.
- As expected: UP.  That is weak: a landing page that works proves the edge, not the platform (rule R5).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from failover.contracts import Duration, Options, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Sighting, Signal
from probes._address import WebAddress, unforgeable
from probes._fetch import Fetcher, Kind, Page, Trouble, open_fetcher, plain
from probes._page import FAILING

READ = 1_000_000
"""Bytes of a page that are read; what comes after is not looked at."""

SECONDS = 8.0
ADDRESS_GOOD_FOR = 3600.0
PAUSE = 60.0
"""Seconds for which a 429 with Retry-After keeps us away at most: an overload that begins with one can end in an
outage, and one page a minute is no burden.
"""

TELLS_NOTHING = {
    401: "asks for a login",
    403: "refuses us, as a bot wall does",
    404: "there is no such page",
    410: "the page is gone for good",
    429: "asks us to come less often",
    451: "is blocked for legal reasons",
}
OUR_WAY_OUT = {407: "our own proxy asks for a login", 511: "the network here asks for a login first"}

_WALL_HEADERS = {"cf-mitigated": {"challenge"}, "x-amzn-waf-action": {"challenge", "captcha"}}
"""Cloudflare's and AWS WAF's marks of an answer that is a test for robots (their developer guides)."""

_WALL_WORDS = (
    b"<title>just a moment...</title>",
    b"attention required! | cloudflare",
    b"captcha-delivery.com",
    b"px-captcha",
)
"""Words at the start of such answers that carry no mark in a header (Cloudflare, DataDome, PerimeterX)."""

Status = Annotated[int, Field(strict=True, ge=100, le=599)]
Words = Annotated[str, Field(min_length=1)]


class Expect(Options):
    """What the page is like when the platform works; without `status`, anything from 200 to 399 is right."""

    status: Status | tuple[Status, ...] | None = None
    text: Words | None = None
    absent: Words | None = None

    @property
    def statuses(self) -> tuple[int, ...]:
        return (self.status,) if isinstance(self.status, int) else self.status or ()

    @property
    def wants_redirect(self) -> bool:
        return any(300 <= status < 400 for status in self.statuses)

    def allows(self, status: int) -> bool:
        return status in self.statuses if self.statuses else 200 <= status < 400


class WebOptions(Options):
    """`timeout` is the time for the whole look."""

    url: WebAddress
    method: Literal["GET", "HEAD"] = "GET"
    expect: Expect = Expect()
    timeout: Annotated[Duration, Field(gt=0, le=SECONDS)] = SECONDS

    @model_validator(mode="after")
    def _text_needs_a_body(self) -> Self:
        if self.method == "HEAD" and (self.expect.text or self.expect.absent):
            raise ValueError("text and absent need method GET: an answer to HEAD has no text")
        return self


class WebProbe:
    """Looks at one page; remembers the last address of its host for when the name cannot be looked up."""

    def __init__(self, options: WebOptions, fetcher: Fetcher, now: Callable[[], float]) -> None:
        self._options = options
        self._fetcher = fetcher
        self._now = now
        self._last: tuple[str, float] | None = None

    async def look(self) -> Sighting:
        began = asyncio.get_running_loop().time()
        answer = await self._get()
        if isinstance(answer, Page):
            self._last = (answer.peer, self._now()) if answer.peer else None
            return judge(answer, self._options.expect)
        spent = asyncio.get_running_loop().time() - began
        if answer.kind is Kind.DNS and self._last and self._now() - self._last[1] <= ADDRESS_GOOD_FOR:
            return await self._at_last_address(self._last[0], answer, self._options.timeout - spent)
        return judge_trouble(answer)

    async def _at_last_address(self, address: str, trouble: Trouble, seconds: float) -> Sighting:
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                answer = await self._get(address)
        except TimeoutError:
            return judge_trouble(trouble)
        said = judge(answer, self._options.expect) if isinstance(answer, Page) else judge_trouble(answer)
        if said.signal is Signal.DOWN:
            return said
        works = ", though the page is right at its last address" if said.signal is Signal.UP else ""
        return Sighting.unknown(Evidence.HERE, trouble.reason + works, fault=trouble.fault)

    async def _get(self, at: str | None = None) -> Page | Trouble:
        follow = not self._options.expect.wants_redirect
        return await self._fetcher.get(self._options.url, method=self._options.method, follow=follow, at=at)


def judge_trouble(trouble: Trouble) -> Sighting:
    """No answer: evidence against the platform only where the far side or the way to it failed."""
    if trouble.fault is Fault.PLATFORM:
        return Sighting.down(Evidence.HERE, trouble.reason)
    return Sighting.unknown(Evidence.HERE, trouble.reason, fault=trouble.fault)


def judge(page: Page, expect: Expect) -> Sighting:
    """An answer, by its status and then by its text."""
    if not expect.allows(page.status):
        return _judge_status(page)
    if expect.absent and expect.absent in page.text:
        return Sighting.down(_evidence(page), f"the page says “{plain(expect.absent, 60)}”")
    if expect.text and expect.text not in page.text:
        return _judge_missing(page, expect.text)
    if not expect.text and _is_wall(page):
        return Sighting.unknown(Evidence.HERE, "a test for robots stands before the page")
    return Sighting.up(Evidence.HERE, f"HTTP {page.status}, as expected")


def _judge_status(page: Page) -> Sighting:
    if page.status in OUR_WAY_OUT:
        reason = f"{OUR_WAY_OUT[page.status]} (HTTP {page.status})"
        return Sighting.unknown(Evidence.HERE, reason, fault=Fault.NETWORK)
    if _is_wall(page):
        return Sighting.unknown(Evidence.HERE, f"a test for robots stands before the page (HTTP {page.status})")
    if page.status in FAILING:
        return Sighting.down(_evidence(page), f"the site answers with an error of its own (HTTP {page.status})")
    words = TELLS_NOTHING.get(page.status, "says neither up nor down")
    return Sighting.unknown(Evidence.HERE, f"the site {words} (HTTP {page.status})")


def _judge_missing(page: Page, text: str) -> Sighting:
    if _is_wall(page):
        return Sighting.unknown(Evidence.HERE, "a test for robots stands before the page")
    if page.cut:
        return Sighting.unknown(
            Evidence.HERE, f"the page is longer than {READ} bytes and the expected text was not seen"
        )
    return Sighting.degraded(_evidence(page), f"the page answers but does not say “{plain(text, 60)}”")


def _is_wall(page: Page) -> bool:
    if any(page.headers.get(name, "").lower() in values for name, values in _WALL_HEADERS.items()):
        return True
    start = page.body[:20_000].lower()
    return any(words in start for words in _WALL_WORDS)


def _evidence(page: Page) -> Evidence:
    return Evidence.SPOKEN if unforgeable(page.url) else Evidence.HERE


def votes(options: WebOptions) -> frozenset[Evidence]:
    """Over plain http an error is the platform's own word only where it sends us on to https."""
    spoken = unforgeable(options.url) or not options.expect.wants_redirect
    return frozenset({Evidence.HERE, Evidence.SPOKEN} if spoken else {Evidence.HERE})


@asynccontextmanager
async def open_web(options: WebOptions, surroundings: Surroundings) -> AsyncIterator[WebProbe]:
    """A probe of one page."""
    async with open_fetcher(
        surroundings.user_agent, limit=READ, seconds=options.timeout, cut=True, pause=PAUSE
    ) as fetcher:
        yield WebProbe(options, fetcher, surroundings.now)


KIND = ProbeKind(
    options=WebOptions,
    open=open_web,
    evidence=Evidence.HERE,
    votes=votes,
    example="""\
kind: web
url: https://www.facebook.com/
expect: {status: 200}
""",
)
