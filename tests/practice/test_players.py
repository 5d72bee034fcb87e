"""Every channel of a drill on the practice internet leads to this machine, whatever its owner configured."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import Field, SecretStr

from failover import registry
from failover.config import parse
from failover.config.kinds import CataloguePlatform
from failover.config.settings import Settings
from failover.contracts import AnyChannelKind, AnyProbeKind, ChannelKind, Options
from failover.model import Measure
from failover.practice.casting import cast
from failover.practice.confinement import is_here
from failover.practice.players import PLAYERS, Player

CONFIG = """\
organisation: {name: Example Council, timezone: Europe/London, website: "https://www.example.org"}
platforms: {facebook: {catalogue: true}, telegram: {}, x: {}}
channels:
  facebook: {kind: facebook, platform: facebook, page: "987654", token_file: t, version: v25.0,
    link: "https://real.example.net/help", api_url: "https://graph.real.example.net"}
  telegram: {kind: telegram, chat: "@realcouncil", token_file: t, pin: true, canary_chat: -1001112223334}
  group: {kind: telegram, chat: -1005556667778, token_file: t, operators_chat: -1004443332221,
    api_url: "https://telegram.real.example.net"}
  shown-group: {kind: telegram, chat: -1005556667779, token_file: t, preview_url: "https://t.me/s/realgroup"}
  x: {kind: x, consumer_key_file: a, consumer_secret_file: b, access_token_file: c, access_token_secret_file: d,
    api_url: "https://x.real.example.net"}
  email: {kind: email, host: smtp.real.example.net, username: comms, password_file: p, ca_file: real-ca.pem,
    sender: "Council <news@example.org>", recipients_file: subscribers.csv,
    unsubscribe: "https://real.example.net/{token}", unsubscribe_secret_file: u}
  few: {kind: email, host: mail.real.example.net, sender: news@example.org, recipients: [resident@real.example.net]}
  letters: {kind: email, folder: outbox, sender: news@example.org, recipients: [resident@real.example.net]}
  blog: {kind: wordpress, url: "https://blog.real.example.net", api_url: "https://in.real.example.net",
    username: failover, password_file: w, rest_route: true}
  page: {kind: site, folder: public, url: "https://status.real.example.net", language: de, heading: Status}
  hook: {kind: webhook, url: "https://hooks.real.example.net/in", secret_file: h, previous_secret_file: h2}
routes:
  - {primary: [facebook], backups: [telegram, email]}
"""

ONLY_SAID = {("facebook", "link"), ("email", "unsubscribe"), ("page", "url")}
"""What stands in a text or on a page, and is never called."""


def settings_of(text: str, folder: Path, kinds: Any = registry) -> Settings:
    return parse(text, folder / "config.yaml", {}, kinds, example=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(CONFIG, tmp_path)


def hosts(value: object) -> list[str]:
    """Every host that is named in an option."""
    if isinstance(value, str) and "://" in value:
        return [urlsplit(value).hostname or ""]
    return []


async def test_every_address_of_every_channel_is_of_this_machine(settings: Settings, tmp_path: Path) -> None:
    """And nothing that the owner wrote as an address is left, but what is only said."""
    async with cast(settings, registry, tmp_path, lambda: 0.0) as played:
        assert set(played.players) == set(settings.channels)
        for name, channel in played.settings.channels.items():
            for option in type(channel.options).model_fields:
                value = getattr(channel.options, option)
                if (name, option) not in ONLY_SAID:
                    assert all(is_here(host) for host in hosts(value)), (name, option, value)
                    assert "real.example.net" not in str(value), (name, option)
        mail: Any = played.settings.channels["email"].options
        telegram: Any = played.settings.channels["telegram"].options
        group: Any = played.settings.channels["group"].options
    assert (mail.host, mail.security, mail.username, mail.ca_file) == ("127.0.0.1", "none", None, None)
    assert is_here(urlsplit(telegram.page).hostname)
    assert telegram.canary_chat is None
    assert group.page is None


async def test_no_key_and_no_list_of_people_is_the_owners(settings: Settings, tmp_path: Path) -> None:
    """Also the ones that stand in for secrets where none is read are exchanged; and folders are ours."""
    async with cast(settings, registry, tmp_path, lambda: 0.0) as played:
        for name, channel in played.settings.channels.items():
            before = settings.channels[name].options
            for option in type(channel.options).model_fields:
                value = getattr(channel.options, option)
                if isinstance(value, SecretStr):
                    assert value != getattr(before, option), (name, option)
                if isinstance(value, Path):
                    assert value.is_relative_to(tmp_path), (name, option)
                    assert value != getattr(before, option)
        mail: Any = played.settings.channels["email"].options
    assert mail.recipients_file is None
    assert all(address.endswith("@example.org") for address in mail.recipients)


async def test_what_the_owner_says_of_the_message_stays(settings: Settings, tmp_path: Path) -> None:
    """Links, languages, pins, limits and the names of places are what is rehearsed."""
    async with cast(settings, registry, tmp_path, lambda: 0.0) as played:
        kept: dict[str, Any] = {name: one.options for name, one in played.settings.channels.items()}
    assert (kept["facebook"].page, kept["facebook"].link) == ("987654", "https://real.example.net/help")
    assert (kept["facebook"].version, kept["telegram"].pin) == ("v25.0", True)
    assert (kept["page"].language, kept["page"].heading) == ("de", "Status")
    assert kept["blog"].rest_route is True


async def test_every_played_channel_could_post(settings: Settings, tmp_path: Path) -> None:
    """The channel's own check, over its own protocol: the practice service knows it and its made-up key."""
    from failover.assembly import assemble
    from failover.practice._backstage import Scribe, Timer
    from failover.store import Store

    timer, store, troubles = Timer(), Store.open(":memory:"), []
    async with cast(settings, registry, tmp_path, timer.now) as played:
        journal = Scribe(troubles.append)
        async with assemble(played.settings, played.kinds, store, journal, timer.now, lambda: None) as at:
            problems = {name: (await channel.check()).problems for name, channel in at.channels.items()}
    store.close()
    assert problems == dict.fromkeys(settings.channels, ())
    assert troubles == []


