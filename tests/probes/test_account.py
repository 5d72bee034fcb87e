"""The `account` probe: the channel's own answer, with our account to blame where it needs a person."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from failover.contracts import Probe, Surroundings
from failover.model import Evidence, Fault, Health, Organisation, Sighting, Signal
from probes.account import KIND

SPOKEN = Evidence.SPOKEN


class Page:
    """A channel that only knows how it is."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self.asked = 0

    async def check(self) -> Health:
        self.asked += 1
        return self._health


async def look(channels: Mapping[str, Any], name: str = "our-page") -> Sighting:
    surroundings = Surroundings(
        organisation=Organisation(name="Test"),
        user_agent="failover test",
        name="account",
        platform="p",
        now=lambda: 0.0,
        channel=channels.__getitem__,
    )
    async with KIND.open(KIND.options.model_validate({"channel": name}), surroundings) as probe:
        return await probe.look()


@pytest.mark.parametrize(
    ("sighting", "problems", "fault"),
    [
        (Sighting.up(SPOKEN, "works"), (), None),
        (Sighting.up(SPOKEN, "works"), ("a permission is missing",), None),
        (Sighting.down(SPOKEN, "HTTP 503"), (), Fault.PLATFORM),
        (Sighting.down(SPOKEN, "HTTP 503"), ("the token ends today",), Fault.PLATFORM),
        (Sighting.unknown(SPOKEN, "expired"), ("the token has expired",), Fault.ACCOUNT),
        (Sighting.unknown(SPOKEN, "expired", fault=Fault.ACCOUNT), ("the token has expired",), Fault.ACCOUNT),
        (Sighting.unknown(SPOKEN, "no line", fault=Fault.NETWORK), ("could not be asked",), Fault.NETWORK),
        (Sighting.unknown(SPOKEN, "could not tell"), (), None),
    ],
)
async def test_what_the_channel_says_is_what_was_seen(
    sighting: Sighting, problems: tuple[str, ...], fault: Fault | None
) -> None:
    page = Page(Health(sighting=sighting, problems=problems))
    seen = await look({"our-page": page})
    assert (seen.signal, seen.evidence, seen.reason) == (sighting.signal, sighting.evidence, sighting.reason)
    assert seen.fault is fault
    assert page.asked == 1


async def test_an_account_in_trouble_never_votes() -> None:
    health = Health(sighting=Sighting.unknown(SPOKEN, "the token was revoked"), problems=("renew the token",))
    seen = await look({"our-page": Page(health)})
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)


async def test_a_channel_that_is_not_open_is_our_own_mistake() -> None:
    seen = await look({}, "typo")
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
    assert "typo" in seen.reason


def test_the_example_is_valid() -> None:
    example = yaml.safe_load(KIND.example)
    assert example.pop("kind") == "account"
    KIND.options.model_validate(example)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"channel": ""},
        {"channel": "x", "platform": "y"},
        {"channel": "x", "canary": True, "canary_every": "4m"},
        {"channel": "x", "canary_every": "15m"},
        {"channel": "x", "canary": False, "canary_every": "15m"},
    ],
    ids=str,
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KIND.options.model_validate(options)


def test_accounts_are_asked_seldom() -> None:
    """Every read of one's own account counts against its quota."""
    assert (KIND.every, KIND.fastest) == (300.0, 60.0)


# --- the canary ---

UP = Sighting.up(SPOKEN, "reading works")
FLOWN = Sighting.up(SPOKEN, "writing works")
UNPOSTABLE = Sighting.down(SPOKEN, "a test post failed")
SWALLOWED = Sighting.degraded(SPOKEN, "a test post is not there")
BLOCKED = Sighting.unknown(SPOKEN, "we are blocked", fault=Fault.ACCOUNT)
NO_LINE = Sighting.unknown(SPOKEN, "no line", fault=Fault.NETWORK)
READ_DOWN = Sighting.down(SPOKEN, "HTTP 503")
READ_DEGRADED = Sighting.degraded(SPOKEN, "slow")
EXPIRED = Sighting.unknown(SPOKEN, "expired", fault=Fault.ACCOUNT)


@dataclass
class Town:
    """A channel with a canary, a probe of it, and a clock."""

    read: Sighting = UP
    written: Sighting = FLOWN
    flights: int = 0
    at: float = 1_795_000_000.0
    probe: Probe = field(init=False)

    async def check(self) -> Health:
        return Health(sighting=self.read)

    async def canary(self) -> Sighting:
        self.flights += 1
        return self.written

    async def after(self, minutes: float) -> Sighting:
        self.at += minutes * 60
        return await self.probe.look()


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    town = Town()
    surroundings = Surroundings(
        organisation=Organisation(name="Test"),
        user_agent="failover test",
        name="account",
        platform="p",
        now=lambda: town.at,
        channel={"our-page": town}.__getitem__,  # type: ignore[arg-type]
    )
    async with KIND.open(KIND.options.model_validate({"channel": "our-page", "canary": True}), surroundings) as probe:
        town.probe = probe
        yield town


