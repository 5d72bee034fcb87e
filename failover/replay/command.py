"""The command `failover replay`.  It exits with 0 when all expectations hold, 1 if not, 2 or 78 for bad input."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from failover import registry
from failover.config.problems import ConfigError
from failover.config.settings import Settings
from failover.contracts import parse_duration
from failover.replay import library, report
from failover.replay.judgement import findings
from failover.replay.page import page
from failover.replay.run import Record, perform
from failover.replay.scenario import Cast

FAILED, NO_SUCH, CONFIGURATION_ERROR = 1, 2, 78


def replay(  # noqa: PLR0913  one argument per option of the command
    name: str | None,
    config: Path | None,
    env: Mapping[str, str],
    *,
    every: bool,
    as_json: bool,
    html: Path | None,
    approve_after: str,
    seed: int,
) -> int:
    """Play one scenario, or all that are shipped; print what came of it."""
    try:
        wait = None if approve_after == "never" else parse_duration(approve_after)
    except ValueError as error:
        print(f"failover replay: --approve-after: {error}, or never", file=sys.stderr)
        return NO_SUCH
    try:
        settings = library.organisation(config, env)
        if every and (name is not None or html is not None):
            print("failover replay: --all takes neither a scenario nor --html", file=sys.stderr)
            return NO_SUCH
        if every:
            return _all(settings, wait, seed, as_json=as_json)
        if name is None:
            print("Name a scenario or a file, or say --all.  There are:", *library.shipped(), sep="\n  ")
            return NO_SUCH
        return _one(name, settings, wait, seed, as_json=as_json, html=html)
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return CONFIGURATION_ERROR
    except library.NoScenarioError as error:
        print(f"failover replay: {error}", file=sys.stderr)
        return NO_SUCH


def _one(name: str, settings: Settings, wait: float | None, seed: int, *, as_json: bool, html: Path | None) -> int:
    record = _play(name, library.cast(settings), settings, wait, seed)
    if not record.watched:
        watched, wanted = ", ".join(settings.platforms), ", ".join(record.scenario.platforms)
        print(f"failover replay: {settings.path} watches {watched}, and none of {wanted}", file=sys.stderr)
        return NO_SUCH
    if html is not None:
        try:
            html.write_text(page(record), encoding="utf-8")
        except OSError as error:
            print(f"failover replay: {html} cannot be written: {error.strerror}", file=sys.stderr)
            return FAILED
        print(f"The drawn timeline is in {html}.", file=sys.stderr)
    if as_json:
        print(json.dumps(report.data(record), indent=2))
    else:
        print(report.text(record, plain="utf" not in (sys.stdout.encoding or "").lower()))
    return 0 if report.held(findings(record)) else FAILED


def _all(settings: Settings, wait: float | None, seed: int, *, as_json: bool) -> int:
    rows, told, failed, skipped = [], [], False, []
    names = library.cast(settings)
    for name in library.shipped():
        record = _play(name, names, settings, wait, seed)
        if not record.watched:
            skipped.append(name)
            continue
        rows.append(report.row(name, record))
        told.append({"scenario": name, **report.data(record)})
        failed |= not report.held(findings(record))
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        print(*report.table(rows), sep="\n")
        if skipped:
            print(f"left out, for none of their platforms is watched: {', '.join(skipped)}")
    return FAILED if failed else 0


def _play(name: str, names: Cast, settings: Settings, wait: float | None, seed: int) -> Record:
    """One performance.  Raises ConfigError or NoScenarioError."""
    scenario = library.scenario(name, names)
    return perform(scenario, library.fitting(settings, scenario), registry, seed=seed, approve_after=wait)
