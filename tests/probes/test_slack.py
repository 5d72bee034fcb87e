"""The kind `slack`: what good and broken answers of Slack's Status API amount to."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes._official import timestamp
from probes.slack import KIND, SERVICES, Options, judge, read_status, recognise
from tests.probes._garbage import NOW, anything, sample
from tests.probes._pages import UNREADABLE, look, sound, spoiled

URL = "https://slack-status.com/api/v2.0.0/current"
ACTIVE = sample("slack_current_active.json")
THEN = timestamp("2020-07-30T15:30:00-07:00") or 0.0
FIRST, SECOND = "notification settings", "certain API calls"


def judged(document: Any, *services: str, now: float = NOW, **more: Any) -> Sighting:
    status = read_status(document)
    assert status is not None
    return sound(judge(status, Options(services=services, **more), now=now))


def answer(*incidents: dict[str, Any], status: str = "") -> dict[str, Any]:
    said = status or ("active" if incidents else "ok")
    at = "2026-11-20T10:00:00Z"
    return {"status": said, "date_created": at, "date_updated": at, "active_incidents": list(incidents)}


def incident(kind: Any = "incident", *services: Any, **more: Any) -> dict[str, Any]:
    at = "2026-11-20T10:00:00Z"
    named = list(services) or ["Messaging"]
    return {"title": "Trouble", "type": kind, "status": "active", "services": named, "date_updated": at, **more}


@pytest.mark.parametrize(
    ("services", "signal", "words", "detail"),
    [
        pytest.param(["Notifications"], Signal.DEGRADED, "trouble of Notifications", FIRST, id="incident"),
        pytest.param(["apps/integrations/apis"], Signal.UP, "no trouble", "taken as forgotten: 1", id="a week old"),
        pytest.param(["Messaging"], Signal.UP, "no trouble", "", id="other services"),
        pytest.param([], Signal.DEGRADED, "trouble of Notifications", FIRST, id="all services"),
        pytest.param(["Mesaging"], Signal.UNKNOWN, "it names Messaging", "", id="near name"),
        pytest.param(["Notifications", "Mesaging"], Signal.DEGRADED, "Notifications", FIRST, id="trouble first"),
    ],
)
def test_a_real_answer(services: list[str], signal: Signal, words: str, detail: str) -> None:
    """The services that matter decide; an incident that nobody touched for days was left behind."""
    seen = judged(ACTIVE, *services, now=THEN)
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason
    assert detail in seen.detail


def test_an_old_incident_counts_where_the_options_say_so() -> None:
    """`forget_after` is for the operator to say."""
    seen = judged(ACTIVE, "Apps/Integrations/APIs", now=THEN, forget_after="30d")
    assert (seen.signal, SECOND in seen.detail) == (Signal.DEGRADED, True)


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        ("outage", Signal.DOWN),
        ("incident", Signal.DEGRADED),
        ("notice", Signal.UP),
        ("maintenance", Signal.UNKNOWN),
        ("surprise", Signal.UNKNOWN),
        (None, Signal.UNKNOWN),
    ],
)
def test_types_of_an_incident(kind: Any, signal: Signal) -> None:
    """Only an outage is one; a type that is not documented means nothing."""
    assert judged(answer(incident(kind)), "Messaging").signal is signal
    assert judged(answer(incident(kind, "Search")), "Messaging").signal is Signal.UP


@pytest.mark.parametrize(
    ("document", "services", "signal"),
    [
        pytest.param(answer(incident("outage")), [], Signal.DEGRADED, id="no service is named in the options"),
        pytest.param(answer(incident("outage", services=[])), ["Messaging"], Signal.DEGRADED, id="nor by Slack"),
        pytest.param(answer(incident("notice"), incident("outage")), ["Messaging"], Signal.DOWN, id="worst of two"),
        pytest.param(
            answer(incident("outage", "Canvases", "Messaging")), ["Messaging"], Signal.DOWN, id="among others"
        ),
        pytest.param(answer(incident("outage", "Telepathy")), ["Telepathy"], Signal.DOWN, id="a new service"),
        pytest.param(answer(), ["Telepathy"], Signal.UNKNOWN, id="a service that nobody knows"),
        pytest.param(answer(incident(status="resolved")), ["Messaging"], Signal.UNKNOWN, id="active, yet all over"),
        pytest.param(answer(incident(status="scheduled"), status="ok"), ["Messaging"], Signal.UP, id="planned"),
        pytest.param(answer(incident(status="limbo")), ["Messaging"], Signal.UNKNOWN, id="unknown state"),
        pytest.param(answer(incident("outage"), status="ok"), ["Messaging"], Signal.UNKNOWN, id="ok, yet an outage"),
        pytest.param(answer(status="active"), ["Messaging"], Signal.UNKNOWN, id="active, yet nothing"),
        pytest.param(answer(status="broken"), ["Messaging"], Signal.UNKNOWN, id="unknown word"),
    ],
)
def test_answers(document: Any, services: list[str], signal: Signal) -> None:
    """An answer that contradicts itself says nothing; an outage counts only for services that are named."""
    assert judged(document, *services).signal is signal


def test_the_quiet_answer_without_a_list() -> None:
    """Slack's own example of "ok" has no list of incidents."""
    quiet = answer()
    del quiet["active_incidents"]
    assert judged(quiet, *SERVICES).signal is Signal.UP


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"status": "ok"}, answer() | {"active_incidents": None}, answer() | {"active_incidents": [5]},
     sample("statuspage_summary_twilio_minor.json"), sample("synthetic_instatus_summary.json")],
)  # fmt: skip
def test_other_json_is_not_slacks(document: Any) -> None:
    """An empty list is good news, so a list that is missing or odd must not be taken for one."""
    assert read_status(document) is None


