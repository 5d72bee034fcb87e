"""The mailing list: one letter per recipient, handed to a mail server (or written to a folder), nobody twice.

Mail has no idempotency key that servers honour and cannot be read back, so the ledger is the dedupe: see
`_mail_run` for the order of its commits, `_mail_ledger` for its words.  A send that was cut off goes on where the
ledger says; only a recipient whose letter was under way at that moment is in doubt, and is counted as such.

Whom a mailing is for: a holding statement goes to the recipients file as it is at the first attempt; what follows it
goes to those who heard it, or may have, and are still on the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from channels import _mail_check as health
from channels._mail_folder import Pickup
from channels._mail_ledger import DIED, PENDING, SENDING, conclude, heard, look, opening, waits
from channels._mail_letter import SUBJECT_LIMIT, Letter, mailing_id, write
from channels._mail_list import MailingList, Recipient, decode, has_control, parse
from channels._mail_options import EmailOptions
from channels._mail_run import Mailing
from channels._mail_session import Server, connect
from channels._picture import picture_of
from failover.contracts import ChannelKind, Notebook, Surroundings
from failover.model import (
    Announcement,
    Delivered,
    Evidence,
    Finding,
    Health,
    Measure,
    Outcome,
    Receipt,
    Refusal,
    Refused,
    Sighting,
    Unreachable,
)

__all__ = ["KIND", "EmailChannel", "EmailOptions", "open_email"]

TEXT_LIMIT = 100_000
"""Characters; mail has no limit of its own that a statement would meet."""

DEADLINE = 600.0
"""Seconds for one attempt; what is left of a long list goes out with the next."""

MARGIN = 30.0


@dataclass(frozen=True, slots=True)
class _Audience:
    """Whom the mailing is for, by key, and everybody on the list today."""

    intended: tuple[str, ...]
    listed: Mapping[str, Recipient]


class EmailChannel:
    """One list, one sender, one way out."""

    def __init__(self, options: EmailOptions, surroundings: Surroundings) -> None:
        self._options, self._surroundings = options, surroundings
        self._sender = options.parsed_sender()
        self._way = _way_out(options, self._sender.domain)

    async def send(self, announcement: Announcement, notebook: Notebook) -> Outcome:
        """Write to everybody who has not heard yet; the ledger says who that is."""
        if has_control(announcement.subject):
            reason = "the subject has a line break or a control character in it"
            return Refused(reason=reason, refusal=Refusal.CONTENT)
        picture = await picture_of(announcement)
        if isinstance(picture, Refused | Unreachable):
            return picture
        letter = write(announcement, self._sender, picture)
        states = dict(await notebook.ledger())
        audience = await self._audience(announcement, notebook, begun=bool(states))
        if isinstance(audience, Refused):
            return self._concluded(states, letter, audience)
        exact = isinstance(self._way, Pickup)
        lines = opening(states, audience.intended, audience.listed, exact=exact)
        if lines:
            await notebook.note(lines)
        states |= lines
        trouble = await self._deliver(letter, _order(states, audience.listed), states, notebook)
        return self._concluded(states, letter, trouble)

    async def find(self, announcement: Announcement, notebook: Notebook) -> Finding:
        """The ledger alone tells: anybody still waiting means absent, and a repeat goes on from there."""
        states = self._settled(await notebook.ledger())
        cut_off = {key: DIED for key, state in states.items() if state == SENDING}
        if cut_off:
            await notebook.note(cut_off)
        return look(states | cut_off, mailing_id(announcement.key, self._sender.domain))

    async def check(self) -> Health:
        """Is there a list, and would the letters be taken?  No mail is sent."""
        way = self._way
        if isinstance(way, Pickup):
            door = health.of_folder(await way.check())
        else:
            door = await health.of_server(way, self._sender.address, self._surroundings.now())
        return health.together(door, health.of_list(await self._list()))

    async def retract(self, receipt: Receipt) -> Outcome:  # noqa: ARG002
        """Mail cannot be taken back."""
        reason = "a mail that was sent cannot be taken back; only a correction can follow it"
        return Refused(reason=reason, refusal=Refusal.CONTENT)

    async def _audience(self, announcement: Announcement, notebook: Notebook, *, begun: bool) -> _Audience | Refused:
        """Once the ledger is begun, it says who is intended."""
        listed = await self._list()
        if isinstance(listed, Refused):
            return listed
        if not listed.recipients:
            return Refused(reason="the recipients file names nobody", refusal=Refusal.CONFIGURATION)
        before = await notebook.heard()
        if begun:
            return _Audience((), listed.recipients)
        if before is not None:
            told = {key.casefold() for key, state in (await notebook.told()).items() if heard(state)}
            concerned = (key.casefold() for key, state in before.items() if heard(state))
            intended = tuple(key for key in concerned if key not in told)
            nobody = Refused(reason="nobody on the list heard the first mail", refusal=Refusal.CONTENT)
            return _Audience(intended, listed.recipients) if intended else nobody
        if announcement.follows is not None:
            return Refused(reason="it is not known who heard the first mail", refusal=Refusal.CONFIGURATION)
        return _Audience(tuple(listed.recipients), listed.recipients)

    async def _list(self) -> MailingList | Refused:
        file = self._options.recipients_file
        if file is None:
            return parse("\n".join(self._options.recipients))
        try:
            raw = await asyncio.to_thread(file.read_bytes)
        except FileNotFoundError:
            return Refused(reason="the recipients file is not there", refusal=Refusal.CONFIGURATION)
        except OSError:
            return Refused(reason="the recipients file cannot be read", refusal=Refusal.CONFIGURATION)
        return parse(decode(raw))

    async def _deliver(
        self, letter: Letter, recipients: list[Recipient], states: dict[str, str], notebook: Notebook
    ) -> Refused | Unreachable | None:
        way = self._way
        if isinstance(way, Pickup):
            return await way.deliver(letter, recipients, states, notebook)
        budget = DEADLINE - MARGIN - way.timeout - way.answer_timeout
        mailing = Mailing(letter, recipients, states, notebook, asyncio.get_running_loop().time() + budget)
        await mailing.run(lambda: connect(way, self._sender.address), self._options.connections)
        return mailing.trouble

    def _settled(self, states: Mapping[str, str]) -> dict[str, str]:
        """In a folder, what became of a letter found `sending` can be seen by the next attempt: it only waits."""
        if isinstance(self._way, Server):
            return dict(states)
        return {key: PENDING if state == SENDING else state for key, state in states.items()}

    def _concluded(self, states: dict[str, str], letter: Letter, trouble: Refused | Unreachable | None) -> Outcome:
        outcome = conclude(self._settled(states), letter.base, trouble)
        if isinstance(trouble, Refused) and isinstance(outcome, Unreachable):
            self._surroundings.alarm(trouble.reason)  # some have heard, so the attempt as a whole is not refused
        if isinstance(outcome, Delivered) and isinstance(self._way, Server):
            return replace(outcome, sighting=Sighting.up(Evidence.SPOKEN, "the mail server took our mail"))
        return outcome


def _way_out(options: EmailOptions, domain: str) -> Server | Pickup:
    if options.folder is not None:
        return Pickup(options.folder)
    server = options.server(domain)
    assert server is not None  # the options' own rule
    return server


def _order(states: Mapping[str, str], listed: Mapping[str, Recipient]) -> list[Recipient]:
    """Who is to be served in this attempt: those never tried before those told "not now"."""
    keys = [key for key, state in states.items() if waits(state) or state == SENDING]
    return [listed.get(key, Recipient(key)) for key in sorted(keys, key=lambda key: states[key] != PENDING)]


def measure(options: EmailOptions, announcement: Announcement) -> Measure:  # noqa: ARG001
    """Characters of the text; or what is wrong with the subject."""
    if has_control(announcement.subject):
        return Measure(1, 0, "line breaks or control characters in the subject")
    if len(announcement.subject) > SUBJECT_LIMIT:
        return Measure(len(announcement.subject), SUBJECT_LIMIT, "characters in the subject")
    return Measure(len(announcement.text), TEXT_LIMIT, "characters")


@asynccontextmanager
async def open_email(options: EmailOptions, surroundings: Surroundings) -> AsyncIterator[EmailChannel]:
    """Nothing is kept open: each attempt makes its own connections."""
    yield EmailChannel(options, surroundings)


KIND = ChannelKind(
    options=EmailOptions,
    open=open_email,
    measure=measure,
    deadline=DEADLINE,
    settle=0.0,
    images=1,
    example="""\
kind: email
host: smtp.example.org
security: starttls
username: comms
password_file: smtp-password
sender: "Example Borough Council <news@example.org>"
recipients_file: subscribers.csv
""",
)
