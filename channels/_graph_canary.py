"""The canary of a Facebook Page: an unpublished post; private to this folder.

`promotable_posts` with `is_published=false` lists the Page's unpublished posts (Meta's developer blog, 23 July 2012).
A token that may not ask for it only means that a post left by a crash stays there, where nobody but the people who
manage the Page could see it.
"""

from __future__ import annotations

from collections.abc import Sequence

from channels._canary import ASIDE_SECONDS, WRITE_SECONDS, Seen, is_ours
from channels._graph_client import GraphClient, unclear
from channels._steps import Trouble
from failover.model import Sighting


class PageCanary:
    """What `_canary.Flight` asks of a Page."""

    def __init__(self, graph: GraphClient, page: str) -> None:
        self._graph = graph
        self._page = page

    async def leftovers(self) -> Sequence[str] | None:
        path, fields = f"{self._page}/promotable_posts", "id,message,is_published"
        answer = await self._graph.call("GET", path, ASIDE_SECONDS, fields=fields, is_published="false")
        posts = None if isinstance(answer, Trouble) else answer.get("data")
        if not isinstance(posts, list):
            return None
        return [
            str(post.get("id"))
            for post in posts
            if isinstance(post, dict) and post.get("is_published") is False and is_ours(post.get("message"))
        ]

    async def write(self, text: str) -> str | Sighting:
        answer = await self._graph.call("POST", f"{self._page}/feed", WRITE_SECONDS, message=text, published="false")
        if isinstance(answer, Trouble):
            return answer.sighting
        post = answer.get("id")
        return post if isinstance(post, str) and post else unclear("Facebook did not name the post it made").sighting

    async def read(self, post: str, text: str) -> Seen | Sighting:
        answer = await self._graph.call("GET", post, ASIDE_SECONDS, fields="id,message,is_published")
        if isinstance(answer, Trouble):
            return Seen.MISSING if answer.gone else answer.sighting
        if answer.get("is_published") is True:
            return Seen.PUBLIC
        return Seen.HIDDEN if answer.get("message") == text else Seen.MISSING

    async def remove(self, post: str) -> bool | Sighting:
        answer = await self._graph.call("DELETE", post, ASIDE_SECONDS)
        if isinstance(answer, Trouble):
            return False if answer.gone else answer.sighting
        if answer.get("success") is not True:
            return unclear("Facebook did not say that the post was deleted").sighting
        return True
