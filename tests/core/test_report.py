"""The list of incidents, and the report on one: everything that happened, told in plain words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from failover.catchup import Leftover, Matter
from failover.delivery import Phase, Policy
from failover.model import Statement
from failover.report import MOST_ANSWERS, Names, NoIncidentError, report, window
from failover.report_page import page
from failover.report_words import failures, summary
from failover.show_incidents import incidents_data, incidents_lines
from failover.show_report import report_data, report_lines
from failover.store import Change
from failover.verdict import Declaration
from failover.wallclock import dated, iso, local, moment, span, zone_of
from tests.core.stories import (
    GREEN,
    HALF,
    HOUR,
    MINUTE,
    NOON,
    RED,
    World,
    delivery,
    down,
    house,
    incident,
    seen,
    up,
)

NAMES = Names(organisation="Example Council", timezone="Europe/Berlin", platforms={"facebook": "Facebook"})
BERLIN = ZoneInfo("Europe/Berlin")


async def a_world(**changes: Any) -> World:
    world = World(":memory:", **changes)
    await world.start()
    return world


async def an_outage(world: World) -> World:
    """Ten minutes of calm, two of suspicion, an hour down, then over; the blog refuses, telegram comes late."""
    world.answers["blog"] += ["refused"]
    world.answers["telegram"] += ["unreachable"]
    await world.live(10 * MINUTE, {"facebook": GREEN})
    await world.live(2 * MINUTE, {"facebook": HALF})
    await world.fall("facebook")
    await world.live(HOUR, {"facebook": RED})
    await world.rise("facebook")
    await world.live(HOUR, {"facebook": GREEN})
    return world


async def told(world: World, number: str = "", **more: Any) -> dict[str, Any]:
    """As it comes over the socket, with the trail's sentences."""
    found = json.loads(json.dumps(await report(world.store, number, NAMES, world.now, **more)))
    for one in found["audit"]:
        one["sentence"] = f"{one['event']} {one['facts']}"
    return {"running": True, **found}


# -- what was found ----------------------------------------------------------------------------------------------


async def test_the_summary_says_all_of_it_in_plain_words() -> None:
    data = await told(await an_outage(await a_world()))

    words = summary(data, BERLIN)
    opened = datetime.fromtimestamp(data["incident"]["opened_at"], BERLIN)
    assert words.startswith(f"Facebook was down from {opened:%Y-%m-%d %H:%M:%S} CET to ")
    assert re.search(r"The first sign was seen \d+m(\d+s)? earlier; it was beyond doubt for this reason: ", words)
    assert "The public was told on 2 of 3 channels (telegram and email), first on email less than a second" in words
    assert "The welcome back was said on 3 channels (telegram, email and facebook-page)" in words
    assert words.endswith("One thing is left for a person to see to: see the end of this report.")


async def test_states_have_their_reasons_and_sources_their_changes() -> None:
    data = await told(await an_outage(await a_world()))

    states = [(one["was"], one["now"]) for one in data["states"]["facebook"]]
    assert states == [
        ("unknown", "up"), ("up", "suspect"), ("suspect", "down"), ("down", "recovering"), ("recovering", "up")
    ]  # fmt: skip
    assert all(one["reason"] and one["explanation"] for one in data["states"]["facebook"])
    answers = data["answers"]["facebook"]
    crowd = [one["signal"] for one in (*answers["before"], *answers["changes"]) if one["probe"] == "crowd"]
    assert crowd == ["up", "down", "up"]
    assert answers["more"] is False


async def test_what_did_not_go_as_it_should_is_told_also_where_it_went_well_in_the_end() -> None:
    data = await told(await an_outage(await a_world()))

    assert {what for _at, what in failures(data)} == {
        "1H-blog was refused: no permission",
        "1H-telegram could not be said at once: connection refused",
    }
    assert [one["matter"] for one in data["catch_up"]] == ["unsaid"]


async def test_who_signed_off_and_who_declared_is_in_it_with_the_time() -> None:
    world = await a_world(house_=house(sign_off={Statement.HOLDING: "required"}))
    word = Declaration(platform="facebook", signal=down().signal, at=world.now, by="ann", because="I see it")
    await world.engine.declare(word)
    world.now += 30
    await world.desk.approve("1H", "bob (command line)", world.now)
    await world.deliver()
    data = await told(world)

    [holding] = data["statements"]
    assert (holding["mode"], holding["decision"], holding["decided_by"]) == (
        "required", "approved", "bob (command line)"
    )  # fmt: skip
    assert holding["decided_at"] == holding["created_at"] + 30
    assert {"operator_declared", "statement_approved", "platform_changed"} <= {one["event"] for one in data["audit"]}
    assert summary(data, BERLIN).endswith("It is not over.")
    assert "bob (command line) approved at " in "\n".join(report_lines(data))


