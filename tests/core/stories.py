"""What the stories on the core are made of: sightings, a small house, a journal that checks, fake channels, a world.

Time is a number that only `World` moves.  A fake channel speaks onto a `Wall` (what the public sees); its answers
are scripted, and it shows its own posts when it is read back.  `Fuse` kills the process at the n-th step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from failover.courier import Courier, Outlet
from failover.delivery import Delivery, Phase, Policy
from failover.desk import Desk
from failover.engine import Engine
from failover.events import mistakes
from failover.incidents import Calm, Incident
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Evidence,
    Fault,
    Finding,
    Found,
    Health,
    Observation,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Sighting,
    State,
    Statement,
    Transition,
    Unconfirmed,
    Unreachable,
)
from failover.plans import House, Saying
from failover.routing import Route, Voice
from failover.standing import Rules
from failover.store import Change, Store
from failover.watches import Watch

NOON = 1_795_000_000.0
"""2026-11-18T11:06:40Z."""

MINUTE, HOUR = 60.0, 3600.0

HERE, SPOKEN, ELSEWHERE = Evidence.HERE, Evidence.SPOKEN, Evidence.ELSEWHERE
OFFICIAL, CROWD, OPERATOR = Evidence.OFFICIAL, Evidence.CROWD, Evidence.OPERATOR

# -- what is seen ----------------------------------------------------------------------------------------------


def up(evidence: Evidence = SPOKEN, reason: str = "it answers") -> Sighting:
    return Sighting.up(evidence, reason)


def down(evidence: Evidence = SPOKEN, reason: str = "HTTP 503") -> Sighting:
    return Sighting.down(evidence, reason)


def degraded(evidence: Evidence = OFFICIAL, reason: str = "partial outage") -> Sighting:
    return Sighting.degraded(evidence, reason)


def unknown(evidence: Evidence = SPOKEN, reason: str = "HTML instead of JSON") -> Sighting:
    return Sighting.unknown(evidence, reason)


def account(evidence: Evidence = SPOKEN, reason: str = "the token has expired") -> Sighting:
    return Sighting.unknown(evidence, reason, fault=Fault.ACCOUNT)


def network(evidence: Evidence = HERE, reason: str = "no route to host") -> Sighting:
    return Sighting.unknown(evidence, reason, fault=Fault.NETWORK)


def seen(  # one look, in the words of a test
    sighting: Sighting,
    *,
    probe: str = "",
    platform: str = "facebook",
    at: float = NOON,
    good_for: float = 300.0,
    looks: int = 2,
) -> Observation:
    return Observation(
        platform=platform,
        probe=probe or sighting.evidence.value,
        at=at,
        good_until=at + good_for,
        sighting=sighting,
        looks=looks,
    )


def turned(platform: str, now: State, at: float = NOON, was: State = State.SUSPECT) -> Transition:
    return Transition(platform=platform, at=at, was=was, now=now, reason="spoken and crowd agree")


# -- who can speak, and where ----------------------------------------------------------------------------------

VOICES = {
    voice.name: voice
    for voice in (
        Voice(name="facebook-page", platform="facebook", group="meta"),
        Voice(name="instagram-page", platform="instagram", group="meta"),
        Voice(name="x-account", platform="x", group="x"),
        Voice(name="telegram", platform="telegram", group="telegram"),
        Voice(name="email"),
        Voice(name="blog"),
        Voice(name="press-desk", public=False),
        Voice(name="rehearsal", practice=True, public=False),
    )
}

META = Route(
    platforms=("facebook", "instagram"),
    primaries=("facebook-page", "instagram-page"),
    backups=("telegram", "email", "blog"),
)
X = Route(platforms=("x",), primaries=("x-account",), backups=("telegram", "blog"))

GROUPS = {"facebook": "meta", "instagram": "meta", "x": "x", "telegram": "telegram"}


def words(statement: Statement, channel: str, saying: Saying) -> tuple[str, str]:
    elsewhere = ", ".join(saying.elsewhere)
    return "", f"{statement.value}: {', '.join(saying.platforms)}; see {elsewhere} ({saying.reference})"


def house(**changes: Any) -> House:
    values: dict[str, Any] = {"word": words, "voices": VOICES, "groups": GROUPS, "routes": (META, X), **changes}
    return House(**values)


def watches(groups: Mapping[str, str] = GROUPS, **rules: Any) -> dict[str, Watch]:
    return {
        name: Watch(name=name, title=name.title(), group=group, rules=Rules(**rules))
        for name, group in groups.items()
    }


def incident(**changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "7",
        "group": "meta",
        "platforms": ("facebook",),
        "down": ("facebook",),
        "opened_at": NOON,
        **changes,
    }
    return Incident(**values)


def delivery(**changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "channel": "telegram",
        "incident": "7",
        "statement_id": "7H",
        "statement": Statement.HOLDING,
        "phase": Phase.READY,
        "due": NOON,
        "latest": NOON + 30 * MINUTE,
        "created_at": NOON,
        "reference": "F7H-181106",
        "text": "facebook does not work (F7H-181106)",
        "platforms": ("facebook",),
        **changes,
    }
    return Delivery(**{"id": f"{values['statement_id']}-{values['channel']}", **values})


# -- what is said to the administrators ------------------------------------------------------------------------


@dataclass
class Paper:
    """A journal on paper: keeps what was said, and refuses what the table of events does not know."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    bugs: list[BaseException] = field(default_factory=list)
    _said: dict[str, tuple[str, object]] = field(default_factory=dict)

    def say(self, name: str, /, **fields: object) -> None:
        assert not mistakes(name, fields), mistakes(name, fields)
        self.lines.append((name, fields))

    def say_on_change(self, key: str, name: str, /, **fields: object) -> bool:
        news = self._said.get(key) != (name, fields.get("reason"))
        self._said[key] = (name, fields.get("reason"))
        if news:
            self.say(name, **fields)
        return news

    def bug(self, where: str, error: BaseException) -> None:
        self.bugs.append(error)

    def said(self, name: str) -> list[dict[str, object]]:
        return [fields for event, fields in self.lines if event == name]

    @property
    def names(self) -> list[str]:
        return [event for event, _fields in self.lines]


