"""A practice Graph API with one Facebook Page: unpublished posts, publishing by id, the feed, tokens and batches.

Strict where Meta is lenient: a token in an address, an unknown version, an unknown field or a form field we do not
expect is an error, so that a client that leaks or misspells something is caught.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from failover.practice._parts import is_multipart, parts_of
from failover.practice.http import HttpService, Request, Response

_FIELDS = ("id", "message", "created_time", "permalink_url", "is_published", "from")
ALL_TASKS = ("ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE", "MESSAGING", "MODERATE")
ALL_SCOPES = ("pages_manage_posts", "pages_read_engagement", "pages_show_list", "public_profile")


@dataclass(frozen=True, slots=True)
class Post:
    """One post of the Page; `author` is the Page itself or a visitor."""

    id: str
    message: str
    created: float
    author: str
    is_published: bool
    link: str = ""


def graph_error(
    code: int,
    message: str,
    subcode: int = 0,
    *,
    transient: bool = False,
    status: int = 400,
    kind: str = "OAuthException",
) -> Response:
    """An error in the Graph API's own form."""
    error: dict[str, Any] = {"message": message, "type": kind, "code": code, "fbtrace_id": "APractice0Trace"}
    if subcode:
        error["error_subcode"] = subcode
    if transient:
        error["is_transient"] = True
    return Response.json({"error": error}, status)


