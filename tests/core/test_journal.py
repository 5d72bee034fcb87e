"""One sentence per fact, with its fields, in the journal or on a terminal; no secret, no repeat, no waiting."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

import pytest

from failover.events import EVENTS, EventMistake
from failover.journal import MOST_KEYS, Journal, open_journal
from failover.model import State, Statement
from failover.systemd import MOST_LINES
from tests.service.listening import Ear, Entry, ear

SECRET = "very-secret-token"
SENT = {"incident": "7", "statement": Statement.WELCOME_BACK, "channel": "x"}
"""What `delivery_sent` needs."""


class Colour(Enum):
    RED = "red"


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Ear]:
    with ear(tmp_path) as listening:
        yield listening


@pytest.fixture
def journal(journald: Ear) -> Iterator[Journal]:
    with open_journal("journal", [SECRET], env={}, socket_path=journald.path) as opened:
        yield opened
        list(journald.datagrams())


def on_terminal(mode: str, speak: Callable[[Journal], object]) -> str:
    stream = io.StringIO()
    with open_journal(mode, [SECRET], env={}, stream=stream) as opened:
        speak(opened)
    return stream.getvalue()


def program(body: str) -> subprocess.CompletedProcess[str]:
    """Run `body` in a process of its own that logs to its stderr."""
    head = f"from failover.journal import open_journal\nwith open_journal('auto', [{SECRET!r}], env={{}}):\n    "
    return subprocess.run([sys.executable, "-c", head + body], capture_output=True, text=True, check=False)


def raised() -> RuntimeError:
    """An error with a traceback."""
    try:
        raise RuntimeError(f"cannot use {SECRET}")  # noqa: TRY301
    except RuntimeError as error:
        return error


# --- the entry ---


def test_event_becomes_an_entry_with_its_fields(journal: Journal, journald: Ear) -> None:
    journal.say("delivery_sent", **SENT, url="https://x.com/1", dwell=75.25, delivery=None)

    assert journald.entries() == [
        {
            "MESSAGE": "The welcome back statement of incident 7 is public on x: https://x.com/1 (1m15s after it was "
            "noticed)",
            "PRIORITY": "5",
            "MESSAGE_ID": EVENTS["delivery_sent"].message_id.hex,
            "SYSLOG_IDENTIFIER": "failover",
            "FAILOVER_EVENT": "delivery_sent",
            "FAILOVER_INCIDENT": "7",
            "FAILOVER_STATEMENT": "welcome_back",
            "FAILOVER_CHANNEL": "x",
            "FAILOVER_URL": "https://x.com/1",
            "FAILOVER_DWELL": "75.25",
        }
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(["facebook", State.UP], "facebook, up", id="list"),
        pytest.param(("facebook",), "facebook", id="tuple"),
        pytest.param({"quota": 3, "pages": ["a", "b"]}, "quota: 3, pages: a, b", id="mapping"),
        pytest.param(2.0, "2", id="whole number of seconds"),
        pytest.param(0.1 + 0.2, "0.3", id="float"),
        pytest.param(7, "7", id="integer"),
        pytest.param(True, "yes", id="true"),
        pytest.param(Colour.RED, "red", id="enum"),
        pytest.param(
            "two\nlines\x1b[31m and a\tbell\a", "two lines [31m and a bell", id="no line and no colour of its own"
        ),
        pytest.param(Path("/etc/failover"), "/etc/failover", id="path"),
    ],
)
def test_values_are_written_tidily(value: object, text: str, journal: Journal, journald: Ear) -> None:
    journal.say("resumed", by=value)

    assert journald.entries()[0]["FAILOVER_BY"] == text


@pytest.mark.parametrize(
    ("until", "text"),
    [
        pytest.param(1_795_183_444.9, "2026-11-20 14:04:04 UTC", id="seconds since the epoch"),
        pytest.param(1_795_183_444, "2026-11-20 14:04:04 UTC", id="whole seconds"),
        pytest.param("noon", "noon", id="text stays"),
        pytest.param(float("inf"), "inf", id="no time of this calendar"),
    ],
)
def test_times_are_told_in_utc(until: object, text: str, journal: Journal, journald: Ear) -> None:
    journal.say("paused", by="Ann", until=until)
    (entry,) = journald.entries()

    assert entry["FAILOVER_UNTIL"] == text
    assert entry["MESSAGE"] == f"Ann paused everything that is said in public until {text}"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-3600, "-1h"), (0.25, "0.2s"), (842.7, "14m2s"), ("long", "long")],
    ids=["backwards", "short", "long", "text"],
)
def test_lengths_are_told_as_people_say_them(seconds: object, told: str, journal: Journal, journald: Ear) -> None:
    journal.say("clock_stepped", seconds=seconds)

    assert journald.entries()[0]["MESSAGE"] == f"The clock of this machine jumped by {told}"


def test_state_of_a_platform_has_its_own_event_and_level(journal: Journal, journald: Ear) -> None:
    for state in State:
        journal.say(f"platform_{state.value}", platform="x", was=State.UNKNOWN, reason="because")

    assert {entry["FAILOVER_EVENT"]: entry["PRIORITY"] for entry in journald.entries()} == {
        "platform_unknown": "4",
        "platform_up": "5",
        "platform_suspect": "5",
        "platform_down": "4",
        "platform_recovering": "5",
    }


# --- mistakes of our own ---


@pytest.mark.parametrize(
    ("name", "fields", "trouble"),
    [("incident_opend", {}, "no event named"), ("incident_opened", {"incident": "7"}, "lacks platforms, reason")],
    ids=["unknown event", "missing field"],
)
def test_mistake_in_a_call_fails_a_test(name: str, fields: dict[str, object], trouble: str, journal: Journal) -> None:
    with pytest.raises(EventMistake, match=trouble):
        journal.say(name, **fields)


def test_mistake_in_a_call_never_costs_the_daemon_its_line(journal: Journal, journald: Ear) -> None:
    """In the daemon warnings are not errors: the line is written as well as can be, and the mistake is told too."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        journal.say("incident_opened", incident="7")
        journal.say("no_such_event", incident="8")
    messages = [entry["MESSAGE"] for entry in journald.entries()]

    assert "Incident 7 is open, ? is down: ?" in messages
    assert "no_such_event: incident: 8" in messages
    assert sum("EventMistake" in message for message in messages) == 2


