"""Where probes are tested: samples, a fixed clock, and garbage made out of good answers."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from failover.contracts import Channel, Surroundings
from failover.model import Organisation

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = 1_795_172_400.0  # 2026-11-20T11:00:00Z

STATES = ["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance", "odd"]
INDICATORS = ["none", "minor", "major", "critical", "maintenance"]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text("utf-8"))


def raw(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def surroundings(now: Callable[[], float] = lambda: NOW) -> Surroundings:
    return Surroundings(
        organisation=Organisation(name="Example Council"),
        user_agent="failover-tests (+https://www.example.org)",
        name="status",
        platform="example",
        now=now,
        channel=_no_channel,
    )


def _no_channel(name: str) -> Channel:
    raise KeyError(name)


def spoil(document: Any, random: Random, times: int) -> Any:
    """A copy of the document with some of its parts left out, exchanged, doubled, or given another type or state."""
    spoiled = copy.deepcopy(document)
    for _ in range(times):
        places = list(_places(spoiled))
        if not places:
            return spoiled
        holder, key = random.choice(places)
        _spoil_one(holder, key, random)
    return spoiled


def _places(value: Any) -> Any:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _spoil_one(holder: Any, key: Any, random: Random) -> None:
    odd: list[Any] = [
        None,
        0,
        -1,
        1e300,
        True,
        "",
        "x" * 500,
        [],
        {},
        [[]],
        "\x00\n",
        "2026-13-45T99:99:99Z",
        [{"name": None}],
    ]
    match random.randrange(5):
        case 0:
            del holder[key]
        case 1:
            holder[key] = random.choice(odd)
        case 2:
            holder[key] = random.choice(STATES + INDICATORS)
        case 3:
            holder[key] = [holder[key]] * 2
        case _:
            other = random.choice(list(_places(holder)))
            holder[key] = copy.deepcopy(other[0][other[1]])
