"""The kind `xstatus`: what X's page for developers amounts to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from failover.model import Evidence, Sighting, Signal
from probes.xstatus import KIND, Options, judge, read_cards, recognise
from tests.probes._garbage import NOW, surroundings

URL = "https://docs.x.com/status.md"


def page(api: str = "Operational", stream: str = "Operational", *, history: str = "Resolved after an hour") -> str:
    """In the form that public readers of the page describe."""
    return f"""\
# Status
> All systems are operational.
<CardGroup cols={{2}}>
  <Card title="X API v2" icon="circle-check">
    <Tooltip tip="{api}"><Icon icon="circle" /></Tooltip>
  </Card>
  <Card icon="bolt" title="Streaming">
    Filtered stream <Tooltip headline="now" tip="{stream}">state</Tooltip>
  </Card>
</CardGroup>
## Incident history
<Steps>
  <Step title="Elevated errors">{history}</Step>
  <Card title="Old"><Tooltip tip="Major outage">x</Tooltip></Card>
</Steps>
"""


def judged(text: str, options: Options) -> Sighting:
    return judge(read_cards(text), options, now=NOW)


@pytest.mark.parametrize(
    ("tip", "signal"),
    [
        ("Operational", Signal.UP),
        ("operational", Signal.UP),
        ("Normal", Signal.UP),
        ("Degraded", Signal.DEGRADED),
        ("Degraded Performance", Signal.DEGRADED),
        ("Partial Outage", Signal.DEGRADED),
        ("Major Outage", Signal.DEGRADED),
        ("Outage", Signal.DEGRADED),
        ("Down", Signal.DEGRADED),
        ("Maintenance", Signal.UNKNOWN),
        ("Not operational", Signal.UNKNOWN),
        ("major_outage", Signal.DEGRADED),
        ("Everything is lost", Signal.UNKNOWN),
    ],
)
def test_words(tip: str, signal: Signal) -> None:
    """Known words only, and none is more than doubt unless somebody says so."""
    seen = judged(page(tip), Options())
    assert (seen.signal, seen.evidence) == (signal, Evidence.OFFICIAL)


@pytest.mark.parametrize(
    ("tip", "signal"), [("Major outage", Signal.DOWN), ("Down", Signal.DEGRADED), ("Outage", Signal.DEGRADED)]
)
def test_major_can_vote(tip: str, signal: Signal) -> None:
    """Only the words that say so themselves, and only where the operator wants it."""
    assert judged(page(tip), Options(major="down")).signal is signal


def test_cards_decide() -> None:
    """The named cards, else the worst of all; the history, which is not kept up, does not."""
    assert judged(page("Operational", "Major outage"), Options(components=("x api v2",))).signal is Signal.UP
    assert judged(page("Operational", "Major outage"), Options()).signal is Signal.DEGRADED
    assert judged(page(history="Ongoing major outage"), Options()).signal is Signal.UP
    seen = judged(page(), Options(components=("Enterprise API",)))
    assert (seen.signal, "does not name Enterprise API" in seen.reason) == (Signal.UNKNOWN, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Status\nAll systems are operational.",
        "<html><body>Sign in</body></html>",
        '<Card title="X"></Card>',
        '<Tooltip tip="Operational">',
        '## Incident history\n<Card title="A"><Tooltip tip="Operational"></Card>',
    ],
)
def test_pages_without_cards_say_nothing(text: str) -> None:
    """Also where they claim that all is well: the form may have changed."""
    assert judged(text, Options()).signal is Signal.UNKNOWN
    assert recognise(URL, text) is None


def test_recognised() -> None:
    """The address and the titles of the cards; JSON is something else."""
    found = recognise(URL, page())
    assert found == {"url": URL, "components": ["X API v2", "Streaming"]}
    assert Options.model_validate(found)
    for other in (None, {}, [page()], 5):
        assert recognise(URL, other) is None


pieces = st.sampled_from(
    ['<Card title="', '">', "<Tooltip ", 'tip="', "Major outage", "Operational", "\n", "## Incident history"]
)


@given(st.lists(pieces | st.text(max_size=10), max_size=30).map("".join))
@settings(deadline=None, max_examples=300)
def test_any_text_is_read_without_an_exception(text: str) -> None:
    """Whatever it is: down only where a card says a major outage."""
    if judged(text, Options(major="down")).signal is Signal.DOWN:
        assert any(card.word == "major_outage" for card in read_cards(text))
        assert "Major outage" in text


def test_long_garbage_is_read_in_time() -> None:
    """No pattern takes quadratic time, and not more is read than a page can have."""
    for piece in ("<Card ", '<Card title="', '<Card title="a"><Tooltip ', "<Tooltip tip=", "## incident "):
        read_cards(piece * 200_000)


@pytest.mark.parametrize("wrong", [{"components": [""]}, {"major": "up"}, {"url": "docs.x.com"}, {"cards": []}])
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    """What would watch nothing does not start."""
    with pytest.raises(ValidationError):
        Options.model_validate(wrong)


async def look(answer: Any) -> Sighting:
    with respx.mock:
        respx.get(URL).mock(side_effect=[answer])
        async with KIND.open(Options(), surroundings()) as probe:
            return await probe.look()


async def test_a_look_over_the_wire() -> None:
    """One request; what the page says is what is seen."""
    assert (await look(httpx.Response(200, text=page()))).signal is Signal.UP
    assert (await look(httpx.Response(200, text=page("Partial outage")))).signal is Signal.DEGRADED


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html></html>"),
        httpx.Response(404),
        httpx.Response(503),
        httpx.ConnectError("refused"),
        httpx.Response(302, headers={"location": "https://x.com/i/flow/login"}),
    ],
)
async def test_a_failing_page_is_not_a_failing_platform(answer: Any) -> None:
    """The page's own trouble says nothing (rule R4)."""
    seen = await look(answer)
    assert (seen.signal, seen.evidence) == (Signal.UNKNOWN, Evidence.OFFICIAL)
