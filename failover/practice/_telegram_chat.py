"""The chats of the practice Telegram, as the Bot API and the preview page describe them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

_PHOTO = {"file_id": "practice", "file_unique_id": "practice", "width": 1, "height": 1}
_PAGE = 20  # posts on a preview page

_OTHER_RIGHTS = (
    "can_manage_chat",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


@dataclass(slots=True)
class Post:
    number: int
    text: str
    at: float
    service: bool = False
    reply_to: int | None = None
    origin: Origin | None = None
    keyboard: dict[str, Any] | None = None
    photo: bytes = b""

    @property
    def buttons(self) -> dict[str, str]:
        """Word on the button -> what it carries."""
        rows = (self.keyboard or {}).get("inline_keyboard", ())
        return {button["text"]: button["callback_data"] for row in rows for button in row}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a forwarded message comes from."""

    chat: Chat
    number: int
    at: float


@dataclass(slots=True)
class Chat:
    """`status` and `may_post` are the bot's; a change makes the bot lose its rights.

    `linked` is the id of the channel of a discussion group, or the other way round; `deletes_after` the seconds after
    which messages go by themselves (0: they stay).
    """

    id: int
    kind: str = "channel"
    name: str = ""
    title: str = "Example Borough Council"
    status: str = "administrator"
    may_post: bool = True
    protected: bool = False
    migrated_to: int = 0
    linked: int = 0
    deletes_after: int = 0
    pinned: list[int] = field(default_factory=list)
    posts: dict[int, Post] = field(default_factory=dict)
    last: int = 0

    def add(
        self,
        text: str,
        at: float,
        *,
        service: bool = False,
        reply_to: int | None = None,
        origin: Origin | None = None,
    ) -> Post:
        self.last += 1
        self.posts[self.last] = Post(self.last, text, at, service, reply_to, origin)
        return self.posts[self.last]


def preview_page(chat: Chat) -> str:
    """The page of t.me/s/<name>: the newest posts, oldest first."""
    title = escape(chat.title)
    blocks = "".join(_block(chat, post) for post in list(chat.posts.values())[-_PAGE:])
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><main>"
        f'<div class="tgme_channel_info_header_title"><span dir="auto">{title}</span></div>'
        f'<section class="tgme_channel_history js-message_history">{blocks}</section></main></body></html>'
    )


def _block(chat: Chat, post: Post) -> str:
    """One post, in the markup of t.me."""
    kind = "service_message " if post.service else ""
    quoted = chat.posts.get(post.reply_to or 0)
    reply = (
        f'<a class="tgme_widget_message_reply" href="https://t.me/{chat.name}/{quoted.number}">'
        f'<div class="tgme_widget_message_text js-message_reply_text" dir="auto">{escape(quoted.text)}</div></a>'
        if quoted is not None
        else ""
    )
    moment = datetime.fromtimestamp(post.at, UTC).isoformat()
    words = escape(post.text, quote=True).replace("\n", "<br/>")
    return (
        '<div class="tgme_widget_message_wrap js-widget_message_wrap">'
        f'<div class="tgme_widget_message {kind}js-widget_message" data-post="{chat.name}/{post.number}">'
        f'{reply}<div class="tgme_widget_message_text js-message_text" dir="auto">{words}</div>'
        f'<a class="tgme_widget_message_date" href="https://t.me/{chat.name}/{post.number}">'
        f'<time datetime="{moment}" class="time">{moment[11:16]}</time></a></div></div>'
    )


def described(chat: Chat) -> dict[str, Any]:
    """ChatFullInfo."""
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    return _short(chat) | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
        **({"has_protected_content": True} if chat.protected else {}),
        **({"linked_chat_id": chat.linked} if chat.linked else {}),
        **({"message_auto_delete_time": chat.deletes_after} if chat.deletes_after else {}),
        **({"permissions": {"can_send_messages": chat.may_post}} if chat.kind != "channel" else {}),
    }


def message(chat: Chat, post: Post) -> dict[str, Any]:
    """Message; with the one it replies to (whose own reply is never told), where that still exists."""
    quoted = chat.posts.get(post.reply_to or 0)
    return _told(chat, post) | ({"reply_to_message": _told(chat, quoted)} if quoted is not None else {})


def _told(chat: Chat, post: Post) -> dict[str, Any]:
    told = {"message_id": post.number, "date": int(post.at), "chat": _short(chat)}
    told |= {"caption": post.text, "photo": [_PHOTO]} if post.photo else {"text": post.text}
    told |= {"reply_markup": post.keyboard} if post.keyboard else {}
    return told | ({"forward_origin": _origin(post.origin)} if post.origin is not None else {})


def _origin(origin: Origin) -> dict[str, Any]:
    """MessageOrigin: of a channel the post is named, of a person in a group the name alone (as for most of them)."""
    if origin.chat.kind == "channel":
        where = {"chat": _short(origin.chat), "message_id": origin.number}
        return {"type": "channel", "date": int(origin.at), **where}
    return {"type": "hidden_user", "date": int(origin.at), "sender_user_name": "Somebody"}


def bot() -> dict[str, Any]:
    """User: the bot itself."""
    return {"id": 123456789, "is_bot": True, "first_name": "Practice", "username": "practice_failover_bot"}


def person(number: int) -> dict[str, Any]:
    """User: somebody who presses a button."""
    return {"id": number, "is_bot": False, "first_name": "Somebody"}


def _short(chat: Chat) -> dict[str, Any]:
    if chat.kind == "private":
        return {"id": chat.id, "type": chat.kind, "first_name": chat.title}
    named = {"username": chat.name} if chat.name else {}
    return {"id": chat.id, "type": chat.kind, "title": chat.title, **named}


def member(chat: Chat) -> dict[str, Any]:
    """ChatMember: the bot in this chat."""
    told: dict[str, Any] = {"user": bot(), "status": chat.status}
    if chat.status == "administrator":
        told |= dict.fromkeys(_OTHER_RIGHTS, False)
        told |= {"can_be_edited": False, "is_anonymous": False, "can_delete_messages": True}
        told |= {"can_pin_messages": True}
        if chat.kind == "channel":
            told |= {"can_post_messages": chat.may_post, "can_edit_messages": True}
    return told
