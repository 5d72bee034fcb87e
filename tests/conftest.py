"""What every test stands on."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.register_profile("explore")
settings.load_profile("same")
"""The same examples in every run, so that a failure tells of the change and not of luck.

`make test ARGS=--hypothesis-profile=explore` looks further, with other examples each time.
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, credential or systemd variable of the machine reaches a test."""
    import os

    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in {
            "CREDENTIALS_DIRECTORY",
            "STATE_DIRECTORY",
            "RUNTIME_DIRECTORY",
            "NOTIFY_SOCKET",
            "WATCHDOG_USEC",
            "WATCHDOG_PID",
            "JOURNAL_STREAM",
        }:
            monkeypatch.delenv(name)