# -- what the public sees --------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process died here."""


@dataclass
class Fuse:
    """Burns down with every step; at the end, and ever after, the process is dead."""

    steps: int | None = None
    burnt: int = 0

    def burn(self) -> None:
        self.burnt += 1
        if self.steps is not None and self.burnt > self.steps:
            raise Killed

    def blow(self) -> None:
        """At once."""
        self.steps = 0
        self.burn()

    @property
    def blown(self) -> bool:
        return self.steps is not None and self.burnt > self.steps


@dataclass(frozen=True)
class Post:
    """Something in public; `at` is when it became visible."""

    reference: str
    text: str
    key: str
    incident: str
    statement: Statement
    at: float


@dataclass
class Wall:
    """One place in public: it outlives the process."""

    posts: list[Post] = field(default_factory=list)

    def accept(self, announcement: Announcement, at: float) -> Post:
        post = Post(
            reference=announcement.reference,
            text=announcement.text,
            key=announcement.key,
            incident=announcement.incident,
            statement=announcement.statement,
            at=at,
        )
        self.posts.append(post)
        return post

    def said(self, statement: Statement) -> list[Post]:
        return [post for post in self.posts if post.statement is statement]


Answer = str
"""ok, slow:<seconds> (accepted that much later, told "no answer"), lost (accepted, told "no answer"), silent (not
accepted, told "no answer"), unreachable, wait:<seconds> (throttled), refused, bug, hang, die before, die after."""


