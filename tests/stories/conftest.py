"""Each story gets a town of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.stories.town import Town, a_town

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time enough, and no complaint about the practice servers.

    One that stops listening in the very moment of a call leaves that call to the garbage collector; asyncio does that
    (the accepted connection meets a server without sockets).  The daemon is another process.
    """
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(180))  # on a machine that is busy with other things
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture
async def whole_town(tmp_path: Path) -> AsyncIterator[Town]:
    """Facebook is watched in five ways; see `tests/stories/town.py`."""
    async with a_town(tmp_path) as made:
        yield made


@pytest.fixture
async def town(whole_town: Town) -> Town:
    """Facebook is watched in four ways: without the names, whose class falls silent slowly."""
    whole_town.probes("facebook", "web", "statuspage", "downdetector", "account")
    return whole_town
