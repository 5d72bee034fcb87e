"""python-telegram-bot over this folder's own transport, and what each of its errors proves; private to this folder.

PTB builds the requests, reads the results and names Telegram's errors; the bytes go through `exchange`, by way of
`telegram.request.BaseRequest`, which PTB documents as the place for a transport of one's own.  Reasons for not using
its `HTTPXRequest`:

- it folds connect, read and pool time-outs into one exception, and 502 with 413 into another;
- it fails with AttributeError on an error body that is a JSON list, and reads answers of any size;
- on 429 it builds `RetryAfter`, whose constructor issues a deprecation warning unless the *environment* says
  otherwise.  The number of seconds is read here, so neither the type nor the warning matters.

Error bodies: https://core.telegram.org/bots/api#making-requests and #responseparameters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import httpx
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, TelegramError
from telegram.request import BaseRequest, RequestData

from channels._http import Answer, exchange
from failover.model import Evidence, Fault, Refusal, Refused, Sighting, Unconfirmed, Unreachable

Failure = Refused | Unreachable | Unconfirmed

NAMED_BY_PTB = frozenset({400, 401, 403, 404, 409})
"""Statuses that PTB gives an exact exception; everything else is judged before PTB sees it."""

UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, OverflowError)
"""What PTB raises on a well-formed envelope whose `result` is not the object that was asked for."""

MAY_NOT_POST = "the bot may not post in this chat; make it an administrator who may post"

COMPLAINTS: tuple[tuple[str, Refusal, str], ...] = (
    ("chat not found", Refusal.CONFIGURATION, "Telegram does not know this chat, or the bot was never in it"),
    ("not enough rights", Refusal.PERMISSION, MAY_NOT_POST),
    ("have no rights", Refusal.PERMISSION, MAY_NOT_POST),
    ("need administrator rights", Refusal.PERMISSION, MAY_NOT_POST),
    ("chat_write_forbidden", Refusal.PERMISSION, MAY_NOT_POST),
    ("chat_admin_required", Refusal.PERMISSION, MAY_NOT_POST),
    ("chat_restricted", Refusal.BLOCKED, "Telegram has restricted this chat"),
    ("deactivated", Refusal.CONFIGURATION, "this group has been closed"),
    ("message is too long", Refusal.CONTENT, "the text is too long for Telegram"),
    ("text is empty", Refusal.CONTENT, "the text is empty"),
)
"""Words of a 400 (lower case) -> what they mean."""

T = TypeVar("T")
U = TypeVar("U")


class WireError(TelegramError):
    """The request ended in something PTB has no exact name for; `outcome` is what that proves."""

    def __init__(self, outcome: Failure) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Wire(BaseRequest):
    """PTB's transport.  The client belongs to whoever opened it, and sets the time-outs."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self._token = token

    @property
    def read_timeout(self) -> float | None:
        return self._client.timeout.read

    async def initialize(self) -> None:
        """Nothing to do."""

    async def shutdown(self) -> None:
        """Nothing to do."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_timeouts: Any, **_more: Any
    ) -> tuple[int, bytes]:
        """One exchange.  Raises WireError; an answer that echoes the token loses it here."""
        fields = request_data.json_parameters if request_data else None
        files = request_data.multipart_data if request_data and request_data.contains_files else None
        answer = await exchange(self._client, method, url, data=fields, files=files)
        outcome = unnamed(answer) if isinstance(answer, Answer) else answer
        if outcome is not None:
            raise WireError(outcome)
        assert isinstance(answer, Answer)
        return answer.status, answer.text.replace(self._token, "***").encode()


async def ask(wanted: type[T], call: Awaitable[object], unless: Mapping[str, U] | None = None) -> T | U | Failure:
    """The result of one call to the Bot API, or what its failure proves; any other result than `wanted` is a failure.

    `unless` gives a value for a 400 whose description contains the phrase (in lower case).
    """
    try:
        result = await call
    except BadRequest as error:
        for phrase, value in (unless or {}).items():
            if phrase in error.message.lower():
                return value
        return outcome_of(error)
    except TelegramError as error:
        return outcome_of(error)
    except UNREADABLE:
        return _foreign("Telegram's answer could not be read")
    return result if isinstance(result, wanted) else _foreign("Telegram's answer could not be read")


def why(failure: Failure) -> str:
    """The reason alone, for a request that published nothing."""
    return failure.sighting.reason if failure.sighting is not None else failure.reason


def unnamed(answer: Answer) -> Failure | None:
    """What an answer proves that PTB cannot name exactly; None leaves it to PTB.

    A 4xx counts as Telegram's own "no" only in Telegram's own form; a proxy or a captive portal has another.
    """
    if answer.status >= 500:
        reason = f"Telegram answered HTTP {answer.status}"
        return Unconfirmed(
            reason=f"{reason}; the post may have gone out", sighting=Sighting.down(Evidence.SPOKEN, reason)
        )
    if answer.status == 429 or (answer.status >= 400 and answer.field("parameters", "retry_after") is not None):
        return _throttled(_seconds(answer))
    if not _formed(answer) or 300 <= answer.status < 400:
        return _foreign(f"something that is not Telegram's API answered HTTP {answer.status}")
    if answer.ok or answer.status in NAMED_BY_PTB:
        return None
    return _refused(Refusal.CONTENT, f"Telegram refused the message (HTTP {answer.status})")


def outcome_of(error: TelegramError) -> Failure:
    """What an error of the Bot API proves about a request that publishes.

    BadRequest is a subclass of NetworkError in PTB, so nothing here asks for NetworkError.
    """
    match error:
        case WireError():
            return error.outcome
        case ChatMigrated():
            return _refused(
                Refusal.CONFIGURATION, f"the group became a supergroup; its new chat id is {error.new_chat_id}"
            )
        case InvalidToken():
            return _refused(Refusal.CREDENTIAL, "Telegram does not accept the bot's token")
        case Forbidden():
            return _refused(Refusal.PERMISSION, "the bot was removed from this chat, or blocked there")
        case Conflict():
            return _refused(Refusal.CONFIGURATION, "another program is using this bot")
        case BadRequest():
            return _complaint(error.message)
        case _:
            return _foreign("Telegram's answer could not be read")


def _complaint(said: str) -> Refused:
    for phrase, refusal, reason in COMPLAINTS:
        if phrase in said.lower():
            return _refused(refusal, reason, said)
    return _refused(Refusal.CONTENT, f"Telegram refused the message: {' '.join(said.split())[:200]}", said)


def _formed(answer: Answer) -> bool:
    """Is this an envelope of the Bot API that fits its own status?"""
    return (
        answer.field("ok") is answer.ok
        and isinstance(answer.json.get("description", ""), str)
        and isinstance(answer.json.get("parameters", {}), dict)
        and ("result" in answer.json or not answer.ok)
    )


def _seconds(answer: Answer) -> float | None:
    """How long to wait, in seconds; None where it does not say."""
    for value in (answer.field("parameters", "retry_after"), answer.headers.get("retry-after")):
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            return max(0.0, float(value))
    return None


def _throttled(seconds: float | None) -> Unreachable:
    reason = "Telegram asks us to slow down" if seconds is None else f"Telegram asks us to wait {seconds:.0f} s"
    return Unreachable(reason=reason, retry_after=seconds, sighting=_ours(reason))


def _foreign(reason: str) -> Unconfirmed:
    """No vote: neither Telegram's yes nor its no."""
    return Unconfirmed(
        reason=f"{reason}; the post may have gone out", sighting=Sighting.unknown(Evidence.SPOKEN, reason)
    )


def _refused(refusal: Refusal, reason: str, said: str = "") -> Refused:
    return Refused(reason=reason, refusal=refusal, sighting=_ours(reason, said[:500]))


def _ours(reason: str, detail: str = "") -> Sighting:
    return Sighting.unknown(Evidence.SPOKEN, reason, detail, fault=Fault.ACCOUNT)
