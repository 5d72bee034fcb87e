"""A WordPress site, by its REST API and an application password.

A statement is created as a draft, the draft's id is noted durably, and it is then published by that id.  So an
unclear failure of the first step can at worst leave a draft behind that nobody sees (Unreachable, safe to repeat; the
repeat finds that draft by its slug and goes on with it), and publishing the same id twice changes nothing.  A holding
statement is pinned in the same call; the welcome back unpins it.

Sources: WordPress REST API handbook (posts, users, categories), application passwords (6.1, tried).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from pydantic import Field, SecretStr

from channels._canary import Flight
from channels._headline import headline
from channels._http import open_client
from channels._picture import file_name, picture_of
from channels._steps import Trouble, unknown_post, while_looking, while_preparing, while_publishing
from channels._web import SafeAddress
from channels._wordpress_answers import NO_DATA, NO_TRASH, unclear
from channels._wordpress_canary import SiteCanary
from channels._wordpress_client import Post, WordPressClient, as_post
from channels._wordpress_words import contains, escape, html_of, img_of, slug_of
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
    Statement,
    Unconfirmed,
    Unreachable,
)

LONGEST = 50_000
UPLOADED = "picture "
"""Before the number and the address of a picture that is uploaded while there is no post yet."""

_PINNED = (Statement.HOLDING, Statement.AGAIN, Statement.INTERMITTENT)
_UNPINS = (Statement.WELCOME_BACK, Statement.CORRECTION)
_UP = Sighting.up(Evidence.SPOKEN, "WordPress answered as expected")


class WordPressOptions(Options):
    """`password` is an application password; `sticky` pins the holding statement; `category` is a category's number.

    `rest_route: true` is for sites whose permalinks are plain.  `api_url` is where the site is reached by us, where
    that is not `url`.
    """

    url: SafeAddress
    username: Annotated[str, Field(min_length=1)]
    password: SecretStr
    sticky: bool = True
    category: Annotated[int, Field(ge=1)] | None = None
    rest_route: bool = False
    api_url: SafeAddress | None = None


def measure(_options: WordPressOptions, announcement: Announcement) -> Measure:
    """WordPress itself has no limit that matters; nobody reads a statement longer than this."""
    return Measure(len(announcement.text), LONGEST, "characters")


class WordPress:
    """One site; see the module's docstring for the order of things."""

    def __init__(self, options: WordPressOptions, site: WordPressClient, now: Callable[[], float]) -> None:
        self._options = options
        self._site = site
        self._flight = Flight(SiteCanary(site), now)

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:
        """Look for what an earlier attempt left, else make a draft; note its id; publish it."""
        noted = _number(notebook.draft)
        post = await self._ours(announcement, noted)
        if isinstance(post, Trouble):
            return while_looking(post, repeat=notebook.repeat and noted is not None)
        if post is None:
            picture = await self._picture(announcement, notebook)
            if isinstance(picture, Refused | Unreachable):
                return picture
            post = picture if isinstance(picture, Trouble) else await self._draft(announcement, picture)
            if isinstance(post, Trouble):
                return while_preparing(post)
        if not post.public:
            if post.id != noted:
                await notebook.reserve(post.id)
            published = await self._publish(post, announcement)
            if not isinstance(published, Post):
                return published
            post = published
        return Delivered(receipt=post.receipt(await self._unpin(announcement)), sighting=_UP)

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:
        """By the noted id, exactly; without one (or if it is gone) by slug and reference."""
        post = await self._ours(announcement, _number(notebook.draft))
        if isinstance(post, Trouble):
            return CannotTell(reason=post.reason)
        if post is None:
            return Absent(reason="WordPress has no post with this statement")
        if post.public:
            return Found(receipt=post.receipt())
        if post.status == "future":
            return CannotTell(reason="WordPress has scheduled the post for later")
        return Absent(reason="WordPress has the post, but has not published it")

    async def check(self) -> Health:
        """May the user publish, and does the category exist?"""
        me = await self._site.call("GET", "users/me", {"context": "edit"})
        if isinstance(me, Trouble):
            return Health(sighting=me.sighting, problems=(me.reason, *await self._advice(me)))
        able = me.get("capabilities") if isinstance(me, dict) else None
        if not isinstance(able, dict):
            reason = "WordPress did not say what the user may do"
            return Health(sighting=Sighting.unknown(Evidence.SPOKEN, reason), problems=(reason,))
        problems = [] if able.get("publish_posts") is True else ["the WordPress user may not publish posts"]
        problems += await self._category_problems()
        roles = ", ".join(str(role) for role in me.get("roles") or ())
        return Health(sighting=_UP, problems=tuple(problems), facts={"roles": roles} if roles else {})

    async def canary(self) -> Sighting:
        """A draft, made and deleted."""
        return await self._flight.fly()

    async def retract(self, receipt: Receipt) -> Outcome:
        """Move the post to the trash, which unpins it too; delete it where the site has no trash."""
        if not receipt.remote_id.isdecimal():
            return unknown_post(receipt)
        answer = await self._site.call("DELETE", f"posts/{receipt.remote_id}")
        if isinstance(answer, Trouble) and answer.code == NO_TRASH:
            answer = await self._site.call("DELETE", f"posts/{receipt.remote_id}", {"force": "true"})
        if isinstance(answer, Trouble) and not answer.gone:
            return while_publishing(answer)
        note = "was gone already" if isinstance(answer, Trouble) else ""
        return Delivered(receipt=Receipt(remote_id=receipt.remote_id, url=receipt.url, note=note))

    async def _ours(self, announcement: Announcement, draft: str | None) -> Post | Trouble | None:
        """The statement's post in whatever state; None if there is none (or only in the trash)."""
        if draft is not None:
            post = as_post(await self._site.call("GET", f"posts/{draft}", {"context": "edit"}))
            if isinstance(post, Trouble) and not post.gone:
                return post
            if isinstance(post, Post) and post.status != "trash":
                return post
        return await self._by_slug(announcement)

    async def _by_slug(self, announcement: Announcement) -> Post | Trouble | None:
        """A taken slug gets -2 and so on, and another statement's may look like that: the reference decides."""
        slug = slug_of(announcement.reference)
        query = {"slug": ",".join((slug, f"{slug}-2", f"{slug}-3")), "status": "any", "context": "edit"}
        answer = await self._site.call("GET", "posts", query)
        if isinstance(answer, Trouble):
            return answer
        if not isinstance(answer, list):
            return unclear("WordPress did not list its posts")
        posts = [as_post(item) for item in answer if contains(_raw(item), announcement.reference)]
        ours = [post for post in posts if isinstance(post, Post)]
        return max(ours, key=lambda post: post.public, default=None)

    async def _picture(self, announcement: Announcement, notebook: Notebook) -> str | Trouble | Refused | Unreachable:
        """The picture in HTML, uploaded once: its number and address are noted before it is used.

        An upload whose answer is lost leaves a file behind that no page shows.
        """
        picture = await picture_of(announcement)
        if picture is None or isinstance(picture, Refused | Unreachable):
            return picture or ""
        image, content = picture
        number, _, address = (notebook.draft or "").removeprefix(UPLOADED).partition(" ")
        if not (notebook.draft or "").startswith(UPLOADED):
            upload = (f"{slug_of(announcement.reference)}-{file_name(image)}", image.media_type, content)
            answer = await self._site.call("POST", "media", file=upload)
            if isinstance(answer, Trouble):
                return answer
            fields = answer if isinstance(answer, dict) else {}
            number, address = str(fields.get("id", "")), str(fields.get("source_url", ""))
            if not number.isdecimal() or not address.startswith(("http://", "https://")):
                return unclear("WordPress did not say where the picture is")
            await notebook.reserve(f"{UPLOADED}{number} {address}")
        return img_of(number, address, image.alt)

    async def _draft(self, announcement: Announcement, picture: str) -> Post | Trouble:
        """A new draft: invisible, whatever becomes of it."""
        body = {
            "status": "draft",
            "slug": slug_of(announcement.reference),
            "title": escape(headline(announcement.subject, announcement.text)),
            "content": "\n\n".join(filter(None, (picture, html_of(announcement.text)))),
        }
        category = {"categories": [self._options.category]} if self._options.category else {}
        return as_post(await self._site.call("POST", "posts", body={**body, **category}))

    async def _publish(self, post: Post, announcement: Announcement) -> Post | Outcome:
        pinned = {"sticky": True} if self._options.sticky and announcement.statement in _PINNED else {}
        answer = as_post(await self._site.call("POST", f"posts/{post.id}", body={"status": "publish", **pinned}))
        if isinstance(answer, Trouble):
            return while_publishing(answer)
        if answer.public:
            return answer
        if answer.status == "future":
            return Unconfirmed(reason="WordPress has scheduled the post instead of publishing it")
        reason = f"WordPress left the post as “{answer.status[:20]}” instead of publishing it"
        return Refused(reason=reason, refusal=Refusal.PERMISSION)

    async def _unpin(self, announcement: Announcement) -> str:
        """Unpin the holding statement; a note where that failed, since the statement itself is out.

        A holding statement is published as a pinned one, which its note says.
        """
        held = announcement.follows
        if announcement.statement in _PINNED and self._options.sticky:
            return "pinned"
        if held is None or not self._options.sticky or announcement.statement not in _UNPINS:
            return ""
        failed = not held.remote_id.isdecimal()  # a statement that a person saw has no number
        if not failed:
            path = f"posts/{held.remote_id}"
            answer = await self._site.call("POST", path, body={"sticky": False}, seconds=5.0)
            failed = isinstance(answer, Trouble) and not answer.gone
        return "the holding statement may still be pinned; unpin it by hand" if failed else ""

    async def _category_problems(self) -> list[str]:
        """WordPress ignores an unknown category without a word, so it is asked for."""
        if self._options.category is None:
            return []
        answer = await self._site.call("GET", f"categories/{self._options.category}")
        if isinstance(answer, Trouble):
            return [f"category {self._options.category} could not be found: {answer.reason}"]
        return []

    async def _advice(self, trouble: Trouble) -> tuple[str, ...]:
        """Would the other way of addressing the REST API have worked?"""
        if trouble.code != NO_DATA:
            return ()
        other = await self._site.call("GET", "users/me", {"context": "edit"}, plain=not self._options.rest_route)
        if isinstance(other, Trouble):
            return ()
        return (f"this site's permalinks need rest_route: {str(not self._options.rest_route).lower()}",)


