"""A practice status page: the JSON of Atlassian Statuspage v2, with states that can be set.

Answers `/api/v2/{summary,status,components,incidents}.json` with an ETag (304 where nothing changed), and can turn
into what an address like it turns into: a foreign page, a retired one, a marketing page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from failover.practice.http import HttpService, Request, Response

_INDICATOR = {
    "operational": "none",
    "under_maintenance": "maintenance",
    "degraded_performance": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
}
"""The worst state on the page -> its roll-up; the order is from good to bad."""


class Mode(str, Enum):
    """What stands at the address."""

    NORMAL = "the page"
    FOREIGN = "somebody else's page"
    INACTIVE = "401 and JSON: the page was retired"
    MARKETING = "200 and HTML for every path: the page was never claimed, or is an application"


@dataclass(slots=True)
class Component:
    """One row; `group` rows only repeat the worst of their members."""

    name: str
    status: str = "operational"
    key: str = ""
    group: bool = False
    updated_at: str | None = None

    def row(self, page: str) -> dict[str, Any]:
        fields = {"id": self.key, "name": self.name, "status": self.status, "group": self.group, "page_id": page}
        return fields | ({"updated_at": self.updated_at} if self.updated_at else {})


@dataclass(slots=True)
class Incident:
    name: str
    status: str = "investigating"
    impact: str = "minor"
    components: tuple[str, ...] = ()
    updated_at: str | None = None


@dataclass(slots=True)
class _Page:
    key: str
    name: str
    components: list[Component] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)


class StatuspageService(HttpService):
    """`summary_limit`: how many components the summary still lists (large pages cut it); `indicator` overrides."""

    def __init__(
        self, components: Iterable[str] = ("Messaging",), *, key: str = "practice0000", name: str = "Practice"
    ) -> None:
        super().__init__()
        self.page = _Page(key, name)
        for title in components:
            self.add(title)
        self.mode = Mode.NORMAL
        self.indicator: str | None = None
        self.summary_limit: int | None = None

    def add(self, name: str, status: str = "operational", *, group: bool = False) -> Component:
        """Another row; names may repeat."""
        row = Component(name, status, f"component{len(self.page.components):03}", group)
        self.page.components.append(row)
        return row

    def set(self, name: str, status: str) -> None:
        """Give every row of that name this state."""
        for row in self.page.components:
            if row.name == name:
                row.status = status

    def open_incident(self, incident: Incident) -> Incident:
        self.page.incidents.append(incident)
        return incident

    async def answer(self, request: Request) -> Response:
        if self.mode is Mode.MARKETING:
            return Response.html("<!DOCTYPE html><html><body><h1>Status pages for everybody</h1></body></html>")
        if self.mode is Mode.INACTIVE:
            return Response.json({"error": "Your page is inactive"}, 401)
        documents = {
            "/api/v2/summary.json": ("page", "status", "components", "incidents", "scheduled_maintenances"),
            "/api/v2/status.json": ("page", "status"),
            "/api/v2/components.json": ("page", "components"),
            "/api/v2/incidents.json": ("page", "incidents"),
        }
        if request.path not in documents:
            return Response.html("<h1>Not found</h1>", 404)
        limit = self.summary_limit if request.path.endswith("summary.json") else None
        whole = self._whole(limit)
        return _conditional({name: whole[name] for name in documents[request.path]}, request)

    def _whole(self, limit: int | None) -> dict[str, Any]:
        foreign = self.mode is Mode.FOREIGN
        key, name = ("foreign00000", "Somebody Else") if foreign else (self.page.key, self.page.name)
        url = "https://status.example.org" if foreign else self.url
        indicator = self.indicator or self._worst()
        return {
            "page": {"id": key, "name": name, "url": url, "time_zone": "Etc/UTC"},
            "status": {"indicator": indicator, "description": f"Practice: {indicator}"},
            "components": [row.row(key) for row in self.page.components[:limit]],
            "incidents": [self._incident(number) for number in range(len(self.page.incidents))],
            "scheduled_maintenances": [],
        }

    def _worst(self) -> str:
        order = list(_INDICATOR)
        known = [order.index(row.status) for row in self.page.components if row.status in order]
        return _INDICATOR[order[max(known, default=0)]]

    def _incident(self, number: int) -> dict[str, Any]:
        incident = self.page.incidents[number]
        rows = [row.row(self.page.key) for row in self.page.components if row.name in incident.components]
        return {
            "id": f"incident{number:03}",
            "name": incident.name,
            "status": incident.status,
            "impact": incident.impact,
            "updated_at": incident.updated_at,
            "resolved_at": None,
            "components": rows,
            "incident_updates": [],
        }


def _conditional(document: dict[str, Any], request: Request) -> Response:
    tag = f'"{hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "max-age=0"}
    if request.headers.get("if-none-match") == tag:
        return Response(304, headers=headers)
    return Response.json(document, headers=headers)
