"""A drill on the practice internet: shipping rules and channels, real steps, made-up waiting, DRILL everywhere."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from failover import registry
from failover.config import parse
from failover.config.settings import Settings
from failover.delivery import Delivery, Phase
from failover.model import Statement
from failover.practice.rehearsal import Record, rehearse
from failover.practice.story import Story, moments
from failover.show_rehearsal import data, lines, show

CONFIG = """\
organisation: {name: Example Council, timezone: Europe/London, website: "https://www.example.org"}
platforms: {facebook: {}, instagram: {}, telegram: {}, x: {}}
channels:
  facebook-page: {kind: facebook, platform: facebook, page: "987654", token_file: t}
  telegram: {kind: telegram, platform: telegram, chat: "@realcouncil", token_file: t, pin: true}
  group: {kind: telegram, platform: telegram, chat: -1005556667778, token_file: t, operators_chat: -1004443332221}
  x: {kind: x, platform: x, consumer_key_file: a, consumer_secret_file: b, access_token_file: c,
    access_token_secret_file: d}
  email: {kind: email, host: smtp.real.example.net, username: u, password_file: p, sender: news@example.org,
    recipients_file: people.csv}
  blog: {kind: wordpress, url: "https://blog.real.example.net", username: failover, password_file: w}
  letters: {kind: email, folder: outbox, sender: news@example.org, recipients: [resident@real.example.net]}
  page: {kind: site, folder: public}
  hook: {kind: webhook, url: "https://hooks.real.example.net/in", secret_file: h}
  rehearsal: {kind: site, folder: drill, practice: true}
routes:
  - primary: [facebook-page, instagram]
    backups: [telegram, group, x, email, blog, page, {channel: hook, after: 30m}]
  - {primary: [telegram], backups: [x, letters, page], reach: 1}
sign_off:
  holding: required
  channels: {x: automatic, blog: veto}
  approvers:
    - {name: Ann, telegram: 111222333, email: ann@real.example.net}
    - {name: Bob, email: bob@real.example.net, group: deputies}
limits: {update_every: 1h}
"""

HEARERS = {"telegram", "group", "x", "email", "blog", "page", "hook"}


def settings_of(folder: Path, text: str = CONFIG) -> Settings:
    return parse(text, folder / "config.yaml", {}, registry, example=True)


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, float]:
    """One full drill with everything in it, and how many seconds it took altogether."""
    settings, begun = settings_of(tmp_path_factory.mktemp("house")), time.monotonic()
    return rehearse(settings, registry, "facebook", full=True), time.monotonic() - begun


@pytest.fixture(scope="module")
def record(timed: tuple[Record, float]) -> Record:
    return timed[0]


def rows(record: Record, statement: Statement) -> dict[str, Delivery]:
    return {row.channel: row for row in record.deliveries if row.statement is statement}


def test_everybody_hears_each_statement_once_and_shows_it(record: Record) -> None:
    """By the books of the practice services themselves; who stands on the platform is only welcomed back."""
    assert record.troubles == []
    for statement in (Statement.HOLDING, Statement.UPDATE):
        assert {name for name, row in rows(record, statement).items() if row.phase is Phase.SENT} == HEARERS
    assert {*rows(record, Statement.WELCOME_BACK)} == HEARERS | {"facebook-page"}
    shown = {name: len(texts) for name, texts in record.shown.items()}
    assert shown == {**dict.fromkeys(HEARERS, 3), "facebook-page": 1, "letters": 0, "rehearsal": 0}
    for row in record.deliveries:
        assert sum(row.reference in text for text in record.shown[row.channel]) == 1


def test_every_text_says_drill_and_every_statement_is_one_of_a_drill(record: Record) -> None:
    assert all("DRILL" in row.text and "DRILL" in row.subject for row in record.deliveries)
    assert all("DRILL" in text for texts in record.shown.values() for text in texts)
    assert all(statement.drill for statement in record.statements)


def test_what_is_waited_for_has_its_full_length_on_the_drills_clock(record: Record) -> None:
    """Though nobody sits through it."""
    holding, onset = rows(record, Statement.HOLDING), record.onset
    judgement = record.settings.judgement
    assert record.incident is not None
    assert record.incident.opened_at - onset >= judgement.confirm.for_
    assert holding["telegram"].began - holding["telegram"].created_at >= 120.0
    assert holding["blog"].began - holding["blog"].created_at >= record.settings.sign_off.veto_for
    assert holding["hook"].began - record.incident.opened_at >= 1800.0
    assert record.back is not None
    assert (record.incident.closed_at or 0.0) - record.back >= judgement.recover.for_
    said = rows(record, Statement.UPDATE)["telegram"]
    assert said.created_at - holding["telegram"].created_at >= 3600.0


def test_what_is_under_way_is_measured_and_never_skipped(timed: tuple[Record, float]) -> None:
    """No step took longer than the whole drill did, though an hour and a half of its clock went by."""
    record, whole = timed
    took = [row.ended_at - row.began for row in record.deliveries] + [one.took for one in record.asked]
    assert record.asked
    assert all(0 < seconds < whole for seconds in took)


def test_who_is_asked_is_asked_over_the_wire_and_answers_by_the_button(record: Record) -> None:
    """By Telegram and by mail; the deputy only after a time that the drill does not let pass."""
    holding = {one.id: one for one in record.statements if one.kind is Statement.HOLDING}
    [required] = [one for one in holding.values() if one.mode == "required"]
    asked = {(one.person, one.way) for one in record.asked if one.statement == required.id}
    assert asked == {("Ann", "Telegram"), ("Ann", "e-mail")}
    assert required.decided_by == "Ann (Telegram)"
    [vetoable] = [one for one in holding.values() if one.mode == "veto"]
    assert vetoable.decision == ""


def test_the_story_is_told_in_order_with_lengths_and_nobodys_address(record: Record) -> None:
    story = Story(record, registry)
    text = "\n".join(lines(story, "No channel is marked."))

    assert story.good
    assert text.startswith("This is a drill on the practice internet: nothing leaves this machine")
    assert "rehearsal: takes no part: it is kept for drills on practice channels" in text
    for sentence in (
        "somebody must approve",
        "if nobody answers, Bob after 20m would be asked too",
        "Ann is asked about 1H by Telegram, took ",
        "Nobody has objected to ",
        "Facebook works again.",
        "of 280 weighted characters] said, took ",
        "Everything went as it should.",
    ):
        assert sentence in text
    assert "real.example.net" not in text
    assert all(len(line) <= 101 for line in text.splitlines())


def test_programs_get_the_same(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(record, registry, "", as_json=True) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["drill"], told["good"], told["channels"]["rehearsal"]) == ("practice internet", True, "practice")
    assert told["channels"]["x"] == "played"
    assert [one["after"] for one in told["moments"]] == sorted(one["after"] for one in told["moments"])
    message = next(one for one in told["messages"] if one["channel"] == "x" and one["kind"] == "holding")
    assert message["phase"] == "sent"
    assert message["used"] <= message["limit"] == 280
    assert message["took"] > 0


def test_what_its_service_does_not_show_was_not_said(record: Record) -> None:
    """The practice service's books are believed, not the receipt."""
    story = Story(replace(record, shown={**record.shown, "x": []}), registry)

    assert not story.good
    assert "said, but its practice service does not show it" in "\n".join(lines(story, ""))
    assert next(one.told for one in Story(replace(record, shown={}), registry).fates) == "rendered only"


