"""`failover install-service`: the unit, the alert unit, the message catalogue and the folders they need.

Nothing that a person may have edited is overwritten: the configuration, the secrets and the addresses for alarms are
made only where they are missing, and an uninstall leaves them, and the record of what was said, where they are.
Everything can be done again at any time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from failover.service.catalogue import catalogue

UNITS = Path("etc/systemd/system")
CATALOGUE = Path("usr/local/lib/systemd/catalog/failover.catalog")
CONFIGURATION = Path("etc/failover/config.yaml")
SCHEMA = Path("etc/failover/config.schema.json")
SECRETS = Path("etc/failover/secrets")
ALERT = Path("etc/failover/alert.env")
STATE = Path("var/lib/failover")
OLDEST_SYSTEMD = 251
"""The first that loads a folder of secrets (LoadCredential=) and tells the alert unit what happened."""

OK, UNAVAILABLE, NOT_ROOT = 0, 69, 77  # sysexits.h
_PLAIN_PATH = re.compile(r"[\w/.+@:-]+")
_HIDDEN = ("home", "root", "run", "tmp", "var/tmp")
"""What ProtectHome= and PrivateTmp= hide from the service, and what is gone after a boot."""

_ALERT_FILE = """\
# Who is told when failover itself has given up; one or both.  Read at the moment of the alarm.
#ALERT_MAIL=it-duty@example.org
#ALERT_URL=https://ntfy.example.org/failover
"""

Out = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What stands where; `theirs` is made once and then belongs to the administrator.  `text` None is a folder."""

    path: Path
    text: str | None
    mode: int = 0o644
    theirs: bool = False


def unit_text(prefix: Path) -> str:
    """The unit whose command is `prefix`/failover."""
    return _packaged("failover.service").replace("@FAILOVER@", str(prefix / "failover"))


def files(prefix: Path) -> list[File]:
    """Everything that is installed, with paths relative to the root."""
    return [
        File(path=CONFIGURATION, text=configuration_text(), theirs=True),
        File(path=SCHEMA, text=schema_text()),
        File(path=SECRETS, text=None, mode=0o700, theirs=True),
        File(path=ALERT, text=_ALERT_FILE, mode=0o600, theirs=True),
        File(path=UNITS / "failover.service", text=unit_text(prefix)),
        File(path=UNITS / "failover-alert@.service", text=_packaged("failover-alert@.service")),
        File(path=CATALOGUE, text=catalogue()),
    ]


def configuration_text() -> str:
    """The example configuration as it is: its folders lie where the service may write (`contracts.OutputPath`)."""
    return _packaged("config.example.yaml", "failover")


def schema_text() -> str:
    """What an editor completes the configuration with; its first line names this file beside it."""
    return _packaged("config.schema.json", "failover")


def install(
    prefix: Path | None = None,
    root: Path = Path("/"),
    *,
    only_print: bool = False,
    dry_run: bool = False,
    out: Out = print,
) -> int:
    """Install below `root` the service that runs `prefix`/failover (default: beside this Python); an exit code.

    With another root than `/` nothing is run, so that a package or an image can be made; then no root is needed.
    `only_print` prints the unit and does nothing else.
    """
    prefix = prefix or Path(sys.executable).parent
    if only_print:
        out(unit_text(prefix))
        return OK
    refusal = _not_allowed(root, dry_run=dry_run) or _unusable(prefix) or _too_old(root)
    if refusal is not None:
        out(refusal[1])
        return refusal[0]
    for file in files(prefix):
        out(_made(file, root, dry_run=dry_run))
    for line in _told(root, "daemon-reload", dry_run=dry_run):
        out(line)
    out(f"Now edit /{CONFIGURATION} and /{ALERT}, put the secrets into /{SECRETS} and run:")
    out(f"  {prefix / 'failover'} check --config /{CONFIGURATION}")
    out("  systemctl enable --now failover      (systemctl restart failover where it runs already)")
    return OK