class FakeChannel:
    """Answers from the script (used up, also across processes), then `ok` for ever; reads its wall back."""

    def __init__(self, wall: Wall, now: Callable[[], float], answers: list[Answer], fuse: Fuse | None = None) -> None:
        self.wall = wall
        self.answers = answers
        self.findings: list[str] = []
        self.fuse = fuse or Fuse()
        self.asked: list[Announcement] = []
        self.looked: list[Announcement] = []
        self.speaking = 0
        self.before_send: Callable[[Announcement, Any], Any] | None = None
        self.sighting: Sighting | None = None
        self._now = now

    async def send(self, announcement: Announcement, notebook: Any) -> Outcome:
        assert self.speaking == 0, "two deliveries at a time"
        self.speaking += 1
        try:
            self.asked.append(announcement)
            if self.before_send is not None:
                await self.before_send(announcement, notebook)
            self.fuse.burn()
            outcome = await self._answer(self.answers.pop(0) if self.answers else "ok", announcement)
            self.fuse.burn()
            return outcome
        finally:
            self.speaking -= 1

    async def _answer(self, answer: Answer, announcement: Announcement) -> Outcome:
        kind, _, number = answer.partition(":")
        if kind in ("ok", "slow", "lost", "bug", "hang", "die after"):
            self.wall.accept(announcement, self._now() + float(number or 0))
        if kind.startswith("die"):
            self.fuse.blow()
        if kind == "bug":
            raise LookupError("a bug of the channel")
        if kind == "hang":
            await _for_ever()
        outcomes: dict[Answer, Outcome] = {
            "ok": Delivered(receipt=self._receipt(announcement), sighting=self.sighting),
            "unreachable": Unreachable(reason="connection refused", sighting=self.sighting),
            "wait": Unreachable(reason="too many requests", retry_after=float(number or 0)),
            "refused": Refused(reason="no permission", refusal=Refusal.PERMISSION),
        }
        return outcomes.get(kind, Unconfirmed(reason="no answer", sighting=self.sighting))

    async def find(self, announcement: Announcement, notebook: Any) -> Finding:
        self.looked.append(announcement)
        self.fuse.burn()
        answer = self.findings.pop(0) if self.findings else "look"
        self.fuse.burn()
        match answer:
            case "cannot":
                return CannotTell(reason="the read-back failed")
            case "bug":
                raise LookupError("a bug of the channel")
            case "hang":
                await _for_ever()
        there = [post for post in self.wall.posts if post.reference == announcement.reference]
        if any(post.at <= self._now() for post in there):
            return Found(receipt=self._receipt(announcement))
        return Absent(reason="not there")

    async def check(self) -> Health:
        return Health(sighting=up())

    async def retract(self, receipt: Receipt) -> Outcome:
        return Delivered(receipt=receipt)

    @staticmethod
    def _receipt(announcement: Announcement) -> Receipt:
        return Receipt(remote_id=f"remote {announcement.reference}", url="https://example.org/1")


async def _for_ever() -> None:
    import asyncio

    await asyncio.Event().wait()


# -- one process after another, in one world -------------------------------------------------------------------


class FusedStore(Store):
    """A store whose every commit may be the last step of the process: before it, or when it is on the disk.

    Reading changes nothing: a death while reading is one after the commit before it.
    """

    fuse = Fuse()


def _fused(name: str) -> Callable[..., Any]:
    plain = getattr(Store, name)

    async def step(self: FusedStore, *args: Any, **kwargs: Any) -> Any:
        self.fuse.burn()
        found = await plain(self, *args, **kwargs)
        self.fuse.burn()
        return found

    return step


for _name in ("record", "fresh_incident_id", "reserve", "note", "interrupted"):
    setattr(FusedStore, _name, _fused(_name))

GREEN: Mapping[str, Sighting] = {"api": up(SPOKEN), "crowd": up(CROWD, "no reports")}
RED: Mapping[str, Sighting] = {"api": down(SPOKEN), "crowd": down(CROWD, "many reports")}
GREY: Mapping[str, Sighting] = {"api": unknown(SPOKEN), "crowd": unknown(CROWD)}
HALF: Mapping[str, Sighting] = {"api": up(SPOKEN), "crowd": down(CROWD, "many reports")}
"""What the two probes of a platform see: well, down, nothing, and one class alone against it."""

Views = Mapping[str, Mapping[str, Sighting]]


