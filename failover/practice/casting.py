"""The user's configuration with every channel played, every source blind, and nothing left that leads outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from failover.config.kinds import CataloguePlatform, Kinds
from failover.config.settings import Settings
from failover.contracts import AnyChannelKind, AnyProbeKind, Channel, Notebook, Options, Probe, Surroundings
from failover.model import Announcement, Delivered, Evidence, Finding, Found, Health, Outcome, Receipt, Sighting
from failover.practice.players import PLAYERS, Cue, Player

RENDERED = "rendered only"
"""What a receipt notes where nothing was spoken to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """`settings` are the user's with the players' options; a channel without a player is rendered only."""

    settings: Settings
    kinds: PlayedKinds
    players: Mapping[str, Player]


@asynccontextmanager
async def cast(settings: Settings, kinds: Kinds, folder: Path, now: Callable[[], float]) -> AsyncIterator[Cast]:
    """Every player listens until the block ends; `folder` is empty, and theirs to write into."""
    accounts = tuple(one.telegram for one in settings.sign_off.approvers if one.telegram is not None)
    players: dict[str, Player] = {}
    async with AsyncExitStack() as stack:
        for one in settings.channels.values():
            if one.kind not in PLAYERS:
                continue
            place = folder / str(len(players))
            place.mkdir()
            cue = Cue(folder=place, organisation=settings.organisation.name, accounts=accounts, now=now)
            player = players[one.name] = PLAYERS[one.kind](one.options, cue)
            if player.service is not None:
                await stack.enter_async_context(player.service)
        yield Cast(settings=_played(settings, players), kinds=PlayedKinds(kinds), players=players)


def _played(settings: Settings, players: Mapping[str, Player]) -> Settings:
    """No source is asked and nobody outside is called; announced maintenance does not keep a drill from being one."""
    return replace(
        settings,
        channels={
            name: replace(one, options=players[name].dressed(one.options)) if name in players else one
            for name, one in settings.channels.items()
        },
        platforms={name: replace(one, probes=()) for name, one in settings.platforms.items()},
        maintenance=(),
        heartbeat=None,
        metrics=None,
        posts=None,
        secrets=frozenset(),
    )


class PlayedKinds:
    """The registry's kinds: those that are played open as ever, of the others nothing is ever opened."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds

    def find_probe(self, name: str) -> AnyProbeKind:
        return replace(self._kinds.find_probe(name), open=_blind)

    def find_channel(self, name: str) -> AnyChannelKind:
        kind = self._kinds.find_channel(name)
        return kind if name in PLAYERS else replace(kind, open=_mute)

    def catalogue(self) -> Mapping[str, CataloguePlatform]:
        return self._kinds.catalogue()


def _blind(_options: Options, _around: Surroundings) -> AbstractAsyncContextManager[Probe]:
    return _opened_probe()


def _mute(_options: Options, _around: Surroundings) -> AbstractAsyncContextManager[Channel]:
    return _opened_channel()


@asynccontextmanager
async def _opened_probe() -> AsyncIterator[Probe]:
    yield _Blind()


@asynccontextmanager
async def _opened_channel() -> AsyncIterator[Channel]:
    yield _Mute()


class _Blind:
    """Where a probe would look."""

    async def look(self) -> Sighting:
        return Sighting.unknown(Evidence.HERE, "no source is asked in a drill")


class _Mute:
    """Where a channel would speak that nobody can play: what it is given counts as said."""

    async def send(self, announcement: Announcement, _notebook: Notebook) -> Outcome:
        return Delivered(receipt=_receipt(announcement))

    async def find(self, announcement: Announcement, _notebook: Notebook) -> Finding:
        return Found(receipt=_receipt(announcement))

    async def check(self) -> Health:
        return Health(sighting=Sighting.up(Evidence.SPOKEN, RENDERED))

    async def retract(self, receipt: Receipt) -> Outcome:
        return Delivered(receipt=receipt)


def _receipt(announcement: Announcement) -> Receipt:
    return Receipt(remote_id=announcement.reference, note=RENDERED)
