"""Kinds are files: found without a list, imported only when asked for."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from failover import registry
from failover.config.kinds import KindError
from failover.contracts import ChannelKind, ProbeKind

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["probes", "channels"])
def test_the_file_name_is_the_kind_and_underscores_are_private(folder: str) -> None:
    files = {path.stem for path in (ROOT / folder).glob("*.py") if not path.name.startswith("_")}

    assert set(registry.names(folder)) == files
    assert files


@pytest.mark.parametrize("name", registry.names("probes"))
def test_every_probe_is_a_kind_and_says_what_it_is(name: str) -> None:
    assert isinstance(registry.find_probe(name), ProbeKind)
    assert registry.summary("probes", name)


@pytest.mark.parametrize("name", registry.names("channels"))
def test_every_channel_is_a_kind_and_says_what_it_is(name: str) -> None:
    assert isinstance(registry.find_channel(name), ChannelKind)
    assert registry.summary("channels", name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wbe", "unknown kind 'wbe'; there are"),
        ("statuspag", "did you mean 'statuspage'?"),
        ("telegram", "'telegram' is one of channels"),
        ("_fetch", "unknown kind '_fetch'"),
        ("os", "unknown kind 'os'"),
        ("../channels/x", "unknown kind"),
        ("", "unknown kind ''"),
    ],
)
def test_unknown_kinds_are_not_imported(name: str, said: str) -> None:
    """A name out of a file never reaches the import system unless it is a kind."""
    with pytest.raises(KindError) as caught:
        registry.find_probe(name)
    assert said in str(caught.value)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plug-ins of its own, in the place of `probes`."""
    package = tmp_path / f"probes_{uuid.uuid4().hex}"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "PROBES", package.name)
    return package


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_vendor_library", "needs the Python module 'no_such_vendor_library', which is not installed"),
        ("from json import no_such_name", "cannot be imported: cannot import name 'no_such_name'"),
        ("def (", "cannot be imported: invalid syntax"),
        ("x = 1", "does not end with KIND = ProbeKind"),
        ("KIND = 'web'", "does not end with KIND = ProbeKind"),
    ],
    ids=["missing library", "older library", "syntax", "no KIND", "another KIND"],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(folder: Path, source: str, said: str) -> None:
    (folder / "pigeon.py").write_text(source)

    with pytest.raises(KindError) as caught:
        registry.find_probe("pigeon")

    assert "pigeon.py" in str(caught.value)
    assert said in str(caught.value)


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    """Listing kinds imports none, and using one imports no other: tweepy is not needed to use Telegram."""
    source = """
import sys
from failover import registry
registry.names("channels"), registry.names("probes"), registry.catalogue()
assert not [name for name in sys.modules if name.startswith(("channels.", "probes."))]
registry.find_channel("site")
kinds = {name for name in sys.modules if name.startswith("channels.") and not name.startswith("channels._")}
assert kinds == {"channels.site"}, kinds
assert "tweepy" not in sys.modules and "telegram" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", source], check=True, cwd=ROOT, timeout=30)


def test_the_catalogue_gives_titles_groups_and_probes() -> None:
    facebook = registry.catalogue()["facebook"]

    assert (facebook.title, facebook.group) == ("Facebook", "meta")
    assert "web" in facebook.probes


@pytest.mark.parametrize("name", [name for name, platform in registry.catalogue().items() if platform.probes])
def test_every_platform_of_the_catalogue_is_a_valid_configuration(name: str) -> None:
    """Its probes' kinds exist, their options are right and their intervals within the sources' limits."""
    from failover.config import parse

    text = f"""
organisation: {{name: Example}}
platforms: {{{name}: {{}}}}
channels: {{board: {{kind: site, folder: public}}}}
"""
    settings = parse(text, Path("/nowhere/config.yaml"), {}, registry)

    assert len(settings.platforms[name].probes) == len(registry.catalogue()[name].probes)
