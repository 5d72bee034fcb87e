"""The harness itself: what it promises to notice in every story, it notices."""

from __future__ import annotations

import pytest

from tests.stories.town import Town


@pytest.mark.parametrize(
    ("line", "noticed"),
    [
        ('{"event": "x", "reason": "practice-page-token"}', "a secret was told"),
        ('{"event": "x", "reason": "sent to ada@example.org"}', "a subscriber was named"),
        ('{"event": "bug", "reason": "KeyError"}', "bug"),
        ("Traceback (most recent call last):", "Traceback"),
    ],
    ids=["secret", "subscriber", "bug", "traceback"],
)
async def test_it_notices_what_must_never_be_said(town: Town, line: str, noticed: str) -> None:
    """A line of the journal that breaks the rules fails the story."""
    town.check()
    town.lines.append(line)
    with pytest.raises(AssertionError, match=noticed):
        town.check()
    town.lines.clear()


async def test_it_notices_what_was_said_twice(town: Town) -> None:
    """The same reference twice in one place, or a welcome back for those who never heard."""
    telegram = town.internet.telegram
    telegram.somebody_posts("Facebook is down (Ref F1H-041554)")
    telegram.somebody_posts("Facebook is back (Ref F1W-041554)")
    town.check()
    telegram.somebody_posts("Facebook is down (Ref F1H-041554)")
    with pytest.raises(AssertionError, match="said twice on telegram"):
        town.check()
    telegram.channel.posts.clear()
    telegram.somebody_posts("Facebook is back (Ref F2W-041554)")
    with pytest.raises(AssertionError, match="telegram never heard"):
        town.check()
    telegram.channel.posts.clear()
