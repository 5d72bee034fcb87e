"""What `failover audit` prints: the trail as sentences for people, or as data for programs, and the verdict on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from typing import Any

from failover.archive import Page
from failover.audit import Entry, Flaw, Inspection, concerns, facts_of
from failover.events import fill, gaps
from failover.wallclock import local, moment, zone_of

SENTENCES: Mapping[str, str] = {
    # the daemon itself
    "daemon_started": "failover {version} started with {config}",
    "daemon_stopped": "failover stopped: {reason}",
    "config_loaded": "{by} put the configuration {path} in force",
    "gap_noticed": "nobody was watching for {seconds} s: {reason}",
    "clock_stepped": "the clock of the machine was set by {seconds} s",
    "database_set_aside": "this database was begun because the one before was damaged; that one lies in {files}",
    # what was seen, and what follows from it
    "platform_changed": "{platform} went from {was} to {now}[ (incident {incident}: {turn})]: {reason}",
    "platform_dropped": "{platforms} is no longer watched, incident {incident} goes on without it",
    "statement_planned": "{kind} {statement} was planned ({mode})[ for {channels}][, in reserve {further}]",
    "backup_called": "{delivery} was called in: {reason}",
    "channel_passed_over": "{delivery} was passed over: {reason}",
    # what was said
    "delivery_attempted": "{delivery} is being sent, attempt {attempt}: “{text}”",
    "delivery_sent": "{delivery} is public[ at {url}][, known there as {remote_id}][: {reason}]",
    "delivery_ready": "{delivery} was not said and stays to be said: {reason}",
    "delivery_standby": "{delivery} was not said and waits in reserve: {reason}",
    "delivery_refused": "{delivery} was refused: {reason}",
    "delivery_unsure": "{delivery} may be public, nobody knows yet: {reason}",
    "delivery_held": "{delivery} waits for a person: {reason}",
    "delivery_left": "{delivery} is left in doubt: {reason}",
    "delivery_cancelled": "{delivery} is not said any more: {reason}",
    "delivery_expired": "{delivery} was not said in time: {reason}",
    "delivery_retracted": "{by} had {delivery} taken back",
    "retract_failed": "{by} wanted {delivery} taken back, and it was not: {reason}",
    # posts
    "post_accepted": "{by} handed in post {post} for {channels}[ ({file})]: “{text}”",
    "post_rerouted": "post {post} went to {channels} instead ({delivery}): {reason}",
    "post_dropped": "post {post} was dropped ({delivery}): {reason}",
    "post_cancelled": "{by} cancelled post {post}",
    "incident_settled": "incident {incident} is settled, things left for a person: {count}[ ({left})]",
    # what people did
    "operator_declared": "{by} declared {platform} {state}[: {because}]",
    "declaration_ended": "what was declared about {platform} ended[ by {by}]: {reason}",
    "statement_approved": "{by} approved {statement}[, together with {together_with}]",
    "approval_recorded": "{by} approved {statement}, a second person must approve it too",
    "approval_lapsed": "the approval of {statement} by {by} no longer holds: {reason}",
    "approval_refused": "{by} wanted to decide about {statement} and was told no[: {reason}]",
    "approver_asked": "{approver} was asked about {statement} by {way}, code {code}",
    "statement_vetoed": "{by} objected to {statement}[, {late}][: {because}]",
    "delivery_resolved": "{by} looked: {delivery} is {answer}",
    "retract_asked": "{by} asked to take back everything[ about incident {incident}][ in post {post}][: {because}]",
    "paused": "{by} paused everything that is said in public[: {because}]",
    "resumed": "{by} let the daemon speak again",
    "silenced": "{by} silenced {platform}: its trouble is no news for a while[: {because}]",
    "silence_ended": "the silence about {platform} has ended[, {by} ended it]",
    "drill_begun": "{by} began drill {drill}: an outage of {platform} on practice channels",
    "drill_ended": "{by} ended drill {drill}",
    "recipient_forgotten": "{by} had a recipient forgotten, {lines} lines of the record bear the mark {mark} now",
}
"""Event -> sentence; the notation is that of `events.py`.  Any other event is shown as it is."""

MOST_SHOWN = 300
"""Letters of a text; all of it is in `--json`."""

FLAWS_SHOWN = 100

_DIGEST = re.compile(r"[0-9a-f]{12,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries are shown; all of them are verified.  `since` is for `moment`."""

    since: str = ""
    incident: str = ""
    none: bool = False


