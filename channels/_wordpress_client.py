"""Calls of WordPress' REST API, and its posts as values; private to this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from channels._steps import Trouble, ask
from channels._wordpress_answers import classify, unclear
from failover.model import Receipt


@dataclass(frozen=True, slots=True)
class Post:
    """A post as far as we care; `status` is WordPress' own word, `link` where people can see it."""

    id: str
    status: str
    link: str

    @property
    def public(self) -> bool:
        return self.status == "publish"

    def receipt(self, note: str = "") -> Receipt:
        return Receipt(remote_id=self.id, url=self.link, note=note)


class WordPressClient:
    """One site and one user; `client` has the site's address and the password.

    The REST API is at /wp-json/ where the permalinks are pretty, and always behind ?rest_route= (`plain`).
    """

    def __init__(self, client: httpx.AsyncClient, now: Callable[[], float], *, plain: bool) -> None:
        self._client = client
        self._now = now
        self._plain = plain

    async def call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        *,
        body: dict[str, Any] | None = None,
        file: tuple[str, str, bytes] | None = None,
        seconds: float | None = None,
        plain: bool | None = None,
    ) -> Any:
        """One call; the JSON of a success, or a Trouble.  `plain` overrides the usual way.

        `file` is sent in place of a body: name, media type, content.
        """
        request: dict[str, Any] = {} if seconds is None else {"timeout": seconds}
        if body is not None:
            request["json"] = body
        if file is not None:
            name, media_type, content = file
            disposition = f'attachment; filename="{name}"'
            request |= {"content": content}
            request |= {"headers": {"content-type": media_type, "content-disposition": disposition}}
        if self._plain if plain is None else plain:
            url, params = "", {"rest_route": f"/wp/v2/{path}", **(query or {})}
        else:
            url, params = f"wp-json/wp/v2/{path}", query or {}
        answer = await ask(self._client, method, url, params=params, **request)
        return answer if isinstance(answer, Trouble) else classify(answer, self._now()) or answer.json


def as_post(answer: Any) -> Post | Trouble:
    """The post in an answer of `call`."""
    if isinstance(answer, Trouble):
        return answer
    fields = answer if isinstance(answer, dict) else {}
    number, status, link = fields.get("id"), fields.get("status"), fields.get("link")
    if not isinstance(number, int) or not isinstance(status, str):
        return unclear("WordPress did not describe the post")
    return Post(str(number), status, link if isinstance(link, str) else "")
