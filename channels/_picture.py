"""A post's picture, read for sending; private to this folder."""

from __future__ import annotations

import asyncio

from failover.model import Announcement, Image, Refusal, Refused, Unreachable

ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
"""The sorts of pictures there are, and how their files are called."""


async def picture_of(announcement: Announcement) -> tuple[Image, bytes] | Refused | Unreachable | None:
    """The picture with its content; None where there is none.

    Refused where our copy of it is gone; Unreachable where it cannot be read at the moment (the disk, a permission,
    too many open files): nothing was sent, and it is tried again.
    """
    if not announcement.images:
        return None
    image = announcement.images[0]
    try:
        return image, await asyncio.to_thread(image.path.read_bytes)
    except FileNotFoundError:
        return Refused(reason="our copy of the picture is gone", refusal=Refusal.CONTENT)
    except OSError as error:
        return Unreachable(reason=f"our copy of the picture cannot be read ({error.strerror})")


def file_name(image: Image) -> str:
    """What services are told that it is called: nothing of our machine."""
    return f"picture.{ENDINGS[image.media_type]}"
