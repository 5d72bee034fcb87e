"""Scenario files: what is understood, and what is told of every kind of mistake, with its line and column."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from failover import registry
from failover.config.problems import ConfigError
from failover.replay import library
from failover.replay.scenario import Cast, Scenario, parse_length, parse_time

GOOD = """\
title: T
onset: 2026-01-01T10:00
over: +60m
platforms: [x]
evidence:
  - from: web
    shows:
      - {at: +0, says: down}
expect:
  - holding: {to: +10m}
"""

NAMES = Cast(
    platforms=("facebook", "x"), probes=("here", "crowd", "web", "dns", "downdetector"), channels=("telegram", "blog")
)

_TIME = "expected a time from the onset such as +5m, -10m or +1h30m, or an instant such as 2021-10-04T15:39"
_SAYS = "expected 'up', 'degraded', 'down', 'unknown', 'account' or 'network'"
_LENGTH = "expected a duration of at most 31d, and more than 0"
_INSTANT = "expected an instant such as 2021-10-04T15:39, which is UTC, or 2021-10-04T11:39-04:00"


def read(text: str) -> Scenario:
    return library.read(text, "s.yaml", NAMES)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [str(one) for one in caught.value.problems]


def read_or_problems(text: str) -> object:
    try:
        return read(text)
    except ConfigError as error:
        return error.problems


def with_(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_the_smallest_file() -> None:
    """Times are seconds from the onset; the replay begins half an hour before and ends two hours after."""
    found = read(GOOD)
    assert (found.title, found.platforms, found.onset, found.over) == ("T", ("x",), 1767261600.0, 3600.0)
    assert (found.begins, found.ends) == (-1800.0, 3600.0 + 7200.0)
    track = found.evidence[0]
    assert (track.from_, track.of, track.shows[0].at, track.shows[0].share) == (("web",), None, 0.0, 1.0)
    assert found.expect[0].holding is not None
    assert (found.expect[0].holding.from_, found.expect[0].holding.to) == (None, 600.0)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("+0", 0.0),
        (0, 0.0),
        ("+5m", 300.0),
        ("-10m", -600.0),
        ("+1h30m", 5400.0),
        ("+1d", 86400.0),
        ("2021-10-04T15:39", 1633361940.0),
        ("2021-10-04T15:39Z", 1633361940.0),
        ("2021-10-04T11:39-04:00", 1633361940.0),
        ("2021-10-04T17:39:00+02:00", 1633361940.0),
    ],
)
def test_times(written: object, seconds: float) -> None:
    """From the onset with a sign; an instant is UTC unless it names an offset."""
    assert parse_time(written) == seconds


@pytest.mark.parametrize(
    "written",
    ["5m", "+5min", "+", "", 5, True, None, "2021-10-04", "15:39", "1066-10-14T09:00", "+" + "9" * 400 + "d"],
)
def test_what_is_no_time(written: object) -> None:
    """A missing sign, an unknown unit, a day without a time, a number: each is refused, none crashes."""
    with pytest.raises(ValueError, match="expected a time"):
        parse_time(written)


def test_lengths() -> None:
    """A replay takes more than nothing and at most a month."""
    assert parse_length("31d") == 31 * 86400.0
    for wrong in (0, "0s", "32d", "9" * 400 + "d"):
        with pytest.raises(ValueError, match="expected a duration"):
            parse_length(wrong)


def test_an_instant_means_the_same_as_a_time_from_the_onset() -> None:
    """Whoever copies a post-mortem may write its clock times."""
    text = with_("at: +0", "at: 2026-01-01T10:07").replace("over: +60m", "over: 2026-01-01T12:00+01:00")
    assert (read(text).evidence[0].shows[0].at, read(text).over) == (420.0, 3600.0)


BAD = {
    "unknown platform": (
        "[x]", "[facebok]", "4:13: platforms[0]: unknown platform 'facebok'; did you mean 'facebook'?",
    ),
    "platform twice": ("[x]", "[x, x]", "4:16: platforms[1]: 'x' is given twice"),
    "wrong unit": ("+0,", "+5min,", f"8:14: evidence[0].shows[0].at: {_TIME}"),
    "no sign": ("+0,", "5m,", f"8:14: evidence[0].shows[0].at: {_TIME}"),
    "far away": ("+0,", "+3000d,", "8:14: evidence[0].shows[0].at: expected a time nearer to the onset"),
    "another year": (
        "+0,", "2025-01-01T10:00,",
        "8:14: evidence[0].shows[0].at: more than 31 days from the onset; is it in another month or year?",
    ),
    "misspelt answer": (
        "says: down", "says: dwon",
        f"8:24: evidence[0].shows[0].says: {_SAYS}; did you mean 'down'?",
    ),
    "unknown key": ("down}", "down, shar: 1}", "8:36: evidence[0].shows[0].shar: unknown key; did you mean 'share'?"),
    "share of nothing": ("down}", "down, share: 0}", "8:37: evidence[0].shows[0].share: expected more than 0.0"),
    "class of no source": (
        "down}", "down, class: operator}",
        "8:37: evidence[0].shows[0].class: expected 'here', 'spoken', 'elsewhere', 'official' or 'crowd'",
    ),
    "unknown source": (
        "from: web", "from: wbe",
        "6:11: evidence[0].from[0]: unknown source 'wbe'; there are crowd, dns, downdetector, here, web",
    ),
    "nobody shows it": ("from: web", "from: []", "6:11: evidence[0].from: must not be empty"),
    "no onset": ("onset: 2026-01-01T10:00\n", "", "1:1: onset: missing"),
    "no such day": ("2026-01-01T10:00", "2026-02-30T10:00", f"2:8: onset: {_INSTANT}"),
    "over before it begins": ("+60m", "-60m", "3:7: over: expected a time after the onset"),
    "unknown length": ("over:", "lasts: 8 days\nover:", "3:8: lasts: expected a duration such as 15s, 2m, 6h or 1d"),
    "endless": ("over:", "lasts: 60d\nover:", f"3:8: lasts: {_LENGTH}"),
    "too short": ("over:", "lasts: 30m\nover:", "3:8: lasts: ends before it is `over`"),
    "out of order": (
        "{at: +0, says: down}", "{at: +9m, says: down}\n      - {at: +5m, says: up}",
        "9:14: evidence[0].shows[1].at: out of order: expected a time after that of the entry before",
    ),
    "two at once": (
        "{at: +0, says: down}", "{at: +9m, says: down}\n      - {at: +9m, says: up}",
        "9:14: evidence[0].shows[1].at: out of order: expected a time after that of the entry before",
    ),
    "overlapping phases": (
        "{at: +0, says: down}", "{at: +0, until: +9m, says: down}\n      - {at: +5m, says: up}",
        "9:14: evidence[0].shows[1].at: overlaps with the entry before, whose `until` is later than this",
    ),
    "ends before it begins": (
        "{at: +0,", "{at: +5m, until: +5m,", "8:26: evidence[0].shows[0].until: expected a time after `at`",
    ),
    "told twice": (
        "expect:", "  - {from: [web], of: x, shows: [{at: +0, says: up}]}\nexpect:",
        "9:5: evidence[1]: what web shows of x is told already in evidence[0]",
    ),
    "of another platform": (
        "    shows:", "    of: [facebook]\n    shows:",
        "7:10: evidence[0].of[0]: unknown platform 'facebook'; there are x",
    ),
    "line overlaps": (
        "expect:", "line:\n  - {at: +5m, until: +10m}\n  - {at: +8m}\nexpect:",
        "11:10: line[1].at: overlaps with the entry before, whose `until` is later than this",
    ),
    "unknown channel": (
        "expect:", "channels: [{of: telegramm, at: +5m, answers: lost}]\nexpect:",
        "9:17: channels[0].of[0]: unknown channel 'telegramm'; did you mean 'telegram'?",
    ),
    "a channel answers twice": (
        "expect:",
        "channels:\n  - {of: telegram, at: +5m, answers: lost}\n  - {of: telegram, at: +8m, answers: late}\nexpect:",
        "11:24: channels[1].at: overlaps with what channels[0] tells of telegram",
    ),
    "declares nothing": (
        "expect:", "people: [{at: +5m, does: declare}]\nexpect:",
        "9:10: people[0]: `declare` needs `platform` and `state`",
    ),
    "approves a platform": (
        "expect:", "people: [{at: +5m, does: approve, platform: x}]\nexpect:",
        "9:10: people[0]: `approve` takes neither `platform` nor `state`",
    ),
    "declares another": (
        "expect:", "people: [{at: +5m, does: declare, platform: y, state: down}]\nexpect:",
        "9:45: people[0].platform: unknown platform 'y'; there are x",
    ),
    "silent and not": (
        "holding: {to: +10m}", "holding: {to: +10m}\n    silent: true",
        "11:13: expect[0].silent: contradicts the statements that are expected beside it",
    ),
    "window upside down": (
        "{to: +10m}", "{from: +20m, to: +10m}", "10:31: expect[0].holding.to: expected a time not before `from`",
    ),
    "window after the end": (
        "{to: +10m}", "{from: +9h}",
        "10:21: expect[0].holding.from: the replay ends at +3h; say `lasts` if it shall go on",
    ),
    "expects nothing": (
        "holding: {to: +10m}", "about: [x]",
        "10:5: expect[0]: expects nothing; say holding, welcome_back, pairs, silent, never_on or journal",
    ),
    "no such event": (
        "holding: {to: +10m}", "journal: [platform_dwn]",
        "10:15: expect[0].journal[0]: there is no event 'platform_dwn'; did you mean 'platform_down'?",
    ),
    "watched by nobody": (
        "{to: +10m}", "{to: +10m}\n    when_watched_by: [crowds]",
        "11:23: expect[0].when_watched_by[0]: unknown source 'crowds'; did you mean 'crowd'?",
    ),
    "not a number": ("holding: {to: +10m}", "pairs: one", "10:12: expect[0].pairs: expected a whole number"),
    "a key twice": ("title: T\n", "title: T\ntitle: U\n", "2:1: title: this key was given before, in line 1"),
    "a tab": ("title: T", "title:\tT", "1:7: a tab cannot be used for indentation; use spaces"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), BAD.values(), ids=BAD)
def test_every_mistake_is_told_with_its_place(old: str, new: str, told: str) -> None:
    """One line for one mistake: file, line, column, path, and what is wrong."""
    assert problems(with_(old, new)) == [f"s.yaml:{told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: the file is empty; expected a mapping with title, platforms, onset, evidence and expect"),
        ("hello", "1:1: expected a mapping with title, platforms, onset, evidence and expect"),
        ("[]", "1:1: expected a mapping with title, platforms, onset, evidence and expect"),
    ],
)
def test_what_is_no_scenario_at_all(text: str, told: str) -> None:
    assert problems(text) == [f"s.yaml:{told}"]


def test_all_problems_at_once() -> None:
    """Nobody likes to learn of a second mistake after the first is mended."""
    text = with_("[x]", "[xx]").replace("from: web", "from: wbe").replace("{to: +10m}", "{from: +20m, to: +10m}")
    assert [one.split(": ")[1] for one in problems(text)] == [
        "platforms[0]",
        "evidence[0].from[0]",
        "expect[0].holding.to",
    ]


WRONG_IN_SHAPE = {
    "a misspelt answer": ("says: down", "says: donw"),
    "a wrong time": ("at: +0", "at: 5m"),
    "a number for a source": ("from: web", "from: [5]"),
    "no phases": ("      - {at: +0, says: down}", "      down"),
    "an unknown key": ("over: +60m", "ovr: +60m"),
    "no title": ("title: T\n", ""),
    "a title that is a list": ("title: T", "title: [T]"),
    "no onset": ("onset: 2026-01-01T10:00\n", ""),
    "an onset that is none": ("onset: 2026-01-01T10:00", "onset: yesterday"),
    "no length": ("over: +60m", "over: +60m\nlasts: long"),
    "a wrong window": ("{to: +10m}", "{to: 10m}"),
    "expectations that are text": ("  - holding: {to: +10m}", "  nothing"),
    "a bad person": ("expect:", "people: [{at: +0, does: declare, platform: 5, state: down}]\nexpect:"),
    "a bad channel": ("expect:", "channels: [{at: +0, of: 7, answers: lost}]\nexpect:"),
}


@pytest.mark.parametrize(("old", "new"), WRONG_IN_SHAPE.values(), ids=WRONG_IN_SHAPE)
def test_a_mistake_of_shape_is_told_alone_where_the_rest_is_right(old: str, new: str) -> None:
    """What stands in for it, while the rest is checked, is nobody's mistake."""
    assert len(problems(with_(old, new))) == 1


