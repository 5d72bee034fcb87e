"""How every case must end: (channel, step, fault) -> sent, found, sent again, or held for a person.

An explicit table, so that the suite fails on both sides: where something is said twice or is lost, and where a
person is asked for what read-back could have decided.
"""

from __future__ import annotations

from tests.ambiguous.cases import Case, Death, Times
from tests.ambiguous.places import ANN, BOB

SENT = "sent"  # without any doubt on the way
FOUND = "found"  # in doubt, looked for, and it was there; never sent again
AGAIN = "sent again"  # in doubt, looked for, not there after the settling time, sent again
HELD = "held"  # nobody but a person can tell
REFUSED = "refused"  # it will be so until a person does something

CERTAIN = ("refused", "stuck", "throttled")
"""The service was not reached, or formed the "no" itself."""

NOT_TAKEN = ("reset_head", "reset_before", "close_before", "hang_before", "error_before", "html_before")
"""Not accepted, which only a look can tell."""

TAKEN = (
    "reset_after",
    "close_after",
    "hang_after",
    "late",
    "error_after",
    "gateway_after",
    "html_after",
    "half_after",
    "drip_after",
)
"""Accepted, which only a look can tell."""


def _ends(certain: str, not_taken: str, taken: str) -> dict[str, str]:
    return dict.fromkeys(CERTAIN, certain) | dict.fromkeys(NOT_TAKEN, not_taken) | dict.fromkeys(TAKEN, taken)


# What a step is for -> how a case ends, while the process lives and when it dies over it.
PUBLISHING = _ends(SENT, AGAIN, FOUND), _ends(AGAIN, AGAIN, FOUND)
"""This request makes the statement public; the channel can be read back."""

INVISIBLE = _ends(SENT, SENT, SENT) | {"drip_after": AGAIN}, _ends(AGAIN, AGAIN, AGAIN)
"""Looks or prepares before anything is public, so it is simply repeated; a drip uses up the whole deadline."""

AFTERWARDS = _ends(SENT, SENT, SENT), _ends(FOUND, FOUND, FOUND)
"""The statement is public already, and what is left to do does not matter to that."""

READING = _ends(FOUND, FOUND, FOUND), _ends(FOUND, FOUND, FOUND)
"""Looks for what is public; a look that fails is repeated, and decides nothing."""

BLIND = _ends(SENT, HELD, HELD), _ends(HELD, HELD, HELD)
"""Makes it public where nothing can be read back."""

KNOWN_AGAIN = _ends(SENT, AGAIN, AGAIN), _ends(AGAIN, AGAIN, AGAIN)
"""The receiver knows a repeat by its id, so it is repeated in any doubt."""

TABLE = {
    ("telegram", "send"): PUBLISHING,
    ("telegram", "pin"): AFTERWARDS,
    ("telegram", "look at the page"): READING,
    ("telegram", "send welcome back"): PUBLISHING,
    ("telegram", "unpin"): AFTERWARDS,
    ("telegram-private", "send"): PUBLISHING,
    ("telegram-private", "pin"): AFTERWARDS,
    ("telegram-private", "look at the chat"): READING,
    ("telegram-private", "look at a message"): READING,
    ("telegram-private", "tidy up"): READING,
    ("telegram-private", "send welcome back"): PUBLISHING,
    ("telegram-blind", "send"): BLIND,
    ("x", "create"): PUBLISHING,
    ("x", "look up the account"): READING,
    ("x", "read the timeline"): READING,
    ("wordpress", "look first"): INVISIBLE,
    ("wordpress", "draft"): INVISIBLE,
    ("wordpress", "publish"): PUBLISHING,
    ("wordpress", "read back"): READING,
    ("wordpress", "unpin"): AFTERWARDS,
    ("facebook", "reserve"): INVISIBLE,
    ("facebook", "publish"): PUBLISHING,
    ("facebook", "see that it shows"): AFTERWARDS,
    ("facebook", "read back"): READING,
    ("webhook", "post"): KNOWN_AGAIN,
}

FORMED = ("not now", "closing")
"""A mail server's own "not now": 451 and 421."""

BEFORE_THE_DOT = ("greeting", "ehlo", "mail", "rcpt", "data")


SHOWN_FROM = 4


def expected(case: Case) -> str:
    """How it must end."""
    dies = case.death is not Death.NEVER
    match case.channel:
        case "email":
            return _mailing(case, dies=dies)
        case "email-one":
            return _only_letter(case, dies=dies)
        case "site":
            return _site(case, dies=dies)
    return TABLE[case.channel, case.step.name][dies][case.fault]


def _mailing(case: Case, *, dies: bool) -> str:
    """The list goes on without the one recipient who is in doubt."""
    if case.step.name == "quit":
        return FOUND if dies else SENT
    assert case.step.name in (*BEFORE_THE_DOT, "dot")
    return AGAIN if dies else SENT


def _only_letter(case: Case, *, dies: bool) -> str:
    """Mail cannot be read back: where the only letter is in doubt, a person is asked."""
    if case.step.name == "quit":
        return FOUND if dies else SENT
    return SENT if case.fault in FORMED and not dies else HELD


def _site(case: Case, *, dies: bool) -> str:
    """A disk that stays read-only is a matter for a person, unless a part of the pages shows the statement by then.

    From the fourth file on (the feed) what has taken its place shows it, and cannot be taken back for minutes.
    """
    lasts = case.times is Times.PERSISTENT
    if lasts and case.step.name == "publish" and int(case.step.path) >= SHOWN_FROM:
        return AGAIN
    if case.fault == "read_only" and (lasts or not dies):
        return REFUSED
    return AGAIN if dies else SENT


def in_doubt(case: Case) -> set[str]:
    """Recipients of whom nobody can tell, by the ledger; everybody else has exactly one letter.

    An outcome is written together with the next intent, so a death in between leaves the one before in doubt.
    """
    dies = case.death is not Death.NEVER
    if not case.channel.startswith("email"):
        return set()
    if case.step.name == "dot":
        return {BOB} if dies or case.fault not in FORMED else set()
    return {ANN} if dies and case.step.name in ("rcpt", "data") else set()
