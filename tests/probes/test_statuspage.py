"""The kind `statuspage`: what real and broken status pages amount to, as tables, garbage and a real exchange."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.contracts import Probe
from failover.model import Evidence, Fault, Sighting, Signal
from failover.practice.http import Fault as Breakage
from failover.practice.statuspage import Incident, Mode, StatuspageService
from probes._official import fold, timestamp, word
from probes._statuspage import read_page
from probes.statuspage import KIND, Options, foreign, judge
from tests.probes._garbage import NOW, anything, sample, spoil, surroundings

CLOUDFLARE = "statuspage_summary_cloudflare_minor_no_incident.json"
DOCS = "statuspage_summary_docs_example.json"
TWILIO = "statuspage_summary_twilio_minor.json"
INCIDENT_IO = "synthetic_incidentio_summary.json"

AT = {
    CLOUDFLARE: timestamp("2026-08-07T03:00:00Z"),
    DOCS: timestamp("2014-05-14T21:00:00Z"),
    TWILIO: timestamp("2020-06-16T21:05:00Z"),
    INCIDENT_IO: timestamp("2026-11-20T10:05:00Z"),
}


CHAT_CODE = {"code": "id-Chat"}


def options(*components: str, **more: Any) -> Options:
    return Options(url="https://status.example.net", components=components, **more)


def look_at(document: Any, chosen: Options, now: float = NOW) -> Sighting:
    page = read_page(document)
    assert page is not None
    return judge(page, chosen, now=now)


def page(**states: str) -> dict[str, Any]:
    """A small page: one component per keyword, fresh."""
    rows = [{"id": f"id-{name}", "name": name, "status": state} for name, state in states.items()]
    return {
        "page": {"id": "p1", "name": "Example", "url": "https://status.example.net"},
        "status": {"indicator": "none", "description": "All Systems Operational"},
        "components": rows,
        "incidents": [],
    }


@pytest.mark.parametrize(
    ("name", "components", "signal", "words"),
    [
        pytest.param(
            DOCS, ["Management Portal"], Signal.DOWN, "major outage of Management Portal", id="major outage"
        ),
        pytest.param(DOCS, ["9397cnvk62zn"], Signal.DOWN, "major outage", id="by id"),
        pytest.param(DOCS, ["API"], Signal.DEGRADED, "partial outage of API", id="partial outage"),
        pytest.param(DOCS, ["API", "Management Portal"], Signal.DOWN, "Management Portal", id="worst of two"),
        pytest.param(DOCS, [], Signal.DEGRADED, "major trouble", id="roll-up major"),
        pytest.param(TWILIO, ["MMS"], Signal.DEGRADED, "degraded performance of MMS", id="degraded"),
        pytest.param(TWILIO, ["Studio"], Signal.UP, "Studio as working", id="green beside others' trouble"),
        pytest.param(TWILIO, ["PROGRAMMABLE VOICE"], Signal.UNKNOWN, "does not name", id="group row is no component"),
        pytest.param(TWILIO, ["s2k3h0mkqnth"], Signal.UNKNOWN, "does not name", id="group row by id"),
        pytest.param(TWILIO, [], Signal.DEGRADED, "minor trouble", id="roll-up minor"),
        pytest.param(CLOUDFLARE, [], Signal.DEGRADED, "minor trouble", id="minor without an incident"),
        pytest.param(CLOUDFLARE, ["Africa"], Signal.UNKNOWN, "does not name", id="group named like a place"),
        pytest.param(CLOUDFLARE, ["gxjcfyf5pht1"], Signal.UNKNOWN, "announced maintenance", id="maintenance"),
        pytest.param(CLOUDFLARE, ["Arica, Chile - (ARI)"], Signal.UNKNOWN, "not believed", id="red since February"),
        pytest.param(INCIDENT_IO, ["Login"], Signal.DEGRADED, "degraded", id="no incidents key, degraded"),
        pytest.param(INCIDENT_IO, ["API"], Signal.UP, "API as working", id="no incidents key, green"),
    ],
)
def test_real_pages(name: str, components: list[str], signal: Signal, words: str) -> None:
    """The named components decide; groups, roll-ups and other people's trouble do not."""
    now = AT[name]
    assert now is not None
    seen = look_at(sample(name), options(*components), now)
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)
    assert words in seen.reason


