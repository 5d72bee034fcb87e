"""What the Graph API's answers say about "could we post to this Page now?"; pure, private to this folder.

Sources: Graph API changelog (end dates of versions), "Debug-Token" reference (expires_at, data_access_expires_at:
Unix seconds, 0 = never), Page reference (tasks), Pages API "Posts" guide (permissions, CREATE_CONTENT).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from channels._steps import Trouble
from failover.model import Evidence, Health, Sighting

DAY = 86400.0
VERSION_WARNING = 90 * DAY
TOKEN_WARNING = 21 * DAY
NEEDED_SCOPES = ("pages_manage_posts", "pages_read_engagement")
NEEDED_TASK = "CREATE_CONTENT"


def _day(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


VERSION_ENDS = {
    20: _day("2026-09-24"),
    21: _day("2027-01-21"),
    22: _day("2027-05-20"),
    23: _day("2027-10-08"),
    24: _day("2028-02-18"),
    25: _day("2028-07-29"),
}
"""First moment (UTC) at which a Graph API version is no longer served.  The newest, v26.0, has no end date yet."""


@dataclass(slots=True)
class Notes:
    """The answer under construction: what needs a person now, what will, the known ends, and plain facts."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def ends_at(self, what: str, end: float, now: float, warning: float) -> None:
        """Something ends at `end`: a problem after it, a warning for `warning` seconds before it."""
        self.ends.append(end)
        day = datetime.fromtimestamp(end, UTC).date().isoformat()
        days = int((end - now) // DAY)
        if end <= now:
            self.problems.append(f"{what} ended on {day}")
        elif end - now <= warning:
            self.warnings.append(f"{what} ends on {day}, in {days} {'day' if days == 1 else 'days'}")


def judge_version(notes: Notes, version: str, now: float) -> None:
    """Add what is known about the end of a version written like v26.0."""
    number = int(version[1:].partition(".")[0])
    notes.facts["version"] = version
    if number < min(VERSION_ENDS):
        notes.problems.append(f"Graph API {version} is no longer served")
    elif number in VERSION_ENDS:
        notes.ends_at(f"Graph API {version}", VERSION_ENDS[number], now, VERSION_WARNING)


def judge_token(notes: Notes, inspected: Any, now: float) -> None:
    """Add what /debug_token says.  That it cannot be asked is a warning only: the token may work all the same."""
    if isinstance(inspected, Trouble):
        notes.warnings.append(f"how long the access token lasts could not be asked: {inspected.reason}")
        return
    data = inspected.get("data") if isinstance(inspected, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("is_valid"), bool):
        notes.warnings.append("how long the access token lasts could not be read")
        return
    if not data["is_valid"]:
        notes.problems.append("Facebook says that the access token is not valid")
    missing = [scope for scope in NEEDED_SCOPES if scope not in (data.get("scopes") or ())]
    if missing:
        notes.problems.append(f"the access token lacks the permission {' and '.join(missing)}")
    for name, what in (("expires_at", "the access token"), ("data_access_expires_at", "the app's access to data")):
        end = data.get(name)
        if isinstance(end, int) and end > 0:
            notes.ends_at(what, float(end), now, TOKEN_WARNING)


def judge_page(notes: Notes, page: Any, tasks: Any) -> Sighting:
    """Add what reading the Page says, and give it as evidence about the platform."""
    if isinstance(page, Trouble):
        notes.problems.append(page.reason)
        return page.sighting
    if not isinstance(page, dict) or not page.get("id"):
        notes.problems.append("Facebook did not describe the Page")
        return Sighting.unknown(Evidence.SPOKEN, "Facebook did not describe the Page")
    if isinstance(page.get("name"), str):
        notes.facts["page"] = page["name"]
    names = tasks.get("tasks") if isinstance(tasks, dict) else None
    if not isinstance(names, list):
        notes.warnings.append("whether the account may create posts on the Page could not be read")
    elif NEEDED_TASK not in names:
        notes.problems.append(f"the account may not create posts on the Page (task {NEEDED_TASK} is missing)")
    return Sighting.up(Evidence.SPOKEN, "the Graph API answered for our Page")


def to_health(notes: Notes, sighting: Sighting) -> Health:
    """The finished answer."""
    return Health(
        sighting=sighting,
        problems=tuple(dict.fromkeys(notes.problems)),
        warnings=tuple(dict.fromkeys(notes.warnings)),
        expires_at=min(notes.ends, default=None),
        facts=notes.facts,
    )