@pytest.mark.parametrize(("old", "new"), WRONG_IN_SHAPE.values(), ids=WRONG_IN_SHAPE)
def test_a_mistake_of_shape_hides_no_other(old: str, new: str) -> None:
    further = "line:\n  - {at: +5m, until: +1m}\nchannels2: 1\n"
    text = with_(old, new).replace("platforms: [x]", f"{further}platforms: [x, x, facebok]")
    told = [one.split(": ", 1)[1] for one in problems(text)]
    for other in ("line[0].until: ", "channels2: ", "platforms[1]: 'x' is given twice", "platforms[2]: unknown"):
        timeless = "onset" in old and other.startswith("line")  # without an onset, times cannot be compared
        assert timeless or any(one.startswith(other) for one in told), (other, told)


def test_mistakes_of_shape_and_of_names_in_one_go() -> None:
    """The held-out file of somebody who made one of each."""
    text = """\
title: t
onset: 2026-01-01T10:00
platforms: [x, facebok]
evidence:
  - from: crowds
    shows:
      - {at: +5m, says: donw}
      - {at: +1m, says: up}
channels:
  - {of: carrier-pigeon, at: +5m, answers: unreachable}
expect:
  - silent: true
    never_on: [instragram]
"""
    assert [one.split(": ")[1] for one in problems(text)] == [
        "platforms[1]",
        "evidence[0].from[0]",
        "evidence[0].shows[0].says",
        "evidence[0].shows[1].at",
        "channels[0].of[0]",
        "expect[0].never_on[0]",
    ]


