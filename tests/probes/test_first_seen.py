"""Red without a date: it is news from when it was first seen, not for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import respx

from failover.contracts import AnyProbeKind, Options
from failover.model import Sighting, Signal
from probes import betterstack, cachet, feed, incidentio, instatus, metastatus, slack, statusio, statuspage, xstatus
from probes._official import Dated, FirstSeen, Part
from tests.probes._garbage import NOW, surroundings

DAY = 86400.0
SITE = "https://status.example.net"


def parts(**words: str) -> tuple[Part, ...]:
    return tuple(Part(name=name, word=word) for name, word in words.items())


def dates(seen: FirstSeen, now: float, **words: str) -> dict[str, float | None]:
    return {part.name: part.changed_at for part in seen.date(parts(**words), now)}


def test_red_is_as_old_as_its_first_look() -> None:
    """Green ends it, another word of trouble begins anew, and what works needs no date."""
    seen = FirstSeen()
    assert dates(seen, 1.0, a="major_outage", b="operational") == {"a": 1.0, "b": None}
    assert dates(seen, 2.0, a="major_outage", b="partial_outage") == {"a": 1.0, "b": 2.0}
    assert dates(seen, 3.0, a="operational", b="major_outage") == {"a": None, "b": 3.0}
    assert dates(seen, 4.0, a="major_outage", b="major_outage") == {"a": 4.0, "b": 3.0}
    assert dates(seen, 5.0, b="major_outage") == {"b": 3.0}
    assert dates(seen, 6.0, a="major_outage") == {"a": 6.0}


def test_what_has_a_date_keeps_it() -> None:
    [part] = FirstSeen().date([Part(name="a", word="major_outage", changed_at=7.0)], 9.0)
    assert part.changed_at == 7.0


def test_a_clock_that_was_set_back_leaves_no_date_ahead() -> None:
    seen = FirstSeen()
    assert dates(seen, 9.0, a="major_outage") == {"a": 9.0}
    assert dates(seen, 4.0, a="major_outage") == {"a": 4.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Dated):
    words: str


def test_what_bears_no_date_is_as_old_as_the_first_look_that_saw_it_so() -> None:
    """A word more is news; a date of its own, where there is one, counts alone."""
    seen, old, dated = FirstSeen(), Said(words="a"), Said(words="b", changed_at=7.0)

    def told(now: float, *said: Said) -> list[float | None]:
        return [one.told_at for one in seen.mark(said, now)]

    assert told(1.0, old, dated) == [1.0, 7.0]
    assert told(2.0, old, Said(words="c")) == [1.0, 2.0]
    assert told(3.0, dated) == [7.0]
    assert told(4.0, old, Said(words="c")) == [4.0, 4.0]


def _betterstack(red: bool) -> dict[str, Any]:
    about = {"public_name": "Chat", "status": "downtime" if red else "operational"}
    page = {"company_name": "Example", "custom_domain": "status.example.net", "aggregate_state": about["status"]}
    return {
        "data": {"id": "165", "type": "status_page", "attributes": page},
        "included": [{"id": "1", "type": "status_page_resource", "attributes": about}],
    }


def _incidentio(red: bool) -> dict[str, Any]:
    affected = [{"component_id": "c1", "status": "full_outage"}] if red else []
    named = [{"id": "c1", "name": "Chat"}]
    return {"summary": {"components": named, "affected_components": affected, "ongoing_incidents": []}}


def _statuspage(red: bool) -> dict[str, Any]:
    row = {"id": "c1", "name": "Chat", "status": "major_outage" if red else "operational"}
    return {
        "page": {"id": "p1", "name": "Example", "url": SITE},
        "status": {"indicator": "none"},
        "components": [row],
    }


def _instatus(red: bool) -> dict[str, Any]:
    row = {"id": "c1", "name": "Chat", "status": "MAJOROUTAGE" if red else "OPERATIONAL"}
    return {"page": {"name": "Example", "url": SITE, "status": "UP"}, "components": [row]}


def _cachet(red: bool) -> dict[str, Any]:
    status = 4 if red else 1
    return {"data": [{"id": 1, "type": "components", "attributes": {"name": "Chat", "status": status}}]}


def _metastatus(red: bool) -> list[Any]:
    status = "High disruptions" if red else "No known issues"
    return [{"id": "chat", "services": [{"id": "1", "name": "Chat", "status": status}]}]


def _statusio(red: bool) -> dict[str, Any]:
    code = 500 if red else 100
    row = {"id": "c1", "name": "Chat", "status": "x", "status_code": code}
    overall = {"status": "x", "status_code": code}
    return {"result": {"status_overall": overall, "status": [row], "incidents": []}}


def _xstatus(red: bool) -> str:
    said = "Major outage" if red else "Operational"
    return f'# Status\n<Card title="Chat"><Tooltip tip="{said}">x</Tooltip></Card>\n'


CASES: list[tuple[AnyProbeKind, dict[str, Any], Callable[[bool], Any]]] = [
    (betterstack.KIND, {"url": SITE, "components": ["Chat"]}, _betterstack),
    (betterstack.KIND, {"url": SITE}, _betterstack),
    (incidentio.KIND, {"url": SITE, "components": ["Chat"]}, _incidentio),
    (statuspage.KIND, {"url": SITE, "components": ["Chat"]}, _statuspage),
    (instatus.KIND, {"url": SITE, "components": ["Chat"]}, _instatus),
    (cachet.KIND, {"url": SITE, "components": ["Chat"]}, _cachet),
    (metastatus.KIND, {"url": SITE, "orgs": ["chat"]}, _metastatus),
    (statusio.KIND, {"api_url": SITE, "page": "0123456789abcdef01234567", "components": ["Chat"]}, _statusio),
    (xstatus.KIND, {"url": f"{SITE}/status.md", "components": ["Chat"], "major": "down"}, _xstatus),
]


@pytest.mark.parametrize(
    ("kind", "chosen", "document"),
    [pytest.param(*case, id=case[2].__name__.strip("_") + " whole" * (len(case[1]) == 1)) for case in CASES],
)
async def test_a_red_that_nobody_dates_is_forgotten_in_time(
    kind: AnyProbeKind, chosen: dict[str, Any], document: Callable[[bool], Any]
) -> None:
    """News for three days like any other; then not believed, until it has been green and is red again."""
    clock = [NOW]
    red: list[bool] = [True]

    def answer(_request: httpx.Request) -> httpx.Response:
        said = document(red[0])
        return httpx.Response(200, text=said) if isinstance(said, str) else httpx.Response(200, json=said)

    options: Options = kind.options.model_validate(chosen)
    with respx.mock(assert_all_called=False) as wire:
        wire.get(url__startswith=SITE).mock(side_effect=answer)
        async with kind.open(options, surroundings(lambda: clock[0])) as probe:

            async def look(at: float, *, is_red: bool = True) -> Sighting:
                clock[0], red[0] = NOW + at, is_red
                return await probe.look()

            assert (await look(0.0)).signal is Signal.DOWN
            assert (await look(3 * DAY - 1)).signal is Signal.DOWN
            seen = await look(3 * DAY + 1)
            assert (seen.signal, "not believed" in seen.reason) == (Signal.UNKNOWN, True)
            assert (await look(4 * DAY, is_red=False)).signal is Signal.UP
            assert (await look(4 * DAY + 60)).signal is Signal.DOWN


def _statuspage_whole(red: bool) -> dict[str, Any]:
    return {
        "page": {"id": "p1", "name": "Example", "url": SITE},
        "status": {"indicator": "critical" if red else "none"},
    }


def _statuspage_contradicted(red: bool) -> dict[str, Any]:
    incident = {"name": "Chat is slow", "status": "investigating", "impact": "minor"}
    return _statuspage(False) | {"incidents": [incident] if red else []}


def _betterstack_contradicted(red: bool) -> dict[str, Any]:
    about = {"title": "Chat is slow", "report_type": "manual", "aggregate_state": "degraded"}
    page = _betterstack(False)
    page["included"] += [{"id": "9", "type": "status_report", "attributes": about}] if red else []
    return page


def _statusio_contradicted(red: bool) -> dict[str, Any]:
    page = _statusio(False)
    messages = [{"state": 100, "status": 300}]
    page["result"]["incidents"] = [{"name": "Chat is slow", "messages": messages}] if red else []
    return page


def _incidentio_contradicted(red: bool) -> dict[str, Any]:
    incident = {"name": "Chat is slow", "status": "investigating", "current_worst_impact": "degraded_performance"}
    page = _incidentio(False)
    page["summary"]["ongoing_incidents"] = [incident] if red else []
    return page


def _incidentio_widget(red: bool) -> dict[str, Any]:
    incident = {"name": "Chat is slow", "status": "investigating", "current_worst_impact": "full_outage"}
    page = {"page_title": "Example", "page_url": SITE, "in_progress_maintenances": []}
    return page | {"ongoing_incidents": [incident] if red else []}


def _instatus_whole(red: bool) -> dict[str, Any]:
    return {"page": {"name": "Example", "url": SITE, "status": "HASISSUES" if red else "UP"}}


def _instatus_contradicted(red: bool) -> dict[str, Any]:
    incident = {"name": "Chat is slow", "status": "INVESTIGATING", "impact": "MAJOROUTAGE"}
    return _instatus(False) | {"activeIncidents": [incident] if red else []}


def _cachet_contradicted(red: bool) -> dict[str, Any]:
    about = {"id": 2, "type": "incidents", "attributes": {"name": "Chat is slow", "status": 1}}
    return {"data": [*_cachet(False)["data"], *([about] if red else [])]}


def _slack(red: bool) -> dict[str, Any]:
    incident = {"title": "Chat fails", "type": "outage", "status": "active", "services": ["Messaging"]}
    head = {"status": "active" if red else "ok", "date_updated": "2026-11-20T10:00:00Z"}
    return head | {"active_incidents": [incident] if red else []}


def _rss(*titles: str, text: str = "") -> str:
    items = "".join(f"<item><guid>{title}</guid><title>{title}</title>{text}</item>" for title in titles)
    return f'<rss version="2.0"><channel><title>Example</title>{items}</channel></rss>'


def _feed_components(red: bool) -> str:
    return _rss(f"Chat - {'Major Outage' if red else 'Operational'}")


def _feed_open_only(red: bool) -> str:
    return _rss("Chat: major outage") if red else _rss()


def _feed_log(red: bool) -> str:
    label = "Investigating" if red else "Resolved"
    text = f"<description>&lt;p&gt;&lt;strong&gt;{label}&lt;/strong&gt; - Chat&lt;/p&gt;</description>"
    return _rss("Chat: major outage", text=text)


UP, DEGRADED, DOWN, UNKNOWN = Signal.UP, Signal.DEGRADED, Signal.DOWN, Signal.UNKNOWN
NAMED = {"url": SITE, "components": ["Chat"]}
PLACE = {"api_url": SITE, "page": "0123456789abcdef01234567", "components": ["Chat"]}
OTHERS: list[tuple[AnyProbeKind, dict[str, Any], Callable[[bool], Any], Signal, Signal]] = [
    (statuspage.KIND, {"url": SITE}, _statuspage_whole, DOWN, UNKNOWN),
    (statuspage.KIND, NAMED, _statuspage_contradicted, DEGRADED, UP),
    (statuspage.KIND, {"url": SITE}, _statuspage_contradicted, DEGRADED, UP),
    (betterstack.KIND, NAMED, _betterstack_contradicted, DEGRADED, UP),
    (statusio.KIND, PLACE, _statusio_contradicted, DEGRADED, UP),
    (incidentio.KIND, NAMED, _incidentio_contradicted, DEGRADED, UP),
    (incidentio.KIND, {"url": SITE, "widget": True}, _incidentio_widget, DEGRADED, UNKNOWN),
    (instatus.KIND, {"url": SITE}, _instatus_whole, DEGRADED, UNKNOWN),
    (instatus.KIND, NAMED, _instatus_contradicted, DEGRADED, UP),
    (cachet.KIND, NAMED, _cachet_contradicted, DEGRADED, UP),
    (slack.KIND, {"url": SITE}, _slack, DOWN, UP),
    (feed.KIND, NAMED | {"mode": "components"}, _feed_components, DOWN, UNKNOWN),
    (feed.KIND, {"url": SITE, "mode": "open_only"}, _feed_open_only, DEGRADED, UP),
    (feed.KIND, {"url": SITE}, _feed_log, DEGRADED, UP),
]


@pytest.mark.parametrize(
    ("kind", "chosen", "document", "news", "old"),
    [pytest.param(*case, id=case[2].__name__.strip("_") + " whole" * (len(case[1]) == 1)) for case in OTHERS],
)
async def test_an_incident_or_a_page_that_nobody_dates_is_forgotten_in_time(
    kind: AnyProbeKind, chosen: dict[str, Any], document: Callable[[bool], Any], news: Signal, old: Signal
) -> None:
    """As with a red part; and an entry or an incident without a date says no more than it did before."""
    clock, red = [NOW], [True]

    def answer(request: httpx.Request) -> httpx.Response:
        said = document(red[0])
        if kind is cachet.KIND:
            wanted = "incidents" if "incidents" in request.url.path else "components"
            said = {"data": [row for row in said["data"] if row["type"] == wanted]}
        return httpx.Response(200, text=said) if isinstance(said, str) else httpx.Response(200, json=said)

    with respx.mock(assert_all_called=False) as wire:
        wire.get(url__startswith=SITE).mock(side_effect=answer)
        async with kind.open(kind.options.model_validate(chosen), surroundings(lambda: clock[0])) as probe:

            async def look(at: float, *, is_red: bool = True) -> Signal:
                clock[0], red[0] = NOW + at, is_red
                return (await probe.look()).signal

            assert [await look(at) for at in (0.0, 3 * DAY - 1, 3 * DAY + 1)] == [news, news, old]
            assert await look(4 * DAY, is_red=False) is UP
            assert [await look(at) for at in (4 * DAY + 60, 7 * DAY + 59, 7 * DAY + 61)] == [news, news, old]


@pytest.mark.parametrize("kind", [statuspage.KIND, betterstack.KIND], ids=["statuspage", "betterstack"])
async def test_an_incident_without_a_date_makes_no_old_red_news_again(kind: AnyProbeKind) -> None:
    """After a restart it is seen for the first time, which says nothing of the part's own date."""
    old, incident = "2026-11-01T00:00:00Z", {"name": "Chat", "status": "investigating", "impact": "critical"}
    page = _statuspage(True) | {"incidents": [incident]}
    page["components"][0]["updated_at"] = old
    about = {"title": "Chat", "aggregate_state": "downtime", "starts_at": old}
    undated = {"title": "Chat", "aggregate_state": "downtime"}
    board = _betterstack(True)
    board["included"] += [
        {"id": str(number), "type": "status_report", "attributes": row} for number, row in enumerate([about, undated])
    ]
    with respx.mock:
        respx.get(url__startswith=SITE).respond(json=page if kind is statuspage.KIND else board)
        async with kind.open(kind.options.model_validate(NAMED), surroundings()) as probe:
            said = await probe.look()

    assert (said.signal, "since 2026-11-01: not believed" in said.reason) == (UNKNOWN, True)


async def test_a_page_without_a_date_is_as_old_as_its_dated_incident() -> None:
    """That we have seen it for the first time makes no old incident news."""
    incident = {"name": "Chat", "status": "investigating", "impact": "critical", "updated_at": "2026-11-01T00:00:00Z"}
    with respx.mock:
        respx.get(url__startswith=SITE).respond(json=_statuspage_whole(True) | {"incidents": [incident]})
        async with statuspage.KIND.open(statuspage.Options(url=SITE), surroundings()) as probe:
            said = await probe.look()

    assert (said.signal, "since 2026-11-01: not believed" in said.reason) == (UNKNOWN, True)


async def test_a_product_that_is_gone_is_still_named() -> None:
    """The memory of what is watched adds nothing to the list."""
    with respx.mock:
        respx.get(f"{SITE}/data/orgs.json").mock(return_value=httpx.Response(200, json=_metastatus(False)))
        options = metastatus.Options(url=SITE, orgs=("messenger",))
        async with metastatus.KIND.open(options, surroundings()) as probe:
            assert "does not name messenger" in (await probe.look()).reason
