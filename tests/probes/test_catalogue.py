"""The catalogue: every ready-made probe is valid, polite, without secrets, and means what it says in any YAML."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

import probes
from failover.contracts import AnyProbeKind, parse_duration

CATALOGUE = Path(probes.__file__).with_name("catalogue.yaml")
PLATFORMS: dict[str, Any] = yaml.safe_load(CATALOGUE.read_text("utf-8"))
ENTRIES = [(platform, name) for platform, known in PLATFORMS.items() for name in known["probes"]]

PROMISED = {
    "facebook", "instagram", "whatsapp", "messenger", "threads", "x", "telegram", "linkedin", "youtube", "tiktok",
    "reddit", "discord", "bluesky", "mastodon", "wordpress.com", "mailchimp", "slack", "gmail",
}  # fmt: skip
META = {"facebook", "instagram", "whatsapp", "messenger", "threads"}

WITHOUT_CREDENTIALS = {"web", "dns", "statuspage", "feed", "slack", "appsstatus", "xstatus"}
SHORTEST = {
    "statuspage": 60.0,
    "feed": 120.0,
    "web": 60.0,
    "dns": 30.0,
    "slack": 60.0,
    "appsstatus": 120.0,
    "xstatus": 120.0,
}
"""Seconds that these sources tolerate; metastatus.com wants longer pauses, see below."""


def kind_of(name: str) -> AnyProbeKind:
    found: AnyProbeKind = importlib.import_module(f"probes.{name}").KIND
    return found


def test_the_promised_platforms_are_there() -> None:
    """Neither fewer nor, by a slip of indentation, more."""
    assert set(PLATFORMS) == PROMISED


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_has_a_title_a_group_and_probes(platform: str) -> None:
    """Only Mastodon has no probe, because there is no central Mastodon; only Meta's platforms share a group."""
    known = PLATFORMS[platform]
    assert set(known) <= {"title", "group", "probes"}
    assert known["title"].strip()
    assert known.get("group") == ("meta" if platform in META else None)
    assert bool(known["probes"]) is (platform != "mastodon")


@pytest.mark.parametrize(("platform", "name"), ENTRIES)
def test_a_probe_is_valid_for_its_kind(platform: str, name: str) -> None:
    """Every option is one that the kind knows, of the right form, and no kind needs a credential."""
    entry = dict(PLATFORMS[platform]["probes"][name])
    kind, every = entry.pop("kind"), parse_duration(entry.pop("every"))
    assert kind in WITHOUT_CREDENTIALS
    kind_of(kind).options.model_validate(entry)
    assert every >= kind_of(kind).every
    assert every >= SHORTEST[kind]


@pytest.mark.parametrize(("platform", "name"), ENTRIES)
def test_metastatus_is_asked_rarely_and_seldom_votes(platform: str, name: str) -> None:
    """Its feeds are undocumented: 300 s apart, only what is open, and only Facebook Login may vote."""
    entry = PLATFORMS[platform]["probes"][name]
    if "metastatus.com" not in entry.get("url", ""):
        assert not name.startswith("metastatus")
        return
    assert name.startswith("metastatus")
    assert (entry["mode"], parse_duration(entry["every"]) >= 300) == ("open_only", True)
    assert bool(entry["down_words"]) is (name == "metastatus-login")


@pytest.mark.parametrize(("platform", "name"), ENTRIES)
def test_a_status_page_is_identified(platform: str, name: str) -> None:
    """A page is known by its own id, so that a moved or foreign one is noticed."""
    entry = PLATFORMS[platform]["probes"][name]
    assert entry["kind"] != "statuspage" or entry["page"]


@pytest.mark.parametrize(("platform", "name"), ENTRIES)
def test_addresses_are_secure_and_hold_no_secret(platform: str, name: str) -> None:
    """https, no user, no token in the query; the platform's answer cannot be forged on the way."""
    entry = PLATFORMS[platform]["probes"][name]
    if "url" in entry:
        parts = urlsplit(entry["url"])
        assert (parts.scheme, parts.username, parts.password) == ("https", None, None)
    assert not {"token", "secret", "password", "client_id", "access_token"} & set(entry)
    assert not any(word in str(entry).lower() for word in ("token=", "key=", "secret"))


def scalars(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in (key, *scalars(inner))]
    return [found for inner in value for found in scalars(inner)] if isinstance(value, list) else [value]


def test_every_word_is_the_same_in_any_yaml() -> None:
    """Nothing that one version of YAML reads as text and another as truth value, date, number to base 60 or null."""
    assert {type(value) for value in scalars(PLATFORMS)} <= {str, int}
    plain = yaml.load(CATALOGUE.read_text("utf-8"), Loader=yaml.BaseLoader)
    risky = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ""}
    assert not [value for value in scalars(plain) if value.lower() in risky]


def test_no_key_is_given_twice() -> None:
    """PyYAML keeps the last of two equal keys in silence."""
    node = yaml.compose(CATALOGUE.read_text("utf-8"))
    assert node is not None
    assert not _doubled(node)


def _doubled(node: yaml.Node) -> list[str]:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        inner = [name for _, value in node.value for name in _doubled(value)]
        return inner + [key for key in keys if keys.count(key) > 1]
    return [name for value in node.value for name in _doubled(value)] if isinstance(node, yaml.SequenceNode) else []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_probe_says_what_it_is_worth(platform: str) -> None:
    """Whoever reads the file finds a caveat beside each platform, not only in the heading."""
    text = CATALOGUE.read_text("utf-8")
    section = text[text.index(f"\n{platform}:") + 1 :].split("\n\n")[0]
    assert "#" in section
