"""What `failover posts` prints: the state of each post in a word, and the list for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from failover.posts import REROUTED
from failover.show_posts import PictureError, hand_in, posts_data, posts_lines, state_of
from tests.core.stories import HOUR, NOON

PAGE = "facebook-page"


def row(phase: str, channel: str = PAGE, **changes: Any) -> dict[str, Any]:
    values = {"id": f"P1-{channel}", "channel": channel, "stands_in": False, "phase": phase, "due": NOON}
    return {**values, "ended_at": None, "url": "", "reason": "", **changes}


def post(*rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    values = {"id": "P1", "over": False, "text": "Market day", "to": [PAGE], "at": None, "until": None}
    return {**values, "created_at": NOON, "cancelled_by": "", "deliveries": list(rows), **changes}


X, BLOG = "x", "blog"
COPY = row("sent", "telegram", stands_in=True)
REFUSED = row("refused", BLOG, stands_in=True)


def away(channel: str, *instead: str) -> dict[str, Any]:
    return row("cancelled", channel, reason=f"{REROUTED}{', '.join(instead)}: {channel} is down")


DROPPED = row("cancelled", X, reason="x is down, and the route drops what falls due meanwhile")


@pytest.mark.parametrize(
    ("one", "state"),
    [
        pytest.param(post(row("ready", due=NOON + HOUR)), "scheduled", id="later"),
        pytest.param(post(row("ready")), "waiting", id="due"),
        pytest.param(post(row("ready", due=NOON + 5), row("sent", "blog")), "waiting", id="a retry"),
        pytest.param(post(row("sending")), "going out", id="under way"),
        pytest.param(post(row("unsure"), row("ready", "blog")), "going out", id="in doubt"),
        pytest.param(post(row("held"), row("sent", "blog")), "held", id="a person must look"),
        pytest.param(post(row("sent")), "published", id="public"),
        pytest.param(post(away(PAGE, "telegram"), COPY), "published", id="re-routed"),
        pytest.param(post(away(PAGE, BLOG), REFUSED), "not published", id="re-routed in vain"),
        pytest.param(post(away(PAGE, BLOG), REFUSED, COPY), "published", id="the next one stood in"),
        pytest.param(
            post(away(PAGE, "telegram"), away(X, BLOG), COPY, REFUSED, to=[PAGE, X]),
            "partly published",
            id="re-routed in vain for one of two",
        ),
        pytest.param(post(away(PAGE, "telegram"), DROPPED, COPY, to=[PAGE, X]), "partly published", id="one dropped"),
        pytest.param(post(away(PAGE, X), row("sent", X), to=[PAGE, X]), "published", id="a copy that was meant too"),
        pytest.param(post(row("sent"), row("refused", "blog"), to=[PAGE, "blog"]), "partly published", id="partly"),
        pytest.param(post(row("expired")), "not published", id="too late"),
        pytest.param(post(row("cancelled"), cancelled_by="Ann"), "cancelled", id="by a person"),
        pytest.param(post(row("retracted"), cancelled_by="Ann"), "taken back", id="taken back"),
    ],
)
def test_the_state_of_a_post_in_a_word(one: dict[str, Any], state: str) -> None:
    assert state_of(one, NOON) == state


def listed(*posts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    found = [{**one, "state": state_of(one, NOON)} for one in posts]
    return {
        "running": True, "now": NOON, "timezone": "Europe/Berlin", "paused_by": "", "waits": {}, "left_out": 0,
        "posts": found, **changes,
    }  # fmt: skip


def test_the_list_names_what_waits_and_why() -> None:
    data = listed(
        post(row("ready", due=NOON - 90), until=NOON + HOUR),
        post(row("held", reason="no answer"), id="P2", text="x" * 80),
        waits={PAGE: "facebook is down"},
        left_out=3,
    )
    assert list(posts_lines(data)) == [
        "facebook-page waits: facebook is down",
        "",
        "P1  waiting since 1m30s, until 2026-11-18 13:06:40 CET: Market day",
        "      facebook-page: ready",
        f"P2  held: {'x' * 60}…",
        "      facebook-page: held, no answer",
        "      a person must look: failover resolve P1-facebook-page sent|not-sent",
        "",
        "3 more are left out.",
    ]


def test_no_post_is_said_in_words() -> None:
    assert list(posts_lines(listed())) == ["There are no posts. Hand one in with `failover post`."]


def test_a_daemon_that_is_off_or_paused_is_told_first() -> None:
    lines = list(posts_lines(listed(running=False, paused_by="Ann")))
    assert lines[0] == "failover is not running; this is what it left in its file."
    assert lines[2] == "PAUSED by Ann: nothing goes out until `failover resume`."


def test_programs_get_times_with_their_offset() -> None:
    data = posts_data(listed(post(row("sent", ended_at=NOON), at=NOON)))
    assert data["posts"][0]["at"] == data["posts"][0]["deliveries"][0]["ended_at"] == "2026-11-18T12:06:40+01:00"


def test_a_picture_that_cannot_be_read_is_said_before_anybody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"no\.png: cannot be read \(No such file or directory\)"):
        hand_in(tmp_path / "config.yaml", "x", [PAGE], str(tmp_path / "no.png"))
