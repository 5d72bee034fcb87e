"""The conversation: what was not said by a flag is asked, one question at a time, until the answer can be used.

Where nobody can be asked, whatever is missing is an error that names the flag.  Secrets are typed without being
shown, or read from a file; the command line, which every user of the machine can read, is no place for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from failover import registry
from failover.config.problems import did_you_mean
from failover.config.settings import web_address
from failover.config.windows import known_timezone
from failover.contracts import AnyChannelKind
from failover.newcomer.answers import Answers, Speaking, StandIn, usual_routes
from failover.newcomer.options import Wanted, as_yaml, faults, platform_of, wanted_of
from failover.newcomer.placing import SECRETS, RefusedError

USUAL_PLATFORMS = ("facebook", "instagram", "whatsapp", "x")
USUAL_CHANNELS = ("site",)


class Talk(Protocol):
    """The person at the terminal."""

    def say(self, text: str) -> None: ...

    def ask(self, question: str) -> str: ...

    def ask_secret(self, question: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What was said on the command line; None where it was not.

    `options` and `secrets` are by `channel.option`; the latter name files, "-" is the standard input.
    """

    organisation: str | None = None
    timezone: str | None = None
    website: str | None = None
    platforms: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


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
        catalogue = registry.catalogue()
        organisation = self._one(
            "Who is speaking: your organisation's name", "--organisation", self.flags.organisation
        )
        timezone = self._one(
            "Time zone of the times in messages",
            "--timezone",
            self.flags.timezone,
            self.local_timezone,
            known_timezone,
        )
        website = self._one(
            "Your website (optional)", "--website", self.flags.website, "", lambda text: text and web_address(text)
        )
        self._say("", "What can go down?  Known are " + ", ".join(catalogue))
        platforms = self._several(
            "Platforms to watch", "--platform", self.flags.platforms, USUAL_PLATFORMS, catalogue
        )
        kinds = registry.names(registry.CHANNELS)
        self._say("", "Where can you speak?", *(f"  {kind:<10} {_about(kind)}" for kind in kinds))
        wanted = self._several("Channels", "--channel", self.flags.channels, USUAL_CHANNELS, kinds, _kind_of)
        self._unused({name for name, _kind in _names(wanted)})
        channels = tuple(self._channel(name, kind) for name, kind in _names(wanted))
        groups = {name: catalogue[name].group for name in platforms}
        stands = {one.name: _group(one.platform, catalogue) for one in channels}
        return Answers(
            organisation=organisation,
            timezone=timezone,
            website=website,
            platforms=platforms,
            channels=channels,
            routes=self._routes(groups, stands),
        )

    # --- one question ---

    def _one(
        self,
        question: str,
        flag: str,
        said: str | None,
        usual: str | None = None,
        check: Callable[[str], object] = lambda text: text,
    ) -> str:
        """What was said, else what is answered, else the usual."""
        if said is None and self.talk is None:
            if usual is None:
                raise RefusedError(f"{flag} is missing: {question}")
            said = usual
        if said is not None:
            return _checked(said, check, flag)
        assert self.talk is not None
        while True:
            answer = self.talk.ask(f"{question}{f' [{usual}]' if usual else ''}: ").strip() or usual
            if answer is None:
                self._say("  This one is needed.")
                continue
            try:
                return _checked(answer, check, "")
            except RefusedError as error:
                self._say(f"  {error}")

    def _several(
        self,
        question: str,
        flag: str,
        said: Sequence[str],
        usual: Sequence[str],
        known: Collection[str],
        of: Callable[[str], str] = lambda word: word,
    ) -> tuple[str, ...]:
        """Names out of a list, with commas or spaces between them."""

        def check(text: str) -> None:
            for word in _words(text):
                if of(word) not in known:
                    raise ValueError(f"there is no '{of(word)}'{did_you_mean(of(word), known)}")

        given = " ".join(said) or None
        return tuple(dict.fromkeys(_words(self._one(question, flag, given, ", ".join(usual), check))))

    # --- channels ---

    def _channel(self, name: str, kind_name: str) -> Speaking:
        """Its options, until the kind itself finds nothing wrong with them."""
        kind, wanted = registry.find_channel(kind_name), wanted_of(registry.find_channel(kind_name))
        self._say("", f"{name}: {_about(kind_name)}")
        while True:
            draft = self._filled(name, kind_name, kind, wanted)
            wrong = list(faults(kind, _plain(draft, wanted), self._values(draft, wanted)))
            if not wrong:
                return draft
            if self.talk is None:
                raise RefusedError("; ".join(f"channels.{name}: {fault}" for fault in wrong))
            self._say(*(f"  {fault}" for fault in wrong), "  Once more:")

    def _filled(self, name: str, kind_name: str, kind: AnyChannelKind, wanted: Sequence[Wanted]) -> Speaking:
        options: dict[str, str] = {}
        secrets: dict[str, str] = {}
        copies: dict[str, Path] = {}
        for one in self._also_said(name, kind, wanted):
            if one.secret:
                self._secret(name, one, options, secrets)
            elif typed := self._option(name, one):
                source = Path(typed).expanduser()
                if one.file and source.is_file() and source.parent.absolute() != (self.folder / SECRETS).absolute():
                    copies[source.name] = source
                options[one.key] = as_yaml(source.name if one.file and source.is_file() else typed, one.annotation)
        return Speaking(
            name=name, kind=kind_name, platform=platform_of(kind), options=options, secrets=secrets, copies=copies
        )

    def _also_said(self, name: str, kind: AnyChannelKind, wanted: Sequence[Wanted]) -> list[Wanted]:
        """What is usually asked, and whatever else a flag names."""
        asked = {one.key for one in wanted}
        named = {
            key.partition(".")[2] for key in (*self.flags.options, *self.flags.secrets) if key.startswith(f"{name}.")
        }
        more = [one for one in wanted_of(kind, everything=True) if one.key in named - asked]
        unknown = sorted(named - asked - {one.key for one in more})
        if unknown:
            known = [one.key for one in wanted_of(kind, everything=True)]
            raise RefusedError(f"{name}.{unknown[0]}: there is no such option{did_you_mean(unknown[0], known)}")
        return [*wanted, *more]

    def _option(self, name: str, one: Wanted) -> str:
        flag = f"{name}.{one.key}"
        if one.secret and flag in self.flags.options:
            raise RefusedError(_on_the_command_line(flag))
        if flag in self.flags.options or self.talk is None:
            said = self.flags.options.get(flag, "")
            if one.required and not said:
                raise RefusedError(f"--set {flag}=… is missing{f': {one.about}' if one.about else ''}")
            return said
        hint = f"such as {one.example}" if one.example else ""
        note = ", ".join(filter(None, ("" if one.required else "optional", hint)))
        question = f"  {one.key}{f' ({note})' if note else ''}: "
        if one.about:
            self._say(f"  # {one.about}")
        while True:
            answer = self.talk.ask(question).strip()
            if answer or not one.required:
                return answer
            self._say("  This one is needed.")

    def _secret(self, name: str, one: Wanted, options: dict[str, str], secrets: dict[str, str]) -> None:
        """The secret itself goes into a file; the configuration gets its name."""
        flag, file = f"{name}.{one.key}", f"{name}-{one.key.replace('_', '-')}"
        if flag in self.flags.options:
            raise RefusedError(_on_the_command_line(flag))
        place = self.flags.secrets.get(flag, "")
        if place and Path(place).parent.absolute() == (self.folder / SECRETS).absolute():
            options[f"{one.key}_file"] = Path(place).name
            return
        secret = self.read_file(place) if place else self._typed_secret(flag, one)
        if secret:
            options[f"{one.key}_file"] = file
            secrets[file] = secret

    def _typed_secret(self, flag: str, one: Wanted) -> str:
        if self.talk is None:
            if one.required:
                raise RefusedError(f"--secret {flag}=FILE is missing{f': {one.about}' if one.about else ''}")
            return ""
        if one.about:
            self._say(f"  # {one.about}")
        while True:
            answer = self.talk.ask_secret(f"  {one.key} ({'' if one.required else 'optional, '}not shown): ").strip()
            if answer or not one.required:
                return answer
            self._say("  This one is needed.")

    def _values(self, draft: Speaking, wanted: Sequence[Wanted]) -> Mapping[str, str]:
        """The secrets by option; one that was in its place already is not looked at here."""
        files = {one.key: draft.options.get(f"{one.key}_file", "") for one in wanted if one.secret}
        found = {key: draft.secrets[file] for key, file in files.items() if file in draft.secrets}
        old = {key: str(self.folder / SECRETS / file) for key, file in files.items() if file and key not in found}
        there = {key: self.read_file(file) for key, file in old.items()}
        return found | there

    # --- routes ---

    def _routes(self, groups: Mapping[str, str], channels: Mapping[str, str]) -> tuple[StandIn, ...]:
        """The usual ones, in an order and a choice of the person's own."""
        if self.flags.routes:
            return tuple(_route(text, groups, channels) for text in self.flags.routes)
        routes = usual_routes(groups, channels)
        if self.talk is not None and routes:
            self._say("", "Who stands in, and in which order?")
        return tuple(
            StandIn(
                platforms=route.platforms,
                backups=self._several(
                    f"When {_and(route.platforms)} is down, speak on", "--route", (), route.backups, route.backups
                ),
            )
            for route in routes
        )

    def _unused(self, channels: Collection[str]) -> None:
        for key in (*self.flags.options, *self.flags.secrets):
            name = key.partition(".")[0]
            if name not in channels:
                raise RefusedError(f"{key}: there is no channel '{name}'{did_you_mean(name, channels)}")

    def _say(self, *lines: str) -> None:
        for line in lines if self.talk is not None else ():
            self.talk.say(line)  # type: ignore[union-attr]


