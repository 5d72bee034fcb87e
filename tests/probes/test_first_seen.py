"""Red without a date: it is news from when it was first seen, not for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx

from failover.contracts import AnyProbeKind, Options
from failover.model import Sighting, Signal
from probes import betterstack, cachet, incidentio, instatus, metastatus, statusio, statuspage, xstatus
from probes._official import FirstSeen, Part
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


async def test_a_product_that_is_gone_is_still_named() -> None:
    """The memory of what is watched adds nothing to the list."""
    with respx.mock:
        respx.get(f"{SITE}/data/orgs.json").mock(return_value=httpx.Response(200, json=_metastatus(False)))
        options = metastatus.Options(url=SITE, orgs=("messenger",))
        async with metastatus.KIND.open(options, surroundings()) as probe:
            assert "does not name messenger" in (await probe.look()).reason
