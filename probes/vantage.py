"""The kind `vantage`: what machines of your own elsewhere report of a platform, as signed webhooks.

The daemon listens (`listen`, an IP address and a port; loopback, behind the site's reverse proxy or a tunnel) for
POST requests to `path`, signed as Standard Webhooks has it, with a body such as

    {"node": "oslo", "platform": "facebook", "signal": "down", "reason": "connection refused"}

`signal` is up, down or unknown.  Each probe has a port of its own and takes reports on its own platform only: give
the second platform another `listen`, and tell them apart by the path at the reverse proxy.  A port that is taken is
an error at the start.  Behind a proxy the sender's address says nothing, so nothing is concluded from it: who has the
secret is believed, so give it only to machines that you would believe.

A report counts for `stale_after` from its own timestamp.  DOWN when more than half of the nodes that are fresh have
said so twice in a row (two reports with different times, not further apart than `stale_after`), and at least `nodes`
are fresh; a majority that has not said it twice is doubt, for one report is one measurement however often it is read.
So let each machine report every minute or two.  A machine that adds that its trouble is with an account or with its
own network (`"fault": "account"`) says nothing about the platform.  An id that was heard before, and a report older
than the one we have, change nothing.  Reports are not kept over a restart: the next ones come within the minute.

A sender for cron or a timer, with nothing but Python's own library (give it the address, the node's name and the
platform; the secret is read from the environment, the signal is the answer of a command that you trust):

    import base64, hashlib, hmac, json, os, sys, time, urllib.request, uuid

    url, node, platform, signal, reason = sys.argv[1:6]
    body = json.dumps({"node": node, "platform": platform, "signal": signal, "reason": reason}).encode()
    name, stamp = uuid.uuid4().hex, str(int(time.time()))
    key = base64.b64decode(os.environ["VANTAGE_SECRET"].removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10)

Source of headers and signature: Standard Webhooks specification 1.0.0.  A secret is made by
`echo whsec_$(openssl rand -base64 32)`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from failover import contracts
from failover.contracts import Duration, ProbeKind, Surroundings, format_duration
from failover.model import Evidence, Sighting, Signal
from probes._fetch import plain
from probes._listener import Address, Reply, listen, parse_address, problem
from probes._signed import Desk, Message, Verdict, WebhookSecret, key_of

MOST_NODES = 100

_SIGNALS = {"up": Signal.UP, "down": Signal.DOWN, "unknown": Signal.UNKNOWN}
_REFUSED = {Verdict.UNSIGNED: 401, Verdict.UNTIMELY: 401, Verdict.TOO_MANY: 429}
_TAKEN = Reply(status=202, body=b'{"ok": true}')


def _an_address(text: str) -> str:
    parse_address(text)
    return text


class Options(contracts.Options):
    """`nodes` is how many machines must have reported within `stale_after`.  `previous_secret` is good as well,
    for as long as the machines are moving to a new `secret`.
    """

    listen: Annotated[str, AfterValidator(_an_address)] = "127.0.0.1:8471"
    path: str = Field(default="/vantage", pattern=r"^/[A-Za-z0-9._~/-]*$")
    secret: WebhookSecret
    previous_secret: WebhookSecret | None = None
    nodes: int = Field(default=1, ge=1, le=MOST_NODES)
    stale_after: Annotated[Duration, Field(ge=10, le=3600)] = 300.0

    @property
    def keys(self) -> list[bytes]:
        """The newest first."""
        both = (self.secret, self.previous_secret)
        return [key_of(secret.get_secret_value()) for secret in both if secret is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one machine said last; `at` by its own clock, but never later than ours was then.

    `repeated`: it says for the second time in a row that it is down.
    """

    node: str
    signal: Signal
    words: str
    at: float
    repeated: bool = False

    def after(self, before: Report | None, stale_after: float) -> Report:
        """This report, where `before` is the one that the same machine gave last."""
        if before is None or not self.signal is before.signal is Signal.DOWN:
            return self
        apart = self.at - before.at
        return replace(self, repeated=0 < apart <= stale_after or (apart == 0 and before.repeated))


def read_report(body: bytes, platform: str, at: float) -> Report | str:
    """The report in a body, or in a few words what is wrong with it."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return "the body is not JSON"
    if not isinstance(said, dict) or not isinstance(said.get("node"), str):
        return "expected an object with node, platform, signal and reason"
    node, signal = plain(said["node"], 40), said.get("signal")
    if not node or not isinstance(signal, str) or signal not in _SIGNALS:
        return "expected the name of a node, and a signal that is up, down or unknown"
    if said.get("platform") != platform:
        return "this listener takes reports on another platform"
    return Report(node=node, signal=_believed(signal, said), words=_words(said), at=at)


def _believed(signal: str, said: Mapping[str, Any]) -> Signal:
    """Trouble with somebody's account or line is no trouble of the platform, whoever says so."""
    return _SIGNALS[signal] if said.get("fault") in (None, "platform") else Signal.UNKNOWN


