"""The ledger's pen, shared by several connections: the disk is what limits the speed of a mailing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from failover.contracts import Notebook


class _Page:
    """Lines that are committed together."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}
        self.writers = 0
        self.full = asyncio.Event()
        self.committed = False


class Clerk:
    """One commit for all connections that want one.  `connections` is how many may want one at the same time.

    Whoever is first waits for the others as long as the last commit took, not longer, and commits for all; if that
    one is cut off, the next commits the same lines again.
    """

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._turn = asyncio.Lock()
        self._page = _Page()
        self._took = 0.0
        self.connections = 0

    async def note(self, lines: Mapping[str, str]) -> None:
        """Returns after the commit."""
        page = self._page
        page.lines |= lines
        page.writers += 1
        if page.writers >= self.connections:
            page.full.set()
        async with self._turn:
            if not page.committed:
                await self._commit(page)

    async def _commit(self, page: _Page) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._took):
                await page.full.wait()
        if page is self._page:
            self._page = _Page()
        began = asyncio.get_running_loop().time()
        await self._notebook.note(page.lines)
        page.committed = True
        self._took = asyncio.get_running_loop().time() - began