def test_a_platform_that_nobody_knows_can_be_played_all_the_same() -> None:
    """The way out is told; not to whom has only misspelt a name."""
    [told] = problems(with_("[x]", "[myspace]"))
    assert "unknown platform 'myspace'; there are facebook, x; to play any other, name it under `platforms`" in told
    assert "`catalogue: false`" in told


def test_every_shipped_scenario_is_read_and_names_what_there_is() -> None:
    """The names that a scenario may use come from the configuration, the catalogue and the built-in organisation."""
    names = library.cast(library.organisation(None, {}))
    assert len(library.shipped()) >= 17
    for name in library.shipped():
        assert library.scenario(name, names).title


WORDS = st.sampled_from(
    [
        *("title", "onset", "over", "lasts", "platforms", "evidence", "line", "channels", "people", "expect"),
        *(
            "from",
            "of",
            "shows",
            "at",
            "until",
            "says",
            "share",
            "class",
            "does",
            "answers",
            "to",
            "holding",
            "about",
        ),
        *(
            "x",
            "web",
            "+5m",
            "-1d",
            "+0",
            "2026-01-01T10:00",
            "down",
            "lost",
            "declare",
            "0",
            "1e9",
            "true",
            "null",
            "T",
        ),
    ]
)
TREES = st.recursive(
    WORDS | st.text(max_size=8) | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(max_size=60) | TREES.map(repr) | st.tuples(WORDS, TREES).map(lambda two: f"{two[0]}: {two[1]!r}\n" + GOOD)
)
def test_no_text_ever_raises_anything_but_problems(text: str) -> None:
    """Whatever a person (or a cat) types, the answer is a scenario or a list of problems."""
    assert read_or_problems(text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), WORDS), min_size=1, max_size=3))
def test_nor_does_a_good_file_with_words_in_the_wrong_place(cuts: list[tuple[int, str]]) -> None:
    text = GOOD
    for place, word in cuts:
        text = text[:place] + word + text[place + len(word) :]
    assert read_or_problems(text)


def test_the_built_in_organisation_watches_everything_that_has_a_recipe() -> None:
    """An outage of any platform of the catalogue can be played without a configuration."""
    assert set(registry.catalogue()) <= set(library.organisation(None, {}).platforms)
