"""Could the list be written to right now?  Looked at without sending a mail (rule S8)."""

from __future__ import annotations

from dataclasses import dataclass

from channels._mail_list import MailingList
from channels._mail_replies import Reply
from channels._mail_session import Server, Session, connect
from failover.model import Evidence, Health, Refused, Sighting, Unreachable

WARNING_DAYS = 21
DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of the way looks like; several make a Health."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    expires_at: float | None = None
    sighting: Sighting | None = None


def together(*parts: Part) -> Health:
    """The first sighting is the one that counts."""
    sightings = [part.sighting for part in parts if part.sighting is not None]
    return Health(
        sighting=sightings[0] if sightings else Sighting.up(Evidence.HERE, "letters can be written"),
        problems=tuple(problem for part in parts for problem in part.problems),
        warnings=tuple(warning for part in parts for warning in part.warnings),
        expires_at=min((part.expires_at for part in parts if part.expires_at is not None), default=None),
        facts=dict(fact for part in parts for fact in part.facts),
    )


def of_list(listed: MailingList | Refused) -> Part:
    """A list with a few bad lines is a warning; one that names nobody is a problem."""
    if isinstance(listed, Refused):
        return Part(problems=(listed.reason,))
    complaints = tuple(f"recipients file, {complaint}" for complaint in listed.complaints)
    if not listed.recipients:
        return Part(problems=("the recipients file names nobody", *complaints))
    return Part(warnings=complaints, facts=(("recipients", f"{len(listed.recipients):,}"),))


def of_folder(trouble: Refused | Unreachable | None) -> Part:
    """The folder of a folder channel."""
    return Part(problems=(trouble.reason,), sighting=trouble.sighting) if trouble is not None else Part()


async def of_server(server: Server, sender: str, now: float) -> Part:
    """Connect, encrypt, log in, NOOP, QUIT."""
    session = await connect(server, sender)
    if not isinstance(session, Session):
        return Part(problems=(session.reason,), sighting=session.sighting)
    try:
        answer = await session.noop()
        ends = session.certificate_ends()
        await session.close()
    finally:
        session.drop()
    if not isinstance(answer, Reply) or answer.kind != 2:
        reason = "the mail server let us in, but answers nothing sensible"
        return Part(problems=(reason,), sighting=Sighting.unknown(Evidence.SPOKEN, reason))
    up = Sighting.up(Evidence.SPOKEN, "the mail server let us in")
    return Part(warnings=_ending(ends, now), expires_at=ends, sighting=up)


def _ending(ends: float | None, now: float) -> tuple[str, ...]:
    if ends is None or ends - now > WARNING_DAYS * DAY:
        return ()
    return (f"the mail server's certificate ends in {max(0, int((ends - now) // DAY))} days",)
