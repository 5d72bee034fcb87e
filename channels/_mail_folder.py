"""Letters as files: one .eml per recipient in a folder, for an archive or for a program that sends what it finds.

Exact without any doubt, even if that program takes files away: a letter is staged under a hidden name first, then
`sending` is committed, then it takes its name.  So after a death a `sending` letter whose hidden file is gone has
been published, and one whose hidden file is still there has not.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

from channels._mail_ledger import SENDING, SENT
from channels._mail_letter import Letter, message_id
from channels._mail_list import Recipient
from channels._site_files import disk_trouble, hidden, make_folder, publish, stage, sync_folder, try_to_write
from failover.contracts import Notebook
from failover.model import Refused, Unreachable

BATCH = 50
"""Letters per commit."""

FOLDER_MODE, FILE_MODE = 0o750, 0o640


class Pickup:
    """The folder.  One thread at a time writes in it, also when an attempt was cut off and its thread goes on."""

    def __init__(self, folder: Path, batch: int = BATCH) -> None:
        self._folder, self._size = folder, batch
        self._lock = threading.Lock()

    async def deliver(
        self, letter: Letter, recipients: Sequence[Recipient], states: dict[str, str], notebook: Notebook
    ) -> Refused | Unreachable | None:
        """Write to everybody; what stopped it, if anything did.  `states` follows the ledger."""
        try:
            for start in range(0, len(recipients), self._size):
                batch = recipients[start : start + self._size]
                fresh = [one for one in batch if states[one.key] != SENDING]
                await asyncio.to_thread(self._stage, letter, fresh)
                await _note(notebook, states, batch, SENDING)
                await asyncio.to_thread(self._publish, letter, batch)
                await _note(notebook, states, batch, SENT)
        except OSError as error:
            return disk_trouble(error)
        return None

    async def check(self) -> Refused | Unreachable | None:
        """Could a letter be written?"""
        try:
            await asyncio.to_thread(self._try)
        except OSError as error:
            return disk_trouble(error)
        return None

    def _stage(self, letter: Letter, recipients: Sequence[Recipient]) -> None:
        with self._lock:
            make_folder(self._folder, FOLDER_MODE)
            for recipient in recipients:
                stage(self._path(letter, recipient), letter.to(recipient), FILE_MODE)
            sync_folder(self._folder)

    def _publish(self, letter: Letter, recipients: Sequence[Recipient]) -> None:
        with self._lock:
            for recipient in recipients:
                path = self._path(letter, recipient)
                if hidden(path).exists():
                    publish(path)
            sync_folder(self._folder)

    def _try(self) -> None:
        with self._lock:
            make_folder(self._folder, FOLDER_MODE)
            try_to_write(self._folder)

    def _path(self, letter: Letter, recipient: Recipient) -> Path:
        return self._folder / f"{message_id(letter.base, recipient.key).strip('<>').partition('@')[0]}.eml"


async def _note(notebook: Notebook, states: dict[str, str], batch: Sequence[Recipient], state: str) -> None:
    lines = {recipient.key: state for recipient in batch}
    await notebook.note(lines)
    states.update(lines)