class GraphService(HttpService):
    """graph.facebook.com for one Page and one token.

    `trouble`, while set, is the answer to everything ("Facebook is down"), `write_trouble` to whatever would change
    something while reading works.  `now` dates the posts; without a clock
    all posts are of the year 1970 and the feed's `since` is not applied.  `expires_at` and `data_access_expires_at`
    are Unix seconds, 0 means never.
    """

    def __init__(
        self,
        page: str = "1234567890",
        token: str = "practice-page-token",  # noqa: S107 - opens nothing but this practice server
        *,
        name: str = "Example Borough Council",
        version: str = "v26.0",
        now: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self.page, self.token, self.name, self.version = page, token, name, version
        self.posts: dict[str, Post] = {}
        self.photos: dict[str, tuple[bytes, str]] = {}
        self.attached: dict[str, str] = {}
        self._upload = b""
        self.scopes: tuple[str, ...] = ALL_SCOPES
        self.tasks: tuple[str, ...] = ALL_TASKS
        self.expires_at = self.data_access_expires_at = 0
        self.trouble: Response | None = None
        self.write_trouble: Response | None = None
        self._now = now
        self._made = 0

    def visible(self) -> list[str]:
        """What the public sees on the Page now, by the Page itself, oldest first."""
        return [post.message for post in self.posts.values() if post.is_published and post.author == self.page]

    def visitor_posts(self, message: str) -> None:
        """Somebody else writes on the Page."""
        self._add(message, author="999", is_published=True)

    def throttled(self) -> Response:
        usage = {self.page: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 7}]}
        refused = graph_error(80001, "There have been too many calls to this Page account.", 2446079)
        return replace(refused, headers={**refused.headers, "x-business-use-case-usage": json.dumps(usage)})

    async def answer(self, request: Request) -> Response:
        form: dict[str, str] = {}
        if is_multipart(request):
            parts = parts_of(request)
            source = parts.pop("source", b"")
            self._upload = source if isinstance(source, bytes) else b""
            form = {name: str(value) for name, value in parts.items()}
        else:
            form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        if self.trouble is not None:
            return self.trouble
        if "access_token" in request.query or "input_token" in request.query:
            return graph_error(100, "Practice: a token in an address ends up in logs")
        version, _, path = request.path.strip("/").partition("/")
        if version != self.version:
            return graph_error(2500, "Unknown path components: /" + version)
        given = form.pop("access_token", "") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self.token:
            return graph_error(190, f"Malformed access token {given}" if given else "An access token is required")
        if request.method == "POST" and not path:
            return self._batch(form)
        return self._route(request.method, path, form if request.method == "POST" else request.query)

    def _route(self, method: str, path: str, fields: dict[str, str]) -> Response:
        if method != "GET" and self.write_trouble is not None:
            return self.write_trouble
        match method, path:
            case "GET", "debug_token":
                return self._debug_token(fields.get("input_token", ""))
            case "GET", self.page:
                described = {"id": self.page, "name": self.name, "tasks": list(self.tasks)}
                return _pick(described, fields, ("id", "name", "tasks"))
            case "GET", feed if feed == f"{self.page}/feed":
                return self._feed(fields)
            case "POST", feed if feed == f"{self.page}/feed":
                return self._create(fields)
            case "POST", photos if photos == f"{self.page}/photos":
                return self._take_photo(fields)
            case "GET", promotable if promotable == f"{self.page}/promotable_posts":
                return self._promotable(fields)
        post = self.posts.get(path)
        if post is None:
            message = (
                f"Unsupported {method.lower()} request. Object with ID '{path}' does not exist, cannot be loaded"
            )
            return graph_error(100, message, 33, kind="GraphMethodException")
        return self._about(method, post, fields)

    def _about(self, method: str, post: Post, fields: dict[str, str]) -> Response:
        match method:
            case "GET":
                return _pick(self._shown(post), fields, _FIELDS)
            case "DELETE":
                del self.posts[post.id]
                return Response.json({"success": True})
            case "POST" if fields == {"is_published": "true"}:
                self.posts[post.id] = replace(post, is_published=True)
                return Response.json({"success": True})
        return graph_error(100, "Invalid parameter")

    def _create(self, fields: dict[str, str]) -> Response:
        if not fields.get("message") or set(fields) - {"message", "link", "published", "attached_media[0]"}:
            return graph_error(100, "Invalid parameter")
        attached = json.loads(fields.get("attached_media[0]", "{}")).get("media_fbid", "")
        if attached and attached not in self.photos:
            return graph_error(100, "(#100) The photo does not exist")
        if not {"CREATE_CONTENT"} <= set(self.tasks) or "pages_manage_posts" not in self.scopes:
            return graph_error(200, "(#200) Permissions error", status=403)
        if self.visible()[-1:] == [fields["message"]]:
            return graph_error(506, "Duplicate status message")
        post = self._add(fields["message"], self.page, fields.get("published") != "false", fields.get("link", ""))
        self.attached |= {post.id: attached} if attached else {}
        return Response.json({"id": post.id})

    def _take_photo(self, fields: dict[str, str]) -> Response:
        """An unpublished photo, to be attached to a post."""
        if set(fields) != {"published", "alt_text_custom"} or fields["published"] != "false" or not self._upload:
            return graph_error(100, "Invalid parameter")
        number = str(700 + len(self.photos))
        self.photos[number] = (self._upload, fields["alt_text_custom"])
        return Response.json({"id": number})

    def _add(self, message: str, author: str, is_published: bool, link: str = "") -> Post:  # noqa: FBT001
        self._made += 1
        created = self._now() if self._now is not None else 0.0
        post = Post(f"{self.page}_{self._made}", message, created, author, is_published, link)
        self.posts[post.id] = post
        return post

    def _feed(self, fields: dict[str, str]) -> Response:
        """Published posts, newest first."""
        since = float(fields.get("since", "0")) if self._now is not None else 0.0
        shown = [post for post in reversed(self.posts.values()) if post.is_published and post.created >= since]
        names = fields.get("fields", "id").split(",")
        if unknown := set(names) - set(_FIELDS):
            return _no_such_field(unknown)
        some = shown[: int(fields.get("limit", "25"))]
        return Response.json({"data": [{name: self._shown(post)[name] for name in names} for post in some]})

    def _promotable(self, fields: dict[str, str]) -> Response:
        """The Page's own posts, public ones or (`is_published=false`) those that are not; newest first."""
        wanted = {"true": True, "false": False}.get(fields.get("is_published", ""))
        own = [post for post in reversed(self.posts.values()) if post.author == self.page]
        shown = [post for post in own if wanted in (None, post.is_published)][:25]
        names = fields.get("fields", "id").split(",")
        if unknown := set(names) - set(_FIELDS):
            return _no_such_field(unknown)
        return Response.json({"data": [{name: self._shown(post)[name] for name in names} for post in shown]})

    def _shown(self, post: Post) -> dict[str, Any]:
        name = self.name if post.author == self.page else "A visitor"
        return {
            "id": post.id,
            "message": post.message,
            "created_time": datetime.fromtimestamp(post.created, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "permalink_url": f"https://www.facebook.com/{self.page}/posts/{post.id.partition('_')[2]}",
            "is_published": post.is_published,
            "from": {"name": name, "id": post.author},
        }

    def _debug_token(self, inspected: str) -> Response:
        data = {
            "type": "PAGE",
            "is_valid": inspected == self.token,
            "expires_at": self.expires_at,
            "data_access_expires_at": self.data_access_expires_at,
            "scopes": list(self.scopes),
        }
        return Response.json({"data": data})

    def _batch(self, form: dict[str, str]) -> Response:
        answers = []
        for question in json.loads(form.get("batch", "[]")):
            parts = urlsplit(question["relative_url"])
            answer = self._route(question["method"], parts.path, dict(parse_qsl(parts.query)))
            answers.append({"code": answer.status, "body": answer.body.decode()})
        return Response.json(answers)


def _pick(whole: dict[str, Any], fields: dict[str, str], known: tuple[str, ...]) -> Response:
    names = fields.get("fields", "id").split(",")
    if unknown := set(names) - set(known):
        return _no_such_field(unknown)
    return Response.json({name: whole[name] for name in names})


def _no_such_field(names: set[str]) -> Response:
    return graph_error(100, f"(#100) Tried accessing nonexisting field ({', '.join(sorted(names))})")
