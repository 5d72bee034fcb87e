"""Each protection is there for a reason: with any one of them turned off, the simulator finds a violation.

The protections are turned off here, from outside; the product has no switch for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from failover import agenda, courier, engine, plans, turns
from failover.delivery import Delivery, Phase, begin, moved
from failover.model import Sighting
from failover.standing import Rules
from failover.store import Change
from tests.simulator import invariants, life, process
from tests.simulator.focus import Danger, about, crashes, late, lies, line, recovery
from tests.simulator.simulate import simulate
from tests.simulator.sky import UP
from tests.simulator.story import story

SEEDS = 12
Off = Callable[[pytest.MonkeyPatch], None]


def no_intent(patch: pytest.MonkeyPatch) -> None:
    """The intent to send is not committed before the channel is called."""

    async def claim(self: Any, delivery_id: str) -> Delivery | None:
        row = await self._store.delivery(delivery_id)
        if row is None or not await self._engine.may_say(row, self._now()):
            return None
        return begin(row, self._now(), epoch=0)

    patch.setattr(courier.Courier, "_claim", claim)


def no_look(patch: pytest.MonkeyPatch) -> None:
    """What is in doubt is sent again without a look."""

    def again(row: Delivery, *_: Any) -> Delivery:
        return moved(row, Phase.READY, "sent again, unseen")

    patch.setattr(courier, "after_find", again)


def no_settling(patch: pytest.MonkeyPatch) -> None:
    """What is not there at once counts as never accepted."""
    policy = process.policy
    patch.setattr(process, "policy", lambda *args: replace(policy(*args), settle=0.0))


def no_cancelling(patch: pytest.MonkeyPatch) -> None:
    """What was planned is said, whatever has become of the platform."""

    def sayable(delivery: Delivery, statement: Any, _incident: Any, _states: Any, now: float, *_: Any) -> bool:
        return statement.release_at is not None and statement.release_at <= now and delivery.due <= now

    patch.setattr(agenda, "sayable", sayable)
    patch.setattr(turns, "cancel", lambda *_: plans.Plan())


def one_class(patch: pytest.MonkeyPatch) -> None:
    """One class of evidence is enough for a verdict."""
    patch.setattr(life, "Rules", partial(Rules, classes=1))


def no_anchors(patch: pytest.MonkeyPatch) -> None:
    """What the anchors say is not listened to."""
    anchors = engine.Engine.anchors

    async def deaf(self: engine.Engine, _sighting: Sighting, now: float) -> None:
        await anchors(self, next(iter(UP.values())), now)

    patch.setattr(engine.Engine, "anchors", deaf)


def no_look_after_restart(patch: pytest.MonkeyPatch) -> None:
    """What was in flight when the process died counts as unsent (merely not to mark it is harmless: the courier
    finds a row in flight that nobody carries).
    """

    async def interrupted(self: process.SimStore, now: float) -> list[Delivery]:
        flying = [row for row in await self.owed() if row.phase is Phase.SENDING]
        await self.record(Change(at=now, deliveries=tuple(replace(row, phase=Phase.READY) for row in flying)))
        return []

    patch.setattr(process.SimStore, "interrupted", interrupted)


@pytest.mark.parametrize(
    ("off", "danger", "kinds"),
    [
        (no_intent, crashes, {"D2 intent first", "never twice"}),
        (no_look, late, {"never twice"}),
        (no_settling, late, {"never twice"}),
        (no_cancelling, recovery, {"S2 after recovery", "never say what is not so"}),
        (one_class, lies, {"never say what is not so"}),
        (no_anchors, line, {"never say what is not so", "R3 our own line"}),
        (no_look_after_restart, crashes, {"never twice"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_without_it_something_goes_wrong(
    off: Off, danger: Danger, kinds: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the protection nothing happens; without it, one of a dozen lives shows what it is for."""
    scenarios = [about(danger, seed) for seed in range(SEEDS)]
    unharmed = [simulate(one).violation for one in scenarios[:4]]
    assert unharmed == [None] * 4

    off(monkeypatch)
    monkeypatch.setattr(invariants, "KNOWN", {})

    found = next((one for one in scenarios if simulate(one).violation), None)
    assert found is not None, "nothing goes wrong without it: is it needed, or does the simulator not see it?"
    print("\n".join(story(found).splitlines()[:12]))
    violation = simulate(found).violation
    assert violation is not None
    assert violation.kind in kinds, violation
