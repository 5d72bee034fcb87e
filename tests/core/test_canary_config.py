"""An account probe with `canary: true` needs a channel that offers one; else the daemon does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover import registry
from failover.config import parse
from failover.config.problems import ConfigError
from failover.describe import kind

CHANNELS = {
    "page": "{kind: facebook, platform: p, page: '1', token_plain: secret-token}",
    "chat": "{kind: telegram, platform: p, chat: '@example', token_plain: '1:secret-token'}",
    "chat-for-it": "{kind: telegram, platform: p, chat: '@example', token_plain: '1:secret-token', "
    "canary_chat: -1001234567890}",
    "blog": "{kind: wordpress, platform: p, url: 'https://example.org', username: u, password_plain: secret-token}",
    "site": "{kind: site, platform: p, folder: public}",
    "page-for-drills": "{kind: facebook, platform: p, page: '1', token_plain: secret-token, practice: true}",
}
"""One of each that has a canary or not; X posts in public only, and is billed."""


def problems(channel: str, canary: str) -> list[str]:
    text = (
        "organisation: {name: Example}\n"
        f"channels:\n  it: {CHANNELS[channel]}\n"
        "platforms:\n  p:\n    probes:\n      - kind: account\n        channel: it\n"
        f"        {canary}\n"
    )
    try:
        parse(text, Path("/c.yaml"), {}, registry)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize("channel", ["page", "chat-for-it", "blog", "page-for-drills"])
def test_channels_that_offer_a_canary(channel: str) -> None:
    assert problems(channel, "canary: true") == []


@pytest.mark.parametrize(
    ("channel", "wrong"),
    [
        ("site", "the channel 'it' (kind site) offers no canary; expected false"),
        ("chat", "the channel 'it' offers a canary only with `canary_chat`"),
    ],
)
def test_a_channel_without_a_canary_is_a_mistake_at_the_word_that_asks_for_it(channel: str, wrong: str) -> None:
    assert problems(channel, "canary: true") == [f"/c.yaml:9:17: platforms.p.probes[0].canary: {wrong}"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_without_the_canary_every_channel_will_do(channel: str) -> None:
    assert problems(channel, "canary: false") == []


def test_a_pace_for_no_canary_is_a_mistake() -> None:
    """Whoever sets it believes that posting is being tried out."""
    (said,) = problems("page", "canary_every: 30m")
    assert "canary_every does nothing without canary: true" in said


def test_a_pace_that_is_too_fast_is_a_mistake() -> None:
    (said,) = problems("page", "{canary: true, canary_every: 1m}".strip("{}").replace(", ", "\n        "))
    assert said.startswith("/c.yaml:10:23: platforms.p.probes[0].canary_every: expected")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("facebook", "unpublished post on the Page"),
        ("wordpress", "draft with the slug failover-canary"),
        ("telegram", "silent message to canary_chat"),
    ],
)
def test_a_kind_says_what_its_canary_writes_and_costs(name: str, words: str) -> None:
    (line,) = [line for line in kind(name).splitlines() if line.startswith("canary ")]
    assert words in line
    assert "calls" in line


@pytest.mark.parametrize("name", ["x", "email", "webhook", "site"])
def test_where_everything_is_public_or_goes_to_people_there_is_none(name: str) -> None:
    found = registry.find_channel(name)
    assert found.canary == ""
    assert not any(line.startswith("canary ") for line in kind(name).splitlines())
