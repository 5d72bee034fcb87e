"""The section `maintenance`, and the clock it is written in.

Times without an offset are on the organisation's clock.  An hour that this clock skips, or shows twice, is refused
rather than guessed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, ConfigDict, Field

from failover.config.places import Node
from failover.config.problems import KeyPath, Reading, did_you_mean
from failover.config.settings import Recurring, Text, Window
from failover.config.validation import accept
from failover.hours import DAYS, minute_of


def known_timezone(name: str) -> str:
    """The name of a time zone that this machine knows; raises ValueError."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: unknown; OSError: the name of a folder of zones
        known = available_timezones()
        if not known:
            raise ValueError("no time zones on this machine; install tzdata") from None
        hint = did_you_mean(name, known)
        raise ValueError(f"unknown time zone; expected a name such as Europe/London{hint}") from None
    return name


Days = frozenset[int]


def _days(value: object) -> Days:
    """`day`, `sunday` or `[saturday, sunday]`; raises ValueError."""
    names = [value] if isinstance(value, str) else value
    if names == ["day"]:
        return frozenset(range(7))
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError("expected day, or days of the week such as [saturday, sunday]")
    for name in names:
        if name not in DAYS:
            raise ValueError(f"'{name}' is no day of the week{did_you_mean(name, DAYS)}")
    return frozenset(DAYS.index(name) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowEntry:
    """One entry of the section `maintenance`, as it is written."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    platform: Text
    from_: Annotated[str, Field(alias="from", min_length=1)]
    until: Text
    every: Annotated[Days | None, BeforeValidator(_days)] = None
    why: str = ""


def read_windows(
    node: Node | None, platforms: Collection[str], timezone: str, reading: Reading
) -> tuple[Window | Recurring, ...]:
    """The windows that are written correctly, in the order of the file."""
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, list):
        reading.wrong(node.place, ("maintenance",), "expected a list of {platform, from, until, why}")
    windows = (
        _window(child, ("maintenance", index), platforms, timezone, reading) for index, child in enumerate(node.items)
    )
    return tuple(window for window in windows if window is not None)


def _window(
    node: Node, path: KeyPath, platforms: Collection[str], timezone: str, reading: Reading
) -> Window | Recurring | None:
    entry = accept(WindowEntry, node, path, reading)
    if entry is None:
        return None
    if entry.platform not in platforms:
        hint = did_you_mean(entry.platform, platforms)
        place = node.mapping["platform"].place
        reading.wrong(place, (*path, "platform"), f"there is no platform '{entry.platform}'{hint}")
    if entry.every is not None:
        return _recurring(entry, entry.every, node, path, reading)
    times: dict[str, float] = {}
    for key, written in (("from", entry.from_), ("until", entry.until)):
        try:
            times[key] = moment(written, timezone)
        except ValueError as error:
            reading.wrong(node.mapping[key].place, (*path, key), str(error))
    if len(times) < 2:
        return None
    if times["until"] <= times["from"]:
        reading.wrong(node.mapping["until"].place, (*path, "until"), "not later than `from`")
    return Window(platform=entry.platform, start=times["from"], until=times["until"], why=entry.why)


def _recurring(entry: WindowEntry, days: Days, node: Node, path: KeyPath, reading: Reading) -> Recurring | None:
    minutes = {key: minute_of(written) for key, written in (("from", entry.from_), ("until", entry.until))}
    for key, minute in minutes.items():
        if minute is None:
            reading.wrong(node.mapping[key].place, (*path, key), 'with `every`, expected an hour such as "02:30"')
    begins, ends = minutes["from"], minutes["until"]
    if begins is None or ends is None:
        return None
    if begins == ends:
        reading.wrong(node.mapping["until"].place, (*path, "until"), "the same as `from`")
        return None
    return Recurring(platform=entry.platform, hours=(begins, ends), days=days, why=entry.why)


def moment(written: str, timezone: str) -> float:
    """Seconds (UTC) of an ISO 8601 time, on the clock of `timezone` where it has no offset.  Raises ValueError."""
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        raise ValueError("expected a time such as 2026-12-24T22:00") from None
    if time.tzinfo is not None:
        return time.timestamp()
    early, late = (time.replace(tzinfo=ZoneInfo(timezone), fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early.timestamp()
    # Before and after a gap the offsets differ too, but the hour does not come back from a journey through UTC.
    if early.astimezone(UTC).astimezone(early.tzinfo).replace(tzinfo=None) != time:
        raise ValueError(f"there is no such hour in {timezone}: the clocks go forward then")
    raise ValueError(
        f"this hour comes twice in {timezone}; add its offset, such as {late.isoformat(timespec='minutes')}"
    )