def uninstall(root: Path = Path("/"), *, dry_run: bool = False, out: Out = print) -> int:
    """Stop the service and remove what `install` wrote, but nothing that belongs to the administrator."""
    refusal = _not_allowed(root, dry_run=dry_run)
    if refusal is not None:
        out(refusal[1])
        return refusal[0]
    for line in _told(root, "disable", "--now", "failover.service", dry_run=dry_run):
        out(line)
    for path in [file.path for file in files(Path("/")) if not file.theirs]:
        out(_removed(path, root, dry_run=dry_run))
    for line in _told(root, "daemon-reload", dry_run=dry_run):
        out(line)
    out("kept /etc/failover (configuration and secrets) and /var/lib/failover (the record of what was said)")
    return OK


Refused = tuple[int, str]


def _not_allowed(root: Path, *, dry_run: bool) -> Refused | None:
    if root != Path("/") or dry_run or os.geteuid() == 0:
        return None
    return NOT_ROOT, "Only root can install or remove a service: run the same command with sudo."


def _unusable(prefix: Path) -> Refused | None:
    """A command that the sandboxed service could not start."""
    command = prefix / "failover"
    if not _PLAIN_PATH.fullmatch(str(command)) or not command.is_absolute():
        return UNAVAILABLE, f"{command}: a service needs an absolute path without spaces or other special characters."
    for path in (command, (prefix / "python").resolve()):
        if path.is_relative_to("/") and any(path.is_relative_to(f"/{hidden}") for hidden in _HIDDEN):
            return UNAVAILABLE, (
                f"{path} lies where a sandboxed service cannot see it. Install failover in a virtual environment "
                "of its own, for example: python3 -m venv /opt/failover"
            )
        blocked = next((part for part in (*reversed(path.parents), path) if _is_closed(part)), None)
        if blocked is not None:
            return UNAVAILABLE, f"{blocked} cannot be entered by other users, so the service could not start {path}."
    return None


def _is_closed(path: Path) -> bool:
    """Others may not enter the folder or run the file (what does not exist is not judged)."""
    return path.exists() and not path.stat().st_mode & 0o001


def _too_old(root: Path) -> Refused | None:
    if not _systemd_runs(root):
        return None
    version = re.match(r"systemd (\d+)", _run("systemctl", "--version").stdout)
    if version is None or int(version[1]) >= OLDEST_SYSTEMD:
        return None
    return UNAVAILABLE, f"systemd {version[1]} cannot load a folder of secrets; {OLDEST_SYSTEMD} or later is needed."


def _made(file: File, root: Path, *, dry_run: bool) -> str:
    """Make it where it is missing or, unless it is theirs, where it differs; what was done, in one line."""
    target = root / file.path
    if file.theirs and target.exists():
        return f"kept /{file.path}"
    if file.text is not None and target.exists() and target.read_text(encoding="utf-8") == file.text:
        return f"unchanged /{file.path}"
    if dry_run:
        return f"would write /{file.path}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.text is None:
        target.mkdir(mode=file.mode)
    else:
        beside = target.with_name(f".{target.name}.new")
        beside.write_text(file.text, encoding="utf-8")
        beside.chmod(file.mode)
        beside.replace(target)
    return f"wrote /{file.path}"


def _removed(path: Path, root: Path, *, dry_run: bool) -> str:
    target = root / path
    if not target.exists():
        return f"not there: /{path}"
    if dry_run:
        return f"would remove /{path}"
    target.unlink()
    return f"removed /{path}"


def _told(root: Path, *systemctl: str, dry_run: bool) -> Iterator[str]:
    """Tell systemd and its journal what has changed, where they run."""
    if not _systemd_runs(root):
        return
    commands = [("systemctl", *systemctl)]
    if systemctl == ("daemon-reload",):
        commands.append(("journalctl", "--update-catalog"))
    for command in commands:
        if dry_run:
            yield f"would run {' '.join(command)}"
            continue
        done = _run(*command)
        trouble = " ".join(done.stderr.split())
        yield f"ran {' '.join(command)}" if done.returncode == 0 else f"{' '.join(command)} failed: {trouble}"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  words of our own only


def _systemd_runs(root: Path) -> bool:
    return root == Path("/") and Path("/run/systemd/system").is_dir()  # sd_booted(3)


def _packaged(name: str, package: str = "failover.service") -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
