"""The last configuration that worked, and whether the last run ended in order (rule O3).

Kept in the state directory that the service manager gives; without one (on a terminal) nothing is kept: a person who
starts the daemon by hand reads the problem and mends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


class LastGood:
    """`last-good.yaml` and the mark `running`, both in $STATE_DIRECTORY."""

    def __init__(self, env: Mapping[str, str]) -> None:
        folder = env.get("STATE_DIRECTORY", "").split(":")[0]
        self._folder = Path(folder) if folder else None

    def keep(self, path: Path) -> None:
        """This configuration works.  A disk that refuses is no reason not to run."""
        if self._folder is None:
            return
        with suppress(OSError):
            new = self._folder / "last-good.yaml.new"
            new.touch(mode=0o600)
            new.write_bytes(path.read_bytes())
            new.replace(self._folder / "last-good.yaml")

    def after_a_crash(self) -> str | None:
        """The text of the last good configuration, if the last run did not end in order."""
        if self._folder is None or not (self._folder / "running").exists():
            return None
        with suppress(OSError, UnicodeDecodeError):
            return (self._folder / "last-good.yaml").read_text(encoding="utf-8")
        return None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Leave a mark that stays behind only when the process dies."""
        mark = self._folder / "running" if self._folder else None
        with suppress(OSError):
            if mark is not None:
                mark.touch(mode=0o600)
        yield
        with suppress(OSError):
            if mark is not None:
                mark.unlink(missing_ok=True)