@dataclass(slots=True)
class Reading:
    """One look at the trail: shows what is wanted, verifies all of it; `now` is for "two days ago".

    `met` says that an entry about the incident has come by, shown or not.
    """

    pages: Iterable[Page]
    wanted: Wanted
    now: float
    inspection: Inspection
    zone: tzinfo = UTC
    file: str = ""
    met: bool = False

    def check(self) -> None:
        """Raises ValueError for a question that makes no sense."""
        if self.inspection.expect and not _DIGEST.fullmatch(self.inspection.expect):
            raise ValueError("a digest has 64 figures of 0-9 and a-f; give all of them, or at least the first 12")

    def entries(self) -> Iterator[Entry]:
        """What is wanted, oldest first; at the end of it all is verified."""
        since, page = None, None
        for page in self.pages:
            if since is None:
                self.zone, self.file = zone_of(page.timezone), page.file
                since = moment(self.wanted.since, self.now, self.zone) if self.wanted.since else -1e300
            for entry in page.entries:
                self.inspection.read(entry)
                if self._concerns(entry) and entry.at >= since and not self.wanted.none:
                    yield entry
        if page is not None and (page.head is not None or not page.older):
            self.inspection.end(page.head)

    def _concerns(self, entry: Entry) -> bool:
        if not self.wanted.incident:
            return True
        found = concerns(facts_of(entry), self.wanted.incident)
        self.met = self.met or found
        return found

    @property
    def unknown(self) -> str:
        """Once all was read: in one sentence that nothing was ever written of the incident; "" otherwise."""
        wanted = self.wanted.incident
        return f"there is no incident {wanted} in the record" if wanted and not self.met else ""

    @property
    def whole(self) -> bool:
        return not self.inspection.flaws

    def lines(self) -> Iterator[str]:
        """The entries as sentences, then the verdict."""
        empty = True
        for entry in self.entries():
            empty = False
            yield f"{local(entry.at, self.zone)}  {entry.number:>4}  {sentence(entry)}"
        if not empty:
            yield ""
        yield from self._verdict()

    def _verdict(self) -> Iterator[str]:
        found = self.inspection
        place = f" (read from {self.file}; failover is not running)" if self.file else ""
        last = f"The last one is number {found.last.number}, its digest {found.last.digest}" if found.last else ""
        if self.whole:
            count = "entry is" if found.count == 1 else "entries are"
            yield f"The audit trail is whole: {found.count} {count} there and untouched{place}."
        else:
            yield f"THE AUDIT TRAIL IS BROKEN{place}:"
            yield from (f"  {self._flaw(flaw)}" for flaw in found.flaws[:FLAWS_SHOWN])
            if len(found.flaws) > FLAWS_SHOWN:
                yield f"  … and {len(found.flaws) - FLAWS_SHOWN} more; see `failover audit --verify-only --json`"
        if last:
            yield f"{last}."

    def _flaw(self, flaw: Flaw) -> str:
        return flaw.what if flaw.at is None else f"{flaw.what} (its time: {local(flaw.at, self.zone)})"

    def data(self) -> dict[str, Any]:
        """For programs."""
        entries = [
            {
                "number": one.number,
                "at": one.at,
                "time": local(one.at, self.zone),
                "event": one.event,
                "facts": facts_of(one),
                "digest": one.digest,
            }
            for one in self.entries()
        ]
        last = self.inspection.last
        return {
            "whole": self.whole,
            "count": self.inspection.count,
            "last": {"number": last.number, "digest": last.digest} if last else None,
            "flaws": [{"number": one.number, "at": one.at, "what": one.what} for one in self.inspection.flaws],
            "entries": entries,
        }


def sentence(entry: Entry) -> str:
    """One entry as a sentence; what is not known here is shown as it is."""
    facts, pattern = facts_of(entry), SENTENCES.get(entry.event)
    if pattern is None or any(facts.get(gap) is None for gap in needed(pattern)):
        return f"{entry.event}: {_plain(entry.facts)}"
    return fill(pattern, {name: _told(name, value) for name, value in facts.items()})


@cache
def needed(pattern: str) -> list[str]:
    """The facts without which the sentence makes no sense."""
    return gaps(re.sub(r"\[[^\[\]]*\]", "", pattern))


def _told(name: str, value: object) -> str:
    if name == "turn" and value == "nothing":
        return "nothing new"
    if isinstance(value, list):
        return ", ".join(_plain(str(one)) for one in value)
    text = _plain(str(value))
    text = text.replace("_", " ") if name == "kind" else text
    return f"{text[:MOST_SHOWN]}…" if len(text) > MOST_SHOWN else text


def _plain(text: str) -> str:
    """Foreign text cannot begin a line of its own, nor move the cursor of whoever reads it."""
    if text.isprintable():
        return text
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
