"""`failover init` from its flags to its exit code: ask, write, check, and offer to try."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path

from failover import registry
from failover.config.kinds import KindError
from failover.config.windows import known_timezone
from failover.describe import check
from failover.newcomer.answers import Answers
from failover.newcomer.asking import Flags, Talk
from failover.newcomer.draft import draft
from failover.newcomer.options import wanted_of
from failover.newcomer.placing import RefusedError, place, refuse
from failover.newcomer.questions import Interview
from failover.service.install import CONFIGURATION

OK, REFUSED, STOPPED = 0, 1, 130
LARGEST_SECRET = 65_536
LOCAL_TIME = Path("/etc/localtime")


class Terminal:
    """Questions on the terminal; what is asked secretly is not shown."""

    def tell(self, text: str) -> None:
        print(text)

    def ask(self, question: str) -> str:
        return input(question)

    def ask_secret(self, question: str) -> str:
        return getpass.getpass(question)


def init(target: Path, flags: Flags, env: Mapping[str, str], talk: Talk | None, *, online: bool) -> int:
    """Write a configuration; the exit code.  `talk` is None where nobody is to be asked."""
    target = target.absolute()
    try:
        refuse(target)
        answers = Interview(
            flags=flags,
            talk=talk,
            folder=target.parent,
            local_timezone=local_timezone(),
            read_file=read_secret,
        ).answers()
        written = place(target, *_files(answers), env)
    except (RefusedError, KindError) as error:
        print(f"failover init: {error}", file=sys.stderr)
        return REFUSED
    except (KeyboardInterrupt, EOFError):
        print("\nStopped; nothing was written.", file=sys.stderr)
        return STOPPED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"failover init: nothing was written: {where}{error.strerror}", file=sys.stderr)
        return REFUSED
    print(*written, "", sep="\n")
    return _tried(target, env, talk, online=online)


def _files(answers: Answers) -> tuple[str, dict[str, str], dict[str, Path]]:
    kinds = {channel.kind for channel in answers.channels}
    about = {kind: registry.summary(registry.CHANNELS, kind) for kind in kinds}
    wanted = {kind: wanted_of(registry.find_channel(kind), everything=True) for kind in kinds}
    billed = [kind for kind in kinds if registry.find_channel(kind).check_cost is not None]
    text = draft(answers, registry.catalogue(), about, wanted, billed)
    _refuse_namesakes(answers)
    secrets = {name: secret for channel in answers.channels for name, secret in channel.secrets.items()}
    copies = {name: path for channel in answers.channels for name, path in channel.copies.items()}
    return text, secrets, copies


def _refuse_namesakes(answers: Answers) -> None:
    """Raise RefusedError where two channels would get one file: what is for the one would be sent by the other."""
    owners: dict[str, str] = {}
    for channel in answers.channels:
        for name in (*channel.secrets, *channel.copies):
            if name in owners:
                raise RefusedError(
                    f"the channels {owners[name]} and {channel.name} both need a file {name}; rename one"
                )
            owners[name] = channel.name


def _tried(target: Path, env: Mapping[str, str], talk: Talk | None, *, online: bool) -> int:
    """The same as `failover check`, then, if that is wanted, `failover check --online`."""
    lines, code = check(target, env)
    print("\n".join(lines))
    if code == OK and not online and talk is not None:
        online = _agrees(talk, "Ask every channel and every source once, now?  Nothing is posted. [Y/n] ")
    if code == OK and online:
        from failover.online import check_online  # noqa: PLC0415  much is imported there, and it may not be wanted

        lines, code = check_online(target, env)
        print("", *lines, sep="\n")
    print("", *_next_steps(target), sep="\n")
    return code


def _next_steps(target: Path) -> list[str]:
    """The service reads one file only, and has the example at work where a package has installed it."""
    if target != Path("/") / CONFIGURATION:
        return [f"Watch and speak:  failover run --config {target}"]
    return [
        "As a service:     systemctl enable failover && systemctl restart failover",
        "                  (first `failover install-service`, where no package has done that)",
    ]


def _agrees(talk: Talk, question: str) -> bool:
    try:
        return talk.ask(question).strip().lower() in ("", "y", "yes")
    except (KeyboardInterrupt, EOFError):
        return False


def read_secret(place: str) -> str:
    """The secret in a file, or what comes over the standard input for "-"; without the line break at its end."""
    try:
        data = sys.stdin.buffer.read(LARGEST_SECRET + 1) if place == "-" else _bytes(Path(place))
        text = data.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise RefusedError(f"{place} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise RefusedError(f"{place} is not text in UTF-8") from None
    if not text.strip() or len(data) > LARGEST_SECRET:
        raise RefusedError(f"{place} is {'empty' if not text.strip() else 'too large to be a secret'}")
    return text


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_SECRET + 1)


def local_timezone(link: Path = LOCAL_TIME) -> str:
    """The time zone of this machine by its name; UTC where that cannot be told."""
    _before, found, name = str(link.resolve()).partition("/zoneinfo/")
    try:
        return known_timezone(name.removeprefix("posix/")) if found else "UTC"
    except ValueError:
        return "UTC"
