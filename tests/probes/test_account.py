"""The `account` probe: the channel's own answer, with our account to blame where it needs a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from failover.contracts import Surroundings
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


@pytest.mark.parametrize("options", [{}, {"channel": ""}, {"channel": "x", "platform": "y"}], ids=str)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        KIND.options.model_validate(options)


def test_accounts_are_asked_seldom() -> None:
    """Every read of one's own account counts against its quota."""
    assert (KIND.every, KIND.fastest) == (300.0, 60.0)