async def test_an_incident_of_which_only_the_trail_is_left_is_told_from_the_trail() -> None:
    world = await an_outage(await a_world())
    await world.store.prune(world.now + 1)
    data = await told(world)

    assert [one["now"] for one in data["states"]["facebook"]] == ["down", "up"]
    assert data["answers"]["facebook"] == {"before": [], "changes": [], "more": False}
    assert "no longer kept" in "\n".join(report_lines(data))
    assert page(data)


async def test_other_incidents_and_other_platforms_are_left_out() -> None:
    world = await an_outage(await a_world())
    await world.fall("x")
    await world.rise("x")
    first, second = await told(world, "1"), await told(world)

    assert (first["incident"]["id"], second["incident"]["id"]) == ("1", "2")
    assert set(second["states"]) == {"x"}
    assert not [one for one in first["audit"] if "2H" in str(one["facts"])]


@pytest.mark.parametrize(
    ("number", "words"), [("9", "there is no incident 9"), ("", "there has been no incident yet")]
)
async def test_an_incident_that_there_is_not_is_said(number: str, words: str) -> None:
    world = await a_world()
    with pytest.raises(NoIncidentError, match=words):
        await report(world.store, number, NAMES, world.now)


async def test_a_source_that_cannot_make_up_its_mind_does_not_fill_the_report() -> None:
    world = await a_world()
    await world.fall("facebook")
    for number in range(MOST_ANSWERS + 5):
        one = seen(up() if number % 2 else down(reason="HTTP 500"), at=world.now + number / 1000, probe="api")
        await world.store.record(Change(at=world.now, observations=(one,)))
    world.now += 60
    data = await told(world)
    assert len(data["answers"]["facebook"]["changes"]) == MOST_ANSWERS
    assert "and many more" in "\n".join(report_lines(data))


def test_the_window_is_as_long_as_the_story_and_a_little_longer() -> None:
    over = incident(closed_at=NOON + HOUR, down=())
    late = delivery(phase=Phase.SENT, ended_at=NOON + HOUR + MINUTE)
    assert window(over, {}, [late], NOON + 9 * HOUR) == (NOON - HOUR / 10, NOON + HOUR + MINUTE + HOUR / 10)
    assert window(over, {}, [], NOON + HOUR) == (NOON - HOUR / 10, NOON + HOUR)
    assert window(incident(), {}, [], NOON + 1) == (NOON - MINUTE, NOON + 1)


# -- as it is shown ----------------------------------------------------------------------------------------------


async def test_posts_of_our_own_have_a_section_only_where_there_are_any() -> None:
    world = await an_outage(await a_world())
    without, text = await told(world), "\n".join(report_lines(await told(world)))
    assert "Posts of our own" not in page(without)
    assert "POSTS OF OUR OWN" not in text
    post = Leftover(matter=Matter.POST, reason="post 3 “Bin day” waits for Facebook", person=False)
    with_one = await told(world, posts=(post,))
    for shown in (page(with_one), "\n".join(report_lines(with_one))):
        assert shown.count("post 3 “Bin day” waits for Facebook") == 2


async def test_what_others_wrote_cannot_become_part_of_the_page() -> None:
    """A reason, a text, an address of a link: words of services and of people."""
    world = await a_world()
    await world.fall("facebook")
    bad = '<script>alert(1)</script>"><img src=x onerror=y>'
    sent = await world.row("1H-telegram")
    assert sent.receipt is not None
    receipt = replace(sent.receipt, url="javascript:alert(1)", note=bad)
    await world.put(sent, text=bad, subject=bad, reason=bad, receipt=receipt)
    html = page(await told(world))
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert "&lt;script&gt;" in html


async def test_for_programs_every_time_is_iso_8601_with_offset() -> None:
    data = report_data(await told(await an_outage(await a_world())))

    def times(found: Any) -> Any:
        if isinstance(found, list):
            return [one for part in found for one in times(part)]
        if not isinstance(found, dict):
            return []
        own = [value for name, value in found.items() if name in ("at", "from", "until") or name.endswith("_at")]
        return own + [one for name, value in found.items() if name != "facts" for one in times(value)]

    found = [one for one in times(data) if one is not None]
    assert len(found) > 40
    assert {datetime.fromisoformat(one).utcoffset() for one in (data["now"], *found)} == {timedelta(hours=1)}
    assert data["summary"].startswith("Facebook was down from ")
    json.dumps(data)


