"""May the bot post in this chat?  Private to this folder."""

from __future__ import annotations

from telegram import ChatFullInfo, ChatMember, ChatMemberAdministrator, ChatMemberOwner, ChatMemberRestricted
from telegram.constants import ChatType


def obstacle(chat: ChatFullInfo, member: ChatMember | None) -> str:
    """Why the bot could not post in this chat; empty when it could.  `member` is None in a private chat."""
    where = f"@{chat.username}" if chat.username else "the chat"
    match member:
        case None | ChatMemberOwner():
            return ""
        case ChatMemberAdministrator():
            able = chat.type != ChatType.CHANNEL or member.can_post_messages
            return "" if able else f"the bot is an administrator of {where} who may not post; give it that right"
        case ChatMemberRestricted():
            able = member.is_member and member.can_send_messages
            return "" if able else f"the bot is restricted in {where} and may not post"
    if member.status != ChatMember.MEMBER:
        return f"the bot is not in {where}; add it as an administrator who may post"
    allowed = chat.permissions is None or chat.permissions.can_send_messages
    if chat.type == ChatType.CHANNEL or not allowed:
        return f"the bot is not an administrator of {where} who may post"
    return ""