def _words(said: Mapping[str, Any]) -> str:
    reason = said.get("reason")
    return plain(reason, 80) if isinstance(reason, str) else ""


def judge(reports: Iterable[Report], now: float, *, nodes: int, stale_after: float) -> Sighting:
    """The majority of the nodes that are fresh; one that could not tell counts among them, and for neither side."""
    fresh = sorted((one for one in reports if abs(now - one.at) <= stale_after), key=lambda one: one.node)
    detail = plain("; ".join(map(_in_words, fresh)), 1000)
    if len(fresh) < nodes:
        heard = f"{len(fresh) or 'none'} of our vantage points reported within {format_duration(stale_after)}"
        needed = f", {nodes} are needed" if nodes > 1 else ""
        return Sighting.unknown(Evidence.ELSEWHERE, heard + needed, detail)
    down, up = (sum(one.signal is signal for one in fresh) for signal in (Signal.DOWN, Signal.UP))
    sure = sum(one.signal is Signal.DOWN and one.repeated for one in fresh)
    of = f"of {len(fresh)} of our vantage points"
    if 2 * sure > len(fresh):
        return Sighting.down(Evidence.ELSEWHERE, f"{down} {of} say that it is down", detail)
    if 2 * down > len(fresh):
        once = "which has not said so twice" if down == 1 else "not all of them twice"
        return Sighting.degraded(Evidence.ELSEWHERE, f"{down} {of} say that it is down, {once} in a row", detail)
    if 2 * up > len(fresh):
        return Sighting.up(Evidence.ELSEWHERE, f"{up} {of} say that it works", detail)
    if down:
        return Sighting.degraded(Evidence.ELSEWHERE, f"only {down} {of} say that it is down", detail)
    return Sighting.unknown(Evidence.ELSEWHERE, f"too few {of} could tell", detail)


def _in_words(report: Report) -> str:
    return f"{report.node}: {report.signal.value}" + (f" ({report.words})" if report.words else "")


class VantageProbe:
    """The last report of each node; `address` is where reports are taken."""

    def __init__(self, options: Options, platform: str, now: Callable[[], float]) -> None:
        self.address = parse_address(options.listen)
        self._options = options
        self._platform = platform
        self._now = now
        self._desk = Desk(options.keys, now())
        self._reports: dict[str, Report] = {}

    async def look(self) -> Sighting:
        options = self._options
        reports = self._reports.values()
        return judge(reports, self._now(), nodes=options.nodes, stale_after=options.stale_after)

    def take(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """One POST; a repeat is answered as the first was, and changes nothing."""
        message, now = Message.of(headers, body), self._now()
        verdict = self._desk.judge(message, now)
        if verdict in _REFUSED:
            return problem(_REFUSED[verdict], verdict.value)
        if verdict is Verdict.REPEAT:
            return _TAKEN
        report = read_report(body, self._platform, min(float(message.sent_at or 0), now))
        return problem(422, report) if isinstance(report, str) else self._keep(report)

    def _keep(self, report: Report) -> Reply:
        now, known = self._now(), self._reports.get(report.node)
        if known is None and len(self._reports) >= MOST_NODES:
            kept = self._reports.items()
            self._reports = {node: one for node, one in kept if abs(now - one.at) <= self._options.stale_after}
            if len(self._reports) >= MOST_NODES:
                return problem(429, "more nodes than anybody has")
        if known is None or known.at <= report.at or known.at > now:
            self._reports[report.node] = report.after(known, self._options.stale_after)
        return _TAKEN

    def listens_at(self, address: Address) -> None:
        """Where it has come to, if any port that is free was asked for."""
        self.address = address


@asynccontextmanager
async def open_vantage(options: Options, surroundings: Surroundings) -> AsyncIterator[VantageProbe]:
    """A probe that listens.  Raises OSError where it cannot."""
    probe = VantageProbe(options, surroundings.platform, surroundings.now)
    badge = f"{surroundings.platform}/{surroundings.name}"
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(listen(probe.address, options.path, badge, probe.take))
        except OSError as error:
            raise OSError(f"the probe {badge}: {error}") from None
        probe.listens_at(address)
        yield probe


KIND = ProbeKind(
    Options,
    open_vantage,
    evidence=Evidence.ELSEWHERE,
    every=15.0,
    fastest=5.0,
    example="""\
kind: vantage
listen: 127.0.0.1:8471
secret_file: vantage-secret
""",
)
