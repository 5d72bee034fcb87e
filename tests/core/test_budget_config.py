"""The key `budget:` beside `every:`, and where a price comes from: the kind of probe, or its channel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from failover.config import parse
from failover.config.problems import ConfigError
from failover.config.settings import ProbeSettings, Settings
from failover.contracts import AnyChannelKind, AnyProbeKind, Cost
from tests.core.fake_kinds import FakeKinds

READ, REPORT = Cost(price=0.01, currency="USD", per="day"), Cost(price=0.02, currency="EUR")
HERE = Path(__file__).parents[1]
MINIMAL = (HERE / "configs" / "good" / "minimal.yaml").read_text(encoding="utf-8")


class Billed(FakeKinds):
    """The crowd sells 400 free looks and more of them; the web gives 5000 away; the chat sells its check."""

    def find_probe(self, name: str) -> AnyProbeKind:
        extra = {"crowd": {"cost": REPORT, "per_month": 400}, "web": {"per_month": 5000}}.get(name, {})
        return replace(super().find_probe(name), **extra)

    def find_channel(self, name: str) -> AnyChannelKind:
        found = super().find_channel(name)
        return replace(found, check_cost=READ, check_every=900.0) if name == "chat" else found


def read(entry: str) -> Settings:
    probes = f"{{facebook: {{catalogue: false, probes: [{entry}]}}}}"
    text = MINIMAL.replace("{facebook: {}}", probes)
    return parse(text, Path("/nowhere/config.yaml"), {"GOOD_TOKEN": "tok-secret-1"}, Billed())


def probe(entry: str) -> ProbeSettings:
    (found,) = read(entry).platforms["facebook"].probes
    return found


WEB = "kind: web, url: 'https://a.example.org'"
CROWD = "kind: crowd, company: x, client_secret_env: GOOD_TOKEN"


@pytest.mark.parametrize(
    ("entry", "budget", "cost", "free"),
    [
        (f"{{{WEB}, budget: 300}}", 300, None, 5000),
        (f"{{{WEB}}}", 5000, None, 5000),
        (f"{{{CROWD}}}", None, REPORT, 400),
        (f"{{{CROWD}, budget: 1000}}", 1000, REPORT, 400),
        ("{kind: account, channel: facebook-page}", None, READ, None),
        ("{kind: account, channel: facebook-page, budget: 2000}", 2000, READ, None),
        ("{kind: web, url: 'http://127.0.0.1:1/'}", None, None, 5000),
        ("{kind: web, url: 'http://127.0.0.1:1/', budget: 9}", 9, None, 5000),
    ],
    ids=[
        "own",
        "what-is-free",
        "billed-has-no-end",
        "billed-with-an-end",
        "by-a-channel-that-is-billed",
        "by-a-channel-with-an-end",
        "this-machine",
        "this-machine-with-an-end",
    ],
)
def test_the_budget_is_the_one_written_else_what_is_free(
    entry: str, budget: int | None, cost: Cost | None, free: int | None
) -> None:
    """Where looks are sold beyond the free ones, only the operator can say how many are too many."""
    found = probe(entry)

    assert (found.budget, found.cost, found.free) == (budget, cost, free)


@pytest.mark.parametrize("written", ["0", "-1", "1.5", "true", "much"])
def test_a_budget_is_a_whole_number_of_looks(written: str) -> None:
    with pytest.raises(ConfigError, match=r"probes\[0\].budget: expected"):
        read(f"{{{WEB}, budget: {written}}}")


def test_a_budget_that_is_too_small_for_the_pace_is_worth_a_notice() -> None:
    said = [notice for notice in read(f"{{{WEB}, budget: 1000}}").notices if "a month" in notice]

    (notice,) = said
    assert notice.startswith("platforms.facebook: web may be asked 1000 times a month")
    assert notice.endswith("so in steady times it is asked each 49m and not each 1m")
    assert not any("a month" in notice for notice in read(f"{{{WEB}, budget: 100000}}").notices)


def test_a_channel_says_how_often_it_may_be_asked_about_itself() -> None:
    assert probe("{kind: account, channel: facebook-page}").every == 900
    with pytest.raises(ConfigError, match="this source tolerates one look each 15m"):
        read("{kind: account, channel: facebook-page, every: 5m}")
