"""Expectations: each kind holds when it must and fails when it must."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest

from failover.model import Statement
from failover.replay.judgement import Finding, findings, from_onset
from failover.replay.report import held
from failover.replay.run import Line, Record
from failover.replay.scenario import Scenario
from failover.replay.stage import Post
from tests.replay._house import played, scenario

OUTAGE = """\
evidence:
  - {from: here, shows: [{at: +0, says: down, class: here}, {at: +60m, says: up}]}
  - {from: dns, shows: [{at: +0, says: down}, {at: +60m, says: up}]}
"""


@lru_cache(maxsize=1)
def outage() -> Record:
    """One holding statement after three minutes, one welcome back after 75."""
    return played(OUTAGE, expect="[{pairs: 1}]")


def judged(expect: str, record: Record | None = None) -> list[Finding]:
    """What comes of these expectations; the one that always holds is left out."""
    record = record or outage()
    asked: Scenario = scenario(OUTAGE, expect=expect)
    return findings(replace(record, scenario=replace(record.scenario, expect=asked.expect)))[:-1]


@pytest.mark.parametrize(
    ("expect", "holds"),
    [
        ("holding: {}", True),
        ("holding: {to: +10m}", True),
        ("holding: {to: +1m}", False),
        ("holding: {from: +2m, to: +10m}", True),
        ("holding: {from: +30m}", False),
        ("welcome_back: {from: +70m, to: +90m}", True),
        ("welcome_back: {to: +60m}", False),
        ("welcome_back: {from: +100m}", False),
        ("pairs: 1", True),
        ("pairs: 2", False),
        ("pairs: 0", False),
        ("pairs_at_most: 1", True),
        ("pairs_at_most: 0", False),
        ("silent: true", False),
        ("never_on: [telegram]", True),
        ("never_on: [facebook]", True),
        ("journal: [platform_down, incident_closed]", True),
        ("journal: [went_offline]", False),
        ("journal_never: [went_offline]", True),
        ("journal_never: [platform_down]", False),
    ],
)
def test_each_expectation(expect: str, holds: bool) -> None:
    """Against an outage that was told as it should be."""
    assert all(one.holds for one in judged(f"[{{{expect}}}]")) is holds


def test_never_on_counts_channels_by_their_platform() -> None:
    """A holding statement on a channel of the platform that is down would be read by nobody."""
    record = outage()
    on_page = [replace(post, channel="page") for post in record.posts]
    assert [one.holds for one in judged("[{never_on: [facebook]}]", replace(record, posts=on_page))] == [False]


def test_what_was_not_said_fails() -> None:
    """No holding statement at all is worse than a late one."""
    silent = replace(outage(), posts=[])
    told = judged("[{holding: {to: +10m}, welcome_back: {}, pairs: 1}]", silent)
    assert [(one.holds, one.found) for one in told] == [
        (False, "it was not said"),
        (False, "it was not said"),
        (False, "0"),
    ]
    assert held(judged("[{silent: true}]", silent))


def test_a_pair_needs_its_welcome_back() -> None:
    """An incident that was opened in public and never closed there is no pair."""
    record = outage()
    opened = [post for post in record.posts if post.statement is not Statement.WELCOME_BACK]
    (found,) = judged("[{pairs: 1}]", replace(record, posts=opened))
    assert (found.holds, found.found) == (False, "1, 1 of them without a welcome back")


def test_nothing_is_said_twice() -> None:
    """It is asked of every performance, whatever the file expects."""
    record = outage()
    assert findings(record)[-1] == Finding(True, "nothing is said twice", "nothing was")
    twice = replace(record, posts=[*record.posts, replace(record.posts[0], reference="F9H-000000")])
    last = findings(twice)[-1]
    assert (last.holds, last.found) == (False, "holding of incident 1 on " + record.posts[0].channel)


def later(record: Record, *statements: Statement) -> list[Post]:
    """What was said, and on the first channel an hour later these, each with a reference of its own."""
    first = record.posts[0]
    return [
        *record.posts,
        *(
            replace(first, at=record.posts[-1].at + 3600 * n, statement=one, reference=f"F1{n}-000000")
            for n, one in enumerate(statements, 1)
        ),
    ]


@pytest.mark.parametrize(
    ("statements", "holds"),
    [
        ((Statement.UPDATE, Statement.UPDATE), True),
        ((Statement.UPDATE, Statement.WELCOME_BACK), True),
        ((Statement.WELCOME_BACK,), False),
        ((Statement.AGAIN,), False),
    ],
    ids=["hourly updates", "the end of a relapse", "two ends and nothing between", "two holding statements"],
)
def test_each_update_is_a_statement_of_its_own(statements: tuple[Statement, ...], holds: bool) -> None:
    """A relapse that is told in an update has an end of its own too."""
    record = outage()
    assert findings(replace(record, posts=later(record, *statements)))[-1].holds is holds


def test_the_same_update_twice_on_one_channel_is_found() -> None:
    record = outage()
    posts = later(record, Statement.UPDATE)
    last = findings(replace(record, posts=[*posts, posts[-1]]))[-1]
    assert (last.holds, last.found) == (False, "update of incident 1 on " + posts[-1].channel)


def test_what_nobody_watches_does_not_apply() -> None:
    """An expectation that rests on a source which this configuration has not is neither held nor failed."""
    told = judged("[{holding: {to: +1m}, when_watched_by: [crowd]}]")
    assert [(one.holds, one.found) for one in told] == [(None, "nothing of the kind 'crowd' watches here")]
    assert held(told)
    for there in ("web-2", "web", "here", "spoken", "elsewhere"):
        assert judged(f"[{{holding: {{to: +1m}}, when_watched_by: [{there}]}}]")[0].holds is False


def test_events_of_other_platforms_do_not_count() -> None:
    """`journal` is about the platforms of the expectation."""
    record = outage()
    foreign = Line(record.scenario.onset, "platform_suspect", "x may be in trouble", {"platform": "x"})
    only = replace(record, journal=[foreign])
    assert [one.holds for one in judged("[{journal: [platform_suspect]}]", only)] == [False]
    assert [one.holds for one in judged("[{journal_never: [platform_suspect]}]", only)] == [True]


def test_posts_about_others_do_not_break_the_silence() -> None:
    record = outage()
    about_x = [replace(post, platforms=("x",)) for post in record.posts]
    assert [one.holds for one in judged("[{silent: true}]", replace(record, posts=about_x))] == [True]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "+0"), (460, "+7m40s"), (-600, "-10m"), (90000, "+1d1h"), (-0.4, "+0")]
)
def test_times_from_the_onset(seconds: float, text: str) -> None:
    assert from_onset(seconds) == text


def test_a_post_knows_when_it_was_public() -> None:
    """The order of posts is the order in which people could read them."""
    posts: list[Post] = outage().posts
    assert [post.at for post in posts] == sorted(post.at for post in posts)
