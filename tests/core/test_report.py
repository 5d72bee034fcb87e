"""The list of incidents, and the report on one: everything that happened, told in plain words."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from failover.catchup import Leftover, Matter
from failover.cli import main
from failover.courier import Outlet
from failover.delivery import Phase, Policy
from failover.desk import TooLateError
from failover.model import Health, Outcome, Receipt, Refusal, Refused, Statement
from failover.postoffice import Draft, Origin, PostOffice
from failover.report import MOST_ANSWERS, Names, NoIncidentError, report, window
from failover.report_page import page
from failover.report_words import failures, signed, summary
from failover.retraction import Retraction
from failover.show import status_lines
from failover.show_incidents import incidents_data, incidents_lines
from failover.show_report import asked_report, report_data, report_lines
from failover.standing import Declaration
from failover.status import status
from failover.store import Change
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


async def the_list(world: World) -> dict[str, Any]:
    data = {"running": True, "now": world.now, "timezone": "UTC", **await world.store.chronicle(0.0, 9)}
    for one in data["incidents"]:
        one["lasted"] = (one["closed_at"] or world.now) - one["opened_at"]
    return data


async def retract(world: World) -> None:
    outlets = {name: Outlet(name=name, channel=channel, policy=Policy()) for name, channel in world.channels.items()}
    await Retraction(world.engine, world.desk, outlets).retract("1", "a false alarm", "bob", world.now)


def refuses(world: World, channel: str) -> None:
    async def never(_receipt: Receipt) -> Outcome:
        return Refused(reason="it is printed", refusal=Refusal.CONTENT)

    world.channels[channel].retract = never  # type: ignore[method-assign]


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


async def test_a_post_that_fell_due_in_doubt_is_among_those_of_the_incident() -> None:
    """It was re-routed when it was beyond doubt, like those that fell due later."""
    world = await a_world()
    await world.live(10 * MINUTE, {"facebook": GREEN})
    await world.look("facebook", HALF)
    await world.engine.tick(world.now)
    office = PostOffice(world.engine, Path("/nowhere"), "UTC")
    early, _told = await office.accept(Draft(text="Market day", to=("facebook-page",)), Origin(by="ann"), world.now)
    await world.deliver()
    world.now += MINUTE
    await world.fall("facebook")
    late, _told = await office.accept(Draft(text="Bin day", to=("facebook-page",)), Origin(by="ann"), world.now)
    await world.live(MINUTE, {"facebook": RED})

    found = await world.engine.posts.meanwhile(world.engine.recent[-1], world.now)

    assert [one.delivery.partition("-")[0] for one in found] == [early.id, late.id]


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
    data = await the_list(world)

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


async def test_what_was_taken_back_is_called_so_in_the_list_and_in_the_report() -> None:
    """It was told, and is no longer: neither "told" nor "told nowhere"."""
    world = await a_world()
    await world.fall("facebook")
    await retract(world)
    data = await told(world)
    listed = "\n".join(incidents_lines(await the_list(world)))

    assert "What telegram, email and blog had said was taken back." in summary(data, BERLIN)
    assert "  taken back on telegram, email, blog\n" in listed


async def test_the_summary_of_what_was_taken_back_says_first_that_it_was_a_false_alarm() -> None:
    """It tells no outage that never was, and misses no welcome back."""
    world = await a_world()
    await world.fall("facebook")
    at = world.now
    await retract(world)
    assert "By what the sources say it is not over." in summary(await told(world), BERLIN)
    await world.rise("facebook")
    data = json.loads(json.dumps(report_data(await told(world))))

    words = data["summary"]
    assert words.startswith(f"This was a false alarm, taken back by bob at {local(at, BERLIN)} (a false alarm). ")
    assert "Facebook was held to be down from " in words
    assert "it was believed for this reason: " in words.lower()
    assert "welcome back" not in words
    assert data["incident"]["taken_back_at"] == iso(at, BERLIN)
    assert (data["incident"]["taken_back_by"], data["incident"]["taken_back_because"]) == ("bob", "a false alarm")


async def test_what_could_not_be_taken_back_is_left_to_be_done_until_it_is() -> None:
    world = await a_world()
    await world.fall("facebook")
    refuses(world, "blog")
    await retract(world)
    await world.rise("facebook")
    data = await told(world)

    [left] = [one for one in data["catch_up"] if one["matter"] == "public"]
    assert left["delivery"] == "1H-blog"
    assert "still public on blog" in left["reason"]
    assert (left["person"], "the correction is there" in left["reason"]) == (False, True)
    assert "told on blog; taken back on telegram, email" in "\n".join(incidents_lines(await the_list(world)))

    del world.channels["blog"].retract  # type: ignore[method-assign]
    await retract(world)
    assert not [one for one in (await told(world))["catch_up"] if one["matter"] == "public"]


async def test_an_earlier_outage_is_no_first_sign_of_this_one() -> None:
    """A declaration made for the one before stands in the window of a long one, and has nothing to do with it."""
    world = await a_world()
    await world.live(10 * MINUTE, {"facebook": GREEN})
    await world.fall("facebook")
    await world.rise("facebook")
    await world.live(2 * HOUR, {"facebook": GREEN})
    await world.fall("facebook")
    await world.live(30 * HOUR, {"facebook": RED}, every=600)
    data = await told(world, "2")
    data["states"]["facebook"].insert(
        0, {**data["states"]["facebook"][0], "at": data["window"]["from"] + 1, "now": "down"}
    )
    data["states"]["facebook"].insert(
        1, {**data["states"]["facebook"][0], "at": data["window"]["from"] + 2, "now": "up"}
    )

    first = min(one["at"] for one in data["states"]["facebook"][2:] if one["now"] not in ("up", "unknown"))
    early = data["incident"]["opened_at"] - first
    assert f"first sign was seen {span(early)} earlier" in summary(data, BERLIN)


async def test_an_objection_that_came_too_late_is_told_as_one() -> None:
    """What stood in public already was not stopped by it; the rest was."""
    world = await a_world()
    world.answers["blog"] += ["unreachable"] * 9
    await world.fall("facebook")
    world.now += 60
    await world.desk.veto("1H", "a false alarm", "root", world.now)
    [holding] = (await told(world))["statements"]

    words = signed(holding, str)
    assert words.startswith("goes out by itself, as configured; root objected at ")
    assert words.endswith(", when it was public already on telegram and email (a false alarm)")


async def test_who_approved_is_told_also_where_somebody_objected_later() -> None:
    world = await a_world(house_=house(sign_off={Statement.HOLDING: "required"}))
    await world.fall("facebook")
    await world.desk.approve("1H", "ann", world.now)
    await world.deliver()
    world.now += 60
    with pytest.raises(TooLateError):
        await world.desk.veto("1H", "", "root", world.now)
    [holding] = (await told(world))["statements"]

    assert signed(holding, str).startswith("ann approved; root objected at ")


async def test_an_objection_in_time_is_told_as_that() -> None:
    world = await a_world(house_=house(sign_off={Statement.HOLDING: "veto"}))
    await world.fall("facebook")
    await world.desk.veto("1H", "", "root", world.now)
    [holding] = (await told(world))["statements"]

    assert re.fullmatch(r"root objected at [\d.]+", signed(holding, str))


async def test_the_list_and_the_status_count_what_is_left_for_a_person() -> None:
    """It is said once in the journal; who looks later must find it."""
    world = await an_outage(await a_world())
    data = await the_list(world)
    now = await status(world.engine, {}, world.now)

    assert [one["left"] for one in data["incidents"]] == [1]
    assert now["left"] == [{"incident": "1", "count": 1}]
    for lines in (incidents_lines(data), status_lines(now)):
        assert "one thing is left for a person: failover report 1" in "\n".join(lines).replace(
            "One thing of incident 1", "one thing"
        )


async def test_a_channel_whose_platform_is_down_is_not_said_to_be_able_to_post() -> None:
    world = await a_world()
    await world.live(10 * MINUTE, {"facebook": GREEN})
    healths = {"facebook-page": (world.now, Health(sighting=up()))}
    await world.fall("facebook")
    now = await status(world.engine, healths, world.now)

    [line] = [one for one in status_lines(now) if one.startswith("facebook-page")]
    assert re.search(r"not now +.* ago +facebook is down; it could when it was asked", line)


def test_no_incident_is_a_sentence() -> None:
    data = {"running": False, "now": NOON, "timezone": "UTC", "earlier": 0, "incidents": []}
    assert [*incidents_lines(data)][-1] == "There has been no incident."


async def test_who_reads_the_file_of_a_stopped_daemon_reads_the_same_names(tmp_path: Path) -> None:
    """The titles of the configuration, or those of the catalogue; whatever else is wrong in it."""
    world = World(tmp_path / "failover.db")
    await world.start()
    await world.fall("facebook")
    world.store.close()
    config = tmp_path / "config.yaml"
    config.write_text(
        "organisation: {name: Example Council, timezone: Europe/Berlin}\nplatforms: {facebook: {}}\n"
        "channels: {email: {title: our newsletter}, telegram: {platform: telegram}, blog: 7}\n"
    )

    data = await asyncio.to_thread(asked_report, config, "", world.now)

    assert data["organisation"] == "Example Council"
    assert data["titles"] == {
        "platforms": {"facebook": "Facebook"},
        "channels": {"telegram": "Telegram", "email": "our newsletter", "blog": "Blog"},
    }


async def test_the_page_goes_to_standard_output_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-` is no name of a file, here as everywhere; what the dots mean stands below the drawing."""
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path / "failover.db")
    await world.start()
    await world.fall("facebook")
    world.store.close()
    config = tmp_path / "config.yaml"
    config.write_text("organisation: {name: Example Council}\n")

    assert await asyncio.to_thread(main, ["report", "--html", "-", "-c", str(config)]) == 0

    shown = capsys.readouterr().out
    assert shown.startswith("<!DOCTYPE html>")
    assert "● approved" in shown
    assert "● objected" in shown
    assert not (tmp_path / "-").exists()


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
