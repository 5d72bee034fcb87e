"""The kind `upptime`: what a repository of checks amounts to."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes.upptime import KIND, Options, judge, read_history, recognise
from tests.probes._garbage import NOW, anything, spoil, surroundings

RAW = "https://raw.githubusercontent.com"
FOLDER = f"{RAW}/example/upptime/HEAD/history"


def site(name: str, status: str) -> dict[str, Any]:
    """A row in the form of Upptime's summary."""
    slug = name.lower().replace(" ", "-")
    return {
        "name": name,
        "url": f"https://{slug}.example",
        "slug": slug,
        "status": status,
        "uptime": "99.10%",
        "time": 99,
        "dailyMinutesDown": {},
    }


def history(status: str, at: str = "2026-11-20T10:40:57.413Z") -> str:
    return (
        f"url: https://facebook.example\nstatus: {status}\ncode: 0\nresponseTime: 0\nlastUpdated: {at}\n"
        "startTime: 2021-04-20T09:46:06.000Z\ngenerator: Upptime <https://github.com/upptime/upptime>\n"
    )


LIST = [site("Facebook", "down"), site("Hacker News", "up")]


def options(*sites: str, **more: Any) -> Options:
    more = {"controls": ("Hacker News",)} | more
    return Options(repository="example/upptime", sites=sites or ("Facebook",), **more)


def look_at(rows: Any, text: str, *sites: str, **more: Any) -> Sighting:
    return judge(rows, {"facebook": text}, options(*sites, **more), now=NOW)


@pytest.mark.parametrize(
    ("rows", "text", "signal", "words"),
    [
        pytest.param(LIST, history("up"), Signal.UP, "working", id="green"),
        pytest.param(LIST, history("down"), Signal.DOWN, "while others work", id="red"),
        pytest.param(LIST, history("degraded"), Signal.DEGRADED, "in difficulty", id="degraded"),
        pytest.param(
            LIST, history("down", "2026-11-20T08:01:00Z"), Signal.DOWN, "while others work", id="red for 3 h"
        ),
        pytest.param(LIST, history("down", "2026-11-20T07:59:00Z"), Signal.DEGRADED, "too old", id="red before that"),
        pytest.param(LIST, history("down", "2026-11-18T11:01:00Z"), Signal.DEGRADED, "too old", id="red for 2 days"),
        pytest.param(LIST, history("up", "2026-11-18T11:01:00Z"), Signal.UP, "working", id="green for 2 days"),
        pytest.param(
            LIST, history("down", "2023-10-13T23:00:57.413Z"), Signal.UNKNOWN, "since 2023-10-13", id="left red"
        ),
        pytest.param(
            LIST, history("up", "2023-10-13T23:00:57.413Z"), Signal.UNKNOWN, "since 2023-10-13", id="left green"
        ),
        pytest.param([site("Facebook", "down")], history("down"), Signal.DEGRADED, "own line", id="alone"),
        pytest.param(
            [site("Facebook", "down"), site("Other", "down")],
            history("down"),
            Signal.DEGRADED,
            "own line",
            id="all red",
        ),
        pytest.param(LIST, "", Signal.UNKNOWN, "not known", id="no file"),
        pytest.param(LIST, "status: down", Signal.UNKNOWN, "not known", id="no date"),
        pytest.param(LIST, history("asleep"), Signal.UNKNOWN, "not known", id="unknown word"),
        pytest.param(
            [site("Hacker News", "up")], history("down"), Signal.UNKNOWN, "does not name Facebook", id="gone"
        ),
        pytest.param([], history("down"), Signal.UNKNOWN, "does not name", id="empty"),
        pytest.param({"message": "Not Found"}, history("down"), Signal.UNKNOWN, "not the list", id="an object"),
        pytest.param([{"name": "x"}], history("down"), Signal.UNKNOWN, "not the list", id="another list"),
    ],
)
def test_what_is_seen(rows: Any, text: str, signal: Signal, words: str) -> None:
    """The site's own file counts, while it is fresh; red needs another site that is up."""
    seen = look_at(rows, text)
    assert (seen.signal, seen.evidence) == (signal, Evidence.ELSEWHERE)
    assert words in seen.reason


