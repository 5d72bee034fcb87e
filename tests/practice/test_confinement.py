"""A process that drills on the practice internet cannot leave this machine.

Each test has a process of its own: what is locked stays locked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from failover.practice.confinement import is_here


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        (b"localhost", True),
        (None, True),
        ("", True),
        ("192.0.2.7", False),
        ("0.0.0.0", False),
        ("example.org", False),
        ("localhost.example.org", False),
        (b"graph.facebook.com", False),
    ],
)
def test_what_is_this_machine(host: object, here: bool) -> None:
    assert is_here(host) is here


def run(script: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **env},
        check=False,
    )


LOCKED = """
import socket, sys
from failover.practice.confinement import ConfinedError, confine
confine()
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]):
    pass
tries = {
    "connect": lambda: socket.create_connection(("192.0.2.1", 80), 1),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    "six": lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    "name": lambda: socket.getaddrinfo("graph.facebook.com", 443),
}
for name, attempt in tries.items():
    try:
        attempt()
    except ConfinedError:
        print(name, "refused")
"""


def test_every_way_out_is_locked_and_this_machine_is_open() -> None:
    done = run(LOCKED)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n")[:-1] == ["connect refused", "udp refused", "six refused", "name refused"]


CONFIG = """\
organisation: {name: Example Council, timezone: Europe/London}
platforms: {facebook: {}, telegram: {}, x: {}}
channels:
  facebook-page: {kind: facebook, platform: facebook, page: "987654", token_file: t}
  telegram: {kind: telegram, platform: telegram, chat: "@realcouncil", token_file: t}
  x: {kind: x, platform: x, consumer_key_file: a, consumer_secret_file: b, access_token_file: c,
    access_token_secret_file: d}
  email: {kind: email, host: smtp.real.example.net, username: u, password_file: p, sender: news@example.org,
    recipients_file: people.csv}
  blog: {kind: wordpress, url: "https://blog.real.example.net", username: failover, password_file: w}
  page: {kind: site, folder: public, url: "https://status.real.example.net"}
  hook: {kind: webhook, url: "https://hooks.real.example.net/in", secret_file: h}
routes:
  - {primary: [facebook-page], backups: [telegram, x, email, blog, page, hook]}
sign_off:
  holding: required
  approvers:
    - {name: Ann, telegram: 111222333, email: ann@real.example.net}
"""

WATCHED = """
import json, socket, sys
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and arguments[0].family != socket.AF_UNIX:
        seen.append(arguments[1][0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        seen.append(arguments[0])
sys.addaudithook(watch)
from failover.cli import main
code = main(sys.argv[1:])
print(json.dumps({"code": code, "seen": sorted({str(one) for one in seen}), "calls": len(seen)}), file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def test_nothing_even_tries_to_leave_the_machine(folder: Path) -> None:
    """A full drill with every kind of channel, questions by Telegram and mail, and a proxy in the environment."""
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://proxy.real.example.net:3128")
    command = ("drill", "facebook", "--full", "-c", str(folder / "config.yaml"))
    done = run(WATCHED, *command, **proxies, NO_PROXY="", no_proxy="")

    told = json.loads(done.stderr.splitlines()[-1])
    assert told["code"] == 0, done.stdout + done.stderr
    assert told["seen"] == ["127.0.0.1"]
    assert told["calls"] > 20
    assert done.stdout.startswith("This is a drill on the practice internet: nothing leaves this machine")
    assert "real.example.net" not in done.stdout.replace("https://status.real.example.net", "")
    assert [file.name for file in folder.iterdir()] == ["config.yaml"]


def test_a_configuration_that_is_wrong_is_told_with_its_places(folder: Path) -> None:
    (folder / "config.yaml").write_text("organisation: 7\n", encoding="utf-8")
    done = run(WATCHED, "drill", "facebook", "--practice-internet", "-c", str(folder / "config.yaml"))

    assert json.loads(done.stderr.splitlines()[-1])["code"] == 78
    assert "config.yaml:1:" in done.stderr


def test_a_platform_that_nobody_watches_is_refused(folder: Path) -> None:
    done = run(WATCHED, "drill", "facebok", "-c", str(folder / "config.yaml"))

    assert json.loads(done.stderr.splitlines()[-1])["code"] == 1
    assert "there is no platform 'facebok'; did you mean 'facebook'?" in done.stderr


def test_channels_that_are_kept_for_drills_are_asked_for_first(folder: Path) -> None:
    """With one of them the drill is the daemon's, unless the practice internet is asked for."""
    text = CONFIG.replace("routes:", "  rehearsal: {kind: site, practice: true, folder: drill}\nroutes:")
    (folder / "config.yaml").write_text(f"{text}control: {folder}/control.sock\n", encoding="utf-8")
    done = run(WATCHED, "drill", "facebook", "-c", str(folder / "config.yaml"))

    assert json.loads(done.stderr.splitlines()[-1])["code"] == 3
    assert "--practice-internet" in done.stderr
