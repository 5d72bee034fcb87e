"""How many ambiguous answers are tried, by channel and fault: `python -m tests.ambiguous`; with `--list` each one."""

from __future__ import annotations

import sys
from collections import Counter

from tests.ambiguous.cases import STEPS, Case, groups
from tests.ambiguous.expected import expected


def main() -> None:
    cases = [case for group in groups() for case in group.cases()]
    if "--list" in sys.argv[1:]:
        for case in cases:
            print(f"{case} -> {expected(case)}")
        return
    _matrix(cases, [name for name in STEPS if not name.startswith(("email", "site"))], "over HTTP")
    _matrix(cases, [name for name in STEPS if name.startswith("email")], "to a mail server")
    _matrix(cases, ["site"], "on a disk")
    ends = Counter(expected(case) for case in cases)
    print(f"{len(cases):,} cases: " + ", ".join(f"{count:,} {end}" for end, count in ends.most_common()))


def _matrix(cases: list[Case], channels: list[str], where: str) -> None:
    """One line per fault, one column per channel, and how many cases there are of it."""
    count = Counter((case.fault, case.channel) for case in cases)
    faults = dict.fromkeys(case.fault for case in cases if case.channel in channels)
    width = max(16, *map(len, channels))
    print(where.ljust(20) + "".join(name.rjust(width) for name in channels))
    for fault in faults:
        print(fault.ljust(20) + "".join(str(count[fault, name] or "-").rjust(width) for name in channels))
    print(
        "all".ljust(20) + "".join(str(sum(case.channel == name for case in cases)).rjust(width) for name in channels)
    )
    print()


main()
