"""The kind `statusgator`: what a StatusGator board says, by its API version 3 (an account there is needed).

`GET https://statusgator.com/api/v3/boards/{board}/monitors` with a bearer token lists the board's monitors, 25 to a
page; `filtered_status` is up, warn, down, maintenance or unknown (arslanbekov/terraform-provider-statusgator and its
client library).  The free plan allows some 15 requests a minute.

Rules: the class of evidence is that of what a monitor stands on.  A service monitor repeats the vendor's own status
page, so it is `official` and not independent of that page; but of a vendor that has no page (as Facebook, Instagram
and WhatsApp for the public) StatusGator goes by what users report, there and perhaps where Downdetector counts them
too.  Set `evidence: crowd` for such a vendor, or one crowd would be heard as two witnesses.  A website or ping
monitor looks for itself, from StatusGator's machines: `elsewhere`.  A monitor of any other type shows what somebody
sets there, and an early warning is a guess from its customers' clicks: both are doubt at most.  Trouble with our
account never votes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings
from failover.model import Evidence, Fault, Sighting
from probes._address import WebAddress, unforgeable
from probes._document import no_empty_name
from probes._fetch import Fetcher, open_fetcher, plain
from probes._json import identifier, mapping, rows, text
from probes._official import fold, gravest, near, timestamp, word
from probes._service import Service

PAGES = 8

CLASSES = {
    "servicemonitor": Evidence.OFFICIAL,
    "websitemonitor": Evidence.ELSEWHERE,
    "pingmonitor": Evidence.ELSEWHERE,
}
"""Type of a monitor -> what its red is evidence of."""


def _keeps_secrets(value: str) -> str:
    if not unforgeable(value):
        raise ValueError("expected an address that begins with https://: the token is sent to it")
    return value.rstrip("/")


class Options(contracts.Options):
    """`board` is the id of the board, `monitors` are names or ids on it.

    `evidence` is what its service monitors stand on: `official` for the vendor's own status page, `crowd` for the
    reports of users, by which StatusGator goes where the vendor has no page.
    A monitor that StatusGator has not checked for `stale_after` says nothing.
    """

    board: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    monitors: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(no_empty_name)]
    token: SecretStr = Field(min_length=1)
    evidence: Literal["official", "crowd"] = "official"
    stale_after: Duration = Field(default=3600.0, gt=0)
    api_url: Annotated[WebAddress, AfterValidator(_keeps_secrets)] = "https://statusgator.com/api/v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One monitor of a board; `evidence` is None where its type is not known to look or to read for itself."""

    name: str
    key: str
    status: str
    evidence: Evidence | None
    checked_at: float | None
    paused: bool = False
    early: bool = False


def read_monitors(document: object) -> list[Monitor] | None:
    """The monitors out of any JSON value; None where it lists none."""
    listed = mapping(document).get("data")
    return [_monitor(row) for row in rows(listed)] if isinstance(listed, list) else None


def _monitor(row: Mapping[str, object]) -> Monitor:
    return Monitor(
        name=text(row, "display_name"),
        key=identifier(row, "id"),
        status=word(row.get("filtered_status")),
        evidence=CLASSES.get(word(row.get("monitor_type"))),
        checked_at=timestamp(row.get("checked_at")),
        paused=bool(row.get("paused_at")),
        early=bool(row.get("early_warning_signal")),
    )


def has_more(document: object) -> bool:
    return bool(mapping(mapping(document).get("pagination")).get("next_page"))


def find(monitors: Sequence[Monitor], wanted: str) -> Monitor | None:
    """By id, else by name; of several with one name the first."""
    exact = [monitor for monitor in monitors if monitor.key and monitor.key == wanted]
    return next(iter(exact or [monitor for monitor in monitors if fold(monitor.name) == fold(wanted)]), None)


def judge(monitors: Sequence[Monitor], options: Options, *, now: float) -> Sighting:
    """The worst of what is said of the wanted monitors; one that is missing keeps it from being "up"."""
    said = [_judge_name(name, monitors, options, now) for name in options.monitors]
    return gravest(said)


