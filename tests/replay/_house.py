"""A small organisation and small scenarios for the tests of the replay."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from failover import registry
from failover.config import parse
from failover.config.settings import Settings
from failover.replay import library
from failover.replay.run import Record, perform
from failover.replay.scenario import Cast, Scenario

SMALL = """\
organisation: {name: Example Town}
platforms:
  facebook:
    catalogue: false
    probes:
      - {kind: web, url: "https://www.example.org"}
      - {kind: web, url: "https://www.example.net"}
      - {kind: dns, name: example.org}
      - {kind: account, channel: page}
channels:
  page: {kind: facebook, platform: facebook, page: "1", token_file: no-such-file}
  telegram: {kind: telegram, chat: "@town", token_file: nor-this-one}
  blog: {kind: site, title: our site, folder: public}
routes:
  - {primary: [page], backups: [telegram, blog]}
"""


@lru_cache(maxsize=1)
def house() -> tuple[Settings, Cast]:
    settings = library.organisation(None, {})
    return settings, library.cast(settings)


@lru_cache(maxsize=1)
def town() -> tuple[Settings, Cast]:
    settings = parse(SMALL, Path("town.yaml"), {}, registry, example=True)
    return settings, library.cast(settings)


def scenario(body: str, *, expect: str = "[{silent: true}]", over: str = "over: +60m") -> Scenario:
    """A scenario of Facebook with this evidence (and other sections)."""
    head = f"title: T\nonset: 2026-01-01T10:00\n{over}\nplatforms: [facebook]\nexpect: {expect}\n"
    return library.read(head + body, "s.yaml", town()[1])


def played(body: str, *, expect: str = "[{silent: true}]", over: str = "over: +60m", seed: int = 1) -> Record:
    """The small organisation lives through it."""
    return perform(scenario(body, expect=expect, over=over), town()[0], registry, seed=seed, approve_after=120.0)
