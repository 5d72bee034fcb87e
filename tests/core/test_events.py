"""The table of events: complete, consistent, and the only thing the house ever says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.cli import parser
from failover.delivery import Phase
from failover.events import (
    CONVENTIONAL,
    EVENTS,
    INSTANTS,
    SPANS,
    Event,
    Level,
    compose,
    gaps,
    mistakes,
)
from failover.incidents import Turn
from failover.model import State
from failover.service.catalogue import catalogue

HOUSE = Path(__file__).parents[2] / "failover"
each_event = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)


@each_event
def test_name_is_a_fact_in_snake_case_and_the_id_is_a_random_uuid(event: Event) -> None:
    assert event.name == event.name.lower().replace(" ", "_")
    assert event.name.isidentifier()
    assert event.message_id.version == 4


def test_no_two_events_share_a_message_id() -> None:
    assert len({event.message_id for event in EVENTS.values()}) == len(EVENTS)


def test_message_ids_never_change() -> None:
    """People search and alert by them: these three stand for all."""
    kept = {name: EVENTS[name].message_id.hex for name in ("incident_opened", "delivery_sent", "delivery_held")}

    assert kept == {
        "incident_opened": "ef866817633547ef9c49e43ce8f603a4",
        "delivery_sent": "ebc330460bb64ef9b883055a74710d14",
        "delivery_held": "3c43837731bb4d33b25747c5c7823751",
    }


@each_event
def test_sentence_names_only_fields_of_the_row(event: Event) -> None:
    """A required field may stand anywhere, an optional one only in a part that can be left out."""
    bare = compose(event, dict.fromkeys(event.fields, "X"))

    assert set(gaps(event.sentence)) <= set(event.fields + event.optional)
    assert "?" not in bare.removesuffix("?")
    assert "[" not in bare


@each_event
def test_catalogue_names_only_fields_that_are_always_sent(event: Event) -> None:
    """journalctl would print a bare gap for any other."""
    assert set(gaps(event.happened + event.follows + event.advice)) <= set(event.fields)


@each_event
def test_explanations_are_whole_sentences(event: Event) -> None:
    for text in (event.happened, event.follows, event.advice):
        assert text[0].isupper() or text[0] == "{"
        assert text.rstrip().endswith((".", "`", ")."))


@each_event
def test_no_field_hides_one_that_the_unit_or_the_journal_sets(event: Event) -> None:
    """FAILOVER_NODE comes from the unit, FAILOVER_EVENT and FAILOVER_DROPPED from the journal."""
    assert not {"node", "event", "dropped"} & set(event.fields + event.optional)


SAID = {Phase.UNSURE, Phase.SENT, Phase.REFUSED, Phase.HELD, Phase.LEFT, Phase.CANCELLED, Phase.EXPIRED}


@pytest.mark.parametrize(
    "name",
    [
        *(f"platform_{state.value}" for state in State),
        *(f"incident_{turn.value.replace(' ', '_')}" for turn in Turn if turn is not Turn.NOTHING),
        *(f"delivery_{phase.value}" for phase in Phase if phase in SAID),
    ],
)
def test_names_that_are_put_together_exist(name: str) -> None:
    """The engine and the courier say `platform_down` and the like by the value of an enum."""
    assert name in EVENTS


def test_catalogue_has_one_entry_per_event_and_marks_journalctl_can_fill() -> None:
    text = catalogue()

    assert [line[3:] for line in text.splitlines() if line.startswith("-- ")] == [
        event.message_id.hex for event in EVENTS.values()
    ]
    assert "{" not in text
    assert "failover resolve @FAILOVER_DELIVERY@ sent" in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "fields", "trouble"),
    [
        pytest.param("resumed", {"by": "Ann"}, "", id="complete"),
        pytest.param("resumed", {"by": "Ann", "incident": "7"}, "", id="a conventional field is always welcome"),
        pytest.param("paused", {"by": "Ann", "until": None}, "", id="an optional field may be None"),
        pytest.param("resumed", {}, "the event 'resumed' lacks by", id="a field is missing"),
        pytest.param("resumed", {"by": None}, "the event 'resumed' lacks by", id="a needed field is None"),
        pytest.param("resumed", {"by": "A", "who": 1}, "the event 'resumed' knows no who", id="an unknown field"),
        pytest.param("resummed", {}, "there is no event named 'resummed'", id="an unknown event"),
    ],
)
def test_mistakes_in_a_call_are_named(name: str, fields: dict[str, object], trouble: str) -> None:
    assert mistakes(name, fields) == trouble


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"by": "Ann"}, "Ann paused everything that is said in public", id="neither"),
        pytest.param(
            {"by": "Ann", "until": "noon"}, "Ann paused everything that is said in public until noon", id="one"
        ),
        pytest.param(
            {"by": "Ann", "reason": "[a] {b}"}, "Ann paused everything that is said in public: [a] {b}", id="brackets"
        ),
        pytest.param({}, "? paused everything that is said in public", id="a gap shows"),
    ],
)
def test_sentence_leaves_out_the_parts_that_have_no_field(fields: dict[str, str], told: str) -> None:
    assert compose(EVENTS["paused"], fields) == told


def test_levels_are_the_priorities_of_syslog() -> None:
    assert {level.word: level.value for level in Level} == {
        "critical": 2, "error": 3, "warning": 4, "notice": 5, "info": 6,
    }  # fmt: skip


def test_times_and_lengths_are_named_alike_everywhere() -> None:
    """A field that tells a time or a length and is not in these lists would read `842.5` or `1795183444`."""
    named = {field for event in EVENTS.values() for field in event.fields + event.optional}

    assert named >= INSTANTS | SPANS
    assert not {field for field in named - INSTANTS - SPANS if field.endswith(("_at", "_for", "since", "time"))}


def commands() -> set[str]:
    """The commands that `failover` has."""
    return set(re.findall(r"^    ([a-z-]+)(?: |$)", parser().format_help(), re.MULTILINE))


@each_event
def test_advice_names_only_commands_that_exist(event: Event) -> None:
    text = f"{event.sentence} {event.happened} {event.follows} {event.advice}"

    assert set(re.findall(r"(?:`|run: )failover ([a-z-]+)", text)) <= commands()


def calls_in(source: str) -> Iterator[tuple[str, set[str] | None]]:
    """Each `….say("name", …)` and `….say_on_change(key, "name", …)` with its fields, None where `**` hides some."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        position = {"say": 0, "say_on_change": 1}.get(node.func.attr)
        if position is None or len(node.args) <= position or not isinstance(node.args[position], ast.Constant):
            continue
        names = {keyword.arg for keyword in node.keywords}
        yield node.args[position].value, None if None in names else {name for name in names if name}  # type: ignore[attr-defined]


def test_the_search_for_calls_finds_them() -> None:
    source = 'a.say("x", b=1)\nj.say_on_change(k, "y", **z)\nj.say(f"{v}")\n'

    assert list(calls_in(source)) == [("x", {"b"}), ("y", None)]


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.py")), ids=lambda path: str(path.relative_to(HOUSE)))
def test_the_house_says_only_what_is_in_the_table(path: Path) -> None:
    """Every call in the sources names a known event, gives what it needs and nothing it does not know."""
    for name, given in calls_in(path.read_text()):
        assert name in EVENTS, f"{path.name} says {name!r}"
        event = EVENTS[name]
        if given is not None:
            assert set(event.fields) <= given, f"{path.name} says {name!r} without {set(event.fields) - given}"
            assert given <= CONVENTIONAL.union(event.fields, event.optional), f"{path.name}, {name!r}: surplus fields"


def test_no_catalogue_line_is_wider_than_a_terminal() -> None:
    assert max(map(len, catalogue().splitlines())) <= 76
