"""The command line's end of the control socket.  Imports little: `failover status` must answer at once."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

SERVICE_SOCKET = Path("/run/failover/control.sock")
PATIENCE = 90.0

HARMLESS = frozenset({"status", "explain", "sources", "audit", "incidents", "report", "posts", "drill_result"})
"""What changes nothing: where the answer fails to come, nobody answers, and that is all."""


class NotRunningError(Exception):
    """Nobody listens; `paths` are where we knocked."""

    def __init__(self, paths: list[Path], why: str) -> None:
        self.paths = paths
        super().__init__(why)


class UnansweredError(Exception):
    """Somebody listened, and no answer came; the text says why."""


class UncertainError(Exception):
    """It was asked, and no answer came: whether it was done, nobody here knows."""


class RefusedError(Exception):
    """The daemon said no; the text is its reason."""


class ForbiddenError(RefusedError):
    """Somebody may listen there, and this user may not speak to them; the text says who may."""


class MisusedError(RefusedError):
    """It did not understand what was asked: the command line was wrong."""


class NoConfigurationError(Exception):
    """The configuration file cannot be read, and without it nothing is found; the text says so."""


def ask(config: Path, what: str, **details: Any) -> Any:
    """The daemon's answer.

    Raises NotRunningError, or RefusedError (MisusedError where the question was wrong, ForbiddenError where this user
    may not ask, nor read the file instead).  What would change something
    says which configuration it is meant for, so that the daemon of another one refuses it; and it is never put to a
    second socket once it may have been heard at the first: where no answer comes, UncertainError.
    """
    why, barred = "no socket there", ""
    candidates = sockets(config)
    meant = {} if what in HARMLESS else {"configuration": str(config.resolve())}
    for path in candidates:
        try:
            with _line_to(path) as line:
                answer = _exchange(line, {"do": what, "from": _from_where(), **meant, **details})
        except PermissionError:
            why = barred = (
                f"{_user(os.geteuid())} may not talk to {path}: only {_who_may(path)} may; try it with sudo"
            )
        except OSError as error:
            why = why if isinstance(error, FileNotFoundError) else (error.strerror or str(error))
        except UnansweredError as error:
            why = str(error)
            if what not in HARMLESS:
                raise UncertainError(why) from None
        else:
            if not answer.get("ok"):
                no = MisusedError if answer.get("misused") else RefusedError
                raise no(answer.get("text", "refused without a reason"))
            return answer.get("data")
    if barred and not _reads_the_file(config):
        raise ForbiddenError(barred)
    raise NotRunningError(candidates, why)


def _user(uid: int) -> str:
    import pwd  # noqa: PLC0415  most are let in

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _group(gid: int) -> str:
    import grp  # noqa: PLC0415

    try:
        return f"the group {grp.getgrgid(gid).gr_name}"
    except KeyError:
        return f"group {gid}"


def _who_may(path: Path) -> str:
    """Whom the permissions let in of the socket, or of the folder that keeps us from seeing it."""
    places = ((path, 0o020), *((folder, 0o010) for folder in path.absolute().parents))
    place, may = next(one for one in places if os.access(one[0], os.F_OK, effective_ids=True))
    found = place.stat()
    owner = [_user(found.st_uid)] if found.st_uid not in (0, os.geteuid()) else []
    group = [_group(found.st_gid)] if found.st_gid and found.st_mode & may else []
    *first, last = ["root", *owner, *group]
    return f"{', '.join(first)} and {last}" if first else last


def _reads_the_file(config: Path) -> bool:
    """Then this is no daemon of ours that bars us: one of another user's has the place where a service listens."""
    try:
        return os.access(state_file(config), os.R_OK, effective_ids=True)
    except NoConfigurationError:
        return False


def _from_where() -> dict[str, str]:
    """For the audit trail: the terminal, and who stands behind `sudo`."""
    try:
        terminal = os.ttyname(sys.stdin.fileno()).removeprefix("/dev/")
    except (OSError, ValueError, AttributeError):  # no terminal, or no standard input at all
        terminal = ""
    return {"terminal": terminal, "sudo": os.environ.get("SUDO_USER", "")}


def _line_to(path: Path) -> socket.socket:
    """A line to whoever listens there.  Raises OSError: then nothing was said yet."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(PATIENCE)
        line.connect(str(path))
    except OSError:
        line.close()
        raise
    return line


def _exchange(line: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    """Raises UnansweredError: a part of the request may have been read, and that may have been enough."""
    try:
        line.sendall(json.dumps(request).encode() + b"\n")
        with line.makefile("rb") as answer:
            raw = answer.readline()
        found: dict[str, Any] = json.loads(raw) if raw.endswith(b"\n") else {}
    except TimeoutError:
        raise UnansweredError(f"no answer within {PATIENCE:.0f} s") from None
    except OSError as error:
        raise UnansweredError(error.strerror or str(error)) from None
    except ValueError:
        found = {}
    if not found:
        raise UnansweredError("the daemon closed the line")
    return found


def sockets(config: Path) -> list[Path]:
    """Where the daemon of this configuration listens, by a glance at two lines of it (no full reading)."""
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return [SERVICE_SOCKET]
    control, state = _line(text, "control"), _state(text)
    if control:
        return [config.parent / control]
    beside = (config.parent / state).parent if state else config.resolve().parent
    return [beside / "control.sock", SERVICE_SOCKET]


def missing(config: Path) -> str:
    """In one sentence why the configuration file cannot be read; "" if it can."""
    try:
        with config.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        return f"there is no configuration file {config}; name one with -c"
    except OSError as error:
        return f"the configuration file {config} cannot be read ({error.strerror}); name another with -c"
    return ""


def state_file(config: Path) -> Path:
    """Where the database of this configuration is; without one, where the service has it.

    Raises NoConfigurationError where that tells nothing.
    """
    service = Path("/var/lib/failover/failover.db")
    try:
        state = _state(config.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        if os.access(service, os.F_OK):
            return service
        raise NoConfigurationError(missing(config)) from None
    beside = config.parent / state if state else config.resolve().parent / "failover.db"
    return service if not state and not beside.exists() and os.path.lexists(service.parent) else beside


def timezone(config: Path) -> str:
    """The time zone of the organisation, by a glance."""
    try:
        text = config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "UTC"
    match = re.search(r"^[^#\n]*\btimezone:[ \t]*[\"']?([\w+/-]+)", text, re.MULTILINE)
    return match.group(1) if match else "UTC"


def _state(text: str) -> str:
    """The path in `sqlite:///var/lib/x.db`, `sqlite:x.db` or `x.db`."""
    path = _line(text, "state").removeprefix("sqlite:")
    return re.sub(r"^///+", "/", path)


def _line(text: str, key: str) -> str:
    """The value of a top-level key that stands on one line."""
    match = re.search(rf"^{key}:[ \t]*[\"']?([^\"'#\n]+)", text, re.MULTILINE)
    return match.group(1).strip() if match else ""
