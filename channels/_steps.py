"""What a failed request means, by the step it was: preparing, looking or publishing; private to this folder.

A channel that first prepares something invisible (a draft, an unpublished post) and then makes it public by its id
can only ever double invisible things.  So whatever goes wrong while preparing is safe to repeat, and only the
publishing step can leave us unsure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from channels._http import Answer, exchange
from failover.model import Receipt, Refusal, Refused, Sighting, Unconfirmed, Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A request that did not do what was asked.

    `certain`: it changed nothing, because the service was not reached or formed the "no" itself.  `refusal`: why a
    repeat would meet the same answer (None: worth repeating).  `gone`: what it was about does not exist, or is not
    shown to us.  `code` is the service's own name for the error.
    """

    reason: str
    sighting: Sighting
    certain: bool = True
    refusal: Refusal | None = None
    retry_after: float | None = None
    gone: bool = False
    code: str = ""


async def ask(client: httpx.AsyncClient, method: str, url: str, **request: Any) -> Answer | Trouble:
    """One exchange; the answer of whatever status, or the transport's trouble."""
    result = await exchange(client, method, url, **request)
    return result if isinstance(result, Answer) else from_transport(result)


def from_transport(lost: Unreachable | Unconfirmed) -> Trouble:
    """The bare reason, without what it would mean for a post: that depends on the step."""
    assert lost.sighting is not None
    return Trouble(reason=lost.sighting.reason, sighting=lost.sighting, certain=isinstance(lost, Unreachable))


def while_preparing(trouble: Trouble) -> Refused | Unreachable:
    """Nothing public can have come of it: refused, or safe to repeat."""
    if trouble.refusal is not None:
        return Refused(reason=trouble.reason, refusal=trouble.refusal, sighting=trouble.sighting)
    return Unreachable(reason=trouble.reason, retry_after=trouble.retry_after, sighting=trouble.sighting)


def while_looking(trouble: Trouble, *, repeat: bool) -> Refused | Unreachable | Unconfirmed:
    """A repeat begins with a look at what the earlier attempt prepared; a failed look has changed nothing.

    Worth repeating: then the next attempt looks again.  Refused for good: then it will never be seen by us whether an
    earlier attempt went out, and a person must decide (Unconfirmed); `repeat` says that there was such an attempt.
    """
    if repeat and trouble.refusal is not None:
        reason = f"{trouble.reason}; whether an earlier attempt went out could not be seen"
        return Unconfirmed(reason=reason, sighting=trouble.sighting)
    return while_preparing(trouble)


def unknown_post(receipt: Receipt) -> Refused:
    """A receipt without the service's own id, as a person's "I saw it" leaves it: taken back by hand only."""
    where = f" at {receipt.url}" if receipt.url else ""
    reason = f"the post's number is not known; it must be taken back by hand{where}"
    return Refused(reason=reason, refusal=Refusal.CONFIGURATION)


def while_publishing(trouble: Trouble) -> Refused | Unreachable | Unconfirmed:
    """Only a certain "no" means that nothing is public.  What is gone is prepared anew by the next attempt."""
    if not trouble.certain:
        return Unconfirmed(reason=f"{trouble.reason}; the post may have gone out", sighting=trouble.sighting)
    if trouble.refusal is not None and not trouble.gone:
        return Refused(reason=trouble.reason, refusal=trouble.refusal, sighting=trouble.sighting)
    return Unreachable(reason=trouble.reason, retry_after=trouble.retry_after, sighting=trouble.sighting)
