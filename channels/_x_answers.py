"""What each answer of the X API means; pure; private to this folder.

Errors are "problems": `{"title", "detail", "type", "status"}`, alone or in a list `errors`; older parts answer
`{"errors": [{"code", "message"}]}`, and a bare JSON list has been seen.  https://docs.x.com/x-api/fundamentals/
response-codes-and-errors; `user-suspended` and the 24-hour headers are known from logs of other projects only.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from channels._http import Answer
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Evidence,
    Fault,
    Finding,
    Found,
    Health,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Sighting,
    Unconfirmed,
    Unreachable,
)

Failure = Refused | Unreachable | Unconfirmed
Reply = Answer | Unreachable | Unconfirmed

WINDOW = 15 * 60.0
"""X's ordinary rate-limit window in seconds.  Who must wait longer than that has used up a quota."""

MARGIN = 600.0
"""Seconds by which the timeline must reach back beyond the announcement; covers clocks that differ."""

DUPLICATE = "duplicate"

COMPLAINTS: tuple[tuple[int, str, Refusal, str], ...] = (
    (0, "usage-capped", Refusal.QUOTA, "the X developer account has used up its quota"),
    (0, "daily status update limit", Refusal.QUOTA, "the X account has posted too often today"),
    (0, "creditsdepleted", Refusal.BILLING, "the X developer account has no credit left"),
    (0, "suspended", Refusal.BLOCKED, "X has suspended the account or the app"),
    (0, "temporarily locked", Refusal.BLOCKED, "X has locked the account; somebody must log in and unlock it"),
    (0, "might be automated", Refusal.BLOCKED, "X takes the account for a spammer"),
    (401, "", Refusal.CREDENTIAL, "X does not accept the keys (revoked, or this machine's clock is wrong)"),
    (402, "", Refusal.BILLING, "the X developer account has no credit left"),
    (403, DUPLICATE, Refusal.CONTENT, "X has seen this very text from us before and refuses it"),
    (0, "too long", Refusal.CONTENT, "the text is too long for X"),
    (
        403,
        "oauth1-permissions",
        Refusal.PERMISSION,
        "the X app may only read; set it to write, renew the tokens",
    ),
    (403, "client-forbidden", Refusal.PERMISSION, "the X app is not enrolled for posting"),
    (403, "", Refusal.PERMISSION, "X does not permit this account or app to do that"),
    (404, "", Refusal.CONFIGURATION, "X does not know this address"),
    (0, "", Refusal.CONTENT, "X refused the request as invalid"),
)
"""(HTTP status or 0 for any, words of the answer in lower case, …); the first that fits counts."""


def posted(reply: Reply, now: float, *, repeat: bool) -> Outcome:
    """What the answer to POST /2/tweets proves.

    A duplicate refusal after an attempt that may have arrived proves that it has: the text carries a reference
    that nothing else carries.  The refusal does not name the post, so it is Unconfirmed and read-back finds the id.
    At a first attempt the same refusal is a plain no.
    """
    if not isinstance(reply, Answer):
        return reply
    number = reply.field("data", "id")
    if reply.ok and isinstance(number, str) and number.isdecimal():
        return Delivered(receipt=receipt_of(number), sighting=Sighting.up(Evidence.SPOKEN, "X took a post"))
    failure = failed(reply, now)
    if repeat and reply.status == 403 and DUPLICATE in said(reply):
        return Unconfirmed(
            reason="X has this text already, so the earlier attempt is public", sighting=failure.sighting
        )
    return failure


def failed(reply: Reply, now: float) -> Failure:
    """What an answer without the wanted result proves about a request that changes something."""
    if not isinstance(reply, Answer):
        return reply
    if reply.status >= 500:
        reason = f"X answered HTTP {reply.status}"
        return Unconfirmed(reason=_perhaps(reason), sighting=Sighting.down(Evidence.SPOKEN, reason))
    if reply.status == 429 and "usage-capped" not in said(reply):
        return throttled(reply.headers, now)
    if reply.status < 400 or not isinstance(reply.json, dict | list):
        reason = f"X's address answered HTTP {reply.status} with something else than was asked for"
        return Unconfirmed(reason=_perhaps(reason), sighting=Sighting.unknown(Evidence.SPOKEN, reason))
    if reply.status in (408, 425):
        return Unreachable(reason="X did not take the request", sighting=_ours("X did not take the request"))
    return _refused(reply)


def throttled(headers: Mapping[str, str], now: float) -> Unreachable | Refused:
    """429: wait for the reset of the limit that is used up; a limit that lasts longer than a window is a quota.

    `x-rate-limit-reset` and its 24-hour brothers are Unix seconds; X sends no Retry-After.
    """
    days = ("x-app-limit-24hour", "x-user-limit-24hour")
    spent = ["x-rate-limit", *(day for day in days if headers.get(f"{day}-remaining") == "0")]
    resets = [_number(headers.get(f"{limit}-reset")) for limit in spent]
    wait = max((reset - now for reset in resets if reset is not None), default=None)
    if wait is None or wait <= 0:
        return Unreachable(reason="X asks us to slow down", sighting=_ours("X asks us to slow down"))
    reason = f"X asks us to wait {wait:.0f} s"
    if wait > WINDOW:
        return Refused(reason=f"{reason}: the quota is used up", refusal=Refusal.QUOTA, sighting=_ours(reason))
    return Unreachable(reason=reason, retry_after=wait, sighting=_ours(reason))


