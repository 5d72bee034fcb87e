"""What `failover report` prints: all of one incident, as text or as data.

With `--json` one object is printed: `running`, `now`, `organisation`, `timezone`, `summary` (the paragraph), and
`titles` ({platforms, channels}: name -> title), `incident` (id, group, platforms, down, opened_at, closed_at,
lasted, ordinal, reason, taken_back_at, taken_back_by, taken_back_because), `window` ({from, until}: what the
timeline shows), `states` (platform -> [{at, was, now, reason, explanation, evidence}]), `answers` (platform ->
{before, changes, more}: what each probe said before the window and every change of it), `statements` ([{id, kind,
reference, created_at, mode, release_at, decision, decided_by, approved_by, decided_at, because, deliveries: [{id,
channel, phase, heard, attempts, ended_at, took, after_opening, subject, text, url, remote_id, note, reason,
recipients}]}]), `audit` ([{number, at, event, facts, digest, sentence}]), `posts` and `catch_up` ([{matter, channel,
delivery, reason, person}]). Times are ISO 8601 with offset in the organisation's time zone, lengths seconds;
`recipients` are counts, and no address stands anywhere.
"""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Iterator
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import Any

import yaml

from failover import registry
from failover.ask import NotRunningError, RefusedError, ask, state_file, timezone
from failover.audit import Entry
from failover.config.entries import titled
from failover.report import Names, NoIncidentError, report
from failover.report_words import (
    answer,
    by_class,
    channel_title,
    clock_of,
    explained,
    failures,
    fate,
    kind,
    listed,
    platform_title,
    signed,
    summary,
    texts,
    title,
)
from failover.schema import StoreError, open_read_only
from failover.show_audit import sentence
from failover.show_incidents import UnknownError
from failover.store import Store
from failover.wallclock import dated, local, zone_of

WIDTH = 100

TIMES = (
    "now", "at", "opened_at", "closed_at", "from", "until", "created_at", "release_at", "decided_at", "ended_at",
    "taken_back_at",
)  # fmt: skip

Fields = dict[str, Any]


def asked_report(config: Path, incident: str, now: float) -> Fields:
    """The daemon's answer, else what its file tells.  Raises RefusedError and UnknownError."""
    try:
        found = {"running": True, **ask(config, "report", incident=incident)}
    except NotRunningError as error:
        found = {"running": False, **_of_file(config, incident, now, str(error))}
    for one in found["audit"]:
        one["sentence"] = _sentence(one)
    return found


def _of_file(config: Path, incident: str, now: float, nobody: str) -> Fields:
    names = _names(config)
    try:
        with closing(Store(open_read_only(str(state_file(config))))) as store:
            return asyncio.run(report(store, incident, names, now))
    except StoreError as error:
        raise UnknownError(f"failover is not running ({nobody}), and its file tells nothing: {error}") from None
    except NoIncidentError as error:
        raise RefusedError(str(error)) from None


def _names(config: Path) -> Names:
    """By a glance: the rest of the configuration may be wrong, or not ours to read."""
    try:
        written = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        written = None
    known = {name: one.title for name, one in registry.catalogue().items()}
    platforms, channels = _within(written, "platforms"), _within(written, "channels")
    return Names(
        organisation=str(_within(written, "organisation").get("name") or ""),
        timezone=timezone(config),
        platforms={name: _title(one, known.get(name)) or titled(name) for name, one in platforms.items()},
        channels={
            name: _title(one, known.get(str(_within(channels, name).get("platform")))) or titled(name)
            for name, one in channels.items()
        },
    )


def _within(written: object, key: str) -> Fields:
    found = written.get(key) if isinstance(written, dict) else None
    return {str(name): one for name, one in found.items()} if isinstance(found, dict) else {}


def _title(one: object, usual: str | None) -> str:
    """What it is called where the configuration is read in full."""
    return str((one.get("title") if isinstance(one, dict) else "") or usual or "")


def _sentence(one: Fields) -> str:
    """As `failover audit` tells it."""
    facts = json.dumps(one["facts"], ensure_ascii=False)
    return sentence(Entry(number=one["number"], at=one["at"], event=one["event"], facts=facts, digest=one["digest"]))


def report_data(data: Fields) -> Fields:
    """For programs; see above."""
    zone = zone_of(data["timezone"])
    told: Fields = dated({**data, "audit": []}, TIMES, zone)
    audit = [{**one, "at": dated({"at": one["at"]}, TIMES, zone)["at"]} for one in data["audit"]]
    return {"summary": summary(data, zone), **told, "audit": audit}