def _judge_name(wanted: str, monitors: Sequence[Monitor], options: Options, now: float) -> Sighting:
    monitor = find(monitors, wanted)
    if monitor is None:
        others = near(wanted, (one.name for one in monitors))
        return Sighting.unknown(Evidence.OFFICIAL, f"the StatusGator board does not name {plain(wanted)}{others}")
    return _judge_monitor(monitor, options, now)


def _judge_monitor(monitor: Monitor, options: Options, now: float) -> Sighting:
    name, evidence = plain(monitor.name, 60), monitor.evidence or Evidence.OFFICIAL
    if evidence is Evidence.OFFICIAL:
        evidence = Evidence(options.evidence)
    if monitor.paused:
        return Sighting.unknown(evidence, f"the StatusGator monitor of {name} is paused")
    if monitor.checked_at is not None and now - monitor.checked_at > options.stale_after:
        return Sighting.unknown(evidence, f"StatusGator has not checked {name} of late")
    match monitor.status:
        case "up":
            return Sighting.up(evidence, f"StatusGator shows {name} as working")
        case "warn":
            return Sighting.degraded(evidence, f"StatusGator warns of {name}")
        case "maintenance":
            return Sighting.unknown(evidence, f"announced maintenance of {name}")
        case "down":
            sure = monitor.evidence is not None and monitor.checked_at is not None and not monitor.early
            return (Sighting.down if sure else Sighting.degraded)(evidence, f"StatusGator shows {name} as down")
    return Sighting.unknown(evidence, f"StatusGator does not know how {name} is", plain(monitor.status, 40))


def judge_refusal(status: int) -> Sighting:
    """An answer that is no success; our account and our request are the account's trouble."""
    ours = {
        401: "StatusGator does not accept the token",
        402: "StatusGator wants to be paid",
        403: "the StatusGator account does not cover this",
        404: "StatusGator does not know this board (any more)",
        422: "StatusGator did not accept the request",
        429: "StatusGator wants to be asked less often",
    }
    if status in ours:
        return Sighting.unknown(Evidence.OFFICIAL, f"{ours[status]} (HTTP {status})", fault=Fault.ACCOUNT)
    return Sighting.unknown(Evidence.OFFICIAL, f"StatusGator itself is in trouble (HTTP {status})")


class StatusGatorProbe:
    """One look is one request per page of the board until all watched monitors are found."""

    def __init__(self, options: Options, fetcher: Fetcher, surroundings: Surroundings) -> None:
        self._options = options
        self._fetcher = fetcher
        self._surroundings = surroundings

    async def look(self) -> Sighting:
        monitors: list[Monitor] = []
        for page in range(1, PAGES + 1):
            document = await self._page(page)
            if isinstance(document, Sighting):
                return document
            found = read_monitors(document)
            if found is None:
                return Sighting.unknown(Evidence.OFFICIAL, "StatusGator answered in an unknown form")
            monitors += found
            if all(find(monitors, name) for name in self._options.monitors) or not has_more(document):
                break
        return judge(monitors, self._options, now=self._surroundings.now())

    async def _page(self, page: int) -> object:
        url = f"{self._options.api_url}/boards/{self._options.board}/monitors?page={page}"
        token = self._options.token.get_secret_value()
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        return SERVICE.data(await self._fetcher.get(url, headers=headers, follow=False))


SERVICE = Service(name="StatusGator", evidence=Evidence.OFFICIAL, refusal=judge_refusal)


def votes(options: Options) -> frozenset[Evidence]:
    """Which type the monitors are of, only the board knows."""
    return frozenset({Evidence(options.evidence), Evidence.ELSEWHERE})


@asynccontextmanager
async def open_probe(options: Options, surroundings: Surroundings) -> AsyncIterator[StatusGatorProbe]:
    async with open_fetcher(surroundings.user_agent) as fetcher:
        yield StatusGatorProbe(options, fetcher, surroundings)


KIND = ProbeKind(
    Options,
    open_probe,
    evidence=Evidence.OFFICIAL,
    every=120.0,
    fastest=60.0,
    timeout=30.0,
    votes=votes,
    example="""\
kind: statusgator
board: AbCdEf1234
monitors: [Facebook]
evidence: crowd
token_file: statusgator-token
""",
)
