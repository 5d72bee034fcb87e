"""Statuspage's JSON as values; private to this folder.  Whatever the JSON is, reading it raises nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from probes._fetch import plain
from probes._official import Part, fold, timestamp, word

OPEN = frozenset({"investigating", "identified"})
"""The states in which an incident says that something is wrong; `monitoring` says that it works again."""

INCIDENTS = 100
"""Open incidents that are looked at; a page with more of them is garbage."""

_PLACEHOLDER = re.compile(r"^visit \S+ for more information\.?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident that is not over: what it concerns (ids and names), and when it was last written to."""

    name: str
    state: str
    impact: str
    changed_at: float | None
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
class StatusPage:
    """What was read from one JSON answer; fields that were missing or of another type are empty."""

    key: str = ""
    name: str = ""
    url: str = ""
    changed_at: float | None = None
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
    page = _dict(document).get("page")
    if not isinstance(page, dict) or not (_text(page, "id") or _text(page, "name")):
        return None
    status = _dict(_dict(document).get("status"))
    return StatusPage(
        key=_text(page, "id"),
        name=_text(page, "name"),
        url=_text(page, "url"),
        changed_at=timestamp(page.get("updated_at")),
        indicator=word(status.get("indicator")),
        description=plain(_text(status, "description")),
        parts=tuple(_parts(_dict(document).get("components"))),
        incidents=tuple(islice(_incidents(_dict(document).get("incidents")), INCIDENTS)),
    )


def _parts(rows: object) -> Iterable[Part]:
    """The components that stand for themselves: group rows only repeat the worst of their members."""
    for row in _dicts(rows):
        name = _text(row, "name")
        if name and not row.get("group") and not _PLACEHOLDER.match(name):
            changed_at = timestamp(row.get("updated_at"))
            yield Part(name=name, key=_text(row, "id"), word=word(row.get("status")), changed_at=changed_at)


def _incidents(rows: object) -> Iterable[Incident]:
    for row in _dicts(rows):
        if row.get("resolved_at"):
            continue
        listed = [*_dicts(row.get("components"))]
        for update in _dicts(row.get("incident_updates")):
            listed += _dicts(update.get("affected_components"))
        yield Incident(
            name=_text(row, "name"),
            state=word(row.get("status")),
            impact=word(row.get("impact")),
            changed_at=timestamp(row.get("updated_at")),
            concerns=frozenset(mark for row in listed for mark in _marks(row)),
        )


def _marks(row: dict[str, object]) -> Iterable[str]:
    return filter(None, (_text(row, "id"), _text(row, "code"), fold(_text(row, "name"))))


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, object]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(row: dict[str, object], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""
