"""The ways in which the practice mail server can fail: which step, what it says, whether it took the message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Phase(str, Enum):
    """Where in the conversation a fault strikes.  Before RCPT the server cannot know for whom the mail is."""

    GREETING = "greeting"
    EHLO = "ehlo"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    QUIT = "quit"


class SmtpFault(str, Enum):
    """What goes wrong once."""

    GREETING_HANG = "connected, but never greeted"
    GREETING_421 = "turned away at the door: 421"
    GREETING_554 = "turned away at the door: 554"
    AUTH_535 = "user name or password refused: 535"
    AUTH_454 = "temporary trouble with the login: 454"
    MAIL_451 = "the sender is told to wait: 451"
    MAIL_550 = "the sender is refused: 550"
    RCPT_450 = "the recipient must wait: 450"
    RCPT_550 = "no such recipient: 550"
    RCPT_POLICY = "refused by policy: 550 5.7.1"
    RCPT_421 = "421 at the recipient, then closed"
    RCPT_DROP = "connection dropped at the recipient"
    DATA_451 = "451 instead of the invitation to send the text: not accepted"
    DATA_DROP = "dropped while the text was under way: not accepted"
    DOT_451 = "451 after the final dot: not accepted"
    DOT_552 = "552 after the final dot: not accepted"
    DOT_554 = "554 5.7.1 after the final dot: not accepted"
    DOT_421 = "421 after the final dot, then closed: not accepted"
    DOT_HANG = "accepted, never answered"
    DOT_DROP = "accepted, dropped without an answer"
    DOT_GARBAGE = "accepted, answered with nonsense"
    DOT_LOST = "dropped after the final dot, not accepted"


class Then(Enum):
    """What follows the reply of an act."""

    GO_ON = "the conversation"
    CLOSE = "the end of the connection"
    RESET = "the end of the connection, by RST"
    HANG = "nothing, for ever"
    HALF = "the end of the connection, in the middle of the reply"
    DRIP = "the reply itself, but byte by byte"


@dataclass(frozen=True, slots=True)
class Act:
    """One misbehaviour, for `SmtpService.fail`.

    `accepted`: the message is taken into the books, `late` seconds later where that is not 0.  `seconds` is the pause
    between the bytes of DRIP.
    """

    phase: Phase
    reply: str = ""
    accepted: bool = False
    then: Then = Then.GO_ON
    late: float = 0.0
    seconds: float = 1.0


ACTS = {
    SmtpFault.GREETING_HANG: Act(Phase.GREETING, then=Then.HANG),
    SmtpFault.GREETING_421: Act(Phase.GREETING, "421 4.3.2 not now", then=Then.CLOSE),
    SmtpFault.GREETING_554: Act(Phase.GREETING, "554 5.7.1 go away", then=Then.CLOSE),
    SmtpFault.AUTH_535: Act(Phase.AUTH, "535 5.7.8 authentication credentials invalid"),
    SmtpFault.AUTH_454: Act(Phase.AUTH, "454 4.7.0 temporary authentication failure"),
    SmtpFault.MAIL_451: Act(Phase.MAIL, "451 4.3.0 try again later"),
    SmtpFault.MAIL_550: Act(Phase.MAIL, "550 5.1.8 sender rejected"),
    SmtpFault.RCPT_450: Act(Phase.RCPT, "450 4.2.1 greylisted, try again later"),
    SmtpFault.RCPT_550: Act(Phase.RCPT, "550 5.1.1 no such user here"),
    SmtpFault.RCPT_POLICY: Act(Phase.RCPT, "550 5.7.1 refused by policy"),
    SmtpFault.RCPT_421: Act(Phase.RCPT, "421 4.7.0 too many messages", then=Then.CLOSE),
    SmtpFault.RCPT_DROP: Act(Phase.RCPT, then=Then.CLOSE),
    SmtpFault.DATA_451: Act(Phase.DATA, "451 4.3.0 try again later"),
    SmtpFault.DATA_DROP: Act(Phase.DATA, then=Then.CLOSE),
    SmtpFault.DOT_451: Act(Phase.DOT, "451 4.3.0 try again later"),
    SmtpFault.DOT_552: Act(Phase.DOT, "552 5.2.2 mailbox full"),
    SmtpFault.DOT_554: Act(Phase.DOT, "554 5.7.1 looks like spam"),
    SmtpFault.DOT_421: Act(Phase.DOT, "421 4.3.2 shutting down", then=Then.CLOSE),
    SmtpFault.DOT_HANG: Act(Phase.DOT, accepted=True, then=Then.HANG),
    SmtpFault.DOT_DROP: Act(Phase.DOT, accepted=True, then=Then.CLOSE),
    SmtpFault.DOT_GARBAGE: Act(Phase.DOT, "<html>what?</html>", accepted=True),
    SmtpFault.DOT_LOST: Act(Phase.DOT, then=Then.CLOSE),
}

FULL = Act(Phase.MAIL, "421 4.7.0 too many messages on this connection", then=Then.CLOSE)
