"""A town for the stories: the practice internet in the test's loop, and the real daemon as a process of its own.

A story changes what the town is made of (`town.config`, the keys of a real configuration), starts the daemon, does
something to the internet, and waits until `failover status` or the journal says so; there is no sleeping on a guess.
When it ends, the town itself checks what holds in every story: nothing was said twice, nobody was welcomed back who
had not heard of the outage, no secret and no subscriber stands in any output, and no bug was met.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from failover.ask import NotRunningError, ask
from failover.audit import Entry, broken
from failover.clock import Clock
from failover.practice.http import Fault, HttpService
from failover.practice.internet import META, PracticeInternet, configuration, practice_internet
from failover.show import status_lines

PATIENCE = 40.0
"""Seconds that anything a story waits for may take; a healthy daemon needs a few."""

HOUSE = Path(__file__).parents[2]

MARK = re.compile(r"\bF(\d+[HUWCD]\d*)-\d{6}\b", re.IGNORECASE)
"""The reference that people see in every statement: incident, kind, number."""

TIMES = {
    "standing": ("since",),
    "declaration": ("at",),
    "observation": ("at",),
    "transition": ("at",),
    "incident": ("opened_at", "closed_at"),
    "statement": ("created_at", "latest", "release_at"),
    "delivery": ("due", "latest", "created_at", "began", "unsure_since", "ended_at"),
}

Fields = dict[str, Any]


class StuckError(AssertionError):
    """What a story waited for did not come; the text tells how things stood."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@dataclass
