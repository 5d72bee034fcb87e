"""The wordpress kind against the practice WordPress, and its tables of answers, slugs, titles and HTML."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr, ValidationError

from channels._http import Answer
from channels._steps import while_preparing, while_publishing
from channels._wordpress_answers import classify
from channels._wordpress_words import contains, html_of, slug_of
from channels.wordpress import KIND, WordPress, WordPressOptions, measure
from failover.model import (
    Absent,
    CannotTell,
    Delivered,
    Found,
    Receipt,
    Refusal,
    Refused,
    Signal,
    Statement,
    Unconfirmed,
    Unreachable,
)
from failover.model import Fault as Whose
from failover.practice.http import Fault
from failover.practice.wordpress import Post, WordPressService
from tests.channels._house import (
    AFTER,
    BEFORE,
    HANGING,
    HOLDING,
    NOW,
    Notes,
    deadline,
    deliver,
    surroundings,
    until,
    wording,
)

PASSWORD = "abcd EFGH 1234 ijkl MNOP 5678"


@pytest.fixture
async def blog() -> AsyncIterator[WordPressService]:
    async with WordPressService() as service:
        yield service


@pytest.fixture
async def site(blog: WordPressService) -> AsyncIterator[WordPress]:
    async with KIND.open(options(blog), surroundings()) as channel:
        yield channel  # type: ignore[misc]


def options(blog: WordPressService | None = None, **changes: Any) -> WordPressOptions:
    url = blog.url if blog is not None else "https://news.example.org"
    return WordPressOptions(**{"url": url, "username": "failover", "password": SecretStr(PASSWORD), **changes})


# --- the ordinary way ---


async def test_a_statement_is_a_draft_first_and_is_then_published_by_its_id(
    blog: WordPressService, site: WordPress
) -> None:
    seen: list[list[str]] = []

    class Watching(Notes):
        async def reserve(self, draft: str) -> None:
            seen.append(blog.visible())
            await super().reserve(draft)

    notes = Watching()
    outcome = await site.send(HOLDING, notes)
    assert (seen, notes.reserved) == ([[]], ["4"])
    assert isinstance(outcome, Delivered)
    assert outcome.receipt == Receipt(remote_id="4", url=f"{blog.url}/fb-1118-1106/", note="pinned")
    assert blog.visible() == blog.pinned() == [HOLDING.text]
    async with httpx.AsyncClient() as reader:
        assert HOLDING.text in (await reader.get(outcome.receipt.url)).text


async def test_sending_again_what_is_public_already_posts_nothing(blog: WordPressService, site: WordPress) -> None:
    notes = Notes()
    first = await site.send(HOLDING, notes)
    assert await site.send(HOLDING, notes) == first
    assert await site.send(HOLDING, Notes()) == first  # the notebook was lost
    assert len(blog.posts) == 1


async def test_a_draft_that_an_unclear_attempt_left_is_used(blog: WordPressService, site: WordPress) -> None:
    blog.fail(Fault.CLOSE_AFTER, method="POST")
    notes = Notes()
    assert isinstance(await deliver(site, HOLDING, notes), Unreachable)
    assert notes.draft is None
    assert isinstance(await deliver(site, HOLDING, notes), Delivered)
    assert notes.reserved == ["4"]
    assert len(blog.posts) == 1


@pytest.mark.parametrize("plain", [False, True], ids=["pretty", "rest_route"])
async def test_both_ways_of_addressing_the_api_work(plain: bool) -> None:
    async with (
        WordPressService(pretty=not plain) as blog,
        KIND.open(options(blog, rest_route=plain), surroundings()) as channel,
    ):
        assert (await channel.check()).able
        notes = Notes()
        assert isinstance(await channel.send(HOLDING, notes), Delivered)
        assert isinstance(await channel.find(HOLDING, notes), Found)
        assert isinstance(await channel.find(HOLDING, Notes()), Found)


async def test_the_category_and_the_subject_are_used(blog: WordPressService) -> None:
    async with KIND.open(options(blog, category=7), surroundings()) as channel:
        await channel.send(wording(subject="Is <Facebook> down?"), Notes())
    assert (blog.posts[4].categories, blog.posts[4].title) == ((7,), "Is &lt;Facebook&gt; down?")


async def test_without_a_subject_the_first_sentence_is_the_title(blog: WordPressService, site: WordPress) -> None:
    await site.send(wording(subject=""), Notes())
    assert blog.posts[4].title == "Facebook is not working at the moment."


async def test_api_url_is_where_the_site_is_reached(blog: WordPressService) -> None:
    config = WordPressOptions(
        url="https://news.example.org", username="failover", password=SecretStr(PASSWORD), api_url=blog.url
    )
    async with KIND.open(config, surroundings()) as channel:
        assert isinstance(await channel.send(HOLDING, Notes()), Delivered)


# --- pinning ---


@pytest.mark.parametrize(
    ("statement", "sticky", "pinned"),
    [
        (Statement.HOLDING, True, True),
        (Statement.AGAIN, True, True),
        (Statement.INTERMITTENT, True, True),
        (Statement.UPDATE, True, False),
        (Statement.WELCOME_BACK, True, False),
        (Statement.HOLDING, False, False),
    ],
)
async def test_only_the_holding_statement_is_pinned(
    blog: WordPressService, statement: Statement, sticky: bool, pinned: bool
) -> None:
    async with KIND.open(options(blog, sticky=sticky), surroundings()) as channel:
        await channel.send(wording(statement=statement), Notes())
    assert bool(blog.pinned()) is pinned


async def held_and_back(site: WordPress) -> Any:
    held = await site.send(HOLDING, Notes())
    assert isinstance(held, Delivered)
    return wording(
        statement=Statement.WELCOME_BACK, reference="FB-1118-1500", text="Back! (FB-1118-1500)", follows=held.receipt
    )


async def test_the_welcome_back_unpins_the_holding_statement(blog: WordPressService, site: WordPress) -> None:
    back = await held_and_back(site)
    outcome = await site.send(back, Notes())
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.note == ""
    assert (len(blog.visible()), blog.pinned()) == (2, [])


async def test_an_update_leaves_the_holding_statement_pinned(blog: WordPressService, site: WordPress) -> None:
    back = await held_and_back(site)
    await site.send(wording(statement=Statement.UPDATE, reference="U-1", text="U-1", follows=back.follows), Notes())
    assert len(blog.pinned()) == 1


async def test_a_pin_that_cannot_be_removed_is_only_noted(blog: WordPressService, site: WordPress) -> None:
    back = await held_and_back(site)
    blog.fail(Fault.ERROR_BEFORE, method="POST", path="/posts/4")
    outcome = await site.send(back, Notes())
    assert isinstance(outcome, Delivered)
    assert "unpin it by hand" in outcome.receipt.note
    assert len(blog.visible()) == 2


async def test_a_holding_statement_without_a_number_is_left_to_a_person(
    blog: WordPressService, site: WordPress
) -> None:
    back = wording(statement=Statement.WELCOME_BACK, follows=Receipt(remote_id="", note="seen by Ann"))
    outcome = await site.send(back, Notes())
    assert isinstance(outcome, Delivered)
    assert "unpin it by hand" in outcome.receipt.note


async def test_a_holding_statement_that_is_gone_needs_no_unpinning(blog: WordPressService, site: WordPress) -> None:
    back = await held_and_back(site)
    blog.posts.clear()
    outcome = await site.send(back, Notes())
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.note == ""


# --- every fault, in each of the two steps ---


@pytest.mark.parametrize("fault", AFTER, ids=lambda fault: fault.name.lower())
async def test_a_publish_that_was_accepted_but_not_answered_is_found_and_never_doubled(
    blog: WordPressService, site: WordPress, fault: Fault
) -> None:
    notes = Notes()
    blog.fail(fault, method="POST", path="/posts/")
    gives_up = deadline(blog, fault, "POST", "/posts/")
    assert isinstance(await deliver(site, HOLDING, notes, gives_up), Unconfirmed)
    assert len(blog.visible()) == 1
    found = await site.find(HOLDING, notes)
    assert isinstance(found, Found)
    assert found.receipt.remote_id == "4"
    assert isinstance(await deliver(site, HOLDING, notes), Delivered)
    assert len(blog.visible()) == len(blog.posts) == 1


@pytest.mark.parametrize("fault", BEFORE, ids=lambda fault: fault.name.lower())
async def test_a_publish_that_was_lost_is_absent_and_the_repeat_uses_the_same_draft(
    blog: WordPressService, site: WordPress, fault: Fault
) -> None:
    notes = Notes()
    blog.fail(fault, method="POST", path="/posts/")
    gives_up = deadline(blog, fault, "POST", "/posts/")
    assert isinstance(await deliver(site, HOLDING, notes, gives_up), Unconfirmed)
    assert blog.visible() == []
    assert isinstance(await site.find(HOLDING, notes), Absent)
    assert isinstance(await deliver(site, HOLDING, notes), Delivered)
    assert len(blog.visible()) == len(blog.posts) == 1


async def test_a_publish_that_is_accepted_late_is_absent_first_and_found_later(
    blog: WordPressService, site: WordPress
) -> None:
    notes = Notes()
    blog.fail(Fault.LATE, method="POST", path="/posts/", seconds=0.5)
    gives_up = deadline(blog, Fault.LATE, "POST", "/posts/")
    assert isinstance(await deliver(site, HOLDING, notes, gives_up), Unconfirmed)
    assert isinstance(await site.find(HOLDING, notes), Absent)
    await until(blog.visible)
    assert isinstance(await site.find(HOLDING, notes), Found)
    assert isinstance(await deliver(site, HOLDING, notes), Delivered)
    assert len(blog.visible()) == len(blog.posts) == 1


@pytest.mark.parametrize("step", [("GET", "/posts"), ("POST", "/posts"), ("POST", "/posts/")], ids=str)
async def test_a_throttle_in_any_step_waits_as_long_as_wordpress_says(
    blog: WordPressService, site: WordPress, step: tuple[str, str]
) -> None:
    notes = Notes()
    blog.fail(Fault.THROTTLED, method=step[0], path=step[1])
    outcome = await deliver(site, HOLDING, notes)
    assert isinstance(outcome, Unreachable)
    assert (outcome.retry_after, blog.visible()) == (7.0, [])
    assert isinstance(await site.find(HOLDING, notes), Absent)
    assert isinstance(await deliver(site, HOLDING, notes), Delivered)
    assert len(blog.visible()) == 1


@pytest.mark.parametrize("method", ["GET", "POST"], ids=["looking", "drafting"])
@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault is not Fault.THROTTLED], ids=lambda f: f.name.lower()
)
async def test_whatever_happens_before_publishing_nothing_is_public_and_the_repeat_shows_one_post(
    blog: WordPressService, site: WordPress, fault: Fault, method: str
) -> None:
    notes = Notes()
    blog.fail(fault, method=method, path="/posts", seconds=0.3)
    outcome = await deliver(site, HOLDING, notes, deadline(blog, fault, method, "/posts"))
    assert isinstance(outcome, Unconfirmed if fault in HANGING else Unreachable)
    assert (blog.visible(), notes.draft) == ([], None)
    assert isinstance(await site.find(HOLDING, notes), Absent)
    if (fault, method) == (Fault.LATE, "POST"):
        await until(lambda: blog.posts)
    assert isinstance(await deliver(site, HOLDING, notes), Delivered)
    assert len(blog.visible()) == len(blog.posts) == 1


async def test_a_draft_that_arrives_late_and_second_stays_invisible(blog: WordPressService, site: WordPress) -> None:
    notes = Notes()
    blog.fail(Fault.LATE, method="POST", seconds=0.2)
    await deliver(site, HOLDING, notes, deadline(blog, Fault.LATE, "POST", "/posts"))
    assert isinstance(await deliver(site, HOLDING, notes), Delivered)
    await until(lambda: len(blog.posts) == 2)
    assert [post.slug for post in blog.posts.values()] == ["fb-1118-1106", "fb-1118-1106-2"]
    assert len(blog.visible()) == 1
    found = await site.find(HOLDING, Notes())
    assert isinstance(found, Found)
    assert found.receipt.remote_id == "4"


async def test_a_refused_connection_is_not_posted(blog: WordPressService, site: WordPress) -> None:
    await blog.refuse()
    assert isinstance(await deliver(site, HOLDING, Notes()), Unreachable)
    assert isinstance(await deliver(site, HOLDING, Notes(repeat=True, reserved=["4"])), Unreachable)
    assert isinstance(await site.find(HOLDING, Notes(reserved=["4"])), CannotTell)


@pytest.mark.parametrize(("reserved", "outcome"), [([], Refused), (["4"], Unconfirmed)], ids=["none", "draft"])
async def test_an_earlier_attempt_that_we_may_not_see_any_more_goes_to_a_person(
    blog: WordPressService, site: WordPress, reserved: list[str], outcome: type
) -> None:
    blog.password = "changed"
    assert isinstance(await deliver(site, HOLDING, Notes(repeat=True, reserved=reserved)), outcome)


@pytest.mark.parametrize("gone", ["missing", "trashed"])
async def test_a_draft_that_is_gone_is_made_anew_and_a_trashed_one_is_not_brought_back(
    blog: WordPressService, site: WordPress, gone: str
) -> None:
    if gone == "trashed":
        blog.posts[99] = Post(99, "fb-1118-1106__trashed", content=HOLDING.text, status="trash")
    notes = Notes(reserved=["99"])
    assert isinstance(await site.find(HOLDING, notes), Absent)
    assert isinstance(await site.send(HOLDING, notes), Delivered)
    assert notes.reserved == ["99", "4"]
    assert len(blog.visible()) == 1


@pytest.mark.parametrize(
    ("status", "outcome", "finding"),
    [("pending", Refused, Absent), ("private", Refused, Absent), ("future", Unconfirmed, CannotTell)],
)
async def test_a_yes_that_left_the_post_in_another_state_is_not_delivered(
    site: WordPress, status: str, outcome: type, finding: type
) -> None:
    with respx.mock(assert_all_mocked=True) as web:
        post = {"id": 4, "status": status, "link": "", "content": {"raw": HOLDING.text}}
        web.get(path="/wp-json/wp/v2/posts").respond(json=[])
        web.post(path="/wp-json/wp/v2/posts").respond(201, json={**post, "status": "draft"})
        web.post(path="/wp-json/wp/v2/posts/4").respond(json=post)
        web.get(path="/wp-json/wp/v2/posts/4").respond(json=post)
        notes = Notes()
        assert isinstance(await site.send(HOLDING, notes), outcome)
        assert isinstance(await site.find(HOLDING, notes), finding)


# --- looking for it ---


async def test_the_reference_decides_not_the_slug(blog: WordPressService, site: WordPress) -> None:
    await site.send(wording(reference="FB-1118-1106-2", text="another one (FB-1118-1106-2)"), Notes())
    assert isinstance(await site.find(HOLDING, Notes()), Absent)
    await site.send(HOLDING, Notes())
    found = await site.find(HOLDING, Notes())
    assert isinstance(found, Found)
    assert found.receipt.remote_id == "6"


@pytest.mark.parametrize("reserved", [[], ["4"]], ids=["slug", "id"])
@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.HTML_BEFORE, Fault.RESET_BEFORE, Fault.THROTTLED])
async def test_a_look_that_fails_cannot_tell(
    blog: WordPressService, site: WordPress, fault: Fault, reserved: list[str]
) -> None:
    blog.fail(fault, method="GET")
    assert isinstance(await site.find(HOLDING, Notes(reserved=reserved)), CannotTell)


# --- taking it back ---


@pytest.mark.parametrize("trash", [True, False], ids=["trash", "no-trash"])
async def test_retract_removes_the_post_and_is_content_when_it_is_gone(trash: bool) -> None:
    async with WordPressService(trash=trash) as blog, KIND.open(options(blog), surroundings()) as channel:
        outcome = await channel.send(HOLDING, Notes())
        assert isinstance(outcome, Delivered)
        assert isinstance(await channel.retract(outcome.receipt), Delivered)
        assert (blog.visible(), blog.pinned()) == ([], [])
        again = await channel.retract(outcome.receipt)
        assert isinstance(again, Delivered)
        assert again.receipt.note == "was gone already"


async def test_what_has_no_number_can_only_be_taken_back_by_hand(blog: WordPressService, site: WordPress) -> None:
    assert isinstance(await site.retract(Receipt(remote_id="", note="seen by Ann")), Refused)
    assert blog.requests == []


async def test_an_unclear_retract_says_so(blog: WordPressService, site: WordPress) -> None:
    blog.fail(Fault.CLOSE_AFTER, method="DELETE")
    assert isinstance(await site.retract(Receipt(remote_id="4")), Unconfirmed)


# --- the table of answers ---

DOWN, QUIET, OURS = (Signal.DOWN, Whose.PLATFORM), (Signal.UNKNOWN, None), (Signal.UNKNOWN, Whose.ACCOUNT)
HTML = "a web page"


def error(code: str, **data: Any) -> dict[str, Any]:
    return {"code": code, "message": "…", "data": data}


def hidden(status: int) -> dict[str, Any]:
    inner = {"status": {"code": "rest_forbidden_status", "data": {"status": status}}}
    return error("rest_invalid_param", status=400, params={"status": "Status is forbidden."}, details=inner)


@pytest.mark.parametrize(
    ("status", "body", "preparing", "publishing", "seen"),
    [
        (401, error("rest_not_logged_in"), Refusal.CREDENTIAL, Refusal.CREDENTIAL, OURS),
        (401, error("rest_cannot_create"), Refusal.CREDENTIAL, Refusal.CREDENTIAL, OURS),
        (400, hidden(401), Refusal.CREDENTIAL, Refusal.CREDENTIAL, OURS),
        (400, hidden(403), Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (403, error("rest_cannot_publish"), Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (403, error("rest_cannot_assign_sticky"), Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (403, HTML, Refusal.BLOCKED, Unconfirmed, QUIET),
        (401, HTML, Refusal.BLOCKED, Unconfirmed, QUIET),
        (400, error("rest_invalid_param", params={"content": "…"}), Refusal.CONTENT, Refusal.CONTENT, OURS),
        (
            400,
            error("rest_invalid_param", params={"categories": "…"}),
            Refusal.CONFIGURATION,
            Refusal.CONFIGURATION,
            OURS,
        ),
        (400, error("rest_invalid_param"), Refusal.CONTENT, Refusal.CONTENT, OURS),
        (400, {"code": "rest_invalid_param", "data": "odd"}, Refusal.CONTENT, Refusal.CONTENT, OURS),
        (400, error("empty_content"), Refusal.CONFIGURATION, Refusal.CONFIGURATION, OURS),
        (404, error("rest_no_route"), Refusal.CONFIGURATION, Refusal.CONFIGURATION, OURS),
        (404, error("rest_post_invalid_id"), Refusal.CONFIGURATION, Unreachable, OURS),
        (410, error("rest_already_trashed"), Refusal.CONFIGURATION, Unreachable, OURS),
        (404, HTML, Refusal.CONFIGURATION, Unconfirmed, QUIET),
        (301, HTML, Refusal.CONFIGURATION, Unconfirmed, QUIET),
        (200, HTML, Unreachable, Unconfirmed, QUIET),
        (408, HTML, Unreachable, Unreachable, OURS),
        (429, error("too_many"), Unreachable, Unreachable, OURS),
        (500, error("internal_server_error"), Unreachable, Unconfirmed, DOWN),
        (500, HTML, Unreachable, Unconfirmed, DOWN),
        (503, HTML, Unreachable, Unconfirmed, DOWN),
        (522, HTML, Unreachable, Unconfirmed, DOWN),
    ],
)
def test_each_answer_has_one_meaning_per_step(
    status: int, body: Any, preparing: object, publishing: object, seen: object
) -> None:
    trouble = classify(Answer(status, httpx.Headers(), "", None if body is HTML else body), NOW)
    assert trouble is not None

    def kind(outcome: Any) -> object:
        return outcome.refusal if isinstance(outcome, Refused) else type(outcome)

    assert kind(while_preparing(trouble)) == preparing
    assert kind(while_publishing(trouble)) == publishing
    assert (trouble.sighting.signal, trouble.sighting.fault) == seen


# --- could we post? ---


async def test_a_healthy_site(site: WordPress) -> None:
    health = await site.check()
    assert (health.problems, health.warnings, health.facts) == ((), (), {"roles": "author"})
    assert health.sighting.signal is Signal.UP


async def test_a_user_who_may_not_publish_is_a_problem(blog: WordPressService, site: WordPress) -> None:
    blog.capabilities = ("edit_posts",)
    assert (await site.check()).problems == ("the WordPress user may not publish posts",)
    outcome = await site.send(HOLDING, Notes())
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.PERMISSION


async def test_an_unknown_category_is_a_problem_since_wordpress_would_ignore_it(blog: WordPressService) -> None:
    async with KIND.open(options(blog, category=8), surroundings()) as channel:
        problems = (await channel.check()).problems
    assert len(problems) == 1
    assert problems[0].startswith("category 8 could not be found")


async def test_a_wrong_password_is_a_credential_problem_everywhere(blog: WordPressService) -> None:
    async with KIND.open(options(blog, password=SecretStr("wrong")), surroundings()) as channel:
        health = await channel.check()
        outcome = await channel.send(HOLDING, Notes())
    assert not health.able
    assert health.sighting.fault is Whose.ACCOUNT
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.CREDENTIAL


@pytest.mark.parametrize("answer", [200, 301, 404], ids=["page", "redirect", "not-found"])
async def test_a_site_with_plain_permalinks_is_told_what_to_write(answer: int) -> None:
    async with KIND.open(options(), surroundings()) as channel:
        with respx.mock(assert_all_mocked=True) as web:
            web.get(path="/wp-json/wp/v2/users/me").respond(answer, html="<html>")
            web.get(path="/", params={"rest_route": "/wp/v2/users/me"}).respond(json={"id": 2, "capabilities": {}})
            health = await channel.check()
    assert "this site's permalinks need rest_route: true" in health.problems


async def test_a_site_that_fails_is_a_problem_and_evidence(blog: WordPressService, site: WordPress) -> None:
    blog.fail(Fault.ERROR_BEFORE)
    health = await site.check()
    assert health.problems == ("HTTP 503 from WordPress",)
    assert health.sighting.signal is Signal.DOWN


# --- words ---


@pytest.mark.parametrize(
    ("reference", "slug"),
    [
        ("FB-1118-1106", "fb-1118-1106"),
        ("  Outage:FB/0001 é ", "outage-fb-0001"),
        ("20261118", "statement-20261118"),
        ("2026-11", "statement-2026-11"),
        ("—", "statement"),
    ],
)
def test_slugs_are_what_wordpress_keeps(reference: str, slug: str) -> None:
    assert slug_of(reference) == slug


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("one\ntwo\n\nthree", "<p>one<br />\ntwo</p>\n\n<p>three</p>"),
        ("<script>&", "<p>&lt;script&gt;&amp;</p>"),
        ("[gallery]", "<p>&#91;gallery&#93;</p>"),
        (
            'See https://x.org/a?b=1&c="2".',
            '<p>See <a href="https://x.org/a?b=1&amp;c=">https://x.org/a?b=1&amp;c=</a>"2".</p>',
        ),
        ("(https://x.org).", '<p>(<a href="https://x.org">https://x.org</a>).</p>'),
    ],
)
def test_html_is_escaped_and_addresses_can_be_followed(text: str, content: str) -> None:
    assert html_of(text) == content


@pytest.mark.parametrize(
    ("reference", "found"),
    [("FB-1", True), ("FB", False), ("B-1", False), ("R&D 2", True), ("a[1]", True), ("strong", False)],
)
def test_a_reference_is_found_as_a_word_of_its_own(reference: str, found: bool) -> None:
    assert contains("<strong>x</strong> (FB-1) R&amp;D 2 a&#91;1&#93;", reference) is found


# --- secrets, options, length ---


async def test_the_password_is_in_no_log_or_message(
    blog: WordPressService, site: WordPress, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[object] = [await site.check(), await site.send(HOLDING, Notes()), options(blog)]
    blog.password = "another"
    seen += [await site.check(), await site.send(HOLDING, Notes())]
    encoded = next(request.headers["authorization"] for request in blog.requests).removeprefix("Basic ")
    for secret in (PASSWORD, encoded):
        assert secret not in repr(seen)
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://news.example.org"}, "clear text"),
        ({"api_url": "http://10.0.0.5"}, "clear text"),
        ({"url": "news.example.org"}, "https://"),
        ({"url": "https://me:secret@news.example.org"}, "without a user name"),
        ({"url": "https://news.example.org/?p=1"}, "without a ? part"),
        ({"url": "https://news.example.org/#top"}, "without a # part"),
        ({"username": ""}, "at least 1 character"),
        ({"category": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_options_are_refused_in_plain_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words.replace("?", r"\?")) as caught:
        options(**changes)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://localhost/blog/", "http://[::1]:80", "https://x.org/"]
)
def test_clear_text_is_allowed_to_this_machine_only(url: str) -> None:
    assert options(url=url).url == url.rstrip("/")


def test_length() -> None:
    assert measure(options(), wording(text="a" * 50_000)).fits
    assert not measure(options(), wording(text="a" * 50_001)).fits