# --- repeats ---


def test_repeat_is_not_logged_again_until_the_reason_changes(journal: Journal, journald: Ear) -> None:
    def look(reason: str, event: str = "source_unknown") -> bool:
        return journal.say_on_change("x/status", event, platform="x", probe="status", reason=reason)

    said = [look("HTTP 403"), look("HTTP 403"), look("HTTP 500"), look("HTTP 500", "source_back"), look("HTTP 500")]

    assert said == [True, False, True, True, True]
    assert len(journald.entries()) == 4


def test_keys_do_not_silence_each_other(journal: Journal, journald: Ear) -> None:
    for probe in ("status", "web", "status"):
        journal.say_on_change(f"x/{probe}", "source_unknown", platform="x", probe=probe, reason="HTTP 403")

    assert [entry["FAILOVER_PROBE"] for entry in journald.entries()] == ["status", "web"]


def test_memory_of_repeats_is_bounded(journal: Journal, journald: Ear) -> None:
    """The key used longest ago is forgotten, so its repeat is logged once more."""
    for number in range(MOST_KEYS):
        journal.say_on_change(f"key {number}", "resumed", by="Ann")
        list(journald.datagrams())
    journal.say_on_change("key 0", "resumed", by="Ann")
    journal.say_on_change("one more", "resumed", by="Ann")

    assert not journal.say_on_change("key 0", "resumed", by="Ann")
    assert journal.say_on_change("key 1", "resumed", by="Ann")


# --- secrets ---


def leaks(entries: list[Entry]) -> bool:
    return any(SECRET in value for entry in entries for value in entry.values())


def test_secret_is_hidden_in_every_field_and_in_the_sentence(journal: Journal, journald: Ear) -> None:
    journal.say("config_notice", reason=f"the token {SECRET} is odd", channel=[SECRET], incident={SECRET: SECRET})
    entries = journald.entries()

    assert entries[0]["MESSAGE"] == "The configuration works, but look at this: the token *** is odd"
    assert not leaks(entries)


