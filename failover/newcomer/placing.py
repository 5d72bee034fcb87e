"""New files in their place: all of them, or none.

They are written into a folder of their own beside the configuration, read there as the daemon would read them, and
moved when nothing is wrong.  Whatever interrupts that takes back what was moved already.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from failover import registry
from failover.config import load
from failover.config.problems import ConfigError
from failover.service.install import configuration_text, schema_text

SECRETS = "secrets"
SCHEMA = "config.schema.json"


class RefusedError(Exception):
    """Why nothing was written, in plain words."""


def refuse(target: Path) -> None:
    """Raise RefusedError where a configuration stands already, or none could be written."""
    if target.exists() and not _is_untouched_example(target):
        raise RefusedError(
            f"{target} is there already and is not overwritten; move it away, or name another file with --config"
        )
    folder = _nearest(target.parent)
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise RefusedError(f"nothing can be written in {folder}; use sudo, or name another file with --config")


def _is_untouched_example(target: Path) -> bool:
    """The example as `install-service` or the package put it there: nothing of anybody's would be lost."""
    try:
        return target.read_text(encoding="utf-8") == configuration_text()
    except (OSError, UnicodeDecodeError):
        return False


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that there is."""
    folder = folder.absolute()
    return next(one for one in (folder, *folder.parents) if one.exists())


def place(
    target: Path, text: str, secrets: Mapping[str, str], copies: Mapping[str, Path], env: Mapping[str, str]
) -> list[str]:
    """Write everything; what was written.  Raises RefusedError, and ConfigError if the daemon would not take it."""
    refuse(target)
    folder = target.parent
    for name in (*secrets, *copies):
        if (folder / SECRETS / name).exists():
            raise RefusedError(f"{folder / SECRETS / name} is there already and is not overwritten; move it away")
    with ExitStack() as undo:
        _make_folder(folder, undo)
        work = Path(tempfile.mkdtemp(prefix=".failover-init-", dir=folder))
        undo.callback(shutil.rmtree, work, ignore_errors=True)
        _write(work / target.name, text.encode(), 0o644)
        (work / SECRETS).mkdir(mode=0o700)
        for name, secret in secrets.items():
            _write(work / SECRETS / name, f"{secret}\n".encode(), 0o600)
        for name, source in copies.items():
            _write(work / SECRETS / name, source.read_bytes(), 0o600)
        _try(work / target.name, target, env)
        with _undisturbed():
            written = _move(work, target, undo)
            undo.pop_all()
        shutil.rmtree(work, ignore_errors=True)
    return written


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C and the like wait until everything is in its place."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _make_folder(folder: Path, undo: ExitStack) -> None:
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir()
        undo.callback(_remove_folder, missing)


def _remove_folder(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _write(path: Path, data: bytes, mode: int) -> None:
    """Never, not for a moment, with wider permissions than these."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)


def _try(draft: Path, target: Path, env: Mapping[str, str]) -> None:
    """Read it as the daemon will, with its own secrets (those in `secrets` that were there before count too).

    Its socket will lie beside the target, whose path is shorter than that of the draft; `check` measures it there.
    """
    env = {**env, "RUNTIME_DIRECTORY": env.get("RUNTIME_DIRECTORY") or "/run"}
    for old in (target.parent / SECRETS).glob("*") if (target.parent / SECRETS).is_dir() else ():
        if old.is_file() and not (draft.parent / SECRETS / old.name).exists():
            (draft.parent / SECRETS / old.name).symlink_to(old.absolute())
    try:
        load(draft, env, registry)
    except ConfigError as error:
        text = "\n".join(str(problem).replace(str(draft.parent), str(target.parent)) for problem in error.problems)
        raise RefusedError(f"the daemon would not take this configuration, so nothing was written:\n{text}") from None
    for link in (draft.parent / SECRETS).iterdir():
        if link.is_symlink():
            link.unlink()


def _move(work: Path, target: Path, undo: ExitStack) -> list[str]:
    """The configuration comes last: as long as it is not there, nothing has happened."""
    written = []
    secrets = target.parent / SECRETS
    if not secrets.exists():
        secrets.mkdir(mode=0o700)
        undo.callback(_remove_folder, secrets)
        written.append(secrets)
    for file in sorted((work / SECRETS).iterdir()):
        undo.callback((secrets / file.name).unlink, missing_ok=True)
        file.rename(secrets / file.name)
        written.append(secrets / file.name)
    schema = target.parent / SCHEMA
    if not schema.exists():
        undo.callback(schema.unlink, missing_ok=True)
        _write(schema, schema_text().encode(), 0o644)
        written.append(schema)
    refuse(target)
    (work / target.name).replace(target)
    return [f"wrote {path}" for path in (*written, target)]
