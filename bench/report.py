"""What the crash sweep found, as a page of Markdown."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.deaths import CALLS, Result

PLACES = {
    "main": "main thread",
    "helpers": "helper threads",
    "restart": "restart after a death in mid-air",
    "any moment": "three kills by the clock",
    "EIO": "nowhere; from here on the database answers EIO",
    "ENOSPC": "nowhere; from here on the database answers ENOSPC",
}


def report(results: Sequence[Result], seconds: float, jobs: int, command: str) -> str:
    """The whole page."""
    return "\n".join([*_head(results, seconds, jobs, command), *_table(results), *_explained(results), ""])


def _head(results: Sequence[Result], seconds: float, jobs: int, command: str) -> list[str]:
    doubles, losses = (sum(len(getattr(one, name)) for one in results) for name in ("doubles", "losses"))
    held = sum(len(one.held) for one in results)
    return [
        "# The crash sweep",
        "",
        f"Said twice: **{doubles}**. Lost: **{losses}**. Held for a person: **{held}**. "
        f"({len(results):,} incidents, {sum(one.died for one in results):,} deaths of the daemon, "
        f"{sum(one.restarts for one in results):,} restarts.)",
        "",
        "The real daemon (`failover run`) lives through a whole incident on the practice internet: outage, holding",
        "statement on six backup channels (Telegram, X, mail to three readers, WordPress, a static site, a webhook),",
        "recovery, welcome back on those six and on the Facebook Page.  In each line of the table it is killed with",
        "SIGKILL on entry to one system call (`strace -e inject=CALL:signal=SIGKILL:when=N`), so that call is never made;",
        "it is started again without strace, the incident is brought to its end, and every service is asked what it",
        "shows.  Outside of the process nothing changes between two of the calls in the table, so a death at any other",
        "instruction is the same as a death at the next of these calls.",
        "",
        f"- command: `{command}` (`make crash`), {jobs} cases at a time",
        f"- date: {time.strftime('%Y-%m-%d', time.gmtime())}, duration {seconds / 60:.0f} min",
        f"- machine: {_processor()}, {os.cpu_count()} cores, Linux {platform.release()} {platform.machine()}",
        f"- versions: Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_strace()}",
        "",
    ]


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor")


def _strace() -> str:
    told = subprocess.run(["strace", "-V"], capture_output=True, text=True, check=True)
    return told.stdout.splitlines()[0].replace(" -- version", "")


def _table(results: Sequence[Result]) -> list[str]:
    lines = [
        "| killed in | on entry to | what it does | points | died | not reached | restarts | said twice | lost | held |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for where, title in PLACES.items():
        for call, meaning in (CALLS | {"kill": "no strace: SIGKILL at random moments, also while it starts"}).items():
            some = [one for one in results if (one.point.where, one.point.call) == (where, call)]
            if some:
                lines.append(_row(f"| {title} | `{call}` | {meaning}", some))
    return [*lines, _row("| **all** | | ", results)]


def _row(begins: str, some: Sequence[Result]) -> str:
    missed = [one for one in some if not one.reached]
    numbers = (
        len(some),
        sum(one.died for one in some),
        len(missed),
        sum(one.restarts for one in some),
        sum(len(one.doubles) for one in some),
        sum(len(one.losses) for one in some),
        sum(len(one.held) for one in some),
    )
    return f"{begins} | " + " | ".join(f"{number:,}" for number in numbers) + " |"


def _explained(results: Sequence[Result]) -> list[str]:
    early, late = _spread(results)
    doubts, unheard = sum(one.doubts for one in results), sum(len(one.unheard) for one in results)
    return [
        "",
        "*Not reached*: the incident took fewer such calls than in the recording (how often the daemon looks in the",
        "meantime differs by a few calls), so nothing died, and the count was checked all the same.",
        "",
        f"**Where it died.** Deaths before anything was public: {early:,}; after everything was: {late:,}; the rest fell",
        "between the first and the last of the seventeen things that the public gets to see.",
        "",
        f"**Mail.** {doubts:,} letters were under way at a death; {unheard:,} of them had not arrived.  Mail cannot be read",
        "back, so a letter whose text may have left is never repeated (that is how nobody gets two), and the daemon says",
        "so: the delivery's note counts it as `in doubt`.  It is the one place where a reader can miss a statement, and",
        "it is known by name in the ledger.  Such a letter is not counted as lost in the table.",
        "",
        "**Waiting.** Telegram, X, Facebook and WordPress may show a post late, so `absent` is believed only after one or",
        f"two minutes (rule D5).  {sum(one.waits for one in results):,} times the sweep let three minutes pass by moving the",
        "times of the waiting deliveries in the database, while no daemon ran.",
        "",
        *_wrong(results),
    ]


def _spread(results: Iterable[Result]) -> tuple[int, int]:
    died = [one for one in results if one.died and one.point.where in ("main", "helpers")]
    return sum(one.public == 0 for one in died), sum(one.public >= 17 for one in died)


def _wrong(results: Sequence[Result]) -> list[str]:
    wrong = [one for one in results if not one.clean]
    if not wrong:
        return ["Every case ended with one holding statement and one welcome back in each place, and none needed a person."]
    lines = ["**Not clean:**", ""]
    for one in wrong:
        facts = [*one.doubles, *one.losses, *one.held, *one.trouble.splitlines()[:1]]
        lines.append(f"- {one.point.where} `{one.point.call}` {one.point.number}: {'; '.join(facts)}")
    return lines
