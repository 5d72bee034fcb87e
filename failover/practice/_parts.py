"""A form with files in it (multipart/form-data, RFC 7578), as practice services are sent it."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser

from failover.practice.http import Request


def is_multipart(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


def parts_of(request: Request) -> dict[str, str | bytes]:
    """The fields by name: text as text, files as bytes."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + request.body)
    found: dict[str, str | bytes] = {}
    for part in message.iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found[str(name)] = content if part.get_filename() else content.decode()
    return found
