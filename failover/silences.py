"""A platform that a person keeps quiet for a while: its trouble is no news until then (like announced maintenance).

Durable, for an end: each silence has a time at which it is over by itself, and is visible in `failover status`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from failover.store import Change, Store

_KEY = "silence."

LONGEST = 14 * 86400.0
"""Seconds; whoever wants more than two weeks of it takes the platform out of the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`until` in seconds since the epoch (UTC)."""

    platform: str
    until: float
    by: str
    because: str = ""


class Silences:
    """Those that hold, as the database has them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, Silence] = {}

    async def load(self, platforms: Iterable[str], now: float) -> None:
        """Those of these platforms; none lasts longer than one may.  Raises StoreError."""
        for name in platforms:
            written = await self._store.setting(_KEY + name)
            if written:
                silence = Silence(platform=name, **json.loads(written))
                self._held[name] = replace(silence, until=min(silence.until, now + LONGEST))

    def of(self, platform: str, now: float) -> Silence | None:
        """The one that holds now."""
        silence = self._held.get(platform)
        return silence if silence is not None and now < silence.until else None

    def why(self, platform: str, now: float) -> str:
        """In words; "" if none holds."""
        silence = self.of(platform, now)
        if silence is None:
            return ""
        return f"silenced by {silence.by}{f': {silence.because}' if silence.because else ''}"

    async def begin(self, silence: Silence, now: float) -> None:
        """From now on.  Raises StoreError, and nothing has changed then."""
        facts = {"platform": silence.platform, "until": silence.until, "by": silence.by, "because": silence.because}
        await self._write(silence.platform, silence, ("silenced", facts), now)
        self._held[silence.platform] = silence

    async def end(self, platform: str, by: str, now: float) -> bool:
        """Before its time, or at its time (`by` ""); False if there was none.  Raises StoreError."""
        if platform not in self._held:
            return False
        await self._write(platform, None, ("silence_ended", {"platform": platform, "by": by}), now)
        del self._held[platform]
        return True

    def expired(self, now: float) -> list[str]:
        """The platforms whose silence has come to its time and was not ended yet."""
        return [name for name, silence in self._held.items() if now >= silence.until]

    def moved(self, seconds: float) -> dict[str, str]:
        """What is to be written when the wall clock was set: what was to last so long still does."""
        return {_KEY + name: _written(replace(one, until=one.until + seconds)) for name, one in self._held.items()}

    def step(self, seconds: float) -> None:
        """It was written."""
        self._held = {name: replace(one, until=one.until + seconds) for name, one in self._held.items()}

    async def _write(
        self, platform: str, silence: Silence | None, fact: tuple[str, dict[str, object]] | None, now: float
    ) -> None:
        settings = {_KEY + platform: _written(silence) if silence else ""}
        await self._store.record(Change(at=now, settings=settings, audit=(fact,) if fact else ()))


def _written(silence: Silence) -> str:
    return json.dumps({"until": silence.until, "by": silence.by, "because": silence.because})
