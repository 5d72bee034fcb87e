"""The journal's message catalogue, made from the table of events: what `journalctl -x` explains.

The form is systemd's: https://systemd.io/CATALOG, journalctl(1) `--catalog`.
"""

from __future__ import annotations

import textwrap

from failover.events import EVENTS, Event, gaps


def catalogue() -> str:
    """The text of `failover.catalog`: one entry per event."""
    return "\n".join(_entry(event) for event in EVENTS.values())


def _entry(event: Event) -> str:
    paragraphs = (
        event.happened,
        f"What failover does now: {event.follows}",
        f"What you can do: {event.advice}",
    )
    body = "\n".join(textwrap.fill(_marked(text), 76, break_on_hyphens=False) for text in paragraphs)
    return f"-- {event.message_id.hex}\nSubject: {event.title}\nDefined-By: failover\n\n{body}\n"


def _marked(text: str) -> str:
    """`{channel}` -> `@FAILOVER_CHANNEL@`, which journalctl fills in from the entry."""
    for field in gaps(text):
        text = text.replace(f"{{{field}}}", f"@FAILOVER_{field.upper()}@")
    return text
