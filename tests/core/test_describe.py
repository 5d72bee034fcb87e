"""What `failover kinds` and `failover check` print."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover import registry
from failover.config.kinds import KindError
from failover.describe import check, example_options, kind, kinds

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.yaml"


def test_a_good_configuration_is_summed_up() -> None:
    lines, code = check(EXAMPLE, {})

    text = "\n".join(lines)
    assert code == 0
    assert lines[0] == f"{EXAMPLE}: ok"
    assert "facebook, instagram, whatsapp  -> letters, statuspage  (all of them)" in text
    assert "of 10000 characters" in text
    assert "web (1m)" in text


def test_a_bad_configuration_gives_every_problem_and_code_78(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("organisation: {name: Example}\nchannels: {}\n")

    lines, code = check(tmp_path / "c.yaml", {})

    assert code == 78
    assert lines == [
        f"{tmp_path}/c.yaml:1:1: platforms: missing: what can go down",
        f"{tmp_path}/c.yaml:2:1: channels: expected a mapping that says where you can speak",
        "2 problems",
    ]


def test_notices_are_shown(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "organisation: {name: Example}\nplatforms: {x: {}}\nchannels: {site: {kind: site, folder: public}}\n"
    )

    lines, code = check(tmp_path / "c.yaml", {})

    assert code == 0
    assert "note: there are no routes: outages are seen and recorded, and nothing is said" in lines


def test_every_kind_is_listed_with_its_evidence_or_limit() -> None:
    lines = [line.split() for line in kinds().splitlines()]

    listed = [words[0] for words in lines if words]
    for name in (*registry.names("probes"), *registry.names("channels")):
        assert name in listed
    assert ["dns", "elsewhere"] in [words[:2] for words in lines]
    assert ["x", "280", "weighted"] in [words[:3] for words in lines]


@pytest.mark.parametrize("name", [*registry.names("probes"), *registry.names("channels")])
def test_the_portrait_of_a_kind_has_its_options_and_its_example(name: str) -> None:
    text = kind(name)

    assert "Options" in text
    assert "Example" in text
    assert "kind:" in text.partition("Example")[2]


def test_options_are_described_as_they_are_written() -> None:
    """Secrets by the keys that name their file or variable, types in words, defaults in YAML."""
    rows = [" ".join(line.split()) for line in kind("telegram").splitlines()]

    assert any(row.startswith("token_file or token_env secret required") for row in rows)
    assert any(row.startswith("timeout duration 20s") for row in rows)
    assert any(row.startswith("pin true or false false") for row in rows)


@pytest.mark.parametrize("name", registry.names("probes"))
def test_the_example_of_every_probe_is_valid(name: str) -> None:
    assert example_options(registry.find_probe(name)) is not None


@pytest.mark.parametrize("name", [name for name in registry.names("channels") if name != "webhook"])
def test_the_example_of_every_channel_is_valid(name: str) -> None:
    """(A webhook's secret has a form of its own, so a made-up one will not do.)"""
    assert example_options(registry.find_channel(name)) is not None


def test_an_unknown_kind() -> None:
    with pytest.raises(KindError, match="unknown kind 'telegramm'; did you mean 'telegram'"):
        kind("telegramm")


def test_a_kind_whose_library_is_missing_does_not_spoil_the_list(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "practice_channels"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "pigeon.py").write_text("import no_such_pigeon_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "CHANNELS", "practice_channels")

    text = kinds()

    assert "not usable" in text
    assert "no_such_pigeon_library" in text
    assert "statuspage" in text