def test_the_canary_is_off_by_default_and_each_quarter_of_an_hour() -> None:
    options = KIND.options.model_validate({"channel": "x"})
    assert (options.canary, options.canary_every) == (False, 900.0)


async def test_without_the_option_nothing_is_written() -> None:
    town = Town()
    assert await look({"our-page": town}) == UP
    assert town.flights == 0


@pytest.mark.parametrize(
    ("read", "written", "expected"),
    [
        (UP, FLOWN, FLOWN),
        (UP, UNPOSTABLE, UNPOSTABLE),
        (UP, SWALLOWED, SWALLOWED),
        (UP, BLOCKED, BLOCKED),
        (UP, NO_LINE, NO_LINE),
        (READ_DEGRADED, FLOWN, READ_DEGRADED),
        (READ_DEGRADED, BLOCKED, READ_DEGRADED),
        (READ_DEGRADED, UNPOSTABLE, UNPOSTABLE),
    ],
    ids=lambda sighting: sighting.reason.replace(" ", "-"),
)
async def test_the_answer_is_the_worse_of_reading_and_writing(
    town: Town, read: Sighting, written: Sighting, expected: Sighting
) -> None:
    town.read, town.written = read, written
    assert await town.after(0) == expected


@pytest.mark.parametrize("read", [READ_DOWN, EXPIRED, NO_LINE], ids=lambda sighting: sighting.reason)
async def test_nothing_is_written_where_reading_says_enough(town: Town, read: Sighting) -> None:
    """And once that is over, it is asked at once whether posting works."""
    await town.after(0)
    town.read = read
    assert await town.after(1) == read
    assert town.flights == 1
    town.read, town.written = UP, UNPOSTABLE
    assert await town.after(1) == UNPOSTABLE


async def test_a_canary_that_works_flies_only_so_often(town: Town) -> None:
    said = [(await town.after(minutes)).reason for minutes in (0, 5, 5, 4.9, 0.1, 5)]
    assert said == [reason.reason for reason in (FLOWN, UP, UP, UP, FLOWN, UP)]
    assert town.flights == 2


@pytest.mark.parametrize("failed", [UNPOSTABLE, SWALLOWED, NO_LINE], ids=lambda sighting: sighting.reason)
async def test_a_canary_that_failed_flies_at_each_look_until_it_works(town: Town, failed: Sighting) -> None:
    """Each vote is a look of its own, and "it works" is never said on the strength of reading alone."""
    await town.after(0)
    town.written = failed
    assert [await town.after(minutes) for minutes in (15, 1, 1)] == [failed] * 3
    town.written = FLOWN
    assert [await town.after(1), await town.after(1)] == [FLOWN, UP]
    assert town.flights == 5


async def test_an_account_that_may_not_write_is_not_asked_again_before_its_time(town: Town) -> None:
    """A limit or a block would last the longer; the alarm stands meanwhile."""
    town.written = BLOCKED
    assert [await town.after(minutes) for minutes in (0, 5, 5)] == [BLOCKED] * 3
    assert town.flights == 1
    town.written = FLOWN
    assert [await town.after(minutes) for minutes in (5, 5)] == [FLOWN, UP]


async def test_a_flight_that_is_cut_off_is_made_again(town: Town) -> None:
    """The deadline of a look ends it without an answer."""

    async def cut_off() -> Sighting:
        raise TimeoutError

    await town.after(0)
    town.canary = cut_off  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        await town.after(15)
    del town.canary
    assert await town.after(1) == FLOWN


async def test_a_clock_that_was_set_back_does_not_end_the_flights(town: Town) -> None:
    await town.after(0)
    assert await town.after(-600) == FLOWN


async def test_a_channel_without_a_canary_is_our_own_mistake() -> None:
    page = Page(Health(sighting=UP))
    surroundings = Surroundings(
        organisation=Organisation(name="Test"),
        user_agent="failover test",
        name="account",
        platform="p",
        now=lambda: 0.0,
        channel={"our-page": page}.__getitem__,  # type: ignore[arg-type]
    )
    async with KIND.open(KIND.options.model_validate({"channel": "our-page", "canary": True}), surroundings) as probe:
        seen = await probe.look()
    assert (seen.signal, seen.fault) == (Signal.UNKNOWN, Fault.ACCOUNT)
