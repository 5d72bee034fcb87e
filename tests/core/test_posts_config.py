"""The section `posts:`, `limits.release_every`, `routes[].posts`, and where pictures are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover.assembly import house, pictures_of
from failover.config import parse
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.model import Announcement, Statement
from tests.core.fake_kinds import FakeKinds
from tests.core.stories import Paper

MINIMAL = (Path(__file__).parents[1] / "configs" / "good" / "minimal.yaml").read_text(encoding="utf-8")
ENV = {"GOOD_TOKEN": "tok-secret-1"}


def read(more: str = "", *, env: dict[str, str] = ENV, text: str = MINIMAL) -> Settings:
    return parse(text + more, Path("/nowhere/config.yaml"), env, FakeKinds())


def test_without_the_section_no_folder_is_looked_through() -> None:
    settings = read()
    assert settings.posts is None
    assert settings.limits.release_every == 120.0


def test_the_folder_of_a_service_is_in_its_state_directory() -> None:
    settings = read("posts: {folder: posts}\n", env={**ENV, "STATE_DIRECTORY": "/var/lib/failover"})
    assert settings.posts is not None
    assert (settings.posts.folder, settings.posts.every) == (Path("/var/lib/failover/posts"), 3.0)
    assert pictures_of(settings) == Path("/var/lib/failover/pictures")


def test_else_it_is_beside_the_configuration() -> None:
    settings = read('posts: {folder: posts, every: "5s"}\nlimits: {release_every: 30s}\n')
    assert settings.posts is not None
    assert (settings.posts.folder, settings.posts.every) == (Path("/nowhere/posts"), 5.0)
    assert settings.limits.release_every == 30.0


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        pytest.param("posts: {}\n", "posts.folder: missing", id="no folder"),
        pytest.param("posts: {foldr: x}\n", "posts.foldr: unknown key; did you mean 'folder'?", id="a slip"),
        pytest.param("posts: {folder: x, every: 0}\n", "posts.every: expected at least 1s", id="too often"),
        pytest.param("limits: {release_every: often}\n", "limits.release_every: expected a duration", id="no time"),
        pytest.param('messages: {post: {default: "x"}}\n', "messages.post: unknown statement", id="no message"),
    ],
)
def test_what_is_wrong_is_said(more: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(more)
    assert problem in str(refused.value)


@pytest.mark.parametrize("posts", ["reroute", "hold", "both", "drop"])
def test_what_the_route_says_reaches_those_who_decide_and_needs_no_notice(posts: str) -> None:
    written = f"posts: {posts}"
    settings = read(text=MINIMAL.replace("backups: [board]}", f"backups: [board], {written}}}"))
    (route,) = house(settings, FakeKinds(), Paper()).routes
    assert route.posts == posts
    assert not [notice for notice in settings.notices if "does not act" in notice]


def test_every_channel_is_measured_by_its_own_rule() -> None:
    made = house(read(), FakeKinds(), Paper())
    words = {"key": "k", "incident": "", "reference": "P1", "created_at": 0.0}
    announcement = Announcement(statement=Statement.POST, text="x" * 12, **words)  # type: ignore[arg-type]
    assert {name: gauge.measure(announcement).used for name, gauge in made.gauges.items()} == {
        "facebook-page": 12, "board": 12,
    }  # fmt: skip
    assert made.release_every == 120.0
