"""One announcement as one letter per recipient: the same bytes at every attempt.

Everything in a letter is derived from the announcement, the options and the recipient; nothing from the clock or
from chance.  So a repeat is recognisable by its Message-ID, and a later letter can name the one it follows.

Sources: RFC 5322 3.6.4 (Message-ID, In-Reply-To, References), RFC 3834 5 (Auto-Submitted), RFC 2919 (List-Id),
RFC 2369 and RFC 8058 (List-Unsubscribe, one click: only for a link that belongs to one recipient, over https).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from channels._headline import headline
from channels._mail_list import Recipient
from channels._picture import file_name
from failover.model import Announcement, Image

SUBJECT_LIMIT = 200
"""Characters; programs that read mail show some 40 to 80 of them."""

TOKEN = "{token}"  # noqa: S105  # a place holder

_LINE = 75
"""RFC 2047 2: neither an encoded word nor a line with one may be longer than 75 and 76 characters."""

_BASE = re.compile(r"[0-9a-f]{20}@[a-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes.  `unsubscribe` is the link in every letter ("" for none); `{token}` in it is the recipient's."""

    name: str
    address: str
    list_id: str = ""
    unsubscribe: str = ""
    secret: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Letter:
    """What all recipients of one announcement have in common.  `base` identifies the mailing, `follows` the first."""

    sender: Sender
    base: str
    follows: str
    common: bytes

    def to(self, recipient: Recipient) -> bytes:
        """The whole message for one recipient, with CRLF line ends."""
        lines = [_to_line(recipient), f"Message-ID: {message_id(self.base, recipient.key)}"]
        if self.follows:
            first = message_id(self.follows, recipient.key)
            lines += [f"In-Reply-To: {first}", f"References: {first}"]
        lines += _unsubscribe_lines(self.sender, recipient)
        return "\r\n".join([*lines, ""]).encode("ascii") + self.common


def write(announcement: Announcement, sender: Sender, picture: tuple[Image, bytes] | None = None) -> Letter:
    """The letter of an announcement; a picture comes with it as a file, and what it shows stands in the text."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["Subject"] = headline(announcement.subject, announcement.text)
    message["Date"] = format_datetime(datetime.fromtimestamp(announcement.created_at, UTC))
    message["Auto-Submitted"] = "auto-generated"
    message["Precedence"] = "bulk"
    if sender.list_id:
        message["List-Id"] = f"<{sender.list_id}>"
    text = announcement.text.encode("utf-8", "replace").decode()
    text += f"\n\n[{picture[0].alt}]" if picture else ""
    message.set_content(text, charset="utf-8", cte="quoted-printable")
    if picture is not None:
        _attach(message, *picture, announcement.key)
    followed = announcement.follows.remote_id if announcement.follows else ""
    follows = followed if _BASE.fullmatch(followed) else ""
    return Letter(sender, mailing_id(announcement.key, sender.domain), follows, message.as_bytes())


def _attach(message: EmailMessage, image: Image, content: bytes, key: str) -> None:
    """The boundary between the parts is derived from the key, as everything else: chance has no place here."""
    kind, _, sort = image.media_type.partition("/")
    message.make_mixed(boundary=f"part-{_digest(key)}")
    message.add_attachment(
        content,
        maintype=kind,
        subtype=sort,
        filename=file_name(image),
        disposition="inline",
        headers=[f"Content-Description: {' '.join(image.alt.split())}"],
    )


def mailing_id(key: str, domain: str) -> str:
    """`<hash of the key>@<domain>`: the receipt's remote id, from which every Message-ID of the mailing follows."""
    return f"{_digest(key)}@{domain}"


def message_id(base: str, recipient_key: str) -> str:
    """The Message-ID of one recipient's letter; it gives nobody's address away."""
    mailing, _, domain = base.partition("@")
    return f"<{mailing}.{_digest(f'{mailing}:{recipient_key}')}@{domain}>"


def token(secret: str, recipient_key: str) -> str:
    """What stands for `{token}`: hex HMAC-SHA256 of the address in small letters.

    The receiver of the link can compute it for every subscriber, and nobody else can.
    """
    return hmac.new(secret.encode(), recipient_key.encode(), hashlib.sha256).hexdigest()


def _to_line(recipient: Recipient) -> str:
    """Most lines fit as they are; folding by the full rules costs twenty times as much."""
    line = f"To: {formataddr((recipient.name, recipient.address))}"
    if len(line) <= _LINE:
        return line
    value = SMTP.header_factory("To", Address(recipient.name, addr_spec=recipient.address))
    return str(value.fold(policy=SMTP)).removesuffix("\r\n")


def _unsubscribe_lines(sender: Sender, recipient: Recipient) -> list[str]:
    link = recipient.unsubscribe or sender.unsubscribe
    if not link:
        return []
    personal = bool(recipient.unsubscribe) or TOKEN in link
    lines = [f"List-Unsubscribe: <{link.replace(TOKEN, token(sender.secret, recipient.key))}>"]
    if personal and link.startswith("https:"):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return lines


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
