"""What WordPress' answers mean, as a table of status and error code; pure, private to this folder.

Sources: WordPress REST API handbook; the codes were read off WordPress 6.1 itself.  Two surprises are worth knowing.
A wrong password is not refused as such: WordPress goes on as if nobody had signed in, so it shows as 401 with any
code that the request then meets, or as 400 `rest_invalid_param` with a 401 inside.  And where "pretty permalinks" are
off, /wp-json/ is no API: a web page with status 200 or 404, or a redirect, depending on the web server.
"""

from __future__ import annotations

from typing import Any

from channels._http import Answer
from channels._steps import Trouble
from channels._web import retry_after
from failover.model import Evidence, Fault, Refusal, Sighting

NO_DATA = "no-data"  # a web page where data was expected: the address or the permalinks may be the reason
NO_TRASH = "rest_trash_not_supported"
_GONE = ("rest_post_invalid_id", "rest_already_trashed")
_WORDS = {"title", "content", "slug", "excerpt"}  # the parameters that are ours to write


def classify(answer: Answer, now: float) -> Trouble | None:
    """What is wrong with this answer; None where it is a success in JSON."""
    code = answer.field("code")
    if answer.ok and isinstance(answer.json, dict | list):
        return None
    if answer.status in (408, 425, 429):
        return _busy(answer, now)
    if isinstance(code, str) and (answer.status < 500 or code == NO_TRASH):
        return _by_code(code, answer)
    if answer.status >= 500:
        reason = f"HTTP {answer.status} from WordPress"
        return Trouble(reason=reason, certain=False, sighting=Sighting.down(Evidence.SPOKEN, reason))
    return _without_data(answer)


def unclear(reason: str, *, refusal: Refusal | None = None, code: str = "") -> Trouble:
    """An answer that WordPress' REST API did not form: it proves nothing about what happened."""
    sighting = Sighting.unknown(Evidence.SPOKEN, reason)
    return Trouble(reason=reason, certain=False, refusal=refusal, sighting=sighting, code=code)


def _busy(answer: Answer, now: float) -> Trouble:
    reason = f"WordPress is too busy for us at the moment (HTTP {answer.status})"
    sighting = Sighting.unknown(Evidence.SPOKEN, reason, fault=Fault.ACCOUNT)
    return Trouble(reason=reason, retry_after=retry_after(answer.headers, now), sighting=sighting)


def _without_data(answer: Answer) -> Trouble:
    if answer.ok:
        return unclear("WordPress answered with a web page instead of data", code=NO_DATA)
    if answer.status < 400:
        reason = "instead of the WordPress REST API there is a redirect to another address"
        return unclear(reason, refusal=Refusal.CONFIGURATION, code=NO_DATA)
    if answer.status in (401, 403):
        return unclear(f"something in front of WordPress refused us (HTTP {answer.status})", refusal=Refusal.BLOCKED)
    reason = f"there is no WordPress REST API at this address (HTTP {answer.status})"
    return unclear(reason, refusal=Refusal.CONFIGURATION, code=NO_DATA)


def _by_code(code: str, answer: Answer) -> Trouble:
    status = _inner_status(answer.json) or answer.status
    if code in _GONE:
        return _ours(code, "WordPress has no such post any more", Refusal.CONFIGURATION, gone=True)
    if status == 401:
        reason = "WordPress does not accept the user name or application password, or a proxy removes them"
        return _ours(code, reason, Refusal.CREDENTIAL)
    if status == 403:
        return _ours(code, "the WordPress user may not do this", Refusal.PERMISSION)
    if code == "rest_invalid_param":
        names = sorted(_parameters(answer.json))
        refusal = Refusal.CONTENT if set(names) <= _WORDS else Refusal.CONFIGURATION
        return _ours(code, f"WordPress does not accept {', '.join(names) or 'the request'}", refusal)
    return _ours(code, "WordPress refuses the request", Refusal.CONFIGURATION)


def _ours(code: str, reason: str, refusal: Refusal, *, gone: bool = False) -> Trouble:
    said = f"{reason} ({code[:60]})"
    sighting = Sighting.unknown(Evidence.SPOKEN, said, fault=Fault.ACCOUNT)
    return Trouble(reason=said, refusal=refusal, sighting=sighting, gone=gone, code=code)


def _inner_status(error: Any) -> int | None:
    """The status that WordPress hides inside a `rest_invalid_param`, where it is one of "who are you?"."""
    details = (error.get("data") or {}).get("details") if isinstance(error.get("data"), dict) else None
    for detail in details.values() if isinstance(details, dict) else ():
        inner = detail.get("data") if isinstance(detail, dict) else None
        if isinstance(inner, dict) and inner.get("status") in (401, 403):
            return int(inner["status"])
    return None


def _parameters(error: Any) -> list[str]:
    """The names of the parameters that were not accepted."""
    data = error.get("data")
    params = data.get("params") if isinstance(data, dict) else None
    return [str(name)[:40] for name in params] if isinstance(params, dict) else []
