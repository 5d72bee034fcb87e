"""What one channel needs: its options and its secrets, until its kind finds nothing wrong with them.

Secrets are typed without being shown, or read from a file; the command line, which every user of the machine can
read, is no place for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from failover import registry
from failover.config.problems import did_you_mean
from failover.contracts import AnyChannelKind
from failover.newcomer.answers import Speaking
from failover.newcomer.asking import Asking, Flags
from failover.newcomer.options import Wanted, as_yaml, faults, platform_of, wanted_of
from failover.newcomer.placing import SECRETS, RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelQuestions:
    """`folder` is the one of the configuration; `read_file` reads a secret from where a flag says."""

    flags: Flags
    asking: Asking
    folder: Path
    read_file: Callable[[str], str]

    def channel(self, name: str, kind_name: str) -> Speaking:
        """The channel of that name.  Raises RefusedError where something is missing or cannot be used."""
        kind = registry.find_channel(kind_name)
        wanted = self._wanted(name, kind)
        while True:
            draft = self._filled(name, kind_name, kind, wanted)
            wrong = list(faults(kind, _plain(draft, wanted), self._secrets_of(draft, wanted)))
            if not wrong:
                return draft
            if self.asking.talk is None:
                raise RefusedError("; ".join(f"channels.{name}: {fault}" for fault in wrong))
            self.asking.tell(*(f"  {fault}" for fault in wrong), "  Once more:")

    def _wanted(self, name: str, kind: AnyChannelKind) -> list[Wanted]:
        """What is usually asked, and whatever else a flag names."""
        usual, everything = wanted_of(kind), {one.key: one for one in wanted_of(kind, everything=True)}
        named = [key.partition(".")[2] for key in (*self.flags.options, *self.flags.secrets) if _of(key, name)]
        for key in named:
            if key not in everything:
                raise RefusedError(f"{name}.{key}: there is no such option{did_you_mean(key, everything)}")
        asked = {one.key for one in usual}
        return [*usual, *(everything[key] for key in dict.fromkeys(named) if key not in asked)]

    def _filled(self, name: str, kind_name: str, kind: AnyChannelKind, wanted: Sequence[Wanted]) -> Speaking:
        options: dict[str, str] = {}
        secrets: dict[str, str] = {}
        copies: dict[str, Path] = {}
        for one in wanted:
            if one.secret:
                self._secret(name, one, options, secrets)
            elif typed := self._option(name, one):
                options[one.key] = as_yaml(self._beside(name, typed, copies) if one.file else typed, one.annotation)
        return Speaking(
            name=name, kind=kind_name, platform=platform_of(kind), options=options, secrets=secrets, copies=copies
        )

    def _option(self, name: str, one: Wanted) -> str:
        flag, talk = f"{name}.{one.key}", self.asking.talk
        if flag in self.flags.options or talk is None:
            said = self.flags.options.get(flag, "")
            if one.required and not said:
                raise RefusedError(f"--set {flag}=… is missing{_about(one)}")
            return said
        note = ", ".join(filter(None, ("" if one.required else "optional", one.example and f"such as {one.example}")))
        self._explain(one)
        return self.asking.insist(talk.ask, f"  {one.key}{f' ({note})' if note else ''}: ", required=one.required)

    def _beside(self, name: str, typed: str, copies: dict[str, Path]) -> str:
        """A file that is read (a list of people) is copied to the secrets, where the service can read it.

        The copy bears the channel's name: two lists may be called alike, and nobody may get the other one's mail.
        """
        source = Path(typed).expanduser()
        if not source.is_file():
            return typed
        if source.parent.absolute() == (self.folder / SECRETS).absolute():
            return source.name
        copy = f"{name}-{source.name}"
        if copies.setdefault(copy, source) != source:
            raise RefusedError(f"channels.{name}: {copies[copy]} and {source} are called alike; rename one of them")
        return copy

    def _secret(self, name: str, one: Wanted, options: dict[str, str], secrets: dict[str, str]) -> None:
        """The secret itself goes into a file; the configuration gets its name."""
        flag, file = f"{name}.{one.key}", f"{name}-{one.key.replace('_', '-')}"
        if flag in self.flags.options:
            raise RefusedError(
                f"{flag} is a secret, and every user of this machine can read a command line: "
                f"write it to a file and say --secret {flag}=FILE (or - for the standard input)"
            )
        place = self.flags.secrets.get(flag, "")
        if place and Path(place).parent.absolute() == (self.folder / SECRETS).absolute():
            options[f"{one.key}_file"] = Path(place).name
            return
        secret = self.read_file(place) if place else self._typed_secret(flag, one)
        if secret:
            options[f"{one.key}_file"] = file
            secrets[file] = secret

    def _typed_secret(self, flag: str, one: Wanted) -> str:
        talk = self.asking.talk
        if talk is None:
            if one.required:
                raise RefusedError(f"--secret {flag}=FILE is missing{_about(one)}")
            return ""
        self._explain(one)
        question = f"  {one.key} ({'' if one.required else 'optional, '}not shown): "
        return self.asking.insist(talk.ask_secret, question, required=one.required)

    def _explain(self, one: Wanted) -> None:
        if one.about:
            self.asking.tell(f"  # {one.about}")

    def _secrets_of(self, draft: Speaking, wanted: Sequence[Wanted]) -> Mapping[str, str]:
        """The secrets by option, those too that were in their place already."""
        files = {one.key: draft.options.get(f"{one.key}_file", "") for one in wanted if one.secret}
        found = {key: draft.secrets[file] for key, file in files.items() if file in draft.secrets}
        old = {key: str(self.folder / SECRETS / file) for key, file in files.items() if file and key not in found}
        return found | {key: self.read_file(file) for key, file in old.items()}


def _plain(draft: Speaking, wanted: Sequence[Wanted]) -> dict[str, str]:
    """The options that are no secrets; a file that will lie beside the secrets is looked at where it is now."""
    secret = {f"{one.key}_file" for one in wanted if one.secret}
    now = {name: str(path.absolute()) for name, path in draft.copies.items()}
    return {key: now.get(value, value) for key, value in draft.options.items() if key not in secret}


def _of(flag: str, channel: str) -> bool:
    return flag.partition(".")[0] == channel


def _about(one: Wanted) -> str:
    return f": {one.about}" if one.about else ""