def _number(draft: str | None) -> str | None:
    """The number of our post, where one is noted."""
    return None if draft is None or draft.startswith(UPLOADED) else draft


def _raw(item: Any) -> str:
    content = item.get("content") if isinstance(item, dict) else None
    return str(content.get("raw", "")) if isinstance(content, dict) else ""


@asynccontextmanager
async def open_wordpress(options: WordPressOptions, surroundings: Surroundings) -> AsyncIterator[WordPress]:
    """The site, with a client of its own; caches on the way are asked to step aside."""
    base = f"{options.api_url or options.url}/"
    auth = (options.username, options.password.get_secret_value())
    headers = {"accept": "application/json", "cache-control": "no-cache"}
    async with open_client(surroundings.user_agent, base, auth=auth, headers=headers) as client:
        site = WordPressClient(client, surroundings.now, plain=options.rest_route)
        yield WordPress(options, site, surroundings.now)


KIND = ChannelKind(
    WordPressOptions,
    open_wordpress,
    measure,
    images=1,
    example="{kind: wordpress, url: https://news.example.org, username: failover, password_file: wordpress-password}",
    canary=(
        "makes a draft with the slug failover-canary, which only people who write on the site could see, reads it "
        "and deletes it for good: four calls of the site each time, and one number of its posts"
    ),
)
