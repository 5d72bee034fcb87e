"""What no section can know by itself: where two of them contradict each other, and what is worth a notice."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

from failover.budget import stretched
from failover.config.kinds import KindError, Kinds
from failover.config.places import Node
from failover.config.problems import ALIKE, KeyPath, Reading, did_you_mean
from failover.config.settings import SIGNED, ChannelSettings, Settings, can_ask
from failover.config.validation import accept
from failover.contracts import Options, OutputPath
from failover.model import Evidence, Statement
from failover.moments import length
from failover.signoff import ROOT


def check_whole(settings: Settings, root: Node, kinds: Kinds, known: Collection[str], reading: Reading) -> None:
    """The contradictions; `known` are the platforms of the catalogue."""
    _check_platform_names(settings, root, known, reading)
    _check_anchors(root, kinds, reading)
    _check_sign_off(settings, root, reading)


def _at(root: Node, path: KeyPath) -> Node:
    """The node at a path, or the last one on the way to it."""
    for step in path:
        root = root.child(step) or root
    return root


def _check_platform_names(settings: Settings, root: Node, known: Collection[str], reading: Reading) -> None:
    """A channel may stand on a platform that nobody watches, unless its name is a slip of the pen."""
    for channel in settings.channels.values():
        if channel.platform is None or channel.platform in {*settings.platforms, *known}:
            continue
        meant = difflib.get_close_matches(channel.platform, [*settings.platforms, *known], 1, ALIKE)
        if meant:
            path = ("channels", channel.name, "platform")
            reading.wrong(
                _at(root, path).place, path, f"no platform '{channel.platform}'; did you mean '{meant[0]}'?"
            )


def _check_anchors(root: Node, kinds: Kinds, reading: Reading) -> None:
    """The anchors are the options of a kind of probe, so that kind's rules hold for them too."""
    path = ("judgement", "anchors")
    written = _at(root, path)
    if not written.items:
        return
    spare = replace(reading, problems=[])
    try:
        accept(kinds.find_probe("anchors").options, Node({"urls": written}, written.place), (), spare)
    except KindError as error:
        reading.wrong(written.place, path, str(error))
    for problem in spare.problems:
        reading.wrong(problem.place, path, problem.text)


def _check_sign_off(settings: Settings, root: Node, reading: Reading) -> None:
    """Names of channels that are there, and nobody who is two people."""
    signing = settings.sign_off
    written = _at(root, ("channels",)).mapping
    for name in signing.channels:
        if name not in written:
            path = ("sign_off", "channels", name)
            unknown = f"there is no channel '{name}'{did_you_mean(name, written)}"
            reading.wrong(_at(root, path[:-1]).key(name), path, unknown)
    for index, name in enumerate(signing.ask_by):
        channel = settings.channels.get(name)
        said = f"there is no channel '{name}'{did_you_mean(name, written)}" if name not in written else ""
        if channel is not None and not can_ask(channel):
            said = f"'{name}' cannot carry a question; expected a telegram channel, or an email channel with a host"
        if said:
            reading.wrong(_at(root, ("sign_off", "ask_by", index)).place, ("sign_off", "ask_by", index), said)
    for key in ("name", "telegram", "email", "user"):
        values = [getattr(one, key) for one in signing.approvers]
        for index, value in enumerate(values):
            if value is not None and value in values[:index]:
                twice: KeyPath = ("sign_off", "approvers", index, key)
                reading.wrong(_at(root, twice).place, twice, "another approver has the same; they must be told apart")


def notices(settings: Settings, kinds: Kinds) -> Iterator[str]:
    """True, and worth knowing; nothing that keeps anybody from starting."""
    if not settings.routes:
        yield "there are no routes: outages are seen and recorded, and nothing is said"
    routed = {name for route in settings.routes for name in (*route.backups, *route.primary_channels)}
    silent = [channel.name for channel in _in_earnest(settings) if channel.name not in routed]
    if settings.routes and silent:
        yield f"channels that are in no route, so nothing is said there: {', '.join(silent)}"
    yield from _about_evidence(settings, kinds)
    yield from _about_budgets(settings)
    unwatched = sorted({channel.platform for channel in _in_earnest(settings) if channel.platform is not None}
                       - {*settings.platforms})  # fmt: skip
    if unwatched:
        yield f"nobody watches {', '.join(unwatched)}: a channel there counts as working until a post fails"
    yield from _about_approvers(settings)


def missing_folders(settings: Settings) -> Iterator[str]:
    """Folders that could not be made where they are to be, because what they would lie in is not there.

    No reason not to start: a disk may be mounted later, and the other channels can speak meanwhile.
    """
    for channel in settings.channels.values():
        for key, path in _written_to(channel.options):
            if _is_missing(path) and _is_missing(path.parent):
                yield (
                    f"channels.{channel.name}.{key}: there is no folder {path.parent}, so {path.name} cannot be made "
                    "in it, and nothing can be said there"
                )


