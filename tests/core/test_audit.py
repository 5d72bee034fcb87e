"""The audit trail: whoever changes or removes an entry is found out, and the entry is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from failover.audit import Entry, broken, sealed


def trail(length: int = 5) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, length + 1):
        before = entries[-1].digest if entries else ""
        entries.append(sealed(number=number, at=100.5 * number, event="said", facts={"n": number}, before=before))
    return entries


@pytest.mark.parametrize("length", [0, 1, 5])
def test_an_untouched_trail_is_whole(length: int) -> None:
    assert broken(trail(length)) == ""


@pytest.mark.parametrize(
    "change",
    [{"at": 1.0}, {"event": "unsaid"}, {"facts": '{"n": 9}'}, {"digest": "0" * 64}],
    ids=["time", "event", "facts", "digest"],
)
@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_changed_entry_is_named(number: int, change: dict[str, object]) -> None:
    entries = trail()
    entries[number - 1] = replace(entries[number - 1], **change)  # type: ignore[arg-type]

    assert broken(entries) == f"entry {number} was changed"


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_missing_entry_is_named(number: int) -> None:
    entries = trail()
    del entries[number - 1]

    assert broken(entries) == f"entry {number} is missing"


def test_a_changed_entry_that_was_sealed_anew_breaks_the_next() -> None:
    entries = trail()
    entries[1] = sealed(number=2, at=1.0, event="forged", facts={}, before=entries[0].digest)

    assert broken(entries) == "entry 3 was changed"


def test_two_entries_that_changed_places_are_found() -> None:
    entries = trail()
    entries[1], entries[2] = entries[2], entries[1]

    assert broken(entries) == "entry 2 is missing"


def test_an_entry_is_sealed_the_same_whether_its_time_is_whole_or_not() -> None:
    """The database gives every time back as a float."""
    whole = sealed(number=1, at=100, event="said", facts={}, before="")

    assert broken([replace(whole, at=100.0)]) == ""


def test_facts_are_kept_as_canonical_text() -> None:
    one = sealed(number=1, at=0.0, event="said", facts={"b": "ü", "a": (1, 2)}, before="")

    assert one.facts == '{"a": [1, 2], "b": "ü"}'
