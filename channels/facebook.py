"""A Facebook Page, by Meta's Graph API.

A statement is created as an unpublished post, its id is noted durably, and it is then published by that id.  So an
unclear failure of the first step can at worst leave an unpublished post behind that nobody sees (Unreachable, safe
to repeat), and publishing the same id twice changes nothing.

Sources: Pages API guide "Posts" (published=false, is_published=true), PagePost and Page feed references, Graph API
changelog.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from pydantic import Field, SecretStr

from channels._canary import Flight
from channels._graph_canary import PageCanary
from channels._graph_client import GraphClient, unclear
from channels._graph_errors import DUPLICATE
from channels._graph_health import Notes, judge_page, judge_token, judge_version, to_health
from channels._http import open_client
from channels._picture import file_name, picture_of
from channels._steps import Trouble, unknown_post, while_looking, while_preparing, while_publishing
from channels._web import SafeAddress, WebAddress
from failover.contracts import ChannelKind, Notebook, Options, Surroundings
from failover.model import (
    Absent,
    Announcement,
    CannotTell,
    Delivered,
    Evidence,
    Finding,
    Found,
    Health,
    Measure,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Sighting,
    Unconfirmed,
    Unreachable,
)

UPLOADED = "photo "
"""Before the number of a picture that is uploaded while there is no post yet."""

LONGEST = 63206
PAGE_SIZE = 100
CLOCKS_APART = 600.0  # seconds that Facebook's clock and ours may differ when the feed is read back
_ID = re.compile(r"[0-9]+(?:_[0-9]+)?")
_PUBLISHED = Sighting.up(Evidence.SPOKEN, "a post was published on our Page")


class FacebookOptions(Options):
    """`page` is the Page's number; `token` a Page or system-user token; `link` is attached to every post."""

    page: Annotated[str, Field(pattern=r"^\d+$", coerce_numbers_to_str=True)]
    token: SecretStr
    version: Annotated[str, Field(pattern=r"^v\d+\.\d+$")] = "v26.0"
    api_url: SafeAddress = "https://graph.facebook.com"
    link: WebAddress | None = None