def test_without_named_controls_a_red_never_votes() -> None:
    """That some site of the list is green proves nothing."""
    seen = look_at(LIST, history("down"), controls=())
    assert (seen.signal, "no control is named" in seen.reason) == (Signal.DEGRADED, True)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"{FOLDER}/summary.json", {}),
        (f"{RAW}/example/upptime/master/history/summary.json", {"branch": "master"}),
        (f"{RAW}/example/upptime/refs/heads/main/history/summary.json", {"branch": "main"}),
        ("https://status.example.net/summary.json", None),
    ],
)
def test_recognised(url: str, found: dict[str, object] | None) -> None:
    """Known by the list and by where it lies."""
    whole = (
        None if found is None else {"repository": "example/upptime", **found, "sites": ["Facebook", "Hacker News"]}
    )
    assert recognise(url, LIST) == whole
    assert whole is None or Options.model_validate(whole)
    for other in ([], {}, None, "text", [{"slug": None}]):
        assert recognise(url, other) is None


@given(anything, st.text(max_size=200))
@settings(deadline=None, max_examples=150)
def test_anything_is_read_without_an_exception(document: Any, text: str) -> None:
    """Random JSON and text say nothing."""
    for wrapped in (document, [document], LIST):
        assert look_at(wrapped, text).signal is not Signal.DOWN
        recognise(f"{FOLDER}/summary.json", wrapped)
    read_history(text)


@given(st.randoms(use_true_random=False), st.integers(1, 30))
@settings(deadline=None, max_examples=300)
def test_spoiled_lists_never_invent_an_outage(random: Random, times: int) -> None:
    """Whatever the list says: without a file that says down it is not down."""
    assert look_at(spoil(LIST, random, times), history("up")).signal is not Signal.DOWN


@pytest.mark.parametrize(
    "wrong",
    [{"repository": "example"}, {"repository": "a/b/c"}, {"sites": []}, {"branch": "../x"}, {"sites": ["a"] * 6}],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing, or read elsewhere, does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate({"repository": "a/b", "sites": ["a"]} | wrong)


async def look(rows: Any, text: Any = None) -> Sighting:
    with respx.mock(assert_all_called=False) as web:
        web.get(f"{FOLDER}/summary.json").mock(side_effect=[rows])
        web.get(f"{FOLDER}/facebook.yml").mock(side_effect=[text])
        async with KIND.open(options(), surroundings()) as probe:
            return await probe.look()


async def test_a_look_over_the_wire() -> None:
    """Raw files come as plain text; the file of the watched site, and no other, is read."""
    rows = httpx.Response(200, json=LIST, headers={"content-type": "text/plain; charset=utf-8"})
    assert (await look(rows, httpx.Response(200, text=history("down")))).signal is Signal.DOWN


async def test_a_slug_never_leads_elsewhere() -> None:
    """The slug comes from the answer: one that is no plain name is not asked for."""
    rows = [LIST[0] | {"slug": "../../../other"}, LIST[1]]
    assert (await look(httpx.Response(200, json=rows))).signal is Signal.UNKNOWN


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (httpx.Response(404, text="404: Not Found"), None),
        (httpx.Response(200, html="<html></html>"), None),
        (httpx.ConnectError("refused"), None),
        (httpx.Response(200, json=LIST), httpx.Response(404, text="404: Not Found")),
        (httpx.Response(200, json=LIST), httpx.ReadTimeout("late")),
    ],
)
async def test_a_failing_source_is_not_a_failing_platform(rows: Any, text: Any) -> None:
    """Whichever file cannot be read, it says nothing (rule R4)."""
    seen = await look(rows, text)
    assert (seen.signal, seen.evidence) == (Signal.UNKNOWN, Evidence.ELSEWHERE)
