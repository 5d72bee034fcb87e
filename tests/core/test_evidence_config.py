"""The notice that a platform can never be found DOWN: given where that is so, and nowhere else (rule R1)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from failover import registry
from failover.assembly import watches
from failover.config import parse
from failover.model import Evidence
from failover.replay import library

HERE, SPOKEN, ELSEWHERE = Evidence.HERE, Evidence.SPOKEN, Evidence.ELSEWHERE
OFFICIAL, CROWD = Evidence.OFFICIAL, Evidence.CROWD

URL = "https://a.example.org"
PLAIN = "http://a.example.org"
TWO = ["1.1.1.1", "8.8.8.8"]
ENCRYPTED = [
    "https://cloudflare-dns.com/dns-query",
    "https://dns.google/dns-query",
    "https://dns.quad9.net/dns-query",
]
MONITORS = {"url": URL, "endpoints": ["a"]}
SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"
STATUSGATOR = {"board": "b", "monitors": ["a"], "token": "abc"}

VOTES: list[tuple[str, dict[str, Any], set[Evidence], str]] = [
    ("web", {"url": URL}, {HERE, SPOKEN}, "answers or does not"),
    ("web", {"url": PLAIN}, {HERE, SPOKEN}, "may be sent on to https"),
    ("web", {"url": PLAIN, "expect": {"status": 302}}, {HERE}, "anybody on the way may have said it"),
    ("web", {"url": "http://127.0.0.1:1/", "expect": {"status": 302}}, {HERE, SPOKEN}, "nobody is on the way"),
    ("dns", {"name": "a.example.org"}, {HERE, ELSEWHERE}, "three encrypted voices"),
    ("dns", {"name": "a.example.org", "servers": [*TWO, *ENCRYPTED[:2]]}, {HERE}, "two encrypted voices"),
    ("dns", {"name": "a.example.org", "servers": ["system", *ENCRYPTED]}, {HERE, ELSEWHERE}, "and our own"),
    ("dns", {"name": "a.example.org", "servers": TWO}, {HERE}, "plain voices"),
    ("dns", {"name": "a.example.org", "servers": ["1.1.1.1", "1.0.0.1"]}, set(), "two servers of one owner"),
    ("dns", {"name": "a.example.org", "servers": ["system"]}, set(), "no voice but ours"),
    ("account", {"channel": "page"}, {HERE, SPOKEN}, "as its channel answers"),
    ("anchors", {}, set(), "our own line"),
    ("vantage", {"secret": SECRET}, {ELSEWHERE}, "other machines of ours"),
    ("globalping", {"target": "a.example.org"}, {ELSEWHERE}, "free countries"),
    ("globalping", {"target": "a.example.org", "countries": ["RU", "CN", "DE"]}, set(), "one free country"),
    ("checkhost", {"url": URL}, {ELSEWHERE}, ""),
    ("downforeveryone", {"domain": "a.example.org"}, set(), "doubt"),
    ("downforeveryone", {"domain": "a.example.org", "may_vote": True}, {ELSEWHERE}, "may vote"),
    ("gatus", MONITORS, set(), "no control"),
    ("gatus", {**MONITORS, "controls": ["b"]}, {ELSEWHERE}, "at another place"),
    ("gatus", {**MONITORS, "controls": ["b"], "url": "http://192.168.0.7"}, {HERE}, "on our own network"),
    ("gatus", {**MONITORS, "controls": ["b"], "vantage": "official"}, {OFFICIAL}, "of the platform's owner"),
    ("uptimekuma", {"url": URL, "monitors": ["a"]}, set(), "no control"),
    ("uptimekuma", {"url": URL, "monitors": ["a"], "controls": ["b"], "vantage": "here"}, {HERE}, "on our line"),
    ("upptime", {"repository": "a/b", "sites": ["a"]}, set(), "no control"),
    ("upptime", {"repository": "a/b", "sites": ["a"], "controls": ["b"]}, {ELSEWHERE}, "control"),
    ("statusgator", STATUSGATOR, {OFFICIAL, ELSEWHERE}, "page or looks of its own"),
    ("statusgator", {**STATUSGATOR, "evidence": "crowd"}, {CROWD, ELSEWHERE}, "users or looks of its own"),
    ("statuspage", {"url": URL}, {OFFICIAL}, "whole"),
    ("betterstack", {"url": URL}, {OFFICIAL}, "whole"),
    ("statusio", {"page": "0" * 24}, {OFFICIAL}, "whole"),
    ("cachet", {"url": URL, "components": ["a"]}, {OFFICIAL}, "components"),
    ("incidentio", {"url": URL}, {OFFICIAL}, "whole"),
    ("incidentio", {"url": URL, "widget": True}, set(), "widget"),
    ("instatus", {"url": URL}, set(), "whole"),
    ("instatus", {"url": URL, "components": ["a"]}, {OFFICIAL}, "components"),
    ("appsstatus", {}, set(), "any product"),
    ("appsstatus", {"products": ["Gmail"]}, {OFFICIAL}, "products"),
    ("slack", {}, {OFFICIAL}, "services"),
    ("slack", {"services": []}, set(), "any service"),
    ("metastatus", {"orgs": ["messenger"]}, {OFFICIAL}, "as it is"),
    ("metastatus", {"orgs": ["messenger"], "high": "degraded"}, set(), "doubt only"),
    ("xstatus", {}, set(), "doubt only"),
    ("xstatus", {"major": "down"}, {OFFICIAL}, "as it says"),
    ("feed", {"url": URL}, {OFFICIAL}, "words for an outage"),
    ("feed", {"url": URL, "down_words": []}, set(), "no words for an outage"),
    ("feed", {"url": URL, "mode": "components", "components": ["a"], "down_words": []}, {OFFICIAL}, "components"),
    ("downdetector", {"company": "a", "client_id": "a", "client_secret": "b"}, {CROWD}, ""),
]


@pytest.mark.parametrize(
    ("kind", "options", "classes"),
    [pytest.param(kind, options, classes, id=f"{kind} {why}".strip()) for kind, options, classes, why in VOTES],
)
def test_a_kind_says_as_what_its_votes_can_count(kind: str, options: dict[str, Any], classes: set[Evidence]) -> None:
    found = registry.find_probe(kind)
    assert found.votes_as(found.options.model_validate(options)) == classes


def test_every_kind_is_in_the_table() -> None:
    assert {kind for kind, *_rest in VOTES} == {*registry.names("probes")}


WEB: dict[str, Any] = {"kind": "web", "url": URL}
OTHER_WEB = {"kind": "web", "url": f"{URL}/other"}
DNS = {"kind": "dns", "name": "a.example.org"}
PLAIN_DNS = DNS | {"servers": TWO}
PAGE = {"kind": "statuspage", "url": URL}
GATUS = {"kind": "gatus", **MONITORS}
NEAR = GATUS | {"url": "http://192.168.0.7", "controls": ["b"]}
HINT = {"kind": "downforeveryone", "domain": "a.example.org"}
REDIRECT = {"kind": "web", "url": PLAIN, "expect": {"status": 302}}


def notices(probes: list[dict[str, Any]], *, classes: int = 2, channel: bool = False) -> list[str]:
    """What is said of the evidence about a platform with these probes, and with a channel of ours on it."""
    stands_on = {"platform": "example"} if channel else {}
    text = {
        "organisation": {"name": "A"},
        "platforms": {"example": {"group": "example", "probes": probes}},
        "judgement": {"confirm": {"classes": classes}},
        "channels": {"hook": {"kind": "webhook", "url": f"{URL}/hook", "secret_plain": SECRET, **stands_on}},
    }
    said = parse(json.dumps(text), Path("/nowhere/config.yaml"), {}, registry).notices
    return [one for one in said if "an outage is suspected there and never confirmed" in one]


@pytest.mark.parametrize(
    ("probes", "classes"),
    [
        pytest.param([WEB, PAGE], 2, id="two-classes"),
        pytest.param([WEB, OTHER_WEB], 2, id="one-page-is-silent-while-the-other-says-error"),
        pytest.param([WEB, DNS], 2, id="dns-as-elsewhere"),
        pytest.param([WEB, PLAIN_DNS], 2, id="dns-as-here-and-the-page-says-error"),
        pytest.param([WEB, GATUS | {"controls": ["b"]}], 2, id="a-monitor-elsewhere"),
        pytest.param([WEB, OTHER_WEB, PAGE], 3, id="three-are-asked-for"),
    ],
)
def test_nothing_is_said_where_an_outage_can_be_confirmed(probes: list[dict[str, Any]], classes: int) -> None:
    assert notices(probes, classes=classes) == []


@pytest.mark.parametrize(
    ("probes", "classes", "said"),
    [
        pytest.param([WEB], 2, "give evidence of one class only (here or spoken)", id="one-class-at-a-time"),
        pytest.param([PAGE], 2, "give evidence of one class only (official)", id="one-class"),
        pytest.param([PAGE, PAGE | {"components": ["a"]}], 2, "one class only (official)", id="two-of-one-class"),
        pytest.param([REDIRECT, PLAIN_DNS], 2, "one class only (here)", id="dns-that-never-votes-as-elsewhere"),
        pytest.param([PLAIN_DNS, NEAR], 2, "one class only (here)", id="a-monitor-on-our-own-network"),
        pytest.param([PAGE, GATUS], 2, "one class only (official)", id="a-monitor-without-controls-never-votes"),
        pytest.param([HINT], 2, "as they are configured, raise doubt at the most and never vote", id="no-votes"),
        pytest.param([WEB, PAGE], 3, "2 classes at a time only (here or official or spoken)", id="two-of-three"),
    ],
)
def test_it_is_said_where_none_ever_can(probes: list[dict[str, Any]], classes: int, said: str) -> None:
    [only] = notices(probes, classes=classes)

    assert only.startswith("platforms.example: its probes")
    assert said in only
    assert only.endswith("unless a person declares it")


@pytest.mark.parametrize(
    ("probes", "classes", "helped"),
    [
        pytest.param([PAGE], 2, True, id="a-failing-post-is-the-second-class"),
        pytest.param([WEB], 2, True, id="a-failing-post-beside-a-page"),
        pytest.param([HINT], 2, False, id="not-where-nothing-else-votes"),
        pytest.param([PAGE], 3, False, id="not-where-three-are-needed"),
    ],
)
def test_a_post_that_fails_is_evidence_too(probes: list[dict[str, Any]], classes: int, helped: bool) -> None:
    [only] = notices(probes, classes=classes, channel=True)

    assert only.endswith("unless a person declares it or a post of ours fails there as well") is helped


def test_the_verdict_knows_which_looks_are_pages_which_ask_for_a_name_and_which_are_of_our_account() -> None:
    rules = watches(library.organisation(None, {}))["facebook"].rules

    assert (rules.pages, rules.lookups, rules.accounts) == ({"web", "api"}, {"dns"}, {"account"})