def report_lines(data: Fields) -> Iterator[str]:
    """For people, section by section."""
    zone = zone_of(data["timezone"])
    if not data["running"]:
        yield from ("failover is not running; this is what it left in its file.", "")
    yield title(data)
    of = f"{data['organisation']}, " if data["organisation"] else ""
    yield f"{of}as known at {local(data['now'], zone)}; times are of {data['timezone']}"
    yield ""
    yield from textwrap.wrap(summary(data, zone), WIDTH)
    for head, lines in _sections(data, zone):
        yield from ("", head.upper(), *lines)


def _sections(data: Fields, zone: tzinfo) -> Iterator[tuple[str, list[str]]]:
    yield "How it went", [*_states(data, zone)]
    yield "What the sources said, by class of evidence", [*_answers(data, zone)]
    yield "Who signed off what", [*_signed(data, zone)] or ["  nothing was to be said"]
    yield "What was said, and where", [*_said(data, zone)] or ["  nothing"]
    clock = clock_of(data, zone)
    went_wrong = [line for at, what in failures(data) for line in _line(clock(at), what)]
    yield "What did not go as it should", went_wrong or ["  nothing"]
    yield (
        "The record of it (failover audit)",
        [line for one in data["audit"] for line in _line(f"{clock(one['at'])}  {one['number']:>4}", one["sentence"])],
    )
    if data["posts"]:
        yield "Posts of our own meanwhile", [line for one in data["posts"] for line in _line("-", one["reason"])]
    yield "Recovery with nothing forgotten", [*_left(data)]


def _states(data: Fields, zone: tzinfo) -> Iterator[str]:
    clock = clock_of(data, zone)
    for name, told in data["states"].items():
        yield f"  {platform_title(data, name)}"
        for one in told:
            yield from _line(f"  {clock(one['at'])}", f"{one['was']} -> {one['now'].upper()}: {one['reason']}")
            for words in explained(one):
                yield from textwrap.wrap(words, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 10)


def _answers(data: Fields, zone: tzinfo) -> Iterator[str]:
    clock = clock_of(data, zone)
    for name in data["answers"]:
        for evidence, found in by_class(data, name):
            yield f"  {platform_title(data, name)}, {evidence}"
            for one in found:
                when = "before" if one["at"] < data["window"]["from"] else clock(one["at"])
                yield from _line(f"  {when:<8}", answer(one))
        if not any(data["answers"][name][part] for part in ("before", "changes")):
            yield f"  {platform_title(data, name)}: no longer kept"
        if data["answers"][name]["more"]:
            yield f"  {platform_title(data, name)}: and many more, which are left out"


def _signed(data: Fields, zone: tzinfo) -> Iterator[str]:
    clock = clock_of(data, zone)
    for one in data["statements"]:
        yield from _line(clock(one["created_at"]), f"{one['id']}, {kind(one)} ({one['mode']}): {signed(one, clock)}")


def _said(data: Fields, zone: tzinfo) -> Iterator[str]:
    clock = clock_of(data, zone)
    for one in data["statements"]:
        yield f"  {one['id']}, {kind(one)}"
        for channels, subject, text in texts(one):
            yield from _line("  -", f"to {listed(channels)}:")
            words = [f"Heading, where it shows one: {subject}"] if subject else []
            for line in (*words, *text.splitlines()):
                yield from textwrap.wrap(line, WIDTH, initial_indent="      | ", subsequent_indent="      | ") or [""]
        for row in one["deliveries"]:
            url = f" {row['url']}" if row["url"] else ""
            yield from _line("  -", f"{channel_title(data, row['channel'])}: {fate(row, clock)}{url}")


def _left(data: Fields) -> Iterator[str]:
    wanted = [one for one in data["catch_up"] if one["person"]]
    for one in wanted:
        yield from _line("[ ]", one["reason"])
    if not wanted:
        over = data["incident"]["closed_at"] is not None
        yield "  nothing is left to be done" if over else "  nothing yet; it is not over"
    rest = [one for one in data["catch_up"] if not one["person"]]
    if rest:
        yield "  Good to know, and nothing to be done about it:"
        for one in rest:
            yield from _line("  -", one["reason"])


def _line(label: str, text: str) -> list[str]:
    head = f"  {label}  "
    clean = " ".join(text.split())
    wrapper = textwrap.TextWrapper(
        WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False, break_on_hyphens=False
    )
    return wrapper.wrap(clean) or [head]
