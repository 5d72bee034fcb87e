"""The canary of a WordPress site: a draft with a slug of its own; private to this folder.

It is deleted for good, because the trash of a site would fill up with them (it is emptied after 30 days).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from channels._canary import ASIDE_SECONDS, WRITE_SECONDS, Seen, is_ours
from channels._steps import Trouble
from channels._wordpress_answers import unclear
from channels._wordpress_client import Post, WordPressClient, as_post
from failover.model import Sighting

SLUG = "failover-canary"
_HIDDEN = ("draft", "pending", "private", "auto-draft", "trash")


class SiteCanary:
    """What `_canary.Flight` asks of a site."""

    def __init__(self, site: WordPressClient) -> None:
        self._site = site

    async def leftovers(self) -> Sequence[str] | Sighting:
        """A taken slug gets -2 and so on; nothing is written where it cannot be seen what is there already."""
        query = {"slug": f"{SLUG},{SLUG}-2,{SLUG}-3", "status": "any", "context": "edit"}
        answer = await self._site.call("GET", "posts", query, seconds=ASIDE_SECONDS)
        if isinstance(answer, Trouble):
            return _unseen(answer.sighting)
        if not isinstance(answer, list):
            return _unseen(unclear("WordPress did not list its posts").sighting)
        posts = [as_post(item) for item in answer if is_ours(_title(item))]
        return [post.id for post in posts if isinstance(post, Post) and not post.public]

    async def write(self, text: str) -> str | Sighting:
        body = {"status": "draft", "slug": SLUG, "title": text, "content": text}
        post = as_post(await self._site.call("POST", "posts", body=body, seconds=WRITE_SECONDS))
        return post.sighting if isinstance(post, Trouble) else post.id

    async def read(self, post: str, text: str) -> Seen | Sighting:
        answer = await self._site.call("GET", f"posts/{post}", {"context": "edit"}, seconds=ASIDE_SECONDS)
        found = as_post(answer)
        if isinstance(found, Trouble):
            return Seen.MISSING if found.gone else found.sighting
        if found.status not in _HIDDEN:
            return Seen.PUBLIC
        return Seen.HIDDEN if _title(answer) == text else Seen.MISSING

    async def remove(self, post: str) -> bool | Sighting:
        answer = await self._site.call("DELETE", f"posts/{post}", {"force": "true"}, seconds=ASIDE_SECONDS)
        if isinstance(answer, Trouble):
            return False if answer.gone else answer.sighting
        return True


def _unseen(sighting: Sighting) -> Sighting:
    return replace(sighting, reason=f"whether a test post is left over could not be seen: {sighting.reason}")


def _title(item: Any) -> str:
    title = item.get("title") if isinstance(item, dict) else None
    return str(title.get("raw", "")) if isinstance(title, dict) else ""
