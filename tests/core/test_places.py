"""The dialect of YAML that configurations are written in, and its places."""

from __future__ import annotations

from typing import Any

import pytest

from failover.config.places import Node, read
from failover.config.problems import Place, render


def tree(text: str) -> Node:
    node, problems = read(text, "x.yaml")
    assert not problems
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("yes", "yes"),
        ("off", "off"),
        ("NO", "NO"),
        ("null", None),
        ("~", None),
        ("", None),
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("007", "007"),
        ("0x10", "0x10"),
        ("0o7", "0o7"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-12-24", "2026-12-24"),
        ("2026-12-24T22:00", "2026-12-24T22:00"),
        ("1.5", 1.5),
        ("9.9.9.9", "9.9.9.9"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 19, "9" * 19),
        ("'7'", "7"),
        ('"true"', "true"),
        ("=", "="),
        ("60s", "60s"),
    ],
)
def test_what_a_value_means(written: str, meant: Any) -> None:
    """YAML 1.2 and less: only true and false are booleans, times and odd numbers stay text."""
    value = tree(f"key: {written}").plain()["key"]

    assert (value, type(value)) == (meant, type(meant))


def test_keys_are_text() -> None:
    assert tree("on: 1\n7: 2\ntrue: 3\n~: 4\n").plain() == {"on": 1, "7": 2, "true": 3, "~": 4}


def test_every_value_and_key_keeps_its_place() -> None:
    """Lines and columns count from 1."""
    root = tree("a:\n  - x\n  - {b: [1, two]}\n")

    item = root.mapping["a"].items[1]
    assert item.key("b") == Place(3, 6)
    assert item.mapping["b"].items[1].place == Place(3, 13)
    assert root.mapping["a"].items[0].place == Place(2, 5)
    assert item.key("nothing") == item.place


def test_only_a_literal_block_has_lines_of_the_file() -> None:
    root = tree("a: |\n  x\nb: >\n  x\nc: 'x'\n")

    assert [root.mapping[key].verbatim for key in "abc"] == [True, False, False]


def test_aliases_are_what_they_stand_for() -> None:
    assert tree("a: &a {b: [1]}\nc: [*a, *a]\n").plain()["c"] == [{"b": [1]}, {"b": [1]}]


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: [", (1, 5)), ("a: 1\nb: 'x", (2, 4)), ("é: ü\x07", (1, 5)), ("a:\n\tb: 1", (2, 1)), ("a: 1\n- b", (2, 1))],
    ids=["open bracket", "open quote", "control character", "tab", "two forms"],
)
def test_where_it_stops_being_yaml(text: str, place: tuple[int, int]) -> None:
    node, problems = read(text, "x.yaml")

    assert node is None
    assert [problem.place for problem in problems] == [Place(*place)]


def test_a_million_aliases_are_refused_quickly() -> None:
    """Ten levels of ten aliases would be ten thousand million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    node, problems = read("\n".join(lines), "x.yaml")

    assert node is None
    assert "more than 20000 values" in str(problems[0])


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_depth_is_bounded(opening: str) -> None:
    node, problems = read(opening * 5000, "x.yaml")

    assert node is None
    assert problems


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("routes", 0, "primary", 1), "routes[0].primary[1]"),
        (("channels", "facebook-page", "token_file"), "channels.facebook-page.token_file"),
        (("channels", 'a "b".c'), 'channels."a \\"b\\".c"'),
        ((), ""),
    ],
)
def test_how_a_path_is_written(path: tuple[str | int, ...], text: str) -> None:
    assert render(path) == text
