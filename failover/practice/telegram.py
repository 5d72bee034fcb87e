"""A practice Telegram: the Bot API for one bot, and the public preview pages of its channels.

The Bot API is under `/bot<token>/<method>`, the page of a channel under `/s/<name>`, as on api.telegram.org and t.me.
Descriptions of errors are those of the real server.  Strict where it can catch a careless client: a parameter that
the method does not have is an error.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from failover.practice._parts import is_multipart, parts_of
from failover.practice._telegram_chat import Chat, Origin, Post, bot, described, member, message, person, preview_page
from failover.practice.http import HttpService, Request, Response

_TWO_DAYS = 48 * 3600.0
_PARAMETERS: dict[str, set[str]] = {
    "getMe": set(),
    "getChat": {"chat_id"},
    "getChatMember": {"chat_id", "user_id"},
    "sendMessage": {
        "chat_id", "text", "disable_notification", "link_preview_options", "reply_parameters", "reply_markup",
    },
    "sendPhoto": {"chat_id", "photo", "caption", "disable_notification"},
    "forwardMessage": {"chat_id", "from_chat_id", "message_id", "disable_notification"},
    "editMessageText": {"chat_id", "message_id", "text", "link_preview_options", "reply_markup"},
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert"},
    "deleteMessage": {"chat_id", "message_id"},
    "pinChatMessage": {"chat_id", "message_id", "disable_notification"},
    "unpinChatMessage": {"chat_id", "message_id"},
}  # fmt: skip


_STRUCTURED = frozenset({
    "reply_parameters", "link_preview_options", "disable_notification", "message_id", "reply_markup", "offset",
    "limit", "timeout", "allowed_updates", "show_alert",
})  # fmt: skip
"""Parameters that stand as JSON in a form."""


class _RefusalError(Exception):
    """The Bot API says no."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
        self.response = Response.json(body | ({"parameters": parameters} if parameters else {}), status)


