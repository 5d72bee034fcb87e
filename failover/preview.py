"""What `failover preview` prints: every message on every channel as it will look, and its length."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from failover import registry
from failover.config import cast_of, channel_kinds, parse
from failover.config.messages import Cast
from failover.config.paths import text_of
from failover.config.problems import did_you_mean
from failover.config.settings import ChannelSettings, Settings
from failover.contracts import AnyChannelKind
from failover.model import Announcement, Measure, Statement
from failover.posts import Post, delivery_to
from failover.wording import Facts, Wording, word

_BAR = "      | "

LASTED = 5400.0
"""Seconds: in a preview it began an hour and a half ago."""

SAMPLE = Post(
    id="P7",
    title="Library opening hours",
    text="The library is open until 20:00 tonight.",
    to=(),
    created_at=0.0,
)
"""An ordinary post; the words of real ones are not known before they are handed in."""


class PreviewError(LookupError):
    """What cannot be shown; the text says what there is."""


class NoStatementError(PreviewError):
    """No configuration knows such a kind of statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message on one channel."""

    channel: str
    title: str
    statement: Statement
    wording: Wording
    measure: Measure
    source: str
    """Whose words they are: a channel's, "default", "" for the built-in ones, "sample" for those of a post."""
    note: str = ""
    """What else is to be known of it."""


def preview(
    path: Path, env: Mapping[str, str], now: float, *, platforms: Sequence[str] = (), statements: Sequence[str] = ()
) -> list[Sample]:
    """As if `platforms` (by default the first route's) were down since 90 minutes; no secret is read.

    An ordinary post (`post`) belongs to no outage; it is shown where it is asked for.  Raises ConfigError and
    PreviewError.
    """
    settings = parse(text_of(path), path, env, registry, example=True)
    down = _known("platform", platforms, settings.platforms, PreviewError) or _of_first_route(settings)
    wanted = _known("statement", statements, [one.value for one in Statement], NoStatementError)
    kinds = channel_kinds(settings, registry)
    cast = cast_of(settings, kinds)
    samples = [
        _sample(settings, cast, channel, kinds[channel.kind], statement, down, now)
        for channel in settings.channels.values()
        for statement in cast.asked(channel)
        if not wanted or statement.value in wanted
    ]
    if Statement.POST.value in wanted:
        speaking = [one for one in settings.channels.values() if not one.practice]
        samples += [_post(channel, kinds[channel.kind], now) for channel in speaking]
    return _complete(samples, wanted, [*settings.channels])


_NOBODY = {"drill": "none is marked `practice: true`", "post": "all are practice channels"}


def _complete(samples: Sequence[Sample], wanted: Sequence[str], channels: Sequence[str]) -> list[Sample]:
    """Channel by channel.  Raises PreviewError where there is nothing to show of what was asked for."""
    shown = {one.statement.value for one in samples}
    for name in wanted:
        if name not in shown:
            raise PreviewError(f"no channel can be asked to say '{name}': {_NOBODY.get(name, 'none is a backup')}")
    return sorted(samples, key=lambda one: channels.index(one.channel))


def _known(what: str, given: Sequence[str], known: Any, wrong: type[PreviewError]) -> list[str]:
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            raise wrong(f"there is no {what} '{name}'{hint}")
    return [*given]


def _of_first_route(settings: Settings) -> list[str]:
    routed = [name for route in settings.routes[:1] for name in route.platforms]
    return routed or [*settings.platforms][:1]


def _sample(
    settings: Settings,
    cast: Cast,
    channel: ChannelSettings,
    kind: AnyChannelKind,
    statement: Statement,
    down: Sequence[str],
    now: float,
) -> Sample:
    touched = [route for route in settings.routes if {*route.platforms} & {*down}]
    others = dict.fromkeys(name for route in touched for name in route.backups if name in cast.public)
    reference = f"F7{statement.value[0].upper()}-201530"
    facts = Facts(
        organisation=settings.organisation,
        platforms=tuple(settings.platforms[name].title for name in down),
        elsewhere=tuple(settings.channels[name].title for name in others if name != channel.name),
        channel=channel.title,
        reference=reference,
        incident="7",
        since=now - LASTED,
        now=now,
        drill=channel.practice,
    )
    wording = word(settings.messages, statement, channel.name, facts)
    announcement = Announcement(
        key="preview",
        incident="7",
        statement=statement,
        reference=reference,
        text=wording.text,
        subject=wording.subject,
        created_at=now,
        platforms=tuple(down),
    )
    return Sample(
        channel=channel.name,
        title=channel.title,
        statement=statement,
        wording=wording,
        measure=kind.measure(channel.options, announcement),
        source=settings.messages.source(statement, channel.name),
    )


def _post(channel: ChannelSettings, kind: AnyChannelKind, now: float) -> Sample:
    """An ordinary post as this channel would publish it: as it was handed in, with its reference."""
    post = replace(SAMPLE, created_at=now)
    announcement = delivery_to(channel.name, post, now).announcement()
    measure = kind.measure(channel.options, announcement)
    dressing = measure.used - kind.measure(channel.options, replace(announcement, text=post.text)).used
    pictures = f"up to {kind.images} picture{'' if kind.images == 1 else 's'}" if kind.images else "no pictures"
    return Sample(
        channel=channel.name,
        title=channel.title,
        statement=Statement.POST,
        wording=Wording(announcement.subject, announcement.text),
        measure=measure,
        source="sample",
        note=f"{dressing} of them for the reference; {pictures}",
    )


def lines(samples: Sequence[Sample], width: int = 100) -> Iterator[str]:
    """For a terminal, channel by channel."""
    channel = ""
    for one in samples:
        if one.channel != channel:
            channel = one.channel
            yield f"{one.channel} ({one.title})"
        length = f"{one.measure.used} of {one.measure.limit} {one.measure.unit}"
        words = {"": ", built-in words", "sample": ", a sample"}.get(one.source, "")
        yield f"  {one.statement.value.replace('_', ' ')} [{length}{words}]{' ' if one.note else ''}{one.note}"
        yield f"      {one.wording.subject}"
        for line in one.wording.text.splitlines():
            yield from textwrap.wrap(line, width, initial_indent="      | ", subsequent_indent="      | ") or [
                "      |"
            ]


def data(samples: Sequence[Sample]) -> list[dict[str, object]]:
    """For programs."""
    return [
        {
            "channel": one.channel,
            "statement": one.statement.value,
            "subject": one.wording.subject,
            "text": one.wording.text,
            "used": one.measure.used,
            "limit": one.measure.limit,
            "unit": one.measure.unit,
            "words": one.source or "built-in",
            **({"note": one.note} if one.note else {}),
        }
        for one in samples
    ]
