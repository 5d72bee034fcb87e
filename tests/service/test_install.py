"""The unit, and `failover install-service` below another root: what is written, what is kept, what is refused."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from failover import registry
from failover.config import parse
from failover.service.catalogue import catalogue
from failover.service.install import NOT_ROOT, OK, UNAVAILABLE, files, install, uninstall, unit_text

PREFIX = Path("/opt/failover/bin")
UNIT = "etc/systemd/system/failover.service"
ALERT_UNIT = "etc/systemd/system/failover-alert@.service"
CATALOGUE = "usr/local/lib/systemd/catalog/failover.catalog"
SCHEMA = "etc/failover/config.schema.json"
CONFIG, SECRETS, ALERT = "etc/failover/config.yaml", "etc/failover/secrets", "etc/failover/alert.env"

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed (apt install systemd)"
)


class Said(list[str]):
    """What the command printed."""

    def __call__(self, line: str) -> None:
        self.append(line)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Both units in a folder, with a command that exists."""
    command = tmp_path / "failover"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    written = {"failover.service": unit_text(tmp_path)}
    written["failover-alert@.service"] = next(one.text or "" for one in files(PREFIX) if "alert@" in one.path.name)
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    return [str(tmp_path / name) for name in written]


# --- the unit ---


@needs_analyze
def test_systemd_understands_every_line_of_the_units(units: list[str]) -> None:
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@needs_analyze
def test_service_is_as_shut_in_as_a_network_service_can_be(units: list[str]) -> None:
    """An exposure of 1.5 at most; Debian's own Prometheus has 4.0."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", units[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_unit_runs_the_command_of_this_installation() -> None:
    lines = unit_text(PREFIX).splitlines()

    assert "ExecStart=/opt/failover/bin/failover run --config /etc/failover/config.yaml" in lines
    assert "ExecReload=/opt/failover/bin/failover reload" in lines
    assert not [line for line in lines if "@FAILOVER@" in line]


# --- installing ---


def test_everything_is_written_where_it_belongs(tmp_path: Path) -> None:
    said = Said()

    assert install(PREFIX, tmp_path, out=said) == OK
    assert (tmp_path / UNIT).read_text() == unit_text(PREFIX)
    assert (tmp_path / CATALOGUE).read_text() == catalogue()
    assert (tmp_path / ALERT_UNIT).is_file()
    assert (tmp_path / CONFIG).is_file()
    assert (mode(tmp_path / SECRETS), mode(tmp_path / ALERT), mode(tmp_path / UNIT)) == (0o700, 0o600, 0o644)
    assert [line for line in said if line.startswith("wrote ")] == [
        f"wrote /{path}" for path in (CONFIG, SCHEMA, SECRETS, ALERT, UNIT, ALERT_UNIT, CATALOGUE)
    ]


def test_installed_configuration_is_the_example_with_folders_the_service_may_write_to(tmp_path: Path) -> None:
    """Beside /etc/failover/config.yaml the service may write nothing."""
    install(PREFIX, tmp_path, out=Said())
    installed = (tmp_path / CONFIG).read_text()
    example = resources.files("failover").joinpath("config.example.yaml").read_text()

    settings = parse(installed, tmp_path / "config.yaml", {"STATE_DIRECTORY": "/var/lib/failover"}, registry)

    assert settings.channels["statuspage"].options.folder == Path("/var/lib/failover/public")  # type: ignore[attr-defined]
    assert installed == example


def test_an_editor_finds_the_schema_that_the_configuration_names(tmp_path: Path) -> None:
    install(PREFIX, tmp_path, out=Said())
    first = (tmp_path / CONFIG).read_text().splitlines()[0]

    assert first == f"# yaml-language-server: $schema={Path(SCHEMA).name}"
    assert json.loads((tmp_path / SCHEMA).read_text())["title"] == "Configuration of failover"


def test_printing_the_unit_changes_nothing(tmp_path: Path) -> None:
    said = Said()

    assert install(PREFIX, tmp_path, only_print=True, out=said) == OK
    assert said == [unit_text(PREFIX)]
    assert list(tmp_path.iterdir()) == []


def test_installing_again_repairs_what_is_ours_and_keeps_what_is_theirs(tmp_path: Path) -> None:
    install(PREFIX, tmp_path, out=Said())
    for path in (UNIT, CONFIG, ALERT):
        (tmp_path / path).write_text("edited")
    (tmp_path / SECRETS / "token").write_text("secret")
    said = Said()
    install(PREFIX, tmp_path, out=said)

    assert (tmp_path / UNIT).read_text() == unit_text(PREFIX)
    assert (tmp_path / CONFIG).read_text() == (tmp_path / ALERT).read_text() == "edited"
    assert (tmp_path / SECRETS / "token").read_text() == "secret"
    assert said[:7] == [
        f"kept /{CONFIG}", f"unchanged /{SCHEMA}", f"kept /{SECRETS}", f"kept /{ALERT}",
        f"wrote /{UNIT}", f"unchanged /{ALERT_UNIT}", f"unchanged /{CATALOGUE}",
    ]  # fmt: skip


def test_uninstalling_removes_what_is_ours_only(tmp_path: Path) -> None:
    install(PREFIX, tmp_path, out=Said())
    said = Said()

    assert uninstall(tmp_path, out=said) == OK
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {CONFIG, ALERT}
    assert (tmp_path / SECRETS).is_dir()
    assert said[-1].startswith("kept /etc/failover")
    assert uninstall(tmp_path, out=said) == OK, "again"


def test_dry_run_changes_nothing(tmp_path: Path) -> None:
    said = Said()

    assert install(PREFIX, tmp_path, dry_run=True, out=said) == OK
    assert list(tmp_path.iterdir()) == []
    assert said[0] == f"would write /{CONFIG}"


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        pytest.param("/opt/my tools/bin", "without spaces", id="space"),
        pytest.param("/opt/100%/bin", "without spaces", id="percent sign"),
        pytest.param("bin", "absolute path", id="relative"),
        pytest.param("/root/venv/bin", "cannot see it", id="home of root"),
        pytest.param("/home/ann/venv/bin", "cannot see it", id="home"),
        pytest.param("/tmp/venv/bin", "cannot see it", id="temporary"),
    ],
)
def test_command_that_the_service_could_not_start_is_refused(prefix: str, why: str, tmp_path: Path) -> None:
    said = Said()

    assert install(Path(prefix), tmp_path, out=said) == UNAVAILABLE
    assert why in said[0]
    assert len(said) == 1
    assert list(tmp_path.iterdir()) == []


def test_only_root_may_install_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    said = Said()

    assert install(PREFIX, out=said) == NOT_ROOT
    assert uninstall(out=said) == NOT_ROOT
    assert said == ["Only root can install or remove a service: run the same command with sudo."] * 2
