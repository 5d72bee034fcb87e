"""Answers of status pages over a mocked wire, good and bad, for the kinds that read one JSON document or two."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import httpx
import respx

from failover.contracts import AnyProbeKind, Options
from failover.model import Sighting, Signal
from tests.probes._garbage import spoil, surroundings

HTML = {"content-type": "text/html; charset=utf-8"}
JSON = {"content-type": "application/json"}

UNREADABLE = {
    "refused": httpx.ConnectError("no"),
    "reset": httpx.ReadError("no"),
    "late": httpx.ReadTimeout("no"),
    "challenge": httpx.Response(403, html="<html>Checking your browser</html>"),
    "challenge with 200": httpx.Response(200, html="<html>Checking your browser</html>"),
    "retired": httpx.Response(401, json={"error": "inactive"}),
    "gone": httpx.Response(404, json={}),
    "throttled": httpx.Response(429, headers={"retry-after": "60"}),
    "in trouble": httpx.Response(503, html="<html>503</html>"),
    "elsewhere": httpx.Response(302, headers={"location": "https://login.example.org/"}),
    "half": httpx.Response(200, headers=JSON, content=b'{"page": {"na'),
    "empty": httpx.Response(200, headers=JSON, content=b""),
    "deep": httpx.Response(200, headers=JSON, content=b"[" * 200_000),
    "another form": httpx.Response(200, json={"hello": "world"}),
    "a number": httpx.Response(200, json=7),
    "nothing": httpx.Response(200, json=None),
    "NaN": httpx.Response(200, headers=JSON, content=b'{"status": NaN}'),
}
"""What an address of a status page can turn into; none of it says anything about the platform."""


async def look(kind: AnyProbeKind, options: Options, answers: Mapping[str, Any]) -> Sighting:
    """One look where these addresses answer like this: a JSON value, an httpx.Response or an exception."""
    with respx.mock(assert_all_called=False) as wire:
        for url, answer in answers.items():
            route = wire.get(url)
            if isinstance(answer, Exception):
                route.mock(side_effect=answer)
            else:
                route.mock(
                    return_value=answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)
                )
        async with kind.open(options, surroundings()) as probe:
            seen = await probe.look()
    assert isinstance(seen, Sighting)
    return seen


def sound(seen: Sighting) -> Sighting:
    """A sighting that may be shown and stored: a reason on one line, and a fault exactly where something is wrong."""
    assert seen.reason
    assert "\n" not in seen.reason + seen.detail
    assert len(seen.reason) < 400
    assert len(seen.detail) <= 200
    assert (seen.fault is not None) is (seen.signal in (Signal.DOWN, Signal.DEGRADED))
    return seen


def spoiled(document: Any, random: Random, times: int) -> Any:
    """A spoiled copy, as it would come over the wire."""
    return json.loads(json.dumps(spoil(document, random, times)))
