"""Beside the ticks: could every channel post (S8), and does our own watcher hear us (O6)?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import httpx

from failover.config.settings import Heartbeat
from failover.contracts import Channel
from failover.model import Evidence, Health, Sighting
from failover.telling import Says

A_DAY = 86400.0
PATIENCE = 60.0
EXPIRY_WARNING = 90 * A_DAY


class Checkup:
    """The last answer of every channel; `healths` is name -> (when asked, answer)."""

    def __init__(self, channels: Mapping[str, Channel], journal: Says, now: Callable[[], float]) -> None:
        self.healths: dict[str, tuple[float, Health]] = {}
        self._told: dict[str, tuple[tuple[str, ...], float]] = {}
        self._unheard = False
        self._channels = channels
        self._journal = journal
        self._now = now

    async def check(self, name: str) -> None:
        """Ask one channel whether it could post, without posting, and say what a person must know."""
        try:
            async with asyncio.timeout(PATIENCE):
                health = await self._channels[name].check()
        except TimeoutError:
            health = _unable(f"no answer within {PATIENCE:g} s")
        except Exception as error:  # noqa: BLE001  the same guard as around every plug-in
            self._journal.bug(f"channel {name}", error)
            health = _unable(f"the check failed unexpectedly ({type(error).__name__})")
        self.healths[name] = (self._now(), health)
        if self._is_news(name, health):
            self._tell(name, health)

    def _is_news(self, name: str, health: Health) -> bool:
        """Told when it changes, and as a reminder after a day."""
        before, at = self._told.get(name, (None, 0.0))
        if before == health.problems and self._now() - at < A_DAY / 2:
            return False
        self._told[name] = (health.problems, self._now())
        return True

    def _tell(self, name: str, health: Health) -> None:
        if health.problems:
            self._journal.say("channel_unable", channel=name, reason="; ".join(health.problems))
        else:
            self._journal.say("channel_able", channel=name, facts=health.facts or None)
        for warning in health.warnings if health.able else ():
            self._journal.say("channel_notice", channel=name, reason=warning)
        left = (health.expires_at or float("inf")) - self._now()
        if left < EXPIRY_WARNING:
            self._journal.say("credential_expiring", channel=name, days=max(0, int(left / A_DAY)))

    async def beat(self, heartbeat: Heartbeat, agent: str) -> None:
        """Tell whoever watches the watcher that there is progress (rule O6)."""
        trouble = await _beat(heartbeat.url, agent)
        if trouble:
            self._journal.say_on_change("heartbeat", "heartbeat_failed", reason=trouble)
        elif self._unheard:
            self._journal.say_on_change("heartbeat", "heartbeat_back")
        self._unheard = bool(trouble)


def _unable(reason: str) -> Health:
    return Health(sighting=Sighting.unknown(Evidence.SPOKEN, reason), problems=(reason,))


async def _beat(url: str, agent: str) -> str:
    """What went wrong; "" if the heartbeat was heard."""
    try:
        async with httpx.AsyncClient(timeout=10.0, headers={"user-agent": agent}) as client:
            answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return "" if answer.is_success else f"HTTP {answer.status_code}"