def measure(_options: FacebookOptions, announcement: Announcement) -> Measure:
    """Facebook's limit is 63,206 characters, counted here in UTF-16 units: never fewer than people would count."""
    return Measure(len(announcement.text.encode("utf-16-le")) // 2, LONGEST, "characters")


class FacebookPage:
    """One Page; see the module's docstring for the order of things."""

    def __init__(self, options: FacebookOptions, graph: GraphClient, now: Callable[[], float]) -> None:
        self._options = options
        self._graph = graph
        self._now = now
        self._feed = f"{options.page}/feed"
        self._flight = Flight(PageCanary(graph, options.page), now)

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:
        """Reserve, then publish.  A second unpublished post is made only when the first is certainly gone."""
        post = _number(notebook.draft)
        if post is not None:
            state = await self._state(post)
            if isinstance(state, Receipt):
                return Delivered(receipt=state, sighting=_PUBLISHED)
            if isinstance(state, Trouble):
                if not state.gone:
                    return while_looking(state, repeat=notebook.repeat)
                finding = await self._in_feed(announcement)
                if not isinstance(finding, Absent):
                    return _as_outcome(finding)
                post = None
        if post is None:
            photo = await self._photo(announcement, notebook)
            if isinstance(photo, Refused | Unreachable):
                return photo
            created = photo if isinstance(photo, Trouble) else await self._create(announcement, photo)
            if isinstance(created, Trouble):
                return await self._duplicate_or(while_preparing(created), created, announcement)
            await notebook.reserve(created)
            post = created
        return await self._publish(post, announcement)

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:
        """By the noted id, exactly; without one nothing was published, and the feed is read to be sure."""
        if (noted := _number(notebook.draft)) is not None:
            state = await self._state(noted)
            if isinstance(state, Receipt):
                return Found(receipt=state)
            if state is None:
                return Absent(reason="the post is on Facebook but not published yet")
            if not state.gone:
                return CannotTell(reason=state.reason)
        return await self._in_feed(announcement)

    async def check(self) -> Health:
        """Token, permissions, task and version, in one request that changes nothing."""
        now, page, notes = self._now(), self._options.page, Notes()
        inspected, described, tasks = await self._graph.inspect(f"{page}?fields=id,name", f"{page}?fields=tasks")
        judge_version(notes, self._options.version, now)
        sighting = judge_page(notes, described, tasks)
        judge_token(notes, inspected, now)
        return to_health(notes, sighting)

    async def canary(self) -> Sighting:
        """An unpublished post, made and deleted."""
        return await self._flight.fly()

    async def retract(self, receipt: Receipt) -> Outcome:
        """Delete the post."""
        if not _ID.fullmatch(receipt.remote_id):
            return unknown_post(receipt)
        answer = await self._graph.call("DELETE", receipt.remote_id)
        if isinstance(answer, Trouble):
            return await self._already_gone(receipt, answer) if answer.gone else while_publishing(answer)
        if answer.get("success") is not True:
            return Unconfirmed(reason="Facebook did not say that the post was deleted")
        return Delivered(receipt=receipt)

    async def _already_gone(self, receipt: Receipt, answer: Trouble) -> Outcome:
        """ "No such post" may also mean "not for you": believed only of a token that can read the Page's feed."""
        feed = await self._graph.call("GET", self._feed, fields="id", limit="1")
        if isinstance(feed, Trouble):
            return Unconfirmed(reason=answer.reason, sighting=feed.sighting)
        return Delivered(receipt=Receipt(remote_id=receipt.remote_id, url=receipt.url, note="was gone already"))

    async def _photo(self, announcement: Announcement, notebook: Notebook) -> str | Trouble | Refused | Unreachable:
        """The number of the uploaded picture ("" for none), noted before it is used.

        It is unpublished, so one whose answer was lost is seen by nobody ("Page Photos" reference: `published`,
        `alt_text_custom`).
        """
        picture = await picture_of(announcement)
        if picture is None or isinstance(picture, Refused | Unreachable):
            return picture or ""
        if (notebook.draft or "").startswith(UPLOADED):
            return (notebook.draft or "").removeprefix(UPLOADED)
        image, content = picture
        file = (file_name(image), content, image.media_type)
        answer = await self._graph.upload(f"{self._options.page}/photos", file, alt_text_custom=image.alt)
        if isinstance(answer, Trouble):
            return answer
        number = str(answer.get("id", ""))
        if not number.isdecimal():
            return unclear("Facebook did not name the picture it took")
        await notebook.reserve(f"{UPLOADED}{number}")
        return number

    async def _create(self, announcement: Announcement, photo: str) -> str | Trouble:
        """The id of a new unpublished post; a post with a picture carries no link beside it."""
        with_it = {"link": self._options.link} if self._options.link else {}
        if photo:
            with_it = {"attached_media[0]": json.dumps({"media_fbid": photo})}
        answer = await self._graph.call("POST", self._feed, message=announcement.text, published="false", **with_it)
        if isinstance(answer, Trouble):
            return answer
        post = str(answer.get("id"))
        return post if _ID.fullmatch(post) else unclear("Facebook did not name the post it made")

    async def _publish(self, post: str, announcement: Announcement) -> Outcome:
        """Make it public and look at it; a "yes" that is not seen to be true stays Unconfirmed."""
        answer = await self._graph.call("POST", post, is_published="true")
        if isinstance(answer, Trouble):
            return await self._duplicate_or(while_publishing(answer), answer, announcement)
        shown = await self._state(post, 5.0)
        if shown is None:
            return Unconfirmed(reason="Facebook accepted the post but does not show it as published yet")
        if isinstance(shown, Trouble) and answer.get("success") is not True:
            return while_publishing(unclear("Facebook did not say that the post was published"))
        return Delivered(receipt=shown if isinstance(shown, Receipt) else _receipt(post, {}), sighting=_PUBLISHED)

    async def _duplicate_or(self, outcome: Outcome, trouble: Trouble, announcement: Announcement) -> Outcome:
        """Called a duplicate?  Our reference is in the text, so its twin is this very statement: does it show?

        If it does not, the twin is an unpublished post whose id was never learned (Facebook lists those to nobody
        but advertisers), and only a person can go on.
        """
        if trouble.code != DUPLICATE:
            return outcome
        finding = await self._in_feed(announcement)
        if not isinstance(finding, Absent):
            return _as_outcome(finding)
        reason = "Facebook takes the text for a duplicate of a post that is not to be seen on the Page"
        return Refused(reason=reason, refusal=Refusal.BLOCKED, sighting=trouble.sighting)

    async def _state(self, post: str, seconds: float | None = None) -> Receipt | Trouble | None:
        """A receipt where the post is public, None where it is not yet."""
        answer = await self._graph.call("GET", post, seconds, fields="id,is_published,permalink_url")
        if isinstance(answer, Trouble):
            return answer
        if not isinstance(answer.get("is_published"), bool):
            return unclear("Facebook did not say whether the post is published")
        return _receipt(post, answer) if answer["is_published"] else None

    async def _in_feed(self, announcement: Announcement) -> Found | Absent | CannotTell:
        """Look for the statement's reference among the Page's own posts since it was made."""
        since, fields = str(int(announcement.created_at - CLOCKS_APART)), "id,message,permalink_url,from"
        answer = await self._graph.call("GET", self._feed, fields=fields, since=since, limit=str(PAGE_SIZE))
        if isinstance(answer, Trouble):
            return CannotTell(reason=answer.reason)
        posts = answer.get("data")
        if not isinstance(posts, list):
            return CannotTell(reason="Facebook did not list the Page's posts")
        for post in posts:
            if isinstance(post, dict) and self._is_ours(post, announcement.reference):
                return Found(receipt=_receipt(str(post.get("id")), post))
        if len(posts) >= PAGE_SIZE:
            return CannotTell(reason="the Page has too many new posts to be sure that ours is not among them")
        return Absent(reason="the statement is not among the Page's posts")

    def _is_ours(self, post: dict[str, Any], reference: str) -> bool:
        """By the Page itself (visitors post to a feed as well), with the reference as a word of its own."""
        author = post.get("from")
        if isinstance(author, dict) and author.get("id") not in (None, self._options.page):
            return False
        return re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", str(post.get("message", ""))) is not None


def _number(draft: str | None) -> str | None:
    """The id of our post, where one is noted."""
    return None if draft is None or draft.startswith(UPLOADED) else draft


def _receipt(post: str, fields: dict[str, Any]) -> Receipt:
    url = fields.get("permalink_url")
    return Receipt(remote_id=post, url=url if isinstance(url, str) and url else f"https://www.facebook.com/{post}")


def _as_outcome(finding: Found | CannotTell) -> Outcome:
    if isinstance(finding, Found):
        return Delivered(receipt=finding.receipt, sighting=_PUBLISHED)
    return Unconfirmed(reason=f"{finding.reason}; the post may have gone out")


@asynccontextmanager
async def open_facebook(options: FacebookOptions, surroundings: Surroundings) -> AsyncIterator[FacebookPage]:
    """The Page, with a client of its own."""
    async with open_client(surroundings.user_agent, f"{options.api_url}/{options.version}/") as client:
        yield FacebookPage(options, GraphClient(client, options.token, surroundings.now), surroundings.now)


KIND = ChannelKind(
    FacebookOptions,
    open_facebook,
    measure,
    images=1,
    example='{kind: facebook, platform: facebook, page: "1234567890", token_file: facebook-token}',
    canary=(
        "makes an unpublished post on the Page, which only people who manage the Page could see, reads it and "
        "deletes it: four calls of the Graph API each time, and nothing is billed"
    ),
)
