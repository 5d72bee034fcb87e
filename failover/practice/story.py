"""What is told of a drill on the practice internet: what happened when, and what became of every message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from failover.config.kinds import Kinds
from failover.config.settings import ChannelSettings
from failover.contracts import format_duration
from failover.delivery import Delivery, Phase, StatementRow
from failover.model import Measure
from failover.practice.rehearsal import Record

_MARK = "DRILL: "

_ANYBODY = "nobody is asked first"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened; `at` on the drill's clock."""

    at: float
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one message: `told` in words; `good` where it is as it should be."""

    row: Delivery
    measure: Measure
    told: str
    good: bool


class Story:
    """A record, with everything measured that is to be told of it."""

    def __init__(self, record: Record, kinds: Kinds) -> None:
        self.record = record
        self._kinds = kinds
        self.fates = [self._fate(row) for row in record.deliveries]

    @property
    def called(self) -> list[Fate]:
        """Of those channels that were asked to speak."""
        return [one for one in self.fates if one.row.phase not in (Phase.STANDBY, Phase.CANCELLED)]

    @property
    def good(self) -> bool:
        """Was everything said that should have been?"""
        return bool(self.called) and all(one.good for one in self.fates) and not self.record.troubles

    def _fate(self, row: Delivery) -> Fate:
        channel = self.record.settings.channels[row.channel]
        measure = self._measure(channel, row, row.text)
        told, good = self._told(channel, row, measure)
        return Fate(row=row, measure=measure, told=told, good=good)

    def _measure(self, channel: ChannelSettings, row: Delivery, text: str) -> Measure:
        announcement = replace(row.announcement(), text=text)
        return self._kinds.find_channel(channel.kind).measure(channel.options, announcement)

    def _told(self, channel: ChannelSettings, row: Delivery, measure: Measure) -> tuple[str, bool]:
        played = row.channel in self.record.shown
        match row.phase:
            case Phase.SENT if not played:
                return "rendered only", True
            case Phase.SENT if not any(row.reference in text for text in self.record.shown[row.channel]):
                return "said, but its practice service does not show it", False
            case Phase.SENT:
                return f"said, took {took(row.ended_at - row.began)}", True
            case Phase.STANDBY:
                return f"stands by{f': {row.reason}' if row.reason else ''}", True
            case Phase.CANCELLED:
                return f"not needed: {row.reason}", True
        if not measure.fits and self._measure(channel, row, row.text.removeprefix(_MARK)).fits:
            return "not said: with DRILL before it it is too long; without it, it fits", True
        return f"{row.phase.value}: {row.reason}" if row.reason else row.phase.value, False


def moments(story: Story) -> Iterator[Moment]:
    """Everything that happened, in no order."""
    record = story.record
    title = record.settings.platforms[record.platform].title
    yield Moment(record.onset, f"{title} stops working, as the drill has it.")
    if record.incident is not None:
        wanted = record.settings.judgement.confirm
        agreed = f"{wanted.classes} independent classes of evidence have agreed for {format_duration(wanted.for_)}"
        yield Moment(record.incident.opened_at, f"{agreed}: {title} is down, incident {record.incident.id} is open.")
    if record.back is not None:
        yield Moment(record.back, f"{title} works again.")
    if record.incident is not None and record.incident.closed_at is not None:
        yield Moment(record.incident.closed_at, f"It has stayed well: incident {record.incident.id} is over.")
    for statement in record.statements:
        yield from _signing(record, statement)
    for missed in record.unasked:
        yield Moment(missed.at, f"{missed.person} cannot be asked by {missed.way}: {missed.reason}.")
    for fate in story.called:
        what = f"{fate.row.channel}: {kind_of(fate.row)} {fate.told}."
        yield Moment(fate.row.ended_at or fate.row.created_at, what)


def _signing(record: Record, statement: StatementRow) -> Iterator[Moment]:
    channels = [row.channel for row in record.deliveries if row.statement_id == statement.id]
    what = f"The {kind_of(statement)} {statement.id} for {', '.join(channels)}: {_mode(record, statement)}."
    yield Moment(statement.created_at, what)
    for asked in record.asked:
        if asked.statement == statement.id:
            verb = "is reminded of" if asked.reminder else "is asked about"
            yield Moment(asked.at, f"{asked.person} {verb} {statement.id} by {asked.way}, took {took(asked.took)}.")
    for approval in statement.approvals:
        yield Moment(approval.at, f"{approval.by} approves {statement.id}; the drill answers for them.")
    if statement.mode == "veto" and statement.release_at is not None and not statement.decision:
        yield Moment(statement.release_at, f"Nobody has objected to {statement.id}, as the drill has it.")


def _mode(record: Record, statement: StatementRow) -> str:
    rules = record.settings.sign_off
    if statement.mode == "automatic":
        return _ANYBODY
    if statement.mode == "veto":
        return f"goes out after {format_duration(rules.veto_for)} unless somebody objects"
    persons = "somebody" if statement.persons == 1 else f"{statement.persons} people"
    later = ", then ".join(_later(record, statement))
    asked = f"; if nobody answers, {later} would be asked too" if later else ""
    nobody = "" if rules.approvers else "; sign_off.approvers names nobody, so only the journal asks"
    return f"{persons} must approve it first{asked}{nobody}"


def _later(record: Record, statement: StatementRow) -> Iterator[str]:
    """The groups of approvers that had no turn yet, and when it would be theirs."""
    rules = record.settings.sign_off
    asked = {one.person for one in record.asked if one.statement == statement.id}
    for number, group in enumerate(dict.fromkeys(one.group for one in rules.approvers)):
        names = [one.name for one in rules.approvers if one.group == group]
        if number and not asked & {*names}:
            yield f"{' and '.join(names)} after {format_duration(number * rules.escalate_after)}"


def kind_of(one: Delivery | StatementRow) -> str:
    kind = one.statement if isinstance(one, Delivery) else one.kind
    return {"holding": "holding statement", "welcome_back": "welcome back"}.get(
        kind.value, kind.value.replace("_", " ")
    )


def took(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.01 else "under 0.01 s"
