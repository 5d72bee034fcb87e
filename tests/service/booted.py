"""A throw-away machine with a really booted systemd: a copy of this one, whose every write goes to memory.

The root directory is the lower layer of an overlay, so nothing has to be downloaded; `systemd-nspawn` boots it in
about a second.  Mounts and processes live in namespaces of their own that end with this process, so nothing but a
few empty folders is left behind even when the test run is killed.  It has no network but its own loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NOT_PERMITTED = 75
NEEDED = ("systemd-nspawn", "systemctl", "journalctl", "unshare", "nsenter", "setpriv", "mount")
BOOT_TIME, STEP_TIME = 30.0, 40.0

# nspawn is told to boot no further than basic.target, so that no service of the host starts in the copy.
_LAUNCH = f"""
for group in $GROUPS_OF_OURS; do echo 0 > "$group/cgroup.procs" || exit {NOT_PERMITTED}; done
mount -t tmpfs tmpfs "$PLACE" && mkdir "$PLACE/upper" "$PLACE/work" "$PLACE/root" || exit {NOT_PERMITTED}
mkdir -p "$PLACE/upper/etc/systemd/system" "$PLACE/upper/etc/systemd/journald.conf.d"
: > "$PLACE/upper/etc/fstab"
printf '[Journal]\\nStorage=volatile\\n' > "$PLACE/upper/etc/systemd/journald.conf.d/test.conf"
ln -s /dev/null "$PLACE/upper/etc/systemd/system/timers.target"
layers="lowerdir=/,upperdir=$PLACE/upper,workdir=$PLACE/work"
mount -t overlay overlay -o "$layers" "$PLACE/root" || exit {NOT_PERMITTED}
mount -t tmpfs tmpfs /run || exit {NOT_PERMITTED}
systemd-nspawn --quiet --directory="$PLACE/root" --register=no --keep-unit --settings=no --private-network \\
    --resolv-conf=off --timezone=off --machine=failover-test "$@" --boot -- --unit=basic.target
"""


class NotPossibleHereError(Exception):
    """Why no machine can be booted here, in plain words."""


class Machine:
    """The running machine.  `run` raises CalledProcessError, with what was printed, unless `check` is off."""

    def __init__(self, leader: int) -> None:
        self.leader = leader
        self._enter = ["nsenter", "-t", str(leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"]

    def run(self, *command: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._enter, "env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *command],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=STEP_TIME,
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, *command: str) -> str:
        """What a command prints, without the last line break."""
        return self.run(*command).stdout.rstrip("\n")

    def write(self, path: str, text: str, mode: str = "644") -> None:
        self.run("mkdir", "-p", str(Path(path).parent))
        self.run("sh", "-c", 'cat > "$0"', path, text=text)
        self.run("chmod", mode, path)

    def restart(self, unit: str) -> None:
        """Restart it with its configuration of now; when that fails, its last lines say why."""
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "reset-failed", check=False)
        done = self.run("systemctl", "restart", unit, check=False)
        assert done.returncode == 0, self.ask("journalctl", "-u", unit, "-n", "30", "-o", "cat")

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        lines = self.ask("systemctl", "show", unit, *(f"--property={name}" for name in names)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def journal(self, *matches: str, after: int = 0) -> list[dict[str, Any]]:
        """Entries of the journal that came after that `now`, oldest first, with fields of any length."""
        lines = self.run("journalctl", "--all", "-o", "json", *matches, check=False).stdout.splitlines()
        return [entry for entry in map(json.loads, lines) if int(entry["__REALTIME_TIMESTAMP"]) > after]

    def hears(self, *matches: str, after: int = 0, count: int = 1) -> list[dict[str, Any]]:
        """Entries as soon as there are `count`: what a program has sent, journald may read a moment later."""
        self.until(lambda: len(self.journal(*matches, after=after)) >= count, f"{count} entries of {matches}")
        return self.journal(*matches, after=after)

    def now(self) -> int:
        """Microseconds since the epoch.  (A cursor would lose one: systemd 252 skips the first match after it.)"""
        return int(self.ask("date", "+%s%6N"))

    def until(self, holds: Callable[[], bool], what: str, seconds: float = STEP_TIME) -> None:
        patience = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < patience, f"waited {seconds} s in vain: {what}"
            time.sleep(0.05)


def why_not() -> str:
    """Why no machine can be booted here; "" if it can be tried."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "booting a systemd needs root on Linux"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"{', '.join(missing)} missing (apt install systemd-container)" if missing else ""


