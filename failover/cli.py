"""The command line.  Nothing heavy is imported before a command needs it.

Exit codes: 0 done; 1 the daemon refused, something could not be done, or the audit trail is broken; 2 wrong usage; 3
the daemon is not running (status); 75 the database cannot be used; 78 the configuration is not usable.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from failover import __version__

DEFAULT_CONFIG = Path("/etc/failover/config.yaml")
NOT_RUNNING = 3
STORE_ERROR = 75
CONFIGURATION_ERROR = 78

Arguments = argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    return code


def parser() -> argparse.ArgumentParser:
    """All commands with their help."""
    top = argparse.ArgumentParser(
        prog="failover",
        description="Tells your public elsewhere when a social platform goes dark, and welcomes them back.",
        epilog="The journal tells everything that happens: journalctl -u failover -x",
    )
    top.add_argument("--version", action="version", version=f"failover {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument(
        "-c", "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="default: %(default)s"
    )

    def add(name: str, command: Callable[[Arguments], int], text: str, *parents: Any) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text, parents=[*parents])
        one.set_defaults(command=command)
        return one

    _service_commands(add, config)
    _operator_commands(add, config)
    return top


def _service_commands(add: Callable[..., argparse.ArgumentParser], config: argparse.ArgumentParser) -> None:
    run = add("run", _run, "Watch and speak, until stopped. systemd starts this.", config)
    run.add_argument(
        "--log",
        choices=["auto", "journal", "console", "json"],
        default="auto",
        help="auto: the journal under systemd, else the terminal",
    )
    _beginning(add, config)
    kinds = add("kinds", _kinds, "List the kinds of probes and channels, or the options of one.")
    kinds.add_argument("kind", nargs="?", metavar="KIND")
    identify = add("identify", _identify, "Say which kind a status page is, and print the probe that watches it.")
    identify.add_argument("url", metavar="URL")
    identify.add_argument("--json", action="store_true", help="for programs")
    _preview_command(add, config)
    _replay_command(add)
    demo = add("demo", _demo, "Rehearse 4 October 2021 on a practice internet, in under a minute.")
    demo.add_argument(
        "--folder", type=Path, default=Path("demo-output"), help="for the pages and mails (%(default)s)"
    )
    install = add("install-service", _install, "Put unit, message catalogue and example configuration in place.")
    install.add_argument("--uninstall", action="store_true", help="take unit and catalogue away again")
    install.add_argument("--print", action="store_true", dest="only_print", help="print the unit and change nothing")
    _papers(add)


def _beginning(add: Callable[..., argparse.ArgumentParser], config: argparse.ArgumentParser) -> None:
    init = add("init", _init, "Ask a few questions and write a configuration with its secrets in files.", config)
    init.add_argument("--organisation", metavar="NAME", help="who is speaking")
    init.add_argument("--timezone", metavar="ZONE", help="of the times in messages; default: this machine's")
    init.add_argument("--website", metavar="URL", help="for messages that name it")
    init.add_argument("--platform", metavar="NAME", action="append", default=[], help="to watch")
    init.add_argument(
        "--channel", metavar="KIND", action="append", default=[], help="to speak on; NAME=KIND gives it a name"
    )
    init.add_argument(
        "--set", metavar="CHANNEL.OPTION=VALUE", action="append", default=[], help="an option of a channel"
    )
    init.add_argument(
        "--secret",
        metavar="CHANNEL.OPTION=FILE",
        action="append",
        default=[],
        help="where it is; - is standard input",
    )
    init.add_argument(
        "--route", metavar="PLATFORMS=CHANNELS", action="append", default=[], help="who stands in; default: who can"
    )
    init.add_argument("--no-questions", action="store_true", help="what no flag says has its usual value, or fails")
    init.add_argument("--online", action="store_true", help="then the same as `check --online`, unasked")
    check = add("check", _check, "Check the configuration: every problem at once, every message measured.", config)
    check.add_argument("--online", action="store_true", help="also ask every channel and source once; posts nothing")
    add("schema", _schema, "Print the JSON Schema of the configuration, for editors that complete its keys.")


def _papers(add: Callable[..., argparse.ArgumentParser]) -> None:
    manual = add("manual", _manual, "Print a manual page: failover manual | man -l -")
    manual.add_argument("page", nargs="?", choices=["failover", "config"], default="failover")
    completion = add("completion", _completion, "Print what makes a shell complete the commands.")
    completion.add_argument("shell", choices=["bash", "zsh", "fish"])


def _preview_command(add: Callable[..., argparse.ArgumentParser], config: argparse.ArgumentParser) -> None:
    preview = add("preview", _preview, "Show every message on every channel as it will look, and its length.", config)
    preview.add_argument("--platform", action="append", default=[], metavar="NAME", help="as if this (too) were down")
    preview.add_argument("--statement", action="append", default=[], metavar="NAME", help="holding, welcome_back, …")
    preview.add_argument("--json", action="store_true", help="for programs")


def _replay_command(add: Callable[..., argparse.ArgumentParser]) -> None:
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


def _operator_commands(add: Callable[..., argparse.ArgumentParser], config: argparse.ArgumentParser) -> None:
    status = add("status", _status, "How everything stands.", config)
    status.add_argument("--json", action="store_true", help="for programs")
    status.add_argument("--watch", action="store_true", help="again every two seconds, until Ctrl-C")
    _post_commands(add, config)
    _audit_command(add, config)
    _past_commands(add, config)
    explain = add("explain", _explain, "Why a platform stands as it does, and what would change it.", config)
    explain.add_argument("platform", metavar="PLATFORM")
    explain.add_argument("--at", metavar="TIME", default="", help="17:29, 2026-11-18T17:29 or '2h ago'; default: now")
    explain.add_argument("--json", action="store_true", help="for programs")
    sources = add("sources", _sources, "What each source said last, how often it is asked, what it costs.", config)
    sources.add_argument("--json", action="store_true", help="for programs")
    add("reload", _request("reload"), "Take the configuration anew; a wrong one changes nothing.", config)
    declare = add("declare", _request("declare", "platform", "state", "because"), "Say how a platform is.", config)
    declare.add_argument("platform", metavar="PLATFORM")
    declare.add_argument("state", choices=["down", "up", "auto"], help="auto: let the sources decide again")
    declare.add_argument("--because", metavar="TEXT", default="", help="for the record")
    approve = add(
        "approve", _request("approve", "statement", "code"), "Release a statement that waits for sign-off.", config
    )
    approve.add_argument("statement", metavar="STATEMENT")
    approve.add_argument(
        "code", metavar="CODE", nargs="?", default="", help="only if the texts are still those of it"
    )
    veto = add("veto", _request("veto", "statement", "because"), "Stop a statement that is not public yet.", config)
    veto.add_argument("statement", metavar="STATEMENT")
    veto.add_argument("--because", metavar="TEXT", default="", help="for the record")
    retract = add(
        "retract", _request("retract", "incident", "because"), "Take back what was said in a false alarm.", config
    )
    retract.add_argument("incident", metavar="INCIDENT")
    retract.add_argument("--because", metavar="TEXT", default="", help="for the record")
    resolve = add(
        "resolve", _request("resolve", "delivery", "answer"), "Say whether a doubtful delivery is public.", config
    )
    resolve.add_argument("delivery", metavar="DELIVERY")
    resolve.add_argument("answer", choices=["sent", "not-sent"])
    drill = add("drill", _drill, "Rehearse an outage: practice channels hear it, and every text says DRILL.", config)
    drill.add_argument("platform", metavar="PLATFORM")
    drill.add_argument("--full", action="store_true", help="the real words, signed off, and the welcome back")
    drill.add_argument("--json", action="store_true", help="for programs")
    silence = add(
        "silence",
        _request("silence", "platform", "for", "end", "because"),
        "Trouble of a platform is no news for a while.",
        config,
    )
    silence.add_argument("platform", metavar="PLATFORM")
    silence.add_argument("--for", metavar="TIME", default="", help="such as 2h; at most 14d")
    silence.add_argument("--end", action="store_true", help="end it before its time")
    silence.add_argument("--because", metavar="TEXT", default="", help="for the record")
    pause = add(
        "pause", _request("pause", "because"), "Say nothing in public until `resume`; go on watching.", config
    )
    pause.add_argument("--because", metavar="TEXT", default="", help="for the record")
    add("resume", _request("resume"), "Speak again.", config)


def _post_commands(add: Callable[..., argparse.ArgumentParser], config: argparse.ArgumentParser) -> None:
    post = add("post", _post, "Publish something; while a platform is down it goes where the route says.", config)
    post.add_argument("text", metavar="TEXT", help="- reads it from standard input")
    post.add_argument("--to", metavar="CHANNEL", action="append", default=[], help="may be given again")
    post.add_argument("--at", metavar="TIME", default="", help="2026-12-01T09:00, on your clock; default: now")
    post.add_argument("--until", metavar="TIME", default="", help="after that it is too late")
    post.add_argument("--title", metavar="TEXT", default="", help="where a channel has room for one")
    post.add_argument("--image", metavar="FILE", default="", help="PNG or JPEG, 10 MB at most")
    post.add_argument("--alt", metavar="TEXT", default="", help="what it shows, for people who cannot see it")
    posts = add("posts", _posts, "What was handed in, what waits and why; or cancel a post.", config)
    posts.add_argument("act", nargs="?", choices=["cancel"], help="with the number of a post")
    posts.add_argument("post", nargs="?", metavar="POST", default="", help="such as P12")
    posts.add_argument("--since", metavar="WHEN", default="", help="of what is over: 2d or 2026-11-20; default: 7d")
    posts.add_argument("--json", action="store_true", help="for programs")


def _audit_command(add: Callable[..., argparse.ArgumentParser], config: argparse.ArgumentParser) -> None:
    audit = add("audit", _audit, "Who did and said what, and whether the record of it is untouched.", config)
    audit.add_argument("--since", metavar="WHEN", default="", help="2d, 6h, 2026-11-20 or '2026-11-20 14:00'")
    audit.add_argument("--incident", metavar="ID", default="", help="only what is about this incident")
    audit.add_argument("--json", action="store_true", help="for programs")
    audit.add_argument("--verify-only", action="store_true", help="show no entry, only whether all are untouched")
    audit.add_argument(
        "--expect",
        metavar="DIGEST",
        default="",
        help="a digest that was noted earlier (FAILOVER_AUDIT_DIGEST in the journal): an entry must have it",
    )


def _past_commands(add: Callable[..., argparse.ArgumentParser], config: argparse.ArgumentParser) -> None:
    incidents = add("incidents", _incidents, "What outages there were, who was told, what still waits.", config)
    incidents.add_argument("--since", metavar="WHEN", default="", help="2d, 6h, 2026-11-20 or '2026-11-20 14:00'")
    incidents.add_argument("--json", action="store_true", help="for programs")
    report = add("report", _report, "All about one incident, for whoever asks afterwards.", config)
    report.add_argument("incident", nargs="?", default="", metavar="INCIDENT", help="its number; default: the latest")
    report.add_argument("--html", type=Path, metavar="FILE", help="write a page with the drawn timeline instead")
    report.add_argument("--json", action="store_true", help="for programs")
    forget = add("forget", _forget, "Erase a person's address from the database, for good.", config)
    forget.add_argument("address", metavar="ADDRESS", help="or -, to read it from standard input")


def _run(arguments: Arguments) -> int:
    from failover.app import run

    return run(arguments.config, arguments.log)


def _check(arguments: Arguments) -> int:
    import os

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
    import os

    from failover.newcomer.asking import Flags
    from failover.newcomer.command import Terminal, init

    pairs = [pair.partition("=") for pair in (*arguments.set, *arguments.secret)]
    if wrong := [name for name, found, _value in pairs if not found or "." not in name]:
        print(f"failover init: {wrong[0].partition('=')[0]}: expected CHANNEL.OPTION=…", file=sys.stderr)
        return 2
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


def _manual(arguments: Arguments) -> int:
    from failover.manual import configuration_manual, manual

    if arguments.page == "failover":
        print(manual(parser(), (__doc__ or "").partition("Exit codes: ")[2]), end="")
        return 0
    from failover.config_schema import known, schema

    print(configuration_manual(schema(known())), end="")
    return 0


def _completion(arguments: Arguments) -> int:
    from failover.manual import completion

    print(completion(parser(), arguments.shell), end="")
    return 0


def _kinds(arguments: Arguments) -> int:
    from failover.config.kinds import KindError
    from failover.describe import kind, kinds

    try:
        print(kind(arguments.kind) if arguments.kind else kinds())
    except KindError as error:
        print(f"failover kinds: {error}", file=sys.stderr)
        return 1
    return 0


def _identify(arguments: Arguments) -> int:
    from failover.identify import NotIdentifiedError, answer, identify

    try:
        found = answer(identify(arguments.url))
    except NotIdentifiedError as error:
        if arguments.json:
            print(json.dumps({"kind": None, "reason": str(error), "tried": error.tried}, indent=2))
        else:
            print(f"failover identify: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=2) if arguments.json else found["yaml"])
    return 0


def _preview(arguments: Arguments) -> int:
    import os

    from failover.clock import Clock
    from failover.config.problems import ConfigError
    from failover.preview import PreviewError, data, lines, preview

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
        print(f"failover preview: {error}", file=sys.stderr)
        return 1
    print(json.dumps(data(samples), indent=2) if arguments.json else "\n".join(lines(samples)))
    return 0


def _replay(arguments: Arguments) -> int:
    import os

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


def _status(arguments: Arguments) -> int:
    while True:
        code = _show_status(arguments)
        if not arguments.watch:
            return code
        time.sleep(2)
        print("\033[H\033[2J", end="")


def _show_status(arguments: Arguments) -> int:
    from failover.ask import NotRunningError, RefusedError, ask, state_file
    from failover.show import last_known, status_lines

    try:
        data = ask(arguments.config, "status")
    except RefusedError as error:
        print(f"failover status: {error}", file=sys.stderr)
        return 1
    except NotRunningError as error:
        if arguments.json:
            print(json.dumps({"running": False, "reason": str(error)}))
            return NOT_RUNNING
        _not_running(error)
        print(*last_known(state_file(arguments.config)), sep="\n")
        return NOT_RUNNING
    print(json.dumps({"running": True, **data}, indent=2) if arguments.json else "\n".join(status_lines(data)))
    return 0


def _audit(arguments: Arguments) -> int:
    from failover.archive import UnreadableError, pages
    from failover.ask import RefusedError
    from failover.audit import Inspection
    from failover.show_audit import Reading, Wanted

    wanted = Wanted(since=arguments.since, incident=arguments.incident, none=arguments.verify_only)
    now = time.time()  # noqa: TID251  a command for people, not the daemon
    reading = Reading(pages(arguments.config), wanted, now, Inspection(expect=arguments.expect.lower()))
    try:
        reading.check()
        if arguments.json:
            print(json.dumps(reading.data(), indent=2, ensure_ascii=False))
        else:
            for line in reading.lines():
                print(line)
    except ValueError as error:
        print(f"failover audit: {error}", file=sys.stderr)
        return 2
    except (UnreadableError, RefusedError) as error:
        print(f"failover audit: {error}", file=sys.stderr)
        return STORE_ERROR
    return 0 if reading.whole else 1


def _incidents(arguments: Arguments) -> int:
    from failover.ask import RefusedError
    from failover.show_incidents import UnknownError, incidents, incidents_data, incidents_lines

    now = time.time()  # noqa: TID251  a command for people, not the daemon
    try:
        data = incidents(arguments.config, arguments.since, now)
    except ValueError as error:
        print(f"failover incidents: {error}", file=sys.stderr)
        return 2
    except (RefusedError, UnknownError) as error:
        print(f"failover incidents: {error}", file=sys.stderr)
        return 1 if isinstance(error, RefusedError) else STORE_ERROR
    if arguments.json:
        print(json.dumps(incidents_data(data), indent=2, ensure_ascii=False))
    else:
        print(*incidents_lines(data), sep="\n")
    return 0


def _report(arguments: Arguments) -> int:
    from failover.ask import RefusedError
    from failover.show_incidents import UnknownError
    from failover.show_report import asked_report, report_data, report_lines

    now = time.time()  # noqa: TID251  a command for people, not the daemon
    try:
        data = asked_report(arguments.config, arguments.incident, now)
    except (RefusedError, UnknownError) as error:
        print(f"failover report: {error}", file=sys.stderr)
        return 1 if isinstance(error, RefusedError) else STORE_ERROR
    if arguments.html:
        from failover.report_page import page

        try:
            arguments.html.write_text(page(data), encoding="utf-8")
        except OSError as error:
            print(f"failover report: {arguments.html}: {error.strerror}", file=sys.stderr)
            return 1
        print(f"The report is in {arguments.html}.", file=sys.stderr)
    if arguments.json:
        print(json.dumps(report_data(data), indent=2, ensure_ascii=False))
    elif not arguments.html:
        print(*report_lines(data), sep="\n")
    return 0


def _forget(arguments: Arguments) -> int:
    """The address may come by standard input, so that no list of processes and no shell keeps it."""
    if arguments.address == "-":
        arguments.address = sys.stdin.readline().strip()
    return _request("forget", "address")(arguments)


def _explain(arguments: Arguments) -> int:
    from failover.show_why import why, why_lines

    now = time.time()  # noqa: TID251  a command for people, not the daemon
    return _told(
        "explain", arguments, lambda: why(arguments.config, arguments.platform, arguments.at, now), why_lines
    )


def _sources(arguments: Arguments) -> int:
    from failover.show_sources import known_sources, sources_lines

    now = time.time()  # noqa: TID251  a command for people, not the daemon
    return _told("sources", arguments, lambda: known_sources(arguments.config, now), sources_lines)


def _told(
    name: str, arguments: Arguments, asked: Callable[[], dict[str, Any]], lines: Callable[[dict[str, Any]], list[str]]
) -> int:
    """Print what the daemon, or the file it left, knows; 3 where it does not run."""
    from failover.ask import RefusedError
    from failover.show_why import NothingKnownError

    try:
        data = asked()
    except (RefusedError, NothingKnownError, ValueError) as error:
        print(f"failover {name}: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else NOT_RUNNING if isinstance(error, NothingKnownError) else 1
    print(json.dumps(data, indent=2, ensure_ascii=False) if arguments.json else "\n".join(lines(data)))
    return 0 if data["running"] else NOT_RUNNING


def _drill(arguments: Arguments) -> int:
    from failover.ask import NotRunningError, RefusedError
    from failover.show_drill import drill

    try:
        return drill(arguments.config, arguments.platform, full=arguments.full, as_json=arguments.json)
    except RefusedError as error:
        print(f"failover drill: {error}", file=sys.stderr)
        return 1
    except NotRunningError as error:
        _not_running(error)
        return NOT_RUNNING


def _post(arguments: Arguments) -> int:
    from failover.ask import NotRunningError, RefusedError
    from failover.show_posts import PictureError, hand_in

    words = {name: getattr(arguments, name) for name in ("at", "until", "title", "alt", "image")}
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    try:
        print(hand_in(arguments.config, text, arguments.to, **words)["told"])
    except (RefusedError, PictureError) as error:
        print(f"failover post: {error}", file=sys.stderr)
        return 1
    except NotRunningError as error:
        _not_running(error)
        return NOT_RUNNING
    return 0


def _posts(arguments: Arguments) -> int:
    if arguments.act:
        return _request("posts_cancel", "post")(arguments)
    from failover.ask import RefusedError
    from failover.show_posts import UnknownError, posts, posts_data, posts_lines

    try:
        data = posts(arguments.config, arguments.since, time.time())  # noqa: TID251  a command for people
    except ValueError as error:
        print(f"failover posts: {error}", file=sys.stderr)
        return 2
    except (RefusedError, UnknownError) as error:
        print(f"failover posts: {error}", file=sys.stderr)
        return NOT_RUNNING if isinstance(error, UnknownError) else 1
    if arguments.json:
        print(json.dumps(posts_data(data), indent=2, ensure_ascii=False))
    else:
        print(*posts_lines(data), sep="\n")
    return 0 if data["running"] else NOT_RUNNING


def _request(name: str, *fields: str) -> Callable[[Arguments], int]:
    """A command that asks the daemon to do something and prints its answer."""

    def command(arguments: Arguments) -> int:
        from failover.ask import NotRunningError, RefusedError, ask

        try:
            print(ask(arguments.config, name, **{field: getattr(arguments, field) for field in fields}))
        except RefusedError as error:
            print(f"failover {name.replace('_', ' ')}: {error}", file=sys.stderr)
            return 1
        except NotRunningError as error:
            _not_running(error)
            return NOT_RUNNING
        return 0

    return command


def _not_running(error: Any) -> None:
    places = ", ".join(str(path) for path in error.paths)
    print(f"failover is not running: nobody answers at {places} ({error}).", file=sys.stderr)
    print("Start it with `systemctl start failover`, or `failover run --config FILE`.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