def seen(reply: Reply, announcement: Announcement, now: float) -> Finding:
    """Is the announcement on this page of the account's timeline (newest first)?

    Text comes with `&amp;`, `&lt;`, `&gt;` and shortened links.  The oldest match is ours; a later one is a repost.
    """
    if not isinstance(reply, Answer) or not reply.ok:
        return CannotTell(reason=f"the timeline cannot be read: {why(failed(reply, now))}")
    if not announcement.reference.strip():
        return CannotTell(reason="the text carries no reference that could be looked for")
    posts = [post for post in _list(reply.field("data")) if isinstance(post, dict)]
    for post in sorted(posts, key=_id):
        if announcement.reference in html.unescape(str(post.get("text", ""))):
            return Found(receipt=receipt_of(str(post.get("id"))))
    if reason := _not_conclusive(reply, posts, announcement):
        return CannotTell(reason=reason)
    return Absent(reason="the account's timeline does not show it")


def health(reply: Reply, now: float) -> Health:
    """Could we post?  `x-access-level` of GET /2/users/me says whether the token may write."""
    if not isinstance(reply, Answer) or not (reply.ok and reply.field("data", "id")):
        failure = failed(reply, now)
        sighting = failure.sighting or Sighting.unknown(Evidence.SPOKEN, failure.reason)
        return Health(sighting=sighting, problems=(why(failure),))
    level = reply.headers.get("x-access-level", "")
    facts = {"account": f"@{reply.field('data', 'username')}", "access": level or "not told"}
    if level and not level.startswith("read-write"):
        problem = "the X token may only read; set the app to read and write, then renew the tokens"
        return Health(sighting=_ours(problem), problems=(problem,), facts=facts)
    warnings = () if level else ("X did not say whether this token may post",)
    return Health(sighting=Sighting.up(Evidence.SPOKEN, "X knows our account"), warnings=warnings, facts=facts)


def deleted(reply: Reply, receipt: Receipt, now: float) -> Outcome:
    """What the answer to DELETE /2/tweets/:id proves.  404 means that it was gone before."""
    if isinstance(reply, Answer) and reply.ok and reply.field("data", "deleted") is True:
        return Delivered(receipt=receipt)
    failure = failed(reply, now)
    if isinstance(failure, Refused) and failure.refusal is Refusal.CONFIGURATION:
        return Delivered(receipt=receipt)
    if isinstance(failure, Unconfirmed):
        return Unconfirmed(reason=f"{why(failure)}; the post may still be public", sighting=failure.sighting)
    return failure


def why(failure: Failure) -> str:
    """The reason alone, for a request that published nothing."""
    return failure.sighting.reason if failure.sighting is not None else failure.reason


def said(reply: Answer) -> str:
    """All the words of the problems in an answer, in lower case."""
    return " ".join(_words(reply.json)).lower()


def receipt_of(number: str) -> Receipt:
    return Receipt(remote_id=number, url=f"https://x.com/i/status/{number}")


def _words(body: object) -> Iterator[str]:
    for problem in body if isinstance(body, list) else [body]:
        if isinstance(problem, dict):
            yield from (str(problem[name]) for name in ("type", "title", "detail", "message") if name in problem)
            yield from _words(_list(problem.get("errors")))


def _refused(reply: Answer) -> Refused:
    words = said(reply)
    for status, phrase, refusal, reason in COMPLAINTS:
        if status in (0, reply.status) and phrase in words:
            return Refused(reason=reason, refusal=refusal, sighting=_ours(reason, words[:500]))
    raise AssertionError("the last complaint fits everything")


def _not_conclusive(reply: Answer, posts: list[dict[str, Any]], announcement: Announcement) -> str:
    """Why the post could be public although this page does not show it; empty when it could not."""
    before = announcement.follows.remote_id if announcement.follows is not None else ""
    count = reply.field("meta", "result_count")
    if not isinstance(count, int) or count != len(posts) or (posts and reply.field("errors")):
        return "X gave only a part of the timeline"
    if before.isdecimal() and max((_id(post) for post in posts), default=0) < int(before):
        return "the timeline is older than our own earlier post"
    if reply.field("meta", "next_token") is None:
        return ""
    limit = announcement.created_at - MARGIN
    whole = any((moment := _moment(post.get("created_at"))) is not None and moment < limit for post in posts)
    return "" if whole else "the timeline does not reach back far enough"


def _id(post: Mapping[str, Any]) -> int:
    number = str(post.get("id", ""))
    return int(number) if number.isdecimal() else 0


def _moment(value: object) -> float | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def _number(value: str | None) -> float | None:
    return float(value) if value is not None and value.isdecimal() else None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _perhaps(reason: str) -> str:
    return f"{reason}; the post may have gone out"


def _ours(reason: str, detail: str = "") -> Sighting:
    return Sighting.unknown(Evidence.SPOKEN, reason, detail, fault=Fault.ACCOUNT)
