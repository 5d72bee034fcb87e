"""The section `sign_off`: what may be written, what is wrong with it, and who asks (rules S5, O1)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from failover import registry
from failover.assembly import house
from failover.config import parse
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.model import Statement
from tests.core.stories import Paper

H, U, W = Statement.HOLDING, Statement.UPDATE, Statement.WELCOME_BACK

BASE = {
    "organisation": {"name": "Example Council"},
    "platforms": {"facebook": {}},
    "channels": {
        "rehearsal": {"kind": "telegram", "practice": True, "chat": -1001, "token_file": "token"},
        "telegram": {"kind": "telegram", "platform": "telegram", "chat": "@examplecouncil", "token_file": "other"},
        "files": {"kind": "email", "folder": "out", "sender": "n@example.org", "recipients": ["a@example.org"]},
        "email": {"kind": "email", "host": "localhost", "sender": "n@example.org", "recipients": ["a@example.org"]},
    },
    "routes": [{"primary": ["facebook"], "backups": ["telegram", "email"]}],
}  # fmt: skip


def read(tmp_path: Path, **sign_off: object) -> Settings:
    text = yaml.safe_dump({**BASE, "sign_off": sign_off}, sort_keys=False)
    return parse(text, tmp_path / "config.yaml", {}, registry, example=True)


def test_a_channel_has_its_own_mode_for_all_kinds_or_for_each(tmp_path: Path) -> None:
    found = read(tmp_path, holding="veto", channels={"telegram": "required", "email": {"welcome_back": "automatic"}})
    modes = {
        name: [found.sign_off.mode(kind, name) for kind in (H, U, W)] for name in ("telegram", "email", "files", "")
    }
    assert modes == {
        "telegram": ["required", "required", "required"],
        "email": ["veto", "automatic", "automatic"],
        "files": ["veto", "automatic", "automatic"],
        "": ["veto", "automatic", "automatic"],
    }
    signing = house(found, registry, Paper()).signing
    assert signing.modes["telegram", H] == "required"
    assert signing.modes["email", H] == "veto"


@pytest.mark.parametrize(
    ("written", "kinds"), [(True, {H, U, W}), (False, set()), (["holding"], {H})], ids=["all", "none", "one"]
)
def test_two_persons_for_all_kinds_or_some(tmp_path: Path, written: object, kinds: set[Statement]) -> None:
    assert house(read(tmp_path, two_persons=written), registry, Paper()).signing.two_persons == kinds


@pytest.mark.parametrize(
    ("sign_off", "problem"),
    [
        ({"channels": {"telegrm": "veto"}}, "sign_off.channels.telegrm: there is no channel 'telegrm'; did you mean"),
        ({"channels": {"telegram": "requird"}}, "did you mean 'required'?"),
        ({"ask_by": ["mail"]}, "sign_off.ask_by[0]: there is no channel 'mail'; did you mean 'email'?"),
        ({"ask_by": ["files"]}, "'files' cannot carry a question; expected a telegram channel, or an email channel"),
        ({"two_persons": ["holdings"]}, "sign_off.two_persons[0]: expected 'holding', 'update' or 'welcome_back'"),
        ({"if_nobody": "publish"}, "sign_off.if_nobody: expected 'expire' or 'release'"),
        ({"approvers": [{"name": "A", "email": "jack"}]}, "approvers[0].email: expected an e-mail address"),
        (
            {"approvers": [{"name": "A", "telegram": 5}, {"name": "B", "telegram": 5}]},
            "sign_off.approvers[1].telegram: another approver has the same; they must be told apart",
        ),
        ({"approvers": [{"name": "A"}, {"name": "A"}]}, "sign_off.approvers[1].name: another approver has the same"),
        ({"valid_for": "soon"}, "sign_off.valid_for: expected a duration"),
    ],
    ids=["channel", "mode", "ask_by", "folder", "two", "nobody", "address", "number", "name", "duration"],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, sign_off: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **sign_off)
    said = [str(one) for one in caught.value.problems]
    assert any(problem in one for one in said), said
    assert not any("jack" in one for one in said), "what was written may be somebody's address"


@pytest.mark.parametrize(
    ("sign_off", "bot", "server"),
    [
        ({}, "rehearsal", "email"),
        ({"ask_by": ["telegram"]}, "telegram", None),
        ({"ask_by": ["email", "telegram"]}, "telegram", "email"),
    ],
    ids=["the first of each", "only one way", "both named"],
)
def test_who_carries_the_questions(
    tmp_path: Path, sign_off: dict[str, object], bot: str | None, server: str | None
) -> None:
    found = read(tmp_path, **sign_off)
    by = [found.asks_by("telegram"), found.asks_by("email")]
    assert [one.name if one else None for one in by] == [bot, server]


def test_what_is_worth_knowing_is_noticed(tmp_path: Path) -> None:
    people = [{"name": "Ann", "telegram": 5, "email": "ann@example.org"}, {"name": "Bob", "email": "bob@example.org"}]
    found = read(tmp_path, ask_by=["email"], holding="required", approvers=people)
    notices = [one for one in found.notices if one.startswith("sign_off")]
    assert len(notices) == 2
    assert "no telegram channel is there whose bot could ask them" in notices[0]
    assert "Bob can be asked and cannot answer, because `user` does not say" in notices[1]
    people[1]["user"] = "bob"
    assert not [
        one for one in read(tmp_path, two_persons=True, approvers=people).notices if one.startswith("sign_off")
    ]
    assert "ann@example.org" not in repr(found)


@pytest.mark.parametrize(
    ("people", "noticed"),
    [
        ([{"name": "Ann", "telegram": 5}], "only Ann is under `approvers`, so the second person is whoever else"),
        ([{"name": "Ann", "telegram": 5}, {"name": "Bob", "user": "root"}], "one approver is `user: root`"),
    ],
    ids=["one", "root"],
)
def test_who_else_counts_where_two_people_are_needed_is_noticed(
    tmp_path: Path, people: list[dict[str, object]], noticed: str
) -> None:
    assert any(noticed in one for one in read(tmp_path, two_persons=True, approvers=people).notices)
    assert not any(noticed in one for one in read(tmp_path, approvers=people).notices)


@pytest.mark.parametrize(
    "modes", [{"holding": "veto"}, {"channels": {"telegram": "veto"}}], ids=["the usual mode", "of one channel"]
)
def test_that_a_veto_needs_no_two_persons_is_noticed(tmp_path: Path, modes: dict[str, object]) -> None:
    [notice] = [one for one in read(tmp_path, two_persons=["holding"], **modes).notices if "two_persons" in one]
    assert notice.startswith("sign_off.two_persons: holding with `veto` goes out after 5m unless somebody")
    assert not [one for one in read(tmp_path, two_persons=["update"], holding="veto").notices if "two_persons" in one]


def test_that_two_can_never_agree_where_only_one_can_answer_is_noticed(tmp_path: Path) -> None:
    people = [{"name": "Ann", "telegram": 5}, {"name": "Bob", "email": "bob@example.org"}]
    found = read(tmp_path, holding="required", two_persons=True, approvers=people).notices
    assert (
        "sign_off.two_persons: fewer than two approvers can answer (`telegram`, `user`), so two never agree" in found
    )