def _plain(draft: Speaking, wanted: Sequence[Wanted]) -> dict[str, str]:
    """The options that are no secrets; a file that will lie beside the secrets is looked at where it is now."""
    secret = {f"{one.key}_file" for one in wanted if one.secret}
    now = {name: str(path.absolute()) for name, path in draft.copies.items()}
    return {key: now.get(value, value) for key, value in draft.options.items() if key not in secret}


def _checked(text: str, check: Callable[[str], object], flag: str) -> str:
    try:
        check(text)
    except ValueError as error:
        raise RefusedError(f"{flag}: {error}" if flag else str(error)) from None
    if not text.isprintable():
        raise RefusedError(f"{flag or 'this'}: a control character is hidden in it")
    return text


def _on_the_command_line(flag: str) -> str:
    return (
        f"{flag} is a secret, and every user of this machine can read a command line: "
        f"write it to a file and say --secret {flag}=FILE (or - for the standard input)"
    )


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _names(wanted: Sequence[str]) -> list[tuple[str, str]]:
    """`news=telegram` is a telegram called news; without a name it is called by its kind."""
    return [(word.partition("=")[0], _kind_of(word)) for word in wanted]


def _kind_of(word: str) -> str:
    return word.rpartition("=")[2]


def _about(kind: str) -> str:
    return registry.summary(registry.CHANNELS, kind)


def _group(platform: str | None, catalogue: Mapping[str, object]) -> str:
    return getattr(catalogue.get(platform or ""), "group", platform or "")


def _route(text: str, platforms: Collection[str], channels: Collection[str]) -> StandIn:
    """`facebook,instagram=telegram,site`."""
    first, found, second = text.partition("=")
    if not found:
        raise RefusedError(f"--route {text}: expected PLATFORMS=CHANNELS, such as facebook,instagram=telegram,site")
    for words, known in ((_words(first), platforms), (_words(second), channels)):
        for word in words:
            if word not in known:
                raise RefusedError(f"--route: there is no '{word}'{did_you_mean(word, known)}")
    return StandIn(platforms=tuple(_words(first)), backups=tuple(_words(second)))


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