@pytest.mark.parametrize("wanted", [("Mesaging",), ("Login", "Mesaging")])
def test_a_name_that_is_not_there_is_answered_with_the_nearest(wanted: tuple[str, ...]) -> None:
    """Also where another wanted name is there."""
    seen = look_at(page(Messaging="operational", Login="operational"), options(*wanted))
    assert (seen.signal, "it names Messaging" in seen.reason) == (Signal.UNKNOWN, True)


@pytest.mark.parametrize(
    ("state", "signal", "fault"),
    [
        ("operational", Signal.UP, None),
        ("Operational", Signal.UP, None),
        ("degraded_performance", Signal.DEGRADED, Fault.PLATFORM),
        ("partial_outage", Signal.DEGRADED, Fault.PLATFORM),
        ("major_outage", Signal.DOWN, Fault.PLATFORM),
        ("under_maintenance", Signal.UNKNOWN, None),
        ("full_outage", Signal.UNKNOWN, None),
        ("down", Signal.UNKNOWN, None),
        ("", Signal.UNKNOWN, None),
    ],
)
def test_words_of_a_component(state: str, signal: Signal, fault: Fault | None) -> None:
    """Every documented word has its meaning; a word that is not documented means nothing."""
    seen = look_at(page(Messaging=state), options("Messaging"))
    assert (seen.signal, seen.fault) == (signal, fault)


@pytest.mark.parametrize(
    ("indicator", "major", "signal"),
    [
        ("none", "degraded", Signal.UP),
        ("minor", "down", Signal.DEGRADED),
        ("major", "degraded", Signal.DEGRADED),
        ("major", "down", Signal.DOWN),
        ("critical", "degraded", Signal.DOWN),
        ("maintenance", "down", Signal.UNKNOWN),
        ("catastrophic", "down", Signal.UNKNOWN),
        (None, "down", Signal.UNKNOWN),
    ],
)
def test_roll_up(indicator: str | None, major: str, signal: Signal) -> None:
    """Without named components the page's own sum counts; what `major` means is for the operator to say."""
    document = page(Messaging="operational") | {"status": {"indicator": indicator}}
    assert look_at(document, options(major=major)).signal is signal


def test_roll_up_does_not_overrule_the_named_component() -> None:
    """A page in crisis over something else is not our platform's crisis, and the other way round."""
    document = page(Messaging="operational", Billing="major_outage") | {"status": {"indicator": "critical"}}
    assert look_at(document, options("Messaging")).signal is Signal.UP
    document = page(Messaging="major_outage") | {"status": {"indicator": "none"}}
    assert look_at(document, options("Messaging")).signal is Signal.DOWN


@pytest.mark.parametrize(
    ("states", "signal", "words"),
    [
        (["major_outage", "major_outage"], Signal.DOWN, "major outage of SMS"),
        (["major_outage", "operational", "operational"], Signal.DEGRADED, "1 of 3 parts named SMS"),
        (["major_outage", "under_maintenance"], Signal.DEGRADED, "1 of 2"),
        (["operational", "degraded_performance"], Signal.DEGRADED, "degraded"),
        (["operational", "operational"], Signal.UP, "working"),
    ],
)
def test_names_repeat(states: list[str], signal: Signal, words: str) -> None:
    """Pages use one name for many regions: an outage counts in full only where all that bear the name agree."""
    document = page() | {"components": [{"id": str(i), "name": "SMS", "status": s} for i, s in enumerate(states)]}
    seen = look_at(document, options("SMS"))
    assert seen.signal is signal
    assert words in seen.reason


def test_missing_component_is_not_green_but_hides_no_outage() -> None:
    """A renamed component is reported; an outage of another named one still counts."""
    assert "does not name Chat" in look_at(page(Login="operational"), options("Login", "Chat")).reason
    assert look_at(page(Login="operational"), options("Login", "Chat")).signal is Signal.UNKNOWN
    assert look_at(page(Login="major_outage"), options("Login", "Chat")).signal is Signal.DOWN


def test_placeholder_is_no_component() -> None:
    """GitHub lists a row that only points to its page."""
    name = "Visit www.githubstatus.com for more information"
    document = page() | {"components": [{"id": "1", "name": name, "status": "major_outage"}]}
    assert look_at(document, options(name)).signal is Signal.UNKNOWN