def test_secret_is_hidden_in_a_traceback_which_stays_out_of_the_message(journal: Journal, journald: Ear) -> None:
    journal.bug("the courier", raised())
    (entry,) = journald.entries()

    assert not leaks([entry])
    assert entry["MESSAGE"] == "An error that nobody expected in the courier: RuntimeError: cannot use ***"
    assert entry["FAILOVER_TRACEBACK"].startswith("Traceback (most recent call last):\n")


def test_secret_learnt_later_is_hidden_from_then_on(journal: Journal, journald: Ear) -> None:
    journal.hide(["renewed-token"])
    journal.say("resumed", by="renewed-token")

    assert journald.entries()[0]["FAILOVER_BY"] == "***"


# --- libraries ---


def test_libraries_are_heard_from_warning_upwards(journal: Journal, journald: Ear) -> None:
    for name in ("httpx", "httpcore.connection", "tweepy.client", "apscheduler.scheduler", "telegram.ext"):
        logging.getLogger(name).debug("POST %s", SECRET)
        logging.getLogger(name).info("POST %s", SECRET)
    logging.getLogger("telegram").warning("retrying with %s", SECRET)
    logging.getLogger("apscheduler").critical("job lost")

    assert [(entry["MESSAGE"], entry["PRIORITY"], entry["FAILOVER_LIBRARY"]) for entry in journald.entries()] == [
        ("telegram: retrying with ***", "4", "telegram"),
        ("apscheduler: job lost", "3", "apscheduler"),
    ]


def test_warning_of_a_library_is_not_repeated_but_its_errors_are(journal: Journal, journald: Ear) -> None:
    for _ in range(3):
        logging.getLogger("httpx").warning("slow")
        logging.getLogger("asyncio").error("never retrieved")

    assert [entry["MESSAGE"] for entry in journald.entries()] == [
        "httpx: slow", "asyncio: never retrieved", "asyncio: never retrieved", "asyncio: never retrieved",
    ]  # fmt: skip


def test_exception_that_a_library_logs_keeps_its_traceback(journal: Journal, journald: Ear) -> None:
    logging.getLogger("apscheduler").error("job failed", exc_info=raised())
    (entry,) = journald.entries()

    assert entry["FAILOVER_TRACEBACK"].endswith("RuntimeError: cannot use ***\n")
    assert not leaks([entry])


def test_broken_log_call_of_a_library_is_survived() -> None:
    """Python would print the call with its arguments; in a process of its own, where pytest does not listen."""
    done = program(f"import logging; logging.getLogger('tweepy').warning('%d tweets', {SECRET!r})")

    assert done.returncode == 0
    assert done.stderr.endswith(" ?  tweepy: %d tweets\n")
    assert done.stderr.count("\n") == 1


def test_exception_that_kills_a_thread_is_told(journal: Journal, journald: Ear) -> None:
    def fail() -> None:
        raise RuntimeError(SECRET)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    (entry,) = journald.entries()

    assert entry["MESSAGE"] == "An error that nobody expected in a thread: RuntimeError: ***"


def test_what_was_there_before_is_there_again_after_closing(journald: Ear) -> None:
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook, logging.root.level, [*logging.root.handlers])
    with open_journal("journal", env={}, socket_path=journald.path):
        assert sys.excepthook is not before[0]
    after = (sys.excepthook, threading.excepthook, sys.unraisablehook, logging.root.level, [*logging.root.handlers])

    assert after == before


def test_uncaught_exception_is_told_once_and_without_its_secrets() -> None:
    """Python's own traceback on stderr would go to the journal as it is."""
    done = program(f"raise RuntimeError('cannot use ' + {SECRET!r})")

    assert done.returncode == 1
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr.count("Traceback") == 1
    assert "An error that nobody expected in the top of the program: RuntimeError: cannot use ***" in done.stderr


# --- a journal that does not listen ---


