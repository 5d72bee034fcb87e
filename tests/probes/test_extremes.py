"""Numbers and dates that are allowed and absurd: "could not tell", never an exception."""

from __future__ import annotations

from typing import Any

import pytest

from probes._budget import Budget
from probes._entries import read_feed
from probes._json import identifier
from probes._official import timestamp
from probes._views import Reach
from probes.checkhost import Check, read_check, views_of
from probes.downdetector import describe_spike

NOW = 1_795_172_400.0


def nested(depth: int = 100_000) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "written",
    [
        "99999-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "2100-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-20T11:00:00+99:99",
        "1e400",
        "NaN",
        "inf",
        "9" * 400,
        "2026-11-20T11:00:00Z" + " " * 100,
        "\ud800",
        float("nan"),
        float("inf"),
        10**400,
        -1,
        True,
        None,
        nested(),
    ],
    ids=lambda written: repr(written)[:25] if isinstance(written, str | int | float) else type(written).__name__,
)
def test_a_date_that_no_page_can_bear_is_none(written: object) -> None:
    assert timestamp(written) is None


@pytest.mark.parametrize(
    "written",
    [
        "Fri, 20 Nov 99999 11:00:00 GMT",
        "Fri, 20 Nov 2026 11:00:00 +9999",
        "Fri, 20 Nov 2026 11:00:00 -99999999999999",
        "Fri, 20 Nov 2026 99:99:99 GMT",
        "Fri, 31 Feb 2026 11:00:00 GMT",
        "20 Nov 9999 23:59:59 -2359",
        "20 Nov 1900 11:00:00 GMT",
        "1 2 3 4 5 6 7",
        "9" * 60,
        "-1",
    ],
)
def test_an_entry_with_such_a_date_is_read_without_it(written: str) -> None:
    body = f'<rss version="2.0"><channel><item><title>a</title><pubDate>{written}</pubDate></item></channel></rss>'
    [entry] = read_feed(body.encode()).entries
    assert entry.changed_at is None


@pytest.mark.parametrize(
    "value",
    [10**18, -(10**18), 10**5000, 1e400, float("nan"), 1.5, True, None, nested()],
    ids=["long", "low", "longer-than-python-writes", "endless", "none", "broken", "yes", "null", "deep"],
)
def test_a_number_that_is_no_id_is_none(value: object) -> None:
    assert identifier({"id": value}, "id") == ""


@pytest.mark.parametrize("reports", [1e400, float("nan"), -1, 10**400, True, "9", None])
def test_a_spike_is_told_in_numbers_that_can_be(reports: object) -> None:
    assert describe_spike(reports, 44) == ""
    assert describe_spike(9800, reports) == "9,800 reports in 15 minutes"


@pytest.mark.parametrize("number", ["9" * 400, "-1", "1e9", "nan", "inf", "٣", "", " 7"])
def test_a_quota_in_no_number_is_none(number: str) -> None:
    """A "too many" that does not say for how long keeps us away for ten minutes, whatever else it says."""
    budget = Budget(100)
    headers = {"x-ratelimit-remaining": number, "x-ratelimit-reset": number, "retry-after": number}
    budget.heard(NOW, headers)
    assert budget.refusal(NOW, 1) == ""
    budget.heard(NOW, headers, refused=True)
    assert [bool(budget.refusal(NOW + after, 1)) for after in (599.0, 600.0)] == [True, False]


@pytest.mark.parametrize(
    "value", [nested(), {"a": nested()}, 10**4299, 1e400, True], ids=["deep", "object", "long", "endless", "yes"]
)
def test_a_node_says_nothing_in_what_is_neither_text_nor_number(value: object) -> None:
    check = read_check({"ok": 1, "request_id": "a", "nodes": {"a": [value] * 5}})
    assert isinstance(check, Check)
    assert check.nodes == {"a": ("", "")}
    seen = views_of(Check(key="a", nodes={"a": ("AS1", "DE")}), {"a": [[1, 0.1, value, value, value]]})
    assert seen["a"].reach is Reach.CANNOT_TELL