@pytest.mark.parametrize(
    ("incident", "signal"),
    [
        ({"status": "identified", "components": [{"id": "id-Chat", "name": "Chat"}]}, Signal.DEGRADED),
        ({"status": "IDENTIFIED", "components": [{"name": "chat"}]}, Signal.DEGRADED),
        ({"status": "identified", "incident_updates": [{"affected_components": [CHAT_CODE]}]}, Signal.DEGRADED),
        ({"status": "investigating", "name": "Chat is slow"}, Signal.DEGRADED),
        ({"status": "investigating", "name": "Snapchat is slow"}, Signal.UP),
        ({"status": "investigating", "name": "Chat is slow", "components": [{"id": "other"}]}, Signal.UP),
        ({"status": "monitoring", "components": [{"id": "id-Chat"}]}, Signal.UP),
        ({"status": "resolved", "components": [{"id": "id-Chat"}]}, Signal.UP),
        ({"status": "identified", "resolved_at": "2026-11-20T10:00:00Z", "name": "Chat is slow"}, Signal.UP),
        ({"status": "identified", "impact": "none", "components": [{"id": "id-Chat"}]}, Signal.UP),
        ({"status": "identified", "updated_at": "2026-11-01T10:00:00Z", "name": "Chat"}, Signal.UP),
        ({"status": "scheduled", "impact": "maintenance", "components": [{"id": "id-Chat"}]}, Signal.UP),
    ],
)  # fmt: skip
def test_green_lights_beside_an_open_incident(incident: dict[str, Any], signal: Signal) -> None:
    """An open incident that names the component is doubt though all lights are green; a repair under watch is not."""
    assert look_at(page(Chat="operational") | {"incidents": [incident]}, options("Chat")).signal is signal


def test_green_roll_up_beside_an_open_incident_is_doubt() -> None:
    """With no component named, any open incident about something is."""
    document = page() | {"incidents": [{"status": "identified", "name": "Login fails", "impact": "major"}]}
    seen = look_at(document, options())
    assert (seen.signal, seen.detail) == (Signal.DEGRADED, "Login fails")


@pytest.mark.parametrize(
    ("touched", "incident", "signal"),
    [
        pytest.param("2026-11-20T10:00:00Z", None, Signal.DOWN, id="an hour ago"),
        pytest.param("2026-11-20T11:30:00Z", None, Signal.DOWN, id="from a clock that runs ahead"),
        pytest.param("2026-11-18T10:00:00+02:00", None, Signal.DOWN, id="two days ago"),
        pytest.param("2026-11-10T10:00:00Z", None, Signal.UNKNOWN, id="left behind"),
        pytest.param("2026-11-10T10:00:00Z", "2026-11-20T09:00:00Z", Signal.DOWN, id="long, but written about today"),
        pytest.param("2026-11-10T10:00:00Z", "2026-11-11T09:00:00Z", Signal.UNKNOWN, id="nobody writes any more"),
        pytest.param(None, None, Signal.DOWN, id="no date"),
        pytest.param("yesterday", None, Signal.DOWN, id="no usable date"),
    ],
)
def test_forgotten_outage(touched: str | None, incident: str | None, signal: Signal) -> None:
    """Red that nobody touched for three days was left behind: half of a false alarm, so it is not believed."""
    document = page() | {"components": [{"id": "c", "name": "Chat", "status": "major_outage", "updated_at": touched}]}
    if incident:
        document["incidents"] = [{"status": "identified", "components": [{"id": "c"}], "updated_at": incident}]
    assert look_at(document, options("Chat")).signal is signal


def test_old_green_page_is_green() -> None:
    """`page.updated_at` is the last change: a page that is quiet for a year is well, not stale."""
    document = page(Chat="operational")
    document["page"]["updated_at"] = "2025-11-20T10:00:00Z"
    assert look_at(document, options("Chat")).signal is Signal.UP
    assert look_at(document, options()).signal is Signal.UP


def test_old_red_roll_up_was_left_behind() -> None:
    """A page that says critical and has not changed for days has been critical for days, or nobody looks after it."""
    document = page() | {"status": {"indicator": "critical"}}
    document["page"]["updated_at"] = "2026-11-01T10:00:00Z"
    assert look_at(document, options()).signal is Signal.UNKNOWN
    assert look_at(document, options(forget_after="60d")).signal is Signal.DOWN