class Town:
    """One practice internet, one folder, one daemon at a time."""

    internet: PracticeInternet
    folder: Path
    whole: Fields
    config: Fields
    env: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    expected_bugs: bool = False
    primaries: tuple[str, ...] = ("facebook-page",)
    _daemon: Process | None = None
    _reading: asyncio.Task[None] | None = None

    # -- the configuration -----------------------------------------------------------------------------------

    @property
    def file(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def database(self) -> Path:
        return Path(str(self.config["state"]).removeprefix("sqlite://"))

    def write(self) -> None:
        """The configuration as it stands now, into its file."""
        self.file.write_text(yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def platforms(self, *names: str) -> None:
        """Watch only these."""
        there = self.config["platforms"]
        self.config["platforms"] = {
            name: there.get(name) or deepcopy(self.whole["platforms"][name]) for name in names
        }

    def channels(self, *names: str) -> None:
        """Have only these; the primaries are the Page and the other Meta platforms, the backups all the rest."""
        there = self.config["channels"]
        self.config["channels"] = {name: there.get(name) or deepcopy(self.whole["channels"][name]) for name in names}
        watched = [name for name in META if name in self.config["platforms"]]
        page = ["facebook-page"] if "facebook-page" in names else watched[:1]
        backups = [name for name in names if name != "facebook-page"]
        self.config["routes"] = [{"primary": [*page, *watched[1:]], "backups": backups}]
        words = self.whole["messages"]["holding"]
        self.config["messages"]["holding"] = {name: words[name] for name in words if name in ("default", *names)}

    def probes(self, platform: str, *kinds: str) -> None:
        """Look at the platform in these ways only."""
        one = self.config["platforms"][platform]
        one["probes"] = [probe for probe in one["probes"] if probe["kind"] in kinds]

    # -- the daemon ------------------------------------------------------------------------------------------

    async def start(self, *, ready: bool = True) -> None:
        """Start the daemon; `ready` waits until it answers."""
        self.write()
        await self.launch_run()
        if ready:
            await self.until("the daemon answers", lambda _data: True)

    async def launch_run(self) -> None:
        """Start the daemon with whatever stands in the file now."""
        await self.launch([sys.executable, "-m", "failover", "run", "--config", str(self.file), "--log", "json"])

    async def launch(self, command: list[str]) -> None:
        """Start this as the daemon, whose lines are read from now on."""
        self._daemon = await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self.environment(), stdout=PIPE, stderr=asyncio.subprocess.STDOUT
        )
        self._reading = asyncio.create_task(self._read(self._daemon))

    def environment(self) -> dict[str, str]:
        """That of every process of this story."""
        return {**environment(), **self.env}

    async def _read(self, daemon: Process) -> None:
        assert daemon.stdout is not None
        async for line in daemon.stdout:
            self.lines.append(line.decode("utf-8", "replace").rstrip())

    async def ended(self, seconds: float = PATIENCE) -> int:
        """The exit code, once it has ended by itself or been asked to."""
        assert self._daemon is not None
        assert self._reading is not None
        try:
            async with asyncio.timeout(seconds):
                code = await self._daemon.wait()
                await self._reading
        except TimeoutError:
            raise StuckError(f"the daemon did not end within {seconds:g} s\n{self._tail()}") from None
        return code

    async def stop(self, seconds: float = PATIENCE) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended(seconds)

    async def kill(self) -> None:
        """kill -9, and wait until it is dead."""
        self.signal(signal.SIGKILL)
        await self.ended()

    def signal(self, number: signal.Signals) -> None:
        assert self._daemon is not None
        with suppress(ProcessLookupError):
            self._daemon.send_signal(number)

    @property
    def running(self) -> bool:
        return self._daemon is not None and self._daemon.returncode is None

    # -- what it says ----------------------------------------------------------------------------------------

    @property
    def events(self) -> list[Fields]:
        """Everything in the journal of all daemons of this story so far."""
        found = []
        for line in self.lines:
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def journal(self, event: str, **fields: str) -> list[Fields]:
        """The entries of that event in which these fields stand."""
        return [one for one in self.events if one["event"] == event and fields.items() <= one.items()]

    async def hears(self, event: str, *, times: int = 1, **fields: str) -> Fields:
        """Wait until the journal has it (so many times); the last of them."""
        await self.wait(
            f"the journal says {event} {fields or ''}", lambda: len(self.journal(event, **fields)) >= times
        )
        return self.journal(event, **fields)[-1]

    async def status(self) -> Fields:
        """What `failover status --json` is told.  Raises NotRunningError."""
        data: Fields = await asyncio.to_thread(ask, self.file, "status")
        self.printed.append(json.dumps(data))
        return data

    async def command(self, *words: str, config: Path | None = None, folder: Path | None = None) -> Printed:
        """Run `failover WORD…` as people do, in this folder."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "failover", words[0], "--config", str(config or self.file), *words[1:],
            cwd=folder or self.folder, env=self.environment(), stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        told = Printed(process.returncode, out.decode(), err.decode())
        self.printed += [told.out, told.err]
        return told

    async def declare(self, state: str, platform: str = "facebook") -> None:
        """A person says how it is: quicker than an outage, where the story is about what follows from one."""
        await asyncio.to_thread(ask, self.file, "declare", platform=platform, state=state)

    # -- waiting ---------------------------------------------------------------------------------------------

    async def until(self, what: str, so: Callable[[Fields], bool], seconds: float = PATIENCE) -> Fields:
        """Ask the daemon again and again until it is so; its last answer."""
        data: Fields = {}
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if not self.running:
                        raise StuckError(f"the daemon has ended while waiting until {what}\n{self._tail()}")
                    with suppress(NotRunningError):
                        data = await self.status()
                        if so(data):
                            return data
                    await asyncio.sleep(0.1)
        except TimeoutError:
            shown = "\n".join(status_lines(data)) if data else "no answer"
            raise StuckError(f"waited {seconds:g} s until {what}\n{shown}\n{self._tail()}") from None

    async def wait(self, what: str, so: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Look at the town (not at the daemon) again and again until it is so."""
        try:
            async with asyncio.timeout(seconds):
                while not so():  # noqa: ASYNC110  the practice services know nothing of who waits for them
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise StuckError(f"waited {seconds:g} s until {what}\n{self.told()}\n{self._tail()}") from None

    async def state(self, platform: str, state: str) -> Fields:
        """Wait until the platform is in this state."""
        return await self.until(f"{platform} is {state}", lambda data: states(data)[platform] == state)

    async def all_up(self) -> Fields:
        return await self.until("all platforms are up", lambda data: set(states(data).values()) == {"up"})

    async def asked(self) -> Fields:
        """Wait until every channel has been asked whether it could post."""
        return await self.until("every channel was asked", lambda data: all(one["able"] for one in data["channels"]))

    async def phases(self, statement: str, **wanted: str) -> Fields:
        """Wait until the statement has these phases on these channels (`-` written as `_`)."""
        names = {name.replace("_", "-"): phase for name, phase in wanted.items()}
        return await self.until(
            f"{statement} is {names}", lambda data: names.items() <= phases(data, statement).items()
        )

    async def looks(self, count: int) -> None:
        """Let every probe that is asked at all look so many times again."""
        for _ in range(count):
            begun = (await self.status())["now"]
            await self.until("every source was asked again", partial(_all_since, begun))

    async def hang(self, service: HttpService) -> None:
        """From now on the service never answers; one question to it is under way."""
        asked = len(service.requests)
        service.fail_always(Fault.HANG_BEFORE)
        await self.wait("the service is asked", lambda: len(service.requests) > asked)

    async def over(self) -> Fields:
        """Wait until all is well and nothing is owed any more."""
        return await self.until(
            "all is over", lambda data: set(states(data).values()) == {"up"} and data["incidents"] == []
        )

    # -- what the public sees ----------------------------------------------------------------------------------

    def told(self) -> dict[str, list[str]]:
        """Channel (or subscriber) -> references that can be seen there, such as 1H and 1W, oldest first."""
        visible = self.internet.visible(self.folder / "site", ())
        mails: dict[str, list[str]] = {}
        for to, mail in self.internet.smtp.messages:
            mails.setdefault(f"email to {to}", []).append(_plain(mail))
        pages = {"statuspage": [*visible.pop("statuspage")]}
        everything = {**visible, **pages, **mails}
        return {name: [mark for text in texts for mark in marks(text)] for name, texts in everything.items()}

    def heard(self, reference: str) -> set[str]:
        """Where the statement with this reference (1H, 1W) can be seen."""
        return {name for name, told in self.told().items() if reference in told}

    @property
    def silent(self) -> bool:
        """Nothing at all was said, anywhere."""
        return not any(self.told().values())

    # -- what holds in every story -----------------------------------------------------------------------------

    def check(self) -> None:
        """Raises AssertionError; see the docstring of this module."""
        for name, told in self.told().items():
            assert len(set(told)) == len(told), f"said twice on {name}: {told}"
            ends = Counter(mark.partition("W")[0] for mark in told if "W" in mark)
            updates = Counter(mark.partition("U")[0] for mark in told if "U" in mark)
            for number, count in ends.items():
                assert count <= 1 + updates[number], f"welcomed back twice on {name}: {told}"
            for mark in told if name not in self.primaries else ():
                if "W" in mark:
                    number = mark.partition("W")[0]
                    assert any(one.startswith(f"{number}H") for one in told), f"{name} never heard: {told}"
        self._check_secrets()
        if not self.expected_bugs:
            unexpected = [one for one in self.events if one["event"] in ("bug", "library_spoke", "watchdog_starved")]
            assert not unexpected, unexpected
            strange = [line for line in self.lines if not line.startswith("{")]
            assert not strange, strange
        self._check_audit()

    def _check_secrets(self) -> None:
        secrets = {file.read_text().strip() for file in self.folder.glob("*-*") if _is_secret(file)}
        assert len(secrets) >= 8
        said = "\n".join([*self.lines, *self.printed])
        halves = {half for secret in secrets for half in secret.split(":") if len(half) > 10}
        for secret in secrets | halves:
            assert secret not in said, f"a secret was told: {secret}"
        assert "@example.org" not in said, "a subscriber was named"

    def _check_audit(self) -> None:
        """Rule S6, read from the file itself."""
        if self.database.exists():
            found = self.query("SELECT id AS number, at, event, facts, digest FROM audit ORDER BY id")
            assert broken(Entry(**row) for row in found) == ""

    def later(self, seconds: float) -> None:
        """Let so much time have passed while no daemon ran: every time in its database is moved into the past."""
        with closing(sqlite3.connect(self.database)) as database, database:
            for table, times in TIMES.items():
                moves = ", ".join(f"{time} = {time} - {seconds}" for time in times)
                database.execute(f"UPDATE {table} SET {moves}")

    def query(self, sql: str) -> list[Fields]:
        """What the database file says; only while no daemon runs."""
        with closing(sqlite3.connect(self.database)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql)]

    async def close(self) -> None:
        if self.running:
            await self.kill()

    def _tail(self) -> str:
        return "\n".join(str(one.get("message", one)) for one in self.events[-25:])


