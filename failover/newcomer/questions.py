"""The conversation: who speaks, what can go down, where one can speak, and who stands in for whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from failover import registry
from failover.config.kinds import CataloguePlatform
from failover.config.problems import did_you_mean
from failover.config.settings import web_address
from failover.config.windows import known_timezone
from failover.newcomer.answers import Answers, Speaking, StandIn, usual_routes
from failover.newcomer.asking import Asking, Flags, Talk, words
from failover.newcomer.channel_questions import ChannelQuestions
from failover.newcomer.placing import RefusedError

USUAL_PLATFORMS = ("facebook", "instagram", "whatsapp", "x")
USUAL_CHANNELS = ("site",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview:
    """`talk` is None where nobody can be asked; `read_file` reads a secret from where a flag says."""

    flags: Flags
    talk: Talk | None
    folder: Path
    local_timezone: str
    read_file: Callable[[str], str]

    def answers(self) -> Answers:
        """Everything.  Raises RefusedError where something is missing or cannot be used."""
        asking, flags, catalogue = Asking(self.talk), self.flags, registry.catalogue()
        organisation = asking.one("Who is speaking: your organisation's name", "--organisation", flags.organisation)
        timezone = asking.one(
            "Time zone of the times in messages", "--timezone", flags.timezone, self.local_timezone, known_timezone
        )
        website = asking.one("Your website (optional)", "--website", flags.website, "", _address_or_nothing)
        asking.tell("", "What can go down?  Known are " + ", ".join(catalogue))
        platforms = asking.several("Platforms to watch", "--platform", flags.platforms, USUAL_PLATFORMS, catalogue)
        channels = self._channels(asking)
        return Answers(
            organisation=organisation,
            timezone=timezone,
            website=website,
            platforms=platforms,
            channels=channels,
            routes=self._routes(asking, {name: catalogue[name].group for name in platforms}, channels),
        )

    def _channels(self, asking: Asking) -> tuple[Speaking, ...]:
        kinds = registry.names(registry.CHANNELS)
        asking.tell("", "Where can you speak?", *(f"  {kind:<10} {_about(kind)}" for kind in kinds))
        wanted = asking.several("Channels", "--channel", self.flags.channels, USUAL_CHANNELS, kinds, _kind_of)
        named = {word.partition("=")[0]: _kind_of(word) for word in wanted}
        for flag in (*self.flags.options, *self.flags.secrets):
            name = flag.partition(".")[0]
            if name not in named:
                raise RefusedError(f"{flag}: there is no channel '{name}'{did_you_mean(name, named)}")
        questions = ChannelQuestions(flags=self.flags, asking=asking, folder=self.folder, read_file=self.read_file)
        found = []
        for name, kind in named.items():
            asking.tell("", f"{name}: {_about(kind)}")
            found.append(questions.channel(name, kind))
        return tuple(found)

    def _routes(self, asking: Asking, groups: Mapping[str, str], channels: Sequence[Speaking]) -> tuple[StandIn, ...]:
        """The usual ones, in an order and a choice of the person's own."""
        catalogue = registry.catalogue()
        stands = {one.name: _group(one.platform, catalogue) for one in channels}
        if self.flags.routes:
            return tuple(_route(text, groups, stands) for text in self.flags.routes)
        routes = usual_routes(groups, stands)
        if routes:
            asking.tell("", "Who stands in, and in which order?")
        return tuple(
            StandIn(
                platforms=route.platforms,
                backups=asking.several(
                    f"When {_or(route.platforms)} is down, speak on", "--route", (), route.backups, route.backups
                ),
            )
            for route in routes
        )


def _address_or_nothing(text: str) -> str:
    return web_address(text) if text else ""


def _kind_of(word: str) -> str:
    """`news=telegram` is a telegram called news; without a name it is called by its kind."""
    return word.rpartition("=")[2]


def _about(kind: str) -> str:
    return registry.summary(registry.CHANNELS, kind)


def _group(platform: str | None, catalogue: Mapping[str, CataloguePlatform]) -> str:
    """Whose fate a channel on this platform shares."""
    known = catalogue.get(platform or "")
    return known.group if known is not None else platform or ""


def _route(text: str, platforms: Collection[str], channels: Collection[str]) -> StandIn:
    """`facebook,instagram=telegram,site`."""
    first, found, second = text.partition("=")
    if not found:
        raise RefusedError(f"--route {text}: expected PLATFORMS=CHANNELS, such as facebook,instagram=telegram,site")
    for said, known in ((first, platforms), (second, channels)):
        for word in words(said):
            if word not in known:
                raise RefusedError(f"--route: there is no '{word}'{did_you_mean(word, known)}")
    return StandIn(platforms=tuple(words(first)), backups=tuple(words(second)))


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