async def test_no_source_is_left_and_nobody_outside_is_called(settings: Settings, tmp_path: Path) -> None:
    """Probes are gone, and where one is opened nevertheless (the anchors) it is a blind one."""
    assert any(one.probes for one in settings.platforms.values())
    async with cast(settings, registry, tmp_path, lambda: 0.0) as played:
        assert not any(one.probes for one in played.settings.platforms.values())
        assert played.settings.heartbeat is None
        kind = played.kinds.find_probe("anchors")
        async with kind.open(None, None) as probe:
            assert (await probe.look()).reason == "no source is asked in a drill"


class CarrierOptions(Options):
    """Of a kind that somebody wrote for themselves."""

    loft: str = Field(min_length=1)


@asynccontextmanager
async def never(_options: Options, _around: object) -> Any:
    raise AssertionError("a channel that is not played was opened")
    yield


CARRIER = ChannelKind(
    CarrierOptions, never, lambda _options, one: Measure(len(one.text), 500, "letters"), example="{kind: carrier}"
)


class WithCarrier:
    """The registry, and one kind that has no practice service."""

    def find_probe(self, name: str) -> AnyProbeKind:
        return registry.find_probe(name)

    def find_channel(self, name: str) -> AnyChannelKind:
        return CARRIER if name == "carrier" else registry.find_channel(name)

    def catalogue(self) -> Mapping[str, CataloguePlatform]:
        return registry.catalogue()


WITH_CARRIER = CONFIG.replace("routes:", "  carrier: {kind: carrier, loft: north}\nroutes:").replace(
    "[telegram, email]", "[carrier, telegram]"
)


async def test_a_channel_without_a_player_is_never_opened(tmp_path: Path) -> None:
    """It is rendered only: what it is given counts as said, and is noted as such."""
    kinds = WithCarrier()
    async with cast(settings_of(WITH_CARRIER, tmp_path, kinds), kinds, tmp_path, lambda: 0.0) as played:
        assert "carrier" not in played.players
        kind = played.kinds.find_channel("carrier")
        assert kind.measure is CARRIER.measure
        async with kind.open(CarrierOptions(loft="north"), None) as channel:
            assert (await channel.check()).able


def test_an_option_that_is_not_there_is_not_exchanged_in_silence() -> None:
    """Where a kind has renamed one, the real address might have stayed under the new name."""
    player = Player(changes=lambda: {"api_url": "http://127.0.0.1:1"}, shows=list)
    with pytest.raises(LookupError, match="there is no option api_url"):
        player.dressed(CarrierOptions(loft="north"))


def test_only_kinds_that_are_shipped_are_played() -> None:
    """A name that is none would leave its channel unplayed in silence."""
    for kind in PLAYERS:
        assert registry.find_channel(kind).example