def environment() -> dict[str, str]:
    """Little of this machine's, so that no story depends on it; warnings are shown, so that they are noticed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": str(HOUSE), "PYTHONWARNINGS": "default"}


def states(data: Mapping[str, Any]) -> dict[str, str]:
    """platform -> state."""
    return {one["name"]: one["state"] for one in data["platforms"]}


def rows(data: Mapping[str, Any], statement: str) -> dict[str, Fields]:
    """channel -> its (last) delivery of this statement."""
    return {
        row["channel"]: row
        for incident in data["incidents"]
        for row in incident["deliveries"]
        if row["statement"] == statement
    }


def phases(data: Mapping[str, Any], statement: str) -> dict[str, str]:
    """channel -> phase of its (last) delivery of this statement."""
    return {name: row["phase"] for name, row in rows(data, statement).items()}


def sources(data: Mapping[str, Any], platform: str) -> dict[str, Fields]:
    """probe -> what it says of the platform."""
    found = next(one for one in data["platforms"] if one["name"] == platform)
    return {one["probe"]: one for one in found["sources"]}


def _all_since(begun: float, data: Mapping[str, Any]) -> bool:
    asked = [
        data["now"] - one["age"] > begun
        for platform in data["platforms"]
        for one in platform["sources"]
        if not one["probe"].startswith("posts to")
    ]
    return bool(asked) and all(asked)


def marks(text: str) -> list[str]:
    """The references in it, such as 1H."""
    return list(dict.fromkeys(match[1].upper() for match in MARK.finditer(text)))


def _plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _is_secret(file: Path) -> bool:
    return file.is_file() and file.stat().st_mode & 0o077 == 0 and file.suffix == "" and file.stat().st_size < 200


@asynccontextmanager
async def a_town(folder: Path) -> AsyncIterator[Town]:
    """Facebook is watched in five ways and Telegram in one; every interval is a second; then the town is checked."""
    async with practice_internet(Clock().now) as internet:
        config = yaml.safe_load(configuration(internet, folder))
        config["judgement"] |= {"every": "1s", "confirm": {"for": "1s"}, "recover": {"for": "1s"}}
        for platform in config["platforms"].values():
            for probe in platform["probes"]:
                probe["every"] = "1s"
        town = Town(internet, folder, deepcopy(config), config)
        town.platforms("facebook", "telegram")
        town.channels("facebook-page", "telegram", "email", "blog", "statuspage", "press-desk")
        try:
            yield town
        finally:
            await town.close()
        town.check()
