"""A practice X: the v2 API for one account, with OAuth 1.0a signatures that are really verified.

Strict where it can catch a careless client: a wrong signature, a used nonce, an unknown parameter.  As on X, the
text in answers has shortened links and escaped `&`, `<`, `>`; a text that is still public is refused as a duplicate.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from oauthlib.oauth1 import Client as Signer  # type: ignore[import-untyped]
from oauthlib.oauth1.rfc5849 import signature  # type: ignore[import-untyped]

from failover.practice._parts import is_multipart, parts_of
from failover.practice.http import HttpService, Request, Response

_WINDOW = 900  # seconds
_LIMITS = {"POST /2/tweets": 100, "DELETE /2/tweets": 50, "GET /2/users/me": 75, "GET /2/users": 900}
_PROBLEMS = "https://api.twitter.com/2/problems/"
_LIGHT = ((0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Post:
    id: str
    text: str
    at: float


def problem(
    status: int, title: str, detail: str, kind: str = "about:blank", headers: dict[str, str] | None = None
) -> Response:
    """An error in X's own form."""
    return Response.json({"title": title, "detail": detail, "type": kind, "status": status}, status, headers)


class XService(HttpService):
    """One account of one app.

    `access` is what the app may do (`read`, `read-write`); `credit` whether it is paid for; `trouble`, while set, is
    the answer to everything.  `now` dates the posts; without a clock they are of 1970 and nothing is ever used up.
    """

    def __init__(
        self,
        *,
        consumer_key: str = "practice-consumer-key",
        consumer_secret: str = "practice-consumer-secret",  # noqa: S107 - opens nothing but this practice server
        access_token: str = "42-practice-access-token",  # noqa: S107
        access_token_secret: str = "practice-access-secret",  # noqa: S107
        username: str = "examplecouncil",
        now: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self._keys = Signer(
            consumer_key,
            client_secret=consumer_secret,
            resource_owner_key=access_token,
            resource_owner_secret=access_token_secret,
        )
        self.username = username
        self.account = access_token.partition("-")[0]
        self.access = "read-write"
        self.credit = True
        self.trouble: Response | None = None
        self.posts: dict[str, Post] = {}
        self.media: dict[str, tuple[bytes, str]] = {}
        self.attached: dict[str, str] = {}
        self._now = now
        self._made = 0
        self._nonces: set[str] = set()
        self._used: Counter[tuple[str, int]] = Counter()

    def visible(self) -> list[str]:
        """The texts of all posts that are public now, oldest first, as they were sent."""
        return [post.text for post in self.posts.values()]

    def throttled(self) -> Response:
        reset = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0"}
        headers = reset | {"x-rate-limit-reset": str(int(self._clock()) + 300)}
        return problem(429, "Too Many Requests", "Too Many Requests", headers=headers)

    async def answer(self, request: Request) -> Response:
        if self.trouble is not None:
            return self.trouble
        if not self._signed(request):
            return problem(401, "Unauthorized", "Unauthorized")
        if not self.credit:
            detail = "Your enrolled account does not have any credits to fulfill this request."
            return problem(402, "CreditsDepleted", detail, f"{_PROBLEMS}credits")
        limit = _limit_of(request)
        window = int(self._clock()) // _WINDOW
        self._used[limit, window] += 1
        left = _LIMITS.get(limit, 100) - self._used[limit, window]
        if left < 0 and self._now is not None:
            return self.throttled()
        answer = self._route(request)
        told = {
            "x-rate-limit-limit": str(_LIMITS.get(limit, 100)),
            "x-rate-limit-remaining": str(max(left, 0)),
            "x-rate-limit-reset": str((window + 1) * _WINDOW),
            "x-access-level": self.access,
        }
        return Response(answer.status, answer.body, answer.headers | told)

    def _signed(self, request: Request) -> bool:
        """RFC 5849: the signature covers the method, the address and all parameters; a nonce serves once."""
        given = dict(re.findall(r'(oauth_\w+)="([^"]*)"', request.headers.get("authorization", "")))
        known = (given.get("oauth_consumer_key"), given.get("oauth_token"))
        if known != (self._keys.client_key, self._keys.resource_owner_key):
            return False
        if given.get("oauth_signature_method") != "HMAC-SHA1" or given.get("oauth_nonce") in self._nonces:
            return False
        self._nonces.add(given.get("oauth_nonce", ""))
        address = f"http://{request.headers.get('host', '')}{request.path}"
        parameters, signed = _parameters(request)
        base = signature.signature_base_string(
            request.method, signature.base_string_uri(address), signature.normalize_parameters(parameters)
        )
        return bool(signature.sign_hmac_sha1_with_client(base, self._keys) == signed)

    def _route(self, request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "POST", ["2", "media", "upload"] if is_multipart(request):
                return self._upload(parts_of(request))
            case "POST", ["2", "media", "metadata"]:
                return self._describe(request.json())
            case "POST", ["2", "tweets"]:
                return self._create(request.json())
            case "DELETE", ["2", "tweets", number]:
                return self._delete(number)
            case "GET", ["2", "tweets", number]:
                return self._show(number)
            case "GET", ["2", "users", "me"]:
                return Response.json({"data": {"id": self.account, "name": "Practice", "username": self.username}})
            case "GET", ["2", "users", self.account, "tweets"]:
                return self._timeline(request.query)
        return problem(404, "Not Found", "Not Found")

    def _create(self, body: dict[str, Any]) -> Response:
        text = str(body.get("text", ""))
        media = body.get("media", {}).get("media_ids", [])
        if set(body) - {"media"} != {"text"} or not text.strip() or not {*media} <= {*self.media}:
            return problem(
                400, "Invalid Request", "One or more parameters is invalid.", f"{_PROBLEMS}invalid-request"
            )
        if self.access == "read":
            detail = (
                "Your client app is not configured with the appropriate oauth1 app permissions for this endpoint."
            )
            return problem(403, "Forbidden", detail, f"{_PROBLEMS}oauth1-permissions")
        if coarse_length(text) > 280:
            return problem(403, "Forbidden", "Your Tweet text is too long.")
        if text in self.visible():
            return problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        post = self.publish(text)
        self.attached |= {post.id: media[0]} if media else {}
        return Response.json(
            {"data": {"id": post.id, "text": _rendered(text), "edit_history_tweet_ids": [post.id]}}, 201
        )

    def _upload(self, parts: dict[str, str | bytes]) -> Response:
        content = parts.get("media")
        if parts.get("media_category") != "tweet_image" or not isinstance(content, bytes):
            return _invalid()
        number = str(1_880_000_000_000_000_000 + len(self.media))
        self.media[number] = (content, "")
        return Response.json({"data": {"id": number, "media_key": f"3_{number}", "size": len(content)}})

    def _describe(self, body: dict[str, Any]) -> Response:
        number, alt = str(body.get("id")), body.get("metadata", {}).get("alt_text", {}).get("text")
        if number not in self.media or not isinstance(alt, str):
            return _invalid()
        self.media[number] = (self.media[number][0], alt)
        return Response.json({"data": {"id": number, "associated_metadata": {"alt_text": {"text": alt}}}})

    def publish(self, text: str) -> Post:
        """The account posts (over the API, or somebody by hand)."""
        self._made += 1
        post = Post(str(1_990_000_000_000_000_000 + self._made), text, self._clock())
        self.posts[post.id] = post
        return post

    def _delete(self, number: str) -> Response:
        if self.posts.pop(number, None) is None:
            return problem(404, "Not Found Error", f"Could not find tweet with id: [{number}].")
        return Response.json({"data": {"deleted": True}})

    def _show(self, number: str) -> Response:
        """A missing post is 200 with `errors` and without `data`."""
        post = self.posts.get(number)
        if post is not None:
            return Response.json({"data": {"id": post.id, "text": _rendered(post.text)}})
        missing = {"title": "Not Found Error", "type": f"{_PROBLEMS}resource-not-found", "resource_id": number}
        return Response.json({"errors": [missing]})

    def _timeline(self, query: dict[str, str]) -> Response:
        """Newest first."""
        wanted = int(query.get("max_results", "10"))
        if not 5 <= wanted <= 100 or set(query) - {"max_results", "tweet.fields"}:
            return problem(
                400, "Invalid Request", "One or more parameters is invalid.", f"{_PROBLEMS}invalid-request"
            )
        shown = list(reversed(self.posts.values()))[:wanted]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if not shown:
            return Response.json({"meta": meta})
        meta |= {"newest_id": shown[0].id, "oldest_id": shown[-1].id}
        if len(self.posts) > wanted:
            meta |= {"next_token": "7140practice"}
        return Response.json({"data": [_told(post, query) for post in shown], "meta": meta})

    def _clock(self) -> float:
        return self._now() if self._now is not None else 0.0


def _invalid() -> Response:
    return problem(400, "Invalid Request", "One or more parameters is invalid.", f"{_PROBLEMS}invalid-request")


def coarse_length(text: str) -> int:
    """The published weights, without twitter-text's emoji sequences and bare domains: close enough for a fake."""
    bare = _LINK.sub("\0" * 23, unicodedata.normalize("NFC", text))
    return sum(1 if any(first <= ord(sign) <= last for first, last in _LIGHT) else 2 for sign in bare)


def _parameters(request: Request) -> tuple[list[tuple[str, str]], str]:
    """What is signed, and the signature itself."""
    headers = {"Authorization": request.headers.get("authorization", "")}
    everything = signature.collect_parameters(
        uri_query=urlencode(request.query), headers=headers, exclude_oauth_signature=False
    )
    signed = next((value for name, value in everything if name == "oauth_signature"), "")
    return [(name, value) for name, value in everything if name != "oauth_signature"], signed


def _limit_of(request: Request) -> str:
    """The rate limit that a request counts against."""
    if request.path == "/2/users/me":
        return "GET /2/users/me"
    return f"{request.method} {'/'.join(request.path.split('/')[:3])}"


def _told(post: Post, query: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": post.id, "text": _rendered(post.text), "edit_history_tweet_ids": [post.id]}
    if "created_at" in query.get("tweet.fields", ""):
        told["created_at"] = datetime.fromtimestamp(post.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return told


def _rendered(text: str) -> str:
    return html.escape(_LINK.sub("https://t.co/abcdefghij", text), quote=False)
