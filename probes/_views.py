"""What several vantage points saw of one address, folded into one sighting; private to this folder.

The quorum: an answer counts only when networks that could tell are at least three (by autonomous system) in at least
two countries, because one network or one country fails by itself every day.  DOWN needs that many failing networks,
and twice as many as those that get through; all the machines in one network are one voice, and the voice of the one
that got through.  What went wrong at the vantage point itself counts neither way.

A country that blocks large platforms by order makes every look from there fail: only its successes count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from failover.model import Evidence, Sighting
from probes._page import FAILING, plain

NETWORKS = 3
COUNTRIES = 2

BLOCKING = frozenset({"BY", "CN", "IR", "KP", "MM", "RU", "TM"})
"""Countries (ISO 3166-1) where failing is the usual state of several large platforms."""

OUR_WAY_OUT = frozenset({407, 511})
"""Statuses that a proxy or a login page of the network near the vantage point makes (RFC 9110, RFC 6585)."""


class Reach(str, Enum):
    """What one vantage point found."""

    WORKS = "works"
    FAILS = "fails"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look from one place.  `network` is its autonomous system, `country` two letters; `words` what was found."""

    network: str
    country: str
    reach: Reach
    words: str

    @property
    def tells(self) -> bool:
        if not self.network or not self.country or self.reach is Reach.CANNOT_TELL:
            return False
        return self.reach is Reach.WORKS or self.country not in BLOCKING

    def __str__(self) -> str:
        return f"{self.country or 'somewhere'}/{self.network or 'unknown network'}: {self.words}"


def judge_views(views: Sequence[View]) -> Sighting:
    """The verdict of the quorum."""
    telling = [view for view in views if view.tells]
    works = {view.network for view in telling if view.reach is Reach.WORKS}
    failing = [view for view in telling if view.network not in works]
    fails = _networks(failing)
    detail = plain("; ".join(map(str, views)), 1000)
    if not _is_quorum(telling):
        could = f"only {_many(len(works | fails), 'network')} in {_countries(telling)} could tell"
        return Sighting.unknown(Evidence.ELSEWHERE, f"{could}, which is too few to go by", detail)
    of = f"{len(fails)} of {len(works | fails)} networks in {_countries(telling)}"
    if _is_quorum(failing) and len(fails) >= 2 * len(works):
        return Sighting.down(Evidence.ELSEWHERE, f"cannot be reached from {of}", detail)
    if len(fails) >= len(works) or _is_quorum(failing):
        return Sighting.degraded(Evidence.ELSEWHERE, f"cannot be reached from {of}, but from the others", detail)
    through = f"{len(works)} of {len(works | fails)} networks in {_countries(telling)}"
    return Sighting.up(Evidence.ELSEWHERE, f"can be reached from {through}", detail)


def status_view(network: str, country: str, status: int) -> View:
    """An HTTP answer: all but the site's own "we cannot" prove that the way there works."""
    reach = Reach.FAILS if status in FAILING else Reach.CANNOT_TELL if status in OUR_WAY_OUT else Reach.WORKS
    return View(network=network, country=country, reach=reach, words=f"HTTP {status}")


def _is_quorum(views: Iterable[View]) -> bool:
    views = list(views)
    return len(_networks(views)) >= NETWORKS and len({view.country for view in views}) >= COUNTRIES


def _networks(views: Iterable[View]) -> set[str]:
    return {view.network for view in views}


def _countries(views: Iterable[View]) -> str:
    count = len({view.country for view in views})
    return f"{count} {'country' if count == 1 else 'countries'}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
