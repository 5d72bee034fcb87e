"""The sentences of a report: a paragraph that sums it up, and a line for each thing seen, signed off, said.  Pure.

Made from what `report.report` found; used by the printed report and by the page alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from failover.hindsight import STANDING_AND_REASON
from failover.wallclock import local, span

Fields = dict[str, Any]
Clock = Callable[[float], str]

HOLDING = frozenset({"holding", "again", "intermittent"})
FAILED = frozenset({"refused", "expired", "held", "left", "unsure"})

PHASES: Mapping[str, str] = {
    "standby": "stands by",
    "ready": "not said yet",
    "sending": "is being said",
    "unsure": "may be public, is being looked for",
    "sent": "public",
    "refused": "refused",
    "held": "may be public, a person must look",
    "left": "may be public, nobody knows",
    "cancelled": "not said",
    "expired": "not said in time",
    "retracted": "taken back",
}


def title(data: Fields) -> str:
    """`Incident 7: Facebook and Instagram`."""
    return f"Incident {data['incident']['id']}: {platforms(data)}"


def platforms(data: Fields) -> str:
    return listed(platform_title(data, name) for name in data["incident"]["platforms"])


def platform_title(data: Fields, name: str) -> str:
    return str(data["titles"]["platforms"].get(name, name))


def channel_title(data: Fields, name: str) -> str:
    """With its name in the configuration, where that is another word."""
    found = str(data["titles"]["channels"].get(name, name))
    return found if found.casefold() == name.casefold() else f"{found} ({name})"


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = [*names] or ["nobody"]
    return f"{', '.join(first)} and {last}" if first else last


def soon(seconds: float) -> str:
    """A length of time in a sentence."""
    return span(seconds) if seconds >= 1 else "less than a second"


def explained(turn: Fields) -> list[str]:
    """Why it turned, without the sentences that only repeat the turn."""
    return list(turn["explanation"][STANDING_AND_REASON:])


def clock_of(data: Fields, zone: tzinfo) -> Clock:
    """Times of the day on which it began, others with their day."""
    opened = datetime.fromtimestamp(data["incident"]["opened_at"], zone).date()

    def told(at: float) -> str:
        then = datetime.fromtimestamp(at, zone)
        return f"{then:%H:%M:%S}" if then.date() == opened else f"{then:%Y-%m-%d %H:%M:%S}"

    return told


def summary(data: Fields, zone: tzinfo) -> str:
    """The whole of it, for somebody who reads no further."""
    parts = (*_outage(data, zone), *_told(data), *_end(data), *_rest(data))
    return " ".join(parts)


def _outage(data: Fields, zone: tzinfo) -> Iterator[str]:
    incident = data["incident"]
    false = incident.get("taken_back_at") is not None
    if false:
        yield _false_alarm(incident, zone)
    yield _how_long(data, zone, "held to be down" if false else "down")
    first, opened = _first_sign(data), incident["opened_at"]
    before = f"The first sign was seen {span(opened - first)} earlier; " if opened - first >= 1 else ""
    sure = "it was believed" if false else "it was beyond doubt"
    reason = str(incident["reason"]).rstrip(".")
    yield _capital(f"{before}{sure} for this reason: {reason}.")
    if incident["ordinal"] > 1:
        yield f"It was incident number {incident['ordinal']} of its kind within a day."


def _false_alarm(incident: Fields, zone: tzinfo) -> str:
    by = f" by {incident['taken_back_by']}" if incident["taken_back_by"] else ""
    because = f" ({incident['taken_back_because']})" if incident["taken_back_because"] else ""
    return f"This was a false alarm, taken back{by} at {local(incident['taken_back_at'], zone)}{because}."


def _how_long(data: Fields, zone: tzinfo, what: str) -> str:
    """`Facebook was down from … to …, for 2h.`"""
    incident = data["incident"]
    plural = len(incident["platforms"]) > 1
    opened, closed, lasted = incident["opened_at"], incident["closed_at"], span(incident["lasted"])
    if closed:
        verb = "were" if plural else "was"
        return f"{platforms(data)} {verb} {what} from {local(opened, zone)} to {local(closed, zone)}, for {lasted}."
    verb = "have been" if plural else "has been"
    return f"{platforms(data)} {verb} {what} since {local(opened, zone)}, for {lasted} so far."


def _first_sign(data: Fields) -> float:
    """When the chain of states that led to the incident began."""
    opened = float(data["incident"]["opened_at"])
    return min([opened, *(_chain(told, opened, data["window"]["from"]) for told in data["states"].values())])


def _chain(turns: Sequence[Fields], opened: float, begins: float) -> float:
    """The same of one platform: what came before it was last well belongs to an earlier outage."""
    since = opened
    for one in reversed(turns):
        if one["at"] > opened:
            continue
        if one["now"] in ("up", "unknown") or one["at"] <= begins:
            break
        since = float(one["at"])
    return since


def _told(data: Fields) -> Iterator[str]:
    rows = [row for _statement, row in deliveries(data) if _statement["kind"] in HOLDING]
    heard = list(dict.fromkeys(row["channel"] for row in rows if row["heard"]))
    asked = list(dict.fromkeys(row["channel"] for row in rows if row["phase"] not in ("standby", "cancelled")))
    back = [name for name in _retracted(rows) if name not in heard]
    asked = [name for name in asked if name not in back]
    if not heard:
        yield "Nobody was told of it by the daemon." if not back else f"What {listed(back)} had said was taken back."
        return
    first = min((row for row in rows if row["after_opening"] is not None), key=_after, default=None)
    of = f"{len(heard)} of {len(asked)} channels" if len(asked) > len(heard) else _count(len(heard), "channel")
    when = f", first on {first['channel']} {soon(first['after_opening'])} after it was noticed" if first else ""
    yield f"The public was told on {of} ({listed(heard)}){when}."
    if back:
        yield f"What {listed(back)} had said was taken back."


def _retracted(rows: Iterable[Fields]) -> list[str]:
    return list(dict.fromkeys(row["channel"] for row in rows if row["phase"] == "retracted"))


def _after(row: Fields) -> float:
    return float(row["after_opening"])


def _end(data: Fields) -> Iterator[str]:
    if data["incident"]["closed_at"] is None:
        false = data["incident"].get("taken_back_at") is not None
        yield "By what the sources say it is not over." if false else "It is not over."
        return
    rows = [row for statement, row in deliveries(data) if statement["kind"] == "welcome_back" and row["heard"]]
    if rows:
        channels = list(dict.fromkeys(row["channel"] for row in rows))
        soonest = min((row["took"] for row in rows if row["took"] is not None), default=None)
        when = f", first {soon(soonest)} after the recovery was certain" if soonest is not None else ""
        yield f"The welcome back was said on {_count(len(channels), 'channel')} ({listed(channels)}){when}."
    elif data["incident"].get("taken_back_at") is None:
        yield "No welcome back was said."


def _rest(data: Fields) -> Iterator[str]:
    count = sum(one["person"] for one in data["catch_up"])
    if count:
        verb = "is" if count == 1 else "are"
        yield f"{_capital(_count(count, 'thing'))} {verb} left for a person to see to: see the end of this report."
    elif data["incident"]["closed_at"]:
        yield "Nothing is left to be done."


def _count(number: int, what: str) -> str:
    return f"{'one' if number == 1 else number} {what}{'' if number == 1 else 's'}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def deliveries(data: Fields) -> Iterator[tuple[Fields, Fields]]:
    """(statement, delivery), as they were made."""
    for statement in data["statements"]:
        for row in statement["deliveries"]:
            yield statement, row


def kind(statement: Fields) -> str:
    return str(statement["kind"]).replace("_", " ")


def signed(statement: Fields, clock: Clock) -> str:
    """Who signed it off, how and when."""
    who = statement["decided_by"]
    when = f" at {clock(statement['decided_at'])}" if statement["decided_at"] else ""
    because = f" ({statement['because']})" if statement["because"] else ""
    if statement["decision"] == "vetoed":
        late = _too_late(statement)
        approved = f"{statement['approved_by']} approved" if statement.get("approved_by") else ""
        before = f"{approved or _unasked(statement, clock)}; " if late else ""
        return f"{before}{who} objected{when}{late}{because}"
    if statement["decision"]:
        return f"{who} {statement['decision']}{when}{because}"
    return _unasked(statement, clock)


def _unasked(statement: Fields, clock: Clock) -> str:
    """How it goes out, or does not, where nobody says anything."""
    if statement["mode"] == "automatic":
        return "goes out by itself, as configured"
    if statement["mode"] == "veto":
        return f"goes out unless somebody objects by {clock(statement['release_at'])}; nobody has"
    return f"had to be approved, was asked for at {clock(statement['created_at'])}, and nobody has"


def _too_late(statement: Fields) -> str:
    """What an objection came too late for; "" where it stopped all of it."""
    at, rows = statement["decided_at"], statement["deliveries"]
    if at is None or not rows:
        return ""
    said = [row for row in rows if row["phase"] == "retracted" or (row["phase"] == "sent" and row["ended_at"] < at)]
    if said:
        return f", when it was public already on {listed(row['channel'] for row in said)}"
    over = all(row["phase"] in ("refused", "expired", "cancelled") and row["ended_at"] < at for row in rows)
    return ", when nothing of it was left to be said" if over else ""


def fate(row: Fields, clock: Clock) -> str:
    """What became of it on this channel: `public at 11:09:44 after 4s`, or why not."""
    told = PHASES.get(row["phase"], row["phase"])
    if row["phase"] == "sent":
        tries = f", at attempt {row['attempts']}" if row["attempts"] > 1 else ""
        counts = f", {note}" if (note := recipients(row) or row["note"]) else ""
        return f"{told} at {clock(row['ended_at'])}, after {soon(row['took'])}{tries}{counts}"
    when = f" at {clock(row['ended_at'])}" if row["ended_at"] else ""
    return f"{told}{when}{': ' + row['reason'] if row['reason'] else ''}"


def recipients(row: Fields) -> str:
    """How many people, never who: `1,204 sent, 3 refused`."""
    return ", ".join(f"{count:,} {state}" for state, count in row["recipients"].items())


def texts(statement: Fields) -> list[tuple[list[str], str, str]]:
    """(channels, subject, text): channels with the same words together."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in statement["deliveries"]:
        found.setdefault((row["subject"], row["text"]), []).append(row["channel"])
    return [(channels, subject, text) for (subject, text), channels in found.items()]