def test_recognise() -> None:
    """Slack's own address is the default; the same form elsewhere is an address to name."""
    assert recognise(URL, ACTIVE) == {}
    assert recognise("https://status.slack.com/api/v2.0.0/current", answer()) == {"url": "https://status.slack.com"}
    assert recognise("https://slack-status.com/", ACTIVE) is None
    assert recognise(URL, {"hello": "world"}) is None


@given(anything)
@settings(deadline=None, max_examples=100)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing, and never "down"."""
    recognise(URL, document)
    for one in (document, answer() | {"status": "active", "active_incidents": document}):
        if read_status(one) is not None:
            assert judged(one, "Messaging").signal is not Signal.DOWN


@given(st.randoms(use_true_random=False), st.integers(1, 40))
@settings(deadline=None, max_examples=200)
def test_spoiled_answers_never_invent_an_outage(random: Random, times: int) -> None:
    """No incident of this answer was an outage, so however it is spoiled, none is."""
    document = spoiled(ACTIVE, random, times)
    if read_status(document) is not None:
        for services in (("Notifications", "Messaging"), ()):
            assert judged(document, *services, now=THEN).signal is not Signal.DOWN


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_failing_page_is_not_a_failing_platform(answer: Any) -> None:
    """What cannot be read says nothing (rule R4)."""
    seen = await look(KIND, Options(), {URL: answer})
    assert (seen.signal, seen.evidence, seen.fault) == (Signal.UNKNOWN, Evidence.OFFICIAL, None)


async def test_a_look_over_the_wire() -> None:
    """One request; without options, what people need to talk to each other is watched."""
    assert (await look(KIND, Options(), {URL: answer(incident("outage"))})).signal is Signal.DOWN
    assert (await look(KIND, Options(), {URL: answer(incident("outage", "Canvases"))})).signal is Signal.UP
    assert (await look(KIND, Options(), {URL: answer()})).signal is Signal.UP


@pytest.mark.parametrize("wrong", [{"url": "x"}, {"services": [""]}, {"components": ["Messaging"]}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing, or the wrong thing, does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)