def test_a_trouble_is_told_and_is_no_success(record: Record) -> None:
    story = Story(replace(record, troubles=["a bug in the courier (KeyError)"]), registry)

    assert not story.good
    assert [*lines(story, "")][-2:] == [
        "Trouble: a bug in the courier (KeyError).",
        "NOT everything went as it should; see above.",
    ]


def test_an_outage_of_the_way_to_ask_is_found_by_the_drill(tmp_path: Path) -> None:
    """Telegram is down: Ann has another way; with no other one, the drill has found a hole in the plan."""
    record = rehearse(settings_of(tmp_path), registry, "telegram", full=False)
    assert [(one.person, one.way) for one in record.unasked] == [("Ann", "Telegram")]
    assert record.troubles == []
    assert "Ann cannot be asked by Telegram" in " ".join(one.what for one in moments(Story(record, registry)))
    assert {name: row.phase for name, row in rows(record, Statement.HOLDING).items()} == {
        "x": Phase.SENT,
        "letters": Phase.STANDBY,
        "page": Phase.STANDBY,
    }
    assert record.back is None

    alone = CONFIG.replace(", email: ann@real.example.net", "")
    record = rehearse(settings_of(tmp_path, alone), registry, "telegram", full=False)
    assert record.troubles == ["Ann could not be asked"]


def test_maintenance_that_is_on_keeps_nobody_from_rehearsing(tmp_path: Path) -> None:
    """And what is too long only with the mark before it is no fault of the plan."""
    x = "a" * 258
    text = f"{CONFIG}maintenance:\n  - {{platform: x, every: day, from: '00:00', until: '23:59'}}\n"
    text = text.replace("  - {primary: [telegram]", "  - {primary: [x], backups: [page]}\n  - {primary: [telegram]")
    text = text.replace("  holding: required\n", "") + f"messages:\n  holding:\n    x: {x}\n"
    settings = settings_of(tmp_path, text)
    record = rehearse(settings, registry, "x", full=False)
    assert rows(record, Statement.HOLDING)["page"].phase is Phase.SENT

    record = rehearse(settings, registry, "telegram", full=False)
    story = Story(record, registry)
    told = {one.row.channel: one.told for one in story.fates}
    assert told["x"] == "not said: with DRILL before it it is too long; without it, it fits"
    assert story.good


def test_where_no_route_leads_nothing_would_be_said(tmp_path: Path) -> None:
    text = CONFIG.replace("  - {primary: [telegram], backups: [x, letters, page], reach: 1}\n", "")
    record = rehearse(settings_of(tmp_path, text), registry, "telegram", full=False)
    story = Story(record, registry)

    assert not story.good
    assert [*lines(story, "")][-1].startswith("Nothing would be said: no route names Telegram")


def test_data_of_a_drill_that_was_not_full_has_no_end(tmp_path: Path) -> None:
    text = CONFIG.replace("  holding: required\n", "").replace("channels: {x: automatic, blog: veto}", "")
    record = rehearse(settings_of(tmp_path, text), registry, "telegram", full=False)
    told: Any = data(Story(record, registry))

    assert told["good"]
    assert {one["kind"] for one in told["messages"]} == {"holding"}
    assert told["asked"] == []