def test_hung_journal_never_holds_the_daemon_up(journal: Journal, journald: Ear) -> None:
    begun = time.monotonic()
    for number in range(2 * MOST_LINES):
        journal.say("resumed", by=f"{number}")

    assert time.monotonic() - begun < 5
    assert not journal.flush()
    heard = journald.entries()
    while not journal.flush():
        heard += journald.entries()
    heard += journald.entries()
    assert heard[-1]["FAILOVER_BY"] == f"{2 * MOST_LINES - 1}"
    assert len(heard) + sum(int(entry.get("FAILOVER_DROPPED", 0)) for entry in heard) == 2 * MOST_LINES


def test_absent_journal_is_no_reason_to_fail(tmp_path: Path) -> None:
    with open_journal("journal", env={}, socket_path=str(tmp_path / "nobody")) as journal:
        journal.say("resumed", by="Ann")


# --- which way ---


def test_auto_is_the_journal_only_where_systemd_connected_stderr_to_it(journald: Ear, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w+") as stream:
        opened = Path(f"/proc/self/fd/{stream.fileno()}").stat()
        env = {"JOURNAL_STREAM": f"{opened.st_dev}:{opened.st_ino}"}
        with open_journal("auto", env=env, stream=stream, socket_path=journald.path) as journal:
            journal.say("resumed", by="Ann")
            heard = journald.entries()
        with open_journal("auto", env={}, stream=stream, socket_path=journald.path) as journal:
            journal.say("resumed", by="Bob")
        stream.seek(0)

        assert [entry["FAILOVER_BY"] for entry in heard] == ["Ann"]
        assert stream.read().endswith(" *  Bob lets the daemon speak again\n")
        assert journald.entries() == []


# --- the terminal ---


def test_terminal_shows_time_mark_and_sentence() -> None:
    shown = on_terminal("console", lambda journal: journal.say("delivery_held", **SENT, delivery="d1", reason=SECRET))
    clock, mark, sentence = shown.split(maxsplit=2)

    assert time.strptime(clock, "%H:%M:%S")
    assert mark == "!!"
    assert sentence == (
        "Please look whether the welcome back statement is public on x, then run: "
        "failover resolve d1 sent|not-sent (***)\n"
    )


def test_terminal_shows_the_traceback_of_a_bug() -> None:
    shown = on_terminal("console", lambda journal: journal.bug("here", ValueError(SECRET)))

    assert shown.endswith("in here: ValueError: ***\nValueError: ***\n")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["colour", "NO_COLOR"])
def test_colour_is_for_terminals_that_want_it(env: dict[str, str], *, coloured: bool) -> None:
    stream = Tty()
    with open_journal("console", env=env, stream=stream) as journal:
        journal.say("went_offline", reason="no route to host")

    assert ("\x1b[" in stream.getvalue()) is coloured
    assert "so nothing is decided: no route to host\n" in stream.getvalue()


def test_json_is_one_flat_object_per_line() -> None:
    shown = json.loads(on_terminal("json", lambda journal: journal.say("source_back", platform="x", probe="größe")))

    assert shown.pop("timestamp").endswith("Z")
    assert shown == {
        "event": "source_back",
        "level": "notice",
        "message": "The source größe speaks about x again",
        "platform": "x",
        "probe": "größe",
    }


def test_terminal_that_went_away_is_survived() -> None:
    stream = io.StringIO()
    with open_journal("console", env={}, stream=stream) as journal:
        stream.close()
        journal.say("resumed", by="Ann")


def test_a_pipe_that_nobody_reads_does_not_hang_the_daemon() -> None:
    """Rule O5.  A pipe holds 64 kB; ten times as much is said, and the end comes all the same."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        journal = open_journal("json", env={}, stream=stream)
        for number in range(6000):
            journal.say("person_needed", reason=f"{number} " + "x" * 100)
        journal.close()
        first = os.read(reader, 200)
        os.close(reader)
    assert first.startswith(b'{"reason": "0 xxx')


def test_a_pipe_that_is_read_gets_every_line_before_the_end() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        journal = open_journal("json", env={}, stream=stream)
        for number in range(20):
            journal.say("person_needed", reason=str(number))
        journal.close()
    with os.fdopen(reader, encoding="utf-8") as lines:
        told = [json.loads(line)["reason"] for line in lines]
    assert told == [str(number) for number in range(20)]