async def test_the_list_names_who_was_told_and_what_waits() -> None:
    world = await a_world(policies={"email": Policy(reads_back=False)})
    world.answers["email"] += ["lost"]
    world.answers["blog"] += ["refused"]
    await world.fall("facebook")
    await world.rise("facebook")
    await world.fall("x")
    data = {"running": True, "now": world.now, "timezone": "UTC", **await world.store.chronicle(0.0, 9)}
    for one in data["incidents"]:
        one["lasted"] = (one["closed_at"] or world.now) - one["opened_at"]

    first, second = data["incidents"]
    assert (first["told"], first["untold"]) == (["telegram"], ["email", "blog"])
    assert first["welcomed"] == ["telegram", "facebook-page"]
    assert first["held"] == ["1H-email"]
    assert (second["platforms"], second["closed_at"], second["told"]) == (["x"], None, ["telegram", "blog"])
    text = "\n".join(incidents_lines(data))
    assert "Incident 1: facebook, over, " in text
    assert "  told on telegram; not on email, blog" in text
    assert "failover resolve 1H-email sent|not-sent" in text
    assert "Incident 2: x, OPEN, " in text
    assert datetime.fromisoformat(incidents_data(data)["incidents"][0]["opened_at"]).utcoffset() is not None


async def test_the_list_keeps_to_what_was_asked_for() -> None:
    world = await a_world()
    for number in range(5):
        one = incident(id=str(number), opened_at=NOON + number * HOUR, closed_at=NOON + number * HOUR + 60, down=())
        await world.store.record(Change(at=NOON, incidents=(one,)))
    await world.store.record(Change(at=NOON, incidents=(incident(id="9", opened_at=NOON - HOUR),)))

    async def asked(since: float, most: int = 9) -> tuple[list[str], int]:
        data = await world.store.chronicle(since, most)
        return [one["id"] for one in data["incidents"]], data["earlier"]

    assert await asked(0.0) == (["9", "0", "1", "2", "3", "4"], 0)
    assert await asked(NOON + 3 * HOUR) == (["9", "3", "4"], 0)
    assert await asked(0.0, most=2) == (["3", "4"], 4)


def test_no_incident_is_a_sentence() -> None:
    data = {"running": False, "now": NOON, "timezone": "UTC", "earlier": 0, "incidents": []}
    assert [*incidents_lines(data)][-1] == "There has been no incident."


# -- times on a command line -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (0.4, "0s"), (42, "42s"), (60, "1m"), (899, "14m59s"), (3600, "1h"), (7380, "2h3m"), (7385, "2h3m"),
     (3605, "1h"), (2678400, "31d"), (90000, "1d1h"), (-5, "0s")],
)  # fmt: skip
def test_a_length_of_time_is_told_in_its_two_greatest_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2d", NOON - 2 * 86400),
        ("6h", NOON - 6 * HOUR),
        ("30m", NOON - 30 * MINUTE),
        ("2026-11-18", datetime(2026, 11, 18, tzinfo=BERLIN).timestamp()),
        ("2026-11-18 12:06:40", NOON),
        ("2026-11-18T11:06:40+00:00", NOON),
    ],
)
def test_when_it_was_is_said_as_people_do(text: str, expected: float) -> None:
    assert moment(text, NOON, BERLIN) == expected


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a time such as 17:29"):
        moment("soon", NOON, BERLIN)


def test_a_time_is_shown_with_its_zone_whatever_somebody_wrote_there() -> None:
    assert local(NOON, BERLIN) == "2026-11-18 12:06:40 CET"
    assert iso(NOON, BERLIN) == "2026-11-18T12:06:40+01:00"
    assert (local(1e20, UTC), iso(1e20, UTC)) == ("1e+20", "1e+20")
    assert zone_of("Nowhere/Atall") is UTC
    assert dated({"at": NOON, "in": [{"at": None, "x": 1}]}, ["at"], UTC) == {
        "at": "2026-11-18T11:06:40+00:00",
        "in": [{"at": None, "x": 1}],
    }


def test_the_template_is_shipped() -> None:
    settings = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"report.html"' in settings