@contextmanager
def boot(bound: Mapping[str, str] | None = None) -> Iterator[Machine]:
    """A running machine; `bound` are folders of this one that it may read, by their path there."""
    if reason := why_not():
        raise NotPossibleHereError(reason)
    place = Path(tempfile.mkdtemp(prefix="failover-test-"))
    groups = _control_groups()
    log = tempfile.TemporaryFile()  # noqa: SIM115  closed below
    launched: subprocess.Popen[bytes] | None = None
    try:
        _make(groups)
        launched = _launch(place, groups, [f"--bind-ro={here}:{there}" for there, here in (bound or {}).items()], log)
        yield Machine(_leader(launched, log))
    finally:
        if launched is not None:
            launched.kill()
            launched.wait()
        log.close()
        _remove(groups)
        place.rmdir()


def _launch(place: Path, groups: Sequence[Path], arguments: Sequence[str], log: Any) -> subprocess.Popen[bytes]:
    alone = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount-proc",
        "--pid",
        "--fork",
        "--kill-child=KILL",
        "--",
    ]
    env = {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        "PLACE": str(place),
        "GROUPS_OF_OURS": " ".join(map(str, groups)),
    }
    command = [*alone, "sh", "-c", _LAUNCH, "launch", *arguments]
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _leader(launched: subprocess.Popen[bytes], log: Any) -> int:
    """The machine's first process, once it has booted."""
    patience = time.monotonic() + BOOT_TIME
    while time.monotonic() < patience and launched.poll() is None:
        for process in _first_processes(launched.pid):
            state = Machine(process).run("systemctl", "is-system-running", check=False).stdout.strip()
            if state in ("running", "degraded"):
                return process
        time.sleep(0.05)
    log.seek(0)
    said = log.read().decode(errors="replace")[-2000:]
    if launched.poll() == NOT_PERMITTED:
        raise NotPossibleHereError(f"overlay mounts or control groups are not permitted here: {said.strip()}")
    raise AssertionError(f"the machine did not boot (exit code {launched.poll()}):\n{said}")


def _first_processes(launcher: int) -> Iterator[int]:
    """Descendants that are number 1 in the innermost of the two process namespaces: the launcher's and nspawn's."""
    depth = len(_numbers(os.getpid())) + 2
    for child in _children(launcher):
        numbers = _numbers(child)
        if len(numbers) == depth and numbers[-1] == "1":
            yield child
        yield from _first_processes(child)


def _children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # it has ended, before or while it was read
        return []


def _numbers(process: int) -> list[str]:
    """The numbers that a process has, in each process namespace from ours inwards."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has ended, before or while it was read
        return []
    return next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])


def _control_groups() -> list[Path]:
    """A control group of our own in every hierarchy that systemd uses, not yet made."""
    ours = {line.split(":")[1]: line.split(":")[2] for line in Path("/proc/self/cgroup").read_text().splitlines()}
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        kind, _source, options = after.split(" ", 2)
        name = "" if kind == "cgroup2" else "name=systemd" if "name=systemd" in options.split(",") else None
        if kind.startswith("cgroup") and name is not None and name in ours:
            found.append(Path(before.split()[4] + ours[name]) / f"failover-test-{os.getpid()}")
    return found


def _make(groups: Sequence[Path]) -> None:
    try:
        for group in groups:
            group.mkdir()
    except OSError as error:
        raise NotPossibleHereError(f"control groups are not permitted here: {error}") from error


def _remove(groups: Sequence[Path]) -> None:
    """Control groups are empty a moment after the last process has died."""
    patience = time.monotonic() + 5
    for group in groups:
        while group.exists() and time.monotonic() < patience:
            for folder, _folders, _files in os.walk(group, topdown=False):
                try:
                    Path(folder).rmdir()
                except OSError:
                    time.sleep(0.02)
