"""Services that are asked about a platform: their answers as data, and results that take a while; private here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from failover.model import Evidence, Sighting
from probes._fetch import Page, Trouble

Answer = dict[str, Any] | Sighting
"""A JSON object, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """`name` is what people call it, `evidence` the class of what it says.

    `refusal` judges a status that is not among `good`; whatever the service answers, it is never the platform's
    trouble that it gives no data.
    """

    name: str
    evidence: Evidence
    refusal: Callable[[int], Sighting]
    good: range = range(200, 201)

    def data(self, answer: Page | Trouble) -> Any | Sighting:
        """The decoded JSON of an answer, or why there is none."""
        if isinstance(answer, Trouble):
            return answer.as_source_failure(self.evidence)
        if answer.status not in self.good:
            return self.refusal(answer.status)
        try:
            return answer.json()
        except ValueError:
            return self._no_data()

    def record(self, answer: Page | Trouble) -> Answer:
        """The JSON object of an answer, or why there is none."""
        found = self.data(answer)
        return found if isinstance(found, dict | Sighting) else self._no_data()

    def _no_data(self) -> Sighting:
        return Sighting.unknown(self.evidence, f"{self.name} answered with something else than data")


async def settled(
    ask: Callable[[], Awaitable[Answer]],
    done: Callable[[dict[str, Any]], bool],
    *,
    within: float,
    pause: float,
    longest_pause: float,
) -> Answer:
    """The answer when it is `done`, or as it is when time is up; asked at growing intervals (all in seconds)."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        found = await ask()
        if isinstance(found, Sighting) or done(found) or loop.time() + pause > end:
            return found
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, longest_pause)
