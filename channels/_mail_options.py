"""What the configuration says of a mailing list, and its rules."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from channels._mail_letter import TOKEN, Sender
from channels._mail_list import BadAddressError, clean_address, has_control, is_unsubscribe_link
from channels._mail_session import Server
from failover.contracts import ConfigPath, Duration, Options, OutputPath

PORTS = {"starttls": 587, "tls": 465, "none": 25}
LONGEST_STEP, LONGEST_ANSWER = 60.0, 300.0

_SENDER = re.compile(r"(?:(?P<name>[^<>]*?)\s*<)?(?P<address>[^<>\s]+)(?(name)>)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|[0-9A-Fa-f:]+:[0-9A-Fa-f:.]*")
_LIST_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})")


def parse_sender(value: str) -> tuple[str, str]:
    """(name, address) of `Name <address>` or of a bare address.  Raises ValueError."""
    match = None if has_control(value) else _SENDER.fullmatch(value.strip())
    if match is None:
        raise ValueError("expected Name <address>, or an address")
    try:
        return (match["name"] or "").strip().strip('"').strip(), clean_address(match["address"])
    except BadAddressError:
        raise ValueError("expected Name <address>; the address is not a usable one") from None


def _sender(value: str) -> str:
    parse_sender(value)
    return value


def _address(value: str) -> str:
    try:
        return clean_address(value)
    except BadAddressError:
        raise ValueError("expected an e-mail address") from None


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("expected the name or IP address of a mail server, without smtp:// and without a port")
    return value


def _list_id(value: str) -> str:
    if not _LIST_ID.fullmatch(value):
        raise ValueError("expected an identifier such as news.example.org")
    return value


def _link(value: str) -> str:
    if not is_unsubscribe_link(value.replace(TOKEN, "x")) or "{" in value.replace(TOKEN, ""):
        raise ValueError("expected an https:// address (in which {token} may stand for the recipient), or mailto:")
    return value


def _at_most(limit: float) -> AfterValidator:
    def check(value: float) -> float:
        if not 0 < value <= limit:
            raise ValueError(f"expected between 1s and {limit:g}s")
        return value

    return AfterValidator(check)


def is_this_machine(host: str) -> bool:
    """True for a loopback name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class EmailOptions(Options):
    """`host` (a mail server) or `folder` (one .eml file per recipient); a sender; `recipients_file` or `recipients`.

    `port`: default 587 for starttls, 465 for tls, 25 for none.  `hello`: the name we greet with; default the sender's
    domain.  `timeout` is for each answer of the server, `answer_timeout` for the one that says it has the mail.
    `unsubscribe`: a link for all letters; the list's own column `unsubscribe` goes before it.  In it `{token}`
    becomes the HMAC-SHA256 (hex) of the recipient's address in small letters, made with `unsubscribe_secret`.
    """

    host: Annotated[str, AfterValidator(_host)] | None = None
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: ConfigPath | None = None
    hello: Annotated[str, AfterValidator(_list_id)] | None = None
    folder: OutputPath | None = None
    sender: Annotated[str, AfterValidator(_sender)]
    recipients: tuple[Annotated[str, AfterValidator(_address)], ...] = ()
    recipients_file: ConfigPath | None = None
    list_id: Annotated[str, AfterValidator(_list_id)] | None = None
    unsubscribe: Annotated[str, AfterValidator(_link)] | None = None
    unsubscribe_secret: SecretStr | None = None
    connections: Annotated[int, Field(ge=1, le=8)] = 2
    timeout: Annotated[Duration, _at_most(LONGEST_STEP)] = 30.0
    answer_timeout: Annotated[Duration, _at_most(LONGEST_ANSWER)] = 120.0

    @model_validator(mode="after")
    def _one_way_out(self) -> Self:
        if (self.host is None) == (self.folder is None):
            raise ValueError("expected either host (a mail server) or folder (one file per letter)")
        if bool(self.recipients) == (self.recipients_file is not None):
            raise ValueError("expected either recipients_file (a list) or recipients (a few addresses, right here)")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together: expected both, or neither")
        if self.security == "none" and self.host is not None and not is_this_machine(self.host):
            raise ValueError(
                "security: none sends names, addresses and the password in clear text; expected it only with a mail "
                "server on this machine (localhost, 127.0.0.1 or ::1)"
            )
        if TOKEN in (self.unsubscribe or "") and self.unsubscribe_secret is None:
            raise ValueError("{token} in unsubscribe is made with unsubscribe_secret; expected that too")
        return self

    def parsed_sender(self) -> Sender:
        """Who writes, as the letters need it."""
        name, address = parse_sender(self.sender)
        secret = self.unsubscribe_secret.get_secret_value() if self.unsubscribe_secret else ""
        return Sender(name, address, self.list_id or "", self.unsubscribe or "", secret)

    def server(self, domain: str) -> Server | None:
        """Where the letters are handed in; None for a folder."""
        if self.host is None:
            return None
        return Server(
            host=self.host,
            port=self.port or PORTS[self.security],
            security=self.security,
            hello=self.hello or domain,
            username=self.username,
            password=self.password.get_secret_value() if self.password else "",
            ca_file=self.ca_file,
            timeout=self.timeout,
            answer_timeout=self.answer_timeout,
        )