class World:
    """The database, the public and the clock, which outlive a process; and the process: engine, courier, desk."""

    def __init__(
        self,
        path: Path | str,
        *,
        house_: House | None = None,
        watches_: Mapping[str, Watch] | None = None,
        policies: Mapping[str, Policy] | None = None,
    ) -> None:
        self.path = path
        self.now = NOON
        self.house = house_ or house()
        self.watches = watches_ or watches()
        self.policies = dict(policies or {})
        self.walls = {name: Wall() for name in VOICES}
        self.papers: list[Paper] = []
        self.fuse = Fuse()
        self.answers: dict[str, list[Answer]] = {name: [] for name in VOICES}
        self.woken = 0
        self.store: Store

    # -- the process -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """A new process on the old database."""
        FusedStore.fuse = self.fuse
        if self.path != ":memory:" or not self.papers:
            self.store = FusedStore.open(self.path)
        await self.boot()

    async def boot(self) -> None:
        """Everything but the database is new."""
        self.journal = Paper()
        self.papers.append(self.journal)
        self.engine = Engine(self.store, self.house, self.watches, self.journal, self._wake)
        self.channels = {
            name: FakeChannel(self.walls[name], lambda: self.now, self.answers[name], self.fuse)
            for name in self.house.voices
        }
        outlets = {
            name: Outlet(
                name=name,
                channel=channel,
                policy=self.policies.get(name, Policy()),
                platform=self.house.voices[name].platform,
            )
            for name, channel in self.channels.items()
        }
        self.courier = Courier(self.engine, outlets, lambda: self.now)
        self.desk = Desk(self.engine)
        await self.engine.load(self.now)

    def _wake(self) -> None:
        self.woken += 1

    def die(self) -> None:
        """The process is gone; what it committed stays (also in memory, for stories that must be quick)."""
        self.burn(None)
        if self.path != ":memory:":
            self.store.close()

    def burn(self, steps: int | None) -> None:
        """From now on the process lives for so many steps."""
        self.fuse = FusedStore.fuse = Fuse(steps)
        for channel in self.channels.values():
            channel.fuse = self.fuse

    async def restart(self) -> None:
        self.die()
        await self.start()

    # -- time passes -------------------------------------------------------------------------------------------

    async def look(self, platform: str, views: Mapping[str, Sighting], good_for: float = 200.0) -> None:
        """Every probe of the platform looks once, now."""
        for probe, sighting in views.items():
            await self.engine.saw(platform, probe, sighting, self.now, good_for=good_for)

    async def deliver(self) -> None:
        """One round of the courier, to its end."""
        await self.courier.deliver()
        await self.courier.finish()

    async def live(
        self, seconds: float, views: Views | None = None, *, every: float | None = None, deliver: bool = True
    ) -> None:
        """So much time passes: looks (`{"facebook": RED}`), ticks and deliveries all the while."""
        until = self.now + seconds
        every = every or (30 if seconds <= 5 * MINUTE else 60 if seconds <= HOUR else 90)
        while self.now < until:
            self.now = min(self.now + every, until)
            for platform, view in (views or {}).items():
                await self.look(platform, view)
            await self.engine.tick(self.now)
            if deliver:
                await self.deliver()

    async def fall(self, *platforms: str, deliver: bool = True) -> None:
        """The platforms go down, beyond doubt."""
        await self.live(180, dict.fromkeys(platforms, RED), deliver=deliver)

    async def rise(self, *platforms: str, deliver: bool = True) -> None:
        """The platforms come back, beyond doubt."""
        await self.live(16 * MINUTE, dict.fromkeys(platforms, GREEN), deliver=deliver)

    # -- what can be seen --------------------------------------------------------------------------------------

    def state(self, platform: str = "facebook") -> State:
        return self.engine.states().get(platform, State.UNKNOWN)

    def posts(self, statement: Statement = Statement.HOLDING) -> dict[str, int]:
        """How often each channel has it in public; channels without are left out."""
        counts = {name: len(wall.said(statement)) for name, wall in self.walls.items()}
        return {name: count for name, count in counts.items() if count}

    async def phases(self, statement_id: str = "1H") -> dict[str, str]:
        rows = await self.store.deliveries(statement_id.rstrip("HWU0123456789") or statement_id[:1])
        return {row.channel: row.phase.value for row in rows if row.statement_id == statement_id}

    async def row(self, delivery_id: str) -> Delivery:
        found = await self.store.delivery(delivery_id)
        assert found is not None, delivery_id
        return found

    async def put(self, *rows: Delivery, **changes: Any) -> None:
        """Write rows as they are, past every rule."""
        await self.store.record(Change(at=self.now, deliveries=tuple(replace(row, **changes) for row in rows)))


HEARD_BY_META: Sequence[str] = ("telegram", "email", "blog")
CALM = Calm()
