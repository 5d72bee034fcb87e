"""The file for Prometheus: its format, and that what an operator alarms on is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from failover.metrics import exposition, put_down
from failover.model import Health, Statement
from failover.status import status
from tests.core.stories import MINUTE, RED, World, house, unknown, up

LINE = re.compile(r'failover_[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?[0-9.e+-]+')


def value(text: str, sample: str) -> float | None:
    found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"failover_{sample} ")]
    return float(found[0]) if found else None


async def told(world: World, **healths: Health) -> str:
    return exposition(
        await status(world.engine, {name: (world.now, one) for name, one in healths.items()}, world.now)
    )


async def test_every_line_is_a_sample_or_explains_one() -> None:
    world = World(":memory:")
    await world.start()
    await world.fall("facebook")
    text = await told(world, telegram=Health(sighting=up(), expires_at=world.now + 86400))
    names = re.findall(r"^# TYPE (\S+) gauge$", text, re.MULTILINE)

    assert text.endswith("\n")
    assert len(names) == len(set(names)) == text.count("# HELP ")
    for line in text.splitlines():
        assert line.startswith("# ") or LINE.fullmatch(line), line


async def test_in_an_outage_it_says_so() -> None:
    world = World(":memory:")
    world.answers["telegram"] += ["unreachable"] * 9
    await world.start()
    await world.fall("facebook")
    await world.live(5 * MINUTE, {"facebook": RED})
    text = await told(world, telegram=Health(sighting=up(), expires_at=world.now + 86400))

    assert value(text, 'platform_state{platform="facebook",state="down"}') == 1
    assert value(text, 'platform_state{platform="facebook",state="up"}') == 0
    assert value(text, "incidents_open") == 1
    assert value(text, 'deliveries{phase="sent"}') == 2
    assert value(text, "offline") == value(text, "paused") == 0
    assert value(text, 'channel_able{channel="telegram"}') == 1
    assert value(text, 'channel_able{channel="email"}') is None
    assert value(text, 'credential_expires_timestamp_seconds{channel="telegram"}') == world.now + 86400


async def test_how_long_a_statement_has_been_due_and_what_waits_for_a_person_is_no_delay() -> None:
    for mode, late in (("automatic", True), ("required", False)):
        world = World(":memory:", house_=house(sign_off={Statement.HOLDING: mode}))
        await world.start()
        await world.fall("facebook", deliver=False)
        await world.live(2 * MINUTE, {"facebook": RED}, deliver=False)
        text = await told(world)

        assert ((value(text, "oldest_undelivered_seconds") or 0) >= 60) is late
        assert value(text, "waiting_for_approval") == (0 if late else 1)


async def test_a_source_that_cannot_tell_and_a_silence_are_seen() -> None:
    world = World(":memory:")
    await world.start()
    await world.look("facebook", {"api": unknown(), "crowd": up()})
    await world.desk.silence("facebook", 3600, "", "ann", world.now)
    text = await told(world)

    assert value(text, 'source_unknown{platform="facebook",probe="api"}') == 1
    assert value(text, 'source_unknown{platform="facebook",probe="crowd"}') == 0
    assert value(text, 'platform_quiet{platform="facebook"}') == 1
    assert value(text, 'platform_quiet{platform="x"}') == 0


def test_foreign_words_cannot_break_a_line() -> None:
    data = {
        "now": 1.0, "offline": "", "paused_by": "", "incidents": [],
        "platforms": [], "channels": [{"name": 'a"b\\c\nd', "able": True}],
    }  # fmt: skip

    assert 'failover_channel_able{channel="a\\"b\\\\c\\nd"} 1' in exposition(data)


def test_the_file_is_always_whole_and_readable_for_the_collector(tmp_path: Path) -> None:
    file = tmp_path / "failover.prom"
    put_down(file, "one\n")
    put_down(file, "two\n")

    assert file.read_text() == "two\n"
    assert file.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["failover.prom"]
    with pytest.raises(FileNotFoundError):
        put_down(tmp_path / "nowhere" / "failover.prom", "")
