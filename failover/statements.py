"""One statement and its deliveries: who must agree to it, from when until when it holds, and in which words (S5).

Pure.  Channels with another sign-off than the rest have a statement of their own: what waits there keeps nobody else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from failover import signoff
from failover.delivery import Delivery, Phase, StatementRow
from failover.incidents import HOLDING_KINDS, Incident, reference, statement_id
from failover.model import State, Statement
from failover.plans import House, Known, Plan, Saying
from failover.routing import named, offered
from failover.signoff import is_waiting, mode_of, persons_for, unsaid

THE_CONFIGURATION = "the configuration"
"""Who has "objected" where nothing may be said because the configuration has changed."""


def speakable(incident: Incident, house: House, states: Mapping[str, State]) -> tuple[str, ...]:
    """The platforms a holding statement names: those that are down right now and have a stand-in."""
    return tuple(
        platform
        for platform in named(incident, house.routes)
        if platform in incident.down and states.get(platform) is State.DOWN
    )


def by_mode(channels: Iterable[str], kind: Statement, house: House) -> dict[str, list[str]]:
    """mode of sign-off -> its channels in order: each becomes a statement of its own."""
    return signoff.by_mode(channels, kind, house.sign_off, house.signing)


def objected(channel: str, kinds: Collection[Statement], known: Known, house: House) -> bool:
    """Has somebody objected to this being said on channels that are signed off like this one?

    An objection in a mode that no channel has any more, and one of the configuration, counts for all of them; and one
    to what this channel was to say counts for it, however it is signed off today.
    """
    vetoed = [row for row in known.statements if row.kind in kinds and row.decision == "vetoed"]
    stopped = {row.id for row in vetoed}
    if any(one.channel == channel and one.statement_id in stopped for one in known.deliveries):
        return True
    kind = Statement.HOLDING if Statement.HOLDING in kinds else next(iter(kinds))
    used = {mode_of(name, kind, house.sign_off, house.signing) for name in house.voices}
    mode = mode_of(channel, kind, house.sign_off, house.signing)
    return any(row.mode == mode or row.mode not in used or row.decided_by == THE_CONFIGURATION for row in vetoed)


def takes_more(statement: StatementRow, now: float) -> bool:
    """May further deliveries hang on it?  Not when it is too old, nor after a person decided on other words (S5)."""
    if now >= statement.latest:
        return False
    return statement.mode == "automatic" or is_waiting(statement, now)


def next_statement(
    incident: Incident, kind: Statement, known: Known, mode: str, house: House, now: float, wait: float = 0.0
) -> StatementRow:
    """The next one of its kind."""
    alike = HOLDING_KINDS if kind in HOLDING_KINDS else {kind}
    number = 1 + sum(row.kind in alike for row in known.statements)
    lasts = house.welcome_latest if kind is Statement.WELCOME_BACK else house.holding_latest
    return StatementRow(
        id=statement_id(incident, kind, number),
        incident=incident.id,
        kind=kind,
        created_at=now,
        latest=answered_by(mode, house, now, wait) + lasts,
        reference=reference(incident, kind, number),
        mode=mode,
        release_at=released_at(mode, house, now, wait),
        persons=persons_for(kind, mode, house.signing),
        place=len(known.statements),
    )


def released_at(mode: str, house: House, now: float, wait: float = 0.0) -> float | None:
    """From when it may be said where nobody decides otherwise; None: never."""
    nobody = house.signing.nobody_after
    required = now + nobody if nobody is not None else None
    return {"automatic": now + wait, "veto": now + house.veto_for, "required": required}[mode]


def answered_by(mode: str, house: House, now: float, wait: float = 0.0) -> float:
    """When everybody who is asked has had the time to answer: how long it may be said counts from then on."""
    release = released_at(mode, house, now, wait)
    if release is not None:
        return max(now, release)
    return now + house.signing.escalate_after * len(house.signing.groups)


def worded_deliveries(  # noqa: PLR0913  what the rows and their words depend on
    incident: Incident,
    statement: StatementRow,
    channels: Iterable[str],
    platforms: tuple[str, ...],
    phase: Phase,
    house: House,
    now: float,
    *,
    known: Known,
    states: Mapping[str, State],
) -> tuple[Delivery, ...]:
    """One worded row per channel; an update tells apart what of it is new there after what is `known`.

    None sends people to a channel that `states` or what is `known` tell to be in trouble.
    """
    blank = Delivery(
        id="",
        incident=incident.id,
        statement_id=statement.id,
        statement=statement.kind,
        channel="",
        phase=phase,
        due=statement.release_at or now,
        latest=statement.latest,
        created_at=now,
        reference=statement.reference,
        text="",
    )
    rows = (
        replace(blank, id=f"{statement.id}-{channel}", channel=channel, position=place)
        for place, channel in enumerate(channels)
    )
    places = offered(incident, known.holding, house.routes, house.voices, states)
    return tuple(_worded(row, incident, platforms, places, known, house, now) for row in rows)


def _worded(
    delivery: Delivery,
    incident: Incident,
    platforms: tuple[str, ...],
    places: Iterable[str],
    known: Known,
    house: House,
    now: float,
) -> Delivery:
    others = tuple(name for name in places if name != delivery.channel)
    news = unnamed(delivery.channel, platforms, known, but=delivery.id)
    saying = Saying(
        incident=incident.id,
        platforms=platforms,
        back=tuple(name for name in named(incident, house.routes) if name not in incident.down),
        also=news if delivery.statement is Statement.UPDATE else (),
        elsewhere=others,
        opened_at=incident.opened_at,
        now=now,
        reference=delivery.reference,
    )
    subject, text = house.word(_words_of(delivery, saying, known), delivery.channel, saying)
    return replace(delivery, subject=subject, text=text, platforms=platforms, elsewhere=others)


def _words_of(delivery: Delivery, saying: Saying, known: Known) -> Statement:
    """Whose words are used: who was welcomed back last is told that it fails again, not that it still does."""
    if delivery.statement is not Statement.UPDATE or saying.also:
        return delivery.statement
    places = {row.id: row.place for row in known.statements}
    heard = [
        row for row in known.deliveries if row.channel == delivery.channel and row.heard and row.id != delivery.id
    ]
    last = max(heard, key=lambda row: places.get(row.statement_id, 0), default=None)
    return Statement.AGAIN if last is not None and last.statement is Statement.WELCOME_BACK else Statement.UPDATE


def unnamed(channel: str, platforms: Iterable[str], known: Known, but: str = "") -> tuple[str, ...]:
    """Those that nothing planned for this channel speaks of; `but` for one delivery.

    What was cancelled has named nothing, unless a person objected to it: that is not planned once more.
    """
    vetoed = {row.id for row in known.statements if row.decision == "vetoed"}
    named_there = {
        platform
        for row in known.deliveries
        if row.channel == channel and row.id != but
        and (row.phase is not Phase.CANCELLED or row.receipt is not None or row.statement_id in vetoed)
        for platform in row.platforms
    }  # fmt: skip
    return tuple(platform for platform in platforms if platform not in named_there)


def reword(incident: Incident, known: Known, states: Mapping[str, State], house: House, now: float) -> Plan:
    """Holding statements that are certainly not public yet name the platforms that are down now.

    Nor do they send people to a channel that has got into trouble meanwhile.  One that is well again is not put back
    into them: whoever is asked about a text would be asked about another one at every flicker.  And while a second
    person is waited for, the first has read where people are sent.

    Not what a person has approved, and not what already lies as a draft on a service: `sayable` stops those that have
    become untrue.
    """
    approved = {row.id for row in known.statements if row.decision == "approved"}
    platforms = speakable(incident, house, states)
    if not platforms:
        return Plan()
    places = offered(incident, known.holding, house.routes, house.voices, states)
    rows = [
        row
        for row in (*known.holding, *known.updates)
        if row.phase in (Phase.STANDBY, Phase.READY)
        and row.channel in house.voices
        and row.draft is None
        and row.receipt is None
        and row.statement_id not in approved
    ]
    begun = {row.id for row in known.statements if row.approvals}
    still = (
        row.elsewhere if row.statement_id in begun else [name for name in row.elsewhere if name in places]
        for row in rows
    )
    return Plan(
        deliveries=tuple(
            _worded(row, incident, platforms, places if row.platforms != platforms else left, known, house, now)
            for row, left in zip(rows, still, strict=True)
            if row.platforms != platforms or len(left) < len(row.elsewhere)
        )
    )


def lapse(known: Known, house: House, now: float) -> Plan:
    """Approvals that no longer hold, though not all has been said: a person is asked again."""
    rows = [_as_long_as_its_texts(row, known.deliveries) for row in known.statements]
    found = [(row, signoff.lapse(row, known.deliveries, house.signing, now)) for row in rows]
    return Plan(
        statements=tuple(signoff.lapsed(row, why, released_at(row.mode, house, now)) for row, why in found if why)
    )


def _as_long_as_its_texts(row: StatementRow, deliveries: Iterable[Delivery]) -> StatementRow:
    """With the latest time of what is left to be said of it: until then a person can still be asked about it."""
    return replace(row, latest=max([row.latest, *(one.latest for one in unsaid(row, deliveries))]))
