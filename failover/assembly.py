"""Settings to objects: every channel and probe opened, the engine and the courier wired; closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from failover import __version__
from failover.asking.approvers import asker
from failover.asking.asker import Asker
from failover.config.kinds import Kinds
from failover.config.settings import (
    SIGNED,
    ChannelSettings,
    PlatformSettings,
    ProbeSettings,
    Recurring,
    Settings,
    Window,
)
from failover.contracts import Channel, Probe, Surroundings
from failover.courier import Courier, Outlet
from failover.delivery import Policy
from failover.desk import Desk
from failover.drill import Drill
from failover.engine import Engine
from failover.hours import Hours
from failover.incidents import Calm
from failover.lookout import Look, Lookout
from failover.model import Statement
from failover.moments import zone_of
from failover.plans import House, Saying
from failover.postoffice import PostOffice
from failover.posts import Gauge
from failover.retraction import Retraction
from failover.routing import Route, Voice
from failover.signoff import Person, Signing
from failover.spool import Spool
from failover.standing import Rules
from failover.store import Store
from failover.telling import Says
from failover.templates import WordingError
from failover.watches import Watch
from failover.wording import Facts, Messages, word

ANCHORS = "anchors"
"""The probe kind that watches our own line; the daemon itself asks for it (rule R3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """One configuration at work."""

    settings: Settings
    engine: Engine
    courier: Courier
    desk: Desk
    asker: Asker
    retraction: Retraction
    drill: Drill
    posts: PostOffice
    spool: Spool | None
    lookout: Lookout
    channels: dict[str, Channel]


@asynccontextmanager
async def assemble(
    settings: Settings, kinds: Kinds, store: Store, journal: Says, now: Callable[[], float], wake: Callable[[], None]
) -> AsyncIterator[Assembly]:
    """Open everything that `settings` names; close it at the end."""
    async with AsyncExitStack() as stack:
        maker = _Maker(settings, kinds, journal, now)
        channels: dict[str, Channel] = {}
        for one in settings.channels.values():
            channels[one.name] = await stack.enter_async_context(maker.channel(one))
        looks = [
            maker.as_look(probe, await stack.enter_async_context(maker.probe(probe, channels)))
            for platform in settings.platforms.values()
            for probe in platform.probes
        ]
        anchors = await stack.enter_async_context(maker.anchors())
        engine = Engine(store, house(settings, kinds, journal), watches(settings), journal, wake)
        outlets = {name: _outlet(settings.channels[name], channel) for name, channel in channels.items()}
        fast = settings.judgement.every_when_suspect
        desk = Desk(engine)
        office = PostOffice(engine, pictures_of(settings), settings.organisation.timezone)
        yield Assembly(
            settings=settings,
            engine=engine,
            courier=Courier(engine, outlets, now),
            desk=desk,
            asker=asker(settings, engine, desk, user_agent(settings), now, wake),
            retraction=Retraction(engine, desk, outlets),
            drill=Drill(engine),
            posts=office,
            spool=Spool(settings.posts.folder, office, engine, now) if settings.posts else None,
            lookout=Lookout(engine, looks, anchors, now, fast=fast),
            channels=channels,
        )


class _Maker:
    """Opens kinds in their surroundings."""

    def __init__(self, settings: Settings, kinds: Kinds, journal: Says, now: Callable[[], float]) -> None:
        self._settings = settings
        self._kinds = kinds
        self._journal = journal
        self._now = now

    def channel(self, one: ChannelSettings) -> AbstractAsyncContextManager[Channel]:
        kind = self._kinds.find_channel(one.kind)
        return kind.open(one.options, self._surroundings(one.name, one.platform or "", {}))

    def probe(self, one: ProbeSettings, channels: dict[str, Channel]) -> AbstractAsyncContextManager[Probe]:
        kind = self._kinds.find_probe(one.kind)
        return kind.open(one.options, self._surroundings(one.name, one.platform, channels))

    def anchors(self) -> AbstractAsyncContextManager[Probe]:
        kind = self._kinds.find_probe(ANCHORS)
        options = kind.options.model_validate({"urls": list(self._settings.judgement.anchors)})
        return kind.open(options, self._surroundings(ANCHORS, "", {}))

    def as_look(self, one: ProbeSettings, probe: Probe) -> Look:
        return Look(
            platform=one.platform,
            name=one.name,
            probe=probe,
            evidence=self._kinds.find_probe(one.kind).evidence,
            every=one.every,
            fastest=one.fastest,
            timeout=one.timeout,
            on_suspicion=one.on_suspicion,
            budget=one.budget,
            cost=one.cost,
            free=one.free,
        )

    def _surroundings(self, name: str, platform: str, channels: dict[str, Channel]) -> Surroundings:
        def alarm(reason: str) -> None:
            self._journal.say_on_change(f"alarm/{name}", "channel_notice", channel=name, reason=reason)

        return Surroundings(
            organisation=self._settings.organisation,
            user_agent=user_agent(self._settings),
            name=name,
            platform=platform,
            now=self._now,
            channel=channels.__getitem__,
            alarm=alarm,
            titles={one.name: one.title for one in self._settings.platforms.values()},
        )


def pictures_of(settings: Settings) -> Path:
    """Where the pictures of posts are kept: beside the database."""
    return settings.state.with_name("pictures")


def user_agent(settings: Settings) -> str:
    """Who asks, and where the asked can complain; plain ASCII, as HTTP demands."""
    organisation = settings.organisation
    contact = organisation.contact or organisation.website or organisation.name
    return f"failover/{__version__} (+{contact})".encode("ascii", "replace").decode()


def _outlet(one: ChannelSettings, channel: Channel) -> Outlet:
    policy = Policy(when_unsure=one.when_unsure, settle=one.settle, deadline=one.deadline, reads_back=one.reads_back)
    return Outlet(name=one.name, channel=channel, policy=policy, platform=one.platform)


def watches(settings: Settings) -> dict[str, Watch]:
    """The platforms as the engine watches them."""
    return {name: _watch(platform, settings) for name, platform in settings.platforms.items()}


def _watch(platform: PlatformSettings, settings: Settings) -> Watch:
    judgement = settings.judgement
    windows = [one for one in settings.maintenance if one.platform == platform.name]
    clock = settings.organisation.timezone
    return Watch(
        name=platform.name,
        title=platform.title,
        group=platform.group,
        rules=Rules(
            classes=judgement.confirm.classes,
            confirm_for=judgement.confirm.for_,
            recover_for=judgement.recover.for_,
            accounts=frozenset(probe.name for probe in platform.probes if probe.kind == "account"),
            pages=frozenset(probe.name for probe in platform.probes if probe.kind == "web"),
            lookups=frozenset(probe.name for probe in platform.probes if probe.kind == "dns"),
        ),
        maintenance=tuple((one.start, one.until, one.why) for one in windows if isinstance(one, Window)),
        recurring=tuple(
            (Hours(*one.hours, clock, one.days), one.why) for one in windows if isinstance(one, Recurring)
        ),
        zone=zone_of(settings.organisation.timezone),
    )


def house(settings: Settings, kinds: Kinds, journal: Says) -> House:
    """The configuration as planning needs it."""
    judgement, limits = settings.judgement, settings.limits
    return House(
        word=_worder(settings, journal),
        voices={name: _voice(one, kinds, settings.organisation.timezone) for name, one in settings.channels.items()},
        groups={name: platform.group for name, platform in settings.platforms.items()},
        routes=[
            Route(
                platforms=one.platforms,
                primaries=one.primary_channels,
                backups=one.backups,
                reach=one.reach,
                after=one.after,
                partial=one.partial == "say",
                posts=one.posts,
            )
            for one in settings.routes
        ],
        calm=Calm(
            recover_for=judgement.recover.for_,
            relapse=judgement.relapse,
            intermittent_after=judgement.intermittent.after,
            intermittent_for=judgement.intermittent.calm,
        ),
        sign_off={kind: settings.sign_off.mode(kind) for kind in SIGNED},
        veto_for=settings.sign_off.veto_for,
        signing=_signing(settings),
        holding_latest=limits.holding_latest,
        welcome_latest=limits.welcome_latest,
        update_every=limits.update_every,
        posts_per_day=limits.posts_per_day,
        gather=2 * judgement.every_when_suspect,
        release_every=limits.release_every,
        gauges={name: _gauge(one, kinds) for name, one in settings.channels.items()},
    )


def _signing(settings: Settings) -> Signing:
    """The rules of sign-off as planning and the desk need them."""
    rules = settings.sign_off
    return Signing(
        modes={(name, kind): rules.mode(kind, name) for name in rules.channels for kind in SIGNED},
        two_persons=frozenset(kind for kind in SIGNED if rules.needs_two(kind)),
        valid_for=rules.valid_for,
        people=tuple(
            Person(name=one.name, group=one.group, telegram=one.telegram, email=one.email or "", user=one.user or "")
            for one in rules.approvers
        ),
        remind_after=rules.remind_after,
        escalate_after=rules.escalate_after,
        if_nobody=rules.if_nobody,
    )


def _gauge(one: ChannelSettings, kinds: Kinds) -> Gauge:
    kind = kinds.find_channel(one.kind)
    return Gauge(measure=partial(kind.measure, one.options), images=kind.images)


def _voice(one: ChannelSettings, kinds: Kinds, timezone: str) -> Voice:
    public = kinds.find_channel(one.kind).public and not one.practice
    quiet = Hours(*one.quiet, timezone) if one.quiet else None
    return Voice(
        name=one.name, platform=one.platform, group=one.group, practice=one.practice, public=public, quiet=quiet
    )


def _worder(settings: Settings, journal: Says) -> Callable[[Statement, str, Saying], tuple[str, str]]:
    """From names in the configuration to the words for the public.

    A template that fails in the hour of need, though it was rendered when the file was read, must not silence the
    others: the built-in words are used, and a person is told.
    """

    def worded(statement: Statement, channel: str, saying: Saying) -> tuple[str, str]:
        facts = Facts(
            organisation=settings.organisation,
            platforms=tuple(settings.platforms[name].title for name in saying.platforms),
            back=tuple(settings.platforms[name].title for name in saying.back if name in settings.platforms),
            also=tuple(settings.platforms[name].title for name in saying.also if name in settings.platforms),
            elsewhere=tuple(settings.channels[name].title for name in saying.elsewhere),
            channel=settings.channels[channel].title,
            reference=saying.reference,
            incident=saying.incident,
            since=saying.opened_at,
            now=saying.now,
            drill=settings.channels[channel].practice,
        )
        try:
            wording = word(settings.messages, statement, channel, facts)
        except WordingError as error:
            reason = f"the message {statement.value} for {channel} cannot be used ({error}); built-in words were used"
            journal.say_on_change(f"words/{statement.value}/{channel}", "person_needed", reason=reason)
            wording = word(Messages(), statement, channel, facts)
        return wording.subject, wording.text

    return worded