_OUTPUT = get_args(OutputPath)[1]


def _written_to(options: Options) -> Iterator[tuple[str, Path]]:
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        marks = (*field.metadata, *(mark for part in get_args(field.annotation) for mark in get_args(part)[1:]))
        if isinstance(value, Path) and _OUTPUT in marks:
            yield name, value


def _is_missing(path: Path) -> bool:
    """Certainly: what we may not look at may be there."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _in_earnest(settings: Settings) -> Iterator[ChannelSettings]:
    return (channel for channel in settings.channels.values() if not channel.practice)


def _about_evidence(settings: Settings, kinds: Kinds) -> Iterator[str]:
    """Rule R1: a platform that is seen in one way only can be suspected, never confirmed."""
    needed = settings.judgement.confirm.classes
    for platform in settings.platforms.values():
        ways = [kinds.find_probe(probe.kind).votes_as(probe.options) for probe in platform.probes]
        most = at_once(ways)
        if not ways or most >= needed:
            continue
        ours = [channel.name for channel in _in_earnest(settings) if channel.platform == platform.name]
        helped = ours and at_once([*ways, *([_OF_POSTS] * len(ours))]) >= needed
        yield (
            f"platforms.{platform.name}: {_saidat_once(most, ways)}, so an outage is suspected there and never "
            f"confirmed, unless a person declares it{' or a post of ours fails there as well' if helped else ''}"
        )


_OF_POSTS = frozenset({Evidence.HERE, Evidence.SPOKEN})
"""What a post that fails can be evidence of: no answer, or the platform's own refusal."""


def at_once(ways: Iterable[frozenset[Evidence]]) -> int:
    """The most classes that can vote at the same time, where each probe votes in one of its own."""
    reached: set[frozenset[Evidence]] = {frozenset()}
    for way in ways:
        reached |= {voting | {one} for voting in reached for one in way}
    return max(map(len, reached))


def _saidat_once(most: int, ways: Iterable[frozenset[Evidence]]) -> str:
    classes = sorted({one.value for way in ways for one in way})
    if not classes:
        return "its probes, as they are configured, raise doubt at the most and never vote"
    seen = " and ".join(classes) if len(classes) == most else " or ".join(classes)
    of = "one class only" if most == 1 else f"{most} classes at a time only"
    return f"its probes give evidence of {of} ({seen})"


def _about_budgets(settings: Settings) -> Iterator[str]:
    """A budget that does not last a month at the steady pace makes the pace slower."""
    for platform in settings.platforms.values():
        for probe in platform.probes:
            pace = stretched(probe.every, probe.budget, 0, 0.0)
            if pace > probe.every and not probe.on_suspicion:
                yield (
                    f"platforms.{platform.name}: {probe.name} may be asked {probe.budget} times a month, so in "
                    f"steady times it is asked each {length(pace)} and not each {length(probe.every)}"
                )


def _about_approvers(settings: Settings) -> Iterator[str]:
    """Who cannot be asked or answer as it is written, and what two people are not needed for."""
    signing, approvers = settings.sign_off, settings.sign_off.approvers
    if any(one.telegram for one in approvers) and settings.asks_by("telegram") is None:
        yield "sign_off.approvers: no telegram channel is there whose bot could ask them; `failover approve` works"
    if any(one.email for one in approvers) and settings.asks_by("email") is None:
        yield "sign_off.approvers: no email channel with a mail server is there that could ask them by mail"
    unheard = [one.name for one in approvers if not one.telegram and not one.user]
    if unheard:
        yield (
            f"sign_off.approvers: {', '.join(unheard)} can be asked and cannot answer, because `user` does not say "
            "which account of this machine is theirs"
        )
    if signing.two_persons and len(approvers) == 1:
        yield (
            f"sign_off.two_persons: only {approvers[0].name} is under `approvers`, so the second person is whoever "
            "else can reach the control socket, root among them"
        )
    elif signing.two_persons and approvers and len(approvers) - len(unheard) < 2:
        yield "sign_off.two_persons: fewer than two approvers can answer (`telegram`, `user`), so two never agree"
    if signing.two_persons and any(one.user == ROOT for one in approvers):
        yield "sign_off.two_persons: one approver is `user: root`, and whoever is root counts as that person"
    unneeded = [kind.value for kind in SIGNED if signing.needs_two(kind) and "veto" in _modes(settings, kind)]
    if unneeded:
        yield (
            f"sign_off.two_persons: {', '.join(unneeded)} with `veto` goes out after {length(signing.veto_for)} "
            "unless somebody objects; two people are only needed for it to go out sooner"
        )


def _modes(settings: Settings, kind: Statement) -> set[str]:
    """How this kind is signed off, on whatever channel."""
    return {settings.sign_off.mode(kind, name) for name in ("", *settings.channels)}
