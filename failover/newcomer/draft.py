"""The text of a new configuration: only what was chosen, each thing explained.  Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from failover.config.entries import titled
from failover.config.kinds import CataloguePlatform
from failover.newcomer.answers import Answers, Speaking, StandIn
from failover.newcomer.options import Wanted, quoted

COLUMN = 44
"""Where explanations begin, as in the example configuration."""

HEAD = """\
# yaml-language-server: $schema=config.schema.json
# The configuration of failover, as `failover init` wrote it.  It is yours now: nothing overwrites it.
#
#     failover check                          every problem at once, with its line; every message measured
#     failover check --online                 asks every channel and every source once; nothing is posted
#     failover kinds telegram                 the options of one kind; without a name: what there is
#
# What was not asked has its usual value; failover-config(5) and `failover schema` know every key.  Durations are
# written 15s, 2m, 6h, 1d.  Secrets never stand in this file: `token_file: telegram-token` names a file, which is
# looked for in the folder ./secrets and, as a service, among its credentials.

# Who is speaking.  Times in messages are on the clock of this time zone.
"""

TAIL = """\

# What is said has built-in words, which `failover check` shows at their longest.  Your own take their place:
#messages:
  #holding:
    #default: >-
      #{{ platforms }} {{ is_are }} not working at the moment. We are here and on {{ elsewhere }}.

# Who must agree first: automatic, veto (goes out after `veto_for` unless somebody objects) or required.
sign_off:
  holding: automatic
  welcome_back: automatic
  #veto_for: 5m
"""


def draft(
    answers: Answers,
    catalogue: Mapping[str, CataloguePlatform],
    about: Mapping[str, str],
    wanted: Mapping[str, list[Wanted]],
    billed: Collection[str] = (),
) -> str:
    """The file.  `about` says what each kind of channel is, `wanted` what its options mean, `billed` what costs."""
    lines = ["organisation:", f"  name: {quoted(answers.organisation)}", f"  timezone: {quoted(answers.timezone)}"]
    lines += [f"  website: {quoted(answers.website)}"] if answers.website else []
    lines += ["", "# What can go down.  A name of the catalogue brings its usual probes with it.", "platforms:"]
    for name in answers.platforms:
        lines += _platform(name, catalogue[name], answers.channels, billed)
    lines += ["", "# Where we can speak.  `platform` is what a channel stands on: one in trouble is passed over."]
    lines += ["channels:"]
    for channel in answers.channels:
        known = catalogue.get(channel.platform or "")
        title = known.title if known else titled(channel.name)
        lines += _channel(channel, title, about[channel.kind], wanted[channel.kind])
    lines += ["", *_routes(answers.routes, answers.channels)]
    return HEAD + "\n".join(lines) + "\n" + TAIL


def _platform(
    name: str, known: CataloguePlatform, channels: tuple[Speaking, ...], billed: Collection[str]
) -> Iterator[str]:
    """A channel of ours there is looked at too; where each look is billed, that is only proposed."""
    ours = [channel for channel in channels if channel.platform == name]
    free = [channel for channel in ours if channel.kind not in billed]
    explained = f"{known.title}: looked at by {', '.join(known.probes)}"
    if not ours:
        yield _beside(f"  {name}: {{}}", explained)
        return
    yield _beside(f"  {name}:" if free else f"  {name}: {{}}", explained)
    yield "    probes:" if free else "    #probes:                               # (take the {} away as well)"
    for channel in ours:
        mark, price = ("", "") if channel in free else ("#", "; each look is billed")
        told = f"can our own account be used?  The best evidence there is{price}"
        yield _beside(f"      {mark}- kind: account", told)
        yield f"        {mark}channel: {channel.name}"


def _channel(channel: Speaking, title: str, about: str, wanted: list[Wanted]) -> Iterator[str]:
    """With the title that it would have anyway: it is read by the public, and wants to be put right."""
    meanings = {one.key: one.about for one in wanted}
    yield f"  {channel.name}:"
    yield _beside(f"    kind: {channel.kind}", about)
    if channel.platform is not None:
        yield f"    platform: {channel.platform}"
    yield _beside(f"    title: {quoted(title)}", f'how messages call it: "… we are here and on {title}"')
    for key, value in channel.options.items():
        base = next((name for name in meanings if key in (name, f"{name}_file", f"{name}_env")), key)
        yield _beside(f"    {key}: {value}", meanings.get(base, ""))


def _routes(routes: tuple[StandIn, ...], channels: tuple[Speaking, ...]) -> Iterator[str]:
    """A platform on which we have a channel is named by that, so that the welcome back is said there too."""
    yield "# Who stands in for whom: the backups are asked in this order."
    if not routes:
        yield "# Nobody yet: outages are seen and recorded, and nothing is said."
        yield "routes: []"
        return
    yield "routes:"
    own = {channel.platform: channel.name for channel in reversed(channels) if channel.platform}
    for route in routes:
        yield f"  - primary: [{', '.join(own.get(name, name) for name in route.platforms)}]"
        yield f"    backups: [{', '.join(route.backups)}]"
        yield _beside(
            f"    #reach: {len(route.backups)}", "how many backups must have heard it; left out: all of them"
        )


def _beside(line: str, text: str) -> str:
    """The line, and its explanation; below each other where both do not fit."""
    text = " ".join(text.split())
    if not text:
        return line
    together = f"{line:<{COLUMN}}# {text}" if len(line) < COLUMN - 1 else f"{line}  # {text}"
    if len(together) <= 118:
        return together
    indent = " " * (len(line) - len(line.lstrip()))
    return "\n".join([*(f"{indent}# {part}" for part in _wrapped(text, 114 - len(indent))), line])


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
