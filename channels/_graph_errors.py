"""Meta's Graph API errors as a table: code -> whose trouble it is and what it proves.  Pure; private to this folder.

Sources: "Handling Errors" of the Graph API documentation (codes 1, 2, 4, 10, 17, 32, 102, 190, 200-299, 341, 368,
506, 613, 80000-80014, 1609005 and the subcodes of 190); subcodes 1390008, 1404078, 4854002 are known from publishers.

Order matters.  A throttle may carry `is_transient: true` as well, so the account's own trouble is recognised first;
only codes 1 and 2, an unknown code that calls itself transient, and a 5xx of the API speak of the platform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from channels._http import Answer
from channels._steps import Trouble
from channels._web import retry_after
from failover.model import Evidence, Fault, Refusal, Sighting

GONE = 33  # subcode of 100: does not exist, or this token may not see it
DUPLICATE = "506"


@dataclass(frozen=True, slots=True)
class _Rule:
    codes: Collection[int]
    reason: str
    refusal: Refusal | None = None  # None: worth repeating


_RULES = (
    _Rule((4, 17, 32, 613, *range(80000, 80015)), "Facebook allows us no more requests for the moment"),
    _Rule((341,), "Facebook reports a limit or trouble of its own"),
    _Rule((102, 190), "Facebook does not accept the access token", Refusal.CREDENTIAL),
    _Rule((3, 10, *range(200, 300)), "the access token lacks a permission", Refusal.PERMISSION),
    _Rule((368,), "Facebook has blocked posting for breaking its policies", Refusal.BLOCKED),
    _Rule((506,), "Facebook says that this very text was posted before", Refusal.CONTENT),
    _Rule((1609005,), "Facebook cannot load the link in the post", Refusal.CONTENT),
    _Rule((100, 2500), "Facebook does not accept the request", Refusal.CONTENT),
)

_SUBCODES = {
    458: ("the app was removed from the account that issued the access token", Refusal.CREDENTIAL),
    459: ("Facebook wants the account's owner to sign in and pass a check", Refusal.CREDENTIAL),
    460: ("the access token ended because the password was changed", Refusal.CREDENTIAL),
    463: ("the access token has expired", Refusal.CREDENTIAL),
    464: ("the account that issued the access token is not confirmed", Refusal.CREDENTIAL),
    467: ("the access token is no longer valid", Refusal.CREDENTIAL),
    490: ("the account that issued the access token is under a check", Refusal.CREDENTIAL),
    492: ("the account that issued the access token lost its role on the Page", Refusal.PERMISSION),
    1390008: ("Facebook says that we post too fast", Refusal.QUOTA),
    1404078: ("the Page needs Page Publishing Authorization", Refusal.PERMISSION),
    4854002: ("Facebook wants an identity confirmation", Refusal.PERMISSION),
}


def classify(answer: Answer, now: float) -> Trouble | None:
    """What is wrong with this answer of the Graph API; None where it is a success in JSON."""
    error = answer.field("error")
    if isinstance(error, dict):
        return _by_code(error, answer, now)
    if answer.ok and isinstance(answer.json, dict | list):
        return None
    if answer.status >= 500:
        reason = f"HTTP {answer.status} from the Graph API"
        return Trouble(reason=reason, certain=False, sighting=Sighting.down(Evidence.SPOKEN, reason))
    if answer.status == 429:
        return _throttled("Facebook allows us no more requests for the moment", answer, now, fault=Fault.ACCOUNT)
    reason = f"HTTP {answer.status} without the data of the Graph API; something in between may have answered"
    return Trouble(reason=reason, certain=False, sighting=Sighting.unknown(Evidence.SPOKEN, reason))


def _by_code(error: Mapping[str, Any], answer: Answer, now: float) -> Trouble:
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    rule = next((rule for rule in _RULES if code in rule.codes), None)
    if (code, subcode) == (1, 99):
        return _ours(code, error, "Facebook does not accept the request", Refusal.CONTENT)
    if code in (1, 2):
        return _platform(code, error, "Facebook reports trouble of its own")
    if rule is not None and rule.refusal is None:
        unclear = code == 341 or (code == 613 and error.get("is_transient") is True)
        return _throttled(rule.reason, answer, now, fault=None if unclear else Fault.ACCOUNT, code=code)
    if subcode in _SUBCODES:
        return _ours(code, error, *_SUBCODES[subcode])
    if rule is not None and rule.refusal is not None:
        return _named(rule, code, subcode, error)
    if error.get("is_transient") is True or answer.status >= 500:
        return _platform(code, error, "Facebook reports passing trouble of its own")
    return _ours(code, error, "Facebook refuses for a reason that we do not know", Refusal.CONFIGURATION)


def _named(rule: _Rule, code: int, subcode: int, error: Mapping[str, Any]) -> Trouble:
    assert rule.refusal is not None
    if (code, subcode) == (100, GONE):
        reason = "Facebook shows no such Page or post to this access token"
        return _ours(code, error, reason, Refusal.CONFIGURATION, gone=True)
    return _ours(code, error, rule.reason, rule.refusal)


def _ours(code: int, error: Mapping[str, Any], reason: str, refusal: Refusal, *, gone: bool = False) -> Trouble:
    said = f"{reason} (error {_name(error)})"
    detail = "" if refusal is Refusal.CREDENTIAL else quotable(str(error.get("message", "")))
    sighting = Sighting.unknown(Evidence.SPOKEN, said, detail, fault=Fault.ACCOUNT)
    return Trouble(reason=said, refusal=refusal, sighting=sighting, gone=gone, code=str(code))


def _platform(code: int, error: Mapping[str, Any], reason: str) -> Trouble:
    said = f"{reason} (error {_name(error)})"
    sighting = Sighting.down(Evidence.SPOKEN, said, quotable(str(error.get("message", ""))))
    return Trouble(reason=said, certain=False, sighting=sighting, code=str(code))


def _throttled(reason: str, answer: Answer, now: float, *, fault: Fault | None, code: int = 0) -> Trouble:
    sighting = Sighting.unknown(Evidence.SPOKEN, reason, fault=fault)
    return Trouble(reason=reason, retry_after=regain_access(answer, now), sighting=sighting, code=str(code))


def regain_access(answer: Answer, now: float) -> float | None:
    """Seconds until requests are allowed again.

    X-Business-Use-Case-Usage gives `estimated_time_to_regain_access` in minutes, per business and kind of use; the
    longest counts.  Source: "Rate Limits" of the Graph API documentation.
    """
    try:
        usage = json.loads(answer.headers.get("x-business-use-case-usage", "{}"))
    except ValueError:
        usage = {}
    kinds = usage.values() if isinstance(usage, dict) else ()
    uses = [use for kind in kinds if isinstance(kind, list) for use in kind]
    minutes = [_number(use.get("estimated_time_to_regain_access")) for use in uses if isinstance(use, dict)]
    if (longest := max(minutes, default=0)) > 0:
        return longest * 60.0
    return retry_after(answer.headers, now)


def quotable(message: str) -> str:
    """Facebook's own words without anything that could be a token (its messages quote malformed ones), shortened."""
    return re.sub(r"[\w|.-]{25,}", "***", message)[:200]


def _name(error: Mapping[str, Any]) -> str:
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    return f"{code}/{subcode}" if subcode else str(code)


def _number(value: object) -> int:
    """Facebook writes numbers as numbers, some gateways as text; anything else is 0."""
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else 0
