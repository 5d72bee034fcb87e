"""Commands that tell: how things stand, why, and what has been.  The daemon is asked; else its file."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from failover.commands.words import (
    MISUSED,
    NOT_RUNNING,
    REFUSED,
    STORE_ERROR,
    Add,
    Arguments,
    as_json,
    complain,
    not_running,
    past,
    show,
    tell,
    told,
)

SINCE = "2d, 6h, 17:29, 2026-11-20 or '2026-11-20 14:00'"


def standing(add: Add, config: argparse.ArgumentParser) -> None:
    """`status`."""
    status = add("status", _status, "How everything stands.", config)
    status.add_argument("--json", action="store_true", help="for programs; times are seconds since 1970 (UTC)")
    status.add_argument("--watch", action="store_true", help="again every two seconds, until Ctrl-C")


def recording(add: Add, config: argparse.ArgumentParser) -> None:
    """`audit`, `incidents` and `report`."""
    audit = add("audit", _audit, "Who did and said what, and whether the record of it is untouched.", config)
    audit.add_argument("--since", type=past, metavar="WHEN", default="", help=SINCE)
    audit.add_argument("--incident", metavar="ID", default="", help="only what is about this incident")
    audit.add_argument("--json", action="store_true", help="for programs")
    audit.add_argument("--verify-only", action="store_true", help="show no entry, only whether all are untouched")
    audit.add_argument(
        "--expect",
        metavar="DIGEST",
        default="",
        help="a digest that was noted earlier (FAILOVER_AUDIT_DIGEST in the journal): an entry must have it",
    )
    incidents = add("incidents", _incidents, "What outages there were, who was told, what still waits.", config)
    incidents.add_argument("--since", type=past, metavar="WHEN", default="", help=SINCE)
    incidents.add_argument("--json", action="store_true", help="for programs")
    report = add("report", _report, "All about one incident, for whoever asks afterwards.", config)
    report.add_argument("incident", nargs="?", default="", metavar="INCIDENT", help="its number; default: the latest")
    report.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with the drawn timeline instead; - is standard output"
    )
    report.add_argument("--json", action="store_true", help="for programs")


def explaining(add: Add, config: argparse.ArgumentParser) -> None:
    """`explain` and `sources`."""
    explain = add("explain", _explain, "Why a platform stands as it does, and what would change it.", config)
    explain.add_argument("platform", metavar="PLATFORM")
    explain.add_argument(
        "--at", type=past, metavar="TIME", default="", help="17:29, 2026-11-18T17:29 or '2h ago'; default: now"
    )
    explain.add_argument("--json", action="store_true", help="for programs")
    sources = add("sources", _sources, "What each source said last, how often it is asked, what it costs.", config)
    sources.add_argument("--json", action="store_true", help="for programs")


def _now() -> float:
    return time.time()  # noqa: TID251  a command for people, not the daemon


def _status(arguments: Arguments) -> int:
    while True:
        code = _show_status(arguments)
        if not arguments.watch:
            return code
        time.sleep(2)
        print("\033[H\033[2J", end="")


def _show_status(arguments: Arguments) -> int:
    from failover.ask import ForbiddenError, NotRunningError, ask
    from failover.show import status_lines

    def act() -> int:
        try:
            data = ask(arguments.config, "status")
        except NotRunningError as error:
            return _left_behind(error, arguments)
        except ForbiddenError as error:
            if arguments.json:
                print(json.dumps({"running": None, "reason": str(error)}))
                return REFUSED
            raise
        if arguments.json:
            as_json({"running": True, **data}, ascii_only=True)
        else:
            show(status_lines(data))
        return 0

    return told("status", arguments, act)


def _left_behind(error: Any, arguments: Arguments) -> int:
    """Nobody runs; what the file says is of the past."""
    from failover.ask import NoConfigurationError, state_file
    from failover.show import last_known

    if arguments.json:
        print(json.dumps({"running": False, "reason": str(error)}))
        return NOT_RUNNING
    not_running(error, arguments)
    try:
        show(last_known(state_file(arguments.config)))
    except NoConfigurationError:  # which was said
        return NOT_RUNNING
    return NOT_RUNNING


def _audit(arguments: Arguments) -> int:
    from failover.archive import UnreadableError, pages
    from failover.ask import RefusedError
    from failover.audit import Inspection
    from failover.show_audit import Reading, Wanted

    wanted = Wanted(since=arguments.since, incident=arguments.incident, none=arguments.verify_only)
    inspection = Inspection(expect=arguments.expect.lower())
    reading = Reading(pages(arguments.config), wanted, _now(), inspection)

    def act() -> int:
        try:
            reading.check()
            if arguments.json:
                as_json(reading.data())
            else:
                show(reading.lines())
        except ValueError as error:
            complain("audit", error)
            return MISUSED
        except (UnreadableError, RefusedError) as error:
            complain("audit", error)
            return STORE_ERROR
        if reading.unknown:
            complain("audit", reading.unknown)
        return 0 if reading.whole and not reading.unknown else REFUSED

    return told("audit", arguments, act)


def _incidents(arguments: Arguments) -> int:
    from failover.show_incidents import UnknownError, incidents, incidents_data, incidents_lines

    return tell(
        "incidents",
        arguments,
        lambda: incidents(arguments.config, arguments.since, _now()),
        (incidents_lines, incidents_data),
        nothing=(UnknownError, STORE_ERROR),
    )


def _report(arguments: Arguments) -> int:
    from failover.show_incidents import UnknownError
    from failover.show_report import asked_report, report_data, report_lines

    def asked() -> Any:
        data = asked_report(arguments.config, arguments.incident, _now())
        if arguments.html:
            _page(arguments.html, data)
        return data

    wanted = arguments.json or not arguments.html
    return tell(
        "report",
        arguments,
        asked,
        (report_lines if wanted else lambda _data: (), report_data),
        nothing=(UnknownError, STORE_ERROR),
    )


def _page(file: Path, data: Any) -> None:
    """Raises RefusedError where it cannot be written."""
    from failover.ask import RefusedError
    from failover.report_page import page

    if str(file) == "-":
        print(page(data))
        return
    try:
        file.write_text(page(data), encoding="utf-8")
    except OSError as error:
        raise RefusedError(f"{file}: {error.strerror}") from None
    print(f"The report is in {file}.", file=sys.stderr)


def _explain(arguments: Arguments) -> int:
    from failover.show_why import NothingKnownError, why, why_lines

    return tell(
        "explain",
        arguments,
        lambda: why(arguments.config, arguments.platform, arguments.at, _now()),
        (why_lines, None),
        nothing=(NothingKnownError, NOT_RUNNING),
        stopped=NOT_RUNNING,
    )


def _sources(arguments: Arguments) -> int:
    from failover.show_sources import known_sources, sources_lines
    from failover.show_why import NothingKnownError

    return tell(
        "sources",
        arguments,
        lambda: known_sources(arguments.config, _now()),
        (sources_lines, None),
        nothing=(NothingKnownError, NOT_RUNNING),
        stopped=NOT_RUNNING,
    )
