"""`failover preview`: every message as it will look, measured by its channel, without any secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from failover.cli import main
from failover.preview import PreviewError, data, lines, preview

NOW = 1_795_000_000.0

CONFIG = """\
organisation: {name: Example Council, timezone: Europe/London, website: "https://www.example.org"}
platforms: {facebook: {}, instagram: {}}
channels:
  telegram: {kind: telegram, platform: telegram, chat: "@examplecouncil", token_file: nowhere}
  page: {kind: site, title: our page, folder: public}
  rehearsal: {kind: site, practice: true, folder: other}
routes:
  - {primary: [facebook, instagram], backups: [telegram, page]}
messages:
  holding:
    default: "{{ platforms }} {{ is_are }} down. We are on {{ elsewhere }}."
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def test_each_channel_has_each_statement_in_the_words_it_will_hear(file: Path) -> None:
    samples = {(one.channel, one.statement.value): one for one in preview(file, {}, NOW)}

    holding = samples["telegram", "holding"]
    assert holding.wording.text.startswith("Facebook and Instagram are down. We are on our page.")
    assert holding.measure.used == len(holding.wording.text)
    assert holding.source == "default"
    assert "1 hour 30 minutes" in samples["page", "welcome_back"].wording.text
    assert ("telegram", "drill") not in samples


def test_a_practice_channel_says_drill_in_everything(file: Path) -> None:
    texts = [one.wording.text for one in preview(file, {}, NOW) if one.channel == "rehearsal"]

    assert len(texts) > 3
    assert all("DRILL" in text for text in texts)


def test_one_may_ask_for_one_statement_of_one_platform(file: Path) -> None:
    samples = preview(file, {}, NOW, platforms=["instagram"], statements=["holding"])

    assert {one.statement.value for one in samples} == {"holding"}
    assert samples[0].wording.text.startswith("Instagram is down.")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"platforms": ["instagrm"]}, "there is no platform 'instagrm'; did you mean 'instagram'?"),
        ({"statements": ["zzz"]}, "there is no statement 'zzz'; there are holding, again, intermittent, update"),
    ],
)
def test_what_cannot_be_shown_is_named(file: Path, asked: dict[str, list[str]], error: str) -> None:
    with pytest.raises(PreviewError) as caught:
        preview(file, {}, NOW, **asked)  # type: ignore[arg-type]
    assert str(caught.value).startswith(error)


def test_an_ordinary_post_is_shown_where_it_is_asked_for(file: Path) -> None:
    """As it would be published: with its reference, measured; on no practice channel, and not unasked."""
    assert "post" not in {one.statement.value for one in preview(file, {}, NOW)}
    telegram, page = preview(file, {}, NOW, statements=["post"])

    assert (telegram.channel, page.channel) == ("telegram", "page")
    assert telegram.wording.text == "The library is open until 20:00 tonight. (P7-181106)"
    assert telegram.measure.used == len(telegram.wording.text)
    assert telegram.note == "12 of them for the reference; up to 1 picture"
    [_channel, head, title, text, *_rest] = lines([telegram])
    assert head == "  post [52 of 4096 characters (UTF-16), a sample] 12 of them for the reference; up to 1 picture"
    assert title.strip() == "Library opening hours"
    assert text.strip().startswith("| The library")


def test_a_post_stands_with_the_other_messages_of_its_channel(file: Path) -> None:
    samples = preview(file, {}, NOW, statements=["post", "holding"])

    order = [one.channel for one in samples]
    assert order == sorted(order, key=["telegram", "page", "rehearsal"].index)
    assert data(samples)[1]["words"] == "sample"


@pytest.mark.parametrize(
    ("statement", "practice", "error"),
    [
        ("drill", "", "no channel can be asked to say 'drill': none is marked `practice: true`"),
        ("post", "practice: true, ", "no channel can be asked to say 'post': all are practice channels"),
    ],
)
def test_what_no_channel_says_is_said(file: Path, statement: str, practice: str, error: str) -> None:
    """Nothing is ever shown as nothing."""
    text = CONFIG.partition("channels:")[0]
    file.write_text(f"{text}channels:\n  page: {{kind: site, {practice}folder: public}}\n", encoding="utf-8")

    with pytest.raises(PreviewError) as caught:
        preview(file, {}, NOW, statements=[statement])
    assert str(caught.value) == error


def test_it_is_shown_channel_by_channel_and_for_programs(file: Path) -> None:
    samples = preview(file, {}, NOW, statements=["holding"])
    shown = list(lines(samples))

    assert shown[0] == "telegram (Telegram)"
    assert shown[1].startswith("  holding [")
    assert all(len(line) <= 100 for line in shown)
    assert json.loads(json.dumps(data(samples)))[0]["channel"] == "telegram"


def test_the_command(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "-c", str(file), "--statement", "holding"]) == 0
    assert "Facebook and Instagram are down." in capsys.readouterr().out
    assert main(["preview", "-c", str(file), "--platform", "x"]) == 1
    assert "there is no platform 'x'" in capsys.readouterr().err
    assert main(["preview", "-c", str(file), "--statement", "hold"]) == 2
    assert "there is no statement 'hold'" in capsys.readouterr().err
    file.write_text("organisation: 7\n", encoding="utf-8")
    assert main(["preview", "-c", str(file)]) == 78
    assert ":1:" in capsys.readouterr().err
