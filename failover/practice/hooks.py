"""A practice receiver of Standard Webhooks: checks the signature and the time, and hears each id once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from failover.practice.http import HttpService, Request, Response

TOLERANCE = 300.0  # seconds that the sender's clock may differ


class HooksService(HttpService):
    """Receives at `hook`.  `gone` makes it answer 410; without a clock (`now`) the timestamp may be of any time."""

    def __init__(
        self,
        secret: str = "whsec_cHJhY3RpY2UtcHJhY3RpY2UtcHJhY3RpY2UtMTIz",  # noqa: S107 - opens only this practice server
        *,
        now: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self.secret = secret
        self.gone = False
        self.received = 0  # webhooks that were properly signed, repeats included
        self.heard: dict[str, str] = {}
        self.types: list[str] = []
        self._now = now
        self._known: set[str] = set()

    @property
    def hook(self) -> str:
        return f"{self.url}/in"

    def visible(self) -> list[str]:
        """The texts that were heard and not taken back, oldest first."""
        return [*self.heard.values()]

    async def answer(self, request: Request) -> Response:
        if request.path != "/in":
            return Response.json({"error": "not found"}, 404)
        if self.gone:
            return Response.json({"error": "no more, please"}, 410)
        if request.method == "OPTIONS":
            return Response(204, headers={"allow": "OPTIONS, POST"})
        if request.method != "POST":
            return Response.json({"error": "only POST"}, 405, {"allow": "OPTIONS, POST"})
        if not self._is_signed(request) or not self._is_fresh(request):
            return Response.json({"error": "the signature or the time is wrong"}, 401)
        self._hear(request)
        return Response.json({"ok": True}, 202)

    def _hear(self, request: Request) -> None:
        self.received += 1
        name, event = request.headers["webhook-id"], request.json()
        if name in self._known:
            return
        self._known.add(name)
        self.types.append(event["type"])
        if event["type"] == "failover.statement":
            self.heard[name] = event["data"]["text"]
        elif event["type"] == "failover.retraction":
            self.heard.pop(event["data"]["remote_id"], None)

    def _is_signed(self, request: Request) -> bool:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        headers = request.headers
        start = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}."
        digest = hmac.new(key, start.encode() + request.body, hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(digest).decode()
        return any(hmac.compare_digest(wanted, given) for given in headers.get("webhook-signature", "").split(" "))

    def _is_fresh(self, request: Request) -> bool:
        stamp = request.headers.get("webhook-timestamp", "")
        return stamp.isdecimal() and (self._now is None or abs(self._now() - int(stamp)) <= TOLERANCE)