class TelegramService(HttpService):
    """One bot, the public channel `name`, and a private `operators` group.

    `trouble`, while set, is the answer to everything.  `now` dates the posts; without a clock they are of 1970.
    """

    def __init__(
        self,
        token: str = "123456789:practice-telegram-token",  # noqa: S107 - opens nothing but this practice server
        *,
        name: str = "examplecouncil",
        now: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self.token = token
        self.trouble: Response | None = None
        self._now = now
        self.updates: list[dict[str, Any]] = []
        self.answered: list[dict[str, Any]] = []
        self.listeners = 0
        self._last_update = 0
        self._news = asyncio.Event()
        self.chats: dict[int, Chat] = {}
        self.channel = self.add_chat(-1001234567890, name=name)
        self.operators = self.add_chat(-1009876543210, kind="supergroup", title="Operators")

    def add_chat(self, number: int, *, kind: str = "channel", name: str = "", title: str = "Example") -> Chat:
        chat = Chat(number, kind, name, title)
        chat.add(f"{kind.capitalize()} created", self._clock(), service=True)
        self.chats[number] = chat
        return chat

    def preview_url(self, name: str = "") -> str:
        """What to configure as `preview_url` of a channel."""
        return f"{self.url}/s/{name or self.channel.name}"

    def visible(self, name: str = "") -> list[str]:
        """The texts of all posts in the channel that are public now, oldest first."""
        chat = self._named(f"@{name}") if name else self.channel
        return [post.text for post in chat.posts.values() if not post.service]

    def somebody_posts(self, text: str) -> None:
        """A person writes in the channel."""
        self.channel.add(text, self._clock())

    def press(self, account: int, post: Post, button: str) -> str:
        """This account presses a button under a message; the id of the press, by which it is answered."""
        self._last_update += 1
        query = {
            "id": f"press-{self._last_update}",
            "from": person(account),
            "chat_instance": "1",
            "data": post.buttons[button],
        }
        self.updates.append({"update_id": self._last_update, "callback_query": query})
        self._news.set()
        return str(query["id"])

    def throttled(self) -> Response:
        return _RefusalError(429, "Too Many Requests: retry after 7", retry_after=7).response

    async def answer(self, request: Request) -> Response:
        if self.trouble is not None:
            return self.trouble
        head, _, rest = request.path.strip("/").partition("/")
        if head == "s":
            return self._preview(rest)
        try:
            self._authenticate(head)
            if rest == "getUpdates":
                return Response.json({"ok": True, "result": await self._tell_updates(_fields(request))})
            if rest == "answerCallbackQuery":
                return Response.json({"ok": True, "result": self._answered(_fields(request))})
            return Response.json({"ok": True, "result": self._call(rest, _fields(request))})
        except _RefusalError as refusal:
            return refusal.response

    def _authenticate(self, head: str) -> None:
        token = head.removeprefix("bot")
        if token == head or not token.partition(":")[0].isdecimal():
            raise _RefusalError(404, "Not Found")
        if token != self.token:
            raise _RefusalError(401, "Unauthorized")

    async def _tell_updates(self, fields: dict[str, Any]) -> list[dict[str, Any]]:
        """Long polling: whoever asks confirms what is before the offset; a second listener throws the first out."""
        if unknown := set(fields) - _PARAMETERS["getUpdates"]:
            raise _RefusalError(400, f"Bad Request: practice: getUpdates has no parameter {min(unknown)}")
        self.updates = [one for one in self.updates if one["update_id"] >= int(fields.get("offset", 0))]
        self.listeners += 1
        mine = self.listeners
        self._news.set()
        try:
            async with asyncio.timeout(float(fields.get("timeout", 0))):
                while not self.updates and mine == self.listeners:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            pass
        if mine != self.listeners:
            raise _RefusalError(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        return [*self.updates]

    def _answered(self, fields: dict[str, Any]) -> bool:
        known = {f"press-{number}" for number in range(1, self._last_update + 1)}
        if fields.get("callback_query_id") not in known:
            raise _RefusalError(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        self.answered.append(fields)
        return True

    def _call(self, method: str, fields: dict[str, Any]) -> Any:
        if method not in _PARAMETERS:
            raise _RefusalError(404, "Not Found")
        if unknown := set(fields) - _PARAMETERS[method]:
            raise _RefusalError(400, f"Bad Request: practice: {method} has no parameter {min(unknown)}")
        if method == "getMe":
            return bot()
        chat = self._chat(fields)
        match method:
            case "getChat":
                return described(chat)
            case "getChatMember":
                return member(chat)
            case "sendMessage" | "sendPhoto":
                return (self._send if method == "sendMessage" else self._send_photo)(chat, fields)
            case "forwardMessage":
                return self._forward(chat, fields)
            case "editMessageText":
                return self._edit(chat, fields)
            case "deleteMessage":
                return self._delete(chat, _post(chat, fields, "message to delete not found"))
        verb = "pin" if method == "pinChatMessage" else "unpin"
        return self._pin(chat, _post(chat, fields, f"message to {verb} not found"), verb)

    def _send(self, chat: Chat, fields: dict[str, Any]) -> dict[str, Any]:
        text = str(fields.get("text", "")).strip()
        if not text:
            raise _RefusalError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > 4096:
            raise _RefusalError(400, "Bad Request: message is too long")
        _may_write(chat)
        reply = fields.get("reply_parameters") or {}
        before = reply.get("message_id")
        if before is not None and before not in chat.posts:
            if not reply.get("allow_sending_without_reply"):
                raise _RefusalError(400, "Bad Request: message to be replied not found")
            before = None
        post = chat.add(text, self._clock(), reply_to=before)
        post.keyboard = fields.get("reply_markup")
        return message(chat, post)

    def _send_photo(self, chat: Chat, fields: dict[str, Any]) -> dict[str, Any]:
        caption = str(fields.get("caption", ""))
        if len(caption.encode("utf-16-le")) // 2 > 1024:
            raise _RefusalError(400, "Bad Request: message caption is too long")
        if not isinstance(fields.get("photo"), bytes):
            raise _RefusalError(400, "Bad Request: there is no photo in the request")
        _may_write(chat)
        post = chat.add(caption, self._clock())
        post.photo = fields["photo"]
        return message(chat, post)

    def _forward(self, chat: Chat, fields: dict[str, Any]) -> dict[str, Any]:
        source = self._named(fields.get("from_chat_id"))
        post = _post(source, fields, "message to forward not found")
        if post.service or source.protected:
            raise _RefusalError(400, "Bad Request: message can't be forwarded")
        _may_write(chat)
        origin = post.origin or Origin(source, post.number, post.at)
        return message(chat, chat.add(post.text, self._clock(), origin=origin))

    def _edit(self, chat: Chat, fields: dict[str, Any]) -> dict[str, Any]:
        post = _post(chat, fields, "message to edit not found")
        keyboard = fields.get("reply_markup")
        if post.text == fields.get("text") and post.keyboard == keyboard:
            raise _RefusalError(
                400, "Bad Request: message is not modified: specified new message content is the same"
            )
        post.text, post.keyboard = str(fields.get("text", "")), keyboard
        return message(chat, post)

    def _delete(self, chat: Chat, post: Post) -> bool:
        if self._clock() - post.at > _TWO_DAYS:
            raise _RefusalError(400, "Bad Request: message can't be deleted for everyone")
        del chat.posts[post.number]
        chat.pinned = [number for number in chat.pinned if number != post.number]
        return True

    def _pin(self, chat: Chat, post: Post, verb: str) -> bool:
        """A pin leaves a notice in the chat, which takes a message id of its own."""
        if verb == "pin":
            chat.pinned.append(post.number)
            chat.add(f"{chat.title} pinned «{post.text[:40]}»", self._clock(), service=True)
        else:
            chat.pinned = [number for number in chat.pinned if number != post.number]
        return True

    def _chat(self, fields: dict[str, Any]) -> Chat:
        chat = self._named(fields.get("chat_id"))
        if chat.migrated_to:
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            raise _RefusalError(400, description, migrate_to_chat_id=chat.migrated_to)
        if chat.status in ("left", "kicked"):
            said = "was kicked from" if chat.status == "kicked" else "is not a member of"
            raise _RefusalError(403, f"Forbidden: bot {said} the {chat.kind} chat")
        return chat

    def _named(self, wanted: object) -> Chat:
        for chat in self.chats.values():
            if str(wanted) == str(chat.id) or (chat.name and str(wanted).lower() == f"@{chat.name}".lower()):
                return chat
        raise _RefusalError(400, "Bad Request: chat not found")

    def _preview(self, name: str) -> Response:
        try:
            chat = self._named(f"@{name}")
        except _RefusalError:
            chat = None
        if chat is None or chat.kind != "channel":
            return Response.html("", 302, {"location": f"https://t.me/{name}"})
        return Response.html(preview_page(chat), headers={"cache-control": "no-store"})

    def _clock(self) -> float:
        return self._now() if self._now is not None else 0.0


def _fields(request: Request) -> dict[str, Any]:
    """Parameters from a JSON body, a form or the query; in a form, objects and booleans are written as JSON."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return dict(request.json())
    fields: dict[str, Any] = {}
    form: dict[str, Any] = dict(request.form()) if not is_multipart(request) else parts_of(request)
    for name, value in form.items():
        fields[name] = json.loads(value) if name in _STRUCTURED else value
    return fields


def _post(chat: Chat, fields: dict[str, Any], otherwise: str) -> Post:
    post = chat.posts.get(int(fields.get("message_id", 0)))
    if post is None:
        raise _RefusalError(400, f"Bad Request: {otherwise}")
    return post


def _may_write(chat: Chat) -> None:
    if chat.kind == "channel" and (chat.status != "administrator" or not chat.may_post):
        raise _RefusalError(400, "Bad Request: need administrator rights in the channel chat")
    if not chat.may_post:
        raise _RefusalError(400, "Bad Request: not enough rights to send text messages to the chat")
