"""Commands that need no daemon: running it, writing and checking its configuration, rehearsing it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from failover.commands.words import (
    CONFIGURATION_ERROR,
    MISUSED,
    REFUSED,
    Add,
    Arguments,
    Options,
    as_json,
    complain,
)


def running(add: Add, config: argparse.ArgumentParser) -> None:
    """`run`."""
    run = add("run", _run, "Watch and speak, until stopped. systemd starts this.", config)
    run.add_argument(
        "--log",
        choices=["auto", "journal", "console", "json"],
        default="auto",
        help="auto: the journal under systemd, else the terminal",
    )


def writing(add: Add, config: argparse.ArgumentParser) -> None:
    """`init`, `check` and `schema`."""
    init = add("init", _init, "Ask a few questions and write a configuration with its secrets in files.", config)
    init.add_argument("--organisation", metavar="NAME", help="who is speaking")
    init.add_argument("--timezone", metavar="ZONE", help="of the times in messages; default: this machine's")
    init.add_argument("--website", metavar="URL", help="for messages that name it")
    init.add_argument("--platform", metavar="NAME", action="append", default=[], help="to watch")
    _several(init, "--channel", "KIND", "to speak on; NAME=KIND gives it a name")
    _several(init, "--set", "CHANNEL.OPTION=VALUE", "an option of a channel")
    _several(init, "--secret", "CHANNEL.OPTION=FILE", "where it is; - is standard input")
    _several(init, "--route", "PLATFORMS=CHANNELS", "who stands in; default: who can")
    init.add_argument("--no-questions", action="store_true", help="what no flag says has its usual value, or fails")
    init.add_argument("--online", action="store_true", help="then the same as `check --online`, unasked")
    check = add("check", _check, "Check the configuration: every problem at once, every message measured.", config)
    check.add_argument("--online", action="store_true", help="also ask every channel and source once; posts nothing")
    add("schema", _schema, "Print the JSON Schema of the configuration, for editors that complete its keys.")


def _several(parser: Options, flag: str, shown: str, text: str) -> None:
    parser.add_argument(flag, metavar=shown, action="append", default=[], help=text)


def knowing(add: Add) -> None:
    """`kinds` and `identify`."""
    kinds = add("kinds", _kinds, "List the kinds of probes and channels, or the options of one.")
    kinds.add_argument("kind", nargs="?", metavar="KIND")
    identify = add("identify", _identify, "Say which kind a status page is, and print the probe that watches it.")
    identify.add_argument("url", metavar="URL")
    identify.add_argument("--json", action="store_true", help="for programs")


def rehearsing(add: Add, config: argparse.ArgumentParser) -> None:
    """`preview`, `replay` and `demo`."""
    preview = add("preview", _preview, "Show every message on every channel as it will look, and its length.", config)
    preview.add_argument("--platform", action="append", default=[], metavar="NAME", help="as if this (too) were down")
    preview.add_argument("--statement", action="append", default=[], metavar="NAME", help="holding, welcome_back, …")
    preview.add_argument("--json", action="store_true", help="for programs")
    replay = add("replay", _replay, "Play a recorded outage to your configuration: what is said, and when?")
    replay.add_argument("scenario", nargs="?", metavar="SCENARIO", help="a name that is shipped, or a file (.yaml)")
    replay.add_argument("-c", "--config", type=Path, metavar="FILE", help="default: an organisation made for it")
    replay.add_argument("--all", action="store_true", help="every scenario that is shipped, as a table")
    replay.add_argument("--html", type=Path, metavar="FILE", help="write a page with the drawn timeline")
    replay.add_argument("--json", action="store_true", help="for programs")
    replay.add_argument(
        "--approve-after",
        metavar="TIME",
        default="2m",
        help="how soon somebody approves what needs it, or never (%(default)s)",
    )
    replay.add_argument("--seed", type=int, default=1, metavar="N", help="of jitter and noise (%(default)s)")
    demo = add("demo", _demo, "Rehearse 4 October 2021 on a practice internet, in under a minute.")
    demo.add_argument(
        "--folder", type=Path, default=Path("demo-output"), help="for the pages and mails (%(default)s)"
    )


def installing(add: Add) -> None:
    """`install-service`."""
    install = add("install-service", _install, "Put unit, message catalogue and example configuration in place.")
    install.add_argument("--uninstall", action="store_true", help="take unit and catalogue away again")
    install.add_argument("--print", action="store_true", dest="only_print", help="print the unit and change nothing")


def _run(arguments: Arguments) -> int:
    from failover.app import run

    return run(arguments.config, arguments.log)


def _check(arguments: Arguments) -> int:
    from failover.describe import check

    lines, code = check(arguments.config, os.environ)
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    if code or not arguments.online:
        return code
    from failover.online import check_online

    lines, code = check_online(arguments.config, os.environ)
    print("", *lines, sep="\n")
    return code


def _init(arguments: Arguments) -> int:
    from failover.newcomer.asking import Flags
    from failover.newcomer.command import Terminal, init

    pairs = [pair.partition("=") for pair in (*arguments.set, *arguments.secret)]
    if wrong := [name for name, found, _value in pairs if not found or "." not in name]:
        complain("init", f"{wrong[0].partition('=')[0]}: expected CHANNEL.OPTION=…")
        return MISUSED
    flags = Flags(
        organisation=arguments.organisation,
        timezone=arguments.timezone,
        website=arguments.website,
        platforms=tuple(arguments.platform),
        channels=tuple(arguments.channel),
        routes=tuple(arguments.route),
        options={name: value for name, _, value in pairs[: len(arguments.set)]},
        secrets={name: value for name, _, value in pairs[len(arguments.set) :]},
    )
    asks = sys.stdin.isatty() and not arguments.no_questions
    return init(arguments.config, flags, os.environ, Terminal() if asks else None, online=arguments.online)


def _schema(_arguments: Arguments) -> int:
    from failover.config_schema import text

    print(text(), end="")
    return 0


def _kinds(arguments: Arguments) -> int:
    from failover.config.kinds import KindError
    from failover.describe import kind, kinds

    try:
        print(kind(arguments.kind) if arguments.kind else kinds())
    except KindError as error:
        complain("kinds", error)
        return REFUSED
    return 0


def _identify(arguments: Arguments) -> int:
    from failover.identify import NotIdentifiedError, answer, identify

    try:
        found = answer(identify(arguments.url))
    except NotIdentifiedError as error:
        if arguments.json:
            as_json({"kind": None, "reason": str(error), "tried": error.tried}, ascii_only=True)
        else:
            complain("identify", error)
        return REFUSED
    if arguments.json:
        as_json(found, ascii_only=True)
    else:
        print(found["yaml"])
    return 0


def _preview(arguments: Arguments) -> int:
    from failover.clock import Clock
    from failover.config.problems import ConfigError
    from failover.preview import NoStatementError, PreviewError, data, lines, preview

    try:
        samples = preview(
            arguments.config,
            os.environ,
            Clock().now(),
            platforms=arguments.platform,
            statements=arguments.statement,
        )
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return CONFIGURATION_ERROR
    except PreviewError as error:
        complain("preview", error)
        return MISUSED if isinstance(error, NoStatementError) else REFUSED
    if arguments.json:
        as_json(data(samples), ascii_only=True)
    else:
        print(*lines(samples), sep="\n")
    return 0


def _replay(arguments: Arguments) -> int:
    from failover.replay.command import replay

    return replay(
        arguments.scenario,
        arguments.config,
        os.environ,
        every=arguments.all,
        as_json=arguments.json,
        html=arguments.html,
        approve_after=arguments.approve_after,
        seed=arguments.seed,
    )


def _demo(arguments: Arguments) -> int:
    from failover.practice.demo import demo

    return demo(arguments.folder)


def _install(arguments: Arguments) -> int:
    from failover.service.install import install, uninstall

    if arguments.uninstall:
        return uninstall()
    return install(only_print=arguments.only_print)
