"""A practice WordPress: its REST API for posts, application passwords, slugs, drafts, pins, trash, and public pages.

The behaviour was read off WordPress 6.1: a taken slug gets -2 (drafts take them too), the trash frees it, an unknown
category is ignored, a wrong password is the same as none, and publishing a post twice changes nothing.
"""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass, field, replace
from typing import Any

from failover.practice.http import HttpService, Request, Response

ALL_CAPABILITIES = (
    "edit_posts", "edit_published_posts", "publish_posts", "delete_posts", "delete_published_posts", "upload_files",
)  # fmt: skip
_STATUSES = ("publish", "future", "draft", "pending", "private")


@dataclass(frozen=True, slots=True)
class Post:
    """One post, as its author wrote it."""

    id: int
    slug: str
    title: str = ""
    content: str = ""
    status: str = "draft"
    sticky: bool = False
    categories: tuple[int, ...] = field(default=(1,))


def wp_error(code: str, message: str, status: int, **data: Any) -> Response:
    """An error in WordPress' own form."""
    return Response.json({"code": code, "message": message, "data": {"status": status, **data}}, status)


class WordPressService(HttpService):
    """One site with one user; `pretty=False` turns "pretty permalinks" off, `trash=False` the trash."""

    def __init__(
        self,
        username: str = "failover",
        password: str = "abcd EFGH 1234 ijkl MNOP 5678",  # noqa: S107 - opens nothing but this practice server
        *,
        pretty: bool = True,
        trash: bool = True,
    ) -> None:
        super().__init__()
        self.username, self.password = username, password
        self.pretty, self.trash = pretty, trash
        self.capabilities: tuple[str, ...] = ALL_CAPABILITIES
        self.categories = {1: "Uncategorized", 7: "Service news"}
        self.posts: dict[int, Post] = {}
        self.media: dict[int, bytes] = {}
        self._last = 2

    def visible(self) -> list[str]:
        """The text of every public post, without its markup, oldest first."""
        return [_plain(post.content) for post in self.posts.values() if post.status == "publish"]

    def pinned(self) -> list[str]:
        """The text of every public post that is pinned to the top."""
        return [_plain(post.content) for post in self.posts.values() if post.status == "publish" and post.sticky]

    def throttled(self) -> Response:
        return Response(429, b"Too many requests", {"content-type": "text/plain", "retry-after": "7"})

    async def answer(self, request: Request) -> Response:
        route = request.query.get("rest_route") if request.path == "/" else request.path.removeprefix("/wp-json")
        if request.path.startswith("/wp-json") and not self.pretty:
            return Response.html("<html><body>Example news</body></html>")
        if route is None or (route == request.path and request.path != "/wp-json"):
            return self._page(request.path, request.query)
        query = {name: value for name, value in request.query.items() if name != "rest_route"}
        if request.method == "POST" and route.strip("/") == "wp/v2/media":
            return self._upload(request)
        body = request.json() if request.method == "POST" else {}
        return self._route(request.method, route, query, body, signed_in=self._signed_in(request))

    def _signed_in(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        try:
            username, _, password = base64.b64decode(given).decode().partition(":")
        except ValueError:
            return False
        return username == self.username and password.replace(" ", "") == self.password.replace(" ", "")

    def _route(
        self, method: str, route: str, query: dict[str, str], body: dict[str, Any], *, signed_in: bool
    ) -> Response:
        match method, route.strip("/").split("/"):
            case "GET", ["wp", "v2", "users", "me"]:
                return self._me() if signed_in else wp_error("rest_not_logged_in", "You are not logged in.", 401)
            case "GET", ["wp", "v2", "categories", number]:
                return self._category(int(number))
            case "GET", ["wp", "v2", "posts"]:
                return self._list(query, signed_in=signed_in)
            case "POST", ["wp", "v2", "posts"]:
                return self._create(body, signed_in=signed_in)
            case _, ["wp", "v2", "posts", number]:
                post = self.posts.get(int(number))
                if post is None:
                    return wp_error("rest_post_invalid_id", "Invalid post ID.", 404)
                return self._about(method, post, query, body, signed_in=signed_in)
        return wp_error("rest_no_route", "No route was found matching the URL and request method.", 404)

    def _upload(self, request: Request) -> Response:
        """A file as the whole body; its name and its sort stand in the headers."""
        if not self._signed_in(request) or "upload_files" not in self.capabilities:
            return wp_error("rest_cannot_create", "Sorry, you are not allowed to upload media on this site.", 401)
        named = re.search(r'filename="([^"]+)"', request.headers.get("content-disposition", ""))
        if named is None:
            return wp_error("rest_upload_no_content_disposition", "No Content-Disposition supplied.", 400)
        self._last += 1
        self.media[self._last] = request.body
        address = f"{self.url}/wp-content/uploads/{named[1]}"
        return Response.json({"id": self._last, "source_url": address, "media_type": "image"}, 201)

    def _about(
        self, method: str, post: Post, query: dict[str, str], body: dict[str, Any], *, signed_in: bool
    ) -> Response:
        if method == "GET" and (signed_in or post.status == "publish"):
            return Response.json(self._shown(post))
        if method == "POST" and signed_in:
            return self._change(post, body)
        if method == "DELETE" and signed_in:
            return self._delete(post, force=query.get("force") == "true")
        return wp_error("rest_cannot_edit", "Sorry, you are not allowed to edit this post.", 401)

    def _create(self, body: dict[str, Any], *, signed_in: bool) -> Response:
        if not signed_in or "edit_posts" not in self.capabilities:
            return wp_error("rest_cannot_create", "Sorry, you may not create posts.", 403 if signed_in else 401)
        self._last += 2  # WordPress' numbers have gaps, because revisions take some
        number = self._last
        post = Post(number, self._free_slug(str(body.get("slug", "")), number))
        answer = self._change(post, body)
        return replace(answer, status=201) if answer.status == 200 else answer

    def _change(self, post: Post, body: dict[str, Any]) -> Response:
        status = body.get("status", post.status)
        if "status" in body and status not in _STATUSES:
            params = {"status": "status is not one of publish, future, draft, pending, and private."}
            return wp_error("rest_invalid_param", "Invalid parameter(s): status", 400, params=params)
        if (status == "publish" or body.get("sticky")) and "publish_posts" not in self.capabilities:
            return wp_error("rest_cannot_publish", "Sorry, you are not allowed to publish posts.", 403)
        known = tuple(number for number in body.get("categories", post.categories) if number in self.categories)
        changed = replace(
            post,
            status=status,
            title=body.get("title", post.title),
            content=body.get("content", post.content),
            sticky=body.get("sticky", post.sticky),
            categories=known or (1,),
            slug=post.slug.removesuffix("__trashed"),
        )
        self.posts[post.id] = changed
        return Response.json(self._shown(changed))

    def _delete(self, post: Post, *, force: bool) -> Response:
        if force:
            del self.posts[post.id]
            return Response.json({"deleted": True, "previous": self._shown(post)})
        if not self.trash:
            return wp_error("rest_trash_not_supported", "The post does not support trashing.", 501)
        if post.status == "trash":
            return wp_error("rest_already_trashed", "The post has already been deleted.", 410)
        trashed = replace(post, status="trash", sticky=False, slug=post.slug + "__trashed")
        self.posts[post.id] = trashed
        return Response.json(self._shown(trashed))

    def _list(self, query: dict[str, str], *, signed_in: bool) -> Response:
        if query.get("status") == "any" and not (signed_in and "edit_posts" in self.capabilities):
            inner = {"code": "rest_forbidden_status", "data": {"status": 403 if signed_in else 401}}
            params, details = {"status": "Status is forbidden."}, {"status": inner}
            return wp_error("rest_invalid_param", "Invalid parameter(s)", 400, params=params, details=details)
        wanted = _STATUSES if query.get("status") == "any" else ("publish",)
        slugs = query["slug"].split(",") if "slug" in query else None
        shown = [post for post in reversed(self.posts.values()) if post.status in wanted]
        return Response.json([self._shown(post) for post in shown if slugs is None or post.slug in slugs][:10])

    def _free_slug(self, wanted: str, number: int) -> str:
        slug = re.sub(r"[^a-z0-9-]+", "", wanted.lower().replace(" ", "-")) or str(number)
        taken = {post.slug for post in self.posts.values()}
        numbered = (f"{slug}-{suffix}" for suffix in range(2, 1000))
        return slug if slug not in taken else next(name for name in numbered if name not in taken)

    def _shown(self, post: Post) -> dict[str, Any]:
        public = self.pretty and post.status == "publish"
        return {
            "id": post.id,
            "status": post.status,
            "slug": post.slug,
            "sticky": post.sticky,
            "link": f"{self.url}/{post.slug}/" if public else f"{self.url}/?p={post.id}",
            "title": {"raw": post.title, "rendered": post.title},
            "content": {"raw": post.content, "rendered": post.content},
            "categories": list(post.categories),
        }

    def _me(self) -> Response:
        able = dict.fromkeys(self.capabilities, True)
        return Response.json({"id": 2, "name": "Failover", "roles": ["author"], "capabilities": able})

    def _category(self, number: int) -> Response:
        if number not in self.categories:
            return wp_error("rest_term_invalid", "Term does not exist.", 404)
        return Response.json({"id": number, "name": self.categories[number]})

    def _page(self, path: str, query: dict[str, str]) -> Response:
        """What a reader gets: the front page, or one public post by its address."""
        public = [post for post in self.posts.values() if post.status == "publish"]
        if path == "/" and "p" not in query:
            ordered = sorted(public, key=lambda post: (not post.sticky, -post.id))
            return Response.html("<html><body>" + "".join(map(_article, ordered)) + "</body></html>")
        for post in public:
            if path.strip("/") == post.slug or query.get("p") == str(post.id):
                return Response.html(f"<html><body>{_article(post)}</body></html>")
        return Response.html("<html><body>Page not found</body></html>", 404)


def _article(post: Post) -> str:
    return f"<article><h2>{post.title}</h2>{post.content}</article>"


def _plain(content: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", content))
