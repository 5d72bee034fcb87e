"""The service under a really booted systemd: start, stop, reload, hang, crash, refuse, explain itself, be removed.

What is run is `COMMAND`; everything else looks at it from outside, as an administrator would.
"""

from __future__ import annotations

import re
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.events import EVENTS
from failover.service.install import configuration_text
from failover.systemd import MOST_LINES
from tests.service.booted import Machine, NotPossibleHereError, boot, why_not

pytestmark = [
    pytest.mark.root,
    pytest.mark.xdist_group("booted"),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can be tried"),
]

PROJECT = Path(__file__).parents[2]
COMMAND = "#!/opt/failover/bin/python\nimport sys\nfrom failover.cli import main\nsys.exit(main())\n"
GOOD = configuration_text()
BROKEN = f"{GOOD}colour: blue\n"
CONFIG, SECRETS = "/etc/failover/config.yaml", "/etc/failover/secrets"
UNIT, DROP_INS = "failover.service", "/etc/systemd/system/failover.service.d"
WATCHDOG = 5
QUICK = f"""\
[Service]
WatchdogSec={WATCHDOG}
RestartSec=100ms
Environment=PYTHONPYCACHEPREFIX=/opt/compiled
"""
"""Shorter waits, and modules that are compiled once."""

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = f"/opt/failover/lib/{PYTHON}/site-packages"
BOUND = {
    "/opt/python": sys.base_prefix,
    "/opt/packages": sysconfig.get_path("purelib"),
    **{f"/opt/source/{name}": str(PROJECT / name) for name in ("failover", "probes", "channels")},
}
"""This very Python and these very sources, at places that a sandboxed service may see."""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Booted once, with failover in a virtual environment of its own and installed as an administrator would."""
    try:
        with boot(BOUND) as booted:
            _make_environment(booted)
            booted.ask("/opt/failover/bin/python", "-c", INSTALL)
            booted.run(
                "env", "PYTHONPYCACHEPREFIX=/opt/compiled", "/opt/failover/bin/failover", "check", "-c", CONFIG
            )
            booted.write(f"{SECRETS}/telegram-token", "a-secret\n", "600")
            booted.write(f"{DROP_INS}/quick.conf", QUICK)
            yield booted
    except NotPossibleHereError as reason:
        pytest.skip(str(reason))


INSTALL = "from failover.service.install import install; raise SystemExit(install())"
UNINSTALL = "from failover.service.install import uninstall; raise SystemExit(uninstall())"


def _make_environment(machine: Machine) -> None:
    """As `python3 -m venv /opt/failover` and pip would.  This Python may have been built for a hidden place."""
    machine.write("/etc/ld.so.conf.d/failover-test.conf", "/opt/python/lib\n")
    machine.run("ldconfig")
    machine.run(f"/opt/python/bin/{PYTHON}", "-m", "venv", "--without-pip", "/opt/failover")
    machine.write(f"{PACKAGES}/failover.pth", "/opt/source\n/opt/packages\n")
    machine.write("/opt/failover/bin/failover", COMMAND, "755")


@pytest.fixture
def running(machine: Machine) -> Machine:
    """The service runs, with the good configuration."""
    machine.write(CONFIG, GOOD)
    if machine.show(UNIT, "ActiveState")["ActiveState"] != "active":
        machine.restart(UNIT)
    return machine


def main_process(machine: Machine) -> str:
    return machine.show(UNIT, "MainPID")["MainPID"]


def user_of(machine: Machine) -> str:
    """The number of the user that the service runs as."""
    return machine.ask("stat", "-c", "%u", f"/proc/{main_process(machine)}")


def came_back(machine: Machine, before: str) -> bool:
    now = machine.show(UNIT, "MainPID", "ActiveState")
    return now["ActiveState"] == "active" and now["MainPID"] not in ("0", before)


# --- installing ---


def test_installing_again_changes_nothing(machine: Machine) -> None:
    lines = machine.ask("/opt/failover/bin/python", "-c", INSTALL).splitlines()

    assert [line for line in lines if line.startswith("wrote")] == []
    assert "kept /etc/failover/config.yaml" in lines
    assert machine.ask("stat", "-c", "%a", SECRETS) == "700"


# --- running ---


def test_service_starts_and_shows_its_state_in_one_line(running: Machine) -> None:
    shown = running.show(UNIT, "ActiveState", "Type", "StatusText", "NRestarts")

    assert shown["ActiveState"] == "active"
    assert shown["Type"] == "notify"
    assert shown["StatusText"]
    assert f'Status: "{shown["StatusText"]}"' in running.ask("systemctl", "status", UNIT)


def test_service_is_nobody_and_sees_only_what_is_its_own(running: Machine) -> None:
    status = running.ask("cat", f"/proc/{main_process(running)}/status")
    user = user_of(running)
    writable = running.run(
        "nsenter", "-t", main_process(running), "-m", "sh", "-c", "touch /etc/x || touch /opt/x", check=False
    )

    assert 61184 <= int(user) <= 65519, "a dynamic user (systemd.io/UIDS-GIDS)"
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status
    assert writable.returncode != 0
    assert running.ask("stat", "-c", "%a %u", "/run/failover") == f"750 {user}"
    assert running.ask("stat", "-c", "%a", "/run/failover/control.sock") == "660"
    assert running.ask("stat", "-Lc", "%a", "/var/lib/failover") == "700"


def test_secrets_arrive_as_credentials(running: Machine) -> None:
    folder = "/run/credentials/failover.service"

    assert running.ask("cat", f"{folder}/failover_telegram-token") == "a-secret"


# --- the journal ---


def test_entry_carries_everything_people_search_by(running: Machine) -> None:
    (entry,) = running.hears("FAILOVER_EVENT=daemon_started", f"_PID={main_process(running)}")

    assert entry["MESSAGE"].startswith("failover ")
    assert entry["PRIORITY"] == "5"
    assert entry["MESSAGE_ID"] == EVENTS["daemon_started"].message_id.hex
    assert entry["SYSLOG_IDENTIFIER"] == "failover"
    assert entry["_TRANSPORT"] == "journal"
    assert entry["_SYSTEMD_UNIT"] == UNIT
    assert entry["FAILOVER_NODE"] == running.ask("uname", "-n")


def test_journalctl_explains_each_event_with_its_own_values(machine: Machine) -> None:
    say(machine, 'journal.say("platform_suspect", platform="whatsapp", was="up", reason="HTTP 503")')
    (entry,) = machine.hears("FAILOVER_PLATFORM=whatsapp")
    explained = machine.ask("journalctl", "-x", "-n1", "FAILOVER_PLATFORM=whatsapp")

    assert entry["MESSAGE"] == "whatsapp may be in trouble, nothing is said yet: HTTP 503"
    assert "Subject: Platform suspect" in explained
    assert "failover declare whatsapp down" in explained.replace("\n░░ ", " ")


def test_catalogue_knows_every_event(machine: Machine) -> None:
    known = machine.ask("journalctl", "--list-catalog")

    assert [name for name, event in EVENTS.items() if event.message_id.hex not in known] == []


def test_every_field_of_every_event_is_searchable(machine: Machine) -> None:
    """Even those that are too long for a datagram, or have several lines."""
    after = machine.now()
    say(
        machine,
        "import failover.events as table\n"
        "for event in table.EVENTS.values():\n"
        "    journal.say(event.name, **{field: f'value of {field}' for field in event.fields + event.optional})\n"
        "journal.say('bug', where='x', reason='long', traceback='line\\n' * 2_000_000)\n",
    )
    heard = machine.hears("SYSLOG_IDENTIFIER=failover", after=after, count=len(EVENTS) + 1)
    entries = {entry["FAILOVER_EVENT"]: entry for entry in heard}

    assert set(entries) == set(EVENTS)
    assert entries["delivery_held"]["FAILOVER_DELIVERY"] == "value of delivery"
    assert entries["bug"]["FAILOVER_TRACEBACK"].startswith("line\nline\n")
    assert machine.ask("journalctl", "-F", "FAILOVER_HEARD") == "value of heard"


def test_hung_journald_delays_nobody_and_hears_of_the_loss(machine: Machine) -> None:
    after = machine.now()
    many = 3 * MOST_LINES
    say(
        machine,
        "import os, signal, subprocess, time\n"
        "pid = int(subprocess.check_output(['systemctl', 'show', '-P', 'MainPID', 'systemd-journald']))\n"
        "os.kill(pid, signal.SIGSTOP)\n"
        "begun = time.monotonic()\n"
        f"for number in range({many}): journal.say('resumed', by=str(number))\n"
        "took = time.monotonic() - begun\n"
        "os.kill(pid, signal.SIGCONT)\n"
        "while not journal.flush(): time.sleep(0.01)\n"
        "assert took < 3, took\n",
    )
    machine.hears(f"FAILOVER_BY={many - 1}", after=after)
    heard = machine.journal("FAILOVER_EVENT=resumed", after=after)

    assert len(heard) + sum(int(entry.get("FAILOVER_DROPPED", 0)) for entry in heard) == many
    assert len(heard) < many


def say(machine: Machine, body: str) -> None:
    """Run `body` with an open journal inside the machine."""
    head = "from failover.journal import open_journal\nwith open_journal('journal', env={}) as journal:\n"
    text = head + "".join(f"    {line}\n" for line in body.splitlines())
    machine.run("/opt/failover/bin/python", "-", text=text)


def test_hung_journald_does_not_hang_the_daemon(running: Machine) -> None:
    """It goes on working and feeding its watchdog, and what it said meanwhile is in the journal afterwards (O5)."""
    before, after, many = main_process(running), running.now(), 8
    begun = time.monotonic()
    running.run("systemctl", "kill", "--signal=STOP", "systemd-journald")
    for _ in range(many):
        running.run("/opt/failover/bin/failover", "pause")
        running.run("/opt/failover/bin/failover", "resume")
    while time.monotonic() - begun < WATCHDOG + 1:
        running.run("/opt/failover/bin/failover", "status")
    running.run("systemctl", "kill", "--signal=CONT", "systemd-journald")

    wanted = ("FAILOVER_EVENT=paused", "FAILOVER_BY=root (command line)")
    assert len(running.hears(*wanted, after=after, count=many)) == many
    assert main_process(running) == before


def test_example_configuration_writes_where_the_service_may(running: Machine) -> None:
    """Its status page, which needs no account, and the letters."""
    able = running.hears("FAILOVER_EVENT=channel_able", f"_PID={main_process(running)}", count=2)

    assert {entry["FAILOVER_CHANNEL"] for entry in able} == {"statuspage", "letters"}
    assert running.ask("stat", "-c", "%u %F", "/var/lib/private/failover/public") == f"{user_of(running)} directory"


# --- reload ---


def test_reload_reports_success_and_failure_to_the_caller(running: Machine) -> None:
    """A broken file keeps the old configuration, says so in the journal, and `systemctl reload` fails (rule O3)."""
    before = main_process(running)
    good = running.run("systemctl", "reload", UNIT, check=False)
    running.write(CONFIG, BROKEN)
    after = running.now()
    broken = running.run("systemctl", "reload", UNIT, check=False)

    assert good.returncode == 0
    assert broken.returncode != 0
    assert running.show(UNIT, "ActiveState", "MainPID") == {"ActiveState": "active", "MainPID": before}
    assert len(running.hears("FAILOVER_EVENT=config_rejected", after=after)) == 1


# --- the end of a run ---


def test_stop_is_clean(running: Machine) -> None:
    running.run("systemctl", "stop", UNIT)
    shown = running.show(UNIT, "Result", "ActiveState", "ExecMainStatus")

    assert shown == {"Result": "success", "ActiveState": "inactive", "ExecMainStatus": "0"}


def test_hung_daemon_is_killed_by_the_watchdog_and_comes_back(running: Machine) -> None:
    """Its last stack is in the journal."""
    before, after = main_process(running), running.now()
    running.run("kill", "-STOP", before)
    running.until(lambda: came_back(running, before), "the service is running again after the watchdog")
    lines = [str(entry["MESSAGE"]) for entry in running.journal(after=after)]

    assert any("Watchdog timeout" in line for line in lines)
    assert any("Fatal Python error: Aborted" in line for line in lines)


def test_killed_daemon_comes_back(running: Machine) -> None:
    before = main_process(running)
    running.run("kill", "-KILL", before)

    running.until(lambda: came_back(running, before), "the service is running again after kill -9")


SENDMAIL = "#!/bin/sh\ncat > /var/mail-new && mv /var/mail-new /var/mail-sent\n"


def sent(machine: Machine) -> list[str]:
    """The lines of the mail that was sent."""
    return machine.run("cat", "/var/mail-sent", check=False).stdout.splitlines()


def test_crash_that_mends_itself_wakes_nobody(running: Machine) -> None:
    """systemd 254 and later run the alert unit at each crash, 252 does not: asked for here on either."""
    running.write("/usr/sbin/sendmail", SENDMAIL, "755")
    running.write("/etc/failover/alert.env", "ALERT_MAIL=duty@example.org\n", "600")
    running.run("systemctl", "start", "failover-alert@failover.service.service")

    assert sent(running) == []


def test_wrong_configuration_stays_failed_and_somebody_is_told(running: Machine) -> None:
    """Exit code 78 is not retried; the reason is in the unit's journal; the alarm needs nothing of the daemon."""
    running.write("/usr/sbin/sendmail", SENDMAIL, "755")
    running.write("/etc/failover/alert.env", "ALERT_MAIL=duty@example.org\n", "600")
    running.write(CONFIG, BROKEN)
    after = running.now()
    failed = running.run("systemctl", "restart", UNIT, check=False)
    running.until(lambda: sent(running) != [], "the alert unit has sent a mail")
    shown = running.show(UNIT, "ActiveState", "ExecMainStatus", "NRestarts")
    mail = sent(running)

    assert failed.returncode != 0
    assert shown == {"ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}
    assert running.hears(f"_SYSTEMD_UNIT={UNIT}", "FAILOVER_EVENT=config_rejected", after=after)
    assert mail[0] == "To: duty@example.org"
    assert mail[1].startswith("Subject: failover.service on ")
    assert mail[1].endswith(" is not watching (exit-code, exited 78)")
    assert any("colour: unknown key" in line for line in mail)


def test_crash_with_a_broken_file_on_disk_goes_on_with_the_last_good_one(running: Machine) -> None:
    """Half an edit and then a power cut must not end the watch (rule O3); and it is said loudly."""
    running.write(CONFIG, BROKEN)
    before, after = main_process(running), running.now()
    running.run("kill", "-KILL", before)
    running.until(lambda: came_back(running, before), "the service is running again")
    (entry,) = running.hears(f"_SYSTEMD_UNIT={UNIT}", "FAILOVER_EVENT=last_good_config_used", after=after)

    assert entry["PRIORITY"] == "2"


def test_alarm_that_reaches_nobody_says_so(machine: Machine) -> None:
    machine.write("/etc/failover/alert.env", "")
    machine.run("systemd-run", "--unit=other", "false")
    machine.until(lambda: machine.show("other.service", "SubState")["SubState"] == "failed", "it has failed")
    after = machine.now()
    machine.run("systemctl", "start", "failover-alert@other.service", check=False)
    entries = machine.hears("SYSLOG_IDENTIFIER=failover-alert", after=after, count=2)

    assert [entry["PRIORITY"] for entry in entries] == ["2", "2"]
    assert "Nobody could be told" in entries[1]["MESSAGE"]


# --- what the unit's own comments promise ---


def recipe(number: int) -> str:
    """The drop-in that the comments of the unit describe."""
    comments = (PROJECT / "failover/service/failover.service").read_text().partition("\n[Unit]")[0]
    blocks = re.findall(r"#   (\[Service\]\n(?:#   .*\n?)+)", comments)
    return str(blocks[number]).replace("#   ", "")


@pytest.fixture
def drop_in(machine: Machine) -> Iterator[str]:
    path = f"{DROP_INS}/recipe.conf"
    yield path
    machine.run("rm", "-f", path)
    machine.run("systemctl", "daemon-reload")


def test_drop_in_lets_a_group_speak_to_the_daemon(running: Machine, drop_in: str) -> None:
    running.run("groupadd", "--system", "failover-operators")
    running.write(drop_in, recipe(0))
    running.restart(UNIT)
    group = running.ask("getent", "group", "failover-operators").split(":")[2]
    as_daemon = ["setpriv", "--reuid=daemon", "--clear-groups"]
    pause = ["/opt/failover/bin/failover", "pause"]

    assert running.ask("stat", "-c", "%G", "/run/failover/control.sock") == "failover-operators"
    assert running.run(*as_daemon, "--regid=daemon", *pause, check=False).returncode != 0
    assert running.run(*as_daemon, f"--regid={group}", *pause, check=False).returncode == 0
    [paused] = running.hears("FAILOVER_EVENT=paused", f"_PID={main_process(running)}")
    assert paused["FAILOVER_BY"] == "daemon (command line)"


def test_drop_in_lets_the_daemon_write_pages_that_others_can_read(running: Machine, drop_in: str) -> None:
    running.run("groupadd", "--system", "failover-pages")
    running.run("install", "-d", "-m", "2775", "-g", "failover-pages", "/var/www/status")
    write = "ExecStartPost=/bin/sh -c 'mkdir /var/www/status/a && echo hello > /var/www/status/a/index.html'\n"
    running.write(drop_in, recipe(1) + write)
    running.restart(UNIT)

    assert running.ask("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat",
                       "/var/www/status/a/index.html") == "hello"  # fmt: skip


# --- the end ---


def test_uninstall_removes_the_service_and_keeps_what_is_the_administrators(running: Machine) -> None:
    """Last in this module: nothing is left to test afterwards."""
    lines = running.ask("/opt/failover/bin/python", "-c", UNINSTALL).splitlines()
    again = running.ask("/opt/failover/bin/python", "-c", UNINSTALL)

    assert running.run("systemctl", "cat", UNIT, check=False).returncode != 0
    assert EVENTS["daemon_started"].message_id.hex not in running.ask("journalctl", "--list-catalog")
    assert running.ask("cat", CONFIG) == GOOD.rstrip("\n")
    assert running.ask("ls", "/var/lib/private/failover/failover.db")
    assert any(line.startswith("kept /etc/failover") for line in lines)
    assert "not there: /etc/systemd/system/failover.service" in again
