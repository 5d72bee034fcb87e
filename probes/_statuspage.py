"""Statuspage's JSON as values; private to this folder.  Whatever the JSON is, reading it raises nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from probes._fetch import plain
from probes._json import mapping, rows, text
from probes._official import Dated, Part, fold, timestamp, word

OPEN = frozenset({"investigating", "identified"})
"""The states in which an incident says that something is wrong; `monitoring` says that it works again."""

INCIDENTS = 100
"""Open incidents that are looked at; a page with more of them is garbage."""

_PLACEHOLDER = re.compile(r"^visit \S+ for more information\.?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Dated):
    """An incident that is not over: what it concerns (ids and names), and when it was last written to."""

    name: str
    state: str
    impact: str
    concerns: frozenset[str]

    @property
    def tells_trouble(self) -> bool:
        return self.state in OPEN and self.impact not in ("none", "maintenance")

    def names(self, part: Part) -> bool:
        """It lists the component; where it lists none at all, its title must contain the component's name."""
        if self.concerns:
            return part.key in self.concerns or fold(part.name) in self.concerns
        return re.search(rf"(?<!\w){re.escape(fold(part.name))}(?!\w)", fold(self.name)) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage(Dated):
    """What was read from one JSON answer; fields that were missing or of another type are empty."""

    key: str = ""
    name: str = ""
    url: str = ""
    indicator: str = ""
    description: str = ""
    parts: tuple[Part, ...] = ()
    incidents: tuple[Incident, ...] = ()


def last_touched(part: Part, incidents: Iterable[Incident]) -> float | None:
    """A component in trouble for long is still news while an open incident about it is being written to."""
    if part.changed_at is None:
        return None
    about = (incident.changed_at for incident in incidents if incident.names(part))
    return max((part.changed_at, *(at for at in about if at is not None)))


def read_page(document: object) -> StatusPage | None:
    """A status page out of any JSON value; None where it has no `page`, so it is something else."""
    page = mapping(document).get("page")
    if not isinstance(page, dict) or not (text(page, "id") or text(page, "name")):
        return None
    status = mapping(mapping(document).get("status"))
    return StatusPage(
        key=text(page, "id"),
        name=text(page, "name"),
        url=text(page, "url"),
        changed_at=timestamp(page.get("updated_at")),
        indicator=word(status.get("indicator")),
        description=plain(text(status, "description")),
        parts=tuple(_parts(mapping(document).get("components"))),
        incidents=tuple(islice(_incidents(mapping(document).get("incidents")), INCIDENTS)),
    )


def _parts(listed: object) -> Iterable[Part]:
    """The components that stand for themselves: group rows only repeat the worst of their members."""
    for row in rows(listed):
        name = text(row, "name")
        if name and not row.get("group") and not _PLACEHOLDER.match(name):
            changed_at = timestamp(row.get("updated_at"))
            yield Part(name=name, key=text(row, "id"), word=word(row.get("status")), changed_at=changed_at)


def _incidents(listed: object) -> Iterable[Incident]:
    for row in rows(listed):
        if row.get("resolved_at"):
            continue
        about = rows(row.get("components"))
        for update in rows(row.get("incident_updates")):
            about += rows(update.get("affected_components"))
        yield Incident(
            name=text(row, "name"),
            state=word(row.get("status")),
            impact=word(row.get("impact")),
            changed_at=timestamp(row.get("updated_at")),
            concerns=frozenset(mark for one in about for mark in _marks(one)),
        )


def _marks(row: dict[str, object]) -> Iterable[str]:
    return filter(None, (text(row, "id"), text(row, "code"), fold(text(row, "name"))))
