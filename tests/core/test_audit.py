"""The audit trail: whoever changes, removes or adds an entry is found out, and the entry is named."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from failover.audit import AS_FAR_BACK, Entry, Flaw, Head, Inspection, broken, sealed


def trail(length: int = 5) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, length + 1):
        before = entries[-1].digest if entries else ""
        entries.append(sealed(number=number, at=100.5 * number, event="said", facts={"n": number}, before=before))
    return entries


def head_of(entries: list[Entry]) -> Head:
    return Head(number=entries[-1].number, digest=entries[-1].digest) if entries else Head()


def flaws(entries: list[Entry], head: Head | None, expect: str = "") -> list[str]:
    inspection = Inspection(expect=expect)
    for entry in entries:
        inspection.read(entry)
    inspection.end(head)
    return [flaw.what for flaw in inspection.flaws]


def changed(number: int) -> str:
    return f"entry {number} was changed" + (f", or entry {number - 1} was and then sealed anew" if number > 1 else "")


@pytest.mark.parametrize("length", [0, 1, 5])
def test_an_untouched_trail_is_whole(length: int) -> None:
    entries = trail(length)

    assert flaws(entries, head_of(entries)) == []
    assert broken(entries) == ""


@pytest.mark.parametrize(
    "change",
    [{"at": 1.0}, {"event": "unsaid"}, {"facts": '{"n": 9}'}, {"digest": "0" * 64}],
    ids=["time", "event", "facts", "digest"],
)
@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_changed_entry_is_named_and_no_other_is_suspected(number: int, change: dict[str, object]) -> None:
    entries = trail()
    head = head_of(entries)
    entries[number - 1] = replace(entries[number - 1], **change)  # type: ignore[arg-type]

    assert flaws(entries, head) == [changed(number)]


def test_every_changed_entry_is_named_with_its_number_and_time() -> None:
    entries = trail(9)
    for number in (2, 6, 7):
        entries[number - 1] = replace(entries[number - 1], facts="{}")
    inspection = Inspection()
    for entry in entries:
        inspection.read(entry)

    assert inspection.flaws == [Flaw(what=changed(n), number=n, at=100.5 * n) for n in (2, 6, 7)]


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_missing_entry_is_named(number: int) -> None:
    entries = trail()
    head = head_of(entries)
    del entries[number - 1]

    assert flaws(entries, head) == [f"entry {number} is missing, so that entry {number + 1} cannot be checked"]


@pytest.mark.parametrize(
    ("left", "verdict"),
    [(4, "entry 5 is missing"), (2, "entries 3 to 5 are missing"), (0, "entries 1 to 5 are missing")],
)
def test_a_trail_whose_end_was_cut_off_is_found_out(left: int, verdict: str) -> None:
    entries = trail()

    assert flaws(entries[:left], head_of(entries)) == [verdict]
    assert broken(entries[:left], head_of(entries)) == verdict


def test_a_changed_entry_that_was_sealed_anew_is_between_the_two_that_are_named() -> None:
    entries = trail()
    entries[1] = sealed(number=2, at=1.0, event="forged", facts={}, before=entries[0].digest)

    assert flaws(entries, head_of(entries)) == ["entry 3 was changed, or entry 2 was and then sealed anew"]


def test_the_last_entry_sealed_anew_is_found_by_the_note_apart_from_the_trail() -> None:
    entries = trail()
    head = head_of(entries)
    entries[-1] = sealed(number=5, at=1.0, event="forged", facts={}, before=entries[-2].digest)

    assert flaws(entries, head) == ["entry 5 was changed"]


@pytest.mark.parametrize("count", [1, 3, AS_FAR_BACK])
@pytest.mark.parametrize("well_sealed", [True, False])
def test_entries_put_in_between_with_all_later_ones_renumbered_are_named(count: int, well_sealed: bool) -> None:
    real = trail()
    entries = real[:2]
    for number in range(3, 3 + count):
        before = entries[-1].digest if well_sealed else "nothing"
        entries.append(sealed(number=number, at=1.0, event="forged", facts={}, before=before))
    entries += [replace(one, number=one.number + count) for one in real[2:]]
    head = Head(number=5 + count, digest=real[-1].digest)

    assert flaws(entries, head) == [f"entry {number} was put in by somebody else" for number in range(3, 3 + count)]


def test_an_entry_taken_out_with_all_later_ones_renumbered_is_found_and_not_all_later_ones_are_suspected() -> None:
    real = trail(8)
    entries = real[:3] + [replace(one, number=one.number - 1) for one in real[4:]]

    assert flaws(entries, Head(number=7, digest=real[-1].digest)) == [changed(4)]


def test_entries_added_at_the_end_are_found_out_also_when_they_are_well_sealed() -> None:
    entries = trail(7)

    assert flaws(entries, head_of(entries[:5])) == ["everything from entry 6 on was put in by somebody else"]


def test_an_entry_before_the_first_is_found_out() -> None:
    entries = trail()
    forged = sealed(number=0, at=1.0, event="forged", facts={}, before="")

    assert flaws([forged, *entries], head_of(entries)) == ["entry 0 was put in by somebody else"]


def test_without_the_note_which_is_the_last_it_is_not_whole() -> None:
    assert flaws(trail(), None) == ["the note which entry is the last one is gone from the database"]


def test_a_digest_that_was_noted_earlier_shows_a_trail_that_was_made_anew() -> None:
    """Head and all: nothing else could show that."""
    real = trail()
    entries = real[:2]
    entries.append(sealed(number=3, at=1.0, event="forged", facts={}, before=entries[-1].digest))

    assert flaws(entries, head_of(entries)) == []
    assert flaws(entries, head_of(entries), expect=real[1].digest) == []
    [verdict] = flaws(entries, head_of(entries), expect=real[2].digest)
    assert verdict.startswith(f"no entry has the digest {real[2].digest}")
    assert flaws(real, head_of(real), expect=real[2].digest[:12]) == []


def test_two_entries_that_changed_places_are_found() -> None:
    entries = trail()
    entries[1], entries[2] = entries[2], entries[1]

    assert broken(entries) == "entry 2 is missing, so that entry 3 cannot be checked"


def test_any_one_change_to_any_trail_is_found() -> None:
    """Tampering of every sort at every place, by lot."""
    lot = random.Random(7)
    for _ in range(300):
        real = trail(lot.randint(1, 12))
        entries, place = [*real], lot.randrange(len(real))
        match lot.randrange(4):
            case 0:
                entries[place] = replace(entries[place], facts='{"n": 0}')
            case 1:
                del entries[place]
            case 2:
                before = entries[place - 1].digest if place else ""
                entries[place] = sealed(number=place + 1, at=0.0, event="x", facts={}, before=before)
            case _:
                strangers = [sealed(number=place + 1, at=0.0, event="x", facts={}, before="")]
                later = [replace(one, number=one.number + 1) for one in entries[place:]]
                entries = [*entries[:place], *strangers, *later]
        assert flaws(entries, head_of(real)) != []


def test_an_entry_is_sealed_the_same_whether_its_time_is_whole_or_not() -> None:
    """The database gives every time back as a float."""
    whole = sealed(number=1, at=100, event="said", facts={}, before="")

    assert broken([replace(whole, at=100.0)]) == ""


def test_facts_are_kept_as_canonical_text() -> None:
    one = sealed(number=1, at=0.0, event="said", facts={"b": "ü", "a": (1, 2)}, before="")

    assert one.facts == '{"a": [1, 2], "b": "ü"}'


@pytest.mark.parametrize("head", [Head(), Head(number=7, digest="ab" * 32)])
def test_the_head_is_read_as_it_is_written(head: Head) -> None:
    assert Head.read(str(head)) == head


@pytest.mark.parametrize("text", ["", "abc", "-1 ab", "x y"])
def test_what_is_no_head_is_none(text: str) -> None:
    assert Head.read(text) is None
