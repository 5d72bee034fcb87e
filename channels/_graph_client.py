"""Calls of Meta's Graph API with one token; private to this folder.

The token travels in a header or in a request body, never in an address, because addresses end up in logs.
/debug_token wants it as a query parameter, so that is asked inside a batch, whose questions are in the body.
Sources: "Batch Requests" guide, "Debug-Token" reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from channels._graph_errors import classify
from channels._http import Answer
from channels._steps import Trouble, ask
from failover.model import Evidence, Sighting


class GraphClient:
    """One token at one version of the API; `client` has the version in its base address."""

    def __init__(self, client: httpx.AsyncClient, token: SecretStr, now: Callable[[], float]) -> None:
        self._client = client
        self._token = token
        self._now = now

    async def call(
        self, method: str, path: str, seconds: float | None = None, /, **fields: str
    ) -> dict[str, Any] | Trouble:
        """One call; the JSON object of a success.  `seconds` shortens the time allowed."""
        token = self._token.get_secret_value()
        request: dict[str, Any] = {} if seconds is None else {"timeout": seconds}
        if method == "POST":
            request["data"] = {**fields, "access_token": token}
        else:
            request |= {"params": fields, "headers": {"authorization": f"Bearer {token}"}}
        answer = await ask(self._client, method, quote(path, safe="/"), **request)
        if isinstance(answer, Trouble):
            return answer
        if (trouble := classify(answer, self._now())) is not None:
            return trouble
        return answer.json if isinstance(answer.json, dict) else unclear("Facebook answered with something else")

    async def upload(self, path: str, file: tuple[str, bytes, str], **fields: str) -> dict[str, Any] | Trouble:
        """Upload a picture (name, content, media type) that nobody sees yet; the JSON object of a success."""
        form = {**fields, "published": "false", "access_token": self._token.get_secret_value()}
        answer = await ask(self._client, "POST", quote(path, safe="/"), data=form, files={"source": file})
        if isinstance(answer, Trouble):
            return answer
        if (trouble := classify(answer, self._now())) is not None:
            return trouble
        return answer.json if isinstance(answer.json, dict) else unclear("Facebook answered with something else")

    async def inspect(self, *paths: str) -> list[Any]:
        """Ask about the token itself, then `paths`, in one request; per question its JSON or its Trouble."""
        token = self._token.get_secret_value()
        questions = [f"debug_token?input_token={quote(token, safe='')}", *paths]
        batch = json.dumps([{"method": "GET", "relative_url": question} for question in questions])
        fields = {"access_token": token, "batch": batch, "include_headers": "false"}
        answer = await ask(self._client, "POST", "", data=fields)
        if isinstance(answer, Answer):
            trouble = classify(answer, self._now())
            if trouble is None and isinstance(answer.json, list) and len(answer.json) == len(questions):
                return [self._part(part, answer.headers) for part in answer.json]
            answer = trouble or unclear("Facebook answered with something else")
        return [answer for _question in questions]

    def _part(self, part: Any, headers: httpx.Headers) -> Any:
        """One answer of a batch: `code`, and a `body` of JSON text; null where it took Facebook too long."""
        if not isinstance(part, dict) or not isinstance(part.get("code"), int):
            return unclear("Facebook left a part of the questions unanswered")
        try:
            parsed = json.loads(part.get("body", ""))
        except (TypeError, ValueError):
            parsed = None
        return classify(Answer(part["code"], headers, "", parsed), self._now()) or parsed


def unclear(reason: str) -> Trouble:
    """A success that does not say what it should."""
    return Trouble(reason=reason, certain=False, sighting=Sighting.unknown(Evidence.SPOKEN, reason))
