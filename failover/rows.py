"""Values to database rows and back; one pair of functions per value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from failover.delivery import Approval, Delivery, Phase, StatementRow
from failover.hindsight import Chapter
from failover.incidents import Incident
from failover.model import (
    Evidence,
    Fault,
    Image,
    Observation,
    Receipt,
    Sighting,
    Signal,
    State,
    Statement,
    Transition,
)
from failover.posts import Post
from failover.signoff import Asking
from failover.standing import Declaration, Standing

Columns = Mapping[str, Any]


def from_standing(value: Standing) -> Columns:
    voted = json.dumps({evidence.value: at for evidence, at in value.voted.items()})
    return {
        "platform": value.platform,
        "state": value.state.value,
        "since": value.since,
        "reason": value.reason,
        "voted": voted,
        "first": None if value.first is None else value.first.value,
        "first_since": value.first_since,
    }


def to_standing(columns: Columns) -> Standing:
    """The timers are not kept: after a restart nothing is concluded from looks made before it (rule R8).

    Only who complained first is: it makes more careful.
    """
    classes = {Evidence(name): at for name, at in json.loads(columns["voted"]).items()}
    first = None if columns["first"] is None else Evidence(columns["first"])
    return Standing(**{**columns, "state": State(columns["state"]), "voted": classes, "first": first})


def from_declaration(value: Declaration) -> Columns:
    return {
        "platform": value.platform,
        "signal": value.signal.value,
        "at": value.at,
        "by": value.by,
        "because": value.because,
    }


def to_declaration(columns: Columns) -> Declaration:
    return Declaration(**{**columns, "signal": Signal(columns["signal"])})


def from_observation(value: Observation) -> Columns:
    seen = value.sighting
    return {
        "platform": value.platform,
        "probe": value.probe,
        "at": value.at,
        "signal": seen.signal.value,
        "evidence": seen.evidence.value,
        "fault": seen.fault.value if seen.fault else None,
        "reason": seen.reason,
        "detail": seen.detail,
        "took": value.took,
        "node": value.node,
    }


def to_observation(columns: Columns) -> Observation:
    """An observation as it was kept; it is history, so it is not good for any vote."""
    return Observation(
        platform=columns["platform"],
        probe=columns["probe"],
        at=columns["at"],
        good_until=columns["at"],
        took=columns["took"],
        node=columns["node"],
        sighting=Sighting(
            signal=Signal(columns["signal"]),
            evidence=Evidence(columns["evidence"]),
            fault=Fault(columns["fault"]) if columns["fault"] else None,
            reason=columns["reason"],
            detail=columns["detail"],
        ),
    )


def from_transition(value: Transition) -> Columns:
    return {
        "platform": value.platform,
        "at": value.at,
        "was": value.was.value,
        "now": value.now.value,
        "reason": value.reason,
        "evidence": json.dumps([from_observation(seen) for seen in value.evidence]),
    }


def to_transition(columns: Columns) -> Transition:
    states = {name: State(columns[name]) for name in ("was", "now")}
    seen = tuple(to_observation(one) for one in json.loads(columns["evidence"]))
    return Transition(**{**columns, **states, "evidence": seen})


def to_chapter(columns: Columns) -> Chapter:
    """A transition with its explanation; a file of an older version has none."""
    names = ("platform", "at", "was", "now", "reason", "evidence")
    moved = to_transition({name: columns[name] for name in names})
    return Chapter(transition=moved, explanation=tuple(json.loads(columns.get("explanation", "[]"))))


def from_incident(value: Incident) -> Columns:
    columns = asdict(value)
    columns["grp"] = columns.pop("group")
    return columns | {"platforms": json.dumps(value.platforms), "down": json.dumps(value.down)}


def to_incident(columns: Columns) -> Incident:
    values = dict(columns)
    values |= {name: tuple(json.loads(values[name])) for name in ("platforms", "down")}
    return Incident(group=values.pop("grp"), **values)


def from_statement(value: StatementRow) -> Columns:
    approvals = json.dumps([asdict(one) for one in value.approvals])
    return asdict(value) | {"kind": value.kind.value, "approvals": approvals}


def to_statement(columns: Columns) -> StatementRow:
    approvals = tuple(
        Approval(**{**one, "texts": tuple(one["texts"])}) for one in json.loads(columns.get("approvals", "[]"))
    )
    kind, drill = Statement(columns["kind"]), bool(columns.get("drill"))
    return StatementRow(**{**columns, "kind": kind, "drill": drill, "approvals": approvals})


def from_asking(value: Asking) -> Columns:
    return asdict(value)


def to_asking(columns: Columns) -> Asking:
    return Asking(**{**columns, "done": bool(columns["done"])})


def from_delivery(value: Delivery) -> Columns:
    return asdict(value) | {
        "statement": value.statement.value,
        "phase": value.phase.value,
        "platforms": json.dumps(value.platforms),
        "elsewhere": json.dumps(value.elsewhere),
        "receipt": json.dumps(asdict(value.receipt)) if value.receipt else None,
        "images": _from_images(value.images),
    }


def to_delivery(columns: Columns) -> Delivery:
    receipt = columns["receipt"]
    return Delivery(
        **{
            **columns,
            "statement": Statement(columns["statement"]),
            "phase": Phase(columns["phase"]),
            "platforms": tuple(json.loads(columns["platforms"])),
            "elsewhere": tuple(json.loads(columns.get("elsewhere", "[]"))),
            "receipt": Receipt(**json.loads(receipt)) if receipt else None,
            "images": _to_images(columns.get("images", "[]")),
        }
    )


def from_post(value: Post) -> Columns:
    columns = asdict(value) | {"channels": json.dumps(value.to), "images": _from_images(value.images)}
    return {name: column for name, column in columns.items() if name != "to"}


def to_post(columns: Columns) -> Post:
    values = dict(columns)
    to, images = tuple(json.loads(values.pop("channels"))), _to_images(values.pop("images"))
    return Post(**values, to=to, images=images)


def _from_images(images: tuple[Image, ...]) -> str:
    return json.dumps([{**asdict(one), "path": str(one.path)} for one in images])


def _to_images(text: str) -> tuple[Image, ...]:
    return tuple(Image(**{**one, "path": Path(one["path"])}) for one in json.loads(text))
