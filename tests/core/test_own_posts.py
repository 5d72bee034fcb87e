"""A real post of our own is evidence: what the platform answers to it counts like any other look."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from channels.x import KIND, XOptions
from failover.courier import Courier, Outlet
from failover.delivery import Policy
from failover.evidence import Tally
from failover.model import Signal, State
from failover.practice.http import Fault
from failover.practice.x import XService
from failover.routing import Route
from tests.channels._house import NOW, surroundings
from tests.core.stories import SPOKEN, World, house

KEYS = {name: f"the-{name}" for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")}
BY_X = Route(platforms=("facebook",), primaries=("facebook-page",), backups=("x-account",))


async def after_a_post(fault: Fault | None) -> tuple[Tally, State]:
    """Facebook is down, and the holding statement goes through the real channel to a practice X."""
    world = World(":memory:", house_=house(routes=(BY_X,)))
    await world.start()
    await world.fall("facebook", deliver=False)
    async with XService(**KEYS, now=lambda: NOW) as service:
        if fault is not None:
            service.fail(fault, method="POST")
        secrets = {name: SecretStr(value) for name, value in KEYS.items()}
        async with KIND.open(XOptions(**secrets, api_url=service.url), surroundings()) as channel:
            outlet = Outlet(name="x-account", channel=channel, policy=Policy(), platform="x")
            courier = Courier(world.engine, {"x-account": outlet}, lambda: world.now)
            await courier.deliver()
            await courier.finish()
    assert world.journal.bugs == []
    return world.engine.tally("x", world.now), world.state("x")


async def test_a_post_that_fails_with_an_error_of_the_platform_is_a_vote_in_its_own_words() -> None:
    """HTTP 500 is `spoken`: one class, so suspicion and nothing more."""
    seen, state = await after_a_post(Fault.ERROR_BEFORE)

    assert [one.probe for one in seen.votes[SPOKEN]] == ["posts to x-account"]
    assert seen.works == ()
    assert state is State.SUSPECT


async def test_a_post_that_works_says_that_the_platform_works() -> None:
    seen, state = await after_a_post(None)

    assert [(one.probe, one.sighting.signal) for one in seen.works] == [("posts to x-account", Signal.UP)]
    assert seen.votes == {}
    assert state is State.UP


@pytest.mark.parametrize("fault", [Fault.THROTTLED], ids=lambda fault: fault.name.lower())
async def test_a_post_that_is_refused_for_our_own_sake_is_no_vote(fault: Fault) -> None:
    seen, _state = await after_a_post(fault)

    assert (seen.votes, seen.works) == ({}, ())