def failures(data: Fields) -> list[tuple[float, str]]:
    """(when, what): everything that did not go as it should, also where it went well in the end."""
    found = [(one["at"], one) for one in data["audit"] if one["event"] in _TROUBLES]
    return [(at, _TROUBLES[one["event"]].format_map(_Gaps(one["facts"]))) for at, one in found]


_TROUBLES: Mapping[str, str] = {
    "delivery_ready": "{delivery} could not be said at once: {reason}",
    "delivery_refused": "{delivery} was refused: {reason}",
    "delivery_unsure": "{delivery} had no certain end: {reason}",
    "delivery_held": "{delivery} was put before a person: {reason}",
    "delivery_left": "{delivery} was left in doubt: {reason}",
    "delivery_expired": "{delivery} was not said in time: {reason}",
    "channel_passed_over": "{delivery} was passed over: {reason}",
    "retract_failed": "{delivery} could not be taken back: {reason}",
    "gap_noticed": "nobody was watching for {seconds} s: {reason}",
    "clock_stepped": "the clock of this machine was set by {seconds} s",
}


class _Gaps(dict[str, object]):
    """A fact that is missing is shown as a question mark."""

    def __missing__(self, _name: str) -> str:
        return "?"


def by_class(data: Fields, name: str) -> list[tuple[str, list[Fields]]]:
    """What was said of a platform, by class of evidence, in the order of time; what was said before comes first."""
    answers: Mapping[str, Sequence[Fields]] = data["answers"][name]
    found: dict[str, list[Fields]] = {}
    for one in (*answers["before"], *answers["changes"]):
        found.setdefault(one["evidence"], []).append(one)
    return list(found.items())


def answer(one: Fields) -> str:
    fault = f" ({one['fault']})" if one["fault"] in ("account", "network") else ""
    says = "cannot tell" if one["signal"] == "unknown" else one["signal"]
    return f"{one['probe']}: {says}{fault}, {one['reason']}"
