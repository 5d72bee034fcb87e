"""The facebook kind against the practice Graph API, and its tables of errors, versions and tokens."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr, ValidationError

from channels._graph_errors import classify, quotable
from channels._graph_health import DAY, VERSION_ENDS
from channels._http import Answer
from channels._steps import while_preparing, while_publishing
from channels.facebook import KIND, FacebookOptions, FacebookPage, measure
from failover.model import (
    Absent,
    CannotTell,
    Delivered,
    Found,
    Receipt,
    Refusal,
    Refused,
    Signal,
    Unconfirmed,
    Unreachable,
)
from failover.model import (
    Fault as Whose,
)
from failover.practice.graph import GraphService, Post, graph_error
from failover.practice.http import Fault, Response
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

TOKEN = "EAApractice0token0of0the0page0that0nobody0may0see"


@pytest.fixture
async def graph() -> AsyncIterator[GraphService]:
    async with GraphService(token=TOKEN, now=lambda: NOW) as service:
        yield service


@pytest.fixture
async def page(graph: GraphService) -> AsyncIterator[FacebookPage]:
    async with KIND.open(options(api_url=graph.url), surroundings()) as channel:
        yield channel  # type: ignore[misc]


def options(**changes: Any) -> FacebookOptions:
    return FacebookOptions(**{"page": "1234567890", "token": SecretStr(TOKEN), **changes})


# --- the ordinary way ---


async def test_a_statement_is_reserved_unpublished_and_then_published_by_its_id(
    graph: GraphService, page: FacebookPage
) -> None:
    seen: list[list[str]] = []

    class Watching(Notes):
        async def reserve(self, draft: str) -> None:
            seen.append(graph.visible())
            await super().reserve(draft)

    notes = Watching()
    outcome = await page.send(HOLDING, notes)
    assert seen == [[]]
    assert notes.reserved == ["1234567890_1"]
    url = "https://www.facebook.com/1234567890/posts/1"
    assert isinstance(outcome, Delivered)
    assert outcome.receipt == Receipt(remote_id="1234567890_1", url=url)
    assert graph.visible() == [HOLDING.text]


async def test_sending_again_what_is_public_already_posts_nothing(graph: GraphService, page: FacebookPage) -> None:
    notes = Notes()
    first = await page.send(HOLDING, notes)
    assert await page.send(HOLDING, notes) == first
    assert len(graph.posts) == 1


async def test_the_configured_link_is_attached(graph: GraphService) -> None:
    async with KIND.open(options(api_url=graph.url, link="https://www.example.org/"), surroundings()) as channel:
        await channel.send(HOLDING, Notes())
    assert graph.posts["1234567890_1"].link == "https://www.example.org/"


# --- every fault, in each of the two steps ---


@pytest.mark.parametrize("fault", AFTER, ids=lambda fault: fault.name.lower())
async def test_a_publish_that_was_accepted_but_not_answered_is_found_and_never_doubled(
    graph: GraphService, page: FacebookPage, fault: Fault
) -> None:
    notes = Notes()
    graph.fail(fault, method="POST", path="/1234567890_")
    gives_up = deadline(graph, fault, "POST", "/1234567890_")
    assert isinstance(await deliver(page, HOLDING, notes, gives_up), Unconfirmed)
    assert len(graph.visible()) == 1
    found = await page.find(HOLDING, notes)
    assert isinstance(found, Found)
    assert found.receipt.remote_id == "1234567890_1"
    assert isinstance(await deliver(page, HOLDING, notes), Delivered)
    assert len(graph.visible()) == len(graph.posts) == 1


@pytest.mark.parametrize("fault", BEFORE, ids=lambda fault: fault.name.lower())
async def test_a_publish_that_was_lost_is_absent_and_the_repeat_uses_the_same_post(
    graph: GraphService, page: FacebookPage, fault: Fault
) -> None:
    notes = Notes()
    graph.fail(fault, method="POST", path="/1234567890_")
    gives_up = deadline(graph, fault, "POST", "/1234567890_")
    assert isinstance(await deliver(page, HOLDING, notes, gives_up), Unconfirmed)
    assert graph.visible() == []
    assert isinstance(await page.find(HOLDING, notes), Absent)
    assert isinstance(await deliver(page, HOLDING, notes), Delivered)
    assert len(graph.visible()) == len(graph.posts) == 1


async def test_a_publish_that_is_accepted_late_is_absent_first_and_found_later(
    graph: GraphService, page: FacebookPage
) -> None:
    notes = Notes()
    graph.fail(Fault.LATE, method="POST", path="/1234567890_", seconds=0.5)
    gives_up = deadline(graph, Fault.LATE, "POST", "/1234567890_")
    assert isinstance(await deliver(page, HOLDING, notes, gives_up), Unconfirmed)
    assert isinstance(await page.find(HOLDING, notes), Absent)
    await until(graph.visible)
    assert isinstance(await page.find(HOLDING, notes), Found)
    assert isinstance(await deliver(page, HOLDING, notes), Delivered)
    assert len(graph.visible()) == len(graph.posts) == 1


@pytest.mark.parametrize("path", ["/feed", "/1234567890_"], ids=["reserving", "publishing"])
async def test_a_throttle_in_either_step_waits_as_long_as_facebook_says(
    graph: GraphService, page: FacebookPage, path: str
) -> None:
    notes = Notes()
    graph.fail(Fault.THROTTLED, method="POST", path=path)
    outcome = await deliver(page, HOLDING, notes)
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == 420.0
    assert outcome.sighting is not None
    assert outcome.sighting.fault is Whose.ACCOUNT
    assert graph.visible() == []
    assert isinstance(await page.find(HOLDING, notes), Absent)
    assert isinstance(await deliver(page, HOLDING, notes), Delivered)
    assert len(graph.visible()) == 1


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault is not Fault.THROTTLED], ids=lambda f: f.name.lower()
)
async def test_whatever_happens_while_reserving_nothing_is_public_and_the_repeat_shows_one_post(
    graph: GraphService, page: FacebookPage, fault: Fault
) -> None:
    notes = Notes()
    graph.fail(fault, method="POST", path="/feed", seconds=0.3)
    outcome = await deliver(page, HOLDING, notes, deadline(graph, fault, "POST", "/feed"))
    assert isinstance(outcome, Unconfirmed if fault in HANGING else Unreachable)
    assert (graph.visible(), notes.draft) == ([], None)
    assert isinstance(await page.find(HOLDING, notes), Absent)
    if fault is Fault.LATE:
        await until(lambda: graph.posts)
    assert isinstance(await deliver(page, HOLDING, notes), Delivered)
    assert len(graph.visible()) == 1


async def test_a_refused_connection_is_not_posted_in_either_step(graph: GraphService, page: FacebookPage) -> None:
    notes = Notes()
    await graph.refuse()
    assert isinstance(await deliver(page, HOLDING, notes), Unreachable)
    notes.reserved.append("1234567890_1")
    assert isinstance(await deliver(page, HOLDING, notes), Unreachable)
    assert isinstance(await page.find(HOLDING, notes), CannotTell)


async def test_an_earlier_attempt_that_we_may_not_see_any_more_goes_to_a_person(
    graph: GraphService, page: FacebookPage
) -> None:
    graph.trouble = graph_error(190, "Error validating access token", 463)
    assert isinstance(await deliver(page, HOLDING, Notes(repeat=True, reserved=["1234567890_1"])), Unconfirmed)
    assert isinstance(await deliver(page, HOLDING, Notes(repeat=True)), Refused)


async def test_an_earlier_attempt_that_we_cannot_see_now_is_looked_at_again(
    graph: GraphService, page: FacebookPage
) -> None:
    notes = Notes(repeat=True, reserved=["1234567890_1"])
    graph.fail(Fault.THROTTLED, method="GET")
    outcome = await deliver(page, HOLDING, notes)
    assert isinstance(outcome, Unreachable)
    assert outcome.retry_after == 420.0


async def test_a_yes_that_is_not_seen_to_be_true_is_unconfirmed(graph: GraphService, page: FacebookPage) -> None:
    class Lying(GraphService):
        def _about(self, method: str, post: Post, fields: dict[str, str]) -> Response:
            return Response.json({"success": True}) if method == "POST" else super()._about(method, post, fields)

    async with Lying(token=TOKEN) as liar, KIND.open(options(api_url=liar.url), surroundings()) as channel:
        assert isinstance(await channel.send(HOLDING, Notes()), Unconfirmed)


@pytest.mark.parametrize(("answer", "outcome"), [({"success": True}, Delivered), ({"id": "5"}, Unconfirmed)])
async def test_where_the_post_cannot_be_seen_afterwards_only_a_plain_yes_counts(
    page: FacebookPage, answer: dict[str, Any], outcome: type
) -> None:
    with respx.mock(assert_all_mocked=True) as web:
        web.post(path="/v26.0/1234567890/feed").respond(json={"id": "1234567890_1"})
        web.post(path="/v26.0/1234567890_1").respond(json=answer)
        web.get(path="/v26.0/1234567890_1").respond(503)
        assert isinstance(await page.send(HOLDING, Notes()), outcome)


async def test_a_published_post_whose_address_cannot_be_read_is_delivered_all_the_same(
    graph: GraphService, page: FacebookPage
) -> None:
    graph.fail(Fault.ERROR_BEFORE, method="GET", path="/1234567890_")
    outcome = await page.send(HOLDING, Notes())
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.url == "https://www.facebook.com/1234567890_1"


# --- a reserved post that is gone, and duplicates ---


async def test_a_reserved_post_that_is_certainly_gone_is_made_anew(graph: GraphService, page: FacebookPage) -> None:
    notes = Notes(reserved=["1234567890_77"])
    assert isinstance(await page.send(HOLDING, notes), Delivered)
    assert notes.reserved == ["1234567890_77", "1234567890_1"]


async def test_a_reserved_post_that_is_gone_is_not_made_anew_when_the_feed_cannot_be_read(
    graph: GraphService, page: FacebookPage
) -> None:
    graph.fail(Fault.ERROR_BEFORE, method="GET", path="/feed")
    assert isinstance(await page.send(HOLDING, Notes(reserved=["1234567890_77"])), Unconfirmed)
    assert graph.posts == {}


async def test_a_duplicate_that_is_to_be_seen_is_our_own_statement(graph: GraphService, page: FacebookPage) -> None:
    await page.send(HOLDING, Notes())
    outcome = await page.send(HOLDING, Notes())  # the notebook was lost
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.remote_id == "1234567890_1"
    assert len(graph.posts) == 1


async def test_a_duplicate_of_something_invisible_goes_to_a_person(page: FacebookPage) -> None:
    with respx.mock(assert_all_mocked=True) as web:
        web.post(path="/v26.0/1234567890/feed").respond(400, json={"error": {"code": 506}})
        web.get(path="/v26.0/1234567890/feed").respond(json={"data": []})
        outcome = await page.send(HOLDING, Notes())
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.BLOCKED


# --- looking for it ---


async def test_without_a_noted_id_the_feed_is_searched_by_reference(graph: GraphService, page: FacebookPage) -> None:
    assert isinstance(await page.find(HOLDING, Notes()), Absent)
    await page.send(HOLDING, Notes())
    assert isinstance(await page.find(HOLDING, Notes()), Found)
    longer = wording(reference="FB-1118-1106-2")
    assert isinstance(await page.find(longer, Notes()), Absent)
    for part in ("FB-1118", "1118-1106"):
        assert isinstance(await page.find(wording(reference=part), Notes()), Absent)


async def test_a_visitor_who_quotes_the_reference_is_not_us(graph: GraphService, page: FacebookPage) -> None:
    graph.visitor_posts(HOLDING.text)
    assert isinstance(await page.find(HOLDING, Notes()), Absent)


async def test_a_feed_too_full_to_be_read_whole_cannot_tell(graph: GraphService, page: FacebookPage) -> None:
    for number in range(100):
        graph.visitor_posts(f"hello {number}")
    assert isinstance(await page.find(HOLDING, Notes()), CannotTell)


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.HTML_BEFORE, Fault.RESET_BEFORE, Fault.THROTTLED])
@pytest.mark.parametrize("reserved", [[], ["1234567890_1"]], ids=["feed", "id"])
async def test_a_look_that_fails_cannot_tell(
    graph: GraphService, page: FacebookPage, fault: Fault, reserved: list[str]
) -> None:
    graph.fail(fault, method="GET")
    assert isinstance(await page.find(HOLDING, Notes(reserved=reserved)), CannotTell)


# --- taking it back ---


async def test_retract_deletes_and_is_content_when_it_is_gone(graph: GraphService, page: FacebookPage) -> None:
    outcome = await page.send(HOLDING, Notes())
    assert isinstance(outcome, Delivered)
    assert isinstance(await page.retract(outcome.receipt), Delivered)
    assert graph.visible() == []
    again = await page.retract(outcome.receipt)
    assert isinstance(again, Delivered)
    assert again.receipt.note == "was gone already"


async def test_what_has_no_number_can_only_be_taken_back_by_hand(graph: GraphService, page: FacebookPage) -> None:
    for unknown in ("", "../1234567890", "seen"):
        assert isinstance(await page.retract(Receipt(remote_id=unknown)), Refused)
    assert graph.requests == []


async def test_retract_of_what_it_may_not_see_is_not_called_done(graph: GraphService, page: FacebookPage) -> None:
    graph.fail(Fault.ERROR_BEFORE, method="GET", path="/feed")
    assert isinstance(await page.retract(Receipt(remote_id="1234567890_5")), Unconfirmed)


# --- the table of errors ---

DOWN, QUIET, OURS = (Signal.DOWN, Whose.PLATFORM), (Signal.UNKNOWN, None), (Signal.UNKNOWN, Whose.ACCOUNT)


@pytest.mark.parametrize(
    ("status", "error", "preparing", "publishing", "seen"),
    [
        (500, {"code": 1}, Unreachable, Unconfirmed, DOWN),
        (400, {"code": 1, "error_subcode": 99}, Refusal.CONTENT, Refusal.CONTENT, OURS),
        (500, {"code": 1, "error_subcode": 99}, Refusal.CONTENT, Refusal.CONTENT, OURS),
        (500, {"code": 2}, Unreachable, Unconfirmed, DOWN),
        (400, {"code": 2, "is_transient": True}, Unreachable, Unconfirmed, DOWN),
        (400, {"code": -1, "is_transient": True}, Unreachable, Unconfirmed, DOWN),
        (500, {"code": 9999}, Unreachable, Unconfirmed, DOWN),
        (400, {"code": 4}, Unreachable, Unreachable, OURS),
        (403, {"code": 4, "is_transient": True}, Unreachable, Unreachable, OURS),
        (400, {"code": 17}, Unreachable, Unreachable, OURS),
        (400, {"code": 32}, Unreachable, Unreachable, OURS),
        (400, {"code": 613}, Unreachable, Unreachable, OURS),
        (400, {"code": 613, "is_transient": True}, Unreachable, Unreachable, QUIET),
        (400, {"code": 341}, Unreachable, Unreachable, QUIET),
        (400, {"code": 80001, "error_subcode": 2446079}, Unreachable, Unreachable, OURS),
        (400, {"code": 80014}, Unreachable, Unreachable, OURS),
        (400, {"code": 3}, Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (403, {"code": 10}, Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (403, {"code": 200}, Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (403, {"code": 299}, Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (400, {"code": 200, "error_subcode": 1404078}, Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (400, {"code": 100, "error_subcode": 4854002}, Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (401, {"code": 190}, Refusal.CREDENTIAL, Refusal.CREDENTIAL, OURS),
        (400, {"code": "190"}, Refusal.CREDENTIAL, Refusal.CREDENTIAL, OURS),
        (400, {"code": 102}, Refusal.CREDENTIAL, Refusal.CREDENTIAL, OURS),
        *[
            (400, {"code": 190, "error_subcode": subcode}, Refusal.CREDENTIAL, Refusal.CREDENTIAL, OURS)
            for subcode in (458, 459, 460, 463, 464, 467, 490)
        ],
        (400, {"code": 190, "error_subcode": 492}, Refusal.PERMISSION, Refusal.PERMISSION, OURS),
        (400, {"code": 368}, Refusal.BLOCKED, Refusal.BLOCKED, OURS),
        (400, {"code": 368, "error_subcode": 1390008}, Refusal.QUOTA, Refusal.QUOTA, OURS),
        (400, {"code": 506}, Refusal.CONTENT, Refusal.CONTENT, OURS),
        (400, {"code": 1609005}, Refusal.CONTENT, Refusal.CONTENT, OURS),
        (400, {"code": 100}, Refusal.CONTENT, Refusal.CONTENT, OURS),
        (400, {"code": 2500}, Refusal.CONTENT, Refusal.CONTENT, OURS),
        (400, {"code": 100, "error_subcode": 33}, Refusal.CONFIGURATION, Unreachable, OURS),
        (400, {"code": 12345}, Refusal.CONFIGURATION, Refusal.CONFIGURATION, OURS),
        (400, {"code": None}, Refusal.CONFIGURATION, Refusal.CONFIGURATION, OURS),
        (429, None, Unreachable, Unreachable, OURS),
        (503, None, Unreachable, Unconfirmed, DOWN),
        (502, "text", Unreachable, Unconfirmed, DOWN),
        (403, None, Unreachable, Unconfirmed, QUIET),
        (404, "text", Unreachable, Unconfirmed, QUIET),
        (302, None, Unreachable, Unconfirmed, QUIET),
        (200, None, Unreachable, Unconfirmed, QUIET),
    ],
)
def test_each_graph_error_has_one_meaning_per_step(
    status: int, error: Any, preparing: object, publishing: object, seen: object
) -> None:
    answer = Answer(status, httpx.Headers(), "", None if error is None else {"error": error})
    trouble = classify(answer, NOW)
    assert trouble is not None

    def kind(outcome: Any) -> object:
        return outcome.refusal if isinstance(outcome, Refused) else type(outcome)

    assert kind(while_preparing(trouble)) == preparing
    assert kind(while_publishing(trouble)) == publishing
    assert (trouble.sighting.signal, trouble.sighting.fault) == seen


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-business-use-case-usage": '{"1":[{"type":"pages","estimated_time_to_regain_access":7}]}'}, 420.0),
        ({"x-business-use-case-usage": '{"1":[{"estimated_time_to_regain_access":0}]}'}, None),
        ({"x-business-use-case-usage": '{"1":[{"type":"a"}],"2":[{"estimated_time_to_regain_access":3}]}'}, 180.0),
        ({"x-business-use-case-usage": "not json"}, None),
        ({"x-business-use-case-usage": '{"1":5}'}, None),
        ({"x-business-use-case-usage": "[]", "retry-after": "9"}, 9.0),
        ({"retry-after": "Wed, 18 Nov 2026 11:07:40 GMT"}, 60.0),
        ({"retry-after": "Wed, 18 Nov 2020 11:07:40 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_a_throttle_lasts(headers: dict[str, str], seconds: float | None) -> None:
    trouble = classify(Answer(400, httpx.Headers(headers), "", {"error": {"code": 4}}), NOW)
    assert trouble is not None
    assert trouble.retry_after == seconds


# --- could we post? ---


async def test_a_healthy_page(page: FacebookPage) -> None:
    health = await page.check()
    assert (health.problems, health.warnings, health.expires_at) == ((), (), None)
    assert health.facts == {"version": "v26.0", "page": "Example Borough Council"}
    assert health.sighting.signal is Signal.UP


async def test_missing_scopes_and_tasks_are_problems(graph: GraphService, page: FacebookPage) -> None:
    graph.scopes, graph.tasks = ("pages_read_engagement",), ("MODERATE",)
    problems = " / ".join((await page.check()).problems)
    assert "pages_manage_posts" in problems
    assert "CREATE_CONTENT" in problems


async def test_the_ends_of_token_and_data_access_are_told_in_time(graph: GraphService, page: FacebookPage) -> None:
    graph.expires_at, graph.data_access_expires_at = int(NOW + 10 * DAY), int(NOW + 80 * DAY)
    health = await page.check()
    assert health.problems == ()
    assert health.warnings == ("the access token ends on 2026-11-28, in 10 days",)
    assert health.expires_at == graph.expires_at
    graph.expires_at = int(NOW - 5)
    assert (await page.check()).problems == ("the access token ended on 2026-11-18",)


@pytest.mark.parametrize(
    ("version", "now", "problem", "warned"),
    [
        ("v26.0", NOW, False, False),
        ("v99.0", NOW, False, False),
        ("v25.0", NOW, False, False),
        ("v21.0", NOW, False, True),
        ("v21.0", VERSION_ENDS[21] - 91 * DAY, False, False),
        ("v21.0", VERSION_ENDS[21] - 90 * DAY, False, True),
        ("v21.0", VERSION_ENDS[21] - 1, False, True),
        ("v21.0", VERSION_ENDS[21], True, False),
        ("v20.0", NOW, True, False),
        ("v19.0", NOW, True, False),
    ],
)
async def test_the_end_of_a_graph_version_is_told_90_days_before(
    version: str, now: float, problem: bool, warned: bool
) -> None:
    async with (
        GraphService(token=TOKEN, version=version) as graph,
        KIND.open(options(api_url=graph.url, version=version), surroundings(lambda: now)) as channel,
    ):
        health = await channel.check()
    assert (bool(health.problems), bool(health.warnings)) == (problem, warned)


async def test_a_token_that_nobody_may_inspect_is_only_a_warning(graph: GraphService, page: FacebookPage) -> None:
    class Discreet(GraphService):
        def _debug_token(self, inspected: str) -> Response:
            return graph_error(100, "(#100) You must provide an app access token")

    async with Discreet(token=TOKEN) as discreet, KIND.open(options(api_url=discreet.url), surroundings()) as channel:
        health = await channel.check()
    assert health.able
    assert len(health.warnings) == 1


@pytest.mark.parametrize(
    ("trouble", "signal", "fault"),
    [
        (graph_error(190, "expired", 463), Signal.UNKNOWN, Whose.ACCOUNT),
        (graph_error(2, "Service temporarily unavailable", status=500), Signal.DOWN, Whose.PLATFORM),
        (graph_error(4, "limit", transient=True), Signal.UNKNOWN, Whose.ACCOUNT),
        (Response.html("<html>", 503), Signal.DOWN, Whose.PLATFORM),
        (Response.html("<html>sign in to this wifi</html>"), Signal.UNKNOWN, None),
        (Response.json([None, None, None]), Signal.UNKNOWN, None),
        (Response.json([]), Signal.UNKNOWN, None),
    ],
    ids=["expired", "down", "throttled", "gateway", "portal", "slow-batch", "short-batch"],
)
async def test_a_check_that_fails_says_why_and_whose_trouble_it_is(
    graph: GraphService, page: FacebookPage, trouble: Response, signal: Signal, fault: Whose | None
) -> None:
    graph.trouble = trouble
    health = await page.check()
    assert not health.able
    assert (health.sighting.signal, health.sighting.fault) == (signal, fault)


async def test_a_refused_connection_is_seen_from_here(graph: GraphService, page: FacebookPage) -> None:
    await graph.refuse()
    health = await page.check()
    assert not health.able
    assert health.sighting.evidence.value == "here"


# --- secrets, options, length ---


async def test_the_token_is_in_no_address_log_or_message(
    graph: GraphService, page: FacebookPage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcomes: list[object] = [
        await page.check(),
        await page.send(HOLDING, Notes()),
        await page.find(HOLDING, Notes()),
    ]
    graph.trouble = graph_error(190, f"Malformed access token {TOKEN}")
    outcomes += [await page.check(), await page.send(HOLDING, Notes())]
    graph.trouble = graph_error(100, f"Malformed access token {TOKEN}")
    outcomes += [await page.check(), await page.send(HOLDING, Notes())]
    assert TOKEN not in repr(outcomes)
    assert TOKEN not in caplog.text
    assert TOKEN not in json.dumps([[request.path, request.query] for request in graph.requests])


def test_what_is_quoted_from_facebook_is_short_and_without_long_words() -> None:
    assert quotable(f"(#100) Invalid link {TOKEN}") == "(#100) Invalid link ***"
    assert len(quotable("word " * 200)) == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"page": "example-council"},
        {"version": "26"},
        {"api_url": "http://graph.example.org"},
        {"api_url": "ftp://graph.example.org"},
        {"link": "www.example.org"},
        {"colour": "blue"},
    ],
)
def test_wrong_options_are_refused_without_showing_their_values(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as error:
        options(**changes)
    assert TOKEN not in str(error.value)


def test_a_page_number_may_be_written_without_quotes() -> None:
    assert options(page=1234567890).page == "1234567890"


def test_length_is_counted_in_utf16_units() -> None:
    exact = measure(options(), wording(text="🙂" * 31603))
    assert (exact.used, exact.fits) == (63206, True)
    assert not measure(options(), wording(text="🙂" * 31603 + "a")).fits