@pytest.mark.parametrize(
    ("own", "asked", "wanted", "is_foreign"),
    [
        pytest.param("https://status.example.net", "https://status.example.net", "", False, id="same host"),
        pytest.param("https://www.example.net", "https://example.net/", "", False, id="www or not"),
        pytest.param("http://STATUS.example.net:80/", "https://status.example.net", "", False, id="other form"),
        pytest.param("", "https://status.example.net", "", False, id="no address given"),
        pytest.param("https://www.atlassian.com", "https://status.example.net", "", True, id="other host"),
        pytest.param("https://status.example.net.evil.org", "https://status.example.net", "", True, id="longer host"),
        pytest.param("https://other.example", "https://p1.statuspage.io", "p1", False, id="right id, other host"),
        pytest.param("https://other.example", "https://p1.statuspage.io", "example", False, id="right name"),
        pytest.param("https://status.example.net", "https://status.example.net", "p2", True, id="wrong id"),
    ],
)  # fmt: skip
def test_whose_page_it_is(own: str, asked: str, wanted: str, is_foreign: bool) -> None:
    """An unclaimed or moved page is answered by somebody else's: it must be the one that was meant."""
    document = page(Chat="major_outage")
    document["page"]["url"] = own
    read = read_page(document)
    assert read is not None
    assert bool(foreign(read, Options(url=asked, page=wanted))) is is_foreign


@pytest.mark.parametrize(
    "document",
    [None, [], {}, "danger", 5, {"page": []}, {"page": {}}, {"page": {"id": 5}}, sample("slack_current_active.json"),
     sample("statuspage_incidents_github_2026-07.json")],
)  # fmt: skip
def test_other_json_is_not_a_status_page(document: Any) -> None:
    """JSON of another form, such as Slack's own, is not taken for a status page."""
    assert read_page(document) is None


