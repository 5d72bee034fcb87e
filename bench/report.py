"""What the crash sweep found, as a page of Markdown."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.points import ANY_MOMENT, CALLS, ERRORS, HELPERS, MAIN, RESTART, THINGS, Result

TITLES = {
    MAIN: "main thread",
    HELPERS: "helper threads",
    RESTART: "restart after a death in mid-air",
    ANY_MOMENT: "anywhere, three kills by the clock",
}

PAGE = """\
# The crash sweep

Said twice: **{doubles}**. Lost: **{losses}**. Held for a person: **{held}**.
({cases:,} incidents, {died:,} deaths of the daemon, {restarts:,} restarts.)

The real daemon (`failover run`) lives through a whole incident on the practice internet: outage, holding statement on
six backup channels (Telegram, X, mail to three readers, WordPress, a static site, a webhook), recovery, welcome back
on those six and on the Facebook Page. In each line of the first table it is killed with SIGKILL on entry to one
system call (`strace -e inject=CALL:signal=SIGKILL:when=N`), so that the call is never made; it is started again
without strace, the incident is brought to its end, and every service is asked what it shows. Outside of the process
nothing changes between two of the calls in the table, so a death at any other instruction is the same as a death at
the next of these calls.

- command: `{command}` (`make crash`)
- date: {date}, duration {minutes:.0f} min ({jobs} cases at a time, on a machine that had other work as well)
- machine: {processor}, {cores} cores, Linux {release} {machine}
- versions: Python {python}, SQLite {sqlite}, {strace}

## Killed

| killed in | on entry to | what it does | points | died | not reached | restarts | said twice | lost | held |
|---|---|---|--:|--:|--:|--:|--:|--:|--:|
{killed}

*Not reached*: this incident took fewer such calls than the recorded one (how often the daemon looks in the meantime
differs, and the helper threads share the work as it comes), so nothing died; what was said was counted all the same.
Before a *restart* in mid-air the daemon has been killed once already, while all channels had accepted the holding
statement and none had answered; the second death is in the start that follows, from its first call on. A daemon by
the clock is killed while it tells, while it starts again, and while it welcomes back.

## The disk fails

From one call on, every such call for the database is answered with an error, until the daemon has noticed and has
lived with it for a second. It stays alive, says once that it cannot write, says nothing in public that it could not
write down first, and goes on by itself.

| error | from the n-th | points | noticed | said twice | lost | held |
|---|---|--:|--:|--:|--:|--:|
{failed}

## What the numbers rest on

**Where it died.** {early:,} of the deaths in an incident came before anything was public, {late:,} after everything
was; the rest fell between the first and the last of the {things} things that the public gets to see.

**Mail.** {doubts:,} letters were under way at a death; {unheard:,} of them had not arrived. Mail cannot be read back,
so a letter whose text may have left is never repeated (that is how nobody gets two). The daemon says so: the
delivery's note counts it as `in doubt`, and the ledger knows the reader. It is the one place where a reader can miss
a statement, and such a letter is not counted as lost in the tables.

**What is not as on a real machine.** Telegram, X, Facebook and WordPress may show a post late, so the daemon believes
`absent` only after one or two minutes (rule D5); the practice services show at once what they accepted, and these
times are set to two seconds. Each daemon is a process of its own, forked from one that has done nothing but import
the same modules, which saves a second of processor time for each start.

{verdict}
"""


def report(results: Sequence[Result], jobs: int, command: str) -> str:
    """The whole page."""
    failing = [one for one in results if one.point.where in ERRORS]
    killing = [one for one in results if one.point.where not in ERRORS]
    struck = [one for one in killing if one.died and one.point.where in (MAIN, HELPERS)]
    return PAGE.format(
        doubles=_sum(results, "doubles"),
        losses=_sum(results, "losses"),
        held=_sum(results, "held"),
        cases=len(results),
        died=_sum(results, "died"),
        restarts=_sum(results, "restarts"),
        command=command,
        jobs=jobs,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        minutes=sum(one.seconds for one in results) / 60 / jobs,
        processor=_processor(),
        cores=os.cpu_count(),
        release=platform.release(),
        machine=platform.machine(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        strace=_strace(),
        killed="\n".join(_killed(killing)),
        failed="\n".join(_failed(failing)),
        early=len([one for one in struck if one.public == 0]),
        late=len([one for one in struck if one.public >= THINGS]),
        things=THINGS,
        doubts=_sum(results, "doubts"),
        unheard=_sum(results, "unheard"),
        verdict="\n".join(_verdict(results)),
    )


def _sum(results: Sequence[Result], name: str) -> int:
    """Of a number, or of the lengths of a list."""
    values = [getattr(one, name) for one in results]
    return sum(value if isinstance(value, int) else len(value) for value in values)


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def _strace() -> str:
    told = subprocess.run(["strace", "-V"], capture_output=True, text=True, check=True)
    return told.stdout.splitlines()[0].replace(" -- version", "")


def _killed(results: Sequence[Result]) -> list[str]:
    calls = CALLS | {"kill": "SIGKILL from outside, without strace"}
    lines = []
    for where, title in TITLES.items():
        for call, meaning in calls.items():
            some = [one for one in results if (one.point.where, one.point.call) == (where, call)]
            if some:
                lines.append(_killed_row(f"{title} | `{call}` | {meaning}", some))
    return [*lines, _killed_row("**all** | | ", results)]


def _killed_row(begins: str, some: Sequence[Result]) -> str:
    missed = len([one for one in some if not one.reached])
    sums = [_sum(some, name) for name in ("restarts", "doubles", "losses", "held")]
    return _row(begins, len(some), _sum(some, "died"), missed, *sums)


def _failed(results: Sequence[Result]) -> list[str]:
    lines = []
    for error, call in dict.fromkeys((one.point.where, one.point.call) for one in results):
        some = [one for one in results if (one.point.where, one.point.call) == (error, call)]
        sums = [_sum(some, name) for name in ("failed", "doubles", "losses", "held")]
        lines.append(_row(f"{error} | `{call}`", len(some), *sums))
    return lines


def _row(begins: str, *numbers: int) -> str:
    return f"| {begins} | " + " | ".join(f"{number:,}" for number in numbers) + " |"


def _verdict(results: Sequence[Result]) -> list[str]:
    wrong = [one for one in results if not one.clean]
    if not wrong:
        return ["Every case ended with both statements in every place once, and none needed a person."]
    lines = ["**Not clean:**", ""]
    for one in wrong:
        facts = [*one.doubles, *one.losses, *one.held, *one.trouble.splitlines()[:1]]
        lines.append(f"- {one.point.where} `{one.point.call}` {one.point.number}: {'; '.join(facts)}")
    return lines
