"""Reading a channel's public preview page (https://t.me/s/<name>); private to this folder.

A bot cannot list its own channel's history and gets no update for its own posts, so this page is the read-back.
Its markup has no version and no documentation.  What is relied on, and nothing else:

- each post is an element with `data-post="<name>/<message id>"`; its class says `service_message` for "X pinned …";
- its own words are in `js-message_text` (nested in itself for albums); a quoted post is in `js-message_reply_text`;
- its time is in `<time datetime="…">`, in UTC; the page holds about the twenty newest posts, oldest first.

Under load t.me has been seen to serve "No posts found" for channels that have posts (the scrapers tchan and snscrape
both guard against it), so an empty page never proves anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser

from channels._http import Answer
from failover.model import Absent, Announcement, CannotTell, Finding, Found, Receipt

MARGIN = 600.0
"""Seconds by which the page must reach back beyond the announcement; covers clocks that differ."""


@dataclass(slots=True)
class Post:
    """One post on the page; `at` is None where no time could be read."""

    number: int
    service: bool = False
    at: float | None = None
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return _squeezed("".join(self.pieces))


class _Reader(HTMLParser):
    """Collects the posts of the channel `name`; knows nothing of anything else on the page."""

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self.posts: list[Post] = []
        self._prefix = f"{name.lower()}/"
        self._post: Post | None = None
        self._depth = 0  # of <div> inside the words of the post; 0 = outside of them

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        if "data-post" in given:
            self._begin(given["data-post"], service="service_message" in classes)
        elif tag == "time" and "datetime" in given and self._post is not None and self._post.at is None:
            self._post.at = _moment(given["datetime"])
        elif tag == "div" and (self._depth or "js-message_text" in classes):
            self._depth += 1
        elif tag == "br" and self._depth and self._post is not None:
            self._post.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth and self._post is not None:
            self._post.pieces.append(data)

    def _begin(self, mark: str, *, service: bool) -> None:
        number = mark.lower().removeprefix(self._prefix)
        self._post = Post(int(number), service) if number.isdecimal() else None
        self._depth = 0
        if self._post is not None:
            self.posts.append(self._post)


def read_posts(page: str, name: str) -> list[Post]:
    """The posts of the channel `name` on this page, in the order of the page."""
    reader = _Reader(name)
    reader.feed(page)
    reader.close()
    return reader.posts


def unreadable(answer: Answer, name: str) -> str:
    """Why this answer is not a complete and fresh preview of that channel; empty when it is."""
    if answer.status != 200:
        return f"the public page of @{name} is not available (HTTP {answer.status})"
    if "</html>" not in answer.text:
        return f"the public page of @{name} came incomplete"
    if not any(post.text for post in read_posts(answer.text, name)):
        return f"the public page of @{name} shows no post that can be read"
    if answer.headers.get("age", "0") != "0":
        return f"the public page of @{name} came from a cache"
    return ""


def search(answer: Answer, name: str, announcement: Announcement) -> Finding:
    """Is the announcement, which has a reference, on this page?

    The oldest post that shows the reference is ours; later ones quote it.
    """
    posts = read_posts(answer.text, name) if answer.status == 200 else []
    needle = _squeezed(announcement.reference)
    for post in sorted(posts, key=lambda post: post.number):
        if not post.service and needle in post.text:
            return Found(receipt=receipt_at(name, post.number))
    if reason := unreadable(answer, name) or _too_short(posts, announcement):
        return CannotTell(reason=reason)
    return Absent(reason=f"the public page of @{name} does not show it")


def receipt_at(place: str, number: int, note: str = "") -> Receipt:
    """`place` is a public name, or `c/<id>` for a chat without one; empty where Telegram has no link at all."""
    return Receipt(remote_id=str(number), url=f"https://t.me/{place}/{number}" if place else "", note=note)


def _too_short(posts: list[Post], announcement: Announcement) -> str:
    """Why the page could have missed the announcement; empty when it could not."""
    before = announcement.follows
    if before is not None and before.remote_id.isdecimal():
        if max(post.number for post in posts) < int(before.remote_id):
            return "the public page is older than our own earlier post"
        if any(post.number <= int(before.remote_id) for post in posts):
            return ""
    limit = announcement.created_at - MARGIN
    if any(post.number == 1 or (post.at is not None and post.at < limit) for post in posts):
        return ""
    return "the public page does not reach back far enough"


def _moment(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def _squeezed(text: str) -> str:
    return " ".join(text.split())
