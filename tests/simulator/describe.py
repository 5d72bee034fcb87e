"""Events in the words of the story."""

from __future__ import annotations

from collections.abc import Mapping

from tests.simulator.scenario import Event

WORDS: Mapping[str, str] = {
    "outage": "{who} FAILS in truth ({what}, for {length})",
    "lie": "a source is wrong about {who}: {what} ({length}{flaps})",
    "blind": "{who} cannot be seen: {what} ({length})",
    "regional": "a fault of our region: from here and for the crowd everything seems down ({length})",
    "line": "our own line is {what} ({length})",
    "channel": "{who} will answer: {what}",
    "find": "{who}, when read back, will answer: {what}",
    "crash": "the process is killed; the next one starts in {length}",
    "fuse": "the process will be killed {number} steps from now; the next one starts in {length}",
    "clock": "somebody sets the wall clock by {number} s",
    "disk": "the disk is full ({length})",
    "declare": "ann declares {who} {what}",
    "pause": "ann pauses the daemon ({length})",
    "approve": "ann approves what waits",
    "veto": "ann objects to what waits",
    "retract": "ann has the last incident taken back",
    "reload": "configuration {number} is loaded",
}


def describe(event: Event) -> str:
    """One line of the story."""
    length = f"{event.lasts / 60:.0f} min" if event.lasts >= 120 else f"{event.lasts:.0f} s"
    flaps = f", on and off every {event.number:.0f} s" if event.number else ""
    number = f"{event.number:.0f}"
    return WORDS[event.kind].format(who=event.who, what=event.what, length=length, flaps=flaps, number=number)
