"""Where the crash sweep strikes, and what it writes down of each case: values, without any action."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from failover.practice.internet import SUBSCRIBERS

CALLS = {
    "pwrite64": "a page of the database, or of its log, is written",
    "fdatasync": "a commit of the database is made durable",
    "fsync": "a page of the site, or its folder, is made durable",
    "ftruncate": "a file is cut",
    "openat": "a file is made or opened",
    "write": "a page of the site, a line of the journal, a wake-up of another thread",
    "rename": "a page of the site takes the place of the one before",
    "unlink": "a file that was only for the moment is removed",
    "mkdir": "a folder of the site is made",
    "chmod": "a file is made readable for the web server",
    "fchmod": "the same",
    "fchown": "a file of the database is given its owner",
    "bind": "the control socket is made",
    "listen": "the control socket is opened to callers",
    "socket": "a connection is prepared",
    "connect": "a connection is made",
    "accept4": "a command is listened to (control socket)",
    "sendto": "bytes leave for a service",
    "sendmsg": "the same",
    "sendmmsg": "the same",
    "recvfrom": "an answer is read",
    "recvmsg": "the same",
    "shutdown": "a connection is ended",
    "close": "a connection or a file is let go",
}
"""Every call of an incident by which anything outside of the process changes, or is learned from a service."""

MAIN, HELPERS, RESTART, ANY_MOMENT = "main", "helpers", "restart", "any moment"
ERRORS = ("EIO", "ENOSPC")

BACKUPS = ("telegram", "x", "email", "blog", "statuspage", "press-desk")
PRIMARY = "facebook-page"
MAILS = tuple(f"email to {one}" for one in SUBSCRIBERS)
PLACES = tuple(name for name in BACKUPS if name != "email") + MAILS

STAGES = (("down", "holding", BACKUPS), ("up", "welcome_back", (*BACKUPS, PRIMARY)))
"""What a person declares, what follows, and who hears it."""

THINGS = 2 * len(PLACES) + 1
"""How many things the public gets to see in an incident."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """Where the daemon is struck: on entry to the `number`-th `call` of the threads `where`.

    `main` and `helpers` (they write the pages of the site and read the mailing list) are threads of a daemon in an
    incident; `restart` is every thread of a daemon that has just been started, whose forerunner died while all
    channels had accepted the holding statement and none had answered.  `any moment` means three kills by the clock,
    and `number` is the seed.  `EIO` and `ENOSPC` kill nobody: from the n-th call for the database on, each one fails
    so until the daemon has noticed and has lived with it for a second.
    """

    where: str
    call: str
    number: int


@dataclass(slots=True)
class Result:
    """What became of one case.

    `failed` is 1 where the database refused; `public` counts what could be seen when it died; `doubts` are letters of
    whose fate the daemon says that nobody can know, `unheard` those of them that did not arrive.
    """

    point: Point
    died: int = 0
    failed: int = 0
    public: int = 0
    restarts: int = 0
    doubles: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    doubts: int = 0
    unheard: list[str] = field(default_factory=list)
    trouble: str = ""
    seconds: float = 0.0

    @property
    def reached(self) -> bool:
        """Was it struck where it should be?  (Before a restart that is struck it has died once already.)"""
        if self.point.where in ERRORS:
            return self.failed > 0
        return self.died > (self.point.where == RESTART)

    @property
    def clean(self) -> bool:
        return not (self.doubles or self.losses or self.held or self.trouble)

    def as_fields(self) -> dict[str, Any]:
        return asdict(self)
