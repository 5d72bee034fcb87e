"""The files of a configuration: its own text, and where the database and the control socket are.

What the service manager gives is preferred to the folder of the configuration, and what is written to both.  The
working directory counts nowhere: who starts from another folder must find the same database, else it all begins anew.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from failover.config.places import BYTES_AT_MOST, Node
from failover.config.problems import ConfigError, Place, Problem, Reading

DATABASE = "failover.db"

SERVICE = {Path("/etc/failover/config.yaml"): Path("/var/lib/failover/failover.db")}
"""The configuration that the service reads, and where its manager has it keep the database."""

SOCKET_PATH_AT_MOST = 107
"""Bytes: `sun_path` in unix(7), without its end."""


def text_of(path: Path) -> str:
    """The text of a regular file of a sensible size, or one clear problem."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "this is a folder" if stat.S_ISDIR(status.st_mode) else "this is not a regular file"
            raise ConfigError([_of_file(path, f"{what}; expected a configuration file")])
        if status.st_size > BYTES_AT_MOST:
            raise ConfigError([_of_file(path, f"larger than {BYTES_AT_MOST // 2**20} MiB; is it another file?")])
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([_of_file(path, "there is no such file")]) from None
    except OSError as error:
        raise ConfigError([_of_file(path, f"cannot be read: {error.strerror}")]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
        raise ConfigError([Problem(place, "", "not text in UTF-8; save it as UTF-8", str(path))]) from None


def _of_file(path: Path, text: str) -> Problem:
    return Problem(Place(), "", text, str(path))


def read_state(node: Node | None, reading: Reading) -> Path:
    """The database file; by default in the directory that systemd gives, else beside the configuration."""
    if node is None:  # also where a link to the configuration is named: the database is the same
        return (reading.output if reading.serves else Path(reading.file).resolve().parent) / DATABASE
    try:
        return reading.base / _database(node.value)
    except ValueError as error:
        reading.wrong(node.place, ("state",), str(error))
        return reading.base / DATABASE


def _database(written: object) -> str:
    """The path in `sqlite:///var/lib/x.db` (absolute), `sqlite:x.db` or `x.db` (relative); raises ValueError."""
    expected = "expected the path of a database file, such as /var/lib/failover/failover.db"
    path = written if isinstance(written, str) else ""
    if re.match(r"(?!sqlite:)[A-Za-z][\w+.-]*:", path):
        raise ValueError(f"this version keeps its state in SQLite only; {expected}")
    path = path.removeprefix("sqlite:")
    if path.startswith("//"):
        path = "/" + path.lstrip("/") if path.startswith("///") else ""
    if path in ("", "/", ":memory:") or path.endswith("/"):
        raise ValueError(expected)
    return path


def read_control(node: Node | None, state: Path, root: Node, reading: Reading) -> Path:
    """The socket; by default in the directory that systemd gives, else beside the state."""
    given = reading.env.get("RUNTIME_DIRECTORY", "").split(":")[0]
    path = (Path(given) if given else state.parent) / "control.sock"
    place = root.place if node is None else node.place
    if node is not None and isinstance(node.value, str) and node.value:
        path = reading.base / node.value
    elif node is not None:
        reading.wrong(place, ("control",), "expected the path of a socket, such as /run/failover/control.sock")
    if len(os.fsencode(path)) > SOCKET_PATH_AT_MOST:
        length = len(os.fsencode(path))
        reading.wrong(place, ("control",), f"{length} bytes; a socket's path has {SOCKET_PATH_AT_MOST} at most")
    return path


def left_elsewhere(
    state: Path, configuration: Path, env: Mapping[str, str], service: Mapping[Path, Path] = SERVICE
) -> Path | None:
    """The database with which this configuration may have been at work, where now another would be begun; else None.

    Earlier versions kept it in the working directory; the service has it where its manager says.  What begins anew
    could say everything once more, so a person must decide.
    """
    if env.get("STATE_DIRECTORY") or state != configuration.resolve().parent / DATABASE or state.exists():
        return None
    known = [place for file, place in service.items() if file == configuration.absolute()]
    with suppress(FileNotFoundError):  # a working directory that is gone
        known.insert(0, Path.cwd() / DATABASE)
    return next((one for one in known if os.path.lexists(one)), None)
