"""Where the database and the socket are: the same place from whichever folder daemon and commands are started."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from failover import ask, registry
from failover.commands.words import STORE_ERROR
from failover.config import parse
from failover.config.paths import left_elsewhere
from failover.store import Store
from tests.core.fake_kinds import FakeKinds

MINIMAL = (Path(__file__).parents[1] / "configs" / "good" / "minimal.yaml").read_text(encoding="utf-8")

HOUSE = """
organisation: {name: Example, timezone: UTC}
platforms: {facebook: {}}
channels:
  site: {kind: site, folder: site}
"""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The folder of the configuration, and another one in which we are."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return home, elsewhere


def database(folder: Path) -> Path:
    file = folder / "failover.db"
    Store.open(file).close()
    return file


@pytest.mark.parametrize("named", ["{home}/config.yaml", "../home/config.yaml"])
def test_daemon_and_commands_meet_beside_the_configuration(named: str, folders: tuple[Path, Path]) -> None:
    """Two daemons of one configuration, started in two folders, must meet in one database: else both speak."""
    home, elsewhere = folders
    file = Path(named.format(home=home))
    (home / "config.yaml").write_text(MINIMAL)
    (elsewhere / "config.yaml").write_text(MINIMAL)

    settings = parse(MINIMAL, file, {"GOOD_TOKEN": "tok-secret-1"}, FakeKinds())

    assert settings.state.resolve() == home / "failover.db"
    assert settings.control.resolve() == home / "control.sock"
    assert ask.sockets(file)[0].resolve() == home / "control.sock"
    database(home)
    database(elsewhere)
    assert ask.state_file(file).resolve() == home / "failover.db"


def test_a_link_to_the_configuration_leads_to_the_same_database(folders: tuple[Path, Path]) -> None:
    """Started by either name, the second daemon must find that the first has the database."""
    home, elsewhere = folders
    (home / "config.yaml").write_text(MINIMAL)
    link = elsewhere / "linked.yaml"
    link.symlink_to(home / "config.yaml")

    settings = parse(MINIMAL, link, {"GOOD_TOKEN": "tok-secret-1"}, FakeKinds())

    assert settings.state.resolve() == home / "failover.db"
    assert settings.control.resolve() == home / "control.sock"
    assert ask.sockets(link)[0] == home / "control.sock"
    database(home)
    assert ask.state_file(link) == home / "failover.db"
    assert left_elsewhere(settings.state, link, {}) is None


def test_a_working_directory_that_is_gone_keeps_nobody_from_starting(folders: tuple[Path, Path]) -> None:
    home, elsewhere = folders
    elsewhere.rmdir()
    assert left_elsewhere(home / "failover.db", home / "config.yaml", {}) is None


def test_a_database_of_an_earlier_version_in_the_working_directory_is_not_begun_anew(
    folders: tuple[Path, Path],
) -> None:
    """What it has said already is written there; a new one beside the configuration would say it again."""
    home, elsewhere = folders
    (home / "config.yaml").write_text(HOUSE)
    left = database(elsewhere)

    command = [sys.executable, "-m", "failover", "run", "--log", "console", "-c", str(home / "config.yaml")]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, env=here, capture_output=True, text=True, timeout=40, check=False)

    told = ended.stderr
    assert ended.returncode == STORE_ERROR
    assert f"there is {left}; if that is of this configuration, move it" in told
    assert f"`state: {left}`" in told
    assert not (home / "failover.db").exists()


def test_where_a_database_is_left_elsewhere(folders: tuple[Path, Path]) -> None:
    """Only where none is in its place, that place is the usual one, and no service manager says where it is."""
    home, elsewhere = folders
    file, usual = home / "config.yaml", home / "failover.db"
    assert left_elsewhere(usual, file, {}) is None

    left = database(elsewhere)
    assert left_elsewhere(usual, file, {}) == left
    assert left_elsewhere(home / "other.db", file, {}) is None
    assert left_elsewhere(usual, file, {"STATE_DIRECTORY": str(home)}) is None

    database(home)
    assert left_elsewhere(usual, file, {}) is None


def test_by_hand_no_database_is_begun_beside_that_of_the_service(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """The service's own configuration, run in the foreground, would be a second daemon that tells the same."""
    home, _elsewhere = folders
    service = tmp_path / "var" / "failover.db"
    service.parent.mkdir()
    database(service.parent)

    assert left_elsewhere(home / "failover.db", home / "config.yaml", {}, {home / "config.yaml": service}) == service
    assert left_elsewhere(home / "failover.db", home / "test.yaml", {}, {home / "config.yaml": service}) is None


def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    """The addresses of recipients are in it, and in its log; also where an earlier version made it for all."""
    file = tmp_path / "failover.db"
    file.touch()
    file.chmod(0o644)
    for path in (file, tmp_path / "new.db"):
        store = Store.open(path)
        found = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.glob(f"{path.name}*")}
        store.close()
        assert found == {path.name: 0o600, f"{path.name}-wal": 0o600}


SITE = """
organisation: {{name: Example, timezone: UTC}}
platforms: {{facebook: {{}}}}
channels: {{site: {{kind: site, folder: {folder}}}}}
routes: [{{primary: [facebook], backups: [site]}}]
"""


@pytest.mark.parametrize(
    ("folder", "told"), [("./public", False), ("./there/public", False), ("./nowhere/x/public", True)]
)
def test_a_folder_that_could_not_be_made_is_told(folder: str, told: bool, tmp_path: Path) -> None:
    """The site makes its folder, not what that lies in; a disk that is mounted later keeps nobody from starting."""
    (tmp_path / "there").mkdir()

    settings = parse(SITE.format(folder=folder), tmp_path / "config.yaml", {}, registry)

    said = [one for one in settings.notices if one.startswith("channels.site.folder: there is no folder ")]
    assert bool(said) is told
