"""What `failover drill` prints of a drill on the practice internet: who is asked, what is said, when, how fast.

Times are counted from the first sign of the outage, on the drill's clock; what a step took was measured.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping

from failover.config.kinds import Kinds
from failover.contracts import format_duration
from failover.delivery import Delivery, Phase, StatementRow
from failover.practice.people import ANSWERS_AFTER
from failover.practice.rehearsal import Record
from failover.practice.story import Fate, Story, kind_of, moments

_BAR = "      | "

_INTRODUCTION = (
    "This is a drill on the practice internet: nothing leaves this machine, and nobody hears of it. {why}Your "
    "channels are played on this machine by practice services of their kinds. Your words, links, limits, routes and "
    "rules of sign-off are in force; your keys, addresses and lists of people are not used. Every text says DRILL. "
    "Waiting is skipped; what a step took was measured."
)


def show(record: Record, kinds: Kinds, why: str, *, as_json: bool) -> int:
    """Print it; 0 where everything was said as it should be."""
    story = Story(record, kinds)
    print(json.dumps(data(story), indent=2) if as_json else "\n".join(lines(story, why)))
    return 0 if story.good else 1


def lines(story: Story, why: str) -> Iterator[str]:
    """For a terminal."""
    record = story.record
    yield from textwrap.wrap(_INTRODUCTION.format(why=f"{why} " if why else ""), 100)
    yield ""
    yield from _cast(record)
    yield ""
    every = format_duration(record.settings.judgement.every)
    yield f"What would happen, and when (counted from the first look that shows it; a look is made every {every})"
    for moment in sorted(moments(story), key=lambda one: one.at):
        yield from textwrap.wrap(
            moment.what,
            100,
            initial_indent=f"  {_after(moment.at - record.onset):<10} ",
            subsequent_indent=" " * 13,
        )
    yield ""
    for statement in record.statements:
        yield from _statement(story, statement)
    yield from _end(story)


def _cast(record: Record) -> Iterator[str]:
    for one in record.settings.channels.values():
        how = f"played ({one.kind})"
        if one.practice:
            how = "takes no part: it is kept for drills on practice channels"
        elif one.name not in record.shown:
            how = f"rendered only: there is no practice service for the kind {one.kind}"
        yield f"  {one.name}: {how}"


def _statement(story: Story, statement: StatementRow) -> Iterator[str]:
    yield f"What the {kind_of(statement)} {statement.id} would say"
    for fate in story.fates:
        if fate.row.statement_id == statement.id:
            length = f"{fate.measure.used} of {fate.measure.limit} {fate.measure.unit}"
            yield f"  {fate.row.channel} [{length}] {fate.told}"
            yield from _text(fate.row)
    yield ""


def _text(row: Delivery) -> Iterator[str]:
    if row.subject:
        yield f"      {row.subject}"
    for line in row.text.splitlines():
        yield from textwrap.wrap(line, 100, initial_indent=_BAR, subsequent_indent=_BAR) or [_BAR.rstrip()]


def _end(story: Story) -> Iterator[str]:
    record = story.record
    title = record.settings.platforms[record.platform].title
    if record.incident is not None and not record.statements:
        yield f"Nothing would be said: no route names {title}, or no channel of it could speak."
        return
    for kind in dict.fromkeys(kind_of(statement) for statement in record.statements):
        said = [one.row.ended_at for one in story.fates if kind_of(one.row) == kind and one.row.phase is Phase.SENT]
        if said:
            places = f"{len(said)} channel{'' if len(said) == 1 else 's'}"
            first, last = (_after(at - record.onset) for at in (min(said), max(said)))
            yield f"The {kind} would be on {places}: the first at {first}, the last at {last}."
    if any(statement.approvals for statement in record.statements):
        yield f"Approvals were assumed {format_duration(ANSWERS_AFTER)} after the question; how fast are your people?"
    if record.back is None:
        yield "With --full the end of the outage is rehearsed too."
    for trouble in dict.fromkeys(record.troubles):
        yield f"Trouble: {trouble}."
    yield "Everything went as it should." if story.good else "NOT everything went as it should; see above."


def _after(seconds: float) -> str:
    return f"+{format_duration(round(seconds)) if round(seconds) else '0s'}"


def data(story: Story) -> Mapping[str, object]:
    """For programs; `after` in seconds from the first sign."""
    record = story.record
    return {
        "drill": "practice internet",
        "platform": record.platform,
        "good": story.good,
        "channels": {
            name: "practice" if one.practice else "played" if name in record.shown else "rendered"
            for name, one in record.settings.channels.items()
        },
        "moments": [
            {"after": round(one.at - record.onset, 3), "what": one.what}
            for one in sorted(moments(story), key=lambda one: one.at)
        ],
        "asked": [
            {
                "statement": one.statement,
                "person": one.person,
                "way": one.way,
                "reminder": one.reminder,
                "after": round(one.at - record.onset, 3),
                "took": round(one.took, 3),
            }
            for one in record.asked
        ],
        "messages": [_message(record, fate) for fate in story.fates],
        "troubles": record.troubles,
    }


def _message(record: Record, fate: Fate) -> Mapping[str, object]:
    row = fate.row
    ended = row.phase is Phase.SENT
    return {
        "statement": row.statement_id,
        "kind": row.statement.value,
        "channel": row.channel,
        "phase": row.phase.value,
        "told": fate.told,
        "after": round(row.ended_at - record.onset, 3) if ended else None,
        "took": round(row.ended_at - row.began, 3) if ended else None,
        "subject": row.subject,
        "text": row.text,
        "used": fate.measure.used,
        "limit": fate.measure.limit,
        "unit": fate.measure.unit,
    }