@given(anything)
@settings(deadline=None, max_examples=150)
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Random JSON says nothing, and never "down"."""
    for chosen in (options(), options("Messaging")):
        for wrapped in (
            document,
            {"page": {"id": "p"}, "components": document, "incidents": document, "status": document},
        ):
            read = read_page(wrapped)
            if read is not None:
                assert judge(read, chosen, now=NOW).signal in (Signal.UNKNOWN, Signal.UP)


@given(
    st.randoms(use_true_random=False), st.sampled_from([CLOUDFLARE, DOCS, TWILIO, INCIDENT_IO]), st.integers(1, 40)
)
@settings(deadline=None, max_examples=300)
def test_spoiled_pages_never_invent_an_outage(random: Random, name: str, times: int) -> None:
    """However a real page is spoiled: DOWN only where a row of the watched name really says major_outage."""
    document = spoil(sample(name), random, times)
    read = read_page(document)
    if read is None:
        return
    now = AT[name]
    assert now is not None
    for watched in ("API", "MMS", "Management Portal", "gxjcfyf5pht1"):
        if judge(read, options(watched), now=now).signal is Signal.DOWN:
            assert _says_major_outage(document, watched)
    if judge(read, options(), now=now).signal is Signal.DOWN:
        assert document["status"]["indicator"] == "critical"


def _says_major_outage(document: Any, watched: str) -> bool:
    rows = [row for row in document["components"] if isinstance(row, dict)]
    return any(
        word(row.get("status")) == "major_outage" and not row.get("group")
        for row in rows
        if row.get("id") == watched or fold(str(row.get("name"))) == fold(watched)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "status.example.net"},
        {"url": "ftp://status.example.net"},
        {"url": "https://user:secret@status.example.net"},
        {"url": "https://status.example.net", "components": [" "]},
        {"url": "https://status.example.net", "major": "none"},
        {"url": "https://status.example.net", "forget_after": 0},
        {"url": "https://status.example.net", "component": ["x"]},
        {},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing, or the wrong thing, does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


def opened(service: StatuspageService, **more: Any) -> AbstractAsyncContextManager[Probe]:
    return KIND.open(Options(url=service.url, **more), surroundings())


async def look_once(service: StatuspageService, **more: Any) -> Sighting:
    async with opened(service, **more) as probe:
        return await probe.look()


async def test_a_look_over_the_wire() -> None:
    """One request; the state that the page shows is the state that is seen."""
    async with StatuspageService(["Messaging", "Billing"]) as service:
        assert (await look_once(service, components=["Messaging"])).signal is Signal.UP
        service.set("Messaging", "major_outage")
        assert (await look_once(service, components=["Messaging"])).signal is Signal.DOWN
        assert [request.path for request in service.requests] == ["/api/v2/summary.json"] * 2
        assert service.requests[0].headers["user-agent"].startswith("failover-tests")


async def test_an_unchanged_page_is_not_sent_again() -> None:
    """With its ETag the second look costs a 304 and says the same; a change is seen at once."""
    async with StatuspageService() as service, opened(service, components=["Messaging"]) as probe:
        assert (await probe.look()).signal is Signal.UP
        assert (await probe.look()).signal is Signal.UP
        assert "if-none-match" in service.requests[1].headers
        service.set("Messaging", "major_outage")
        assert (await probe.look()).signal is Signal.DOWN


async def test_cut_summary_is_completed() -> None:
    """Large pages leave components out of the summary: then, and only then, all of them are asked for."""
    async with StatuspageService(["A", "B", "C"]) as service:
        service.summary_limit = 1
        service.set("C", "major_outage")
        assert (await look_once(service, components=["C"])).signal is Signal.DOWN
        assert [request.path[8:] for request in service.requests] == ["summary.json", "components.json"]
        assert "does not name D" in (await look_once(service, components=["D"])).reason


async def test_cut_summary_that_cannot_be_completed_says_nothing() -> None:
    """If the second request fails, the component is as good as missing."""
    async with StatuspageService(["A", "B"]) as service:
        service.summary_limit = 1
        service.fail_always(Breakage.ERROR_BEFORE, path="components")
        assert (await look_once(service, components=["B"])).signal is Signal.UNKNOWN


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (Mode.MARKETING, "web page instead of data"),
        (Mode.INACTIVE, "inactive (HTTP 401)"),
        (Mode.FOREIGN, "belongs to status.example.org, not to 127.0.0.1"),
    ],
)
async def test_what_an_address_turns_into(mode: Mode, words: str) -> None:
    """Unclaimed, retired and foreign pages are "could not tell", even where they are full of outages."""
    async with StatuspageService() as service:
        service.set("Messaging", "major_outage")
        service.mode = mode
        seen = await look_once(service, components=["Messaging"])
    assert seen.signal is Signal.UNKNOWN
    assert words in seen.reason


@pytest.mark.parametrize(
    "breakage",
    [
        Breakage.RESET_BEFORE, Breakage.CLOSE_BEFORE, Breakage.ERROR_BEFORE, Breakage.HTML_BEFORE,
        Breakage.HALF_AFTER, Breakage.THROTTLED, Breakage.ERROR_AFTER, Breakage.GATEWAY_AFTER,
    ],
)  # fmt: skip
async def test_a_failing_page_is_not_a_failing_platform(breakage: Breakage) -> None:
    """A status page that is itself in trouble says nothing (rule R4), with a reason and without blame."""
    async with StatuspageService() as service:
        service.set("Messaging", "major_outage")
        service.fail(breakage)
        seen = await look_once(service, components=["Messaging"])
    assert (seen.signal, seen.evidence, seen.fault) == (Signal.UNKNOWN, Evidence.OFFICIAL, None)
    assert seen.reason


async def test_a_page_that_is_gone() -> None:
    """Nobody listens at the address: that is the page's trouble."""
    async with StatuspageService() as service:
        url = service.url
    async with KIND.open(Options(url=url), surroundings()) as probe:
        assert (await probe.look()).signal is Signal.UNKNOWN


async def test_texts_of_the_vendor_cannot_break_a_line() -> None:
    """What the vendor writes is quoted on one line, and cut."""
    async with StatuspageService(["Chat"]) as service:
        service.open_incident(Incident("Chat\nis\x1b[31m slow " + "x" * 500, components=("Chat",)))
        seen = await look_once(service, components=["Chat"])
    assert seen.signal is Signal.DEGRADED
    assert seen.detail.isprintable()
    assert len(seen.detail) <= 120
