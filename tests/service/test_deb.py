"""The Debian package on a booted Debian 12: install, run, configure, reload, upgrade, remove, purge.

The package is the one that `make deb` has left in dist/ (CI makes it first), for making it needs a package index; a
package of other sources than these would prove nothing, and is not tried.  The machine has no network.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.events import EVENTS
from failover.service.install import configuration_text
from tests.service.booted import Machine, NotPossibleHereError, boot, why_not

PROJECT = Path(__file__).parents[2]
PACKAGES = "./usr/lib/failover/lib/python3.11/site-packages"
NEEDED = ("python3.11", "tzdata", "ca-certificates", "init-system-helpers", "libc6", "libgcc-s1")
CONFIG, UNIT = "/etc/failover/config.yaml", "failover.service"
ENGLISH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def package() -> Path | None:
    found = sorted((PROJECT / "dist").glob("failover_*.deb"))
    return found[-1] if found and shutil.which("dpkg-deb") else None


def why_no_package() -> str:
    made = package()
    if made is None:
        return "there is no package to try: run `make deb` first (it needs dpkg-deb and Python 3.11)"
    other = [name for name, data in _ours(made).items() if _source(name) != data]
    return f"dist/{made.name} is of other sources (such as {other[0]}): run `make deb` again" if other else ""


def _ours(made: Path) -> dict[str, bytes]:
    """Our own files in the package, by their name in the sources."""
    found = {}
    for member, data in contents(made).items():
        name = member.removeprefix(f"{PACKAGES}/")
        if name.split("/")[0] in ("failover", "probes", "channels") and not name.endswith(".pyc"):
            found[name] = data
    return found


def _source(name: str) -> bytes | None:
    path = PROJECT / name
    return path.read_bytes() if path.is_file() else None


def contents(made: Path) -> dict[str, bytes]:
    """Every file of the package."""
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(made)], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {one.name: file.read() for one in tar if (file := tar.extractfile(one) if one.isfile() else None)}


@pytest.fixture(scope="module")
def made() -> Path:
    if reason := why_no_package():
        pytest.skip(reason)
    found = package()
    assert found is not None
    return found


# --- what is in it ---


def test_it_tells_nothing_of_the_machine_it_was_made_on(made: Path) -> None:
    """No folder of the builder, no package index, no time stamp in compiled modules."""
    paths = [str(PROJECT), str(Path.home()), "/tmp/failover-deb-"]
    wrong = []
    for name, data in contents(made).items():
        if ".dist-info/" in name and name.endswith(("direct_url.json", "REQUESTED")):
            wrong.append(name)
        if any(path.encode() in data for path in paths if path not in ("/", "/root")):
            wrong.append(f"{name}: a path of the builder")
        if name.endswith(".pyc") and data[4:8] != b"\x01\0\0\0":  # PEP 552: hash-based, unchecked
            wrong.append(f"{name}: not compiled by hash")

    assert wrong == []


def test_it_brings_every_library_of_the_lock_and_nothing_else(made: Path) -> None:
    """And nothing that only building needed."""
    locked = set(re.findall(r"^([\w.-]+)==", (PROJECT / "requirements.txt").read_text(), re.MULTILINE))
    brought = {
        re.sub(r"[-_.]+", "-", match[1]).lower()
        for name in contents(made)
        if (match := re.match(rf"{re.escape(PACKAGES)}/([\w.]+)-[\w.]+\.dist-info/METADATA$", name))
    }

    assert brought == (locked - {"setuptools"}) | {"failover"}


def test_modes_and_owners_are_those_of_a_package(made: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", str(made)], capture_output=True, text=True, check=True).stdout
    rows = {line.split(maxsplit=5)[5].split(" -> ")[0]: line.split()[:2] for line in listed.splitlines()}

    assert {owner for _mode, owner in rows.values()} == {"root/root"}
    assert rows["./etc/failover/secrets/"][0] == "drwx------"
    assert rows["./etc/failover/alert.env"][0] == "-rw-------"
    assert rows["./usr/lib/failover/bin/failover"][0] == "-rwxr-xr-x"
    assert [name for name, (mode, _owner) in rows.items() if mode[0] != "l" and "w" in mode[5] + mode[8]] == []


def test_everything_in_etc_but_links_is_a_conffile(made: Path) -> None:
    conffiles = subprocess.run(
        ["dpkg-deb", "--info", str(made), "conffiles"], capture_output=True, text=True, check=True
    )

    assert {name.removeprefix(".") for name in contents(made) if name.startswith("./etc/")} == {
        *conffiles.stdout.split()
    }


# --- what it does ---


@pytest.fixture(scope="module")
def machine(made: Path) -> Iterator[Machine]:
    """Booted, with the package within reach and not installed."""
    if reason := why_not() or _not_debian_12():
        pytest.skip(reason)
    try:
        with boot({"/opt/dist": str(made.parent)}) as booted:
            # An image for containers forbids every service to start; a machine has no such file.
            booted.run("rm", "-f", "/usr/sbin/policy-rc.d")
            yield booted
    except NotPossibleHereError as reason:
        pytest.skip(str(reason))


def _not_debian_12() -> str:
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    if "VERSION_CODENAME=bookworm" not in release:
        return "the package is for Debian 12, and the machine is a copy of this one"
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Status}\n", *NEEDED], capture_output=True, text=True, check=False
    )
    missing = [name for name in NEEDED if f"{name} install ok installed" not in done.stdout]
    return f"{', '.join(missing)} missing (apt install {' '.join(missing)})" if missing else ""


def do(machine: Machine, *command: str, check: bool = True) -> str:
    """What a command prints, in English."""
    words = [f"{name}={value}" for name, value in ENGLISH.items()]
    done = machine.run("env", *words, *command, check=check)
    return done.stdout + done.stderr


@pytest.mark.root
@pytest.mark.xdist_group("booted")
@pytest.mark.timeout(180)
def test_the_life_of_the_package(machine: Machine, made: Path) -> None:
    """One after the other, for each step needs the one before."""
    there = f"/opt/dist/{made.name}"
    before = files(machine)

    said = do(machine, "dpkg", "-i", there)
    assert "warning" not in said.lower(), said
    runs(machine)
    assert machine.show(UNIT, "UnitFileState")["UnitFileState"] == "enabled"
    (entry,) = machine.hears("FAILOVER_EVENT=daemon_started")
    assert entry["MESSAGE_ID"] == EVENTS["daemon_started"].message_id.hex
    assert "Subject: Daemon started" in machine.ask("journalctl", "-x", "-u", UNIT, "FAILOVER_EVENT=daemon_started")
    assert "daemon_started" in machine.ask("journalctl", "-u", UNIT, "-o", "json")
    assert machine.ask("failover", "--version") == f"failover {made.name.split('_')[1]}"
    assert "facebook" in machine.ask("failover", "status")
    assert machine.ask("failover", "check").startswith(f"{CONFIG}: ok")
    assert machine.ask("dpkg", "--verify", "failover") == ""

    machine.write(CONFIG, configuration_text().replace("name: Example Borough Council", "name: Anytown"))
    after = machine.now()
    machine.run("systemctl", "reload", UNIT)
    machine.hears("FAILOVER_EVENT=config_loaded", after=after)
    machine.write("/etc/failover/secrets/telegram-token", "a-secret\n", "600")

    process = machine.show(UNIT, "MainPID")["MainPID"]
    do(machine, "dpkg", "-i", "--force-confold", there)
    runs(machine)
    assert machine.show(UNIT, "MainPID")["MainPID"] != process, "an upgrade runs what is new"
    assert "Anytown" in machine.ask("cat", CONFIG), "and keeps what is theirs"

    said = do(machine, "dpkg", "-r", "failover")
    assert "warning" not in said.lower().replace("not empty so not removed", ""), said
    assert machine.show(UNIT, "ActiveState", "LoadState") == {"ActiveState": "inactive", "LoadState": "not-found"}
    assert machine.run("test", "-e", "/usr/lib/failover", check=False).returncode == 1
    assert "Anytown" in machine.ask("cat", CONFIG)
    machine.run("test", "-f", "/var/lib/private/failover/failover.db")

    do(machine, "dpkg", "-P", "failover")
    assert files(machine) - before == set()
    assert machine.run("dpkg", "-s", "failover", check=False).returncode == 1


def runs(machine: Machine) -> None:
    """Type=notify: active (running) means that the daemon itself has said that it is ready."""
    shown = machine.show(UNIT, "ActiveState", "SubState", "StatusText")
    why = "" if shown["ActiveState"] == "active" else machine.ask("journalctl", "-u", UNIT, "-n", "30", "-o", "cat")
    assert (shown["ActiveState"], shown["SubState"]) == ("active", "running"), why
    assert shown["StatusText"]


def files(machine: Machine) -> set[str]:
    """All files and folders with our name on this machine, but those of the test itself."""
    found = machine.run(
        "find",
        "/",
        "-xdev",
        "-name",
        "*failover*",
        "-not",
        "-path",
        "/opt/*",
        "-not",
        "-path",
        "/proc/*",
        check=False,
    )
    mine = machine.run("find", "/etc/systemd/system", "/var/lib/systemd", "/etc/failover", check=False).stdout
    return {*found.stdout.splitlines(), *(line for line in mine.splitlines() if "failover" in line)}
