"""Commands by which a person acts: each asks the daemon, which answers in a sentence."""

from __future__ import annotations

import argparse
import os
import sys

from failover.commands.words import (
    CONFIGURATION_ERROR,
    NOT_RUNNING,
    REFUSED,
    Add,
    Arguments,
    Command,
    Options,
    complain,
    identifier,
    length,
    told,
)

A_STATEMENT = "such as 7H, the holding statement of incident 7; `failover status` shows those that wait"


def acting(add: Add, config: argparse.ArgumentParser) -> None:
    """What is done, in the order of the help."""
    add("reload", request("reload"), "Take the configuration anew; a wrong one changes nothing.", config)
    declare = add("declare", request("declare", "platform", "state", "because"), "Say how a platform is.", config)
    declare.add_argument("platform", metavar="PLATFORM")
    declare.add_argument("state", choices=["down", "up", "auto"], help="auto: let the sources decide again")
    _because(declare)
    _deciding(add, config)
    _rehearsing(add, config)
    _keeping_quiet(add, config)


def _deciding(add: Add, config: argparse.ArgumentParser) -> None:
    """What is said in public, and what was said."""
    ask = request("approve", "statement", "code")
    approve = add("approve", ask, "Release a statement that waits for sign-off.", config)
    approve.add_argument("statement", type=identifier, metavar="STATEMENT", help=A_STATEMENT)
    approve.add_argument(
        "code", metavar="CODE", nargs="?", default="", help="only if the texts are still those of it"
    )
    ask = request("veto", "statement", "because")
    veto = add("veto", ask, "Stop a statement that is not public yet.", config)
    veto.add_argument("statement", type=identifier, metavar="STATEMENT", help=A_STATEMENT)
    _because(veto)
    help_ = "Take back what was said in a false alarm, or a post; exit code 1 where something stays public."
    retract = add("retract", _retract, help_, config)
    retract.add_argument(
        "incident", type=identifier, metavar="INCIDENT", help="its number, such as 7, or that of a post, such as P12"
    )
    _because(retract)
    ask = request("resolve", "delivery", "answer")
    resolve = add("resolve", ask, "Say whether a doubtful delivery is public.", config)
    resolve.add_argument(
        "delivery",
        type=identifier,
        metavar="DELIVERY",
        help="a statement on one channel, such as 7H-blog; `failover status` shows those that wait",
    )
    resolve.add_argument("answer", choices=["sent", "not-sent"])


def _rehearsing(add: Add, config: argparse.ArgumentParser) -> None:
    drill = add(
        "drill",
        _drill,
        "Rehearse an outage, DRILL in every text: on practice channels, or on a practice internet of its own.",
        config,
    )
    drill.add_argument("platform", metavar="PLATFORM")
    drill.add_argument("--full", action="store_true", help="the real words, signed off, and the welcome back")
    drill.add_argument(
        "--practice-internet",
        action="store_true",
        help="no channel is spoken to and no daemon needed; the default where no channel is `practice: true`",
    )
    drill.add_argument("--json", action="store_true", help="for programs")


def _keeping_quiet(add: Add, config: argparse.ArgumentParser) -> None:
    ask = request("silence", "platform", "for", "end", "because")
    silence = add("silence", ask, "Trouble of a platform is no news for a while.", config)
    silence.add_argument("platform", metavar="PLATFORM")
    silence.add_argument("--for", type=length, metavar="TIME", default="", help="such as 2h; at most 14d")
    silence.add_argument("--end", action="store_true", help="end it before its time")
    _because(silence)
    ask = request("pause", "because")
    pause = add("pause", ask, "Say nothing in public until `resume`; go on watching.", config)
    _because(pause)
    add("resume", request("resume"), "Speak again.", config)


def forgetting(add: Add, config: argparse.ArgumentParser) -> None:
    """`forget`."""
    forget = add("forget", _forget, "Erase a person's address from the database, for good.", config)
    forget.add_argument("address", metavar="ADDRESS", help="or -, to read it from standard input")


def _because(parser: Options) -> None:
    parser.add_argument("--because", metavar="TEXT", default="", help="for the record")


def _forget(arguments: Arguments) -> int:
    """The address may come by standard input, so that no list of processes and no shell keeps it."""
    if arguments.address == "-":
        arguments.address = sys.stdin.readline().strip()
    return request("forget", "address")(arguments)


def _retract(arguments: Arguments) -> int:
    """Nobody whom a script tells that all is well should still be read by the public."""
    from failover.ask import ask

    def act() -> int:
        found = ask(arguments.config, "retract", incident=arguments.incident, because=arguments.because)
        print(found["told"])
        if found["public"]:
            complain("retract", f"something is, or may be, still public on {', '.join(found['public'])}")
        return REFUSED if found["public"] else 0

    return told("retract", arguments, act)


def _drill(arguments: Arguments) -> int:
    from failover.config.problems import ConfigError
    from failover.show_drill import drill

    def act() -> int:
        return drill(
            arguments.config,
            arguments.platform,
            os.environ,
            full=arguments.full,
            as_json=arguments.json,
            practice_internet=arguments.practice_internet,
        )

    try:
        code = told("drill", arguments, act)
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return CONFIGURATION_ERROR
    if code == NOT_RUNNING:
        print("`--practice-internet` rehearses without it: nothing leaves this machine then.", file=sys.stderr)
    return code


def request(name: str, *fields: str) -> Command:
    """A command that asks the daemon to do something and prints its answer."""

    def command(arguments: Arguments) -> int:
        from failover.ask import ask

        def act() -> int:
            print(ask(arguments.config, name, **{field: getattr(arguments, field) for field in fields}))
            return 0

        return told(name.replace("_", " "), arguments, act)

    return command
